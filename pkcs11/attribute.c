#include "pkcs11/attribute.h"

#include "signer/base/secret.h"
#include "signer/wire/limits.h"

#include <limits.h>

/* ---- in ---- */

static CK_RV measure_list(const CK_ATTRIBUTE *list, CK_ULONG count, unsigned depth, size_t *out_size);

/* Rows may stand unaligned in an application's memory: nested ones are its bytes. */
static CK_ATTRIBUTE row_at(const void *list, size_t index) {
  CK_ATTRIBUTE row;
  memcpy(&row, (const uint8_t *)list + index * sizeof row, sizeof row);
  return row;
}

static CK_RV measure_value(const struct chio_attribute *kind, const CK_ATTRIBUTE *row, unsigned depth,
                           size_t *out_size) {
  CK_ULONG len = row->ulValueLen;
  bool fits = false;
  *out_size = len;
  switch (kind->kind) {
    case CHIO_KIND_BOOL: fits = len == sizeof(CK_BBOOL); break;
    case CHIO_KIND_ULONG:
      fits = len == sizeof(CK_ULONG);
      *out_size = 8;
      break;
    case CHIO_KIND_DATE: fits = len == 0 || len == sizeof(CK_DATE); break;
    case CHIO_KIND_BYTES:
    case CHIO_KIND_TEXT: fits = len <= CHIO_ATTR_VALUE_MAX; break;
    case CHIO_KIND_MECHS:
      fits = len % sizeof(CK_MECHANISM_TYPE) == 0 && len / sizeof(CK_MECHANISM_TYPE) <= CHIO_MECHANISMS_MAX;
      *out_size = len / sizeof(CK_MECHANISM_TYPE) * 8;
      break;
    case CHIO_KIND_TEMPL: fits = len % sizeof(CK_ATTRIBUTE) == 0; break;
  }
  if (!fits || (row->pValue == NULL && len > 0)) return CKR_ATTRIBUTE_VALUE_INVALID;
  if (kind->kind == CHIO_KIND_BOOL && *(const CK_BBOOL *)row->pValue > 1) return CKR_ATTRIBUTE_VALUE_INVALID;
  if (kind->kind != CHIO_KIND_TEMPL) return CKR_OK;
  return measure_list(row->pValue, len / sizeof(CK_ATTRIBUTE), depth + 1, out_size);
}

static CK_RV measure_list(const CK_ATTRIBUTE *list, CK_ULONG count, unsigned depth, size_t *out_size) {
  if (depth > P11_TEMPLATE_DEPTH_MAX) return CKR_ATTRIBUTE_VALUE_INVALID;
  if (count > CHIO_ATTRS_COUNT_MAX || (list == NULL && count > 0))
    return depth == 0 ? CKR_ARGUMENTS_BAD : CKR_ATTRIBUTE_VALUE_INVALID;
  size_t total = 4;
  for (size_t i = 0; i < count; i++) {
    CK_ATTRIBUTE row = row_at(list, i);
    const struct chio_attribute *kind = row.type <= UINT32_MAX ? chio_attribute_find((uint32_t)row.type) : NULL;
    size_t size;
    if (kind == NULL) return CKR_ATTRIBUTE_TYPE_INVALID;
    CK_RV rv = measure_value(kind, &row, depth, &size);
    if (rv != CKR_OK) return rv;
    total += 8 + size;
    if (total > CHIO_TEMPLATE_MAX) return CKR_ATTRIBUTE_VALUE_INVALID;
  }
  *out_size = total;
  return CKR_OK;
}

static void write_list(struct chio_buf *out, const void *list, size_t count);

/* The list was measured: kinds are known and lengths fit. */
static void write_value(struct chio_buf *out, const struct chio_attribute *kind, const CK_ATTRIBUTE *row) {
  if (kind->kind == CHIO_KIND_ULONG || kind->kind == CHIO_KIND_MECHS) {
    for (size_t i = 0; i < row->ulValueLen / sizeof(CK_ULONG); i++) {
      CK_ULONG number;
      memcpy(&number, (const uint8_t *)row->pValue + i * sizeof number, sizeof number);
      chio_buf_append_u64le(out, number == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : number);
    }
  } else if (kind->kind == CHIO_KIND_TEMPL) {
    write_list(out, row->pValue, row->ulValueLen / sizeof(CK_ATTRIBUTE));
  } else {
    chio_buf_append(out, row->pValue, row->ulValueLen);
  }
}

static void put_u32le(uint8_t *at, size_t number) {
  for (size_t i = 0; i < 4; i++) at[i] = (uint8_t)(number >> (8 * i));
}

static void write_list(struct chio_buf *out, const void *list, size_t count) {
  chio_buf_append_u32le(out, (uint32_t)count);
  for (size_t i = 0; i < count; i++) {
    CK_ATTRIBUTE row = row_at(list, i);
    chio_buf_append_u32le(out, (uint32_t)row.type);
    chio_buf_append_u32le(out, 0);
    size_t start = out->len;
    write_value(out, chio_attribute_find((uint32_t)row.type), &row);
    if (!out->failed) put_u32le(out->data + start - 4, out->len - start);
  }
}

CK_RV p11_template_in(const CK_ATTRIBUTE *list, CK_ULONG count, struct chio_buf *out) {
  size_t size;
  CK_RV rv = measure_list(list, count, 0, &size);
  if (rv != CKR_OK) return rv;
  /* Reserved at once: the values may be secrets, and a buffer that moves leaves copies behind. */
  if (chio_buf_reserve(out, size) == NULL) return CKR_HOST_MEMORY;
  write_list(out, list, count);
  return chio_buf_err(out) == CHIO_OK ? CKR_OK : CKR_HOST_MEMORY;
}

void p11_template_clear(struct chio_buf *built) {
  chio_wipe(built->data, built->len);
  chio_buf_clear(built);
}

/* ---- out ---- */

static CK_RV out_template(struct chio_slice value, CK_ATTRIBUTE *out, unsigned depth);

/* Room in the row for len bytes: CKR_OK with a buffer to fill (*out_fill) or with the length told. */
static CK_RV claim(CK_ATTRIBUTE *out, size_t len, bool *out_fill) {
  bool asks = out->pValue == NULL;
  bool fits = asks || out->ulValueLen >= len;
  out->ulValueLen = fits ? len : CK_UNAVAILABLE_INFORMATION;
  *out_fill = fits && !asks;
  return fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

static CK_RV out_numbers(struct chio_slice value, CK_ATTRIBUTE *out) {
  bool fill;
  CK_RV rv = claim(out, value.len / 8 * sizeof(CK_ULONG), &fill);
  struct chio_cursor c = chio_cursor(value);
  uint64_t number;
  for (size_t i = 0; fill && chio_cursor_u64le(&c, &number) == CHIO_OK; i++) {
    CK_ULONG native = number <= ULONG_MAX ? (CK_ULONG)number : CK_UNAVAILABLE_INFORMATION;
    memcpy((uint8_t *)out->pValue + i * sizeof native, &native, sizeof native);
  }
  return rv;
}

static CK_RV out_value(const struct chio_attribute *row, struct chio_slice value, CK_ATTRIBUTE *out, unsigned depth) {
  bool fill;
  if (!chio_attribute_value_ok(row, value)) {
    out->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return CKR_GENERAL_ERROR;
  }
  if (row->kind == CHIO_KIND_TEMPL) return out_template(value, out, depth);
  if (row->kind == CHIO_KIND_ULONG || row->kind == CHIO_KIND_MECHS) return out_numbers(value, out);
  CK_RV rv = claim(out, value.len, &fill);
  if (fill && value.len > 0) memcpy(out->pValue, value.data, value.len);
  return rv;
}

/* PKCS #11 v3.0, 5.7.5: the types of the inner rows are set, their buffers are as the caller gave them. */
static CK_RV out_template(struct chio_slice value, CK_ATTRIBUTE *out, unsigned depth) {
  struct chio_attrs nested;
  bool fill;
  if (depth >= P11_TEMPLATE_DEPTH_MAX || chio_attrs_parse(value, &nested) != CHIO_OK) return CKR_GENERAL_ERROR;
  CK_RV rv = claim(out, chio_attrs_count(nested) * sizeof(CK_ATTRIBUTE), &fill);
  struct chio_attrs_iter it = chio_attrs_iter(nested);
  struct chio_attr attr;
  for (size_t i = 0; fill && chio_attrs_next(&it, &attr); i++) {
    CK_ATTRIBUTE row = row_at(out->pValue, i);
    const struct chio_attribute *kind = chio_attribute_find(attr.type);
    row.type = attr.type;
    CK_RV inner = CKR_GENERAL_ERROR;
    if (kind != NULL) inner = out_value(kind, attr.value, &row, depth + 1);
    memcpy((uint8_t *)out->pValue + i * sizeof row, &row, sizeof row);
    if (rv == CKR_OK) rv = inner;
  }
  return rv;
}

CK_RV p11_attribute_out(const struct chio_attribute *row, struct chio_slice value, CK_ATTRIBUTE *out) {
  return out_value(row, value, out, 0);
}
