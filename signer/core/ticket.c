#include "signer/core/user_db.h"

#include <sodium.h>
#include <time.h>

#define CONTEXT_LIFETIME 60u /* seconds */
#define PLAIN_SIZE (4u + 4u + CHIO_UID_SIZE + 16u + 8u + 8u + 8u)

static const char aad[] = "ticket v1";

/* ---- u32 slot, u32 user, key, id, u64 ends, u64 token epoch, u64 PIN epoch ---- */

static void encode(const struct chio_ticket *ticket, struct chio_buf *out) {
  chio_buf_append_u32le(out, ticket->slot);
  chio_buf_append_u32le(out, ticket->user);
  chio_buf_append(out, ticket->key.b, sizeof ticket->key.b);
  chio_buf_append(out, ticket->id, sizeof ticket->id);
  chio_buf_append_u64le(out, ticket->ends);
  chio_buf_append_u64le(out, ticket->token_epoch);
  chio_buf_append_u64le(out, ticket->pin_epoch);
}

static bool decode(struct chio_slice bytes, struct chio_ticket *out) {
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_slice key, id;
  if (bytes.len != PLAIN_SIZE) return false;
  if (chio_cursor_u32le(&c, &out->slot) != CHIO_OK || chio_cursor_u32le(&c, &out->user) != CHIO_OK) return false;
  if (chio_cursor_bytes(&c, sizeof out->key.b, &key) != CHIO_OK) return false;
  if (chio_cursor_bytes(&c, sizeof out->id, &id) != CHIO_OK) return false;
  if (chio_cursor_u64le(&c, &out->ends) != CHIO_OK || chio_cursor_u64le(&c, &out->token_epoch) != CHIO_OK)
    return false;
  if (chio_cursor_u64le(&c, &out->pin_epoch) != CHIO_OK) return false;
  memcpy(out->key.b, key.data, key.len);
  memcpy(out->id, id.data, id.len);
  return true;
}

static enum chio_err unseal(const struct chio_users *users, struct chio_slice sealed, struct chio_ticket *out_ticket) {
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  if (sealed.len > CHIO_TICKET_MAX) return CHIO_E_TICKET_INVALID;
  enum chio_err err = chio_seal_decrypt(users->ticket_key, chio_slice_str(aad), sealed, &plain);
  if (err == CHIO_E_NO_MEMORY) return err;
  if (err != CHIO_OK || !decode(chio_secret_slice(plain), out_ticket)) return CHIO_E_TICKET_INVALID;
  return CHIO_OK;
}

/* ---- Issuing ---- */

static enum chio_err fill(struct chio_users *users, uint32_t slot, uint32_t user, const struct chio_uid *key,
                          struct chio_ticket *ticket, uint64_t *out_lifetime) {
  struct chio_token_row token;
  struct chio_user_row row;
  uint32_t row_user;
  bool context = user == CHIO_USER_CONTEXT;
  enum chio_err err = chio_users_row_of(user, &row_user);
  if (err == CHIO_OK) err = chio_store_token_load(users->store, slot, &token, NULL);
  if (err == CHIO_OK) err = chio_users_load(users, slot, row_user, &row);
  if (err != CHIO_OK) return err;
  if (context && key == NULL) return CHIO_E_ARGUMENT;
  *out_lifetime = context ? CONTEXT_LIFETIME : users->config.ticket_lifetime;
  *ticket = (struct chio_ticket){.slot = slot,
                                 .user = user,
                                 .ends = (uint64_t)time(NULL) + *out_lifetime,
                                 .token_epoch = token.epoch,
                                 .pin_epoch = row.pin_epoch};
  if (!context) {
    randombytes_buf(ticket->id, sizeof ticket->id);
    return CHIO_OK;
  }
  ticket->key = *key;
  (void)pthread_mutex_lock(&users->small);
  chio_contexts_issue(&users->contexts, ticket->id);
  (void)pthread_mutex_unlock(&users->small);
  return CHIO_OK;
}

enum chio_err chio_users_ticket_issue(struct chio_users *users, uint32_t slot, uint32_t user,
                                      const struct chio_uid *key, uint8_t out[CHIO_TICKET_MAX], size_t *out_len,
                                      uint64_t *out_lifetime) {
  struct chio_ticket ticket;
  struct chio_buf plain = CHIO_BUF_INIT, sealed = CHIO_BUF_INIT;
  uint64_t lifetime;
  enum chio_err err = fill(users, slot, user, key, &ticket, &lifetime);
  if (err != CHIO_OK) return err;
  encode(&ticket, &plain);
  err = chio_buf_err(&plain);
  if (err == CHIO_OK)
    err = chio_seal_encrypt(users->ticket_key, chio_slice_str(aad), chio_buf_slice(&plain), &sealed);
  if (err == CHIO_OK && sealed.len > CHIO_TICKET_MAX) err = CHIO_E_INTERNAL;
  if (err == CHIO_OK) {
    memcpy(out, sealed.data, sealed.len);
    *out_len = sealed.len;
    *out_lifetime = lifetime;
  }
  if (sealed.data != NULL) chio_wipe(sealed.data, sealed.len);
  chio_buf_clear(&plain);
  chio_buf_clear(&sealed);
  return err;
}

/* ---- Opening ---- */

static bool is_spent(struct chio_users *users, const struct chio_ticket *ticket) {
  if (ticket->user != CHIO_USER_CONTEXT) return chio_store_ticket_revoked(users->store, ticket->id);
  (void)pthread_mutex_lock(&users->small);
  bool open = chio_contexts_is_open(&users->contexts, ticket->id);
  (void)pthread_mutex_unlock(&users->small);
  return !open;
}

static enum chio_err check(struct chio_users *users, const struct chio_ticket *ticket) {
  struct chio_token_row token;
  struct chio_user_row row;
  uint32_t row_user;
  if ((uint64_t)time(NULL) >= ticket->ends) return CHIO_E_TICKET_INVALID;
  if (chio_users_row_of(ticket->user, &row_user) != CHIO_OK) return CHIO_E_TICKET_INVALID;
  enum chio_err err = chio_store_token_load(users->store, ticket->slot, &token, NULL);
  if (err != CHIO_OK) return err;
  if (token.epoch != ticket->token_epoch) return CHIO_E_TICKET_INVALID;
  err = chio_users_load(users, ticket->slot, row_user, &row);
  if (err == CHIO_E_PIN_UNINITIALIZED) return CHIO_E_TICKET_INVALID;
  if (err != CHIO_OK) return err;
  if (row.pin_epoch != ticket->pin_epoch) return CHIO_E_TICKET_INVALID;
  return is_spent(users, ticket) ? CHIO_E_TICKET_INVALID : CHIO_OK;
}

enum chio_err chio_users_ticket_open(struct chio_users *users, struct chio_slice sealed,
                                     struct chio_ticket *out_ticket) {
  struct chio_ticket ticket;
  enum chio_err err = unseal(users, sealed, &ticket);
  if (err == CHIO_OK) err = check(users, &ticket);
  if (err == CHIO_OK) *out_ticket = ticket;
  return err;
}

/* ---- Ending ---- */

enum chio_err chio_users_ticket_end(struct chio_users *users, struct chio_slice sealed) {
  struct chio_ticket ticket;
  enum chio_err err = unseal(users, sealed, &ticket);
  if (err != CHIO_OK) return err;
  err = check(users, &ticket);
  if (err == CHIO_E_TICKET_INVALID) return CHIO_OK;
  if (err == CHIO_OK && ticket.user == CHIO_USER_CONTEXT) return chio_users_context_use(users, &ticket);
  if (err == CHIO_OK) err = chio_store_ticket_revoke(users->store, ticket.id, ticket.ends);
  atomic_fetch_add(&users->generation, 1);
  return err;
}

enum chio_err chio_users_context_use(struct chio_users *users, const struct chio_ticket *ticket) {
  if (ticket->user != CHIO_USER_CONTEXT) return CHIO_E_TICKET_INVALID;
  (void)pthread_mutex_lock(&users->small);
  bool used = chio_contexts_use(&users->contexts, ticket->id);
  (void)pthread_mutex_unlock(&users->small);
  return used ? CHIO_OK : CHIO_E_TICKET_INVALID;
}
