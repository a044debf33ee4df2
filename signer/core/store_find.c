#include "signer/core/store_db.h"

#include <stdio.h>

/* Criteria; their combination is the number of the prepared statement. */
#define BY_CLASS 0x01u
#define BY_KEY_TYPE 0x02u
#define BY_ID 0x04u
#define BY_LABEL 0x08u
#define BY_UID 0x10u
#define BY_PRIVATE 0x20u /* CKA_PRIVATE has this value */

struct query {
  unsigned by;
  uint64_t class, key_type;
  bool private;
  struct chio_slice id, label;
  struct chio_uid uid;
  bool exact;
  bool impossible; /* no row can match */
};

/* The same attribute twice with two values matches nothing. */
static void add_ulong(struct query *q, unsigned bit, struct chio_slice value, uint64_t *out) {
  struct chio_cursor c = chio_cursor(value);
  uint64_t before = *out;
  if (value.len != 8 || chio_cursor_u64le(&c, out) != CHIO_OK) q->impossible = true;
  if ((q->by & bit) != 0 && *out != before) q->impossible = true;
  q->by |= bit;
}

static void add_private(struct query *q, struct chio_slice value) {
  bool wanted = value.len == 1 && value.data[0] == 1;
  if (value.len != 1 || value.data[0] > 1) q->impossible = true;
  if ((q->by & BY_PRIVATE) != 0 && q->private != wanted) q->impossible = true;
  q->private = wanted;
  q->by |= BY_PRIVATE;
}

static void add_uid(struct query *q, struct chio_slice value) {
  struct chio_uid uid;
  if (chio_uid_parse(value, &uid) != CHIO_OK || ((q->by & BY_UID) != 0 && !chio_uid_equal(&uid, &q->uid))) {
    q->impossible = true;
    return;
  }
  q->uid = uid;
  q->by |= BY_UID;
}

static void add_bytes(struct query *q, unsigned bit, struct chio_slice value, struct chio_slice *out) {
  if ((q->by & bit) != 0 && !chio_slice_equal(*out, value)) q->impossible = true;
  *out = value;
  q->by |= bit;
}

static void add_criterion(struct query *q, const struct chio_attr *attr) {
  switch (attr->type) {
    case CKA_CLASS: add_ulong(q, BY_CLASS, attr->value, &q->class); break;
    case CKA_KEY_TYPE: add_ulong(q, BY_KEY_TYPE, attr->value, &q->key_type); break;
    case CKA_ID: add_bytes(q, BY_ID, attr->value, &q->id); break;
    case CKA_LABEL: add_bytes(q, BY_LABEL, attr->value, &q->label); break;
    case CKA_UNIQUE_ID: add_uid(q, attr->value); break;
    case CKA_PRIVATE: add_private(q, attr->value); break;
    case CKA_TOKEN: /* every row is a token object */
      if (attr->value.len != 1 || attr->value.data[0] != 1) q->impossible = true;
      break;
    default: q->exact = false; break;
  }
}

static struct query make_query(struct chio_attrs templ, bool see_private) {
  struct query q = {.exact = true};
  struct chio_attrs_iter it = chio_attrs_iter(templ);
  struct chio_attr attr;
  while (chio_attrs_next(&it, &attr)) add_criterion(&q, &attr);
  if (see_private) return q;
  if ((q.by & BY_PRIVATE) != 0 && q.private) q.impossible = true;
  q.by |= BY_PRIVATE;
  q.private = false;
  return q;
}

/* The index is named, never guessed: the one whose order is that of creation and that leaves the fewest rows. */
static const char *index_of(unsigned by) {
  if ((by & BY_UID) != 0) return "object_uid";
  if ((by & BY_ID) != 0) return "object_id";
  if ((by & BY_LABEL) != 0) return "object_label";
  if ((by & BY_CLASS) != 0) return (by & BY_PRIVATE) != 0 ? "object_public" : "object_class";
  return "object_slot";
}

static sqlite3_stmt *statement_of(struct chio_store *store, unsigned by) {
  char sql[512];
  if (store->find[by] != NULL) return store->find[by];
  (void)snprintf(sql, sizeof sql,
                 "SELECT row, uid FROM object INDEXED BY %s WHERE slot = ?1 AND row > ?2%s%s%s%s%s%s"
                 " ORDER BY row LIMIT ?3",
                 index_of(by), (by & BY_CLASS) != 0 ? " AND class = ?4" : "",
                 (by & BY_KEY_TYPE) != 0 ? " AND key_type = ?5" : "", (by & BY_ID) != 0 ? " AND id = ?6" : "",
                 (by & BY_LABEL) != 0 ? " AND label = ?7" : "", (by & BY_UID) != 0 ? " AND uid = ?8" : "",
                 (by & BY_PRIVATE) != 0 ? " AND private = ?9" : "");
  (void)sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &store->find[by], NULL);
  return store->find[by];
}

static void bind_query(sqlite3_stmt *statement, const struct query *q, uint32_t slot, uint64_t after, size_t max) {
  (void)sqlite3_bind_int64(statement, 1, slot);
  (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)after);
  (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)max);
  if ((q->by & BY_CLASS) != 0) (void)sqlite3_bind_int64(statement, 4, (sqlite3_int64)q->class);
  if ((q->by & BY_KEY_TYPE) != 0) (void)sqlite3_bind_int64(statement, 5, (sqlite3_int64)q->key_type);
  if ((q->by & BY_ID) != 0) chio_store_bind(statement, 6, q->id);
  if ((q->by & BY_LABEL) != 0) chio_store_bind(statement, 7, q->label);
  if ((q->by & BY_UID) != 0) chio_store_bind(statement, 8, chio_slice(q->uid.b, sizeof q->uid.b));
  if ((q->by & BY_PRIVATE) != 0) (void)sqlite3_bind_int(statement, 9, q->private ? 1 : 0);
}

static enum chio_err collect(struct chio_store *store, sqlite3_stmt *statement, struct chio_store_found *out,
                             size_t max, size_t *out_count) {
  size_t count = 0;
  while (count < max) {
    bool found;
    enum chio_err err = chio_store_step(store, statement, &found, NULL);
    if (err != CHIO_OK) return err;
    if (!found) break;
    struct chio_slice uid = chio_store_column(statement, 1);
    if (uid.len != CHIO_UID_SIZE) return CHIO_E_STORE_CORRUPT;
    out[count].row = (uint64_t)sqlite3_column_int64(statement, 0);
    memcpy(out[count].uid.b, uid.data, CHIO_UID_SIZE);
    count++;
  }
  *out_count = count;
  return CHIO_OK;
}

enum chio_err chio_store_objects_find(struct chio_store *store, uint32_t slot, struct chio_attrs templ,
                                      bool see_private, uint64_t after, struct chio_store_found *out, size_t max,
                                      size_t *out_count, bool *out_exact) {
  struct query q = make_query(templ, see_private);
  enum chio_err err = CHIO_OK;
  size_t count = 0;
  if (!q.impossible && after <= INT64_MAX) {
    (void)pthread_mutex_lock(&store->lock);
    sqlite3_stmt *statement = statement_of(store, q.by);
    bind_query(statement, &q, slot, after, max);
    err = collect(store, statement, out, max, &count);
    chio_store_reset(statement);
    (void)pthread_mutex_unlock(&store->lock);
  }
  if (err != CHIO_OK) return err;
  *out_count = count;
  *out_exact = q.exact;
  return CHIO_OK;
}

enum chio_err chio_store_objects_holding(struct chio_store *store, uint32_t slot, struct chio_slice bytes,
                                         uint64_t after, struct chio_store_found *out, size_t max,
                                         size_t *out_count) {
  size_t count = 0;
  (void)pthread_mutex_lock(&store->lock);
  sqlite3_stmt *statement = chio_store_statement(store, CHIO_ST_OBJECTS_HOLDING);
  (void)sqlite3_bind_int64(statement, 1, slot);
  (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)after);
  (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)max);
  chio_store_bind(statement, 4, bytes);
  enum chio_err err = collect(store, statement, out, max, &count);
  chio_store_reset(statement);
  (void)pthread_mutex_unlock(&store->lock);
  if (err == CHIO_OK) *out_count = count;
  return err;
}
