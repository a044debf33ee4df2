/* CK_MECHANISM and its parameters, by the one table of mechanisms. */
#ifndef CHIO_PKCS11_MECHANISM_H
#define CHIO_PKCS11_MECHANISM_H

#include "pkcs11/cryptoki3.h"
#include "signer/wire/mechanism.h"

/* Reads the parameter that the mechanism takes; an EdDSA context borrows from the application's memory.
 * CKR_MECHANISM_PARAM_INVALID for one that is malformed, missing, or not due. */
CHIO_MUST_CHECK CK_RV p11_mechanism_params(const struct chio_mechanism *mechanism, const CK_MECHANISM *given,
                                           struct chio_mech_params *out_params);

/* What C_GetMechanismInfo says. */
CK_MECHANISM_INFO p11_mechanism_info(const struct chio_mechanism *mechanism);

#endif
