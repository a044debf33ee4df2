/* kms-adapters/azure.h: a challenge (what begins with "Bearer") or the JWK of a key, as a vault answers them. */
#include "kms-adapters/azure.h"
#include "kms-adapters/body.h"

#include "tests/fuzz/fuzz.h"

static void read_challenge(struct chio_slice header) {
  char tenant[128] = "";
  if (chio_azure_challenge_read(header, "https://a", "https://r", tenant, NULL) != CHIO_OK) return;
  FUZZ_HOLDS(tenant[0] != '\0' && strchr(tenant, '/') == NULL);
}

static void read_key(struct chio_slice text) {
  static const struct chio_key_uri uri = {.kind = CHIO_KMS_AZURE, .key = "k", .host = "v.example"};
  static struct chio_kms_key key;
  json_t *jwk;
  if (chio_body_parse(text, "the key", &jwk, NULL) != CHIO_OK) return;
  if (chio_azure_read_key(jwk, &uri, &key, NULL) == CHIO_OK)
    FUZZ_HOLDS(key.spki_len > 0 && key.spki_len <= CHIO_KMS_SPKI_MAX && key.uri.version[0] != '\0');
  json_decref(jwk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 0 && data[0] == 'B')
    read_challenge(chio_slice(data, size));
  else
    read_key(chio_slice(data, size));
  return 0;
}
