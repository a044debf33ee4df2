#include "signer/core/value.h"

#include "signer/wire/attribute.h"

/* Private material, which no attribute list holds: asking for it is answered "sensitive", not "missing". */
static bool is_material(const struct chio_object *object, uint32_t type) {
  if (object->class != CKO_PRIVATE_KEY) return false;
  if (object->key_type == CKK_RSA && type == CKA_VALUE) return false;
  if (object->key_type != CKK_RSA && type != CKA_VALUE) return false;
  const struct chio_attribute *row = chio_attribute_find(type);
  return row != NULL && (row->rules & CHIO_ATTR_SENSITIVE) != 0;
}

static bool boot_name_of(const struct chio_object *object, char out[CHIO_BOOT_NAME_MAX]) {
  struct chio_slice name;
  if (!chio_attrs_find(object->attrs, CHIO_ATTR_BOOT, &name) || name.len >= CHIO_BOOT_NAME_MAX) return false;
  memcpy(out, name.data, name.len);
  out[name.len] = '\0';
  return true;
}

static enum chio_err make_certificate(struct chio_evidence *evidence, const struct chio_object *object,
                                      const char *boot, struct chio_slice envelope, struct chio_buf *holder) {
  struct chio_slice head = chio_slice(NULL, 0);
  struct chio_slice tail = chio_slice(NULL, 0);
  if (!chio_attrs_find(object->attrs, CHIO_ATTR_CERT_HEAD, &head)) return CHIO_E_STORE_CORRUPT;
  if (!chio_attrs_find(object->attrs, CHIO_ATTR_CERT_TAIL, &tail)) return CHIO_E_STORE_CORRUPT;
  chio_buf_append_slice(holder, head);
  enum chio_err err = chio_evidence_bundle(evidence, boot, envelope, holder);
  chio_buf_append_slice(holder, tail);
  return err != CHIO_OK ? err : chio_buf_err(holder);
}

/* Values that are put together when they are read. *out_made is false for an attribute that is none of them. */
static enum chio_err make_value(struct chio_evidence *evidence, const struct chio_object *object, uint32_t type,
                                struct chio_buf *holder, bool *out_made) {
  char boot[CHIO_BOOT_NAME_MAX];
  struct chio_slice envelope;
  *out_made = false;
  if (type != CKA_CHIO_QUOTE && type != CKA_CHIO_EVIDENCE && type != CKA_VALUE && type != CKA_CHIO_WORKLOAD_IDENTITY)
    return CHIO_OK;
  uint32_t source = type == CKA_VALUE ? CHIO_ATTR_ENVELOPE : CKA_CHIO_STATEMENT;
  if (!boot_name_of(object, boot) || !chio_attrs_find(object->attrs, source, &envelope)) return CHIO_OK;
  *out_made = true;
  chio_buf_reset(holder);
  if (type == CKA_CHIO_QUOTE) return chio_evidence_quote(evidence, boot, holder);
  if (type == CKA_CHIO_WORKLOAD_IDENTITY) {
    enum chio_err err = chio_evidence_identities(evidence, boot, holder);
    *out_made = holder->len > 0;
    return err;
  }
  if (type == CKA_VALUE && object->class == CKO_CERTIFICATE)
    return make_certificate(evidence, object, boot, envelope, holder);
  return chio_evidence_bundle(evidence, boot, envelope, holder);
}

enum chio_err chio_value_of(struct chio_evidence *evidence, const struct chio_object *object, uint32_t type,
                            struct chio_buf *holder, enum chio_value *out_found, struct chio_slice *out_value) {
  bool made;
  *out_found = CHIO_VALUE_MISSING;
  if (chio_attr_is_internal(type)) return CHIO_OK;
  if (is_material(object, type)) {
    *out_found = CHIO_VALUE_SENSITIVE;
    return CHIO_OK;
  }
  if (chio_attrs_find(object->attrs, type, out_value)) {
    *out_found = CHIO_VALUE_THERE;
    return CHIO_OK;
  }
  if (type == CKA_CHIO_STATE && chio_object_is_key(object)) {
    *out_value = chio_slice_str(chio_key_state_name(object->state));
    *out_found = CHIO_VALUE_THERE;
    return CHIO_OK;
  }
  enum chio_err err = make_value(evidence, object, type, holder, &made);
  if (err != CHIO_OK || !made) return err;
  *out_value = chio_buf_slice(holder);
  *out_found = CHIO_VALUE_THERE;
  return CHIO_OK;
}

bool chio_value_matches(struct chio_evidence *evidence, const struct chio_object *object, struct chio_attrs templ,
                        struct chio_buf *holder) {
  struct chio_attrs_iter it = chio_attrs_iter(templ);
  struct chio_attr attr;
  while (chio_attrs_next(&it, &attr)) {
    enum chio_value found;
    struct chio_slice value;
    if (chio_value_of(evidence, object, attr.type, holder, &found, &value) != CHIO_OK) return false;
    if (found != CHIO_VALUE_THERE || !chio_slice_equal(value, attr.value)) return false;
  }
  return true;
}
