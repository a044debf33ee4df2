/*
 * Times as AWS writes them, and how far the server's clock is from ours: in a TEE the host sets our clock, and AWS
 * refuses a signature that is more than five minutes off.
 */
#ifndef CHIO_KMS_AWS_CLOCK_H
#define CHIO_KMS_AWS_CLOCK_H

#include "kms-adapters/http.h"

#include <time.h>

#define CHIO_AWS_SKEW_MIN_S 30 /* seconds; a smaller difference explains no refusal */

/* "Fri, 20 Nov 2026 18:54:02 GMT" (RFC 9110, 5.6.7, the one form that servers send). CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_aws_time_http(struct chio_slice text, time_t *out_time);
/* "2026-11-20T18:54:02Z", also with a fraction of a second. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_aws_time_iso(struct chio_slice text, time_t *out_time);
/* "20261120T185402Z". CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_aws_time_basic(struct chio_slice text, time_t *out_time);

/* The server's time as a refusal tells it: "Signature expired: A is now earlier than B (NOW - 5 min.)", and without the
 * parentheses the second of the two. CHIO_E_NOT_FOUND. */
CHIO_MUST_CHECK enum chio_err chio_aws_time_in_message(struct chio_slice message, time_t *out_time);

/* How many seconds the server is ahead of our own clock, by the Date header or else by the message. CHIO_E_NOT_FOUND:
 * neither tells a time that is CHIO_AWS_SKEW_MIN_S away from ours as corrected so far. */
CHIO_MUST_CHECK enum chio_err chio_aws_skew(const struct chio_http_reply *reply, struct chio_slice message,
                                            int64_t offset_so_far, int64_t *out_offset);

/* How long something lasts that ends at `end`, in milliseconds, by the Date of the reply that told it (our own clock
 * where it has none). 0 is never returned, as it would mean "without end": what has ended lasts one millisecond. */
uint64_t chio_aws_life_ms(const struct chio_http_reply *reply, time_t end);

#endif
