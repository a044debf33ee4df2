/* DCAP quotes, SGX and TDX: structure, signatures, the quoting enclave, the chain. The TCB is judged in dcap_tcb.c. */
#include "attest/collateral.h"
#include "attest/dcap_pck.h"
#include "attest/dcap_policy.h"
#include "attest/dcap_quote.h"
#include "attest/dcap_tcb.h"
#include "attest/identity.h"
#include "attest/judge.h"
#include "attest/pem.h"

#include <stdio.h>

#define SGX_FLAG_DEBUG 0x02u
#define CHAIN_CERTS_MAX 8u

static struct chio_slice field(struct chio_slice body, size_t offset, size_t len) {
  return chio_slice(body.data + offset, len);
}

static uint64_t uint_le(struct chio_slice bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.len; i > 0; i--) value = value << 8 | bytes.data[i - 1];
  return value;
}

/* ---- What the quote says ---- */

static void describe_sgx(struct chio_judge *j, const struct chio_dcap_quote *q) {
  struct chio_slice body = q->body;
  chio_judge_set_measurement(j, field(body, CHIO_SGX_MRENCLAVE, 32));
  chio_judge_set_signer(j, field(body, CHIO_SGX_MRSIGNER, 32));
  chio_judge_set_report_data(j, field(body, CHIO_SGX_REPORT_DATA, 64));
  j->result->pub.debug = (body.data[CHIO_SGX_ATTRIBUTES] & SGX_FLAG_DEBUG) != 0;
  chio_claim_hex(j, "cpusvn", field(body, CHIO_SGX_CPUSVN, 16));
  chio_claim_uint(j, "miscselect", uint_le(field(body, CHIO_SGX_MISCSELECT, 4)));
  chio_claim_hex(j, "attributes", field(body, CHIO_SGX_ATTRIBUTES, 16));
  chio_claim_hex(j, "mrenclave", field(body, CHIO_SGX_MRENCLAVE, 32));
  chio_claim_hex(j, "mrsigner", field(body, CHIO_SGX_MRSIGNER, 32));
  chio_claim_hex(j, "configid", field(body, CHIO_SGX_CONFIGID, 64));
  chio_claim_uint(j, "isvprodid", uint_le(field(body, CHIO_SGX_ISVPRODID, 2)));
  chio_claim_uint(j, "isvsvn", uint_le(field(body, CHIO_SGX_ISVSVN, 2)));
  chio_claim_uint(j, "configsvn", uint_le(field(body, CHIO_SGX_CONFIGSVN, 2)));
  chio_claim_hex(j, "report_data", field(body, CHIO_SGX_REPORT_DATA, 64));
}

static void describe_tdx(struct chio_judge *j, const struct chio_dcap_quote *q) {
  static const struct {
    const char *name;
    size_t offset, len;
  } fields[] = {
      {"tee_tcb_svn", CHIO_TD_TCB_SVN, 16},
      {"mrseam", CHIO_TD_MRSEAM, 48},
      {"mrsignerseam", CHIO_TD_MRSIGNERSEAM, 48},
      {"seamattributes", CHIO_TD_SEAMATTRIBUTES, 8},
      {"tdattributes", CHIO_TD_ATTRIBUTES, 8},
      {"xfam", CHIO_TD_XFAM, 8},
      {"mrtd", CHIO_TD_MRTD, 48},
      {"mrconfigid", CHIO_TD_MRCONFIGID, 48},
      {"mrowner", CHIO_TD_MROWNER, 48},
      {"mrownerconfig", CHIO_TD_MROWNERCONFIG, 48},
      {"rtmr0", CHIO_TD_RTMR0, 48},
      {"rtmr1", CHIO_TD_RTMR0 + 48, 48},
      {"rtmr2", CHIO_TD_RTMR0 + 96, 48},
      {"rtmr3", CHIO_TD_RTMR0 + 144, 48},
      {"report_data", CHIO_TD_REPORT_DATA, 64},
      {"tee_tcb_svn_2", CHIO_TD_TCB_SVN_2, 16},
      {"mrservicetd", CHIO_TD_MRSERVICETD, 48},
  };
  struct chio_attest_measurements registers;
  chio_measurements_of_td(q->body, &registers);
  chio_judge_set_measurements(j, &registers);
  chio_judge_set_measurement(j, field(q->body, CHIO_TD_MRTD, 48));
  chio_judge_set_report_data(j, field(q->body, CHIO_TD_REPORT_DATA, 64));
  /* All eight bits of the TUD group mean that someone may look into the TD; bit 0 is DEBUG. */
  j->result->pub.debug = q->body.data[CHIO_TD_ATTRIBUTES] != 0;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(fields); i++) {
    if (fields[i].offset + fields[i].len > q->body.len) break;
    chio_claim_hex(j, fields[i].name, field(q->body, fields[i].offset, fields[i].len));
  }
}

static void describe(struct chio_judge *j, const struct chio_dcap_quote *q) {
  bool tdx = q->tee_type == CHIO_DCAP_TEE_TDX;
  char format[16];
  (void)snprintf(format, sizeof format, "%s-v%u", tdx ? "tdx" : "sgx", q->version);
  j->result->pub.format = chio_judge_keep_string(j, chio_slice_str(format));
  j->result->pub.tee = tdx ? "tdx" : "sgx";
  chio_claim_uint(j, "version", q->version);
  chio_claim_uint(j, "cert_type", q->cert_type);
  chio_claim_hex(j, "user_data", field(q->header, 28, CHIO_DCAP_USER_DATA_SIZE));
  chio_claim_uint(j, "qe_isvsvn", uint_le(field(q->qe_report, CHIO_SGX_ISVSVN, 2)));
  chio_claim_uint(j, "qe_isvprodid", uint_le(field(q->qe_report, CHIO_SGX_ISVPRODID, 2)));
  chio_claim_hex(j, "qe_mrenclave", field(q->qe_report, CHIO_SGX_MRENCLAVE, 32));
  chio_claim_hex(j, "qe_mrsigner", field(q->qe_report, CHIO_SGX_MRSIGNER, 32));
  chio_claim_uint(j, "trailing", q->trailing.len);
  if (tdx)
    describe_tdx(j, q);
  else
    describe_sgx(j, q);
}

static void describe_pck(struct chio_judge *j, const struct chio_pck *pck) {
  chio_claim_hex(j, "fmspc", chio_slice(pck->fmspc, sizeof pck->fmspc));
  chio_claim_hex(j, "pceid", chio_slice(pck->pceid, sizeof pck->pceid));
  chio_claim_hex(j, "ppid", chio_slice(pck->ppid, sizeof pck->ppid));
  chio_claim_hex(j, "pck_tcb", chio_slice(pck->tcb, sizeof pck->tcb));
  chio_claim_uint(j, "pcesvn", pck->pcesvn);
  chio_claim_uint(j, "sgx_type", pck->sgx_type);
  if (pck->has_platform_instance) chio_claim_hex(j, "platform_instance", chio_slice(pck->platform_instance, 16));
  if (!pck->has_configuration) return;
  chio_claim_bool(j, "dynamic_platform", pck->dynamic_platform);
  chio_claim_bool(j, "cached_keys", pck->cached_keys);
  chio_claim_bool(j, "smt", pck->smt);
}

/* ---- What is proved ---- */

static void judge_signature(struct chio_judge *j, const struct chio_dcap_quote *q) {
  if (chio_raw_verify(q->attestation_key, q->signed_data, q->signature) == CHIO_OK) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_SIGNATURE);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_SIGNATURE, "the attestation key did not sign this quote");
  }
}

/* The QE's report data is SHA-256(attestation key || authentication data) || 32 zero bytes. */
static bool qe_binds_key(const struct chio_dcap_quote *q) {
  uint8_t expected[64] = {0};
  const struct chio_slice parts[] = {q->attestation_key, q->qe_auth};
  if (chio_hash_parts(CHIO_HASH_SHA256, parts, CHIO_ARRAY_LEN(parts), expected) != CHIO_OK) return false;
  return chio_slice_equal(field(q->qe_report, CHIO_SGX_REPORT_DATA, 64), chio_slice(expected, sizeof expected));
}

static bool judge_qe_binding(struct chio_judge *j, const struct chio_dcap_quote *q) {
  if (!qe_binds_key(q)) {
    chio_judge_fail(j, CHIO_ATTEST_QE_BINDING, "the quoting enclave's report data does not match the attestation key");
    return false;
  }
  if ((q->qe_report.data[CHIO_SGX_ATTRIBUTES] & SGX_FLAG_DEBUG) != 0) {
    chio_judge_fail(j, CHIO_ATTEST_QE_IDENTITY, "the quoting enclave can be debugged");
    return false;
  }
  return true;
}

/* The role of a certificate is in its subject, not in its place: chains come in any order. */
static const struct chio_cert *find_pck(const struct chio_cert_set *certs) {
  for (size_t i = 0; i < certs->count; i++) {
    if (chio_cert_cn_contains(certs->certs[i], "PCK Certificate") && !certs->certs[i]->is_ca) return certs->certs[i];
  }
  return NULL;
}

static const struct chio_cert *read_certificates(struct chio_judge *j, const struct chio_dcap_quote *q) {
  if (q->cert_type != CHIO_DCAP_CERT_PCK_CHAIN) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "the quote carries no PCK certificate (certification data type %u)",
                    q->cert_type);
    return NULL;
  }
  if (!chio_pem_only(q->cert_data, "CERTIFICATE") ||
      chio_cert_set_add_pem(&j->certs, q->cert_data, CHAIN_CERTS_MAX) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "a certificate in the quote is malformed");
    return NULL;
  }
  const struct chio_cert *pck = find_pck(&j->certs);
  if (pck == NULL) chio_judge_fail(j, CHIO_ATTEST_CHAIN, "the quote's chain has no PCK certificate");
  return pck;
}

/* Every certificate of the quote must be one that its chain needs, even where collateral has a better copy of it. */
static bool all_used(const struct chio_cert_set *certs, const struct chio_path *path) {
  for (size_t i = 0; i < certs->count; i++) {
    bool used = false;
    for (size_t p = 0; p < path->count; p++) used = used || chio_cert_same(certs->certs[i], path->certs[p]);
    if (!used) return false;
  }
  return true;
}

/* The chain stands as certificates go; that it is a PCK's is judged here. What refuses leaves nothing proved. */
static bool is_pck_chain(struct chio_judge *j, const struct chio_pck *pck, const struct chio_path *path) {
  const struct chio_cert *leaf = path->certs[0];
  if (!all_used(&j->certs, path)) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "a certificate in the quote does not belong to its chain");
  } else if (path->count < 2 || !chio_cert_cn_contains(path->certs[1], "PCK")) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "the PCK certificate is not issued by a PCK CA");
  } else if (leaf->has_key_usage && (leaf->key_usage & CHIO_KEY_USAGE_DIGITAL_SIGNATURE) == 0) {
    chio_judge_fail(j, CHIO_ATTEST_CERTIFICATE_MISMATCH, "the PCK certificate is not for signatures");
  } else if (chio_cert_cn_contains(path->certs[1], "Processor CA") &&
             (pck->has_platform_instance || pck->has_configuration)) {
    /* Platform instance and configuration are the Platform CA's to say. */
    chio_judge_fail(j, CHIO_ATTEST_CERTIFICATE_MISMATCH, "the Processor CA certifies what the Platform CA alone knows");
  } else {
    return true;
  }
  j->result->pub.proved &= ~(uint32_t)CHIO_ATTEST_PROVED_CHAIN;
  return false;
}

/* Returns whether out_pck is set. */
static bool judge_platform(struct chio_judge *j, const struct chio_dcap_quote *q, bool bound,
                           struct chio_pck *out_pck) {
  const struct chio_cert *leaf = read_certificates(j, q);
  if (leaf == NULL) return false;
  if (chio_pubkey_verify_raw(&leaf->key, q->qe_report, q->qe_signature) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_QE_SIGNATURE, "the PCK did not sign the quoting enclave's report");
  } else if (bound) {
    chio_judge_prove(j, CHIO_ATTEST_PROVED_QE);
  }
  if (chio_pck_parse(leaf, out_pck) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the PCK certificate's SGX extension is missing or malformed");
    return false;
  }
  describe_pck(j, out_pck);
  struct chio_path path;
  if (!chio_judge_chain(j, CHIO_VENDOR_INTEL, leaf, "PCK certificate", &path)) return true;
  if (is_pck_chain(j, out_pck, &path) && path.anchor != NULL) chio_dcap_judge_tcb(j, q, out_pck, &path);
  return true;
}

void chio_judge_dcap(struct chio_judge *j, struct chio_slice bytes) {
  struct chio_dcap_quote q;
  enum chio_err err = chio_dcap_quote_parse(bytes, &q);
  if (err == CHIO_E_VERSION || err == CHIO_E_UNSUPPORTED) {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "a DCAP quote of a version, key type or TEE that is not supported");
    return;
  }
  if (err != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_FORMAT, "the quote is %s", chio_err_text(err));
    return;
  }
  describe(j, &q);
  j->result->pub.needed = CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_QE | CHIO_ATTEST_PROVED_CHAIN |
                          CHIO_ATTEST_PROVED_CRL | CHIO_ATTEST_PROVED_QE_IDENTITY | CHIO_ATTEST_PROVED_TCB;
  if (chio_hash_bytes(CHIO_HASH_SHA256, q.signed_data, j->result->pub.replay_id) != CHIO_OK)
    j->result->out_of_memory = true;
  judge_signature(j, &q);
  struct chio_pck pck;
  bool has_pck = judge_platform(j, &q, judge_qe_binding(j, &q), &pck);
  chio_dcap_judge_policy(j, &q, has_pck ? &pck : NULL);
  chio_judge_trailing(j, q.trailing);
}
