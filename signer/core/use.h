/* The use of a key, as SIGN, SIGN_BATCH, VERIFY and STREAM_BEGIN ask for it: one place decides. */
#ifndef CHIO_CORE_USE_H
#define CHIO_CORE_USE_H

#include "signer/core/call.h"

struct chio_use {
  uint32_t slot;
  struct chio_slice ticket;
  struct chio_slice context; /* signing only */
  struct chio_uid key;
  uint32_t mechanism; /* wire value */
  struct chio_slice params;
  bool verify;
  bool batch; /* many signatures: keys that ask for a login for each, and CKM_CHIO_ATTEST, are out */
};

/* What the caller may go on with. object holds a reference; key borrows from it. */
struct chio_used {
  const struct chio_mechanism *mechanism;
  struct chio_mech_params params; /* context borrows from the request */
  struct chio_object *object;
  struct chio_key *key;
};

/* Decides. In this order: slot and ticket; CHIO_E_MECHANISM_UNSUPPORTED; CHIO_E_MECHANISM_PARAM; CHIO_E_OBJECT_UNKNOWN,
 * or CHIO_E_NOT_LOGGED_IN for a private key without the user's ticket; CHIO_E_KEY_TYPE; CHIO_E_KEY_FUNCTION (its state,
 * or its usage); CHIO_E_MECHANISM_UNSUPPORTED (not among the key's allowed ones); then the key is opened, and for a key
 * that asks for it the context ticket is used up (CHIO_E_CONTEXT_LOGIN). On success the caller frees out_used->object.
 */
CHIO_MUST_CHECK enum chio_err chio_use_key(struct chio_call *call, const struct chio_use *use,
                                           struct chio_used *out_used);

/* Signs with the key, wherever it is; sign_digest: a digest that a stream has computed. Errors as those of
 * chio_key_sign, and CHIO_E_BACKEND*. */
CHIO_MUST_CHECK enum chio_err chio_use_sign(struct chio_call *call, const struct chio_used *used,
                                            struct chio_slice data, struct chio_buf *out);
CHIO_MUST_CHECK enum chio_err chio_use_sign_digest(struct chio_call *call, const struct chio_used *used,
                                                   struct chio_slice digest, struct chio_buf *out);

/* What chio_use_sign refuses data for before it signs: in FIPS mode, a digest that is none.
 * CHIO_E_DATA_INVALID. */
CHIO_MUST_CHECK enum chio_err chio_use_check_data(struct chio_call *call, const struct chio_used *used,
                                                  struct chio_slice data);

/* Signs many messages, which were checked, with a key of a backend (backend_sign.h): each item has its outcome.
 * CHIO_E_BACKEND_KEY, CHIO_E_BACKEND_UNREACHABLE, CHIO_E_NO_MEMORY when none could be asked for. */
CHIO_MUST_CHECK enum chio_err chio_use_sign_many(struct chio_call *call, const struct chio_used *used,
                                                 struct chio_backend_item *items, size_t count);

/* Appends what CKM_CHIO_ATTEST answers: a bundle made now over the nonce, or, with a profile as its parameter, evidence
 * that binds the key directly (direct.h). */
CHIO_MUST_CHECK enum chio_err chio_use_attest(struct chio_call *call, const struct chio_used *used,
                                              struct chio_slice nonce, struct chio_buf *out);

#endif
