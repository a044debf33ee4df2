#include "signer/client/pem_uri.h"

#include "signer/base/cursor.h"

#include <strings.h>

#define DER_UTF8_STRING 0x0cu
#define DER_VISIBLE_STRING 0x1au
#define DER_SEQUENCE 0x30u
#define VERSION_PREFIX "chio-hsm key URI v"

/* X.690, 8.1.3 and 10.1: the length in its shortest form, of at most two bytes. */
static enum chio_err der_length(struct chio_cursor *c, size_t *out_len) {
  uint8_t first;
  uint64_t len = 0;
  enum chio_err err = chio_cursor_u8(c, &first);
  if (err != CHIO_OK) return err;
  if (first < 0x80) {
    *out_len = first;
    return CHIO_OK;
  }
  size_t size = first & 0x7fu;
  if (size == 0 || size > 2) return size == 0 ? CHIO_E_MALFORMED : CHIO_E_TOO_LONG;
  err = chio_cursor_uint_be(c, size, &len);
  if (err != CHIO_OK) return err;
  if (len < (size == 1 ? 0x80u : 0x100u)) return CHIO_E_MALFORMED;
  *out_len = (size_t)len;
  return CHIO_OK;
}

static enum chio_err der_element(struct chio_cursor *c, uint8_t tag, struct chio_slice *out_value) {
  uint8_t found;
  size_t len = 0;
  enum chio_err err = chio_cursor_u8(c, &found);
  if (err == CHIO_OK && found != tag) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = der_length(c, &len);
  return err == CHIO_OK ? chio_cursor_bytes(c, len, out_value) : err;
}

static enum chio_err split(struct chio_slice der, struct chio_slice *out_version, struct chio_slice *out_uri) {
  struct chio_cursor outer = chio_cursor(der);
  struct chio_slice body, version, uri;
  enum chio_err err = der_element(&outer, DER_SEQUENCE, &body);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  if (err != CHIO_OK) return err;
  struct chio_cursor inner = chio_cursor(body);
  err = der_element(&inner, DER_VISIBLE_STRING, &version);
  if (err == CHIO_OK) err = der_element(&inner, DER_UTF8_STRING, &uri);
  if (err == CHIO_OK) err = chio_cursor_end(&inner);
  if (err != CHIO_OK) return err;
  *out_version = version;
  *out_uri = uri;
  return CHIO_OK;
}

bool chio_pem_uri_is(struct chio_slice der) {
  struct chio_cursor outer = chio_cursor(der);
  struct chio_slice body, version;
  if (der_element(&outer, DER_SEQUENCE, &body) != CHIO_OK) return false;
  struct chio_cursor inner = chio_cursor(body);
  if (der_element(&inner, DER_VISIBLE_STRING, &version) != CHIO_OK) return false;
  size_t prefix = strlen(VERSION_PREFIX);
  return version.len >= prefix && memcmp(version.data, VERSION_PREFIX, prefix) == 0;
}

/* What a file that anybody may have written may not ask for. */
static enum chio_err allowed(const struct chio_uri *uri, struct chio_detail *detail) {
  if (uri->pin != NULL || uri->pin_source != NULL)
    return chio_fail(detail, CHIO_E_MALFORMED, "a file must not say a PIN or where one is");
  if (uri->signer != NULL && (strncmp(uri->signer, "unix:", 5) != 0 || strchr(uri->signer, ',') != NULL))
    return chio_fail(detail, CHIO_E_MALFORMED, "signer: only one unix: socket is possible in a file");
  return CHIO_OK;
}

enum chio_err chio_pem_uri_decode(struct chio_slice der, struct chio_uri **out_uri, struct chio_detail *detail) {
  struct chio_slice version, text;
  CHIO_AUTO(chio_uri) struct chio_uri *uri = NULL;
  enum chio_err err = split(der, &version, &text);
  if (err != CHIO_OK) return err;
  if (!chio_slice_equal(version, chio_slice_str(CHIO_PEM_URI_VERSION)))
    return chio_fail(detail, CHIO_E_VERSION, "only '" CHIO_PEM_URI_VERSION "' is known");
  err = chio_uri_parse(text, &uri, detail);
  if (err == CHIO_OK) err = allowed(uri, detail);
  if (err == CHIO_OK) *out_uri = CHIO_STEAL(uri);
  return err;
}

static size_t length_size(size_t len) {
  return len < 0x80 ? 1 : len < 0x100 ? 2 : 3;
}

static void put_header(uint8_t tag, size_t len, struct chio_buf *out) {
  chio_buf_append_u8(out, tag);
  if (len >= 0x100) {
    chio_buf_append_u8(out, 0x82);
    chio_buf_append_u16be(out, (uint16_t)len);
    return;
  }
  if (len >= 0x80) chio_buf_append_u8(out, 0x81);
  chio_buf_append_u8(out, (uint8_t)len);
}

enum chio_err chio_pem_uri_encode(struct chio_slice uri, struct chio_buf *out) {
  struct chio_slice version = chio_slice_str(CHIO_PEM_URI_VERSION);
  if (uri.len > CHIO_URI_MAX) return CHIO_E_TOO_LONG;
  size_t body = 1 + length_size(version.len) + version.len + 1 + length_size(uri.len) + uri.len;
  put_header(DER_SEQUENCE, body, out);
  put_header(DER_VISIBLE_STRING, version.len, out);
  chio_buf_append_slice(out, version);
  put_header(DER_UTF8_STRING, uri.len, out);
  chio_buf_append_slice(out, uri);
  return chio_buf_err(out);
}
