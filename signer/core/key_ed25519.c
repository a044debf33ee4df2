#include "signer/core/ed25519_dom2.h"
#include "signer/core/der.h"
#include "signer/core/key.h"

#include <sodium.h>
#include <stdio.h>

#define SEED_SIZE 32u
#define SIGNATURE_SIZE 64u

static const uint8_t oid_value[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t algorithm_value[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};

/* The spellings that CKA_EC_PARAMS has for Ed25519: RFC 8410's OID, the curve's name, and the OID that GnuPG used. */
static const struct {
  const char *bytes;
  size_t len;
} spellings[] = {{"\x06\x03\x2b\x65\x70", 5},
                 {"\x13\x0c" "edwards25519", 14},
                 {"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01", 11}};

enum chio_err chio_ed25519_check_curve(struct chio_attrs templ, struct chio_detail *detail) {
  struct chio_slice params;
  if (!chio_attrs_find(templ, (uint32_t)CKA_EC_PARAMS, &params))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_EC_PARAMS is missing");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(spellings); i++)
    if (chio_slice_equal(params, chio_slice(spellings[i].bytes, spellings[i].len))) return CHIO_OK;
  if (chio_der_is_one_value(params))
    return chio_fail(detail, CHIO_E_CURVE_UNSUPPORTED, "CKA_EC_PARAMS names another curve than Ed25519");
  return chio_fail(detail, CHIO_E_DOMAIN_PARAMS, "CKA_EC_PARAMS is not one DER value");
}

static enum chio_err finish(struct chio_key *key) {
  key->bits = 255;
  return chio_key_make_spki(key, chio_slice(algorithm_value, sizeof algorithm_value),
                            chio_slice(key->ed25519_public, sizeof key->ed25519_public));
}

static enum chio_err ed25519_from_private_bytes(struct chio_slice seed, struct chio_key *key) {
  if (seed.len != SEED_SIZE) return CHIO_E_MALFORMED;
  enum chio_err err = chio_secret_new(crypto_sign_SECRETKEYBYTES, &key->ed25519);
  if (err != CHIO_OK) return err;
  if (crypto_sign_seed_keypair(key->ed25519_public, key->ed25519->data, seed.data) != 0) return CHIO_E_INTERNAL;
  return finish(key);
}

static enum chio_err ed25519_generate(struct chio_attrs params, struct chio_key *key, struct chio_detail *detail) {
  enum chio_err err = chio_ed25519_check_curve(params, detail);
  if (err == CHIO_OK) err = chio_secret_new(crypto_sign_SECRETKEYBYTES, &key->ed25519);
  if (err != CHIO_OK) return err;
  if (crypto_sign_keypair(key->ed25519_public, key->ed25519->data) != 0) return CHIO_E_INTERNAL;
  return finish(key);
}

static enum chio_err ed25519_private_bytes(const struct chio_key *key, struct chio_secret **out_bytes) {
  return chio_secret_copy(chio_slice(key->ed25519->data, SEED_SIZE), out_bytes);
}

static enum chio_err set_public(struct chio_slice point, struct chio_key *key) {
  if (point.len != sizeof key->ed25519_public) return CHIO_E_ATTRIBUTE_VALUE;
  if (crypto_core_ed25519_is_valid_point(point.data) != 1) return CHIO_E_ATTRIBUTE_VALUE;
  memcpy(key->ed25519_public, point.data, point.len);
  return finish(key);
}

/* PKCS #11 v3.1: raw; v2.40 and SoftHSM: in an OCTET STRING; some read v3.0 as BIT STRING. */
static struct chio_slice unwrap_point(struct chio_slice point) {
  static const struct {
    const char *head;
    size_t len;
  } wraps[] = {{"\x04\x20", 2}, {"\x03\x21\x00", 3}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(wraps); i++)
    if (point.len == wraps[i].len + 32 && memcmp(point.data, wraps[i].head, wraps[i].len) == 0)
      return chio_slice(point.data + wraps[i].len, 32);
  return point;
}

static enum chio_err ed25519_from_numbers(struct chio_attrs templ, struct chio_key *key, struct chio_detail *detail) {
  struct chio_slice point;
  enum chio_err err = chio_ed25519_check_curve(templ, detail);
  if (err != CHIO_OK) return err;
  if (!chio_attrs_find(templ, (uint32_t)CKA_EC_POINT, &point))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_EC_POINT is missing");
  err = set_public(unwrap_point(point), key);
  return err != CHIO_OK ? chio_fail(detail, err, "CKA_EC_POINT is not a public key of Ed25519") : CHIO_OK;
}

static enum chio_err ed25519_from_spki(struct chio_slice params, struct chio_slice bits, struct chio_key *key) {
  if (params.len != 0) return CHIO_E_ATTRIBUTE_VALUE;
  return set_public(bits, key);
}

static void ed25519_add_numbers(const struct chio_key *key, bool with_bits, struct chio_buf *attrs) {
  (void)with_bits;
  char hex[2 * sizeof key->ed25519_public + 1];
  sodium_bin2hex(hex, sizeof hex, key->ed25519_public, sizeof key->ed25519_public);
  chio_attrs_add(attrs, (uint32_t)CKA_EC_PARAMS, chio_slice(oid_value, sizeof oid_value));
  /* PKCS #11 v3.0 wants the DER-encoding, v3.1 the bare bytes. All that reads the second reads the first as well;
   * GnuTLS of Debian 12 reads the first alone. */
  uint8_t wrapped[2 + sizeof key->ed25519_public] = {0x04, sizeof key->ed25519_public};
  memcpy(wrapped + 2, key->ed25519_public, sizeof key->ed25519_public);
  chio_attrs_add(attrs, (uint32_t)CKA_EC_POINT, chio_slice(wrapped, sizeof wrapped));
  chio_attrs_add(attrs, (uint32_t)CKA_CHIO_PUBLIC_KEY, chio_slice_str(hex));
}

static size_t ed25519_signature_size(const struct chio_key *key) {
  (void)key;
  return SIGNATURE_SIZE;
}

static enum chio_err ed25519_check_params(const struct chio_key *key, const struct chio_mechanism *mechanism,
                                          const struct chio_mech_params *params) {
  (void)key;
  (void)mechanism;
  return params->context.len <= CHIO_EDDSA_CONTEXT_MAX ? CHIO_OK : CHIO_E_MECHANISM_PARAM;
}

static enum chio_err ed25519_sign(struct chio_key *key, const struct chio_key_op *op, struct chio_buf *out) {
  enum chio_err err = CHIO_OK;
  uint8_t *to = chio_buf_reserve(out, SIGNATURE_SIZE);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  if (op->params->kind == CHIO_PARAMS_EDDSA) {
    const struct chio_dom2 dom = {op->params->prehash, op->params->context};
    err = chio_ed25519_dom2_sign(key->ed25519->data, &dom, op->data, to);
  } else if (crypto_sign_detached(to, NULL, op->data.data, op->data.len, key->ed25519->data) != 0) {
    err = CHIO_E_INTERNAL;
  }
  if (err == CHIO_OK) out->len += SIGNATURE_SIZE;
  return err;
}

static enum chio_err ed25519_verify(struct chio_key *key, const struct chio_key_op *op, struct chio_slice signature) {
  if (op->params->kind == CHIO_PARAMS_EDDSA) {
    const struct chio_dom2 dom = {op->params->prehash, op->params->context};
    return chio_ed25519_dom2_verify(key->ed25519_public, &dom, op->data, signature.data);
  }
  int bad = crypto_sign_verify_detached(signature.data, op->data.data, op->data.len, key->ed25519_public);
  return bad == 0 ? CHIO_OK : CHIO_E_SIGNATURE_INVALID;
}

const struct chio_key_class chio_key_class_ed25519 = {
    .type = CKK_EC_EDWARDS,
    .generate = ed25519_generate,
    .private_bytes = ed25519_private_bytes,
    .from_private_bytes = ed25519_from_private_bytes,
    .from_numbers = ed25519_from_numbers,
    .from_spki = ed25519_from_spki,
    .add_numbers = ed25519_add_numbers,
    .signature_size = ed25519_signature_size,
    .check_params = ed25519_check_params,
    .sign = ed25519_sign,
    .verify = ed25519_verify,
};
