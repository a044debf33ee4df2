/*
 * A socket of ours in a process that is not ours. Applications close and reuse descriptors that they do not know, so
 * the socket is remembered by its inode, and a descriptor that names something else by now is never written to, read
 * from or closed. Nothing here raises SIGPIPE; descriptors are close-on-exec and above 2.
 */
#ifndef CHIO_CLIENT_SOCKET_H
#define CHIO_CLIENT_SOCKET_H

#include "signer/base/err.h"
#include "signer/base/slice.h"
#include "signer/client/deadline.h"
#include <sys/types.h>

struct chio_socket {
  int fd; /* -1: none */
  dev_t dev;
  ino_t ino;
};

#define CHIO_SOCKET_NONE {.fd = -1, .dev = 0, .ino = 0}

/* Connects to a unix socket of the type (SOCK_STREAM, SOCK_SEQPACKET) without waiting. CHIO_E_UNREACHABLE with errno in
 * *out_errno (EAGAIN: the listener's queue is full), CHIO_E_IO when this process cannot make a socket. */
CHIO_MUST_CHECK enum chio_err chio_socket_connect(const char *path, int type, struct chio_socket *out_socket,
                                                  int *out_errno);

/* A stream socketpair: ours, and the end to give away, a plain descriptor that the caller closes. CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_socket_pair(struct chio_socket *out_socket, int *out_other);

/* Whether the descriptor still is the socket that it was. */
bool chio_socket_is_ours(const struct chio_socket *socket);

/* Closes the descriptor if it is ours, and forgets it. */
void chio_socket_close(struct chio_socket *socket);

/* How long a blocking receive may last. */
void chio_socket_set_patience(const struct chio_socket *socket, unsigned ms);

/* Sends all bytes; *out_sent tells how many went out, also on failure. CHIO_E_DISCONNECTED (also when the descriptor is
 * not ours any more), CHIO_E_TIMEOUT. */
CHIO_MUST_CHECK enum chio_err chio_socket_send(const struct chio_socket *socket, struct chio_slice bytes,
                                               chio_deadline deadline, size_t *out_sent);

/* Receives at least 1 and at most size bytes. Blocks in the receive itself, which the socket's patience bounds; with
 * poll_first it waits in poll until the deadline instead (two system calls, but an exact bound). CHIO_E_DISCONNECTED,
 * CHIO_E_TIMEOUT. */
CHIO_MUST_CHECK enum chio_err chio_socket_receive(const struct chio_socket *socket, void *to, size_t size,
                                                  chio_deadline deadline, bool poll_first, size_t *out_len);

/* Sends one datagram of one byte with a descriptor in it. CHIO_E_DISCONNECTED, CHIO_E_TIMEOUT, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_socket_send_fd(const struct chio_socket *socket, uint8_t byte, int fd,
                                                  chio_deadline deadline);

/* Whether nothing is wrong with an idle stream: no bytes nobody asked for, not closed by the other side. */
bool chio_socket_is_quiet(const struct chio_socket *socket);

#endif
