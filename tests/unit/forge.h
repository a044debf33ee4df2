/*
 * A forger's workshop for tests: certificates with anything wrong that a certificate can have wrong, made with
 * libcrypto and not with the code under test. A failure to forge fails the test.
 */
#ifndef CHIO_TESTS_FORGE_H
#define CHIO_TESTS_FORGE_H

#include "attest/chio_attest.h"
#include "signer/base/buf.h"

#include <openssl/x509.h>

enum forge_flag {
  FORGE_NO_CONSTRAINTS = 1 << 0,  /* no basicConstraints at all */
  FORGE_TWO_CONSTRAINTS = 1 << 1, /* ... or twice: CA:FALSE, then CA:TRUE */
  FORGE_CRITICAL = 1 << 2,        /* a critical extension that nobody knows */
  FORGE_AKI_OTHER = 1 << 3,       /* the authority key identifier is another key's */
  FORGE_AKI_EMPTY = 1 << 4,       /* ... has no octets */
  FORGE_NO_KEY_IDS = 1 << 5,      /* neither key identifier */
  FORGE_OTHER_SIGNER = 1 << 6,    /* signed by a key made on the spot, not the issuer's */
  FORGE_NOT_SIGNED = 1 << 7,      /* the signature's bytes are zero */
  FORGE_VERSION_1 = 1 << 8,       /* X.509 v1: no extensions */
  FORGE_SHA1 = 1 << 9,            /* signed over SHA-1 */
  FORGE_PSS = 1 << 10,            /* RSASSA-PSS with SHA-384 and 48 octets of salt, as AMD has it */
  FORGE_PSS_SHA256 = 1 << 11,     /* RSASSA-PSS with SHA-256 and 32 octets */
};

struct forge_extension {
  const char *oid;
  struct chio_slice contents; /* of the OCTET STRING */
};

struct forge_cert {
  const char *cn;        /* of the subject */
  const char *issuer_cn; /* NULL: as the issuer's subject */
  bool ca;
  int path_len;              /* of a CA; -1: none */
  const char *key_usage;     /* as in openssl.cnf; NULL: keyCertSign and cRLSign, or digitalSignature; "": none */
  int from_days, until_days; /* from now; both 0: from yesterday for ten years */
  unsigned flags;
  const X509 *extension_of;                 /* has the one extension to copy: Intel's of a PCK certificate */
  const struct forge_extension *extensions; /* more */
  size_t extensions_count;
};

/* "P-256", "P-384", "secp256k1", "RSA" (2048 bits). */
EVP_PKEY *forge_key(const char *kind);
/* A P-256 key whose curve is spelt out in its SubjectPublicKeyInfo instead of named. */
EVP_PKEY *forge_explicit_key(void);

/* issuer NULL: by itself. */
X509 *forge_certify(EVP_PKEY *key, EVP_PKEY *issuer_key, X509 *issuer, const struct forge_cert *spec);

void forge_der(const X509 *cert, struct chio_buf *out);
void forge_pem(const X509 *cert, struct chio_buf *out);
/* DER as a PEM block. */
void forge_pem_of(struct chio_slice der, struct chio_buf *out);

/* One line of the table: what was tried, the reason for which it was refused. The test fails when the result is another
 * one, or when something of unproved was proved. Frees the result. */
void forge_expect(const char *what, struct chio_attest_result *result, enum chio_attest_reason reason,
                  uint32_t unproved);

/* A judgement that must be possible: chio_attest_verify's result. */
struct chio_attest_result *forge_judge(const struct chio_attest_request *request);

#endif
