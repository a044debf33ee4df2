#include "kms-adapters/kmsd_backend.h"

#include "kms-adapters/kmsd_check.h"
#include "kms-adapters/kmsd_files.h"
#include "kms-adapters/registry.h"

#include <stdio.h>
#include <stdlib.h>

struct chio_kmsd_key {
  struct chio_kmsd_key *next;
  char uri[CHIO_KEY_URI_MAX + 1]; /* pinned */
  uint64_t at_ms;
  struct chio_kms_key key;
};

enum chio_err chio_kmsd_new(struct chio_kmsd **out_kmsd) {
  struct chio_kmsd *kmsd = calloc(1, sizeof *kmsd);
  if (kmsd == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_http_new(&kmsd->http);
  if (err != CHIO_OK) {
    free(kmsd);
    return err;
  }
  *out_kmsd = kmsd;
  return CHIO_OK;
}

static void drop_keys(struct chio_kmsd_backend *backend) {
  while (backend->keys != NULL) {
    struct chio_kmsd_key *key = backend->keys;
    backend->keys = key->next;
    free(key);
  }
  backend->key_count = 0;
}

static void backend_free(struct chio_kmsd_backend *backend) {
  if (backend->ops != NULL && backend->self != NULL) backend->ops->close(backend->self);
  drop_keys(backend);
  (void)pthread_mutex_destroy(&backend->making);
  (void)pthread_mutex_destroy(&backend->lock);
  if (backend->endpoint != NULL) chio_endpoint_clear(&backend->line);
  free(backend->endpoint);
  free(backend->ca_file);
  free(backend);
}

void chio_kmsd_free(struct chio_kmsd *kmsd) {
  if (kmsd == NULL) return;
  for (size_t i = 0; i < kmsd->count; i++) backend_free(kmsd->backends[i]);
  chio_http_free(kmsd->http);
  chio_buf_clear(&kmsd->files);
  free(kmsd);
}

struct chio_kmsd_backend *chio_kmsd_find(struct chio_kmsd *kmsd, struct chio_slice name) {
  for (size_t i = 0; i < kmsd->count; i++)
    if (chio_slice_equal(chio_slice_str(kmsd->backends[i]->name), name)) return kmsd->backends[i];
  return NULL;
}

/* ---- OPEN ---- */

#define TEXTS_MAX 20u

/* The request's texts as C strings, all in one buffer. */
struct texts {
  char buffer[TEXTS_MAX * (CHIO_BACKEND_OPTION_MAX + 1)];
  size_t used;
};

/* NULL for an empty one. A NUL inside ends the text: nothing that follows it is taken for something else. */
static const char *text_of(struct texts *texts, struct chio_slice bytes) {
  if (bytes.len == 0 || bytes.len >= sizeof texts->buffer - texts->used) return NULL;
  char *text = texts->buffer + texts->used;
  memcpy(text, bytes.data, bytes.len);
  text[bytes.len] = '\0';
  texts->used += bytes.len + 1;
  return text;
}

static void read_options(const struct chio_backend_open_request *r, struct texts *texts,
                         struct chio_backend_options *out) {
  *out = (struct chio_backend_options){
      .name = text_of(texts, r->name),
      .endpoint = text_of(texts, r->endpoint),
      .ca_file = text_of(texts, r->ca_file),
      .region = text_of(texts, r->region),
      .mount = text_of(texts, r->mount),
      .namespace_ = text_of(texts, r->namespace_),
      .vault = text_of(texts, r->vault),
      .key_ring = text_of(texts, r->key_ring),
      .protection = text_of(texts, r->protection),
      .module = text_of(texts, r->module),
      .token = text_of(texts, r->token),
      .auth = text_of(texts, r->auth),
      .role = text_of(texts, r->role),
      .tenant = text_of(texts, r->tenant),
      .auth_endpoint = text_of(texts, r->auth_endpoint),
      .token_file = text_of(texts, r->token_file),
      .secret_file = text_of(texts, r->secret_file),
      .cert_file = text_of(texts, r->cert_file),
      .timeout_ms = r->timeout_ms,
  };
}

static enum chio_err unknown_kind(const char *name, const char *kind, struct chio_detail *detail) {
  char known[128] = "";
  size_t len = 0;
  for (size_t i = 0; chio_adapters[i] != NULL && len + 16 < sizeof known; i++)
    len += (size_t)snprintf(known + len, sizeof known - len, "%s%.16s", i > 0 ? ", " : "", chio_adapters[i]->name);
  return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': there is no kind '%.32s' (this build has: %s)", name, kind,
                   known);
}

static enum chio_err open_source(struct chio_kmsd_backend *backend, const struct chio_backend_options *options,
                                 struct chio_detail *detail) {
  if (options->endpoint == NULL)
    return chio_fail(detail, CHIO_E_CONFIG, "source '%s' has no URL", backend->name);
  chio_endpoint_init(&backend->line);
  backend->endpoint = strdup(options->endpoint);
  backend->ca_file = options->ca_file != NULL ? strdup(options->ca_file) : NULL;
  if (backend->endpoint == NULL || (options->ca_file != NULL && backend->ca_file == NULL)) return CHIO_E_NO_MEMORY;
  return CHIO_OK;
}

static enum chio_err open_backend(struct chio_kmsd *kmsd, struct chio_kmsd_backend *backend, const char *kind,
                                  const struct chio_backend_options *options, struct chio_slice keys,
                                  struct chio_detail *detail) {
  backend->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : CHIO_KMS_TIMEOUT_MS;
  bool source = strcmp(kind, CHIO_KMSD_COLLATERAL) == 0;
  const struct chio_adapter_ops *ops = source ? NULL : chio_adapter_find(kind);
  if (ops == NULL && !source) return unknown_kind(backend->name, kind, detail);
  enum chio_err err = chio_kmsd_check_options(ops, options, detail);
  if (err == CHIO_OK && source) return open_source(backend, options, detail);
  if (err == CHIO_OK) err = chio_kmsd_check_keys(ops->kind, keys, detail);
  if (err == CHIO_OK) err = ops->open(options, kmsd->http, &backend->self, detail);
  if (err != CHIO_OK) return err;
  backend->ops = ops;
  kmsd->has_modules = kmsd->has_modules || ops->kind == CHIO_KMS_PKCS11;
  return CHIO_OK;
}

enum chio_err chio_kmsd_open(struct chio_kmsd *kmsd, const struct chio_backend_open_request *request,
                             struct chio_detail *detail) {
  struct chio_backend_options options;
  if (kmsd->count >= CHIO_KMSD_BACKENDS_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "there are more than %u backends", CHIO_KMSD_BACKENDS_MAX);
  if (chio_kmsd_find(kmsd, request->name) != NULL)
    return chio_fail(detail, CHIO_E_EXISTS, "two backends have the same name");
  struct texts *texts = calloc(1, sizeof *texts);
  struct chio_kmsd_backend *backend = calloc(1, sizeof *backend);
  enum chio_err err = texts != NULL && backend != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (backend != NULL) (void)pthread_mutex_init(&backend->making, NULL);
  if (backend != NULL) (void)pthread_mutex_init(&backend->lock, NULL);
  if (err == CHIO_OK) {
    read_options(request, texts, &options);
    const char *kind = text_of(texts, request->kind);
    if (options.name == NULL || kind == NULL)
      err = chio_fail(detail, CHIO_E_CONFIG, "a backend has no name or no kind");
    else
      (void)snprintf(backend->name, sizeof backend->name, "%s", options.name);
    if (err == CHIO_OK) err = open_backend(kmsd, backend, kind, &options, request->keys, detail);
  }
  if (err == CHIO_OK) err = chio_kmsd_files_note(kmsd, request);
  if (err == CHIO_OK) kmsd->backends[kmsd->count++] = backend;
  if (err != CHIO_OK && backend != NULL) backend_free(backend);
  free(texts);
  return err;
}

/* ---- Described keys ---- */

/* With the lock held. */
static struct chio_kmsd_key *find_key(struct chio_kmsd_backend *backend, const char *uri) {
  struct chio_kmsd_key *key = backend->keys;
  while (key != NULL && strcmp(key->uri, uri) != 0) key = key->next;
  return key;
}

static bool remembered(struct chio_kmsd_backend *backend, const char *uri, uint64_t fresh_ms,
                       struct chio_kms_key *out_key) {
  (void)pthread_mutex_lock(&backend->lock);
  const struct chio_kmsd_key *key = find_key(backend, uri);
  bool good = key != NULL && chio_monotonic_ms() - key->at_ms <= fresh_ms;
  if (good) *out_key = key->key;
  (void)pthread_mutex_unlock(&backend->lock);
  return good;
}

static void remember(struct chio_kmsd_backend *backend, const char *uri, const struct chio_kms_key *described) {
  (void)pthread_mutex_lock(&backend->lock);
  struct chio_kmsd_key *key = find_key(backend, uri);
  if (key == NULL && backend->key_count >= CHIO_KMSD_KEYS_MAX) drop_keys(backend);
  if (key == NULL && (key = calloc(1, sizeof *key)) != NULL) {
    (void)snprintf(key->uri, sizeof key->uri, "%s", uri);
    key->next = backend->keys;
    backend->keys = key;
    backend->key_count++;
  }
  if (key != NULL) {
    key->at_ms = chio_monotonic_ms();
    key->key = *described;
  }
  (void)pthread_mutex_unlock(&backend->lock);
}

void chio_kmsd_forget(struct chio_kmsd_backend *backend, const char *uri) {
  (void)pthread_mutex_lock(&backend->lock);
  for (struct chio_kmsd_key **at = &backend->keys; *at != NULL; at = &(*at)->next) {
    struct chio_kmsd_key *key = *at;
    if (strcmp(key->uri, uri) != 0) continue;
    *at = key->next;
    backend->key_count--;
    free(key);
    break;
  }
  (void)pthread_mutex_unlock(&backend->lock);
}

enum chio_err chio_kmsd_describe(struct chio_kmsd_backend *backend, const char *uri, uint64_t fresh_ms,
                                 const struct chio_deadline *deadline, struct chio_kms_key *out_key,
                                 struct chio_detail *detail) {
  if (remembered(backend, uri, fresh_ms, out_key)) return CHIO_OK;
  CHIO_AUTO(chio_buf) struct chio_buf *pinned = chio_buf_new();
  struct chio_key_uri parsed;
  struct chio_kms_key key = {0};
  if (pinned == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_key_uri_parse(uri, &parsed, detail);
  if (err == CHIO_OK && parsed.kind != backend->ops->kind)
    err = chio_fail(detail, CHIO_E_ARGUMENT, "backend '%s' has no keys of this kind of URI", backend->name);
  if (err == CHIO_OK) err = backend->ops->describe(backend->self, &parsed, deadline, &key, detail);
  if (err == CHIO_OK) err = chio_key_uri_format(&key.uri, pinned, detail);
  if (err == CHIO_OK && chio_buf_cstr(pinned) == NULL) err = CHIO_E_NO_MEMORY;
  if (err != CHIO_OK) return err;
  remember(backend, (const char *)pinned->data, &key);
  *out_key = key;
  return CHIO_OK;
}
