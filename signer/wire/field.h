/*
 * The codec of message bodies. A body is the concatenation of its fields in the order of the message's field table;
 * one generic encoder and decoder serve all messages, so that there is one thing to audit and to fuzz.
 *
 *   U32, U64   4 or 8 bytes
 *   UID        16 bytes
 *   BYTES      u32 length (at most the field's limit), then the bytes
 *   SECRET     as BYTES; marks bytes that are wiped from every buffer they passed through
 *   ATTRS      as BYTES; the bytes are an attribute list (attrs.h), whose every length is checked by the decoder
 */
#ifndef CHIO_WIRE_FIELD_H
#define CHIO_WIRE_FIELD_H

#include "signer/base/buf.h"
#include "signer/wire/attrs.h"
#include "signer/wire/uid.h"

enum chio_field_kind {
  CHIO_FIELD_U32,    /* uint32_t */
  CHIO_FIELD_U64,    /* uint64_t */
  CHIO_FIELD_UID,    /* struct chio_uid */
  CHIO_FIELD_BYTES,  /* struct chio_slice */
  CHIO_FIELD_SECRET, /* struct chio_slice */
  CHIO_FIELD_ATTRS,  /* struct chio_attrs */
};

struct chio_field {
  const char *name;
  enum chio_field_kind kind;
  size_t offset;  /* in the message's struct */
  uint32_t limit; /* BYTES, SECRET, ATTRS: the most bytes */
};

struct chio_fields {
  const struct chio_field *list;
  size_t count;
};

#define CHIO_FIELD(type, member, kind, limit) {#member, CHIO_FIELD_##kind, offsetof(struct type, member), (limit)}
#define CHIO_FIELDS(list) {(list), CHIO_ARRAY_LEN(list)}
#define CHIO_FIELDS_NONE {NULL, 0}

/* The exact size of the encoded body. CHIO_E_TOO_LONG when a field passes its limit. */
CHIO_MUST_CHECK enum chio_err chio_fields_size(struct chio_fields fields, const void *message, size_t *out_size);

/* Appends the body. The memory is reserved once beforehand, so that a secret is never left behind by a realloc.
 * CHIO_E_TOO_LONG, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_fields_encode(struct chio_fields fields, const void *message, struct chio_buf *out);

/* Decodes a whole body into *out_message (every member that the table names is set); slices borrow from body.
 * CHIO_E_TRUNCATED, CHIO_E_TRAILING, CHIO_E_TOO_LONG. On failure the message is untouched. */
CHIO_MUST_CHECK enum chio_err chio_fields_decode(struct chio_fields fields, struct chio_slice body, size_t message_size,
                                                 void *out_message);

#endif
