/* Tables of challenges and of what was seen: what is read is written as it stood. */
#include "attest/fresh_list.h"
#include "tests/fuzz/fuzz.h"

#define LINE "chio-hsm challenges 1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_fresh_list list = {.items = NULL}, again = {.items = NULL};
  struct chio_buf text = CHIO_BUF_INIT;
  if (chio_fresh_list_parse(chio_slice(data, size), LINE, &list) == CHIO_OK) {
    for (size_t i = 0; i < list.count; i++) FUZZ_HOLDS(list.items[i].until >= 0);
    chio_fresh_list_write(&list, LINE, &text);
    FUZZ_HOLDS(chio_fresh_list_parse(chio_buf_slice(&text), LINE, &again) == CHIO_OK);
    FUZZ_HOLDS(again.count == list.count);
    chio_fresh_list_prune(&again, INT64_MAX);
  } else {
    FUZZ_HOLDS(list.items == NULL && list.count == 0);
  }
  chio_fresh_list_clear(&list);
  chio_fresh_list_clear(&again);
  chio_buf_clear(&text);
  return 0;
}
