/*
 * azure-snp, azure-tdx: a confidential VM of Azure, whose paravisor keeps the hardware's report in the vTPM (an NV
 * index) and binds the vTPM's key in it; the report data is what that key quotes. The evidence is JSON as verifiers of
 * Azure's evidence exchange it. What only Azure's metadata service has, chiod does not fetch: it takes it from the
 * state folder, STATE/azure-vcek.pem (may be missing: a verifier can have it) and STATE/azure-td-quote (TDX).
 */
#include "attest/hardware.h"

#include "attest/hcl.h"
#include "attest/json.h"
#include "attest/measurement.h"
#include "attest/node.h"
#include "signer/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define VCEK_FILE "azure-vcek.pem"
#define TD_QUOTE_FILE "azure-td-quote"
#define FILE_MAX 32768u

struct azure {
  struct chio_vtpm *vtpm;
  pthread_mutex_t lock; /* the TPM answers one at a time */
  struct chio_buf hcl, vcek, td_quote;
};

static bool has_tag(const struct chio_azure_source *source) {
  char tag[64];
  int folder = open(source->dmi, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  enum chio_err err = chio_node_word(folder, "chassis_asset_tag", tag, sizeof tag, NULL);
  (void)close(folder);
  return err == CHIO_OK && strcmp(tag, CHIO_AZURE_ASSET_TAG) == 0;
}

static enum chio_err read_hcl(struct chio_vtpm *vtpm, struct chio_buf *out, struct chio_hcl *out_hcl,
                              struct chio_detail *detail) {
  enum chio_err err = chio_vtpm_nv_read(vtpm, CHIO_AZURE_HCL_INDEX, out, detail);
  if (err != CHIO_OK)
    return err == CHIO_E_NOT_FOUND
               ? chio_fail(detail, CHIO_E_PLATFORM, "the vTPM has no report of Azure's paravisor (NV index 0x%08x)",
                           CHIO_AZURE_HCL_INDEX)
               : err;
  err = chio_hcl_parse(chio_buf_slice(out), out_hcl);
  return err == CHIO_OK ? CHIO_OK
                        : chio_fail(detail, CHIO_E_PLATFORM, "the paravisor's report in the vTPM is %s",
                                    chio_err_text(err));
}

/* Asked only where the machine says that it is Azure's: other TPMs are not touched. */
static bool present(const struct chio_hardware *hardware, uint32_t type) {
  struct chio_vtpm *vtpm = NULL;
  struct chio_buf bytes = CHIO_BUF_INIT;
  struct chio_hcl hcl;
  struct chio_detail ignored;
  bool is = has_tag(&hardware->azure) && chio_vtpm_open(hardware->azure.tcti, &vtpm, &ignored) == CHIO_OK &&
            read_hcl(vtpm, &bytes, &hcl, &ignored) == CHIO_OK && hcl.report_type == type;
  chio_vtpm_close(vtpm);
  chio_buf_clear(&bytes);
  return is;
}

static bool azure_snp_present(const struct chio_hardware *hardware) {
  return present(hardware, CHIO_HCL_TYPE_SNP);
}

static bool azure_tdx_present(const struct chio_hardware *hardware) {
  return present(hardware, CHIO_HCL_TYPE_TDX);
}

static void azure_close(void *self) {
  struct azure *azure = self;
  if (azure == NULL) return;
  chio_vtpm_close(azure->vtpm);
  (void)pthread_mutex_destroy(&azure->lock);
  chio_buf_clear(&azure->hcl);
  chio_buf_clear(&azure->vcek);
  chio_buf_clear(&azure->td_quote);
  free(azure);
}

static enum chio_err read_files(struct azure *azure, uint32_t type, const char *state_dir,
                                struct chio_detail *detail) {
  bool tdx = type == CHIO_HCL_TYPE_TDX;
  int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return chio_fail(detail, CHIO_E_IO, "cannot open %s: %s", state_dir, strerror(errno));
  enum chio_err err = tdx ? chio_node_read(folder, TD_QUOTE_FILE, FILE_MAX, &azure->td_quote, detail)
                          : chio_node_read(folder, VCEK_FILE, FILE_MAX, &azure->vcek, detail);
  (void)close(folder);
  if (err != CHIO_E_NOT_FOUND) return err;
  if (!tdx) return CHIO_OK;
  return chio_fail(detail, CHIO_E_PLATFORM,
                   "%s/" TD_QUOTE_FILE " is missing: the quote over this machine's TD report, by the metadata service",
                   state_dir);
}

static enum chio_err fill(struct azure *azure, const struct chio_platform_place *place, uint32_t type,
                          struct chio_detail *detail) {
  struct chio_hcl hcl;
  enum chio_err err = chio_vtpm_open(place->hardware->azure.tcti, &azure->vtpm, detail);
  if (err == CHIO_OK) err = read_hcl(azure->vtpm, &azure->hcl, &hcl, detail);
  if (err != CHIO_OK) return err;
  if (hcl.report_type != type)
    return chio_fail(detail, CHIO_E_PLATFORM, "this machine's hardware is %s",
                     hcl.report_type == CHIO_HCL_TYPE_TDX ? "TDX: azure-tdx" : "SEV-SNP: azure-snp");
  return read_files(azure, type, place->state_dir, detail);
}

static enum chio_err open_type(const struct chio_platform_place *place, uint32_t type, void **out_self,
                               struct chio_detail *detail) {
  struct azure *azure = calloc(1, sizeof *azure);
  if (azure == NULL) return CHIO_E_NO_MEMORY;
  (void)pthread_mutex_init(&azure->lock, NULL);
  enum chio_err err = fill(azure, place, type, detail);
  if (err != CHIO_OK) {
    azure_close(azure);
    return err;
  }
  *out_self = azure;
  return CHIO_OK;
}

static enum chio_err azure_snp_open(const struct chio_platform_place *place, void **out_self,
                                    struct chio_detail *detail) {
  return open_type(place, CHIO_HCL_TYPE_SNP, out_self, detail);
}

static enum chio_err azure_tdx_open(const struct chio_platform_place *place, void **out_self,
                                    struct chio_detail *detail) {
  return open_type(place, CHIO_HCL_TYPE_TDX, out_self, detail);
}

/* ---- The evidence ---- */

static void put_hex(struct chio_buf *out, struct chio_slice bytes) {
  chio_buf_append_u8(out, '"');
  chio_hex_append(out, bytes);
  chio_buf_append_u8(out, '"');
}

static enum chio_err put_evidence(const struct azure *azure, const struct chio_vtpm_quote *quote,
                                  struct chio_buf *out) {
  chio_base64url_put(out, "{\"version\":1,\"hcl_report\":\"", chio_buf_slice(&azure->hcl));
  chio_buf_append_str(out, ",\"tpm_quote\":{\"message\":");
  put_hex(out, chio_buf_slice(&quote->message));
  chio_buf_append_str(out, ",\"pcrs\":[");
  for (size_t i = 0; i < CHIO_TPM_PCRS; i++) {
    if (i > 0) chio_buf_append_u8(out, ',');
    put_hex(out, chio_slice(quote->pcrs[i], sizeof quote->pcrs[i]));
  }
  chio_buf_append_str(out, "],\"signature\":");
  put_hex(out, chio_buf_slice(&quote->signature));
  chio_buf_append_u8(out, '}');
  if (azure->td_quote.len > 0) chio_base64url_put(out, ",\"td_quote\":\"", chio_buf_slice(&azure->td_quote));
  if (azure->vcek.len > 0) {
    chio_buf_append_str(out, ",\"vcek\":");
    chio_json_quote(out, chio_buf_slice(&azure->vcek));
  }
  chio_buf_append_u8(out, '}');
  return chio_buf_err(out);
}

static enum chio_err azure_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                 struct chio_buf *out_quote, struct chio_detail *detail) {
  struct azure *azure = self;
  struct chio_vtpm_quote quote;
  (void)pthread_mutex_lock(&azure->lock);
  enum chio_err err = chio_vtpm_quote(azure->vtpm, CHIO_AZURE_KEY_HANDLE,
                                      chio_slice(report_data, CHIO_REPORT_DATA_SIZE), &quote, detail);
  (void)pthread_mutex_unlock(&azure->lock);
  if (err != CHIO_OK) return err == CHIO_E_NO_MEMORY ? err : CHIO_E_PLATFORM;
  struct chio_buf evidence = CHIO_BUF_INIT;
  err = put_evidence(azure, &quote, &evidence);
  if (err == CHIO_OK && evidence.len > CHIO_QUOTE_MAX) err = CHIO_E_TOO_LONG;
  if (err == CHIO_OK) chio_buf_append_slice(out_quote, chio_buf_slice(&evidence));
  if (err == CHIO_OK) err = chio_buf_err(out_quote);
  chio_buf_clear(&evidence);
  chio_vtpm_quote_clear(&quote);
  return err;
}

const struct chio_platform_backend chio_platform_azure_snp = {
    .name = "azure-snp",
    .present = azure_snp_present,
    .open = azure_snp_open,
    .close = azure_close,
    .quote = azure_quote,
    .measurement = chio_azure_measurement,
};

const struct chio_platform_backend chio_platform_azure_tdx = {
    .name = "azure-tdx",
    .present = azure_tdx_present,
    .open = azure_tdx_open,
    .close = azure_close,
    .quote = azure_quote,
    .measurement = chio_azure_measurement,
};
