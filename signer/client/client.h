/*
 * The client of chiod: what pkcs11/, provider/ and tools/ link. No threads, no signal handlers, no output, no
 * libcrypto; the environment is read by chio_client_new alone (secure_getenv). All functions are thread-safe.
 *
 * A call takes a connection of its own from a pool, sends one request, waits for one reply and puts the connection
 * back. After fork the child starts afresh and never touches the parent's connections. When chiod was restarted, a
 * call reconnects; a message that the table marks IDEMPOTENT, or that had not gone out whole, is sent again, any other
 * fails with CHIO_E_DISCONNECTED.
 *
 * Time: a call ends within call_ms, whatever happens. A signer that was never reached is looked for once and at once.
 * One that is lost is waited for, up to connect_ms; after that in vain, each call looks once, until it is back.
 *
 * Embedded mode (embedded:DIR): the signer is in this process, and its children cannot use it: CHIO_E_STATE_IN_USE.
 */
#ifndef CHIO_CLIENT_CLIENT_H
#define CHIO_CLIENT_CLIENT_H

#include "signer/base/buf.h"
#include "signer/base/err.h"
#include "signer/base/secret.h"
#include "signer/wire/message.h"

struct chio_client;

struct chio_link;

/* A host with better things to do while a call waits: it runs calls as jobs of their own, and goes on with others. Only
 * requests that may be sent again give way: what a job has begun that is never resumed must do no harm. */
struct chio_client_waiting {
  bool (*can)(void); /* whether the call on this thread can give way, now */
  /* Comes back when fd (-1: none) can be read or ms milliseconds have passed. False: it could not give way, and the
   * client waits itself. Where it never comes back, chio_client_abandon(link) is due instead. */
  bool (*wait)(int fd, int ms, struct chio_link *link);
};

/* Closes the connection of a call that gave way and will not be resumed; NULL is accepted. */
void chio_client_abandon(struct chio_link *link);

struct chio_client_options {
  const char *endpoints;   /* comma-separated: unix:PATH, embedded:DIR; NULL: $CHIO_SIGNER, then the compiled-in list
                              (/run/chio/chiod.sock, $XDG_RUNTIME_DIR/chio/chiod.sock) */
  const char *program;     /* for chiod's log; NULL: the name of the process */
  unsigned connect_ms;     /* bound on connecting, over all endpoints; 0: CHIO_CLIENT_CONNECT_MS */
  unsigned call_ms;        /* bound on one call with reconnect and retry; 0: CHIO_CLIENT_CALL_MS */
  const char *traceparent; /* the trace that its calls belong to (W3C Trace Context), for chiod's log; NULL:
                              $TRACEPARENT, "": none */
  const char *trusted_user; /* who may listen besides root and the caller; NULL: $CHIO_SIGNER_USER, then "chio" */
  const struct chio_client_waiting *waiting; /* static storage; NULL: calls wait themselves */
};

#define CHIO_CLIENT_CONNECT_MS 5000u
#define CHIO_CLIENT_CALL_MS 60000u

/* Remembers the options; connects at the first call. CHIO_E_NO_MEMORY, CHIO_E_CONFIG (an endpoint is malformed). */
CHIO_MUST_CHECK enum chio_err chio_client_new(const struct chio_client_options *options,
                                              struct chio_client **out_client, struct chio_detail *detail);

/* Closes what is open (in a fork child: only forgets). NULL is accepted. No call may be under way. */
void chio_client_free(struct chio_client *client);

/* Connects if need be (HELLO): for those who want to know now. CHIO_E_UNREACHABLE names every endpoint tried and why;
 * CHIO_E_PEER_UNTRUSTED; CHIO_E_VERSION. */
CHIO_MUST_CHECK enum chio_err chio_client_connect(struct chio_client *client, struct chio_detail *detail);

/* The endpoint in use ("unix:/run/chio/chiod.sock"), into out; empty when none is. */
void chio_client_endpoint(struct chio_client *client, char *out, size_t size);

/* One request, one reply. The reply's slices borrow from holder, which the caller owns and may reuse for the next call
 * (chio_buf_clear at the end; the caller wipes it first when the reply held a secret). holder may be NULL for a message
 * whose reply has no fields; *out_generation may be NULL.
 * Errors: those of chiod, as they are, with its text in detail; CHIO_E_UNREACHABLE, CHIO_E_DISCONNECTED,
 * CHIO_E_TIMEOUT, CHIO_E_PEER_UNTRUSTED, CHIO_E_PROTOCOL. Use the typed chio_call_* below. */
CHIO_MUST_CHECK enum chio_err chio_client_call(struct chio_client *client, enum chio_message_type type,
                                               const void *request, void *out_reply, struct chio_buf *holder,
                                               uint64_t *out_generation, struct chio_detail *detail);

/* chio_call_sign(client, &request, &reply, &holder, &generation, &detail) and so on: one for each message. For a
 * message without fields the struct is incomplete and NULL is passed. */
#define CHIO_MESSAGE(NAME, name, number, flags, request_size, reply_size)                                              \
  struct chio_##name##_request;                                                                                        \
  struct chio_##name##_reply;                                                                                          \
  CHIO_MUST_CHECK static inline enum chio_err chio_call_##name(                                                        \
      struct chio_client *client, const struct chio_##name##_request *request, struct chio_##name##_reply *out_reply, \
      struct chio_buf *holder, uint64_t *out_generation, struct chio_detail *detail) {                                 \
    return chio_client_call(client, CHIO_MSG_##NAME, request, out_reply, holder, out_generation, detail);              \
  }
#include "signer/wire/message.def"
#undef CHIO_MESSAGE

/* ---- Batches: many signatures by one key in one round trip. ---- */

struct chio_batch_item {
  struct chio_slice data;
  enum chio_err err; /* the outcome */
  struct chio_slice signature; /* with CHIO_OK */
};

/* How many of the items, from the first on, one request takes. */
size_t chio_batch_fits(const struct chio_batch_item *items, size_t count);

/* One SIGN_BATCH: common names slot, ticket, key, mechanism and parameters. With CHIO_OK each item has its outcome, and
 * its signature borrows from holder. CHIO_E_ARGUMENT (no item), CHIO_E_TOO_LONG (more than one request takes); else as
 * chio_client_call. */
CHIO_MUST_CHECK enum chio_err chio_client_sign_batch(struct chio_client *client,
                                                     const struct chio_sign_batch_request *common,
                                                     struct chio_batch_item *items, size_t count,
                                                     struct chio_buf *holder, uint64_t *out_generation,
                                                     struct chio_detail *detail);

/* ---- Streams: multi-part sign, verify, digest over a connection of their own. ---- */

struct chio_stream;

/* Takes a connection and sends STREAM_BEGIN without waiting. */
CHIO_MUST_CHECK enum chio_err chio_stream_begin(struct chio_client *client,
                                                const struct chio_stream_begin_request *request,
                                                struct chio_stream **out_stream, struct chio_detail *detail);

/* Sends data, in pieces of at most CHIO_DATA_MAX; waits only when the socket is full. CHIO_E_STREAM_UNKNOWN once the
 * connection was lost. */
CHIO_MUST_CHECK enum chio_err chio_stream_data(struct chio_stream *stream, struct chio_slice data);

/* Ends the stream and waits for its reply; always frees the stream. The output borrows from holder. */
CHIO_MUST_CHECK enum chio_err chio_stream_end(struct chio_stream *stream, struct chio_slice signature,
                                              struct chio_slice *out_output, struct chio_buf *holder,
                                              struct chio_detail *detail);

/* Drops the stream and frees it; NULL is accepted. */
void chio_stream_abort(struct chio_stream *stream);

/* ---- Logins ---- */

struct chio_login; /* a ticket; shared by threads; inherited by children */

/* LOGIN with a plain or named user; the PIN is the caller's to wipe. On success the caller owns the login. */
CHIO_MUST_CHECK enum chio_err chio_login_new(struct chio_client *client, uint32_t slot, enum chio_user user,
                                             struct chio_slice name, struct chio_slice pin,
                                             struct chio_login **out_login, struct chio_detail *detail);

/* Ends the ticket (LOGOUT, within a second) when this process made it; a child that inherited it only forgets. NULL is
 * accepted. */
void chio_login_end(struct chio_login *login, struct chio_client *client);

/* Forgets the ticket without a word to chiod. NULL is accepted. */
void chio_login_free(struct chio_login *login);

/* A copy of the ticket for one request, in out (at most CHIO_TICKET_MAX bytes), renewed (RENEW) when two thirds of its
 * life are over. NULL login: the empty ticket. The caller wipes out. */
CHIO_MUST_CHECK enum chio_err chio_login_ticket(struct chio_login *login, struct chio_client *client,
                                                uint8_t out[CHIO_TICKET_MAX], struct chio_slice *out_ticket);

/* ---- What is the same for a whole process ---- */

/* Grows by one in every child of fork; a front door compares it to know that it runs in a child. Async-signal-safe. */
unsigned long chio_client_fork_generation(void);

#endif
