/* A simulated TDX machine, a key, and raw quotes that bind it by profile tee-v1: for tests of what stands around the
 * verifier. */
#ifndef TESTS_UNIT_ATTEST_RIG_H
#define TESTS_UNIT_ATTEST_RIG_H

#include "attest/binding.h"
#include "attest/chio_attest.h"
#include "signer/base/buf.h"

struct attest_rig {
  char dir[64];
  struct chio_platform *platform;
  struct chio_buf root, key, quote; /* PEM; SubjectPublicKeyInfo of a P-256 key; a quote that binds it */
  char measurement[129], root_hash[65]; /* hex */
  int64_t now;
};

extern const uint8_t attest_rig_workload[32];

int attest_rig_open(struct attest_rig *rig); /* 0, or not */
void attest_rig_close(struct attest_rig *rig);

/* A P-256 key's SubjectPublicKeyInfo, appended. */
void attest_rig_key(struct chio_buf *out);
/* A quote that binds the key to the workload. */
void attest_rig_quote(struct attest_rig *rig, const struct chio_buf *key, const uint8_t workload[32],
                      struct chio_buf *out);

/* What the machine's quotes pass: version, tee, measurement, roots; with more text before its tables, and after. */
struct chio_attest_policy *attest_rig_policy(const struct attest_rig *rig, const char *top, const char *tables);
/* The same as text. */
void attest_rig_policy_text(const struct attest_rig *rig, const char *top, const char *tables, struct chio_buf *out);

/* A request for the quote under the policy, bound to the key; binding is the caller's to keep. */
struct chio_attest_request attest_rig_request(const struct attest_rig *rig, const struct chio_attest_policy *policy,
                                              struct chio_attest_binding *binding);

/* Verdict of the request. */
enum chio_attest_reason attest_rig_judge(const struct chio_attest_request *request);

#endif
