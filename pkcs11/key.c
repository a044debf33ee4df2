/* C_GenerateKeyPair. */
#include "pkcs11/attribute.h"
#include "pkcs11/handle.h"
#include "pkcs11/login.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/rv.h"
#include "pkcs11/session.h"
#include "pkcs11/slot.h"

struct templates {
  struct chio_buf public_key;
  struct chio_buf private_key;
};

static bool on_token(const struct chio_buf *templ) {
  return chio_attrs_bool(chio_attrs_of(templ), (uint32_t)CKA_TOKEN, false);
}

static CK_RV ask(struct p11_call *call, const struct chio_mechanism *mechanism, const struct templates *templates,
                 struct chio_key_pair_reply *out_reply) {
  struct p11_ticket ticket;
  CK_RV rv = p11_ticket_take(call, &ticket);
  if (rv != CKR_OK) return rv;
  struct chio_key_pair_request request = {.slot = call->session->slot->id,
                                          .ticket = ticket.slice,
                                          .session = call->session->handle,
                                          .mechanism = mechanism->wire,
                                          .public_template = chio_attrs_of(&templates->public_key),
                                          .private_template = chio_attrs_of(&templates->private_key)};
  uint64_t generation = 0;
  enum chio_err err =
      chio_call_key_pair(call->app->client, &request, out_reply, &call->session->holder, &generation, NULL);
  return p11_rv(p11_ticket_done(call, &ticket, err, generation));
}

/* GnuTLS before 3.8.2 asks for Edwards keys by the name of the signature: its header was older than the standard. */
static CK_MECHANISM_TYPE generator_type(CK_MECHANISM_TYPE given) {
  return given == CKM_EDDSA ? CKM_EC_EDWARDS_KEY_PAIR_GEN : given;
}

static CK_RV read_generator(struct p11_call *call, const CK_MECHANISM *given,
                            const struct chio_mechanism **out_mechanism) {
  struct chio_mech_params params;
  const struct chio_mechanism *row = chio_mechanism_by_ckm(generator_type(given->mechanism));
  if (row == NULL || (row->flags & CHIO_MECH_GENERATE) == 0) return CKR_MECHANISM_INVALID;
  if (!p11_slot_allows(call->session->slot, row->wire)) return CKR_MECHANISM_INVALID;
  *out_mechanism = row;
  return p11_mechanism_params(row, given, &params);
}

static CK_RV adopt(struct p11_call *call, const struct chio_key_pair_reply *reply, bool all_on_token,
                   CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key) {
  if (!all_on_token) p11_session_made_object(call);
  CK_RV rv = p11_object_learn(call, &reply->public_key, public_key);
  return rv == CKR_OK ? p11_object_learn(call, &reply->private_key, private_key) : rv;
}

static CK_RV generate(struct p11_call *call, const CK_MECHANISM *given, const struct templates *templates,
                      CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key) {
  const struct chio_mechanism *mechanism;
  struct chio_key_pair_reply reply;
  bool public_on_token = on_token(&templates->public_key);
  bool private_on_token = on_token(&templates->private_key);
  CK_RV rv = read_generator(call, given, &mechanism);
  if (rv == CKR_OK && (public_on_token || private_on_token)) rv = p11_session_may_write(call);
  if (rv == CKR_OK) rv = ask(call, mechanism, templates, &reply);
  if (rv != CKR_OK) return rv;
  return adopt(call, &reply, public_on_token && private_on_token, public_key, private_key);
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template,
                        CK_ULONG public_count, CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key) {
  struct templates templates = {CHIO_BUF_INIT, CHIO_BUF_INIT};
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  if (mechanism == NULL || public_key == NULL || private_key == NULL) rv = CKR_ARGUMENTS_BAD;
  if (rv == CKR_OK) rv = p11_template_in(public_template, public_count, &templates.public_key);
  if (rv == CKR_OK) rv = p11_template_in(private_template, private_count, &templates.private_key);
  if (rv == CKR_OK) rv = generate(&call, mechanism, &templates, public_key, private_key);
  p11_template_clear(&templates.public_key);
  p11_template_clear(&templates.private_key);
  return p11_call_close(&call, rv);
}
