#include "attest/chio_attest.h"
#include "tools/hsm/hsm.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>

enum chio_err hsm_run_model_hash(struct hsm *hsm, struct chio_detail *detail) {
  uint8_t hash[CHIO_ATTEST_MODEL_HASH_SIZE];
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  if (hex == NULL) return CHIO_E_NO_MEMORY;
  if (chio_attest_model_hash(hsm->word[0], hash) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_INTERNAL, "the hash cannot be computed");
  hsm_hex_put(chio_slice(hash, sizeof hash), hex);
  const char *text = chio_buf_cstr(hex);
  if (text == NULL) return CHIO_E_NO_MEMORY;
  if (hsm->json) return hsm_json_print(json_pack("{s:s, s:s}", "model", hsm->word[0], "model_hash", text));
  (void)puts(text);
  return CHIO_OK;
}
