#include "tools/hsm/attest_format.h"

#include "attest/bundle.h"
#include "attest/cmw.h"
#include "attest/csr.h"
#include "attest/dcap_quote.h"
#include "attest/der.h"
#include "attest/der_write.h"
#include "attest/in_toto.h"
#include "attest/ratls.h"
#include "signer/base/secret.h"
#include "signer/wire/mechanism.h"
#include "tools/hsm/attest_tee.h"
#include "tools/hsm/birth_papers.h"
#include "tools/hsm/delegation.h"
#include "tools/hsm/key_sign.h"
#include "tools/hsm/model_hash.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"
#include "tools/hsm/x509_write.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define PROFILE_DEFAULT "ratls-v1"
#define CERTIFICATE_DAYS 90
#define CLOCK_SKEW 300 /* seconds by which a reader's clock may be behind */

/* ---- Evidence from the signer ---- */

/* The evidence made with the key. */
static enum chio_err of_birth(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  const struct chio_uid *object =
      a->key->public_half.known ? &a->key->public_half.uid : &a->key->private_half.uid;
  struct chio_slice evidence;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err =
      hsm_attribute_get(a->hsm, object, (uint32_t)CKA_CHIO_EVIDENCE, &evidence, holder, detail);
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN || (err == CHIO_OK && evidence.len == 0))
    return chio_fail(detail, CHIO_E_NOT_FOUND, "key '%s' has no evidence: it was not born in this signer",
                     a->hsm->word[0]);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(out, evidence);
  return chio_buf_err(out);
}

enum chio_err hsm_attest_now(const struct hsm_attest *a, const char *profile, struct chio_slice data,
                              struct chio_buf *out, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *encoded = chio_buf_new();
  const struct chio_mech_params params = {.kind = profile != NULL ? CHIO_PARAMS_ATTEST : CHIO_PARAMS_NONE,
                                          .profile = chio_slice_str(profile)};
  if (holder == NULL || encoded == NULL) return CHIO_E_NO_MEMORY;
  if (!a->key->private_half.known)
    return chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private key '%s'", a->hsm->token_label,
                     a->hsm->word[0]);
  enum chio_err err = chio_mech_params_encode(&params, encoded);
  struct chio_sign_request request = {.slot = a->hsm->slot,
                                      .key = a->key->private_half.uid,
                                      .mechanism = CHIO_MECH_CHIO_ATTEST,
                                      .params = chio_buf_slice(encoded),
                                      .data = data};
  struct chio_sign_reply reply;
  if (err == CHIO_OK) err = hsm_ticket(a->hsm, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_sign(a->hsm->client, &request, &reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(out, reply.signature);
  return chio_buf_err(out);
}

/* What a KMS's own HSM attested, as it handed it out. */
static enum chio_err make_backend(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  const struct chio_uid *object =
      a->key->public_half.known ? &a->key->public_half.uid : &a->key->private_half.uid;
  struct chio_slice document = {NULL, 0};
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  if (a->has_nonce) return chio_fail(detail, CHIO_E_ARGUMENT, "a KMS's attestation of a key answers no --nonce");
  enum chio_err err =
      hsm_attribute_get(a->hsm, object, (uint32_t)CKA_CHIO_BACKEND_ATTESTATION, &document, holder, detail);
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN || (err == CHIO_OK && document.len == 0))
    return chio_fail(detail, CHIO_E_NOT_FOUND, "key '%s' has no attestation of a KMS", a->hsm->word[0]);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(out, document);
  return chio_buf_err(out);
}

/* The chain as it is now: who ordered it got the first, and chiod renews it. */
static enum chio_err make_delegation(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_slice chain;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  if (a->has_nonce) return chio_fail(detail, CHIO_E_ARGUMENT, "a delegation answers no --nonce");
  enum chio_err err = hsm_delegation_get(a->hsm, a->key, &chain, holder, detail);
  return err == CHIO_OK ? hsm_delegation_pem(chain, out) : err;
}

static enum chio_err make_bundle(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  return a->has_nonce ? hsm_attest_now(a, NULL, a->nonce, out, detail) : of_birth(a, out, detail);
}

static enum chio_err make_in_toto(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  return hsm_attest_now(a, CHIO_IN_TOTO_PROFILE, a->nonce, out, detail);
}

static enum chio_err make_certificate(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *der = chio_buf_new();
  if (der == NULL) return CHIO_E_NO_MEMORY;
  if (a->has_nonce) return chio_fail(detail, CHIO_E_ARGUMENT, "the certificate is of the key's birth: no --nonce");
  enum chio_err err = hsm_birth_certificate(a->hsm, a->key, der, detail);
  if (err == CHIO_OK) hsm_pem_put("CERTIFICATE", chio_buf_slice(der), out);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

/* ---- Evidence that binds the key directly ---- */

/* The data of profile chio-v1. */
static enum chio_err receipt_root(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  const char *text = a->hsm->option[HSM_OPT_RECEIPT_ROOT];
  if (text == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "profile chio-v1 takes --receipt-root");
  if (hsm_hex_parse(text, out) == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--receipt-root '%s': expected bytes in hex", text);
}

/* That of tee-v1: a key that was made for a model needs no word on it. */
static enum chio_err workload(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  enum chio_err err = hsm_model_read(a->hsm, HSM_OPT_WORKLOAD_HASH, "workload-hash", out, detail);
  if (err != CHIO_OK || out->len > 0 || hsm_key_attribute(a->key, (uint32_t)CKA_CHIO_MODEL_HASH).len > 0) return err;
  return chio_fail(detail, CHIO_E_ARGUMENT, "profile tee-v1 takes --workload-hash or --model: the key has no model");
}

/* The one option that is the profile's data; the nonce, where there is none. */
static enum chio_err direct_data(const struct hsm_attest *a, const char *profile, struct chio_buf *out,
                                 struct chio_detail *detail) {
  bool tee = strcmp(profile, "tee-v1") == 0, chio = strcmp(profile, "chio-v1") == 0;
  const char *const *option = a->hsm->option;
  if (!tee && (option[HSM_OPT_WORKLOAD_HASH] != NULL || option[HSM_OPT_MODEL] != NULL))
    return chio_fail(detail, CHIO_E_ARGUMENT, "profile %s takes no --workload-hash or --model", profile);
  if (!chio && option[HSM_OPT_RECEIPT_ROOT] != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "profile %s takes no --receipt-root", profile);
  if ((tee || chio) && a->has_nonce)
    return chio_fail(detail, CHIO_E_ARGUMENT, "profile %s binds no nonce", profile);
  if (tee) return workload(a, out, detail);
  if (chio) return receipt_root(a, out, detail);
  chio_buf_append_slice(out, a->nonce);
  return chio_buf_err(out);
}

static const char *profile_of(const struct hsm *hsm) {
  return hsm->option[HSM_OPT_BINDING] != NULL ? hsm->option[HSM_OPT_BINDING] : PROFILE_DEFAULT;
}

const char *hsm_attest_profile(const struct hsm *hsm) {
  const char *format = hsm->option[HSM_OPT_FORMAT];
  if (format == NULL || (strcmp(format, "quote") != 0 && strcmp(format, "cmw") != 0)) return NULL;
  /* A wrapper carries the claims of its profile with it. */
  bool claims = strcmp(format, "cmw") == 0 && strcmp(profile_of(hsm), PROFILE_DEFAULT) == 0;
  return claims ? NULL : profile_of(hsm);
}

static enum chio_err make_cmw(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  const char *profile = profile_of(a->hsm);
  CHIO_AUTO(chio_buf) struct chio_buf *data = chio_buf_new();
  if (data == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = direct_data(a, profile, data, detail);
  return err == CHIO_OK ? hsm_attest_now(a, profile, chio_buf_slice(data), out, detail) : err;
}

static const struct chio_cmw_record *record(const struct chio_cmw *cmw, const char *label) {
  for (size_t i = 0; i < cmw->count; i++) {
    if (chio_slice_equal(cmw->records[i].label, chio_slice_str(label))) return &cmw->records[i];
  }
  return NULL;
}

enum chio_err hsm_attest_raw_quote(const struct chio_cmw *cmw, struct chio_slice *out, struct chio_slice *out_table,
                               struct chio_detail *detail) {
  const struct chio_cmw_record *evidence = record(cmw, "evidence");
  struct chio_tsm_report tsm;
  *out_table = chio_slice(NULL, 0);
  if (evidence == NULL) return chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "the signer's answer holds no evidence");
  *out = evidence->value;
  if (!chio_slice_equal(evidence->type, chio_slice_str(CHIO_CMW_TSM_CBOR))) return CHIO_OK;
  enum chio_err err = chio_tsm_report_parse(evidence->value, &tsm);
  if (err == CHIO_OK) *out = tsm.out, *out_table = tsm.aux;
  return err;
}

static enum chio_err make_quote(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_cmw cmw;
  struct chio_slice quote, table;
  CHIO_AUTO(chio_buf) struct chio_buf *bytes = chio_buf_new();
  if (bytes == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = make_cmw(a, bytes, detail);
  if (err == CHIO_OK) err = chio_cmw_parse(chio_buf_slice(bytes), &cmw);
  if (err != CHIO_OK) return err;
  err = hsm_attest_raw_quote(&cmw, &quote, &table, detail);
  if (err == CHIO_OK) chio_buf_append_slice(out, quote);
  chio_buf_append_slice(out, table);
  chio_cmw_clear(&cmw);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

/* ---- Certificates and requests that the key signs ---- */

/* SGX and TDX have a form of their own that other verifiers read; all else is wrapped. */
static enum chio_err ratls_extension(struct chio_slice bytes, struct chio_slice *out_oid, struct chio_buf *out,
                                     struct chio_detail *detail) {
  struct chio_cmw cmw;
  struct chio_slice quote, table;
  enum chio_err err = chio_cmw_parse(bytes, &cmw);
  if (err != CHIO_OK) return err;
  const struct chio_cmw_record *claims = record(&cmw, "claims");
  err = hsm_attest_raw_quote(&cmw, &quote, &table, detail);
  if (err == CHIO_OK && claims != NULL && chio_dcap_quote_looks_like(quote)) {
    *out_oid = chio_oid_tagged_evidence;
    chio_ratls_put(quote, claims->value, out);
  } else if (err == CHIO_OK) {
    *out_oid = chio_oid_pe_cmw;
    chio_der_put(out, CHIO_DER_T_OCTET_STRING, bytes);
  }
  chio_cmw_clear(&cmw);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

static const char *subject_of(const struct hsm_attest *a) {
  const char *subject = a->hsm->option[HSM_OPT_SUBJECT];
  return subject != NULL ? subject : a->hsm->word[0];
}

/* X.520 bounds a common name at 64 characters. */
static enum chio_err check_subject(const struct hsm_attest *a, struct chio_detail *detail) {
  size_t len = strlen(subject_of(a));
  if (len >= 1 && len <= 64) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--subject: a common name of 1 to 64 bytes is expected");
}

static enum chio_err sign_as_pem(const struct hsm_attest *a, const struct hsm_signature_kind *kind,
                                 struct chio_slice body, const char *label, struct chio_buf *out,
                                 struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *der = chio_buf_new();
  if (signature == NULL || der == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_key_sign_der(a->hsm, a->key, kind, body, signature, detail);
  if (err == CHIO_OK) err = hsm_signed_put(body, chio_sig_alg_identifier(kind->alg), chio_buf_slice(signature), der);
  if (err != CHIO_OK) return err;
  hsm_pem_put(label, chio_buf_slice(der), out);
  return chio_buf_err(out);
}

static enum chio_err self_signed(const struct hsm_attest *a, struct chio_slice spki, struct chio_slice oid,
                                 struct chio_slice extension, struct chio_buf *out, struct chio_detail *detail) {
  const struct hsm_signature_kind *kind;
  CHIO_AUTO(chio_buf) struct chio_buf *body = chio_buf_new();
  if (body == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_signature_kind_of(a->hsm, a->key, spki, &kind, detail);
  if (err != CHIO_OK) return err;
  int64_t now = (int64_t)time(NULL);
  struct hsm_certificate certificate = {.subject = subject_of(a),
                                        .spki = spki,
                                        .algorithm = chio_sig_alg_identifier(kind->alg),
                                        .not_before = now - CLOCK_SKEW,
                                        .not_after = now + CERTIFICATE_DAYS * 86400,
                                        .extension_oid = oid,
                                        .extension = extension};
  if (getrandom(certificate.serial, HSM_SERIAL_SIZE, 0) != HSM_SERIAL_SIZE) return CHIO_E_INTERNAL;
  certificate.serial[0] = (uint8_t)((certificate.serial[0] & 0x7f) | 0x40); /* positive, of one length */
  err = hsm_certificate_body(&certificate, body);
  return err == CHIO_OK ? sign_as_pem(a, kind, chio_buf_slice(body), "CERTIFICATE", out, detail) : err;
}

static enum chio_err make_ratls(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_slice spki, oid;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *cmw = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *extension = chio_buf_new();
  if (holder == NULL || cmw == NULL || extension == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = check_subject(a, detail);
  if (err == CHIO_OK) err = hsm_key_spki(a->hsm, a->key, &spki, holder, detail);
  if (err == CHIO_OK) err = hsm_attest_now(a, PROFILE_DEFAULT, a->nonce, cmw, detail);
  if (err == CHIO_OK) err = ratls_extension(chio_buf_slice(cmw), &oid, extension, detail);
  return err == CHIO_OK ? self_signed(a, spki, oid, chio_buf_slice(extension), out, detail) : err;
}

/* AttestationBundle { SEQUENCE OF { id-pe-cmw, OCTET STRING } } around the bundle as a record. */
static enum chio_err attestation_bundle(struct chio_slice evidence, struct chio_buf *out) {
  struct chio_buf cmw = CHIO_BUF_INIT, statement = CHIO_BUF_INIT, list = CHIO_BUF_INIT, whole = CHIO_BUF_INIT;
  const struct chio_cmw_record bundle = {
      .type = chio_slice_str(CHIO_BUNDLE_MEDIA_TYPE), .value = evidence, .indicator = CHIO_CMW_IS_EVIDENCE};
  chio_cmw_put_record(&cmw, &bundle);
  chio_der_put(&statement, CHIO_DER_T_OID, chio_oid_pe_cmw);
  chio_der_put(&statement, CHIO_DER_T_OCTET_STRING, chio_buf_slice(&cmw));
  chio_der_put(&list, CHIO_DER_T_SEQUENCE, chio_buf_slice(&statement));
  chio_der_put(&whole, CHIO_DER_T_SEQUENCE, chio_buf_slice(&list));
  chio_der_put(out, CHIO_DER_T_SEQUENCE, chio_buf_slice(&whole));
  bool failed = cmw.failed || statement.failed || list.failed || whole.failed;
  chio_buf_clear(&cmw);
  chio_buf_clear(&statement);
  chio_buf_clear(&list);
  chio_buf_clear(&whole);
  return failed ? CHIO_E_NO_MEMORY : chio_buf_err(out);
}

static enum chio_err make_csr(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  const struct hsm_signature_kind *kind;
  struct chio_slice spki;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *evidence = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *value = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *body = chio_buf_new();
  if (holder == NULL || evidence == NULL || value == NULL || body == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = check_subject(a, detail);
  if (err == CHIO_OK) err = hsm_key_spki(a->hsm, a->key, &spki, holder, detail);
  if (err == CHIO_OK) err = hsm_signature_kind_of(a->hsm, a->key, spki, &kind, detail);
  if (err == CHIO_OK) err = make_bundle(a, evidence, detail);
  if (err == CHIO_OK) err = attestation_bundle(chio_buf_slice(evidence), value);
  if (err == CHIO_OK)
    err = hsm_request_body(subject_of(a), spki, chio_oid_aa_attestation, chio_buf_slice(value), body);
  return err == CHIO_OK ? sign_as_pem(a, kind, chio_buf_slice(body), "CERTIFICATE REQUEST", out, detail) : err;
}

/* ---- The table ---- */

static const struct hsm_attest_format formats[] = {
    {"bundle", false, make_bundle}, {"certificate", false, make_certificate}, {"ratls", true, make_ratls},
    {"csr", true, make_csr},        {"cmw", true, make_cmw},                  {"quote", true, make_quote},
    {"chio", false, NULL},          {"tee-report", true, hsm_attest_tee_report},
    {"in-toto", true, make_in_toto}, {"backend", false, make_backend},
    {"delegation", false, make_delegation},
};

static bool has(const struct hsm *hsm, enum hsm_option option) {
  return hsm->option[option] != NULL;
}

/* An option that the format does not look at is refused: who gives it believes that it counts. */
static enum chio_err check_options(const struct hsm *hsm, const struct hsm_attest_format *format,
                                   struct chio_detail *detail) {
  bool direct = format->make == make_cmw || format->make == make_quote, chio = format->make == NULL;
  bool named = format->make == make_ratls || format->make == make_csr;
  if (chio && !has(hsm, HSM_OPT_SIM_STATE))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--format chio needs --sim-state: only simulated platforms make it");
  if (chio && has(hsm, HSM_OPT_NONCE))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--format chio has no place for a nonce");
  if (!chio && (has(hsm, HSM_OPT_SIM_STATE) || has(hsm, HSM_OPT_CHAIN)))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--sim-state and --chain are for --format chio");
  bool takes_hash = direct || format->make == hsm_attest_tee_report;
  bool hash = has(hsm, HSM_OPT_WORKLOAD_HASH) || has(hsm, HSM_OPT_MODEL);
  if (format->make != hsm_attest_tee_report && has(hsm, HSM_OPT_TEE))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--tee goes with --format tee-report");
  if ((!direct && has(hsm, HSM_OPT_BINDING)) || (!takes_hash && hash))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--format %s takes no binding profile, and no part of one", format->name);
  if (!direct && !chio && has(hsm, HSM_OPT_RECEIPT_ROOT))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--format %s takes no --receipt-root", format->name);
  if (!named && has(hsm, HSM_OPT_SUBJECT))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--format %s takes no --subject", format->name);
  return CHIO_OK;
}

enum chio_err hsm_attest_format_find(const struct hsm *hsm, const struct hsm_attest_format **out,
                                     struct chio_detail *detail) {
  const char *name = has(hsm, HSM_OPT_FORMAT) ? hsm->option[HSM_OPT_FORMAT] : formats[0].name;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(formats); i++) {
    if (strcmp(formats[i].name, name) != 0) continue;
    *out = &formats[i];
    return check_options(hsm, &formats[i], detail);
  }
  return chio_fail(detail, CHIO_E_ARGUMENT,
                   "no format '%s'; there are bundle, certificate, ratls, csr, cmw, quote, chio, tee-report, in-toto, "
                   "backend and delegation", name);
}
