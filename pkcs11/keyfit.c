#include "pkcs11/keyfit.h"

#include "signer/base/macros.h"

#define ED25519_SIGNATURE_LEN 64u

static struct chio_slice value_of(struct chio_attrs key, CK_ATTRIBUTE_TYPE type) {
  struct chio_slice value = {NULL, 0};
  (void)chio_attrs_find(key, (uint32_t)type, &value);
  return value;
}

/* ---- sizes ---- */

/* The bits of a big-endian number. */
static uint32_t number_bits(struct chio_slice n) {
  while (n.len > 0 && n.data[0] == 0) n = chio_slice(n.data + 1, n.len - 1);
  if (n.len == 0 || n.len > 8192) return 0;
  uint32_t bits = (uint32_t)(n.len - 1) * 8;
  for (uint8_t top = n.data[0]; top != 0; top >>= 1) bits++;
  return bits;
}

/* The curves of the token: their parameters as they are written, DER. 0 for another one. */
static uint32_t curve_bits(struct chio_slice params) {
  static const struct {
    uint32_t bits;
    const char *der;
    size_t len;
  } curves[] = {
      {256, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10}, /* OID prime256v1 */
      {384, "\x06\x05\x2b\x81\x04\x00\x22", 7},              /* OID secp384r1 */
      {521, "\x06\x05\x2b\x81\x04\x00\x23", 7},              /* OID secp521r1 */
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++)
    if (chio_slice_equal(params, chio_slice(curves[i].der, curves[i].len))) return curves[i].bits;
  return 0;
}

static uint32_t key_bits(struct chio_attrs key, uint64_t type) {
  if (type == CKK_RSA) return number_bits(value_of(key, CKA_MODULUS));
  if (type == CKK_EC) return curve_bits(value_of(key, CKA_EC_PARAMS));
  return 0;
}

size_t p11_key_signature_len(struct chio_attrs key, const struct chio_mechanism *mechanism) {
  uint64_t type = chio_attrs_ulong(key, (uint32_t)CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
  if ((mechanism->flags & CHIO_MECH_ATTEST) != 0) return 0;
  if (type == CKK_EC_EDWARDS) return ED25519_SIGNATURE_LEN;
  size_t bytes = (key_bits(key, type) + 7) / 8;
  return type == CKK_EC ? 2 * bytes : bytes;
}

/* ---- whether it fits ---- */

static bool is_allowed(struct chio_attrs key, CK_MECHANISM_TYPE ckm) {
  struct chio_slice list = value_of(key, CKA_ALLOWED_MECHANISMS);
  struct chio_cursor c = chio_cursor(list);
  uint64_t one;
  while (chio_cursor_u64le(&c, &one) == CHIO_OK)
    if (one == ckm) return true;
  return list.len == 0;
}

/* RFC 8017, 9.1.1: emLen >= hLen + sLen + 2, where emLen is that of modBits - 1 bits. */
static bool salt_fits(const struct chio_mech_params *params, uint32_t modulus_bits) {
  const struct chio_mechanism *hash = chio_mechanism_by_wire(params->hash);
  if (hash == NULL || modulus_bits == 0) return false;
  return (uint64_t)hash->digest_len + params->salt_len + 2 <= (modulus_bits - 1 + 7) / 8;
}

static CK_RV check_use(struct chio_attrs key, const struct chio_mechanism *mechanism, bool to_sign) {
  /* Evidence about a key is no use of the key: the signer alone decides on it. */
  if ((mechanism->flags & CHIO_MECH_ATTEST) != 0) return CKR_OK;
  CK_ATTRIBUTE_TYPE use = to_sign ? CKA_SIGN : CKA_VERIFY;
  if (!chio_attrs_bool(key, (uint32_t)use, false)) return CKR_KEY_FUNCTION_NOT_PERMITTED;
  return is_allowed(key, mechanism->ckm) ? CKR_OK : CKR_MECHANISM_INVALID;
}

CK_RV p11_key_fits(struct chio_attrs key, const struct chio_mechanism *mechanism,
                   const struct chio_mech_params *params, bool to_sign) {
  uint64_t class = chio_attrs_ulong(key, (uint32_t)CKA_CLASS, CKO_DATA);
  uint64_t type = chio_attrs_ulong(key, (uint32_t)CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
  if (class != CKO_PUBLIC_KEY && class != CKO_PRIVATE_KEY && class != CKO_SECRET_KEY) return CKR_KEY_HANDLE_INVALID;
  if (mechanism->key_type != CHIO_KEY_ANY && mechanism->key_type != type) return CKR_KEY_TYPE_INCONSISTENT;
  if (class != (to_sign ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY)) return CKR_KEY_FUNCTION_NOT_PERMITTED;
  CK_RV rv = check_use(key, mechanism, to_sign);
  if (rv != CKR_OK) return rv;
  uint32_t bits = key_bits(key, type);
  if (bits > 0 && mechanism->max_key > 0 && (bits < mechanism->min_key || bits > mechanism->max_key))
    return CKR_KEY_SIZE_RANGE;
  if (params->kind == CHIO_PARAMS_PSS && !salt_fits(params, bits)) return CKR_MECHANISM_PARAM_INVALID;
  return CKR_OK;
}
