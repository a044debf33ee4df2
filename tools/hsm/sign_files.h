/* chio-hsm sign KEY FILE FILE ...: many signatures, few round trips. */
#ifndef TOOLS_HSM_SIGN_FILES_H
#define TOOLS_HSM_SIGN_FILES_H

#include "tools/hsm/key_sign.h"

#include <jansson.h>

/* The command with several files. */
CHIO_MUST_CHECK enum chio_err hsm_sign_files(struct hsm *hsm, struct chio_detail *detail);

/* A message as it is, or the canonical form of the JSON in it where that was asked for. CHIO_E_TOO_LONG above
 * CHIO_DATA_MAX. */
CHIO_MUST_CHECK enum chio_err hsm_read_message(const struct hsm *hsm, const char *path, struct chio_buf *out,
                                               struct chio_detail *detail);

/* Algorithm, public key and signature as Chio writes them. CHIO_E_KEY_TYPE for RSA. */
CHIO_MUST_CHECK enum chio_err hsm_signature_json(const struct hsm_signature_kind *kind, struct chio_slice spki,
                                                 struct chio_slice signature, json_t **out_json,
                                                 struct chio_detail *detail);

#endif
