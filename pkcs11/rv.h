/* The one place where an enum chio_err becomes a CK_RV. */
#ifndef CHIO_PKCS11_RV_H
#define CHIO_PKCS11_RV_H

#include "pkcs11/cryptoki3.h"
#include "signer/base/err.h"

/* Every error has a defined CK_RV; what a caller can do nothing about becomes CKR_DEVICE_ERROR (the signer or the way
 * to it) or CKR_GENERAL_ERROR. CHIO_E_OBJECT_UNKNOWN becomes CKR_OBJECT_HANDLE_INVALID. */
CK_RV p11_rv(enum chio_err err);

/* As p11_rv, for an operation with a key: CKR_KEY_HANDLE_INVALID instead. */
CK_RV p11_rv_key(enum chio_err err);

/* As p11_rv, for C_Login: a PIN of an impossible length is a wrong PIN (PKCS #11 v3.0, 5.6.8 knows no other answer). */
CK_RV p11_rv_login(enum chio_err err);

#endif
