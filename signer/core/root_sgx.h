/*
 * The sealing providers "sgx" and "sgx-signer": the root in DIR/root.sgx or DIR/root.sgx-signer, under the key that SGX
 * derives for this enclave or for all enclaves of its signer (Gramine: /dev/attestation/keys).
 */
#ifndef CHIO_CORE_ROOT_SGX_H
#define CHIO_CORE_ROOT_SGX_H

#include "signer/base/err.h"
#include "signer/base/secret.h"

/* Bound to MRENCLAVE: another build of the enclave does not open it. Errors as chio_root_wrapped_open. */
CHIO_MUST_CHECK enum chio_err chio_root_sgx_open(const char *dir, struct chio_secret **out_root,
                                                 struct chio_detail *detail);
/* Bound to MRSIGNER and the product id: every enclave of the same signer and product opens it. */
CHIO_MUST_CHECK enum chio_err chio_root_sgx_signer_open(const char *dir, struct chio_secret **out_root,
                                                        struct chio_detail *detail);

/* The same, with another folder than Gramine's. */
CHIO_MUST_CHECK enum chio_err chio_root_sgx_open_on(const char *gramine, bool by_signer, const char *dir,
                                                    struct chio_secret **out_root, struct chio_detail *detail);

#endif
