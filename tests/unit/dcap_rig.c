#include "tests/unit/dcap_rig.h"

#include "attest/dcap.h"
#include "attest/ecdsa.h"
#include "attest/platform.h"
#include "signer/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct rig rig;
static char dir[] = "/tmp/chio-test-rig.XXXXXX", other_dir[] = "/tmp/chio-test-rig.XXXXXX";
static struct chio_platform *platform;

int rig_set_up(void **state) {
  (void)state;
  uint8_t report_data[64] = {1};
  rig.now = (int64_t)time(NULL);
  if (mkdtemp(dir) == NULL || mkdtemp(other_dir) == NULL) return 1;
  if (chio_sim_qe_open(dir, "tdx", &rig.qe, NULL) != CHIO_OK) return 1;
  if (chio_sim_qe_open(other_dir, "tdx", &rig.other, NULL) != CHIO_OK) return 1;
  if (chio_platform_open("sim-tdx", dir, NULL, &platform, NULL) != CHIO_OK) return 1;
  if (chio_platform_quote(platform, report_data, &rig.quote, NULL) != CHIO_OK) return 1;
  return chio_platform_root(platform, &rig.root_pem) == CHIO_OK ? 0 : 1;
}

int rig_tear_down(void **state) {
  (void)state;
  static const char *const names[] = {"sim/tdx.pem", "sim/tdx-root.pem", "sim", ""};
  char path[256];
  chio_sim_qe_clear(&rig.qe);
  chio_sim_qe_clear(&rig.other);
  chio_platform_free(platform);
  chio_buf_clear(&rig.quote);
  chio_buf_clear(&rig.root_pem);
  for (size_t i = 0; i < 2 * CHIO_ARRAY_LEN(names); i++) {
    snprintf(path, sizeof path, "%s/%s", i % 2 == 0 ? dir : other_dir, names[i / 2]);
    (void)remove(path);
  }
  return 0;
}

/* ---- Making collateral ---- */

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
  time_t issued = (time_t)(rig.now - 3600 - age), next = (time_t)(rig.now + 86400 - age);
  strftime(from, sizeof from, "%Y-%m-%dT%H:%M:%SZ", gmtime(&issued));
  strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", gmtime(&next));
  replace(text, "@FROM", from);
  replace(text, "@UNTIL", until);
}

static void make_document(const struct rig_spec *spec, enum rig_document which, struct chio_buf *out,
                          char signature[129]) {
  char zero[97], signer[65];
  uint8_t hash[32], raw[64];
  struct chio_buf text = CHIO_BUF_INIT;
  memset(zero, '0', 96);
  zero[96] = 0;
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_slice_str("chio simulated quoting enclave signer"), hash),
                   CHIO_OK);
  for (size_t i = 0; i < 32; i++) snprintf(signer + 2 * i, 3, "%02X", hash[i]);
  chio_buf_append_str(&text, which == RIG_INFO ? tcb_info : qe_identity);
  fill_times(&text, which == RIG_INFO ? spec->tcb_age : spec->qe_age);
  if (which == RIG_INFO)
    replace(&text, "@ZERO48", zero);
  else
    replace(&text, "@QESIGNER", signer);
  for (size_t i = 0; i < spec->edits_count; i++) {
    if (spec->edits[i].document == which && !spec->edits[i].after)
      replace(&text, spec->edits[i].from, spec->edits[i].to);
  }
  static const int keys[] = {CHIO_SIM_DCAP_TCB_SIGNING, CHIO_SIM_DCAP_TCB_SIGNING, CHIO_SIM_DCAP_PCK,
                             CHIO_SIM_DCAP_PLATFORM_CA, CHIO_SIM_DCAP_TCB_SIGNING};
  const struct chio_sim_pki *pki = spec->signer == RIG_SIGNER_OTHER_ROOT ? &rig.other.pki : &rig.qe.pki;
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
  ASN1_TIME *when = ASN1_TIME_adj(NULL, (time_t)rig.now - 600, 0, 0);
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

static void make_crl(enum rig_crl fault, int issuer, struct chio_buf *out_der) {
  const struct chio_sim_pair *pair = &rig.qe.pki.pairs[issuer];
  X509_CRL *crl = X509_CRL_new();
  time_t from = (time_t)rig.now - 3600, until = (time_t)rig.now + 86400;
  if (fault == RIG_CRL_EXPIRED) from -= 200000, until -= 200000;
  if (fault == RIG_CRL_FUTURE) from += 200000, until += 200000;
  ASN1_TIME *t = ASN1_TIME_adj(NULL, from, 0, 0);
  X509_CRL_set_version(crl, 1);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(pair->cert));
  X509_CRL_set1_lastUpdate(crl, t);
  ASN1_TIME_free(t);
  t = ASN1_TIME_adj(NULL, until, 0, 0);
  if (fault != RIG_CRL_NO_NEXT_UPDATE) X509_CRL_set1_nextUpdate(crl, t);
  ASN1_TIME_free(t);
  add_crl_number(crl, NID_crl_number, 1, 0);
  if (fault == RIG_CRL_DELTA) add_crl_number(crl, NID_delta_crl, 1, 1);
  if (fault == RIG_CRL_REVOKES_LEAF) revoke(crl, rig.qe.pki.pairs[CHIO_SIM_DCAP_PCK].cert);
  if (fault == RIG_CRL_REVOKES_CA) revoke(crl, rig.qe.pki.pairs[CHIO_SIM_DCAP_PLATFORM_CA].cert);
  if (fault == RIG_CRL_REVOKES_SIGNER) revoke(crl, rig.qe.pki.pairs[CHIO_SIM_DCAP_TCB_SIGNING].cert);
  EVP_PKEY *key = fault == RIG_CRL_FOREIGN ? rig.other.pki.pairs[issuer].key : pair->key;
  assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
  unsigned char *der = NULL;
  int len = i2d_X509_CRL(crl, &der);
  if (fault == RIG_CRL_UNSIGNED) memset(der + len - 64, 0, 64);
  chio_buf_append(out_der, der, (size_t)len);
  if (fault == RIG_CRL_TRAILING_NUL) chio_buf_append_u8(out_der, 0);
  OPENSSL_free(der);
  X509_CRL_free(crl);
}

static void add(struct chio_attest_collateral *collateral, const struct chio_buf *bytes) {
  assert_int_equal(chio_attest_collateral_add(collateral, bytes->data, bytes->len), CHIO_ATTEST_OK);
}

struct chio_attest_collateral *rig_collateral(const struct rig_spec *spec) {
  struct chio_attest_collateral *collateral = NULL;
  struct chio_buf text = CHIO_BUF_INIT, body = CHIO_BUF_INIT;
  char signature[129];
  assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
  make_document(spec, RIG_INFO, &body, signature);
  chio_buf_printf(&text, "{\"tcbInfo\":%s,\"signature\":\"%s\"}", chio_buf_cstr(&body), signature);
  add(collateral, &text);
  chio_buf_reset(&text);
  chio_buf_reset(&body);
  make_document(spec, RIG_QE, &body, signature);
  chio_buf_printf(&text, "{\"enclaveIdentity\":%s,\"signature\":\"%s\"}", chio_buf_cstr(&body), signature);
  add(collateral, &text);
  const enum rig_crl besides = spec->besides != RIG_CRL_GOOD ? spec->besides : RIG_CRL_ABSENT;
  const enum rig_crl faults[] = {besides, besides, spec->pck_crl, spec->root_crl};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(faults); i++) {
    if (faults[i] == RIG_CRL_ABSENT) continue;
    chio_buf_reset(&text);
    make_crl(faults[i], i % 2 == 0 ? CHIO_SIM_DCAP_PLATFORM_CA : CHIO_SIM_DCAP_ROOT, &text);
    add(collateral, &text);
  }
  chio_buf_reset(&text);
  const struct chio_sim_pki *pki = spec->signer == RIG_SIGNER_OTHER_ROOT ? &rig.other.pki : &rig.qe.pki;
  if (spec->signer != RIG_SIGNER_ABSENT) {
    assert_int_equal(chio_cert_append_pem(pki->pairs[CHIO_SIM_DCAP_TCB_SIGNING].cert, &text), CHIO_OK);
  }
  assert_int_equal(chio_cert_append_pem(pki->pairs[CHIO_SIM_DCAP_ROOT].cert, &text), CHIO_OK);
  add(collateral, &text);
  chio_buf_clear(&text);
  chio_buf_clear(&body);
  return collateral;
}

/* ---- Judging ---- */

struct chio_attest_policy *rig_policy(const char *extra) {
  char text[2048], mrtd[97], spki[65];
  struct chio_attest_request request = {.evidence = rig.quote.data,
                                        .evidence_len = rig.quote.len,
                                        .at = rig.now,
                                        .root = rig.root_pem.data,
                                        .root_len = rig.root_pem.len};
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

struct chio_attest_result *rig_judge(struct chio_slice evidence, const struct rig_spec *spec,
                                     const char *extra_policy) {
  struct chio_attest_collateral *collateral = rig_collateral(spec);
  struct chio_attest_policy *policy = rig_policy(extra_policy);
  struct chio_attest_result *result = NULL;
  if (evidence.len == 0) evidence = chio_buf_slice(&rig.quote);
  const struct chio_attest_request request = {.evidence = evidence.data,
                                              .evidence_len = evidence.len,
                                              .policy = policy,
                                              .collateral = collateral,
                                              .at = rig.now};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  chio_attest_policy_free(policy);
  chio_attest_collateral_free(collateral);
  return result;
}
