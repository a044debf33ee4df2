/* Azure: hardware report -> hash of the runtime data -> the vTPM's key -> its quote -> nonce and registers. */
#include "attest/azure.h"

#include "attest/identity.h"
#include "attest/judge.h"
#include "attest/jwk.h"
#include "attest/pem.h"

#include <stdio.h>

/* The hardware report's data is the hash of the runtime data, padded with zeros. */
static bool binds_runtime(struct chio_judge *j, const struct chio_azure *a) {
  static const enum chio_hash hashes[] = {CHIO_HASH_SHA256, CHIO_HASH_SHA384, CHIO_HASH_SHA512};
  const struct chio_attest_result *r = &j->result->pub;
  uint8_t expected[64] = {0};
  if (chio_hash_bytes(hashes[a->parsed.hash_type - 1], a->parsed.runtime, expected) != CHIO_OK) return false;
  return chio_slice_equal(chio_slice(r->report_data, r->report_data_len), chio_slice(expected, sizeof expected));
}

/* HCLAkPub among the runtime data's keys. */
static enum chio_err attestation_key(const struct chio_json_doc *doc, struct chio_buf *out_spki) {
  const struct chio_json *keys = chio_json_get(doc, chio_json_root(doc), "keys");
  for (const struct chio_json *k = chio_json_first(doc, keys); k != NULL; k = chio_json_next(doc, k)) {
    if (chio_json_is(chio_json_get(doc, k, "kid"), "HCLAkPub")) return chio_jwk_spki(doc, k, out_spki);
  }
  return CHIO_E_NOT_FOUND;
}

static bool registers_fit(const struct chio_azure *a, const struct chio_tpm_quote *quote) {
  struct chio_slice parts[CHIO_TPM_PCRS];
  uint8_t digest[CHIO_SHA256_SIZE];
  size_t count = 0;
  for (size_t i = 0; i < CHIO_TPM_PCRS; i++) {
    if ((quote->selected & 1u << i) == 0) continue;
    if (i >= a->pcrs_count) return false;
    parts[count++] = chio_slice(a->pcrs[i], 32);
  }
  return chio_hash_parts(CHIO_HASH_SHA256, parts, count, digest) == CHIO_OK &&
         chio_slice_equal(quote->pcr_digest, chio_slice(digest, sizeof digest));
}

/* What the TPM quoted is the nonce, unless it is the data of a bundle or of a profile, which has the nonce in it. */
static void judge_nonce(struct chio_judge *j, const struct chio_tpm_quote *quote, bool holds) {
  if (j->inside || j->binding != NULL) return;
  j->nonce_judged = true;
  if (!chio_judge_wants_nonce(j)) return;
  if (holds && chio_judge_answers(j, quote->extra_data)) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_NONCE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_NONCE, "the TPM quote does not answer the nonce");
  }
}

static void judge_registers(struct chio_judge *j, const struct chio_azure *a, const struct chio_tpm_quote *quote) {
  const struct chio_attest_policy *p = j->policy;
  struct chio_attest_measurements registers;
  j->tpm_registers_judged = true;
  if (chio_measurements_of_azure(a, &registers) == CHIO_OK) chio_judge_set_measurements(j, &registers);
  for (size_t i = 0; i < a->pcrs_count; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "pcr%zu", i);
    chio_claim_hex(j, name, chio_slice(a->pcrs[i], 32));
  }
  for (unsigned i = 0; p != NULL && i < CHIO_POLICY_PCRS; i++) {
    if (p->tpm_pcrs.values[i].count == 0) continue;
    bool quoted = i < a->pcrs_count && (quote->selected & 1u << i) != 0;
    if (quoted && chio_policy_has_bytes(&p->tpm_pcrs.values[i], chio_slice(a->pcrs[i], 32))) continue;
    chio_judge_fail(j, CHIO_ATTEST_MEASUREMENT, "the TPM's PCR%u is %s", i,
                    quoted ? "none of those expected" : "not quoted");
  }
}

static void judge_tpm(struct chio_judge *j, const struct chio_azure *a, bool bound) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *runtime = NULL;
  struct chio_buf spki = CHIO_BUF_INIT;
  struct chio_tpm_quote quote;
  struct chio_pubkey key;
  if (chio_tpm_quote_parse(chio_buf_slice(&a->message), &quote) != CHIO_OK ||
      chio_json_parse(a->parsed.runtime, &runtime) != CHIO_OK || attestation_key(runtime, &spki) != CHIO_OK ||
      chio_pubkey_parse(chio_buf_slice(&spki), &key) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the TPM quote or the runtime data that names its key is malformed");
    chio_buf_clear(&spki);
    return;
  }
  bool holds = chio_pubkey_verify(&key, CHIO_SIG_RSA_PKCS1_SHA256, chio_buf_slice(&a->message),
                                  chio_buf_slice(&a->signature)) == CHIO_OK;
  if (!holds) chio_judge_fail(j, CHIO_ATTEST_TPM, "the vTPM's key did not sign the TPM quote");
  bool fit = registers_fit(a, &quote);
  if (!fit) chio_judge_fail(j, CHIO_ATTEST_TPM, "the registers are not those that the TPM quoted");
  if (holds && fit && bound) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_TPM);
    j->quoted = (struct chio_slice){chio_judge_keep_bytes(j, quote.extra_data), quote.extra_data.len};
  }
  chio_claim_hex(j, "tpm_nonce", quote.extra_data);
  chio_claim_raw(j, "runtime_data", a->parsed.runtime);
  judge_registers(j, a, &quote);
  judge_nonce(j, &quote, holds && bound);
  chio_buf_clear(&spki);
}

static void judge_hardware(struct chio_judge *j, const struct chio_azure *a) {
  if (a->parsed.report_type == CHIO_HCL_TYPE_TDX) {
    chio_judge_dcap(j, chio_buf_slice(&a->td_quote));
    j->result->pub.format = "azure-tdx";
    j->result->pub.measurements = NULL; /* those of the paravisor: the machine's own are in the vTPM */
    return;
  }
  struct chio_slice vcek = chio_buf_slice(&a->vcek);
  if (vcek.len > 0) {
    enum chio_err err = chio_pem_has(vcek, "CERTIFICATE") ? chio_cert_set_add_pem(&j->certs, vcek, 4)
                                                          : chio_cert_set_add(&j->certs, vcek);
    if (err != CHIO_OK) chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the VCEK certificate is malformed");
  }
  chio_judge_snp(j, a->parsed.hardware);
  j->result->pub.format = "azure-snp";
}

bool chio_judge_azure(struct chio_judge *j, const struct chio_json_doc *doc) {
  struct chio_azure a;
  if (!chio_azure_looks_like(doc)) return false;
  if (!j->inside) j->result->pub.container = "json";
  enum chio_err err = chio_azure_parse(doc, &a);
  if (err != CHIO_OK) {
    chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
                    "the Azure evidence is %s", chio_err_text(err));
  } else {
    judge_hardware(j, &a);
    j->result->pub.needed |= CHIO_ATTEST_PROVED_TPM;
    bool bound = binds_runtime(j, &a);
    if (bound)
      chio_judge_prove(j, CHIO_ATTEST_PROVED_REPORT_DATA);
    else
      chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the hardware report does not bind the runtime data");
    judge_tpm(j, &a, bound);
  }
  chio_azure_clear(&a);
  return true;
}
