#include "signer/base/duration.h"
#include "signer/base/buf.h"
#include "signer/base/cursor.h"
#include "signer/base/histogram.h"
#include "signer/base/lifetime.h"
#include "signer/base/secret.h"
#include "signer/base/utf8.h"
#include "signer/base/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void a_buffer_grows_and_keeps_its_bytes(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  for (unsigned i = 0; i < 10000; i++) chio_buf_append_u16be(&b, (uint16_t)i);
  assert_int_equal(chio_buf_err(&b), CHIO_OK);
  assert_int_equal(b.len, 20000);
  struct chio_cursor c = chio_cursor(chio_buf_slice(&b));
  for (unsigned i = 0; i < 10000; i++) {
    uint16_t value;
    assert_int_equal(chio_cursor_u16be(&c, &value), CHIO_OK);
    assert_int_equal(value, i);
  }
  assert_int_equal(chio_cursor_end(&c), CHIO_OK);
  chio_buf_clear(&b);
}

static void an_impossible_size_fails_once_and_for_all(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  chio_buf_append_str(&b, "kept");
  assert_null(chio_buf_reserve(&b, SIZE_MAX));
  assert_null(chio_buf_reserve(&b, SIZE_MAX / 2));
  chio_buf_append_str(&b, "ignored");
  assert_int_equal(chio_buf_err(&b), CHIO_E_NO_MEMORY);
  assert_int_equal(b.len, 4);
  assert_null(chio_buf_cstr(&b));
  chio_buf_reset(&b);
  assert_int_equal(chio_buf_err(&b), CHIO_OK);
  chio_buf_clear(&b);
}

static void an_empty_buffer_is_an_empty_string(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  chio_buf_append(&b, NULL, 0);
  assert_int_equal(chio_buf_slice(&b).len, 0);
  assert_string_equal(chio_buf_cstr(&b), "");
  chio_buf_clear(&b);
  chio_buf_free(NULL);
}

static void formatted_text_of_any_length_fits(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  for (int width = 0; width < 700; width++) {
    chio_buf_reset(&b);
    chio_buf_printf(&b, "%0*d|", width, 7);
    assert_int_equal(b.len, (size_t)(width > 1 ? width : 1) + 1);
    assert_int_equal(b.data[b.len - 1], '|');
  }
  chio_buf_clear(&b);
}

static void integers_have_the_byte_order_they_are_named_for(void **state) {
  (void)state;
  static const uint8_t expected[] = {0x01, 0x02, 0x02, 0x01, 0x01, 0x02, 0x03, 0x04, 0x04, 0x03, 0x02, 0x01,
                                     1,    2,    3,    4,    5,    6,    7,    8,    8,    7,    6,    5,
                                     4,    3,    2,    1};
  struct chio_buf b = CHIO_BUF_INIT;
  chio_buf_append_u16be(&b, 0x0102);
  chio_buf_append_u16le(&b, 0x0102);
  chio_buf_append_u32be(&b, 0x01020304);
  chio_buf_append_u32le(&b, 0x01020304);
  chio_buf_append_u64be(&b, 0x0102030405060708);
  chio_buf_append_u64le(&b, 0x0102030405060708);
  assert_int_equal(b.len, sizeof expected);
  assert_memory_equal(b.data, expected, sizeof expected);
  chio_buf_clear(&b);
}

static void a_cursor_that_fails_moves_nothing(void **state) {
  (void)state;
  static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
  for (size_t len = 0; len < 8; len++) {
    struct chio_cursor c = chio_cursor(chio_slice(bytes, len < 8 ? len : 7));
    struct chio_slice run = chio_slice("x", 1);
    uint64_t wide = 99;
    assert_int_equal(chio_cursor_u64be(&c, &wide), CHIO_E_TRUNCATED);
    assert_int_equal(chio_cursor_u64le(&c, &wide), CHIO_E_TRUNCATED);
    assert_int_equal(chio_cursor_bytes(&c, len + 1, &run), CHIO_E_TRUNCATED);
    assert_int_equal(chio_cursor_bytes(&c, SIZE_MAX, &run), CHIO_E_TRUNCATED);
    assert_int_equal(wide, 99);
    assert_int_equal(run.len, 1);
    assert_int_equal(c.left, len);
    assert_int_equal(chio_cursor_end(&c), len == 0 ? CHIO_OK : CHIO_E_TRAILING);
  }
}

static void a_cursor_over_nothing_is_at_its_end(void **state) {
  (void)state;
  struct chio_cursor c = chio_cursor(chio_slice(NULL, 0));
  struct chio_slice run;
  uint8_t byte;
  assert_int_equal(chio_cursor_bytes(&c, 0, &run), CHIO_OK);
  assert_int_equal(chio_cursor_u8(&c, &byte), CHIO_E_TRUNCATED);
  assert_int_equal(chio_cursor_end(&c), CHIO_OK);
}

static void secrets_compare_by_content_and_empty_ones_never_match(void **state) {
  (void)state;
  CHIO_AUTO(chio_secret) struct chio_secret *a = NULL;
  CHIO_AUTO(chio_secret) struct chio_secret *empty = NULL;
  assert_int_equal(chio_secret_copy(chio_slice_str("123456"), &a), CHIO_OK);
  assert_int_equal(chio_secret_new(0, &empty), CHIO_OK);
  assert_true(chio_secret_equal(chio_secret_slice(a), chio_slice_str("123456")));
  assert_false(chio_secret_equal(chio_secret_slice(a), chio_slice_str("123457")));
  assert_false(chio_secret_equal(chio_secret_slice(a), chio_slice_str("12345")));
  assert_false(chio_secret_equal(chio_secret_slice(empty), chio_secret_slice(empty)));
  assert_false(chio_secret_equal(chio_secret_slice(NULL), chio_secret_slice(NULL)));
}

static void a_new_secret_is_zero(void **state) {
  (void)state;
  CHIO_AUTO(chio_secret) struct chio_secret *secret = NULL;
  assert_int_equal(chio_secret_new(64, &secret), CHIO_OK);
  static const uint8_t zero[64];
  assert_memory_equal(secret->data, zero, sizeof zero);
  chio_secret_free(NULL);
  chio_wipe(NULL, 0);
}

static void a_secret_too_large_is_refused(void **state) {
  (void)state;
  struct chio_secret *secret = NULL;
  assert_int_equal(chio_secret_new(SIZE_MAX, &secret), CHIO_E_NO_MEMORY);
  assert_null(secret);
}

static void errors_know_their_names(void **state) {
  (void)state;
  assert_string_equal(chio_err_name(CHIO_OK), "OK");
  assert_string_equal(chio_err_name(CHIO_E_PIN_INCORRECT), "PIN_INCORRECT");
  assert_string_equal(chio_err_name((enum chio_err)9999), "UNKNOWN");
  assert_string_equal(chio_err_text(CHIO_E_PIN_INCORRECT), "the PIN is wrong");
  assert_non_null(chio_err_text((enum chio_err)9999));
  assert_int_equal(chio_err_from_wire(62), CHIO_E_PIN_INCORRECT);
  assert_int_equal(chio_err_from_wire(59), CHIO_E_UNKNOWN_ERROR);
  assert_int_equal(chio_err_from_wire(UINT32_MAX), CHIO_E_UNKNOWN_ERROR);
}

static void a_detail_is_cut_to_fit_and_may_be_absent(void **state) {
  (void)state;
  char longest[1000];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  struct chio_detail detail;
  assert_int_equal(chio_fail(&detail, CHIO_E_POLICY, "%s", longest), CHIO_E_POLICY);
  assert_int_equal(strlen(detail.text), CHIO_DETAIL_MAX - 1);
  assert_int_equal(chio_fail(NULL, CHIO_E_POLICY, "%s", longest), CHIO_E_POLICY);
}

static void malformed_utf8_is_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
      "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xc3",         "\xe0\x80\x80",
      "\xe0\x9f\xbf", "\xed\xa0\x80",     "\xed\xbf\xbf",     "\xe2\x82",     "\xf0\x80\x80\x80",
      "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",     "\xfe",
      "\xc3\x28",     "\xe2\x28\xa1",     "a\xf0\x9f\x98",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) assert_false(chio_utf8_valid(chio_slice_str(rows[i])));
  assert_true(chio_utf8_valid(chio_slice(NULL, 0)));
  assert_true(chio_utf8_valid(chio_slice("a\0b", 3)));
}

static void every_scalar_survives_utf8(void **state) {
  (void)state;
  for (uint32_t scalar = 0; scalar < 0x110400; scalar++) {
    uint8_t bytes[CHIO_UTF8_MAX];
    uint32_t back = 0;
    size_t len = chio_utf8_encode(scalar, bytes);
    bool legal = scalar < 0xD800 || (scalar > 0xDFFF && scalar < 0x110000);
    if ((len > 0) != legal) fail_msg("U+%04X", scalar);
    if (legal && (chio_utf8_decode(chio_slice(bytes, len), &back) != len || back != scalar)) fail_msg("U+%04X", scalar);
  }
}

static void a_histogram_tells_percentiles_within_two_percent(void **state) {
  static struct chio_histogram h, other, empty;
  static const double parts[] = {0.01, 0.5, 0.9, 0.99};
  (void)state;
  assert_true(chio_histogram_at(&empty, 0.5) == 0);
  for (uint64_t i = 0; i < 100000; i++) chio_histogram_add(i % 2 == 0 ? &h : &other, 1000 * i);
  chio_histogram_merge(&h, &other);
  assert_int_equal(h.count, 100000);
  assert_int_equal(h.max, 99999000);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(parts); i++) {
    double right = parts[i] * 1e8, told = chio_histogram_at(&h, parts[i]);
    assert_true(told > 0.98 * right && told < 1.02 * right);
  }
  assert_true(chio_histogram_at(&h, 1.0) == 99999000);
}

static void a_histogram_takes_the_largest_number(void **state) {
  static struct chio_histogram h;
  (void)state;
  chio_histogram_add(&h, UINT64_MAX);
  chio_histogram_add(&h, 0);
  assert_int_equal(h.count, 2);
  assert_int_equal(h.max, UINT64_MAX);
  assert_true(chio_histogram_at(&h, 0.1) == 0.0);
}

static void lengths_of_time_are_a_number_and_a_unit(void **state) {
  static const struct {
    const char *text;
    uint64_t seconds;
  } good[] = {{"1s", 1}, {"90min", 5400}, {"12h", 43200}, {"90d", 7776000}, {"36500d", CHIO_DURATION_MAX}};
  static const char *const bad[] = {"", "s", "0s", "1", "1m", "1 d", "-1d", "+1d", "1d ", "36501d", "99999999999999d", "0x1d"};
  uint64_t seconds = 7;
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++)
    assert_int_equal(chio_duration_parse(chio_slice_str(bad[i]), &seconds), CHIO_E_MALFORMED);
  assert_int_equal(seconds, 7);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(good); i++) {
    assert_int_equal(chio_duration_parse(chio_slice_str(good[i].text), &seconds), CHIO_OK);
    assert_int_equal(seconds, good[i].seconds);
  }
}

static void a_third_of_each_life_is_left_to_renew_in(void **state) {
  (void)state;
  static const uint64_t rows[][2] = {{0, 0}, {2, 0}, {3, 1}, {60, 20}, {3600, 1200}, {86400, 28800},
                                     {UINT64_MAX, UINT64_MAX / 3}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) assert_int_equal(chio_lifetime_ahead(rows[i][0]), rows[i][1]);
}

/* More than a pipe holds: the reader, in a child, takes it in small pieces. */
static void all_bytes_are_written_however_small_the_pipe(void **state) {
  (void)state;
  static uint8_t bytes[300000], piece[1000];
  int ends[2], status = 0;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i % 251);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    size_t have = 0;
    ssize_t got;
    (void)close(ends[1]);
    while ((got = read(ends[0], piece, sizeof piece)) > 0) {
      if (have + (size_t)got > sizeof bytes || memcmp(piece, bytes + have, (size_t)got) != 0) _exit(2);
      have += (size_t)got;
    }
    _exit(have == sizeof bytes ? 0 : 3);
  }
  (void)close(ends[0]);
  assert_true(chio_write_whole(ends[1], chio_slice(bytes, sizeof bytes)));
  (void)close(ends[1]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_true(chio_write_whole(-1, chio_slice(NULL, 0)));
  assert_false(chio_write_whole(-1, chio_slice(bytes, 1)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_buffer_grows_and_keeps_its_bytes),
      cmocka_unit_test(an_impossible_size_fails_once_and_for_all),
      cmocka_unit_test(an_empty_buffer_is_an_empty_string),
      cmocka_unit_test(formatted_text_of_any_length_fits),
      cmocka_unit_test(integers_have_the_byte_order_they_are_named_for),
      cmocka_unit_test(a_cursor_that_fails_moves_nothing),
      cmocka_unit_test(a_cursor_over_nothing_is_at_its_end),
      cmocka_unit_test(secrets_compare_by_content_and_empty_ones_never_match),
      cmocka_unit_test(a_new_secret_is_zero),
      cmocka_unit_test(a_secret_too_large_is_refused),
      cmocka_unit_test(errors_know_their_names),
      cmocka_unit_test(a_detail_is_cut_to_fit_and_may_be_absent),
      cmocka_unit_test(malformed_utf8_is_refused),
      cmocka_unit_test(lengths_of_time_are_a_number_and_a_unit),
      cmocka_unit_test(every_scalar_survives_utf8),
      cmocka_unit_test(a_histogram_tells_percentiles_within_two_percent),
      cmocka_unit_test(a_histogram_takes_the_largest_number),
      cmocka_unit_test(a_third_of_each_life_is_left_to_renew_in),
      cmocka_unit_test(all_bytes_are_written_however_small_the_pipe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
