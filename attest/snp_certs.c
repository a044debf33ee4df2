#include "attest/snp_certs.h"

#include "attest/sim_pki.h"
#include "signer/base/cursor.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define GUID_SIZE 16u
#define ENTRY_SIZE 24u

struct entry {
  struct chio_slice guid;
  uint32_t offset, len;
};

static const struct {
  uint8_t guid[GUID_SIZE];
  bool needed; /* signs the report: a table that has it must have it right */
} kinds[] = {
    {{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd}, true}, /* VCEK */
    {{0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1}, true}, /* VLEK */
    {{0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82}, false}, /* ASK */
    {{0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae}, false}, /* ARK */
};

static enum chio_err next_entry(struct chio_cursor *c, struct entry *out, bool *out_end) {
  static const uint8_t zeros[ENTRY_SIZE];
  if (c->left >= ENTRY_SIZE && memcmp(c->at, zeros, ENTRY_SIZE) == 0) {
    *out_end = true;
    return CHIO_OK;
  }
  *out_end = false;
  enum chio_err err = chio_cursor_bytes(c, GUID_SIZE, &out->guid);
  if (err == CHIO_OK) err = chio_cursor_u32le(c, &out->offset);
  if (err == CHIO_OK) err = chio_cursor_u32le(c, &out->len);
  return err;
}

/* The number of entries before the end mark. */
static enum chio_err count_entries(struct chio_slice table, size_t *out_count) {
  struct chio_cursor c = chio_cursor(table);
  struct entry entry;
  bool end = false;
  for (size_t i = 0; i <= CHIO_SNP_TABLE_ENTRIES_MAX; i++) {
    if (next_entry(&c, &entry, &end) != CHIO_OK) return CHIO_E_EVIDENCE_FORMAT;
    if (!end) continue;
    *out_count = i;
    return CHIO_OK;
  }
  return CHIO_E_EVIDENCE_FORMAT;
}

static X509 *parse(struct chio_slice bytes) {
  X509 *cert = X509_new_ex(chio_attest_libctx(), NULL);
  if (cert == NULL) return NULL;
  const uint8_t *at = bytes.data;
  bool parsed;
  if (bytes.data[0] == 0x30) {
    parsed = d2i_X509(&cert, &at, (long)bytes.len) != NULL && at == bytes.data + bytes.len;
  } else {
    BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
    parsed = bio != NULL && PEM_read_bio_X509(bio, &cert, NULL, NULL) != NULL;
    BIO_free(bio);
  }
  if (parsed) return cert;
  ERR_clear_error();
  X509_free(cert); /* NULL when the parser has freed it */
  return NULL;
}

static enum chio_err put(struct chio_slice bytes, bool needed, struct chio_buf *out) {
  X509 *cert = bytes.len > 0 && bytes.len <= CHIO_SNP_CERT_MAX ? parse(bytes) : NULL;
  if (cert == NULL) return needed ? CHIO_E_EVIDENCE_FORMAT : CHIO_OK;
  enum chio_err err = chio_cert_append_pem(cert, out);
  X509_free(cert);
  return err;
}

static enum chio_err put_entry(struct chio_slice table, size_t first, const struct entry *e, struct chio_buf *out) {
  if (e->offset < first || e->offset > table.len || e->len > table.len - e->offset) return CHIO_E_EVIDENCE_FORMAT;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(kinds); i++)
    if (memcmp(e->guid.data, kinds[i].guid, GUID_SIZE) == 0)
      return put(chio_slice(table.data + e->offset, e->len), kinds[i].needed, out);
  return CHIO_OK;
}

enum chio_err chio_snp_certs_pem(struct chio_slice table, struct chio_buf *out_pem) {
  struct chio_cursor c = chio_cursor(table);
  struct chio_buf pem = CHIO_BUF_INIT;
  struct entry entry;
  size_t count = 0;
  bool end = false;
  if (table.len == 0) return CHIO_OK;
  enum chio_err err = count_entries(table, &count);
  for (size_t i = 0; i < count && err == CHIO_OK; i++) {
    err = next_entry(&c, &entry, &end);
    if (err == CHIO_OK) err = put_entry(table, (count + 1) * ENTRY_SIZE, &entry, &pem);
  }
  if (err == CHIO_OK) chio_buf_append_slice(out_pem, chio_buf_slice(&pem));
  chio_buf_clear(&pem);
  return err == CHIO_OK ? chio_buf_err(out_pem) : err;
}
