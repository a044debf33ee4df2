#include "kms-adapters/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Keys and dates of the published AWS Signature Version 4 test suite. */
static struct chio_secret *secret_key;

static int make_secret(void **state) {
  (void)state;
  return chio_secret_copy(chio_slice_str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), &secret_key) == CHIO_OK ? 0 : -1;
}

static int free_secret(void **state) {
  (void)state;
  chio_secret_free(secret_key);
  return 0;
}

static struct chio_sigv4_request suite_request(const struct chio_sigv4_header *headers, size_t count,
                                               const char *body) {
  struct chio_sigv4_request r = {.region = "us-east-1",
                                 .service = "service",
                                 .access_key = "AKIDEXAMPLE",
                                 .secret_key = secret_key,
                                 .headers = headers,
                                 .header_count = count,
                                 .body = chio_slice_str(body)};
  return r;
}

static void the_published_vectors_are_met(void **state) {
  (void)state;
  static const struct chio_sigv4_header vanilla[] = {{"x-amz-date", "20150830T123600Z"},
                                                     {"host", "example.amazonaws.com"}};
  static const struct chio_sigv4_header form[] = {{"content-type", "application/x-www-form-urlencoded"},
                                                  {"host", "example.amazonaws.com"},
                                                  {"x-amz-date", "20150830T123600Z"}};
  static const struct chio_sigv4_header my_header[] = {{"host", "example.amazonaws.com"},
                                                       {"my-header1", "  value1   "},
                                                       {"x-amz-date", "20150830T123600Z"}};
  static const struct chio_sigv4_header my_plain[] = {{"host", "example.amazonaws.com"},
                                                      {"my-header1", "value1"},
                                                      {"x-amz-date", "20150830T123600Z"}};
  static const struct {
    const struct chio_sigv4_header *headers;
    size_t count;
    const char *body;
    const char *signature;
  } rows[] = {
      {vanilla, 2, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {form, 3, "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
      {my_plain, 3, "", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {my_header, 3, "", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_sigv4_request request = suite_request(rows[i].headers, rows[i].count, rows[i].body);
    struct chio_buf out = CHIO_BUF_INIT;
    assert_int_equal(chio_sigv4_authorization(&request, &out), CHIO_OK);
    const char *at = strstr(chio_buf_cstr(&out), "Signature=");
    assert_non_null(at);
    assert_string_equal(at + strlen("Signature="), rows[i].signature);
    chio_buf_clear(&out);
  }
}

static void the_header_names_what_was_signed(void **state) {
  (void)state;
  static const struct chio_sigv4_header headers[] = {{"x-amz-date", "20150830T123600Z"},
                                                     {"host", "example.amazonaws.com"}};
  struct chio_sigv4_request request = suite_request(headers, 2, "");
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(chio_sigv4_authorization(&request, &out), CHIO_OK);
  static const char start[] =
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
      "SignedHeaders=host;x-amz-date, Signature=";
  assert_memory_equal(out.data, start, strlen(start));
  chio_buf_clear(&out);
}

static void a_request_without_a_proper_date_is_refused(void **state) {
  (void)state;
  static const char *const dates[] = {"", "20150830", "20150830T123600", "20150830X123600Z", "2015083OT123600Z",
                                      "20150830T123600ZZ"};
  struct chio_buf out = CHIO_BUF_INIT;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(dates); i++) {
    struct chio_sigv4_header headers[] = {{"host", "h"}, {"x-amz-date", dates[i]}};
    struct chio_sigv4_request request = suite_request(headers, 2, "");
    assert_int_equal(chio_sigv4_authorization(&request, &out), CHIO_E_ARGUMENT);
  }
  struct chio_sigv4_header none[] = {{"host", "h"}};
  struct chio_sigv4_request request = suite_request(none, 1, "");
  assert_int_equal(chio_sigv4_authorization(&request, &out), CHIO_E_ARGUMENT);
  assert_int_equal(out.len, 0);
}

static void a_header_twice_or_too_many_are_refused(void **state) {
  (void)state;
  struct chio_sigv4_header twice[] = {{"host", "h"}, {"x-amz-date", "20150830T123600Z"}, {"host", "h"}};
  struct chio_sigv4_header many[CHIO_SIGV4_HEADERS_MAX + 1];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(many); i++) many[i] = (struct chio_sigv4_header){"x", "y"};
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_sigv4_request request = suite_request(twice, 3, "");
  assert_int_equal(chio_sigv4_authorization(&request, &out), CHIO_E_ARGUMENT);
  request = suite_request(many, CHIO_ARRAY_LEN(many), "");
  assert_int_equal(chio_sigv4_authorization(&request, &out), CHIO_E_ARGUMENT);
}

static void a_moment_becomes_a_date(void **state) {
  (void)state;
  char date[CHIO_SIGV4_DATE_SIZE];
  assert_int_equal(chio_sigv4_date(1440938160, date), CHIO_OK);
  assert_string_equal(date, "20150830T123600Z");
  assert_int_equal(chio_sigv4_date((time_t)1 << 55, date), CHIO_E_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_published_vectors_are_met),
      cmocka_unit_test(the_header_names_what_was_signed),
      cmocka_unit_test(a_request_without_a_proper_date_is_refused),
      cmocka_unit_test(a_header_twice_or_too_many_are_refused),
      cmocka_unit_test(a_moment_becomes_a_date),
  };
  return cmocka_run_group_tests(tests, make_secret, free_secret);
}
