/* Answers that a KMS wrapped for a key of ours: CMS in BER. The key is a test's own; the first seed was wrapped for it. */
#include "signer/base/text.h"
#include "signer/core/recipient.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/recipient_key.h"

static struct chio_recipient *recipient;

static void set_up(void) {
  struct chio_buf der = CHIO_BUF_INIT;
  FUZZ_HOLDS(chio_base64_decode(chio_slice_str(FUZZ_RECIPIENT_KEY), false, &der) == CHIO_OK);
  FUZZ_HOLDS(chio_recipient_from(chio_buf_slice(&der), &recipient) == CHIO_OK);
  chio_buf_clear(&der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_secret *plain = NULL;
  if (recipient == NULL) set_up();
  if (chio_recipient_open(recipient, chio_slice(data, size), &plain, NULL) != CHIO_OK) return 0;
  FUZZ_HOLDS(plain->len > 0 && plain->len <= CHIO_RECIPIENT_PLAIN_MAX);
  chio_secret_free(plain);
  return 0;
}
