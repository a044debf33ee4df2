/* azure-snp and azure-tdx, against a software TPM set up as Azure's paravisor does; the hardware behind it is the
 * simulated one. What comes out is judged by the library's own verifier. */
#include "attest/bundle.h"
#include "attest/chio_attest.h"
#include "attest/crypto.h"
#include "attest/ecdsa.h"
#include "attest/hardware.h"
#include "attest/hcl.h"
#include "signer/base/text.h"
#include "signer/daemon/sandbox.h"
#include "tests/support/soft_tpm.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define HCL_SIZE 2000u /* Azure has 2600; a software TPM has no index of more than 2048 */

static struct soft_tpm tpm;
static struct temp_dir state, sims;
static struct chio_platform *snp, *tdx; /* the hardware */
static struct chio_buf runtime, snp_root, tdx_root;
static uint8_t report_data[CHIO_REPORT_DATA_SIZE];
static bool here;

/* The runtime data, as the paravisor writes it; with its hash, the hardware's report data. */
static bool make_runtime(uint8_t out_data[64]) {
  struct chio_buf modulus = CHIO_BUF_INIT;
  bool ok = soft_tpm_make_key(&tpm, CHIO_AZURE_KEY_HANDLE, &modulus);
  chio_buf_append_str(&runtime, "{\"keys\":[{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],\"kty\":\"RSA\",\"e\":\"AQAB\",");
  chio_buf_append_str(&runtime, "\"n\":\"");
  chio_base64url_append(&runtime, chio_buf_slice(&modulus));
  chio_buf_append_str(&runtime, "\"}],\"vm-configuration\":{\"secure-boot\":true},\"user-data\":\"00\"}");
  chio_buf_clear(&modulus);
  memset(out_data, 0, 64);
  return ok && chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&runtime), out_data) == CHIO_OK;
}

static void put_u32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static bool put_hcl(uint32_t type, struct chio_slice hardware) {
  uint8_t hcl[HCL_SIZE] = {'H', 'C', 'L', 'A', 2};
  if (hardware.len > 0)
    memcpy(hcl + CHIO_HCL_HARDWARE_OFFSET, hardware.data, hardware.len < 1184 ? hardware.len : 1184);
  put_u32(hcl + 0x4c0, (uint32_t)(20 + runtime.len));
  put_u32(hcl + 0x4c4, 1);
  put_u32(hcl + 0x4c8, type);
  put_u32(hcl + 0x4cc, 1);
  put_u32(hcl + 0x4d0, (uint32_t)runtime.len);
  if (0x4d4 + runtime.len > sizeof hcl) return false;
  memcpy(hcl + 0x4d4, runtime.data, runtime.len);
  return soft_tpm_put(&tpm, CHIO_AZURE_HCL_INDEX, chio_slice(hcl, sizeof hcl));
}

static bool write_state(const char *name, struct chio_slice bytes) {
  char path[512];
  FILE *file = fopen(temp_dir_file(&state, name, path), "wb");
  bool ok = file != NULL && fwrite(bytes.data, 1, bytes.len, file) == bytes.len;
  return file != NULL && fclose(file) == 0 && ok;
}

static bool make_machine(void) {
  struct chio_buf quote = CHIO_BUF_INIT, pem = CHIO_BUF_INIT;
  uint8_t bound[64];
  bool ok = make_runtime(bound) && chio_platform_open("sim-snp", sims.path, NULL, &snp, NULL) == CHIO_OK &&
            chio_platform_open("sim-tdx", sims.path, NULL, &tdx, NULL) == CHIO_OK &&
            chio_platform_root(snp, &snp_root) == CHIO_OK && chio_platform_root(tdx, &tdx_root) == CHIO_OK &&
            chio_platform_quote(snp, bound, &quote, NULL) == CHIO_OK &&
            chio_platform_certificates(snp, &pem) == CHIO_OK && put_hcl(CHIO_HCL_TYPE_SNP, chio_buf_slice(&quote)) &&
            write_state("azure-vcek.pem", chio_buf_slice(&pem)) &&
            write_state("chassis_asset_tag", chio_slice_str(CHIO_AZURE_ASSET_TAG "\n"));
  chio_buf_clear(&quote);
  chio_buf_clear(&pem);
  return ok;
}

static int set_up(void **arg) {
  (void)arg;
  for (size_t i = 0; i < sizeof report_data; i++) report_data[i] = (uint8_t)(i + 1);
  if (!temp_dir_make(&state) || !temp_dir_make(&sims)) return 1;
  here = soft_tpm_start(&tpm);
  if (!here) return 0;
  return make_machine() ? 0 : 1;
}

static int tear_down(void **arg) {
  static const char *const names[] = {"sim/snp.pem", "sim/snp-root.pem", "sim/tdx.pem", "sim/tdx-root.pem", "sim"};
  char path[512];
  (void)arg;
  soft_tpm_stop(&tpm);
  chio_platform_free(snp);
  chio_platform_free(tdx);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) (void)remove(temp_dir_file(&sims, names[i], path));
  temp_dir_remove(&sims);
  temp_dir_remove(&state);
  chio_buf_clear(&runtime);
  chio_buf_clear(&snp_root);
  chio_buf_clear(&tdx_root);
  return 0;
}

static void need_tpm(void) {
  if (here) return;
  print_message("# swtpm is not here, or does not start\n");
  skip();
}

static struct chio_hardware machine(void) {
  const struct chio_tsm none = {.root = "/nonexistent/report", .provider = "none"};
  return (struct chio_hardware){.sgx = {.root = "/nonexistent/attestation"},
                                .nitro = {.path = "/nonexistent/nsm"},
                                .tdx = {.tsm = none, .device = "/nonexistent/tdx_guest"},
                                .snp = {.tsm = none, .device = {.path = "/nonexistent/sev-guest"}},
                                .azure = {.tcti = tpm.tcti, .dmi = state.path}};
}

static enum chio_err make(const char *name, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_hardware hardware = machine();
  struct chio_platform *platform = NULL;
  enum chio_err err = chio_platform_open_on(&hardware, name, state.path, NULL, &platform, detail);
  if (err == CHIO_OK) err = chio_platform_quote(platform, report_data, out, detail);
  chio_platform_free(platform);
  return err;
}

static struct chio_buf evidence_of(const char *name) {
  struct chio_buf evidence = CHIO_BUF_INIT;
  struct chio_detail detail = {""};
  if (make(name, &evidence, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  return evidence;
}

static struct chio_attest_result *judge(struct chio_slice evidence, const struct chio_buf *root, struct chio_slice nonce) {
  struct chio_attest_result *result = NULL;
  const struct chio_attest_request request = {.evidence = evidence.data,
                                              .evidence_len = evidence.len,
                                              .at = (int64_t)time(NULL),
                                              .root = root->data,
                                              .root_len = root->len,
                                              .nonce = nonce.data,
                                              .nonce_len = nonce.len};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  return result;
}

static void check_accepted(const char *name, const struct chio_buf *root, const char *tee) {
  const uint32_t proved = CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_TPM |
                          CHIO_ATTEST_PROVED_NONCE | CHIO_ATTEST_PROVED_REPORT_DATA;
  struct chio_buf evidence = evidence_of(name);
  struct chio_attest_result *r =
      judge(chio_buf_slice(&evidence), root, chio_slice(report_data, sizeof report_data));
  if (!r->accepted) fail_msg("%s: %s", name, r->failures[0].text);
  assert_int_equal(r->proved & proved, proved);
  assert_string_equal(r->format, name);
  assert_string_equal(r->tee, tee);
  assert_string_equal(r->container, "json");
  uint8_t measurement[CHIO_MEASUREMENT_MAX];
  size_t len = 0;
  assert_int_equal(chio_platform_azure_snp.measurement(chio_buf_slice(&evidence), measurement, &len), CHIO_OK);
  assert_int_equal(r->measurement_len, len);
  assert_memory_equal(r->measurement, measurement, len);
  chio_attest_result_free(r);
  chio_buf_clear(&evidence);
}

static void evidence_of_snp_is_accepted(void **arg) {
  (void)arg;
  need_tpm();
  check_accepted("azure-snp", &snp_root, "sim-snp");
}

static void registers_are_those_of_the_moment(void **arg) {
  (void)arg;
  need_tpm();
  struct chio_buf before = evidence_of("azure-snp");
  assert_true(soft_tpm_extend(&tpm, 11, 0x77));
  struct chio_buf after = evidence_of("azure-snp");
  assert_false(chio_slice_equal(chio_buf_slice(&before), chio_buf_slice(&after)));
  chio_buf_clear(&before);
  chio_buf_clear(&after);
  check_accepted("azure-snp", &snp_root, "sim-snp");
}

static void another_nonce_and_another_root_are_refused(void **arg) {
  static const uint8_t other[64] = {9};
  (void)arg;
  need_tpm();
  struct chio_buf evidence = evidence_of("azure-snp");
  struct chio_attest_result *r = judge(chio_buf_slice(&evidence), &snp_root, chio_slice(other, sizeof other));
  assert_int_equal(r->reason, CHIO_ATTEST_NONCE);
  chio_attest_result_free(r);
  r = judge(chio_buf_slice(&evidence), &tdx_root, chio_slice(report_data, sizeof report_data));
  assert_int_equal(r->reason, CHIO_ATTEST_SIMULATED_ROOT);
  chio_attest_result_free(r);
  chio_buf_clear(&evidence);
}

/* One character in every third place of a hexadecimal or base64 value; the paravisor's report has unsigned bytes around
 * what it carries. */
static void a_changed_byte_anywhere_is_refused(void **arg) {
  static const struct {
    const char *name;
    size_t from, len; /* characters of the value; len 0: to its end */
  } values[] = {{"\"message\":\"", 0, 0},
                {"\"signature\":\"", 0, 0},
                {"\"pcrs\":[\"", 0, 0},
                {"\"hcl_report\":\"", 44, 880},     /* the signed part of the SNP report */
                {"\"hcl_report\":\"", 1650, 100}}; /* the runtime data */
  (void)arg;
  need_tpm();
  struct chio_buf evidence = evidence_of("azure-snp");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(values); i++) {
    uint8_t *value = memmem(evidence.data, evidence.len, values[i].name, strlen(values[i].name));
    assert_non_null(value);
    value += strlen(values[i].name) + values[i].from;
    size_t len = values[i].len > 0 ? values[i].len : (size_t)((uint8_t *)memchr(value, '"', 8192) - value);
    for (size_t at = 0; at < len; at += 3) {
      uint8_t kept = value[at];
      value[at] = kept == '0' ? '1' : '0';
      struct chio_attest_result *r =
          judge(chio_buf_slice(&evidence), &snp_root, chio_slice(report_data, sizeof report_data));
      if (r->accepted) fail_msg("accepted with character %zu of %s changed", at, values[i].name);
      chio_attest_result_free(r);
      value[at] = kept;
    }
  }
  chio_buf_clear(&evidence);
}

/* ---- In a bundle ---- */

static EVP_PKEY *ak;

static void put_envelope(const struct chio_buf *ak_spki, bool fresh, struct chio_buf *out) {
  struct chio_buf statement = CHIO_BUF_INIT, pae = CHIO_BUF_INIT, hex = CHIO_BUF_INIT;
  uint8_t raw[64], der[CHIO_ECDSA_DER_MAX], hash[32];
  size_t der_len;
  chio_buf_printf(&statement, "{%s\"origin\":\"born\",\"spki\":\"", fresh ? "\"nonce\":\"0011\"," : "");
  chio_base64_append(&statement, chio_buf_slice(ak_spki));
  chio_buf_printf(&statement, "\",\"time\":%lld,\"version\":1}", (long long)time(NULL));
  const char *text = chio_buf_cstr(&statement);
  chio_dsse_pae(CHIO_STATEMENT_PAYLOAD_TYPE, chio_slice_str(text), &pae);
  assert_int_equal(chio_ecdsa_sign_raw(ak, chio_buf_slice(&pae), 32, raw), CHIO_OK);
  assert_int_equal(chio_ecdsa_raw_to_der(chio_slice(raw, 64), der, &der_len), CHIO_OK);
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(ak_spki), hash), CHIO_OK);
  chio_hex_append(&hex, chio_slice(hash, 32));
  assert_int_equal(chio_dsse_envelope(CHIO_STATEMENT_PAYLOAD_TYPE, chio_slice_str(text), chio_slice(der, der_len),
                                      chio_buf_cstr(&hex), out),
                   CHIO_OK);
  chio_buf_clear(&statement);
  chio_buf_clear(&pae);
  chio_buf_clear(&hex);
}

/* tee: what the bundle calls its platform; other: another manifest in the report data than in the bundle; nonce: asked
 * for and answered, empty for none. */
static struct chio_attest_result *judge_bundle(const char *tee, bool other, struct chio_slice nonce) {
  static const uint8_t manifest[32] = {7}, another[32] = {8};
  struct chio_buf spki = CHIO_BUF_INIT, envelope = CHIO_BUF_INIT, part = CHIO_BUF_INIT, bundle = CHIO_BUF_INIT;
  uint8_t kept[CHIO_REPORT_DATA_SIZE];
  memcpy(kept, report_data, sizeof kept);
  if (ak == NULL) assert_int_equal(chio_ecdsa_generate("P-256", &ak), CHIO_OK);
  assert_int_equal(chio_pkey_spki(ak, &spki), CHIO_OK);
  put_envelope(&spki, nonce.len > 0, &envelope);
  assert_int_equal(chio_boot_report_data(chio_buf_slice(&spki), other ? another : manifest, nonce, report_data),
                   CHIO_OK);
  struct chio_buf evidence = evidence_of("azure-snp");
  memcpy(report_data, kept, sizeof kept);
  const struct chio_boot_evidence boot = {tee,
                                          chio_buf_slice(&spki),
                                          manifest,
                                          nonce,
                                          chio_buf_slice(&evidence),
                                          chio_slice(NULL, 0)};
  assert_int_equal(chio_bundle_boot_part(&boot, &part), CHIO_OK);
  assert_int_equal(chio_bundle_join(chio_buf_slice(&envelope), chio_buf_slice(&part), &bundle), CHIO_OK);
  struct chio_attest_result *r = judge(chio_buf_slice(&bundle), &snp_root, nonce);
  chio_buf_clear(&spki);
  chio_buf_clear(&envelope);
  chio_buf_clear(&part);
  chio_buf_clear(&bundle);
  chio_buf_clear(&evidence);
  return r;
}

static void a_bundle_binds_its_key_by_what_the_tpm_quoted(void **arg) {
  const uint32_t proved =
      CHIO_ATTEST_PROVED_TPM | CHIO_ATTEST_PROVED_REPORT_DATA | CHIO_ATTEST_PROVED_STATEMENT;
  (void)arg;
  need_tpm();
  const struct chio_slice none = chio_slice(NULL, 0);
  struct chio_attest_result *r = judge_bundle("sim-snp", false, none);
  if (!r->accepted) fail_msg("%s", r->failures[0].text);
  assert_int_equal(r->proved & proved, proved);
  assert_string_equal(r->container, "bundle");
  assert_string_equal(r->format, "azure-snp");
  chio_attest_result_free(r);
  r = judge_bundle("sim-snp", true, none);
  assert_int_equal(r->accepted, 0);
  assert_int_equal(r->reason, CHIO_ATTEST_KEY_BINDING);
  chio_attest_result_free(r);
  r = judge_bundle("azure-snp", false, none); /* its hardware is simulated: it must not say otherwise */
  assert_int_equal(r->reason, CHIO_ATTEST_TEE);
  chio_attest_result_free(r);
  r = judge_bundle("sim-snp", false, chio_slice("\x00\x11", 2)); /* a caller's nonce is in the statement */
  if (!r->accepted) fail_msg("%s", r->failures[0].text);
  assert_true((r->proved & CHIO_ATTEST_PROVED_NONCE) != 0);
  chio_attest_result_free(r);
  EVP_PKEY_free(ak);
}

/* ---- What is missing ---- */

static void refused(const char *name, enum chio_err expected, const char *says) {
  struct chio_buf out = CHIO_BUF_INIT;
  struct chio_detail detail = {""};
  assert_int_equal(make(name, &out, &detail), expected);
  if (strstr(detail.text, says) == NULL) fail_msg("%s: said '%s'", name, detail.text);
  assert_int_equal(out.len, 0);
}

static void auto_finds_it_on_azures_machines_alone(void **arg) {
  struct chio_hardware hardware = machine();
  struct chio_platform *platform = NULL;
  (void)arg;
  need_tpm();
  assert_int_equal(chio_platform_open_on(&hardware, "auto", state.path, NULL, &platform, NULL), CHIO_OK);
  assert_string_equal(chio_platform_name(platform), "azure-snp");
  assert_false(chio_platform_is_simulated(platform));
  chio_platform_free(platform);
  hardware.azure.dmi = "/nonexistent/dmi";
  assert_int_equal(chio_platform_open_on(&hardware, "auto", sims.path, NULL, &platform, NULL), CHIO_OK);
  assert_string_equal(chio_platform_name(platform), "sim-tdx");
  chio_platform_free(platform);
}

/* The TPM is reached before, as chiod does; asked afterwards. */
static int quote_behind_the_filter(const char *tcti) {
  struct chio_hardware hardware = machine();
  struct chio_platform *platform = NULL;
  struct chio_buf quote = CHIO_BUF_INIT;
  struct chio_detail detail = {""};
  hardware.azure.tcti = tcti;
  if (chio_platform_open_on(&hardware, "azure-snp", state.path, NULL, &platform, &detail) != CHIO_OK) {
    (void)fprintf(stderr, "# %s\n", detail.text);
    return 1;
  }
  if (chio_sandbox_enter(&detail) != CHIO_OK) return 2;
  return chio_platform_quote(platform, report_data, &quote, &detail) == CHIO_OK && quote.len > 0 ? 0 : 3;
}

static void chiods_filter_lets_it_ask_the_tpm(void **arg) {
  int status = 0;
  (void)arg;
  need_tpm();
  if (CHIO_SANITIZED) skip();
  struct soft_tpm_device device;
  assert_true(soft_tpm_device_open(&tpm, &device));
  pid_t pid = fork();
  if (pid == 0) _exit(quote_behind_the_filter(device.tcti));
  pid_t ended = waitpid(pid, &status, 0);
  soft_tpm_device_close(&device);
  assert_int_equal(ended, pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) skip();
  if (!WIFEXITED(status)) fail_msg("ended by signal %d", WTERMSIG(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void without_a_certificate_the_verifier_names_it(void **arg) {
  char path[512], aside[512];
  (void)arg;
  need_tpm();
  assert_int_equal(rename(temp_dir_file(&state, "azure-vcek.pem", path), temp_dir_file(&state, "aside", aside)), 0);
  struct chio_buf evidence = evidence_of("azure-snp");
  assert_int_equal(rename(aside, path), 0);
  struct chio_attest_result *r =
      judge(chio_buf_slice(&evidence), &snp_root, chio_slice(report_data, sizeof report_data));
  assert_int_equal(r->reason, CHIO_ATTEST_CHAIN);
  chio_attest_result_free(r);
  chio_buf_clear(&evidence);
}

static void the_wrong_hardware_and_a_missing_tpm_are_named(void **arg) {
  struct chio_hardware hardware = machine();
  struct chio_platform *platform = NULL;
  struct chio_detail detail = {""};
  (void)arg;
  need_tpm();
  refused("azure-tdx", CHIO_E_PLATFORM, "SEV-SNP: azure-snp");
  hardware.azure.tcti = "swtpm:path=/nonexistent/tpm";
  assert_int_equal(chio_platform_open_on(&hardware, "azure-snp", state.path, NULL, &platform, &detail), CHIO_E_PLATFORM);
  assert_non_null(strstr(detail.text, "/nonexistent/tpm"));
  assert_null(platform);
}

static void evidence_of_tdx_takes_the_quote_from_the_state_folder(void **arg) {
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t bound[64] = {0};
  (void)arg;
  need_tpm();
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&runtime), bound), CHIO_OK);
  assert_int_equal(chio_platform_quote(tdx, bound, &quote, NULL), CHIO_OK);
  assert_true(put_hcl(CHIO_HCL_TYPE_TDX, chio_slice(NULL, 0)));
  refused("azure-tdx", CHIO_E_PLATFORM, "azure-td-quote is missing");
  assert_true(write_state("azure-td-quote", chio_buf_slice(&quote)));
  check_accepted("azure-tdx", &tdx_root, "sim-tdx");
  chio_buf_clear(&quote);
}

static void a_report_that_is_none_and_a_key_that_is_not_there_are_named(void **arg) {
  static const uint8_t nonsense[64] = {1};
  (void)arg;
  need_tpm();
  assert_true(soft_tpm_put(&tpm, CHIO_AZURE_HCL_INDEX, chio_slice(nonsense, sizeof nonsense)));
  refused("azure-snp", CHIO_E_PLATFORM, "the paravisor's report in the vTPM is");
  assert_true(soft_tpm_put(&tpm, CHIO_AZURE_HCL_INDEX, chio_slice(NULL, 0)));
  refused("azure-snp", CHIO_E_PLATFORM, "no report of Azure's paravisor (NV index 0x01400001)");
  struct chio_vtpm *vtpm = NULL;
  struct chio_vtpm_quote quote;
  struct chio_detail detail = {""};
  uint8_t long_nonce[CHIO_VTPM_NONCE_MAX + 1] = {0};
  assert_int_equal(chio_vtpm_open(tpm.tcti, &vtpm, &detail), CHIO_OK);
  assert_int_equal(chio_vtpm_quote(vtpm, 0x81000099, chio_slice(report_data, 64), &quote, &detail), CHIO_E_NOT_FOUND);
  assert_non_null(strstr(detail.text, "nothing at 0x81000099"));
  assert_int_equal(
      chio_vtpm_quote(vtpm, CHIO_AZURE_KEY_HANDLE, chio_slice(long_nonce, sizeof long_nonce), &quote, &detail),
      CHIO_E_ARGUMENT);
  chio_vtpm_close(vtpm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(evidence_of_snp_is_accepted),
      cmocka_unit_test(registers_are_those_of_the_moment),
      cmocka_unit_test(another_nonce_and_another_root_are_refused),
      cmocka_unit_test(a_changed_byte_anywhere_is_refused),
      cmocka_unit_test(a_bundle_binds_its_key_by_what_the_tpm_quoted),
      cmocka_unit_test(auto_finds_it_on_azures_machines_alone),
      cmocka_unit_test(chiods_filter_lets_it_ask_the_tpm),
      cmocka_unit_test(without_a_certificate_the_verifier_names_it),
      cmocka_unit_test(the_wrong_hardware_and_a_missing_tpm_are_named),
      cmocka_unit_test(evidence_of_tdx_takes_the_quote_from_the_state_folder),
      cmocka_unit_test(a_report_that_is_none_and_a_key_that_is_not_there_are_named),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
