/* Parts of certificates, for those who write them. */
#ifndef CHIO_CORE_CERTIFY_H
#define CHIO_CORE_CERTIFY_H

#include "signer/base/buf.h"

/* Name with one common name, cut to 64 characters (X.520). */
void chio_certify_name(struct chio_buf *out, const char *common_name);

/* Whether nothing of it is cut off. */
bool chio_certify_name_fits(const char *common_name);

/* Validity, in seconds since the epoch. */
void chio_certify_validity(struct chio_buf *out, uint64_t not_before, uint64_t not_after);

/* Extension that is not critical; the OID as numbers and dots. CHIO_E_ARGUMENT, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_certify_extension(struct chio_buf *out, const char *oid, struct chio_slice value);

#endif
