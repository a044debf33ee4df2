/* The inside of users: what PINs (user.c) and tickets (ticket.c) share. */
#ifndef CHIO_CORE_USER_DB_H
#define CHIO_CORE_USER_DB_H

#include "signer/core/context_ticket.h"
#include "signer/core/user.h"

#include <pthread.h>
#include <stdatomic.h>

/* A PIN that was right, as a keyed hash with a key of this run: the next login with it costs no Argon2id and no write.
 * A PIN that does not match it goes the counted way. */
struct chio_known_pin {
  bool known;
  uint64_t token_epoch, pin_epoch;
  uint8_t hash[32];
};

struct chio_users {
  struct chio_store *store;
  struct chio_core_config config; /* the limits; its strings are not used */
  pthread_mutex_t pins;           /* one PIN is checked at a time: the counter stays exact */
  pthread_mutex_t small;          /* known and contexts */
  struct chio_known_pin known[CHIO_SLOTS_MAX][CHIO_STORE_USERS];
  struct chio_contexts contexts;
  struct chio_secret *known_key;
  struct chio_secret *ticket_key;
  atomic_ullong generation;
  bool open[CHIO_SLOTS_MAX]; /* slots without PINs */
};

/* The user's row; for the user of a slot without PINs one whose epoch never changes. */
CHIO_MUST_CHECK enum chio_err chio_users_load(struct chio_users *users, uint32_t slot, uint32_t user,
                                              struct chio_user_row *out_row);

/* Whose PIN and row count for this user: CONTEXT is the user. CHIO_E_USER_TYPE. */
CHIO_MUST_CHECK enum chio_err chio_users_row_of(uint32_t user, uint32_t *out_row);

#endif
