#include "signer/core/crypto_context.h"
#include "signer/core/key.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* What a certificate is made of, freed as one. */
struct parts {
  X509 *cert;
  EVP_PKEY *subject;
  EVP_MD_CTX *signing;
};

static bool set_name(X509_NAME *name, const char *cn) {
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0) == 1;
}

static bool set_serial(X509 *cert, const uint8_t serial[16]) {
  BIGNUM *bn = BN_bin2bn(serial, 16, NULL);
  bool ok = bn != NULL && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;
  BN_free(bn);
  return ok;
}

static bool set_times(X509 *cert, const struct chio_cert_spec *spec) {
  return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)spec->not_before) != NULL &&
         ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)spec->not_after) != NULL;
}

static bool add_extension(X509 *cert, const struct chio_cert_spec *spec) {
  if (spec->extension_oid == NULL) return true;
  ASN1_OBJECT *oid = OBJ_txt2obj(spec->extension_oid, 1);
  ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
  X509_EXTENSION *extension = NULL;
  if (oid != NULL && value != NULL &&
      ASN1_OCTET_STRING_set(value, spec->extension.data, (int)spec->extension.len) == 1)
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
  bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(oid);
  return ok;
}

static bool add_basic_constraints(X509 *cert) {
  X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:FALSE");
  bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

static bool fill(struct parts *p, const struct chio_key *subject, const struct chio_cert_spec *spec) {
  struct chio_slice spki = chio_key_spki(subject);
  const unsigned char *at = spki.data;
  p->subject = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, chio_crypto_context(), NULL);
  p->cert = X509_new_ex(chio_crypto_context(), NULL);
  return p->subject != NULL && p->cert != NULL && X509_set_version(p->cert, X509_VERSION_3) == 1 &&
         set_serial(p->cert, spec->serial) && set_times(p->cert, spec) &&
         set_name(X509_get_subject_name(p->cert), spec->subject_cn) &&
         set_name(X509_get_issuer_name(p->cert), spec->issuer_cn) && X509_set_pubkey(p->cert, p->subject) == 1 &&
         add_basic_constraints(p->cert) && add_extension(p->cert, spec);
}

static bool sign(struct parts *p, struct chio_key *issuer) {
  p->signing = EVP_MD_CTX_new();
  return p->signing != NULL &&
         EVP_DigestSignInit_ex(p->signing, NULL, "SHA2-256", chio_crypto_context(), NULL, issuer->pkey, NULL) == 1 &&
         X509_sign_ctx(p->cert, p->signing) > 0;
}

static enum chio_err encode(const struct parts *p, struct chio_buf *out) {
  int len = i2d_X509(p->cert, NULL);
  if (len <= 0) return CHIO_E_INTERNAL;
  uint8_t *at = chio_buf_reserve(out, (size_t)len);
  if (at == NULL) return CHIO_E_NO_MEMORY;
  if (i2d_X509(p->cert, &at) != len) return CHIO_E_INTERNAL;
  out->len += (size_t)len;
  return CHIO_OK;
}

enum chio_err chio_key_certify(const struct chio_key *subject, struct chio_key *issuer,
                               const struct chio_cert_spec *spec, struct chio_buf *out_der) {
  struct parts p = {NULL, NULL, NULL};
  if (!issuer->is_private || issuer->pkey == NULL) return CHIO_E_KEY_TYPE;
  ERR_set_mark();
  enum chio_err err = fill(&p, subject, spec) && sign(&p, issuer) ? encode(&p, out_der) : CHIO_E_INTERNAL;
  ERR_pop_to_mark();
  EVP_MD_CTX_free(p.signing);
  X509_free(p.cert);
  EVP_PKEY_free(p.subject);
  return err;
}
