#include "attest/pubkey_write.h"

#include "attest/der_write.h"

#define RSA_BYTES_MIN 256u
#define RSA_BYTES_MAX 512u
#define BIT_STRING 0x03u

/* AlgorithmIdentifiers, whole. */
static const uint8_t id_p256[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                  0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t id_p384[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                  0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t id_p521[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                  0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
static const uint8_t id_ed25519[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t id_rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

static enum chio_err put(struct chio_slice algorithm, struct chio_slice key, struct chio_buf *out) {
  struct chio_buf bits = CHIO_BUF_INIT, inner = CHIO_BUF_INIT;
  chio_buf_append_u8(&bits, 0);
  chio_buf_append_slice(&bits, key);
  chio_buf_append_slice(&inner, algorithm);
  chio_der_put(&inner, BIT_STRING, chio_buf_slice(&bits));
  chio_der_put(out, CHIO_DER_SEQUENCE, chio_buf_slice(&inner));
  if (bits.failed || inner.failed) out->failed = true;
  chio_buf_clear(&bits);
  chio_buf_clear(&inner);
  return chio_buf_err(out);
}

enum chio_err chio_pubkey_put_ec(enum chio_pubkey_kind curve, struct chio_slice x, struct chio_slice y,
                                 struct chio_buf *out) {
  static const struct {
    size_t size;
    struct chio_slice id;
  } curves[] = {[CHIO_PUBKEY_P256] = {32, {id_p256, sizeof id_p256}},
                [CHIO_PUBKEY_P384] = {48, {id_p384, sizeof id_p384}},
                [CHIO_PUBKEY_P521] = {66, {id_p521, sizeof id_p521}}};
  if ((size_t)curve >= CHIO_ARRAY_LEN(curves)) return CHIO_E_UNSUPPORTED;
  if (x.len != curves[curve].size || y.len != curves[curve].size) return CHIO_E_MALFORMED;
  uint8_t point[1 + 2 * 66] = {0x04};
  memcpy(point + 1, x.data, x.len);
  memcpy(point + 1 + x.len, y.data, y.len);
  return put(curves[curve].id, chio_slice(point, 1 + x.len + y.len), out);
}

enum chio_err chio_pubkey_put_ed25519(struct chio_slice x, struct chio_buf *out) {
  if (x.len != 32) return CHIO_E_MALFORMED;
  return put(chio_slice(id_ed25519, sizeof id_ed25519), x, out);
}

static void put_integer(struct chio_buf *out, struct chio_slice number) {
  struct chio_buf padded = CHIO_BUF_INIT;
  if (number.data[0] >= 0x80) chio_buf_append_u8(&padded, 0);
  chio_buf_append_slice(&padded, number);
  chio_der_put(out, CHIO_DER_INTEGER, chio_buf_slice(&padded));
  if (padded.failed) out->failed = true;
  chio_buf_clear(&padded);
}

enum chio_err chio_pubkey_put_rsa(struct chio_slice n, struct chio_slice e, struct chio_buf *out) {
  bool fits = n.len >= RSA_BYTES_MIN && n.len <= RSA_BYTES_MAX && e.len > 0 && e.len <= 4;
  if (!fits || n.data[0] == 0 || e.data[0] == 0) return CHIO_E_UNSUPPORTED;
  struct chio_buf numbers = CHIO_BUF_INIT, key = CHIO_BUF_INIT;
  put_integer(&numbers, n);
  put_integer(&numbers, e);
  chio_der_put(&key, CHIO_DER_SEQUENCE, chio_buf_slice(&numbers));
  if (numbers.failed || key.failed) out->failed = true;
  enum chio_err err = put(chio_slice(id_rsa, sizeof id_rsa), chio_buf_slice(&key), out);
  chio_buf_clear(&numbers);
  chio_buf_clear(&key);
  return err;
}
