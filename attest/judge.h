/*
 * One judgement under way: what was asked, what is trusted, and the result as it grows. Formats record what they find
 * (fields, proofs, failures) and go on as far as it makes sense, so that a refusal says all it can.
 */
#ifndef CHIO_ATTEST_JUDGE_H
#define CHIO_ATTEST_JUDGE_H

#include "attest/binding.h"
#include "attest/cert_set.h"
#include "attest/chio_attest.h"
#include "attest/json.h"
#include "attest/policy.h"

#include <stdatomic.h>

/* Strings and bytes that the result keeps; they follow it in memory. */
struct chio_result_block {
  struct chio_result_block *next;
};

/* The public result and what owns its parts. */
struct chio_result {
  struct chio_attest_result pub; /* first, so that a pointer to one is a pointer to the other */
  struct chio_attest_failure failures[CHIO_ATTEST_FAILURES_MAX];
  struct chio_attest_missing missing[CHIO_ATTEST_MISSING_MAX];
  struct chio_result_block *blocks;
  const char *advisories[64];
  struct chio_attest_measurements measurements; /* pub points to it when it has a type */
  struct chio_buf claims; /* the claims object as far as it is written: '{' and members */
  bool out_of_memory;
  atomic_uint refs; /* owners: a caller, and caches */
};

#define CHIO_ROOTS_MAX 8u /* in request->root */
#define CHIO_ANCHORS_MAX 64u
struct chio_anchor_storage {
  struct chio_anchor list[CHIO_ANCHORS_MAX];
};

struct chio_judge {
  const struct chio_attest_request *request;
  const struct chio_attest_policy *policy;         /* may be NULL */
  const struct chio_attest_collateral *collateral; /* may be NULL */
  int64_t at;
  struct chio_cert_set certs; /* from the evidence: trusted for nothing */
  struct chio_anchor extra[CHIO_ROOTS_MAX]; /* request->root */
  size_t extra_count;
  struct chio_cert_set root_certs; /* the same, as certificates */
  struct chio_buf extra_spki;      /* the first one's key */
  struct chio_anchor_storage anchors; /* what the path of the evidence's own key points to */
  struct chio_slice key_spki; /* request->key; empty when none */
  struct chio_result *result;
  bool nonce_judged;         /* the format has a place for a nonce and has judged it */
  bool key_bound;            /* the evidence itself names key_spki */
  bool key_is_all; /* what evidence of this kind must say stands fixed, but for the key: no policy is needed */
  bool registers_expected;   /* the policy expects registers, and the format has judged them */
  bool tpm_registers_judged; /* the same of a vTPM's, whether the policy expects any or not */
  const struct chio_binding_profile *binding; /* the caller's; NULL: none */
  struct chio_binding_parts binding_parts;
  struct chio_slice workload_hash; /* what the evidence binds its key to besides, and has proved; empty: nothing */
  bool binding_refused; /* judged, and it does not hold: the key is not proved */
  bool inside;               /* what is judged came out of other evidence: it holds none itself */
  bool binds_itself;         /* what the quote is in says what its report data binds: no profile applies */
  struct chio_slice quoted;  /* what a vTPM quoted for the evidence, which has no report data of its own; else empty */
  struct chio_slice ak_spki; /* of a bundle: the attestation key; lives as long as the result */
};

/* ---- Recording ---- */

void chio_judge_fail(struct chio_judge *j, enum chio_attest_reason reason, const char *format, ...) CHIO_PRINTF(3, 4);
static inline void chio_judge_prove(struct chio_judge *j, enum chio_attest_proof proof) {
  j->result->pub.proved |= (uint32_t)proof;
}
static inline bool chio_judge_proved(const struct chio_judge *j, enum chio_attest_proof proof) {
  return (j->result->pub.proved & (uint32_t)proof) != 0;
}

/* Collateral that this proof needs, and nobody gave. */
void chio_judge_missing(struct chio_judge *j, enum chio_attest_proof proof, const char *format, ...) CHIO_PRINTF(3, 4);

/* Whether the platform itself made the evidence: its key signed it, and a root vouches for that key. Before that
 * nothing that it says counts. */
static inline bool chio_result_founded(const struct chio_attest_result *r) {
  const uint32_t foundation = CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_QE | CHIO_ATTEST_PROVED_CHAIN;
  return (r->needed & foundation) != 0 && (r->needed & foundation & ~r->proved) == 0;
}

/* Whether the caller wants a nonce answered (its own, or one of its challenges), and whether this is one: then it is
 * remembered as what the evidence answers. */
bool chio_judge_wants_nonce(const struct chio_judge *j);
bool chio_judge_answers(struct chio_judge *j, struct chio_slice nonce);

/* After the verdict: what is accepted is written down as seen, and its challenge spent; what came before, or answers
 * none, is refused. As chio_attest_verify. */
int chio_fresh_settle(const struct chio_attest_request *request, struct chio_attest_result *result,
                      struct chio_attest_message *message);

/* Copies kept as long as the result. The string form adds a NUL; bytes that are not printable ASCII become '?'. */
const char *chio_judge_keep_string(struct chio_judge *j, struct chio_slice text);
const uint8_t *chio_judge_keep_bytes(struct chio_judge *j, struct chio_slice bytes);

/* What the evidence was made over: its report data, or what its vTPM quoted. */
struct chio_slice chio_judge_made_over(const struct chio_judge *j);

/* Each does nothing beyond the field's size. */
void chio_judge_set_measurement(struct chio_judge *j, struct chio_slice bytes);
void chio_judge_set_signer(struct chio_judge *j, struct chio_slice bytes);
void chio_judge_set_report_data(struct chio_judge *j, struct chio_slice bytes);

/* As one of those, from a JSON string in hexadecimal; nothing when it is none. */
void chio_judge_set_from_hex(struct chio_judge *j, const struct chio_json *value,
                             void (*set)(struct chio_judge *, struct chio_slice));

/* Fields of the evidence for claims_json. */
void chio_claim_hex(struct chio_judge *j, const char *name, struct chio_slice bytes);
void chio_claim_uint(struct chio_judge *j, const char *name, uint64_t value);
void chio_claim_string(struct chio_judge *j, const char *name, struct chio_slice text);
void chio_claim_bool(struct chio_judge *j, const char *name, bool value);
void chio_claim_raw(struct chio_judge *j, const char *name, struct chio_slice json);

/* The registers of workload identities (identity.h); later ones take the place of earlier ones. */
void chio_judge_set_measurements(struct chio_judge *j, const struct chio_attest_measurements *measurements);

/* Narrows the window in which everything is valid. */
void chio_judge_window(struct chio_judge *j, int64_t from, int64_t until);

void chio_judge_advisory(struct chio_judge *j, struct chio_slice id);

/* ---- Chains ---- */

enum chio_vendor { CHIO_VENDOR_INTEL, CHIO_VENDOR_AMD, CHIO_VENDOR_AWS, CHIO_VENDOR_MICROSOFT, CHIO_VENDOR_MARVELL,
                   CHIO_VENDOR_GOOGLE };

/* The anchors of a vendor: those that are built in, or those that the policy (NULL: none) puts in their place. Storage
 * is the caller's. */
struct chio_anchors chio_vendor_anchors(const struct chio_attest_policy *policy, enum chio_vendor vendor,
                                        struct chio_anchor_storage *storage);

/* The anchors of a vendor, those of the policy and the caller's. Storage is the caller's. */
struct chio_anchors chio_judge_anchors(const struct chio_judge *j, enum chio_vendor vendor,
                                       struct chio_anchor_storage *storage);

/* Finds the path of the evidence's own key, records root, window, tee and CHAIN, or a failure. names: "PCK
 * certificate". Returns whether there is a path at all (out_path is set then, anchored or not). */
bool chio_judge_chain(struct chio_judge *j, enum chio_vendor vendor, const struct chio_cert *leaf, const char *what,
                      struct chio_path *out_path);

/* Records where a chain ends; a failure when that is no anchor (NULL). What is not a vendor's makes it simulated. */
void chio_judge_root(struct chio_judge *j, const struct chio_cert *root, const struct chio_anchor *anchor);

/* Records a failure when the period does not hold now; true when it does. */
bool chio_judge_time(struct chio_judge *j, int64_t from, int64_t until, const char *what, bool collateral);

/* Of the collateral's revocation lists that this issuer signed the latest that has begun, else the latest. NULL when
 * there is none: recorded as missing, or a failure when one is forged. Whether it holds now the caller says. */
const struct chio_crl *chio_judge_find_crl(struct chio_judge *j, const struct chio_cert *issuer, const char *what);

/* Bytes after the evidence: zeros are padding, others are refused unless the policy allows them. */
void chio_judge_trailing(struct chio_judge *j, struct chio_slice rest);

/* ---- Formats: each judges evidence of its kind ---- */

void chio_judge_dcap(struct chio_judge *j, struct chio_slice quote);
void chio_judge_nitro(struct chio_judge *j, struct chio_slice document);
void chio_judge_snp(struct chio_judge *j, struct chio_slice report);
void chio_judge_interop(struct chio_judge *j, struct chio_slice quote);

/* Key attestations of HSMs, with their certificates as their cloud hands them out, or by themselves. */
bool chio_cavium_doc_looks_like(const struct chio_json_doc *doc);
void chio_judge_cavium_doc(struct chio_judge *j, const struct chio_json_doc *doc);
bool chio_cavium_looks_like(struct chio_slice evidence);
void chio_judge_cavium(struct chio_judge *j, struct chio_slice evidence);

/* true when the document is Azure's evidence, and judged. */
bool chio_judge_azure(struct chio_judge *j, const struct chio_json_doc *doc);

/* The contents of CHIO_EVIDENCE_OID (bundle.h). */
extern const struct chio_slice chio_oid_evidence;

/* Finds out what evidence is and judges it. */
void chio_judge_evidence(struct chio_judge *j, struct chio_slice evidence);

/* Conceptual message wrappers (cmw.h), in CBOR or JSON. spki: of the certificate or request that carries them; empty:
 * none does. */
void chio_judge_cmw(struct chio_judge *j, struct chio_slice cmw, struct chio_slice spki);
/* A report as configfs-tsm gives it, in CBOR or JSON. */
void chio_judge_tsm(struct chio_judge *j, struct chio_slice report);

/* A bundle (bundle.h). */
bool chio_bundle_looks_like(struct chio_slice evidence);
void chio_judge_bundle(struct chio_judge *j, struct chio_slice bundle);

/* A key out of a public key or a certificate, PEM or DER: its SubjectPublicKeyInfo is appended. */
CHIO_MUST_CHECK enum chio_err chio_judge_read_key(struct chio_slice bytes, struct chio_buf *out_spki);

/* Takes the request's profile and parts. CHIO_E_ARGUMENT, CHIO_E_KEY_TYPE, CHIO_E_MALFORMED: detail says why. */
CHIO_MUST_CHECK enum chio_err chio_judge_binding_prepare(struct chio_judge *j, struct chio_detail *detail);
/* After the evidence: whether its report data is that of the profile. */
void chio_judge_binding(struct chio_judge *j);

/* One more owner of the result, which chio_attest_result_free ends. */
struct chio_attest_result *chio_result_ref(struct chio_attest_result *result);

/* What is wrong with the request (request.c), for a message; NULL: nothing. */
const char *chio_request_fault(const struct chio_attest_request *request);

/* One judgement under the request's policy alone, whatever it is to replace. As chio_attest_verify, with arguments that
 * were checked. */
int chio_judge_request(const struct chio_attest_request *request, struct chio_attest_result **out_result,
                       struct chio_attest_message *message);
/* Two, when the policy has a previous one: what both say, and which decides. */
int chio_rollout_verify(const struct chio_attest_request *request, struct chio_attest_result **out_result,
                        struct chio_attest_message *message);

/* After the evidence: every rule of the policy. */
void chio_judge_policy(struct chio_judge *j);
/* The part of it on workload identities (identity_judge.c); false when it is refused. */
bool chio_judge_workload_identity(struct chio_judge *j);

#endif
