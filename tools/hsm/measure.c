/* measure evidence, eif, sgx, log: the registers of a file, as a document. */
#include "tools/hsm/measure.h"

#include "tools/hsm/hsm.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <stdlib.h>

/* Always JSON: the document is for files and programs. */
static enum chio_err run(const struct hsm *hsm, enum hsm_measure_kind kind, struct chio_detail *detail) {
  json_t *document = NULL;
  enum chio_err err = hsm_measure_read(hsm->word[0], kind, &document, detail);
  if (err != CHIO_OK) return err;
  char *text = json_dumps(document, JSON_INDENT(2));
  CHIO_AUTO(chio_buf) struct chio_buf *out = chio_buf_new();
  if (text != NULL && out != NULL) chio_buf_printf(out, "%s\n", text);
  err = text != NULL && out != NULL ? chio_buf_err(out) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = hsm_write(hsm->option[HSM_OPT_OUTPUT], chio_buf_slice(out), detail);
  free(text);
  json_decref(document);
  return err;
}

enum chio_err hsm_run_measure_evidence(struct hsm *hsm, struct chio_detail *detail) {
  return run(hsm, HSM_MEASURE_EVIDENCE, detail);
}

enum chio_err hsm_run_measure_eif(struct hsm *hsm, struct chio_detail *detail) {
  return run(hsm, HSM_MEASURE_EIF, detail);
}

enum chio_err hsm_run_measure_sgx(struct hsm *hsm, struct chio_detail *detail) {
  return run(hsm, HSM_MEASURE_SGX, detail);
}

enum chio_err hsm_run_measure_log(struct hsm *hsm, struct chio_detail *detail) {
  return run(hsm, HSM_MEASURE_LOG, detail);
}
