/*
 * Who may be the signer: root, this process's own effective user, and one user named at the start. The kernel says who
 * listens (SO_PEERCRED); nothing but HELLO goes to anybody else, so that no PIN ends in the wrong hands.
 */
#ifndef CHIO_CLIENT_TRUST_H
#define CHIO_CLIENT_TRUST_H

#include "signer/client/socket.h"

#define CHIO_TRUSTED_USER_DEFAULT "chio"
#define CHIO_TRUSTED_USER_MAX 64u /* bytes of the name with its NUL */

struct chio_trust {
  char name[CHIO_TRUSTED_USER_MAX];
  bool has_user; /* false: there is no such user; only root and the own user are trusted */
  uid_t user;
};

/* Looks the user up now, because after chroot it cannot be. name: a name or a number; NULL: $CHIO_SIGNER_USER, then
 * "chio". CHIO_E_CONFIG when a user that was asked for does not exist (that of the default may be missing). */
CHIO_MUST_CHECK enum chio_err chio_trust_resolve(const char *name, struct chio_trust *out_trust,
                                                 struct chio_detail *detail);

/* CHIO_E_PEER_UNTRUSTED names the user who listens and whom we would trust. */
CHIO_MUST_CHECK enum chio_err chio_trust_check(const struct chio_trust *trust, const struct chio_socket *socket,
                                               struct chio_detail *detail);

#endif
