/* Built without tpm2-tss: there is no TPM. */
#include "attest/vtpm.h"

enum chio_err chio_vtpm_open(const char *tcti, struct chio_vtpm **out_vtpm, struct chio_detail *detail) {
  (void)out_vtpm;
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "%s: built without tpm2-tss", tcti);
}

void chio_vtpm_close(struct chio_vtpm *vtpm) {
  (void)vtpm;
}

enum chio_err chio_vtpm_nv_read(struct chio_vtpm *vtpm, uint32_t index, struct chio_buf *out,
                                struct chio_detail *detail) {
  (void)vtpm;
  (void)index;
  (void)out;
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "built without tpm2-tss");
}

enum chio_err chio_vtpm_quote(struct chio_vtpm *vtpm, uint32_t handle, struct chio_slice nonce,
                              struct chio_vtpm_quote *out, struct chio_detail *detail) {
  (void)vtpm;
  (void)handle;
  (void)nonce;
  (void)out;
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "built without tpm2-tss");
}

void chio_vtpm_quote_clear(struct chio_vtpm_quote *quote) {
  chio_buf_clear(&quote->message);
  chio_buf_clear(&quote->signature);
}
