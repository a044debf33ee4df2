/*
 * Users of a token and their PINs and tickets. PINs are Argon2id verifiers; the failure counter is on the disk before
 * the comparison; delays grow, then the PIN locks. A ticket is sealed by the signer and names slot, user, PIN epoch,
 * token epoch, an id and its end; it survives a restart of the signer. Thread-safe.
 */
#ifndef CHIO_CORE_USER_H
#define CHIO_CORE_USER_H

#include "signer/core/core.h"
#include "signer/core/store.h"
#include "signer/wire/limits.h"

struct chio_users;

CHIO_MUST_CHECK enum chio_err chio_users_new(struct chio_store *store, struct chio_seal *seal,
                                             const struct chio_core_config *config, struct chio_users **out_users);
void chio_users_free(struct chio_users *users); /* NULL is accepted */

/* Checks a PIN (of the user, for CONTEXT). CHIO_E_USER_TYPE, CHIO_E_TOKEN_UNINITIALIZED, CHIO_E_PIN_INCORRECT,
 * CHIO_E_PIN_LOCKED, CHIO_E_PIN_DELAY (detail says for how long), CHIO_E_PIN_UNINITIALIZED, CHIO_E_PIN_LENGTH (empty,
 * or above CHIO_PIN_MAX), CHIO_E_NO_MEMORY and those of the store. A failure is counted on the disk first;
 * success clears the count. A PIN that was right before in this run costs no Argon2id again. */
CHIO_MUST_CHECK enum chio_err chio_users_check_pin(struct chio_users *users, uint32_t slot, uint32_t user,
                                                   struct chio_slice pin, struct chio_detail *detail);

/* Sets a PIN without asking for the old one (the caller has checked the right to): counter cleared, lock lifted, PIN
 * epoch raised, which ends the tickets of that user. CHIO_E_PIN_LENGTH, CHIO_E_PIN_INVALID. */
CHIO_MUST_CHECK enum chio_err chio_users_set_pin(struct chio_users *users, uint32_t slot, uint32_t user,
                                                 struct chio_slice pin, struct chio_detail *detail);

/* CKF_* flags of both users: USER_PIN_INITIALIZED, USER_PIN_COUNT_LOW, FINAL_TRY, LOCKED, and the SO_ ones. */
uint64_t chio_users_token_flags(struct chio_users *users, uint32_t slot);

/* What a ticket says. */
struct chio_ticket {
  uint32_t slot;
  uint32_t user;        /* enum chio_user */
  struct chio_uid key;  /* CONTEXT: the key it opens, once; else zero */
  uint8_t id[16];
  uint64_t ends;        /* seconds since the epoch */
  uint64_t token_epoch;
  uint64_t pin_epoch;
};

/* Seals a new ticket into out. For CONTEXT, key is the key and the ticket lives 60 seconds, and not over a restart. */
CHIO_MUST_CHECK enum chio_err chio_users_ticket_issue(struct chio_users *users, uint32_t slot, uint32_t user,
                                                      const struct chio_uid *key, uint8_t out[CHIO_TICKET_MAX],
                                                      size_t *out_len, uint64_t *out_lifetime);

/* Opens a ticket and checks it against now, the epochs and the revoked ones. CHIO_E_TICKET_INVALID. Costs an AEAD
 * open: the dispatcher remembers the last good ticket of a connection, with chio_users_generation. */
CHIO_MUST_CHECK enum chio_err chio_users_ticket_open(struct chio_users *users, struct chio_slice sealed,
                                                     struct chio_ticket *out_ticket);

/* A slot without PINs of its own: tickets for its user are issued to whoever asks, and do not depend on a PIN. Before
 * the first request. */
void chio_users_open_slot(struct chio_users *users, uint32_t slot);

/* Grows whenever a ticket that was good may have ended (logout, PIN change): atomic read. Whoever initialises a token
 * sets the SO's PIN next, which counts. */
uint64_t chio_users_generation(struct chio_users *users);

/* Ends a ticket. One that has ended already is no error; bytes that are no ticket are CHIO_E_TICKET_INVALID. */
CHIO_MUST_CHECK enum chio_err chio_users_ticket_end(struct chio_users *users, struct chio_slice sealed);

/* Uses up a CONTEXT ticket: CHIO_E_TICKET_INVALID when it was used before. */
CHIO_MUST_CHECK enum chio_err chio_users_context_use(struct chio_users *users, const struct chio_ticket *ticket);

#endif
