#include "attest/ratls.h"

#include "attest/cbor_write.h"
#include "attest/judge.h"

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

enum chio_err chio_ratls_claims_parse(struct chio_slice claims, struct chio_ratls *out) {
  struct chio_ratls ratls = {.quote = out->quote, .claims = claims};
  struct chio_cursor c = chio_cursor(claims);
  struct chio_cbor_list list;
  bool more;
  enum chio_err err = chio_cbor_open(&c, CHIO_CBOR_MAP, 64, &list);
  while (err == CHIO_OK) {
    err = chio_cbor_more(&c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = parse_claim(&c, &ratls);
  }
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK && ratls.pubkey_hash.len == 0) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) *out = ratls;
  return err;
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
  if (err == CHIO_OK) err = chio_ratls_claims_parse(ratls.claims, &ratls);
  if (err == CHIO_OK) *out = ratls;
  return err;
}

/* ---- Writing ---- */

enum chio_err chio_ratls_claims_put(struct chio_slice spki, struct chio_slice nonce, struct chio_buf *out) {
  uint8_t hash[CHIO_SHA256_SIZE];
  struct chio_buf pair = CHIO_BUF_INIT;
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, spki, hash);
  if (err != CHIO_OK) return err;
  chio_cbor_put_head(&pair, CHIO_CBOR_ARRAY, 2);
  chio_cbor_put_head(&pair, CHIO_CBOR_UINT, 1);
  chio_cbor_put_bytes(&pair, chio_slice(hash, sizeof hash));
  chio_cbor_put_head(out, CHIO_CBOR_MAP, nonce.len > 0 ? 2 : 1);
  if (nonce.len > 0) {
    chio_cbor_put_text(out, "nonce");
    chio_cbor_put_bytes(out, nonce);
  }
  chio_cbor_put_text(out, "pubkey-hash");
  chio_cbor_put_bytes(out, chio_buf_slice(&pair));
  err = chio_buf_err(&pair);
  chio_buf_clear(&pair);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

enum chio_err chio_ratls_report_data(struct chio_slice claims, uint8_t out[64]) {
  memset(out, 0, 64);
  return chio_hash_bytes(CHIO_HASH_SHA256, claims, out);
}

void chio_ratls_put(struct chio_slice quote, struct chio_slice claims, struct chio_buf *out) {
  chio_cbor_put_head(out, CHIO_CBOR_TAG, TAG_QUOTE);
  chio_cbor_put_head(out, CHIO_CBOR_ARRAY, 2);
  chio_cbor_put_bytes(out, quote);
  chio_cbor_put_bytes(out, claims);
}

/* ---- Judging ---- */

static bool binds_claims(const struct chio_judge *j, struct chio_slice claims) {
  const struct chio_attest_result *r = &j->result->pub;
  uint8_t expected[64];
  return chio_ratls_report_data(claims, expected) == CHIO_OK &&
         chio_slice_equal(chio_slice(r->report_data, r->report_data_len), chio_slice(expected, sizeof expected));
}

static bool binds_key(struct chio_slice spki, const struct chio_ratls *ratls) {
  uint8_t hash[CHIO_SHA512_SIZE];
  return chio_hash_bytes(ratls->hash, spki, hash) == CHIO_OK &&
         chio_slice_equal(ratls->pubkey_hash, chio_slice(hash, chio_hash_size(ratls->hash)));
}

static void judge_key(struct chio_judge *j, struct chio_slice spki, const struct chio_ratls *ratls) {
  if (!binds_claims(j, ratls->claims)) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the quote's report data is not the hash of the claims beside it");
    return;
  }
  chio_judge_prove(j, CHIO_ATTEST_PROVED_REPORT_DATA);
  chio_claim_hex(j, "pubkey_hash", ratls->pubkey_hash);
  if (spki.len == 0 && j->key_spki.len == 0) return; /* the claims have a key's hash, not the key */
  if (spki.len == 0) spki = j->key_spki;
  if (!binds_key(spki, ratls)) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the claims are about another key");
    return;
  }
  j->result->pub.key_spki = chio_judge_keep_bytes(j, spki);
  j->result->pub.key_spki_len = spki.len;
  j->key_bound = true;
}

static void judge_nonce(struct chio_judge *j, const struct chio_ratls *ratls) {
  j->nonce_judged = true;
  if (!chio_judge_wants_nonce(j)) return;
  if (chio_judge_answers(j, ratls->nonce)) {
    if (chio_judge_proved(j, CHIO_ATTEST_PROVED_REPORT_DATA)) chio_judge_prove(j, CHIO_ATTEST_PROVED_NONCE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_NONCE, "the claims do not answer the nonce");
  }
}

static void fail_parse(struct chio_judge *j, enum chio_err err, const char *what) {
  chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT, "the %s: %s", what,
                  chio_err_text(err));
}

void chio_judge_claims(struct chio_judge *j, struct chio_slice claims, struct chio_slice spki) {
  struct chio_ratls ratls = {.hash = CHIO_HASH_SHA256};
  enum chio_err err = chio_ratls_claims_parse(claims, &ratls);
  j->binds_itself = true;
  if (err != CHIO_OK) {
    fail_parse(j, err, "claims about the key");
    return;
  }
  judge_key(j, spki, &ratls);
  judge_nonce(j, &ratls);
}

void chio_judge_self_signed(struct chio_judge *j, const struct chio_cert *cert) {
  if (chio_pubkey_verify_possession(&cert->key, cert->signature_alg, cert->tbs, cert->signature) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the certificate is not signed with its own key");
  }
  chio_judge_window(j, cert->not_before, cert->not_after);
  (void)chio_judge_time(j, cert->not_before, cert->not_after, "the certificate", false);
}

void chio_judge_ratls(struct chio_judge *j, const struct chio_cert *cert, struct chio_slice extension) {
  struct chio_ratls ratls;
  enum chio_err err = chio_ratls_parse(extension, &ratls);
  if (err != CHIO_OK) {
    fail_parse(j, err, "certificate's tagged evidence");
    return;
  }
  j->inside = j->binds_itself = true;
  chio_judge_evidence(j, ratls.quote);
  chio_judge_claims(j, ratls.claims, cert->key.spki);
  chio_judge_self_signed(j, cert);
}
