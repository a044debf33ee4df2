/*
 * What the three signature algorithms share (provider-signature(7)): a key, a digest computed here by the application's
 * own providers, and at the end one SIGN request, or a verification in software. No state at chiod: so contexts can be
 * copied at any time, survive fork, and a query for the size costs nothing.
 */
#ifndef CHIO_PROVIDER_SIG_H
#define CHIO_PROVIDER_SIG_H

#include "provider/key.h"
#include "signer/wire/mechanism.h"

#include <openssl/core_dispatch.h>

enum chio_sig_operation { CHIO_SIG_NONE, CHIO_SIG_SIGN, CHIO_SIG_VERIFY, CHIO_SIG_RECOVER };

struct chio_sig {
  struct chio_prov *prov;
  struct chio_key *key; /* NULL until the first init */
  enum chio_sig_operation operation;
  EVP_MD *md;         /* NULL: the data is signed as it is */
  EVP_MD_CTX *digest; /* of digest_sign and digest_verify */
  bool hashes;        /* the digest was named by digest_*_init and may not be changed */
  bool finished;
  bool gathers;           /* the key may not sign digests: the message is kept, and chiod hashes it */
  struct chio_buf message;
  int padding;        /* RSA_*_PADDING */
  int salt_len;       /* bytes, or RSA_PSS_SALTLEN_* */
  EVP_MD *mgf1_md;    /* NULL: the digest */
};

/* Bits of kinds for chio_sig_init. */
#define CHIO_KIND_BIT(kind) (1u << (kind))

void *chio_sig_new(void *provctx, const char *properties);
void chio_sig_free(void *ctx);
void *chio_sig_dup(void *ctx);

/* Takes the key (NULL: the one of before). False with an error raised when there is none, its kind is another, or it
 * cannot sign. */
bool chio_sig_init(struct chio_sig *sig, struct chio_key *key, unsigned kinds, enum chio_sig_operation operation);

/* Takes a digest by name; NULL, "" and "UNDEF" mean none. properties may be NULL. False with an error raised. */
bool chio_sig_set_digest(struct chio_sig *sig, const char *name, const char *properties);

/* Another digest than digest_sign_init named is refused while hashing. */
bool chio_sig_change_digest(struct chio_sig *sig, const char *name, const char *properties);

/* Fetches a digest from the application's providers, never from us. NULL with an error raised. */
EVP_MD *chio_sig_fetch_digest(struct chio_sig *sig, const char *name, const char *properties);

/* Begins hashing with the named digest; without a name with the one set before, else with fallback. */
bool chio_sig_digest_begin(struct chio_sig *sig, const char *name, const char *fallback);

/* OSSL_FUNC_signature_digest_sign_update and _verify_update. */
int chio_sig_digest_update(void *ctx, const unsigned char *data, size_t len);

/* Ends hashing. False with an error raised. */
bool chio_sig_digest_end(struct chio_sig *sig, unsigned char out[EVP_MAX_MD_SIZE], size_t *out_len);

/*
 * One signature of a digest with the mechanism raw; or, where the key allows only the mechanisms that hash, of the
 * gathered message with the one that hashes as we did. False with an error raised.
 */
bool chio_sig_sign(struct chio_sig *sig, uint32_t raw, struct chio_slice params, struct chio_slice digest,
                   struct chio_buf *holder, struct chio_slice *out_signature);

/* The row of the one table whose digest this is, or NULL. */
const struct chio_mechanism *chio_sig_digest_row(const EVP_MD *md);

/* The data must have the length of the digest, where there is one. */
bool chio_sig_check_length(const struct chio_sig *sig, size_t len);

/* Writes the signature of size bytes, when it fits into room. False with an error raised. */
bool chio_sig_write(const struct chio_sig *sig, struct chio_slice signature, unsigned char *out, size_t *out_len,
                    size_t room);

/* A context for a public operation in software. NULL with an error raised. */
EVP_PKEY_CTX *chio_sig_public(const struct chio_sig *sig);

/* The text that a parameter holds, or NULL. */
const char *chio_sig_text(const OSSL_PARAM params[], const char *name);

#endif
