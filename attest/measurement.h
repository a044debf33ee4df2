/* The measurement in a quote, report or document of each platform, simulated or not: found, not judged. */
#ifndef CHIO_ATTEST_MEASUREMENT_H
#define CHIO_ATTEST_MEASUREMENT_H

#include "attest/platform.h"

/* MRENCLAVE, MRTD, the launch digest, PCR0. CHIO_E_EVIDENCE_FORMAT. */
CHIO_MUST_CHECK enum chio_err chio_sgx_measurement(struct chio_slice quote, uint8_t out[CHIO_MEASUREMENT_MAX],
                                                   size_t *out_len);
CHIO_MUST_CHECK enum chio_err chio_tdx_measurement(struct chio_slice quote, uint8_t out[CHIO_MEASUREMENT_MAX],
                                                   size_t *out_len);
CHIO_MUST_CHECK enum chio_err chio_snp_measurement(struct chio_slice report, uint8_t out[CHIO_MEASUREMENT_MAX],
                                                   size_t *out_len);
CHIO_MUST_CHECK enum chio_err chio_nitro_measurement(struct chio_slice document, uint8_t out[CHIO_MEASUREMENT_MAX],
                                                     size_t *out_len);
/* Azure's JSON: that of the SNP report in it, or of the TD quote. */
CHIO_MUST_CHECK enum chio_err chio_azure_measurement(struct chio_slice evidence, uint8_t out[CHIO_MEASUREMENT_MAX],
                                                     size_t *out_len);

#endif
