#include "signer/core/key_state.h"

#include "signer/base/macros.h"

static const char *const names[] = {[CHIO_KEY_PRE_ACTIVE] = "pre-active",
                                    [CHIO_KEY_ACTIVE] = "active",
                                    [CHIO_KEY_SUSPENDED] = "suspended",
                                    [CHIO_KEY_RETIRED] = "retired",
                                    [CHIO_KEY_COMPROMISED] = "compromised"};

#define BIT(state) (1u << CHIO_KEY_##state)

/* What a key may become, by what it is. None comes back into use; but a retired one can still be found to be
 * compromised, and who trusts what it signed has to know. */
static const unsigned next[] = {[CHIO_KEY_PRE_ACTIVE] = BIT(ACTIVE) | BIT(RETIRED) | BIT(COMPROMISED),
                                [CHIO_KEY_ACTIVE] = BIT(SUSPENDED) | BIT(RETIRED) | BIT(COMPROMISED),
                                [CHIO_KEY_SUSPENDED] = BIT(ACTIVE) | BIT(RETIRED) | BIT(COMPROMISED),
                                [CHIO_KEY_RETIRED] = BIT(COMPROMISED),
                                [CHIO_KEY_COMPROMISED] = 0};

const char *chio_key_state_name(enum chio_key_state state) {
  return names[state];
}

bool chio_key_state_parse(struct chio_slice word, enum chio_key_state *out_state) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    if (!chio_slice_equal(word, chio_slice_str(names[i]))) continue;
    *out_state = (enum chio_key_state)i;
    return true;
  }
  return false;
}

bool chio_key_state_may_become(enum chio_key_state from, enum chio_key_state to) {
  return from == to || (next[from] & 1u << to) != 0;
}

bool chio_key_state_is_over(enum chio_key_state state) {
  return state == CHIO_KEY_RETIRED || state == CHIO_KEY_COMPROMISED;
}
