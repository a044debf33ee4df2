/* What chiod's log says about requests: one line for each at debug level. Why the core refused one is the core's
 * line. */
#ifndef CHIO_DAEMON_REQUEST_LOG_H
#define CHIO_DAEMON_REQUEST_LOG_H

#include "signer/core/core.h"

/* After a dispatch: err is what it returned, reply the frame that it appended, possibly empty. True when the request
 * was refused. */
bool chio_request_log_reply(const struct chio_peer *peer, const struct chio_frame_header *request, enum chio_err err,
                            struct chio_slice reply);

/* The peer broke the protocol, or a limit, and its connection ends. */
void chio_request_log_violation(const struct chio_peer *peer, enum chio_err err, const char *text);

/* The pool's queue was full. */
void chio_request_log_busy(const struct chio_peer *peer, const struct chio_frame_header *request);

#endif
