#include "signer/core/backend_key_pair.h"

#include "signer/base/cursor.h"
#include "signer/base/log.h"
#include "signer/core/backend_attestation.h"
#include "signer/core/backend_look.h"
#include "signer/core/delegated.h"
#include "signer/core/key.h"

#include <stdlib.h>

#define LABEL_MAX 256u /* bytes of a name that is passed on */

static bool flag(const struct chio_key_pair_request *q, uint32_t type, bool fallback) {
  bool in_public = chio_attrs_bool(q->public_template, type, fallback);
  return chio_attrs_bool(q->private_template, type, in_public);
}

static enum chio_err check_objects(struct chio_call *call, const struct chio_key_pair_request *q) {
  bool both = chio_attrs_bool(q->public_template, CKA_TOKEN, false) &&
              chio_attrs_bool(q->private_template, CKA_TOKEN, false);
  if (!both)
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCONSISTENT,
                     "a key in a KMS outlives every session: both halves need CKA_TOKEN=TRUE");
  if (flag(q, CKA_ALWAYS_AUTHENTICATE, false))
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCONSISTENT, "a key in a KMS asks no login of its own");
  return CHIO_OK;
}

static enum chio_err curve_bits(struct chio_call *call, struct chio_attrs templ, uint32_t *out_bits) {
  static const struct {
    uint8_t oid[10];
    size_t len;
    uint32_t bits;
  } curves[] = {{{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10, 256},
                {{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7, 384},
                {{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}, 7, 521}};
  struct chio_slice params;
  if (!chio_attrs_find(templ, CKA_EC_PARAMS, &params))
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_EC_PARAMS is missing");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++) {
    if (!chio_slice_equal(params, chio_slice(curves[i].oid, curves[i].len))) continue;
    *out_bits = curves[i].bits;
    return CHIO_OK;
  }
  return chio_fail(&call->detail, CHIO_E_CURVE_UNSUPPORTED, "backends make keys on P-256, P-384 and P-521 only");
}

static enum chio_err rsa_bits(struct chio_call *call, struct chio_attrs templ, uint32_t *out_bits) {
  static const uint8_t f4[] = {0x01, 0x00, 0x01};
  struct chio_slice exponent;
  uint64_t bits = chio_attrs_ulong(templ, CKA_MODULUS_BITS, 0);
  if (bits == 0) return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCOMPLETE, "CKA_MODULUS_BITS is missing");
  if (bits != 2048 && bits != 3072 && bits != 4096)
    return chio_fail(&call->detail, CHIO_E_KEY_SIZE, "backends make RSA keys of 2048, 3072 and 4096 bits only");
  if (chio_attrs_find(templ, CKA_PUBLIC_EXPONENT, &exponent)) {
    while (exponent.len > 0 && exponent.data[0] == 0) exponent = chio_slice(exponent.data + 1, exponent.len - 1);
    if (!chio_slice_equal(exponent, chio_slice(f4, sizeof f4)))
      return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "backends make RSA keys with the exponent 65537 only");
  }
  *out_bits = (uint32_t)bits;
  return CHIO_OK;
}

static enum chio_err bits_of(struct chio_call *call, const struct chio_mechanism *generator, struct chio_attrs templ,
                             uint32_t *out_bits) {
  if (generator->key_type == CKK_RSA) return rsa_bits(call, templ, out_bits);
  if (generator->key_type == CKK_EC) return curve_bits(call, templ, out_bits);
  *out_bits = generator->max_key;
  return chio_ed25519_check_curve(templ, &call->detail);
}

/* The first of CKA_ALLOWED_MECHANISMS that such a key signs with: some KMSs fix the algorithm with the key. */
static uint32_t wanted_mechanism(const struct chio_key_pair_request *q, uint32_t key_type) {
  struct chio_slice list = chio_slice(NULL, 0);
  uint64_t ckm;
  if (!chio_attrs_find(q->private_template, CKA_ALLOWED_MECHANISMS, &list))
    (void)chio_attrs_find(q->public_template, CKA_ALLOWED_MECHANISMS, &list);
  struct chio_cursor c = chio_cursor(list);
  while (chio_cursor_u64le(&c, &ckm) == CHIO_OK) {
    const struct chio_mechanism *mechanism = chio_mechanism_by_ckm((CK_MECHANISM_TYPE)ckm);
    if (mechanism != NULL && mechanism->key_type == key_type && (mechanism->flags & CHIO_MECH_SIGN) != 0)
      return mechanism->wire;
  }
  return 0;
}

static enum chio_err name_of(struct chio_call *call, const struct chio_key_pair_request *q, char out[LABEL_MAX]) {
  struct chio_slice label = chio_slice(NULL, 0);
  if (!chio_attrs_find(q->private_template, CKA_LABEL, &label) || label.len == 0)
    (void)chio_attrs_find(q->public_template, CKA_LABEL, &label);
  if (label.len >= LABEL_MAX || (label.len > 0 && memchr(label.data, 0, label.len) != NULL))
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_LABEL is no name for a key in a KMS");
  if (label.len > 0) memcpy(out, label.data, label.len);
  out[label.len] = '\0';
  return CHIO_OK;
}

/* The KMS made what it was asked for. */
static enum chio_err check_made(struct chio_call *call, const struct chio_backend_key *key, uint32_t key_type,
                                uint32_t bits) {
  CHIO_AUTO(chio_key) struct chio_key *public_key = NULL;
  enum chio_err err = chio_delegated_parse(key, &public_key, &call->detail);
  if (err != CHIO_OK) return err;
  if (chio_key_type(public_key) == key_type && chio_key_bits(public_key) == bits) return CHIO_OK;
  return chio_fail(&call->detail, CHIO_E_BACKEND, "backend '%s' made another kind of key than it was asked for",
                   call->slot->backend->name);
}

static enum chio_err make(struct chio_call *call, const struct chio_key_pair_request *q, uint32_t key_type,
                          uint32_t bits, struct chio_backend_key *key, struct chio_key_pair_reply *reply) {
  char label[LABEL_MAX];
  struct chio_backend *b = call->slot->backend;
  const struct chio_backends *reach = b->reach;
  enum chio_err err = name_of(call, q, label);
  if (err != CHIO_OK) return err;
  if (reach->ops == NULL)
    return chio_fail(&call->detail, CHIO_E_BACKEND_UNREACHABLE, CHIO_BACKEND_NOT_REACHED);
  if (reach->ops->create == NULL) return chio_fail(&call->detail, CHIO_E_UNSUPPORTED, "backends make no keys here");
  err = chio_backend_error(
      reach->ops->create(reach->self, b->name, key_type, bits, wanted_mechanism(q, key_type), label, b->timeout_ms, key,
                         &call->detail));
  if (err != CHIO_OK) return err;
  err = check_made(call, key, key_type, bits);
  struct chio_backend_attested attested = {CHIO_BUF_INIT, CHIO_BUF_INIT};
  if (err == CHIO_OK) err = chio_backend_attest(b, key, b->timeout_ms, &attested, &call->detail);
  struct chio_delegated d = {.key = key,
                             .source = "made",
                             .wanted = "",
                             .attestation = chio_buf_slice(&attested.document),
                             .proved = chio_buf_slice(&attested.proved),
                             .public_template = q->public_template,
                             .private_template = q->private_template};
  if (err == CHIO_OK) err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK) err = chio_delegated_bear(call, &d, &reply->public_key, &reply->private_key);
  chio_backend_attested_clear(&attested);
  if (err != CHIO_OK)
    chio_log(CHIO_LOG_ERROR, "backend.key_left", "a key was made in a backend, and could not be kept here",
             CHIO_F_STR("backend", b->name), CHIO_F_STR("key", key->uri), CHIO_F_STR("error", chio_err_name(err)),
             CHIO_F_STR("detail", call->detail.text));
  return err;
}

enum chio_err chio_backend_key_pair(struct chio_call *call, const struct chio_key_pair_request *q,
                                    const struct chio_mechanism *generator, struct chio_key_pair_reply *reply) {
  uint32_t bits = 0;
  enum chio_err err = check_objects(call, q);
  if (err == CHIO_OK) err = bits_of(call, generator, q->public_template, &bits);
  if (err != CHIO_OK) return err;
  struct chio_backend_key *key = calloc(1, sizeof *key);
  if (key == NULL) return CHIO_E_NO_MEMORY;
  err = make(call, q, generator->key_type, bits, key, reply);
  free(key);
  return err;
}
