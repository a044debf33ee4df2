/*
 * libchio-attest: judges evidence that a key lives in a Trusted Execution Environment, offline.
 *
 * Evidence goes in as bytes (a raw quote, report, document or token, a bundle, a message wrapper, or a certificate or
 * request for one that carries these), with a policy, collateral and a point in time; one result comes out. Nothing is
 * fetched, nothing is written but tables of challenges and of what was seen, no environment variable and no file is
 * read but those the caller names. Thread-safe: policies and collateral are read-only once made and may be shared.
 *
 * Functions return CHIO_ATTEST_OK or one of CHIO_ATTEST_E_*; that evidence is refused is a result, not an error.
 */
#ifndef CHIO_ATTEST_H
#define CHIO_ATTEST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CHIO_ATTEST_API
#define CHIO_ATTEST_API __attribute__((visibility("default")))
#endif

/* The version of the library that runs ("0.1.0"). Static storage. */
CHIO_ATTEST_API const char *chio_attest_version(void);

enum chio_attest_error {
  CHIO_ATTEST_OK = 0,
  CHIO_ATTEST_E_ARGUMENT = 1, /* a NULL or a value out of range */
  CHIO_ATTEST_E_NO_MEMORY = 2,
  CHIO_ATTEST_E_IO = 3,        /* a file cannot be read */
  CHIO_ATTEST_E_MALFORMED = 4, /* a policy, a certificate or collateral does not parse */
  CHIO_ATTEST_E_INTERNAL = 5,
  CHIO_ATTEST_E_LIMIT = 6, /* a table is full */
};

/* Why evidence is refused: X(NAME, number, code, text). Codes and numbers never change; new ones are appended. */
#define CHIO_ATTEST_REASONS(X)                                                                                     \
  X(ACCEPTED, 0, "accepted", "the evidence is accepted")                                                           \
  X(FORMAT, 1, "format", "the evidence is malformed")                                                              \
  X(UNSUPPORTED, 2, "unsupported", "a format, version or algorithm that is not supported")                         \
  X(SIGNATURE, 3, "signature", "the signature over the evidence does not hold")                                    \
  X(QE_SIGNATURE, 4, "qe-signature", "the quoting enclave's report is not signed by the platform's key")           \
  X(QE_BINDING, 5, "qe-binding", "the quoting enclave's report does not vouch for the attestation key")            \
  X(QE_IDENTITY, 6, "qe-identity", "the quoting enclave is not the one that the vendor names")                     \
  X(CHAIN, 7, "chain", "no valid chain of certificates leads from the evidence to a root")                         \
  X(UNTRUSTED_ROOT, 8, "untrusted-root",                                                                           \
    "the chain ends at a root that is neither the vendor's nor named by the policy")                               \
  X(SIMULATED_ROOT, 9, "simulated-root", "simulated evidence, and the policy does not name its root")              \
  X(CERTIFICATE_EXPIRED, 10, "certificate-expired", "a certificate has expired")                                   \
  X(CERTIFICATE_NOT_YET_VALID, 11, "certificate-not-yet-valid", "a certificate is not valid yet")                  \
  X(CERTIFICATE_MISMATCH, 12, "certificate-mismatch", "the certificate is for another chip, TCB, product or role") \
  X(REVOKED, 13, "revoked", "a certificate is revoked")                                                            \
  X(COLLATERAL_MISSING, 14, "collateral-missing", "collateral that the policy needs is missing")                   \
  X(COLLATERAL_EXPIRED, 15, "collateral-expired", "collateral has expired")                                        \
  X(COLLATERAL_NOT_YET_VALID, 16, "collateral-not-yet-valid", "collateral is issued in the future")                \
  X(COLLATERAL_SIGNATURE, 17, "collateral-signature", "the signature over collateral does not hold")               \
  X(COLLATERAL_FORMAT, 18, "collateral-format", "collateral is malformed")                                         \
  X(COLLATERAL_MISMATCH, 19, "collateral-mismatch", "collateral is for another platform")                          \
  X(TCB_NOT_SUPPORTED, 20, "tcb-not-supported", "the platform's TCB is below every level that the vendor lists")   \
  X(TCB_REVOKED, 21, "tcb-revoked", "the vendor has revoked the platform's TCB level")                             \
  X(TCB_STATUS, 22, "tcb-status", "the policy does not accept the platform's TCB status")                          \
  X(TCB_ADVISORY, 23, "tcb-advisory", "an advisory applies that the policy does not accept")                       \
  X(TCB_MINIMUM, 24, "tcb-minimum", "the TCB is below the policy's minimum")                                       \
  X(TDX_MODULE, 25, "tdx-module", "the TDX module is not one that the vendor names")                               \
  X(NO_POLICY, 26, "no-policy", "no policy says what to expect")                                                   \
  X(TEE, 27, "tee", "the policy does not accept this kind of TEE")                                                 \
  X(MEASUREMENT, 28, "measurement", "the measurement is not one that the policy expects")                          \
  X(SIGNER, 29, "signer", "the workload's signer is not one that the policy expects")                              \
  X(DEBUG, 30, "debug", "the TEE can be debugged")                                                                 \
  X(REPORT_DATA, 31, "report-data", "the report data is not what was expected")                                    \
  X(NONCE, 32, "nonce", "the nonce is missing or is another one")                                                  \
  X(STATEMENT_SIGNATURE, 33, "statement-signature", "the key statement is not signed by the attested key")         \
  X(STATEMENT_FORMAT, 34, "statement-format", "the key statement is malformed")                                    \
  X(KEY_BINDING, 35, "key-binding", "the evidence does not bind the key")                                          \
  X(KEY_MISMATCH, 36, "key-mismatch", "the evidence is about another key")                                         \
  X(KEY_ATTRIBUTES, 37, "key-attributes", "the key's attributes are not what the policy expects")                  \
  X(AGE, 38, "age", "the evidence is older than the policy allows, or from the future")                            \
  X(CHIP, 39, "chip", "the policy does not accept this chip or platform")                                          \
  X(ATTRIBUTES, 40, "attributes", "the TEE's attributes are not what the policy expects")                          \
  X(TRAILING, 41, "trailing", "bytes follow the evidence that nothing signs")                                      \
  X(ISSUER, 42, "issuer", "the token's issuer is not one that the policy names")                                   \
  X(TPM, 43, "tpm", "the TPM quote does not hold or its registers differ")                                         \
  X(POLICY_CONTRADICTION, 44, "policy-contradiction", "the policy contradicts itself")                             \
  X(REPLAYED, 45, "replayed", "the same evidence was accepted before")                                             \
  X(RESULT, 46, "result", "another verifier's result is not one that the policy accepts")                          \
  X(CLAIM, 47, "claim", "a claim of the token is not what the policy expects")

enum chio_attest_reason {
#define CHIO_ATTEST_REASON_X(name, number, code, text) CHIO_ATTEST_##name = (number),
  CHIO_ATTEST_REASONS(CHIO_ATTEST_REASON_X)
#undef CHIO_ATTEST_REASON_X
};

/* What was proved, each on its own; a list of bits. X(NAME, bit, code, what it means). */
#define CHIO_ATTEST_PROOFS(X)                                                                      \
  X(SIGNATURE, 0, "signature", "the attestation key signed the evidence")                          \
  X(QE, 1, "qe", "the platform's key vouches for the attestation key through the quoting enclave") \
  X(CHAIN, 2, "chain", "a valid chain leads from the platform's key to a trusted root")            \
  X(CRL, 3, "crl", "no certificate of the chain is revoked")                                       \
  X(QE_IDENTITY, 4, "qe-identity", "the quoting enclave is the vendor's")                          \
  X(TCB, 5, "tcb", "the vendor vouches for the platform's TCB (its list, or its certificate)")                        \
  X(REPORT_DATA, 6, "report-data", "the report data is the expected one")                          \
  X(STATEMENT, 7, "statement", "the attested signer signed the key statement")                     \
  X(KEY, 8, "key", "the key is the one that was asked about")                                      \
  X(NONCE, 9, "nonce", "the evidence is fresh: it answers the nonce")                              \
  X(MEASUREMENT, 10, "measurement", "the code is what the policy expects")                         \
  X(POLICY, 11, "policy", "every rule of the policy holds")                                        \
  X(TPM, 12, "tpm", "the TPM that the TEE vouches for signed its registers")

enum chio_attest_proof {
#define CHIO_ATTEST_PROOF_X(name, bit, code, text) CHIO_ATTEST_PROVED_##name = 1 << (bit),
  CHIO_ATTEST_PROOFS(CHIO_ATTEST_PROOF_X)
#undef CHIO_ATTEST_PROOF_X
};

/* The code of a reason ("tcb-status"), and a sentence for a person. Static storage, never NULL. */
CHIO_ATTEST_API const char *chio_attest_reason_code(enum chio_attest_reason reason);
CHIO_ATTEST_API const char *chio_attest_reason_text(enum chio_attest_reason reason);
/* The same for one bit of what was proved; NULL for a bit that does not exist. */
CHIO_ATTEST_API const char *chio_attest_proof_code(unsigned bit);
CHIO_ATTEST_API const char *chio_attest_proof_text(unsigned bit);

/* ---- Policies ---- */

struct chio_attest_policy;
struct chio_attest_collateral;

/* Where a function can say more: a NUL-terminated sentence. */
struct chio_attest_message {
  char text[512];
};

/* Reads a policy in TOML (chio-policy(5)). message may be NULL. The caller frees it. E_IO, E_MALFORMED. */
CHIO_ATTEST_API int chio_attest_policy_load(const char *path, struct chio_attest_policy **out_policy,
                                            struct chio_attest_message *message);
/* The same from memory; name is what messages call it, and where relative paths of root files start. */
CHIO_ATTEST_API int chio_attest_policy_parse(const void *text, size_t len, const char *name,
                                             struct chio_attest_policy **out_policy,
                                             struct chio_attest_message *message);
CHIO_ATTEST_API void chio_attest_policy_free(struct chio_attest_policy *policy); /* NULL is accepted */

/* ---- Roots ---- */

/* A root of trust, or a certificate on the way to one. */
struct chio_attest_root {
  const struct chio_attest_root *next; /* NULL: the last one */
  const char *source;       /* "intel", "amd", "aws": built in; "policy", "collateral": named by it */
  const char *name;         /* its common name, or what is known instead */
  uint8_t spki_sha256[32];  /* of its SubjectPublicKeyInfo */
  int trusted;              /* chains may end at it; else it is only at hand: a vendor's authority, or collateral's */
  int64_t from, until;      /* when its certificate is valid; 0, 0: not known, only its key is */
};

/* Every root that is built in, those that the policy names (and the one that it replaces), and the self-signed
 * certificates of the collateral; each once. Both may be NULL. The list is the caller's, whole, to free with
 * chio_attest_free; it keeps nothing of its sources. */
CHIO_ATTEST_API int chio_attest_roots_list(const struct chio_attest_policy *policy,
                                           const struct chio_attest_collateral *collateral,
                                           struct chio_attest_root **out_roots);

/* ---- Collateral ---- */

CHIO_ATTEST_API int chio_attest_collateral_new(struct chio_attest_collateral **out_collateral);
/* Adds a file, or every file of a folder (not of folders in it). What it is, is found by its content: certificates and
 * revocation lists in PEM, DER or hexadecimal, TCB info and QE identity as Intel serves them, JSON bundles of them, key
 * sets of attestation services. Files that are none of these are passed over. E_IO, E_NO_MEMORY, E_LIMIT: more than
 * 1024 certificates, 64 revocation lists or 256 documents. */
CHIO_ATTEST_API int chio_attest_collateral_add_path(struct chio_attest_collateral *collateral, const char *path,
                                                    struct chio_attest_message *message);
/* Adds one file's bytes; they are copied. E_MALFORMED when they are none of the above, E_LIMIT as above. */
CHIO_ATTEST_API int chio_attest_collateral_add(struct chio_attest_collateral *collateral, const void *bytes,
                                               size_t len);
CHIO_ATTEST_API void chio_attest_collateral_free(struct chio_attest_collateral *collateral); /* NULL is accepted */

/* ---- Challenges, and what was seen ---- */

/* Nonces that were handed out. Each is answered once: it is spent when evidence that answers it is accepted, and ends
 * with its lifetime. Thread-safe; a table in a file serves several processes too, and each change of it is made whole
 * or not at all, and is on the disk before the evidence is accepted. */
struct chio_attest_challenges;
#define CHIO_ATTEST_CHALLENGE_SIZE 32u

/* In memory. entries: how many may be outstanding, at most 65536; 0: 4096. lifetime: in seconds, at most 86400; 0:
 * 300. E_ARGUMENT, E_NO_MEMORY. */
CHIO_ATTEST_API int chio_attest_challenges_new(size_t entries, int64_t lifetime,
                                               struct chio_attest_challenges **out_challenges);
/* In a file, of at most 4096, that is made with the first challenge, mode 0600. E_IO, E_MALFORMED (another file). */
CHIO_ATTEST_API int chio_attest_challenges_open(const char *path, int64_t lifetime,
                                                struct chio_attest_challenges **out_challenges,
                                                struct chio_attest_message *message);
CHIO_ATTEST_API void chio_attest_challenges_free(struct chio_attest_challenges *challenges); /* NULL is accepted */

/* A new random nonce, good from `at` (seconds since the epoch) for the lifetime. E_LIMIT: as many as may be are
 * outstanding. E_IO, E_MALFORMED. */
CHIO_ATTEST_API int chio_attest_challenges_issue(struct chio_attest_challenges *challenges, int64_t at,
                                                 uint8_t out_nonce[CHIO_ATTEST_CHALLENGE_SIZE],
                                                 struct chio_attest_message *message);
/* How many are outstanding then. */
CHIO_ATTEST_API int chio_attest_challenges_count(struct chio_attest_challenges *challenges, int64_t at,
                                                 size_t *out_count);

/* Evidence that was accepted, by what it is (replay_id, and the key statement where there is one), whatever form it is
 * shown in. An entry lives until the policy's max_age makes the evidence too old; without max_age for ever. Evidence
 * that was taken out of a bundle counts as seen with the bundle. As above: threads, processes, whole changes. */
struct chio_attest_seen;

/* entries: at most 65536; 0: 65536. E_ARGUMENT, E_NO_MEMORY. */
CHIO_ATTEST_API int chio_attest_seen_new(size_t entries, struct chio_attest_seen **out_seen);
CHIO_ATTEST_API int chio_attest_seen_open(const char *path, struct chio_attest_seen **out_seen,
                                          struct chio_attest_message *message);
CHIO_ATTEST_API void chio_attest_seen_free(struct chio_attest_seen *seen); /* NULL is accepted */

/* ---- Verification ---- */

#define CHIO_ATTEST_EVIDENCE_MAX (1024u * 1024u)

struct chio_attest_bytes {
  const void *data; /* NULL: not given */
  size_t len;
};

/* How raw evidence binds the request's key in its report data, by a named profile: "chio-hsm-boot-v1", "chio-v1",
 * "tee-v1", "registry-v1-certificate", "registry-v1-secrets", "registry-v1-onboard", "atls-v1", "ratls-v1"
 * (docs/attributes.md).
 * Each needs the request's key, but for "registry-v1-secrets", which binds its certificate's; those with a nonce
 * take the request's. Other parts are given here: all that the profile binds, and no other. */
struct chio_attest_binding {
  const char *profile;
  struct chio_attest_bytes manifest_sha256, receipt_root, workload_hash; /* 32, 32, 1 to 64 bytes */
  struct chio_attest_bytes address, operator_address;                    /* 20 bytes each */
  struct chio_attest_bytes certificate, private_key;                     /* PEM, hashed as they stand */
};

struct chio_attest_request {
  const void *evidence;
  size_t evidence_len;
  const struct chio_attest_policy *policy;         /* NULL: judged for what it is, and refused (no-policy) */
  const struct chio_attest_collateral *collateral; /* NULL: what needs it is not proved */
  int64_t at;                                      /* seconds since the epoch: the time to judge for */
  /* Root certificates that the caller trusts besides the vendors': a simulated platform's. One in DER or PEM, or up to
   * 8 in PEM; of signed tokens, their signer's public key. With them and no policy, simulated evidence is judged
   * without expectations: what is missing is said, not refused. NULL: none. */
  const void *root;
  size_t root_len;
  /* What the evidence must be about; each may be absent (NULL, 0). An empty one that is not NULL is E_ARGUMENT. */
  const void *key; /* a public key (SubjectPublicKeyInfo) or certificate, PEM or DER */
  size_t key_len;
  const void *nonce; /* up to 64 bytes */
  size_t nonce_len;
  const void *report_data; /* 64 bytes, or fewer for formats that have fewer */
  size_t report_data_len;
  const struct chio_attest_binding *binding; /* NULL: the report data is only shown, or in a bundle */
  /* The evidence must answer one of these, or the nonce above when it is given, which must be one of them; it is spent
   * when the evidence is accepted. NULL: not looked at. */
  struct chio_attest_challenges *challenges;
  struct chio_attest_seen *seen; /* evidence in it is refused (replayed), what is accepted goes into it; NULL: not */
};

#define CHIO_ATTEST_FAILURES_MAX 32u

struct chio_attest_failure {
  enum chio_attest_reason reason;
  char text[256]; /* names the thing */
};

#define CHIO_ATTEST_MISSING_MAX 8u

struct chio_attest_missing {
  enum chio_attest_proof proof;
  char text[256]; /* names the thing */
};

struct chio_attest_measurements; /* below */

/* Owned by the library; read only. Fields are only ever added at the end. */
struct chio_attest_result {
  int accepted;
  enum chio_attest_reason reason; /* the first failure's, ACCEPTED when there is none */
  uint32_t proved;                /* bits of enum chio_attest_proof */
  uint32_t needed;                /* those that evidence of this format can prove with complete collateral */
  size_t failures_count;
  const struct chio_attest_failure *failures;
  const char *container; /* "raw", "gzip", "bundle", "certificate", "request", "cmw", "token", "json", "cbor" */
  const char *format;    /* "tdx-v4", "sgx-v3", "snp-v5", "nitro", "azure-snp", "chio-tdx" ...; NULL: unknown */
  const char *tee;       /* "tdx", "sgx", "snp", "nitro" ..., "sim-tdx" and so on; NULL: unknown */
  int simulated;         /* the root is not a vendor's */
  int debug;
  uint8_t measurement[64]; /* MRTD, MRENCLAVE, launch digest, PCR0 */
  size_t measurement_len;
  uint8_t signer[64]; /* MRSIGNER, author or id key digest, PCR8 */
  size_t signer_len;
  uint8_t report_data[64];
  size_t report_data_len;
  uint8_t root_spki_sha256[32]; /* of the root at which the chain ends; zero when there is none */
  const char *root_name;        /* its common name; NULL when there is none */
  const char *tcb_status;       /* Intel's words, or NULL when it is not known */
  int64_t tcb_date;             /* of the level found; 0: not known */
  const char *const *advisories;
  size_t advisories_count;
  int64_t window_from, window_until; /* when everything that was judged is valid; from > until: never all at once */
  int64_t evidence_time;             /* what the evidence says of when it was made; 0: nothing */
  const char *claims_json;           /* every field of the evidence, as a JSON object */
  const char *statement_json;        /* the key statement, canonical; NULL when there is none */
  const uint8_t *key_spki;           /* the key that the evidence is about, DER; NULL when there is none */
  size_t key_spki_len;
  uint8_t replay_id[32]; /* the same for every form of the same evidence: for tables of what was seen */
  /* Where the policy replaces another one step by step (chio-policy(5), [rollout]): which of the two decided, "policy"
   * or "previous", and what the other one says. NULL: there is no other. */
  const char *decided_by;
  int other_accepted;
  enum chio_attest_reason other_reason;
  /* The registers that make workload identities; NULL where the evidence has none. They count for as much as was
   * proved. */
  const struct chio_attest_measurements *measurements;
  uint8_t nonce[64]; /* that the evidence was proved to answer */
  size_t nonce_len;  /* 0: none */
  /* Collateral that was looked for and is not at hand, and the proof that needs it. Each policy that wants that proof
   * refuses for it. */
  size_t missing_count;
  const struct chio_attest_missing *missing;
};

/* Judges. E_ARGUMENT, E_NO_MEMORY, E_INTERNAL, E_MALFORMED (root or key do not parse; message says which). With tables
 * of challenges or of what was seen also E_LIMIT, E_IO: what is accepted could not be written down, so it is not. */
CHIO_ATTEST_API int chio_attest_verify(const struct chio_attest_request *request,
                                       struct chio_attest_result **out_result, struct chio_attest_message *message);
CHIO_ATTEST_API void chio_attest_result_free(struct chio_attest_result *result); /* NULL is accepted */

/* ---- Judgements that are kept ---- */

/* Accepted judgements of one process, found again by all that was judged: evidence, policy (what it demands),
 * collateral (the handle, unchanged since), expectations. One entry for one piece of evidence under one policy, in
 * whatever form it is shown. Thread-safe. */
struct chio_attest_cache;

/* entries: at most 4096; 0: 256. max_age: for how many seconds one is kept, at most 86400; 0: 300. It is kept no
 * longer than the judgement holds: what was judged is valid (window_until), and the evidence young enough for the
 * policy. */
CHIO_ATTEST_API int chio_attest_cache_new(size_t entries, int64_t max_age, struct chio_attest_cache **out_cache);
CHIO_ATTEST_API void chio_attest_cache_free(struct chio_attest_cache *cache); /* NULL is accepted */

/* As chio_attest_verify, but for what is known. The result may be another caller's too: it is only read, and freed by
 * each. A request with a nonce, challenges or a table of what was seen is always judged; refusals are not kept;
 * nothing is known for times before it was judged. */
CHIO_ATTEST_API int chio_attest_cache_verify(struct chio_attest_cache *cache, const struct chio_attest_request *request,
                                             struct chio_attest_result **out_result,
                                             struct chio_attest_message *message);
/* Forgets all. */
CHIO_ATTEST_API void chio_attest_cache_clear(struct chio_attest_cache *cache);

struct chio_attest_cache_stats {
  uint64_t hits, misses, evicted;
  size_t entries; /* now */
};
CHIO_ATTEST_API void chio_attest_cache_stats_get(struct chio_attest_cache *cache, struct chio_attest_cache_stats *out);

/* ---- What a quote carries ---- */

struct chio_attest_user_data {
  const char *tee;         /* "sgx", "tdx", "snp", "nitro", "nitrotpm", "stub"; static */
  uint8_t report_data[64]; /* Nitro: the user data, of which there may be more */
  size_t report_data_len, whole_len; /* whole_len: how much the quote carries */
  uint8_t user_data[32]; /* its first 32 bytes, as package tee calls them; zeros where there are fewer */
};

/* Finds out what a quote is and what its caller put into it. JUDGES NOTHING: anybody can write such bytes. E_MALFORMED:
 * no quote of a known kind. */
CHIO_ATTEST_API int chio_attest_extract_user_data(const void *quote, size_t len, struct chio_attest_user_data *out);

/* Package tee's VerifyBinding: whether what a quote carries is what the request's binding makes of its key, and of its
 * nonce where the profile has one. The evidence is a raw quote, a stub quote, or a report of package tee, whose own key
 * and model count where the request names none, and must be those where it does (profile tee-v1). CHECKS NO SIGNATURE:
 * anybody can write such bytes, and chio_attest_verify judges them. *out_holds: 1 or 0; message says why not. out_found
 * may be NULL. E_ARGUMENT (message says why), E_MALFORMED (no evidence of these kinds, or no key). */
CHIO_ATTEST_API int chio_attest_check_binding(const struct chio_attest_request *request, int *out_holds,
                                              struct chio_attest_user_data *out_found,
                                              struct chio_attest_message *message);

/* The types of TEE of package tee, in its order: "tdx", "snp", "nitro", "stub"; NULL after the last. */
CHIO_ATTEST_API const char *chio_attest_tee_type_at(size_t index);
/* The one of exactly that name; NULL: there is none, and message says so in the package's own words. */
CHIO_ATTEST_API const char *chio_attest_tee_type_parse(const char *name, struct chio_attest_message *message);

#define CHIO_ATTEST_MODEL_HASH_SIZE 32u

/* The hash by which package tee knows a model: SHA-256 of its name, as it stands. E_ARGUMENT, E_INTERNAL. */
CHIO_ATTEST_API int chio_attest_model_hash(const char *model, uint8_t out[32]);

/* ---- Workload identities ---- */

#define CHIO_ATTEST_IDENTITY_SIZE 32u
#define CHIO_ATTEST_CONTRACT_SIZE 20u
#define CHIO_ATTEST_REGISTERS_MAX 24u

/* Registers by their index. "qemu-tdx" (DCAP): 0 MRTD, 1 to 4 RTMR0 to RTMR3, 5 MRCONFIGID, 6 MROWNER, 7 MROWNERCONFIG,
 * of 48 bytes; "azure-tdx" (a TDX machine of Azure, by its vTPM): PCR 0 to 23, of 32 bytes. */
struct chio_attest_measurements {
  const char *type; /* one of the two; static */
  uint32_t present; /* bit n: register n is there */
  uint8_t value[CHIO_ATTEST_REGISTERS_MAX][48];
};

/* The identity by which a contract on a chain knows a workload, in that contract alone: Keccak-256 of its address and
 * RTMR0, RTMR1 and RTMR2 (48 bytes each), or PCR4, PCR9 and PCR11 (32 bytes each). NEITHER MRTD NOR RTMR3 IS PART OF
 * IT, nor MRCONFIGID, MROWNER, MROWNERCONFIG or another PCR: whoever trusts it alone pins no firmware. E_ARGUMENT. */
CHIO_ATTEST_API int chio_attest_identity_dcap(const uint8_t contract[20], const uint8_t rtmr0[48],
                                              const uint8_t rtmr1[48], const uint8_t rtmr2[48], uint8_t out[32]);
CHIO_ATTEST_API int chio_attest_identity_maa(const uint8_t contract[20], const uint8_t pcr4[32],
                                             const uint8_t pcr9[32], const uint8_t pcr11[32], uint8_t out[32]);
/* By type. E_MALFORMED: a register that it takes is not there (for qemu-tdx MRTD must be, too). */
CHIO_ATTEST_API int chio_attest_identity(const struct chio_attest_measurements *measurements,
                                         const uint8_t contract[20], uint8_t out[32]);

/* The registers in evidence of any kind that chio_attest_verify reads. JUDGES NOTHING: anybody can write such bytes;
 * those of a result (above) were judged. E_MALFORMED: there are none. */
CHIO_ATTEST_API int chio_attest_measurements_find(const void *evidence, size_t len,
                                                  struct chio_attest_measurements *out);
/* A measurement map as registries pass it on, {"0":"<hex>","1":"<hex>",...}: each index once and of that type, each
 * value of its size. E_MALFORMED; message says what is wrong. */
CHIO_ATTEST_API int chio_attest_measurements_parse(const char *type, const void *json, size_t len,
                                                   struct chio_attest_measurements *out,
                                                   struct chio_attest_message *message);
/* Both steps: from an attestation type and its measurement map to the identity in a contract. */
CHIO_ATTEST_API int chio_attest_attestation_to_identity(const char *type, const void *measurements_json, size_t len,
                                                        const uint8_t contract[20], uint8_t out[32],
                                                        struct chio_attest_message *message);

/* A contract's address: 40 hexadecimal digits, with 0x before them or not; where small and capital letters are mixed,
 * they must be the checksum of EIP-55. E_MALFORMED. */
CHIO_ATTEST_API int chio_attest_contract_parse(const char *text, uint8_t out[20]);

/* The result as one JSON object (chio-hsm(1) lists its members), NUL-terminated. Free with chio_attest_free. */
CHIO_ATTEST_API int chio_attest_result_json(const struct chio_attest_result *result, char **out_json);
CHIO_ATTEST_API void chio_attest_free(void *memory);

/* What an attestation result says besides the result. */
struct chio_attest_ear {
  int64_t issued_at; /* seconds since the epoch */
  int64_t lifetime;  /* seconds for which it counts; 0: it does not say */
  struct chio_attest_bytes nonce; /* the relying party's; empty: none */
  const char *policy_id;          /* which policy was applied; NULL: not said */
};

/* The result as the claims of an EAT attestation result (EAR, draft-ietf-rats-ear), in JSON or CBOR, not signed: for a
 * broker. "affirming" only for accepted evidence of real hardware, "warning" for accepted simulated evidence. Free with
 * chio_attest_free. E_ARGUMENT, E_NO_MEMORY. */
CHIO_ATTEST_API int chio_attest_result_ear(const struct chio_attest_result *result, const struct chio_attest_ear *ear,
                                           char **out_json);
CHIO_ATTEST_API int chio_attest_result_ear_cbor(const struct chio_attest_result *result,
                                                const struct chio_attest_ear *ear, void **out_cbor, size_t *out_len);

/* A hash of what a policy demands, however it is written down: its name in attestation results and caches. */
CHIO_ATTEST_API int chio_attest_policy_digest(const struct chio_attest_policy *policy, uint8_t out[32]);

/* A policy in TOML that the evidence behind this result would pass, to start from. */
CHIO_ATTEST_API int chio_attest_policy_draft(const struct chio_attest_result *result, char **out_toml);
/* What a policy demands, in sentences. */
CHIO_ATTEST_API int chio_attest_policy_explain(const struct chio_attest_policy *policy, char **out_text);

#ifdef __cplusplus
}
#endif

#endif
