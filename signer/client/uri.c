#include "signer/client/uri.h"

#include "signer/base/cursor.h"
#include "signer/base/utf8.h"

#include <stdlib.h>
#include <strings.h>

#define SCHEME "chio:"

enum kind { KIND_TEXT, KIND_ID, KIND_SLOT, KIND_TYPE, KIND_PIN };

struct row {
  const char *name;
  bool query;
  enum kind kind;
  size_t offset; /* KIND_TEXT: of the char * in struct chio_uri */
};

static const struct row rows[] = {
    {"token", false, KIND_TEXT, offsetof(struct chio_uri, token)},
    {"serial", false, KIND_TEXT, offsetof(struct chio_uri, serial)},
    {"manufacturer", false, KIND_TEXT, offsetof(struct chio_uri, manufacturer)},
    {"model", false, KIND_TEXT, offsetof(struct chio_uri, model)},
    {"slot-id", false, KIND_SLOT, 0},
    {"id", false, KIND_ID, 0},
    {"object", false, KIND_TEXT, offsetof(struct chio_uri, object)},
    {"type", false, KIND_TYPE, 0},
    {"pin-value", true, KIND_PIN, 0},
    {"pin-source", true, KIND_TEXT, offsetof(struct chio_uri, pin_source)},
    {"signer", true, KIND_TEXT, offsetof(struct chio_uri, signer)},
};

static const char *const type_words[] = {
    [CHIO_URI_PRIVATE] = "private", [CHIO_URI_PUBLIC] = "public", [CHIO_URI_CERT] = "cert"};

void chio_uri_free(struct chio_uri *uri) {
  if (uri == NULL) return;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (rows[i].kind == KIND_TEXT) free(*(char **)((char *)uri + rows[i].offset));
  chio_secret_free(uri->pin);
  free(uri->id);
  free(uri);
}

static bool is_unreserved(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         c == '-' || c == '.' || c == '_' || c == '~';
}

/* RFC 7512, 2.3: what may stand in a value unencoded. */
static bool is_plain(uint8_t c, bool query) {
  if (c == '\0') return false;
  return is_unreserved(c) || strchr(query ? ":[]@!$'()*+,=/?|" : ":[]@!$'()*+,=&", c) != NULL;
}

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Decodes into out, which has room for a whole URI: decoding never makes it longer. */
static enum chio_err decode(const struct row *row, struct chio_slice value, uint8_t *out, size_t *out_len,
                            struct chio_detail *detail) {
  size_t len = 0;
  for (size_t at = 0; at < value.len; at++) {
    uint8_t c = value.data[at];
    if (c == '%') {
      int high = at + 2 < value.len ? hex_digit(value.data[at + 1]) : -1;
      int low = at + 2 < value.len ? hex_digit(value.data[at + 2]) : -1;
      if (high < 0 || low < 0) return chio_fail(detail, CHIO_E_MALFORMED, "%s: %% needs two hex digits", row->name);
      c = (uint8_t)(high << 4 | low);
      at += 2;
    } else if (!is_plain(c, row->query)) {
      return chio_fail(detail, CHIO_E_MALFORMED, "%s: a character must be percent-encoded", row->name);
    }
    out[len++] = c;
  }
  *out_len = len;
  return CHIO_OK;
}

static enum chio_err set_text(struct chio_uri *uri, const struct row *row, struct chio_slice bytes,
                              struct chio_detail *detail) {
  if (memchr(bytes.data, 0, bytes.len) != NULL || !chio_utf8_valid(bytes))
    return chio_fail(detail, CHIO_E_MALFORMED, "%s: not UTF-8 text", row->name);
  char *text = strndup((const char *)bytes.data, bytes.len);
  if (text == NULL) return CHIO_E_NO_MEMORY;
  *(char **)((char *)uri + row->offset) = text;
  return CHIO_OK;
}

static enum chio_err set_id(struct chio_uri *uri, struct chio_slice bytes, struct chio_detail *detail) {
  if (bytes.len == 0 || bytes.len > CHIO_URI_ID_MAX)
    return chio_fail(detail, CHIO_E_MALFORMED, "id: 1 to %u bytes are possible", CHIO_URI_ID_MAX);
  uri->id = malloc(bytes.len);
  if (uri->id == NULL) return CHIO_E_NO_MEMORY;
  memcpy(uri->id, bytes.data, bytes.len);
  uri->id_len = bytes.len;
  uri->has_id = true;
  return CHIO_OK;
}

static enum chio_err set_slot(struct chio_uri *uri, struct chio_slice bytes, struct chio_detail *detail) {
  uint64_t slot = 0;
  bool ok = bytes.len > 0 && bytes.len <= 10;
  for (size_t i = 0; ok && i < bytes.len; i++) {
    ok = bytes.data[i] >= '0' && bytes.data[i] <= '9';
    slot = slot * 10 + (uint64_t)(bytes.data[i] - '0');
  }
  if (!ok || slot > UINT32_MAX) return chio_fail(detail, CHIO_E_MALFORMED, "slot-id: not a number of a slot");
  uri->slot = (uint32_t)slot;
  uri->has_slot = true;
  return CHIO_OK;
}

static enum chio_err set_type(struct chio_uri *uri, struct chio_slice bytes, struct chio_detail *detail) {
  for (size_t i = CHIO_URI_PRIVATE; i < CHIO_ARRAY_LEN(type_words); i++) {
    if (!chio_slice_equal(bytes, chio_slice_str(type_words[i]))) continue;
    uri->type = (enum chio_uri_type)i;
    return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_MALFORMED, "type: private, public and cert are possible");
}

static enum chio_err set_pin(struct chio_uri *uri, struct chio_slice bytes, struct chio_detail *detail) {
  if (bytes.len == 0) return chio_fail(detail, CHIO_E_MALFORMED, "pin-value: empty");
  return chio_secret_copy(bytes, &uri->pin);
}

static enum chio_err set(struct chio_uri *uri, const struct row *row, struct chio_slice bytes,
                         struct chio_detail *detail) {
  switch (row->kind) {
    case KIND_TEXT: return set_text(uri, row, bytes, detail);
    case KIND_ID: return set_id(uri, bytes, detail);
    case KIND_SLOT: return set_slot(uri, bytes, detail);
    case KIND_TYPE: return set_type(uri, bytes, detail);
    case KIND_PIN: return set_pin(uri, bytes, detail);
  }
  return CHIO_E_INTERNAL;
}

static const struct row *find_row(struct chio_slice name, bool query) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (rows[i].query == query && chio_slice_equal(name, chio_slice_str(rows[i].name))) return &rows[i];
  return NULL;
}

/* One "name=value". seen has a bit for each row. */
static enum chio_err attribute(struct chio_uri *uri, struct chio_slice text, bool query, unsigned *seen,
                               struct chio_detail *detail) {
  uint8_t decoded[CHIO_URI_MAX];
  size_t len = 0;
  const uint8_t *equals = text.len > 0 ? memchr(text.data, '=', text.len) : NULL;
  if (equals == NULL) return chio_fail(detail, CHIO_E_MALFORMED, "an attribute without '='");
  size_t name_len = (size_t)(equals - text.data);
  struct chio_slice value = chio_slice(equals + 1, text.len - name_len - 1);
  const struct row *row = find_row(chio_slice(text.data, name_len), query);
  if (row == NULL) return chio_fail(detail, CHIO_E_MALFORMED, "unknown attribute in the %s", query ? "query" : "path");
  unsigned bit = 1u << (row - rows);
  if (*seen & bit) return chio_fail(detail, CHIO_E_MALFORMED, "%s: stands there twice", row->name);
  *seen |= bit;
  enum chio_err err = decode(row, value, decoded, &len, detail);
  if (err == CHIO_OK && len > CHIO_URI_TEXT_MAX) err = chio_fail(detail, CHIO_E_TOO_LONG, "%s: too long", row->name);
  if (err == CHIO_OK) err = set(uri, row, chio_slice(decoded, len), detail);
  chio_wipe(decoded, sizeof decoded);
  return err;
}

static enum chio_err attributes(struct chio_uri *uri, struct chio_slice text, bool query, unsigned *seen,
                                struct chio_detail *detail) {
  while (text.len > 0) {
    const uint8_t *end = memchr(text.data, query ? '&' : ';', text.len);
    size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
    enum chio_err err = attribute(uri, chio_slice(text.data, len), query, seen, detail);
    if (err != CHIO_OK) return err;
    if (end == NULL) break;
    text = chio_slice(end + 1, text.len - len - 1);
    if (text.len == 0) return chio_fail(detail, CHIO_E_MALFORMED, "an empty attribute at the end");
  }
  return CHIO_OK;
}

static enum chio_err parse(struct chio_slice text, struct chio_uri *uri, struct chio_detail *detail) {
  size_t scheme = strlen(SCHEME);
  unsigned seen = 0;
  if (text.len > CHIO_URI_MAX) return chio_fail(detail, CHIO_E_TOO_LONG, "longer than %u bytes", CHIO_URI_MAX);
  if (text.len < scheme || strncasecmp((const char *)text.data, SCHEME, scheme) != 0)
    return chio_fail(detail, CHIO_E_MALFORMED, "the scheme is not " SCHEME);
  struct chio_slice path = chio_slice(text.data + scheme, text.len - scheme), query = chio_slice(NULL, 0);
  const uint8_t *mark = path.len > 0 ? memchr(path.data, '?', path.len) : NULL;
  if (mark != NULL) {
    query = chio_slice(mark + 1, path.len - (size_t)(mark - path.data) - 1);
    path.len = (size_t)(mark - path.data);
    if (query.len == 0) return chio_fail(detail, CHIO_E_MALFORMED, "an empty query");
  }
  enum chio_err err = attributes(uri, path, false, &seen, detail);
  if (err == CHIO_OK) err = attributes(uri, query, true, &seen, detail);
  if (err == CHIO_OK && uri->pin != NULL && uri->pin_source != NULL)
    return chio_fail(detail, CHIO_E_MALFORMED, "pin-value and pin-source at once");
  return err;
}

enum chio_err chio_uri_parse(struct chio_slice text, struct chio_uri **out_uri, struct chio_detail *detail) {
  CHIO_AUTO(chio_uri) struct chio_uri *uri = calloc(1, sizeof *uri);
  if (uri == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = parse(text, uri, detail);
  if (err == CHIO_OK) *out_uri = CHIO_STEAL(uri);
  return err;
}

/* Encodes all bytes but those of extra and, with extra not NULL, the unreserved ones. */
static void put_encoded(struct chio_slice bytes, const char *extra, struct chio_buf *out) {
  for (size_t i = 0; i < bytes.len; i++) {
    uint8_t c = bytes.data[i];
    if (extra != NULL && (is_unreserved(c) || (c != '\0' && strchr(extra, c) != NULL)))
      chio_buf_append_u8(out, c);
    else
      chio_buf_printf(out, "%%%02X", c);
  }
}

static void put_name(const struct row *row, char *separator, struct chio_buf *out) {
  if (*separator != '\0') chio_buf_append_u8(out, (uint8_t)*separator);
  *separator = row->query ? '&' : ';';
  chio_buf_printf(out, "%s=", row->name);
}

static void put_row(const struct chio_uri *uri, const struct row *row, char *separator, struct chio_buf *out) {
  const char *text = row->kind == KIND_TEXT ? *(char *const *)((const char *)uri + row->offset)
                     : row->kind == KIND_TYPE ? type_words[uri->type]
                                              : NULL;
  if (text != NULL) {
    put_name(row, separator, out);
    put_encoded(chio_slice_str(text), row->query ? ":/" : "", out);
  } else if (row->kind == KIND_ID && uri->has_id) {
    put_name(row, separator, out);
    put_encoded(chio_slice(uri->id, uri->id_len), NULL, out);
  } else if (row->kind == KIND_SLOT && uri->has_slot) {
    put_name(row, separator, out);
    chio_buf_printf(out, "%u", uri->slot);
  }
}

enum chio_err chio_uri_format(const struct chio_uri *uri, struct chio_buf *out) {
  char separator = '\0';
  bool query = false;
  chio_buf_append_str(out, SCHEME);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    if (rows[i].query && !query) separator = '?';
    query = rows[i].query;
    if (rows[i].kind == KIND_PIN || rows[i].offset == offsetof(struct chio_uri, pin_source)) continue; /* no PINs */
    put_row(uri, &rows[i], &separator, out);
  }
  return chio_buf_err(out);
}
