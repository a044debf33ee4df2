/*
 * Compares the rows of a slot with its set hash. Reads one snapshot through a connection of its own, so that the store
 * goes on serving meanwhile.
 */
#include "signer/core/store_db.h"

#define BUSY_MILLISECONDS 5000

/* What the rows come to. */
struct tally {
  struct chio_slot_state sealed; /* what the token row says; not known: there is none */
  struct chio_store_sum sum;
  uint64_t objects;
};

/* view: a store that has only a reading connection, and borrows path and keys. */
static enum chio_err view_open(const struct chio_store *store, struct chio_store *view, struct chio_detail *detail) {
  view->path = store->path;
  view->row_key = store->row_key;
  view->sum_key = store->sum_key;
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  if (sqlite3_open_v2(view->path, &view->db, flags, NULL) != SQLITE_OK)
    return view->db != NULL ? chio_store_failed(view, detail) : CHIO_E_NO_MEMORY;
  (void)sqlite3_busy_timeout(view->db, BUSY_MILLISECONDS);
  return sqlite3_exec(view->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ? CHIO_OK : chio_store_failed(view, detail);
}

/* Calls each for every row of a statement with one parameter, the slot. */
static enum chio_err for_rows(struct chio_store *view, const char *sql, uint32_t slot, struct tally *tally,
                              enum chio_err (*each)(struct chio_store *, sqlite3_stmt *, struct tally *,
                                                    struct chio_detail *),
                              struct chio_detail *detail) {
  sqlite3_stmt *statement = NULL;
  bool row = true;
  (void)sqlite3_prepare_v2(view->db, sql, -1, &statement, NULL);
  (void)sqlite3_bind_int64(statement, 1, slot);
  enum chio_err err = CHIO_OK;
  while (err == CHIO_OK && row) {
    err = chio_store_step(view, statement, &row, detail);
    if (err == CHIO_OK && row) err = each(view, statement, tally, detail);
  }
  (void)sqlite3_finalize(statement);
  return err;
}

static enum chio_err each_token(struct chio_store *view, sqlite3_stmt *statement, struct tally *tally,
                                struct chio_detail *detail) {
  return chio_store_slot_decode(view, (uint32_t)sqlite3_column_int64(statement, 1), chio_store_column(statement, 0),
                                &tally->sealed, detail);
}

static enum chio_err each_object(struct chio_store *view, sqlite3_stmt *statement, struct tally *tally,
                                 struct chio_detail *detail) {
  struct chio_uid uid;
  struct chio_slice raw = chio_store_column(statement, 0);
  if (raw.len != sizeof uid.b) return chio_fail(detail, CHIO_E_STORE_CORRUPT, "%s: a unique id is damaged", view->path);
  memcpy(uid.b, raw.data, raw.len);
  chio_store_sum_object(view, &tally->sum, &uid, (uint64_t)sqlite3_column_int64(statement, 1), true);
  tally->objects++;
  return CHIO_OK;
}

static enum chio_err each_user(struct chio_store *view, sqlite3_stmt *statement, struct tally *tally,
                               struct chio_detail *detail) {
  (void)detail;
  chio_store_sum_user(view, &tally->sum, (uint32_t)sqlite3_column_int64(statement, 0),
                      (uint64_t)sqlite3_column_int64(statement, 1), true);
  return CHIO_OK;
}

static enum chio_err judge(const struct chio_store *view, uint32_t slot, const struct tally *tally,
                           struct chio_detail *detail) {
  if (tally->objects != tally->sealed.objects)
    return chio_fail(detail, CHIO_E_STORE_CORRUPT, "%s: token %u has %llu objects, its sealed record says %llu",
                     view->path, (unsigned)slot, (unsigned long long)tally->objects,
                     (unsigned long long)tally->sealed.objects);
  if (!chio_store_sum_equal(&tally->sum, &tally->sealed.sum))
    return chio_fail(detail, CHIO_E_STORE_CORRUPT, "%s: a row of token %u was replaced or rolled back", view->path,
                     (unsigned)slot);
  return CHIO_OK;
}

enum chio_err chio_store_audit(struct chio_store *store, uint32_t slot, struct chio_detail *detail) {
  struct chio_store view = {.db = NULL};
  struct tally tally = {.objects = 0};
  enum chio_err err = view_open(store, &view, detail);
  if (err == CHIO_OK)
    err = for_rows(&view, "SELECT sealed, slot FROM token WHERE slot = ?1", slot, &tally, each_token, detail);
  if (err == CHIO_OK)
    err = for_rows(&view, "SELECT uid, version FROM object INDEXED BY object_slot WHERE slot = ?1", slot, &tally,
                   each_object, detail);
  if (err == CHIO_OK)
    err = for_rows(&view, "SELECT user, version FROM user WHERE slot = ?1", slot, &tally, each_user, detail);
  if (err == CHIO_OK) err = judge(&view, slot, &tally, detail);
  (void)sqlite3_close(view.db);
  return err;
}
