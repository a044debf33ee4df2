/* attest/cmw.h, ratls.h, csr.h: the containers of evidence, written and read back, and what is refused of them. */
#include "attest/bundle.h"
#include "attest/cert_set.h"
#include "attest/chio_attest.h"
#include "attest/cmw.h"
#include "attest/csr.h"
#include "attest/der.h"
#include "attest/der_write.h"
#include "attest/platform.h"
#include "attest/ratls.h"
#include "attest/snp_certs.h"
#include "attest/snp_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LIT(bytes) chio_slice((bytes), sizeof(bytes) - 1)
#define ROW(bytes) {(const uint8_t *)(bytes), sizeof(bytes) - 1}

/* ---- Message wrappers ---- */

static void a_collection_reads_back(void **state) {
  (void)state;
  const struct chio_cmw_record records[] = {
      {LIT("evidence"), LIT(CHIO_CMW_QUOTE), LIT("a quote"), CHIO_CMW_IS_EVIDENCE},
      {LIT("claims"), LIT(CHIO_CMW_CLAIMS), LIT("\xa0"), 0},
      {LIT("empty"), LIT("text/plain"), LIT(""), 0},
  };
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_cmw cmw;
  chio_cmw_put(&out, records, CHIO_ARRAY_LEN(records));
  assert_true(chio_cmw_looks_like(chio_buf_slice(&out)));
  assert_int_equal(chio_cmw_parse(chio_buf_slice(&out), &cmw), CHIO_OK);
  assert_int_equal(cmw.count, CHIO_ARRAY_LEN(records));
  for (size_t i = 0; i < cmw.count; i++) {
    assert_true(chio_slice_equal(cmw.records[i].label, records[i].label));
    assert_true(chio_slice_equal(cmw.records[i].type, records[i].type));
    assert_true(chio_slice_equal(cmw.records[i].value, records[i].value));
    assert_int_equal(cmw.records[i].indicator, records[i].indicator);
  }
  chio_cmw_clear(&cmw);
  for (size_t len = 0; len < out.len; len++)
    assert_int_not_equal(chio_cmw_parse(chio_slice(out.data, len), &cmw), CHIO_OK);
  chio_buf_append_u8(&out, 0);
  assert_int_equal(chio_cmw_parse(chio_buf_slice(&out), &cmw), CHIO_E_TRAILING);
  chio_buf_clear(&out);
}

static void wrappers_of_either_form_are_read_or_refused(void **state) {
  (void)state;
  static const struct {
    const char *name;
    struct chio_slice bytes;
    enum chio_err err;
  } rows[] = {
      {"a record", ROW("\x82\x61t\x41v"), CHIO_OK},
      {"with an indicator", ROW("\x83\x61t\x41v\x04"), CHIO_OK},
      {"four elements", ROW("\x84\x61t\x41v\x04\x04"), CHIO_E_TOO_LONG},
      {"one element", ROW("\x81\x61t"), CHIO_E_MALFORMED},
      {"a content format", ROW("\x82\x01\x41v"), CHIO_E_UNSUPPORTED},
      {"a value that is text", ROW("\x82\x61t\x61v"), CHIO_E_MALFORMED},
      {"an indefinite record", ROW("\x9f\x61t\x41v\xff"), CHIO_E_MALFORMED},
      {"a collection", ROW("\xa1\x61l\x82\x61t\x41v"), CHIO_OK},
      {"a label twice", ROW("\xa2\x61l\x82\x61t\x41v\x61l\x82\x61t\x41v"), CHIO_E_MALFORMED},
      {"a label by number", ROW("\xa1\x01\x82\x61t\x41v"), CHIO_E_UNSUPPORTED},
      {"an empty label", ROW("\xa1\x60\x82\x61t\x41v"), CHIO_E_MALFORMED},
      {"a collection in a collection", ROW("\xa1\x61l\xa1\x61l\x82\x61t\x41v"), CHIO_E_UNSUPPORTED},
      {"an empty collection", ROW("\xa0"), CHIO_E_MALFORMED},
      {"nothing but its type", ROW("\xa1\x68__cmwc_t\x61u"), CHIO_E_MALFORMED},
      {"a type that is no text", ROW("\xa2\x68__cmwc_t\x01\x61l\x82\x61t\x41v"), CHIO_E_MALFORMED},
      {"bytes after it", ROW("\x82\x61t\x41v\x00"), CHIO_E_TRAILING},
      {"a long head", ROW("\x82\x78\x01t\x41v"), CHIO_E_MALFORMED},
      {"JSON: a record", ROW("[\"t\",\"dg\"]"), CHIO_OK},
      {"JSON: with an indicator", ROW("[\"t\",\"dg\",4]"), CHIO_OK},
      {"JSON: padding", ROW("[\"t\",\"dg==\"]"), CHIO_E_MALFORMED},
      {"JSON: a last character with bits that say nothing", ROW("[\"t\",\"dh\"]"), CHIO_E_MALFORMED},
      {"JSON: a content format", ROW("[1,\"dg\"]"), CHIO_E_UNSUPPORTED},
      {"JSON: a negative indicator", ROW("[\"t\",\"dg\",-4]"), CHIO_E_MALFORMED},
      {"JSON: one element", ROW("[\"t\"]"), CHIO_E_MALFORMED},
      {"JSON: a collection", ROW("{\"__cmwc_t\":\"u\",\"l\":[\"t\",\"dg\"]}"), CHIO_OK},
      {"JSON: a label twice", ROW("{\"l\":[\"t\",\"dg\"],\"l\":[\"t\",\"dg\"]}"), CHIO_E_MALFORMED},
      {"JSON: a collection in a collection", ROW("{\"l\":{\"l\":[\"t\",\"dg\"]}}"), CHIO_E_UNSUPPORTED},
      {"JSON: an empty collection", ROW("{}"), CHIO_E_MALFORMED},
      {"JSON: bytes after it", ROW("[\"t\",\"dg\"]x"), CHIO_E_TRAILING},
      {"nothing", ROW(""), CHIO_E_TRUNCATED},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_cmw cmw;
    enum chio_err err = chio_cmw_parse(rows[i].bytes, &cmw);
    if (err == CHIO_OK) {
      assert_int_equal(cmw.count, 1);
      assert_true(chio_slice_equal(cmw.records[0].value, LIT("v")));
      chio_cmw_clear(&cmw);
    }
    if ((err == CHIO_OK) != (rows[i].err == CHIO_OK)) fail_msg("%s: %s", rows[i].name, chio_err_text(err));
    if (rows[i].err == CHIO_E_UNSUPPORTED) assert_int_equal(err, rows[i].err);
  }
}

static void nine_records_are_too_many(void **state) {
  (void)state;
  char label[] = "a";
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_cmw cmw;
  chio_buf_append_u8(&out, 0xa9);
  for (int i = 0; i < 9; i++, label[0]++) {
    chio_buf_append_u8(&out, 0x61);
    chio_buf_append_str(&out, label);
    chio_buf_append(&out, "\x82\x61t\x41v", 5);
  }
  assert_int_equal(chio_cmw_parse(chio_buf_slice(&out), &cmw), CHIO_E_TOO_LONG);
  chio_buf_clear(&out);
}

static void reports_of_configfs_tsm_read_back(void **state) {
  (void)state;
  const struct chio_tsm_report report = {LIT("out"), LIT("aux"), LIT("sev_guest")};
  struct chio_tsm_report back;
  struct chio_buf out = CHIO_BUF_INIT;
  chio_tsm_report_put(&out, &report);
  assert_int_equal(chio_tsm_report_parse(chio_buf_slice(&out), &back), CHIO_OK);
  assert_true(chio_slice_equal(back.out, report.out) && chio_slice_equal(back.aux, report.aux));
  assert_true(chio_slice_equal(back.provider, report.provider));
  for (size_t len = 0; len < out.len; len++)
    assert_int_not_equal(chio_tsm_report_parse(chio_slice(out.data, len), &back), CHIO_OK);
  chio_buf_clear(&out);
  assert_int_not_equal(chio_tsm_report_parse(LIT("\xa1\x67" "auxblob\x41x"), &back), CHIO_OK);
  assert_int_not_equal(chio_tsm_report_parse(LIT("\xa2\x67outblob\x41x\x67outblob\x41x"), &back), CHIO_OK);
  assert_int_not_equal(chio_tsm_report_parse(LIT("\xa1\x67outblob\x61x"), &back), CHIO_OK);
}

/* Which record counts must never be open. */
static void a_wrapper_without_one_piece_of_evidence_is_refused(void **state) {
  (void)state;
  static const struct {
    struct chio_slice cmw;
    enum chio_attest_reason reason;
  } rows[] = {
      {ROW("[\"text/plain\",\"dg\"]"), CHIO_ATTEST_UNSUPPORTED},
      {ROW("[\"application/vnd.chio.quote\",\"dg\",8]"), CHIO_ATTEST_UNSUPPORTED},
      {ROW("{\"__cmwc_t\":\"u\",\"a\":[\"application/vnd.chio.quote\",\"dg\"],"
           "\"b\":[\"application/aws-nitro-document\",\"dg\"]}"),
       CHIO_ATTEST_FORMAT},
      {ROW("{\"__cmwc_t\":\"u\",\"a\":[\"application/eat-ucs+cbor\",\"dg\"]}"), CHIO_ATTEST_UNSUPPORTED},
      {ROW("[\"application/vnd.chio.quote\",\"dg\"]"), CHIO_ATTEST_UNSUPPORTED},
      {ROW("[\"application/vnd.veraison.tsm-report+json\",\"dg\"]"), CHIO_ATTEST_FORMAT},
      {ROW("{\"cmw\":\"@\"}"), CHIO_ATTEST_FORMAT},
      {ROW("{\"cmw\":1}"), CHIO_ATTEST_FORMAT},
      {ROW("[\"application/vnd.chio.quote\",\"WyJ0IiwiZGciXQ\"]"), CHIO_ATTEST_UNSUPPORTED}, /* a wrapper inside */
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_attest_request request = {.evidence = rows[i].cmw.data, .evidence_len = rows[i].cmw.len};
    struct chio_attest_result *result = NULL;
    assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
    if (result->reason != rows[i].reason) fail_msg("row %zu: %s", i, chio_attest_reason_code(result->reason));
    chio_attest_result_free(result);
  }
}

/* ---- RA-TLS ---- */

static void claims_read_back_and_give_the_report_data(void **state) {
  (void)state;
  struct chio_buf claims = CHIO_BUF_INIT, out = CHIO_BUF_INIT;
  struct chio_ratls ratls;
  uint8_t hash[32], report_data[64], expected[64] = {0};
  assert_int_equal(chio_ratls_claims_put(LIT("spki"), LIT("nonce"), &claims), CHIO_OK);
  chio_ratls_put(LIT("quote"), chio_buf_slice(&claims), &out);
  assert_int_equal(chio_ratls_parse(chio_buf_slice(&out), &ratls), CHIO_OK);
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, LIT("spki"), hash), CHIO_OK);
  assert_true(chio_slice_equal(ratls.pubkey_hash, chio_slice(hash, sizeof hash)));
  assert_true(chio_slice_equal(ratls.nonce, LIT("nonce")) && chio_slice_equal(ratls.quote, LIT("quote")));
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&claims), expected), CHIO_OK);
  assert_int_equal(chio_ratls_report_data(chio_buf_slice(&claims), report_data), CHIO_OK);
  assert_memory_equal(report_data, expected, sizeof expected);
  for (size_t len = 0; len < out.len; len++)
    assert_int_not_equal(chio_ratls_parse(chio_slice(out.data, len), &ratls), CHIO_OK);
  chio_buf_clear(&claims);
  chio_buf_clear(&out);
}

static void claims_that_name_no_key_or_two_are_refused(void **state) {
  (void)state;
  static const struct chio_slice rows[] = {
      ROW("\xa0"), ROW("\xa1\x65nonce\x41n"), ROW("\xa1\x6bpubkey-hash\x43\x82\x01\x41"),
      ROW("\xa1\x6bpubkey-hash\x44\x82\x01\x41x"), /* a hash of one byte */
      ROW("\xa1\x6bpubkey-hash\x01"), ROW("\x80"),
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_ratls ratls = {.hash = CHIO_HASH_SHA256};
    assert_int_not_equal(chio_ratls_claims_parse(rows[i], &ratls), CHIO_OK);
  }
}

/* ---- Requests ---- */

static const uint8_t ed25519_spki[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t ed25519_alg[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};

static void put_attribute(struct chio_buf *out, struct chio_slice oid, struct chio_slice values) {
  struct chio_buf body = CHIO_BUF_INIT;
  chio_der_put(&body, CHIO_DER_T_OID, oid);
  chio_der_put(&body, CHIO_DER_T_SET, values);
  chio_der_put(out, CHIO_DER_T_SEQUENCE, chio_buf_slice(&body));
  chio_buf_clear(&body);
}

/* A request whose signature says nothing. */
static void put_request(struct chio_buf *out, uint32_t version, struct chio_slice attributes) {
  struct chio_buf info = CHIO_BUF_INIT, whole = CHIO_BUF_INIT;
  chio_der_put_uint(&info, CHIO_DER_T_INTEGER, version);
  chio_der_put(&info, CHIO_DER_T_SEQUENCE, LIT(""));
  chio_buf_append(&info, ed25519_spki, sizeof ed25519_spki);
  chio_der_put(&info, CHIO_DER_T_CONTEXT(0), attributes);
  chio_der_put(&whole, CHIO_DER_T_SEQUENCE, chio_buf_slice(&info));
  chio_buf_append(&whole, ed25519_alg, sizeof ed25519_alg);
  chio_der_put(&whole, CHIO_DER_T_BIT_STRING, LIT("\0signature"));
  chio_der_put(out, CHIO_DER_T_SEQUENCE, chio_buf_slice(&whole));
  chio_buf_clear(&info);
  chio_buf_clear(&whole);
}

static enum chio_err parse_with(uint32_t version, struct chio_slice attributes, struct chio_slice *out_cmw) {
  struct chio_cert_set certs = {.count = 0};
  struct chio_buf request = CHIO_BUF_INIT;
  struct chio_csr csr;
  struct chio_slice cmw;
  static uint8_t kept[256];
  put_request(&request, version, attributes);
  enum chio_err err = chio_csr_parse(chio_buf_slice(&request), &csr);
  if (err == CHIO_OK) err = csr.attestation.len > 0 ? chio_csr_cmw(&csr, &certs, &cmw) : CHIO_E_NOT_FOUND;
  if (err == CHIO_OK) {
    assert_true(cmw.len <= sizeof kept);
    memcpy(kept, cmw.data, cmw.len);
    *out_cmw = chio_slice(kept, cmw.len);
  }
  chio_cert_set_clear(&certs);
  chio_buf_clear(&request);
  return err;
}

/* SEQUENCE { SEQUENCE { SEQUENCE { id-pe-cmw, OCTET STRING "cmw" } } } */
#define STATEMENT "\x30\x0f\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x23\x04\x03" "cmw"
#define OTHER_STATEMENT "\x30\x06\x06\x01\x2a\x04\x01x"

static void the_wrapper_in_a_request_is_found(void **state) {
  (void)state;
  static const struct {
    const char *name;
    struct chio_slice values;
    enum chio_err err;
  } rows[] = {
      {"one statement", ROW("\x30\x13\x30\x11" STATEMENT), CHIO_OK},
      {"after one of another kind", ROW("\x30\x1b\x30\x19" OTHER_STATEMENT STATEMENT), CHIO_OK},
      {"with certificates of a kind that is passed over", ROW("\x30\x17\x30\x11" STATEMENT "\x30\x02\xa3\x00"), CHIO_OK},
      {"none of a known kind", ROW("\x30\x0a\x30\x08" OTHER_STATEMENT), CHIO_E_UNSUPPORTED},
      {"no statement", ROW("\x30\x02\x30\x00"), CHIO_E_UNSUPPORTED},
      {"bytes after the bundle's parts", ROW("\x30\x15\x30\x11" STATEMENT "\x05\x00"), CHIO_E_MALFORMED},
      {"two values", ROW("\x30\x02\x30\x00\x30\x02\x30\x00"), CHIO_E_MALFORMED},
      {"no value", ROW(""), CHIO_E_MALFORMED},
      {"a value that is no sequence", ROW("\x04\x00"), CHIO_E_MALFORMED},
      {"a wrapper that is neither text nor bytes",
       ROW("\x30\x10\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x23\x05\x00"), CHIO_E_MALFORMED},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf attributes = CHIO_BUF_INIT;
    struct chio_slice cmw = {NULL, 0};
    put_attribute(&attributes, chio_oid_aa_attestation, rows[i].values);
    enum chio_err err = parse_with(0, chio_buf_slice(&attributes), &cmw);
    if (err == CHIO_OK) assert_true(chio_slice_equal(cmw, LIT("cmw")));
    bool same = rows[i].err == CHIO_E_MALFORMED ? err != CHIO_OK && err != CHIO_E_UNSUPPORTED : err == rows[i].err;
    if (!same) fail_msg("%s: %s", rows[i].name, chio_err_text(err));
    chio_buf_clear(&attributes);
  }
}

static void requests_of_another_shape_are_refused(void **state) {
  (void)state;
  struct chio_slice cmw;
  struct chio_buf twice = CHIO_BUF_INIT;
  put_attribute(&twice, chio_oid_aa_attestation, LIT("\x30\x13\x30\x11" STATEMENT));
  assert_int_equal(parse_with(0, chio_buf_slice(&twice), &cmw), CHIO_OK);
  assert_int_equal(parse_with(1, chio_buf_slice(&twice), &cmw), CHIO_E_MALFORMED);
  put_attribute(&twice, chio_oid_aa_attestation, LIT("\x30\x13\x30\x11" STATEMENT));
  assert_int_equal(parse_with(0, chio_buf_slice(&twice), &cmw), CHIO_E_MALFORMED);
  assert_int_equal(parse_with(0, LIT(""), &cmw), CHIO_E_NOT_FOUND);
  assert_int_equal(parse_with(0, LIT("\x05\x00"), &cmw), CHIO_E_MALFORMED);
  chio_buf_clear(&twice);
}

static void every_shorter_request_is_refused(void **state) {
  (void)state;
  struct chio_buf attributes = CHIO_BUF_INIT, request = CHIO_BUF_INIT;
  struct chio_csr csr;
  put_attribute(&attributes, chio_oid_aa_attestation, LIT("\x30\x13\x30\x11" STATEMENT));
  put_request(&request, 0, chio_buf_slice(&attributes));
  for (size_t len = 0; len < request.len; len++)
    assert_int_equal(chio_csr_parse(chio_slice(request.data, len), &csr), CHIO_E_MALFORMED);
  assert_int_equal(chio_csr_parse(chio_buf_slice(&request), &csr), CHIO_OK);
  chio_buf_append_u8(&request, 0);
  assert_int_equal(chio_csr_parse(chio_buf_slice(&request), &csr), CHIO_E_MALFORMED);
  chio_buf_clear(&attributes);
  chio_buf_clear(&request);
}

/* ---- Certificate tables ---- */

static void a_table_holds_what_it_was_made_of(void **state) {
  (void)state;
  char dir[] = "/tmp/chio-test-table.XXXXXX", path[64];
  static const char *const names[] = {"sim/snp.pem", "sim/snp-root.pem", "sim", ""};
  struct chio_platform *platform = NULL;
  struct chio_buf pem = CHIO_BUF_INIT, table = CHIO_BUF_INIT, back = CHIO_BUF_INIT;
  struct chio_cert_set made = {.count = 0}, read = {.count = 0};
  assert_non_null(mkdtemp(dir));
  assert_int_equal(chio_platform_open("sim-snp", dir, NULL, &platform, NULL), CHIO_OK);
  assert_int_equal(chio_platform_certificates(platform, &pem), CHIO_OK);
  assert_int_equal(chio_snp_table_put(chio_buf_slice(&pem), &table), CHIO_OK);
  assert_int_equal(chio_snp_certs_pem(chio_buf_slice(&table), &back), CHIO_OK);
  assert_int_equal(chio_cert_set_add_pem(&made, chio_buf_slice(&pem), 8), CHIO_OK);
  assert_int_equal(chio_cert_set_add_pem(&read, chio_buf_slice(&back), 8), CHIO_OK);
  assert_true(made.count >= 1 && made.count == read.count);
  size_t before = table.len;
  chio_buf_append_slice(&pem, chio_buf_slice(&back)); /* each kind twice */
  assert_int_equal(chio_snp_table_put(chio_buf_slice(&pem), &table), CHIO_E_TOO_LONG);
  assert_int_not_equal(
      chio_snp_table_put(LIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &table), CHIO_OK);
  assert_int_equal(table.len, before);
  chio_cert_set_clear(&made);
  chio_cert_set_clear(&read);
  chio_buf_clear(&pem);
  chio_buf_clear(&table);
  chio_buf_clear(&back);
  chio_platform_free(platform);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    (void)remove(path);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_collection_reads_back),
      cmocka_unit_test(wrappers_of_either_form_are_read_or_refused),
      cmocka_unit_test(nine_records_are_too_many),
      cmocka_unit_test(reports_of_configfs_tsm_read_back),
      cmocka_unit_test(a_wrapper_without_one_piece_of_evidence_is_refused),
      cmocka_unit_test(claims_read_back_and_give_the_report_data),
      cmocka_unit_test(claims_that_name_no_key_or_two_are_refused),
      cmocka_unit_test(the_wrapper_in_a_request_is_found),
      cmocka_unit_test(requests_of_another_shape_are_refused),
      cmocka_unit_test(every_shorter_request_is_refused),
      cmocka_unit_test(a_table_holds_what_it_was_made_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
