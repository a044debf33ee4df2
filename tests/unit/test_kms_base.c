/* Bodies, leases and signature forms of the KMS adapters. */
#include "kms-adapters/body.h"
#include "kms-adapters/http.h"
#include "kms-adapters/lease.h"
#include "kms-adapters/signature_form.h"
#include "kms-adapters/trace.h"
#include "signer/base/text.h"
#include "tests/support/http_script.h"
#include "tests/support/own_clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static json_t *parsed(const char *text) {
  json_t *object = NULL;
  assert_int_equal(chio_body_parse(chio_slice_str(text), "the reply", &object, NULL), CHIO_OK);
  return object;
}

static void what_is_no_single_object_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",           "[]",        "\"text\"",         "{",          "{}x",
                                    "{\"a\":1,}", "{'a':1}",   "{\"a\":1,\"a\":2}", "{\"a\":nul", "<html></html>",
                                    "{\"a\":\"\\u0000\"}"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct chio_detail detail = {.text = ""};
    json_t *object = NULL;
    assert_int_equal(chio_body_parse(chio_slice_str(bad[i]), "the reply", &object, &detail), CHIO_E_BACKEND);
    assert_non_null(strstr(detail.text, "the reply"));
    assert_null(object);
  }
}

static void what_json_frees_goes_through_our_hands(void **state) {
  (void)state;
  json_malloc_t allocate;
  json_free_t release;
  chio_body_wipe_freed();
  json_get_alloc_funcs(&allocate, &release);
  assert_true(release != free);
  release(NULL);
  release(allocate(7));
  json_decref(parsed("{\"a\":[1,\"b\"]}"));
}

static void deep_nesting_is_refused_before_it_is_parsed(void **state) {
  (void)state;
  static char text[400000];
  json_t *object = NULL;
  memcpy(text, "{\"a\":", 5);
  memset(text + 5, '[', sizeof text - 6);
  text[sizeof text - 1] = '\0';
  assert_int_equal(chio_body_parse(chio_slice_str(text), "the reply", &object, NULL), CHIO_E_BACKEND);
  json_decref(parsed("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[\"}"));
}

static void members_are_typed_and_bounded(void **state) {
  (void)state;
  json_t *object = parsed("{\"text\":\"abc\",\"empty\":\"\",\"n\":7,\"s\":\"18446744073709551615\",\"neg\":-1,"
                          "\"over\":\"18446744073709551616\",\"b\":\"AAEC\",\"bad\":\"A\",\"null\":null}");
  const char *text = NULL;
  uint64_t number = 0;
  struct chio_buf out = CHIO_BUF_INIT;
  assert_int_equal(chio_body_text(object, "text", 3, &text, NULL), CHIO_OK);
  assert_string_equal(text, "abc");
  assert_int_equal(chio_body_text(object, "text", 2, &text, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_text(object, "empty", 3, &text, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_text(object, "n", 3, &text, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_text(object, "none", 3, &text, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_text_if(object, "null", &text, NULL), CHIO_OK);
  assert_null(text);
  assert_int_equal(chio_body_text_if(object, "n", &text, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_u64(object, "n", &number, NULL), CHIO_OK);
  assert_int_equal(chio_body_u64(object, "s", &number, NULL), CHIO_OK);
  assert_true(number == UINT64_MAX);
  assert_int_equal(chio_body_u64(object, "over", &number, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_u64(object, "neg", &number, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_u64(object, "empty", &number, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_bytes(object, "b", false, 3, &out, NULL), CHIO_OK);
  assert_int_equal(out.len, 3);
  assert_int_equal(chio_body_bytes(object, "b", false, 2, &out, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_body_bytes(object, "bad", false, 3, &out, NULL), CHIO_E_BACKEND);
  assert_int_equal(out.len, 3);
  chio_buf_clear(&out);
  json_decref(object);
}

static void a_secret_member_is_wiped_from_the_object(void **state) {
  (void)state;
  json_t *object = parsed("{\"Plaintext\":\"c2VjcmV0\"}");
  CHIO_AUTO(chio_secret) struct chio_secret *secret = NULL;
  assert_int_equal(chio_body_secret(object, "Plaintext", false, 64, &secret, NULL), CHIO_OK);
  assert_int_equal(secret->len, 6);
  assert_memory_equal(secret->data, "secret", 6);
  assert_string_equal(json_string_value(json_object_get(object, "Plaintext")), "");
  json_decref(object);
}

static void bodies_are_written_compact_and_sorted(void **state) {
  (void)state;
  struct chio_buf out = CHIO_BUF_INIT;
  json_t *object = json_object();
  assert_int_equal(json_object_set_new(object, "b", json_integer(1)), 0);
  assert_int_equal(chio_body_set_bytes(object, "a", true, chio_slice("\xff\xfe", 2)), CHIO_OK);
  assert_int_equal(chio_body_write(object, &out), CHIO_OK);
  assert_string_equal(chio_buf_cstr(&out), "{\"a\":\"__4\",\"b\":1}");
  chio_buf_clear(&out);
  json_decref(object);
}

static void a_secret_file_is_read_whole_or_refused_by_name(void **state) {
  (void)state;
  char path[] = "/tmp/chio-secret-XXXXXX";
  int fd = mkstemp(path);
  struct chio_detail detail = {.text = ""};
  struct chio_secret *secret = NULL;
  assert_true(fd >= 0 && write(fd, "hvs.token\n", 10) == 10);
  assert_int_equal(chio_secret_file(path, 64, &secret, &detail), CHIO_OK);
  assert_int_equal(secret->len, 9);
  chio_secret_free(secret);
  assert_int_equal(chio_secret_file(path, 9, &secret, &detail), CHIO_E_TOO_LONG);
  assert_non_null(strstr(detail.text, path));
  assert_null(strstr(detail.text, "hvs"));
  close(fd);
  unlink(path);
  assert_int_equal(chio_secret_file(path, 64, &secret, &detail), CHIO_E_NOT_FOUND);
  assert_int_equal(chio_secret_file("/tmp", 64, &secret, &detail), CHIO_E_IO);
}

/* A source of credentials for the lease. */
struct source {
  pthread_mutex_t lock;
  unsigned fetches;
  enum chio_err err;
  uint64_t life_ms;
  unsigned delay_ms;
};

static enum chio_err fetch(void *arg, const struct chio_deadline *deadline, struct chio_secret **out_secret,
                           uint64_t *out_life_ms, struct chio_detail *detail) {
  struct source *source = arg;
  (void)deadline;
  pthread_mutex_lock(&source->lock);
  unsigned number = ++source->fetches;
  enum chio_err err = source->err;
  pthread_mutex_unlock(&source->lock);
  usleep(source->delay_ms * 1000);
  *out_life_ms = source->life_ms;
  if (err != CHIO_OK) return chio_fail(detail, err, "the source is closed");
  return chio_secret_copy(chio_slice(&number, sizeof number), out_secret);
}

static int stop_clock(void **state) {
  (void)state;
  own_clock_stop();
  return 0;
}

static int let_clock_go(void **state) {
  (void)state;
  own_clock_go();
  return 0;
}

#define TIMELESS(test) cmocka_unit_test_setup_teardown(test, stop_clock, let_clock_go)

static const struct chio_secret *get(struct chio_lease *lease, enum chio_err want) {
  struct chio_deadline deadline = chio_deadline_in(60000);
  const struct chio_secret *secret = NULL;
  assert_int_equal(chio_lease_get(lease, &deadline, &secret, NULL), want);
  return secret;
}

#define SOURCE(...) {.lock = PTHREAD_MUTEX_INITIALIZER, __VA_ARGS__}

static void a_credential_is_fetched_once_while_it_lives(void **state) {
  (void)state;
  struct source source = SOURCE(.life_ms = 3600000);
  struct chio_lease *lease = NULL;
  assert_int_equal(chio_lease_new(fetch, &source, &lease), CHIO_OK);
  for (int i = 0; i < 10; i++) chio_lease_put(lease, get(lease, CHIO_OK));
  assert_int_equal(source.fetches, 1);
  chio_lease_free(lease);
}

static void *get_and_refuse(void *arg) {
  struct chio_lease *lease = arg;
  struct chio_deadline deadline = chio_deadline_in(60000);
  const struct chio_secret *secret = NULL;
  if (chio_lease_get(lease, &deadline, &secret, NULL) != CHIO_OK) return (void *)1;
  unsigned number;
  memcpy(&number, secret->data, sizeof number);
  if (number == 1) chio_lease_refuse(lease, secret);
  chio_lease_put(lease, secret);
  if (number != 1) return NULL;
  if (chio_lease_get(lease, &deadline, &secret, NULL) != CHIO_OK) return (void *)1;
  chio_lease_put(lease, secret);
  return NULL;
}

static void fifty_threads_that_are_refused_cause_one_fetch(void **state) {
  (void)state;
  struct source source = SOURCE(.life_ms = 3600000, .delay_ms = 20);
  struct chio_lease *lease = NULL;
  pthread_t threads[50];
  assert_int_equal(chio_lease_new(fetch, &source, &lease), CHIO_OK);
  const struct chio_secret *first = get(lease, CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, get_and_refuse, lease), 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++) {
    void *failed = NULL;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  assert_int_equal(source.fetches, 2);
  unsigned number = 0;
  memcpy(&number, first->data, sizeof number); /* still whole, though refused: we hold it */
  assert_int_equal(number, 1);
  chio_lease_put(lease, first);
  chio_lease_free(lease);
}

static void the_old_credential_stays_in_use_while_the_source_fails(void **state) {
  (void)state;
  struct source source = SOURCE(.life_ms = 400);
  struct chio_lease *lease = NULL;
  assert_int_equal(chio_lease_new(fetch, &source, &lease), CHIO_OK);
  chio_lease_put(lease, get(lease, CHIO_OK));
  source.err = CHIO_E_BACKEND_UNREACHABLE;
  own_clock_ahead(320); /* past two thirds of its life */
  chio_lease_put(lease, get(lease, CHIO_OK));
  assert_int_equal(source.fetches, 2);
  own_clock_ahead(120); /* past its end, within the hold-off */
  get(lease, CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(source.fetches, 2);
  own_clock_ahead(CHIO_LEASE_HOLD_OFF_MS);
  get(lease, CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(source.fetches, 3);
  chio_lease_free(lease);
}

static void a_failed_source_is_not_asked_by_each_caller(void **state) {
  (void)state;
  struct source source = SOURCE(.err = CHIO_E_PERMISSION);
  struct chio_lease *lease = NULL;
  struct chio_deadline deadline = chio_deadline_in(60000);
  struct chio_detail detail = {.text = ""};
  const struct chio_secret *secret = NULL;
  assert_int_equal(chio_lease_new(fetch, &source, &lease), CHIO_OK);
  for (int i = 0; i < 10; i++)
    assert_int_equal(chio_lease_get(lease, &deadline, &secret, &detail), CHIO_E_PERMISSION);
  assert_string_equal(detail.text, "the source is closed");
  assert_int_equal(source.fetches, 1);
  chio_lease_free(lease);
}

static enum chio_err from_der(const char *hex, uint32_t bits, uint8_t out[140], size_t *out_len) {
  uint8_t der[160];
  struct chio_buf fixed = CHIO_BUF_INIT;
  size_t len = strlen(hex) / 2;
  assert_int_equal(chio_hex_decode(chio_slice_str(hex), der, len), CHIO_OK);
  enum chio_err err = chio_ecdsa_from_der(chio_slice(der, len), bits, &fixed, NULL);
  if (fixed.len > 0) memcpy(out, fixed.data, fixed.len);
  *out_len = fixed.len;
  chio_buf_clear(&fixed);
  return err;
}

static void short_numbers_are_padded_to_the_full_width(void **state) {
  (void)state;
  uint8_t out[140];
  size_t len;
  assert_int_equal(from_der("3006020101020102", 256, out, &len), CHIO_OK);
  assert_int_equal(len, 64);
  assert_int_equal(out[31], 1);
  assert_int_equal(out[63], 2);
  assert_int_equal(out[0], 0);
  assert_int_equal(from_der("3006020101020102", 521, out, &len), CHIO_OK);
  assert_int_equal(len, 132);
  assert_int_equal(from_der("3008020200ff020200fe", 384, out, &len), CHIO_OK);
  assert_int_equal(out[47], 0xff);
}

static void malformed_signatures_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "", "30", "3000", "3003020101", "300602010102010200", "300702010102020002", /* not shortest */
      "3006020100020101",                                                        /* r is zero */
      "3006020181020101",                                                        /* negative */
      "3106020101020101", "3006030101020101", "308106020101020101",              /* long form of a short length */
      "3007020101020101", "30060201010201", "3009020101020101020101",
      "3026022101000000000000000000000000000000000000000000000000000000000000000000020101", /* 33 bytes */
  };
  uint8_t out[140];
  size_t len;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    assert_int_equal(from_der(bad[i], 256, out, &len), CHIO_E_BACKEND);
    assert_int_equal(len, 0);
  }
}

static void fixed_signatures_have_exactly_the_width(void **state) {
  (void)state;
  uint8_t bytes[65];
  struct chio_buf out = CHIO_BUF_INIT;
  memset(bytes, 7, sizeof bytes);
  assert_int_equal(chio_ecdsa_from_fixed(chio_slice(bytes, 63), 256, &out, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_ecdsa_from_fixed(chio_slice(bytes, 65), 256, &out, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_ecdsa_from_fixed(chio_slice(bytes, 64), 256, &out, NULL), CHIO_OK);
  memset(bytes + 32, 0, 32);
  assert_int_equal(chio_ecdsa_from_fixed(chio_slice(bytes, 64), 256, &out, NULL), CHIO_E_BACKEND);
  assert_int_equal(out.len, 64);
  chio_buf_clear(&out);
}

#define P256_PEM                                                       \
  "-----BEGIN PUBLIC KEY-----\n"                                       \
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UulR5GwRkuSFrOg8nMNvM41RD\n" \
  "kYzx3ekBZ+2w8GSfnhBiDVpO0Q1YhQmWpnDZ4wl+YxfNx7c5SGFXmG7qPw==\n"     \
  "-----END PUBLIC KEY-----\n"

static void a_point_off_its_curve_is_no_public_key(void **state) {
  (void)state;
  static struct chio_kms_key key;
  assert_int_equal(chio_kms_key_from_pem(chio_slice_str(P256_PEM), &key, NULL), CHIO_E_BACKEND);
}

static void an_ed25519_key_is_read_from_pem(void **state) {
  (void)state;
  static struct chio_kms_key key; /* RFC 8410 section 10.1 */
  static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                            "-----END PUBLIC KEY-----\n";
  assert_int_equal(chio_kms_key_from_pem(chio_slice_str(pem), &key, NULL), CHIO_OK);
  assert_int_equal(key.key_type, CKK_EC_EDWARDS);
  assert_int_equal(key.bits, 255);
  assert_int_equal(key.spki_len, 44);
  key.spki[44] = 0;
  assert_int_equal(chio_kms_key_from_spki(chio_slice(key.spki, 45), &key, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_kms_key_from_spki(chio_slice(key.spki, 43), &key, NULL), CHIO_E_BACKEND);
  assert_int_equal(chio_kms_key_from_pem(chio_slice_str("MCowBQYDK2VwAyEA"), &key, NULL), CHIO_E_BACKEND);
}

static void only_digest_infos_in_their_one_form_are_read(void **state) {
  (void)state;
  uint8_t info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  uint32_t digest = 0;
  struct chio_slice hash;
  assert_int_equal(chio_digest_info_read(chio_slice(info, 51), &digest, &hash, NULL), CHIO_OK);
  assert_int_equal(digest, CHIO_MECH_SHA256);
  assert_int_equal(hash.len, 32);
  assert_int_equal(chio_digest_info_read(chio_slice(info, 50), &digest, &hash, NULL), CHIO_E_DATA_INVALID);
  info[14] = 2;
  assert_int_equal(chio_digest_info_read(chio_slice(info, 51), &digest, &hash, NULL), CHIO_E_DATA_INVALID);
}

static void a_scripted_server_answers_in_order_and_keeps_what_it_was_asked(void **state) {
  (void)state;
  static const struct http_script_reply replies[] = {{.status = 200, .body = "{\"a\":1}"},
                                                     {.status = 503, .headers = "Retry-After: 1\r\n"}};
  struct http_script *script = http_script_start(replies, 2);
  struct chio_http *http = NULL;
  const char *const headers[] = {"X-Amz-Target: T"};
  struct chio_http_request request = {.method = "POST",
                                      .url = http_script_url(script),
                                      .headers = headers,
                                      .header_count = 1,
                                      .body = chio_slice_str("{}"),
                                      .timeout_ms = 60000,
                                      .allow_http = true};
  struct chio_http_reply reply;
  assert_int_equal(chio_http_new(&http), CHIO_OK);
  assert_int_equal(chio_http_call(http, &request, &reply, NULL), CHIO_OK);
  assert_int_equal(reply.status, 200);
  assert_true(chio_slice_equal(chio_buf_slice(&reply.body), chio_slice_str("{\"a\":1}")));
  chio_http_reply_clear(&reply);
  assert_int_equal(chio_http_call(http, &request, &reply, NULL), CHIO_OK);
  assert_int_equal(reply.status, 503);
  assert_true(chio_slice_equal(chio_http_reply_header(&reply, "retry-after"), chio_slice_str("1")));
  chio_http_reply_clear(&reply);
  assert_int_equal(http_script_count(script), 2);
  assert_string_equal(http_script_asked(script, 0)->body, "{}");
  assert_memory_equal(http_script_header(http_script_asked(script, 0), "X-Amz-Target"), "T\n", 2);
  chio_http_free(http);
  http_script_stop(script);
}

static void a_call_names_the_trace_that_its_operation_belongs_to(void **state) {
  (void)state;
  static const struct chio_traceparent none = {.trace_id = ""};
  static const struct chio_traceparent parent = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "01"};
  static const struct {
    const struct chio_traceparent *parent;
    const char *expected;
  } rows[] = {{&parent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"},
              {&none, NULL},
              {NULL, NULL}};
  static const struct http_script_reply replies[] = {{.status = 204}};
  struct http_script *script = http_script_start(replies, 1);
  struct chio_http *http = NULL;
  struct chio_http_request request = {
      .method = "GET", .url = http_script_url(script), .timeout_ms = 60000, .allow_http = true};
  assert_int_equal(chio_http_new(&http), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_http_reply reply;
    chio_trace_begin(rows[i].parent);
    assert_int_equal(chio_http_call(http, &request, &reply, NULL), CHIO_OK);
    chio_http_reply_clear(&reply);
    const char *value = http_script_header(http_script_asked(script, i), "traceparent");
    if (rows[i].expected == NULL) {
      assert_null(value);
    } else {
      assert_non_null(value);
      assert_memory_equal(value, rows[i].expected, strlen(rows[i].expected));
    }
  }
  chio_trace_begin(NULL);
  chio_http_free(http);
  http_script_stop(script);
}

static void a_body_that_is_cut_short_is_an_error_of_the_transport(void **state) {
  (void)state;
  static const struct http_script_reply replies[] = {{.status = 200, .body = "{\"a\":1}", .cut = 3}, {.status = 0}};
  struct http_script *script = http_script_start(replies, 2);
  struct chio_http *http = NULL;
  struct chio_http_request request = {
      .method = "GET", .url = http_script_url(script), .timeout_ms = 60000, .allow_http = true};
  struct chio_http_reply reply;
  assert_int_equal(chio_http_new(&http), CHIO_OK);
  assert_int_equal(chio_http_call(http, &request, &reply, NULL), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(chio_http_call(http, &request, &reply, NULL), CHIO_E_BACKEND_UNREACHABLE);
  request.allow_http = false;
  assert_int_equal(chio_http_call(http, &request, &reply, NULL), CHIO_E_ARGUMENT);
  chio_http_free(http);
  http_script_stop(script);
}

static void what_a_server_asks_us_to_wait_is_read_in_all_its_spellings(void **state) {
  (void)state;
  static const struct {
    const char *headers;
    unsigned ms;
  } rows[] = {
      {"", 0},
      {"retry-after: 2\n", 2000},
      {"retry-after: 0\n", 0},
      {"retry-after: -5\n", 0},
      {"retry-after: soon\n", 0},
      {"retry-after: 1000000000\n", 3600000},
      {"retry-after: 99999999999999999999999999\n", 3600000},
      {"retry-after-ms: 250\nretry-after: 9\n", 250},
      {"x-ms-retry-after-ms: 30\n", 30},
      {"date: Sat, 21 Nov 2026 16:00:00 GMT\nretry-after: Sat, 21 Nov 2026 16:00:05 GMT\n", 5000},
      {"date: Sat, 21 Nov 2026 16:00:05 GMT\nretry-after: Sat, 21 Nov 2026 16:00:00 GMT\n", 0},
      {"retry-after: Sat, 21 Nov 2026 16:00:05 GMT\n", 0},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_http_reply reply = {.status = 503};
    chio_buf_append_str(&reply.headers, rows[i].headers);
    assert_int_equal(chio_http_reply_retry_after_ms(&reply), rows[i].ms);
    chio_http_reply_clear(&reply);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_single_object_is_refused),
      cmocka_unit_test(what_json_frees_goes_through_our_hands),
      cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
      cmocka_unit_test(members_are_typed_and_bounded),
      cmocka_unit_test(a_secret_member_is_wiped_from_the_object),
      cmocka_unit_test(bodies_are_written_compact_and_sorted),
      cmocka_unit_test(a_secret_file_is_read_whole_or_refused_by_name),
      cmocka_unit_test(a_credential_is_fetched_once_while_it_lives),
      cmocka_unit_test(fifty_threads_that_are_refused_cause_one_fetch),
      TIMELESS(the_old_credential_stays_in_use_while_the_source_fails),
      TIMELESS(a_failed_source_is_not_asked_by_each_caller),
      cmocka_unit_test(short_numbers_are_padded_to_the_full_width),
      cmocka_unit_test(malformed_signatures_are_refused),
      cmocka_unit_test(fixed_signatures_have_exactly_the_width),
      cmocka_unit_test(a_point_off_its_curve_is_no_public_key),
      cmocka_unit_test(an_ed25519_key_is_read_from_pem),
      cmocka_unit_test(only_digest_infos_in_their_one_form_are_read),
      cmocka_unit_test(what_a_server_asks_us_to_wait_is_read_in_all_its_spellings),
      cmocka_unit_test(a_scripted_server_answers_in_order_and_keeps_what_it_was_asked),
      cmocka_unit_test(a_call_names_the_trace_that_its_operation_belongs_to),
      cmocka_unit_test(a_body_that_is_cut_short_is_an_error_of_the_transport),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
