#include "attest/ratls.h"

#include "attest/cbor.h"

#define TAG_QUOTE 60000u /* [ quote, claims ] */
#define QUOTE_MAX 65536u
#define CLAIMS_MAX 65536u

/* [ algorithm, hash ]: numbers of the Named Information registry. */
static enum chio_err parse_pubkey_hash(struct chio_slice bytes, struct chio_ratls *out) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_cbor_list list;
  uint64_t algorithm = 0;
  enum chio_err err = chio_cbor_open(&c, CHIO_CBOR_ARRAY, 2, &list);
  if (err == CHIO_OK && (list.indefinite || list.left != 2)) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cbor_uint(&c, 255, &algorithm);
  if (err == CHIO_OK) err = chio_cbor_string(&c, CHIO_CBOR_BYTES, CHIO_SHA512_SIZE, &out->pubkey_hash);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err != CHIO_OK) return err;
  switch (algorithm) {
    case 1: out->hash = CHIO_HASH_SHA256; break;
    case 7: out->hash = CHIO_HASH_SHA384; break;
    case 8: out->hash = CHIO_HASH_SHA512; break;
    default: return CHIO_E_UNSUPPORTED;
  }
  return out->pubkey_hash.len == chio_hash_size(out->hash) ? CHIO_OK : CHIO_E_MALFORMED;
}

static enum chio_err parse_claim(struct chio_cursor *c, struct chio_ratls *out) {
  struct chio_slice name, value;
  enum chio_err err = chio_cbor_string(c, CHIO_CBOR_TEXT, 256, &name);
  if (err != CHIO_OK) return err;
  bool is_hash = chio_slice_equal(name, chio_slice_str("pubkey-hash"));
  bool is_nonce = chio_slice_equal(name, chio_slice_str("nonce"));
  if (!is_hash && !is_nonce) return chio_cbor_skip(c); /* others are signed, and not ours to judge */
  err = chio_cbor_string(c, CHIO_CBOR_BYTES, 1024, &value);
  if (err != CHIO_OK) return err;
  if ((is_hash && out->pubkey_hash.len > 0) || (is_nonce && out->nonce.len > 0)) return CHIO_E_MALFORMED;
  if (is_hash) return parse_pubkey_hash(value, out);
  out->nonce = value;
  return CHIO_OK;
}

static enum chio_err parse_claims(struct chio_ratls *out) {
  struct chio_cursor c = chio_cursor(out->claims);
  struct chio_cbor_list list;
  bool more;
  enum chio_err err = chio_cbor_open(&c, CHIO_CBOR_MAP, 64, &list);
  while (err == CHIO_OK) {
    err = chio_cbor_more(&c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = parse_claim(&c, out);
  }
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  return err == CHIO_OK && out->pubkey_hash.len == 0 ? CHIO_E_MALFORMED : err;
}

enum chio_err chio_ratls_parse(struct chio_slice extension, struct chio_ratls *out) {
  struct chio_ratls ratls = {.hash = CHIO_HASH_SHA256};
  struct chio_cursor c = chio_cursor(extension);
  struct chio_cbor_list list;
  uint64_t tag = 0;
  enum chio_err err = chio_cbor_tag(&c, &tag);
  if (err == CHIO_OK && tag != TAG_QUOTE) err = CHIO_E_UNSUPPORTED;
  if (err == CHIO_OK) err = chio_cbor_open(&c, CHIO_CBOR_ARRAY, 2, &list);
  if (err == CHIO_OK && (list.indefinite || list.left != 2)) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cbor_string(&c, CHIO_CBOR_BYTES, QUOTE_MAX, &ratls.quote);
  if (err == CHIO_OK) err = chio_cbor_string(&c, CHIO_CBOR_BYTES, CLAIMS_MAX, &ratls.claims);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK) err = parse_claims(&ratls);
  if (err == CHIO_OK) *out = ratls;
  return err;
}

/* ---- Judging ---- */

/* report data = SHA-256(claims) || 32 zero bytes */
static bool binds_claims(const struct chio_judge *j, const struct chio_ratls *ratls) {
  const struct chio_attest_result *r = &j->result->pub;
  uint8_t expected[64] = {0};
  return chio_hash_bytes(CHIO_HASH_SHA256, ratls->claims, expected) == CHIO_OK &&
         chio_slice_equal(chio_slice(r->report_data, r->report_data_len), chio_slice(expected, sizeof expected));
}

static bool binds_key(const struct chio_cert *cert, const struct chio_ratls *ratls) {
  uint8_t hash[CHIO_SHA512_SIZE];
  return chio_hash_bytes(ratls->hash, cert->key.spki, hash) == CHIO_OK &&
         chio_slice_equal(ratls->pubkey_hash, chio_slice(hash, chio_hash_size(ratls->hash)));
}

static void judge_key(struct chio_judge *j, const struct chio_cert *cert, const struct chio_ratls *ratls) {
  if (!binds_claims(j, ratls)) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the quote's report data is not the hash of the certificate's claims");
    return;
  }
  chio_judge_prove(j, CHIO_ATTEST_PROVED_REPORT_DATA);
  if (!binds_key(cert, ratls)) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the claims are about another key than the certificate's");
    return;
  }
  j->result->pub.key_spki = chio_judge_keep_bytes(j, cert->key.spki);
  j->result->pub.key_spki_len = cert->key.spki.len;
  j->key_bound = true;
}

static void judge_nonce(struct chio_judge *j, const struct chio_ratls *ratls) {
  j->nonce_judged = true;
  if (j->request->nonce_len == 0) return;
  if (chio_slice_equal(ratls->nonce, chio_slice(j->request->nonce, j->request->nonce_len))) {
    if (chio_judge_proved(j, CHIO_ATTEST_PROVED_REPORT_DATA)) chio_judge_prove(j, CHIO_ATTEST_PROVED_NONCE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_NONCE, "the certificate's claims do not answer the nonce");
  }
}

void chio_judge_ratls(struct chio_judge *j, const struct chio_cert *cert, struct chio_slice extension) {
  struct chio_ratls ratls;
  enum chio_err err = chio_ratls_parse(extension, &ratls);
  if (err != CHIO_OK) {
    chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
                    "the certificate's tagged evidence is %s", chio_err_text(err));
    return;
  }
  j->in_bundle = true;
  chio_judge_evidence(j, ratls.quote);
  judge_key(j, cert, &ratls);
  judge_nonce(j, &ratls);
  /* Signed by itself: whoever made it had the key. */
  if (chio_pubkey_verify_possession(&cert->key, cert->signature_alg, cert->tbs, cert->signature) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the certificate is not signed with its own key");
  }
  chio_judge_window(j, cert->not_before, cert->not_after);
  (void)chio_judge_time(j, cert->not_before, cert->not_after, "the certificate", false);
}
