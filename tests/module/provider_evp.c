/*
 * chio.so as EVP sees it: comparisons, copies, contexts that are begun again or copied half-way, parameters, library
 * contexts, and an error stack that is clean after success. Under with-chiod, with keys made by provider_evp.sh.
 */
#include "tests/module/ossltest.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ui.h>
#include <openssl/x509.h>

static const char *const types[] = {"ed25519", "p256", "rsa2048"};
#define TYPES (sizeof types / sizeof types[0])

static EVP_PKEY *private_keys[TYPES], *public_keys[TYPES];

static EVP_PKEY *load_by(const char *format, const char *type) {
  char uri[128];
  (void)snprintf(uri, sizeof uri, "chio:token=test;object=key-%s;type=%s", type, format);
  return load_key(uri);
}

/* The public part as a key of the default provider, by way of its DER. */
static EVP_PKEY *foreign(EVP_PKEY *key) {
  unsigned char *der = NULL;
  int len = i2d_PUBKEY(key, &der);
  const unsigned char *at = der;
  EVP_PKEY *copy = len > 0 ? d2i_PUBKEY_ex(NULL, &at, len, NULL, "provider=default") : NULL;
  OPENSSL_free(der);
  return copy;
}

static void loading_leaves_no_errors(void) {
  for (size_t i = 0; i < TYPES; i++) {
    private_keys[i] = load_by("private" PIN, types[i]);
    ok(private_keys[i] != NULL && no_errors(), "%s: loading a private key leaves no errors", types[i]);
    public_keys[i] = load_by("public", types[i]);
    ok(public_keys[i] != NULL && no_errors(), "%s: loading a public key leaves no errors", types[i]);
  }
}

static void signing_leaves_no_errors(size_t i) {
  unsigned char signature[SIGNATURE_ROOM];
  size_t len;
  const char *digest = strcmp(types[i], "ed25519") == 0 ? NULL : "SHA256";
  ok(sign_in(NULL, private_keys[i], digest, "m", signature, &len) && no_errors(), "%s: signing leaves no errors",
     types[i]);
  ok(verify_in(NULL, private_keys[i], digest, "m", signature, len) && no_errors(),
     "%s: verifying with the private key leaves no errors", types[i]);
  ok(verify_in(NULL, public_keys[i], digest, "m", signature, len) && no_errors(),
     "%s: verifying with the public key leaves no errors", types[i]);
  ok(!verify_in(NULL, private_keys[i], digest, "n", signature, len), "%s: another message is not accepted", types[i]);
  signature[len / 2] ^= 1;
  ok(!verify_in(NULL, private_keys[i], digest, "m", signature, len), "%s: a flipped bit is not accepted", types[i]);
  ok(!sign_in(NULL, public_keys[i], digest, "m", signature, &len), "%s: a public key does not sign", types[i]);
  ERR_clear_error();
}

static void comparing(size_t i) {
  EVP_PKEY *file = foreign(private_keys[i]), *other = private_keys[(i + 1) % TYPES];
  EVP_PKEY *twin = load_by("private" PIN, types[i]);
  ok(EVP_PKEY_eq(private_keys[i], public_keys[i]) == 1, "%s: the private key equals the public one", types[i]);
  ok(EVP_PKEY_eq(public_keys[i], private_keys[i]) == 1, "%s: and the other way round", types[i]);
  ok(EVP_PKEY_eq(private_keys[i], twin) == 1, "%s: it equals itself loaded again", types[i]);
  ok(EVP_PKEY_eq(private_keys[i], file) == 1, "%s: it equals the default provider's", types[i]);
  ok(EVP_PKEY_eq(file, private_keys[i]) == 1, "%s: and the other way round", types[i]);
  ok(no_errors(), "%s: comparing leaves no errors", types[i]);
  ok(EVP_PKEY_eq(private_keys[i], other) != 1, "%s: it does not equal a key of another type", types[i]);
  ERR_clear_error();
  EVP_PKEY_free(file);
  EVP_PKEY_free(twin);
}

static void comparing_two_of_a_type(void) {
  EVP_PKEY *other = load_key(PRIVATE("p256-other")), *file = foreign(other);
  ok(EVP_PKEY_eq(private_keys[1], other) == 0, "p256: two keys are not equal");
  ok(EVP_PKEY_eq(private_keys[1], file) == 0, "p256: nor with the default provider's");
  EVP_PKEY_free(other);
  EVP_PKEY_free(file);
  ERR_clear_error();
}

static void duplicating(size_t i) {
  EVP_PKEY *copy = EVP_PKEY_dup(private_keys[i]);
  ok(copy != NULL && EVP_PKEY_eq(copy, private_keys[i]) == 1, "%s: a key can be duplicated", types[i]);
  EVP_PKEY *original = private_keys[i];
  private_keys[i] = copy;
  EVP_PKEY_free(original);
  ok(key_works(private_keys[i]), "%s: the duplicate outlives the original", types[i]);
}

static void the_private_part_stays(size_t i) {
  OSSL_PARAM *params = NULL;
  unsigned char raw[64];
  size_t len = sizeof raw;
  BIGNUM *number = NULL;
  ERR_clear_error();
  ok(EVP_PKEY_todata(private_keys[i], EVP_PKEY_KEYPAIR, &params) != 1 && ERR_peek_error() != 0,
     "%s: exporting the pair fails with an error", types[i]);
  ok(EVP_PKEY_todata(private_keys[i], EVP_PKEY_PUBLIC_KEY, &params) == 1, "%s: exporting the public part works",
     types[i]);
  OSSL_PARAM_free(params);
  ok(EVP_PKEY_get_raw_private_key(private_keys[i], raw, &len) != 1, "%s: there is no raw private key", types[i]);
  ok(EVP_PKEY_get_bn_param(private_keys[i], OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1 &&
         EVP_PKEY_get_bn_param(private_keys[i], OSSL_PKEY_PARAM_RSA_D, &number) != 1,
     "%s: nor a parameter of it", types[i]);
  unsigned char *der = NULL;
  ok(i2d_PrivateKey(private_keys[i], &der) <= 0, "%s: nor DER", types[i]);
  ERR_clear_error();
}

static EVP_MD_CTX *begin(EVP_PKEY *key, const char *text) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
      EVP_DigestSignUpdate(ctx, text, strlen(text)) == 1)
    return ctx;
  EVP_MD_CTX_free(ctx);
  return NULL;
}

static bool end(EVP_MD_CTX *ctx, EVP_PKEY *key, const char *rest, const char *whole) {
  unsigned char signature[SIGNATURE_ROOM];
  size_t len = 0;
  if (EVP_DigestSignUpdate(ctx, rest, strlen(rest)) != 1 || EVP_DigestSignFinal(ctx, NULL, &len) != 1) return false;
  return EVP_DigestSignFinal(ctx, signature, &len) == 1 && verify_in(NULL, key, "SHA256", whole, signature, len);
}

static void copying_half_way(size_t i) {
  EVP_MD_CTX *one = begin(private_keys[i], "ab"), *two = EVP_MD_CTX_new();
  ok(one != NULL && EVP_MD_CTX_copy_ex(two, one) == 1, "%s: a context can be copied half-way", types[i]);
  ok(end(one, public_keys[i], "cd", "abcd"), "%s: the first goes its way", types[i]);
  EVP_MD_CTX_free(one);
  ok(end(two, public_keys[i], "ef", "abef"), "%s: and the copy its own", types[i]);
  EVP_MD_CTX_free(two);
}

static void beginning_again(size_t i) {
  unsigned char signature[SIGNATURE_ROOM];
  size_t len = sizeof signature;
  EVP_MD_CTX *ctx = begin(private_keys[i], "dropped");
  ok(EVP_DigestSignInit(ctx, NULL, NULL, NULL, NULL) == 1, "%s: signing begins again without a key", types[i]);
  ok(end(ctx, public_keys[i], "kept", "kept"), "%s: with the key and the digest of before", types[i]);
  EVP_MD_CTX_free(ctx);
  (void)sign_in(NULL, private_keys[i], "SHA256", "m", signature, &len);
  ctx = EVP_MD_CTX_new();
  ok(EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, private_keys[i], NULL) == 1 &&
         EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, NULL) == 1 && EVP_DigestVerifyUpdate(ctx, "m", 1) == 1 &&
         EVP_DigestVerifyFinal(ctx, signature, len) == 1,
     "%s: verifying begins again without a key", types[i]);
  EVP_MD_CTX_free(ctx);
  ERR_clear_error();
}

static void ending_twice(size_t i) {
  unsigned char signature[SIGNATURE_ROOM];
  size_t len = sizeof signature;
  EVP_MD_CTX *ctx = begin(private_keys[i], "m");
  EVP_MD_CTX_set_flags(ctx, EVP_MD_CTX_FLAG_FINALISE);
  ok(EVP_DigestSignFinal(ctx, signature, &len) == 1, "%s: a context is ended", types[i]);
  len = sizeof signature;
  ok(EVP_DigestSignFinal(ctx, signature, &len) != 1, "%s: and not a second time", types[i]);
  ok(EVP_DigestSignUpdate(ctx, "m", 1) != 1, "%s: nor updated afterwards", types[i]);
  EVP_MD_CTX_free(ctx);
  ERR_clear_error();
}

static void short_buffers(size_t i) {
  unsigned char signature[SIGNATURE_ROOM];
  size_t len = 10;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  const char *digest = i == 0 ? NULL : "SHA256";
  ok(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, private_keys[i], NULL) == 1 &&
         EVP_DigestSign(ctx, signature, &len, (const unsigned char *)"m", 1) != 1 && ERR_peek_error() != 0,
     "%s: a buffer that is too small is refused", types[i]);
  EVP_MD_CTX_free(ctx);
  ERR_clear_error();
}

static void ed25519_signs_whole_messages(void) {
  unsigned char signature[SIGNATURE_ROOM];
  size_t len = sizeof signature;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  ok(EVP_DigestSignInit(ctx, NULL, NULL, NULL, private_keys[0]) == 1, "ed25519: begins without a digest");
  ok(EVP_DigestSignUpdate(ctx, "m", 1) != 1, "ed25519: update is refused");
  ok(EVP_DigestSignFinal(ctx, signature, &len) != 1, "ed25519: final is refused and does not crash");
  ok(EVP_DigestSign(ctx, NULL, &len, (const unsigned char *)"m", 1) == 1 && len == 64, "ed25519: 64 bytes");
  ok(EVP_DigestSign(ctx, signature, &len, NULL, 0) == 1, "ed25519: an empty message can be signed");
  EVP_MD_CTX_free(ctx);
  ctx = EVP_MD_CTX_new();
  ok(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, private_keys[0]) == 1 &&
         EVP_DigestVerify(ctx, signature, len, NULL, 0) == 1,
     "ed25519: and verified");
  EVP_MD_CTX_free(ctx);
  ctx = EVP_MD_CTX_new();
  ok(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, private_keys[0], NULL) != 1,
     "ed25519: a digest is refused");
  EVP_MD_CTX_free(ctx);
  ERR_clear_error();
}

static void parameters(void) {
  char text[64];
  int number = 0;
  unsigned char point[256];
  size_t len = 0;
  BIGNUM *n = NULL, *e = NULL;
  EVP_PKEY *ed25519 = private_keys[0], *p256 = private_keys[1], *rsa = private_keys[2];
  ok(EVP_PKEY_get_group_name(p256, text, sizeof text, &len) == 1 && strcmp(text, "prime256v1") == 0,
     "p256: the group has its name");
  ok(EVP_PKEY_get_int_param(p256, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &number) == 1 && number == 0,
     "p256: the parameters are not explicit");
  ok(EVP_PKEY_get_octet_string_param(p256, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) == 1 && len == 65,
     "p256: the public point is there");
  ok(EVP_PKEY_get_bn_param(p256, OSSL_PKEY_PARAM_EC_PUB_X, &n) == 1, "p256: and its coordinates");
  BN_free(n);
  n = NULL;
  ok(EVP_PKEY_get_bits(p256) == 256 && EVP_PKEY_get_security_bits(p256) == 128 && EVP_PKEY_get_size(p256) == 72,
     "p256: bits, strength and size are right");
  ok(EVP_PKEY_get_default_digest_name(p256, text, sizeof text) == 1 && strcmp(text, "SHA256") == 0,
     "p256: SHA256 is the default digest");
  ok(EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_N, &n) == 1 && BN_num_bits(n) == 2048 &&
         EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_word(e, 65537),
     "rsa2048: modulus and exponent are there");
  BN_free(n);
  BN_free(e);
  ok(EVP_PKEY_get_bits(rsa) == 2048 && EVP_PKEY_get_security_bits(rsa) == 112 && EVP_PKEY_get_size(rsa) == 256,
     "rsa2048: bits, strength and size are right");
  ok(EVP_PKEY_get_default_digest_name(rsa, text, sizeof text) == 1 && strcmp(text, "SHA256") == 0,
     "rsa2048: SHA256 is the default digest");
  ok(EVP_PKEY_get_default_digest_name(ed25519, text, sizeof text) == 2 && strcmp(text, "UNDEF") == 0,
     "ed25519: no digest is mandatory");
  len = sizeof point;
  ok(EVP_PKEY_get_raw_public_key(ed25519, point, &len) == 1 && len == 32, "ed25519: the raw public key is there");
  ok(EVP_PKEY_get_bits(ed25519) == 256 && EVP_PKEY_get_size(ed25519) == 64, "ed25519: bits and size are right");
  ok(no_errors(), "reading parameters leaves no errors");
}

static void rsa_parameters_can_be_read_back(void) {
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, private_keys[2], NULL);
  const EVP_MD *md = NULL;
  int number = 0;
  ok(EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_get_rsa_padding(ctx, &number) > 0 && number == RSA_PKCS1_PADDING,
     "rsa2048: PKCS #1 is the default padding");
  ok(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 20) != 1, "rsa2048: it has no salt");
  ok(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 20) == 1 &&
         EVP_PKEY_CTX_get_rsa_pss_saltlen(ctx, &number) > 0 && number == 20,
     "rsa2048: a salt length is read back");
  ok(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha384()) == 1 && EVP_PKEY_CTX_get_signature_md(ctx, &md) == 1 &&
         md != NULL && EVP_MD_is_a(md, "SHA384"),
     "rsa2048: a digest is read back");
  ok(EVP_PKEY_CTX_get_rsa_mgf1_md(ctx, &md) == 1 && EVP_MD_is_a(md, "SHA384"), "rsa2048: MGF1 follows it");
  ok(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 && EVP_PKEY_CTX_get_rsa_mgf1_md(ctx, &md) == 1 &&
         EVP_MD_is_a(md, "SHA256"),
     "rsa2048: until it is set");
  ok(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1, "rsa2048: no padding is refused");
  ok(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_X931_PADDING) != 1, "rsa2048: X9.31 is refused");
  EVP_PKEY_CTX_free(ctx);
  ERR_clear_error();
}

static int prompts;

static int answer(char *out, int size, int writing, void *arg) {
  (void)writing;
  prompts++;
  return (int)snprintf(out, (size_t)size, "%s", (const char *)arg);
}

static EVP_PKEY *read_pem(const char *text, const char *pin, OSSL_LIB_CTX *libctx) {
  BIO *bio = BIO_new_mem_buf(text, -1);
  EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(bio, NULL, answer, (void *)(uintptr_t)pin, libctx, NULL);
  BIO_free(bio);
  return key;
}

/* A library context without configuration. */
struct bare {
  OSSL_LIB_CTX *libctx;
  OSSL_PROVIDER *first, *second;
};

static struct bare bare_open(const char *first, const char *second) {
  struct bare bare = {.libctx = OSSL_LIB_CTX_new()};
  bare.first = OSSL_PROVIDER_load(bare.libctx, first);
  bare.second = OSSL_PROVIDER_load(bare.libctx, second);
  if (bare.first == NULL || bare.second == NULL) show_errors();
  return bare;
}

static void bare_close(struct bare *bare) {
  OSSL_PROVIDER_unload(bare->first);
  OSSL_PROVIDER_unload(bare->second);
  OSSL_LIB_CTX_free(bare->libctx);
}

static char *reference_of(EVP_PKEY *key) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *data, *text = NULL;
  if (PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
    long len = BIO_get_mem_data(bio, &data);
    text = strndup(data, (size_t)len);
  }
  BIO_free(bio);
  return text;
}

/* Contexts of their own: no login is there yet. */
static void asking_for_the_pin(void) {
  char *reference = reference_of(private_keys[1]);
  struct bare bare = bare_open("default", "chio");
  OSSL_LIB_CTX *libctx = bare.libctx;
  ok(reference != NULL && strstr(reference, "CHIO HSM KEY URI") != NULL && strstr(reference, "123456") == NULL,
     "a key is written as a reference, without a PIN");
  prompts = 0;
  ok(read_pem(reference, "87654321", libctx) == NULL, "a reference with a wrong answer is refused");
  ok(prompts == 1, "after one question");
  ERR_clear_error();
  EVP_PKEY *key = read_pem(reference, "123456", libctx);
  ok(key != NULL && prompts == 2, "the right answer is taken");
  ok(no_errors(), "and leaves no errors");
  EVP_PKEY *second = read_pem(reference, "unused", libctx);
  ok(second != NULL && prompts == 2, "a second key needs no second question");
  ok(key_works_in(libctx, key, key), "the key works");
  EVP_PKEY_free(key);
  EVP_PKEY_free(second);
  key = read_pem(reference, "87654321", libctx);
  ok(key != NULL, "a login that is there is used");
  EVP_PKEY_free(key);
  bare_close(&bare);
  free(reference);
  ERR_clear_error();
}

static EVP_PKEY *from_params(OSSL_LIB_CTX *libctx, const char *query, int selection, OSSL_PARAM *params) {
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, "EC", query);
  if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, selection, params) != 1) key = NULL;
  EVP_PKEY_CTX_free(ctx);
  return key;
}

static void taking_over_with_us_first(OSSL_LIB_CTX *libctx) {
  OSSL_PARAM *public_params = NULL, *pair_params = NULL;
  EVP_PKEY *file = EVP_PKEY_Q_keygen(NULL, "provider=default", "EC", "P-256");
  unsigned char signature[SIGNATURE_ROOM];
  size_t len;
  (void)EVP_PKEY_todata(file, EVP_PKEY_PUBLIC_KEY, &public_params);
  (void)EVP_PKEY_todata(file, EVP_PKEY_KEYPAIR, &pair_params);
  (void)sign_in(NULL, file, "SHA256", "m", signature, &len);
  EVP_PKEY *public_key = from_params(libctx, "provider=chio", EVP_PKEY_PUBLIC_KEY, public_params);
  ok(public_key != NULL && verify_in(libctx, public_key, "SHA256", "m", signature, len),
     "a public key that is imported verifies");
  EVP_PKEY *copy = EVP_PKEY_dup(public_key);
  ok(copy != NULL && EVP_PKEY_eq(copy, public_key) == 1, "and can be duplicated");
  ok(from_params(libctx, "provider=chio", EVP_PKEY_KEYPAIR, pair_params) == NULL, "a private key is not imported");
  OSSL_PARAM_free(public_params);
  OSSL_PARAM_free(pair_params);
  EVP_PKEY_free(public_key);
  EVP_PKEY_free(copy);
  EVP_PKEY_free(file);
  ERR_clear_error();
}

static void contexts_of_their_own(void) {
  struct bare bare_one = bare_open("default", "chio"), bare_two = bare_open("chio", "default");
  OSSL_LIB_CTX *one = bare_one.libctx, *two = bare_two.libctx;
  EVP_PKEY *key_one = load_key_in(one, PRIVATE("p256")), *key_two = load_key_in(two, PRIVATE("p256"));
  ok(key_one != NULL && key_works_in(one, key_one, key_one), "a context without configuration works");
  ok(key_two != NULL && key_works_in(two, key_two, key_two), "one that lists us first too");
  EVP_PKEY_free(key_one);
  bare_close(&bare_one);
  ok(key_two != NULL && key_works_in(two, key_two, key_two), "and outlives the other");
  ERR_clear_error();
  unsigned char *der = NULL;
  int len = i2d_PUBKEY(public_keys[2], &der);
  const unsigned char *at = der;
  EVP_PKEY *file = d2i_PUBKEY_ex(NULL, &at, len, two, NULL);
  ok(file != NULL && strcmp(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(file)), "default") == 0,
     "keys from files are the default provider's, even with us first");
  EVP_MD *md = EVP_MD_fetch(two, "SHA256", NULL);
  ok(md != NULL && strcmp(OSSL_PROVIDER_get0_name(EVP_MD_get0_provider(md)), "default") == 0, "so are digests");
  EVP_MD_free(md);
  OPENSSL_free(der);
  EVP_PKEY_free(file);
  taking_over_with_us_first(two);
  EVP_PKEY_free(key_two);
  bare_close(&bare_two);
  ERR_clear_error();
}

static void loading_and_unloading(void) {
  bool all = true;
  for (int i = 0; i < 20; i++) {
    struct bare bare = bare_open("default", "chio");
    EVP_PKEY *key = load_key_in(bare.libctx, PRIVATE("ed25519"));
    all = all && key != NULL && key_works_in(bare.libctx, key, key);
    EVP_PKEY_free(key);
    bare_close(&bare);
  }
  ok(all, "the provider can be loaded and unloaded again and again");
  ERR_clear_error();
}

static void malformed_references(void) {
  static const struct {
    const char *what, *text;
  } rows[] = {
      {"another version", "-----BEGIN CHIO HSM KEY URI-----\n"
                          "MCQaE2NoaW8taHNtIGtleSBVUkkgdjIMDWNoaW86b2JqZWN0PWE=\n"
                          "-----END CHIO HSM KEY URI-----\n"},
      {"a PIN inside", "-----BEGIN CHIO HSM KEY URI-----\n"
                       "MDMaE2NoaW8taHNtIGtleSBVUkkgdjEMHGNoaW86b2JqZWN0PWE/cGluLXZhbHVlPTEyMzQ=\n"
                       "-----END CHIO HSM KEY URI-----\n"},
      {"nothing inside", "-----BEGIN CHIO HSM KEY URI-----\n-----END CHIO HSM KEY URI-----\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    prompts = 0;
    ok(read_pem(rows[i].text, "123456", NULL) == NULL && ERR_peek_error() != 0 && prompts == 0,
       "a reference with %s is refused without a question", rows[i].what);
    ERR_clear_error();
  }
}

int main(void) {
  loading_leaves_no_errors();
  if (tap_failed > 0) return tap_done();
  for (size_t i = 0; i < TYPES; i++) {
    signing_leaves_no_errors(i);
    comparing(i);
    duplicating(i);
    the_private_part_stays(i);
    short_buffers(i);
  }
  for (size_t i = 1; i < TYPES; i++) {
    copying_half_way(i);
    beginning_again(i);
    ending_twice(i);
  }
  comparing_two_of_a_type();
  ed25519_signs_whole_messages();
  parameters();
  rsa_parameters_can_be_read_back();
  asking_for_the_pin();
  contexts_of_their_own();
  loading_and_unloading();
  malformed_references();
  for (size_t i = 0; i < TYPES; i++) {
    EVP_PKEY_free(private_keys[i]);
    EVP_PKEY_free(public_keys[i]);
  }
  return tap_done();
}
