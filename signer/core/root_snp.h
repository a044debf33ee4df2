/*
 * The sealing provider "snp": the root in DIR/root.snp, under a key that AMD's secure processor derives for this guest
 * (AMD 56860, MSG_KEY_REQ): from the chip's VCEK, the guest's policy, measurement and SVN, and the TCB version that was
 * committed when the root was made. Another chip, image or policy gets another key.
 */
#ifndef CHIO_CORE_ROOT_SNP_H
#define CHIO_CORE_ROOT_SNP_H

#include "attest/sev_guest.h"
#include "signer/base/secret.h"

/* Errors as chio_root_wrapped_open. */
CHIO_MUST_CHECK enum chio_err chio_root_snp_open(const char *dir, struct chio_secret **out_root,
                                                 struct chio_detail *detail);

/* The same, with another device than the kernel's. */
CHIO_MUST_CHECK enum chio_err chio_root_snp_open_on(const struct chio_sev_guest *device, const char *dir,
                                                    struct chio_secret **out_root, struct chio_detail *detail);

/* For root, before it becomes another user: keeps the device open. CHIO_E_PLATFORM, CHIO_E_PERMISSION. */
CHIO_MUST_CHECK enum chio_err chio_root_snp_prepare(struct chio_detail *detail);

#endif
