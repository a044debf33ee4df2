/* Bytes as text and back: hexadecimal, base64 (RFC 4648), JSON strings. */
#ifndef CHIO_BASE_TEXT_H
#define CHIO_BASE_TEXT_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

/* 0 to 15, or -1. */
int chio_hex_digit(uint8_t c);

/* Exactly 2*len digits of either case. CHIO_E_MALFORMED; out may be half written then. */
CHIO_MUST_CHECK enum chio_err chio_hex_decode(struct chio_slice text, uint8_t *out, size_t len);
void chio_hex_append(struct chio_buf *out, struct chio_slice bytes);

void chio_base64_append(struct chio_buf *out, struct chio_slice bytes);
/* The URL-safe alphabet without padding (RFC 4648 section 5, as JOSE has it). */
void chio_base64url_append(struct chio_buf *out, struct chio_slice bytes);
/* What stands before a JSON string of base64url, with its opening quotation mark; the string; the closing one. */
void chio_base64url_put(struct chio_buf *out, const char *before, struct chio_slice bytes);
/* Appends the bytes. Standard alphabet with padding, or (url) the URL-safe one without; white space and non-canonical
 * last characters are refused. CHIO_E_MALFORMED, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_base64_decode(struct chio_slice text, bool url, struct chio_buf *out);

/* Appends a JSON string with its quotes; the text must be UTF-8 (other bytes become U+FFFD). */
void chio_json_quote(struct chio_buf *out, struct chio_slice text);

#endif
