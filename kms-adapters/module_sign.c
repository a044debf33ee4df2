#include "kms-adapters/module.h"

#include <string.h>

#define RSA_PKCS1_OVERHEAD 11u /* RFC 8017, 9.2 */

/* RFC 8017, 9.2, note 1: what stands before the digest in a DigestInfo. */
static const struct {
  uint32_t digest;
  uint8_t len;
  uint8_t head[19];
} infos[] = {
    {CHIO_MECH_SHA224, 28, {0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04,
                            0x05, 0x00, 0x04, 0x1c}},
    {CHIO_MECH_SHA256, 32, {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
                            0x05, 0x00, 0x04, 0x20}},
    {CHIO_MECH_SHA384, 48, {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
                            0x05, 0x00, 0x04, 0x30}},
    {CHIO_MECH_SHA512, 64, {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
                            0x05, 0x00, 0x04, 0x40}},
};

static const struct {
  uint32_t digest;
  CK_MECHANISM_TYPE hash;
  CK_RSA_PKCS_MGF_TYPE mgf;
} hashes[] = {
    {CHIO_MECH_SHA224, CKM_SHA224, CKG_MGF1_SHA224},
    {CHIO_MECH_SHA256, CKM_SHA256, CKG_MGF1_SHA256},
    {CHIO_MECH_SHA384, CKM_SHA384, CKG_MGF1_SHA384},
    {CHIO_MECH_SHA512, CKM_SHA512, CKG_MGF1_SHA512},
};

static bool pss_params(const struct chio_mech_params *params, CK_RSA_PKCS_PSS_PARAMS *out) {
  *out = (CK_RSA_PKCS_PSS_PARAMS){.sLen = params->salt_len};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(hashes); i++) {
    if (hashes[i].digest == params->hash) out->hashAlg = hashes[i].hash;
    if (hashes[i].digest == params->mgf_hash) out->mgf = hashes[i].mgf;
  }
  return params->kind == CHIO_PARAMS_PSS && out->hashAlg != 0 && out->mgf != 0;
}

static enum chio_err check_pss(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                               const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  CK_RSA_PKCS_PSS_PARAMS pss;
  if (!pss_params(params, &pss) || (mechanism->digest != 0 && mechanism->digest != params->hash))
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "PSS needs parameters with digests of SHA-2");
  uint32_t digest_len = chio_mechanism_by_wire(params->hash)->digest_len;
  uint32_t largest = (key->bits + 6) / 8 - digest_len - 2;
  if (params->salt_len > largest)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "a PSS salt has at most %u bytes with this key", largest);
  if (data_len != digest_len)
    return chio_fail(detail, CHIO_E_DATA_LEN, "the digest has %zu bytes, not %u", data_len, digest_len);
  return CHIO_OK;
}

enum chio_err chio_module_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  if ((mechanism->flags & CHIO_MECH_SIGN) == 0 || (mechanism->flags & CHIO_MECH_ATTEST) != 0)
    return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "%s: not by another module", mechanism->name);
  if (mechanism->key_type != key->key_type)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "%s is not for this type of key", mechanism->name);
  if (!key->can_sign) return chio_fail(detail, CHIO_E_KEY_TYPE, "the key does not sign");
  if (mechanism->params == CHIO_PARAMS_PSS) return check_pss(key, mechanism, params, data_len, detail);
  if (params->kind == CHIO_PARAMS_EDDSA && (params->prehash || params->context.len > 0))
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "plain Ed25519 only: no prehash, no context");
  if (params->kind == CHIO_PARAMS_PSS)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "%s takes no such parameter", mechanism->name);
  if (mechanism->digest != 0 && data_len != mechanism->digest_len)
    return chio_fail(detail, CHIO_E_DATA_LEN, "the digest has %zu bytes, not %u", data_len, mechanism->digest_len);
  if (key->key_type == CKK_RSA && data_len > key->bits / 8 - RSA_PKCS1_OVERHEAD)
    return chio_fail(detail, CHIO_E_DATA_LEN, "%zu bytes do not fit into the padding", data_len);
  if (key->key_type == CKK_EC && (data_len < 1 || data_len > 64))
    return chio_fail(detail, CHIO_E_DATA_LEN, "ECDSA signs a digest of 1 to 64 bytes");
  if (data_len > CHIO_KMS_MESSAGE_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "a message has at most %u bytes", CHIO_KMS_MESSAGE_MAX);
  return CHIO_OK;
}

/* We have hashed: what goes over is the mechanism without its hash, and for PKCS #1 the DigestInfo. */
static CK_MECHANISM mechanism_for(const struct chio_mechanism *mechanism, const struct chio_mech_params *params,
                                  CK_RSA_PKCS_PSS_PARAMS *pss) {
  if (mechanism->key_type == CKK_EC_EDWARDS) return (CK_MECHANISM){CKM_EDDSA, NULL, 0};
  if (mechanism->key_type == CKK_EC) return (CK_MECHANISM){CKM_ECDSA, NULL, 0};
  if (pss_params(params, pss)) return (CK_MECHANISM){CKM_RSA_PKCS_PSS, pss, sizeof *pss};
  return (CK_MECHANISM){CKM_RSA_PKCS, NULL, 0};
}

static struct chio_slice with_info(uint32_t digest, struct chio_slice data, uint8_t room[19 + 64]) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(infos); i++) {
    if (infos[i].digest != digest || infos[i].len != data.len) continue;
    memcpy(room, infos[i].head, sizeof infos[i].head);
    memcpy(room + sizeof infos[i].head, data.data, data.len);
    return chio_slice(room, sizeof infos[i].head + data.len);
  }
  return data;
}

CK_RV chio_module_sign(struct chio_module *module, CK_SESSION_HANDLE session, const struct chio_module_key *found,
                       const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                       const struct chio_mech_params *params, struct chio_slice data, uint8_t *signature,
                       CK_ULONG *signature_len) {
  uint8_t info[19 + 64];
  CK_RSA_PKCS_PSS_PARAMS pss;
  CK_MECHANISM ckm = mechanism_for(mechanism, params, &pss);
  if (key->key_type == CKK_RSA && ckm.mechanism == CKM_RSA_PKCS && mechanism->digest != 0)
    data = with_info(mechanism->digest, data, info);
  CK_RV rv = module->p11->C_SignInit(session, &ckm, found->object);
  if (rv == CKR_OK && found->always_authenticate) rv = chio_module_login_for_key(module, session);
  if (rv != CKR_OK) return rv;
  return module->p11->C_Sign(session, (CK_BYTE *)(uintptr_t)data.data, data.len, signature, signature_len);
}
