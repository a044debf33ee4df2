#include "attest/csr.h"

#include "attest/der.h"
#include "attest/judge.h"

#define ATTRIBUTES_MAX 32u
#define STATEMENTS_MAX 8u

static const uint8_t pe_cmw[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x23};
static const uint8_t aa_attestation[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x3b};
static const uint8_t tagged_evidence[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x09};
const struct chio_slice chio_oid_pe_cmw = {pe_cmw, sizeof pe_cmw};
const struct chio_slice chio_oid_aa_attestation = {aa_attestation, sizeof aa_attestation};
const struct chio_slice chio_oid_tagged_evidence = {tagged_evidence, sizeof tagged_evidence};

/* ---- Reading ---- */

/* Attribute ::= SEQUENCE { type, SET OF value }; ours has one value. */
static enum chio_err read_attribute(struct chio_cursor *c, struct chio_slice *out_type, struct chio_csr *csr) {
  struct chio_cursor attribute, values;
  struct chio_der value;
  enum chio_err err = chio_der_enter(c, CHIO_DER_T_SEQUENCE, &attribute);
  if (err == CHIO_OK) err = chio_der_expect(&attribute, CHIO_DER_T_OID, out_type);
  if (err == CHIO_OK) err = chio_der_enter(&attribute, CHIO_DER_T_SET, &values);
  if (err == CHIO_OK) err = chio_cursor_end(&attribute);
  if (err != CHIO_OK || !chio_slice_equal(*out_type, chio_oid_aa_attestation)) return err;
  err = chio_der_any(&values, &value);
  if (err == CHIO_OK) err = chio_cursor_end(&values);
  if (err == CHIO_OK && value.tag != CHIO_DER_T_SEQUENCE) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) csr->attestation = value.whole;
  return err;
}

static enum chio_err read_attributes(struct chio_cursor *attributes, struct chio_csr *csr) {
  struct chio_slice seen[ATTRIBUTES_MAX];
  for (size_t n = 0; attributes->left > 0; n++) {
    if (n == ATTRIBUTES_MAX) return CHIO_E_TOO_LONG;
    enum chio_err err = read_attribute(attributes, &seen[n], csr);
    if (err != CHIO_OK) return err;
    for (size_t i = 0; i < n; i++) {
      if (chio_slice_equal(seen[i], seen[n])) return CHIO_E_MALFORMED;
    }
  }
  return CHIO_OK;
}

static enum chio_err read_info(struct chio_cursor info, struct chio_csr *csr) {
  struct chio_cursor attributes;
  struct chio_der subject, spki;
  uint64_t version;
  enum chio_err err = chio_der_uint(&info, CHIO_DER_T_INTEGER, 0, &version);
  if (err == CHIO_OK) err = chio_der_any(&info, &subject);
  if (err == CHIO_OK && subject.tag != CHIO_DER_T_SEQUENCE) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_der_any(&info, &spki);
  if (err == CHIO_OK) err = chio_pubkey_parse(spki.whole, &csr->key);
  if (err == CHIO_OK) err = chio_der_enter(&info, CHIO_DER_T_CONTEXT(0), &attributes);
  if (err == CHIO_OK) err = chio_cursor_end(&info);
  if (err != CHIO_OK) return err;
  csr->subject = subject.whole;
  return read_attributes(&attributes, csr);
}

enum chio_err chio_csr_parse(struct chio_slice der, struct chio_csr *out) {
  struct chio_csr csr = {.signature_alg = CHIO_SIG_OTHER};
  struct chio_cursor outer = chio_cursor(der), inner;
  struct chio_der info;
  struct chio_slice algorithm, bits;
  enum chio_err err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &inner);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  if (err == CHIO_OK) err = chio_der_any(&inner, &info);
  if (err == CHIO_OK && info.tag != CHIO_DER_T_SEQUENCE) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_SEQUENCE, &algorithm);
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_BIT_STRING, &bits);
  if (err == CHIO_OK) err = chio_cursor_end(&inner);
  if (err == CHIO_OK && (bits.len < 2 || bits.data[0] != 0)) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = read_info(chio_cursor(info.contents), &csr);
  if (err != CHIO_OK) return CHIO_E_MALFORMED;
  csr.info = info.whole;
  csr.signature_alg = chio_sig_alg_parse(algorithm);
  csr.signature = chio_slice(bits.data + 1, bits.len - 1);
  *out = csr;
  return CHIO_OK;
}

enum chio_err chio_cmw_choice(struct chio_slice der, struct chio_slice *out) {
  struct chio_cursor c = chio_cursor(der);
  struct chio_der choice;
  enum chio_err err = chio_der_any(&c, &choice);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK && choice.tag != CHIO_DER_T_UTF8 && choice.tag != CHIO_DER_T_OCTET_STRING) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) *out = choice.contents;
  return err;
}

/* AttestationStatement ::= SEQUENCE { type, statement } */
static enum chio_err read_statement(struct chio_cursor *c, struct chio_slice *cmw) {
  struct chio_cursor statement;
  struct chio_slice type;
  struct chio_der body;
  enum chio_err err = chio_der_enter(c, CHIO_DER_T_SEQUENCE, &statement);
  if (err == CHIO_OK) err = chio_der_expect(&statement, CHIO_DER_T_OID, &type);
  if (err == CHIO_OK) err = chio_der_any(&statement, &body);
  if (err == CHIO_OK) err = chio_cursor_end(&statement);
  if (err != CHIO_OK || !chio_slice_equal(type, chio_oid_pe_cmw) || cmw->len > 0) return err;
  return chio_cmw_choice(body.whole, cmw);
}

/* Of LimitedCertChoices, the X.509 certificates; others are passed over. */
static enum chio_err read_certificates(struct chio_cursor *bundle, struct chio_cert_set *certs) {
  struct chio_cursor list;
  struct chio_der choice;
  if (bundle->left == 0) return CHIO_OK;
  enum chio_err err = chio_der_enter(bundle, CHIO_DER_T_SEQUENCE, &list);
  for (size_t n = 0; err == CHIO_OK && list.left > 0; n++) {
    if (n == CHIO_CERT_SET_MAX) return CHIO_E_TOO_LONG;
    err = chio_der_any(&list, &choice);
    if (err == CHIO_OK && choice.tag == CHIO_DER_T_SEQUENCE) err = chio_cert_set_add(certs, choice.whole);
  }
  return err;
}

enum chio_err chio_csr_cmw(const struct chio_csr *csr, struct chio_cert_set *certs, struct chio_slice *out) {
  struct chio_cursor outer = chio_cursor(csr->attestation), bundle, statements;
  struct chio_slice cmw = {NULL, 0};
  enum chio_err err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &bundle);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  if (err == CHIO_OK) err = chio_der_enter(&bundle, CHIO_DER_T_SEQUENCE, &statements);
  for (size_t n = 0; err == CHIO_OK && statements.left > 0; n++) {
    if (n == STATEMENTS_MAX) return CHIO_E_TOO_LONG;
    err = read_statement(&statements, &cmw);
  }
  if (err == CHIO_OK) err = read_certificates(&bundle, certs);
  if (err == CHIO_OK) err = chio_cursor_end(&bundle);
  if (err != CHIO_OK) return err;
  if (cmw.len == 0) return CHIO_E_UNSUPPORTED;
  *out = cmw;
  return CHIO_OK;
}

/* ---- Judging ---- */

void chio_judge_csr(struct chio_judge *j, const struct chio_csr *csr) {
  const struct chio_attest_result *r = &j->result->pub;
  struct chio_slice cmw;
  enum chio_err err = csr->attestation.len > 0 ? chio_csr_cmw(csr, &j->certs, &cmw) : CHIO_E_UNSUPPORTED;
  if (err == CHIO_OK) {
    chio_judge_cmw(j, cmw, csr->key.spki);
    if (r->key_spki != NULL && !chio_slice_equal(csr->key.spki, chio_slice(r->key_spki, r->key_spki_len)))
      chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the request and its evidence are about different keys");
  } else {
    chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
                    err == CHIO_E_UNSUPPORTED ? "the request carries no evidence of a known kind"
                                              : "the request's attestation attribute is malformed");
  }
  if (chio_pubkey_verify_possession(&csr->key, csr->signature_alg, csr->info, csr->signature) != CHIO_OK)
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the request is not signed with its own key");
  j->result->pub.container = "request";
}
