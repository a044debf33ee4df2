#include "attest/eif_signature.h"

#include "attest/cose_sign1.h"
#include "attest/pem.h"
#include "attest/x509.h"
#include "signer/base/text.h"

#include <stdio.h>
#include <string.h>

#define REGISTER_INDEX_MAX 31u

/* Bytes as the builder writes them, an array of small numbers, or as a byte string. */
static enum chio_err read_bytes(struct chio_cursor *c, size_t max, struct chio_buf *out) {
  struct chio_cbor_list list;
  struct chio_slice string;
  bool more = false;
  enum chio_err err;
  if (out->len > 0) return CHIO_E_MALFORMED; /* a member that is there twice */
  if (chio_cbor_next_is(c, CHIO_CBOR_BYTES)) {
    err = chio_cbor_string(c, CHIO_CBOR_BYTES, max, &string);
    if (err == CHIO_OK) chio_buf_append_slice(out, string);
    return err == CHIO_OK ? chio_buf_err(out) : err;
  }
  err = chio_cbor_open(c, CHIO_CBOR_ARRAY, max, &list);
  while (err == CHIO_OK && (err = chio_cbor_more(c, &list, &more)) == CHIO_OK && more) {
    uint64_t byte = 0;
    if (out->len >= max) return CHIO_E_TOO_LONG;
    err = chio_cbor_uint(c, 255, &byte);
    if (err == CHIO_OK) chio_buf_append_u8(out, (uint8_t)byte);
  }
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

/* A map whose keys are text: each pair is given to read. */
static enum chio_err read_map(struct chio_cursor *c, void *to,
                              enum chio_err (*read)(struct chio_cursor *c, struct chio_slice name, void *to)) {
  struct chio_cbor_list list;
  bool more = false;
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_MAP, 8, &list);
  while (err == CHIO_OK && (err = chio_cbor_more(c, &list, &more)) == CHIO_OK && more) {
    struct chio_slice name;
    err = chio_cbor_string(c, CHIO_CBOR_TEXT, 64, &name);
    if (err == CHIO_OK) err = read(c, name, to);
  }
  return err;
}

/* ---- What the section has ---- */

struct entry {
  struct chio_buf pem, cose, der;
};

static void entry_clear(struct entry *e) {
  chio_buf_clear(&e->pem);
  chio_buf_clear(&e->cose);
  chio_buf_clear(&e->der);
}

static enum chio_err read_entry_member(struct chio_cursor *c, struct chio_slice name, void *to) {
  struct entry *e = to;
  if (chio_slice_equal(name, chio_slice_str("signing_certificate")))
    return read_bytes(c, CHIO_EIF_CERTIFICATE_MAX, &e->pem);
  if (chio_slice_equal(name, chio_slice_str("signature"))) return read_bytes(c, CHIO_EIF_COSE_MAX, &e->cose);
  return chio_cbor_skip(c);
}

/* A list of signatures; the first is that of PCR0, and its certificate is measured, in DER. */
static enum chio_err read_section(struct chio_slice section, struct entry *e) {
  struct chio_cursor c = chio_cursor(section);
  struct chio_cbor_list list;
  bool more = false;
  if (section.len > CHIO_EIF_SIGNATURE_MAX) return CHIO_E_TOO_LONG;
  enum chio_err err = chio_cbor_open(&c, CHIO_CBOR_ARRAY, CHIO_EIF_SIGNATURES_MAX, &list);
  if (err == CHIO_OK) err = chio_cbor_more(&c, &list, &more);
  if (err == CHIO_OK && !more) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = read_map(&c, e, read_entry_member);
  while (err == CHIO_OK && (err = chio_cbor_more(&c, &list, &more)) == CHIO_OK && more) err = chio_cbor_skip(&c);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  struct chio_cursor text = chio_cursor(chio_buf_slice(&e->pem));
  if (err == CHIO_OK) err = chio_pem_next(&text, "CERTIFICATE", &e->der);
  return err == CHIO_E_NOT_FOUND ? CHIO_E_MALFORMED : err;
}

/* ---- What is signed ---- */

struct register_info {
  uint64_t index;
  bool has_index;
  struct chio_buf value;
};

static enum chio_err read_register_member(struct chio_cursor *c, struct chio_slice name, void *to) {
  struct register_info *info = to;
  if (chio_slice_equal(name, chio_slice_str("register_value"))) return read_bytes(c, CHIO_SHA384_SIZE, &info->value);
  if (info->has_index || !chio_slice_equal(name, chio_slice_str("register_index"))) return CHIO_E_MALFORMED;
  info->has_index = true;
  return chio_cbor_uint(c, REGISTER_INDEX_MAX, &info->index);
}

static enum chio_err other_value(const struct chio_buf *value, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  if (hex == NULL) return CHIO_E_NO_MEMORY;
  chio_hex_append(hex, chio_buf_slice(value));
  const char *text = chio_buf_cstr(hex);
  return chio_fail(detail, CHIO_E_SIGNATURE_INVALID, "the signature is over another PCR0 than the image has: %s",
                   text != NULL ? text : "");
}

static enum chio_err read_payload(struct chio_slice payload, struct register_info *info, struct chio_detail *detail) {
  struct chio_cursor c = chio_cursor(payload);
  enum chio_err err = read_map(&c, info, read_register_member);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK && (!info->has_index || info->value.len == 0)) err = CHIO_E_MALFORMED;
  return err == CHIO_OK ? err : chio_fail(detail, err, "what is signed is no register: %s", chio_err_text(err));
}

static enum chio_err judge_register(const struct register_info *info, const uint8_t pcr0[CHIO_SHA384_SIZE],
                                    struct chio_detail *detail) {
  if (info->index != 0)
    return chio_fail(detail, CHIO_E_SIGNATURE_INVALID, "the signature is over PCR%u, not PCR0", (unsigned)info->index);
  if (!chio_slice_equal(chio_buf_slice(&info->value), chio_slice(pcr0, CHIO_SHA384_SIZE)))
    return other_value(&info->value, detail);
  return CHIO_OK;
}

/* ---- Whether it holds ---- */

static const struct {
  int64_t number;
  enum chio_sig_alg alg;
  enum chio_pubkey_kind key;
  const char *name, *curve;
} algorithms[] = {{CHIO_COSE_ES256, CHIO_SIG_ECDSA_SHA256, CHIO_PUBKEY_P256, "ES256", "P-256"},
                  {CHIO_COSE_ES384, CHIO_SIG_ECDSA_SHA384, CHIO_PUBKEY_P384, "ES384", "P-384"},
                  {CHIO_COSE_ES512, CHIO_SIG_ECDSA_SHA512, CHIO_PUBKEY_P521, "ES512", "P-521"}};

static enum chio_err judge_signature(const struct chio_cose_sign1 *s, const struct chio_cert *cert,
                                     struct chio_eif_signer *out, struct chio_detail *detail) {
  size_t i = 0;
  while (i < CHIO_ARRAY_LEN(algorithms) && algorithms[i].number != s->alg) i++;
  if (i == CHIO_ARRAY_LEN(algorithms))
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "the signature's algorithm is none of ES256, ES384 and ES512");
  if (cert->key.kind != algorithms[i].key)
    return chio_fail(detail, CHIO_E_SIGNATURE_INVALID, "the signature is %s, and the certificate's key is not on %s",
                     algorithms[i].name, algorithms[i].curve);
  struct chio_buf text = CHIO_BUF_INIT;
  chio_cose_sign1_put_signed(s->protected, s->payload, &text);
  enum chio_err err = chio_buf_err(&text);
  if (err == CHIO_OK)
    err = chio_pubkey_verify_fixed(&cert->key, algorithms[i].alg, chio_buf_slice(&text), s->signature);
  chio_buf_clear(&text);
  if (err == CHIO_E_SIGNATURE_INVALID)
    return chio_fail(detail, err, "the signature over PCR0 does not hold with the certificate's key");
  if (err == CHIO_OK) out->algorithm = algorithms[i].name;
  return err;
}

static void describe(const struct chio_cert *cert, struct chio_eif_signer *out) {
  size_t len = cert->common_name.len < CHIO_EIF_NAME_MAX ? cert->common_name.len : CHIO_EIF_NAME_MAX;
  if (len > 0) memcpy(out->name, cert->common_name.data, len);
  out->name[len] = '\0';
  out->not_before = cert->not_before;
  out->not_after = cert->not_after;
}

static enum chio_err judge_entry(const struct entry *e, const uint8_t pcr0[CHIO_SHA384_SIZE],
                                 struct chio_eif_signer *out, struct chio_detail *detail) {
  struct register_info info = {.value = CHIO_BUF_INIT};
  struct chio_cose_sign1 s = {.alg = 0};
  struct chio_cert cert;
  enum chio_err err = chio_cert_parse_v1(chio_buf_slice(&e->der), &cert);
  if (err != CHIO_OK) return chio_fail(detail, err, "the certificate of the signature is malformed");
  err = chio_cose_sign1_read(chio_buf_slice(&e->cose), &s);
  if (err == CHIO_OK && s.is_cwt) err = CHIO_E_MALFORMED;
  if (err != CHIO_OK) return chio_fail(detail, err, "the signature is no COSE_Sign1: %s", chio_err_text(err));
  err = read_payload(s.payload, &info, detail);
  if (err == CHIO_OK) err = judge_signature(&s, &cert, out, detail);
  if (err == CHIO_OK) err = judge_register(&info, pcr0, detail);
  if (err == CHIO_OK) describe(&cert, out);
  chio_buf_clear(&info.value);
  return err;
}

enum chio_err chio_eif_signature_judge(struct chio_slice section, const uint8_t pcr0[CHIO_SHA384_SIZE],
                                       struct chio_eif_signer *out, struct chio_buf *out_certificate,
                                       struct chio_detail *detail) {
  struct entry e = {CHIO_BUF_INIT, CHIO_BUF_INIT, CHIO_BUF_INIT};
  struct chio_eif_signer signer = {.algorithm = NULL};
  enum chio_err err = read_section(section, &e);
  if (err != CHIO_OK)
    err = chio_fail(detail, err, "the signature section is malformed");
  else
    err = judge_entry(&e, pcr0, &signer, detail);
  if (err == CHIO_OK) {
    chio_buf_append_slice(out_certificate, chio_buf_slice(&e.der));
    err = chio_buf_err(out_certificate);
  }
  if (err == CHIO_OK) *out = signer;
  entry_clear(&e);
  return err;
}
