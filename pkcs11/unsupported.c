/*
 * Functions this token does not have. They say so, once the library is initialised: no pointer of the function lists is
 * NULL, and no answer precedes CKR_CRYPTOKI_NOT_INITIALIZED.
 */
#include "pkcs11/library.h"

static CK_RV unsupported(void) {
  return p11_initialized() ? CKR_FUNCTION_NOT_SUPPORTED : CKR_CRYPTOKI_NOT_INITIALIZED;
}

static CK_RV not_parallel(void) {
  return p11_initialized() ? CKR_FUNCTION_NOT_PARALLEL : CKR_CRYPTOKI_NOT_INITIALIZED;
}

/* UNSUPPORTED(name, types of its parameters) */
#define P1(a) a a1
#define P2(a, b) P1(a), b a2
#define P3(a, b, c) P2(a, b), c a3
#define P4(a, b, c, d) P3(a, b, c), d a4
#define P5(a, b, c, d, e) P4(a, b, c, d), e a5
#define P6(a, b, c, d, e, f) P5(a, b, c, d, e), f a6
#define P7(a, b, c, d, e, f, g) P6(a, b, c, d, e, f), g a7
#define P8(a, b, c, d, e, f, g, h) P7(a, b, c, d, e, f, g), h a8
#define P9(a, b, c, d, e, f, g, h, i) P8(a, b, c, d, e, f, g, h), i a9
#define P(a1, a2, a3, a4, a5, a6, a7, a8, a9, N, ...) P##N
#define PARAMETERS(...) P(__VA_ARGS__, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define UNSUPPORTED(name, ...)           \
  CK_RV name(PARAMETERS(__VA_ARGS__)) { \
    return unsupported();                \
  }

UNSUPPORTED(C_EncryptInit, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE)
UNSUPPORTED(C_Encrypt, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_EncryptUpdate, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_EncryptFinal, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_DecryptInit, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE)
UNSUPPORTED(C_Decrypt, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_DecryptUpdate, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_DecryptFinal, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_SignRecoverInit, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE)
UNSUPPORTED(C_SignRecover, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_VerifyRecoverInit, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE)
UNSUPPORTED(C_VerifyRecover, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_DigestEncryptUpdate, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_DecryptDigestUpdate, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_SignEncryptUpdate, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_DecryptVerifyUpdate, CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_GenerateKey, CK_SESSION_HANDLE, CK_MECHANISM *, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *)
UNSUPPORTED(C_WrapKey, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_UnwrapKey, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG, CK_ATTRIBUTE *,
            CK_ULONG, CK_OBJECT_HANDLE *)
UNSUPPORTED(C_DeriveKey, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG,
            CK_OBJECT_HANDLE *)

UNSUPPORTED(C_MessageEncryptInit, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE)
UNSUPPORTED(C_EncryptMessage, CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG,
            CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_EncryptMessageBegin, CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG)
UNSUPPORTED(C_EncryptMessageNext, CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *,
            CK_FLAGS)
UNSUPPORTED(C_MessageEncryptFinal, CK_SESSION_HANDLE)
UNSUPPORTED(C_MessageDecryptInit, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE)
UNSUPPORTED(C_DecryptMessage, CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG,
            CK_BYTE *, CK_ULONG *)
UNSUPPORTED(C_DecryptMessageBegin, CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG)
UNSUPPORTED(C_DecryptMessageNext, CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *,
            CK_FLAGS)
UNSUPPORTED(C_MessageDecryptFinal, CK_SESSION_HANDLE)
UNSUPPORTED(C_MessageVerifyInit, CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE)
UNSUPPORTED(C_VerifyMessage, CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG)
UNSUPPORTED(C_VerifyMessageBegin, CK_SESSION_HANDLE, void *, CK_ULONG)
UNSUPPORTED(C_VerifyMessageNext, CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG)
UNSUPPORTED(C_MessageVerifyFinal, CK_SESSION_HANDLE)
#pragma GCC diagnostic pop

/* Parallel functions went with version 2.0. */
CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session) {
  (void)session;
  return not_parallel();
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session) {
  (void)session;
  return not_parallel();
}
