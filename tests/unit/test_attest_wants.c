/* What collateral evidence needs, and where it is served. */
#include "attest/wants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define FILE_MAX 65536u

/* False when the recorded evidence is not at hand. */
static bool read_vector(const char *name, struct chio_buf *out) {
  char path[1024];
  const char *dir = getenv("CHIO_VECTORS");
  const char *top = getenv("abs_top_srcdir");
  (void)snprintf(path, sizeof path, "%s%s/quotes/%s", dir != NULL ? dir : top != NULL ? top : ".",
                 dir != NULL ? "" : "/../shared/vectors", name);
  FILE *file = fopen(path, "re");
  uint8_t *room = chio_buf_reserve(out, FILE_MAX);
  if (file == NULL || room == NULL) return false;
  out->len = fread(room, 1, FILE_MAX, file);
  (void)fclose(file);
  return out->len > 0;
}

static const struct {
  const char *file;
  size_t count;
  const char *paths[4];
} rows[] = {
    {"tdx/v4-uptodate-phala/quote.bin",
     4,
     {"/tdx/certification/v4/tcb?fmspc=", "/tdx/certification/v4/qe/identity",
      "/sgx/certification/v4/pckcrl?ca=platform&encoding=der", "/IntelSGXRootCA.der"}},
    {"sgx/v3-phala/quote.bin",
     4,
     {"/sgx/certification/v4/tcb?fmspc=", "/sgx/certification/v4/qe/identity", "/sgx/certification/v4/pckcrl?ca=",
      "/IntelSGXRootCA.der"}},
    {"snp/milan-v3-oak/report.bin",
     3,
     {"/vcek/v1/Milan/", "/vcek/v1/Milan/cert_chain", "/vcek/v1/Milan/crl"}},
    {"snp/turin-v5-ms/report.bin", 3, {"/vcek/v1/Turin/", "/vcek/v1/Turin/cert_chain", "/vcek/v1/Turin/crl"}},
    {"nitro/blocky-prod.cbor", 0, {NULL}},
};

static void real_evidence_names_what_its_verifier_needs(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf evidence = CHIO_BUF_INIT;
    struct chio_wants wants;
    struct chio_detail detail = {""};
    if (!read_vector(rows[i].file, &evidence)) {
      print_message("# skipped: no vectors at CHIO_VECTORS\n");
      skip();
    }
    if (chio_wants_of(chio_buf_slice(&evidence), chio_slice(NULL, 0), &wants, &detail) != CHIO_OK)
      fail_msg("%s: %s", rows[i].file, detail.text);
    assert_int_equal(wants.count, rows[i].count);
    for (size_t k = 0; k < wants.count; k++)
      assert_int_equal(strncmp(wants.list[k].path, rows[i].paths[k], strlen(rows[i].paths[k])), 0);
    chio_buf_clear(&evidence);
  }
}

static void a_chip_on_turin_has_a_short_name_and_one_more_part(void **state) {
  (void)state;
  struct chio_buf evidence = CHIO_BUF_INIT;
  struct chio_wants wants;
  if (!read_vector("snp/turin-v5-ms/report.bin", &evidence)) skip();
  assert_int_equal(chio_wants_of(chio_buf_slice(&evidence), chio_slice(NULL, 0), &wants, NULL), CHIO_OK);
  assert_int_equal(strcspn(wants.list[0].path + strlen("/vcek/v1/Turin/"), "?"), 16);
  assert_non_null(strstr(wants.list[0].path, "?fmcSPL="));
  chio_buf_clear(&evidence);
}

/* Every shorter prefix is refused or understood, never read past. */
static void no_prefix_is_read_past_its_end(void **state) {
  (void)state;
  struct chio_buf evidence = CHIO_BUF_INIT;
  struct chio_wants wants;
  if (!read_vector("tdx/v4-uptodate-phala/quote.bin", &evidence)) skip();
  for (size_t len = 0; len < evidence.len && len < 1500; len++) {
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, evidence.data, len);
    assert_int_not_equal(chio_wants_of(chio_slice(copy, len), chio_slice(NULL, 0), &wants, NULL), CHIO_OK);
    free(copy);
  }
  chio_buf_clear(&evidence);
}

static void what_is_no_evidence_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "hello",
      "{",
      "{}",
      "{\"verificationMaterial\":{}}",
      "{\"verificationMaterial\":{\"chioBoot\":{\"quote\":\"!\"}}}",
      "{\"verificationMaterial\":{\"chioBoot\":{\"quote\":\"aGVsbG8=\",\"certificates\":\"\"}}}",
      "{\"verificationMaterial\":{\"chioBoot\":{\"quote\":5}}}",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(texts); i++) {
    struct chio_wants wants = {.count = 7};
    struct chio_detail detail = {""};
    enum chio_err err = chio_wants_of(chio_slice_str(texts[i]), chio_slice(NULL, 0), &wants, &detail);
    if (err != CHIO_E_UNSUPPORTED && err != CHIO_E_MALFORMED) fail_msg("row %zu: %s", i, chio_err_name(err));
    assert_int_equal(wants.count, 7);
    assert_true(detail.text[0] != '\0');
  }
}

static void the_encoding_of_a_chain_is_undone(void **state) {
  (void)state;
  static const char *const bad[] = {"%", "%4", "a%4", "%zz", "%4z", "ab%"};
  struct chio_buf pem = CHIO_BUF_INIT;
  assert_int_equal(chio_want_decode_chain(chio_slice_str("-----BEGIN%20X-----%0A%2b%2F"), &pem), CHIO_OK);
  assert_true(chio_slice_equal(chio_buf_slice(&pem), chio_slice_str("-----BEGIN X-----\n+/")));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++)
    assert_int_equal(chio_want_decode_chain(chio_slice_str(bad[i]), &pem), CHIO_E_MALFORMED);
  chio_buf_clear(&pem);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(real_evidence_names_what_its_verifier_needs),
      cmocka_unit_test(a_chip_on_turin_has_a_short_name_and_one_more_part),
      cmocka_unit_test(no_prefix_is_read_past_its_end),
      cmocka_unit_test(what_is_no_evidence_is_refused),
      cmocka_unit_test(the_encoding_of_a_chain_is_undone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
