/*
 * The provider's context: what OSSL_provider_init was given, the configuration, the child library context in which
 * public operations and digests run, and the signers in use. One per library context that loads the provider.
 *
 * Nothing here takes a lock: what is made late is put in place with one compare-and-swap, and whoever comes second
 * throws its own away. So a fork in the middle of anything leaves nothing locked.
 */
#ifndef CHIO_PROVIDER_PROV_H
#define CHIO_PROVIDER_PROV_H

#include "provider/err.h"
#include "signer/base/secret.h"

#include <openssl/core_dispatch.h>
#include <openssl/types.h>

/* Keeps fetches in the child library context away from ourselves, whatever order or default properties the
 * application has. */
#define CHIO_OTHERS "provider!=chio"


struct chio_prov;
struct chio_signer;

/* The core's functions that we use; those that are missing are NULL. */
struct chio_prov_core {
  const OSSL_CORE_HANDLE *handle;
  const OSSL_DISPATCH *in;
  OSSL_FUNC_core_get_params_fn *get_params;
  OSSL_FUNC_core_new_error_fn *new_error;
  OSSL_FUNC_core_set_error_debug_fn *set_error_debug;
  OSSL_FUNC_core_vset_error_fn *vset_error;
  OSSL_FUNC_core_set_error_mark_fn *set_error_mark;
  OSSL_FUNC_core_clear_last_error_mark_fn *clear_last_error_mark;
  OSSL_FUNC_core_pop_error_to_mark_fn *pop_error_to_mark;
};

/* The provider's section of openssl.cnf (chio-provider(7)). */
struct chio_prov_config {
  char *signer;           /* endpoints, or NULL */
  char *pin_source;       /* or NULL */
  struct chio_secret *pin; /* or NULL */
};

/* Reads the configuration. No I/O, no fetch. NULL when out of memory. */
struct chio_prov *chio_prov_new(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in);

/* Frees memory and closes connections; sends nothing. NULL is accepted. */
void chio_prov_free(struct chio_prov *prov);

const struct chio_prov_core *chio_prov_core(const struct chio_prov *prov);
const struct chio_prov_config *chio_prov_config(const struct chio_prov *prov);

/* The child library context, made at first use; NULL with an error raised. */
OSSL_LIB_CTX *chio_prov_libctx(struct chio_prov *prov);

/* The signer at endpoints (NULL: as configured), made at first use without connecting; NULL with an error raised.
 * Owned by the provider and alive as long as it is. */
struct chio_signer *chio_prov_signer(struct chio_prov *prov, const char *endpoints);

#endif
