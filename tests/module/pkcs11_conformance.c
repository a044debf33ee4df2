/*
 * The module against the rules of PKCS #11: the library, its interfaces, slots, sessions and logins. Each case is one of
 * the ways in which modules are known to go wrong. Objects: pkcs11_objects.c; operations: pkcs11_operations.c.
 */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
      CASE(finalize_closes_and_logs_out),
      CASE(unloading_without_finalize_does_no_harm),
  };
  load_module();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
