/* What chio-hsm attest --format writes: each format is one function over a key. */
#ifndef TOOLS_HSM_ATTEST_FORMAT_H
#define TOOLS_HSM_ATTEST_FORMAT_H

#include "tools/hsm/key.h"

struct hsm_attest {
  struct hsm *hsm;
  const struct hsm_key *key;
  struct chio_slice nonce; /* empty: not given */
  bool has_nonce;
};

struct chio_cmw;

/* Evidence made now. profile NULL: a bundle over the data as nonce; else what the signer makes by that name. */
CHIO_MUST_CHECK enum chio_err hsm_attest_now(const struct hsm_attest *a, const char *profile, struct chio_slice data,
                                             struct chio_buf *out, struct chio_detail *detail);

/* The quote in what the signer made, as the platform gave it; the certificate table that came with it, or nothing. */
CHIO_MUST_CHECK enum chio_err hsm_attest_raw_quote(const struct chio_cmw *cmw, struct chio_slice *out,
                                                   struct chio_slice *out_table, struct chio_detail *detail);

/* The binding profile that a verifier must name, for what the options ask; NULL: the evidence says what it binds. */
const char *hsm_attest_profile(const struct hsm *hsm);

struct hsm_attest_format {
  const char *name;
  bool login; /* the key signs, or the signer makes evidence now: needed even without a nonce */
  /* NULL: hsm_attest_chio (attest.h), which writes more than one file. */
  enum chio_err (*make)(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail);
};

/* NULL is the default's name. CHIO_E_ARGUMENT: no such format, or options that it does not take. */
CHIO_MUST_CHECK enum chio_err hsm_attest_format_find(const struct hsm *hsm, const struct hsm_attest_format **out,
                                                     struct chio_detail *detail);

#endif
