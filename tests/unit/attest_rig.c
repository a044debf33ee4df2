#include "tests/unit/attest_rig.h"

#include "attest/ecdsa.h"
#include "attest/platform.h"
#include "attest/pem.h"
#include "attest/x509.h"
#include "signer/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

const uint8_t attest_rig_workload[32] = {4, 2};

void attest_rig_key(struct chio_buf *out) {
  EVP_PKEY *made = NULL;
  assert_int_equal(chio_ecdsa_generate("P-256", &made), CHIO_OK);
  assert_int_equal(chio_pkey_spki(made, out), CHIO_OK);
  EVP_PKEY_free(made);
}

void attest_rig_quote(struct attest_rig *rig, const struct chio_buf *key, const uint8_t workload[32],
                      struct chio_buf *out) {
  uint8_t data[CHIO_BINDING_SIZE];
  const struct chio_binding_parts parts = {{[CHIO_BINDING_KEY] = chio_buf_slice(key),
                                            [CHIO_BINDING_WORKLOAD_HASH] = chio_slice(workload, 32)}};
  assert_int_equal(chio_binding_report_data(chio_binding_find("tee-v1"), &parts, data, NULL), CHIO_OK);
  assert_int_equal(chio_platform_quote(rig->platform, data, out, NULL), CHIO_OK);
}

static void put_hex(struct chio_slice bytes, char *out) {
  for (size_t i = 0; i < bytes.len; i++) snprintf(out + 2 * i, 3, "%02x", bytes.data[i]);
}

static void read_names(struct attest_rig *rig) {
  uint8_t measurement[CHIO_MEASUREMENT_MAX], hash[32];
  size_t len = 0;
  struct chio_buf der = CHIO_BUF_INIT;
  struct chio_cert cert;
  struct chio_cursor text = chio_cursor(chio_buf_slice(&rig->root));
  assert_int_equal(chio_platform_measurement(rig->platform, chio_buf_slice(&rig->quote), measurement, &len), CHIO_OK);
  put_hex(chio_slice(measurement, len), rig->measurement);
  assert_int_equal(chio_pem_next(&text, "CERTIFICATE", &der), CHIO_OK);
  assert_int_equal(chio_cert_parse(chio_buf_slice(&der), &cert), CHIO_OK);
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, cert.key.spki, hash), CHIO_OK);
  put_hex(chio_slice(hash, sizeof hash), rig->root_hash);
  chio_buf_clear(&der);
}

int attest_rig_open(struct attest_rig *rig) {
  *rig = (struct attest_rig){.dir = "/tmp/chio-test-attest.XXXXXX", .now = (int64_t)time(NULL)};
  if (mkdtemp(rig->dir) == NULL || chio_platform_open("sim-tdx", rig->dir, NULL, &rig->platform, NULL) != CHIO_OK)
    return 1;
  if (chio_platform_root(rig->platform, &rig->root) != CHIO_OK) return 1;
  attest_rig_key(&rig->key);
  attest_rig_quote(rig, &rig->key, attest_rig_workload, &rig->quote);
  read_names(rig);
  return 0;
}

void attest_rig_close(struct attest_rig *rig) {
  static const char *const names[] = {"sim/tdx.pem", "sim/tdx-root.pem", "sim", ""};
  chio_platform_free(rig->platform);
  chio_buf_clear(&rig->root);
  chio_buf_clear(&rig->key);
  chio_buf_clear(&rig->quote);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", rig->dir, names[i]);
    (void)remove(path);
  }
}

void attest_rig_policy_text(const struct attest_rig *rig, const char *top, const char *tables, struct chio_buf *out) {
  chio_buf_printf(out, "version = 1\ntee = [\"sim-tdx\"]\nmeasurements = [\"%s\"]\n%s\n[roots]\nspki_sha256 = [\"%s\"]\n%s\n",
                  rig->measurement, top, rig->root_hash, tables);
}

struct chio_attest_policy *attest_rig_policy(const struct attest_rig *rig, const char *top, const char *tables) {
  struct chio_buf text = CHIO_BUF_INIT;
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  attest_rig_policy_text(rig, top, tables, &text);
  if (chio_attest_policy_parse(text.data, text.len, "policy.toml", &policy, &message) != CHIO_ATTEST_OK)
    fail_msg("%s", message.text);
  chio_buf_clear(&text);
  return policy;
}

struct chio_attest_request attest_rig_request(const struct attest_rig *rig, const struct chio_attest_policy *policy,
                                              struct chio_attest_binding *binding) {
  *binding = (struct chio_attest_binding){.profile = "tee-v1",
                                          .workload_hash = {attest_rig_workload, sizeof attest_rig_workload}};
  return (struct chio_attest_request){.evidence = rig->quote.data,
                                      .evidence_len = rig->quote.len,
                                      .policy = policy,
                                      .at = rig->now,
                                      .key = rig->key.data,
                                      .key_len = rig->key.len,
                                      .binding = binding};
}

enum chio_attest_reason attest_rig_judge(const struct chio_attest_request *request) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_verify(request, &result, &message) != CHIO_ATTEST_OK) fail_msg("%s", message.text);
  enum chio_attest_reason reason = result->reason;
  chio_attest_result_free(result);
  return reason;
}
