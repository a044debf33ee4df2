/* Frames between chiod and chio-kmsd, as chiod writes and reads them. */
#ifndef CHIO_DAEMON_REACH_FRAME_H
#define CHIO_DAEMON_REACH_FRAME_H

#include "signer/daemon/reach_link.h"

/* What chio-kmsd sent. */
struct chio_reach_frame {
  struct chio_frame_header header;
  struct chio_reach_answer body;
};

/* Appends a request. CHIO_E_TOO_LONG, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_reach_encode(enum chio_backend_message_type type, uint32_t id, const void *request,
                                                struct chio_buf *out);

/* Waits for a whole frame; false at the end, and when it is no frame. The caller clears the body. */
CHIO_MUST_CHECK bool chio_reach_receive(int fd, struct chio_reach_frame *out_frame);

#endif
