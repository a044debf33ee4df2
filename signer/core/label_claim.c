#include "signer/core/label_claim.h"

#include "signer/core/backend_look.h"
#include "signer/core/search.h"

#define LABEL_SHOWN 64u /* bytes of it, in a refusal */

void chio_label_claims_init(struct chio_label_claims *claims) {
  (void)pthread_mutex_init(&claims->lock, NULL);
  (void)pthread_cond_init(&claims->dropped, NULL);
  claims->first = NULL;
}

void chio_label_claims_destroy(struct chio_label_claims *claims) {
  (void)pthread_mutex_destroy(&claims->lock);
  (void)pthread_cond_destroy(&claims->dropped);
}

static bool is_held(const struct chio_label_claims *claims, struct chio_slice label) {
  for (const struct chio_label_claim *c = claims->first; c != NULL; c = c->next) {
    if (chio_slice_equal(c->label, label)) return true;
  }
  return false;
}

/* Whoever holds it gives it back: making a key ends by itself, in a KMS by its deadline. */
static void hold(struct chio_label_claims *claims, struct chio_label_claim *claim) {
  (void)pthread_mutex_lock(&claims->lock);
  while (is_held(claims, claim->label)) (void)pthread_cond_wait(&claims->dropped, &claims->lock);
  claim->next = claims->first;
  claims->first = claim;
  claim->held = true;
  (void)pthread_mutex_unlock(&claims->lock);
}

void chio_label_claim_drop(struct chio_label_claims *claims, struct chio_label_claim *claim) {
  if (!claim->held) return;
  (void)pthread_mutex_lock(&claims->lock);
  struct chio_label_claim **at = &claims->first;
  while (*at != claim) at = &(*at)->next;
  *at = claim->next;
  claim->held = false;
  (void)pthread_cond_broadcast(&claims->dropped);
  (void)pthread_mutex_unlock(&claims->lock);
}

static enum chio_err is_there(struct chio_call *call, uint64_t class, struct chio_slice label, bool *out_there) {
  CHIO_AUTO(chio_buf) struct chio_buf *templ = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *found = chio_buf_new();
  uint64_t cursor = 0;
  if (templ == NULL || found == NULL) return CHIO_E_NO_MEMORY;
  chio_attrs_begin(templ);
  chio_attrs_add_ulong(templ, CKA_CLASS, class);
  chio_attrs_add(templ, CKA_LABEL, label);
  enum chio_err err = chio_buf_err(templ);
  do {
    if (err == CHIO_OK) err = chio_search(call, chio_attrs_of(templ), cursor, 1, found, &cursor);
  } while (err == CHIO_OK && found->len == 0 && cursor != 0);
  if (err == CHIO_OK) *out_there = found->len > 0;
  return err;
}

static enum chio_err refuse_taken(struct chio_call *call, struct chio_slice label) {
  static const uint64_t classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
  bool there = false;
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(classes) && err == CHIO_OK && !there; i++)
    err = is_there(call, classes[i], label, &there);
  if (err == CHIO_OK && there)
    err = chio_fail(&call->detail, CHIO_E_EXISTS, "the token has a key '%.*s'; choose another label",
                    (int)(label.len < LABEL_SHOWN ? label.len : LABEL_SHOWN), (const char *)label.data);
  return err;
}

static enum chio_err label_of(struct chio_call *call, const struct chio_key_pair_request *q, struct chio_slice *out) {
  struct chio_slice in_private = chio_slice(NULL, 0), in_public = in_private;
  (void)chio_attrs_find(q->private_template, CKA_LABEL, &in_private);
  (void)chio_attrs_find(q->public_template, CKA_LABEL, &in_public);
  if (!chio_slice_equal(in_private, in_public))
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCONSISTENT,
                     "CKA_CHIO_NEW_LABEL: the two halves differ in CKA_LABEL");
  if (in_private.len == 0)
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_CHIO_NEW_LABEL: there is no CKA_LABEL");
  *out = in_private;
  return CHIO_OK;
}

enum chio_err chio_label_claim_take(struct chio_call *call, const struct chio_key_pair_request *q,
                                    struct chio_label_claim *claim) {
  bool in_public = chio_attrs_bool(q->public_template, CKA_CHIO_NEW_LABEL, false);
  if (!chio_attrs_bool(q->private_template, CKA_CHIO_NEW_LABEL, in_public)) return CHIO_OK;
  enum chio_err err = label_of(call, q, &claim->label);
  if (err != CHIO_OK) return err;
  hold(&call->slot->claims, claim);
  if (call->slot->backend != NULL) chio_backend_look(call->core, call->slot->backend);
  err = refuse_taken(call, claim->label);
  if (err != CHIO_OK) chio_label_claim_drop(&call->slot->claims, claim);
  return err;
}
