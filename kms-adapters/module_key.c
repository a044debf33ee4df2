#include "kms-adapters/module.h"
#include "kms-adapters/signature_form.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define ATTRIBUTE_MAX 8192u /* bytes of a certificate, a modulus, a point */
#define ID_MAX 128u
#define LABEL_MAX 256u
#define TEMPLATE_MAX 16u

enum chio_err chio_module_uri(const struct chio_module *module, const char *key, P11KitUri **out_uri,
                              struct chio_detail *detail) {
  char text[CHIO_KEY_URI_MAX + 16];
  P11KitUri *uri = p11_kit_uri_new();
  if (uri == NULL) return CHIO_E_NO_MEMORY;
  (void)snprintf(text, sizeof text, "pkcs11:%s", key);
  enum chio_err err = CHIO_OK;
  if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(uri))
    err = chio_fail(detail, CHIO_E_ARGUMENT, "backend '%s': that is no PKCS#11 URI", module->name);
  const char *path = err == CHIO_OK ? p11_kit_uri_get_module_path(uri) : NULL;
  if (path != NULL && strcmp(path, module->path) != 0)
    err = chio_fail(detail, CHIO_E_ARGUMENT, "backend '%s': the key URI names another module", module->name);
  if (err != CHIO_OK)
    p11_kit_uri_free(uri);
  else
    *out_uri = uri;
  return err;
}

/* The attributes of the URI that tell objects apart, for a class. */
static CK_ULONG template_of(P11KitUri *uri, CK_OBJECT_CLASS *class, CK_ATTRIBUTE *out_template) {
  static const CK_ATTRIBUTE_TYPE types[] = {CKA_ID, CKA_LABEL};
  CK_ULONG count = 0;
  out_template[count++] = (CK_ATTRIBUTE){CKA_CLASS, class, sizeof *class};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    const CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute(uri, types[i]);
    if (attribute != NULL) out_template[count++] = *attribute;
  }
  return count;
}

static CK_RV find_objects(struct chio_module *module, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
                          CK_OBJECT_HANDLE *out_objects, CK_ULONG max, CK_ULONG *out_found) {
  CK_RV rv = module->p11->C_FindObjectsInit(session, template, count);
  if (rv != CKR_OK) return rv;
  rv = module->p11->C_FindObjects(session, out_objects, max, out_found);
  CK_RV last = module->p11->C_FindObjectsFinal(session);
  return rv != CKR_OK ? rv : last;
}

/* Whether the token that we are on is the one that the URI means. */
static CK_RV token_fits(struct chio_module *module, P11KitUri *uri, bool *out_fits) {
  CK_TOKEN_INFO info;
  CK_RV rv = module->p11->C_GetTokenInfo(module->slot, &info);
  *out_fits = rv == CKR_OK && p11_kit_uri_match_token_info(uri, &info) == 1;
  return rv;
}

static CK_RV read_flags(struct chio_module *module, CK_SESSION_HANDLE session, struct chio_module_key *key) {
  CK_BBOOL always = CK_FALSE;
  CK_ATTRIBUTE type = {CKA_KEY_TYPE, &key->type, sizeof key->type};
  CK_ATTRIBUTE authenticate = {CKA_ALWAYS_AUTHENTICATE, &always, sizeof always};
  CK_RV rv = module->p11->C_GetAttributeValue(session, key->object, &type, 1);
  /* Older modules do not know the second one: then it is not so. */
  if (rv == CKR_OK && module->p11->C_GetAttributeValue(session, key->object, &authenticate, 1) == CKR_OK)
    key->always_authenticate = always == CK_TRUE;
  return rv;
}

CK_RV chio_module_find(struct chio_module *module, CK_SESSION_HANDLE session, const char *key,
                       CK_OBJECT_CLASS class, struct chio_module_key *out_key, enum chio_err *out_err,
                       struct chio_detail *detail) {
  const char *kind = class == CKO_SECRET_KEY ? "secret" : "private";
  CK_ATTRIBUTE template[TEMPLATE_MAX];
  CK_OBJECT_HANDLE found[2];
  CK_ULONG count = 0;
  P11KitUri *uri = NULL;
  CK_RV rv = CKR_OK;
  bool fits = false;
  struct chio_module_key result = {.object = 0};
  enum chio_err err = chio_module_uri(module, key, &uri, detail);
  if (err == CHIO_OK) {
    rv = token_fits(module, uri, &fits);
    if (rv != CKR_OK) err = chio_module_fail(module, rv, "ask for the token", detail);
  }
  if (err == CHIO_OK && !fits)
    err = chio_fail(detail, CHIO_E_NOT_FOUND, "backend '%s': the key URI names another token", module->name);
  if (err == CHIO_OK) {
    rv = find_objects(module, session, template, template_of(uri, &class, template), found, 2, &count);
    if (rv != CKR_OK) err = chio_module_fail(module, rv, "find the key", detail);
  }
  if (err == CHIO_OK && count == 0)
    err = chio_fail(detail, CHIO_E_NOT_FOUND, "backend '%s': no %s key '%.128s'", module->name, kind, key);
  if (err == CHIO_OK && count > 1)
    err = chio_fail(detail, CHIO_E_ARGUMENT, "backend '%s': '%.128s' names more than one %s key", module->name, key,
                    kind);
  if (err == CHIO_OK) {
    result.object = found[0];
    rv = read_flags(module, session, &result);
    if (rv != CKR_OK) err = chio_module_fail(module, rv, "read the key", detail);
  }
  if (err == CHIO_OK) *out_key = result;
  *out_err = err;
  p11_kit_uri_free(uri);
  return rv;
}

/* An attribute that may be missing: false then. Bounded, and never longer than the module said. */
static bool attribute(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                      CK_ATTRIBUTE_TYPE type, size_t max, struct chio_buf *out) {
  CK_ATTRIBUTE ask = {type, NULL, 0};
  CK_RV rv = module->p11->C_GetAttributeValue(session, object, &ask, 1);
  if (rv != CKR_OK || ask.ulValueLen == CK_UNAVAILABLE_INFORMATION || ask.ulValueLen == 0 || ask.ulValueLen > max)
    return false;
  CK_ULONG room = ask.ulValueLen;
  chio_buf_reset(out);
  ask.pValue = chio_buf_reserve(out, room);
  if (ask.pValue == NULL || module->p11->C_GetAttributeValue(session, object, &ask, 1) != CKR_OK) return false;
  if (ask.ulValueLen > room) return false;
  out->len = ask.ulValueLen;
  return true;
}

static bool spki_of(EVP_PKEY *pkey, struct chio_buf *out) {
  uint8_t *der = NULL;
  int len = pkey != NULL ? i2d_PUBKEY(pkey, &der) : -1;
  chio_buf_reset(out);
  if (len > 0) chio_buf_append(out, der, (size_t)len);
  OPENSSL_free(der);
  return len > 0 && chio_buf_err(out) == CHIO_OK;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *builder) {
  EVP_PKEY *pkey = NULL;
  OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
      EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    pkey = NULL;
  EVP_PKEY_CTX_free(ctx);
  OSSL_PARAM_free(params);
  return pkey;
}

static bool rsa_spki(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                     struct chio_buf *out) {
  struct chio_buf n = CHIO_BUF_INIT, e = CHIO_BUF_INIT;
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  BIGNUM *modulus = NULL, *exponent = NULL;
  EVP_PKEY *pkey = NULL;
  if (builder != NULL && attribute(module, session, object, CKA_MODULUS, ATTRIBUTE_MAX, &n) &&
      attribute(module, session, object, CKA_PUBLIC_EXPONENT, 64, &e)) {
    modulus = BN_bin2bn(n.data, (int)n.len, NULL);
    exponent = BN_bin2bn(e.data, (int)e.len, NULL);
  }
  if (modulus != NULL && exponent != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
    pkey = from_params("RSA", builder);
  bool good = spki_of(pkey, out);
  EVP_PKEY_free(pkey);
  BN_free(modulus);
  BN_free(exponent);
  OSSL_PARAM_BLD_free(builder);
  chio_buf_clear(&n);
  chio_buf_clear(&e);
  return good;
}

/* PKCS #11 v3.1, 6.3.3: the point is in a DER OCTET STRING; some modules give it bare. */
static struct chio_slice bare_point(struct chio_slice point) {
  if (point.len > 2 && point.data[0] == 0x04 && point.data[1] < 0x80 && point.data[1] == point.len - 2)
    return chio_slice(point.data + 2, point.len - 2);
  if (point.len > 3 && point.data[0] == 0x04 && point.data[1] == 0x81 && point.data[2] == point.len - 3)
    return chio_slice(point.data + 3, point.len - 3);
  return point;
}

/* SubjectPublicKeyInfo of SEQUENCE { SEQUENCE { OID [, params] }, BIT STRING }: all of it fits short lengths but the
 * outer ones of P-521, which take one more byte. */
static void append_der(struct chio_buf *out, uint8_t tag, const struct chio_buf *contents) {
  chio_buf_append_u8(out, tag);
  if (contents->len >= 0x80) chio_buf_append_u8(out, 0x81);
  chio_buf_append_u8(out, (uint8_t)contents->len);
  chio_buf_append_slice(out, chio_buf_slice(contents));
}

static bool wrap_point(struct chio_slice algorithm, struct chio_slice point, struct chio_buf *out) {
  struct chio_buf inner = CHIO_BUF_INIT, outer = CHIO_BUF_INIT;
  chio_buf_append_slice(&inner, algorithm);
  append_der(&outer, 0x30, &inner);
  chio_buf_reset(&inner);
  chio_buf_append_u8(&inner, 0); /* no unused bits */
  chio_buf_append_slice(&inner, point);
  append_der(&outer, 0x03, &inner);
  chio_buf_reset(out);
  append_der(out, 0x30, &outer);
  bool good = chio_buf_err(&inner) == CHIO_OK && chio_buf_err(&outer) == CHIO_OK && chio_buf_err(out) == CHIO_OK;
  good = good && outer.len < 0x100;
  chio_buf_clear(&inner);
  chio_buf_clear(&outer);
  return good;
}

static bool ec_spki(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                    CK_KEY_TYPE type, struct chio_buf *out) {
  static const uint8_t ec[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01}; /* id-ecPublicKey */
  static const uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
  struct chio_buf params = CHIO_BUF_INIT, point = CHIO_BUF_INIT, algorithm = CHIO_BUF_INIT;
  bool edwards = type == CKK_EC_EDWARDS;
  bool good = attribute(module, session, object, CKA_EC_POINT, 256, &point) &&
              (edwards || attribute(module, session, object, CKA_EC_PARAMS, 64, &params));
  if (edwards) chio_buf_append(&algorithm, ed25519, sizeof ed25519);
  if (!edwards) chio_buf_append(&algorithm, ec, sizeof ec);
  chio_buf_append_slice(&algorithm, chio_buf_slice(&params));
  struct chio_slice bare = bare_point(chio_buf_slice(&point));
  good = good && (!edwards || bare.len == 32) && wrap_point(chio_buf_slice(&algorithm), bare, out);
  chio_buf_clear(&params);
  chio_buf_clear(&point);
  chio_buf_clear(&algorithm);
  return good;
}

static bool certificate_spki(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                             struct chio_buf *out) {
  struct chio_buf der = CHIO_BUF_INIT;
  bool good = attribute(module, session, object, CKA_VALUE, ATTRIBUTE_MAX, &der);
  const uint8_t *at = der.data;
  X509 *certificate = good ? d2i_X509(NULL, &at, (long)der.len) : NULL;
  good = certificate != NULL && spki_of(X509_get0_pubkey(certificate), out);
  X509_free(certificate);
  chio_buf_clear(&der);
  return good;
}

static bool object_spki(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                        CK_KEY_TYPE type, struct chio_buf *out) {
  if (type == CKK_RSA) return rsa_spki(module, session, object, out);
  return ec_spki(module, session, object, type, out);
}

/* The object of another class that goes with the private key: the same id, or the same label where it has no id. */
static bool partner(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE private_key,
                    CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *out_object) {
  struct chio_buf value = CHIO_BUF_INIT;
  CK_ATTRIBUTE template[2] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, NULL, 0}};
  CK_ULONG found = 0;
  bool have = attribute(module, session, private_key, CKA_ID, ID_MAX, &value);
  if (!have) {
    template[1].type = CKA_LABEL;
    have = attribute(module, session, private_key, CKA_LABEL, LABEL_MAX, &value);
  }
  template[1].pValue = value.data;
  template[1].ulValueLen = value.len;
  have = have && find_objects(module, session, template, 2, out_object, 1, &found) == CKR_OK && found == 1;
  chio_buf_clear(&value);
  return have;
}

static bool find_spki(struct chio_module *module, CK_SESSION_HANDLE session, const struct chio_module_key *found,
                      struct chio_buf *out) {
  CK_OBJECT_HANDLE object;
  if (partner(module, session, found->object, CKO_PUBLIC_KEY, &object) &&
      object_spki(module, session, object, found->type, out))
    return true;
  if (partner(module, session, found->object, CKO_CERTIFICATE, &object) &&
      certificate_spki(module, session, object, out))
    return true;
  return object_spki(module, session, found->object, found->type, out);
}

static bool has_right(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                      CK_ATTRIBUTE_TYPE right) {
  CK_BBOOL value = CK_FALSE;
  CK_ATTRIBUTE ask = {right, &value, sizeof value};
  return module->p11->C_GetAttributeValue(session, object, &ask, 1) == CKR_OK && value == CK_TRUE;
}

CK_RV chio_module_read(struct chio_module *module, CK_SESSION_HANDLE session, const struct chio_module_key *found,
                       struct chio_kms_key *key, enum chio_err *out_err, struct chio_detail *detail) {
  struct chio_buf spki = CHIO_BUF_INIT;
  enum chio_err err = CHIO_OK;
  if (found->type != CKK_RSA && found->type != CKK_EC && found->type != CKK_EC_EDWARDS)
    err = chio_fail(detail, CHIO_E_KEY_TYPE, "backend '%s': a key of type 0x%lx does not sign here", module->name,
                    found->type);
  if (err == CHIO_OK && !find_spki(module, session, found, &spki))
    err = chio_fail(detail, CHIO_E_BACKEND, "backend '%s': the key has neither a public key nor a certificate",
                    module->name);
  if (err == CHIO_OK) err = chio_kms_key_from_spki(chio_buf_slice(&spki), key, detail);
  if (err == CHIO_OK && key->key_type != found->type)
    err = chio_fail(detail, CHIO_E_BACKEND, "backend '%s': private and public key are of two types", module->name);
  if (err == CHIO_OK) {
    key->can_sign = has_right(module, session, found->object, CKA_SIGN);
    key->can_decrypt = has_right(module, session, found->object, CKA_DECRYPT);
  }
  chio_buf_clear(&spki);
  *out_err = err;
  return CKR_OK;
}

static bool set_attribute(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, const void *data, size_t len) {
  CK_ATTRIBUTE attribute_ = {type, (void *)(uintptr_t)data, len};
  return p11_kit_uri_set_attribute(uri, &attribute_) == P11_KIT_URI_OK;
}

static enum chio_err format(P11KitUri *uri, struct chio_key_uri *out_uri) {
  char *text = NULL;
  enum chio_err err = CHIO_E_NO_MEMORY;
  if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) == P11_KIT_URI_OK) {
    err = strlen(text) < sizeof out_uri->key ? CHIO_OK : CHIO_E_TOO_LONG;
    *out_uri = (struct chio_key_uri){.kind = CHIO_KMS_PKCS11};
    if (err == CHIO_OK) (void)snprintf(out_uri->key, sizeof out_uri->key, "%s", text + strlen("pkcs11:"));
  }
  free(text);
  return err;
}

CK_RV chio_module_name(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                       struct chio_key_uri *out_uri, enum chio_err *out_err, struct chio_detail *detail) {
  struct chio_buf id = CHIO_BUF_INIT, label = CHIO_BUF_INIT;
  CK_TOKEN_INFO info;
  CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
  P11KitUri *uri = p11_kit_uri_new();
  enum chio_err err = uri != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  CK_RV rv = module->p11->C_GetTokenInfo(module->slot, &info);
  if (err == CHIO_OK && rv != CKR_OK) err = chio_module_fail(module, rv, "ask for the token", detail);
  if (err == CHIO_OK) {
    (void)memcpy(p11_kit_uri_get_token_info(uri)->label, info.label, sizeof info.label);
    bool named = attribute(module, session, key, CKA_ID, ID_MAX, &id) && set_attribute(uri, CKA_ID, id.data, id.len);
    if (attribute(module, session, key, CKA_LABEL, LABEL_MAX, &label))
      named = set_attribute(uri, CKA_LABEL, label.data, label.len) || named;
    named = set_attribute(uri, CKA_CLASS, &class, sizeof class) && named;
    if (!named) err = chio_fail(detail, CHIO_E_BACKEND, "backend '%s': a key without id and label", module->name);
  }
  if (err == CHIO_OK) err = format(uri, out_uri);
  p11_kit_uri_free(uri);
  chio_buf_clear(&id);
  chio_buf_clear(&label);
  *out_err = err;
  return rv;
}
