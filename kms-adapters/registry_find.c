/* Apart from the list, so that a test's chio-kmsd can bring a list of its own. */
#include "kms-adapters/registry.h"

const struct chio_adapter_ops *chio_adapter_find(const char *name) {
  for (size_t i = 0; chio_adapters[i] != NULL; i++)
    if (strcmp(chio_adapters[i]->name, name) == 0) return chio_adapters[i];
  return NULL;
}
