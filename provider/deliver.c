#include "provider/deliver.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>

int chio_key_deliver(struct chio_key **key, OSSL_CALLBACK *callback, void *arg) {
  int type = OSSL_OBJECT_PKEY;
  char *kind = (char *)(uintptr_t)chio_key_kind_name((*key)->kind);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
                         OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, kind, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, key, sizeof *key),
                         OSSL_PARAM_construct_end()};
  return callback(params, arg);
}

int chio_key_export(const struct chio_key *key, int selection, OSSL_CALLBACK *callback, void *arg) {
  if (key->public_part == NULL) return chio_raise(key->prov, CHIO_R_NO_KEY, "export");
  if (key->is_private && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
    return chio_raise(key->prov, CHIO_R_PRIVATE_NOT_EXPORTABLE, "export");
  return EVP_PKEY_export(key->public_part, selection & ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY, callback, arg);
}
