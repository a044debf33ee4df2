#include "attest/cose_sign1.h"

#include "attest/cbor_write.h"

#define ALG_LABEL 1

static enum chio_err read_tags(struct chio_cursor *c, struct chio_cose_sign1 *out) {
  uint64_t tag = 0;
  if (!chio_cbor_next_is(c, CHIO_CBOR_TAG)) return CHIO_OK;
  enum chio_err err = chio_cbor_tag(c, &tag);
  out->is_cwt = err == CHIO_OK && tag == CHIO_COSE_TAG_CWT;
  if (out->is_cwt) err = chio_cbor_tag(c, &tag); /* RFC 8392, 6: in front of a COSE tag */
  out->tagged = true;
  return err == CHIO_OK && tag != CHIO_COSE_TAG_SIGN1 ? CHIO_E_MALFORMED : err;
}

/* Another label could change what the signature means, and a list of what is critical even says so. */
static enum chio_err read_alg(struct chio_slice protected, int64_t *out) {
  struct chio_cursor c = chio_cursor(protected);
  struct chio_cbor_list list;
  int64_t label = 0, alg = 0;
  enum chio_err err = chio_cbor_open(&c, CHIO_CBOR_MAP, 1, &list);
  if (err == CHIO_OK && (list.indefinite || list.left != 1)) err = CHIO_E_UNSUPPORTED;
  if (err == CHIO_OK) err = chio_cbor_int(&c, &label);
  if (err == CHIO_OK && label != ALG_LABEL) err = CHIO_E_UNSUPPORTED;
  if (err == CHIO_OK) err = chio_cbor_int(&c, &alg);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err != CHIO_OK) return CHIO_E_UNSUPPORTED;
  *out = alg;
  return CHIO_OK;
}

static enum chio_err read_unprotected(struct chio_cursor *c, struct chio_slice *out) {
  const uint8_t *begin = c->at;
  if (!chio_cbor_next_is(c, CHIO_CBOR_MAP)) return CHIO_E_MALFORMED;
  enum chio_err err = chio_cbor_skip(c);
  if (err == CHIO_OK) *out = chio_slice(begin, (size_t)(c->at - begin));
  return err;
}

enum chio_err chio_cose_sign1_read(struct chio_slice bytes, struct chio_cose_sign1 *out) {
  struct chio_cose_sign1 s = {.alg = 0};
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_cbor_list list;
  enum chio_err err = read_tags(&c, &s);
  if (err == CHIO_OK) err = chio_cbor_open(&c, CHIO_CBOR_ARRAY, 4, &list);
  if (err == CHIO_OK && (list.indefinite || list.left != 4)) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cbor_string(&c, CHIO_CBOR_BYTES, bytes.len, &s.protected);
  if (err == CHIO_OK) err = read_alg(s.protected, &s.alg);
  if (err == CHIO_OK) err = read_unprotected(&c, &s.unprotected);
  if (err == CHIO_OK) err = chio_cbor_string(&c, CHIO_CBOR_BYTES, bytes.len, &s.payload);
  if (err == CHIO_OK) err = chio_cbor_string(&c, CHIO_CBOR_BYTES, CHIO_COSE_SIGNATURE_MAX, &s.signature);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK) *out = s;
  return err;
}

void chio_cose_sign1_put_signed(struct chio_slice protected, struct chio_slice payload, struct chio_buf *out) {
  chio_cbor_put_head(out, CHIO_CBOR_ARRAY, 4);
  chio_cbor_put_text(out, "Signature1");
  chio_cbor_put_bytes(out, protected);
  chio_cbor_put_bytes(out, chio_slice(NULL, 0));
  chio_cbor_put_bytes(out, payload);
}
