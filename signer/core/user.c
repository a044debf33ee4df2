#include "signer/core/user_db.h"

#include "signer/base/utf8.h"
#include "signer/wire/cryptoki.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#define DELAY_MAX_SHIFT 12u /* the longest delay is 4096 seconds */

enum chio_err chio_users_new(struct chio_store *store, struct chio_seal *seal, const struct chio_core_config *config,
                             struct chio_users **out_users) {
  struct chio_users *users = calloc(1, sizeof *users);
  if (users == NULL) return CHIO_E_NO_MEMORY;
  users->store = store;
  users->config = *config;
  users->pins = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  users->small = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  atomic_init(&users->generation, 1);
  chio_contexts_init(&users->contexts);
  enum chio_err err = chio_seal_derive(seal, "tickets v1", chio_slice(NULL, 0), &users->ticket_key);
  if (err == CHIO_OK) err = chio_secret_new(crypto_generichash_KEYBYTES, &users->known_key);
  if (err != CHIO_OK) {
    chio_users_free(users);
    return err;
  }
  randombytes_buf(users->known_key->data, users->known_key->len);
  *out_users = users;
  return CHIO_OK;
}

void chio_users_free(struct chio_users *users) {
  if (users == NULL) return;
  chio_secret_free(users->ticket_key);
  chio_secret_free(users->known_key);
  (void)pthread_mutex_destroy(&users->pins);
  (void)pthread_mutex_destroy(&users->small);
  chio_wipe(users->known, sizeof users->known);
  free(users);
}

enum chio_err chio_users_row_of(uint32_t user, uint32_t *out_row) {
  if (user != CHIO_USER_SO && user != CHIO_USER_USER && user != CHIO_USER_CONTEXT) return CHIO_E_USER_TYPE;
  *out_row = user == CHIO_USER_CONTEXT ? (uint32_t)CHIO_USER_USER : user;
  return CHIO_OK;
}

/* ---- PINs that were right in this run ---- */

static void known_hash(const struct chio_users *users, struct chio_slice pin, uint8_t out[32]) {
  crypto_generichash(out, 32, pin.data, pin.len, users->known_key->data, users->known_key->len);
}

static bool is_known(struct chio_users *users, const struct chio_token_row *token, const struct chio_user_row *row,
                     struct chio_slice pin) {
  uint8_t hash[32];
  known_hash(users, pin, hash);
  (void)pthread_mutex_lock(&users->small);
  const struct chio_known_pin *known = &users->known[row->slot][row->user];
  bool fresh = known->known && known->token_epoch == token->epoch && known->pin_epoch == row->pin_epoch;
  bool same = fresh && sodium_memcmp(hash, known->hash, sizeof hash) == 0;
  (void)pthread_mutex_unlock(&users->small);
  chio_wipe(hash, sizeof hash);
  return same;
}

static void remember(struct chio_users *users, const struct chio_token_row *token, const struct chio_user_row *row,
                     struct chio_slice pin) {
  struct chio_known_pin known = {.known = true, .token_epoch = token->epoch, .pin_epoch = row->pin_epoch};
  known_hash(users, pin, known.hash);
  (void)pthread_mutex_lock(&users->small);
  users->known[row->slot][row->user] = known;
  (void)pthread_mutex_unlock(&users->small);
  chio_wipe(&known, sizeof known);
}

/* ---- Checking ---- */

static enum chio_err hash_pin(const struct chio_user_row *row, struct chio_slice pin, uint8_t out[32]) {
  int failed = crypto_pwhash(out, 32, (const char *)pin.data, pin.len, row->salt, row->ops, (size_t)row->memory,
                             crypto_pwhash_ALG_ARGON2ID13);
  return failed == 0 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

static uint64_t now_seconds(void) {
  return (uint64_t)time(NULL);
}

/* What one more failure does to the row. Zero for a threshold means: never. */
static void count_failure(const struct chio_core_config *config, struct chio_user_row *row) {
  if (row->failures < UINT32_MAX) row->failures++;
  if (config->pin_failures_delay > 0 && row->failures >= config->pin_failures_delay) {
    uint32_t shift = row->failures - config->pin_failures_delay;
    row->not_before = now_seconds() + (1ull << (shift < DELAY_MAX_SHIFT ? shift : DELAY_MAX_SHIFT));
  }
  if (config->pin_failures_lock > 0 && row->failures >= config->pin_failures_lock) row->locked = true;
}

static enum chio_err check_open(const struct chio_user_row *row, struct chio_detail *detail) {
  uint64_t now = now_seconds();
  if (row->locked) return chio_fail(detail, CHIO_E_PIN_LOCKED, "the PIN is locked after %u failures", row->failures);
  if (now < row->not_before)
    return chio_fail(detail, CHIO_E_PIN_DELAY, "%u wrong PINs: the next try is possible in %llu s", row->failures,
                     (unsigned long long)(row->not_before - now));
  return CHIO_OK;
}

/* The counted way: the failure is on the disk before the comparison, and comes off it after. */
static enum chio_err compare_counted(struct chio_users *users, struct chio_user_row *row, struct chio_slice pin,
                                     struct chio_detail *detail) {
  uint8_t hash[32];
  count_failure(&users->config, row);
  enum chio_err err = chio_store_user_save(users->store, row, detail);
  if (err == CHIO_OK) err = hash_pin(row, pin, hash);
  if (err != CHIO_OK) return err;
  bool right = sodium_memcmp(hash, row->verifier, sizeof hash) == 0;
  chio_wipe(hash, sizeof hash);
  if (!right)
    return chio_fail(detail, CHIO_E_PIN_INCORRECT, "the PIN is wrong (%u failures%s)", row->failures,
                     row->locked ? "; it is locked now" : "");
  row->failures = 0;
  row->not_before = 0;
  row->locked = false;
  return chio_store_user_save(users->store, row, detail);
}

static enum chio_err check_alone(struct chio_users *users, const struct chio_token_row *token, uint32_t user,
                                 struct chio_slice pin, struct chio_detail *detail) {
  struct chio_user_row row;
  enum chio_err err = chio_store_user_load(users->store, token->slot, user, &row);
  if (err == CHIO_OK) err = check_open(&row, detail);
  if (err != CHIO_OK) return err;
  if (row.failures == 0 && is_known(users, token, &row, pin)) return CHIO_OK;
  err = compare_counted(users, &row, pin, detail);
  if (err == CHIO_OK) remember(users, token, &row, pin);
  return err;
}

enum chio_err chio_users_check_pin(struct chio_users *users, uint32_t slot, uint32_t user, struct chio_slice pin,
                                   struct chio_detail *detail) {
  struct chio_token_row token;
  uint32_t row;
  if (pin.len == 0 || pin.len > CHIO_PIN_MAX) return CHIO_E_PIN_LENGTH;
  enum chio_err err = chio_users_row_of(user, &row);
  if (err == CHIO_OK) err = chio_store_token_load(users->store, slot, &token, detail);
  if (err != CHIO_OK) return err;
  if (!token.initialized) return CHIO_E_TOKEN_UNINITIALIZED;
  (void)pthread_mutex_lock(&users->pins);
  err = check_alone(users, &token, row, pin, detail);
  (void)pthread_mutex_unlock(&users->pins);
  return err;
}

/* ---- Setting ---- */

static enum chio_err check_new_pin(const struct chio_users *users, struct chio_slice pin, struct chio_detail *detail) {
  uint32_t min = users->config.pin_min > 0 ? users->config.pin_min : 1;
  if (pin.len < min || pin.len > CHIO_PIN_MAX)
    return chio_fail(detail, CHIO_E_PIN_LENGTH, "the PIN must have %u to %u bytes", min, CHIO_PIN_MAX);
  if (!chio_utf8_valid(pin) || memchr(pin.data, 0, pin.len) != NULL)
    return chio_fail(detail, CHIO_E_PIN_INVALID, "the PIN must be UTF-8 without NUL");
  return CHIO_OK;
}

static enum chio_err set_alone(struct chio_users *users, uint32_t slot, uint32_t user, struct chio_slice pin,
                               struct chio_detail *detail) {
  struct chio_user_row row = {.slot = slot,
                              .user = user,
                              .ops = users->config.argon2_ops,
                              .memory = users->config.argon2_memory};
  struct chio_user_row old = {.pin_epoch = 0};
  enum chio_err err = chio_store_user_load(users->store, slot, user, &old);
  if (err != CHIO_OK && err != CHIO_E_PIN_UNINITIALIZED) return err;
  row.pin_epoch = old.pin_epoch + 1;
  randombytes_buf(row.salt, sizeof row.salt);
  err = hash_pin(&row, pin, row.verifier);
  if (err == CHIO_OK) err = chio_store_user_save(users->store, &row, detail);
  return err;
}

enum chio_err chio_users_set_pin(struct chio_users *users, uint32_t slot, uint32_t user, struct chio_slice pin,
                                 struct chio_detail *detail) {
  if (user >= CHIO_STORE_USERS) return CHIO_E_USER_TYPE;
  enum chio_err err = check_new_pin(users, pin, detail);
  if (err != CHIO_OK) return err;
  (void)pthread_mutex_lock(&users->pins);
  err = set_alone(users, slot, user, pin, detail);
  (void)pthread_mutex_unlock(&users->pins);
  atomic_fetch_add(&users->generation, 1);
  return err;
}

/* ---- Flags ---- */

struct pin_flags {
  CK_FLAGS low, final, locked;
};

static uint64_t flags_of(const struct chio_users *users, const struct chio_user_row *row, struct pin_flags f) {
  uint64_t flags = 0;
  uint32_t lock = users->config.pin_failures_lock;
  if (row->locked) return f.locked;
  if (row->failures > 0) flags |= f.low;
  if (lock > 0 && row->failures + 1 >= lock) flags |= f.final;
  return flags;
}

uint64_t chio_users_token_flags(struct chio_users *users, uint32_t slot) {
  static const struct pin_flags so = {CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED};
  static const struct pin_flags user = {CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED};
  struct chio_user_row row;
  uint64_t flags = 0;
  if (chio_store_user_load(users->store, slot, CHIO_USER_SO, &row) == CHIO_OK) flags |= flags_of(users, &row, so);
  if (chio_store_user_load(users->store, slot, CHIO_USER_USER, &row) == CHIO_OK)
    flags |= CKF_USER_PIN_INITIALIZED | flags_of(users, &row, user);
  return flags;
}

void chio_users_open_slot(struct chio_users *users, uint32_t slot) {
  users->open[slot] = true;
}

enum chio_err chio_users_load(struct chio_users *users, uint32_t slot, uint32_t user, struct chio_user_row *out_row) {
  if (!users->open[slot] || user != CHIO_USER_USER)
    return chio_store_user_load(users->store, slot, user, out_row);
  *out_row = (struct chio_user_row){.slot = slot, .user = user};
  return CHIO_OK;
}

uint64_t chio_users_generation(struct chio_users *users) {
  return atomic_load(&users->generation);
}
