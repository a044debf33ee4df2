#include "attest/cose_key.h"

#include "attest/cbor_write.h"
#include "attest/der.h"
#include "attest/pubkey_write.h"

enum { KTY_OKP = 1, KTY_EC2 = 2, KTY_RSA = 3 };
enum { LABEL_KTY = 1, LABEL_FIRST = -1, LABEL_SECOND = -2, LABEL_THIRD = -3 };
#define ED25519_CURVE 6
#define PART_MAX 512u

/* COSE's numbers of the curves. */
static const struct {
  int64_t number;
  enum chio_pubkey_kind kind;
} curves[] = {{1, CHIO_PUBKEY_P256}, {2, CHIO_PUBKEY_P384}, {3, CHIO_PUBKEY_P521}};

/* ---- Writing ---- */

static void put_part(struct chio_buf *out, int label, struct chio_slice bytes) {
  chio_cbor_put_int(out, label);
  chio_cbor_put_bytes(out, bytes);
}

static void put_head(struct chio_buf *out, unsigned members, int kty) {
  chio_cbor_put_head(out, CHIO_CBOR_MAP, members);
  chio_cbor_put_int(out, LABEL_KTY);
  chio_cbor_put_int(out, kty);
}

static enum chio_err put_ec(const struct chio_pubkey *key, struct chio_buf *out) {
  size_t half = (key->bits.len - 1) / 2;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++) {
    if (curves[i].kind != key->kind) continue;
    put_head(out, 4, KTY_EC2);
    chio_cbor_put_int(out, LABEL_FIRST);
    chio_cbor_put_int(out, curves[i].number);
    put_part(out, LABEL_SECOND, chio_slice(key->bits.data + 1, half));
    put_part(out, LABEL_THIRD, chio_slice(key->bits.data + 1 + half, half));
    return chio_buf_err(out);
  }
  return CHIO_E_KEY_TYPE;
}

static enum chio_err put_ed25519(const struct chio_pubkey *key, struct chio_buf *out) {
  put_head(out, 3, KTY_OKP);
  chio_cbor_put_int(out, LABEL_FIRST);
  chio_cbor_put_int(out, ED25519_CURVE);
  put_part(out, LABEL_SECOND, key->bits);
  return chio_buf_err(out);
}

static enum chio_err put_rsa(const struct chio_pubkey *key, struct chio_buf *out) {
  struct chio_slice n, e;
  enum chio_err err = chio_pubkey_rsa_numbers(key, &n, &e);
  if (err != CHIO_OK) return err;
  put_head(out, 3, KTY_RSA);
  put_part(out, LABEL_FIRST, n);
  put_part(out, LABEL_SECOND, e);
  return chio_buf_err(out);
}

enum chio_err chio_cose_key_put(struct chio_slice spki, struct chio_buf *out) {
  struct chio_pubkey key;
  enum chio_err err = chio_pubkey_parse(spki, &key);
  if (err != CHIO_OK) return err;
  if (key.kind == CHIO_PUBKEY_RSA) return put_rsa(&key, out);
  return key.kind == CHIO_PUBKEY_ED25519 ? put_ed25519(&key, out) : put_ec(&key, out);
}

/* ---- Reading ---- */

/* What stands behind -1, -2 and -3: a curve's number or bytes. */
struct parts {
  int64_t kty, curve; /* 0: absent */
  struct chio_slice bytes[3];
};

static enum chio_err read_member(struct chio_cursor *c, struct parts *p) {
  int64_t label;
  enum chio_err err = chio_cbor_int(c, &label);
  if (err != CHIO_OK) return err;
  if (label == LABEL_KTY) return p->kty == 0 ? chio_cbor_int(c, &p->kty) : CHIO_E_MALFORMED;
  if (label > LABEL_FIRST || label < LABEL_THIRD) return CHIO_E_MALFORMED;
  struct chio_slice *part = &p->bytes[-1 - label];
  if (part->len > 0 || (label == LABEL_FIRST && p->curve != 0)) return CHIO_E_MALFORMED;
  if (label == LABEL_FIRST && chio_cbor_next_is(c, CHIO_CBOR_UINT)) return chio_cbor_int(c, &p->curve);
  err = chio_cbor_string(c, CHIO_CBOR_BYTES, PART_MAX, part);
  return err == CHIO_OK && part->len == 0 ? CHIO_E_MALFORMED : err;
}

static enum chio_err put_parts(const struct parts *p, struct chio_buf *out) {
  if (p->kty == KTY_RSA && p->bytes[2].len == 0 && p->curve == 0)
    return chio_pubkey_put_rsa(p->bytes[0], p->bytes[1], out);
  if (p->bytes[0].len > 0) return CHIO_E_MALFORMED;
  if (p->kty == KTY_OKP && p->curve == ED25519_CURVE && p->bytes[2].len == 0)
    return chio_pubkey_put_ed25519(p->bytes[1], out);
  for (size_t i = 0; p->kty == KTY_EC2 && i < CHIO_ARRAY_LEN(curves); i++) {
    if (curves[i].number == p->curve) return chio_pubkey_put_ec(curves[i].kind, p->bytes[1], p->bytes[2], out);
  }
  return CHIO_E_UNSUPPORTED;
}

enum chio_err chio_cose_key_spki(struct chio_cursor *c, struct chio_buf *out) {
  struct chio_cursor at = *c;
  struct chio_cbor_list list;
  struct parts p = {0};
  bool more;
  enum chio_err err = chio_cbor_open(&at, CHIO_CBOR_MAP, 4, &list);
  while (err == CHIO_OK) {
    err = chio_cbor_more(&at, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = read_member(&at, &p);
  }
  if (err == CHIO_OK) err = put_parts(&p, out);
  if (err == CHIO_OK) *c = at;
  return err;
}
