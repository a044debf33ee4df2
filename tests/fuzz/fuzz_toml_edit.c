/* tools/hsm/toml_edit.h: what a parser accepts is accepted after a string was added to a list, too, and has it then. */
#include "tools/hsm/toml_edit.h"

#include "signer/base/toml.h"
#include "tests/fuzz/fuzz.h"

static bool parses(struct chio_slice text) {
  struct chio_toml *doc = NULL;
  bool ok = chio_toml_parse(text, "fuzz.toml", NULL, &doc) == CHIO_OK;
  chio_toml_free(doc);
  return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const paths[] = {"m", "t.m", "n.pcr.0"};
  struct chio_slice text = chio_slice(data, size);
  bool good = parses(text);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(paths); i++) {
    struct chio_buf out = CHIO_BUF_INIT, again = CHIO_BUF_INIT;
    enum hsm_toml_edit edit;
    enum chio_err err = hsm_toml_list_add(text, paths[i], "00ff", &out, &edit);
    if (err == CHIO_OK && edit == HSM_TOML_ADDED) {
      FUZZ_HOLDS(out.len > size);
      /* A list of numbers or tables takes no string where the parser wants one kind: a policy's are of strings. */
      if (good) FUZZ_HOLDS(parses(chio_buf_slice(&out)));
      FUZZ_HOLDS(hsm_toml_list_add(chio_buf_slice(&out), paths[i], "00FF", &again, &edit) == CHIO_OK);
      FUZZ_HOLDS(edit == HSM_TOML_THERE && again.len == 0);
    }
    chio_buf_clear(&out);
    chio_buf_clear(&again);
  }
  return 0;
}
