#include "signer/core/boot_evidence.h"

#include "attest/chio_attest.h"
#include "attest/json.h"

#include <sodium.h>
#include <stdio.h>
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

/* The claims that tell versions of firmware, in the order of who checks whom. Numbers and hex, nothing longer. */
static void put_firmware(const char *claims, char out[CHIO_FIRMWARE_MAX]) {
  static const char *const names[] = {"cpusvn",       "tee_tcb_svn", "pck_tcb",       "pcesvn",    "qe_isvsvn",
                                      "reported_tcb", "current_tcb", "committed_tcb", "module_id", "launch_tcb"};
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  size_t len = 0;
  out[0] = '\0';
  if (claims == NULL || chio_json_parse(chio_slice_str(claims), &doc) != CHIO_OK) return;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    const struct chio_json *value = chio_json_get(doc, chio_json_root(doc), names[i]);
    if (value == NULL || (value->type != CHIO_JSON_STRING && value->type != CHIO_JSON_NUMBER)) continue;
    struct chio_slice text = value->type == CHIO_JSON_STRING ? value->string : value->raw;
    int put = snprintf(out + len, CHIO_FIRMWARE_MAX - len, "%s%s=%.*s", len > 0 ? " " : "", names[i], (int)text.len,
                       (const char *)text.data);
    if (put < 0 || (size_t)put >= CHIO_FIRMWARE_MAX - len) {
      out[len] = '\0'; /* whole values, or none */
      return;
    }
    len += (size_t)put;
  }
}

enum chio_err chio_boot_facts_read(struct chio_evidence *evidence, struct chio_boot_facts *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *bundle = chio_buf_new();
  struct chio_attest_result *result = NULL;
  if (bundle == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_boot_evidence(evidence, bundle);
  if (err != CHIO_OK) return err;
  /* Refused without a policy, as it must be; what it says is there all the same. */
  const struct chio_attest_request request = {
      .evidence = bundle->data, .evidence_len = bundle->len, .at = (int64_t)time(NULL)};
  if (chio_attest_verify(&request, &result, NULL) != CHIO_ATTEST_OK) return CHIO_E_EVIDENCE_FORMAT;
  (void)sodium_bin2hex(out->id, sizeof out->id, result->replay_id, sizeof result->replay_id);
  put_firmware(result->claims_json, out->firmware);
  chio_attest_result_free(result);
  return CHIO_OK;
}
