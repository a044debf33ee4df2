/* What a managed HSM attests of a key: GET /keys/NAME/VERSION/attestation, since api-version 7.6. */
#include "kms-adapters/azure.h"
#include "kms-adapters/body.h"

#include <stdio.h>
#include <string.h>

#define ATTESTATION_API_VERSION "7.6"
#define FIELD_MAX (256u * 1024u) /* bytes of one of its members */

/* Vaults have none, whatever keeps their keys. */
static bool is_managed_hsm(const char *host) {
  return strstr(host, ".managedhsm.") != NULL;
}

static enum chio_err check_members(const json_t *attestation, struct chio_detail *detail) {
  static const char *const members[] = {"certificatePemFile", "privateKeyAttestation"};
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; err == CHIO_OK && i < CHIO_ARRAY_LEN(members); i++) {
    struct chio_buf bytes = CHIO_BUF_INIT;
    err = chio_body_bytes(attestation, members[i], true, FIELD_MAX, &bytes, detail);
    chio_buf_clear(&bytes);
  }
  return err;
}

/* What is passed on is what was said of the attestation, in its place: {"attributes":{"attestation":...}}. */
static enum chio_err read_reply(const json_t *reply, const struct chio_key_uri *uri, struct chio_buf *out,
                                struct chio_detail *detail) {
  char version[64];
  const char *kid;
  json_t *attestation = json_object_get(json_object_get(reply, "attributes"), "attestation");
  enum chio_err err = chio_body_text(json_object_get(reply, "key"), "kid", 600, &kid, detail);
  if (err == CHIO_OK) err = chio_azure_check_kid(kid, uri, version, detail);
  if (err != CHIO_OK) return err;
  if (!json_is_object(attestation)) return chio_fail(detail, CHIO_E_UNSUPPORTED, "the key has no attestation");
  err = check_members(attestation, detail);
  if (err != CHIO_OK) return err;
  json_t *whole = json_pack("{s:{s:O}}", "attributes", "attestation", attestation);
  if (whole == NULL) return CHIO_E_NO_MEMORY;
  err = chio_body_write(whole, out);
  json_decref(whole);
  return err;
}

enum chio_err chio_azure_attestation(void *arg, const struct chio_kms_key *key, const struct chio_deadline *deadline,
                                     struct chio_buf *out, struct chio_detail *detail) {
  char host[256], path[CHIO_AZURE_URL_MAX], what[200];
  json_t *reply;
  enum chio_err err = chio_azure_host_name(key->uri.host, host, detail);
  if (err != CHIO_OK) return err;
  if (!is_managed_hsm(host)) return chio_fail(detail, CHIO_E_UNSUPPORTED, "only managed HSMs attest their keys");
  int n = snprintf(path, sizeof path, "/keys/%s/%s/attestation?api-version=" ATTESTATION_API_VERSION, key->uri.key,
                   key->uri.version);
  if (n < 0 || (size_t)n >= sizeof path) return chio_fail(detail, CHIO_E_TOO_LONG, "the name of the key is too long");
  (void)snprintf(what, sizeof what, "attestation of key %.127s", key->uri.key);
  struct chio_azure_call call = {.method = "GET", .host = key->uri.host, .path = path, .has_query = true, .what = what};
  err = chio_azure_call(arg, &call, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = read_reply(reply, &key->uri, out, detail);
  json_decref(reply);
  return err;
}
