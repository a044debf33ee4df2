/*
 * Roots that only the hardware opens: random bytes in a file of the state folder, encrypted under a key that the
 * hardware derives anew for the very same code. The file says, in the clear and authenticated, what the key was derived
 * from ("facts"):
 *
 *   "CHIOROOT" 01 || length of the facts (1) || facts || nonce (24) || root, encrypted (32) || tag (16)
 */
#ifndef CHIO_CORE_ROOT_WRAPPED_H
#define CHIO_CORE_ROOT_WRAPPED_H

#include "signer/base/err.h"
#include "signer/base/secret.h"

#define CHIO_ROOT_FACTS_MAX 64u

struct chio_root_wrapper {
  const char *name;      /* of the file: "root.snp" */
  const char *otherwise; /* what may be the case when the key does not fit, for people */
  size_t facts_size;     /* 0: there are none */
  /* The facts for a new root; NULL with facts_size 0. */
  CHIO_MUST_CHECK enum chio_err (*describe)(const void *source, uint8_t *out_facts, struct chio_detail *detail);
  /* The hardware's key for these facts. CHIO_E_SEAL: they are not such as this provider writes. */
  CHIO_MUST_CHECK enum chio_err (*derive)(const void *source, const uint8_t *facts, struct chio_secret **out_key,
                                          struct chio_detail *detail);
};

/* Opens the root, or makes it where DIR has no store yet. CHIO_E_SEAL (missing beside a store, damaged, the hardware's
 * key does not fit), CHIO_E_PLATFORM, CHIO_E_PERMISSION, CHIO_E_IO, CHIO_E_STORE_READ_ONLY, CHIO_E_STORE_FULL. */
CHIO_MUST_CHECK enum chio_err chio_root_wrapped_open(const struct chio_root_wrapper *wrapper, const void *source,
                                                     const char *dir, struct chio_secret **out_root,
                                                     struct chio_detail *detail);

#endif
