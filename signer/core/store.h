/*
 * The sealed store: one SQLite file in the state folder. Object rows hold attributes in the clear and a sealed secret
 * part; all attributes are the AAD, with unique id, row version and token epoch, so that nothing can be swapped,
 * downgraded or half-written unseen. Finding goes over indices, never over all rows; opening does not depend on the
 * number of objects. Thread-safe.
 *
 * Whole-token integrity: the sealed token row keeps a keyed set hash over (unique id, version) of all its rows, changed
 * in the same transaction. chio_store_audit compares it with the rows, in the background after start.
 */
#ifndef CHIO_CORE_STORE_H
#define CHIO_CORE_STORE_H

#include "signer/base/buf.h"
#include "signer/base/secret.h"
#include "signer/core/seal.h"
#include "signer/wire/attrs.h"
#include "signer/wire/uid.h"

struct chio_store;

/* Opens or creates DIR/store.sqlite (0600) with WAL, synchronous=FULL. CHIO_E_STORE_READ_ONLY, CHIO_E_STORE_CORRUPT,
 * CHIO_E_IO, CHIO_E_STORE_FULL, CHIO_E_SEAL (sealed under another root), CHIO_E_VERSION (a newer schema). The seal
 * stays the caller's and outlives the store. */
CHIO_MUST_CHECK enum chio_err chio_store_open(const char *dir, struct chio_seal *seal, struct chio_store **out_store,
                                              struct chio_detail *detail);
void chio_store_close(struct chio_store *store); /* NULL is accepted */

/* ---- Tokens ---- */

#define CHIO_STORE_USERS 2u /* SO, user: the plain ones; named users come in rows of their own later */

struct chio_token_row {
  uint32_t slot;
  bool initialized;
  char label[33];  /* UTF-8, NUL-terminated */
  char serial[17]; /* 16 hex characters, made at first sight of the slot */
  uint64_t epoch;  /* grows at every initialisation */
};

/* A slot that was never seen gets a row (not initialised). */
CHIO_MUST_CHECK enum chio_err chio_store_token_load(struct chio_store *store, uint32_t slot,
                                                    struct chio_token_row *out_row, struct chio_detail *detail);
/* Destroys all objects and users of the slot, raises the epoch, sets label and initialized; one transaction. */
CHIO_MUST_CHECK enum chio_err chio_store_token_init(struct chio_store *store, uint32_t slot, const char *label,
                                                    struct chio_token_row *out_row, struct chio_detail *detail);

/* ---- Users ---- */

struct chio_user_row {
  uint32_t slot;
  uint32_t user;       /* enum chio_user: SO or USER */
  uint8_t salt[16];
  uint8_t verifier[32]; /* Argon2id of the PIN */
  uint64_t ops, memory; /* its cost */
  uint32_t failures;    /* consecutive wrong PINs */
  uint64_t not_before;  /* seconds since the epoch: no try before */
  bool locked;
  uint64_t pin_epoch;   /* grows when the PIN changes: ends tickets */
};

/* CHIO_E_PIN_UNINITIALIZED when there is no row. */
CHIO_MUST_CHECK enum chio_err chio_store_user_load(struct chio_store *store, uint32_t slot, uint32_t user,
                                                   struct chio_user_row *out_row);
/* Writes the row and waits until it is on the disk. */
CHIO_MUST_CHECK enum chio_err chio_store_user_save(struct chio_store *store, const struct chio_user_row *row,
                                                   struct chio_detail *detail);

/* Tickets ended by LOGOUT before their time. Old ones (ends < now) are dropped on the way. */
CHIO_MUST_CHECK enum chio_err chio_store_ticket_revoke(struct chio_store *store, const uint8_t id[16], uint64_t ends);
bool chio_store_ticket_revoked(struct chio_store *store, const uint8_t id[16]);

/* ---- Objects ---- */

struct chio_object_row {
  uint32_t slot;
  struct chio_uid uid;
  uint64_t version;        /* 1 at first, grows with each save */
  struct chio_attrs attrs; /* all readable attributes, wire form */
  struct chio_slice secret; /* what is sealed: private bytes; empty for public objects */
};

/* Inserts rows (a key pair and its evidence objects) in one transaction: all or none. index columns (class, key type,
 * id, label, private) are taken from attrs. CHIO_E_STORE_FULL, CHIO_E_STORE_READ_ONLY, CHIO_E_IO. */
CHIO_MUST_CHECK enum chio_err chio_store_objects_insert(struct chio_store *store, const struct chio_object_row *rows,
                                                        size_t count, struct chio_detail *detail);
/* The same, and rows replaced on the way, each as chio_store_object_update does it: all or none. At least one row; all
 * of one slot. */
CHIO_MUST_CHECK enum chio_err chio_store_objects_put(struct chio_store *store, const struct chio_object_row *added,
                                                     size_t added_count, const struct chio_object_row *changed,
                                                     size_t changed_count, struct chio_detail *detail);
/* Replaces attrs of one row; version must be that of the row and is raised. The secret part is sealed anew.
 * CHIO_E_OBJECT_UNKNOWN; CHIO_E_BUSY when the row has another version: it was changed meanwhile. */
CHIO_MUST_CHECK enum chio_err chio_store_object_update(struct chio_store *store, const struct chio_object_row *row,
                                                       struct chio_detail *detail);
/* CHIO_E_OBJECT_UNKNOWN. A damaged row can be deleted. */
CHIO_MUST_CHECK enum chio_err chio_store_object_delete(struct chio_store *store, uint32_t slot,
                                                       const struct chio_uid *uid, struct chio_detail *detail);

/* One row. The attrs borrow from attrs_holder; the secret part is in *out_secret (NULL when there is none).
 * CHIO_E_OBJECT_UNKNOWN; CHIO_E_STORE_CORRUPT when the seal does not fit (detail names the object). */
CHIO_MUST_CHECK enum chio_err chio_store_object_load(struct chio_store *store, uint32_t slot,
                                                     const struct chio_uid *uid, struct chio_object_row *out_row,
                                                     struct chio_buf *attrs_holder, struct chio_secret **out_secret,
                                                     struct chio_detail *detail);

/* A page of unique ids in order of creation, after the given row number (0: from the start). Only what the index
 * columns can say is matched (class, key type, id, label, unique id, private, private <= see_private; every row is a
 * token object); the caller checks the rest on the loaded objects. exact is false when the template has more than
 * that. */
struct chio_store_found {
  struct chio_uid uid;
  uint64_t row;
};
CHIO_MUST_CHECK enum chio_err chio_store_objects_find(struct chio_store *store, uint32_t slot, struct chio_attrs templ,
                                                      bool see_private, uint64_t after, struct chio_store_found *out,
                                                      size_t max, size_t *out_count, bool *out_exact);

/* As above: the rows whose attributes hold these bytes, wherever. Reads every row of the slot: for what is rare. */
CHIO_MUST_CHECK enum chio_err chio_store_objects_holding(struct chio_store *store, uint32_t slot,
                                                         struct chio_slice bytes, uint64_t after,
                                                         struct chio_store_found *out, size_t max, size_t *out_count);

uint64_t chio_store_objects_count(struct chio_store *store, uint32_t slot);

/* ---- Boot evidence: stored once a run, shared by the keys born in it ---- */

/* Bytes under a name ("boot/<hex>"), sealed like objects. Putting replaces; CHIO_E_NOT_FOUND from get. */
CHIO_MUST_CHECK enum chio_err chio_store_blob_put(struct chio_store *store, const char *name, struct chio_slice bytes,
                                                  struct chio_detail *detail);
CHIO_MUST_CHECK enum chio_err chio_store_blob_get(struct chio_store *store, const char *name, struct chio_buf *out);

/* Compares all rows of a slot with its set hash. CHIO_E_STORE_CORRUPT: rows were removed, added or rolled back. */
CHIO_MUST_CHECK enum chio_err chio_store_audit(struct chio_store *store, uint32_t slot, struct chio_detail *detail);

#endif
