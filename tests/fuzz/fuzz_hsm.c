/* attest/cavium.h, cavium_doc.h, inflate.h: what is read of an HSM's attestation lies inside it, packed bytes stay within
 * their limit, and nothing is accepted. The first byte says which of them reads the rest. */
#include "attest/cavium.h"
#include "attest/cavium_doc.h"
#include "attest/chio_attest.h"
#include "attest/inflate.h"
#include "tests/fuzz/fuzz.h"

#define SOME_TIME 1790000000
#define UNPACKED_MAX 65536u

static bool lies_in(struct chio_slice part, struct chio_slice whole) {
  return part.len <= whole.len && part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

static void parse(struct chio_slice bytes) {
  struct chio_cavium parsed;
  struct chio_slice value;
  if (chio_cavium_parse(bytes, &parsed) != CHIO_OK) return;
  FUZZ_HOLDS(parsed.signed_bytes.len + parsed.signature.len == bytes.len);
  FUZZ_HOLDS(parsed.objects_count >= 1 && parsed.objects_count <= CHIO_CAVIUM_OBJECTS);
  for (size_t i = 0; i < parsed.objects_count; i++) {
    FUZZ_HOLDS(lies_in(parsed.objects[i].attributes, parsed.signed_bytes));
    if (chio_cavium_find(&parsed.objects[i], CHIO_CAVIUM_EKCV, &value))
      FUZZ_HOLDS(lies_in(value, parsed.objects[i].attributes));
  }
}

static void unpack(struct chio_slice bytes) {
  struct chio_buf out = CHIO_BUF_INIT;
  bool done = chio_gzip_unpack(bytes, UNPACKED_MAX, &out) == CHIO_OK;
  FUZZ_HOLDS(done ? out.len <= UNPACKED_MAX : out.len == 0);
  chio_buf_clear(&out);
}

static void judge(struct chio_slice bytes) {
  const struct chio_attest_request request = {.evidence = bytes.data, .evidence_len = bytes.len, .at = SOME_TIME};
  struct chio_attest_result *result = NULL;
  if (chio_attest_verify(&request, &result, NULL) != CHIO_ATTEST_OK) return;
  FUZZ_HOLDS(!result->accepted);
  chio_attest_result_free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const readers[])(struct chio_slice bytes) = {parse, unpack, judge};
  if (size == 0) return 0;
  readers[data[0] % CHIO_ARRAY_LEN(readers)](chio_slice(data + 1, size - 1));
  return 0;
}
