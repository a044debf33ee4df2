/*
 * A key as the provider hands it to OpenSSL: where it is, what it is, its public part as an EVP_PKEY of the child
 * library context, and the login that may use it. No handle, no state of an operation: so it survives fork, a restart
 * of chiod, and any number of threads. Counted references; constant once made, but for the login.
 */
#ifndef CHIO_PROVIDER_KEY_H
#define CHIO_PROVIDER_KEY_H

#include "provider/login.h"
#include "signer/client/uri.h"
#include "signer/wire/uid.h"

#include <openssl/evp.h>

enum chio_key_kind { CHIO_KEY_RSA, CHIO_KEY_RSA_PSS, CHIO_KEY_EC, CHIO_KEY_ED25519, CHIO_KEY_KINDS };

/* OpenSSL's name of the kind ("RSA-PSS"). */
const char *chio_key_kind_name(enum chio_key_kind kind);

struct chio_key {
  atomic_uint references;
  struct chio_prov *prov;
  struct chio_signer *signer; /* NULL: a public key that was imported, from nowhere */
  enum chio_key_kind kind;
  bool is_private;
  uint32_t slot;
  struct chio_uid uid;
  _Atomic(struct chio_prov_login *) login; /* NULL: none was made */
  EVP_PKEY *public_part; /* NULL: nothing was imported yet */
  uint8_t *allowed; /* CKA_ALLOWED_MECHANISMS, u64 each; NULL: all */
  size_t allowed_len;
  bool digest_by_curve; /* the KMS that has it signs digests of the curve's own size alone */
  struct chio_uri *uri; /* token, serial, object, id and type: how to find it again */
};

/* The attributes that chio_key_new reads, as the types of OBJECT_GET. */
struct chio_slice chio_key_attribute_types(void);

/* What is known of a key besides its attributes. */
struct chio_key_place {
  struct chio_signer *signer;
  uint32_t slot;
  const char *token;
  const char *serial;
  struct chio_uid uid;
  struct chio_prov_login *login;
};

/* NULL with an error raised. The caller owns one reference. */
struct chio_key *chio_key_new(const struct chio_key_place *place, struct chio_attrs attributes, bool is_private);

/* An empty key, for chio_key_import. NULL with an error raised. */
struct chio_key *chio_key_empty(struct chio_prov *prov, enum chio_key_kind kind);

/* Fills an empty key with a public part, so that it can be compared and verifies. False with an error raised; private
 * parts are refused: they belong to whom they come from. */
bool chio_key_import(struct chio_key *key, int selection, const OSSL_PARAM params[]);

struct chio_key *chio_key_up_ref(struct chio_key *key);
void chio_key_free(struct chio_key *key);
CHIO_AUTO_DECLARE(chio_key)

/* The public part alone, as a key of its own. NULL with an error raised. */
struct chio_key *chio_key_dup_public(struct chio_key *key);

/* What is signed where the application names no digest: OpenSSL's SHA256, but of the curve's size where nothing else
 * can be signed. */
const char *chio_key_default_digest(const struct chio_key *key);

/* Whether the key may be used with this mechanism, as far as its attributes say. */
bool chio_key_allows(const struct chio_key *key, uint32_t mechanism);

/* One SIGN request. The signature, as PKCS #11 defines it, borrows from holder. False with an error raised. */
bool chio_key_sign(struct chio_key *key, uint32_t mechanism, struct chio_slice params, struct chio_slice data,
                   struct chio_buf *holder, struct chio_slice *out_signature);

#endif
