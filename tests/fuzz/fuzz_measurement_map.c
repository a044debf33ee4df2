/* chio_attest_measurements_parse and the identity made of it: what is read is in its limits, and reads the same again
 * under the same type only. */
#include "attest/chio_attest.h"
#include "signer/base/slice.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static void read_as(const char *type, size_t registers, const uint8_t *data, size_t size) {
  static const uint8_t contract[CHIO_ATTEST_CONTRACT_SIZE];
  struct chio_attest_measurements found;
  uint8_t one[CHIO_ATTEST_IDENTITY_SIZE], two[CHIO_ATTEST_IDENTITY_SIZE];
  int code = chio_attest_measurements_parse(type, data, size, &found, NULL);
  int whole = chio_attest_attestation_to_identity(type, data, size, contract, one, NULL);
  FUZZ_HOLDS(code == CHIO_ATTEST_OK || whole != CHIO_ATTEST_OK);
  if (code != CHIO_ATTEST_OK) return;
  FUZZ_HOLDS(strcmp(found.type, type) == 0 && found.present >> registers == 0);
  FUZZ_HOLDS(chio_attest_identity(&found, contract, two) == whole);
  if (whole == CHIO_ATTEST_OK) FUZZ_HOLDS(memcmp(one, two, sizeof one) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char text[64];
  uint8_t address[CHIO_ATTEST_CONTRACT_SIZE];
  if (size == 0) return 0;
  read_as("qemu-tdx", 8, data, size);
  read_as("azure-tdx", CHIO_ATTEST_REGISTERS_MAX, data, size);
  if (size >= sizeof text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  int code = chio_attest_contract_parse(text, address);
  FUZZ_HOLDS(code == CHIO_ATTEST_OK || code == CHIO_ATTEST_E_MALFORMED);
  return 0;
}
