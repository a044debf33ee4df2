#include "tests/support/hsm_attest.h"

#include "signer/base/macros.h"
#include "signer/base/text.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <zlib.h>

#define SIGNATURE 256u
#define PADDED 128u
#define DAY 86400

/* ---- Keys and certificates ---- */

static const struct {
  enum hsm_key key, issuer_key;
  enum hsm_cert issuer;
  bool v1;
  const char *cn;
} plan[HSM_CERTS] = {
    [HSM_ROOT] = {HSM_ROOT_KEY, HSM_ROOT_KEY, HSM_ROOT, false, "Simulated LiquidSecurity Root"},
    [HSM_CARD] = {HSM_CARD_KEY, HSM_ROOT_KEY, HSM_ROOT, true, "HSM:SIM-1, for FIPS mode"},
    [HSM_PARTITION] = {HSM_PARTITION_KEY, HSM_CARD_KEY, HSM_CARD, true, "HSM:SIM-1:PARTN:1, for FIPS mode"},
    [HSM_OWNER_ROOT] = {HSM_OWNER_KEY, HSM_OWNER_KEY, HSM_OWNER_ROOT, false, "Simulated HSM Owner Root"},
    [HSM_OWNER_CARD] = {HSM_CARD_KEY, HSM_OWNER_KEY, HSM_OWNER_ROOT, false, "HSM:SIM-1, for FIPS mode"},
    [HSM_OWNER_PARTITION] = {HSM_PARTITION_KEY, HSM_OWNER_KEY, HSM_OWNER_ROOT, false,
                             "HSM:SIM-1:PARTN:1, for FIPS mode"},
};

static bool constrain(X509 *cert, bool ca) {
  X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, ca ? "critical,CA:TRUE" : "CA:FALSE");
  bool done = e != NULL && X509_add_ext(cert, e, -1) == 1;
  X509_EXTENSION_free(e);
  return done;
}

X509 *hsm_certify(EVP_PKEY *key, const char *cn, X509 *issuer, EVP_PKEY *issuer_key, bool v1, int from_days,
                  int until_days) {
  static long serial = 1;
  X509 *cert = X509_new();
  if (cert == NULL) return NULL;
  X509_NAME *name = X509_get_subject_name(cert);
  bool done = X509_set_version(cert, v1 ? 0 : 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(cert), (long)from_days * DAY) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(cert), (long)until_days * DAY) != NULL &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0) == 1 &&
              X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : name) == 1 &&
              X509_set_pubkey(cert, key) == 1 && (v1 || constrain(cert, issuer == NULL)) &&
              X509_sign(cert, issuer_key, EVP_sha256()) > 0;
  if (done) return cert;
  X509_free(cert);
  return NULL;
}

void hsm_clear(struct hsm *hsm) {
  for (size_t i = 0; i < HSM_KEYS; i++) EVP_PKEY_free(hsm->keys[i]);
  for (size_t i = 0; i < HSM_CERTS; i++) X509_free(hsm->certs[i]);
  *hsm = (struct hsm){.keys = {NULL}};
}

bool hsm_new(struct hsm *out) {
  *out = (struct hsm){.keys = {NULL}};
  for (size_t i = 0; i < HSM_KEYS; i++)
    if ((out->keys[i] = EVP_RSA_gen(2048)) == NULL) return false;
  for (size_t i = 0; i < HSM_CERTS; i++) {
    X509 *issuer = plan[i].issuer == (enum hsm_cert)i ? NULL : out->certs[plan[i].issuer];
    out->certs[i] = hsm_certify(out->keys[plan[i].key], plan[i].cn, issuer, out->keys[plan[i].issuer_key], plan[i].v1,
                                -1, 3650);
    if (out->certs[i] == NULL) return false;
  }
  return true;
}

static FILE *open_in(const char *folder, const char *kind, size_t i, const char *mode) {
  char path[512];
  (void)snprintf(path, sizeof path, "%s/hsm-%s-%zu.pem", folder, kind, i);
  return fopen(path, mode);
}

static bool save_one(const char *folder, const char *kind, size_t i, EVP_PKEY *key, X509 *cert) {
  FILE *file = open_in(folder, kind, i, "w");
  if (file == NULL) return false;
  bool done = key != NULL ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1
                          : PEM_write_X509(file, cert) == 1;
  return fclose(file) == 0 && done;
}

bool hsm_save(const struct hsm *hsm, const char *folder) {
  bool done = true;
  for (size_t i = 0; i < HSM_KEYS; i++) done = done && save_one(folder, "key", i, hsm->keys[i], NULL);
  for (size_t i = 0; i < HSM_CERTS; i++) done = done && save_one(folder, "cert", i, NULL, hsm->certs[i]);
  return done;
}

bool hsm_load(const char *folder, struct hsm *out) {
  bool done = true;
  *out = (struct hsm){.keys = {NULL}};
  for (size_t i = 0; i < HSM_KEYS + HSM_CERTS; i++) {
    bool key = i < HSM_KEYS;
    FILE *file = open_in(folder, key ? "key" : "cert", key ? i : i - HSM_KEYS, "r");
    if (file == NULL) return false;
    if (key)
      done = (out->keys[i] = PEM_read_PrivateKey(file, NULL, NULL, NULL)) != NULL && done;
    else
      done = (out->certs[i - HSM_KEYS] = PEM_read_X509(file, NULL, NULL, NULL)) != NULL && done;
    (void)fclose(file);
  }
  return done;
}

/* ---- Attributes ---- */

struct object {
  struct chio_buf bytes;
  uint32_t count;
};

static void put(struct object *o, uint32_t type, const void *value, size_t len) {
  chio_buf_append_u32be(&o->bytes, type);
  chio_buf_append_u32be(&o->bytes, (uint32_t)len);
  chio_buf_append(&o->bytes, value, len);
  o->count++;
}

static void put_u8(struct object *o, uint32_t type, uint8_t value) {
  put(o, type, &value, 1);
}

static void put_text(struct object *o, uint32_t type, const char *text) {
  char padded[PADDED] = {0};
  size_t len = strlen(text) < PADDED ? strlen(text) : PADDED;
  memcpy(padded, text, len);
  put(o, type, padded, sizeof padded);
}

static void put_number(struct object *o, uint32_t type, const EVP_PKEY *key, const char *name) {
  uint8_t bytes[1024];
  BIGNUM *number = NULL;
  if (EVP_PKEY_get_bn_param(key, name, &number) == 1 && BN_num_bytes(number) <= (int)sizeof bytes) {
    int len = BN_bn2bin(number, bytes);
    put(o, type, bytes, (size_t)len);
  }
  BN_free(number);
}

static void put_point(struct object *o, const EVP_PKEY *key) {
  uint8_t bytes[256];
  size_t len = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, bytes, sizeof bytes, &len) == 1)
    put(o, 0x0120, bytes, len);
}

static void put_check_values(struct object *o, EVP_PKEY *key) {
  uint8_t *spki = NULL, sha1[SHA_DIGEST_LENGTH], sha256[SHA256_DIGEST_LENGTH];
  int len = i2d_PUBKEY(key, &spki);
  if (len <= 0) return;
  (void)SHA1(spki, (size_t)len, sha1);
  (void)SHA256(spki, (size_t)len, sha256);
  put(o, 0x0173, sha1, 3);
  put(o, 0x1003, sha256, sizeof sha256);
  OPENSSL_free(spki);
}

static void put_material(struct object *o, const EVP_PKEY *key, bool rsa) {
  if (!rsa) {
    put_point(o, key);
    return;
  }
  put_number(o, 0x0120, key, OSSL_PKEY_PARAM_RSA_N);
  put_number(o, 0x0122, key, OSSL_PKEY_PARAM_RSA_E);
}

/* The attributes of a genuine one that are read, and some that are not. */
static void fill(struct object *o, bool is_private, EVP_PKEY *key, const char *id, unsigned flaws, EVP_PKEY *other) {
  bool rsa = EVP_PKEY_is_a(key, "RSA");
  bool symmetric = (flaws & HSM_SYMMETRIC) != 0;
  put_u8(o, 0x0000, symmetric ? 4 : is_private ? 3 : 2);
  put_u8(o, 0x0100, symmetric ? 0x1f : (flaws & HSM_OTHER_TYPE) != 0 ? 0x40 : rsa ? 0 : 3);
  put_u8(o, 0x0001, 2);
  put_u8(o, 0x0108, is_private);
  put_u8(o, 0x0163, is_private && (flaws & HSM_IMPORTED) != 0 ? 0 : 1);
  put_u8(o, 0x0103, is_private && (flaws & HSM_NOT_SENSITIVE) == 0);
  if ((flaws & HSM_NO_FLAG) == 0) put_u8(o, 0x0162, !is_private || (flaws & HSM_EXTRACTABLE) != 0);
  put_text(o, 0x0003, "app_key");
  put_text(o, 0x0102, id);
  if ((flaws & HSM_NO_EKCV) == 0) put_check_values(o, (flaws & HSM_OTHER_EKCV) != 0 ? other : key);
  if ((flaws & HSM_NO_MATERIAL) == 0 && !symmetric) put_material(o, key, rsa);
  put_u8(o, 0x0165, is_private && (flaws & HSM_NOT_ALWAYS_SENSITIVE) == 0);
  put_u8(o, 0x0164, is_private && (flaws & HSM_ONCE_EXTRACTABLE) == 0);
  put_u8(o, 0x80000002, 0);
  if ((flaws & HSM_TWICE) != 0) put_u8(o, 0x0164, 1);
}

static void put_object(struct chio_buf *out, const struct object *o, uint32_t handle) {
  chio_buf_append_u32be(out, handle);
  chio_buf_append_u32be(out, o->count);
  chio_buf_append_u32be(out, (uint32_t)o->bytes.len);
  chio_buf_append_slice(out, chio_buf_slice(&o->bytes));
}

/* ---- The attestation ---- */

static bool sign_raw(EVP_PKEY *key, struct chio_slice bytes, uint8_t out[SIGNATURE]) {
  uint8_t padded[SIGNATURE] = {0};
  size_t len = SIGNATURE;
  (void)SHA256(bytes.data, bytes.len, padded + SIGNATURE - SHA256_DIGEST_LENGTH);
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
  bool done = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_sign(ctx, out, &len, padded, sizeof padded) == 1 && len == SIGNATURE;
  EVP_PKEY_CTX_free(ctx);
  return done;
}

static bool sign_pkcs1(EVP_PKEY *key, struct chio_slice bytes, uint8_t out[SIGNATURE]) {
  size_t len = SIGNATURE;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool done = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestSign(ctx, out, &len, bytes.data, bytes.len) == 1 && len == SIGNATURE;
  EVP_MD_CTX_free(ctx);
  return done;
}

bool hsm_sign(const struct hsm *hsm, struct chio_buf *attestation) {
  size_t len = attestation->len - SIGNATURE;
  return sign_pkcs1(hsm->keys[HSM_PARTITION_KEY], chio_slice(attestation->data, len), attestation->data + len);
}

static void put_head(struct chio_buf *out, size_t buffer, size_t objects) {
  size_t before = 16 + 8 * objects;
  chio_buf_append_u32be(out, 0);
  chio_buf_append_u32be(out, 3);
  chio_buf_append_u32be(out, (uint32_t)(before + buffer + SIGNATURE));
  chio_buf_append_u32be(out, (uint32_t)buffer);
  for (uint32_t i = 0; i < objects; i++) {
    chio_buf_append_u32be(out, 0);
    chio_buf_append_u32be(out, 2588 + i);
  }
}

static void put_all(struct chio_buf *out, const struct object *first, const struct object *second) {
  size_t first_len = 12 + first->bytes.len, second_len = second != NULL ? 12 + second->bytes.len : 0;
  put_head(out, 8 + first_len + second_len, second != NULL ? 2 : 1);
  chio_buf_append_u16be(out, 1);
  chio_buf_append_u16be(out, 3);
  chio_buf_append_u16be(out, 8);
  chio_buf_append_u16be(out, second != NULL ? (uint16_t)(8 + first_len) : 0);
  put_object(out, first, 2588);
  if (second != NULL) put_object(out, second, 2589);
}

bool hsm_attest(const struct hsm *hsm, EVP_PKEY *key, const char *id, unsigned flaws, EVP_PKEY *other,
                struct chio_buf *out) {
  struct object halves[2] = {{CHIO_BUF_INIT, 0}, {CHIO_BUF_INIT, 0}};
  uint8_t signature[SIGNATURE];
  bool one = (flaws & (HSM_SYMMETRIC | HSM_ALONE | HSM_PUBLIC_ALONE)) != 0;
  fill(&halves[0], (flaws & HSM_TWO_PRIVATE) != 0, (flaws & HSM_OTHER_PUBLIC) != 0 ? other : key, id, 0, NULL);
  fill(&halves[1], true, key, id, flaws, other);
  if (one)
    put_all(out, &halves[(flaws & HSM_PUBLIC_ALONE) != 0 ? 0 : 1], NULL);
  else
    put_all(out, &halves[0], &halves[1]);
  bool raw = (flaws & HSM_RAW_SIGNATURE) != 0;
  EVP_PKEY *signer = hsm->keys[HSM_PARTITION_KEY];
  bool done = raw ? sign_raw(signer, chio_buf_slice(out), signature)
                  : sign_pkcs1(signer, chio_buf_slice(out), signature);
  chio_buf_append(out, signature, sizeof signature);
  done = done && !out->failed && !halves[0].bytes.failed && !halves[1].bytes.failed;
  for (size_t i = 0; i < 2; i++) chio_buf_clear(&halves[i].bytes);
  return done;
}

/* ---- As the clouds hand it out ---- */

bool hsm_gzip(struct chio_slice bytes, struct chio_buf *out) {
  z_stream stream = {.next_in = (z_const Bytef *)bytes.data, .avail_in = (uInt)bytes.len};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
  size_t room = deflateBound(&stream, (uLong)bytes.len);
  stream.next_out = chio_buf_reserve(out, room);
  stream.avail_out = (uInt)room;
  bool done = stream.next_out != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END;
  if (done) out->len += room - stream.avail_out;
  (void)deflateEnd(&stream);
  return done;
}

void hsm_pem(const X509 *cert, struct chio_buf *out) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL;
  if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1) out->failed = true;
  long len = bio != NULL ? BIO_get_mem_data(bio, &text) : 0;
  if (len > 0) chio_buf_append(out, text, (size_t)len);
  BIO_free(bio);
}

static void put_certs(const struct hsm *hsm, const char *name, const enum hsm_cert *list, size_t count,
                      struct chio_buf *out) {
  chio_buf_printf(out, "\"%s\":[", name);
  for (size_t i = 0; i < count; i++) {
    struct chio_buf pem = CHIO_BUF_INIT;
    hsm_pem(hsm->certs[list[i]], &pem);
    if (i > 0) chio_buf_append_str(out, ",");
    chio_json_quote(out, chio_buf_slice(&pem));
    chio_buf_clear(&pem);
  }
  chio_buf_append_str(out, "]");
}

bool hsm_google(const struct hsm *hsm, struct chio_slice attestation, const char *name, struct chio_buf *out) {
  static const enum hsm_cert maker[] = {HSM_PARTITION, HSM_CARD, HSM_ROOT}, card[] = {HSM_OWNER_CARD, HSM_OWNER_ROOT},
                             partition[] = {HSM_OWNER_PARTITION, HSM_OWNER_ROOT};
  struct chio_buf packed = CHIO_BUF_INIT;
  bool done = hsm_gzip(attestation, &packed);
  chio_buf_append_str(out, "{\"name\":");
  chio_json_quote(out, chio_slice_str(name));
  chio_buf_append_str(out, ",\"attestation\":{\"format\":\"CAVIUM_V2_COMPRESSED\",\"content\":\"");
  chio_base64_append(out, chio_buf_slice(&packed));
  chio_buf_append_str(out, "\",\"certChains\":{");
  put_certs(hsm, "caviumCerts", maker, CHIO_ARRAY_LEN(maker), out);
  chio_buf_append_str(out, ",");
  put_certs(hsm, "googleCardCerts", card, CHIO_ARRAY_LEN(card), out);
  chio_buf_append_str(out, ",");
  put_certs(hsm, "googlePartitionCerts", partition, CHIO_ARRAY_LEN(partition), out);
  chio_buf_append_str(out, "}}}\n");
  chio_buf_clear(&packed);
  return done && !out->failed;
}

bool hsm_azure(const struct hsm *hsm, struct chio_slice attestation, struct chio_slice second, struct chio_buf *out) {
  struct chio_buf pem = CHIO_BUF_INIT;
  for (size_t i = 0; i < HSM_CERTS; i++) hsm_pem(hsm->certs[i], &pem);
  chio_buf_append_str(out, "{\"attributes\":{\"attestation\":{\"certificatePemFile\":\"");
  chio_base64url_append(out, chio_buf_slice(&pem));
  chio_buf_append_str(out, "\",\"privateKeyAttestation\":\"");
  chio_base64url_append(out, attestation);
  chio_buf_append_str(out, "\",\"publicKeyAttestation\":");
  chio_buf_append_str(out, second.len > 0 ? "\"" : "null");
  if (second.len > 0) chio_base64url_append(out, second);
  chio_buf_append_str(out, second.len > 0 ? "\",\"version\":\"3.2\"}}}\n" : ",\"version\":\"3.2\"}}}\n");
  chio_buf_clear(&pem);
  return !out->failed && !pem.failed;
}
