#include "signer/client/pool.h"

#include "signer/client/connect.h"
#include "signer/client/fork.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* Pools of processes before this one stay reachable, for leak checkers, and untouched. */
static _Atomic(struct chio_pool *) forgotten;

static enum chio_err random_uid(struct chio_uid *out_uid) {
  ssize_t n;
  do n = getrandom(out_uid->b, sizeof out_uid->b, 0);
  while (n < 0 && errno == EINTR);
  return n == (ssize_t)sizeof out_uid->b ? CHIO_OK : CHIO_E_INTERNAL;
}

enum chio_err chio_pool_new(struct chio_pool **out_pool) {
  struct chio_pool *pool = calloc(1, sizeof *pool);
  if (pool == NULL) return CHIO_E_NO_MEMORY;
  pool->generation = chio_client_fork_generation();
  pool->door.fd = -1;
  atomic_init(&pool->endpoint, CHIO_POOL_NOWHERE);
  enum chio_err err = random_uid(&pool->client);
  if (err == CHIO_OK && pthread_mutex_init(&pool->mutex, NULL) != 0) err = CHIO_E_NO_MEMORY;
  if (err != CHIO_OK)
    free(pool);
  else
    *out_pool = pool;
  return err;
}

static void forget(struct chio_pool *pool) {
  for (struct chio_link *link = atomic_load(&pool->all); link != NULL; link = atomic_load(&link->next))
    chio_socket_close(&link->socket);
  pool->older = atomic_load(&forgotten);
  while (!atomic_compare_exchange_weak(&forgotten, &pool->older, pool)) continue;
}

void chio_pool_free(struct chio_pool *pool) {
  if (pool == NULL) return;
  if (pool->generation != chio_client_fork_generation()) {
    chio_socket_close(&pool->door);
    forget(pool);
    return;
  }
  while (pool->all != NULL) {
    struct chio_link *link = pool->all;
    atomic_store(&pool->all, atomic_load(&link->next));
    chio_link_free(link);
  }
  chio_socket_close(&pool->door);
  for (size_t i = 0; i < CHIO_ENDPOINTS_MAX; i++)
    if (pool->embedded[i].core != NULL) pool->embedded[i].api->close(pool->embedded[i].core);
  (void)pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

static void inherit(struct chio_pool *fresh, struct chio_pool *old) {
  fresh->waiting = old->waiting;
  fresh->door = old->door;
  fresh->door_endpoint = old->door_endpoint;
  fresh->door_instance = old->door_instance;
  atomic_store(&fresh->endpoint, atomic_load(&old->endpoint));
  atomic_store(&fresh->patient, atomic_load(&old->patient));
  for (size_t i = 0; i < CHIO_ENDPOINTS_MAX; i++)
    fresh->embedded[i].inherited = old->embedded[i].inherited || atomic_load(&old->embedded[i].touched);
}

enum chio_err chio_pool_now(struct chio_client *client, struct chio_pool **out_pool) {
  unsigned long now = chio_client_fork_generation();
  struct chio_pool *pool = atomic_load(&client->pool);
  while (pool->generation != now) {
    struct chio_pool *fresh;
    enum chio_err err = chio_pool_new(&fresh);
    if (err != CHIO_OK) return err;
    inherit(fresh, pool);
    struct chio_pool *old = pool;
    if (atomic_compare_exchange_strong(&client->pool, &pool, fresh)) {
      forget(old);
      pool = fresh;
    } else {
      fresh->door.fd = -1; /* the pool of the thread that was first has it */
      chio_pool_free(fresh);
    }
  }
  *out_pool = pool;
  return CHIO_OK;
}

/* The mutex is held. A child may walk the list while we change it: each store leaves it whole. */
static void unlist(struct chio_pool *pool, struct chio_link *link) {
  _Atomic(struct chio_link *) *at = &pool->all;
  while (atomic_load(at) != NULL && atomic_load(at) != link) at = &atomic_load(at)->next;
  if (atomic_load(at) == link) atomic_store(at, atomic_load(&link->next));
}

void chio_pool_add(struct chio_pool *pool, struct chio_link *link) {
  (void)pthread_mutex_lock(&pool->mutex);
  atomic_store(&link->next, atomic_load(&pool->all));
  atomic_store(&pool->all, link);
  (void)pthread_mutex_unlock(&pool->mutex);
}

enum chio_err chio_pool_take(struct chio_client *client, chio_deadline deadline, struct chio_link **out_link,
                             struct chio_detail *detail) {
  struct chio_pool *pool;
  enum chio_err err = chio_pool_now(client, &pool);
  if (err != CHIO_OK) return chio_fail(detail, err, "%s", chio_err_text(err));
  (void)pthread_mutex_lock(&pool->mutex);
  struct chio_link *link = pool->idle;
  if (link != NULL) {
    pool->idle = link->next_idle;
    pool->idle_count--;
  }
  (void)pthread_mutex_unlock(&pool->mutex);
  if (link == NULL) return chio_connect(client, pool, deadline, out_link, detail);
  *out_link = link;
  return CHIO_OK;
}

static bool leads_elsewhere(struct chio_pool *pool, const struct chio_link *link) {
  return atomic_load(&pool->endpoint) != (int)link->endpoint;
}

void chio_pool_give(struct chio_link *link) {
  if (link == NULL) return;
  struct chio_pool *pool = link->pool;
  if (pool->generation != chio_client_fork_generation()) return; /* a process before this one took it */
  bool sweep = link->broken;
  (void)pthread_mutex_lock(&pool->mutex);
  bool keep = !link->broken && !leads_elsewhere(pool, link) && pool->idle_count < CHIO_POOL_IDLE_MAX;
  if (keep) {
    link->next_idle = pool->idle;
    pool->idle = link;
    pool->idle_count++;
  } else {
    unlist(pool, link);
  }
  (void)pthread_mutex_unlock(&pool->mutex);
  if (!keep) chio_link_free(link);
  if (sweep) chio_pool_sweep(pool);
}

void chio_client_abandon(struct chio_link *link) {
  if (link == NULL) return;
  link->broken = true;
  chio_pool_give(link);
}

static bool is_dead(struct chio_pool *pool, struct chio_link *link) {
  return leads_elsewhere(pool, link) || (link->api == NULL && !chio_socket_is_quiet(&link->socket));
}

void chio_pool_sweep(struct chio_pool *pool) {
  struct chio_link *dead = NULL;
  (void)pthread_mutex_lock(&pool->mutex);
  for (struct chio_link **at = &pool->idle; *at != NULL;) {
    struct chio_link *link = *at;
    if (!is_dead(pool, link)) {
      at = &link->next_idle;
      continue;
    }
    *at = link->next_idle;
    pool->idle_count--;
    unlist(pool, link);
    link->next_idle = dead;
    dead = link;
  }
  (void)pthread_mutex_unlock(&pool->mutex);
  while (dead != NULL) {
    struct chio_link *next = dead->next_idle;
    chio_link_free(dead);
    dead = next;
  }
}
