/*
 * Accepted judgements, kept for a while. An entry is found by everything that was judged, byte by byte: evidence,
 * policy, collateral, and what the caller expected; so a hit says what a judgement would say. It is kept under the
 * canonical name of the evidence (replay id, key and statement): the same evidence in another form, or with the other
 * of ECDSA's two signatures, takes the place of the first and no second one, and nobody can fill the cache with forms
 * of one quote. Refusals are not kept: forgeries push nothing out.
 */
#include "attest/collateral.h"
#include "attest/judge.h"

#include <pthread.h>
#include <stdlib.h>

#define ENTRIES_MAX 4096u
#define ENTRIES_DEFAULT 256u
#define AGE_MAX 86400 /* seconds */
#define AGE_DEFAULT 300

struct entry {
  struct chio_attest_result *result; /* NULL: free */
  uint8_t asked[CHIO_SHA256_SIZE];   /* everything that was judged */
  uint8_t name[CHIO_SHA256_SIZE];    /* of the evidence, under that policy */
  int64_t from, until;               /* the times for which the judgement holds */
  uint64_t used;                     /* when it was last of use, in calls */
};

struct chio_attest_cache {
  pthread_mutex_t lock;
  struct entry *entries;
  size_t size;
  int64_t max_age;
  uint64_t clock;
  struct chio_attest_cache_stats stats;
};

int chio_attest_cache_new(size_t entries, int64_t max_age, struct chio_attest_cache **out_cache) {
  if (out_cache == NULL || entries > ENTRIES_MAX || max_age < 0 || max_age > AGE_MAX) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_attest_cache *cache = calloc(1, sizeof *cache);
  if (cache == NULL) return CHIO_ATTEST_E_NO_MEMORY;
  cache->size = entries > 0 ? entries : ENTRIES_DEFAULT;
  cache->max_age = max_age > 0 ? max_age : AGE_DEFAULT;
  cache->entries = calloc(cache->size, sizeof *cache->entries);
  if (cache->entries == NULL || pthread_mutex_init(&cache->lock, NULL) != 0) {
    free(cache->entries);
    free(cache);
    return CHIO_ATTEST_E_NO_MEMORY;
  }
  *out_cache = cache;
  return CHIO_ATTEST_OK;
}

void chio_attest_cache_free(struct chio_attest_cache *cache) {
  if (cache == NULL) return;
  for (size_t i = 0; i < cache->size; i++) chio_attest_result_free(cache->entries[i].result);
  (void)pthread_mutex_destroy(&cache->lock);
  free(cache->entries);
  free(cache);
}

/* ---- Names ---- */

static void put_bytes(struct chio_buf *out, const void *data, size_t len) {
  chio_buf_append_u32be(out, (uint32_t)len);
  if (len > 0) chio_buf_append(out, data, len);
}

static void put_binding(struct chio_buf *out, const struct chio_attest_binding *b) {
  chio_buf_append_u8(out, b != NULL ? 1 : 0);
  if (b == NULL) return;
  const struct chio_attest_bytes parts[] = {b->manifest_sha256, b->receipt_root,     b->workload_hash, b->address,
                                            b->operator_address, b->certificate, b->private_key};
  put_bytes(out, b->profile, b->profile != NULL ? strlen(b->profile) : 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(parts); i++) put_bytes(out, parts[i].data, parts[i].len);
}

/* The policy as what it demands, collateral as the state that a handle was in. */
static int put_context(struct chio_buf *out, const struct chio_attest_request *q) {
  uint8_t digest[CHIO_SHA256_SIZE] = {0};
  int code = q->policy != NULL ? chio_attest_policy_digest(q->policy, digest) : CHIO_ATTEST_OK;
  put_bytes(out, digest, sizeof digest);
  chio_buf_append_u64be(out, q->collateral != NULL ? chio_collateral_state(q->collateral) : 0);
  put_bytes(out, q->root, q->root_len);
  put_bytes(out, q->key, q->key_len);
  put_bytes(out, q->report_data, q->report_data_len);
  put_binding(out, q->binding);
  return code;
}

static int hash_buf(const struct chio_buf *bytes, uint8_t out[CHIO_SHA256_SIZE]) {
  enum chio_err err = chio_buf_err(bytes);
  if (err == CHIO_OK) err = chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(bytes), out);
  if (err == CHIO_E_NO_MEMORY) return CHIO_ATTEST_E_NO_MEMORY;
  return err == CHIO_OK ? CHIO_ATTEST_OK : CHIO_ATTEST_E_INTERNAL;
}

static int name_of_request(const struct chio_attest_request *q, uint8_t out[CHIO_SHA256_SIZE]) {
  struct chio_buf bytes = CHIO_BUF_INIT;
  int code = put_context(&bytes, q);
  put_bytes(&bytes, q->evidence, q->evidence_len);
  if (code == CHIO_ATTEST_OK) code = hash_buf(&bytes, out);
  chio_buf_clear(&bytes);
  return code;
}

static int name_of_evidence(const struct chio_attest_request *q, const struct chio_attest_result *r,
                            uint8_t out[CHIO_SHA256_SIZE]) {
  struct chio_buf bytes = CHIO_BUF_INIT;
  int code = put_context(&bytes, q);
  put_bytes(&bytes, r->replay_id, sizeof r->replay_id);
  put_bytes(&bytes, r->key_spki, r->key_spki_len);
  put_bytes(&bytes, r->statement_json, r->statement_json != NULL ? strlen(r->statement_json) : 0);
  if (code == CHIO_ATTEST_OK) code = hash_buf(&bytes, out);
  chio_buf_clear(&bytes);
  return code;
}

/* ---- Entries; the lock is held ---- */

static struct chio_attest_result *find(struct chio_attest_cache *cache, const uint8_t asked[CHIO_SHA256_SIZE],
                                       int64_t at) {
  for (size_t i = 0; i < cache->size; i++) {
    struct entry *e = &cache->entries[i];
    if (e->result == NULL || memcmp(e->asked, asked, sizeof e->asked) != 0) continue;
    if (at < e->from || at > e->until) return NULL;
    e->used = ++cache->clock;
    return chio_result_ref(e->result);
  }
  return NULL;
}

/* The place of the same evidence, else a free one, else the one that was of no use for longest. */
static struct entry *place_for(struct chio_attest_cache *cache, const uint8_t name[CHIO_SHA256_SIZE]) {
  struct entry *best = &cache->entries[0];
  for (size_t i = 0; i < cache->size; i++) {
    struct entry *e = &cache->entries[i];
    if (e->result != NULL && memcmp(e->name, name, sizeof e->name) == 0) return e;
    if (best->result != NULL && (e->result == NULL || e->used < best->used)) best = e;
  }
  if (best->result != NULL) cache->stats.evicted++;
  return best;
}

/* Until when the judgement holds: it says so itself, evidence grows too old for the policy, and we keep none longer. */
static int64_t holds_until(const struct chio_attest_cache *cache, const struct chio_attest_request *q,
                           const struct chio_attest_result *r) {
  int64_t until = q->at + cache->max_age;
  if (r->window_until < until) until = r->window_until;
  for (const struct chio_attest_policy *p = q->policy; p != NULL; p = p->previous) {
    if (p->max_age >= 0 && r->evidence_time + p->max_age < until) until = r->evidence_time + p->max_age;
  }
  return until;
}

static void keep(struct chio_attest_cache *cache, const struct chio_attest_request *q, struct chio_attest_result *r,
                 const uint8_t asked[CHIO_SHA256_SIZE]) {
  static const uint8_t nameless[sizeof r->replay_id];
  uint8_t name[CHIO_SHA256_SIZE];
  int64_t until = holds_until(cache, q, r);
  if (!r->accepted || until < q->at || memcmp(r->replay_id, nameless, sizeof nameless) == 0) return;
  if (name_of_evidence(q, r, name) != CHIO_ATTEST_OK) return; /* a cache that stays empty is a cache */
  (void)pthread_mutex_lock(&cache->lock);
  struct entry *e = place_for(cache, name);
  struct chio_attest_result *old = e->result;
  *e = (struct entry){.result = chio_result_ref(r), .from = q->at, .until = until, .used = ++cache->clock};
  memcpy(e->asked, asked, sizeof e->asked);
  memcpy(e->name, name, sizeof e->name);
  (void)pthread_mutex_unlock(&cache->lock);
  chio_attest_result_free(old);
}

/* ---- The public functions ---- */

int chio_attest_cache_verify(struct chio_attest_cache *cache, const struct chio_attest_request *request,
                             struct chio_attest_result **out_result, struct chio_attest_message *message) {
  uint8_t asked[CHIO_SHA256_SIZE];
  if (cache == NULL || request == NULL || out_result == NULL) return CHIO_ATTEST_E_ARGUMENT;
  bool sound = request->evidence != NULL && chio_request_fault(request) == NULL;
  /* What answers a nonce is fresh once: it is judged each time, and whoever gave the nonce sees that it comes twice. */
  bool once = request->nonce_len > 0 || request->challenges != NULL || request->seen != NULL;
  if (!sound || once) return chio_attest_verify(request, out_result, message);
  int code = name_of_request(request, asked);
  if (code != CHIO_ATTEST_OK) return code;
  (void)pthread_mutex_lock(&cache->lock);
  struct chio_attest_result *known = find(cache, asked, request->at);
  if (known != NULL)
    cache->stats.hits++;
  else
    cache->stats.misses++;
  (void)pthread_mutex_unlock(&cache->lock);
  if (known != NULL) {
    *out_result = known;
    return CHIO_ATTEST_OK;
  }
  code = chio_attest_verify(request, out_result, message);
  if (code == CHIO_ATTEST_OK) keep(cache, request, *out_result, asked);
  return code;
}

void chio_attest_cache_clear(struct chio_attest_cache *cache) {
  if (cache == NULL) return;
  (void)pthread_mutex_lock(&cache->lock);
  for (size_t i = 0; i < cache->size; i++) {
    chio_attest_result_free(cache->entries[i].result);
    cache->entries[i] = (struct entry){.result = NULL};
  }
  (void)pthread_mutex_unlock(&cache->lock);
}

void chio_attest_cache_stats_get(struct chio_attest_cache *cache, struct chio_attest_cache_stats *out) {
  if (out == NULL) return;
  *out = (struct chio_attest_cache_stats){.hits = 0};
  if (cache == NULL) return;
  (void)pthread_mutex_lock(&cache->lock);
  *out = cache->stats;
  for (size_t i = 0; i < cache->size; i++) out->entries += cache->entries[i].result != NULL;
  (void)pthread_mutex_unlock(&cache->lock);
}
