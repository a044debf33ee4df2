/*
 * Evidence that binds a key directly, with no statement between: a quote made now whose report data is made of the key
 * by a named profile. The signer takes the key from its own store, never from the caller, so that a quote never binds a
 * key that is not here.
 */
#ifndef CHIO_CORE_DIRECT_H
#define CHIO_CORE_DIRECT_H

#include "attest/platform.h"

#define CHIO_DIRECT_DATA_MAX 64u

/* Appends a collection of message wrappers (attest/cmw.h): "evidence", "claims" (profile ratls-v1 alone) and, when the
 * platform has any, "certificates". What data is depends on the profile: the nonce (ratls-v1: 0 to 64 bytes; atls-v1:
 * 32), the workload hash (tee-v1: 1 to 64), the receipt root (chio-v1: 32). CHIO_E_MECHANISM_PARAM: no such profile;
 * CHIO_E_DATA_LEN; CHIO_E_KEY_TYPE: the profile has no form for the key; CHIO_E_PLATFORM. */
CHIO_MUST_CHECK enum chio_err chio_direct_evidence(struct chio_platform *platform, struct chio_slice spki,
                                                   struct chio_slice profile, struct chio_slice data,
                                                   struct chio_buf *out, struct chio_detail *detail);

#endif
