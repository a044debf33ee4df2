/* Envelopes of provenance: what is taken names registers, with values of their sizes. */
#include "attest/provenance.h"
#include "tests/fuzz/fuzz.h"

static void read_payload(const struct chio_provenance *provenance) {
  struct chio_provenance_statement statement;
  if (chio_provenance_read(provenance, &statement) == CHIO_OK) {
    FUZZ_HOLDS(statement.values_count > 0 && statement.predicate_type.data != NULL);
    for (size_t i = 0; i < statement.values_count; i++) {
      const struct chio_provenance_value *v = &statement.values[i];
      FUZZ_HOLDS((v->len == 32 || v->len == 48) && v->index <= (v->what == CHIO_REGISTER_PCR ? 31u : 3u));
    }
  }
  chio_provenance_statement_clear(&statement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_provenance provenance;
  if (chio_provenance_parse(chio_slice(data, size), &provenance) == CHIO_OK) {
    FUZZ_HOLDS(provenance.signatures_count > 0);
    read_payload(&provenance);
  }
  chio_provenance_clear(&provenance);
  /* And the payload by itself, which base64 would hide from the fuzzer. */
  struct chio_provenance bare = {.envelope = NULL};
  chio_buf_append(&bare.payload, data, size);
  read_payload(&bare);
  chio_provenance_clear(&bare);
  return 0;
}
