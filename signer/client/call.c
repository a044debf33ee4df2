#include "signer/client/call.h"

#include "signer/client/pool.h"

#define TRIES_MAX 5u /* of one request: a signer that dies of it each time must not take the whole call_ms */

static enum chio_err call_once(struct chio_client *client, const struct chio_message *message, const void *request,
                               void *out_reply, struct chio_buf *holder, chio_deadline deadline,
                               uint64_t *out_generation, struct chio_detail *detail, bool *out_again) {
  struct chio_link *link;
  *out_again = false;
  enum chio_err err = chio_pool_take(client, deadline, &link, detail);
  if (err != CHIO_OK) return err;
  err = chio_link_send(link, message, request, deadline, detail);
  if (err == CHIO_OK) err = chio_link_receive(link, message, out_reply, holder, deadline, out_generation, detail);
  bool harmless = link->unsent || (message->flags & CHIO_MESSAGE_IDEMPOTENT) != 0;
  *out_again = link->broken && err == CHIO_E_DISCONNECTED && harmless;
  chio_pool_give(link);
  return err;
}

enum chio_err chio_call_within(struct chio_client *client, enum chio_message_type type, const void *request,
                               void *out_reply, struct chio_buf *holder, unsigned ms, uint64_t *out_generation,
                               struct chio_detail *detail) {
  const struct chio_message *message = chio_message_find((uint16_t)type);
  if (message == NULL || (message->flags & CHIO_MESSAGE_NO_REPLY) != 0) return CHIO_E_ARGUMENT;
  if ((message->request_size > 0 && request == NULL) || (message->reply_size > 0 && out_reply == NULL))
    return CHIO_E_ARGUMENT;
  struct chio_buf own = CHIO_BUF_INIT;
  if (holder == NULL && message->reply_size > 0) return CHIO_E_ARGUMENT;
  if (holder == NULL) holder = &own;
  chio_deadline deadline = chio_deadline_in(ms < client->call_ms ? ms : client->call_ms);
  enum chio_err err = CHIO_E_DISCONNECTED;
  bool again = true;
  for (unsigned tries = 0; again && tries < TRIES_MAX; tries++)
    err = call_once(client, message, request, out_reply, holder, deadline, out_generation, detail, &again);
  chio_buf_clear(&own);
  return err;
}

enum chio_err chio_client_call(struct chio_client *client, enum chio_message_type type, const void *request,
                               void *out_reply, struct chio_buf *holder, uint64_t *out_generation,
                               struct chio_detail *detail) {
  return chio_call_within(client, type, request, out_reply, holder, client->call_ms, out_generation, detail);
}
