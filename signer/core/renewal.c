#include "signer/core/renewal.h"

#include "signer/base/lifetime.h"
#include "signer/base/log.h"
#include "signer/base/text.h"
#include "signer/core/delegated.h"
#include "signer/core/delegation.h"

#include <stdlib.h>

#define RENEWALS_BLOB "delegations" /* u32 slot, unique id, for each */
#define RENEWALS_MAX 4096u
#define AGAIN_SECONDS_MIN 30u
#define AGAIN_SECONDS_MAX 3600u

struct chio_renewal {
  uint32_t slot;
  struct chio_uid uid;
  bool stored; /* a key of the store: kept over a restart */
  uint64_t due;
  uint64_t round; /* in which it was last served: once in each */
};

struct chio_renewals {
  struct chio_renewal *list;
  size_t count, room;
  uint64_t round;
  bool loaded;
};

/* ---- The list. Under core->renewals_lock. ---- */

static enum chio_err put(struct chio_renewals *r, const struct chio_renewal *entry) {
  for (size_t i = 0; i < r->count; i++) {
    if (r->list[i].slot != entry->slot || !chio_uid_equal(&r->list[i].uid, &entry->uid)) continue;
    uint64_t round = r->list[i].round;
    r->list[i] = *entry;
    r->list[i].round = round;
    return CHIO_OK;
  }
  if (r->count == RENEWALS_MAX) return CHIO_E_STORE_FULL;
  if (r->count == r->room) {
    size_t room = r->room > 0 ? 2 * r->room : 16;
    struct chio_renewal *more = realloc(r->list, room * sizeof *more);
    if (more == NULL) return CHIO_E_NO_MEMORY;
    r->list = more;
    r->room = room;
  }
  r->list[r->count++] = *entry;
  return CHIO_OK;
}

static enum chio_err load(struct chio_core *core) {
  struct chio_buf blob = CHIO_BUF_INIT;
  struct chio_renewals *r = core->renewals;
  if (r->loaded) return CHIO_OK;
  enum chio_err err = chio_store_blob_get(core->store, RENEWALS_BLOB, &blob);
  if (err == CHIO_E_NOT_FOUND) err = CHIO_OK;
  struct chio_cursor c = chio_cursor(chio_buf_slice(&blob));
  struct chio_renewal entry = {.stored = true};
  struct chio_slice uid;
  while (err == CHIO_OK && c.left > 0) {
    err = chio_cursor_u32le(&c, &entry.slot);
    if (err == CHIO_OK) err = chio_cursor_bytes(&c, CHIO_UID_SIZE, &uid);
    if (err != CHIO_OK) break;
    memcpy(entry.uid.b, uid.data, CHIO_UID_SIZE);
    err = put(r, &entry);
  }
  chio_buf_clear(&blob);
  r->loaded = err == CHIO_OK;
  return err;
}

static enum chio_err save(struct chio_core *core) {
  struct chio_buf blob = CHIO_BUF_INIT;
  const struct chio_renewals *r = core->renewals;
  for (size_t i = 0; i < r->count; i++) {
    if (!r->list[i].stored) continue;
    chio_buf_append_u32le(&blob, r->list[i].slot);
    chio_buf_append(&blob, r->list[i].uid.b, CHIO_UID_SIZE);
  }
  enum chio_err err = chio_buf_err(&blob);
  if (err == CHIO_OK) err = chio_store_blob_put(core->store, RENEWALS_BLOB, chio_buf_slice(&blob), NULL);
  chio_buf_clear(&blob);
  return err;
}

static enum chio_err open_list(struct chio_core *core) {
  if (core->renewals == NULL) core->renewals = calloc(1, sizeof *core->renewals);
  return core->renewals != NULL ? load(core) : CHIO_E_NO_MEMORY;
}

enum chio_err chio_renewals_add(struct chio_core *core, const struct chio_object *key, uint64_t not_after,
                                uint64_t seconds) {
  struct chio_renewal entry = {
      .slot = key->slot, .uid = key->uid, .stored = !key->in_memory, .due = not_after - chio_lifetime_ahead(seconds)};
  (void)pthread_mutex_lock(&core->renewals_lock);
  enum chio_err err = open_list(core);
  if (err == CHIO_OK) err = put(core->renewals, &entry);
  if (err == CHIO_OK && entry.stored) err = save(core);
  (void)pthread_mutex_unlock(&core->renewals_lock);
  return err;
}

/* Zero when the list cannot be read. */
static uint64_t begin_round(struct chio_core *core) {
  (void)pthread_mutex_lock(&core->renewals_lock);
  uint64_t round = open_list(core) == CHIO_OK ? ++core->renewals->round : 0;
  (void)pthread_mutex_unlock(&core->renewals_lock);
  return round;
}

/* One that is due and was not served in this round, whatever the clock says meanwhile; false when there is none. */
static bool take_due(struct chio_core *core, uint64_t round, uint64_t now, struct chio_renewal *out) {
  bool found = false;
  (void)pthread_mutex_lock(&core->renewals_lock);
  for (size_t i = 0; !found && i < core->renewals->count; i++) {
    struct chio_renewal *entry = &core->renewals->list[i];
    if (entry->due > now || entry->round == round) continue;
    entry->due = now + AGAIN_SECONDS_MIN;
    entry->round = round;
    *out = *entry;
    found = true;
  }
  (void)pthread_mutex_unlock(&core->renewals_lock);
  return found;
}

static void drop(struct chio_core *core, const struct chio_renewal *entry) {
  (void)pthread_mutex_lock(&core->renewals_lock);
  struct chio_renewals *r = core->renewals;
  for (size_t i = 0; i < r->count; i++) {
    if (r->list[i].slot != entry->slot || !chio_uid_equal(&r->list[i].uid, &entry->uid)) continue;
    r->list[i] = r->list[--r->count];
    if (entry->stored && save(core) != CHIO_OK)
      chio_log(CHIO_LOG_WARNING, "delegation.list", "the list of delegations cannot be written");
    break;
  }
  (void)pthread_mutex_unlock(&core->renewals_lock);
}

static void put_off(struct chio_core *core, const struct chio_renewal *entry, uint64_t due) {
  struct chio_renewal later = *entry;
  later.due = due;
  (void)pthread_mutex_lock(&core->renewals_lock);
  /* The entry is there: nothing is allocated. */
  (void)put(core->renewals, &later);
  (void)pthread_mutex_unlock(&core->renewals_lock);
}

/* ---- One renewal ---- */

static enum chio_err renew(struct chio_core *core, struct chio_slot *slot, const struct chio_delegate_request *order,
                           struct chio_detail *detail) {
  struct chio_delegation made = {.chain = CHIO_BUF_INIT, .link = CHIO_BUF_INIT};
  struct chio_slot *issuer_slot = chio_core_slot(core, order->issuer_slot);
  struct chio_call call, issuer_call;
  if (issuer_slot == NULL)
    return chio_fail(detail, CHIO_E_SLOT_UNKNOWN, "the issuer's slot %u is gone", order->issuer_slot);
  chio_call_own(core, slot, &call);
  chio_call_own(core, issuer_slot, &issuer_call);
  enum chio_err err = chio_delegate(&call, &issuer_call, order, &made);
  if (err != CHIO_OK) *detail = call.detail;
  chio_delegation_clear(&made);
  return err;
}

static void say(const struct chio_object *key, enum chio_err err, const char *why, uint64_t now, uint64_t not_after) {
  if (err == CHIO_OK) {
    chio_log(CHIO_LOG_NOTICE, "delegation.renewed", "a delegation was renewed", CHIO_F_STR("key", key->label));
    return;
  }
  bool over = now >= not_after;
  chio_log(over ? CHIO_LOG_ERROR : CHIO_LOG_WARNING, "delegation.not_renewed",
           over ? "a delegation has ended and could not be renewed; the key itself goes on"
                : "a delegation could not be renewed; the one at hand is good until its end",
           CHIO_F_STR("key", key->label), CHIO_F_STR("error", chio_err_name(err)), CHIO_F_STR("detail", why),
           CHIO_F_UINT("ends", not_after));
}

static uint64_t again(uint64_t seconds) {
  uint64_t wait = seconds / 20;
  if (wait < AGAIN_SECONDS_MIN) return AGAIN_SECONDS_MIN;
  return wait < AGAIN_SECONDS_MAX ? wait : AGAIN_SECONDS_MAX;
}

static void serve(struct chio_core *core, const struct chio_renewal *entry, uint64_t now) {
  CHIO_AUTO(chio_object) struct chio_object *object = NULL;
  struct chio_delegate_request order;
  struct chio_detail detail = {""};
  uint64_t not_after;
  struct chio_slot *slot = chio_core_slot(core, entry->slot);
  enum chio_err err = slot != NULL ? chio_object_table_get(core->objects, entry->slot, &entry->uid, true, &object, NULL)
                                   : CHIO_E_OBJECT_UNKNOWN;
  if (err == CHIO_E_OBJECT_UNKNOWN || (err == CHIO_OK && !chio_delegation_order_of(object, &order, &not_after))) {
    drop(core, entry);
    return;
  }
  if (err != CHIO_OK) return;
  if (chio_key_state_is_over(object->state)) {
    chio_log(CHIO_LOG_NOTICE, "delegation.ended", "a delegation is not renewed any more: its key is out of use",
             CHIO_F_STR("key", object->label), CHIO_F_STR("state", chio_key_state_name(object->state)));
    drop(core, entry);
    return;
  }
  /* A key that is active again gets what it missed in the next round. */
  if (object->state != CHIO_KEY_ACTIVE) return;
  /* After a start, when a delegation ends stands only with its key. */
  uint64_t due = not_after - chio_lifetime_ahead(order.seconds);
  if (now < due) {
    put_off(core, entry, due);
    return;
  }
  err = renew(core, slot, &order, &detail);
  say(object, err, detail.text, now, not_after);
  if (err != CHIO_OK) put_off(core, entry, now + again(order.seconds));
}

void chio_renewals_round(struct chio_core *core, uint64_t now) {
  struct chio_renewal entry;
  uint64_t round = core->config.read_only ? 0 : begin_round(core);
  if (round == 0) return;
  while (!atomic_load(&core->closing) && take_due(core, round, now, &entry)) serve(core, &entry, now);
}

void chio_renewals_close(struct chio_core *core) {
  if (core->renewals != NULL) free(core->renewals->list);
  free(core->renewals);
}
