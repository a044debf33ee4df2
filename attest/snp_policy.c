#include "attest/snp_policy.h"

static void want(struct chio_judge *j, const struct chio_policy_bytes_list *list, struct chio_slice value,
                 enum chio_attest_reason reason, const char *name) {
  if (list->count == 0 || chio_policy_has_bytes(list, value)) return;
  chio_judge_fail(j, reason, "%s is none of the %zu expected", name, list->count);
}

static void judge_guest_policy(struct chio_judge *j, const struct chio_attest_policy *p,
                               const struct chio_snp_report *r) {
  if ((r->policy & CHIO_SNP_POLICY_RESERVED_ONE) == 0) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "a reserved bit of the guest policy is not set");
  }
  if ((r->policy & CHIO_SNP_POLICY_MIGRATE_MA) != 0 && !p->allow_migration) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the guest policy allows a migration agent");
  }
  if ((r->policy & CHIO_SNP_POLICY_SMT) != 0 && p->refuse_smt) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the guest policy allows SMT");
  }
  if ((r->policy & ~CHIO_SNP_POLICY_KNOWN) != 0 && !p->allow_unknown_policy_bits) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the guest policy has bits that this version does not know");
  }
  if (p->require_alias_check && (r->platform_info & CHIO_SNP_PLATFORM_ALIAS_CHECK) == 0) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the platform has not checked its memory for aliases (BadRAM)");
  }
  int64_t max_vmpl = p->max_vmpl >= 0 ? p->max_vmpl : 0;
  if (r->vmpl > (uint64_t)max_vmpl) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the report was made at VMPL %u, above %lld", r->vmpl,
                    (long long)max_vmpl);
  }
  if (p->min_guest_svn >= 0 && r->guest_svn < p->min_guest_svn) {
    chio_judge_fail(j, CHIO_ATTEST_TCB_MINIMUM, "the guest's security version is %u", r->guest_svn);
  }
  uint64_t mitigations = p->require_mitigations > 0 ? (uint64_t)p->require_mitigations : 0;
  if ((r->launch_mitigations & mitigations) != mitigations) {
    chio_judge_fail(j, CHIO_ATTEST_TCB_MINIMUM, "mitigations that the policy needs were not there at launch");
  }
}

static void at_least(struct chio_judge *j, int64_t minimum, uint8_t value, const char *name) {
  if (minimum >= 0 && value < minimum) {
    chio_judge_fail(j, CHIO_ATTEST_TCB_MINIMUM, "the %s's security version %u is below %lld", name, value,
                    (long long)minimum);
  }
}

/* AMD serves no list of good TCBs: without a minimum, every old one would pass. */
static void judge_tcb(struct chio_judge *j, const struct chio_attest_policy *p, const struct chio_snp_report *r,
                      const struct chio_snp_vek *vek) {
  struct chio_snp_tcb tcb = chio_snp_tcb_at(r, CHIO_SNP_REPORTED_TCB, vek->product);
  if (!j->result->pub.simulated && (p->min_snp < 0 || p->min_microcode < 0)) {
    chio_judge_fail(j, CHIO_ATTEST_TCB_MINIMUM, "the policy has no minimum TCB ('snp.min_snp', 'snp.min_microcode')");
  }
  at_least(j, p->min_fmc, tcb.fmc, "FMC");
  at_least(j, p->min_bootloader, tcb.bootloader, "boot loader");
  at_least(j, p->min_tee, tcb.tee, "TEE");
  at_least(j, p->min_snp, tcb.snp, "SNP firmware");
  at_least(j, p->min_microcode, tcb.microcode, "microcode");
  if (p->refuse_provisional &&
      !chio_slice_equal(chio_snp_field(r, CHIO_SNP_CURRENT_TCB, 8), chio_snp_field(r, CHIO_SNP_COMMITTED_TCB, 8))) {
    chio_judge_fail(j, CHIO_ATTEST_TCB_MINIMUM, "the firmware is provisional: it can still be rolled back");
  }
}

static void judge_platform(struct chio_judge *j, const struct chio_attest_policy *p, const struct chio_snp_report *r,
                           const struct chio_snp_vek *vek) {
  const char *product = chio_snp_product_name(vek->product);
  if (p->products.count > 0 && !chio_policy_has_string(&p->products, product)) {
    chio_judge_fail(j, CHIO_ATTEST_CHIP, "the policy does not accept product %s", product);
  }
  if (p->chip_ids.count > 0 && !chio_policy_has_bytes(&p->chip_ids, chio_snp_field(r, CHIO_SNP_CHIP_ID, 64)) &&
      !chio_policy_has_bytes(&p->chip_ids, vek->hw_id)) {
    chio_judge_fail(j, CHIO_ATTEST_CHIP, "the chip is none of the %zu expected", p->chip_ids.count);
  }
  if (vek->kind != CHIO_SNP_VLEK) return;
  const char *csp = chio_judge_keep_string(j, vek->csp_id);
  if (csp == NULL || !chio_policy_has_string(&p->csp_ids, csp)) {
    chio_judge_fail(j, CHIO_ATTEST_CHIP, "the key was loaded by '%s', which 'snp.csp_ids' does not name",
                    csp != NULL ? csp : "?");
  }
}

void chio_snp_judge_policy(struct chio_judge *j, const struct chio_snp_report *r, const struct chio_snp_vek *vek) {
  const struct chio_attest_policy *p = j->policy;
  if (p == NULL) return;
  judge_guest_policy(j, p, r);
  want(j, &p->host_data, chio_snp_field(r, CHIO_SNP_HOST_DATA, 32), CHIO_ATTEST_MEASUREMENT, "HOST_DATA");
  want(j, &p->id_key_digests, chio_snp_field(r, CHIO_SNP_ID_KEY_DIGEST, 48), CHIO_ATTEST_SIGNER, "ID_KEY_DIGEST");
  want(j, &p->author_key_digests, chio_snp_field(r, CHIO_SNP_AUTHOR_KEY_DIGEST, 48), CHIO_ATTEST_SIGNER,
       "AUTHOR_KEY_DIGEST");
  want(j, &p->family_ids, chio_snp_field(r, CHIO_SNP_FAMILY_ID, 16), CHIO_ATTEST_SIGNER, "FAMILY_ID");
  want(j, &p->image_ids, chio_snp_field(r, CHIO_SNP_IMAGE_ID, 16), CHIO_ATTEST_SIGNER, "IMAGE_ID");
  if (vek == NULL) return;
  judge_tcb(j, p, r, vek);
  judge_platform(j, p, r, vek);
}
