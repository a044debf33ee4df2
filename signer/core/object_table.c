#include "signer/core/object_table.h"

#include <pthread.h>
#include <stdlib.h>

#define SHARDS 16u
#define BUCKETS 1024u /* a shard's */
#define LOAD_TRIES 4u /* loads of an object that is being changed at the same time */

struct shard {
  pthread_rwlock_t lock;
  struct chio_object *buckets[BUCKETS];
  size_t cached;    /* objects that may be dropped */
  size_t hand;      /* bucket where the last search for one to drop ended */
  uint64_t changes; /* grows when an object of the store changed: what was loaded before may be old */
} __attribute__((aligned(64)));

struct chio_object_table {
  struct chio_store *store;
  size_t cached_max;            /* of one shard */
  pthread_mutex_t key_lock;     /* opening keys */
  pthread_rwlock_t memory_lock; /* the list below; taken after a shard's lock */
  struct chio_object *memory_first, *memory_last;
  uint64_t sequence;
  size_t memory_count, memory_bytes;
  struct shard shards[SHARDS];
};

enum chio_err chio_object_table_new(struct chio_store *store, uint32_t cached, struct chio_object_table **out_table) {
  struct chio_object_table *table = NULL;
  if (posix_memalign((void **)&table, 64, sizeof *table) != 0) return CHIO_E_NO_MEMORY;
  memset(table, 0, sizeof *table);
  table->store = store;
  table->cached_max = cached / SHARDS + 1;
  (void)pthread_mutex_init(&table->key_lock, NULL);
  (void)pthread_rwlock_init(&table->memory_lock, NULL);
  for (size_t i = 0; i < SHARDS; i++) (void)pthread_rwlock_init(&table->shards[i].lock, NULL);
  *out_table = table;
  return CHIO_OK;
}

void chio_object_table_free(struct chio_object_table *table) {
  if (table == NULL) return;
  for (size_t i = 0; i < SHARDS; i++) {
    for (size_t b = 0; b < BUCKETS; b++) {
      struct chio_object *next;
      for (struct chio_object *o = table->shards[i].buckets[b]; o != NULL; o = next) {
        next = o->next;
        chio_object_free(o);
      }
    }
    (void)pthread_rwlock_destroy(&table->shards[i].lock);
  }
  (void)pthread_rwlock_destroy(&table->memory_lock);
  (void)pthread_mutex_destroy(&table->key_lock);
  free(table);
}

/* Unique ids are random: their bytes are as good as any hash of them. */
static struct shard *shard_of(struct chio_object_table *table, const struct chio_uid *uid) {
  return &table->shards[uid->b[0] % SHARDS];
}

static struct chio_object **bucket_of(struct shard *shard, const struct chio_uid *uid) {
  return &shard->buckets[(uid->b[1] | (size_t)uid->b[2] << 8) % BUCKETS];
}

static struct chio_object **place_of(struct shard *shard, const struct chio_uid *uid) {
  struct chio_object **place = bucket_of(shard, uid);
  while (*place != NULL && !chio_uid_equal(&(*place)->uid, uid)) place = &(*place)->next;
  return place;
}

static void unlist(struct chio_object_table *table, struct chio_object *object) {
  (void)pthread_rwlock_wrlock(&table->memory_lock);
  if (object->memory_prev != NULL)
    object->memory_prev->memory_next = object->memory_next;
  else
    table->memory_first = object->memory_next;
  if (object->memory_next != NULL)
    object->memory_next->memory_prev = object->memory_prev;
  else
    table->memory_last = object->memory_prev;
  table->memory_count--;
  table->memory_bytes -= object->attrs.raw.len;
  (void)pthread_rwlock_unlock(&table->memory_lock);
}

static void list(struct chio_object_table *table, struct chio_object *object) {
  (void)pthread_rwlock_wrlock(&table->memory_lock);
  object->sequence = ++table->sequence;
  object->memory_prev = table->memory_last;
  if (table->memory_last != NULL)
    table->memory_last->memory_next = object;
  else
    table->memory_first = object;
  table->memory_last = object;
  table->memory_count++;
  table->memory_bytes += object->attrs.raw.len;
  (void)pthread_rwlock_unlock(&table->memory_lock);
}

/* The new version of an object takes the place of the old one among those in memory: a search under way meets it once.
 */
static void relist(struct chio_object_table *table, struct chio_object *old, struct chio_object *object) {
  (void)pthread_rwlock_wrlock(&table->memory_lock);
  object->sequence = old->sequence;
  object->memory_prev = old->memory_prev;
  object->memory_next = old->memory_next;
  *(old->memory_prev != NULL ? &old->memory_prev->memory_next : &table->memory_first) = object;
  *(old->memory_next != NULL ? &old->memory_next->memory_prev : &table->memory_last) = object;
  table->memory_bytes += object->attrs.raw.len;
  table->memory_bytes -= old->attrs.raw.len;
  (void)pthread_rwlock_unlock(&table->memory_lock);
}

/* Takes the object at the place out of the shard and drops the table's reference. Writer lock held. */
static void take_out(struct chio_object_table *table, struct shard *shard, struct chio_object **place) {
  struct chio_object *object = *place;
  *place = object->next;
  object->next = NULL;
  if (object->in_memory)
    unlist(table, object);
  else
    shard->cached--;
  chio_object_free(object);
}

/* The clock algorithm: whoever was not used since the hand last passed goes. Two rounds find one. */
static void drop_one(struct chio_object_table *table, struct shard *shard) {
  for (size_t step = 0; step < 2 * BUCKETS; step++) {
    shard->hand = (shard->hand + 1) % BUCKETS;
    for (struct chio_object **place = &shard->buckets[shard->hand]; *place != NULL; place = &(*place)->next) {
      if ((*place)->in_memory || atomic_exchange(&(*place)->used, false)) continue;
      take_out(table, shard, place);
      return;
    }
  }
}

/* Puts an object in, with a reference of the table's own. Writer lock held. */
static void put_in(struct chio_object_table *table, struct shard *shard, struct chio_object *object) {
  struct chio_object **bucket = bucket_of(shard, &object->uid);
  chio_object_ref(object);
  object->next = *bucket;
  *bucket = object;
  if (object->in_memory) {
    list(table, object);
  } else if (++shard->cached > table->cached_max) {
    drop_one(table, shard);
  }
}

struct chio_object *chio_object_table_peek(struct chio_object_table *table, uint32_t slot, const struct chio_uid *uid) {
  struct shard *shard = shard_of(table, uid);
  (void)pthread_rwlock_rdlock(&shard->lock);
  struct chio_object *object = *place_of(shard, uid);
  if (object != NULL && object->slot != slot) object = NULL;
  if (object != NULL) {
    chio_object_ref(object);
    /* Read before write: the line stays shared between the threads that use one key. */
    if (!atomic_load_explicit(&object->used, memory_order_relaxed)) atomic_store(&object->used, true);
  }
  (void)pthread_rwlock_unlock(&shard->lock);
  return object;
}

static enum chio_err open_key(const struct chio_object *object, const struct chio_secret *secret,
                              struct chio_key **out_key, struct chio_detail *detail) {
  struct chio_slice spki;
  enum chio_err err = CHIO_E_OBJECT_UNKNOWN;
  if (object->class == CKO_PRIVATE_KEY && secret != NULL)
    err = chio_key_from_private_bytes((uint32_t)object->key_type, chio_secret_slice(secret), out_key);
  else if ((object->class == CKO_PUBLIC_KEY || object->delegated) &&
           chio_attrs_find(object->attrs, CKA_PUBLIC_KEY_INFO, &spki))
    err = chio_key_from_spki(spki, out_key);
  if (err != CHIO_OK) return chio_fail(detail, err, "key '%s' cannot be opened: %s", object->label, chio_err_text(err));
  return CHIO_OK;
}

static enum chio_err load(struct chio_object_table *table, uint32_t slot, const struct chio_uid *uid, bool with_key,
                          struct chio_object **out_object, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_secret) struct chio_secret *secret = NULL;
  CHIO_AUTO(chio_object) struct chio_object *object = NULL;
  struct chio_object_row row;
  struct chio_key *key = NULL;
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_store_object_load(table->store, slot, uid, &row, holder, &secret, detail);
  if (err != CHIO_OK) return err;
  if ((err = chio_object_new(slot, uid, row.version, row.attrs, NULL, &object)) != CHIO_OK) return err;
  if (with_key && chio_object_is_key(object)) {
    if ((err = open_key(object, secret, &key, detail)) != CHIO_OK) return err;
    atomic_store_explicit(&object->key, key, memory_order_release);
  }
  *out_object = CHIO_STEAL(object);
  return CHIO_OK;
}

/* Publishes what was loaded, unless something in the shard changed since, or another thread was faster: then the
 * published one is handed out instead. False: load again. */
static bool publish(struct chio_object_table *table, struct shard *shard, uint64_t changes,
                    struct chio_object **object) {
  (void)pthread_rwlock_wrlock(&shard->lock);
  struct chio_object *there = *place_of(shard, &(*object)->uid);
  bool ok = there != NULL || shard->changes == changes;
  if (there != NULL) {
    chio_object_ref(there);
    chio_object_free(*object);
    *object = there;
  } else if (ok) {
    put_in(table, shard, *object);
  }
  (void)pthread_rwlock_unlock(&shard->lock);
  return ok;
}

static uint64_t changes_of(struct shard *shard) {
  (void)pthread_rwlock_rdlock(&shard->lock);
  uint64_t changes = shard->changes;
  (void)pthread_rwlock_unlock(&shard->lock);
  return changes;
}

enum chio_err chio_object_table_get(struct chio_object_table *table, uint32_t slot, const struct chio_uid *uid,
                                    bool with_key, struct chio_object **out_object, struct chio_detail *detail) {
  struct shard *shard = shard_of(table, uid);
  struct chio_object *object = chio_object_table_peek(table, slot, uid);
  for (unsigned i = 0; object == NULL && i < LOAD_TRIES; i++) {
    uint64_t changes = changes_of(shard);
    enum chio_err err = load(table, slot, uid, with_key, &object, detail);
    if (err != CHIO_OK) return err;
    if (publish(table, shard, changes, &object)) break;
    chio_object_free(CHIO_STEAL(object));
  }
  if (object == NULL) return chio_fail(detail, CHIO_E_BUSY, "the object changes too often to be read");
  *out_object = object;
  return CHIO_OK;
}

static enum chio_err open_late(struct chio_object_table *table, struct chio_object *object, struct chio_key **out_key,
                               struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_secret) struct chio_secret *secret = NULL;
  struct chio_object_row row;
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  if (object->class == CKO_PRIVATE_KEY) {
    enum chio_err err = chio_store_object_load(table->store, object->slot, &object->uid, &row, holder, &secret, detail);
    if (err != CHIO_OK) return err;
  }
  return open_key(object, secret, out_key, detail);
}

enum chio_err chio_object_table_key(struct chio_object_table *table, struct chio_object *object,
                                    struct chio_key **out_key, struct chio_detail *detail) {
  struct chio_key *key = atomic_load_explicit(&object->key, memory_order_acquire);
  if (key != NULL) {
    *out_key = key;
    return CHIO_OK;
  }
  (void)pthread_mutex_lock(&table->key_lock);
  enum chio_err err = CHIO_OK;
  key = atomic_load_explicit(&object->key, memory_order_acquire);
  if (key == NULL) err = open_late(table, object, &key, detail);
  if (err == CHIO_OK) atomic_store_explicit(&object->key, key, memory_order_release);
  (void)pthread_mutex_unlock(&table->key_lock);
  if (err == CHIO_OK) *out_key = key;
  return err;
}

bool chio_object_table_has_room(struct chio_object_table *table, size_t bytes) {
  (void)pthread_rwlock_rdlock(&table->memory_lock);
  bool has = table->memory_count < CHIO_MEMORY_OBJECTS_MAX && table->memory_bytes + bytes <= CHIO_MEMORY_BYTES_MAX;
  (void)pthread_rwlock_unlock(&table->memory_lock);
  return has;
}

void chio_object_table_add(struct chio_object_table *table, struct chio_object *object) {
  struct shard *shard = shard_of(table, &object->uid);
  (void)pthread_rwlock_wrlock(&shard->lock);
  put_in(table, shard, object);
  (void)pthread_rwlock_unlock(&shard->lock);
}

void chio_object_table_replace(struct chio_object_table *table, struct chio_object *object) {
  struct shard *shard = shard_of(table, &object->uid);
  (void)pthread_rwlock_wrlock(&shard->lock);
  shard->changes++;
  struct chio_object **place = place_of(shard, &object->uid);
  struct chio_object *old = *place;
  if (old != NULL && old->in_memory) {
    object->next = old->next;
    *place = chio_object_ref(object);
    relist(table, old, object);
    chio_object_free(old);
  } else {
    if (old != NULL) take_out(table, shard, place);
    put_in(table, shard, object);
  }
  (void)pthread_rwlock_unlock(&shard->lock);
}

void chio_object_table_remove(struct chio_object_table *table, const struct chio_uid *uid) {
  struct shard *shard = shard_of(table, uid);
  (void)pthread_rwlock_wrlock(&shard->lock);
  shard->changes++;
  struct chio_object **place = place_of(shard, uid);
  if (*place != NULL) take_out(table, shard, place);
  (void)pthread_rwlock_unlock(&shard->lock);
}

void chio_object_table_forget_slot(struct chio_object_table *table, uint32_t slot) {
  for (size_t i = 0; i < SHARDS; i++) {
    struct shard *shard = &table->shards[i];
    (void)pthread_rwlock_wrlock(&shard->lock);
    shard->changes++;
    for (size_t b = 0; b < BUCKETS; b++) {
      struct chio_object **place = &shard->buckets[b];
      while (*place != NULL) {
        if ((*place)->slot == slot)
          take_out(table, shard, place);
        else
          place = &(*place)->next;
      }
    }
    (void)pthread_rwlock_unlock(&shard->lock);
  }
}

/* Session objects are few: their list is walked, not the buckets. */
static bool next_match(struct chio_object_table *table, chio_object_filter *filter, const void *arg,
                       struct chio_uid *out_uid, uint32_t *out_slot) {
  bool found = false;
  (void)pthread_rwlock_rdlock(&table->memory_lock);
  for (struct chio_object *o = table->memory_first; o != NULL && !found; o = o->memory_next) {
    found = filter(o, arg);
    if (!found) continue;
    *out_uid = o->uid;
    *out_slot = o->slot;
  }
  (void)pthread_rwlock_unlock(&table->memory_lock);
  return found;
}

uint64_t chio_object_table_forget(struct chio_object_table *table, chio_object_filter *filter, const void *arg,
                                  uint64_t *out_slots, size_t slot_words) {
  struct chio_uid uid;
  uint32_t slot;
  uint64_t count = 0;
  while (next_match(table, filter, arg, &uid, &slot)) {
    chio_object_table_remove(table, &uid);
    if (slot / 64 < slot_words) out_slots[slot / 64] |= UINT64_C(1) << (slot % 64);
    count++;
  }
  return count;
}

size_t chio_object_table_memory(struct chio_object_table *table, uint64_t after, struct chio_object **out, size_t max) {
  size_t count = 0;
  (void)pthread_rwlock_rdlock(&table->memory_lock);
  for (struct chio_object *o = table->memory_first; o != NULL && count < max; o = o->memory_next)
    if (o->sequence > after) out[count++] = chio_object_ref(o);
  (void)pthread_rwlock_unlock(&table->memory_lock);
  return count;
}

size_t chio_object_table_count(struct chio_object_table *table) {
  size_t count = 0;
  for (size_t i = 0; i < SHARDS; i++) {
    (void)pthread_rwlock_rdlock(&table->shards[i].lock);
    count += table->shards[i].cached;
    (void)pthread_rwlock_unlock(&table->shards[i].lock);
  }
  (void)pthread_rwlock_rdlock(&table->memory_lock);
  count += table->memory_count;
  (void)pthread_rwlock_unlock(&table->memory_lock);
  return count;
}
