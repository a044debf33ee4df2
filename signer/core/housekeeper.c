#include "signer/core/housekeeper.h"

#include "signer/base/log.h"
#include "signer/core/backend_look.h"
#include "signer/core/renewal.h"
#include "signer/core/rotation_lag.h"

#include <stdlib.h>
#include <time.h>

#define ROUND_SECONDS 1

struct chio_housekeeper {
  struct chio_core *core;
  pthread_mutex_t lock;
  pthread_cond_t end;
  bool ending;
  pthread_t thread;
};

/* The evidence that keys are born with, before its certificates end. */
static void renew_evidence(struct chio_core *core) {
  struct chio_detail detail = {""};
  bool renewed = false;
  enum chio_err err = chio_evidence_renew(core->evidence, (int64_t)time(NULL), &renewed, &detail);
  if (err != CHIO_OK)
    chio_log(CHIO_LOG_WARNING, "evidence.renewal", "the evidence of this run cannot be renewed",
             CHIO_F_STR("error", chio_err_name(err)), CHIO_F_STR("detail", detail.text));
  if (!renewed) return;
  chio_log(CHIO_LOG_NOTICE, "evidence.renewed", "the evidence of this run is made anew");
  (void)pthread_mutex_lock(&core->lock);
  void (*tell)(void *arg) = core->evidence_renewed;
  void *arg = core->evidence_renewed_arg;
  (void)pthread_mutex_unlock(&core->lock);
  if (tell != NULL) tell(arg);
}

void chio_housekeeper_round(struct chio_core *core) {
  renew_evidence(core);
  for (size_t i = 0; i < core->backend_count && !atomic_load(&core->closing); i++)
    chio_backend_look_again(core, &core->backends[i]);
  chio_renewals_round(core, (uint64_t)time(NULL));
  chio_rotation_round(core);
}

/* Sleeps until the next round; false at the end. */
static bool rest(struct chio_housekeeper *keeper) {
  struct timespec until;
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ROUND_SECONDS;
  (void)pthread_mutex_lock(&keeper->lock);
  while (!keeper->ending && pthread_cond_timedwait(&keeper->end, &keeper->lock, &until) == 0) {
  }
  bool goes_on = !keeper->ending;
  (void)pthread_mutex_unlock(&keeper->lock);
  return goes_on;
}

static void *keep(void *arg) {
  struct chio_housekeeper *keeper = arg;
  while (rest(keeper)) chio_housekeeper_round(keeper->core);
  return NULL;
}

enum chio_err chio_housekeeper_start(struct chio_core *core, struct chio_housekeeper **out_keeper) {
  pthread_condattr_t monotonic;
  struct chio_housekeeper *keeper = calloc(1, sizeof *keeper);
  if (keeper == NULL) return CHIO_E_NO_MEMORY;
  keeper->core = core;
  (void)pthread_condattr_init(&monotonic);
  (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  (void)pthread_mutex_init(&keeper->lock, NULL);
  (void)pthread_cond_init(&keeper->end, &monotonic);
  (void)pthread_condattr_destroy(&monotonic);
  if (pthread_create(&keeper->thread, NULL, keep, keeper) == 0) {
    *out_keeper = keeper;
    return CHIO_OK;
  }
  (void)pthread_cond_destroy(&keeper->end);
  (void)pthread_mutex_destroy(&keeper->lock);
  free(keeper);
  return CHIO_E_NO_MEMORY;
}

void chio_housekeeper_stop(struct chio_housekeeper *keeper) {
  if (keeper == NULL) return;
  (void)pthread_mutex_lock(&keeper->lock);
  keeper->ending = true;
  (void)pthread_cond_signal(&keeper->end);
  (void)pthread_mutex_unlock(&keeper->lock);
  (void)pthread_join(keeper->thread, NULL);
  (void)pthread_cond_destroy(&keeper->end);
  (void)pthread_mutex_destroy(&keeper->lock);
  free(keeper);
}
