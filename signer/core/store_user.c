/* Users, ended tickets, blobs: the rows that are not objects. */
#include "signer/core/store_db.h"

#include <time.h>

#define USER_SIZE (16u + 32u + 8u + 8u + 4u + 8u + 1u + 8u)

static void add_user_aad(struct chio_buf *aad, uint32_t slot, uint64_t epoch, uint32_t user, uint64_t version) {
  chio_buf_append(aad, "user v1", sizeof "user v1");
  chio_buf_append_u32le(aad, slot);
  chio_buf_append_u64le(aad, epoch);
  chio_buf_append_u32le(aad, user);
  chio_buf_append_u64le(aad, version);
}

static void encode_user(const struct chio_user_row *row, struct chio_buf *out) {
  chio_buf_append(out, row->salt, sizeof row->salt);
  chio_buf_append(out, row->verifier, sizeof row->verifier);
  chio_buf_append_u64le(out, row->ops);
  chio_buf_append_u64le(out, row->memory);
  chio_buf_append_u32le(out, row->failures);
  chio_buf_append_u64le(out, row->not_before);
  chio_buf_append_u8(out, row->locked ? 1 : 0);
  chio_buf_append_u64le(out, row->pin_epoch);
}

static bool decode_user(struct chio_slice bytes, struct chio_user_row *row) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_slice salt, verifier;
  uint8_t locked;
  if (bytes.len != USER_SIZE) return false;
  if (chio_cursor_bytes(&c, sizeof row->salt, &salt) != CHIO_OK) return false;
  if (chio_cursor_bytes(&c, sizeof row->verifier, &verifier) != CHIO_OK) return false;
  if (chio_cursor_u64le(&c, &row->ops) != CHIO_OK || chio_cursor_u64le(&c, &row->memory) != CHIO_OK) return false;
  if (chio_cursor_u32le(&c, &row->failures) != CHIO_OK) return false;
  if (chio_cursor_u64le(&c, &row->not_before) != CHIO_OK) return false;
  if (chio_cursor_u8(&c, &locked) != CHIO_OK || locked > 1) return false;
  if (chio_cursor_u64le(&c, &row->pin_epoch) != CHIO_OK) return false;
  memcpy(row->salt, salt.data, salt.len);
  memcpy(row->verifier, verifier.data, verifier.len);
  row->locked = locked == 1;
  return true;
}

void chio_store_sum_user(const struct chio_store *store, struct chio_store_sum *sum, uint32_t user, uint64_t version,
                         bool add) {
  uint8_t member[1 + 4 + 8] = {'u'};
  for (size_t i = 0; i < 4; i++) member[1 + i] = (uint8_t)(user >> (8 * i));
  for (size_t i = 0; i < 8; i++) member[5 + i] = (uint8_t)(version >> (8 * i));
  (add ? chio_store_sum_add : chio_store_sum_remove)(sum, store->sum_key, chio_slice(member, sizeof member));
}

/* The row and its version; *out_version is 0 when there is none. */
static enum chio_err get_user(struct chio_store *store, const struct chio_slot_state *state, uint32_t user,
                              struct chio_user_row *out_row, uint64_t *out_version, struct chio_detail *detail) {
  sqlite3_stmt *statement = chio_store_statement(store, CHIO_ST_USER_GET);
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  struct chio_buf aad = CHIO_BUF_INIT;
  uint64_t version = 0;
  bool found = false;
  (void)sqlite3_bind_int64(statement, 1, state->row.slot);
  (void)sqlite3_bind_int64(statement, 2, user);
  enum chio_err err = chio_store_step(store, statement, &found, detail);
  if (err == CHIO_OK && found) {
    version = (uint64_t)sqlite3_column_int64(statement, 0);
    add_user_aad(&aad, state->row.slot, state->row.epoch, user, version);
    err = chio_buf_err(&aad);
    if (err == CHIO_OK)
      err = chio_seal_decrypt(store->row_key, chio_buf_slice(&aad), chio_store_column(statement, 1), &plain);
    if (err == CHIO_OK && !decode_user(chio_secret_slice(plain), out_row)) err = CHIO_E_STORE_CORRUPT;
  }
  chio_store_reset(statement);
  chio_buf_clear(&aad);
  if (err == CHIO_OK) *out_version = version;
  return err;
}

enum chio_err chio_store_user_load(struct chio_store *store, uint32_t slot, uint32_t user,
                                   struct chio_user_row *out_row) {
  struct chio_user_row row = {.slot = slot, .user = user};
  struct chio_slot_state *state;
  uint64_t version = 0;
  (void)pthread_mutex_lock(&store->lock);
  enum chio_err err = chio_store_slot(store, slot, &state, NULL);
  if (err == CHIO_OK) err = get_user(store, state, user, &row, &version, NULL);
  (void)pthread_mutex_unlock(&store->lock);
  if (err != CHIO_OK) return err;
  if (version == 0) return CHIO_E_PIN_UNINITIALIZED;
  *out_row = row;
  return CHIO_OK;
}

static enum chio_err put_user(struct chio_store *store, const struct chio_slot_state *state,
                              const struct chio_user_row *row, uint64_t version, struct chio_detail *detail) {
  struct chio_buf aad = CHIO_BUF_INIT, plain = CHIO_BUF_INIT, sealed = CHIO_BUF_INIT;
  sqlite3_stmt *statement = chio_store_statement(store, CHIO_ST_USER_PUT);
  add_user_aad(&aad, row->slot, state->row.epoch, row->user, version);
  encode_user(row, &plain);
  enum chio_err err = chio_buf_err(&aad);
  if (err == CHIO_OK) err = chio_buf_err(&plain);
  if (err == CHIO_OK) err = chio_seal_encrypt(store->row_key, chio_buf_slice(&aad), chio_buf_slice(&plain), &sealed);
  if (err == CHIO_OK) {
    (void)sqlite3_bind_int64(statement, 1, row->slot);
    (void)sqlite3_bind_int64(statement, 2, row->user);
    (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)version);
    chio_store_bind(statement, 4, chio_buf_slice(&sealed));
    err = chio_store_run(store, statement, detail);
  }
  if (plain.data != NULL) chio_wipe(plain.data, plain.len);
  chio_buf_clear(&aad);
  chio_buf_clear(&plain);
  chio_buf_clear(&sealed);
  return err;
}

enum chio_err chio_store_user_save(struct chio_store *store, const struct chio_user_row *row,
                                   struct chio_detail *detail) {
  struct chio_slot_state next;
  struct chio_user_row old;
  uint64_t version = 0;
  enum chio_err err = chio_store_change_begin(store, row->slot, &next, detail);
  if (err != CHIO_OK) return err;
  err = get_user(store, &next, row->user, &old, &version, detail);
  if (err == CHIO_OK) err = put_user(store, &next, row, version + 1, detail);
  if (version > 0) chio_store_sum_user(store, &next.sum, row->user, version, false);
  chio_store_sum_user(store, &next.sum, row->user, version + 1, true);
  chio_wipe(&old, sizeof old);
  return chio_store_change_end(store, &next, err, detail);
}

/* ---- Ended tickets ---- */

enum chio_err chio_store_ticket_revoke(struct chio_store *store, const uint8_t id[16], uint64_t ends) {
  (void)pthread_mutex_lock(&store->lock);
  sqlite3_stmt *drop = chio_store_statement(store, CHIO_ST_TICKET_DROP);
  sqlite3_stmt *put = chio_store_statement(store, CHIO_ST_TICKET_PUT);
  (void)sqlite3_bind_int64(drop, 1, (sqlite3_int64)time(NULL));
  enum chio_err err = chio_store_run(store, drop, NULL);
  if (err == CHIO_OK) {
    chio_store_bind(put, 1, chio_slice(id, 16));
    (void)sqlite3_bind_int64(put, 2, (sqlite3_int64)ends);
    err = chio_store_run(store, put, NULL);
  }
  (void)pthread_mutex_unlock(&store->lock);
  return err;
}

bool chio_store_ticket_revoked(struct chio_store *store, const uint8_t id[16]) {
  bool found = false;
  (void)pthread_mutex_lock(&store->lock);
  sqlite3_stmt *get = chio_store_statement(store, CHIO_ST_TICKET_GET);
  chio_store_bind(get, 1, chio_slice(id, 16));
  enum chio_err err = chio_store_step(store, get, &found, NULL);
  chio_store_reset(get);
  (void)pthread_mutex_unlock(&store->lock);
  /* What cannot be looked up counts as ended. */
  return err != CHIO_OK || found;
}

/* ---- Blobs ---- */

static void add_blob_aad(struct chio_buf *aad, const char *name) {
  chio_buf_append(aad, "blob v1", sizeof "blob v1");
  chio_buf_append_str(aad, name);
}

enum chio_err chio_store_blob_put(struct chio_store *store, const char *name, struct chio_slice bytes,
                                  struct chio_detail *detail) {
  struct chio_buf aad = CHIO_BUF_INIT, sealed = CHIO_BUF_INIT;
  add_blob_aad(&aad, name);
  enum chio_err err = chio_buf_err(&aad);
  if (err == CHIO_OK) err = chio_seal_encrypt(store->row_key, chio_buf_slice(&aad), bytes, &sealed);
  (void)pthread_mutex_lock(&store->lock);
  sqlite3_stmt *put = chio_store_statement(store, CHIO_ST_BLOB_PUT);
  if (err == CHIO_OK) {
    (void)sqlite3_bind_text(put, 1, name, -1, SQLITE_STATIC);
    chio_store_bind(put, 2, chio_buf_slice(&sealed));
    err = chio_store_run(store, put, detail);
  }
  (void)pthread_mutex_unlock(&store->lock);
  chio_buf_clear(&aad);
  chio_buf_clear(&sealed);
  return err;
}

enum chio_err chio_store_blob_get(struct chio_store *store, const char *name, struct chio_buf *out) {
  struct chio_buf aad = CHIO_BUF_INIT;
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  bool found = false;
  add_blob_aad(&aad, name);
  (void)pthread_mutex_lock(&store->lock);
  sqlite3_stmt *get = chio_store_statement(store, CHIO_ST_BLOB_GET);
  (void)sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC);
  enum chio_err err = chio_buf_err(&aad);
  if (err == CHIO_OK) err = chio_store_step(store, get, &found, NULL);
  if (err == CHIO_OK && !found) err = CHIO_E_NOT_FOUND;
  if (err == CHIO_OK) err = chio_seal_decrypt(store->row_key, chio_buf_slice(&aad), chio_store_column(get, 0), &plain);
  chio_store_reset(get);
  (void)pthread_mutex_unlock(&store->lock);
  chio_buf_clear(&aad);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(out, chio_secret_slice(plain));
  return chio_buf_err(out);
}
