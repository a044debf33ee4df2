#include "signer/core/backend_attestation.h"

#include "attest/chio_attest.h"
#include "attest/policy_file.h"
#include "signer/base/log.h"

#include <time.h>

#define DOCUMENT_MAX (64u * 1024u) /* bytes of a provider's attestation that are kept */
#define ROOTS_MAX (64u * 1024u)

#define WANTED (CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_KEY)

void chio_backend_attested_clear(struct chio_backend_attested *attested) {
  chio_buf_clear(&attested->document);
  chio_buf_clear(&attested->proved);
}

/* ---- Configuration ---- */

static enum chio_err read_roots(const struct chio_backend_config *config, struct chio_backend *b,
                                struct chio_detail *detail) {
  static const char word[] = "-----BEGIN CERTIFICATE-----";
  for (size_t i = 0; i < config->attestation_roots_count; i++) {
    const char *path = config->attestation_roots[i];
    size_t before = b->attestation_roots.len;
    enum chio_err err = chio_policy_read_file(path, ROOTS_MAX, &b->attestation_roots);
    chio_buf_append_u8(&b->attestation_roots, '\n');
    if (err == CHIO_OK) err = chio_buf_err(&b->attestation_roots);
    if (err == CHIO_E_NO_MEMORY) return err;
    struct chio_slice text = chio_slice(b->attestation_roots.data + before, b->attestation_roots.len - before);
    if (err != CHIO_OK || memmem(text.data, text.len, word, sizeof word - 1) == NULL)
      return chio_fail(detail, CHIO_E_CONFIG,
                       "backend '%s': attestation_roots: %.160s is no file with a certificate in PEM", b->name, path);
  }
  return CHIO_OK;
}

enum chio_err chio_backend_attestation_config(const struct chio_backend_config *config, struct chio_backend *backend,
                                              struct chio_detail *detail) {
  const char *how = config->attestation != NULL ? config->attestation : "";
  backend->attestation_required = strcmp(how, "require") == 0;
  if (how[0] != '\0' && !backend->attestation_required && strcmp(how, "record") != 0)
    return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': attestation is \"require\" or \"record\"", backend->name);
  return read_roots(config, backend, detail);
}

/* ---- The verdict ---- */

static void write_verdict(const struct chio_attest_result *result, struct chio_buf *out) {
  if (result->accepted && (result->proved & WANTED) == WANTED) {
    chio_buf_append_str(out, CHIO_BACKEND_PROVED);
    if (result->simulated) chio_buf_append_str(out, " (under a root that the configuration names)");
    return;
  }
  const char *why = result->failures_count > 0 ? result->failures[0].text : "not all is proved";
  chio_buf_printf(out, "not verified: %s: %s", chio_attest_reason_code(result->reason), why);
}

static enum chio_err judge(const struct chio_backend *b, const struct chio_backend_key *key,
                           struct chio_backend_attested *out) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  const struct chio_attest_request request = {.evidence = out->document.data,
                                              .evidence_len = out->document.len,
                                              .at = (int64_t)time(NULL),
                                              .root = b->attestation_roots.data,
                                              .root_len = b->attestation_roots.len,
                                              .key = key->spki,
                                              .key_len = key->spki_len};
  int code = chio_attest_verify(&request, &result, &message);
  if (code == CHIO_ATTEST_E_NO_MEMORY) return CHIO_E_NO_MEMORY;
  if (code == CHIO_ATTEST_OK)
    write_verdict(result, &out->proved);
  else
    chio_buf_printf(&out->proved, "not verified: it cannot be judged: %s", message.text);
  chio_attest_result_free(result);
  return chio_buf_err(&out->proved);
}

static bool is_good(struct chio_slice proved) {
  size_t len = strlen(CHIO_BACKEND_PROVED);
  return proved.len >= len && memcmp(proved.data, CHIO_BACKEND_PROVED, len) == 0;
}

bool chio_backend_attested_enough(const struct chio_backend *backend, const struct chio_object *object) {
  struct chio_slice proved;
  if (!backend->attestation_required) return true;
  return chio_attrs_find(object->attrs, CKA_CHIO_BACKEND_PROVED, &proved) && is_good(proved);
}

/* ---- Asking ---- */

static void log_it(const struct chio_backend *b, enum chio_log_level level, const char *event, const char *what,
                   const char *uri, const char *why) {
  chio_log(level, event, what, CHIO_F_STR("backend", b->name), CHIO_F_STR("key", uri), CHIO_F_STR("detail", why));
}

/* The provider's own word for the key, where it gives one. */
static enum chio_err ask(const struct chio_backend *b, const char *uri, unsigned timeout_ms, struct chio_buf *out,
                         struct chio_detail *detail) {
  const struct chio_backends *reach = b->reach;
  if (reach->ops == NULL || reach->ops->attestation == NULL)
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "this signer asks no backend for attestations");
  if (timeout_ms == 0) return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "no time is left in this round");
  enum chio_err err = reach->ops->attestation(reach->self, b->name, uri, timeout_ms, out, detail);
  if (err == CHIO_OK && out->len > DOCUMENT_MAX)
    err = chio_fail(detail, CHIO_E_TOO_LONG, "the attestation is longer than %u bytes", DOCUMENT_MAX);
  if (err != CHIO_OK) chio_buf_reset(out);
  return err;
}

enum chio_err chio_backend_attest(const struct chio_backend *backend, const struct chio_backend_key *key,
                                  unsigned timeout_ms, struct chio_backend_attested *out,
                                  struct chio_detail *detail) {
  struct chio_detail why = {""};
  enum chio_err err = ask(backend, key->uri, timeout_ms, &out->document, &why);
  if (err == CHIO_E_NO_MEMORY) return err;
  if (err != CHIO_OK && backend->attestation_required)
    return chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "the backend gives no attestation of the key: %.160s", why.text);
  if (err != CHIO_OK) {
    if (err != CHIO_E_UNSUPPORTED)
      log_it(backend, CHIO_LOG_INFO, "backend.no_attestation", "the backend gives no attestation of the key", key->uri,
             why.text);
    return CHIO_OK;
  }
  err = judge(backend, key, out);
  if (err != CHIO_OK || is_good(chio_buf_slice(&out->proved))) return err;
  const char *text = chio_buf_cstr(&out->proved);
  if (backend->attestation_required)
    return chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "the backend's attestation of the key does not hold: %.200s",
                     text);
  log_it(backend, CHIO_LOG_NOTICE, "backend.attestation", "the backend's attestation of a key does not hold", key->uri,
         text);
  return CHIO_OK;
}
