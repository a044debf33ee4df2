#include "pkcs11/slot.h"

#include "pkcs11/login.h"
#include "pkcs11/rv.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the table of slots ---- */

static struct p11_slot *lookup(struct p11_app *app, CK_SLOT_ID id) {
  for (size_t i = 0; i < app->slot_count; i++)
    if (app->slots[i]->id == id) return app->slots[i];
  return NULL;
}

static CK_RV learn(struct p11_app *app, uint32_t id) {
  if (lookup(app, id) != NULL) return CKR_OK;
  if (app->slot_count == CHIO_SLOTS_MAX) return CKR_DEVICE_ERROR;
  struct p11_slot *slot = calloc(1, sizeof *slot);
  if (slot == NULL) return CKR_HOST_MEMORY;
  slot->id = id;
  slot->epoch = 1;
  app->slots[app->slot_count++] = slot;
  return CKR_OK;
}

/* Adds what chiod names. Slots do not go away: a session or a handle may stand on one. */
static CK_RV refresh(struct p11_call *call) {
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_slot_list_reply reply;
  enum chio_err err = chio_call_slot_list(call->app->client, NULL, &reply, &holder, NULL, NULL);
  CK_RV rv = p11_rv(err);
  struct chio_cursor c = chio_cursor(err == CHIO_OK ? reply.slots : chio_slice(NULL, 0));
  uint32_t id;
  p11_lock();
  while (rv == CKR_OK && chio_cursor_u32le(&c, &id) == CHIO_OK) rv = learn(call->app, id);
  p11_unlock();
  chio_buf_clear(&holder);
  /* Nobody listens: a module without slots. p11-kit would otherwise give up on all modules because of this one. */
  return err == CHIO_E_UNREACHABLE ? CKR_OK : rv;
}

CK_RV p11_slot_find(struct p11_call *call, CK_SLOT_ID id, struct p11_slot **out_slot) {
  p11_lock();
  struct p11_slot *slot = lookup(call->app, id);
  p11_unlock();
  if (slot == NULL) {
    CK_RV rv = refresh(call);
    if (rv != CKR_OK) return rv;
    p11_lock();
    slot = lookup(call->app, id);
    p11_unlock();
  }
  if (slot == NULL) return CKR_SLOT_ID_INVALID;
  *out_slot = slot;
  return CKR_OK;
}

void p11_slots_after_fork(struct p11_app *app) {
  for (size_t i = 0; i < app->slot_count; i++)
    if (app->slots[i]->login != NULL) app->slots[i]->login->refs = 1;
}

void p11_slots_free(struct p11_app *app) {
  for (size_t i = 0; i < app->slot_count; i++) {
    p11_login_release(app, p11_login_take(app->slots[i]));
    free(app->slots[i]);
  }
  app->slot_count = 0;
}

/* ---- C_GetSlotList ---- */

/* Every slot holds a token, so token_present changes nothing. PKCS #11 v3.0, 5.5.1: the list may change only when its
 * size is asked for. */
static CK_RV slot_list(struct p11_call *call, CK_SLOT_ID *list, CK_ULONG *count) {
  CK_RV rv = list == NULL || call->app->slot_count == 0 ? refresh(call) : CKR_OK;
  if (rv != CKR_OK) return rv;
  p11_lock();
  CK_ULONG room = *count;
  *count = call->app->slot_count;
  if (list != NULL && room < *count) rv = CKR_BUFFER_TOO_SMALL;
  for (size_t i = 0; list != NULL && rv == CKR_OK && i < call->app->slot_count; i++) list[i] = call->app->slots[i]->id;
  p11_unlock();
  return rv;
}

CK_RV C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID *list, CK_ULONG *count) {
  (void)token_present;
  struct p11_call call;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, count == NULL ? CKR_ARGUMENTS_BAD : slot_list(&call, list, count));
}

/* ---- the token in a slot ---- */

static void remember(struct p11_slot *slot, const struct chio_token_info_reply *reply, uint64_t generation) {
  struct chio_cursor c = chio_cursor(reply->mechanisms);
  uint32_t wire;
  p11_lock();
  slot->flags = reply->flags;
  slot->generation = generation;
  slot->mechanism_count = 0;
  while (slot->mechanism_count < CHIO_MECHANISMS_MAX && chio_cursor_u32le(&c, &wire) == CHIO_OK)
    slot->mechanisms[slot->mechanism_count++] = wire;
  p11_unlock();
}

static CK_RV ask(struct p11_call *call, struct p11_slot *slot, struct chio_token_info_reply *out_reply,
                 struct chio_buf *holder) {
  struct chio_token_info_request request = {.slot = slot->id};
  uint64_t generation = 0;
  enum chio_err err = chio_call_token_info(call->app->client, &request, out_reply, holder, &generation, NULL);
  if (err == CHIO_OK) remember(slot, out_reply, generation);
  return p11_rv(err);
}

CK_RV p11_slot_describe(struct p11_call *call, struct p11_slot *slot) {
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_token_info_reply reply;
  CK_RV rv = ask(call, slot, &reply, &holder);
  chio_buf_clear(&holder);
  return rv;
}

bool p11_slot_allows(const struct p11_slot *slot, uint32_t mechanism) {
  bool found = false;
  p11_lock();
  for (size_t i = 0; !found && i < slot->mechanism_count; i++) found = slot->mechanisms[i] == mechanism;
  p11_unlock();
  return found;
}

static void fill_token_info(const struct p11_slot *slot, const struct chio_token_info_reply *reply,
                            CK_TOKEN_INFO *info) {
  *info = (CK_TOKEN_INFO){
      .flags = (CK_FLAGS)reply->flags,
      .ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
      .ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
      .ulMaxPinLen = reply->pin_max,
      .ulMinPinLen = reply->pin_min,
      .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
      .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
      .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
      .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
      .firmwareVersion = p11_release(),
  };
  p11_pad(info->label, sizeof info->label, reply->label);
  p11_pad(info->manufacturerID, sizeof info->manufacturerID, reply->manufacturer);
  p11_pad(info->model, sizeof info->model, reply->model);
  p11_pad(info->serialNumber, sizeof info->serialNumber, reply->serial);
  p11_pad(info->utcTime, sizeof info->utcTime, chio_slice(NULL, 0));
  p11_lock();
  info->ulSessionCount = slot->sessions;
  info->ulRwSessionCount = slot->rw_sessions;
  p11_unlock();
}

static CK_RV token_info(struct p11_call *call, CK_SLOT_ID id, CK_TOKEN_INFO *info) {
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_token_info_reply reply;
  struct p11_slot *slot;
  CK_RV rv = p11_slot_find(call, id, &slot);
  if (rv == CKR_OK && info == NULL) rv = CKR_ARGUMENTS_BAD;
  if (rv == CKR_OK) rv = ask(call, slot, &reply, &holder);
  if (rv == CKR_OK) fill_token_info(slot, &reply, info);
  chio_buf_clear(&holder);
  return rv;
}

CK_RV C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info) {
  struct p11_call call;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, token_info(&call, id, info));
}

static CK_RV slot_info(struct p11_call *call, CK_SLOT_ID id, CK_SLOT_INFO *info) {
  struct p11_slot *slot;
  CK_RV rv = p11_slot_find(call, id, &slot);
  if (rv != CKR_OK) return rv;
  if (info == NULL) return CKR_ARGUMENTS_BAD;
  char text[64];
  int len = snprintf(text, sizeof text, "chio-hsm slot %lu", (unsigned long)id);
  *info = (CK_SLOT_INFO){.flags = CKF_TOKEN_PRESENT, .firmwareVersion = p11_release()};
  p11_pad(info->slotDescription, sizeof info->slotDescription, chio_slice(text, len > 0 ? (size_t)len : 0));
  p11_pad(info->manufacturerID, sizeof info->manufacturerID, chio_slice_str("chio-hsm"));
  return CKR_OK;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *info) {
  struct p11_call call;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, slot_info(&call, id, info));
}

/* Tokens neither come nor go: nothing to wait for. */
CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved) {
  if (!p11_initialized()) return CKR_CRYPTOKI_NOT_INITIALIZED;
  if (slot == NULL || reserved != NULL) return CKR_ARGUMENTS_BAD;
  return (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
}

/* ---- C_InitToken ---- */

/* The label is 32 bytes, blank padded: what stands before the blanks. */
static CK_RV read_label(const CK_UTF8CHAR *label, struct chio_slice *out_label) {
  size_t len = 32;
  if (memchr(label, 0, len) != NULL) return CKR_ARGUMENTS_BAD;
  while (len > 0 && label[len - 1] == ' ') len--;
  *out_label = chio_slice(label, len);
  return CKR_OK;
}

static CK_RV init_token(struct p11_call *call, CK_SLOT_ID id, struct chio_slice pin, const CK_UTF8CHAR *label) {
  struct p11_slot *slot;
  CK_RV rv = p11_slot_find(call, id, &slot);
  if (rv != CKR_OK) return rv;
  if (pin.data == NULL || label == NULL) return CKR_ARGUMENTS_BAD;
  p11_lock();
  bool in_use = slot->sessions > 0;
  p11_unlock();
  if (in_use) return CKR_SESSION_EXISTS;
  if (pin.len > CHIO_PIN_MAX) return CKR_PIN_LEN_RANGE;
  struct chio_token_init_request request = {.slot = slot->id, .so_pin = pin};
  if ((rv = read_label(label, &request.label)) != CKR_OK) return rv;
  struct chio_buf holder = CHIO_BUF_INIT;
  rv = p11_rv(chio_call_token_init(call->app->client, &request, NULL, &holder, NULL, NULL));
  chio_buf_clear(&holder);
  return rv == CKR_OK ? p11_slot_describe(call, slot) : rv;
}

CK_RV C_InitToken(CK_SLOT_ID id, CK_UTF8CHAR *pin, CK_ULONG pin_len, CK_UTF8CHAR *label) {
  struct p11_call call;
  CK_RV rv = p11_call_begin(&call);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, init_token(&call, id, chio_slice(pin, pin_len), label));
}
