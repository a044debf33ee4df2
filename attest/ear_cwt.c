/* Attestation results as CBOR Web Tokens (RFC 8392) in a COSE_Sign1 (RFC 9052): read. */
#include "attest/cose_key.h"
#include "attest/cose_sign1.h"
#include "attest/ear_token.h"

bool chio_ear_cwt_looks_like(struct chio_slice bytes) {
  static const uint8_t begin[] = {0xd8, CHIO_COSE_TAG_CWT, 0xc0 | CHIO_COSE_TAG_SIGN1, 0x84};
  return bytes.len > sizeof begin && memcmp(bytes.data, begin, sizeof begin) == 0;
}

static enum chio_sig_alg cose_alg(int64_t number) {
  switch (number) {
    case CHIO_COSE_ES256: return CHIO_SIG_ECDSA_SHA256;
    case CHIO_COSE_ES384: return CHIO_SIG_ECDSA_SHA384;
    case CHIO_COSE_ES512: return CHIO_SIG_ECDSA_SHA512;
    case -8: return CHIO_SIG_ED25519;
    case -257: return CHIO_SIG_RSA_PKCS1_SHA256;
    case -258: return CHIO_SIG_RSA_PKCS1_SHA384;
    case -259: return CHIO_SIG_RSA_PKCS1_SHA512;
    case -37: return CHIO_SIG_RSA_PSS_SHA256;
    case -38: return CHIO_SIG_RSA_PSS_SHA384;
    case -39: return CHIO_SIG_RSA_PSS_SHA512;
    default: return CHIO_SIG_OTHER;
  }
}

/* A map whose keys are integers: each pair is given to read, which passes over what it does not know. */
static enum chio_err read_map(struct chio_cursor *c, void *to,
                              enum chio_err (*read)(struct chio_cursor *c, int64_t key, void *to)) {
  struct chio_cbor_list list;
  bool more;
  int64_t key, seen[16];
  size_t count = 0;
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_MAP, CHIO_ARRAY_LEN(seen), &list);
  while (err == CHIO_OK) {
    err = chio_cbor_more(c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = chio_cbor_int(c, &key);
    for (size_t i = 0; err == CHIO_OK && i < count; i++) {
      if (seen[i] == key) err = CHIO_E_MALFORMED;
    }
    if (err != CHIO_OK) break;
    seen[count++] = key;
    err = read(c, key, to);
  }
  return err;
}

/* A CWT as it is read: what it says, and what it found. */
struct cwt {
  struct chio_ear ear;
  struct chio_slice profile, measurement;
};

static enum chio_err read_submodule_member(struct chio_cursor *c, int64_t key, void *to) {
  struct cwt *t = to;
  int64_t status;
  enum chio_err err;
  switch (key) {
    case CHIO_EAR_STATUS:
      err = chio_cbor_int(c, &status);
      if (err == CHIO_OK) t->ear.status = chio_ear_status_text(status);
      return err;
    case CHIO_EAR_POLICY: return chio_cbor_string(c, CHIO_CBOR_TEXT, CHIO_EAR_POLICY_ID_MAX, &t->ear.policy);
    case CHIO_EAR_OWN_MEASUREMENT: return chio_cbor_string(c, CHIO_CBOR_BYTES, 64, &t->measurement);
    default: return chio_cbor_skip(c);
  }
}

static enum chio_err read_submodules(struct chio_cursor *c, struct cwt *t) {
  struct chio_cbor_list list;
  bool more = false;
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_MAP, 1, &list);
  if (err == CHIO_OK) err = chio_cbor_more(c, &list, &more);
  if (err == CHIO_OK && !more) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cbor_string(c, CHIO_CBOR_TEXT, 64, &t->ear.attester);
  if (err == CHIO_OK) err = read_map(c, t, read_submodule_member);
  if (err == CHIO_OK) err = chio_cbor_more(c, &list, &more);
  return err == CHIO_OK && more ? CHIO_E_MALFORMED : err;
}

static enum chio_err read_confirmation(struct chio_cursor *c, int64_t key, void *to) {
  struct chio_ear *ear = to;
  if (key != CHIO_CNF_COSE_KEY) return CHIO_E_UNSUPPORTED;
  ear->has_key = true;
  return chio_cose_key_spki(c, &ear->key_spki);
}

static enum chio_err read_cwt_nonce(struct chio_cursor *c, struct chio_ear *ear) {
  struct chio_slice nonce;
  enum chio_err err = chio_cbor_string(c, CHIO_CBOR_BYTES, CHIO_EAR_NONCE_MAX, &nonce);
  if (err != CHIO_OK) return err;
  if (nonce.len > 0) memcpy(ear->nonce, nonce.data, nonce.len);
  ear->nonce_len = nonce.len;
  return CHIO_OK;
}

static enum chio_err read_claim(struct chio_cursor *c, int64_t key, void *to) {
  struct cwt *t = to;
  switch (key) {
    case CHIO_CWT_EXP: return chio_cbor_uint(c, CHIO_EAR_TIME_MAX, &t->ear.until);
    case CHIO_CWT_NBF: return chio_cbor_uint(c, CHIO_EAR_TIME_MAX, &t->ear.from);
    case CHIO_CWT_IAT: return chio_cbor_uint(c, CHIO_EAR_TIME_MAX, &t->ear.issued);
    case CHIO_CWT_CNF: return read_map(c, &t->ear, read_confirmation);
    case CHIO_EAT_NONCE: return read_cwt_nonce(c, &t->ear);
    case CHIO_EAT_PROFILE: return chio_cbor_string(c, CHIO_CBOR_TEXT, 256, &t->profile);
    case CHIO_EAT_SUBMODS: return read_submodules(c, t);
    default: return chio_cbor_skip(c);
  }
}

static enum chio_err read_cwt(struct chio_slice payload, struct cwt *out) {
  struct chio_cursor c = chio_cursor(payload);
  enum chio_err err = read_map(&c, out, read_claim);
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  return err == CHIO_OK && out->ear.attester.len == 0 ? CHIO_E_MALFORMED : err;
}

static void judge_cwt(struct chio_judge *j, const struct chio_cose_sign1 *sign1, struct chio_slice signed_text) {
  struct cwt t = {.ear = {.key_spki = CHIO_BUF_INIT}};
  if (read_cwt(sign1->payload, &t) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the token's claims are malformed, or of more than one attester");
  } else if (!chio_slice_equal(t.profile, chio_slice_str(CHIO_EAR_PROFILE))) {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "the token is of a profile that is not known");
  } else {
    const struct chio_ear_signature s = {signed_text, sign1->signature, cose_alg(sign1->alg)};
    chio_judge_set_measurement(j, t.measurement);
    chio_ear_judge_signer(j, &s, NULL, NULL);
    chio_ear_judge_claims(j, &t.ear);
  }
  chio_buf_clear(&t.ear.key_spki);
}

void chio_judge_ear_cwt(struct chio_judge *j, struct chio_slice token) {
  struct chio_cose_sign1 sign1 = {.alg = 0};
  struct chio_buf text = CHIO_BUF_INIT;
  enum chio_err err = chio_cose_sign1_read(token, &sign1);
  if (err == CHIO_OK && !sign1.tagged) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) chio_cose_sign1_put_signed(sign1.protected, sign1.payload, &text);
  chio_ear_begin(j, chio_buf_slice(&text));
  if (text.failed) j->result->out_of_memory = true;
  if (err == CHIO_OK)
    judge_cwt(j, &sign1, chio_buf_slice(&text));
  else
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the token's envelope is malformed");
  chio_buf_clear(&text);
}
