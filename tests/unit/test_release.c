/* Keys that a vault released: opened when all is as it must be, refused when one thing is not. */
#include "signer/core/release.h"
#include "signer/core/release_key.h"
#include "tests/support/release_maker.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#define NONCE "bm9uY2U"

struct rig {
  struct release_maker maker, stranger; /* stranger: another CA */
  struct chio_recipient *ours, *other;
  struct chio_release_key key;
  struct chio_release_terms terms;
};

static int set_up(void **state) {
  struct rig *rig = calloc(1, sizeof *rig);
  assert_non_null(rig);
  release_maker_init(&rig->maker);
  release_maker_init(&rig->stranger);
  assert_int_equal(chio_recipient_new(&rig->ours), CHIO_OK);
  assert_int_equal(chio_recipient_new(&rig->other), CHIO_OK);
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  struct rig *rig = *state;
  release_maker_clear(&rig->maker);
  release_maker_clear(&rig->stranger);
  chio_recipient_free(rig->ours);
  chio_recipient_free(rig->other);
  free(rig);
  return 0;
}

static void set_terms(struct rig *rig) {
  assert_int_equal(chio_release_key_parse("azurekms://v/root", &rig->key, NULL), CHIO_OK);
  rig->terms = (struct chio_release_terms){
      .key = &rig->key, .nonce = chio_slice_str(NONCE), .roots = chio_buf_slice(&rig->maker.ca_pem)};
}

static enum chio_err open_text(struct rig *rig, struct chio_slice jws, struct chio_secret **out_material,
                               struct chio_detail *detail) {
  char version[CHIO_RELEASE_VERSION_MAX + 1] = "untouched";
  enum chio_err err = chio_release_open(&rig->terms, rig->ours, jws, out_material, version, detail);
  assert_string_equal(version, err == CHIO_OK ? "0123456789abcdef" : "untouched");
  return err;
}

static enum chio_err open_spec(struct rig *rig, const struct release_spec *spec, struct chio_secret **out_material,
                               struct chio_detail *detail) {
  struct chio_buf jws = CHIO_BUF_INIT;
  release_make(&rig->maker, spec, chio_recipient_spki(rig->ours), &jws);
  enum chio_err err = open_text(rig, chio_buf_slice(&jws), out_material, detail);
  chio_buf_clear(&jws);
  return err;
}

static void assert_opens(struct rig *rig, const struct release_spec *spec, char kind) {
  struct chio_secret *first = NULL, *again = NULL;
  struct chio_detail detail = {""};
  if (open_spec(rig, spec, &first, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  assert_int_equal(first->data[0], kind);
  assert_int_equal(open_spec(rig, spec, &again, NULL), CHIO_OK); /* wrapped by another AES key */
  assert_true(chio_secret_equal(chio_secret_slice(first), chio_secret_slice(again)));
  chio_secret_free(first);
  chio_secret_free(again);
}

static void each_type_of_key_opens(void **state) {
  struct rig *rig = *state;
  static const uint8_t oct[32] = {1, 2, 3};
  const struct {
    const char *kty;
    struct chio_slice secret;
    char kind;
  } rows[] = {{"RSA-HSM", chio_buf_slice(&rig->maker.pkcs8), 'R'}, {"RSA", chio_buf_slice(&rig->maker.pkcs8), 'R'},
              {"EC-HSM", chio_buf_slice(&rig->maker.ec_pkcs8), 'E'}, {"EC", chio_buf_slice(&rig->maker.ec_pkcs8), 'E'},
              {"oct-HSM", chio_slice(oct, 32), 'O'},                {"oct", chio_slice(oct, 16), 'O'}};
  set_terms(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct release_spec spec = release_spec_good(&rig->maker, NONCE);
    spec.kty = rows[i].kty;
    spec.secret = rows[i].secret;
    assert_opens(rig, &spec, rows[i].kind);
  }
}

static void each_wrapping_and_each_signature_opens(void **state) {
  struct rig *rig = *state;
  static const struct {
    const char *enc, *hash;
  } wrappings[] = {
      {"CKM_RSA_AES_KEY_WRAP", "SHA1"}, {"RSA_AES_KEY_WRAP_256", "SHA256"}, {"RSA_AES_KEY_WRAP_384", "SHA384"}};
  static const char *const algs[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};
  set_terms(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(wrappings); i++) {
    struct release_spec spec = release_spec_good(&rig->maker, NONCE);
    spec.enc = spec.header_enc = wrappings[i].enc;
    spec.hash = wrappings[i].hash;
    assert_opens(rig, &spec, 'R');
    spec.enc = NULL; /* either of the two places may be silent */
    assert_opens(rig, &spec, 'R');
    spec.enc = wrappings[i].enc;
    spec.header_enc = NULL;
    assert_opens(rig, &spec, 'R');
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(algs); i++) {
    struct release_spec spec = release_spec_good(&rig->maker, NONCE);
    spec.alg = algs[i];
    assert_opens(rig, &spec, 'R');
  }
}

static void a_vault_that_repeats_no_nonce_is_believed(void **state) {
  struct rig *rig = *state;
  struct release_spec spec = release_spec_good(&rig->maker, NULL);
  set_terms(rig);
  assert_opens(rig, &spec, 'R');
}

static void assert_refused(struct rig *rig, const struct release_spec *spec, enum chio_err expected,
                           const char *words) {
  struct chio_secret *material = NULL;
  struct chio_detail detail = {""};
  enum chio_err err = open_spec(rig, spec, &material, &detail);
  if (err != expected || strstr(detail.text, words) == NULL)
    fail_msg("not '%s', but %s: %s", words, chio_err_name(err), detail.text);
  assert_null(material);
}

static void whoever_is_not_the_vault_is_refused(void **state) {
  struct rig *rig = *state;
  const struct release_spec good = release_spec_good(&rig->maker, NONCE);
  const enum chio_err untrusted = CHIO_E_PEER_UNTRUSTED;
  struct release_spec spec = good;
  set_terms(rig);

  assert_int_equal(chio_release_key_parse("azurekms://v.vault.example/root", &rig->key, NULL), CHIO_OK);
  assert_refused(rig, &spec, untrusted, "is not v.vault.example's: hostname mismatch");
  set_terms(rig);
  rig->terms.roots = chio_buf_slice(&rig->stranger.ca_pem);
  assert_refused(rig, &spec, untrusted, "certificate");
  rig->terms.roots = chio_slice(NULL, 0); /* the system's CAs */
  assert_refused(rig, &spec, untrusted, "certificate");
  set_terms(rig);
  rig->terms.now = (int64_t)time(NULL) + 864000;
  assert_refused(rig, &spec, untrusted, "expired");
  set_terms(rig);
  spec.leaf = rig->maker.client_cert;
  assert_refused(rig, &spec, untrusted, "purpose");
  spec.leaf = rig->maker.short_cert;
  spec.signer = rig->maker.short_key;
  assert_refused(rig, &spec, untrusted, "key too weak");
  spec = good;
  spec.leaf = rig->stranger.cert;
  spec.signer = rig->stranger.key;
  assert_refused(rig, &spec, untrusted, "certificate");
  spec = good;
  spec.without_certs = true;
  assert_refused(rig, &spec, CHIO_E_BACKEND, "by no certificates");
  rig->terms.roots = chio_slice_str("no PEM");
  assert_refused(rig, &good, CHIO_E_CONFIG, "no CA certificate");
}

static void a_signature_that_does_not_hold_is_refused(void **state) {
  struct rig *rig = *state;
  const struct release_spec good = release_spec_good(&rig->maker, NONCE);
  const enum chio_err invalid = CHIO_E_SIGNATURE_INVALID;
  static const char *const others[] = {"none", "HS256", "ES256", "RS1", "rs256", ""};
  struct release_spec spec = good;
  set_terms(rig);
  spec.signer = rig->stranger.key;
  assert_refused(rig, &spec, invalid, "does not hold");
  spec = good;
  spec.signed_as = "RS384";
  assert_refused(rig, &spec, invalid, "does not hold");
  spec.signed_as = "PS256";
  assert_refused(rig, &spec, invalid, "does not hold");
  spec = good;
  spec.cut_signature = true;
  assert_refused(rig, &spec, invalid, "does not hold");
  spec = good;
  spec.with_crit = true;
  assert_refused(rig, &spec, invalid, "not accepted");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(others); i++) {
    spec = good;
    spec.alg = others[i];
    spec.signed_as = "RS256";
    assert_refused(rig, &spec, invalid, "not accepted");
  }
  spec = good;
  spec.leaf = rig->maker.ec_cert;
  spec.signer = rig->maker.ec_key;
  assert_refused(rig, &spec, invalid, "does not hold");
}

static void what_answers_another_question_is_refused(void **state) {
  struct rig *rig = *state;
  const struct release_spec good = release_spec_good(&rig->maker, NONCE);
  /* the certificate is good for each vault of its domain */
  static const char *const kids[] = {"https://w.vault.azure.net/keys/root/0123456789abcdef",
                                     "https://v.vault.azure.net/keys/other/0123456789abcdef",
                                     "https://v.vault.azure.net/keys/root",
                                     "https://v.vault.azure.net/keys/root/",
                                     "https://v.vault.azure.net/keys/root/0123/4567",
                                     "https://v.vault.azure.net/secrets/root/0123456789abcdef",
                                     "http://v.vault.azure.net/keys/root/0123456789abcdef",
                                     "https://v.vault.azure.net:1/keys/root/0123456789abcdef",
                                     "v.vault.azure.net/keys/root/0123456789abcdef", ""};
  struct release_spec spec = good;
  set_terms(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(kids); i++) {
    spec.kid = kids[i];
    assert_refused(rig, &spec, CHIO_E_BACKEND, "another key than the one asked for");
  }
  assert_int_equal(chio_release_key_parse("azurekms://v/root/fedcba9876543210", &rig->key, NULL), CHIO_OK);
  assert_refused(rig, &good, CHIO_E_BACKEND, "another key than the one asked for");
  set_terms(rig);
  spec = release_spec_good(&rig->maker, "b3RoZXI");
  assert_refused(rig, &spec, CHIO_E_BACKEND, "answers another nonce");
  spec.nonce = "";
  assert_refused(rig, &spec, CHIO_E_BACKEND, "answers another nonce");
}

static void a_key_that_is_not_wrapped_for_us_is_refused(void **state) {
  struct rig *rig = *state;
  const struct release_spec good = release_spec_good(&rig->maker, NONCE);
  struct release_spec spec = good;
  struct chio_buf jws = CHIO_BUF_INIT;
  struct chio_secret *material = NULL;
  set_terms(rig);
  release_make(&rig->maker, &good, chio_recipient_spki(rig->other), &jws);
  assert_int_equal(open_text(rig, chio_buf_slice(&jws), &material, NULL), CHIO_E_BACKEND);
  assert_null(material);
  chio_buf_clear(&jws);
  spec.hash = "SHA1"; /* and the header says SHA-256 */
  assert_refused(rig, &spec, CHIO_E_BACKEND, "not wrapped for ours");
  spec = good;
  spec.aes_size = 16;
  assert_refused(rig, &spec, CHIO_E_BACKEND, "not wrapped for ours");
  static const int places[] = {0, 100, 255, 256, 263, 264, 500};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(places); i++) {
    spec = good;
    spec.flip_ciphertext = places[i];
    assert_refused(rig, &spec, CHIO_E_BACKEND, "not wrapped for ours");
  }
  static const char *const encs[] = {"RSA_AES_KEY_WRAP_512", "dir", "", "CKM_RSA_AES_KEY_WRAP"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(encs); i++) {
    spec = good;
    spec.enc = encs[i];
    assert_refused(rig, &spec, CHIO_E_BACKEND, "not wrapped by RSA_AES_KEY_WRAP");
    spec = good;
    spec.header_enc = encs[i];
    assert_refused(rig, &spec, CHIO_E_BACKEND, "not wrapped by RSA_AES_KEY_WRAP");
  }
  spec.enc = spec.header_enc = NULL;
  assert_refused(rig, &spec, CHIO_E_BACKEND, "not wrapped by RSA_AES_KEY_WRAP");
}

static void a_damaged_key_hsm_is_refused(void **state) {
  struct rig *rig = *state;
  struct release_spec spec = release_spec_good(&rig->maker, NONCE);
  static const char *const texts[] = {
      "",            /* nothing */
      "e30",         /* {} */
      "e30=",        /* padded */
      "bm8",         /* no JSON */
      "W10",         /* a list */
      /* {"schema_version":"1.0","ciphertext":5} */
      "eyJzY2hlbWFfdmVyc2lvbiI6IjEuMCIsImNpcGhlcnRleHQiOjV9",
      /* {"schema_version":"1.0","ciphertext":"a"} */
      "eyJzY2hlbWFfdmVyc2lvbiI6IjEuMCIsImNpcGhlcnRleHQiOiJhIn0",
  };
  set_terms(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(texts); i++) {
    spec.key_hsm = texts[i];
    assert_refused(rig, &spec, CHIO_E_BACKEND, "holds no wrapped key");
  }
  /* {"schema_version":"1.0","header":{"enc":"RSA_AES_KEY_WRAP_256"},"ciphertext":"AAAA"} */
  spec.key_hsm = "eyJzY2hlbWFfdmVyc2lvbiI6IjEuMCIsImhlYWRlciI6eyJlbmMiOiJSU0FfQUVTX0tFWV9XUkFQXzI1NiJ9LCJjaXBoZXJ0ZXh0"
                 "IjoiQUFBQSJ9";
  assert_refused(rig, &spec, CHIO_E_BACKEND, "a wrapped key does not have 3 bytes");
  spec = release_spec_good(&rig->maker, NONCE);
  spec.schema = "2.0";
  assert_refused(rig, &spec, CHIO_E_BACKEND, "holds no wrapped key");
  spec.schema = NULL;
  assert_refused(rig, &spec, CHIO_E_BACKEND, "holds no wrapped key");
}

static void what_is_no_key_of_its_type_is_refused(void **state) {
  struct rig *rig = *state;
  static const uint8_t bytes[600] = {1};
  struct chio_slice rsa = chio_buf_slice(&rig->maker.pkcs8);
  const struct {
    const char *kty;
    struct chio_slice secret;
    const char *words;
  } rows[] = {
      {"EC-HSM", rsa, "no key of type EC-HSM"},
      {"RSA-HSM", chio_buf_slice(&rig->maker.ec_pkcs8), "no key of type RSA-HSM"},
      {"RSA", chio_slice(rsa.data, rsa.len - 1), "no key of type RSA"},
      {"RSA", chio_slice("junk", 4), "no key of type RSA"},
      {"oct", chio_slice(bytes, 15), "no key of type oct"},
      {"oct-HSM", chio_slice(bytes, 513), "no key of type oct-HSM"},
      {"OKP", rsa, "no secret to derive from"},
      {"", rsa, "no secret to derive from"},
      {NULL, rsa, "does not say its type"},
  };
  set_terms(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct release_spec spec = release_spec_good(&rig->maker, NONCE);
    spec.kty = rows[i].kty;
    spec.secret = rows[i].secret;
    assert_refused(rig, &spec, CHIO_E_BACKEND, rows[i].words);
  }
}

static BIGNUM *param_of(const EVP_PKEY *key, const char *name) {
  BIGNUM *value = NULL;
  assert_int_equal(EVP_PKEY_get_bn_param(key, name, &value), 1);
  return value;
}

/* The same key, written with its primes the other way round. */
static EVP_PKEY *swap_primes(const EVP_PKEY *key) {
  static const char *const from[] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                     OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR2,
                                     OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                     OSSL_PKEY_PARAM_RSA_EXPONENT1};
  static const char *const to[] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                   OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                   OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                   OSSL_PKEY_PARAM_RSA_EXPONENT2};
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  BIGNUM *values[CHIO_ARRAY_LEN(from)], *coefficient = BN_new();
  BN_CTX *scratch = BN_CTX_new();
  EVP_PKEY *swapped = NULL;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(from); i++) {
    values[i] = param_of(key, from[i]);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, to[i], values[i]), 1);
  }
  assert_non_null(BN_mod_inverse(coefficient, values[4], values[3], scratch)); /* the second, modulo the first */
  assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, coefficient), 1);
  OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
  assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
  assert_int_equal(EVP_PKEY_fromdata(context, &swapped, EVP_PKEY_KEYPAIR, params), 1);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  BN_CTX_free(scratch);
  BN_free(coefficient);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(values); i++) BN_free(values[i]);
  return swapped;
}

static struct chio_secret *material_of(const EVP_PKEY *key) {
  struct chio_secret *der = NULL, *material = NULL;
  unsigned char *bytes = NULL;
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  int len = i2d_PKCS8_PRIV_KEY_INFO(info, &bytes);
  assert_true(len > 0);
  assert_int_equal(chio_secret_copy(chio_slice(bytes, (size_t)len), &der), CHIO_OK);
  assert_int_equal(chio_release_material(chio_slice_str("RSA-HSM"), der, &material, NULL), CHIO_OK);
  chio_secret_free(der);
  OPENSSL_free(bytes);
  PKCS8_PRIV_KEY_INFO_free(info);
  return material;
}

/* However the HSM writes it down: a root must open with what another firmware exports. */
static void a_key_is_the_same_however_it_is_written(void **state) {
  (void)state;
  EVP_PKEY *key = EVP_RSA_gen(2048);
  assert_non_null(key);
  EVP_PKEY *swapped = swap_primes(key);
  struct chio_secret *first = material_of(key), *again = material_of(swapped);
  assert_int_equal(first->len, 1 + 2 * 128);
  assert_true(memcmp(first->data + 1, first->data + 129, 128) > 0); /* the larger prime first */
  assert_true(chio_secret_equal(chio_secret_slice(first), chio_secret_slice(again)));
  chio_secret_free(first);
  chio_secret_free(again);
  EVP_PKEY_free(key);
  EVP_PKEY_free(swapped);
}

static void what_is_no_release_is_refused(void **state) {
  struct rig *rig = *state;
  static const char *const payloads[] = {"{}", "[]", "{\"response\":{}}", "{\"response\":{\"key\":{\"key\":null}}}",
                                         "{\"response\":{\"key\":[]}}"};
  struct release_spec spec = release_spec_good(&rig->maker, NONCE);
  struct chio_buf jws = CHIO_BUF_INIT;
  struct chio_secret *material = NULL;
  set_terms(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(payloads); i++) {
    spec.payload = payloads[i];
    assert_refused(rig, &spec, CHIO_E_BACKEND, "another key");
  }
  spec.payload = "no JSON";
  assert_refused(rig, &spec, CHIO_E_BACKEND, "is no JWS");
  spec.payload = NULL;
  release_make(&rig->maker, &spec, chio_recipient_spki(rig->ours), &jws);
  for (size_t len = 0; len < jws.len; len += 7)
    assert_int_not_equal(open_text(rig, chio_slice(jws.data, len), &material, NULL), CHIO_OK);
  chio_buf_append_str(&jws, ".");
  assert_int_equal(open_text(rig, chio_buf_slice(&jws), &material, NULL), CHIO_E_BACKEND);
  static uint8_t much[CHIO_RELEASE_JWS_MAX + 1];
  assert_int_equal(open_text(rig, chio_slice(much, sizeof much), &material, NULL), CHIO_E_BACKEND);
  assert_null(material);
  chio_buf_clear(&jws);
}

static void names_of_keys_are_read_strictly(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "azurekms://",
                                    "azurekms://v",
                                    "azurekms://v/",
                                    "azurekms:///k",
                                    "azurekms://v/k/1/2",
                                    "azurekms://v/k?version=1",
                                    "azurekms://v/k%20",
                                    "azurekms://u@v/k",
                                    "azurekms:name=k;vault=v",
                                    "awskms:///k"};
  struct chio_release_key key = {.host = "untouched"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++)
    assert_int_equal(chio_release_key_parse(bad[i], &key, NULL), CHIO_E_CONFIG);
  char longer[600] = "azurekms://";
  memset(longer + 11, 'v', 250);
  memcpy(longer + 261, "/k", 3);
  assert_int_equal(chio_release_key_parse(longer, &key, NULL), CHIO_E_CONFIG); /* with its domain */
  assert_string_equal(key.host, "untouched");
  assert_int_equal(chio_release_key_parse("azurekms://h.managedhsm.azure.net/k/01", &key, NULL), CHIO_OK);
  assert_string_equal(key.host, "h.managedhsm.azure.net");
  assert_string_equal(key.name, "k");
  assert_string_equal(key.version, "01");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_type_of_key_opens),
      cmocka_unit_test(each_wrapping_and_each_signature_opens),
      cmocka_unit_test(a_vault_that_repeats_no_nonce_is_believed),
      cmocka_unit_test(whoever_is_not_the_vault_is_refused),
      cmocka_unit_test(a_signature_that_does_not_hold_is_refused),
      cmocka_unit_test(what_answers_another_question_is_refused),
      cmocka_unit_test(a_key_that_is_not_wrapped_for_us_is_refused),
      cmocka_unit_test(a_damaged_key_hsm_is_refused),
      cmocka_unit_test(what_is_no_key_of_its_type_is_refused),
      cmocka_unit_test(a_key_is_the_same_however_it_is_written),
      cmocka_unit_test(what_is_no_release_is_refused),
      cmocka_unit_test(names_of_keys_are_read_strictly),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
