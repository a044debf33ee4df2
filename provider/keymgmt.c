/*
 * Key management (provider-keymgmt(7)). Keys come from the store loader, the decoder, and generation in a token that is
 * named (keygen.h); everything public is answered by the public part, which the application's own providers hold.
 * Import takes public keys alone (EVP_PKEY_eq compares by it), so that this provider, listed first, takes no keys that
 * are not its own.
 */
#include "provider/algorithms.h"
#include "provider/deliver.h"
#include "provider/keygen.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static void *key_load(const void *reference, size_t size, enum chio_key_kind kind) {
  struct chio_key *key;
  if (size != sizeof key) return NULL;
  memcpy(&key, reference, sizeof key);
  if (key == NULL || key->kind != kind) return NULL;
  /* The reference is the address of the loader's own pointer: taking the key clears it (provider-object(7)). */
  memset((void *)(uintptr_t)reference, 0, sizeof key);
  return key;
}

static void key_free(void *keydata) {
  chio_key_free(keydata);
}

static int key_has(const void *keydata, int selection) {
  const struct chio_key *key = keydata;
  if (key == NULL || key->public_part == NULL) return 0;
  return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key->is_private;
}

static int key_import(void *keydata, int selection, const OSSL_PARAM params[]) {
  return chio_key_import(keydata, selection, params);
}

static int key_match(const void *keydata1, const void *keydata2, int selection) {
  const struct chio_key *a = keydata1, *b = keydata2;
  (void)selection;
  if (a->kind != b->kind || a->public_part == NULL || b->public_part == NULL) return 0;
  chio_errors_mark(a->prov);
  int equal = EVP_PKEY_eq(a->public_part, b->public_part);
  chio_errors_drop(a->prov);
  return equal == 1;
}

static int key_validate(const void *keydata, int selection, int check_type) {
  const struct chio_key *key = keydata;
  (void)check_type;
  if (key->public_part == NULL) return chio_raise(key->prov, CHIO_R_NO_KEY, "check");
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && !key->is_private)
    return chio_raise(key->prov, CHIO_R_NOT_PRIVATE, "check");
  if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0) return 1;
  OSSL_LIB_CTX *libctx = chio_prov_libctx(key->prov);
  EVP_PKEY_CTX *ctx = libctx != NULL ? EVP_PKEY_CTX_new_from_pkey(libctx, key->public_part, CHIO_OTHERS) : NULL;
  int ok = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
  EVP_PKEY_CTX_free(ctx);
  return ok;
}

static void *key_dup(const void *keydata, int selection) {
  struct chio_key *key = (struct chio_key *)(uintptr_t)keydata;
  if (key->public_part == NULL) return chio_key_empty(key->prov, key->kind);
  if (key->is_private && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0) return chio_key_dup_public(key);
  return chio_key_up_ref(key);
}

static int key_get_params(void *keydata, OSSL_PARAM params[]) {
  const struct chio_key *key = keydata;
  if (key->public_part == NULL) return 0;
  /* What the public part does not know stays unset, which is no error (OSSL_PARAM(3)). */
  if (!EVP_PKEY_get_params(key->public_part, params)) return 0;
  OSSL_PARAM *digest = key->digest_by_curve ? OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST) : NULL;
  return digest == NULL || OSSL_PARAM_set_utf8_string(digest, chio_key_default_digest(key));
}

static const OSSL_PARAM rsa_params[] = {OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
                                        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
                                        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
                                        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
                                        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
                                        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
                                        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
                                        OSSL_PARAM_END};

static const OSSL_PARAM ec_params[] = {OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
                                       OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
                                       OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                                       OSSL_PARAM_int(OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, NULL),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_FIELD_TYPE, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_P, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_A, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_B, NULL, 0),
                                       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_GENERATOR, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_ORDER, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_COFACTOR, NULL, 0),
                                       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
                                       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_X, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_Y, NULL, 0),
                                       OSSL_PARAM_END};

static const OSSL_PARAM ed25519_params[] = {OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
                                            OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
                                            OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
                                            OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
                                            OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
                                            OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
                                            OSSL_PARAM_END};

static const OSSL_PARAM *rsa_gettable(void *provctx) {
  (void)provctx;
  return rsa_params;
}

static const OSSL_PARAM *ec_gettable(void *provctx) {
  (void)provctx;
  return ec_params;
}

static const OSSL_PARAM *ed25519_gettable(void *provctx) {
  (void)provctx;
  return ed25519_params;
}

static int key_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *arg) {
  return chio_key_export(keydata, selection, callback, arg);
}

static const OSSL_PARAM *rsa_key_types(int selection) {
  static const OSSL_PARAM types[] = {OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
                                     OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0), OSSL_PARAM_END};
  return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

static const OSSL_PARAM *ec_key_types(int selection) {
  static const OSSL_PARAM types[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                                     OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END};
  int any = OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS;
  return (selection & any) != 0 ? types : NULL;
}

static const OSSL_PARAM *ed25519_key_types(int selection) {
  static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END};
  return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

static const char *rsa_operation_name(int operation) {
  return operation == OSSL_OP_SIGNATURE ? "RSA" : NULL;
}

static const char *ec_operation_name(int operation) {
  return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

static const char *ed25519_operation_name(int operation) {
  return operation == OSSL_OP_SIGNATURE ? "ED25519" : NULL;
}

static int gen_set_params(void *genctx, const OSSL_PARAM params[]) {
  return chio_keygen_set(genctx, params);
}

static const OSSL_PARAM *gen_settable(void *genctx, void *provctx) {
  (void)genctx;
  (void)provctx;
  return chio_keygen_settable;
}

static void *gen(void *genctx, OSSL_CALLBACK *callback, void *arg) {
  (void)callback;
  (void)arg;
  return chio_keygen_run(genctx);
}

static void gen_cleanup(void *genctx) {
  chio_keygen_free(genctx);
}

#define MAKERS(name, kind)                                         \
  static void *name##_new(void *provctx) {                         \
    return chio_key_empty(provctx, (kind));                        \
  }                                                                \
  static void *name##_load(const void *reference, size_t size) {   \
    return key_load(reference, size, (kind));                      \
  }                                                                \
  static void *name##_gen_init(void *provctx, int selection,       \
                               const OSSL_PARAM params[]) {        \
    return chio_keygen_new(provctx, (kind), selection, params);    \
  }
MAKERS(rsa, CHIO_KEY_RSA)
MAKERS(rsa_pss, CHIO_KEY_RSA_PSS)
MAKERS(ec, CHIO_KEY_EC)
MAKERS(ed25519, CHIO_KEY_ED25519)
#undef MAKERS

#define FUNCTIONS(name, params)                                                                           \
  static const OSSL_DISPATCH name##_functions[] = {                                                       \
      {OSSL_FUNC_KEYMGMT_NEW, CHIO_FN(name##_new)},                                                       \
      {OSSL_FUNC_KEYMGMT_LOAD, CHIO_FN(name##_load)},                                                     \
      {OSSL_FUNC_KEYMGMT_FREE, CHIO_FN(key_free)},                                                        \
      {OSSL_FUNC_KEYMGMT_HAS, CHIO_FN(key_has)},                                                          \
      {OSSL_FUNC_KEYMGMT_MATCH, CHIO_FN(key_match)},                                                      \
      {OSSL_FUNC_KEYMGMT_VALIDATE, CHIO_FN(key_validate)},                                                \
      {OSSL_FUNC_KEYMGMT_DUP, CHIO_FN(key_dup)},                                                          \
      {OSSL_FUNC_KEYMGMT_GET_PARAMS, CHIO_FN(key_get_params)},                                            \
      {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, CHIO_FN(params##_gettable)},                                    \
      {OSSL_FUNC_KEYMGMT_IMPORT, CHIO_FN(key_import)},                                                    \
      {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, CHIO_FN(params##_key_types)},                                      \
      {OSSL_FUNC_KEYMGMT_EXPORT, CHIO_FN(key_export)},                                                    \
      {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, CHIO_FN(params##_key_types)},                                   \
      {OSSL_FUNC_KEYMGMT_GEN_INIT, CHIO_FN(name##_gen_init)},                                             \
      {OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, CHIO_FN(gen_set_params)},                                        \
      {OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, CHIO_FN(gen_settable)},                                     \
      {OSSL_FUNC_KEYMGMT_GEN, CHIO_FN(gen)},                                                              \
      {OSSL_FUNC_KEYMGMT_GEN_CLEANUP, CHIO_FN(gen_cleanup)},                                              \
      {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, CHIO_FN(params##_operation_name)},                         \
      {0, NULL}};
FUNCTIONS(rsa, rsa)
FUNCTIONS(rsa_pss, rsa)
FUNCTIONS(ec, ec)
FUNCTIONS(ed25519, ed25519)
#undef FUNCTIONS

const OSSL_ALGORITHM chio_keymgmt_algorithms[] = {
    {CHIO_NAMES_RSA, CHIO_PROPERTIES, rsa_functions, "RSA key held by chiod"},
    {CHIO_NAMES_RSA_PSS, CHIO_PROPERTIES, rsa_pss_functions, "RSA-PSS key held by chiod"},
    {CHIO_NAMES_EC, CHIO_PROPERTIES, ec_functions, "EC key held by chiod"},
    {CHIO_NAMES_ED25519, CHIO_PROPERTIES, ed25519_functions, "Ed25519 key held by chiod"},
    {NULL, NULL, NULL, NULL}};
