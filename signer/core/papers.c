#include "signer/core/papers.h"

#include "attest/x509.h"
#include "signer/core/certificate.h"
#include "signer/core/change.h"
#include "signer/core/newborn.h"
#include "signer/core/template.h"

#include <stdlib.h>

/* ---- Looking through the objects of a class ---- */

typedef bool paper_test(const struct chio_object *object, void *arg);

/* Among those with the key's CKA_ID: a slot may hold very many. */
static enum chio_err find_paper(struct chio_call *call, const struct chio_object *key, uint64_t class,
                                paper_test *test, void *arg, struct chio_object **out_object) {
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

/* A certificate that may issue others. */
static bool read_ca(const struct chio_object *object, struct chio_cert *out) {
  struct chio_slice value;
  if (!chio_attrs_find(object->attrs, CKA_VALUE, &value) || chio_cert_parse(value, out) != CHIO_OK) return false;
  bool signs = !out->has_key_usage || (out->key_usage & CHIO_KEY_USAGE_CERT_SIGN) != 0;
  return out->has_constraints && out->is_ca && signs;
}

/* A key that is vouched for may vouch for others: it has a certificate of either kind then. */
struct wanted_paper {
  const struct chio_object *key;
  bool ca;
};

static bool vouches_for(const struct chio_object *object, void *arg) {
  const struct wanted_paper *wanted = arg;
  struct chio_slice uid;
  struct chio_cert cert;
  return chio_attrs_find(object->attrs, CHIO_ATTR_VOUCHES, &uid) &&
         chio_slice_equal(uid, chio_slice(wanted->key->uid.b, CHIO_UID_SIZE)) && read_ca(object, &cert) == wanted->ca;
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

static enum chio_err put(struct chio_call *call, const struct chio_object *key, uint64_t class, bool ca,
                         struct chio_newborn *n) {
  CHIO_AUTO(chio_object) struct chio_object *old = NULL;
  struct wanted_paper wanted = {.key = key, .ca = ca};
  struct chio_slot *slot = call->slot;
  (void)pthread_mutex_lock(&slot->change);
  enum chio_err err = find_paper(call, key, class, vouches_for, &wanted, &old);
  if (err == CHIO_OK) {
    err = replace(call, old, n);
  } else if (err == CHIO_E_NOT_FOUND) {
    chio_newborn_name(n);
    err = chio_newborns_bear(call, 0, n, 1);
  }
  (void)pthread_mutex_unlock(&slot->change);
  return err;
}

enum chio_err chio_paper_certificate(struct chio_call *call, const struct chio_object *key, struct chio_slice der,
                                     bool ca) {
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
    err = put(call, key, CKO_CERTIFICATE, ca, n);
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
  enum chio_err err = put(call, key, CKO_DATA, false, n);
  chio_newborn_free(n);
  free(n);
  return err;
}

/* ---- The issuer's certificate ---- */

struct wanted_ca {
  struct chio_slice spki;
  int64_t now, end; /* of the best so far */
  struct chio_buf *out;
};

/* Looks at all of them: the one that ends last counts. */
static bool see_ca(const struct chio_object *object, void *arg) {
  struct wanted_ca *wanted = arg;
  struct chio_cert cert;
  struct chio_slice value, spki;
  bool fits = chio_attrs_find(object->attrs, CKA_PUBLIC_KEY_INFO, &spki) && chio_slice_equal(spki, wanted->spki) &&
              read_ca(object, &cert) && cert.not_before <= wanted->now && cert.not_after > wanted->end &&
              chio_attrs_find(object->attrs, CKA_VALUE, &value);
  if (!fits) return false;
  wanted->end = cert.not_after;
  chio_buf_reset(wanted->out);
  chio_buf_append_slice(wanted->out, value);
  return false;
}

enum chio_err chio_paper_find_ca(struct chio_call *call, const struct chio_object *key, struct chio_slice spki,
                                 uint64_t now, struct chio_buf *out_der) {
  struct chio_object *none;
  CHIO_AUTO(chio_buf) struct chio_buf *best = chio_buf_new();
  if (best == NULL) return CHIO_E_NO_MEMORY;
  struct wanted_ca wanted = {.spki = spki, .now = (int64_t)now, .end = INT64_MIN, .out = best};
  enum chio_err err = find_paper(call, key, CKO_CERTIFICATE, see_ca, &wanted, &none);
  if (err != CHIO_E_NOT_FOUND) return err;
  if (best->failed) return CHIO_E_NO_MEMORY;
  if (best->len == 0) return CHIO_E_NOT_FOUND;
  chio_buf_append_slice(out_der, chio_buf_slice(best));
  return chio_buf_err(out_der);
}
