/* attest --format chio: a quote in the form of Chio's own verifier, from a simulated root, that binds the key. */
#include "attest/binding.h"
#include "attest/sim_interop.h"
#include "tools/hsm/attest.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>

#define RECEIPT_ROOT_SIZE 32u
#define TEE_MAX 32u

/* What the key says of itself. */
struct facts {
  char tee[TEE_MAX];
  struct chio_slice spki, measurement;
};

static enum chio_err read_facts(struct hsm *hsm, const struct hsm_key *key, struct facts *out, struct chio_buf *spki,
                                struct chio_buf *measurement, struct chio_detail *detail) {
  const struct chio_uid *object = key->public_half.known ? &key->public_half.uid : &key->private_half.uid;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  struct chio_slice tee;
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_attribute_get(hsm, object, (uint32_t)CKA_CHIO_TEE, &tee, holder, detail);
  if (err == CHIO_OK && (tee.len == 0 || tee.len >= sizeof out->tee)) err = CHIO_E_ATTRIBUTE_UNKNOWN;
  if (err == CHIO_OK) {
    memcpy(out->tee, tee.data, tee.len);
    out->tee[tee.len] = '\0';
    err = hsm_attribute_get(hsm, object, CKA_PUBLIC_KEY_INFO, &out->spki, spki, detail);
  }
  if (err == CHIO_OK)
    err = hsm_attribute_get(hsm, object, (uint32_t)CKA_CHIO_MEASUREMENT, &out->measurement, measurement, detail);
  if (err != CHIO_E_ATTRIBUTE_UNKNOWN) return err;
  return chio_fail(detail, CHIO_E_NOT_FOUND, "key '%s' has no evidence: it was not born in this signer", hsm->word[0]);
}

/* Without one, that of the genesis: zeros. */
static enum chio_err read_receipt_root(const char *text, struct chio_buf *out, struct chio_detail *detail) {
  static const uint8_t genesis[RECEIPT_ROOT_SIZE];
  if (text == NULL) {
    chio_buf_append(out, genesis, sizeof genesis);
    return chio_buf_err(out);
  }
  const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
  if (hsm_hex_parse(digits, out) == CHIO_OK && out->len == RECEIPT_ROOT_SIZE) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--receipt-root '%s': expected %u bytes in hex", text, RECEIPT_ROOT_SIZE);
}

static enum chio_err make(struct hsm *hsm, const struct facts *facts, struct chio_buf *quote, struct chio_buf *chain,
                          struct chio_detail *detail) {
  uint8_t report_data[CHIO_BINDING_SIZE];
  CHIO_AUTO(chio_buf) struct chio_buf *root = chio_buf_new();
  if (root == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = read_receipt_root(hsm->option[HSM_OPT_RECEIPT_ROOT], root, detail);
  if (err != CHIO_OK) return err;
  const struct chio_binding_parts parts = {{
      [CHIO_BINDING_KEY] = facts->spki,
      [CHIO_BINDING_RECEIPT_ROOT] = chio_buf_slice(root),
  }};
  err = chio_binding_report_data(chio_binding_find("chio-v1"), &parts, report_data, detail);
  if (err != CHIO_OK) return err;
  return chio_sim_interop_quote(facts->tee, hsm->option[HSM_OPT_SIM_STATE], facts->measurement, report_data, quote,
                                chain, detail);
}

static enum chio_err deliver(struct hsm *hsm, const struct facts *facts, const struct chio_buf *quote,
                             const struct chio_buf *chain, struct chio_detail *detail) {
  const char *path = hsm->option[HSM_OPT_OUTPUT], *chain_path = hsm->option[HSM_OPT_CHAIN];
  enum chio_err err = hsm_write(path, chio_buf_slice(quote), detail);
  if (err == CHIO_OK && chain_path != NULL) err = hsm_write(chain_path, chio_buf_slice(chain), detail);
  if (err != CHIO_OK || path == NULL || strcmp(path, "-") == 0) return err;
  if (hsm->json)
    return hsm_json_print(json_pack("{s:s, s:s, s:s, s:I, s:s?}", "key", hsm->word[0], "tee", facts->tee, "file", path,
                                    "bytes", (json_int_t)quote->len, "chain", chain_path));
  (void)printf("a quote of %s over key '%s', in Chio's form, is in %s\n", facts->tee, hsm->word[0], path);
  return CHIO_OK;
}

enum chio_err hsm_attest_chio(struct hsm *hsm, const struct hsm_key *key, struct chio_detail *detail) {
  struct facts facts = {.tee = ""};
  CHIO_AUTO(chio_buf) struct chio_buf *spki = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *measurement = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *quote = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *chain = chio_buf_new();
  if (spki == NULL || measurement == NULL || quote == NULL || chain == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = read_facts(hsm, key, &facts, spki, measurement, detail);
  if (err == CHIO_OK) err = make(hsm, &facts, quote, chain, detail);
  return err == CHIO_OK ? deliver(hsm, &facts, quote, chain, detail) : err;
}
