/* Quotes in the layout of Chio's own verifier: signature by a certified key, chain to a simulated root. */
#include "attest/collateral.h"
#include "attest/identity.h"
#include "attest/interop_quote.h"
#include "attest/judge.h"
#include "attest/snp_vek.h"

static void describe(struct chio_judge *j, const struct chio_interop_quote *q) {
  bool snp = q->kind == CHIO_INTEROP_SNP;
  j->result->pub.format = snp ? "chio-snp" : "chio-tdx";
  j->result->pub.tee = snp ? "snp" : "tdx";
  struct chio_attest_measurements registers;
  if (!snp) {
    j->result->pub.debug = q->body.data[CHIO_TD_ATTRIBUTES] != 0;
    chio_measurements_of_td(q->body, &registers);
    chio_judge_set_measurements(j, &registers);
  }
  chio_judge_set_measurement(j, q->measurement);
  chio_judge_set_report_data(j, q->report_data);
  chio_claim_hex(j, "measurement", q->measurement);
  chio_claim_hex(j, "report_data", q->report_data);
  if (!snp) return;
  chio_claim_uint(j, "vmpl", q->vmpl);
  chio_claim_uint(j, "reported_tcb", q->reported_tcb);
  chio_claim_string(j, "signing_key", chio_slice_str(q->vlek ? "VLEK" : "VCEK"));
}

/* By its role, as its subject says it. */
static bool may_sign(const struct chio_cert *cert, const struct chio_interop_quote *q) {
  struct chio_snp_vek vek;
  if (cert->is_ca) return false;
  if (q->kind == CHIO_INTEROP_TDX) return chio_cert_cn_contains(cert, "PCK Certificate");
  return chio_snp_vek_parse(cert, &vek) == CHIO_OK && (vek.kind == CHIO_SNP_VLEK) == q->vlek;
}

static const struct chio_cert *find_signer(struct chio_judge *j, const struct chio_interop_quote *q, bool *out_any) {
  const struct chio_cert_set *sets[] = {&j->certs, chio_collateral_certs(j->collateral)};
  *out_any = false;
  for (size_t s = 0; s < CHIO_ARRAY_LEN(sets); s++) {
    for (size_t i = 0; sets[s] != NULL && i < sets[s]->count; i++) {
      const struct chio_cert *cert = sets[s]->certs[i];
      if (!may_sign(cert, q)) continue;
      *out_any = true;
      if (chio_pubkey_verify_raw(&cert->key, q->signed_data, q->signature) == CHIO_OK) return cert;
    }
  }
  return NULL;
}

static void judge_chain(struct chio_judge *j, const struct chio_interop_quote *q) {
  struct chio_path path;
  bool any;
  const struct chio_cert *signer = find_signer(j, q, &any);
  if (signer == NULL && any) {
    chio_judge_fail(j, CHIO_ATTEST_SIGNATURE, "none of the certificates at hand signed this quote");
  } else if (signer == NULL) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "the certificate of the signing key is missing: the quote does not carry it");
  }
  if (signer == NULL) return;
  chio_judge_prove(j, CHIO_ATTEST_PROVED_SIGNATURE);
  enum chio_vendor vendor = q->kind == CHIO_INTEROP_TDX ? CHIO_VENDOR_INTEL : CHIO_VENDOR_AMD;
  if (!chio_judge_chain(j, vendor, signer, "signing key", &path)) return;
  if (path.anchor == NULL || path.anchor->simulated) return;
  j->result->pub.proved &= ~(uint32_t)CHIO_ATTEST_PROVED_CHAIN;
  chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "hardware makes no quote in Chio's own form");
}

void chio_judge_interop(struct chio_judge *j, struct chio_slice bytes) {
  struct chio_interop_quote q;
  enum chio_err err = chio_interop_parse(bytes, &q);
  if (err != CHIO_OK) {
    chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
                    "the quote in Chio's own form is %s", chio_err_text(err));
    return;
  }
  describe(j, &q);
  j->result->pub.needed = CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN;
  if (chio_hash_bytes(CHIO_HASH_SHA256, q.signed_data, j->result->pub.replay_id) != CHIO_OK)
    j->result->out_of_memory = true;
  judge_chain(j, &q);
  /* The words of a policy are for the formats of hardware; to take one that does not apply for kept would be wrong. */
  if (j->policy != NULL)
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "a quote in Chio's own form is judged by a root, not by a policy");
}
