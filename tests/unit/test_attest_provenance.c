/* [provenance] of a policy: what builders sign is accepted for the registers that it names, and nothing else is. */
#include "attest/bundle.h"
#include "attest/ecdsa.h"
#include "attest/policy.h"
#include "attest/provenance.h"
#include "signer/base/text.h"
#include "tests/unit/attest_rig.h"
#include "tests/unit/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define IN_TOTO "application/vnd.in-toto+json"
#define V1 "https://in-toto.io/Statement/v1"

static struct attest_rig rig;

/* ---- A builder ---- */

struct builder {
  EVP_PKEY *key;
  struct chio_buf spki;
  char hash[65];
};

static struct builder alice, bob, mallory, rsa, p384;

static void builder_new(struct builder *b, EVP_PKEY *key) {
  uint8_t hash[32];
  b->key = key;
  assert_int_equal(chio_pkey_spki(key, &b->spki), CHIO_OK);
  assert_int_equal(chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(&b->spki), hash), CHIO_OK);
  for (size_t i = 0; i < sizeof hash; i++) snprintf(b->hash + 2 * i, 3, "%02x", hash[i]);
}

static void builder_free(struct builder *b) {
  EVP_PKEY_free(b->key);
  chio_buf_clear(&b->spki);
}

static EVP_PKEY *ed25519_key(void) {
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  assert_non_null(key);
  return key;
}

static void sign(const struct builder *b, struct chio_slice message, struct chio_buf *out) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  size_t len = 512;
  const char *digest = EVP_PKEY_is_a(b->key, "ED25519") ? NULL : EVP_PKEY_bits(b->key) == 384 ? "SHA384" : "SHA256";
  assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, b->key, NULL), 1);
  uint8_t *to = chio_buf_reserve(out, len);
  assert_int_equal(EVP_DigestSign(ctx, to, &len, message.data, message.len), 1);
  out->len += len;
  EVP_MD_CTX_free(ctx);
}

/* ---- Files ---- */

static const char *path_of(const char *name) {
  static char path[160];
  snprintf(path, sizeof path, "%s/%s", rig.dir, name);
  return path;
}

static void put_file(const char *name, struct chio_slice bytes) {
  FILE *f = fopen(path_of(name), "we");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes.data, 1, bytes.len, f), bytes.len);
  assert_int_equal(fclose(f), 0);
}

static void put_key_file(const char *name, const struct builder *b) {
  struct chio_buf text = CHIO_BUF_INIT;
  chio_buf_append_str(&text, "-----BEGIN PUBLIC KEY-----\n");
  chio_base64_append(&text, chio_buf_slice(&b->spki));
  chio_buf_append_str(&text, "\n-----END PUBLIC KEY-----\n");
  put_file(name, chio_buf_slice(&text));
  chio_buf_clear(&text);
}

struct spec {
  const char *type, *statement_type, *predicate_type, *predicate; /* NULL: as it should be */
  const char *subjects;                                           /* NULL: mrtd and the machine's measurement */
  const struct builder *signers[3];
  const X509 *certificate; /* a bundle with it; else the envelope alone */
  bool key_ids, flip, url;
};

static void put_base64(struct chio_buf *out, struct chio_slice bytes, bool url) {
  if (url)
    chio_base64url_append(out, bytes);
  else
    chio_base64_append(out, bytes);
}

static void put_statement(const struct spec *s, struct chio_buf *out) {
  chio_buf_printf(out, "{\"_type\":\"%s\",\"predicateType\":\"%s\",\"predicate\":%s,\"subject\":[",
                  s->statement_type != NULL ? s->statement_type : V1,
                  s->predicate_type != NULL ? s->predicate_type : CHIO_SLSA_V1,
                  s->predicate != NULL ? s->predicate : "{\"runDetails\":{\"builder\":{\"id\":\"https://ci.example/1\"}}}");
  if (s->subjects != NULL)
    chio_buf_append_str(out, s->subjects);
  else
    chio_buf_printf(out, "{\"name\":\"mrtd\",\"digest\":{\"sha384\":\"%s\"}}", rig.measurement);
  chio_buf_append_str(out, "]}");
}

static void put_envelope(const char *name, const struct spec *s) {
  struct chio_buf statement = CHIO_BUF_INIT, pae = CHIO_BUF_INIT, out = CHIO_BUF_INIT, der = CHIO_BUF_INIT;
  put_statement(s, &statement);
  chio_dsse_pae(s->type != NULL ? s->type : IN_TOTO, chio_buf_slice(&statement), &pae);
  if (s->certificate != NULL) {
    forge_der(s->certificate, &der);
    chio_buf_append_str(&out, "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":"
                              "{\"certificate\":{\"rawBytes\":\"");
    chio_base64_append(&out, chio_buf_slice(&der));
    chio_buf_append_str(&out, "\"}},\"dsseEnvelope\":");
  }
  chio_buf_printf(&out, "{\"payloadType\":\"%s\",\"payload\":\"", s->type != NULL ? s->type : IN_TOTO);
  put_base64(&out, chio_buf_slice(&statement), s->url);
  chio_buf_append_str(&out, "\",\"signatures\":[");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(s->signers) && s->signers[i] != NULL; i++) {
    struct chio_buf signature = CHIO_BUF_INIT;
    sign(s->signers[i], chio_buf_slice(&pae), &signature);
    if (s->flip) signature.data[signature.len - 1] ^= 1;
    chio_buf_printf(&out, "%s{", i > 0 ? "," : "");
    if (s->key_ids) chio_buf_printf(&out, "\"keyid\":\"%s\",", s->signers[i]->hash);
    chio_buf_append_str(&out, "\"sig\":\"");
    put_base64(&out, chio_buf_slice(&signature), s->url);
    chio_buf_append_str(&out, "\"}");
    chio_buf_clear(&signature);
  }
  chio_buf_append_str(&out, s->certificate != NULL ? "]}}" : "]}");
  put_file(name, chio_buf_slice(&out));
  chio_buf_clear(&statement);
  chio_buf_clear(&pae);
  chio_buf_clear(&out);
  chio_buf_clear(&der);
}

/* ---- Policies ---- */

/* The policy with these lines in [provenance], and no measurements of its own; NULL with message set. */
static struct chio_attest_policy *read_policy(const char *top, const char *lines, struct chio_attest_message *message) {
  struct chio_buf text = CHIO_BUF_INIT;
  struct chio_attest_policy *policy = NULL;
  char name[160];
  snprintf(name, sizeof name, "%s/policy.toml", rig.dir);
  chio_buf_printf(&text, "version = 1\ntee = [\"sim-tdx\"]\n%s\n[roots]\nspki_sha256 = [\"%s\"]\n[provenance]\n%s\n", top,
                  rig.root_hash, lines);
  message->text[0] = 0;
  (void)chio_attest_policy_parse(text.data, text.len, name, &policy, message);
  chio_buf_clear(&text);
  return policy;
}

static struct chio_attest_policy *good_policy(const char *lines) {
  struct chio_attest_message message;
  struct chio_attest_policy *policy = read_policy("", lines, &message);
  if (policy == NULL) fail_msg("%s", message.text);
  return policy;
}

static void refused(const char *code, const char *lines) {
  struct chio_attest_message message;
  struct chio_attest_policy *policy = read_policy("", lines, &message);
  if (policy != NULL) fail_msg("taken: %s", lines);
  if (strstr(message.text, code) == NULL) fail_msg("not '%s': %s", code, message.text);
}

static enum chio_attest_reason verdict_at(const struct chio_attest_policy *policy, int64_t at) {
  struct chio_attest_binding binding;
  struct chio_attest_request request = attest_rig_request(&rig, policy, &binding);
  request.at = at;
  return attest_rig_judge(&request);
}

static enum chio_attest_reason verdict(const struct chio_attest_policy *policy) {
  return verdict_at(policy, rig.now);
}

#define FILES "files = [\"a.json\"]\n"
#define ALICE FILES "keys = [\"alice.pem\"]\n"

/* ---- What is accepted ---- */

static void what_a_builder_signs_is_accepted_for_its_register(void **state) {
  (void)state;
  const struct spec forms[] = {
      {.signers = {&alice}},
      {.signers = {&alice}, .url = true},
      {.signers = {&alice}, .key_ids = true},
      {.signers = {&alice}, .statement_type = "https://in-toto.io/Statement/v0.1"},
      {.signers = {&alice}, .predicate_type = CHIO_SLSA_V02, .predicate = "{\"builder\":{\"id\":\"https://ci.example/1\"}}"},
      {.signers = {&alice}, .predicate_type = CHIO_MEASUREMENTS_PREDICATE,
       .predicate = "{\"builder\":{\"id\":\"https://ci.example/1\"}}"},
      {.signers = {&mallory, &alice}}, /* a stranger's signature beside it counts for nothing */
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(forms); i++) {
    put_envelope("a.json", &forms[i]);
    struct chio_attest_policy *policy = good_policy(ALICE "builder_ids = [\"https://ci.example/1\"]");
    assert_int_equal(policy->measurements.count, 1);
    assert_int_equal(verdict(policy), CHIO_ATTEST_ACCEPTED);
    chio_attest_policy_free(policy);
  }
}

static void each_kind_of_key_signs(void **state) {
  (void)state;
  const struct builder *const builders[] = {&alice, &bob, &rsa, &p384};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(builders); i++) {
    put_key_file("any.pem", builders[i]);
    put_envelope("a.json", &(struct spec){.signers = {builders[i]}});
    struct chio_attest_policy *policy = good_policy(FILES "keys = [\"any.pem\"]");
    assert_int_equal(verdict(policy), CHIO_ATTEST_ACCEPTED);
    chio_attest_policy_free(policy);
  }
}

static void the_values_go_where_their_registers_are_expected(void **state) {
  (void)state;
  char subjects[2048];
  static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef"
                               "0123456789abcdef0123456789abcdef0123456789abcdef";
  snprintf(subjects, sizeof subjects,
           "{\"name\":\"rtmr2\",\"digest\":{\"sha384\":\"%s\"}},{\"name\":\"pcr0\",\"digest\":{\"sha384\":\"%s\"}},"
           "{\"name\":\"pcr31\",\"digest\":{\"sha256\":\"%.64s\",\"sha384\":\"%s\"}},"
           "{\"name\":\"app.efi\",\"digest\":{\"sha1\":\"00\"}},"
           "{\"name\":\"mrenclave\",\"digest\":{\"sha256\":\"%.64s\",\"gitCommit\":\"x\"}},"
           "{\"name\":\"launch\",\"digest\":{\"sha384\":\"%s\"}},{\"digest\":{\"sha256\":\"00\"}}",
           digest, digest, digest, digest, digest, digest);
  put_envelope("a.json", &(struct spec){.signers = {&alice}, .subjects = subjects});
  struct chio_attest_policy *policy = good_policy(ALICE);
  assert_int_equal(policy->rtmr[2].count, 1);
  assert_int_equal(policy->rtmr[1].count, 0);
  assert_int_equal(policy->pcrs.values[0].count, 1);
  assert_int_equal(policy->pcrs.values[31].count, 1);
  assert_int_equal(policy->tpm_pcrs.values[31].count, 1);
  assert_int_equal(policy->tpm_pcrs.values[0].count, 0);
  assert_int_equal(policy->measurements.count, 2);
  assert_int_equal(policy->measurements.items[0].len, 32);
  assert_int_equal(policy->measurements.items[1].len, 48);
  assert_int_equal(verdict(policy), CHIO_ATTEST_MEASUREMENT); /* this machine's is none of them */
  chio_attest_policy_free(policy);
}

static void own_values_and_vouched_ones_are_joined_once(void **state) {
  (void)state;
  struct chio_attest_message message;
  char top[256];
  uint8_t with[32], without[32];
  put_envelope("a.json", &(struct spec){.signers = {&alice}});
  snprintf(top, sizeof top, "measurements = [\"%s\"]", rig.measurement);
  struct chio_attest_policy *both = read_policy(top, ALICE, &message);
  assert_non_null(both);
  assert_int_equal(both->measurements.count, 1);
  struct chio_attest_policy *own = attest_rig_policy(&rig, "", "");
  assert_int_equal(chio_attest_policy_digest(both, with), CHIO_ATTEST_OK);
  assert_int_equal(chio_attest_policy_digest(own, without), CHIO_ATTEST_OK);
  assert_memory_equal(with, without, sizeof with); /* it demands the same, wherever that came from */
  chio_attest_policy_free(both);
  chio_attest_policy_free(own);
}

static void as_many_signers_as_are_asked_for_vouch_over_all_files(void **state) {
  (void)state;
#define TWO "files = [\"a.json\", \"b.json\"]\nkeys = [\"alice.pem\", \"bob.pem\"]\nthreshold = 2"
  put_envelope("a.json", &(struct spec){.signers = {&alice}});
  put_envelope("b.json", &(struct spec){.signers = {&bob}});
  struct chio_attest_policy *policy = good_policy(TWO);
  assert_int_equal(verdict(policy), CHIO_ATTEST_ACCEPTED);
  chio_attest_policy_free(policy);
  put_envelope("a.json", &(struct spec){.signers = {&alice, &bob}});
  policy = good_policy(FILES "keys = [\"alice.pem\", \"bob.pem\"]\nthreshold = 2");
  assert_int_equal(verdict(policy), CHIO_ATTEST_ACCEPTED);
  chio_attest_policy_free(policy);
  put_envelope("a.json", &(struct spec){.signers = {&alice}});
  put_envelope("b.json", &(struct spec){.signers = {&alice}}); /* twice the same */
  refused("provenance-threshold", TWO);
  refused("provenance-threshold", FILES "keys = [\"alice.pem\", \"alice.pem\"]\nthreshold = 2");
  put_envelope("a.json", &(struct spec){.signers = {&alice, &alice}});
  refused("provenance-threshold", FILES "keys = [\"alice.pem\", \"bob.pem\"]\nthreshold = 2");
}

static void a_bundles_own_key_counts_when_it_is_named_and_while_it_lasts(void **state) {
  (void)state;
  char lines[256];
  const struct forge_cert spec = {.cn = "builder", .path_len = -1, .from_days = -1, .until_days = 2};
  X509 *cert = forge_certify(alice.key, NULL, NULL, &spec);
  put_envelope("a.json", &(struct spec){.signers = {&alice}, .certificate = cert});
  snprintf(lines, sizeof lines, FILES "signers = [\"%s\"]", alice.hash);
  struct chio_attest_policy *policy = good_policy(lines);
  assert_int_equal(verdict(policy), CHIO_ATTEST_ACCEPTED);
  assert_int_equal(verdict_at(policy, rig.now + 3 * 86400), CHIO_ATTEST_CERTIFICATE_EXPIRED);
  assert_int_equal(verdict_at(policy, rig.now - 2 * 86400), CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID);
  char *text = NULL;
  assert_int_equal(chio_attest_policy_explain(policy, &text), CHIO_ATTEST_OK);
  assert_non_null(strstr(text, "its builder vouches for what runs"));
  assert_non_null(strstr(text, "a.json"));
  assert_non_null(strstr(text, alice.hash));
  assert_non_null(strstr(text, rig.measurement));
  assert_non_null(strstr(text, "certificates of the builder's keys hold from"));
  chio_attest_free(text);
  chio_attest_policy_free(policy);
  snprintf(lines, sizeof lines, FILES "signers = [\"%s\"]", bob.hash);
  refused("provenance-signer", lines);
  put_envelope("a.json", &(struct spec){.signers = {&mallory}, .certificate = cert});
  snprintf(lines, sizeof lines, FILES "signers = [\"%s\"]", alice.hash);
  refused("provenance-signature", lines);
  X509_free(cert);
}

/* ---- What is refused ---- */

static void signatures_that_do_not_hold_are_refused(void **state) {
  (void)state;
  put_envelope("a.json", &(struct spec){.signers = {&alice}, .key_ids = true, .flip = true});
  refused("provenance-signature", ALICE);
  put_envelope("a.json", &(struct spec){.signers = {&alice}, .flip = true});
  refused("provenance-signer", ALICE);
  put_envelope("a.json", &(struct spec){.signers = {&mallory}, .key_ids = true});
  refused("provenance-signer", ALICE);
  put_envelope("a.json", &(struct spec){.signers = {NULL}});
  refused("provenance-format", ALICE);
  char lines[256];
  put_envelope("a.json", &(struct spec){.signers = {&alice}});
  snprintf(lines, sizeof lines, FILES "signers = [\"%s\"]", alice.hash); /* a hash, and nowhere the key */
  refused("provenance-signer", lines);
  put_envelope("good.json", &(struct spec){.signers = {&alice}});
  put_envelope("bad.json", &(struct spec){.signers = {&mallory}});
  refused("provenance-signer", "files = [\"good.json\", \"bad.json\"]\nkeys = [\"alice.pem\"]");
}

static void statements_that_say_something_else_are_refused(void **state) {
  (void)state;
  const struct {
    const char *code;
    struct spec spec;
  } rows[] = {
      {"provenance-format", {.type = "application/vnd.chio.key-statement+json"}},
      {"provenance-format", {.statement_type = "https://in-toto.io/Statement/v2"}},
      {"provenance-format", {.subjects = "{\"name\":\"mrtd\"}"}},
      {"provenance-format", {.subjects = "\"mrtd\""}},
      {"provenance-format", {.subjects = "{\"name\":1,\"digest\":{}}"}},
      {"provenance-predicate", {.predicate_type = "https://spdx.dev/Document"}},
      {"provenance-builder", {.predicate = "{\"runDetails\":{\"builder\":{\"id\":\"https://ci.example/2\"}}}"}},
      {"provenance-builder", {.predicate = "{\"builder\":{\"id\":\"https://ci.example/1\"}}"}}, /* where v0.2 has it */
      {"provenance-builder", {.predicate = "{}"}},
      {"provenance-subject", {.subjects = ""}},
      {"provenance-subject", {.subjects = "{\"name\":\"chiod\",\"digest\":{\"sha256\":\"00\"}}"}},
      {"provenance-subject", {.subjects = "{\"name\":\"rtmr4\",\"digest\":{\"sha384\":\"00\"}}"}},
      {"provenance-subject", {.subjects = "{\"name\":\"pcr32\",\"digest\":{\"sha384\":\"00\"}}"}},
      {"provenance-subject", {.subjects = "{\"name\":\"pcr00\",\"digest\":{\"sha384\":\"00\"}}"}},
      {"provenance-subject", {.subjects = "{\"name\":\"MRTD\",\"digest\":{\"sha384\":\"00\"}}"}},
      {"provenance-subject", {.subjects = "{\"name\":\"mrtd\",\"digest\":{\"sha384\":\"00\"}}"}},
      {"provenance-subject", {.subjects = "{\"name\":\"mrtd\",\"digest\":{\"sha256\":\"0123456789abcdef0123456789abcdef"
                                          "0123456789abcdef0123456789abcdef\"}}"}},
      {"provenance-subject", {.subjects = "{\"name\":\"mrtd\",\"digest\":{}}"}},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct spec spec = rows[i].spec;
    spec.signers[0] = &alice;
    put_envelope("a.json", &spec);
    refused(rows[i].code, ALICE "builder_ids = [\"https://ci.example/1\"]");
  }
}

static void tables_that_say_too_little_are_refused(void **state) {
  (void)state;
  put_envelope("a.json", &(struct spec){.signers = {&alice}});
  refused("needs 'signers' or 'keys'", FILES);
  refused("says nothing without 'files'", "keys = [\"alice.pem\"]");
  refused("says nothing without 'files'", "threshold = 1");
  refused("provenance-file", "files = [\"missing.json\"]\nkeys = [\"alice.pem\"]");
  refused("provenance-file", FILES "keys = [\"missing.pem\"]");
  refused("provenance-file", FILES "keys = [\"a.json\"]");
  refused("provenance-format", "files = [\"alice.pem\"]\nkeys = [\"alice.pem\"]");
  refused("threshold", ALICE "threshold = 0");
  refused("threshold", ALICE "threshold = 17");
  refused("signers", FILES "signers = [\"00\"]");
  refused("a key that chio-policy(5) lists", ALICE "signer = 1");
  refused("provenance-predicate", ALICE "predicate_types = [\"https://slsa.dev/provenance/v0.2\"]");
  put_file("a.json", chio_slice_str("{\"payloadType\":\"" IN_TOTO "\",\"payload\":\"e30=\",\"signatures\":[{}]}"));
  refused("provenance-format", ALICE);
  put_file("a.json", chio_slice_str("[]"));
  refused("provenance-format", ALICE);
}

static void a_policy_that_stands_alone_reads_no_files(void **state) {
  (void)state;
  static const char text[] = "version = 1\ntee = [\"sim-tdx\"]\n[provenance]\n"
                             "files = [\"/etc/hostname\"]\nkeys = [\"/etc/hostname\"]\n";
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  assert_int_equal(chio_policy_parse_alone(text, sizeof text - 1, "policy", &policy, &message), CHIO_ATTEST_E_MALFORMED);
  assert_non_null(strstr(message.text, "not read here"));
}

static void every_prefix_of_an_envelope_is_refused(void **state) {
  (void)state;
  struct chio_buf text = CHIO_BUF_INIT;
  put_envelope("a.json", &(struct spec){.signers = {&alice}});
  FILE *f = fopen(path_of("a.json"), "re");
  uint8_t *to = chio_buf_reserve(&text, 8192);
  assert_non_null(f);
  text.len = fread(to, 1, 8192, f);
  fclose(f);
  for (size_t len = 0; len <= text.len; len++) {
    struct chio_provenance p;
    enum chio_err err = chio_provenance_parse(chio_slice(text.data, len), &p);
    assert_int_equal(err == CHIO_OK, len == text.len);
    chio_provenance_clear(&p);
  }
  chio_buf_clear(&text);
}

/* ---- The workshop ---- */

static int set_up(void **state) {
  (void)state;
  if (attest_rig_open(&rig) != 0) return 1;
  builder_new(&alice, forge_key("P-256"));
  builder_new(&bob, ed25519_key());
  builder_new(&mallory, forge_key("P-256"));
  builder_new(&rsa, forge_key("RSA"));
  builder_new(&p384, forge_key("P-384"));
  put_key_file("alice.pem", &alice);
  put_key_file("bob.pem", &bob);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  static const char *const names[] = {"a.json", "b.json", "good.json", "bad.json", "alice.pem", "bob.pem", "any.pem"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) (void)unlink(path_of(names[i]));
  struct builder *const builders[] = {&alice, &bob, &mallory, &rsa, &p384};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(builders); i++) builder_free(builders[i]);
  attest_rig_close(&rig);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_builder_signs_is_accepted_for_its_register),
      cmocka_unit_test(each_kind_of_key_signs),
      cmocka_unit_test(the_values_go_where_their_registers_are_expected),
      cmocka_unit_test(own_values_and_vouched_ones_are_joined_once),
      cmocka_unit_test(as_many_signers_as_are_asked_for_vouch_over_all_files),
      cmocka_unit_test(a_bundles_own_key_counts_when_it_is_named_and_while_it_lasts),
      cmocka_unit_test(signatures_that_do_not_hold_are_refused),
      cmocka_unit_test(statements_that_say_something_else_are_refused),
      cmocka_unit_test(tables_that_say_too_little_are_refused),
      cmocka_unit_test(a_policy_that_stands_alone_reads_no_files),
      cmocka_unit_test(every_prefix_of_an_envelope_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
