#include "attest/cavium.h"

#define RESPONSE_HEADER 16u
#define INFO_HEADER 8u

static enum chio_err next_attribute(struct chio_cursor *c, uint32_t *out_type, struct chio_slice *out_value) {
  uint32_t len;
  enum chio_err err = chio_cursor_u32be(c, out_type);
  if (err == CHIO_OK) err = chio_cursor_u32be(c, &len);
  return err == CHIO_OK ? chio_cursor_bytes(c, len, out_value) : err;
}

bool chio_cavium_find(const struct chio_cavium_object *object, uint32_t type, struct chio_slice *out) {
  struct chio_cursor c = chio_cursor(object->attributes);
  while (c.left > 0) {
    struct chio_slice value;
    uint32_t found;
    if (next_attribute(&c, &found, &value) != CHIO_OK) return false;
    if (found != type) continue;
    *out = value;
    return true;
  }
  return false;
}

bool chio_cavium_number(const struct chio_cavium_object *object, uint32_t type, uint32_t *out) {
  struct chio_slice value;
  if (!chio_cavium_find(object, type, &value) || value.len == 0 || value.len > 4) return false;
  *out = 0;
  for (size_t i = 0; i < value.len; i++) *out = *out << 8 | value.data[i];
  return true;
}

/* An attribute that comes twice would mean one thing to one reader and another to the next. */
static enum chio_err check_attributes(const struct chio_cavium_object *object, uint32_t count) {
  uint32_t types[CHIO_CAVIUM_ATTRIBUTES_MAX];
  struct chio_cursor c = chio_cursor(object->attributes);
  if (count == 0 || count > CHIO_CAVIUM_ATTRIBUTES_MAX) return CHIO_E_MALFORMED;
  for (uint32_t i = 0; i < count; i++) {
    struct chio_slice value;
    enum chio_err err = next_attribute(&c, &types[i], &value);
    if (err != CHIO_OK) return err;
    for (uint32_t k = 0; k < i; k++)
      if (types[k] == types[i]) return CHIO_E_MALFORMED;
  }
  return c.left == 0 ? CHIO_OK : CHIO_E_MALFORMED;
}

static enum chio_err parse_object(struct chio_cursor *c, struct chio_cavium_object *out) {
  uint32_t count, len;
  enum chio_err err = chio_cursor_u32be(c, &out->handle);
  if (err == CHIO_OK) err = chio_cursor_u32be(c, &count);
  if (err == CHIO_OK) err = chio_cursor_u32be(c, &len);
  if (err == CHIO_OK) err = chio_cursor_bytes(c, len, &out->attributes);
  return err == CHIO_OK ? check_attributes(out, count) : err;
}

/* One after the other, and nothing else: where they are said to be, and where they are, is the same. */
static enum chio_err parse_buffer(struct chio_slice buffer, struct chio_cavium *out) {
  struct chio_cursor c = chio_cursor(buffer);
  uint16_t version, flags, offsets[CHIO_CAVIUM_OBJECTS];
  enum chio_err err = chio_cursor_u16be(&c, &version);
  if (err == CHIO_OK) err = chio_cursor_u16be(&c, &flags);
  for (size_t i = 0; err == CHIO_OK && i < CHIO_CAVIUM_OBJECTS; i++) err = chio_cursor_u16be(&c, &offsets[i]);
  for (size_t i = 0; err == CHIO_OK && i < CHIO_CAVIUM_OBJECTS && offsets[i] != 0; i++) {
    if (offsets[i] != buffer.len - c.left) return CHIO_E_MALFORMED;
    err = parse_object(&c, &out->objects[i]);
    out->objects_count = i + 1;
  }
  if (err != CHIO_OK) return err;
  return c.left == 0 && out->objects_count > 0 ? CHIO_OK : CHIO_E_MALFORMED;
}

enum chio_err chio_cavium_parse(struct chio_slice bytes, struct chio_cavium *out) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_cavium parsed = {.objects_count = 0};
  uint32_t code, flags, total, buffer;
  if (bytes.len > CHIO_CAVIUM_MAX) return CHIO_E_TOO_LONG;
  enum chio_err err = chio_cursor_u32be(&c, &code);
  if (err == CHIO_OK) err = chio_cursor_u32be(&c, &flags);
  if (err == CHIO_OK) err = chio_cursor_u32be(&c, &total);
  if (err == CHIO_OK) err = chio_cursor_u32be(&c, &buffer);
  if (err != CHIO_OK) return err;
  if (total > bytes.len) return CHIO_E_TRUNCATED;
  if (code != 0 || total != bytes.len || buffer < INFO_HEADER) return CHIO_E_MALFORMED;
  if (bytes.len < RESPONSE_HEADER + CHIO_CAVIUM_SIGNATURE) return CHIO_E_TRUNCATED;
  if (buffer > bytes.len - RESPONSE_HEADER - CHIO_CAVIUM_SIGNATURE) return CHIO_E_TRUNCATED;
  parsed.signed_bytes = chio_slice(bytes.data, bytes.len - CHIO_CAVIUM_SIGNATURE);
  parsed.signature = chio_slice(bytes.data + parsed.signed_bytes.len, CHIO_CAVIUM_SIGNATURE);
  err = parse_buffer(chio_slice(parsed.signature.data - buffer, buffer), &parsed);
  if (err == CHIO_OK) *out = parsed;
  return err;
}
