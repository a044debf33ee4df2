/* The parameters of RSA signatures: padding, salt length in all its spellings, MGF1 digest. */
#ifndef CHIO_PROVIDER_SIG_RSA_PARAMS_H
#define CHIO_PROVIDER_SIG_RSA_PARAMS_H

#include "provider/sig.h"

#include <openssl/rsa.h>

/* Libcrypto 3.1 has them; we know them everywhere. */
#define CHIO_SALT_AUTO_DIGEST_MAX (-4)

/* What a new context begins with, for a key of this kind: the defaults of the libcrypto it was built for. */
void chio_rsa_defaults(struct chio_sig *sig);

/* OSSL_FUNC_signature_set_ctx_params and its table; NULL params are accepted. */
int chio_rsa_set_params(void *ctx, const OSSL_PARAM params[]);
const OSSL_PARAM *chio_rsa_settable(void *ctx, void *provctx);
int chio_rsa_get_params(void *ctx, OSSL_PARAM params[]);
const OSSL_PARAM *chio_rsa_gettable(void *ctx, void *provctx);

/* The salt length in bytes with which this context signs. False with an error raised when it does not fit the key. */
bool chio_rsa_salt_bytes(const struct chio_sig *sig, uint32_t *out_bytes);

#endif
