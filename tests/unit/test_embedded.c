#include "signer/wire/embedded.h"
#include "signer/wire/message.h"

#include <dlfcn.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const struct chio_embedded_api *api;
static char folder[PATH_MAX];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

/* Where no signer is built in place, there is nothing to load. */
static int load(void **state) {
  (void)state;
  char path[PATH_MAX];
  const char *build = getenv("abs_top_builddir");
  (void)snprintf(path, sizeof path, "%s/signer/daemon/.libs/chio-embedded.so", build != NULL ? build : ".");
  void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  union {
    void *object;
    chio_embedded_v1_fn *function;
  } symbol = {module != NULL ? dlsym(module, CHIO_EMBEDDED_SYMBOL) : NULL};
  if (symbol.object == NULL) return -1;
  api = symbol.function();
  const char *base = getenv("TMPDIR");
  (void)snprintf(folder, sizeof folder, "%s/chio-test-XXXXXX", base != NULL ? base : "/tmp");
  return mkdtemp(folder) != NULL ? 0 : -1;
}

static int clean_up(void **state) {
  (void)state;
  return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void the_api_is_version_1(void **state) {
  (void)state;
  assert_int_equal(api->version, 1);
}

static struct chio_embedded *open_folder(const char *path) {
  struct chio_embedded *embedded = NULL;
  struct chio_detail detail = {""};
  enum chio_err err = api->open(path, &embedded, &detail);
  if (err != CHIO_OK) fail_msg("%s: %s", chio_err_name(err), detail.text);
  return embedded;
}

static void two_spellings_of_a_folder_are_one_core(void **state) {
  (void)state;
  char other[PATH_MAX + 8];
  (void)snprintf(other, sizeof other, "%s/../%s/.", folder, strrchr(folder, '/') + 1);
  struct chio_embedded *first = open_folder(folder);
  struct chio_embedded *second = open_folder(other);
  assert_ptr_equal(first, second);
  api->close(second);
  struct chio_embedded *third = open_folder(folder);
  assert_ptr_equal(first, third);
  api->close(third);
  api->close(first);
}

static void a_folder_can_be_opened_again_after_it_was_closed(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) api->close(open_folder(folder));
}

static void a_child_of_fork_is_refused_and_harms_nothing(void **state) {
  (void)state;
  struct chio_embedded *embedded = open_folder(folder);
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    struct chio_embedded *own = NULL;
    struct chio_detail detail = {""};
    enum chio_err err = api->open(folder, &own, &detail);
    api->close(embedded);
    _exit(err == CHIO_E_STATE_IN_USE ? 0 : 1);
  }
  (void)waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  struct chio_embedded_conn *conn = NULL;
  assert_int_equal(api->conn_open(embedded, &conn), CHIO_OK);
  api->conn_close(conn);
  api->close(embedded);
}

static void add_hello(struct chio_buf *frame) {
  const struct chio_hello_request hello = {.version_min = 1, .version_max = 1, .client = {{1}}};
  assert_int_equal(chio_message_request(chio_message_find(CHIO_MSG_HELLO), 7, &hello, frame), CHIO_OK);
}

static void a_whole_frame_is_answered_and_no_other(void **state) {
  (void)state;
  struct chio_embedded *embedded = open_folder(folder);
  struct chio_embedded_conn *conn = NULL;
  struct chio_buf frame = CHIO_BUF_INIT;
  struct chio_buf reply = CHIO_BUF_INIT;
  struct chio_frame_header header;
  assert_int_equal(api->conn_open(embedded, &conn), CHIO_OK);
  add_hello(&frame);
  for (size_t len = 0; len < frame.len; len++)
    assert_int_equal(api->call(conn, chio_slice(frame.data, len), &reply), CHIO_E_TRUNCATED);
  assert_int_equal(reply.len, 0);
  chio_buf_append_u8(&frame, 0);
  assert_int_equal(api->call(conn, chio_buf_slice(&frame), &reply), CHIO_E_TRAILING);
  frame.len--;
  frame.data[6] = CHIO_FRAME_REPLY;
  assert_int_equal(api->call(conn, chio_buf_slice(&frame), &reply), CHIO_E_PROTOCOL);
  frame.data[6] = 0;
  assert_int_equal(api->call(conn, chio_buf_slice(&frame), &reply), CHIO_OK);
  assert_int_equal(chio_frame_decode(chio_slice(reply.data, CHIO_FRAME_HEADER_SIZE), &header), CHIO_OK);
  assert_int_equal(header.request_id, 7);
  assert_int_equal(header.error, CHIO_OK);
  chio_buf_clear(&frame);
  chio_buf_clear(&reply);
  api->conn_close(conn);
  api->close(embedded);
}

static void a_configuration_that_is_wrong_is_an_error(void **state) {
  (void)state;
  char path[PATH_MAX + 16];
  struct chio_embedded *embedded = NULL;
  struct chio_detail detail = {""};
  (void)snprintf(path, sizeof path, "%s/hsm.toml", folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs("token.pin_min = 1\n", file) >= 0);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(api->open(folder, &embedded, &detail), CHIO_E_CONFIG);
  assert_non_null(strstr(detail.text, "hsm.toml:1: expected an integer from 4 to 255"));
  assert_null(embedded);
  assert_int_equal(unlink(path), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_api_is_version_1),
      cmocka_unit_test(two_spellings_of_a_folder_are_one_core),
      cmocka_unit_test(a_folder_can_be_opened_again_after_it_was_closed),
      cmocka_unit_test(a_child_of_fork_is_refused_and_harms_nothing),
      cmocka_unit_test(a_whole_frame_is_answered_and_no_other),
      cmocka_unit_test(a_configuration_that_is_wrong_is_an_error),
  };
  return cmocka_run_group_tests(tests, load, clean_up);
}
