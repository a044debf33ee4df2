#include "attest/snp_table.h"

#include "attest/pem.h"
#include "attest/x509.h"

#define ENTRY_SIZE 24u
#define KINDS 4u

enum kind { VCEK, VLEK, ASK, ARK };

/* The bytes in the order of the text. */
static const uint8_t guids[KINDS][16] = {
    [VCEK] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd},
    [VLEK] = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1},
    [ASK] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82},
    [ARK] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae},
};

static enum kind kind_of(const struct chio_cert *cert) {
  if (cert->has_constraints && cert->is_ca) return chio_slice_equal(cert->issuer, cert->subject) ? ARK : ASK;
  return chio_cert_cn_contains(cert, "VLEK") ? VLEK : VCEK;
}

static enum chio_err sort(struct chio_slice pem, struct chio_buf certs[KINDS]) {
  struct chio_cursor text = chio_cursor(pem);
  for (size_t n = 0; n <= KINDS; n++) {
    struct chio_buf der = CHIO_BUF_INIT;
    struct chio_cert cert;
    enum chio_err err = chio_pem_next(&text, "CERTIFICATE", &der);
    if (err == CHIO_OK) err = chio_cert_parse(chio_buf_slice(&der), &cert);
    if (err == CHIO_OK && certs[kind_of(&cert)].len > 0) err = CHIO_E_TOO_LONG;
    if (err == CHIO_OK) {
      certs[kind_of(&cert)] = der;
      continue;
    }
    chio_buf_clear(&der);
    return err == CHIO_E_NOT_FOUND ? CHIO_OK : err;
  }
  return CHIO_E_TOO_LONG;
}

static void put(const struct chio_buf certs[KINDS], struct chio_buf *out) {
  static const uint8_t end[ENTRY_SIZE];
  uint32_t offset = ENTRY_SIZE;
  for (size_t i = 0; i < KINDS; i++) offset += certs[i].len > 0 ? ENTRY_SIZE : 0;
  for (size_t i = 0; i < KINDS; i++) {
    if (certs[i].len == 0) continue;
    chio_buf_append(out, guids[i], sizeof guids[i]);
    chio_buf_append_u32le(out, offset);
    chio_buf_append_u32le(out, (uint32_t)certs[i].len);
    offset += (uint32_t)certs[i].len;
  }
  chio_buf_append(out, end, sizeof end);
  for (size_t i = 0; i < KINDS; i++) chio_buf_append_slice(out, chio_buf_slice(&certs[i]));
}

enum chio_err chio_snp_table_put(struct chio_slice pem, struct chio_buf *out) {
  struct chio_buf certs[KINDS] = {CHIO_BUF_INIT, CHIO_BUF_INIT, CHIO_BUF_INIT, CHIO_BUF_INIT};
  enum chio_err err = sort(pem, certs);
  if (err == CHIO_OK) put(certs, out);
  for (size_t i = 0; i < KINDS; i++) chio_buf_clear(&certs[i]);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}
