/* Key attestations of LiquidSecurity HSMs: signature by the partition, its two chains, the key, what is said of it. */
#include "attest/cavium.h"
#include "attest/cavium_chain.h"
#include "attest/cavium_doc.h"
#include "attest/cavium_key.h"
#include "attest/inflate.h"
#include "attest/judge.h"

#include <stdio.h>

static const struct {
  const char *format;
  bool owner_wanted; /* a chain to a root of the owner's that is trusted */
} clouds[] = {
    [CHIO_CAVIUM_NO_CLOUD] = {"cavium-v2", false},
    [CHIO_CAVIUM_GOOGLE] = {"google-cavium-v2", true},
    [CHIO_CAVIUM_AZURE] = {"azure-cavium-v2", false},
};

/* ---- Signature and chains ---- */

static bool in_time(struct chio_judge *j, const struct chio_cert *cert, const char *what) {
  if (cert == NULL) return true;
  chio_judge_window(j, cert->not_before, cert->not_after);
  return chio_judge_time(j, cert->not_before, cert->not_after, what, false);
}

static bool judge_maker(struct chio_judge *j, const struct chio_cavium_chain *chain) {
  if (chain->root == NULL) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "no chain leads from the partition over its card to the manufacturer's root");
    return false;
  }
  chio_judge_root(j, chain->root, chain->anchor);
  bool timely = in_time(j, chain->partition, "the manufacturer's certificate of the partition");
  timely = in_time(j, chain->card, "the manufacturer's certificate of the card") && timely;
  timely = in_time(j, chain->root, "the manufacturer's root") && timely;
  return timely && chain->anchor != NULL;
}

/* Whether the caller or its policy names roots: then the owner's must be among them, whoever it is. */
static bool roots_are_named(const struct chio_judge *j) {
  return j->extra_count > 0 || (j->policy != NULL && j->policy->roots_count > 0);
}

static void claim_owner(struct chio_judge *j, const struct chio_cavium_chain *chain) {
  uint8_t hash[CHIO_SHA256_SIZE];
  chio_claim_bool(j, "owner_trusted", chain->owner_anchor != NULL);
  if (chain->owner_root == NULL) return;
  chio_claim_string(j, "owner", chain->owner_root->common_name);
  if (chio_hash_bytes(CHIO_HASH_SHA256, chain->owner_root->key.spki, hash) != CHIO_OK) return;
  chio_claim_hex(j, "owner_root_sha256", chio_slice(hash, sizeof hash));
  chio_judge_set_signer(j, chio_slice(hash, sizeof hash));
}

/* The owner's word that the HSM is its own. Microsoft publishes no root to compare with: it is shown (the signer, which
 * a policy can name), and judged when roots are named. */
static bool judge_owner(struct chio_judge *j, const struct chio_cavium_chain *chain, enum chio_cavium_cloud cloud) {
  bool wanted = clouds[cloud].owner_wanted || (cloud == CHIO_CAVIUM_AZURE && roots_are_named(j));
  claim_owner(j, chain);
  if (chain->owner_root == NULL || (chain->owner_card == NULL && cloud == CHIO_CAVIUM_GOOGLE)) {
    if (cloud == CHIO_CAVIUM_NO_CLOUD) return true;
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "no chain leads from the %s to a root of the HSM's owner",
                    chain->owner_root == NULL ? "partition" : "card");
    return false;
  }
  bool timely = in_time(j, chain->owner_partition, "the owner's certificate of the partition");
  timely = in_time(j, chain->owner_card, "the owner's certificate of the card") && timely;
  timely = in_time(j, chain->owner_root, "the owner's root") && timely;
  if (chain->owner_anchor != NULL || !wanted) return timely;
  const char *name = chio_judge_keep_string(j, chain->owner_root->common_name);
  chio_judge_fail(j, CHIO_ATTEST_UNTRUSTED_ROOT, "the chain of the HSM's owner ends at '%s', which is not trusted",
                  name != NULL ? name : "");
  return false;
}

static bool all_signed(const struct chio_cavium *attestations, size_t count, const struct chio_cert *partition) {
  bool holds = partition != NULL;
  for (size_t i = 0; i < count && holds; i++) holds = chio_cavium_signed_by(&attestations[i], partition);
  return holds;
}

static void judge_signatures(struct chio_judge *j, const struct chio_cavium *attestations, size_t count,
                             enum chio_cavium_cloud cloud) {
  struct chio_cavium_chain chain;
  chio_cavium_chain_find(j, &attestations[0], &chain);
  if (chain.no_certs) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "there are no certificates: the collateral must have the chains");
    return;
  }
  if (!all_signed(attestations, count, chain.partition)) {
    chio_judge_fail(j, CHIO_ATTEST_SIGNATURE, "no certificate's key signed the attestation");
    return;
  }
  chio_judge_prove(j, CHIO_ATTEST_PROVED_SIGNATURE);
  chio_claim_string(j, "partition", chain.partition->common_name);
  bool made = judge_maker(j, &chain);
  bool owned = judge_owner(j, &chain, cloud);
  if (made && owned) chio_judge_prove(j, CHIO_ATTEST_PROVED_CHAIN);
}

/* ---- The whole ---- */

static void judge_blobs(struct chio_judge *j, const struct chio_cavium_doc *doc) {
  struct chio_cavium attestations[CHIO_CAVIUM_BLOBS];
  for (size_t i = 0; i < doc->blobs_count; i++) {
    if (chio_cavium_parse(chio_buf_slice(&doc->blobs[i]), &attestations[i]) == CHIO_OK) continue;
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the HSM's attestation is malformed, or of a firmware before 3.2");
    return;
  }
  if (chio_hash_bytes(CHIO_HASH_SHA256, attestations[0].signed_bytes, j->result->pub.replay_id) != CHIO_OK)
    j->result->out_of_memory = true;
  judge_signatures(j, attestations, doc->blobs_count, doc->cloud);
  chio_cavium_judge_key(j, attestations, doc->blobs_count);
}

static void judge_doc(struct chio_judge *j, const struct chio_cavium_doc *doc) {
  struct chio_attest_result *r = &j->result->pub;
  r->format = clouds[doc->cloud].format;
  r->tee = "hsm";
  r->needed |= CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_KEY;
  j->key_is_all = true;
  judge_blobs(j, doc);
}

bool chio_cavium_doc_looks_like(const struct chio_json_doc *doc) {
  return chio_cavium_doc_cloud(doc) != CHIO_CAVIUM_NO_CLOUD;
}

void chio_judge_cavium_doc(struct chio_judge *j, const struct chio_json_doc *json) {
  struct chio_cavium_doc doc = {.blobs = {CHIO_BUF_INIT, CHIO_BUF_INIT}};
  j->certs.takes_v1 = true;
  enum chio_err err = chio_cavium_doc_read(json, &j->certs, &doc);
  if (err == CHIO_OK)
    judge_doc(j, &doc);
  else
    chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
                    "the HSM's attestation is %s",
                    err == CHIO_E_UNSUPPORTED ? "in another format than CAVIUM_V2_COMPRESSED" : chio_err_text(err));
  chio_cavium_doc_clear(&doc);
}

/* ---- By itself ---- */

bool chio_cavium_looks_like(struct chio_slice evidence) {
  struct chio_cavium parsed;
  return chio_gzip_looks_like(evidence) || chio_cavium_parse(evidence, &parsed) == CHIO_OK;
}

/* As it is, or packed as Google's tools save it: the chains are collateral. */
void chio_judge_cavium(struct chio_judge *j, struct chio_slice evidence) {
  struct chio_cavium_doc doc = {.blobs = {CHIO_BUF_INIT, CHIO_BUF_INIT}, .blobs_count = 1};
  bool packed = chio_gzip_looks_like(evidence);
  enum chio_err err = CHIO_OK;
  if (packed)
    err = chio_gzip_unpack(evidence, CHIO_CAVIUM_MAX, &doc.blobs[0]);
  else
    chio_buf_append_slice(&doc.blobs[0], evidence);
  if (packed) j->result->pub.container = "gzip";
  if (err == CHIO_OK && chio_buf_err(&doc.blobs[0]) == CHIO_OK)
    judge_doc(j, &doc);
  else
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the packed attestation is %s", chio_err_text(err));
  chio_cavium_doc_clear(&doc);
}
