/* snp: a report of the secure processor, through configfs-tsm or, before Linux 6.7, /dev/sev-guest; and with it the
 * certificates that the host has for it. */
#include "attest/hardware.h"

#include "attest/crypto.h"
#include "attest/measurement.h"
#include "attest/node.h"
#include "attest/snp.h"
#include "attest/snp_certs.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct snp {
  struct chio_snp_source source;
  bool by_device;
  pthread_mutex_t lock; /* certificates */
  struct chio_buf certificates;
};

static bool is_whole(struct chio_slice report, const uint8_t report_data[CHIO_REPORT_DATA_SIZE]) {
  return report.len == CHIO_SNP_REPORT_SIZE &&
         memcmp(report.data + CHIO_SNP_REPORT_DATA, report_data, CHIO_REPORT_DATA_SIZE) == 0;
}

static bool snp_present(const struct chio_hardware *hardware) {
  struct chio_detail ignored;
  return access(hardware->snp.device.path, F_OK) == 0 || chio_tsm_probe(&hardware->snp.tsm, &ignored) == CHIO_OK;
}

enum chio_err chio_snp_open(const struct chio_snp_source *source, void **out_self, struct chio_detail *detail) {
  enum chio_err err = chio_tsm_probe(&source->tsm, detail);
  bool by_device = err == CHIO_E_PLATFORM && access(source->device.path, F_OK) == 0;
  if (err != CHIO_OK && !by_device) return err;
  struct snp *snp = calloc(1, sizeof *snp);
  if (snp == NULL) return CHIO_E_NO_MEMORY;
  snp->source = *source;
  snp->by_device = by_device;
  if (pthread_mutex_init(&snp->lock, NULL) != 0) {
    free(snp);
    return CHIO_E_INTERNAL;
  }
  *out_self = snp;
  return CHIO_OK;
}

static enum chio_err snp_prepare(const struct chio_hardware *hardware, uid_t uid, gid_t gid,
                                 struct chio_detail *detail) {
  const struct chio_snp_source *source = &hardware->snp;
  struct chio_detail ignored;
  bool by_device = chio_tsm_probe(&source->tsm, &ignored) != CHIO_OK && access(source->device.path, F_OK) == 0;
  return by_device ? chio_node_keep(source->device.path, detail)
                   : chio_tsm_prepare(&source->tsm, uid, gid, detail);
}

static enum chio_err snp_open(const struct chio_platform_place *place, void **out_self, struct chio_detail *detail) {
  return chio_snp_open(&place->hardware->snp, out_self, detail);
}

static void snp_close(void *self) {
  struct snp *snp = self;
  if (snp == NULL) return;
  (void)pthread_mutex_destroy(&snp->lock);
  chio_buf_clear(&snp->certificates);
  free(snp);
}

/* The host's table as of the last report. */
static enum chio_err keep_certificates(struct snp *snp, struct chio_slice table, struct chio_detail *detail) {
  struct chio_buf pem = CHIO_BUF_INIT;
  enum chio_err err = chio_snp_certs_pem(table, &pem);
  if (err != CHIO_OK) {
    chio_buf_clear(&pem);
    return chio_fail(detail, CHIO_E_PLATFORM, "the host's certificate table is damaged: %s", chio_err_text(err));
  }
  (void)pthread_mutex_lock(&snp->lock);
  struct chio_buf old = snp->certificates;
  snp->certificates = pem;
  (void)pthread_mutex_unlock(&snp->lock);
  chio_buf_clear(&old);
  return CHIO_OK;
}

static enum chio_err snp_quote(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                               struct chio_buf *out_quote, struct chio_detail *detail) {
  struct snp *snp = self;
  struct chio_buf report = CHIO_BUF_INIT, table = CHIO_BUF_INIT;
  enum chio_err err =
      snp->by_device ? chio_sev_guest_report(&snp->source.device, report_data, &report, &table, detail)
                     : chio_tsm_report(&snp->source.tsm, report_data, is_whole, &report, &table, detail);
  if (err == CHIO_OK) err = keep_certificates(snp, chio_buf_slice(&table), detail);
  if (err == CHIO_OK) {
    chio_buf_append_slice(out_quote, chio_buf_slice(&report));
    err = chio_buf_err(out_quote);
  }
  chio_buf_clear(&report);
  chio_buf_clear(&table);
  return err;
}

static enum chio_err snp_certificates(void *self, struct chio_buf *out_pem) {
  struct snp *snp = self;
  (void)pthread_mutex_lock(&snp->lock);
  chio_buf_append_slice(out_pem, chio_buf_slice(&snp->certificates));
  (void)pthread_mutex_unlock(&snp->lock);
  return chio_buf_err(out_pem);
}

const struct chio_platform_backend chio_platform_snp = {
    .name = "snp",
    .present = snp_present,
    .prepare = snp_prepare,
    .open = snp_open,
    .close = snp_close,
    .quote = snp_quote,
    .certificates = snp_certificates,
    .measurement = chio_snp_measurement,
};
