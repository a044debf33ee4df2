/*
 * Many threads in one module: sessions of their own, one session for all, logins that come and go, objects that are
 * made and destroyed. What each call may answer is known; nothing else may happen (run it under a thread sanitizer).
 */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define THREADS 8
#define ROUNDS 60

static CK_BYTE message[] = "a message to be signed";
static CK_SESSION_HANDLE shared;
static struct key_pair key;
static CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
static atomic_uint unexpected;

static void expect(bool fine, const char *what, CK_RV rv) {
  if (fine) return;
  atomic_fetch_add(&unexpected, 1);
  printf("# %s gave 0x%lx\n", what, rv);
}

static void run_threads(void *(*run)(void *)) {
  pthread_t threads[THREADS];
  atomic_store(&unexpected, 0);
  for (size_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, run, NULL) == 0);
  for (size_t i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
  CHECK(atomic_load(&unexpected) == 0);
}

/* ---- a session each ---- */

static void *sign_and_verify(void *arg) {
  (void)arg;
  CK_SESSION_HANDLE s = open_session(0);
  CK_BYTE signature[64];
  for (int i = 0; i < ROUNDS; i++) {
    CK_ULONG len = sizeof signature;
    CK_RV rv = F->C_SignInit(s, &eddsa, key.private_key);
    if (rv == CKR_OK) rv = F->C_Sign(s, message, sizeof message, signature, &len);
    if (rv == CKR_OK) rv = F->C_VerifyInit(s, &eddsa, key.public_key);
    if (rv == CKR_OK) rv = F->C_Verify(s, message, sizeof message, signature, len);
    expect(rv == CKR_OK, "signing in a session of its own", rv);
  }
  CK_RV rv = F->C_CloseSession(s);
  expect(rv == CKR_OK, "C_CloseSession", rv);
  return NULL;
}

static void sessions_do_not_disturb_one_another(void) {
  run_threads(sign_and_verify);
}

/* ---- one session for all ---- */

static void *use_shared_session(void *arg) {
  (void)arg;
  CK_BYTE signature[64], random[32];
  for (int i = 0; i < ROUNDS; i++) {
    CK_ULONG len = sizeof signature;
    CK_RV rv = F->C_SignInit(shared, &eddsa, key.private_key);
    expect(rv == CKR_OK || rv == CKR_OPERATION_ACTIVE, "C_SignInit", rv);
    rv = F->C_Sign(shared, message, sizeof message, signature, &len);
    expect(rv == CKR_OK || rv == CKR_OPERATION_NOT_INITIALIZED, "C_Sign", rv);
    rv = F->C_GenerateRandom(shared, random, sizeof random);
    expect(rv == CKR_OK, "C_GenerateRandom", rv);
  }
  return NULL;
}

static void one_session_serves_its_callers_in_turn(void) {
  run_threads(use_shared_session);
}

/* ---- everything comes and goes ---- */

static void *come_and_go(void *arg) {
  (void)arg;
  CK_UTF8CHAR pin[] = USER_PIN;
  CK_OBJECT_CLASS class = CKO_DATA;
  CK_ATTRIBUTE rows[] = {ROW(CKA_CLASS, class), ROW(CKA_TOKEN, no), ROW(CKA_PRIVATE, no)};
  for (int i = 0; i < ROUNDS / 6; i++) {
    CK_SESSION_HANDLE s = open_session(0);
    CK_OBJECT_HANDLE object = 0, found[8];
    CK_ULONG count = 0;
    CK_RV rv = F->C_Login(s, CKU_USER, pin, sizeof pin - 1);
    expect(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN, "C_Login", rv);
    rv = F->C_CreateObject(s, rows, CHIO_ARRAY_LEN(rows), &object);
    expect(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN, "C_CreateObject", rv);
    rv = F->C_FindObjectsInit(s, NULL, 0);
    expect(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN, "C_FindObjectsInit", rv);
    if (rv == CKR_OK) (void)F->C_FindObjects(s, found, 8, &count);
    for (CK_ULONG k = 0; k < count; k++) {
      CK_BYTE label[64];
      CK_ATTRIBUTE read = ROW(CKA_LABEL, label);
      rv = F->C_GetAttributeValue(s, found[k], &read, 1);
      expect(rv == CKR_OK || rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_USER_NOT_LOGGED_IN, "C_GetAttributeValue", rv);
    }
    rv = F->C_Logout(s);
    expect(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN, "C_Logout", rv);
    rv = F->C_CloseSession(s);
    expect(rv == CKR_OK, "C_CloseSession", rv);
  }
  return NULL;
}

static void logins_sessions_and_objects_come_and_go(void) {
  run_threads(come_and_go);
}

/* ---- C_Finalize while others call: they are told, nothing breaks ---- */

static void *call_until_finalized(void *arg) {
  (void)arg;
  CK_BYTE random[16];
  CK_RV rv = CKR_OK;
  while (rv == CKR_OK) rv = F->C_GenerateRandom(shared, random, sizeof random);
  expect(rv == CKR_CRYPTOKI_NOT_INITIALIZED || rv == CKR_SESSION_CLOSED || rv == CKR_SESSION_HANDLE_INVALID,
         "C_GenerateRandom", rv);
  return NULL;
}

static void callers_survive_finalize(void) {
  pthread_t threads[THREADS];
  shared = open_session(0);
  atomic_store(&unexpected, 0);
  for (size_t i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, call_until_finalized, NULL) == 0);
  RV(CKR_OK, F->C_Finalize(NULL));
  for (size_t i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
  CHECK(atomic_load(&unexpected) == 0);
}

int main(void) {
  static const struct test_case cases[] = {
      {"sessions_do_not_disturb_one_another", sessions_do_not_disturb_one_another},
      {"one_session_serves_its_callers_in_turn", one_session_serves_its_callers_in_turn},
      {"logins_sessions_and_objects_come_and_go", logins_sessions_and_objects_come_and_go},
      {"callers_survive_finalize", callers_survive_finalize},
  };
  load_module();
  initialize();
  shared = open_logged_in(CKF_RW_SESSION);
  key = make_key(shared, ED25519, true);
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
