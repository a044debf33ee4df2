#include "attest/chio_attest.h"

const char *chio_attest_version(void) {
  return CHIO_ATTEST_VERSION;
}
