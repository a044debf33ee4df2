#include "signer/client/link.h"

#include "signer/base/secret.h"
#include "signer/client/client.h"
#include "signer/client/pool.h"
#include "signer/client/reply.h"
#include <stdlib.h>

#define FIRST_RECEIVE 4096u       /* bytes: nearly every reply in one system call */
#define KEPT_BUFFER (64u * 1024u) /* a link that sent more gives the memory back */
#define PATIENCE_SLACK 50u        /* milliseconds that a blocking receive may pass the deadline */

struct chio_link *chio_link_new(struct chio_pool *pool, size_t endpoint) {
  struct chio_link *link = calloc(1, sizeof *link);
  if (link == NULL) return NULL;
  link->pool = pool;
  link->endpoint = endpoint;
  link->socket.fd = -1;
  link->body_max = CHIO_BODY_MAX;
  return link;
}

void chio_link_free(struct chio_link *link) {
  if (link == NULL) return;
  if (link->conn != NULL) link->api->conn_close(link->conn);
  chio_socket_close(&link->socket);
  chio_wipe(link->out.data, link->out.cap);
  chio_buf_clear(&link->out);
  free(link);
}

void chio_link_use_socket(struct chio_link *link, const struct chio_socket *socket, unsigned patience_ms) {
  link->socket = *socket;
  link->patience_ms = patience_ms;
  chio_socket_set_patience(&link->socket, patience_ms);
}

static enum chio_err lost(struct chio_link *link, enum chio_err err, const struct chio_message *message,
                          struct chio_detail *detail) {
  link->broken = true;
  return chio_fail(detail, err, "%s: %s", message->name, chio_err_text(err));
}

/* By call there is nothing to wait for: what has no reply is done here, the rest when its reply is received. */
static enum chio_err send_by_call(struct chio_link *link, const struct chio_message *message,
                                  struct chio_detail *detail) {
  link->unsent = false;
  if ((message->flags & CHIO_MESSAGE_NO_REPLY) == 0) return CHIO_OK;
  struct chio_buf nothing = CHIO_BUF_INIT;
  enum chio_err err = link->api->call(link->conn, chio_buf_slice(&link->out), &nothing);
  chio_buf_clear(&nothing);
  return err == CHIO_OK ? CHIO_OK : lost(link, CHIO_E_PROTOCOL, message, detail);
}

static enum chio_err send_out(struct chio_link *link, const struct chio_message *message, chio_deadline deadline,
                              struct chio_detail *detail) {
  if (link->api != NULL) return send_by_call(link, message, detail);
  size_t sent;
  enum chio_err err = chio_socket_send(&link->socket, chio_buf_slice(&link->out), deadline, &sent);
  link->unsent = sent < link->out.len;
  return err == CHIO_OK ? CHIO_OK : lost(link, err, message, detail);
}

static void clean(struct chio_link *link, const struct chio_message *message) {
  bool large = link->out.cap > KEPT_BUFFER;
  if (large || (message->flags & CHIO_MESSAGE_SECRET) != 0) chio_wipe(link->out.data, link->out.len);
  if (large) chio_buf_clear(&link->out);
}

enum chio_err chio_link_send(struct chio_link *link, const struct chio_message *message, const void *request,
                             chio_deadline deadline, struct chio_detail *detail) {
  link->unsent = true;
  chio_buf_reset(&link->out);
  enum chio_err err = chio_message_request(message, ++link->request_id, request, &link->out);
  if (err == CHIO_OK && link->out.len - CHIO_FRAME_HEADER_SIZE > link->body_max) err = CHIO_E_TOO_LONG;
  if (err != CHIO_OK) return chio_fail(detail, err, "%s: the request is %s", message->name, chio_err_text(err));
  err = send_out(link, message, deadline, detail);
  /* By call the frame is still needed, until its reply was received. */
  if (link->api == NULL || (message->flags & CHIO_MESSAGE_NO_REPLY) != 0) clean(link, message);
  return err;
}

/* Makes room for size bytes in all. A reply may hold secrets: nothing of it stays behind in freed memory. */
static enum chio_err make_room(struct chio_buf *holder, size_t size) {
  if (size <= holder->cap) return CHIO_OK;
  struct chio_buf larger = CHIO_BUF_INIT;
  if (chio_buf_reserve(&larger, size) == NULL) return CHIO_E_NO_MEMORY;
  chio_buf_append(&larger, holder->data, holder->len);
  chio_wipe(holder->data, holder->cap);
  chio_buf_clear(holder);
  *holder = larger;
  return CHIO_OK;
}

/* Lets the host go on with other things until there is something to receive. In a child of fork that was made meanwhile
 * the connection is the parent's. */
static enum chio_err give_way(struct chio_link *link, const struct chio_message *message, chio_deadline deadline,
                              bool *out_waited) {
  const struct chio_client_waiting *waiting = link->pool->waiting;
  unsigned long generation = link->pool->generation;
  *out_waited = false;
  if (waiting == NULL || (message->flags & CHIO_MESSAGE_IDEMPOTENT) == 0 || !waiting->can()) return CHIO_OK;
  if (!chio_socket_is_ours(&link->socket)) return CHIO_E_DISCONNECTED;
  *out_waited = waiting->wait(link->socket.fd, chio_deadline_left(deadline), link);
  return generation == chio_client_fork_generation() ? CHIO_OK : CHIO_E_DISCONNECTED;
}

static enum chio_err receive_some(struct chio_link *link, const struct chio_message *message, struct chio_buf *holder,
                                  chio_deadline deadline) {
  size_t got;
  bool waited;
  enum chio_err err = give_way(link, message, deadline, &waited);
  if (err != CHIO_OK) return err;
  bool poll_first = waited || (unsigned)chio_deadline_left(deadline) + PATIENCE_SLACK < link->patience_ms;
  err = chio_socket_receive(&link->socket, holder->data + holder->len, holder->cap - holder->len, deadline, poll_first,
                            &got);
  if (err == CHIO_OK) holder->len += got;
  return err;
}

/* A frame that is whole or not a reply to the request; bytes beyond it, which nobody asked for, stay in the holder for
 * the decoder to refuse. */
static enum chio_err receive_frame(struct chio_link *link, const struct chio_message *message, struct chio_buf *holder,
                                   chio_deadline deadline) {
  size_t size = CHIO_FRAME_HEADER_SIZE;
  bool sized = false;
  enum chio_err err = make_room(holder, FIRST_RECEIVE);
  while (err == CHIO_OK && (!sized || holder->len < size)) {
    err = receive_some(link, message, holder, deadline);
    if (err != CHIO_OK || sized || holder->len < CHIO_FRAME_HEADER_SIZE) continue;
    err = chio_reply_size(chio_buf_slice(holder), message, link->request_id, &size);
    sized = true;
    if (err == CHIO_OK) err = make_room(holder, size);
  }
  return err;
}

enum chio_err chio_link_receive(struct chio_link *link, const struct chio_message *message, void *out_reply,
                                struct chio_buf *holder, chio_deadline deadline, uint64_t *out_generation,
                                struct chio_detail *detail) {
  chio_buf_reset(holder);
  enum chio_err err;
  if (link->api != NULL) {
    err = link->api->call(link->conn, chio_buf_slice(&link->out), holder);
    clean(link, message);
    if (err == CHIO_OK) err = chio_buf_err(holder);
  } else {
    err = receive_frame(link, message, holder, deadline);
  }
  if (err != CHIO_OK) return lost(link, err, message, detail);
  enum chio_err answer;
  err = chio_reply_decode(chio_buf_slice(holder), message, link->request_id, out_reply, out_generation, &answer,
                          detail);
  if (err != CHIO_OK) link->broken = true;
  return err != CHIO_OK ? err : answer;
}
