#include "attest/jwk.h"

#include "attest/pubkey_write.h"
#include "signer/base/text.h"

/* Two of a key's members, as bytes. The second may be absent: name NULL. */
struct numbers {
  struct chio_buf a, b;
};

static enum chio_err read_number(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  return err == CHIO_OK ? chio_base64_decode(text, true, out) : err;
}

static enum chio_err read_numbers(const struct chio_json_doc *doc, const struct chio_json *jwk, const char *a,
                                  const char *b, struct numbers *out) {
  enum chio_err err = read_number(chio_json_get(doc, jwk, a), &out->a);
  return err == CHIO_OK && b != NULL ? read_number(chio_json_get(doc, jwk, b), &out->b) : err;
}

static enum chio_err curve_of(const struct chio_json *name, enum chio_pubkey_kind *out) {
  static const struct {
    const char *name;
    enum chio_pubkey_kind kind;
  } curves[] = {{"P-256", CHIO_PUBKEY_P256}, {"P-384", CHIO_PUBKEY_P384}, {"P-521", CHIO_PUBKEY_P521}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++) {
    if (!chio_json_is(name, curves[i].name)) continue;
    *out = curves[i].kind;
    return CHIO_OK;
  }
  return CHIO_E_UNSUPPORTED;
}

static enum chio_err put_ec(const struct chio_json_doc *doc, const struct chio_json *jwk, struct numbers *n,
                            struct chio_buf *out) {
  enum chio_pubkey_kind curve;
  enum chio_err err = curve_of(chio_json_get(doc, jwk, "crv"), &curve);
  if (err == CHIO_OK) err = read_numbers(doc, jwk, "x", "y", n);
  return err == CHIO_OK ? chio_pubkey_put_ec(curve, chio_buf_slice(&n->a), chio_buf_slice(&n->b), out) : err;
}

static enum chio_err put_okp(const struct chio_json_doc *doc, const struct chio_json *jwk, struct numbers *n,
                             struct chio_buf *out) {
  if (!chio_json_is(chio_json_get(doc, jwk, "crv"), "Ed25519")) return CHIO_E_UNSUPPORTED;
  enum chio_err err = read_numbers(doc, jwk, "x", NULL, n);
  return err == CHIO_OK ? chio_pubkey_put_ed25519(chio_buf_slice(&n->a), out) : err;
}

static enum chio_err put_rsa(const struct chio_json_doc *doc, const struct chio_json *jwk, struct numbers *n,
                             struct chio_buf *out) {
  enum chio_err err = read_numbers(doc, jwk, "n", "e", n);
  return err == CHIO_OK ? chio_pubkey_put_rsa(chio_buf_slice(&n->a), chio_buf_slice(&n->b), out) : err;
}

enum chio_err chio_jwk_spki(const struct chio_json_doc *doc, const struct chio_json *jwk, struct chio_buf *out) {
  struct numbers n = {CHIO_BUF_INIT, CHIO_BUF_INIT};
  const struct chio_json *type = chio_json_get(doc, jwk, "kty");
  enum chio_err err = CHIO_E_UNSUPPORTED;
  if (chio_json_is(type, "EC"))
    err = put_ec(doc, jwk, &n, out);
  else if (chio_json_is(type, "OKP"))
    err = put_okp(doc, jwk, &n, out);
  else if (chio_json_is(type, "RSA"))
    err = put_rsa(doc, jwk, &n, out);
  chio_buf_clear(&n.a);
  chio_buf_clear(&n.b);
  return err;
}
