#include "signer/client/embedded.h"

#include <dlfcn.h>
#include <stdlib.h>

#define MODULE_DEFAULT CHIO_LIBDIR "/chio-embedded.so"
#define EMBEDDED_VERSION 1u

static enum chio_err load(const struct chio_embedded_api **out_api, struct chio_detail *detail) {
  const char *path = secure_getenv("CHIO_EMBEDDED_MODULE");
  if (path == NULL || path[0] != '/') path = MODULE_DEFAULT;
  void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (module == NULL) return chio_fail(detail, CHIO_E_UNREACHABLE, "%s", dlerror());
  union {
    void *object;
    chio_embedded_v1_fn *function;
  } symbol = {dlsym(module, CHIO_EMBEDDED_SYMBOL)};
  const struct chio_embedded_api *api = symbol.object != NULL ? symbol.function() : NULL;
  if (api == NULL || api->version != EMBEDDED_VERSION) {
    (void)dlclose(module);
    return chio_fail(detail, CHIO_E_UNREACHABLE, "%s is not an embedded signer of this version", path);
  }
  *out_api = api;
  return CHIO_OK;
}

static enum chio_err open_core(struct chio_pool *pool, const struct chio_endpoint *endpoint, size_t index,
                               struct chio_detail *detail) {
  if (pool->embedded[index].core != NULL) return CHIO_OK;
  if (pool->embedded[index].inherited)
    return chio_fail(detail, CHIO_E_STATE_IN_USE,
                     "a child of fork cannot use the embedded signer of its parent (run chiod, or connect after fork)");
  const struct chio_embedded_api *api = NULL;
  enum chio_err err = load(&api, detail);
  if (err != CHIO_OK) return err;
  atomic_store(&pool->embedded[index].touched, true);
  struct chio_embedded *core;
  err = api->open(endpoint->path, &core, detail);
  if (err != CHIO_OK) {
    atomic_store(&pool->embedded[index].touched, false);
    return err;
  }
  pool->embedded[index].api = api;
  pool->embedded[index].core = core;
  return CHIO_OK;
}

enum chio_err chio_embedded_link(struct chio_client *client, struct chio_pool *pool, struct chio_link *link,
                                 struct chio_detail *detail) {
  size_t index = link->endpoint;
  struct chio_embedded_conn *conn = NULL;
  (void)pthread_mutex_lock(&pool->mutex);
  enum chio_err err = open_core(pool, &client->endpoints.list[index], index, detail);
  (void)pthread_mutex_unlock(&pool->mutex);
  if (err == CHIO_OK) err = pool->embedded[index].api->conn_open(pool->embedded[index].core, &conn);
  if (err != CHIO_OK) return err;
  link->api = pool->embedded[index].api;
  link->conn = conn;
  return CHIO_OK;
}
