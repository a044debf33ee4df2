/* Rotation of one key, as key rotate and fleet rotate do it. */
#ifndef TOOLS_HSM_ROTATE_H
#define TOOLS_HSM_ROTATE_H

#include "tools/hsm/key.h"

struct hsm_rotated {
  struct chio_uid private_key; /* the new one */
  bool before;                 /* nothing was done now: it was rotated before */
  uint64_t not_after;          /* of its delegation; 0: it has none yet */
  char old_label[128];         /* what the old key is called now, as far as it fits */
};

/* Asks the signer, and once it is back again when it died meanwhile: the key is named by its unique id, so no second
 * one is made. flags: CHIO_ROTATE_*. The key has a private half. */
CHIO_MUST_CHECK enum chio_err hsm_key_rotate(struct hsm *hsm, const struct hsm_key *key, uint32_t flags,
                                             struct hsm_rotated *out, struct chio_detail *detail);

/* When the key was born, seconds since the epoch, by its statement; 0 where that is not known. */
CHIO_MUST_CHECK enum chio_err hsm_key_born(struct hsm *hsm, const struct hsm_key *key, int64_t *out_time,
                                           struct chio_detail *detail);

/* How long the token's oldest due key is overdue, seconds: what the signer's status says. */
CHIO_MUST_CHECK enum chio_err hsm_rotation_lag(struct hsm *hsm, int64_t *out_seconds, struct chio_detail *detail);

#endif
