#include "signer/core/boot_evidence.h"

#include "attest/chio_attest.h"

#include <sodium.h>
#include <time.h>

/* The attestation key as its statement knows keys. */
static void put_attrs(const struct chio_birthplace *place, struct chio_buf *out) {
  static const uint32_t yes[] = {CKA_SIGN, CKA_SENSITIVE, CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE};
  chio_attrs_begin(out);
  chio_attrs_add_ulong(out, CKA_KEY_TYPE, CKK_EC);
  chio_attrs_add_ulong(out, CKA_KEY_GEN_MECHANISM, CKM_EC_KEY_PAIR_GEN);
  chio_attrs_add(out, CKA_PUBLIC_KEY_INFO, place->ak_spki);
  chio_attrs_add(out, CKA_UNIQUE_ID, chio_slice_str(place->key_id));
  chio_attrs_add(out, CKA_CHIO_ORIGIN, chio_slice_str("born"));
  chio_attrs_add(out, CKA_CHIO_LIFETIME, chio_slice_str("boot"));
  chio_attrs_add(out, CKA_CHIO_ROLE, chio_slice_str("attestation"));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(yes); i++) chio_attrs_add_bool(out, yes[i], true);
}

enum chio_err chio_boot_evidence(struct chio_evidence *evidence, struct chio_buf *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *attrs = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *envelope = chio_buf_new();
  if (attrs == NULL || envelope == NULL) return CHIO_E_NO_MEMORY;
  const struct chio_birthplace place = chio_evidence_birthplace(evidence);
  put_attrs(&place, attrs);
  enum chio_err err = chio_buf_err(attrs);
  if (err != CHIO_OK) return err;
  struct chio_statement_facts facts = {.attrs = chio_attrs_of(attrs), .key_bits = 256, .token_serial = ""};
  err = chio_evidence_statement(evidence, &facts, envelope);
  return err == CHIO_OK ? chio_evidence_bundle(evidence, place.boot_name, chio_buf_slice(envelope), out) : err;
}

enum chio_err chio_boot_evidence_id(struct chio_evidence *evidence, char out[CHIO_EVIDENCE_ID_HEX + 1]) {
  CHIO_AUTO(chio_buf) struct chio_buf *bundle = chio_buf_new();
  struct chio_attest_result *result = NULL;
  if (bundle == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_boot_evidence(evidence, bundle);
  if (err != CHIO_OK) return err;
  /* Refused without a policy, as it must be; its name is there all the same. */
  const struct chio_attest_request request = {
      .evidence = bundle->data, .evidence_len = bundle->len, .at = (int64_t)time(NULL)};
  if (chio_attest_verify(&request, &result, NULL) != CHIO_ATTEST_OK) return CHIO_E_EVIDENCE_FORMAT;
  (void)sodium_bin2hex(out, CHIO_EVIDENCE_ID_HEX + 1, result->replay_id, sizeof result->replay_id);
  chio_attest_result_free(result);
  return CHIO_OK;
}
