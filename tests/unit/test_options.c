#include "signer/daemon/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* argv of a chiod that reads no file of this machine. */
#define ARGS(...) (char *const[]){"chiod", __VA_ARGS__, NULL}
#define COUNT(...) (1 + (int)(sizeof((char *const[]){__VA_ARGS__}) / sizeof(char *)))
#define READ(o, a, d, ...) chio_options_read(COUNT(__VA_ARGS__), ARGS(__VA_ARGS__), (o), (a), (d))

static int forget_the_environment(void **state) {
  (void)state;
  static const char *const names[] = {"CHIO_CONFIG", "CHIO_STATE",    "CHIO_SOCKET", "CHIO_USER",      "CHIO_PLATFORM",
                                      "CHIO_LOG",    "CHIO_LOG_FILE", "CHIO_PIDFILE", "CHIO_LOG_FORMAT"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) unsetenv(names[i]);
  return 0;
}

static void flags_are_refused_with_a_reason(void **state) {
  (void)state;
  static const struct {
    char *flag, *value;
    const char *says;
  } rows[] = {
      {"--colour", "red", "there is no flag '--colour'"},
      {"red", "x", "'red' is no flag"},
      {"--", "x", "'--' is no flag"},
      {"--set", "limits.connections", "--set: expected KEY=VALUE"},
      {"--set", "limits.connections=0", "limits.connections"},
      {"--set", "limits.colour=0", "limits.colour"},
      {"--set", "stay_root=perhaps", "stay_root"},
      {"--log-level", "loud", "log.level"},
      {"--socket", "here", "expected an absolute path for the socket, found 'here'"},
      {"--pidfile", "here", "expected an absolute path for the pid file"},
      {"--set", "socket.mode=0999", "expected an octal mode"},
      {"--set", "socket.mode=660", "expected an octal mode"},
      {"--set", "token.pin_failures_delay=11", "token.pin_failures_delay"},
      {"--config", "/nonexistent/hsm.toml", "there is no configuration file"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {""};
    struct chio_options options;
    enum chio_options_action action;
    assert_int_not_equal(READ(&options, &action, &detail, "--state", "/s", "--socket", "/c.sock", rows[i].flag,
                              rows[i].value),
                         CHIO_OK);
    if (strstr(detail.text, rows[i].says) == NULL) fail_msg("%s: %s", rows[i].flag, detail.text);
  }
}

static void flags_win_over_the_environment(void **state) {
  (void)state;
  struct chio_detail detail = {""};
  struct chio_options options;
  enum chio_options_action action;
  setenv("CHIO_STATE", "/of/environment", 1);
  setenv("CHIO_SOCKET", "/of/environment.sock", 1);
  assert_int_equal(READ(&options, &action, &detail, "--state=/of/flag", "--daemon"), CHIO_OK);
  assert_string_equal(options.state, "/of/flag");
  assert_string_equal(options.socket, "/of/environment.sock");
  assert_true(options.daemon);
  chio_options_clear(&options);
  forget_the_environment(NULL);
}

static void the_door_stands_beside_the_socket(void **state) {
  (void)state;
  static const struct {
    char *socket;
    const char *door;
  } rows[] = {{"/run/chio/chiod.sock", "/run/chio/chiod.door"}, {"/run/other", "/run/other.door"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail detail = {""};
    struct chio_options options;
    enum chio_options_action action;
    assert_int_equal(READ(&options, &action, &detail, "--state", "/s", "--socket", rows[i].socket), CHIO_OK);
    assert_string_equal(options.door, rows[i].door);
    chio_options_clear(&options);
    assert_int_equal(READ(&options, &action, &detail, "--state", "/s", "--socket", rows[i].socket, "--set",
                          "door.enabled=false"),
                     CHIO_OK);
    assert_string_equal(options.door, "");
    chio_options_clear(&options);
  }
}

static void modes_are_octal(void **state) {
  (void)state;
  struct chio_detail detail = {""};
  struct chio_options options;
  enum chio_options_action action;
  assert_int_equal(READ(&options, &action, &detail, "--state", "/s", "--socket", "/c", "--set", "socket.mode=0666"),
                   CHIO_OK);
  assert_int_equal(chio_options_socket_mode(&options), 0666);
  chio_options_clear(&options);
  assert_int_equal(READ(&options, &action, &detail, "--state", "/s", "--socket", "/c"), CHIO_OK);
  assert_int_equal(chio_options_socket_mode(&options), geteuid() == 0 ? 0660 : 0600);
  chio_options_clear(&options);
}

static void help_and_version_need_nothing_else_to_be_right(void **state) {
  (void)state;
  struct chio_detail detail = {""};
  struct chio_options options;
  enum chio_options_action action;
  struct chio_buf text = CHIO_BUF_INIT;
  assert_int_equal(READ(&options, &action, &detail, "--state", "relative", "--help"), CHIO_OK);
  assert_int_equal(action, CHIO_OPTIONS_HELP);
  assert_int_equal(READ(&options, &action, &detail, "-V"), CHIO_OK);
  assert_int_equal(action, CHIO_OPTIONS_VERSION);
  chio_options_help(&text);
  assert_non_null(strstr(chio_buf_cstr(&text), "--stay-root"));
  chio_buf_clear(&text);
}

static void the_manifest_holds_policy_and_no_places(void **state) {
  (void)state;
  struct chio_detail detail = {""};
  struct chio_options options;
  enum chio_options_action action;
  struct chio_core_config core;
  struct chio_buf one = CHIO_BUF_INIT;
  struct chio_buf two = CHIO_BUF_INIT;
  struct chio_buf three = CHIO_BUF_INIT;
  assert_int_equal(READ(&options, &action, &detail, "--state", "/a", "--socket", "/c"), CHIO_OK);
  chio_options_core(&options, &one, &core);
  assert_string_equal(core.state_dir, "/a");
  assert_true(core.audit);
  chio_options_clear(&options);
  assert_int_equal(READ(&options, &action, &detail, "--state", "/b", "--socket", "/d"), CHIO_OK);
  chio_options_core(&options, &two, &core);
  chio_options_clear(&options);
  assert_int_equal(READ(&options, &action, &detail, "--state", "/b", "--socket", "/d", "--set", "token.pin_min=8"),
                   CHIO_OK);
  chio_options_core(&options, &three, &core);
  assert_int_equal(core.pin_min, 8);
  chio_options_clear(&options);
  assert_string_equal(chio_buf_cstr(&one), chio_buf_cstr(&two));
  assert_string_not_equal(chio_buf_cstr(&two), chio_buf_cstr(&three));
  chio_buf_clear(&one);
  chio_buf_clear(&two);
  chio_buf_clear(&three);
}

/* Reads a file with that text. */
static enum chio_err load_text(const char *text, struct chio_options *options, struct chio_detail *detail) {
  char path[] = "/tmp/chio-test-options.XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  assert_int_equal(close(fd), 0);
  chio_options_default(options);
  enum chio_err err = chio_options_load(options, path, detail);
  (void)unlink(path);
  return err;
}

static void contracts_are_told_to_the_core_and_are_no_policy(void **state) {
  (void)state;
  struct chio_detail detail = {""};
  struct chio_options options;
  struct chio_core_config core;
  struct chio_buf with = CHIO_BUF_INIT, without = CHIO_BUF_INIT;
  static const uint8_t first[20] = {0x5a, 0xae, 0xb6, 0x05, 0x3f, 0x3e, 0x94, 0xc9, 0xb9, 0xa0,
                                    0x9f, 0x33, 0x66, 0x94, 0x35, 0xe7, 0xef, 0x1b, 0xea, 0xed};
  assert_int_equal(load_text("[identity]\ncontracts = [\"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\", "
                             "\"1234567890abcdef1234567890abcdef12345678\"]\n",
                             &options, &detail),
                   CHIO_OK);
  chio_options_core(&options, &with, &core);
  assert_int_equal(core.contract_count, 2);
  assert_memory_equal(core.contracts, first, sizeof first);
  assert_int_equal(core.contracts[20], 0x12);
  chio_options_clear(&options);
  assert_int_equal(load_text("", &options, &detail), CHIO_OK);
  chio_options_core(&options, &without, &core);
  assert_int_equal(core.contract_count, 0);
  assert_string_equal(chio_buf_cstr(&with), chio_buf_cstr(&without));
  chio_options_clear(&options);
  chio_buf_clear(&with);
  chio_buf_clear(&without);
}

static void a_schedule_of_rotation_is_read_and_is_no_policy(void **state) {
  (void)state;
  struct chio_detail detail = {""};
  struct chio_options options;
  struct chio_core_config core;
  struct chio_buf with = CHIO_BUF_INIT, without = CHIO_BUF_INIT;
  assert_int_equal(load_text("[rotation]\nafter = \"90d\"\nroles = [\"receipts=12h\", \"tls=30min\"]\n", &options, &detail),
                   CHIO_OK);
  chio_options_core(&options, &with, &core);
  assert_int_equal(core.rotation.after, 90 * 86400);
  assert_int_equal(core.rotation.role_count, 2);
  assert_string_equal(core.rotation.roles[0].role, "receipts");
  assert_int_equal(core.rotation.roles[0].after, 12 * 3600);
  assert_int_equal(core.rotation.roles[1].after, 1800);
  chio_options_clear(&options);
  assert_int_equal(load_text("", &options, &detail), CHIO_OK);
  chio_options_core(&options, &without, &core);
  assert_int_equal(core.rotation.after, 0);
  assert_string_equal(chio_buf_cstr(&with), chio_buf_cstr(&without));
  chio_options_clear(&options);
  chio_buf_clear(&with);
  chio_buf_clear(&without);
}

static void a_schedule_that_is_none_is_refused(void **state) {
  (void)state;
  static const char *const rows[] = {"after = \"90\"",          "after = \"d\"",           "after = \"0d\"",
                                     "after = \"-1d\"",         "after = \"1 d\"",         "after = \"999999d\"",
                                     "roles = [\"receipts\"]",  "roles = [\"=1d\"]",       "roles = [\"a=\"]",
                                     "roles = [\"a=b=1d\"]",
                                     "roles = [\"abcdefghijklmnopqrstuvwxyz0123456=1d\"]"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char text[256];
    struct chio_detail detail = {""};
    struct chio_options options;
    (void)snprintf(text, sizeof text, "[rotation]\n%s\n", rows[i]);
    enum chio_err err = load_text(text, &options, &detail);
    if (err != CHIO_E_CONFIG || strstr(detail.text, "rotation.") == NULL) fail_msg("%s: %s", rows[i], detail.text);
    chio_options_clear(&options);
  }
}

static void contracts_that_are_none_are_refused(void **state) {
  (void)state;
  static const char *const rows[] = {"0x12", "", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", /* the checksum */
                                     "1234567890abcdef1234567890abcdef1234567800"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    char text[256];
    struct chio_detail detail = {""};
    struct chio_options options;
    (void)snprintf(text, sizeof text, "[identity]\ncontracts = [\"%s\"]\n", rows[i]);
    assert_int_equal(load_text(text, &options, &detail), CHIO_E_CONFIG);
    if (strstr(detail.text, "identity.contracts") == NULL) fail_msg("%s: %s", rows[i], detail.text);
    chio_options_clear(&options);
  }
}

static void the_server_runs_on_every_cpu_unless_told(void **state) {
  (void)state;
  struct chio_detail detail = {""};
  struct chio_options options;
  enum chio_options_action action;
  struct chio_server_config config;
  assert_int_equal(READ(&options, &action, &detail, "--state", "/s", "--socket", "/c"), CHIO_OK);
  assert_int_equal(chio_options_server(&options, &config, &detail), CHIO_OK);
  assert_true(config.loops >= 1);
  chio_options_clear(&options);
  assert_int_equal(READ(&options, &action, &detail, "--state", "/s", "--socket", "/c", "--set", "loops.threads=3"),
                   CHIO_OK);
  assert_int_equal(chio_options_server(&options, &config, &detail), CHIO_OK);
  assert_int_equal(config.loops, 3);
  chio_options_clear(&options);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(flags_are_refused_with_a_reason),
      cmocka_unit_test(flags_win_over_the_environment),
      cmocka_unit_test(the_door_stands_beside_the_socket),
      cmocka_unit_test(modes_are_octal),
      cmocka_unit_test(help_and_version_need_nothing_else_to_be_right),
      cmocka_unit_test(the_manifest_holds_policy_and_no_places),
      cmocka_unit_test(contracts_that_are_none_are_refused),
      cmocka_unit_test(a_schedule_of_rotation_is_read_and_is_no_policy),
      cmocka_unit_test(a_schedule_that_is_none_is_refused),
      cmocka_unit_test(contracts_are_told_to_the_core_and_are_no_policy),
      cmocka_unit_test(the_server_runs_on_every_cpu_unless_told),
  };
  return cmocka_run_group_tests(tests, forget_the_environment, NULL);
}
