#include "signer/core/recipient.h"

#include "signer/core/crypto.h"
#include "signer/core/crypto_context.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define KEY_BITS 2048u
#define AES_SIZE 32u
#define AES_BLOCK 8u /* RFC 5649's semiblock */

struct chio_recipient {
  EVP_PKEY *key;
  uint8_t *spki; /* of OpenSSL's allocator */
  size_t spki_len;
};

void chio_recipient_free(struct chio_recipient *recipient) {
  if (recipient == NULL) return;
  EVP_PKEY_free(recipient->key);
  OPENSSL_free(recipient->spki);
  free(recipient);
}

/* Takes the key over. */
static enum chio_err adopt(EVP_PKEY *key, struct chio_recipient **out_recipient) {
  CHIO_AUTO(chio_recipient) struct chio_recipient *recipient = calloc(1, sizeof *recipient);
  if (recipient == NULL) {
    EVP_PKEY_free(key);
    return CHIO_E_NO_MEMORY;
  }
  recipient->key = key;
  int len = i2d_PUBKEY(key, &recipient->spki);
  if (len <= 0) return CHIO_E_INTERNAL;
  recipient->spki_len = (size_t)len;
  *out_recipient = CHIO_STEAL(recipient);
  return CHIO_OK;
}

enum chio_err chio_recipient_new(struct chio_recipient **out_recipient) {
  enum chio_err err = chio_crypto_init();
  if (err != CHIO_OK) return err;
  EVP_PKEY *key = EVP_PKEY_Q_keygen(chio_crypto_context(), NULL, "RSA", (size_t)KEY_BITS);
  return key != NULL ? adopt(key, out_recipient) : CHIO_E_INTERNAL;
}

enum chio_err chio_recipient_from(struct chio_slice pkcs8, struct chio_recipient **out_recipient) {
  const unsigned char *at = pkcs8.data;
  enum chio_err err = chio_crypto_init();
  if (err != CHIO_OK) return err;
  EVP_PKEY *key = d2i_AutoPrivateKey_ex(NULL, &at, (long)pkcs8.len, chio_crypto_context(), NULL);
  if (key != NULL && EVP_PKEY_is_a(key, "RSA") == 1) return adopt(key, out_recipient);
  EVP_PKEY_free(key);
  return CHIO_E_MALFORMED;
}

struct chio_slice chio_recipient_spki(const struct chio_recipient *recipient) {
  return chio_slice(recipient->spki, recipient->spki_len);
}

static bool hash_is_sha256(const X509_ALGOR *algorithm) {
  const ASN1_OBJECT *name = NULL;
  if (algorithm == NULL) return false; /* its default is SHA-1 */
  X509_ALGOR_get0(&name, NULL, NULL, algorithm);
  return OBJ_obj2nid(name) == NID_sha256;
}

/* MGF1 with SHA-256: the parameter is an algorithm of its own. */
static bool mask_is_sha256(const X509_ALGOR *algorithm) {
  const ASN1_OBJECT *name = NULL;
  const void *value = NULL;
  int type = V_ASN1_UNDEF;
  if (algorithm == NULL) return false;
  X509_ALGOR_get0(&name, &type, &value, algorithm);
  if (OBJ_obj2nid(name) != NID_mgf1 || type != V_ASN1_SEQUENCE) return false;
  X509_ALGOR *hash = ASN1_item_unpack(value, ASN1_ITEM_rptr(X509_ALGOR));
  bool good = hash_is_sha256(hash);
  X509_ALGOR_free(hash);
  return good;
}

/* RSAES-OAEP with SHA-256 all through and no label. */
static bool is_oaep_sha256(const X509_ALGOR *algorithm) {
  const ASN1_OBJECT *name = NULL;
  const void *value = NULL;
  int type = V_ASN1_UNDEF;
  X509_ALGOR_get0(&name, &type, &value, algorithm);
  if (OBJ_obj2nid(name) != NID_rsaesOaep || type != V_ASN1_SEQUENCE) return false;
  RSA_OAEP_PARAMS *params = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_OAEP_PARAMS));
  bool good = params != NULL && hash_is_sha256(params->hashFunc) && mask_is_sha256(params->maskGenFunc) &&
              params->pSourceFunc == NULL;
  RSA_OAEP_PARAMS_free(params);
  return good;
}

/* One recipient, by the one way that AWS has. */
static bool recipients_fit(CMS_ContentInfo *cms) {
  STACK_OF(CMS_RecipientInfo) *list = CMS_get0_RecipientInfos(cms);
  X509_ALGOR *algorithm = NULL;
  if (list == NULL || sk_CMS_RecipientInfo_num(list) != 1) return false;
  CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(list, 0);
  return CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS &&
         CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm) == 1 && algorithm != NULL &&
         is_oaep_sha256(algorithm);
}

static bool cipher_fits(BIO *content, BIO **out_cipher) {
  EVP_CIPHER_CTX *context = NULL;
  BIO *cipher = BIO_find_type(content, BIO_TYPE_CIPHER);
  if (cipher == NULL || BIO_get_cipher_ctx(cipher, &context) != 1 || context == NULL) return false;
  *out_cipher = cipher;
  return EVP_CIPHER_CTX_get_nid(context) == NID_aes_256_cbc;
}

static enum chio_err read_content(CMS_ContentInfo *cms, struct chio_secret **out_plain) {
  CHIO_AUTO(chio_secret) struct chio_secret *room = NULL;
  BIO *cipher = NULL;
  BIO *content = CMS_dataInit(cms, NULL);
  enum chio_err err = content != NULL && cipher_fits(content, &cipher) ? CHIO_OK : CHIO_E_BACKEND;
  if (err == CHIO_OK) err = chio_secret_new(CHIO_RECIPIENT_PLAIN_MAX + 1, &room);
  size_t len = 0;
  int got = 1;
  while (err == CHIO_OK && got > 0 && len < room->len) {
    got = BIO_read(content, room->data + len, (int)(room->len - len));
    if (got > 0) len += (size_t)got;
  }
  /* the padding was right */
  if (err == CHIO_OK && (len == 0 || len > CHIO_RECIPIENT_PLAIN_MAX || BIO_get_cipher_status(cipher) != 1))
    err = CHIO_E_BACKEND;
  if (err == CHIO_OK) err = chio_secret_copy(chio_slice(room->data, len), out_plain);
  BIO_free_all(content);
  return err;
}

static enum chio_err open_cms(const struct chio_recipient *recipient, CMS_ContentInfo *cms,
                              struct chio_secret **out_plain) {
  if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_enveloped || !recipients_fit(cms)) return CHIO_E_BACKEND;
  if (CMS_decrypt_set1_pkey(cms, recipient->key, NULL) != 1) return CHIO_E_BACKEND;
  return read_content(cms, out_plain);
}

enum chio_err chio_recipient_open(const struct chio_recipient *recipient, struct chio_slice cms,
                                  struct chio_secret **out_plain, struct chio_detail *detail) {
  const unsigned char *at = cms.data;
  if (cms.len == 0 || cms.len > CHIO_RECIPIENT_CMS_MAX)
    return chio_fail(detail, CHIO_E_BACKEND, "the wrapped answer has %zu bytes, not 1 to %u", cms.len,
                     CHIO_RECIPIENT_CMS_MAX);
  CMS_ContentInfo *info = CMS_ContentInfo_new_ex(chio_crypto_context(), NULL);
  bool read = info != NULL && d2i_CMS_ContentInfo(&info, &at, (long)cms.len) != NULL;
  enum chio_err err = read && at == cms.data + cms.len ? CHIO_OK : CHIO_E_BACKEND;
  if (err == CHIO_OK) err = open_cms(recipient, info, out_plain);
  CMS_ContentInfo_free(info);
  ERR_clear_error();
  if (err != CHIO_E_BACKEND) return err;
  return chio_fail(detail, err, "the wrapped answer is no CMS for our key with RSAES-OAEP, SHA-256 and AES-256-CBC");
}

/* ---- CKM_RSA_AES_KEY_WRAP ---- */

/* Exactly an AES-256 key. */
static enum chio_err open_oaep(EVP_PKEY *key, const char *hash, struct chio_slice sealed,
                               struct chio_secret **out_aes) {
  CHIO_AUTO(chio_secret) struct chio_secret *room = NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(chio_crypto_context(), key, NULL);
  size_t len = sealed.len; /* OAEP's output is shorter than its input */
  enum chio_err err = context != NULL ? chio_secret_new(len, &room) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && (EVP_PKEY_decrypt_init(context) <= 0 ||
                         EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) <= 0 ||
                         EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash, NULL) <= 0 ||
                         EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash, NULL) <= 0))
    err = CHIO_E_INTERNAL;
  if (err == CHIO_OK && (EVP_PKEY_decrypt(context, room->data, &len, sealed.data, sealed.len) <= 0 || len != AES_SIZE))
    err = CHIO_E_BACKEND;
  if (err == CHIO_OK) err = chio_secret_copy(chio_slice(room->data, len), out_aes);
  EVP_PKEY_CTX_free(context);
  return err;
}

static enum chio_err open_kwp(const struct chio_secret *aes, struct chio_slice wrapped, struct chio_secret **out_key) {
  CHIO_AUTO(chio_secret) struct chio_secret *room = NULL;
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(chio_crypto_context(), "AES-256-WRAP-PAD", NULL);
  int len = 0;
  enum chio_err err = context != NULL && cipher != NULL ? chio_secret_new(wrapped.len, &room) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) {
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_DecryptInit_ex2(context, cipher, aes->data, NULL, NULL) != 1) err = CHIO_E_INTERNAL;
  }
  if (err == CHIO_OK &&
      (EVP_DecryptUpdate(context, room->data, &len, wrapped.data, (int)wrapped.len) != 1 || len <= 0))
    err = CHIO_E_BACKEND;
  if (err == CHIO_OK) err = chio_secret_copy(chio_slice(room->data, (size_t)len), out_key);
  EVP_CIPHER_CTX_free(context);
  EVP_CIPHER_free(cipher);
  return err;
}

enum chio_err chio_recipient_unwrap(const struct chio_recipient *recipient, const char *hash,
                                    struct chio_slice wrapped, struct chio_secret **out_key,
                                    struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *aes = NULL;
  size_t head = (size_t)EVP_PKEY_get_size(recipient->key);
  size_t body = wrapped.len > head ? wrapped.len - head : 0;
  if (body < 2 * AES_BLOCK || body % AES_BLOCK != 0 || body > CHIO_RECIPIENT_PLAIN_MAX)
    return chio_fail(detail, CHIO_E_BACKEND, "a wrapped key does not have %zu bytes", wrapped.len);
  enum chio_err err = open_oaep(recipient->key, hash, chio_slice(wrapped.data, head), &aes);
  if (err == CHIO_OK) err = open_kwp(aes, chio_slice(wrapped.data + head, body), out_key);
  ERR_clear_error();
  if (err != CHIO_E_BACKEND) return err;
  return chio_fail(detail, err, "the key is not wrapped for ours, with RSAES-OAEP (%s) and AES-256: or it is damaged",
                   hash);
}
