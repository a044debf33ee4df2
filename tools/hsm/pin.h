/* Where PINs come from: the first line of a file, the next line of a descriptor, or a question on the terminal. */
#ifndef TOOLS_HSM_PIN_H
#define TOOLS_HSM_PIN_H

#include "signer/base/secret.h"

/* source: "FILE", "fd:N"; NULL: $CHIO_PIN_SOURCE, then the question on /dev/tty, with no echo. CHIO_E_ARGUMENT (the
 * source is malformed; there is no terminal to ask on), CHIO_E_IO (cannot be read), CHIO_E_PIN_LENGTH (empty, or longer
 * than CHIO_PIN_MAX). The caller frees the PIN. */
CHIO_MUST_CHECK enum chio_err hsm_pin_get(const char *source, const char *question, struct chio_secret **out_pin,
                                          struct chio_detail *detail);

/* A new PIN: on the terminal it is asked for twice. line is the number, from 0, of the line in a file that holds
 * several; a descriptor simply gives its next one. $CHIO_PIN_SOURCE is not looked at. */
CHIO_MUST_CHECK enum chio_err hsm_pin_get_new(const char *source, unsigned line, const char *question,
                                              struct chio_secret **out_pin, struct chio_detail *detail);

#endif
