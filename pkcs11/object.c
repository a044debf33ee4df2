/* C_CreateObject, C_CopyObject, C_DestroyObject, C_GetObjectSize, C_GetAttributeValue, C_SetAttributeValue. */
#include "pkcs11/attribute.h"
#include "pkcs11/cache.h"
#include "pkcs11/login.h"
#include "pkcs11/rv.h"
#include "pkcs11/session.h"

/* Whether the session may make, change or destroy this object: session objects always, token objects by its kind. */
static CK_RV may_touch(const struct p11_call *call, bool on_token) {
  return on_token ? p11_session_may_write(call) : CKR_OK;
}

static CK_RV may_touch_object(struct p11_call *call, CK_OBJECT_HANDLE object, bool *out_on_token,
                              struct chio_uid *out_uid) {
  struct p11_view *view;
  CK_RV rv = p11_view_get(call, object, &view);
  if (rv != CKR_OK) return rv;
  *out_on_token = chio_attrs_bool(p11_view_attrs(view), (uint32_t)CKA_TOKEN, true);
  *out_uid = view->uid;
  p11_view_release(view);
  return CKR_OK;
}

/* A new object: its handle, and the note that chiod is to be told when the session ends. */
static CK_RV adopt(struct p11_call *call, const struct chio_uid *uid, bool on_token, CK_OBJECT_HANDLE *out_handle) {
  if (!on_token) p11_session_made_object(call);
  return p11_object_learn(call, uid, out_handle);
}

/* ---- C_CreateObject ---- */

static CK_RV ask_create(struct p11_call *call, struct chio_attrs templ, struct chio_uid *out_uid) {
  struct p11_ticket ticket;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_object_create_request request = {.slot = call->session->slot->id,
                                               .ticket = ticket.slice,
                                               .session = call->session->handle,
                                               .templ = templ};
  struct chio_object_create_reply reply;
  uint64_t generation = 0;
  enum chio_err err =
      chio_call_object_create(call->app->client, &request, &reply, &call->session->holder, &generation, NULL);
  if (err == CHIO_OK) *out_uid = reply.object;
  return p11_rv(p11_ticket_done(call, &ticket, err, generation));
}

static CK_RV create(struct p11_call *call, const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *object) {
  struct chio_buf built = CHIO_BUF_INIT;
  struct chio_uid uid;
  if (object == NULL || templ == NULL) return CKR_ARGUMENTS_BAD;
  CK_RV rv = p11_template_in(templ, count, &built);
  bool on_token = rv == CKR_OK && chio_attrs_bool(chio_attrs_of(&built), (uint32_t)CKA_TOKEN, false);
  if (rv == CKR_OK) rv = may_touch(call, on_token);
  if (rv == CKR_OK) rv = ask_create(call, chio_attrs_of(&built), &uid);
  p11_template_clear(&built);
  return rv == CKR_OK ? adopt(call, &uid, on_token, object) : rv;
}

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *object) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, create(&call, templ, count, object));
}

/* ---- C_CopyObject ---- */

static CK_RV ask_copy(struct p11_call *call, const struct chio_uid *source, struct chio_attrs templ,
                      struct chio_uid *out_uid) {
  struct p11_ticket ticket;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_object_copy_request request = {.slot = call->session->slot->id,
                                             .ticket = ticket.slice,
                                             .session = call->session->handle,
                                             .object = *source,
                                             .templ = templ};
  struct chio_object_copy_reply reply;
  uint64_t generation = 0;
  enum chio_err err =
      chio_call_object_copy(call->app->client, &request, &reply, &call->session->holder, &generation, NULL);
  if (err == CHIO_OK) *out_uid = reply.object;
  return p11_rv(p11_ticket_done(call, &ticket, err, generation));
}

static CK_RV copy(struct p11_call *call, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *templ, CK_ULONG count,
                  CK_OBJECT_HANDLE *out_copy) {
  struct chio_buf built = CHIO_BUF_INIT;
  struct chio_uid uid;
  bool on_token;
  CK_RV rv = may_touch_object(call, object, &on_token, &uid);
  if (rv != CKR_OK) return rv;
  if (out_copy == NULL) return CKR_ARGUMENTS_BAD;
  rv = p11_template_in(templ, count, &built);
  if (rv == CKR_OK) on_token = chio_attrs_bool(chio_attrs_of(&built), (uint32_t)CKA_TOKEN, on_token);
  if (rv == CKR_OK) rv = may_touch(call, on_token);
  if (rv == CKR_OK) rv = ask_copy(call, &uid, chio_attrs_of(&built), &uid);
  p11_template_clear(&built);
  return rv == CKR_OK ? adopt(call, &uid, on_token, out_copy) : rv;
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ, CK_ULONG count,
                   CK_OBJECT_HANDLE *new_object) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, copy(&call, object, templ, count, new_object));
}

/* ---- C_DestroyObject ---- */

static CK_RV destroy(struct p11_call *call, CK_OBJECT_HANDLE object) {
  struct p11_ticket ticket;
  struct chio_uid uid;
  bool on_token;
  CK_RV rv = may_touch_object(call, object, &on_token, &uid);
  if (rv == CKR_OK) rv = may_touch(call, on_token);
  if (rv == CKR_OK) rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_object_destroy_request request = {
      .slot = call->session->slot->id, .ticket = ticket.slice, .object = uid};
  uint64_t generation = 0;
  enum chio_err err =
      chio_call_object_destroy(call->app->client, &request, NULL, &call->session->holder, &generation, NULL);
  rv = p11_rv(p11_ticket_done(call, &ticket, err, generation));
  if (rv == CKR_OK) p11_object_forget(call, object);
  return rv;
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, destroy(&call, object));
}

/* ---- C_GetObjectSize ---- */

/* The bytes of its attributes, as far as they can be read. */
static CK_RV object_size(struct p11_call *call, CK_OBJECT_HANDLE object, CK_ULONG *size) {
  struct p11_view *view;
  CK_RV rv = p11_view_get(call, object, &view);
  if (rv != CKR_OK) return rv;
  CK_ULONG bytes = view->attrs.len;
  p11_view_release(view);
  if (size == NULL) return CKR_ARGUMENTS_BAD;
  *size = bytes;
  return CKR_OK;
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, object_size(&call, object, size));
}

/* ---- C_GetAttributeValue ---- */

static unsigned class_bit(uint64_t class) {
  switch (class) {
    case CKO_DATA: return CHIO_IN_DATA;
    case CKO_CERTIFICATE: return CHIO_IN_CERT;
    case CKO_PUBLIC_KEY: return CHIO_IN_PUBLIC;
    case CKO_PRIVATE_KEY: return CHIO_IN_PRIVATE;
    case CKO_SECRET_KEY: return CHIO_IN_SECRET;
    default: return 0;
  }
}

/* The row of an attribute that an object like this one may have; NULL for all others. */
static const struct chio_attribute *possible_row(const struct p11_view *view, CK_ATTRIBUTE_TYPE type) {
  const struct chio_attribute *row = type <= UINT32_MAX ? chio_attribute_find((uint32_t)type) : NULL;
  uint64_t class = chio_attrs_ulong(p11_view_attrs(view), (uint32_t)CKA_CLASS, UINT64_MAX);
  return row != NULL && (row->in & class_bit(class)) != 0 ? row : NULL;
}

static bool is_settled(const struct p11_view *view, uint32_t type) {
  struct chio_slice value;
  return chio_attrs_find(p11_view_attrs(view), type, &value) ||
         p11_types_have(chio_buf_slice(&view->sensitive), type) ||
         p11_types_have(chio_buf_slice(&view->missing), type);
}

/* The types that chiod has to be asked for, each once: at most as many as the table has rows. */
static enum chio_err open_questions(const struct p11_view *view, const CK_ATTRIBUTE *templ, CK_ULONG count,
                                    struct chio_buf *out_types) {
  for (CK_ULONG i = 0; i < count; i++) {
    const struct chio_attribute *row = possible_row(view, templ[i].type);
    if (row == NULL || is_settled(view, row->type) || p11_types_have(chio_buf_slice(out_types), row->type)) continue;
    chio_buf_append_u32le(out_types, row->type);
  }
  return chio_buf_err(out_types);
}

static CK_RV refuse(CK_ATTRIBUTE *row, CK_RV rv) {
  row->ulValueLen = CK_UNAVAILABLE_INFORMATION;
  return rv;
}

/* PKCS #11 v3.0, 5.7.5, cases 1 to 5 in their order. */
static CK_RV answer(const struct p11_view *view, const struct chio_object_get_reply *more, CK_ATTRIBUTE *row) {
  const struct chio_attribute *known = possible_row(view, row->type);
  struct chio_slice value;
  if (known == NULL) return refuse(row, CKR_ATTRIBUTE_TYPE_INVALID);
  if (p11_types_have(chio_buf_slice(&view->sensitive), known->type) || p11_types_have(more->sensitive, known->type))
    return refuse(row, CKR_ATTRIBUTE_SENSITIVE);
  if (!chio_attrs_find(p11_view_attrs(view), known->type, &value) &&
      !chio_attrs_find(more->attributes, known->type, &value))
    return refuse(row, CKR_ATTRIBUTE_TYPE_INVALID);
  return p11_attribute_out(known, value, row);
}

/* Every row is answered; of several refusals the first in this list is returned. */
static CK_RV worse(CK_RV a, CK_RV b) {
  static const CK_RV order[] = {CKR_GENERAL_ERROR, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID,
                                CKR_BUFFER_TOO_SMALL};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(order); i++)
    if (a == order[i] || b == order[i]) return order[i];
  return CKR_OK;
}

static CK_RV get_from_view(struct p11_call *call, CK_OBJECT_HANDLE object, const struct p11_view *view,
                           CK_ATTRIBUTE *templ, CK_ULONG count) {
  struct chio_object_get_reply more = {0};
  struct chio_buf types = CHIO_BUF_INIT;
  CK_RV rv = p11_rv(open_questions(view, templ, count, &types));
  if (rv == CKR_OK && types.len > 0) rv = p11_view_ask(call, object, view, chio_buf_slice(&types), &more);
  bool asked = types.len > 0;
  chio_buf_clear(&types);
  if (rv != CKR_OK) return rv;
  for (CK_ULONG i = 0; i < count; i++) rv = worse(rv, answer(view, &more, &templ[i]));
  /* It may have held what is readable of an extractable key. */
  if (asked) chio_wipe(call->session->holder.data, call->session->holder.len);
  return rv;
}

static CK_RV get(struct p11_call *call, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ, CK_ULONG count) {
  struct p11_view *view;
  CK_RV rv = p11_view_get(call, object, &view);
  if (rv != CKR_OK) return rv;
  bool bad = (templ == NULL && count > 0) || count > CHIO_ATTRS_COUNT_MAX;
  rv = bad ? CKR_ARGUMENTS_BAD : get_from_view(call, object, view, templ, count);
  p11_view_release(view);
  return rv;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ, CK_ULONG count) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, get(&call, object, templ, count));
}

/* ---- C_SetAttributeValue ---- */

static CK_RV ask_set(struct p11_call *call, const struct chio_uid *uid, struct chio_attrs templ) {
  struct p11_ticket ticket;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_object_set_request request = {
      .slot = call->session->slot->id, .ticket = ticket.slice, .object = *uid, .templ = templ};
  uint64_t generation = 0;
  enum chio_err err =
      chio_call_object_set(call->app->client, &request, NULL, &call->session->holder, &generation, NULL);
  return p11_rv(p11_ticket_done(call, &ticket, err, generation));
}

static CK_RV set(struct p11_call *call, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *templ, CK_ULONG count) {
  struct chio_buf built = CHIO_BUF_INIT;
  struct chio_uid uid;
  bool on_token;
  CK_RV rv = may_touch_object(call, object, &on_token, &uid);
  if (rv == CKR_OK) rv = may_touch(call, on_token);
  if (rv == CKR_OK && templ == NULL) rv = CKR_ARGUMENTS_BAD;
  if (rv == CKR_OK) rv = p11_template_in(templ, count, &built);
  if (rv == CKR_OK) rv = ask_set(call, &uid, chio_attrs_of(&built));
  p11_template_clear(&built);
  return rv;
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ, CK_ULONG count) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, set(&call, object, templ, count));
}
