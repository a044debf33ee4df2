/* The rules of a policy that only DCAP quotes know. */
#include "attest/dcap_policy.h"

static struct chio_slice field(struct chio_slice body, size_t offset, size_t len) {
  return chio_slice(body.data + offset, len);
}

static void want(struct chio_judge *j, const struct chio_policy_bytes_list *list, struct chio_slice value,
                 enum chio_attest_reason reason, const char *name) {
  if (list->count == 0 || chio_policy_has_bytes(list, value)) return;
  chio_judge_fail(j, reason, "%s is none of the %zu expected", name, list->count);
}

static bool is_zero(struct chio_slice bytes) {
  for (size_t i = 0; i < bytes.len; i++) {
    if (bytes.data[i] != 0) return false;
  }
  return true;
}

/* TD attributes, by bit: 28 SEPT_VE_DISABLE, 29 MIGRATABLE, 30 PKS, 31 KL, 63 PERFMON; all others are reserved. */
static void judge_td_attributes(struct chio_judge *j, const struct chio_attest_policy *p, struct chio_slice body) {
  const uint8_t *a = body.data + CHIO_TD_ATTRIBUTES;
  if ((a[3] & 0x10) == 0 && !p->allow_sept_ve) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "SEPT_VE_DISABLE is not set: the host can inject exceptions");
  }
  if ((a[7] & 0x80) != 0 && !p->allow_perfmon)
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "performance monitoring is on");
  if (a[1] != 0 || a[2] != 0 || (a[3] & 0x0f) != 0 || a[4] != 0 || a[5] != 0 || a[6] != 0 || (a[7] & 0x7f) != 0) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "reserved TD attributes are set");
  }
  bool migratable =
      (a[3] & 0x20) != 0 || (body.len >= CHIO_DCAP_TD15_SIZE && !is_zero(field(body, CHIO_TD_MRSERVICETD, 48)));
  if (migratable && !p->allow_migratable) {
    chio_judge_fail(j, CHIO_ATTEST_ATTRIBUTES, "the TD can be migrated by a service TD");
  }
}

static void judge_tdx(struct chio_judge *j, const struct chio_attest_policy *p, struct chio_slice body) {
  static const char *const names[] = {"RTMR0", "RTMR1", "RTMR2", "RTMR3"};
  for (size_t i = 0; i < 4; i++) {
    want(j, &p->rtmr[i], field(body, CHIO_TD_RTMR0 + 48 * i, 48), CHIO_ATTEST_MEASUREMENT, names[i]);
  }
  want(j, &p->mrconfigid, field(body, CHIO_TD_MRCONFIGID, 48), CHIO_ATTEST_MEASUREMENT, "MRCONFIGID");
  want(j, &p->mrowner, field(body, CHIO_TD_MROWNER, 48), CHIO_ATTEST_SIGNER, "MROWNER");
  want(j, &p->mrownerconfig, field(body, CHIO_TD_MROWNERCONFIG, 48), CHIO_ATTEST_MEASUREMENT, "MROWNERCONFIG");
  want(j, &p->mrseam, field(body, CHIO_TD_MRSEAM, 48), CHIO_ATTEST_TDX_MODULE, "MRSEAM");
  judge_td_attributes(j, p, body);
}

static void judge_sgx(struct chio_judge *j, const struct chio_attest_policy *p, struct chio_slice body) {
  const uint8_t *prod = body.data + CHIO_SGX_ISVPRODID, *svn = body.data + CHIO_SGX_ISVSVN;
  if (p->isv_prod_id >= 0 && (prod[0] | prod[1] << 8) != p->isv_prod_id) {
    chio_judge_fail(j, CHIO_ATTEST_SIGNER, "the enclave's product id is %d", prod[0] | prod[1] << 8);
  }
  if (p->min_isv_svn >= 0 && (svn[0] | svn[1] << 8) < p->min_isv_svn) {
    chio_judge_fail(j, CHIO_ATTEST_TCB_MINIMUM, "the enclave's security version is %d", svn[0] | svn[1] << 8);
  }
  want(j, &p->config_ids, field(body, CHIO_SGX_CONFIGID, 64), CHIO_ATTEST_MEASUREMENT, "CONFIGID");
  /* A signer alone names every product that he ever signed, at every version. */
  if (p->measurements.count == 0 && p->signers.count > 0 && (p->isv_prod_id < 0 || p->min_isv_svn < 0)) {
    chio_judge_fail(j, CHIO_ATTEST_SIGNER, "with 'signers' alone, 'sgx.isv_prod_id' and 'sgx.min_isv_svn' are needed");
  }
}

void chio_dcap_judge_policy(struct chio_judge *j, const struct chio_dcap_quote *quote, const struct chio_pck *pck) {
  const struct chio_attest_policy *p = j->policy;
  if (p == NULL) return;
  if (quote->tee_type == CHIO_DCAP_TEE_TDX)
    judge_tdx(j, p, quote->body);
  else
    judge_sgx(j, p, quote->body);
  if (pck == NULL) return;
  struct chio_slice fmspc = chio_slice(pck->fmspc, sizeof pck->fmspc);
  want(j, &p->fmspc_accepted, fmspc, CHIO_ATTEST_CHIP, "the FMSPC");
  want(j, &p->ppid_accepted, chio_slice(pck->ppid, sizeof pck->ppid), CHIO_ATTEST_CHIP, "the PPID");
  if (chio_policy_has_bytes(&p->fmspc_refused, fmspc)) chio_judge_fail(j, CHIO_ATTEST_CHIP, "the FMSPC is refused");
}
