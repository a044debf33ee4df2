#include "signer/wire/attribute.h"
#include "signer/wire/mechanism.h"
#include "signer/wire/message.h"
#include "signer/wire/traceparent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct chio_sign_request sample_sign(struct chio_buf *attrs) {
  (void)attrs;
  struct chio_sign_request r = {.slot = 3,
                                .ticket = chio_slice_str("ticket"),
                                .context = chio_slice(NULL, 0),
                                .key = {{1, 2, 3}},
                                .mechanism = CHIO_MECH_EDDSA,
                                .params = chio_slice_str("pp"),
                                .data = chio_slice_str("the data")};
  return r;
}

static struct chio_slice encode_sign(struct chio_buf *out) {
  struct chio_sign_request request = sample_sign(NULL);
  assert_int_equal(chio_message_request(chio_message_find(CHIO_MSG_SIGN), 7, &request, out), CHIO_OK);
  return chio_slice(out->data + CHIO_FRAME_HEADER_SIZE, out->len - CHIO_FRAME_HEADER_SIZE);
}

static void a_request_survives_the_wire(void **state) {
  (void)state;
  struct chio_buf frame = CHIO_BUF_INIT;
  struct chio_slice body = encode_sign(&frame);
  struct chio_frame_header header;
  assert_int_equal(chio_frame_decode(chio_slice(frame.data, CHIO_FRAME_HEADER_SIZE), &header), CHIO_OK);
  assert_int_equal(header.type, CHIO_MSG_SIGN);
  assert_int_equal(header.request_id, 7);
  assert_int_equal(header.length, body.len);
  struct chio_sign_request back;
  assert_int_equal(chio_fields_decode(chio_sign_request_fields, body, sizeof back, &back), CHIO_OK);
  assert_int_equal(back.slot, 3);
  assert_true(chio_slice_equal(back.ticket, chio_slice_str("ticket")));
  assert_true(chio_slice_equal(back.data, chio_slice_str("the data")));
  assert_int_equal(back.key.b[2], 3);
  chio_buf_clear(&frame);
}

static void every_shorter_prefix_is_truncated(void **state) {
  (void)state;
  struct chio_buf frame = CHIO_BUF_INIT;
  struct chio_slice body = encode_sign(&frame);
  struct chio_sign_request back;
  for (size_t len = 0; len < body.len; len++)
    assert_int_equal(chio_fields_decode(chio_sign_request_fields, chio_slice(body.data, len), sizeof back, &back),
                     CHIO_E_TRUNCATED);
  chio_buf_clear(&frame);
}

static void a_trailing_byte_is_refused(void **state) {
  (void)state;
  struct chio_buf frame = CHIO_BUF_INIT;
  encode_sign(&frame);
  chio_buf_append_u8(&frame, 0);
  struct chio_sign_request back;
  struct chio_slice body = chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, frame.len - CHIO_FRAME_HEADER_SIZE);
  assert_int_equal(chio_fields_decode(chio_sign_request_fields, body, sizeof back, &back), CHIO_E_TRAILING);
  chio_buf_clear(&frame);
}

static void a_field_above_its_limit_is_refused(void **state) {
  (void)state;
  uint8_t ticket[CHIO_TICKET_MAX + 1] = {0};
  struct chio_sign_request request = sample_sign(NULL);
  request.ticket = chio_slice(ticket, sizeof ticket);
  struct chio_buf frame = CHIO_BUF_INIT;
  assert_int_equal(chio_message_request(chio_message_find(CHIO_MSG_SIGN), 1, &request, &frame), CHIO_E_TOO_LONG);
  assert_int_equal(frame.len, 0);
  chio_buf_clear(&frame);
}

static void headers_with_unknown_flags_are_refused(void **state) {
  (void)state;
  uint8_t raw[CHIO_FRAME_HEADER_SIZE] = {0};
  struct chio_frame_header header;
  assert_int_equal(chio_frame_decode(chio_slice(raw, sizeof raw), &header), CHIO_OK);
  raw[6] = 2;
  assert_int_equal(chio_frame_decode(chio_slice(raw, sizeof raw), &header), CHIO_E_PROTOCOL);
  raw[6] = 0;
  raw[3] = 0xff;
  assert_int_equal(chio_frame_decode(chio_slice(raw, sizeof raw), &header), CHIO_E_TOO_LONG);
}

static void every_message_has_its_own_number(void **state) {
  (void)state;
  size_t count;
  const struct chio_message *table = chio_message_table(&count);
  for (size_t i = 0; i < count; i++) {
    assert_ptr_equal(chio_message_find(table[i].type), &table[i]);
    for (size_t k = 0; k < i; k++) assert_int_not_equal(table[i].type, table[k].type);
  }
  assert_null(chio_message_find(0));
  assert_null(chio_message_find(65535));
}

static void mechanisms_name_digests_that_exist(void **state) {
  (void)state;
  size_t count;
  const struct chio_mechanism *table = chio_mechanism_table(&count);
  for (size_t i = 0; i < count; i++) {
    assert_ptr_equal(chio_mechanism_by_wire(table[i].wire), &table[i]);
    assert_ptr_equal(chio_mechanism_by_ckm(table[i].ckm), &table[i]);
    if (table[i].digest == 0) continue;
    const struct chio_mechanism *digest = chio_mechanism_by_wire(table[i].digest);
    assert_non_null(digest);
    assert_int_equal(digest->digest_len, table[i].digest_len);
    assert_string_equal(digest->ossl_md, table[i].ossl_md);
  }
}

static void attribute_lists_find_what_was_added(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  chio_attrs_begin(&b);
  chio_attrs_add_bool(&b, (uint32_t)CKA_TOKEN, true);
  chio_attrs_add_ulong(&b, (uint32_t)CKA_CLASS, CKO_PRIVATE_KEY);
  chio_attrs_add(&b, (uint32_t)CKA_LABEL, chio_slice_str("ci"));
  struct chio_attrs attrs;
  assert_int_equal(chio_attrs_parse(chio_buf_slice(&b), &attrs), CHIO_OK);
  assert_int_equal(chio_attrs_count(attrs), 3);
  assert_true(chio_attrs_bool(attrs, (uint32_t)CKA_TOKEN, false));
  assert_int_equal(chio_attrs_ulong(attrs, (uint32_t)CKA_CLASS, 0), CKO_PRIVATE_KEY);
  struct chio_slice label;
  assert_true(chio_attrs_find(attrs, (uint32_t)CKA_LABEL, &label));
  assert_true(chio_slice_equal(label, chio_slice_str("ci")));
  for (size_t len = 1; len < b.len; len++)
    assert_int_not_equal(chio_attrs_parse(chio_slice(b.data, len), &attrs), CHIO_OK);
  chio_buf_clear(&b);
}

static void an_attribute_count_beyond_the_limit_is_refused(void **state) {
  (void)state;
  uint8_t raw[4] = {0xff, 0xff, 0xff, 0xff};
  struct chio_attrs attrs;
  assert_int_equal(chio_attrs_parse(chio_slice(raw, sizeof raw), &attrs), CHIO_E_TOO_LONG);
}

static void values_of_the_wrong_form_are_refused(void **state) {
  (void)state;
  static const struct {
    uint32_t type;
    const char *bytes;
    size_t len;
    bool ok;
  } rows[] = {
      {(uint32_t)CKA_TOKEN, "\1", 1, true},        {(uint32_t)CKA_TOKEN, "\2", 1, false},
      {(uint32_t)CKA_TOKEN, "\1\0\0\0", 4, false}, {(uint32_t)CKA_CLASS, "\1\0\0\0\0\0\0\0", 8, true},
      {(uint32_t)CKA_CLASS, "\1\0\0\0", 4, false}, {(uint32_t)CKA_LABEL, "\xc3\xa4", 2, true},
      {(uint32_t)CKA_LABEL, "\xc0\xaf", 2, false}, {(uint32_t)CKA_LABEL, "\xed\xa0\x80", 3, false},
      {(uint32_t)CKA_LABEL, "\xc3", 1, false},     {(uint32_t)CKA_START_DATE, "20260101", 8, true},
      {(uint32_t)CKA_START_DATE, "", 0, true},     {(uint32_t)CKA_START_DATE, "2026-1-1", 8, false},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_attribute *attribute = chio_attribute_find(rows[i].type);
    assert_non_null(attribute);
    assert_int_equal(chio_attribute_value_ok(attribute, chio_slice(rows[i].bytes, rows[i].len)), rows[i].ok);
  }
}

static void mechanism_parameters_survive_the_wire(void **state) {
  (void)state;
  struct chio_mech_params eddsa = {
      .kind = CHIO_PARAMS_EDDSA, .prehash = true, .context = chio_slice_str("ctx")};
  struct chio_buf b = CHIO_BUF_INIT;
  struct chio_mech_params back;
  assert_int_equal(chio_mech_params_encode(&eddsa, &b), CHIO_OK);
  assert_int_equal(chio_mech_params_decode(chio_buf_slice(&b), &back), CHIO_OK);
  assert_true(back.prehash);
  assert_true(chio_slice_equal(back.context, chio_slice_str("ctx")));
  for (size_t len = 1; len < b.len; len++)
    assert_int_equal(chio_mech_params_decode(chio_slice(b.data, len), &back), CHIO_E_MECHANISM_PARAM);
  chio_buf_append_u8(&b, 0);
  assert_int_equal(chio_mech_params_decode(chio_buf_slice(&b), &back), CHIO_E_MECHANISM_PARAM);
  assert_int_equal(chio_mech_params_decode(chio_slice(NULL, 0), &back), CHIO_OK);
  assert_int_equal(back.kind, CHIO_PARAMS_NONE);
  chio_buf_clear(&b);
}

static void the_name_of_a_profile_survives_the_wire(void **state) {
  (void)state;
  struct chio_mech_params attest = {.kind = CHIO_PARAMS_ATTEST, .profile = chio_slice_str("tee-v1")};
  struct chio_buf b = CHIO_BUF_INIT;
  struct chio_mech_params back;
  char name[CHIO_PROFILE_NAME_MAX + 1];
  assert_int_equal(chio_mech_params_encode(&attest, &b), CHIO_OK);
  assert_int_equal(chio_mech_params_decode(chio_buf_slice(&b), &back), CHIO_OK);
  assert_true(back.kind == CHIO_PARAMS_ATTEST && chio_slice_equal(back.profile, attest.profile));
  for (size_t len = 1; len < b.len; len++)
    assert_int_equal(chio_mech_params_decode(chio_slice(b.data, len), &back), CHIO_E_MECHANISM_PARAM);
  b.data[b.len - 1] = ' ';
  assert_int_equal(chio_mech_params_decode(chio_buf_slice(&b), &back), CHIO_E_MECHANISM_PARAM);
  assert_int_equal(chio_mech_params_decode(chio_slice("\3\0\0\0\0", 5), &back), CHIO_E_MECHANISM_PARAM);
  memset(name, 'a', sizeof name);
  attest.profile = chio_slice(name, sizeof name);
  assert_int_equal(chio_mech_params_encode(&attest, &b), CHIO_E_TOO_LONG);
  chio_buf_clear(&b);
}

static void a_unique_id_survives_its_text(void **state) {
  (void)state;
  struct chio_uid uid = {{0xab, 0, 1}};
  char hex[CHIO_UID_HEX + 1];
  chio_uid_hex(&uid, hex);
  struct chio_uid back;
  assert_int_equal(chio_uid_parse(chio_slice_str(hex), &back), CHIO_OK);
  assert_true(chio_uid_equal(&uid, &back));
  hex[0] = 'A';
  assert_int_equal(chio_uid_parse(chio_slice_str(hex), &back), CHIO_E_MALFORMED);
  assert_int_equal(chio_uid_parse(chio_slice_str("ab"), &back), CHIO_E_MALFORMED);
}

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static void a_traceparent_is_read_as_the_recommendation_says(void **state) {
  (void)state;
  static const char *const good[] = {"00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-ff",
                                     "01-" TRACE "-" SPAN "-01", "fe-" TRACE "-" SPAN "-01-more of later versions"};
  struct chio_traceparent parsed;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(good); i++) {
    assert_int_equal(chio_traceparent_parse(chio_slice_str(good[i]), &parsed), CHIO_OK);
    assert_string_equal(parsed.trace_id, TRACE);
    assert_string_equal(parsed.span_id, SPAN);
  }
  struct chio_slice text = chio_slice_str(good[0]);
  for (size_t len = 0; len < text.len; len++)
    assert_int_equal(chio_traceparent_parse(chio_slice(text.data, len), &parsed), CHIO_E_MALFORMED);
}

static void a_traceparent_is_written_as_version_00_with_the_ids_and_flags_that_were_read(void **state) {
  (void)state;
  static const struct {
    const char *read, *written;
  } rows[] = {{"00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
              {"00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-00"},
              {"fe-" TRACE "-" SPAN "-ff-more of later versions", "00-" TRACE "-" SPAN "-ff"}};
  struct chio_traceparent parsed;
  char text[CHIO_TRACEPARENT_LEN + 1];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    assert_int_equal(chio_traceparent_parse(chio_slice_str(rows[i].read), &parsed), CHIO_OK);
    chio_traceparent_format(&parsed, text);
    assert_string_equal(text, rows[i].written);
  }
  parsed.trace_id[0] = '\0';
  chio_traceparent_format(&parsed, text);
  assert_string_equal(text, "");
}

static void what_is_no_traceparent_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "00-00000000000000000000000000000000-" SPAN "-01", "00-" TRACE "-0000000000000000-01", "ff-" TRACE "-" SPAN "-01",
      "00-" TRACE "-" SPAN "-01-", "00-" TRACE "-" SPAN "-01-x", "01-" TRACE "-" SPAN "-01x", "0x-" TRACE "-" SPAN "-01",
      "00_" TRACE "-" SPAN "-01", "00-" TRACE "_" SPAN "-01", "00-" TRACE "-" SPAN "_01", "00-" TRACE "-" SPAN "-0g",
      "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", "00-0af7651916cd43dd8448eb211c80319 -" SPAN "-01",
      " 00-" TRACE "-" SPAN "-1", "00-" TRACE "-B7ad6b7169203331-01"};
  struct chio_traceparent parsed = {"untouched", "so", ""};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    if (chio_traceparent_parse(chio_slice_str(bad[i]), &parsed) != CHIO_E_MALFORMED) fail_msg("taken: %s", bad[i]);
  }
  assert_string_equal(parsed.trace_id, "untouched");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_survives_the_wire),
      cmocka_unit_test(every_shorter_prefix_is_truncated),
      cmocka_unit_test(a_trailing_byte_is_refused),
      cmocka_unit_test(a_field_above_its_limit_is_refused),
      cmocka_unit_test(headers_with_unknown_flags_are_refused),
      cmocka_unit_test(every_message_has_its_own_number),
      cmocka_unit_test(mechanisms_name_digests_that_exist),
      cmocka_unit_test(attribute_lists_find_what_was_added),
      cmocka_unit_test(an_attribute_count_beyond_the_limit_is_refused),
      cmocka_unit_test(values_of_the_wrong_form_are_refused),
      cmocka_unit_test(mechanism_parameters_survive_the_wire),
      cmocka_unit_test(the_name_of_a_profile_survives_the_wire),
      cmocka_unit_test(a_unique_id_survives_its_text),
      cmocka_unit_test(a_traceparent_is_read_as_the_recommendation_says),
      cmocka_unit_test(a_traceparent_is_written_as_version_00_with_the_ids_and_flags_that_were_read),
      cmocka_unit_test(what_is_no_traceparent_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
