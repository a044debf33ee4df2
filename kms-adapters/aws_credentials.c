#include "kms-adapters/aws_credentials.h"

#include <stdlib.h>

struct chio_aws_chain {
  struct chio_aws_source source;
  size_t first, last; /* of the table below */
  const char *role;   /* to take on with what the source gives; NULL: none, or it is the web identity's own */
  struct chio_lease *lease;
};

static const struct {
  const char *auth;
  chio_aws_source_fetch *fetch;
} sources[] = {
    {"environment", chio_aws_from_environment}, {"file", chio_aws_from_files},
    {"web-identity", chio_aws_from_web_identity}, {"container", chio_aws_from_container},
    {"instance", chio_aws_from_instance},
};
#define WEB_IDENTITY 2u

/* The first source that is set up. What the others said is of use to nobody but the one who set up none of them. */
static enum chio_err first_found(const struct chio_aws_chain *chain, const struct chio_deadline *deadline,
                                 struct chio_aws_found *out_found, struct chio_detail *detail) {
  struct chio_detail why = {.text = ""};
  CHIO_AUTO(chio_buf) struct chio_buf *looked = chio_buf_new();
  if (looked == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = chain->first; i <= chain->last; i++) {
    enum chio_err err = sources[i].fetch(&chain->source, deadline, out_found, &why);
    if (err == CHIO_OK) return CHIO_OK;
    if (err != CHIO_E_NOT_FOUND)
      return chio_fail(detail, err, "credentials: %s", why.text[0] != '\0' ? why.text : chio_err_text(err));
    chio_buf_printf(looked, "%s%s", looked->len > 0 ? "; " : "", why.text);
  }
  const char *text = chio_buf_cstr(looked);
  return chio_fail(detail, CHIO_E_PERMISSION, "no credentials: %s", text != NULL ? text : "");
}

static enum chio_err fetch(void *arg, const struct chio_deadline *deadline, struct chio_secret **out_secret,
                           uint64_t *out_life_ms, struct chio_detail *detail) {
  const struct chio_aws_chain *chain = arg;
  struct chio_aws_found found;
  enum chio_err err = first_found(chain, deadline, &found, detail);
  if (err != CHIO_OK) return err;
  if (chain->role != NULL) {
    const struct chio_aws_role role = {.arn = chain->role};
    struct chio_secret *base = found.block;
    err = chio_aws_assume_role(&chain->source, &role, base, deadline, &found, detail);
    chio_secret_free(base);
    if (err != CHIO_OK) return err;
  }
  *out_secret = found.block;
  *out_life_ms = found.life_ms;
  return CHIO_OK;
}

enum chio_err chio_aws_chain_new(const struct chio_aws_source *source, const char *auth,
                                 struct chio_aws_chain **out_chain, struct chio_detail *detail) {
  size_t first = 0, last = CHIO_ARRAY_LEN(sources) - 1;
  if (auth == NULL && source->token_file != NULL) auth = sources[WEB_IDENTITY].auth;
  for (size_t i = 0; auth != NULL && i < CHIO_ARRAY_LEN(sources); i++)
    if (strcmp(sources[i].auth, auth) == 0) first = last = i;
  if (auth != NULL && first != last)
    return chio_fail(detail, CHIO_E_CONFIG, "auth is environment, file, web-identity, container or instance");
  struct chio_aws_chain *chain = calloc(1, sizeof *chain);
  if (chain == NULL) return CHIO_E_NO_MEMORY;
  chain->source = *source;
  chain->first = first;
  chain->last = last;
  if (first != WEB_IDENTITY || last != WEB_IDENTITY) {
    chain->role = source->role;
    chain->source.role = NULL;
  }
  enum chio_err err = chio_lease_new(fetch, chain, &chain->lease);
  if (err != CHIO_OK) {
    free(chain);
    return err;
  }
  *out_chain = chain;
  return CHIO_OK;
}

void chio_aws_chain_free(struct chio_aws_chain *chain) {
  if (chain == NULL) return;
  chio_lease_free(chain->lease);
  free(chain);
}

struct chio_lease *chio_aws_chain_lease(struct chio_aws_chain *chain) {
  return chain->lease;
}
