#include "signer/core/root_release.h"

#include "attest/maa_request.h"
#include "attest/node.h"
#include "signer/base/text.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#define ROOTS_MAX (1024u * 1024u) /* bytes of PEM */
#define SYMMETRIC 0u              /* enum chio_kms_cipher_kind; of no meaning for a release */

/* One release under way. */
struct release {
  const struct chio_root_kms *source;
  struct chio_release_key key;
  char uri[CHIO_ROOT_RELEASE_URI_MAX];
  struct chio_recipient *recipient; /* the wrapping key */
  struct chio_buf runtime, token, nonce, roots;
};

static void release_clear(struct release *r) {
  chio_recipient_free(r->recipient);
  chio_buf_clear(&r->runtime);
  chio_buf_clear(&r->token);
  chio_buf_clear(&r->nonce);
  chio_buf_clear(&r->roots);
}

bool chio_root_release_is_meant(const struct chio_root_kms *source) {
  return source->platform != NULL && source->key != NULL && strncmp(source->key, "azurekms:", 9) == 0;
}

bool chio_root_release_fits(const struct chio_root_kms *source, const char *uri) {
  struct chio_release_key ours, theirs;
  if (chio_release_key_parse(source->key, &ours, NULL) != CHIO_OK) return false;
  if (chio_release_key_parse(uri, &theirs, NULL) != CHIO_OK) return false;
  return strcmp(ours.host, theirs.host) == 0 && strcmp(ours.name, theirs.name) == 0 &&
         (ours.version[0] == '\0' || strcmp(ours.version, theirs.version) == 0);
}

static void write_uri(const struct chio_release_key *key, char out[CHIO_ROOT_RELEASE_URI_MAX]) {
  (void)snprintf(out, CHIO_ROOT_RELEASE_URI_MAX, "azurekms://%s/%s%s%s", key->host, key->name,
                 key->version[0] != '\0' ? "/" : "", key->version);
}

/* A file that the configuration may name. */
static enum chio_err read_file(const char *path, size_t max, struct chio_buf *out, struct chio_detail *detail) {
  if (path == NULL || path[0] == '\0') return CHIO_OK;
  return chio_node_read(AT_FDCWD, path, max, out, detail) == CHIO_OK ? CHIO_OK : CHIO_E_CONFIG;
}

/* As the container platform leaves them: base64, with or without a line's end. */
static enum chio_err read_endorsements(const char *path, struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *text = chio_buf_new();
  if (text == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = read_file(path, CHIO_MAA_ENDORSEMENTS_MAX, text, detail);
  while (text->len > 0 && (text->data[text->len - 1] == '\n' || text->data[text->len - 1] == '\r')) text->len--;
  if (err != CHIO_OK || text->len == 0) return err;
  if (chio_base64_decode(chio_buf_slice(text), false, out) == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "%s is not base64", path);
}

/* ---- The attestation service ---- */

static enum chio_err make_evidence(struct release *r, struct chio_buf *quote, struct chio_buf *certificates,
                                   struct chio_detail *detail) {
  const struct chio_root_kms *s = r->source;
  uint8_t report_data[CHIO_REPORT_DATA_SIZE];
  enum chio_err err = chio_maa_runtime(chio_recipient_spki(r->recipient), &r->runtime);
  if (err == CHIO_OK) err = chio_maa_report_data(chio_buf_slice(&r->runtime), report_data);
  if (err == CHIO_OK) err = chio_platform_quote(s->platform, report_data, quote, detail);
  if (err == CHIO_OK) err = chio_platform_certificates(s->platform, certificates);
  if (err == CHIO_OK && certificates->len == 0)
    err = read_file(s->certificates, CHIO_MAA_CERTIFICATES_MAX, certificates, detail);
  return err;
}

static enum chio_err write_request(struct release *r, const char **out_path, struct chio_buf *body,
                                   struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *quote = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *certificates = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *endorsements = chio_buf_new();
  if (quote == NULL || certificates == NULL || endorsements == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = make_evidence(r, quote, certificates, detail);
  if (err == CHIO_OK) err = read_endorsements(r->source->endorsements, endorsements, detail);
  if (err != CHIO_OK) return err;
  const struct chio_maa_evidence evidence = {.platform = chio_platform_name(r->source->platform),
                                             .quote = chio_buf_slice(quote),
                                             .runtime = chio_buf_slice(&r->runtime),
                                             .certificates = chio_buf_slice(certificates),
                                             .endorsements = chio_buf_slice(endorsements)};
  return chio_maa_request(&evidence, out_path, body, detail);
}

static enum chio_err get_token(struct release *r, struct chio_detail *detail) {
  const struct chio_backends *reach = r->source->reach;
  CHIO_AUTO(chio_buf) struct chio_buf *body = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *answer = chio_buf_new();
  const char *path = NULL;
  uint32_t status = 0;
  if (body == NULL || answer == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_recipient_new(&r->recipient);
  if (err == CHIO_OK) err = write_request(r, &path, body, detail);
  if (err == CHIO_OK)
    err = reach->ops->judge(reach->self, path, chio_buf_slice(body), CHIO_ROOT_KMS_TIMEOUT_MS, &status, answer, detail);
  if (err == CHIO_OK) err = chio_maa_read_answer(status, chio_buf_slice(answer), &r->token, detail);
  if (err != CHIO_OK) return err;
  return chio_maa_check_token(chio_buf_slice(&r->token), chio_buf_slice(&r->runtime), (int64_t)time(NULL), detail);
}

/* ---- The vault ---- */

static enum chio_err make_nonce(struct chio_buf *out) {
  uint8_t bytes[CHIO_RELEASE_NONCE_SIZE];
  randombytes_buf(bytes, sizeof bytes);
  chio_base64url_append(out, chio_slice(bytes, sizeof bytes));
  return chio_buf_err(out);
}

static enum chio_err ask_vault(struct release *r, struct chio_secret **out_material, struct chio_detail *detail) {
  const struct chio_root_kms *s = r->source;
  CHIO_AUTO(chio_secret) struct chio_secret *jws = NULL;
  char version[CHIO_RELEASE_VERSION_MAX + 1];
  enum chio_err err = read_file(s->signer_ca_file, ROOTS_MAX, &r->roots, detail);
  if (err == CHIO_OK) err = make_nonce(&r->nonce);
  if (err == CHIO_OK)
    err = s->reach->ops->decrypt(s->reach->self, s->backend, r->uri, SYMMETRIC, chio_buf_slice(&r->nonce),
                                 chio_buf_slice(&r->token), chio_slice(NULL, 0), CHIO_ROOT_KMS_TIMEOUT_MS, &jws,
                                 detail);
  const struct chio_release_terms terms = {
      .key = &r->key, .nonce = chio_buf_slice(&r->nonce), .roots = chio_buf_slice(&r->roots)};
  if (err == CHIO_OK)
    err = chio_release_open(&terms, r->recipient, chio_secret_slice(jws), out_material, version, detail);
  if (err == CHIO_OK) memcpy(r->key.version, version, sizeof version);
  return err;
}

enum chio_err chio_root_release_get(const struct chio_root_kms *source, const char *uri,
                                    struct chio_secret **out_material, char out_uri[CHIO_ROOT_RELEASE_URI_MAX],
                                    struct chio_detail *detail) {
  struct release r = {.source = source};
  if (source->attestation == NULL || source->attestation[0] == '\0' || source->reach->ops->judge == NULL)
    return chio_fail(detail, CHIO_E_CONFIG, "a key is released for evidence that the service at seal_kms.attestation "
                                            "has judged: name it");
  enum chio_err err = chio_release_key_parse(uri, &r.key, detail);
  if (err == CHIO_OK) write_uri(&r.key, r.uri);
  if (err == CHIO_OK) err = get_token(&r, detail);
  if (err == CHIO_OK) err = ask_vault(&r, out_material, detail);
  if (err == CHIO_OK) write_uri(&r.key, out_uri);
  release_clear(&r);
  return err;
}
