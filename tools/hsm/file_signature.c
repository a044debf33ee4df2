#include "tools/hsm/file_signature.h"

bool hsm_file_signature_holds(const struct chio_pubkey *key, struct chio_slice message, struct chio_slice signature) {
  static const struct {
    enum chio_pubkey_kind kind;
    enum chio_sig_alg alg;
  } ways[] = {{CHIO_PUBKEY_P256, CHIO_SIG_ECDSA_SHA256},   {CHIO_PUBKEY_P384, CHIO_SIG_ECDSA_SHA384},
              {CHIO_PUBKEY_P521, CHIO_SIG_ECDSA_SHA512},   {CHIO_PUBKEY_RSA, CHIO_SIG_RSA_PKCS1_SHA256},
              {CHIO_PUBKEY_RSA, CHIO_SIG_RSA_PKCS1_SHA384}, {CHIO_PUBKEY_RSA, CHIO_SIG_RSA_PKCS1_SHA512},
              {CHIO_PUBKEY_RSA, CHIO_SIG_RSA_PSS_SHA256},   {CHIO_PUBKEY_RSA, CHIO_SIG_RSA_PSS_SHA384},
              {CHIO_PUBKEY_RSA, CHIO_SIG_RSA_PSS_SHA512},   {CHIO_PUBKEY_ED25519, CHIO_SIG_ED25519}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ways); i++) {
    if (ways[i].kind == key->kind && (chio_pubkey_verify(key, ways[i].alg, message, signature) == CHIO_OK ||
                                      chio_pubkey_verify_fixed(key, ways[i].alg, message, signature) == CHIO_OK))
      return true;
  }
  return false;
}
