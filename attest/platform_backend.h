/* What a platform implements: one table of functions each. platform.c picks one by name or by looking. */
#ifndef CHIO_ATTEST_PLATFORM_BACKEND_H
#define CHIO_ATTEST_PLATFORM_BACKEND_H

#include "attest/platform.h"

struct chio_hardware;

/* What a platform is opened with. */
struct chio_platform_place {
  const struct chio_hardware *hardware; /* of real platforms */
  const char *state_dir, *measured_file; /* of simulated ones */
};

struct chio_platform_backend {
  const char *name;
  bool simulated;
  /* Whether the machine offers it; NULL for simulated platforms, which are there for the asking. */
  bool (*present)(const struct chio_hardware *hardware);
  /* What only root can do, done for that user; NULL: nothing. */
  CHIO_MUST_CHECK enum chio_err (*prepare)(const struct chio_hardware *hardware, uid_t uid, gid_t gid,
                                           struct chio_detail *detail);
  CHIO_MUST_CHECK enum chio_err (*open)(const struct chio_platform_place *place, void **out_self,
                                        struct chio_detail *detail);
  void (*close)(void *self);
  CHIO_MUST_CHECK enum chio_err (*quote)(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                         struct chio_buf *out_quote, struct chio_detail *detail);
  /* With a public key in it; NULL: there is no place for one. */
  CHIO_MUST_CHECK enum chio_err (*quote_for)(void *self, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                             struct chio_slice public_key, struct chio_buf *out_quote,
                                             struct chio_detail *detail);
  /* NULL: the quote carries all it needs. */
  CHIO_MUST_CHECK enum chio_err (*certificates)(void *self, struct chio_buf *out_pem);
  /* Simulated platforms alone. */
  CHIO_MUST_CHECK enum chio_err (*root)(const void *self, struct chio_buf *out_pem);
  CHIO_MUST_CHECK enum chio_err (*measurement)(struct chio_slice quote, uint8_t out[CHIO_MEASUREMENT_MAX],
                                               size_t *out_len);
};

extern const struct chio_platform_backend chio_platform_sgx, chio_platform_nitro;
extern const struct chio_platform_backend chio_platform_tdx, chio_platform_snp;
extern const struct chio_platform_backend chio_platform_azure_snp, chio_platform_azure_tdx;
extern const struct chio_platform_backend chio_platform_sim_sgx, chio_platform_sim_nitro;
extern const struct chio_platform_backend chio_platform_sim_tdx, chio_platform_sim_snp;

#endif
