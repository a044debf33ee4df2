#include "tools/hsm/evidence.h"

#include "attest/moment.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum chio_err hsm_read(const char *path, size_t max, struct chio_buf *out, struct chio_detail *detail) {
  bool is_stdin = strcmp(path, "-") == 0;
  FILE *file = is_stdin ? stdin : fopen(path, "rbe");
  if (file == NULL) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
  uint8_t *to = chio_buf_reserve(out, max + 1);
  size_t got = to != NULL ? fread(to, 1, max + 1, file) : 0;
  enum chio_err err = to == NULL ? CHIO_E_NO_MEMORY : CHIO_OK;
  if (err == CHIO_OK && ferror(file) != 0) err = chio_fail(detail, CHIO_E_IO, "%s cannot be read", path);
  if (err == CHIO_OK && got > max) err = chio_fail(detail, CHIO_E_TOO_LONG, "%s is larger than %zu bytes", path, max);
  if (!is_stdin) (void)fclose(file);
  if (err == CHIO_OK) out->len += got;
  return err;
}

enum chio_err hsm_read_some(const char *path, size_t max, struct chio_buf *out, struct chio_detail *detail) {
  enum chio_err err = hsm_read(path, max, out, detail);
  return err == CHIO_OK && out->len == 0 ? chio_fail(detail, CHIO_E_ARGUMENT, "%s is empty", path) : err;
}

enum chio_err hsm_policy_read(const char *path, struct chio_attest_policy **out_policy, struct chio_detail *detail) {
  struct chio_attest_message message = {""};
  if (chio_attest_policy_load(path, out_policy, &message) == CHIO_ATTEST_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "%s", message.text[0] != 0 ? message.text : "the policy cannot be read");
}

enum chio_err hsm_at_read(const char *text, int64_t *out, struct chio_detail *detail) {
  if (text == NULL) {
    *out = (int64_t)time(NULL);
    return CHIO_OK;
  }
  if (chio_moment_parse(chio_slice_str(text), out) == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--at '%s': expected a time such as 2026-01-31T12:00:00Z", text);
}

enum chio_err hsm_collateral_read(const char *path, struct chio_attest_collateral **out, struct chio_detail *detail) {
  struct chio_attest_collateral *collateral = NULL;
  struct chio_attest_message message = {""};
  if (path == NULL) return CHIO_OK;
  if (chio_attest_collateral_new(&collateral) != CHIO_ATTEST_OK) return CHIO_E_NO_MEMORY;
  if (chio_attest_collateral_add_path(collateral, path, &message) == CHIO_ATTEST_OK) {
    *out = collateral;
    return CHIO_OK;
  }
  chio_attest_collateral_free(collateral);
  return chio_fail(detail, CHIO_E_IO, "%s", message.text);
}

enum chio_err hsm_result_print_json(const struct chio_attest_result *result) {
  char *json = NULL;
  if (chio_attest_result_json(result, &json) != CHIO_ATTEST_OK) return CHIO_E_NO_MEMORY;
  (void)puts(json);
  chio_attest_free(json);
  return CHIO_OK;
}
