#include "signer/core/template.h"

#include "signer/core/key_state.h"

#define ROLE_MAX 32u /* characters */

unsigned chio_class_bit(uint64_t class) {
  switch (class) {
    case CKO_DATA: return CHIO_IN_DATA;
    case CKO_CERTIFICATE: return CHIO_IN_CERT;
    case CKO_PUBLIC_KEY: return CHIO_IN_PUBLIC;
    case CKO_PRIVATE_KEY: return CHIO_IN_PRIVATE;
    default: return 0;
  }
}

static enum chio_err check_form(const struct chio_attribute *row, struct chio_slice value, struct chio_detail *detail) {
  if (!chio_attribute_value_ok(row, value))
    return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "the value of %s has a wrong size or form", row->name);
  return CHIO_OK;
}

static enum chio_err check_row(const struct chio_attr *attr, enum chio_template_use use, unsigned in, bool so,
                               struct chio_detail *detail) {
  const struct chio_attribute *row = chio_attribute_find(attr->type);
  if (row == NULL) return chio_fail(detail, CHIO_E_ATTRIBUTE_UNKNOWN, "unknown attribute 0x%08x", attr->type);
  if ((row->in & in) == 0)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_UNKNOWN, "%s is no attribute of this class of object", row->name);
  enum chio_err err = check_form(row, attr->value, detail);
  if (err != CHIO_OK) return err;
  if ((row->rules & (unsigned)use) == 0)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_READ_ONLY, "%s cannot be set by this call", row->name);
  /* The value of a data object may change; that of a certificate is what it is. */
  if (row->type == CKA_VALUE && use != CHIO_USE_CREATE && in != CHIO_IN_DATA)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_READ_ONLY, "CKA_VALUE of this class of object cannot be changed");
  if (row->type == CKA_TRUSTED && attr->value.data[0] != 0 && !so)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_READ_ONLY, "CKA_TRUSTED can be set by the security officer only");
  return CHIO_OK;
}

/* The rows before this one that name the same attribute must say the same. */
static enum chio_err check_duplicate(struct chio_attrs templ, const struct chio_attr *attr,
                                     struct chio_detail *detail) {
  struct chio_slice first;
  if (!chio_attrs_find(templ, attr->type, &first) || first.data == attr->value.data) return CHIO_OK;
  if (chio_slice_equal(first, attr->value)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_TEMPLATE_INCONSISTENT, "the template has two values of %s",
                   chio_attribute_find(attr->type)->name);
}

enum chio_err chio_template_check(struct chio_attrs templ, enum chio_template_use use, unsigned in, bool so,
                                  struct chio_detail *detail) {
  struct chio_attrs_iter it = chio_attrs_iter(templ);
  struct chio_attr attr;
  while (chio_attrs_next(&it, &attr)) {
    enum chio_err err = check_row(&attr, use, in, so, detail);
    if (err == CHIO_OK) err = check_duplicate(templ, &attr, detail);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

void chio_template_take(struct chio_attrs templ, struct chio_attr_set *set) {
  chio_attr_set_put_all(set, templ);
  chio_attr_set_remove(set, CKA_CHIO_NEW_LABEL);
}

enum chio_err chio_template_expect(struct chio_attrs templ, uint32_t type, uint64_t value, struct chio_detail *detail) {
  if (chio_attrs_ulong(templ, type, value) == value) return CHIO_OK;
  return chio_fail(detail, CHIO_E_TEMPLATE_INCONSISTENT, "%s does not fit the call", chio_attribute_find(type)->name);
}

void chio_template_default_storage(struct chio_attr_set *set, bool is_private) {
  chio_attr_set_default_bool(set, CKA_TOKEN, false);
  chio_attr_set_default_bool(set, CKA_PRIVATE, is_private);
  chio_attr_set_default_bool(set, CKA_MODIFIABLE, true);
  chio_attr_set_default_bool(set, CKA_COPYABLE, true);
  chio_attr_set_default_bool(set, CKA_DESTROYABLE, true);
  chio_attr_set_default(set, CKA_LABEL, chio_slice(NULL, 0));
}

static void default_usage(struct chio_attr_set *set, const uint32_t *flags, size_t count, uint32_t main_flag) {
  struct chio_slice value;
  bool any = false;
  for (size_t i = 0; i < count; i++) any = any || chio_attr_set_find(set, flags[i], &value);
  if (!any) chio_attr_set_put_bool(set, main_flag, true);
  for (size_t i = 0; i < count; i++) chio_attr_set_default_bool(set, flags[i], false);
}

static void default_key(struct chio_attr_set *set) {
  chio_attr_set_default(set, CKA_ID, chio_slice(NULL, 0));
  chio_attr_set_default(set, CKA_SUBJECT, chio_slice(NULL, 0));
  chio_attr_set_default(set, CKA_START_DATE, chio_slice(NULL, 0));
  chio_attr_set_default(set, CKA_END_DATE, chio_slice(NULL, 0));
  chio_attr_set_default(set, CKA_CHIO_ROLE, chio_slice_str("general"));
  chio_attr_set_default(set, CKA_CHIO_STATE, chio_slice_str(chio_key_state_name(CHIO_KEY_ACTIVE)));
}

void chio_template_default_public_key(struct chio_attr_set *set) {
  static const uint32_t usage[] = {CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_ENCRYPT, CKA_WRAP, CKA_DERIVE};
  chio_template_default_storage(set, false);
  default_key(set);
  default_usage(set, usage, CHIO_ARRAY_LEN(usage), CKA_VERIFY);
  chio_attr_set_default_bool(set, CKA_TRUSTED, false);
}

void chio_template_default_private_key(struct chio_attr_set *set) {
  static const uint32_t usage[] = {CKA_SIGN, CKA_SIGN_RECOVER, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE};
  chio_template_default_storage(set, true);
  default_key(set);
  default_usage(set, usage, CHIO_ARRAY_LEN(usage), CKA_SIGN);
  chio_attr_set_default_bool(set, CKA_SENSITIVE, true);
  chio_attr_set_default_bool(set, CKA_EXTRACTABLE, false);
  chio_attr_set_default_bool(set, CKA_WRAP_WITH_TRUSTED, false);
  chio_attr_set_default_bool(set, CKA_ALWAYS_AUTHENTICATE, false);
}

enum chio_err chio_template_judge_role(const struct chio_attr_set *set, struct chio_detail *detail) {
  struct chio_slice role;
  if (!chio_attr_set_find(set, CKA_CHIO_ROLE, &role)) return CHIO_OK;
  bool ok = role.len > 0 && role.len <= ROLE_MAX;
  for (size_t i = 0; ok && i < role.len; i++) {
    uint8_t c = role.data[i];
    ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  }
  if (ok) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_CHIO_ROLE is a word of a-z, 0-9 and '-', at most %u long",
                   ROLE_MAX);
}

enum chio_err chio_template_judge_state(const struct chio_attr_set *set, struct chio_detail *detail) {
  enum chio_key_state state;
  struct chio_slice word;
  if (!chio_attr_set_find(set, CKA_CHIO_STATE, &word)) return CHIO_OK;
  bool ok = chio_key_state_parse(word, &state) && (state == CHIO_KEY_ACTIVE || state == CHIO_KEY_PRE_ACTIVE);
  if (ok) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "a key is born 'active' or 'pre-active' (CKA_CHIO_STATE)");
}

static enum chio_err judge_lifetime(const struct chio_attr_set *set, struct chio_detail *detail) {
  struct chio_slice lifetime;
  if (!chio_attr_set_find(set, CKA_CHIO_LIFETIME, &lifetime)) return CHIO_OK;
  bool token = chio_attr_set_bool(set, CKA_TOKEN, false);
  bool boot = chio_slice_equal(lifetime, chio_slice_str("boot"));
  bool sealed = chio_slice_equal(lifetime, chio_slice_str("sealed"));
  bool session = chio_slice_equal(lifetime, chio_slice_str("session"));
  if (!boot && !sealed && !session)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE, "CKA_CHIO_LIFETIME is 'session', 'boot' or 'sealed'");
  if (session == token)
    return chio_fail(detail, CHIO_E_TEMPLATE_INCONSISTENT, "CKA_CHIO_LIFETIME does not fit CKA_TOKEN");
  return CHIO_OK;
}

enum chio_err chio_template_judge_private_key(const struct chio_attr_set *set, struct chio_detail *detail) {
  if (chio_attr_set_bool(set, CKA_EXTRACTABLE, false))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCONSISTENT,
                     "CKA_EXTRACTABLE=TRUE is refused: private keys do not leave this token");
  if (chio_attr_set_bool(set, CKA_ALWAYS_AUTHENTICATE, false) && !chio_attr_set_bool(set, CKA_PRIVATE, true))
    return chio_fail(detail, CHIO_E_TEMPLATE_INCONSISTENT, "CKA_ALWAYS_AUTHENTICATE needs CKA_PRIVATE=TRUE");
  enum chio_err err = judge_lifetime(set, detail);
  return err != CHIO_OK ? err : chio_template_judge_role(set, detail);
}

static enum chio_err check_one_way(const struct chio_attribute *row, bool before, bool after,
                                   struct chio_detail *detail) {
  if (before == after) return CHIO_OK;
  if ((row->rules & CHIO_ATTR_UP) != 0 && before)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_READ_ONLY, "%s cannot go back to FALSE", row->name);
  if ((row->rules & CHIO_ATTR_DOWN) != 0 && after)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_READ_ONLY, "%s cannot go back to TRUE", row->name);
  return CHIO_OK;
}

enum chio_err chio_template_change(struct chio_attrs old, struct chio_attrs templ, struct chio_attr_set *out_set,
                                   struct chio_detail *detail) {
  struct chio_attrs_iter it = chio_attrs_iter(templ);
  struct chio_attr attr;
  chio_attr_set_init(out_set);
  chio_attr_set_put_all(out_set, old);
  while (chio_attrs_next(&it, &attr)) {
    const struct chio_attribute *row = chio_attribute_find(attr.type);
    if (row->kind == CHIO_KIND_BOOL) {
      bool after = attr.value.data[0] != 0;
      enum chio_err err = check_one_way(row, chio_attrs_bool(old, attr.type, after), after, detail);
      if (err != CHIO_OK) return err;
    }
    chio_attr_set_put(out_set, attr.type, attr.value);
  }
  return CHIO_OK;
}
