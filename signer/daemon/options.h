/*
 * What chiod is told: compiled-in defaults, then /etc/chio/hsm.toml, then the environment, then flags; each overrides
 * what came before (chiod(8), hsm.toml(5)).
 */
#ifndef CHIO_DAEMON_OPTIONS_H
#define CHIO_DAEMON_OPTIONS_H

#include "signer/base/buf.h"
#include "signer/base/config.h"
#include "signer/base/log.h"
#include "signer/core/core.h"
#include "signer/core/evidence.h"
#include "signer/daemon/listen.h"
#include "signer/daemon/options_backend.h"
#include "signer/daemon/server.h"

#define CHIO_OPTIONS_PATH 1024u
#define CHIO_OPTIONS_NAME 64u
#define CHIO_OPTIONS_KMSD CHIO_LIBDIR "/chio-kmsd"
#define CHIO_OPTIONS_FILE CHIO_SYSCONFDIR "/chio/hsm.toml"

/* Members are named as their keys; lengths of time are seconds. Empty text: not set. */
struct chio_options {
  char config[CHIO_OPTIONS_PATH]; /* flag and environment alone */
  char state[CHIO_OPTIONS_PATH];
  char socket[CHIO_LISTEN_PATH_MAX + 1];
  char socket_mode[8]; /* octal */
  char socket_group[CHIO_OPTIONS_NAME];
  bool door_enabled;
  char door[CHIO_LISTEN_PATH_MAX + 1];
  char user[CHIO_OPTIONS_NAME];
  bool stay_root;
  bool daemon;
  char pidfile[CHIO_OPTIONS_PATH];
  char platform[CHIO_OPTIONS_NAME];
  char seal[CHIO_OPTIONS_NAME];
  char seal_backend[CHIO_OPTIONS_NAME];
  char seal_key[CHIO_BACKEND_URI_MAX];
  bool seal_evidence;
  char seal_attestation[CHIO_OPTIONS_PATH], seal_attestation_ca_file[CHIO_OPTIONS_PATH];
  char seal_signer_ca_file[CHIO_OPTIONS_PATH];
  char seal_certificates[CHIO_OPTIONS_PATH], seal_endorsements[CHIO_OPTIONS_PATH];
  bool fips;
  char fips_config[CHIO_OPTIONS_PATH], fips_modules[CHIO_OPTIONS_PATH];
  struct chio_config_strings allow_users, allow_groups;
  int log_level, log_format;
  char log_file[CHIO_OPTIONS_PATH];
  int64_t loops, busy_poll; /* busy_poll: microseconds */
  int64_t pool_threads, pool_queue;
  int64_t connections, buffered;
  int64_t idle_timeout, stall_timeout, stop_timeout;
  int64_t slots, pin_min, pin_failures_delay, pin_failures_lock, ticket_lifetime, cache_objects;
  int64_t argon2_passes, argon2_memory;
  bool read_only, evidence_objects, audit;
  char rotation_after[16];
  struct chio_config_strings rotation_roles; /* ROLE=TIME */
  struct chio_rotation_rules rotation;       /* the same, read */
  struct chio_config_strings contracts;
  uint8_t contract_bytes[CHIO_CONTRACTS_MAX][20]; /* the same, decoded */
  char kmsd_program[CHIO_OPTIONS_PATH];
  char kmsd_user[CHIO_OPTIONS_NAME];
  struct chio_config_strings kmsd_environment;
  struct chio_config_strings kmsd_files; /* that chio-kmsd may read beyond what it knows */
  int64_t kmsd_threads; /* of chiod's, for requests that wait for a backend */
  bool collateral_enabled;
  char collateral_pcs[CHIO_OPTIONS_PATH], collateral_crl[CHIO_OPTIONS_PATH], collateral_kds[CHIO_OPTIONS_PATH];
  char collateral_ca_file[CHIO_OPTIONS_PATH];
  int64_t collateral_check; /* seconds */
  struct chio_config_tables backends; /* of struct chio_options_backend */
};

/* What to do instead of serving. */
enum chio_options_action { CHIO_OPTIONS_RUN, CHIO_OPTIONS_HELP, CHIO_OPTIONS_VERSION };

/* The keys of hsm.toml. */
extern const struct chio_config_key chio_options_keys[];

/* The compiled-in defaults. Paths that depend on who runs chiod stay empty until chio_options_finish. */
void chio_options_default(struct chio_options *options);

/* Reads a file over what is there. CHIO_E_NOT_FOUND, CHIO_E_CONFIG (detail names file, line and what was expected). */
CHIO_MUST_CHECK enum chio_err chio_options_load(struct chio_options *options, const char *path,
                                                struct chio_detail *detail);

/* Defaults, file, environment and flags in their order, then chio_options_finish. On failure the options are cleared.
 * CHIO_E_CONFIG, CHIO_E_ARGUMENT (an unknown flag), CHIO_E_NOT_FOUND (a file that was asked for). */
CHIO_MUST_CHECK enum chio_err chio_options_read(int argc, char *const argv[], struct chio_options *out_options,
                                                enum chio_options_action *out_action, struct chio_detail *detail);

/* Fills in the paths that are not set: for root those of the system, for others those of the user (XDG). Checks what
 * the table cannot. CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_options_finish(struct chio_options *options, struct chio_detail *detail);

/* Frees the lists. */
void chio_options_clear(struct chio_options *options);

/* The mode of the sockets. */
mode_t chio_options_socket_mode(const struct chio_options *options);

/* The core's share; strings are borrowed from the options, the manifest from its buffer. */
void chio_options_core(const struct chio_options *options, struct chio_buf *manifest,
                       struct chio_core_config *out_config);

/* The backends' share of the core's, with room for CHIO_BACKENDS_MAX; strings are borrowed from the options. */
void chio_options_core_backends(const struct chio_options *options, struct chio_backend_config *backends,
                                struct chio_core_config *out_config);

/* Whether chio-kmsd is needed, and what it is told: room for CHIO_OPTIONS_KMSD_MAX requests and as many empty buffers
 * that they borrow from, for the caller to clear. */
#define CHIO_OPTIONS_KMSD_MAX (CHIO_BACKENDS_MAX + 4u)
bool chio_options_need_kmsd(const struct chio_options *options);
CHIO_MUST_CHECK enum chio_err chio_options_kmsd(const struct chio_options *options, struct chio_buf *keys,
                                                struct chio_backend_open_request *requests, size_t *out_count);

/* The server's share, users and groups looked up. CHIO_E_CONFIG names the one that does not exist. */
CHIO_MUST_CHECK enum chio_err chio_options_server(const struct chio_options *options,
                                                  struct chio_server_config *out_config, struct chio_detail *detail);

/* The text of --help. */
void chio_options_help(struct chio_buf *out);

#endif
