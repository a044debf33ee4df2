/*
 * The secret of the sealing provider "kms" by secure key release (Azure Key Vault, Managed HSM): a key of the vault
 * that may be exported to whom its release policy describes. A wrapping key of one use is made here; a quote over it
 * goes to the attestation service, the service's token to the vault, and the vault's answer is opened here: chio-kmsd,
 * which carries all three, and whoever ends TLS see neither the wrapping key nor what is released.
 */
#ifndef CHIO_CORE_ROOT_RELEASE_H
#define CHIO_CORE_ROOT_RELEASE_H

#include "signer/core/release.h"
#include "signer/core/root_kms.h"

#define CHIO_ROOT_RELEASE_URI_MAX 512u

/* Whether the source's key is one that is released: azurekms, with evidence. */
bool chio_root_release_is_meant(const struct chio_root_kms *source);

/* The key of that URI, which may name no version: its material, and the URI with the version that was released. Errors
 * of chio_root_kms_open. */
CHIO_MUST_CHECK enum chio_err chio_root_release_get(const struct chio_root_kms *source, const char *uri,
                                                    struct chio_secret **out_material,
                                                    char out_uri[CHIO_ROOT_RELEASE_URI_MAX],
                                                    struct chio_detail *detail);

/* Whether the URI of a root's key is that of the source's key, or of a version of it. */
bool chio_root_release_fits(const struct chio_root_kms *source, const char *uri);

#endif
