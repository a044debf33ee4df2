/* SEV-SNP reports: signature, chip and TCB of the key's certificate, chain. */
#include "attest/collateral.h"
#include "attest/judge.h"
#include "attest/snp_policy.h"
#include "attest/snp_vek.h"

#include <stdio.h>

/* ---- What the report says ---- */

static void describe_tcb(struct chio_judge *j, const char *name, const struct chio_snp_tcb *tcb) {
  char text[128];
  (void)snprintf(text, sizeof text, "{\"fmc\":%u,\"bootloader\":%u,\"tee\":%u,\"snp\":%u,\"microcode\":%u}", tcb->fmc,
                 tcb->bootloader, tcb->tee, tcb->snp, tcb->microcode);
  chio_claim_raw(j, name, chio_slice_str(text));
}

static void describe(struct chio_judge *j, const struct chio_snp_report *r) {
  static const struct {
    const char *name;
    size_t offset, len;
  } fields[] = {
      {"family_id", CHIO_SNP_FAMILY_ID, 16},
      {"image_id", CHIO_SNP_IMAGE_ID, 16},
      {"report_data", CHIO_SNP_REPORT_DATA, 64},
      {"measurement", CHIO_SNP_MEASUREMENT, 48},
      {"host_data", CHIO_SNP_HOST_DATA, 32},
      {"id_key_digest", CHIO_SNP_ID_KEY_DIGEST, 48},
      {"author_key_digest", CHIO_SNP_AUTHOR_KEY_DIGEST, 48},
      {"report_id", CHIO_SNP_REPORT_ID, 32},
      {"report_id_ma", CHIO_SNP_REPORT_ID_MA, 32},
      {"chip_id", CHIO_SNP_CHIP_ID, 64},
      {"current_tcb", CHIO_SNP_CURRENT_TCB, 8},
      {"committed_tcb", CHIO_SNP_COMMITTED_TCB, 8},
      {"launch_tcb", CHIO_SNP_LAUNCH_TCB, 8},
      {"reported_tcb", CHIO_SNP_REPORTED_TCB, 8},
  };
  static const uint8_t zero[48];
  char format[16];
  (void)snprintf(format, sizeof format, "snp-v%u", r->version);
  j->result->pub.format = chio_judge_keep_string(j, chio_slice_str(format));
  j->result->pub.tee = "snp";
  j->result->pub.debug = (r->policy & CHIO_SNP_POLICY_DEBUG) != 0;
  chio_judge_set_measurement(j, chio_snp_field(r, CHIO_SNP_MEASUREMENT, 48));
  chio_judge_set_report_data(j, chio_snp_field(r, CHIO_SNP_REPORT_DATA, 64));
  struct chio_slice id_key = chio_snp_field(r, CHIO_SNP_ID_KEY_DIGEST, 48);
  if (memcmp(id_key.data, zero, sizeof zero) != 0) chio_judge_set_signer(j, id_key);
  chio_claim_uint(j, "version", r->version);
  chio_claim_uint(j, "guest_svn", r->guest_svn);
  chio_claim_uint(j, "vmpl", r->vmpl);
  chio_claim_uint(j, "policy", r->policy);
  chio_claim_uint(j, "platform_info", r->platform_info);
  chio_claim_string(j, "signing_key", chio_slice_str(r->signing_key == CHIO_SNP_VLEK ? "VLEK" : "VCEK"));
  if (r->version >= 3) chio_claim_hex(j, "cpuid", chio_snp_field(r, CHIO_SNP_CPUID, 3));
  if (r->version >= 5) chio_claim_uint(j, "launch_mitigations", r->launch_mitigations);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(fields); i++) {
    chio_claim_hex(j, fields[i].name, chio_snp_field(r, fields[i].offset, fields[i].len));
  }
}

/* ---- The key ---- */

static bool same_tcb(const struct chio_snp_tcb *a, const struct chio_snp_tcb *b) {
  return a->fmc == b->fmc && a->bootloader == b->bootloader && a->tee == b->tee && a->snp == b->snp &&
         a->microcode == b->microcode;
}

/* The chip's id, of which Turin has 8 bytes. A masked (zero) one says nothing; the signature alone names the chip then.
 */
static bool same_chip(const struct chio_snp_report *r, const struct chio_snp_vek *vek) {
  static const uint8_t zero[64];
  struct chio_slice chip = chio_snp_field(r, CHIO_SNP_CHIP_ID, 64);
  if (vek->kind == CHIO_SNP_VLEK || memcmp(chip.data, zero, sizeof zero) == 0) return true;
  return memcmp(chip.data, vek->hw_id.data, vek->hw_id.len) == 0;
}

/* Version 2 has no CPUID, and was out of use before Turin, whose TCB has other parts. */
static bool same_product(const struct chio_snp_report *r, const struct chio_snp_vek *vek) {
  if (r->version == 2) return vek->product == CHIO_SNP_MILAN || vek->product == CHIO_SNP_GENOA;
  return vek->product != CHIO_SNP_UNKNOWN && r->product == vek->product;
}

/* How well a certificate fits the report: those that differ in chip or TCB are other times of other machines. */
static unsigned fit(const struct chio_snp_report *r, const struct chio_snp_vek *vek) {
  struct chio_snp_tcb reported = chio_snp_tcb_at(r, CHIO_SNP_REPORTED_TCB, vek->product);
  return 1u + (same_product(r, vek) ? 4u : 0) + (same_chip(r, vek) ? 2u : 0) +
         (same_tcb(&reported, &vek->tcb) ? 1u : 0);
}

static const struct chio_cert *find_vek(struct chio_judge *j, const struct chio_snp_report *r,
                                        struct chio_snp_vek *out) {
  const struct chio_cert_set *sets[] = {&j->certs, chio_collateral_certs(j->collateral)};
  const struct chio_cert *found = NULL;
  unsigned best = 0;
  for (size_t s = 0; s < CHIO_ARRAY_LEN(sets); s++) {
    for (size_t i = 0; sets[s] != NULL && i < sets[s]->count; i++) {
      struct chio_snp_vek vek;
      if (chio_snp_vek_parse(sets[s]->certs[i], &vek) != CHIO_OK || vek.kind != r->signing_key) continue;
      if (fit(r, &vek) <= best) continue;
      best = fit(r, &vek);
      found = sets[s]->certs[i];
      *out = vek;
    }
  }
  return found;
}

static void judge_vek(struct chio_judge *j, const struct chio_snp_report *r, const struct chio_snp_vek *vek) {
  struct chio_snp_tcb reported = chio_snp_tcb_at(r, CHIO_SNP_REPORTED_TCB, vek->product);
  describe_tcb(j, "tcb", &reported);
  chio_claim_string(j, "product", chio_slice_str(chio_snp_product_name(vek->product)));
  if (vek->csp_id.len > 0) chio_claim_string(j, "csp_id", vek->csp_id);
  if (!same_product(r, vek)) {
    chio_judge_fail(j, CHIO_ATTEST_CERTIFICATE_MISMATCH, "the certificate is for product %s, the report says %s",
                    chio_snp_product_name(vek->product), chio_snp_product_name(r->product));
  } else if (!same_chip(r, vek)) {
    chio_judge_fail(j, CHIO_ATTEST_CERTIFICATE_MISMATCH, "the certificate is for another chip");
  } else if (!same_tcb(&reported, &vek->tcb)) {
    chio_judge_fail(j, CHIO_ATTEST_CERTIFICATE_MISMATCH, "the certificate is for another TCB than the report's");
  } else if (chio_judge_proved(j, CHIO_ATTEST_PROVED_CHAIN) && chio_judge_proved(j, CHIO_ATTEST_PROVED_SIGNATURE)) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_TCB);
  }
}

/* ---- The chain ---- */

/* key <- SEV-{product} or SEV-VLEK-{product} <- ARK-{product}: names, so that no product vouches for another, and no
 * authority of chips for keys that a provider loads. A simulated root has a name of its own. */
static bool names_fit(const struct chio_path *path, const struct chio_snp_vek *vek) {
  char ca[48], root[48];
  const char *product = chio_snp_product_name(vek->product);
  (void)snprintf(ca, sizeof ca, vek->kind == CHIO_SNP_VLEK ? "SEV-VLEK-%s" : "SEV-%s", product);
  (void)snprintf(root, sizeof root, "ARK-%s", product);
  if (path->count != 3) return false;
  if (!chio_cert_cn_is(path->certs[1], ca)) return false;
  return path->anchor == NULL || path->anchor->simulated || strcmp(path->anchor->name, root) == 0;
}

/* AMD's list has the serial numbers of intermediates; endorsement keys are never revoked, AMD raises the TCB instead.
 */
static void judge_revocation(struct chio_judge *j, const struct chio_path *path) {
  const struct chio_crl *crl =
      chio_judge_find_crl(j, path->certs[path->count - 1], "the root's revocation list");
  bool revoked = true;
  if (crl == NULL) return;
  chio_judge_window(j, crl->this_update, crl->next_update);
  if (!chio_judge_time(j, crl->this_update, crl->next_update, "the root's revocation list", true)) return;
  if (chio_crl_contains(crl, path->certs[1]->serial, &revoked) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_COLLATERAL_FORMAT, "a revocation list is malformed");
  } else if (revoked) {
    chio_judge_fail(j, CHIO_ATTEST_REVOKED, "the certificate of the intermediate authority is revoked");
  } else {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_CRL);
  }
}

static void judge_key(struct chio_judge *j, const struct chio_snp_report *r) {
  struct chio_snp_vek vek;
  const struct chio_cert *cert = find_vek(j, r, &vek);
  struct chio_path path;
  if (cert == NULL) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "the %s certificate is missing: neither evidence nor collateral has it",
                    r->signing_key == CHIO_SNP_VLEK ? "VLEK" : "VCEK");
    chio_snp_judge_policy(j, r, NULL);
    return;
  }
  if (chio_pubkey_verify_raw(&cert->key, chio_snp_field(r, 0, CHIO_SNP_SIGNED_SIZE),
                             chio_slice(r->signature, sizeof r->signature)) == CHIO_OK) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_SIGNATURE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_SIGNATURE, "the %s at hand did not sign this report",
                    r->signing_key == CHIO_SNP_VLEK ? "VLEK" : "VCEK");
  }
  if (chio_judge_chain(j, CHIO_VENDOR_AMD, cert, "endorsement key", &path)) {
    if (!names_fit(&path, &vek)) {
      j->result->pub.proved &= ~(uint32_t)CHIO_ATTEST_PROVED_CHAIN;
      chio_judge_fail(j, CHIO_ATTEST_CHAIN, "the chain is not that of this product and kind of key");
    } else if (path.anchor != NULL) {
      judge_revocation(j, &path);
    }
  }
  judge_vek(j, r, &vek);
  chio_snp_judge_policy(j, r, &vek);
}

void chio_judge_snp(struct chio_judge *j, struct chio_slice bytes) {
  struct chio_snp_report report;
  enum chio_err err = chio_snp_report_parse(bytes, &report);
  if (err != CHIO_OK) {
    bool unknown = err == CHIO_E_VERSION || err == CHIO_E_UNSUPPORTED;
    chio_judge_fail(
        j, unknown ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
        unknown ? "an SNP report of a version or signing key that is not supported" : "the SNP report is malformed");
    return;
  }
  describe(j, &report);
  j->result->pub.needed =
      CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_CRL | CHIO_ATTEST_PROVED_TCB;
  if (chio_hash_bytes(CHIO_HASH_SHA256, chio_snp_field(&report, 0, CHIO_SNP_SIGNED_SIZE), j->result->pub.replay_id) !=
      CHIO_OK) {
    j->result->out_of_memory = true;
  }
  struct chio_slice rest = chio_slice(bytes.data + CHIO_SNP_REPORT_SIZE, bytes.len - CHIO_SNP_REPORT_SIZE);
  if (chio_snp_table_looks_like(rest)) {
    if (chio_snp_table_add(rest, &j->certs) != CHIO_OK) {
      chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the certificate table after the report is malformed");
    }
  } else {
    chio_judge_trailing(j, rest);
  }
  judge_key(j, &report);
}
