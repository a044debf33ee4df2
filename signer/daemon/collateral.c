#include "signer/daemon/collateral.h"

#include "attest/collateral.h"
#include "attest/dcap_tcb_info.h"
#include "attest/moment.h"
#include "attest/wants.h"
#include "signer/base/log.h"
#include "signer/base/write.h"
#include "signer/daemon/process.h"
#include "signer/wire/msg_collateral.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INDEX "index"
#define LINE_MAX_BYTES 1024u
#define FOLDER_MAX 1100u
#define FETCH_MS 30000u
#define NO_CHAIN "-"

const char *const chio_collateral_sources[] = {"collateral/pcs", "collateral/crl", "collateral/kds"};

/* One thing that is kept. */
struct kept {
  unsigned source;
  char path[CHIO_WANT_PATH_MAX];
  char file[CHIO_WANT_FILE_MAX];
  char chain_header[64]; /* NO_CHAIN: none */
  int64_t fetched, until; /* seconds; until 0: it has no end */
};

struct chio_collateral {
  struct chio_reach *reach;
  char folder[FOLDER_MAX];
  unsigned check_seconds;
  pthread_t thread;
  bool runs;
  pthread_mutex_t fetching; /* one fetch after the other: two would write the same file */
  pthread_mutex_t lock;     /* guards what follows */
  pthread_cond_t wake;
  bool ending;
  struct kept list[CHIO_COLLATERAL_KEPT_MAX];
  size_t count;
};

/* ---- Files ---- */

static void path_of(const struct chio_collateral *c, const char *file, const char *suffix, char *out, size_t size) {
  (void)snprintf(out, size, "%s/%s%s", c->folder, file, suffix);
}

/* As a whole or not at all: a verifier may be reading. */
static enum chio_err replace_file(const struct chio_collateral *c, const char *file, const char *suffix,
                                  struct chio_slice bytes, struct chio_detail *detail) {
  char path[FOLDER_MAX + 128];
  char fresh[FOLDER_MAX + 128];
  path_of(c, file, suffix, path, sizeof path);
  path_of(c, ".new", "", fresh, sizeof fresh);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  enum chio_err err = fd >= 0 && chio_write_whole(fd, bytes) ? CHIO_OK : CHIO_E_IO;
  if (err == CHIO_OK && fsync(fd) != 0) err = CHIO_E_IO;
  if (fd >= 0) (void)close(fd);
  if (err == CHIO_OK && rename(fresh, path) != 0) err = CHIO_E_IO;
  if (err == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, err, "%s: cannot be written: %s", path, strerror(errno));
}

static enum chio_err read_file(const struct chio_collateral *c, const char *file, size_t max, struct chio_buf *out,
                               struct chio_detail *detail) {
  char path[FOLDER_MAX + 128];
  path_of(c, file, "", path, sizeof path);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return chio_fail(detail, CHIO_E_NOT_FOUND, "there is no collateral '%s'", file);
  ssize_t n = 1;
  while (n > 0 && out->len <= max) {
    uint8_t *room = chio_buf_reserve(out, 65536);
    n = room != NULL ? read(fd, room, 65536) : -1;
    if (n > 0) out->len += (size_t)n;
  }
  (void)close(fd);
  if (n < 0) return chio_fail(detail, CHIO_E_IO, "%s: cannot be read", path);
  return out->len <= max ? CHIO_OK : chio_fail(detail, CHIO_E_TOO_LONG, "%s: is too long", path);
}

/* ---- The index: a line for each thing ---- */

/* With the lock held. */
static enum chio_err write_index(struct chio_collateral *c, struct chio_detail *detail) {
  struct chio_buf text = CHIO_BUF_INIT;
  for (size_t i = 0; i < c->count; i++) {
    const struct kept *k = &c->list[i];
    chio_buf_printf(&text, "%u %s %s %s %lld %lld\n", k->source, k->path, k->file, k->chain_header,
                    (long long)k->fetched, (long long)k->until);
  }
  enum chio_err err = chio_buf_err(&text);
  if (err == CHIO_OK) err = replace_file(c, INDEX, "", chio_buf_slice(&text), detail);
  chio_buf_clear(&text);
  return err;
}

static bool plain_name(const char *file) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
  return file[0] != '.' && file[strspn(file, allowed)] == '\0';
}

/* A line that is not ours is passed over: the thing is fetched anew when somebody needs it. */
static void read_line(struct chio_collateral *c, const char *line) {
  struct kept k = {.source = 0};
  long long fetched = 0;
  long long until = 0;
  if (c->count >= CHIO_COLLATERAL_KEPT_MAX ||
      sscanf(line, "%u %319s %95s %63s %lld %lld", &k.source, k.path, k.file, k.chain_header, &fetched, &until) != 6 ||
      k.source >= CHIO_ARRAY_LEN(chio_collateral_sources) || !plain_name(k.file))
    return;
  k.fetched = fetched;
  k.until = until;
  c->list[c->count++] = k;
}

static void read_index(struct chio_collateral *c) {
  CHIO_AUTO(chio_buf) struct chio_buf *text = chio_buf_new();
  if (text == NULL || read_file(c, INDEX, CHIO_COLLATERAL_KEPT_MAX * LINE_MAX_BYTES, text, NULL) != CHIO_OK) return;
  char *at = chio_buf_cstr(text) != NULL ? (char *)text->data : NULL;
  for (char *line = at; line != NULL && *line != '\0'; line = at) {
    at = strchr(line, '\n');
    if (at != NULL) *at++ = '\0';
    read_line(c, line);
  }
}

/* With the lock held. */
static struct kept *find_kept(struct chio_collateral *c, const char *file) {
  for (size_t i = 0; i < c->count; i++)
    if (strcmp(c->list[i].file, file) == 0) return &c->list[i];
  return NULL;
}

static void note_kept(struct chio_collateral *c, const struct kept *fresh) {
  struct chio_detail detail = {""};
  (void)pthread_mutex_lock(&c->lock);
  struct kept *k = find_kept(c, fresh->file);
  if (k == NULL && c->count < CHIO_COLLATERAL_KEPT_MAX) k = &c->list[c->count++];
  if (k == NULL) {
    k = &c->list[0];
    for (size_t i = 1; i < c->count; i++)
      if (c->list[i].fetched < k->fetched) k = &c->list[i];
    char path[FOLDER_MAX + 128];
    path_of(c, k->file, "", path, sizeof path);
    (void)unlink(path);
    path_of(c, k->file, ".chain.pem", path, sizeof path);
    (void)unlink(path);
  }
  *k = *fresh;
  if (write_index(c, &detail) != CHIO_OK) chio_log(CHIO_LOG_WARNING, "collateral.index", detail.text);
  (void)pthread_mutex_unlock(&c->lock);
}

/* ---- Ends ---- */

static void earlier(int64_t end, int64_t *until) {
  if (end > 0 && (*until == 0 || end < *until)) *until = end;
}

/* When the first of what the bytes hold ends; CHIO_E_BACKEND when they are no collateral. */
static enum chio_err end_of(struct chio_slice bytes, int64_t *out_until) {
  struct chio_attest_collateral *set = NULL;
  int64_t until = 0;
  if (chio_attest_collateral_new(&set) != CHIO_ATTEST_OK) return CHIO_E_NO_MEMORY;
  bool good = chio_attest_collateral_add(set, bytes.data, bytes.len) == CHIO_ATTEST_OK;
  for (size_t i = 0; i < set->certs.count; i++) earlier(set->certs.certs[i]->not_after, &until);
  for (size_t i = 0; i < set->crls_count; i++) earlier(set->crls[i].crl.next_update, &until);
  for (size_t i = 0; i < set->documents_count; i++) {
    struct chio_tcb_head head;
    if (chio_tcb_head_read(set->documents[i].json, &head) == CHIO_OK) earlier(head.next_update, &until);
  }
  chio_attest_collateral_free(set);
  *out_until = until;
  return good ? CHIO_OK : CHIO_E_BACKEND;
}

/* ---- Fetching ---- */

static struct chio_slice header_of(const struct chio_buf *headers, const char *name) {
  size_t len = strlen(name);
  struct chio_slice rest = chio_buf_slice(headers);
  while (rest.len > 0) {
    const uint8_t *end = memchr(rest.data, '\n', rest.len);
    size_t line = end != NULL ? (size_t)(end - rest.data) : rest.len;
    if (line > len + 1 && rest.data[len] == ':' && memcmp(rest.data, name, len) == 0) {
      size_t from = len + 1;
      while (from < line && rest.data[from] == ' ') from++;
      return chio_slice(rest.data + from, line - from);
    }
    size_t used = end != NULL ? line + 1 : line;
    rest = chio_slice(rest.data + used, rest.len - used);
  }
  return chio_slice(NULL, 0);
}

/* The chain that signs it comes in a header; a verifier needs both. */
static enum chio_err keep_chain(struct chio_collateral *c, const struct kept *k, const struct chio_buf *headers,
                                struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *pem = chio_buf_new();
  int64_t until;
  if (pem == NULL) return CHIO_E_NO_MEMORY;
  if (strcmp(k->chain_header, NO_CHAIN) == 0) return CHIO_OK;
  struct chio_slice header = header_of(headers, k->chain_header);
  if (header.len == 0 || chio_want_decode_chain(header, pem) != CHIO_OK ||
      end_of(chio_buf_slice(pem), &until) != CHIO_OK)
    return chio_fail(detail, CHIO_E_BACKEND, "%s%s: the answer has no chain of certificates (%s)",
                     chio_collateral_sources[k->source], k->path, k->chain_header);
  return replace_file(c, k->file, ".chain.pem", chio_buf_slice(pem), detail);
}

static enum chio_err fetch_one(struct chio_collateral *c, struct kept *k, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *headers = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *body = chio_buf_new();
  const char *source = chio_collateral_sources[k->source];
  uint32_t status = 0;
  if (headers == NULL || body == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_reach_fetch(c->reach, source, k->path, chio_slice(NULL, 0), FETCH_MS, &status,
                                        headers, body, detail);
  if (err != CHIO_OK) return err;
  if (status == 404) return chio_fail(detail, CHIO_E_NOT_FOUND, "%s%s: the vendor has none", source, k->path);
  if (status != 200) return chio_fail(detail, CHIO_E_BACKEND, "%s%s: HTTP status %u", source, k->path, status);
  if (end_of(chio_buf_slice(body), &k->until) != CHIO_OK)
    return chio_fail(detail, CHIO_E_BACKEND, "%s%s: what came is no collateral", source, k->path);
  err = keep_chain(c, k, headers, detail);
  if (err == CHIO_OK) err = replace_file(c, k->file, "", chio_buf_slice(body), detail);
  if (err != CHIO_OK) return err;
  k->fetched = (int64_t)time(NULL);
  note_kept(c, k);
  chio_log(CHIO_LOG_NOTICE, "collateral.fetched", "collateral was fetched", CHIO_F_STR("file", k->file),
           CHIO_F_INT("until", (long long)k->until));
  return CHIO_OK;
}

static bool is_recent(struct chio_collateral *c, const char *file) {
  (void)pthread_mutex_lock(&c->lock);
  const struct kept *k = find_kept(c, file);
  bool recent = k != NULL && (int64_t)time(NULL) - k->fetched < (int64_t)c->check_seconds;
  (void)pthread_mutex_unlock(&c->lock);
  return recent;
}

static enum chio_err fetch_want(struct chio_collateral *c, const struct chio_want *want, struct chio_detail *detail) {
  struct kept k = {.source = (unsigned)want->source};
  (void)snprintf(k.path, sizeof k.path, "%s", want->path);
  (void)snprintf(k.file, sizeof k.file, "%s", want->file);
  const char *header = want->chain_header != NULL ? want->chain_header : NO_CHAIN;
  (void)snprintf(k.chain_header, sizeof k.chain_header, "%s", header);
  if (is_recent(c, k.file)) return CHIO_OK;
  (void)pthread_mutex_lock(&c->fetching);
  enum chio_err err = fetch_one(c, &k, detail);
  (void)pthread_mutex_unlock(&c->fetching);
  return err;
}

/* ---- Renewal ---- */

/* In the last quarter of its life, or the last day. */
static bool is_due(const struct chio_collateral *c, const struct kept *k, int64_t now) {
  if (k->until == 0 || now - k->fetched < (int64_t)c->check_seconds) return false;
  int64_t quarter = (k->until - k->fetched) / 4;
  return k->until - now <= (quarter > 86400 ? quarter : 86400);
}

/* The first one that is due, if any; attempts that fail count too, until the next round. */
static bool next_due(struct chio_collateral *c, size_t *at, struct kept *out) {
  bool found = false;
  int64_t now = (int64_t)time(NULL);
  (void)pthread_mutex_lock(&c->lock);
  for (; *at < c->count && !found && !c->ending; (*at)++) {
    found = is_due(c, &c->list[*at], now);
    if (found) *out = c->list[*at];
  }
  (void)pthread_mutex_unlock(&c->lock);
  return found;
}

static void renew(struct chio_collateral *c) {
  struct kept k;
  for (size_t at = 0; next_due(c, &at, &k);) {
    struct chio_detail detail = {""};
    (void)pthread_mutex_lock(&c->fetching);
    enum chio_err err = fetch_one(c, &k, &detail);
    (void)pthread_mutex_unlock(&c->fetching);
    if (err != CHIO_OK)
      chio_log(CHIO_LOG_WARNING, "collateral.renewal", detail.text, CHIO_F_STR("file", k.file),
               CHIO_F_INT("until", (long long)k.until));
  }
}

static void *renew_thread(void *arg) {
  struct chio_collateral *c = arg;
  (void)pthread_setname_np(pthread_self(), "chiod-coll");
  (void)pthread_mutex_lock(&c->lock);
  while (!c->ending) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)c->check_seconds;
    int waited = 0;
    while (!c->ending && waited != ETIMEDOUT) waited = pthread_cond_timedwait(&c->wake, &c->lock, &until);
    (void)pthread_mutex_unlock(&c->lock);
    renew(c);
    (void)pthread_mutex_lock(&c->lock);
  }
  (void)pthread_mutex_unlock(&c->lock);
  return NULL;
}

/* ---- Life ---- */

static void wake_init(pthread_cond_t *cond) {
  pthread_condattr_t attr;
  (void)pthread_condattr_init(&attr);
  (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  (void)pthread_cond_init(cond, &attr);
  (void)pthread_condattr_destroy(&attr);
}

enum chio_err chio_collateral_new(const struct chio_collateral_config *config, struct chio_collateral **out_collateral,
                                  struct chio_detail *detail) {
  struct chio_collateral *c = calloc(1, sizeof *c);
  if (c == NULL) return CHIO_E_NO_MEMORY;
  c->reach = config->reach;
  c->check_seconds = config->check_seconds;
  (void)pthread_mutex_init(&c->fetching, NULL);
  (void)pthread_mutex_init(&c->lock, NULL);
  wake_init(&c->wake);
  enum chio_err err = CHIO_OK;
  if ((size_t)snprintf(c->folder, sizeof c->folder, "%s/collateral", config->state_dir) >= sizeof c->folder)
    err = chio_fail(detail, CHIO_E_TOO_LONG, "the path of the state folder is too long");
  if (err == CHIO_OK) err = chio_process_make_folder(c->folder, 0700, detail);
  if (err == CHIO_OK) {
    read_index(c);
    c->runs = pthread_create(&c->thread, NULL, renew_thread, c) == 0;
    if (!c->runs) err = CHIO_E_NO_MEMORY;
  }
  if (err == CHIO_OK)
    *out_collateral = c;
  else
    chio_collateral_free(c);
  return err;
}

void chio_collateral_free(struct chio_collateral *collateral) {
  if (collateral == NULL) return;
  (void)pthread_mutex_lock(&collateral->lock);
  collateral->ending = true;
  (void)pthread_cond_broadcast(&collateral->wake);
  (void)pthread_mutex_unlock(&collateral->lock);
  if (collateral->runs) (void)pthread_join(collateral->thread, NULL);
  (void)pthread_cond_destroy(&collateral->wake);
  (void)pthread_mutex_destroy(&collateral->lock);
  (void)pthread_mutex_destroy(&collateral->fetching);
  free(collateral);
}

/* ---- COLLATERAL ---- */

static void append_kept(const struct kept *k, struct chio_buf *json) {
  char text[CHIO_MOMENT_TEXT];
  chio_moment_text(k->fetched, text);
  chio_buf_printf(json, "%s{\"file\":\"%s\",\"source\":\"%s\",\"fetched\":\"%s\"", json->len > 1 ? "," : "", k->file,
                  chio_collateral_sources[k->source] + strlen("collateral/"), text);
  if (k->until > 0) {
    chio_moment_text(k->until, text);
    chio_buf_printf(json, ",\"until\":\"%s\",\"expired\":%s", text, k->until <= (int64_t)time(NULL) ? "true" : "false");
  }
  if (strcmp(k->chain_header, NO_CHAIN) != 0) chio_buf_printf(json, ",\"chain\":\"%s.chain.pem\"", k->file);
  chio_buf_append_u8(json, '}');
}

/* All, or those that are wanted. */
static void list(struct chio_collateral *c, const struct chio_wants *wants, struct chio_buf *out) {
  chio_buf_append_u8(out, '[');
  (void)pthread_mutex_lock(&c->lock);
  for (size_t i = 0; wants == NULL && i < c->count; i++) append_kept(&c->list[i], out);
  for (size_t i = 0; wants != NULL && i < wants->count; i++) {
    const struct kept *k = find_kept(c, wants->list[i].file);
    if (k != NULL) append_kept(k, out);
  }
  (void)pthread_mutex_unlock(&c->lock);
  chio_buf_append_u8(out, ']');
}

static enum chio_err fetch(struct chio_collateral *c, struct chio_slice evidence, struct chio_buf *out,
                           struct chio_detail *detail) {
  struct chio_wants wants;
  enum chio_err err = chio_wants_of(evidence, chio_slice(NULL, 0), &wants, detail);
  for (size_t i = 0; err == CHIO_OK && i < wants.count; i++) err = fetch_want(c, &wants.list[i], detail);
  if (err == CHIO_OK) list(c, &wants, out);
  return err;
}

/* Only what is in the list, or the chain beside it. */
static enum chio_err get(struct chio_collateral *c, struct chio_slice name, struct chio_buf *out,
                         struct chio_detail *detail) {
  static const char suffix[] = ".chain.pem";
  char file[CHIO_COLLATERAL_NAME_MAX + 1];
  char stem[CHIO_COLLATERAL_NAME_MAX + 1];
  if (name.len == 0 || name.len >= sizeof file || memchr(name.data, 0, name.len) != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "no name of collateral was given");
  memcpy(file, name.data, name.len);
  file[name.len] = '\0';
  (void)snprintf(stem, sizeof stem, "%s", file);
  if (name.len >= sizeof suffix && strcmp(file + name.len + 1 - sizeof suffix, suffix) == 0)
    stem[name.len + 1 - sizeof suffix] = '\0';
  (void)pthread_mutex_lock(&c->lock);
  bool known = find_kept(c, file) != NULL || find_kept(c, stem) != NULL;
  (void)pthread_mutex_unlock(&c->lock);
  if (!known) return chio_fail(detail, CHIO_E_NOT_FOUND, "there is no collateral '%s'", file);
  return read_file(c, file, CHIO_DATA_MAX, out, detail);
}

enum chio_err chio_collateral_serve(void *self, uint32_t action, struct chio_slice name, struct chio_slice evidence,
                                    struct chio_buf *out, struct chio_detail *detail) {
  struct chio_collateral *c = self;
  switch (action) {
    case CHIO_COLLATERAL_LIST: list(c, NULL, out); return CHIO_OK;
    case CHIO_COLLATERAL_FETCH: return fetch(c, evidence, out, detail);
    case CHIO_COLLATERAL_GET: return get(c, name, out, detail);
    default: return chio_fail(detail, CHIO_E_ARGUMENT, "COLLATERAL has no such action");
  }
}
