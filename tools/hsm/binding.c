#include "tools/hsm/binding.h"

#include "tools/hsm/evidence.h"
#include "tools/hsm/model_hash.h"
#include "tools/hsm/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#define PEM_MAX 65536u

static const struct {
  enum hsm_option option;
  const char *name;
  bool is_file;
  size_t offset; /* in struct chio_attest_binding */
} fields[HSM_BINDING_FIELDS] = {
    {HSM_OPT_MANIFEST, "manifest", false, offsetof(struct chio_attest_binding, manifest_sha256)},
    {HSM_OPT_RECEIPT_ROOT, "receipt-root", false, offsetof(struct chio_attest_binding, receipt_root)},
    {HSM_OPT_WORKLOAD_HASH, "workload-hash", false, offsetof(struct chio_attest_binding, workload_hash)},
    {HSM_OPT_ADDRESS, "address", false, offsetof(struct chio_attest_binding, address)},
    {HSM_OPT_OPERATOR, "operator", false, offsetof(struct chio_attest_binding, operator_address)},
    {HSM_OPT_CERTIFICATE, "certificate", true, offsetof(struct chio_attest_binding, certificate)},
};

static enum chio_err read_hex(const char *name, const char *text, struct chio_buf *out, struct chio_detail *detail) {
  const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
  if (hsm_hex_parse(digits, out) == CHIO_OK && out->len > 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--%s '%s': expected bytes in hex", name, text);
}

/* Straight into locked memory. */
static enum chio_err read_private_key(const char *path, struct chio_secret **out, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *whole = NULL;
  enum chio_err err = chio_secret_new(PEM_MAX + 1, &whole);
  if (err != CHIO_OK) return err;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
  size_t len = 0;
  ssize_t got = 1;
  while (got > 0 && len < whole->len) {
    got = read(fd, whole->data + len, whole->len - len);
    if (got > 0) len += (size_t)got;
  }
  (void)close(fd);
  if (got < 0) return chio_fail(detail, CHIO_E_IO, "%s cannot be read", path);
  if (len > PEM_MAX) return chio_fail(detail, CHIO_E_TOO_LONG, "%s is larger than %u bytes", path, PEM_MAX);
  return chio_secret_copy(chio_slice(whole->data, len), out);
}

static enum chio_err read_field(const struct hsm *hsm, size_t i, struct hsm_binding *out, struct chio_detail *detail) {
  const char *value = hsm->option[fields[i].option];
  struct chio_buf *to = &out->fields[i];
  if (value == NULL) return CHIO_OK;
  if (hsm->option[HSM_OPT_BINDING] == NULL) {
    return chio_fail(detail, CHIO_E_ARGUMENT, "--%s needs --binding", fields[i].name);
  }
  enum chio_err err =
      fields[i].is_file ? hsm_read(value, PEM_MAX, to, detail) : read_hex(fields[i].name, value, to, detail);
  const struct chio_attest_bytes bytes = {to->data, to->len};
  if (err == CHIO_OK) memcpy((char *)&out->asked + fields[i].offset, &bytes, sizeof bytes);
  return err;
}

/* --model in the place of --workload-hash. */
static enum chio_err read_model(const struct hsm *hsm, struct hsm_binding *out, struct chio_detail *detail) {
  if (hsm->option[HSM_OPT_MODEL] == NULL) return CHIO_OK;
  if (hsm->option[HSM_OPT_BINDING] == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "--model needs --binding");
  enum chio_err err = hsm_model_read(hsm, HSM_OPT_WORKLOAD_HASH, "workload-hash", &out->model, detail);
  if (err == CHIO_OK) out->asked.workload_hash = (struct chio_attest_bytes){out->model.data, out->model.len};
  return err;
}

enum chio_err hsm_binding_read(const struct hsm *hsm, struct hsm_binding *out, struct chio_detail *detail) {
  const char *private_key = hsm->option[HSM_OPT_PRIVATE_KEY];
  for (size_t i = 0; i < HSM_BINDING_FIELDS; i++) {
    enum chio_err err = read_field(hsm, i, out, detail);
    if (err != CHIO_OK) return err;
  }
  enum chio_err model_err = read_model(hsm, out, detail);
  if (model_err != CHIO_OK) return model_err;
  out->asked.profile = hsm->option[HSM_OPT_BINDING];
  if (private_key == NULL) return CHIO_OK;
  if (out->asked.profile == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "--private-key needs --binding");
  enum chio_err err = read_private_key(private_key, &out->private_key, detail);
  if (err == CHIO_OK)
    out->asked.private_key = (struct chio_attest_bytes){out->private_key->data, out->private_key->len};
  return err;
}

void hsm_binding_clear(struct hsm_binding *binding) {
  for (size_t i = 0; i < HSM_BINDING_FIELDS; i++) chio_buf_clear(&binding->fields[i]);
  chio_buf_clear(&binding->model);
  chio_secret_free(binding->private_key);
}
