/* What chio_attest_collateral holds. */
#ifndef CHIO_ATTEST_COLLATERAL_H
#define CHIO_ATTEST_COLLATERAL_H

#include "attest/cert_set.h"
#include "attest/chio_attest.h"
#include "attest/json.h"

#define CHIO_COLLATERAL_CRLS_MAX 64u
#define CHIO_COLLATERAL_DOCUMENTS_MAX 256u
#define CHIO_COLLATERAL_FILE_MAX (2u * 1024u * 1024u)

enum chio_document_kind { CHIO_DOCUMENT_TCB_INFO, CHIO_DOCUMENT_QE_IDENTITY, CHIO_DOCUMENT_JWKS };

/* A signed JSON document as served: the exact bytes that the signature covers, parsed once. */
struct chio_document {
  enum chio_document_kind kind;
  struct chio_buf text; /* owned; body points into it */
  struct chio_slice body;
  uint8_t signature[64];
  struct chio_json_doc *json; /* of body */
};

struct chio_crl_file {
  struct chio_buf der;
  struct chio_crl crl;
};

struct chio_attest_collateral {
  uint64_t state; /* a number that no other contents in this process ever had */
  struct chio_cert_set certs;
  struct chio_crl_file crls[CHIO_COLLATERAL_CRLS_MAX];
  size_t crls_count;
  struct chio_document documents[CHIO_COLLATERAL_DOCUMENTS_MAX];
  size_t documents_count;
};

/* Which contents these are: another number after each change, and for each handle. */
uint64_t chio_collateral_state(const struct chio_attest_collateral *collateral);

/* The certificates; NULL for NULL. */
const struct chio_cert_set *chio_collateral_certs(const struct chio_attest_collateral *collateral);

/* Certificates of a vendor that the library knows (never as anchors); NULL when there are none. */
const struct chio_cert_set *chio_vendor_certs(unsigned vendor);

#endif
