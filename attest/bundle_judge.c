/* A bundle: the quote in it, what its report data was made of, and the key statement that the attested key signed. */
#include "attest/bundle.h"

#include "attest/in_toto.h"
#include "attest/json.h"
#include "attest/judge.h"
#include "signer/base/text.h"

struct bundle {
  struct chio_buf payload, signature, ak, nonce, quote;
  struct chio_slice payload_type, certificates, profile, tee, key_id, hint;
  uint8_t manifest[32];
};

static void bundle_clear(struct bundle *b) {
  chio_buf_clear(&b->payload);
  chio_buf_clear(&b->signature);
  chio_buf_clear(&b->ak);
  chio_buf_clear(&b->nonce);
  chio_buf_clear(&b->quote);
}

bool chio_bundle_looks_like(struct chio_slice evidence) {
  static const char name[] = "\"dsseEnvelope\"";
  return evidence.len > 0 && memmem(evidence.data, evidence.len, name, sizeof name - 1) != NULL;
}

static enum chio_err read_base64(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  return err == CHIO_OK ? chio_base64_decode(text, false, out) : err;
}

/* Exactly one signature, as DSSE bundles must have. */
static enum chio_err read_envelope(const struct chio_json_doc *doc, struct bundle *b) {
  const struct chio_json *envelope = chio_json_get(doc, chio_json_root(doc), "dsseEnvelope");
  const struct chio_json *signatures = chio_json_get(doc, envelope, "signatures");
  if (signatures == NULL || signatures->type != CHIO_JSON_ARRAY || signatures->count != 1) return CHIO_E_MALFORMED;
  enum chio_err err = chio_json_string(chio_json_get(doc, envelope, "payloadType"), &b->payload_type);
  if (err == CHIO_OK) err = read_base64(chio_json_get(doc, envelope, "payload"), &b->payload);
  if (err != CHIO_OK) return err;
  if (b->payload.len > CHIO_STATEMENT_MAX) return CHIO_E_TOO_LONG;
  err = chio_json_string(chio_json_get(doc, chio_json_first(doc, signatures), "keyid"), &b->key_id);
  if (err != CHIO_OK) return err;
  return read_base64(chio_json_get(doc, chio_json_first(doc, signatures), "sig"), &b->signature);
}

static enum chio_err read_boot(const struct chio_json_doc *doc, struct bundle *b) {
  const struct chio_json *material = chio_json_get(doc, chio_json_root(doc), "verificationMaterial");
  const struct chio_json *boot = chio_json_get(doc, material, "chioBoot");
  enum chio_err err = chio_json_string(chio_json_get(doc, chio_json_get(doc, material, "publicKey"), "hint"), &b->hint);
  if (err == CHIO_OK) err = chio_json_string(chio_json_get(doc, boot, "profile"), &b->profile);
  if (err == CHIO_OK) err = chio_json_string(chio_json_get(doc, boot, "tee"), &b->tee);
  if (err == CHIO_OK) err = read_base64(chio_json_get(doc, boot, "attestationKey"), &b->ak);
  if (err == CHIO_OK) err = chio_json_hex(chio_json_get(doc, boot, "manifestSha256"), b->manifest, sizeof b->manifest);
  if (err == CHIO_OK) err = read_base64(chio_json_get(doc, boot, "nonce"), &b->nonce);
  if (err == CHIO_OK) err = read_base64(chio_json_get(doc, boot, "quote"), &b->quote);
  if (err == CHIO_OK) err = chio_json_string(chio_json_get(doc, boot, "certificates"), &b->certificates);
  return err;
}

/* Nothing is decided by the key's names; other ones are refused, so that no byte of a bundle is without meaning. */
static enum chio_err check_key_names(const struct bundle *b) {
  uint8_t hash[CHIO_SHA256_SIZE];
  struct chio_buf hex = CHIO_BUF_INIT;
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&b->ak), hash);
  if (err != CHIO_OK) return err;
  chio_hex_append(&hex, chio_slice(hash, sizeof hash));
  bool same = chio_slice_equal(b->key_id, chio_buf_slice(&hex)) && chio_slice_equal(b->hint, chio_buf_slice(&hex));
  chio_buf_clear(&hex);
  return same ? CHIO_OK : CHIO_E_MALFORMED;
}

static enum chio_err read_bundle(const struct chio_json_doc *doc, struct bundle *b) {
  enum chio_err err = CHIO_OK;
  if (!chio_json_is(chio_json_get(doc, chio_json_root(doc), "mediaType"), CHIO_BUNDLE_MEDIA_TYPE))
    return CHIO_E_VERSION;
  err = read_envelope(doc, b);
  if (err == CHIO_OK) err = read_boot(doc, b);
  if (err != CHIO_OK) return err;
  if (!chio_slice_equal(b->profile, chio_slice_str(CHIO_BOOT_PROFILE))) return CHIO_E_VERSION;
  return check_key_names(b);
}

/* ---- The statement ---- */

static bool holds_in_toto(const struct bundle *b) {
  return chio_slice_equal(b->payload_type, chio_slice_str(CHIO_IN_TOTO_PAYLOAD_TYPE));
}

/* DSSE: the attestation key signed (type, payload); only then is the payload parsed. */
static bool judge_envelope(struct chio_judge *j, const struct bundle *b) {
  struct chio_pubkey ak;
  const char *type = holds_in_toto(b) ? CHIO_IN_TOTO_PAYLOAD_TYPE : CHIO_STATEMENT_PAYLOAD_TYPE;
  if (!chio_slice_equal(b->payload_type, chio_slice_str(type))) {
    chio_judge_fail(j, CHIO_ATTEST_STATEMENT_FORMAT, "the envelope holds no key statement");
    return false;
  }
  struct chio_buf pae = CHIO_BUF_INIT;
  chio_dsse_pae(type, chio_buf_slice(&b->payload), &pae);
  bool ok =
      !pae.failed && chio_pubkey_parse(chio_buf_slice(&b->ak), &ak) == CHIO_OK && ak.kind == CHIO_PUBKEY_P256 &&
      chio_pubkey_verify(&ak, CHIO_SIG_ECDSA_SHA256, chio_buf_slice(&pae), chio_buf_slice(&b->signature)) == CHIO_OK;
  chio_buf_clear(&pae);
  if (!ok) chio_judge_fail(j, CHIO_ATTEST_STATEMENT_SIGNATURE, "the attestation key did not sign the key statement");
  return ok;
}

static bool has_digest(struct chio_slice spki, const uint8_t expected[CHIO_SHA256_SIZE]) {
  uint8_t digest[CHIO_SHA256_SIZE];
  return chio_hash_bytes(CHIO_HASH_SHA256, spki, digest) == CHIO_OK && memcmp(digest, expected, sizeof digest) == 0;
}

static void judge_statement_nonce(struct chio_judge *j, const struct chio_json *value, const struct bundle *b) {
  uint8_t said[64];
  bool fresh = value != NULL && value->type == CHIO_JSON_STRING;
  j->nonce_judged = true;
  if (fresh) {
    size_t len = value->string.len / 2;
    if (len > sizeof said || chio_json_hex(value, said, len) != CHIO_OK ||
        !chio_slice_equal(chio_slice(said, len), chio_buf_slice(&b->nonce))) {
      chio_judge_fail(j, CHIO_ATTEST_NONCE, "statement and quote answer different nonces");
      return;
    }
  }
  if (!chio_judge_wants_nonce(j)) return;
  if (fresh && chio_judge_answers(j, chio_buf_slice(&b->nonce))) {
    if (chio_judge_proved(j, CHIO_ATTEST_PROVED_REPORT_DATA)) chio_judge_prove(j, CHIO_ATTEST_PROVED_NONCE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_NONCE,
                    fresh ? "the evidence answers another nonce" : "the evidence of a key's birth answers no nonce");
  }
}

static void judge_statement(struct chio_judge *j, const struct bundle *b, struct chio_slice statement,
                            const uint8_t *subject_sha256) {
  struct chio_attest_result *r = &j->result->pub;
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct chio_buf spki = CHIO_BUF_INIT;
  struct chio_pubkey key;
  uint64_t version = 0, when = 0;
  enum chio_err err = chio_json_parse(statement, &doc);
  const struct chio_json *root = err == CHIO_OK ? chio_json_root(doc) : NULL;
  if (err == CHIO_OK) err = chio_json_uint(chio_json_get(doc, root, "version"), 1, &version);
  if (err == CHIO_OK) err = chio_json_uint(chio_json_get(doc, root, "time"), (uint64_t)1 << 40, &when);
  if (err == CHIO_OK) err = read_base64(chio_json_get(doc, root, "spki"), &spki);
  if (err == CHIO_OK) err = chio_pubkey_parse(chio_buf_slice(&spki), &key);
  if (err != CHIO_OK || version != 1) {
    chio_judge_fail(j, CHIO_ATTEST_STATEMENT_FORMAT, "the key statement is malformed or of another version");
  } else if (subject_sha256 != NULL && !has_digest(chio_buf_slice(&spki), subject_sha256)) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_MISMATCH, "the in-toto Statement's subject is another key than its predicate's");
  } else {
    r->statement_json = (const char *)chio_judge_keep_bytes(j, statement);
    r->key_spki = chio_judge_keep_bytes(j, chio_buf_slice(&spki));
    r->key_spki_len = spki.len;
    r->evidence_time = (int64_t)when;
    if (chio_judge_proved(j, CHIO_ATTEST_PROVED_REPORT_DATA)) chio_judge_prove(j, CHIO_ATTEST_PROVED_STATEMENT);
    judge_statement_nonce(j, chio_json_get(doc, root, "nonce"), b);
  }
  chio_buf_clear(&spki);
}

/* The payload is the key statement, or an in-toto Statement around it. */
static void judge_payload(struct chio_judge *j, const struct bundle *b) {
  struct chio_in_toto in_toto;
  if (!holds_in_toto(b)) {
    judge_statement(j, b, chio_buf_slice(&b->payload), NULL);
    return;
  }
  enum chio_err err = chio_in_toto_parse(chio_buf_slice(&b->payload), &in_toto);
  if (err == CHIO_OK) {
    judge_statement(j, b, in_toto.predicate, in_toto.subject_sha256);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_STATEMENT_FORMAT, "the in-toto Statement is %s",
                    err == CHIO_E_VERSION ? "of another _type or predicateType" : chio_err_text(err));
  }
}

/* ---- The whole ---- */

/* The quote's report data must be made of this attestation key, manifest and nonce. */
static void judge_report_data(struct chio_judge *j, const struct bundle *b) {
  uint8_t expected[64];
  if (chio_boot_report_data(chio_buf_slice(&b->ak), b->manifest, chio_buf_slice(&b->nonce), expected) == CHIO_OK &&
      chio_slice_equal(chio_judge_made_over(j), chio_slice(expected, sizeof expected))) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_REPORT_DATA);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the quote's report data does not bind this attestation key");
  }
}

/* The platform's name is only a word in the bundle: it must not say more than the evidence shows. */
static void judge_tee_name(struct chio_judge *j, const struct bundle *b) {
  const char *tee = j->result->pub.tee, *format = j->result->pub.format;
  if (tee == NULL || chio_slice_equal(b->tee, chio_slice_str(tee))) return;
  bool azure = format != NULL && strncmp(format, "azure-", 6) == 0 && !j->result->pub.simulated;
  if (azure && chio_slice_equal(b->tee, chio_slice_str(format))) return;
  if (!j->result->pub.simulated && b->tee.len > 4 && memcmp(b->tee.data, "sim-", 4) == 0) return; /* not anchored */
  chio_judge_fail(j, CHIO_ATTEST_TEE, "the bundle names another platform than its quote shows (%s)", tee);
}

void chio_judge_bundle(struct chio_judge *j, struct chio_slice bytes) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct bundle b = {.payload = CHIO_BUF_INIT};
  j->result->pub.container = "bundle";
  enum chio_err err = bytes.len <= CHIO_BUNDLE_MAX ? chio_json_parse(bytes, &doc) : CHIO_E_TOO_LONG;
  if (err == CHIO_OK) err = read_bundle(doc, &b);
  if (err == CHIO_OK && b.certificates.len > 0) err = chio_cert_set_add_pem(&j->certs, b.certificates, 8);
  if (err != CHIO_OK) {
    chio_judge_fail(j, err == CHIO_E_VERSION ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT, "the bundle is %s",
                    err == CHIO_E_VERSION ? "of a kind or profile that is not supported" : chio_err_text(err));
  } else {
    j->inside = j->binds_itself = true;
    chio_judge_evidence(j, chio_buf_slice(&b.quote));
    judge_tee_name(j, &b);
    judge_report_data(j, &b);
    chio_claim_hex(j, "manifest_sha256", chio_slice(b.manifest, sizeof b.manifest));
    if (judge_envelope(j, &b)) judge_payload(j, &b);
    j->ak_spki = (struct chio_slice){chio_judge_keep_bytes(j, chio_buf_slice(&b.ak)), b.ak.len};
  }
  bundle_clear(&b);
}
