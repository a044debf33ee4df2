/*
 * Incidents: what other verifiers of DCAP evidence got wrong, one test each, on a simulated Intel platform whose every
 * key is ours, so that all is signed and only the thing itself is wrong. Prints what was tried and why it was refused.
 */
#include "attest/dcap.h"
#include "attest/ecdsa.h"
#include "tests/unit/dcap_rig.h"
#include "tests/unit/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY CHIO_DCAP_HEADER_SIZE
#define SIGNED (CHIO_DCAP_HEADER_SIZE + CHIO_DCAP_TD10_SIZE)
#define AT_SIGNATURE_LEN SIGNED
#define AT_SIGNATURE (SIGNED + 4)
#define AT_OUTER_TYPE (AT_SIGNATURE + 128)
#define AT_QE_REPORT (AT_OUTER_TYPE + 6)
#define AT_AUTH_LEN (AT_QE_REPORT + 384 + 64)
#define AT_CERT_TYPE (AT_AUTH_LEN + 2 + 32)
#define AT_CERT_LEN (AT_CERT_TYPE + 2)

#define CRL CHIO_ATTEST_PROVED_CRL
#define TCB CHIO_ATTEST_PROVED_TCB
#define QEID CHIO_ATTEST_PROVED_QE_IDENTITY

static const struct rig_spec whole = {.edits_count = 0};

/* One byte of the rig's quote set, before the attestation key signs the quote (header and body) or the PCK signs the
 * quoting enclave's report: a platform that really is so. */
struct change {
  size_t at;
  uint8_t value;
};

static struct chio_buf quote_with(const struct change *changes, size_t count) {
  struct chio_buf quote = CHIO_BUF_INIT;
  chio_buf_append(&quote, rig.quote.data, SIGNED);
  for (size_t i = 0; i < count; i++) {
    if (changes[i].at < SIGNED) quote.data[changes[i].at] = changes[i].value;
  }
  assert_int_equal(chio_sim_qe_sign(&rig.qe, 4, true, &quote), CHIO_OK);
  for (size_t i = 0; i < count; i++) {
    if (changes[i].at >= SIGNED) quote.data[changes[i].at] = changes[i].value;
  }
  uint8_t *report = quote.data + AT_QE_REPORT;
  assert_int_equal(
      chio_ecdsa_sign_raw(rig.qe.pki.pairs[CHIO_SIM_DCAP_PCK].key, chio_slice(report, 384), 32, report + 384), CHIO_OK);
  return quote;
}

struct quote_row {
  const char *name;
  struct change changes[4];
  size_t count;
  enum chio_attest_reason reason;
  uint32_t unproved;
};

static void judge_quotes(const struct quote_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct chio_buf quote = quote_with(rows[i].changes, rows[i].count);
    forge_expect(rows[i].name, rig_judge(chio_buf_slice(&quote), &whole, ""), rows[i].reason, rows[i].unproved);
    chio_buf_clear(&quote);
  }
}

struct spec_row {
  const char *name;
  struct rig_spec spec;
  enum chio_attest_reason reason;
  uint32_t unproved;
};

static void judge_specs(const struct spec_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    forge_expect(rows[i].name, rig_judge(chio_slice(NULL, 0), &rows[i].spec, ""), rows[i].reason, rows[i].unproved);
  }
}

#define EDIT(document, from, to) \
  { .edits = {{document, from, to, false}}, .edits_count = 1 }

/* ---- The quoting enclave ---- */

static void cve_2026_22696_no_enclave_but_intels_is_the_quoting_enclave(void **state) {
  (void)state;
  static const struct quote_row rows[] = {
      {"nothing changed", {{0, 4}}, 1, CHIO_ATTEST_ACCEPTED, 0},
      {"another signer", {{AT_QE_REPORT + CHIO_SGX_MRSIGNER, 1}}, 1, CHIO_ATTEST_QE_IDENTITY, QEID},
      {"another product", {{AT_QE_REPORT + CHIO_SGX_ISVPRODID, 1}}, 1, CHIO_ATTEST_QE_IDENTITY, QEID},
      {"other extended features", {{AT_QE_REPORT + CHIO_SGX_MISCSELECT, 1}}, 1, CHIO_ATTEST_QE_IDENTITY, QEID},
      {"a debug enclave", {{AT_QE_REPORT + CHIO_SGX_ATTRIBUTES, 0x17}}, 1, CHIO_ATTEST_QE_IDENTITY, QEID},
  };
  judge_quotes(rows, CHIO_ARRAY_LEN(rows));
}

/* Automata, July 2026: the enclave's attributes were used as their own mask. */
static void automata_attributes_are_compared_under_intels_mask(void **state) {
  (void)state;
  static const struct quote_row rows[] = {
      {"an enclave without PROVISION_KEY",
       {{AT_QE_REPORT + CHIO_SGX_ATTRIBUTES, 0x05}},
       1,
       CHIO_ATTEST_QE_IDENTITY,
       QEID},
      {"an enclave without INIT", {{AT_QE_REPORT + CHIO_SGX_ATTRIBUTES, 0x14}}, 1, CHIO_ATTEST_QE_IDENTITY, QEID},
      {"an enclave with KSS", {{AT_QE_REPORT + CHIO_SGX_ATTRIBUTES, 0x95}}, 1, CHIO_ATTEST_QE_IDENTITY, QEID},
      {"an enclave without any", {{AT_QE_REPORT + CHIO_SGX_ATTRIBUTES, 0}}, 1, CHIO_ATTEST_QE_IDENTITY, QEID},
  };
  judge_quotes(rows, CHIO_ARRAY_LEN(rows));
}

static void the_quoting_enclave_vouches_for_its_key_in_all_64_bytes(void **state) {
  (void)state;
  static const struct quote_row rows[] = {
      {"first byte of the hash",
       {{AT_QE_REPORT + CHIO_SGX_REPORT_DATA, 0x5a}},
       1,
       CHIO_ATTEST_QE_BINDING,
       CHIO_ATTEST_PROVED_QE},
      {"first byte after it",
       {{AT_QE_REPORT + CHIO_SGX_REPORT_DATA + 32, 1}},
       1,
       CHIO_ATTEST_QE_BINDING,
       CHIO_ATTEST_PROVED_QE},
      {"last byte", {{AT_QE_REPORT + CHIO_SGX_REPORT_DATA + 63, 1}}, 1, CHIO_ATTEST_QE_BINDING, CHIO_ATTEST_PROVED_QE},
  };
  judge_quotes(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Revocation lists ---- */

static void ghsa_2cjj_h43h_m6xj_a_revocation_list_is_signed_by_its_issuer(void **state) {
  (void)state;
  static const struct spec_row rows[] = {
      {"PCK list, signature of zeros", {.pck_crl = RIG_CRL_UNSIGNED}, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
      {"PCK list of another key", {.pck_crl = RIG_CRL_FOREIGN}, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
      {"root's list, signature of zeros", {.root_crl = RIG_CRL_UNSIGNED}, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
      {"root's list of another key", {.root_crl = RIG_CRL_FOREIGN}, CHIO_ATTEST_COLLATERAL_SIGNATURE, CRL},
  };
  judge_specs(rows, CHIO_ARRAY_LEN(rows));
}

/* Automata, July 2026. */
static void automata_no_list_is_missing_endless_or_anothers(void **state) {
  (void)state;
  static const struct spec_row rows[] = {
      {"no PCK list; the root's is not the PCK CA's", {.pck_crl = RIG_CRL_ABSENT}, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"no root list", {.root_crl = RIG_CRL_ABSENT}, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"no list at all", {.pck_crl = RIG_CRL_ABSENT, .root_crl = RIG_CRL_ABSENT}, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"a PCK list without nextUpdate", {.pck_crl = RIG_CRL_NO_NEXT_UPDATE}, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"a root list without nextUpdate", {.root_crl = RIG_CRL_NO_NEXT_UPDATE}, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
      {"a delta list", {.pck_crl = RIG_CRL_DELTA}, CHIO_ATTEST_COLLATERAL_MISSING, CRL},
  };
  judge_specs(rows, CHIO_ARRAY_LEN(rows));
}

static void automata_what_is_revoked_stays_revoked_for_sgx_and_tdx(void **state) {
  (void)state;
  static const struct spec_row rows[] = {
      {"the PCK", {.pck_crl = RIG_CRL_REVOKES_LEAF}, CHIO_ATTEST_REVOKED, CRL},
      {"its authority", {.root_crl = RIG_CRL_REVOKES_CA}, CHIO_ATTEST_REVOKED, CRL},
      {"the TCB signer", {.root_crl = RIG_CRL_REVOKES_SIGNER}, CHIO_ATTEST_REVOKED, TCB | QEID},
      {"the platform's TCB level",
       EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", "\"Revoked\"},{\"tcb\":{\"sgxtcb"), CHIO_ATTEST_TCB_REVOKED,
       0},
      {"the TDX module's level, the platform's being good",
       EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"isvsvn\":2", "\"Revoked\"},{\"tcb\":{\"isvsvn\":2"),
       CHIO_ATTEST_TCB_REVOKED, 0},
      {"the quoting enclave's level", EDIT(RIG_QE, "\"UpToDate\"", "\"Revoked\""), CHIO_ATTEST_TCB_REVOKED, 0},
  };
  judge_specs(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- The TCB ---- */

static void dcap_qvl_124_the_tdx_module_is_intels(void **state) {
  (void)state;
  static const struct quote_row rows[] = {
      {"a module of another signer", {{BODY + CHIO_TD_MRSIGNERSEAM, 1}}, 1, CHIO_ATTEST_TDX_MODULE, TCB},
      {"... in its last byte", {{BODY + CHIO_TD_MRSIGNERSEAM + 47, 1}}, 1, CHIO_ATTEST_TDX_MODULE, TCB},
      {"a module with attributes", {{BODY + CHIO_TD_SEAMATTRIBUTES, 1}}, 1, CHIO_ATTEST_TDX_MODULE, TCB},
      {"a module of a version that Intel does not list",
       {{BODY + CHIO_TD_TCB_SVN + 1, 9}},
       1,
       CHIO_ATTEST_TDX_MODULE,
       TCB},
  };
  judge_quotes(rows, CHIO_ARRAY_LEN(rows));
}

static void dcap_qvl_125_valid_means_up_to_date_unless_the_policy_says_more(void **state) {
  (void)state;
  static const char *const statuses[] = {"OutOfDate", "ConfigurationNeeded", "SWHardeningNeeded",
                                         "ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(statuses); i++) {
    char to[128];
    snprintf(to, sizeof to, "\"%s\"},{\"tcb\":{\"sgxtcb", statuses[i]);
    const struct rig_spec spec = EDIT(RIG_INFO, "\"UpToDate\"},{\"tcb\":{\"sgxtcb", to);
    forge_expect(statuses[i], rig_judge(chio_slice(NULL, 0), &spec, ""), CHIO_ATTEST_TCB_STATUS, 0);
  }
}

static void dcap_qvl_component_arrays_have_sixteen_members_each(void **state) {
  (void)state;
  static const struct spec_row rows[] = {
      {"15 of SGX", EDIT(RIG_INFO, "[{\"svn\":3},{\"svn\":3}", "[{\"svn\":3}"), CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"17 of SGX", EDIT(RIG_INFO, "[{\"svn\":3}", "[{\"svn\":3},{\"svn\":3}"), CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"none of SGX", EDIT(RIG_INFO, "\"sgxtcbcomponents\":[", "\"sgxtcbcomponents\":[],\"x\":["),
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"15 of TDX", EDIT(RIG_INFO, "\"tdxtcbcomponents\":[{\"svn\":0},", "\"tdxtcbcomponents\":["),
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"17 of TDX", EDIT(RIG_INFO, "\"tdxtcbcomponents\":[", "\"tdxtcbcomponents\":[{\"svn\":0},"),
       CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
      {"none of TDX", EDIT(RIG_INFO, "\"tdxtcbcomponents\"", "\"x\""), CHIO_ATTEST_COLLATERAL_FORMAT, TCB},
  };
  judge_specs(rows, CHIO_ARRAY_LEN(rows));
}

/* An older list makes an old platform look new: minimum evaluation number and date of a policy. */
static void an_older_list_of_intels_does_not_make_a_platform_newer(void **state) {
  (void)state;
  static const struct rig_spec old = EDIT(RIG_INFO, "\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":12");
  forge_expect("evaluation 12 where the policy wants 17",
               rig_judge(chio_slice(NULL, 0), &old, "[tcb]\nmin_evaluation = 17\n"), CHIO_ATTEST_TCB_MINIMUM, 0);
  forge_expect("a level of 2024-03-13 where the policy wants 2025-01-01",
               rig_judge(chio_slice(NULL, 0), &whole, "[tcb]\nmin_date = 2025-01-01\n"), CHIO_ATTEST_TCB_MINIMUM, 0);
}

/* ---- The structure ---- */

/* dcap-qvl #127, Automata: header fields that nobody looked at. All are signed here. */
static void dcap_qvl_127_every_field_of_the_header_counts(void **state) {
  (void)state;
  static const struct quote_row rows[] = {
      {"another vendor of the quoting enclave", {{12, 0}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"version 2", {{0, 2}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"version 6", {{0, 6}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"version 260", {{1, 1}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"a key on P-384", {{2, 3}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"a TEE of type 0x01", {{4, 1}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"a TEE of type 0x100081", {{6, 0x10}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"a TD's quote that calls itself SGX's", {{4, 0}}, 1, CHIO_ATTEST_FORMAT, ~0u},
      {"a TD's quote of version 3", {{0, 3}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"a TD's quote of version 5, body type and size wrong", {{0, 5}}, 1, CHIO_ATTEST_UNSUPPORTED, ~0u},
  };
  judge_quotes(rows, CHIO_ARRAY_LEN(rows));
}

/* Version 5 says what its body is, and how long: signed, so a platform could say anything. */
static void intel_qvl_a_body_has_the_size_of_its_type_and_fits_its_tee(void **state) {
  (void)state;
  static const struct {
    const char *name;
    uint32_t tee, type, size, body;
    enum chio_attest_reason reason;
    bool running; /* 1.5: the module that runs is the one at launch */
  } rows[] = {
      {"TD 1.0", 0x81, 2, 584, 584, CHIO_ATTEST_ACCEPTED, false},
      {"TD 1.5", 0x81, 3, 648, 648, CHIO_ATTEST_ACCEPTED, true},
      {"TD 1.5, the module that runs of version 0", 0x81, 3, 648, 648, CHIO_ATTEST_TCB_NOT_SUPPORTED, false},
      {"TD 1.0, one byte less", 0x81, 2, 583, 584, CHIO_ATTEST_FORMAT, false},
      {"TD 1.0, one byte more", 0x81, 2, 585, 585, CHIO_ATTEST_FORMAT, false},
      {"TD 1.0 of the size of 1.5", 0x81, 2, 648, 648, CHIO_ATTEST_FORMAT, false},
      {"TD 1.5 of the size of 1.0", 0x81, 3, 584, 584, CHIO_ATTEST_FORMAT, false},
      {"nothing", 0x81, 2, 0, 584, CHIO_ATTEST_FORMAT, false},
      {"everything", 0x81, 2, 0xffffffff, 584, CHIO_ATTEST_FORMAT, false},
      {"an enclave under a TD's header", 0x81, 1, 384, 384, CHIO_ATTEST_FORMAT, false},
      {"a TD under an enclave's header", 0, 2, 584, 584, CHIO_ATTEST_FORMAT, false},
      {"type 0", 0x81, 0, 584, 584, CHIO_ATTEST_UNSUPPORTED, false},
      {"type 5", 0x81, 5, 584, 584, CHIO_ATTEST_UNSUPPORTED, false},
      {"type 0x102", 0x81, 0x102, 584, 584, CHIO_ATTEST_UNSUPPORTED, false},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf quote = CHIO_BUF_INIT;
    chio_sim_qe_header(&rig.qe, 5, rows[i].tee, &quote);
    chio_buf_append_u16le(&quote, (uint16_t)rows[i].type);
    chio_buf_append_u32le(&quote, rows[i].size);
    for (size_t at = 0; at < rows[i].body; at++)
      chio_buf_append_u8(&quote, at < CHIO_DCAP_TD10_SIZE ? rig.quote.data[BODY + at] : 0);
    if (rows[i].running) memcpy(quote.data + 54 + CHIO_TD_TCB_SVN_2, rig.quote.data + BODY + CHIO_TD_TCB_SVN, 16);
    assert_int_equal(chio_sim_qe_sign(&rig.qe, 5, true, &quote), CHIO_OK);
    forge_expect(rows[i].name, rig_judge(chio_buf_slice(&quote), &whole, ""), rows[i].reason,
                 rows[i].reason == CHIO_ATTEST_ACCEPTED ? 0 : CHIO_ATTEST_PROVED_POLICY);
    chio_buf_clear(&quote);
  }
}

/* Each length, and one more, one less, nothing, everything. */
static void intel_qvl_and_dcap_qvl_every_length_adds_up(void **state) {
  (void)state;
  static const struct {
    const char *name;
    size_t at, size;
  } fields[] = {{"signature data", AT_SIGNATURE_LEN, 4},
                {"outer certification data", AT_OUTER_TYPE + 2, 4},
                {"authentication data", AT_AUTH_LEN, 2},
                {"certification data", AT_CERT_LEN, 4}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(fields); i++) {
    uint32_t right = 0;
    memcpy(&right, rig.quote.data + fields[i].at, fields[i].size);
    const uint32_t values[] = {right - 1, right + 1, 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 63, 65, 127, 129};
    for (size_t v = 0; v < CHIO_ARRAY_LEN(values); v++) {
      char name[96];
      struct chio_buf quote = CHIO_BUF_INIT;
      chio_buf_append_slice(&quote, chio_buf_slice(&rig.quote));
      memcpy(quote.data + fields[i].at, &values[v], fields[i].size);
      snprintf(name, sizeof name, "length of the %s: %u", fields[i].name, values[v]);
      forge_expect(name, rig_judge(chio_buf_slice(&quote), &whole, ""), CHIO_ATTEST_FORMAT, ~0u);
      chio_buf_clear(&quote);
    }
  }
}

static void dcap_qvl_a_quote_without_pck_certificates_is_refused(void **state) {
  (void)state;
  for (uint8_t type = 0; type <= 8; type++) {
    char name[64];
    if (type == CHIO_DCAP_CERT_PCK_CHAIN) continue;
    struct chio_buf quote = CHIO_BUF_INIT;
    chio_buf_append_slice(&quote, chio_buf_slice(&rig.quote));
    quote.data[AT_CERT_TYPE] = type;
    snprintf(name, sizeof name, "certification data of type %u", type);
    forge_expect(name, rig_judge(chio_buf_slice(&quote), &whole, ""), CHIO_ATTEST_CHAIN,
                 CHIO_ATTEST_PROVED_QE | CHIO_ATTEST_PROVED_CHAIN | CRL | TCB | QEID);
    chio_buf_clear(&quote);
  }
}

static void automata_bytes_after_the_signature_are_refused(void **state) {
  (void)state;
  struct chio_buf quote = CHIO_BUF_INIT;
  chio_buf_append_slice(&quote, chio_buf_slice(&rig.quote));
  chio_buf_append_str(&quote, "anything");
  forge_expect("text after a quote", rig_judge(chio_buf_slice(&quote), &whole, ""), CHIO_ATTEST_TRAILING,
               CHIO_ATTEST_PROVED_POLICY);
  chio_buf_clear(&quote);
}

/* dcap-qvl #130 (DER), Intel QVL dcd4210 (JSON): structures deep enough to exhaust a stack. */
static void dcap_qvl_130_and_intel_qvl_depth_is_bounded(void **state) {
  (void)state;
  enum { DEPTH = 100000 };
  struct chio_buf json = CHIO_BUF_INIT, der = CHIO_BUF_INIT, pem = CHIO_BUF_INIT, quote = CHIO_BUF_INIT;
  struct chio_attest_collateral *collateral = NULL;
  chio_buf_append_str(&json, "{\"tcbInfo\":");
  for (size_t i = 0; i < DEPTH; i++) chio_buf_append_str(&json, "[");
  for (size_t i = 0; i < DEPTH; i++) chio_buf_append_str(&json, "]");
  chio_buf_append_str(&json, ",\"signature\":\"00\"}");
  assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_collateral_add(collateral, json.data, json.len), CHIO_ATTEST_E_MALFORMED);
  const struct chio_attest_request as_evidence = {.evidence = json.data, .evidence_len = json.len, .at = rig.now};
  forge_expect("JSON 100,000 deep", forge_judge(&as_evidence), CHIO_ATTEST_FORMAT, ~0u);
  for (size_t i = 0; i < 2000; i++) { /* each level: SEQUENCE, two octets of length */
    size_t inner = 4 * (2000 - 1 - i);
    chio_buf_append(&der, (uint8_t[]){0x30, 0x82, (uint8_t)(inner >> 8), (uint8_t)inner}, 4);
  }
  forge_pem_of(chio_buf_slice(&der), &pem);
  struct chio_sim_qe qe = rig.qe;
  qe.chain = pem;
  chio_buf_append(&quote, rig.quote.data, SIGNED);
  assert_int_equal(chio_sim_qe_sign(&qe, 4, true, &quote), CHIO_OK);
  forge_expect("a certificate of SEQUENCEs 2,000 deep", rig_judge(chio_buf_slice(&quote), &whole, ""),
               CHIO_ATTEST_FORMAT, CHIO_ATTEST_PROVED_CHAIN);
  struct chio_buf *const bufs[] = {&json, &der, &pem, &quote};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bufs); i++) chio_buf_clear(bufs[i]);
  chio_attest_collateral_free(collateral);
}

/* dcap-qvl: a document and more; others: members twice, numbers in other forms. */
static void dcap_qvl_text_after_a_document_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{\"tcbInfo\":{\"id\":\"TDX\"},\"signature\":\"%0128d\"}garbage",
      "{\"tcbInfo\":{\"id\":\"TDX\"}}{\"signature\":\"%0128d\"}",
      "{\"tcbInfo\":{\"id\":\"TDX\",\"id\":\"SGX\"},\"signature\":\"%0128d\"}",
      "{\"tcbInfo\":{\"id\":\"TDX\"},\"signature\":\"%0126d\"}",
      "{\"tcbInfo\":{\"id\":\"TDX\"},\"signature\":\"%0130d\"}",
      "{\"tcbInfo\":{\"id\":\"T\x01\"},\"signature\":\"%0128d\"}",
      "{\"tcbInfo\":{\"id\":\"T\xff\"},\"signature\":\"%0128d\"}",
      "{\"tcbInfo\":{\"id\":01},\"signature\":\"%0128d\"}",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(texts); i++) {
    char text[512];
    struct chio_attest_collateral *collateral = NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int len = snprintf(text, sizeof text, texts[i], 0);
#pragma GCC diagnostic pop
    assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
    if (chio_attest_collateral_add(collateral, text, (size_t)len) != CHIO_ATTEST_E_MALFORMED) {
      fail_msg("taken: %s", text);
    }
    chio_attest_collateral_free(collateral);
  }
}

/* ---- Policies and expectations ---- */

static void dcap_qvl_and_taiko_a_workload_that_can_be_debugged_is_refused(void **state) {
  (void)state;
  static const struct quote_row rows[] = {
      {"TD attribute DEBUG", {{BODY + CHIO_TD_ATTRIBUTES, 1}}, 1, CHIO_ATTEST_DEBUG, CHIO_ATTEST_PROVED_POLICY},
      {"another bit of its group",
       {{BODY + CHIO_TD_ATTRIBUTES, 0x80}},
       1,
       CHIO_ATTEST_DEBUG,
       CHIO_ATTEST_PROVED_POLICY},
  };
  judge_quotes(rows, CHIO_ARRAY_LEN(rows));
}

static void dcap_rs_attributes_that_weaken_a_td_are_refused(void **state) {
  (void)state;
  static const struct quote_row rows[] = {
      {"SEPT_VE_DISABLE is not set", {{BODY + CHIO_TD_ATTRIBUTES + 3, 0}}, 1, CHIO_ATTEST_ATTRIBUTES, 0},
      {"MIGRATABLE", {{BODY + CHIO_TD_ATTRIBUTES + 3, 0x30}}, 1, CHIO_ATTEST_ATTRIBUTES, 0},
      {"PERFMON", {{BODY + CHIO_TD_ATTRIBUTES + 7, 0x80}}, 1, CHIO_ATTEST_ATTRIBUTES, 0},
      {"a reserved bit", {{BODY + CHIO_TD_ATTRIBUTES + 2, 1}}, 1, CHIO_ATTEST_ATTRIBUTES, 0},
  };
  judge_quotes(rows, CHIO_ARRAY_LEN(rows));
}

/* privkeyio/keep #577, reclaimprotocol #52, tkhq/sdk #1437: no expectation, no comparison, all is well. */
static void keep_577_a_policy_without_expectations_is_none(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "version = 1\n",
      "version = 1\ntee = [\"tdx\"]\n",
      "version = 1\ntee = [\"tdx\"]\nmeasurements = []\n",
      "version = 1\ntee = [\"nitro\"]\n[nitro]\npcr = {}\n",
      "version = 1\ntee = [\"nitro\"]\n[nitro]\npcr = { 0 = [] }\n",
      "version = 1\ntee = []\n",
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(texts); i++) {
    struct chio_attest_policy *policy = NULL;
    if (chio_attest_policy_parse(texts[i], strlen(texts[i]), "empty.toml", &policy, NULL) != CHIO_ATTEST_E_MALFORMED) {
      fail_msg("taken: '%s'", texts[i]);
    }
  }
  const struct chio_attest_request request = {.evidence = rig.quote.data, .evidence_len = rig.quote.len, .at = rig.now};
  forge_expect("no policy, no root", forge_judge(&request), CHIO_ATTEST_SIMULATED_ROOT, CHIO_ATTEST_PROVED_POLICY);
}

/* cmcp and its like: a mismatch was written to the log, and the answer was yes. And: hashes cut short or padded. */
static void cmcp_report_data_that_differs_refuses_in_every_byte(void **state) {
  (void)state;
  uint8_t expected[64] = {1};
  struct chio_attest_request request = {.evidence = rig.quote.data,
                                        .evidence_len = rig.quote.len,
                                        .at = rig.now,
                                        .root = rig.root_pem.data,
                                        .root_len = rig.root_pem.len,
                                        .report_data = expected,
                                        .report_data_len = sizeof expected};
  forge_expect("the report data", forge_judge(&request), CHIO_ATTEST_ACCEPTED, 0);
  for (size_t i = 0; i < sizeof expected; i++) {
    struct chio_attest_result *result = NULL;
    expected[i] ^= 0x80;
    assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
    assert_int_equal(result->reason, CHIO_ATTEST_REPORT_DATA);
    assert_int_equal(result->proved & CHIO_ATTEST_PROVED_REPORT_DATA, 0);
    chio_attest_result_free(result);
    expected[i] ^= 0x80;
  }
  static const size_t lengths[] = {1, 31, 32, 48, 63};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(lengths); i++) {
    char name[48];
    request.report_data_len = lengths[i];
    snprintf(name, sizeof name, "its first %zu bytes", lengths[i]);
    forge_expect(name, forge_judge(&request), CHIO_ATTEST_REPORT_DATA, CHIO_ATTEST_PROVED_REPORT_DATA);
  }
}

/* TEE.fail, WireTap, Battering RAM: keys of machines that an attacker owns. A policy can name the machines. */
static void tee_fail_and_wiretap_a_machine_that_the_policy_does_not_name_is_refused(void **state) {
  (void)state;
  forge_expect(
      "another PPID",
      rig_judge(chio_slice(NULL, 0), &whole, "[intel]\nppid_accepted = [\"00112233445566778899aabbccddeeff\"]\n"),
      CHIO_ATTEST_CHIP, CHIO_ATTEST_PROVED_POLICY);
  forge_expect("another FMSPC",
               rig_judge(chio_slice(NULL, 0), &whole, "[intel]\nfmspc_accepted = [\"00806f050000\"]\n"),
               CHIO_ATTEST_CHIP, CHIO_ATTEST_PROVED_POLICY);
}

/* Intel's legacy RA-TLS extension has the OID of the PCK certificate's own: what it means depends on the certificate.
 */
static void an_extension_means_what_its_certificate_says(void **state) {
  (void)state;
  const struct forge_extension quote = {"1.2.840.113741.1.13.1", chio_buf_slice(&rig.quote)};
  const struct forge_cert as_ratls = {.cn = "workload", .path_len = -1, .extensions = &quote, .extensions_count = 1};
  struct chio_buf der = CHIO_BUF_INIT;
  EVP_PKEY *key = forge_key("P-256");
  X509 *cert = forge_certify(key, NULL, NULL, &as_ratls);
  forge_der(cert, &der);
  const struct chio_attest_request request = {.evidence = der.data,
                                              .evidence_len = der.len,
                                              .at = rig.now,
                                              .root = rig.root_pem.data,
                                              .root_len = rig.root_pem.len};
  forge_expect("a certificate with a quote under the PCK's OID", forge_judge(&request), CHIO_ATTEST_UNSUPPORTED, ~0u);
  X509_free(cert);
  chio_buf_reset(&der);
  const struct forge_cert as_pck = {
      .cn = "Forged SGX PCK Certificate", .path_len = -1, .extensions = &quote, .extensions_count = 1};
  cert = forge_certify(key, rig.qe.pki.pairs[CHIO_SIM_DCAP_PLATFORM_CA].key,
                       rig.qe.pki.pairs[CHIO_SIM_DCAP_PLATFORM_CA].cert, &as_pck);
  struct chio_sim_qe qe = rig.qe;
  struct chio_buf pem = CHIO_BUF_INIT, forged = CHIO_BUF_INIT;
  forge_pem(cert, &pem);
  forge_pem(rig.qe.pki.pairs[CHIO_SIM_DCAP_PLATFORM_CA].cert, &pem);
  forge_pem(rig.qe.pki.pairs[CHIO_SIM_DCAP_ROOT].cert, &pem);
  qe.chain = pem;
  qe.pki.pairs[CHIO_SIM_DCAP_PCK].key = key;
  chio_buf_append(&forged, rig.quote.data, SIGNED);
  assert_int_equal(chio_sim_qe_sign(&qe, 4, true, &forged), CHIO_OK);
  forge_expect("a PCK certificate whose extension is a quote", rig_judge(chio_buf_slice(&forged), &whole, ""),
               CHIO_ATTEST_FORMAT, CHIO_ATTEST_PROVED_CHAIN);
  X509_free(cert);
  EVP_PKEY_free(key);
  chio_buf_clear(&der);
  chio_buf_clear(&pem);
  chio_buf_clear(&forged);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cve_2026_22696_no_enclave_but_intels_is_the_quoting_enclave),
      cmocka_unit_test(automata_attributes_are_compared_under_intels_mask),
      cmocka_unit_test(the_quoting_enclave_vouches_for_its_key_in_all_64_bytes),
      cmocka_unit_test(ghsa_2cjj_h43h_m6xj_a_revocation_list_is_signed_by_its_issuer),
      cmocka_unit_test(automata_no_list_is_missing_endless_or_anothers),
      cmocka_unit_test(automata_what_is_revoked_stays_revoked_for_sgx_and_tdx),
      cmocka_unit_test(dcap_qvl_124_the_tdx_module_is_intels),
      cmocka_unit_test(dcap_qvl_125_valid_means_up_to_date_unless_the_policy_says_more),
      cmocka_unit_test(dcap_qvl_component_arrays_have_sixteen_members_each),
      cmocka_unit_test(an_older_list_of_intels_does_not_make_a_platform_newer),
      cmocka_unit_test(dcap_qvl_127_every_field_of_the_header_counts),
      cmocka_unit_test(intel_qvl_a_body_has_the_size_of_its_type_and_fits_its_tee),
      cmocka_unit_test(intel_qvl_and_dcap_qvl_every_length_adds_up),
      cmocka_unit_test(dcap_qvl_a_quote_without_pck_certificates_is_refused),
      cmocka_unit_test(automata_bytes_after_the_signature_are_refused),
      cmocka_unit_test(dcap_qvl_130_and_intel_qvl_depth_is_bounded),
      cmocka_unit_test(dcap_qvl_text_after_a_document_is_refused),
      cmocka_unit_test(dcap_qvl_and_taiko_a_workload_that_can_be_debugged_is_refused),
      cmocka_unit_test(dcap_rs_attributes_that_weaken_a_td_are_refused),
      cmocka_unit_test(keep_577_a_policy_without_expectations_is_none),
      cmocka_unit_test(cmcp_report_data_that_differs_refuses_in_every_byte),
      cmocka_unit_test(tee_fail_and_wiretap_a_machine_that_the_policy_does_not_name_is_refused),
      cmocka_unit_test(an_extension_means_what_its_certificate_says),
  };
  return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
