#include "signer/wire/attribute.h"

#include "signer/base/macros.h"
#include "signer/wire/attrs.h"

static const struct chio_attribute table[] = {
#define CHIO_ATTRIBUTE(type, kind, in, rules) {(uint32_t)(type), #type, CHIO_KIND_##kind, (in), (rules)},
#include "signer/wire/attribute.def"
#undef CHIO_ATTRIBUTE
};

const struct chio_attribute *chio_attribute_find(uint32_t type) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(table); i++)
    if (table[i].type == type) return &table[i];
  return NULL;
}

const struct chio_attribute *chio_attribute_table(size_t *out_count) {
  *out_count = CHIO_ARRAY_LEN(table);
  return table;
}

/* The length of the well-formed UTF-8 sequence at s, or 0 (RFC 3629, 4). */
static size_t utf8_sequence(const uint8_t *s, size_t left) {
  if (s[0] < 0x80) return 1;
  size_t len = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
  if (len == 0 || len > left) return 0;
  for (size_t i = 1; i < len; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
  bool surrogate = s[0] == 0xed && s[1] > 0x9f;
  bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
  return overlong || surrogate || beyond ? 0 : len;
}

static bool is_utf8(struct chio_slice text) {
  for (size_t at = 0; at < text.len;) {
    size_t step = utf8_sequence(text.data + at, text.len - at);
    if (step == 0) return false;
    at += step;
  }
  return true;
}

static bool is_date(struct chio_slice value) {
  if (value.len == 0) return true;
  if (value.len != 8) return false;
  for (size_t i = 0; i < 8; i++)
    if (value.data[i] < '0' || value.data[i] > '9') return false;
  return true;
}

bool chio_attribute_value_ok(const struct chio_attribute *attribute, struct chio_slice value) {
  struct chio_attrs nested;
  switch (attribute->kind) {
    case CHIO_KIND_BOOL: return value.len == 1 && value.data[0] <= 1;
    case CHIO_KIND_ULONG: return value.len == 8;
    case CHIO_KIND_BYTES: return true;
    case CHIO_KIND_TEXT: return is_utf8(value);
    case CHIO_KIND_DATE: return is_date(value);
    case CHIO_KIND_MECHS: return value.len % 8 == 0;
    case CHIO_KIND_TEMPL: return chio_attrs_parse(value, &nested) == CHIO_OK;
  }
  return false;
}
