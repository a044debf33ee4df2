/*
 * A set of certificates, found by subject: those that came with evidence and collateral, trusted for nothing, and the
 * search for a path through them to an anchor. An anchor is the SHA-256 of a root's SubjectPublicKeyInfo.
 */
#ifndef CHIO_ATTEST_CERT_SET_H
#define CHIO_ATTEST_CERT_SET_H

#include "attest/x509.h"

#define CHIO_CERT_SET_MAX 1024u
#define CHIO_CERT_PATH_MAX 8u

struct chio_cert_set {
  struct chio_cert **certs; /* grows */
  size_t count, room;
  bool takes_v1; /* certificates of version 1 too: no path goes through them, but HSMs' chains do */
};

void chio_cert_set_clear(struct chio_cert_set *set);

/* Copies the certificate; one that is there already is not added again. CHIO_E_TOO_LONG when the set is full. */
CHIO_MUST_CHECK enum chio_err chio_cert_set_add(struct chio_cert_set *set, struct chio_slice der);

/* Each certificate of the text; other text is skipped, at most max blocks are read. */
CHIO_MUST_CHECK enum chio_err chio_cert_set_add_pem(struct chio_cert_set *set, struct chio_slice text, size_t max);

/* Which roots are trusted, and for what. */
struct chio_anchor {
  uint8_t spki_sha256[32];
  const char *name; /* "Intel SGX Root CA" */
  bool simulated;   /* named by a policy, not by us */
  int64_t from, until; /* of its certificate; 0, 0: not known */
};

struct chio_anchors {
  const struct chio_anchor *list;
  size_t count;
};

/* The anchor that is the key of that certificate, or NULL. */
const struct chio_anchor *chio_anchor_find(struct chio_anchors anchors, const struct chio_cert *root);

struct chio_path {
  const struct chio_cert *certs[CHIO_CERT_PATH_MAX]; /* leaf first, root last */
  size_t count;
  const struct chio_anchor *anchor; /* NULL: the root is none of the anchors */
  int64_t from, until;              /* when all of them are valid */
};

/* A path from leaf to a self-signed root out of the sets (later ones may be NULL), every signature verified, CA flags,
 * path lengths and key usages checked. Time is not judged: path->from and until say when it held. A path to an anchor
 * is preferred. CHIO_E_NOT_FOUND: no path (a certificate is missing), CHIO_E_SIGNATURE_INVALID: one that should fit is
 * forged. out_path->anchor tells whether the root is an anchor. */
CHIO_MUST_CHECK enum chio_err chio_path_find(const struct chio_cert *leaf, const struct chio_cert_set *const *sets,
                                             size_t set_count, struct chio_anchors anchors, struct chio_path *out_path);

#endif
