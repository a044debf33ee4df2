/* SLOT_LIST, TOKEN_INFO, TOKEN_INIT. */
#include "signer/core/call.h"
#include "signer/core/pin.h"
#include "signer/wire/attribute.h"

enum chio_err chio_handle_slot_list(struct chio_call *call, const void *request, void *reply) {
  struct chio_slot_list_reply *r = reply;
  struct chio_buf *slots = chio_call_scratch(call);
  (void)request;
  for (size_t i = 0; i < call->core->slot_count; i++) chio_buf_append_u32le(slots, call->core->slots[i].number);
  r->slots = chio_buf_slice(slots);
  return chio_buf_err(slots);
}

static void append_mechanisms(struct chio_buf *out) {
  size_t count;
  const struct chio_mechanism *table = chio_mechanism_table(&count);
  for (size_t i = 0; i < count; i++)
    if ((table[i].flags & CHIO_MECH_HIDDEN) == 0 && chio_crypto_serves(&table[i]))
      chio_buf_append_u32le(out, table[i].wire);
}

static uint64_t token_flags(struct chio_call *call, const struct chio_token_row *row) {
  uint64_t flags = CKF_RNG;
  if (call->core->config.read_only) flags |= CKF_WRITE_PROTECTED;
  /* Whoever asks for a PIN all the same may be given one: any is right. */
  if (chio_slot_is_open(call->slot)) return flags | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
  flags |= CKF_LOGIN_REQUIRED;
  if (row->initialized) flags |= CKF_TOKEN_INITIALIZED | chio_users_token_flags(call->core->users, row->slot);
  return flags;
}

enum chio_err chio_handle_token_info(struct chio_call *call, const void *request, void *reply) {
  const struct chio_token_info_request *q = request;
  struct chio_token_info_reply *r = reply;
  enum chio_err err = chio_call_slot(call, q->slot);
  if (err != CHIO_OK) return err;
  struct chio_token_row row = chio_slot_row(call->slot);
  /* The scratch buffer moves when it grows: the slices are cut when all is in it. */
  struct chio_buf *scratch = chio_call_scratch(call);
  size_t label_len = row.initialized ? strlen(row.label) : 0;
  chio_buf_append(scratch, row.label, label_len);
  chio_buf_append_str(scratch, row.serial);
  size_t serial_end = scratch->len;
  append_mechanisms(scratch);
  if ((err = chio_buf_err(scratch)) != CHIO_OK) return err;
  r->flags = token_flags(call, &row);
  r->label = chio_slice(scratch->data, label_len);
  r->serial = chio_slice(scratch->data + label_len, serial_end - label_len);
  r->mechanisms = chio_slice(scratch->data + serial_end, scratch->len - serial_end);
  r->manufacturer = chio_slice_str("chio");
  r->model = chio_slice_str("chio-hsm");
  r->pin_min = call->core->config.pin_min;
  r->pin_max = CHIO_PIN_MAX;
  r->objects = chio_store_objects_count(call->core->store, q->slot);
  r->tee = chio_slice_str(chio_platform_name(call->core->platform));
  return CHIO_OK;
}

static enum chio_err copy_label(struct chio_slice label, char out[33], struct chio_detail *detail) {
  static const struct chio_attribute text = {.kind = CHIO_KIND_TEXT};
  bool ok = chio_attribute_value_ok(&text, label) && (label.len == 0 || memchr(label.data, 0, label.len) == NULL);
  if (!ok) return chio_fail(detail, CHIO_E_ARGUMENT, "the token's label is not UTF-8 text");
  if (label.len > 0) memcpy(out, label.data, label.len);
  out[label.len] = '\0';
  return CHIO_OK;
}

/* A token without its SO PIN was left half-made by a crash: it holds nothing, and anybody may finish it. */
static enum chio_err check_so(struct chio_call *call, struct chio_slice pin) {
  if (!chio_slot_row(call->slot).initialized) return CHIO_OK;
  enum chio_err err = chio_users_check_pin(call->core->users, call->slot->number, CHIO_USER_SO, pin, &call->detail);
  return err == CHIO_E_PIN_UNINITIALIZED ? CHIO_OK : err;
}

/* The token of a backend has made itself: only its PINs come from here, its keys and their pins stay. */
static enum chio_err init_backend(struct chio_call *call, struct chio_slice pin) {
  enum chio_err err = chio_users_set_pin(call->core->users, call->slot->number, CHIO_USER_SO, pin, &call->detail);
  if (err == CHIO_OK) chio_call_changed(call);
  return err;
}

static enum chio_err init_token(struct chio_call *call, struct chio_slice pin, const char *label) {
  struct chio_token_row row;
  struct chio_slot *slot = call->slot;
  if (chio_slot_is_open(slot))
    return chio_fail(&call->detail, CHIO_E_POLICY, "the token of a backend without login needs no initialising");
  enum chio_err err = check_so(call, pin);
  if (err != CHIO_OK) return err;
  if (slot->backend != NULL) return init_backend(call, pin);
  atomic_store(&slot->initialized, false);
  err = chio_store_token_init(call->core->store, slot->number, label, &row, &call->detail);
  if (err == CHIO_OK) {
    (void)pthread_mutex_lock(&slot->row_lock);
    slot->row = row;
    (void)pthread_mutex_unlock(&slot->row_lock);
    chio_object_table_forget_slot(call->core->objects, slot->number);
    atomic_store(&slot->corrupt, false);
    err = chio_users_set_pin(call->core->users, slot->number, CHIO_USER_SO, pin, &call->detail);
  }
  atomic_store(&slot->initialized, chio_slot_row(slot).initialized);
  chio_call_changed(call);
  return err;
}

enum chio_err chio_handle_token_init(struct chio_call *call, const void *request, void *reply) {
  const struct chio_token_init_request *q = request;
  char label[33];
  (void)reply;
  enum chio_err err = chio_call_slot(call, q->slot);
  if (err == CHIO_OK) err = chio_call_may_change(call, true, false);
  if (err == CHIO_OK) err = copy_label(q->label, label, &call->detail);
  if (err == CHIO_OK) err = chio_pin_length(call, q->so_pin);
  if (err != CHIO_OK) return err;
  (void)pthread_mutex_lock(&call->slot->change);
  err = init_token(call, q->so_pin, label);
  (void)pthread_mutex_unlock(&call->slot->change);
  return err;
}
