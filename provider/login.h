/*
 * Logins of this process at a signer: one per slot and PIN, kept as tickets, never as PINs. A PIN that was rejected is
 * remembered as a keyed hash and never sent again. No lock is held while chiod is asked.
 */
#ifndef CHIO_PROVIDER_LOGIN_H
#define CHIO_PROVIDER_LOGIN_H

#include "provider/signer.h"

struct chio_prov_login;

/* Where a PIN came from, so that a login that ended can be made anew without asking anybody. */
enum chio_pin_origin {
  CHIO_PIN_CONFIG,   /* pin or pin-source of the configuration */
  CHIO_PIN_SOURCE,   /* pin-source of a URI */
  CHIO_PIN_ELSEWHERE /* a pin-value or a person */
};

/* The login for this slot and PIN, made now if need be. Lives as long as the signer. NULL with an error raised; the
 * text names the slot, never the PIN. source is the path for CHIO_PIN_SOURCE, else NULL; copied. */
struct chio_prov_login *chio_prov_login_get(struct chio_signer *signer, uint32_t slot, struct chio_slice pin,
                                            enum chio_pin_origin origin, const char *source);

/* A login that this slot has already, whatever its PIN; NULL (nothing raised) when there is none. */
struct chio_prov_login *chio_prov_login_any(struct chio_signer *signer, uint32_t slot);

/* A copy of the ticket for one request. NULL login: the empty ticket. The caller wipes out. */
CHIO_MUST_CHECK enum chio_err chio_prov_login_ticket(struct chio_prov_login *login, uint8_t out[CHIO_TICKET_MAX],
                                                     struct chio_slice *out_ticket);

/* The signer says that this login has ended: makes another when the PIN's source can be read again without asking
 * anybody. NULL, with nothing raised, when it cannot. */
struct chio_prov_login *chio_prov_login_again(struct chio_prov_login *login);

/* Frees the list; forgets the tickets without a word to chiod. NULL is accepted. */
void chio_prov_logins_free(struct chio_prov_login *head);

#endif
