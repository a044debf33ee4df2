/* The attestation result of a verifier as a token that a key in the signer signs: a JWT (RFC 7515) or a CWT (RFC 8392).
 */
#ifndef TOOLS_HSM_RESULT_TOKEN_H
#define TOOLS_HSM_RESULT_TOKEN_H

#include "attest/chio_attest.h"
#include "tools/hsm/hsm.h"

/* What verify --format writes. */
enum hsm_result_form { HSM_RESULT_TEXT, HSM_RESULT_JSON, HSM_RESULT_EAR, HSM_RESULT_JWT, HSM_RESULT_CWT };

/* CHIO_E_ARGUMENT: no such form, or it and --json, --output and --sign-with do not go together. */
CHIO_MUST_CHECK enum chio_err hsm_result_form_read(const struct hsm *hsm, enum hsm_result_form *out,
                                                   struct chio_detail *detail);

/* Writes the result in one of the last three forms to --output, or to stdout. */
CHIO_MUST_CHECK enum chio_err hsm_result_token_write(struct hsm *hsm, enum hsm_result_form form,
                                                     const struct chio_attest_result *result,
                                                     const struct chio_attest_request *request,
                                                     struct chio_detail *detail);

#endif
