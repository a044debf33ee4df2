#include "attest/sigstruct.h"


#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

/* Where its fields are. */
enum {
  AT_VENDOR = 16,
  AT_DATE = 20,
  AT_HEADER2 = 24,
  AT_MODULUS = 128,
  AT_EXPONENT = 512,
  AT_SIGNATURE = 516,
  AT_MISC_SELECT = 900,
  AT_MISC_MASK = 904,
  AT_FAMILY_ID = 912,
  AT_ATTRIBUTES = 928,
  AT_ATTRIBUTE_MASK = 944,
  AT_MRENCLAVE = 960,
  AT_EXT_PROD_ID = 1008,
  AT_PROD_ID = 1024,
  AT_SVN = 1026,
  SIGNED_HEAD = 128, /* bytes from 0, and from AT_MISC_SELECT */
  RSA_SIZE = 384,
};

#define ATTRIBUTE_DEBUG 0x02

static const uint8_t header1[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0};

static uint32_t u32_at(struct chio_slice b, size_t at) {
  return b.data[at] | (uint32_t)b.data[at + 1] << 8 | (uint32_t)b.data[at + 2] << 16 | (uint32_t)b.data[at + 3] << 24;
}

static uint16_t u16_at(struct chio_slice b, size_t at) {
  return (uint16_t)(b.data[at] | b.data[at + 1] << 8);
}

bool chio_sigstruct_is(struct chio_slice bytes) {
  return bytes.len == CHIO_SIGSTRUCT_SIZE && memcmp(bytes.data, header1, sizeof header1) == 0 &&
         memcmp(bytes.data + AT_HEADER2, header2, sizeof header2) == 0;
}

/* The key of a modulus in little endian and the exponent 3; NULL when libcrypto has none. */
static EVP_PKEY *make_key(const uint8_t *modulus) {
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(chio_attest_libctx(), "RSA", NULL);
  BIGNUM *n = BN_lebin2bn(modulus, RSA_SIZE, NULL), *e = BN_new();
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM *params = NULL;
  bool ok = context != NULL && n != NULL && e != NULL && builder != NULL && BN_set_word(e, 3) == 1 &&
            OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
            OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1;
  if (ok) params = OSSL_PARAM_BLD_to_param(builder);
  if (params == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
      EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
    key = NULL;
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  BN_free(e);
  BN_free(n);
  EVP_PKEY_CTX_free(context);
  return key;
}

/* RSA-3072 with PKCS #1 v1.5 and SHA-256 over the two signed parts; numbers stand in little endian. */
static enum chio_err verify(struct chio_slice b) {
  uint8_t signature[RSA_SIZE];
  CHIO_AUTO_PKEY EVP_PKEY *key = make_key(b.data + AT_MODULUS);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  for (size_t i = 0; i < RSA_SIZE; i++) signature[i] = b.data[AT_SIGNATURE + RSA_SIZE - 1 - i];
  bool holds = key != NULL && context != NULL &&
               EVP_DigestVerifyInit_ex(context, NULL, "SHA256", chio_attest_libctx(), NULL, key, NULL) == 1 &&
               EVP_DigestVerifyUpdate(context, b.data, SIGNED_HEAD) == 1 &&
               EVP_DigestVerifyUpdate(context, b.data + AT_MISC_SELECT, SIGNED_HEAD) == 1 &&
               EVP_DigestVerifyFinal(context, signature, sizeof signature) == 1;
  EVP_MD_CTX_free(context);
  return holds ? CHIO_OK : CHIO_E_SIGNATURE_INVALID;
}

static void read_fields(struct chio_slice b, struct chio_sigstruct *out) {
  memcpy(out->mrenclave, b.data + AT_MRENCLAVE, sizeof out->mrenclave);
  memcpy(out->isv_family_id, b.data + AT_FAMILY_ID, sizeof out->isv_family_id);
  memcpy(out->isv_ext_prod_id, b.data + AT_EXT_PROD_ID, sizeof out->isv_ext_prod_id);
  memcpy(out->attributes, b.data + AT_ATTRIBUTES, sizeof out->attributes);
  memcpy(out->attribute_mask, b.data + AT_ATTRIBUTE_MASK, sizeof out->attribute_mask);
  out->isv_prod_id = u16_at(b, AT_PROD_ID);
  out->isv_svn = u16_at(b, AT_SVN);
  out->misc_select = u32_at(b, AT_MISC_SELECT);
  out->misc_mask = u32_at(b, AT_MISC_MASK);
  out->vendor = u32_at(b, AT_VENDOR);
  out->date = u32_at(b, AT_DATE);
  out->debug = (out->attributes[0] & ATTRIBUTE_DEBUG) != 0 || (out->attribute_mask[0] & ATTRIBUTE_DEBUG) == 0;
}

enum chio_err chio_sigstruct_read(struct chio_slice bytes, struct chio_sigstruct *out) {
  struct chio_sigstruct s;
  if (bytes.len != CHIO_SIGSTRUCT_SIZE) return bytes.len < CHIO_SIGSTRUCT_SIZE ? CHIO_E_TRUNCATED : CHIO_E_TRAILING;
  if (!chio_sigstruct_is(bytes) || u32_at(bytes, AT_EXPONENT) != 3) return CHIO_E_MALFORMED;
  enum chio_err err = verify(bytes);
  const struct chio_slice modulus = chio_slice(bytes.data + AT_MODULUS, RSA_SIZE);
  if (err == CHIO_OK) err = chio_hash_bytes(CHIO_HASH_SHA256, modulus, s.mrsigner);
  if (err != CHIO_OK) return err;
  read_fields(bytes, &s);
  *out = s;
  return CHIO_OK;
}
