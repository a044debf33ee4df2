#include "kms-adapters/aws_keys.h"

static enum chio_err check(struct chio_slice text, size_t max, const char *what, struct chio_detail *detail) {
  if (text.len > max) return chio_fail(detail, CHIO_E_MALFORMED, "the %s is too long", what);
  for (size_t i = 0; i < text.len; i++)
    if (text.data[i] <= ' ' || text.data[i] > '~')
      return chio_fail(detail, CHIO_E_MALFORMED, "the %s has a character that is not allowed", what);
  return CHIO_OK;
}

enum chio_err chio_aws_keys_pack(struct chio_slice access_key, struct chio_slice secret_key,
                                 struct chio_slice session_token, struct chio_secret **out_block,
                                 struct chio_detail *detail) {
  if (access_key.len == 0 || secret_key.len == 0)
    return chio_fail(detail, CHIO_E_MALFORMED, "the %s key is missing", access_key.len == 0 ? "access" : "secret");
  enum chio_err err = check(access_key, CHIO_AWS_ACCESS_KEY_MAX, "access key", detail);
  if (err == CHIO_OK) err = check(secret_key, CHIO_AWS_SECRET_KEY_MAX, "secret key", detail);
  if (err == CHIO_OK) err = check(session_token, CHIO_AWS_SESSION_TOKEN_MAX, "session token", detail);
  if (err != CHIO_OK) return err;

  struct chio_secret *block;
  err = chio_secret_new(access_key.len + secret_key.len + session_token.len + 3, &block);
  if (err != CHIO_OK) return err;
  memcpy(block->data, access_key.data, access_key.len);
  memcpy(block->data + access_key.len + 1, secret_key.data, secret_key.len);
  if (session_token.len > 0)
    memcpy(block->data + access_key.len + secret_key.len + 2, session_token.data, session_token.len);
  *out_block = block;
  return CHIO_OK;
}

struct chio_aws_keys chio_aws_keys_read(const struct chio_secret *block) {
  struct chio_aws_keys keys;
  size_t access_len = strlen((const char *)block->data);
  uint8_t *secret = block->data + access_len + 1;
  size_t secret_len = strlen((const char *)secret);
  keys.access_key = (const char *)block->data;
  keys.secret_key = (struct chio_secret){secret, secret_len};
  keys.session_token = chio_slice(secret + secret_len + 1, block->len - access_len - secret_len - 3);
  return keys;
}
