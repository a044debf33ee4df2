/*
 * The door (docs/protocol.md, "the door"): a SEQPACKET socket whose path HELLO tells. The client opens it with its
 * first connection and keeps it over fork; a process that can no longer reach the socket's path (after chroot or
 * setuid) makes a stream socketpair and sends one end through the door. The signer treats that end as it treats a
 * connection that it accepted: HELLO comes first, SO_PEERCRED names the process that made the pair.
 *
 * One message is one datagram: the single byte CHIO_DOOR_CONNECTION, with exactly one descriptor in SCM_RIGHTS. There
 * is no reply. A datagram of any other form is dropped.
 */
#ifndef CHIO_WIRE_DOOR_H
#define CHIO_WIRE_DOOR_H

#define CHIO_DOOR_CONNECTION 0x01u /* a new connection: its other end comes along */

#endif
