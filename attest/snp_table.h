/* Writing the certificate table of SEV-SNP (GHCB specification; snp_certs.h reads it): what readers of configfs-tsm's
 * auxblob and of extended reports expect beside a report. */
#ifndef CHIO_ATTEST_SNP_TABLE_H
#define CHIO_ATTEST_SNP_TABLE_H

#include "signer/base/buf.h"

/* Appends the table with the certificates of the text in DER, each under the GUID of its kind: VLEK by its name, VCEK
 * for any other that issues nothing, ARK for one that issued itself, else ASK. CHIO_E_MALFORMED, CHIO_E_TOO_LONG (more
 * than four certificates, or two of one kind). */
CHIO_MUST_CHECK enum chio_err chio_snp_table_put(struct chio_slice pem, struct chio_buf *out);

#endif
