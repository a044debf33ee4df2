/*
 * Errors: one type inside chio-hsm, translated once at each border (pkcs11/rv.c, provider/err.c, the tools' exit
 * status).
 *
 * The table of errors is err.def: name, number, text. The numbers are part of the protocol (docs/protocol.md,
 * "errors"): they are never reused and never change.
 */
#ifndef CHIO_BASE_ERR_H
#define CHIO_BASE_ERR_H

#include "signer/base/macros.h"
#include <stdint.h>

enum chio_err {
#define CHIO_ERR(name, number, text) CHIO_##name = (number),
#include "signer/base/err.def"
#undef CHIO_ERR
};

/* The name without its prefix ("PIN_INCORRECT"); "UNKNOWN" for a number that is not in the table. Static storage. */
const char *chio_err_name(enum chio_err err);

/* The text for a person ("the PIN is wrong"). Static storage, never NULL. */
const char *chio_err_text(enum chio_err err);

/* A number from the wire; a number that this build does not know becomes CHIO_E_UNKNOWN_ERROR. */
enum chio_err chio_err_from_wire(uint32_t number);

/* What went wrong, in words, beside the code: names the thing and the reason. Never holds a secret. */
#define CHIO_DETAIL_MAX 256u

struct chio_detail {
  char text[CHIO_DETAIL_MAX]; /* NUL-terminated, possibly empty */
};

/* Writes the text (truncated to fit) and returns err, so that a refusal is one line:
 *   return chio_fail(detail, CHIO_E_NOT_LOGGED_IN, "sign refused: key '%s' needs login", label);
 * detail may be NULL. */
enum chio_err chio_fail(struct chio_detail *detail, enum chio_err err, const char *format, ...) CHIO_PRINTF(3, 4);

#endif
