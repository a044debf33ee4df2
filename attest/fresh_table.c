#include "attest/fresh_table.h"

#include "signer/base/text.h"
#include "signer/base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 1000
#define LOCK_PAUSE 10000000 /* nanoseconds: ten seconds in all */

struct chio_fresh_table {
  pthread_mutex_t lock;
  const char *first_line;
  size_t max;
  char *path;                  /* NULL: in memory */
  struct chio_fresh_list list; /* without a path */
};

/* ---- The file ---- */

static enum chio_err io_fail(const struct chio_fresh_table *t, struct chio_detail *detail, const char *what) {
  return chio_fail(detail, CHIO_E_IO, "%s: %s: %s", t->path, what, strerror(errno));
}

/* Locks the file that has the name now: while we waited, another process may have put a new one in its place. */
static enum chio_err lock_file(const struct chio_fresh_table *t, int *out_fd, struct chio_detail *detail) {
  const struct timespec pause = {.tv_nsec = LOCK_PAUSE};
  for (int tries = 0; tries < LOCK_TRIES; tries++) {
    struct stat mine, named;
    int fd = open(t->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, S_IRUSR | S_IWUSR);
    if (fd < 0) return io_fail(t, detail, "cannot be opened");
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    bool same = locked && fstat(fd, &mine) == 0 && stat(t->path, &named) == 0 && mine.st_dev == named.st_dev &&
                mine.st_ino == named.st_ino;
    if (same && !S_ISREG(mine.st_mode)) {
      (void)close(fd);
      return chio_fail(detail, CHIO_E_IO, "%s is not a file", t->path);
    }
    if (same) {
      *out_fd = fd;
      return CHIO_OK;
    }
    (void)close(fd);
    if (!locked) (void)nanosleep(&pause, NULL);
  }
  return chio_fail(detail, CHIO_E_IO, "%s is locked by another process", t->path);
}

static enum chio_err read_list(const struct chio_fresh_table *t, int fd, struct chio_fresh_list *out,
                               struct chio_detail *detail) {
  struct chio_buf text = CHIO_BUF_INIT;
  struct stat st;
  if (fstat(fd, &st) != 0) return io_fail(t, detail, "cannot be read");
  if (st.st_size > (off_t)CHIO_FRESH_TEXT_MAX)
    return chio_fail(detail, CHIO_E_TOO_LONG, "%s is larger than its limit", t->path);
  uint8_t *to = chio_buf_reserve(&text, (size_t)st.st_size + 1);
  if (to == NULL) return CHIO_E_NO_MEMORY;
  ssize_t got = pread(fd, to, (size_t)st.st_size, 0);
  enum chio_err err = got == st.st_size ? CHIO_OK : io_fail(t, detail, "cannot be read");
  if (err == CHIO_OK) {
    text.len = (size_t)got;
    err = chio_fresh_list_parse(chio_buf_slice(&text), t->first_line, out);
    if (err != CHIO_OK) (void)chio_fail(detail, err, "%s is no file of '%s'", t->path, t->first_line);
  }
  chio_buf_clear(&text);
  return err;
}

/* A rename is on the disk when its folder is. */
static enum chio_err sync_folder(const struct chio_fresh_table *t, struct chio_detail *detail) {
  char path[PATH_MAX];
  (void)snprintf(path, sizeof path, "%s", t->path);
  int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = fd >= 0 && fsync(fd) == 0;
  enum chio_err err = ok ? CHIO_OK : io_fail(t, detail, "its folder cannot be synced");
  if (fd >= 0) (void)close(fd);
  return err;
}

static enum chio_err write_list(const struct chio_fresh_table *t, const struct chio_fresh_list *list,
                                struct chio_detail *detail) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s.XXXXXX", t->path) >= (int)sizeof path)
    return chio_fail(detail, CHIO_E_TOO_LONG, "%s: the path is too long", t->path);
  struct chio_buf text = CHIO_BUF_INIT;
  chio_fresh_list_write(list, t->first_line, &text);
  enum chio_err err = chio_buf_err(&text);
  int fd = err == CHIO_OK ? mkostemp(path, O_CLOEXEC) : -1;
  if (err == CHIO_OK && fd < 0) err = io_fail(t, detail, "cannot be written");
  if (err == CHIO_OK && (!chio_write_whole(fd, chio_buf_slice(&text)) || fsync(fd) != 0))
    err = io_fail(t, detail, "cannot be written");
  if (err == CHIO_OK && rename(path, t->path) != 0) err = io_fail(t, detail, "cannot be replaced");
  if (err != CHIO_OK && fd >= 0) (void)unlink(path);
  if (fd >= 0) (void)close(fd);
  chio_buf_clear(&text);
  return err == CHIO_OK ? sync_folder(t, detail) : err;
}

/* ---- Transactions ---- */

struct change {
  enum { LOOK, ADD, TAKE } kind;
  const uint8_t *names;
  size_t count;
  int64_t until, at;
  bool has;     /* LOOK: the answer */
  size_t found; /* how many count */
};

static enum chio_err add(const struct chio_fresh_table *t, const struct change *c, struct chio_fresh_list *list,
                         struct chio_detail *detail) {
  if (chio_fresh_list_find(list, c->names, c->at) != NULL) return CHIO_E_EXISTS;
  chio_fresh_list_prune(list, c->at);
  /* All of them or none, so that there must be room for all before the first. */
  if (c->count > t->max || list->count > t->max - c->count)
    return chio_fail(detail, CHIO_E_BUSY, "the table has no room for more than %zu entries", t->max);
  for (size_t i = 0; i < c->count; i++) {
    const uint8_t *name = c->names + i * CHIO_FRESH_NAME;
    struct chio_fresh_entry *there = chio_fresh_list_find(list, name, c->at);
    if (there != NULL && there->until < c->until) there->until = c->until;
    if (there != NULL) continue;
    enum chio_err err = chio_fresh_list_add(list, t->max, name, c->until);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err apply(const struct chio_fresh_table *t, struct change *c, struct chio_fresh_list *list,
                           struct chio_detail *detail) {
  struct chio_fresh_entry *entry;
  switch (c->kind) {
    case LOOK:
      c->has = c->names != NULL && chio_fresh_list_find(list, c->names, c->at) != NULL;
      for (size_t i = 0; i < list->count; i++) c->found += list->items[i].until >= c->at;
      return CHIO_OK;
    case ADD: return add(t, c, list, detail);
    case TAKE:
      entry = chio_fresh_list_find(list, c->names, c->at);
      if (entry == NULL) return CHIO_E_NOT_FOUND;
      chio_fresh_list_remove(list, entry);
      chio_fresh_list_prune(list, c->at);
      return CHIO_OK;
  }
  return CHIO_E_INTERNAL;
}

/* A list that another process is about to replace can be read all the same: only changes wait for the lock. */
static enum chio_err look_file(const struct chio_fresh_table *t, struct change *c, struct chio_detail *detail) {
  struct chio_fresh_list list = {.items = NULL};
  int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return CHIO_OK;
  if (fd < 0) return io_fail(t, detail, "cannot be opened");
  enum chio_err err = read_list(t, fd, &list, detail);
  if (err == CHIO_OK) err = apply(t, c, &list, detail);
  chio_fresh_list_clear(&list);
  (void)close(fd);
  return err;
}

static enum chio_err change_file(const struct chio_fresh_table *t, struct change *c, struct chio_detail *detail) {
  struct chio_fresh_list list = {.items = NULL};
  int fd = -1;
  enum chio_err err = lock_file(t, &fd, detail);
  if (err != CHIO_OK) return err;
  err = read_list(t, fd, &list, detail);
  if (err == CHIO_OK) err = apply(t, c, &list, detail);
  if (err == CHIO_OK) err = write_list(t, &list, detail);
  chio_fresh_list_clear(&list);
  (void)close(fd); /* and the lock with it */
  return err;
}

static enum chio_err run(struct chio_fresh_table *t, struct change *c, struct chio_detail *detail) {
  enum chio_err err;
  (void)pthread_mutex_lock(&t->lock);
  if (t->path == NULL)
    err = apply(t, c, &t->list, detail);
  else
    err = c->kind == LOOK ? look_file(t, c, detail) : change_file(t, c, detail);
  (void)pthread_mutex_unlock(&t->lock);
  return err;
}

enum chio_err chio_fresh_table_look(struct chio_fresh_table *t, const uint8_t *name, int64_t at, bool *out_has,
                                    size_t *out_count, struct chio_detail *detail) {
  struct change c = {.kind = LOOK, .names = name, .at = at};
  enum chio_err err = run(t, &c, detail);
  if (err != CHIO_OK) return err;
  *out_has = c.has;
  *out_count = c.found;
  return CHIO_OK;
}

enum chio_err chio_fresh_table_add(struct chio_fresh_table *t, const uint8_t *names, size_t count, int64_t until,
                                   int64_t at, struct chio_detail *detail) {
  struct change c = {.kind = ADD, .names = names, .count = count, .until = until, .at = at};
  return run(t, &c, detail);
}

enum chio_err chio_fresh_table_take(struct chio_fresh_table *t, const uint8_t *name, int64_t at,
                                    struct chio_detail *detail) {
  struct change c = {.kind = TAKE, .names = name, .count = 1, .at = at};
  return run(t, &c, detail);
}

/* ---- Life ---- */

enum chio_err chio_fresh_table_new(const char *first_line, size_t max, const char *path,
                                   struct chio_fresh_table **out_table, struct chio_detail *detail) {
  bool has = false;
  size_t count = 0;
  if (max == 0 || max > CHIO_FRESH_MAX) return CHIO_E_ARGUMENT;
  struct chio_fresh_table *t = calloc(1, sizeof *t);
  if (t == NULL) return CHIO_E_NO_MEMORY;
  t->first_line = first_line;
  t->max = max;
  t->path = path != NULL ? strdup(path) : NULL;
  if ((path != NULL && t->path == NULL) || pthread_mutex_init(&t->lock, NULL) != 0) {
    free(t->path);
    free(t);
    return CHIO_E_NO_MEMORY;
  }
  enum chio_err err = chio_fresh_table_look(t, NULL, 0, &has, &count, detail);
  if (err != CHIO_OK) {
    chio_fresh_table_free(t);
    return err;
  }
  *out_table = t;
  return CHIO_OK;
}

void chio_fresh_table_free(struct chio_fresh_table *t) {
  if (t == NULL) return;
  (void)pthread_mutex_destroy(&t->lock);
  chio_fresh_list_clear(&t->list);
  free(t->path);
  free(t);
}
