#include "pkcs11/find.h"

#include "pkcs11/attribute.h"
#include "pkcs11/handle.h"
#include "pkcs11/login.h"
#include "pkcs11/rv.h"

void p11_find_end(struct p11_find *find) {
  p11_template_clear(&find->templ);
  chio_buf_clear(&find->page);
  *find = (struct p11_find){0};
}

static CK_RV next_page(struct p11_call *call, struct p11_find *find) {
  struct p11_ticket ticket;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_object_find_request request = {.slot = call->session->slot->id,
                                             .ticket = ticket.slice,
                                             .templ = chio_attrs_of(&find->templ),
                                             .cursor = find->cursor,
                                             .max = CHIO_FIND_MAX};
  struct chio_object_find_reply reply;
  uint64_t generation = 0;
  enum chio_err err =
      chio_call_object_find(call->app->client, &request, &reply, &call->session->holder, &generation, NULL);
  err = p11_ticket_done(call, &ticket, err, generation);
  if (err != CHIO_OK) return p11_rv(err);
  if (reply.objects.len % CHIO_UID_SIZE != 0) return CKR_DEVICE_ERROR;
  chio_buf_reset(&find->page);
  chio_buf_append_slice(&find->page, reply.objects);
  find->at = 0;
  find->cursor = reply.cursor;
  find->more = reply.cursor != 0;
  return p11_rv(chio_buf_err(&find->page));
}

/* A search by an attribute that no object of this token can have is a search that finds nothing; applications look for
 * their own vendor attributes this way. */
static CK_RV begin(struct p11_call *call, const CK_ATTRIBUTE *templ, CK_ULONG count) {
  struct p11_find *find = &call->session->find;
  if (find->active) return CKR_OPERATION_ACTIVE;
  CK_RV rv = p11_template_in(templ, count, &find->templ);
  bool impossible = rv == CKR_ATTRIBUTE_TYPE_INVALID;
  if (rv == CKR_OK) rv = next_page(call, find);
  if (rv != CKR_OK && !impossible) {
    p11_find_end(find);
    return rv;
  }
  find->active = true;
  return CKR_OK;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG count) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, begin(&call, templ, count));
}

static CK_RV hand_out(struct p11_call *call, CK_OBJECT_HANDLE *out_handle, bool *out_done) {
  struct p11_find *find = &call->session->find;
  CK_RV rv = CKR_OK;
  while (rv == CKR_OK && find->at == find->page.len && find->more) rv = next_page(call, find);
  *out_done = find->at == find->page.len;
  if (rv != CKR_OK || *out_done) return rv;
  struct chio_uid uid;
  memcpy(uid.b, find->page.data + find->at, CHIO_UID_SIZE);
  rv = p11_object_learn(call, &uid, out_handle);
  if (rv == CKR_OK) find->at += CHIO_UID_SIZE;
  return rv;
}

static CK_RV find_objects(struct p11_call *call, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count) {
  if (!call->session->find.active) return CKR_OPERATION_NOT_INITIALIZED;
  if (count == NULL || (objects == NULL && max > 0)) return CKR_ARGUMENTS_BAD;
  CK_ULONG found = 0;
  bool done = false;
  CK_RV rv = CKR_OK;
  while (rv == CKR_OK && !done && found < max) {
    rv = hand_out(call, &objects[found], &done);
    if (rv == CKR_OK && !done) found++;
  }
  /* What was handed out before something failed is not lost: the failure comes again with the next call. */
  if (rv != CKR_OK && found == 0) return rv;
  *count = found;
  return CKR_OK;
}

CK_RV C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, find_objects(&call, objects, max, count));
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE session) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  rv = call.session->find.active ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
  p11_find_end(&call.session->find);
  return p11_call_close(&call, rv);
}
