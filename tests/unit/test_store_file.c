/* The store's file in other hands: changed, rolled back, swapped rows; other files; a full disk. */
#include "tests/unit/store_bed.h"

#include "signer/wire/cryptoki.h"

#include <fcntl.h>
#include <sched.h>
#include <sodium.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- Somebody at the file ---- */

static void every_changed_column_is_noticed_and_the_object_named(void **state) {
  struct bed *bed = *state;
  static const char *const rows[] = {
      "UPDATE object SET version = version + 1",
      "UPDATE object SET class = 4",
      "UPDATE object SET key_type = 0",
      "UPDATE object SET key_type = NULL",
      "UPDATE object SET private = 0",
      "UPDATE object SET id = X'39'",
      "UPDATE object SET id = NULL",
      "UPDATE object SET label = X'39'",
      "UPDATE object SET label = NULL",
      "UPDATE object SET sealed = zeroblob(60)",
      "UPDATE object SET sealed = X''",
      "UPDATE object SET attrs = X''",
      "UPDATE object SET attrs = substr(attrs, 1, length(attrs) - 1)",
      "UPDATE object SET attrs = attrs || X'00'",
      "UPDATE object SET attrs = CAST(replace(CAST(attrs AS TEXT), 'label', 'lable') AS BLOB)",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_uid uid = insert(bed, CKO_PRIVATE_KEY, "label", "1", true, "secret");
    char hex[CHIO_UID_HEX + 1];
    chio_uid_hex(&uid, hex);
    tamper_and_open(bed, rows[i]);
    if (load(bed, &uid, NULL) != CHIO_E_STORE_CORRUPT) fail_msg("not noticed: %s", rows[i]);
    assert_non_null(strstr(bed->detail.text, hex));
    assert_int_equal(chio_store_object_delete(bed->store, 0, &uid, &bed->detail), CHIO_OK);
  }
}

static void swapped_secrets_are_noticed(void **state) {
  struct bed *bed = *state;
  struct chio_uid a = insert(bed, CKO_PRIVATE_KEY, "same", "1", true, "secret of a");
  struct chio_uid b = insert(bed, CKO_PRIVATE_KEY, "same", "1", true, "secret of b");
  tamper_and_open(bed, "CREATE TEMP TABLE t AS SELECT row, sealed FROM object;"
                       "UPDATE object SET sealed = (SELECT t.sealed FROM t WHERE t.row <> object.row)");
  assert_int_equal(load(bed, &a, NULL), CHIO_E_STORE_CORRUPT);
  assert_int_equal(load(bed, &b, NULL), CHIO_E_STORE_CORRUPT);
}

static void swapped_names_are_noticed(void **state) {
  struct bed *bed = *state;
  struct chio_uid a = insert(bed, CKO_PRIVATE_KEY, "a", "1", true, "secret of a");
  struct chio_uid b = insert(bed, CKO_PRIVATE_KEY, "b", "2", true, "secret of b");
  tamper_and_open(bed,
                  "CREATE TEMP TABLE t AS SELECT row, uid FROM object; UPDATE object SET uid = randomblob(16);"
                  "UPDATE object SET uid = (SELECT t.uid FROM t WHERE t.row <> object.row)");
  assert_int_equal(load(bed, &a, NULL), CHIO_E_STORE_CORRUPT);
  assert_int_equal(load(bed, &b, NULL), CHIO_E_STORE_CORRUPT);
}

static void a_row_rolled_back_to_an_older_state_fails_the_audit(void **state) {
  struct bed *bed = *state;
  struct made made = make_object(CKO_PRIVATE_KEY, "before", "1", true, "secret");
  assert_int_equal(chio_store_objects_insert(bed->store, &made.row, 1, &bed->detail), CHIO_OK);
  tamper_and_open(bed, "CREATE TABLE kept AS SELECT * FROM object");
  struct made next = make_object(CKO_PRIVATE_KEY, "after", "1", true, "secret");
  next.row.uid = made.row.uid;
  next.row.version = 1;
  assert_int_equal(chio_store_object_update(bed->store, &next.row, &bed->detail), CHIO_OK);
  tamper_and_open(bed, "DELETE FROM object; INSERT INTO object SELECT * FROM kept");
  assert_int_equal(load(bed, &made.row.uid, "secret"), CHIO_OK); /* its own seal fits: it is an old truth */
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_E_STORE_CORRUPT);
  assert_non_null(strstr(bed->detail.text, "token 0"));
  chio_buf_clear(&made.attrs);
  chio_buf_clear(&next.attrs);
}

static void removed_and_brought_back_rows_fail_the_audit(void **state) {
  struct bed *bed = *state;
  struct chio_uid a = insert(bed, CKO_DATA, "a", NULL, false, "");
  insert(bed, CKO_DATA, "b", NULL, false, "");
  tamper_and_open(bed, "CREATE TABLE kept AS SELECT * FROM object; DELETE FROM object WHERE label = X'62'");
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_E_STORE_CORRUPT);
  tamper_and_open(bed, "INSERT INTO object SELECT * FROM kept WHERE label = X'62'");
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_object_delete(bed->store, 0, &a, &bed->detail), CHIO_OK);
  tamper_and_open(bed, "INSERT INTO object SELECT * FROM kept WHERE label = X'61'");
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_E_STORE_CORRUPT);
}

static void rows_of_an_earlier_token_are_refused(void **state) {
  struct bed *bed = *state;
  struct chio_uid a = insert(bed, CKO_PRIVATE_KEY, "a", "1", true, "secret");
  tamper_and_open(bed, "CREATE TABLE kept AS SELECT * FROM object");
  struct chio_token_row row;
  assert_int_equal(chio_store_token_init(bed->store, 0, "again", &row, &bed->detail), CHIO_OK);
  assert_int_equal(load(bed, &a, NULL), CHIO_E_OBJECT_UNKNOWN);
  tamper_and_open(bed, "INSERT INTO object SELECT * FROM kept");
  assert_int_equal(load(bed, &a, NULL), CHIO_E_STORE_CORRUPT);
}

static void a_row_moved_to_another_slot_is_refused(void **state) {
  struct bed *bed = *state;
  struct chio_token_row row;
  struct chio_uid a = insert(bed, CKO_PRIVATE_KEY, "a", "1", true, "secret");
  assert_int_equal(chio_store_token_init(bed->store, 1, "other", &row, &bed->detail), CHIO_OK);
  tamper_and_open(bed, "UPDATE object SET slot = 1");
  struct chio_object_row object;
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_secret *secret = NULL;
  assert_int_equal(chio_store_object_load(bed->store, 1, &a, &object, &holder, &secret, &bed->detail),
                   CHIO_E_STORE_CORRUPT);
  assert_null(secret);
  chio_buf_clear(&holder);
}

static void a_changed_token_row_is_refused(void **state) {
  struct bed *bed = *state;
  struct chio_token_row row;
  tamper_and_open(bed, "UPDATE token SET sealed = zeroblob(length(sealed))");
  assert_int_equal(chio_store_token_load(bed->store, 0, &row, &bed->detail), CHIO_E_STORE_CORRUPT);
  assert_non_null(strstr(bed->detail.text, "token 0"));
}

static void another_root_is_refused_at_once(void **state) {
  struct bed *bed = *state;
  char path[512];
  uint8_t root[32];
  close_bed(bed);
  randombytes_buf(root, sizeof root);
  int fd = open(temp_dir_file(&bed->dir, "root.key", path), O_WRONLY | O_TRUNC);
  assert_int_equal(write(fd, root, sizeof root), 32);
  close(fd);
  assert_int_equal(chio_seal_open("file", bed->dir.path, &bed->seal, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_open(bed->dir.path, bed->seal, &bed->store, &bed->detail), CHIO_E_SEAL);
  assert_null(bed->store);
}

static void a_newer_schema_and_foreign_files_are_refused_by_name(void **state) {
  struct bed *bed = *state;
  static const struct {
    const char *sql;
    enum chio_err want;
    const char *word;
  } rows[] = {{"PRAGMA user_version = 7", CHIO_E_VERSION, "version 7"},
              {"PRAGMA application_id = 5", CHIO_E_STORE_CORRUPT, "another program"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    tamper(bed, rows[i].sql);
    assert_int_equal(chio_seal_open("file", bed->dir.path, &bed->seal, &bed->detail), CHIO_OK);
    assert_int_equal(chio_store_open(bed->dir.path, bed->seal, &bed->store, &bed->detail), rows[i].want);
    assert_non_null(strstr(bed->detail.text, rows[i].word));
    assert_non_null(strstr(bed->detail.text, "store.sqlite"));
  }
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state) {
  struct bed *bed = *state;
  char path[512];
  struct stat st;
  static const char junk[4096] = "this is not a database";
  close_bed(bed);
  (void)unlink(temp_dir_file(&bed->dir, "store.sqlite-wal", path));
  int fd = open(temp_dir_file(&bed->dir, "store.sqlite", path), O_WRONLY | O_TRUNC);
  assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
  close(fd);
  assert_int_equal(chio_seal_open("file", bed->dir.path, &bed->seal, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_open(bed->dir.path, bed->seal, &bed->store, &bed->detail), CHIO_E_STORE_CORRUPT);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_size, sizeof junk);
}

/* A small file system of its own in place of the folder; only root can do that. */
static bool mount_small(struct bed *bed) {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0) return false;
  close_bed(bed);
  return mount("tmpfs", bed->dir.path, "tmpfs", 0, "size=1m") == 0;
}

static void fill_disk(struct bed *bed) {
  static const char block[4096];
  char path[512];
  int fd = open(temp_dir_file(&bed->dir, "filler", path), O_WRONLY | O_CREAT, 0600);
  assert_true(fd >= 0);
  while (write(fd, block, sizeof block) > 0) continue;
  close(fd);
}

static void a_full_disk_is_told_and_loses_nothing(void **state) {
  struct bed *bed = *state;
  static char big[200000];
  char path[512];
  struct chio_token_row token;
  if (!mount_small(bed)) skip();
  open_bed(bed);
  assert_int_equal(chio_store_token_init(bed->store, 0, "test", &token, &bed->detail), CHIO_OK);
  struct chio_uid a = insert(bed, CKO_PRIVATE_KEY, "a", "1", true, "secret");
  memset(big, 'x', sizeof big - 1);
  struct made made = make_object(CKO_DATA, big, NULL, false, "");
  struct chio_user_row user = {.slot = 0, .user = 1, .failures = 1};
  fill_disk(bed);
  for (int i = 0; i < 2; i++)
    assert_int_equal(chio_store_objects_insert(bed->store, &made.row, 1, &bed->detail), CHIO_E_STORE_FULL);
  assert_non_null(strstr(bed->detail.text, "store.sqlite"));
  assert_int_equal(load(bed, &a, "secret"), CHIO_OK);
  assert_int_equal(chio_store_objects_count(bed->store, 0), 1);
  assert_int_equal(unlink(temp_dir_file(&bed->dir, "filler", path)), 0);
  assert_int_equal(chio_store_objects_insert(bed->store, &made.row, 1, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_user_save(bed->store, &user, &bed->detail), CHIO_OK);
  reopen(bed);
  assert_int_equal(load(bed, &a, "secret"), CHIO_OK);
  assert_int_equal(load(bed, &made.row.uid, ""), CHIO_OK);
  assert_int_equal(chio_store_audit(bed->store, 0, &bed->detail), CHIO_OK);
  chio_buf_clear(&made.attrs);
  close_bed(bed);
  assert_int_equal(umount(bed->dir.path), 0);
}

static void a_read_only_folder_is_told(void **state) {
  struct bed *bed = *state;
  struct chio_uid a = insert(bed, CKO_PRIVATE_KEY, "a", "1", true, "secret");
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0) skip();
  close_bed(bed);
  assert_int_equal(mount(bed->dir.path, bed->dir.path, "none", MS_BIND, NULL), 0);
  assert_int_equal(mount("none", bed->dir.path, "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
  assert_int_equal(chio_seal_open("file", bed->dir.path, &bed->seal, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_open(bed->dir.path, bed->seal, &bed->store, &bed->detail), CHIO_E_STORE_READ_ONLY);
  assert_non_null(strstr(bed->detail.text, "store.sqlite"));
  chio_seal_free(bed->seal);
  assert_int_equal(umount(bed->dir.path), 0);
  open_bed(bed);
  assert_int_equal(load(bed, &a, "secret"), CHIO_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BED(every_changed_column_is_noticed_and_the_object_named),
      ON_BED(swapped_secrets_are_noticed),
      ON_BED(swapped_names_are_noticed),
      ON_BED(a_row_rolled_back_to_an_older_state_fails_the_audit),
      ON_BED(removed_and_brought_back_rows_fail_the_audit),
      ON_BED(rows_of_an_earlier_token_are_refused),
      ON_BED(a_row_moved_to_another_slot_is_refused),
      ON_BED(a_changed_token_row_is_refused),
      ON_BED(another_root_is_refused_at_once),
      ON_BED(a_newer_schema_and_foreign_files_are_refused_by_name),
      ON_BED(a_file_that_is_no_database_is_refused_and_kept),
      ON_BED(a_full_disk_is_told_and_loses_nothing),
      ON_BED(a_read_only_folder_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
