/*
 * The sealing root of a state folder and the keys derived from it. A provider says where the root comes from: "file"
 * keeps it in the clear in DIR/root.key (0600): for development, said loudly in the log; "snp", "sgx" and "sgx-signer"
 * keep it under a key that the hardware derives for this code alone (root_snp.h, root_sgx.h); "kms" under one that a
 * KMS unwraps for whoever it trusts, or for this code alone (root_kms.h).
 */
#ifndef CHIO_CORE_SEAL_H
#define CHIO_CORE_SEAL_H

#include "signer/base/buf.h"
#include "signer/base/err.h"
#include "signer/base/secret.h"

struct chio_seal;

/* Opens the root, or makes it when the folder is new. CHIO_E_SEAL (missing, unreadable, wrong mode or size while a
 * store exists), CHIO_E_UNSUPPORTED (no such provider), CHIO_E_STORE_READ_ONLY, CHIO_E_STORE_FULL, CHIO_E_IO,
 * CHIO_E_PLATFORM and CHIO_E_PERMISSION (the hardware does not give its key). */
CHIO_MUST_CHECK enum chio_err chio_seal_open(const char *provider, const char *dir, struct chio_seal **out_seal,
                                             struct chio_detail *detail);

/* For root, before it becomes another user: what the provider needs root for. CHIO_E_UNSUPPORTED, CHIO_E_PLATFORM,
 * CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_seal_prepare(const char *provider, struct chio_detail *detail);

struct chio_root_kms;

/* The provider "kms" (root_kms.h), which needs more than a folder. Errors of chio_root_kms_open. */
CHIO_MUST_CHECK enum chio_err chio_seal_open_kms(const struct chio_root_kms *source, const char *dir,
                                                 struct chio_seal **out_seal, struct chio_detail *detail);
void chio_seal_free(struct chio_seal *seal);
CHIO_AUTO_DECLARE(chio_seal)
const char *chio_seal_provider(const struct chio_seal *seal);

/* A 32-byte key: HKDF-SHA-256(root, info = purpose || 00 || context). */
CHIO_MUST_CHECK enum chio_err chio_seal_derive(const struct chio_seal *seal, const char *purpose,
                                               struct chio_slice context, struct chio_secret **out_key);

/* XChaCha20-Poly1305 (IETF) with a random nonce: nonce (24) || ciphertext || tag (16) appended to out. */
CHIO_MUST_CHECK enum chio_err chio_seal_encrypt(const struct chio_secret *key, struct chio_slice aad,
                                                struct chio_slice plain, struct chio_buf *out);
/* CHIO_E_STORE_CORRUPT when the tag does not fit. *out_plain is a new secret. */
CHIO_MUST_CHECK enum chio_err chio_seal_decrypt(const struct chio_secret *key, struct chio_slice aad,
                                                struct chio_slice sealed, struct chio_secret **out_plain);

#endif
