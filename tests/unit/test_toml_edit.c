#include "tools/hsm/toml_edit.h"

#include "signer/base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* text: with a new "ab" in the list; NULL: it is there, or there is no such list. */
static const struct {
  const char *path, *before, *after;
  enum hsm_toml_edit edit;
} rows[] = {
    {"m", "m = [\"cd\"]\n", "m = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"m", "m=['cd',]", "m=['cd', \"ab\"]", HSM_TOML_ADDED},
    {"m", "m = [ \"cd\" , ] # c\n", "m = [ \"cd\" , \"ab\" ] # c\n", HSM_TOML_ADDED},
    {"m", "m = []\n", "m = [\"ab\"]\n", HSM_TOML_ADDED},
    {"m", "m = [\n]\n", "m = [\n  \"ab\",\n]\n", HSM_TOML_ADDED},
    {"m", "m = [\n  # none\n]\n", "m = [\n  \"ab\",\n  # none\n]\n", HSM_TOML_ADDED},
    {"m", "m = [\n    \"cd\", # the old one, \"ab\" ]\n    # end\n]\nx = 1\n",
     "m = [\n    \"cd\", # the old one, \"ab\" ]\n    \"ab\",\n    # end\n]\nx = 1\n", HSM_TOML_ADDED},
    {"m", "m = [\n\t\"cd\" # no comma\n]\n", "m = [\n\t\"cd\", # no comma\n\t\"ab\",\n]\n", HSM_TOML_ADDED},
    {"m", "m = [\n  \"cd\",\n  \"ef\"]\n", "m = [\n  \"cd\",\n  \"ef\", \"ab\"]\n", HSM_TOML_ADDED},
    {"m", "m = [\r\n  \"cd\",\r\n]\r\n", "m = [\r\n  \"cd\",\r\n  \"ab\",\r\n]\r\n", HSM_TOML_ADDED},
    {"m", "m = [\"cd\" # c\n  , # d\n]\n", "m = [\"cd\" # c\n  , # d\n\"ab\",\n]\n", HSM_TOML_ADDED},
    {"t.m", "m = [\"x\"]\n[t]\nm = [\"cd\"]\n", "m = [\"x\"]\n[t]\nm = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"t.m", "t.m = [\"cd\"]\n", "t.m = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"t.m", "[ \"t\" ] # x\n'm' = [\"cd\"]\n", "[ \"t\" ] # x\n'm' = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"n.p.0", "[n.p]\n1 = [\"x\"]\n0 = [\"cd\"]\n", "[n.p]\n1 = [\"x\"]\n0 = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"n.p.0", "[n]\np.0 = [\"cd\"]\n", "[n]\np.0 = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"m", "s = \"m = [\\\"\"\nt = '''\nm = [\"x\"]\n'''\nm = [\"cd\"]\n",
     "s = \"m = [\\\"\"\nt = '''\nm = [\"x\"]\n'''\nm = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"m", "u = \"\"\"\"q\"\"\"\"\nm = [\"cd\"]\n", "u = \"\"\"\"q\"\"\"\"\nm = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"m", "a = [[1, 2], [\"]\", {b = '}'}]]\nd = 1979-05-27 07:32:00Z # d\nm = [\"cd\"]\n",
     "a = [[1, 2], [\"]\", {b = '}'}]]\nd = 1979-05-27 07:32:00Z # d\nm = [\"cd\", \"ab\"]\n", HSM_TOML_ADDED},
    {"m", "# m = [\"x\"]\n\n  m = [\"cd\"]", "# m = [\"x\"]\n\n  m = [\"cd\", \"ab\"]", HSM_TOML_ADDED},
    {"m", "m = [\"cd\", 'AB']\n", NULL, HSM_TOML_THERE},
    {"m", "m = [\n  \"ab\", # it\n]\n", NULL, HSM_TOML_THERE},
    {"m", "", NULL, HSM_TOML_NO_LIST},
    {"m", "# only\n", NULL, HSM_TOML_NO_LIST},
    {"m", "m = \"ab\"\n", NULL, HSM_TOML_NO_LIST},
    {"m", "[t]\nm = [\"cd\"]\n", NULL, HSM_TOML_NO_LIST},
    {"t.m", "m = [\"cd\"]\n", NULL, HSM_TOML_NO_LIST},
    {"t.m", "[[t]]\nm = [\"cd\"]\n", NULL, HSM_TOML_NO_LIST},
    {"t.m", "t = {m = [\"cd\"]}\n", NULL, HSM_TOML_NO_LIST},
    {"t.m", "[t.u]\nm = [\"cd\"]\n", NULL, HSM_TOML_NO_LIST},
};

static void a_string_is_added_and_nothing_else_is_touched(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf out = CHIO_BUF_INIT;
    enum hsm_toml_edit edit;
    if (hsm_toml_list_add(chio_slice_str(rows[i].before), rows[i].path, "ab", &out, &edit) != CHIO_OK ||
        edit != rows[i].edit)
      fail_msg("%s", rows[i].before);
    if (rows[i].after != NULL) assert_string_equal(chio_buf_cstr(&out), rows[i].after);
    if (rows[i].after == NULL) assert_int_equal(out.len, 0);
    chio_buf_clear(&out);
  }
}

static void what_was_added_is_found_again(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf out = CHIO_BUF_INIT;
    enum hsm_toml_edit edit;
    if (rows[i].after == NULL) continue;
    assert_int_equal(hsm_toml_list_add(chio_slice_str(rows[i].after), rows[i].path, "AB", &out, &edit), CHIO_OK);
    assert_int_equal(edit, HSM_TOML_THERE);
    chio_buf_clear(&out);
  }
}

static void what_is_no_toml_is_refused_and_not_run_past(void **state) {
  static const char *const bad[] = {"m",         "m = ",      "m = [",        "m = [\"a",      "m = [\"a\"",
                                    "m = [,]",   "[t",           "[[t]",          "[]\nm = []",
                                    "= [\"a\"]", "m = \"a",   "m = \"a\\",    "m = '''a''",    "m. = []",
                                    "x = {a = [", "x = [\"]", "\"m = [\"a\"]", "m = [\"a\" [\"b\"]]"};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct chio_buf out = CHIO_BUF_INIT;
    enum hsm_toml_edit edit;
    if (hsm_toml_list_add(chio_slice_str(bad[i]), "m", "ab", &out, &edit) != CHIO_E_MALFORMED) fail_msg("%s", bad[i]);
    assert_int_equal(out.len, 0);
    chio_buf_clear(&out);
  }
}

static void every_shorter_text_is_read_to_its_end_and_no_further(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    for (size_t len = 0; len < strlen(rows[i].before); len++) {
      struct chio_buf exact = CHIO_BUF_INIT, out = CHIO_BUF_INIT;
      enum hsm_toml_edit edit;
      chio_buf_append(&exact, rows[i].before, len);
      (void)!hsm_toml_list_add(chio_buf_slice(&exact), rows[i].path, "ab", &out, &edit);
      chio_buf_clear(&exact);
      chio_buf_clear(&out);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_string_is_added_and_nothing_else_is_touched),
      cmocka_unit_test(what_was_added_is_found_again),
      cmocka_unit_test(what_is_no_toml_is_refused_and_not_run_past),
      cmocka_unit_test(every_shorter_text_is_read_to_its_end_and_no_further),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
