/* SIGN_BATCH: one decision about the key, many signatures. What fails is said of each message by itself. */
#include "signer/base/log.h"
#include "signer/core/backend_sign.h"
#include "signer/core/use.h"
#include "signer/wire/batch.h"

#include <stdlib.h>

static void sign_here(struct chio_call *call, const struct chio_used *used, struct chio_slice items,
                      struct chio_buf *out) {
  struct chio_cursor at = chio_cursor(items);
  struct chio_buf signature = CHIO_BUF_INIT;
  struct chio_slice item;
  while (chio_batch_items_next(&at, &item)) {
    chio_buf_reset(&signature);
    enum chio_err err = chio_use_sign(call, used, item, &signature);
    chio_batch_results_add(out, err, chio_buf_slice(&signature));
  }
  chio_buf_clear(&signature);
}

/* Messages for the KMS, and what became of those that are not sent at all. */
struct delivery {
  struct chio_backend_item items[CHIO_BATCH_ITEMS_MAX];
  size_t count;
  enum chio_err refused[CHIO_BATCH_ITEMS_MAX]; /* by place in the request; CHIO_OK: sent */
};

static void pack(struct chio_call *call, const struct chio_used *used, struct chio_slice items, struct delivery *d) {
  struct chio_cursor at = chio_cursor(items);
  struct chio_slice item;
  for (size_t i = 0; chio_batch_items_next(&at, &item); i++) {
    d->refused[i] = chio_use_check_data(call, used, item);
    if (d->refused[i] == CHIO_OK) d->items[d->count++].data = item;
  }
}

static void unpack(struct delivery *d, size_t count, struct chio_buf *out) {
  const struct chio_backend_item *sent = d->items;
  for (size_t i = 0; i < count; i++) {
    if (d->refused[i] != CHIO_OK) {
      chio_batch_results_add(out, d->refused[i], chio_slice(NULL, 0));
      continue;
    }
    chio_batch_results_add(out, sent->err, chio_buf_slice(&sent->signature));
    sent++;
  }
}

/* The messages go to the KMS side by side: many take about as long as one. */
static enum chio_err sign_there(struct chio_call *call, const struct chio_used *used, struct chio_slice items,
                                size_t count, struct chio_buf *out) {
  struct delivery *d = calloc(1, sizeof *d);
  if (d == NULL) return CHIO_E_NO_MEMORY;
  pack(call, used, items, d);
  enum chio_err err = d->count > 0 ? chio_use_sign_many(call, used, d->items, d->count) : CHIO_OK;
  if (err == CHIO_OK) unpack(d, count, out);
  for (size_t i = 0; i < d->count; i++) chio_buf_clear(&d->items[i].signature);
  free(d);
  return err;
}

/* One line for a batch, however much of it failed. */
static void log_failures(const struct chio_call *call, const struct chio_used *used, struct chio_slice results,
                         size_t count) {
  struct chio_cursor at = chio_cursor(results);
  struct chio_batch_result result;
  enum chio_err first = CHIO_OK;
  size_t failed = 0;
  while (chio_batch_results_next(&at, &result)) {
    if (result.err == CHIO_OK) continue;
    if (failed++ == 0) first = result.err;
  }
  if (failed == 0) return;
  chio_log(CHIO_LOG_NOTICE, "batch.failed", "signatures of a batch failed",
           CHIO_F_UINT("uid", call->conn->peer.uid), CHIO_F_STR("key", used->object->label),
           CHIO_F_UINT("failed", failed), CHIO_F_UINT("of", count), CHIO_F_STR("error", chio_err_name(first)));
}

enum chio_err chio_handle_sign_batch(struct chio_call *call, const void *request, void *reply) {
  const struct chio_sign_batch_request *q = request;
  struct chio_sign_batch_reply *r = reply;
  struct chio_use use = {.slot = q->slot,
                         .ticket = q->ticket,
                         .key = q->key,
                         .mechanism = q->mechanism,
                         .params = q->params,
                         .batch = true};
  struct chio_used used;
  size_t count;
  enum chio_err err = chio_batch_items_parse(q->items, &count);
  if (err != CHIO_OK)
    return chio_fail(&call->detail, err, "a batch has 1 to %u messages: %s", CHIO_BATCH_ITEMS_MAX, chio_err_text(err));
  if ((err = chio_use_key(call, &use, &used)) != CHIO_OK) return err;
  struct chio_buf *out = chio_call_scratch(call);
  if (used.object->delegated)
    err = sign_there(call, &used, q->items, count, out);
  else
    sign_here(call, &used, q->items, out);
  if (err == CHIO_OK) err = chio_buf_err(out);
  if (err == CHIO_OK) log_failures(call, &used, chio_buf_slice(out), count);
  chio_object_free(used.object);
  if (err == CHIO_OK) r->results = chio_buf_slice(out);
  return err;
}
