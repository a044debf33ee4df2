/* What a fuzz target needs. A broken promise aborts, so that libFuzzer and the replay both see it. */
#ifndef CHIO_TESTS_FUZZ_H
#define CHIO_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_HOLDS(condition)                                                                  \
  do {                                                                                         \
    if (!(condition)) {                                                                        \
      (void)fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                                 \
    }                                                                                          \
  } while (0)

#endif
