#include "signer/wire/attrs.h"

#include <endian.h>

#define COUNT_SIZE 4u
#define HEADER_SIZE 8u /* type and length of an attribute */

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

/* Lists are looked up several times for each signature, so this reads whole words and not bytes. */
static uint32_t load_u32le(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return le32toh(value);
}

bool chio_attrs_next(struct chio_attrs_iter *it, struct chio_attr *out_attr) {
  if (it->left == 0) return false;
  size_t left = it->rest.left;
  const uint8_t *at = it->rest.at;
  uint32_t len = left >= HEADER_SIZE ? load_u32le(at + 4) : 0;
  if (left < HEADER_SIZE || len > left - HEADER_SIZE) {
    it->left = 0;
    return false;
  }
  out_attr->type = load_u32le(at);
  out_attr->value = chio_slice(at + HEADER_SIZE, len);
  it->rest.at = at + HEADER_SIZE + len;
  it->rest.left = left - HEADER_SIZE - len;
  it->left--;
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
