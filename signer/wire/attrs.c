#include "signer/wire/attrs.h"

#define COUNT_SIZE 4u

enum chio_err chio_attrs_parse(struct chio_slice raw, struct chio_attrs *out_attrs) {
  struct chio_cursor c = chio_cursor(raw);
  uint32_t count = 0;
  enum chio_err err = raw.len > 0 ? chio_cursor_u32le(&c, &count) : CHIO_OK;
  if (err != CHIO_OK) return err;
  if (count > CHIO_ATTRS_COUNT_MAX) return CHIO_E_TOO_LONG;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t type;
    uint32_t len;
    struct chio_slice value;
    if ((err = chio_cursor_u32le(&c, &type)) != CHIO_OK) return err;
    if ((err = chio_cursor_u32le(&c, &len)) != CHIO_OK) return err;
    if (len > CHIO_ATTR_VALUE_MAX) return CHIO_E_TOO_LONG;
    if ((err = chio_cursor_bytes(&c, len, &value)) != CHIO_OK) return err;
  }
  if ((err = chio_cursor_end(&c)) != CHIO_OK) return err;
  out_attrs->raw = raw;
  return CHIO_OK;
}

uint32_t chio_attrs_count(struct chio_attrs attrs) {
  return chio_attrs_iter(attrs).left;
}

struct chio_attrs_iter chio_attrs_iter(struct chio_attrs attrs) {
  struct chio_attrs_iter it = {chio_cursor(attrs.raw), 0};
  if (attrs.raw.len > 0 && chio_cursor_u32le(&it.rest, &it.left) != CHIO_OK) it.left = 0;
  return it;
}

bool chio_attrs_next(struct chio_attrs_iter *it, struct chio_attr *out_attr) {
  uint32_t type;
  uint32_t len;
  struct chio_slice value;
  if (it->left == 0) return false;
  if (chio_cursor_u32le(&it->rest, &type) != CHIO_OK || chio_cursor_u32le(&it->rest, &len) != CHIO_OK ||
      chio_cursor_bytes(&it->rest, len, &value) != CHIO_OK) {
    it->left = 0;
    return false;
  }
  it->left--;
  out_attr->type = type;
  out_attr->value = value;
  return true;
}

bool chio_attrs_find(struct chio_attrs attrs, uint32_t type, struct chio_slice *out_value) {
  struct chio_attrs_iter it = chio_attrs_iter(attrs);
  struct chio_attr attr;
  while (chio_attrs_next(&it, &attr)) {
    if (attr.type != type) continue;
    *out_value = attr.value;
    return true;
  }
  return false;
}

bool chio_attrs_bool(struct chio_attrs attrs, uint32_t type, bool fallback) {
  struct chio_slice value;
  if (!chio_attrs_find(attrs, type, &value) || value.len != 1) return fallback;
  return value.data[0] != 0;
}

uint64_t chio_attrs_ulong(struct chio_attrs attrs, uint32_t type, uint64_t fallback) {
  struct chio_slice value;
  if (!chio_attrs_find(attrs, type, &value) || value.len != 8) return fallback;
  struct chio_cursor c = chio_cursor(value);
  uint64_t number = fallback;
  return chio_cursor_u64le(&c, &number) == CHIO_OK ? number : fallback;
}

void chio_attrs_begin(struct chio_buf *out) {
  chio_buf_reset(out);
  chio_buf_append_u32le(out, 0);
}

static void count_one_more(struct chio_buf *out) {
  for (size_t i = 0; i < COUNT_SIZE && out->len >= COUNT_SIZE; i++)
    if (++out->data[i] != 0) return;
}

void chio_attrs_add(struct chio_buf *out, uint32_t type, struct chio_slice value) {
  chio_buf_append_u32le(out, type);
  chio_buf_append_u32le(out, (uint32_t)value.len);
  chio_buf_append_slice(out, value);
  if (!out->failed) count_one_more(out);
}

void chio_attrs_add_bool(struct chio_buf *out, uint32_t type, bool value) {
  uint8_t byte = value ? 1 : 0;
  chio_attrs_add(out, type, chio_slice(&byte, 1));
}

void chio_attrs_add_ulong(struct chio_buf *out, uint32_t type, uint64_t value) {
  uint8_t raw[8];
  for (size_t i = 0; i < sizeof raw; i++) raw[i] = (uint8_t)(value >> (8 * i));
  chio_attrs_add(out, type, chio_slice(raw, sizeof raw));
}

struct chio_attrs chio_attrs_of(const struct chio_buf *built) {
  struct chio_attrs attrs = {chio_buf_slice(built)};
  return attrs;
}
