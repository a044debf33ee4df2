/* Images, SIGSTRUCTs and event logs: the samples of the fuzz corpus (tests/support/measured.py wrote them), cut and
 * changed. What they measure, tests/module/measure.sh compares. */
#include "attest/eif.h"
#include "attest/event_log.h"
#include "attest/sigstruct.h"
#include "tests/unit/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum chio_err read_eif(struct chio_slice bytes) {
  struct chio_eif eif;
  return chio_eif_read(bytes, &eif, NULL);
}

/* A section alone, which no CRC covers; the samples are signed over a register of zeros. */
static enum chio_err read_section(struct chio_slice bytes) {
  const uint8_t pcr0[CHIO_SHA384_SIZE] = {0};
  struct chio_eif_signer signer;
  struct chio_buf certificate = CHIO_BUF_INIT;
  enum chio_err err = chio_eif_signature_judge(bytes, pcr0, &signer, &certificate, NULL);
  chio_buf_clear(&certificate);
  return err;
}

static enum chio_err read_sigstruct(struct chio_slice bytes) {
  struct chio_sigstruct s;
  return chio_sigstruct_read(bytes, &s);
}

static enum chio_err read_log(struct chio_slice bytes) {
  struct chio_event_registers registers;
  return chio_event_log_replay(bytes, &registers);
}

static const struct {
  const char *sample;
  enum chio_err (*read)(struct chio_slice bytes);
} rows[] = {
    {"eif/plain", read_eif},           {"eif/app", read_eif},
    {"eif/signed", read_eif},          {"eif/signed-strings", read_eif},
    {"eif/section", read_section},     {"eif/section-strings", read_section},
    {"eif/section-p521", read_section},
    {"sigstruct/sigstruct", read_sigstruct}, {"sigstruct/debug", read_sigstruct},
    {"event_log/tpm", read_log},       {"event_log/locality", read_log},
    {"event_log/sha384", read_log},    {"event_log/cc", read_log},
};

static struct chio_buf sample(const char *name) {
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", CHIO_SOURCE_TOP, name);
  struct chio_buf bytes = vectors_read(path);
  if (bytes.len == 0) fail_msg("%s", path);
  return bytes;
}

static void every_sample_is_read(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf bytes = sample(rows[i].sample);
    if (rows[i].read(chio_buf_slice(&bytes)) != CHIO_OK) fail_msg("%s", rows[i].sample);
    chio_buf_clear(&bytes);
  }
}

/* A copy of its own, so that a read past the end is seen. A log may end after any of its events, or in its padding. */
static void every_shorter_image_and_sigstruct_is_refused_and_no_log_is_read_past_its_end(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf bytes = sample(rows[i].sample);
    size_t good = 0;
    for (size_t len = 0; len < bytes.len; len++) {
      struct chio_buf copy = CHIO_BUF_INIT;
      chio_buf_append(&copy, bytes.data, len);
      if (rows[i].read(chio_buf_slice(&copy)) == CHIO_OK) good++;
      chio_buf_clear(&copy);
    }
    if (rows[i].read == read_log)
      assert_true(good < 100);
    else
      assert_int_equal(good, 0);
    chio_buf_clear(&bytes);
  }
}

/* The CRC covers all of an image; a SIGSTRUCT ends with what only helps the CPU to verify. */
static bool is_free(size_t row, size_t at) {
  return rows[row].read == read_sigstruct && at >= 1028;
}

/* A certificate's bytes beside its key are measured, and not signed here: a section counts from behind it. */
static size_t first_that_counts(size_t row, struct chio_slice bytes) {
  static const char after[] = "isignature";
  size_t at = 0;
  if (rows[row].read != read_section) return 0;
  while (at + sizeof after < bytes.len && memcmp(bytes.data + at, after, sizeof after - 1) != 0) at++;
  return at;
}

static void every_changed_byte_of_an_image_or_sigstruct_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf bytes = sample(rows[i].sample);
    size_t at = first_that_counts(i, chio_buf_slice(&bytes));
    assert_true(at + 100 < bytes.len);
    for (; rows[i].read != read_log && at < bytes.len; at++) {
      bytes.data[at] ^= 0x40;
      if ((rows[i].read(chio_buf_slice(&bytes)) == CHIO_OK) != is_free(i, at)) fail_msg("%s: %zu", rows[i].sample, at);
      bytes.data[at] ^= 0x40;
    }
    chio_buf_clear(&bytes);
  }
}

static void a_log_of_too_many_banks_or_bytes_is_refused(void **state) {
  (void)state;
  struct chio_buf bytes = sample("event_log/tpm");
  uint8_t count = bytes.data[32 + 24];
  assert_int_equal(count, 2);
  bytes.data[32 + 24] = CHIO_EVENT_BANKS_MAX + 1;
  assert_int_equal(read_log(chio_buf_slice(&bytes)), CHIO_E_MALFORMED);
  bytes.data[32 + 24] = 0;
  assert_int_equal(read_log(chio_buf_slice(&bytes)), CHIO_E_MALFORMED);
  bytes.data[32 + 24] = count;
  assert_int_equal(read_log(chio_slice(bytes.data, CHIO_EVENT_LOG_MAX + 1)), CHIO_E_TOO_LONG);
  chio_buf_clear(&bytes);
}

static void nothing_is_neither(void **state) {
  (void)state;
  assert_int_not_equal(read_eif(chio_slice(NULL, 0)), CHIO_OK);
  assert_int_not_equal(read_sigstruct(chio_slice(NULL, 0)), CHIO_OK);
  assert_int_not_equal(read_log(chio_slice(NULL, 0)), CHIO_OK);
  assert_false(chio_eif_is(chio_slice(NULL, 0)) || chio_sigstruct_is(chio_slice(NULL, 0)) ||
               chio_event_log_is(chio_slice(NULL, 0)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sample_is_read),
      cmocka_unit_test(every_shorter_image_and_sigstruct_is_refused_and_no_log_is_read_past_its_end),
      cmocka_unit_test(every_changed_byte_of_an_image_or_sigstruct_is_refused),
      cmocka_unit_test(a_log_of_too_many_banks_or_bytes_is_refused),
      cmocka_unit_test(nothing_is_neither),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
