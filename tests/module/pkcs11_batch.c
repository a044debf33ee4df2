/* Many signatures for one key: CKM_CHIO_SIGN_BATCH, and the message-based signing of PKCS #11 v3.0. */
#include "tests/module/p11test.h"

#include "signer/base/macros.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 3u

static CK_SESSION_HANDLE session;
static CK_BYTE message[] = "a message to be signed";

static void begin(void) {
  initialize();
  session = open_logged_in(CKF_RW_SESSION);
}

static void end(void) {
  RV(CKR_OK, F->C_Finalize(NULL));
}

/* ---- Sequences: 4 bytes of length, big-endian, and the bytes ---- */

static size_t put(CK_BYTE *to, const void *bytes, size_t len) {
  to[0] = to[1] = 0;
  to[2] = (CK_BYTE)(len >> 8);
  to[3] = (CK_BYTE)len;
  if (len > 0) memcpy(to + 4, bytes, len);
  return 4 + len;
}

/* The message and its first bytes, each as long as the digests that the mechanism may ask for. */
static size_t three(CK_BYTE *to, size_t len) {
  CK_BYTE bytes[128] = "one";
  size_t used = put(to, bytes, len);
  bytes[0] = 'O';
  used += put(to + used, bytes, len);
  bytes[1] = 'N';
  return used + put(to + used, bytes, len);
}

static CK_MECHANISM batch_of(CK_MECHANISM *inner) {
  return (CK_MECHANISM){CKM_CHIO_SIGN_BATCH, inner, sizeof *inner};
}

/* Each signature holds for its own message. */
static void verify_three(CK_MECHANISM *inner, CK_OBJECT_HANDLE public_key, CK_BYTE *data, CK_BYTE *signature,
                         size_t message_len, size_t signature_len) {
  for (size_t i = 0; i < BATCH; i++) {
    CK_BYTE *one = signature + i * (4 + signature_len);
    CK_BYTE *of = data + i * (4 + message_len);
    CHECK(one[0] == 0 && one[1] == 0 && (size_t)one[2] * 256 + one[3] == signature_len);
    RV(CKR_OK, F->C_VerifyInit(session, inner, public_key));
    RV(CKR_OK, F->C_Verify(session, of + 4, message_len, one + 4, signature_len));
    RV(CKR_OK, F->C_VerifyInit(session, inner, public_key));
    RV(CKR_SIGNATURE_INVALID,
       F->C_Verify(session, data + ((i + 1) % BATCH) * (4 + message_len) + 4, message_len, one + 4, signature_len));
  }
}

static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};

static const struct way {
  enum key_kind kind;
  CK_MECHANISM inner;
  size_t message_len, signature_len;
} ways[] = {
    {ED25519, {CKM_EDDSA, NULL, 0}, 40, 64},         {P256, {CKM_ECDSA, NULL, 0}, 32, 64},
    {P256, {CKM_ECDSA_SHA256, NULL, 0}, 7, 64},      {P384, {CKM_ECDSA_SHA384, NULL, 0}, 100, 96},
    {P521, {CKM_ECDSA, NULL, 0}, 64, 132},           {RSA2048, {CKM_SHA256_RSA_PKCS, NULL, 0}, 9, 256},
    {RSA2048, {CKM_RSA_PKCS, NULL, 0}, 51, 256},     {RSA2048, {CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof pss}, 9, 256},
};

static void a_batch_signs_each_message(void) {
  begin();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ways); i++) {
    struct key_pair key = make_key(session, ways[i].kind, false);
    CK_MECHANISM inner = ways[i].inner, batch = batch_of(&inner);
    CK_BYTE data[400], signature[800];
    CK_ULONG len = 0, needed = BATCH * (4 + ways[i].signature_len);
    size_t data_len = three(data, ways[i].message_len);
    RV(CKR_OK, F->C_SignInit(session, &batch, key.private_key));
    RV(CKR_OK, F->C_Sign(session, data, data_len, NULL, &len));
    CHECK(len == needed);
    len = needed - 1;
    RV(CKR_BUFFER_TOO_SMALL, F->C_Sign(session, data, data_len, signature, &len));
    CHECK(len == needed);
    len = sizeof signature;
    RV(CKR_OK, F->C_Sign(session, data, data_len, signature, &len));
    CHECK(len == needed);
    RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(session, data, data_len, signature, &len));
    verify_three(&inner, key.public_key, data, signature, ways[i].message_len, ways[i].signature_len);
  }
  end();
}

static void data_that_is_no_sequence_is_refused(void) {
  begin();
  struct key_pair key = make_key(session, P256, false);
  CK_MECHANISM inner = {CKM_ECDSA_SHA256, NULL, 0}, batch = batch_of(&inner);
  static CK_BYTE many[257 * 4], whole[1024 * 1024 + 1];
  CK_BYTE good[32], signature[300];
  size_t good_len = put(good, "message", 7);
  const struct {
    CK_BYTE *data;
    CK_ULONG len;
    CK_RV rv;
  } rows[] = {{good, 0, CKR_DATA_LEN_RANGE},           {good, 3, CKR_DATA_INVALID},
              {good, good_len - 1, CKR_DATA_INVALID},  {good, good_len + 1, CKR_DATA_INVALID},
              {many, sizeof many, CKR_DATA_LEN_RANGE}, {whole, sizeof whole, CKR_DATA_LEN_RANGE},
              {NULL, 4, CKR_ARGUMENTS_BAD}};
  for (size_t i = 0; i < 2 * CHIO_ARRAY_LEN(rows); i++) {
    CK_ULONG len = sizeof signature;
    RV(CKR_OK, F->C_SignInit(session, &batch, key.private_key));
    RV(rows[i / 2].rv, F->C_Sign(session, rows[i / 2].data, rows[i / 2].len, i % 2 == 0 ? signature : NULL, &len));
    RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Sign(session, good, good_len, signature, &len));
  }
  end();
}

static void one_message_that_cannot_be_signed_fails_the_call(void) {
  begin();
  struct key_pair key = make_key(session, P256, false);
  CK_MECHANISM inner = {CKM_ECDSA, NULL, 0}, batch = batch_of(&inner);
  CK_BYTE data[200], digest[32] = {1}, signature[300] = {0};
  CK_ULONG len = sizeof signature;
  size_t used = put(data, digest, sizeof digest);
  used += put(data + used, NULL, 0);
  used += put(data + used, digest, sizeof digest);
  RV(CKR_OK, F->C_SignInit(session, &batch, key.private_key));
  RV(CKR_DATA_LEN_RANGE, F->C_Sign(session, data, used, signature, &len));
  CHECK(signature[4] == 0 && signature[5] == 0);
  end();
}

static void a_batch_is_made_by_c_sign_alone(void) {
  begin();
  struct key_pair key = make_key(session, P256, false);
  CK_MECHANISM inner = {CKM_ECDSA_SHA256, NULL, 0}, batch = batch_of(&inner);
  CK_BYTE signature[100];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F->C_SignInit(session, &batch, key.private_key));
  RV(CKR_FUNCTION_NOT_SUPPORTED, F->C_SignUpdate(session, message, sizeof message));
  RV(CKR_OK, F->C_SignInit(session, &batch, key.private_key));
  RV(CKR_FUNCTION_NOT_SUPPORTED, F->C_SignFinal(session, signature, &len));
  RV(CKR_MECHANISM_INVALID, F->C_VerifyInit(session, &batch, key.public_key));
  RV(CKR_MECHANISM_INVALID, F3->C_MessageSignInit(session, &batch, key.private_key));
  RV(CKR_MECHANISM_INVALID, F->C_DigestInit(session, &batch));
  end();
}

static void the_mechanism_within_must_sign(void) {
  begin();
  struct key_pair key = make_key(session, P256, false);
  CK_MECHANISM good = {CKM_ECDSA_SHA256, NULL, 0}, sha = {CKM_SHA256, NULL, 0}, attest = {CKM_CHIO_ATTEST, NULL, 0};
  CK_MECHANISM nested = batch_of(&good), unknown = {0x80001234UL, NULL, 0}, eddsa = {CKM_EDDSA, NULL, 0};
  CK_MECHANISM with_param = {CKM_ECDSA_SHA256, message, sizeof message};
  const struct {
    CK_MECHANISM batch;
    CK_RV rv;
  } rows[] = {{{CKM_CHIO_SIGN_BATCH, NULL, 0}, CKR_MECHANISM_PARAM_INVALID},
              {{CKM_CHIO_SIGN_BATCH, NULL, sizeof good}, CKR_MECHANISM_PARAM_INVALID},
              {{CKM_CHIO_SIGN_BATCH, &good, sizeof good - 1}, CKR_MECHANISM_PARAM_INVALID},
              {batch_of(&sha), CKR_MECHANISM_PARAM_INVALID},
              {batch_of(&attest), CKR_MECHANISM_PARAM_INVALID},
              {batch_of(&nested), CKR_MECHANISM_PARAM_INVALID},
              {batch_of(&unknown), CKR_MECHANISM_PARAM_INVALID},
              {batch_of(&with_param), CKR_MECHANISM_PARAM_INVALID},
              {batch_of(&eddsa), CKR_KEY_TYPE_INCONSISTENT}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    CK_MECHANISM batch = rows[i].batch;
    RV(rows[i].rv, F->C_SignInit(session, &batch, key.private_key));
  }
  CK_MECHANISM batch = batch_of(&good);
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, F->C_SignInit(session, &batch, key.public_key));
  RV(CKR_KEY_HANDLE_INVALID, F->C_SignInit(session, &batch, 12345));
  end();
}

static void what_c_getmechanisminfo_says_is_so(void) {
  CK_MECHANISM_INFO info;
  CK_MECHANISM_TYPE list[128];
  CK_ULONG count = CHIO_ARRAY_LEN(list);
  bool listed = false;
  begin();
  RV(CKR_OK, F->C_GetMechanismList(test_slot(), list, &count));
  for (CK_ULONG i = 0; i < count; i++) listed = listed || list[i] == CKM_CHIO_SIGN_BATCH;
  CHECK(listed);
  RV(CKR_OK, F->C_GetMechanismInfo(test_slot(), CKM_CHIO_SIGN_BATCH, &info));
  CHECK((info.flags & (CKF_SIGN | CKF_VERIFY | CKF_MESSAGE_SIGN)) == CKF_SIGN);
  RV(CKR_OK, F->C_GetMechanismInfo(test_slot(), CKM_EDDSA, &info));
  CHECK((info.flags & CKF_MESSAGE_SIGN) != 0 && (info.flags & CKF_MULTI_MESSAGE) != 0);
  RV(CKR_OK, F->C_GetMechanismInfo(test_slot(), CKM_CHIO_ATTEST, &info));
  CHECK((info.flags & CKF_MESSAGE_SIGN) == 0 && (info.flags & CKF_MULTI_MESSAGE) == 0);
  RV(CKR_OK, F->C_GetMechanismInfo(test_slot(), CKM_SHA256, &info));
  CHECK((info.flags & CKF_MESSAGE_SIGN) == 0);
  end();
}

/* ---- Messages ---- */

static void verify(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature,
                   CK_ULONG signature_len) {
  RV(CKR_OK, F->C_VerifyInit(session, mechanism, key));
  RV(CKR_OK, F->C_Verify(session, data, len, signature, signature_len));
}

static void one_init_signs_many_messages(void) {
  begin();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ways); i++) {
    struct key_pair key = make_key(session, ways[i].kind, false);
    CK_MECHANISM mechanism = ways[i].inner;
    CK_BYTE data[128] = {0}, signature[256];
    RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
    for (CK_BYTE round = 1; round <= 3; round++) {
      CK_ULONG len = 0;
      data[0] = round;
      RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, data, ways[i].message_len, NULL, &len));
      CHECK(len == ways[i].signature_len);
      len--;
      RV(CKR_BUFFER_TOO_SMALL, F3->C_SignMessage(session, NULL, 0, data, ways[i].message_len, signature, &len));
      RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, data, ways[i].message_len, signature, &len));
      verify(&mechanism, key.public_key, data, ways[i].message_len, signature, len);
    }
    RV(CKR_OK, F3->C_MessageSignFinal(session));
    RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_MessageSignFinal(session));
  }
  end();
}

static void messages_in_parts_are_signed_whole(void) {
  begin();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ways); i++) {
    struct key_pair key = make_key(session, ways[i].kind, false);
    CK_MECHANISM mechanism = ways[i].inner;
    size_t all = ways[i].message_len;
    CK_BYTE data[128] = {7}, signature[256];
    RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
    for (CK_BYTE round = 1; round <= 2; round++) {
      CK_ULONG len = 0;
      data[0] = round;
      RV(CKR_OK, F3->C_SignMessageBegin(session, NULL, 0));
      RV(CKR_OK, F3->C_SignMessageNext(session, NULL, 0, data, 5, NULL, NULL));
      RV(CKR_OK, F3->C_SignMessageNext(session, NULL, 0, data + 5, all - 5, NULL, &len));
      CHECK(len == ways[i].signature_len);
      RV(CKR_OK, F3->C_SignMessageNext(session, NULL, 0, data + 5, all - 5, signature, &len));
      verify(&mechanism, key.public_key, data, all, signature, len);
    }
    RV(CKR_OK, F3->C_MessageSignFinal(session));
  }
  end();
}

static void a_long_message_in_parts_is_streamed(void) {
  static CK_BYTE part[60000];
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  begin();
  struct key_pair key = make_key(session, P256, false);
  CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
  CK_BYTE *whole = calloc(3, sizeof part);
  RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  RV(CKR_OK, F3->C_SignMessageBegin(session, NULL, 0));
  RV(CKR_OK, F3->C_SignMessageNext(session, NULL, 0, part, sizeof part, NULL, NULL));
  RV(CKR_OK, F3->C_SignMessageNext(session, NULL, 0, part, sizeof part, NULL, NULL));
  RV(CKR_OK, F3->C_SignMessageNext(session, NULL, 0, part, sizeof part, signature, &len));
  verify(&mechanism, key.public_key, whole, 3 * sizeof part, signature, len);
  RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, message, sizeof message, signature, &len));
  verify(&mechanism, key.public_key, message, sizeof message, signature, len);
  free(whole);
  end();
}

static void messages_out_of_order_are_refused(void) {
  begin();
  struct key_pair key = make_key(session, P256, false);
  CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_SignMessage(session, NULL, 0, message, 1, signature, &len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_SignMessageBegin(session, NULL, 0));
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_SignMessageNext(session, NULL, 0, message, 1, signature, &len));
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_MessageSignFinal(session));
  RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  RV(CKR_OPERATION_ACTIVE, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_SignMessageNext(session, NULL, 0, message, 1, signature, &len));
  RV(CKR_OK, F3->C_SignMessageBegin(session, NULL, 0));
  RV(CKR_OPERATION_ACTIVE, F3->C_SignMessageBegin(session, NULL, 0));
  RV(CKR_OPERATION_ACTIVE, F3->C_SignMessage(session, NULL, 0, message, 1, signature, &len));
  RV(CKR_OK, F3->C_MessageSignFinal(session));
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_SignMessageNext(session, NULL, 0, message, 1, signature, &len));
  end();
}

static void a_bad_message_ends_alone(void) {
  begin();
  struct key_pair key = make_key(session, P256, false);
  CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
  CK_BYTE signature[64], digest[32] = {1};
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  RV(CKR_MECHANISM_PARAM_INVALID, F3->C_SignMessage(session, digest, 4, digest, 32, signature, &len));
  RV(CKR_ARGUMENTS_BAD, F3->C_SignMessage(session, NULL, 0, NULL, 32, signature, &len));
  RV(CKR_ARGUMENTS_BAD, F3->C_SignMessage(session, NULL, 0, digest, 32, signature, NULL));
  RV(CKR_DATA_LEN_RANGE, F3->C_SignMessage(session, NULL, 0, NULL, 0, signature, &len));
  RV(CKR_OK, F3->C_SignMessageBegin(session, NULL, 0));
  RV(CKR_ARGUMENTS_BAD, F3->C_SignMessageNext(session, NULL, 0, NULL, 5, NULL, NULL));
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_SignMessageNext(session, NULL, 0, digest, 32, signature, &len));
  RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, digest, 32, signature, &len));
  RV(CKR_OK, F3->C_MessageSignFinal(session));
  end();
}

static void evidence_is_no_message(void) {
  begin();
  struct key_pair key = make_key(session, P256, false);
  CK_MECHANISM mechanism = {CKM_CHIO_ATTEST, NULL, 0};
  RV(CKR_MECHANISM_INVALID, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  end();
}

static void messages_and_c_sign_do_not_disturb_one_another(void) {
  begin();
  struct key_pair one = make_key(session, P256, false), two = make_key(session, ED25519, false);
  CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0}, eddsa = {CKM_EDDSA, NULL, 0};
  CK_BYTE first[64], second[64];
  CK_ULONG first_len = 64, second_len = 64;
  RV(CKR_OK, F3->C_MessageSignInit(session, &ecdsa, one.private_key));
  RV(CKR_OK, F->C_SignInit(session, &eddsa, two.private_key));
  RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, message, 5, first, &first_len));
  RV(CKR_OK, F->C_Sign(session, message, 6, second, &second_len));
  verify(&ecdsa, one.public_key, message, 5, first, first_len);
  verify(&eddsa, two.public_key, message, 6, second, second_len);
  end();
}

static void a_logout_and_a_cancel_end_the_messages(void) {
  begin();
  struct key_pair key = make_key(session, P256, true);
  CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  RV(CKR_OK, F3->C_SessionCancel(session, CKF_SIGN));
  RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, message, 5, signature, &len));
  RV(CKR_OK, F3->C_SessionCancel(session, CKF_MESSAGE_SIGN));
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_SignMessage(session, NULL, 0, message, 5, signature, &len));
  RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  RV(CKR_OK, F3->C_MessageSignInit(session, NULL, 0));
  RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  RV(CKR_OK, F->C_Logout(session));
  RV(CKR_OPERATION_NOT_INITIALIZED, F3->C_SignMessage(session, NULL, 0, message, 5, signature, &len));
  end();
}

/* ---- Keys that ask for a login for each use ---- */

static struct key_pair careful_key(void) {
  CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
  CK_ATTRIBUTE of_public[] = {ROW(CKA_VERIFY, yes),
                              ROW_BYTES(CKA_EC_PARAMS, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10)};
  CK_ATTRIBUTE of_private[] = {ROW(CKA_SIGN, yes), ROW(CKA_ALWAYS_AUTHENTICATE, yes)};
  struct key_pair key = {0, 0};
  RV(CKR_OK, F->C_GenerateKeyPair(session, &generate, of_public, 2, of_private, 2, &key.public_key, &key.private_key));
  return key;
}

static void each_message_takes_a_login_where_the_key_asks_and_a_batch_has_none(void) {
  begin();
  struct key_pair key = careful_key();
  CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0}, batch = batch_of(&mechanism);
  CK_UTF8CHAR pin[] = USER_PIN;
  CK_BYTE signature[64];
  CK_ULONG len = sizeof signature;
  RV(CKR_KEY_FUNCTION_NOT_PERMITTED, F->C_SignInit(session, &batch, key.private_key));
  RV(CKR_OK, F3->C_MessageSignInit(session, &mechanism, key.private_key));
  RV(CKR_USER_NOT_LOGGED_IN, F3->C_SignMessage(session, NULL, 0, message, 5, signature, &len));
  RV(CKR_USER_NOT_LOGGED_IN, F3->C_SignMessageBegin(session, NULL, 0));
  for (int i = 0; i < 2; i++) {
    RV(CKR_OK, F->C_Login(session, CKU_CONTEXT_SPECIFIC, pin, sizeof pin - 1));
    RV(CKR_OK, F3->C_SignMessage(session, NULL, 0, message, 5, signature, &len));
    verify(&mechanism, key.public_key, message, 5, signature, len);
    RV(CKR_USER_NOT_LOGGED_IN, F3->C_SignMessage(session, NULL, 0, message, 5, signature, &len));
  }
  RV(CKR_OK, F->C_Login(session, CKU_CONTEXT_SPECIFIC, pin, sizeof pin - 1));
  RV(CKR_OK, F3->C_SignMessageBegin(session, NULL, 0));
  RV(CKR_OK, F3->C_SignMessageNext(session, NULL, 0, message, 5, signature, &len));
  verify(&mechanism, key.public_key, message, 5, signature, len);
  RV(CKR_OK, F3->C_MessageSignFinal(session));
  RV(CKR_OPERATION_NOT_INITIALIZED, F->C_Login(session, CKU_CONTEXT_SPECIFIC, pin, sizeof pin - 1));
  end();
}

int main(void) {
  static const struct test_case cases[] = {
      {"a batch signs each message", a_batch_signs_each_message},
      {"data that is no sequence is refused", data_that_is_no_sequence_is_refused},
      {"one message that cannot be signed fails the call", one_message_that_cannot_be_signed_fails_the_call},
      {"a batch is made by C_Sign alone", a_batch_is_made_by_c_sign_alone},
      {"the mechanism within must sign", the_mechanism_within_must_sign},
      {"what C_GetMechanismInfo says is so", what_c_getmechanisminfo_says_is_so},
      {"one C_MessageSignInit signs many messages", one_init_signs_many_messages},
      {"messages in parts are signed whole", messages_in_parts_are_signed_whole},
      {"a long message in parts is streamed", a_long_message_in_parts_is_streamed},
      {"messages out of order are refused", messages_out_of_order_are_refused},
      {"a bad message ends alone", a_bad_message_ends_alone},
      {"evidence is no message", evidence_is_no_message},
      {"messages and C_Sign do not disturb one another", messages_and_c_sign_do_not_disturb_one_another},
      {"a logout and a cancel end the messages", a_logout_and_a_cancel_end_the_messages},
      {"each message takes a login where the key asks, and a batch has none",
       each_message_takes_a_login_where_the_key_asks_and_a_batch_has_none},
  };
  load_module();
  return run_cases(cases, CHIO_ARRAY_LEN(cases));
}
