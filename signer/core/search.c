/* First the store's objects in order of their rows, then those that live in memory alone. */
#include "signer/core/search.h"

#include "signer/core/value.h"

#define PAGE 256u          /* objects that are looked for at once, at most */
#define PAGE_MIN 16u       /* and at least */
#define EXAMINED_MAX 2048u /* objects that one request looks at: a page may be short, or empty, and not the last */
#define IN_MEMORY (UINT64_C(1) << 63) /* of a cursor: the rest is a sequence number, not a row */

struct search {
  struct chio_call *call;
  struct chio_attrs templ;
  struct chio_buf *found;  /* 16 bytes each */
  struct chio_buf *holder; /* of values that are made on the spot */
  size_t max;
  size_t examined;
  uint64_t cursor; /* where to go on */
};

static bool full(const struct search *s) {
  return s->found->len >= s->max * CHIO_UID_SIZE || s->examined >= EXAMINED_MAX;
}

static bool matches(struct search *s, const struct chio_object *object) {
  if (!chio_call_sees(s->call, object)) return false;
  return chio_value_matches(s->call->core->evidence, object, s->templ, s->holder);
}

/* An object of the store whose index columns fit. One that was destroyed meanwhile is passed over; a damaged one too,
 * so that it does not hide all others: whoever uses it is told. */
static bool stored_matches(struct search *s, const struct chio_uid *uid, bool exact) {
  struct chio_object *object;
  struct chio_detail detail = {""};
  if (exact) return true;
  if (chio_object_table_get(s->call->core->objects, s->call->slot->number, uid, false, &object, &detail) != CHIO_OK)
    return false;
  bool ok = matches(s, object);
  chio_object_free(object);
  return ok;
}

/* Sets *out_end when no rows are left. */
static enum chio_err search_store(struct search *s, bool *out_end) {
  struct chio_store_found rows[PAGE];
  bool sees_private = s->call->who == CHIO_WHO_USER;
  *out_end = false;
  while (!full(s) && !*out_end) {
    size_t count;
    size_t room = s->max - s->found->len / CHIO_UID_SIZE;
    size_t page = room < PAGE_MIN ? PAGE_MIN : room < PAGE ? room : PAGE;
    bool exact;
    enum chio_err err = chio_store_objects_find(s->call->core->store, s->call->slot->number, s->templ, sees_private,
                                                s->cursor, rows, page, &count, &exact);
    if (err != CHIO_OK) return err;
    /* Which keys of a backend are shown is no matter of the index. */
    if (s->call->slot->backend != NULL) exact = false;
    size_t i = 0;
    for (; i < count && !full(s); i++) {
      s->cursor = rows[i].row;
      if (!exact) s->examined++;
      if (stored_matches(s, &rows[i].uid, exact)) chio_buf_append(s->found, rows[i].uid.b, CHIO_UID_SIZE);
    }
    *out_end = i == count && count < page;
  }
  return chio_buf_err(s->found);
}

/* Sets *out_end when no objects are left. */
static enum chio_err search_memory(struct search *s, bool *out_end) {
  struct chio_object *page[PAGE];
  *out_end = false;
  while (!full(s) && !*out_end) {
    size_t count = chio_object_table_memory(s->call->core->objects, s->cursor & ~IN_MEMORY, page, PAGE);
    size_t i = 0;
    for (; i < count && !full(s); i++) {
      s->cursor = IN_MEMORY | page[i]->sequence;
      s->examined++;
      if (page[i]->slot == s->call->slot->number && matches(s, page[i]))
        chio_buf_append(s->found, page[i]->uid.b, CHIO_UID_SIZE);
    }
    *out_end = i == count && count < PAGE;
    for (size_t k = 0; k < count; k++) chio_object_free(page[k]);
  }
  /* A full page with nothing behind it is the last: the usual search for one key takes one request. */
  if (!*out_end && chio_object_table_memory(s->call->core->objects, s->cursor & ~IN_MEMORY, page, 1) == 0)
    *out_end = true;
  else if (!*out_end)
    chio_object_free(page[0]);
  return chio_buf_err(s->found);
}

static enum chio_err search(struct search *s, bool *out_end) {
  enum chio_err err = CHIO_OK;
  *out_end = false;
  if ((s->cursor & IN_MEMORY) == 0) {
    err = search_store(s, out_end);
    if (err != CHIO_OK || !*out_end) return err;
    s->cursor = IN_MEMORY;
  }
  return search_memory(s, out_end);
}

enum chio_err chio_search(struct chio_call *call, struct chio_attrs templ, uint64_t cursor, size_t max,
                          struct chio_buf *found, uint64_t *out_cursor) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  struct search s = {.call = call, .templ = templ, .found = found, .holder = holder, .max = max, .cursor = cursor};
  bool end;
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = search(&s, &end);
  if (err == CHIO_OK) *out_cursor = end ? 0 : s.cursor;
  return err;
}
