/* One request of chiod's to a backend, answered: whatever waits for a KMS. */
#ifndef CHIO_KMS_KMSD_CALL_H
#define CHIO_KMS_KMSD_CALL_H

#include "kms-adapters/kmsd_backend.h"
#include "signer/wire/traceparent.h"

/* A request as it was read. */
struct chio_kmsd_request {
  struct chio_frame_header header;
  uint8_t *body;       /* header.length bytes, owned; wiped when it is freed, for it may be a secret */
  uint64_t read_at_ms; /* its time is counted from here */
  struct chio_traceparent trace; /* that it belongs to; without ids: none */
  struct chio_kmsd_request *next;
};

/* NULL is accepted. */
void chio_kmsd_request_free(struct chio_kmsd_request *request);

/* Serves it and appends what is to be sent: CALL, then the reply. The caller wipes out after sending. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_answer(struct chio_kmsd *kmsd, const struct chio_kmsd_request *request,
                                               struct chio_buf *out);

/* A reply without fields: success, or an error with its text. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_answer_plain(const struct chio_kmsd_request *request, enum chio_err err,
                                                     const struct chio_detail *detail, struct chio_buf *out);

#endif
