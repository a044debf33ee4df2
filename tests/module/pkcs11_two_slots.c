/* Two slots: tokens that are made by C_InitToken, logins and handles that belong to one of them. */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <string.h>

static CK_UTF8CHAR label[32] = "second                          ";

static CK_SLOT_ID empty_slot(void) {
  CK_SLOT_ID slots[64];
  CK_ULONG count = 64;
  CK_TOKEN_INFO info;
  RV(CKR_OK, F->C_GetSlotList(CK_TRUE, slots, &count));
  for (CK_ULONG i = 0; i < count; i++)
    if (F->C_GetTokenInfo(slots[i], &info) == CKR_OK && (info.flags & CKF_TOKEN_INITIALIZED) == 0) return slots[i];
  CHECK(false);
  return 0;
}

static CK_SLOT_ID second;
static CK_SESSION_HANDLE here, there;

static void an_empty_token_takes_no_sessions(void) {
  initialize();
  second = empty_slot();
  CHECK(second != test_slot());
  RV(CKR_TOKEN_NOT_RECOGNIZED, F->C_OpenSession(second, CKF_SERIAL_SESSION, NULL, NULL, &there));
}

static void it_is_made_by_its_so(void) {
  CK_TOKEN_INFO info;
  RV(CKR_PIN_LEN_RANGE, F->C_InitToken(second, so_pin, 1, label));
  RV(CKR_OK, F->C_InitToken(second, PIN(so_pin), label));
  RV(CKR_OK, F->C_GetTokenInfo(second, &info));
  CHECK((info.flags & CKF_TOKEN_INITIALIZED) != 0 && (info.flags & CKF_USER_PIN_INITIALIZED) == 0);
  RV(CKR_OK, F->C_OpenSession(second, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &there));
  RV(CKR_USER_PIN_NOT_INITIALIZED, F->C_Login(there, CKU_USER, PIN(user_pin)));
  RV(CKR_OK, F->C_Login(there, CKU_SO, PIN(so_pin)));
  RV(CKR_OK, F->C_InitPIN(there, PIN(user_pin)));
  RV(CKR_OK, F->C_Logout(there));
  RV(CKR_OK, F->C_GetTokenInfo(second, &info));
  CHECK((info.flags & CKF_USER_PIN_INITIALIZED) != 0);
  CHECK(memcmp(info.label, label, sizeof label) == 0);
  CHECK(info.ulSessionCount == 1 && info.ulRwSessionCount == 1);
}

static void a_login_is_good_for_its_slot_alone(void) {
  CK_SESSION_INFO info;
  here = open_logged_in(CKF_RW_SESSION);
  RV(CKR_OK, F->C_GetSessionInfo(there, &info));
  CHECK(info.state == CKS_RW_PUBLIC_SESSION);
  RV(CKR_OK, F->C_Login(there, CKU_USER, PIN(user_pin)));
  RV(CKR_OK, F->C_Logout(here));
  RV(CKR_OK, F->C_GetSessionInfo(there, &info));
  CHECK(info.state == CKS_RW_USER_FUNCTIONS);
  RV(CKR_OK, F->C_Login(here, CKU_USER, PIN(user_pin)));
}

static void a_handle_is_good_for_its_slot_alone(void) {
  CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
  CK_BYTE buffer[64];
  CK_ATTRIBUTE row = ROW(CKA_LABEL, buffer);
  struct key_pair key = make_key(here, ED25519, true);
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(there, &eddsa, key.private_key));
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_GetAttributeValue(there, key.public_key, &row, 1));
  RV(CKR_OBJECT_HANDLE_INVALID, F->C_DestroyObject(there, key.private_key));
  RV(CKR_OK, F->C_SignInit(here, &eddsa, key.private_key));
  CK_OBJECT_HANDLE found[4];
  CK_ULONG count = 9;
  RV(CKR_OK, F->C_FindObjectsInit(there, NULL, 0));
  RV(CKR_OK, F->C_FindObjects(there, found, 4, &count));
  CHECK(count == 0);
}

static void closing_all_sessions_closes_those_of_one_slot(void) {
  CK_SESSION_INFO info;
  RV(CKR_OK, F->C_CloseAllSessions(second));
  RV(CKR_SESSION_HANDLE_INVALID, F->C_GetSessionInfo(there, &info));
  RV(CKR_OK, F->C_GetSessionInfo(here, &info));
  CHECK(info.state == CKS_RW_USER_FUNCTIONS);
}

static void a_token_made_again_has_nothing_of_the_old_one(void) {
  CK_UTF8CHAR wrong[] = "not the pin";
  RV(CKR_SESSION_EXISTS, F->C_InitToken(test_slot(), PIN(so_pin), label));
  RV(CKR_PIN_INCORRECT, F->C_InitToken(second, PIN(wrong), label));
  RV(CKR_OK, F->C_InitToken(second, PIN(so_pin), label));
  RV(CKR_OK, F->C_OpenSession(second, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &there));
  RV(CKR_USER_PIN_NOT_INITIALIZED, F->C_Login(there, CKU_USER, PIN(user_pin)));
  RV(CKR_OK, F->C_Finalize(NULL));
}

int main(void) {
  static const struct test_case cases[] = {
      {"an_empty_token_takes_no_sessions", an_empty_token_takes_no_sessions},
      {"it_is_made_by_its_so", it_is_made_by_its_so},
      {"a_login_is_good_for_its_slot_alone", a_login_is_good_for_its_slot_alone},
      {"a_handle_is_good_for_its_slot_alone", a_handle_is_good_for_its_slot_alone},
      {"closing_all_sessions_closes_those_of_one_slot", closing_all_sessions_closes_those_of_one_slot},
      {"a_token_made_again_has_nothing_of_the_old_one", a_token_made_again_has_nothing_of_the_old_one},
  };
  load_module();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
