#include "attest/sim_machine.h"

#include <stdlib.h>

void chio_sim_machine_close(void *self) {
  struct chio_sim_machine *machine = self;
  if (machine == NULL) return;
  chio_sim_qe_clear(&machine->qe);
  free(machine);
}

enum chio_err chio_sim_machine_open(const struct chio_platform_place *place, const char *name, enum chio_hash hash,
                                    void **out_self, struct chio_detail *detail) {
  struct chio_sim_machine *machine = calloc(1, sizeof *machine);
  if (machine == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_hash_file(hash, place->measured_file, machine->measurement);
  if (err != CHIO_OK) err = chio_fail(detail, err, "cannot measure %s", place->measured_file);
  if (err == CHIO_OK) err = chio_sim_qe_open(place->state_dir, name, &machine->qe, detail);
  if (err != CHIO_OK) {
    free(machine);
    return err;
  }
  *out_self = machine;
  return CHIO_OK;
}

enum chio_err chio_sim_machine_sign(const struct chio_sim_machine *machine, uint16_t version, bool tdx,
                                    enum chio_err made, struct chio_buf *quote, struct chio_buf *out_quote,
                                    struct chio_detail *detail) {
  enum chio_err err = made;
  if (err == CHIO_OK) err = chio_sim_qe_sign(&machine->qe, version, tdx, quote);
  if (err == CHIO_OK) {
    chio_buf_append_slice(out_quote, chio_buf_slice(quote));
    err = chio_buf_err(out_quote);
  } else {
    err = chio_fail(detail, CHIO_E_PLATFORM, "the simulated quoting enclave cannot sign: %s", chio_err_text(err));
  }
  chio_buf_clear(quote);
  return err;
}

enum chio_err chio_sim_machine_root(const void *self, struct chio_buf *out_pem) {
  const struct chio_sim_machine *machine = self;
  return chio_cert_append_pem(machine->qe.pki.pairs[CHIO_SIM_DCAP_ROOT].cert, out_pem);
}
