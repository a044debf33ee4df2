#include "attest/azure.h"

#include "signer/base/text.h"

#define FIELD_MAX 65536u

static const struct chio_json *tpm_quote(const struct chio_json_doc *doc) {
  const struct chio_json *root = chio_json_root(doc), *quote = chio_json_get(doc, root, "tpm_quote");
  return quote != NULL ? quote : chio_json_get(doc, root, "quote");
}

static const struct chio_json *hcl_report(const struct chio_json_doc *doc) {
  const struct chio_json *root = chio_json_root(doc), *report = chio_json_get(doc, root, "hcl_report");
  return report != NULL ? report : chio_json_get(doc, root, "report");
}

bool chio_azure_looks_like(const struct chio_json_doc *doc) {
  return chio_json_get(doc, tpm_quote(doc), "message") != NULL && hcl_report(doc) != NULL;
}

/* ---- Bytes as JSON has them ---- */

static enum chio_err read_numbers(const struct chio_json_doc *doc, const struct chio_json *array,
                                  struct chio_buf *out) {
  if (array->count > FIELD_MAX) return CHIO_E_TOO_LONG;
  uint8_t *to = chio_buf_reserve(out, array->count + 1);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  for (const struct chio_json *e = chio_json_first(doc, array); e != NULL; e = chio_json_next(doc, e)) {
    uint64_t value;
    enum chio_err err = chio_json_uint(e, 255, &value);
    if (err != CHIO_OK) return err;
    *to++ = (uint8_t)value;
  }
  out->len += array->count;
  return CHIO_OK;
}

static enum chio_err read_hex(struct chio_slice text, struct chio_buf *out) {
  if (text.len > 2 * FIELD_MAX) return CHIO_E_TOO_LONG;
  uint8_t *to = chio_buf_reserve(out, text.len / 2 + 1);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_hex_decode(text, to, text.len / 2);
  if (err == CHIO_OK) out->len += text.len / 2;
  return err;
}

/* Either alphabet, padded or not. */
static enum chio_err read_base64(struct chio_slice text, struct chio_buf *out) {
  if (text.len > 2 * FIELD_MAX) return CHIO_E_TOO_LONG;
  bool standard =
      text.len > 0 && (memchr(text.data, '+', text.len) != NULL || memchr(text.data, '/', text.len) != NULL);
  if (standard) return chio_base64_decode(text, false, out);
  while (text.len > 0 && text.data[text.len - 1] == '=') text.len--;
  return chio_base64_decode(text, true, out);
}

static enum chio_err read_bytes(const struct chio_json_doc *doc, const struct chio_json *value, bool hex,
                                struct chio_buf *out) {
  struct chio_slice text;
  if (value != NULL && value->type == CHIO_JSON_ARRAY) return read_numbers(doc, value, out);
  enum chio_err err = chio_json_string(value, &text);
  if (err != CHIO_OK) return err;
  return hex ? read_hex(text, out) : read_base64(text, out);
}

static enum chio_err read_pcrs(const struct chio_json_doc *doc, const struct chio_json *array, struct chio_azure *out) {
  if (array == NULL || array->type != CHIO_JSON_ARRAY || array->count > CHIO_TPM_PCRS) return CHIO_E_MALFORMED;
  struct chio_buf bytes = CHIO_BUF_INIT;
  enum chio_err err = CHIO_OK;
  const struct chio_json *e = chio_json_first(doc, array);
  for (; e != NULL && err == CHIO_OK; e = chio_json_next(doc, e)) {
    chio_buf_reset(&bytes);
    err = read_bytes(doc, e, true, &bytes);
    if (err == CHIO_OK && bytes.len != 32) err = CHIO_E_MALFORMED;
    if (err == CHIO_OK) memcpy(out->pcrs[out->pcrs_count++], bytes.data, 32);
  }
  chio_buf_clear(&bytes);
  return err;
}

static enum chio_err read_vcek(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  if (err != CHIO_OK) return err;
  if (text.len > FIELD_MAX) return CHIO_E_TOO_LONG;
  if (text.len > 5 && memcmp(text.data, "-----", 5) == 0)
    chio_buf_append_slice(out, text);
  else
    err = read_base64(text, out);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

enum chio_err chio_azure_parse(const struct chio_json_doc *doc, struct chio_azure *out) {
  const struct chio_json *root = chio_json_root(doc), *quote = tpm_quote(doc);
  memset(out, 0, sizeof *out);
  enum chio_err err = read_bytes(doc, hcl_report(doc), false, &out->hcl);
  if (err == CHIO_OK) err = read_bytes(doc, chio_json_get(doc, quote, "message"), true, &out->message);
  if (err == CHIO_OK) err = read_bytes(doc, chio_json_get(doc, quote, "signature"), true, &out->signature);
  if (err == CHIO_OK) err = read_pcrs(doc, chio_json_get(doc, quote, "pcrs"), out);
  if (err == CHIO_OK) err = chio_hcl_parse(chio_buf_slice(&out->hcl), &out->parsed);
  if (err != CHIO_OK) return err;
  if (out->parsed.report_type == CHIO_HCL_TYPE_TDX)
    return read_bytes(doc, chio_json_get(doc, root, "td_quote"), false, &out->td_quote);
  const struct chio_json *vcek = chio_json_get(doc, root, "vcek");
  return vcek != NULL ? read_vcek(vcek, &out->vcek) : CHIO_OK; /* collateral may have it */
}

void chio_azure_clear(struct chio_azure *azure) {
  chio_buf_clear(&azure->hcl);
  chio_buf_clear(&azure->message);
  chio_buf_clear(&azure->signature);
  chio_buf_clear(&azure->td_quote);
  chio_buf_clear(&azure->vcek);
}
