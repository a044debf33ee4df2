/*
 * SEV-SNP reports with one thing wrong, under a root of ours that has AMD's profile: what other verifiers got wrong,
 * and what each field of report and certificates must refuse. Prints what was tried and why it was refused.
 */
#include "tests/unit/snp_forge.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#define SIGNATURE CHIO_ATTEST_PROVED_SIGNATURE
#define CHAIN CHIO_ATTEST_PROVED_CHAIN
#define TCB CHIO_ATTEST_PROVED_TCB
#define CRL CHIO_ATTEST_PROVED_CRL

static const struct vek good_vek = GOOD;

/* ---- Roots ---- */

static void go_sev_guest_185_a_root_from_the_evidence_is_no_anchor(void **state) {
  (void)state;
  uint8_t report[CHIO_SNP_REPORT_SIZE];
  make_report(NULL, 0, vek_key, report);
  forge_expect("AMD's names on a root of one's own, which nobody trusts",
               judge(chio_slice(report, sizeof report), &good_vek, NULL, false, NULL), CHIO_ATTEST_UNTRUSTED_ROOT,
               CHAIN | TCB);
  forge_expect("the same, trusted by the caller", judge(chio_slice(report, sizeof report), &good_vek, NULL, true, NULL),
               CHIO_ATTEST_ACCEPTED, 0);
}

/* MS TEE-Attestation-Verification #140, #145: a root of the caller's vouched for "AMD". */
static void ms_145_a_root_of_the_callers_never_makes_it_amds(void **state) {
  (void)state;
  uint8_t report[CHIO_SNP_REPORT_SIZE];
  make_report(NULL, 0, vek_key, report);
  struct chio_attest_result *r = judge(chio_slice(report, sizeof report), &good_vek, NULL, true, NULL);
  assert_string_equal(r->tee, "sim-snp");
  assert_true(r->simulated);
  chio_attest_result_free(r);
}

/* ---- The signature ---- */

static void ms_verifier_a_signature_of_zeros_or_beyond_the_order_is_none(void **state) {
  (void)state;
  static const uint8_t order[48] = {0x73, 0x29, 0xc5, 0xcc, 0x6a, 0x19, 0xec, 0xec, 0x7a, 0xa7, 0xb0, 0x48,
                                    0xb2, 0x0d, 0x1a, 0x58, 0xdf, 0x2d, 0x37, 0xf4, 0x81, 0x4d, 0x63, 0xc7,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  static const struct {
    const char *name;
    int r, s; /* 0: as signed, 1: zero, 2: the order, 3: all ones */
  } rows[] = {{"r = 0", 1, 0}, {"s = 0", 0, 1},     {"r = s = 0", 1, 1},     {"r = n", 2, 0},
              {"s = n", 0, 2}, {"r = s = n", 2, 2}, {"r = 2^384 - 1", 3, 0}, {"s = 2^384 - 1", 0, 3}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    uint8_t report[CHIO_SNP_REPORT_SIZE];
    make_report(NULL, 0, vek_key, report);
    const int kinds[] = {rows[i].r, rows[i].s};
    for (size_t p = 0; p < 2; p++) {
      uint8_t *at = report + (p == 0 ? CHIO_SNP_SIGNATURE_R : CHIO_SNP_SIGNATURE_S);
      if (kinds[p] == 1) memset(at, 0, 48);
      if (kinds[p] == 2) memcpy(at, order, 48);
      if (kinds[p] == 3) memset(at, 0xff, 48);
    }
    forge_expect(rows[i].name, judge(chio_slice(report, sizeof report), &good_vek, NULL, true, NULL),
                 CHIO_ATTEST_SIGNATURE, SIGNATURE | TCB);
  }
  uint8_t report[CHIO_SNP_REPORT_SIZE];
  make_report(NULL, 0, other_key, report);
  forge_expect("another chip's key", judge(chio_slice(report, sizeof report), &good_vek, NULL, true, NULL),
               CHIO_ATTEST_SIGNATURE, SIGNATURE | TCB);
}

/* (r, n - s) holds too: the same report twice, and one replay id. */
static void the_other_signature_of_the_same_report_is_the_same_evidence(void **state) {
  (void)state;
  uint8_t report[CHIO_SNP_REPORT_SIZE], bytes[48];
  make_report(NULL, 0, vek_key, report);
  struct chio_attest_result *first = judge(chio_slice(report, sizeof report), &good_vek, NULL, true, NULL);
  BIGNUM *s = BN_lebin2bn(report + CHIO_SNP_SIGNATURE_S, 48, NULL), *n = NULL;
  assert_true(BN_hex2bn(&n,
                        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc"
                        "52973") > 0);
  BN_sub(s, n, s);
  assert_true(BN_bn2lebinpad(s, bytes, 48) == 48);
  memcpy(report + CHIO_SNP_SIGNATURE_S, bytes, 48);
  struct chio_attest_result *second = judge(chio_slice(report, sizeof report), &good_vek, NULL, true, NULL);
  assert_true(first->accepted && second->accepted);
  assert_memory_equal(first->replay_id, second->replay_id, 32);
  chio_attest_result_free(first);
  chio_attest_result_free(second);
  BN_free(s);
  BN_free(n);
}

/* virtee/sev and go-sev-guest rebuilt the signed bytes from the fields that they knew. */
static void virtee_sev_the_signature_is_over_the_bytes_as_received(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"bits in reserved fields, all signed",
       {{0x04c, 0x55}, {0x18b, 1}, {0x1eb, 7}, {0x210, 0xaa}, {0x29f, 0xff}},
       5,
       GOOD,
       NULL,
       CHIO_ATTEST_ACCEPTED,
       0},
      {"platform information of bit 6, as Turin has it",
       {{CHIO_SNP_PLATFORM_INFO, 0x65}},
       1,
       GOOD,
       NULL,
       CHIO_ATTEST_ACCEPTED,
       0},
      {"bits after the signature, which nothing signs",
       {{CHIO_SNP_SIGNATURE_END, 1}},
       1,
       GOOD,
       NULL,
       CHIO_ATTEST_FORMAT,
       ~0u},
      {"... in the last byte", {{CHIO_SNP_REPORT_SIZE - 1, 0x80}}, 1, GOOD, NULL, CHIO_ATTEST_FORMAT, ~0u},
      {"bits above r", {{CHIO_SNP_SIGNATURE_R + 48, 1}}, 1, GOOD, NULL, CHIO_ATTEST_FORMAT, ~0u},
      {"bits above s", {{CHIO_SNP_SIGNATURE_S + 71, 1}}, 1, GOOD, NULL, CHIO_ATTEST_FORMAT, ~0u},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Which key ---- */

static void no_certificate_of_another_chip_product_or_kind_counts(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"another chip", {{0, 3}}, 1, {.fmc = -1, .chip0 = 0x77}, NULL, CHIO_ATTEST_CERTIFICATE_MISMATCH, TCB},
      {"another chip, whose id is the first 8 bytes",
       {{0, 3}},
       1,
       {.fmc = -1, .chip0 = 0x77, .chip_len = 8},
       NULL,
       CHIO_ATTEST_CERTIFICATE_MISMATCH,
       TCB},
      {"a Genoa's certificate for a Milan's report",
       {{0, 3}},
       1,
       {.fmc = -1, .product = "Genoa"},
       NULL,
       CHIO_ATTEST_CHAIN,
       CHAIN | TCB},
      {"a Milan's certificate for a Genoa's report",
       {{CHIO_SNP_CPUID + 1, 0x11}},
       1,
       GOOD,
       NULL,
       CHIO_ATTEST_CERTIFICATE_MISMATCH,
       TCB},
      {"a product that only begins like one",
       {{0, 3}},
       1,
       {.fmc = -1, .product = "MilanX"},
       NULL,
       CHIO_ATTEST_CHAIN,
       CHAIN | TCB},
      {"a processor that nobody knows", {{CHIO_SNP_CPUID, 0x1b}}, 1, GOOD, NULL, CHIO_ATTEST_CERTIFICATE_MISMATCH, TCB},
      {"a VCEK where the report names a VLEK", {{CHIO_SNP_KEY_INFO, 4}}, 1, GOOD, NULL, CHIO_ATTEST_CHAIN, ~0u},
      {"a VLEK where the report names a VCEK",
       {{0, 3}},
       1,
       {.fmc = -1, .vlek = true, .under_asvk = true},
       NULL,
       CHIO_ATTEST_CHAIN,
       ~0u},
      {"a VLEK under its own authority",
       {{CHIO_SNP_KEY_INFO, 4}},
       1,
       {.fmc = -1, .vlek = true, .under_asvk = true},
       NULL,
       CHIO_ATTEST_ACCEPTED,
       0},
      {"a VLEK under the authority of chips",
       {{CHIO_SNP_KEY_INFO, 4}},
       1,
       {.fmc = -1, .vlek = true},
       NULL,
       CHIO_ATTEST_CHAIN,
       CHAIN | TCB},
      {"a VCEK under the authority of loaded keys",
       {{0, 3}},
       1,
       {.fmc = -1, .under_asvk = true},
       NULL,
       CHIO_ATTEST_CHAIN,
       CHAIN | TCB},
      {"a key that signs nothing (7)", {{CHIO_SNP_KEY_INFO, 7 << 2}}, 1, GOOD, NULL, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"a key of kind 2", {{CHIO_SNP_KEY_INFO, 2 << 2}}, 1, GOOD, NULL, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"a report of version 2 from a Turin",
       {{0, 2}},
       1,
       {.fmc = BOOTLOADER, .product = "Turin", .svns = {0, 0, 0, MICROCODE}},
       NULL,
       CHIO_ATTEST_CERTIFICATE_MISMATCH,
       TCB},
      {"a certificate of another name", {{0, 3}}, 1, {.fmc = -1, .cn = "SEV-CEK"}, NULL, CHIO_ATTEST_CHAIN, ~0u},
      {"a certificate without an SNP version",
       {{0, 3}},
       1,
       {.fmc = -1, .without_svn = true},
       NULL,
       CHIO_ATTEST_CHAIN,
       ~0u},
      {"a certificate that is an authority",
       {{0, 3}},
       1,
       {.fmc = -1, .cert = {.ca = true}},
       NULL,
       CHIO_ATTEST_CHAIN,
       ~0u},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void chains_hold_as_amd_signs_them(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"PSS with SHA-256",
       {{0, 3}},
       1,
       {.fmc = -1, .cert = {.flags = FORGE_PSS_SHA256}},
       NULL,
       CHIO_ATTEST_CHAIN,
       CHAIN | TCB},
      {"another key signed the VCEK's certificate",
       {{0, 3}},
       1,
       {.fmc = -1, .cert = {.flags = FORGE_OTHER_SIGNER}},
       NULL,
       CHIO_ATTEST_CHAIN,
       CHAIN | TCB},
      {"nobody signed it",
       {{0, 3}},
       1,
       {.fmc = -1, .cert = {.flags = FORGE_NOT_SIGNED}},
       NULL,
       CHIO_ATTEST_CHAIN,
       CHAIN | TCB},
      {"it has expired",
       {{0, 3}},
       1,
       {.fmc = -1, .cert = {.from_days = -20, .until_days = -1}},
       NULL,
       CHIO_ATTEST_CERTIFICATE_EXPIRED,
       CHAIN | TCB},
      {"it is of tomorrow",
       {{0, 3}},
       1,
       {.fmc = -1, .cert = {.from_days = 1, .until_days = 9}},
       NULL,
       CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID,
       CHAIN | TCB},
      {"it has an unknown critical extension",
       {{0, 3}},
       1,
       {.fmc = -1, .cert = {.flags = FORGE_CRITICAL}},
       NULL,
       CHIO_ATTEST_CHAIN,
       CHAIN | TCB},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
  EVP_PKEY *p256 = forge_key("P-256");
  const struct vek on_p256 = {.fmc = -1, .key = p256};
  uint8_t report[CHIO_SNP_REPORT_SIZE];
  make_report(NULL, 0, vek_key, report);
  forge_expect("a VCEK on P-256", judge(chio_slice(report, sizeof report), &on_p256, NULL, true, NULL),
               CHIO_ATTEST_CHAIN, ~0u);
  EVP_PKEY_free(p256);
}

/* ---- The TCB ---- */

static void each_part_of_the_tcb_is_the_certificates(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"boot loader", {{CHIO_SNP_REPORTED_TCB, BOOTLOADER + 1}}, 1, GOOD, NULL, CHIO_ATTEST_CERTIFICATE_MISMATCH, TCB},
      {"TEE", {{CHIO_SNP_REPORTED_TCB + 1, TEE + 1}}, 1, GOOD, NULL, CHIO_ATTEST_CERTIFICATE_MISMATCH, TCB},
      {"SNP", {{CHIO_SNP_REPORTED_TCB + 6, SNP + 1}}, 1, GOOD, NULL, CHIO_ATTEST_CERTIFICATE_MISMATCH, TCB},
      {"SNP, lower", {{CHIO_SNP_REPORTED_TCB + 6, SNP - 1}}, 1, GOOD, NULL, CHIO_ATTEST_CERTIFICATE_MISMATCH, TCB},
      {"microcode", {{CHIO_SNP_REPORTED_TCB + 7, MICROCODE + 1}}, 1, GOOD, NULL, CHIO_ATTEST_CERTIFICATE_MISMATCH, TCB},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* CCF #6812: an old TCB, and the certificate that fits it: genuine, and full of known holes. */
static void ccf_6812_an_old_tcb_with_its_own_certificate_is_refused(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"SNP below the minimum",
       {{CHIO_SNP_REPORTED_TCB + 6, 8}},
       1,
       {.fmc = -1, .svns = {BOOTLOADER, TEE, 8, MICROCODE}},
       "[snp]\nmin_snp = 24\nmin_microcode = 213\n",
       CHIO_ATTEST_TCB_MINIMUM,
       CHIO_ATTEST_PROVED_POLICY},
      {"more microcode does not make up for less SNP",
       {{CHIO_SNP_REPORTED_TCB + 6, 8}, {CHIO_SNP_REPORTED_TCB + 7, 255}},
       2,
       {.fmc = -1, .svns = {BOOTLOADER, TEE, 8, 255}},
       "[snp]\nmin_snp = 24\nmin_microcode = 213\n",
       CHIO_ATTEST_TCB_MINIMUM,
       CHIO_ATTEST_PROVED_POLICY},
      {"microcode below the minimum (AMD-SB-3019)",
       {{0, 3}},
       1,
       GOOD,
       "[snp]\nmin_snp = 24\nmin_microcode = 214\n",
       CHIO_ATTEST_TCB_MINIMUM,
       CHIO_ATTEST_PROVED_POLICY},
      {"at the minimum", {{0, 3}}, 1, GOOD, "[snp]\nmin_snp = 24\nmin_microcode = 213\n", CHIO_ATTEST_ACCEPTED, 0},
      {"firmware that can be rolled back",
       {{CHIO_SNP_COMMITTED_TCB + 6, 8}},
       1,
       GOOD,
       "[snp]\nrefuse_provisional = true\n",
       CHIO_ATTEST_TCB_MINIMUM,
       CHIO_ATTEST_PROVED_POLICY},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Guests ---- */

static void guests_that_others_can_look_into_are_refused(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"debug", {{CHIO_SNP_POLICY + 2, 0x0b}}, 1, GOOD, "", CHIO_ATTEST_DEBUG, CHIO_ATTEST_PROVED_POLICY},
      {"debug, and nobody's policy", {{CHIO_SNP_POLICY + 2, 0x0b}}, 1, GOOD, NULL, CHIO_ATTEST_DEBUG, 0},
      {"debug without SMT", {{CHIO_SNP_POLICY + 2, 0x0a}}, 1, GOOD, "", CHIO_ATTEST_DEBUG, CHIO_ATTEST_PROVED_POLICY},
      {"SMT, as the usual policy 0x30000 has it", {{CHIO_SNP_POLICY + 2, 0x03}}, 1, GOOD, "", CHIO_ATTEST_ACCEPTED, 0},
      {"no SMT", {{CHIO_SNP_POLICY + 2, 0x02}}, 1, GOOD, "", CHIO_ATTEST_ACCEPTED, 0},
      {"SMT, where the policy refuses it",
       {{CHIO_SNP_POLICY + 2, 0x03}},
       1,
       GOOD,
       "[snp]\nrefuse_smt = true\n",
       CHIO_ATTEST_ATTRIBUTES,
       CHIO_ATTEST_PROVED_POLICY},
      {"a migration agent",
       {{CHIO_SNP_POLICY + 2, 0x07}},
       1,
       GOOD,
       "",
       CHIO_ATTEST_ATTRIBUTES,
       CHIO_ATTEST_PROVED_POLICY},
      {"the bit that must be one is zero",
       {{CHIO_SNP_POLICY + 2, 0x01}},
       1,
       GOOD,
       "",
       CHIO_ATTEST_ATTRIBUTES,
       CHIO_ATTEST_PROVED_POLICY},
      {"a policy bit that nobody knows",
       {{CHIO_SNP_POLICY + 3, 0x04}},
       1,
       GOOD,
       "",
       CHIO_ATTEST_ATTRIBUTES,
       CHIO_ATTEST_PROVED_POLICY},
      {"policy bit 25, as AWS has it", {{CHIO_SNP_POLICY + 3, 0x02}}, 1, GOOD, "", CHIO_ATTEST_ACCEPTED, 0},
      {"VMPL 1", {{CHIO_SNP_VMPL, 1}}, 1, GOOD, "", CHIO_ATTEST_ATTRIBUTES, CHIO_ATTEST_PROVED_POLICY},
      {"asked for by the host",
       {{CHIO_SNP_VMPL, 0xff}, {CHIO_SNP_VMPL + 1, 0xff}, {CHIO_SNP_VMPL + 2, 0xff}, {CHIO_SNP_VMPL + 3, 0xff}},
       4,
       GOOD,
       "",
       CHIO_ATTEST_ATTRIBUTES,
       CHIO_ATTEST_PROVED_POLICY},
      {"another measurement",
       {{CHIO_SNP_MEASUREMENT + 47, 0}},
       1,
       GOOD,
       "",
       CHIO_ATTEST_MEASUREMENT,
       CHIO_ATTEST_PROVED_POLICY | CHIO_ATTEST_PROVED_MEASUREMENT},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void badram_memory_that_was_not_checked_for_aliases_is_refused(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"no alias check",
       {{CHIO_SNP_PLATFORM_INFO, 0x05}},
       1,
       GOOD,
       "[snp]\nrequire_alias_check = true\n",
       CHIO_ATTEST_ATTRIBUTES,
       CHIO_ATTEST_PROVED_POLICY},
      {"an alias check", {{0, 3}}, 1, GOOD, "[snp]\nrequire_alias_check = true\n", CHIO_ATTEST_ACCEPTED, 0},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* arXiv 2605.12990: the seeds of Milan's VCEKs were extracted. A policy can do without the product, or name chips. */
static void arxiv_2605_12990_a_product_or_chip_that_the_policy_leaves_out_is_refused(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"Milan where Genoa and Turin are named",
       {{0, 3}},
       1,
       GOOD,
       "[snp]\nproducts = [\"Genoa\", \"Turin\"]\n",
       CHIO_ATTEST_CHIP,
       CHIO_ATTEST_PROVED_POLICY},
      {"another chip than the one named",
       {{0, 3}},
       1,
       GOOD,
       "[snp]\nchip_ids = "
       "[\"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
       "000000000000000000000000000000000000\"]\n",
       CHIO_ATTEST_CHIP,
       CHIO_ATTEST_PROVED_POLICY},
      {"a key loaded by a provider that is not named",
       {{CHIO_SNP_KEY_INFO, 4}},
       1,
       {.fmc = -1, .vlek = true, .under_asvk = true},
       "",
       CHIO_ATTEST_CHIP,
       CHIO_ATTEST_PROVED_POLICY},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Structure ---- */

static void reports_of_other_versions_and_algorithms_are_refused(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"version 0", {{0, 0}}, 1, GOOD, NULL, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"version 1", {{0, 1}}, 1, GOOD, NULL, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"version 6", {{0, 6}}, 1, GOOD, NULL, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"version 259", {{1, 1}}, 1, GOOD, NULL, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"algorithm 2", {{CHIO_SNP_SIGNATURE_ALGO, 2}}, 1, GOOD, NULL, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"algorithm 0x10001", {{CHIO_SNP_SIGNATURE_ALGO + 2, 1}}, 1, GOOD, NULL, CHIO_ATTEST_UNSUPPORTED, ~0u},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* The table of certificates comes from the host. */
static void a_certificate_table_that_points_outside_is_refused(void **state) {
  (void)state;
  static const uint8_t vcek[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                                   0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
  static const struct {
    const char *name;
    uint32_t offset, len;
    bool end;
  } rows[] = {{"an offset beyond the end", 4096, 16, true},
              {"a length beyond the end", 48, 4096, true},
              {"both together beyond 32 bits", 0xffffffff, 1, true},
              {"a length of all ones", 48, 0xffffffff, true},
              {"a table without an end", 48, 0, false}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf evidence = CHIO_BUF_INIT;
    uint8_t report[CHIO_SNP_REPORT_SIZE];
    make_report(NULL, 0, vek_key, report);
    chio_buf_append(&evidence, report, sizeof report);
    for (int k = 0; k < (rows[i].end ? 1 : 2); k++) {
      chio_buf_append(&evidence, vcek, sizeof vcek);
      chio_buf_append_u32le(&evidence, rows[i].offset);
      chio_buf_append_u32le(&evidence, rows[i].len);
    }
    for (int k = 0; rows[i].end && k < 24; k++) chio_buf_append_u8(&evidence, 0);
    forge_expect(rows[i].name, judge(chio_buf_slice(&evidence), &good_vek, NULL, true, NULL), CHIO_ATTEST_FORMAT, 0);
    chio_buf_clear(&evidence);
  }
}

/* ---- Revocation ---- */

static void make_crl(EVP_PKEY *key, X509 *revoked, int days, struct chio_buf *out) {
  X509_CRL *crl = X509_CRL_new();
  ASN1_TIME *t = X509_time_adj_ex(NULL, days - 10, 0, NULL);
  X509_CRL_set_version(crl, 1);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(ark));
  X509_CRL_set1_lastUpdate(crl, t);
  X509_time_adj_ex(t, days, 0, NULL);
  X509_CRL_set1_nextUpdate(crl, t);
  if (revoked != NULL) {
    X509_REVOKED *entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked));
    X509_REVOKED_set_revocationDate(entry, t);
    X509_CRL_add0_revoked(crl, entry);
  }
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *key_ctx = NULL;
  assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, EVP_sha384(), NULL, key), 1);
  EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING);
  EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, 48);
  assert_true(X509_CRL_sign_ctx(crl, ctx) > 0);
  unsigned char *der = NULL;
  int len = i2d_X509_CRL(crl, &der);
  chio_buf_append(out, der, (size_t)len);
  OPENSSL_free(der);
  EVP_MD_CTX_free(ctx);
  ASN1_TIME_free(t);
  X509_CRL_free(crl);
}

/* go-sev-guest looked at intermediates alone, which is where AMD revokes; nobody looked at the signature. */
static void amds_revocation_list_counts_when_amd_signed_it(void **state) {
  (void)state;
  const struct {
    const char *name;
    EVP_PKEY *key;
    X509 *revoked;
    int days;
    enum chio_attest_reason reason;
    uint32_t unproved;
  } rows[] = {
      {"an empty list", ark_key, NULL, 5, CHIO_ATTEST_ACCEPTED, 0},
      {"another authority on the list", ark_key, asvk, 5, CHIO_ATTEST_ACCEPTED, 0},
      {"the authority on the list", ark_key, ask, 5, CHIO_ATTEST_REVOKED, CRL},
      {"a list of another key", asvk_key, NULL, 5, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
      {"a list that has expired", ark_key, NULL, -1, CHIO_ATTEST_COLLATERAL_EXPIRED, CRL},
      {"a list from the future", ark_key, NULL, 20, CHIO_ATTEST_COLLATERAL_NOT_YET_VALID, CRL},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    uint8_t report[CHIO_SNP_REPORT_SIZE];
    struct chio_buf crl = CHIO_BUF_INIT;
    make_report(NULL, 0, vek_key, report);
    make_crl(rows[i].key, rows[i].revoked, rows[i].days, &crl);
    forge_expect(rows[i].name, judge(chio_slice(report, sizeof report), &good_vek, NULL, true, &crl), rows[i].reason,
                 rows[i].unproved);
    chio_buf_clear(&crl);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(go_sev_guest_185_a_root_from_the_evidence_is_no_anchor),
      cmocka_unit_test(ms_145_a_root_of_the_callers_never_makes_it_amds),
      cmocka_unit_test(ms_verifier_a_signature_of_zeros_or_beyond_the_order_is_none),
      cmocka_unit_test(the_other_signature_of_the_same_report_is_the_same_evidence),
      cmocka_unit_test(virtee_sev_the_signature_is_over_the_bytes_as_received),
      cmocka_unit_test(no_certificate_of_another_chip_product_or_kind_counts),
      cmocka_unit_test(chains_hold_as_amd_signs_them),
      cmocka_unit_test(each_part_of_the_tcb_is_the_certificates),
      cmocka_unit_test(ccf_6812_an_old_tcb_with_its_own_certificate_is_refused),
      cmocka_unit_test(guests_that_others_can_look_into_are_refused),
      cmocka_unit_test(badram_memory_that_was_not_checked_for_aliases_is_refused),
      cmocka_unit_test(arxiv_2605_12990_a_product_or_chip_that_the_policy_leaves_out_is_refused),
      cmocka_unit_test(reports_of_other_versions_and_algorithms_are_refused),
      cmocka_unit_test(a_certificate_table_that_points_outside_is_refused),
      cmocka_unit_test(amds_revocation_list_counts_when_amd_signed_it),
  };
  return cmocka_run_group_tests(tests, snp_set_up, snp_tear_down);
}
