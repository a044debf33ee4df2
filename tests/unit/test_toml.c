#include "signer/base/toml.h"

#include "signer/base/buf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct chio_toml *parsed(const char *text) {
  struct chio_toml *doc = NULL;
  struct chio_detail detail = {""};
  if (chio_toml_parse(chio_slice_str(text), "f", &detail, &doc) != CHIO_OK) fail_msg("%s", detail.text);
  return doc;
}

static void a_refusal_names_file_line_and_what_was_expected(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *detail;
  } rows[] = {
      {"a = 1\nb 2\n", "f:2: expected '=' after a key, found '2'"},
      {"a = 1\na = 2\n", "f:2: expected a new key, found 'a', which is already set at line 1"},
      {"a = \n", "f:1: expected a value, found the end of the line"},
      {"a =", "f:1: expected a value, found the end of the file"},
      {"a = yes\n", "f:1: expected a value (a string needs quotes), found 'yes'"},
      {"a = 'x\n", "f:1: expected a closing ', found the end of the line"},
      {"a = \"\"\"\nx\n", "f:3: expected a closing \"\"\", found the end of the file"},
      {"a = \"\\q\"\n", "f:1: expected one of b t n f r \" \\ u U after the backslash, found 'q'"},
      {"a = \"\\ud800\"\n", "f:1: expected a Unicode scalar value, found U+D800"},
      {"a = 9223372036854775808\n", "f:1: expected an integer of at most 64 bits"},
      {"a = 2026-02-29\n", "f:1: expected a date or time that exists, found '2026-02-29'"},
      {"a = 1 b = 2\n", "f:1: expected the end of the line, found 'b'"},
      {"\n\na = \"\xff\"\n", "f:3: expected UTF-8, found byte 0xff"},
      {"[a]\n[a]\n", "f:2: expected a new key, found 'a', which is already set at line 1"},
      {"[a\n", "f:1: expected ']', found the end of the line"},
      {"[[a]\n", "f:1: expected ']]', found ']'"},
      {"a = [1, 2\nb = 3\n", "f:2: expected ',' or ']' in an array, found 'b'"},
      {"a = {b = 1\n}\n", "f:1: expected ',' or '}' in an inline table, found the end of the line"},
      {"# \x01\n", "f:1: expected no control character in a comment, found byte 0x01"},
      {"= 1\n", "f:1: expected a key, found '='"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {""};
    struct chio_toml *doc = NULL;
    assert_int_equal(chio_toml_parse(chio_slice_str(rows[i].text), "f", &detail, &doc), CHIO_E_CONFIG);
    assert_string_equal(detail.text, rows[i].detail);
    assert_null(doc);
  }
}

static void every_shorter_prefix_parses_or_is_refused(void **state) {
  (void)state;
  static const char text[] =
      "\xEF\xBB\xBF[a.b]\nc = \"\\u00e9\\\\\" # c\n"
      "[[d]]\ne = [1, 0x_1, 2.5e3]\r\nf = {g.h = 1979-05-27 07:32:00Z}\n";
  for (size_t len = 0; len < sizeof text; len++) {
    char *exact = malloc(len > 0 ? len : 1); /* so that a sanitizer sees a byte too many */
    assert_non_null(exact);
    memcpy(exact, text, len);
    struct chio_toml *doc = NULL;
    enum chio_err err = chio_toml_parse(chio_slice(exact, len), "f", NULL, &doc);
    assert_true((err == CHIO_OK) == (doc != NULL));
    chio_toml_free(doc);
    free(exact);
  }
}

static void nothing_is_an_empty_document(void **state) {
  (void)state;
  struct chio_toml *doc = NULL;
  assert_int_equal(chio_toml_parse(chio_slice(NULL, 0), "f", NULL, &doc), CHIO_OK);
  assert_int_equal(chio_toml_count(chio_toml_root(doc)), 0);
  assert_null(chio_toml_get(chio_toml_root(doc), "a"));
  chio_toml_free(doc);
  chio_toml_free(NULL);
}

/* `a = [[[...]]]` with depth brackets. */
static enum chio_err parse_nested(unsigned depth, const char *open, const char *close, struct chio_detail *detail) {
  struct chio_buf b = CHIO_BUF_INIT;
  chio_buf_append_str(&b, "a = ");
  for (unsigned i = 0; i < depth; i++) chio_buf_append_str(&b, open);
  chio_buf_append_str(&b, "1");
  for (unsigned i = 0; i < depth; i++) chio_buf_append_str(&b, close);
  struct chio_toml *doc = NULL;
  enum chio_err err = chio_toml_parse(chio_buf_slice(&b), "f", detail, &doc);
  chio_toml_free(doc);
  chio_buf_clear(&b);
  return err;
}

static void depth_is_limited(void **state) {
  (void)state;
  struct chio_detail detail;
  assert_int_equal(parse_nested(CHIO_TOML_DEPTH_MAX - 1, "[", "]", &detail), CHIO_OK);
  assert_int_equal(parse_nested(CHIO_TOML_DEPTH_MAX, "[", "]", &detail), CHIO_E_CONFIG);
  assert_string_equal(detail.text, "f:1: expected at most 32 tables and arrays inside one another");
  assert_int_equal(parse_nested(CHIO_TOML_DEPTH_MAX, "{a = ", "}", &detail), CHIO_E_CONFIG);
  assert_int_equal(parse_nested(100000, "[", "]", &detail), CHIO_E_CONFIG);
  assert_int_equal(parse_nested(CHIO_TOML_DEPTH_MAX / 2, "{a.a = ", "}", &detail), CHIO_E_CONFIG);
}

static void the_number_of_keys_and_the_size_are_limited(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  struct chio_toml *doc = NULL;
  for (unsigned i = 0; i <= CHIO_TOML_MEMBERS_MAX; i++) chio_buf_printf(&b, "k%u = 1\n", i);
  assert_int_equal(chio_toml_parse(chio_buf_slice(&b), "f", NULL, &doc), CHIO_E_CONFIG);
  chio_buf_reset(&b);
  for (size_t i = 0; i <= CHIO_TOML_SIZE_MAX; i++) chio_buf_append_u8(&b, '\n');
  assert_int_equal(chio_toml_parse(chio_buf_slice(&b), "f", NULL, &doc), CHIO_E_CONFIG);
  b.len = CHIO_TOML_SIZE_MAX;
  assert_int_equal(chio_toml_parse(chio_buf_slice(&b), "f", NULL, &doc), CHIO_OK);
  chio_toml_free(doc);
  chio_buf_reset(&b);
  for (unsigned i = 0; i <= CHIO_TOML_KEY_MAX; i++) chio_buf_append_u8(&b, 'k');
  chio_buf_append_str(&b, " = 1");
  assert_int_equal(chio_toml_parse(chio_buf_slice(&b), "f", NULL, &doc), CHIO_E_CONFIG);
  chio_buf_clear(&b);
}

static void values_are_read_by_kind(void **state) {
  (void)state;
  CHIO_AUTO(chio_toml) struct chio_toml *doc = parsed(
      "b = true\ni = -5\ns = 'text'\nf = 1.5\nt = 1979-05-27T00:32:00.999999999-07:30\nl = ['x', 'y']\n[[m]]\nv = 1\n"
      "[[m]]\nv = 2\n");
  const struct chio_toml_value *root = chio_toml_root(doc), *list = NULL;
  bool truth = false;
  int64_t number = 0;
  double real = 0;
  struct chio_slice text = chio_slice(NULL, 0);
  struct chio_toml_time time;
  assert_int_equal(chio_toml_read_bool(root, "b", CHIO_TOML_REQUIRED, NULL, &truth), CHIO_OK);
  assert_true(truth);
  assert_int_equal(chio_toml_read_int(root, "i", CHIO_TOML_REQUIRED, -5, 5, NULL, &number), CHIO_OK);
  assert_int_equal(number, -5);
  assert_int_equal(chio_toml_read_string(root, "s", CHIO_TOML_REQUIRED, 4, NULL, &text), CHIO_OK);
  assert_string_equal((const char *)text.data, "text");
  assert_int_equal(chio_toml_as_float(chio_toml_get(root, "f"), NULL, &real), CHIO_OK);
  assert_true(real > 1.49 && real < 1.51);
  assert_int_equal(chio_toml_read_time(root, "t", CHIO_TOML_REQUIRED, NULL, &time), CHIO_OK);
  assert_int_equal(time.nanosecond, 999999999);
  assert_int_equal(time.offset, -450);
  assert_int_equal(chio_toml_read_array(root, "l", CHIO_TOML_REQUIRED, CHIO_TOML_STRING, 2, NULL, &list), CHIO_OK);
  assert_int_equal(chio_toml_count(list), 2);
  assert_int_equal(chio_toml_read_array(root, "m", CHIO_TOML_REQUIRED, CHIO_TOML_TABLE, 9, NULL, &list), CHIO_OK);
  assert_int_equal(chio_toml_line(chio_toml_at(list, 1)), 9);
  assert_int_equal(chio_toml_read_int(chio_toml_at(list, 1), "v", CHIO_TOML_REQUIRED, 0, 9, NULL, &number), CHIO_OK);
  assert_int_equal(number, 2);
}

static void what_does_not_fit_leaves_the_output_alone(void **state) {
  (void)state;
  CHIO_AUTO(chio_toml) struct chio_toml *doc =
      parsed("i = 65\n[t]\ns = 'secret'\nl = ['x', 1]\nz = \"a\\u0000b\"\nf = 1\n");
  const struct chio_toml_value *root = chio_toml_root(doc), *table = chio_toml_get(root, "t"), *list = NULL;
  struct chio_detail d;
  int64_t number = 7;
  bool truth = true;
  double real = 0;
  struct chio_slice text = chio_slice(NULL, 0);
  assert_int_equal(chio_toml_read_int(root, "i", CHIO_TOML_REQUIRED, 1, 64, &d, &number), CHIO_E_CONFIG);
  assert_string_equal(d.text, "f:1: expected an integer from 1 to 64 for 'i', found 65");
  assert_int_equal(chio_toml_read_int(table, "s", CHIO_TOML_REQUIRED, 1, 64, &d, &number), CHIO_E_CONFIG);
  assert_string_equal(d.text, "f:3: expected an integer from 1 to 64 for 't.s', found a string");
  assert_int_equal(chio_toml_read_bool(table, "s", CHIO_TOML_REQUIRED, &d, &truth), CHIO_E_CONFIG);
  assert_int_equal(chio_toml_read_string(table, "s", CHIO_TOML_REQUIRED, 5, &d, &text), CHIO_E_CONFIG);
  assert_string_equal(d.text, "f:3: expected a string of at most 5 bytes for 't.s', found a string of 6 bytes");
  assert_int_equal(chio_toml_read_string(table, "z", CHIO_TOML_REQUIRED, 5, &d, &text), CHIO_E_CONFIG);
  assert_int_equal(chio_toml_read_string(table, "q", CHIO_TOML_REQUIRED, 5, &d, &text), CHIO_E_CONFIG);
  assert_string_equal(d.text, "f:2: expected a key 'q' for 't', found none");
  assert_int_equal(chio_toml_read_array(table, "l", CHIO_TOML_REQUIRED, CHIO_TOML_STRING, 9, &d, &list), CHIO_E_CONFIG);
  assert_string_equal(d.text, "f:4: expected a string for 't.l[1]', found an integer");
  assert_int_equal(chio_toml_read_array(table, "l", CHIO_TOML_REQUIRED, CHIO_TOML_STRING, 1, &d, &list), CHIO_E_CONFIG);
  assert_int_equal(chio_toml_read_table(root, "i", CHIO_TOML_REQUIRED, &d, &list), CHIO_E_CONFIG);
  assert_int_equal(chio_toml_as_float(chio_toml_get(table, "f"), &d, &real), CHIO_E_CONFIG);
  assert_int_equal(chio_toml_read_string(table, "absent", CHIO_TOML_OPTIONAL, 5, &d, &text), CHIO_OK);
  assert_int_equal(number, 7);
  assert_true(truth);
  assert_null(list);
  assert_null(text.data);
}

static void an_unknown_key_is_named_beside_the_known_ones(void **state) {
  (void)state;
  CHIO_AUTO(chio_toml) struct chio_toml *doc = parsed("[listen]\nsocket = 'x'\nmdoe = 1\n");
  static const char *const names[] = {"socket", "mode", NULL};
  struct chio_detail d;
  const struct chio_toml_value *listen = chio_toml_get(chio_toml_root(doc), "listen");
  assert_int_equal(chio_toml_only(listen, names, &d), CHIO_E_CONFIG);
  assert_string_equal(d.text, "f:3: unknown key 'listen.mdoe', expected one of: socket, mode");
  assert_int_equal(chio_toml_only(chio_toml_get(listen, "mdoe"), names, &d), CHIO_E_CONFIG);
}

static void files_that_are_no_configuration_are_refused(void **state) {
  (void)state;
  char dir[] = "/tmp/chio-toml-XXXXXX", path[64], fifo[64];
  assert_non_null(mkdtemp(dir));
  (void)snprintf(path, sizeof path, "%s/a.toml", dir);
  (void)snprintf(fifo, sizeof fifo, "%s/fifo", dir);
  struct chio_toml *doc = NULL;
  struct chio_detail d;
  assert_int_equal(chio_toml_load(path, &d, &doc), CHIO_E_NOT_FOUND);
  assert_int_equal(chio_toml_load(dir, &d, &doc), CHIO_E_CONFIG);
  assert_int_equal(mkfifo(fifo, 0600), 0);
  assert_int_equal(chio_toml_load(fifo, &d, &doc), CHIO_E_CONFIG);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "a = 1\n", 6), 6);
  assert_int_equal(chio_toml_load(path, &d, &doc), CHIO_OK);
  assert_int_equal(ftruncate(fd, CHIO_TOML_SIZE_MAX + 1), 0);
  struct chio_toml *large = NULL;
  assert_int_equal(chio_toml_load(path, &d, &large), CHIO_E_CONFIG);
  assert_null(large);
  chio_toml_free(doc);
  (void)close(fd);
  (void)unlink(path);
  (void)unlink(fifo);
  (void)rmdir(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_refusal_names_file_line_and_what_was_expected),
      cmocka_unit_test(every_shorter_prefix_parses_or_is_refused),
      cmocka_unit_test(nothing_is_an_empty_document),
      cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(the_number_of_keys_and_the_size_are_limited),
      cmocka_unit_test(values_are_read_by_kind),
      cmocka_unit_test(what_does_not_fit_leaves_the_output_alone),
      cmocka_unit_test(an_unknown_key_is_named_beside_the_known_ones),
      cmocka_unit_test(files_that_are_no_configuration_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
