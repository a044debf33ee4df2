#include "kms-adapters/module.h"

#include "kms-adapters/signature_form.h"

#include <dlfcn.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 4096u
#define RANDOM_MAX 65536u
#define LABEL_MAX 128u

/* An operation in a session; tried a second time when the session was lost. */
struct job {
  struct chio_module *module;
  const struct chio_deadline *deadline;
  struct chio_detail *detail;
  CK_RV (*run)(struct job *job, CK_SESSION_HANDLE session, enum chio_err *out_err);
  bool once; /* must not be repeated */

  const char *uri;
  struct chio_kms_key *key;
  const struct chio_kms_key *signing_key;
  const struct chio_mechanism *mechanism;
  const struct chio_mech_params *params;
  struct chio_slice data;
  const struct chio_kms_spec *spec;
  struct chio_key_uri *out_uri;
  struct chio_buf *out;
  size_t len;
  enum chio_err (*found)(void *arg, const struct chio_key_uri *uri);
  void *arg;
};

static CK_RV run_job(void *arg, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  struct job *job = arg;
  return job->run(job, session, out_err);
}

static enum chio_err perform(struct job *job) {
  return chio_module_perform(job->module, job->deadline, job->once, run_job, job, job->detail);
}

/* The private key of the URI as it is now. */
static CK_RV find_key(struct job *job, CK_SESSION_HANDLE session, unsigned generation, struct chio_module_key *found,
                      enum chio_err *out_err) {
  CK_RV rv = chio_module_find(job->module, session, job->uri, CKO_PRIVATE_KEY, found, out_err, job->detail);
  if (*out_err == CHIO_OK) chio_module_known_put(job->module, job->uri, found, generation);
  return rv;
}

static CK_RV run_describe(struct job *job, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  struct chio_module_key found;
  unsigned generation;
  (void)!chio_module_known_get(job->module, job->uri, &found, &generation);
  CK_RV rv = find_key(job, session, generation, &found, out_err);
  if (*out_err == CHIO_OK) rv = chio_module_read(job->module, session, &found, job->key, out_err, job->detail);
  /* pinned to the id that the key has now */
  if (*out_err == CHIO_OK)
    rv = chio_module_name(job->module, session, found.object, &job->key->uri, out_err, job->detail);
  return rv;
}

static enum chio_err module_describe(void *self, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                                     struct chio_kms_key *out_key, struct chio_detail *detail) {
  struct chio_kms_key *key = calloc(1, sizeof *key);
  if (key == NULL) return CHIO_E_NO_MEMORY;
  struct job job = {.module = self,
                    .deadline = deadline,
                    .detail = detail,
                    .run = run_describe,
                    .uri = uri->key,
                    .key = key};
  enum chio_err err = perform(&job);
  if (err == CHIO_OK) *out_key = *key;
  free(key);
  return err;
}

/* Full width, whatever the module thinks of leading zeros: r and s must come as PKCS #11 has them. */
static enum chio_err take_signature(struct job *job, const uint8_t *signature, CK_ULONG len) {
  const struct chio_kms_key *key = job->signing_key;
  size_t width = key->key_type == CKK_RSA ? (key->bits + 7) / 8 : 64;
  if (key->key_type == CKK_EC)
    return chio_ecdsa_from_fixed(chio_slice(signature, len), key->bits, job->out, job->detail);
  if (len != width)
    return chio_fail(job->detail, CHIO_E_BACKEND, "backend '%s': the signature has %lu bytes, not %zu",
                     job->module->name, len, width);
  chio_buf_append(job->out, signature, len);
  return chio_buf_err(job->out);
}

/* Signs with that key. */
static CK_RV sign_with(struct job *job, CK_SESSION_HANDLE session, const struct chio_module_key *found,
                       enum chio_err *out_err) {
  uint8_t signature[CHIO_KMS_SIGNATURE_MAX];
  CK_ULONG len = sizeof signature;
  CK_RV rv = chio_module_sign(job->module, session, found, job->signing_key, job->mechanism, job->params, job->data,
                              signature, &len);
  if (rv == CKR_OK && len <= sizeof signature)
    *out_err = take_signature(job, signature, len);
  else
    *out_err = chio_module_fail(job->module, rv, "sign", job->detail);
  if (*out_err != CHIO_OK) chio_module_known_drop(job->module, job->uri);
  return rv;
}

static CK_RV run_sign(struct job *job, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  struct chio_module_key found;
  unsigned generation;
  if (chio_module_known_get(job->module, job->uri, &found, &generation)) {
    CK_RV rv = sign_with(job, session, &found, out_err);
    if (!chio_module_key_is_gone(rv)) return rv;
  }
  CK_RV rv = find_key(job, session, generation, &found, out_err);
  return *out_err == CHIO_OK ? sign_with(job, session, &found, out_err) : rv;
}

static enum chio_err module_sign(void *self, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                 const struct chio_mech_params *params, struct chio_slice data,
                                 const struct chio_deadline *deadline, struct chio_buf *out_signature,
                                 struct chio_detail *detail) {
  enum chio_err err = chio_module_check(key, mechanism, params, data.len, detail);
  if (err != CHIO_OK) return err;
  struct job job = {.module = self,
                    .deadline = deadline,
                    .detail = detail,
                    .run = run_sign,
                    .uri = key->uri.key,
                    .signing_key = key,
                    .mechanism = mechanism,
                    .params = params,
                    .data = data,
                    .out = out_signature};
  return perform(&job);
}

static CK_RV label_is_free(struct job *job, CK_SESSION_HANDLE session, const char *label, enum chio_err *out_err) {
  CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
  CK_OBJECT_HANDLE object;
  CK_ULONG count = 0;
  CK_RV rv = job->module->p11->C_FindObjectsInit(session, template, 2);
  if (rv == CKR_OK) {
    rv = job->module->p11->C_FindObjects(session, &object, 1, &count);
    (void)job->module->p11->C_FindObjectsFinal(session);
  }
  *out_err = rv == CKR_OK ? CHIO_OK : chio_module_fail(job->module, rv, "look for the label", job->detail);
  if (rv == CKR_OK && count > 0)
    *out_err =
        chio_fail(job->detail, CHIO_E_EXISTS, "backend '%s': there is a key '%s' already", job->module->name, label);
  return rv;
}

struct generation {
  CK_MECHANISM_TYPE mechanism;
  const uint8_t *params; /* EC: the curve */
  size_t params_len;
};

static enum chio_err generation_for(const struct job *job, struct generation *out) {
  static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
  static const uint8_t p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
  /* PKCS #11 v3.0 has the OID too; this is what all modules understand */
  static const uint8_t ed25519[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};
  static const struct {
    uint32_t key_type, bits;
    struct generation how;
  } rows[] = {
      {CKK_EC, 256, {CKM_EC_KEY_PAIR_GEN, p256, sizeof p256}},
      {CKK_EC, 384, {CKM_EC_KEY_PAIR_GEN, p384, sizeof p384}},
      {CKK_EC, 521, {CKM_EC_KEY_PAIR_GEN, p521, sizeof p521}},
      {CKK_EC_EDWARDS, 255, {CKM_EC_EDWARDS_KEY_PAIR_GEN, ed25519, sizeof ed25519}},
      {CKK_RSA, 2048, {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0}},
      {CKK_RSA, 3072, {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0}},
      {CKK_RSA, 4096, {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0}},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    if (rows[i].key_type != job->spec->key_type || rows[i].bits != job->spec->bits) continue;
    *out = rows[i].how;
    return CHIO_OK;
  }
  return chio_fail(job->detail, job->spec->key_type == CKK_EC ? CHIO_E_CURVE_UNSUPPORTED : CHIO_E_KEY_SIZE,
                   "backend '%s': no such key is made here", job->module->name);
}

/* A key that signs, stays in the token and is never told. */
static CK_RV generate(const struct job *job, CK_SESSION_HANDLE session, const struct generation *how, const char *label,
                      CK_OBJECT_HANDLE *out_private) {
  CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
  CK_ULONG bits = job->spec->bits;
  CK_BYTE exponent[] = {1, 0, 1}, id[8];
  CK_OBJECT_HANDLE public_key;
  CK_MECHANISM mechanism = {how->mechanism, NULL, 0};
  void *text = (void *)(uintptr_t)label;
  randombytes_buf(id, sizeof id);
  CK_ATTRIBUTE public_template[] = {{CKA_TOKEN, &yes, sizeof yes},
                                    {CKA_VERIFY, &yes, sizeof yes},
                                    {CKA_ID, id, sizeof id},
                                    {CKA_LABEL, text, strlen(label)},
                                    {CKA_EC_PARAMS, (void *)(uintptr_t)how->params, how->params_len},
                                    {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
  CK_ATTRIBUTE private_template[] = {
      {CKA_TOKEN, &yes, sizeof yes},     {CKA_PRIVATE, &yes, sizeof yes},     {CKA_SIGN, &yes, sizeof yes},
      {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_EXTRACTABLE, &no, sizeof no}, {CKA_ID, id, sizeof id},
      {CKA_LABEL, text, strlen(label)}};
  CK_ULONG public_count = 5;
  if (how->params == NULL) {
    public_template[4] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits};
    public_count = 6;
  }
  return job->module->p11->C_GenerateKeyPair(session, &mechanism, public_template, public_count, private_template,
                                             CHIO_ARRAY_LEN(private_template), &public_key, out_private);
}

static CK_RV run_create(struct job *job, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  char label[LABEL_MAX + 1];
  struct generation how = {0, NULL, 0};
  CK_OBJECT_HANDLE key;
  CK_RV rv = CKR_OK;
  *out_err = generation_for(job, &how);
  if (*out_err != CHIO_OK) return rv;
  if (job->spec->label != NULL && job->spec->label[0] != '\0')
    (void)snprintf(label, sizeof label, "%s", job->spec->label);
  else
    (void)snprintf(label, sizeof label, "chio-%08x%08x", randombytes_random(), randombytes_random());
  rv = label_is_free(job, session, label, out_err);
  if (*out_err != CHIO_OK) return rv;
  rv = generate(job, session, &how, label, &key);
  *out_err = rv == CKR_OK ? CHIO_OK : chio_module_fail(job->module, rv, "make a key", job->detail);
  if (rv == CKR_OK) rv = chio_module_name(job->module, session, key, job->out_uri, out_err, job->detail);
  return rv;
}

static enum chio_err module_create(void *self, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                                   struct chio_key_uri *out_uri, struct chio_detail *detail) {
  struct chio_module *module = self;
  if (spec->label != NULL && strlen(spec->label) > LABEL_MAX)
    return chio_fail(detail, CHIO_E_ARGUMENT, "backend '%s': a label has at most %u bytes", module->name, LABEL_MAX);
  struct job job = {.module = module,
                    .deadline = deadline,
                    .detail = detail,
                    .run = run_create,
                    .once = true,
                    .spec = spec,
                    .out_uri = out_uri};
  return perform(&job);
}

static CK_RV run_list(struct job *job, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  static const CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
  CK_OBJECT_CLASS class = private_key;
  CK_BBOOL yes = CK_TRUE;
  CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_SIGN, &yes, sizeof yes}};
  CK_OBJECT_HANDLE *objects = calloc(LIST_MAX, sizeof *objects);
  struct chio_key_uri *uri = calloc(1, sizeof *uri);
  CK_ULONG count = 0;
  CK_RV rv = objects != NULL && uri != NULL ? CKR_OK : CKR_HOST_MEMORY;
  if (rv == CKR_OK) rv = job->module->p11->C_FindObjectsInit(session, template, 2);
  if (rv == CKR_OK) {
    rv = job->module->p11->C_FindObjects(session, objects, LIST_MAX, &count);
    (void)job->module->p11->C_FindObjectsFinal(session);
  }
  *out_err = rv == CKR_OK ? CHIO_OK : chio_module_fail(job->module, rv, "list the keys", job->detail);
  for (CK_ULONG i = 0; *out_err == CHIO_OK && i < count && i < LIST_MAX; i++) {
    rv = chio_module_name(job->module, session, objects[i], uri, out_err, job->detail);
    if (*out_err == CHIO_OK) *out_err = job->found(job->arg, uri);
  }
  free(objects);
  free(uri);
  return rv;
}

static enum chio_err module_list(void *self, const struct chio_deadline *deadline,
                                 enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                                 struct chio_detail *detail) {
  /* once: what was handed out already is not handed out again */
  struct job job = {.module = self,
                    .deadline = deadline,
                    .detail = detail,
                    .run = run_list,
                    .once = true,
                    .found = found,
                    .arg = arg};
  return perform(&job);
}

static CK_RV run_random(struct job *job, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  uint8_t *room = chio_buf_reserve(job->out, job->len);
  if (room == NULL) {
    *out_err = CHIO_E_NO_MEMORY;
    return CKR_OK;
  }
  CK_RV rv = job->module->p11->C_GenerateRandom(session, room, job->len);
  *out_err = rv == CKR_OK ? CHIO_OK : chio_module_fail(job->module, rv, "make random bytes", job->detail);
  if (rv == CKR_OK) job->out->len += job->len;
  return rv;
}

static enum chio_err module_random(void *self, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                                   struct chio_detail *detail) {
  struct chio_module *module = self;
  if (len < 1 || len > RANDOM_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "backend '%s': 1 to %u random bytes at a time", module->name, RANDOM_MAX);
  struct job job = {
      .module = module, .deadline = deadline, .detail = detail, .run = run_random, .out = out, .len = len};
  return perform(&job);
}

static CK_RV run_health(struct job *job, CK_SESSION_HANDLE session, enum chio_err *out_err) {
  CK_SESSION_INFO info;
  CK_RV rv = job->module->p11->C_GetSessionInfo(session, &info);
  *out_err = rv == CKR_OK ? CHIO_OK : chio_module_fail(job->module, rv, "ask about the session", job->detail);
  return rv;
}

static enum chio_err module_health(void *self, const struct chio_deadline *deadline, struct chio_detail *detail) {
  struct job job = {.module = self, .deadline = deadline, .detail = detail, .run = run_health};
  return perform(&job);
}

static void module_close(void *self) {
  struct chio_module *module = self;
  if (module == NULL) return;
  chio_module_finalize(module);
  chio_module_known_clear(module); /* also where it was never initialised */
  if (module->library != NULL) (void)dlclose(module->library);
  (void)pthread_cond_destroy(&module->freed);
  (void)pthread_mutex_destroy(&module->lock);
  free(module);
}

static enum chio_err copy(const char *from, const char *what, char *to, size_t size, struct chio_detail *detail) {
  int len = snprintf(to, size, "%s", from != NULL ? from : "");
  if (len >= 0 && (size_t)len < size) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "%s is too long", what);
}

enum chio_err chio_module_new(const struct chio_backend_options *options, CK_FUNCTION_LIST *p11, void *library,
                              struct chio_module **out_module, struct chio_detail *detail) {
  pthread_condattr_t attributes;
  struct chio_module *module = calloc(1, sizeof *module);
  if (module == NULL) return CHIO_E_NO_MEMORY;
  module->p11 = p11;
  (void)pthread_mutex_init(&module->lock, NULL);
  (void)pthread_condattr_init(&attributes);
  (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&module->freed, &attributes);
  (void)pthread_condattr_destroy(&attributes);
  enum chio_err err = copy(options->name, "the name", module->name, sizeof module->name, detail);
  if (err == CHIO_OK) err = copy(options->module, "module", module->path, sizeof module->path, detail);
  if (err == CHIO_OK) err = copy(options->token, "token", module->token, sizeof module->token, detail);
  if (err == CHIO_OK)
    err = copy(options->secret_file, "secret_file", module->pin_file, sizeof module->pin_file, detail);
  if (err != CHIO_OK) {
    module_close(module);
    return err;
  }
  module->library = library;
  *out_module = module;
  return CHIO_OK;
}

/* The library is loaded now, since later the sandbox may be closed; C_Initialize and all else wait for the first
 * use. */
static enum chio_err module_open(const struct chio_backend_options *options, struct chio_http *http, void **out_self,
                                 struct chio_detail *detail) {
  CK_RV (*get_list)(CK_FUNCTION_LIST **) = NULL;
  CK_FUNCTION_LIST *p11 = NULL;
  struct chio_module *module = NULL;
  (void)http;
  if (options->module == NULL || options->module[0] != '/')
    return chio_fail(detail, CHIO_E_CONFIG, "module: the path of a PKCS#11 library, from the root");
  void *library = dlopen(options->module, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return chio_fail(detail, CHIO_E_CONFIG, "module: %s", dlerror());
  *(void **)&get_list = dlsym(library, "C_GetFunctionList");
  enum chio_err err = CHIO_OK;
  if (get_list == NULL || get_list(&p11) != CKR_OK || p11 == NULL)
    err = chio_fail(detail, CHIO_E_CONFIG, "module: %s is no PKCS#11 library", options->module);
  if (err == CHIO_OK) err = chio_module_new(options, p11, library, &module, detail);
  if (err != CHIO_OK) {
    (void)dlclose(library);
    return err;
  }
  *out_self = module;
  return CHIO_OK;
}

const struct chio_adapter_ops chio_module_ops = {
    .name = "pkcs11",
    .kind = CHIO_KMS_PKCS11,
    .options = " module token secret_file ",
    .open = module_open,
    .close = module_close,
    .describe = module_describe,
    .check = chio_module_check,
    .sign = module_sign,
    .create = module_create,
    .list = module_list,
    .encrypt = chio_module_encrypt,
    .decrypt = chio_module_decrypt,
    .random = module_random,
    .health = module_health,
};
