/* Finds out what evidence is: by its first bytes and its structure, never by a name. */
#include "attest/bundle.h"
#include "attest/cmw.h"
#include "attest/csr.h"
#include "attest/dcap_quote.h"
#include "attest/der.h"
#include "attest/ear.h"
#include "attest/interop_quote.h"
#include "attest/judge.h"
#include "attest/maa.h"
#include "attest/nitro.h"
#include "attest/pem.h"
#include "attest/ratls.h"
#include "attest/snp_vek.h"
#include "attest/tee_package.h"
#include "signer/base/text.h"

/* 2.25.109241486368889581879283758888474991060 */
static const uint8_t chio_evidence[] = {0x69, 0x81, 0xa4, 0xaf, 0x92, 0xc7, 0xa6, 0x9c, 0xaa, 0xba,
                                        0xd7, 0x91, 0xa6, 0xf9, 0xfa, 0xbb, 0xff, 0x95, 0xb3, 0x54};
const struct chio_slice chio_oid_evidence = {chio_evidence, sizeof chio_evidence};

/* ---- Certificates that carry evidence ---- */

/* The certificate is of the attested key itself, signed by the attestation key: both must fit the bundle in it. */
static void judge_carrier(struct chio_judge *j, const struct chio_cert *cert) {
  const struct chio_attest_result *r = &j->result->pub;
  struct chio_pubkey ak;
  if (chio_pubkey_parse(j->ak_spki, &ak) != CHIO_OK ||
      chio_pubkey_verify(&ak, cert->signature_alg, cert->tbs, cert->signature) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the attestation key did not sign the certificate");
  }
  if (!chio_slice_equal(cert->key.spki, chio_slice(r->key_spki, r->key_spki_len))) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "certificate and key statement are of different keys");
  }
}

/* The extensions that certificates of YubiHSM have: the attestation key signed them, and they must not say other than
 * the statement does. */
static void judge_yubihsm(struct chio_judge *j, const struct chio_cert *cert) {
  static const uint8_t oid_origin[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xc4, 0x0a, 0x04, 0x03};
  static const uint8_t generated[] = {CHIO_DER_T_BIT_STRING, 0x02, 0x00, 0x01};
  const char *statement = j->result->pub.statement_json;
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct chio_slice value;
  if (chio_cert_extension(cert, chio_slice(oid_origin, sizeof oid_origin), &value) != CHIO_OK) return;
  bool born = statement != NULL && chio_json_parse(chio_slice_str(statement), &doc) == CHIO_OK &&
              chio_json_is(chio_json_get(doc, chio_json_root(doc), "origin"), "born");
  if (born && chio_slice_equal(value, chio_slice(generated, sizeof generated))) return;
  chio_judge_fail(j, CHIO_ATTEST_KEY_ATTRIBUTES, "certificate and key statement say different origins of the key");
}

static void judge_wrapped(struct chio_judge *j, const struct chio_cert *cert, struct chio_slice extension) {
  const struct chio_attest_result *r = &j->result->pub;
  struct chio_slice cmw;
  if (chio_cmw_choice(extension, &cmw) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the certificate's message wrapper is malformed");
    return;
  }
  chio_judge_cmw(j, cmw, cert->key.spki);
  if (r->key_spki != NULL && !chio_slice_equal(cert->key.spki, chio_slice(r->key_spki, r->key_spki_len)))
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the certificate and its evidence are about different keys");
  chio_judge_self_signed(j, cert);
}

static void judge_carried(struct chio_judge *j, const struct chio_cert *cert) {
  struct chio_slice value;
  if (chio_cert_extension(cert, chio_oid_evidence, &value) == CHIO_OK) {
    chio_judge_bundle(j, value);
    if (j->ak_spki.len > 0) {
      judge_carrier(j, cert);
      judge_yubihsm(j, cert);
    }
  } else if (chio_cert_extension(cert, chio_oid_tagged_evidence, &value) == CHIO_OK) {
    chio_judge_ratls(j, cert, value);
  } else if (chio_cert_extension(cert, chio_oid_pe_cmw, &value) == CHIO_OK) {
    judge_wrapped(j, cert, value);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "the certificate carries no evidence");
  }
}

/* A certificate, or a request for one. */
static void judge_der(struct chio_judge *j, struct chio_slice der) {
  struct chio_cert cert;
  struct chio_csr csr;
  if (chio_cert_parse(der, &cert) == CHIO_OK) {
    judge_carried(j, &cert);
    j->result->pub.container = "certificate";
  } else if (chio_csr_parse(der, &csr) == CHIO_OK) {
    chio_judge_csr(j, &csr);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "neither a certificate nor a request for one");
  }
}

static void judge_pem(struct chio_judge *j, struct chio_slice text, const char *label) {
  struct chio_cursor c = chio_cursor(text);
  struct chio_buf der = CHIO_BUF_INIT;
  if (chio_pem_next(&c, label, &der) == CHIO_OK)
    judge_der(j, chio_buf_slice(&der));
  else
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the PEM is malformed");
  chio_buf_clear(&der);
}

/* ---- JSON ---- */

/* An EAT that holds nothing but wrapped evidence beside its nonce: {"cmw":base64url,"eat_nonce":...}. The nonce is in
 * the evidence's report data too, and is judged there. */
static void judge_eat(struct chio_judge *j, const struct chio_json *value) {
  struct chio_buf cmw = CHIO_BUF_INIT;
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  while (err == CHIO_OK && text.len > 0 && text.data[text.len - 1] == '=') text.len--;
  if (err == CHIO_OK) err = chio_base64_decode(text, true, &cmw);
  if (err == CHIO_OK)
    chio_judge_cmw(j, chio_buf_slice(&cmw), chio_slice(NULL, 0));
  else
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the token's message wrapper is malformed");
  chio_buf_clear(&cmw);
}

static void judge_json(struct chio_judge *j, struct chio_slice text) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  j->result->pub.container = "json";
  if (chio_json_parse(text, &doc) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the evidence begins as JSON, and is malformed");
  } else if (chio_json_get(doc, chio_json_root(doc), "outblob") != NULL) {
    chio_judge_tsm(j, text);
  } else if (chio_json_get(doc, chio_json_root(doc), "__cmwc_t") != NULL) {
    chio_judge_cmw(j, text, chio_slice(NULL, 0));
  } else if (chio_tee_report_looks_like(doc)) {
    chio_judge_tee_report(j, doc);
  } else if (chio_tee_stub_looks_like(doc)) {
    chio_judge_tee_stub(j, doc);
  } else if (chio_json_is(chio_json_get(doc, chio_json_root(doc), "eat_profile"), CHIO_EAR_PROFILE)) {
    chio_judge_fail(j, CHIO_ATTEST_SIGNATURE, "an attestation result that nobody signed");
  } else if (chio_json_get(doc, chio_json_root(doc), "cmw") != NULL) {
    judge_eat(j, chio_json_get(doc, chio_json_root(doc), "cmw"));
  } else if (chio_cavium_doc_looks_like(doc)) {
    chio_judge_cavium_doc(j, doc);
  } else if (!chio_judge_azure(j, doc)) {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "JSON that is evidence of no known kind");
  }
}

/* ---- Detection ---- */

/* One DER SEQUENCE that is all there is, but for nothing. */
static bool is_der_sequence(struct chio_slice bytes) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_der element;
  return chio_der_any(&c, &element) == CHIO_OK && element.tag == CHIO_DER_T_SEQUENCE && c.left == 0;
}

static struct chio_slice trim(struct chio_slice s) {
  while (s.len > 0 && strchr(" \t\r\n", s.data[0]) != NULL && s.data[0] != 0) s.data++, s.len--;
  while (s.len > 0 && s.data[s.len - 1] != 0 && strchr(" \t\r\n", s.data[s.len - 1]) != NULL) s.len--;
  return s;
}

/* A report as configfs-tsm has it, in CBOR, not wrapped. */
static bool is_tsm(struct chio_slice bytes) {
  struct chio_tsm_report report;
  return chio_tsm_report_parse(bytes, &report) == CHIO_OK;
}

static void judge_cbor(struct chio_judge *j, struct chio_slice bytes) {
  if (is_tsm(bytes)) {
    j->result->pub.container = "cbor";
    chio_judge_tsm(j, bytes);
  } else {
    chio_judge_cmw(j, bytes, chio_slice(NULL, 0));
  }
}

/* A token: what a verifier says of evidence. */
static void judge_jwt(struct chio_judge *j, struct chio_slice text) {
  struct chio_jws token;
  j->result->pub.container = "token";
  if (chio_jws_parse(text, &token) != CHIO_OK)
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the token is malformed");
  else if (chio_ear_is(&token))
    chio_judge_ear(j, &token);
  else
    chio_judge_maa(j, &token);
  chio_jws_clear(&token);
}

/* What holds evidence, and is none itself. */
static void judge_container(struct chio_judge *j, struct chio_slice evidence) {
  struct chio_slice text = trim(evidence);
  if (text.len > 0 && text.data[0] == '{' && chio_bundle_looks_like(text)) {
    chio_judge_bundle(j, text);
  } else if (text.len > 0 && text.data[0] == '{') {
    judge_json(j, text);
  } else if (text.len > 0 && text.data[0] == '[') {
    chio_judge_cmw(j, text, chio_slice(NULL, 0));
  } else if (chio_jws_looks_like(text)) {
    judge_jwt(j, text);
  } else if (chio_ear_cwt_looks_like(evidence)) {
    chio_judge_ear_cwt(j, evidence);
  } else if (chio_cmw_looks_like(evidence)) { /* may hold PEM */
    judge_cbor(j, evidence);
  } else if (chio_pem_has(evidence, "CERTIFICATE REQUEST")) {
    judge_pem(j, evidence, "CERTIFICATE REQUEST");
  } else if (chio_pem_has(evidence, "CERTIFICATE")) {
    judge_pem(j, evidence, "CERTIFICATE");
  } else if (is_der_sequence(evidence)) {
    judge_der(j, evidence);
  } else if (chio_cavium_looks_like(evidence)) {
    chio_judge_cavium(j, evidence);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "evidence of no known format");
  }
}

/* Azure's evidence is JSON, and stands where others have a quote. */
static void judge_inside(struct chio_judge *j, struct chio_slice evidence) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  if (evidence.data[0] == '{' && chio_json_parse(evidence, &doc) == CHIO_OK && chio_judge_azure(j, doc)) return;
  chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "the quote inside is of no known format");
}

void chio_judge_evidence(struct chio_judge *j, struct chio_slice evidence) {
  if (j->result->pub.container == NULL) j->result->pub.container = "raw";
  if (evidence.len == 0) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "there is no evidence: it is empty");
  } else if (chio_interop_looks_like(evidence)) { /* before the quotes that it resembles, and is too short for */
    chio_judge_interop(j, evidence);
  } else if (chio_dcap_quote_looks_like(evidence)) {
    chio_judge_dcap(j, evidence);
  } else if (chio_snp_report_looks_like(evidence)) {
    chio_judge_snp(j, evidence);
  } else if (chio_nitro_looks_like(evidence)) {
    chio_judge_nitro(j, evidence);
  } else if (j->inside) { /* evidence inside evidence ends here */
    judge_inside(j, evidence);
  } else {
    judge_container(j, evidence);
  }
}
