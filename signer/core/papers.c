#include "signer/core/papers.h"

#include "attest/x509.h"
#include "signer/core/certificate.h"
#include "signer/core/change.h"
#include "signer/core/newborn.h"
#include "signer/core/template.h"

#include <stdlib.h>

/* ---- Looking through the objects of a class ---- */

typedef bool paper_test(const struct chio_object *object, const void *arg);

/* Among those with the key's CKA_ID: a slot may hold very many. */
static enum chio_err find_paper(struct chio_call *call, const struct chio_object *key, uint64_t class,
                                paper_test *test, const void *arg, struct chio_object **out_object) {
  struct chio_store_found row = {.row = 0};
  struct chio_buf by = CHIO_BUF_INIT;
  size_t count = 1;
  bool exact;
  chio_attrs_begin(&by);
  struct chio_slice id;
  chio_attrs_add_ulong(&by, CKA_CLASS, class);
  if (chio_attrs_find(key->attrs, CKA_ID, &id)) chio_attrs_add(&by, CKA_ID, id);
  enum chio_err err = chio_buf_err(&by);
  uint32_t slot = call->slot->number;
  while (err == CHIO_OK) {
    struct chio_object *object;
    err = chio_store_objects_find(call->core->store, slot, chio_attrs_of(&by), true, row.row, &row, 1, &count, &exact);
    if (err == CHIO_OK && count == 0) err = CHIO_E_NOT_FOUND;
    if (err != CHIO_OK || chio_object_table_get(call->core->objects, slot, &row.uid, false, &object, NULL) != CHIO_OK)
      continue;
    if (test(object, arg)) {
      *out_object = object;
      break;
    }
    chio_object_free(object);
  }
  chio_buf_clear(&by);
  return err;
}

static bool vouches_for(const struct chio_object *object, const void *arg) {
  const struct chio_object *key = arg;
  struct chio_slice uid;
  return chio_attrs_find(object->attrs, CHIO_ATTR_VOUCHES, &uid) &&
         chio_slice_equal(uid, chio_slice(key->uid.b, CHIO_UID_SIZE));
}

/* ---- Storing ---- */

static void fill_common(const struct chio_object *key, struct chio_attr_set *set, uint64_t class,
                        struct chio_slice value) {
  struct chio_slice copied;
  chio_attr_set_put_ulong(set, CKA_CLASS, class);
  chio_attr_set_put_bool(set, CKA_TOKEN, true);
  chio_attr_set_put_bool(set, CKA_PRIVATE, false);
  chio_attr_set_put_bool(set, CKA_MODIFIABLE, false);
  chio_attr_set_put(set, CKA_VALUE, value);
  if (chio_attrs_find(key->attrs, CKA_LABEL, &copied)) chio_attr_set_put(set, CKA_LABEL, copied);
  if (chio_attrs_find(key->attrs, CKA_ID, &copied)) chio_attr_set_put(set, CKA_ID, copied);
  chio_attr_set_put(set, CHIO_ATTR_VOUCHES, chio_slice(key->uid.b, CHIO_UID_SIZE));
  chio_template_default_storage(set, false);
}

static enum chio_err replace(struct chio_call *call, struct chio_object *old, struct chio_newborn *n) {
  CHIO_AUTO(chio_buf) struct chio_buf *attrs = chio_buf_new();
  struct chio_slice uid;
  if (attrs == NULL) return CHIO_E_NO_MEMORY;
  if (!chio_attrs_find(old->attrs, CKA_UNIQUE_ID, &uid)) return CHIO_E_STORE_CORRUPT;
  chio_attr_set_put(&n->set, CKA_UNIQUE_ID, uid);
  enum chio_err err = chio_attr_set_encode(&n->set, attrs);
  return err == CHIO_OK ? chio_object_change(call, old, chio_attrs_of(attrs)) : err;
}

static enum chio_err put(struct chio_call *call, const struct chio_object *key, uint64_t class,
                         struct chio_newborn *n) {
  CHIO_AUTO(chio_object) struct chio_object *old = NULL;
  struct chio_slot *slot = call->slot;
  (void)pthread_mutex_lock(&slot->change);
  enum chio_err err = find_paper(call, key, class, vouches_for, key, &old);
  if (err == CHIO_OK) {
    err = replace(call, old, n);
  } else if (err == CHIO_E_NOT_FOUND) {
    chio_newborn_name(n);
    err = chio_newborns_bear(call, 0, n, 1);
  }
  (void)pthread_mutex_unlock(&slot->change);
  return err;
}

enum chio_err chio_paper_certificate(struct chio_call *call, const struct chio_object *key, struct chio_slice der) {
  struct chio_certificate parsed;
  struct chio_newborn *n = malloc(sizeof *n);
  if (n == NULL) return CHIO_E_NO_MEMORY;
  chio_newborn_init(n);
  enum chio_err err = chio_certificate_parse(der, &parsed);
  if (err == CHIO_OK) {
    fill_common(key, &n->set, CKO_CERTIFICATE, der);
    chio_attr_set_put_ulong(&n->set, CKA_CERTIFICATE_TYPE, CKC_X_509);
    chio_attr_set_put_ulong(&n->set, CKA_CERTIFICATE_CATEGORY, 0);
    chio_attr_set_put_bool(&n->set, CKA_TRUSTED, false);
    chio_attr_set_put(&n->set, CKA_START_DATE, chio_slice(NULL, 0));
    chio_attr_set_put(&n->set, CKA_END_DATE, chio_slice(NULL, 0));
    chio_attr_set_put(&n->set, CKA_SUBJECT, parsed.subject);
    chio_attr_set_put(&n->set, CKA_ISSUER, parsed.issuer);
    chio_attr_set_put(&n->set, CKA_SERIAL_NUMBER, parsed.serial);
    chio_attr_set_put(&n->set, CKA_PUBLIC_KEY_INFO, parsed.spki);
    err = put(call, key, CKO_CERTIFICATE, n);
  }
  chio_newborn_free(n);
  free(n);
  return err;
}

enum chio_err chio_paper_link(struct chio_call *call, const struct chio_object *key, struct chio_slice json) {
  struct chio_newborn *n = malloc(sizeof *n);
  if (n == NULL) return CHIO_E_NO_MEMORY;
  chio_newborn_init(n);
  fill_common(key, &n->set, CKO_DATA, json);
  chio_attr_set_put(&n->set, CKA_APPLICATION, chio_slice_str("chio-hsm delegation"));
  chio_attr_set_put(&n->set, CKA_OBJECT_ID, chio_slice(NULL, 0));
  enum chio_err err = put(call, key, CKO_DATA, n);
  chio_newborn_free(n);
  free(n);
  return err;
}

/* ---- The issuer's certificate ---- */

struct wanted_ca {
  struct chio_slice spki;
  int64_t now;
};

static bool is_ca(const struct chio_object *object, const void *arg) {
  const struct wanted_ca *wanted = arg;
  struct chio_cert cert;
  struct chio_slice value, spki;
  if (!chio_attrs_find(object->attrs, CKA_PUBLIC_KEY_INFO, &spki)) return false;
  if (!chio_slice_equal(spki, wanted->spki)) return false;
  if (!chio_attrs_find(object->attrs, CKA_VALUE, &value) || chio_cert_parse(value, &cert) != CHIO_OK) return false;
  bool signs = !cert.has_key_usage || (cert.key_usage & CHIO_KEY_USAGE_CERT_SIGN) != 0;
  return cert.has_constraints && cert.is_ca && signs && cert.not_before <= wanted->now && wanted->now < cert.not_after;
}

enum chio_err chio_paper_find_ca(struct chio_call *call, const struct chio_object *key, struct chio_slice spki,
                                 uint64_t now, struct chio_buf *out_der) {
  CHIO_AUTO(chio_object) struct chio_object *object = NULL;
  const struct wanted_ca wanted = {.spki = spki, .now = (int64_t)now};
  struct chio_slice value = chio_slice(NULL, 0);
  enum chio_err err = find_paper(call, key, CKO_CERTIFICATE, is_ca, &wanted, &object);
  if (err != CHIO_OK) return err;
  (void)chio_attrs_find(object->attrs, CKA_VALUE, &value);
  chio_buf_append_slice(out_der, value);
  return chio_buf_err(out_der);
}
