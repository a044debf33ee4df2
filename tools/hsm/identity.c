#include "attest/chio_attest.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>

#define MAP_MAX 8192u

/* What each type of attestation makes an identity of, and what it leaves out. */
static const struct words {
  const char *type, *made_of, *left_out;
} words[] = {{"qemu-tdx", "RTMR0, RTMR1, RTMR2", "MRTD, RTMR3, MRCONFIGID, MROWNER, MROWNERCONFIG"},
             {"azure-tdx", "PCR4, PCR9, PCR11", "every other PCR, and the TD's own registers"}};

static const struct words *words_of(const char *type) {
  return strcmp(type, words[0].type) == 0 ? &words[0] : &words[1];
}

static enum chio_err read_map(const struct hsm *hsm, const char *path, struct chio_attest_measurements *out,
                              struct chio_detail *detail) {
  const char *type = hsm->option[HSM_OPT_TYPE];
  struct chio_attest_message message = {""};
  CHIO_AUTO(chio_buf) struct chio_buf *json = chio_buf_new();
  if (json == NULL) return CHIO_E_NO_MEMORY;
  if (type == NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--measurements needs --type: qemu-tdx or azure-tdx");
  enum chio_err err = hsm_read_some(path, MAP_MAX, json, detail);
  if (err != CHIO_OK) return err;
  if (chio_attest_measurements_parse(type, json->data, json->len, out, &message) == CHIO_ATTEST_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "%s: %s", path, message.text);
}

static enum chio_err read_evidence(const char *path, struct chio_attest_measurements *out,
                                   struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *evidence = chio_buf_new();
  if (evidence == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_read_some(path, CHIO_ATTEST_EVIDENCE_MAX, evidence, detail);
  if (err != CHIO_OK) return err;
  if (chio_attest_measurements_find(evidence->data, evidence->len, out) == CHIO_ATTEST_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_EVIDENCE_FORMAT,
                   "%s holds no registers that make an identity: those of TDX, or of a TDX machine's vTPM at Azure",
                   path);
}

static enum chio_err read_registers(const struct hsm *hsm, struct chio_attest_measurements *out,
                                    struct chio_detail *detail) {
  const char *map = hsm->option[HSM_OPT_MEASUREMENTS];
  if ((map != NULL) == (hsm->words > 0))
    return chio_fail(detail, CHIO_E_ARGUMENT, "an identity is of EVIDENCE, or of --measurements FILE: name one");
  if (map != NULL) return read_map(hsm, map, out, detail);
  if (hsm->option[HSM_OPT_TYPE] != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--type goes with --measurements: evidence says itself what it is");
  return read_evidence(hsm->word[0], out, detail);
}

static enum chio_err print(const struct hsm *hsm, const char *type, const uint8_t *contract, const uint8_t *identity) {
  const struct words *w = words_of(type);
  struct chio_buf id = CHIO_BUF_INIT, address = CHIO_BUF_INIT;
  hsm_hex_put(chio_slice(identity, CHIO_ATTEST_IDENTITY_SIZE), &id);
  chio_buf_append_str(&address, "0x");
  hsm_hex_put(chio_slice(contract, CHIO_ATTEST_CONTRACT_SIZE), &address);
  const char *id_text = chio_buf_cstr(&id), *contract_text = chio_buf_cstr(&address);
  enum chio_err err = id_text != NULL && contract_text != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && hsm->json) {
    err = hsm_json_print(json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "identity", id_text, "type", type, "contract",
                                   contract_text, "made_of", w->made_of, "not_part_of_it", w->left_out,
                                   "pins_firmware", 0, "judged", 0));
  } else if (err == CHIO_OK) {
    (void)printf("%-12s%s\n%-12s%s\n%-12s%s, by %s\n", "identity", id_text, "contract", contract_text, "made of",
                 w->made_of, type);
    (void)printf("%-12s%s: it pins no firmware\n", "NOT IN IT", w->left_out);
    (void)printf("%-12sanybody can write such registers; chio-hsm verify judges evidence\n", "NOT JUDGED");
  }
  chio_buf_clear(&id);
  chio_buf_clear(&address);
  return err;
}

enum chio_err hsm_run_identity(struct hsm *hsm, struct chio_detail *detail) {
  const char *text = hsm->option[HSM_OPT_CONTRACT];
  struct chio_attest_measurements registers;
  uint8_t contract[CHIO_ATTEST_CONTRACT_SIZE], identity[CHIO_ATTEST_IDENTITY_SIZE];
  if (text == NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--contract 0x... is needed: an identity is one in a contract");
  if (chio_attest_contract_parse(text, contract) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_ARGUMENT,
                     "--contract '%s': expected 20 bytes in hex, mixed letters only as EIP-55 has them", text);
  enum chio_err err = read_registers(hsm, &registers, detail);
  if (err != CHIO_OK) return err;
  if (chio_attest_identity(&registers, contract, identity) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "a register is missing: the identity is made of %s",
                     words_of(registers.type)->made_of);
  return print(hsm, registers.type, contract, identity);
}
