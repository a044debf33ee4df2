#include "signer/wire/mech_params.h"

enum chio_err chio_mech_params_encode(const struct chio_mech_params *params, struct chio_buf *out) {
  switch (params->kind) {
    case CHIO_PARAMS_NONE: break;
    case CHIO_PARAMS_EDDSA:
      if (params->context.len > CHIO_EDDSA_CONTEXT_MAX) return CHIO_E_TOO_LONG;
      chio_buf_append_u8(out, CHIO_PARAMS_EDDSA);
      chio_buf_append_u8(out, params->prehash ? 1 : 0);
      chio_buf_append_u32le(out, (uint32_t)params->context.len);
      chio_buf_append_slice(out, params->context);
      break;
    case CHIO_PARAMS_PSS:
      chio_buf_append_u8(out, CHIO_PARAMS_PSS);
      chio_buf_append_u32le(out, params->hash);
      chio_buf_append_u32le(out, params->mgf_hash);
      chio_buf_append_u32le(out, params->salt_len);
      break;
    case CHIO_PARAMS_ATTEST:
      if (params->profile.len > CHIO_PROFILE_NAME_MAX) return CHIO_E_TOO_LONG;
      chio_buf_append_u8(out, CHIO_PARAMS_ATTEST);
      chio_buf_append_u32le(out, (uint32_t)params->profile.len);
      chio_buf_append_slice(out, params->profile);
      break;
  }
  return chio_buf_err(out);
}

static enum chio_err decode_eddsa(struct chio_cursor *c, struct chio_mech_params *params) {
  uint8_t prehash;
  uint32_t len;
  if (chio_cursor_u8(c, &prehash) != CHIO_OK || prehash > 1) return CHIO_E_MECHANISM_PARAM;
  if (chio_cursor_u32le(c, &len) != CHIO_OK || len > CHIO_EDDSA_CONTEXT_MAX) return CHIO_E_MECHANISM_PARAM;
  params->prehash = prehash == 1;
  return chio_cursor_bytes(c, len, &params->context) == CHIO_OK ? CHIO_OK : CHIO_E_MECHANISM_PARAM;
}

static enum chio_err decode_pss(struct chio_cursor *c, struct chio_mech_params *params) {
  if (chio_cursor_u32le(c, &params->hash) != CHIO_OK) return CHIO_E_MECHANISM_PARAM;
  if (chio_cursor_u32le(c, &params->mgf_hash) != CHIO_OK) return CHIO_E_MECHANISM_PARAM;
  return chio_cursor_u32le(c, &params->salt_len) == CHIO_OK ? CHIO_OK : CHIO_E_MECHANISM_PARAM;
}

static enum chio_err decode_attest(struct chio_cursor *c, struct chio_mech_params *params) {
  uint32_t len;
  if (chio_cursor_u32le(c, &len) != CHIO_OK || len == 0 || len > CHIO_PROFILE_NAME_MAX) return CHIO_E_MECHANISM_PARAM;
  if (chio_cursor_bytes(c, len, &params->profile) != CHIO_OK) return CHIO_E_MECHANISM_PARAM;
  for (size_t i = 0; i < len; i++) {
    if (params->profile.data[i] <= ' ' || params->profile.data[i] > '~') return CHIO_E_MECHANISM_PARAM;
  }
  return CHIO_OK;
}

enum chio_err chio_mech_params_decode(struct chio_slice bytes, struct chio_mech_params *out_params) {
  struct chio_mech_params params = {.kind = CHIO_PARAMS_NONE};
  struct chio_cursor c = chio_cursor(bytes);
  uint8_t kind;
  enum chio_err err = CHIO_OK;
  if (bytes.len > 0) {
    if (chio_cursor_u8(&c, &kind) != CHIO_OK) return CHIO_E_MECHANISM_PARAM;
    params.kind = (enum chio_params_kind)kind;
    if (kind == CHIO_PARAMS_EDDSA)
      err = decode_eddsa(&c, &params);
    else if (kind == CHIO_PARAMS_PSS)
      err = decode_pss(&c, &params);
    else if (kind == CHIO_PARAMS_ATTEST)
      err = decode_attest(&c, &params);
    else
      err = CHIO_E_MECHANISM_PARAM;
  }
  if (err != CHIO_OK || c.left > 0) return CHIO_E_MECHANISM_PARAM;
  *out_params = params;
  return CHIO_OK;
}
