/*
 * chiod is killed in the middle of signing from 4 threads and started again, several times. The threads go on with the
 * handles, sessions and login they have; each signature that is handed out is checked by libcrypto.
 */
#include "tests/module/p11test.h"
#include "tests/support/chiod_run.h"

#include "signer/base/macros.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS 4
#define KILLS 3
#define SIGNED_BETWEEN 200 /* signatures of each thread between two kills */

struct worker {
  pthread_t thread;
  CK_SESSION_HANDLE session;
  unsigned number;
  atomic_uint signatures; /* good ones */
  unsigned errors;        /* calls that failed with CKR_DEVICE_ERROR */
  unsigned other;         /* calls that failed otherwise */
  unsigned wrong;         /* signatures that do not verify */
  CK_RV last;
};

static struct key_pair key;
static EVP_PKEY *public_key;
static struct worker workers[THREADS];
static atomic_bool stop;

static bool is_good(const CK_BYTE *data, size_t len, const CK_BYTE *signature) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public_key) == 1 &&
              EVP_DigestVerify(ctx, signature, 64, data, len) == 1;
  EVP_MD_CTX_free(ctx);
  return good;
}

static void sign_once(struct worker *me, unsigned round) {
  CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
  CK_BYTE data[2 * sizeof round] = {0}, signature[64];
  CK_ULONG len = sizeof signature;
  data[0] = (CK_BYTE)me->number;
  for (size_t i = 0; i < sizeof round; i++) data[1 + i] = (CK_BYTE)(round >> (8 * i));
  CK_RV rv = F->C_SignInit(me->session, &eddsa, key.private_key);
  if (rv == CKR_OK) rv = F->C_Sign(me->session, data, sizeof data, signature, &len);
  if (rv == CKR_OK && is_good(data, sizeof data, signature)) {
    atomic_fetch_add(&me->signatures, 1);
  } else if (rv == CKR_OK) {
    me->wrong++;
  } else if (rv == CKR_DEVICE_ERROR) {
    me->errors++;
  } else {
    me->other++;
    me->last = rv;
  }
}

static void *work(void *arg) {
  for (unsigned round = 0; !atomic_load(&stop); round++) sign_once(arg, round);
  return NULL;
}

/* Waits until every thread has signed so much more; false when they do not get on. */
static bool let_sign(void) {
  unsigned goal[THREADS];
  for (size_t i = 0; i < THREADS; i++) goal[i] = atomic_load(&workers[i].signatures) + SIGNED_BETWEEN;
  for (int tries = 0; tries < 6000; tries++) {
    size_t there = 0;
    for (size_t i = 0; i < THREADS; i++) there += atomic_load(&workers[i].signatures) >= goal[i];
    if (there == THREADS) return true;
    (void)usleep(10000);
  }
  return false;
}

static bool read_public_key(CK_SESSION_HANDLE session) {
  CK_BYTE spki[256];
  const unsigned char *at = spki;
  CK_ATTRIBUTE row = ROW(CKA_PUBLIC_KEY_INFO, spki);
  if (!RV(CKR_OK, F->C_GetAttributeValue(session, key.public_key, &row, 1))) return false;
  public_key = d2i_PUBKEY(NULL, &at, (long)row.ulValueLen);
  return CHECK(public_key != NULL);
}

static void threads_go_on_with_the_same_handles(void) {
  initialize();
  CK_SESSION_HANDLE session = open_logged_in(CKF_RW_SESSION);
  key = make_key(session, ED25519, true);
  if (!read_public_key(session)) return;
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i].session = open_session(0);
    workers[i].number = i;
    CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
  }
  for (int i = 0; i < KILLS; i++) {
    CHECK(let_sign());
    CHECK(kill_chiod());
    CHECK(start_chiod());
  }
  CHECK(let_sign());
  atomic_store(&stop, true);
  for (size_t i = 0; i < THREADS; i++) {
    (void)pthread_join(workers[i].thread, NULL);
    CHECK(workers[i].wrong == 0);
    CHECK(workers[i].other == 0);
    printf("# thread %zu: %u signatures, %u device errors, last other error 0x%lx\n", i,
           atomic_load(&workers[i].signatures), workers[i].errors, workers[i].last);
  }
  /* The session and the login that were there before it all are good still. */
  workers[0].session = session;
  unsigned before = atomic_load(&workers[0].signatures);
  sign_once(&workers[0], 0);
  CHECK(atomic_load(&workers[0].signatures) == before + 1);
  RV(CKR_OK, F->C_Finalize(NULL));
  EVP_PKEY_free(public_key);
}

/* What cannot go on says so once, on the operation, and the session is good for the next. */
static void a_stream_and_a_session_object_are_lost_and_say_so(void) {
  static CK_BYTE large[200000];
  CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
  CK_OBJECT_CLASS class = CKO_DATA;
  CK_ATTRIBUTE rows[] = {ROW(CKA_CLASS, class), ROW(CKA_TOKEN, no)};
  CK_OBJECT_HANDLE object = 0;
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature, size = 0;
  initialize();
  CK_SESSION_HANDLE session = open_logged_in(CKF_RW_SESSION);
  key = make_key(session, ED25519, true);
  RV(CKR_OK, F->C_CreateObject(session, rows, 2, &object));
  RV(CKR_OK, F->C_SignInit(session, &eddsa, key.private_key));
  RV(CKR_OK, F->C_SignUpdate(session, large, sizeof large));
  CHECK(kill_chiod());
  CHECK(start_chiod());
  RV(CKR_DEVICE_ERROR, F->C_SignFinal(session, signature, &len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_SignFinal(session, signature, &len));
  RV(CKR_OK, F->C_SignInit(session, &eddsa, key.private_key));
  RV(CKR_OK, F->C_Sign(session, large, 32, signature, &len));
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_CopyObject(session, object, NULL, 0, &object));
  RV(CKR_OK, F->C_GetObjectSize(session, key.public_key, &size));
  RV(CKR_OK, F->C_Finalize(NULL));
}

int main(void) {
  static const struct test_case cases[] = {
      {"threads_go_on_with_the_same_handles", threads_go_on_with_the_same_handles},
      {"a_stream_and_a_session_object_are_lost_and_say_so", a_stream_and_a_session_object_are_lost_and_say_so},
  };
  load_module();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
