/* A real core on a folder of its own, driven by frames as a client drives it. Includes cmocka for the tests. */
#ifndef CHIO_TESTS_CORE_RIG_H
#define CHIO_TESTS_CORE_RIG_H

#include "signer/core/core.h"
#include "signer/wire/attribute.h"
#include "signer/wire/mechanism.h"
#include "signer/wire/message.h"
#include "tests/support/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define RIG_SO_PIN "12345678"
#define RIG_USER_PIN "123456"

struct rig_ticket {
  uint8_t bytes[CHIO_TICKET_MAX];
  size_t len;
};

struct rig {
  struct temp_dir dir;
  struct chio_core_config config;
  struct chio_core *core;
  struct chio_conn *conn;    /* of client 1 */
  struct chio_buf out;       /* the last reply; what was decoded borrows from it */
  struct chio_detail detail; /* its text, when it was an error */
  uint64_t generation;       /* of its header */
  uint32_t next_id;
  struct rig_ticket user; /* after rig_token */
};

/* A core with cheap PIN hashing, two slots and the simulated platform. */
void rig_open(struct rig *rig);
/* The same in two steps, for who changes rig->config in between. */
void rig_prepare(struct rig *rig);
void rig_start(struct rig *rig);
void rig_close(struct rig *rig);
/* Closes and opens the core again on the same folder; rig->conn is new. */
void rig_restart(struct rig *rig);

/* A connection that said HELLO as client n. */
struct chio_conn *rig_connect(struct rig *rig, uint8_t n);

/* One request and its reply; for a message without reply, CHIO_OK and no bytes. */
enum chio_err rig_call(struct rig *rig, struct chio_conn *conn, uint16_t type, const void *request, void *reply);

/* Slot 0: initialised, both PINs set, rig->user logged in. */
void rig_token(struct rig *rig);
void rig_login(struct rig *rig, uint32_t user, const char *pin, struct rig_ticket *out_ticket);
struct chio_slice rig_ticket(const struct rig_ticket *ticket);

/* A key pair in slot 0 with the user's ticket. */
enum chio_err rig_key_pair(struct rig *rig, uint32_t mechanism, const struct chio_buf *public_template,
                           const struct chio_buf *private_template, struct chio_uid *out_public,
                           struct chio_uid *out_private);
/* A P-256 token key pair of that label. */
void rig_p256(struct rig *rig, const char *label, struct chio_uid *out_public, struct chio_uid *out_private);

/* One attribute of an object of slot 0 with the user's ticket; false when it was not given. */
bool rig_get(struct rig *rig, const struct chio_uid *object, uint32_t type, struct chio_slice *out_value);

enum chio_err rig_sign(struct rig *rig, const struct chio_uid *key, uint32_t mechanism, struct chio_slice data,
                       struct chio_slice *out_signature);

/* How many objects of slot 0 match, over all pages. */
size_t rig_count(struct rig *rig, struct chio_conn *conn, const struct rig_ticket *ticket,
                 const struct chio_buf *templ);

/* DER object identifiers of curves. */
extern const struct chio_slice rig_oid_p256, rig_oid_ed25519;

#endif
