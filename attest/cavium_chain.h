/*
 * Who signed an HSM's key attestation, and who vouches for that. The partition of the HSM has a key, and two
 * certificates for it: the manufacturer's (root, card, partition) and the owner's, who runs the HSM (root, partition;
 * and root, card). The certificates of cards and partitions have no CA flag, and mostly no extensions: what may issue
 * what is fixed by the place in these two chains, which have no other lengths, as it is in the vendors' own tools.
 */
#ifndef CHIO_ATTEST_CAVIUM_CHAIN_H
#define CHIO_ATTEST_CAVIUM_CHAIN_H

#include "attest/cavium.h"
#include "attest/judge.h"

struct chio_cavium_chain {
  const struct chio_cert *partition;           /* of the manufacturer; NULL: nobody's key made the signature */
  const struct chio_cert *card, *root;         /* NULL: no chain */
  const struct chio_anchor *anchor;            /* NULL: root is none */
  const struct chio_cert *owner_partition, *owner_root; /* NULL: none */
  const struct chio_cert *owner_card;          /* the card's key, certified by the owner's root; NULL: it is not */
  const struct chio_anchor *owner_anchor;
  bool no_certs; /* there are none at all to look at */
};

/* Looks through the certificates of the judgement, its collateral and the vendors'. Roots by manufacturer and owner are
 * those that chio_judge_anchors gives. */
void chio_cavium_chain_find(struct chio_judge *j, const struct chio_cavium *attestation,
                            struct chio_cavium_chain *out);

/* Whether the partition's key signed it. */
bool chio_cavium_signed_by(const struct chio_cavium *attestation, const struct chio_cert *partition);

#endif
