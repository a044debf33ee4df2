/* JSON on stdout. */
#ifndef TOOLS_HSM_JSON_H
#define TOOLS_HSM_JSON_H

#include "signer/base/err.h"
#include <jansson.h>

/* Prints and frees it. CHIO_E_NO_MEMORY for NULL, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err hsm_json_print(json_t *value);

#endif
