/* The inside of reach.h and reach_link.h, shared by reach.c (chio-kmsd and its channel) and reach_ask.c (who asks). */
#ifndef CHIO_DAEMON_REACH_STATE_H
#define CHIO_DAEMON_REACH_STATE_H

#include "signer/base/histogram.h"
#include "signer/daemon/reach_link.h"

#include <pthread.h>

#define CHIO_REACH_PING_ID 0u

/* One request under way, in the hands of who asks. */
struct chio_reach_waiter {
  struct chio_reach_waiter *next;
  pthread_cond_t *answered; /* may be that of many */
  const struct chio_reach_question *question;
  uint64_t began_ns;  /* when it was first sent */
  uint64_t until_ms;  /* its time is over */
  uint32_t id;
  unsigned tries;
  bool done;
  bool lost; /* chio-kmsd went away before it answered */
  enum chio_err err;
  struct chio_detail detail;
  struct chio_reach_answer answer;
  /* What CALL said. */
  uint32_t attempts, http_status, ms;
  char code[CHIO_BACKEND_CODE_MAX + 1], provider_id[CHIO_BACKEND_CODE_MAX + 1];
};

struct chio_reach_backend {
  char name[CHIO_BACKEND_WIRE_NAME_MAX + 1];
  char kind[CHIO_BACKEND_KIND_MAX + 1];
  unsigned timeout_ms;
  struct chio_buf open; /* its OPEN, encoded */
  bool breaker_open;
  unsigned long long calls, failures;
  unsigned long long refusals; /* what it cannot do, or not with that key: no failure of its own */
  unsigned in_flight;
  struct chio_histogram latency; /* of calls that were answered well, nanoseconds */
  uint64_t ok_at_ms, failed_at_ms; /* 0: never */
  enum chio_err last_error;
};

enum chio_reach_state {
  CHIO_REACH_STARTING,
  CHIO_REACH_RUNNING,
  CHIO_REACH_DOWN,
  CHIO_REACH_GONE, /* nobody can start it any more */
};

struct chio_reach {
  int spawner;
  struct chio_reach_backend *backends;
  size_t count;
  struct chio_buf state_dir, files; /* as LOCK has them */
  pthread_t keeper, watch;
  bool keeper_runs, watch_runs;

  pthread_mutex_t writing; /* held while a frame is sent, and to close the channel */

  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t changed; /* the state, or the end */
  pthread_cond_t alarm;   /* the watch has something to watch */
  enum chio_reach_state state;
  bool ending;
  bool tried; /* the first start is over */
  enum chio_err first_err;
  struct chio_detail first_detail;
  size_t refused;
  int channel;
  unsigned incarnation;
  pid_t pid;
  uint64_t started_at_ms;
  uint64_t ready_at_ms; /* 0: its start is not over */
  uint64_t ping_at_ms; /* a PING is under way since; 0: none */
  bool suspect;        /* somebody waited in vain */
  bool hangs;          /* it is not waited for when its channel is closed */
  unsigned late;       /* answers that nobody waits for any more and that may still come */
  unsigned starts;
  unsigned backoff_ms;
  uint32_t next_id;
  struct chio_reach_waiter *waiters;
  unsigned crowded; /* requests under way beyond the first of each crowd (reach_ask.c) */
};

/* Milliseconds, nanoseconds of the monotonic clock. */
uint64_t chio_reach_now_ms(void);
uint64_t chio_reach_now_ns(void);

/* A condition that is timed by that clock. */
void chio_reach_cond_init(pthread_cond_t *cond);

/* With the lock held; false when the time is over. */
bool chio_reach_wait_until(struct chio_reach *r, pthread_cond_t *cond, uint64_t at_ms);

/* The configured backend, or NULL. */
struct chio_reach_backend *chio_reach_backend(const struct chio_reach *r, const char *name);

/* With the lock held: where the one that waits for that id is linked, or the end of the line. */
struct chio_reach_waiter **chio_reach_waiter(struct chio_reach *r, uint32_t id);

/* To this incarnation alone, and not past the time. A frame that was sent in part spoils the channel: it is shut.
 * CHIO_E_DISCONNECTED, CHIO_E_TIMEOUT. */
CHIO_MUST_CHECK enum chio_err chio_reach_send(struct chio_reach *r, unsigned incarnation, struct chio_slice frame,
                                              uint64_t until_ms);

#endif
