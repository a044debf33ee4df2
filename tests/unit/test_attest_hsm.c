/* Key attestations of HSMs: what a simulated one attests, in every form in which it comes, and what is refused. */
#include "attest/cavium.h"
#include "attest/chio_attest.h"
#include "attest/inflate.h"
#include "signer/base/text.h"
#include "tests/support/hsm_attest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
           "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define NAME "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"

static struct hsm hsm;
static EVP_PKEY *key, *other;
static struct chio_buf key_der, other_der;
static struct chio_buf both_roots, maker_root, owner_root;

/* ---- The rig ---- */

static void spki_of(EVP_PKEY *pkey, struct chio_buf *out) {
  uint8_t *der = NULL;
  int len = i2d_PUBKEY(pkey, &der);
  assert_true(len > 0);
  chio_buf_append(out, der, (size_t)len);
  OPENSSL_free(der);
}

static int set_up(void **state) {
  (void)state;
  assert_true(hsm_new(&hsm));
  key = EVP_EC_gen("P-256");
  other = EVP_EC_gen("P-256");
  spki_of(key, &key_der);
  spki_of(other, &other_der);
  hsm_pem(hsm.certs[HSM_ROOT], &maker_root);
  hsm_pem(hsm.certs[HSM_OWNER_ROOT], &owner_root);
  chio_buf_append_slice(&both_roots, chio_buf_slice(&maker_root));
  chio_buf_append_slice(&both_roots, chio_buf_slice(&owner_root));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  struct chio_buf *const bufs[] = {&key_der, &other_der, &both_roots, &maker_root, &owner_root};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bufs); i++) chio_buf_clear(bufs[i]);
  EVP_PKEY_free(key);
  EVP_PKEY_free(other);
  hsm_clear(&hsm);
  return 0;
}

struct judged {
  struct chio_slice evidence, roots, key;
  const struct chio_attest_collateral *collateral;
  const struct chio_attest_policy *policy;
  int64_t at; /* 0: now */
};

static struct chio_attest_result *judge(const struct judged *q) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  const struct chio_attest_request request = {.evidence = q->evidence.data,
                                              .evidence_len = q->evidence.len,
                                              .policy = q->policy,
                                              .collateral = q->collateral,
                                              .at = q->at != 0 ? q->at : (int64_t)time(NULL),
                                              .root = q->roots.data,
                                              .root_len = q->roots.len,
                                              .key = q->key.data,
                                              .key_len = q->key.len};
  int code = chio_attest_verify(&request, &result, &message);
  if (code != CHIO_ATTEST_OK) fail_msg("not judged: %d %s", code, message.text);
  return result;
}

#define ALL (CHIO_ATTEST_PROVED_SIGNATURE | CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_KEY)

static void accepted(const char *what, const struct judged *q) {
  struct chio_attest_result *r = judge(q);
  if (!r->accepted) fail_msg("%s: refused: %s: %s", what, chio_attest_reason_code(r->reason), r->failures[0].text);
  assert_int_equal(r->proved & ALL, ALL);
  assert_true(r->simulated);
  assert_string_equal(r->tee, "sim-hsm");
  chio_attest_result_free(r);
}

/* The first reason is this one, and nothing of unproved is proved. */
static void refused(const char *what, const struct judged *q, enum chio_attest_reason reason, uint32_t unproved) {
  struct chio_attest_result *r = judge(q);
  if (r->accepted) fail_msg("%s: accepted", what);
  if (r->reason != reason)
    fail_msg("%s: refused for '%s' (%s), not '%s'", what, chio_attest_reason_code(r->reason), r->failures[0].text,
             chio_attest_reason_code(reason));
  if ((r->proved & unproved) != 0) fail_msg("%s: proved %x", what, (unsigned)r->proved);
  chio_attest_result_free(r);
}

static void attest(EVP_PKEY *pkey, unsigned flaws, struct chio_buf *out) {
  assert_true(hsm_attest(&hsm, pkey, ID, flaws, other, out));
}

static struct judged of(const struct chio_buf *evidence) {
  return (struct judged){.evidence = chio_buf_slice(evidence),
                         .roots = chio_buf_slice(&both_roots),
                         .key = chio_buf_slice(&key_der)};
}

/* ---- What is accepted ---- */

static void every_kind_of_key_is_the_one_that_is_attested(void **state) {
  (void)state;
  static const char *const kinds[] = {"P-256", "P-384", "P-521", "secp256k1", "RSA2048", "RSA3072", "RSA4096"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(kinds); i++) {
    bool rsa = memcmp(kinds[i], "RSA", 3) == 0;
    EVP_PKEY *pkey = rsa ? EVP_RSA_gen((unsigned)strtoul(kinds[i] + 3, NULL, 10)) : EVP_EC_gen(kinds[i]);
    struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT, spki = CHIO_BUF_INIT;
    attest(pkey, 0, &blob);
    assert_true(hsm_google(&hsm, chio_buf_slice(&blob), NAME, &json));
    spki_of(pkey, &spki);
    struct judged q = of(&json);
    q.key = chio_buf_slice(&spki);
    accepted(kinds[i], &q);
    q.key = chio_buf_slice(&other_der);
    refused(kinds[i], &q, CHIO_ATTEST_KEY_MISMATCH, CHIO_ATTEST_PROVED_KEY);
    chio_buf_clear(&blob);
    chio_buf_clear(&json);
    chio_buf_clear(&spki);
    EVP_PKEY_free(pkey);
  }
}

static void the_forms_of_google_and_azure_are_the_same_attestation(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT, lone = CHIO_BUF_INIT, public_one = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  attest(key, 0, &blob);
  attest(key, HSM_ALONE, &lone);
  attest(key, HSM_PUBLIC_ALONE, &public_one);
  struct judged q;
  static const char *const words[] = {"azure, a pair", "azure, the private key", "azure, both apart"};
  for (size_t i = 0; i < 3; i++) {
    chio_buf_reset(&json);
    assert_true(hsm_azure(&hsm, chio_buf_slice(i == 0 ? &blob : &lone),
                          i == 2 ? chio_buf_slice(&public_one) : chio_slice(NULL, 0), &json));
    q = of(&json);
    accepted(words[i], &q);
  }
  struct chio_attest_result *r = judge(&q);
  assert_string_equal(r->format, "azure-cavium-v2");
  assert_non_null(strstr(r->claims_json, "\"extractable\":false"));
  assert_non_null(strstr(r->claims_json, "\"never_extractable\":true"));
  assert_non_null(strstr(r->claims_json, "\"sensitive\":true"));
  assert_non_null(strstr(r->claims_json, "\"local\":true"));
  assert_non_null(strstr(r->claims_json, "\"label\":\"app_key\""));
  assert_non_null(strstr(r->claims_json, "\"id\":\"" ID "\""));
  assert_non_null(strstr(r->claims_json, "\"partition\":\"HSM:SIM-1:PARTN:1, for FIPS mode\""));
  assert_non_null(strstr(r->claims_json, "\"owner\":\"Simulated HSM Owner Root\""));
  chio_attest_result_free(r);
  chio_buf_clear(&blob);
  chio_buf_clear(&lone);
  chio_buf_clear(&public_one);
  chio_buf_clear(&json);
}

static void what_google_calls_attestation_stands_alone(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  attest(key, 0, &blob);
  assert_true(hsm_google(&hsm, chio_buf_slice(&blob), NAME, &json));
  const char *inner = strstr(chio_buf_cstr(&json), "{\"format\"");
  struct judged q = of(&json);
  q.evidence = chio_slice(inner, strlen(inner) - 2);
  accepted("alone", &q);
  chio_buf_clear(&blob);
  chio_buf_clear(&json);
}

/* The chains as collateral. */
static struct chio_attest_collateral *chains(void) {
  struct chio_attest_collateral *set = NULL;
  struct chio_buf pem = CHIO_BUF_INIT;
  for (size_t i = 0; i < HSM_CERTS; i++) hsm_pem(hsm.certs[i], &pem);
  assert_int_equal(chio_attest_collateral_new(&set), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_collateral_add(set, pem.data, pem.len), CHIO_ATTEST_OK);
  chio_buf_clear(&pem);
  return set;
}

static void raw_and_packed_bytes_take_their_chains_from_collateral(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT, packed = CHIO_BUF_INIT;
  struct chio_attest_collateral *set = chains();
  attest(key, 0, &blob);
  assert_true(hsm_gzip(chio_buf_slice(&blob), &packed));
  struct judged raw = of(&blob), gzip = of(&packed);
  refused("raw without chains", &raw, CHIO_ATTEST_CHAIN, ALL);
  raw.collateral = gzip.collateral = set;
  accepted("raw", &raw);
  accepted("gzip", &gzip);
  struct chio_attest_result *r = judge(&gzip);
  assert_string_equal(r->container, "gzip");
  assert_string_equal(r->format, "cavium-v2");
  chio_attest_result_free(r);
  chio_attest_collateral_free(set);
  chio_buf_clear(&blob);
  chio_buf_clear(&packed);
}

static void a_key_that_is_not_spelt_out_is_known_by_its_check_value(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  attest(key, HSM_NO_MATERIAL, &blob);
  assert_true(hsm_google(&hsm, chio_buf_slice(&blob), NAME, &json));
  struct judged q = of(&json);
  accepted("by its check value", &q);
  q.key = chio_buf_slice(&other_der);
  refused("another key", &q, CHIO_ATTEST_KEY_MISMATCH, CHIO_ATTEST_PROVED_KEY);
  chio_buf_clear(&blob);
  chio_buf_clear(&json);
}

static void a_policy_names_the_owner_as_the_signer(void **state) {
  (void)state;
  static const char text[] = "version = 1\ntee = [\"sim-hsm\"]\nsigners = [\"%s\"]\n[roots]\nspki_sha256 = [\"%s\", \"%s\"]\n"
                             "[key]\nrequired = true\nallow_direct = true\n";
  char toml[1024], hex[2][65] = {"", ""};
  for (size_t i = 0; i < 2; i++) {
    uint8_t *der = NULL, hash[32];
    int len = i2d_PUBKEY(hsm.keys[i == 0 ? HSM_ROOT_KEY : HSM_OWNER_KEY], &der);
    assert_int_equal(EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL), 1);
    for (size_t k = 0; k < 32; k++) (void)snprintf(hex[i] + 2 * k, 3, "%02x", hash[k]);
    OPENSSL_free(der);
  }
  struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  attest(key, 0, &blob);
  assert_true(hsm_google(&hsm, chio_buf_slice(&blob), NAME, &json));
  for (size_t i = 0; i < 2; i++) {
    struct chio_attest_policy *policy = NULL;
    struct chio_attest_message message = {""};
    (void)snprintf(toml, sizeof toml, text, hex[1 - i], hex[0], hex[1]);
    if (chio_attest_policy_parse(toml, strlen(toml), "policy", &policy, &message) != CHIO_ATTEST_OK)
      fail_msg("%s", message.text);
    struct judged q = of(&json);
    q.policy = policy;
    q.roots = chio_slice(NULL, 0);
    if (i == 0)
      accepted("the owner's root", &q);
    else
      refused("another owner", &q, CHIO_ATTEST_SIGNER, CHIO_ATTEST_PROVED_MEASUREMENT);
    chio_attest_policy_free(policy);
  }
  chio_buf_clear(&blob);
  chio_buf_clear(&json);
}

static void a_policy_that_is_drafted_from_an_attestation_accepts_it_for_its_key_alone(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  char *toml = NULL;
  attest(key, 0, &blob);
  assert_true(hsm_google(&hsm, chio_buf_slice(&blob), NAME, &json));
  struct judged q = of(&json);
  struct chio_attest_result *r = judge(&q);
  assert_int_equal(chio_attest_policy_draft(r, &toml), CHIO_ATTEST_OK);
  if (chio_attest_policy_parse(toml, strlen(toml), "draft", &policy, &message) != CHIO_ATTEST_OK)
    fail_msg("%s in: %s", message.text, toml);
  q.policy = policy;
  q.roots = chio_slice(NULL, 0);
  accepted("by its draft", &q);
  q.key = chio_buf_slice(&other_der);
  refused("for another key", &q, CHIO_ATTEST_KEY_MISMATCH, CHIO_ATTEST_PROVED_KEY | CHIO_ATTEST_PROVED_POLICY);
  q.key = chio_slice(NULL, 0);
  refused("for no key", &q, CHIO_ATTEST_KEY_BINDING, CHIO_ATTEST_PROVED_POLICY);
  chio_attest_policy_free(policy);
  chio_attest_free(toml);
  chio_attest_result_free(r);
  chio_buf_clear(&blob);
  chio_buf_clear(&json);
}

/* ---- What is refused: the key ---- */

static void a_key_that_is_not_safe_in_the_hsm_is_refused(void **state) {
  (void)state;
  static const struct {
    unsigned flaws;
    enum chio_attest_reason reason;
    const char *what;
  } rows[] = {
      {HSM_EXTRACTABLE, CHIO_ATTEST_KEY_ATTRIBUTES, "extractable"},
      {HSM_ONCE_EXTRACTABLE, CHIO_ATTEST_KEY_ATTRIBUTES, "once extractable"},
      {HSM_NOT_SENSITIVE, CHIO_ATTEST_KEY_ATTRIBUTES, "not sensitive"},
      {HSM_NOT_ALWAYS_SENSITIVE, CHIO_ATTEST_KEY_ATTRIBUTES, "not always sensitive"},
      {HSM_IMPORTED, CHIO_ATTEST_KEY_ATTRIBUTES, "imported"},
      {HSM_NO_FLAG, CHIO_ATTEST_KEY_ATTRIBUTES, "nothing is said of extractable"},
      {HSM_NO_EKCV, CHIO_ATTEST_KEY_BINDING, "no check value"},
      {HSM_OTHER_EKCV, CHIO_ATTEST_KEY_BINDING, "another key's check value"},
      {HSM_OTHER_PUBLIC, CHIO_ATTEST_KEY_BINDING, "another key's public half"},
      {HSM_SYMMETRIC, CHIO_ATTEST_UNSUPPORTED, "a secret key"},
      {HSM_PUBLIC_ALONE, CHIO_ATTEST_UNSUPPORTED, "a public key alone"},
      {HSM_OTHER_TYPE, CHIO_ATTEST_UNSUPPORTED, "a key of no known type"},
      {HSM_TWO_PRIVATE, CHIO_ATTEST_FORMAT, "two private keys"},
      {HSM_TWICE, CHIO_ATTEST_FORMAT, "an attribute twice"},
      {HSM_RAW_SIGNATURE, CHIO_ATTEST_SIGNATURE, "a signature without padding"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
    attest(key, rows[i].flaws, &blob);
    assert_true(hsm_google(&hsm, chio_buf_slice(&blob), NAME, &json));
    struct judged q = of(&json);
    refused(rows[i].what, &q, rows[i].reason, 0);
    chio_buf_clear(&blob);
    chio_buf_clear(&json);
  }
}

static void without_a_key_and_a_policy_nothing_is_accepted(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  attest(key, 0, &blob);
  assert_true(hsm_google(&hsm, chio_buf_slice(&blob), NAME, &json));
  struct judged q = of(&json);
  q.key = q.roots = chio_slice(NULL, 0);
  refused("neither", &q, CHIO_ATTEST_SIMULATED_ROOT, CHIO_ATTEST_PROVED_KEY | CHIO_ATTEST_PROVED_CHAIN);
  chio_buf_clear(&blob);
  chio_buf_clear(&json);
}

/* ---- What is refused: the bytes ---- */

static void every_byte_of_the_attestation_counts(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT;
  struct chio_attest_collateral *set = chains();
  attest(key, 0, &blob);
  struct judged q = of(&blob);
  q.collateral = set;
  accepted("before", &q);
  for (size_t i = 0; i < blob.len; i++) {
    blob.data[i] ^= (uint8_t)(1u << i % 8);
    struct chio_attest_result *r = judge(&q);
    if (r->accepted || (r->proved & ALL) != 0) fail_msg("byte %zu does not count", i);
    chio_attest_result_free(r);
    blob.data[i] ^= (uint8_t)(1u << i % 8);
  }
  chio_attest_collateral_free(set);
  chio_buf_clear(&blob);
}

/* RFC 1952, 2.3: FTEXT, MTIME, XFL and OS are notes that nothing is made of, and deflate pads its last byte. */
static void packed_bytes_are_accepted_only_for_the_same_attestation(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT, packed = CHIO_BUF_INIT, out = CHIO_BUF_INIT;
  struct chio_attest_collateral *set = chains();
  attest(key, 0, &blob);
  assert_true(hsm_gzip(chio_buf_slice(&blob), &packed));
  struct judged q = of(&packed);
  q.collateral = set;
  for (size_t i = 0; i < packed.len; i++) {
    packed.data[i] ^= (uint8_t)(1u << i % 8);
    struct chio_attest_result *r = judge(&q);
    chio_buf_reset(&out);
    bool same = chio_gzip_unpack(chio_buf_slice(&packed), CHIO_CAVIUM_MAX, &out) == CHIO_OK &&
                chio_slice_equal(chio_buf_slice(&out), chio_buf_slice(&blob));
    if (r->accepted != same) fail_msg("byte %zu", i);
    chio_attest_result_free(r);
    packed.data[i] ^= (uint8_t)(1u << i % 8);
  }
  chio_attest_collateral_free(set);
  chio_buf_clear(&blob);
  chio_buf_clear(&packed);
  chio_buf_clear(&out);
}

static void every_shorter_and_every_longer_attestation_is_refused(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT;
  struct chio_cavium parsed;
  attest(key, 0, &blob);
  assert_int_equal(chio_cavium_parse(chio_buf_slice(&blob), &parsed), CHIO_OK);
  assert_int_equal(parsed.objects_count, 2);
  for (size_t len = 0; len < blob.len; len++)
    assert_int_not_equal(chio_cavium_parse(chio_slice(blob.data, len), &parsed), CHIO_OK);
  chio_buf_append_u8(&blob, 0);
  assert_int_equal(chio_cavium_parse(chio_buf_slice(&blob), &parsed), CHIO_E_MALFORMED);
  assert_int_equal(chio_cavium_parse(chio_slice(NULL, 0), &parsed), CHIO_E_TRUNCATED);
  chio_buf_clear(&blob);
}

/* Signed again, so that the layout alone is judged. */
static void a_layout_that_says_two_things_is_refused(void **state) {
  (void)state;
  static const struct {
    size_t at;
    uint8_t value;
    const char *what;
  } rows[] = {
      {3, 1, "a response code"},       {11, 0xff, "another total length"},   {14, 0xff, "a buffer that is too long"},
      {15, 7, "a buffer too short"},   {37, 9, "a key that does not stand first"}, {39, 1, "a second key inside the first"},
      {47, 0, "no attributes"},        {47, 200, "more attributes than there are"}, {47, 1, "fewer than there are"},
      {44, 1, "a huge count"},         {51, 1, "a key that ends too soon"},  {48, 0xff, "a key that never ends"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf blob = CHIO_BUF_INIT;
    struct chio_cavium parsed;
    attest(key, 0, &blob);
    if (blob.data[rows[i].at] == rows[i].value) fail_msg("%s: nothing changed", rows[i].what);
    blob.data[rows[i].at] = rows[i].value;
    assert_true(hsm_sign(&hsm, &blob));
    if (chio_cavium_parse(chio_buf_slice(&blob), &parsed) == CHIO_OK) fail_msg("%s is read", rows[i].what);
    chio_buf_clear(&blob);
  }
}

static void packed_bytes_are_one_member_of_limited_size(void **state) {
  (void)state;
  struct chio_buf packed = CHIO_BUF_INIT, out = CHIO_BUF_INIT, zeros = CHIO_BUF_INIT;
  uint8_t *room = chio_buf_reserve(&zeros, 1000);
  assert_non_null(room);
  memset(room, 0, 1000);
  zeros.len = 1000;
  assert_true(hsm_gzip(chio_buf_slice(&zeros), &packed));
  assert_int_equal(chio_gzip_unpack(chio_buf_slice(&packed), 1000, &out), CHIO_OK);
  assert_int_equal(out.len, 1000);
  chio_buf_reset(&out);
  assert_int_equal(chio_gzip_unpack(chio_buf_slice(&packed), 999, &out), CHIO_E_TOO_LONG);
  assert_int_equal(out.len, 0);
  for (size_t len = 0; len < packed.len; len++)
    assert_int_equal(chio_gzip_unpack(chio_slice(packed.data, len), 1000, &out), CHIO_E_MALFORMED);
  chio_buf_append_u8(&packed, 0);
  assert_int_equal(chio_gzip_unpack(chio_buf_slice(&packed), 1000, &out), CHIO_E_TRAILING);
  assert_int_equal(chio_gzip_unpack(chio_slice(NULL, 0), 1000, &out), CHIO_E_MALFORMED);
  chio_buf_clear(&packed);
  chio_buf_clear(&out);
  chio_buf_clear(&zeros);
}

static void json_that_is_not_as_the_clouds_write_it_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *json;
    enum chio_attest_reason reason;
  } rows[] = {
      {"{\"format\":\"CAVIUM_V1_COMPRESSED\",\"content\":\"\"}", CHIO_ATTEST_UNSUPPORTED},
      {"{\"format\":\"ATTESTATION_FORMAT_UNSPECIFIED\",\"content\":\"\"}", CHIO_ATTEST_UNSUPPORTED},
      {"{\"format\":7,\"content\":\"\"}", CHIO_ATTEST_UNSUPPORTED},
      {"{\"format\":\"CAVIUM_V2_COMPRESSED\",\"content\":\"\"}", CHIO_ATTEST_FORMAT},
      {"{\"format\":\"CAVIUM_V2_COMPRESSED\",\"content\":\"***\"}", CHIO_ATTEST_FORMAT},
      {"{\"format\":\"CAVIUM_V2_COMPRESSED\",\"content\":[1]}", CHIO_ATTEST_FORMAT},
      {"{\"attestation\":{\"format\":\"CAVIUM_V2_COMPRESSED\",\"content\":null}}", CHIO_ATTEST_FORMAT},
      {"{\"attributes\":{\"attestation\":{\"privateKeyAttestation\":\"AAAA\"}}}", CHIO_ATTEST_FORMAT},
      {"{\"privateKeyAttestation\":null,\"certificatePemFile\":\"\"}", CHIO_ATTEST_FORMAT},
      {"{\"privateKeyAttestation\":\"AAAA\",\"certificatePemFile\":\"\",\"publicKeyAttestation\":1}", CHIO_ATTEST_FORMAT},
      {"{\"privateKeyAttestation\":\"AAAA\",\"certificatePemFile\":\"\"}", CHIO_ATTEST_FORMAT},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct judged q = {.evidence = chio_slice_str(rows[i].json), .key = chio_buf_slice(&key_der)};
    refused(rows[i].json, &q, rows[i].reason, ALL);
  }
}

/* ---- What is refused: the chains ---- */

/* As Google's, with one certificate exchanged or (NULL) missing: it is replaced by the first one. */
static void judge_with(const char *what, enum hsm_cert place, X509 *cert, enum chio_attest_reason reason) {
  struct hsm changed = hsm;
  struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  changed.certs[place] = cert != NULL ? cert : hsm.certs[HSM_ROOT];
  attest(key, 0, &blob);
  assert_true(hsm_google(&changed, chio_buf_slice(&blob), NAME, &json));
  struct judged q = of(&json);
  refused(what, &q, reason, CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_KEY);
  chio_buf_clear(&blob);
  chio_buf_clear(&json);
  X509_free(cert);
}

#define CARD_CN "HSM:SIM-1, for FIPS mode"
#define PARTITION_CN "HSM:SIM-1:PARTN:1, for FIPS mode"

static void a_chain_that_lacks_a_certificate_is_refused(void **state) {
  (void)state;
  judge_with("no card", HSM_CARD, NULL, CHIO_ATTEST_CHAIN);
  judge_with("no partition of the owner's", HSM_OWNER_PARTITION, NULL, CHIO_ATTEST_CHAIN);
  judge_with("no card of the owner's", HSM_OWNER_CARD, NULL, CHIO_ATTEST_CHAIN);
}

static void a_chain_that_others_signed_is_refused(void **state) {
  (void)state;
  EVP_PKEY *const *k = hsm.keys;
  X509 *const *c = hsm.certs;
  EVP_PKEY *stranger = EVP_RSA_gen(2048);
  judge_with("a card that is not the root's", HSM_CARD,
             hsm_certify(k[HSM_CARD_KEY], CARD_CN, c[HSM_ROOT], stranger, true, -1, 9), CHIO_ATTEST_CHAIN);
  judge_with("a partition that is not the card's", HSM_PARTITION,
             hsm_certify(k[HSM_PARTITION_KEY], PARTITION_CN, c[HSM_CARD], stranger, true, -1, 9), CHIO_ATTEST_CHAIN);
  judge_with("a partition that the root certified itself", HSM_PARTITION,
             hsm_certify(k[HSM_PARTITION_KEY], PARTITION_CN, c[HSM_ROOT], k[HSM_ROOT_KEY], true, -1, 9), CHIO_ATTEST_CHAIN);
  judge_with("an owner's partition that is not the owner's", HSM_OWNER_PARTITION,
             hsm_certify(k[HSM_PARTITION_KEY], PARTITION_CN, c[HSM_OWNER_ROOT], stranger, false, -1, 9), CHIO_ATTEST_CHAIN);
  judge_with("an owner's partition with another key", HSM_OWNER_PARTITION,
             hsm_certify(stranger, PARTITION_CN, c[HSM_OWNER_ROOT], k[HSM_OWNER_KEY], false, -1, 9), CHIO_ATTEST_CHAIN);
  judge_with("an owner's card with another key", HSM_OWNER_CARD,
             hsm_certify(stranger, CARD_CN, c[HSM_OWNER_ROOT], k[HSM_OWNER_KEY], false, -1, 9), CHIO_ATTEST_CHAIN);
  EVP_PKEY_free(stranger);
}

static void a_chain_out_of_its_time_is_refused(void **state) {
  (void)state;
  EVP_PKEY *const *k = hsm.keys;
  X509 *const *c = hsm.certs;
  judge_with("a card of yesterday", HSM_CARD, hsm_certify(k[HSM_CARD_KEY], CARD_CN, c[HSM_ROOT], k[HSM_ROOT_KEY], true, -9, -1),
             CHIO_ATTEST_CERTIFICATE_EXPIRED);
  judge_with("a partition of tomorrow", HSM_PARTITION,
             hsm_certify(k[HSM_PARTITION_KEY], PARTITION_CN, c[HSM_CARD], k[HSM_CARD_KEY], true, 1, 9),
             CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID);
  judge_with("an owner's partition of yesterday", HSM_OWNER_PARTITION,
             hsm_certify(k[HSM_PARTITION_KEY], PARTITION_CN, c[HSM_OWNER_ROOT], k[HSM_OWNER_KEY], false, -9, -1),
             CHIO_ATTEST_CERTIFICATE_EXPIRED);
}

static void a_chain_to_another_root_is_refused(void **state) {
  (void)state;
  struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT, azure = CHIO_BUF_INIT;
  attest(key, 0, &blob);
  assert_true(hsm_google(&hsm, chio_buf_slice(&blob), NAME, &json));
  assert_true(hsm_azure(&hsm, chio_buf_slice(&blob), chio_slice(NULL, 0), &azure));
  uint32_t unproved = CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_KEY;
  struct judged q = of(&json);
  q.roots = chio_slice(NULL, 0);
  refused("no root is named", &q, CHIO_ATTEST_SIMULATED_ROOT, unproved);
  q.roots = chio_buf_slice(&owner_root);
  refused("the owner's root alone is named", &q, CHIO_ATTEST_SIMULATED_ROOT, unproved);
  q.roots = chio_buf_slice(&maker_root);
  refused("the maker's root alone is named", &q, CHIO_ATTEST_UNTRUSTED_ROOT, unproved);
  q = of(&azure);
  q.roots = chio_buf_slice(&maker_root);
  refused("azure: the maker's root alone is named", &q, CHIO_ATTEST_UNTRUSTED_ROOT, unproved);
  chio_buf_clear(&blob);
  chio_buf_clear(&json);
  chio_buf_clear(&azure);
}

/* The partition certifies a key of somebody's, who signs with that. */
static void a_partition_certifies_nobody(void **state) {
  (void)state;
  struct hsm forged = hsm;
  struct chio_buf blob = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  forged.keys[HSM_PARTITION_KEY] = EVP_RSA_gen(2048);
  forged.certs[HSM_OWNER_PARTITION] = hsm_certify(forged.keys[HSM_PARTITION_KEY], "deeper", hsm.certs[HSM_PARTITION],
                                                  hsm.keys[HSM_PARTITION_KEY], true, -1, 9);
  assert_true(hsm_attest(&forged, key, ID, 0, other, &blob));
  assert_true(hsm_google(&forged, chio_buf_slice(&blob), NAME, &json));
  struct judged q = of(&json);
  refused("deeper", &q, CHIO_ATTEST_CHAIN, CHIO_ATTEST_PROVED_CHAIN | CHIO_ATTEST_PROVED_KEY);
  EVP_PKEY_free(forged.keys[HSM_PARTITION_KEY]);
  X509_free(forged.certs[HSM_OWNER_PARTITION]);
  chio_buf_clear(&blob);
  chio_buf_clear(&json);
}

static void the_halves_of_azure_are_signed_by_the_same_partition(void **state) {
  (void)state;
  struct chio_buf lone = CHIO_BUF_INIT, second = CHIO_BUF_INIT, json = CHIO_BUF_INIT;
  attest(key, HSM_ALONE, &lone);
  attest(key, HSM_PUBLIC_ALONE, &second);
  second.data[second.len - 257] ^= 1;
  assert_true(hsm_azure(&hsm, chio_buf_slice(&lone), chio_buf_slice(&second), &json));
  struct judged q = of(&json);
  refused("a damaged public half", &q, CHIO_ATTEST_SIGNATURE, ALL);
  chio_buf_reset(&second);
  chio_buf_reset(&json);
  attest(other, HSM_PUBLIC_ALONE, &second);
  assert_true(hsm_azure(&hsm, chio_buf_slice(&lone), chio_buf_slice(&second), &json));
  q = of(&json);
  refused("another key's public half", &q, CHIO_ATTEST_KEY_BINDING, 0);
  chio_buf_clear(&lone);
  chio_buf_clear(&second);
  chio_buf_clear(&json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_key_is_the_one_that_is_attested),
      cmocka_unit_test(the_forms_of_google_and_azure_are_the_same_attestation),
      cmocka_unit_test(what_google_calls_attestation_stands_alone),
      cmocka_unit_test(raw_and_packed_bytes_take_their_chains_from_collateral),
      cmocka_unit_test(a_key_that_is_not_spelt_out_is_known_by_its_check_value),
      cmocka_unit_test(a_policy_names_the_owner_as_the_signer),
      cmocka_unit_test(a_policy_that_is_drafted_from_an_attestation_accepts_it_for_its_key_alone),
      cmocka_unit_test(a_key_that_is_not_safe_in_the_hsm_is_refused),
      cmocka_unit_test(without_a_key_and_a_policy_nothing_is_accepted),
      cmocka_unit_test(every_byte_of_the_attestation_counts),
      cmocka_unit_test(packed_bytes_are_accepted_only_for_the_same_attestation),
      cmocka_unit_test(every_shorter_and_every_longer_attestation_is_refused),
      cmocka_unit_test(a_layout_that_says_two_things_is_refused),
      cmocka_unit_test(packed_bytes_are_one_member_of_limited_size),
      cmocka_unit_test(json_that_is_not_as_the_clouds_write_it_is_refused),
      cmocka_unit_test(a_chain_that_lacks_a_certificate_is_refused),
      cmocka_unit_test(a_chain_that_others_signed_is_refused),
      cmocka_unit_test(a_chain_out_of_its_time_is_refused),
      cmocka_unit_test(a_chain_to_another_root_is_refused),
      cmocka_unit_test(a_partition_certifies_nobody),
      cmocka_unit_test(the_halves_of_azure_are_signed_by_the_same_partition),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
