/*
 * One signer as this process sees it: the client that talks to it and the logins made there. Endpoints by precedence:
 * the URI's signer=, then $CHIO_SIGNER, then the configuration's signer, then the compiled-in list.
 */
#ifndef CHIO_PROVIDER_SIGNER_H
#define CHIO_PROVIDER_SIGNER_H

#include "provider/prov.h"
#include "signer/client/client.h"

#include <stdatomic.h>

struct chio_prov_login;

/* Does not connect. endpoints NULL: as configured. NULL with an error raised. */
struct chio_signer *chio_signer_new(struct chio_prov *prov, const char *endpoints);

/* Closes connections and forgets logins; sends nothing. NULL is accepted. */
void chio_signer_free(struct chio_signer *signer);

bool chio_signer_is(const struct chio_signer *signer, const char *endpoints);
struct chio_signer *chio_signer_next(const struct chio_signer *signer);
void chio_signer_set_next(struct chio_signer *signer, struct chio_signer *next);

struct chio_prov *chio_signer_prov(const struct chio_signer *signer);
struct chio_client *chio_signer_client(const struct chio_signer *signer);

/* The endpoints that a URI named, or NULL for the configured ones. */
const char *chio_signer_endpoints(const struct chio_signer *signer);

#define CHIO_PIN_MARK 32u

/* The keyed hash by which a PIN for a slot is known again; the key is random and this signer's own. */
void chio_signer_pin_mark(const struct chio_signer *signer, uint32_t slot, struct chio_slice pin,
                          uint8_t out[CHIO_PIN_MARK]);

/* The head of the list of logins, which login.c keeps. */
_Atomic(struct chio_prov_login *) *chio_signer_logins(struct chio_signer *signer);

#endif
