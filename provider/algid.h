/* The AlgorithmIdentifier of a signature, for certificates and requests: DER by libcrypto's own encoder. */
#ifndef CHIO_PROVIDER_ALGID_H
#define CHIO_PROVIDER_ALGID_H

#include "provider/sig.h"

/* Each sets the parameter; false, with an error raised, when digest and algorithm have no identifier together. */
bool chio_algid_ed25519(const struct chio_sig *sig, OSSL_PARAM *out);
bool chio_algid_ecdsa(const struct chio_sig *sig, OSSL_PARAM *out);
bool chio_algid_rsa(const struct chio_sig *sig, OSSL_PARAM *out);

/* RFC 4055, 3.1; salt_len in bytes. */
bool chio_algid_pss(const struct chio_sig *sig, int salt_len, OSSL_PARAM *out);

#endif
