#include "tools/hsm/model_hash.h"

#include "attest/chio_attest.h"
#include "signer/base/utf8.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>

#define HASH_MAX 64u

/* A name is text; bytes of anything else have a hash that nobody who reads the name would find. */
static enum chio_err of_name(const char *model, struct chio_buf *out, struct chio_detail *detail) {
  uint8_t hash[CHIO_ATTEST_MODEL_HASH_SIZE];
  if (!chio_utf8_valid(chio_slice_str(model)))
    return chio_fail(detail, CHIO_E_ARGUMENT, "the model's name is no UTF-8; its hash can be given instead");
  if (chio_attest_model_hash(model, hash) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_INTERNAL, "the hash cannot be computed");
  chio_buf_append(out, hash, sizeof hash);
  return chio_buf_err(out);
}

enum chio_err hsm_model_read(const struct hsm *hsm, enum hsm_option hex, const char *hex_name, struct chio_buf *out,
                             struct chio_detail *detail) {
  const char *model = hsm->option[HSM_OPT_MODEL], *text = hsm->option[hex];
  if (model != NULL && text != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--model and --%s say the same thing: give one", hex_name);
  if (model != NULL) return of_name(model, out, detail);
  if (text == NULL) return CHIO_OK;
  const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
  size_t before = out->len;
  if (hsm_hex_parse(digits, out) == CHIO_OK && out->len > before && out->len - before <= HASH_MAX) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--%s '%s': expected 1 to %u bytes in hex", hex_name, text, HASH_MAX);
}

enum chio_err hsm_run_model_hash(struct hsm *hsm, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *hash = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  if (hash == NULL || hex == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = of_name(hsm->word[0], hash, detail);
  if (err != CHIO_OK) return err;
  hsm_hex_put(chio_buf_slice(hash), hex);
  const char *text = chio_buf_cstr(hex);
  if (text == NULL) return CHIO_E_NO_MEMORY;
  if (hsm->json) return hsm_json_print(json_pack("{s:s, s:s}", "model", hsm->word[0], "model_hash", text));
  (void)puts(text);
  return CHIO_OK;
}
