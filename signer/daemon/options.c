#include "signer/daemon/options.h"

#include "attest/chio_attest.h"
#include "signer/base/duration.h"
#include "signer/daemon/collateral.h"
#include "signer/daemon/process.h"
#include "signer/daemon/reach.h"
#include "signer/wire/limits.h"

#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_SYSTEM "/var/lib/chio"
#define SOCKET_SYSTEM "/run/chio/chiod.sock"
#define THREADS_MAX 256

static const struct chio_config_word level_words[] = {{"error", CHIO_LOG_ERROR},   {"warning", CHIO_LOG_WARNING},
                                                      {"notice", CHIO_LOG_NOTICE}, {"info", CHIO_LOG_INFO},
                                                      {"debug", CHIO_LOG_DEBUG},   {NULL, 0}};
static const struct chio_config_word format_words[] = {
    {"text", CHIO_LOG_TEXT}, {"json", CHIO_LOG_JSON}, {NULL, 0}};

#define O struct chio_options

/* The one table of chiod's keys; hsm.toml(5) explains each. */
const struct chio_config_key chio_options_keys[] = {
    CHIO_CONFIG_STRING("state", O, state),
    CHIO_CONFIG_STRING("user", O, user),
    CHIO_CONFIG_BOOL("stay_root", O, stay_root),
    CHIO_CONFIG_BOOL("daemon", O, daemon),
    CHIO_CONFIG_STRING("pidfile", O, pidfile),
    CHIO_CONFIG_STRING("platform", O, platform),
    CHIO_CONFIG_STRING("seal", O, seal),
    CHIO_CONFIG_STRING("seal_kms.backend", O, seal_backend),
    CHIO_CONFIG_STRING("seal_kms.key", O, seal_key),
    CHIO_CONFIG_BOOL("seal_kms.evidence", O, seal_evidence),
    CHIO_CONFIG_STRING("seal_kms.attestation", O, seal_attestation),
    CHIO_CONFIG_STRING("seal_kms.attestation_ca_file", O, seal_attestation_ca_file),
    CHIO_CONFIG_STRING("seal_kms.signer_ca_file", O, seal_signer_ca_file),
    CHIO_CONFIG_STRING("seal_kms.certificates", O, seal_certificates),
    CHIO_CONFIG_STRING("seal_kms.endorsements", O, seal_endorsements),
    CHIO_CONFIG_BOOL("crypto.fips", O, fips),
    CHIO_CONFIG_STRING("crypto.fips_config", O, fips_config),
    CHIO_CONFIG_STRING("crypto.fips_modules", O, fips_modules),
    CHIO_CONFIG_STRING("socket.path", O, socket),
    CHIO_CONFIG_STRING("socket.mode", O, socket_mode),
    CHIO_CONFIG_STRING("socket.group", O, socket_group),
    CHIO_CONFIG_BOOL("door.enabled", O, door_enabled),
    CHIO_CONFIG_STRING("door.path", O, door),
    CHIO_CONFIG_STRINGS("allow.users", O, allow_users, CHIO_OPTIONS_NAME - 1, CHIO_ALLOWED_MAX),
    CHIO_CONFIG_STRINGS("allow.groups", O, allow_groups, CHIO_OPTIONS_NAME - 1, CHIO_ALLOWED_MAX),
    CHIO_CONFIG_ENUM("log.level", O, log_level, level_words),
    CHIO_CONFIG_ENUM("log.format", O, log_format, format_words),
    CHIO_CONFIG_STRING("log.file", O, log_file),
    CHIO_CONFIG_INT("loops.threads", O, loops, 0, THREADS_MAX),
    CHIO_CONFIG_INT("loops.busy_poll", O, busy_poll, 0, 1000),
    CHIO_CONFIG_INT("pool.threads", O, pool_threads, 1, THREADS_MAX),
    CHIO_CONFIG_INT("pool.queue", O, pool_queue, 1, 65536),
    CHIO_CONFIG_INT("limits.connections", O, connections, 1, 65536),
    CHIO_CONFIG_INT("limits.buffered", O, buffered, 2 * CHIO_BODY_MAX, (int64_t)1 << 36),
    CHIO_CONFIG_INT("limits.idle_timeout", O, idle_timeout, 0, 31536000),
    CHIO_CONFIG_INT("limits.stall_timeout", O, stall_timeout, 0, 31536000),
    CHIO_CONFIG_INT("limits.stop_timeout", O, stop_timeout, 1, 3600),
    CHIO_CONFIG_INT("token.slots", O, slots, 1, CHIO_SLOTS_MAX),
    CHIO_CONFIG_INT("token.pin_min", O, pin_min, CHIO_PIN_MIN, CHIO_PIN_MAX),
    CHIO_CONFIG_INT("token.pin_failures_delay", O, pin_failures_delay, 1, 1000),
    CHIO_CONFIG_INT("token.pin_failures_lock", O, pin_failures_lock, 1, 1000),
    CHIO_CONFIG_INT("token.ticket_lifetime", O, ticket_lifetime, 60, 31536000),
    CHIO_CONFIG_INT("token.cache_objects", O, cache_objects, 16, 1000000),
    CHIO_CONFIG_INT("token.argon2_passes", O, argon2_passes, 1, 64),
    CHIO_CONFIG_INT("token.argon2_memory", O, argon2_memory, 8192, (int64_t)1 << 32),
    CHIO_CONFIG_BOOL("token.read_only", O, read_only),
    CHIO_CONFIG_BOOL("token.evidence_objects", O, evidence_objects),
    CHIO_CONFIG_BOOL("token.audit", O, audit),
    CHIO_CONFIG_STRING("rotation.after", O, rotation_after),
    CHIO_CONFIG_STRINGS("rotation.roles", O, rotation_roles, CHIO_ROLE_MAX + 16, CHIO_ROTATION_ROLES_MAX),
    CHIO_CONFIG_STRINGS("identity.contracts", O, contracts, 64, CHIO_CONTRACTS_MAX),
    CHIO_CONFIG_STRING("kmsd.program", O, kmsd_program),
    CHIO_CONFIG_STRING("kmsd.user", O, kmsd_user),
    CHIO_CONFIG_STRINGS("kmsd.environment", O, kmsd_environment, 128, 64),
    CHIO_CONFIG_STRINGS("kmsd.files", O, kmsd_files, CHIO_OPTIONS_PATH - 1, 32),
    CHIO_CONFIG_INT("kmsd.threads", O, kmsd_threads, 1, THREADS_MAX),
    CHIO_CONFIG_BOOL("collateral.enabled", O, collateral_enabled),
    CHIO_CONFIG_STRING("collateral.pcs", O, collateral_pcs),
    CHIO_CONFIG_STRING("collateral.crl", O, collateral_crl),
    CHIO_CONFIG_STRING("collateral.kds", O, collateral_kds),
    CHIO_CONFIG_STRING("collateral.ca_file", O, collateral_ca_file),
    CHIO_CONFIG_INT("collateral.check", O, collateral_check, 1, 604800),
    CHIO_CONFIG_NAMED("backend", O, backends, struct chio_options_backend, chio_options_backend_keys,
                      CHIO_BACKENDS_MAX),
    CHIO_CONFIG_END,
};

void chio_options_default(struct chio_options *options) {
  struct chio_core_config core;
  chio_core_config_default(&core);
  *options = (struct chio_options){
      .door_enabled = true,
      .user = "chio",
      .platform = "auto",
      .seal = "file",
      .seal_evidence = true,
      .log_level = CHIO_LOG_NOTICE,
      .log_format = CHIO_LOG_TEXT,
      .pool_threads = 4,
      .pool_queue = 256,
      .connections = 1024,
      .buffered = (int64_t)64 << 20,
      .stall_timeout = 60,
      .stop_timeout = 10,
      .slots = core.slots,
      .pin_min = core.pin_min,
      .pin_failures_delay = core.pin_failures_delay,
      .pin_failures_lock = core.pin_failures_lock,
      .ticket_lifetime = (int64_t)core.ticket_lifetime,
      .cache_objects = core.cache_objects,
      .argon2_passes = (int64_t)core.argon2_ops,
      .argon2_memory = (int64_t)core.argon2_memory,
      .read_only = core.read_only,
      .evidence_objects = core.evidence_objects,
      .audit = true,
      .kmsd_program = CHIO_OPTIONS_KMSD,
      .kmsd_threads = 64,
      .collateral_pcs = "https://api.trustedservices.intel.com",
      .collateral_crl = "https://certificates.trustedservices.intel.com",
      .collateral_kds = "https://kdsintf.amd.com",
      .collateral_check = 3600,
  };
}

static enum chio_err read_contracts(struct chio_options *o, struct chio_detail *detail) {
  for (size_t i = 0; i < o->contracts.count; i++) {
    if (chio_attest_contract_parse(o->contracts.items[i], o->contract_bytes[i]) == CHIO_ATTEST_OK) continue;
    return chio_fail(detail, CHIO_E_CONFIG,
                     "identity.contracts: expected 20 bytes in hex, mixed letters only as EIP-55 has them, found '%s'",
                     o->contracts.items[i]);
  }
  return CHIO_OK;
}

static enum chio_err read_time(const char *key, const char *text, uint64_t *out, struct chio_detail *detail) {
  if (chio_duration_parse(chio_slice_str(text), out) == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "%s: expected a length of time such as \"90d\" or \"12h\", found '%s'", key,
                   text);
}

static enum chio_err read_rotation(struct chio_options *o, struct chio_detail *detail) {
  struct chio_rotation_rules *rules = &o->rotation;
  enum chio_err err = CHIO_OK;
  if (o->rotation_after[0] != '\0') err = read_time("rotation.after", o->rotation_after, &rules->after, detail);
  rules->role_count = 0;
  for (size_t i = 0; err == CHIO_OK && i < o->rotation_roles.count; i++) {
    const char *text = o->rotation_roles.items[i], *equals = strchr(text, '=');
    size_t len = equals != NULL ? (size_t)(equals - text) : 0;
    if (len == 0 || len > CHIO_ROLE_MAX)
      return chio_fail(detail, CHIO_E_CONFIG, "rotation.roles: expected \"ROLE=TIME\", found '%s'", text);
    memcpy(rules->roles[rules->role_count].role, text, len);
    rules->roles[rules->role_count].role[len] = '\0';
    err = read_time("rotation.roles", equals + 1, &rules->roles[rules->role_count++].after, detail);
  }
  return err;
}

enum chio_err chio_options_load(struct chio_options *options, const char *path, struct chio_detail *detail) {
  enum chio_err err = chio_config_load(path, chio_options_keys, detail, options);
  if (err == CHIO_OK) err = read_rotation(options, detail);
  return err == CHIO_OK ? read_contracts(options, detail) : err;
}

void chio_options_clear(struct chio_options *options) {
  chio_config_clear(chio_options_keys, options);
}

/* ---- What depends on who runs chiod ---- */

static bool join(char *out, size_t size, const char *folder, const char *rest) {
  return (size_t)snprintf(out, size, "%s%s", folder, rest) < size;
}

/* $variable/rest, or $HOME/home_rest; false when neither is set. */
static bool user_path(char *out, size_t size, const char *variable, const char *rest, const char *home_rest) {
  const char *folder = secure_getenv(variable);
  if (folder != NULL && folder[0] == '/') return join(out, size, folder, rest);
  const char *home = secure_getenv("HOME");
  return home_rest != NULL && home != NULL && home[0] == '/' && join(out, size, home, home_rest);
}

/* Root, and the user that chiod has of its own on a system, use the system's places. */
static bool is_system(const struct chio_options *options) {
  if (geteuid() == 0) return true;
  const struct passwd *entry = getpwuid(geteuid());
  return entry != NULL && strcmp(entry->pw_name, options->user) == 0;
}

static enum chio_err fill_paths(struct chio_options *o, struct chio_detail *detail) {
  bool system = is_system(o);
  if (o->state[0] == '\0' && system) (void)join(o->state, sizeof o->state, STATE_SYSTEM, "");
  if (o->state[0] == '\0' &&
      !user_path(o->state, sizeof o->state, "XDG_STATE_HOME", "/chio", "/.local/state/chio"))
    return chio_fail(detail, CHIO_E_CONFIG, "no state folder: name one (--state), or set XDG_STATE_HOME or HOME");
  if (o->socket[0] == '\0' && system) (void)join(o->socket, sizeof o->socket, SOCKET_SYSTEM, "");
  if (o->socket[0] == '\0' && !user_path(o->socket, sizeof o->socket, "XDG_RUNTIME_DIR", "/chio/chiod.sock", NULL))
    return chio_fail(detail, CHIO_E_CONFIG, "no socket: name one (--socket), or set XDG_RUNTIME_DIR");
  if (!o->door_enabled) o->door[0] = '\0';
  if (o->door[0] != '\0' || !o->door_enabled) return CHIO_OK;
  size_t stem = strlen(o->socket);
  if (stem > 5 && strcmp(o->socket + stem - 5, ".sock") == 0) stem -= 5;
  if (stem + 6 > sizeof o->door)
    return chio_fail(detail, CHIO_E_CONFIG, "the socket's path leaves no room for '.door': name the door (door.path)");
  memcpy(o->door, o->socket, stem);
  memcpy(o->door + stem, ".door", 6);
  return CHIO_OK;
}

static enum chio_err check_absolute(const char *path, const char *what, struct chio_detail *detail) {
  if (path[0] == '\0' || path[0] == '/') return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "expected an absolute path for %s, found '%s'", what, path);
}

enum chio_err chio_options_finish(struct chio_options *options, struct chio_detail *detail) {
  enum chio_err err = fill_paths(options, detail);
  if (err == CHIO_OK) err = check_absolute(options->state, "the state folder", detail);
  if (err == CHIO_OK) err = check_absolute(options->socket, "the socket", detail);
  if (err == CHIO_OK) err = check_absolute(options->door, "the door", detail);
  if (err == CHIO_OK) err = check_absolute(options->pidfile, "the pid file", detail);
  if (err == CHIO_OK) err = check_absolute(options->log_file, "the log file", detail);
  if (err == CHIO_OK) err = check_absolute(options->kmsd_program, "kmsd.program", detail);
  if (err == CHIO_OK) err = check_absolute(options->fips_config, "crypto.fips_config", detail);
  if (err == CHIO_OK) err = check_absolute(options->fips_modules, "crypto.fips_modules", detail);
  if (err == CHIO_OK) err = chio_options_backend_check(&options->backends, detail);
  if (err != CHIO_OK) return err;
  if (strcmp(options->door, options->socket) == 0)
    return chio_fail(detail, CHIO_E_CONFIG, "the door and the socket have the same path: %s", options->socket);
  const char *mode = options->socket_mode;
  if (mode[strspn(mode, "01234567")] != '\0' || strlen(mode) > 4 || (mode[0] != '\0' && mode[0] != '0'))
    return chio_fail(detail, CHIO_E_CONFIG, "expected an octal mode such as \"0660\" for socket.mode, found '%s'",
                     mode);
  if (options->pin_failures_delay > options->pin_failures_lock)
    return chio_fail(detail, CHIO_E_CONFIG, "token.pin_failures_delay is larger than token.pin_failures_lock");
  return CHIO_OK;
}

mode_t chio_options_socket_mode(const struct chio_options *options) {
  if (options->socket_mode[0] != '\0') return (mode_t)strtoul(options->socket_mode, NULL, 8) & 0777;
  return is_system(options) ? 0660 : 0600;
}

/* ---- Shares ---- */

static void write_seal(const struct chio_options *o, struct chio_buf *out) {
  if (o->seal_attestation[0] != '\0') chio_buf_printf(out, "seal_kms.attestation=%s\n", o->seal_attestation);
  chio_buf_printf(out, "seal_kms.backend=%s\nseal_kms.evidence=%s\nseal_kms.key=%s\n", o->seal_backend,
                  o->seal_evidence ? "true" : "false", o->seal_key);
  if (o->seal_signer_ca_file[0] != '\0') chio_buf_printf(out, "seal_kms.signer_ca_file=%s\n", o->seal_signer_ca_file);
}

/* What decides how keys are kept and who may use them, in a fixed order and spelling: the boot evidence holds its
 * hash. Places, sizes and speeds are no part of it. */
static void write_manifest(const struct chio_options *o, struct chio_buf *out) {
  chio_buf_printf(out, "chio-hsm manifest v1\n");
  chio_buf_printf(out, "platform=%s\nseal=%s\n", o->platform, o->seal);
  if (strcmp(o->seal, "kms") == 0) write_seal(o, out);
  if (o->fips) chio_buf_append_str(out, "crypto.fips=true\n");
  chio_buf_printf(out, "token.argon2_memory=%lld\ntoken.argon2_passes=%lld\n", (long long)o->argon2_memory,
                  (long long)o->argon2_passes);
  chio_buf_printf(out, "token.pin_failures_delay=%lld\ntoken.pin_failures_lock=%lld\n",
                  (long long)o->pin_failures_delay, (long long)o->pin_failures_lock);
  chio_buf_printf(out, "token.pin_min=%lld\ntoken.read_only=%s\n", (long long)o->pin_min,
                  o->read_only ? "true" : "false");
  chio_buf_printf(out, "token.slots=%lld\ntoken.ticket_lifetime=%lld\n", (long long)o->slots,
                  (long long)o->ticket_lifetime);
  chio_options_backend_manifest(&o->backends, out);
}

void chio_options_core(const struct chio_options *options, struct chio_buf *manifest,
                       struct chio_core_config *out_config) {
  write_manifest(options, manifest);
  chio_core_config_default(out_config);
  out_config->state_dir = options->state;
  out_config->platform = options->platform;
  out_config->seal = options->seal;
  out_config->seal_backend = options->seal_backend;
  out_config->seal_key = options->seal_key;
  out_config->seal_evidence = options->seal_evidence;
  out_config->seal_attestation = options->seal_attestation;
  out_config->seal_signer_ca_file = options->seal_signer_ca_file;
  out_config->seal_certificates = options->seal_certificates;
  out_config->seal_endorsements = options->seal_endorsements;
  out_config->manifest = chio_buf_cstr(manifest);
  out_config->slots = (uint32_t)options->slots;
  out_config->pin_min = (uint32_t)options->pin_min;
  out_config->pin_failures_delay = (uint32_t)options->pin_failures_delay;
  out_config->pin_failures_lock = (uint32_t)options->pin_failures_lock;
  out_config->ticket_lifetime = (uint64_t)options->ticket_lifetime;
  out_config->cache_objects = (uint32_t)options->cache_objects;
  out_config->argon2_ops = (uint64_t)options->argon2_passes;
  out_config->argon2_memory = (uint64_t)options->argon2_memory;
  out_config->read_only = options->read_only;
  out_config->rotation = options->rotation;
  out_config->evidence_objects = options->evidence_objects;
  out_config->contracts = options->contract_bytes[0];
  out_config->contract_count = options->contracts.count;
  out_config->audit = options->audit;
}

bool chio_options_need_kmsd(const struct chio_options *options) {
  return options->backends.count > 0 || options->collateral_enabled;
}

static struct chio_backend_open_request source_of(const char *name, const char *url, const char *ca_file) {
  return (struct chio_backend_open_request){.name = chio_slice_str(name),
                                            .kind = chio_slice_str("collateral"),
                                            .endpoint = chio_slice_str(url),
                                            .ca_file = chio_slice_str(ca_file)};
}

/* A backend's keys and, where it is that one, the key of the sealing root. */
static enum chio_err backend_request(const struct chio_options *options, const struct chio_options_backend *backend,
                                     struct chio_buf *keys, struct chio_backend_open_request *out_request) {
  if (options->seal_key[0] != '\0' && strcmp(options->seal_backend, backend->name) == 0) {
    chio_buf_append_str(keys, options->seal_key);
    chio_buf_append_u8(keys, 0);
  }
  return chio_options_backend_open(backend, keys, out_request);
}

enum chio_err chio_options_kmsd(const struct chio_options *options, struct chio_buf *keys,
                                struct chio_backend_open_request *requests, size_t *out_count) {
  const struct chio_options_backend *list = options->backends.items;
  const char *const urls[] = {options->collateral_pcs, options->collateral_crl, options->collateral_kds};
  enum chio_err err = CHIO_OK;
  size_t count = 0;
  for (; err == CHIO_OK && count < options->backends.count; count++)
    err = backend_request(options, &list[count], &keys[count], &requests[count]);
  for (size_t i = 0; options->collateral_enabled && i < CHIO_ARRAY_LEN(urls); i++)
    requests[count++] = source_of(chio_collateral_sources[i], urls[i], options->collateral_ca_file);
  if (options->seal_attestation[0] != '\0')
    requests[count++] = source_of(CHIO_REACH_JUDGE, options->seal_attestation, options->seal_attestation_ca_file);
  *out_count = count;
  return err;
}

void chio_options_core_backends(const struct chio_options *options, struct chio_backend_config *backends,
                                struct chio_core_config *out_config) {
  const struct chio_options_backend *list = options->backends.items;
  for (size_t i = 0; i < options->backends.count; i++) chio_options_backend_core(&list[i], &backends[i]);
  out_config->backends = backends;
  out_config->backend_count = options->backends.count;
}

static enum chio_err find_allowed(const struct chio_options *o, struct chio_allowed *out, struct chio_detail *detail) {
  for (size_t i = 0; i < o->allow_users.count; i++) {
    const char *name = o->allow_users.items[i];
    const struct passwd *entry = getpwnam(name);
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    bool is_number = name[0] >= '0' && name[0] <= '9' && *end == '\0' && number < UINT32_MAX;
    if (entry == NULL && !is_number)
      return chio_fail(detail, CHIO_E_CONFIG, "allow.users: there is no user '%s'", name);
    out->uids[out->uid_count++] = entry != NULL ? entry->pw_uid : (uid_t)number;
  }
  for (size_t i = 0; i < o->allow_groups.count; i++) {
    enum chio_err err = chio_group_find(o->allow_groups.items[i], &out->gids[out->gid_count], detail);
    if (err != CHIO_OK) return CHIO_E_CONFIG;
    out->gid_count++;
  }
  return CHIO_OK;
}

/* CPUs that this process may run on. */
static unsigned cpu_count(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return count < 1 ? 1u : count > THREADS_MAX ? (unsigned)THREADS_MAX : (unsigned)count;
}

enum chio_err chio_options_server(const struct chio_options *options, struct chio_server_config *out_config,
                                  struct chio_detail *detail) {
  struct chio_server_config config = {
      .loops = options->loops > 0 ? (unsigned)options->loops : cpu_count(),
      .pool_threads = (unsigned)options->pool_threads,
      .pool_queue = (unsigned)options->pool_queue,
      .connections = (unsigned)options->connections,
      .buffered = (size_t)options->buffered,
      .idle_timeout = (unsigned)options->idle_timeout,
      .stall_timeout = (unsigned)options->stall_timeout,
      .busy_poll_us = (unsigned)options->busy_poll,
      .waiting_threads = chio_options_need_kmsd(options) ? (unsigned)options->kmsd_threads : 0,
  };
  enum chio_err err = find_allowed(options, &config.allowed, detail);
  if (err == CHIO_OK) *out_config = config;
  return err;
}
