/*
 * What every KMS looks like to chio-kmsd: one table of functions each (vault.c, aws.c, gcp.c, azure.c, module.c).
 *
 * Signatures leave an adapter in PKCS#11's form (ECDSA: r||s, full width), whatever the KMS speaks. The caller verifies
 * each one against the pinned public key before anybody gets it, so an adapter need not; it must check what it is told
 * about itself (echoed key and version, checksums). Functions may block until the deadline and are called by many
 * threads at once. All errors come with a detail that names the backend, the key and the reason (with the provider's
 * code and request id where there is one), never a secret:
 *   CHIO_E_NOT_FOUND           no such key or version
 *   CHIO_E_PERMISSION          it refuses our credentials, or there are none
 *   CHIO_E_POLICY              the key is disabled, pending deletion, destroyed
 *   CHIO_E_BACKEND_SEALED      the KMS is sealed
 *   CHIO_E_BUSY                throttled
 *   CHIO_E_TIMEOUT, CHIO_E_BACKEND_UNREACHABLE, CHIO_E_PEER_UNTRUSTED (TLS)
 *   CHIO_E_BACKEND             it answered nonsense: not what its documentation says, wrong checksum, wrong key
 *   CHIO_E_MECHANISM_UNSUPPORTED, CHIO_E_MECHANISM_PARAM, CHIO_E_DATA_LEN, CHIO_E_DATA_INVALID, CHIO_E_KEY_TYPE,
 *   CHIO_E_KEY_SIZE, CHIO_E_CURVE_UNSUPPORTED   the KMS cannot do this; decided before any call
 */
#ifndef CHIO_KMS_ADAPTER_H
#define CHIO_KMS_ADAPTER_H

#include "kms-adapters/deadline.h"
#include "kms-adapters/http.h"
#include "kms-adapters/key_uri.h"
#include "signer/base/secret.h"
#include "signer/wire/mechanism.h"

#define CHIO_KMS_SPKI_MAX 2048u      /* bytes */
#define CHIO_KMS_SIGNATURE_MAX 1024u /* bytes */
#define CHIO_KMS_MESSAGE_MAX 65536u  /* bytes of a message signed whole (Ed25519) */
#define CHIO_KMS_TIMEOUT_MS 5000u    /* of a whole operation with its retries, where nothing else is said */

/* One [backend.NAME] of the configuration. No member holds a secret: those stand in files, in the environment or come
 * from a metadata service. NULL: not given. Borrowed for the time of the open call. */
struct chio_backend_options {
  const char *name;        /* NAME, for messages */
  const char *endpoint;    /* URL; NULL: the provider's own, or from its environment variable */
  const char *ca_file;     /* PEM, the only CA to trust; NULL: the system's CAs */
  const char *region;      /* AWS */
  const char *mount;       /* Vault; NULL: "transit" */
  const char *namespace_;  /* Vault */
  const char *vault;       /* Azure: host of the vault or managed HSM, for making and listing keys */
  const char *key_ring;    /* Google: projects/P/locations/L/keyRings/R, for making and listing keys */
  const char *protection;  /* Google: "software", "hsm"; Azure: "software", "hsm"; NULL: software */
  const char *module;      /* PKCS#11: path of the module */
  const char *token;       /* PKCS#11: label of the token */
  const char *auth;        /* which way to get credentials, by the adapter's words; NULL: the provider's usual chain */
  const char *role;        /* Vault role, AWS role ARN, Azure client id, Google service account, by auth */
  const char *tenant;      /* Azure */
  const char *auth_endpoint; /* URL of the token service or metadata service; NULL: the provider's own */
  const char *token_file;  /* file with a token, role id, federated JWT, service account; read anew at each use */
  const char *secret_file; /* file with the secret that goes with it: secret id, client secret, PIN, client key */
  const char *cert_file;   /* Vault's TLS certificate login: PEM */
  unsigned timeout_ms;     /* a whole operation with its retries; 0: CHIO_KMS_TIMEOUT_MS */
};

/* What a KMS says of a key, pinned to one version of it. */
struct chio_kms_key {
  struct chio_key_uri uri; /* with the version filled in; AWS: key is the ARN */
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
  uint32_t bits;     /* EC: 256, 384, 521; Ed25519: 255; RSA: 2048 ... */
  const char *label; /* becomes the key's name or alias where the KMS has names; NULL or empty: it or we choose one */
  uint32_t mechanism; /* wire value of what the key must be able to do, where the KMS fixes the algorithm with the key;
                       * 0: not said */
};

/* How to encrypt or decrypt. */
enum chio_kms_cipher_kind {
  CHIO_KMS_SYMMETRIC,   /* the KMS's own authenticated encryption under a symmetric key */
  CHIO_KMS_OAEP_SHA1,   /* RSAES-OAEP, MGF1 with the same hash, empty label */
  CHIO_KMS_OAEP_SHA256,
  CHIO_KMS_OAEP_SHA512,
};

struct chio_kms_cipher {
  enum chio_kms_cipher_kind kind;
  /* SYMMETRIC: what the ciphertext is bound to; AWS: {"chio": base64} as context. Azure's release: the nonce, text */
  struct chio_slice aad;
  /* Evidence for a KMS that encrypts its answer to a key in it (AWS Recipient: a Nitro document; Azure release: a MAA
   * token). When it is there, the adapter hands out what the KMS wrapped, still wrapped, and refuses (CHIO_E_BACKEND)
   * an answer that also carries the plaintext. CHIO_E_UNSUPPORTED where the KMS knows no such thing. */
  struct chio_slice evidence;
};

struct chio_adapter_ops {
  const char *name; /* "vault": the word for `kind` in the configuration */
  enum chio_kms_kind kind;
  const char *options; /* names that it looks at, a blank before and behind each; NULL: whatever is given */

  /* Checks the options (CHIO_E_CONFIG names the key), makes no call: a KMS that is down does not keep chiod from
   * starting. */
  enum chio_err (*open)(const struct chio_backend_options *options, struct chio_http *http, void **out_self,
                        struct chio_detail *detail);
  void (*close)(void *self); /* no call may be under way */

  /* Looks a key up; a URI without a version is pinned to the present one. */
  enum chio_err (*describe)(void *self, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                            struct chio_kms_key *out_key, struct chio_detail *detail);

  /* Whether a signature with this mechanism is possible at all, decided before any call (the table in docs/kms.md). */
  enum chio_err (*check)(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                         const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail);

  /* data: the digest (ECDSA, PSS, hashing mechanisms: hashed by the caller), the DigestInfo (RSA_PKCS), or the message
   * (EDDSA). Does check itself. */
  enum chio_err (*sign)(void *self, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                        const struct chio_mech_params *params, struct chio_slice data,
                        const struct chio_deadline *deadline, struct chio_buf *out_signature,
                        struct chio_detail *detail);

  /* The following may be NULL where the KMS has no such thing. */

  /* Makes a key pair for signing. Never tried twice: a repetition could make two. CHIO_E_EXISTS where the name is
   * taken. */
  enum chio_err (*create)(void *self, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                          struct chio_key_uri *out_uri, struct chio_detail *detail);
  enum chio_err (*list)(void *self, const struct chio_deadline *deadline,
                        enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                        struct chio_detail *detail);
  enum chio_err (*encrypt)(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                           struct chio_slice plain, const struct chio_deadline *deadline, struct chio_buf *out,
                           struct chio_detail *detail);
  enum chio_err (*decrypt)(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                           struct chio_slice sealed, const struct chio_deadline *deadline,
                           struct chio_secret **out_plain, struct chio_detail *detail);
  /* ECDH with a peer's SubjectPublicKeyInfo: the x coordinate. */
  enum chio_err (*derive)(void *self, const struct chio_kms_key *key, struct chio_slice peer_spki,
                          const struct chio_deadline *deadline, struct chio_secret **out_shared,
                          struct chio_detail *detail);
  enum chio_err (*random)(void *self, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                          struct chio_detail *detail);
  /* The provider's own attestation of the key, as it hands it out (Google, Azure Managed HSM). */
  enum chio_err (*attestation)(void *self, const struct chio_kms_key *key, const struct chio_deadline *deadline,
                               struct chio_buf *out, struct chio_detail *detail);
  /* CHIO_OK: it answers and our credentials are good. Never NULL. */
  enum chio_err (*health)(void *self, const struct chio_deadline *deadline, struct chio_detail *detail);
};

extern const struct chio_adapter_ops chio_aws_ops;
extern const struct chio_adapter_ops chio_azure_ops;
extern const struct chio_adapter_ops chio_gcp_ops;
extern const struct chio_adapter_ops chio_module_ops;
extern const struct chio_adapter_ops chio_vault_ops;

#endif
