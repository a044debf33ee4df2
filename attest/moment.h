/* Points in time as certificates and collateral write them, without time zones, locales or the C library's calendar. */
#ifndef CHIO_ATTEST_MOMENT_H
#define CHIO_ATTEST_MOMENT_H

#include "signer/base/buf.h"

struct chio_moment {
  int year, month, day, hour, minute, second; /* UTC, month and day from 1 */
};

/* Seconds since the epoch. CHIO_E_MALFORMED for a day or time that does not exist, and before the year 1900. */
CHIO_MUST_CHECK enum chio_err chio_moment_seconds(const struct chio_moment *moment, int64_t *out);

/* RFC 3339 with an offset (Z or +hh:mm); fractions of seconds are dropped. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_moment_parse(struct chio_slice text, int64_t *out);

/* 2025-06-20T10:32:27Z, NUL-terminated. */
#define CHIO_MOMENT_TEXT 32u
void chio_moment_text(int64_t seconds, char out[CHIO_MOMENT_TEXT]);

#endif
