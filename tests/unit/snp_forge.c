#include "tests/unit/snp_forge.h"

#include "attest/ecdsa.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- The platform ---- */

EVP_PKEY *ark_key, *ask_key, *asvk_key, *vek_key, *other_key;
X509 *ark, *ask, *asvk, *turin_ask;
static uint8_t chip[64];
static int64_t now;

static X509 *authority(EVP_PKEY *key, const char *cn) {
  const struct forge_cert spec = {
      .cn = cn, .ca = true, .path_len = 0, .key_usage = "critical,keyCertSign", .flags = FORGE_PSS};
  return forge_certify(key, ark_key, ark, &spec);
}

int snp_set_up(void **state) {
  (void)state;
  static const struct forge_cert root = {.cn = "ARK-Milan", .ca = true, .path_len = -1, .flags = FORGE_PSS};
  now = (int64_t)time(NULL);
  for (size_t i = 0; i < sizeof chip; i++) chip[i] = (uint8_t)(i + 1);
  ark_key = forge_key("RSA");
  ask_key = forge_key("RSA");
  asvk_key = forge_key("RSA");
  vek_key = forge_key("P-384");
  other_key = forge_key("P-384");
  ark = forge_certify(ark_key, NULL, NULL, &root);
  ask = authority(ask_key, "SEV-Milan");
  asvk = authority(asvk_key, "SEV-VLEK-Milan");
  turin_ask = authority(ask_key, "SEV-Turin");
  return 0;
}

int snp_tear_down(void **state) {
  (void)state;
  EVP_PKEY *const keys[] = {ark_key, ask_key, asvk_key, vek_key, other_key};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(keys); i++) EVP_PKEY_free(keys[i]);
  X509_free(ark);
  X509_free(ask);
  X509_free(asvk);
  X509_free(turin_ask);
  return 0;
}

/* ---- The endorsement key's certificate ---- */

static X509 *make_vek(const struct vek *v) {
  static const char *const oids[] = {"1.3.6.1.4.1.3704.1.3.1", "1.3.6.1.4.1.3704.1.3.2", "1.3.6.1.4.1.3704.1.3.3",
                                     "1.3.6.1.4.1.3704.1.3.8"};
  static const uint8_t usual[4] = {BOOTLOADER, TEE, SNP, MICROCODE};
  static const char csp[] =
      "\x16\x0f"
      "CN=cc.forge.tld";
  struct forge_extension list[8];
  uint8_t numbers[5][4], name[34] = {0x16}, hw_id[64];
  size_t n = 0;
  const char *product = v->product != NULL ? v->product : "Milan-B0";
  bool own = (v->svns[0] | v->svns[1] | v->svns[2] | v->svns[3]) != 0;
  name[1] = (uint8_t)strlen(product);
  memcpy(name + 2, product, strlen(product));
  list[n++] = (struct forge_extension){"1.3.6.1.4.1.3704.1.2", chio_slice(name, 2u + name[1])};
  for (size_t i = 0; i < 5; i++) {
    if (i == 4 ? v->fmc < 0 : v->without_svn && i == 2) continue;
    uint8_t value = i == 4 ? (uint8_t)v->fmc : own ? v->svns[i] : usual[i];
    size_t pad = value >= 0x80 ? 1 : 0;
    memcpy(numbers[i], (uint8_t[]){0x02, (uint8_t)(1 + pad), 0, 0}, 4);
    numbers[i][2 + pad] = value;
    list[n++] = (struct forge_extension){i == 4 ? "1.3.6.1.4.1.3704.1.3.9" : oids[i], chio_slice(numbers[i], 3 + pad)};
  }
  memcpy(hw_id, chip, sizeof hw_id);
  if (v->chip0 != 0) hw_id[0] = v->chip0;
  if (v->vlek)
    list[n++] = (struct forge_extension){"1.3.6.1.4.1.3704.1.5", chio_slice(csp, 17)};
  else
    list[n++] = (struct forge_extension){"1.3.6.1.4.1.3704.1.4", chio_slice(hw_id, v->chip_len > 0 ? v->chip_len : 64)};
  struct forge_cert spec = v->cert;
  spec.cn = v->cn != NULL ? v->cn : v->vlek ? "SEV-VLEK" : "SEV-VCEK";
  spec.path_len = -1;
  spec.key_usage = "";
  if (!spec.ca) spec.flags |= FORGE_NO_CONSTRAINTS | FORGE_NO_KEY_IDS;
  if ((spec.flags & FORGE_PSS_SHA256) == 0) spec.flags |= FORGE_PSS;
  spec.extensions = list;
  spec.extensions_count = n;
  X509 *issuer = v->under_asvk ? asvk : strcmp(product, "Turin") == 0 ? turin_ask : ask;
  return forge_certify(v->key != NULL ? v->key : vek_key, v->under_asvk ? asvk_key : ask_key, issuer, &spec);
}

/* ---- The report ---- */

static void put_tcb(uint8_t *at) {
  at[0] = BOOTLOADER;
  at[1] = TEE;
  at[6] = SNP;
  at[7] = MICROCODE;
}

static void sign_report(EVP_PKEY *key, uint8_t *r) {
  uint8_t rs[96];
  assert_int_equal(chio_ecdsa_sign_raw(key, chio_slice(r, CHIO_SNP_SIGNED_SIZE), 48, rs), CHIO_OK);
  for (size_t i = 0; i < 48; i++) {
    r[CHIO_SNP_SIGNATURE_R + i] = rs[47 - i];
    r[CHIO_SNP_SIGNATURE_S + i] = rs[95 - i];
  }
}

void make_report(const struct change *changes, size_t count, EVP_PKEY *key, uint8_t r[CHIO_SNP_REPORT_SIZE]) {
  static const size_t tcbs[] = {CHIO_SNP_CURRENT_TCB, CHIO_SNP_REPORTED_TCB, CHIO_SNP_COMMITTED_TCB,
                                CHIO_SNP_LAUNCH_TCB};
  memset(r, 0, CHIO_SNP_REPORT_SIZE);
  r[0] = 3;
  r[CHIO_SNP_POLICY + 2] = 0x03; /* SMT, and the bit that is one */
  r[CHIO_SNP_SIGNATURE_ALGO] = 1;
  r[CHIO_SNP_PLATFORM_INFO] = 0x25;
  memset(r + CHIO_SNP_MEASUREMENT, 0x4d, 48);
  memcpy(r + CHIO_SNP_CPUID, (uint8_t[]){0x19, 0x01, 0x01}, 3);
  memcpy(r + CHIO_SNP_CHIP_ID, chip, sizeof chip);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(tcbs); i++) put_tcb(r + tcbs[i]);
  for (size_t i = 0; i < count; i++) {
    if (changes[i].at < CHIO_SNP_SIGNED_SIZE) r[changes[i].at] = changes[i].value;
  }
  sign_report(key, r);
  for (size_t i = 0; i < count; i++) {
    if (changes[i].at >= CHIO_SNP_SIGNED_SIZE) r[changes[i].at] = changes[i].value;
  }
}

/* ---- Judging ---- */

static struct chio_attest_policy *make_policy(const char *more, const uint8_t root_spki_sha256[32]) {
  char text[2048], measurement[97], spki[65];
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  for (size_t i = 0; i < 48; i++) snprintf(measurement + 2 * i, 3, "4d");
  for (size_t i = 0; i < 32; i++) snprintf(spki + 2 * i, 3, "%02x", root_spki_sha256[i]);
  snprintf(text, sizeof text,
           "version = 1\ntee = [\"sim-snp\"]\nmeasurements = [\"%s\"]\n[roots]\nspki_sha256 = [\"%s\"]\n%s",
           measurement, spki, more);
  if (chio_attest_policy_parse(text, strlen(text), "test.toml", &policy, &message) != CHIO_ATTEST_OK) {
    fail_msg("%s", message.text);
  }
  return policy;
}

static void add_cert(struct chio_attest_collateral *collateral, const X509 *cert) {
  struct chio_buf pem = CHIO_BUF_INIT;
  forge_pem(cert, &pem);
  assert_int_equal(chio_attest_collateral_add(collateral, pem.data, pem.len), CHIO_ATTEST_OK);
  chio_buf_clear(&pem);
}

struct chio_attest_result *judge(struct chio_slice evidence, const struct vek *v, const char *policy_text,
                                        bool trusted, const struct chio_buf *crl) {
  struct chio_attest_collateral *collateral = NULL;
  struct chio_attest_policy *policy = NULL;
  struct chio_buf root = CHIO_BUF_INIT;
  X509 *vek = make_vek(v), *const certs[] = {vek, ask, asvk, turin_ask, ark};
  assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(certs); i++) add_cert(collateral, certs[i]);
  if (crl != NULL) assert_int_equal(chio_attest_collateral_add(collateral, crl->data, crl->len), CHIO_ATTEST_OK);
  if (trusted) forge_pem(ark, &root);
  struct chio_attest_request request = {.evidence = evidence.data,
                                        .evidence_len = evidence.len,
                                        .collateral = collateral,
                                        .at = now,
                                        .root = root.data,
                                        .root_len = root.len};
  struct chio_attest_result *result = forge_judge(&request);
  if (policy_text != NULL) {
    request.policy = policy = make_policy(policy_text, result->root_spki_sha256);
    chio_attest_result_free(result);
    result = forge_judge(&request);
  }
  chio_attest_policy_free(policy);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&root);
  X509_free(vek);
  return result;
}

void judge_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint8_t report[CHIO_SNP_REPORT_SIZE];
    make_report(rows[i].changes, rows[i].count, vek_key, report);
    forge_expect(rows[i].name, judge(chio_slice(report, sizeof report), &rows[i].vek, rows[i].policy, true, NULL),
                 rows[i].reason, rows[i].unproved);
  }
}
