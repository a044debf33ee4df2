/*
 * The door: a SEQPACKET socket through which a client hands in connections. A process that can no longer reach the
 * socket's path (it forked, dropped its user, went into a chroot) makes a socketpair and sends one end through the door
 * that it inherited: one message of one byte (CHIO_DOOR_CONNECTION) with one descriptor. There is no reply: what goes
 * wrong shows as the end of the new connection. A message of any other form is dropped; the door stays open, because
 * others hold it too.
 *
 * The new connection's peer is who made the socketpair (SO_PEERCRED). It must be the very process that sends the
 * message (SCM_CREDENTIALS): else one could hand in a connection to another service, and have chiod take that service's
 * user for its client.
 */
#ifndef CHIO_DAEMON_DOOR_H
#define CHIO_DAEMON_DOOR_H

#include "signer/base/err.h"
#include "signer/core/core.h"
#include "signer/wire/door.h"

#define CHIO_DOOR_FDS_MAX 253 /* SCM_MAX_FD: what one message can carry, so that each can be closed */

/* Sets on the listening socket what its accepted ones inherit: the sender's credentials with each message.
 * CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_door_prepare(int listener);

/* Takes one message. *out_fd is a connected, close-on-exec unix stream socket, the caller's to close (it may block: use
 * MSG_DONTWAIT), and *out_peer its other end. CHIO_E_BUSY: no message waits. CHIO_E_DISCONNECTED: the door's other end
 * was closed. CHIO_E_PROTOCOL: the message was not as above; what it carried is closed, detail says what was wrong. */
CHIO_MUST_CHECK enum chio_err chio_door_take(int door, int *out_fd, struct chio_peer *out_peer,
                                             struct chio_detail *detail);

#endif
