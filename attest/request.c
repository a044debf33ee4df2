/* What is wrong with a request by itself. An expectation that is there and empty would be one that is not looked at. */
#include "attest/judge.h"

#define REQUEST_NONCE_MAX 64u

static bool is_no_memory(const void *data, size_t len) {
  return data == NULL && len > 0;
}

static const char *fault_of_binding(const struct chio_attest_binding *b) {
  const struct chio_attest_bytes parts[] = {b->manifest_sha256,  b->receipt_root, b->workload_hash, b->address,
                                            b->operator_address, b->certificate,  b->private_key};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(parts); i++) {
    if (is_no_memory(parts[i].data, parts[i].len)) return "a part of the binding has a length and no bytes";
  }
  return NULL;
}

const char *chio_request_fault(const struct chio_attest_request *r) {
  const struct {
    const void *data;
    size_t len;
    const char *absent, *empty;
  } fields[] = {
      {r->evidence, r->evidence_len, "no request", NULL},
      {r->root, r->root_len, "the root has a length and no bytes", NULL},
      {r->key, r->key_len, "the key has a length and no bytes", "the key is given, and is empty"},
      {r->nonce, r->nonce_len, "the nonce has a length and no bytes", "the nonce is given, and is empty"},
      {r->report_data, r->report_data_len, "the report data has a length and no bytes",
       "the report data is given, and is empty"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(fields); i++) {
    if (is_no_memory(fields[i].data, fields[i].len)) return fields[i].absent;
    if (fields[i].data != NULL && fields[i].len == 0 && fields[i].empty != NULL) return fields[i].empty;
  }
  if (r->nonce_len > REQUEST_NONCE_MAX) return "the nonce is longer than 64 bytes";
  if (r->evidence_len > CHIO_ATTEST_EVIDENCE_MAX) return "the evidence is larger than the limit";
  return r->binding != NULL ? fault_of_binding(r->binding) : NULL;
}
