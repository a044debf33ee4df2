#include "signer/daemon/options_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define B struct chio_options_backend

const struct chio_config_key chio_options_backend_keys[] = {
    CHIO_CONFIG_STRING("kind", B, kind),
    CHIO_CONFIG_STRINGS("keys", B, keys, CHIO_BACKEND_URI_MAX - 1, CHIO_BACKEND_KEYS_MAX),
    CHIO_CONFIG_STRING("attestation", B, attestation),
    CHIO_CONFIG_STRINGS("attestation_roots", B, attestation_roots, CHIO_OPTIONS_BACKEND_TEXT - 1, 8),
    CHIO_CONFIG_BOOL("list", B, list),
    CHIO_CONFIG_BOOL("login", B, login),
    CHIO_CONFIG_INT("timeout_ms", B, timeout_ms, 100, 600000),
    CHIO_CONFIG_INT("retry_ms", B, retry_ms, 100, 86400000),
    CHIO_CONFIG_STRING("endpoint", B, endpoint),
    CHIO_CONFIG_STRING("ca_file", B, ca_file),
    CHIO_CONFIG_STRING("region", B, region),
    CHIO_CONFIG_STRING("mount", B, mount),
    CHIO_CONFIG_STRING("namespace", B, namespace_),
    CHIO_CONFIG_STRING("vault", B, vault),
    CHIO_CONFIG_STRING("key_ring", B, key_ring),
    CHIO_CONFIG_STRING("protection", B, protection),
    CHIO_CONFIG_STRING("module", B, module),
    CHIO_CONFIG_STRING("token", B, token),
    CHIO_CONFIG_STRING("auth", B, auth),
    CHIO_CONFIG_STRING("role", B, role),
    CHIO_CONFIG_STRING("tenant", B, tenant),
    CHIO_CONFIG_STRING("auth_endpoint", B, auth_endpoint),
    CHIO_CONFIG_STRING("token_file", B, token_file),
    CHIO_CONFIG_STRING("secret_file", B, secret_file),
    CHIO_CONFIG_STRING("cert_file", B, cert_file),
    CHIO_CONFIG_END,
};

static const char *kind_of(const struct chio_options_backend *backend) {
  return backend->kind[0] != '\0' ? backend->kind : backend->name;
}

enum chio_err chio_options_backend_check(const struct chio_config_tables *backends, struct chio_detail *detail) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const struct chio_options_backend *list = backends->items;
  for (size_t i = 0; i < backends->count; i++) {
    const char *name = list[i].name;
    if (strlen(name) > CHIO_BACKEND_NAME_MAX || name[strspn(name, allowed)] != '\0')
      return chio_fail(detail, CHIO_E_CONFIG,
                       "[backend.%s]: expected a name of 1 to %u letters, digits, '-', '_' and '.'", name,
                       CHIO_BACKEND_NAME_MAX);
    if (strcmp(kind_of(&list[i]), "collateral") == 0)
      return chio_fail(detail, CHIO_E_CONFIG, "[backend.%s]: sources of collateral stand in [collateral]", name);
  }
  return CHIO_OK;
}

/* ---- The manifest ---- */

static int by_name(const void *a, const void *b) {
  const struct chio_options_backend *const *x = a;
  const struct chio_options_backend *const *y = b;
  return strcmp((*x)->name, (*y)->name);
}

static void add_text(const struct chio_options_backend *b, const char *key, const char *value, struct chio_buf *out) {
  if (value[0] != '\0') chio_buf_printf(out, "backend.%s.%s=%s\n", b->name, key, value);
}

static void add_backend(const struct chio_options_backend *b, struct chio_buf *out) {
  add_text(b, "attestation", b->attestation, out);
  for (size_t i = 0; i < b->attestation_roots.count; i++)
    add_text(b, "attestation_roots", b->attestation_roots.items[i], out);
  add_text(b, "auth", b->auth, out);
  add_text(b, "auth_endpoint", b->auth_endpoint, out);
  add_text(b, "ca_file", b->ca_file, out);
  add_text(b, "endpoint", b->endpoint, out);
  add_text(b, "key_ring", b->key_ring, out);
  for (size_t i = 0; i < b->keys.count; i++) add_text(b, "keys", b->keys.items[i], out);
  add_text(b, "kind", kind_of(b), out);
  chio_buf_printf(out, "backend.%s.list=%s\n", b->name, b->list ? "true" : "false");
  chio_buf_printf(out, "backend.%s.login=%s\n", b->name, b->login ? "true" : "false");
  add_text(b, "module", b->module, out);
  add_text(b, "mount", b->mount, out);
  add_text(b, "namespace", b->namespace_, out);
  add_text(b, "protection", b->protection, out);
  add_text(b, "region", b->region, out);
  add_text(b, "role", b->role, out);
  add_text(b, "tenant", b->tenant, out);
  add_text(b, "token", b->token, out);
  add_text(b, "vault", b->vault, out);
}

void chio_options_backend_manifest(const struct chio_config_tables *backends, struct chio_buf *out) {
  const struct chio_options_backend *sorted[CHIO_BACKENDS_MAX];
  const struct chio_options_backend *list = backends->items;
  size_t count = backends->count < CHIO_BACKENDS_MAX ? backends->count : CHIO_BACKENDS_MAX;
  for (size_t i = 0; i < count; i++) sorted[i] = &list[i];
  if (count > 0) qsort(sorted, count, sizeof sorted[0], by_name);
  for (size_t i = 0; i < count; i++) add_backend(sorted[i], out);
}

/* ---- Shares ---- */

void chio_options_backend_core(const struct chio_options_backend *backend, struct chio_backend_config *out_config) {
  *out_config = (struct chio_backend_config){
      .name = backend->name,
      .keys = (const char *const *)backend->keys.items,
      .keys_count = backend->keys.count,
      .attestation = backend->attestation,
      .attestation_roots = (const char *const *)backend->attestation_roots.items,
      .attestation_roots_count = backend->attestation_roots.count,
      .list = backend->list,
      .login = backend->login,
      .timeout_ms = (unsigned)backend->timeout_ms,
      .retry_ms = (unsigned)backend->retry_ms,
  };
}

enum chio_err chio_options_backend_open(const struct chio_options_backend *backend, struct chio_buf *keys,
                                        struct chio_backend_open_request *out_request) {
  for (size_t i = 0; i < backend->keys.count; i++) {
    const char *uri = backend->keys.items[i];
    chio_buf_append(keys, uri, strcspn(uri, "#")); /* what follows is the core's: a pin */
    chio_buf_append_u8(keys, 0);
  }
  *out_request = (struct chio_backend_open_request){
      .name = chio_slice_str(backend->name),
      .kind = chio_slice_str(kind_of(backend)),
      .endpoint = chio_slice_str(backend->endpoint),
      .ca_file = chio_slice_str(backend->ca_file),
      .region = chio_slice_str(backend->region),
      .mount = chio_slice_str(backend->mount),
      .namespace_ = chio_slice_str(backend->namespace_),
      .vault = chio_slice_str(backend->vault),
      .key_ring = chio_slice_str(backend->key_ring),
      .protection = chio_slice_str(backend->protection),
      .module = chio_slice_str(backend->module),
      .token = chio_slice_str(backend->token),
      .auth = chio_slice_str(backend->auth),
      .role = chio_slice_str(backend->role),
      .tenant = chio_slice_str(backend->tenant),
      .auth_endpoint = chio_slice_str(backend->auth_endpoint),
      .token_file = chio_slice_str(backend->token_file),
      .secret_file = chio_slice_str(backend->secret_file),
      .cert_file = chio_slice_str(backend->cert_file),
      .timeout_ms = (uint32_t)backend->timeout_ms,
      .keys = chio_buf_slice(keys),
  };
  return chio_buf_err(keys);
}

void chio_options_backend_place(const char *file, const char *name, struct chio_detail *detail) {
  CHIO_AUTO(chio_toml) struct chio_toml *doc = NULL;
  if (chio_toml_load(file, NULL, &doc) != CHIO_OK) return;
  const struct chio_toml_value *all = chio_toml_get(chio_toml_root(doc), "backend");
  const struct chio_toml_value *table = all != NULL ? chio_toml_get(all, name) : NULL;
  if (table == NULL) return;
  struct chio_detail placed;
  (void)chio_fail(&placed, CHIO_E_CONFIG, "%.100s:%u: %s", file, chio_toml_line(table), detail->text);
  *detail = placed;
}
