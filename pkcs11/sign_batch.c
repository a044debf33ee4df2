#include "pkcs11/sign_batch.h"

#include "pkcs11/login.h"
#include "pkcs11/rv.h"

#include <stdlib.h>

#define HEAD 4u /* bytes of a length */

CK_RV p11_batch_mechanism(const CK_MECHANISM *given, CK_MECHANISM *out_inner) {
  CK_MECHANISM inner;
  if (given->pParameter == NULL || given->ulParameterLen != sizeof inner) return CKR_MECHANISM_PARAM_INVALID;
  memcpy(&inner, given->pParameter, sizeof inner);
  const struct chio_mechanism *row = chio_mechanism_by_ckm(inner.mechanism);
  bool signs = row != NULL && (row->flags & (CHIO_MECH_SIGN | CHIO_MECH_ATTEST)) == CHIO_MECH_SIGN;
  if (!signs) return CKR_MECHANISM_PARAM_INVALID;
  *out_inner = inner;
  return CKR_OK;
}

/* ---- The sequences ---- */

static bool next_message(struct chio_cursor *c, struct chio_slice *out_message) {
  uint32_t len;
  return chio_cursor_u32be(c, &len) == CHIO_OK && chio_cursor_bytes(c, len, out_message) == CHIO_OK;
}

CK_RV p11_batch_messages(struct chio_slice data, struct chio_batch_item items[CHIO_BATCH_ITEMS_MAX],
                         size_t *out_count) {
  struct chio_cursor c = chio_cursor(data);
  size_t count = 0;
  if (data.len == 0 || data.len > CHIO_BATCH_DATA_MAX) return CKR_DATA_LEN_RANGE;
  for (; c.left > 0; count++) {
    if (count == CHIO_BATCH_ITEMS_MAX) return CKR_DATA_LEN_RANGE;
    if (!next_message(&c, &items[count].data)) return CKR_DATA_INVALID;
  }
  *out_count = count;
  return CKR_OK;
}

static CK_BYTE *put(CK_BYTE *to, struct chio_slice signature) {
  for (size_t i = 0; i < HEAD; i++) *to++ = (CK_BYTE)(signature.len >> (8 * (HEAD - 1 - i)));
  memcpy(to, signature.data, signature.len);
  return to + signature.len;
}

/* ---- Signing ---- */

static CK_RV ask(struct p11_call *call, const struct p11_operation *op, struct chio_batch_item *items, size_t count) {
  struct p11_ticket ticket;
  uint64_t generation = 0;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_sign_batch_request request = {.slot = call->session->slot->id,
                                            .ticket = ticket.slice,
                                            .key = op->uid,
                                            .mechanism = op->mechanism->wire,
                                            .params = chio_buf_slice(&op->params)};
  enum chio_err err = chio_client_sign_batch(call->app->client, &request, items, count, &call->session->holder,
                                             &generation, NULL);
  return p11_rv_key(p11_ticket_done(call, &ticket, err, generation));
}

/* The signer's lengths are checked against the length the key has: one that answers otherwise is not believed. */
static CK_RV judge(const struct p11_operation *op, const struct chio_batch_item *items, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (items[i].err != CHIO_OK) return p11_rv_key(items[i].err);
    if (items[i].signature.len != op->output_len) return CKR_DEVICE_ERROR;
  }
  return CKR_OK;
}

/* True when the call is answered and the operation goes on. */
static bool asks_length(const struct p11_operation *op, size_t count, const CK_BYTE *signature,
                        CK_ULONG *signature_len, CK_RV *out_rv) {
  CK_ULONG needed = count * (HEAD + op->output_len);
  if (signature != NULL && *signature_len >= needed) return false;
  *out_rv = signature == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
  *signature_len = needed;
  return true;
}

CK_RV p11_sign_batch(struct p11_call *call, struct p11_operation *op, struct chio_slice data, CK_BYTE *signature,
                     CK_ULONG *signature_len) {
  struct chio_batch_item *items = calloc(CHIO_BATCH_ITEMS_MAX, sizeof *items);
  size_t count = 0;
  CK_RV rv = items != NULL ? p11_batch_messages(data, items, &count) : CKR_HOST_MEMORY;
  if (rv == CKR_OK && asks_length(op, count, signature, signature_len, &rv)) {
    free(items);
    return rv;
  }
  if (rv == CKR_OK) rv = ask(call, op, items, count);
  if (rv == CKR_OK) rv = judge(op, items, count);
  if (rv == CKR_OK) {
    CK_BYTE *to = signature;
    for (size_t i = 0; i < count; i++) to = put(to, items[i].signature);
    *signature_len = (CK_ULONG)(to - signature);
  }
  free(items);
  p11_operation_end(op);
  return rv;
}
