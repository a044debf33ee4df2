#include "tools/bench/bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 256u

struct bench_module {
  const struct bench_target *target;
  void *library;
  CK_FUNCTION_LIST *functions;
  CK_SLOT_ID slot;
  CK_SESSION_HANDLE login; /* kept open: the login lasts as long as a session does */
};

bool bench_rv(const struct bench_module *module, const char *function, CK_RV rv) {
  if (rv == CKR_OK) return true;
  (void)fprintf(stderr, "chio-bench: %s: %s failed with 0x%lx\n", module->target->name, function, (unsigned long)rv);
  return false;
}

CK_FUNCTION_LIST *bench_module_functions(const struct bench_module *module) {
  return module->functions;
}

static bool load(struct bench_module *module) {
  module->library = dlopen(module->target->name, RTLD_NOW | RTLD_LOCAL);
  if (module->library == NULL) {
    (void)fprintf(stderr, "chio-bench: %s\n", dlerror());
    return false;
  }
  CK_C_GetFunctionList get;
  *(void **)&get = dlsym(module->library, "C_GetFunctionList");
  if (get == NULL) {
    (void)fprintf(stderr, "chio-bench: %s is no PKCS #11 module\n", module->target->name);
    return false;
  }
  return bench_rv(module, "C_GetFunctionList", get(&module->functions));
}

/* Labels are padded with blanks. */
static bool label_is(const CK_TOKEN_INFO *info, const char *label) {
  size_t len = strlen(label);
  if (len > sizeof info->label || memcmp(info->label, label, len) != 0) return false;
  for (size_t i = len; i < sizeof info->label; i++)
    if (info->label[i] != ' ') return false;
  return true;
}

static bool find_token(struct bench_module *module) {
  CK_SLOT_ID slots[SLOTS_MAX];
  CK_ULONG count = SLOTS_MAX;
  if (!bench_rv(module, "C_GetSlotList", module->functions->C_GetSlotList(CK_TRUE, slots, &count))) return false;
  for (CK_ULONG i = 0; i < count; i++) {
    CK_TOKEN_INFO info;
    if (module->functions->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    if (module->target->token != NULL && !label_is(&info, module->target->token)) continue;
    module->slot = slots[i];
    return true;
  }
  (void)fprintf(stderr, "chio-bench: %s has no initialised token%s%s\n", module->target->name,
                module->target->token != NULL ? " labelled " : "",
                module->target->token != NULL ? module->target->token : "");
  return false;
}

bool bench_module_session(const struct bench_module *module, CK_SESSION_HANDLE *out_session) {
  CK_RV rv = module->functions->C_OpenSession(module->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                              out_session);
  return bench_rv(module, "C_OpenSession", rv);
}

/* A module that is both targets is initialised already the second time. */
static bool initialise(const struct bench_module *module) {
  CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
  CK_RV rv = module->functions->C_Initialize(&args);
  return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED || bench_rv(module, "C_Initialize", rv);
}

static bool log_in(struct bench_module *module) {
  if (!bench_module_session(module, &module->login)) return false;
  if (module->target->pin_len == 0) return true;
  CK_UTF8CHAR pin[BENCH_PIN_MAX + 1];
  memcpy(pin, module->target->pin, sizeof pin);
  CK_RV rv = module->functions->C_Login(module->login, CKU_USER, pin, (CK_ULONG)module->target->pin_len);
  explicit_bzero(pin, sizeof pin);
  return rv == CKR_USER_ALREADY_LOGGED_IN || bench_rv(module, "C_Login", rv);
}

struct bench_module *bench_module_open(const struct bench_target *target) {
  struct bench_module *module = calloc(1, sizeof *module);
  if (module == NULL) return NULL;
  module->target = target;
  if (load(module) && initialise(module) && find_token(module) && log_in(module)) return module;
  free(module);
  return NULL;
}

/* The library stays loaded: the process ends next. */
void bench_module_close(struct bench_module *module) {
  if (module == NULL) return;
  (void)module->functions->C_Finalize(NULL);
  free(module);
}

/* ---- Keys ---- */

size_t bench_label(const struct bench_algorithm *algorithm, uint32_t number, char out[BENCH_LABEL_MAX]) {
  int len = snprintf(out, BENCH_LABEL_MAX, "bench-%s-%u", algorithm->name, number);
  return len > 0 ? (size_t)len : 0;
}

bool bench_find(const struct bench_module *module, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label,
                size_t label_len, CK_OBJECT_HANDLE *out_object) {
  CK_FUNCTION_LIST *f = module->functions;
  char copy[BENCH_LABEL_MAX];
  memcpy(copy, label, label_len);
  CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, copy, (CK_ULONG)label_len}};
  CK_ULONG count = 0;
  *out_object = CK_INVALID_HANDLE;
  if (!bench_rv(module, "C_FindObjectsInit", f->C_FindObjectsInit(session, templ, 2))) return false;
  if (!bench_rv(module, "C_FindObjects", f->C_FindObjects(session, out_object, 1, &count))) return false;
  if (count == 0) *out_object = CK_INVALID_HANDLE;
  return bench_rv(module, "C_FindObjectsFinal", f->C_FindObjectsFinal(session));
}

struct templates {
  CK_BBOOL yes, no, token;
  CK_ULONG bits;
  CK_BYTE exponent[3];
  char label[BENCH_LABEL_MAX];
  CK_BYTE params[16];
  CK_ATTRIBUTE public_key[8], private_key[8];
  CK_ULONG public_count, private_count;
};

static void add(CK_ATTRIBUTE *list, CK_ULONG *count, CK_ATTRIBUTE_TYPE type, void *value, size_t len) {
  list[(*count)++] = (CK_ATTRIBUTE){type, value, (CK_ULONG)len};
}

static void fill(struct templates *t, const struct bench_algorithm *algorithm, const char *label, size_t label_len) {
  memset(t, 0, sizeof *t);
  t->yes = CK_TRUE;
  t->no = CK_FALSE;
  t->token = label_len > 0 ? CK_TRUE : CK_FALSE;
  t->bits = algorithm->bits;
  memcpy(t->exponent, "\1\0\1", sizeof t->exponent);
  memcpy(t->label, label, label_len);
  add(t->public_key, &t->public_count, CKA_TOKEN, &t->token, 1);
  add(t->public_key, &t->public_count, CKA_VERIFY, &t->yes, 1);
  add(t->private_key, &t->private_count, CKA_TOKEN, &t->token, 1);
  add(t->private_key, &t->private_count, CKA_SIGN, &t->yes, 1);
  add(t->private_key, &t->private_count, CKA_SENSITIVE, &t->yes, 1);
  add(t->private_key, &t->private_count, CKA_EXTRACTABLE, &t->no, 1);
  if (algorithm->ec_params != NULL) {
    memcpy(t->params, algorithm->ec_params, algorithm->ec_params_len);
    add(t->public_key, &t->public_count, CKA_EC_PARAMS, t->params, algorithm->ec_params_len);
  } else {
    add(t->public_key, &t->public_count, CKA_MODULUS_BITS, &t->bits, sizeof t->bits);
    add(t->public_key, &t->public_count, CKA_PUBLIC_EXPONENT, t->exponent, sizeof t->exponent);
  }
  if (label_len == 0) return;
  add(t->public_key, &t->public_count, CKA_LABEL, t->label, label_len);
  add(t->public_key, &t->public_count, CKA_ID, t->label, label_len);
  add(t->private_key, &t->private_count, CKA_LABEL, t->label, label_len);
  add(t->private_key, &t->private_count, CKA_ID, t->label, label_len);
}

CK_RV bench_make_key(const struct bench_module *module, CK_SESSION_HANDLE session,
                     const struct bench_algorithm *algorithm, const char *label, size_t label_len,
                     CK_OBJECT_HANDLE out_pair[2]) {
  struct templates t;
  CK_MECHANISM mechanism = {algorithm->generate, NULL, 0};
  fill(&t, algorithm, label, label_len);
  return module->functions->C_GenerateKeyPair(session, &mechanism, t.public_key, t.public_count, t.private_key,
                                              t.private_count, &out_pair[0], &out_pair[1]);
}

/* A signature that does not verify would make the measurement worthless. */
static bool try_key(const struct bench_job *job, const struct bench_module *module, CK_SESSION_HANDLE session,
                    const CK_OBJECT_HANDLE pair[2]) {
  CK_FUNCTION_LIST *f = module->functions;
  CK_MECHANISM mechanism = {job->algorithm->sign, NULL, 0};
  CK_BYTE data[64] = {1}, signature[BENCH_SIGNATURE_MAX];
  CK_ULONG len = sizeof signature;
  CK_ULONG data_len = (CK_ULONG)job->algorithm->data_len;
  return bench_rv(module, "C_SignInit", f->C_SignInit(session, &mechanism, pair[1])) &&
         bench_rv(module, "C_Sign", f->C_Sign(session, data, data_len, signature, &len)) &&
         bench_rv(module, "C_VerifyInit", f->C_VerifyInit(session, &mechanism, pair[0])) &&
         bench_rv(module, "C_Verify", f->C_Verify(session, data, data_len, signature, len));
}

bool bench_prepare_signing(const struct bench_job *job, const struct bench_module *module) {
  CK_SESSION_HANDLE session;
  CK_OBJECT_HANDLE pair[2];
  char label[BENCH_LABEL_MAX];
  size_t len = bench_label(job->algorithm, 0, label);
  if (!bench_module_session(module, &session)) return false;
  if (!bench_find(module, session, CKO_PUBLIC_KEY, label, len, &pair[0])) return false;
  if (!bench_find(module, session, CKO_PRIVATE_KEY, label, len, &pair[1])) return false;
  bool missing = pair[0] == CK_INVALID_HANDLE || pair[1] == CK_INVALID_HANDLE;
  if (missing && !bench_rv(module, "C_GenerateKeyPair",
                           bench_make_key(module, session, job->algorithm, label, len, pair)))
    return false;
  return try_key(job, module, session, pair);
}

/* Keys are made in order, so what is there already is found by bisection. */
static bool first_missing(const struct bench_job *job, const struct bench_module *module, CK_SESSION_HANDLE session,
                          uint32_t *out_number) {
  uint32_t low = 1, high = job->keys + 1;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    char label[BENCH_LABEL_MAX];
    CK_OBJECT_HANDLE object;
    size_t len = bench_label(job->algorithm, middle, label);
    if (!bench_find(module, session, CKO_PRIVATE_KEY, label, len, &object)) return false;
    if (object != CK_INVALID_HANDLE)
      low = middle + 1;
    else
      high = middle;
  }
  *out_number = low;
  return true;
}

bool bench_prepare_keys(const struct bench_job *job, const struct bench_module *module) {
  CK_SESSION_HANDLE session;
  uint32_t number;
  if (!bench_module_session(module, &session) || !first_missing(job, module, session, &number)) return false;
  for (; number <= job->keys; number++) {
    char label[BENCH_LABEL_MAX];
    CK_OBJECT_HANDLE pair[2];
    size_t len = bench_label(job->algorithm, number, label);
    if (!bench_rv(module, "C_GenerateKeyPair", bench_make_key(module, session, job->algorithm, label, len, pair)))
      return false;
  }
  return true;
}
