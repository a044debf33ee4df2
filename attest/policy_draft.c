/* A policy that the evidence behind a result would pass: a start, to be read before it is used. */
#include "attest/json.h"
#include "attest/judge.h"
#include "signer/base/text.h"

#include <stdio.h>

struct draft {
  struct chio_buf *out;
  const struct chio_attest_result *result;
  const struct chio_json_doc *claims;
};

static const struct chio_json *claim(const struct draft *d, const char *name) {
  return chio_json_get(d->claims, chio_json_root(d->claims), name);
}

static void put_hex_list(struct draft *d, const char *key, const uint8_t *bytes, size_t len) {
  if (len == 0) return;
  chio_buf_printf(d->out, "%s = [\n  \"", key);
  chio_hex_append(d->out, chio_slice(bytes, len));
  chio_buf_append_str(d->out, "\",\n]\n");
}

static bool is_zero(struct chio_slice hex) {
  for (size_t i = 0; i < hex.len; i++) {
    if (hex.data[i] != '0') return false;
  }
  return true;
}

/* A claim in hexadecimal, unless it is zero: then it says nothing. */
static void put_claim(struct draft *d, const char *key, const char *name) {
  struct chio_slice hex;
  if (chio_json_string(claim(d, name), &hex) != CHIO_OK || is_zero(hex)) return;
  chio_buf_printf(d->out, "%s = [\"%.*s\"]\n", key, (int)hex.len, (const char *)hex.data);
}

static void put_number(struct draft *d, const char *key, const struct chio_json *value) {
  uint64_t number;
  if (chio_json_uint(value, UINT32_MAX, &number) == CHIO_OK) {
    chio_buf_printf(d->out, "%s = %llu\n", key, (unsigned long long)number);
  }
}

static bool tee_is(const struct draft *d, const char *name) {
  const char *tee = d->result->tee;
  return strcmp(strncmp(tee, "sim-", 4) == 0 ? tee + 4 : tee, name) == 0;
}

static void put_head(struct draft *d) {
  const struct chio_attest_result *r = d->result;
  const char *comma = "";
  chio_buf_append_str(d->out, "# Drafted from evidence of which this was proved: ");
  for (unsigned bit = 0; chio_attest_proof_code(bit) != NULL; bit++) {
    if ((r->proved & 1u << bit) == 0) continue;
    chio_buf_printf(d->out, "%s%s", comma, chio_attest_proof_code(bit));
    comma = ", ";
  }
  chio_buf_printf(d->out,
                  "%s.\n# Whether these are the right values is for you to say: compare them with your build.\n",
                  *comma == 0 ? "NOTHING" : "");
  chio_buf_printf(d->out, "version = 1\ntee = [\"%s\"]\n", r->tee);
  put_hex_list(d, "measurements", r->measurement, r->measurement_len);
  if (tee_is(d, "hsm")) put_hex_list(d, "signers", r->signer, r->signer_len); /* its owner */
  if (r->debug)
    chio_buf_append_str(d->out,
                        "# This TEE can be debugged; to accept that all the same:\n# insecure_allow_debug = true\n");
}

/* Of an HSM, its owner's root besides. */
static void put_roots(struct draft *d) {
  const struct chio_attest_result *r = d->result;
  chio_buf_append_str(d->out, "spki_sha256 = [\n  \"");
  chio_hex_append(d->out, chio_slice(r->root_spki_sha256, sizeof r->root_spki_sha256));
  chio_buf_append_str(d->out, "\",\n");
  if (tee_is(d, "hsm") && r->signer_len > 0) {
    chio_buf_append_str(d->out, "  \"");
    chio_hex_append(d->out, chio_slice(r->signer, r->signer_len));
    chio_buf_append_str(d->out, "\",\n");
  }
  chio_buf_append_str(d->out, "]\n");
}

static void put_trust(struct draft *d) {
  static const uint8_t zero[32];
  const struct chio_attest_result *r = d->result;
  if (r->simulated && memcmp(r->root_spki_sha256, zero, sizeof zero) != 0) {
    chio_buf_append_str(d->out, "\n[roots] # a simulated platform: proves nothing about hardware\n");
    put_roots(d);
  }
  if (r->tcb_status == NULL) return;
  chio_buf_append_str(d->out, "\n[tcb]\n");
  chio_buf_printf(d->out, "statuses = [\"UpToDate\"%s%s%s]\n", strcmp(r->tcb_status, "UpToDate") != 0 ? ", \"" : "",
                  strcmp(r->tcb_status, "UpToDate") != 0 ? r->tcb_status : "",
                  strcmp(r->tcb_status, "UpToDate") != 0 ? "\"" : "");
  put_number(d, "min_evaluation", claim(d, "tcb_evaluation"));
}

static void put_tdx(struct draft *d) {
  chio_buf_append_str(d->out, "\n[tdx]\n");
  put_claim(d, "rtmr0", "rtmr0");
  put_claim(d, "rtmr1", "rtmr1");
  put_claim(d, "rtmr2", "rtmr2");
  put_claim(d, "mrconfigid", "mrconfigid");
  put_claim(d, "mrowner", "mrowner");
  put_claim(d, "mrownerconfig", "mrownerconfig");
}

static void put_snp(struct draft *d) {
  const struct chio_json *tcb = claim(d, "tcb");
  uint64_t vmpl = 0;
  chio_buf_append_str(d->out, "\n[snp]\n");
  put_number(d, "min_bootloader", chio_json_get(d->claims, tcb, "bootloader"));
  put_number(d, "min_tee", chio_json_get(d->claims, tcb, "tee"));
  put_number(d, "min_snp", chio_json_get(d->claims, tcb, "snp"));
  put_number(d, "min_microcode", chio_json_get(d->claims, tcb, "microcode"));
  if (chio_json_uint(claim(d, "vmpl"), 3, &vmpl) == CHIO_OK && vmpl > 0) put_number(d, "max_vmpl", claim(d, "vmpl"));
  put_claim(d, "host_data", "host_data");
  put_claim(d, "id_key_digests", "id_key_digest");
  struct chio_slice csp;
  if (chio_json_string(claim(d, "csp_id"), &csp) != CHIO_OK) return;
  chio_buf_append_str(d->out, "csp_ids = [");
  chio_json_quote(d->out, csp); /* a JSON string is a TOML string */
  chio_buf_append_str(d->out, "]\n");
}

/* Registers that tell the image and its signer; role and instance are for the reader to add. */
static void put_nitro(struct draft *d) {
  static const unsigned image[] = {0, 1, 2, 8};
  chio_buf_append_str(d->out, "\n[nitro.pcr]\n");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(image); i++) {
    char name[16], key[16];
    (void)snprintf(name, sizeof name, "pcr%u", image[i]);
    (void)snprintf(key, sizeof key, "%u", image[i]);
    put_claim(d, key, name);
  }
}

/* What an Azure machine runs is in its vTPM: boot loader (4), secure boot (7), kernel and what it loads (9, 11). The
 * hardware measures Azure's paravisor, the same under every machine. */
static void put_azure(struct draft *d) {
  static const unsigned image[] = {4, 7, 9, 11};
  chio_buf_append_str(d->out, "\n[azure.pcr]\n");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(image); i++) {
    char name[16], key[16];
    (void)snprintf(name, sizeof name, "pcr%u", image[i]);
    (void)snprintf(key, sizeof key, "%u", image[i]);
    put_claim(d, key, name);
  }
}

static bool format_is(const struct draft *d, const char *name) {
  return d->result->format != NULL && strcmp(d->result->format, name) == 0;
}

/* Whose word it is: the service's, or another verifier's. */
static void put_word(struct draft *d) {
  static const uint8_t zero[32];
  const struct chio_attest_result *r = d->result;
  bool known = memcmp(r->root_spki_sha256, zero, sizeof zero) != 0;
  if (format_is(d, "maa")) {
    chio_buf_append_str(d->out, "\n[maa]\nissuers = [");
    chio_json_quote(d->out, chio_slice_str(r->root_name != NULL ? r->root_name : ""));
    chio_buf_append_str(d->out, "]\n");
    if (known) put_hex_list(d, "keys", r->root_spki_sha256, sizeof r->root_spki_sha256);
  } else if (format_is(d, "ear") && known) {
    chio_buf_append_str(d->out, "\n[ear]\n");
    put_hex_list(d, "verifiers", r->root_spki_sha256, sizeof r->root_spki_sha256);
  }
}

static void put_key(struct draft *d) {
  if (tee_is(d, "hsm")) chio_buf_append_str(d->out, "\n[key]\nrequired = true\nallow_direct = true\n");
  if (d->result->statement_json == NULL) return;
  chio_buf_append_str(d->out, "\n[key]\nrequired = true\norigins = [\"born\"]\nnever_extractable = true\n");
}

int chio_attest_policy_draft(const struct chio_attest_result *result, char **out_toml) {
  if (result == NULL || out_toml == NULL || result->tee == NULL) return CHIO_ATTEST_E_ARGUMENT;
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *claims = NULL;
  struct chio_buf out = CHIO_BUF_INIT;
  if (chio_json_parse(chio_slice_str(result->claims_json), &claims) != CHIO_OK) return CHIO_ATTEST_E_NO_MEMORY;
  struct draft d = {&out, result, claims};
  put_head(&d);
  put_trust(&d);
  bool word = format_is(&d, "maa") || format_is(&d, "ear"); /* of these the hardware's own fields are not at hand */
  if (tee_is(&d, "tdx") && !word) put_tdx(&d);
  if (tee_is(&d, "snp") && !word) put_snp(&d);
  if (format_is(&d, "azure-snp") || format_is(&d, "azure-tdx")) put_azure(&d);
  put_word(&d);
  if (!word && (tee_is(&d, "nitro") || tee_is(&d, "nitrotpm"))) put_nitro(&d);
  put_key(&d);
  if (chio_buf_cstr(&out) == NULL || chio_buf_err(&out) != CHIO_OK) {
    chio_buf_clear(&out);
    return CHIO_ATTEST_E_NO_MEMORY;
  }
  *out_toml = (char *)out.data;
  return CHIO_ATTEST_OK;
}
