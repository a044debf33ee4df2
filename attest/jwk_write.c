#include "attest/jwk_write.h"

#include "signer/base/text.h"

static void put_ec(const struct chio_pubkey *key, const char *curve, struct chio_buf *out) {
  size_t half = (key->bits.len - 1) / 2;
  chio_buf_printf(out, "{\"crv\":\"%s\",\"kty\":\"EC\"", curve);
  chio_base64url_put(out, ",\"x\":\"", chio_slice(key->bits.data + 1, half));
  chio_base64url_put(out, ",\"y\":\"", chio_slice(key->bits.data + 1 + half, half));
  chio_buf_append_u8(out, '}');
}

static enum chio_err put_rsa(const struct chio_pubkey *key, struct chio_buf *out) {
  struct chio_slice n, e;
  enum chio_err err = chio_pubkey_rsa_numbers(key, &n, &e);
  if (err != CHIO_OK) return err;
  chio_base64url_put(out, "{\"e\":\"", e);
  chio_base64url_put(out, ",\"kty\":\"RSA\",\"n\":\"", n);
  chio_buf_append_u8(out, '}');
  return CHIO_OK;
}

enum chio_err chio_jwk_put(struct chio_slice spki, struct chio_buf *out) {
  struct chio_pubkey key;
  enum chio_err err = chio_pubkey_parse(spki, &key);
  if (err != CHIO_OK) return err;
  switch (key.kind) {
    case CHIO_PUBKEY_P256: put_ec(&key, "P-256", out); break;
    case CHIO_PUBKEY_P384: put_ec(&key, "P-384", out); break;
    case CHIO_PUBKEY_P521: put_ec(&key, "P-521", out); break;
    case CHIO_PUBKEY_ED25519:
      chio_base64url_put(out, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"", key.bits);
      chio_buf_append_u8(out, '}');
      break;
    case CHIO_PUBKEY_RSA: err = put_rsa(&key, out); break;
    default: return CHIO_E_KEY_TYPE;
  }
  return err == CHIO_OK ? chio_buf_err(out) : err;
}
