/* The door (signer/wire/door.h): the way to the signer for a process that cannot reach its path any more. */
#ifndef CHIO_CLIENT_DOOR_H
#define CHIO_CLIENT_DOOR_H

#include "signer/client/pool.h"
#include "signer/wire/msg_hello.h"

/* After HELLO: opens the door that it names, unless the one that is open leads to the same run of the signer. A door
 * that cannot be opened is no error: it is a way out, not a way in. */
void chio_door_keep(struct chio_client *client, struct chio_pool *pool, size_t endpoint,
                    const struct chio_hello_reply *hello);

/* Makes a connection through the door. CHIO_E_UNREACHABLE when there is no open door for this endpoint. */
CHIO_MUST_CHECK enum chio_err chio_door_pass(struct chio_pool *pool, size_t endpoint, chio_deadline deadline,
                                             struct chio_socket *out_socket);

#endif
