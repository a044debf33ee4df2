/*
 * What Microsoft Azure Attestation is asked, and what it answers: a quote over a key to which others shall encrypt,
 * judged by the service, becomes a token that names the key. The quote's report data is the SHA-256 of the "runtime
 * data" that goes along, a JSON Web Key Set with that one key, and 32 zero bytes (SevSnpVm and TdxVm alike).
 */
#ifndef CHIO_ATTEST_MAA_REQUEST_H
#define CHIO_ATTEST_MAA_REQUEST_H

#include "attest/platform.h"

#define CHIO_MAA_TOKEN_MAX (64u * 1024u)   /* characters */
#define CHIO_MAA_CERTIFICATES_MAX 32768u   /* bytes of PEM */
#define CHIO_MAA_ENDORSEMENTS_MAX 32768u   /* bytes */
#define CHIO_MAA_CLOCK_SKEW 300            /* seconds that the service's clock and ours may be apart */

/* Appends {"keys":[...]} with the RSA key of this SubjectPublicKeyInfo, to be encrypted to. CHIO_E_KEY_TYPE,
 * CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_maa_runtime(struct chio_slice spki, struct chio_buf *out);

/* What a quote over that runtime data reports. */
CHIO_MUST_CHECK enum chio_err chio_maa_report_data(struct chio_slice runtime, uint8_t out[CHIO_REPORT_DATA_SIZE]);

struct chio_maa_evidence {
  const char *platform;             /* chio_platform_name */
  struct chio_slice quote, runtime;
  struct chio_slice certificates;   /* SNP: VCEK, ASK, ARK as PEM */
  struct chio_slice endorsements;   /* SNP, containers of Azure: the COSE_Sign1 over the utility VM's launch digest;
                                     * may be empty */
};

/* The path (static) and the JSON body of the POST. CHIO_E_UNSUPPORTED: the service judges no such evidence, or the
 * evidence names no key of ours; CHIO_E_PLATFORM: SNP without certificates. */
CHIO_MUST_CHECK enum chio_err chio_maa_request(const struct chio_maa_evidence *evidence, const char **out_path,
                                               struct chio_buf *out_body, struct chio_detail *detail);

/* The token of an answer, appended. CHIO_E_BACKEND: a refusal, whose code and message the detail repeats, or no such
 * answer; CHIO_E_BACKEND_UNREACHABLE: a status of 500 and above. */
CHIO_MUST_CHECK enum chio_err chio_maa_read_answer(uint32_t status, struct chio_slice body, struct chio_buf *out_token,
                                                   struct chio_detail *detail);

/* Whether the token is for this runtime data and valid at that time (seconds since the epoch); who signed it is judged
 * by whom it is shown to. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_maa_check_token(struct chio_slice token, struct chio_slice runtime, int64_t now,
                                                   struct chio_detail *detail);

#endif
