/* Frames in, frames out: one request is decoded, handed to its handler, and answered. */
#include "signer/base/log.h"
#include "signer/core/backend_look.h"
#include "signer/core/call.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define SCRATCH_KEPT (64u * 1024u) /* bytes that an idle connection may hold on to */
#define STRUCT_MAX 512u            /* bytes of the largest request or reply */
#define INLINE_RSA_BITS 2048u      /* larger keys sign in the pool */
#define INLINE_BATCH_ITEMS 16u     /* longer batches are signed in the pool, and all of RSA keys */
#define INLINE_BATCH_BYTES (64u * 1024u)

static chio_handler *const handlers[] = {
#define CHIO_MESSAGE(NAME, name, number, flags, request_size, reply_size) [number] = chio_handle_##name,
#include "signer/wire/message.def"
#undef CHIO_MESSAGE
};

#define CHIO_MESSAGE(NAME, name, number, flags, request_size, reply_size)      \
  _Static_assert((request_size) <= STRUCT_MAX, #NAME " request is too large"); \
  _Static_assert((reply_size) <= STRUCT_MAX, #NAME " reply is too large");
#include "signer/wire/message.def"
#undef CHIO_MESSAGE

union any_struct {
  uint8_t bytes[STRUCT_MAX];
  uint64_t align;
  void *align_pointer;
};

/* Requests that name something that is not there, or do not fit it, are everyday; refusals are worth a line; damage is
 * worth an alarm. */
static enum chio_log_level level_of(enum chio_err err) {
  switch (err) {
    case CHIO_E_INTERNAL:
    case CHIO_E_NO_MEMORY:
    case CHIO_E_IO:
    case CHIO_E_STORE_CORRUPT:
    case CHIO_E_STORE_FULL:
    case CHIO_E_STORE_READ_ONLY:
    case CHIO_E_SEAL:
    case CHIO_E_BACKEND_SIGNATURE:
    case CHIO_E_PLATFORM: return CHIO_LOG_ERROR;
    case CHIO_E_PIN_INCORRECT:
    case CHIO_E_PIN_LOCKED:
    case CHIO_E_PIN_DELAY:
    case CHIO_E_NOT_LOGGED_IN:
    case CHIO_E_TICKET_INVALID:
    case CHIO_E_CONTEXT_LOGIN:
    case CHIO_E_POLICY:
    case CHIO_E_KEY_FUNCTION:
    case CHIO_E_TOKEN_READ_ONLY:
    case CHIO_E_BACKEND:
    case CHIO_E_BACKEND_KEY:
    case CHIO_E_BACKEND_REFUSED:
    case CHIO_E_BACKEND_SEALED:
    case CHIO_E_BACKEND_UNREACHABLE:
    case CHIO_E_PROTOCOL:
    case CHIO_E_VERSION:
    case CHIO_E_UNKNOWN_MESSAGE: return CHIO_LOG_NOTICE;
    default: return CHIO_LOG_DEBUG;
  }
}

/* "KEY_PAIR" as a person says it: "key pair". */
static void verb_of(const char *name, char *out, size_t size) {
  size_t i = 0;
  for (; name[i] != '\0' && i + 1 < size; i++) out[i] = name[i] == '_' ? ' ' : (char)tolower((unsigned char)name[i]);
  out[i] = '\0';
}

static bool starts_with_refused(const char *text, const char *verb) {
  size_t len = strlen(verb);
  return strncmp(text, verb, len) == 0 && strncmp(text + len, " refused: ", 10) == 0;
}

/* Every refusal reads "<verb> refused: <why>", whoever found it. */
static void complete_detail(const char *name, enum chio_err err, struct chio_detail *detail) {
  char verb[32];
  char why[CHIO_DETAIL_MAX];
  verb_of(name, verb, sizeof verb);
  if (starts_with_refused(detail->text, verb)) return;
  (void)snprintf(why, sizeof why, "%s", detail->text[0] != '\0' ? detail->text : chio_err_text(err));
  (void)chio_fail(detail, err, "%s refused: %s", verb, why);
}

static void log_refusal(const struct chio_conn *conn, enum chio_err err, const char *text) {
  char line[CHIO_DETAIL_MAX + 64];
  enum chio_log_level level = level_of(err);
  if (!chio_log_enabled(level)) return;
  const char *why = strstr(text, ": ");
  size_t verb = why != NULL ? (size_t)(why - text) : strlen(text);
  (void)snprintf(line, sizeof line, "peer uid %u: %.*s, %s", (unsigned)conn->peer.uid, (int)verb, text,
                 why != NULL ? why + 2 : chio_err_name(err));
  chio_log(level, "request.refused", line, CHIO_F_UINT("uid", conn->peer.uid), CHIO_F_INT("pid", conn->peer.pid),
           CHIO_F_STR("error", chio_err_name(err)));
}

static enum chio_err answer(struct chio_call *call, const struct chio_message *message, uint32_t request_id,
                            enum chio_err err, const void *reply, struct chio_buf *out) {
  if (err != CHIO_OK) {
    complete_detail(message->name, err, &call->detail);
    log_refusal(call->conn, err, call->detail.text);
  }
  return chio_message_reply(message, request_id, call->generation, err, &call->detail, reply, out);
}

/* Says why and asks for the connection to be closed. */
static enum chio_err close_with(struct chio_call *call, const struct chio_message *message, uint32_t request_id,
                                enum chio_err err, const char *why, struct chio_buf *out) {
  (void)chio_fail(&call->detail, err, "%s", why);
  if ((message->flags & CHIO_MESSAGE_NO_REPLY) != 0) {
    log_refusal(call->conn, err, why);
    return err;
  }
  enum chio_err sent = answer(call, message, request_id, err, NULL, out);
  return sent != CHIO_OK ? sent : err;
}

static enum chio_err unknown(struct chio_call *call, const struct chio_frame_header *header, struct chio_buf *out) {
  static const struct chio_fields none = CHIO_FIELDS_NONE;
  struct chio_message message = {.type = header->type, .name = "message", .request = &none, .reply = &none};
  (void)chio_fail(&call->detail, CHIO_E_UNKNOWN_MESSAGE, "there is no message %u", header->type);
  return answer(call, &message, header->request_id, CHIO_E_UNKNOWN_MESSAGE, NULL, out);
}

/* What cannot be decoded in a message without reply is the stream's answer. */
static enum chio_err without_reply(struct chio_call *call, const struct chio_message *message, enum chio_err err) {
  struct chio_stream *stream = &call->conn->stream;
  if (err == CHIO_OK || stream->err != CHIO_OK) return CHIO_OK;
  if (!stream->active && message->type != CHIO_MSG_STREAM_BEGIN) return CHIO_OK;
  stream->active = true;
  stream->err = err;
  stream->detail = call->detail;
  return CHIO_OK;
}

static void tidy(struct chio_conn *conn, struct chio_call *call, const struct chio_message *message) {
  if ((message->flags & CHIO_MESSAGE_SECRET) != 0) chio_wipe(call->ticket, sizeof call->ticket);
  if (message->type == CHIO_MSG_RANDOM) chio_wipe(conn->scratch.data, conn->scratch.len);
  if (conn->scratch.cap > SCRATCH_KEPT) chio_buf_clear(&conn->scratch);
}

static enum chio_err serve(struct chio_call *call, const struct chio_message *message,
                           const struct chio_frame_header *header, struct chio_slice body, struct chio_buf *out) {
  union any_struct request;
  union any_struct reply;
  memset(reply.bytes, 0, message->reply_size);
  enum chio_err err = chio_fields_decode(*message->request, body, message->request_size, &request);
  if (err == CHIO_OK) err = handlers[message->type](call, &request, &reply);
  if ((message->flags & CHIO_MESSAGE_NO_REPLY) != 0) return without_reply(call, message, err);
  enum chio_err sent = answer(call, message, header->request_id, err, &reply, out);
  /* A reply that passes a limit of its own is our fault, and still needs an answer. */
  if (sent == CHIO_E_TOO_LONG && err == CHIO_OK)
    sent = answer(call, message, header->request_id, CHIO_E_INTERNAL, NULL, out);
  return sent;
}

static _Thread_local const struct chio_traceparent *trace_of_thread;

const struct chio_traceparent *chio_backend_trace(void) {
  static const struct chio_traceparent none = {.trace_id = ""};
  return trace_of_thread != NULL ? trace_of_thread : &none;
}

enum chio_err chio_conn_dispatch(struct chio_conn *conn, const struct chio_frame_header *header, struct chio_slice body,
                                 struct chio_buf *out) {
  struct chio_call call;
  call.conn = conn;
  call.core = conn->core;
  call.slot = NULL;
  call.generation = 0;
  call.who = CHIO_WHO_PUBLIC;
  call.detail.text[0] = '\0';
  if ((header->flags & CHIO_FRAME_REPLY) != 0 || header->length != body.len) return CHIO_E_PROTOCOL;
  const struct chio_message *message = chio_message_find(header->type);
  if (message == NULL) {
    if (conn->greeted) return unknown(&call, header, out);
    return CHIO_E_PROTOCOL;
  }
  if (conn->greeted == (message->type == CHIO_MSG_HELLO))
    return close_with(&call, message, header->request_id, CHIO_E_PROTOCOL,
                      conn->greeted ? "HELLO came before" : "HELLO must come first", out);
  chio_log_trace(conn->trace.trace_id);
  trace_of_thread = &conn->trace;
  enum chio_err err = serve(&call, message, header, body, out);
  trace_of_thread = NULL;
  chio_log_trace("");
  tidy(conn, &call, message);
  /* Without a common version there is nothing more to say. */
  if (err == CHIO_OK && !conn->greeted) return CHIO_E_VERSION;
  return err;
}

/* The key and the mechanism of a SIGN or SIGN_BATCH, without decoding all of it. */
struct glance {
  uint32_t slot;
  struct chio_uid key;
  const struct chio_mechanism *mechanism;
  struct chio_cursor rest;
};

static bool skip_bytes(struct chio_cursor *c) {
  struct chio_slice skipped;
  uint32_t len;
  return chio_cursor_u32le(c, &len) == CHIO_OK && chio_cursor_bytes(c, len, &skipped) == CHIO_OK;
}

static bool peek_sign(struct chio_slice body, unsigned tickets, struct glance *out) {
  struct chio_cursor c = chio_cursor(body);
  struct chio_slice key;
  uint32_t wire;
  if (chio_cursor_u32le(&c, &out->slot) != CHIO_OK) return false;
  for (unsigned i = 0; i < tickets; i++)
    if (!skip_bytes(&c)) return false;
  if (chio_cursor_bytes(&c, CHIO_UID_SIZE, &key) != CHIO_OK || chio_cursor_u32le(&c, &wire) != CHIO_OK) return false;
  memcpy(out->key.b, key.data, CHIO_UID_SIZE);
  out->mechanism = chio_mechanism_by_wire(wire);
  out->rest = c;
  return out->mechanism != NULL;
}

/* Few and short messages are signed sooner than a thread of the pool is found. */
static bool is_long(const struct glance *batch) {
  struct chio_cursor c = batch->rest;
  uint32_t len;
  if (!skip_bytes(&c) || chio_cursor_u32le(&c, &len) != CHIO_OK) return false;
  if (len > INLINE_BATCH_BYTES || batch->mechanism->key_type == CKK_RSA) return true;
  unsigned items = 0;
  while (items <= INLINE_BATCH_ITEMS && skip_bytes(&c)) items++;
  return items > INLINE_BATCH_ITEMS;
}

static struct chio_backend *backend_of(struct chio_conn *conn, uint32_t slot) {
  struct chio_slot *found = chio_core_slot(conn->core, slot);
  return found != NULL ? found->backend : NULL;
}

/* The slot of a request: its first field, where it has one. */
static struct chio_backend *peek_backend(struct chio_conn *conn, struct chio_slice body) {
  struct chio_cursor c = chio_cursor(body);
  uint32_t slot;
  return chio_cursor_u32le(&c, &slot) == CHIO_OK ? backend_of(conn, slot) : NULL;
}

static bool slow(struct chio_conn *conn, uint32_t slot, const struct chio_uid *uid,
                 const struct chio_mechanism *mechanism) {
  if (backend_of(conn, slot) != NULL) return true;
  if ((mechanism->flags & CHIO_MECH_ATTEST) != 0) return true;
  if (mechanism->key_type != CKK_RSA) return false;
  struct chio_object *object = chio_object_table_peek(conn->core->objects, slot, uid);
  struct chio_key *key = object != NULL ? atomic_load_explicit(&object->key, memory_order_acquire) : NULL;
  bool is_slow = key == NULL || chio_key_bits(key) > INLINE_RSA_BITS;
  chio_object_free(object);
  return is_slow;
}

bool chio_conn_blocks(struct chio_conn *conn, const struct chio_frame_header *header, struct chio_slice body) {
  const struct chio_message *message = chio_message_find(header->type);
  struct glance g;
  if (message == NULL) return false;
  if ((message->flags & CHIO_MESSAGE_BLOCKING) != 0) return true;
  if (message->type == CHIO_MSG_SIGN) return peek_sign(body, 2, &g) && slow(conn, g.slot, &g.key, g.mechanism);
  if (message->type == CHIO_MSG_SIGN_BATCH)
    return peek_sign(body, 1, &g) && (slow(conn, g.slot, &g.key, g.mechanism) || is_long(&g));
  if (message->type == CHIO_MSG_OBJECT_FIND) {
    struct chio_backend *backend = peek_backend(conn, body);
    return backend != NULL && chio_backend_waits(conn->core, backend);
  }
  const struct chio_stream *stream = &conn->stream;
  if (message->type == CHIO_MSG_STREAM_END && stream->operation == CHIO_STREAM_SIGN && stream->object != NULL)
    return slow(conn, stream->slot->number, &stream->object->uid, stream->mechanism);
  return false;
}

/* A delegation is judged with collateral, which may have to be fetched first. */
static bool fetches(const struct chio_conn *conn) {
  return conn->core->config.collateral.serve != NULL;
}

bool chio_conn_waits(struct chio_conn *conn, const struct chio_frame_header *header, struct chio_slice body) {
  switch (header->type) {
    case CHIO_MSG_SIGN:
    case CHIO_MSG_SIGN_BATCH:
    case CHIO_MSG_OBJECT_FIND:
    case CHIO_MSG_KEY_PAIR: return peek_backend(conn, body) != NULL;
    case CHIO_MSG_STREAM_END: return conn->stream.slot != NULL && conn->stream.slot->backend != NULL;
    case CHIO_MSG_COLLATERAL: return true;
    case CHIO_MSG_DELEGATE: return peek_backend(conn, body) != NULL || fetches(conn);
    /* An issuer may vouch for the new key, wherever that one is. */
    case CHIO_MSG_ROTATE: return conn->core->backend_count > 0 || fetches(conn);
    default: return false;
  }
}
