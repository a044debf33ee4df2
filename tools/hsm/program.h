/* Runs another program: no shell, a bounded time, a bounded output, and nothing of it left behind. */
#ifndef TOOLS_HSM_PROGRAM_H
#define TOOLS_HSM_PROGRAM_H

#include "signer/base/buf.h"

#include <stdbool.h>

#define HSM_PROGRAM_OUTPUT_MAX (1024u * 1024u) /* what comes after that is read and dropped */
#define HSM_PROGRAM_GRACE 5                    /* seconds between asking it to end and ending it */

struct hsm_program {
  const char *const *argv; /* NULL-terminated; argv[0] is looked for in PATH unless it has a slash */
  unsigned seconds;        /* how long it may take */
  bool with_errors;        /* what it writes to stderr is part of the output; else it goes to ours */
};

/* Runs it to its end with stdin empty and appends what it wrote. out_status: what it exited with, 128 and the signal's
 * number when a signal ended it. It runs in a process group of its own, which is ended as a whole when the time is over
 * (CHIO_E_TIMEOUT), and when this process gets SIGINT, SIGTERM or SIGHUP, which then ends of it. CHIO_E_NOT_FOUND: it
 * cannot be started; CHIO_E_TOO_LONG: it wrote more than HSM_PROGRAM_OUTPUT_MAX (its status is set). */
CHIO_MUST_CHECK enum chio_err hsm_program_run(const struct hsm_program *program, struct chio_buf *output,
                                              int *out_status, struct chio_detail *detail);

#endif
