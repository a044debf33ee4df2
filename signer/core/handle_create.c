/* OBJECT_CREATE: public keys, certificates and data. */
#include "signer/core/certificate.h"
#include "signer/core/newborn.h"
#include "signer/core/template.h"

static enum chio_err class_of(struct chio_call *call, struct chio_attrs templ, uint64_t *out_class) {
  struct chio_slice value;
  if (!chio_attrs_find(templ, CKA_CLASS, &value))
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCOMPLETE, "the template has no CKA_CLASS");
  if (value.len != 8)
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "the value of CKA_CLASS has a wrong size");
  uint64_t class = chio_attrs_ulong(templ, CKA_CLASS, 0);
  if (chio_class_bit(class) == 0)
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "this token creates no objects of class 0x%llx",
                     (unsigned long long)class);
  if (class == CKO_PRIVATE_KEY)
    return chio_fail(&call->detail, CHIO_E_POLICY, "private keys are born in this token, not brought into it");
  *out_class = class;
  return CHIO_OK;
}

static enum chio_err fill_data(struct chio_newborn *n) {
  chio_template_default_storage(&n->set, false);
  chio_attr_set_default(&n->set, CKA_APPLICATION, chio_slice(NULL, 0));
  chio_attr_set_default(&n->set, CKA_OBJECT_ID, chio_slice(NULL, 0));
  chio_attr_set_default(&n->set, CKA_VALUE, chio_slice(NULL, 0));
  return CHIO_OK;
}

static enum chio_err fill_certificate(struct chio_call *call, struct chio_attrs templ, struct chio_newborn *n) {
  struct chio_certificate parsed;
  struct chio_slice value;
  struct chio_slice type;
  if (!chio_attrs_find(templ, CKA_CERTIFICATE_TYPE, &type))
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCOMPLETE, "the template has no CKA_CERTIFICATE_TYPE");
  if (chio_attrs_ulong(templ, CKA_CERTIFICATE_TYPE, 0) != CKC_X_509)
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "this token keeps X.509 certificates only");
  if (!chio_attrs_find(templ, CKA_VALUE, &value))
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCOMPLETE, "the template has no CKA_VALUE");
  if (chio_certificate_parse(value, &parsed) != CHIO_OK)
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_VALUE is no X.509 certificate in DER");
  chio_template_default_storage(&n->set, false);
  chio_attr_set_default(&n->set, CKA_SUBJECT, parsed.subject);
  chio_attr_set_default(&n->set, CKA_ISSUER, parsed.issuer);
  chio_attr_set_default(&n->set, CKA_SERIAL_NUMBER, parsed.serial);
  chio_attr_set_default(&n->set, CKA_PUBLIC_KEY_INFO, parsed.spki);
  chio_attr_set_default(&n->set, CKA_ID, chio_slice(NULL, 0));
  chio_attr_set_default(&n->set, CKA_START_DATE, chio_slice(NULL, 0));
  chio_attr_set_default(&n->set, CKA_END_DATE, chio_slice(NULL, 0));
  chio_attr_set_default_bool(&n->set, CKA_TRUSTED, false);
  chio_attr_set_default_ulong(&n->set, CKA_CERTIFICATE_CATEGORY, 0);
  return CHIO_OK;
}

static enum chio_err check_spki(struct chio_call *call, struct chio_attrs templ, const struct chio_key *key) {
  struct chio_slice given;
  if (!chio_attrs_find(templ, CKA_PUBLIC_KEY_INFO, &given) || given.len == 0) return CHIO_OK;
  if (chio_slice_equal(given, chio_key_spki(key))) return CHIO_OK;
  return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_PUBLIC_KEY_INFO is that of another key");
}

static enum chio_err fill_public_key(struct chio_call *call, struct chio_attrs templ, struct chio_newborn *n,
                                     struct chio_buf *holder) {
  struct chio_slice type;
  if (!chio_attrs_find(templ, CKA_KEY_TYPE, &type))
    return chio_fail(&call->detail, CHIO_E_TEMPLATE_INCOMPLETE, "the template has no CKA_KEY_TYPE");
  uint64_t key_type = chio_attrs_ulong(templ, CKA_KEY_TYPE, 0);
  if (key_type != CKK_RSA && key_type != CKK_EC && key_type != CKK_EC_EDWARDS)
    return chio_fail(&call->detail, CHIO_E_ATTRIBUTE_VALUE, "this token has no keys of type 0x%llx",
                     (unsigned long long)key_type);
  enum chio_err err = chio_key_from_attributes((uint32_t)key_type, templ, &n->key, &call->detail);
  if (err == CHIO_OK) err = check_spki(call, templ, n->key);
  if (err == CHIO_OK) err = chio_newborn_add_public(n, n->key, true, holder);
  if (err == CHIO_OK) err = chio_template_judge_role(&n->set, &call->detail);
  if (err != CHIO_OK) return err;
  chio_template_default_public_key(&n->set);
  chio_attr_set_put_bool(&n->set, CKA_LOCAL, false);
  chio_attr_set_put_ulong(&n->set, CKA_KEY_GEN_MECHANISM, UINT64_MAX);
  chio_attr_set_put(&n->set, CKA_CHIO_ORIGIN, chio_slice_str("imported"));
  return CHIO_OK;
}

static enum chio_err create(struct chio_call *call, const struct chio_object_create_request *q, struct chio_newborn *n,
                            struct chio_buf *holder) {
  uint64_t class = 0;
  enum chio_err err = chio_call_enter(call, q->slot, q->ticket);
  if (err == CHIO_OK) err = class_of(call, q->templ, &class);
  if (err != CHIO_OK) return err;
  bool so = call->who == CHIO_WHO_SO;
  err = chio_template_check(q->templ, CHIO_USE_CREATE, chio_class_bit(class), so, &call->detail);
  if (err != CHIO_OK) return err;
  chio_attr_set_put_all(&n->set, q->templ);
  if (class == CKO_DATA) err = fill_data(n);
  if (class == CKO_CERTIFICATE) err = fill_certificate(call, q->templ, n);
  if (class == CKO_PUBLIC_KEY) err = fill_public_key(call, q->templ, n, holder);
  if (err != CHIO_OK) return err;
  chio_newborn_name(n);
  return chio_newborns_bear(call, q->session, n, 1);
}

enum chio_err chio_handle_object_create(struct chio_call *call, const void *request, void *reply) {
  const struct chio_object_create_request *q = request;
  struct chio_object_create_reply *r = reply;
  struct chio_newborn n;
  struct chio_buf holder = CHIO_BUF_INIT;
  enum chio_err err = chio_call_slot(call, q->slot);
  if (err != CHIO_OK) return err;
  struct chio_slot *slot = call->slot;
  chio_newborn_init(&n);
  (void)pthread_mutex_lock(&slot->change);
  err = create(call, q, &n, &holder);
  (void)pthread_mutex_unlock(&slot->change);
  r->object = n.uid;
  chio_newborn_free(&n);
  chio_buf_clear(&holder);
  return err;
}
