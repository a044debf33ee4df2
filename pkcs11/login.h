/* Who is logged in: one login per application and slot, shared by all its sessions. */
#ifndef CHIO_PKCS11_LOGIN_H
#define CHIO_PKCS11_LOGIN_H

#include "pkcs11/library.h"

/* Under the module's lock: takes the slot's login out (NULL when there is none); handles of private objects and
 * operations with private keys end with it. The caller gives it to p11_login_release, without the lock. */
struct p11_login *p11_login_take(struct p11_slot *slot);

/* Drops a hold; the last one ends the ticket at chiod. NULL is accepted. */
void p11_login_release(struct p11_app *app, struct p11_login *login);

/* C_Login and C_LoginUser; the name is empty for the plain users. */
CHIO_MUST_CHECK CK_RV p11_login(struct p11_call *call, CK_USER_TYPE user, struct chio_slice pin,
                                struct chio_slice name);

/* Logs in again with a PIN that was just set, in place of the login whose ticket ended with the old one. Handles and
 * operations go on. */
void p11_login_again(struct p11_call *call, enum chio_user user, struct chio_slice pin);

/* The ticket for one request. */
struct p11_ticket {
  uint8_t bytes[CHIO_TICKET_MAX];
  struct chio_slice slice; /* empty when nobody is logged in */
  uint64_t epoch;          /* of the slot when it was taken */
};

/* Takes a copy of the session's ticket. CKR_USER_NOT_LOGGED_IN when the login has ended meanwhile. */
CHIO_MUST_CHECK CK_RV p11_ticket_take(struct p11_call *call, struct p11_ticket *out_ticket);

/* After the request: wipes the copy, notes the token's generation when there was a reply, and ends the login when
 * chiod says that its ticket has ended. Returns err. */
enum chio_err p11_ticket_done(struct p11_call *call, struct p11_ticket *ticket, enum chio_err err,
                              uint64_t generation);

#endif
