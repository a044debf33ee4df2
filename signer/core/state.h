/* The core's own insides, shared by its files and by nobody else. */
#ifndef CHIO_CORE_STATE_H
#define CHIO_CORE_STATE_H

#include "signer/core/backend_slot.h"
#include "signer/core/boot_evidence.h"
#include "signer/core/core.h"
#include "signer/core/evidence.h"
#include "signer/core/label_claim.h"
#include "signer/core/object_table.h"
#include "signer/core/user.h"
#include "signer/wire/message.h"
#include "signer/wire/traceparent.h"

#include <pthread.h>

struct chio_slot {
  uint32_t number;
  pthread_mutex_t change;   /* held while objects or users of the slot change */
  pthread_mutex_t row_lock; /* row */
  struct chio_token_row row;
  atomic_bool initialized; /* as row says, for the hot path */
  atomic_bool corrupt;     /* the audit found the store changed behind our back */
  atomic_ullong generation;
  /* Of rotation_lag.c: when the first key in use is to be rotated (0: none), as of which generation (0: never looked),
   * nanoseconds that looking took, and when it may be looked again, by the monotonic clock. */
  atomic_ullong rotation_due, rotation_seen, rotation_cost, rotation_next;
  atomic_ullong signatures; /* made in this run */
  struct chio_label_claims claims;
  struct chio_backend *backend; /* whose keys it shows; NULL for one of [token] */
};

/* A client: the connections that share the name it chose. Its session objects end with the last of them. */
struct chio_client {
  struct chio_uid uid;
  size_t connections;
  struct chio_client *next;
};

struct chio_core {
  struct chio_core_config config; /* its strings are not kept */
  int lock_fd;
  struct chio_seal *seal;
  struct chio_store *store;
  struct chio_users *users;
  struct chio_platform *platform;
  struct chio_evidence *evidence;
  struct chio_object_table *objects;
  struct chio_slot *slots; /* config.slots of [token], then one for each backend */
  size_t slot_count;
  struct chio_backend *backends; /* backend_count of them */
  size_t backend_count;
  struct chio_uid instance;
  struct chio_boot_facts boot;
  uint64_t started;     /* seconds since the epoch */
  pthread_mutex_t lock; /* what follows */
  void (*evidence_renewed)(void *arg); /* NULL: nobody wants to know */
  void *evidence_renewed_arg;
  struct chio_client *clients;
  char door[CHIO_PATH_MAX];
  void (*add_status)(void *arg, struct chio_buf *json);
  void *add_status_arg;
  bool auditing; /* the thread exists */
  pthread_t audit;
  struct chio_housekeeper *housekeeper;
  pthread_mutex_t renewals_lock; /* what follows; may be held while the store is asked */
  struct chio_renewals *renewals;
  atomic_llong collateral_asked; /* when the front end was last asked to fetch our own collateral */
  atomic_bool closing;
};

/* A multi-part operation. */
struct chio_stream {
  bool active;
  enum chio_err err; /* what went wrong so far: the answer to STREAM_END */
  struct chio_detail detail;
  uint32_t operation; /* enum chio_stream_operation */
  struct chio_slot *slot;
  const struct chio_mechanism *mechanism;
  uint8_t params_bytes[CHIO_PARAMS_MAX];
  struct chio_mech_params params;
  struct chio_object *object;
  struct chio_digest *digest; /* mechanisms that hash first */
  struct chio_buf whole;      /* all others */
};

struct chio_conn {
  struct chio_core *core;
  struct chio_peer peer;
  bool greeted;
  struct chio_uid client;
  /* the last good ticket, so that it is opened once and not with each request */
  struct chio_secret *ticket; /* CHIO_TICKET_MAX bytes, or NULL */
  size_t ticket_len;
  uint64_t ticket_generation;
  struct chio_ticket opened;
  struct chio_stream stream;
  struct chio_traceparent trace; /* empty strings: none was named */
  struct chio_buf scratch; /* bytes of the reply under way */
};

/* The slot of that number, or NULL. */
struct chio_slot *chio_core_slot(struct chio_core *core, uint32_t number);

enum chio_who { CHIO_WHO_PUBLIC, CHIO_WHO_USER, CHIO_WHO_SO };

#endif
