/*
 * The certificate table of SEV-SNP (GHCB specification, "SNP Extended Guest Request"), as auxblob and as the answer of
 * SNP_GET_EXT_REPORT: entries of 24 bytes (GUID, offset, length), ended by one of zeros, then the certificates.
 */
#ifndef CHIO_ATTEST_SNP_CERTS_H
#define CHIO_ATTEST_SNP_CERTS_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#define CHIO_SNP_TABLE_ENTRIES_MAX 16u
#define CHIO_SNP_CERT_MAX 8192u /* DER or PEM, bytes */

/* Appends the certificates of the table (VCEK or VLEK, ASK, ARK; DER or PEM) as PEM; no bytes, or an empty table: none.
 * The table comes from the host: one that points outside itself, or whose VCEK or VLEK is no certificate, is
 * CHIO_E_EVIDENCE_FORMAT; an ASK or ARK that does not parse is left out, as are entries of other kinds. */
CHIO_MUST_CHECK enum chio_err chio_snp_certs_pem(struct chio_slice table, struct chio_buf *out_pem);

#endif
