#include "pkcs11/operation.h"

#include "pkcs11/cache.h"
#include "pkcs11/keyfit.h"
#include "pkcs11/login.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/rv.h"
#include "pkcs11/sign_batch.h"
#include "pkcs11/slot.h"

void p11_operation_end(struct p11_operation *op) {
  chio_stream_abort(op->stream);
  chio_secret_free(op->context);
  chio_buf_clear(&op->params);
  chio_buf_clear(&op->gathered);
  chio_buf_clear(&op->held);
  chio_buf_clear(&op->held_of);
  *op = (struct p11_operation){0};
}

void p11_operation_next(struct p11_operation *op) {
  chio_stream_abort(op->stream);
  chio_secret_free(op->context);
  chio_buf_clear(&op->gathered);
  op->stream = NULL;
  op->context = NULL;
  op->updated = op->in_message = false;
}

void p11_operation_after_fork(struct p11_operation *op) {
  /* Secrets are kept out of children: the pages behind the pointer are not there. The child logs in for its own use. */
  op->context = NULL;
}

/* ---- C_XxxInit ---- */

static CK_RV read_mechanism(struct p11_call *call, const CK_MECHANISM *given, unsigned flag,
                            struct p11_operation *op, struct chio_mech_params *out_params) {
  const struct chio_mechanism *row = chio_mechanism_by_ckm(given->mechanism);
  if (row == NULL || (row->flags & flag) == 0) return CKR_MECHANISM_INVALID;
  if (!p11_slot_allows(call->session->slot, row->wire)) return CKR_MECHANISM_INVALID;
  op->mechanism = row;
  return p11_mechanism_params(row, given, out_params);
}

/* Cancels when there is no mechanism; else the operation must not be active. True: *out_rv is the answer. */
static bool is_answered(struct p11_operation *op, const CK_MECHANISM *given, CK_RV *out_rv) {
  bool active = op->active;
  if (given == NULL) {
    p11_operation_end(op);
    /* 2.40 knows no cancelling: without an operation it is a bad argument for both. */
    *out_rv = active ? CKR_OK : CKR_ARGUMENTS_BAD;
    return true;
  }
  *out_rv = CKR_OPERATION_ACTIVE;
  return active;
}

static CK_RV key_view(struct p11_call *call, CK_OBJECT_HANDLE key, struct p11_view **out_view) {
  CK_RV rv = p11_view_get(call, key, out_view);
  return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
}

/* A state is changed by other programs too, and a key that is back in use would stay refused by what is remembered of
 * it: before a refusal, the signer is asked. */
static CK_RV check_state(struct p11_call *call, CK_OBJECT_HANDLE key, const struct p11_view *view) {
  const uint32_t type = (uint32_t)CKA_CHIO_STATE;
  const uint8_t types[4] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)(type >> 16), (uint8_t)(type >> 24)};
  struct chio_object_get_reply reply;
  struct chio_slice state;
  bool known = chio_attrs_find(p11_view_attrs(view), type, &state);
  if (!known || chio_slice_equal(state, chio_slice_str("active"))) return CKR_OK;
  CK_RV rv = p11_view_ask(call, key, view, chio_slice(types, sizeof types), &reply);
  if (rv != CKR_OK) return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
  bool active = !chio_attrs_find(reply.attributes, type, &state) || chio_slice_equal(state, chio_slice_str("active"));
  return active ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static CK_RV fit_key(struct p11_call *call, struct p11_operation *op, enum chio_stream_operation kind,
                     const struct chio_mech_params *params, CK_OBJECT_HANDLE key) {
  struct p11_view *view;
  CK_RV rv = key_view(call, key, &view);
  if (rv != CKR_OK) return rv;
  struct chio_attrs attrs = p11_view_attrs(view);
  rv = p11_key_fits(attrs, op->mechanism, params, kind == CHIO_STREAM_SIGN);
  op->uid = view->uid;
  op->is_private = chio_attrs_bool(attrs, (uint32_t)CKA_PRIVATE, true);
  op->always_authenticate =
      kind == CHIO_STREAM_SIGN && chio_attrs_bool(attrs, (uint32_t)CKA_ALWAYS_AUTHENTICATE, false);
  op->output_len = p11_key_signature_len(attrs, op->mechanism);
  bool uses = kind == CHIO_STREAM_SIGN && (op->mechanism->flags & CHIO_MECH_ATTEST) == 0;
  if (rv == CKR_OK && uses) rv = check_state(call, key, view);
  p11_view_release(view);
  return rv;
}

/* C_SignInit alone takes the mechanism that holds another; for the rest it is the given one. */
static CK_RV unwrap_batch(struct p11_call *call, struct p11_operation *op, const CK_MECHANISM *given,
                          CK_MECHANISM *out_inner) {
  *out_inner = *given;
  if (given->mechanism != CKM_CHIO_SIGN_BATCH || op != &call->session->sign) return CKR_OK;
  if (!p11_slot_allows(call->session->slot, CHIO_MECH_CHIO_SIGN_BATCH)) return CKR_MECHANISM_INVALID;
  op->batch = true;
  return p11_batch_mechanism(given, out_inner);
}

CK_RV p11_operation_begin_key(struct p11_call *call, struct p11_operation *op, enum chio_stream_operation kind,
                              const CK_MECHANISM *given, CK_OBJECT_HANDLE key) {
  CK_RV rv;
  CK_MECHANISM inner;
  struct chio_mech_params params;
  if (is_answered(op, given, &rv)) return rv;
  rv = unwrap_batch(call, op, given, &inner);
  if (rv == CKR_OK) rv = read_mechanism(call, &inner, CHIO_MECH_SIGN, op, &params);
  /* Evidence is made by C_Sign, and verified offline. */
  if (rv == CKR_OK && op != &call->session->sign && (op->mechanism->flags & CHIO_MECH_ATTEST) != 0)
    rv = CKR_MECHANISM_INVALID;
  if (rv == CKR_OK) rv = fit_key(call, op, kind, &params, key);
  /* One login serves one signature. */
  if (rv == CKR_OK && op->batch && op->always_authenticate) rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
  if (rv == CKR_OK) rv = p11_rv(chio_mech_params_encode(&params, &op->params));
  if (rv != CKR_OK) {
    p11_operation_end(op);
    return rv;
  }
  p11_lock();
  op->epoch = call->session->slot->epoch;
  p11_unlock();
  op->active = true;
  return CKR_OK;
}

CK_RV p11_operation_begin_digest(struct p11_call *call, const CK_MECHANISM *given) {
  struct p11_operation *op = &call->session->digest;
  CK_RV rv;
  struct chio_mech_params params;
  if (is_answered(op, given, &rv)) return rv;
  rv = read_mechanism(call, given, CHIO_MECH_DIGEST, op, &params);
  op->active = rv == CKR_OK;
  if (rv == CKR_OK) op->output_len = op->mechanism->digest_len;
  return rv;
}

CK_RV p11_operation_ready(struct p11_call *call, struct p11_operation *op) {
  if (!op->active) return CKR_OPERATION_NOT_INITIALIZED;
  p11_lock();
  bool ended = op->is_private && op->epoch != call->session->slot->epoch;
  p11_unlock();
  if (!ended) return CKR_OK;
  p11_operation_end(op);
  return CKR_OPERATION_NOT_INITIALIZED;
}

/* ---- data ---- */

static CK_RV begin_stream(struct p11_call *call, struct p11_operation *op, enum chio_stream_operation kind) {
  struct p11_ticket ticket;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_stream_begin_request request = {.slot = call->session->slot->id,
                                              .ticket = ticket.slice,
                                              .context = chio_secret_slice(op->context),
                                              .operation = kind,
                                              .key = op->uid,
                                              .mechanism = op->mechanism->wire,
                                              .params = chio_buf_slice(&op->params)};
  enum chio_err err = chio_stream_begin(call->app->client, &request, &op->stream, NULL);
  chio_wipe(ticket.bytes, sizeof ticket.bytes);
  return p11_rv(err);
}

static CK_RV send_data(struct p11_operation *op, struct chio_slice data) {
  enum chio_err err = CHIO_OK;
  for (size_t at = 0; err == CHIO_OK && at < data.len;) {
    size_t piece = data.len - at < CHIO_DATA_MAX ? data.len - at : CHIO_DATA_MAX;
    err = chio_stream_data(op->stream, chio_slice(data.data + at, piece));
    at += piece;
  }
  return p11_rv(err);
}

CK_RV p11_operation_update(struct p11_call *call, struct p11_operation *op, enum chio_stream_operation kind,
                           struct chio_slice part) {
  op->updated = true;
  if (op->stream == NULL && part.len <= P11_GATHER_MAX - op->gathered.len) {
    chio_buf_append_slice(&op->gathered, part);
    return p11_rv(chio_buf_err(&op->gathered));
  }
  CK_RV rv = CKR_OK;
  if (op->stream == NULL) {
    rv = begin_stream(call, op, kind);
    if (rv == CKR_OK) rv = send_data(op, chio_buf_slice(&op->gathered));
    chio_buf_clear(&op->gathered);
  }
  return rv == CKR_OK ? send_data(op, part) : rv;
}

static CK_RV end_stream(struct p11_call *call, struct p11_operation *op, struct chio_slice signature,
                        struct chio_slice *out_output) {
  struct chio_stream *stream = op->stream;
  op->stream = NULL;
  return p11_rv_key(chio_stream_end(stream, signature, out_output, &call->session->holder, NULL));
}

/* ---- one message ---- */

static enum chio_err ask_sign(struct p11_call *call, const struct p11_operation *op, struct chio_slice ticket,
                              struct chio_slice data, struct chio_slice *out_output, uint64_t *out_generation) {
  struct chio_sign_request request = {.slot = call->session->slot->id,
                                      .ticket = ticket,
                                      .context = chio_secret_slice(op->context),
                                      .key = op->uid,
                                      .mechanism = op->mechanism->wire,
                                      .params = chio_buf_slice(&op->params),
                                      .data = data};
  struct chio_sign_reply reply;
  enum chio_err err =
      chio_call_sign(call->app->client, &request, &reply, &call->session->holder, out_generation, NULL);
  if (err == CHIO_OK) *out_output = reply.signature;
  return err;
}

static enum chio_err ask_verify(struct p11_call *call, const struct p11_operation *op, struct chio_slice ticket,
                                struct chio_slice data, struct chio_slice signature, uint64_t *out_generation) {
  struct chio_verify_request request = {.slot = call->session->slot->id,
                                        .ticket = ticket,
                                        .key = op->uid,
                                        .mechanism = op->mechanism->wire,
                                        .params = chio_buf_slice(&op->params),
                                        .data = data,
                                        .signature = signature};
  return chio_call_verify(call->app->client, &request, NULL, &call->session->holder, out_generation, NULL);
}

static CK_RV ask_digest(struct p11_call *call, const struct p11_operation *op, struct chio_slice data,
                        struct chio_slice *out_output) {
  struct chio_digest_request request = {.mechanism = op->mechanism->wire, .data = data};
  struct chio_digest_reply reply;
  enum chio_err err = chio_call_digest(call->app->client, &request, &reply, &call->session->holder, NULL, NULL);
  if (err == CHIO_OK) *out_output = reply.digest;
  return p11_rv(err);
}

static CK_RV ask(struct p11_call *call, const struct p11_operation *op, enum chio_stream_operation kind,
                 struct chio_slice data, struct chio_slice signature, struct chio_slice *out_output) {
  if (kind == CHIO_STREAM_DIGEST) return ask_digest(call, op, data, out_output);
  struct p11_ticket ticket;
  uint64_t generation = 0;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  enum chio_err err = kind == CHIO_STREAM_SIGN
                          ? ask_sign(call, op, ticket.slice, data, out_output, &generation)
                          : ask_verify(call, op, ticket.slice, data, signature, &generation);
  return p11_rv_key(p11_ticket_done(call, &ticket, err, generation));
}

CK_RV p11_operation_run(struct p11_call *call, struct p11_operation *op, enum chio_stream_operation kind,
                        struct chio_slice data, struct chio_slice signature, struct chio_slice *out_output) {
  *out_output = chio_slice(NULL, 0);
  if (signature.len > CHIO_SIGNATURE_MAX) return CKR_SIGNATURE_LEN_RANGE;
  if (data.len <= CHIO_DATA_MAX) return ask(call, op, kind, data, signature, out_output);
  CK_RV rv = begin_stream(call, op, kind);
  if (rv == CKR_OK) rv = send_data(op, data);
  return rv == CKR_OK ? end_stream(call, op, signature, out_output) : rv;
}

CK_RV p11_operation_finish(struct p11_call *call, struct p11_operation *op, enum chio_stream_operation kind,
                           struct chio_slice signature, struct chio_slice *out_output) {
  *out_output = chio_slice(NULL, 0);
  if (signature.len > CHIO_SIGNATURE_MAX) return CKR_SIGNATURE_LEN_RANGE;
  if (op->stream != NULL) return end_stream(call, op, signature, out_output);
  return ask(call, op, kind, chio_buf_slice(&op->gathered), signature, out_output);
}

/* ---- output ---- */

bool p11_operation_asks_length(const struct p11_operation *op, const CK_BYTE *output, CK_ULONG *output_len,
                               CK_RV *out_rv) {
  if (output != NULL && *output_len >= op->output_len) return false;
  *out_rv = output == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
  *output_len = op->output_len;
  return true;
}

CK_RV p11_operation_give(const struct p11_operation *op, struct chio_slice output, CK_BYTE *out, CK_ULONG *out_len) {
  /* The buffer was checked against the length the key has; a signer that answers otherwise is not believed. */
  if (output.len != op->output_len) return CKR_DEVICE_ERROR;
  memcpy(out, output.data, output.len);
  *out_len = output.len;
  return CKR_OK;
}
