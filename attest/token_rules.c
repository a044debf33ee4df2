#include "attest/token_rules.h"

#include "attest/policy_rules.h"

#include <stdio.h>

/* What a claim is compared with: the rule's list of byte strings, its number, or what it forbids. SAID: it must be
 * there, and is compared with the policy elsewhere. */
enum how { ONE_OF, EQUAL, AT_LEAST, AT_MOST, NOT_SET, SAID };

struct row {
  const char *table, *key, *claim;
  enum how how;
  enum chio_attest_reason reason;
};

/* Names of Microsoft Azure Attestation's claims. */
static const struct row rows[] = {
    {"snp", "host_data", "x-ms-sevsnpvm-hostdata", ONE_OF, CHIO_ATTEST_MEASUREMENT},
    {"snp", "id_key_digests", "x-ms-sevsnpvm-idkeydigest", ONE_OF, CHIO_ATTEST_SIGNER},
    {"snp", "author_key_digests", "x-ms-sevsnpvm-authorkeydigest", ONE_OF, CHIO_ATTEST_SIGNER},
    {"snp", "family_ids", "x-ms-sevsnpvm-familyId", ONE_OF, CHIO_ATTEST_SIGNER},
    {"snp", "image_ids", "x-ms-sevsnpvm-imageId", ONE_OF, CHIO_ATTEST_SIGNER},
    {"snp", "min_bootloader", "x-ms-sevsnpvm-bootloader-svn", AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"snp", "min_tee", "x-ms-sevsnpvm-tee-svn", AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"snp", "min_snp", "x-ms-sevsnpvm-snpfw-svn", AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"snp", "min_microcode", "x-ms-sevsnpvm-microcode-svn", AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"snp", "min_guest_svn", "x-ms-sevsnpvm-guestsvn", AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"snp", "max_vmpl", "x-ms-sevsnpvm-vmpl", AT_MOST, CHIO_ATTEST_ATTRIBUTES},
    {"snp", "refuse_smt", "x-ms-sevsnpvm-smt-allowed", NOT_SET, CHIO_ATTEST_ATTRIBUTES},
    {"snp", "chip_ids", NULL, ONE_OF, CHIO_ATTEST_CHIP},
    {"snp", "products", NULL, ONE_OF, CHIO_ATTEST_CHIP},
    {"snp", "min_fmc", NULL, AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"snp", "require_mitigations", NULL, AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"snp", "refuse_provisional", NULL, NOT_SET, CHIO_ATTEST_TCB_MINIMUM},
    {"snp", "require_alias_check", NULL, NOT_SET, CHIO_ATTEST_ATTRIBUTES},
    {"tdx", "rtmr0", "tdx_rtmr0", ONE_OF, CHIO_ATTEST_MEASUREMENT},
    {"tdx", "rtmr1", "tdx_rtmr1", ONE_OF, CHIO_ATTEST_MEASUREMENT},
    {"tdx", "rtmr2", "tdx_rtmr2", ONE_OF, CHIO_ATTEST_MEASUREMENT},
    {"tdx", "rtmr3", "tdx_rtmr3", ONE_OF, CHIO_ATTEST_MEASUREMENT},
    {"tdx", "mrconfigid", "tdx_mrconfigid", ONE_OF, CHIO_ATTEST_MEASUREMENT},
    {"tdx", "mrowner", "tdx_mrowner", ONE_OF, CHIO_ATTEST_SIGNER},
    {"tdx", "mrownerconfig", "tdx_mrownerconfig", ONE_OF, CHIO_ATTEST_MEASUREMENT},
    {"tdx", "mrseam", "tdx_mrseam", ONE_OF, CHIO_ATTEST_TDX_MODULE},
    {"sgx", "isv_prod_id", "x-ms-sgx-product-id", EQUAL, CHIO_ATTEST_SIGNER},
    {"sgx", "min_isv_svn", "x-ms-sgx-svn", AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"sgx", "config_ids", "x-ms-sgx-config-id", ONE_OF, CHIO_ATTEST_MEASUREMENT},
    {"intel", "fmspc_accepted", NULL, ONE_OF, CHIO_ATTEST_CHIP},
    {"intel", "fmspc_refused", NULL, ONE_OF, CHIO_ATTEST_CHIP},
    {"intel", "ppid_accepted", NULL, ONE_OF, CHIO_ATTEST_CHIP},
    {"nitro", "module_ids", NULL, ONE_OF, CHIO_ATTEST_CHIP},
    {"tcb", "statuses", "attester_tcb_status", SAID, CHIO_ATTEST_TCB_STATUS},
    {"tcb", "advisories_accepted", NULL, ONE_OF, CHIO_ATTEST_TCB_ADVISORY},
    {"tcb", "advisories_refused", NULL, ONE_OF, CHIO_ATTEST_TCB_ADVISORY},
    {"tcb", "min_evaluation", NULL, AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
    {"tcb", "min_date", NULL, AT_LEAST, CHIO_ATTEST_TCB_MINIMUM},
};

/* Which tables are about which TEE: "sim-tdx" is looked at like "tdx". */
static bool is_about(const char *table, const char *tee) {
  if (tee == NULL) return false;
  if (strncmp(tee, "sim-", 4) == 0) tee += 4;
  bool intel = strcmp(tee, "sgx") == 0 || strcmp(tee, "tdx") == 0;
  if (strcmp(table, "intel") == 0 || strcmp(table, "tcb") == 0) return intel;
  if (strcmp(table, "nitro") == 0) return strcmp(tee, "nitro") == 0 || strcmp(tee, "nitrotpm") == 0;
  return strcmp(table, tee) == 0;
}

static const struct chio_policy_rule *find_rule(const struct row *row) {
  size_t count;
  const struct chio_policy_rule *rules = chio_policy_rules(&count);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(rules[i].table, row->table) == 0 && strcmp(rules[i].key, row->key) == 0) return &rules[i];
  }
  return NULL;
}

static bool is_listed(const struct chio_policy_bytes_list *list, const struct chio_json *value) {
  uint8_t bytes[CHIO_POLICY_BYTES_MAX];
  if (value->type != CHIO_JSON_STRING || value->string.len / 2 > sizeof bytes) return false;
  size_t len = value->string.len / 2;
  return chio_json_hex(value, bytes, len) == CHIO_OK && chio_policy_has_bytes(list, chio_slice(bytes, len));
}

static bool holds(const struct row *row, const void *wanted, const struct chio_json *value) {
  uint64_t number;
  bool set = true;
  if (row->how == SAID) return true;
  if (row->how == ONE_OF) return is_listed(wanted, value);
  if (row->how == NOT_SET) return chio_json_bool(value, &set) == CHIO_OK && !set;
  if (chio_json_uint(value, UINT32_MAX, &number) != CHIO_OK) return false;
  int64_t said = (int64_t)number, limit = *(const int64_t *)wanted;
  if (row->how == EQUAL) return said == limit;
  return row->how == AT_LEAST ? said >= limit : said <= limit;
}

static void judge_row(struct chio_judge *j, const struct row *row, chio_claim_finder *find, const void *token) {
  const struct chio_policy_rule *rule = find_rule(row);
  if (rule == NULL || !chio_policy_says(j->policy, rule)) return;
  const struct chio_json *value = find != NULL && row->claim != NULL ? find(token, row->claim) : NULL;
  if (value == NULL) {
    chio_judge_fail(j, row->reason, "the token does not say what '%s.%s' demands", row->table, row->key);
  } else if (!holds(row, chio_policy_value(j->policy, rule), value)) {
    chio_judge_fail(j, row->reason, "the token's claim '%s' is not what '%s.%s' demands", row->claim, row->table,
                    row->key);
  }
}

static bool says(chio_claim_finder *find, const void *token, const char *name, bool wanted) {
  bool value = !wanted;
  const struct chio_json *claim = find != NULL ? find(token, name) : NULL;
  return chio_json_bool(claim, &value) == CHIO_OK && value == wanted;
}

/* What a policy refuses in silence too, where the token says it. */
static void judge_defaults(struct chio_judge *j, chio_claim_finder *find, const void *token) {
  const struct chio_attest_policy *p = j->policy;
  uint64_t vmpl = 0;
  if (find == NULL) return;
  if (is_about("snp", j->result->pub.tee)) {
    if (says(find, token, "x-ms-sevsnpvm-migration-allowed", true) && !p->allow_migration)
      chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the guest policy allows a migration agent");
    const struct chio_json *level = find(token, "x-ms-sevsnpvm-vmpl");
    if (p->max_vmpl < 0 && level != NULL && (chio_json_uint(level, UINT32_MAX, &vmpl) != CHIO_OK || vmpl > 0))
      chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the report was not made at VMPL 0");
  }
  if (!is_about("tdx", j->result->pub.tee)) return;
  if (says(find, token, "tdx_td_attributes_septve_disable", false) && !p->allow_sept_ve)
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "SEPT_VE_DISABLE is not set: the host can inject exceptions");
  if (says(find, token, "tdx_td_attributes_perfmon", true) && !p->allow_perfmon)
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "performance monitoring is on");
}

void chio_judge_token_rules(struct chio_judge *j, chio_claim_finder *find, const void *token) {
  const struct chio_attest_policy *p = j->policy;
  const char *tee = j->result->pub.tee;
  if (p == NULL) return;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    if (is_about(rows[i].table, tee)) judge_row(j, &rows[i], find, token);
  }
  judge_defaults(j, find, token);
  if (is_about("sgx", tee) && p->measurements.count == 0 && p->signers.count > 0 &&
      (p->isv_prod_id < 0 || p->min_isv_svn < 0))
    chio_judge_fail(j, CHIO_ATTEST_SIGNER, "with 'signers' alone, 'sgx.isv_prod_id' and 'sgx.min_isv_svn' are needed");
}
