#include "attest/jws.h"

#include "signer/base/text.h"

bool chio_jws_looks_like(struct chio_slice text) {
  static const char begin[] = "eyJ"; /* {" */
  if (text.len < 20 || memcmp(text.data, begin, 3) != 0) return false;
  size_t dots = 0;
  for (size_t i = 0; i < text.len; i++) dots += text.data[i] == '.';
  return dots == 2;
}

/* What stands before the next dot, or the end; text becomes what is behind it. */
static struct chio_slice next_part(struct chio_slice *text) {
  const uint8_t *dot = text->len > 0 ? memchr(text->data, '.', text->len) : NULL;
  size_t len = dot != NULL ? (size_t)(dot - text->data) : text->len;
  struct chio_slice part = chio_slice(text->data, len);
  size_t passed = len + (dot != NULL ? 1 : 0);
  *text = chio_slice(text->data + passed, text->len - passed);
  return part;
}

enum chio_err chio_jws_parse(struct chio_slice text, struct chio_jws *out) {
  *out = (struct chio_jws){.header = CHIO_BUF_INIT};
  if (!chio_jws_looks_like(text)) return CHIO_E_MALFORMED;
  struct chio_slice rest = text, header = next_part(&rest), payload = next_part(&rest);
  out->signed_text = chio_slice(text.data, header.len + 1 + payload.len);
  enum chio_err err = chio_base64_decode(header, true, &out->header);
  if (err == CHIO_OK) err = chio_base64_decode(payload, true, &out->payload);
  if (err == CHIO_OK) err = chio_base64_decode(rest, true, &out->signature);
  if (err == CHIO_OK) err = chio_json_parse(chio_buf_slice(&out->header), &out->header_json);
  if (err == CHIO_OK) err = chio_json_parse(chio_buf_slice(&out->payload), &out->payload_json);
  return err;
}

void chio_jws_clear(struct chio_jws *jws) {
  chio_buf_clear(&jws->header);
  chio_buf_clear(&jws->payload);
  chio_buf_clear(&jws->signature);
  chio_json_free(jws->header_json);
  chio_json_free(jws->payload_json);
}

const struct chio_json *chio_jws_header(const struct chio_jws *jws, const char *name) {
  return chio_json_get(jws->header_json, chio_json_root(jws->header_json), name);
}

const struct chio_json *chio_jws_claim(const struct chio_jws *jws, const char *name) {
  return chio_json_get(jws->payload_json, chio_json_root(jws->payload_json), name);
}
