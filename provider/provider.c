/* The entry point and what OpenSSL asks a provider about itself. No input, no output, no fetch happens here: the first
 * key that is opened is the first contact with chiod. */
#include "provider/algorithms.h"
#include "provider/prov.h"
#include "signer/base/macros.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

/* core_dispatch.h declares the type, not the function. */
CHIO_EXPORT int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                                   void **out_provctx);

static const OSSL_PARAM *gettable_params(void *provctx) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
                                      OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
                                      OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
                                      OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL), OSSL_PARAM_END};
  (void)provctx;
  return params;
}

static int get_params(void *provctx, OSSL_PARAM params[]) {
  static const struct {
    const char *name, *text;
  } rows[] = {{OSSL_PROV_PARAM_NAME, "Chio HSM provider"},
              {OSSL_PROV_PARAM_VERSION, PACKAGE_VERSION},
              {OSSL_PROV_PARAM_BUILDINFO, PACKAGE_STRING}};
  OSSL_PARAM *p;
  (void)provctx;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    p = OSSL_PARAM_locate(params, rows[i].name);
    if (p != NULL && !OSSL_PARAM_set_utf8_ptr(p, rows[i].text)) return 0;
  }
  /* Running, whether or not chiod is: opening a key tells. */
  p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
  return p == NULL || OSSL_PARAM_set_int(p, 1);
}

static const OSSL_ALGORITHM *query_operation(void *provctx, int operation, int *out_no_cache) {
  (void)provctx;
  *out_no_cache = 0;
  switch (operation) {
    case OSSL_OP_KEYMGMT: return chio_keymgmt_algorithms;
    case OSSL_OP_SIGNATURE: return chio_signature_algorithms;
    case OSSL_OP_STORE: return chio_store_algorithms;
    case OSSL_OP_ENCODER: return chio_encoder_algorithms;
    case OSSL_OP_DECODER: return chio_decoder_algorithms;
    default: return NULL;
  }
}

static const OSSL_ITEM *get_reason_strings(void *provctx) {
  (void)provctx;
  return chio_reason_strings();
}

static void teardown(void *provctx) {
  chio_prov_free(provctx);
}

int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                       void **out_provctx) {
  static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_PROVIDER_TEARDOWN, CHIO_FN(teardown)},
                                            {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, CHIO_FN(gettable_params)},
                                            {OSSL_FUNC_PROVIDER_GET_PARAMS, CHIO_FN(get_params)},
                                            {OSSL_FUNC_PROVIDER_QUERY_OPERATION, CHIO_FN(query_operation)},
                                            {OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, CHIO_FN(get_reason_strings)},
                                            {0, NULL}};
  struct chio_prov *prov = chio_prov_new(handle, in);
  if (prov == NULL) return 0;
  *out = functions;
  *out_provctx = prov;
  return 1;
}
