/* The certificate of a versioned chip or loaded endorsement key: which chip, which TCB (AMD 57230, table 8 and
 * following), and the table in which the host passes certificates on. */
#ifndef CHIO_ATTEST_SNP_VEK_H
#define CHIO_ATTEST_SNP_VEK_H

#include "attest/cert_set.h"
#include "attest/snp.h"

struct chio_snp_vek {
  enum chio_snp_signing_key kind;
  enum chio_snp_product product;
  struct chio_snp_tcb tcb;
  struct chio_slice hw_id;  /* VCEK: 64 bytes, 8 on Turin; empty in a VLEK */
  struct chio_slice csp_id; /* VLEK: text; empty in a VCEK */
};

/* CHIO_E_NOT_FOUND when the certificate is neither by its name. CHIO_E_MALFORMED. */
CHIO_MUST_CHECK enum chio_err chio_snp_vek_parse(const struct chio_cert *cert, struct chio_snp_vek *out);

/* Whether bytes begin as a certificate table does: with a known GUID. */
bool chio_snp_table_looks_like(struct chio_slice bytes);

/* Adds every certificate of the table (DER or PEM) that parses; the table comes from the host, and entries that do not
 * parse are passed over. CHIO_E_MALFORMED when offsets point outside. */
CHIO_MUST_CHECK enum chio_err chio_snp_table_add(struct chio_slice table, struct chio_cert_set *certs);

#endif
