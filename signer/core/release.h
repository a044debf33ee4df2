/*
 * A key that Azure Key Vault or Managed HSM released (secure key release): a JWS by the vault whose payload has the key
 * wrapped for one of ours. Believed when its certificates lead to a trusted root, the leaf is the vault's own by its
 * DNS name, the leaf's key signed, and the payload answers what was asked: this key, this nonce.
 *
 *   {"request": {"enc", "nonce", ...}, "response": {"key": {"key": {"kid", "kty", "key_hsm"}, ...}}}
 *   key_hsm: base64url of {"schema_version", "header": {"enc", ...}, "ciphertext"}
 */
#ifndef CHIO_CORE_RELEASE_H
#define CHIO_CORE_RELEASE_H

#include "attest/jws.h"
#include "signer/core/recipient.h"

#define CHIO_RELEASE_JWS_MAX (128u * 1024u) /* characters */
#define CHIO_RELEASE_NONCE_SIZE 32u
#define CHIO_RELEASE_HOST_MAX 255u
#define CHIO_RELEASE_NAME_MAX 127u
#define CHIO_RELEASE_VERSION_MAX 63u

/* A key of a vault. */
struct chio_release_key {
  char host[CHIO_RELEASE_HOST_MAX + 1]; /* "v.vault.azure.net", perhaps with a port */
  char name[CHIO_RELEASE_NAME_MAX + 1];
  char version[CHIO_RELEASE_VERSION_MAX + 1]; /* empty: the present one */
};

/* "azurekms://HOST/NAME" or "azurekms://HOST/NAME/VERSION"; a host without a dot is a vault of the public cloud.
 * CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_release_key_parse(const char *uri, struct chio_release_key *out_key,
                                                     struct chio_detail *detail);

/* What an answer must be. */
struct chio_release_terms {
  const struct chio_release_key *key;
  struct chio_slice nonce; /* as it was sent: text */
  struct chio_slice roots; /* PEM: whom to trust; empty: the system's CAs */
  int64_t now;             /* seconds since the epoch; 0: this machine's clock */
};

/* Opens the answer: the key's material (release_key.h) and the version that it has. CHIO_E_PEER_UNTRUSTED (the
 * certificates), CHIO_E_SIGNATURE_INVALID, CHIO_E_BACKEND (anything else that is not as it must be), CHIO_E_CONFIG
 * (the roots). */
CHIO_MUST_CHECK enum chio_err chio_release_open(const struct chio_release_terms *terms,
                                                const struct chio_recipient *recipient, struct chio_slice jws,
                                                struct chio_secret **out_material,
                                                char out_version[CHIO_RELEASE_VERSION_MAX + 1],
                                                struct chio_detail *detail);

/* The second half of that: what the payload says, of a JWS whose signature is known to be the vault's.
 * CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_release_read(const struct chio_release_terms *terms,
                                                const struct chio_recipient *recipient, const struct chio_jws *jws,
                                                struct chio_secret **out_material,
                                                char out_version[CHIO_RELEASE_VERSION_MAX + 1],
                                                struct chio_detail *detail);

#endif
