/*
 * A process that forks under the module: parent, child and grandchild sign at once with the sessions, handles and login
 * that they share by inheritance; a child may also begin anew, or lose its privileges and its file system.
 */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534u
#define ROUNDS 50

static CK_BYTE message[] = "a message to be signed";
static CK_SESSION_HANDLE session;
static struct key_pair key;
static CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};

static void sign_once(CK_SESSION_HANDLE s, int round) {
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  message[0] = (CK_BYTE)round;
  RV(CKR_OK, F->C_SignInit(s, &eddsa, key.private_key));
  RV(CKR_OK, F->C_Sign(s, message, sizeof message, signature, &len));
  RV(CKR_OK, F->C_VerifyInit(s, &eddsa, key.public_key));
  RV(CKR_OK, F->C_Verify(s, message, sizeof message, signature, len));
}

static void sign_many(void) {
  for (int i = 0; i < ROUNDS; i++) sign_once(session, i);
}

static pid_t start_child(void (*run)(void)) {
  (void)fflush(stdout);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid != 0) return pid;
  run();
  (void)fflush(stdout);
  _exit(failed_checks() > 0 ? 1 : 0);
}

static void end_child(pid_t pid) {
  int status = -1;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void begin(void) {
  initialize();
  session = open_logged_in(CKF_RW_SESSION);
  key = make_key(session, ED25519, true);
  sign_once(session, 0);
}

static void end(void) {
  RV(CKR_OK, F->C_Finalize(NULL));
}

/* ---- */

static void child_with_child(void) {
  pid_t grandchild = start_child(sign_many);
  sign_many();
  end_child(grandchild);
}

static void parent_child_and_grandchild_sign_at_once(void) {
  begin();
  pid_t child = start_child(child_with_child);
  sign_many();
  end_child(child);
  sign_many();
  end();
}

static void open_sessions_anew(void) {
  CK_SESSION_HANDLE s = open_session(0);
  sign_once(s, 1);
  RV(CKR_OK, F->C_CloseSession(s));
  RV(CKR_OK, F->C_CloseSession(session));
  CK_SESSION_INFO info;
  s = open_session(0);
  RV(CKR_OK, F->C_GetSessionInfo(s, &info));
  CHECK(info.state == CKS_RO_PUBLIC_SESSION);
}

static void a_child_that_closes_its_sessions_leaves_the_parent_logged_in(void) {
  begin();
  end_child(start_child(open_sessions_anew));
  sign_many();
  end();
}

static void initialize_again(void) {
  CK_SESSION_INFO info;
  RV(CKR_OK, F->C_Initialize(NULL));
  RV(CKR_SESSION_HANDLE_INVALID, F->C_GetSessionInfo(session, &info));
  RV(CKR_CRYPTOKI_ALREADY_INITIALIZED, F->C_Initialize(NULL));
  session = open_logged_in(0);
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(session, &eddsa, key.private_key));
  RV(CKR_OK, F->C_Finalize(NULL));
}

static void finalize_and_initialize(void) {
  RV(CKR_OK, F->C_Finalize(NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_Finalize(NULL));
  RV(CKR_OK, F->C_Initialize(NULL));
  session = open_logged_in(0);
  RV(CKR_OK, F->C_Finalize(NULL));
}

static void a_child_may_initialise_anew(void) {
  begin();
  end_child(start_child(initialize_again));
  end_child(start_child(finalize_and_initialize));
  sign_many();
  end();
}

static CK_OBJECT_HANDLE session_object;

static CK_RV read_label(void) {
  CK_BYTE label[16];
  CK_ATTRIBUTE row = ROW(CKA_LABEL, label);
  return F->C_GetAttributeValue(session, session_object, &row, 1);
}

static void miss_the_session_object(void) {
  CK_ATTRIBUTE row = ROW(CKA_TOKEN, no);
  CK_OBJECT_HANDLE found;
  CK_ULONG count = 9;
  RV(CKR_OK, F->C_FindObjectsInit(session, &row, 1));
  RV(CKR_OK, F->C_FindObjects(session, &found, 1, &count));
  RV(CKR_OK, F->C_FindObjectsFinal(session));
  CHECK(count == 0);
  RV(CKR_OK, F->C_Finalize(NULL));
}

static void session_objects_stay_with_the_parent(void) {
  CK_OBJECT_CLASS class = CKO_DATA;
  CK_ATTRIBUTE rows[] = {ROW(CKA_CLASS, class), ROW(CKA_TOKEN, no), ROW_BYTES(CKA_LABEL, "x", 1)};
  begin();
  RV(CKR_OK, F->C_CreateObject(session, rows, CHIO_ARRAY_LEN(rows), &session_object));
  end_child(start_child(miss_the_session_object));
  RV(CKR_OK, read_label());
  end();
}

static void end_gathered(void) {
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_SignUpdate(session, message, 3));
  RV(CKR_OK, F->C_SignFinal(session, signature, &len));
}

static void lose_stream(void) {
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_DEVICE_ERROR, F->C_SignUpdate(session, message, 3));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_SignFinal(session, signature, &len));
  sign_many();
}

static void small_operations_go_on_in_the_child_and_streams_do_not(void) {
  static CK_BYTE large[200000];
  begin();
  RV(CKR_OK, F->C_SignInit(session, &eddsa, key.private_key));
  RV(CKR_OK, F->C_SignUpdate(session, message, 3));
  end_child(start_child(end_gathered));
  end_gathered();
  RV(CKR_OK, F->C_SignInit(session, &eddsa, key.private_key));
  RV(CKR_OK, F->C_SignUpdate(session, large, sizeof large));
  end_child(start_child(lose_stream));
  end_gathered();
  end();
}

/* ---- another application changes the PIN: the tickets of the old one end everywhere ---- */

static void change_pin_and_back(void) {
  CK_UTF8CHAR pin[] = USER_PIN, other[] = "654321";
  RV(CKR_OK, F->C_Initialize(NULL));
  CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
  RV(CKR_OK, F->C_SetPIN(s, pin, sizeof pin - 1, other, sizeof other - 1));
  RV(CKR_OK, F->C_SetPIN(s, other, sizeof other - 1, pin, sizeof pin - 1));
  RV(CKR_OK, F->C_Finalize(NULL));
}

static void a_login_that_ended_elsewhere_ends_here(void) {
  CK_UTF8CHAR pin[] = USER_PIN;
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  CK_SESSION_INFO info;
  begin();
  end_child(start_child(change_pin_and_back));
  RV(CKR_OK, F->C_SignInit(session, &eddsa, key.private_key));
  RV(CKR_USER_NOT_LOGGED_IN, F->C_Sign(session, message, sizeof message, signature, &len));
  RV(CKR_OK, F->C_GetSessionInfo(session, &info));
  CHECK(info.state == CKS_RW_PUBLIC_SESSION);
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(session, &eddsa, key.private_key));
  RV(CKR_OK, F->C_Login(session, CKU_USER, pin, sizeof pin - 1));
  end();
}

/* ---- forks while other threads sign ---- */

static atomic_bool stop;
static CK_BYTE constant[32];

static void *sign_until_stopped(void *arg) {
  CK_SESSION_HANDLE s = *(CK_SESSION_HANDLE *)arg;
  CK_BYTE signature[64];
  while (!atomic_load(&stop)) {
    CK_ULONG len = sizeof signature;
    RV(CKR_OK, F->C_SignInit(s, &eddsa, key.private_key));
    RV(CKR_OK, F->C_Sign(s, constant, 32, signature, &len));
  }
  return NULL;
}

static CK_SESSION_HANDLE busy[2];

static void use_every_session(void) {
  sign_many();
  /* Another thread of the parent was at work in these. */
  for (size_t i = 0; i < CHIO_ARRAY_LEN(busy); i++) {
    RV(CKR_OK, F3->C_SessionCancel(busy[i], CKF_SIGN));
    sign_once(busy[i], 1);
  }
}

static void a_child_signs_while_threads_of_the_parent_do(void) {
  pthread_t threads[CHIO_ARRAY_LEN(busy)];
  begin();
  atomic_store(&stop, false);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(busy); i++) {
    busy[i] = open_session(0);
    CHECK(pthread_create(&threads[i], NULL, sign_until_stopped, &busy[i]) == 0);
  }
  for (int i = 0; i < 10; i++) end_child(start_child(use_every_session));
  atomic_store(&stop, true);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(busy); i++) (void)pthread_join(threads[i], NULL);
  sign_many();
  end();
}

/* ---- a worker without privileges ---- */

static char empty_folder[] = "/tmp/chio-empty-XXXXXX";

static void drop_and_sign(void) {
  if (!CHECK(chroot(empty_folder) == 0) || !CHECK(chdir("/") == 0)) return;
  if (!CHECK(setgid(NOBODY) == 0) || !CHECK(setuid(NOBODY) == 0)) return;
  sign_many();
}

static void drop_and_sign_with_child(void) {
  drop_and_sign();
  end_child(start_child(sign_many));
}

static void a_child_signs_after_chroot_and_setuid(void) {
  if (geteuid() != 0) {
    printf("# needs root: not tried\n");
    return;
  }
  if (!CHECK(mkdtemp(empty_folder) != NULL)) return;
  begin();
  end_child(start_child(drop_and_sign_with_child));
  sign_many();
  end();
  CHECK(rmdir(empty_folder) == 0);
}

int main(void) {
  static const struct test_case cases[] = {
      {"parent_child_and_grandchild_sign_at_once", parent_child_and_grandchild_sign_at_once},
      {"a_child_that_closes_its_sessions_leaves_the_parent_logged_in",
       a_child_that_closes_its_sessions_leaves_the_parent_logged_in},
      {"a_child_may_initialise_anew", a_child_may_initialise_anew},
      {"session_objects_stay_with_the_parent", session_objects_stay_with_the_parent},
      {"small_operations_go_on_in_the_child_and_streams_do_not",
       small_operations_go_on_in_the_child_and_streams_do_not},
      {"a_login_that_ended_elsewhere_ends_here", a_login_that_ended_elsewhere_ends_here},
      {"a_child_signs_while_threads_of_the_parent_do", a_child_signs_while_threads_of_the_parent_do},
      {"a_child_signs_after_chroot_and_setuid", a_child_signs_after_chroot_and_setuid},
  };
  load_module();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
