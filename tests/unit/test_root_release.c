/* The sealing provider "kms" with a key that Azure releases: the way from a quote over a wrapping key to the root, with an
 * attestation service and a vault in this process. */
#include "attest/crypto.h"
#include "attest/json.h"
#include "attest/jwk.h"
#include "attest/maa_request.h"
#include "signer/base/text.h"
#include "signer/core/release.h"
#include "signer/core/root_kms.h"
#include "tests/support/release_maker.h"
#include "tests/support/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define TD_REPORT_DATA 568u /* in a quote of version 4 */

/* The service and the vault, and what is wrong with them. */
struct azure {
  struct release_maker maker;
  struct chio_buf runtime, spki; /* of the last request */
  uint32_t judge_status;         /* 200 */
  enum chio_err judge_err, release_err;
  bool other_key_in_token, expired;
  const char *kid;   /* of what is released */
  const char *nonce; /* NULL: repeated */
  bool other_secret, for_another, unsigned_;
  unsigned judged, released;
  char asked[256], path[128]; /* the URI, the service's path */
};

struct rig {
  struct temp_dir dir, platform_dir;
  struct azure azure;
  struct chio_backends reach;
  struct chio_platform *platform;
  struct chio_root_kms source;
  char ca_file[512];
};

/* ---- The attestation service ---- */

static void read_member(const struct chio_json_doc *doc, const struct chio_json *object, const char *name,
                        struct chio_buf *out) {
  struct chio_slice text = {NULL, 0};
  assert_int_equal(chio_json_string(chio_json_get(doc, object, name), &text), CHIO_OK);
  assert_int_equal(chio_base64_decode(text, true, out), CHIO_OK);
}

/* The quote reports the hash of the runtime data; what it is signed with is others' to test. */
static void check_quote(struct azure *a, struct chio_slice body) {
  struct chio_json_doc *doc = NULL;
  struct chio_buf quote = CHIO_BUF_INIT;
  uint8_t expected[CHIO_REPORT_DATA_SIZE];
  assert_int_equal(chio_json_parse(body, &doc), CHIO_OK);
  const struct chio_json *root = chio_json_root(doc);
  chio_buf_reset(&a->runtime);
  read_member(doc, root, "quote", &quote);
  read_member(doc, chio_json_get(doc, root, "runtimeData"), "data", &a->runtime);
  assert_int_equal(chio_maa_report_data(chio_buf_slice(&a->runtime), expected), CHIO_OK);
  assert_true(quote.len > TD_REPORT_DATA + sizeof expected);
  assert_memory_equal(quote.data + TD_REPORT_DATA, expected, sizeof expected);
  chio_buf_clear(&quote);
  chio_json_free(doc);
}

static void keep_key(struct azure *a) {
  struct chio_json_doc *doc = NULL;
  assert_int_equal(chio_json_parse(chio_buf_slice(&a->runtime), &doc), CHIO_OK);
  chio_buf_reset(&a->spki);
  const struct chio_json *keys = chio_json_get(doc, chio_json_root(doc), "keys");
  assert_int_equal(chio_jwk_spki(doc, chio_json_first(doc, keys), &a->spki), CHIO_OK);
  chio_json_free(doc);
}

static void put_token(const struct azure *a, struct chio_buf *out) {
  struct chio_buf claims = CHIO_BUF_INIT;
  int64_t until = (int64_t)time(NULL) + (a->expired ? -3600 : 3600);
  chio_buf_printf(&claims, "{\"nbf\":1,\"exp\":%lld,\"x-ms-runtime\":", (long long)until);
  if (a->other_key_in_token)
    chio_buf_append_str(&claims, "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AAAA\"}]}");
  else
    chio_buf_append_slice(&claims, chio_buf_slice(&a->runtime));
  chio_buf_append_u8(&claims, '}');
  chio_buf_append_str(out, "{\"token\":\"eyJhIjowfQ.");
  chio_base64url_append(out, chio_buf_slice(&claims));
  chio_buf_append_str(out, ".AAAA\"}");
  chio_buf_clear(&claims);
}

static enum chio_err fake_judge(void *self, const char *path, struct chio_slice body, unsigned timeout_ms,
                                uint32_t *out_status, struct chio_buf *out_answer, struct chio_detail *detail) {
  struct azure *a = self;
  (void)timeout_ms;
  a->judged++;
  (void)snprintf(a->path, sizeof a->path, "%s", path);
  if (a->judge_err != CHIO_OK) return chio_fail(detail, a->judge_err, "because");
  check_quote(a, body);
  keep_key(a);
  *out_status = a->judge_status;
  if (a->judge_status == 200)
    put_token(a, out_answer);
  else
    chio_buf_append_str(out_answer, "{\"error\":{\"code\":\"PolicyEvaluationError\",\"message\":\"no\"}}");
  return chio_buf_err(out_answer);
}

/* ---- The vault ---- */

static enum chio_err fake_decrypt(void *self, const char *backend, const char *uri, uint32_t cipher,
                                  struct chio_slice aad, struct chio_slice evidence, struct chio_slice sealed,
                                  unsigned timeout_ms, struct chio_secret **out_plain, struct chio_detail *detail) {
  struct azure *a = self;
  struct chio_buf jws = CHIO_BUF_INIT;
  char nonce[128];
  (void)timeout_ms;
  (void)cipher;
  a->released++;
  assert_string_equal(backend, "azure");
  assert_int_equal(sealed.len, 0);
  assert_true(evidence.len > 4 && memcmp(evidence.data, "eyJ", 3) == 0);
  (void)snprintf(a->asked, sizeof a->asked, "%s", uri);
  if (a->release_err != CHIO_OK) return chio_fail(detail, a->release_err, "not by this policy");
  (void)snprintf(nonce, sizeof nonce, "%.*s", (int)aad.len, (const char *)aad.data);
  assert_int_equal(strlen(nonce), 43);
  struct release_spec spec = release_spec_good(&a->maker, a->nonce != NULL ? a->nonce : nonce);
  if (a->kid != NULL) spec.kid = a->kid;
  if (a->other_secret) {
    spec.secret = chio_slice("another key, of 32 bytes, exactly", 32);
    spec.kty = "oct-HSM";
  }
  if (a->unsigned_) {
    spec.alg = "none";
    spec.signed_as = "RS256";
  }
  if (a->for_another) {
    chio_buf_reset(&a->spki);
    assert_int_equal(chio_pkey_spki(a->maker.key, &a->spki), CHIO_OK);
  }
  release_make(&a->maker, &spec, chio_buf_slice(&a->spki), &jws);
  enum chio_err err = chio_secret_copy(chio_buf_slice(&jws), out_plain);
  chio_buf_clear(&jws);
  return err;
}

static const struct chio_backend_ops fake_ops = {.decrypt = fake_decrypt, .judge = fake_judge};

/* ---- The rig ---- */

static void write_ca(struct rig *rig) {
  FILE *file = fopen(temp_dir_file(&rig->platform_dir, "ca.pem", rig->ca_file), "w");
  const struct chio_buf *pem = &rig->azure.maker.ca_pem;
  assert_true(file != NULL && fwrite(pem->data, 1, pem->len, file) == pem->len && fclose(file) == 0);
}

static int set_up(void **state) {
  struct rig *rig = calloc(1, sizeof *rig);
  assert_non_null(rig);
  assert_true(temp_dir_make(&rig->dir) && temp_dir_make(&rig->platform_dir));
  assert_int_equal(chio_platform_open("sim-tdx", rig->platform_dir.path, NULL, &rig->platform, NULL), CHIO_OK);
  release_maker_init(&rig->azure.maker);
  rig->azure.judge_status = 200;
  write_ca(rig);
  rig->reach = (struct chio_backends){&fake_ops, &rig->azure};
  rig->source = (struct chio_root_kms){.reach = &rig->reach,
                                       .platform = rig->platform,
                                       .backend = "azure",
                                       .key = "azurekms://v/root",
                                       .attestation = "https://maa.example",
                                       .signer_ca_file = rig->ca_file};
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  struct rig *rig = *state;
  struct temp_dir sim;
  chio_platform_free(rig->platform);
  (void)snprintf(sim.path, sizeof sim.path, "%.200s/sim", rig->platform_dir.path);
  temp_dir_remove(&sim);
  temp_dir_remove(&rig->platform_dir);
  temp_dir_remove(&rig->dir);
  release_maker_clear(&rig->azure.maker);
  chio_buf_clear(&rig->azure.runtime);
  chio_buf_clear(&rig->azure.spki);
  free(rig);
  return 0;
}

static enum chio_err open_root(struct rig *rig, struct chio_secret **out_root, struct chio_detail *detail) {
  return chio_root_kms_open(&rig->source, rig->dir.path, out_root, detail);
}

static struct chio_secret *must_open(struct rig *rig) {
  struct chio_secret *root = NULL;
  struct chio_detail detail = {""};
  if (open_root(rig, &root, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  assert_int_equal(root->len, 32);
  return root;
}

static void assert_refused(struct rig *rig, enum chio_err expected, const char *words) {
  struct chio_secret *root = NULL;
  struct chio_detail detail = {""};
  enum chio_err err = open_root(rig, &root, &detail);
  if (err != expected || strstr(detail.text, words) == NULL)
    fail_msg("not '%s' but %s: %s", words, chio_err_name(err), detail.text);
  assert_null(root);
}

static bool has_root(struct rig *rig) {
  char path[512];
  return access(temp_dir_file(&rig->dir, "root.kms", path), F_OK) == 0;
}

/* ---- Tests ---- */

static void a_root_opens_again_by_the_version_that_sealed_it(void **state) {
  struct rig *rig = *state;
  struct chio_buf spki = CHIO_BUF_INIT;
  struct chio_secret *first = must_open(rig);
  assert_string_equal(rig->azure.path, "/attest/TdxVm?api-version=2023-04-01-preview");
  assert_string_equal(rig->azure.asked, "azurekms://v.vault.azure.net/root/0123456789abcdef");
  assert_int_equal(rig->azure.released, 2); /* the way that the next start goes was gone once */
  chio_buf_append_slice(&spki, chio_buf_slice(&rig->azure.spki));
  struct chio_secret *again = must_open(rig);
  assert_string_equal(rig->azure.asked, "azurekms://v.vault.azure.net/root/0123456789abcdef");
  assert_int_equal(rig->azure.released, 3);
  assert_int_equal(rig->azure.judged, 3);
  assert_true(chio_secret_equal(chio_secret_slice(first), chio_secret_slice(again)));
  assert_false(chio_slice_equal(chio_buf_slice(&spki), chio_buf_slice(&rig->azure.spki))); /* of one use */
  chio_buf_clear(&spki);
  chio_secret_free(first);
  chio_secret_free(again);
}

/* Each is refused before there is a root, so that none is written, and afterwards, so that it stays shut. */
static void assert_refused_now_and_later(struct rig *rig, void (*spoil)(struct azure *), enum chio_err expected,
                                         const char *words) {
  struct azure whole = rig->azure;
  spoil(&rig->azure);
  assert_refused(rig, expected, words);
  assert_false(has_root(rig));
  whole.runtime = rig->azure.runtime;
  whole.spki = rig->azure.spki;
  rig->azure = whole;
  chio_secret_free(must_open(rig));
  spoil(&rig->azure);
  assert_refused(rig, expected, words);
  whole.runtime = rig->azure.runtime;
  whole.spki = rig->azure.spki;
  rig->azure = whole;
  chio_secret_free(must_open(rig));
}

static void refuse_evidence(struct azure *a) {
  a->judge_status = 400;
}
static void evidence_that_the_service_refuses(void **state) {
  assert_refused_now_and_later(*state, refuse_evidence, CHIO_E_BACKEND,
                               "seal_kms: backend 'azure': the attestation service refuses the evidence: HTTP 400 "
                               "PolicyEvaluationError: no");
}

static void lose_service(struct azure *a) {
  a->judge_err = CHIO_E_BACKEND_UNREACHABLE;
}
static void a_service_that_is_away(void **state) {
  assert_refused_now_and_later(*state, lose_service, CHIO_E_BACKEND_UNREACHABLE, "because");
}

static void mix_tokens(struct azure *a) {
  a->other_key_in_token = true;
}
static void a_token_for_another_key(void **state) {
  assert_refused_now_and_later(*state, mix_tokens, CHIO_E_BACKEND, "the attestation token is not for our key");
}

static void age_token(struct azure *a) {
  a->expired = true;
}
static void a_token_that_has_expired(void **state) {
  assert_refused_now_and_later(*state, age_token, CHIO_E_BACKEND, "the attestation token has expired");
}

static void refuse_release(struct azure *a) {
  a->release_err = CHIO_E_PERMISSION;
}
static void a_policy_that_refuses(void **state) {
  assert_refused_now_and_later(*state, refuse_release, CHIO_E_PERMISSION,
                               "seal_kms: backend 'azure': not by this policy");
}

static void answer_other_nonce(struct azure *a) {
  a->nonce = "bm9uY2U";
}
static void an_answer_to_another_nonce(void **state) {
  assert_refused_now_and_later(*state, answer_other_nonce, CHIO_E_BACKEND, "answers another nonce");
}

static void release_for_another(struct azure *a) {
  a->for_another = true;
}
static void a_key_that_was_wrapped_for_another(void **state) {
  assert_refused_now_and_later(*state, release_for_another, CHIO_E_BACKEND, "not wrapped for ours");
}

static void leave_unsigned(struct azure *a) {
  a->unsigned_ = true;
}
static void an_answer_that_nobody_signed(void **state) {
  assert_refused_now_and_later(*state, leave_unsigned, CHIO_E_SIGNATURE_INVALID, "not accepted");
}

static void release_other_key(struct azure *a) {
  a->kid = "https://v.vault.azure.net/keys/other/0123456789abcdef";
}
static void a_release_of_another_key(void **state) {
  assert_refused_now_and_later(*state, release_other_key, CHIO_E_BACKEND, "another key than the one asked for");
}

static void another_version_and_another_secret_keep_the_root_shut(void **state) {
  struct rig *rig = *state;
  chio_secret_free(must_open(rig));
  rig->azure.kid = "https://v.vault.azure.net/keys/root/fedcba9876543210"; /* rotated */
  assert_refused(rig, CHIO_E_BACKEND, "another key than the one asked for");
  rig->azure.kid = NULL;
  rig->azure.other_secret = true;
  assert_refused(rig, CHIO_E_SEAL, "does not open: the KMS gave another key");
  rig->azure.other_secret = false;
  chio_secret_free(must_open(rig));
}

static void the_configuration_names_all_that_is_needed(void **state) {
  struct rig *rig = *state;
  const struct chio_root_kms whole = rig->source;
  rig->source.attestation = "";
  assert_refused(rig, CHIO_E_CONFIG, "seal_kms.attestation");
  rig->source = whole;
  rig->source.key = "azurekms:name=root;vault=v";
  assert_refused(rig, CHIO_E_CONFIG, "azurekms://VAULT/KEY");
  rig->source = whole;
  rig->source.signer_ca_file = "/nonexistent/ca.pem";
  assert_refused(rig, CHIO_E_CONFIG, "/nonexistent/ca.pem");
  rig->source = whole;
  rig->source.signer_ca_file = NULL; /* the system's CAs did not sign for our vault */
  assert_refused(rig, CHIO_E_PEER_UNTRUSTED, "is not v.vault.azure.net's");
  assert_false(has_root(rig));
}

static void a_root_belongs_to_its_key_and_its_way(void **state) {
  struct rig *rig = *state;
  const struct chio_root_kms whole = rig->source;
  chio_secret_free(must_open(rig));
  rig->source.key = "azurekms://v/other";
  assert_refused(rig, CHIO_E_SEAL, "was sealed under key 'azurekms://v.vault.azure.net/root/0123456789abcdef'");
  rig->source.key = "azurekms://v/root/fedcba9876543210";
  assert_refused(rig, CHIO_E_SEAL, "was sealed under key");
  rig->source = whole;
  rig->source.platform = NULL;
  assert_refused(rig, CHIO_E_SEAL, "was made with a released key, and [seal_kms] says otherwise");
  rig->source = whole;
  rig->source.key = "azurekms://v.vault.azure.net/root/0123456789abcdef";
  chio_secret_free(must_open(rig));
}

static void a_platform_that_the_service_does_not_judge_is_refused(void **state) {
  struct rig *rig = *state;
  struct chio_platform *nitro = NULL;
  assert_int_equal(chio_platform_open("sim-nitro", rig->platform_dir.path, NULL, &nitro, NULL), CHIO_OK);
  rig->source.platform = nitro;
  assert_refused(rig, CHIO_E_UNSUPPORTED, "judges no evidence of platform sim-nitro");
  assert_int_equal(rig->azure.judged, 0);
  chio_platform_free(nitro);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_root_opens_again_by_the_version_that_sealed_it),
      TEST(evidence_that_the_service_refuses),
      TEST(a_service_that_is_away),
      TEST(a_token_for_another_key),
      TEST(a_token_that_has_expired),
      TEST(a_policy_that_refuses),
      TEST(an_answer_to_another_nonce),
      TEST(a_key_that_was_wrapped_for_another),
      TEST(an_answer_that_nobody_signed),
      TEST(a_release_of_another_key),
      TEST(another_version_and_another_secret_keep_the_root_shut),
      TEST(the_configuration_names_all_that_is_needed),
      TEST(a_root_belongs_to_its_key_and_its_way),
      TEST(a_platform_that_the_service_does_not_judge_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
