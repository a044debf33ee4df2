#include "signer/core/rotation_lag.h"

#include "signer/core/statement.h"

#include <time.h>

#define PAGE 64u
#define QUICK_NS UINT64_C(20000000) /* a slot that takes no longer is looked through while somebody waits */
#define REST_FACTOR 20u             /* so many times as long as it took, a slot is left alone */

static bool has_schedule(const struct chio_core *core, const struct chio_slot *slot) {
  const struct chio_rotation_rules *rules = &core->config.rotation;
  return (rules->after > 0 || rules->role_count > 0) && slot->backend == NULL;
}

static uint64_t age_allowed(const struct chio_rotation_rules *rules, const struct chio_object *key) {
  struct chio_slice role = chio_slice(NULL, 0);
  (void)chio_attrs_find(key->attrs, CKA_CHIO_ROLE, &role);
  for (size_t i = 0; i < rules->role_count; i++)
    if (chio_slice_equal(role, chio_slice_str(rules->roles[i].role))) return rules->roles[i].after;
  return rules->after;
}

/* When the key is to be rotated; 0: never. */
static uint64_t due_of(const struct chio_core *core, const struct chio_object *key) {
  struct chio_slice origin = chio_slice(NULL, 0), statement;
  uint64_t born;
  (void)chio_attrs_find(key->attrs, CKA_CHIO_ORIGIN, &origin);
  bool counts = key->class == CKO_PRIVATE_KEY && key->is_token && key->state == CHIO_KEY_ACTIVE &&
                chio_slice_equal(origin, chio_slice_str("born"));
  uint64_t after = counts ? age_allowed(&core->config.rotation, key) : 0;
  if (after == 0 || !chio_attrs_find(key->attrs, CKA_CHIO_STATEMENT, &statement)) return 0;
  return chio_statement_time(statement, &born) ? born + after : 0;
}

static void take(const struct chio_core *core, struct chio_object *key, uint64_t *due) {
  uint64_t this_due = due_of(core, key);
  if (this_due > 0 && (*due == 0 || this_due < *due)) *due = this_due;
  chio_object_free(key);
}

static enum chio_err look_in_store(struct chio_core *core, uint32_t slot, uint64_t *due) {
  struct chio_store_found page[PAGE];
  struct chio_buf by = CHIO_BUF_INIT;
  uint64_t after = 0;
  size_t count = PAGE;
  bool exact;
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, CKO_PRIVATE_KEY);
  enum chio_err err = chio_buf_err(&by);
  while (err == CHIO_OK && count == PAGE && !atomic_load(&core->closing)) {
    err = chio_store_objects_find(core->store, slot, chio_attrs_of(&by), true, after, page, PAGE, &count, &exact);
    for (size_t i = 0; err == CHIO_OK && i < count; i++) {
      struct chio_object *key;
      after = page[i].row;
      /* A damaged one hides no other. */
      if (chio_object_table_get(core->objects, slot, &page[i].uid, false, &key, NULL) == CHIO_OK) take(core, key, due);
    }
  }
  chio_buf_clear(&by);
  return err;
}

static void look_in_memory(struct chio_core *core, uint32_t slot, uint64_t *due) {
  struct chio_object *page[PAGE];
  uint64_t after = 0;
  size_t count = PAGE;
  while (count == PAGE) {
    count = chio_object_table_memory(core->objects, after, page, PAGE);
    for (size_t i = 0; i < count; i++) {
      after = page[i]->sequence;
      if (page[i]->slot == slot)
        take(core, page[i], due);
      else
        chio_object_free(page[i]);
    }
  }
}

static uint64_t nanoseconds(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The generation is read first: what changes meanwhile is looked at again. */
static void look(struct chio_core *core, struct chio_slot *slot) {
  uint64_t generation = atomic_load(&slot->generation), due = 0, began = nanoseconds();
  if (look_in_store(core, slot->number, &due) != CHIO_OK) return;
  look_in_memory(core, slot->number, &due);
  uint64_t ended = nanoseconds();
  atomic_store(&slot->rotation_due, due);
  atomic_store(&slot->rotation_cost, ended - began);
  atomic_store(&slot->rotation_next, ended + REST_FACTOR * (ended - began));
  atomic_store(&slot->rotation_seen, generation);
}

static bool is_seen(struct chio_slot *slot) {
  return atomic_load(&slot->rotation_seen) == atomic_load(&slot->generation);
}

void chio_rotation_round(struct chio_core *core) {
  for (size_t i = 0; i < core->slot_count && !atomic_load(&core->closing); i++) {
    struct chio_slot *slot = &core->slots[i];
    if (!has_schedule(core, slot) || !atomic_load(&slot->initialized) || is_seen(slot)) continue;
    if (nanoseconds() >= atomic_load(&slot->rotation_next)) look(core, slot);
  }
}

uint64_t chio_rotation_lag(struct chio_core *core, struct chio_slot *slot, uint64_t now) {
  if (!has_schedule(core, slot) || !atomic_load(&slot->initialized)) return 0;
  bool never = atomic_load(&slot->rotation_seen) == 0;
  bool quick = !never && atomic_load(&slot->rotation_cost) <= QUICK_NS;
  if (!is_seen(slot) && (quick || core->housekeeper == NULL)) look(core, slot);
  uint64_t due = atomic_load(&slot->rotation_due);
  return due > 0 && due < now ? now - due : 0;
}
