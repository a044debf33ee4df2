#include "attest/tsm.h"

#include "attest/node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 32u
#define NAME_TRIES 4u
#define PROVIDER_SIZE 64u

/* An entry of our own: others cannot meet us in it unless they mean to. name is empty when it is the one that root has
 * made for us, which we lock instead. */
struct entry {
  int root;
  int folder;
  char name[NAME_SIZE];
};

static enum chio_err make_failed(const struct chio_tsm *tsm, struct chio_detail *detail) {
  int number = errno;
  if (number == EACCES || number == EPERM)
    return chio_fail(detail, CHIO_E_PERMISSION,
                     "%s: an entry cannot be made: %s; chiod has one when it is started as root", tsm->root,
                     strerror(number));
  return chio_fail(detail, CHIO_E_PLATFORM, "%s: no TEE answers there: %s", tsm->root, strerror(number));
}

static bool make_folder(struct entry *e) {
  for (unsigned i = 0; i < NAME_TRIES; i++) {
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return false;
    (void)snprintf(e->name, sizeof e->name, "chio-%016llx", (unsigned long long)number);
    if (mkdirat(e->root, e->name, 0700) == 0) return true;
    if (errno != EEXIST) return false;
  }
  return false;
}

static void entry_close(struct entry *e) {
  if (e->folder >= 0) (void)close(e->folder);
  if (e->name[0] != '\0') (void)unlinkat(e->root, e->name, AT_REMOVEDIR);
  if (e->root >= 0) (void)close(e->root);
}

static enum chio_err check_provider(const struct chio_tsm *tsm, const struct entry *e, struct chio_detail *detail) {
  char name[PROVIDER_SIZE];
  enum chio_err err = chio_node_word(e->folder, "provider", name, sizeof name, detail);
  if (err != CHIO_OK) return err;
  if (strcmp(name, tsm->provider) == 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_PLATFORM, "%s: the platform is %s, not %s", tsm->root, name, tsm->provider);
}

/* Threads and processes that share the entry come one after the other. */
static bool open_given(struct entry *e) {
  e->name[0] = '\0';
  e->folder = openat(e->root, CHIO_TSM_ENTRY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (e->folder >= 0 && flock(e->folder, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    (void)close(e->folder);
    e->folder = -1;
  }
  return e->folder >= 0;
}

static bool open_folder(struct entry *e) {
  if (make_folder(e)) {
    e->folder = openat(e->root, e->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return e->folder >= 0;
  }
  int number = errno;
  e->name[0] = '\0';
  bool given = (number == EACCES || number == EPERM) && open_given(e);
  errno = number;
  return given;
}

static enum chio_err entry_open(const struct chio_tsm *tsm, struct entry *out, struct chio_detail *detail) {
  struct entry e = {-1, -1, ""};
  e.root = open(tsm->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (e.root < 0) return make_failed(tsm, detail);
  enum chio_err err = open_folder(&e) ? check_provider(tsm, &e, detail) : make_failed(tsm, detail);
  if (err != CHIO_OK) {
    entry_close(&e);
    return err;
  }
  *out = e;
  return CHIO_OK;
}

/* The folder and every attribute in it. */
static bool give(int folder, uid_t uid, gid_t gid) {
  int again = fcntl(folder, F_DUPFD_CLOEXEC, 0);
  DIR *dir = again >= 0 ? fdopendir(again) : NULL;
  if (dir == NULL) {
    if (again >= 0) (void)close(again);
    return false;
  }
  bool ok = fchown(folder, uid, gid) == 0;
  for (struct dirent *entry; ok && (entry = readdir(dir)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    ok = fchownat(folder, entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0;
  }
  int number = errno;
  (void)closedir(dir);
  errno = number;
  return ok;
}

enum chio_err chio_tsm_prepare(const struct chio_tsm *tsm, uid_t uid, gid_t gid, struct chio_detail *detail) {
  struct entry e = {-1, -1, ""};
  e.root = open(tsm->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (e.root < 0) return make_failed(tsm, detail);
  bool made = mkdirat(e.root, CHIO_TSM_ENTRY, 0700) == 0;
  bool there = made || errno == EEXIST;
  enum chio_err err = there && open_given(&e) ? check_provider(tsm, &e, detail) : make_failed(tsm, detail);
  if (err == CHIO_OK && !give(e.folder, uid, gid))
    err = chio_fail(detail, CHIO_E_PLATFORM, "%s/%s cannot be given to user %u: %s", tsm->root, CHIO_TSM_ENTRY,
                    (unsigned)uid, strerror(errno));
  if (err != CHIO_OK && made) (void)unlinkat(e.root, CHIO_TSM_ENTRY, AT_REMOVEDIR);
  entry_close(&e);
  return err == CHIO_E_PERMISSION || err == CHIO_OK ? err : CHIO_E_PLATFORM;
}

enum chio_err chio_tsm_probe(const struct chio_tsm *tsm, struct chio_detail *detail) {
  struct entry e;
  enum chio_err err = entry_open(tsm, &e, detail);
  if (err == CHIO_OK) entry_close(&e);
  return err == CHIO_E_PERMISSION ? err : err == CHIO_OK ? CHIO_OK : CHIO_E_PLATFORM;
}

static enum chio_err generation(const struct entry *e, uint64_t *out, struct chio_detail *detail) {
  char text[PROVIDER_SIZE];
  char *end;
  enum chio_err err = chio_node_word(e->folder, "generation", text, sizeof text, detail);
  if (err != CHIO_OK) return err;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
    return chio_fail(detail, CHIO_E_PLATFORM, "generation is no number");
  *out = value;
  return CHIO_OK;
}

/* The generation moved by our writes alone, or another writer's data may be in the report. */
static enum chio_err expect_generation(const struct entry *e, uint64_t expected, struct chio_detail *detail) {
  uint64_t now;
  enum chio_err err = generation(e, &now, detail);
  if (err != CHIO_OK || now == expected) return err;
  return chio_fail(detail, CHIO_E_BUSY, "the generation is %llu where %llu was expected: somebody else writes there",
                   (unsigned long long)now, (unsigned long long)expected);
}

static enum chio_err ask(const struct chio_tsm *tsm, const struct entry *e, const uint8_t *report_data,
                         uint64_t *in_out_generation, struct chio_detail *detail) {
  const struct {
    const char *name;
    struct chio_slice value;
  } writes[] = {{"privlevel", chio_slice_str(tsm->privlevel)},
                {"service_provider", chio_slice_str(tsm->service_provider)},
                {"inblob", chio_slice(report_data, CHIO_REPORT_DATA_SIZE)}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(writes); i++) {
    if (writes[i].value.len == 0) continue;
    enum chio_err err = chio_node_write(e->folder, writes[i].name, writes[i].value, detail);
    if (err != CHIO_OK) return err;
    ++*in_out_generation;
  }
  return CHIO_OK;
}

static enum chio_err read_aux(const struct entry *e, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_detail failed = {""};
  enum chio_err err = chio_node_read(e->folder, "auxblob", CHIO_TSM_AUX_MAX, out, &failed);
  if (err == CHIO_OK || err == CHIO_E_NOT_FOUND) return CHIO_OK;
  return chio_fail(detail, err, "%s", failed.text);
}

static enum chio_err try_once(const struct chio_tsm *tsm, const struct entry *e, const uint8_t *report_data,
                              chio_tsm_check *check, struct chio_buf *blob, struct chio_buf *aux,
                              struct chio_detail *detail) {
  uint64_t expected = 0;
  enum chio_err err = generation(e, &expected, detail);
  if (err == CHIO_OK) err = ask(tsm, e, report_data, &expected, detail);
  if (err == CHIO_OK) err = expect_generation(e, expected, detail);
  if (err == CHIO_OK) err = chio_node_read(e->folder, "outblob", CHIO_QUOTE_MAX, blob, detail);
  if (err == CHIO_OK) err = read_aux(e, aux, detail);
  if (err == CHIO_OK) err = expect_generation(e, expected, detail);
  if (err != CHIO_OK) return err;
  if (check(chio_buf_slice(blob), report_data)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BUSY, "outblob is no whole report over our data (%zu bytes)", blob->len);
}

static enum chio_err try_often(const struct chio_tsm *tsm, const struct entry *e, const uint8_t *report_data,
                               chio_tsm_check *check, struct chio_buf *blob, struct chio_buf *aux,
                               struct chio_detail *detail) {
  enum chio_err err = CHIO_E_BUSY;
  for (unsigned tries = 0; tries < CHIO_TSM_TRIES && err == CHIO_E_BUSY; tries++) {
    chio_node_pause(tsm->pause_ms, tries);
    chio_buf_reset(blob);
    chio_buf_reset(aux);
    err = try_once(tsm, e, report_data, check, blob, aux, detail);
  }
  return err == CHIO_OK || err == CHIO_E_NO_MEMORY || err == CHIO_E_PERMISSION ? err : CHIO_E_PLATFORM;
}

enum chio_err chio_tsm_report(const struct chio_tsm *tsm, const uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                              chio_tsm_check *check, struct chio_buf *out_blob, struct chio_buf *out_aux,
                              struct chio_detail *detail) {
  struct chio_buf blob = CHIO_BUF_INIT, aux = CHIO_BUF_INIT;
  struct entry e;
  enum chio_err err = entry_open(tsm, &e, detail);
  if (err != CHIO_OK) return err;
  err = try_often(tsm, &e, report_data, check, &blob, &aux, detail);
  entry_close(&e);
  if (err == CHIO_OK) {
    chio_buf_append_slice(out_blob, chio_buf_slice(&blob));
    if (out_aux != NULL) chio_buf_append_slice(out_aux, chio_buf_slice(&aux));
    err = chio_buf_err(out_blob);
  }
  chio_buf_clear(&blob);
  chio_buf_clear(&aux);
  return err;
}
