#include "kms-adapters/gcp_jwt.h"

#include "signer/base/text.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#define RSA_BITS_MIN 2048

/* A key that is encrypted is refused: nobody is asked for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg) {
  (void)buf;
  (void)size;
  (void)writing;
  (void)arg;
  return -1;
}

static enum chio_err read_key(const struct chio_secret *pem, EVP_PKEY **out_key, struct chio_detail *detail) {
  BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
  if (bio == NULL) return CHIO_E_NO_MEMORY;
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
  BIO_free(bio);
  if (key != NULL && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN) {
    *out_key = key;
    return CHIO_OK;
  }
  EVP_PKEY_free(key);
  return chio_fail(detail, CHIO_E_CONFIG, "private_key in the credentials is no RSA key of %d bits or more",
                   RSA_BITS_MIN);
}

static void append_json(struct chio_buf *out, struct chio_buf *json) {
  chio_base64url_append(out, chio_buf_slice(json));
  if (json->failed) out->failed = true;
  chio_buf_clear(json);
}

static void append_claims(struct chio_buf *out, const struct chio_gcp_account *account, const char *scope,
                          int64_t now) {
  struct chio_buf json = CHIO_BUF_INIT;
  chio_buf_append_str(&json, "{\"alg\":\"RS256\",\"typ\":\"JWT\"");
  if (account->key_id[0] != '\0') {
    chio_buf_append_str(&json, ",\"kid\":");
    chio_json_quote(&json, chio_slice_str(account->key_id));
  }
  chio_buf_append_str(&json, "}");
  append_json(out, &json);
  chio_buf_append_u8(out, '.');
  chio_buf_append_str(&json, "{\"iss\":");
  chio_json_quote(&json, chio_slice_str(account->email));
  chio_buf_append_str(&json, ",\"scope\":");
  chio_json_quote(&json, chio_slice_str(scope));
  chio_buf_append_str(&json, ",\"aud\":");
  chio_json_quote(&json, chio_slice_str(account->token_url));
  chio_buf_printf(&json, ",\"iat\":%lld,\"exp\":%lld}", (long long)now, (long long)now + CHIO_GCP_JWT_LIFE_S);
  append_json(out, &json);
}

static enum chio_err sign(EVP_PKEY *key, struct chio_slice text, struct chio_buf *out_signature) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  size_t len = (size_t)EVP_PKEY_get_size(key);
  uint8_t *room = chio_buf_reserve(out_signature, len);
  bool signed_ = ctx != NULL && room != NULL &&
                 EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
                 EVP_DigestSign(ctx, room, &len, text.data, text.len) == 1;
  EVP_MD_CTX_free(ctx);
  if (!signed_) return CHIO_E_INTERNAL;
  out_signature->len += len;
  return CHIO_OK;
}

enum chio_err chio_gcp_jwt(const struct chio_gcp_account *account, const char *scope, int64_t now,
                           struct chio_secret **out_jwt, struct chio_detail *detail) {
  struct chio_buf text = CHIO_BUF_INIT, signature = CHIO_BUF_INIT;
  EVP_PKEY *key = NULL;
  enum chio_err err = read_key(account->secret, &key, detail);
  if (err != CHIO_OK) return err;
  append_claims(&text, account, scope, now);
  err = chio_buf_err(&text);
  if (err == CHIO_OK) err = sign(key, chio_buf_slice(&text), &signature);
  chio_buf_append_u8(&text, '.');
  chio_base64url_append(&text, chio_buf_slice(&signature));
  if (err == CHIO_OK) err = chio_buf_err(&text);
  if (err == CHIO_OK) err = chio_secret_copy(chio_buf_slice(&text), out_jwt);
  if (text.data != NULL) chio_wipe(text.data, text.cap);
  chio_buf_clear(&text);
  chio_buf_clear(&signature);
  EVP_PKEY_free(key);
  return err;
}
