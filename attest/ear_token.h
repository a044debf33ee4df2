/* What reads a token and what judges it share this: what an attestation result says, in either form. */
#ifndef CHIO_ATTEST_EAR_TOKEN_H
#define CHIO_ATTEST_EAR_TOKEN_H

#include "attest/ear.h"

#define CHIO_EAR_NONCE_MAX 64u
#define CHIO_EAR_TIME_MAX ((uint64_t)1 << 40)

/* Slices are of the token. */
struct chio_ear {
  uint64_t issued, from, until; /* 0: not said */
  uint8_t nonce[CHIO_EAR_NONCE_MAX];
  size_t nonce_len;
  struct chio_slice attester, policy;
  const char *status; /* NULL: none that we know */
  struct chio_buf key_spki;
  bool has_key;
};

/* What was signed, and how: ECDSA as r || s. */
struct chio_ear_signature {
  struct chio_slice text, value;
  enum chio_sig_alg alg;
};

/* Before anything else: container, format, what there is to prove, the name of the token. */
void chio_ear_begin(struct chio_judge *j, struct chio_slice signed_text);

/* Finds the key that signed: the caller's, one of a key set at hand, or the token's own jwk (NULL: it has none, and doc
 * is not looked at). Records what it proves, or a failure. */
void chio_ear_judge_signer(struct chio_judge *j, const struct chio_ear_signature *signature,
                           const struct chio_json_doc *doc, const struct chio_json *jwk);

/* All that the token says: its attester, key, times, status, policy and nonce. */
void chio_ear_judge_claims(struct chio_judge *j, const struct chio_ear *ear);

#endif
