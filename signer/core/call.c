#include "signer/core/call.h"

#include <sodium.h>
#include <time.h>

enum chio_err chio_call_slot(struct chio_call *call, uint32_t slot) {
  call->slot = chio_core_slot(call->core, slot);
  if (call->slot == NULL) return chio_fail(&call->detail, CHIO_E_SLOT_UNKNOWN, "there is no slot %u", slot);
  call->generation = atomic_load_explicit(&call->slot->generation, memory_order_acquire);
  return CHIO_OK;
}

enum chio_err chio_call_token(struct chio_call *call, uint32_t slot) {
  enum chio_err err = chio_call_slot(call, slot);
  if (err != CHIO_OK) return err;
  if (atomic_load_explicit(&call->slot->corrupt, memory_order_relaxed))
    return chio_fail(&call->detail, CHIO_E_STORE_CORRUPT,
                     "the store of slot %u was changed behind the signer's back: restore it, or initialise the token",
                     slot);
  if (!atomic_load_explicit(&call->slot->initialized, memory_order_acquire))
    return chio_fail(&call->detail, CHIO_E_TOKEN_UNINITIALIZED, "the token in slot %u is not initialised", slot);
  return CHIO_OK;
}

static bool remembered(const struct chio_conn *conn, struct chio_slice ticket, uint64_t generation) {
  return conn->ticket_len > 0 && conn->ticket_generation == generation &&
         chio_secret_equal(ticket, chio_slice(conn->ticket->data, conn->ticket_len)) &&
         (uint64_t)time(NULL) < conn->opened.ends;
}

static void remember(struct chio_conn *conn, struct chio_slice ticket, uint64_t generation,
                     const struct chio_ticket *opened) {
  conn->ticket_len = 0;
  /* Without locked memory for it, it is opened each time. */
  if (conn->ticket == NULL && chio_secret_new(CHIO_TICKET_MAX, &conn->ticket) != CHIO_OK) return;
  if (ticket.len > CHIO_TICKET_MAX) return;
  memcpy(conn->ticket->data, ticket.data, ticket.len);
  conn->ticket_len = ticket.len;
  conn->ticket_generation = generation;
  conn->opened = *opened;
}

enum chio_err chio_call_who(struct chio_call *call, struct chio_slice ticket) {
  struct chio_conn *conn = call->conn;
  struct chio_ticket opened;
  call->who = CHIO_WHO_PUBLIC;
  if (ticket.len == 0) return CHIO_OK;
  /* The generation is read first: a ticket that ends meanwhile is opened anew the next time. */
  uint64_t generation = chio_users_generation(call->core->users);
  if (!remembered(conn, ticket, generation)) {
    enum chio_err err = chio_users_ticket_open(call->core->users, ticket, &opened);
    if (err != CHIO_OK) return err;
    if (opened.user == CHIO_USER_CONTEXT) return CHIO_E_TICKET_INVALID;
    remember(conn, ticket, generation, &opened);
  } else {
    opened = conn->opened;
  }
  if (opened.slot != call->slot->number) return CHIO_E_TICKET_INVALID;
  call->who = opened.user == CHIO_USER_SO ? CHIO_WHO_SO : CHIO_WHO_USER;
  return CHIO_OK;
}

bool chio_call_still(struct chio_call *call) {
  const struct chio_conn *conn = call->conn;
  uint8_t copy[CHIO_TICKET_MAX];
  if (chio_slot_is_open(call->slot)) return true;
  if (conn->ticket_len == 0) return false;
  size_t len = conn->ticket_len;
  memcpy(copy, conn->ticket->data, len);
  enum chio_err err = chio_call_who(call, chio_slice(copy, len));
  chio_wipe(copy, sizeof copy);
  return err == CHIO_OK && call->who == CHIO_WHO_USER;
}

enum chio_err chio_call_enter(struct chio_call *call, uint32_t slot, struct chio_slice ticket) {
  enum chio_err err = chio_call_token(call, slot);
  if (err == CHIO_OK) err = chio_call_who(call, ticket);
  if (err == CHIO_OK && call->who == CHIO_WHO_PUBLIC && chio_slot_is_open(call->slot)) call->who = CHIO_WHO_USER;
  return err;
}

void chio_slot_changed(struct chio_slot *slot) {
  atomic_fetch_add_explicit(&slot->generation, 1, memory_order_acq_rel);
}

void chio_call_changed(struct chio_call *call) {
  call->generation = atomic_fetch_add_explicit(&call->slot->generation, 1, memory_order_acq_rel) + 1;
}

bool chio_call_sees(const struct chio_call *call, const struct chio_object *object) {
  if (call->slot->backend != NULL && !chio_backend_shows(call->slot->backend, object)) return false;
  /* A call of the core's own has no connection, and sees what it made a note of. */
  return call->conn == NULL || chio_object_visible(object, &call->conn->client, call->who == CHIO_WHO_USER);
}

enum chio_err chio_call_object(struct chio_call *call, const struct chio_uid *uid, struct chio_object **out_object) {
  struct chio_object *object;
  enum chio_err err =
      chio_object_table_get(call->core->objects, call->slot->number, uid, false, &object, &call->detail);
  if (err != CHIO_OK) return err;
  if (!chio_call_sees(call, object)) {
    chio_object_free(object);
    return CHIO_E_OBJECT_UNKNOWN;
  }
  *out_object = object;
  return CHIO_OK;
}

enum chio_err chio_call_may_change(struct chio_call *call, bool is_token, bool is_private) {
  if (is_private && call->who != CHIO_WHO_USER)
    return chio_fail(&call->detail, CHIO_E_NOT_LOGGED_IN, "a private object needs login as the user");
  if (is_token && call->core->config.read_only)
    return chio_fail(&call->detail, CHIO_E_TOKEN_READ_ONLY, "the signer was started read-only");
  return CHIO_OK;
}

struct chio_buf *chio_call_scratch(struct chio_call *call) {
  chio_buf_reset(&call->conn->scratch);
  return &call->conn->scratch;
}

void chio_uid_make(struct chio_uid *out_uid) {
  do {
    randombytes_buf(out_uid->b, sizeof out_uid->b);
  } while (chio_uid_is_zero(out_uid));
}

struct chio_token_row chio_slot_row(struct chio_slot *slot) {
  (void)pthread_mutex_lock(&slot->row_lock);
  struct chio_token_row row = slot->row;
  (void)pthread_mutex_unlock(&slot->row_lock);
  return row;
}
