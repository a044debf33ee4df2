/*
 * What every KMS looks like to chio-kmsd: one table of functions each (vault.c, aws.c, gcp.c, azure.c, pkcs11.c).
 *
 * Signatures leave an adapter in PKCS#11's form (ECDSA: r||s, full width), whatever the KMS speaks. The caller verifies
 * each one against the pinned public key before anybody gets it, so an adapter need not; it must check what it is told
 * about itself (echoed key and version, checksums). Functions may block until the deadline and are called by many
 * threads at once. All errors come with a detail that names the backend, the key and the reason, never a secret:
 *   CHIO_E_NOT_FOUND, CHIO_E_PERMISSION, CHIO_E_POLICY (disabled, pending deletion, sealed ...), CHIO_E_BUSY (throttled),
 *   CHIO_E_TIMEOUT, CHIO_E_BACKEND_UNREACHABLE, CHIO_E_PEER_UNTRUSTED, CHIO_E_BACKEND (it answered nonsense),
 *   CHIO_E_MECHANISM_UNSUPPORTED, CHIO_E_MECHANISM_PARAM, CHIO_E_DATA_LEN, CHIO_E_DATA_INVALID, CHIO_E_KEY_TYPE.
 */
#ifndef CHIO_KMS_ADAPTER_H
#define CHIO_KMS_ADAPTER_H

#include "kms-adapters/deadline.h"
#include "kms-adapters/http.h"
#include "kms-adapters/key_uri.h"
#include "signer/wire/mechanism.h"

#define CHIO_KMS_SPKI_MAX 2048u      /* bytes */
#define CHIO_KMS_SIGNATURE_MAX 1024u /* bytes */
#define CHIO_KMS_MESSAGE_MAX 65536u  /* bytes of a message signed whole (Ed25519) */

/* One [backend.NAME] of the configuration. */
struct chio_backend_options {
  const char *name;      /* NAME, for messages */
  const char *endpoint;  /* NULL: the provider's own, or from its environment variable */
  const char *ca_file;   /* NULL: the system's CAs */
  const char *region;
  const char *mount;     /* Vault; NULL: "transit" */
  const char *namespace_;
  const char *auth;      /* how to get credentials, by the adapter's own words; NULL: the provider's usual chain */
  const char *role;
  const char *token_file; /* file with a token, role id, JWT ... ; its content is read anew at each use */
  const char *secret_file;
  unsigned timeout_ms;   /* a whole operation with its retries; 0: 5000 */
};

/* What a KMS says of a key, pinned to one version of it. */
struct chio_kms_key {
  struct chio_key_uri uri; /* with the version filled in */
  uint32_t key_type;       /* CKK_EC, CKK_EC_EDWARDS, CKK_RSA */
  uint32_t bits;
  uint8_t spki[CHIO_KMS_SPKI_MAX];
  size_t spki_len;
  char fixed_algorithm[64]; /* where the KMS fixes the algorithm with the key (Google); else empty */
  bool can_sign;
  bool can_decrypt;
};

/* What to make. */
struct chio_kms_spec {
  uint32_t key_type;
  uint32_t bits;
  const char *label; /* becomes the key's name or alias where the KMS has names */
};

struct chio_adapter_ops {
  const char *name; /* "vault" */
  enum chio_kms_kind kind;

  enum chio_err (*open)(const struct chio_backend_options *options, struct chio_http *http, void **out_self,
                        struct chio_detail *detail);
  void (*close)(void *self);

  /* Looks a key up; a URI without a version is pinned to the present one. */
  enum chio_err (*describe)(void *self, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                            struct chio_kms_key *out_key, struct chio_detail *detail);

  /* Whether a signature with this mechanism is possible at all, decided before any call (the table in docs/kms.md). */
  enum chio_err (*check)(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                         const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail);

  /* data: the digest (ECDSA, PSS, hashing mechanisms: hashed by the caller), the DigestInfo (RSA_PKCS), or the message
   * (EDDSA). */
  enum chio_err (*sign)(void *self, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                        const struct chio_mech_params *params, struct chio_slice data,
                        const struct chio_deadline *deadline, struct chio_buf *out_signature,
                        struct chio_detail *detail);

  /* May be NULL where the KMS has no such thing. */
  enum chio_err (*create)(void *self, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                          struct chio_key_uri *out_uri, struct chio_detail *detail);
  enum chio_err (*list)(void *self, const struct chio_deadline *deadline,
                        enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                        struct chio_detail *detail);
  enum chio_err (*random)(void *self, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                          struct chio_detail *detail);
  /* CHIO_OK: it answers and our credentials are good. */
  enum chio_err (*health)(void *self, const struct chio_deadline *deadline, struct chio_detail *detail);
};

#endif
