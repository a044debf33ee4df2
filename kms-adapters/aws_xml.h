/*
 * The little XML that AWS still speaks: replies of STS, and error bodies of servers that answer a JSON request with
 * XML. No entities are resolved, no DOCTYPE is taken, depth and size are bounded.
 */
#ifndef CHIO_KMS_AWS_XML_H
#define CHIO_KMS_AWS_XML_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_AWS_XML_DEPTH_MAX 16u
#define CHIO_AWS_XML_NAME_MAX 64u

/* The text of the first element of that name (its prefix, if any, does not count): what stands between its tags,
 * borrowed, with blanks around it cut off. The whole document is checked. CHIO_E_MALFORMED (not well formed, a DOCTYPE
 * or CDATA, elements inside the one asked for), CHIO_E_TOO_DEEP, CHIO_E_TOO_LONG, CHIO_E_NOT_FOUND. */
CHIO_MUST_CHECK enum chio_err chio_aws_xml_text(struct chio_slice document, const char *name,
                                                struct chio_slice *out_text);

#endif
