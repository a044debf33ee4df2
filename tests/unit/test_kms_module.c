/* The adapter for another PKCS#11 module against a module that does what the test says. */
#include "kms-adapters/module.h"
#include "tests/support/temp_dir.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <utime.h>
#include <cmocka.h>

#define PRIVATE 11u
#define PUBLIC 12u

/* What the module does, and what it was asked. One object of each class goes with the id 01. */
static struct fake {
  CK_RV initialize, slot_list, open, login, find, sign_init, sign, generate, random;
  unsigned fail_first; /* of sign_init and sign: so many calls fail, then all succeed; 0: all fail */
  unsigned initializes, opens, closes, logins, context_logins, signs, sign_inits, finds, generates;
  CK_ULONG slots;      /* how many with a token "behind" */
  CK_SLOT_ID slot;     /* the first of them */
  CK_ULONG keys;       /* private keys found */
  CK_KEY_TYPE type;
  bool public_key, always_authenticate;
  uint8_t point[67];
  CK_ULONG point_len;
  CK_ULONG signature_len;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_PSS_PARAMS pss;
  uint8_t data[256];
  CK_ULONG data_len;
  CK_OBJECT_CLASS looking_for;
  CK_OBJECT_HANDLE handle; /* of the private key: PRIVATE unless it is set; any other is invalid */
  CK_SLOT_ID session_slot;
  char pin[32];
} fake;

static CK_RV f_initialize(void *args) {
  (void)args;
  fake.initializes++;
  return fake.initialize;
}

static CK_RV f_finalize(void *reserved) {
  (void)reserved;
  return CKR_OK;
}

static CK_RV f_slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count) {
  (void)present;
  if (fake.slot_list != CKR_OK) return fake.slot_list;
  for (CK_ULONG i = 0; i < fake.slots; i++) list[i] = fake.slot + i;
  *count = fake.slots;
  return CKR_OK;
}

static CK_RV f_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
  memset(info, ' ', sizeof *info);
  memcpy(info->label, "behind", 6);
  info->flags = CKF_TOKEN_INITIALIZED;
  return slot >= fake.slot && slot < fake.slot + fake.slots ? CKR_OK : CKR_SLOT_ID_INVALID;
}

static CK_RV f_open(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *session) {
  (void)flags;
  (void)app;
  (void)notify;
  fake.opens++;
  *session = 100 + fake.opens;
  fake.session_slot = slot;
  return slot == fake.slot ? fake.open : CKR_SLOT_ID_INVALID;
}

static CK_RV f_close(CK_SESSION_HANDLE session) {
  (void)session;
  fake.closes++;
  return CKR_OK;
}

static CK_RV f_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info) {
  (void)session;
  (void)info;
  return CKR_OK;
}

static CK_RV f_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len) {
  (void)session;
  if (user == CKU_CONTEXT_SPECIFIC) fake.context_logins++;
  else fake.logins++;
  memcpy(fake.pin, pin, len < sizeof fake.pin ? len : sizeof fake.pin - 1);
  return fake.login;
}

static CK_RV f_find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count) {
  (void)session;
  for (CK_ULONG i = 0; i < count; i++)
    if (template[i].type == CKA_CLASS) fake.looking_for = *(CK_OBJECT_CLASS *)template[i].pValue;
  if (fake.looking_for == CKO_PRIVATE_KEY) fake.finds++;
  return fake.find;
}

static CK_OBJECT_HANDLE private_handle(void) {
  return fake.handle != 0 ? fake.handle : PRIVATE;
}

static CK_RV f_find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count) {
  (void)session;
  *count = 0;
  if (fake.looking_for == CKO_PRIVATE_KEY)
    for (; *count < fake.keys && *count < max; (*count)++) objects[*count] = private_handle();
  if (fake.looking_for == CKO_PUBLIC_KEY && fake.public_key) objects[(*count)++] = PUBLIC;
  return CKR_OK;
}

static CK_RV f_find_final(CK_SESSION_HANDLE session) {
  (void)session;
  return CKR_OK;
}

static CK_RV give(CK_ATTRIBUTE *attribute, const void *value, CK_ULONG len) {
  if (attribute->pValue != NULL && attribute->ulValueLen < len) return CKR_BUFFER_TOO_SMALL;
  if (attribute->pValue != NULL) memcpy(attribute->pValue, value, len);
  attribute->ulValueLen = len;
  return CKR_OK;
}

static CK_RV f_get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count) {
  static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  static const uint8_t modulus[256] = {0x80, [255] = 1}, exponent[] = {1, 0, 1};
  const CK_BBOOL yes = CK_TRUE, always = fake.always_authenticate ? CK_TRUE : CK_FALSE;
  (void)session;
  (void)count;
  switch (template->type) {
    case CKA_KEY_TYPE: return give(template, &fake.type, sizeof fake.type);
    case CKA_ID: return give(template, "\x01", 1);
    case CKA_LABEL: return give(template, "k", 1);
    case CKA_SIGN: return give(template, &yes, sizeof yes);
    case CKA_ALWAYS_AUTHENTICATE: return give(template, &always, sizeof always);
    case CKA_EC_PARAMS: return object == PUBLIC ? give(template, p256, sizeof p256) : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_EC_POINT: return object == PUBLIC ? give(template, fake.point, fake.point_len) : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_MODULUS: return give(template, modulus, sizeof modulus);
    case CKA_PUBLIC_EXPONENT: return give(template, exponent, sizeof exponent);
    default: return CKR_ATTRIBUTE_TYPE_INVALID;
  }
}

static CK_RV f_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
  (void)session;
  fake.sign_inits++;
  if (fake.session_slot != fake.slot) return CKR_DEVICE_REMOVED;
  if (key != private_handle() || fake.keys == 0) return CKR_KEY_HANDLE_INVALID;
  fake.mechanism = mechanism->mechanism;
  if (mechanism->ulParameterLen == sizeof fake.pss) memcpy(&fake.pss, mechanism->pParameter, sizeof fake.pss);
  return fake.sign_init;
}

static CK_RV f_sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature, CK_ULONG *signature_len) {
  (void)session;
  fake.signs++;
  fake.data_len = len;
  memcpy(fake.data, data, len < sizeof fake.data ? len : sizeof fake.data);
  if (fake.sign != CKR_OK && (fake.fail_first == 0 || fake.signs <= fake.fail_first)) return fake.sign;
  memset(signature, 1, fake.signature_len);
  *signature_len = fake.signature_len;
  return CKR_OK;
}

static CK_RV f_generate(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template,
                        CK_ULONG public_count, CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key) {
  (void)session;
  (void)mechanism;
  (void)public_template;
  (void)public_count;
  fake.generates++;
  bool sensitive = false;
  for (CK_ULONG i = 0; i < private_count; i++)
    if (private_template[i].type == CKA_SENSITIVE) sensitive = *(CK_BBOOL *)private_template[i].pValue == CK_TRUE;
  assert_true(sensitive);
  *public_key = PUBLIC;
  *private_key = PRIVATE;
  return fake.generate;
}

static CK_RV f_random(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG len) {
  (void)session;
  memset(data, 7, len);
  return fake.random;
}

static CK_FUNCTION_LIST functions = {
    .version = {2, 40},
    .C_Initialize = f_initialize,
    .C_Finalize = f_finalize,
    .C_GetSlotList = f_slot_list,
    .C_GetTokenInfo = f_token_info,
    .C_OpenSession = f_open,
    .C_CloseSession = f_close,
    .C_GetSessionInfo = f_session_info,
    .C_Login = f_login,
    .C_FindObjectsInit = f_find_init,
    .C_FindObjects = f_find,
    .C_FindObjectsFinal = f_find_final,
    .C_GetAttributeValue = f_get,
    .C_SignInit = f_sign_init,
    .C_Sign = f_sign,
    .C_GenerateKeyPair = f_generate,
    .C_GenerateRandom = f_random,
};

struct rig {
  struct temp_dir dir;
  char pin_file[512];
  struct chio_module *module;
  struct chio_detail detail;
  struct chio_kms_key key;
};

static void write_pin(const struct rig *rig, const char *pin) {
  FILE *file = fopen(rig->pin_file, "w");
  assert_non_null(file);
  assert_true(fputs(pin, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void set_point(void) {
  EVP_PKEY *pkey = EVP_EC_gen("P-256");
  size_t len = 0;
  assert_non_null(pkey);
  assert_int_equal(EVP_PKEY_get_octet_string_param(pkey, "pub", fake.point + 2, 65, &len), 1);
  fake.point[0] = 0x04;
  fake.point[1] = 65;
  fake.point_len = 67;
  EVP_PKEY_free(pkey);
}

static void rig_open(struct rig *rig) {
  fake = (struct fake){.slots = 1, .slot = 3, .keys = 1, .type = CKK_EC, .public_key = true, .signature_len = 64};
  set_point();
  *rig = (struct rig){.detail = {.text = ""}};
  assert_true(temp_dir_make(&rig->dir));
  (void)temp_dir_file(&rig->dir, "pin", rig->pin_file);
  write_pin(rig, "1234\n");
  const struct chio_backend_options options = {
      .name = "test", .module = "/lib/hsm.so", .token = "behind", .secret_file = rig->pin_file};
  assert_int_equal(chio_module_new(&options, &functions, NULL, &rig->module, &rig->detail), CHIO_OK);
}

static void rig_close(struct rig *rig) {
  assert_null(strstr(rig->detail.text, "1234"));
  chio_module_ops.close(rig->module);
  assert_int_equal(fake.opens, fake.closes);
  temp_dir_remove(&rig->dir);
}

static enum chio_err describe(struct rig *rig, const char *text) {
  struct chio_key_uri uri;
  const struct chio_deadline deadline = chio_deadline_in(60000);
  assert_int_equal(chio_key_uri_parse(text, &uri, NULL), CHIO_OK);
  return chio_module_ops.describe(rig->module, &uri, &deadline, &rig->key, &rig->detail);
}

static const struct chio_mech_params no_params = {.kind = CHIO_PARAMS_NONE};

static enum chio_err sign_with(struct rig *rig, uint32_t mechanism, const struct chio_mech_params *params, size_t len,
                               struct chio_buf *out) {
  static const uint8_t data[64] = {9, 8, 7};
  const struct chio_deadline deadline = chio_deadline_in(60000);
  return chio_module_ops.sign(rig->module, &rig->key, chio_mechanism_by_wire(mechanism), params, chio_slice(data, len),
                              &deadline, out, &rig->detail);
}

static enum chio_err sign(struct rig *rig) {
  struct chio_buf out = CHIO_BUF_INIT;
  enum chio_err err = sign_with(rig, CHIO_MECH_ECDSA_SHA256, &no_params, 32, &out);
  if (err == CHIO_OK) assert_int_equal(out.len, 64);
  if (err != CHIO_OK) assert_int_equal(out.len, 0);
  chio_buf_clear(&out);
  return err;
}

static void a_key_is_described_from_its_public_object_and_pinned_to_its_id(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(rig.key.bits, 256);
  assert_true(rig.key.can_sign);
  assert_string_equal(rig.key.uri.key, "token=behind;id=%01;object=k;type=private");
  assert_string_equal(fake.pin, "1234");
  memmove(fake.point, fake.point + 2, 65); /* some modules give the point without its OCTET STRING */
  fake.point_len = 65;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(fake.logins, 1);
  rig_close(&rig);
}

static void keys_that_are_not_what_they_seem_are_refused(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  fake.point[10] ^= 1; /* off the curve */
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_BACKEND);
  fake.point_len = 1;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_BACKEND);
  fake.public_key = false;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_BACKEND);
  fake.type = CKK_AES;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_KEY_TYPE);
  fake.type = CKK_RSA; /* its numbers are told by the private key too */
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(rig.key.bits, 2048);
  rig_close(&rig);
}

static void a_uri_names_one_key_of_this_token_and_module(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  assert_int_equal(describe(&rig, "pkcs11:object=k?module-path=/lib/evil.so"), CHIO_E_ARGUMENT);
  assert_int_equal(describe(&rig, "pkcs11:nonsense"), CHIO_E_ARGUMENT);
  assert_int_equal(describe(&rig, "pkcs11:id=%zz"), CHIO_E_ARGUMENT);
  assert_int_equal(describe(&rig, "pkcs11:object=k;unknown=1"), CHIO_E_ARGUMENT);
  assert_int_equal(describe(&rig, "pkcs11:token=other;object=k"), CHIO_E_NOT_FOUND);
  fake.keys = 2;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_ARGUMENT);
  fake.keys = 0;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_NOT_FOUND);
  fake.keys = 1;
  assert_int_equal(describe(&rig, "pkcs11:token=behind;object=k?module-path=/lib/hsm.so"), CHIO_OK);
  rig_close(&rig);
}

static void each_answer_has_its_meaning_and_lost_sessions_one_more_try(void **state) {
  (void)state;
  static const struct {
    CK_RV rv;
    enum chio_err err;
    unsigned signs;
  } rows[] = {
      {CKR_HOST_MEMORY, CHIO_E_NO_MEMORY, 1},
      {CKR_KEY_FUNCTION_NOT_PERMITTED, CHIO_E_POLICY, 1},
      {CKR_DATA_LEN_RANGE, CHIO_E_DATA_LEN, 1},
      {CKR_DATA_INVALID, CHIO_E_DATA_INVALID, 1},
      {CKR_DEVICE_MEMORY, CHIO_E_BUSY, 1},
      {CKR_MECHANISM_INVALID, CHIO_E_MECHANISM_UNSUPPORTED, 1},
      {CKR_MECHANISM_PARAM_INVALID, CHIO_E_MECHANISM_PARAM, 1},
      {CKR_KEY_TYPE_INCONSISTENT, CHIO_E_KEY_TYPE, 1},
      {CKR_PIN_EXPIRED, CHIO_E_PERMISSION, 1},
      {CKR_GENERAL_ERROR, CHIO_E_BACKEND, 1},
      {CKR_BUFFER_TOO_SMALL, CHIO_E_BACKEND, 1},
      {0x80000001UL, CHIO_E_BACKEND, 1},
      {CKR_DEVICE_ERROR, CHIO_E_BACKEND_UNREACHABLE, 2},
      {CKR_DEVICE_REMOVED, CHIO_E_BACKEND_UNREACHABLE, 2},
      {CKR_TOKEN_NOT_PRESENT, CHIO_E_BACKEND_UNREACHABLE, 2},
      {CKR_SESSION_HANDLE_INVALID, CHIO_E_BACKEND_UNREACHABLE, 2},
      {CKR_USER_NOT_LOGGED_IN, CHIO_E_PERMISSION, 2},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct rig rig;
    rig_open(&rig);
    assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
    fake.sign = rows[i].rv;
    enum chio_err err = sign(&rig);
    if (err != rows[i].err) fail_msg("row %zu: %s", i, chio_err_name(err));
    assert_non_null(strstr(rig.detail.text, "backend 'test'"));
    assert_int_equal(fake.signs, rows[i].signs);
    rig_close(&rig);
  }
}

static void a_token_that_comes_back_in_another_slot_is_found_again(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  fake.slot = 8;
  assert_int_equal(sign(&rig), CHIO_OK);
  assert_int_equal(fake.logins, 2);
  fake.sign = CKR_DEVICE_REMOVED; /* and the same while it signs */
  fake.fail_first = 2;
  assert_int_equal(sign(&rig), CHIO_OK);
  assert_int_equal(fake.signs, 3);
  assert_int_equal(fake.logins, 3);
  rig_close(&rig);
}

static void a_token_that_is_not_there_or_not_alone_is_refused(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  fake.slots = 0;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_BACKEND_UNREACHABLE);
  fake.slots = 2;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_CONFIG);
  fake.slot_list = CKR_GENERAL_ERROR;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_BACKEND);
  rig_close(&rig);
}

static void a_module_that_cannot_be_initialised_is_asked_again_at_the_next_use(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  fake.initialize = CKR_DEVICE_ERROR;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_BACKEND_UNREACHABLE);
  fake.initialize = CKR_CRYPTOKI_ALREADY_INITIALIZED;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(fake.initializes, 2);
  rig_close(&rig);
}

static void a_refused_pin_is_not_tried_again_until_its_file_changes(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  fake.login = CKR_PIN_INCORRECT;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_PERMISSION);
  for (int i = 0; i < 5; i++) assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_PERMISSION);
  assert_int_equal(fake.logins, 1);
  write_pin(&rig, "5678");
  const struct utimbuf later = {.actime = time(NULL) + 10, .modtime = time(NULL) + 10};
  assert_int_equal(utime(rig.pin_file, &later), 0);
  fake.login = CKR_OK;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_string_equal(fake.pin, "5678");
  rig_close(&rig);
}

static void a_missing_pin_file_is_no_login(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  assert_int_equal(unlink(rig.pin_file), 0);
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_E_PERMISSION);
  assert_int_equal(fake.logins, 0);
  rig_close(&rig);
}

static void a_signature_of_another_width_is_refused(void **state) {
  (void)state;
  static const CK_ULONG widths[] = {0, 1, 63, 65, 70, 72, 128, 1024};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(widths); i++) {
    struct rig rig;
    rig_open(&rig);
    assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
    fake.signature_len = widths[i];
    assert_int_equal(sign(&rig), CHIO_E_BACKEND);
    rig_close(&rig);
  }
}

static void rsa_gets_a_digest_info_and_pss_its_parameters(void **state) {
  (void)state;
  const struct chio_mech_params pss = {
      .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA384, .mgf_hash = CHIO_MECH_SHA256, .salt_len = 17};
  struct rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  rig_open(&rig);
  fake.type = CKK_RSA;
  fake.signature_len = 256;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(sign_with(&rig, CHIO_MECH_SHA256_RSA_PKCS, &no_params, 32, &out), CHIO_OK);
  assert_int_equal(fake.mechanism, CKM_RSA_PKCS);
  assert_int_equal(fake.data_len, 51);
  assert_int_equal(fake.data[0], 0x30);
  assert_int_equal(sign_with(&rig, CHIO_MECH_RSA_PKCS, &no_params, 20, &out), CHIO_OK);
  assert_int_equal(fake.data_len, 20);
  assert_int_equal(sign_with(&rig, CHIO_MECH_SHA384_RSA_PKCS_PSS, &pss, 48, &out), CHIO_OK);
  assert_int_equal(fake.mechanism, CKM_RSA_PKCS_PSS);
  assert_int_equal(fake.data_len, 48);
  assert_int_equal(fake.pss.hashAlg, CKM_SHA384);
  assert_int_equal(fake.pss.mgf, CKG_MGF1_SHA256);
  assert_int_equal(fake.pss.sLen, 17);
  chio_buf_clear(&out);
  rig_close(&rig);
}

static void what_cannot_be_signed_is_refused_before_any_call(void **state) {
  (void)state;
  static const uint8_t context[] = {1};
  const struct chio_mech_params with_context = {.kind = CHIO_PARAMS_EDDSA, .context = {context, 1}};
  const struct chio_mech_params pss = {
      .kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA256, .salt_len = 223};
  const struct chio_mech_params sha1 = {.kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA_1, .mgf_hash = CHIO_MECH_SHA_1};
  const struct {
    uint32_t type, bits, mechanism;
    const struct chio_mech_params *params;
    size_t len;
    enum chio_err err;
  } rows[] = {
      {CKK_EC, 256, CHIO_MECH_SHA256, &no_params, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {CKK_EC, 256, CHIO_MECH_CHIO_ATTEST, &no_params, 32, CHIO_E_MECHANISM_UNSUPPORTED},
      {CKK_EC, 256, CHIO_MECH_EDDSA, &no_params, 32, CHIO_E_KEY_TYPE},
      {CKK_EC, 256, CHIO_MECH_ECDSA, &no_params, 0, CHIO_E_DATA_LEN},
      {CKK_EC, 256, CHIO_MECH_ECDSA, &no_params, 65, CHIO_E_DATA_LEN},
      {CKK_EC, 256, CHIO_MECH_ECDSA_SHA384, &no_params, 32, CHIO_E_DATA_LEN},
      {CKK_EC, 256, CHIO_MECH_ECDSA, &pss, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_EC_EDWARDS, 255, CHIO_MECH_EDDSA, &with_context, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_EC_EDWARDS, 255, CHIO_MECH_EDDSA, &no_params, 65537, CHIO_E_DATA_LEN},
      {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS, &no_params, 246, CHIO_E_DATA_LEN},
      {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS_PSS, &no_params, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_SHA256_RSA_PKCS_PSS, &pss, 32, CHIO_E_MECHANISM_PARAM},
      {CKK_RSA, 2048, CHIO_MECH_RSA_PKCS_PSS, &sha1, 20, CHIO_E_MECHANISM_PARAM},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_kms_key key = {.key_type = rows[i].type, .bits = rows[i].bits, .can_sign = true};
    enum chio_err err =
        chio_module_check(&key, chio_mechanism_by_wire(rows[i].mechanism), rows[i].params, rows[i].len, NULL);
    if (err != rows[i].err) fail_msg("row %zu: %s", i, chio_err_name(err));
  }
}

static void a_key_is_looked_for_once_for_many_signatures(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  for (unsigned i = 0; i < 5; i++) assert_int_equal(sign(&rig), CHIO_OK);
  assert_int_equal(fake.finds, 2); /* by the name that was described, and by the pinned one */
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(fake.finds, 3); /* what is described is looked at */
  rig_close(&rig);
}

static void a_key_that_has_another_handle_now_is_found_again(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(sign(&rig), CHIO_OK);
  fake.handle = 77;
  assert_int_equal(sign(&rig), CHIO_OK);
  assert_int_equal(fake.signs, 2);
  assert_int_equal(fake.sign_inits, 3);
  fake.keys = 0;
  assert_int_equal(sign(&rig), CHIO_E_NOT_FOUND);
  assert_int_equal(sign(&rig), CHIO_E_NOT_FOUND);
  assert_int_equal(fake.signs, 2);
  rig_close(&rig);
}

static void a_handle_goes_with_the_sessions_and_with_any_failure(void **state) {
  (void)state;
  static const CK_RV rows[] = {CKR_DEVICE_REMOVED, CKR_SESSION_HANDLE_INVALID, CKR_CRYPTOKI_NOT_INITIALIZED,
                               CKR_USER_NOT_LOGGED_IN, CKR_TOKEN_NOT_PRESENT,  CKR_GENERAL_ERROR,
                               CKR_KEY_TYPE_INCONSISTENT};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct rig rig;
    rig_open(&rig);
    assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
    assert_int_equal(sign(&rig), CHIO_OK);
    fake.finds = 0;
    fake.sign = rows[i];
    fake.fail_first = fake.signs + 1;
    (void)!sign(&rig);
    assert_int_equal(sign(&rig), CHIO_OK);
    assert_int_equal(fake.finds, 1);
    rig_close(&rig);
  }
}

static void a_handle_that_was_found_in_sessions_given_up_since_is_not_kept(void **state) {
  (void)state;
  struct rig rig;
  struct chio_module_session session;
  struct chio_module_key key = {.object = 1};
  unsigned generation;
  const struct chio_deadline deadline = chio_deadline_in(60000);
  rig_open(&rig);
  assert_int_equal(chio_module_acquire(rig.module, &deadline, &session, &rig.detail), CHIO_OK);
  assert_false(chio_module_known_get(rig.module, "object=k", &key, &generation));
  chio_module_release(rig.module, session, CKR_DEVICE_REMOVED);
  chio_module_known_put(rig.module, "object=k", &key, generation);
  assert_false(chio_module_known_get(rig.module, "object=k", &key, &generation));
  chio_module_known_put(rig.module, "object=k", &key, generation);
  assert_true(chio_module_known_get(rig.module, "object=k", &key, &generation));
  rig_close(&rig);
}

static void no_more_handles_are_kept_than_there_is_room_for(void **state) {
  (void)state;
  struct rig rig;
  char name[32];
  unsigned generation, kept = 0;
  struct chio_module_key key = {.object = 0};
  rig_open(&rig);
  (void)!chio_module_known_get(rig.module, "", &key, &generation);
  for (unsigned i = 0; i < CHIO_MODULE_KNOWN_MAX + 10; i++) {
    (void)snprintf(name, sizeof name, "object=%u", i);
    key.object = i;
    chio_module_known_put(rig.module, name, &key, generation);
    chio_module_known_put(rig.module, name, &key, generation); /* the same row */
  }
  for (unsigned i = 0; i < CHIO_MODULE_KNOWN_MAX + 10; i++) {
    (void)snprintf(name, sizeof name, "object=%u", i);
    if (!chio_module_known_get(rig.module, name, &key, &generation)) continue;
    assert_int_equal(key.object, i);
    kept++;
  }
  assert_int_equal(kept, CHIO_MODULE_KNOWN_MAX);
  assert_false(chio_module_known_get(rig.module, "object=0", &key, &generation)); /* the oldest gave way */
  rig_close(&rig);
}

static void a_key_that_wants_a_login_for_each_signature_gets_it(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig);
  fake.always_authenticate = true;
  assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(sign(&rig), CHIO_OK);
  assert_int_equal(sign(&rig), CHIO_OK);
  assert_int_equal(fake.logins, 1);
  assert_int_equal(fake.context_logins, 2);
  rig_close(&rig);
}

static void sessions_are_pooled_and_bounded(void **state) {
  (void)state;
  struct rig rig;
  struct chio_module_session sessions[CHIO_MODULE_SESSIONS_MAX], extra;
  const struct chio_deadline soon = chio_deadline_in(50), later = chio_deadline_in(60000);
  rig_open(&rig);
  for (int i = 0; i < 10; i++) assert_int_equal(describe(&rig, "pkcs11:object=k"), CHIO_OK);
  assert_int_equal(fake.opens, 1);
  for (size_t i = 0; i < CHIO_MODULE_SESSIONS_MAX; i++)
    assert_int_equal(chio_module_acquire(rig.module, &later, &sessions[i], &rig.detail), CHIO_OK);
  assert_int_equal(chio_module_acquire(rig.module, &soon, &extra, &rig.detail), CHIO_E_TIMEOUT);
  for (size_t i = 0; i < CHIO_MODULE_SESSIONS_MAX; i++) chio_module_release(rig.module, sessions[i], CKR_OK);
  assert_int_equal(fake.opens, CHIO_MODULE_SESSIONS_MAX);
  assert_int_equal(fake.logins, 1);
  rig_close(&rig);
}

static void making_a_key_is_not_tried_twice_and_not_under_a_taken_label(void **state) {
  (void)state;
  struct rig rig;
  struct chio_key_uri uri;
  struct chio_kms_spec spec = {.key_type = CKK_EC, .bits = 256, .label = "k"};
  const struct chio_deadline deadline = chio_deadline_in(60000);
  rig_open(&rig);
  assert_int_equal(chio_module_ops.create(rig.module, &spec, &deadline, &uri, &rig.detail), CHIO_E_EXISTS);
  fake.keys = 0;
  fake.generate = CKR_DEVICE_ERROR;
  assert_int_equal(chio_module_ops.create(rig.module, &spec, &deadline, &uri, &rig.detail), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(fake.generates, 1);
  spec.bits = 255;
  assert_int_equal(chio_module_ops.create(rig.module, &spec, &deadline, &uri, &rig.detail), CHIO_E_CURVE_UNSUPPORTED);
  spec = (struct chio_kms_spec){.key_type = CKK_RSA, .bits = 1024};
  assert_int_equal(chio_module_ops.create(rig.module, &spec, &deadline, &uri, &rig.detail), CHIO_E_KEY_SIZE);
  fake.generate = CKR_OK;
  spec = (struct chio_kms_spec){.key_type = CKK_EC, .bits = 256, .label = NULL};
  assert_int_equal(chio_module_ops.create(rig.module, &spec, &deadline, &uri, &rig.detail), CHIO_OK);
  assert_string_equal(uri.key, "token=behind;id=%01;object=k;type=private");
  rig_close(&rig);
}

static void random_bytes_come_or_do_not(void **state) {
  (void)state;
  struct rig rig;
  struct chio_buf out = CHIO_BUF_INIT;
  const struct chio_deadline deadline = chio_deadline_in(60000);
  rig_open(&rig);
  assert_int_equal(chio_module_ops.random(rig.module, 0, &deadline, &out, &rig.detail), CHIO_E_DATA_LEN);
  assert_int_equal(chio_module_ops.random(rig.module, 65537, &deadline, &out, &rig.detail), CHIO_E_DATA_LEN);
  fake.random = CKR_FUNCTION_FAILED;
  assert_int_equal(chio_module_ops.random(rig.module, 8, &deadline, &out, &rig.detail), CHIO_E_BACKEND);
  assert_int_equal(out.len, 0);
  fake.random = CKR_OK;
  assert_int_equal(chio_module_ops.random(rig.module, 8, &deadline, &out, &rig.detail), CHIO_OK);
  assert_int_equal(out.len, 8);
  assert_int_equal(chio_module_ops.health(rig.module, &deadline, &rig.detail), CHIO_OK);
  chio_buf_clear(&out);
  rig_close(&rig);
}

static void what_is_no_pkcs11_library_is_refused_at_open(void **state) {
  (void)state;
  static const char *const paths[] = {NULL, "", "libsofthsm2.so", "/no/such/file.so", "/dev/null", "libc.so.6"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(paths); i++) {
    const struct chio_backend_options options = {.name = "test", .module = paths[i]};
    struct chio_detail detail = {.text = ""};
    void *self = NULL;
    assert_int_equal(chio_module_ops.open(&options, NULL, &self, &detail), CHIO_E_CONFIG);
    assert_non_null(strstr(detail.text, "module"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_described_from_its_public_object_and_pinned_to_its_id),
      cmocka_unit_test(keys_that_are_not_what_they_seem_are_refused),
      cmocka_unit_test(a_uri_names_one_key_of_this_token_and_module),
      cmocka_unit_test(each_answer_has_its_meaning_and_lost_sessions_one_more_try),
      cmocka_unit_test(a_token_that_comes_back_in_another_slot_is_found_again),
      cmocka_unit_test(a_token_that_is_not_there_or_not_alone_is_refused),
      cmocka_unit_test(a_module_that_cannot_be_initialised_is_asked_again_at_the_next_use),
      cmocka_unit_test(a_refused_pin_is_not_tried_again_until_its_file_changes),
      cmocka_unit_test(a_missing_pin_file_is_no_login),
      cmocka_unit_test(a_signature_of_another_width_is_refused),
      cmocka_unit_test(rsa_gets_a_digest_info_and_pss_its_parameters),
      cmocka_unit_test(what_cannot_be_signed_is_refused_before_any_call),
      cmocka_unit_test(a_key_is_looked_for_once_for_many_signatures),
      cmocka_unit_test(a_key_that_has_another_handle_now_is_found_again),
      cmocka_unit_test(a_handle_goes_with_the_sessions_and_with_any_failure),
      cmocka_unit_test(a_handle_that_was_found_in_sessions_given_up_since_is_not_kept),
      cmocka_unit_test(no_more_handles_are_kept_than_there_is_room_for),
      cmocka_unit_test(a_key_that_wants_a_login_for_each_signature_gets_it),
      cmocka_unit_test(sessions_are_pooled_and_bounded),
      cmocka_unit_test(making_a_key_is_not_tried_twice_and_not_under_a_taken_label),
      cmocka_unit_test(random_bytes_come_or_do_not),
      cmocka_unit_test(what_is_no_pkcs11_library_is_refused_at_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
