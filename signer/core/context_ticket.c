#include "signer/core/context_ticket.h"

#include <sodium.h>
#include <string.h>

void chio_contexts_init(struct chio_contexts *contexts) {
  memset(contexts, 0, sizeof *contexts);
  randombytes_buf(contexts->run, sizeof contexts->run);
}

static uint64_t number_of(const uint8_t id[16]) {
  uint64_t number = 0;
  for (size_t i = 0; i < 8; i++) number |= (uint64_t)id[8 + i] << (8 * i);
  return number;
}

void chio_contexts_issue(struct chio_contexts *contexts, uint8_t out_id[16]) {
  uint64_t number = contexts->next++;
  uint64_t bit = number % CHIO_CONTEXTS_OPEN;
  contexts->used[bit / 8] &= (uint8_t)~(1u << (bit % 8));
  memcpy(out_id, contexts->run, sizeof contexts->run);
  for (size_t i = 0; i < 8; i++) out_id[8 + i] = (uint8_t)(number >> (8 * i));
}

bool chio_contexts_is_open(const struct chio_contexts *contexts, const uint8_t id[16]) {
  uint64_t number = number_of(id);
  uint64_t bit = number % CHIO_CONTEXTS_OPEN;
  if (memcmp(id, contexts->run, sizeof contexts->run) != 0) return false;
  if (number >= contexts->next || contexts->next - number > CHIO_CONTEXTS_OPEN) return false;
  return (contexts->used[bit / 8] & (1u << (bit % 8))) == 0;
}

bool chio_contexts_use(struct chio_contexts *contexts, const uint8_t id[16]) {
  if (!chio_contexts_is_open(contexts, id)) return false;
  uint64_t bit = number_of(id) % CHIO_CONTEXTS_OPEN;
  contexts->used[bit / 8] |= (uint8_t)(1u << (bit % 8));
  return true;
}
