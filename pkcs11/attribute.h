/* CK_ATTRIBUTE to and from the attributes of the wire (signer/wire/attrs.h), by the one table of attributes. */
#ifndef CHIO_PKCS11_ATTRIBUTE_H
#define CHIO_PKCS11_ATTRIBUTE_H

#include "pkcs11/cryptoki3.h"
#include "signer/wire/attrs.h"
#include "signer/wire/attribute.h"

#define P11_TEMPLATE_DEPTH_MAX 4u /* templates within templates */

/* A template as a wire list, in an empty buffer; nothing is read through a pointer before its length was checked.
 * p11_template_clear frees it. CKR_ARGUMENTS_BAD (no list, or more rows than any object can have),
 * CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_HOST_MEMORY. */
CHIO_MUST_CHECK CK_RV p11_template_in(const CK_ATTRIBUTE *list, CK_ULONG count, struct chio_buf *out);

/* Wipes and frees. */
void p11_template_clear(struct chio_buf *built);

/* Hands a value out into one row, by the rules of C_GetAttributeValue (PKCS #11 v3.0, 5.7.5): without a buffer its
 * length is told; into one too small nothing is written, ulValueLen says CK_UNAVAILABLE_INFORMATION and the answer is
 * CKR_BUFFER_TOO_SMALL. CKR_GENERAL_ERROR for a value that has not the form of its kind. */
CHIO_MUST_CHECK CK_RV p11_attribute_out(const struct chio_attribute *row, struct chio_slice value, CK_ATTRIBUTE *out);

#endif
