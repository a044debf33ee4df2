#include "attest/snp_vek.h"

#include "attest/der.h"
#include "attest/pem.h"

/* 1.3.6.1.4.1.3704.1 */
static const uint8_t arc[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01};

static enum chio_err find(const struct chio_cert *cert, uint8_t first, uint8_t second, struct chio_slice *out) {
  uint8_t oid[sizeof arc + 2];
  memcpy(oid, arc, sizeof arc);
  oid[sizeof arc] = first;
  oid[sizeof arc + 1] = second;
  return chio_cert_extension(cert, chio_slice(oid, sizeof arc + (second != 0 ? 2 : 1)), out);
}

static enum chio_err read_svn(const struct chio_cert *cert, uint8_t number, uint8_t *out) {
  struct chio_slice value;
  uint64_t svn;
  enum chio_err err = find(cert, 3, number, &value);
  if (err != CHIO_OK) return err;
  struct chio_cursor c = chio_cursor(value);
  err = chio_der_uint(&c, CHIO_DER_T_INTEGER, 255, &svn);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK) *out = (uint8_t)svn;
  return err;
}

/* An IA5String whose text begins with the product: "Milan-B0". */
static enum chio_snp_product read_product(const struct chio_cert *cert) {
  struct chio_slice value, name;
  if (find(cert, 2, 0, &value) != CHIO_OK) return CHIO_SNP_UNKNOWN;
  struct chio_cursor c = chio_cursor(value);
  if (chio_der_expect(&c, 0x16, &name) != CHIO_OK || chio_cursor_end(&c) != CHIO_OK) return CHIO_SNP_UNKNOWN;
  for (int p = CHIO_SNP_MILAN; p <= CHIO_SNP_TURIN; p++) {
    const char *text = chio_snp_product_name((enum chio_snp_product)p);
    size_t len = strlen(text);
    if (name.len < len || memcmp(name.data, text, len) != 0) continue;
    if (name.len == len || name.data[len] == '-') return (enum chio_snp_product)p;
  }
  return CHIO_SNP_UNKNOWN;
}

/* The bytes themselves in older certificates, an OCTET STRING in newer ones. */
static enum chio_err read_hw_id(const struct chio_cert *cert, struct chio_slice *out) {
  struct chio_slice value, inner;
  enum chio_err err = find(cert, 4, 0, &value);
  if (err != CHIO_OK) return err;
  struct chio_cursor c = chio_cursor(value);
  if (value.len != 64 && value.len != 8 && chio_der_expect(&c, CHIO_DER_T_OCTET_STRING, &inner) == CHIO_OK &&
      c.left == 0) {
    value = inner;
  }
  if (value.len != 64 && value.len != 8) return CHIO_E_MALFORMED;
  *out = value;
  return CHIO_OK;
}

static enum chio_err read_csp_id(const struct chio_cert *cert, struct chio_slice *out) {
  struct chio_slice value;
  enum chio_err err = find(cert, 5, 0, &value);
  if (err != CHIO_OK) return err;
  struct chio_cursor c = chio_cursor(value);
  err = chio_der_expect(&c, 0x16, out);
  return err == CHIO_OK ? chio_cursor_end(&c) : err;
}

enum chio_err chio_snp_vek_parse(const struct chio_cert *cert, struct chio_snp_vek *out) {
  struct chio_snp_vek vek = {.product = read_product(cert)};
  bool vlek = chio_cert_cn_is(cert, "SEV-VLEK");
  if (!vlek && !chio_cert_cn_is(cert, "SEV-VCEK")) return CHIO_E_NOT_FOUND;
  vek.kind = vlek ? CHIO_SNP_VLEK : CHIO_SNP_VCEK;
  enum chio_err err = read_svn(cert, 1, &vek.tcb.bootloader);
  if (err == CHIO_OK) err = read_svn(cert, 2, &vek.tcb.tee);
  if (err == CHIO_OK) err = read_svn(cert, 3, &vek.tcb.snp);
  if (err == CHIO_OK) err = read_svn(cert, 8, &vek.tcb.microcode);
  if (err == CHIO_OK && vek.product == CHIO_SNP_TURIN) err = read_svn(cert, 9, &vek.tcb.fmc);
  if (err == CHIO_OK) err = vlek ? read_csp_id(cert, &vek.csp_id) : read_hw_id(cert, &vek.hw_id);
  if (err != CHIO_OK || cert->key.kind != CHIO_PUBKEY_P384 || cert->is_ca) return CHIO_E_MALFORMED;
  *out = vek;
  return CHIO_OK;
}

/* ---- The table ---- */

#define ENTRY_SIZE 24u
#define ENTRIES_MAX 16u

static const uint8_t guids[][16] = {
    {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd}, /* VCEK */
    {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1}, /* VLEK */
    {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82}, /* ASK */
    {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae}, /* ARK */
};

static bool known_guid(const uint8_t *guid) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(guids); i++) {
    if (memcmp(guids[i], guid, 16) == 0) return true;
  }
  return false;
}

bool chio_snp_table_looks_like(struct chio_slice bytes) {
  return bytes.len >= 2 * ENTRY_SIZE && known_guid(bytes.data);
}

static void add_entry(struct chio_slice bytes, struct chio_cert_set *certs) {
  if (chio_pem_has(bytes, "CERTIFICATE"))
    (void)!chio_cert_set_add_pem(certs, bytes, 4);
  else
    (void)!chio_cert_set_add(certs, bytes);
}

enum chio_err chio_snp_table_add(struct chio_slice table, struct chio_cert_set *certs) {
  static const uint8_t zero[ENTRY_SIZE];
  struct chio_cursor c = chio_cursor(table);
  for (unsigned i = 0; i < ENTRIES_MAX; i++) {
    struct chio_slice guid;
    uint32_t offset = 0, len = 0;
    if (c.left >= ENTRY_SIZE && memcmp(c.at, zero, ENTRY_SIZE) == 0) return CHIO_OK;
    enum chio_err err = chio_cursor_bytes(&c, 16, &guid);
    if (err == CHIO_OK) err = chio_cursor_u32le(&c, &offset);
    if (err == CHIO_OK) err = chio_cursor_u32le(&c, &len);
    if (err != CHIO_OK || offset > table.len || len > table.len - offset) return CHIO_E_MALFORMED;
    if (known_guid(guid.data)) add_entry(chio_slice(table.data + offset, len), certs);
  }
  return CHIO_E_MALFORMED;
}
