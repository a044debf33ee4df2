#include "tools/hsm/program.h"

#include "signer/base/macros.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static enum chio_err run_shell(const char *script, unsigned seconds, bool with_errors, struct chio_buf *out,
                               int *out_status, struct chio_detail *detail) {
  const char *const argv[] = {"/bin/sh", "-c", script, NULL};
  const struct hsm_program program = {.argv = argv, .seconds = seconds, .with_errors = with_errors};
  return hsm_program_run(&program, out, out_status, detail);
}

static void output_and_exit_status_are_handed_over(void **state) {
  static const struct {
    const char *script, *output;
    bool with_errors;
    int status;
  } rows[] = {
      {"echo one; echo two >&2; exit 3", "one\ntwo\n", true, 3},
      {"echo one; echo two 2>/dev/null >&2", "one\n", false, 0},
      {"exit 0", "", true, 0},
      {"kill -KILL $$", "", true, 128 + SIGKILL},
      {"read line || echo empty", "empty\n", true, 0},
      {"kill -PIPE $$; echo lives", "", true, 128 + SIGPIPE},
  };
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf out = CHIO_BUF_INIT;
    int status = -1;
    assert_int_equal(run_shell(rows[i].script, 60, rows[i].with_errors, &out, &status, NULL), CHIO_OK);
    assert_int_equal(status, rows[i].status);
    assert_string_equal(chio_buf_cstr(&out), rows[i].output);
    chio_buf_clear(&out);
  }
}

static void a_program_that_is_not_there_is_named(void **state) {
  static const char *const names[] = {"/nonexistent/helm", "chio-no-such-program", "/etc/passwd", "/"};
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    const char *const argv[] = {names[i], NULL};
    const struct hsm_program program = {.argv = argv, .seconds = 60};
    struct chio_buf out = CHIO_BUF_INIT;
    struct chio_detail detail = {{0}};
    int status = -1;
    assert_int_equal(hsm_program_run(&program, &out, &status, &detail), CHIO_E_NOT_FOUND);
    assert_non_null(strstr(detail.text, names[i]));
    assert_int_equal(status, -1);
    chio_buf_clear(&out);
  }
}

static bool is_gone(pid_t pid) {
  for (unsigned i = 0; i < 3000; i++) {
    if (kill(pid, 0) != 0) return true;
    (void)usleep(20000);
  }
  return false;
}

/* Until the time was enough for the script to say who it is. */
static void run_out_of_time(const char *script, struct chio_buf *out) {
  for (unsigned seconds = 1; seconds < 60; seconds *= 2) {
    struct chio_detail detail = {{0}};
    char expected[32];
    int status = -1;
    (void)snprintf(expected, sizeof expected, "within %u seconds", seconds);
    chio_buf_clear(out);
    assert_int_equal(run_shell(script, seconds, true, out, &status, &detail), CHIO_E_TIMEOUT);
    assert_non_null(strstr(detail.text, expected));
    assert_int_equal(status, -1);
    if (strchr(chio_buf_cstr(out), '\n') != NULL) return;
  }
  fail_msg("the script said nothing: %s", script);
}

static void when_the_time_is_over_the_whole_group_is_ended(void **state) {
  /* The second one pays no heed to being asked. */
  static const char *const scripts[] = {
      "sleep 1000 & echo $$ $!; wait",
      "trap '' TERM; sleep 1000 & echo $$ $!; while :; do sleep 1; done",
  };
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(scripts); i++) {
    struct chio_buf out = CHIO_BUF_INIT;
    char *end = NULL;
    run_out_of_time(scripts[i], &out);
    const char *text = chio_buf_cstr(&out);
    assert_true(is_gone((pid_t)strtol(text, &end, 10)));
    assert_true(is_gone((pid_t)strtol(end, NULL, 10)));
    chio_buf_clear(&out);
  }
}

static void one_that_leaves_a_child_behind_is_not_waited_for(void **state) {
  struct chio_buf out = CHIO_BUF_INIT;
  int status = -1;
  (void)state;
  assert_int_equal(run_shell("sleep 1000 & echo $!", 60, true, &out, &status, NULL), CHIO_OK);
  assert_int_equal(status, 0);
  pid_t left = (pid_t)strtol(chio_buf_cstr(&out), NULL, 10);
  assert_true(left > 1);
  (void)kill(left, SIGKILL);
  chio_buf_clear(&out);
}

static void output_without_end_is_cut_and_said(void **state) {
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_detail detail = {{0}};
  int status = -1;
  (void)state;
  assert_int_equal(run_shell("head -c 3000000 /dev/zero; exit 4", 60, true, &out, &status, &detail), CHIO_E_TOO_LONG);
  assert_int_equal(out.len, HSM_PROGRAM_OUTPUT_MAX);
  assert_int_equal(status, 4);
  chio_buf_clear(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(output_and_exit_status_are_handed_over),
      cmocka_unit_test(a_program_that_is_not_there_is_named),
      cmocka_unit_test(when_the_time_is_over_the_whole_group_is_ended),
      cmocka_unit_test(one_that_leaves_a_child_behind_is_not_waited_for),
      cmocka_unit_test(output_without_end_is_cut_and_said),
  };
  /* As chio-hsm does; the programs that it runs get it back. */
  (void)signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
