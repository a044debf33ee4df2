/* The state of the library, the frame around every call, and what happens at fork. */
#ifndef CHIO_PKCS11_LIBRARY_H
#define CHIO_PKCS11_LIBRARY_H

#include "pkcs11/app.h"

/* The module's one lock. */
void p11_lock(void);
void p11_unlock(void);

/* A call under way: it keeps the application, and the session when there is one, alive until it is closed. */
struct p11_call {
  struct p11_app *app;
  struct p11_session *session; /* locked for this call; NULL in calls without a session */
};

/* CKR_CRYPTOKI_NOT_INITIALIZED. Only after CKR_OK is p11_call_close due. */
CHIO_MUST_CHECK CK_RV p11_call_begin(struct p11_call *call);

/* As p11_call_begin, with a session: CKR_SESSION_HANDLE_INVALID; CKR_SESSION_CLOSED when it was closed while the call
 * waited for it. */
CHIO_MUST_CHECK CK_RV p11_call_open(struct p11_call *call, CK_SESSION_HANDLE session);

/* Ends the call and returns rv: return p11_call_close(&call, sign(&call, ...)); */
CK_RV p11_call_close(struct p11_call *call, CK_RV rv);

/* Whether C_Initialize was called. */
bool p11_initialized(void);

/* A random number to begin handles with: not 0, far from wrapping. False when the system has none. */
bool p11_handle_start(uint64_t *out_start);

/* C_GetInfo for either table: the version differs. */
CK_RV p11_info(CK_INFO *info, CK_VERSION version);

/* Fills a text field of PKCS #11: blank padded, not NUL-terminated, never cut inside a UTF-8 character. */
void p11_pad(CK_UTF8CHAR *out, size_t size, struct chio_slice text);

/* The version of chio-hsm. */
CK_VERSION p11_release(void);

#endif
