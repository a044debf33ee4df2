#include "attest/x509.h"

#include "attest/der.h"

static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};
static const uint8_t oid_subject_key_id[] = {0x55, 0x1d, 0x0e};
static const uint8_t oid_key_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t oid_constraints[] = {0x55, 0x1d, 0x13};
static const uint8_t oid_authority_key_id[] = {0x55, 0x1d, 0x23};

#define OID_IS(slice, oid) chio_slice_equal((slice), chio_slice((oid), sizeof(oid)))

/* ---- Names ---- */

static enum chio_err parse_attribute(struct chio_cursor *set, struct chio_slice *out_common_name) {
  struct chio_cursor attribute;
  struct chio_slice oid;
  struct chio_der value;
  enum chio_err err = chio_der_enter(set, CHIO_DER_T_SEQUENCE, &attribute);
  if (err == CHIO_OK) err = chio_der_expect(&attribute, CHIO_DER_T_OID, &oid);
  if (err == CHIO_OK) err = chio_der_any(&attribute, &value);
  if (err == CHIO_OK) err = chio_cursor_end(&attribute);
  if (err == CHIO_OK && OID_IS(oid, oid_common_name)) *out_common_name = value.contents;
  return err;
}

/* Checks a Name and finds its last common name. */
static enum chio_err parse_name(struct chio_slice contents, struct chio_slice *out_common_name) {
  struct chio_cursor name = chio_cursor(contents), set;
  while (name.left > 0) {
    enum chio_err err = chio_der_enter(&name, CHIO_DER_T_SET, &set);
    while (err == CHIO_OK && set.left > 0) err = parse_attribute(&set, out_common_name);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

bool chio_cert_cn_is(const struct chio_cert *cert, const char *name) {
  return chio_slice_equal(cert->common_name, chio_slice_str(name));
}

bool chio_cert_cn_contains(const struct chio_cert *cert, const char *part) {
  size_t len = strlen(part);
  for (size_t i = 0; i + len <= cert->common_name.len; i++) {
    if (memcmp(cert->common_name.data + i, part, len) == 0) return true;
  }
  return false;
}

/* ---- Extensions ---- */

struct extension {
  struct chio_slice oid, value;
  bool critical;
};

static enum chio_err next_extension(struct chio_cursor *c, struct extension *out) {
  struct chio_cursor inner;
  struct extension e = {.critical = false};
  enum chio_err err = chio_der_enter(c, CHIO_DER_T_SEQUENCE, &inner);
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_OID, &e.oid);
  if (err == CHIO_OK && chio_der_next_is(&inner, CHIO_DER_T_BOOLEAN)) {
    err = chio_der_bool(&inner, &e.critical);
    if (err == CHIO_OK && !e.critical) err = CHIO_E_MALFORMED; /* DER leaves the default out */
  }
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_OCTET_STRING, &e.value);
  if (err == CHIO_OK) err = chio_cursor_end(&inner);
  if (err == CHIO_OK) *out = e;
  return err;
}

static enum chio_err parse_constraints(struct chio_slice value, struct chio_cert *cert) {
  struct chio_cursor outer = chio_cursor(value), inner;
  enum chio_err err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &inner);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  cert->has_constraints = true;
  if (err == CHIO_OK && chio_der_next_is(&inner, CHIO_DER_T_BOOLEAN)) {
    err = chio_der_bool(&inner, &cert->is_ca);
    if (err == CHIO_OK && !cert->is_ca) err = CHIO_E_MALFORMED;
  }
  if (err == CHIO_OK && inner.left > 0) {
    cert->has_path_len = true;
    err = chio_der_uint(&inner, CHIO_DER_T_INTEGER, 1000, &cert->path_len);
    if (err == CHIO_OK && !cert->is_ca) err = CHIO_E_MALFORMED;
  }
  return err == CHIO_OK ? chio_cursor_end(&inner) : err;
}

static enum chio_err parse_key_usage(struct chio_slice value, struct chio_cert *cert) {
  struct chio_cursor c = chio_cursor(value);
  struct chio_slice bits;
  enum chio_err err = chio_der_expect(&c, CHIO_DER_T_BIT_STRING, &bits);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err != CHIO_OK) return err;
  if (bits.len < 2 || bits.len > 3 || bits.data[0] > 7) return CHIO_E_MALFORMED;
  if ((bits.data[bits.len - 1] & ((1u << bits.data[0]) - 1)) != 0) return CHIO_E_MALFORMED; /* unused bits are zero */
  cert->has_key_usage = true;
  cert->key_usage = bits.data[1];
  return CHIO_OK;
}

static enum chio_err parse_subject_key_id(struct chio_slice value, struct chio_cert *cert) {
  struct chio_cursor c = chio_cursor(value);
  enum chio_err err = chio_der_expect(&c, CHIO_DER_T_OCTET_STRING, &cert->subject_key_id);
  return err == CHIO_OK ? chio_cursor_end(&c) : err;
}

/* Only the key identifier; issuer and serial number, which some have besides, are not used. */
static enum chio_err parse_authority_key_id(struct chio_slice value, struct chio_cert *cert) {
  struct chio_cursor outer = chio_cursor(value), inner;
  enum chio_err err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &inner);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  if (err == CHIO_OK && chio_der_next_is(&inner, CHIO_DER_T_CONTEXT_PRIMITIVE(0))) {
    err = chio_der_expect(&inner, CHIO_DER_T_CONTEXT_PRIMITIVE(0), &cert->authority_key_id);
  }
  return err;
}

static enum chio_err parse_extension(const struct extension *e, struct chio_cert *cert) {
  if (OID_IS(e->oid, oid_constraints)) return parse_constraints(e->value, cert);
  if (OID_IS(e->oid, oid_key_usage)) return parse_key_usage(e->value, cert);
  if (OID_IS(e->oid, oid_subject_key_id)) return parse_subject_key_id(e->value, cert);
  if (OID_IS(e->oid, oid_authority_key_id)) return parse_authority_key_id(e->value, cert);
  if (e->critical) cert->has_unknown_critical = true;
  return CHIO_OK;
}

/* Each OID at most once: which of two an application would use is not for a forger to choose. */
static enum chio_err parse_extensions(struct chio_cert *cert) {
  struct chio_slice seen[CHIO_CERT_EXTENSIONS_MAX];
  struct chio_cursor c = chio_cursor(cert->extensions);
  for (size_t n = 0; c.left > 0; n++) {
    struct extension e;
    if (n == CHIO_CERT_EXTENSIONS_MAX) return CHIO_E_TOO_LONG;
    enum chio_err err = next_extension(&c, &e);
    if (err != CHIO_OK) return err;
    for (size_t i = 0; i < n; i++) {
      if (chio_slice_equal(seen[i], e.oid)) return CHIO_E_MALFORMED;
    }
    seen[n] = e.oid;
    err = parse_extension(&e, cert);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

enum chio_err chio_cert_extension(const struct chio_cert *cert, struct chio_slice oid, struct chio_slice *out) {
  struct chio_cursor c = chio_cursor(cert->extensions);
  while (c.left > 0) {
    struct extension e;
    enum chio_err err = next_extension(&c, &e);
    if (err != CHIO_OK) return err;
    if (!chio_slice_equal(e.oid, oid)) continue;
    *out = e.value;
    return CHIO_OK;
  }
  return CHIO_E_NOT_FOUND;
}

/* ---- Certificates ---- */

/* Certificate and CertificateList alike: SEQUENCE { tbs, algorithm, signature }. */
static enum chio_err parse_signed(struct chio_cursor *c, struct chio_slice *out_tbs, struct chio_slice *out_algorithm,
                                  struct chio_slice *out_signature) {
  struct chio_cursor inner;
  struct chio_der tbs;
  struct chio_slice bits;
  enum chio_err err = chio_der_enter(c, CHIO_DER_T_SEQUENCE, &inner);
  if (err == CHIO_OK) err = chio_der_any(&inner, &tbs);
  if (err == CHIO_OK && tbs.tag != CHIO_DER_T_SEQUENCE) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_SEQUENCE, out_algorithm);
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_BIT_STRING, &bits);
  if (err == CHIO_OK) err = chio_cursor_end(&inner);
  if (err != CHIO_OK) return err;
  if (bits.len < 2 || bits.data[0] != 0) return CHIO_E_MALFORMED;
  *out_tbs = tbs.whole;
  *out_signature = chio_slice(bits.data + 1, bits.len - 1);
  return CHIO_OK;
}

/* Version 3, or none at all: 1, which the certificates of HSMs have, and whose bearers can issue nothing here. */
static enum chio_err parse_version(struct chio_cursor *tbs, bool *out_v1) {
  struct chio_cursor inner;
  uint64_t version;
  *out_v1 = !chio_der_next_is(tbs, CHIO_DER_T_CONTEXT(0));
  if (*out_v1) return CHIO_OK;
  enum chio_err err = chio_der_enter(tbs, CHIO_DER_T_CONTEXT(0), &inner);
  if (err == CHIO_OK) err = chio_der_uint(&inner, CHIO_DER_T_INTEGER, 2, &version);
  if (err == CHIO_OK) err = chio_cursor_end(&inner);
  return err == CHIO_OK && version != 2 ? CHIO_E_MALFORMED : err; /* v3 */
}

static enum chio_err parse_validity(struct chio_cursor *tbs, struct chio_cert *cert) {
  struct chio_cursor validity;
  enum chio_err err = chio_der_enter(tbs, CHIO_DER_T_SEQUENCE, &validity);
  if (err == CHIO_OK) err = chio_der_time(&validity, &cert->not_before);
  if (err == CHIO_OK) err = chio_der_time(&validity, &cert->not_after);
  return err == CHIO_OK ? chio_cursor_end(&validity) : err;
}

static enum chio_err parse_tail(struct chio_cursor *tbs, struct chio_cert *cert) {
  struct chio_cursor outer;
  struct chio_slice ignored;
  enum chio_err err = CHIO_OK;
  /* Unique identifiers: old, harmless, never used. */
  for (uint8_t tag = 0x81; tag <= 0x82 && err == CHIO_OK; tag++) {
    if (chio_der_next_is(tbs, tag)) err = chio_der_expect(tbs, tag, &ignored);
  }
  if (err != CHIO_OK || tbs->left == 0) return err;
  if (cert->is_v1) return CHIO_E_TRAILING;
  err = chio_der_enter(tbs, CHIO_DER_T_CONTEXT(3), &outer);
  if (err == CHIO_OK) err = chio_der_expect(&outer, CHIO_DER_T_SEQUENCE, &cert->extensions);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  if (err == CHIO_OK) err = chio_cursor_end(tbs);
  return err == CHIO_OK ? parse_extensions(cert) : err;
}

static enum chio_err parse_tbs(struct chio_slice tbs_der, struct chio_slice outer_algorithm, struct chio_cert *cert) {
  struct chio_cursor whole = chio_cursor(tbs_der), tbs;
  struct chio_slice algorithm, ignored = {NULL, 0};
  struct chio_der issuer, subject, spki;
  enum chio_err err = chio_der_enter(&whole, CHIO_DER_T_SEQUENCE, &tbs);
  if (err == CHIO_OK) err = parse_version(&tbs, &cert->is_v1);
  if (err == CHIO_OK) err = chio_der_expect(&tbs, CHIO_DER_T_INTEGER, &cert->serial);
  if (err == CHIO_OK) err = chio_der_expect(&tbs, CHIO_DER_T_SEQUENCE, &algorithm);
  if (err == CHIO_OK && !chio_slice_equal(algorithm, outer_algorithm)) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_der_any(&tbs, &issuer);
  if (err == CHIO_OK) err = parse_validity(&tbs, cert);
  if (err == CHIO_OK) err = chio_der_any(&tbs, &subject);
  if (err == CHIO_OK) err = chio_der_any(&tbs, &spki);
  if (err != CHIO_OK) return err;
  if (issuer.tag != CHIO_DER_T_SEQUENCE || subject.tag != CHIO_DER_T_SEQUENCE) return CHIO_E_MALFORMED;
  if (cert->serial.len == 0 || cert->serial.len > 21) return CHIO_E_MALFORMED;
  cert->issuer = issuer.whole;
  cert->subject = subject.whole;
  err = parse_name(issuer.contents, &ignored);
  if (err == CHIO_OK) err = parse_name(subject.contents, &cert->common_name);
  if (err == CHIO_OK) err = chio_pubkey_parse(spki.whole, &cert->key);
  return err == CHIO_OK ? parse_tail(&tbs, cert) : err;
}

enum chio_err chio_cert_parse_v1(struct chio_slice der, struct chio_cert *out) {
  if (der.len > CHIO_CERT_EVIDENCE_MAX) return CHIO_E_TOO_LONG;
  struct chio_cert cert = {.der = der};
  struct chio_cursor c = chio_cursor(der);
  struct chio_slice algorithm;
  enum chio_err err = parse_signed(&c, &cert.tbs, &algorithm, &cert.signature);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK) err = parse_tbs(cert.tbs, algorithm, &cert);
  if (err != CHIO_OK) return err == CHIO_E_TOO_LONG ? err : CHIO_E_MALFORMED;
  cert.signature_alg = chio_sig_alg_parse(algorithm);
  *out = cert;
  return CHIO_OK;
}

enum chio_err chio_cert_parse(struct chio_slice der, struct chio_cert *out) {
  struct chio_cert cert;
  enum chio_err err = chio_cert_parse_v1(der, &cert);
  if (err == CHIO_OK && cert.is_v1) return CHIO_E_MALFORMED;
  if (err == CHIO_OK) *out = cert;
  return err;
}

bool chio_cert_may_issue(const struct chio_cert *issuer, const struct chio_cert *cert) {
  if (!chio_slice_equal(issuer->subject, cert->issuer)) return false;
  if (!issuer->is_ca || issuer->has_unknown_critical) return false;
  if (issuer->has_key_usage && (issuer->key_usage & CHIO_KEY_USAGE_CERT_SIGN) == 0) return false;
  return issuer->subject_key_id.len == 0 || cert->authority_key_id.len == 0 ||
         chio_slice_equal(issuer->subject_key_id, cert->authority_key_id);
}

/* ---- Revocation lists ---- */

/* CRL number and authority key identifier are the only extensions understood. */
static enum chio_err parse_crl_extensions(struct chio_cursor *tbs, struct chio_crl *crl) {
  struct chio_cursor outer, list;
  enum chio_err err = chio_der_enter(tbs, CHIO_DER_T_CONTEXT(0), &outer);
  if (err == CHIO_OK) err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &list);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  while (err == CHIO_OK && list.left > 0) {
    struct extension e;
    err = next_extension(&list, &e);
    if (err == CHIO_OK && e.critical) crl->has_unknown_critical = true;
  }
  return err;
}

static enum chio_err parse_crl_tbs(struct chio_slice tbs_der, struct chio_slice outer_algorithm, struct chio_crl *crl) {
  struct chio_cursor whole = chio_cursor(tbs_der), tbs;
  struct chio_slice algorithm;
  struct chio_der issuer;
  uint64_t version;
  enum chio_err err = chio_der_enter(&whole, CHIO_DER_T_SEQUENCE, &tbs);
  if (err == CHIO_OK) err = chio_der_uint(&tbs, CHIO_DER_T_INTEGER, 1, &version);
  if (err == CHIO_OK && version != 1) err = CHIO_E_MALFORMED; /* v2 */
  if (err == CHIO_OK) err = chio_der_expect(&tbs, CHIO_DER_T_SEQUENCE, &algorithm);
  if (err == CHIO_OK && !chio_slice_equal(algorithm, outer_algorithm)) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_der_any(&tbs, &issuer);
  if (err == CHIO_OK && issuer.tag != CHIO_DER_T_SEQUENCE) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_der_time(&tbs, &crl->this_update);
  if (err != CHIO_OK) return err;
  crl->issuer = issuer.whole;
  if (chio_der_next_is(&tbs, CHIO_DER_T_UTC_TIME) || chio_der_next_is(&tbs, CHIO_DER_T_GENERALIZED_TIME)) {
    err = chio_der_time(&tbs, &crl->next_update);
  }
  if (err == CHIO_OK && chio_der_next_is(&tbs, CHIO_DER_T_SEQUENCE)) {
    err = chio_der_expect(&tbs, CHIO_DER_T_SEQUENCE, &crl->revoked);
  }
  if (err == CHIO_OK && tbs.left > 0) err = parse_crl_extensions(&tbs, crl);
  return err == CHIO_OK ? chio_cursor_end(&tbs) : err;
}

enum chio_err chio_crl_parse(struct chio_slice der, struct chio_crl *out) {
  if (der.len > CHIO_CRL_MAX) return CHIO_E_TOO_LONG;
  struct chio_crl crl = {.next_update = 0};
  struct chio_cursor c = chio_cursor(der);
  struct chio_slice algorithm;
  enum chio_err err = parse_signed(&c, &crl.tbs, &algorithm, &crl.signature);
  if (err != CHIO_OK) return CHIO_E_MALFORMED;
  for (size_t i = 0; i < c.left; i++) {
    if (c.at[i] != 0) return CHIO_E_MALFORMED;
  }
  crl.der = chio_slice(der.data, der.len - c.left);
  err = parse_crl_tbs(crl.tbs, algorithm, &crl);
  if (err != CHIO_OK) return CHIO_E_MALFORMED;
  crl.signature_alg = chio_sig_alg_parse(algorithm);
  *out = crl;
  return CHIO_OK;
}

enum chio_err chio_crl_contains(const struct chio_crl *crl, struct chio_slice serial, bool *out) {
  struct chio_cursor list = chio_cursor(crl->revoked), entry;
  bool found = false;
  while (list.left > 0) {
    struct chio_slice revoked;
    int64_t when;
    enum chio_err err = chio_der_enter(&list, CHIO_DER_T_SEQUENCE, &entry);
    if (err == CHIO_OK) err = chio_der_expect(&entry, CHIO_DER_T_INTEGER, &revoked);
    if (err == CHIO_OK) err = chio_der_time(&entry, &when);
    if (err != CHIO_OK) return CHIO_E_MALFORMED;
    if (chio_slice_equal(revoked, serial)) found = true;
  }
  *out = found;
  return CHIO_OK;
}
