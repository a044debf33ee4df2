/*
 * One request being served: where the handlers meet the dispatcher. A handler gets the decoded request and fills the
 * reply; what the reply borrows must live in the connection's scratch buffer, in the call, or longer.
 */
#ifndef CHIO_CORE_CALL_H
#define CHIO_CORE_CALL_H

#include "signer/core/state.h"

struct chio_call {
  struct chio_conn *conn;
  struct chio_core *core;
  struct chio_slot *slot; /* that the request named, once it was entered */
  uint64_t generation;    /* for the reply's header */
  enum chio_who who;
  struct chio_detail detail;
  uint8_t ticket[CHIO_TICKET_MAX]; /* a ticket for the reply; wiped after it was sent */
};

typedef enum chio_err chio_handler(struct chio_call *call, const void *request, void *reply);

/* One for each message: handle_<group>.c. */
#define CHIO_MESSAGE(NAME, name, number, flags, request_size, reply_size) \
  CHIO_MUST_CHECK enum chio_err chio_handle_##name(struct chio_call *call, const void *request, void *reply);
#include "signer/wire/message.def"
#undef CHIO_MESSAGE

/* Notes the slot and its generation as it is before anything is read. CHIO_E_SLOT_UNKNOWN, CHIO_E_STORE_CORRUPT,
 * CHIO_E_TOKEN_UNINITIALIZED. chio_call_slot stops at the first. */
CHIO_MUST_CHECK enum chio_err chio_call_slot(struct chio_call *call, uint32_t slot);
CHIO_MUST_CHECK enum chio_err chio_call_token(struct chio_call *call, uint32_t slot);

/* The same, and who asks: no ticket is the public, a bad one is CHIO_E_TICKET_INVALID. */
CHIO_MUST_CHECK enum chio_err chio_call_enter(struct chio_call *call, uint32_t slot, struct chio_slice ticket);
CHIO_MUST_CHECK enum chio_err chio_call_who(struct chio_call *call, struct chio_slice ticket);

/* Whether the ticket that this connection last showed is still good for the slot: at the end of a stream. */
bool chio_call_still(struct chio_call *call);

/* Something of the slot changed: its generation grows, and the reply says so. */
void chio_call_changed(struct chio_call *call);
void chio_slot_changed(struct chio_slot *slot);

/* Whether the caller may know of an object: its own flags, and for a key of a backend whether it is still wanted. */
bool chio_call_sees(const struct chio_call *call, const struct chio_object *object);

/* An object that the caller may see, with a reference; not visible is CHIO_E_OBJECT_UNKNOWN. */
CHIO_MUST_CHECK enum chio_err chio_call_object(struct chio_call *call, const struct chio_uid *uid,
                                               struct chio_object **out_object);

/* Whether an object with these two flags may be made or changed: CHIO_E_NOT_LOGGED_IN for a private one without the
 * user's ticket, CHIO_E_TOKEN_READ_ONLY for a token object of a token that is read-only. */
CHIO_MUST_CHECK enum chio_err chio_call_may_change(struct chio_call *call, bool is_token, bool is_private);

/* Empties the connection's scratch buffer and returns it. */
struct chio_buf *chio_call_scratch(struct chio_call *call);

/* New random name. */
void chio_uid_make(struct chio_uid *out_uid);

/* The stream of a connection, dropped. */
void chio_stream_drop(struct chio_stream *stream);

/* The fields' names of a token, copied under its lock. */
struct chio_token_row chio_slot_row(struct chio_slot *slot);

#endif
