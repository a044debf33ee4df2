#include "tools/hsm/json.h"

#include <stdio.h>

enum chio_err hsm_json_print(json_t *value) {
  if (value == NULL) return CHIO_E_NO_MEMORY;
  int bad = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
  json_decref(value);
  return bad == 0 && puts("") >= 0 ? CHIO_OK : CHIO_E_IO;
}
