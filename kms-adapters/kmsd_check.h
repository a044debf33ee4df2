/* What is wrong with a [backend.NAME] before any of it is used: said at the start, by name and without its value. */
#ifndef CHIO_KMS_KMSD_CHECK_H
#define CHIO_KMS_KMSD_CHECK_H

#include "kms-adapters/adapter.h"

/* Options that the adapter does not look at (ops NULL: those of a source of collateral), files that are not named from
 * the root, URLs with a user in them. CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_check_options(const struct chio_adapter_ops *ops,
                                                      const struct chio_backend_options *options,
                                                      struct chio_detail *detail);

/* URIs, each ended by a NUL, of keys of that kind. CHIO_E_CONFIG; the detail has what is before the options of one, for
 * those may hold a secret by mistake. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_check_keys(enum chio_kms_kind kind, struct chio_slice uris,
                                                   struct chio_detail *detail);

#endif
