#include "signer/client/pool.h"

#include <stdlib.h>

#define BEGIN_TRIES 3u /* idle links may all be dead after a restart of the signer */

struct chio_stream {
  struct chio_link *link;   /* belongs to the process that began the stream */
  unsigned long generation; /* of that process */
  unsigned call_ms;
};

static bool is_lost(const struct chio_stream *stream) {
  return stream->generation != chio_client_fork_generation() || stream->link->broken;
}

enum chio_err chio_stream_begin(struct chio_client *client, const struct chio_stream_begin_request *request,
                                struct chio_stream **out_stream, struct chio_detail *detail) {
  const struct chio_message *message = chio_message_find(CHIO_MSG_STREAM_BEGIN);
  chio_deadline deadline = chio_deadline_in(client->call_ms);
  struct chio_stream *stream = malloc(sizeof *stream);
  if (stream == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = CHIO_E_DISCONNECTED;
  struct chio_link *link = NULL;
  for (unsigned tries = 0; err == CHIO_E_DISCONNECTED && tries < BEGIN_TRIES; tries++) {
    err = chio_pool_take(client, deadline, &link, detail);
    if (err != CHIO_OK) break;
    err = chio_link_send(link, message, request, deadline, detail);
    if (err != CHIO_OK) chio_pool_give(link);
  }
  if (err != CHIO_OK) {
    free(stream);
    return err;
  }
  *stream = (struct chio_stream){link, chio_client_fork_generation(), client->call_ms};
  *out_stream = stream;
  return CHIO_OK;
}

enum chio_err chio_stream_data(struct chio_stream *stream, struct chio_slice data) {
  const struct chio_message *message = chio_message_find(CHIO_MSG_STREAM_DATA);
  while (data.len > 0) {
    if (is_lost(stream)) return CHIO_E_STREAM_UNKNOWN;
    size_t piece = data.len < CHIO_DATA_MAX ? data.len : CHIO_DATA_MAX;
    struct chio_stream_data_request request = {.data = chio_slice(data.data, piece)};
    enum chio_err err = chio_link_send(stream->link, message, &request, chio_deadline_in(stream->call_ms), NULL);
    if (err == CHIO_E_DISCONNECTED) return CHIO_E_STREAM_UNKNOWN;
    if (err != CHIO_OK) return err;
    data = chio_slice(data.data + piece, data.len - piece);
  }
  return CHIO_OK;
}

static enum chio_err end(struct chio_stream *stream, struct chio_slice signature, struct chio_slice *out_output,
                         struct chio_buf *holder, struct chio_detail *detail) {
  const struct chio_message *message = chio_message_find(CHIO_MSG_STREAM_END);
  struct chio_stream_end_request request = {.signature = signature};
  struct chio_stream_end_reply reply;
  chio_deadline deadline = chio_deadline_in(stream->call_ms);
  if (is_lost(stream)) return chio_fail(detail, CHIO_E_STREAM_UNKNOWN, "%s", chio_err_text(CHIO_E_STREAM_UNKNOWN));
  enum chio_err err = chio_link_send(stream->link, message, &request, deadline, detail);
  if (err == CHIO_OK) err = chio_link_receive(stream->link, message, &reply, holder, deadline, NULL, detail);
  if (err == CHIO_OK) *out_output = reply.output;
  if (err == CHIO_E_DISCONNECTED && stream->link->broken) return CHIO_E_STREAM_UNKNOWN;
  return err;
}

enum chio_err chio_stream_end(struct chio_stream *stream, struct chio_slice signature, struct chio_slice *out_output,
                              struct chio_buf *holder, struct chio_detail *detail) {
  enum chio_err err = end(stream, signature, out_output, holder, detail);
  /* A link whose stream was not ended must not serve others. */
  if (!is_lost(stream) && (err == CHIO_E_TOO_LONG || err == CHIO_E_NO_MEMORY)) stream->link->broken = true;
  if (stream->generation == chio_client_fork_generation()) chio_pool_give(stream->link);
  free(stream);
  return err;
}

void chio_stream_abort(struct chio_stream *stream) {
  if (stream == NULL) return;
  if (stream->generation == chio_client_fork_generation()) {
    if (!stream->link->broken &&
        chio_link_send(stream->link, chio_message_find(CHIO_MSG_STREAM_ABORT), NULL, chio_deadline_in(0), NULL) !=
            CHIO_OK)
      stream->link->broken = true;
    chio_pool_give(stream->link);
  }
  free(stream);
}
