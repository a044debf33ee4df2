#include "kms-adapters/kmsd_files.h"

#include "signer/base/landlock.h"
#include "signer/base/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What libcurl, the resolver and OpenSSL read, and where orchestrators put credentials. */
static const char *const usual[] = {"/etc",
                                    "/usr",
                                    "/lib",
                                    "/lib64",
                                    "/run/systemd/resolve",
                                    "/run/NetworkManager",
                                    "/run/resolvconf",
                                    "/run/secrets",
                                    "/run/credentials",
                                    "/var/opt/azcmagent/tokens",
                                    "/dev/null",
                                    "/dev/zero",
                                    "/dev/random",
                                    "/dev/urandom",
                                    "/sys/devices/system/cpu"};
/* The same below $HOME. */
static const char *const at_home[] = {".aws", ".azure", ".config/gcloud", ".vault-token"};

enum chio_err chio_kmsd_files_note(struct chio_kmsd *kmsd, const struct chio_backend_open_request *request) {
  const struct chio_slice options[] = {request->endpoint, request->ca_file, request->token_file, request->secret_file,
                                       request->cert_file};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(options); i++) {
    if (options[i].len == 0 || options[i].data[0] != '/') continue;
    chio_buf_append_slice(&kmsd->files, options[i]);
    chio_buf_append_u8(&kmsd->files, 0);
  }
  return chio_buf_err(&kmsd->files);
}

struct rules {
  struct chio_landlock *landlock;
  char state[PATH_MAX]; /* resolved; empty: nobody said */
  bool write;
  enum chio_err err;
};

/* Whether the folder is the state folder or above it. */
static bool opens_state(const struct rules *r, const char *folder) {
  size_t len = strlen(folder);
  if (r->state[0] == '\0') return false;
  if (strcmp(folder, "/") == 0) return true;
  return strncmp(r->state, folder, len) == 0 && (r->state[len] == '/' || r->state[len] == '\0');
}

static void allow(struct rules *r, const char *path) {
  char real[PATH_MAX];
  if (r->err != CHIO_OK || realpath(path, real) == NULL) return;
  if (opens_state(r, real)) {
    chio_log(CHIO_LOG_WARNING, "kmsd.files", "a path is at or above the state folder: chio-kmsd does not read there",
             CHIO_F_STR("path", path));
    return;
  }
  r->err = chio_landlock_allow(r->landlock, real, r->write);
}

/* Credentials are replaced by renaming, so a file's folder stays open, unless that would open the state folder. */
static void allow_with_folder(struct rules *r, const char *path) {
  char folder[PATH_MAX], real[PATH_MAX];
  struct stat st;
  const char *slash = strrchr(path, '/');
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
    allow(r, path);
    return;
  }
  allow(r, path); /* where a link leads */
  if ((size_t)(slash - path) >= sizeof folder || slash == path) return;
  memcpy(folder, path, (size_t)(slash - path));
  folder[slash - path] = '\0';
  if (realpath(folder, real) != NULL && !opens_state(r, real)) allow(r, real);
}

/* Each path of a list, as a string of its own. */
static void allow_list(struct rules *r, const char *list, size_t len, char end) {
  char path[PATH_MAX];
  while (len > 0) {
    const char *stop = memchr(list, end, len);
    size_t part = stop != NULL ? (size_t)(stop - list) : len;
    if (part > 0 && part < sizeof path && list[0] == '/') {
      memcpy(path, list, part);
      path[part] = '\0';
      allow_with_folder(r, path);
    }
    part += stop != NULL;
    list += part;
    len -= part;
  }
}

/* chiod passes on what providers define; what looks like a path there is one. */
static void allow_environment(struct rules *r) {
  for (char **entry = environ; *entry != NULL; entry++) {
    const char *value = strchr(*entry, '=');
    bool wide = strncmp(*entry, "HOME=", 5) == 0 || strncmp(*entry, "PATH=", 5) == 0;
    if (value != NULL && value[1] == '/' && !wide) allow_list(r, value + 1, strlen(value + 1), ':');
  }
  const char *home = secure_getenv("HOME");
  char path[PATH_MAX];
  for (size_t i = 0; home != NULL && i < CHIO_ARRAY_LEN(at_home); i++)
    if ((size_t)snprintf(path, sizeof path, "%s/%s", home, at_home[i]) < sizeof path) allow(r, path);
}

static void set_state(struct rules *r, struct chio_slice state) {
  char given[PATH_MAX];
  if (state.len == 0 || state.len >= sizeof given) return;
  memcpy(given, state.data, state.len);
  given[state.len] = '\0';
  if (realpath(given, r->state) == NULL) memcpy(r->state, given, state.len + 1);
}

static void say_open(const char *why) {
  chio_log(CHIO_LOG_NOTICE, "kmsd.files", why, CHIO_F_STR("may", "read all that its user may"));
}

enum chio_err chio_kmsd_files_close(const struct chio_kmsd *kmsd, struct chio_slice state, struct chio_slice more,
                                    struct chio_detail *detail) {
  CHIO_AUTO(chio_landlock) struct chio_landlock *landlock = NULL;
  struct rules r = {.err = CHIO_OK};
  if (kmsd->has_modules && more.len == 0) {
    say_open("a PKCS#11 module keeps its files where it likes: name them in kmsd.files to close all others");
    return CHIO_OK;
  }
  enum chio_err err = chio_landlock_new(&landlock);
  if (err == CHIO_E_UNSUPPORTED) {
    say_open("this kernel has no Landlock: chio-kmsd's files are not restricted");
    return CHIO_OK;
  }
  if (err != CHIO_OK) return err;
  r.landlock = landlock;
  set_state(&r, state);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(usual); i++) allow(&r, usual[i]);
  allow_environment(&r);
  allow_list(&r, (const char *)kmsd->files.data, kmsd->files.len, '\0');
  r.write = kmsd->has_modules;
  allow_list(&r, (const char *)more.data, more.len, '\0');
  if (r.err == CHIO_OK) r.err = chio_landlock_enter(landlock);
  if (r.err != CHIO_OK) return chio_fail(detail, r.err, "chio-kmsd's files cannot be restricted");
  chio_log(CHIO_LOG_INFO, "kmsd.files", "chio-kmsd reads only the files that it needs");
  return CHIO_OK;
}
