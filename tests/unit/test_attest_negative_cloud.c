/*
 * Incidents on tokens of attestation services, made here with keys of our own, and on recorded evidence (CHIO_VECTORS)
 * under policies that must refuse it. Prints what was tried and why it was refused.
 */
#include "attest/crypto.h"
#include "signer/base/text.h"
#include "tests/unit/forge.h"
#include "tests/unit/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>

#define SIGNATURE CHIO_ATTEST_PROVED_SIGNATURE
#define CHAIN CHIO_ATTEST_PROVED_CHAIN
#define ISSUER "https://forged.attest.azure.net"

/* ---- Tokens ---- */

static EVP_PKEY *service_key, *other_key;
static int64_t now;

static int set_up(void **state) {
  (void)state;
  now = (int64_t)time(NULL);
  service_key = forge_key("RSA");
  other_key = forge_key("RSA");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  EVP_PKEY_free(service_key);
  EVP_PKEY_free(other_key);
  return 0;
}

static void put_url(struct chio_buf *out, struct chio_slice bytes) {
  struct chio_buf text = CHIO_BUF_INIT;
  chio_base64_append(&text, bytes);
  for (size_t i = 0; i < text.len && text.data[i] != '='; i++) {
    chio_buf_append_u8(out, text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i]);
  }
  chio_buf_clear(&text);
}

static void put_number(struct chio_buf *out, const EVP_PKEY *key, const char *name) {
  BIGNUM *number = NULL;
  uint8_t bytes[512];
  assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
  put_url(out, chio_slice(bytes, (size_t)BN_bn2bin(number, bytes)));
  BN_free(number);
}

static void put_jwk(struct chio_buf *out, const EVP_PKEY *key, const char *kid) {
  chio_buf_printf(out, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"", kid);
  put_number(out, key, OSSL_PKEY_PARAM_RSA_N);
  chio_buf_append_str(out, "\",\"e\":\"");
  put_number(out, key, OSSL_PKEY_PARAM_RSA_E);
  chio_buf_append_str(out, "\"}");
}

enum signer { BY_SERVICE, BY_OTHER, BY_NOBODY, BY_HMAC };

struct token {
  const char *header; /* NULL: RS256 and the key's id */
  const char *issuer; /* NULL: ISSUER */
  const char *claims; /* more; NULL: those of a good VM */
  int from, until;    /* seconds from now; both 0: an hour on either side */
  enum signer signer;
  bool altered; /* the payload, after signing */
};

/* HS256 with the service's public key, PEM or not, as the secret: what a verifier does that lets a token choose. */
static void sign_hmac(struct chio_slice text, struct chio_buf *out) {
  struct chio_buf key = CHIO_BUF_INIT;
  uint8_t mac[32];
  unsigned len = sizeof mac;
  put_jwk(&key, service_key, "k1");
  assert_non_null(HMAC(EVP_sha256(), key.data, (int)key.len, text.data, text.len, mac, &len));
  put_url(out, chio_slice(mac, len));
  chio_buf_clear(&key);
}

static void sign(const struct token *t, struct chio_slice text, struct chio_buf *out) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  uint8_t signature[512];
  size_t len = sizeof signature;
  EVP_PKEY *key = t->signer == BY_OTHER ? other_key : service_key;
  assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
  assert_int_equal(EVP_DigestSign(ctx, signature, &len, text.data, text.len), 1);
  EVP_MD_CTX_free(ctx);
  put_url(out, chio_slice(signature, len));
}

static void make_token(const struct token *t, struct chio_buf *out) {
  static const char vm[] =
      "\"x-ms-isolation-tee\":{\"x-ms-attestation-type\":\"sevsnpvm\",\"x-ms-compliance-status\":"
      "\"azure-compliant-cvm\",\"x-ms-sevsnpvm-is-debuggable\":false,\"x-ms-sevsnpvm-launchmeasurement\":"
      "\"4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d\"}";
  struct chio_buf payload = CHIO_BUF_INIT;
  bool dated = t->from != 0 || t->until != 0;
  put_url(out, chio_slice_str(t->header != NULL ? t->header : "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}"));
  chio_buf_append_u8(out, '.');
  chio_buf_printf(&payload, "{\"iss\":\"%s\",\"nbf\":%lld,\"exp\":%lld,\"iat\":%lld,%s}",
                  t->issuer != NULL ? t->issuer : ISSUER, (long long)(now + (dated ? t->from : -3600)),
                  (long long)(now + (dated ? t->until : 3600)), (long long)now, t->claims != NULL ? t->claims : vm);
  put_url(out, chio_buf_slice(&payload));
  struct chio_buf signature = CHIO_BUF_INIT;
  if (t->signer == BY_HMAC) sign_hmac(chio_buf_slice(out), &signature);
  if (t->signer == BY_SERVICE || t->signer == BY_OTHER) sign(t, chio_buf_slice(out), &signature);
  if (t->altered) out->data[out->len - 20] ^= 1;
  chio_buf_append_u8(out, '.');
  chio_buf_append_slice(out, chio_buf_slice(&signature));
  chio_buf_clear(&payload);
  chio_buf_clear(&signature);
}

static struct chio_attest_collateral *key_set(void) {
  struct chio_attest_collateral *collateral = NULL;
  struct chio_buf jwks = CHIO_BUF_INIT;
  chio_buf_append_str(&jwks, "{\"keys\":[");
  put_jwk(&jwks, service_key, "k1");
  chio_buf_append_str(&jwks, "]}");
  assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_collateral_add(collateral, jwks.data, jwks.len), CHIO_ATTEST_OK);
  chio_buf_clear(&jwks);
  return collateral;
}

static struct chio_attest_policy *token_policy_with(const EVP_PKEY *key, const char *claims) {
  struct chio_buf spki = CHIO_BUF_INIT, text = CHIO_BUF_INIT;
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  uint8_t hash[32];
  assert_int_equal(chio_pkey_spki(key, &spki), CHIO_OK);
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&spki), hash), CHIO_OK);
  chio_buf_append_str(&text, "version = 1\ntee = [\"snp\"]\nmeasurements = [\"");
  for (int i = 0; i < 48; i++) chio_buf_append_str(&text, "4d");
  chio_buf_append_str(&text, "\"]\n[maa]\nissuers = [\"" ISSUER "\"]\nkeys = [\"");
  chio_hex_append(&text, chio_slice(hash, sizeof hash));
  chio_buf_printf(&text, "\"]\n%s\n", claims);
  if (chio_attest_policy_parse(text.data, text.len, "test.toml", &policy, &message) != CHIO_ATTEST_OK)
    fail_msg("%s", message.text);
  chio_buf_clear(&spki);
  chio_buf_clear(&text);
  return policy;
}

static struct chio_attest_policy *token_policy(const EVP_PKEY *key) {
  return token_policy_with(key, "");
}

static struct chio_attest_result *judge_token(const struct token *t, const EVP_PKEY *named) {
  struct chio_buf token = CHIO_BUF_INIT;
  struct chio_attest_collateral *collateral = key_set();
  struct chio_attest_policy *policy = token_policy(named);
  make_token(t, &token);
  const struct chio_attest_request request = {
      .evidence = token.data, .evidence_len = token.len, .policy = policy, .collateral = collateral, .at = now};
  struct chio_attest_result *result = forge_judge(&request);
  chio_attest_policy_free(policy);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&token);
  return result;
}

struct row {
  const char *name;
  struct token token;
  enum chio_attest_reason reason;
  uint32_t unproved;
};

static void judge_tokens(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    forge_expect(rows[i].name, judge_token(&rows[i].token, service_key), rows[i].reason, rows[i].unproved);
  }
}

/* trustee 97b56b9a, and every JWT library once: the token said which key, or that none is needed. */
static void trustee_97b56b9a_a_token_does_not_choose_its_key(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"a token of the service", {.header = NULL}, CHIO_ATTEST_ACCEPTED, 0},
      {"alg none, no signature",
       {.header = "{\"alg\":\"none\",\"typ\":\"JWT\"}", .signer = BY_NOBODY},
       CHIO_ATTEST_UNSUPPORTED,
       SIGNATURE | CHAIN},
      {"alg none with another's signature",
       {.header = "{\"alg\":\"none\",\"kid\":\"k1\"}", .signer = BY_OTHER},
       CHIO_ATTEST_UNSUPPORTED,
       SIGNATURE | CHAIN},
      {"HS256 with the public key as the secret",
       {.header = "{\"alg\":\"HS256\",\"kid\":\"k1\"}", .signer = BY_HMAC},
       CHIO_ATTEST_UNSUPPORTED,
       SIGNATURE | CHAIN},
      {"RS256 in the header, an HMAC for signature", {.signer = BY_HMAC}, CHIO_ATTEST_SIGNATURE, SIGNATURE | CHAIN},
      {"no algorithm", {.header = "{\"kid\":\"k1\"}"}, CHIO_ATTEST_UNSUPPORTED, SIGNATURE | CHAIN},
      {"algorithm rs256", {.header = "{\"alg\":\"rs256\",\"kid\":\"k1\"}"}, CHIO_ATTEST_UNSUPPORTED, SIGNATURE | CHAIN},
      {"two algorithms",
       {.header = "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"k1\"}"},
       CHIO_ATTEST_FORMAT,
       SIGNATURE | CHAIN},
      {"a jku of the forger's, signed by the forger",
       {.header = "{\"alg\":\"RS256\",\"jku\":\"https://evil.example/certs\",\"kid\":\"k2\"}", .signer = BY_OTHER},
       CHIO_ATTEST_COLLATERAL_MISSING,
       SIGNATURE | CHAIN},
      {"a key id that nobody has",
       {.header = "{\"alg\":\"RS256\",\"kid\":\"k9\"}"},
       CHIO_ATTEST_COLLATERAL_MISSING,
       SIGNATURE | CHAIN},
      {"another key under the service's id", {.signer = BY_OTHER}, CHIO_ATTEST_SIGNATURE, SIGNATURE | CHAIN},
      {"a claim changed after signing", {.altered = true}, CHIO_ATTEST_SIGNATURE, SIGNATURE | CHAIN},
  };
  judge_tokens(rows, CHIO_ARRAY_LEN(rows));
  static const struct token good = {.header = NULL};
  forge_expect("a key of the set that the policy does not name", judge_token(&good, other_key),
               CHIO_ATTEST_UNTRUSTED_ROOT, CHAIN);
}

static void a_token_counts_in_its_time_of_its_issuer_and_for_what_it_says(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"expired a second ago", {.from = -3600, .until = -1}, CHIO_ATTEST_CERTIFICATE_EXPIRED, 0},
      {"valid in a minute", {.from = 60, .until = 3600}, CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID, 0},
      {"another issuer", {.issuer = "https://other.attest.azure.net"}, CHIO_ATTEST_ISSUER, 0},
      {"an issuer that begins alike", {.issuer = ISSUER ".evil.example"}, CHIO_ATTEST_ISSUER, 0},
      {"nothing about a TEE at all", {.claims = "\"x\":1"}, CHIO_ATTEST_TEE, CHIO_ATTEST_PROVED_POLICY},
      {"nothing about debugging",
       {.claims = "\"x-ms-attestation-type\":\"sevsnpvm\",\"x-ms-compliance-status\":\"azure-compliant-cvm\""},
       CHIO_ATTEST_DEBUG,
       CHIO_ATTEST_PROVED_POLICY},
      {"not compliant",
       {.claims = "\"x-ms-attestation-type\":\"sevsnpvm\",\"x-ms-sevsnpvm-is-debuggable\":false"},
       CHIO_ATTEST_ATTRIBUTES,
       CHIO_ATTEST_PROVED_POLICY},
      {"the debug claim of another TEE, false",
       {.claims = "\"x-ms-attestation-type\":\"sevsnpvm\",\"x-ms-compliance-status\":\"azure-compliant-cvm\","
                  "\"x-ms-sevsnpvm-is-debuggable\":true,\"is-debuggable\":false"},
       CHIO_ATTEST_DEBUG,
       CHIO_ATTEST_PROVED_POLICY},
  };
  judge_tokens(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Exact claims ---- */

/* A token of the service, under a policy with these claims. */
static enum chio_attest_reason verdict_with(const char *claims, const char *more) {
  struct chio_buf token = CHIO_BUF_INIT, text = CHIO_BUF_INIT;
  struct chio_attest_collateral *collateral = key_set();
  struct chio_attest_policy *policy = token_policy_with(service_key, claims);
  chio_buf_printf(&text, "%s,\"x-ms-isolation-tee\":{\"x-ms-attestation-type\":\"sevsnpvm\",\"x-ms-compliance-status\":"
                  "\"azure-compliant-cvm\",\"x-ms-sevsnpvm-is-debuggable\":false,\"vm-id\":\"4A\","
                  "\"x-ms-sevsnpvm-launchmeasurement\":\""
                  "4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"
                  "4d4d4d4d4d4d4d4d4d4d4d4d\"}", more);
  make_token(&(struct token){.claims = chio_buf_cstr(&text)}, &token);
  const struct chio_attest_request request = {
      .evidence = token.data, .evidence_len = token.len, .policy = policy, .collateral = collateral, .at = now};
  struct chio_attest_result *result = forge_judge(&request);
  enum chio_attest_reason reason = result->reason;
  chio_attest_result_free(result);
  chio_attest_policy_free(policy);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&token);
  chio_buf_clear(&text);
  return reason;
}

static void a_policy_binds_a_token_to_its_tenant_by_exact_claims(void **state) {
  (void)state;
  static const char said[] = "\"tenant\":\"t-1\",\"level\":3,\"secure\":true,\"n\":1.0,\"none\":null,\"list\":[\"t-1\"]";
  static const struct {
    const char *claims;
    enum chio_attest_reason reason;
  } rows[] = {
      {"claims = { tenant = \"t-1\" }", CHIO_ATTEST_ACCEPTED},
      {"claims = { tenant = [\"t-0\", \"t-1\"], level = 3, secure = true, vm-id = \"4A\" }", CHIO_ATTEST_ACCEPTED},
      {"claims = { level = [2, 3] }", CHIO_ATTEST_ACCEPTED},
      {"claims = { tenant = \"t-2\" }", CHIO_ATTEST_CLAIM},
      {"claims = { tenant = \"T-1\" }", CHIO_ATTEST_CLAIM},
      {"claims = { tenant = \"t-1 \" }", CHIO_ATTEST_CLAIM},
      {"claims = { tenant = \"t\" }", CHIO_ATTEST_CLAIM},
      {"claims = { tenant = [\"t-0\", \"t-2\"] }", CHIO_ATTEST_CLAIM},
      {"claims = { tenants = \"t-1\" }", CHIO_ATTEST_CLAIM}, /* it says nothing of that */
      {"claims = { level = \"3\" }", CHIO_ATTEST_CLAIM},
      {"claims = { level = 2 }", CHIO_ATTEST_CLAIM},
      {"claims = { n = 1 }", CHIO_ATTEST_CLAIM},
      {"claims = { secure = \"true\" }", CHIO_ATTEST_CLAIM},
      {"claims = { secure = false }", CHIO_ATTEST_CLAIM},
      {"claims = { secure = 1 }", CHIO_ATTEST_CLAIM},
      {"claims = { none = \"\" }", CHIO_ATTEST_CLAIM},
      {"claims = { list = \"t-1\" }", CHIO_ATTEST_CLAIM},
      {"claims = { tenant = \"t-1\", vm-id = \"4B\" }", CHIO_ATTEST_CLAIM},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    enum chio_attest_reason reason = verdict_with(rows[i].claims, said);
    if (reason != rows[i].reason) fail_msg("%s: %s", rows[i].claims, chio_attest_reason_code(reason));
  }
  /* What the token says of itself is before what it says of the machine. */
  assert_int_equal(verdict_with("claims = { vm-id = \"4A\" }", "\"vm-id\":\"other\""), CHIO_ATTEST_CLAIM);
}

/* A policy's rules for the hardware hold for what the service says of it, and for what it does not say. */
static void the_rules_for_hardware_hold_for_tokens_about_it(void **state) {
  (void)state;
#define HD "1111111111111111111111111111111111111111111111111111111111111111"
#define SVN "\"x-ms-sevsnpvm-snpfw-svn\":24,\"x-ms-sevsnpvm-microcode-svn\":219"
  static const struct {
    const char *policy, *said;
    enum chio_attest_reason reason;
  } rows[] = {
      {"[snp]\nmin_snp = 24\nmin_microcode = 219", SVN, CHIO_ATTEST_ACCEPTED},
      {"[snp]\nmin_snp = 25", SVN, CHIO_ATTEST_TCB_MINIMUM},
      {"[snp]\nmin_microcode = 220", SVN, CHIO_ATTEST_TCB_MINIMUM},
      {"[snp]\nmin_tee = 0", SVN, CHIO_ATTEST_TCB_MINIMUM}, /* it says nothing of that */
      {"[snp]\nmin_snp = 24", "\"x-ms-sevsnpvm-snpfw-svn\":\"24\"", CHIO_ATTEST_TCB_MINIMUM},
      {"[snp]\nhost_data = [\"" HD "\"]", "\"x-ms-sevsnpvm-hostdata\":\"" HD "\"", CHIO_ATTEST_ACCEPTED},
      {"[snp]\nhost_data = [\"" HD "\"]", "\"x-ms-sevsnpvm-hostdata\":\"00" HD "\"", CHIO_ATTEST_MEASUREMENT},
      {"[snp]\nhost_data = [\"" HD "\"]", "\"x-ms-sevsnpvm-hostdata\":\"\"", CHIO_ATTEST_MEASUREMENT},
      {"[snp]\nhost_data = [\"" HD "\"]", "\"x\":1", CHIO_ATTEST_MEASUREMENT},
      {"[snp]\nchip_ids = [\"" HD HD "\"]", "\"x\":1", CHIO_ATTEST_CHIP},
      {"[snp]\nproducts = [\"Milan\"]", "\"x\":1", CHIO_ATTEST_CHIP},
      {"[snp]\nrefuse_smt = true", "\"x-ms-sevsnpvm-smt-allowed\":false", CHIO_ATTEST_ACCEPTED},
      {"[snp]\nrefuse_smt = true", "\"x-ms-sevsnpvm-smt-allowed\":true", CHIO_ATTEST_ATTRIBUTES},
      {"[snp]\nrequire_alias_check = true", "\"x\":1", CHIO_ATTEST_ATTRIBUTES},
      {"", "\"x-ms-sevsnpvm-vmpl\":0,\"x-ms-sevsnpvm-migration-allowed\":false", CHIO_ATTEST_ACCEPTED},
      {"", "\"x-ms-sevsnpvm-vmpl\":1", CHIO_ATTEST_ATTRIBUTES},
      {"", "\"x-ms-sevsnpvm-vmpl\":\"0\"", CHIO_ATTEST_ATTRIBUTES},
      {"[snp]\nmax_vmpl = 1", "\"x-ms-sevsnpvm-vmpl\":1", CHIO_ATTEST_ACCEPTED},
      {"[snp]\nmax_vmpl = 1", "\"x\":1", CHIO_ATTEST_ATTRIBUTES},
      {"", "\"x-ms-sevsnpvm-migration-allowed\":true", CHIO_ATTEST_ATTRIBUTES},
      {"[snp]\nallow_migration = true", "\"x-ms-sevsnpvm-migration-allowed\":true", CHIO_ATTEST_ACCEPTED},
      {"[azure]\npcr = { 4 = [\"" HD "\"] }", "\"x\":1", CHIO_ATTEST_MEASUREMENT},
      {"[tdx]\nrtmr0 = [\"" HD "11111111111111111111111111111111\"]", "\"x\":1", CHIO_ATTEST_ACCEPTED}, /* another TEE's */
      {"", "\"attester_tcb_status\":\"UpToDate\"", CHIO_ATTEST_ACCEPTED},
      {"", "\"attester_tcb_status\":\"OutOfDate\"", CHIO_ATTEST_TCB_STATUS},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    enum chio_attest_reason reason = verdict_with(rows[i].policy, rows[i].said);
    if (reason != rows[i].reason) fail_msg("%s, %s: %s", rows[i].policy, rows[i].said, chio_attest_reason_code(reason));
  }
}

static void claims_that_cannot_be_compared_are_no_policy(void **state) {
  (void)state;
  static const char *const rows[] = {"claims = {}", "claims = 1", "claims = { a = [] }", "claims = { a = 1.5 }",
                                     "claims = { a = { b = 1 } }", "claims = { a = [[1]] }", "claims = { a = -1 }",
                                     "claims = { a = 2020-01-01 }", "claim = { a = 1 }"};
  static const char head[] = "version = 1\ntee = [\"snp\"]\nmeasurements = [\""
                             "4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"
                             "4d4d4d4d\"]\n[maa]\n";
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_policy *policy = NULL;
    struct chio_attest_message message = {""};
    char text[512];
    int len = snprintf(text, sizeof text, "%s%s\n", head, rows[i]);
    if (chio_attest_policy_parse(text, (size_t)len, "p", &policy, &message) != CHIO_ATTEST_E_MALFORMED)
      fail_msg("taken: %s", rows[i]);
    assert_non_null(strstr(message.text, "p:5"));
  }
}

static void claims_are_told_and_are_part_of_what_a_policy_demands(void **state) {
  (void)state;
  struct chio_attest_policy *one = token_policy_with(service_key, "claims = { a = [\"x\\ny\", 7], b = true }");
  struct chio_attest_policy *two = token_policy_with(service_key, "claims = { a = [\"x\", 7], b = true }");
  struct chio_attest_policy *three = token_policy_with(service_key, "claims = { a = [\"x\", \"7\"], b = true }");
  uint8_t digest[3][32];
  char *text = NULL;
  assert_int_equal(chio_attest_policy_explain(one, &text), CHIO_ATTEST_OK);
  assert_non_null(strstr(text, "- the token's claim a is exactly\n    \"x\\ny\"\n    7\n"
                               "- the token's claim b is exactly\n    true\n"));
  assert_int_equal(chio_attest_policy_digest(one, digest[0]), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_policy_digest(two, digest[1]), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_policy_digest(three, digest[2]), CHIO_ATTEST_OK);
  assert_memory_not_equal(digest[0], digest[1], 32);
  assert_memory_not_equal(digest[1], digest[2], 32);
  chio_attest_free(text);
  chio_attest_policy_free(one);
  chio_attest_policy_free(two);
  chio_attest_policy_free(three);
}

/* ---- Recorded evidence ---- */

static struct chio_attest_result *judge_vector(const char *evidence_path, const char *collateral_path, const char *at,
                                               const char *rules) {
  char path[4096];
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  snprintf(path, sizeof path, "%s/%s", vectors_dir, evidence_path);
  struct chio_buf evidence = vectors_read(path), text = CHIO_BUF_INIT;
  snprintf(path, sizeof path, "%s/%s", vectors_dir, collateral_path != NULL ? collateral_path : "");
  struct chio_attest_collateral *collateral = vectors_collateral(collateral_path != NULL ? path : NULL);
  struct chio_attest_request request = {
      .evidence = evidence.data, .evidence_len = evidence.len, .collateral = collateral, .at = vectors_time(at)};
  /* "@M" and "@S" in the rules: the measurement and the signer that the evidence itself says. */
  struct chio_attest_result *result = forge_judge(&request);
  for (const char *c = rules; *c != 0; c++) {
    if (c[0] == '@' && c[1] == 'M')
      chio_hex_append(&text, chio_slice(result->measurement, result->measurement_len)), c++;
    else if (c[0] == '@' && c[1] == 'S')
      chio_hex_append(&text, chio_slice(result->signer, result->signer_len)), c++;
    else
      chio_buf_append_u8(&text, (uint8_t)*c);
  }
  chio_attest_result_free(result);
  if (chio_attest_policy_parse(text.data, text.len, "test.toml", &policy, &message) != CHIO_ATTEST_OK)
    fail_msg("%s", message.text);
  request.policy = policy;
  result = forge_judge(&request);
  chio_attest_policy_free(policy);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&evidence);
  chio_buf_clear(&text);
  return result;
}

struct vector_row {
  const char *name, *evidence, *collateral, *at, *rules;
  enum chio_attest_reason reason;
};

static void judge_vectors(const struct vector_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t unproved = rows[i].reason == CHIO_ATTEST_ACCEPTED ? 0 : CHIO_ATTEST_PROVED_POLICY;
    forge_expect(rows[i].name, judge_vector(rows[i].evidence, rows[i].collateral, rows[i].at, rows[i].rules),
                 rows[i].reason, unproved);
  }
}

#define BY_MEASUREMENT(tee) "version = 1\ntee = [\"" tee "\"]\nmeasurements = [\"@M\"]\n"
#define OPTIONAL "[collateral]\nrequired = false\n"

/* Taiko, June 2026: the right signer, and an enclave that anyone can look into. */
static void taiko_a_debug_enclave_of_the_right_signer_is_refused(void **state) {
  (void)state;
  if (!vectors_found()) skip();
#define BY_SIGNER "version = 1\ntee = [\"sgx\"]\nsigners = [\"@S\"]\n[sgx]\nisv_prod_id = 0\nmin_isv_svn = 0\n" OPTIONAL
  static const struct vector_row rows[] = {
      {"MRSIGNER fits, DEBUG is set", "sgx/v3-debug-fortanix/quote.bin", "sgx/v3-debug-fortanix", "2026-01-01T00:00:00",
       BY_SIGNER, CHIO_ATTEST_DEBUG},
      {"a debug TD", "tdx/v4-debug-trustee/quote.bin", "tdx/v4-debug-trustee", "2026-03-17T04:34:05",
       BY_MEASUREMENT("tdx") "[tcb]\nstatuses = [\"OutOfDate\"]\n", CHIO_ATTEST_DEBUG},
      {"a debug SNP guest", "snp/milan-v2-debug/report.bin", "snp/milan-v2-debug", "2025-01-01T00:00:00",
       BY_MEASUREMENT("snp") OPTIONAL "[snp]\nmin_snp = 0\nmin_microcode = 0\n", CHIO_ATTEST_DEBUG},
      {"a debug enclave of Nitro", "nitro/dstack-debug.cbor", NULL, "2025-12-25T14:00:00", BY_MEASUREMENT("nitro"),
       CHIO_ATTEST_DEBUG},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_result *r = judge_vector(rows[i].evidence, rows[i].collateral, rows[i].at, rows[i].rules);
    bool found = false;
    for (size_t k = 0; k < r->failures_count; k++) found = found || r->failures[k].reason == CHIO_ATTEST_DEBUG;
    print_message("# %-66s %s\n", rows[i].name, found ? "debug" : "?");
    assert_true(found && !r->accepted);
    chio_attest_result_free(r);
  }
}

/* Azure's THIM served TCB info that had expired a year before its revocation lists were issued. */
static void azure_thim_lists_that_expired_long_ago_prove_nothing(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  static const struct vector_row rows[] = {
      {"Ice Lake", "sgx/v3-debug-stale-icelake-ravl/quote.bin", "sgx/v3-debug-stale-icelake-ravl",
       "2022-08-28T00:00:00", BY_MEASUREMENT("sgx"), CHIO_ATTEST_COLLATERAL_EXPIRED},
      {"Coffee Lake", "sgx/v3-debug-stale-coffelake-ravl/quote.bin", "sgx/v3-debug-stale-coffelake-ravl",
       "2022-08-28T00:00:00", BY_MEASUREMENT("sgx"), CHIO_ATTEST_COLLATERAL_EXPIRED},
  };
  judge_vectors(rows, CHIO_ARRAY_LEN(rows));
}

static void ccf_6812_a_policy_for_amd_says_which_tcb_is_enough(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  static const struct vector_row rows[] = {
      {"no minimum", "snp/milan-v5-gcp/report.bin", "snp/milan-v5-gcp", "2026-03-01T00:00:00",
       BY_MEASUREMENT("snp") OPTIONAL, CHIO_ATTEST_TCB_MINIMUM},
      {"a minimum for SNP alone", "snp/milan-v5-gcp/report.bin", "snp/milan-v5-gcp", "2026-03-01T00:00:00",
       BY_MEASUREMENT("snp") OPTIONAL "[snp]\nmin_snp = 24\n", CHIO_ATTEST_TCB_MINIMUM},
      {"both", "snp/milan-v5-gcp/report.bin", "snp/milan-v5-gcp", "2026-03-01T00:00:00",
       BY_MEASUREMENT("snp") OPTIONAL "[snp]\nmin_snp = 24\nmin_microcode = 222\n", CHIO_ATTEST_ACCEPTED},
      {"one higher", "snp/milan-v5-gcp/report.bin", "snp/milan-v5-gcp", "2026-03-01T00:00:00",
       BY_MEASUREMENT("snp") OPTIONAL "[snp]\nmin_snp = 24\nmin_microcode = 223\n", CHIO_ATTEST_TCB_MINIMUM},
      {"no revocation list where one is wanted", "snp/milan-v5-gcp/report.bin", "snp/milan-v5-gcp",
       "2026-03-01T00:00:00", BY_MEASUREMENT("snp") "[snp]\nmin_snp = 24\nmin_microcode = 222\n",
       CHIO_ATTEST_COLLATERAL_MISSING},
  };
  judge_vectors(rows, CHIO_ARRAY_LEN(rows));
}

static void evidence_of_one_kind_is_none_of_another(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  static const struct vector_row rows[] = {
      {"a NitroTPM's document as an enclave's", "nitro/nitrotpm-eternis.cbor", NULL, "2026-03-25T22:36:05",
       "version = 1\ntee = [\"nitro\"]\nmeasurements = [\"000000000000000000000000000000000000000000000000000000000000"
       "000000000000000000000000000000000000\"]\n",
       CHIO_ATTEST_TEE},
      {"an enclave's as a NitroTPM's", "nitro/dstack-nsm.cbor", NULL, "2025-12-25T14:00:00", BY_MEASUREMENT("nitrotpm"),
       CHIO_ATTEST_TEE},
      {"a TD's quote as an enclave's", "tdx/v4-uptodate-phala/quote.bin", "tdx/v4-uptodate-phala",
       "2025-06-20T10:32:27", BY_MEASUREMENT("sgx"), CHIO_ATTEST_TEE},
      {"collateral of another machine", "tdx/v4-fmspc-mismatch-oe/quote.bin", "tdx/v4-fmspc-mismatch-oe",
       "2025-02-26T22:37:20", BY_MEASUREMENT("tdx"), CHIO_ATTEST_COLLATERAL_MISMATCH},
      {"SGX's TCB info and QE identity for a TD", "tdx/v4-uptodate-phala/quote.bin", "sgx/v3-phala",
       "2025-06-20T10:56:11", BY_MEASUREMENT("tdx"), CHIO_ATTEST_COLLATERAL_MISSING},
      {"a Genoa's report with a Milan's VCEK", "snp/genoa-v5-oak/report.bin", "snp/milan-v5-gcp", "2026-03-01T00:00:00",
       BY_MEASUREMENT("snp"), CHIO_ATTEST_SIGNATURE},
      {"a Milan's report with a Genoa's VCEK", "snp/milan-v5-gcp/report.bin", "snp/genoa-v5-oak", "2026-03-01T00:00:00",
       BY_MEASUREMENT("snp"), CHIO_ATTEST_SIGNATURE},
      {"a Turin's report with another Turin's VCEK", "snp/turin-v5-ms/report.bin",
       "snp/negative/wrong_chip_vcek_turin.der", "2026-03-01T00:00:00", BY_MEASUREMENT("snp"), CHIO_ATTEST_SIGNATURE},
      {"a VLEK's report without its certificate", "snp/milan-v3-vlek-aws/report.bin", "snp/milan-v5-gcp",
       "2026-03-01T00:00:00", BY_MEASUREMENT("snp"), CHIO_ATTEST_CHAIN},
  };
  judge_vectors(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Azure's vTPM ---- */

static struct chio_attest_result *judge_azure(json_t *document) {
  char *text = json_dumps(document, JSON_COMPACT);
  const struct chio_attest_request request = {
      .evidence = text, .evidence_len = strlen(text), .at = vectors_time("2026-01-01T00:00:00")};
  struct chio_attest_result *result = forge_judge(&request);
  free(text);
  return result;
}

static json_t *load_azure(const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/azure/%s", vectors_dir, name);
  json_t *document = json_load_file(path, 0, NULL);
  assert_non_null(document);
  return document;
}

/* One hexadecimal digit of a string changed. */
static void change_digit(json_t *value, size_t at) {
  char *copy = strdup(json_string_value(value));
  copy[at] = copy[at] == '0' ? '1' : '0';
  json_string_set(value, copy);
  free(copy);
}

/* CVE-2022-0317 (go-attestation): registers that the TPM did not quote were believed. */
static void cve_2022_0317_registers_are_those_that_the_tpm_quoted(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  for (size_t i = 0; i < 24; i++) {
    char name[64];
    json_t *document = load_azure("snp-evidence-v1.json");
    change_digit(json_array_get(json_object_get(json_object_get(document, "tpm_quote"), "pcrs"), i), 63);
    snprintf(name, sizeof name, "PCR%zu is another than the one quoted", i);
    forge_expect(name, judge_azure(document), CHIO_ATTEST_TPM, CHIO_ATTEST_PROVED_TPM);
    json_decref(document);
  }
  json_t *document = load_azure("snp-evidence-v1.json");
  json_array_remove(json_object_get(json_object_get(document, "tpm_quote"), "pcrs"), 23);
  forge_expect("a register is missing", judge_azure(document), CHIO_ATTEST_TPM, CHIO_ATTEST_PROVED_TPM);
  json_decref(document);
}

static void each_link_from_the_chip_to_the_tpm_holds_or_the_tpm_proves_nothing(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  json_t *document = load_azure("snp-evidence-v1.json");
  change_digit(json_object_get(json_object_get(document, "tpm_quote"), "signature"), 100);
  forge_expect("another signature of the TPM", judge_azure(document), CHIO_ATTEST_TPM, CHIO_ATTEST_PROVED_TPM);
  json_decref(document);
  document = load_azure("snp-evidence-v1.json");
  change_digit(json_object_get(json_object_get(document, "tpm_quote"), "message"), 100);
  forge_expect("another nonce in the TPM's quote", judge_azure(document), CHIO_ATTEST_TPM, CHIO_ATTEST_PROVED_TPM);
  json_decref(document);
  /* One machine's report with another's TPM. */
  document = load_azure("snp-evidence-v0.json");
  json_t *other = load_azure("snp-evidence-genoa.json");
  json_object_set(document, "report", json_object_get(other, "report"));
  json_object_set(document, "vcek", json_object_get(other, "vcek"));
  forge_expect("a report of one machine, a TPM of another", judge_azure(document), CHIO_ATTEST_TPM,
               CHIO_ATTEST_PROVED_TPM);
  json_decref(document);
  json_decref(other);
  /* The runtime data names the TPM's key: data of another machine under the first one's report. */
  document = load_azure("snp-evidence-v0.json");
  other = load_azure("snp-evidence-genoa.json");
  json_t *report = json_object_get(document, "report"), *from = json_object_get(other, "report");
  for (size_t i = 0x4d4; i < json_array_size(report); i++) json_array_set(report, i, json_array_get(from, i));
  forge_expect("runtime data of another machine", judge_azure(document), CHIO_ATTEST_KEY_BINDING,
               CHIO_ATTEST_PROVED_TPM | CHIO_ATTEST_PROVED_REPORT_DATA);
  json_decref(document);
  json_decref(other);
}

/* A folder of the certificates of a whole fleet: none is dropped in silence, and what does not fit is said. */
static void a_folder_of_a_fleet_is_read_whole_or_not_at_all(void **state) {
  (void)state;
  struct chio_attest_collateral *collateral = NULL;
  struct chio_attest_root *roots = NULL;
  struct chio_buf pem = CHIO_BUF_INIT;
  static const char set[] = "{\"keys\":[]}";
  for (int i = 0; i < 100; i++) {
    char name[32];
    EVP_PKEY *key = forge_key("P-256");
    snprintf(name, sizeof name, "fleet %d", i);
    const struct forge_cert spec = {.cn = name, .ca = true, .path_len = -1};
    X509 *cert = forge_certify(key, NULL, NULL, &spec);
    forge_pem(cert, &pem);
    X509_free(cert);
    EVP_PKEY_free(key);
  }
  assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_collateral_add(collateral, pem.data, pem.len), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_roots_list(NULL, collateral, &roots), CHIO_ATTEST_OK);
  bool last = false;
  for (const struct chio_attest_root *r = roots; r != NULL; r = r->next) last = last || strcmp(r->name, "fleet 99") == 0;
  assert_true(last);
  for (int i = 0; i < 256; i++)
    assert_int_equal(chio_attest_collateral_add(collateral, set, sizeof set - 1), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_collateral_add(collateral, set, sizeof set - 1), CHIO_ATTEST_E_LIMIT);
  chio_attest_free(roots);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&pem);
}

/* What is drafted from a token names the service whose word it is, and accepts the token. */
static void a_draft_from_a_token_accepts_it(void **state) {
  (void)state;
  struct chio_attest_policy *policy = NULL;
  char *toml = NULL;
  struct chio_attest_result *result = judge_token(&(struct token){.header = NULL}, service_key);
  assert_true(result->accepted);
  assert_int_equal(chio_attest_policy_draft(result, &toml), CHIO_ATTEST_OK);
  assert_non_null(strstr(toml, "[maa]\nissuers = [\"" ISSUER "\"]\nkeys = [\n"));
  assert_null(strstr(toml, "[snp]"));
  assert_int_equal(chio_attest_policy_parse(toml, strlen(toml), "draft", &policy, NULL), CHIO_ATTEST_OK);
  chio_attest_result_free(result);
  struct chio_buf token = CHIO_BUF_INIT;
  struct chio_attest_collateral *collateral = key_set();
  make_token(&(struct token){.header = NULL}, &token);
  const struct chio_attest_request request = {
      .evidence = token.data, .evidence_len = token.len, .policy = policy, .collateral = collateral, .at = now};
  forge_expect("under its draft", forge_judge(&request), CHIO_ATTEST_ACCEPTED, 0);
  chio_attest_collateral_free(collateral);
  chio_attest_policy_free(policy);
  chio_attest_free(toml);
  chio_buf_clear(&token);
}

/* What holds though a policy does not say it, and what is left open that matters. */
static void what_a_policy_leaves_unsaid_is_explained(void **state) {
  (void)state;
#define H48 "4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"
  static const struct {
    const char *policy, *says, *does_not;
  } rows[] = {
      {"tee = [\"tdx\"]\n", "no RTMR is compared", "VMPL"},
      {"tee = [\"tdx\"]\n", "SEPT_VE_DISABLE is set", "VLEK"},
      {"tee = [\"sim-tdx\"]\n[tdx]\nrtmr1 = [\"" H48 "\"]\n", "no service TD", "no RTMR"},
      {"tee = [\"tdx\"]\n[tdx]\ninsecure_allow_sept_ve = true\n", "INSECURE", "SEPT_VE_DISABLE is set"},
      {"tee = [\"snp\"]\n", "NEVER ACCEPTED", "no RTMR"},
      {"tee = [\"snp\"]\n[snp]\nmin_snp = 1\nmin_microcode = 1\nmax_vmpl = 2\n", "(VLEK)", "NEVER"},
      {"tee = [\"snp\"]\n", "VMPL 0", "SEPT_VE"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_attest_policy *policy = NULL;
    char text[1024], *words = NULL;
    int len = snprintf(text, sizeof text, "version = 1\nmeasurements = [\"" H48 "\"]\n%s", rows[i].policy);
    assert_int_equal(chio_attest_policy_parse(text, (size_t)len, "p", &policy, NULL), CHIO_ATTEST_OK);
    assert_int_equal(chio_attest_policy_explain(policy, &words), CHIO_ATTEST_OK);
    if (strstr(words, rows[i].says) == NULL || strstr(words, rows[i].does_not) != NULL) fail_msg("%s", words);
    chio_attest_free(words);
    chio_attest_policy_free(policy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trustee_97b56b9a_a_token_does_not_choose_its_key),
      cmocka_unit_test(a_token_counts_in_its_time_of_its_issuer_and_for_what_it_says),
      cmocka_unit_test(a_policy_binds_a_token_to_its_tenant_by_exact_claims),
      cmocka_unit_test(the_rules_for_hardware_hold_for_tokens_about_it),
      cmocka_unit_test(a_folder_of_a_fleet_is_read_whole_or_not_at_all),
      cmocka_unit_test(a_draft_from_a_token_accepts_it),
      cmocka_unit_test(what_a_policy_leaves_unsaid_is_explained),
      cmocka_unit_test(claims_that_cannot_be_compared_are_no_policy),
      cmocka_unit_test(claims_are_told_and_are_part_of_what_a_policy_demands),
      cmocka_unit_test(taiko_a_debug_enclave_of_the_right_signer_is_refused),
      cmocka_unit_test(azure_thim_lists_that_expired_long_ago_prove_nothing),
      cmocka_unit_test(ccf_6812_a_policy_for_amd_says_which_tcb_is_enough),
      cmocka_unit_test(evidence_of_one_kind_is_none_of_another),
      cmocka_unit_test(cve_2022_0317_registers_are_those_that_the_tpm_quoted),
      cmocka_unit_test(each_link_from_the_chip_to_the_tpm_holds_or_the_tpm_proves_nothing),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
