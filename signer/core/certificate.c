#include "signer/core/certificate.h"

#include "signer/base/cursor.h"

#define TAG_INTEGER 0x02u
#define TAG_SEQUENCE 0x30u
#define TAG_VERSION 0xa0u
#define LENGTH_BYTES_MAX 4u /* of the long form: certificates are small */

/* One element: its contents, and itself whole. Indefinite and overlong lengths are not DER. */
static bool read_element(struct chio_cursor *c, uint8_t tag, struct chio_slice *out_contents,
                         struct chio_slice *out_whole) {
  struct chio_cursor at = *c;
  uint8_t got;
  uint8_t first;
  uint64_t len;
  if (chio_cursor_u8(&at, &got) != CHIO_OK || got != tag) return false;
  if (chio_cursor_u8(&at, &first) != CHIO_OK) return false;
  len = first;
  if (first >= 0x80) {
    size_t bytes = first & 0x7fu;
    if (bytes == 0 || bytes > LENGTH_BYTES_MAX) return false;
    if (chio_cursor_uint_be(&at, bytes, &len) != CHIO_OK) return false;
    if (len < 0x80 || (len >> (8 * (bytes - 1))) == 0) return false;
  }
  if (len > at.left || chio_cursor_bytes(&at, (size_t)len, out_contents) != CHIO_OK) return false;
  *out_whole = chio_slice(c->at, c->left - at.left);
  *c = at;
  return true;
}

static bool parse_tbs(struct chio_cursor *tbs, struct chio_certificate *out) {
  struct chio_slice contents;
  struct chio_slice skipped;
  if (tbs->left > 0 && *tbs->at == TAG_VERSION && !read_element(tbs, TAG_VERSION, &contents, &skipped)) return false;
  return read_element(tbs, TAG_INTEGER, &contents, &out->serial) &&
         read_element(tbs, TAG_SEQUENCE, &contents, &skipped) /* signature algorithm */ &&
         read_element(tbs, TAG_SEQUENCE, &contents, &out->issuer) &&
         read_element(tbs, TAG_SEQUENCE, &contents, &skipped) /* validity */ &&
         read_element(tbs, TAG_SEQUENCE, &contents, &out->subject) &&
         read_element(tbs, TAG_SEQUENCE, &contents, &out->spki);
}

enum chio_err chio_certificate_parse(struct chio_slice der, struct chio_certificate *out_certificate) {
  struct chio_certificate parsed;
  struct chio_slice contents;
  struct chio_slice whole;
  struct chio_cursor c = chio_cursor(der);
  if (!read_element(&c, TAG_SEQUENCE, &contents, &whole) || c.left > 0) return CHIO_E_MALFORMED;
  struct chio_cursor certificate = chio_cursor(contents);
  if (!read_element(&certificate, TAG_SEQUENCE, &contents, &whole)) return CHIO_E_MALFORMED;
  struct chio_cursor tbs = chio_cursor(contents);
  if (!parse_tbs(&tbs, &parsed)) return CHIO_E_MALFORMED;
  *out_certificate = parsed;
  return CHIO_OK;
}
