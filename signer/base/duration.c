#include "signer/base/duration.h"

#include "signer/base/macros.h"

#define DIGITS_MAX 12u

enum chio_err chio_duration_parse(struct chio_slice text, uint64_t *out_seconds) {
  static const struct {
    const char *unit;
    uint64_t seconds;
  } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
  uint64_t number = 0;
  size_t at = 0;
  while (at < text.len && at < DIGITS_MAX && text.data[at] >= '0' && text.data[at] <= '9')
    number = 10 * number + (uint64_t)(text.data[at++] - '0');
  if (at == 0 || number == 0) return CHIO_E_MALFORMED;
  struct chio_slice unit = chio_slice(text.data + at, text.len - at);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(units); i++) {
    if (!chio_slice_equal(unit, chio_slice_str(units[i].unit))) continue;
    if (number > CHIO_DURATION_MAX / units[i].seconds) return CHIO_E_MALFORMED;
    *out_seconds = number * units[i].seconds;
    return CHIO_OK;
  }
  return CHIO_E_MALFORMED;
}
