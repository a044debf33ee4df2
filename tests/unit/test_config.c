#include "signer/base/config.h"

#include "signer/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct backend {
  char name[CHIO_CONFIG_NAME_MAX];
  char uri[32];
  struct chio_config_strings keys;
};

struct slot {
  int64_t id;
  char label[33];
};

struct options {
  bool foreground;
  int64_t loops;
  char socket[16];
  int level;
  struct chio_config_strings endpoints;
  struct chio_config_tables backends;
  struct chio_config_tables slots;
};

static const struct chio_config_word levels[] = {{"error", 0}, {"debug", 4}, {NULL, 0}};

static const struct chio_config_key backend_keys[] = {
    CHIO_CONFIG_STRING("uri", struct backend, uri),
    CHIO_CONFIG_STRINGS("keys", struct backend, keys, 8, 3),
    CHIO_CONFIG_END,
};

static const struct chio_config_key slot_keys[] = {
    CHIO_CONFIG_INT("id", struct slot, id, 0, 9),
    CHIO_CONFIG_STRING("label", struct slot, label),
    CHIO_CONFIG_END,
};

static const struct chio_config_key keys[] = {
    CHIO_CONFIG_BOOL("daemon.foreground", struct options, foreground),
    CHIO_CONFIG_INT("daemon.loops", struct options, loops, 1, 64),
    CHIO_CONFIG_STRING("listen.unix.socket", struct options, socket),
    CHIO_CONFIG_ENUM("log.level", struct options, level, levels),
    CHIO_CONFIG_STRINGS("endpoints", struct options, endpoints, 8, 2),
    CHIO_CONFIG_NAMED("backend", struct options, backends, struct backend, backend_keys, 2),
    CHIO_CONFIG_ARRAY("slot", struct options, slots, struct slot, slot_keys, 2),
    CHIO_CONFIG_END,
};

static enum chio_err read_text(const char *text, struct chio_detail *detail, struct options *options) {
  struct chio_toml *doc = NULL;
  enum chio_err err = chio_toml_parse(chio_slice_str(text), "f", detail, &doc);
  if (err == CHIO_OK) err = chio_config_read(doc, keys, detail, options);
  chio_toml_free(doc);
  return err;
}

static void every_kind_is_read_into_its_member(void **state) {
  (void)state;
  struct options o = {0};
  struct chio_detail d = {""};
  enum chio_err err = read_text(
      "endpoints = ['a', 'b']\ndaemon.foreground = true\n[listen.unix]\nsocket = '/run/chio.sock1'\n[log]\n"
      "level = 'debug'\n[backend.aws]\nuri = 'awskms:///'\nkeys = ['k1', 'k2', 'k3']\n[backend.gcp]\n[[slot]]\nid = 1\n"
      "[[slot]]\nlabel = 'two'\n",
      &d, &o);
  if (err != CHIO_OK) fail_msg("%s", d.text);
  assert_true(o.foreground);
  assert_string_equal(o.socket, "/run/chio.sock1");
  assert_int_equal(o.level, 4);
  assert_int_equal(o.endpoints.count, 2);
  assert_string_equal(o.endpoints.items[1], "b");
  const struct backend *backends = o.backends.items;
  assert_int_equal(o.backends.count, 2);
  assert_string_equal(backends[0].name, "aws");
  assert_string_equal(backends[0].keys.items[2], "k3");
  assert_string_equal(backends[1].name, "gcp");
  const struct slot *slots = o.slots.items;
  assert_int_equal(o.slots.count, 2);
  assert_int_equal(slots[0].id, 1);
  assert_string_equal(slots[1].label, "two");
  chio_config_clear(keys, &o);
  assert_int_equal(o.backends.count, 0);
  chio_config_clear(keys, &o);
}

static void what_the_file_lacks_stays_as_it_was(void **state) {
  (void)state;
  struct options o = {.loops = 3, .socket = "before", .level = 9};
  assert_int_equal(read_text("", NULL, &o), CHIO_OK);
  assert_int_equal(read_text("[daemon]\n[listen]\n", NULL, &o), CHIO_OK);
  assert_int_equal(o.loops, 3);
  assert_string_equal(o.socket, "before");
  assert_int_equal(o.level, 9);
}

static void each_mistake_is_named_with_its_line_and_the_remedy(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *detail;
  } rows[] = {
      {"deamon.loops = 1\n", "f:1: unknown key 'deamon', expected one of: daemon, listen, log, endpoints, backend, slot"},
      {"[daemon]\nloop = 1\n", "f:2: unknown key 'daemon.loop', expected one of: foreground, loops"},
      {"[listen.unix]\npath = 1\n", "f:2: unknown key 'listen.unix.path', expected one of: socket"},
      {"listen = 1\n", "f:1: expected a table for 'listen', found an integer"},
      {"[daemon]\n\nloops = 0\n", "f:3: expected an integer from 1 to 64 for 'daemon.loops', found 0"},
      {"[daemon]\nloops = 65\n", "f:2: expected an integer from 1 to 64 for 'daemon.loops', found 65"},
      {"[daemon]\nloops = '4'\n", "f:2: expected an integer from 1 to 64 for 'daemon.loops', found a string"},
      {"[daemon]\nforeground = 1\n", "f:2: expected true or false for 'daemon.foreground', found an integer"},
      {"listen.unix.socket = '/run/chio.sock12'\n",
       "f:1: expected a string of at most 15 bytes for 'listen.unix.socket', found a string of 16 bytes"},
      {"[log]\nlevel = 'trace'\n", "f:2: expected one of \"error\" \"debug\" for 'log.level', found a string of 5 bytes"},
      {"log.level = 4\n", "f:1: expected one of \"error\" \"debug\" for 'log.level', found 4"},
      {"endpoints = 'a'\n", "f:1: expected an array of at most 2 elements, each a string for 'endpoints', found a string"},
      {"endpoints = ['a', 'b', 'c']\n",
       "f:1: expected an array of at most 2 elements, each a string for 'endpoints', found an array"},
      {"endpoints = ['a', 'bcdefghij']\n",
       "f:1: expected a string of at most 8 bytes for 'endpoints[1]', found a string of 9 bytes"},
      {"[backend.aws]\nkey = []\n", "f:2: unknown key 'backend.aws.key', expected one of: uri, keys"},
      {"backend.aws = 1\n", "f:1: expected a table for 'backend.aws', found an integer"},
      {"[backend]\na={}\nb={}\nc={}\n", "f:1: expected a table of at most 2 tables for 'backend', found a table"},
      {"[slot]\nid = 1\n", "f:1: expected an array of at most 2 elements, each a table for 'slot', found a table"},
      {"[[slot]]\n[[slot]]\nid = 10\n", "f:3: expected an integer from 0 to 9 for 'slot[1].id', found 10"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct options o = {0};
    struct chio_detail d = {""};
    assert_int_equal(read_text(rows[i].text, &d, &o), CHIO_E_CONFIG);
    assert_string_equal(d.text, rows[i].detail);
    chio_config_clear(keys, &o);
  }
}

static void a_second_file_replaces_lists(void **state) {
  (void)state;
  struct options o = {0};
  assert_int_equal(read_text("endpoints = ['a', 'b']\n[backend.x]\n", NULL, &o), CHIO_OK);
  assert_int_equal(read_text("endpoints = ['c']\n[backend]\n", NULL, &o), CHIO_OK);
  assert_int_equal(o.endpoints.count, 1);
  assert_string_equal(o.endpoints.items[0], "c");
  assert_int_equal(o.backends.count, 0);
  chio_config_clear(keys, &o);
}

static void text_sets_one_key_or_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *name, *text, *detail;
  } rows[] = {
      {"daemon.loops", "0", "--set: expected an integer from 1 to 64 for 'daemon.loops'"},
      {"daemon.loops", "", "--set: expected an integer from 1 to 64 for 'daemon.loops'"},
      {"daemon.loops", " 4", "--set: expected an integer from 1 to 64 for 'daemon.loops'"},
      {"daemon.loops", "4x", "--set: expected an integer from 1 to 64 for 'daemon.loops'"},
      {"daemon.loops", "99999999999999999999", "--set: expected an integer from 1 to 64 for 'daemon.loops'"},
      {"daemon.foreground", "yes", "--set: expected true or false for 'daemon.foreground'"},
      {"log.level", "", "--set: expected one of \"error\" \"debug\" for 'log.level'"},
      {"listen.unix.socket", "/run/chio.sock12", "--set: expected a string of at most 15 bytes for 'listen.unix.socket'"},
      {"endpoints", "a", "--set: expected a key that takes one value for 'endpoints'"},
      {"loops", "1", "--set: unknown key 'loops'"},
  };
  struct options o = {.loops = 2, .level = 9};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_detail d = {""};
    assert_int_equal(chio_config_set(keys, rows[i].name, rows[i].text, "--set", &d, &o), CHIO_E_CONFIG);
    assert_string_equal(d.text, rows[i].detail);
  }
  assert_int_equal(o.loops, 2);
  assert_int_equal(o.level, 9);
  assert_int_equal(chio_config_set(keys, "daemon.loops", "64", "--set", NULL, &o), CHIO_OK);
  assert_int_equal(chio_config_set(keys, "daemon.foreground", "true", "--set", NULL, &o), CHIO_OK);
  assert_int_equal(chio_config_set(keys, "log.level", "error", "--set", NULL, &o), CHIO_OK);
  assert_int_equal(chio_config_set(keys, "listen.unix.socket", "x", "--set", NULL, &o), CHIO_OK);
  assert_int_equal(o.loops, 64);
  assert_true(o.foreground);
  assert_int_equal(o.level, 0);
  assert_string_equal(o.socket, "x");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_is_read_into_its_member),
      cmocka_unit_test(what_the_file_lacks_stays_as_it_was),
      cmocka_unit_test(each_mistake_is_named_with_its_line_and_the_remedy),
      cmocka_unit_test(a_second_file_replaces_lists),
      cmocka_unit_test(text_sets_one_key_or_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
