/* chiod: start, serve, stop. */
#include "config.h"

#include "signer/base/build_id.h"
#include "signer/base/log.h"
#include "signer/core/crypto.h"
#include "signer/daemon/boot_file.h"
#include "signer/daemon/collateral.h"
#include "signer/daemon/door.h"
#include "signer/daemon/front.h"
#include "signer/daemon/notify.h"
#include "signer/daemon/options.h"
#include "signer/daemon/process.h"
#include "signer/daemon/reach.h"
#include "signer/daemon/sandbox.h"
#include "signer/daemon/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWEEP_SECONDS_MAX 10
#define LOG_ID_DIGITS 16

/* All that runs, in the order in which it was started. */
struct chiod {
  struct chio_options options;
  struct chio_identity identity; /* whom root becomes */
  bool drops;                    /* root, and not to stay so */
  int ready_fd;                  /* of the background; -1 */
  int log_fd;                    /* -1: standard error */
  int spawner_fd;                /* -1: there are no backends, or reach has it */
  struct chio_pidfile pidfile;
  struct chio_buf manifest;
  struct chio_reach *reach; /* NULL: there are no backends */
  struct chio_collateral *collateral; /* NULL: not fetched */
  struct chio_core *core;
  struct chio_listener socket, door;
  struct chio_server *server;
  struct chio_front *front;
  char build[LOG_ID_DIGITS + 1], evidence[LOG_ID_DIGITS + 1]; /* what the log has of their ids */
  char boot_file[CHIO_OPTIONS_PATH];                          /* empty: none */
};

static int fail(enum chio_err err, const struct chio_detail *detail) {
  chio_log(CHIO_LOG_ERROR, "start.failed", detail->text[0] != '\0' ? detail->text : chio_err_text(err),
           CHIO_F_STR("error", chio_err_name(err)));
  return 1;
}

/* ---- The log ---- */

static enum chio_err open_log(struct chiod *d, struct chio_detail *detail) {
  const char *path = d->options.log_file;
  int fd = -1;
  if (path[0] != '\0') {
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) return chio_fail(detail, CHIO_E_IO, "%s: the log cannot be opened: %s", path, strerror(errno));
    if (d->drops) (void)!fchown(fd, d->identity.uid, d->identity.gid);
  }
  int old = d->log_fd;
  d->log_fd = fd;
  chio_log_configure((enum chio_log_level)d->options.log_level, (enum chio_log_format)d->options.log_format,
                     fd >= 0 ? fd : STDERR_FILENO);
  if (old >= 0) (void)close(old);
  return CHIO_OK;
}

/* SIGHUP: the file is read again, and its section [log] obeyed; the log file is opened again for those who rotate it.
 * What flags and environment said at the start stays in force for all else. */
static void reload(void *arg) {
  struct chiod *d = arg;
  struct chio_detail detail = {""};
  struct chio_options fresh;
  chio_notify("RELOADING=1");
  chio_options_default(&fresh);
  fresh.log_level = d->options.log_level;
  fresh.log_format = d->options.log_format;
  const char *path = d->options.config[0] != '\0' ? d->options.config : CHIO_OPTIONS_FILE;
  enum chio_err err = chio_options_load(&fresh, path, &detail);
  if (err == CHIO_OK) {
    d->options.log_level = fresh.log_level;
    d->options.log_format = fresh.log_format;
  }
  chio_options_clear(&fresh);
  if (err == CHIO_OK || err == CHIO_E_NOT_FOUND) err = open_log(d, &detail);
  if (err == CHIO_OK)
    chio_log(CHIO_LOG_NOTICE, "reload", "log opened again");
  else
    chio_log(CHIO_LOG_ERROR, "reload.failed", detail.text, CHIO_F_STR("error", chio_err_name(err)));
  chio_notify("READY=1");
}

/* ---- Start ---- */

static enum chio_err folder_of(const char *path, char *out, size_t size, struct chio_detail *detail) {
  const char *slash = strrchr(path, '/');
  size_t len = slash == path ? 1 : (size_t)(slash - path);
  if (len >= size) return chio_fail(detail, CHIO_E_TOO_LONG, "%s: the path is too long", path);
  memcpy(out, path, len);
  out[len] = '\0';
  return CHIO_OK;
}

/* Root makes what is missing for the user that it becomes; a socket's folder may be anybody's as long as it is
 * there. */
static enum chio_err prepare_folders(const struct chiod *d, struct chio_detail *detail) {
  char run[CHIO_OPTIONS_PATH];
  struct stat st;
  enum chio_err err = folder_of(d->options.socket, run, sizeof run, detail);
  if (err != CHIO_OK) return err;
  mode_t run_mode = geteuid() == 0 ? 0755 : 0700;
  if (!d->drops) {
    err = chio_process_make_folder(run, run_mode, detail);
    return err != CHIO_OK ? err : chio_process_make_folder(d->options.state, 0700, detail);
  }
  if (stat(run, &st) != 0) err = chio_process_prepare_folder(run, run_mode, &d->identity, detail);
  return err != CHIO_OK ? err : chio_process_prepare_folder(d->options.state, 0700, &d->identity, detail);
}

/* What takes root is done before we are somebody else. */
static enum chio_err become_user(struct chiod *d, struct chio_detail *detail) {
  struct chio_core_config config;
  struct chio_buf manifest = CHIO_BUF_INIT;
  chio_options_core(&d->options, &manifest, &config);
  enum chio_err err = chio_core_prepare(&config, d->identity.uid, d->identity.gid, detail);
  chio_buf_clear(&manifest);
  return err == CHIO_OK ? chio_process_become(&d->identity, detail) : err;
}

#define KMSD_USER "chio-kmsd"

/* Whom chio-kmsd runs as: the user that the configuration names, else its own where the system has it, else ours.
 * Only root can choose. */
static enum chio_err find_kmsd_user(const struct chiod *d, struct chio_identity *identity, bool *out_change,
                                    struct chio_detail *detail) {
  const char *user = d->options.kmsd_user;
  *out_change = false;
  if (geteuid() != 0) {
    if (user[0] == '\0') return CHIO_OK;
    return chio_fail(detail, CHIO_E_CONFIG, "kmsd.user: only root can start chio-kmsd as user '%s'", user);
  }
  if (user[0] == '\0' && !d->drops) return CHIO_OK;
  *out_change = true;
  if (user[0] != '\0') return chio_identity_find(user, identity, detail);
  if (chio_identity_find(KMSD_USER, identity, NULL) != CHIO_OK) *identity = d->identity;
  return CHIO_OK;
}

/* What one takes over that runs as chiod's user can read the state folder where there is no Landlock. */
static void tell_kmsd_user(const struct chio_identity *identity) {
  if (identity == NULL)
    chio_log(CHIO_LOG_NOTICE, "kmsd.user",
             "chio-kmsd runs as chiod's own user: only Landlock keeps it out of the state folder; start chiod as root "
             "for another user");
  else
    chio_log(CHIO_LOG_INFO, "kmsd.user", "chio-kmsd runs as a user of its own", CHIO_F_STR("user", identity->name));
}

static enum chio_err start_spawner(struct chiod *d, struct chio_detail *detail) {
  struct chio_identity identity;
  bool change;
  if (!chio_options_need_kmsd(&d->options)) return CHIO_OK;
  enum chio_err err = find_kmsd_user(d, &identity, &change, detail);
  if (err != CHIO_OK) return err;
  const struct chio_spawner_config config = {.program = d->options.kmsd_program,
                                             .identity = change ? &identity : NULL,
                                             .environment = &d->options.kmsd_environment,
                                             .log_fd = d->log_fd};
  tell_kmsd_user(change && identity.uid != d->identity.uid ? &identity : NULL);
  return chio_spawner_start(&config, &d->spawner_fd, detail);
}

/* From here on we are who we shall be. */
static enum chio_err settle_process(struct chiod *d, struct chio_detail *detail) {
  bool all_locked;
  enum chio_err err = CHIO_OK;
  (void)umask(077);
  if (d->drops) err = chio_identity_find(d->options.user, &d->identity, detail);
  if (err == CHIO_OK) err = open_log(d, detail);
  if (err == CHIO_OK && d->options.daemon) err = chio_process_daemonise(&d->ready_fd, detail);
  if (err == CHIO_OK) err = prepare_folders(d, detail);
  if (err == CHIO_OK) err = chio_pidfile_open(d->options.pidfile, &d->pidfile, detail);
  if (err == CHIO_OK) err = start_spawner(d, detail);
  chio_process_raise_limits((unsigned)d->options.connections);
  if (err == CHIO_OK && d->drops) err = become_user(d, detail);
  if (err == CHIO_OK) err = chio_process_harden(&all_locked, detail);
  if (err == CHIO_OK && !all_locked)
    chio_log(CHIO_LOG_INFO, "memory",
             "not all of the process is locked in memory (raise LimitMEMLOCK to infinity): secrets are");
  return err;
}

static enum chio_err open_reach(struct chiod *d, struct chio_detail *detail) {
  const struct chio_options_backend *list = d->options.backends.items;
  struct chio_backend_open_request requests[CHIO_OPTIONS_KMSD_MAX];
  struct chio_buf keys[CHIO_OPTIONS_KMSD_MAX] = {CHIO_BUF_INIT};
  size_t refused = 0, count = 0;
  if (d->spawner_fd < 0) return CHIO_OK;
  enum chio_err err = chio_options_kmsd(&d->options, keys, requests, &count);
  const struct chio_reach_config config = {d->spawner_fd, requests, count, d->options.state, &d->options.kmsd_files};
  if (err == CHIO_OK) {
    d->spawner_fd = -1;
    err = chio_reach_new(&config, &refused, &d->reach, detail);
  }
  for (size_t i = 0; i < CHIO_OPTIONS_KMSD_MAX; i++) chio_buf_clear(&keys[i]);
  if (err == CHIO_E_CONFIG && refused < d->options.backends.count)
    chio_options_backend_place(d->options.config[0] != '\0' ? d->options.config : CHIO_OPTIONS_FILE,
                               list[refused].name, detail);
  return err;
}

static enum chio_err open_collateral(struct chiod *d, struct chio_detail *detail) {
  const struct chio_collateral_config config = {.reach = d->reach,
                                                .state_dir = d->options.state,
                                                .check_seconds = (unsigned)d->options.collateral_check};
  if (!d->options.collateral_enabled) return CHIO_OK;
  return chio_collateral_new(&config, &d->collateral, detail);
}

/* Before anything draws a random number or makes a thread. */
static enum chio_err start_fips(const struct chiod *d, struct chio_detail *detail) {
  const struct chio_fips_config config = {d->options.fips_config, d->options.fips_modules};
  return d->options.fips ? chio_crypto_init_fips(&config, detail) : CHIO_OK;
}

static enum chio_err open_core(struct chiod *d, struct chio_detail *detail) {
  struct chio_backend_config backends[CHIO_BACKENDS_MAX];
  struct chio_core_config config;
  chio_front_block_signals();
  chio_notify_open();
  if (sodium_init() < 0) return chio_fail(detail, CHIO_E_INTERNAL, "libsodium cannot be initialised");
  enum chio_err err = chio_crypto_init_secure_heap(chio_process_secure_heap_size());
  if (err != CHIO_OK) return chio_fail(detail, err, "no locked memory for private keys: raise RLIMIT_MEMLOCK");
  err = start_fips(d, detail);
  if (err == CHIO_OK) err = open_reach(d, detail);
  if (err == CHIO_OK) err = open_collateral(d, detail);
  if (err != CHIO_OK) return err;
  chio_options_core(&d->options, &d->manifest, &config);
  chio_options_core_backends(&d->options, backends, &config);
  config.housekeeping = true;
  if (d->reach != NULL) config.reach = (struct chio_backends){.ops = &chio_reach_ops, .self = d->reach};
  if (d->collateral != NULL)
    config.collateral = (struct chio_collateral_source){.serve = chio_collateral_serve, .self = d->collateral};
  return chio_core_open(&config, &d->core, detail);
}

static enum chio_err open_sockets(struct chiod *d, struct chio_detail *detail) {
  const struct chio_options *o = &d->options;
  mode_t mode = chio_options_socket_mode(o);
  gid_t group = (gid_t)-1;
  enum chio_err err = CHIO_OK;
  if (o->socket_group[0] != '\0') err = chio_group_find(o->socket_group, &group, detail);
  if (err == CHIO_OK) err = chio_listener_open(o->socket, SOCK_STREAM, mode, (uid_t)-1, group, &d->socket, detail);
  if (err != CHIO_OK || o->door[0] == '\0') return err;
  err = chio_listener_open(o->door, SOCK_SEQPACKET, mode, (uid_t)-1, group, &d->door, detail);
  if (err == CHIO_OK) err = chio_door_prepare(d->door.fd);
  if (err == CHIO_OK) chio_core_set_door(d->core, o->door);
  return err;
}

static unsigned sweep_seconds(const struct chio_options *o) {
  int64_t shortest = o->stall_timeout;
  if (shortest == 0 || (o->idle_timeout > 0 && o->idle_timeout < shortest)) shortest = o->idle_timeout;
  return shortest > SWEEP_SECONDS_MAX ? SWEEP_SECONDS_MAX : (unsigned)shortest;
}

static void add_status(void *arg, struct chio_buf *json) {
  chio_buf_append_u8(json, ',');
  chio_reach_status(arg, json);
}

static enum chio_err open_server(struct chiod *d, struct chio_detail *detail) {
  struct chio_server_config config;
  enum chio_err err = chio_options_server(&d->options, &config, detail);
  if (d->reach != NULL) {
    config.status = add_status;
    config.status_arg = d->reach;
  }
  if (err == CHIO_OK) err = chio_server_new(&config, d->core, &d->server);
  struct chio_front_config front = {.socket = &d->socket,
                                    .door = d->door.fd >= 0 ? &d->door : NULL,
                                    .doors = config.connections,
                                    .sweep_seconds = sweep_seconds(&d->options),
                                    .reload = reload,
                                    .arg = d};
  if (err == CHIO_OK) err = chio_front_new(&front, d->server, &d->front);
  return err;
}

/* What ties each line of the log to a build and to the evidence of this run: the first digits of both. */
static void identify_log(struct chiod *d) {
  char build[CHIO_BUILD_ID_HEX + 1];
  chio_build_id(build);
  (void)snprintf(d->build, sizeof d->build, "%.*s", LOG_ID_DIGITS, build);
  (void)snprintf(d->evidence, sizeof d->evidence, "%.*s", LOG_ID_DIGITS, chio_core_boot(d->core)->id);
}

/* Others may read what stands beside the socket; that it cannot be put there stops nobody. */
static void publish_evidence(struct chiod *d) {
  struct chio_detail detail = {""};
  chio_boot_file_path(d->options.socket, d->boot_file, sizeof d->boot_file);
  if (chio_boot_file_write(d->core, d->boot_file, &detail) == CHIO_OK) return;
  d->boot_file[0] = '\0';
  chio_log(CHIO_LOG_WARNING, "evidence.file", detail.text);
}

static void publish_again(void *arg) {
  const struct chiod *d = arg;
  struct chio_detail detail = {""};
  if (d->boot_file[0] == '\0' || chio_boot_file_write(d->core, d->boot_file, &detail) == CHIO_OK) return;
  chio_log(CHIO_LOG_WARNING, "evidence.file", detail.text);
}

static enum chio_err become_ready(struct chiod *d, struct chio_detail *detail) {
  enum chio_err err = chio_sandbox_enter(detail);
  if (err != CHIO_OK) return err;
  if (chio_pidfile_write(&d->pidfile) != CHIO_OK)
    return chio_fail(detail, CHIO_E_IO, "%s: the pid file cannot be written", d->options.pidfile);
  identify_log(d);
  publish_evidence(d);
  chio_core_set_renewed(d->core, publish_again, d);
  chio_log(CHIO_LOG_NOTICE, "ready", "chiod is ready", CHIO_F_STR("socket", d->options.socket),
           CHIO_F_STR("state", d->options.state), CHIO_F_INT("pid", (long long)getpid()),
           CHIO_F_UINT("uid", (unsigned long long)geteuid()), CHIO_F_STR("build", d->build),
           CHIO_F_STR("evidence", d->evidence), CHIO_F_STR("firmware", chio_core_boot(d->core)->firmware));
  chio_log_identify(d->build, d->evidence);
  chio_process_ready(d->ready_fd, d->log_fd < 0);
  d->ready_fd = -1;
  chio_notify("READY=1");
  return CHIO_OK;
}

static enum chio_err start(struct chiod *d, struct chio_detail *detail) {
  d->drops = geteuid() == 0 && !d->options.stay_root;
  enum chio_err err = settle_process(d, detail);
  if (err == CHIO_OK) err = open_core(d, detail);
  if (err == CHIO_OK) err = open_sockets(d, detail);
  if (err == CHIO_OK) err = open_server(d, detail);
  if (err == CHIO_OK) err = become_ready(d, detail);
  return err;
}

/* ---- Stop ---- */

/* False when a request is still being served, so that the core cannot be closed. */
static bool stop(struct chiod *d) {
  chio_notify("STOPPING=1");
  chio_front_free(d->front);
  chio_listener_close(&d->door);
  chio_listener_close(&d->socket);
  if (d->core != NULL) chio_core_set_renewed(d->core, NULL, NULL);
  if (d->boot_file[0] != '\0') (void)unlink(d->boot_file);
  bool done = d->server == NULL || chio_server_drain(d->server, (unsigned)d->options.stop_timeout);
  if (done) {
    chio_server_free(d->server);
    chio_core_close(d->core);
    chio_collateral_free(d->collateral);
    chio_reach_free(d->reach);
  }
  if (d->spawner_fd >= 0) (void)close(d->spawner_fd);
  chio_pidfile_remove(d->options.pidfile, &d->pidfile);
  chio_buf_clear(&d->manifest);
  chio_options_clear(&d->options);
  return done;
}

static int serve(struct chiod *d) {
  struct chio_detail detail = {""};
  enum chio_err err = start(d, &detail);
  if (err != CHIO_OK) {
    (void)fail(err, &detail);
    return stop(d) ? 1 : 2;
  }
  int ended_by = chio_front_run(d->front);
  chio_log(CHIO_LOG_NOTICE, "stop", "stopping", CHIO_F_STR("signal", ended_by == SIGINT ? "INT" : "TERM"));
  bool done = stop(d);
  if (!done) chio_log(CHIO_LOG_WARNING, "stop.late", "a request did not end in time and was given up");
  chio_log(CHIO_LOG_NOTICE, "stopped", "chiod has stopped");
  if (!done) _exit(1); /* threads still use what an orderly exit would free */
  return 0;
}

static int print(const struct chio_buf *text) {
  return fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char *argv[]) {
  struct chiod d = {.ready_fd = -1,
                    .log_fd = -1,
                    .spawner_fd = -1,
                    .pidfile = {.fd = -1},
                    .socket = {.fd = -1},
                    .door = {.fd = -1}};
  struct chio_detail detail = {""};
  struct chio_buf text = CHIO_BUF_INIT;
  enum chio_options_action action;
  chio_process_fill_standard_descriptors();
  /* tpm2-tss writes to standard error what it also returns. */
  (void)setenv("TSS2_LOG", "all+NONE", 0);
  enum chio_err err = chio_options_read(argc, argv, &d.options, &action, &detail);
  if (err != CHIO_OK) return fail(err, &detail);
  if (action == CHIO_OPTIONS_RUN) return serve(&d);
  if (action == CHIO_OPTIONS_HELP) chio_options_help(&text);
  if (action == CHIO_OPTIONS_VERSION) chio_buf_append_str(&text, "chiod " PACKAGE_VERSION "\n");
  int status = print(&text);
  chio_buf_clear(&text);
  chio_options_clear(&d.options);
  return status;
}
