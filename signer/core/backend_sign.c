#include "signer/core/backend_sign.h"

#include "signer/base/log.h"
#include "signer/core/backend_look.h"

#include <stdlib.h>

/* One signature that a backend is to make. */
struct order {
  struct chio_backend *backend;
  const struct chio_used *used;
  char uri[CHIO_BACKEND_URI_MAX];
  struct chio_buf params; /* as they go over the wire */
};

static enum chio_err prepare(struct chio_core *core, const struct chio_used *used, struct order *o,
                             struct chio_detail *detail) {
  struct chio_slot *slot = chio_core_slot(core, used->object->slot);
  struct chio_slice uri = chio_slice(NULL, 0);
  (void)chio_attrs_find(used->object->attrs, CKA_CHIO_BACKEND_URI, &uri);
  if (slot == NULL || slot->backend == NULL || uri.len == 0 || uri.len >= sizeof o->uri)
    return chio_fail(detail, CHIO_E_BACKEND_KEY, "key '%s' has no backend any more", used->object->label);
  memcpy(o->uri, uri.data, uri.len);
  o->uri[uri.len] = '\0';
  o->backend = slot->backend;
  o->used = used;
  if (o->backend->reach->ops == NULL)
    return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, CHIO_BACKEND_NOT_REACHED);
  if (used->params.kind == CHIO_PARAMS_NONE) return CHIO_OK;
  enum chio_err err = chio_mech_params_encode(&used->params, &o->params);
  return err == CHIO_OK ? chio_buf_err(&o->params) : err;
}

/* A person has to look at this: somebody between us and the key, or the key's keeper, does not do what he should. */
static void alarm_wrong(const struct order *o) {
  chio_log(CHIO_LOG_ERROR, "backend.wrong_signature",
           "a backend's signature does not hold under the pinned public key: it was not handed out",
           CHIO_F_STR("backend", o->backend->name), CHIO_F_STR("key", o->uri),
           CHIO_F_STR("label", o->used->object->label), CHIO_F_STR("mechanism", o->used->mechanism->name));
}

static enum chio_err check(const struct order *o, struct chio_slice data, struct chio_slice signature,
                           struct chio_detail *detail) {
  const struct chio_used *used = o->used;
  enum chio_err err;
  if (used->mechanism->digest != 0)
    err = chio_key_verify_digest(used->key, used->mechanism, &used->params, data, signature);
  else
    err = chio_key_verify(used->key, used->mechanism, &used->params, data, signature);
  if (err == CHIO_OK || err == CHIO_E_NO_MEMORY) return err;
  alarm_wrong(o);
  return chio_fail(detail, CHIO_E_BACKEND_SIGNATURE,
                   "the signature of backend '%s' does not hold under the public key that is pinned for '%s'",
                   o->backend->name, used->object->label);
}

static enum chio_err ask(const struct order *o, struct chio_slice data, struct chio_buf *out,
                         struct chio_detail *detail) {
  const struct chio_backends *reach = o->backend->reach;
  const struct chio_used *used = o->used;
  enum chio_err err = chio_backend_error(reach->ops->sign(
      reach->self, o->backend->name, o->uri, chio_key_spki(used->key), used->mechanism->wire,
      chio_buf_slice(&o->params), data, o->backend->timeout_ms, out, detail));
  if (err == CHIO_OK) err = chio_buf_err(out);
  if (err == CHIO_OK) err = check(o, data, chio_buf_slice(out), detail);
  if (err != CHIO_OK) chio_buf_reset(out);
  return err;
}

enum chio_err chio_backend_sign_digest(struct chio_core *core, const struct chio_used *used, struct chio_slice digest,
                                       struct chio_buf *out, struct chio_detail *detail) {
  struct order o = {.params = CHIO_BUF_INIT};
  enum chio_err err = prepare(core, used, &o, detail);
  if (err == CHIO_OK) err = ask(&o, digest, out, detail);
  chio_buf_clear(&o.params);
  return err;
}

#define DIGEST_MAX 64u

/* Hashes where the mechanism hashes: a KMS sees digests. */
static enum chio_err hash(const struct chio_used *used, uint8_t digest[DIGEST_MAX], struct chio_slice *data) {
  size_t len;
  if (used->mechanism->digest == 0) return CHIO_OK;
  enum chio_err err = chio_digest_once(chio_mechanism_by_wire(used->mechanism->digest), *data, digest, &len);
  if (err == CHIO_OK) *data = chio_slice(digest, len);
  return err;
}

enum chio_err chio_backend_sign(struct chio_core *core, const struct chio_used *used, struct chio_slice data,
                                struct chio_buf *out, struct chio_detail *detail) {
  uint8_t digest[DIGEST_MAX];
  enum chio_err err = hash(used, digest, &data);
  return err == CHIO_OK ? chio_backend_sign_digest(core, used, data, out, detail) : err;
}

/* ---- Many ---- */

static enum chio_err hash_all(const struct chio_used *used, uint8_t (*digests)[DIGEST_MAX],
                              struct chio_backend_item *items, size_t count) {
  enum chio_err err = CHIO_OK;
  for (size_t i = 0; i < count && err == CHIO_OK; i++) err = hash(used, digests[i], &items[i].data);
  return err;
}

static void judge(const struct order *o, struct chio_backend_item *item) {
  item->err = chio_backend_error(item->err);
  if (item->err == CHIO_OK) item->err = chio_buf_err(&item->signature);
  if (item->err == CHIO_OK) item->err = check(o, item->data, chio_buf_slice(&item->signature), NULL);
}

enum chio_err chio_backend_sign_many(struct chio_core *core, const struct chio_used *used,
                                     struct chio_backend_item *items, size_t count, struct chio_detail *detail) {
  struct order o = {.params = CHIO_BUF_INIT};
  uint8_t(*digests)[DIGEST_MAX] = calloc(count, sizeof *digests);
  if (digests == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = prepare(core, used, &o, detail);
  if (err == CHIO_OK) err = hash_all(used, digests, items, count);
  if (err == CHIO_OK) {
    const struct chio_backends *reach = o.backend->reach;
    reach->ops->sign_many(reach->self, o.backend->name, o.uri, chio_key_spki(used->key), used->mechanism->wire,
                          chio_buf_slice(&o.params), o.backend->timeout_ms, items, count);
    for (size_t i = 0; i < count; i++) judge(&o, &items[i]);
  }
  chio_buf_clear(&o.params);
  free(digests);
  return err;
}
