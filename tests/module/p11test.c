#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CK_FUNCTION_LIST *F;
CK_FUNCTION_LIST_3_0 *F3;
void *module_handle;
CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
CK_UTF8CHAR user_pin[] = USER_PIN;
CK_UTF8CHAR so_pin[] = SO_PIN;
CK_BYTE digest32[32] = {1, 2, 3};

static unsigned failures; /* of the case under way */

static void bail(const char *why) {
  printf("Bail out! %s\n", why);
  exit(99);
}

void load_module(void) {
  const char *path = getenv("CHIO_PKCS11_MODULE");
  if (path == NULL) bail("CHIO_PKCS11_MODULE is not set: run this under tests/support/with-chiod");
  module_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (module_handle == NULL) bail(dlerror());
  CK_C_GetFunctionList get_list = (CK_C_GetFunctionList)dlsym(module_handle, "C_GetFunctionList");
  CK_C_GetInterface get_interface = (CK_C_GetInterface)dlsym(module_handle, "C_GetInterface");
  CK_INTERFACE *interface = NULL;
  CK_VERSION version = {3, 0};
  CK_UTF8CHAR name[] = "PKCS 11";
  if (get_list == NULL || get_list(&F) != CKR_OK) bail("no C_GetFunctionList");
  if (get_interface == NULL || get_interface(name, &version, &interface, 0) != CKR_OK) bail("no C_GetInterface");
  F3 = interface->pFunctionList;
}

bool check_rv(const char *file, int line, const char *what, CK_RV want, CK_RV got) {
  if (want == got) return true;
  failures++;
  printf("# %s:%d: %.200s gave 0x%lx, not 0x%lx\n", file, line, what, got, want);
  return false;
}

bool check_true(const char *file, int line, const char *what, bool condition) {
  if (condition) return true;
  failures++;
  printf("# %s:%d: not so: %.200s\n", file, line, what);
  return false;
}

unsigned failed_checks(void) {
  return failures;
}

int run_cases(const struct test_case *cases, size_t count) {
  unsigned failed = 0;
  printf("1..%zu\n", count);
  for (size_t i = 0; i < count; i++) {
    failures = 0;
    cases[i].run();
    printf("%s %zu - %s\n", failures == 0 ? "ok" : "not ok", i + 1, cases[i].name);
    (void)fflush(stdout);
    if (failures > 0) failed++;
  }
  return failed > 0 ? 1 : 0;
}

void initialize(void) {
  CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
  if (F->C_Initialize(&args) != CKR_OK) bail("C_Initialize fails");
}

CK_SLOT_ID test_slot(void) {
  static CK_UTF8CHAR label[32] = "test                            ";
  CK_SLOT_ID slots[64];
  CK_ULONG count = 64;
  CK_TOKEN_INFO info;
  (void)F->C_GetSlotList(CK_TRUE, NULL, &count);
  count = 64;
  if (F->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) bail("C_GetSlotList fails");
  for (CK_ULONG i = 0; i < count; i++)
    if (F->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, label, sizeof label - 1) == 0 &&
        info.label[31] == ' ')
      return slots[i];
  bail("there is no token 'test'");
  return 0;
}

CK_SESSION_HANDLE open_session(CK_FLAGS flags) {
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  if (F->C_OpenSession(test_slot(), CKF_SERIAL_SESSION | flags, NULL, NULL, &session) != CKR_OK)
    bail("C_OpenSession fails");
  return session;
}

CK_RV login(CK_SESSION_HANDLE session) {
  return F->C_Login(session, CKU_USER, PIN(user_pin));
}

CK_SESSION_HANDLE open_logged_in(CK_FLAGS flags) {
  CK_SESSION_HANDLE session = open_session(flags);
  CK_RV rv = login(session);
  if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN) bail("C_Login fails");
  return session;
}

static const struct {
  CK_MECHANISM_TYPE generator;
  const char *params;
  size_t params_len;
} kinds[] = {
    [ED25519] = {CKM_EC_EDWARDS_KEY_PAIR_GEN, "\x06\x03\x2b\x65\x70", 5},
    [P256] = {CKM_EC_KEY_PAIR_GEN, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10},
    [P384] = {CKM_EC_KEY_PAIR_GEN, "\x06\x05\x2b\x81\x04\x00\x22", 7},
    [P521] = {CKM_EC_KEY_PAIR_GEN, "\x06\x05\x2b\x81\x04\x00\x23", 7},
    [RSA2048] = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0},
};

struct key_pair make_key(CK_SESSION_HANDLE session, enum key_kind kind, bool on_token) {
  static CK_BYTE id;
  CK_MECHANISM mechanism = {kinds[kind].generator, NULL, 0};
  CK_BBOOL token = on_token ? CK_TRUE : CK_FALSE;
  CK_ULONG bits = 2048;
  CK_BYTE exponent[] = {1, 0, 1};
  CK_ATTRIBUTE of_public[] = {ROW(CKA_TOKEN, token), ROW(CKA_VERIFY, yes), ROW(CKA_ID, id),
                              ROW_BYTES(CKA_EC_PARAMS, kinds[kind].params, kinds[kind].params_len),
                              ROW(CKA_PUBLIC_EXPONENT, exponent)};
  CK_ATTRIBUTE of_private[] = {ROW(CKA_TOKEN, token), ROW(CKA_SIGN, yes), ROW(CKA_ID, id)};
  CK_ULONG public_count = 4;
  if (kind == RSA2048) {
    of_public[3] = (CK_ATTRIBUTE)ROW(CKA_MODULUS_BITS, bits);
    public_count = 5;
  }
  struct key_pair pair = {0, 0};
  id++;
  RV(CKR_OK, F->C_GenerateKeyPair(session, &mechanism, of_public, public_count, of_private, 3, &pair.public_key,
                                  &pair.private_key));
  return pair;
}

CK_OBJECT_HANDLE make_data(CK_SESSION_HANDLE session, CK_BBOOL *on_token, CK_BBOOL *is_private) {
  CK_OBJECT_CLASS class = CKO_DATA;
  CK_ATTRIBUTE rows[] = {ROW(CKA_CLASS, class), ROW(CKA_TOKEN, *on_token), ROW(CKA_PRIVATE, *is_private),
                         ROW_BYTES(CKA_LABEL, "data", 4), ROW_BYTES(CKA_VALUE, "value", 5)};
  CK_OBJECT_HANDLE object = 0;
  RV(CKR_OK, F->C_CreateObject(session, rows, CHIO_ARRAY_LEN(rows), &object));
  CHECK(object != 0);
  return object;
}
