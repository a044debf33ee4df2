#include "signer/core/store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define APPLICATION_ID 0x6368696f /* "chio" */
#define BUSY_MILLISECONDS 5000

static const char *const schema =
    "CREATE TABLE token (slot INTEGER PRIMARY KEY, sealed BLOB NOT NULL);"
    "CREATE TABLE user (slot INTEGER NOT NULL, user INTEGER NOT NULL, version INTEGER NOT NULL, sealed BLOB NOT NULL,"
    " PRIMARY KEY (slot, user)) WITHOUT ROWID;"
    "CREATE TABLE ticket (id BLOB PRIMARY KEY, ends INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE blob (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;"
    /* The large columns come last: what only looks at the small ones reads no overflow pages. */
    "CREATE TABLE object (row INTEGER PRIMARY KEY AUTOINCREMENT, slot INTEGER NOT NULL, uid BLOB NOT NULL,"
    " version INTEGER NOT NULL, class INTEGER NOT NULL, key_type INTEGER, private INTEGER NOT NULL, id BLOB,"
    " label BLOB, sealed BLOB NOT NULL, attrs BLOB NOT NULL);"
    "CREATE UNIQUE INDEX object_uid ON object (slot, uid);"
    /* Each index for finding keeps the order of creation and covers the usual criteria and the answer: no row is
     * read. */
    "CREATE INDEX object_id ON object (slot, id, row, class, key_type, private, uid);"
    "CREATE INDEX object_label ON object (slot, label, row, class, key_type, private, uid);"
    "CREATE INDEX object_class ON object (slot, class, row, key_type, private, uid);"
    "CREATE INDEX object_public ON object (slot, private, class, row, key_type, uid);"
    "CREATE INDEX object_slot ON object (slot, row, private, uid, version);";

static const char *const statement_sql[CHIO_ST_COUNT] = {
    [CHIO_ST_BEGIN] = "BEGIN IMMEDIATE",
    [CHIO_ST_COMMIT] = "COMMIT",
    [CHIO_ST_ROLLBACK] = "ROLLBACK",
    [CHIO_ST_TOKEN_GET] = "SELECT sealed FROM token WHERE slot = ?1",
    [CHIO_ST_TOKEN_PUT] = "INSERT OR REPLACE INTO token (slot, sealed) VALUES (?1, ?2)",
    [CHIO_ST_USER_GET] = "SELECT version, sealed FROM user WHERE slot = ?1 AND user = ?2",
    [CHIO_ST_USER_PUT] = "INSERT OR REPLACE INTO user (slot, user, version, sealed) VALUES (?1, ?2, ?3, ?4)",
    [CHIO_ST_USERS_DELETE] = "DELETE FROM user WHERE slot = ?1",
    [CHIO_ST_TICKET_PUT] = "INSERT OR IGNORE INTO ticket (id, ends) VALUES (?1, ?2)",
    [CHIO_ST_TICKET_DROP] = "DELETE FROM ticket WHERE ends < ?1",
    [CHIO_ST_TICKET_GET] = "SELECT 1 FROM ticket WHERE id = ?1",
    [CHIO_ST_BLOB_GET] = "SELECT sealed FROM blob WHERE name = ?1",
    [CHIO_ST_BLOB_PUT] = "INSERT OR REPLACE INTO blob (name, sealed) VALUES (?1, ?2)",
    [CHIO_ST_OBJECT_PUT] = "INSERT INTO object (slot, uid, version, class, key_type, private, id, label, sealed, attrs)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [CHIO_ST_OBJECT_UPDATE] = "UPDATE object SET version = ?3, class = ?4, key_type = ?5, private = ?6, id = ?7,"
                              " label = ?8, sealed = ?9, attrs = ?10 WHERE slot = ?1 AND uid = ?2",
    [CHIO_ST_OBJECT_GET] = "SELECT version, class, key_type, private, id, label, sealed, attrs FROM object"
                           " WHERE slot = ?1 AND uid = ?2",
    [CHIO_ST_OBJECT_VERSION] = "SELECT version FROM object WHERE slot = ?1 AND uid = ?2",
    [CHIO_ST_OBJECTS_HOLDING] = "SELECT row, uid FROM object WHERE slot = ?1 AND row > ?2 AND instr(attrs, ?4) > 0"
                                " ORDER BY row LIMIT ?3",
    [CHIO_ST_OBJECT_DELETE] = "DELETE FROM object WHERE slot = ?1 AND uid = ?2",
    [CHIO_ST_OBJECTS_DELETE] = "DELETE FROM object WHERE slot = ?1",
};

sqlite3_stmt *chio_store_statement(struct chio_store *store, enum chio_statement which) {
  sqlite3_stmt **at = &store->statements[which];
  if (*at == NULL) (void)sqlite3_prepare_v3(store->db, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT, at, NULL);
  return *at;
}

static enum chio_err err_of(int code, int system) {
  bool no_space = system == ENOSPC || system == EDQUOT;
  bool no_write = system == EROFS || system == EACCES || system == EPERM;
  switch (code & 0xff) {
    case SQLITE_FULL: return CHIO_E_STORE_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return CHIO_E_STORE_READ_ONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return CHIO_E_STORE_CORRUPT;
    case SQLITE_NOMEM: return CHIO_E_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return CHIO_E_BUSY;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: return no_space ? CHIO_E_STORE_FULL : no_write ? CHIO_E_STORE_READ_ONLY : CHIO_E_IO;
    default: return CHIO_E_IO;
  }
}

enum chio_err chio_store_failed(struct chio_store *store, struct chio_detail *detail) {
  int code = sqlite3_extended_errcode(store->db);
  enum chio_err err = err_of(code, sqlite3_system_errno(store->db));
  return chio_fail(detail, err, "%s: %s (SQLite %d: %s)", store->path, chio_err_text(err), code,
                   sqlite3_errmsg(store->db));
}

enum chio_err chio_store_step(struct chio_store *store, sqlite3_stmt *statement, bool *out_row,
                              struct chio_detail *detail) {
  int code = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
  if (code != SQLITE_ROW && code != SQLITE_DONE) return chio_store_failed(store, detail);
  *out_row = code == SQLITE_ROW;
  return CHIO_OK;
}

enum chio_err chio_store_run(struct chio_store *store, sqlite3_stmt *statement, struct chio_detail *detail) {
  bool row;
  enum chio_err err = chio_store_step(store, statement, &row, detail);
  chio_store_reset(statement);
  return err;
}

void chio_store_reset(sqlite3_stmt *statement) {
  if (statement == NULL) return;
  (void)sqlite3_reset(statement);
  (void)sqlite3_clear_bindings(statement);
}

struct chio_slice chio_store_column(sqlite3_stmt *statement, int column) {
  const void *data = sqlite3_column_blob(statement, column);
  return chio_slice(data, (size_t)sqlite3_column_bytes(statement, column));
}

void chio_store_bind(sqlite3_stmt *statement, int index, struct chio_slice blob) {
  (void)sqlite3_bind_blob64(statement, index, blob.len > 0 ? (const void *)blob.data : "", blob.len, SQLITE_STATIC);
}

/* ---- Opening ---- */

static enum chio_err execute(struct chio_store *store, const char *sql, struct chio_detail *detail) {
  return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? CHIO_OK : chio_store_failed(store, detail);
}

static enum chio_err read_number(struct chio_store *store, const char *sql, sqlite3_int64 *out_number,
                                 struct chio_detail *detail) {
  sqlite3_stmt *statement = NULL;
  bool row = false;
  (void)sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
  enum chio_err err = chio_store_step(store, statement, &row, detail);
  if (err == CHIO_OK) *out_number = row ? sqlite3_column_int64(statement, 0) : 0;
  (void)sqlite3_finalize(statement);
  return err;
}

/* Makes the file before SQLite does, so that its mode never depends on the umask; its -wal and -shm inherit it. */
static enum chio_err make_file(const char *path, struct chio_detail *detail) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    int code = errno;
    return chio_fail(detail, err_of(SQLITE_CANTOPEN, code), "cannot open %s: %s", path, strerror(code));
  }
  (void)close(fd);
  return CHIO_OK;
}

static enum chio_err make_schema(struct chio_store *store, struct chio_detail *detail) {
  char tail[96];
  (void)snprintf(tail, sizeof tail, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID,
                 CHIO_STORE_SCHEMA);
  enum chio_err err = execute(store, "BEGIN IMMEDIATE", detail);
  if (err == CHIO_OK) err = execute(store, schema, detail);
  if (err == CHIO_OK) err = execute(store, tail, detail);
  if (err == CHIO_OK) return execute(store, "COMMIT", detail);
  (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
  return err;
}

static enum chio_err check_schema(struct chio_store *store, struct chio_detail *detail) {
  sqlite3_int64 application = 0;
  sqlite3_int64 version = 0;
  enum chio_err err = read_number(store, "PRAGMA application_id", &application, detail);
  if (err == CHIO_OK) err = read_number(store, "PRAGMA user_version", &version, detail);
  if (err != CHIO_OK) return err;
  if (application == 0 && version == 0) return make_schema(store, detail);
  if (application != APPLICATION_ID)
    return chio_fail(detail, CHIO_E_STORE_CORRUPT, "%s is a database of another program", store->path);
  if (version > CHIO_STORE_SCHEMA)
    return chio_fail(detail, CHIO_E_VERSION, "%s has schema version %lld, made by a newer chio-hsm; this one knows %d",
                     store->path, (long long)version, CHIO_STORE_SCHEMA);
  return CHIO_OK;
}

/* A sealed blob that only this root opens: a wrong root is told at once, not at the first key. */
static enum chio_err check_root(struct chio_store *store, struct chio_detail *detail) {
  static const char name[] = "root-check";
  struct chio_buf found = CHIO_BUF_INIT;
  enum chio_err err = chio_store_blob_get(store, name, &found);
  chio_buf_clear(&found);
  if (err == CHIO_E_NOT_FOUND) return chio_store_blob_put(store, name, chio_slice_str("chio-hsm"), detail);
  if (err == CHIO_E_STORE_CORRUPT)
    return chio_fail(detail, CHIO_E_SEAL, "%s was sealed under another root", store->path);
  return err;
}

static enum chio_err open_database(struct chio_store *store, struct chio_detail *detail) {
  enum chio_err err = make_file(store->path, detail);
  if (err != CHIO_OK) return err;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
    return store->db != NULL ? chio_store_failed(store, detail) : CHIO_E_NO_MEMORY;
  (void)sqlite3_extended_result_codes(store->db, 1);
  (void)sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS);
  err = execute(store,
                "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000; PRAGMA journal_size_limit = 67108864;",
                detail);
  return err == CHIO_OK ? check_schema(store, detail) : err;
}

static enum chio_err open_store(struct chio_store *store, const char *dir, struct chio_seal *seal,
                                struct chio_detail *detail) {
  size_t size = strlen(dir) + sizeof "/" CHIO_STORE_FILE;
  store->path = malloc(size);
  if (store->path == NULL) return CHIO_E_NO_MEMORY;
  (void)snprintf(store->path, size, "%s/" CHIO_STORE_FILE, dir);
  enum chio_err err = chio_seal_derive(seal, "store rows v1", chio_slice(NULL, 0), &store->row_key);
  if (err == CHIO_OK) err = chio_seal_derive(seal, "store sums v1", chio_slice(NULL, 0), &store->sum_key);
  if (err == CHIO_OK) err = open_database(store, detail);
  return err == CHIO_OK ? check_root(store, detail) : err;
}

enum chio_err chio_store_open(const char *dir, struct chio_seal *seal, struct chio_store **out_store,
                              struct chio_detail *detail) {
  struct chio_store *store = calloc(1, sizeof *store);
  if (store == NULL) return CHIO_E_NO_MEMORY;
  store->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  enum chio_err err = open_store(store, dir, seal, detail);
  if (err == CHIO_OK)
    *out_store = store;
  else
    chio_store_close(store);
  return err;
}

void chio_store_close(struct chio_store *store) {
  if (store == NULL) return;
  for (size_t i = 0; i < CHIO_ST_COUNT; i++) (void)sqlite3_finalize(store->statements[i]);
  for (size_t i = 0; i < CHIO_FIND_STATEMENTS; i++) (void)sqlite3_finalize(store->find[i]);
  (void)sqlite3_close(store->db);
  chio_secret_free(store->row_key);
  chio_secret_free(store->sum_key);
  (void)pthread_mutex_destroy(&store->lock);
  free(store->path);
  free(store);
}
