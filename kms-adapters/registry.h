/* The adapters that chio-kmsd has: one row for each in registry.c. */
#ifndef CHIO_KMS_REGISTRY_H
#define CHIO_KMS_REGISTRY_H

#include "kms-adapters/adapter.h"

/* NULL ends the list. */
extern const struct chio_adapter_ops *const chio_adapters[];

/* By the word in the configuration; NULL: there is none of that name. */
const struct chio_adapter_ops *chio_adapter_find(const char *name);

#endif
