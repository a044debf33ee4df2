#include "kms-adapters/vault_sign.h"

#include "signer/base/text.h"

#define RSA_PKCS1_OVERHEAD 11u /* RFC 8017, 9.2 */
#define ECDSA_DATA_MIN 20u     /* a digest of SHA-1's size and up */
#define ECDSA_DATA_MAX 64u

/* Transit's words for digests. */
static const char *hash_word(uint32_t digest) {
  switch (digest) {
    case CHIO_MECH_SHA224: return "sha2-224";
    case CHIO_MECH_SHA256: return "sha2-256";
    case CHIO_MECH_SHA384: return "sha2-384";
    case CHIO_MECH_SHA512: return "sha2-512";
    default: return NULL;
  }
}

static bool is_pss(const struct chio_mechanism *mechanism) {
  return mechanism->params == CHIO_PARAMS_PSS;
}

static enum chio_err check_ecdsa(const struct chio_mechanism *mechanism, size_t data_len, struct chio_detail *detail) {
  if (mechanism->digest == 0 && (data_len < ECDSA_DATA_MIN || data_len > ECDSA_DATA_MAX))
    return chio_fail(detail, CHIO_E_DATA_LEN, "ECDSA signs a digest of %u to %u bytes", ECDSA_DATA_MIN, ECDSA_DATA_MAX);
  return CHIO_OK;
}

static enum chio_err check_eddsa(const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  if (params->kind != CHIO_PARAMS_NONE && (params->prehash || params->context.len > 0))
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "Transit signs with plain Ed25519 only: no prehash, no context");
  if (data_len > CHIO_KMS_MESSAGE_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "a message for Ed25519 goes to the server whole: at most %u bytes",
                     CHIO_KMS_MESSAGE_MAX);
  return CHIO_OK;
}

/* RFC 8017, 9.1.1: the encoded message has to hold the digest, the salt and two bytes. A salt of 0 is Transit's word
 * for "the largest that fits". */
static enum chio_err check_pss(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                               const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  if (params->kind != CHIO_PARAMS_PSS || hash_word(params->hash) == NULL)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "PSS needs parameters with a digest of SHA-2");
  uint32_t digest_len = chio_mechanism_by_wire(params->hash)->digest_len;
  uint32_t largest = (key->bits + 6) / 8 - digest_len - 2;
  if (params->mgf_hash != params->hash || (mechanism->digest != 0 && mechanism->digest != params->hash))
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "Transit hashes with one digest in all of PSS");
  if (params->salt_len < 1 || params->salt_len > largest)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "a PSS salt has 1 to %u bytes with this key", largest);
  if (data_len != digest_len)
    return chio_fail(detail, CHIO_E_DATA_LEN, "the digest has %zu bytes, not %u", data_len, digest_len);
  return CHIO_OK;
}

enum chio_err chio_vault_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                               const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  if ((mechanism->flags & CHIO_MECH_SIGN) == 0 || (mechanism->flags & CHIO_MECH_ATTEST) != 0)
    return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "%s: not by Transit", mechanism->name);
  if (mechanism->key_type != key->key_type)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "%s is not for this type of key", mechanism->name);
  if (!key->can_sign) return chio_fail(detail, CHIO_E_KEY_TYPE, "the key does not sign");
  if (is_pss(mechanism)) return check_pss(key, mechanism, params, data_len, detail);
  if (key->key_type == CKK_EC_EDWARDS) return check_eddsa(params, data_len, detail);
  if (params->kind != CHIO_PARAMS_NONE)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "%s takes no parameter", mechanism->name);
  if (mechanism->digest != 0 && data_len != mechanism->digest_len)
    return chio_fail(detail, CHIO_E_DATA_LEN, "the digest has %zu bytes, not %u", data_len, mechanism->digest_len);
  if (key->key_type == CKK_EC) return check_ecdsa(mechanism, data_len, detail);
  if (data_len > key->bits / 8 - RSA_PKCS1_OVERHEAD)
    return chio_fail(detail, CHIO_E_DATA_LEN, "at most %u bytes fit into the padding",
                     key->bits / 8 - RSA_PKCS1_OVERHEAD);
  return CHIO_OK;
}

/* Always with the scheme and the salt: Transit's own choice is PSS with the largest salt, which no X.509 verifier
 * takes. With the hash "none" it pads what it gets as it is: the caller's DigestInfo is what PKCS #1 wants there. */
static void append_rsa(const struct chio_mechanism *mechanism, const struct chio_mech_params *params,
                       struct chio_buf *out) {
  uint32_t digest = is_pss(mechanism) ? params->hash : mechanism->digest;
  const char *hash = digest != 0 ? hash_word(digest) : "none";
  chio_buf_printf(out, ",\"prehashed\":true,\"hash_algorithm\":\"%s\",\"signature_algorithm\":\"%s\"", hash,
                  is_pss(mechanism) ? "pss" : "pkcs1v15");
  if (!is_pss(mechanism)) return;
  if (params->salt_len == chio_mechanism_by_wire(digest)->digest_len)
    chio_buf_append_str(out, ",\"salt_length\":\"hash\"");
  else
    chio_buf_printf(out, ",\"salt_length\":\"%u\"", params->salt_len);
}

/* The word matters to the server where it hashes, and it does not: any digest is signed as it is. */
static const char *ecdsa_hash(size_t data_len) {
  return data_len >= 64 ? "sha2-512" : data_len >= 48 ? "sha2-384" : "sha2-256";
}

enum chio_err chio_vault_sign_body(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                   const struct chio_mech_params *params, struct chio_slice data,
                                   struct chio_buf *out) {
  chio_buf_append_str(out, "{\"input\":\"");
  chio_base64_append(out, data);
  chio_buf_printf(out, "\",\"key_version\":%s", key->uri.version);
  if (key->key_type == CKK_EC)
    chio_buf_printf(out, ",\"prehashed\":true,\"hash_algorithm\":\"%s\",\"marshaling_algorithm\":\"jws\"",
                    ecdsa_hash(data.len));
  else
    chio_buf_append_str(out, ",\"marshaling_algorithm\":\"asn1\"");
  if (key->key_type == CKK_RSA) append_rsa(mechanism, params, out);
  chio_buf_append_u8(out, '}');
  return chio_buf_err(out);
}
