/* Quotes of a simulated platform in the layout of Chio's own verifier (interop_quote.h), for tests of that verifier. */
#ifndef CHIO_ATTEST_SIM_INTEROP_H
#define CHIO_ATTEST_SIM_INTEROP_H

#include "attest/platform.h"

/* Whether there is such a layout for this platform: "sim-tdx", "sim-snp". */
bool chio_sim_interop_has(const char *platform);

/* Signs one with the PCK, or VCEK, of the simulated platform whose state folder that is. measurement: 48 bytes. Appends
 * the quote, and the chain of its key in PEM, the root last. CHIO_E_UNSUPPORTED (another platform), CHIO_E_NOT_FOUND
 * (no such platform was ever run there), CHIO_E_ARGUMENT, CHIO_E_IO, CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_sim_interop_quote(const char *platform, const char *state_dir,
                                                     struct chio_slice measurement,
                                                     const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                                     struct chio_buf *out_quote, struct chio_buf *out_chain,
                                                     struct chio_detail *detail);

#endif
