/*
 * What PKCS #11 v3.0 adds and p11-kit's header may lack (0.24 knows 2.40 alone): CK_INTERFACE, CK_FUNCTION_LIST_3_0,
 * their functions and flags, CK_EDDSA_PARAMS. Layouts as in the specification, section 3 and appendix.
 */
#ifndef CHIO_PKCS11_CRYPTOKI3_H
#define CHIO_PKCS11_CRYPTOKI3_H

#include "signer/wire/cryptoki.h"

/* PKCS #11 v3.0, 2.3.5. Named after ourselves: p11-kit's header may grow its own. */
struct p11_eddsa_params {
  CK_BBOOL phFlag;
  CK_ULONG ulContextDataLen;
  CK_BYTE *pContextData;
};

#ifndef CKR_TOKEN_RESOURCE_EXCEEDED
#define CKR_TOKEN_RESOURCE_EXCEEDED 0x201UL
#endif
#ifndef CKF_EC_CURVENAME
#define CKF_EC_CURVENAME (1UL << 26)
#endif
#ifndef CKF_MESSAGE_SIGN
#define CKF_MESSAGE_SIGN (1UL << 3)
#endif
#ifndef CKF_MULTI_MESSAGE
#define CKF_MULTI_MESSAGE (1UL << 5)
#endif
#ifndef CKF_FIND_OBJECTS
#define CKF_FIND_OBJECTS (1UL << 6)
#endif
#ifndef CKF_INTERFACE_FORK_SAFE
#define CKF_INTERFACE_FORK_SAFE 0x1UL
#endif

#if CRYPTOKI_VERSION_MAJOR < 3

typedef struct ck_interface {
  char *pInterfaceName;
  void *pFunctionList;
  CK_FLAGS flags;
} CK_INTERFACE;

#define P11_DECLARE(name, ...)            \
  typedef CK_RV (*CK_##name)(__VA_ARGS__); \
  CK_RV name(__VA_ARGS__)

P11_DECLARE(C_GetInterfaceList, CK_INTERFACE *interfaces, CK_ULONG *count);
P11_DECLARE(C_GetInterface, CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **out_interface, CK_FLAGS flags);
P11_DECLARE(C_LoginUser, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len,
            CK_UTF8CHAR *name, CK_ULONG name_len);
P11_DECLARE(C_SessionCancel, CK_SESSION_HANDLE session, CK_FLAGS flags);
P11_DECLARE(C_MessageEncryptInit, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
P11_DECLARE(C_EncryptMessage, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *aad,
            CK_ULONG aad_len, CK_BYTE *plain, CK_ULONG plain_len, CK_BYTE *cipher, CK_ULONG *cipher_len);
P11_DECLARE(C_EncryptMessageBegin, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *aad,
            CK_ULONG aad_len);
P11_DECLARE(C_EncryptMessageNext, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *plain,
            CK_ULONG plain_len, CK_BYTE *cipher, CK_ULONG *cipher_len, CK_FLAGS flags);
P11_DECLARE(C_MessageEncryptFinal, CK_SESSION_HANDLE session);
P11_DECLARE(C_MessageDecryptInit, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
P11_DECLARE(C_DecryptMessage, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *aad,
            CK_ULONG aad_len, CK_BYTE *cipher, CK_ULONG cipher_len, CK_BYTE *plain, CK_ULONG *plain_len);
P11_DECLARE(C_DecryptMessageBegin, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *aad,
            CK_ULONG aad_len);
P11_DECLARE(C_DecryptMessageNext, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *cipher,
            CK_ULONG cipher_len, CK_BYTE *plain, CK_ULONG *plain_len, CK_FLAGS flags);
P11_DECLARE(C_MessageDecryptFinal, CK_SESSION_HANDLE session);
P11_DECLARE(C_MessageSignInit, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
P11_DECLARE(C_SignMessage, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
            CK_ULONG data_len, CK_BYTE *signature, CK_ULONG *signature_len);
P11_DECLARE(C_SignMessageBegin, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len);
P11_DECLARE(C_SignMessageNext, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
            CK_ULONG data_len, CK_BYTE *signature, CK_ULONG *signature_len);
P11_DECLARE(C_MessageSignFinal, CK_SESSION_HANDLE session);
P11_DECLARE(C_MessageVerifyInit, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
P11_DECLARE(C_VerifyMessage, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
            CK_ULONG data_len, CK_BYTE *signature, CK_ULONG signature_len);
P11_DECLARE(C_VerifyMessageBegin, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len);
P11_DECLARE(C_VerifyMessageNext, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
            CK_ULONG data_len, CK_BYTE *signature, CK_ULONG signature_len);
P11_DECLARE(C_MessageVerifyFinal, CK_SESSION_HANDLE session);
#undef P11_DECLARE

/* The 2.40 list as it stands, then what 3.0 adds, in the order of the specification. */
typedef struct ck_function_list_3_0 {
  CK_VERSION version;
#define P11_F(name) CK_##name name;
#define P11_INFO(name) CK_##name name;
#include "pkcs11/functions.def"
#include "pkcs11/functions3.def"
#undef P11_INFO
#undef P11_F
} CK_FUNCTION_LIST_3_0;

#endif /* CRYPTOKI_VERSION_MAJOR < 3 */

#endif
