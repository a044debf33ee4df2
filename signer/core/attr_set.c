#include "signer/core/attr_set.h"

static const uint8_t flag_bytes[2] = {0, 1};

void chio_attr_set_init(struct chio_attr_set *set) {
  set->count = 0;
  set->numbers_used = 0;
  set->full = false;
}

static struct chio_attr *find(const struct chio_attr_set *set, uint32_t type) {
  for (size_t i = 0; i < set->count; i++)
    if (set->list[i].type == type) return (struct chio_attr *)&set->list[i];
  return NULL;
}

void chio_attr_set_put(struct chio_attr_set *set, uint32_t type, struct chio_slice value) {
  struct chio_attr *attr = find(set, type);
  if (attr != NULL) {
    attr->value = value;
  } else if (set->count < CHIO_ARRAY_LEN(set->list)) {
    set->list[set->count++] = (struct chio_attr){type, value};
  } else {
    set->full = true;
  }
}

void chio_attr_set_put_bool(struct chio_attr_set *set, uint32_t type, bool value) {
  chio_attr_set_put(set, type, chio_slice(&flag_bytes[value ? 1 : 0], 1));
}

void chio_attr_set_put_ulong(struct chio_attr_set *set, uint32_t type, uint64_t value) {
  if (set->numbers_used == CHIO_ATTR_SET_NUMBERS) {
    set->full = true;
    return;
  }
  uint8_t *raw = set->numbers[set->numbers_used++];
  for (size_t i = 0; i < 8; i++) raw[i] = (uint8_t)(value >> (8 * i));
  chio_attr_set_put(set, type, chio_slice(raw, 8));
}

void chio_attr_set_put_all(struct chio_attr_set *set, struct chio_attrs attrs) {
  struct chio_attrs_iter it = chio_attrs_iter(attrs);
  struct chio_attr attr;
  while (chio_attrs_next(&it, &attr)) chio_attr_set_put(set, attr.type, attr.value);
}

void chio_attr_set_default(struct chio_attr_set *set, uint32_t type, struct chio_slice value) {
  if (find(set, type) == NULL) chio_attr_set_put(set, type, value);
}

void chio_attr_set_default_bool(struct chio_attr_set *set, uint32_t type, bool value) {
  if (find(set, type) == NULL) chio_attr_set_put_bool(set, type, value);
}

void chio_attr_set_default_ulong(struct chio_attr_set *set, uint32_t type, uint64_t value) {
  if (find(set, type) == NULL) chio_attr_set_put_ulong(set, type, value);
}

void chio_attr_set_remove(struct chio_attr_set *set, uint32_t type) {
  struct chio_attr *attr = find(set, type);
  if (attr == NULL) return;
  struct chio_attr *end = &set->list[set->count--];
  memmove(attr, attr + 1, (size_t)(end - (attr + 1)) * sizeof *attr);
}

bool chio_attr_set_find(const struct chio_attr_set *set, uint32_t type, struct chio_slice *out_value) {
  const struct chio_attr *attr = find(set, type);
  if (attr == NULL) return false;
  *out_value = attr->value;
  return true;
}

bool chio_attr_set_bool(const struct chio_attr_set *set, uint32_t type, bool fallback) {
  const struct chio_attr *attr = find(set, type);
  return attr != NULL && attr->value.len == 1 ? attr->value.data[0] != 0 : fallback;
}

enum chio_err chio_attr_set_encode(const struct chio_attr_set *set, struct chio_buf *out) {
  if (set->full) return CHIO_E_TOO_LONG;
  chio_attrs_begin(out);
  for (size_t i = 0; i < set->count; i++) chio_attrs_add(out, set->list[i].type, set->list[i].value);
  return chio_buf_err(out);
}
