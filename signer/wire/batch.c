#include "signer/wire/batch.h"

static enum chio_err next_item(struct chio_cursor *c, struct chio_slice *out_item) {
  struct chio_cursor at = *c;
  uint32_t len;
  enum chio_err err = chio_cursor_u32le(&at, &len);
  if (err == CHIO_OK) err = chio_cursor_bytes(&at, len, out_item);
  if (err == CHIO_OK) *c = at;
  return err;
}

enum chio_err chio_batch_items_parse(struct chio_slice raw, size_t *out_count) {
  struct chio_cursor c = chio_cursor(raw);
  struct chio_slice item;
  size_t count = 0;
  if (raw.len > CHIO_BATCH_DATA_MAX) return CHIO_E_TOO_LONG;
  if (raw.len == 0) return CHIO_E_ARGUMENT;
  for (; c.left > 0; count++) {
    enum chio_err err = next_item(&c, &item);
    if (err != CHIO_OK) return err;
    if (count == CHIO_BATCH_ITEMS_MAX) return CHIO_E_TOO_LONG;
  }
  *out_count = count;
  return CHIO_OK;
}

bool chio_batch_items_next(struct chio_cursor *items, struct chio_slice *out_item) {
  return next_item(items, out_item) == CHIO_OK;
}

void chio_batch_items_add(struct chio_buf *items, struct chio_slice item) {
  chio_buf_append_u32le(items, (uint32_t)item.len);
  chio_buf_append_slice(items, item);
}

static enum chio_err next_result(struct chio_cursor *c, struct chio_batch_result *out_result) {
  struct chio_cursor at = *c;
  struct chio_batch_result result;
  uint32_t number;
  enum chio_err err = chio_cursor_u32le(&at, &number);
  if (err == CHIO_OK) err = next_item(&at, &result.signature);
  if (err != CHIO_OK) return err;
  if ((number == 0) != (result.signature.len > 0)) return CHIO_E_MALFORMED;
  result.err = chio_err_from_wire(number);
  *out_result = result;
  *c = at;
  return CHIO_OK;
}

enum chio_err chio_batch_results_parse(struct chio_slice raw, size_t count) {
  struct chio_cursor c = chio_cursor(raw);
  struct chio_batch_result result;
  for (size_t i = 0; i < count; i++) {
    enum chio_err err = next_result(&c, &result);
    if (err != CHIO_OK) return err;
  }
  return chio_cursor_end(&c);
}

bool chio_batch_results_next(struct chio_cursor *results, struct chio_batch_result *out_result) {
  return next_result(results, out_result) == CHIO_OK;
}

void chio_batch_results_add(struct chio_buf *results, enum chio_err err, struct chio_slice signature) {
  chio_buf_append_u32le(results, (uint32_t)err);
  chio_batch_items_add(results, err == CHIO_OK ? signature : chio_slice(NULL, 0));
}
