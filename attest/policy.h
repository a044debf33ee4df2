/* A policy as data. Zero means "no expectation" for lists and optional values; which expectations are compulsory is
 * decided where the policy is judged (policy_judge.c) and read (policy_read.c). */
#ifndef CHIO_ATTEST_POLICY_H
#define CHIO_ATTEST_POLICY_H

#include "attest/cert_set.h"
#include "attest/chio_attest.h"

#define CHIO_POLICY_BYTES_MAX 64u
#define CHIO_POLICY_LIST_MAX 1024u
#define CHIO_POLICY_PCRS 32u
#define CHIO_POLICY_VENDOR_ROOTS_MAX 16u

struct chio_policy_bytes {
  uint8_t data[CHIO_POLICY_BYTES_MAX];
  size_t len;
};

struct chio_policy_bytes_list {
  struct chio_policy_bytes *items;
  size_t count;
};

struct chio_policy_strings {
  char **items;
  size_t count;
};

/* A register that must have one of these values. */
struct chio_policy_pcrs {
  struct chio_policy_bytes_list values[CHIO_POLICY_PCRS]; /* count 0: not looked at */
};

/* One value that a claim of a token may have. A claim that may have several stands several times, one after the
 * other. */
struct chio_policy_claim {
  char *name;
  enum { CHIO_CLAIM_STRING, CHIO_CLAIM_INT, CHIO_CLAIM_BOOL } kind;
  char *text;
  int64_t number;
  bool flag;
};
#define CHIO_CLAIM_INT_MAX ((int64_t)1 << 53)

struct chio_attest_policy {
  char *name; /* what messages call it: the file */
  char *title;
  struct chio_policy_strings tees;
  struct chio_policy_bytes_list measurements, signers, report_data;
  bool require_nonce, require_key, allow_direct_key, allow_debug, allow_trailing, allow_stub;
  int64_t max_age;    /* seconds; -1: not looked at */
  int64_t max_future; /* seconds of clock skew that are tolerated */

  /* [rollout] */
  bool no_rollout;                     /* it may have none: another one's previous, or without files */
  struct chio_attest_policy *previous; /* owned; NULL: there is none, and this one decides */
  bool rollout_shadow;                 /* previous decides over all */
  int64_t rollout_share;               /* of a hundred, over which this one decides */

  /* [provenance]: read and checked with the policy; the values that it names stand in the lists of their registers. */
  struct chio_policy_strings provenance_files, provenance_keys, predicate_types, builder_ids;
  struct chio_policy_bytes_list provenance_signers; /* SHA-256 of the SubjectPublicKeyInfo */
  int64_t provenance_threshold;                     /* 0: not said, one signer is enough */
  int64_t provenance_from, provenance_until;        /* when the certificates of the signers are valid */

  /* [roots] */
  struct chio_anchor *roots;
  size_t roots_count;
  struct chio_policy_bytes_list intel_roots, amd_roots, aws_roots; /* each in place of those that are built in */
  struct chio_policy_strings root_names; /* what the roots' names point to, where a certificate says one */

  /* [collateral], [tcb] */
  bool collateral_optional; /* evidence may pass without revocation lists and TCB status */
  bool collateral_set;      /* the policy said so itself; otherwise simulated roots need none */
  struct chio_policy_strings statuses, advisories_accepted, advisories_refused;
  int64_t min_evaluation;   /* tcbEvaluationDataNumber; 0: none */
  int64_t min_tcb_date;     /* seconds; 0: none */
  int64_t collateral_grace; /* seconds for which expired collateral still counts; -1: none */

  /* [intel] */
  struct chio_policy_bytes_list fmspc_accepted, fmspc_refused, ppid_accepted;

  /* [sgx] */
  int64_t isv_prod_id, min_isv_svn; /* -1: not looked at */
  struct chio_policy_bytes_list config_ids;

  /* [identity] */
  struct chio_policy_bytes contract; /* len 0: not looked at */
  struct chio_policy_bytes_list identities;

  /* [tdx] */
  struct chio_policy_bytes_list rtmr[4], mrconfigid, mrowner, mrownerconfig, mrseam;
  bool allow_migratable, allow_sept_ve, allow_perfmon;

  /* [snp] */
  struct chio_policy_bytes_list host_data, id_key_digests, author_key_digests, family_ids, image_ids, chip_ids;
  struct chio_policy_strings products, csp_ids;
  int64_t min_fmc, min_bootloader, min_tee, min_snp, min_microcode, min_guest_svn, max_vmpl; /* -1: not looked at */
  int64_t require_mitigations; /* bits of LAUNCH_MIT_VECTOR that must be set; -1: none */
  bool allow_migration, refuse_smt, require_alias_check, refuse_provisional, allow_unknown_policy_bits;

  /* [nitro], [azure], [maa], [ear] */
  struct chio_policy_pcrs pcrs, tpm_pcrs;
  struct chio_policy_strings module_ids; /* prefixes */
  struct chio_policy_strings issuers;
  struct chio_policy_bytes_list maa_keys, ear_verifiers; /* SHA-256 of the SubjectPublicKeyInfo */
  struct chio_policy_strings ear_policies, ear_statuses;

  struct chio_policy_claim *claims; /* owned */
  size_t claims_count;

  /* [key] */
  struct chio_policy_strings key_origins, key_lifetimes, key_roles, key_types, key_states, key_tokens, key_unique_ids;
  struct chio_policy_bytes_list workload_hashes;
  bool require_never_extractable, require_always_sensitive, require_local;
};

/* As chio_attest_policy_parse, for a policy that comes from elsewhere: files that it names are not read, and what they
 * would have said is added by hand. */
int chio_policy_parse_alone(const void *text, size_t len, const char *name, struct chio_attest_policy **out_policy,
                            struct chio_attest_message *message);
/* One more root, by the SHA-256 of its SubjectPublicKeyInfo. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_policy_add_root(struct chio_attest_policy *policy, const uint8_t hash[32]);

/* As chio_attest_policy_digest, and the same however far its rollout is. */
int chio_policy_rules_digest(const struct chio_attest_policy *policy, uint8_t out[32]);

bool chio_policy_has_string(const struct chio_policy_strings *list, const char *text);
bool chio_policy_has_bytes(const struct chio_policy_bytes_list *list, struct chio_slice bytes);

#endif
