/*
 * An X.509 certificate (RFC 5280), written by hand: every key pair gets one, and libcrypto's coders take longer for it
 * than the rest of a key's birth.
 */
#include "signer/core/certify.h"

#include "signer/core/der.h"
#include "signer/core/key.h"

#include "signer/base/utf8.h"

#include <openssl/objects.h>
#include <time.h>

#define COMMON_NAME_MAX 64u /* characters: ub-common-name */
#define OID_MAX 64u
#define TAG_VERSION 0xa0u    /* [0] */
#define TAG_EXTENSIONS 0xa3u /* [3] */

static const uint8_t version3[] = {TAG_VERSION, 0x03, 0x02, 0x01, 0x02};
static const uint8_t ecdsa_with_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t common_name[] = {0x06, 0x03, 0x55, 0x04, 0x03};
/* basicConstraints, critical: no CA */
static const uint8_t no_ca[] = {0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x02, 0x30, 0x00};

static struct chio_slice cut_name(const char *cn) {
  struct chio_slice all = chio_slice_str(cn);
  size_t at = 0;
  for (unsigned characters = 0; characters < COMMON_NAME_MAX && at < all.len; characters++) {
    uint32_t scalar;
    size_t len = chio_utf8_decode(chio_slice(all.data + at, all.len - at), &scalar);
    if (len == 0) break;
    at += len;
  }
  return chio_slice(all.data, at);
}

bool chio_certify_name_fits(const char *cn) {
  return cut_name(cn).len == strlen(cn);
}

/* Name ::= SEQUENCE { SET { SEQUENCE { OID, UTF8String } } } */
void chio_certify_name(struct chio_buf *out, const char *cn) {
  struct chio_slice text = cut_name(cn);
  size_t pair = sizeof common_name + chio_der_size(text.len);
  chio_der_header(out, CHIO_DER_SEQUENCE, chio_der_size(chio_der_size(pair)));
  chio_der_header(out, CHIO_DER_SET, chio_der_size(pair));
  chio_der_header(out, CHIO_DER_SEQUENCE, pair);
  chio_buf_append(out, common_name, sizeof common_name);
  chio_der_value(out, CHIO_DER_UTF8, text);
}

/* RFC 5280, 4.1.2.5: two digits of the year until 2049, four from then on. */
static void add_time(struct chio_buf *out, uint64_t seconds) {
  static const uint64_t last = 253402300799ull; /* 9999-12-31T23:59:59Z */
  time_t when = (time_t)(seconds < last ? seconds : last);
  struct tm tm;
  char text[32];
  (void)gmtime_r(&when, &tm);
  bool is_short = tm.tm_year < 150;
  size_t len = strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm);
  size_t century = is_short ? 2 : 0;
  chio_der_value(out, is_short ? CHIO_DER_UTC_TIME : CHIO_DER_TIME, chio_slice(text + century, len - century));
}

void chio_certify_validity(struct chio_buf *out, uint64_t not_before, uint64_t not_after) {
  struct chio_buf times = CHIO_BUF_INIT;
  add_time(&times, not_before);
  add_time(&times, not_after);
  if (times.failed) out->failed = true;
  chio_der_value(out, CHIO_DER_SEQUENCE, chio_buf_slice(&times));
  chio_buf_clear(&times);
}

static enum chio_err encode_oid(const char *text, uint8_t out[OID_MAX], size_t *out_len) {
  ASN1_OBJECT *oid = OBJ_txt2obj(text, 1);
  uint8_t *at = out;
  int len = oid != NULL ? i2d_ASN1_OBJECT(oid, NULL) : -1;
  if (len > 0 && len <= (int)OID_MAX) len = i2d_ASN1_OBJECT(oid, &at);
  ASN1_OBJECT_free(oid);
  if (len <= 0 || len > (int)OID_MAX) return CHIO_E_ARGUMENT;
  *out_len = (size_t)len;
  return CHIO_OK;
}

enum chio_err chio_certify_extension(struct chio_buf *out, const char *oid_text, struct chio_slice value) {
  uint8_t oid[OID_MAX];
  size_t oid_len = 0;
  enum chio_err err = encode_oid(oid_text, oid, &oid_len);
  if (err != CHIO_OK) return err;
  chio_der_header(out, CHIO_DER_SEQUENCE, oid_len + chio_der_size(value.len));
  chio_buf_append(out, oid, oid_len);
  chio_der_value(out, CHIO_DER_OCTET_STRING, value);
  return chio_buf_err(out);
}

static enum chio_err add_extensions(struct chio_buf *out, const struct chio_cert_spec *spec) {
  uint8_t oid[OID_MAX];
  size_t oid_len = 0;
  size_t len = sizeof no_ca + spec->more_extensions.len;
  size_t own = 0;
  if (spec->extension_oid != NULL) {
    enum chio_err err = encode_oid(spec->extension_oid, oid, &oid_len);
    if (err != CHIO_OK) return err;
    own = oid_len + chio_der_size(spec->extension.len);
    len += chio_der_size(own);
  }
  chio_der_header(out, TAG_EXTENSIONS, chio_der_size(len));
  chio_der_header(out, CHIO_DER_SEQUENCE, len);
  chio_buf_append(out, no_ca, sizeof no_ca);
  chio_buf_append_slice(out, spec->more_extensions);
  if (own == 0) return CHIO_OK;
  chio_der_header(out, CHIO_DER_SEQUENCE, own);
  chio_buf_append(out, oid, oid_len);
  chio_der_value(out, CHIO_DER_OCTET_STRING, spec->extension);
  return CHIO_OK;
}

/* What is signed: TBSCertificate. */
static enum chio_err add_body(struct chio_buf *out, const struct chio_key *subject, const struct chio_cert_spec *spec) {
  struct chio_buf body = CHIO_BUF_INIT;
  chio_buf_append(&body, version3, sizeof version3);
  chio_der_unsigned(&body, chio_slice(spec->serial, 16));
  chio_buf_append(&body, ecdsa_with_sha256, sizeof ecdsa_with_sha256);
  chio_certify_name(&body, spec->issuer_cn);
  chio_certify_validity(&body, spec->not_before, spec->not_after);
  chio_certify_name(&body, spec->subject_cn);
  chio_buf_append_slice(&body, chio_key_spki(subject));
  enum chio_err err = add_extensions(&body, spec);
  if (err == CHIO_OK) err = chio_buf_err(&body);
  if (err == CHIO_OK) chio_der_value(out, CHIO_DER_SEQUENCE, chio_buf_slice(&body));
  chio_buf_clear(&body);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

/* The signature as BIT STRING { SEQUENCE { r, s } }. */
static enum chio_err add_signature(struct chio_buf *out, struct chio_key *issuer, struct chio_slice body) {
  struct chio_buf rs = CHIO_BUF_INIT;
  enum chio_err err = chio_key_sign(issuer, chio_mechanism_by_wire(CHIO_MECH_ECDSA_SHA256), NULL, body, &rs);
  if (err == CHIO_OK) {
    struct chio_slice r = chio_slice(rs.data, rs.len / 2);
    struct chio_slice s = chio_slice(rs.data + rs.len / 2, rs.len / 2);
    size_t pair = chio_der_unsigned_size(r) + chio_der_unsigned_size(s);
    chio_der_header(out, CHIO_DER_BIT_STRING, 1 + chio_der_size(pair));
    chio_buf_append_u8(out, 0);
    chio_der_header(out, CHIO_DER_SEQUENCE, pair);
    chio_der_unsigned(out, r);
    chio_der_unsigned(out, s);
  }
  chio_buf_clear(&rs);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

enum chio_err chio_key_certify(const struct chio_key *subject, struct chio_key *issuer,
                               const struct chio_cert_spec *spec, struct chio_buf *out_der) {
  struct chio_buf parts = CHIO_BUF_INIT;
  if (!issuer->is_private || chio_key_type(issuer) != CKK_EC) return CHIO_E_KEY_TYPE;
  enum chio_err err = add_body(&parts, subject, spec);
  size_t body_len = parts.len;
  if (err == CHIO_OK) {
    chio_buf_append(&parts, ecdsa_with_sha256, sizeof ecdsa_with_sha256);
    err = chio_buf_err(&parts);
  }
  /* Into a buffer of its own: the one that is signed may move when it grows. */
  struct chio_buf signature = CHIO_BUF_INIT;
  if (err == CHIO_OK) err = add_signature(&signature, issuer, chio_slice(parts.data, body_len));
  if (err == CHIO_OK) {
    chio_der_header(out_der, CHIO_DER_SEQUENCE, parts.len + signature.len);
    chio_buf_append_slice(out_der, chio_buf_slice(&parts));
    chio_buf_append_slice(out_der, chio_buf_slice(&signature));
    err = chio_buf_err(out_der);
  }
  chio_buf_clear(&signature);
  chio_buf_clear(&parts);
  return err;
}
