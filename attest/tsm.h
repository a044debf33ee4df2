/*
 * configfs-tsm, the kernel's own door to a TEE's evidence (Linux 6.7; Documentation/ABI/testing/configfs-tsm-report):
 * a folder is made, the report data written, the report read, the folder removed. Who may not make one uses the folder
 * that root has made for it.
 */
#ifndef CHIO_ATTEST_TSM_H
#define CHIO_ATTEST_TSM_H

#include "attest/platform.h"

#define CHIO_TSM_ROOT "/sys/kernel/config/tsm/report"
#define CHIO_TSM_AUX_MAX (64u * 1024u)
#define CHIO_TSM_TRIES 6u

struct chio_tsm {
  const char *root;             /* CHIO_TSM_ROOT */
  const char *provider;         /* the driver that must answer: "tdx_guest", "sev_guest" */
  const char *privlevel;        /* "0" to "3"; NULL: as the kernel has it */
  const char *service_provider; /* "svsm"; NULL: the platform itself */
  unsigned pause_ms;            /* before the second try; each later one waits twice as long */
};

/* Whether an outblob is a whole report over that data: what does not hold is read again. */
typedef bool chio_tsm_check(struct chio_slice outblob, const uint8_t report_data[CHIO_REPORT_DATA_SIZE]);

/* Makes an entry and looks who answers. CHIO_E_PLATFORM, CHIO_E_PERMISSION; detail says what is missing. */
CHIO_MUST_CHECK enum chio_err chio_tsm_probe(const struct chio_tsm *tsm, struct chio_detail *detail);

/* For root, before it becomes that user: makes the entry CHIO_TSM_ENTRY and gives it to the user, who cannot make one.
 * It stays there, for the next start too. Errors as above. */
#define CHIO_TSM_ENTRY "chiod"
CHIO_MUST_CHECK enum chio_err chio_tsm_prepare(const struct chio_tsm *tsm, uid_t uid, gid_t gid,
                                               struct chio_detail *detail);

/* A report over the data, appended to out_blob; what the platform gives beside it (often nothing) to out_aux, which may
 * be NULL. Another writer's report, or one cut short, is never returned: tried again, CHIO_TSM_TRIES times in all.
 * CHIO_E_PLATFORM, CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_tsm_report(const struct chio_tsm *tsm,
                                              const uint8_t report_data[CHIO_REPORT_DATA_SIZE], chio_tsm_check *check,
                                              struct chio_buf *out_blob, struct chio_buf *out_aux,
                                              struct chio_detail *detail);

#endif
