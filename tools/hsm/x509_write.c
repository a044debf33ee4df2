#include "tools/hsm/x509_write.h"

#include "attest/der.h"
#include "attest/der_write.h"
#include "attest/moment.h"

#include <stdio.h>

/* Extension: basicConstraints, critical, no CA; keyUsage, critical, digitalSignature. */
static const uint8_t extensions_head[] = {0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff,
                                          0x04, 0x02, 0x30, 0x00, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d,
                                          0x0f, 0x01, 0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x07, 0x80};
static const uint8_t common_name[] = {0x55, 0x04, 0x03};
static const uint8_t version3[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
static const uint8_t request_version[] = {0x02, 0x01, 0x00};

/* Everything appended since from becomes the contents of one element. */
static enum chio_err wrap(struct chio_buf *out, size_t from, uint8_t tag) {
  struct chio_buf whole = CHIO_BUF_INIT;
  enum chio_err err = chio_buf_err(out);
  if (err != CHIO_OK) return err;
  chio_der_put(&whole, tag, chio_slice(out->data + from, out->len - from));
  out->len = from;
  chio_buf_append_slice(out, chio_buf_slice(&whole));
  err = chio_buf_err(&whole);
  chio_buf_clear(&whole);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

static enum chio_err put_name(struct chio_buf *out, const char *cn) {
  size_t from = out->len;
  chio_der_put(out, CHIO_DER_T_OID, chio_slice(common_name, sizeof common_name));
  chio_der_put(out, CHIO_DER_T_UTF8, chio_slice_str(cn));
  enum chio_err err = wrap(out, from, CHIO_DER_T_SEQUENCE);
  if (err == CHIO_OK) err = wrap(out, from, CHIO_DER_T_SET);
  return err == CHIO_OK ? wrap(out, from, CHIO_DER_T_SEQUENCE) : err;
}

/* RFC 5280, 4.1.2.5: two digits of the year until 2049, four from then on. */
static void put_time(struct chio_buf *out, int64_t seconds) {
  char text[CHIO_MOMENT_TEXT], digits[CHIO_MOMENT_TEXT];
  size_t len = 0;
  chio_moment_text(seconds, text);
  for (size_t i = 0; text[i] != '\0'; i++) {
    if (text[i] == 'Z' || (text[i] >= '0' && text[i] <= '9')) digits[len++] = text[i];
  }
  bool is_short = memcmp(digits, "2050", 4) < 0;
  size_t skip = is_short ? 2 : 0;
  chio_der_put(out, is_short ? CHIO_DER_T_UTC_TIME : CHIO_DER_T_GENERALIZED_TIME,
               chio_slice(digits + skip, len - skip));
}

static enum chio_err put_validity(struct chio_buf *out, const struct hsm_certificate *c) {
  size_t from = out->len;
  put_time(out, c->not_before);
  put_time(out, c->not_after);
  return wrap(out, from, CHIO_DER_T_SEQUENCE);
}

static enum chio_err put_extensions(struct chio_buf *out, const struct hsm_certificate *c) {
  size_t from = out->len;
  chio_buf_append(out, extensions_head, sizeof extensions_head);
  size_t own = out->len;
  chio_der_put(out, CHIO_DER_T_OID, c->extension_oid);
  chio_der_put(out, CHIO_DER_T_OCTET_STRING, c->extension);
  enum chio_err err = wrap(out, own, CHIO_DER_T_SEQUENCE);
  if (err == CHIO_OK) err = wrap(out, from, CHIO_DER_T_SEQUENCE);
  return err == CHIO_OK ? wrap(out, from, CHIO_DER_T_CONTEXT(3)) : err;
}

enum chio_err hsm_certificate_body(const struct hsm_certificate *c, struct chio_buf *out) {
  size_t from = out->len;
  chio_buf_append(out, version3, sizeof version3);
  chio_der_put(out, CHIO_DER_T_INTEGER, chio_slice(c->serial, sizeof c->serial));
  chio_buf_append_slice(out, c->algorithm);
  enum chio_err err = put_name(out, c->subject);
  if (err == CHIO_OK) err = put_validity(out, c);
  if (err == CHIO_OK) err = put_name(out, c->subject);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(out, c->spki);
  err = put_extensions(out, c);
  return err == CHIO_OK ? wrap(out, from, CHIO_DER_T_SEQUENCE) : err;
}

static enum chio_err put_attributes(struct chio_buf *out, struct chio_slice oid, struct chio_slice value) {
  size_t from = out->len;
  chio_der_put(out, CHIO_DER_T_OID, oid);
  chio_der_put(out, CHIO_DER_T_SET, value);
  enum chio_err err = wrap(out, from, CHIO_DER_T_SEQUENCE);
  return err == CHIO_OK ? wrap(out, from, CHIO_DER_T_CONTEXT(0)) : err;
}

enum chio_err hsm_request_body(const char *subject, struct chio_slice spki, struct chio_slice attribute_oid,
                               struct chio_slice value, struct chio_buf *out) {
  size_t from = out->len;
  chio_buf_append(out, request_version, sizeof request_version);
  enum chio_err err = put_name(out, subject);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(out, spki);
  err = put_attributes(out, attribute_oid, value);
  return err == CHIO_OK ? wrap(out, from, CHIO_DER_T_SEQUENCE) : err;
}

enum chio_err hsm_signed_put(struct chio_slice body, struct chio_slice algorithm, struct chio_slice signature,
                             struct chio_buf *out) {
  size_t from = out->len;
  struct chio_buf bits = CHIO_BUF_INIT;
  chio_buf_append_u8(&bits, 0); /* no unused bits */
  chio_buf_append_slice(&bits, signature);
  chio_buf_append_slice(out, body);
  chio_buf_append_slice(out, algorithm);
  chio_der_put(out, CHIO_DER_T_BIT_STRING, chio_buf_slice(&bits));
  enum chio_err err = chio_buf_err(&bits);
  chio_buf_clear(&bits);
  return err == CHIO_OK ? wrap(out, from, CHIO_DER_T_SEQUENCE) : err;
}
