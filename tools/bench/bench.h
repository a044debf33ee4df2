/*
 * chio-bench: what is measured (a job), on what (targets), and how one operation is done on a target. The parent
 * process never loads a module: workers are forked first and load what they need, so that no module meets a fork.
 */
#ifndef CHIO_BENCH_BENCH_H
#define CHIO_BENCH_BENCH_H

#include "signer/wire/cryptoki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_TARGETS 2u
#define BENCH_ROUNDS_MAX 64u
#define BENCH_PIN_MAX 255u
#define BENCH_SIGNATURE_MAX 1024u
#define BENCH_BATCH_MAX 256u

/* A kind of key and how it signs; one row a name of --mechanism. */
struct bench_algorithm {
  const char *name;
  CK_KEY_TYPE key_type;
  CK_MECHANISM_TYPE generate, sign;
  const char *ec_params; /* DER; NULL for RSA */
  size_t ec_params_len;
  CK_ULONG bits;         /* RSA */
  const char *group;     /* libcrypto's name of the curve, or NULL */
  size_t data_len;       /* bytes that are signed */
};

const struct bench_algorithm *bench_algorithm_find(const char *name);
const struct bench_algorithm *bench_algorithm_at(size_t index); /* NULL after the last */

struct bench_target {
  const char *name; /* a module's path, or bare, null, wakeup */
  const char *token; /* label; NULL: the first initialised one */
  char pin[BENCH_PIN_MAX + 1];
  size_t pin_len;
  unsigned batch; /* signatures in one call; 1: one */
};

struct bench_job {
  const struct bench_operation *operation;
  const struct bench_algorithm *algorithm;
  struct bench_target targets[BENCH_TARGETS];
  size_t target_count;
  unsigned threads, processes, rounds;
  double seconds;      /* for each target, all rounds together */
  uint32_t keys;       /* prepare and find */
  bool by_id;          /* find */
  size_t size;         /* random: bytes a call */
  unsigned pause;      /* microseconds between operations */
  bool json;
};

struct bench_module; /* a loaded module with a session's worth of what is common to a process */

/* One thread's way of doing an operation on one target. */
struct bench_way {
  /* Prepares; module is NULL for targets that are no module. False when it failed (and said why). */
  bool (*begin)(const struct bench_job *job, struct bench_module *module, unsigned worker, void **out_state);
  bool (*once)(void *state);  /* measured */
  bool (*after)(void *state); /* not measured; NULL: nothing */
  void (*end)(void *state);
};

/* What can be measured; one row a command. */
struct bench_operation {
  const char *name, *text;
  const struct bench_way *module, *bare; /* NULL: cannot be done there */
  bool needs_key;                        /* the signing key is made before */
};

extern const struct bench_way bench_way_module_sign, bench_way_module_sign_batch, bench_way_module_find,
    bench_way_module_generate, bench_way_module_random;
extern const struct bench_way bench_way_bare_sign, bench_way_bare_generate, bench_way_bare_random;
extern const struct bench_way bench_way_null, bench_way_wakeup;

/* The way of this job's operation on a target; NULL, said on stderr, when there is none. */
const struct bench_way *bench_way_of(const struct bench_job *job, const struct bench_target *target);
bool bench_target_is_module(const struct bench_target *target);

/* ---- Modules ---- */

/* Loads, initialises, finds the token and logs in. NULL, said on stderr, when that fails. */
struct bench_module *bench_module_open(const struct bench_target *target);
void bench_module_close(struct bench_module *module);
CK_FUNCTION_LIST *bench_module_functions(const struct bench_module *module);
bool bench_module_session(const struct bench_module *module, CK_SESSION_HANDLE *out_session);
bool bench_rv(const struct bench_module *module, const char *function, CK_RV rv);

/* Keys made by this program are called "bench-<algorithm>-<number>", with the same text as CKA_ID. */
#define BENCH_LABEL_MAX 64u
size_t bench_label(const struct bench_algorithm *algorithm, uint32_t number, char out[BENCH_LABEL_MAX]);
bool bench_find(const struct bench_module *module, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label,
                size_t label_len, CK_OBJECT_HANDLE *out_object);
/* A key pair; on the token with a label, or of the session with label_len 0. */
CK_RV bench_make_key(const struct bench_module *module, CK_SESSION_HANDLE session,
                     const struct bench_algorithm *algorithm, const char *label, size_t label_len,
                     CK_OBJECT_HANDLE out_pair[2]);
/* The signing key (number 0), made when it is missing, tried and verified. */
bool bench_prepare_signing(const struct bench_job *job, const struct bench_module *module);
/* Keys 1 to job->keys. */
bool bench_prepare_keys(const struct bench_job *job, const struct bench_module *module);
/* From nothing to the first signature; runs in a process of its own. */
bool bench_start_once(const struct bench_job *job, const struct bench_target *target, uint64_t *out_nanoseconds);

uint64_t bench_now(void); /* nanoseconds */

#endif
