/*
 * Replies of KMS servers. The first byte chooses the parser, the rest is the body. What is taken keeps its promises: a
 * signature has its full width, a key's facts come from its public key, a header line is one line.
 */
#include "kms-adapters/body.h"
#include "kms-adapters/vault_reply.h"
#include "tests/fuzz/fuzz.h"

static const struct chio_kms_key ec_key = {
    .uri = {.kind = CHIO_KMS_VAULT, .key = "k", .version = "1"}, .key_type = CKK_EC, .bits = 256, .can_sign = true};
static const struct chio_kms_key rsa_key = {
    .uri = {.kind = CHIO_KMS_VAULT, .key = "k", .version = "1"}, .key_type = CKK_RSA, .bits = 2048, .can_sign = true};

static void vault_key(json_t *reply) {
  struct chio_kms_key key = {.uri = {.kind = CHIO_KMS_VAULT, .key = "k"}};
  if (chio_vault_key_read(reply, &key, NULL) != CHIO_OK) return;
  FUZZ_HOLDS(key.uri.version[0] != '\0' && key.spki_len > 0 && key.spki_len <= sizeof key.spki && key.bits > 0);
}

static void vault_signature(json_t *reply, const struct chio_kms_key *key, size_t width) {
  struct chio_buf out = CHIO_BUF_INIT;
  enum chio_err err = chio_vault_signature_read(reply, key, &out, NULL);
  FUZZ_HOLDS(out.len == (err == CHIO_OK ? width : 0));
  chio_buf_clear(&out);
}

static void vault_auth(json_t *reply) {
  struct chio_secret *header = NULL;
  uint64_t life_ms;
  bool renewable;
  if (chio_vault_auth_read(reply, &header, &life_ms, &renewable, NULL) != CHIO_OK) return;
  FUZZ_HOLDS(header->data[header->len - 1] == '\0' && strlen((const char *)header->data) + 1 == header->len);
  FUZZ_HOLDS(strpbrk((const char *)header->data, "\r\n") == NULL);
  chio_secret_free(header);
}

static void vault_refusal(struct chio_slice body) {
  struct chio_detail why;
  (void)chio_vault_refusal(400, body, &why);
  for (const char *c = why.text; *c != '\0'; c++) FUZZ_HOLDS(*c >= ' ' && *c <= '~');
  (void)chio_vault_token_is_bad(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *reply = NULL;
  if (size < 1) return 0;
  struct chio_slice body = chio_slice(data + 1, size - 1);
  if (data[0] == 'r') {
    vault_refusal(body);
    return 0;
  }
  if (chio_body_parse(body, "the reply", &reply, NULL) != CHIO_OK) return 0;
  switch (data[0]) {
    case 'k': vault_key(reply); break;
    case 's': vault_signature(reply, &ec_key, 64); break;
    case 'S': vault_signature(reply, &rsa_key, 256); break;
    case 'a': vault_auth(reply); break;
    default: break;
  }
  json_decref(reply);
  return 0;
}
