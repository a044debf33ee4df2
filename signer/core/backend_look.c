#include "signer/core/backend_look.h"

#include "signer/base/log.h"
#include "signer/core/backend_attestation.h"
#include "signer/core/delegated.h"

#include <stdlib.h>
#include <time.h>

#define PAGE 64u
#define LIST_AGAIN_MS (10u * 60u * 1000u)

/* A pair that the token knows: what the store says of its private half. */
struct known {
  struct chio_uid uid;
  struct chio_object *object;
};

/* One round. */
struct look {
  struct chio_core *core;
  struct chio_backend *b;
  uint64_t until;
  struct known *known;
  size_t known_count, known_room;
  struct chio_call call; /* of the core's own */
};

uint64_t chio_backend_now(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

enum chio_err chio_backend_error(enum chio_err err) {
  switch (err) {
    case CHIO_E_NOT_FOUND:
    case CHIO_E_OBJECT_UNKNOWN:
    case CHIO_E_POLICY: return CHIO_E_BACKEND_KEY;
    case CHIO_E_PERMISSION:
    case CHIO_E_NOT_LOGGED_IN: return CHIO_E_BACKEND_REFUSED;
    case CHIO_E_BUSY:
    case CHIO_E_TIMEOUT:
    case CHIO_E_UNREACHABLE:
    case CHIO_E_DISCONNECTED:
    case CHIO_E_PEER_UNTRUSTED: return CHIO_E_BACKEND_UNREACHABLE;
    case CHIO_E_TRUNCATED:
    case CHIO_E_TRAILING:
    case CHIO_E_MALFORMED:
    case CHIO_E_TOO_LONG:
    case CHIO_E_TOO_DEEP:
    case CHIO_E_PROTOCOL:
    case CHIO_E_IO:
    case CHIO_E_INTERNAL: return CHIO_E_BACKEND;
    default: return err;
  }
}

static void log_key(const struct look *l, enum chio_log_level level, const char *event, const char *what,
                    const char *uri, enum chio_err err, const char *why) {
  chio_log(level, event, what, CHIO_F_STR("backend", l->b->name), CHIO_F_STR("key", uri),
           CHIO_F_STR("error", chio_err_name(err)), CHIO_F_STR("detail", why));
}

static void alarm_changed(const struct look *l, const char *uri, const char *why) {
  log_key(l, CHIO_LOG_ERROR, "backend.key_changed", "the backend shows another key than the pinned one: it is refused",
          uri, CHIO_E_BACKEND_SIGNATURE, why);
}

static unsigned time_left(const struct look *l) {
  uint64_t now = chio_backend_now();
  if (now >= l->until || atomic_load(&l->core->closing)) return 0;
  uint64_t left = l->until - now;
  return left < l->b->timeout_ms ? (unsigned)left : l->b->timeout_ms;
}

/* ---- What is known ---- */

static enum chio_err add_known(struct look *l, struct chio_object *object) {
  if (l->known_count == l->known_room) {
    size_t room = l->known_room > 0 ? 2 * l->known_room : PAGE;
    struct known *more = realloc(l->known, room * sizeof *more);
    if (more == NULL) return CHIO_E_NO_MEMORY;
    l->known = more;
    l->known_room = room;
  }
  l->known[l->known_count++] = (struct known){object->uid, chio_object_ref(object)};
  return CHIO_OK;
}

static enum chio_err consider(struct look *l, struct chio_object *object) {
  bool ours = object->slot == l->b->slot->number && object->class == CKO_PRIVATE_KEY && object->delegated;
  return ours ? add_known(l, object) : CHIO_OK;
}

static enum chio_err read_stored(struct look *l) {
  struct chio_store_found rows[PAGE];
  struct chio_attrs all = {.raw = {NULL, 0}};
  uint64_t after = 0;
  size_t count = PAGE;
  bool exact;
  enum chio_err err = CHIO_OK;
  while (err == CHIO_OK && count == PAGE) {
    err = chio_store_objects_find(l->core->store, l->b->slot->number, all, true, after, rows, PAGE, &count, &exact);
    for (size_t i = 0; err == CHIO_OK && i < count; i++) {
      struct chio_object *object;
      after = rows[i].row;
      /* A damaged row hides no others; whoever uses it is told. */
      if (chio_object_table_get(l->core->objects, l->b->slot->number, &rows[i].uid, false, &object, NULL) != CHIO_OK)
        continue;
      err = consider(l, object);
      chio_object_free(object);
    }
  }
  return err;
}

/* Those of a signer that is read-only. */
static enum chio_err read_memory(struct look *l) {
  struct chio_object *page[PAGE];
  uint64_t after = 0;
  size_t count = PAGE;
  enum chio_err err = CHIO_OK;
  while (err == CHIO_OK && count == PAGE) {
    count = chio_object_table_memory(l->core->objects, after, page, PAGE);
    for (size_t i = 0; i < count; i++) {
      after = page[i]->sequence;
      if (err == CHIO_OK) err = consider(l, page[i]);
      chio_object_free(page[i]);
    }
  }
  return err;
}

static struct chio_object *find_known(const struct look *l, uint32_t attribute, const char *value) {
  for (size_t i = 0; i < l->known_count; i++) {
    struct chio_slice found;
    struct chio_object *object = l->known[i].object;
    if (!chio_attrs_find(object->attrs, attribute, &found) || !chio_slice_equal(found, chio_slice_str(value))) continue;
    if (chio_backend_shows(l->b, object)) return object;
  }
  return NULL;
}

static bool has_spki(const struct chio_object *object, struct chio_slice spki) {
  struct chio_slice found;
  return chio_attrs_find(object->attrs, CKA_PUBLIC_KEY_INFO, &found) && chio_slice_equal(found, spki);
}

/* ---- One key ---- */

static enum chio_err describe(struct look *l, const char *uri, struct chio_backend_key *out_key,
                              struct chio_detail *detail) {
  const struct chio_backends *reach = l->b->reach;
  unsigned left = time_left(l);
  memset(out_key, 0, sizeof *out_key);
  if (reach->ops == NULL) return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, CHIO_BACKEND_NOT_REACHED);
  if (left == 0) return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "no time is left in this round");
  return chio_backend_error(reach->ops->describe(reach->self, l->b->name, uri, left, out_key, detail));
}

static enum chio_err bear(struct look *l, const struct chio_backend_key *key, const char *source, const char *wanted) {
  struct chio_backend_attested attested = {CHIO_BUF_INIT, CHIO_BUF_INIT};
  struct chio_uid public_uid, private_uid;
  struct chio_object *object;
  enum chio_err err = chio_backend_attest(l->b, key, time_left(l), &attested, &l->call.detail);
  struct chio_delegated d = {.key = key,
                             .source = source,
                             .wanted = wanted,
                             .attestation = chio_buf_slice(&attested.document),
                             .proved = chio_buf_slice(&attested.proved)};
  if (err == CHIO_OK) err = chio_delegated_bear(&l->call, &d, &public_uid, &private_uid);
  chio_backend_attested_clear(&attested);
  if (err != CHIO_OK) return err;
  err = chio_object_table_get(l->core->objects, l->b->slot->number, &private_uid, false, &object, &l->call.detail);
  if (err != CHIO_OK) return err;
  err = add_known(l, object);
  chio_object_free(object);
  return err;
}

static bool is_pinned(const struct chio_backend_wish *wish, struct chio_slice spki) {
  uint8_t digest[64];
  size_t len;
  if (chio_digest_once(chio_mechanism_by_wire(CHIO_MECH_SHA256), spki, digest, &len) != CHIO_OK) return false;
  return memcmp(digest, wish->sha256, sizeof wish->sha256) == 0;
}

/* A key that is described as it should be becomes an object; one that the token has under another name stays as it is.
 */
static enum chio_err take_in(struct look *l, const struct chio_backend_key *key, const char *source,
                             const char *wanted, const struct chio_backend_wish *wish) {
  CHIO_AUTO(chio_key) struct chio_key *public_key = NULL;
  enum chio_err err = chio_delegated_parse(key, &public_key, &l->call.detail);
  if (err != CHIO_OK) return err;
  struct chio_slice spki = chio_key_spki(public_key);
  bool named = wish != NULL && wish->pinned;
  if (named && !is_pinned(wish, spki)) {
    alarm_changed(l, wanted, "it is not the key whose SHA-256 the configuration names");
    return chio_fail(&l->call.detail, CHIO_E_BACKEND_SIGNATURE, "the configuration names another key");
  }
  struct chio_object *there = find_known(l, CKA_CHIO_BACKEND_URI, key->uri);
  if (there == NULL || (named && !has_spki(there, spki))) return bear(l, key, source, wanted);
  if (has_spki(there, spki)) return CHIO_OK;
  alarm_changed(l, key->uri, "the token has pinned another public key");
  return chio_fail(&l->call.detail, CHIO_E_BACKEND_SIGNATURE, "the token has pinned another public key");
}

static void look_up(struct look *l, struct chio_backend_wish *wish) {
  struct chio_backend_key *key = malloc(sizeof *key);
  l->call.detail.text[0] = '\0';
  enum chio_err err = key != NULL ? describe(l, wish->uri, key, &l->call.detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = take_in(l, key, "config", wish->uri, wish);
  free(key);
  wish->found = wish->checked = err == CHIO_OK;
  if (err == CHIO_OK) return;
  wish->not_before = chio_backend_now() + l->b->retry_ms;
  log_key(l, CHIO_LOG_WARNING, "backend.key_missing", "a configured key could not be looked up", wish->uri, err,
          l->call.detail.text);
}

/* Says so when the backend means another key now by the URI of one that the token has. */
static void compare(struct look *l, struct chio_backend_wish *wish, const struct chio_object *object) {
  CHIO_AUTO(chio_key) struct chio_key *public_key = NULL;
  struct chio_backend_key *key = malloc(sizeof *key);
  l->call.detail.text[0] = '\0';
  enum chio_err err = key != NULL ? describe(l, wish->uri, key, &l->call.detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = chio_delegated_parse(key, &public_key, &l->call.detail);
  free(key);
  wish->checked = err == CHIO_OK;
  if (err != CHIO_OK) {
    wish->not_before = chio_backend_now() + l->b->retry_ms;
    log_key(l, CHIO_LOG_NOTICE, "backend.key_unchecked", "a key could not be compared with its backend", wish->uri,
            err, l->call.detail.text);
  } else if (!has_spki(object, chio_key_spki(public_key))) {
    alarm_changed(l, wish->uri, "destroy the token's object to accept the new one");
  }
}

/* ---- A round ---- */

static enum chio_err found_listed(void *arg, const char *uri) {
  struct look *l = arg;
  if (l->known_count >= CHIO_BACKEND_KEYS_MAX || time_left(l) == 0) return CHIO_E_TIMEOUT;
  bool known = find_known(l, CHIO_ATTR_WANTED, uri) != NULL || find_known(l, CKA_CHIO_BACKEND_URI, uri) != NULL;
  if (known || chio_backend_wish(l->b, chio_slice_str(uri)) != NULL) return CHIO_OK;
  struct chio_backend_key *key = malloc(sizeof *key);
  if (key == NULL) return CHIO_E_NO_MEMORY;
  l->call.detail.text[0] = '\0';
  enum chio_err err = describe(l, uri, key, &l->call.detail);
  if (err == CHIO_OK) err = take_in(l, key, "list", uri, NULL);
  free(key);
  if (err != CHIO_OK)
    log_key(l, CHIO_LOG_INFO, "backend.key_passed_over", "a listed key is passed over", uri, err, l->call.detail.text);
  return CHIO_OK;
}

static void list(struct look *l) {
  const struct chio_backends *reach = l->b->reach;
  struct chio_detail detail = {""};
  unsigned left = time_left(l);
  uint64_t now = chio_backend_now();
  if (!l->b->list || now < l->b->list_not_before || left == 0 || reach->ops == NULL || reach->ops->list == NULL) return;
  enum chio_err err = reach->ops->list(reach->self, l->b->name, left, found_listed, l, &detail);
  l->b->list_not_before = now + (err == CHIO_OK ? LIST_AGAIN_MS : l->b->retry_ms);
  if (err != CHIO_OK)
    log_key(l, CHIO_LOG_WARNING, "backend.list", "the backend's keys could not all be listed", "", err, detail.text);
}

/* Those that were not tried yet go first, so that one that eats the time does not do so again and again. */
static void look_up_all(struct look *l, bool again) {
  uint64_t now = chio_backend_now();
  for (int tried = 0; tried < 2; tried++) {
    for (size_t i = 0; i < l->b->wishes_count; i++) {
      struct chio_backend_wish *wish = &l->b->wishes[i];
      struct chio_object *object = find_known(l, CHIO_ATTR_WANTED, wish->uri);
      if ((wish->not_before != 0) != (tried != 0) || now < wish->not_before || time_left(l) == 0) continue;
      if (object == NULL)
        look_up(l, wish);
      else if (again && !wish->checked)
        compare(l, wish, object);
      wish->found = wish->found || object != NULL;
    }
  }
}

/* When something is missing, and when something is to be compared. */
static void set_next(struct chio_backend *b) {
  uint64_t missing = b->list ? b->list_not_before : UINT64_MAX;
  uint64_t unchecked = UINT64_MAX;
  for (size_t i = 0; i < b->wishes_count; i++) {
    const struct chio_backend_wish *wish = &b->wishes[i];
    if (!wish->found && wish->not_before < missing) missing = wish->not_before;
    if (!wish->checked && wish->not_before < unchecked) unchecked = wish->not_before;
  }
  b->next = b->forgotten ? 0 : missing;
  b->next_check = unchecked;
}

static void round_of(struct chio_core *core, struct chio_backend *b, bool again) {
  struct look *l = calloc(1, sizeof *l);
  if (l == NULL) return;
  l->core = core;
  l->b = b;
  l->until = chio_backend_now() + 2ull * b->timeout_ms;
  chio_call_own(core, b->slot, &l->call);
  enum chio_err err = read_stored(l);
  if (err == CHIO_OK) err = read_memory(l);
  if (err == CHIO_OK) {
    look_up_all(l, again);
    list(l);
  } else {
    log_key(l, CHIO_LOG_ERROR, "backend.store", "the keys of a backend cannot be read", "", err, "");
  }
  for (size_t i = 0; i < l->known_count; i++) chio_object_free(l->known[i].object);
  free(l->known);
  free(l);
}

/* ---- Who looks, and who waits ---- */

/* What was destroyed is looked up anew. Under the lock, and only by who claims the round. */
static void forget(struct chio_backend *b) {
  for (size_t i = 0; i < b->wishes_count; i++) {
    b->wishes[i].found = false;
    b->wishes[i].not_before = 0;
  }
  b->list_not_before = 0;
  b->forgotten = false;
}

static bool is_due(const struct chio_backend *b, bool with_checks) {
  uint64_t now = chio_backend_now();
  return now >= b->next || (with_checks && now >= b->next_check);
}

/* The first round belongs to whoever searches; the later ones to the housekeeper, where there is one. */
static bool is_for_search(const struct chio_core *core, const struct chio_backend *b) {
  return !b->looked || (!core->config.housekeeping && is_due(b, false));
}

bool chio_backend_waits(struct chio_core *core, struct chio_backend *b) {
  (void)pthread_mutex_lock(&b->lock);
  bool waits = is_for_search(core, b);
  (void)pthread_mutex_unlock(&b->lock);
  return waits;
}

static void run_round(struct chio_core *core, struct chio_backend *b, bool again) {
  round_of(core, b, again);
  (void)pthread_mutex_lock(&b->lock);
  b->looking = false;
  b->looked = true;
  set_next(b);
  (void)pthread_cond_broadcast(&b->looked_cond);
  (void)pthread_mutex_unlock(&b->lock);
}

/* Under the lock. */
static bool claim(struct chio_backend *b, bool wanted) {
  if (!wanted || b->looking) return false;
  b->looking = true;
  if (b->forgotten) forget(b);
  return true;
}

void chio_backend_look(struct chio_core *core, struct chio_backend *b) {
  (void)pthread_mutex_lock(&b->lock);
  bool mine = claim(b, is_for_search(core, b));
  while (!mine && b->looking && !b->looked) (void)pthread_cond_wait(&b->looked_cond, &b->lock);
  (void)pthread_mutex_unlock(&b->lock);
  if (mine) run_round(core, b, false);
}

void chio_backend_look_again(struct chio_core *core, struct chio_backend *b) {
  (void)pthread_mutex_lock(&b->lock);
  bool mine = claim(b, b->looked && is_due(b, true));
  (void)pthread_mutex_unlock(&b->lock);
  if (mine) run_round(core, b, true);
}

void chio_backend_forgot(struct chio_backend *b) {
  (void)pthread_mutex_lock(&b->lock);
  b->forgotten = true;
  b->next = 0;
  (void)pthread_mutex_unlock(&b->lock);
}
