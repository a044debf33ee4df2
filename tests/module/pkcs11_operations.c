/*
 * The module's operations against the rules of PKCS #11: signing, verifying, digests, random; buffers, lifetimes of
 * operations, priority of errors.
 */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <stdlib.h>
#include <string.h>

static CK_BYTE message[] = "a message to be signed";

/* ---- signing ---- */

static const struct signing {
  enum key_kind kind;
  CK_MECHANISM_TYPE type;
  CK_ULONG data_len; /* of the one-shot call; 0: a message */
  CK_ULONG signature_len;
  bool streams; /* hashes: data in parts and at once are the same */
} signings[] = {
    {ED25519, CKM_EDDSA, 0, 64, true},
    {P256, CKM_ECDSA, 32, 64, true},
    {P256, CKM_ECDSA_SHA256, 0, 64, true},
    {P384, CKM_ECDSA_SHA384, 0, 96, true},
    {P521, CKM_ECDSA_SHA512, 0, 132, true},
    {RSA2048, CKM_RSA_PKCS, 32, 256, true},
    {RSA2048, CKM_SHA256_RSA_PKCS, 0, 256, true},
};

static CK_RV verify_once(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG len,
                         CK_BYTE *signature, CK_ULONG signature_len) {
  CK_RV rv = F->C_VerifyInit(s, m, key);
  return rv == CKR_OK ? F->C_Verify(s, data, len, signature, signature_len) : rv;
}

static void check_signing(CK_SESSION_HANDLE s, const struct signing *row, struct key_pair key) {
  CK_MECHANISM m = {row->type, NULL, 0};
  CK_BYTE *data = row->data_len > 0 ? digest32 : message;
  CK_ULONG data_len = row->data_len > 0 ? row->data_len : sizeof message;
  CK_BYTE signature[600];
  CK_ULONG len = 0;
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, data, data_len, signature, &len));
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_OPERATION_ACTIVE, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_OK, F->C_Sign(s, data, data_len, NULL, &len));
  CHECK(len == row->signature_len);
  len = row->signature_len - 1;
  RV(CKR_BUFFER_TOO_SMALL, F->C_Sign(s, data, data_len, signature, &len));
  CHECK(len == row->signature_len);
  len = sizeof signature;
  RV(CKR_OK, F->C_Sign(s, data, data_len, signature, &len));
  CHECK(len == row->signature_len);
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, data, data_len, signature, &len));
  RV(CKR_OK, verify_once(s, &m, key.public_key, data, data_len, signature, len));
  signature[len / 2] ^= 1;
  RV(CKR_SIGNATURE_INVALID, verify_once(s, &m, key.public_key, data, data_len, signature, len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Verify(s, data, data_len, signature, len));
  signature[len / 2] ^= 1;
  RV(CKR_SIGNATURE_LEN_RANGE, verify_once(s, &m, key.public_key, data, data_len, signature, len - 1));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Verify(s, data, data_len, signature, len));
  RV(CKR_ARGUMENTS_BAD, verify_once(s, &m, key.public_key, NULL, 5, signature, len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Verify(s, data, data_len, signature, len));
}

static void check_parts(CK_SESSION_HANDLE s, const struct signing *row, struct key_pair key) {
  CK_MECHANISM m = {row->type, NULL, 0};
  CK_BYTE *data = row->data_len > 0 ? digest32 : message;
  CK_ULONG data_len = row->data_len > 0 ? row->data_len : sizeof message;
  CK_BYTE signature[600];
  CK_ULONG len = 0;
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_OK, F->C_SignUpdate(s, data, 10));
  len = sizeof signature;
  RV(CKR_OPERATION_ACTIVE, F->C_Sign(s, data, data_len, signature, &len));
  RV(CKR_OK, F->C_SignUpdate(s, NULL, 0));
  RV(CKR_OK, F->C_SignUpdate(s, data + 10, data_len - 10));
  RV(CKR_OK, F->C_SignFinal(s, NULL, &len));
  CHECK(len == row->signature_len);
  len = 3;
  RV(CKR_BUFFER_TOO_SMALL, F->C_SignFinal(s, signature, &len));
  CHECK(len == row->signature_len);
  RV(CKR_OK, F->C_SignFinal(s, signature, &len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_SignFinal(s, signature, &len));
  RV(CKR_OK, verify_once(s, &m, key.public_key, data, data_len, signature, len));
  RV(CKR_OK, F->C_VerifyInit(s, &m, key.public_key));
  RV(CKR_OK, F->C_VerifyUpdate(s, data, 3));
  RV(CKR_OPERATION_ACTIVE, F->C_Verify(s, data, data_len, signature, len));
  RV(CKR_OK, F->C_VerifyUpdate(s, data + 3, data_len - 3));
  RV(CKR_OK, F->C_VerifyFinal(s, signature, len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_VerifyFinal(s, signature, len));
  RV(CKR_OK, F->C_VerifyInit(s, &m, key.public_key));
  RV(CKR_OK, F->C_VerifyUpdate(s, data, data_len));
  RV(CKR_SIGNATURE_LEN_RANGE, F->C_VerifyFinal(s, signature, len - 1));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_VerifyFinal(s, signature, len));
}

static void every_key_signs_and_verifies(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair keys[RSA2048 + 1];
  for (int kind = ED25519; kind <= RSA2048; kind++) keys[kind] = make_key(s, (enum key_kind)kind, false);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(signings); i++) check_signing(s, &signings[i], keys[signings[i].kind]);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(signings); i++) check_parts(s, &signings[i], keys[signings[i].kind]);
  RV(CKR_OK, F->C_CloseSession(s));
}

static void large_data_is_streamed(void) {
  static const struct {
    enum key_kind kind;
    CK_MECHANISM_TYPE type;
  } rows[] = {{ED25519, CKM_EDDSA}, {P256, CKM_ECDSA_SHA256}};
  size_t size = 3 * 1024 * 1024 + 17;
  CK_BYTE *data = malloc(size);
  if (!CHECK(data != NULL)) return;
  for (size_t i = 0; i < size; i++) data[i] = (CK_BYTE)(i * 7);
  CK_SESSION_HANDLE s = open_logged_in(0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct key_pair key = make_key(s, rows[i].kind, false);
    CK_MECHANISM m = {rows[i].type, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG len = sizeof signature;
    RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
    RV(CKR_OK, F->C_Sign(s, data, size, signature, &len));
    RV(CKR_OK, F->C_VerifyInit(s, &m, key.public_key));
    for (size_t at = 0; at < size; at += 100000)
      RV(CKR_OK, F->C_VerifyUpdate(s, data + at, size - at < 100000 ? size - at : 100000));
    RV(CKR_OK, F->C_VerifyFinal(s, signature, len));
    data[size - 1] ^= 1;
    RV(CKR_SIGNATURE_INVALID, verify_once(s, &m, key.public_key, data, size, signature, len));
    data[size - 1] ^= 1;
    /* A stream that is dropped half way leaves nothing behind. */
    RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
    RV(CKR_OK, F->C_SignUpdate(s, data, 200000));
    RV(CKR_OK, F3->C_SessionCancel(s, CKF_SIGN));
    RV(CKR_OPERATION_NOT_INITIALIZED, F->C_SignFinal(s, signature, &len));
    RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
    RV(CKR_OK, F->C_Sign(s, message, sizeof message, signature, &len));
  }
  RV(CKR_OK, F->C_CloseSession(s));
  free(data);
}

static void bad_arguments_end_a_signature(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair key = make_key(s, ED25519, false);
  CK_MECHANISM m = {CKM_EDDSA, NULL, 0};
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_ARGUMENTS_BAD, F->C_Sign(s, NULL, 5, signature, &len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, NULL, 0, signature, &len));
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_ARGUMENTS_BAD, F->C_Sign(s, message, 5, signature, NULL));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, message, 5, signature, &len));
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_ARGUMENTS_BAD, F->C_SignUpdate(s, NULL, 5));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_SignUpdate(s, message, 5));
  /* No data at all is data. */
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_OK, F->C_Sign(s, NULL, 0, signature, &len));
  RV(CKR_OK, verify_once(s, &m, key.public_key, NULL, 0, signature, len));
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_OK, F->C_SignFinal(s, signature, &len));
  RV(CKR_OK, verify_once(s, &m, key.public_key, NULL, 0, signature, len));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void a_null_mechanism_cancels(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair key = make_key(s, ED25519, false);
  CK_MECHANISM m = {CKM_EDDSA, NULL, 0};
  CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_ARGUMENTS_BAD, F->C_SignInit(s, NULL, 0));
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_OK, F->C_VerifyInit(s, &m, key.public_key));
  RV(CKR_OK, F->C_DigestInit(s, &sha));
  RV(CKR_OK, F->C_SignInit(s, NULL, 0));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, message, 5, signature, &len));
  RV(CKR_OK, F3->C_SessionCancel(s, 0));
  RV(CKR_OPERATION_ACTIVE, F->C_VerifyInit(s, &m, key.public_key));
  RV(CKR_OK, F3->C_SessionCancel(s, CKF_VERIFY | CKF_SIGN | CKF_ENCRYPT));
  RV(CKR_OPERATION_ACTIVE, F->C_DigestInit(s, &sha));
  RV(CKR_OK, F3->C_SessionCancel(s, CKF_DIGEST));
  RV(CKR_OK, F->C_FindObjectsInit(s, NULL, 0));
  RV(CKR_OK, F3->C_SessionCancel(s, CKF_FIND_OBJECTS));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_FindObjectsFinal(s));
  RV(CKR_SESSION_HANDLE_INVALID, F3->C_SessionCancel(0, CKF_DIGEST));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void init_checks_mechanism_then_key(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair ed = make_key(s, ED25519, false);
  struct key_pair ec = make_key(s, P256, false);
  CK_MECHANISM unknown = {CKM_AES_CMAC, NULL, 0}, digest = {CKM_SHA256, NULL, 0}, eddsa = {CKM_EDDSA, NULL, 0};
  CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0}, param = {CKM_ECDSA, digest32, 16}, hanging = {CKM_ECDSA, NULL, 16};
  RV(CKR_MECHANISM_INVALID, F->C_SignInit(s, &unknown, 0));
  RV(CKR_MECHANISM_INVALID, F->C_SignInit(s, &digest, ed.private_key));
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(s, &eddsa, 0));
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(s, &eddsa, 0xdeadbeef));
  RV(CKR_KEY_HANDLE_INVALID, F->C_VerifyInit(s, &eddsa, make_data(s, &no, &no)));
  RV(CKR_KEY_TYPE_INCONSISTENT, F->C_SignInit(s, &ecdsa, ed.private_key));
  RV(CKR_KEY_TYPE_INCONSISTENT, F->C_VerifyInit(s, &eddsa, ec.public_key));
  RV(CKR_KEY_TYPE_INCONSISTENT, F->C_SignInit(s, &ecdsa, ed.public_key));
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, F->C_SignInit(s, &ecdsa, ec.public_key));
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, F->C_VerifyInit(s, &ecdsa, ec.private_key));
  RV(CKR_MECHANISM_PARAM_INVALID, F->C_SignInit(s, &param, ec.private_key));
  RV(CKR_MECHANISM_PARAM_INVALID, F->C_SignInit(s, &hanging, ec.private_key));
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, message, 5, signature, &len));
  CK_BBOOL off = CK_FALSE;
  CK_ATTRIBUTE cannot[] = {ROW(CKA_SIGN, off)};
  RV(CKR_OK, F->C_SetAttributeValue(s, ec.private_key, cannot, 1));
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, F->C_SignInit(s, &ecdsa, ec.private_key));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void allowed_mechanisms_are_enforced_and_read_back(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL, 0}, ecdsa = {CKM_ECDSA, NULL, 0};
  CK_MECHANISM sha256 = {CKM_ECDSA_SHA256, NULL, 0};
  CK_MECHANISM_TYPE allowed[] = {CKM_ECDSA_SHA256, CKM_ECDSA_SHA384}, back[4];
  CK_ATTRIBUTE of_public[] = {ROW_BYTES(CKA_EC_PARAMS, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10)};
  CK_ATTRIBUTE of_private[] = {ROW(CKA_SIGN, yes), ROW(CKA_ALLOWED_MECHANISMS, allowed)};
  struct key_pair key = {0, 0};
  RV(CKR_OK, F->C_GenerateKeyPair(s, &generate, of_public, 1, of_private, 2, &key.public_key, &key.private_key));
  RV(CKR_MECHANISM_INVALID, F->C_SignInit(s, &ecdsa, key.private_key));
  RV(CKR_OK, F->C_SignInit(s, &sha256, key.private_key));
  CK_ATTRIBUTE read[] = {ROW(CKA_ALLOWED_MECHANISMS, back)};
  RV(CKR_OK, F->C_GetAttributeValue(s, key.private_key, read, 1));
  CHECK(read[0].ulValueLen == sizeof allowed && memcmp(allowed, back, sizeof allowed) == 0);
  of_private[1].pValue = NULL;
  RV(CKR_ATTRIBUTE_VALUE_INVALID,
     F->C_GenerateKeyPair(s, &generate, of_public, 1, of_private, 2, &key.public_key, &key.private_key));
  of_private[1] = (CK_ATTRIBUTE){CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed[0] + 1};
  RV(CKR_ATTRIBUTE_VALUE_INVALID,
     F->C_GenerateKeyPair(s, &generate, of_public, 1, of_private, 2, &key.public_key, &key.private_key));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void data_of_the_wrong_length_is_refused(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair ec = make_key(s, P256, false);
  struct key_pair rsa = make_key(s, RSA2048, false);
  CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0}, pkcs = {CKM_RSA_PKCS, NULL, 0};
  CK_BYTE big[300] = {1}, signature[256];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(s, &ecdsa, ec.private_key));
  RV(CKR_DATA_LEN_RANGE, F->C_Sign(s, NULL, 0, signature, &len));
  RV(CKR_OK, F->C_SignInit(s, &pkcs, rsa.private_key));
  RV(CKR_DATA_LEN_RANGE, F->C_Sign(s, big, 246, signature, &len));
  len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(s, &pkcs, rsa.private_key));
  RV(CKR_OK, F->C_Sign(s, big, 245, signature, &len));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void pss_parameters_are_checked_and_enforced(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair rsa = make_key(s, RSA2048, false);
  CK_RSA_PKCS_PSS_PARAMS good = {CKM_SHA256, CKG_MGF1_SHA256, 32};
  static const struct {
    CK_MECHANISM_TYPE type;
    CK_RSA_PKCS_PSS_PARAMS params;
    CK_ULONG len;
  } bad[] = {
      {CKM_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, 32}, 0},
      {CKM_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, 32}, sizeof(CK_RSA_PKCS_PSS_PARAMS) - 1},
      {CKM_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, 32}, sizeof(CK_RSA_PKCS_PSS_PARAMS) + 1},
      {CKM_RSA_PKCS_PSS, {CKM_ECDSA, CKG_MGF1_SHA256, 32}, sizeof(CK_RSA_PKCS_PSS_PARAMS)},
      {CKM_RSA_PKCS_PSS, {CKM_SHA256, 99, 32}, sizeof(CK_RSA_PKCS_PSS_PARAMS)},
      {CKM_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, 223}, sizeof(CK_RSA_PKCS_PSS_PARAMS)},
      {CKM_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, HUGE_LEN}, sizeof(CK_RSA_PKCS_PSS_PARAMS)},
      {CKM_SHA384_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, 32}, sizeof(CK_RSA_PKCS_PSS_PARAMS)},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    CK_RSA_PKCS_PSS_PARAMS params[2] = {bad[i].params};
    CK_MECHANISM m = {bad[i].type, params, bad[i].len};
    RV(CKR_MECHANISM_PARAM_INVALID, F->C_SignInit(s, &m, rsa.private_key));
  }
  CK_MECHANISM m = {CKM_RSA_PKCS_PSS, &good, sizeof good};
  CK_BYTE signature[256];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(s, &m, rsa.private_key));
  RV(CKR_DATA_LEN_RANGE, F->C_Sign(s, digest32, 31, signature, &len));
  len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(s, &m, rsa.private_key));
  RV(CKR_OK, F->C_Sign(s, digest32, 32, signature, &len));
  RV(CKR_OK, verify_once(s, &m, rsa.public_key, digest32, 32, signature, len));
  CK_RSA_PKCS_PSS_PARAMS salt = {CKM_SHA256, CKG_MGF1_SHA256, 20}, mgf = {CKM_SHA256, CKG_MGF1_SHA384, 32};
  m.pParameter = &salt;
  RV(CKR_SIGNATURE_INVALID, verify_once(s, &m, rsa.public_key, digest32, 32, signature, len));
  m.pParameter = &mgf;
  RV(CKR_SIGNATURE_INVALID, verify_once(s, &m, rsa.public_key, digest32, 32, signature, len));
  /* Every combination of hash and mask that the parameters can say works both ways. */
  static const struct {
    CK_MECHANISM_TYPE hash;
    CK_ULONG len;
  } hashes[] = {{CKM_SHA224, 28}, {CKM_SHA256, 32}, {CKM_SHA384, 48}, {CKM_SHA512, 64}};
  static const CK_ULONG masks[] = {CKG_MGF1_SHA1, CKG_MGF1_SHA224, CKG_MGF1_SHA256, CKG_MGF1_SHA384, CKG_MGF1_SHA512};
  CK_BYTE digest[64] = {9};
  for (size_t h = 0; h < CHIO_ARRAY_LEN(hashes); h++)
    for (size_t k = 0; k < CHIO_ARRAY_LEN(masks); k++) {
      CK_RSA_PKCS_PSS_PARAMS mixed = {hashes[h].hash, masks[k], 0};
      CK_MECHANISM pss = {CKM_RSA_PKCS_PSS, &mixed, sizeof mixed};
      len = sizeof signature;
      RV(CKR_OK, F->C_SignInit(s, &pss, rsa.private_key));
      RV(CKR_OK, F->C_Sign(s, digest, hashes[h].len, signature, &len));
      RV(CKR_OK, verify_once(s, &pss, rsa.public_key, digest, hashes[h].len, signature, len));
    }
  RV(CKR_OK, F->C_CloseSession(s));
}

static void eddsa_variants_do_not_verify_as_one_another(void) {
  static CK_BYTE context[] = "context";
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair ed = make_key(s, ED25519, false);
  struct p11_eddsa_params with_context = {0, sizeof context, context}, empty = {0, 0, NULL};
  struct p11_eddsa_params prehash = {1, 0, NULL}, prehash_context = {1, sizeof context, context};
  CK_MECHANISM variants[] = {{CKM_EDDSA, NULL, 0},
                             {CKM_EDDSA, &with_context, sizeof with_context},
                             {CKM_EDDSA, &empty, sizeof empty},
                             {CKM_EDDSA, &prehash, sizeof prehash},
                             {CKM_EDDSA, &prehash_context, sizeof prehash_context}};
  CK_BYTE signature[64];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(variants); i++) {
    CK_ULONG len = sizeof signature;
    RV(CKR_OK, F->C_SignInit(s, &variants[i], ed.private_key));
    RV(CKR_OK, F->C_Sign(s, message, sizeof message, signature, &len));
    for (size_t k = 0; k < CHIO_ARRAY_LEN(variants); k++)
      RV(i == k ? CKR_OK : CKR_SIGNATURE_INVALID,
         verify_once(s, &variants[k], ed.public_key, message, sizeof message, signature, len));
  }
  struct p11_eddsa_params two = {2, 0, NULL}, hanging = {0, 5, NULL}, long_one = {0, 256, message};
  struct p11_eddsa_params *bad[] = {&two, &hanging, &long_one};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    CK_MECHANISM m = {CKM_EDDSA, bad[i], sizeof *bad[i]};
    RV(CKR_MECHANISM_PARAM_INVALID, F->C_SignInit(s, &m, ed.private_key));
    RV(CKR_MECHANISM_PARAM_INVALID, F->C_VerifyInit(s, &m, ed.public_key));
  }
  CK_MECHANISM wrong_size = {CKM_EDDSA, &empty, sizeof empty - 1};
  RV(CKR_MECHANISM_PARAM_INVALID, F->C_SignInit(s, &wrong_size, ed.private_key));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void operations_end_with_their_key_or_login(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair a = make_key(s, ED25519, false), b = make_key(s, ED25519, false);
  CK_MECHANISM m = {CKM_EDDSA, NULL, 0};
  CK_BYTE signature[64] = {0};
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(s, &m, a.private_key));
  RV(CKR_OK, F->C_VerifyInit(s, &m, a.public_key));
  RV(CKR_OK, F->C_DestroyObject(s, a.private_key));
  RV(CKR_OK, F->C_DestroyObject(s, a.public_key));
  RV(CKR_KEY_HANDLE_INVALID, F->C_Sign(s, message, 5, signature, &len));
  RV(CKR_KEY_HANDLE_INVALID, F->C_Verify(s, message, 5, signature, 64));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, message, 5, signature, &len));
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(s, &m, a.private_key));
  RV(CKR_OK, F->C_SignInit(s, &m, b.private_key));
  RV(CKR_OK, F->C_Logout(s));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, message, 5, signature, &len));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void always_authenticate_asks_for_each_signature(void) {
  static CK_UTF8CHAR wrong[] = "not the pin";
  CK_SESSION_HANDLE s = open_logged_in(0);
  CK_MECHANISM generate = {CKM_EC_EDWARDS_KEY_PAIR_GEN, NULL, 0}, m = {CKM_EDDSA, NULL, 0};
  CK_ATTRIBUTE of_public[] = {ROW_BYTES(CKA_EC_PARAMS, "\x06\x03\x2b\x65\x70", 5), ROW(CKA_VERIFY, yes)};
  CK_ATTRIBUTE of_private[] = {ROW(CKA_SIGN, yes), ROW(CKA_ALWAYS_AUTHENTICATE, yes)};
  struct key_pair key = {0, 0}, plain = make_key(s, ED25519, false);
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_GenerateKeyPair(s, &generate, of_public, 2, of_private, 2, &key.public_key, &key.private_key));
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_USER_NOT_LOGGED_IN, F->C_Sign(s, message, 5, signature, &len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, message, 5, signature, &len));
  for (int i = 0; i < 2; i++) {
    RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
    RV(CKR_PIN_INCORRECT, F->C_Login(s, CKU_CONTEXT_SPECIFIC, PIN(wrong)));
    RV(CKR_OK, F->C_Login(s, CKU_CONTEXT_SPECIFIC, PIN(user_pin)));
    RV(CKR_OK, F->C_Sign(s, message, 5, NULL, &len));
    RV(CKR_OK, F->C_Sign(s, message, 5, signature, &len));
    RV(CKR_OK, verify_once(s, &m, key.public_key, message, 5, signature, len));
  }
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_OK, F->C_Login(s, CKU_CONTEXT_SPECIFIC, PIN(user_pin)));
  RV(CKR_OK, F->C_SignUpdate(s, message, 5));
  RV(CKR_OK, F->C_SignFinal(s, signature, &len));
  RV(CKR_OK, F->C_SignInit(s, &m, plain.private_key));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Login(s, CKU_CONTEXT_SPECIFIC, PIN(user_pin)));
  RV(CKR_OK, F->C_Sign(s, message, 5, signature, &len));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void attestation_is_a_signature_of_its_own_length(void) {
  CK_SESSION_HANDLE s = open_logged_in(CKF_RW_SESSION);
  struct key_pair key = make_key(s, P256, true);
  CK_MECHANISM m = {CKM_CHIO_ATTEST, NULL, 0};
  CK_BYTE small[8];
  CK_ULONG len = 0;
  RV(CKR_OK, F->C_SignInit(s, &m, key.private_key));
  RV(CKR_OK, F->C_Sign(s, digest32, 32, NULL, &len));
  CHECK(len > sizeof small);
  CK_BYTE *bundle = malloc(len);
  len = sizeof small;
  RV(CKR_BUFFER_TOO_SMALL, F->C_Sign(s, digest32, 32, small, &len));
  if (bundle != NULL) RV(CKR_OK, F->C_Sign(s, digest32, 32, bundle, &len));
  CHECK(bundle != NULL && bundle[0] == '{');
  free(bundle);
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(s, digest32, 32, NULL, &len));
  RV(CKR_MECHANISM_INVALID, F->C_VerifyInit(s, &m, key.public_key));
  RV(CKR_OK, F->C_CloseSession(s));
}

/* ---- digests and random ---- */

static void digests_follow_the_rules_of_buffers(void) {
  static const CK_BYTE abc_sha256[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                       0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                       0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  CK_SESSION_HANDLE s = open_session(0);
  CK_BYTE abc[] = {'a', 'b', 'c'}, out[64];
  CK_ULONG len = 0;
  CK_MECHANISM m = {CKM_SHA256, NULL, 0}, param = {CKM_SHA256, digest32, 16}, sign = {CKM_ECDSA, NULL, 0};
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Digest(s, abc, 3, out, &len));
  RV(CKR_MECHANISM_PARAM_INVALID, F->C_DigestInit(s, &param));
  RV(CKR_MECHANISM_INVALID, F->C_DigestInit(s, &sign));
  RV(CKR_OK, F->C_DigestInit(s, &m));
  RV(CKR_OPERATION_ACTIVE, F->C_DigestInit(s, &m));
  RV(CKR_OK, F->C_Digest(s, abc, 3, NULL, &len));
  CHECK(len == 32);
  len = 31;
  RV(CKR_BUFFER_TOO_SMALL, F->C_Digest(s, abc, 3, out, &len));
  CHECK(len == 32);
  RV(CKR_OK, F->C_Digest(s, abc, 3, out, &len));
  CHECK(memcmp(out, abc_sha256, 32) == 0);
  RV(CKR_OK, F->C_DigestInit(s, &m));
  for (int i = 0; i < 3; i++) RV(CKR_OK, F->C_DigestUpdate(s, abc + i, 1));
  RV(CKR_OPERATION_ACTIVE, F->C_Digest(s, abc, 3, out, &len));
  memset(out, 0, sizeof out);
  RV(CKR_OK, F->C_DigestFinal(s, out, &len));
  CHECK(len == 32 && memcmp(out, abc_sha256, 32) == 0);
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_DigestUpdate(s, abc, 1));
  RV(CKR_OK, F->C_DigestInit(s, &m));
  RV(CKR_ARGUMENTS_BAD, F->C_Digest(s, NULL, 3, out, &len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_DigestFinal(s, out, &len));
  RV(CKR_OK, F->C_DigestInit(s, &m));
  RV(CKR_KEY_INDIGESTIBLE, F->C_DigestKey(s, 1));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_DigestKey(s, 1));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void large_digests_are_streamed(void) {
  CK_SESSION_HANDLE s = open_session(0);
  CK_MECHANISM m = {CKM_SHA512, NULL, 0};
  size_t size = 1024 * 1024 + 999;
  CK_BYTE *data = calloc(1, size);
  CK_BYTE once[64], parts[64];
  CK_ULONG len = 64;
  if (!CHECK(data != NULL)) return;
  RV(CKR_OK, F->C_DigestInit(s, &m));
  RV(CKR_OK, F->C_Digest(s, data, size, once, &len));
  RV(CKR_OK, F->C_DigestInit(s, &m));
  for (size_t at = 0; at < size; at += 65537)
    RV(CKR_OK, F->C_DigestUpdate(s, data + at, size - at < 65537 ? size - at : 65537));
  RV(CKR_OK, F->C_DigestFinal(s, NULL, &len));
  RV(CKR_OK, F->C_DigestFinal(s, parts, &len));
  CHECK(memcmp(once, parts, 64) == 0);
  free(data);
  RV(CKR_OK, F->C_CloseSession(s));
}

static void random_of_any_length_is_given(void) {
  CK_SESSION_HANDLE s = open_session(0);
  CK_BYTE a[64] = {0}, b[64] = {0};
  RV(CKR_OK, F->C_GenerateRandom(s, a, 0));
  RV(CKR_OK, F->C_GenerateRandom(s, NULL, 0));
  RV(CKR_ARGUMENTS_BAD, F->C_GenerateRandom(s, NULL, 1));
  RV(CKR_ARGUMENTS_BAD, F->C_GenerateRandom(s, a, HUGE_LEN));
  RV(CKR_OK, F->C_GenerateRandom(s, a, 63));
  RV(CKR_OK, F->C_GenerateRandom(s, b, 63));
  CHECK(memcmp(a, b, 63) != 0 && a[63] == 0);
  size_t size = 1024 * 1024 + 1;
  CK_BYTE *big = calloc(1, size + 1);
  if (CHECK(big != NULL)) RV(CKR_OK, F->C_GenerateRandom(s, big, size));
  CHECK(big != NULL && big[size] == 0);
  free(big);
  RV(CKR_RANDOM_SEED_NOT_SUPPORTED, F->C_SeedRandom(s, a, 64));
  RV(CKR_OK, F->C_CloseSession(s));
}

int main(void) {
  static const struct test_case cases[] = {
      CASE(every_key_signs_and_verifies),
      CASE(large_data_is_streamed),
      CASE(bad_arguments_end_a_signature),
      CASE(a_null_mechanism_cancels),
      CASE(init_checks_mechanism_then_key),
      CASE(allowed_mechanisms_are_enforced_and_read_back),
      CASE(data_of_the_wrong_length_is_refused),
      CASE(pss_parameters_are_checked_and_enforced),
      CASE(eddsa_variants_do_not_verify_as_one_another),
      CASE(operations_end_with_their_key_or_login),
      CASE(always_authenticate_asks_for_each_signature),
      CASE(attestation_is_a_signature_of_its_own_length),
      CASE(digests_follow_the_rules_of_buffers),
      CASE(large_digests_are_streamed),
      CASE(random_of_any_length_is_given),
  };
  load_module();
  initialize();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
