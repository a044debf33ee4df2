#include "attest/policy_file.h"

#include <libgen.h>
#include <stdio.h>

void chio_policy_path(const char *policy, const char *file, char out[CHIO_POLICY_PATH_MAX]) {
  char folder[PATH_MAX];
  (void)snprintf(folder, sizeof folder, "%s", policy);
  if (file[0] == '/')
    (void)snprintf(out, CHIO_POLICY_PATH_MAX, "%s", file);
  else
    (void)snprintf(out, CHIO_POLICY_PATH_MAX, "%s/%s", dirname(folder), file);
}

enum chio_err chio_policy_read_file(const char *path, size_t max, struct chio_buf *out) {
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return CHIO_E_IO;
  uint8_t *to = chio_buf_reserve(out, max + 1);
  size_t got = to != NULL ? fread(to, 1, max + 1, file) : 0;
  bool ok = ferror(file) == 0;
  (void)fclose(file);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  if (!ok) return CHIO_E_IO;
  if (got > max) return CHIO_E_TOO_LONG;
  out->len += got;
  return CHIO_OK;
}
