/* The operations on a PKCS #11 module; each thread has a session of its own. */
#include "tools/bench/bench.h"

#include <stdlib.h>
#include <string.h>

struct state {
  const struct bench_job *job;
  struct bench_module *module;
  CK_FUNCTION_LIST *functions;
  CK_SESSION_HANDLE session;
  CK_OBJECT_HANDLE key;
  CK_OBJECT_HANDLE pair[2];
  uint32_t next; /* find: walks the numbers in steps, so that neighbours do not meet in a cache */
  CK_BYTE data[64];
  CK_BYTE *random;
  CK_BYTE *messages, *signatures; /* of a batch */
  CK_ULONG messages_len, signatures_room;
};

static bool begin(const struct bench_job *job, struct bench_module *module, unsigned worker, void **out_state) {
  struct state *s = calloc(1, sizeof *s);
  if (s == NULL) return false;
  s->job = job;
  s->module = module;
  s->functions = bench_module_functions(module);
  s->next = worker;
  s->random = malloc(job->size);
  s->data[0] = (CK_BYTE)worker;
  *out_state = s;
  return s->random != NULL && bench_module_session(module, &s->session);
}

static void end(void *state) {
  struct state *s = state;
  if (s == NULL) return;
  (void)s->functions->C_CloseSession(s->session);
  free(s->random);
  free(s->messages);
  free(s->signatures);
  free(s);
}

static bool sign_begin(const struct bench_job *job, struct bench_module *module, unsigned worker, void **out_state) {
  char label[BENCH_LABEL_MAX];
  size_t len = bench_label(job->algorithm, 0, label);
  if (!begin(job, module, worker, out_state)) return false;
  struct state *s = *out_state;
  return bench_find(module, s->session, CKO_PRIVATE_KEY, label, len, &s->key) && s->key != CK_INVALID_HANDLE;
}

static bool sign_once(void *state) {
  struct state *s = state;
  CK_MECHANISM mechanism = {s->job->algorithm->sign, NULL, 0};
  CK_BYTE signature[BENCH_SIGNATURE_MAX];
  CK_ULONG len = sizeof signature;
  CK_RV rv = s->functions->C_SignInit(s->session, &mechanism, s->key);
  if (rv != CKR_OK) return bench_rv(s->module, "C_SignInit", rv);
  rv = s->functions->C_Sign(s->session, s->data, (CK_ULONG)s->job->algorithm->data_len, signature, &len);
  return rv == CKR_OK || bench_rv(s->module, "C_Sign", rv);
}

/* A sequence of messages as CKM_CHIO_SIGN_BATCH has it: 4 bytes of length, big-endian, and the message. */
static bool batch_begin(const struct bench_job *job, struct bench_module *module, unsigned worker, void **out_state) {
  if (!sign_begin(job, module, worker, out_state)) return false;
  struct state *s = *out_state;
  CK_ULONG count = job->targets[0].batch, len = (CK_ULONG)job->algorithm->data_len;
  s->messages_len = count * (4 + len);
  s->signatures_room = count * (4 + BENCH_SIGNATURE_MAX);
  s->messages = calloc(1, s->messages_len);
  s->signatures = malloc(s->signatures_room);
  if (s->messages == NULL || s->signatures == NULL) return false;
  for (CK_ULONG i = 0; i < count; i++) {
    CK_BYTE *at = s->messages + i * (4 + len);
    at[3] = (CK_BYTE)len;
    memcpy(at + 4, s->data, len);
    at[4] = (CK_BYTE)i;
  }
  return true;
}

static bool batch_once(void *state) {
  struct state *s = state;
  CK_MECHANISM inner = {s->job->algorithm->sign, NULL, 0};
  CK_MECHANISM mechanism = {CKM_CHIO_SIGN_BATCH, &inner, sizeof inner};
  CK_ULONG len = s->signatures_room;
  CK_RV rv = s->functions->C_SignInit(s->session, &mechanism, s->key);
  if (rv != CKR_OK) return bench_rv(s->module, "C_SignInit with CKM_CHIO_SIGN_BATCH", rv);
  rv = s->functions->C_Sign(s->session, s->messages, s->messages_len, s->signatures, &len);
  return rv == CKR_OK || bench_rv(s->module, "C_Sign", rv);
}

static bool find_once(void *state) {
  struct state *s = state;
  CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
  CK_OBJECT_HANDLE found[2];
  CK_ULONG count = 0;
  char label[BENCH_LABEL_MAX];
  s->next += 7919;
  size_t len = bench_label(s->job->algorithm, 1 + s->next % s->job->keys, label);
  CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                          {s->job->by_id ? CKA_ID : CKA_LABEL, label, (CK_ULONG)len}};
  if (!bench_rv(s->module, "C_FindObjectsInit", s->functions->C_FindObjectsInit(s->session, templ, 2))) return false;
  if (!bench_rv(s->module, "C_FindObjects", s->functions->C_FindObjects(s->session, found, 2, &count))) return false;
  if (!bench_rv(s->module, "C_FindObjectsFinal", s->functions->C_FindObjectsFinal(s->session))) return false;
  return count == 1 || bench_rv(s->module, "finding exactly one key (were they prepared?)", CKR_GENERAL_ERROR);
}

static bool generate_once(void *state) {
  struct state *s = state;
  return bench_rv(s->module, "C_GenerateKeyPair",
                  bench_make_key(s->module, s->session, s->job->algorithm, "", 0, s->pair));
}

static bool generate_after(void *state) {
  struct state *s = state;
  return bench_rv(s->module, "C_DestroyObject", s->functions->C_DestroyObject(s->session, s->pair[0])) &&
         bench_rv(s->module, "C_DestroyObject", s->functions->C_DestroyObject(s->session, s->pair[1]));
}

static bool random_once(void *state) {
  struct state *s = state;
  return bench_rv(s->module, "C_GenerateRandom",
                  s->functions->C_GenerateRandom(s->session, s->random, (CK_ULONG)s->job->size));
}

const struct bench_way bench_way_module_sign = {sign_begin, sign_once, NULL, end};
const struct bench_way bench_way_module_sign_batch = {batch_begin, batch_once, NULL, end};
const struct bench_way bench_way_module_find = {begin, find_once, NULL, end};
const struct bench_way bench_way_module_generate = {begin, generate_once, generate_after, end};
const struct bench_way bench_way_module_random = {begin, random_once, NULL, end};

/* ---- Start ---- */

bool bench_start_once(const struct bench_job *job, const struct bench_target *target, uint64_t *out_nanoseconds) {
  uint64_t before = bench_now();
  struct bench_module *module = bench_module_open(target);
  void *state = NULL;
  if (module == NULL || !sign_begin(job, module, 0, &state) || !sign_once(state)) return false;
  *out_nanoseconds = bench_now() - before;
  end(state);
  bench_module_close(module);
  return true;
}
