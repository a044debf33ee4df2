/*
 * Chains of certificates with one thing wrong, under a root that the caller trusts: quotes of a simulated platform
 * whose PCK certificate leads there in a way that must not count. Each row is a chain from the root to the PCK
 * certificate.
 */
#include "attest/dcap.h"
#include "attest/x509.h"
#include "tests/unit/dcap_rig.h"
#include "tests/unit/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#define LINKS_MAX 10
#define ROOT_CN "Forged SGX Root CA"
#define CA_CN "Forged SGX PCK Platform CA"
#define PCK_CN "Forged SGX PCK Certificate"

#define ROOT \
  { .cn = ROOT_CN, .ca = true, .path_len = 1 }
#define CA \
  { .cn = CA_CN, .ca = true, .path_len = 0 }
#define PCK \
  { .cn = PCK_CN, .path_len = -1 }

struct row {
  const char *name;
  enum chio_attest_reason reason;
  struct forge_cert links[LINKS_MAX]; /* root first; each issued by the one before */
  const char *curves[LINKS_MAX];      /* NULL: P-256 */
  const char *order;                  /* in the quote: digits of links; NULL: leaf to root */
};

struct chain {
  EVP_PKEY *keys[LINKS_MAX];
  X509 *certs[LINKS_MAX];
  size_t count;
};

static EVP_PKEY *make_key(const char *curve) {
  if (curve != NULL && strcmp(curve, "explicit") == 0) return forge_explicit_key();
  return forge_key(curve != NULL ? curve : "P-256");
}

static void make_chain(const struct row *row, struct chain *out) {
  memset(out, 0, sizeof *out);
  for (size_t i = 0; i < LINKS_MAX && row->links[i].cn != NULL; i++, out->count++) {
    struct forge_cert spec = row->links[i];
    if (!spec.ca && strstr(spec.cn, "PCK") != NULL) spec.extension_of = rig.qe.pki.pairs[CHIO_SIM_DCAP_PCK].cert;
    out->keys[i] = make_key(row->curves[i]);
    out->certs[i] =
        forge_certify(out->keys[i], i > 0 ? out->keys[i - 1] : NULL, i > 0 ? out->certs[i - 1] : NULL, &spec);
  }
}

static void clear_chain(struct chain *chain) {
  for (size_t i = 0; i < chain->count; i++) {
    EVP_PKEY_free(chain->keys[i]);
    X509_free(chain->certs[i]);
  }
}

/* A quote whose quoting enclave's report that key signs, and whose certificates are that text. */
static void make_quote(EVP_PKEY *pck, const struct chio_buf *pem, struct chio_buf *out) {
  struct chio_sim_qe qe = rig.qe; /* a copy that borrows all but these */
  if (EVP_PKEY_get_bits(pck) == 256) qe.pki.pairs[CHIO_SIM_DCAP_PCK].key = pck; /* no other fits the format */
  qe.chain = *pem;
  chio_buf_append(out, rig.quote.data, CHIO_DCAP_HEADER_SIZE + CHIO_DCAP_TD10_SIZE);
  assert_int_equal(chio_sim_qe_sign(&qe, 4, true, out), CHIO_OK);
}

static struct chio_attest_result *judge_under(const X509 *root, const struct chio_buf *quote) {
  struct chio_buf root_pem = CHIO_BUF_INIT;
  if (root != NULL) forge_pem(root, &root_pem);
  const struct chio_attest_request request = {.evidence = quote->data,
                                              .evidence_len = quote->len,
                                              .at = rig.now,
                                              .root = root_pem.data,
                                              .root_len = root_pem.len};
  struct chio_attest_result *result = forge_judge(&request);
  chio_buf_clear(&root_pem);
  return result;
}

static void put_certificates(const struct chain *chain, const char *order, struct chio_buf *out) {
  if (order == NULL) {
    for (size_t i = chain->count; i > 0; i--) forge_pem(chain->certs[i - 1], out);
    return;
  }
  for (; *order != 0; order++) forge_pem(chain->certs[*order - '0'], out);
}

static void judge_row(const struct row *row) {
  struct chain chain;
  struct chio_buf pem = CHIO_BUF_INIT, quote = CHIO_BUF_INIT;
  make_chain(row, &chain);
  put_certificates(&chain, row->order, &pem);
  make_quote(chain.keys[chain.count - 1], &pem, &quote);
  bool good = row->reason == CHIO_ATTEST_ACCEPTED || row->reason == CHIO_ATTEST_QE_SIGNATURE;
  forge_expect(row->name, judge_under(chain.certs[0], &quote), row->reason,
               good ? 0 : CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_TCB);
  chio_buf_clear(&pem);
  chio_buf_clear(&quote);
  clear_chain(&chain);
}

static void judge_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) judge_row(&rows[i]);
}

/* ---- What is right, so that the rest is refused for what is wrong with it alone ---- */

static void a_chain_in_any_order_is_accepted(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"leaf, authority, root", CHIO_ATTEST_ACCEPTED, {ROOT, CA, PCK}, {NULL}, NULL},
      {"leaf, root, authority (as Fortanix has it)", CHIO_ATTEST_ACCEPTED, {ROOT, CA, PCK}, {NULL}, "201"},
      {"the leaf twice", CHIO_ATTEST_ACCEPTED, {ROOT, CA, PCK}, {NULL}, "2210"},
      {"no key identifiers",
       CHIO_ATTEST_ACCEPTED,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .flags = FORGE_NO_KEY_IDS}},
       {NULL},
       NULL},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Roles ---- */

static void only_an_authority_issues(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"a leaf used as authority (CA:FALSE)",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .path_len = -1}, PCK},
       {NULL},
       NULL},
      {"an authority without basic constraints",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = -1, .flags = FORGE_NO_CONSTRAINTS}, PCK},
       {NULL},
       NULL},
      {"a PCK that issues another", CHIO_ATTEST_CHAIN, {ROOT, CA, PCK, {.cn = PCK_CN " 2"}}, {NULL}, "3210"},
      {"an authority of X.509 version 1",
       CHIO_ATTEST_FORMAT,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = -1, .flags = FORGE_VERSION_1}, PCK},
       {NULL},
       NULL},
      {"a root that is none (CA:FALSE)", CHIO_ATTEST_CHAIN, {{.cn = ROOT_CN, .path_len = -1}, CA, PCK}, {NULL}, NULL},
      {"a PCK that is an authority",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .ca = true, .path_len = -1}},
       {NULL},
       NULL},
      {"a PCK that the root issued itself", CHIO_ATTEST_CHAIN, {ROOT, PCK}, {NULL}, NULL},
      {"the TCB signer as PCK", CHIO_ATTEST_CHAIN, {ROOT, {.cn = "Forged SGX TCB Signing"}}, {NULL}, NULL},
      {"a PCK of an authority for TCBs",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = "Forged SGX TCB CA", .ca = true, .path_len = 0}, PCK},
       {NULL},
       NULL},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void path_lengths_hold(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"one authority below pathlen:1, one below that",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = "Forged sub PCK CA", .ca = true, .path_len = -1}, PCK},
       {NULL},
       NULL},
      {"an authority below a root with pathlen:0",
       CHIO_ATTEST_CHAIN,
       {{.cn = ROOT_CN, .ca = true, .path_len = 0}, CA, PCK},
       {NULL},
       NULL},
      {"two authorities where the root allows one",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 7}, {.cn = "Forged sub PCK CA", .ca = true, .path_len = -1}, PCK},
       {NULL},
       NULL},
      {"the same, where nobody limits",
       CHIO_ATTEST_ACCEPTED,
       {{.cn = ROOT_CN, .ca = true, .path_len = -1},
        {.cn = CA_CN, .ca = true, .path_len = 7},
        {.cn = "Forged sub PCK CA", .ca = true, .path_len = -1},
        PCK},
       {NULL},
       NULL},
      {"a path longer than any",
       CHIO_ATTEST_CHAIN,
       {{.cn = ROOT_CN, .ca = true, .path_len = -1},
        {.cn = "A", .ca = true, .path_len = -1},
        {.cn = "B", .ca = true, .path_len = -1},
        {.cn = "C", .ca = true, .path_len = -1},
        {.cn = "D", .ca = true, .path_len = -1},
        {.cn = "E", .ca = true, .path_len = -1},
        {.cn = "F", .ca = true, .path_len = -1},
        {.cn = CA_CN, .ca = true, .path_len = -1},
        PCK},
       {NULL},
       "76543218"},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void key_usages_hold(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"an authority that may not sign certificates",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 0, .key_usage = "critical,cRLSign"}, PCK},
       {NULL},
       NULL},
      {"an authority for signatures alone",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 0, .key_usage = "critical,digitalSignature"}, PCK},
       {NULL},
       NULL},
      {"a root that may not sign certificates",
       CHIO_ATTEST_CHAIN,
       {{.cn = ROOT_CN, .ca = true, .path_len = 1, .key_usage = "critical,cRLSign"}, CA, PCK},
       {NULL},
       NULL},
      {"a PCK that may not sign",
       CHIO_ATTEST_CERTIFICATE_MISMATCH,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .key_usage = "critical,keyAgreement"}},
       {NULL},
       NULL},
      {"a PCK without a key usage",
       CHIO_ATTEST_ACCEPTED,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .key_usage = ""}},
       {NULL},
       NULL},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Time ---- */

static void each_certificate_counts_in_its_time_alone(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"an expired root",
       CHIO_ATTEST_CERTIFICATE_EXPIRED,
       {{.cn = ROOT_CN, .ca = true, .path_len = 1, .from_days = -100, .until_days = -1}, CA, PCK},
       {NULL},
       NULL},
      {"an expired authority",
       CHIO_ATTEST_CERTIFICATE_EXPIRED,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 0, .from_days = -100, .until_days = -1}, PCK},
       {NULL},
       NULL},
      {"an expired PCK",
       CHIO_ATTEST_CERTIFICATE_EXPIRED,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .from_days = -100, .until_days = -1}},
       {NULL},
       NULL},
      {"a root from the future",
       CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID,
       {{.cn = ROOT_CN, .ca = true, .path_len = 1, .from_days = 1, .until_days = 100}, CA, PCK},
       {NULL},
       NULL},
      {"an authority from the future",
       CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 0, .from_days = 1, .until_days = 100}, PCK},
       {NULL},
       NULL},
      {"a PCK from the future",
       CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .from_days = 1, .until_days = 100}},
       {NULL},
       NULL},
      {"a PCK that ends before it begins",
       CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .from_days = 2, .until_days = -2}},
       {NULL},
       NULL},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* Signatures that held once are remembered; that a certificate has expired since is not (base/nitro-validator cached
 * whole chains and forgot their ends). */
static void a_remembered_signature_does_not_outlive_its_certificate(void **state) {
  (void)state;
  static const struct row row = {"today", CHIO_ATTEST_ACCEPTED, {ROOT, CA, PCK}, {NULL}, NULL};
  struct chain chain;
  struct chio_buf pem = CHIO_BUF_INIT, quote = CHIO_BUF_INIT;
  make_chain(&row, &chain);
  put_certificates(&chain, NULL, &pem);
  make_quote(chain.keys[2], &pem, &quote);
  for (int i = 0; i < 2; i++)
    forge_expect("a chain, today", judge_under(chain.certs[0], &quote), CHIO_ATTEST_ACCEPTED, 0);
  rig.now += 3651LL * 86400;
  forge_expect("the same chain, remembered, eleven years on", judge_under(chain.certs[0], &quote),
               CHIO_ATTEST_CERTIFICATE_EXPIRED, CHIO_ATTEST_PROVED_CHAIN);
  rig.now -= 3651LL * 86400;
  chio_buf_clear(&pem);
  chio_buf_clear(&quote);
  clear_chain(&chain);
}

/* ---- Names and signatures ---- */

static void names_and_signatures_both_fit_or_neither_counts(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"the PCK names another issuer",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .issuer_cn = "Forged SGX PCK Processor CA", .path_len = -1}},
       {NULL},
       NULL},
      {"the authority names another root",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .issuer_cn = "Forged SGX Root CA ", .ca = true, .path_len = 0}, PCK},
       {NULL},
       NULL},
      {"another key signed the PCK certificate",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .flags = FORGE_OTHER_SIGNER}},
       {NULL},
       NULL},
      {"another key signed the authority",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 0, .flags = FORGE_OTHER_SIGNER}, PCK},
       {NULL},
       NULL},
      {"nobody signed the PCK certificate",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .flags = FORGE_NOT_SIGNED}},
       {NULL},
       NULL},
      {"another key signed the root",
       CHIO_ATTEST_CHAIN,
       {{.cn = ROOT_CN, .ca = true, .path_len = 1, .flags = FORGE_OTHER_SIGNER}, CA, PCK},
       {NULL},
       NULL},
      {"a signature over SHA-1",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 0, .flags = FORGE_SHA1}, PCK},
       {NULL},
       NULL},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* Automata 268a403 and 5061d48: where the key identifiers did not match, or were empty, no signature was checked. */
static void automata_268a403_a_key_identifier_never_replaces_a_signature(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"identifier of another key, signed by the issuer",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .flags = FORGE_AKI_OTHER}},
       {NULL},
       NULL},
      {"identifier of another key, signed by another",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .flags = FORGE_AKI_OTHER | FORGE_OTHER_SIGNER}},
       {NULL},
       NULL},
      {"empty identifier, signed by another",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .flags = FORGE_AKI_EMPTY | FORGE_OTHER_SIGNER}},
       {NULL},
       NULL},
      {"no identifier, signed by another",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .flags = FORGE_NO_KEY_IDS | FORGE_OTHER_SIGNER}},
       {NULL},
       NULL},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void extensions_that_nobody_understands_refuse(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"an unknown critical extension of the PCK",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, {.cn = PCK_CN, .path_len = -1, .flags = FORGE_CRITICAL}},
       {NULL},
       NULL},
      {"an unknown critical extension of the authority",
       CHIO_ATTEST_CHAIN,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 0, .flags = FORGE_CRITICAL}, PCK},
       {NULL},
       NULL},
      {"basic constraints twice, the second an authority's",
       CHIO_ATTEST_FORMAT,
       {ROOT, {.cn = CA_CN, .ca = true, .path_len = 0, .flags = FORGE_TWO_CONSTRAINTS}, PCK},
       {NULL},
       NULL},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Curves ---- */

static void keys_are_on_the_curves_that_the_format_has(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"a PCK on P-384", CHIO_ATTEST_QE_SIGNATURE, {ROOT, CA, PCK}, {NULL, NULL, "P-384"}, NULL},
      {"a PCK on secp256k1", CHIO_ATTEST_QE_SIGNATURE, {ROOT, CA, PCK}, {NULL, NULL, "secp256k1"}, NULL},
      {"an authority on secp256k1", CHIO_ATTEST_CHAIN, {ROOT, CA, PCK}, {NULL, "secp256k1", NULL}, NULL},
      {"CVE-2020-0601: a root on a curve that its certificate spells out",
       CHIO_ATTEST_CHAIN,
       {ROOT, CA, PCK},
       {"explicit", NULL, NULL},
       NULL},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- What is in the quote ---- */

static void certificates_are_there_once_each_and_none_besides(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"the authority is missing", CHIO_ATTEST_CHAIN, {ROOT, CA, PCK}, {NULL}, "20"},
      {"the root is missing", CHIO_ATTEST_CHAIN, {ROOT, CA, PCK}, {NULL}, "21"},
      {"the PCK certificate is missing", CHIO_ATTEST_CHAIN, {ROOT, CA, PCK}, {NULL}, "10"},
      {"nothing but the PCK certificate", CHIO_ATTEST_CHAIN, {ROOT, CA, PCK}, {NULL}, "2"},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void a_bystander_in_the_chain_is_refused(void **state) {
  (void)state;
  static const struct row row = {
      "a certificate that the chain does not need", CHIO_ATTEST_CHAIN, {ROOT, CA, PCK}, {NULL}, NULL};
  struct chain chain;
  struct chio_buf pem = CHIO_BUF_INIT, quote = CHIO_BUF_INIT;
  make_chain(&row, &chain);
  put_certificates(&chain, NULL, &pem);
  forge_pem(rig.qe.pki.pairs[CHIO_SIM_DCAP_TCB_SIGNING].cert, &pem);
  make_quote(chain.keys[2], &pem, &quote);
  forge_expect(row.name, judge_under(chain.certs[0], &quote), row.reason, CHIO_ATTEST_PROVED_CHAIN);
  chio_buf_clear(&pem);
  chio_buf_clear(&quote);
  clear_chain(&chain);
}

/* Bytes of one certificate, or of the text around all, changed. */
static void damaged_text_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *name, *before, *after;
    int extra; /* octets after the DER of the leaf */
  } rows[] = {
      {"text before the certificates", "x", "", 0},
      {"text after the certificates", "", "x", 0},
      {"a block of another kind", "", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 0},
      {"a block without an end", "", "-----BEGIN CERTIFICATE-----\nAAAA\n", 0},
      {"an octet after the leaf's DER", "", "", 1},
  };
  static const struct row row = {"", CHIO_ATTEST_FORMAT, {ROOT, CA, PCK}, {NULL}, NULL};
  struct chain chain;
  make_chain(&row, &chain);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf pem = CHIO_BUF_INIT, quote = CHIO_BUF_INIT, der = CHIO_BUF_INIT;
    chio_buf_append_str(&pem, rows[i].before);
    forge_der(chain.certs[2], &der);
    if (rows[i].extra > 0) chio_buf_append_u8(&der, 0);
    forge_pem_of(chio_buf_slice(&der), &pem);
    forge_pem(chain.certs[1], &pem);
    forge_pem(chain.certs[0], &pem);
    chio_buf_append_str(&pem, rows[i].after);
    make_quote(chain.keys[2], &pem, &quote);
    forge_expect(rows[i].name, judge_under(chain.certs[0], &quote), CHIO_ATTEST_FORMAT, CHIO_ATTEST_PROVED_CHAIN);
    chio_buf_clear(&pem);
    chio_buf_clear(&quote);
    chio_buf_clear(&der);
  }
  clear_chain(&chain);
}

/* Two authorities that vouch for each other lead nowhere, and the search for a way out of them ends. */
static void authorities_that_vouch_for_each_other_lead_nowhere(void **state) {
  (void)state;
  static const struct forge_cert a = {.cn = "A PCK CA", .issuer_cn = "B PCK CA", .ca = true, .path_len = -1};
  static const struct forge_cert b = {.cn = "B PCK CA", .issuer_cn = "A PCK CA", .ca = true, .path_len = -1};
  EVP_PKEY *key_a = forge_key("P-256"), *key_b = forge_key("P-256"), *key = forge_key("P-256");
  X509 *cert_b = forge_certify(key_b, key_a, NULL, &b), *cert_a = forge_certify(key_a, key_b, cert_b, &a);
  const struct forge_cert pck = {
      .cn = PCK_CN, .path_len = -1, .extension_of = rig.qe.pki.pairs[CHIO_SIM_DCAP_PCK].cert};
  X509 *leaf = forge_certify(key, key_a, cert_a, &pck);
  struct chio_buf pem = CHIO_BUF_INIT, quote = CHIO_BUF_INIT;
  forge_pem(leaf, &pem);
  forge_pem(cert_a, &pem);
  forge_pem(cert_b, &pem);
  make_quote(key, &pem, &quote);
  forge_expect("two authorities that issue each other", judge_under(cert_a, &quote), CHIO_ATTEST_CHAIN,
               CHIO_ATTEST_PROVED_CHAIN);
  X509 *const certs[] = {cert_a, cert_b, leaf};
  EVP_PKEY *const keys[] = {key_a, key_b, key};
  for (size_t i = 0; i < 3; i++) {
    X509_free(certs[i]);
    EVP_PKEY_free(keys[i]);
  }
  chio_buf_clear(&pem);
  chio_buf_clear(&quote);
}

/* go-sev-guest #185, MS TEE-Attestation-Verification #140: the root that came with the evidence is no anchor. Here it
 * even has the genuine root's names, byte for byte. */
static void a_root_with_intels_names_is_not_intels(void **state) {
  (void)state;
  static const struct row row = {"", CHIO_ATTEST_UNTRUSTED_ROOT, {ROOT, CA, PCK}, {NULL}, NULL};
  struct row named = row;
  named.links[0].cn = "Intel SGX Root CA";
  named.links[1].cn = "Intel SGX PCK Platform CA";
  named.links[2].cn = "Intel SGX PCK Certificate";
  struct chain chain;
  struct chio_buf pem = CHIO_BUF_INIT, quote = CHIO_BUF_INIT;
  make_chain(&named, &chain);
  put_certificates(&chain, NULL, &pem);
  make_quote(chain.keys[2], &pem, &quote);
  forge_expect("Intel's names on a root of one's own", judge_under(NULL, &quote), CHIO_ATTEST_UNTRUSTED_ROOT,
               CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_QE_IDENTITY | CHIO_ATTEST_PROVED_TCB);
  chio_buf_clear(&pem);
  chio_buf_clear(&quote);
  clear_chain(&chain);
}

/* ---- Who certifies what ---- */

/* Intel's extension without its last two items: platform instance and configuration. */
static void without_platform_items(const X509 *pck, struct chio_buf *out) {
  static const uint8_t instance[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x06};
  struct chio_buf der = CHIO_BUF_INIT;
  struct chio_cert cert;
  struct chio_slice contents;
  forge_der(pck, &der);
  assert_int_equal(chio_cert_parse(chio_buf_slice(&der), &cert), CHIO_OK);
  assert_int_equal(chio_cert_extension(&cert, chio_slice(instance, sizeof instance - 1), &contents), CHIO_OK);
  const uint8_t *at = memmem(contents.data, contents.len, instance, sizeof instance);
  assert_true(at != NULL && contents.data[1] == 0x82);
  size_t len = (size_t)(at - contents.data) - 4 - 4; /* its own SEQUENCE and OID headers go too */
  chio_buf_append(out, contents.data, 4 + len);
  out->data[2] = (uint8_t)(len >> 8);
  out->data[3] = (uint8_t)len;
  chio_buf_clear(&der);
}

static void judge_issuer(const char *name, const char *ca_cn, bool platform_items, enum chio_attest_reason reason) {
  struct chio_buf extension = CHIO_BUF_INIT, pem = CHIO_BUF_INIT, quote = CHIO_BUF_INIT;
  const struct row row = {name, reason, {ROOT, {.cn = ca_cn, .ca = true, .path_len = 0}}, {NULL}, NULL};
  struct chain chain;
  make_chain(&row, &chain);
  without_platform_items(rig.qe.pki.pairs[CHIO_SIM_DCAP_PCK].cert, &extension);
  const struct forge_extension reduced = {"1.2.840.113741.1.13.1", chio_buf_slice(&extension)};
  struct forge_cert leaf = {.cn = PCK_CN, .path_len = -1};
  if (platform_items)
    leaf.extension_of = rig.qe.pki.pairs[CHIO_SIM_DCAP_PCK].cert;
  else
    leaf.extensions = &reduced, leaf.extensions_count = 1;
  chain.keys[2] = forge_key("P-256");
  chain.certs[2] = forge_certify(chain.keys[2], chain.keys[1], chain.certs[1], &leaf);
  chain.count = 3;
  put_certificates(&chain, NULL, &pem);
  make_quote(chain.keys[2], &pem, &quote);
  forge_expect(name, judge_under(chain.certs[0], &quote), reason,
               reason == CHIO_ATTEST_ACCEPTED ? 0 : CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_TCB);
  chio_buf_clear(&extension);
  chio_buf_clear(&pem);
  chio_buf_clear(&quote);
  clear_chain(&chain);
}

/* Intel's PCK certificate profile: .6 and .7 are in certificates of the Platform CA alone. */
static void the_processor_ca_says_nothing_of_platforms(void **state) {
  (void)state;
  judge_issuer("the Platform CA, with them", CA_CN, true, CHIO_ATTEST_ACCEPTED);
  judge_issuer("the Processor CA, without them", "Forged SGX PCK Processor CA", false, CHIO_ATTEST_ACCEPTED);
  judge_issuer("the Processor CA, with them", "Forged SGX PCK Processor CA", true, CHIO_ATTEST_CERTIFICATE_MISMATCH);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_chain_in_any_order_is_accepted),
      cmocka_unit_test(only_an_authority_issues),
      cmocka_unit_test(path_lengths_hold),
      cmocka_unit_test(key_usages_hold),
      cmocka_unit_test(each_certificate_counts_in_its_time_alone),
      cmocka_unit_test(a_remembered_signature_does_not_outlive_its_certificate),
      cmocka_unit_test(names_and_signatures_both_fit_or_neither_counts),
      cmocka_unit_test(automata_268a403_a_key_identifier_never_replaces_a_signature),
      cmocka_unit_test(extensions_that_nobody_understands_refuse),
      cmocka_unit_test(keys_are_on_the_curves_that_the_format_has),
      cmocka_unit_test(certificates_are_there_once_each_and_none_besides),
      cmocka_unit_test(a_bystander_in_the_chain_is_refused),
      cmocka_unit_test(damaged_text_is_refused),
      cmocka_unit_test(authorities_that_vouch_for_each_other_lead_nowhere),
      cmocka_unit_test(a_root_with_intels_names_is_not_intels),
      cmocka_unit_test(the_processor_ca_says_nothing_of_platforms),
  };
  return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
