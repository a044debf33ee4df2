/*
 * Does a known number of things; pkcs11_round_trips.sh counts in the log of chiod what each of them cost. Between them
 * stands one C_GenerateRandom, a RANDOM in the log.
 */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <string.h>

#define SIGNATURES 25

static CK_BYTE message[] = "a message to be signed";
static CK_SESSION_HANDLE session;
static struct key_pair key;

static void mark(void) {
  CK_BYTE random[1];
  RV(CKR_OK, F->C_GenerateRandom(session, random, sizeof random));
}

static void sign(void) {
  CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
  CK_BYTE signature[64];
  CK_ULONG len = 0;
  RV(CKR_OK, F->C_SignInit(session, &eddsa, key.private_key));
  RV(CKR_OK, F->C_Sign(session, message, sizeof message, NULL, &len));
  len = 1;
  RV(CKR_BUFFER_TOO_SMALL, F->C_Sign(session, message, sizeof message, signature, &len));
  RV(CKR_OK, F->C_Sign(session, message, sizeof message, signature, &len));
}

static void sign_in_parts(void) {
  CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(session, &eddsa, key.private_key));
  for (int i = 0; i < 10; i++) RV(CKR_OK, F->C_SignUpdate(session, message, sizeof message));
  RV(CKR_OK, F->C_SignFinal(session, signature, &len));
}

static void read_attributes(void) {
  CK_BYTE label[64];
  CK_ATTRIBUTE rows[] = {ROW(CKA_LABEL, label), {CKA_ID, NULL, 0}, {CKA_SIGN, NULL, 0}, {CKA_MODULUS, NULL, 0}};
  RV(CKR_ATTRIBUTE_TYPE_INVALID, F->C_GetAttributeValue(session, key.private_key, rows, CHIO_ARRAY_LEN(rows)));
}

static void sign_batch(void) {
  CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0}, batch = {CKM_CHIO_SIGN_BATCH, &eddsa, sizeof eddsa};
  CK_BYTE data[16 * 5], signature[16 * 68];
  CK_ULONG len = 0;
  for (size_t i = 0; i < 16; i++) memcpy(data + 5 * i, "\0\0\0\1x", 5);
  RV(CKR_OK, F->C_SignInit(session, &batch, key.private_key));
  RV(CKR_OK, F->C_Sign(session, data, sizeof data, NULL, &len));
  RV(CKR_OK, F->C_Sign(session, data, sizeof data, signature, &len));
}

static void sign_messages(void) {
  CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
  CK_BYTE signature[64];
  CK_ULONG len = 0;
  RV(CKR_OK, F3->C_MessageSignInit(session, &eddsa, key.private_key));
  for (int i = 0; i < SIGNATURES; i++) {
    RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, message, sizeof message, NULL, &len));
    RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, message, sizeof message, signature, &len));
  }
  RV(CKR_OK, F3->C_MessageSignFinal(session));
}

static void everything(void) {
  initialize();
  session = open_logged_in(CKF_RW_SESSION);
  key = make_key(session, ED25519, true);
  sign();
  read_attributes();
  mark();
  for (int i = 0; i < SIGNATURES; i++) sign();
  mark();
  for (int i = 0; i < SIGNATURES; i++) sign_in_parts();
  mark();
  for (int i = 0; i < SIGNATURES; i++) read_attributes();
  mark();
  for (int i = 0; i < SIGNATURES; i++) sign_batch();
  mark();
  sign_messages();
  mark();
  RV(CKR_OK, F->C_Finalize(NULL));
}

int main(void) {
  static const struct test_case cases[] = {{"everything", everything}};
  load_module();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
