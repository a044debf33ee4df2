/*
 * A key of one use to which a KMS encrypts its answer: RSA-2048, made here, named in evidence, wiped afterwards. AWS
 * KMS answers with CMS EnvelopedData (RFC 5652), one KeyTransRecipientInfo with RSAES-OAEP and SHA-256, content in
 * AES-256-CBC; BER, since it may use indefinite lengths. The content is not authenticated: the caller checks it. Azure
 * answers with a wrapped key (PKCS #11 v3.1, 6.1.8: CKM_RSA_AES_KEY_WRAP): an AES key under RSAES-OAEP, and under that
 * the key (RFC 5649).
 */
#ifndef CHIO_CORE_RECIPIENT_H
#define CHIO_CORE_RECIPIENT_H

#include "signer/base/buf.h"
#include "signer/base/secret.h"

#define CHIO_RECIPIENT_CMS_MAX 6144u   /* bytes */
#define CHIO_RECIPIENT_PLAIN_MAX 4096u /* bytes */

struct chio_recipient;

CHIO_MUST_CHECK enum chio_err chio_recipient_new(struct chio_recipient **out_recipient);
/* With a PKCS#8 key of ours, for tests. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_recipient_from(struct chio_slice pkcs8, struct chio_recipient **out_recipient);
void chio_recipient_free(struct chio_recipient *recipient);
CHIO_AUTO_DECLARE(chio_recipient)

/* Its SubjectPublicKeyInfo, borrowed. */
struct chio_slice chio_recipient_spki(const struct chio_recipient *recipient);

/* The content. CHIO_E_BACKEND: not such a CMS, another algorithm, another key. */
CHIO_MUST_CHECK enum chio_err chio_recipient_open(const struct chio_recipient *recipient, struct chio_slice cms,
                                                  struct chio_secret **out_plain, struct chio_detail *detail);

/* The key in what CKM_RSA_AES_KEY_WRAP made with an AES key of 256 bits and OAEP with that hash ("SHA1", "SHA256",
 * "SHA384"; MGF1 with the same, no label). CHIO_E_BACKEND: damaged, another hash, another key. */
CHIO_MUST_CHECK enum chio_err chio_recipient_unwrap(const struct chio_recipient *recipient, const char *hash,
                                                    struct chio_slice wrapped, struct chio_secret **out_key,
                                                    struct chio_detail *detail);

#endif
