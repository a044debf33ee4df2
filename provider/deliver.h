/* Hands a key to OpenSSL as an object by reference (provider-object(7)), from the store loader and the decoder. */
#ifndef CHIO_PROVIDER_DELIVER_H
#define CHIO_PROVIDER_DELIVER_H

#include "provider/key.h"

#include <openssl/core.h>

/* Calls back with the key. *key becomes NULL when the other side took it; else it is still the caller's. Returns what
 * the callback returned. */
int chio_key_deliver(struct chio_key **key, OSSL_CALLBACK *callback, void *arg);

/* The public parameters of the key, for another provider's keymgmt; 0 with an error raised for a private key's
 * private part. */
int chio_key_export(const struct chio_key *key, int selection, OSSL_CALLBACK *callback, void *arg);

#endif
