/* Nitro documents: signature by the leaf, chain to AWS's root, registers. */
#include "attest/cose_sign1.h"
#include "attest/judge.h"
#include "attest/nitro.h"

#include <stdio.h>

static bool is_zero(struct chio_slice bytes) {
  for (size_t i = 0; i < bytes.len; i++) {
    if (bytes.data[i] != 0) return false;
  }
  return true;
}

/* In debug mode the registers of the image are zero, while those of role and instance may not be. */
static bool is_debug(const struct chio_nitro *doc) {
  return !doc->tpm && is_zero(doc->pcrs[0]) && is_zero(doc->pcrs[1]) && is_zero(doc->pcrs[2]);
}

static void describe(struct chio_judge *j, const struct chio_nitro *doc) {
  struct chio_attest_result *r = &j->result->pub;
  r->format = doc->tpm ? "nitrotpm" : "nitro";
  r->tee = r->format;
  r->debug = is_debug(doc);
  r->evidence_time = (int64_t)(doc->timestamp / 1000);
  if (!doc->tpm) chio_judge_set_measurement(j, doc->pcrs[0]);
  if (!doc->tpm && doc->pcrs[8].len > 0 && !is_zero(doc->pcrs[8])) chio_judge_set_signer(j, doc->pcrs[8]);
  if (doc->user_data.len > 0) chio_judge_set_report_data(j, doc->user_data);
  chio_claim_string(j, "module_id", doc->module_id);
  chio_claim_uint(j, "timestamp", doc->timestamp);
  for (size_t i = 0; i < CHIO_NITRO_PCRS; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "pcr%zu", i);
    if (doc->pcrs[i].len > 0) chio_claim_hex(j, name, doc->pcrs[i]);
  }
  chio_claim_hex(j, "public_key", doc->public_key);
  chio_claim_hex(j, "user_data", doc->user_data);
  chio_claim_hex(j, "nonce", doc->nonce);
}

static void judge_signature(struct chio_judge *j, const struct chio_nitro *doc, const struct chio_cert *leaf) {
  struct chio_buf signed_bytes = CHIO_BUF_INIT;
  chio_cose_sign1_put_signed(doc->protected, doc->payload, &signed_bytes);
  if (signed_bytes.failed) j->result->out_of_memory = true;
  if (leaf->key.kind == CHIO_PUBKEY_P384 && !signed_bytes.failed &&
      chio_pubkey_verify_raw(&leaf->key, chio_buf_slice(&signed_bytes), doc->signature) == CHIO_OK) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_SIGNATURE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_SIGNATURE, "the document is not signed by its certificate");
  }
  chio_buf_clear(&signed_bytes);
}

static void judge_chain(struct chio_judge *j, const struct chio_nitro *doc) {
  struct chio_cert leaf;
  struct chio_path path;
  if (chio_cert_parse(doc->certificate, &leaf) != CHIO_OK || leaf.is_ca) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the document's certificate is malformed");
    return;
  }
  judge_signature(j, doc, &leaf);
  for (size_t i = 0; i < doc->bundle_count; i++) {
    if (chio_cert_set_add(&j->certs, doc->bundle[i]) == CHIO_OK) continue;
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "a certificate of the document's bundle is malformed");
    return;
  }
  if (leaf.has_key_usage && (leaf.key_usage & CHIO_KEY_USAGE_DIGITAL_SIGNATURE) == 0) {
    chio_judge_fail(j, CHIO_ATTEST_CERTIFICATE_MISMATCH, "the document's certificate is not for signatures");
  }
  if (!chio_judge_chain(j, CHIO_VENDOR_AWS, &leaf, "document", &path)) return;
  int64_t made = (int64_t)(doc->timestamp / 1000);
  if (made < path.from || made > path.until) {
    chio_judge_fail(j, CHIO_ATTEST_AGE, "the document says it was made when its certificate was not valid");
  }
}

/* In a bundle the nonce is in the statement, elsewhere in claims or a profile: bound by the user data. */
static void judge_nonce(struct chio_judge *j, const struct chio_nitro *doc) {
  if (j->binds_itself || j->binding_parts.part[CHIO_BINDING_NONCE].len > 0) return;
  j->nonce_judged = true;
  if (!chio_judge_wants_nonce(j)) return;
  if (chio_judge_answers(j, doc->nonce)) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_NONCE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_NONCE, "the document does not answer the nonce");
  }
}

/* The document has a place for a public key; when one is there, the document binds it. */
static void judge_public_key(struct chio_judge *j, const struct chio_nitro *doc) {
  struct chio_pubkey key;
  if (doc->public_key.len == 0 || chio_pubkey_parse(doc->public_key, &key) != CHIO_OK) return;
  j->result->pub.key_spki = chio_judge_keep_bytes(j, doc->public_key);
  j->result->pub.key_spki_len = doc->public_key.len;
  j->key_bound = true;
}

static void judge_registers(struct chio_judge *j, const struct chio_nitro *doc) {
  const struct chio_attest_policy *p = j->policy;
  if (p == NULL) return;
  for (unsigned i = 0; i < CHIO_NITRO_PCRS; i++) {
    if (p->pcrs.values[i].count == 0) continue;
    j->registers_expected = true;
    if (doc->pcrs[i].len > 0 && chio_policy_has_bytes(&p->pcrs.values[i], doc->pcrs[i])) continue;
    chio_judge_fail(j, CHIO_ATTEST_MEASUREMENT, "PCR%u is %s", i,
                    doc->pcrs[i].len == 0 ? "not in the document" : "none of those expected");
  }
  if (p->module_ids.count == 0) return;
  for (size_t i = 0; i < p->module_ids.count; i++) {
    size_t len = strlen(p->module_ids.items[i]);
    if (doc->module_id.len >= len && memcmp(doc->module_id.data, p->module_ids.items[i], len) == 0) return;
  }
  chio_judge_fail(j, CHIO_ATTEST_CHIP, "the module id begins with none of the %zu expected", p->module_ids.count);
}

void chio_judge_nitro(struct chio_judge *j, struct chio_slice bytes) {
  struct chio_nitro doc;
  enum chio_err err = chio_nitro_parse(bytes, &doc);
  if (err != CHIO_OK) {
    chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
                    err == CHIO_E_UNSUPPORTED ? "a Nitro document with another algorithm than ES384 or SHA384"
                                              : "the Nitro document is malformed");
    return;
  }
  describe(j, &doc);
  j->result->pub.needed = CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN;
  if (chio_hash_bytes(CHIO_HASH_SHA256, doc.payload, j->result->pub.replay_id) != CHIO_OK)
    j->result->out_of_memory = true;
  judge_chain(j, &doc);
  judge_nonce(j, &doc);
  judge_public_key(j, &doc);
  judge_registers(j, &doc);
}
