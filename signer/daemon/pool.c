#include "signer/daemon/pool.h"

#include "signer/daemon/link.h"

#include <pthread.h>
#include <stdlib.h>

struct chio_pool {
  struct chio_pool_config config;
  pthread_mutex_t lock;
  pthread_cond_t work; /* something was queued, or the end has come */
  struct chio_link *head, **tail;
  unsigned queued;
  unsigned next_turn; /* the turn of the next thread to start */
  bool ending;
  unsigned started;
  pthread_t threads[];
};

/* The next connection; NULL at the end, once the queue is empty. */
static struct chio_link *take(struct chio_pool *pool) {
  (void)pthread_mutex_lock(&pool->lock);
  while (pool->head == NULL && !pool->ending) (void)pthread_cond_wait(&pool->work, &pool->lock);
  struct chio_link *link = pool->head;
  if (link != NULL) {
    pool->head = link->queued;
    if (pool->head == NULL) pool->tail = &pool->head;
    pool->queued--;
  }
  (void)pthread_mutex_unlock(&pool->lock);
  return link;
}

static void *pool_thread(void *arg) {
  struct chio_pool *pool = arg;
  (void)pthread_setname_np(pthread_self(), "chiod-pool");
  (void)pthread_mutex_lock(&pool->lock);
  void *turn = pool->config.turns[pool->next_turn++];
  (void)pthread_mutex_unlock(&pool->lock);
  for (struct chio_link *link = take(pool); link != NULL; link = take(pool))
    pool->config.serve(pool->config.arg, link, turn);
  return NULL;
}

enum chio_err chio_pool_new(const struct chio_pool_config *config, struct chio_pool **out_pool) {
  struct chio_pool *pool = calloc(1, sizeof *pool + config->threads * sizeof(pthread_t));
  if (pool == NULL) return CHIO_E_NO_MEMORY;
  pool->config = *config;
  pool->tail = &pool->head;
  (void)pthread_mutex_init(&pool->lock, NULL);
  (void)pthread_cond_init(&pool->work, NULL);
  for (; pool->started < config->threads; pool->started++) {
    if (pthread_create(&pool->threads[pool->started], NULL, pool_thread, pool) == 0) continue;
    chio_pool_free(pool);
    return CHIO_E_NO_MEMORY;
  }
  *out_pool = pool;
  return CHIO_OK;
}

bool chio_pool_submit(struct chio_pool *pool, struct chio_link *link) {
  (void)pthread_mutex_lock(&pool->lock);
  bool room = pool->queued < pool->config.queue && !pool->ending;
  if (room) {
    link->queued = NULL;
    *pool->tail = link;
    pool->tail = &link->queued;
    pool->queued++;
    (void)pthread_cond_signal(&pool->work);
  }
  (void)pthread_mutex_unlock(&pool->lock);
  return room;
}

void chio_pool_free(struct chio_pool *pool) {
  if (pool == NULL) return;
  (void)pthread_mutex_lock(&pool->lock);
  pool->ending = true;
  (void)pthread_cond_broadcast(&pool->work);
  (void)pthread_mutex_unlock(&pool->lock);
  for (unsigned i = 0; i < pool->started; i++) (void)pthread_join(pool->threads[i], NULL);
  (void)pthread_cond_destroy(&pool->work);
  (void)pthread_mutex_destroy(&pool->lock);
  free(pool);
}
