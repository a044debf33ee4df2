/* OBJECT_FIND. */
#include "signer/core/backend_look.h"
#include "signer/core/search.h"

enum chio_err chio_handle_object_find(struct chio_call *call, const void *request, void *reply) {
  const struct chio_object_find_request *q = request;
  struct chio_object_find_reply *r = reply;
  /* What is looked up now raises the generation: the one of the reply is noted after it. */
  enum chio_err err = chio_call_token(call, q->slot);
  if (err == CHIO_OK && call->slot->backend != NULL) chio_backend_look(call->core, call->slot->backend);
  if (err == CHIO_OK) err = chio_call_enter(call, q->slot, q->ticket);
  if (err != CHIO_OK) return err;
  if (q->max == 0 || q->max > CHIO_FIND_MAX)
    return chio_fail(&call->detail, CHIO_E_ARGUMENT, "a page has 1 to %u objects", CHIO_FIND_MAX);
  struct chio_buf *found = chio_call_scratch(call);
  err = chio_search(call, q->templ, q->cursor, q->max, found, &r->cursor);
  if (err == CHIO_OK) r->objects = chio_buf_slice(found);
  return err;
}
