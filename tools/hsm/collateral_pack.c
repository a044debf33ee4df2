#include "tools/hsm/collateral_pack.h"

#include "attest/chio_attest.h"
#include "signer/wire/limits.h"
#include "tools/hsm/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static bool is_collateral(const struct chio_buf *file) {
  struct chio_attest_collateral *collateral = NULL;
  if (chio_attest_collateral_new(&collateral) != CHIO_ATTEST_OK) return false;
  bool is = chio_attest_collateral_add(collateral, file->data, file->len) == CHIO_ATTEST_OK;
  chio_attest_collateral_free(collateral);
  return is;
}

static enum chio_err pack_file(const char *path, struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *file = chio_buf_new();
  if (file == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_read(path, CHIO_COLLATERAL_MAX, file, detail);
  if (err != CHIO_OK || file->len == 0 || !is_collateral(file)) return err;
  if (out->len + 4 + file->len > CHIO_COLLATERAL_MAX)
    return chio_fail(detail, CHIO_E_TOO_LONG, "the collateral is larger than %u bytes", CHIO_COLLATERAL_MAX);
  chio_buf_append_u32le(out, (uint32_t)file->len);
  chio_buf_append_slice(out, chio_buf_slice(file));
  return chio_buf_err(out);
}

static bool is_file(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

enum chio_err hsm_collateral_pack(const char *path, struct chio_buf *out, struct chio_detail *detail) {
  char name[PATH_MAX];
  if (path == NULL) return CHIO_OK;
  if (is_file(path)) return pack_file(path, out, detail);
  DIR *folder = opendir(path);
  if (folder == NULL) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
  enum chio_err err = CHIO_OK;
  for (struct dirent *entry = readdir(folder); err == CHIO_OK && entry != NULL; entry = readdir(folder)) {
    int len = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (len > 0 && (size_t)len < sizeof name && is_file(name)) err = pack_file(name, out, detail);
  }
  (void)closedir(folder);
  return err;
}
