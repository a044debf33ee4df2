/* chio-embedded.so: the core without the daemon, called in process (signer/wire/embedded.h). */
#include "signer/wire/embedded.h"

#include "signer/base/log.h"
#include "signer/base/macros.h"
#include "signer/daemon/options.h"
#include "signer/daemon/reader.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const struct chio_embedded_api *chio_embedded_v1(void);

/* The cores of this process, one for each folder. */
struct chio_embedded {
  struct chio_embedded *next;
  struct chio_core *core;
  unsigned users;
  pid_t pid; /* a child of fork never uses its parent's */
  dev_t dev; /* of the folder */
  ino_t ino;
};

struct chio_embedded_conn {
  struct chio_conn *conn;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct chio_embedded *cores;

/* A guest writes nothing unless it was asked to. */
static void configure_log(const struct chio_options *options) {
  static const char *const off = "";
  const char *asked = secure_getenv("CHIO_LOG");
  enum chio_log_level level;
  if (asked == NULL) asked = off;
  if (chio_log_level_parse(asked, &level) == CHIO_OK)
    chio_log_configure(level, (enum chio_log_format)options->log_format, STDERR_FILENO);
  else
    chio_log_configure(CHIO_LOG_ERROR, CHIO_LOG_TEXT, -1);
}

static enum chio_err read_options(const char *dir, struct chio_options *options, struct chio_detail *detail) {
  char file[PATH_MAX];
  chio_options_default(options);
  options->audit = false;
  if ((size_t)snprintf(file, sizeof file, "%s/hsm.toml", dir) >= sizeof file ||
      (size_t)snprintf(options->state, sizeof options->state, "%s", dir) >= sizeof options->state)
    return chio_fail(detail, CHIO_E_TOO_LONG, "the path of the state folder is too long");
  enum chio_err err = chio_options_load(options, file, detail);
  if (err == CHIO_E_NOT_FOUND) err = CHIO_OK;
  /* The folder is the one that was asked for, whatever its file says. */
  (void)snprintf(options->state, sizeof options->state, "%s", dir);
  /* Random bytes and libcrypto's context are the process's, and the process is not ours. */
  if (err == CHIO_OK && options->fips)
    err = chio_fail(detail, CHIO_E_CONFIG, "crypto.fips: the embedded signer has no FIPS module: start chiod");
  return err;
}

static enum chio_err open_core(const char *dir, struct chio_core **out_core, struct chio_detail *detail) {
  struct chio_options options;
  struct chio_core_config config;
  struct chio_backend_config backends[CHIO_BACKENDS_MAX];
  struct chio_buf manifest = CHIO_BUF_INIT;
  enum chio_err err = read_options(dir, &options, detail);
  if (err == CHIO_OK) {
    configure_log(&options);
    chio_options_core(&options, &manifest, &config);
    /* Nobody reaches them from here: their slots are there, and their keys say so. */
    chio_options_core_backends(&options, backends, &config);
    config.audit = options.audit;
    err = chio_core_open(&config, out_core, detail);
  }
  chio_buf_clear(&manifest);
  chio_options_clear(&options);
  return err;
}

/* By the folder itself: two spellings of its path are one core. */
static struct chio_embedded *find_open(const struct stat *st) {
  for (struct chio_embedded *e = cores; e != NULL; e = e->next)
    if (e->dev == st->st_dev && e->ino == st->st_ino && e->pid == getpid()) return e;
  return NULL;
}

static enum chio_err open_new(const char *dir, struct chio_embedded **out_embedded, struct chio_detail *detail) {
  struct stat st;
  struct chio_embedded *e = calloc(1, sizeof *e);
  if (e == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = open_core(dir, &e->core, detail);
  if (err == CHIO_OK && stat(dir, &st) != 0) err = chio_fail(detail, CHIO_E_IO, "%s: the folder is gone", dir);
  if (err != CHIO_OK) {
    chio_core_close(e->core);
    free(e);
    return err;
  }
  e->users = 1;
  e->pid = getpid();
  e->dev = st.st_dev;
  e->ino = st.st_ino;
  e->next = cores;
  cores = e;
  *out_embedded = e;
  return CHIO_OK;
}

static enum chio_err embedded_open(const char *dir, struct chio_embedded **out_embedded, struct chio_detail *detail) {
  struct stat st;
  enum chio_err err = CHIO_OK;
  (void)pthread_mutex_lock(&lock);
  struct chio_embedded *e = stat(dir, &st) == 0 ? find_open(&st) : NULL;
  if (e != NULL) {
    e->users++;
    *out_embedded = e;
  } else {
    err = open_new(dir, out_embedded, detail);
  }
  (void)pthread_mutex_unlock(&lock);
  return err;
}

static void embedded_close(struct chio_embedded *embedded) {
  /* In a child of fork the store and its lock are the parent's. */
  if (embedded == NULL || embedded->pid != getpid()) return;
  (void)pthread_mutex_lock(&lock);
  bool last = --embedded->users == 0;
  for (struct chio_embedded **at = &cores; last && *at != NULL; at = &(*at)->next) {
    if (*at != embedded) continue;
    *at = embedded->next;
    break;
  }
  if (last) {
    chio_core_close(embedded->core);
    free(embedded);
  }
  (void)pthread_mutex_unlock(&lock);
}

static enum chio_err embedded_conn_open(struct chio_embedded *embedded, struct chio_embedded_conn **out_conn) {
  const struct chio_peer self = {.uid = geteuid(), .gid = getegid(), .pid = getpid()};
  struct chio_embedded_conn *conn = calloc(1, sizeof *conn);
  if (conn == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_conn_open(embedded->core, &self, &conn->conn);
  if (err != CHIO_OK) {
    free(conn);
    return err;
  }
  *out_conn = conn;
  return CHIO_OK;
}

static void embedded_conn_close(struct chio_embedded_conn *conn) {
  if (conn == NULL) return;
  chio_conn_close(conn->conn);
  free(conn);
}

static enum chio_err embedded_call(struct chio_embedded_conn *conn, struct chio_slice frame,
                                   struct chio_buf *out_frame) {
  struct chio_frame_header header;
  if (frame.len < CHIO_FRAME_HEADER_SIZE) return CHIO_E_TRUNCATED;
  enum chio_err err = chio_request_header(chio_slice(frame.data, CHIO_FRAME_HEADER_SIZE), &header);
  if (err != CHIO_OK) return err;
  struct chio_slice body = chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, frame.len - CHIO_FRAME_HEADER_SIZE);
  if (body.len < header.length) return CHIO_E_TRUNCATED;
  if (body.len > header.length) return CHIO_E_TRAILING;
  return chio_conn_dispatch(conn->conn, &header, body, out_frame);
}

CHIO_EXPORT const struct chio_embedded_api *chio_embedded_v1(void) {
  static const struct chio_embedded_api api = {
      .version = 1,
      .open = embedded_open,
      .close = embedded_close,
      .conn_open = embedded_conn_open,
      .conn_close = embedded_conn_close,
      .call = embedded_call,
  };
  return &api;
}
