#include "tools/hsm/key.h"

#include "signer/base/secret.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KEYS_MAX (1u << 20)     /* objects that the tool looks at in one run */
#define CANDIDATES_SHOWN 4u
#define LOOKS 3u

static const uint32_t shown_types[] = {
    CKA_CLASS, CKA_LABEL, CKA_ID, CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_MODULUS, CKA_UNIQUE_ID, (uint32_t)CKA_CHIO_ORIGIN,
    (uint32_t)CKA_CHIO_LIFETIME, (uint32_t)CKA_CHIO_ROLE, (uint32_t)CKA_CHIO_TEE, (uint32_t)CKA_CHIO_MEASUREMENT,
    (uint32_t)CKA_CHIO_STATE, (uint32_t)CKA_CHIO_SUCCESSOR, (uint32_t)CKA_CHIO_PREDECESSOR,
    (uint32_t)CKA_CHIO_MODEL_HASH, CKA_START_DATE, CKA_END_DATE, (uint32_t)CKA_CHIO_BACKEND_URI,
    CKA_ALLOWED_MECHANISMS};

void hsm_keys_clear(struct hsm_keys *keys) {
  for (size_t i = 0; i < keys->count; i++) {
    chio_buf_clear(&keys->list[i].public_half.bytes);
    chio_buf_clear(&keys->list[i].private_half.bytes);
  }
  free(keys->list);
  *keys = (struct hsm_keys){NULL, 0};
}

static enum chio_err get(struct hsm *hsm, const struct chio_uid *object, struct chio_slice types,
                         struct chio_object_get_reply *out_reply, struct chio_buf *holder, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_object_get_request request = {.slot = hsm->slot, .object = *object, .types = types};
  enum chio_err err = hsm_ticket(hsm, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_object_get(hsm->client, &request, out_reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  return err;
}

enum chio_err hsm_attribute_get(struct hsm *hsm, const struct chio_uid *object, uint32_t type,
                                struct chio_slice *out_value, struct chio_buf *holder, struct chio_detail *detail) {
  uint8_t raw[4] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)(type >> 16), (uint8_t)(type >> 24)};
  struct chio_object_get_reply reply;
  enum chio_err err = get(hsm, object, chio_slice(raw, sizeof raw), &reply, holder, detail);
  if (err != CHIO_OK) return err;
  if (!chio_attrs_find(reply.attributes, type, out_value)) return CHIO_E_ATTRIBUTE_UNKNOWN;
  return CHIO_OK;
}

/* A key of which one half is known. */
static enum chio_err load(struct hsm *hsm, const struct chio_uid *object, struct chio_buf *holder,
                          struct hsm_key *out_key, struct chio_detail *detail) {
  uint8_t types[4 * CHIO_ARRAY_LEN(shown_types)];
  for (size_t i = 0; i < sizeof types; i++) types[i] = (uint8_t)(shown_types[i / 4] >> (8 * (i % 4)));
  struct chio_object_get_reply reply;
  enum chio_err err = get(hsm, object, chio_slice(types, sizeof types), &reply, holder, detail);
  if (err != CHIO_OK) return err;
  struct hsm_half half = {.known = true, .uid = *object, .bytes = CHIO_BUF_INIT};
  chio_buf_append_slice(&half.bytes, reply.attributes.raw);
  half.attributes.raw = chio_buf_slice(&half.bytes);
  err = chio_buf_err(&half.bytes);
  if (err != CHIO_OK) return err;
  struct hsm_key key = {.public_half = {.known = false}};
  if (chio_attrs_ulong(half.attributes, CKA_CLASS, 0) == CKO_PRIVATE_KEY)
    key.private_half = half;
  else
    key.public_half = half;
  *out_key = key;
  return CHIO_OK;
}

static enum chio_err append(struct hsm *hsm, struct hsm_keys *keys, struct chio_slice objects,
                            struct chio_detail *detail) {
  size_t more = objects.len / CHIO_UID_SIZE;
  if (keys->count + more > KEYS_MAX) return chio_fail(detail, CHIO_E_BUSY, "more than %u keys", KEYS_MAX);
  struct hsm_key *list = realloc(keys->list, (keys->count + more + 1) * sizeof *list);
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (list != NULL) keys->list = list;
  if (list == NULL || holder == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < more; i++) {
    struct chio_uid uid;
    memcpy(uid.b, objects.data + i * CHIO_UID_SIZE, CHIO_UID_SIZE);
    enum chio_err err = load(hsm, &uid, holder, &list[keys->count], detail);
    if (err == CHIO_E_OBJECT_UNKNOWN) continue; /* destroyed since it was found */
    if (err != CHIO_OK) return err;
    keys->count++;
  }
  return CHIO_OK;
}

/* Adds the objects of a class with one more attribute (type 0: all of the class). */
static enum chio_err find(struct hsm *hsm, struct hsm_keys *keys, uint64_t class, uint32_t type,
                          struct chio_slice value, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *templ = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (templ == NULL || holder == NULL) return CHIO_E_NO_MEMORY;
  chio_attrs_begin(templ);
  chio_attrs_add_ulong(templ, CKA_CLASS, class);
  if (type != 0) chio_attrs_add(templ, type, value);
  enum chio_err err = chio_buf_err(templ);
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_object_find_request request = {.slot = hsm->slot, .templ = chio_attrs_of(templ), .max = CHIO_FIND_MAX};
  struct chio_object_find_reply reply = {.cursor = 0};
  do {
    if (err == CHIO_OK) err = hsm_ticket(hsm, ticket, &request.ticket);
    if (err == CHIO_OK) err = chio_call_object_find(hsm->client, &request, &reply, holder, NULL, detail);
    if (err == CHIO_OK) err = append(hsm, keys, reply.objects, detail);
    request.cursor = reply.cursor;
  } while (err == CHIO_OK && reply.cursor != 0);
  chio_wipe(ticket, sizeof ticket);
  return err;
}

static const struct hsm_half *half_of(const struct hsm_key *key) {
  return key->public_half.known ? &key->public_half : &key->private_half;
}

struct chio_slice hsm_key_attribute(const struct hsm_key *key, uint32_t type) {
  struct chio_slice value = chio_slice(NULL, 0);
  if (key->public_half.known && chio_attrs_find(key->public_half.attributes, type, &value)) return value;
  if (key->private_half.known) (void)chio_attrs_find(key->private_half.attributes, type, &value);
  return value;
}

static int compare_slices(struct chio_slice a, struct chio_slice b) {
  int order = a.len > 0 && b.len > 0 ? memcmp(a.data, b.data, a.len < b.len ? a.len : b.len) : 0;
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Pairs stand together: the same id and the same kind of key. */
static int compare_pairs(const struct hsm_key *a, const struct hsm_key *b) {
  int order = compare_slices(hsm_key_attribute(a, CKA_ID), hsm_key_attribute(b, CKA_ID));
  if (order == 0) order = compare_slices(hsm_key_attribute(a, CKA_KEY_TYPE), hsm_key_attribute(b, CKA_KEY_TYPE));
  if (order == 0) order = compare_slices(hsm_key_attribute(a, CKA_EC_PARAMS), hsm_key_attribute(b, CKA_EC_PARAMS));
  if (order == 0) order = compare_slices(hsm_key_attribute(a, CKA_MODULUS), hsm_key_attribute(b, CKA_MODULUS));
  return order;
}

static int compare_objects(const void *a, const void *b) {
  int order = compare_pairs(a, b);
  const struct hsm_key *ka = a;
  const struct hsm_key *kb = b;
  return order != 0 ? order : memcmp(half_of(ka)->uid.b, half_of(kb)->uid.b, CHIO_UID_SIZE);
}

static int compare_labels(const void *a, const void *b) {
  int order = compare_slices(hsm_key_attribute(a, CKA_LABEL), hsm_key_attribute(b, CKA_LABEL));
  return order != 0 ? order : compare_objects(a, b);
}

static bool is_same(const struct hsm_half *a, const struct hsm_half *b) {
  return a->known && b->known && chio_uid_equal(&a->uid, &b->uid);
}

static bool is_other(const struct hsm_half *a, const struct hsm_half *b) {
  return a->known && b->known && !chio_uid_equal(&a->uid, &b->uid);
}

/* Whether next is the other half of at, or the same object found again. Objects without an id stay alone. */
static bool belongs(const struct hsm_key *at, const struct hsm_key *next) {
  if (is_other(&at->public_half, &next->public_half) || is_other(&at->private_half, &next->private_half)) return false;
  if (is_same(&at->public_half, &next->public_half) || is_same(&at->private_half, &next->private_half)) return true;
  return compare_pairs(at, next) == 0 && hsm_key_attribute(at, CKA_ID).len > 0;
}

static void take_half(struct hsm_half *at, struct hsm_half *next) {
  if (!at->known)
    *at = *next;
  else
    chio_buf_clear(&next->bytes);
}

/* Puts the halves of each pair together; an object found twice counts once. */
static void pair_up(struct hsm_keys *keys) {
  if (keys->count == 0) return;
  qsort(keys->list, keys->count, sizeof *keys->list, compare_objects);
  size_t kept = 0;
  for (size_t i = 1; i < keys->count; i++) {
    struct hsm_key *at = &keys->list[kept];
    struct hsm_key *next = &keys->list[i];
    if (belongs(at, next)) {
      take_half(&at->public_half, &next->public_half);
      take_half(&at->private_half, &next->private_half);
    } else {
      keys->list[++kept] = *next;
    }
  }
  keys->count = kept + 1;
  qsort(keys->list, keys->count, sizeof *keys->list, compare_labels);
}

static enum chio_err find_both(struct hsm *hsm, struct hsm_keys *keys, uint32_t type, struct chio_slice value,
                               struct chio_detail *detail) {
  enum chio_err err = find(hsm, keys, CKO_PUBLIC_KEY, type, value, detail);
  return err == CHIO_OK ? find(hsm, keys, CKO_PRIVATE_KEY, type, value, detail) : err;
}

enum chio_err hsm_keys_all(struct hsm *hsm, struct hsm_keys *out_keys, struct chio_detail *detail) {
  struct hsm_keys keys = {NULL, 0};
  enum chio_err err = find_both(hsm, &keys, 0, chio_slice(NULL, 0), detail);
  if (err != CHIO_OK) {
    hsm_keys_clear(&keys);
    return err;
  }
  pair_up(&keys);
  *out_keys = keys;
  return CHIO_OK;
}

enum chio_err hsm_label_is_taken(struct hsm *hsm, const char *label, bool *out_taken, struct chio_detail *detail) {
  struct hsm_keys keys = {NULL, 0};
  enum chio_err err = find_both(hsm, &keys, CKA_LABEL, chio_slice_str(label), detail);
  if (err == CHIO_OK) *out_taken = keys.count > 0;
  hsm_keys_clear(&keys);
  return err;
}

static enum chio_err ambiguous(const char *name, const struct hsm_keys *keys, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *list = chio_buf_new();
  if (list == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < keys->count && i < CANDIDATES_SHOWN; i++) {
    chio_buf_append_str(list, i > 0 ? ", " : "");
    hsm_plain_put(hsm_key_attribute(&keys->list[i], CKA_LABEL), list);
    chio_buf_append_str(list, " ");
    hsm_plain_put(hsm_key_attribute(&keys->list[i], CKA_UNIQUE_ID), list);
  }
  if (keys->count > CANDIDATES_SHOWN) chio_buf_append_str(list, ", ...");
  const char *text = chio_buf_cstr(list);
  return chio_fail(detail, CHIO_E_ARGUMENT, "'%s' is %zu keys; name one by its unique id: %s", name, keys->count,
                   text != NULL ? text : "");
}

/* Its other half has the same id, and perhaps another label. */
static enum chio_err complete(struct hsm *hsm, struct hsm_keys *keys, struct chio_detail *detail) {
  size_t found = keys->count;
  for (size_t i = 0; i < found; i++) {
    struct chio_slice id = hsm_key_attribute(&keys->list[i], CKA_ID);
    if (id.len == 0) continue;
    enum chio_err err = find_both(hsm, keys, CKA_ID, id, detail);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static bool fits_uri(const struct chio_uri *uri, const struct hsm_key *key) {
  if (uri->has_id && !chio_slice_equal(hsm_key_attribute(key, CKA_ID), chio_slice(uri->id, uri->id_len))) return false;
  return uri->object == NULL ||
         chio_slice_equal(hsm_key_attribute(key, CKA_LABEL), chio_slice_str(uri->object));
}

static enum chio_err find_by_uri(struct hsm *hsm, struct hsm_keys *keys, struct chio_detail *detail) {
  const struct chio_uri *uri = hsm->uri;
  enum chio_err err;
  if (uri->has_id)
    err = find_both(hsm, keys, CKA_ID, chio_slice(uri->id, uri->id_len), detail);
  else if (uri->object != NULL)
    err = find_both(hsm, keys, CKA_LABEL, chio_slice_str(uri->object), detail);
  else
    err = find_both(hsm, keys, 0, chio_slice(NULL, 0), detail);
  size_t kept = 0;
  for (size_t i = 0; i < keys->count; i++) {
    if (fits_uri(uri, &keys->list[i])) {
      keys->list[kept++] = keys->list[i];
      continue;
    }
    chio_buf_clear(&keys->list[i].public_half.bytes);
    chio_buf_clear(&keys->list[i].private_half.bytes);
  }
  keys->count = kept;
  return err;
}

static enum chio_err find_named(struct hsm *hsm, const char *name, struct hsm_keys *keys, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *id = chio_buf_new();
  if (id == NULL) return CHIO_E_NO_MEMORY;
  if (hsm->uri != NULL && name == hsm->word[0]) return find_by_uri(hsm, keys, detail);
  struct chio_uid uid;
  enum chio_err err = find_both(hsm, keys, CKA_LABEL, chio_slice_str(name), detail);
  if (err == CHIO_OK && chio_uid_parse(chio_slice_str(name), &uid) == CHIO_OK)
    err = find_both(hsm, keys, CKA_UNIQUE_ID, chio_slice_str(name), detail);
  if (err == CHIO_OK && name[0] != '\0' && hsm_hex_parse(name, id) == CHIO_OK)
    err = find_both(hsm, keys, CKA_ID, chio_buf_slice(id), detail);
  return err;
}

static enum chio_err look(struct hsm *hsm, const char *name, struct hsm_keys *keys, struct chio_detail *detail) {
  enum chio_err err = find_named(hsm, name, keys, detail);
  if (err == CHIO_OK) pair_up(keys);
  if (err == CHIO_OK && keys->count == 1) err = complete(hsm, keys, detail);
  if (err == CHIO_OK) pair_up(keys);
  return err;
}

/* The halves are found and read one after the other: a rotation in between shows one half of the old key and one of the
 * new. Who looks again sees the new one; what is two keys indeed stays so. */
enum chio_err hsm_key_find(struct hsm *hsm, const char *name, struct hsm_keys *out_keys, struct chio_detail *detail) {
  struct hsm_keys keys = {NULL, 0};
  enum chio_err err = look(hsm, name, &keys, detail);
  for (unsigned i = 1; i < LOOKS && err == CHIO_OK && keys.count > 1; i++) {
    hsm_keys_clear(&keys);
    err = look(hsm, name, &keys, detail);
  }
  if (err == CHIO_OK && keys.count == 0)
    err = chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "no key '%s' in token '%s'%s", name, hsm->token_label,
                    hsm->login == NULL ? " among the public keys" : "");
  if (err == CHIO_OK && keys.count > 1) err = ambiguous(name, &keys, detail);
  if (err != CHIO_OK)
    hsm_keys_clear(&keys);
  else
    *out_keys = keys;
  return err;
}

static void put_text(json_t *object, const char *name, struct chio_slice value) {
  if (value.len > 0) (void)json_object_set_new(object, name, json_stringn((const char *)value.data, value.len));
}

static void put_hex(json_t *object, const char *name, struct chio_slice value) {
  struct chio_buf hex = CHIO_BUF_INIT;
  hsm_hex_put(value, &hex);
  put_text(object, name, chio_buf_slice(&hex));
  chio_buf_clear(&hex);
}

bool hsm_key_is_past_its_date(const struct hsm_key *key) {
  char today[9];
  struct tm tm;
  time_t now = time(NULL);
  struct chio_slice end = hsm_key_attribute(key, CKA_END_DATE);
  if (end.len != 8 || gmtime_r(&now, &tm) == NULL || strftime(today, sizeof today, "%Y%m%d", &tm) != 8) return false;
  return memcmp(end.data, today, 8) < 0;
}

/* YYYYMMDD as YYYY-MM-DD. */
static void put_date(json_t *object, const char *name, struct chio_slice value) {
  char text[11];
  if (value.len != 8) return;
  const char *d = (const char *)value.data;
  (void)snprintf(text, sizeof text, "%.4s-%.2s-%.2s", d, d + 4, d + 6);
  (void)json_object_set_new(object, name, json_string(text));
}

json_t *hsm_key_json(struct hsm *hsm, const struct hsm_key *key) {
  char type[32];
  json_t *object = json_object();
  if (object == NULL) return NULL;
  hsm_key_type_text(key, type, sizeof type);
  put_text(object, "label", hsm_key_attribute(key, CKA_LABEL));
  put_hex(object, "id", hsm_key_attribute(key, CKA_ID));
  (void)json_object_set_new(object, "type", json_string(type));
  put_text(object, "token", chio_slice_str(hsm->token_label));
  if (key->public_half.known) put_text(object, "public_unique_id", hsm_key_attribute(key, CKA_UNIQUE_ID));
  struct chio_slice uid;
  if (key->private_half.known && chio_attrs_find(key->private_half.attributes, CKA_UNIQUE_ID, &uid))
    put_text(object, "private_unique_id", uid);
  put_text(object, "origin", hsm_key_attribute(key, (uint32_t)CKA_CHIO_ORIGIN));
  put_text(object, "lifetime", hsm_key_attribute(key, (uint32_t)CKA_CHIO_LIFETIME));
  put_text(object, "role", hsm_key_attribute(key, (uint32_t)CKA_CHIO_ROLE));
  put_text(object, "state", hsm_key_attribute(key, (uint32_t)CKA_CHIO_STATE));
  put_text(object, "successor", hsm_key_attribute(key, (uint32_t)CKA_CHIO_SUCCESSOR));
  put_text(object, "predecessor", hsm_key_attribute(key, (uint32_t)CKA_CHIO_PREDECESSOR));
  put_date(object, "start_date", hsm_key_attribute(key, CKA_START_DATE));
  put_date(object, "end_date", hsm_key_attribute(key, CKA_END_DATE));
  put_text(object, "tee", hsm_key_attribute(key, (uint32_t)CKA_CHIO_TEE));
  put_hex(object, "model_hash", hsm_key_attribute(key, (uint32_t)CKA_CHIO_MODEL_HASH));
  put_hex(object, "measurement", hsm_key_attribute(key, (uint32_t)CKA_CHIO_MEASUREMENT));
  put_text(object, "backend_uri", hsm_key_attribute(key, (uint32_t)CKA_CHIO_BACKEND_URI));
  return object;
}
