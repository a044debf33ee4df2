#include "attest/jwk.h"

#include "attest/der_write.h"
#include "signer/base/text.h"

#define RSA_BYTES_MIN 256u
#define RSA_BYTES_MAX 512u

static enum chio_err read_number(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  return err == CHIO_OK ? chio_base64_decode(text, true, out) : err;
}

static void put_integer(struct chio_buf *out, struct chio_slice number) {
  struct chio_buf padded = CHIO_BUF_INIT;
  if (number.len > 0 && number.data[0] >= 0x80) chio_buf_append_u8(&padded, 0);
  chio_buf_append_slice(&padded, number);
  chio_der_put(out, CHIO_DER_INTEGER, chio_buf_slice(&padded));
  if (padded.failed) out->failed = true;
  chio_buf_clear(&padded);
}

static void put_spki(struct chio_slice n, struct chio_slice e, struct chio_buf *out) {
  static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                      0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
  struct chio_buf numbers = CHIO_BUF_INIT, bits = CHIO_BUF_INIT, inner = CHIO_BUF_INIT;
  put_integer(&numbers, n);
  put_integer(&numbers, e);
  chio_buf_append_u8(&bits, 0);
  chio_der_put(&bits, CHIO_DER_SEQUENCE, chio_buf_slice(&numbers));
  chio_buf_append(&inner, algorithm, sizeof algorithm);
  chio_der_put(&inner, 0x03, chio_buf_slice(&bits));
  chio_der_put(out, CHIO_DER_SEQUENCE, chio_buf_slice(&inner));
  if (numbers.failed || bits.failed || inner.failed) out->failed = true;
  chio_buf_clear(&numbers);
  chio_buf_clear(&bits);
  chio_buf_clear(&inner);
}

enum chio_err chio_jwk_spki(const struct chio_json_doc *doc, const struct chio_json *jwk, struct chio_buf *out) {
  struct chio_buf n = CHIO_BUF_INIT, e = CHIO_BUF_INIT;
  if (!chio_json_is(chio_json_get(doc, jwk, "kty"), "RSA")) return CHIO_E_UNSUPPORTED;
  enum chio_err err = read_number(chio_json_get(doc, jwk, "n"), &n);
  if (err == CHIO_OK) err = read_number(chio_json_get(doc, jwk, "e"), &e);
  bool fits = n.len >= RSA_BYTES_MIN && n.len <= RSA_BYTES_MAX && e.len > 0 && e.len <= 4;
  if (err == CHIO_OK && (!fits || n.data[0] == 0 || e.data[0] == 0)) err = CHIO_E_UNSUPPORTED;
  if (err == CHIO_OK) {
    put_spki(chio_buf_slice(&n), chio_buf_slice(&e), out);
    err = chio_buf_err(out);
  }
  chio_buf_clear(&n);
  chio_buf_clear(&e);
  return err;
}
