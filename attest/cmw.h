/*
 * Conceptual message wrappers (draft-ietf-rats-msg-wrap): [media type, value, indicator] as a record, or records by
 * label as a collection; in CBOR or, with base64url values, in JSON. What others put around evidence, and what we put
 * around evidence for which nobody else has a form.
 */
#ifndef CHIO_ATTEST_CMW_H
#define CHIO_ATTEST_CMW_H

#include "attest/json.h"
#include "signer/base/buf.h"

#define CHIO_CMW_RECORDS_MAX 8u
#define CHIO_CMW_VALUE_MAX (1024u * 1024u)

/* Media types that we write and know. */
#define CHIO_CMW_TSM_CBOR "application/vnd.veraison.tsm-report+cbor"
#define CHIO_CMW_TSM_JSON "application/vnd.veraison.tsm-report+json"
#define CHIO_CMW_NITRO "application/aws-nitro-document"
#define CHIO_CMW_QUOTE "application/vnd.chio.quote"
#define CHIO_CMW_CLAIMS "application/eat-ucs+cbor"
#define CHIO_CMW_CHAIN "application/pem-certificate-chain"

/* The type of our collections (a cmwc_t is a URI or an OID): under the arc of CHIO_EVIDENCE_OID (bundle.h). */
#define CHIO_CMW_COLLECTION "2.25.109241486368889581879283758888474991060.1"

/* The indicator's bit for evidence; a record without an indicator may be anything. */
#define CHIO_CMW_IS_EVIDENCE 4u

struct chio_cmw_record {
  struct chio_slice label; /* empty: a record by itself */
  struct chio_slice type;  /* media type */
  struct chio_slice value;
  uint64_t indicator; /* 0: none */
};

struct chio_cmw {
  struct chio_cmw_record records[CHIO_CMW_RECORDS_MAX];
  size_t count;
  struct chio_buf decoded[CHIO_CMW_RECORDS_MAX]; /* what JSON's values are in */
  struct chio_json_doc *doc;
};

/* Either form; in CBOR everything borrows from bytes. CHIO_E_MALFORMED and its like; CHIO_E_TOO_LONG beyond the limits;
 * CHIO_E_UNSUPPORTED: content formats by number, collections in collections. Freed with chio_cmw_clear. */
CHIO_MUST_CHECK enum chio_err chio_cmw_parse(struct chio_slice bytes, struct chio_cmw *out);
void chio_cmw_clear(struct chio_cmw *cmw);

/* Whether these bytes begin as one in CBOR does. */
bool chio_cmw_looks_like(struct chio_slice bytes);

/* The collection in CBOR, or one record by itself. */
void chio_cmw_put(struct chio_buf *out, const struct chio_cmw_record *records, size_t count);
void chio_cmw_put_record(struct chio_buf *out, const struct chio_cmw_record *record);

/* A configfs-tsm report in CBOR ({auxblob, outblob, provider}); aux: empty when there is none. */
struct chio_tsm_report {
  struct chio_slice out, aux, provider;
};
CHIO_MUST_CHECK enum chio_err chio_tsm_report_parse(struct chio_slice bytes, struct chio_tsm_report *out);
void chio_tsm_report_put(struct chio_buf *out, const struct chio_tsm_report *report);

#endif
