/* KEY_PAIR: both halves, their evidence, and the two objects that show it to tools that read no vendor attributes. */
#include "signer/core/backend_key_pair.h"
#include "signer/core/certificate.h"
#include "signer/core/key_pair.h"
#include "signer/core/template.h"
#include "signer/core/yubihsm.h"

#include <sodium.h>
#include <stdlib.h>

#define ID_LEN 20u /* bytes of a CKA_ID that we choose: of SHA-256 over the SubjectPublicKeyInfo */
#define BINDING "statement-v1"
#define MODEL_HASH_SIZE 32u
#define COMMON_NAME_MAX 64u /* X.520: ub-common-name */

enum { PRIVATE, PUBLIC, CERTIFICATE, DATA, NEWBORNS };

/* What the newborns' attributes borrow from, until all are in the token. */
struct chio_key_pair {
  struct chio_newborn newborns[NEWBORNS];
  size_t count;
  struct chio_key *private_key;
  struct chio_key *public_key;
  const struct chio_mechanism *generator;
  struct chio_buf private_values, public_values;
  struct chio_buf unsigned_attrs; /* the private key's, without its evidence */
  struct chio_buf envelope, bundle, head, tail, der;
  uint8_t id[crypto_hash_sha256_BYTES];
};

static void pair_init(struct chio_key_pair *p) {
  memset(p, 0, sizeof *p);
  for (size_t i = 0; i < NEWBORNS; i++) chio_newborn_init(&p->newborns[i]);
}

static void pair_clear(struct chio_key_pair *p) {
  for (size_t i = 0; i < NEWBORNS; i++) chio_newborn_free(&p->newborns[i]);
  chio_key_free(p->private_key);
  chio_key_free(p->public_key);
  chio_buf_clear(&p->private_values);
  chio_buf_clear(&p->public_values);
  chio_buf_clear(&p->unsigned_attrs);
  chio_buf_clear(&p->envelope);
  chio_buf_clear(&p->bundle);
  chio_buf_clear(&p->head);
  chio_buf_clear(&p->tail);
  chio_buf_clear(&p->der);
}

/* Domain parameters belong to the public template; in the private one they must be the same. */
static enum chio_err check_domain(struct chio_call *call, const struct chio_key_pair_request *q) {
  static const uint32_t types[] = {CKA_EC_PARAMS, CKA_PUBLIC_EXPONENT};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    struct chio_slice in_private;
    struct chio_slice in_public;
    if (!chio_attrs_find(q->private_template, types[i], &in_private)) continue;
    if (chio_attrs_find(q->public_template, types[i], &in_public) && chio_slice_equal(in_private, in_public)) continue;
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCONSISTENT, "the two templates differ in %s",
                     chio_attribute_find(types[i])->name);
  }
  return CHIO_OK;
}

static enum chio_err check_one(struct chio_call *call, struct chio_attrs templ, uint64_t class, uint32_t key_type) {
  bool so = call->who == CHIO_WHO_SO;
  enum chio_err err = chio_template_check(templ, CHIO_USE_GENERATE, chio_class_bit(class), so, &call->detail);
  if (err == CHIO_OK) err = chio_template_expect(templ, CKA_CLASS, class, &call->detail);
  if (err == CHIO_OK) err = chio_template_expect(templ, CKA_KEY_TYPE, key_type, &call->detail);
  return err;
}

/* What is the pair's (its state, its model): where both templates say it, they say the same. */
static enum chio_err check_shared(struct chio_call *call, const struct chio_key_pair_request *q, uint32_t type) {
  struct chio_slice in_private, in_public;
  if (!chio_attrs_find(q->private_template, type, &in_private)) return CHIO_OK;
  if (!chio_attrs_find(q->public_template, type, &in_public)) return CHIO_OK;
  if (chio_slice_equal(in_private, in_public)) return CHIO_OK;
  return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCONSISTENT, "the two templates differ in %s",
                   chio_attribute_find(type)->name);
}

static enum chio_err check_vendor(struct chio_call *call, struct chio_attrs templ) {
  struct chio_slice value;
  if (chio_attrs_find(templ, CKA_CHIO_BACKEND_URI, &value))
    return chio_fail(&call->detail, CHIO_E_UNSUPPORTED,
                     "a key that is in a KMS already is named in the configuration of its backend");
  if (chio_attrs_find(templ, CKA_CHIO_BINDING, &value) && !chio_slice_equal(value, chio_slice_str(BINDING)))
    return chio_fail(&call->detail, CHIO_E_UNSUPPORTED, "this signer binds keys to their quote by '" BINDING "' only");
  if (!chio_attrs_find(templ, CKA_CHIO_MODEL_HASH, &value)) return CHIO_OK;
  if (call->slot->backend != NULL)
    return chio_fail(&call->detail, CHIO_E_UNSUPPORTED, "no quote binds a key in a KMS to a model");
  if (value.len != MODEL_HASH_SIZE)
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_CHIO_MODEL_HASH has %u bytes", MODEL_HASH_SIZE);
  return CHIO_OK;
}

/* All that can be said before the key is there: no key is generated for a template that will be refused. */
static enum chio_err check(struct chio_call *call, const struct chio_key_pair_request *q, struct chio_key_pair *p) {
  p->generator = chio_mechanism_by_wire(q->mechanism);
  if (p->generator == NULL || (p->generator->flags & CHIO_MECH_GENERATE) == 0)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED, "the mechanism generates no key pairs");
  if (!chio_crypto_serves(p->generator))
    return chio_fail(&call->detail, CHIO_E_MECHANISM_UNSUPPORTED, "%s is not among what the FIPS module approves"
                     " (crypto.fips): make an EC or RSA key", p->generator->name);
  if (q->params.len > 0)
    return chio_fail(&call->detail, CHIO_E_MECHANISM_PARAM, "%s takes no parameter", p->generator->name);
  enum chio_err err = check_one(call, q->public_template, CKO_PUBLIC_KEY, p->generator->key_type);
  if (err == CHIO_OK) err = check_one(call, q->private_template, CKO_PRIVATE_KEY, p->generator->key_type);
  if (err == CHIO_OK) err = check_domain(call, q);
  if (err == CHIO_OK) err = check_shared(call, q, CKA_CHIO_STATE);
  if (err == CHIO_OK) err = check_shared(call, q, CKA_CHIO_MODEL_HASH);
  if (err == CHIO_OK) err = check_vendor(call, q->public_template);
  if (err == CHIO_OK) err = check_vendor(call, q->private_template);
  if (err != CHIO_OK) return err;
  struct chio_attr_set *private_set = &p->newborns[PRIVATE].set;
  struct chio_attr_set *public_set = &p->newborns[PUBLIC].set;
  chio_template_take(q->private_template, private_set);
  chio_template_take(q->public_template, public_set);
  chio_template_default_private_key(private_set);
  chio_template_default_public_key(public_set);
  if ((err = chio_template_judge_private_key(private_set, &call->detail)) != CHIO_OK) return err;
  if ((err = chio_template_judge_role(public_set, &call->detail)) != CHIO_OK) return err;
  if ((err = chio_template_judge_state(private_set, &call->detail)) != CHIO_OK) return err;
  if ((err = chio_template_judge_state(public_set, &call->detail)) != CHIO_OK) return err;
  err = chio_call_may_change(call, chio_attr_set_bool(private_set, CKA_TOKEN, false),
                             chio_attr_set_bool(private_set, CKA_PRIVATE, true));
  if (err != CHIO_OK) return err;
  return chio_call_may_change(call, chio_attr_set_bool(public_set, CKA_TOKEN, false),
                              chio_attr_set_bool(public_set, CKA_PRIVATE, false));
}

static void add_birth(struct chio_call *call, struct chio_attr_set *set, const struct chio_mechanism *generator) {
  struct chio_birthplace place = chio_evidence_birthplace(call->core->evidence);
  chio_attr_set_put_ulong(set, CKA_KEY_TYPE, generator->key_type);
  chio_attr_set_put_bool(set, CKA_LOCAL, true);
  chio_attr_set_put_ulong(set, CKA_KEY_GEN_MECHANISM, generator->ckm);
  chio_attr_set_put(set, CKA_CHIO_ORIGIN, chio_slice_str("born"));
  chio_attr_set_put(set, CKA_CHIO_TEE, chio_slice_str(place.tee));
  chio_attr_set_put(set, CKA_CHIO_MEASUREMENT, place.measurement);
  chio_attr_set_put(set, CKA_CHIO_REPORT_DATA, place.report_data);
  chio_attr_set_put(set, CKA_CHIO_BINDING, chio_slice_str(BINDING));
  chio_attr_set_put(set, CHIO_ATTR_BOOT, chio_slice_str(place.boot_name));
}

/* The role of a pair is said once, in either template; its state and its model too. */
static void share(const struct chio_key_pair_request *q, struct chio_key_pair *p, uint32_t type) {
  struct chio_slice value;
  if (chio_attrs_find(q->private_template, type, &value))
    chio_attr_set_put(&p->newborns[PUBLIC].set, type, value);
  else if (chio_attrs_find(q->public_template, type, &value))
    chio_attr_set_put(&p->newborns[PRIVATE].set, type, value);
}

/* An id given to one half only stands for that half; where neither has one, both get the same. */
static void share_id(const struct chio_key_pair_request *q, struct chio_key_pair *p) {
  struct chio_slice spki = chio_key_spki(p->public_key);
  struct chio_slice given = chio_slice(NULL, 0);
  (void)crypto_hash_sha256(p->id, spki.data, spki.len);
  struct chio_slice id = chio_slice(p->id, ID_LEN);
  bool in_private = chio_attrs_find(q->private_template, CKA_ID, &given);
  if (in_private || chio_attrs_find(q->public_template, CKA_ID, &given)) id = given;
  if (!in_private) chio_attr_set_put(&p->newborns[PRIVATE].set, CKA_ID, id);
  if (!chio_attrs_find(q->public_template, CKA_ID, &given)) chio_attr_set_put(&p->newborns[PUBLIC].set, CKA_ID, id);
}

static enum chio_err generate(struct chio_call *call, const struct chio_key_pair_request *q, struct chio_key_pair *p) {
  enum chio_err err = chio_key_generate(p->generator, q->public_template, &p->private_key, &call->detail);
  if (err == CHIO_OK) err = chio_key_from_spki(chio_key_spki(p->private_key), &p->public_key);
  if (err != CHIO_OK) return err;
  struct chio_newborn *private_half = &p->newborns[PRIVATE];
  struct chio_newborn *public_half = &p->newborns[PUBLIC];
  struct chio_slice params;
  chio_attr_set_put_ulong(&private_half->set, CKA_CLASS, CKO_PRIVATE_KEY);
  chio_attr_set_put_ulong(&public_half->set, CKA_CLASS, CKO_PUBLIC_KEY);
  if (chio_attrs_find(q->public_template, CKA_EC_PARAMS, &params))
    chio_attr_set_put(&private_half->set, CKA_EC_PARAMS, params);
  add_birth(call, &private_half->set, p->generator);
  add_birth(call, &public_half->set, p->generator);
  bool sensitive = chio_attr_set_bool(&private_half->set, CKA_SENSITIVE, true);
  chio_attr_set_put_bool(&private_half->set, CKA_ALWAYS_SENSITIVE, sensitive);
  chio_attr_set_put_bool(&private_half->set, CKA_NEVER_EXTRACTABLE, true);
  share(q, p, CKA_CHIO_ROLE);
  share(q, p, CKA_CHIO_STATE);
  share(q, p, CKA_CHIO_MODEL_HASH);
  share_id(q, p);
  chio_newborn_name(private_half);
  chio_newborn_name(public_half);
  private_half->key = chio_key_ref(p->private_key);
  public_half->key = chio_key_ref(p->public_key);
  p->count = 2;
  err = chio_newborn_add_public(private_half, p->private_key, false, &p->private_values);
  return err != CHIO_OK ? err : chio_newborn_add_public(public_half, p->public_key, true, &p->public_values);
}

static enum chio_err prove(struct chio_call *call, struct chio_key_pair *p) {
  struct chio_token_row row = chio_slot_row(call->slot);
  enum chio_err err = chio_attr_set_encode(&p->newborns[PRIVATE].set, &p->unsigned_attrs);
  if (err != CHIO_OK) return err;
  struct chio_statement_facts facts = {.attrs = chio_attrs_of(&p->unsigned_attrs),
                                       .key_bits = chio_key_bits(p->private_key),
                                       .token_serial = row.serial};
  err = chio_evidence_statement(call->core->evidence, &facts, &p->envelope);
  if (err != CHIO_OK) return err;
  chio_attr_set_put(&p->newborns[PRIVATE].set, CKA_CHIO_STATEMENT, chio_buf_slice(&p->envelope));
  chio_attr_set_put(&p->newborns[PUBLIC].set, CKA_CHIO_STATEMENT, chio_buf_slice(&p->envelope));
  return CHIO_OK;
}

/* What both evidence objects have in common: public, the key's id and label, pieces of the evidence. */
static void fill_shown(struct chio_key_pair *p, struct chio_attr_set *set, uint64_t class) {
  struct chio_slice value;
  const struct chio_attr_set *key = &p->newborns[PRIVATE].set;
  chio_attr_set_put_ulong(set, CKA_CLASS, class);
  chio_attr_set_put_bool(set, CKA_TOKEN, true);
  chio_attr_set_put_bool(set, CKA_MODIFIABLE, false);
  if (chio_attr_set_find(key, CKA_LABEL, &value)) chio_attr_set_put(set, CKA_LABEL, value);
  if (chio_attr_set_find(key, CKA_ID, &value)) chio_attr_set_put(set, CKA_ID, value);
  if (chio_attr_set_find(key, CHIO_ATTR_BOOT, &value)) chio_attr_set_put(set, CHIO_ATTR_BOOT, value);
  chio_attr_set_put(set, CHIO_ATTR_ENVELOPE, chio_buf_slice(&p->envelope));
  chio_template_default_storage(set, false);
}

static void common_name(const struct chio_key_pair *p, char out[COMMON_NAME_MAX + 1]) {
  struct chio_slice label = chio_slice(NULL, 0);
  (void)chio_attr_set_find(&p->newborns[PRIVATE].set, CKA_LABEL, &label);
  bool fits = label.len > 0 && label.len <= COMMON_NAME_MAX && memchr(label.data, 0, label.len) == NULL;
  struct chio_slice name = fits ? label : chio_slice(p->newborns[PRIVATE].uid_hex, CHIO_UID_HEX);
  memcpy(out, name.data, name.len);
  out[name.len] = '\0';
}

/* The certificate whole, for its names; it is stored without the bundle. */
static enum chio_err make_certificate(struct chio_call *call, struct chio_key_pair *p,
                                      struct chio_certificate *out_parsed) {
  char name[COMMON_NAME_MAX + 1];
  struct chio_token_row row = chio_slot_row(call->slot);
  const struct chio_newborn *private_half = &p->newborns[PRIVATE];
  const struct chio_yubihsm facts = {.key = &private_half->set,
                                     .key_type = chio_key_type(p->private_key),
                                     .slot = call->slot->number,
                                     .token_serial = row.serial,
                                     .uid = chio_slice(private_half->uid.b, CHIO_UID_SIZE)};
  common_name(p, name);
  CHIO_AUTO(chio_buf) struct chio_buf *extensions = chio_buf_new();
  if (extensions == NULL) return CHIO_E_NO_MEMORY;
  chio_yubihsm_extensions(&facts, extensions);
  enum chio_err err = chio_buf_err(extensions);
  if (err == CHIO_OK)
    err = chio_evidence_certificate(call->core->evidence, p->public_key, name, chio_buf_slice(extensions),
                                    chio_buf_slice(&p->bundle), &p->head, &p->tail);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(&p->der, chio_buf_slice(&p->head));
  chio_buf_append_slice(&p->der, chio_buf_slice(&p->bundle));
  chio_buf_append_slice(&p->der, chio_buf_slice(&p->tail));
  if ((err = chio_buf_err(&p->der)) != CHIO_OK) return err;
  return chio_certificate_parse(chio_buf_slice(&p->der), out_parsed) == CHIO_OK ? CHIO_OK : CHIO_E_INTERNAL;
}

static enum chio_err fill_certificate(struct chio_call *call, struct chio_key_pair *p) {
  struct chio_certificate parsed;
  struct chio_attr_set *set = &p->newborns[CERTIFICATE].set;
  enum chio_err err = make_certificate(call, p, &parsed);
  if (err != CHIO_OK) return err;
  fill_shown(p, set, CKO_CERTIFICATE);
  chio_attr_set_put_ulong(set, CKA_CERTIFICATE_TYPE, CKC_X_509);
  chio_attr_set_put_ulong(set, CKA_CERTIFICATE_CATEGORY, 0);
  chio_attr_set_put_bool(set, CKA_TRUSTED, false);
  chio_attr_set_put(set, CKA_START_DATE, chio_slice(NULL, 0));
  chio_attr_set_put(set, CKA_END_DATE, chio_slice(NULL, 0));
  chio_attr_set_put(set, CKA_SUBJECT, parsed.subject);
  chio_attr_set_put(set, CKA_ISSUER, parsed.issuer);
  chio_attr_set_put(set, CKA_SERIAL_NUMBER, parsed.serial);
  chio_attr_set_put(set, CKA_PUBLIC_KEY_INFO, parsed.spki);
  chio_attr_set_put(set, CHIO_ATTR_CERT_HEAD, chio_buf_slice(&p->head));
  chio_attr_set_put(set, CHIO_ATTR_CERT_TAIL, chio_buf_slice(&p->tail));
  chio_newborn_name(&p->newborns[CERTIFICATE]);
  return CHIO_OK;
}

static void fill_data(struct chio_key_pair *p) {
  struct chio_attr_set *set = &p->newborns[DATA].set;
  fill_shown(p, set, CKO_DATA);
  chio_attr_set_put(set, CKA_APPLICATION, chio_slice_str("chio-hsm evidence"));
  chio_attr_set_put(set, CKA_OBJECT_ID, chio_slice(NULL, 0));
  chio_newborn_name(&p->newborns[DATA]);
}

/* For keys that stay: those of a session or a run end before anybody would look for them. */
static enum chio_err show(struct chio_call *call, struct chio_key_pair *p) {
  if (!call->core->config.evidence_objects || p->newborns[PRIVATE].in_memory) return CHIO_OK;
  struct chio_birthplace place = chio_evidence_birthplace(call->core->evidence);
  enum chio_err err =
      chio_evidence_bundle(call->core->evidence, place.boot_name, chio_buf_slice(&p->envelope), &p->bundle);
  if (err == CHIO_OK) err = fill_certificate(call, p);
  if (err != CHIO_OK) return err;
  fill_data(p);
  p->count = NEWBORNS;
  return CHIO_OK;
}

/* ---- For KEY_PAIR and ROTATE ---- */

struct chio_newborn *chio_key_pair_private(struct chio_key_pair *p) {
  return &p->newborns[PRIVATE];
}

struct chio_newborn *chio_key_pair_public(struct chio_key_pair *p) {
  return &p->newborns[PUBLIC];
}

void chio_key_pair_free(struct chio_key_pair *p) {
  if (p == NULL) return;
  pair_clear(p);
  free(p);
}

static enum chio_err pair_new(struct chio_call *call, const struct chio_key_pair_request *q,
                              struct chio_key_pair **out_pair) {
  struct chio_key_pair *p = malloc(sizeof *p);
  if (p == NULL) return CHIO_E_NO_MEMORY;
  pair_init(p);
  enum chio_err err = check(call, q, p);
  if (err == CHIO_OK)
    *out_pair = p;
  else
    chio_key_pair_free(p);
  return err;
}

static enum chio_err make(struct chio_call *call, const struct chio_key_pair_request *q, struct chio_key_pair *p) {
  enum chio_err err = generate(call, q, p);
  if (err == CHIO_OK) err = prove(call, p);
  return err == CHIO_OK ? show(call, p) : err;
}

enum chio_err chio_key_pair_make(struct chio_call *call, const struct chio_key_pair_request *q,
                                 struct chio_key_pair **out_pair) {
  struct chio_key_pair *p;
  enum chio_err err = pair_new(call, q, &p);
  if (err != CHIO_OK) return err;
  err = make(call, q, p);
  if (err == CHIO_OK)
    *out_pair = p;
  else
    chio_key_pair_free(p);
  return err;
}

enum chio_err chio_key_pair_bear(struct chio_call *call, uint64_t session, struct chio_key_pair *p,
                                 struct chio_changes *changes) {
  return chio_newborns_bear_with(call, session, p->newborns, p->count, changes);
}

/* The key was made without the lock, which may have taken a second: who asks is looked at again. */
static enum chio_err bear(struct chio_call *call, const struct chio_key_pair_request *q, struct chio_key_pair *p) {
  struct chio_slot *slot = call->slot;
  (void)pthread_mutex_lock(&slot->change);
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK) err = chio_key_pair_bear(call, q->session, p, NULL);
  (void)pthread_mutex_unlock(&slot->change);
  return err;
}

static enum chio_err make_here(struct chio_call *call, const struct chio_key_pair_request *q, struct chio_key_pair *p,
                               struct chio_key_pair_reply *r) {
  enum chio_err err = make(call, q, p);
  if (err == CHIO_OK) err = bear(call, q, p);
  if (err != CHIO_OK) return err;
  r->private_key = p->newborns[PRIVATE].uid;
  r->public_key = p->newborns[PUBLIC].uid;
  return CHIO_OK;
}

enum chio_err chio_handle_key_pair(struct chio_call *call, const void *request, void *reply) {
  const struct chio_key_pair_request *q = request;
  struct chio_key_pair_reply *r = reply;
  struct chio_label_claim claim = {.held = false};
  struct chio_key_pair *p = NULL;
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK) err = pair_new(call, q, &p);
  if (err != CHIO_OK) return err;
  struct chio_label_claims *claims = &call->slot->claims;
  err = chio_label_claim_take(call, q, &claim);
  if (err == CHIO_OK && call->slot->backend != NULL)
    err = chio_backend_key_pair(call, q, p->generator, r);
  else if (err == CHIO_OK)
    err = make_here(call, q, p, r);
  chio_label_claim_drop(claims, &claim);
  chio_key_pair_free(p);
  return err;
}
