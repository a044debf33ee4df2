/*
 * The one table of attributes (attribute.def): number, name, kind, and in which objects it may stand. Read by core
 * (templates), pkcs11 (conversion to and from CK_ATTRIBUTE) and the tools (printing).
 */
#ifndef CHIO_WIRE_ATTRIBUTE_H
#define CHIO_WIRE_ATTRIBUTE_H

#include "signer/base/slice.h"
#include "signer/wire/cryptoki.h"

/* How the value stands in wire form (attrs.h) and in a CK_ATTRIBUTE. */
enum chio_attribute_kind {
  CHIO_KIND_BOOL,  /* one byte, CK_BBOOL */
  CHIO_KIND_ULONG, /* u64, CK_ULONG */
  CHIO_KIND_BYTES,
  CHIO_KIND_TEXT,  /* UTF-8 */
  CHIO_KIND_DATE,  /* 8 bytes or empty */
  CHIO_KIND_MECHS, /* u64 each, CK_MECHANISM_TYPE array */
  CHIO_KIND_TEMPL, /* an attribute list, CK_ATTRIBUTE array */
};

/* Objects it may stand in. */
#define CHIO_IN_DATA 0x01u
#define CHIO_IN_CERT 0x02u
#define CHIO_IN_PUBLIC 0x04u
#define CHIO_IN_PRIVATE 0x08u
#define CHIO_IN_SECRET 0x10u
#define CHIO_IN_STORED 0x1fu /* every object that can be made */
#define CHIO_IN_KEYS (CHIO_IN_PUBLIC | CHIO_IN_PRIVATE | CHIO_IN_SECRET)

/* Rules. */
#define CHIO_ATTR_CREATE 0x01u    /* may stand in a C_CreateObject template */
#define CHIO_ATTR_GENERATE 0x02u  /* may stand in a generation template */
#define CHIO_ATTR_SET 0x04u       /* may be changed by C_SetAttributeValue */
#define CHIO_ATTR_COPY 0x08u      /* may be changed by C_CopyObject */
#define CHIO_ATTR_SENSITIVE 0x10u /* private material: readable only when !SENSITIVE and EXTRACTABLE; never searched */
#define CHIO_ATTR_LARGE 0x20u     /* sent only when asked for by name */
#define CHIO_ATTR_UP 0x40u        /* a flag that may go FALSE -> TRUE only */
#define CHIO_ATTR_DOWN 0x80u      /* a flag that may go TRUE -> FALSE only */

struct chio_attribute {
  uint32_t type;
  const char *name; /* "CKA_LABEL" */
  enum chio_attribute_kind kind;
  unsigned in;    /* CHIO_IN_* */
  unsigned rules; /* CHIO_ATTR_* */
};

/* The row, or NULL for an attribute that this token does not know. Static storage. */
const struct chio_attribute *chio_attribute_find(uint32_t type);
const struct chio_attribute *chio_attribute_table(size_t *out_count);

/* Whether the value has the size and form that its kind demands (a BOOL is one byte, 0 or 1; a DATE is empty or 8
 * digits; a TEXT is UTF-8). */
bool chio_attribute_value_ok(const struct chio_attribute *attribute, struct chio_slice value);

#endif
