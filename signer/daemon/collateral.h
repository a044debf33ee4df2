/*
 * Collateral for verifiers (Intel PCS, AMD KDS, revocation lists): fetched through chio-kmsd, kept in a folder in the
 * layout that chio_attest_collateral_add_path reads, fetched again before it ends. It is not judged here: a verifier
 * does that; but only what parses as collateral is kept. Thread-safe.
 */
#ifndef CHIO_DAEMON_COLLATERAL_H
#define CHIO_DAEMON_COLLATERAL_H

#include "signer/daemon/reach.h"

#define CHIO_COLLATERAL_KEPT_MAX 64u /* things kept; the one fetched longest ago makes room */

/* Names of the sources, as backends of chio-kmsd; by enum chio_want_source. */
extern const char *const chio_collateral_sources[3];

struct chio_collateral;

struct chio_collateral_config {
  struct chio_reach *reach; /* outlives it */
  const char *state_dir;    /* "collateral" in it is made */
  unsigned check_seconds;   /* so often ends are looked at; nothing is fetched twice in this time */
};

/* Reads what is there, starts the thread that renews. CHIO_E_IO, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_collateral_new(const struct chio_collateral_config *config,
                                                  struct chio_collateral **out_collateral, struct chio_detail *detail);
/* NULL is accepted. */
void chio_collateral_free(struct chio_collateral *collateral);

/* Serves COLLATERAL (signer/wire/msg_collateral.h); self is the struct chio_collateral. CHIO_E_ARGUMENT,
 * CHIO_E_NOT_FOUND (no such file; no such thing at the vendor's), CHIO_E_BACKEND (what came is no collateral), those of
 * chio_wants_of and of chio_reach_fetch. */
CHIO_MUST_CHECK enum chio_err chio_collateral_serve(void *self, uint32_t action, struct chio_slice name,
                                                    struct chio_slice evidence, struct chio_buf *out,
                                                    struct chio_detail *detail);

#endif
