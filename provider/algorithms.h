/* The tables of what the provider offers; each file has its own part, provider.c hands them out. */
#ifndef CHIO_PROVIDER_ALGORITHMS_H
#define CHIO_PROVIDER_ALGORITHMS_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

/* Every name by which a kind is known, in the order that OpenSSL's own providers use. */
#define CHIO_NAMES_RSA "RSA:rsaEncryption:1.2.840.113549.1.1.1"
#define CHIO_NAMES_RSA_PSS "RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10"
#define CHIO_NAMES_EC "EC:id-ecPublicKey:1.2.840.10045.2.1"
#define CHIO_NAMES_ECDSA "ECDSA"
#define CHIO_NAMES_ED25519 "ED25519:1.3.101.112"

/* The one property definition; users write propquery "?provider=chio". */
#define CHIO_PROPERTIES "provider=chio"

#define CHIO_FN(function) (void (*)(void))(function)

extern const OSSL_ALGORITHM chio_keymgmt_algorithms[];
extern const OSSL_ALGORITHM chio_signature_algorithms[];
extern const OSSL_ALGORITHM chio_store_algorithms[];
extern const OSSL_ALGORITHM chio_encoder_algorithms[];
extern const OSSL_ALGORITHM chio_decoder_algorithms[];

extern const OSSL_DISPATCH chio_signature_rsa_functions[];
extern const OSSL_DISPATCH chio_signature_ecdsa_functions[];
extern const OSSL_DISPATCH chio_signature_ed25519_functions[];

#endif
