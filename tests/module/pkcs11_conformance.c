/*
 * The module against the rules of PKCS #11: buffers, lifetimes of operations, priority of errors, sessions and logins,
 * templates, handles. Each case is one of the ways in which modules are known to go wrong.
 */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HUGE_COUNT ((CK_ULONG)1 << 32)
#define HUGE_LEN (~(CK_ULONG)0)

static CK_BYTE digest32[32] = {1, 2, 3};
static CK_BYTE message[] = "a message to be signed";
static CK_UTF8CHAR user_pin[] = USER_PIN;
static CK_UTF8CHAR so_pin[] = SO_PIN;

#define PIN(pin) (pin), sizeof(pin) - 1

static CK_RV login(CK_SESSION_HANDLE s) {
  return F->C_Login(s, CKU_USER, PIN(user_pin));
}

/* ---- before C_Initialize ---- */

static void not_initialized_outranks_bad_arguments(void) {
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GetInfo(NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GetSlotList(CK_TRUE, NULL, NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GetSlotInfo(0, NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GetTokenInfo(0, NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_OpenSession(0, 0, NULL, NULL, NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_CloseSession(1));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_CloseAllSessions(0));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GetSessionInfo(1, NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_Login(1, 9, NULL, 0));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_Logout(1));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_SignInit(1, NULL, 0));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_Sign(1, NULL, 9, NULL, NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_VerifyInit(1, NULL, 0));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_DigestInit(1, NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_FindObjectsInit(1, NULL, 9));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GetAttributeValue(1, 1, NULL, 9));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GenerateRandom(1, NULL, 9));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_EncryptInit(1, NULL, 0));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GetFunctionStatus(1));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_WaitForSlotEvent(0, NULL, NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F3->C_SessionCancel(1, 0));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F3->C_MessageSignInit(1, NULL, 0));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_Finalize(&yes));
}

static CK_RV no_mutex(void **mutex) {
  (void)mutex;
  return CKR_HOST_MEMORY;
}

static CK_RV no_lock(void *mutex) {
  (void)mutex;
  return CKR_MUTEX_BAD;
}

static void initialize_takes_all_mutex_functions_or_none(void) {
  CK_C_INITIALIZE_ARGS some = {.CreateMutex = no_mutex, .flags = CKF_OS_LOCKING_OK};
  CK_C_INITIALIZE_ARGS all = {no_mutex, no_lock, no_lock, no_lock, 0, NULL};
  RV(CKR_ARGUMENTS_BAD, F->C_Initialize(&some));
  RV(CKR_CANT_LOCK, F->C_Initialize(&all));
  all.flags = CKF_OS_LOCKING_OK;
  RV(CKR_OK, F->C_Initialize(&all));
  RV(CKR_OK, F->C_Finalize(NULL));
}

static void initialize_reads_its_configuration_string(void) {
  static char *good[] = {"", "signer=unix:/nowhere/chiod.sock"};
  static char *bad[] = {"x", "signer", "signer=", "signer=tcp:there", "signer=unix:/a b", "slot=1", "signer=unix:relative"};
  CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(good); i++) {
    args.pReserved = good[i];
    RV(CKR_OK, F->C_Initialize(&args));
    RV(CKR_OK, F->C_Finalize(NULL));
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bad); i++) {
    args.pReserved = bad[i];
    if (!RV(CKR_ARGUMENTS_BAD, F->C_Initialize(&args))) (void)F->C_Finalize(NULL);
  }
}

static void a_signer_that_is_not_there_is_a_module_without_slots(void) {
  char config[] = "signer=unix:/nowhere/chiod.sock";
  CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK, .pReserved = config};
  CK_ULONG count = 7;
  CK_SESSION_HANDLE s;
  RV(CKR_OK, F->C_Initialize(&args));
  RV(CKR_OK, F->C_GetSlotList(CK_TRUE, NULL, &count));
  CHECK(count == 0);
  RV(CKR_SLOT_ID_INVALID, F->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s));
  RV(CKR_OK, F->C_Finalize(NULL));
}

static void initialize_twice_is_refused_and_finalize_ends_all(void) {
  CK_INFO info;
  RV(CKR_OK, F->C_Initialize(NULL));
  RV(CKR_CRYPTOKI_ALREADY_INITIALIZED, F->C_Initialize(NULL));
  RV(CKR_ARGUMENTS_BAD, F->C_Finalize(&yes));
  RV(CKR_OK, F->C_GetInfo(&info));
  RV(CKR_OK, F->C_Finalize(NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_Finalize(NULL));
}

/* ---- interfaces ---- */

static void every_list_says_one_version(void) {
  CK_INFO info;
  initialize();
  CHECK(F->version.major == 2 && F->version.minor == 40);
  RV(CKR_OK, F->C_GetInfo(&info));
  CHECK(info.cryptokiVersion.major == 2 && info.cryptokiVersion.minor == 40);
  CHECK(F3->version.major == 3 && F3->version.minor == 0);
  RV(CKR_OK, F3->C_GetInfo(&info));
  CHECK(info.cryptokiVersion.major == 3 && info.cryptokiVersion.minor == 0);
  CHECK(info.flags == 0);
  CHECK(info.manufacturerID[31] == ' ' && info.libraryDescription[31] == ' ');
  RV(CKR_ARGUMENTS_BAD, F->C_GetInfo(NULL));
}

static void no_function_pointer_is_null(void) {
  void (*pointers[(sizeof *F3 - sizeof(void *)) / sizeof(void *)])(void);
  memcpy(pointers, (const char *)F3 + sizeof(void *), sizeof pointers);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(pointers); i++) CHECK(pointers[i] != NULL);
  CHECK(CHIO_ARRAY_LEN(pointers) == 92);
  CHECK(sizeof *F == 69 * sizeof(void *));
  memcpy(pointers, (const char *)F + sizeof(void *), sizeof *F - sizeof(void *));
  for (size_t i = 0; i < 68; i++) CHECK(pointers[i] != NULL);
}

static void interfaces_are_found_by_name_version_and_flags(void) {
  CK_INTERFACE *found = NULL;
  CK_INTERFACE list[2];
  CK_ULONG count = 0;
  CK_UTF8CHAR name[] = "PKCS 11";
  CK_UTF8CHAR other[] = "Vendor NSS";
  CK_VERSION v240 = {2, 40}, v30 = {3, 0}, v32 = {3, 2};
  RV(CKR_OK, F3->C_GetInterface(NULL, NULL, &found, 0));
  CHECK(found->pFunctionList == (void *)F3 && strcmp(found->pInterfaceName, "PKCS 11") == 0);
  RV(CKR_OK, F3->C_GetInterface(name, &v240, &found, 0));
  CHECK(found->pFunctionList == (void *)F);
  RV(CKR_OK, F3->C_GetInterface(NULL, &v30, &found, 0));
  CHECK(found->pFunctionList == (void *)F3);
  RV(CKR_FUNCTION_FAILED, F3->C_GetInterface(name, &v32, &found, 0));
  RV(CKR_FUNCTION_FAILED, F3->C_GetInterface(other, NULL, &found, 0));
  RV(CKR_FUNCTION_FAILED, F3->C_GetInterface(name, &v30, &found, CKF_INTERFACE_FORK_SAFE));
  RV(CKR_ARGUMENTS_BAD, F3->C_GetInterface(name, &v30, NULL, 0));
  RV(CKR_ARGUMENTS_BAD, F3->C_GetInterfaceList(NULL, NULL));
  RV(CKR_OK, F3->C_GetInterfaceList(NULL, &count));
  CHECK(count == 2);
  count = 1;
  RV(CKR_BUFFER_TOO_SMALL, F3->C_GetInterfaceList(list, &count));
  CHECK(count == 2);
  RV(CKR_OK, F3->C_GetInterfaceList(list, &count));
}

static void what_is_not_offered_says_so(void) {
  CK_SESSION_HANDLE s = open_session(0);
  RV(CKR_FUNCTION_NOT_SUPPORTED, F->C_EncryptInit(s, NULL, 0));
  RV(CKR_FUNCTION_NOT_SUPPORTED, F->C_WrapKey(s, NULL, 0, 0, NULL, NULL));
  RV(CKR_FUNCTION_NOT_SUPPORTED, F->C_DigestEncryptUpdate(s, NULL, 0, NULL, NULL));
  RV(CKR_FUNCTION_NOT_SUPPORTED, F3->C_MessageVerifyInit(s, NULL, 0));
  RV(CKR_FUNCTION_NOT_SUPPORTED, F3->C_VerifyMessage(s, NULL, 0, NULL, 0, NULL, 0));
  RV(CKR_FUNCTION_NOT_PARALLEL, F->C_GetFunctionStatus(s));
  RV(CKR_FUNCTION_NOT_PARALLEL, F->C_CancelFunction(s));
  CK_SLOT_ID slot;
  RV(CKR_NO_EVENT, F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL));
  RV(CKR_ARGUMENTS_BAD, F->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL));
  RV(CKR_ARGUMENTS_BAD, F->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &yes));
  RV(CKR_OK, F->C_CloseSession(s));
}

/* ---- slots, tokens, mechanisms ---- */

static void lists_tell_their_real_count(void) {
  CK_SLOT_ID slots[64];
  CK_ULONG count = 0, real = 0;
  RV(CKR_ARGUMENTS_BAD, F->C_GetSlotList(CK_TRUE, NULL, NULL));
  RV(CKR_OK, F->C_GetSlotList(CK_TRUE, NULL, &real));
  CHECK(real >= 1 && real <= 64);
  RV(CKR_BUFFER_TOO_SMALL, F->C_GetSlotList(CK_TRUE, slots, &count));
  CHECK(count == real);
  RV(CKR_OK, F->C_GetSlotList(CK_FALSE, slots, &count));
  CK_MECHANISM_TYPE mechanisms[256];
  RV(CKR_OK, F->C_GetMechanismList(slots[0], NULL, &real));
  CHECK(real > 0 && real < 256);
  count = 1;
  RV(CKR_BUFFER_TOO_SMALL, F->C_GetMechanismList(slots[0], mechanisms, &count));
  CHECK(count == real);
  count = 256;
  RV(CKR_OK, F->C_GetMechanismList(slots[0], mechanisms, &count));
  CHECK(count == real);
  RV(CKR_SLOT_ID_INVALID, F->C_GetMechanismList(0xdead, mechanisms, &count));
  RV(CKR_ARGUMENTS_BAD, F->C_GetMechanismList(slots[0], mechanisms, NULL));
}

static void slot_and_token_are_described(void) {
  CK_SLOT_INFO slot;
  CK_TOKEN_INFO token;
  RV(CKR_SLOT_ID_INVALID, F->C_GetSlotInfo(0xdead, &slot));
  RV(CKR_SLOT_ID_INVALID, F->C_GetTokenInfo(0xdead, &token));
  RV(CKR_ARGUMENTS_BAD, F->C_GetSlotInfo(test_slot(), NULL));
  RV(CKR_ARGUMENTS_BAD, F->C_GetTokenInfo(test_slot(), NULL));
  RV(CKR_OK, F->C_GetSlotInfo(test_slot(), &slot));
  CHECK((slot.flags & CKF_TOKEN_PRESENT) != 0);
  CHECK(memchr(slot.slotDescription, 0, sizeof slot.slotDescription) == NULL);
  RV(CKR_OK, F->C_GetTokenInfo(test_slot(), &token));
  CK_FLAGS wanted = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
  CHECK((token.flags & wanted) == wanted);
  CHECK(memchr(token.label, 0, sizeof token.label) == NULL);
  CHECK(memchr(token.manufacturerID, 0, sizeof token.manufacturerID) == NULL);
  CHECK(memchr(token.model, 0, sizeof token.model) == NULL);
  CHECK(memchr(token.serialNumber, 0, sizeof token.serialNumber) == NULL);
  CHECK(token.serialNumber[0] != ' ');
  CHECK(token.ulMaxSessionCount == CK_EFFECTIVELY_INFINITE && token.ulMaxRwSessionCount == CK_EFFECTIVELY_INFINITE);
  CHECK(token.ulMinPinLen >= 4 && token.ulMaxPinLen >= token.ulMinPinLen);
}

static void mechanisms_say_what_they_do(void) {
  static const struct {
    CK_MECHANISM_TYPE type;
    CK_FLAGS flags;
    CK_ULONG min, max;
  } rows[] = {
      {CKM_EDDSA, CKF_HW | CKF_SIGN | CKF_VERIFY, 255, 255},
      {CKM_ECDSA, CKF_HW | CKF_SIGN | CKF_VERIFY | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS, 256, 521},
      {CKM_EC_KEY_PAIR_GEN, CKF_HW | CKF_GENERATE_KEY_PAIR | CKF_EC_F_P, 256, 521},
      {CKM_RSA_PKCS, CKF_HW | CKF_SIGN | CKF_VERIFY, 2048, 4096},
      {CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_HW | CKF_GENERATE_KEY_PAIR, 2048, 4096},
      {CKM_SHA256, CKF_HW | CKF_DIGEST, 0, 0},
  };
  CK_MECHANISM_INFO info;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    RV(CKR_OK, F->C_GetMechanismInfo(test_slot(), rows[i].type, &info));
    CHECK((info.flags & rows[i].flags) == rows[i].flags);
    CHECK(info.ulMinKeySize == rows[i].min && info.ulMaxKeySize == rows[i].max);
  }
  RV(CKR_MECHANISM_INVALID, F->C_GetMechanismInfo(test_slot(), CKM_AES_GCM, &info));
  RV(CKR_MECHANISM_INVALID, F->C_GetMechanismInfo(test_slot(), CKM_SHA_1, &info));
  RV(CKR_SLOT_ID_INVALID, F->C_GetMechanismInfo(0xdead, CKM_EDDSA, &info));
  RV(CKR_ARGUMENTS_BAD, F->C_GetMechanismInfo(test_slot(), CKM_EDDSA, NULL));
}

/* ---- sessions ---- */

static CK_RV notify(CK_SESSION_HANDLE s, CK_NOTIFICATION event, void *application) {
  (void)s;
  (void)event;
  (void)application;
  return CKR_OK;
}

static void sessions_are_opened_serial_only(void) {
  CK_SESSION_HANDLE s = 0;
  CK_SLOT_ID slot = test_slot();
  RV(CKR_SESSION_PARALLEL_NOT_SUPPORTED, F->C_OpenSession(slot, 0, NULL, NULL, &s));
  RV(CKR_ARGUMENTS_BAD, F->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL));
  RV(CKR_SLOT_ID_INVALID, F->C_OpenSession(0xdead, CKF_SERIAL_SESSION, NULL, NULL, &s));
  RV(CKR_OK, F->C_OpenSession(slot, CKF_SERIAL_SESSION, &s, notify, &s));
  CHECK(s != 0);
  RV(CKR_OK, F->C_CloseSession(s));
  RV(CKR_SESSION_HANDLE_INVALID, F->C_CloseSession(s));
  RV(CKR_SESSION_HANDLE_INVALID, F->C_GetSessionInfo(s, NULL));
  RV(CKR_SESSION_HANDLE_INVALID, F->C_Login(s, 77, NULL, 0));
  RV(CKR_SESSION_HANDLE_INVALID, F->C_CloseSession(0));
}

static void sessions_are_counted_and_described(void) {
  CK_SESSION_HANDLE ro = open_session(0);
  CK_SESSION_HANDLE rw = open_session(CKF_RW_SESSION);
  CK_SESSION_INFO info;
  CK_TOKEN_INFO token;
  RV(CKR_OK, F->C_GetTokenInfo(test_slot(), &token));
  CHECK(token.ulSessionCount == 2 && token.ulRwSessionCount == 1);
  RV(CKR_OK, F->C_GetSessionInfo(ro, &info));
  CHECK(info.state == CKS_RO_PUBLIC_SESSION && info.ulDeviceError == 0 && info.slotID == test_slot());
  CHECK(info.flags == CKF_SERIAL_SESSION);
  RV(CKR_ARGUMENTS_BAD, F->C_GetSessionInfo(ro, NULL));
  RV(CKR_OK, login(ro));
  RV(CKR_OK, F->C_GetSessionInfo(ro, &info));
  CHECK(info.state == CKS_RO_USER_FUNCTIONS);
  RV(CKR_OK, F->C_GetSessionInfo(rw, &info));
  CHECK(info.state == CKS_RW_USER_FUNCTIONS && info.flags == (CKF_SERIAL_SESSION | CKF_RW_SESSION));
  RV(CKR_OK, F->C_CloseAllSessions(test_slot()));
  RV(CKR_SESSION_HANDLE_INVALID, F->C_GetSessionInfo(rw, &info));
  RV(CKR_SLOT_ID_INVALID, F->C_CloseAllSessions(0xdead));
  RV(CKR_OK, F->C_GetTokenInfo(test_slot(), &token));
  CHECK(token.ulSessionCount == 0 && token.ulRwSessionCount == 0);
}

static void operation_state_is_not_saved(void) {
  CK_SESSION_HANDLE s = open_session(0);
  CK_ULONG len = 0;
  CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_GetOperationState(s, NULL, &len));
  RV(CKR_OK, F->C_DigestInit(s, &sha));
  RV(CKR_STATE_UNSAVEABLE, F->C_GetOperationState(s, NULL, &len));
  RV(CKR_ARGUMENTS_BAD, F->C_GetOperationState(s, NULL, NULL));
  RV(CKR_SAVED_STATE_INVALID, F->C_SetOperationState(s, digest32, 32, 0, 0));
  RV(CKR_OK, F->C_CloseSession(s));
}

/* ---- login ---- */

static void login_is_checked_in_order(void) {
  static CK_UTF8CHAR wrong[] = "not the pin";
  CK_SESSION_HANDLE s = open_session(0);
  RV(CKR_ARGUMENTS_BAD, F->C_Login(s, CKU_USER, NULL, 0));
  RV(CKR_ARGUMENTS_BAD, F->C_Login(s, CKU_USER, NULL, 6));
  RV(CKR_USER_TYPE_INVALID, F->C_Login(s, 77, PIN(user_pin)));
  RV(CKR_PIN_INCORRECT, F->C_Login(s, CKU_USER, wrong, 0));
  RV(CKR_PIN_INCORRECT, F->C_Login(s, CKU_USER, wrong, HUGE_LEN));
  RV(CKR_PIN_INCORRECT, F->C_Login(s, CKU_USER, PIN(wrong)));
  RV(CKR_USER_NOT_LOGGED_IN, F->C_Logout(s));
  RV(CKR_OK, login(s));
  RV(CKR_USER_ALREADY_LOGGED_IN, F->C_Login(s, CKU_USER, PIN(wrong)));
  RV(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, F->C_Login(s, CKU_SO, PIN(wrong)));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Login(s, CKU_CONTEXT_SPECIFIC, PIN(user_pin)));
  RV(CKR_OK, F->C_Logout(s));
  RV(CKR_USER_NOT_LOGGED_IN, F->C_Logout(s));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void login_is_shared_by_sessions_and_ends_with_the_last(void) {
  CK_SESSION_HANDLE a = open_logged_in(0);
  CK_SESSION_HANDLE b = open_session(0);
  CK_SESSION_INFO info;
  RV(CKR_USER_ALREADY_LOGGED_IN, login(b));
  RV(CKR_OK, F->C_CloseSession(a));
  RV(CKR_OK, F->C_GetSessionInfo(b, &info));
  CHECK(info.state == CKS_RO_USER_FUNCTIONS);
  RV(CKR_OK, F->C_CloseSession(b));
  b = open_session(0);
  RV(CKR_OK, F->C_GetSessionInfo(b, &info));
  CHECK(info.state == CKS_RO_PUBLIC_SESSION);
  RV(CKR_OK, F->C_CloseSession(b));
}

static void the_so_and_read_only_sessions_exclude_each_other(void) {
  CK_SESSION_HANDLE ro = open_session(0);
  CK_SESSION_HANDLE rw = open_session(CKF_RW_SESSION);
  CK_SESSION_HANDLE other = 0;
  CK_SESSION_INFO info;
  RV(CKR_SESSION_READ_ONLY_EXISTS, F->C_Login(rw, CKU_SO, PIN(so_pin)));
  RV(CKR_OK, F->C_CloseSession(ro));
  RV(CKR_OK, F->C_Login(rw, CKU_SO, PIN(so_pin)));
  RV(CKR_OK, F->C_GetSessionInfo(rw, &info));
  CHECK(info.state == CKS_RW_SO_FUNCTIONS);
  RV(CKR_SESSION_READ_WRITE_SO_EXISTS, F->C_OpenSession(test_slot(), CKF_SERIAL_SESSION, NULL, NULL, &other));
  RV(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, login(rw));
  RV(CKR_OK, F->C_CloseSession(rw));
}

static void pins_are_changed_by_whom_they_belong_to(void) {
  static CK_UTF8CHAR fresh[] = "654321";
  static CK_UTF8CHAR wrong[] = "not the pin";
  CK_SESSION_HANDLE ro = open_session(0);
  RV(CKR_SESSION_READ_ONLY, F->C_SetPIN(ro, PIN(user_pin), PIN(fresh)));
  RV(CKR_OK, F->C_CloseSession(ro));
  CK_SESSION_HANDLE s = open_session(CKF_RW_SESSION);
  RV(CKR_USER_NOT_LOGGED_IN, F->C_InitPIN(s, PIN(fresh)));
  RV(CKR_ARGUMENTS_BAD, F->C_SetPIN(s, NULL, 0, PIN(fresh)));
  RV(CKR_ARGUMENTS_BAD, F->C_SetPIN(s, PIN(user_pin), NULL, 6));
  RV(CKR_PIN_INCORRECT, F->C_SetPIN(s, PIN(wrong), PIN(fresh)));
  RV(CKR_PIN_LEN_RANGE, F->C_SetPIN(s, PIN(user_pin), fresh, 1));
  RV(CKR_PIN_LEN_RANGE, F->C_SetPIN(s, PIN(user_pin), fresh, HUGE_LEN));
  RV(CKR_OK, F->C_SetPIN(s, PIN(user_pin), PIN(fresh)));
  RV(CKR_OK, F->C_Login(s, CKU_USER, PIN(fresh)));
  struct key_pair key = make_key(s, P256, false);
  RV(CKR_OK, F->C_SetPIN(s, PIN(fresh), PIN(user_pin)));
  /* The login and its handles go on. */
  CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(s, &ecdsa, key.private_key));
  RV(CKR_OK, F->C_Sign(s, digest32, 32, signature, &len));
  RV(CKR_USER_NOT_LOGGED_IN, F->C_InitPIN(s, PIN(fresh)));
  RV(CKR_OK, F->C_Logout(s));
  RV(CKR_OK, F->C_Login(s, CKU_SO, PIN(so_pin)));
  RV(CKR_ARGUMENTS_BAD, F->C_InitPIN(s, NULL, 0));
  RV(CKR_PIN_LEN_RANGE, F->C_InitPIN(s, fresh, 0));
  RV(CKR_OK, F->C_InitPIN(s, PIN(user_pin)));
  RV(CKR_OK, F->C_Logout(s));
  RV(CKR_OK, login(s));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void a_token_in_use_is_not_initialised_again(void) {
  CK_UTF8CHAR label[32];
  memset(label, ' ', sizeof label);
  memcpy(label, "test", 4);
  CK_SESSION_HANDLE s = open_session(0);
  RV(CKR_SESSION_EXISTS, F->C_InitToken(test_slot(), PIN(so_pin), label));
  RV(CKR_OK, F->C_CloseSession(s));
  RV(CKR_SLOT_ID_INVALID, F->C_InitToken(0xdead, PIN(so_pin), label));
  RV(CKR_ARGUMENTS_BAD, F->C_InitToken(test_slot(), PIN(so_pin), NULL));
  RV(CKR_ARGUMENTS_BAD, F->C_InitToken(test_slot(), NULL, 0, label));
  static CK_UTF8CHAR wrong[] = "not the pin";
  RV(CKR_PIN_INCORRECT, F->C_InitToken(test_slot(), PIN(wrong), label));
  label[9] = 0;
  RV(CKR_ARGUMENTS_BAD, F->C_InitToken(test_slot(), PIN(so_pin), label));
}

/* ---- objects and handles ---- */

static CK_ULONG count_found(CK_SESSION_HANDLE s, CK_ATTRIBUTE *templ, CK_ULONG rows) {
  CK_OBJECT_HANDLE found[16];
  CK_ULONG count = 1, all = 0;
  RV(CKR_OK, F->C_FindObjectsInit(s, templ, rows));
  while (count > 0 && all < 10000 && RV(CKR_OK, F->C_FindObjects(s, found, 16, &count))) all += count;
  RV(CKR_OK, F->C_FindObjectsFinal(s));
  return all;
}

static CK_OBJECT_HANDLE make_data(CK_SESSION_HANDLE s, CK_BBOOL *on_token, CK_BBOOL *is_private) {
  CK_OBJECT_CLASS class = CKO_DATA;
  CK_ATTRIBUTE rows[] = {ROW(CKA_CLASS, class), ROW(CKA_TOKEN, *on_token), ROW(CKA_PRIVATE, *is_private),
                         ROW_BYTES(CKA_LABEL, "data", 4), ROW_BYTES(CKA_VALUE, "value", 5)};
  CK_OBJECT_HANDLE object = 0;
  RV(CKR_OK, F->C_CreateObject(s, rows, CHIO_ARRAY_LEN(rows), &object));
  CHECK(object != 0);
  return object;
}

static void find_has_its_own_lifetime(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  CK_OBJECT_HANDLE found[4];
  CK_ULONG count = 9;
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_FindObjects(s, found, 4, &count));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_FindObjectsFinal(s));
  RV(CKR_ARGUMENTS_BAD, F->C_FindObjectsInit(s, NULL, 1));
  CK_ATTRIBUTE row = ROW(CKA_TOKEN, yes);
  RV(CKR_ARGUMENTS_BAD, F->C_FindObjectsInit(s, &row, HUGE_COUNT));
  make_data(s, &no, &no);
  make_data(s, &no, &no);
  RV(CKR_OK, F->C_FindObjectsInit(s, NULL, 0));
  RV(CKR_OPERATION_ACTIVE, F->C_FindObjectsInit(s, NULL, 0));
  RV(CKR_ARGUMENTS_BAD, F->C_FindObjects(s, NULL, 4, &count));
  RV(CKR_ARGUMENTS_BAD, F->C_FindObjects(s, found, 4, NULL));
  RV(CKR_OK, F->C_FindObjects(s, found, 0, &count));
  CHECK(count == 0);
  RV(CKR_OK, F->C_FindObjects(s, found, 1, &count));
  CHECK(count == 1);
  RV(CKR_OK, F->C_FindObjectsFinal(s));
  CK_ATTRIBUTE label = ROW_BYTES(CKA_LABEL, "data", 4);
  CHECK(count_found(s, &label, 1) == 2);
  label.ulValueLen = 3;
  CHECK(count_found(s, &label, 1) == 0);
  CK_ATTRIBUTE vendor = ROW_BYTES(0xce534351, "x", 1);
  CHECK(count_found(s, &vendor, 1) == 0);
  RV(CKR_OK, F->C_CloseSession(s));
}

static void a_sensitive_value_is_no_search_key(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  (void)make_key(s, P256, false);
  CK_ATTRIBUTE row = ROW_BYTES(CKA_VALUE, "", 0);
  CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE rows[] = {ROW(CKA_CLASS, class), row};
  CHECK(count_found(s, rows, 2) == 0);
  RV(CKR_OK, F->C_CloseSession(s));
}

static void attributes_are_read_by_the_five_rules(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair key = make_key(s, P256, false);
  CK_OBJECT_CLASS class = 0;
  CK_BYTE value[64], small[1] = {0x5a}, point[128];
  CK_BBOOL sign = 7;
  CK_ATTRIBUTE rows[] = {
      ROW(CKA_CLASS, class), ROW(CKA_VALUE, value),     {CKA_EC_PARAMS, small, 1}, {CKA_EC_PARAMS, NULL, 0},
      ROW(CKA_SIGN, sign),   {CKA_MODULUS, value, 64}, {0x12345678, value, 64},
  };
  RV(CKR_ATTRIBUTE_SENSITIVE, F->C_GetAttributeValue(s, key.private_key, rows, CHIO_ARRAY_LEN(rows)));
  CHECK(rows[0].ulValueLen == sizeof class && class == CKO_PRIVATE_KEY);
  CHECK(rows[1].ulValueLen == CK_UNAVAILABLE_INFORMATION);
  CHECK(rows[2].ulValueLen == CK_UNAVAILABLE_INFORMATION && small[0] == 0x5a);
  CHECK(rows[3].ulValueLen == 10);
  CHECK(rows[4].ulValueLen == 1 && sign == CK_TRUE);
  CHECK(rows[5].ulValueLen == CK_UNAVAILABLE_INFORMATION);
  CHECK(rows[6].ulValueLen == CK_UNAVAILABLE_INFORMATION);
  CK_ATTRIBUTE asks[] = {{CKA_VALUE, NULL, 0}};
  RV(CKR_ATTRIBUTE_SENSITIVE, F->C_GetAttributeValue(s, key.private_key, asks, 1));
  CHECK(asks[0].ulValueLen == CK_UNAVAILABLE_INFORMATION);
  CK_ATTRIBUTE unknown[] = {{CKA_MODULUS, NULL, 0}};
  RV(CKR_ATTRIBUTE_TYPE_INVALID, F->C_GetAttributeValue(s, key.private_key, unknown, 1));
  CK_ATTRIBUTE tiny[] = {{CKA_EC_POINT, point, 5}};
  RV(CKR_BUFFER_TOO_SMALL, F->C_GetAttributeValue(s, key.public_key, tiny, 1));
  CHECK(tiny[0].ulValueLen == CK_UNAVAILABLE_INFORMATION);
  tiny[0].ulValueLen = sizeof point;
  RV(CKR_OK, F->C_GetAttributeValue(s, key.public_key, tiny, 1));
  CHECK(tiny[0].ulValueLen == 67 && point[0] == 4 && point[1] == 65 && point[2] == 4);
  RV(CKR_ARGUMENTS_BAD, F->C_GetAttributeValue(s, key.public_key, NULL, 1));
  RV(CKR_ARGUMENTS_BAD, F->C_GetAttributeValue(s, key.public_key, tiny, HUGE_COUNT));
  RV(CKR_OK, F->C_GetAttributeValue(s, key.public_key, NULL, 0));
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_GetAttributeValue(s, 0, tiny, 1));
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_GetAttributeValue(s, key.public_key + 1000, tiny, 1));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void a_born_key_says_so(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  for (int kind = ED25519; kind <= RSA2048; kind++) {
    if (kind == RSA2048 && getenv("CHIO_TEST_SKIP_RSA") != NULL) continue;
    struct key_pair key = make_key(s, (enum key_kind)kind, false);
    CK_BBOOL local = 9, always = 9, never = 9, sensitive = 9, extractable = 9, authenticate = 9, is_private = 9;
    CK_MECHANISM_TYPE generator = 9;
    CK_ATTRIBUTE rows[] = {ROW(CKA_LOCAL, local),
                           ROW(CKA_ALWAYS_SENSITIVE, always),
                           ROW(CKA_NEVER_EXTRACTABLE, never),
                           ROW(CKA_SENSITIVE, sensitive),
                           ROW(CKA_EXTRACTABLE, extractable),
                           ROW(CKA_ALWAYS_AUTHENTICATE, authenticate),
                           ROW(CKA_PRIVATE, is_private),
                           ROW(CKA_KEY_GEN_MECHANISM, generator)};
    RV(CKR_OK, F->C_GetAttributeValue(s, key.private_key, rows, CHIO_ARRAY_LEN(rows)));
    CHECK(local == 1 && always == 1 && never == 1 && sensitive == 1 && extractable == 0);
    CHECK(authenticate == 0 && is_private == 1);
    CHECK(generator == (kind == ED25519   ? CKM_EC_EDWARDS_KEY_PAIR_GEN
                        : kind == RSA2048 ? CKM_RSA_PKCS_KEY_PAIR_GEN
                                          : CKM_EC_KEY_PAIR_GEN));
    CK_BYTE spki_private[600], spki_public[600], id_private[64], id_public[64], unique[40];
    CK_ATTRIBUTE of_private[] = {ROW(CKA_PUBLIC_KEY_INFO, spki_private), ROW(CKA_ID, id_private),
                                 ROW(CKA_UNIQUE_ID, unique)};
    CK_ATTRIBUTE of_public[] = {ROW(CKA_PUBLIC_KEY_INFO, spki_public), ROW(CKA_ID, id_public),
                                ROW(CKA_PRIVATE, is_private)};
    RV(CKR_OK, F->C_GetAttributeValue(s, key.private_key, of_private, 3));
    RV(CKR_OK, F->C_GetAttributeValue(s, key.public_key, of_public, 3));
    CHECK(is_private == 0 && of_private[2].ulValueLen == 32);
    CHECK(of_private[0].ulValueLen == of_public[0].ulValueLen && of_private[0].ulValueLen < 600 &&
          memcmp(spki_private, spki_public, of_public[0].ulValueLen) == 0);
    CHECK(of_private[1].ulValueLen == 1 && id_private[0] == id_public[0]);
    CK_ULONG size = 0;
    RV(CKR_OK, F->C_GetObjectSize(s, key.private_key, &size));
    CHECK(size > 0);
    RV(CKR_ARGUMENTS_BAD, F->C_GetObjectSize(s, key.private_key, NULL));
  }
  RV(CKR_OK, F->C_CloseSession(s));
}

static void templates_are_refused_for_the_right_reason(void) {
  CK_SESSION_HANDLE s = open_logged_in(CKF_RW_SESSION);
  CK_OBJECT_CLASS data = CKO_DATA;
  CK_ULONG wide = 1;
  CK_BBOOL two = 2;
  CK_BYTE small[4] = {0};
  CK_OBJECT_HANDLE object = 0;
  struct {
    CK_RV want;
    CK_ATTRIBUTE row;
  } cases[] = {
      {CKR_ATTRIBUTE_TYPE_INVALID, ROW_BYTES(0x12345678, "x", 1)},
      {CKR_ATTRIBUTE_TYPE_INVALID, ROW_BYTES(HUGE_LEN, "x", 1)},
      {CKR_ATTRIBUTE_VALUE_INVALID, ROW(CKA_TOKEN, wide)},
      {CKR_ATTRIBUTE_VALUE_INVALID, ROW(CKA_TOKEN, two)},
      {CKR_ATTRIBUTE_VALUE_INVALID, {CKA_TOKEN, NULL, 1}},
      {CKR_ATTRIBUTE_VALUE_INVALID, {CKA_TOKEN, NULL, 0}},
      {CKR_ATTRIBUTE_VALUE_INVALID, {CKA_LABEL, NULL, 4}},
      {CKR_ATTRIBUTE_VALUE_INVALID, ROW_BYTES(CKA_LABEL, "\xff\xfe", 2)},
      {CKR_ATTRIBUTE_VALUE_INVALID, {CKA_VALUE, small, HUGE_LEN}},
      {CKR_ATTRIBUTE_VALUE_INVALID, {CKA_VALUE, small, (CK_ULONG)1 << 31}},
      {CKR_ATTRIBUTE_VALUE_INVALID, {CKA_VALUE, small, HUGE_COUNT + 16}},
      {CKR_ATTRIBUTE_READ_ONLY, ROW_BYTES(CKA_UNIQUE_ID, "00112233445566778899aabbccddeeff", 32)},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(cases); i++) {
    CK_ATTRIBUTE rows[] = {ROW(CKA_CLASS, data), cases[i].row};
    RV(cases[i].want, F->C_CreateObject(s, rows, 2, &object));
  }
  CK_ATTRIBUTE class_only = {CKA_CLASS, small, 4};
  RV(CKR_ATTRIBUTE_VALUE_INVALID, F->C_CreateObject(s, &class_only, 1, &object));
  RV(CKR_ARGUMENTS_BAD, F->C_CreateObject(s, NULL, 1, &object));
  RV(CKR_ARGUMENTS_BAD, F->C_CreateObject(s, &class_only, HUGE_COUNT, &object));
  CK_ATTRIBUTE no_class[] = {ROW_BYTES(CKA_LABEL, "x", 1)};
  RV(CKR_TEMPLATE_INCOMPLETE, F->C_CreateObject(s, no_class, 1, &object));
  CK_ATTRIBUTE twice[] = {ROW(CKA_CLASS, data), ROW_BYTES(CKA_LABEL, "a", 1), ROW_BYTES(CKA_LABEL, "b", 1)};
  RV(CKR_TEMPLATE_INCONSISTENT, F->C_CreateObject(s, twice, 3, &object));
  CK_ATTRIBUTE good[] = {ROW(CKA_CLASS, data)};
  RV(CKR_ARGUMENTS_BAD, F->C_CreateObject(s, good, 1, NULL));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void generation_templates_are_refused_for_the_right_reason(void) {
  CK_SESSION_HANDLE s = open_logged_in(CKF_RW_SESSION);
  CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
  CK_MECHANISM none = {CKM_ECDSA, NULL, 0};
  CK_MECHANISM with_parameter = {CKM_EC_KEY_PAIR_GEN, digest32, 16};
  CK_ULONG wide = 1;
  CK_OBJECT_HANDLE a = 0, b = 0;
  CK_ATTRIBUTE p256[] = {ROW_BYTES(CKA_EC_PARAMS, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10)};
  CK_ATTRIBUTE k1[] = {ROW_BYTES(CKA_EC_PARAMS, "\x06\x05\x2b\x81\x04\x00\x0a", 7)};
  CK_ATTRIBUTE junk[] = {ROW_BYTES(CKA_EC_PARAMS, "\x30\x80\x01", 3)};
  CK_ATTRIBUTE wide_bool[] = {{CKA_SIGN, &wide, sizeof wide}};
  CK_ATTRIBUTE local[] = {ROW(CKA_LOCAL, yes)};
  RV(CKR_ARGUMENTS_BAD, F->C_GenerateKeyPair(s, NULL, p256, 1, NULL, 0, &a, &b));
  RV(CKR_ARGUMENTS_BAD, F->C_GenerateKeyPair(s, &generate, p256, 1, NULL, 0, NULL, &b));
  RV(CKR_ARGUMENTS_BAD, F->C_GenerateKeyPair(s, &generate, p256, 1, NULL, 0, &a, NULL));
  RV(CKR_ARGUMENTS_BAD, F->C_GenerateKeyPair(s, &generate, NULL, 1, NULL, 0, &a, &b));
  RV(CKR_ARGUMENTS_BAD, F->C_GenerateKeyPair(s, &generate, p256, HUGE_COUNT, NULL, 0, &a, &b));
  RV(CKR_ARGUMENTS_BAD, F->C_GenerateKeyPair(s, &generate, p256, 1, p256, HUGE_COUNT, &a, &b));
  RV(CKR_MECHANISM_INVALID, F->C_GenerateKeyPair(s, &none, p256, 1, NULL, 0, &a, &b));
  RV(CKR_MECHANISM_PARAM_INVALID, F->C_GenerateKeyPair(s, &with_parameter, p256, 1, NULL, 0, &a, &b));
  RV(CKR_TEMPLATE_INCOMPLETE, F->C_GenerateKeyPair(s, &generate, NULL, 0, NULL, 0, &a, &b));
  RV(CKR_CURVE_NOT_SUPPORTED, F->C_GenerateKeyPair(s, &generate, k1, 1, NULL, 0, &a, &b));
  RV(CKR_DOMAIN_PARAMS_INVALID, F->C_GenerateKeyPair(s, &generate, junk, 1, NULL, 0, &a, &b));
  RV(CKR_ATTRIBUTE_VALUE_INVALID, F->C_GenerateKeyPair(s, &generate, p256, 1, wide_bool, 1, &a, &b));
  RV(CKR_ATTRIBUTE_READ_ONLY, F->C_GenerateKeyPair(s, &generate, p256, 1, local, 1, &a, &b));
  /* Nothing of a failed pair is left. */
  CK_ATTRIBUTE session_keys[] = {ROW(CKA_TOKEN, no)};
  CHECK(count_found(s, session_keys, 1) == 0);
  RV(CKR_OK, F->C_CloseSession(s));
}

static void read_only_sessions_write_session_objects_alone(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  CK_OBJECT_CLASS data = CKO_DATA;
  CK_ATTRIBUTE rows[] = {ROW(CKA_CLASS, data), ROW(CKA_TOKEN, yes)};
  CK_OBJECT_HANDLE object = 0;
  RV(CKR_SESSION_READ_ONLY, F->C_CreateObject(s, rows, 2, &object));
  CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
  CK_ATTRIBUTE p256[] = {ROW_BYTES(CKA_EC_PARAMS, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10)};
  CK_ATTRIBUTE token[] = {ROW(CKA_TOKEN, yes)};
  CK_OBJECT_HANDLE other = 0;
  RV(CKR_SESSION_READ_ONLY, F->C_GenerateKeyPair(s, &generate, p256, 1, token, 1, &object, &other));
  CK_SESSION_HANDLE rw = open_session(CKF_RW_SESSION);
  object = make_data(rw, &yes, &no);
  RV(CKR_SESSION_READ_ONLY, F->C_DestroyObject(s, object));
  CK_ATTRIBUTE label[] = {ROW_BYTES(CKA_LABEL, "other", 5)};
  RV(CKR_SESSION_READ_ONLY, F->C_SetAttributeValue(s, object, label, 1));
  RV(CKR_SESSION_READ_ONLY, F->C_CopyObject(s, object, NULL, 0, &other));
  CK_ATTRIBUTE off_token[] = {ROW(CKA_TOKEN, no)};
  RV(CKR_OK, F->C_CopyObject(s, object, off_token, 1, &other));
  RV(CKR_OK, F->C_DestroyObject(s, other));
  RV(CKR_OK, F->C_DestroyObject(rw, object));
  object = make_data(s, &no, &no);
  RV(CKR_OK, F->C_SetAttributeValue(s, object, label, 1));
  RV(CKR_OK, F->C_DestroyObject(s, object));
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_DestroyObject(s, object));
  RV(CKR_OK, F->C_CloseAllSessions(test_slot()));
}

static void one_bad_row_changes_nothing(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  CK_OBJECT_HANDLE object = make_data(s, &no, &no);
  CK_OBJECT_CLASS class = CKO_CERTIFICATE;
  CK_ATTRIBUTE rows[] = {ROW_BYTES(CKA_LABEL, "other", 5), ROW(CKA_CLASS, class)};
  RV(CKR_ATTRIBUTE_READ_ONLY, F->C_SetAttributeValue(s, object, rows, 2));
  CK_BYTE label[16] = {0};
  CK_ATTRIBUTE read[] = {ROW(CKA_LABEL, label)};
  RV(CKR_OK, F->C_GetAttributeValue(s, object, read, 1));
  CHECK(read[0].ulValueLen == 4 && memcmp(label, "data", 4) == 0);
  RV(CKR_ARGUMENTS_BAD, F->C_SetAttributeValue(s, object, NULL, 1));
  RV(CKR_ARGUMENTS_BAD, F->C_SetAttributeValue(s, object, rows, HUGE_COUNT));
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_SetAttributeValue(s, object + 1000, rows, 1));
  RV(CKR_OK, F->C_SetAttributeValue(s, object, rows, 1));
  read[0].ulValueLen = sizeof label;
  RV(CKR_OK, F->C_GetAttributeValue(s, object, read, 1));
  CHECK(read[0].ulValueLen == 5 && memcmp(label, "other", 5) == 0);
  RV(CKR_OK, F->C_CloseSession(s));
}

static void one_way_flags_go_one_way(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  struct key_pair key = make_key(s, P256, false);
  CK_OBJECT_HANDLE copy = 0;
  CK_ATTRIBUTE insensitive[] = {ROW(CKA_SENSITIVE, no)};
  CK_ATTRIBUTE extractable[] = {ROW(CKA_EXTRACTABLE, yes)};
  CK_RV rv = F->C_SetAttributeValue(s, key.private_key, insensitive, 1);
  CHECK(rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT);
  rv = F->C_SetAttributeValue(s, key.private_key, extractable, 1);
  CHECK(rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT);
  CK_OBJECT_HANDLE object = make_data(s, &no, &no);
  CK_ATTRIBUTE uncopyable[] = {ROW(CKA_COPYABLE, no)};
  CK_ATTRIBUTE copyable[] = {ROW(CKA_COPYABLE, yes)};
  RV(CKR_OK, F->C_CopyObject(s, object, NULL, 0, &copy));
  RV(CKR_OK, F->C_SetAttributeValue(s, object, uncopyable, 1));
  RV(CKR_ACTION_PROHIBITED, F->C_CopyObject(s, object, NULL, 0, &copy));
  rv = F->C_SetAttributeValue(s, object, copyable, 1);
  CHECK(rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT);
  CK_ATTRIBUTE undestroyable[] = {ROW(CKA_DESTROYABLE, no)};
  RV(CKR_OK, F->C_SetAttributeValue(s, object, undestroyable, 1));
  RV(CKR_ACTION_PROHIBITED, F->C_DestroyObject(s, object));
  RV(CKR_ARGUMENTS_BAD, F->C_CopyObject(s, copy, NULL, 0, NULL));
  RV(CKR_ARGUMENTS_BAD, F->C_CopyObject(s, copy, NULL, 1, &copy));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void session_objects_die_with_their_session(void) {
  CK_SESSION_HANDLE a = open_logged_in(0);
  CK_SESSION_HANDLE b = open_session(0);
  CK_OBJECT_HANDLE object = make_data(a, &no, &no);
  CK_BYTE label[16];
  CK_ATTRIBUTE read[] = {ROW(CKA_LABEL, label)};
  RV(CKR_OK, F->C_GetAttributeValue(b, object, read, 1));
  CK_ATTRIBUTE mine[] = {ROW(CKA_TOKEN, no), ROW_BYTES(CKA_LABEL, "data", 4)};
  CHECK(count_found(b, mine, 2) == 1);
  RV(CKR_OK, F->C_CloseSession(a));
  CHECK(count_found(b, mine, 2) == 0);
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_DestroyObject(b, object));
  RV(CKR_OK, F->C_CloseSession(b));
}

static void private_objects_are_invisible_in_public(void) {
  CK_SESSION_HANDLE s = open_logged_in(CKF_RW_SESSION);
  struct key_pair key = make_key(s, P256, true);
  CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE privates[] = {ROW(CKA_CLASS, private_key)};
  CK_BYTE label[16];
  CK_ATTRIBUTE read[] = {ROW(CKA_LABEL, label)};
  CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
  CHECK(count_found(s, privates, 1) >= 1);
  RV(CKR_OK, F->C_Logout(s));
  CHECK(count_found(s, privates, 1) == 0);
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_GetAttributeValue(s, key.private_key, read, 1));
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(s, &ecdsa, key.private_key));
  RV(CKR_OK, F->C_GetAttributeValue(s, key.public_key, read, 1));
  RV(CKR_OK, F->C_VerifyInit(s, &ecdsa, key.public_key));
  RV(CKR_OK, F->C_VerifyInit(s, NULL, 0));
  CK_OBJECT_CLASS data = CKO_DATA;
  CK_ATTRIBUTE secret_data[] = {ROW(CKA_CLASS, data), ROW(CKA_PRIVATE, yes)};
  CK_OBJECT_HANDLE object = 0;
  RV(CKR_USER_NOT_LOGGED_IN, F->C_CreateObject(s, secret_data, 2, &object));
  /* The handle of a private object stays invalid after another login; a search gives a new one. */
  RV(CKR_OK, login(s));
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(s, &ecdsa, key.private_key));
  CK_OBJECT_HANDLE again = 0;
  CK_ULONG count = 0;
  RV(CKR_OK, F->C_FindObjectsInit(s, privates, 1));
  RV(CKR_OK, F->C_FindObjects(s, &again, 1, &count));
  RV(CKR_OK, F->C_FindObjectsFinal(s));
  CHECK(count == 1 && again != key.private_key);
  RV(CKR_OK, F->C_SignInit(s, &ecdsa, again));
  RV(CKR_OK, F->C_DestroyObject(s, key.public_key));
  RV(CKR_OK, F->C_CloseSession(s));
}

static void the_so_sees_no_private_objects(void) {
  CK_SESSION_HANDLE s = open_logged_in(CKF_RW_SESSION);
  (void)make_key(s, ED25519, true);
  RV(CKR_OK, F->C_Logout(s));
  RV(CKR_OK, F->C_Login(s, CKU_SO, PIN(so_pin)));
  CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE privates[] = {ROW(CKA_CLASS, private_key)};
  CHECK(count_found(s, privates, 1) == 0);
  RV(CKR_OK, F->C_CloseSession(s));
}

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

static void evidence_is_read_before_login(void) {
  CK_SESSION_HANDLE s = open_logged_in(CKF_RW_SESSION);
  struct key_pair key = make_key(s, P256, true);
  RV(CKR_OK, F->C_Logout(s));
  CK_ATTRIBUTE ask[] = {{CKA_CHIO_EVIDENCE, NULL, 0}, {CKA_CHIO_TEE, NULL, 0}, {CKA_CHIO_ORIGIN, NULL, 0}};
  RV(CKR_OK, F->C_GetAttributeValue(s, key.public_key, ask, 3));
  CHECK(ask[0].ulValueLen > 2048 && ask[0].ulValueLen < 1000000);
  for (size_t i = 0; i < 3; i++) ask[i].pValue = malloc(ask[i].ulValueLen);
  RV(CKR_OK, F->C_GetAttributeValue(s, key.public_key, ask, 3));
  CHECK(ask[2].ulValueLen == 4 && memcmp(ask[2].pValue, "born", 4) == 0);
  for (size_t i = 0; i < 3; i++) free(ask[i].pValue);
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

static void finalize_closes_and_logs_out(void) {
  CK_SESSION_HANDLE s = open_logged_in(0);
  CK_SESSION_INFO info;
  RV(CKR_OK, F->C_Finalize(NULL));
  RV(CKR_CRYPTOKI_NOT_INITIALIZED, F->C_GetSessionInfo(s, &info));
  initialize();
  RV(CKR_SESSION_HANDLE_INVALID, F->C_GetSessionInfo(s, &info));
  s = open_session(0);
  RV(CKR_OK, F->C_GetSessionInfo(s, &info));
  CHECK(info.state == CKS_RO_PUBLIC_SESSION);
  RV(CKR_OK, F->C_Finalize(NULL));
}

/* In a child: what such a process leaves behind is no leak of ours. */
static void unloading_without_finalize_does_no_harm(void) {
  int status = -1;
  (void)fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    initialize();
    (void)open_logged_in(0);
    bool closed = dlclose(module_handle) == 0;
    pid_t child = fork();
    if (child == 0) _exit(0);
    bool forked = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    _exit(closed && forked ? 0 : 1);
  }
  CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

#define CASE(name) \
  { #name, name }

int main(void) {
  static const struct test_case cases[] = {
      CASE(not_initialized_outranks_bad_arguments),
      CASE(initialize_takes_all_mutex_functions_or_none),
      CASE(initialize_reads_its_configuration_string),
      CASE(a_signer_that_is_not_there_is_a_module_without_slots),
      CASE(initialize_twice_is_refused_and_finalize_ends_all),
      CASE(every_list_says_one_version),
      CASE(no_function_pointer_is_null),
      CASE(interfaces_are_found_by_name_version_and_flags),
      CASE(what_is_not_offered_says_so),
      CASE(lists_tell_their_real_count),
      CASE(slot_and_token_are_described),
      CASE(mechanisms_say_what_they_do),
      CASE(sessions_are_opened_serial_only),
      CASE(sessions_are_counted_and_described),
      CASE(operation_state_is_not_saved),
      CASE(login_is_checked_in_order),
      CASE(login_is_shared_by_sessions_and_ends_with_the_last),
      CASE(the_so_and_read_only_sessions_exclude_each_other),
      CASE(pins_are_changed_by_whom_they_belong_to),
      CASE(a_token_in_use_is_not_initialised_again),
      CASE(find_has_its_own_lifetime),
      CASE(a_sensitive_value_is_no_search_key),
      CASE(attributes_are_read_by_the_five_rules),
      CASE(a_born_key_says_so),
      CASE(templates_are_refused_for_the_right_reason),
      CASE(generation_templates_are_refused_for_the_right_reason),
      CASE(read_only_sessions_write_session_objects_alone),
      CASE(one_bad_row_changes_nothing),
      CASE(one_way_flags_go_one_way),
      CASE(session_objects_die_with_their_session),
      CASE(private_objects_are_invisible_in_public),
      CASE(the_so_sees_no_private_objects),
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
      CASE(evidence_is_read_before_login),
      CASE(digests_follow_the_rules_of_buffers),
      CASE(large_digests_are_streamed),
      CASE(random_of_any_length_is_given),
      CASE(finalize_closes_and_logs_out),
      CASE(unloading_without_finalize_does_no_harm),
  };
  load_module();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
