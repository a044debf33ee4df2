#include "signer/base/log.h"

#include "signer/base/slice.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <jansson.h>

#define READ_MAX 16384

static int pipe_fds[2];
static char got[READ_MAX];

static int open_pipe(void **state) {
  (void)state;
  return pipe2(pipe_fds, O_NONBLOCK | O_CLOEXEC);
}

static int close_pipe(void **state) {
  (void)state;
  chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_TEXT, STDERR_FILENO);
  (void)close(pipe_fds[0]);
  (void)close(pipe_fds[1]);
  return 0;
}

/* What was logged since the last call, without its time (which must be there), in got. */
static const char *logged(void) {
  ssize_t len = read(pipe_fds[0], got, sizeof got - 1);
  got[len > 0 ? len : 0] = '\0';
  return got;
}

static const char *after_time(const char *line) {
  assert_true(strlen(line) > 21);
  assert_int_equal(line[19], 'Z');
  assert_int_equal(line[20], ' ');
  return line + 21;
}

static void an_event_is_one_line_of_text(void **state) {
  (void)state;
  chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_TEXT, pipe_fds[1]);
  chio_log(CHIO_LOG_NOTICE, "start", "chiod is ready", CHIO_F_STR("socket", "/run/chio/chiod.sock"),
           CHIO_F_UINT("slots", 3), CHIO_F_INT("delta", -4));
  assert_string_equal(after_time(logged()),
                      "notice start: chiod is ready socket=/run/chio/chiod.sock slots=3 delta=-4\n");
  chio_log(CHIO_LOG_ERROR, "stop", "no fields");
  assert_string_equal(after_time(logged()), "error stop: no fields\n");
}

static void control_characters_never_reach_a_terminal(void **state) {
  (void)state;
  static const struct {
    const char *value;
    const char *written;
  } rows[] = {
      {"two\nlines", "two\\nlines"},
      {"\x1b[31mred", "\\x1b[31mred"},
      {"cr\rtab\t", "cr\\rtab\\t"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b", "\\x9b"},            /* C1: the one-character CSI */
      {"\xe2\x80\xa8", "\\u2028"},      /* line separator */
      {"bad\xff\xc0\x80", "bad\\xff\\xc0\\x80"},
      {"\xc3\xa9", "\xc3\xa9"},
      {"a b", "\"a b\""},
      {"say \"hi\"", "\"say \\\"hi\\\"\""},
      {"back\\slash", "\"back\\\\slash\""},
      {"", "\"\""},
      {NULL, "\"\""},
  };
  chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_TEXT, pipe_fds[1]);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char expected[256];
    chio_log(CHIO_LOG_NOTICE, "e", "m", CHIO_F_STR("v", rows[i].value));
    assert_true(snprintf(expected, sizeof expected, "notice e: m v=%s\n", rows[i].written) < (int)sizeof expected);
    assert_string_equal(after_time(logged()), expected);
  }
  chio_log(CHIO_LOG_NOTICE, "e", "key 'a\nb' says \"no\"");
  assert_string_equal(after_time(logged()), "notice e: key 'a\\nb' says \"no\"\n");
}

static json_t *logged_json(void) {
  const char *line = logged();
  size_t len = strlen(line);
  assert_true(len > 0 && len <= 4096);
  assert_int_equal(line[len - 1], '\n');
  assert_ptr_equal(strchr(line, '\n'), line + len - 1);
  json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
  assert_true(json_is_object(object));
  return object;
}

static void json_is_one_object_a_line(void **state) {
  (void)state;
  chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_JSON, pipe_fds[1]);
  chio_log(CHIO_LOG_WARNING, "sign.refused", "needs \"login\"\n", CHIO_F_STR("key", "c\x01i\xff\\"),
           CHIO_F_UINT("uid", 18446744073709551615ull), CHIO_F_INT("n", -1));
  assert_non_null(strstr(logged(), "\"uid\":18446744073709551615,\"n\":-1}"));
  chio_log(CHIO_LOG_WARNING, "sign.refused", "needs \"login\"\n", CHIO_F_STR("key", "c\x01i\xff\\"));
  json_t *object = logged_json();
  assert_string_equal(json_string_value(json_object_get(object, "level")), "warning");
  assert_string_equal(json_string_value(json_object_get(object, "event")), "sign.refused");
  assert_string_equal(json_string_value(json_object_get(object, "message")), "needs \"login\"\n");
  assert_string_equal(json_string_value(json_object_get(object, "key")), "c\x01i\xef\xbf\xbd\\");
  assert_int_equal(strlen(json_string_value(json_object_get(object, "time"))), 20);
  json_decref(object);
}

static void a_line_tells_its_build_its_evidence_and_its_trace(void **state) {
  (void)state;
  chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_JSON, pipe_fds[1]);
  chio_log_identify("b1", "e1");
  chio_log_trace("t1");
  chio_log(CHIO_LOG_NOTICE, "e", "m", CHIO_F_STR("key", "k"));
  assert_non_null(strstr(logged(), "\"build\":\"b1\","
                                   "\"evidence\":\"e1\",\"trace_id\":\"t1\",\"message\":\"m\",\"key\":\"k\"}"));
  chio_log_trace("");
  chio_log(CHIO_LOG_NOTICE, "e", "m");
  assert_null(strstr(logged(), "trace_id"));
  chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_TEXT, pipe_fds[1]);
  chio_log_trace("t1");
  chio_log(CHIO_LOG_NOTICE, "e", "m", CHIO_F_STR("key", "k"));
  assert_string_equal(after_time(logged()), "notice e: m key=k trace_id=t1\n");
  chio_log_trace("");
  chio_log_identify(NULL, NULL);
  chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_JSON, pipe_fds[1]);
  chio_log(CHIO_LOG_NOTICE, "e", "m");
  assert_null(strstr(logged(), "build"));
}

static void what_is_too_long_is_cut_and_stays_whole(void **state) {
  (void)state;
  static char longest[6000];
  for (size_t len = 3900; len < 4200; len++) {
    memset(longest, len % 2 ? '\n' : 'x', len);
    longest[len] = '\0';
    chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_JSON, pipe_fds[1]);
    chio_log(CHIO_LOG_NOTICE, "e", "m", CHIO_F_STR("v", longest), CHIO_F_UINT("later", 12345), CHIO_F_STR("z", "zz"));
    json_decref(logged_json());
    chio_log_configure(CHIO_LOG_NOTICE, CHIO_LOG_TEXT, pipe_fds[1]);
    chio_log(CHIO_LOG_NOTICE, "e", longest, CHIO_F_STR("v", "v v"), CHIO_F_UINT("later", 12345));
    const char *line = logged();
    assert_true(strlen(line) <= 4096);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
  }
}

static void quieter_levels_write_nothing(void **state) {
  (void)state;
  chio_log_configure(CHIO_LOG_WARNING, CHIO_LOG_TEXT, pipe_fds[1]);
  chio_log(CHIO_LOG_NOTICE, "e", "m");
  chio_log(CHIO_LOG_DEBUG, "e", "m");
  assert_string_equal(logged(), "");
  assert_true(chio_log_enabled(CHIO_LOG_WARNING));
  assert_false(chio_log_enabled(CHIO_LOG_NOTICE));
}

static void levels_have_five_names_and_no_other(void **state) {
  (void)state;
  enum chio_log_level level = CHIO_LOG_ERROR;
  assert_int_equal(chio_log_level_parse("debug", &level), CHIO_OK);
  assert_int_equal(level, CHIO_LOG_DEBUG);
  static const char *const refused[] = {"", "Debug", "trace", "debug ", NULL};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(refused); i++)
    assert_int_equal(chio_log_level_parse(refused[i], &level), CHIO_E_ARGUMENT);
  assert_int_equal(level, CHIO_LOG_DEBUG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_event_is_one_line_of_text, open_pipe, close_pipe),
      cmocka_unit_test_setup_teardown(control_characters_never_reach_a_terminal, open_pipe, close_pipe),
      cmocka_unit_test_setup_teardown(json_is_one_object_a_line, open_pipe, close_pipe),
      cmocka_unit_test_setup_teardown(a_line_tells_its_build_its_evidence_and_its_trace, open_pipe, close_pipe),
      cmocka_unit_test_setup_teardown(what_is_too_long_is_cut_and_stays_whole, open_pipe, close_pipe),
      cmocka_unit_test_setup_teardown(quieter_levels_write_nothing, open_pipe, close_pipe),
      cmocka_unit_test(levels_have_five_names_and_no_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
