/*
 * The inside of the store: the database, its prepared statements and its transactions, for the files that keep one kind
 * of row each. Every function here is called with the store's lock held, but those that take it.
 */
#ifndef CHIO_CORE_STORE_DB_H
#define CHIO_CORE_STORE_DB_H

#include "signer/core/store.h"
#include "signer/core/store_sum.h"
#include "signer/wire/cryptoki.h"
#include "signer/wire/limits.h"

#include <pthread.h>
#include <sqlite3.h>

#define CHIO_STORE_SCHEMA 1
#define CHIO_STORE_FILE "store.sqlite"

/* What is known of a slot: its sealed row. */
struct chio_slot_state {
  bool known;
  struct chio_token_row row;
  uint64_t objects;          /* rows in the object table */
  struct chio_store_sum sum; /* over (unique id, version) of those rows and (user, version) of the users */
};

/* Fixed statements; those of find are made by it. */
enum chio_statement {
  CHIO_ST_BEGIN,
  CHIO_ST_COMMIT,
  CHIO_ST_ROLLBACK,
  CHIO_ST_TOKEN_GET,
  CHIO_ST_TOKEN_PUT,
  CHIO_ST_USER_GET,
  CHIO_ST_USER_PUT,
  CHIO_ST_USERS_DELETE,
  CHIO_ST_TICKET_PUT,
  CHIO_ST_TICKET_DROP,
  CHIO_ST_TICKET_GET,
  CHIO_ST_BLOB_GET,
  CHIO_ST_BLOB_PUT,
  CHIO_ST_OBJECT_PUT,
  CHIO_ST_OBJECT_UPDATE,
  CHIO_ST_OBJECT_GET,
  CHIO_ST_OBJECT_VERSION,
  CHIO_ST_OBJECTS_HOLDING,
  CHIO_ST_OBJECT_DELETE,
  CHIO_ST_OBJECTS_DELETE,
  CHIO_ST_COUNT,
};

#define CHIO_FIND_STATEMENTS 128u /* one per combination of criteria */

struct chio_store {
  pthread_mutex_t lock;
  sqlite3 *db;
  char *path;
  struct chio_secret *row_key; /* seals rows */
  struct chio_secret *sum_key; /* keys the set hash */
  sqlite3_stmt *statements[CHIO_ST_COUNT];
  sqlite3_stmt *find[CHIO_FIND_STATEMENTS];
  struct chio_slot_state slots[CHIO_SLOTS_MAX];
};

/* The prepared statement, made at its first use; NULL when that fails (sqlite3_errcode says why). */
sqlite3_stmt *chio_store_statement(struct chio_store *store, enum chio_statement which);

/* What SQLite's failure means to us; writes the detail. */
enum chio_err chio_store_failed(struct chio_store *store, struct chio_detail *detail);

/* Runs a statement that returns no rows, and makes it ready for the next use. NULL fails. */
CHIO_MUST_CHECK enum chio_err chio_store_run(struct chio_store *store, sqlite3_stmt *statement,
                                             struct chio_detail *detail);
/* Steps to the next row; false in out_row at the end. The caller resets the statement. */
CHIO_MUST_CHECK enum chio_err chio_store_step(struct chio_store *store, sqlite3_stmt *statement, bool *out_row,
                                              struct chio_detail *detail);
void chio_store_reset(sqlite3_stmt *statement);

struct chio_slice chio_store_column(sqlite3_stmt *statement, int column); /* a BLOB; borrowed until the reset */
void chio_store_bind(sqlite3_stmt *statement, int index, struct chio_slice blob); /* borrowed until the reset */

/* The state of a slot, loaded or made. CHIO_E_SLOT_UNKNOWN, CHIO_E_STORE_CORRUPT ... */
CHIO_MUST_CHECK enum chio_err chio_store_slot(struct chio_store *store, uint32_t slot,
                                              struct chio_slot_state **out_state, struct chio_detail *detail);
/* Reads the state of a slot through any connection of this store; *out_found is false when there is no row. */
CHIO_MUST_CHECK enum chio_err chio_store_slot_decode(struct chio_store *store, uint32_t slot, struct chio_slice sealed,
                                                     struct chio_slot_state *out_state, struct chio_detail *detail);

/* One change of a slot: takes the lock, begins a transaction and hands out a copy of the state to change.
 * chio_store_change_end writes the state and commits when err is CHIO_OK, else rolls back and returns err; it always
 * gives the lock back. When begin fails, there is nothing to end. */
CHIO_MUST_CHECK enum chio_err chio_store_change_begin(struct chio_store *store, uint32_t slot,
                                                      struct chio_slot_state *out_next, struct chio_detail *detail);
CHIO_MUST_CHECK enum chio_err chio_store_change_end(struct chio_store *store, const struct chio_slot_state *next,
                                                    enum chio_err err, struct chio_detail *detail);

/* What the set hash counts of an object and of a user. */
void chio_store_sum_object(const struct chio_store *store, struct chio_store_sum *sum, const struct chio_uid *uid,
                           uint64_t version, bool add);
void chio_store_sum_user(const struct chio_store *store, struct chio_store_sum *sum, uint32_t user, uint64_t version,
                         bool add);

#endif
