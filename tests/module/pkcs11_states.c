/* The states of a key through the module: set by the application itself, and by another program behind its back. */
#include "tests/module/p11test.h"

#include "signer/wire/cryptoki.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static CK_SESSION_HANDLE session;
static struct key_pair key;

/* chio-hsm key VERB states --yes, with the PIN of the test's folder. */
static bool other_program(const char *verb, const char *yes_option) {
  char source[512], uid[33];
  CK_ATTRIBUTE row = {CKA_UNIQUE_ID, uid, 32};
  pid_t pid;
  int status = -1;
  (void)snprintf(source, sizeof source, "%s/pin", getenv("CHIO_TEST_DIR"));
  FILE *pin = fopen(source, "we");
  if (pin == NULL || fputs(USER_PIN "\n", pin) < 0 || fclose(pin) != 0) return false;
  if (F->C_GetAttributeValue(session, key.public_key, &row, 1) != CKR_OK) return false;
  uid[32] = '\0';
  char *argv[] = {"chio-hsm", "key", (char *)(uintptr_t)verb, uid, "--pin-source", source, "--token", "test",
                  (char *)(uintptr_t)yes_option, NULL};
  if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0) return false;
  return waitpid(pid, &status, 0) == pid && status == 0;
}

static CK_RV set_state(CK_OBJECT_HANDLE object, const char *word) {
  CK_ATTRIBUTE row = ROW_BYTES(CKA_CHIO_STATE, word, strlen(word));
  return F->C_SetAttributeValue(session, object, &row, 1);
}

static bool is(CK_OBJECT_HANDLE object, const char *word) {
  char value[32];
  CK_ATTRIBUTE row = {CKA_CHIO_STATE, value, sizeof value};
  return F->C_GetAttributeValue(session, object, &row, 1) == CKR_OK && row.ulValueLen == strlen(word) &&
         memcmp(value, word, row.ulValueLen) == 0;
}

static CK_RV begin(void) {
  CK_MECHANISM mechanism = {CKM_EDDSA, NULL, 0};
  return F->C_SignInit(session, &mechanism, key.private_key);
}

static CK_RV finish(CK_BYTE signature[64]) {
  CK_BYTE data[] = "data";
  CK_ULONG len = 64;
  return F->C_Sign(session, data, sizeof data, signature, &len);
}

static CK_RV verify(CK_BYTE signature[64]) {
  CK_MECHANISM mechanism = {CKM_EDDSA, NULL, 0};
  CK_BYTE data[] = "data";
  CK_RV rv = F->C_VerifyInit(session, &mechanism, key.public_key);
  return rv == CKR_OK ? F->C_Verify(session, data, sizeof data, signature, 64) : rv;
}

static void new_key(void) {
  key = make_key(session, ED25519, true);
}

static void a_suspended_key_is_refused_when_signing_begins(void) {
  CK_BYTE signature[64];
  new_key();
  CHECK(is(key.private_key, "active") && is(key.public_key, "active"));
  RV(CKR_OK, set_state(key.private_key, "suspended"));
  CHECK(is(key.private_key, "suspended") && is(key.public_key, "suspended"));
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, begin());
  RV(CKR_OK, set_state(key.public_key, "active"));
  RV(CKR_OK, begin());
  RV(CKR_OK, finish(signature));
}

static void what_another_program_changed_holds_at_once_in_both_directions(void) {
  CK_BYTE signature[64];
  new_key();
  RV(CKR_OK, begin());
  RV(CKR_OK, finish(signature));
  CHECK(other_program("suspend", NULL));
  RV(CKR_OK, begin()); /* by what the module remembers; the signer knows better */
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, finish(signature));
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, begin());
  CHECK(other_program("resume", NULL));
  RV(CKR_OK, begin());
  RV(CKR_OK, finish(signature));
}

static void a_retired_key_verifies_and_does_not_come_back(void) {
  CK_BYTE signature[64];
  CK_BBOOL sign = 1;
  CK_ATTRIBUTE row = ROW(CKA_SIGN, sign);
  new_key();
  RV(CKR_OK, begin());
  RV(CKR_OK, finish(signature));
  CHECK(!other_program("retire", NULL)); /* nobody said --yes */
  RV(CKR_OK, begin());
  RV(CKR_OK, finish(signature));
  CHECK(other_program("retire", "--yes"));
  RV(CKR_OK, verify(signature));
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, begin());
  RV(CKR_ATTRIBUTE_VALUE_INVALID, set_state(key.private_key, "active"));
  RV(CKR_OK, F->C_GetAttributeValue(session, key.private_key, &row, 1));
  CHECK(sign == 0);
  RV(CKR_ATTRIBUTE_READ_ONLY, F->C_SetAttributeValue(session, key.private_key, &(CK_ATTRIBUTE)ROW(CKA_SIGN, yes), 1));
  RV(CKR_OK, set_state(key.private_key, "compromised"));
  RV(CKR_OK, verify(signature));
}

static void only_a_logged_in_user_changes_it(void) {
  new_key();
  RV(CKR_OK, F->C_Logout(session));
  CK_OBJECT_HANDLE handle = key.public_key;
  RV(CKR_USER_NOT_LOGGED_IN, set_state(handle, "suspended"));
  RV(CKR_USER_NOT_LOGGED_IN, set_state(handle, "compromised"));
  RV(CKR_OK, F->C_Login(session, CKU_SO, (CK_BYTE *)(uintptr_t)SO_PIN, strlen(SO_PIN)));
  RV(CKR_USER_NOT_LOGGED_IN, set_state(handle, "suspended"));
  RV(CKR_OK, set_state(handle, "compromised"));
  RV(CKR_OK, F->C_Logout(session));
}

int main(void) {
  const struct test_case cases[] = {
      {"a suspended key is refused when signing begins", a_suspended_key_is_refused_when_signing_begins},
      {"what another program changed holds at once, in both directions",
       what_another_program_changed_holds_at_once_in_both_directions},
      {"a retired key verifies and does not come back", a_retired_key_verifies_and_does_not_come_back},
      {"only a logged-in user changes it", only_a_logged_in_user_changes_it},
  };
  load_module();
  initialize();
  session = open_logged_in(CKF_RW_SESSION);
  return run_cases(cases, sizeof cases / sizeof cases[0]);
}
