/*
 * The two lists of SIGN_BATCH, as they stand in its BYTES fields:
 *   items    u32 length and that many bytes, for each message
 *   results  u32 error (0, or of err.def), u32 length and that many bytes (the signature; none with an error), for each
 *            item in its order
 */
#ifndef CHIO_WIRE_BATCH_H
#define CHIO_WIRE_BATCH_H

#include "signer/base/buf.h"
#include "signer/base/cursor.h"
#include "signer/wire/limits.h"

/* Bytes that an item takes beside its own. */
#define CHIO_BATCH_ITEM_HEAD 4u

/* Checks a whole list of items and counts them. CHIO_E_TRUNCATED; CHIO_E_ARGUMENT when there is none; CHIO_E_TOO_LONG
 * for more than CHIO_BATCH_ITEMS_MAX items or CHIO_BATCH_DATA_MAX bytes. */
CHIO_MUST_CHECK enum chio_err chio_batch_items_parse(struct chio_slice raw, size_t *out_count);

/* The next item of a list that was checked; false at its end. */
bool chio_batch_items_next(struct chio_cursor *items, struct chio_slice *out_item);

/* Appends an item. */
void chio_batch_items_add(struct chio_buf *items, struct chio_slice item);

/* One outcome. */
struct chio_batch_result {
  enum chio_err err;
  struct chio_slice signature; /* borrowed; empty with an error */
};

/* Checks a whole list of results, which must be those of count items. CHIO_E_TRUNCATED, CHIO_E_TRAILING;
 * CHIO_E_MALFORMED for a signature beside an error, or none without one. */
CHIO_MUST_CHECK enum chio_err chio_batch_results_parse(struct chio_slice raw, size_t count);

/* The next result of a list that was checked; false at its end. */
bool chio_batch_results_next(struct chio_cursor *results, struct chio_batch_result *out_result);

/* Appends a result; the signature counts for nothing with an error. */
void chio_batch_results_add(struct chio_buf *results, enum chio_err err, struct chio_slice signature);

#endif
