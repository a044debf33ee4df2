/* Whether a signature over a file holds, in the forms in which signatures are written. */
#ifndef TOOLS_HSM_FILE_SIGNATURE_H
#define TOOLS_HSM_FILE_SIGNATURE_H

#include "attest/pubkey.h"

/* ECDSA with the digest of the curve's size, in DER or as r || s; RSA by PKCS #1 or by PSS
 * (salt as long as the hash) with SHA-256, SHA-384 or SHA-512; Ed25519. */
bool hsm_file_signature_holds(const struct chio_pubkey *key, struct chio_slice message, struct chio_slice signature);

#endif
