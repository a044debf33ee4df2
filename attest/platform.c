#include "attest/hardware.h"

#include <stdlib.h>

struct chio_platform {
  const struct chio_platform_backend *backend;
  void *self;
};

/* Real hardware first: the order in which "auto" looks. */
static const struct chio_platform_backend *const backends[] = {
    &chio_platform_sgx,
    &chio_platform_nitro,
    &chio_platform_tdx,
    &chio_platform_snp,
    &chio_platform_azure_snp,
    &chio_platform_azure_tdx,
    &chio_platform_sim_tdx,
    &chio_platform_sim_snp,
    &chio_platform_sim_sgx,
    &chio_platform_sim_nitro,
};

static const struct chio_platform_backend *find_backend(const struct chio_hardware *hardware, const char *name) {
  bool looking = strcmp(name, "auto") == 0;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(backends); i++) {
    if (looking && backends[i]->present != NULL && backends[i]->present(hardware)) return backends[i];
    if (!looking && strcmp(backends[i]->name, name) == 0) return backends[i];
  }
  return looking ? &chio_platform_sim_tdx : NULL;
}

enum chio_err chio_platform_open_on(const struct chio_hardware *hardware, const char *name, const char *state_dir,
                                    const char *measured_file, struct chio_platform **out_platform,
                                    struct chio_detail *detail) {
  const struct chio_platform_backend *backend = find_backend(hardware, name);
  if (backend == NULL) return chio_fail(detail, CHIO_E_UNSUPPORTED, "no platform is called '%s'", name);
  const struct chio_platform_place place = {hardware, state_dir,
                                            measured_file != NULL ? measured_file : "/proc/self/exe"};
  struct chio_platform *platform = calloc(1, sizeof *platform);
  if (platform == NULL) return CHIO_E_NO_MEMORY;
  platform->backend = backend;
  enum chio_err err = backend->open(&place, &platform->self, detail);
  if (err != CHIO_OK) {
    free(platform);
    return err;
  }
  *out_platform = platform;
  return CHIO_OK;
}

enum chio_err chio_platform_open(const char *name, const char *state_dir, const char *measured_file,
                                 struct chio_platform **out_platform, struct chio_detail *detail) {
  return chio_platform_open_on(&chio_hardware_kernel, name, state_dir, measured_file, out_platform, detail);
}

enum chio_err chio_platform_prepare_on(const struct chio_hardware *hardware, const char *name, uid_t uid, gid_t gid,
                                       struct chio_detail *detail) {
  const struct chio_platform_backend *backend = find_backend(hardware, name);
  if (backend == NULL) return chio_fail(detail, CHIO_E_UNSUPPORTED, "no platform is called '%s'", name);
  return backend->prepare != NULL ? backend->prepare(hardware, uid, gid, detail) : CHIO_OK;
}

enum chio_err chio_platform_prepare(const char *name, uid_t uid, gid_t gid, struct chio_detail *detail) {
  return chio_platform_prepare_on(&chio_hardware_kernel, name, uid, gid, detail);
}

void chio_platform_free(struct chio_platform *platform) {
  if (platform == NULL) return;
  platform->backend->close(platform->self);
  free(platform);
}

const char *chio_platform_name(const struct chio_platform *platform) {
  return platform->backend->name;
}

bool chio_platform_is_simulated(const struct chio_platform *platform) {
  return platform->backend->simulated;
}

enum chio_err chio_platform_quote(struct chio_platform *platform, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                  struct chio_buf *out_quote, struct chio_detail *detail) {
  return platform->backend->quote(platform->self, report_data, out_quote, detail);
}

enum chio_err chio_platform_quote_for(struct chio_platform *platform, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                                      struct chio_slice public_key, struct chio_buf *out_quote,
                                      struct chio_detail *detail) {
  if (platform->backend->quote_for == NULL)
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "evidence of platform %s names no key to encrypt to",
                     platform->backend->name);
  return platform->backend->quote_for(platform->self, report_data, public_key, out_quote, detail);
}

enum chio_err chio_platform_certificates(struct chio_platform *platform, struct chio_buf *out_pem) {
  if (platform->backend->certificates == NULL) return CHIO_OK;
  return platform->backend->certificates(platform->self, out_pem);
}

enum chio_err chio_platform_root(const struct chio_platform *platform, struct chio_buf *out_pem) {
  if (platform->backend->root == NULL) return CHIO_E_UNSUPPORTED;
  return platform->backend->root(platform->self, out_pem);
}

enum chio_err chio_platform_measurement(const struct chio_platform *platform, struct chio_slice quote,
                                        uint8_t out[CHIO_MEASUREMENT_MAX], size_t *out_len) {
  return platform->backend->measurement(quote, out, out_len);
}
