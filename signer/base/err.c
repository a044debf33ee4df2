#include "signer/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const struct {
  uint32_t number;
  const char *name;
  const char *text;
} table[] = {
#define CHIO_ERR(name, number, text) {(number), #name, (text)},
#include "signer/base/err.def"
#undef CHIO_ERR
};

const char *chio_err_name(enum chio_err err) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(table); i++)
    if (table[i].number == (uint32_t)err) return table[i].name + (table[i].name[0] == 'E' ? 2 : 0);
  return "UNKNOWN";
}

const char *chio_err_text(enum chio_err err) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(table); i++)
    if (table[i].number == (uint32_t)err) return table[i].text;
  return "an unknown error";
}

enum chio_err chio_err_from_wire(uint32_t number) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(table); i++)
    if (table[i].number == number) return (enum chio_err)number;
  return CHIO_E_UNKNOWN_ERROR;
}

enum chio_err chio_fail(struct chio_detail *detail, enum chio_err err, const char *format, ...) {
  if (detail == NULL) return err;
  va_list args;
  va_start(args, format);
  (void)vsnprintf(detail->text, sizeof detail->text, format, args);
  va_end(args);
  return err;
}
