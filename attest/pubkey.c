#include "attest/pubkey.h"

#include "attest/der.h"
#include "attest/ecdsa.h"

#include <pthread.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* Contents of the OBJECT IDENTIFIERs. */
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t oid_p521[] = {0x2b, 0x81, 0x04, 0x00, 0x23};
static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_ed25519[] = {0x2b, 0x65, 0x70};

#define OID_IS(slice, oid) chio_slice_equal((slice), chio_slice((oid), sizeof(oid)))

/* ---- Reading ---- */

static enum chio_pubkey_kind ec_kind(struct chio_cursor *parameters) {
  struct chio_slice curve;
  if (chio_der_expect(parameters, CHIO_DER_T_OID, &curve) != CHIO_OK) return CHIO_PUBKEY_OTHER;
  if (OID_IS(curve, oid_p256)) return CHIO_PUBKEY_P256;
  if (OID_IS(curve, oid_p384)) return CHIO_PUBKEY_P384;
  return OID_IS(curve, oid_p521) ? CHIO_PUBKEY_P521 : CHIO_PUBKEY_OTHER;
}

static enum chio_pubkey_kind algorithm_kind(struct chio_cursor *identifier) {
  struct chio_slice oid;
  if (chio_der_expect(identifier, CHIO_DER_T_OID, &oid) != CHIO_OK) return CHIO_PUBKEY_OTHER;
  if (OID_IS(oid, oid_ec)) return ec_kind(identifier);
  if (OID_IS(oid, oid_rsa)) return CHIO_PUBKEY_RSA;
  return OID_IS(oid, oid_ed25519) ? CHIO_PUBKEY_ED25519 : CHIO_PUBKEY_OTHER;
}

/* A point must be uncompressed and of the curve's size: other forms of the same key have other hashes. */
static bool bits_fit(enum chio_pubkey_kind kind, struct chio_slice bits) {
  static const size_t sizes[] = {[CHIO_PUBKEY_P256] = 65, [CHIO_PUBKEY_P384] = 97, [CHIO_PUBKEY_P521] = 133};
  if (kind == CHIO_PUBKEY_ED25519) return bits.len == 32;
  if (kind > CHIO_PUBKEY_P521) return true;
  return bits.len == sizes[kind] && bits.data[0] == 0x04;
}

enum chio_err chio_pubkey_parse(struct chio_slice spki, struct chio_pubkey *out) {
  struct chio_cursor outer = chio_cursor(spki), inner, identifier;
  struct chio_slice bits;
  enum chio_err err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &inner);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  if (err == CHIO_OK) err = chio_der_enter(&inner, CHIO_DER_T_SEQUENCE, &identifier);
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_BIT_STRING, &bits);
  if (err == CHIO_OK) err = chio_cursor_end(&inner);
  if (err != CHIO_OK) return CHIO_E_MALFORMED;
  if (bits.len < 2 || bits.data[0] != 0) return CHIO_E_MALFORMED; /* no unused bits in a key */
  bits = chio_slice(bits.data + 1, bits.len - 1);
  enum chio_pubkey_kind kind = algorithm_kind(&identifier);
  if (!bits_fit(kind, bits)) return CHIO_E_MALFORMED;
  *out = (struct chio_pubkey){kind, spki, bits};
  return CHIO_OK;
}

/* RSAPublicKey { modulus, exponent } */
enum chio_err chio_pubkey_rsa_numbers(const struct chio_pubkey *key, struct chio_slice *out_n,
                                      struct chio_slice *out_e) {
  if (key->kind != CHIO_PUBKEY_RSA) return CHIO_E_KEY_TYPE;
  struct chio_cursor outer = chio_cursor(key->bits), inner;
  struct chio_slice n, e;
  enum chio_err err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &inner);
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_INTEGER, &n);
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_INTEGER, &e);
  if (err != CHIO_OK) return err;
  if (n.len > 1 && n.data[0] == 0) n = chio_slice(n.data + 1, n.len - 1);
  if (e.len > 1 && e.data[0] == 0) e = chio_slice(e.data + 1, e.len - 1);
  *out_n = n;
  *out_e = e;
  return CHIO_OK;
}

/* ---- Verifying ---- */

static const struct {
  enum chio_pubkey_kind kind;
  const char *digest;
  int salt; /* of PSS; 0: it is none */
} algorithms[] = {
    [CHIO_SIG_ECDSA_SHA256] = {CHIO_PUBKEY_P256, "SHA256", 0},
    [CHIO_SIG_ECDSA_SHA384] = {CHIO_PUBKEY_P384, "SHA384", 0},
    [CHIO_SIG_ECDSA_SHA512] = {CHIO_PUBKEY_P521, "SHA512", 0},
    [CHIO_SIG_RSA_PSS_SHA256] = {CHIO_PUBKEY_RSA, "SHA256", 32},
    [CHIO_SIG_RSA_PSS_SHA384] = {CHIO_PUBKEY_RSA, "SHA384", 48},
    [CHIO_SIG_RSA_PSS_SHA512] = {CHIO_PUBKEY_RSA, "SHA512", 64},
    [CHIO_SIG_RSA_PKCS1_SHA256] = {CHIO_PUBKEY_RSA, "SHA256", 0},
    [CHIO_SIG_RSA_PKCS1_SHA384] = {CHIO_PUBKEY_RSA, "SHA384", 0},
    [CHIO_SIG_RSA_PKCS1_SHA512] = {CHIO_PUBKEY_RSA, "SHA512", 0},
    [CHIO_SIG_ED25519] = {CHIO_PUBKEY_ED25519, NULL, 0},
};

/* RSAPublicKey { modulus, exponent }, read here: libcrypto's own decoder takes a hundred times as long as a signature's
 * arithmetic. Sizes from 2048 to 8192 bits. */
static enum chio_err load_rsa(struct chio_slice bits, EVP_PKEY **out) {
  struct chio_cursor outer = chio_cursor(bits), inner;
  struct chio_slice n, e;
  enum chio_err err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &inner);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_INTEGER, &n);
  if (err == CHIO_OK) err = chio_der_expect(&inner, CHIO_DER_T_INTEGER, &e);
  if (err == CHIO_OK) err = chio_cursor_end(&inner);
  if (err != CHIO_OK || n.len < 256 || n.len > 1025 || e.len == 0 || e.len > 5) return CHIO_E_MALFORMED;
  if (n.data[0] >= 0x80 || e.data[0] >= 0x80) return CHIO_E_MALFORMED; /* negative */
  EVP_PKEY *key = NULL;
  BIGNUM *modulus = BN_bin2bn(n.data, (int)n.len, NULL), *exponent = BN_bin2bn(e.data, (int)e.len, NULL);
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM *params = NULL;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(chio_attest_libctx(), "RSA", NULL);
  bool ok = modulus != NULL && exponent != NULL && builder != NULL && ctx != NULL &&
            OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
            OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1 &&
            (params = OSSL_PARAM_BLD_to_param(builder)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
            EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
  EVP_PKEY_CTX_free(ctx);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  BN_free(modulus);
  BN_free(exponent);
  if (!ok) return CHIO_E_MALFORMED;
  *out = key;
  return CHIO_OK;
}

static enum chio_err load(const struct chio_pubkey *key, EVP_PKEY **out) {
  if (key->kind == CHIO_PUBKEY_P256 || key->kind == CHIO_PUBKEY_P384) {
    return chio_ecdsa_from_raw(chio_slice(key->bits.data + 1, key->bits.len - 1), out);
  }
  if (key->kind == CHIO_PUBKEY_RSA) return load_rsa(key->bits, out);
  const unsigned char *at = key->spki.data;
  EVP_PKEY *loaded = d2i_PUBKEY_ex(NULL, &at, (long)key->spki.len, chio_attest_libctx(), NULL);
  if (loaded == NULL) return CHIO_E_MALFORMED;
  *out = loaded;
  return CHIO_OK;
}

static bool set_pss(EVP_PKEY_CTX *ctx, enum chio_sig_alg alg) {
  return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, algorithms[alg].digest, NULL) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, algorithms[alg].salt) == 1;
}

static bool holds(EVP_PKEY *key, enum chio_sig_alg alg, struct chio_slice message, struct chio_slice signature) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *key_ctx = NULL;
  bool ok =
      ctx != NULL &&
      EVP_DigestVerifyInit_ex(ctx, &key_ctx, algorithms[alg].digest, chio_attest_libctx(), NULL, key, NULL) == 1 &&
      (algorithms[alg].salt == 0 || set_pss(key_ctx, alg)) &&
      EVP_DigestVerify(ctx, signature.data, signature.len, message.data, message.len) == 1;
  EVP_MD_CTX_free(ctx);
  return ok;
}

enum chio_err chio_pubkey_verify(const struct chio_pubkey *key, enum chio_sig_alg alg, struct chio_slice message,
                                 struct chio_slice signature) {
  if (alg >= CHIO_SIG_OTHER || algorithms[alg].kind != key->kind) return CHIO_E_SIGNATURE_INVALID;
  CHIO_AUTO_PKEY EVP_PKEY *loaded = NULL;
  if (chio_attest_libctx() == NULL) return CHIO_E_INTERNAL;
  if (load(key, &loaded) != CHIO_OK) return CHIO_E_SIGNATURE_INVALID;
  return holds(loaded, alg, message, signature) ? CHIO_OK : CHIO_E_SIGNATURE_INVALID;
}

/* 0: no such curve. */
static size_t field_size(enum chio_pubkey_kind kind) {
  switch (kind) {
    case CHIO_PUBKEY_P256: return CHIO_P256_SIZE;
    case CHIO_PUBKEY_P384: return CHIO_P384_SIZE;
    case CHIO_PUBKEY_P521: return CHIO_P521_SIZE;
    default: return 0;
  }
}

enum chio_err chio_pubkey_verify_fixed(const struct chio_pubkey *key, enum chio_sig_alg alg, struct chio_slice message,
                                       struct chio_slice signature) {
  size_t size = field_size(key->kind), len;
  uint8_t der[CHIO_ECDSA_DER_MAX];
  if (size == 0) return chio_pubkey_verify(key, alg, message, signature);
  if (signature.len != 2 * size || chio_ecdsa_raw_to_der(signature, der, &len) != CHIO_OK)
    return CHIO_E_SIGNATURE_INVALID;
  return chio_pubkey_verify(key, alg, message, chio_slice(der, len));
}

enum chio_err chio_pubkey_verify_possession(const struct chio_pubkey *key, enum chio_sig_alg alg,
                                            struct chio_slice message, struct chio_slice signature) {
  bool ecdsa = alg <= CHIO_SIG_ECDSA_SHA512 && key->kind <= CHIO_PUBKEY_P521;
  if (!ecdsa) return chio_pubkey_verify(key, alg, message, signature);
  CHIO_AUTO_PKEY EVP_PKEY *loaded = NULL;
  if (chio_attest_libctx() == NULL) return CHIO_E_INTERNAL;
  if (load(key, &loaded) != CHIO_OK) return CHIO_E_SIGNATURE_INVALID;
  return holds(loaded, alg, message, signature) ? CHIO_OK : CHIO_E_SIGNATURE_INVALID;
}

enum chio_err chio_raw_verify(struct chio_slice xy, struct chio_slice message, struct chio_slice rs) {
  if (xy.len != rs.len || (xy.len != 2 * CHIO_P256_SIZE && xy.len != 2 * CHIO_P384_SIZE))
    return CHIO_E_SIGNATURE_INVALID;
  uint8_t der[CHIO_ECDSA_DER_MAX];
  size_t len;
  if (chio_ecdsa_raw_to_der(rs, der, &len) != CHIO_OK) return CHIO_E_SIGNATURE_INVALID;
  CHIO_AUTO_PKEY EVP_PKEY *key = NULL;
  enum chio_err err = chio_ecdsa_from_raw(xy, &key);
  if (err != CHIO_OK) return err == CHIO_E_MALFORMED ? CHIO_E_SIGNATURE_INVALID : err;
  enum chio_sig_alg alg = xy.len == 2 * CHIO_P256_SIZE ? CHIO_SIG_ECDSA_SHA256 : CHIO_SIG_ECDSA_SHA384;
  return holds(key, alg, message, chio_slice(der, len)) ? CHIO_OK : CHIO_E_SIGNATURE_INVALID;
}

enum chio_err chio_pubkey_verify_raw(const struct chio_pubkey *key, struct chio_slice message, struct chio_slice rs) {
  if (key->kind != CHIO_PUBKEY_P256 && key->kind != CHIO_PUBKEY_P384) return CHIO_E_SIGNATURE_INVALID;
  return chio_raw_verify(chio_slice(key->bits.data + 1, key->bits.len - 1), message, rs);
}

/* ---- Signatures that held before ---- */

#define REMEMBERED 512u /* a power of two; one place per hash, the last one stays */

static pthread_mutex_t remembered_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t remembered[REMEMBERED][CHIO_SHA256_SIZE];

static bool memory_key(const struct chio_pubkey *key, uint8_t kind, struct chio_slice message,
                       struct chio_slice signature, uint8_t out[CHIO_SHA256_SIZE]) {
  /* Lengths go in too: no two signatures have the same bytes here. */
  uint8_t head[1 + 3 * 8] = {kind};
  const struct chio_slice parts[] = {chio_slice(head, sizeof head), key->spki, message, signature};
  for (size_t i = 0; i < 3; i++) {
    for (size_t b = 0; b < 8; b++) head[1 + 8 * i + b] = (uint8_t)((uint64_t)parts[i + 1].len >> 8 * b);
  }
  return chio_hash_parts(CHIO_HASH_SHA256, parts, CHIO_ARRAY_LEN(parts), out) == CHIO_OK;
}

static uint8_t *memory_place(const uint8_t hash[CHIO_SHA256_SIZE]) {
  return remembered[(hash[0] | (unsigned)hash[1] << 8) & (REMEMBERED - 1)];
}

static bool is_remembered(const uint8_t hash[CHIO_SHA256_SIZE]) {
  (void)pthread_mutex_lock(&remembered_lock);
  bool same = memcmp(memory_place(hash), hash, CHIO_SHA256_SIZE) == 0;
  (void)pthread_mutex_unlock(&remembered_lock);
  return same;
}

static void remember(const uint8_t hash[CHIO_SHA256_SIZE]) {
  (void)pthread_mutex_lock(&remembered_lock);
  memcpy(memory_place(hash), hash, CHIO_SHA256_SIZE);
  (void)pthread_mutex_unlock(&remembered_lock);
}

void chio_pubkey_forget(void) {
  (void)pthread_mutex_lock(&remembered_lock);
  memset(remembered, 0, sizeof remembered);
  (void)pthread_mutex_unlock(&remembered_lock);
}

enum chio_err chio_pubkey_verify_lasting(const struct chio_pubkey *key, enum chio_sig_alg alg,
                                         struct chio_slice message, struct chio_slice signature) {
  uint8_t hash[CHIO_SHA256_SIZE];
  bool hashed = memory_key(key, (uint8_t)alg, message, signature, hash);
  if (hashed && is_remembered(hash)) return CHIO_OK;
  enum chio_err err = chio_pubkey_verify(key, alg, message, signature);
  if (err == CHIO_OK && hashed) remember(hash);
  return err;
}

enum chio_err chio_pubkey_verify_raw_lasting(const struct chio_pubkey *key, struct chio_slice message,
                                             struct chio_slice rs) {
  enum { RAW = 0xff }; /* no algorithm's number */
  uint8_t hash[CHIO_SHA256_SIZE];
  bool hashed = memory_key(key, RAW, message, rs, hash);
  if (hashed && is_remembered(hash)) return CHIO_OK;
  enum chio_err err = chio_pubkey_verify_raw(key, message, rs);
  if (err == CHIO_OK && hashed) remember(hash);
  return err;
}
