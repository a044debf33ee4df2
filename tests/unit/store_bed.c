#include "tests/unit/store_bed.h"

#include "signer/wire/cryptoki.h"

#include <sodium.h>
#include <sqlite3.h>

void open_bed(struct bed *bed) {
  assert_int_equal(chio_seal_open("file", bed->dir.path, &bed->seal, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_open(bed->dir.path, bed->seal, &bed->store, &bed->detail), CHIO_OK);
}

void close_bed(struct bed *bed) {
  chio_store_close(bed->store);
  chio_seal_free(bed->seal);
  bed->store = NULL;
  bed->seal = NULL;
}

void reopen(struct bed *bed) {
  close_bed(bed);
  open_bed(bed);
}

int bed_set_up(void **state) {
  static struct bed bed;
  memset(&bed, 0, sizeof bed);
  *state = &bed;
  if (!temp_dir_make(&bed.dir)) return -1;
  open_bed(&bed);
  struct chio_token_row row;
  return chio_store_token_init(bed.store, 0, "test", &row, &bed.detail) == CHIO_OK ? 0 : -1;
}

int bed_tear_down(void **state) {
  struct bed *bed = *state;
  close_bed(bed);
  temp_dir_remove(&bed->dir);
  return 0;
}

void tamper(struct bed *bed, const char *sql) {
  char path[512];
  sqlite3 *db;
  char *message = NULL;
  close_bed(bed);
  assert_int_equal(sqlite3_open(temp_dir_file(&bed->dir, "store.sqlite", path), &db), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void tamper_and_open(struct bed *bed, const char *sql) {
  tamper(bed, sql);
  open_bed(bed);
}

struct made make_object(uint64_t class, const char *label, const char *id, bool private, const char *secret) {
  struct made made = {.attrs = CHIO_BUF_INIT};
  char hex[CHIO_UID_HEX + 1];
  randombytes_buf(made.row.uid.b, sizeof made.row.uid.b);
  chio_uid_hex(&made.row.uid, hex);
  chio_attrs_begin(&made.attrs);
  chio_attrs_add_ulong(&made.attrs, (uint32_t)CKA_CLASS, class);
  chio_attrs_add_bool(&made.attrs, (uint32_t)CKA_TOKEN, true);
  chio_attrs_add_bool(&made.attrs, (uint32_t)CKA_PRIVATE, private);
  chio_attrs_add(&made.attrs, (uint32_t)CKA_UNIQUE_ID, chio_slice_str(hex));
  if (class != CKO_DATA) chio_attrs_add_ulong(&made.attrs, (uint32_t)CKA_KEY_TYPE, CKK_EC);
  if (label != NULL) chio_attrs_add(&made.attrs, (uint32_t)CKA_LABEL, chio_slice_str(label));
  if (id != NULL) chio_attrs_add(&made.attrs, (uint32_t)CKA_ID, chio_slice_str(id));
  made.row.attrs = chio_attrs_of(&made.attrs);
  made.row.secret = chio_slice_str(secret);
  return made;
}

struct chio_uid insert(struct bed *bed, uint64_t class, const char *label, const char *id, bool private,
                              const char *secret) {
  struct made made = make_object(class, label, id, private, secret);
  assert_int_equal(chio_store_objects_insert(bed->store, &made.row, 1, &bed->detail), CHIO_OK);
  chio_buf_clear(&made.attrs);
  return made.row.uid;
}

enum chio_err load(struct bed *bed, const struct chio_uid *uid, const char *want_secret) {
  struct chio_object_row row;
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_secret *secret = NULL;
  bed->detail.text[0] = 0;
  enum chio_err err = chio_store_object_load(bed->store, 0, uid, &row, &holder, &secret, &bed->detail);
  if (err == CHIO_OK && want_secret != NULL)
    assert_true(chio_slice_equal(chio_secret_slice(secret), chio_slice_str(want_secret)));
  chio_secret_free(secret);
  chio_buf_clear(&holder);
  return err;
}
