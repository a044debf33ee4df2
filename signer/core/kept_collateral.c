#include "signer/core/kept_collateral.h"

#include "signer/wire/msg_collateral.h"

#include <jansson.h>
#include <time.h>

#define ASK_AGAIN_SECONDS 600 /* a vendor that does not answer holds up one of many judgements */

static json_t *ask_list(const struct chio_collateral_source *source, uint32_t action, struct chio_slice evidence) {
  struct chio_detail detail = {""};
  struct chio_buf text = CHIO_BUF_INIT;
  json_t *list = NULL;
  if (source->serve(source->self, action, chio_slice(NULL, 0), evidence, &text, &detail) == CHIO_OK && !text.failed)
    list = json_loadb((const char *)text.data, text.len, 0, NULL);
  chio_buf_clear(&text);
  return list;
}

static json_t *fetch_own(struct chio_core *core) {
  struct chio_birthplace place = chio_evidence_birthplace(core->evidence);
  long long now = (long long)time(NULL), last = atomic_load(&core->collateral_asked);
  bool recent = last != 0 && now >= last && now - last < ASK_AGAIN_SECONDS;
  if (recent || !atomic_compare_exchange_strong(&core->collateral_asked, &last, now)) return NULL;
  struct chio_buf quote = CHIO_BUF_INIT;
  json_t *list = NULL;
  if (chio_evidence_quote(core->evidence, place.boot_name, &quote) == CHIO_OK)
    list = ask_list(&core->config.collateral, CHIO_COLLATERAL_FETCH, chio_buf_slice(&quote));
  chio_buf_clear(&quote);
  return list;
}

static void add_file(const struct chio_collateral_source *source, const char *name,
                     struct chio_attest_collateral *collateral) {
  struct chio_detail detail = {""};
  struct chio_buf file = CHIO_BUF_INIT;
  struct chio_slice none = chio_slice(NULL, 0);
  if (name != NULL &&
      source->serve(source->self, CHIO_COLLATERAL_GET, chio_slice_str(name), none, &file, &detail) == CHIO_OK &&
      !file.failed)
    (void)chio_attest_collateral_add(collateral, file.data, file.len);
  chio_buf_clear(&file);
}

void chio_kept_collateral_add(struct chio_core *core, struct chio_attest_collateral *collateral) {
  const struct chio_collateral_source *source = &core->config.collateral;
  size_t i;
  json_t *row;
  if (source->serve == NULL) return;
  json_t *list = ask_list(source, CHIO_COLLATERAL_LIST, chio_slice(NULL, 0));
  if (json_array_size(list) == 0) {
    json_decref(list);
    list = fetch_own(core);
  }
  json_array_foreach(list, i, row) {
    add_file(source, json_string_value(json_object_get(row, "file")), collateral);
    add_file(source, json_string_value(json_object_get(row, "chain")), collateral);
  }
  json_decref(list);
}
