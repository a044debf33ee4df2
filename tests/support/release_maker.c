#include "tests/support/release_maker.h"

#include "signer/base/text.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* A test cannot go on without its own makings. */
#define MUST(condition) \
  do {                  \
    if (!(condition)) abort(); \
  } while (0)

/* ---- Certificates ---- */

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  MUST(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

/* names: NULL makes a CA. */
static X509 *certify(EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const char *names, const char *usage) {
  X509 *cert = X509_new();
  MUST(cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1);
  X509_NAME *name = X509_get_subject_name(cert);
  const unsigned char *cn = (const unsigned char *)(names != NULL ? "vault" : "CA of a test");
  MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, cn, -1, -1, 0) == 1);
  MUST(X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : name) == 1);
  MUST(ASN1_INTEGER_set(X509_get_serialNumber(cert), names != NULL ? 2 : 1) == 1);
  MUST(X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL);
  MUST(X509_gmtime_adj(X509_getm_notAfter(cert), 86400) != NULL);
  MUST(X509_set_pubkey(cert, key) == 1);
  add_extension(cert, issuer != NULL ? issuer : cert, NID_basic_constraints,
                names != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (names != NULL) add_extension(cert, issuer, NID_subject_alt_name, names);
  if (names != NULL) add_extension(cert, issuer, NID_ext_key_usage, usage);
  MUST(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
  return cert;
}

static void put_pkcs8(EVP_PKEY *key, struct chio_buf *out) {
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  unsigned char *der = NULL;
  int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
  MUST(len > 0);
  chio_buf_append(out, der, (size_t)len);
  OPENSSL_free(der);
  PKCS8_PRIV_KEY_INFO_free(info);
}

static void put_pem(X509 *cert, struct chio_buf *out) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL;
  MUST(bio != NULL && PEM_write_bio_X509(bio, cert) == 1);
  long len = BIO_get_mem_data(bio, &text);
  chio_buf_append(out, text, (size_t)len);
  BIO_free(bio);
}

void release_maker_init(struct release_maker *m) {
  static const char names[] = "DNS:*.vault.azure.net,DNS:other.example";
  static const char server[] = "serverAuth";
  EVP_PKEY *released = EVP_RSA_gen(2048), *released_ec = EVP_EC_gen("P-256");
  *m = (struct release_maker){.ca_key = EVP_EC_gen("P-256"),
                              .key = EVP_RSA_gen(2048),
                              .ec_key = EVP_EC_gen("P-256"),
                              .short_key = EVP_RSA_gen(1024),
                              .ca_pem = CHIO_BUF_INIT,
                              .pkcs8 = CHIO_BUF_INIT,
                              .ec_pkcs8 = CHIO_BUF_INIT};
  MUST(m->ca_key != NULL && m->key != NULL && m->ec_key != NULL && m->short_key != NULL && released != NULL);
  m->ca = certify(m->ca_key, NULL, m->ca_key, NULL, NULL);
  m->cert = certify(m->key, m->ca, m->ca_key, names, server);
  m->ec_cert = certify(m->ec_key, m->ca, m->ca_key, names, server);
  m->client_cert = certify(m->key, m->ca, m->ca_key, names, "clientAuth");
  m->short_cert = certify(m->short_key, m->ca, m->ca_key, names, server);
  put_pem(m->ca, &m->ca_pem);
  put_pkcs8(released, &m->pkcs8);
  put_pkcs8(released_ec, &m->ec_pkcs8);
  EVP_PKEY_free(released);
  EVP_PKEY_free(released_ec);
}

void release_maker_clear(struct release_maker *m) {
  EVP_PKEY_free(m->ca_key);
  EVP_PKEY_free(m->key);
  EVP_PKEY_free(m->ec_key);
  EVP_PKEY_free(m->short_key);
  X509_free(m->ca);
  X509_free(m->cert);
  X509_free(m->ec_cert);
  X509_free(m->client_cert);
  X509_free(m->short_cert);
  chio_buf_clear(&m->ca_pem);
  chio_buf_clear(&m->pkcs8);
  chio_buf_clear(&m->ec_pkcs8);
}

struct release_spec release_spec_good(const struct release_maker *maker, const char *nonce) {
  return (struct release_spec){.alg = "RS256",
                               .kid = RELEASE_KID,
                               .kty = "RSA-HSM",
                               .nonce = nonce,
                               .enc = "RSA_AES_KEY_WRAP_256",
                               .header_enc = "RSA_AES_KEY_WRAP_256",
                               .hash = "SHA256",
                               .aes_size = 32,
                               .schema = "1.0",
                               .secret = chio_buf_slice(&maker->pkcs8),
                               .flip_ciphertext = -1};
}

/* ---- The wrapped key ---- */

static void wrap(const struct release_spec *spec, struct chio_slice spki, struct chio_buf *out) {
  uint8_t aes[32], sealed[1024], wrapped[8192];
  size_t sealed_len = sizeof sealed;
  int len = 0;
  const unsigned char *at = spki.data;
  EVP_PKEY *to = d2i_PUBKEY(NULL, &at, (long)spki.len);
  EVP_PKEY_CTX *oaep = EVP_PKEY_CTX_new(to, NULL);
  EVP_CIPHER_CTX *kwp = EVP_CIPHER_CTX_new();
  MUST(to != NULL && oaep != NULL && kwp != NULL && RAND_bytes(aes, sizeof aes) == 1);
  MUST(EVP_PKEY_encrypt_init(oaep) > 0 && EVP_PKEY_CTX_set_rsa_padding(oaep, RSA_PKCS1_OAEP_PADDING) > 0);
  MUST(EVP_PKEY_CTX_set_rsa_oaep_md_name(oaep, spec->hash, NULL) > 0);
  MUST(EVP_PKEY_encrypt(oaep, sealed, &sealed_len, aes, spec->aes_size) > 0);
  EVP_CIPHER_CTX_set_flags(kwp, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  const EVP_CIPHER *cipher = spec->aes_size == 32 ? EVP_aes_256_wrap_pad() : EVP_aes_128_wrap_pad();
  MUST(spec->secret.len + 16 <= sizeof wrapped && EVP_EncryptInit_ex(kwp, cipher, NULL, aes, NULL) == 1);
  MUST(EVP_EncryptUpdate(kwp, wrapped, &len, spec->secret.data, (int)spec->secret.len) == 1);
  chio_buf_append(out, sealed, sealed_len);
  chio_buf_append(out, wrapped, (size_t)len);
  if (spec->flip_ciphertext >= 0) out->data[spec->flip_ciphertext] ^= 1;
  EVP_CIPHER_CTX_free(kwp);
  EVP_PKEY_CTX_free(oaep);
  EVP_PKEY_free(to);
}

static void put_member(struct chio_buf *out, const char *before, const char *value) {
  if (value != NULL) chio_buf_printf(out, "%s\"%s\"", before, value);
}

static void put_key_hsm(const struct release_spec *spec, struct chio_slice spki, struct chio_buf *out) {
  struct chio_buf json = CHIO_BUF_INIT, ciphertext = CHIO_BUF_INIT;
  wrap(spec, spki, &ciphertext);
  chio_buf_append_str(&json, "{\"header\":{\"alg\":\"dir\"");
  put_member(&json, ",\"enc\":", spec->header_enc);
  chio_buf_append_str(&json, "}");
  put_member(&json, ",\"schema_version\":", spec->schema);
  chio_buf_append_str(&json, ",\"ciphertext\":\"");
  chio_base64url_append(&json, chio_buf_slice(&ciphertext));
  chio_buf_append_str(&json, "\"}");
  chio_base64url_append(out, chio_buf_slice(&json));
  chio_buf_clear(&json);
  chio_buf_clear(&ciphertext);
}

static void put_payload(const struct release_spec *spec, struct chio_slice spki, struct chio_buf *out) {
  if (spec->payload != NULL) {
    chio_buf_append_str(out, spec->payload);
    return;
  }
  chio_buf_append_str(out, "{\"request\":{\"api-version\":\"7.4\"");
  put_member(out, ",\"enc\":", spec->enc);
  put_member(out, ",\"nonce\":", spec->nonce);
  chio_buf_append_str(out, "},\"response\":{\"key\":{\"attributes\":{\"exportable\":true},\"key\":{\"key_ops\":[]");
  put_member(out, ",\"kid\":", spec->kid);
  put_member(out, ",\"kty\":", spec->kty);
  chio_buf_append_str(out, ",\"key_hsm\":\"");
  if (spec->key_hsm != NULL)
    chio_buf_append_str(out, spec->key_hsm);
  else
    put_key_hsm(spec, spki, out);
  chio_buf_append_str(out, "\"}}}}");
}

/* ---- The signature ---- */

static void put_cert(const X509 *cert, const char *before, struct chio_buf *out) {
  unsigned char *der = NULL;
  int len = i2d_X509(cert, &der);
  MUST(len > 0);
  chio_buf_append_str(out, before);
  chio_base64_append(out, chio_slice(der, (size_t)len));
  chio_buf_append_u8(out, '"');
  OPENSSL_free(der);
}

static void put_header(const struct release_maker *maker, const struct release_spec *spec, struct chio_buf *out) {
  chio_buf_printf(out, "{\"alg\":\"%s\",\"typ\":\"JWT\"", spec->alg);
  if (spec->with_crit) chio_buf_append_str(out, ",\"crit\":[\"exp\"],\"exp\":1");
  if (!spec->without_certs) {
    put_cert(spec->leaf != NULL ? spec->leaf : maker->cert, ",\"x5c\":[\"", out);
    if (!spec->leaf_alone) put_cert(maker->ca, ",\"", out);
    chio_buf_append_u8(out, ']');
  }
  chio_buf_append_u8(out, '}');
}

static void sign(const struct release_maker *maker, const struct release_spec *spec, struct chio_buf *text) {
  const char *alg = spec->signed_as != NULL ? spec->signed_as : spec->alg;
  EVP_PKEY *key = spec->signer != NULL ? spec->signer : maker->key;
  const char *digest = strstr(alg, "384") != NULL ? "SHA384" : strstr(alg, "512") != NULL ? "SHA512" : "SHA256";
  EVP_PKEY_CTX *details = NULL;
  uint8_t signature[512];
  size_t len = sizeof signature;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  MUST(EVP_DigestSignInit_ex(context, &details, digest, NULL, NULL, key, NULL) == 1);
  if (alg[0] == 'P')
    MUST(EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) > 0);
  MUST(EVP_DigestSign(context, signature, &len, text->data, text->len) == 1);
  chio_buf_append_u8(text, '.');
  chio_base64url_append(text, chio_slice(signature, spec->cut_signature ? len - 1 : len));
  EVP_MD_CTX_free(context);
}

void release_make(const struct release_maker *maker, const struct release_spec *spec, struct chio_slice spki,
                  struct chio_buf *out) {
  struct chio_buf part = CHIO_BUF_INIT, text = CHIO_BUF_INIT;
  put_header(maker, spec, &part);
  chio_base64url_append(&text, chio_buf_slice(&part));
  chio_buf_append_u8(&text, '.');
  chio_buf_reset(&part);
  put_payload(spec, spki, &part);
  chio_base64url_append(&text, chio_buf_slice(&part));
  sign(maker, spec, &text);
  MUST(chio_buf_err(&text) == CHIO_OK);
  chio_buf_append_slice(out, chio_buf_slice(&text));
  chio_buf_clear(&part);
  chio_buf_clear(&text);
}
