/* The secret in a released key, in one form whatever the vault's encoding was: what a sealing root is derived from. */
#ifndef CHIO_CORE_RELEASE_KEY_H
#define CHIO_CORE_RELEASE_KEY_H

#include "signer/base/secret.h"

#define CHIO_RELEASE_OCT_MIN 16u  /* bytes of a symmetric key */
#define CHIO_RELEASE_OCT_MAX 512u

/* type: a JWK's "kty". "RSA", "RSA-HSM" (PKCS #8): 'R', the larger prime, the smaller one, each in half as many bytes
 * as the modulus; "EC", "EC-HSM" (PKCS #8): 'E', the scalar in as many bytes as the order; "oct", "oct-HSM": 'O', the
 * key. CHIO_E_BACKEND: another type, or not such a key. */
CHIO_MUST_CHECK enum chio_err chio_release_material(struct chio_slice type, const struct chio_secret *key,
                                                    struct chio_secret **out_material, struct chio_detail *detail);

#endif
