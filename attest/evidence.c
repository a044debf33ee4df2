/* Finds out what evidence is: by its first bytes and its structure, never by a name. */
#include "attest/bundle.h"
#include "attest/dcap_quote.h"
#include "attest/der.h"
#include "attest/interop_quote.h"
#include "attest/judge.h"
#include "attest/maa.h"
#include "attest/nitro.h"
#include "attest/pem.h"
#include "attest/ratls.h"
#include "attest/snp_vek.h"
#include "signer/base/text.h"

/* 2.25.109241486368889581879283758888474991060 */
static const uint8_t oid_chio_evidence[] = {0x69, 0x81, 0xa4, 0xaf, 0x92, 0xc7, 0xa6, 0x9c, 0xaa, 0xba,
                                            0xd7, 0x91, 0xa6, 0xf9, 0xfa, 0xbb, 0xff, 0x95, 0xb3, 0x54};

/* 2.23.133.5.4.9, tagged evidence of the TCG */
static const uint8_t oid_tagged_evidence[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x09};

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

static void judge_certificate(struct chio_judge *j, struct chio_slice der) {
  struct chio_cert cert;
  struct chio_slice value;
  if (chio_cert_parse(der, &cert) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the certificate is malformed");
    return;
  }
  if (chio_cert_extension(&cert, chio_slice(oid_chio_evidence, sizeof oid_chio_evidence), &value) == CHIO_OK) {
    chio_judge_bundle(j, value);
    if (j->ak_spki.len > 0) judge_carrier(j, &cert);
  } else if (chio_cert_extension(&cert, chio_slice(oid_tagged_evidence, sizeof oid_tagged_evidence), &value) ==
             CHIO_OK) {
    chio_judge_ratls(j, &cert, value);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "the certificate carries no evidence");
  }
  j->result->pub.container = "certificate";
}

static void judge_pem(struct chio_judge *j, struct chio_slice text) {
  struct chio_cursor c = chio_cursor(text);
  struct chio_buf der = CHIO_BUF_INIT;
  if (chio_pem_next(&c, "CERTIFICATE", &der) == CHIO_OK)
    judge_certificate(j, chio_buf_slice(&der));
  else
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the certificate's PEM is malformed");
  chio_buf_clear(&der);
}

/* ---- JSON ---- */

/* What configfs-tsm gave, as its readers pass it on: {"provider":...,"outblob":base64,"auxblob":base64}. */
static enum chio_err read_blob(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  if (err != CHIO_OK) return err;
  bool standard = memchr(text.data, '+', text.len) != NULL || memchr(text.data, '/', text.len) != NULL;
  if (standard) return chio_base64_decode(text, false, out);
  while (text.len > 0 && text.data[text.len - 1] == '=') text.len--;
  return chio_base64_decode(text, true, out);
}

static void judge_tsm(struct chio_judge *j, const struct chio_json_doc *doc) {
  const struct chio_json *root = chio_json_root(doc), *aux = chio_json_get(doc, root, "auxblob");
  struct chio_buf out = CHIO_BUF_INIT, table = CHIO_BUF_INIT;
  enum chio_err err = read_blob(chio_json_get(doc, root, "outblob"), &out);
  if (err == CHIO_OK && aux != NULL && aux->type == CHIO_JSON_STRING && aux->string.len > 0) {
    err = read_blob(aux, &table);
    if (err == CHIO_OK) err = chio_snp_table_add(chio_buf_slice(&table), &j->certs);
  }
  if (err == CHIO_OK) {
    j->in_bundle = true;
    chio_judge_evidence(j, chio_buf_slice(&out));
  } else {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the report's JSON is malformed");
  }
  chio_buf_clear(&out);
  chio_buf_clear(&table);
}

static void judge_json(struct chio_judge *j, struct chio_slice text) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  j->result->pub.container = "json";
  if (chio_json_parse(text, &doc) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the evidence begins as JSON, and is malformed");
  } else if (chio_json_get(doc, chio_json_root(doc), "outblob") != NULL) {
    judge_tsm(j, doc);
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

void chio_judge_evidence(struct chio_judge *j, struct chio_slice evidence) {
  struct chio_slice text = trim(evidence);
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
  } else if (j->in_bundle) { /* evidence inside evidence ends here */
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "the bundle's quote is of no known format");
  } else if (text.len > 0 && text.data[0] == '{' && chio_bundle_looks_like(text)) {
    chio_judge_bundle(j, text);
  } else if (text.len > 0 && text.data[0] == '{') {
    judge_json(j, text);
  } else if (chio_maa_looks_like(text)) {
    chio_judge_maa(j, text);
  } else if (chio_pem_has(evidence, "CERTIFICATE")) {
    judge_pem(j, evidence);
  } else if (is_der_sequence(evidence)) {
    judge_certificate(j, evidence);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "evidence of no known format");
  }
}
