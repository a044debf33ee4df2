/*
 * Tickets from outside: the first byte chooses the bytes as they are, which never open, or the bytes sealed under the
 * right key, which must be read like any others.
 */
#include "signer/core/user.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_dir.h"

static struct temp_dir dir;
static struct chio_seal *seal;
static struct chio_store *store;
static struct chio_users *users;
static struct chio_secret *key;

static void tear_down(void) {
  chio_users_free(users);
  chio_store_close(store);
  chio_seal_free(seal);
  chio_secret_free(key);
  temp_dir_remove(&dir);
}

static void set_up(void) {
  static const struct chio_core_config config = {.pin_min = 4, .ticket_lifetime = 100, .argon2_ops = 1,
                                                 .argon2_memory = 8192};
  struct chio_token_row row;
  FUZZ_HOLDS(temp_dir_make(&dir));
  FUZZ_HOLDS(chio_seal_open("file", dir.path, &seal, NULL) == CHIO_OK);
  FUZZ_HOLDS(chio_store_open(dir.path, seal, &store, NULL) == CHIO_OK);
  FUZZ_HOLDS(chio_store_token_init(store, 0, "test", &row, NULL) == CHIO_OK);
  FUZZ_HOLDS(chio_users_new(store, seal, &config, &users) == CHIO_OK);
  FUZZ_HOLDS(chio_users_set_pin(users, 0, CHIO_USER_USER, chio_slice_str("1234"), NULL) == CHIO_OK);
  FUZZ_HOLDS(chio_seal_derive(seal, "tickets v1", chio_slice(NULL, 0), &key) == CHIO_OK);
  (void)atexit(tear_down);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_ticket ticket;
  if (users == NULL) set_up();
  if (size == 0) return 0;
  struct chio_slice rest = chio_slice(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    FUZZ_HOLDS(chio_users_ticket_open(users, rest, &ticket) == CHIO_E_TICKET_INVALID);
    return 0;
  }
  struct chio_buf sealed = CHIO_BUF_INIT;
  FUZZ_HOLDS(chio_seal_encrypt(key, chio_slice_str("ticket v1"), rest, &sealed) == CHIO_OK);
  if (chio_users_ticket_open(users, chio_buf_slice(&sealed), &ticket) == CHIO_OK) FUZZ_HOLDS(ticket.slot == 0);
  chio_buf_clear(&sealed);
  return 0;
}
