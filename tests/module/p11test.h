/*
 * For test programs that load a PKCS#11 module as an application does: $CHIO_PKCS11_MODULE by dlopen, its function
 * list, checks that count, TAP.
 */
#ifndef CHIO_TESTS_MODULE_P11TEST_H
#define CHIO_TESTS_MODULE_P11TEST_H

#include "pkcs11/cryptoki3.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USER_PIN "123456"
#define SO_PIN "12345678"
extern CK_UTF8CHAR user_pin[sizeof USER_PIN], so_pin[sizeof SO_PIN];
#define PIN(pin) (pin), sizeof(pin) - 1 /* two arguments */

/* Counts and lengths that no caller can mean. */
#define HUGE_COUNT ((CK_ULONG)1 << 32)
#define HUGE_LEN (~(CK_ULONG)0)

/* The function list, C_GetFunctionList's; loaded by load_module. */
extern CK_FUNCTION_LIST *F;
extern CK_FUNCTION_LIST_3_0 *F3; /* by C_GetInterface */
extern void *module_handle;

/* Loads the module; ends the program when that fails. */
void load_module(void);

/* Checks: a failed one prints where and what, and the case counts as failed. */
#define RV(want, call) check_rv(__FILE__, __LINE__, #call, (want), (call))
#define CHECK(condition) check_true(__FILE__, __LINE__, #condition, (condition))
bool check_rv(const char *file, int line, const char *what, CK_RV want, CK_RV got);
bool check_true(const char *file, int line, const char *what, bool condition);

/* The checks that failed in this case so far; a child of fork makes it its exit status. */
unsigned failed_checks(void);

/* One case is one line of TAP; the name is a sentence. */
struct test_case {
  const char *name;
  void (*run)(void);
};
#define CASE(name) \
  { #name, name }

/* Runs them all; returns the exit status. */
int run_cases(const struct test_case *cases, size_t count);

/* C_Initialize, the slot of the token "test". */
void initialize(void);
CK_SLOT_ID test_slot(void);

/* A session on it; with the user logged in when asked. */
CK_SESSION_HANDLE open_session(CK_FLAGS flags);
CK_SESSION_HANDLE open_logged_in(CK_FLAGS flags);
/* C_Login as the user. */
CK_RV login(CK_SESSION_HANDLE session);

enum key_kind { ED25519, P256, P384, P521, RSA2048 };

struct key_pair {
  CK_OBJECT_HANDLE public_key;
  CK_OBJECT_HANDLE private_key;
};

/* A key pair that signs and verifies; on the token or of the session. */
struct key_pair make_key(CK_SESSION_HANDLE session, enum key_kind kind, bool on_token);

/* A data object. */
CK_OBJECT_HANDLE make_data(CK_SESSION_HANDLE session, CK_BBOOL *on_token, CK_BBOOL *is_private);

extern CK_BYTE digest32[32]; /* what might be a digest of 32 bytes */

/* CK_ATTRIBUTE rows. */
#define ROW(type, variable) \
  { (type), &(variable), sizeof(variable) }
#define ROW_BYTES(type, bytes, len) \
  { (type), (void *)(uintptr_t)(bytes), (len) }

extern CK_BBOOL yes, no;

#endif
