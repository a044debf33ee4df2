/*
 * A set of attributes under construction: one value per type, in the order of their coming. Values are borrowed (from
 * templates, from loaded objects); numbers and flags are kept inside. Turned into wire form when it is complete.
 */
#ifndef CHIO_CORE_ATTR_SET_H
#define CHIO_CORE_ATTR_SET_H

#include "signer/wire/attrs.h"

#define CHIO_ATTR_SET_NUMBERS 32u /* numbers that one set can hold */

struct chio_attr_set {
  struct chio_attr list[CHIO_ATTRS_COUNT_MAX];
  size_t count;
  uint8_t numbers[CHIO_ATTR_SET_NUMBERS][8];
  size_t numbers_used;
  bool full; /* something did not fit: chio_attr_set_encode fails */
};

void chio_attr_set_init(struct chio_attr_set *set);

/* Sets or replaces. */
void chio_attr_set_put(struct chio_attr_set *set, uint32_t type, struct chio_slice value);
void chio_attr_set_put_bool(struct chio_attr_set *set, uint32_t type, bool value);
void chio_attr_set_put_ulong(struct chio_attr_set *set, uint32_t type, uint64_t value);
void chio_attr_set_put_all(struct chio_attr_set *set, struct chio_attrs attrs);

/* Sets what is not there yet. */
void chio_attr_set_default(struct chio_attr_set *set, uint32_t type, struct chio_slice value);
void chio_attr_set_default_bool(struct chio_attr_set *set, uint32_t type, bool value);
void chio_attr_set_default_ulong(struct chio_attr_set *set, uint32_t type, uint64_t value);

void chio_attr_set_remove(struct chio_attr_set *set, uint32_t type);

/* As chio_attrs_find, chio_attrs_bool. */
bool chio_attr_set_find(const struct chio_attr_set *set, uint32_t type, struct chio_slice *out_value);
bool chio_attr_set_bool(const struct chio_attr_set *set, uint32_t type, bool fallback);

/* The wire form; out is emptied first. CHIO_E_TOO_LONG when the set was full, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_attr_set_encode(const struct chio_attr_set *set, struct chio_buf *out);

#endif
