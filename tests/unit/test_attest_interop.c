/* Quotes in the layout of Chio's own verifier: its own fixtures rebuilt byte for byte, read back, and judged. */
#include "attest/binding.h"
#include "attest/chio_attest.h"
#include "attest/ecdsa.h"
#include "attest/interop_quote.h"
#include "attest/platform.h"
#include "attest/pubkey.h"
#include "attest/sim_interop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/obj_mac.h>

/* ---- A signer that always gives the same signature (RFC 6979) ---- */

struct curve {
  int nid;
  size_t size;
  const EVP_MD *md;
  EC_GROUP *group;
  const BIGNUM *order;
};

static struct curve curve_of(bool p384) {
  struct curve c = {.nid = p384 ? NID_secp384r1 : NID_X9_62_prime256v1,
                    .size = p384 ? 48 : 32,
                    .md = p384 ? EVP_sha384() : EVP_sha256()};
  c.group = EC_GROUP_new_by_curve_name(c.nid);
  c.order = EC_GROUP_get0_order(c.group);
  return c;
}

/* K = HMAC(K, V || tag || x || h), V = HMAC(K, V): section 3.2, d to g. */
static void stir(const struct curve *c, uint8_t *k, uint8_t *v, uint8_t tag, const uint8_t *x, const uint8_t *h) {
  uint8_t message[48 + 1 + 48 + 48];
  size_t len = c->size;
  memcpy(message, v, c->size);
  message[len++] = tag;
  memcpy(message + len, x, c->size);
  memcpy(message + len + c->size, h, c->size);
  HMAC(c->md, k, (int)c->size, message, len + 2 * c->size, k, NULL);
  HMAC(c->md, k, (int)c->size, v, c->size, v, NULL);
}

/* The digest is as long as the order of the curve, and the first candidate is below it but once in 2^32. */
static BIGNUM *secret_number(const struct curve *c, const uint8_t *x, const uint8_t *digest) {
  uint8_t k[48] = {0}, v[48], h[48];
  BIGNUM *e = BN_bin2bn(digest, (int)c->size, NULL);
  if (BN_cmp(e, c->order) >= 0) BN_sub(e, e, c->order);
  BN_bn2binpad(e, h, (int)c->size);
  memset(v, 1, sizeof v);
  stir(c, k, v, 0, x, h);
  stir(c, k, v, 1, x, h);
  HMAC(c->md, k, (int)c->size, v, c->size, v, NULL);
  BN_free(e);
  BIGNUM *number = BN_bin2bn(v, (int)c->size, NULL);
  assert_true(BN_cmp(number, c->order) < 0);
  return number;
}

/* scalar: one byte repeated, as the fixtures' generator has it. */
static void sign(bool p384, uint8_t scalar, struct chio_slice message, uint8_t *rs) {
  struct curve c = curve_of(p384);
  uint8_t digest[48], x[48];
  memset(x, scalar, sizeof x);
  assert_int_equal(EVP_Digest(message.data, message.len, digest, NULL, c.md, NULL), 1);
  BN_CTX *ctx = BN_CTX_new();
  BIGNUM *d = BN_bin2bn(x, (int)c.size, NULL), *e = BN_bin2bn(digest, (int)c.size, NULL);
  BIGNUM *k = secret_number(&c, x, digest), *r = BN_new(), *s = BN_new();
  EC_POINT *point = EC_POINT_new(c.group);
  assert_int_equal(EC_POINT_mul(c.group, point, k, NULL, NULL, ctx), 1);
  assert_int_equal(EC_POINT_get_affine_coordinates(c.group, point, r, NULL, ctx), 1);
  BN_nnmod(r, r, c.order, ctx);
  BN_mod_mul(s, r, d, c.order, ctx);
  BN_mod_add(s, s, e, c.order, ctx);
  BN_mod_inverse(k, k, c.order, ctx);
  BN_mod_mul(s, s, k, c.order, ctx);
  BN_bn2binpad(r, rs, (int)c.size);
  BN_bn2binpad(s, rs + c.size, (int)c.size);
  BIGNUM *const numbers[] = {d, e, k, r, s};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(numbers); i++) BN_free(numbers[i]);
  EC_POINT_free(point);
  BN_CTX_free(ctx);
  EC_GROUP_free(c.group);
}

static void public_of(bool p384, uint8_t scalar, uint8_t *xy) {
  struct curve c = curve_of(p384);
  uint8_t bytes[48], point_bytes[97];
  memset(bytes, scalar, sizeof bytes);
  BIGNUM *d = BN_bin2bn(bytes, (int)c.size, NULL);
  EC_POINT *point = EC_POINT_new(c.group);
  assert_int_equal(EC_POINT_mul(c.group, point, d, NULL, NULL, NULL), 1);
  size_t len = EC_POINT_point2oct(c.group, point, POINT_CONVERSION_UNCOMPRESSED, point_bytes, sizeof point_bytes, NULL);
  assert_int_equal(len, 2 * c.size + 1);
  memcpy(xy, point_bytes + 1, 2 * c.size);
  EC_POINT_free(point);
  BN_free(d);
  EC_GROUP_free(c.group);
}

/* ---- The fixtures ---- */

/* report_data: 'b' bound to (key of seed 09, root of 08), 'u' unbound, 't' bound, with a bit of the upper half set. */
static const struct fixture {
  const char *path, *note;
  bool snp, p384, vlek;
  uint32_t vmpl;
  uint8_t measurement, scalar;
  char report_data;
} fixtures[] = {
    {"tdx/positive/kernel_seed_09_root_08", "chio-tdx-positive-bound-default", false, false, false, 0, 0, 0x25, 'b'},
    {"tdx/positive/kernel_seed_09_root_08_alt_body", "chio-tdx-positive-bound-alt-body-marker", false, false, false, 0,
     0, 0x25, 'b'},
    {"tdx/positive/kernel_seed_09_root_08_alt_sig", "chio-tdx-positive-bound-alt-sig", false, false, false, 0, 0, 0x25,
     'b'},
    {"tdx/positive/kernel_seed_09_root_08_p384", "chio-tdx-positive-bound-p384", false, true, false, 0, 0, 0x38, 'b'},
    {"tdx/negative/report_data_unbound", "chio-tdx-negative-unbound-pair", false, false, false, 0, 0, 0x25, 'u'},
    {"tdx/negative/report_data_upper_half_tamper", "chio-tdx-negative-upper-tamper", false, false, false, 0, 0, 0x25,
     't'},
    {"sev_snp/positive/sev_snp_kernel_seed_09_root_08_vcek", "chio-sev-snp-positive-vcek", true, true, false, 0, 0x4c,
     0x43, 'b'},
    {"sev_snp/positive/sev_snp_kernel_seed_09_root_08_alt_sig", "chio-sev-snp-positive-alt-sig", true, true, false, 0,
     0x4c, 0x43, 'b'},
    {"sev_snp/positive/sev_snp_kernel_seed_09_root_08_vlek", "chio-sev-snp-positive-vlek", true, true, true, 0, 0x4c,
     0x44, 'b'},
    {"sev_snp/positive/sev_snp_kernel_seed_09_root_08_vmpl1", "chio-sev-snp-positive-vmpl1", true, true, false, 1,
     0x4c, 0x43, 'b'},
    {"sev_snp/negative/sev_snp_report_data_unbound", "chio-sev-snp-negative-unbound", true, true, false, 0, 0x4c, 0x43,
     'u'},
    {"sev_snp/negative/sev_snp_mismatched_launch_digest", "chio-sev-snp-negative-launch-digest", true, true, false, 0,
     0x11, 0x43, 'b'},
};

static bool read_fixture(const char *path, struct chio_buf *out) {
  const char *vectors = getenv("CHIO_VECTORS");
  uint8_t bytes[2048];
  char name[512];
  snprintf(name, sizeof name, "%s/chio/chio-current/quotes/%s.bin",
           vectors != NULL ? vectors : CHIO_SOURCE_TOP "/../shared/vectors", path);
  FILE *file = fopen(name, "rb");
  if (file == NULL) return false;
  size_t len = fread(bytes, 1, sizeof bytes, file);
  (void)fclose(file);
  chio_buf_append(out, bytes, len);
  return true;
}

static void need_vectors(void) {
  struct chio_buf bytes = CHIO_BUF_INIT;
  bool there = read_fixture(fixtures[0].path, &bytes);
  chio_buf_clear(&bytes);
  if (there) return;
  print_message("# skipped: the vectors are not here (CHIO_VECTORS)\n");
  skip();
}

/* The Ed25519 key of seed 09*32, as SubjectPublicKeyInfo. */
static const uint8_t kernel_spki[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 0xfd, 0x17, 0x24,
                                      0x38, 0x5a, 0xa0, 0xc7, 0x5b, 0x64, 0xfb, 0x78, 0xcd, 0x60, 0x2f, 0xa1, 0xd9, 0x91, 0xfd,
                                      0xeb, 0xf7, 0x6b, 0x13, 0xc5, 0x8e, 0xd7, 0x02, 0xea, 0xc8, 0x35, 0xe9, 0xf6, 0x18};
static const uint8_t receipt_root[32] = {8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
                                         8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8};
static const struct chio_binding_parts parts = {{
    [CHIO_BINDING_KEY] = {kernel_spki, sizeof kernel_spki},
    [CHIO_BINDING_RECEIPT_ROOT] = {receipt_root, sizeof receipt_root},
}};

static void rebuild(const struct fixture *f, const uint8_t report_data[64], struct chio_buf *out) {
  uint8_t body[CHIO_DCAP_TD10_SIZE] = {0}, measurement[48], rs[96];
  memset(measurement, f->measurement, sizeof measurement);
  memcpy(body, f->note, strlen(f->note));
  memcpy(body + CHIO_TD_REPORT_DATA, report_data, 64);
  const struct chio_interop_quote fields = {.kind = f->snp ? CHIO_INTEROP_SNP : CHIO_INTEROP_TDX,
                                            .p384 = f->p384,
                                            .vlek = f->vlek,
                                            .vmpl = f->vmpl,
                                            .reported_tcb = 0x12345678,
                                            .body = chio_slice(body, sizeof body),
                                            .note = chio_slice_str(f->note),
                                            .measurement = chio_slice(measurement, sizeof measurement),
                                            .report_data = chio_slice(report_data, 64)};
  assert_int_equal(chio_interop_layout(&fields, out), CHIO_OK);
  sign(f->p384, f->scalar, chio_buf_slice(out), rs);
  assert_int_equal(chio_interop_finish(&fields, chio_slice(rs, f->p384 ? 96 : 64), out), CHIO_OK);
}

static void each_fixture_is_rebuilt_to_the_byte(void **state) {
  (void)state;
  need_vectors();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(fixtures); i++) {
    const struct fixture *f = &fixtures[i];
    struct chio_buf expected = CHIO_BUF_INIT, made = CHIO_BUF_INIT;
    uint8_t report_data[64];
    assert_true(read_fixture(f->path, &expected));
    assert_int_equal(chio_binding_report_data(chio_binding_find("chio-v1"), &parts, report_data, NULL), CHIO_OK);
    if (f->report_data == 't') report_data[40] = 1; /* the upper half is no part of the digest */
    if (f->report_data == 'u') memcpy(report_data, expected.data + (f->snp ? 0xc0 : 568), 64);
    rebuild(f, report_data, &made);
    if (!chio_slice_equal(chio_buf_slice(&made), chio_buf_slice(&expected))) fail_msg("%s", f->path);
    chio_buf_clear(&expected);
    chio_buf_clear(&made);
  }
}

static void each_fixture_is_read_and_its_signature_holds(void **state) {
  (void)state;
  need_vectors();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(fixtures); i++) {
    const struct fixture *f = &fixtures[i];
    struct chio_buf bytes = CHIO_BUF_INIT;
    struct chio_interop_quote q;
    uint8_t xy[96];
    assert_true(read_fixture(f->path, &bytes));
    assert_true(chio_interop_looks_like(chio_buf_slice(&bytes)));
    assert_int_equal(chio_interop_parse(chio_buf_slice(&bytes), &q), CHIO_OK);
    assert_int_equal(q.kind, f->snp ? CHIO_INTEROP_SNP : CHIO_INTEROP_TDX);
    assert_int_equal(q.vlek, f->vlek);
    assert_int_equal(q.vmpl, f->vmpl);
    assert_int_equal(q.measurement.data[47], f->measurement);
    public_of(f->p384, f->scalar, xy);
    assert_int_equal(chio_raw_verify(chio_slice(xy, f->p384 ? 96 : 64), q.signed_data, q.signature), CHIO_OK);
    enum chio_err err = chio_binding_check(chio_binding_find("chio-v1"), &parts, q.report_data, NULL);
    assert_int_equal(err, f->report_data == 'b' ? CHIO_OK : CHIO_E_EVIDENCE_REFUSED);
    chio_buf_clear(&bytes);
  }
}

static void each_malformed_fixture_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *path;
    enum chio_err err;
  } rows[] = {{"tdx/negative/wrong_qe_vendor_id", CHIO_E_MALFORMED},
              {"tdx/negative/unsupported_att_key_type", CHIO_E_UNSUPPORTED},
              {"sev_snp/negative/sev_snp_sig_algo_key_select_mismatch", CHIO_E_MALFORMED},
              {"sev_snp/negative/sev_snp_stale_tcb_marker", CHIO_E_MALFORMED}};
  need_vectors();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf bytes = CHIO_BUF_INIT;
    struct chio_interop_quote q;
    assert_true(read_fixture(rows[i].path, &bytes));
    assert_int_equal(chio_interop_parse(chio_buf_slice(&bytes), &q), rows[i].err);
    chio_buf_clear(&bytes);
  }
}

static void a_signature_of_another_key_does_not_hold(void **state) {
  (void)state;
  need_vectors();
  struct chio_buf bytes = CHIO_BUF_INIT;
  struct chio_interop_quote q;
  uint8_t xy[64];
  assert_true(read_fixture("tdx/negative/signature_mismatch", &bytes));
  assert_int_equal(chio_interop_parse(chio_buf_slice(&bytes), &q), CHIO_OK);
  public_of(false, 0x25, xy);
  assert_int_equal(chio_raw_verify(chio_slice(xy, 64), q.signed_data, q.signature), CHIO_E_SIGNATURE_INVALID);
  chio_buf_clear(&bytes);
}

static void fields_out_of_range_are_not_laid_out(void **state) {
  (void)state;
  static const uint8_t bytes[CHIO_DCAP_TD10_SIZE];
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_interop_quote q = {.kind = CHIO_INTEROP_TDX, .body = chio_slice(bytes, CHIO_DCAP_TD10_SIZE - 1)};
  assert_int_equal(chio_interop_layout(&q, &out), CHIO_E_ARGUMENT);
  q = (struct chio_interop_quote){
      .kind = CHIO_INTEROP_SNP, .measurement = chio_slice(bytes, 48), .report_data = chio_slice(bytes, 64), .vmpl = 4};
  assert_int_equal(chio_interop_layout(&q, &out), CHIO_E_ARGUMENT);
  q.vmpl = 3;
  q.note = chio_slice(bytes, CHIO_INTEROP_SNP_NOTE_SIZE + 1);
  assert_int_equal(chio_interop_layout(&q, &out), CHIO_E_ARGUMENT);
  q.note.len--;
  assert_int_equal(chio_interop_layout(&q, &out), CHIO_OK);
  assert_int_equal(chio_interop_finish(&q, chio_slice(bytes, 64), &out), CHIO_E_ARGUMENT);
  chio_buf_clear(&out);
}

/* ---- From a simulated root ---- */

#define PLATFORMS 2u
static const char *const names[PLATFORMS] = {"sim-tdx", "sim-snp"};
static char dir[] = "/tmp/chio-test-interop.XXXXXX";
static struct chio_buf roots[PLATFORMS], quotes[PLATFORMS];
static struct chio_attest_collateral *chains[PLATFORMS];
static const uint8_t measurement[48] = {0xab, [47] = 0xcd};

static int set_up(void **state) {
  (void)state;
  if (mkdtemp(dir) == NULL) return 1;
  for (size_t i = 0; i < PLATFORMS; i++) {
    struct chio_platform *platform = NULL;
    struct chio_buf pem = CHIO_BUF_INIT;
    uint8_t report_data[64];
    if (chio_platform_open(names[i], dir, NULL, &platform, NULL) != CHIO_OK ||
        chio_platform_root(platform, &roots[i]) != CHIO_OK ||
        chio_binding_report_data(chio_binding_find("chio-v1"), &parts, report_data, NULL) != CHIO_OK ||
        chio_sim_interop_quote(names[i], dir, chio_slice(measurement, 48), report_data, &quotes[i], &pem, NULL) !=
            CHIO_OK ||
        chio_attest_collateral_new(&chains[i]) != CHIO_ATTEST_OK ||
        chio_attest_collateral_add(chains[i], pem.data, pem.len) != CHIO_ATTEST_OK) {
      return 1;
    }
    chio_buf_clear(&pem);
    chio_platform_free(platform);
  }
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  static const char *const files[] = {"sim/tdx.pem", "sim/tdx-root.pem", "sim/snp.pem", "sim/snp-root.pem", "sim", ""};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(files); i++) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, files[i]);
    (void)remove(path);
  }
  for (size_t i = 0; i < PLATFORMS; i++) {
    chio_buf_clear(&roots[i]);
    chio_buf_clear(&quotes[i]);
    chio_attest_collateral_free(chains[i]);
  }
  return 0;
}

static struct chio_attest_result *judge(size_t i, size_t root, const uint8_t *bound_root,
                                        const struct chio_attest_policy *policy) {
  struct chio_attest_result *result = NULL;
  const struct chio_attest_binding binding = {.profile = "chio-v1", .receipt_root = {bound_root, 32}};
  const struct chio_attest_request request = {.evidence = quotes[i].data,
                                              .evidence_len = quotes[i].len,
                                              .policy = policy,
                                              .collateral = chains[i],
                                              .at = (int64_t)time(NULL),
                                              .root = roots[root].data,
                                              .root_len = roots[root].len,
                                              .key = kernel_spki,
                                              .key_len = sizeof kernel_spki,
                                              .binding = &binding};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  return result;
}

static void expect(struct chio_attest_result *r, enum chio_attest_reason reason) {
  if (r->reason != reason) fail_msg("%s", r->failures_count > 0 ? r->failures[0].text : "accepted");
  assert_int_equal(r->accepted, reason == CHIO_ATTEST_ACCEPTED);
  chio_attest_result_free(r);
}

static void a_simulated_root_makes_quotes_that_hold(void **state) {
  (void)state;
  for (size_t i = 0; i < PLATFORMS; i++) {
    struct chio_attest_result *r = judge(i, i, receipt_root, NULL);
    assert_string_equal(r->tee, names[i]);
    assert_string_equal(r->format, i == 0 ? "chio-tdx" : "chio-snp");
    assert_memory_equal(r->measurement, measurement, sizeof measurement);
    assert_true((r->proved & CHIO_ATTEST_PROVED_KEY) != 0);
    expect(r, CHIO_ATTEST_ACCEPTED);
  }
}

static void such_quotes_are_refused_where_something_differs(void **state) {
  (void)state;
  static const uint8_t other_root[32] = {9};
  static const char text[] = "version = 1\ntee = [\"sim-tdx\", \"sim-snp\"]\nmeasurements = "
                             "[\"ab00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                             "000000cd\"]\n";
  struct chio_attest_policy *policy = NULL;
  assert_int_equal(chio_attest_policy_parse(text, sizeof text - 1, "policy", &policy, NULL), CHIO_ATTEST_OK);
  for (size_t i = 0; i < PLATFORMS; i++) {
    expect(judge(i, i, other_root, NULL), CHIO_ATTEST_KEY_BINDING);
    expect(judge(i, 1 - i, receipt_root, NULL), CHIO_ATTEST_SIMULATED_ROOT);
    expect(judge(i, i, receipt_root, policy), CHIO_ATTEST_UNSUPPORTED);
    struct chio_attest_collateral *own = chains[i];
    chains[i] = NULL;
    expect(judge(i, i, receipt_root, NULL), CHIO_ATTEST_CHAIN);
    chains[i] = own;
  }
  chio_attest_policy_free(policy);
}

static void each_byte_of_such_a_quote_counts(void **state) {
  (void)state;
  for (size_t i = 0; i < PLATFORMS; i++) {
    for (size_t at = 0; at < quotes[i].len; at++) {
      quotes[i].data[at] ^= 1;
      struct chio_attest_result *r = judge(i, i, receipt_root, NULL);
      if (r->accepted) fail_msg("%s: accepted with byte %zu changed", names[i], at);
      chio_attest_result_free(r);
      quotes[i].data[at] ^= 1;
    }
  }
}

static void no_other_platform_and_no_new_root_makes_one(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT, chain = CHIO_BUF_INIT;
  uint8_t report_data[64] = {0};
  assert_int_equal(chio_sim_interop_quote("sim-sgx", dir, chio_slice(measurement, 48), report_data, &quote, &chain, NULL),
                   CHIO_E_UNSUPPORTED);
  assert_int_equal(
      chio_sim_interop_quote("sim-tdx", "/nonexistent", chio_slice(measurement, 48), report_data, &quote, &chain, NULL),
      CHIO_E_NOT_FOUND);
  assert_int_equal(chio_sim_interop_quote("sim-tdx", dir, chio_slice(measurement, 32), report_data, &quote, &chain, NULL),
                   CHIO_E_ARGUMENT);
  assert_int_equal(quote.len + chain.len, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_fixture_is_rebuilt_to_the_byte),
      cmocka_unit_test(each_fixture_is_read_and_its_signature_holds),
      cmocka_unit_test(each_malformed_fixture_is_refused),
      cmocka_unit_test(a_signature_of_another_key_does_not_hold),
      cmocka_unit_test(fields_out_of_range_are_not_laid_out),
      cmocka_unit_test(a_simulated_root_makes_quotes_that_hold),
      cmocka_unit_test(such_quotes_are_refused_where_something_differs),
      cmocka_unit_test(each_byte_of_such_a_quote_counts),
      cmocka_unit_test(no_other_platform_and_no_new_root_makes_one),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
