#include "signer/client/client.h"
#include "signer/wire/batch.h"

size_t chio_batch_fits(const struct chio_batch_item *items, size_t count) {
  size_t used = 0, fits = 0;
  while (fits < count && fits < CHIO_BATCH_ITEMS_MAX) {
    size_t len = items[fits].data.len;
    if (len > CHIO_BATCH_DATA_MAX - CHIO_BATCH_ITEM_HEAD) break;
    if (CHIO_BATCH_ITEM_HEAD + len > CHIO_BATCH_DATA_MAX - used) break;
    used += CHIO_BATCH_ITEM_HEAD + len;
    fits++;
  }
  return fits;
}

static enum chio_err take_results(struct chio_slice raw, struct chio_batch_item *items, size_t count,
                                  struct chio_detail *detail) {
  struct chio_cursor at = chio_cursor(raw);
  struct chio_batch_result result;
  if (chio_batch_results_parse(raw, count) != CHIO_OK)
    return chio_fail(detail, CHIO_E_PROTOCOL, "the signer's reply to SIGN_BATCH is malformed");
  for (size_t i = 0; i < count && chio_batch_results_next(&at, &result); i++) {
    items[i].err = result.err;
    items[i].signature = result.signature;
  }
  return CHIO_OK;
}

enum chio_err chio_client_sign_batch(struct chio_client *client, const struct chio_sign_batch_request *common,
                                     struct chio_batch_item *items, size_t count, struct chio_buf *holder,
                                     uint64_t *out_generation, struct chio_detail *detail) {
  struct chio_sign_batch_request request = *common;
  struct chio_sign_batch_reply reply;
  struct chio_buf list = CHIO_BUF_INIT;
  if (count == 0) return chio_fail(detail, CHIO_E_ARGUMENT, "a batch without messages");
  if (chio_batch_fits(items, count) < count)
    return chio_fail(detail, CHIO_E_TOO_LONG, "a batch has at most %u messages, together %u bytes",
                     CHIO_BATCH_ITEMS_MAX, CHIO_BATCH_DATA_MAX);
  for (size_t i = 0; i < count; i++) chio_batch_items_add(&list, items[i].data);
  enum chio_err err = chio_buf_err(&list);
  request.items = chio_buf_slice(&list);
  if (err == CHIO_OK) err = chio_call_sign_batch(client, &request, &reply, holder, out_generation, detail);
  chio_buf_clear(&list);
  return err == CHIO_OK ? take_results(reply.results, items, count, detail) : err;
}
