#include "signer/core/backend_slot.h"

#include "signer/base/text.h"
#include "signer/core/backend_attestation.h"
#include "signer/core/state.h"

#include <sodium.h>
#include <stdlib.h>

#define SLOTS_BLOB "backend/slots" /* names, each at the place of its slot's number, each ended by a newline */
#define PIN_WORD "#sha256="

/* ---- Configuration ---- */

static bool is_name(const char *name) {
  size_t len = name != NULL ? strlen(name) : 0;
  if (len == 0 || len > CHIO_BACKEND_NAME_MAX) return false;
  return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static enum chio_err read_wish(const char *text, const char *name, struct chio_backend_wish *out,
                               struct chio_detail *detail) {
  const char *pin = strchr(text, '#');
  size_t len = pin != NULL ? (size_t)(pin - text) : strlen(text);
  if (len == 0 || len >= CHIO_BACKEND_URI_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': a key's URI has 1 to %u bytes", name,
                     CHIO_BACKEND_URI_MAX - 1);
  if (pin != NULL) {
    size_t word = strlen(PIN_WORD);
    bool ok = strncmp(pin, PIN_WORD, word) == 0 &&
              chio_hex_decode(chio_slice_str(pin + word), out->sha256, sizeof out->sha256) == CHIO_OK;
    if (!ok)
      return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': only " PIN_WORD " and 64 hexadecimal digits may follow "
                       "a key's URI", name);
    out->pinned = true;
  }
  out->uri = strndup(text, len);
  return out->uri != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
}

static int by_uri(const void *a, const void *b) {
  const struct chio_backend_wish *x = a;
  const struct chio_backend_wish *y = b;
  return strcmp(x->uri, y->uri);
}

static enum chio_err read_wishes(const struct chio_backend_config *config, struct chio_backend *b,
                                 struct chio_detail *detail) {
  if (config->keys_count > CHIO_BACKEND_KEYS_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "backend '%s' has at most %u keys", b->name, CHIO_BACKEND_KEYS_MAX);
  if (config->keys_count == 0) return CHIO_OK;
  b->wishes = calloc(config->keys_count, sizeof *b->wishes);
  if (b->wishes == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < config->keys_count; i++) {
    enum chio_err err = read_wish(config->keys[i], b->name, &b->wishes[i], detail);
    if (err != CHIO_OK) return err;
    b->wishes_count++;
  }
  qsort(b->wishes, b->wishes_count, sizeof *b->wishes, by_uri);
  for (size_t i = 1; i < b->wishes_count; i++)
    if (strcmp(b->wishes[i - 1].uri, b->wishes[i].uri) == 0)
      return chio_fail(detail, CHIO_E_CONFIG, "backend '%s' names key '%.160s' twice", b->name, b->wishes[i].uri);
  return CHIO_OK;
}

static enum chio_err read_config(const struct chio_backend_config *config, const struct chio_backends *reach,
                                 struct chio_backend *b, struct chio_detail *detail) {
  if (!is_name(config->name))
    return chio_fail(detail, CHIO_E_CONFIG, "the name of a backend has 1 to %u of a-z, A-Z, 0-9, '-', '_' and '.'",
                     CHIO_BACKEND_NAME_MAX);
  memcpy(b->name, config->name, strlen(config->name));
  b->list = config->list;
  b->login = config->login;
  b->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : CHIO_BACKEND_TIMEOUT_MS;
  b->retry_ms = config->retry_ms > 0 ? config->retry_ms : CHIO_BACKEND_RETRY_MS;
  b->reach = reach;
  b->next_check = UINT64_MAX;
  (void)pthread_mutex_init(&b->lock, NULL);
  (void)pthread_cond_init(&b->looked_cond, NULL);
  enum chio_err err = chio_backend_attestation_config(config, b, detail);
  return err == CHIO_OK ? read_wishes(config, b, detail) : err;
}

static enum chio_err read_configs(struct chio_core *core, struct chio_detail *detail) {
  size_t count = core->config.backend_count;
  if (count > CHIO_BACKENDS_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "there are at most %u backends", CHIO_BACKENDS_MAX);
  core->backends = calloc(count, sizeof *core->backends);
  if (core->backends == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    struct chio_backend *b = &core->backends[core->backend_count++];
    enum chio_err err = read_config(&core->config.backends[i], &core->config.reach, b, detail);
    if (err != CHIO_OK) return err;
    for (size_t k = 0; k < i; k++)
      if (strcmp(core->backends[k].name, b->name) == 0)
        return chio_fail(detail, CHIO_E_CONFIG, "there are two backends '%s'", b->name);
  }
  return CHIO_OK;
}

/* ---- Numbers of slots ---- */

struct places {
  char names[CHIO_BACKENDS_MAX][CHIO_BACKEND_NAME_MAX + 1];
  bool changed;
};

static enum chio_err load_places(struct chio_store *store, struct places *out) {
  struct chio_buf text = CHIO_BUF_INIT;
  memset(out, 0, sizeof *out);
  enum chio_err err = chio_store_blob_get(store, SLOTS_BLOB, &text);
  size_t place = 0, len = 0;
  for (size_t i = 0; err == CHIO_OK && i < text.len && place < CHIO_BACKENDS_MAX; i++) {
    if (text.data[i] == '\n') {
      place++;
      len = 0;
    } else if (len < CHIO_BACKEND_NAME_MAX) {
      out->names[place][len++] = (char)text.data[i];
    }
  }
  chio_buf_clear(&text);
  return err == CHIO_E_NOT_FOUND ? CHIO_OK : err;
}

static enum chio_err save_places(struct chio_core *core, const struct places *places, struct chio_detail *detail) {
  struct chio_buf text = CHIO_BUF_INIT;
  if (!places->changed || core->config.read_only) return CHIO_OK;
  for (size_t i = 0; i < CHIO_BACKENDS_MAX; i++) chio_buf_printf(&text, "%s\n", places->names[i]);
  enum chio_err err = chio_buf_err(&text);
  if (err == CHIO_OK) err = chio_store_blob_put(core->store, SLOTS_BLOB, chio_buf_slice(&text), detail);
  chio_buf_clear(&text);
  return err;
}

static bool is_configured(const struct chio_core *core, const char *name) {
  for (size_t i = 0; i < core->backend_count; i++)
    if (strcmp(core->backends[i].name, name) == 0) return true;
  return false;
}

/* The place of that name; else one that nobody has, else one whose backend is gone. There are as many places as there
 * may be backends. */
static uint32_t place_of(const struct chio_core *core, struct places *places, const char *name) {
  uint32_t unused = CHIO_BACKENDS_MAX, left = CHIO_BACKENDS_MAX;
  for (uint32_t i = CHIO_BACKENDS_MAX; i-- > 0;) {
    if (strcmp(places->names[i], name) == 0) return i;
    if (places->names[i][0] == '\0') unused = i;
    if (!is_configured(core, places->names[i])) left = i;
  }
  uint32_t place = unused < CHIO_BACKENDS_MAX ? unused : left;
  (void)memset(places->names[place], 0, sizeof places->names[place]);
  memcpy(places->names[place], name, strlen(name));
  places->changed = true;
  return place;
}

enum chio_err chio_backends_open(struct chio_core *core, struct chio_detail *detail) {
  struct places places;
  if (core->config.backend_count == 0) return CHIO_OK;
  enum chio_err err = read_configs(core, detail);
  if (err == CHIO_OK) err = load_places(core->store, &places);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; i < core->backend_count; i++) {
    struct chio_backend *b = &core->backends[i];
    b->slot = &core->slots[core->config.slots + i];
    b->slot->backend = b;
    b->slot->number = CHIO_BACKEND_SLOT_FIRST + place_of(core, &places, b->name);
  }
  return save_places(core, &places, detail);
}

void chio_backends_close(struct chio_core *core) {
  for (size_t i = 0; i < core->backend_count; i++) {
    struct chio_backend *b = &core->backends[i];
    for (size_t k = 0; k < b->wishes_count; k++) free(b->wishes[k].uri);
    free(b->wishes);
    chio_buf_clear(&b->attestation_roots);
    if (b->reach == NULL) continue;
    (void)pthread_cond_destroy(&b->looked_cond);
    (void)pthread_mutex_destroy(&b->lock);
  }
  free(core->backends);
}

enum chio_err chio_backend_own_token(struct chio_core *core, struct chio_slot *slot, struct chio_detail *detail) {
  const char *name = slot->backend->name;
  if (slot->row.initialized && strcmp(slot->row.label, name) == 0) return CHIO_OK;
  return chio_store_token_init(core->store, slot->number, name, &slot->row, detail);
}

/* ---- What is wanted ---- */

bool chio_slot_is_open(const struct chio_slot *slot) {
  return slot->backend != NULL && !slot->backend->login;
}

struct chio_backend_wish *chio_backend_wish(const struct chio_backend *backend, struct chio_slice uri) {
  char text[CHIO_BACKEND_URI_MAX];
  struct chio_backend_wish wanted = {.uri = text};
  if (backend->wishes_count == 0 || uri.len == 0 || uri.len >= sizeof text) return NULL;
  memcpy(text, uri.data, uri.len);
  text[uri.len] = '\0';
  return bsearch(&wanted, backend->wishes, backend->wishes_count, sizeof wanted, by_uri);
}

static bool has_pinned_key(const struct chio_backend_wish *wish, const struct chio_object *object) {
  uint8_t digest[32];
  struct chio_slice spki;
  if (!wish->pinned) return true;
  if (!chio_attrs_find(object->attrs, CKA_PUBLIC_KEY_INFO, &spki)) return false;
  (void)crypto_hash_sha256(digest, spki.data, spki.len);
  return memcmp(digest, wish->sha256, sizeof digest) == 0;
}

bool chio_backend_shows(const struct chio_backend *backend, const struct chio_object *object) {
  struct chio_slice source, uri;
  if (!chio_attrs_find(object->attrs, CHIO_ATTR_SOURCE, &source)) return true;
  if (!chio_backend_attested_enough(backend, object)) return false;
  if (chio_slice_equal(source, chio_slice_str("made"))) return true;
  if (chio_slice_equal(source, chio_slice_str("list")) && backend->list) return true;
  if (!chio_attrs_find(object->attrs, CHIO_ATTR_WANTED, &uri)) return false;
  const struct chio_backend_wish *wish = chio_backend_wish(backend, uri);
  return wish != NULL && has_pinned_key(wish, object);
}
