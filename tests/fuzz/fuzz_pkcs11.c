/*
 * What an application hands to chio-pkcs11.so, and what the signer's attributes become in its buffers. The input is a
 * program: rows of (type, length, how many bytes there are) that make a template, mechanism parameters, and a wire list
 * that is handed out into buffers of the rows' sizes.
 */
#include "tests/fuzz/fuzz.h"

#include "pkcs11/sign_batch.h"
#include "pkcs11/attribute.h"
#include "pkcs11/keyfit.h"
#include "pkcs11/mechanism.h"

#define ROWS_MAX 8u

static uint64_t take(struct chio_cursor *c, size_t size) {
  uint64_t value = 0;
  if (chio_cursor_uint_le(c, size, &value) != CHIO_OK) c->left = 0;
  return value;
}

/* A copy in memory of its own, so that the sanitizer sees every byte too far. */
static void *copy_bytes(struct chio_cursor *c, size_t len) {
  struct chio_slice bytes;
  if (len > c->left) len = c->left;
  void *copy = malloc(len > 0 ? len : 1);
  if (copy != NULL && chio_cursor_bytes(c, len, &bytes) == CHIO_OK && len > 0) memcpy(copy, bytes.data, len);
  return copy;
}

/* The length the row claims is the length its memory has, or one the converter must refuse before it reads. */
static CK_ATTRIBUTE row_of(struct chio_cursor *c) {
  size_t known;
  const struct chio_attribute *table = chio_attribute_table(&known);
  uint64_t pick = take(c, 1);
  CK_ATTRIBUTE row = {.type = pick < known ? table[pick].type : (CK_ATTRIBUTE_TYPE)take(c, 8)};
  size_t len = (size_t)take(c, 1);
  if (len > c->left) len = c->left;
  row.pValue = copy_bytes(c, len);
  row.ulValueLen = len;
  /* Templates within templates hold pointers: none that a fuzzer could make. */
  if (pick < known && table[pick].kind == CHIO_KIND_TEMPL) row.ulValueLen = 0;
  return row;
}

static void run_in(const CK_ATTRIBUTE *rows, CK_ULONG count) {
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_attrs attrs;
  if (p11_template_in(rows, count, &out) == CKR_OK)
    FUZZ_HOLDS(chio_attrs_parse(chio_buf_slice(&out), &attrs) == CHIO_OK);
  p11_template_clear(&out);
}

static void run_out(struct chio_attrs attrs, CK_ATTRIBUTE *rows, CK_ULONG count) {
  struct chio_attrs_iter it = chio_attrs_iter(attrs);
  struct chio_attr attr;
  for (CK_ULONG i = 0; i < count && chio_attrs_next(&it, &attr); i++) {
    const struct chio_attribute *kind = chio_attribute_find(attr.type);
    CK_ULONG room = rows[i].ulValueLen;
    if (kind == NULL || kind->kind == CHIO_KIND_TEMPL) continue;
    CK_RV rv = p11_attribute_out(kind, attr.value, &rows[i]);
    FUZZ_HOLDS(rv != CKR_OK || rows[i].ulValueLen <= room);
    rows[i].ulValueLen = room;
  }
}

static void run_mechanism(struct chio_cursor *c, struct chio_attrs key) {
  size_t count;
  const struct chio_mechanism *table = chio_mechanism_table(&count);
  const struct chio_mechanism *row = &table[take(c, 1) % count];
  struct chio_mech_params params;
  size_t len = (size_t)take(c, 1) % 64;
  if (len > c->left) len = c->left;
  void *parameter = copy_bytes(c, len);
  CK_MECHANISM given = {row->ckm, parameter, len};
  /* The pointer in EdDSA parameters would be the fuzzer's: only without a length is it not followed. */
  bool follows = row->params == CHIO_PARAMS_EDDSA && len == sizeof(struct p11_eddsa_params);
  if (!follows && p11_mechanism_params(row, &given, &params) == CKR_OK) {
    CK_RV rv = p11_key_fits(key, row, &params, (len & 1) != 0);
    FUZZ_HOLDS(rv != CKR_OK || p11_key_signature_len(key, row) <= 1024);
  }
  free(parameter);
}

/* What C_Sign is given under CKM_CHIO_SIGN_BATCH. */
static void run_batch(struct chio_slice data) {
  static struct chio_batch_item items[CHIO_BATCH_ITEMS_MAX];
  CK_MECHANISM given = {CKM_CHIO_SIGN_BATCH, (void *)(uintptr_t)data.data, data.len}, inner;
  size_t count = 0, used = 0;
  (void)!p11_batch_mechanism(&given, &inner);
  if (p11_batch_messages(data, items, &count) != CKR_OK) return;
  for (size_t i = 0; i < count; i++) used += 4 + items[i].data.len;
  FUZZ_HOLDS(used == data.len && chio_batch_fits(items, count) == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_cursor c = chio_cursor(chio_slice(data, size));
  CK_ATTRIBUTE rows[ROWS_MAX];
  struct chio_attrs attrs = {{NULL, 0}};
  CK_ULONG count = take(&c, 1) % (ROWS_MAX + 1);
  for (CK_ULONG i = 0; i < count; i++) rows[i] = row_of(&c);
  run_in(rows, count);
  uint8_t *rest = c.left > 0 ? malloc(c.left) : NULL;
  if (rest != NULL) {
    memcpy(rest, c.at, c.left);
    if (chio_attrs_parse(chio_slice(rest, c.left), &attrs) == CHIO_OK) run_out(attrs, rows, count);
  }
  run_mechanism(&c, attrs);
  run_batch(chio_slice(data, size));
  free(rest);
  for (CK_ULONG i = 0; i < count; i++) free(rows[i].pValue);
  return 0;
}
