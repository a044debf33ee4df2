#include "attest/policy_rules.h"

#include <stddef.h>

#define RULE_AT(table, key, kind, member, min, max, words) \
  { table, key, kind, offsetof(struct chio_attest_policy, member), min, max, words }

static const struct chio_policy_rule rules[] = {
    RULE_AT("", "tee", RULE_STRINGS, tees, 1, 16, "the TEE is one of"),
    RULE_AT("", "measurements", RULE_BYTES, measurements, 32, 64, "the measurement is one of"),
    RULE_AT("", "signers", RULE_BYTES, signers, 32, 64, "the workload's signer is one of"),
    RULE_AT("", "report_data", RULE_BYTES, report_data, 32, 64, "the report data is one of"),
    RULE_AT("", "require_nonce", RULE_BOOL, require_nonce, 0, 0,
            "the evidence answers a nonce that the verifier gives"),
    RULE_AT("", "max_age", RULE_INT, max_age, 0, 1000000000, "the evidence is at most this many seconds old"),
    RULE_AT("", "max_future", RULE_INT, max_future, 0, 86400, "its clock is at most this many seconds ahead"),
    RULE_AT("", "allow_trailing", RULE_BOOL, allow_trailing, 0, 0, "bytes that nothing signs may follow the evidence"),
    RULE_AT("", "insecure_allow_debug", RULE_BOOL, allow_debug, 0, 0,
            "INSECURE: a TEE that can be debugged is accepted"),
    RULE_AT("", "insecure_allow_stub", RULE_BOOL, allow_stub, 0, 0,
            "INSECURE: a stub quote, which nobody signs, is accepted where the TEE may be 'stub'"),
    RULE_AT("roots", "intel", RULE_BYTES, intel_roots, 32, 32,
            "Intel's roots, by the SHA-256 of their keys, are these alone, not the one that is built in"),
    RULE_AT("roots", "amd", RULE_BYTES, amd_roots, 32, 32,
            "AMD's roots, by the SHA-256 of their keys, are these alone, not those that are built in"),
    RULE_AT("roots", "aws", RULE_BYTES, aws_roots, 32, 32,
            "AWS's roots, by the SHA-256 of their keys, are these alone, not the one that is built in"),
    RULE_AT("provenance", "files", RULE_STRINGS, provenance_files, 1, 1024, "its builder vouches for what runs, in"),
    RULE_AT("provenance", "keys", RULE_STRINGS, provenance_keys, 1, 1024, "with the keys in"),
    RULE_AT("provenance", "signers", RULE_BYTES, provenance_signers, 32, 32, "with keys whose SHA-256 is one of"),
    RULE_AT("provenance", "threshold", RULE_INT, provenance_threshold, 1, 16,
            "as many of these keys vouch for each value"),
    RULE_AT("provenance", "builder_ids", RULE_STRINGS, builder_ids, 1, 512, "the builder is one of"),
    RULE_AT("provenance", "predicate_types", RULE_STRINGS, predicate_types, 1, 512,
            "what the builder says is of one of the types"),
    RULE_AT("collateral", "grace", RULE_INT, collateral_grace, 0, 31536000,
            "collateral counts for this many seconds after it expired"),
    RULE_AT("tcb", "statuses", RULE_STRINGS, statuses, 1, 64, "the TCB status is one of"),
    RULE_AT("tcb", "advisories_accepted", RULE_STRINGS, advisories_accepted, 1, 64, "only these advisories may apply"),
    RULE_AT("tcb", "advisories_refused", RULE_STRINGS, advisories_refused, 1, 64, "none of these advisories applies"),
    RULE_AT("tcb", "min_evaluation", RULE_INT, min_evaluation, 1, 1000000,
            "the TCB info has at least this evaluation number"),
    RULE_AT("tcb", "min_date", RULE_DATE, min_tcb_date, 0, 0, "the TCB level is not older than this time"),
    RULE_AT("intel", "fmspc_accepted", RULE_BYTES, fmspc_accepted, 6, 6, "the FMSPC is one of"),
    RULE_AT("intel", "fmspc_refused", RULE_BYTES, fmspc_refused, 6, 6, "the FMSPC is none of"),
    RULE_AT("intel", "ppid_accepted", RULE_BYTES, ppid_accepted, 16, 16, "the machine (PPID) is one of"),
    RULE_AT("sgx", "isv_prod_id", RULE_INT, isv_prod_id, 0, 65535, "the enclave's product id is"),
    RULE_AT("sgx", "min_isv_svn", RULE_INT, min_isv_svn, 0, 65535, "the enclave's security version is at least"),
    RULE_AT("sgx", "config_ids", RULE_BYTES, config_ids, 64, 64, "CONFIGID is one of"),
    RULE_AT("tdx", "rtmr0", RULE_BYTES, rtmr[0], 48, 48, "RTMR0 is one of"),
    RULE_AT("tdx", "rtmr1", RULE_BYTES, rtmr[1], 48, 48, "RTMR1 is one of"),
    RULE_AT("tdx", "rtmr2", RULE_BYTES, rtmr[2], 48, 48, "RTMR2 is one of"),
    RULE_AT("tdx", "rtmr3", RULE_BYTES, rtmr[3], 48, 48, "RTMR3 is one of"),
    RULE_AT("tdx", "mrconfigid", RULE_BYTES, mrconfigid, 48, 48, "MRCONFIGID is one of"),
    RULE_AT("tdx", "mrowner", RULE_BYTES, mrowner, 48, 48, "MROWNER is one of"),
    RULE_AT("tdx", "mrownerconfig", RULE_BYTES, mrownerconfig, 48, 48, "MROWNERCONFIG is one of"),
    RULE_AT("tdx", "mrseam", RULE_BYTES, mrseam, 48, 48, "the TDX module (MRSEAM) is one of"),
    RULE_AT("tdx", "allow_migratable", RULE_BOOL, allow_migratable, 0, 0,
            "a TD that a service TD may migrate is accepted"),
    RULE_AT("tdx", "insecure_allow_sept_ve", RULE_BOOL, allow_sept_ve, 0, 0,
            "INSECURE: a TD without SEPT_VE_DISABLE is accepted"),
    RULE_AT("tdx", "allow_perfmon", RULE_BOOL, allow_perfmon, 0, 0, "performance monitoring in the TD is accepted"),
    RULE_AT("identity", "contract", RULE_ADDRESS, contract, 20, 20,
            "there is a workload identity (RTMR0 to 2, or PCR4, 9 and 11: no firmware) in the contract"),
    RULE_AT("identity", "accepted", RULE_BYTES, identities, 32, 32, "that workload identity is one of"),
    RULE_AT("snp", "host_data", RULE_BYTES, host_data, 32, 32, "HOST_DATA is one of"),
    RULE_AT("snp", "id_key_digests", RULE_BYTES, id_key_digests, 48, 48, "ID_KEY_DIGEST is one of"),
    RULE_AT("snp", "author_key_digests", RULE_BYTES, author_key_digests, 48, 48, "AUTHOR_KEY_DIGEST is one of"),
    RULE_AT("snp", "family_ids", RULE_BYTES, family_ids, 16, 16, "FAMILY_ID is one of"),
    RULE_AT("snp", "image_ids", RULE_BYTES, image_ids, 16, 16, "IMAGE_ID is one of"),
    RULE_AT("snp", "chip_ids", RULE_BYTES, chip_ids, 8, 64, "the chip is one of"),
    RULE_AT("snp", "products", RULE_STRINGS, products, 1, 16, "the processor is one of"),
    RULE_AT("snp", "csp_ids", RULE_STRINGS, csp_ids, 1, 128, "a loaded key (VLEK) belongs to one of"),
    RULE_AT("snp", "min_fmc", RULE_INT, min_fmc, 0, 255, "the FMC has at least security version"),
    RULE_AT("snp", "min_bootloader", RULE_INT, min_bootloader, 0, 255, "the boot loader has at least security version"),
    RULE_AT("snp", "min_tee", RULE_INT, min_tee, 0, 255, "the TEE has at least security version"),
    RULE_AT("snp", "min_snp", RULE_INT, min_snp, 0, 255, "the SNP firmware has at least security version"),
    RULE_AT("snp", "min_microcode", RULE_INT, min_microcode, 0, 255, "the microcode has at least security version"),
    RULE_AT("snp", "min_guest_svn", RULE_INT, min_guest_svn, 0, UINT32_MAX, "the guest has at least security version"),
    RULE_AT("snp", "max_vmpl", RULE_INT, max_vmpl, 0, 3, "the report was made at most at VMPL"),
    RULE_AT("snp", "require_mitigations", RULE_INT, require_mitigations, 0, INT64_MAX,
            "these bits of LAUNCH_MIT_VECTOR are set"),
    RULE_AT("snp", "allow_migration", RULE_BOOL, allow_migration, 0, 0, "a guest with a migration agent is accepted"),
    RULE_AT("snp", "allow_unknown_policy_bits", RULE_BOOL, allow_unknown_policy_bits, 0, 0,
            "guest policy bits that this version does not know are accepted"),
    RULE_AT("snp", "refuse_smt", RULE_BOOL, refuse_smt, 0, 0, "the guest policy forbids SMT"),
    RULE_AT("snp", "refuse_provisional", RULE_BOOL, refuse_provisional, 0, 0, "the firmware is committed"),
    RULE_AT("snp", "require_alias_check", RULE_BOOL, require_alias_check, 0, 0,
            "the platform has checked its memory for aliases"),
    RULE_AT("nitro", "module_ids", RULE_STRINGS, module_ids, 1, 64, "the module id begins with one of"),
    RULE_AT("maa", "keys", RULE_BYTES, maa_keys, 32, 32, "the service's key is one of"),
    RULE_AT("maa", "issuers", RULE_STRINGS, issuers, 1, 256, "the token is issued by one of"),
    RULE_AT("ear", "verifiers", RULE_BYTES, ear_verifiers, 32, 32, "an attestation result is signed by one of"),
    RULE_AT("ear", "policies", RULE_STRINGS, ear_policies, 1, 256, "its verifier judged by one of"),
    RULE_AT("ear", "statuses", RULE_STRINGS, ear_statuses, 1, 32, "its status is one of"),
    RULE_AT("key", "origins", RULE_STRINGS, key_origins, 1, 32, "the key's origin is one of"),
    RULE_AT("key", "lifetimes", RULE_STRINGS, key_lifetimes, 1, 32, "the key's lifetime is one of"),
    RULE_AT("key", "roles", RULE_STRINGS, key_roles, 1, 64, "the key's role is one of"),
    RULE_AT("key", "types", RULE_STRINGS, key_types, 1, 32, "the key's type is one of"),
    RULE_AT("key", "states", RULE_STRINGS, key_states, 1, 32,
            "fresh evidence says that the key's state is one of"),
    RULE_AT("key", "tokens", RULE_STRINGS, key_tokens, 1, 64, "the serial number of the key's token is one of"),
    RULE_AT("key", "unique_ids", RULE_STRINGS, key_unique_ids, 1, 64, "the key's unique id is one of"),
    RULE_AT("key", "workload_hashes", RULE_BYTES, workload_hashes, 1, 64,
            "the workload (model) to which the key is bound is one of"),
    RULE_AT("key", "required", RULE_BOOL, require_key, 0, 0, "there is a key statement"),
    RULE_AT("key", "allow_direct", RULE_BOOL, allow_direct_key, 0, 0,
            "instead of a key statement, the evidence may bind the caller's key by itself"),
    RULE_AT("key", "never_extractable", RULE_BOOL, require_never_extractable, 0, 0, "the key was never extractable"),
    RULE_AT("key", "always_sensitive", RULE_BOOL, require_always_sensitive, 0, 0, "the key was always sensitive"),
    RULE_AT("key", "local", RULE_BOOL, require_local, 0, 0, "the key was made where it is"),
};

const struct chio_policy_rule *chio_policy_rules(size_t *out_count) {
  *out_count = CHIO_ARRAY_LEN(rules);
  return rules;
}

bool chio_policy_says(const struct chio_attest_policy *policy, const struct chio_policy_rule *rule) {
  const void *value = chio_policy_value(policy, rule);
  switch (rule->kind) {
    case RULE_STRINGS: return ((const struct chio_policy_strings *)value)->count > 0;
    case RULE_BYTES: return ((const struct chio_policy_bytes_list *)value)->count > 0;
    case RULE_BOOL: return *(const bool *)value;
    case RULE_INT: return *(const int64_t *)value > 0 || (*(const int64_t *)value == 0 && rule->min == 0);
    case RULE_DATE: return *(const int64_t *)value != 0;
    case RULE_ADDRESS: return ((const struct chio_policy_bytes *)value)->len > 0;
  }
  return false;
}
