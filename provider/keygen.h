/*
 * Generation: a key pair in the token that the parameter "uri" names (chio:token=TOKEN;object=LABEL), which may be one
 * of a KMS. Without it generation is refused, so that a provider that happens to be listed first makes no keys by
 * mistake; a name that is taken is refused too.
 */
#ifndef CHIO_PROVIDER_KEYGEN_H
#define CHIO_PROVIDER_KEYGEN_H

#include "provider/key.h"

#include <openssl/params.h>

struct chio_keygen;

/* "uri" (text), "group" (EC), "bits" (RSA); what else OpenSSL's commands set for RSA is checked. */
extern const OSSL_PARAM chio_keygen_settable[];

/* NULL with an error raised. The caller frees it with chio_keygen_free. */
struct chio_keygen *chio_keygen_new(struct chio_prov *prov, enum chio_key_kind kind, int selection,
                                    const OSSL_PARAM params[]);
bool chio_keygen_set(struct chio_keygen *keygen, const OSSL_PARAM params[]);
/* The private key. NULL with an error raised. */
struct chio_key *chio_keygen_run(struct chio_keygen *keygen);
void chio_keygen_free(struct chio_keygen *keygen); /* NULL is accepted */

#endif
