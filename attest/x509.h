/*
 * Certificates and revocation lists as evidence needs them: read strictly from DER, borrowed, nothing allocated. Real
 * evidence has certificates that general readers refuse (AMD's have serial number 0 and extension values that are not
 * DER), and forged evidence has others that they accept; here the rules are stated.
 */
#ifndef CHIO_ATTEST_X509_H
#define CHIO_ATTEST_X509_H

#include "attest/pubkey.h"

#define CHIO_CERT_MAX 8192u                   /* of a chain */
#define CHIO_CERT_EVIDENCE_MAX (512u * 1024u) /* one that carries evidence in an extension */
#define CHIO_CRL_MAX (1024u * 1024u)
#define CHIO_CERT_EXTENSIONS_MAX 24u

/* Bits of a key usage, in the order of RFC 5280, 4.2.1.3. */
#define CHIO_KEY_USAGE_DIGITAL_SIGNATURE 0x80u
#define CHIO_KEY_USAGE_CERT_SIGN 0x04u
#define CHIO_KEY_USAGE_CRL_SIGN 0x02u

struct chio_cert {
  struct chio_slice der, tbs, serial, issuer, subject; /* names as DER, serial as the INTEGER's contents */
  struct chio_slice common_name;                       /* of the subject; empty when it has none */
  struct chio_slice signature;                         /* without the BIT STRING's first octet */
  enum chio_sig_alg signature_alg;
  int64_t not_before, not_after;
  struct chio_pubkey key;
  struct chio_slice extensions;     /* the SEQUENCE's contents; empty when there are none */
  struct chio_slice subject_key_id; /* empty when absent */
  struct chio_slice authority_key_id;
  bool has_constraints, is_ca, has_path_len, has_key_usage;
  bool has_unknown_critical; /* a critical extension that is not one of those above */
  bool is_v1; /* version 1: it has no extensions, and is no CA for any path */
  uint64_t path_len;
  uint8_t key_usage;
};

/* Exactly one certificate. CHIO_E_MALFORMED, CHIO_E_TOO_LONG. */
CHIO_MUST_CHECK enum chio_err chio_cert_parse(struct chio_slice der, struct chio_cert *out);
/* As above, and of version 1 too, which HSMs have. */
CHIO_MUST_CHECK enum chio_err chio_cert_parse_v1(struct chio_slice der, struct chio_cert *out);

/* The contents of the extension's OCTET STRING. oid: the OID's contents. CHIO_E_NOT_FOUND. */
CHIO_MUST_CHECK enum chio_err chio_cert_extension(const struct chio_cert *cert, struct chio_slice oid,
                                                  struct chio_slice *out);

bool chio_cert_cn_is(const struct chio_cert *cert, const char *name);
bool chio_cert_cn_contains(const struct chio_cert *cert, const char *part);
static inline bool chio_cert_same(const struct chio_cert *a, const struct chio_cert *b) {
  return chio_slice_equal(a->der, b->der);
}

/* Whether issuer may have issued cert: names match, key identifiers do not contradict, issuer is a CA that may sign
 * certificates. Says nothing about signatures. */
bool chio_cert_may_issue(const struct chio_cert *issuer, const struct chio_cert *cert);

struct chio_crl {
  struct chio_slice der, tbs, issuer, signature;
  enum chio_sig_alg signature_alg;
  int64_t this_update, next_update; /* next_update: 0 when absent */
  struct chio_slice revoked;        /* the entries; empty when the list has none */
  bool has_unknown_critical;        /* a delta list, an indirect list, a partial one */
};

/* One list; NUL bytes after it are tolerated, since services append them. CHIO_E_MALFORMED, CHIO_E_TOO_LONG. */
CHIO_MUST_CHECK enum chio_err chio_crl_parse(struct chio_slice der, struct chio_crl *out);

/* CHIO_OK with the answer, CHIO_E_MALFORMED when the entries do not parse. serial as in struct chio_cert. */
CHIO_MUST_CHECK enum chio_err chio_crl_contains(const struct chio_crl *crl, struct chio_slice serial, bool *out);

#endif
