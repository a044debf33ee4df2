/* What PKCS #11 v3.0 adds and this module has: C_LoginUser, C_SessionCancel. */
#include "pkcs11/login.h"

CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len, CK_UTF8CHAR *name,
                  CK_ULONG name_len) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  return p11_call_close(&call, p11_login(&call, user, chio_slice(pin, pin_len), chio_slice(name, name_len)));
}

/* Flags of operations that are not active are no mistake (PKCS #11 v3.0, 5.6.11). */
CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags) {
  struct p11_call call;
  CK_RV rv = p11_call_open(&call, session);
  if (rv != CKR_OK) return rv;
  if ((flags & CKF_SIGN) != 0) p11_operation_end(&call.session->sign);
  if ((flags & CKF_MESSAGE_SIGN) != 0) p11_operation_end(&call.session->sign_messages);
  if ((flags & CKF_VERIFY) != 0) p11_operation_end(&call.session->verify);
  if ((flags & CKF_DIGEST) != 0) p11_operation_end(&call.session->digest);
  if ((flags & CKF_FIND_OBJECTS) != 0) p11_find_end(&call.session->find);
  return p11_call_close(&call, CKR_OK);
}
