/* The report of a simulated TD. */
#ifndef CHIO_ATTEST_SIM_TDX_H
#define CHIO_ATTEST_SIM_TDX_H

#include "attest/crypto.h"
#include "attest/dcap.h"
#include "attest/platform.h"

/* CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_sim_td_report(const uint8_t mrtd[CHIO_SHA384_SIZE],
                                                 const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                                 uint8_t out[CHIO_DCAP_TD10_SIZE]);

#endif
