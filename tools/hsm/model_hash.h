/* The model that a key is for, as the options name it. */
#ifndef TOOLS_HSM_MODEL_HASH_H
#define TOOLS_HSM_MODEL_HASH_H

#include "tools/hsm/hsm.h"

/* Appends the hash: of the name in --model, or the bytes of the other option (--model-hash, --workload-hash), 1 to 64
 * of them; nothing when neither is given. CHIO_E_ARGUMENT: both, or bytes that are none. */
CHIO_MUST_CHECK enum chio_err hsm_model_read(const struct hsm *hsm, enum hsm_option hex, const char *hex_name,
                                             struct chio_buf *out, struct chio_detail *detail);

#endif
