/*
 * Collateral of a simulated Intel platform, whole and then with one thing wrong each time: what is revoked, expired,
 * forged, for someone else, or cut short must refuse with its own reason, and never count as proved.
 */
#include "attest/dcap.h"
#include "attest/ecdsa.h"
#include "tests/unit/dcap_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct row {
  const char *name;
  struct rig_spec spec;
  const char *policy; /* more of it */
  enum chio_attest_reason reason;
  uint32_t unproved; /* these must not be proved */
};

static void judge_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const char *policy = rows[i].policy != NULL ? rows[i].policy : "";
    struct chio_attest_result *r = rig_judge(chio_slice(NULL, 0), &rows[i].spec, policy);
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
  const struct rig_spec spec = {.edits_count = 0};
  struct chio_attest_result *r = rig_judge(chio_slice(NULL, 0), &spec, "");
  if (!r->accepted) fail_msg("%s", r->failures[0].text);
  assert_string_equal(r->tcb_status, "UpToDate");
  assert_int_equal(r->proved & r->needed, r->needed);
  assert_int_equal(r->advisories_count, 0);
  chio_attest_result_free(r);
}

static void each_status_counts_as_it_should(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"hardening", EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"SWHardeningNeeded\"},{\"tcb\":{\"sgxtcb"),
       NULL, CHIO_ATTEST_TCB_STATUS, 0},
      {"hardening, accepted",
       EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"SWHardeningNeeded\"},{\"tcb\":{\"sgxtcb"),
       "[tcb]\nstatuses = [\"UpToDate\", \"SWHardeningNeeded\"]\n", CHIO_ATTEST_ACCEPTED, 0},
      {"configuration",
       EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"ConfigurationNeeded\"},{\"tcb\":{\"sgxtcb"), NULL,
       CHIO_ATTEST_TCB_STATUS, 0},
      {"revoked", EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"Revoked\"},{\"tcb\":{\"sgxtcb"), NULL,
       CHIO_ATTEST_TCB_REVOKED, TCB},
      {"revoked, though a policy says it accepts that",
       EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"Revoked\"},{\"tcb\":{\"sgxtcb"),
       "[tcb]\nstatuses = [\"Revoked\"]\n", CHIO_ATTEST_TCB_REVOKED, TCB},
      {"a word that Intel does not use",
       EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"Fine\"},{\"tcb\":{\"sgxtcb"), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"component 0 one above", EDIT(RIG_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":4},{\"svn\":3}"), NULL,
       CHIO_ATTEST_TCB_STATUS, 0},
      {"component 15 above everywhere",
       {.edits = {{RIG_INFO, "{\"svn\":0}],\"pcesvn\"", "{\"svn\":1}],\"pcesvn\"", false},
                  {RIG_INFO, "{\"svn\":0}],\"pcesvn\"", "{\"svn\":1}],\"pcesvn\"", false}},
        .edits_count = 2},
       NULL,
       CHIO_ATTEST_TCB_NOT_SUPPORTED,
       TCB},
      {"PCESVN above in the first level", EDIT(RIG_INFO, "\"pcesvn\":11", "\"pcesvn\":12"), NULL,
       CHIO_ATTEST_TCB_STATUS, 0},
      {"PCESVN lower", EDIT(RIG_INFO, "\"pcesvn\":11", "\"pcesvn\":10"), NULL, CHIO_ATTEST_ACCEPTED, 0},
      {"TDX component 2 above",
       EDIT(RIG_INFO, "{\"svn\":0},{\"svn\":0},{\"svn\":3}", "{\"svn\":0},{\"svn\":0},{\"svn\":4}"), NULL,
       CHIO_ATTEST_TCB_STATUS, 0},
      {"TDX components 0 and 1 are the module's own",
       EDIT(RIG_INFO, "{\"svn\":0},{\"svn\":0},{\"svn\":3}", "{\"svn\":99},{\"svn\":99},{\"svn\":3}"), NULL,
       CHIO_ATTEST_ACCEPTED, 0},
      {"an old module", EDIT(RIG_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"), NULL, CHIO_ATTEST_TCB_STATUS, 0},
      {"a module below every level",
       {.edits = {{RIG_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":9}", false},
                  {RIG_INFO, "{\"isvsvn\":2}", "{\"isvsvn\":8}", false}},
        .edits_count = 2},
       NULL,
       CHIO_ATTEST_TCB_NOT_SUPPORTED,
       TCB},
      {"an old quoting enclave", EDIT(RIG_QE, "{\"isvsvn\":6}", "{\"isvsvn\":7}"), NULL, CHIO_ATTEST_TCB_STATUS, 0},
      {"a quoting enclave below every level",
       {.edits = {{RIG_QE, "{\"isvsvn\":6}", "{\"isvsvn\":9}", false},
                  {RIG_QE, "{\"isvsvn\":1}", "{\"isvsvn\":7}", false}},
        .edits_count = 2},
       NULL,
       CHIO_ATTEST_TCB_NOT_SUPPORTED,
       TCB},
      {"a revoked quoting enclave", EDIT(RIG_QE, "\"UpToDate\"", "\"Revoked\""), NULL, CHIO_ATTEST_TCB_REVOKED, TCB},
      {"an advisory that is refused", EDIT(RIG_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"),
       "[tcb]\nstatuses = [\"OutOfDate\"]\nadvisories_refused = [\"INTEL-SA-2\"]\n", CHIO_ATTEST_TCB_ADVISORY, 0},
      {"an advisory that is refused in small letters", EDIT(RIG_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"),
       "[tcb]\nstatuses = [\"OutOfDate\"]\nadvisories_refused = [\"intel-sa-2\"]\n", CHIO_ATTEST_TCB_ADVISORY, 0},
      {"an advisory that is not among the accepted", EDIT(RIG_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"),
       "[tcb]\nstatuses = [\"OutOfDate\"]\nadvisories_accepted = [\"INTEL-SA-1\"]\n", CHIO_ATTEST_TCB_ADVISORY, 0},
      {"an advisory that is accepted", EDIT(RIG_INFO, "{\"isvsvn\":5}", "{\"isvsvn\":7}"),
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
      {"FMSPC", EDIT(RIG_INFO, "c41053494d00", "c41053494d01"), NULL, CHIO_ATTEST_COLLATERAL_MISMATCH, TCB},
      {"FMSPC in capitals", EDIT(RIG_INFO, "c41053494d00", "C41053494D00"), NULL, CHIO_ATTEST_ACCEPTED, 0},
      {"PCE id", EDIT(RIG_INFO, "\"pceId\":\"0000\"", "\"pceId\":\"0100\""), NULL, CHIO_ATTEST_COLLATERAL_MISMATCH,
       TCB},
      {"SGX's list for TDX", EDIT(RIG_INFO, "\"id\":\"TDX\"", "\"id\":\"SGX\""), NULL, CHIO_ATTEST_COLLATERAL_MISSING,
       TCB},
      {"SGX's QE for TDX", EDIT(RIG_QE, "\"TD_QE\"", "\"QE\""), NULL, CHIO_ATTEST_COLLATERAL_MISSING, QEID},
      {"another QE's signer", EDIT(RIG_QE, "\"mrsigner\":\"", "\"mrsigner\":\"00\",\"x\":\""), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, QEID},
      {"another QE's product", EDIT(RIG_QE, "\"isvprodid\":2", "\"isvprodid\":1"), NULL, CHIO_ATTEST_QE_IDENTITY, QEID},
      {"QE attributes", EDIT(RIG_QE, "\"attributes\":\"11", "\"attributes\":\"13"), NULL, CHIO_ATTEST_QE_IDENTITY,
       QEID},
      {"QE attributes used as their own mask", EDIT(RIG_QE, "\"attributesMask\":\"FB", "\"attributesMask\":\"FF"), NULL,
       CHIO_ATTEST_QE_IDENTITY, QEID},
      {"QE miscselect", EDIT(RIG_QE, "\"miscselect\":\"00000000\"", "\"miscselect\":\"00000001\""), NULL,
       CHIO_ATTEST_QE_IDENTITY, QEID},
      {"no identity of the module's version", EDIT(RIG_INFO, "\"TDX_01\"", "\"TDX_02\""), NULL, CHIO_ATTEST_TDX_MODULE,
       TCB},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void damaged_documents_do_not_count(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"15 components", EDIT(RIG_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":3}"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT,
       TCB},
      {"17 components", EDIT(RIG_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":3},{\"svn\":3},{\"svn\":3}"), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"256", EDIT(RIG_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":256},{\"svn\":3}"), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"a fraction", EDIT(RIG_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":3.0},{\"svn\":3}"), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"an exponent", EDIT(RIG_INFO, "\"pcesvn\":11", "\"pcesvn\":1e1"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"a sign", EDIT(RIG_INFO, "\"pcesvn\":11", "\"pcesvn\":-1"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"text for a number", EDIT(RIG_INFO, "\"pcesvn\":11", "\"pcesvn\":\"11\""), NULL, CHIO_ATTEST_COLLATERAL_FORMAT,
       TCB},
      {"damage in a level below", EDIT(RIG_INFO, "2020-01-01", "2020-13-01"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"no levels", EDIT(RIG_INFO, "\"tcbLevels\":[{\"tcb\":{\"sgx", "\"tcbLevels\":[],\"other\":[{\"tcb\":{\"sgx"),
       NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"no levels of the QE", EDIT(RIG_QE, "\"tcbLevels\":[", "\"tcbLevels\":[],\"other\":["), NULL,
       CHIO_ATTEST_COLLATERAL_FORMAT, QEID},
      {"version 4", EDIT(RIG_INFO, "\"version\":3", "\"version\":4"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"version 1", EDIT(RIG_INFO, "\"version\":3", "\"version\":1"), NULL, CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void forged_documents_do_not_count(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"a status changed", TAMPER(RIG_INFO, "\"OutOfDate\",\"advisoryIDs\"", "\"UpToDate\",\"advisoryIDs\""), NULL,
       CHIO_ATTEST_COLLATERAL_SIGNATURE, TCB},
      {"white space", TAMPER(RIG_INFO, "\"version\":3", "\"version\": 3"), NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, TCB},
      {"the QE's", TAMPER(RIG_QE, "{\"isvsvn\":1}", "{\"isvsvn\":2}"), NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, QEID},
      {"signed by a PCK", {.signer = RIG_SIGNER_PCK}, NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, TCB | QEID},
      {"signed by the PCK CA", {.signer = RIG_SIGNER_CA}, NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, TCB | QEID},
      {"signed under another root of the same names",
       {.signer = RIG_SIGNER_OTHER_ROOT},
       NULL,
       CHIO_ATTEST_COLLATERAL_MISSING,
       TCB | QEID},
      {"the signer's certificate is missing",
       {.signer = RIG_SIGNER_ABSENT},
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
      {"PCK list expired", {.pck_crl = RIG_CRL_EXPIRED}, NULL, CHIO_ATTEST_COLLATERAL_EXPIRED, CRL},
      {"PCK list from the future", {.pck_crl = RIG_CRL_FUTURE}, NULL, CHIO_ATTEST_COLLATERAL_NOT_YET_VALID, CRL},
      {"root list expired", {.root_crl = RIG_CRL_EXPIRED}, NULL, CHIO_ATTEST_COLLATERAL_EXPIRED, CRL},
      {"within grace", {.tcb_age = 86401 + 60}, "grace = 120\n", CHIO_ATTEST_ACCEPTED, 0},
      {"beyond grace", {.tcb_age = 86401 + 180}, "grace = 120\n", CHIO_ATTEST_COLLATERAL_EXPIRED, TCB},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void revocation_is_looked_at_everywhere(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"PCK certificate", {.pck_crl = RIG_CRL_REVOKES_LEAF}, NULL, CHIO_ATTEST_REVOKED, CRL},
      {"PCK CA", {.root_crl = RIG_CRL_REVOKES_CA}, NULL, CHIO_ATTEST_REVOKED, CRL},
      {"TCB signer", {.root_crl = RIG_CRL_REVOKES_SIGNER}, NULL, CHIO_ATTEST_REVOKED, TCB | QEID},
      {"a foreign PCK list", {.pck_crl = RIG_CRL_FOREIGN}, NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
      {"a foreign root list", {.root_crl = RIG_CRL_FOREIGN}, NULL, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
      {"no PCK list (the root's is none)", {.pck_crl = RIG_CRL_ABSENT}, NULL, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"no root list", {.root_crl = RIG_CRL_ABSENT}, NULL, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"a list without end", {.pck_crl = RIG_CRL_NO_NEXT_UPDATE}, NULL, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"a delta list", {.pck_crl = RIG_CRL_DELTA}, NULL, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"lists of tomorrow beside", {.besides = RIG_CRL_FUTURE}, NULL, CHIO_ATTEST_ACCEPTED, 0},
      {"lists that have ended beside", {.besides = RIG_CRL_EXPIRED}, NULL, CHIO_ATTEST_ACCEPTED, 0},
      {"forged lists beside", {.besides = RIG_CRL_FOREIGN}, NULL, CHIO_ATTEST_ACCEPTED, 0},
      {"a list that has ended, and one of tomorrow", {.besides = RIG_CRL_FUTURE, .pck_crl = RIG_CRL_EXPIRED}, NULL,
       CHIO_ATTEST_COLLATERAL_EXPIRED, CRL},
      {"a NUL after the list", {.pck_crl = RIG_CRL_TRAILING_NUL}, NULL, CHIO_ATTEST_ACCEPTED, 0},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* A "quoting enclave" of one's own on a genuine machine: everything signed, only the identity is wrong. */
static void any_enclave_is_not_the_quoting_enclave(void **state) {
  (void)state;
  struct chio_buf forged = CHIO_BUF_INIT;
  uint8_t signature[64];
  chio_buf_append_slice(&forged, chio_buf_slice(&rig.quote));
  uint8_t *report = forged.data + 48 + 584 + 4 + 128 + 6;
  report[CHIO_SGX_MRSIGNER] ^= 1;
  assert_int_equal(chio_ecdsa_sign_raw(rig.qe.pki.pairs[CHIO_SIM_DCAP_PCK].key, chio_slice(report, 384), 32, signature),
                   CHIO_OK);
  memcpy(report + 384, signature, 64);
  const struct rig_spec spec = {.edits_count = 0};
  struct chio_attest_result *r = rig_judge(chio_buf_slice(&forged), &spec, "");
  assert_int_equal(r->reason, CHIO_ATTEST_QE_IDENTITY);
  assert_true((r->proved & CHIO_ATTEST_PROVED_QE) != 0 && (r->proved & CHIO_ATTEST_PROVED_QE_IDENTITY) == 0);
  chio_attest_result_free(r);
  chio_buf_clear(&forged);
}

/* The machine's own report, without the vTPM that vouches for the rest of it, shows none of what is expected of that. */
static void a_report_without_its_vtpm_does_not_pass_for_its_registers(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"registers of a vTPM are expected", {.edits_count = 0},
       "[azure.pcr]\n4 = [\"4444444444444444444444444444444444444444444444444444444444444444\"]\n",
       CHIO_ATTEST_MEASUREMENT, CHIO_ATTEST_PROVED_POLICY},
      {"registers of another TEE are expected too", {.edits_count = 0},
       "[nitro.pcr]\n0 = [\"444444444444444444444444444444444444444444444444"
       "444444444444444444444444444444444444444444444444\"]\n",
       CHIO_ATTEST_ACCEPTED, 0},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* A machine's certificates and quoting enclave, taken from a genuine quote, around a key and a TD of one's own. */
static void a_key_that_the_quoting_enclave_does_not_vouch_for_proves_no_measurement(void **state) {
  (void)state;
  struct chio_buf forged = CHIO_BUF_INIT, spki = CHIO_BUF_INIT;
  EVP_PKEY *key = NULL;
  chio_buf_append_slice(&forged, chio_buf_slice(&rig.quote));
  uint8_t *signature = forged.data + 48 + 584 + 4;
  assert_int_equal(chio_ecdsa_generate("P-256", &key), CHIO_OK);
  assert_int_equal(chio_pkey_spki(key, &spki), CHIO_OK);
  assert_int_equal(chio_ecdsa_sign_raw(key, chio_slice(forged.data, 48 + 584), 32, signature), CHIO_OK);
  memcpy(signature + 64, spki.data + spki.len - 64, 64);
  const struct rig_spec spec = {.edits_count = 0};
  struct chio_attest_result *r = rig_judge(chio_buf_slice(&forged), &spec, "");
  assert_int_equal(r->reason, CHIO_ATTEST_QE_BINDING);
  assert_true((r->proved & CHIO_ATTEST_PROVED_SIGNATURE) != 0 && (r->proved & CHIO_ATTEST_PROVED_CHAIN) != 0);
  assert_int_equal(r->proved & (CHIO_ATTEST_PROVED_QE | CHIO_ATTEST_PROVED_MEASUREMENT), 0);
  chio_attest_result_free(r);
  EVP_PKEY_free(key);
  chio_buf_clear(&forged);
  chio_buf_clear(&spki);
}

static void what_is_missing_is_named(void **state) {
  (void)state;
  static const struct {
    struct rig_spec spec;
    const char *text;
  } rows[] = {
      {{.pck_crl = RIG_CRL_ABSENT}, "Platform CA"},
      {{.root_crl = RIG_CRL_ABSENT}, "Root CA"},
      {EDIT(RIG_INFO, "\"id\":\"TDX\"", "\"id\":\"SGX\""), "the TCB info of TDX for FMSPC "},
      {EDIT(RIG_QE, "\"id\":\"TD_QE\"", "\"id\":\"QE\""), "the QE identity 'TD_QE'"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_result *r = rig_judge(chio_slice(NULL, 0), &rows[i].spec, "");
    char *json = NULL;
    assert_int_equal(r->reason, CHIO_ATTEST_COLLATERAL_MISSING);
    assert_int_equal(r->failures_count, 1);
    assert_int_equal(r->missing_count, 1);
    if (strstr(r->failures[0].text, rows[i].text) == NULL || strstr(r->missing[0].text, rows[i].text) == NULL)
      fail_msg("%s: %s", rows[i].text, r->failures[0].text);
    assert_int_equal(r->proved & (uint32_t)r->missing[0].proof, 0);
    assert_int_equal(chio_attest_result_json(r, &json), CHIO_ATTEST_OK);
    assert_non_null(strstr(json, "\"missing\":[{\"proof\":\""));
    chio_attest_free(json);
    chio_attest_result_free(r);
  }
}

/* A quote of TD 1.5: launched under the module of tee_tcb_svn, running under that of tee_tcb_svn_2. late: the microcode
 * that was loaded late (component 2), then and now. */
static void put_td15(const uint8_t launched[2], const uint8_t running[2], struct chio_buf *out) {
  uint8_t head[6] = {3, 0, 0x88, 2, 0, 0}, more[64] = {running[0], 1, running[1]};
  chio_sim_qe_header(&rig.qe, 5, CHIO_DCAP_TEE_TDX, out);
  chio_buf_append(out, head, sizeof head);
  chio_buf_append(out, rig.quote.data + 48, 584);
  out->data[out->len - 584] = launched[0];
  out->data[out->len - 582] = launched[1];
  chio_buf_append(out, more, sizeof more);
  assert_int_equal(chio_sim_qe_sign(&rig.qe, 5, true, out), CHIO_OK);
}

static void a_td_under_a_new_module_is_to_be_launched_anew(void **state) {
  (void)state;
#define FIRST(status) RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"" status "\"},{\"tcb\":{\"sgxtcb", false
#define FIRST_IS_LATER RIG_INFO, "{\"svn\":0},{\"svn\":0},{\"svn\":3}", "{\"svn\":0},{\"svn\":0},{\"svn\":4}", false
#define SECOND(status) RIG_INFO, "\"OutOfDate\"}]}", "\"" status "\"}]}", false
  static const struct {
    uint8_t launched[2], running[2];
    struct rig_edit edits[3];
    size_t edits_count;
    const char *status;
  } rows[] = {
      {{6, 3}, {6, 3}, {{.from = NULL}}, 0, "UpToDate"},
      {{3, 3}, {6, 3}, {{.from = NULL}}, 0, "TDRelaunchAdvised"},
      {{3, 3}, {3, 3}, {{.from = NULL}}, 0, "OutOfDate"},
      {{3, 3}, {6, 3}, {{FIRST("SWHardeningNeeded")}}, 1, "TDRelaunchAdvised"},
      {{3, 3}, {6, 3}, {{FIRST("ConfigurationNeeded")}}, 1, "TDRelaunchAdvisedConfigurationNeeded"},
      {{6, 3}, {6, 4}, {{FIRST_IS_LATER}}, 1, "TDRelaunchAdvised"},
      {{6, 3}, {6, 4}, {{FIRST_IS_LATER}, {SECOND("OutOfDateConfigurationNeeded")}}, 2,
       "TDRelaunchAdvisedConfigurationNeeded"},
      {{6, 3}, {6, 3}, {{FIRST_IS_LATER}, {SECOND("OutOfDateConfigurationNeeded")}}, 2,
       "OutOfDateConfigurationNeeded"},
      {{1, 3}, {6, 3}, {{.from = NULL}}, 0, "TCB_NOT_SUPPORTED"},
      {{6, 3}, {1, 3}, {{.from = NULL}}, 0, "TCB_NOT_SUPPORTED"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf quote = CHIO_BUF_INIT;
    struct rig_spec spec = {.edits_count = rows[i].edits_count};
    memcpy(spec.edits, rows[i].edits, sizeof spec.edits);
    put_td15(rows[i].launched, rows[i].running, &quote);
    struct chio_attest_result *r = rig_judge(chio_buf_slice(&quote), &spec, "");
    if (r->tcb_status == NULL || strcmp(r->tcb_status, rows[i].status) != 0)
      fail_msg("row %zu: %s (%s)", i, r->tcb_status != NULL ? r->tcb_status : "-",
               r->failures_count > 0 ? r->failures[0].text : "");
    chio_attest_result_free(r);
    chio_buf_clear(&quote);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_collateral_proves_everything), cmocka_unit_test(each_status_counts_as_it_should),
      cmocka_unit_test(other_platforms_lists_do_not_count), cmocka_unit_test(damaged_documents_do_not_count),
      cmocka_unit_test(forged_documents_do_not_count),      cmocka_unit_test(collateral_counts_only_in_its_time),
      cmocka_unit_test(a_report_without_its_vtpm_does_not_pass_for_its_registers),
      cmocka_unit_test(a_key_that_the_quoting_enclave_does_not_vouch_for_proves_no_measurement),
      cmocka_unit_test(what_is_missing_is_named),
      cmocka_unit_test(a_td_under_a_new_module_is_to_be_launched_anew),
      cmocka_unit_test(revocation_is_looked_at_everywhere), cmocka_unit_test(any_enclave_is_not_the_quoting_enclave),
  };
  return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
