#include "kms-adapters/registry.h"

/* One row for each adapter. */
const struct chio_adapter_ops *const chio_adapters[] = {
    &chio_aws_ops,
    &chio_azure_ops,
    &chio_gcp_ops,
    &chio_module_ops,
    &chio_vault_ops,
    NULL,
};
