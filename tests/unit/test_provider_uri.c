#include "signer/client/pem_uri.h"
#include "signer/client/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static enum chio_err parse(const char *text, struct chio_uri **out_uri, struct chio_detail *detail) {
  detail->text[0] = '\0';
  return chio_uri_parse(chio_slice_str(text), out_uri, detail);
}

static void every_attribute_is_understood(void **state) {
  (void)state;
  struct chio_uri *uri = NULL;
  struct chio_detail detail;
  assert_int_equal(parse("chio:token=my%20token;serial=00ff;manufacturer=Chio;model=m1;slot-id=7;id=%00%01%ff;"
                         "object=caf%C3%A9;type=private?pin-source=file:/etc/pin&signer=unix:/run/a.sock",
                         &uri, &detail),
                   CHIO_OK);
  assert_string_equal(uri->token, "my token");
  assert_string_equal(uri->serial, "00ff");
  assert_string_equal(uri->manufacturer, "Chio");
  assert_string_equal(uri->model, "m1");
  assert_true(uri->has_slot);
  assert_int_equal(uri->slot, 7);
  assert_true(uri->has_id);
  assert_memory_equal(uri->id, "\x00\x01\xff", uri->id_len);
  assert_int_equal(uri->id_len, 3);
  assert_string_equal(uri->object, "caf\xC3\xA9");
  assert_int_equal(uri->type, CHIO_URI_PRIVATE);
  assert_string_equal(uri->pin_source, "file:/etc/pin");
  assert_string_equal(uri->signer, "unix:/run/a.sock");
  assert_null(uri->pin);
  chio_uri_free(uri);
}

static void a_uri_without_attributes_names_everything(void **state) {
  (void)state;
  struct chio_uri *uri = NULL;
  struct chio_detail detail;
  assert_int_equal(parse("chio:", &uri, &detail), CHIO_OK);
  assert_null(uri->token);
  assert_false(uri->has_id);
  assert_int_equal(uri->type, CHIO_URI_ANY);
  chio_uri_free(uri);
}

static void the_scheme_is_compared_without_case(void **state) {
  (void)state;
  struct chio_uri *uri = NULL;
  struct chio_detail detail;
  assert_int_equal(parse("CHIO:object=a", &uri, &detail), CHIO_OK);
  assert_string_equal(uri->object, "a");
  chio_uri_free(uri);
}

static void a_pin_is_decoded_into_a_secret(void **state) {
  (void)state;
  struct chio_uri *uri = NULL;
  struct chio_detail detail;
  assert_int_equal(parse("chio:?pin-value=12%2634", &uri, &detail), CHIO_OK);
  assert_true(chio_secret_equal(chio_secret_slice(uri->pin), chio_slice_str("12&34")));
  chio_uri_free(uri);
}

static void what_is_not_understood_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "chio",
      "chi:object=a",
      "pkcs11:object=a",
      "chio:objet=a",                        /* unknown */
      "chio:Object=a",                       /* attribute names have a case */
      "chio:object",                         /* no value */
      "chio:=a",
      "chio:object=a;",                      /* empty attribute */
      "chio:;object=a",
      "chio:object=a;;id=%01",
      "chio:object=a;object=a",              /* twice */
      "chio:object=a?",                      /* empty query */
      "chio:?pin-value=1234&",
      "chio:object=a?object=b",              /* a path attribute in the query */
      "chio:pin-value=1234",                 /* a query attribute in the path */
      "chio:?pin-value=1234&pin-value=1234",
      "chio:?pin-value=1234&pin-source=/x",
      "chio:?pin-value=",
      "chio:?module-path=/x.so",
      "chio:?signer=a&signer=b",
      "chio:object=a b",                     /* must be percent-encoded */
      "chio:object=a/b",
      "chio:object=caf\xC3\xA9",
      "chio:object=%",
      "chio:object=%4",
      "chio:object=%4g",
      "chio:object=%00",                     /* no text */
      "chio:object=%C3",                     /* no UTF-8 */
      "chio:object=%C0%80",
      "chio:id=",
      "chio:type=secret-key",
      "chio:type=data",
      "chio:type=",
      "chio:type=Private",
      "chio:slot-id=",
      "chio:slot-id=-1",
      "chio:slot-id=0x1",
      "chio:slot-id=4294967296",
      "chio:slot-id=99999999999",
      "chio:object=a#fragment",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct chio_uri *uri = NULL;
    struct chio_detail detail;
    enum chio_err err = parse(bad[i], &uri, &detail);
    if (err != CHIO_E_MALFORMED) fail_msg("'%s' gave %s", bad[i], chio_err_name(err));
    assert_null(uri);
    assert_true(detail.text[0] != '\0');
  }
}

static void a_refusal_never_repeats_a_value(void **state) {
  (void)state;
  static const char *const bad[] = {"chio:?pin-value=geheim&pin-value=geheim", "chio:?pin-value=geheim&x=geheim",
                                    "chio:?pin-value=geheim%zz", "chio:pin-value=geheim", "chio:?geheim",
                                    "chio:geheim=1", "chio:?pin-value=geheim&geheim=geheim"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct chio_uri *uri = NULL;
    struct chio_detail detail;
    assert_int_equal(parse(bad[i], &uri, &detail), CHIO_E_MALFORMED);
    assert_null(strstr(detail.text, "geheim"));
  }
}

static void lengths_meet_their_limits(void **state) {
  (void)state;
  char text[CHIO_URI_MAX + 16] = "chio:object=";
  struct chio_uri *uri = NULL;
  struct chio_detail detail;
  memset(text + 12, 'a', CHIO_URI_TEXT_MAX);
  assert_int_equal(parse(text, &uri, &detail), CHIO_OK);
  chio_uri_free(uri);
  uri = NULL;
  text[12 + CHIO_URI_TEXT_MAX] = 'a';
  assert_int_equal(parse(text, &uri, &detail), CHIO_E_TOO_LONG);
  memset(text + 12, 'a', CHIO_URI_MAX);
  assert_int_equal(parse(text, &uri, &detail), CHIO_E_TOO_LONG);
  memset(text, 0, sizeof text);
  memcpy(text, "chio:object=", 12);
  for (size_t i = 0; i < CHIO_URI_TEXT_MAX; i++) memcpy(text + 12 + 3 * i, "%61", 3);
  assert_int_equal(parse(text, &uri, &detail), CHIO_OK); /* the limit is one of decoded bytes */
  chio_uri_free(uri);
  uri = NULL;
  memcpy(text, "chio:id=", 8);
  memset(text + 8, 'a', sizeof text - 8);
  text[8 + CHIO_URI_ID_MAX + 1] = '\0';
  assert_int_equal(parse(text, &uri, &detail), CHIO_E_MALFORMED);
  text[8 + CHIO_URI_ID_MAX] = '\0';
  assert_int_equal(parse(text, &uri, &detail), CHIO_OK);
  chio_uri_free(uri);
}

static void the_canonical_spelling_leaves_pins_out(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;
  } rows[] = {
      {"chio:", "chio:"},
      {"CHIO:object=a;token=t", "chio:token=t;object=a"},
      {"chio:id=a%01;type=cert", "chio:id=%61%01;type=cert"},
      {"chio:slot-id=003;object=%2f%20", "chio:slot-id=3;object=%2F%20"},
      {"chio:object=a?pin-value=1234", "chio:object=a"},
      {"chio:object=a?pin-source=/x&signer=unix:/r", "chio:object=a?signer=unix:/r"},
      {"chio:?signer=unix:/r", "chio:?signer=unix:/r"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_uri *uri = NULL;
    struct chio_detail detail;
    struct chio_buf out = CHIO_BUF_INIT;
    assert_int_equal(parse(rows[i].in, &uri, &detail), CHIO_OK);
    assert_int_equal(chio_uri_format(uri, &out), CHIO_OK);
    assert_string_equal(chio_buf_cstr(&out), rows[i].out);
    chio_buf_clear(&out);
    chio_uri_free(uri);
  }
}

static struct chio_buf pem_body(const char *uri) {
  struct chio_buf der = CHIO_BUF_INIT;
  assert_int_equal(chio_pem_uri_encode(chio_slice_str(uri), &der), CHIO_OK);
  return der;
}

static void a_reference_survives_its_file(void **state) {
  (void)state;
  char label[600] = "chio:object=";
  struct chio_detail detail;
  for (size_t len = 0; len < 500; len++) { /* passes every length of a DER length */
    label[12 + len] = 'x';
    struct chio_uri *uri = NULL;
    struct chio_buf der = pem_body(label);
    assert_true(chio_pem_uri_is(chio_buf_slice(&der)));
    assert_int_equal(chio_pem_uri_decode(chio_buf_slice(&der), &uri, &detail), CHIO_OK);
    assert_string_equal(uri->object, label + 12);
    chio_uri_free(uri);
    chio_buf_clear(&der);
  }
}

static void every_shorter_reference_is_refused(void **state) {
  (void)state;
  struct chio_buf der = pem_body("chio:object=a");
  struct chio_detail detail;
  for (size_t len = 0; len < der.len; len++) {
    struct chio_uri *uri = NULL;
    assert_int_not_equal(chio_pem_uri_decode(chio_slice(der.data, len), &uri, &detail), CHIO_OK);
    assert_null(uri);
  }
  chio_buf_clear(&der);
}

static void a_reference_with_trailing_bytes_is_refused(void **state) {
  (void)state;
  struct chio_buf der = pem_body("chio:object=a");
  struct chio_uri *uri = NULL;
  struct chio_detail detail;
  chio_buf_append_u8(&der, 0);
  assert_int_equal(chio_pem_uri_decode(chio_buf_slice(&der), &uri, &detail), CHIO_E_TRAILING);
  der.data[1]++; /* now the byte is inside */
  assert_int_equal(chio_pem_uri_decode(chio_buf_slice(&der), &uri, &detail), CHIO_E_TRAILING);
  chio_buf_clear(&der);
}

static void another_version_is_ours_but_refused(void **state) {
  (void)state;
  struct chio_buf der = pem_body("chio:object=a");
  struct chio_uri *uri = NULL;
  struct chio_detail detail;
  uint8_t *digit = der.data + 4 + strlen(CHIO_PEM_URI_VERSION) - 1;
  assert_int_equal(*digit, '1');
  *digit = '2';
  assert_true(chio_pem_uri_is(chio_buf_slice(&der)));
  assert_int_equal(chio_pem_uri_decode(chio_buf_slice(&der), &uri, &detail), CHIO_E_VERSION);
  chio_buf_clear(&der);
}

static void other_der_is_not_ours(void **state) {
  (void)state;
  static const char pkcs8[] = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
  assert_false(chio_pem_uri_is(chio_slice(pkcs8, sizeof pkcs8 - 1)));
  assert_false(chio_pem_uri_is(chio_slice(NULL, 0)));
  assert_false(chio_pem_uri_is(chio_slice("\x30", 1)));
  assert_false(chio_pem_uri_is(chio_slice("\x30\x80", 2)));
  assert_false(chio_pem_uri_is(chio_slice("\x30\x04\x1a\x02hi", 6)));
}

static void a_reference_may_not_ask_for_pins_or_folders(void **state) {
  (void)state;
  static const char *const bad[] = {"chio:object=a?pin-value=1234", "chio:object=a?pin-source=/etc/passwd",
                                    "chio:object=a?signer=embedded:/tmp/x",
                                    "chio:object=a?signer=unix:/a,embedded:/tmp/x"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    struct chio_buf der = pem_body(bad[i]);
    struct chio_uri *uri = NULL;
    struct chio_detail detail;
    assert_int_equal(chio_pem_uri_decode(chio_buf_slice(&der), &uri, &detail), CHIO_E_MALFORMED);
    assert_null(uri);
    chio_buf_clear(&der);
  }
}

static void lengths_not_in_their_shortest_form_are_refused(void **state) {
  (void)state;
  struct chio_buf good = pem_body("chio:object=a"), bad = CHIO_BUF_INIT;
  struct chio_uri *uri = NULL;
  struct chio_detail detail;
  chio_buf_append(&bad, "\x30\x81", 2);
  chio_buf_append(&bad, good.data + 1, good.len - 1);
  assert_int_equal(chio_pem_uri_decode(chio_buf_slice(&bad), &uri, &detail), CHIO_E_MALFORMED);
  chio_buf_reset(&bad);
  chio_buf_append(&bad, "\x30\x83\x00\x00", 4);
  chio_buf_append(&bad, good.data + 1, good.len - 1);
  assert_int_equal(chio_pem_uri_decode(chio_buf_slice(&bad), &uri, &detail), CHIO_E_TOO_LONG);
  chio_buf_clear(&good);
  chio_buf_clear(&bad);
}

static void a_uri_too_long_for_a_file_is_refused(void **state) {
  (void)state;
  static uint8_t text[CHIO_URI_MAX + 1];
  struct chio_buf der = CHIO_BUF_INIT;
  assert_int_equal(chio_pem_uri_encode(chio_slice(text, sizeof text), &der), CHIO_E_TOO_LONG);
  assert_int_equal(der.len, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_attribute_is_understood),
      cmocka_unit_test(a_uri_without_attributes_names_everything),
      cmocka_unit_test(the_scheme_is_compared_without_case),
      cmocka_unit_test(a_pin_is_decoded_into_a_secret),
      cmocka_unit_test(what_is_not_understood_is_refused),
      cmocka_unit_test(a_refusal_never_repeats_a_value),
      cmocka_unit_test(lengths_meet_their_limits),
      cmocka_unit_test(the_canonical_spelling_leaves_pins_out),
      cmocka_unit_test(a_reference_survives_its_file),
      cmocka_unit_test(every_shorter_reference_is_refused),
      cmocka_unit_test(a_reference_with_trailing_bytes_is_refused),
      cmocka_unit_test(another_version_is_ours_but_refused),
      cmocka_unit_test(other_der_is_not_ours),
      cmocka_unit_test(a_reference_may_not_ask_for_pins_or_folders),
      cmocka_unit_test(lengths_not_in_their_shortest_form_are_refused),
      cmocka_unit_test(a_uri_too_long_for_a_file_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
