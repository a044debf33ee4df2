/* attest/eif.h: an image is measured or refused with a reason; its registers say what it has. The same bytes as a section
 * of signatures (attest/eif_signature.h), which an image's CRC would hide; samples are signed over a register of zeros. */
#include "attest/eif.h"

#include "tests/fuzz/fuzz.h"

static void read_signature(struct chio_slice section) {
  const uint8_t pcr0[CHIO_SHA384_SIZE] = {0};
  struct chio_eif_signer signer = {.algorithm = NULL};
  struct chio_detail detail = {""};
  struct chio_buf certificate = CHIO_BUF_INIT;
  enum chio_err err = chio_eif_signature_judge(section, pcr0, &signer, &certificate, &detail);
  FUZZ_HOLDS((err == CHIO_OK) == (signer.algorithm != NULL));
  FUZZ_HOLDS((err == CHIO_OK) == (certificate.len > 0));
  FUZZ_HOLDS((err == CHIO_OK) == (detail.text[0] == '\0'));
  chio_buf_clear(&certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_eif eif = {.version = 0};
  struct chio_detail detail = {""};
  enum chio_err err = chio_eif_read(chio_slice(data, size), &eif, &detail);
  if (err != CHIO_OK) {
    FUZZ_HOLDS(detail.text[0] != '\0' && eif.version == 0);
    read_signature(chio_slice(data, size));
    return 0;
  }
  FUZZ_HOLDS(chio_eif_is(chio_slice(data, size)));
  FUZZ_HOLDS(eif.version >= 2 && eif.version <= 4 && eif.ramdisks > 0);
  FUZZ_HOLDS(eif.is_signed == (eif.signer.algorithm != NULL));
  return 0;
}
