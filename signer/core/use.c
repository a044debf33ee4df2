#include "signer/core/use.h"

#include "attest/in_toto.h"
#include "signer/core/backend_sign.h"
#include "signer/core/direct.h"

static enum chio_err find_mechanism(struct chio_call *call, const struct chio_use *use, struct chio_used *out) {
  out->mechanism = chio_mechanism_by_wire(use->mechanism);
  if (out->mechanism == NULL || (out->mechanism->flags & CHIO_MECH_SIGN) == 0)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED, "the mechanism does not sign");
  if (!chio_crypto_serves(out->mechanism))
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED,
                     "%s is not among what the FIPS module approves (crypto.fips)", out->mechanism->name);
  if (use->verify && (out->mechanism->flags & CHIO_MECH_ATTEST) != 0)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED, "evidence is verified by chio-hsm verify");
  if (use->batch && (out->mechanism->flags & CHIO_MECH_ATTEST) != 0)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED, "evidence is made one by one");
  enum chio_err err = chio_mech_params_decode(use->params, &out->params);
  if (err != CHIO_OK) return err;
  bool none = out->params.kind == CHIO_PARAMS_NONE;
  if (none ? out->mechanism->params_required : out->params.kind != out->mechanism->params)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_PARAM, "%s %s", out->mechanism->name,
                     none ? "needs its parameter" : "takes no such parameter");
  return chio_crypto_is_fips() ? chio_fips_check_params(&out->params, use->verify, &call->detail) : CHIO_OK;
}

/* Whoever knows a key's 128 random bits has seen it before: that it needs login is no news to them, and a help. */
static enum chio_err find_object(struct chio_call *call, const struct chio_use *use, struct chio_object **out_object) {
  struct chio_object *object;
  enum chio_err err = chio_object_table_get(call->core->objects, use->slot, &use->key, true, &object, &call->detail);
  if (err != CHIO_OK) return err;
  if (chio_call_sees(call, object)) {
    *out_object = object;
    return CHIO_OK;
  }
  err = CHIO_E_OBJECT_UNKNOWN;
  bool wanted = call->slot->backend == NULL || chio_backend_shows(call->slot->backend, object);
  if (wanted && chio_object_visible(object, &call->conn->client, true) && object->class == CKO_PRIVATE_KEY)
    err = chio_fail(&call->detail, CHIO_E_NOT_LOGGED_IN, "key '%s' needs login", object->label);
  chio_object_free(object);
  return err;
}

static enum chio_err judge(struct chio_call *call, const struct chio_use *use, const struct chio_mechanism *mechanism,
                           const struct chio_object *object) {
  if (!chio_object_is_key(object)) return CHIO_E_OBJECT_UNKNOWN;
  if (mechanism->key_type != CHIO_KEY_ANY && mechanism->key_type != object->key_type)
    return chio_fail(&call->detail, CHIO_E_KEY_TYPE, "key '%s' is not of the type that %s takes", object->label,
                     mechanism->name);
  bool attest = (mechanism->flags & CHIO_MECH_ATTEST) != 0;
  if (!use->verify && !attest) {
    enum chio_err err = chio_object_is_active(object, &call->detail);
    if (err != CHIO_OK) return err;
  }
  bool may = use->verify ? object->may_verify : attest ? object->class == CKO_PRIVATE_KEY : object->may_sign;
  if (!may)
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION, "key '%s' may not %s", object->label,
                     use->verify ? "verify"
                     : attest    ? "attest"
                                 : "sign");
  if (!chio_object_allows(object, mechanism))
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED, "key '%s' does not allow %s", object->label,
                     mechanism->name);
  return CHIO_OK;
}

/* The last check of all: what uses the ticket up must not fail afterwards for want of something else. */
static enum chio_err use_context(struct chio_call *call, const struct chio_use *use, const struct chio_object *object) {
  struct chio_ticket ticket;
  if (use->batch)
    return chio_fail(&call->detail, CHIO_E_CONTEXT_LOGIN, "key '%s' needs its own login for each use: no batch",
                     object->label);
  if (use->context.len == 0)
    return chio_fail(&call->detail, CHIO_E_CONTEXT_LOGIN, "key '%s' needs its own login for each use", object->label);
  enum chio_err err = chio_users_ticket_open(call->core->users, use->context, &ticket);
  bool fits = err == CHIO_OK && ticket.user == CHIO_USER_CONTEXT && ticket.slot == use->slot &&
              chio_uid_equal(&ticket.key, &object->uid);
  if (!fits || chio_users_context_use(call->core->users, &ticket) != CHIO_OK)
    return chio_fail(&call->detail, CHIO_E_CONTEXT_LOGIN, "the login for key '%s' has ended or was used before",
                     object->label);
  return CHIO_OK;
}

static enum chio_err decide(struct chio_call *call, const struct chio_use *use, struct chio_used *used) {
  enum chio_err err = judge(call, use, used->mechanism, used->object);
  if (err != CHIO_OK) return err;
  if ((err = chio_object_table_key(call->core->objects, used->object, &used->key, &call->detail)) != CHIO_OK)
    return err;
  if ((used->mechanism->flags & CHIO_MECH_ATTEST) != 0) return CHIO_OK;
  if ((err = chio_key_check(used->key, used->mechanism, &used->params)) != CHIO_OK) return err;
  return used->object->always_authenticate && !use->verify ? use_context(call, use, used->object) : CHIO_OK;
}

enum chio_err chio_use_key(struct chio_call *call, const struct chio_use *use, struct chio_used *out_used) {
  struct chio_used used;
  enum chio_err err = chio_call_enter(call, use->slot, use->ticket);
  if (err == CHIO_OK) err = find_mechanism(call, use, &used);
  if (err == CHIO_OK) err = find_object(call, use, &used.object);
  if (err != CHIO_OK) return err;
  if ((err = decide(call, use, &used)) != CHIO_OK) {
    chio_object_free(used.object);
    return err;
  }
  *out_used = used;
  return CHIO_OK;
}

/* Every signature of a key passes here, and is counted for STATUS. */
static enum chio_err made(struct chio_call *call, enum chio_err err) {
  if (err == CHIO_OK) atomic_fetch_add_explicit(&call->slot->signatures, 1, memory_order_relaxed);
  return err;
}

enum chio_err chio_use_check_data(struct chio_call *call, const struct chio_used *used, struct chio_slice data) {
  return chio_crypto_is_fips() ? chio_fips_check_data(used->mechanism, data, &call->detail) : CHIO_OK;
}

enum chio_err chio_use_sign(struct chio_call *call, const struct chio_used *used, struct chio_slice data,
                            struct chio_buf *out) {
  enum chio_err err = chio_use_check_data(call, used, data);
  if (err != CHIO_OK) return err;
  if (used->object->delegated) return made(call, chio_backend_sign(call->core, used, data, out, &call->detail));
  return made(call, chio_key_sign(used->key, used->mechanism, &used->params, data, out));
}

enum chio_err chio_use_sign_digest(struct chio_call *call, const struct chio_used *used, struct chio_slice digest,
                                   struct chio_buf *out) {
  if (used->object->delegated)
    return made(call, chio_backend_sign_digest(call->core, used, digest, out, &call->detail));
  return made(call, chio_key_sign_digest(used->key, used->mechanism, &used->params, digest, out));
}

enum chio_err chio_use_sign_many(struct chio_call *call, const struct chio_used *used, struct chio_backend_item *items,
                                 size_t count) {
  enum chio_err err = chio_backend_sign_many(call->core, used, items, count, &call->detail);
  for (size_t i = 0; err == CHIO_OK && i < count; i++) (void)made(call, items[i].err);
  return err;
}

/* A key that was made for a model attests to that one alone, and needs no word on it. */
static enum chio_err workload_of(struct chio_call *call, const struct chio_used *used, struct chio_slice *data) {
  struct chio_slice model;
  if (!chio_slice_equal(used->params.profile, chio_slice_str("tee-v1"))) return CHIO_OK;
  if (!chio_attrs_find(used->object->attrs, CKA_CHIO_MODEL_HASH, &model)) return CHIO_OK;
  if (data->len > 0 && !chio_slice_equal(*data, model))
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION, "key '%s' was made for another model", used->object->label);
  *data = model;
  return CHIO_OK;
}

/* A quote binds what is in the TEE that makes it: keys that were made here, and no others. */
static enum chio_err attest_directly(struct chio_call *call, const struct chio_used *used, struct chio_slice data,
                                     struct chio_buf *out) {
  if (!chio_attrs_bool(used->object->attrs, CKA_LOCAL, false) || used->object->delegated)
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION,
                     "key '%s' was not made in this TEE (CKA_LOCAL): no quote binds it", used->object->label);
  enum chio_key_state state = used->object->state;
  if (state != CHIO_KEY_ACTIVE && state != CHIO_KEY_PRE_ACTIVE)
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION,
                     "key '%s' is %s, which a quote alone would not say: ask for a bundle", used->object->label,
                     chio_key_state_name(state));
  enum chio_err err = workload_of(call, used, &data);
  if (err != CHIO_OK) return err;
  return chio_direct_evidence(chio_evidence_platform(call->core->evidence), chio_key_spki(used->key),
                              used->params.profile, data, out, &call->detail);
}

enum chio_err chio_use_attest(struct chio_call *call, const struct chio_used *used, struct chio_slice nonce,
                              struct chio_buf *out) {
  bool profile = used->params.kind == CHIO_PARAMS_ATTEST;
  bool in_toto = profile && chio_slice_equal(used->params.profile, chio_slice_str(CHIO_IN_TOTO_PROFILE));
  if (profile && !in_toto) return attest_directly(call, used, nonce, out);
  struct chio_token_row row = chio_slot_row(call->slot);
  struct chio_statement_facts facts = {.attrs = used->object->attrs,
                                       .key_bits = chio_key_bits(used->key),
                                       .token_serial = row.serial,
                                       .in_toto = in_toto};
  return chio_evidence_fresh(call->core->evidence, &facts, nonce, out, &call->detail);
}
