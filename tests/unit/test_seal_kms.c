/* The sealing provider "kms" and the answers that are wrapped for evidence, against a KMS in this process that wraps as
 * AWS does: for the public key in a Nitro document. */
#include "attest/nitro.h"
#include "signer/core/recipient.h"
#include "signer/core/root_kms.h"
#include "tests/support/temp_dir.h"

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SIM_DIR "sim"

/* How a wrapped answer is made, and how it can be wrong. */
struct wrapping {
  int padding;               /* RSA_PKCS1_OAEP_PADDING */
  const EVP_MD *md, *mgf;    /* SHA-256 */
  const EVP_CIPHER *cipher;  /* AES-256-CBC */
  unsigned recipients;       /* 1 */
};

/* The KMS. */
struct kms {
  enum chio_err fails;   /* of both calls */
  bool other_key;        /* what comes back is not what was sealed */
  bool open_answer;      /* evidence is answered in the clear */
  bool evidence_expected;
  unsigned encrypts, decrypts;
  struct wrapping wrapping;
  char seen_key[64];
};

static const struct wrapping *good_wrapping(void) {
  static struct wrapping good;
  good = (struct wrapping){RSA_PKCS1_OAEP_PADDING, EVP_sha256(), EVP_sha256(), EVP_aes_256_cbc(), 1};
  return &good;
}

static X509 *certificate_of(struct chio_slice spki) {
  const unsigned char *at = spki.data;
  EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.len);
  EVP_PKEY *signer = EVP_EC_gen("P-256");
  X509 *cert = X509_new();
  assert_true(key != NULL && signer != NULL && cert != NULL);
  X509_NAME *name = X509_get_subject_name(cert);
  assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"r", -1, -1, 0), 1);
  assert_int_equal(X509_set_issuer_name(cert, name), 1);
  assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
  assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
  assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 60));
  assert_int_equal(X509_set_pubkey(cert, key), 1);
  assert_true(X509_sign(cert, signer, EVP_sha256()) > 0);
  EVP_PKEY_free(key);
  EVP_PKEY_free(signer);
  return cert;
}

static void add_recipient(CMS_ContentInfo *cms, X509 *cert, const struct wrapping *w) {
  CMS_RecipientInfo *info = CMS_add1_recipient_cert(cms, cert, CMS_KEY_PARAM);
  assert_non_null(info);
  EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(info);
  assert_true(EVP_PKEY_CTX_set_rsa_padding(context, w->padding) > 0);
  if (w->padding != RSA_PKCS1_OAEP_PADDING) return;
  assert_true(EVP_PKEY_CTX_set_rsa_oaep_md(context, w->md) > 0);
  assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(context, w->mgf) > 0);
}

static void wrap(struct chio_slice plain, struct chio_slice spki, const struct wrapping *w, struct chio_buf *out) {
  X509 *cert = certificate_of(spki);
  BIO *in = BIO_new_mem_buf(plain.data, (int)plain.len);
  CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, w->cipher, CMS_PARTIAL | CMS_BINARY);
  unsigned char *der = NULL;
  assert_true(in != NULL && cms != NULL);
  for (unsigned i = 0; i < w->recipients; i++) add_recipient(cms, cert, w);
  assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
  int len = i2d_CMS_ContentInfo(cms, &der);
  assert_true(len > 0);
  chio_buf_append(out, der, (size_t)len);
  OPENSSL_free(der);
  CMS_ContentInfo_free(cms);
  BIO_free(in);
  X509_free(cert);
}

static enum chio_err fake_encrypt(void *self, const char *backend, const char *uri, uint32_t cipher,
                                  struct chio_slice aad, struct chio_slice plain, unsigned timeout_ms,
                                  struct chio_buf *out, struct chio_detail *detail) {
  struct kms *kms = self;
  (void)uri;
  (void)timeout_ms;
  kms->encrypts++;
  assert_string_equal(backend, "aws");
  assert_int_equal(cipher, 0);
  assert_true(aad.len > 0);
  if (kms->fails != CHIO_OK) return chio_fail(detail, kms->fails, "because");
  chio_buf_append_u8(out, 'W');
  for (size_t i = 0; i < plain.len; i++) chio_buf_append_u8(out, plain.data[i] ^ 0x5a);
  return CHIO_OK;
}

static enum chio_err fake_decrypt(void *self, const char *backend, const char *uri, uint32_t cipher,
                                  struct chio_slice aad, struct chio_slice evidence, struct chio_slice sealed,
                                  unsigned timeout_ms, struct chio_secret **out_plain, struct chio_detail *detail) {
  struct kms *kms = self;
  uint8_t plain[32];
  struct chio_nitro document;
  struct chio_buf wrapped = CHIO_BUF_INIT;
  (void)backend;
  (void)uri;
  (void)cipher;
  (void)timeout_ms;
  kms->decrypts++;
  assert_true(aad.len > 0);
  assert_int_equal(evidence.len > 0, kms->evidence_expected);
  if (kms->fails != CHIO_OK) return chio_fail(detail, kms->fails, "because");
  if (sealed.len != 33 || sealed.data[0] != 'W') return chio_fail(detail, CHIO_E_DATA_INVALID, "bad ciphertext");
  for (size_t i = 0; i < sizeof plain; i++) plain[i] = sealed.data[i + 1] ^ (kms->other_key ? 0x5b : 0x5a);
  if (evidence.len == 0 || kms->open_answer) return chio_secret_copy(chio_slice(plain, sizeof plain), out_plain);
  assert_int_equal(chio_nitro_parse(evidence, &document), CHIO_OK);
  uint8_t hash[64];
  assert_int_equal(crypto_hash_sha512(hash, document.public_key.data, document.public_key.len), 0);
  assert_true(chio_slice_equal(document.user_data, chio_slice(hash, sizeof hash)));
  wrap(chio_slice(plain, sizeof plain), document.public_key, &kms->wrapping, &wrapped);
  enum chio_err err = chio_secret_copy(chio_buf_slice(&wrapped), out_plain);
  chio_buf_clear(&wrapped);
  return err;
}

static const struct chio_backend_ops fake_ops = {.encrypt = fake_encrypt, .decrypt = fake_decrypt};

struct rig {
  struct temp_dir dir, platform_dir;
  struct kms kms;
  struct chio_backends reach;
  struct chio_platform *platform;
  struct chio_root_kms source;
};

static int set_up(void **state) {
  struct rig *rig = calloc(1, sizeof *rig);
  assert_non_null(rig);
  assert_true(temp_dir_make(&rig->dir) && temp_dir_make(&rig->platform_dir));
  assert_int_equal(chio_platform_open("sim-nitro", rig->platform_dir.path, NULL, &rig->platform, NULL), CHIO_OK);
  rig->kms.wrapping = *good_wrapping();
  rig->kms.evidence_expected = true;
  rig->reach = (struct chio_backends){&fake_ops, &rig->kms};
  rig->source = (struct chio_root_kms){
      .reach = &rig->reach, .platform = rig->platform, .backend = "aws", .key = "awskms:///alias/seal"};
  *state = rig;
  return 0;
}

static int tear_down(void **state) {
  struct rig *rig = *state;
  struct temp_dir sim;
  chio_platform_free(rig->platform);
  (void)snprintf(sim.path, sizeof sim.path, "%.200s/" SIM_DIR, rig->platform_dir.path);
  temp_dir_remove(&sim);
  temp_dir_remove(&rig->platform_dir);
  temp_dir_remove(&rig->dir);
  free(rig);
  return 0;
}

static enum chio_err open_root(struct rig *rig, struct chio_secret **out_root, struct chio_detail *detail) {
  return chio_root_kms_open(&rig->source, rig->dir.path, out_root, detail);
}

static void assert_same_root_twice(struct rig *rig) {
  struct chio_secret *first = NULL, *again = NULL;
  struct chio_detail detail = {""};
  if (open_root(rig, &first, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  assert_int_equal(first->len, 32);
  assert_int_equal(rig->kms.encrypts, 1);
  assert_int_equal(rig->kms.decrypts, 1); /* tried before it is used */
  if (open_root(rig, &again, &detail) != CHIO_OK) fail_msg("%s", detail.text);
  assert_int_equal(rig->kms.encrypts, 1);
  assert_int_equal(rig->kms.decrypts, 2);
  assert_true(chio_secret_equal(chio_secret_slice(first), chio_secret_slice(again)));
  chio_secret_free(first);
  chio_secret_free(again);
}

static void a_root_opens_again_by_evidence(void **state) {
  assert_same_root_twice(*state);
}

static void a_root_opens_again_by_authorisation(void **state) {
  struct rig *rig = *state;
  rig->source.platform = NULL;
  rig->kms.evidence_expected = false;
  assert_same_root_twice(rig);
}

static void assert_refused(struct rig *rig, enum chio_err expected, const char *words) {
  struct chio_secret *root = NULL;
  struct chio_detail detail = {""};
  enum chio_err err = open_root(rig, &root, &detail);
  if (err != expected || strstr(detail.text, words) == NULL) fail_msg("%s: %s", chio_err_name(err), detail.text);
  assert_null(root);
}

static void make(struct rig *rig) {
  struct chio_secret *root = NULL;
  assert_int_equal(open_root(rig, &root, NULL), CHIO_OK);
  chio_secret_free(root);
}

static bool has_root(struct rig *rig) {
  char path[512];
  return access(temp_dir_file(&rig->dir, "root.kms", path), F_OK) == 0;
}

static void what_cannot_be_opened_is_not_written(void **state) {
  struct rig *rig = *state;
  rig->kms.open_answer = true;
  assert_refused(rig, CHIO_E_BACKEND, "seal_kms: backend 'aws': the wrapped answer is no CMS");
  assert_false(has_root(rig));
  rig->kms.open_answer = false;
  rig->kms.fails = CHIO_E_PERMISSION;
  assert_refused(rig, CHIO_E_PERMISSION, "seal_kms: backend 'aws': because");
  assert_false(has_root(rig));
}

static void a_missing_configuration_is_named(void **state) {
  struct rig *rig = *state;
  struct chio_root_kms whole = rig->source;
  rig->source.backend = "";
  assert_refused(rig, CHIO_E_CONFIG, "seal_kms.backend and seal_kms.key");
  rig->source = whole;
  rig->source.key = NULL;
  assert_refused(rig, CHIO_E_CONFIG, "seal_kms.backend and seal_kms.key");
  rig->source = whole;
  rig->reach.ops = NULL;
  assert_refused(rig, CHIO_E_CONFIG, "[backend.aws]");
}

static void a_platform_without_a_place_for_a_key_is_refused(void **state) {
  struct rig *rig = *state;
  struct chio_platform *other = NULL;
  assert_int_equal(chio_platform_open("sim-tdx", rig->platform_dir.path, NULL, &other, NULL), CHIO_OK);
  rig->source.platform = other;
  assert_refused(rig, CHIO_E_UNSUPPORTED, "evidence of platform sim-tdx names no key");
  assert_false(has_root(rig));
  chio_platform_free(other);
}

static void a_kms_that_fails_at_the_next_start_keeps_the_root_shut(void **state) {
  struct rig *rig = *state;
  static const enum chio_err failures[] = {CHIO_E_PERMISSION, CHIO_E_BACKEND_UNREACHABLE, CHIO_E_POLICY, CHIO_E_TIMEOUT};
  make(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(failures); i++) {
    rig->kms.fails = failures[i];
    assert_refused(rig, failures[i], "because");
  }
  rig->kms.fails = CHIO_OK;
  rig->kms.other_key = true;
  assert_refused(rig, CHIO_E_SEAL, "does not open: the KMS gave another key");
  rig->kms.other_key = false;
  rig->kms.open_answer = true;
  assert_refused(rig, CHIO_E_BACKEND, "no CMS");
  rig->kms.open_answer = false;
  make(rig);
}

static void evidence_is_not_left_out_afterwards(void **state) {
  struct rig *rig = *state;
  make(rig);
  rig->source.platform = NULL;
  rig->kms.evidence_expected = false;
  assert_refused(rig, CHIO_E_SEAL, "was made to be opened by evidence");
}

static void a_missing_root_beside_a_store_is_not_made_anew(void **state) {
  struct rig *rig = *state;
  char path[512];
  FILE *store = fopen(temp_dir_file(&rig->dir, "store.sqlite", path), "w");
  assert_non_null(store);
  assert_int_equal(fclose(store), 0);
  assert_refused(rig, CHIO_E_SEAL, "is missing, but a store exists");
  assert_int_equal(rig->kms.encrypts, 0);
}

/* Every byte of the file counts. */
static void a_changed_root_file_does_not_open(void **state) {
  struct rig *rig = *state;
  static const long offsets[] = {0, 8, 9, 10, 11, 12, 13, 40, 100, 2059, 2060, 2061, 2090, 2100, 2131};
  char path[512];
  make(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(offsets); i++) {
    FILE *file = fopen(temp_dir_file(&rig->dir, "root.kms", path), "r+");
    struct chio_secret *root = NULL;
    assert_non_null(file);
    assert_int_equal(fseek(file, offsets[i], SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_not_equal(byte, EOF);
    assert_int_equal(fseek(file, offsets[i], SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 1, file), EOF);
    assert_int_equal(fflush(file), 0);
    assert_int_not_equal(open_root(rig, &root, NULL), CHIO_OK);
    assert_null(root);
    assert_int_equal(fseek(file, offsets[i], SEEK_SET), 0);
    assert_int_not_equal(fputc(byte, file), EOF);
    assert_int_equal(fclose(file), 0);
  }
  make(rig);
}

/* ---- Wrapped answers ---- */

static void an_answer_in_another_way_is_refused(void **state) {
  (void)state;
  const struct {
    struct wrapping wrapping;
    bool good;
  } rows[] = {
      {*good_wrapping(), true},
      {{RSA_PKCS1_PADDING, NULL, NULL, EVP_aes_256_cbc(), 1}, false},
      {{RSA_PKCS1_OAEP_PADDING, EVP_sha1(), EVP_sha1(), EVP_aes_256_cbc(), 1}, false},
      {{RSA_PKCS1_OAEP_PADDING, EVP_sha256(), EVP_sha1(), EVP_aes_256_cbc(), 1}, false},
      {{RSA_PKCS1_OAEP_PADDING, EVP_sha1(), EVP_sha256(), EVP_aes_256_cbc(), 1}, false},
      {{RSA_PKCS1_OAEP_PADDING, EVP_sha256(), EVP_sha256(), EVP_aes_128_cbc(), 1}, false},
      {{RSA_PKCS1_OAEP_PADDING, EVP_sha256(), EVP_sha256(), EVP_aes_256_cfb(), 1}, false},
      {{RSA_PKCS1_OAEP_PADDING, EVP_sha256(), EVP_sha256(), EVP_aes_256_cbc(), 2}, false},
  };
  struct chio_recipient *ours = NULL, *other = NULL;
  assert_int_equal(chio_recipient_new(&ours), CHIO_OK);
  assert_int_equal(chio_recipient_new(&other), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf cms = CHIO_BUF_INIT;
    struct chio_secret *plain = NULL;
    wrap(chio_slice("the key", 7), chio_recipient_spki(ours), &rows[i].wrapping, &cms);
    enum chio_err err = chio_recipient_open(ours, chio_buf_slice(&cms), &plain, NULL);
    if (err != (rows[i].good ? CHIO_OK : CHIO_E_BACKEND)) fail_msg("row %zu: %s", i, chio_err_name(err));
    if (rows[i].good) assert_memory_equal(plain->data, "the key", 7);
    chio_secret_free(plain);
    plain = NULL;
    err = chio_recipient_open(other, chio_buf_slice(&cms), &plain, NULL);
    assert_true(err != CHIO_OK || !chio_slice_equal(chio_secret_slice(plain), chio_slice("the key", 7)));
    chio_secret_free(plain);
    chio_buf_clear(&cms);
  }
  chio_recipient_free(ours);
  chio_recipient_free(other);
}

static void bytes_that_are_no_wrapped_answer_are_refused(void **state) {
  (void)state;
  struct chio_recipient *ours = NULL;
  struct chio_buf cms = CHIO_BUF_INIT;
  struct chio_secret *plain = NULL;
  assert_int_equal(chio_recipient_new(&ours), CHIO_OK);
  wrap(chio_slice("the key", 7), chio_recipient_spki(ours), good_wrapping(), &cms);
  for (size_t len = 0; len < cms.len; len++)
    assert_int_equal(chio_recipient_open(ours, chio_slice(cms.data, len), &plain, NULL), CHIO_E_BACKEND);
  chio_buf_append_u8(&cms, 0);
  assert_int_equal(chio_recipient_open(ours, chio_buf_slice(&cms), &plain, NULL), CHIO_E_BACKEND);
  static uint8_t much[CHIO_RECIPIENT_CMS_MAX + 1];
  assert_int_equal(chio_recipient_open(ours, chio_slice(much, sizeof much), &plain, NULL), CHIO_E_BACKEND);
  assert_null(plain);
  chio_buf_clear(&cms);
  chio_recipient_free(ours);
  assert_int_equal(chio_recipient_from(chio_slice("junk", 4), &ours), CHIO_E_MALFORMED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_root_opens_again_by_evidence),
      TEST(a_root_opens_again_by_authorisation),
      TEST(what_cannot_be_opened_is_not_written),
      TEST(a_missing_configuration_is_named),
      TEST(a_platform_without_a_place_for_a_key_is_refused),
      TEST(a_kms_that_fails_at_the_next_start_keeps_the_root_shut),
      TEST(evidence_is_not_left_out_afterwards),
      TEST(a_missing_root_beside_a_store_is_not_made_anew),
      TEST(a_changed_root_file_does_not_open),
      cmocka_unit_test(an_answer_in_another_way_is_refused),
      cmocka_unit_test(bytes_that_are_no_wrapped_answer_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
