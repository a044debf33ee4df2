/* What commands open: the signer, the token they are about, a login. Each is opened once and closed by hsm_close. */
#ifndef TOOLS_HSM_SIGNER_H
#define TOOLS_HSM_SIGNER_H

#include "signer/wire/cryptoki.h"
#include "tools/hsm/hsm.h"

/* The signer of --signer or CHIO_SIGNER, connected. */
CHIO_MUST_CHECK enum chio_err hsm_client(struct hsm *hsm, struct chio_detail *detail);

/* And the token of --token or --slot, or the only one there is; the error lists those to choose from. */
CHIO_MUST_CHECK enum chio_err hsm_token(struct hsm *hsm, struct chio_detail *detail);

/* And a login as its user, with the PIN of --pin-source, $CHIO_PIN_SOURCE or a question. */
CHIO_MUST_CHECK enum chio_err hsm_login(struct hsm *hsm, struct chio_detail *detail);

/* And a login as its security officer, with the PIN of --so-pin-source. */
CHIO_MUST_CHECK enum chio_err hsm_login_so(struct hsm *hsm, struct chio_detail *detail);

/* The login if the command line asks for one (--login, --pin-source); else only the token. */
CHIO_MUST_CHECK enum chio_err hsm_login_if_asked(struct hsm *hsm, struct chio_detail *detail);

/* The slots, borrowed from holder: u32 each. */
CHIO_MUST_CHECK enum chio_err hsm_slots(struct hsm *hsm, struct chio_buf *holder, uint32_t slots[CHIO_SLOTS_MAX],
                                        size_t *out_count, struct chio_detail *detail);

/* A number in decimal, as --slot takes it. */
CHIO_MUST_CHECK enum chio_err hsm_slot_parse(const char *text, uint32_t *out_slot, struct chio_detail *detail);

/* A ticket for the next request: the login's, or the empty one. The caller wipes ticket. */
CHIO_MUST_CHECK enum chio_err hsm_ticket(struct hsm *hsm, uint8_t ticket[CHIO_TICKET_MAX], struct chio_slice *out);

void hsm_close(struct hsm *hsm);

#endif
