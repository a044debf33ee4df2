/* Measurement documents: registers by name, of evidence, images, enclaves' signatures and event logs, as JSON. */
#ifndef TOOLS_HSM_MEASURE_H
#define TOOLS_HSM_MEASURE_H

#include "signer/base/buf.h"

#include <jansson.h>

#define HSM_MEASURE_IMAGE_MAX (4ull * 1024 * 1024 * 1024)

enum hsm_measure_kind {
  HSM_MEASURE_ANY, /* found out by looking */
  HSM_MEASURE_EVIDENCE,
  HSM_MEASURE_EIF,
  HSM_MEASURE_SGX,
  HSM_MEASURE_LOG,
};

/* Reads a file of that kind (ANY: a document, too). The document is the caller's: an object with "source" ("evidence",
 * "eif", "sigstruct", "event-log"), "tee" (a word, or null), "registers" (name to lower-case hex) and, of a log,
 * "events", of an enclave image that is signed "signature". An image whose signature does not hold is refused; nothing
 * else is judged. CHIO_E_IO, CHIO_E_MALFORMED and so on, with the file's name. */
CHIO_MUST_CHECK enum chio_err hsm_measure_read(const char *path, enum hsm_measure_kind kind, json_t **out_document,
                                               struct chio_detail *detail);

/* One line of text about the document's "signature"; false: it has none, and nothing was printed. */
bool hsm_measure_print_signature(const char *path, const json_t *document);

#endif
