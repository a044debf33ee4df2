#include "signer/core/seal.h"
#include "tests/support/temp_dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>

static int make_dir(void **state) {
  static struct temp_dir dir;
  *state = &dir;
  return temp_dir_make(&dir) ? 0 : -1;
}

static int remove_dir(void **state) {
  temp_dir_remove(*state);
  return 0;
}

static void write_file(const struct temp_dir *dir, const char *name, const void *data, size_t len, mode_t mode) {
  char path[512];
  int fd = open(temp_dir_file(dir, name, path), O_WRONLY | O_CREAT | O_TRUNC, mode);
  assert_true(fd >= 0);
  assert_int_equal(fchmod(fd, mode), 0);
  assert_int_equal(write(fd, data, len), (ssize_t)len);
  close(fd);
}

static enum chio_err open_seal(const struct temp_dir *dir, struct chio_seal **out, struct chio_detail *detail) {
  detail->text[0] = 0;
  return chio_seal_open("file", dir->path, out, detail);
}

static void a_new_folder_gets_a_root_that_stays(void **state) {
  struct temp_dir *dir = *state;
  struct chio_seal *first, *second;
  struct chio_secret *a, *b;
  struct chio_detail detail;
  struct stat st;
  char path[512];
  assert_int_equal(open_seal(dir, &first, &detail), CHIO_OK);
  assert_int_equal(stat(temp_dir_file(dir, "root.key", path), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(st.st_size, 32);
  assert_int_equal(open_seal(dir, &second, &detail), CHIO_OK);
  assert_int_equal(chio_seal_derive(first, "x", chio_slice(NULL, 0), &a), CHIO_OK);
  assert_int_equal(chio_seal_derive(second, "x", chio_slice(NULL, 0), &b), CHIO_OK);
  assert_true(chio_secret_equal(chio_secret_slice(a), chio_secret_slice(b)));
  chio_secret_free(a);
  chio_secret_free(b);
  chio_seal_free(first);
  chio_seal_free(second);
}

static void a_root_that_is_unfit_is_refused_and_named(void **state) {
  struct temp_dir *dir = *state;
  uint8_t root[33] = {1};
  struct chio_seal *seal = NULL;
  struct chio_detail detail;
  static const struct {
    size_t len;
    mode_t mode;
    const char *word;
  } rows[] = {{31, 0600, "31 bytes"}, {33, 0600, "33 bytes"}, {0, 0600, "0 bytes"},
              {32, 0640, "640"},      {32, 0604, "604"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    write_file(dir, "root.key", root, rows[i].len, rows[i].mode);
    assert_int_equal(open_seal(dir, &seal, &detail), CHIO_E_SEAL);
    assert_non_null(strstr(detail.text, "root.key"));
    assert_non_null(strstr(detail.text, rows[i].word));
  }
  assert_null(seal);
}

static void a_store_without_its_root_is_not_given_a_new_one(void **state) {
  struct temp_dir *dir = *state;
  struct chio_seal *seal = NULL;
  struct chio_detail detail;
  char path[512];
  write_file(dir, "store.sqlite", "", 0, 0600);
  assert_int_equal(open_seal(dir, &seal, &detail), CHIO_E_SEAL);
  assert_int_equal(access(temp_dir_file(dir, "root.key", path), F_OK), -1);
  assert_null(seal);
}

static void a_store_under_another_root_is_told_from_one_that_lost_its_own(void **state) {
  struct temp_dir *dir = *state;
  struct chio_seal *seal = NULL;
  struct chio_detail detail = {""};
  write_file(dir, "store.sqlite", "", 0, 0600);
  assert_int_equal(open_seal(dir, &seal, &detail), CHIO_E_SEAL);
  assert_non_null(strstr(detail.text, "root.key is missing"));
  write_file(dir, "root.kms", "", 0, 0600);
  assert_int_equal(open_seal(dir, &seal, &detail), CHIO_E_SEAL);
  assert_non_null(strstr(detail.text, "was made under root.kms"));
  assert_null(seal);
}

static void a_link_as_root_is_refused(void **state) {
  struct temp_dir *dir = *state;
  struct chio_seal *seal = NULL;
  struct chio_detail detail;
  char path[512];
  assert_int_equal(symlink("/dev/zero", temp_dir_file(dir, "root.key", path)), 0);
  assert_int_equal(open_seal(dir, &seal, &detail), CHIO_E_SEAL);
}

static void an_unknown_provider_is_refused_by_name(void **state) {
  struct temp_dir *dir = *state;
  struct chio_seal *seal = NULL;
  struct chio_detail detail;
  assert_int_equal(chio_seal_open("tape", dir->path, &seal, &detail), CHIO_E_UNSUPPORTED);
  assert_non_null(strstr(detail.text, "tape"));
  assert_int_equal(chio_seal_open("file", "/nonexistent", &seal, &detail), CHIO_E_IO);
}

/* Computed with another HKDF: Python's hmac, root = 00 01 .. 1f. */
static void derived_keys_are_those_of_hkdf_sha_256(void **state) {
  struct temp_dir *dir = *state;
  uint8_t root[32], want[32];
  struct chio_seal *seal;
  struct chio_secret *key;
  struct chio_detail detail;
  for (size_t i = 0; i < sizeof root; i++) root[i] = (uint8_t)i;
  write_file(dir, "root.key", root, sizeof root, 0600);
  assert_int_equal(open_seal(dir, &seal, &detail), CHIO_OK);
  assert_int_equal(chio_seal_derive(seal, "purpose", chio_slice_str("context"), &key), CHIO_OK);
  sodium_hex2bin(want, sizeof want, "b42c2add419682d2277e3280d7d810290f51418ea6df330df360c557d8ecb8de", 64, NULL, NULL, NULL);
  assert_memory_equal(key->data, want, 32);
  chio_secret_free(key);
  assert_string_equal(chio_seal_provider(seal), "file");
  chio_seal_free(seal);
}

static void purposes_and_contexts_give_different_keys(void **state) {
  struct temp_dir *dir = *state;
  struct chio_seal *seal;
  struct chio_detail detail;
  static const struct {
    const char *purpose, *context;
  } rows[] = {{"a", ""}, {"b", ""}, {"a", "b"}, {"ab", ""}, {"", "ab"}};
  struct chio_secret *keys[CHIO_ARRAY_LEN(rows)];
  assert_int_equal(open_seal(dir, &seal, &detail), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    assert_int_equal(chio_seal_derive(seal, rows[i].purpose, chio_slice_str(rows[i].context), &keys[i]), CHIO_OK);
    for (size_t k = 0; k < i; k++)
      assert_false(chio_secret_equal(chio_secret_slice(keys[i]), chio_secret_slice(keys[k])));
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) chio_secret_free(keys[i]);
  chio_seal_free(seal);
}

static void every_flipped_bit_and_every_cut_is_noticed(void **state) {
  (void)state;
  struct chio_secret *key, *plain = NULL;
  struct chio_buf sealed = CHIO_BUF_INIT;
  struct chio_slice aad = chio_slice_str("attributes");
  assert_int_equal(chio_secret_new(32, &key), CHIO_OK);
  assert_int_equal(chio_seal_encrypt(key, aad, chio_slice_str("secret"), &sealed), CHIO_OK);
  assert_int_equal(sealed.len, 24 + 6 + 16);
  for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
    sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    assert_int_equal(chio_seal_decrypt(key, aad, chio_buf_slice(&sealed), &plain), CHIO_E_STORE_CORRUPT);
    sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  }
  for (size_t len = 0; len < sealed.len; len++)
    assert_int_equal(chio_seal_decrypt(key, aad, chio_slice(sealed.data, len), &plain), CHIO_E_STORE_CORRUPT);
  assert_int_equal(chio_seal_decrypt(key, chio_slice_str("attributf"), chio_buf_slice(&sealed), &plain),
                   CHIO_E_STORE_CORRUPT);
  assert_null(plain);
  assert_int_equal(chio_seal_decrypt(key, aad, chio_buf_slice(&sealed), &plain), CHIO_OK);
  assert_true(chio_slice_equal(chio_secret_slice(plain), chio_slice_str("secret")));
  chio_secret_free(plain);
  chio_secret_free(key);
  chio_buf_clear(&sealed);
}

static void the_empty_secret_is_sealed_too(void **state) {
  (void)state;
  struct chio_secret *key, *plain;
  struct chio_buf sealed = CHIO_BUF_INIT;
  assert_int_equal(chio_secret_new(32, &key), CHIO_OK);
  assert_int_equal(chio_seal_encrypt(key, chio_slice(NULL, 0), chio_slice(NULL, 0), &sealed), CHIO_OK);
  assert_int_equal(chio_seal_decrypt(key, chio_slice(NULL, 0), chio_buf_slice(&sealed), &plain), CHIO_OK);
  assert_int_equal(plain->len, 0);
  chio_secret_free(plain);
  chio_secret_free(key);
  chio_buf_clear(&sealed);
}

int main(void) {
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
  const struct CMUnitTest tests[] = {
      WITH_DIR(a_new_folder_gets_a_root_that_stays),
      WITH_DIR(a_root_that_is_unfit_is_refused_and_named),
      WITH_DIR(a_store_without_its_root_is_not_given_a_new_one),
      WITH_DIR(a_store_under_another_root_is_told_from_one_that_lost_its_own),
      WITH_DIR(a_link_as_root_is_refused),
      WITH_DIR(an_unknown_provider_is_refused_by_name),
      WITH_DIR(derived_keys_are_those_of_hkdf_sha_256),
      WITH_DIR(purposes_and_contexts_give_different_keys),
      cmocka_unit_test(every_flipped_bit_and_every_cut_is_noticed),
      cmocka_unit_test(the_empty_secret_is_sealed_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
