#include "signer/core/store_db.h"

#include <stdio.h>

/* What the index columns hold of an object; also what loading compares them with. */
struct columns {
  uint64_t class;
  uint64_t key_type;
  bool has_key_type, has_id, has_label, private;
  struct chio_slice id, label;
};

static struct columns columns_of(struct chio_attrs attrs) {
  struct columns c = {.class = chio_attrs_ulong(attrs, (uint32_t)CKA_CLASS, UINT32_MAX),
                      .key_type = chio_attrs_ulong(attrs, (uint32_t)CKA_KEY_TYPE, 0),
                      .private = chio_attrs_bool(attrs, (uint32_t)CKA_PRIVATE, true)};
  struct chio_slice value;
  c.has_key_type = chio_attrs_find(attrs, (uint32_t)CKA_KEY_TYPE, &value);
  c.has_id = chio_attrs_find(attrs, (uint32_t)CKA_ID, &c.id);
  c.has_label = chio_attrs_find(attrs, (uint32_t)CKA_LABEL, &c.label);
  return c;
}

static void add_aad(struct chio_buf *aad, uint64_t epoch, const struct chio_object_row *row, uint64_t version) {
  chio_buf_append(aad, "object v1", sizeof "object v1");
  chio_buf_append_u32le(aad, row->slot);
  chio_buf_append_u64le(aad, epoch);
  chio_buf_append(aad, row->uid.b, sizeof row->uid.b);
  chio_buf_append_u64le(aad, version);
  chio_buf_append_slice(aad, row->attrs.raw);
}

void chio_store_sum_object(const struct chio_store *store, struct chio_store_sum *sum, const struct chio_uid *uid,
                           uint64_t version, bool add) {
  uint8_t member[1 + CHIO_UID_SIZE + 8] = {'o'};
  memcpy(member + 1, uid->b, sizeof uid->b);
  for (size_t i = 0; i < 8; i++) member[1 + CHIO_UID_SIZE + i] = (uint8_t)(version >> (8 * i));
  (add ? chio_store_sum_add : chio_store_sum_remove)(sum, store->sum_key, chio_slice(member, sizeof member));
}

/* ---- Writing ---- */

static void bind_row(sqlite3_stmt *statement, const struct chio_object_row *row, uint64_t version,
                     struct chio_slice sealed) {
  struct columns c = columns_of(row->attrs);
  (void)sqlite3_bind_int64(statement, 1, row->slot);
  chio_store_bind(statement, 2, chio_slice(row->uid.b, sizeof row->uid.b));
  (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)version);
  (void)sqlite3_bind_int64(statement, 4, (sqlite3_int64)c.class);
  if (c.has_key_type) (void)sqlite3_bind_int64(statement, 5, (sqlite3_int64)c.key_type);
  (void)sqlite3_bind_int(statement, 6, c.private ? 1 : 0);
  if (c.has_id) chio_store_bind(statement, 7, c.id);
  if (c.has_label) chio_store_bind(statement, 8, c.label);
  chio_store_bind(statement, 9, sealed);
  chio_store_bind(statement, 10, row->attrs.raw);
}

static enum chio_err write_row(struct chio_store *store, enum chio_statement which, uint64_t epoch,
                               const struct chio_object_row *row, uint64_t version, struct chio_detail *detail) {
  struct chio_buf aad = CHIO_BUF_INIT, sealed = CHIO_BUF_INIT;
  sqlite3_stmt *statement = chio_store_statement(store, which);
  add_aad(&aad, epoch, row, version);
  enum chio_err err = chio_buf_err(&aad);
  if (err == CHIO_OK) err = chio_seal_encrypt(store->row_key, chio_buf_slice(&aad), row->secret, &sealed);
  if (err == CHIO_OK) {
    bind_row(statement, row, version, chio_buf_slice(&sealed));
    err = chio_store_run(store, statement, detail);
  }
  chio_buf_clear(&aad);
  chio_buf_clear(&sealed);
  return err;
}

/* The version of a row. CHIO_E_OBJECT_UNKNOWN. */
static enum chio_err version_of(struct chio_store *store, uint32_t slot, const struct chio_uid *uid,
                                uint64_t *out_version, struct chio_detail *detail) {
  sqlite3_stmt *statement = chio_store_statement(store, CHIO_ST_OBJECT_VERSION);
  bool found = false;
  (void)sqlite3_bind_int64(statement, 1, slot);
  chio_store_bind(statement, 2, chio_slice(uid->b, sizeof uid->b));
  enum chio_err err = chio_store_step(store, statement, &found, detail);
  if (err == CHIO_OK && found) *out_version = (uint64_t)sqlite3_column_int64(statement, 0);
  chio_store_reset(statement);
  return err == CHIO_OK && !found ? CHIO_E_OBJECT_UNKNOWN : err;
}

static enum chio_err add_row(struct chio_store *store, struct chio_slot_state *next, const struct chio_object_row *row,
                             struct chio_detail *detail) {
  chio_store_sum_object(store, &next->sum, &row->uid, 1, true);
  next->objects++;
  return write_row(store, CHIO_ST_OBJECT_PUT, next->row.epoch, row, 1, detail);
}

static enum chio_err change_row(struct chio_store *store, struct chio_slot_state *next,
                                const struct chio_object_row *row, struct chio_detail *detail) {
  uint64_t version = 0;
  enum chio_err err = version_of(store, row->slot, &row->uid, &version, detail);
  if (err == CHIO_OK && version != row->version) err = CHIO_E_BUSY;
  if (err != CHIO_OK) return err;
  chio_store_sum_object(store, &next->sum, &row->uid, version, false);
  chio_store_sum_object(store, &next->sum, &row->uid, version + 1, true);
  return write_row(store, CHIO_ST_OBJECT_UPDATE, next->row.epoch, row, version + 1, detail);
}

enum chio_err chio_store_objects_put(struct chio_store *store, const struct chio_object_row *added, size_t added_count,
                                     const struct chio_object_row *changed, size_t changed_count,
                                     struct chio_detail *detail) {
  struct chio_slot_state next;
  if (added_count + changed_count == 0) return CHIO_E_ARGUMENT;
  uint32_t slot = added_count > 0 ? added[0].slot : changed[0].slot;
  for (size_t i = 0; i < added_count; i++)
    if (added[i].slot != slot) return CHIO_E_ARGUMENT;
  for (size_t i = 0; i < changed_count; i++)
    if (changed[i].slot != slot) return CHIO_E_ARGUMENT;
  enum chio_err err = chio_store_change_begin(store, slot, &next, detail);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; i < added_count && err == CHIO_OK; i++) err = add_row(store, &next, &added[i], detail);
  for (size_t i = 0; i < changed_count && err == CHIO_OK; i++) err = change_row(store, &next, &changed[i], detail);
  return chio_store_change_end(store, &next, err, detail);
}

enum chio_err chio_store_objects_insert(struct chio_store *store, const struct chio_object_row *rows, size_t count,
                                        struct chio_detail *detail) {
  return count > 0 ? chio_store_objects_put(store, rows, count, NULL, 0, detail) : CHIO_OK;
}

enum chio_err chio_store_object_update(struct chio_store *store, const struct chio_object_row *row,
                                       struct chio_detail *detail) {
  return chio_store_objects_put(store, NULL, 0, row, 1, detail);
}

enum chio_err chio_store_object_delete(struct chio_store *store, uint32_t slot, const struct chio_uid *uid,
                                       struct chio_detail *detail) {
  struct chio_slot_state next;
  uint64_t version = 0;
  enum chio_err err = chio_store_change_begin(store, slot, &next, detail);
  if (err != CHIO_OK) return err;
  err = version_of(store, slot, uid, &version, detail);
  if (err == CHIO_OK) {
    sqlite3_stmt *statement = chio_store_statement(store, CHIO_ST_OBJECT_DELETE);
    (void)sqlite3_bind_int64(statement, 1, slot);
    chio_store_bind(statement, 2, chio_slice(uid->b, sizeof uid->b));
    err = chio_store_run(store, statement, detail);
  }
  chio_store_sum_object(store, &next.sum, uid, version, false);
  if (next.objects > 0) next.objects--;
  return chio_store_change_end(store, &next, err, detail);
}

/* ---- Reading ---- */

static bool same_blob(sqlite3_stmt *statement, int column, bool has, struct chio_slice value) {
  bool is_null = sqlite3_column_type(statement, column) == SQLITE_NULL;
  return is_null == !has && (!has || chio_slice_equal(chio_store_column(statement, column), value));
}

/* The index columns are no part of the sealed data, but copies of it: one that differs was changed by hand. */
static bool columns_match(sqlite3_stmt *statement, struct chio_attrs attrs) {
  struct columns c = columns_of(attrs);
  bool no_type = sqlite3_column_type(statement, 2) == SQLITE_NULL;
  return (uint64_t)sqlite3_column_int64(statement, 1) == c.class && no_type == !c.has_key_type &&
         (no_type || (uint64_t)sqlite3_column_int64(statement, 2) == c.key_type) &&
         (sqlite3_column_int64(statement, 3) != 0) == c.private && same_blob(statement, 4, c.has_id, c.id) &&
         same_blob(statement, 5, c.has_label, c.label);
}

/* Opens the row that the statement stands on. */
static enum chio_err open_row(struct chio_store *store, uint64_t epoch, sqlite3_stmt *statement,
                              struct chio_object_row *row, struct chio_secret **out_secret) {
  struct chio_buf aad = CHIO_BUF_INIT;
  row->version = (uint64_t)sqlite3_column_int64(statement, 0);
  if (chio_attrs_parse(chio_store_column(statement, 7), &row->attrs) != CHIO_OK) return CHIO_E_STORE_CORRUPT;
  if (!columns_match(statement, row->attrs)) return CHIO_E_STORE_CORRUPT;
  add_aad(&aad, epoch, row, row->version);
  enum chio_err err = chio_buf_err(&aad);
  if (err == CHIO_OK)
    err = chio_seal_decrypt(store->row_key, chio_buf_slice(&aad), chio_store_column(statement, 6), out_secret);
  chio_buf_clear(&aad);
  return err;
}

static enum chio_err load_row(struct chio_store *store, struct chio_object_row *row, struct chio_buf *attrs_holder,
                              struct chio_secret **out_secret, struct chio_detail *detail) {
  struct chio_slot_state *state;
  enum chio_err err = chio_store_slot(store, row->slot, &state, detail);
  if (err != CHIO_OK) return err;
  sqlite3_stmt *statement = chio_store_statement(store, CHIO_ST_OBJECT_GET);
  bool found = false;
  (void)sqlite3_bind_int64(statement, 1, row->slot);
  chio_store_bind(statement, 2, chio_slice(row->uid.b, sizeof row->uid.b));
  err = chio_store_step(store, statement, &found, detail);
  if (err == CHIO_OK && !found) err = CHIO_E_OBJECT_UNKNOWN;
  if (err == CHIO_OK) err = open_row(store, state->row.epoch, statement, row, out_secret);
  if (err == CHIO_OK) {
    chio_buf_reset(attrs_holder);
    chio_buf_append_slice(attrs_holder, row->attrs.raw);
    err = chio_buf_err(attrs_holder);
    row->attrs = chio_attrs_of(attrs_holder);
  }
  chio_store_reset(statement);
  return err;
}

enum chio_err chio_store_object_load(struct chio_store *store, uint32_t slot, const struct chio_uid *uid,
                                     struct chio_object_row *out_row, struct chio_buf *attrs_holder,
                                     struct chio_secret **out_secret, struct chio_detail *detail) {
  struct chio_object_row row = {.slot = slot, .uid = *uid};
  CHIO_AUTO(chio_secret) struct chio_secret *secret = NULL;
  (void)pthread_mutex_lock(&store->lock);
  enum chio_err err = load_row(store, &row, attrs_holder, &secret, detail);
  (void)pthread_mutex_unlock(&store->lock);
  if (err == CHIO_E_STORE_CORRUPT) {
    char hex[CHIO_UID_HEX + 1];
    chio_uid_hex(uid, hex);
    return chio_fail(detail, err, "object %s of token %u is damaged: its seal does not fit", hex, (unsigned)slot);
  }
  if (err != CHIO_OK) return err;
  row.secret = chio_secret_slice(secret);
  *out_row = row;
  *out_secret = secret->len > 0 ? CHIO_STEAL(secret) : NULL;
  if (*out_secret == NULL) out_row->secret = chio_slice(NULL, 0);
  return CHIO_OK;
}

uint64_t chio_store_objects_count(struct chio_store *store, uint32_t slot) {
  struct chio_slot_state *state;
  (void)pthread_mutex_lock(&store->lock);
  uint64_t count = chio_store_slot(store, slot, &state, NULL) == CHIO_OK ? state->objects : 0;
  (void)pthread_mutex_unlock(&store->lock);
  return count;
}
