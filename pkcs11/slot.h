/* Slots and their tokens, as chiod tells them. */
#ifndef CHIO_PKCS11_SLOT_H
#define CHIO_PKCS11_SLOT_H

#include "pkcs11/library.h"

/* The slot of that number; asks chiod when it is not known yet. It lives as long as the application.
 * CKR_SLOT_ID_INVALID, CKR_DEVICE_ERROR. */
CHIO_MUST_CHECK CK_RV p11_slot_find(struct p11_call *call, CK_SLOT_ID id, struct p11_slot **out_slot);

/* Asks chiod about the token: flags and allowed mechanisms are remembered in the slot. */
CHIO_MUST_CHECK CK_RV p11_slot_describe(struct p11_call *call, struct p11_slot *slot);

/* Whether the token allows the mechanism (wire value), as far as it was last described. */
bool p11_slot_allows(const struct p11_slot *slot, uint32_t mechanism);

/* In the child of fork, under the module's lock: holds of threads that are no more are forgotten. */
void p11_slots_after_fork(struct p11_app *app);

/* Frees all slots. */
void p11_slots_free(struct p11_app *app);

#endif
