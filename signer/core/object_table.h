/*
 * The objects that are in memory: a bounded cache over the store, and those that live nowhere else (session objects,
 * token objects of lifetime boot). Lookups take one reader lock of one shard; nothing here waits for the disk but a
 * miss.
 */
#ifndef CHIO_CORE_OBJECT_TABLE_H
#define CHIO_CORE_OBJECT_TABLE_H

#include "signer/core/object.h"
#include "signer/core/store.h"

/* What lives in memory alone, of all clients together. */
#define CHIO_MEMORY_OBJECTS_MAX 16384u
#define CHIO_MEMORY_BYTES_MAX (64u * 1024u * 1024u) /* of attributes */

struct chio_object_table;

/* cached: how many objects of the store are kept, at most. */
CHIO_MUST_CHECK enum chio_err chio_object_table_new(struct chio_store *store, uint32_t cached,
                                                    struct chio_object_table **out_table);
void chio_object_table_free(struct chio_object_table *table);

/* The object of that name in that slot, with a reference for the caller. with_key: it will be used, so open its key on
 * the way. CHIO_E_OBJECT_UNKNOWN, CHIO_E_STORE_CORRUPT, CHIO_E_IO, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_object_table_get(struct chio_object_table *table, uint32_t slot,
                                                    const struct chio_uid *uid, bool with_key,
                                                    struct chio_object **out_object, struct chio_detail *detail);
/* As above where the object is in memory already; NULL where it is not. */
struct chio_object *chio_object_table_peek(struct chio_object_table *table, uint32_t slot, const struct chio_uid *uid);

/* The object's key, opened when it was not yet; borrowed from the object. CHIO_E_OBJECT_UNKNOWN when it was destroyed
 * meanwhile or is no key. */
CHIO_MUST_CHECK enum chio_err chio_object_table_key(struct chio_object_table *table, struct chio_object *object,
                                                    struct chio_key **out_key, struct chio_detail *detail);

/* Whether one more object with that many bytes of attributes may live in memory alone. */
bool chio_object_table_has_room(struct chio_object_table *table, size_t bytes);

/* Takes in an object that lives in memory alone (a reference of the table's own). */
void chio_object_table_add(struct chio_object_table *table, struct chio_object *object);
/* Puts the new version of an object in the place of the old one, after it was saved. */
void chio_object_table_replace(struct chio_object_table *table, struct chio_object *object);
/* Forgets an object, after it was deleted. */
void chio_object_table_remove(struct chio_object_table *table, const struct chio_uid *uid);

/* Forgets all objects of a slot, after they were deleted. */
void chio_object_table_forget_slot(struct chio_object_table *table, uint32_t slot);

/* Forgets those that live in memory alone and of which the filter says true; returns how many. Sets the bits of their
 * slots in out_slots. */
typedef bool chio_object_filter(const struct chio_object *object, const void *arg);
uint64_t chio_object_table_forget(struct chio_object_table *table, chio_object_filter *filter, const void *arg,
                                  uint64_t *out_slots, size_t slot_words);

/* Those that live in memory alone, in order of creation, after the given sequence number; with references. */
size_t chio_object_table_memory(struct chio_object_table *table, uint64_t after, struct chio_object **out, size_t max);

size_t chio_object_table_count(struct chio_object_table *table);

#endif
