/*
 * The module's objects against the rules of PKCS #11: finding, reading, templates, handles, lifetimes, who sees what.
 */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <stdlib.h>
#include <string.h>

static CK_ULONG count_found(CK_SESSION_HANDLE s, CK_ATTRIBUTE *templ, CK_ULONG rows) {
  CK_OBJECT_HANDLE found[16];
  CK_ULONG count = 1, all = 0;
  RV(CKR_OK, F->C_FindObjectsInit(s, templ, rows));
  while (count > 0 && all < 10000 && RV(CKR_OK, F->C_FindObjects(s, found, 16, &count))) all += count;
  RV(CKR_OK, F->C_FindObjectsFinal(s));
  return all;
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

int main(void) {
  static const struct test_case cases[] = {
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
      CASE(evidence_is_read_before_login),
  };
  load_module();
  initialize();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
