#include "attest/dcap_quote.h"

#define AUTH_MAX 4096u
#define CERT_DATA_MAX 65536u

static const uint8_t qe_vendor[16] = CHIO_DCAP_QE_VENDOR;

bool chio_dcap_quote_looks_like(struct chio_slice bytes) {
  return bytes.len >= CHIO_DCAP_HEADER_SIZE && bytes.data[0] >= 3 && bytes.data[0] <= 5 && bytes.data[1] == 0 &&
         memcmp(bytes.data + 12, qe_vendor, sizeof qe_vendor) == 0;
}

static enum chio_err parse_header(struct chio_cursor *c, struct chio_dcap_quote *q) {
  struct chio_slice vendor, rest;
  uint16_t key_type = 0;
  struct chio_cursor start = *c;
  enum chio_err err = chio_cursor_u16le(c, &q->version);
  if (err == CHIO_OK) err = chio_cursor_u16le(c, &key_type);
  if (err == CHIO_OK) err = chio_cursor_u32le(c, &q->tee_type);
  if (err == CHIO_OK) err = chio_cursor_bytes(c, 4, &rest); /* QE and PCE SVN, or reserved */
  if (err == CHIO_OK) err = chio_cursor_bytes(c, sizeof qe_vendor, &vendor);
  if (err == CHIO_OK) err = chio_cursor_bytes(c, CHIO_DCAP_USER_DATA_SIZE, &rest);
  if (err != CHIO_OK) return err;
  if (q->version < 3 || q->version > 5) return CHIO_E_VERSION;
  if (key_type != CHIO_DCAP_KEY_TYPE_P256 || memcmp(vendor.data, qe_vendor, sizeof qe_vendor) != 0)
    return CHIO_E_UNSUPPORTED;
  if (q->tee_type != CHIO_DCAP_TEE_SGX && q->tee_type != CHIO_DCAP_TEE_TDX) return CHIO_E_UNSUPPORTED;
  if (q->version == 3 && q->tee_type != CHIO_DCAP_TEE_SGX) return CHIO_E_UNSUPPORTED;
  q->header = chio_slice(start.at, CHIO_DCAP_HEADER_SIZE);
  return CHIO_OK;
}

/* v5 says what the body is; before, the TEE decides. */
static enum chio_err parse_body(struct chio_cursor *c, struct chio_dcap_quote *q) {
  static const uint32_t sizes[] = {[CHIO_DCAP_BODY_SGX] = CHIO_DCAP_SGX_SIZE,
                                   [CHIO_DCAP_BODY_TD10] = CHIO_DCAP_TD10_SIZE,
                                   [CHIO_DCAP_BODY_TD15] = CHIO_DCAP_TD15_SIZE,
                                   [CHIO_DCAP_BODY_TD15_EXT] = CHIO_DCAP_TD15_EXT_SIZE};
  bool tdx = q->tee_type == CHIO_DCAP_TEE_TDX;
  uint16_t type = tdx ? CHIO_DCAP_BODY_TD10 : CHIO_DCAP_BODY_SGX;
  uint32_t size = sizes[type];
  if (q->version == 5) {
    enum chio_err err = chio_cursor_u16le(c, &type);
    if (err == CHIO_OK) err = chio_cursor_u32le(c, &size);
    if (err != CHIO_OK) return err;
    if (type < CHIO_DCAP_BODY_SGX || type > CHIO_DCAP_BODY_TD15_EXT) return CHIO_E_UNSUPPORTED;
    if (size != sizes[type] || tdx != (type != CHIO_DCAP_BODY_SGX)) return CHIO_E_MALFORMED;
  }
  q->body_type = (enum chio_dcap_body)type;
  return chio_cursor_bytes(c, size, &q->body);
}

/* QE report, its signature, authentication data, certification data: exactly. */
static enum chio_err parse_certification(struct chio_cursor *c, struct chio_dcap_quote *q) {
  uint16_t auth_len = 0;
  uint32_t cert_len = 0;
  enum chio_err err = chio_cursor_bytes(c, CHIO_DCAP_SGX_SIZE, &q->qe_report);
  if (err == CHIO_OK) err = chio_cursor_bytes(c, CHIO_DCAP_SIGNATURE_SIZE, &q->qe_signature);
  if (err == CHIO_OK) err = chio_cursor_u16le(c, &auth_len);
  if (err == CHIO_OK && auth_len > AUTH_MAX) err = CHIO_E_TOO_LONG;
  if (err == CHIO_OK) err = chio_cursor_bytes(c, auth_len, &q->qe_auth);
  if (err == CHIO_OK) err = chio_cursor_u16le(c, &q->cert_type);
  if (err == CHIO_OK) err = chio_cursor_u32le(c, &cert_len);
  if (err == CHIO_OK && cert_len > CERT_DATA_MAX) err = CHIO_E_TOO_LONG;
  if (err == CHIO_OK) err = chio_cursor_bytes(c, cert_len, &q->cert_data);
  return err == CHIO_OK ? chio_cursor_end(c) : err;
}

static enum chio_err parse_signature_data(struct chio_slice data, struct chio_dcap_quote *q) {
  struct chio_cursor c = chio_cursor(data);
  enum chio_err err = chio_cursor_bytes(&c, CHIO_DCAP_SIGNATURE_SIZE, &q->signature);
  if (err == CHIO_OK) err = chio_cursor_bytes(&c, CHIO_DCAP_KEY_SIZE, &q->attestation_key);
  if (err == CHIO_OK && q->version >= 4) {
    uint16_t type = 0;
    uint32_t len = 0;
    err = chio_cursor_u16le(&c, &type);
    if (err == CHIO_OK) err = chio_cursor_u32le(&c, &len);
    if (err == CHIO_OK && (type != CHIO_DCAP_CERT_QE_REPORT || len != c.left)) err = CHIO_E_MALFORMED;
  }
  return err == CHIO_OK ? parse_certification(&c, q) : err;
}

enum chio_err chio_dcap_quote_parse(struct chio_slice bytes, struct chio_dcap_quote *out) {
  struct chio_dcap_quote q = {.version = 0};
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_slice data;
  uint32_t data_len = 0;
  enum chio_err err = parse_header(&c, &q);
  if (err == CHIO_OK) err = parse_body(&c, &q);
  if (err != CHIO_OK) return err;
  q.signed_data = chio_slice(bytes.data, bytes.len - c.left);
  err = chio_cursor_u32le(&c, &data_len);
  if (err == CHIO_OK) err = chio_cursor_bytes(&c, data_len, &data);
  if (err == CHIO_OK) err = parse_signature_data(data, &q);
  if (err != CHIO_OK) return err;
  q.trailing = chio_slice(c.at, c.left);
  *out = q;
  return CHIO_OK;
}
