#include "signer/core/user.h"
#include "signer/wire/cryptoki.h"
#include "tests/support/temp_dir.h"

#include <pthread.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

/* Cheap Argon2id, three failures before a delay, five before the lock. */
static const struct chio_core_config config = {.pin_min = 4,
                                               .pin_failures_delay = 3,
                                               .pin_failures_lock = 5,
                                               .ticket_lifetime = 100,
                                               .argon2_ops = 1,
                                               .argon2_memory = 8192};

struct bed {
  struct temp_dir dir;
  struct chio_seal *seal;
  struct chio_store *store;
  struct chio_users *users;
  struct chio_detail detail;
};

static void open_bed(struct bed *bed) {
  assert_int_equal(chio_seal_open("file", bed->dir.path, &bed->seal, &bed->detail), CHIO_OK);
  assert_int_equal(chio_store_open(bed->dir.path, bed->seal, &bed->store, &bed->detail), CHIO_OK);
  assert_int_equal(chio_users_new(bed->store, bed->seal, &config, &bed->users), CHIO_OK);
}

static void close_bed(struct bed *bed) {
  chio_users_free(bed->users);
  chio_store_close(bed->store);
  chio_seal_free(bed->seal);
}

static void restart(struct bed *bed) {
  close_bed(bed);
  open_bed(bed);
}

static enum chio_err set_pin(struct bed *bed, uint32_t user, const char *pin) {
  return chio_users_set_pin(bed->users, 0, user, chio_slice_str(pin), &bed->detail);
}

static enum chio_err check(struct bed *bed, uint32_t user, const char *pin) {
  bed->detail.text[0] = 0;
  return chio_users_check_pin(bed->users, 0, user, chio_slice_str(pin), &bed->detail);
}

static int setup(void **state) {
  static struct bed bed;
  memset(&bed, 0, sizeof bed);
  *state = &bed;
  if (!temp_dir_make(&bed.dir)) return -1;
  open_bed(&bed);
  struct chio_token_row row;
  if (chio_store_token_init(bed.store, 0, "test", &row, &bed.detail) != CHIO_OK) return -1;
  return set_pin(&bed, CHIO_USER_SO, "12345678") == CHIO_OK && set_pin(&bed, CHIO_USER_USER, "1234") == CHIO_OK ? 0
                                                                                                              : -1;
}

static int teardown(void **state) {
  struct bed *bed = *state;
  close_bed(bed);
  temp_dir_remove(&bed->dir);
  return 0;
}

/* Lets the delay of the user pass. */
static void wait_over(struct bed *bed) {
  struct chio_user_row row;
  assert_int_equal(chio_store_user_load(bed->store, 0, CHIO_USER_USER, &row), CHIO_OK);
  row.not_before = 0;
  assert_int_equal(chio_store_user_save(bed->store, &row, &bed->detail), CHIO_OK);
}

/* A delay is in force; made so long that no slow machine outlasts it. */
static void assert_delayed(struct bed *bed) {
  struct chio_user_row row;
  assert_int_equal(chio_store_user_load(bed->store, 0, CHIO_USER_USER, &row), CHIO_OK);
  assert_int_not_equal(row.not_before, 0);
  row.not_before += 100000;
  assert_int_equal(chio_store_user_save(bed->store, &row, &bed->detail), CHIO_OK);
}

/* ---- PINs ---- */

static void the_right_pin_is_accepted_and_only_for_its_user(void **state) {
  struct bed *bed = *state;
  assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_OK);
  assert_int_equal(check(bed, CHIO_USER_SO, "12345678"), CHIO_OK);
  assert_int_equal(check(bed, CHIO_USER_CONTEXT, "1234"), CHIO_OK);
  assert_int_equal(check(bed, CHIO_USER_SO, "1234"), CHIO_E_PIN_INCORRECT);
  assert_int_equal(check(bed, CHIO_USER_USER, "12345678"), CHIO_E_PIN_INCORRECT);
  assert_int_equal(check(bed, 3, "1234"), CHIO_E_USER_TYPE);
}

static void a_pin_that_was_right_before_does_not_let_a_wrong_one_through(void **state) {
  struct bed *bed = *state;
  static const char *const wrong[] = {"123", "12345", "1235", "1234 "};
  assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(wrong); i++) {
    assert_int_equal(check(bed, CHIO_USER_USER, wrong[i]), CHIO_E_PIN_INCORRECT);
    wait_over(bed);
    assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_OK);
  }
}

static void empty_and_overlong_pins_are_refused_and_not_counted(void **state) {
  struct bed *bed = *state;
  char longest[CHIO_PIN_MAX + 2];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = 0;
  assert_int_equal(chio_users_check_pin(bed->users, 0, CHIO_USER_USER, chio_slice(NULL, 0), NULL), CHIO_E_PIN_LENGTH);
  assert_int_equal(check(bed, CHIO_USER_USER, longest), CHIO_E_PIN_LENGTH);
  assert_int_equal(chio_users_token_flags(bed->users, 0) & CKF_USER_PIN_COUNT_LOW, 0);
}

static void new_pins_are_checked(void **state) {
  struct bed *bed = *state;
  char longest[CHIO_PIN_MAX + 2];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = 0;
  assert_int_equal(set_pin(bed, CHIO_USER_USER, "123"), CHIO_E_PIN_LENGTH);
  assert_int_equal(set_pin(bed, CHIO_USER_USER, longest), CHIO_E_PIN_LENGTH);
  assert_int_equal(set_pin(bed, CHIO_USER_USER, "12\xff\x34"), CHIO_E_PIN_INVALID);
  assert_int_equal(chio_users_set_pin(bed->users, 0, CHIO_USER_USER, chio_slice("12\0\0", 4), NULL),
                   CHIO_E_PIN_INVALID);
  assert_int_equal(set_pin(bed, CHIO_USER_CONTEXT, "12345"), CHIO_E_USER_TYPE);
  assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_OK);
  assert_int_equal(set_pin(bed, CHIO_USER_USER, "p\xc3\xa4ss"), CHIO_OK);
  assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_E_PIN_INCORRECT);
  assert_int_equal(check(bed, CHIO_USER_USER, "p\xc3\xa4ss"), CHIO_OK);
  assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_E_PIN_INCORRECT);
}

static void failures_delay_then_lock_and_survive_a_restart(void **state) {
  struct bed *bed = *state;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(check(bed, CHIO_USER_USER, "0000"), CHIO_E_PIN_INCORRECT);
    restart(bed);
  }
  assert_delayed(bed);
  assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_E_PIN_DELAY);
  assert_non_null(strstr(bed->detail.text, " s"));
  wait_over(bed);
  assert_int_equal(check(bed, CHIO_USER_USER, "0000"), CHIO_E_PIN_INCORRECT);
  assert_delayed(bed);
  assert_int_equal(check(bed, CHIO_USER_USER, "0000"), CHIO_E_PIN_DELAY);
  wait_over(bed);
  assert_int_equal(check(bed, CHIO_USER_USER, "0000"), CHIO_E_PIN_INCORRECT);
  assert_non_null(strstr(bed->detail.text, "locked"));
  wait_over(bed);
  restart(bed);
  assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_E_PIN_LOCKED);
  assert_int_equal(check(bed, CHIO_USER_SO, "12345678"), CHIO_OK);
  assert_int_equal(set_pin(bed, CHIO_USER_USER, "5678"), CHIO_OK);
  assert_int_equal(check(bed, CHIO_USER_USER, "5678"), CHIO_OK);
}

static void delays_double(void **state) {
  struct bed *bed = *state;
  static const uint64_t want[] = {0, 0, 1, 2};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(want); i++) {
    struct chio_user_row row;
    wait_over(bed);
    uint64_t before = (uint64_t)time(NULL);
    assert_int_equal(check(bed, CHIO_USER_USER, "0000"), CHIO_E_PIN_INCORRECT);
    uint64_t after = (uint64_t)time(NULL);
    assert_int_equal(chio_store_user_load(bed->store, 0, CHIO_USER_USER, &row), CHIO_OK);
    if (want[i] == 0)
      assert_int_equal(row.not_before, 0);
    else
      assert_in_range(row.not_before, before + want[i], after + want[i]);
  }
}

static void success_clears_the_count(void **state) {
  struct bed *bed = *state;
  for (int i = 0; i < 6; i++) {
    assert_int_equal(check(bed, CHIO_USER_USER, "0000"), CHIO_E_PIN_INCORRECT);
    assert_int_equal(check(bed, CHIO_USER_USER, "0000"), CHIO_E_PIN_INCORRECT);
    assert_int_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_OK);
  }
}

static void a_failure_is_on_the_disk_before_the_comparison(void **state) {
  struct bed *bed = *state;
  struct chio_user_row row;
  /* A verifier that cannot be computed: the comparison never comes, the count does. */
  assert_int_equal(chio_store_user_load(bed->store, 0, CHIO_USER_USER, &row), CHIO_OK);
  row.memory = 1;
  assert_int_equal(chio_store_user_save(bed->store, &row, &bed->detail), CHIO_OK);
  assert_int_not_equal(check(bed, CHIO_USER_USER, "1234"), CHIO_OK);
  assert_int_equal(chio_store_user_load(bed->store, 0, CHIO_USER_USER, &row), CHIO_OK);
  assert_int_equal(row.failures, 1);
}

static void flags_follow_the_counter(void **state) {
  struct bed *bed = *state;
  static const uint64_t mask = CKF_USER_PIN_INITIALIZED | CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY |
                               CKF_USER_PIN_LOCKED;
  static const uint64_t want[] = {0, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_COUNT_LOW,
                                  CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(want); i++) {
    assert_int_equal(chio_users_token_flags(bed->users, 0) & mask, want[i] | CKF_USER_PIN_INITIALIZED);
    wait_over(bed);
    (void)!check(bed, CHIO_USER_USER, "0000");
  }
  assert_int_equal(chio_users_token_flags(bed->users, 1), 0);
  assert_int_equal(check(bed, CHIO_USER_SO, "0000"), CHIO_E_PIN_INCORRECT);
  assert_true((chio_users_token_flags(bed->users, 0) & CKF_SO_PIN_COUNT_LOW) != 0);
}

static void a_token_without_pins_tells_so(void **state) {
  struct bed *bed = *state;
  struct chio_token_row row;
  assert_int_equal(chio_users_check_pin(bed->users, 1, CHIO_USER_SO, chio_slice_str("1234"), NULL),
                   CHIO_E_TOKEN_UNINITIALIZED);
  assert_int_equal(chio_store_token_init(bed->store, 1, "two", &row, NULL), CHIO_OK);
  assert_int_equal(chio_users_check_pin(bed->users, 1, CHIO_USER_USER, chio_slice_str("1234"), NULL),
                   CHIO_E_PIN_UNINITIALIZED);
  assert_int_equal(chio_users_check_pin(bed->users, 999, CHIO_USER_USER, chio_slice_str("1234"), NULL),
                   CHIO_E_SLOT_UNKNOWN);
}

static void *log_in(void *arg) {
  struct bed *bed = arg;
  return (void *)(intptr_t)chio_users_check_pin(bed->users, 0, CHIO_USER_USER, chio_slice_str("1234"), NULL);
}

static void many_right_logins_at_once_do_not_lock(void **state) {
  struct bed *bed = *state;
  pthread_t threads[16];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, log_in, bed), 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++) {
    void *err;
    assert_int_equal(pthread_join(threads[i], &err), 0);
    assert_int_equal((intptr_t)err, CHIO_OK);
  }
}

/* ---- Tickets ---- */

struct sealed {
  uint8_t bytes[CHIO_TICKET_MAX];
  size_t len;
};

static struct sealed issue(struct bed *bed, uint32_t user, const struct chio_uid *key) {
  struct sealed ticket;
  uint64_t lifetime;
  assert_int_equal(chio_users_ticket_issue(bed->users, 0, user, key, ticket.bytes, &ticket.len, &lifetime), CHIO_OK);
  assert_int_equal(lifetime, user == CHIO_USER_CONTEXT ? 60 : 100);
  return ticket;
}

static enum chio_err open_ticket(struct bed *bed, const struct sealed *ticket) {
  struct chio_ticket out;
  return chio_users_ticket_open(bed->users, chio_slice(ticket->bytes, ticket->len), &out);
}

static void a_ticket_says_what_it_was_issued_for_and_survives_a_restart(void **state) {
  struct bed *bed = *state;
  struct chio_ticket out;
  struct sealed ticket = issue(bed, CHIO_USER_USER, NULL);
  restart(bed);
  assert_int_equal(chio_users_ticket_open(bed->users, chio_slice(ticket.bytes, ticket.len), &out), CHIO_OK);
  assert_int_equal(out.slot, 0);
  assert_int_equal(out.user, CHIO_USER_USER);
  assert_true(chio_uid_is_zero(&out.key));
  assert_true(out.ends > (uint64_t)time(NULL));
}

static void every_changed_or_cut_ticket_is_refused(void **state) {
  struct bed *bed = *state;
  struct sealed ticket = issue(bed, CHIO_USER_USER, NULL);
  struct sealed changed;
  for (size_t bit = 0; bit < 8 * ticket.len; bit++) {
    changed = ticket;
    changed.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    assert_int_equal(open_ticket(bed, &changed), CHIO_E_TICKET_INVALID);
  }
  for (changed = ticket; changed.len > 0; changed.len--)
    assert_int_equal(open_ticket(bed, &changed), changed.len == ticket.len ? CHIO_OK : CHIO_E_TICKET_INVALID);
  assert_int_equal(open_ticket(bed, &changed), CHIO_E_TICKET_INVALID);
}

static void a_ticket_ends_with_logout_for_good(void **state) {
  struct bed *bed = *state;
  struct sealed ticket = issue(bed, CHIO_USER_USER, NULL);
  struct sealed other = issue(bed, CHIO_USER_USER, NULL);
  uint64_t before = chio_users_generation(bed->users);
  assert_int_equal(chio_users_ticket_end(bed->users, chio_slice(ticket.bytes, ticket.len)), CHIO_OK);
  assert_true(chio_users_generation(bed->users) > before);
  assert_int_equal(open_ticket(bed, &ticket), CHIO_E_TICKET_INVALID);
  assert_int_equal(open_ticket(bed, &other), CHIO_OK);
  restart(bed);
  assert_int_equal(open_ticket(bed, &ticket), CHIO_E_TICKET_INVALID);
  assert_int_equal(chio_users_ticket_end(bed->users, chio_slice(ticket.bytes, ticket.len)), CHIO_OK);
  assert_int_equal(chio_users_ticket_end(bed->users, chio_slice_str("no ticket")), CHIO_E_TICKET_INVALID);
}

static void a_new_pin_ends_the_tickets_of_its_user_only(void **state) {
  struct bed *bed = *state;
  struct sealed user = issue(bed, CHIO_USER_USER, NULL);
  struct sealed so = issue(bed, CHIO_USER_SO, NULL);
  uint64_t before = chio_users_generation(bed->users);
  assert_int_equal(set_pin(bed, CHIO_USER_USER, "1234"), CHIO_OK);
  assert_true(chio_users_generation(bed->users) > before);
  assert_int_equal(open_ticket(bed, &user), CHIO_E_TICKET_INVALID);
  assert_int_equal(open_ticket(bed, &so), CHIO_OK);
}

static void initialising_the_token_ends_all_tickets(void **state) {
  struct bed *bed = *state;
  struct sealed user = issue(bed, CHIO_USER_USER, NULL);
  struct sealed so = issue(bed, CHIO_USER_SO, NULL);
  struct chio_token_row row;
  assert_int_equal(chio_store_token_init(bed->store, 0, "again", &row, NULL), CHIO_OK);
  assert_int_equal(set_pin(bed, CHIO_USER_SO, "12345678"), CHIO_OK);
  assert_int_equal(set_pin(bed, CHIO_USER_USER, "1234"), CHIO_OK);
  assert_int_equal(open_ticket(bed, &user), CHIO_E_TICKET_INVALID);
  assert_int_equal(open_ticket(bed, &so), CHIO_E_TICKET_INVALID);
}

static void a_ticket_past_its_time_is_refused(void **state) {
  struct bed *bed = *state;
  struct chio_core_config brief = config;
  brief.ticket_lifetime = 0;
  chio_users_free(bed->users);
  assert_int_equal(chio_users_new(bed->store, bed->seal, &brief, &bed->users), CHIO_OK);
  struct sealed ticket;
  uint64_t lifetime;
  assert_int_equal(
      chio_users_ticket_issue(bed->users, 0, CHIO_USER_USER, NULL, ticket.bytes, &ticket.len, &lifetime), CHIO_OK);
  assert_int_equal(open_ticket(bed, &ticket), CHIO_E_TICKET_INVALID);
}

static void a_context_ticket_serves_one_key_once(void **state) {
  struct bed *bed = *state;
  struct chio_uid key = {{7}};
  struct chio_ticket out;
  struct sealed ticket = issue(bed, CHIO_USER_CONTEXT, &key);
  struct sealed other = issue(bed, CHIO_USER_CONTEXT, &key);
  assert_int_equal(chio_users_ticket_open(bed->users, chio_slice(ticket.bytes, ticket.len), &out), CHIO_OK);
  assert_true(chio_uid_equal(&out.key, &key));
  assert_int_equal(chio_users_context_use(bed->users, &out), CHIO_OK);
  assert_int_equal(chio_users_context_use(bed->users, &out), CHIO_E_TICKET_INVALID);
  assert_int_equal(open_ticket(bed, &ticket), CHIO_E_TICKET_INVALID);
  assert_int_equal(open_ticket(bed, &other), CHIO_OK);
  restart(bed);
  assert_int_equal(open_ticket(bed, &other), CHIO_E_TICKET_INVALID);
  struct sealed login = issue(bed, CHIO_USER_USER, NULL);
  assert_int_equal(chio_users_ticket_open(bed->users, chio_slice(login.bytes, login.len), &out), CHIO_OK);
  assert_int_equal(chio_users_context_use(bed->users, &out), CHIO_E_TICKET_INVALID);
}

static void a_ticket_of_another_state_folder_is_refused(void **state) {
  struct bed *bed = *state;
  struct sealed ticket = issue(bed, CHIO_USER_USER, NULL);
  struct bed other;
  memset(&other, 0, sizeof other);
  struct chio_token_row row;
  assert_true(temp_dir_make(&other.dir));
  open_bed(&other);
  assert_int_equal(chio_store_token_init(other.store, 0, "test", &row, NULL), CHIO_OK);
  assert_int_equal(set_pin(&other, CHIO_USER_USER, "1234"), CHIO_OK);
  assert_int_equal(open_ticket(&other, &ticket), CHIO_E_TICKET_INVALID);
  close_bed(&other);
  temp_dir_remove(&other.dir);
}

int main(void) {
#define ON_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ON_BED(the_right_pin_is_accepted_and_only_for_its_user),
      ON_BED(a_pin_that_was_right_before_does_not_let_a_wrong_one_through),
      ON_BED(empty_and_overlong_pins_are_refused_and_not_counted),
      ON_BED(new_pins_are_checked),
      ON_BED(failures_delay_then_lock_and_survive_a_restart),
      ON_BED(delays_double),
      ON_BED(success_clears_the_count),
      ON_BED(a_failure_is_on_the_disk_before_the_comparison),
      ON_BED(flags_follow_the_counter),
      ON_BED(a_token_without_pins_tells_so),
      ON_BED(many_right_logins_at_once_do_not_lock),
      ON_BED(a_ticket_says_what_it_was_issued_for_and_survives_a_restart),
      ON_BED(every_changed_or_cut_ticket_is_refused),
      ON_BED(a_ticket_ends_with_logout_for_good),
      ON_BED(a_new_pin_ends_the_tickets_of_its_user_only),
      ON_BED(initialising_the_token_ends_all_tickets),
      ON_BED(a_ticket_past_its_time_is_refused),
      ON_BED(a_context_ticket_serves_one_key_once),
      ON_BED(a_ticket_of_another_state_folder_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
