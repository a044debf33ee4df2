#include "attest/cavium_chain.h"

#include "attest/collateral.h"

#define SIGNATURES_MAX 128u /* bounds the work that a set full of look-alikes can cause */
#define CERTS_MAX (5u * CHIO_CERT_SET_MAX)

struct search {
  const struct chio_judge *j;
  const struct chio_cert *certs[CERTS_MAX];
  size_t count;
  struct chio_anchors makers, owners;
  struct chio_anchor_storage maker_storage, owner_storage;
  unsigned signatures;
};

static void gather(struct search *s, const struct chio_cert_set *set) {
  for (size_t i = 0; set != NULL && i < set->count && s->count < CERTS_MAX; i++) {
    if (!set->certs[i]->has_unknown_critical) s->certs[s->count++] = set->certs[i];
  }
}

static bool is_self_signed(const struct chio_cert *cert) {
  return chio_slice_equal(cert->issuer, cert->subject);
}

static bool same_key(const struct chio_cert *a, const struct chio_cert *b) {
  return chio_slice_equal(a->key.spki, b->key.spki);
}

static bool issued(struct search *s, const struct chio_cert *issuer, const struct chio_cert *cert) {
  if (!chio_slice_equal(issuer->subject, cert->issuer) || s->signatures >= SIGNATURES_MAX) return false;
  s->signatures++;
  return chio_pubkey_verify_lasting(&issuer->key, cert->signature_alg, cert->tbs, cert->signature) == CHIO_OK;
}

bool chio_cavium_signed_by(const struct chio_cavium *attestation, const struct chio_cert *partition) {
  return partition->key.kind == CHIO_PUBKEY_RSA &&
         chio_pubkey_verify(&partition->key, CHIO_SIG_RSA_PKCS1_SHA256, attestation->signed_bytes,
                            attestation->signature) == CHIO_OK;
}

/* A root is trusted by its key, and its certificate may have been issued again: one that is valid now is preferred. */
static bool better(const struct search *s, const struct chio_cert *old, bool old_anchored, const struct chio_cert *new,
                   bool new_anchored) {
  if (old == NULL || old_anchored != new_anchored) return old == NULL || new_anchored;
  bool old_valid = s->j->at >= old->not_before && s->j->at <= old->not_after;
  return !old_valid && s->j->at >= new->not_before && s->j->at <= new->not_after;
}

/* The root that issued the certificate, an anchor if there is one. */
static const struct chio_cert *root_of(struct search *s, const struct chio_cert *cert, struct chio_anchors anchors,
                                       const struct chio_anchor **out_anchor) {
  const struct chio_cert *found = NULL;
  *out_anchor = NULL;
  for (size_t i = 0; i < s->count; i++) {
    const struct chio_cert *root = s->certs[i];
    if (!is_self_signed(root) || root == cert || !issued(s, root, cert) || !issued(s, root, root)) continue;
    const struct chio_anchor *anchor = chio_anchor_find(anchors, root);
    if (!better(s, found, *out_anchor != NULL, root, anchor != NULL)) continue;
    found = root;
    *out_anchor = anchor;
  }
  return found;
}

/* root -> card -> partition */
static void find_maker(struct search *s, const struct chio_cert *partition, struct chio_cavium_chain *out) {
  for (size_t i = 0; i < s->count && out->anchor == NULL; i++) {
    const struct chio_cert *card = s->certs[i];
    const struct chio_anchor *anchor;
    if (is_self_signed(card) || card == partition || !issued(s, card, partition)) continue;
    const struct chio_cert *root = root_of(s, card, s->makers, &anchor);
    if (root == NULL || (out->root != NULL && anchor == NULL)) continue;
    /* The owner's certificate of the card would do as well, but for its root: that is the other chain's. */
    if (out->owner_root != NULL && same_key(root, out->owner_root)) continue;
    out->partition = partition;
    out->card = card;
    out->root = root;
    out->anchor = anchor;
  }
}

/* root -> partition */
static void find_owner(struct search *s, const struct chio_cert *partition, struct chio_cavium_chain *out) {
  const struct chio_anchor *anchor;
  if (out->owner_anchor != NULL) return;
  const struct chio_cert *root = root_of(s, partition, s->owners, &anchor);
  if (root == NULL || (out->owner_root != NULL && anchor == NULL)) return;
  out->owner_partition = partition;
  out->owner_root = root;
  out->owner_anchor = anchor;
}

static void find_owner_card(struct search *s, struct chio_cavium_chain *out) {
  for (size_t i = 0; i < s->count && out->owner_card == NULL && out->owner_root != NULL && out->card != NULL; i++) {
    bool fits = same_key(s->certs[i], out->card) && !is_self_signed(s->certs[i]);
    if (fits && issued(s, out->owner_root, s->certs[i])) out->owner_card = s->certs[i];
  }
}

/* The first certificate whose key made the signature. */
static const struct chio_cert *find_signer(struct search *s, const struct chio_cavium *attestation) {
  for (size_t i = 0; i < s->count && s->signatures < SIGNATURES_MAX / 2; i++) {
    if (s->certs[i]->key.kind != CHIO_PUBKEY_RSA || is_self_signed(s->certs[i])) continue;
    s->signatures++;
    if (chio_cavium_signed_by(attestation, s->certs[i])) return s->certs[i];
  }
  return NULL;
}

void chio_cavium_chain_find(struct chio_judge *j, const struct chio_cavium *attestation,
                            struct chio_cavium_chain *out) {
  struct search s = {.j = j};
  *out = (struct chio_cavium_chain){.partition = NULL};
  gather(&s, &j->certs);
  gather(&s, chio_collateral_certs(j->collateral));
  out->no_certs = s.count == 0;
  gather(&s, &j->root_certs);
  gather(&s, chio_vendor_certs(CHIO_VENDOR_MARVELL));
  gather(&s, chio_vendor_certs(CHIO_VENDOR_GOOGLE));
  s.makers = chio_judge_anchors(j, CHIO_VENDOR_MARVELL, &s.maker_storage);
  s.owners = chio_judge_anchors(j, CHIO_VENDOR_GOOGLE, &s.owner_storage);
  const struct chio_cert *signer = find_signer(&s, attestation);
  for (int maker = 0; signer != NULL && maker < 2; maker++) {
    for (size_t i = 0; i < s.count; i++) {
      if (!same_key(s.certs[i], signer) || is_self_signed(s.certs[i])) continue;
      if (maker != 0)
        find_maker(&s, s.certs[i], out);
      else
        find_owner(&s, s.certs[i], out);
    }
  }
  if (out->partition == NULL) out->partition = signer;
  find_owner_card(&s, out);
}
