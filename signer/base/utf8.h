/* UTF-8 (RFC 3629), one scalar value at a time: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef CHIO_BASE_UTF8_H
#define CHIO_BASE_UTF8_H

#include "signer/base/slice.h"

#define CHIO_UTF8_MAX 4u /* bytes of the longest sequence */

/* The length of the sequence that bytes begin with, and its scalar value; 0, and *out_scalar untouched, when they begin
 * with none (empty, malformed or cut short). */
size_t chio_utf8_decode(struct chio_slice bytes, uint32_t *out_scalar);

/* Writes the sequence of a scalar value and returns its length; 0 for a surrogate or a value above U+10FFFF. */
size_t chio_utf8_encode(uint32_t scalar, uint8_t out[static CHIO_UTF8_MAX]);

/* Whether the whole of bytes is UTF-8; the empty slice is. */
bool chio_utf8_valid(struct chio_slice bytes);

#endif
