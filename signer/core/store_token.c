#include "signer/core/store_db.h"

#include <sodium.h>
#include <stdio.h>

#define SERIAL_SIZE 16u

static void add_aad(struct chio_buf *aad, uint32_t slot) {
  chio_buf_append(aad, "token v1", sizeof "token v1");
  chio_buf_append_u32le(aad, slot);
}

/* ---- The sealed row: u8 initialized, u64 epoch, serial, u8 label length, label, u64 objects, 4 x u64 sum ---- */

static enum chio_err encode(const struct chio_slot_state *state, struct chio_buf *out) {
  size_t label_len = strlen(state->row.label);
  chio_buf_append_u8(out, state->row.initialized ? 1 : 0);
  chio_buf_append_u64le(out, state->row.epoch);
  chio_buf_append(out, state->row.serial, SERIAL_SIZE);
  chio_buf_append_u8(out, (uint8_t)label_len);
  chio_buf_append(out, state->row.label, label_len);
  chio_buf_append_u64le(out, state->objects);
  for (size_t i = 0; i < 4; i++) chio_buf_append_u64le(out, state->sum.limb[i]);
  return chio_buf_err(out);
}

static bool decode(struct chio_slice bytes, uint32_t slot, struct chio_slot_state *out) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_slot_state state = {.known = true, .row = {.slot = slot}};
  uint8_t initialized, label_len;
  struct chio_slice serial, label;
  if (chio_cursor_u8(&c, &initialized) != CHIO_OK || initialized > 1) return false;
  if (chio_cursor_u64le(&c, &state.row.epoch) != CHIO_OK) return false;
  if (chio_cursor_bytes(&c, SERIAL_SIZE, &serial) != CHIO_OK) return false;
  if (chio_cursor_u8(&c, &label_len) != CHIO_OK || label_len >= sizeof state.row.label) return false;
  if (chio_cursor_bytes(&c, label_len, &label) != CHIO_OK) return false;
  if (chio_cursor_u64le(&c, &state.objects) != CHIO_OK) return false;
  for (size_t i = 0; i < 4; i++)
    if (chio_cursor_u64le(&c, &state.sum.limb[i]) != CHIO_OK) return false;
  if (c.left > 0) return false;
  state.row.initialized = initialized == 1;
  memcpy(state.row.serial, serial.data, serial.len);
  if (label.len > 0) memcpy(state.row.label, label.data, label.len);
  *out = state;
  return true;
}

enum chio_err chio_store_slot_decode(struct chio_store *store, uint32_t slot, struct chio_slice sealed,
                                     struct chio_slot_state *out_state, struct chio_detail *detail) {
  struct chio_buf aad = CHIO_BUF_INIT;
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  add_aad(&aad, slot);
  enum chio_err err = chio_buf_err(&aad);
  if (err == CHIO_OK) err = chio_seal_decrypt(store->row_key, chio_buf_slice(&aad), sealed, &plain);
  chio_buf_clear(&aad);
  if (err == CHIO_OK && !decode(chio_secret_slice(plain), slot, out_state)) err = CHIO_E_STORE_CORRUPT;
  if (err == CHIO_E_STORE_CORRUPT)
    return chio_fail(detail, err, "%s: the row of token %u is damaged", store->path, (unsigned)slot);
  return err;
}

static enum chio_err put(struct chio_store *store, const struct chio_slot_state *state, struct chio_detail *detail) {
  struct chio_buf aad = CHIO_BUF_INIT, plain = CHIO_BUF_INIT, sealed = CHIO_BUF_INIT;
  sqlite3_stmt *statement = chio_store_statement(store, CHIO_ST_TOKEN_PUT);
  add_aad(&aad, state->row.slot);
  enum chio_err err = encode(state, &plain);
  if (err == CHIO_OK) err = chio_buf_err(&aad);
  if (err == CHIO_OK) err = chio_seal_encrypt(store->row_key, chio_buf_slice(&aad), chio_buf_slice(&plain), &sealed);
  if (err == CHIO_OK) {
    (void)sqlite3_bind_int64(statement, 1, state->row.slot);
    chio_store_bind(statement, 2, chio_buf_slice(&sealed));
    err = chio_store_run(store, statement, detail);
  }
  chio_buf_clear(&aad);
  chio_buf_clear(&plain);
  chio_buf_clear(&sealed);
  return err;
}

/* ---- State ---- */

static void new_state(uint32_t slot, struct chio_slot_state *out) {
  uint8_t raw[SERIAL_SIZE / 2];
  *out = (struct chio_slot_state){.known = true, .row = {.slot = slot, .epoch = 1}};
  randombytes_buf(raw, sizeof raw);
  sodium_bin2hex(out->row.serial, sizeof out->row.serial, raw, sizeof raw);
}

static enum chio_err load(struct chio_store *store, uint32_t slot, struct chio_slot_state *out_state,
                          struct chio_detail *detail) {
  sqlite3_stmt *statement = chio_store_statement(store, CHIO_ST_TOKEN_GET);
  bool found = false;
  (void)sqlite3_bind_int64(statement, 1, slot);
  enum chio_err err = chio_store_step(store, statement, &found, detail);
  if (err == CHIO_OK && found)
    err = chio_store_slot_decode(store, slot, chio_store_column(statement, 0), out_state, detail);
  chio_store_reset(statement);
  if (err != CHIO_OK || found) return err;
  struct chio_slot_state state;
  new_state(slot, &state);
  err = put(store, &state, detail);
  if (err == CHIO_OK) *out_state = state;
  return err;
}

enum chio_err chio_store_slot(struct chio_store *store, uint32_t slot, struct chio_slot_state **out_state,
                              struct chio_detail *detail) {
  if (slot >= CHIO_SLOTS_MAX) return CHIO_E_SLOT_UNKNOWN;
  struct chio_slot_state *state = &store->slots[slot];
  enum chio_err err = state->known ? CHIO_OK : load(store, slot, state, detail);
  if (err == CHIO_OK) *out_state = state;
  return err;
}

enum chio_err chio_store_change_begin(struct chio_store *store, uint32_t slot, struct chio_slot_state *out_next,
                                      struct chio_detail *detail) {
  struct chio_slot_state *state;
  (void)pthread_mutex_lock(&store->lock);
  enum chio_err err = chio_store_slot(store, slot, &state, detail);
  if (err == CHIO_OK) err = chio_store_run(store, chio_store_statement(store, CHIO_ST_BEGIN), detail);
  if (err != CHIO_OK) {
    (void)pthread_mutex_unlock(&store->lock);
    return err;
  }
  *out_next = *state;
  return CHIO_OK;
}

enum chio_err chio_store_change_end(struct chio_store *store, const struct chio_slot_state *next, enum chio_err err,
                                    struct chio_detail *detail) {
  if (err == CHIO_OK) err = put(store, next, detail);
  if (err == CHIO_OK) err = chio_store_run(store, chio_store_statement(store, CHIO_ST_COMMIT), detail);
  if (err == CHIO_OK) {
    store->slots[next->row.slot] = *next;
  } else if (sqlite3_get_autocommit(store->db) == 0) {
    /* A full disk may have rolled back already. */
    enum chio_err undone = chio_store_run(store, chio_store_statement(store, CHIO_ST_ROLLBACK), NULL);
    if (undone != CHIO_OK) err = undone;
  }
  (void)pthread_mutex_unlock(&store->lock);
  return err;
}

/* ---- Tokens ---- */

enum chio_err chio_store_token_load(struct chio_store *store, uint32_t slot, struct chio_token_row *out_row,
                                    struct chio_detail *detail) {
  struct chio_slot_state *state;
  (void)pthread_mutex_lock(&store->lock);
  enum chio_err err = chio_store_slot(store, slot, &state, detail);
  if (err == CHIO_OK) *out_row = state->row;
  (void)pthread_mutex_unlock(&store->lock);
  return err;
}

static enum chio_err delete_rows(struct chio_store *store, enum chio_statement which, uint32_t slot,
                                 struct chio_detail *detail) {
  sqlite3_stmt *statement = chio_store_statement(store, which);
  (void)sqlite3_bind_int64(statement, 1, slot);
  return chio_store_run(store, statement, detail);
}

enum chio_err chio_store_token_init(struct chio_store *store, uint32_t slot, const char *label,
                                    struct chio_token_row *out_row, struct chio_detail *detail) {
  struct chio_slot_state next;
  if (strlen(label) >= sizeof next.row.label) return CHIO_E_TOO_LONG;
  enum chio_err err = chio_store_change_begin(store, slot, &next, detail);
  if (err != CHIO_OK) return err;
  err = delete_rows(store, CHIO_ST_OBJECTS_DELETE, slot, detail);
  if (err == CHIO_OK) err = delete_rows(store, CHIO_ST_USERS_DELETE, slot, detail);
  memset(next.row.label, 0, sizeof next.row.label);
  memcpy(next.row.label, label, strlen(label));
  memset(&next.sum, 0, sizeof next.sum);
  next.objects = 0;
  next.row.initialized = true;
  next.row.epoch++;
  err = chio_store_change_end(store, &next, err, detail);
  if (err == CHIO_OK) *out_row = next.row;
  return err;
}
