/* nitro: the attestation document of an AWS Nitro enclave; the report data is its user data, PCR0 the measurement. */
#include "attest/hardware.h"

#include "attest/measurement.h"
#include "attest/nitro.h"
#include "attest/node.h"

#include <stdlib.h>
#include <unistd.h>

static bool nitro_present(const struct chio_hardware *hardware) {
  return access(hardware->nitro.path, F_OK) == 0;
}

enum chio_err chio_nitro_open(const struct chio_nsm *source, void **out_self, struct chio_detail *detail) {
  if (access(source->path, F_OK) != 0)
    return chio_fail(detail, CHIO_E_PLATFORM, "%s is missing: this is no Nitro enclave", source->path);
  struct chio_nsm *self = malloc(sizeof *self);
  if (self == NULL) return CHIO_E_NO_MEMORY;
  *self = *source;
  *out_self = self;
  return CHIO_OK;
}

static enum chio_err nitro_prepare(const struct chio_hardware *hardware, uid_t uid, gid_t gid,
                                   struct chio_detail *detail) {
  (void)uid;
  (void)gid;
  return chio_node_keep(hardware->nitro.path, detail);
}

static enum chio_err nitro_open(const struct chio_platform_place *place, void **out_self, struct chio_detail *detail) {
  return chio_nitro_open(&place->hardware->nitro, out_self, detail);
}

static enum chio_err nitro_quote_for(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                     struct chio_slice public_key, struct chio_buf *out_quote,
                                     struct chio_detail *detail) {
  struct chio_buf document = CHIO_BUF_INIT;
  struct chio_nitro parsed;
  enum chio_err err = chio_nsm_document(self, report_data, public_key, &document, detail);
  if (err == CHIO_OK) {
    err = chio_nitro_parse(chio_buf_slice(&document), &parsed);
    if (err != CHIO_OK) err = chio_fail(detail, CHIO_E_PLATFORM, "the document is %s", chio_err_text(err));
    else if (!chio_slice_equal(parsed.user_data, chio_slice(report_data, CHIO_REPORT_DATA_SIZE)))
      err = chio_fail(detail, CHIO_E_PLATFORM, "the document is over other data");
    else if (!chio_slice_equal(parsed.public_key, public_key))
      err = chio_fail(detail, CHIO_E_PLATFORM, "the document names another key");
  }
  if (err == CHIO_OK) {
    chio_buf_append_slice(out_quote, chio_buf_slice(&document));
    err = chio_buf_err(out_quote);
  }
  chio_buf_clear(&document);
  return err;
}

static enum chio_err nitro_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                 struct chio_buf *out_quote, struct chio_detail *detail) {
  return nitro_quote_for(self, report_data, chio_slice(NULL, 0), out_quote, detail);
}

const struct chio_platform_backend chio_platform_nitro = {
    .name = "nitro",
    .present = nitro_present,
    .prepare = nitro_prepare,
    .open = nitro_open,
    .close = free,
    .quote = nitro_quote,
    .quote_for = nitro_quote_for,
    .measurement = chio_nitro_measurement,
};
