#include "signer/daemon/link.h"

#include "signer/base/log.h"
#include "signer/base/secret.h"
#include "signer/daemon/request_log.h"
#include "signer/wire/message.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum chio_err chio_link_new(int fd, const struct chio_peer *peer, struct chio_conn *conn,
                            struct chio_reader_budget *budget, struct chio_link **out_link) {
  struct chio_link *link = calloc(1, sizeof *link);
  if (link == NULL) return CHIO_E_NO_MEMORY;
  link->fd = fd;
  link->peer = *peer;
  link->conn = conn;
  chio_reader_init(&link->reader, budget);
  *out_link = link;
  return CHIO_OK;
}

static void drop_pending(struct chio_link *link) {
  if (link->pending == NULL) return;
  if (link->pending_secret) chio_wipe(link->pending, link->pending_len);
  chio_reader_budget_give(link->reader.budget, link->pending_len);
  free(link->pending);
  link->pending = NULL;
  link->pending_len = link->pending_at = 0;
  link->pending_secret = false;
}

void chio_link_free(struct chio_link *link) {
  if (link == NULL) return;
  chio_conn_close(link->conn);
  drop_pending(link);
  chio_reader_clear(&link->reader);
  (void)close(link->fd);
  free(link);
}

bool chio_link_stalled(const struct chio_link *link) {
  return link->pending != NULL || chio_reader_in_frame(&link->reader);
}

/* ---- Sending ---- */

/* Bytes sent, 0 when the socket is full, -1 when the connection is gone. */
static ssize_t send_some(int fd, const uint8_t *data, size_t len) {
  ssize_t n;
  do n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n < 0 && errno == EAGAIN ? 0 : n;
}

/* False when the connection is gone. */
static bool send_pending(struct chio_link *link) {
  while (link->pending_at < link->pending_len) {
    ssize_t n = send_some(link->fd, link->pending + link->pending_at, link->pending_len - link->pending_at);
    if (n < 0) return false;
    if (n == 0) return true;
    link->pending_at += (size_t)n;
  }
  drop_pending(link);
  return true;
}

static bool keep_pending(struct chio_link *link, const struct chio_turn *turn, size_t sent) {
  size_t len = turn->out.len - sent;
  if (!chio_reader_budget_take(link->reader.budget, len)) return false;
  link->pending = malloc(len);
  if (link->pending == NULL) {
    chio_reader_budget_give(link->reader.budget, len);
    return false;
  }
  memcpy(link->pending, turn->out.data + sent, len);
  link->pending_len = len;
  link->pending_at = 0;
  link->pending_secret = turn->out_secret;
  return true;
}

/* Sends the replies of this turn; what the socket does not take is kept. False when the connection is gone. */
static bool flush(struct chio_link *link, struct chio_turn *turn) {
  size_t sent = 0;
  bool alive = true;
  while (sent < turn->out.len) {
    ssize_t n = send_some(link->fd, turn->out.data + sent, turn->out.len - sent);
    alive = n >= 0;
    if (n <= 0) break;
    sent += (size_t)n;
  }
  if (alive && sent < turn->out.len) alive = keep_pending(link, turn, sent);
  if (turn->out_secret) chio_wipe(turn->out.data, turn->out.len);
  chio_buf_reset(&turn->out);
  turn->out_secret = false;
  return alive;
}

/* ---- Serving ---- */

static void answer_error(struct chio_turn *turn, const struct chio_frame_header *request, enum chio_err err,
                         const char *text) {
  struct chio_frame_header header = {.type = request->type,
                                     .flags = CHIO_FRAME_REPLY,
                                     .request_id = request->request_id,
                                     .error = (uint32_t)err,
                                     .length = (uint32_t)strlen(text)};
  chio_frame_encode(&header, &turn->out);
  chio_buf_append_str(&turn->out, text);
  atomic_fetch_add_explicit(&turn->counters->refusals, 1, memory_order_relaxed);
}

/* The peer does not speak our protocol: it is told so, and the connection ends. */
static void refuse_bytes(struct chio_link *link, struct chio_turn *turn, enum chio_err err) {
  struct chio_frame_header header;
  chio_reader_refused_header(&link->reader, &header);
  const char *text = err == CHIO_E_TOO_LONG ? "the frame is longer than its limit" : "the bytes are no request frame";
  answer_error(turn, &header, err, text);
  chio_request_log_violation(&link->peer, err, text);
  link->closing = true;
}

static void serve_request(struct chio_link *link, struct chio_turn *turn, const struct chio_frame_header *header,
                          struct chio_slice body) {
  const struct chio_message *message = chio_message_find(header->type);
  bool secret = message != NULL && (message->flags & CHIO_MESSAGE_SECRET) != 0;
  size_t start = turn->out.len;
  atomic_fetch_add_explicit(&turn->counters->requests, 1, memory_order_relaxed);
  if (secret) turn->out_secret = true;
  enum chio_err err = chio_conn_dispatch(link->conn, header, body, &turn->out);
  struct chio_slice reply = chio_slice(turn->out.data + start, turn->out.len - start);
  chio_log_trace(chio_conn_trace(link->conn));
  if (chio_request_log_reply(&link->peer, header, err, reply))
    atomic_fetch_add_explicit(&turn->counters->refusals, 1, memory_order_relaxed);
  /* The core says nothing to, or about, who speaks another protocol. */
  if (err != CHIO_OK && message == NULL) chio_request_log_violation(&link->peer, err, "this is not our protocol");
  chio_log_trace("");
  chio_reader_skip(&link->reader, secret);
  if (err != CHIO_OK) link->closing = true;
}

enum step { STEP_SERVED, STEP_NO_FRAME, STEP_POOL, STEP_WAIT };

/* Whether this thread may serve the request at hand: each thread of a pool serves one that blocks, then only what does
 * not. */
static enum step admit(struct chio_link *link, struct chio_turn *turn, const struct chio_frame_header *header,
                       struct chio_slice body) {
  if (!chio_conn_blocks(link->conn, header, body)) return STEP_SERVED;
  bool waits = chio_conn_waits(link->conn, header, body);
  bool *may = waits ? &turn->may_wait : &turn->may_block;
  if (!*may) return waits ? STEP_WAIT : STEP_POOL;
  turn->may_block = turn->may_wait = false;
  return STEP_SERVED;
}

/* Serves the request at hand, if there is a whole one. */
static enum step serve_one(struct chio_link *link, struct chio_turn *turn) {
  struct chio_frame_header header;
  struct chio_slice body;
  bool complete;
  enum chio_err err = chio_reader_peek(&link->reader, &header, &body, &complete);
  if (err != CHIO_OK) {
    refuse_bytes(link, turn, err);
    return STEP_SERVED;
  }
  if (!complete) return STEP_NO_FRAME;
  if (link->conn == NULL) {
    answer_error(turn, &header, link->refusal, link->refusal_text);
    link->closing = true;
    return STEP_SERVED;
  }
  enum step step = admit(link, turn, &header, body);
  if (step != STEP_SERVED) return step;
  serve_request(link, turn, &header, body);
  return STEP_SERVED;
}

/* False when nothing more will come for now: *out_end says how the turn ends. */
static bool receive(struct chio_link *link, struct chio_turn *turn, bool *out_drained, enum chio_turn_end *out_end) {
  uint8_t *room;
  size_t len;
  *out_end = CHIO_TURN_CLOSE;
  enum chio_err err = chio_reader_room(&link->reader, turn->scratch, CHIO_TURN_SCRATCH, &room, &len);
  if (err != CHIO_OK) {
    chio_request_log_violation(&link->peer, err, "no memory is left for a request that is not complete");
    return false;
  }
  ssize_t n;
  do n = recv(link->fd, room, len, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n > 0) {
    chio_reader_received(&link->reader, (size_t)n);
    *out_drained = (size_t)n < len;
    return true;
  }
  if (n < 0 && errno == EAGAIN) *out_end = CHIO_TURN_READ;
  if (n == 0 && chio_reader_in_frame(&link->reader))
    chio_request_log_violation(&link->peer, CHIO_E_TRUNCATED, "the connection ended in the middle of a request");
  return false;
}

/* Ends a turn: sends, and takes what is left out of the thread's scratch. */
static enum chio_turn_end rest(struct chio_link *link, struct chio_turn *turn, enum chio_turn_end end) {
  if (!flush(link, turn)) return CHIO_TURN_CLOSE;
  if (link->pending == NULL && (link->closing || end == CHIO_TURN_CLOSE)) return CHIO_TURN_CLOSE;
  if (end == CHIO_TURN_CLOSE) link->closing = true;
  enum chio_err err = chio_reader_settle(&link->reader);
  if (err != CHIO_OK) {
    chio_request_log_violation(&link->peer, err, "no memory is left for requests that wait");
    return CHIO_TURN_CLOSE;
  }
  return link->pending != NULL ? CHIO_TURN_WRITE : end;
}

static enum chio_turn_end serve_frames(struct chio_link *link, struct chio_turn *turn) {
  bool drained = false;
  for (unsigned served = 0; served < CHIO_TURN_FRAMES;) {
    enum chio_turn_end end;
    switch (serve_one(link, turn)) {
      case STEP_POOL: return rest(link, turn, CHIO_TURN_POOL);
      case STEP_WAIT: return rest(link, turn, CHIO_TURN_WAIT);
      case STEP_NO_FRAME:
        if (turn->out.len > 0 && !flush(link, turn)) return CHIO_TURN_CLOSE;
        if (link->pending != NULL) return rest(link, turn, CHIO_TURN_WRITE);
        /* A short read emptied the socket; whatever came since then wakes us as soon as we rest. */
        if (drained) return rest(link, turn, CHIO_TURN_READ);
        if (!receive(link, turn, &drained, &end)) return rest(link, turn, end);
        break;
      case STEP_SERVED:
        served++;
        if (link->closing) return rest(link, turn, CHIO_TURN_CLOSE);
        if (turn->out.len >= CHIO_TURN_OUT && !flush(link, turn)) return CHIO_TURN_CLOSE;
        if (link->pending != NULL) return rest(link, turn, CHIO_TURN_WRITE);
    }
  }
  return rest(link, turn, CHIO_TURN_AGAIN);
}

enum chio_turn_end chio_link_serve(struct chio_link *link, struct chio_turn *turn) {
  if (link->pending != NULL) {
    if (!send_pending(link)) return CHIO_TURN_CLOSE;
    if (link->pending != NULL) return CHIO_TURN_WRITE;
    if (link->closing) return CHIO_TURN_CLOSE;
  }
  return serve_frames(link, turn);
}

enum chio_turn_end chio_link_serve_busy(struct chio_link *link, struct chio_turn *turn) {
  struct chio_frame_header header;
  struct chio_slice body;
  bool complete;
  if (chio_reader_peek(&link->reader, &header, &body, &complete) != CHIO_OK || !complete) return CHIO_TURN_CLOSE;
  answer_error(turn, &header, CHIO_E_BUSY, "too many requests wait for a thread of the pool");
  chio_request_log_busy(&link->peer, &header);
  chio_reader_skip(&link->reader, true);
  return chio_link_serve(link, turn);
}
