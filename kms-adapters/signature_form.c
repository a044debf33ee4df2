#include "kms-adapters/signature_form.h"

#include "signer/base/text.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

size_t chio_ecdsa_width(uint32_t bits) {
  return (bits + 7u) / 8u;
}

/* One positive INTEGER with a one-byte or 81-form length; the cursor is a slice that shrinks from the front. */
static bool take_length(struct chio_slice *rest, size_t *out_len) {
  if (rest->len < 1) return false;
  size_t len = rest->data[0];
  size_t used = 1;
  if (len == 0x81) {
    if (rest->len < 2 || rest->data[1] < 0x80) return false;
    len = rest->data[1];
    used = 2;
  } else if (len > 0x7f) {
    return false;
  }
  if (rest->len - used < len) return false;
  *rest = chio_slice(rest->data + used, rest->len - used);
  *out_len = len;
  return true;
}

static bool take(struct chio_slice *rest, uint8_t tag, struct chio_slice *out_contents) {
  size_t len;
  if (rest->len < 2 || rest->data[0] != tag) return false;
  *rest = chio_slice(rest->data + 1, rest->len - 1);
  if (!take_length(rest, &len)) return false;
  *out_contents = chio_slice(rest->data, len);
  *rest = chio_slice(rest->data + len, rest->len - len);
  return true;
}

static bool take_number(struct chio_slice *rest, size_t width, struct chio_slice *out_number) {
  struct chio_slice n;
  if (!take(rest, 0x02, &n) || n.len == 0 || n.data[0] >= 0x80) return false;
  if (n.data[0] == 0) {
    if (n.len < 2 || n.data[1] < 0x80) return false; /* zero, or not the shortest form */
    n = chio_slice(n.data + 1, n.len - 1);
  }
  *out_number = n;
  return n.len <= width;
}

static void append_padded(struct chio_buf *out, struct chio_slice number, size_t width) {
  for (size_t i = number.len; i < width; i++) chio_buf_append_u8(out, 0);
  chio_buf_append_slice(out, number);
}

enum chio_err chio_ecdsa_from_der(struct chio_slice der, uint32_t bits, struct chio_buf *out,
                                  struct chio_detail *detail) {
  size_t width = chio_ecdsa_width(bits);
  struct chio_slice rest = der;
  struct chio_slice body;
  struct chio_slice r;
  struct chio_slice s;
  if (!take(&rest, 0x30, &body) || rest.len != 0 || !take_number(&body, width, &r) || !take_number(&body, width, &s) ||
      body.len != 0)
    return chio_fail(detail, CHIO_E_BACKEND, "the signature is no ECDSA signature in DER for %u bits", bits);
  append_padded(out, r, width);
  append_padded(out, s, width);
  return chio_buf_err(out);
}

static bool all_zero(const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (bytes[i] != 0) return false;
  return true;
}

enum chio_err chio_ecdsa_from_fixed(struct chio_slice fixed, uint32_t bits, struct chio_buf *out,
                                    struct chio_detail *detail) {
  size_t width = chio_ecdsa_width(bits);
  if (fixed.len != 2 * width)
    return chio_fail(detail, CHIO_E_BACKEND, "the signature has %zu bytes, not %zu", fixed.len, 2 * width);
  if (all_zero(fixed.data, width) || all_zero(fixed.data + width, width))
    return chio_fail(detail, CHIO_E_BACKEND, "r or s of the signature is zero");
  chio_buf_append_slice(out, fixed);
  return chio_buf_err(out);
}

static bool read_curve(EVP_PKEY *pkey, struct chio_kms_key *key) {
  static const struct {
    const char *name;
    uint32_t bits;
  } curves[] = {{"prime256v1", 256}, {"secp384r1", 384}, {"secp521r1", 521}, {"secp256k1", 256}};
  char group[64];
  size_t len;
  if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &len) != 1) return false;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++) {
    if (strcmp(group, curves[i].name) != 0) continue;
    key->key_type = CKK_EC;
    key->bits = curves[i].bits;
    return true;
  }
  return false;
}

static bool read_facts(EVP_PKEY *pkey, struct chio_kms_key *key) {
  if (EVP_PKEY_is_a(pkey, "EC") == 1) return read_curve(pkey, key);
  if (EVP_PKEY_is_a(pkey, "ED25519") == 1) {
    key->key_type = CKK_EC_EDWARDS;
    key->bits = 255;
    return true;
  }
  int bits = EVP_PKEY_get_bits(pkey);
  if (EVP_PKEY_is_a(pkey, "RSA") != 1 || bits < 2048 || bits > 16384) return false;
  key->key_type = CKK_RSA;
  key->bits = (uint32_t)bits;
  return true;
}

enum chio_err chio_kms_key_from_spki(struct chio_slice der, struct chio_kms_key *key, struct chio_detail *detail) {
  const unsigned char *at = der.data;
  if (der.len == 0 || der.len > CHIO_KMS_SPKI_MAX)
    return chio_fail(detail, CHIO_E_BACKEND, "the public key has %zu bytes, not 1 to %u", der.len, CHIO_KMS_SPKI_MAX);
  EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
  bool good = pkey != NULL && at == der.data + der.len && read_facts(pkey, key);
  EVP_PKEY_free(pkey);
  if (!good)
    return chio_fail(detail, CHIO_E_BACKEND, "the public key is none of P-256, P-384, P-521, Ed25519, RSA");
  memcpy(key->spki, der.data, der.len);
  key->spki_len = der.len;
  return CHIO_OK;
}

/* What stands between the two lines, without its line ends. */
static bool pem_body(struct chio_slice pem, struct chio_buf *out) {
  static const char begin[] = "-----BEGIN PUBLIC KEY-----";
  static const char end[] = "-----END PUBLIC KEY-----";
  size_t len = pem.len;
  while (len > 0 && (pem.data[len - 1] == '\n' || pem.data[len - 1] == '\r')) len--;
  size_t marks = sizeof begin + sizeof end - 2;
  if (len < marks || memcmp(pem.data, begin, sizeof begin - 1) != 0 ||
      memcmp(pem.data + len - (sizeof end - 1), end, sizeof end - 1) != 0)
    return false;
  for (size_t i = sizeof begin - 1; i < len - (sizeof end - 1); i++)
    if (pem.data[i] != '\n' && pem.data[i] != '\r') chio_buf_append_u8(out, pem.data[i]);
  return chio_buf_err(out) == CHIO_OK;
}

enum chio_err chio_kms_key_from_pem(struct chio_slice pem, struct chio_kms_key *key, struct chio_detail *detail) {
  struct chio_buf text = CHIO_BUF_INIT;
  struct chio_buf der = CHIO_BUF_INIT;
  bool good = pem.len <= 2 * CHIO_KMS_SPKI_MAX && pem_body(pem, &text) &&
              chio_base64_decode(chio_buf_slice(&text), false, &der) == CHIO_OK;
  enum chio_err err = good ? chio_kms_key_from_spki(chio_buf_slice(&der), key, detail)
                           : chio_fail(detail, CHIO_E_BACKEND, "the public key is no PEM of a public key");
  chio_buf_clear(&text);
  chio_buf_clear(&der);
  return err;
}

enum chio_err chio_digest_info_read(struct chio_slice data, uint32_t *out_digest, struct chio_slice *out_hash,
                                    struct chio_detail *detail) {
  static const struct {
    uint32_t digest;
    uint8_t len;
    uint8_t oid; /* the last octet of id-sha256, id-sha384, id-sha512 (RFC 8017 section 9.2, note 1) */
  } rows[] = {{CHIO_MECH_SHA256, 32, 1}, {CHIO_MECH_SHA384, 48, 2}, {CHIO_MECH_SHA512, 64, 3}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    uint8_t len = rows[i].len;
    const uint8_t head[19] = {0x30, (uint8_t)(17 + len), 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                              0x65, 0x03, 0x04, 0x02, rows[i].oid, 0x05, 0x00, 0x04, len};
    if (data.len != sizeof head + len || memcmp(data.data, head, sizeof head) != 0) continue;
    *out_digest = rows[i].digest;
    *out_hash = chio_slice(data.data + sizeof head, len);
    return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_DATA_INVALID, "the data is no DigestInfo of SHA-256, SHA-384 or SHA-512");
}
