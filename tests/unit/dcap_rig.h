/*
 * A simulated Intel platform for tests: its quote, and collateral that is whole or has one thing wrong. What a spec
 * does not name is right. Everything is made anew in each run.
 */
#ifndef CHIO_TESTS_DCAP_RIG_H
#define CHIO_TESTS_DCAP_RIG_H

#include "attest/chio_attest.h"
#include "attest/sim_dcap.h"

enum rig_document { RIG_INFO, RIG_QE };

/* One textual change of one document, before it is signed (a vendor's mistake or another platform's) or after. */
struct rig_edit {
  enum rig_document document;
  const char *from, *to;
  bool after;
};

enum rig_crl {
  RIG_CRL_GOOD,
  RIG_CRL_ABSENT,
  RIG_CRL_FOREIGN,  /* right name, another key */
  RIG_CRL_UNSIGNED, /* the signature is zeros */
  RIG_CRL_EXPIRED,
  RIG_CRL_FUTURE,
  RIG_CRL_NO_NEXT_UPDATE,
  RIG_CRL_DELTA,
  RIG_CRL_REVOKES_LEAF, /* PCK certificate */
  RIG_CRL_REVOKES_CA,
  RIG_CRL_REVOKES_SIGNER,
  RIG_CRL_TRAILING_NUL,
};

enum rig_signer { RIG_SIGNER_GOOD, RIG_SIGNER_ABSENT, RIG_SIGNER_PCK, RIG_SIGNER_CA, RIG_SIGNER_OTHER_ROOT };

struct rig_spec {
  struct rig_edit edits[3];
  size_t edits_count;
  enum rig_crl pck_crl, root_crl;
  enum rig_crl besides; /* one more list of each issuer, in front of these; RIG_CRL_GOOD: none */
  enum rig_signer signer;
  int64_t tcb_age, qe_age; /* seconds by which the documents are older than now (negative: from the future) */
};

struct rig {
  struct chio_sim_qe qe, other; /* the platform, and another one under a root of the same names */
  struct chio_buf quote;        /* TDX v4; report data 01 00 ... */
  struct chio_buf root_pem;
  int64_t now;
};

/* The one rig of a test program: cmocka's group set-up and tear-down. */
extern struct rig rig;
int rig_set_up(void **state);
int rig_tear_down(void **state);

struct chio_attest_collateral *rig_collateral(const struct rig_spec *spec);

/* Names the platform, its measurement and root, and wants collateral; extra is appended. */
struct chio_attest_policy *rig_policy(const char *extra);

/* Judges the rig's quote, or evidence unless it is empty, with collateral by the spec and the policy above. */
struct chio_attest_result *rig_judge(struct chio_slice evidence, const struct rig_spec *spec, const char *extra_policy);

#endif
