/* Sessions: opening, closing, counting. Their lock is held by the call that uses them (library.h). */
#ifndef CHIO_PKCS11_SESSION_H
#define CHIO_PKCS11_SESSION_H

#include "pkcs11/library.h"

/* Drops a hold on a session; the last one frees it. */
void p11_session_release(struct p11_session *session);

/* In the child of fork, under the module's lock: forgets operations that another thread was in the middle of, and
 * session objects (they are the parent's). */
void p11_session_after_fork(struct p11_session *session);

/* Closes all sessions and logs out everywhere, as C_Finalize does. */
void p11_sessions_close_all(struct p11_app *app);

/* Frees the table; no session is in use any more. */
void p11_sessions_free(struct p11_app *app);

/* CKR_SESSION_READ_ONLY or CKR_TOKEN_WRITE_PROTECTED (which outranks it) unless token objects may be written here. */
CHIO_MUST_CHECK CK_RV p11_session_may_write(const struct p11_call *call);

/* Notes that the session made an object: chiod is told when it closes. */
void p11_session_made_object(struct p11_call *call);

#endif
