#include "tests/unit/gcp_rig.h"

#include "kms-adapters/body.h"
#include "kms-adapters/crc32c.h"
#include "kms-adapters/signature_form.h"
#include "signer/base/text.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static char *texts[256];
static size_t text_count;

static const char *keep(char *text) {
  assert_non_null(text);
  assert_true(text_count < CHIO_ARRAY_LEN(texts));
  texts[text_count++] = text;
  return text;
}

const char *gcp_text(const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  assert_true(vasprintf(&text, format, args) >= 0);
  va_end(args);
  return keep(text);
}

void gcp_rig_write(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

void gcp_rig_start(struct gcp_rig *rig, const struct http_script_reply *replies, size_t count) {
  *rig = (struct gcp_rig){.self = NULL};
  assert_true(temp_dir_make(&rig->dir));
  temp_dir_file(&rig->dir, "token", rig->token_file);
  gcp_rig_write(rig->token_file, "first-token\n");
  assert_int_equal(chio_http_new(&rig->http), CHIO_OK);
  rig->script = http_script_start(replies, count);
  rig->options = (struct chio_backend_options){.name = "test",
                                               .endpoint = http_script_url(rig->script),
                                               .key_ring = GCP_RING,
                                               .auth = "token",
                                               .token_file = rig->token_file};
  assert_int_equal(chio_gcp_ops.open(&rig->options, rig->http, &rig->self, &rig->detail), CHIO_OK);
  rig->deadline = chio_deadline_in(20000);
}

void gcp_rig_stop(struct gcp_rig *rig) {
  chio_gcp_ops.close(rig->self);
  chio_http_free(rig->http);
  http_script_stop(rig->script);
  temp_dir_remove(&rig->dir);
  while (text_count > 0) free(texts[--text_count]);
}

EVP_PKEY *gcp_key(const char *kind) {
  static struct {
    const char *kind;
    EVP_PKEY *key;
  } made[8];
  size_t i = 0;
  while (made[i].kind != NULL && strcmp(made[i].kind, kind) != 0) i++;
  if (made[i].kind != NULL) return made[i].key;
  assert_true(i + 1 < CHIO_ARRAY_LEN(made));
  if (strncmp(kind, "RSA", 3) == 0)
    made[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)strtoul(kind + 3, NULL, 10));
  else if (strcmp(kind, "ED25519") == 0)
    made[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  else
    made[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
  assert_non_null(made[i].key);
  made[i].kind = kind;
  return made[i].key;
}

static const char *pem_of(const char *kind) {
  char *data;
  BIO *bio = BIO_new(BIO_s_mem());
  assert_int_equal(PEM_write_bio_PUBKEY(bio, gcp_key(kind)), 1);
  long len = BIO_get_mem_data(bio, &data);
  const char *pem = keep(strndup(data, (size_t)len));
  BIO_free(bio);
  return pem;
}

struct chio_kms_key gcp_described(const char *kind, const char *algorithm) {
  struct chio_kms_key key = {.can_sign = true};
  assert_int_equal(chio_kms_key_from_pem(chio_slice_str(pem_of(kind)), &key, NULL), CHIO_OK);
  assert_int_equal(chio_key_uri_parse("gcpkms://" GCP_VERSION, &key.uri, NULL), CHIO_OK);
  (void)snprintf(key.fixed_algorithm, sizeof key.fixed_algorithm, "%s", algorithm);
  return key;
}

struct chio_buf gcp_signature(const char *kind, const char *md, bool pss, struct chio_slice digest) {
  struct chio_buf out = CHIO_BUF_INIT;
  EVP_PKEY *key = gcp_key(kind);
  size_t len = (size_t)EVP_PKEY_get_size(key);
  uint8_t *room = chio_buf_reserve(&out, len);
  if (md == NULL) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, room, &len, digest.data, digest.len), 1);
    EVP_MD_CTX_free(ctx);
  } else {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    if (pss) {
      assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
      assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(md)), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, room, &len, digest.data, digest.len), 1);
    EVP_PKEY_CTX_free(ctx);
  }
  out.len = len;
  return out;
}

const char *gcp_base64(struct chio_slice bytes) {
  struct chio_buf text = CHIO_BUF_INIT;
  chio_base64_append(&text, bytes);
  const char *copy = keep(strndup(text.data != NULL ? (const char *)text.data : "", text.len));
  chio_buf_clear(&text);
  return copy;
}

const char *gcp_public_key_reply(const char *kind, const char *algorithm, const char *name) {
  struct chio_buf quoted = CHIO_BUF_INIT;
  const char *pem = pem_of(kind);
  chio_json_quote(&quoted, chio_slice_str(pem));
  const char *reply = gcp_text("{\"pem\":%.*s,\"algorithm\":\"%s\",\"pemCrc32c\":\"%u\",\"name\":\"%s\","
                               "\"protectionLevel\":\"SOFTWARE\"}",
                               (int)quoted.len, quoted.data, algorithm, (unsigned)chio_crc32c(chio_slice_str(pem)), name);
  chio_buf_clear(&quoted);
  return reply;
}

const char *gcp_sign_reply(struct chio_slice signature, const char *flag, const char *name) {
  return gcp_text("{\"signature\":\"%s\",\"signatureCrc32c\":\"%u\",\"%s\":true,\"name\":\"%s\","
                  "\"protectionLevel\":\"SOFTWARE\"}",
                  gcp_base64(signature), (unsigned)chio_crc32c(signature), flag, name);
}

const char *gcp_error_reply(int code, const char *status, const char *message) {
  return gcp_text("{\"error\":{\"code\":%d,\"message\":\"%s\",\"status\":\"%s\"}}", code, message, status);
}

struct chio_slice gcp_digest(size_t len) {
  static const uint8_t digest[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  return chio_slice(digest, len);
}

const char *gcp_private_pem(const char *kind, const EVP_CIPHER *cipher) {
  char *data;
  BIO *bio = BIO_new(BIO_s_mem());
  assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, gcp_key(kind), cipher, cipher != NULL ? "pass" : NULL,
                                                 cipher != NULL ? 4 : 0, NULL, NULL), 1);
  long len = BIO_get_mem_data(bio, &data);
  struct chio_buf quoted = CHIO_BUF_INIT;
  chio_json_quote(&quoted, chio_slice(data, (size_t)len));
  const char *text = gcp_text("%.*s", (int)quoted.len, quoted.data);
  chio_buf_clear(&quoted);
  BIO_free(bio);
  return text;
}

const char *gcp_service_account(const char *pem, const char *token_uri) {
  return gcp_text("{\"type\":\"service_account\",\"client_email\":\"chio@p.iam.gserviceaccount.com\",\"private_key_id\":"
                  "\"key-1\",\"private_key\":%s,\"token_uri\":\"%s\"}", pem, token_uri);
}

json_t *gcp_jwt_part(const char *jwt, unsigned part) {
  for (; part > 0; part--) jwt = strchr(jwt, '.') + 1;
  struct chio_buf text = CHIO_BUF_INIT;
  json_t *object = NULL;
  assert_int_equal(chio_base64_decode(chio_slice(jwt, strcspn(jwt, ".")), true, &text), CHIO_OK);
  assert_int_equal(chio_body_parse(chio_buf_slice(&text), "part", &object, NULL), CHIO_OK);
  chio_buf_clear(&text);
  return object;
}
