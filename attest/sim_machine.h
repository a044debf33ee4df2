/* A simulated machine with DCAP quotes: what simulated SGX and TDX have in common. */
#ifndef CHIO_ATTEST_SIM_MACHINE_H
#define CHIO_ATTEST_SIM_MACHINE_H

#include "attest/crypto.h"
#include "attest/platform_backend.h"
#include "attest/sim_dcap.h"

struct chio_sim_machine {
  struct chio_sim_qe qe;
  uint8_t measurement[CHIO_SHA384_SIZE]; /* of the measured file; as long as its hash */
};

/* name: of the files in DIR/sim; hash: what the file is measured with. */
CHIO_MUST_CHECK enum chio_err chio_sim_machine_open(const struct chio_platform_place *place, const char *name,
                                                    enum chio_hash hash, void **out_self, struct chio_detail *detail);
void chio_sim_machine_close(void *self);

/* Signs header and body, unless making them failed (made), and appends the quote; clears what it was made in. */
CHIO_MUST_CHECK enum chio_err chio_sim_machine_sign(const struct chio_sim_machine *machine, uint16_t version, bool tdx,
                                                    enum chio_err made, struct chio_buf *quote,
                                                    struct chio_buf *out_quote, struct chio_detail *detail);

enum chio_err chio_sim_machine_root(const void *self, struct chio_buf *out_pem);

#endif
