/* Several signers as one: a file names them, and a command goes from one to the next. */
#ifndef TOOLS_HSM_FLEET_H
#define TOOLS_HSM_FLEET_H

#include "signer/base/config.h"
#include "tools/hsm/expectation.h"

#define HSM_FLEET_MAX 1024u

/* [signer.NAME] of the file */
struct hsm_fleet_signer {
  char name[CHIO_CONFIG_NAME_MAX];
  char endpoint[1024];
  char token[33];        /* empty: the only one there is */
  char pin_source[1024]; /* as --pin-source; empty: that of the command line */
};

struct hsm_fleet {
  struct chio_config_tables signers; /* of struct hsm_fleet_signer, in the order of the file */
};

/* The file of --endpoints. CHIO_E_CONFIG names what is wrong with it: no signer, one without an endpoint, a PIN. The
 * caller clears it, after a failure too. */
CHIO_MUST_CHECK enum chio_err hsm_fleet_read(const struct hsm *hsm, struct hsm_fleet *out, struct chio_detail *detail);
void hsm_fleet_clear(struct hsm_fleet *fleet);

/* A view of the signer, as if the command line had named it; nothing is opened. hsm_close ends it. */
void hsm_fleet_view(const struct hsm *hsm, const struct hsm_fleet_signer *signer, struct hsm *out_view);

/* Fresh evidence of the key, over a nonce of our own, judged by what is expected: CHIO_E_EVIDENCE_REFUSED says why not.
 * Without a policy and a root it must be sound, whatever it was measured on. */
CHIO_MUST_CHECK enum chio_err hsm_fleet_attest(struct hsm *view, const struct hsm_key *key,
                                               const struct hsm_expectation *expectation, struct chio_detail *detail);

/* The key signs a probe, and the signature holds. */
CHIO_MUST_CHECK enum chio_err hsm_fleet_probe(struct hsm *view, const struct hsm_key *key, struct chio_detail *detail);

#endif
