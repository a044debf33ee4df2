/*
 * chiod's end of the socketpair to chio-kmsd: keeps one running (it is started again, with growing delays, whenever it
 * dies or hangs), sends the core's requests, and gives each answer to whoever waits for it. Many threads may ask at
 * once; answers come in any order.
 */
#ifndef CHIO_DAEMON_REACH_H
#define CHIO_DAEMON_REACH_H

#include "signer/base/buf.h"
#include "signer/base/config.h"
#include "signer/core/backend.h"
#include "signer/wire/backend_message.h"

#define CHIO_REACH_START_MS 10000u     /* for a start of chio-kmsd with all its backends */
#define CHIO_REACH_GRACE_MS 500u       /* a reply may come so much later than the time that the request gave */
#define CHIO_REACH_RESTART_WAIT_MS 2000u /* so long, at most, a request waits for one that is being started */
#define CHIO_REACH_PONG_MS 2000u       /* one that does not answer PING in this time hangs: it is ended */
#define CHIO_REACH_LATE_MAX 48u        /* so many requests that were never answered: it is ended too */
#define CHIO_REACH_CROWD_MAX 64u       /* requests of batches under way beyond the first of each */
#define CHIO_REACH_CROWD_TIMES 4u      /* a batch has so many times the time of one request to send all of its own */
#define CHIO_REACH_BACKOFF_MIN_MS 50u
#define CHIO_REACH_BACKOFF_MAX_MS 10000u

struct chio_reach;

struct chio_reach_config {
  int spawner; /* the descriptor of chio_spawner_start; taken over in any case */
  const struct chio_backend_open_request *backends; /* count of them; copied */
  size_t count;
  const char *state_dir; /* closed to chio-kmsd; NULL: none. Copied */
  const struct chio_config_strings *files; /* open to it beyond what it knows; NULL: none. Copied */
};

/* Starts chio-kmsd and its keeper. A backend that chio-kmsd refuses for its configuration is CHIO_E_CONFIG, with
 * *out_refused set to its index; a chio-kmsd that does not come up for another reason is not an error: it is tried
 * again and again, and requests say that it is not there. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_reach_new(const struct chio_reach_config *config, size_t *out_refused,
                                             struct chio_reach **out_reach, struct chio_detail *detail);

/* Nobody may be asking. Ends chio-kmsd. NULL is accepted. */
void chio_reach_free(struct chio_reach *reach);

/* For the core; self is the struct chio_reach. */
extern const struct chio_backend_ops chio_reach_ops;

/* The source that judges evidence for a KMS (seal_kms.attestation): chio_reach_ops.judge asks it. */
#define CHIO_REACH_JUDGE "seal_kms/attestation"

/* One GET for collateral from the source of that name; with content, a POST. The buffers are the caller's, appended
 * to. */
CHIO_MUST_CHECK enum chio_err chio_reach_fetch(struct chio_reach *reach, const char *source, const char *path,
                                               struct chio_slice content, unsigned timeout_ms, uint32_t *out_status,
                                               struct chio_buf *out_headers, struct chio_buf *out_body,
                                               struct chio_detail *detail);

/* For STATUS: appends the member "kmsd" (docs/protocol.md). */
void chio_reach_status(struct chio_reach *reach, struct chio_buf *json);

#endif
