#include "tools/hsm/issuer.h"

#include "tools/hsm/signer.h"

static bool is_uri(const char *name) {
  return strncmp(name, "chio:", 5) == 0;
}

/* The token of a URI is its own: what the command line says of tokens is about the key. */
static enum chio_err read_uri(const struct hsm *hsm, struct hsm *view, struct chio_detail *detail) {
  const char *signer = hsm->option[HSM_OPT_SIGNER];
  view->option[HSM_OPT_TOKEN] = view->option[HSM_OPT_SLOT] = view->option[HSM_OPT_PIN_SOURCE] = NULL;
  enum chio_err err = hsm_key_uri_parse(view, view->word[0], detail);
  if (err != CHIO_OK) return err;
  if (view->uri->signer != NULL && (signer == NULL || strcmp(signer, view->uri->signer) != 0))
    return chio_fail(detail, CHIO_E_ARGUMENT, "issuer and key are in one signer: --signer says which");
  if (view->option[HSM_OPT_PIN_SOURCE] == NULL) view->option[HSM_OPT_PIN_SOURCE] = hsm->option[HSM_OPT_PIN_SOURCE];
  return CHIO_OK;
}

enum chio_err hsm_issuer_open(struct hsm *hsm, struct hsm_issuer *out_issuer, struct chio_detail *detail) {
  struct hsm *view = &out_issuer->view;
  const char *name = hsm->option[HSM_OPT_ISSUER];
  memset(out_issuer, 0, sizeof *out_issuer);
  *view = *hsm;
  view->word[0] = name;
  view->uri = NULL;
  view->login = NULL;
  enum chio_err err = CHIO_OK;
  if (is_uri(name)) {
    view->token_label[0] = '\0';
    err = read_uri(hsm, view, detail);
  }
  if (err == CHIO_OK) err = hsm_token(view, detail);
  /* One token, one login. */
  if (err == CHIO_OK && view->slot == hsm->slot) view->login = hsm->login;
  if (err == CHIO_OK) err = hsm_login(view, detail);
  if (err == CHIO_OK) err = hsm_key_find(view, name, &out_issuer->keys, detail);
  if (err == CHIO_OK && !out_issuer->keys.list[0].private_half.known)
    err = chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private key '%s'", view->token_label, name);
  return err;
}

void hsm_issuer_close(struct hsm *hsm, struct hsm_issuer *issuer) {
  hsm_keys_clear(&issuer->keys);
  if (issuer->view.login != hsm->login) chio_login_end(issuer->view.login, hsm->client);
  chio_uri_free(issuer->view.uri);
}
