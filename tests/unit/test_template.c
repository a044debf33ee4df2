/* What templates may say, row by row, and against themselves. */
#include "signer/core/template.h"
#include "signer/wire/cryptoki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct chio_buf built;
static struct chio_detail detail;

static int set_up(void **state) {
  (void)state;
  chio_attrs_begin(&built);
  detail.text[0] = '\0';
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  chio_buf_clear(&built);
  return 0;
}

static void add(uint32_t type, const char *bytes, size_t len) {
  chio_attrs_add(&built, type, chio_slice(bytes, len));
}

static enum chio_err check(enum chio_template_use use, unsigned in, bool so) {
  return chio_template_check(chio_attrs_of(&built), use, in, so, &detail);
}

static void each_bad_row_has_its_error(void **state) {
  (void)state;
  static const struct {
    uint32_t type;
    const char *bytes;
    size_t len;
    enum chio_template_use use;
    unsigned in;
    enum chio_err err;
  } rows[] = {
      {0x7fffffff, "x", 1, CHIO_USE_CREATE, CHIO_IN_PUBLIC, CHIO_E_ATTRIBUTE_UNKNOWN},
      {CKA_CHIO_ORIGIN + 0xF000, "x", 1, CHIO_USE_CREATE, CHIO_IN_PUBLIC, CHIO_E_ATTRIBUTE_UNKNOWN},
      {CKA_SIGN, "\1", 1, CHIO_USE_GENERATE, CHIO_IN_PUBLIC, CHIO_E_ATTRIBUTE_UNKNOWN},
      {CKA_VERIFY, "\1", 1, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_UNKNOWN},
      {CKA_TOKEN, "\1\0\0\0\0\0\0\0", 8, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_VALUE},
      {CKA_TOKEN, "", 0, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_VALUE},
      {CKA_TOKEN, "\2", 1, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_VALUE},
      {CKA_KEY_TYPE, "\3", 1, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_VALUE},
      {CKA_LABEL, "\xff", 1, CHIO_USE_SET, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_VALUE},
      {CKA_START_DATE, "2026112x", 8, CHIO_USE_SET, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_VALUE},
      {CKA_ALLOWED_MECHANISMS, "1234567", 7, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_VALUE},
      {CKA_LOCAL, "\1", 1, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_ALWAYS_SENSITIVE, "\1", 1, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_NEVER_EXTRACTABLE, "\1", 1, CHIO_USE_CREATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_UNIQUE_ID, "x", 1, CHIO_USE_CREATE, CHIO_IN_DATA, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_CHIO_ORIGIN, "born", 4, CHIO_USE_CREATE, CHIO_IN_PUBLIC, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_CHIO_EVIDENCE, "{}", 2, CHIO_USE_GENERATE, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_PRIVATE, "\1", 1, CHIO_USE_SET, CHIO_IN_PRIVATE, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_CLASS, "\1\0\0\0\0\0\0\0", 8, CHIO_USE_COPY, CHIO_IN_DATA, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_VALUE, "x", 1, CHIO_USE_SET, CHIO_IN_CERT, CHIO_E_ATTRIBUTE_READ_ONLY},
      {CKA_TRUSTED, "\1", 1, CHIO_USE_CREATE, CHIO_IN_PUBLIC, CHIO_E_ATTRIBUTE_READ_ONLY},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    chio_attrs_begin(&built);
    add(rows[i].type, rows[i].bytes, rows[i].len);
    assert_int_equal(check(rows[i].use, rows[i].in, false), rows[i].err);
    assert_true(detail.text[0] != '\0');
  }
}

static void good_rows_pass(void **state) {
  (void)state;
  add(CKA_LABEL, "", 0);
  add(CKA_START_DATE, "", 0);
  add(CKA_TRUSTED, "\0", 1);
  assert_int_equal(check(CHIO_USE_SET, CHIO_IN_PUBLIC, false), CHIO_OK);
  chio_attrs_begin(&built);
  add(CKA_TRUSTED, "\1", 1);
  assert_int_equal(check(CHIO_USE_SET, CHIO_IN_PUBLIC, true), CHIO_OK);
  chio_attrs_begin(&built);
  add(CKA_VALUE, "new", 3);
  assert_int_equal(check(CHIO_USE_SET, CHIO_IN_DATA, false), CHIO_OK);
}

static void the_same_value_twice_is_allowed_two_values_are_not(void **state) {
  (void)state;
  add(CKA_LABEL, "a", 1);
  add(CKA_LABEL, "a", 1);
  assert_int_equal(check(CHIO_USE_SET, CHIO_IN_DATA, false), CHIO_OK);
  add(CKA_LABEL, "b", 1);
  assert_int_equal(check(CHIO_USE_SET, CHIO_IN_DATA, false), CHIO_E_TEMPLATE_INCONSISTENT);
}

static void what_the_call_says_must_not_be_contradicted(void **state) {
  (void)state;
  assert_int_equal(chio_template_expect(chio_attrs_of(&built), CKA_KEY_TYPE, CKK_EC, &detail), CHIO_OK);
  chio_attrs_add_ulong(&built, CKA_KEY_TYPE, CKK_RSA);
  assert_int_equal(chio_template_expect(chio_attrs_of(&built), CKA_KEY_TYPE, CKK_EC, &detail),
                   CHIO_E_TEMPLATE_INCONSISTENT);
}

static void a_key_without_usage_signs_and_one_with_usage_does_what_it_says(void **state) {
  (void)state;
  struct chio_attr_set set;
  chio_attr_set_init(&set);
  chio_template_default_private_key(&set);
  assert_true(chio_attr_set_bool(&set, CKA_SIGN, false));
  assert_true(chio_attr_set_bool(&set, CKA_SENSITIVE, false));
  assert_true(chio_attr_set_bool(&set, CKA_PRIVATE, false));
  assert_false(chio_attr_set_bool(&set, CKA_EXTRACTABLE, true));
  assert_false(chio_attr_set_bool(&set, CKA_TOKEN, true));
  chio_attr_set_init(&set);
  chio_attr_set_put_bool(&set, CKA_DERIVE, true);
  chio_template_default_private_key(&set);
  assert_false(chio_attr_set_bool(&set, CKA_SIGN, true));
  chio_attr_set_init(&set);
  chio_template_default_public_key(&set);
  assert_true(chio_attr_set_bool(&set, CKA_VERIFY, false));
  assert_false(chio_attr_set_bool(&set, CKA_PRIVATE, true));
}

static void contradictions_in_a_private_key_are_refused(void **state) {
  (void)state;
  struct chio_attr_set set;
  chio_attr_set_init(&set);
  chio_attr_set_put_bool(&set, CKA_EXTRACTABLE, true);
  assert_int_equal(chio_template_judge_private_key(&set, &detail), CHIO_E_TEMPLATE_INCONSISTENT);
  chio_attr_set_init(&set);
  chio_attr_set_put_bool(&set, CKA_ALWAYS_AUTHENTICATE, true);
  chio_attr_set_put_bool(&set, CKA_PRIVATE, false);
  assert_int_equal(chio_template_judge_private_key(&set, &detail), CHIO_E_TEMPLATE_INCONSISTENT);
  static const struct {
    const char *lifetime;
    bool token;
    enum chio_err err;
  } rows[] = {
      {"boot", true, CHIO_OK},
      {"sealed", true, CHIO_OK},
      {"session", false, CHIO_OK},
      {"session", true, CHIO_E_TEMPLATE_INCONSISTENT},
      {"boot", false, CHIO_E_TEMPLATE_INCONSISTENT},
      {"forever", true, CHIO_E_ATTRIBUTE_VALUE},
      {"", true, CHIO_E_ATTRIBUTE_VALUE},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    chio_attr_set_init(&set);
    chio_attr_set_put(&set, CKA_CHIO_LIFETIME, chio_slice_str(rows[i].lifetime));
    chio_attr_set_put_bool(&set, CKA_TOKEN, rows[i].token);
    assert_int_equal(chio_template_judge_private_key(&set, &detail), rows[i].err);
  }
}

static void a_role_is_a_word(void **state) {
  (void)state;
  static const struct {
    const char *role;
    enum chio_err err;
  } rows[] = {{"kernel", CHIO_OK},
              {"a-2", CHIO_OK},
              {"", CHIO_E_ATTRIBUTE_VALUE},
              {"Kernel", CHIO_E_ATTRIBUTE_VALUE},
              {"a b", CHIO_E_ATTRIBUTE_VALUE},
              {"abcdefghijklmnopqrstuvwxyzabcdefg", CHIO_E_ATTRIBUTE_VALUE}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attr_set set;
    chio_attr_set_init(&set);
    chio_attr_set_put(&set, CKA_CHIO_ROLE, chio_slice_str(rows[i].role));
    assert_int_equal(chio_template_judge_role(&set, &detail), rows[i].err);
  }
}

static enum chio_err change(uint32_t type, bool before, bool after) {
  struct chio_buf old = CHIO_BUF_INIT;
  struct chio_attr_set set;
  chio_attrs_begin(&old);
  chio_attrs_add_bool(&old, type, before);
  chio_attrs_begin(&built);
  chio_attrs_add_bool(&built, type, after);
  enum chio_err err = chio_template_change(chio_attrs_of(&old), chio_attrs_of(&built), &set, &detail);
  if (err == CHIO_OK) assert_true(chio_attr_set_bool(&set, type, !after) == after);
  chio_buf_clear(&old);
  return err;
}

static void flags_that_go_one_way_do_not_come_back(void **state) {
  (void)state;
  assert_int_equal(change(CKA_SENSITIVE, false, true), CHIO_OK);
  assert_int_equal(change(CKA_SENSITIVE, true, true), CHIO_OK);
  assert_int_equal(change(CKA_SENSITIVE, true, false), CHIO_E_ATTRIBUTE_READ_ONLY);
  assert_int_equal(change(CKA_WRAP_WITH_TRUSTED, true, false), CHIO_E_ATTRIBUTE_READ_ONLY);
  assert_int_equal(change(CKA_EXTRACTABLE, false, true), CHIO_E_ATTRIBUTE_READ_ONLY);
  assert_int_equal(change(CKA_COPYABLE, false, true), CHIO_E_ATTRIBUTE_READ_ONLY);
  assert_int_equal(change(CKA_DESTROYABLE, false, true), CHIO_E_ATTRIBUTE_READ_ONLY);
  assert_int_equal(change(CKA_COPYABLE, true, false), CHIO_OK);
  assert_int_equal(change(CKA_SIGN, true, false), CHIO_OK);
  assert_int_equal(change(CKA_SIGN, false, true), CHIO_OK);
}

static void a_set_that_is_full_is_an_error_and_not_a_shorter_list(void **state) {
  (void)state;
  struct chio_attr_set set;
  chio_attr_set_init(&set);
  for (uint32_t i = 0; i <= CHIO_ATTRS_COUNT_MAX; i++) chio_attr_set_put(&set, i, chio_slice("x", 1));
  assert_int_equal(chio_attr_set_encode(&set, &built), CHIO_E_TOO_LONG);
  chio_attr_set_init(&set);
  for (uint32_t i = 0; i <= CHIO_ATTR_SET_NUMBERS; i++) chio_attr_set_put_ulong(&set, i, i);
  assert_int_equal(chio_attr_set_encode(&set, &built), CHIO_E_TOO_LONG);
}

static void an_attribute_that_was_removed_is_gone(void **state) {
  (void)state;
  struct chio_attr_set set;
  struct chio_slice value;
  chio_attr_set_init(&set);
  for (uint32_t i = 1; i <= 3; i++) chio_attr_set_put_ulong(&set, i, i);
  chio_attr_set_remove(&set, 2);
  chio_attr_set_remove(&set, 9);
  assert_false(chio_attr_set_find(&set, 2, &value));
  assert_true(chio_attr_set_find(&set, 3, &value));
  assert_int_equal(chio_attr_set_encode(&set, &built), CHIO_OK);
  assert_int_equal(chio_attrs_count(chio_attrs_of(&built)), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(each_bad_row_has_its_error),
      T(good_rows_pass),
      T(the_same_value_twice_is_allowed_two_values_are_not),
      T(what_the_call_says_must_not_be_contradicted),
      T(a_key_without_usage_signs_and_one_with_usage_does_what_it_says),
      T(contradictions_in_a_private_key_are_refused),
      T(a_role_is_a_word),
      T(flags_that_go_one_way_do_not_come_back),
      T(a_set_that_is_full_is_an_error_and_not_a_shorter_list),
      T(an_attribute_that_was_removed_is_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
