#include "attest/inflate.h"

#include <zlib.h>

#define GZIP_ALONE (16 + MAX_WBITS) /* zlib's word for: a gzip member, and nothing else */

static enum chio_err unpack(z_stream *stream, size_t max, struct chio_buf *out) {
  /* One byte more than is allowed tells what is too long. */
  uint8_t *to = chio_buf_reserve(out, max + 1);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  stream->next_out = to;
  stream->avail_out = (uInt)(max + 1);
  int code = inflate(stream, Z_FINISH);
  if (code == Z_MEM_ERROR) return CHIO_E_NO_MEMORY;
  if (stream->avail_out == 0) return CHIO_E_TOO_LONG;
  if (code != Z_STREAM_END) return CHIO_E_MALFORMED;
  if (stream->avail_in > 0) return CHIO_E_TRAILING;
  out->len += max + 1 - stream->avail_out;
  return CHIO_OK;
}

enum chio_err chio_gzip_unpack(struct chio_slice packed, size_t max, struct chio_buf *out) {
  z_stream stream = {.next_in = (z_const Bytef *)packed.data, .avail_in = (uInt)packed.len};
  if (packed.len > UINT32_MAX || max >= UINT32_MAX) return CHIO_E_TOO_LONG;
  if (inflateInit2(&stream, GZIP_ALONE) != Z_OK) return CHIO_E_NO_MEMORY;
  enum chio_err err = unpack(&stream, max, out);
  (void)inflateEnd(&stream);
  return err;
}
