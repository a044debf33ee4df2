/*
 * The trace that a request belongs to, as the caller's telemetry names it: a traceparent of W3C Trace Context (level
 * 1, section 3.2), "00-" trace id "-" parent id "-" flags, in lower-case hex. For the log, and for the calls to a KMS
 * that a request leads to; it decides nothing.
 */
#ifndef CHIO_WIRE_TRACEPARENT_H
#define CHIO_WIRE_TRACEPARENT_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_TRACE_ID_HEX 32u
#define CHIO_SPAN_ID_HEX 16u

struct chio_traceparent {
  char trace_id[CHIO_TRACE_ID_HEX + 1];
  char span_id[CHIO_SPAN_ID_HEX + 1]; /* of the caller's span */
  char flags[3];
};

#define CHIO_TRACEPARENT_LEN 55u /* of what is formatted */

/* Version 00 has nothing behind its flags; of later ones the beginning is read, as the recommendation says.
 * CHIO_E_MALFORMED: anything else, ids of zeros, version ff. */
CHIO_MUST_CHECK enum chio_err chio_traceparent_parse(struct chio_slice text, struct chio_traceparent *out);

/* As version 00; one without ids is the empty text. */
void chio_traceparent_format(const struct chio_traceparent *trace, char out_text[CHIO_TRACEPARENT_LEN + 1]);

#endif
