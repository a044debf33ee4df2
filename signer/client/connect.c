#include "signer/client/connect.h"

#include "signer/client/door.h"
#include "signer/client/embedded.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PAUSE_FIRST 5u  /* milliseconds between two rounds over the endpoints, doubled each time */
#define PAUSE_MOST 200u

/* What one round over the endpoints came to. */
struct round {
  enum chio_err err;
  bool transient; /* somebody is there, but full */
  char why[CHIO_DETAIL_MAX];
  size_t why_len;
};

static void note(struct round *round, const struct chio_endpoint *endpoint, enum chio_err err, const char *text) {
  /* A refusal says more than an absence; the first one counts. */
  if (round->err == CHIO_OK || round->err == CHIO_E_UNREACHABLE) round->err = err;
  if (round->why_len >= sizeof round->why) return;
  int n = snprintf(round->why + round->why_len, sizeof round->why - round->why_len, "%s%s: %s",
                   round->why_len > 0 ? "; " : "", endpoint->text, text[0] != '\0' ? text : chio_err_text(err));
  if (n > 0) round->why_len += (size_t)n;
}

void chio_connect_trace(struct chio_client *client, const char *traceparent) {
  const char *text = traceparent != NULL ? traceparent : secure_getenv("TRACEPARENT");
  client->traceparent[0] = '\0';
  if (text == NULL || strlen(text) > CHIO_TRACEPARENT_MAX) return;
  (void)snprintf(client->traceparent, sizeof client->traceparent, "%s", text);
}

/* An older signer does not know the message, and would close the connection over it. */
static enum chio_err name_trace(const struct chio_client *client, struct chio_link *link, uint64_t features,
                                chio_deadline deadline, struct chio_detail *detail) {
  const struct chio_trace_request request = {.traceparent = chio_slice_str(client->traceparent)};
  if (request.traceparent.len == 0 || (features & CHIO_FEATURE_TRACE) == 0) return CHIO_OK;
  return chio_link_send(link, chio_message_find(CHIO_MSG_TRACE), &request, deadline, detail);
}

static enum chio_err hello(struct chio_client *client, struct chio_pool *pool, struct chio_link *link,
                           chio_deadline deadline, struct chio_detail *detail) {
  const struct chio_message *message = chio_message_find(CHIO_MSG_HELLO);
  struct chio_hello_request request = {.version_min = CHIO_PROTOCOL_VERSION,
                                       .version_max = CHIO_PROTOCOL_VERSION,
                                       .features = CHIO_FEATURES_KNOWN,
                                       .client = pool->client,
                                       .program = chio_slice_str(client->program)};
  struct chio_hello_reply reply;
  struct chio_buf holder = CHIO_BUF_INIT;
  enum chio_err err = chio_link_send(link, message, &request, deadline, detail);
  if (err == CHIO_OK) err = chio_link_receive(link, message, &reply, &holder, deadline, NULL, detail);
  if (err == CHIO_OK && reply.version != CHIO_PROTOCOL_VERSION)
    err = chio_fail(detail, CHIO_E_VERSION, "the signer speaks protocol version %u, this client version %u",
                    reply.version, CHIO_PROTOCOL_VERSION);
  if (err == CHIO_OK) {
    link->body_max = reply.body_max;
    if (link->api == NULL) chio_door_keep(client, pool, link->endpoint, &reply);
    err = name_trace(client, link, reply.features, deadline, detail);
  }
  chio_buf_clear(&holder);
  return err;
}

static enum chio_err reach_socket(struct chio_client *client, struct chio_pool *pool, struct chio_link *link,
                                  chio_deadline deadline, struct round *round, struct chio_detail *detail) {
  const struct chio_endpoint *endpoint = &client->endpoints.list[link->endpoint];
  struct chio_socket socket;
  int why = 0;
  enum chio_err err = chio_socket_connect(endpoint->path, SOCK_STREAM, &socket, &why);
  bool by_path = err == CHIO_OK;
  if (why == EAGAIN && !by_path) round->transient = true;
  if (!by_path) err = chio_door_pass(pool, link->endpoint, deadline, &socket);
  if (err != CHIO_OK) return chio_fail(detail, CHIO_E_UNREACHABLE, "%s", strerrordesc_np(why));
  chio_link_use_socket(link, &socket, client->call_ms);
  return by_path ? chio_trust_check(&client->trust, &link->socket, detail) : CHIO_OK;
}

static struct chio_link *try_endpoint(struct chio_client *client, struct chio_pool *pool, size_t index,
                                      chio_deadline deadline, struct round *round) {
  const struct chio_endpoint *endpoint = &client->endpoints.list[index];
  struct chio_detail detail = {{0}};
  struct chio_link *link = chio_link_new(pool, index);
  enum chio_err err = link != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK)
    err = endpoint->kind == CHIO_ENDPOINT_EMBEDDED ? chio_embedded_link(client, pool, link, &detail)
                                                   : reach_socket(client, pool, link, deadline, round, &detail);
  if (err == CHIO_OK) {
    /* Listed before anything is said on it, so that a child that is made meanwhile closes its copy. */
    chio_pool_add(pool, link);
    err = hello(client, pool, link, deadline, &detail);
    link->broken = link->broken || err != CHIO_OK;
    if (err == CHIO_OK) return link;
    chio_pool_give(link);
  } else {
    chio_link_free(link);
  }
  round->transient = round->transient || err == CHIO_E_BUSY;
  if (err == CHIO_E_DISCONNECTED || err == CHIO_E_TIMEOUT || err == CHIO_E_IO) err = CHIO_E_UNREACHABLE;
  note(round, endpoint, err, detail.text);
  return NULL;
}

static struct chio_link *try_all(struct chio_client *client, struct chio_pool *pool, chio_deadline deadline,
                                 struct round *round) {
  int first = atomic_load(&pool->endpoint);
  struct chio_link *link = first >= 0 ? try_endpoint(client, pool, (size_t)first, deadline, round) : NULL;
  bool stay = first >= 0 && client->endpoints.pinned;
  for (size_t i = 0; link == NULL && !stay && i < client->endpoints.count; i++)
    if ((int)i != first) link = try_endpoint(client, pool, i, deadline, round);
  return link;
}

static void pause_for(const struct chio_pool *pool, unsigned ms, chio_deadline deadline) {
  int left = chio_deadline_left(deadline);
  int time = left < (int)ms ? left : (int)ms;
  if (pool->waiting != NULL && pool->waiting->can() && pool->waiting->wait(-1, time, NULL)) return;
  (void)poll(NULL, 0, time);
}

/* Calls go to this link's endpoint from now on; idle links to another are of no use. */
static void settle(struct chio_pool *pool, const struct chio_link *link) {
  atomic_store(&pool->patient, true);
  if (atomic_exchange(&pool->endpoint, (int)link->endpoint) != (int)link->endpoint) chio_pool_sweep(pool);
}

enum chio_err chio_connect(struct chio_client *client, struct chio_pool *pool, chio_deadline deadline,
                           struct chio_link **out_link, struct chio_detail *detail) {
  chio_deadline end = chio_deadline_earlier(deadline, chio_deadline_in(client->connect_ms));
  for (unsigned pause = PAUSE_FIRST;; pause = pause * 2 < PAUSE_MOST ? pause * 2 : PAUSE_MOST) {
    struct round round = {.err = CHIO_OK};
    struct chio_link *link = try_all(client, pool, end, &round);
    if (link != NULL) {
      settle(pool, link);
      *out_link = link;
      return CHIO_OK;
    }
    bool wait = round.transient || (round.err == CHIO_E_UNREACHABLE && atomic_load(&pool->patient));
    if (wait && chio_deadline_left(end) > 0) {
      pause_for(pool, pause, end);
      if (pool->generation == chio_client_fork_generation()) continue;
      return chio_fail(detail, CHIO_E_DISCONNECTED, "%s", chio_err_text(CHIO_E_DISCONNECTED));
    }
    atomic_store(&pool->patient, false);
    if (round.err == CHIO_E_UNREACHABLE) return chio_fail(detail, round.err, "no signer answers: %s", round.why);
    return chio_fail(detail, round.err, "%s", round.why);
  }
}
