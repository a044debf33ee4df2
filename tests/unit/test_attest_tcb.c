/*
 * Collateral of a simulated Intel platform, whole and then with one thing wrong each time: what is revoked, expired,
 * forged, for someone else, or cut short must refuse with its own reason, and never count as proved.
 */
#include "attest/chio_attest.h"
#include "attest/dcap.h"
#include "attest/ecdsa.h"
#include "attest/platform.h"
#include "attest/sim_dcap.h"
#include "signer/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char dir[] = "/tmp/chio-test-tcb.XXXXXX", other_dir[] = "/tmp/chio-test-tcb.XXXXXX";
static struct chio_sim_qe qe, other_qe;
static struct chio_platform *platform;
static struct chio_buf quote, root_pem;
static int64_t now;

static int set_up(void **state) {
  (void)state;
  uint8_t report_data[64] = {1};
  now = (int64_t)time(NULL);
  if (mkdtemp(dir) == NULL || mkdtemp(other_dir) == NULL) return 1;
  if (chio_sim_qe_open(dir, "tdx", &qe, NULL) != CHIO_OK) return 1;
  if (chio_sim_qe_open(other_dir, "tdx", &other_qe, NULL) != CHIO_OK) return 1;
  if (chio_platform_open("sim-tdx", dir, NULL, &platform, NULL) != CHIO_OK) return 1;
  if (chio_platform_quote(platform, report_data, &quote, NULL) != CHIO_OK) return 1;
  return chio_platform_root(platform, &root_pem) == CHIO_OK ? 0 : 1;
}

static int tear_down(void **state) {
  (void)state;
  static const char *const names[] = {"sim/tdx.pem", "sim/tdx-root.pem", "sim", ""};
  char path[256];
  chio_sim_qe_clear(&qe);
  chio_sim_qe_clear(&other_qe);
  chio_platform_free(platform);
  chio_buf_clear(&quote);
  chio_buf_clear(&root_pem);
  for (size_t i = 0; i < 2 * CHIO_ARRAY_LEN(names); i++) {
    snprintf(path, sizeof path, "%s/%s", i % 2 == 0 ? dir : other_dir, names[i / 2]);
    (void)remove(path);
  }
  return 0;
}

/* ---- Making collateral ---- */

enum document { TCB_INFO, QE_IDENTITY };

/* One textual change of one document, before it is signed (a vendor's mistake or another platform's) or after. */
struct edit {
  enum document document;
  const char *from, *to;
  bool after;
};

enum crl_fault {
  CRL_GOOD,
  CRL_ABSENT,
  CRL_FOREIGN, /* right name, another key */
  CRL_EXPIRED,
  CRL_FUTURE,
  CRL_NO_NEXT_UPDATE,
  CRL_DELTA,
  CRL_REVOKES_LEAF, /* PCK certificate */
  CRL_REVOKES_CA,
  CRL_REVOKES_SIGNER,
  CRL_TRAILING_NUL,
};

enum signer { SIGNER_GOOD, SIGNER_ABSENT, SIGNER_PCK, SIGNER_CA, SIGNER_OTHER_ROOT };

struct spec {
  struct edit edits[3];
  size_t edits_count;
  enum crl_fault pck_crl, root_crl;
  enum signer signer;
  int64_t tcb_age, qe_age; /* seconds by which the documents are older than now (negative: from the future) */
};

#define LEVEL(svn, date, status)                                                                                  \
  "{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":" #svn "},{\"svn\":" #svn                                             \
  "},{\"svn\":2},{\"svn\":2},{\"svn\":4},"                                                                        \
  "{\"svn\":1},{\"svn\":0},{\"svn\":5},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},"  \
  "{\"svn\":0},{\"svn\":0}],\"pcesvn\":11,\"tdxtcbcomponents\":[{\"svn\":0},{\"svn\":0},{\"svn\":3},{\"svn\":0}," \
  "{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},"  \
  "{\"svn\":0},{\"svn\":0},{\"svn\":0}]},\"tcbDate\":\"" date "\",\"tcbStatus\":\"" status "\"}"

static const char tcb_info[] =
    "{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"@FROM\",\"nextUpdate\":\"@UNTIL\",\"fmspc\":\"c41053494d00\","
    "\"pceId\":"
    "\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,\"tdxModule\":{\"mrsigner\":\"@ZERO48\",\"attributes\":"
    "\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\","
    "\"mrsigner\":\"@ZERO48\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\","
    "\"tcbLevels\":"
    "[{\"tcb\":{\"isvsvn\":5},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"isvsvn\":2},"
    "\"tcbDate\":\"2023-03-13T00:00:00Z\",\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-2\"]}]}],"
    "\"tcbLevels\":[" LEVEL(3, "2024-03-13T00:00:00Z", "UpToDate") "," LEVEL(2, "2020-01-01T00:00:00Z",
                                                                             "OutOfDate") "]}";

static const char qe_identity[] =
    "{\"id\":\"TD_QE\",\"version\":2,\"issueDate\":\"@FROM\",\"nextUpdate\":\"@UNTIL\",\"tcbEvaluationDataNumber\":17,"
    "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000\","
    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"@QESIGNER\",\"isvprodid\":2,\"tcbLevels\":"
    "[{\"tcb\":{\"isvsvn\":6},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"isvsvn\":1},"
    "\"tcbDate\":\"2020-03-13T00:00:00Z\",\"tcbStatus\":\"OutOfDate\"}]}";

static void replace(struct chio_buf *text, const char *from, const char *to) {
  struct chio_buf out = CHIO_BUF_INIT;
  const char *at = chio_buf_cstr(text), *found;
  assert_non_null(strstr(at, from));
  while ((found = strstr(at, from)) != NULL) {
    chio_buf_append(&out, at, (size_t)(found - at));
    chio_buf_append_str(&out, to);
    at = found + strlen(from);
    if (from[0] != '@') break; /* a change is made once, a blank filled everywhere */
  }
  chio_buf_append_str(&out, at);
  chio_buf_clear(text);
  *text = out;
}

static void fill_times(struct chio_buf *text, int64_t age) {
  char from[32], until[32];
  time_t issued = (time_t)(now - 3600 - age), next = (time_t)(now + 86400 - age);
  strftime(from, sizeof from, "%Y-%m-%dT%H:%M:%SZ", gmtime(&issued));
  strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", gmtime(&next));
  replace(text, "@FROM", from);
  replace(text, "@UNTIL", until);
}

static void make_document(const struct spec *spec, enum document which, struct chio_buf *out, char signature[129]) {
  char zero[97], signer[65];
  uint8_t hash[32], raw[64];
  struct chio_buf text = CHIO_BUF_INIT;
  memset(zero, '0', 96);
  zero[96] = 0;
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_slice_str("chio simulated quoting enclave signer"), hash),
                   CHIO_OK);
  for (size_t i = 0; i < 32; i++) snprintf(signer + 2 * i, 3, "%02X", hash[i]);
  chio_buf_append_str(&text, which == TCB_INFO ? tcb_info : qe_identity);
  fill_times(&text, which == TCB_INFO ? spec->tcb_age : spec->qe_age);
  if (which == TCB_INFO)
    replace(&text, "@ZERO48", zero);
  else
    replace(&text, "@QESIGNER", signer);
  for (size_t i = 0; i < spec->edits_count; i++) {
    if (spec->edits[i].document == which && !spec->edits[i].after)
      replace(&text, spec->edits[i].from, spec->edits[i].to);
  }
  static const int keys[] = {CHIO_SIM_DCAP_TCB_SIGNING, CHIO_SIM_DCAP_TCB_SIGNING, CHIO_SIM_DCAP_PCK,
                             CHIO_SIM_DCAP_PLATFORM_CA, CHIO_SIM_DCAP_TCB_SIGNING};
  const struct chio_sim_pki *pki = spec->signer == SIGNER_OTHER_ROOT ? &other_qe.pki : &qe.pki;
  assert_int_equal(chio_ecdsa_sign_raw(pki->pairs[keys[spec->signer]].key, chio_buf_slice(&text), 32, raw), CHIO_OK);
  for (size_t i = 0; i < 64; i++) snprintf(signature + 2 * i, 3, "%02x", raw[i]);
  for (size_t i = 0; i < spec->edits_count; i++) {
    if (spec->edits[i].document == which && spec->edits[i].after)
      replace(&text, spec->edits[i].from, spec->edits[i].to);
  }
  chio_buf_append_slice(out, chio_buf_slice(&text));
  chio_buf_clear(&text);
}

static void revoke(X509_CRL *crl, X509 *cert) {
  X509_REVOKED *entry = X509_REVOKED_new();
  ASN1_TIME *when = ASN1_TIME_adj(NULL, (time_t)now - 600, 0, 0);
  X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert));
  X509_REVOKED_set_revocationDate(entry, when);
  X509_CRL_add0_revoked(crl, entry);
  ASN1_TIME_free(when);
}

static void add_crl_number(X509_CRL *crl, int nid, long value, int critical) {
  ASN1_INTEGER *number = ASN1_INTEGER_new();
  ASN1_INTEGER_set(number, value);
  X509_CRL_add1_ext_i2d(crl, nid, number, critical, 0);
  ASN1_INTEGER_free(number);
}

static void make_crl(enum crl_fault fault, int issuer, struct chio_buf *out_der) {
  const struct chio_sim_pair *pair = &qe.pki.pairs[issuer];
  X509_CRL *crl = X509_CRL_new();
  time_t from = (time_t)now - 3600, until = (time_t)now + 86400;
  if (fault == CRL_EXPIRED) from -= 200000, until -= 200000;
  if (fault == CRL_FUTURE) from += 200000, until += 200000;
  ASN1_TIME *t = ASN1_TIME_adj(NULL, from, 0, 0);
  X509_CRL_set_version(crl, 1);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(pair->cert));
  X509_CRL_set1_lastUpdate(crl, t);
  ASN1_TIME_free(t);
  t = ASN1_TIME_adj(NULL, until, 0, 0);
  if (fault != CRL_NO_NEXT_UPDATE) X509_CRL_set1_nextUpdate(crl, t);
  ASN1_TIME_free(t);
  add_crl_number(crl, NID_crl_number, 1, 0);
  if (fault == CRL_DELTA) add_crl_number(crl, NID_delta_crl, 1, 1);
  if (fault == CRL_REVOKES_LEAF) revoke(crl, qe.pki.pairs[CHIO_SIM_DCAP_PCK].cert);
  if (fault == CRL_REVOKES_CA) revoke(crl, qe.pki.pairs[CHIO_SIM_DCAP_PLATFORM_CA].cert);
  if (fault == CRL_REVOKES_SIGNER) revoke(crl, qe.pki.pairs[CHIO_SIM_DCAP_TCB_SIGNING].cert);
  EVP_PKEY *key = fault == CRL_FOREIGN ? other_qe.pki.pairs[issuer].key : pair->key;
  assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
  unsigned char *der = NULL;
  int len = i2d_X509_CRL(crl, &der);
  chio_buf_append(out_der, der, (size_t)len);
  if (fault == CRL_TRAILING_NUL) chio_buf_append_u8(out_der, 0);
  OPENSSL_free(der);
  X509_CRL_free(crl);
}

static void add(struct chio_attest_collateral *collateral, const struct chio_buf *bytes) {
  assert_int_equal(chio_attest_collateral_add(collateral, bytes->data, bytes->len), CHIO_ATTEST_OK);
}

static struct chio_attest_collateral *make_collateral(const struct spec *spec) {
  struct chio_attest_collateral *collateral = NULL;
  struct chio_buf text = CHIO_BUF_INIT, body = CHIO_BUF_INIT;
  char signature[129];
  assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
  make_document(spec, TCB_INFO, &body, signature);
  chio_buf_printf(&text, "{\"tcbInfo\":%s,\"signature\":\"%s\"}", chio_buf_cstr(&body), signature);
  add(collateral, &text);
  chio_buf_reset(&text);
  chio_buf_reset(&body);
  make_document(spec, QE_IDENTITY, &body, signature);
  chio_buf_printf(&text, "{\"enclaveIdentity\":%s,\"signature\":\"%s\"}", chio_buf_cstr(&body), signature);
  add(collateral, &text);
  const enum crl_fault faults[] = {spec->pck_crl, spec->root_crl};
  for (size_t i = 0; i < 2; i++) {
    if (faults[i] == CRL_ABSENT) continue;
    chio_buf_reset(&text);
    make_crl(faults[i], i == 0 ? CHIO_SIM_DCAP_PLATFORM_CA : CHIO_SIM_DCAP_ROOT, &text);
    add(collateral, &text);
  }
  chio_buf_reset(&text);
  const struct chio_sim_pki *pki = spec->signer == SIGNER_OTHER_ROOT ? &other_qe.pki : &qe.pki;
  if (spec->signer != SIGNER_ABSENT) {
    assert_int_equal(chio_cert_append_pem(pki->pairs[CHIO_SIM_DCAP_TCB_SIGNING].cert, &text), CHIO_OK);
  }
  assert_int_equal(chio_cert_append_pem(pki->pairs[CHIO_SIM_DCAP_ROOT].cert, &text), CHIO_OK);
  add(collateral, &text);
  chio_buf_clear(&text);
  chio_buf_clear(&body);
  return collateral;
}

/* ---- Judging ---- */

static struct chio_attest_policy *make_policy(const char *extra) {
  char text[2048], mrtd[97], spki[65];
  struct chio_attest_request request = {
      .evidence = quote.data, .evidence_len = quote.len, .at = now, .root = root_pem.data, .root_len = root_pem.len};
  struct chio_attest_result *result = NULL;
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  for (size_t i = 0; i < 48; i++) snprintf(mrtd + 2 * i, 3, "%02x", result->measurement[i]);
  for (size_t i = 0; i < 32; i++) snprintf(spki + 2 * i, 3, "%02x", result->root_spki_sha256[i]);
  chio_attest_result_free(result);
  snprintf(text, sizeof text,
           "version = 1\ntee = [\"sim-tdx\"]\nmeasurements = [\"%s\"]\n[roots]\nspki_sha256 = [\"%s\"]\n"
           "[collateral]\nrequired = true\n%s",
           mrtd, spki, extra);
  if (chio_attest_policy_parse(text, strlen(text), "test.toml", &policy, &message) != CHIO_ATTEST_OK) {
    fail_msg("%s", message.text);
  }
  return policy;
}

static struct chio_attest_result *judge(const struct spec *spec, const char *extra_policy) {
  struct chio_attest_collateral *collateral = make_collateral(spec);
  struct chio_attest_policy *policy = make_policy(extra_policy);
  struct chio_attest_result *result = NULL;
  const struct chio_attest_request request = {
      .evidence = quote.data, .evidence_len = quote.len, .policy = policy, .collateral = collateral, .at = now};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  chio_attest_policy_free(policy);
  chio_attest_collateral_free(collateral);
  return result;
}

struct row {
  const char *name;
  struct spec spec;
  const char *policy; /* more of it */
  enum chio_attest_reason reason;
  uint32_t unproved; /* these must not be proved */
};

static void judge_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct chio_attest_result *r = judge(&rows[i].spec, rows[i].policy != NULL ? rows[i].policy : "");
    if (r->reason != rows[i].reason) {
      fail_msg("%s: %s (%s)", rows[i].name, chio_attest_reason_code(r->reason),
               r->failures_count > 0 ? r->failures[0].text : "");
    }
    if ((r->proved & rows[i].unproved) != 0) fail_msg("%s: proved %x", rows[i].name, r->proved & rows[i].unproved);
    if (r->accepted && (r->proved & r->needed) != r->needed) fail_msg("%s: accepted without proof", rows[i].name);
    chio_attest_result_free(r);
  }
}

#define EDIT(document, from, to) \
  { .edits = {{document, from, to, false}}, .edits_count = 1 }
#define TAMPER(document, from, to) \
  { .edits = {{document, from, to, true}}, .edits_count = 1 }
#define CRL CHIO_ATTEST_PROVED_CRL
#define TCB CHIO_ATTEST_PROVED_TCB
#define QEID CHIO_ATTEST_PROVED_QE_IDENTITY

static void whole_collateral_proves_everything(void **state) {
  (void)state;
  const struct spec spec = {.edits_count = 0};
  struct chio_attest_result *r = judge(&spec, "");
  if (!r->accepted) fail_msg("%s", r->failures[0].text);
  assert_string_equal(r->tcb_status, "UpToDate");
  assert_int_equal(r->proved & r->needed, r->needed);
  assert_int_equal(r->advisories_count, 0);
  chio_attest_result_free(r);
}

static void each_status_counts_as_it_should(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"hardening", EDIT(TCB_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"SWHardeningNeeded\"},{\"tcb\":{\"sgxtcb"),
       NULL, CHIO_ATTEST_TCB_STATUS, 0},
      {"hardening, accepted",
       EDIT(TCB_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"SWHardeningNeeded\"},{\"tcb\":{\"sgxtcb"),
       "[tcb]\nstatuses = [\"UpToDate\", \"SWHardeningNeeded\"]\n", CHIO_ATTEST_ACCEPTED, 0},
      {"configuration",
       EDIT(TCB_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"ConfigurationNeeded\"},{\"tcb\":{\"sgxtcb"), NULL,
       CHIO_ATTEST_TCB_STATUS, 0},
      {"revoked", EDIT(TCB_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"Revoked\"},{\"tcb\":{\"sgxtcb"), NULL,
       CHIO_ATTEST_TCB_REVOKED, 0},
      {"revoked, though a policy says it accepts that",
       EDIT(TCB_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"Revoked\"},{\"tcb\":{\"sgxtcb"),
       "[tcb]\nstatuses = [\"Revoked\"]\n", CHIO_ATTEST_TCB_REVOKED, 0},
      {"a word that Intel does not use",
       EDIT(TCB_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"Fine\"},{\"tcb\":{\"sgxtcb"), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"component 0 one above", EDIT(TCB_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":4},{\"svn\":3}"), NULL,
       CHIO_ATTEST_TCB_STATUS, 0},
      {"component 15 above everywhere",
       {.edits = {{TCB_INFO, "{\"svn\":0}],\"pcesvn\"", "{\"svn\":1}],\"pcesvn\"", false},
                  {TCB_INFO, "{\"svn\":0}],\"pcesvn\"", "{\"svn\":1}],\"pcesvn\"", false}},
        .edits_count = 2},
       NULL,
       CHIO_ATTEST_TCB_NOT_SUPPORTED,
       0},
      {"PCESVN above in the first level", EDIT(TCB_INFO, "\"pcesvn\":11", "\"pcesvn\":12"), NULL,
       CHIO_ATTEST_TCB_STATUS, 0},
      {"PCESVN lower", EDIT(TCB_INFO, "\"pcesvn\":11", "\"pcesvn\":10"), NULL, CHIO_ATTEST_ACCEPTED, 0},
      {"TDX component 2 above",
       EDIT(TCB_INFO, "{\"svn\":0},{\"svn\":0},{\"svn\":3}", "{\"svn\":0},{\"svn\":0},{\"svn\":4}"), NULL,
       CHIO_ATTEST_TCB_STATUS, 0},
      {"TDX components 0 and 1 are the module's own",
       EDIT(TCB_INFO, "{\"svn\":0},{\"svn\":0},{\"svn\":3}", "{\"svn\":99},{\"svn\":99},{\"svn\":3}"), NULL,
       CHIO_ATTEST_ACCEPTED, 0},
      {"an old module", EDIT(TCB_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"), NULL, CHIO_ATTEST_TCB_STATUS, 0},
      {"a module below every level",
       {.edits = {{TCB_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":9}", false},
                  {TCB_INFO, "{\"isvsvn\":2}", "{\"isvsvn\":8}", false}},
        .edits_count = 2},
       NULL,
       CHIO_ATTEST_TCB_NOT_SUPPORTED,
       0},
      {"an old quoting enclave", EDIT(QE_IDENTITY, "{\"isvsvn\":6}", "{\"isvsvn\":7}"), NULL, CHIO_ATTEST_TCB_STATUS,
       0},
      {"a quoting enclave below every level",
       {.edits = {{QE_IDENTITY, "{\"isvsvn\":6}", "{\"isvsvn\":9}", false},
                  {QE_IDENTITY, "{\"isvsvn\":1}", "{\"isvsvn\":7}", false}},
        .edits_count = 2},
       NULL,
       CHIO_ATTEST_TCB_NOT_SUPPORTED,
       0},
      {"a revoked quoting enclave", EDIT(QE_IDENTITY, "\"UpToDate\"", "\"Revoked\""), NULL, CHIO_ATTEST_TCB_REVOKED, 0},
      {"an advisory that is refused", EDIT(TCB_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"),
       "[tcb]\nstatuses = [\"OutOfDate\"]\nadvisories_refused = [\"INTEL-SA-2\"]\n", CHIO_ATTEST_TCB_ADVISORY, 0},
      {"an advisory that is not among the accepted", EDIT(TCB_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"),
       "[tcb]\nstatuses = [\"OutOfDate\"]\nadvisories_accepted = [\"INTEL-SA-1\"]\n", CHIO_ATTEST_TCB_ADVISORY, 0},
      {"an advisory that is accepted", EDIT(TCB_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"),
       "[tcb]\nstatuses = [\"OutOfDate\"]\nadvisories_accepted = [\"INTEL-SA-2\"]\n", CHIO_ATTEST_ACCEPTED, 0},
      {"too low an evaluation number", {.edits_count = 0}, "[tcb]\nmin_evaluation = 18\n", CHIO_ATTEST_TCB_MINIMUM, 0},
      {"the least evaluation number", {.edits_count = 0}, "[tcb]\nmin_evaluation = 17\n", CHIO_ATTEST_ACCEPTED, 0},
      {"too old a level", {.edits_count = 0}, "[tcb]\nmin_date = 2024-03-14\n", CHIO_ATTEST_TCB_MINIMUM, 0},
      {"the least date", {.edits_count = 0}, "[tcb]\nmin_date = 2024-03-13\n", CHIO_ATTEST_ACCEPTED, 0},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void other_platforms_lists_do_not_count(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"FMSPC", EDIT(TCB_INFO, "c41053494d00", "c41053494d01"), NULL, CHIO_ATTEST_COLLATERAL_MISMATCH, TCB},
      {"FMSPC in capitals", EDIT(TCB_INFO, "c41053494d00", "C41053494D00"), NULL, CHIO_ATTEST_ACCEPTED, 0},
      {"PCE id", EDIT(TCB_INFO, "\"pceId\":\"0000\"", "\"pceId\":\"0100\""), NULL, CHIO_ATTEST_COLLATERAL_MISMATCH,
       TCB},
      {"SGX's list for TDX", EDIT(TCB_INFO, "\"id\":\"TDX\"", "\"id\":\"SGX\""), NULL, CHIO_ATTEST_COLLATERAL_MISSING,
       TCB},
      {"SGX's QE for TDX", EDIT(QE_IDENTITY, "\"TD_QE\"", "\"QE\""), NULL, CHIO_ATTEST_COLLATERAL_MISSING, QEID},
      {"another QE's signer", EDIT(QE_IDENTITY, "\"mrsigner\":\"", "\"mrsigner\":\"00\",\"x\":\""), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, QEID},
      {"another QE's product", EDIT(QE_IDENTITY, "\"isvprodid\":2", "\"isvprodid\":1"), NULL, CHIO_ATTEST_QE_IDENTITY,
       QEID},
      {"QE attributes", EDIT(QE_IDENTITY, "\"attributes\":\"11", "\"attributes\":\"13"), NULL, CHIO_ATTEST_QE_IDENTITY,
       QEID},
      {"QE attributes used as their own mask", EDIT(QE_IDENTITY, "\"attributesMask\":\"FB", "\"attributesMask\":\"FF"),
       NULL, CHIO_ATTEST_QE_IDENTITY, QEID},
      {"QE miscselect", EDIT(QE_IDENTITY, "\"miscselect\":\"00000000\"", "\"miscselect\":\"00000001\""), NULL,
       CHIO_ATTEST_QE_IDENTITY, QEID},
      {"no identity of the module's version", EDIT(TCB_INFO, "\"TDX_01\"", "\"TDX_02\""), NULL, CHIO_ATTEST_TDX_MODULE,
       TCB},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void damaged_documents_do_not_count(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"15 components", EDIT(TCB_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":3}"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT,
       TCB},
      {"17 components", EDIT(TCB_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":3},{\"svn\":3},{\"svn\":3}"), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"256", EDIT(TCB_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":256},{\"svn\":3}"), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"a fraction", EDIT(TCB_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":3.0},{\"svn\":3}"), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"an exponent", EDIT(TCB_INFO, "\"pcesvn\":11", "\"pcesvn\":1e1"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"a sign", EDIT(TCB_INFO, "\"pcesvn\":11", "\"pcesvn\":-1"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"text for a number", EDIT(TCB_INFO, "\"pcesvn\":11", "\"pcesvn\":\"11\""), NULL, CHIO_ATTEST_COLLATERAL_FORMAT,
       TCB},
      {"damage in a level below", EDIT(TCB_INFO, "2020-01-01", "2020-13-01"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"no levels", EDIT(TCB_INFO, "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevels\":[],\"other\":[{\"tcb\":{\"sgx"),
       NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"no levels of the QE", EDIT(QE_IDENTITY, "\"tcbLevels\":[", "\"tcbLevels\":[],\"other\":["), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, QEID},
      {"version 4", EDIT(TCB_INFO, "\"version\":3", "\"version\":4"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"version 1", EDIT(TCB_INFO, "\"version\":3", "\"version\":1"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void forged_documents_do_not_count(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"a status changed", TAMPER(TCB_INFO, "\"OutOfDate\",\"advisoryIDs\"", "\"UpToDate\",\"advisoryIDs\""), NULL,
       CHIO_ATTEST_COLLATERAL_SIGNATURE, TCB},
      {"white space", TAMPER(TCB_INFO, "\"version\":3", "\"version\": 3"), NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, TCB},
      {"the QE's", TAMPER(QE_IDENTITY, "{\"isvsvn\":1}", "{\"isvsvn\":2}"), NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE,
       QEID},
      {"signed by a PCK", {.signer = SIGNER_PCK}, NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, TCB | QEID},
      {"signed by the PCK CA", {.signer = SIGNER_CA}, NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, TCB | QEID},
      {"signed under another root of the same names",
       {.signer = SIGNER_OTHER_ROOT},
       NULL,
       CHIO_ATTEST_COLLATERAL_MISSING,
       TCB | QEID},
      {"the signer's certificate is missing",
       {.signer = SIGNER_ABSENT},
       NULL,
       CHIO_ATTEST_COLLATERAL_MISSING,
       TCB | QEID},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void collateral_counts_only_in_its_time(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"TCB info expired", {.tcb_age = 86401 + 60}, NULL, CHIO_ATTEST_COLLATERAL_EXPIRED, TCB},
      {"TCB info from the future", {.tcb_age = -3700}, NULL, CHIO_ATTEST_COLLATERAL_NOT_YET_VALID, TCB},
      {"QE identity expired", {.qe_age = 86401 + 60}, NULL, CHIO_ATTEST_COLLATERAL_EXPIRED, QEID},
      {"QE identity from the future", {.qe_age = -3700}, NULL, CHIO_ATTEST_COLLATERAL_NOT_YET_VALID, QEID},
      {"PCK list expired", {.pck_crl = CRL_EXPIRED}, NULL, CHIO_ATTEST_COLLATERAL_EXPIRED, CRL},
      {"PCK list from the future", {.pck_crl = CRL_FUTURE}, NULL, CHIO_ATTEST_COLLATERAL_NOT_YET_VALID, CRL},
      {"root list expired", {.root_crl = CRL_EXPIRED}, NULL, CHIO_ATTEST_COLLATERAL_EXPIRED, CRL},
      {"within grace", {.tcb_age = 86401 + 60}, "grace = 120\n", CHIO_ATTEST_ACCEPTED, 0},
      {"beyond grace", {.tcb_age = 86401 + 180}, "grace = 120\n", CHIO_ATTEST_COLLATERAL_EXPIRED, TCB},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void revocation_is_looked_at_everywhere(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"PCK certificate", {.pck_crl = CRL_REVOKES_LEAF}, NULL, CHIO_ATTEST_REVOKED, CRL},
      {"PCK CA", {.root_crl = CRL_REVOKES_CA}, NULL, CHIO_ATTEST_REVOKED, CRL},
      {"TCB signer", {.root_crl = CRL_REVOKES_SIGNER}, NULL, CHIO_ATTEST_REVOKED, TCB | QEID},
      {"a foreign PCK list", {.pck_crl = CRL_FOREIGN}, NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
      {"a foreign root list", {.root_crl = CRL_FOREIGN}, NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
      {"no PCK list (the root's is none)", {.pck_crl = CRL_ABSENT}, NULL, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"no root list", {.root_crl = CRL_ABSENT}, NULL, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"a list without end", {.pck_crl = CRL_NO_NEXT_UPDATE}, NULL, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"a delta list", {.pck_crl = CRL_DELTA}, NULL, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"a NUL after the list", {.pck_crl = CRL_TRAILING_NUL}, NULL, CHIO_ATTEST_ACCEPTED, 0},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* A "quoting enclave" of one's own on a genuine machine: everything signed, only the identity is wrong. */
static void any_enclave_is_not_the_quoting_enclave(void **state) {
  (void)state;
  struct chio_buf forged = CHIO_BUF_INIT;
  uint8_t signature[64];
  chio_buf_append_slice(&forged, chio_buf_slice(&quote));
  uint8_t *report = forged.data + 48 + 584 + 4 + 128 + 6;
  report[CHIO_SGX_MRSIGNER] ^= 1;
  assert_int_equal(chio_ecdsa_sign_raw(qe.pki.pairs[CHIO_SIM_DCAP_PCK].key, chio_slice(report, 384), 32, signature),
                   CHIO_OK);
  memcpy(report + 384, signature, 64);
  const struct spec spec = {.edits_count = 0};
  struct chio_attest_collateral *collateral = make_collateral(&spec);
  struct chio_attest_policy *policy = make_policy("");
  struct chio_attest_result *r = NULL;
  const struct chio_attest_request request = {
      .evidence = forged.data, .evidence_len = forged.len, .policy = policy, .collateral = collateral, .at = now};
  assert_int_equal(chio_attest_verify(&request, &r, NULL), CHIO_ATTEST_OK);
  assert_int_equal(r->reason, CHIO_ATTEST_QE_IDENTITY);
  assert_true((r->proved & CHIO_ATTEST_PROVED_QE) != 0 && (r->proved & CHIO_ATTEST_PROVED_QE_IDENTITY) == 0);
  chio_attest_result_free(r);
  chio_attest_policy_free(policy);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&forged);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_collateral_proves_everything), cmocka_unit_test(each_status_counts_as_it_should),
      cmocka_unit_test(other_platforms_lists_do_not_count), cmocka_unit_test(damaged_documents_do_not_count),
      cmocka_unit_test(forged_documents_do_not_count),      cmocka_unit_test(collateral_counts_only_in_its_time),
      cmocka_unit_test(revocation_is_looked_at_everywhere), cmocka_unit_test(any_enclave_is_not_the_quoting_enclave),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
