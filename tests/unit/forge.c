#include "tests/unit/forge.h"

#include "signer/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

/* An OID of nobody's: 1.3.6.1.4.1.99999.1 */
#define UNKNOWN_OID "1.3.6.1.4.1.99999.1"

/* ---- Keys ---- */

EVP_PKEY *forge_key(const char *kind) {
  EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                                           : EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
  assert_non_null(key);
  return key;
}

EVP_PKEY *forge_explicit_key(void) {
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  char group[] = "P-256", encoding[] = "explicit";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, encoding, 0),
                         OSSL_PARAM_construct_end()};
  assert_true(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_params(ctx, params) == 1 &&
              EVP_PKEY_generate(ctx, &key) == 1);
  EVP_PKEY_CTX_free(ctx);
  return key;
}

/* ---- Certificates ---- */

static void set_name(X509_NAME *name, const char *cn) {
  assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0), 1);
  assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Forgers", -1, -1, 0),
                   1);
}

static void add_text(X509 *cert, X509 *issuer, int nid, const char *value) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
  assert_non_null(extension);
  assert_int_equal(X509_add_ext(cert, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

static void add_bytes(X509 *cert, const char *oid, bool critical, struct chio_slice contents) {
  ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
  ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
  assert_int_equal(ASN1_OCTET_STRING_set(octets, contents.data, (int)contents.len), 1);
  X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
  assert_int_equal(X509_add_ext(cert, extension, -1), 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(octets);
  ASN1_OBJECT_free(object);
}

static void add_constraints(X509 *cert, X509 *issuer, const struct forge_cert *spec) {
  char text[64];
  if ((spec->flags & FORGE_NO_CONSTRAINTS) != 0) return;
  if ((spec->flags & FORGE_TWO_CONSTRAINTS) != 0) add_text(cert, issuer, NID_basic_constraints, "critical,CA:FALSE");
  if (spec->ca && spec->path_len >= 0)
    snprintf(text, sizeof text, "critical,CA:TRUE,pathlen:%d", spec->path_len);
  else
    snprintf(text, sizeof text, "critical,CA:%s", spec->ca ? "TRUE" : "FALSE");
  add_text(cert, issuer, NID_basic_constraints, text);
}

static void add_key_ids(X509 *cert, X509 *issuer, const struct forge_cert *spec) {
  static const uint8_t other[] = {0x30, 0x06, 0x80, 0x04, 'f', 'o', 'r', 'g'}, empty[] = {0x30, 0x02, 0x80, 0x00};
  if ((spec->flags & FORGE_NO_KEY_IDS) != 0) return;
  add_text(cert, issuer, NID_subject_key_identifier, "hash");
  if ((spec->flags & FORGE_AKI_OTHER) != 0)
    add_bytes(cert, "2.5.29.35", false, chio_slice(other, sizeof other));
  else if ((spec->flags & FORGE_AKI_EMPTY) != 0)
    add_bytes(cert, "2.5.29.35", false, chio_slice(empty, sizeof empty));
  else if (issuer != cert && X509_get0_subject_key_id(issuer) != NULL)
    add_text(cert, issuer, NID_authority_key_identifier, "keyid");
}

static void add_extensions(X509 *cert, X509 *issuer, const struct forge_cert *spec) {
  if ((spec->flags & FORGE_VERSION_1) != 0) return;
  const char *usage = spec->key_usage != NULL ? spec->key_usage
                      : spec->ca              ? "critical,keyCertSign,cRLSign"
                                              : "critical,digitalSignature,nonRepudiation";
  add_key_ids(cert, issuer, spec);
  if (usage[0] != 0) add_text(cert, issuer, NID_key_usage, usage);
  add_constraints(cert, issuer, spec);
  if ((spec->flags & FORGE_CRITICAL) != 0) add_bytes(cert, UNKNOWN_OID, true, chio_slice("\x05\x00", 2));
  for (size_t i = 0; i < spec->extensions_count; i++) {
    add_bytes(cert, spec->extensions[i].oid, false, spec->extensions[i].contents);
  }
  for (int i = 0; spec->extension_of != NULL && i < X509_get_ext_count(spec->extension_of); i++) {
    X509_EXTENSION *extension = X509_get_ext(spec->extension_of, i);
    if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_undef) continue;
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
  }
}

static void sign(X509 *cert, EVP_PKEY *key, unsigned flags) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *key_ctx = NULL;
  bool pss = (flags & (FORGE_PSS | FORGE_PSS_SHA256)) != 0, p384 = EVP_PKEY_get_bits(key) == 384;
  const EVP_MD *digest = (flags & FORGE_SHA1) != 0                          ? EVP_sha1()
                         : (pss && (flags & FORGE_PSS_SHA256) == 0) || p384 ? EVP_sha384()
                                                                            : EVP_sha256();
  assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, digest, NULL, key), 1);
  if (pss) {
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, EVP_MD_get_size(digest)), 1);
  }
  assert_true(X509_sign_ctx(cert, ctx) > 0);
  EVP_MD_CTX_free(ctx);
}

static X509 *without_signature(X509 *cert) {
  unsigned char *der = NULL;
  int len = i2d_X509(cert, &der);
  const ASN1_BIT_STRING *signature = NULL;
  X509_get0_signature(&signature, NULL, cert);
  memset(der + len - signature->length, 0, (size_t)signature->length);
  const unsigned char *at = der;
  X509 *copy = d2i_X509(NULL, &at, len);
  assert_non_null(copy);
  OPENSSL_free(der);
  X509_free(cert);
  return copy;
}

X509 *forge_certify(EVP_PKEY *key, EVP_PKEY *issuer_key, X509 *issuer, const struct forge_cert *spec) {
  static long serial = 1000;
  X509 *cert = X509_new();
  X509_NAME *issuer_name = X509_NAME_new();
  bool dated = spec->from_days != 0 || spec->until_days != 0;
  X509_set_version(cert, (spec->flags & FORGE_VERSION_1) != 0 ? X509_VERSION_1 : X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
  X509_time_adj_ex(X509_getm_notBefore(cert), dated ? spec->from_days : -1, 0, NULL);
  X509_time_adj_ex(X509_getm_notAfter(cert), dated ? spec->until_days : 3650, 0, NULL);
  set_name(X509_get_subject_name(cert), spec->cn);
  if (spec->issuer_cn != NULL) set_name(issuer_name, spec->issuer_cn);
  X509_set_issuer_name(cert, spec->issuer_cn != NULL ? issuer_name
                             : issuer != NULL        ? X509_get_subject_name(issuer)
                                                     : X509_get_subject_name(cert));
  assert_int_equal(X509_set_pubkey(cert, key), 1);
  add_extensions(cert, issuer != NULL ? issuer : cert, spec);
  EVP_PKEY *signer = issuer_key != NULL ? issuer_key : key, *other = NULL;
  if ((spec->flags & FORGE_OTHER_SIGNER) != 0) {
    char curve[32];
    size_t len;
    bool rsa = EVP_PKEY_is_a(signer, "RSA") != 0;
    if (!rsa) assert_int_equal(EVP_PKEY_get_group_name(signer, curve, sizeof curve, &len), 1);
    signer = other = forge_key(rsa ? "RSA" : curve);
  }
  sign(cert, signer, spec->flags);
  EVP_PKEY_free(other);
  X509_NAME_free(issuer_name);
  return (spec->flags & FORGE_NOT_SIGNED) != 0 ? without_signature(cert) : cert;
}

void forge_der(const X509 *cert, struct chio_buf *out) {
  unsigned char *der = NULL;
  int len = i2d_X509(cert, &der);
  assert_true(len > 0);
  chio_buf_append(out, der, (size_t)len);
  OPENSSL_free(der);
}

void forge_pem_of(struct chio_slice der, struct chio_buf *out) {
  struct chio_buf text = CHIO_BUF_INIT;
  chio_base64_append(&text, der);
  chio_buf_append_str(out, "-----BEGIN CERTIFICATE-----\n");
  for (size_t at = 0; at < text.len; at += 64) {
    chio_buf_append(out, text.data + at, text.len - at < 64 ? text.len - at : 64);
    chio_buf_append_u8(out, '\n');
  }
  chio_buf_append_str(out, "-----END CERTIFICATE-----\n");
  chio_buf_clear(&text);
}

void forge_pem(const X509 *cert, struct chio_buf *out) {
  struct chio_buf der = CHIO_BUF_INIT;
  forge_der(cert, &der);
  forge_pem_of(chio_buf_slice(&der), out);
  chio_buf_clear(&der);
}

/* ---- Judging ---- */

struct chio_attest_result *forge_judge(const struct chio_attest_request *request) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_verify(request, &result, &message) != CHIO_ATTEST_OK) fail_msg("%s", message.text);
  return result;
}

void forge_expect(const char *what, struct chio_attest_result *result, enum chio_attest_reason reason,
                  uint32_t unproved) {
  print_message("# %-66s %s\n", what, chio_attest_reason_code(result->reason));
  if (result->reason != reason || result->accepted != (reason == CHIO_ATTEST_ACCEPTED)) {
    fail_msg("%s: expected %s, got %s (%s)", what, chio_attest_reason_code(reason),
             chio_attest_reason_code(result->reason), result->failures_count > 0 ? result->failures[0].text : "");
  }
  if ((result->proved & unproved) != 0) fail_msg("%s: proved %x", what, result->proved & unproved);
  chio_attest_result_free(result);
}
