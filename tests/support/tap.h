/* TAP for test programs that are no unit tests: ok(condition, "sentence") for each case, tap_done() at the end of
 * main. */
#ifndef CHIO_TESTS_TAP_H
#define CHIO_TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_count;
static int tap_failed;

#define ok(condition, ...) tap_result((condition), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 4, 5))) static inline bool tap_result(bool passed, const char *file, int line,
                                                                    const char *format, ...) {
  __builtin_va_list args;
  tap_count++;
  if (!passed) tap_failed++;
  (void)printf("%s %d - ", passed ? "ok" : "not ok", tap_count);
  __builtin_va_start(args, format);
  (void)vprintf(format, args);
  __builtin_va_end(args);
  (void)printf("\n");
  if (!passed) (void)printf("# %s:%d\n", file, line);
  (void)fflush(stdout);
  return passed;
}

static inline int tap_done(void) {
  (void)printf("1..%d\n", tap_count);
  (void)fflush(stdout);
  return tap_failed == 0 ? 0 : 1;
}

#endif
