/*
 * The signer's core: decides everything, knows no sockets. chiod and chio-embedded.so put frames in and send out what
 * comes back. Thread-safe: any number of threads may dispatch at once, each with a connection of its own.
 */
#ifndef CHIO_CORE_CORE_H
#define CHIO_CORE_CORE_H

#include "signer/base/buf.h"
#include "signer/base/err.h"
#include "signer/core/backend.h"
#include "signer/wire/frame.h"
#include <sys/types.h>

struct chio_core;
struct chio_conn;

/* Who fetches and keeps collateral for verifiers: serves COLLATERAL (signer/wire/msg_collateral.h), with the evidence
 * filled in. */
struct chio_collateral_source {
  enum chio_err (*serve)(void *self, uint32_t action, struct chio_slice name, struct chio_slice evidence,
                         struct chio_buf *out, struct chio_detail *detail); /* NULL: nobody */
  void *self; /* outlives the core */
};

/* After how long a key is to be rotated, seconds; 0: never. A role of its own goes before the rule for all. */
#define CHIO_ROTATION_ROLES_MAX 32u
#define CHIO_ROLE_MAX 32u
struct chio_rotation_rules {
  uint64_t after;
  struct {
    char role[CHIO_ROLE_MAX + 1];
    uint64_t after;
  } roles[CHIO_ROTATION_ROLES_MAX];
  size_t role_count;
};

struct chio_core_config {
  const char *state_dir;     /* made 0700 when missing */
  const char *platform;      /* "sim-tdx" ...; NULL or "auto": chosen by looking */
  const char *seal;          /* sealing provider: "file", "snp" ... */
  const char *seal_backend;  /* with seal "kms": NAME of the backend; NULL: none */
  const char *seal_key;      /* URI of its key */
  bool seal_evidence;        /* the KMS is shown evidence, and answers to the key in it */
  /* root_kms.h: of secure key release; NULL or empty: not given */
  const char *seal_attestation, *seal_signer_ca_file, *seal_certificates, *seal_endorsements;
  const char *measured_file; /* what a simulated platform measures; NULL: /proc/self/exe */
  const char *manifest;      /* the configuration in canonical text: its SHA-256 is in the boot evidence; may be NULL */
  uint32_t slots;            /* number of slots, 1 to CHIO_SLOTS_MAX */
  uint32_t pin_min;          /* bytes */
  uint32_t pin_failures_delay; /* wrong PINs before a delay */
  uint32_t pin_failures_lock;  /* wrong PINs before the lock */
  uint64_t ticket_lifetime;    /* seconds */
  uint32_t cache_objects;      /* loaded objects kept in memory, at most */
  bool read_only;              /* refuse every change */
  struct chio_rotation_rules rotation;
  const uint8_t *contracts;    /* 20 bytes each: for which workload identities are told; copied */
  size_t contract_count;
  bool evidence_objects;       /* make a certificate and a data object with each key pair */
  uint64_t argon2_ops;         /* Argon2id passes */
  uint64_t argon2_memory;      /* bytes */
  bool audit; /* compare each slot with its set hash after opening, in a thread of the core: for chiod; a
               * guest in someone's process leaves it off */
  bool housekeeping; /* a thread of the core looks up what could not be found in a backend, and renews delegations: for
                      * chiod */
  /* Keys that live elsewhere: a slot for each backend, behind those of [token]. Names and URIs are copied; what reach
   * stands on outlives the core. */
  const struct chio_backend_config *backends;
  size_t backend_count; /* at most CHIO_BACKENDS_MAX */
  struct chio_backends reach;
  struct chio_collateral_source collateral;
};

/* The compiled-in defaults; state_dir stays NULL and audit false. */
void chio_core_config_default(struct chio_core_config *config);

/* For root, before it becomes that user: what platform and sealing provider of the configuration need root for.
 * CHIO_E_PLATFORM, CHIO_E_PERMISSION, CHIO_E_UNSUPPORTED. */
CHIO_MUST_CHECK enum chio_err chio_core_prepare(const struct chio_core_config *config, uid_t uid, gid_t gid,
                                                struct chio_detail *detail);

/* Locks the state folder, opens the store, unseals the root, makes boot evidence. Errors: CHIO_E_STATE_IN_USE (detail
 * names the other process), CHIO_E_STORE_READ_ONLY, CHIO_E_STORE_CORRUPT, CHIO_E_SEAL, CHIO_E_PLATFORM, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_core_open(const struct chio_core_config *config, struct chio_core **out_core,
                                             struct chio_detail *detail);

/* No dispatch may be under way. Wipes keys, frees the lock. NULL is accepted. */
void chio_core_close(struct chio_core *core);

/* Who is at the other end of a connection. */
struct chio_peer {
  uid_t uid;
  gid_t gid;
  pid_t pid;
};

CHIO_MUST_CHECK enum chio_err chio_conn_open(struct chio_core *core, const struct chio_peer *peer,
                                             struct chio_conn **out_conn);
/* Session objects die with the last connection of their client. NULL is accepted. */
void chio_conn_close(struct chio_conn *conn);

/* Path of the door socket, told in HELLO; copied. */
void chio_core_set_door(struct chio_core *core, const char *path);

/* Whether this request is better served by a thread that may wait: by the message table, and for signatures by the
 * mechanism and the key. Cheap; never wrong in the direction that matters for correctness. */
bool chio_conn_blocks(struct chio_conn *conn, const struct chio_frame_header *header, struct chio_slice body);

/* Of a request that blocks: whether it may wait for a backend, for seconds. It belongs into a pool of its own, so that
 * a slow KMS holds up nobody who does not use it. */
bool chio_conn_waits(struct chio_conn *conn, const struct chio_frame_header *header, struct chio_slice body);

/* Serves one request frame and appends the reply frame to out (nothing for a message without reply). Requests of one
 * connection are dispatched one after the other. An error means that the connection must be closed (the reply that
 * says why, if any, is in out). The caller wipes body afterwards when the message is marked SECRET. */
CHIO_MUST_CHECK enum chio_err chio_conn_dispatch(struct chio_conn *conn, const struct chio_frame_header *header,
                                                 struct chio_slice body, struct chio_buf *out);

/* The id of the trace that the connection's requests belong to, 32 hex digits; empty: none was named. Borrowed. */
const char *chio_conn_trace(const struct chio_conn *conn);

#define CHIO_EVIDENCE_ID_HEX 64u
#define CHIO_FIRMWARE_MAX 256u /* bytes with the NUL */

/* What the verifier reads in the evidence of this run. */
struct chio_boot_facts {
  char id[CHIO_EVIDENCE_ID_HEX + 1]; /* the replay id of its quote, in hex */
  char firmware[CHIO_FIRMWARE_MAX];  /* versions of the platform's firmware, "name=value ...", by the names of the
                                      * claims; empty: the platform tells none */
};

/* What the evidence says that this run began with. Borrowed. */
const struct chio_boot_facts *chio_core_boot(const struct chio_core *core);

/* Who is told, on a thread of the core, that this run has new evidence; before chio_core_close it is set to NULL or
 * outlives the core. */
void chio_core_set_renewed(struct chio_core *core, void (*renewed)(void *arg), void *arg);

/* Appends a bundle with the evidence of this run, whose key is the attestation key. CHIO_E_NO_MEMORY,
 * CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_core_boot_evidence(struct chio_core *core, struct chio_buf *out);

/* Counters for STATUS that the front end keeps (connections, requests ...): a callback that adds JSON members
 * ("\"connections\":3"). May be NULL. */
void chio_core_set_status(struct chio_core *core, void (*add)(void *arg, struct chio_buf *json), void *arg);

#endif
