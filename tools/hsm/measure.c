/* measure evidence, eif, sgx, log: the registers of a file, as a document. */
#include "tools/hsm/measure.h"

#include "tools/hsm/hsm.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool hsm_measure_print_signature(const char *path, const json_t *document) {
  const json_t *signature = json_object_get(document, "signature");
  CHIO_AUTO(chio_buf) struct chio_buf *name = chio_buf_new();
  if (signature == NULL || name == NULL) return false;
  const char *signer = json_string_value(json_object_get(signature, "signer"));
  hsm_plain_put(chio_slice_str(signer != NULL ? signer : ""), name);
  signer = chio_buf_cstr(name);
  (void)printf("%s: '%s' signed PCR0 (%s), and the signature holds\n", path, signer != NULL ? signer : "",
               json_string_value(json_object_get(signature, "algorithm")));
  return true;
}

/* What a person wants to know of the image whose document went to a file. */
static void print_signature(const char *path, const json_t *document) {
  if (!hsm_measure_print_signature(path, document)) (void)printf("%s: not signed\n", path);
}

/* Always JSON: the document is for files and programs. */
static enum chio_err run(const struct hsm *hsm, enum hsm_measure_kind kind, struct chio_detail *detail) {
  json_t *document = NULL;
  enum chio_err err = hsm_measure_read(hsm->word[0], kind, &document, detail);
  if (err != CHIO_OK) return err;
  char *text = json_dumps(document, JSON_INDENT(2));
  CHIO_AUTO(chio_buf) struct chio_buf *out = chio_buf_new();
  if (text != NULL && out != NULL) chio_buf_printf(out, "%s\n", text);
  err = text != NULL && out != NULL ? chio_buf_err(out) : CHIO_E_NO_MEMORY;
  const char *path = hsm->option[HSM_OPT_OUTPUT];
  if (err == CHIO_OK) err = hsm_write(path, chio_buf_slice(out), detail);
  bool is_file = path != NULL && strcmp(path, "-") != 0;
  if (err == CHIO_OK && kind == HSM_MEASURE_EIF && is_file && !hsm->json) print_signature(hsm->word[0], document);
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
