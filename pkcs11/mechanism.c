#include "pkcs11/mechanism.h"

#include "pkcs11/slot.h"

/* ---- parameters ---- */

static const struct chio_mechanism *digest_row(CK_MECHANISM_TYPE ckm) {
  const struct chio_mechanism *row = chio_mechanism_by_ckm(ckm);
  return row != NULL && row->key_type == CHIO_KEY_NONE && row->digest_len > 0 ? row : NULL;
}

static const struct chio_mechanism *mgf_row(CK_ULONG mgf) {
  switch (mgf) {
    case CKG_MGF1_SHA1: return digest_row(CKM_SHA_1);
    case CKG_MGF1_SHA224: return digest_row(CKM_SHA224);
    case CKG_MGF1_SHA256: return digest_row(CKM_SHA256);
    case CKG_MGF1_SHA384: return digest_row(CKM_SHA384);
    case CKG_MGF1_SHA512: return digest_row(CKM_SHA512);
    default: return NULL;
  }
}

static CK_RV pss_params(const struct chio_mechanism *mechanism, const CK_MECHANISM *given,
                        struct chio_mech_params *out_params) {
  CK_RSA_PKCS_PSS_PARAMS pss;
  if (given->ulParameterLen != sizeof pss) return CKR_MECHANISM_PARAM_INVALID;
  memcpy(&pss, given->pParameter, sizeof pss);
  const struct chio_mechanism *hash = digest_row(pss.hashAlg);
  const struct chio_mechanism *mgf = mgf_row(pss.mgf);
  if (hash == NULL || mgf == NULL || pss.sLen > UINT16_MAX) return CKR_MECHANISM_PARAM_INVALID;
  if (mechanism->digest != 0 && mechanism->digest != hash->wire) return CKR_MECHANISM_PARAM_INVALID;
  *out_params = (struct chio_mech_params){
      .kind = CHIO_PARAMS_PSS, .hash = hash->wire, .mgf_hash = mgf->wire, .salt_len = (uint32_t)pss.sLen};
  return CKR_OK;
}

static CK_RV eddsa_params(const CK_MECHANISM *given, struct chio_mech_params *out_params) {
  struct p11_eddsa_params eddsa;
  if (given->ulParameterLen != sizeof eddsa) return CKR_MECHANISM_PARAM_INVALID;
  memcpy(&eddsa, given->pParameter, sizeof eddsa);
  if (eddsa.phFlag > 1 || eddsa.ulContextDataLen > CHIO_EDDSA_CONTEXT_MAX) return CKR_MECHANISM_PARAM_INVALID;
  if (eddsa.pContextData == NULL && eddsa.ulContextDataLen > 0) return CKR_MECHANISM_PARAM_INVALID;
  *out_params = (struct chio_mech_params){.kind = CHIO_PARAMS_EDDSA,
                                          .prehash = eddsa.phFlag == 1,
                                          .context = chio_slice(eddsa.pContextData, eddsa.ulContextDataLen)};
  return CKR_OK;
}

/* The name of a binding profile, without a NUL. */
static CK_RV attest_params(const CK_MECHANISM *given, struct chio_mech_params *out_params) {
  const CK_BYTE *name = given->pParameter;
  if (given->ulParameterLen > CHIO_PROFILE_NAME_MAX) return CKR_MECHANISM_PARAM_INVALID;
  for (CK_ULONG i = 0; i < given->ulParameterLen; i++) {
    if (name[i] <= ' ' || name[i] > '~') return CKR_MECHANISM_PARAM_INVALID;
  }
  *out_params = (struct chio_mech_params){.kind = CHIO_PARAMS_ATTEST,
                                          .profile = chio_slice(given->pParameter, given->ulParameterLen)};
  return CKR_OK;
}

CK_RV p11_mechanism_params(const struct chio_mechanism *mechanism, const CK_MECHANISM *given,
                           struct chio_mech_params *out_params) {
  if (given->ulParameterLen == 0) {
    if (mechanism->params_required) return CKR_MECHANISM_PARAM_INVALID;
    *out_params = (struct chio_mech_params){.kind = CHIO_PARAMS_NONE};
    return CKR_OK;
  }
  if (given->pParameter == NULL) return CKR_MECHANISM_PARAM_INVALID;
  switch (mechanism->params) {
    case CHIO_PARAMS_NONE: return CKR_MECHANISM_PARAM_INVALID;
    case CHIO_PARAMS_PSS: return pss_params(mechanism, given, out_params);
    case CHIO_PARAMS_EDDSA: return eddsa_params(given, out_params);
    case CHIO_PARAMS_ATTEST: return attest_params(given, out_params);
  }
  return CKR_MECHANISM_PARAM_INVALID;
}

/* ---- C_GetMechanismInfo ---- */

static CK_FLAGS curve_flags(const struct chio_mechanism *mechanism) {
  if (mechanism->key_type == CKK_EC) return CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
  if (mechanism->key_type == CKK_EC_EDWARDS)
    return CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_CURVENAME | CKF_EC_COMPRESS;
  return 0;
}

/* CKF_HW is said of everything: keys do not leave the signer's TEE, and tools take mechanisms without it for software
 * that they leave alone. */
CK_MECHANISM_INFO p11_mechanism_info(const struct chio_mechanism *mechanism) {
  CK_FLAGS flags = CKF_HW | curve_flags(mechanism);
  if ((mechanism->flags & CHIO_MECH_DIGEST) != 0) flags |= CKF_DIGEST;
  if ((mechanism->flags & CHIO_MECH_GENERATE) != 0) flags |= CKF_GENERATE_KEY_PAIR;
  if ((mechanism->flags & CHIO_MECH_SIGN) != 0) flags |= CKF_SIGN;
  /* Evidence is verified offline, by chio-hsm verify. */
  if ((mechanism->flags & (CHIO_MECH_SIGN | CHIO_MECH_ATTEST)) == CHIO_MECH_SIGN)
    flags |= CKF_VERIFY | CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE;
  /* By C_Sign alone. */
  if ((mechanism->flags & CHIO_MECH_BATCH) != 0) flags |= CKF_SIGN;
  return (CK_MECHANISM_INFO){
      .ulMinKeySize = mechanism->min_key, .ulMaxKeySize = mechanism->max_key, .flags = flags};
}

static bool is_listed(const struct p11_slot *slot, const struct chio_mechanism *mechanism) {
  return (mechanism->flags & CHIO_MECH_HIDDEN) == 0 && p11_slot_allows(slot, mechanism->wire);
}

static CK_RV described_slot(struct p11_call *call, CK_SLOT_ID id, struct p11_slot **out_slot) {
  CK_RV rv = p11_slot_find(call, id, out_slot);
  if (rv != CKR_OK) return rv;
  p11_lock();
  bool described = (*out_slot)->mechanism_count > 0;
  p11_unlock();
  return described ? CKR_OK : p11_slot_describe(call, *out_slot);
}

static CK_RV mechanism_list(struct p11_call *call, CK_SLOT_ID id, CK_MECHANISM_TYPE *list, CK_ULONG *count) {
  struct p11_slot *slot;
  CK_RV rv = described_slot(call, id, &slot);
  if (rv != CKR_OK) return rv;
  if (count == NULL) return CKR_ARGUMENTS_BAD;
  size_t rows;
  const struct chio_mechanism *table = chio_mechanism_table(&rows);
  CK_ULONG room = list != NULL ? *count : 0;
  CK_ULONG found = 0;
  for (size_t i = 0; i < rows; i++) {
    if (!is_listed(slot, &table[i])) continue;
    if (found < room) list[found] = table[i].ckm;
    found++;
  }
  *count = found;
  return list != NULL && room < found ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count) {
  struct p11_call call;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, mechanism_list(&call, slot, list, count));
}

static CK_RV mechanism_info(struct p11_call *call, CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info) {
  struct p11_slot *slot;
  CK_RV rv = described_slot(call, id, &slot);
  if (rv != CKR_OK) return rv;
  if (info == NULL) return CKR_ARGUMENTS_BAD;
  const struct chio_mechanism *mechanism = chio_mechanism_by_ckm(type);
  if (mechanism == NULL || !is_listed(slot, mechanism)) return CKR_MECHANISM_INVALID;
  *info = p11_mechanism_info(mechanism);
  return CKR_OK;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info) {
  struct p11_call call;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, mechanism_info(&call, slot, type, info));
}
