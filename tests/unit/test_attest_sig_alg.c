#include "attest/der.h"
#include "attest/pubkey.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PSS_SIZE 67u /* of an identifier with all parameters */

static struct chio_slice contents_of(struct chio_slice identifier) {
  struct chio_cursor outer = chio_cursor(identifier), inner;
  assert_int_equal(chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &inner), CHIO_OK);
  assert_int_equal(chio_cursor_end(&outer), CHIO_OK);
  return chio_slice(inner.at, inner.left);
}

static void every_identifier_is_read_as_what_it_was_written_for(void **state) {
  (void)state;
  for (unsigned alg = 0; alg < CHIO_SIG_OTHER; alg++)
    assert_int_equal(chio_sig_alg_parse(contents_of(chio_sig_alg_identifier((enum chio_sig_alg)alg))), alg);
}

static void no_identifier_is_written_for_what_is_not_known(void **state) {
  (void)state;
  assert_int_equal(chio_sig_alg_identifier(CHIO_SIG_OTHER).len, 0);
}

/* What OpenSSL writes for a signature with these parameters. */
static int openssl_identifier(const EVP_MD *md, unsigned char **out) {
  EVP_PKEY *key = EVP_RSA_gen(2048);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *key_ctx;
  X509_ALGOR *signature = NULL;
  X509 *cert = X509_new();
  const X509_ALGOR *shown;
  assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, md, NULL, key), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, RSA_PSS_SALTLEN_DIGEST), 1);
  assert_int_equal(X509_set_pubkey(cert, key), 1);
  assert_true(X509_sign_ctx(cert, ctx) > 0);
  X509_get0_signature(NULL, &shown, cert);
  signature = X509_ALGOR_dup(shown);
  int len = i2d_X509_ALGOR(signature, out);
  X509_ALGOR_free(signature);
  X509_free(cert);
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(key);
  return len;
}

static void pss_is_written_byte_for_byte_as_openssl_writes_it(void **state) {
  (void)state;
  const struct {
    const EVP_MD *md;
    enum chio_sig_alg alg;
  } rows[] = {{EVP_sha256(), CHIO_SIG_RSA_PSS_SHA256},
              {EVP_sha384(), CHIO_SIG_RSA_PSS_SHA384},
              {EVP_sha512(), CHIO_SIG_RSA_PSS_SHA512}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    unsigned char *der = NULL;
    int len = openssl_identifier(rows[i].md, &der);
    assert_true(len > 0);
    assert_true(chio_slice_equal(chio_slice(der, (size_t)len), chio_sig_alg_identifier(rows[i].alg)));
    OPENSSL_free(der);
  }
}

/* The last bytes of the two hashes' identifiers, and the salt, of PSS with SHA-256. */
enum { HASH = 29, MGF_HASH = 59, SALT = 66 };

static enum chio_sig_alg changed(size_t at, uint8_t from, uint8_t to) {
  uint8_t bytes[PSS_SIZE];
  struct chio_slice identifier = chio_sig_alg_identifier(CHIO_SIG_RSA_PSS_SHA256);
  assert_int_equal(identifier.len, sizeof bytes);
  memcpy(bytes, identifier.data, sizeof bytes);
  assert_int_equal(bytes[at], from);
  bytes[at] = to;
  return chio_sig_alg_parse(contents_of(chio_slice(bytes, sizeof bytes)));
}

static void pss_with_two_hashes_is_none_of_ours(void **state) {
  (void)state;
  assert_int_equal(changed(HASH, 1, 2), CHIO_SIG_OTHER);
  assert_int_equal(changed(MGF_HASH, 1, 2), CHIO_SIG_OTHER);
}

static void pss_with_another_hash_is_none_of_ours(void **state) {
  (void)state;
  assert_int_equal(changed(HASH, 1, 4), CHIO_SIG_OTHER); /* SHA-224 */
}

static void pss_with_a_salt_of_another_length_is_none_of_ours(void **state) {
  (void)state;
  const uint8_t salts[] = {0, 20, 31, 33, 48, 64};
  for (size_t i = 0; i < sizeof salts; i++) assert_int_equal(changed(SALT, 32, salts[i]), CHIO_SIG_OTHER);
}

static void every_shorter_identifier_of_pss_is_none_of_ours(void **state) {
  (void)state;
  struct chio_slice contents = contents_of(chio_sig_alg_identifier(CHIO_SIG_RSA_PSS_SHA512));
  for (size_t len = 0; len < contents.len; len++)
    assert_int_equal(chio_sig_alg_parse(chio_slice(contents.data, len)), CHIO_SIG_OTHER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_identifier_is_read_as_what_it_was_written_for),
      cmocka_unit_test(no_identifier_is_written_for_what_is_not_known),
      cmocka_unit_test(pss_is_written_byte_for_byte_as_openssl_writes_it),
      cmocka_unit_test(pss_with_two_hashes_is_none_of_ours),
      cmocka_unit_test(pss_with_another_hash_is_none_of_ours),
      cmocka_unit_test(pss_with_a_salt_of_another_length_is_none_of_ours),
      cmocka_unit_test(every_shorter_identifier_of_pss_is_none_of_ours),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
