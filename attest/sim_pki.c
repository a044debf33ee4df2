#include "attest/sim_pki.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

/* ---- Certificates ---- */

static bool set_name(X509_NAME *name, const char *cn) {
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0) == 1 &&
         X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"chio-hsm simulation", -1, -1,
                                    0) == 1;
}

static bool set_serial(X509 *cert) {
  uint8_t bytes[16];
  if (RAND_bytes_ex(chio_attest_libctx(), bytes, sizeof bytes, 0) != 1) return false;
  bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, always 16 octets */
  BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
  bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
  BN_free(number);
  return ok;
}

static bool add_standard(X509 *cert, X509 *issuer, int nid, const char *value) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
  bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

static bool add_own(X509 *cert, const char *oid, struct chio_slice contents) {
  ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
  ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
  X509_EXTENSION *extension = NULL;
  bool ok = object != NULL && octets != NULL && contents.len <= INT_MAX &&
            ASN1_OCTET_STRING_set(octets, contents.data, (int)contents.len) == 1;
  if (ok) extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
  ok = ok && extension != NULL && X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(octets);
  ASN1_OBJECT_free(object);
  return ok;
}

static bool add_standards(X509 *cert, X509 *issuer, const struct chio_sim_cert_spec *spec) {
  char constraints[64];
  if (!spec->ca)
    snprintf(constraints, sizeof constraints, "critical,CA:FALSE");
  else if (spec->path_len < 0)
    snprintf(constraints, sizeof constraints, "critical,CA:TRUE");
  else
    snprintf(constraints, sizeof constraints, "critical,CA:TRUE,pathlen:%d", spec->path_len);
  return add_standard(cert, issuer, NID_subject_key_identifier, "hash") &&
         add_standard(cert, issuer, NID_authority_key_identifier, "keyid") &&
         add_standard(cert, issuer, NID_key_usage,
                      spec->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature,nonRepudiation") &&
         add_standard(cert, issuer, NID_basic_constraints, constraints);
}

static bool add_extensions(X509 *cert, X509 *issuer, const struct chio_sim_cert_spec *spec) {
  bool ok = spec->bare || add_standards(cert, issuer, spec);
  for (size_t i = 0; i < spec->extensions_count && ok; i++)
    ok = add_own(cert, spec->extensions[i].oid, spec->extensions[i].value);
  return ok;
}

/* A certificate of seconds begins a moment before, as AWS has it: a clock may be behind. */
static bool set_period(X509 *cert, const struct chio_sim_cert_spec *spec) {
  bool lasting = spec->days > 0;
  return X509_time_adj_ex(X509_getm_notBefore(cert), lasting ? -1 : 0, lasting ? 0 : -3, NULL) != NULL &&
         X509_time_adj_ex(X509_getm_notAfter(cert), spec->days, spec->seconds, NULL) != NULL;
}

static bool set_pss(EVP_PKEY_CTX *ctx) {
  return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, "SHA384", NULL) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 48) == 1;
}

static bool sign(X509 *cert, EVP_PKEY *key) {
  const char *digest = EVP_PKEY_get_bits(key) > 256 ? "SHA384" : "SHA256";
  EVP_PKEY_CTX *key_ctx = NULL;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool ok = ctx != NULL &&
            EVP_DigestSignInit_ex(ctx, &key_ctx, digest, chio_attest_libctx(), NULL, key, NULL) == 1 &&
            (!EVP_PKEY_is_a(key, "RSA") || set_pss(key_ctx)) && X509_sign_ctx(cert, ctx) > 0;
  EVP_MD_CTX_free(ctx);
  return ok;
}

enum chio_err chio_sim_certify(struct chio_sim_pair *pair, const struct chio_sim_pair *issuer,
                               const struct chio_sim_cert_spec *spec) {
  X509 *cert = X509_new_ex(chio_attest_libctx(), NULL);
  if (cert == NULL) return CHIO_E_NO_MEMORY;
  X509 *issuer_cert = issuer != NULL ? issuer->cert : cert;
  EVP_PKEY *issuer_key = issuer != NULL ? issuer->key : pair->key;
  bool ok = X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
            set_name(X509_get_subject_name(cert), spec->cn) &&
            X509_set_issuer_name(cert, X509_get_subject_name(issuer_cert)) == 1 &&
            set_period(cert, spec) && X509_set_pubkey(cert, pair->key) == 1 &&
            add_extensions(cert, issuer_cert, spec) && sign(cert, issuer_key);
  if (!ok) {
    X509_free(cert);
    return CHIO_E_INTERNAL;
  }
  pair->cert = cert;
  return CHIO_OK;
}

static enum chio_err bio_append(BIO *bio, struct chio_buf *out) {
  char *data;
  long len = BIO_get_mem_data(bio, &data);
  if (len <= 0) return CHIO_E_INTERNAL;
  chio_buf_append(out, data, (size_t)len);
  return chio_buf_err(out);
}

enum chio_err chio_cert_append_pem(X509 *cert, struct chio_buf *out) {
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = PEM_write_bio_X509(bio, cert) == 1 ? bio_append(bio, out) : CHIO_E_INTERNAL;
  BIO_free(bio);
  return err;
}

void chio_sim_pki_clear(struct chio_sim_pki *pki) {
  for (size_t i = 0; i < CHIO_SIM_PAIRS_MAX; i++) {
    EVP_PKEY_free(pki->pairs[i].key);
    X509_free(pki->pairs[i].cert);
  }
  memset(pki, 0, sizeof *pki);
}

/* ---- The file ---- */

/* Writes to a name of its own and links it into place: whoever comes second finds the first one's file. */
static enum chio_err write_new(const char *path, BIO *contents, mode_t mode, struct chio_detail *detail) {
  char temporary[PATH_MAX];
  char *data;
  long len = BIO_get_mem_data(contents, &data);
  int put = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (put < 0 || (size_t)put >= sizeof temporary || len < 0) return CHIO_E_TOO_LONG;
  int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) return chio_fail(detail, CHIO_E_IO, "cannot make %s: %s", temporary, strerror(errno));
  bool ok = fchmod(fd, mode) == 0 && write(fd, data, (size_t)len) == len && fsync(fd) == 0;
  ok = close(fd) == 0 && ok;
  enum chio_err err = CHIO_OK;
  if (!ok || (link(temporary, path) != 0 && errno != EEXIST)) {
    err = chio_fail(detail, CHIO_E_IO, "cannot write %s: %s", path, strerror(errno));
  }
  (void)unlink(temporary);
  return err;
}

static enum chio_err store(const struct chio_sim_pki *pki, const char *path, struct chio_detail *detail) {
  BIO *bio = BIO_new(BIO_s_secmem());
  if (bio == NULL) return CHIO_E_NO_MEMORY;
  bool ok = true;
  for (size_t i = 0; i < pki->count && ok; i++) {
    ok = PEM_write_bio_PrivateKey(bio, pki->pairs[i].key, NULL, NULL, 0, NULL, NULL) == 1 &&
         PEM_write_bio_X509(bio, pki->pairs[i].cert) == 1;
  }
  enum chio_err err = ok ? write_new(path, bio, 0600, detail) : CHIO_E_INTERNAL;
  BIO_free(bio);
  return err;
}

static enum chio_err store_root(const struct chio_sim_pki *pki, const char *path, struct chio_detail *detail) {
  if (access(path, F_OK) == 0) return CHIO_OK;
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = CHIO_E_INTERNAL;
  if (PEM_write_bio_X509(bio, pki->pairs[0].cert) == 1) err = write_new(path, bio, 0644, detail);
  BIO_free(bio);
  return err;
}

static enum chio_err load(struct chio_sim_pki *pki, size_t pairs, const char *path, struct chio_detail *detail) {
  BIO *bio = BIO_new_file(path, "r");
  if (bio == NULL) {
    return chio_fail(detail, errno == ENOENT ? CHIO_E_NOT_FOUND : CHIO_E_IO, "cannot open %s: %s", path,
                     strerror(errno));
  }
  bool ok = true;
  for (size_t i = 0; i < pairs && ok; i++) {
    struct chio_sim_pair *pair = &pki->pairs[i];
    pair->key = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, chio_attest_libctx(), NULL);
    X509 *cert = X509_new_ex(chio_attest_libctx(), NULL);
    if (cert != NULL && PEM_read_bio_X509(bio, &cert, NULL, NULL) == NULL) {
      X509_free(cert);
      cert = NULL;
    }
    pair->cert = cert;
    ok = pair->key != NULL && cert != NULL && X509_check_private_key(cert, pair->key) == 1;
  }
  BIO_free(bio);
  pki->count = pairs;
  return ok ? CHIO_OK : chio_fail(detail, CHIO_E_IO, "%s is damaged; remove it to make a new simulated root", path);
}

static enum chio_err make_and_store(chio_sim_make *make, const char *path, struct chio_detail *detail) {
  struct chio_sim_pki fresh = {.count = 0};
  enum chio_err err = make(&fresh);
  if (err == CHIO_OK) err = store(&fresh, path, detail);
  chio_sim_pki_clear(&fresh);
  return err;
}

enum chio_err chio_sim_pki_open(const char *state_dir, const char *name, size_t pairs, chio_sim_make *make,
                                struct chio_sim_pki *out_pki, struct chio_detail *detail) {
  if (chio_attest_libctx() == NULL) return CHIO_E_INTERNAL;
  char dir[PATH_MAX], path[PATH_MAX + 64], root_path[PATH_MAX + 64];
  int put = snprintf(dir, sizeof dir, "%s/sim", state_dir);
  if (put < 0 || (size_t)put >= sizeof dir) return CHIO_E_TOO_LONG;
  snprintf(path, sizeof path, "%s/%s.pem", dir, name);
  snprintf(root_path, sizeof root_path, "%s/%s-root.pem", dir, name);
  if (make != NULL && mkdir(dir, 0700) != 0 && errno != EEXIST) {
    return chio_fail(detail, CHIO_E_IO, "cannot make %s: %s", dir, strerror(errno));
  }
  struct chio_sim_pki pki = {.count = 0};
  enum chio_err err = load(&pki, pairs, path, detail);
  if (err == CHIO_E_NOT_FOUND && make != NULL) {
    err = make_and_store(make, path, detail);
    if (err == CHIO_OK) err = load(&pki, pairs, path, detail);
  }
  if (err == CHIO_OK && make != NULL) err = store_root(&pki, root_path, detail);
  if (err != CHIO_OK) {
    chio_sim_pki_clear(&pki);
    return err;
  }
  *out_pki = pki;
  return CHIO_OK;
}
