#include "tools/hsm/attest_tee.h"

#include "attest/binding.h"
#include "attest/chio_attest.h"
#include "attest/cmw.h"
#include "attest/tee_package.h"
#include "tools/hsm/key_sign.h"
#include "tools/hsm/model_hash.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <time.h>

#define STUB "stub"

/* What the package calls the platform; it has no SGX. */
static enum chio_err platform_type(const struct hsm_attest *a, const char **out, struct chio_detail *detail) {
  struct chio_slice tee = hsm_key_attribute(a->key, (uint32_t)CKA_CHIO_TEE);
  if (tee.len > 4 && memcmp(tee.data, "sim-", 4) == 0) tee = chio_slice(tee.data + 4, tee.len - 4);
  for (size_t i = 0; (*out = chio_attest_tee_type_at(i)) != NULL; i++) {
    if (strcmp(*out, STUB) != 0 && chio_slice_equal(tee, chio_slice_str(*out))) return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "package tee has no type for platform '%.*s'", (int)tee.len,
                   (const char *)tee.data);
}

static enum chio_err report_type(const struct hsm_attest *a, const char **out, struct chio_detail *detail) {
  const char *asked = a->hsm->option[HSM_OPT_TEE], *platform = NULL;
  struct chio_attest_message message = {""};
  const char *type = asked != NULL ? chio_attest_tee_type_parse(asked, &message) : NULL;
  if (asked != NULL && type == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "%s", message.text);
  if (type != NULL && strcmp(type, STUB) == 0) {
    *out = type;
    return CHIO_OK;
  }
  enum chio_err err = platform_type(a, &platform, detail);
  if (err == CHIO_OK && type != NULL && strcmp(type, platform) != 0)
    err = chio_fail(detail, CHIO_E_UNSUPPORTED, "--tee %s: the key's platform is %s", type, platform);
  if (err == CHIO_OK) *out = platform;
  return err;
}

/* The options' model, or that for which the key was made. */
static enum chio_err read_model(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_slice own = hsm_key_attribute(a->key, (uint32_t)CKA_CHIO_MODEL_HASH);
  if (a->has_nonce) return chio_fail(detail, CHIO_E_ARGUMENT, "--format tee-report has no place for a nonce");
  enum chio_err err = hsm_model_read(a->hsm, HSM_OPT_WORKLOAD_HASH, "workload-hash", out, detail);
  if (err != CHIO_OK) return err;
  if (out->len == 0) chio_buf_append_slice(out, own);
  if (chio_buf_err(out) != CHIO_OK) return CHIO_E_NO_MEMORY;
  if (out->len == 0)
    return chio_fail(detail, CHIO_E_ARGUMENT,
                     "--format tee-report takes --workload-hash of 1 to 64 bytes, or --model: the key has no model");
  if (own.len > 0 && !chio_slice_equal(own, chio_buf_slice(out)))
    return chio_fail(detail, CHIO_E_KEY_FUNCTION, "key '%s' was made for another model", a->hsm->word[0]);
  return CHIO_OK;
}

static enum chio_err put_stub(const struct hsm_attest *a, struct chio_slice spki, struct chio_tee_report *report,
                              struct chio_detail *detail) {
  uint8_t data[CHIO_BINDING_SIZE];
  const struct chio_binding_parts parts = {{
      [CHIO_BINDING_KEY] = spki,
      [CHIO_BINDING_WORKLOAD_HASH] = chio_slice(report->model_hash, report->model_hash_len),
  }};
  struct chio_slice origin = hsm_key_attribute(a->key, (uint32_t)CKA_CHIO_ORIGIN);
  if (!chio_slice_equal(origin, chio_slice_str("born")))
    return chio_fail(detail, CHIO_E_KEY_FUNCTION, "key '%s' was not made in this signer", a->hsm->word[0]);
  enum chio_err err = chio_binding_report_data(chio_binding_find("tee-v1"), &parts, data, detail);
  if (err == CHIO_OK) chio_tee_stub_put(data, report->timestamp, &report->quote);
  return err;
}

static enum chio_err put_quote(const struct hsm_attest *a, struct chio_tee_report *report,
                               struct chio_detail *detail) {
  struct chio_slice quote, table;
  struct chio_cmw cmw;
  CHIO_AUTO(chio_buf) struct chio_buf *bytes = chio_buf_new();
  if (bytes == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err =
      hsm_attest_now(a, "tee-v1", chio_slice(report->model_hash, report->model_hash_len), bytes, detail);
  if (err == CHIO_OK) err = chio_cmw_parse(chio_buf_slice(bytes), &cmw);
  if (err != CHIO_OK) return err;
  err = hsm_attest_raw_quote(&cmw, &quote, &table, detail);
  if (err == CHIO_OK) {
    chio_buf_append_slice(&report->quote, quote);
    chio_buf_append_slice(&report->quote, table);
  }
  chio_cmw_clear(&cmw);
  return err;
}

static enum chio_err fill(const struct hsm_attest *a, struct chio_tee_report *report, struct chio_detail *detail) {
  const char *type = NULL;
  struct chio_slice spki;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *model = chio_buf_new();
  if (holder == NULL || model == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = read_model(a, model, detail);
  if (err == CHIO_OK) err = report_type(a, &type, detail);
  if (err == CHIO_OK) err = hsm_key_spki(a->hsm, a->key, &spki, holder, detail);
  if (err == CHIO_OK && spki.len != CHIO_TEE_SPKI_SIZE)
    err = chio_fail(detail, CHIO_E_KEY_TYPE, "profile tee-v1 has no form for this type of key");
  if (err != CHIO_OK) return err;
  (void)snprintf(report->type, sizeof report->type, "%s", type);
  memcpy(report->point, spki.data + spki.len - CHIO_TEE_POINT_SIZE, CHIO_TEE_POINT_SIZE);
  memcpy(report->model_hash, model->data, model->len);
  report->model_hash_len = model->len;
  report->timestamp = (uint64_t)time(NULL);
  err = strcmp(type, STUB) == 0 ? put_stub(a, spki, report, detail) : put_quote(a, report, detail);
  return err == CHIO_OK ? chio_buf_err(&report->quote) : err;
}

enum chio_err hsm_attest_tee_report(const struct hsm_attest *a, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_tee_report report = {.quote = CHIO_BUF_INIT};
  enum chio_err err = fill(a, &report, detail);
  if (err == CHIO_OK) chio_tee_report_put(&report, out);
  chio_buf_clear(&report.quote);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}
