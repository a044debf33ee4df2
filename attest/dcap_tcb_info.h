/* Intel's TCB info and QE identity: which level of a list a machine reaches. Numbers are checked to be what they must
 * be; a list that is cut short is an error, not a shorter comparison. */
#ifndef CHIO_ATTEST_DCAP_TCB_INFO_H
#define CHIO_ATTEST_DCAP_TCB_INFO_H

#include "attest/dcap_pck.h"
#include "attest/json.h"

enum chio_tcb_status {
  CHIO_TCB_UP_TO_DATE,
  CHIO_TCB_SW_HARDENING_NEEDED,
  CHIO_TCB_CONFIGURATION_NEEDED,
  CHIO_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
  CHIO_TCB_OUT_OF_DATE,
  CHIO_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
  CHIO_TCB_REVOKED,
  CHIO_TCB_RELAUNCH_ADVISED,                      /* computed, never served */
  CHIO_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED, /* computed, never served */
  CHIO_TCB_NOT_SUPPORTED,                         /* below every level */
};

/* Intel's word for it ("UpToDate"); "TCB_NOT_SUPPORTED" for the last. */
const char *chio_tcb_status_word(enum chio_tcb_status status);

/* The head that TCB info and QE identity share. */
struct chio_tcb_head {
  int64_t issued, next_update;
  uint64_t evaluation;
  uint64_t version;
};
CHIO_MUST_CHECK enum chio_err chio_tcb_head_read(const struct chio_json_doc *doc, struct chio_tcb_head *out);

/* A level that was found; NOT_SUPPORTED when none fits. */
struct chio_tcb_level {
  enum chio_tcb_status status;
  int64_t date;
  const struct chio_json *advisories; /* an array, or NULL */
};

/* The first level (they are served from high to low) that the machine reaches: all 16 SGX components and the PCE's SVN,
 * and for TDX the 16 TDX components from first on. tdx_svn is NULL for SGX. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_tcb_platform_level(const struct chio_json_doc *doc, const struct chio_pck *pck,
                                                      const uint8_t *tdx_svn, struct chio_tcb_level *out);

/* The first of the object's tcbLevels with isvsvn <= svn: of a QE identity or of a TDX module identity. */
CHIO_MUST_CHECK enum chio_err chio_tcb_isvsvn_level(const struct chio_json_doc *doc, const struct chio_json *object,
                                                    uint64_t svn, struct chio_tcb_level *out);

/* The worst of both, as Intel's library converges them: what an old enclave or module makes of the platform's status.
 */
enum chio_tcb_status chio_tcb_converge(enum chio_tcb_status platform, enum chio_tcb_status part);

#endif
