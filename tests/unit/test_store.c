/* What the store keeps: rows, what is found, tokens, users, tickets, blobs. Others at its file: test_store_file.c. */
#include "tests/unit/store_bed.h"

#include "signer/wire/cryptoki.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

/* ---- Rows come back ---- */

static void an_object_survives_a_restart(void **state) {
  struct bed *bed = *state;
  struct chio_uid key = insert(bed, CKO_PRIVATE_KEY, "ci", "01", true, "the private bytes");
  struct chio_uid data = insert(bed, CKO_DATA, "note", NULL, false, "");
  assert_int_equal(load(bed, &key, "the private bytes"), CHIO_OK);
  reopen(bed);
  assert_int_equal(load(bed, &key, "the private bytes"), CHIO_OK);
  assert_int_equal(load(bed, &data, ""), CHIO_OK);
  assert_int_equal(chio_store_objects_count(bed->store, 0), 2);
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  struct chio_uid unknown = {{9}};
  assert_int_equal(load(bed, &unknown, NULL), CHIO_E_OBJECT_UNKNOWN);
}

static void the_file_is_for_its_owner_alone(void **state) {
  struct bed *bed = *state;
  char path[512];
  struct stat st;
  static const char *const names[] = {"store.sqlite", "store.sqlite-wal", "store.sqlite-shm"};
  insert(bed, CKO_DATA, "x", NULL, false, "");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    assert_int_equal(stat(temp_dir_file(&bed->dir, names[i], path), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
  }
}

static void the_secret_part_is_not_in_the_file(void **state) {
  struct bed *bed = *state;
  char path[512];
  static char text[1 << 20];
  insert(bed, CKO_PRIVATE_KEY, "visible-label", "01", true, "very-secret-bytes");
  close_bed(bed);
  int fd = open(temp_dir_file(&bed->dir, "store.sqlite", path), O_RDONLY);
  ssize_t len = read(fd, text, sizeof text);
  close(fd);
  assert_true(len > 0);
  assert_non_null(memmem(text, (size_t)len, "visible-label", 13));
  assert_null(memmem(text, (size_t)len, "very-secret-bytes", 17));
  open_bed(bed);
}

static void a_pair_is_stored_whole_or_not_at_all(void **state) {
  struct bed *bed = *state;
  struct made one = make_object(CKO_PRIVATE_KEY, "a", "1", true, "s");
  struct made two = make_object(CKO_PUBLIC_KEY, "a", "1", false, "");
  struct chio_object_row rows[] = {one.row, two.row, one.row}; /* the third has a unique id that is taken */
  assert_int_not_equal(chio_store_objects_insert(bed->store, rows, 3, &bed->detail), CHIO_OK);
  assert_int_equal(load(bed, &one.row.uid, NULL), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(chio_store_objects_count(bed->store, 0), 0);
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_objects_insert(bed->store, rows, 2, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_objects_count(bed->store, 0), 2);
  rows[1].slot = 1;
  assert_int_equal(chio_store_objects_insert(bed->store, rows, 2, &bed->detail), CHIO_E_ARGUMENT);
  chio_buf_clear(&one.attrs);
  chio_buf_clear(&two.attrs);
}

/* A rotation: new rows and a changed one. */
static void additions_and_changes_are_made_together_or_not_at_all(void **state) {
  struct bed *bed = *state;
  struct made one = make_object(CKO_PRIVATE_KEY, "new", "1", true, "s");
  struct made old = make_object(CKO_PRIVATE_KEY, "old", "1", true, "secret");
  assert_int_equal(chio_store_objects_insert(bed->store, &old.row, 1, &bed->detail), CHIO_OK);
  struct chio_object_row changed[] = {old.row, old.row};
  changed[0].version = 1;
  changed[1].version = 1; /* stale, after the first */
  assert_int_equal(chio_store_objects_put(bed->store, &one.row, 1, changed, 2, &bed->detail), CHIO_E_BUSY);
  assert_int_equal(load(bed, &one.row.uid, NULL), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  changed[0].slot = 1;
  assert_int_equal(chio_store_objects_put(bed->store, &one.row, 1, changed, 1, &bed->detail), CHIO_E_ARGUMENT);
  assert_int_equal(chio_store_objects_put(bed->store, NULL, 0, NULL, 0, &bed->detail), CHIO_E_ARGUMENT);
  changed[0].slot = 0;
  assert_int_equal(chio_store_objects_put(bed->store, &one.row, 1, changed, 1, &bed->detail), CHIO_OK);
  reopen(bed);
  assert_int_equal(load(bed, &one.row.uid, "s"), CHIO_OK);
  assert_int_equal(load(bed, &old.row.uid, "secret"), CHIO_OK);
  assert_int_equal(chio_store_objects_count(bed->store, 0), 2);
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  chio_buf_clear(&one.attrs);
  chio_buf_clear(&old.attrs);
}

static void rows_are_found_by_bytes_that_their_attributes_hold(void **state) {
  struct bed *bed = *state;
  struct chio_store_found found[2];
  size_t count;
  struct chio_uid a = insert(bed, CKO_DATA, "the needle here", NULL, false, "");
  insert(bed, CKO_DATA, "nothing", NULL, false, "needle");
  struct chio_uid b = insert(bed, CKO_PRIVATE_KEY, "needle", "1", true, "s");
  struct chio_slice needle = chio_slice_str("needle");
  assert_int_equal(chio_store_objects_holding(bed->store, 0, needle, 0, found, 2, &count), CHIO_OK);
  assert_int_equal(count, 2);
  assert_true(chio_uid_equal(&found[0].uid, &a) && chio_uid_equal(&found[1].uid, &b));
  assert_int_equal(chio_store_objects_holding(bed->store, 0, needle, found[0].row, found, 2, &count), CHIO_OK);
  assert_int_equal(count, 1);
  assert_int_equal(chio_store_objects_holding(bed->store, 1, needle, 0, found, 2, &count), CHIO_OK);
  assert_int_equal(count, 0);
}

static void an_update_raises_the_version_and_a_stale_one_is_refused(void **state) {
  struct bed *bed = *state;
  struct made made = make_object(CKO_PRIVATE_KEY, "old", "1", true, "secret");
  assert_int_equal(chio_store_objects_insert(bed->store, &made.row, 1, &bed->detail), CHIO_OK);
  struct made next = make_object(CKO_PRIVATE_KEY, "new", "1", true, "secret");
  next.row.uid = made.row.uid;
  next.row.version = 1;
  assert_int_equal(chio_store_object_update(bed->store, &next.row, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_object_update(bed->store, &next.row, &bed->detail), CHIO_E_BUSY);
  struct chio_object_row row;
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_secret *secret;
  assert_int_equal(chio_store_object_load(bed->store, 0, &made.row.uid, &row, &holder, &secret, NULL), CHIO_OK);
  assert_int_equal(row.version, 2);
  struct chio_slice label;
  assert_true(chio_attrs_find(row.attrs, (uint32_t)CKA_LABEL, &label));
  assert_true(chio_slice_equal(label, chio_slice_str("new")));
  assert_true(chio_slice_equal(row.secret, chio_slice_str("secret")));
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  next.row.uid.b[0] ^= 1;
  assert_int_equal(chio_store_object_update(bed->store, &next.row, &bed->detail), CHIO_E_OBJECT_UNKNOWN);
  chio_secret_free(secret);
  chio_buf_clear(&holder);
  chio_buf_clear(&made.attrs);
  chio_buf_clear(&next.attrs);
}

static void a_deleted_object_is_gone_and_the_audit_agrees(void **state) {
  struct bed *bed = *state;
  struct chio_uid a = insert(bed, CKO_DATA, "a", NULL, false, "");
  struct chio_uid b = insert(bed, CKO_DATA, "b", NULL, false, "");
  assert_int_equal(chio_store_object_delete(bed->store, 0, &a, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_object_delete(bed->store, 0, &a, &bed->detail), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(chio_store_object_delete(bed->store, 1, &b, &bed->detail), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(chio_store_objects_count(bed->store, 0), 1);
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  assert_int_equal(load(bed, &a, NULL), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(load(bed, &b, ""), CHIO_OK);
}

/* ---- Finding ---- */

static size_t find(struct bed *bed, struct chio_attrs templ, bool see_private, bool want_exact) {
  static struct chio_store_found found[64];
  size_t total = 0, count;
  uint64_t after = 0;
  do { /* pages of three, in order of creation */
    bool exact = !want_exact;
    assert_int_equal(chio_store_objects_find(bed->store, 0, templ, see_private, after, found, 3, &count, &exact),
                     CHIO_OK);
    assert_int_equal(exact, want_exact);
    for (size_t i = 0; i < count; i++) {
      assert_true(found[i].row > after);
      after = found[i].row;
    }
    total += count;
  } while (count == 3);
  return total;
}

static void finding_matches_each_criterion_and_their_sums(void **state) {
  struct bed *bed = *state;
  for (int i = 0; i < 10; i++) {
    char id[3] = {(char)('0' + i), 0};
    insert(bed, CKO_PRIVATE_KEY, i < 4 ? "few" : "many", id, true, "s");
    insert(bed, CKO_PUBLIC_KEY, i < 4 ? "few" : "many", id, false, "");
  }
  insert(bed, CKO_DATA, NULL, NULL, false, "");
  struct chio_uid uid = insert(bed, CKO_DATA, "few", "", false, "");
  char hex[CHIO_UID_HEX + 1];
  chio_uid_hex(&uid, hex);

  struct chio_buf t = CHIO_BUF_INIT;
#define FIND(want_all, want_public, exact)                              \
  do {                                                                  \
    assert_int_equal(find(bed, chio_attrs_of(&t), true, exact), want_all);    \
    assert_int_equal(find(bed, chio_attrs_of(&t), false, exact), want_public); \
    chio_attrs_begin(&t);                                               \
  } while (0)
  chio_attrs_begin(&t);
  FIND(22, 12, true);
  chio_attrs_add_ulong(&t, (uint32_t)CKA_CLASS, CKO_PRIVATE_KEY);
  FIND(10, 0, true);
  chio_attrs_add_ulong(&t, (uint32_t)CKA_CLASS, CKO_PUBLIC_KEY);
  FIND(10, 10, true);
  chio_attrs_add(&t, (uint32_t)CKA_LABEL, chio_slice_str("few"));
  FIND(9, 5, true);
  chio_attrs_add(&t, (uint32_t)CKA_LABEL, chio_slice_str("few"));
  chio_attrs_add_ulong(&t, (uint32_t)CKA_CLASS, CKO_PRIVATE_KEY);
  chio_attrs_add_ulong(&t, (uint32_t)CKA_KEY_TYPE, CKK_EC);
  chio_attrs_add_bool(&t, (uint32_t)CKA_TOKEN, true);
  FIND(4, 0, true);
  chio_attrs_add(&t, (uint32_t)CKA_ID, chio_slice_str("3"));
  FIND(2, 1, true);
  chio_attrs_add(&t, (uint32_t)CKA_ID, chio_slice_str(""));
  FIND(1, 1, true);
  chio_attrs_add(&t, (uint32_t)CKA_UNIQUE_ID, chio_slice_str(hex));
  FIND(1, 1, true);
  chio_attrs_add(&t, (uint32_t)CKA_UNIQUE_ID, chio_slice_str("nonsense"));
  FIND(0, 0, true);
  chio_attrs_add_bool(&t, (uint32_t)CKA_PRIVATE, true);
  FIND(10, 0, true);
  chio_attrs_add_bool(&t, (uint32_t)CKA_PRIVATE, false);
  FIND(12, 12, true);
  chio_attrs_add_bool(&t, (uint32_t)CKA_TOKEN, false);
  FIND(0, 0, true);
  chio_attrs_add(&t, (uint32_t)CKA_CLASS, chio_slice("\3\0\0\0", 4));
  FIND(0, 0, true);
  chio_attrs_add(&t, (uint32_t)CKA_ID, chio_slice_str("3"));
  chio_attrs_add(&t, (uint32_t)CKA_ID, chio_slice_str("4"));
  FIND(0, 0, true);
  chio_attrs_add_bool(&t, (uint32_t)CKA_SIGN, true);
  FIND(22, 12, false);
  chio_buf_clear(&t);
}

static void finding_never_walks_all_rows(void **state) {
  struct bed *bed = *state;
  char path[512];
  sqlite3 *db;
  sqlite3_stmt *plan;
  static const char *const rows[] = {
      "INDEXED BY object_id WHERE slot = 0 AND row > 0 AND class = 3 AND id = X'31' ORDER BY row LIMIT 3",
      "INDEXED BY object_id WHERE slot = 0 AND row > 0 AND id = X'31' ORDER BY row LIMIT 3",
      "INDEXED BY object_label WHERE slot = 0 AND row > 0 AND label = X'31' AND class = 3 ORDER BY row LIMIT 3",
      "INDEXED BY object_public WHERE slot = 0 AND row > 0 AND class = 3 AND private = 0 ORDER BY row LIMIT 3",
      "INDEXED BY object_class WHERE slot = 0 AND row > 0 AND class = 3 ORDER BY row LIMIT 3",
      "INDEXED BY object_uid WHERE slot = 0 AND row > 0 AND uid = X'31' ORDER BY row LIMIT 3",
      "INDEXED BY object_slot WHERE slot = 0 AND row > 0 ORDER BY row LIMIT 3",
  };
  assert_int_equal(sqlite3_open(temp_dir_file(&bed->dir, "store.sqlite", path), &db), SQLITE_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char sql[256];
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN SELECT row, uid FROM object %s", rows[i]);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
      const char *step = (const char *)sqlite3_column_text(plan, 3);
      assert_null(strstr(step, "SCAN"));
      assert_null(strstr(step, "TEMP B-TREE"));
      assert_true(strstr(step, "COVERING") != NULL || strstr(step, "object_uid") != NULL);
    }
    sqlite3_finalize(plan);
  }
  sqlite3_close(db);
}

/* ---- Tokens, users, tickets, blobs ---- */

static void a_slot_seen_for_the_first_time_gets_a_serial_that_stays(void **state) {
  struct bed *bed = *state;
  struct chio_token_row first, second;
  assert_int_equal(chio_store_token_load(bed->store, 5, &first, &bed->detail), CHIO_OK);
  assert_false(first.initialized);
  assert_int_equal(strlen(first.serial), 16);
  reopen(bed);
  assert_int_equal(chio_store_token_load(bed->store, 5, &second, &bed->detail), CHIO_OK);
  assert_string_equal(first.serial, second.serial);
  assert_int_equal(chio_store_token_load(bed->store, 256, &second, &bed->detail), CHIO_E_SLOT_UNKNOWN);
}

static void initialising_destroys_objects_and_users_and_raises_the_epoch(void **state) {
  struct bed *bed = *state;
  struct chio_token_row before, after;
  struct chio_user_row user = {.slot = 0, .user = 1, .failures = 2, .pin_epoch = 4};
  struct chio_uid a = insert(bed, CKO_DATA, "a", NULL, false, "");
  assert_int_equal(chio_store_user_save(bed->store, &user, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_token_load(bed->store, 0, &before, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_token_init(bed->store, 0, "a label of exactly 32 characters", &after, &bed->detail),
                   CHIO_OK);
  assert_true(after.epoch > before.epoch);
  assert_string_equal(after.serial, before.serial);
  reopen(bed);
  assert_int_equal(load(bed, &a, NULL), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(chio_store_user_load(bed->store, 0, 1, &user), CHIO_E_PIN_UNINITIALIZED);
  assert_int_equal(chio_store_token_load(bed->store, 0, &after, &bed->detail), CHIO_OK);
  assert_string_equal(after.label, "a label of exactly 32 characters");
  assert_int_equal(chio_store_objects_count(bed->store, 0), 0);
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  assert_int_equal(
      chio_store_token_init(bed->store, 0, "a label of more than 32 characters", &after, &bed->detail),
      CHIO_E_TOO_LONG);
}

static void a_user_survives_a_restart_and_an_older_row_fails_the_audit(void **state) {
  struct bed *bed = *state;
  struct chio_user_row back, user = {.slot = 0, .user = 1, .ops = 3, .memory = 1 << 20, .failures = 1, .locked = true};
  randombytes_buf(user.salt, sizeof user.salt);
  randombytes_buf(user.verifier, sizeof user.verifier);
  assert_int_equal(chio_store_user_save(bed->store, &user, &bed->detail), CHIO_OK);
  tamper_and_open(bed, "CREATE TABLE kept AS SELECT * FROM user");
  user.failures = 2;
  user.not_before = 99;
  assert_int_equal(chio_store_user_save(bed->store, &user, &bed->detail), CHIO_OK);
  reopen(bed);
  assert_int_equal(chio_store_user_load(bed->store, 0, 1, &back), CHIO_OK);
  assert_int_equal(back.failures, 2);
  assert_int_equal(back.not_before, 99);
  assert_true(back.locked);
  assert_memory_equal(back.verifier, user.verifier, 32);
  assert_int_equal(chio_store_user_load(bed->store, 0, 0, &back), CHIO_E_PIN_UNINITIALIZED);
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  tamper_and_open(bed, "DELETE FROM user; INSERT INTO user SELECT * FROM kept");
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_E_STORE_CORRUPT);
  tamper_and_open(bed, "UPDATE user SET user = 0");
  assert_int_equal(chio_store_user_load(bed->store, 0, 0, &back), CHIO_E_STORE_CORRUPT);
}

static void ended_tickets_are_remembered_until_their_time(void **state) {
  struct bed *bed = *state;
  static const uint8_t a[16] = {1}, b[16] = {2};
  uint64_t now = (uint64_t)time(NULL);
  assert_int_equal(chio_store_ticket_revoke(bed->store, a, now + 1000), CHIO_OK);
  assert_int_equal(chio_store_ticket_revoke(bed->store, a, now + 1000), CHIO_OK);
  reopen(bed);
  assert_true(chio_store_ticket_revoked(bed->store, a));
  assert_false(chio_store_ticket_revoked(bed->store, b));
  assert_int_equal(chio_store_ticket_revoke(bed->store, b, now - 1), CHIO_OK);
  assert_int_equal(chio_store_ticket_revoke(bed->store, a, now + 1000), CHIO_OK);
  assert_false(chio_store_ticket_revoked(bed->store, b));
}

static void blobs_come_back_and_cannot_be_swapped(void **state) {
  struct bed *bed = *state;
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(chio_store_blob_put(bed->store, "boot/a", chio_slice_str("evidence a"), &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_blob_put(bed->store, "boot/b", chio_slice_str("evidence b"), &bed->detail), CHIO_OK);
  reopen(bed);
  assert_int_equal(chio_store_blob_get(bed->store, "boot/a", &out), CHIO_OK);
  assert_true(chio_slice_equal(chio_buf_slice(&out), chio_slice_str("evidence a")));
  chio_buf_reset(&out);
  assert_int_equal(chio_store_blob_get(bed->store, "boot/c", &out), CHIO_E_NOT_FOUND);
  tamper_and_open(bed, "UPDATE blob SET sealed = (SELECT sealed FROM blob WHERE name = 'boot/b')"
                       " WHERE name = 'boot/a'");
  assert_int_equal(chio_store_blob_get(bed->store, "boot/a", &out), CHIO_E_STORE_CORRUPT);
  assert_int_equal(out.len, 0);
  chio_buf_clear(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BED(an_object_survives_a_restart),
      ON_BED(the_file_is_for_its_owner_alone),
      ON_BED(the_secret_part_is_not_in_the_file),
      ON_BED(a_pair_is_stored_whole_or_not_at_all),
      ON_BED(additions_and_changes_are_made_together_or_not_at_all),
      ON_BED(rows_are_found_by_bytes_that_their_attributes_hold),
      ON_BED(an_update_raises_the_version_and_a_stale_one_is_refused),
      ON_BED(a_deleted_object_is_gone_and_the_audit_agrees),
      ON_BED(finding_matches_each_criterion_and_their_sums),
      ON_BED(finding_never_walks_all_rows),
      ON_BED(a_slot_seen_for_the_first_time_gets_a_serial_that_stays),
      ON_BED(initialising_destroys_objects_and_users_and_raises_the_epoch),
      ON_BED(a_user_survives_a_restart_and_an_older_row_fails_the_audit),
      ON_BED(ended_tickets_are_remembered_until_their_time),
      ON_BED(blobs_come_back_and_cannot_be_swapped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
