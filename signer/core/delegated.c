#include "signer/core/delegated.h"

#include "signer/core/newborn.h"
#include "signer/core/template.h"

#include <sodium.h>
#include <stdlib.h>

#define ID_LEN 20u /* bytes of a CKA_ID: as for born keys, of SHA-256 over the SubjectPublicKeyInfo */
#define LABEL_MAX 256u

enum { PRIVATE, PUBLIC, HALVES };

struct pair {
  struct chio_newborn halves[HALVES];
  struct chio_key *key;
  struct chio_buf private_values, public_values, unsigned_attrs, envelope;
  uint8_t id[crypto_hash_sha256_BYTES];
  char label[LABEL_MAX];
};

static void pair_free(struct pair *p) {
  for (size_t i = 0; i < HALVES; i++) chio_newborn_free(&p->halves[i]);
  chio_key_free(p->key);
  chio_buf_clear(&p->private_values);
  chio_buf_clear(&p->public_values);
  chio_buf_clear(&p->unsigned_attrs);
  chio_buf_clear(&p->envelope);
  free(p);
}

/* ---- Labels ---- */

static struct chio_slice until(struct chio_slice text, const char *ends) {
  size_t len = 0;
  while (len < text.len && strchr(ends, text.data[len]) == NULL) len++;
  return chio_slice(text.data, len);
}

/* The value of "name=" in a list of attributes, as smallstep and RFC 7512 write them. */
static bool attribute_of(struct chio_slice text, const char *name, struct chio_slice *out) {
  while (text.len > 0) {
    struct chio_slice item = until(text, ";?&");
    size_t len = strlen(name);
    if (item.len > len && memcmp(item.data, name, len) == 0) {
      *out = chio_slice(item.data + len, item.len - len);
      return true;
    }
    size_t skip = item.len < text.len ? item.len + 1 : item.len;
    text = chio_slice(text.data + skip, text.len - skip);
  }
  return false;
}

/* The segment after the one that announces a name; else the last that is neither a version nor empty. */
static struct chio_slice name_in_path(struct chio_slice path) {
  static const char *const heralds[] = {"cryptoKeys", "alias", "keys"};
  struct chio_slice last = path;
  bool announced = false;
  while (path.len > 0) {
    struct chio_slice segment = until(path, "/");
    size_t skip = segment.len < path.len ? segment.len + 1 : segment.len;
    path = chio_slice(path.data + skip, path.len - skip);
    if (segment.len > 0) last = segment;
    if (announced && segment.len > 0) return segment;
    for (size_t i = 0; i < CHIO_ARRAY_LEN(heralds); i++)
      announced = announced || chio_slice_equal(segment, chio_slice_str(heralds[i]));
  }
  return last;
}

/* azurekms://VAULT/NAME[/VERSION]: the version is no name. */
static struct chio_slice second_segment(struct chio_slice path) {
  struct chio_slice host = until(path, "/");
  if (host.len + 1 >= path.len) return host;
  return until(chio_slice(path.data + host.len + 1, path.len - host.len - 1), "/");
}

void chio_backend_label(const char *uri, char *out, size_t size) {
  static const char *const names[] = {"object=", "name=", "key-id=", "id="};
  struct chio_slice rest = chio_slice_str(uri);
  struct chio_slice scheme = until(rest, ":");
  struct chio_slice found;
  if (scheme.len < rest.len) rest = chio_slice(rest.data + scheme.len + 1, rest.len - scheme.len - 1);
  bool has = false;
  for (size_t i = 0; !has && i < CHIO_ARRAY_LEN(names); i++) has = attribute_of(rest, names[i], &found);
  while (rest.len > 0 && rest.data[0] == '/') rest = chio_slice(rest.data + 1, rest.len - 1);
  rest = until(rest, "?#");
  if (!has && chio_slice_equal(scheme, chio_slice_str("azurekms")))
    found = second_segment(rest);
  else
    found = name_in_path(has ? found : rest);
  size_t len = found.len < size - 1 ? found.len : size - 1;
  for (size_t i = 0; i < len; i++) out[i] = found.data[i] >= ' ' && found.data[i] < 0x7f ? (char)found.data[i] : '?';
  out[len] = '\0';
}

/* ---- The pair ---- */

enum chio_err chio_delegated_parse(const struct chio_backend_key *key, struct chio_key **out_public,
                                   struct chio_detail *detail) {
  if (memchr(key->uri, 0, sizeof key->uri) == NULL || key->uri[0] == '\0' || key->spki_len > sizeof key->spki)
    return chio_fail(detail, CHIO_E_BACKEND, "the backend describes a key without a name or with too long a key");
  if (!key->can_sign)
    return chio_fail(detail, CHIO_E_KEY_FUNCTION, "'%.160s' is no key that signs", key->uri);
  enum chio_err err = chio_key_from_spki(chio_slice(key->spki, key->spki_len), out_public);
  if (err == CHIO_OK || err == CHIO_E_NO_MEMORY) return err;
  return chio_fail(detail, CHIO_E_BACKEND, "the public key of '%.140s' is none that this token knows: %s", key->uri,
                   chio_err_text(err));
}

/* The state of a pair is said once, in either template. */
static struct chio_slice state_of(const struct chio_delegated *d) {
  struct chio_slice state = chio_slice_str(chio_key_state_name(CHIO_KEY_ACTIVE));
  if (!chio_attrs_find(d->private_template, CKA_CHIO_STATE, &state))
    (void)chio_attrs_find(d->public_template, CKA_CHIO_STATE, &state);
  return state;
}

/* What either template says of both halves: Ed25519, for one, has several spellings of its curve. */
static void share(const struct chio_delegated *d, struct chio_attr_set *set) {
  static const uint32_t types[] = {CKA_ID, CKA_EC_PARAMS, CKA_CHIO_ROLE};
  struct chio_slice value;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++)
    if (chio_attrs_find(d->private_template, types[i], &value) || chio_attrs_find(d->public_template, types[i], &value))
      chio_attr_set_default(set, types[i], value);
}

static void fill_common(const struct chio_call *call, const struct chio_delegated *d, const struct pair *p,
                        struct chio_attr_set *set) {
  struct chio_birthplace place = chio_evidence_birthplace(call->core->evidence);
  share(d, set);
  chio_attr_set_put_ulong(set, CKA_KEY_TYPE, chio_key_type(p->key));
  chio_attr_set_put_bool(set, CKA_TOKEN, true);
  chio_attr_set_put_bool(set, CKA_COPYABLE, false);
  chio_attr_set_put_bool(set, CKA_LOCAL, false);
  chio_attr_set_put_ulong(set, CKA_KEY_GEN_MECHANISM, UINT64_MAX);
  chio_attr_set_default(set, CKA_LABEL, chio_slice_str(p->label));
  chio_attr_set_default(set, CKA_ID, chio_slice(p->id, ID_LEN));
  chio_attr_set_put(set, CKA_CHIO_ORIGIN, chio_slice_str("delegated"));
  chio_attr_set_put(set, CKA_CHIO_BACKEND_URI, chio_slice_str(d->key->uri));
  chio_attr_set_put(set, CKA_CHIO_TEE, chio_slice_str(place.tee));
  chio_attr_set_put(set, CKA_CHIO_MEASUREMENT, place.measurement);
  chio_attr_set_put(set, CKA_CHIO_REPORT_DATA, place.report_data);
  chio_attr_set_put(set, CKA_CHIO_BINDING, chio_slice_str("statement-v1"));
  chio_attr_set_put(set, CHIO_ATTR_BOOT, chio_slice_str(place.boot_name));
  chio_attr_set_put(set, CHIO_ATTR_SOURCE, chio_slice_str(d->source));
  chio_attr_set_put(set, CKA_CHIO_STATE, state_of(d));
  chio_attr_set_put(set, CHIO_ATTR_WANTED, chio_slice_str(d->wanted));
  if (d->attestation.len > 0) chio_attr_set_put(set, CKA_CHIO_BACKEND_ATTESTATION, d->attestation);
  if (d->proved.len > 0) chio_attr_set_put(set, CKA_CHIO_BACKEND_PROVED, d->proved);
}

static void fill_private(const struct chio_call *call, const struct chio_delegated *d, const struct pair *p,
                         struct chio_attr_set *set) {
  chio_template_take(d->private_template, set);
  chio_attr_set_put_ulong(set, CKA_CLASS, CKO_PRIVATE_KEY);
  chio_attr_set_default_bool(set, CKA_PRIVATE, call->slot->backend->login);
  fill_common(call, d, p, set);
  chio_template_default_private_key(set);
  chio_attr_set_put_bool(set, CKA_SENSITIVE, true);
  chio_attr_set_put_bool(set, CKA_EXTRACTABLE, false);
  /* PKCS #11 v3.1, 4.9: nobody here saw what the key was before. */
  chio_attr_set_put_bool(set, CKA_ALWAYS_SENSITIVE, false);
  chio_attr_set_put_bool(set, CKA_NEVER_EXTRACTABLE, false);
}

/* The name, but not the lifetime that a key of our own would have: it lives as long as its KMS lets it. */
static void name_half(const struct chio_call *call, struct chio_newborn *half) {
  chio_newborn_name(half);
  chio_attr_set_put(&half->set, CKA_CHIO_LIFETIME, chio_slice_str("upstream"));
  half->in_memory = call->core->config.read_only;
}

static enum chio_err prove(struct chio_call *call, struct pair *p) {
  struct chio_token_row row = chio_slot_row(call->slot);
  enum chio_err err = chio_attr_set_encode(&p->halves[PRIVATE].set, &p->unsigned_attrs);
  if (err != CHIO_OK) return err;
  struct chio_statement_facts facts = {.attrs = chio_attrs_of(&p->unsigned_attrs),
                                       .key_bits = chio_key_bits(p->key),
                                       .token_serial = row.serial};
  err = chio_evidence_statement(call->core->evidence, &facts, &p->envelope);
  for (size_t i = 0; err == CHIO_OK && i < HALVES; i++)
    chio_attr_set_put(&p->halves[i].set, CKA_CHIO_STATEMENT, chio_buf_slice(&p->envelope));
  return err;
}

static enum chio_err fill(struct chio_call *call, const struct chio_delegated *d, struct pair *p) {
  struct chio_newborn *private_half = &p->halves[PRIVATE];
  struct chio_newborn *public_half = &p->halves[PUBLIC];
  enum chio_err err = chio_delegated_parse(d->key, &p->key, &call->detail);
  if (err != CHIO_OK) return err;
  struct chio_slice spki = chio_key_spki(p->key);
  (void)crypto_hash_sha256(p->id, spki.data, spki.len);
  chio_backend_label(d->wanted[0] != '\0' ? d->wanted : d->key->uri, p->label, sizeof p->label);
  fill_private(call, d, p, &private_half->set);
  chio_template_take(d->public_template, &public_half->set);
  chio_attr_set_put_ulong(&public_half->set, CKA_CLASS, CKO_PUBLIC_KEY);
  fill_common(call, d, p, &public_half->set);
  chio_template_default_public_key(&public_half->set);
  for (size_t i = 0; i < HALVES; i++) {
    name_half(call, &p->halves[i]);
    p->halves[i].key = chio_key_ref(p->key);
  }
  err = chio_newborn_add_public(private_half, p->key, false, &p->private_values);
  if (err == CHIO_OK) err = chio_newborn_add_public(public_half, p->key, true, &p->public_values);
  return err == CHIO_OK ? prove(call, p) : err;
}

enum chio_err chio_delegated_bear(struct chio_call *call, const struct chio_delegated *delegated,
                                  struct chio_uid *out_public, struct chio_uid *out_private) {
  struct chio_slot *slot = call->slot;
  struct pair *p = calloc(1, sizeof *p);
  if (p == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < HALVES; i++) chio_newborn_init(&p->halves[i]);
  enum chio_err err = fill(call, delegated, p);
  if (err == CHIO_OK) {
    (void)pthread_mutex_lock(&slot->change);
    err = chio_newborns_bear(call, 0, p->halves, HALVES);
    (void)pthread_mutex_unlock(&slot->change);
  }
  if (err == CHIO_OK) {
    *out_public = p->halves[PUBLIC].uid;
    *out_private = p->halves[PRIVATE].uid;
  }
  pair_free(p);
  return err;
}

/* Both halves have the same statement, which no other pair has. */
static bool goes_with(const struct chio_object *a, const struct chio_object *b) {
  struct chio_slice x, y;
  return chio_attrs_find(a->attrs, CKA_CHIO_STATEMENT, &x) && chio_attrs_find(b->attrs, CKA_CHIO_STATEMENT, &y) &&
         chio_slice_equal(x, y);
}

static enum chio_err other_in_memory(struct chio_call *call, const struct chio_object *half,
                                     struct chio_object **out_public) {
  struct chio_object *page[1];
  uint64_t after = 0;
  while (chio_object_table_memory(call->core->objects, after, page, 1) == 1) {
    after = page[0]->sequence;
    *out_public = page[0];
    if (page[0]->class == CKO_PUBLIC_KEY && page[0]->slot == half->slot && goes_with(page[0], half)) return CHIO_OK;
    chio_object_free(page[0]);
  }
  return CHIO_E_OBJECT_UNKNOWN;
}

enum chio_err chio_delegated_other_half(struct chio_call *call, const struct chio_object *half,
                                        struct chio_object **out_public) {
  struct chio_store_found row;
  struct chio_buf by = CHIO_BUF_INIT;
  size_t count = 1;
  bool exact;
  if (half->in_memory) return other_in_memory(call, half, out_public);
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, CKO_PUBLIC_KEY);
  /* Slots of [token] may hold very many keys: there, halves are looked for by the id that they share. */
  struct chio_slice id;
  if (call->slot->backend == NULL && chio_attrs_find(half->attrs, CKA_ID, &id)) chio_attrs_add(&by, CKA_ID, id);
  enum chio_err err = chio_buf_err(&by);
  row.row = 0;
  while (err == CHIO_OK && count == 1) {
    struct chio_object *object;
    err = chio_store_objects_find(call->core->store, half->slot, chio_attrs_of(&by), true, row.row, &row, 1, &count,
                                  &exact);
    if (err != CHIO_OK || count == 0) break;
    if (chio_object_table_get(call->core->objects, half->slot, &row.uid, false, &object, NULL) != CHIO_OK) continue;
    if (goes_with(object, half)) {
      *out_public = object;
      break;
    }
    chio_object_free(object);
  }
  chio_buf_clear(&by);
  return err == CHIO_OK && count == 0 ? CHIO_E_OBJECT_UNKNOWN : err;
}

void chio_call_own(struct chio_core *core, struct chio_slot *slot, struct chio_call *out_call) {
  out_call->conn = NULL;
  out_call->core = core;
  out_call->slot = slot;
  out_call->generation = 0;
  out_call->who = CHIO_WHO_USER;
  out_call->detail.text[0] = '\0';
}
