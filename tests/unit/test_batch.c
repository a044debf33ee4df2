/* SIGN_BATCH: its two lists on the wire, and what the core makes of them, for keys of its own and of a backend. */
#include "signer/wire/batch.h"
#include "tests/unit/core_rig.h"
#include "tests/unit/fake_backend.h"

#include <stdlib.h>

#define SLOT CHIO_BACKEND_SLOT_FIRST

/* ---- The lists ---- */

static void items_survive_the_wire_and_no_shorter_prefix_does(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  size_t count = 0;
  chio_batch_items_add(&b, chio_slice_str("one"));
  chio_batch_items_add(&b, chio_slice(NULL, 0));
  chio_batch_items_add(&b, chio_slice_str("three"));
  assert_int_equal(chio_batch_items_parse(chio_buf_slice(&b), &count), CHIO_OK);
  assert_int_equal(count, 3);
  struct chio_cursor at = chio_cursor(chio_buf_slice(&b));
  struct chio_slice item;
  assert_true(chio_batch_items_next(&at, &item) && chio_slice_equal(item, chio_slice_str("one")));
  assert_true(chio_batch_items_next(&at, &item) && item.len == 0);
  assert_true(chio_batch_items_next(&at, &item) && chio_slice_equal(item, chio_slice_str("three")));
  assert_false(chio_batch_items_next(&at, &item));
  for (size_t len = 1; len < b.len; len++) {
    if (len == 7 || len == 11) continue; /* ends between two items */
    assert_int_equal(chio_batch_items_parse(chio_slice(b.data, len), &count), CHIO_E_TRUNCATED);
  }
  chio_buf_clear(&b);
}

static void a_list_without_items_or_with_too_many_is_refused(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  size_t count = 7;
  assert_int_equal(chio_batch_items_parse(chio_slice(NULL, 0), &count), CHIO_E_ARGUMENT);
  for (unsigned i = 0; i < CHIO_BATCH_ITEMS_MAX; i++) chio_batch_items_add(&b, chio_slice("x", 1));
  assert_int_equal(chio_batch_items_parse(chio_buf_slice(&b), &count), CHIO_OK);
  assert_int_equal(count, CHIO_BATCH_ITEMS_MAX);
  chio_batch_items_add(&b, chio_slice(NULL, 0));
  assert_int_equal(chio_batch_items_parse(chio_buf_slice(&b), &count), CHIO_E_TOO_LONG);
  assert_int_equal(count, CHIO_BATCH_ITEMS_MAX);
  chio_buf_clear(&b);
}

static void a_length_beyond_the_list_is_truncated(void **state) {
  (void)state;
  static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0};
  static uint8_t large[CHIO_BATCH_DATA_MAX + 1];
  size_t count;
  assert_int_equal(chio_batch_items_parse(chio_slice(huge, sizeof huge), &count), CHIO_E_TRUNCATED);
  assert_int_equal(chio_batch_items_parse(chio_slice(large, sizeof large), &count), CHIO_E_TOO_LONG);
}

static void results_are_those_of_their_items_and_nothing_else(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  struct chio_batch_result result;
  chio_batch_results_add(&b, CHIO_OK, chio_slice_str("signature"));
  chio_batch_results_add(&b, CHIO_E_DATA_LEN, chio_slice_str("not sent"));
  assert_int_equal(chio_batch_results_parse(chio_buf_slice(&b), 2), CHIO_OK);
  assert_int_equal(chio_batch_results_parse(chio_buf_slice(&b), 1), CHIO_E_TRAILING);
  assert_int_equal(chio_batch_results_parse(chio_buf_slice(&b), 3), CHIO_E_TRUNCATED);
  struct chio_cursor at = chio_cursor(chio_buf_slice(&b));
  assert_true(chio_batch_results_next(&at, &result));
  assert_int_equal(result.err, CHIO_OK);
  assert_true(chio_slice_equal(result.signature, chio_slice_str("signature")));
  assert_true(chio_batch_results_next(&at, &result));
  assert_int_equal(result.err, CHIO_E_DATA_LEN);
  assert_int_equal(result.signature.len, 0);
  for (size_t len = 0; len < b.len; len++)
    assert_int_equal(chio_batch_results_parse(chio_slice(b.data, len), 2), CHIO_E_TRUNCATED);
  chio_buf_clear(&b);
}

static void a_result_that_contradicts_itself_is_malformed(void **state) {
  (void)state;
  static const uint8_t no_signature[] = {0, 0, 0, 0, 0, 0, 0, 0};
  static const uint8_t both[] = {104, 0, 0, 0, 1, 0, 0, 0, 'x'};
  static const uint8_t unknown[] = {0xff, 0xff, 0, 0, 0, 0, 0, 0};
  struct chio_cursor at = chio_cursor(chio_slice(unknown, sizeof unknown));
  struct chio_batch_result result;
  assert_int_equal(chio_batch_results_parse(chio_slice(no_signature, sizeof no_signature), 1), CHIO_E_MALFORMED);
  assert_int_equal(chio_batch_results_parse(chio_slice(both, sizeof both), 1), CHIO_E_MALFORMED);
  assert_int_equal(chio_batch_results_parse(chio_slice(unknown, sizeof unknown), 1), CHIO_OK);
  assert_true(chio_batch_results_next(&at, &result));
  assert_int_equal(result.err, CHIO_E_UNKNOWN_ERROR);
}

/* ---- The core ---- */

static struct fake_backend fake;
static const char *const keys[] = {"fake://one"};
static const struct chio_backend_config backend = {
    .name = "kms", .keys = keys, .keys_count = 1, .timeout_ms = 1000, .retry_ms = 3600000};

struct bench {
  struct rig rig;
  struct chio_uid public_key, key;
  struct chio_buf items;
};

static int set_up(void **state) {
  struct bench *b = calloc(1, sizeof *b);
  fake_backend_init(&fake);
  fake_backend_put(&fake, keys[0], CKK_EC, 256);
  rig_prepare(&b->rig);
  b->rig.config.backends = &backend;
  b->rig.config.backend_count = 1;
  b->rig.config.reach = (struct chio_backends){.ops = &fake_backend_ops, .self = &fake};
  rig_start(&b->rig);
  rig_token(&b->rig);
  rig_p256(&b->rig, "ci", &b->public_key, &b->key);
  *state = b;
  return 0;
}

static int tear_down(void **state) {
  struct bench *b = *state;
  rig_close(&b->rig);
  fake_backend_clear(&fake);
  chio_buf_clear(&b->items);
  free(b);
  return 0;
}

static void add(struct bench *b, const char *text) {
  chio_batch_items_add(&b->items, chio_slice_str(text));
}

static struct chio_sign_batch_request request_of(struct bench *b, uint32_t mechanism) {
  return (struct chio_sign_batch_request){.ticket = rig_ticket(&b->rig.user),
                                          .key = b->key,
                                          .mechanism = mechanism,
                                          .items = chio_buf_slice(&b->items)};
}

static enum chio_err call(struct bench *b, const struct chio_sign_batch_request *q, struct chio_cursor *out_results,
                          size_t count) {
  struct chio_sign_batch_reply r;
  enum chio_err err = rig_call(&b->rig, b->rig.conn, CHIO_MSG_SIGN_BATCH, q, &r);
  if (err != CHIO_OK) return err;
  assert_int_equal(chio_batch_results_parse(r.results, count), CHIO_OK);
  if (out_results != NULL) *out_results = chio_cursor(r.results);
  return CHIO_OK;
}

static void each_signature_of_a_batch_is_that_of_its_message(void **state) {
  struct bench *b = *state;
  static const char *const messages[] = {"first", "", "third"};
  struct chio_batch_result results[3];
  uint8_t kept[3][64];
  struct chio_cursor at;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(messages); i++) add(b, messages[i]);
  struct chio_sign_batch_request q = request_of(b, CHIO_MECH_ECDSA_SHA256);
  assert_int_equal(call(b, &q, &at, 3), CHIO_OK);
  for (size_t i = 0; i < 3; i++) {
    assert_true(chio_batch_results_next(&at, &results[i]));
    assert_int_equal(results[i].signature.len, sizeof kept[i]);
    memcpy(kept[i], results[i].signature.data, sizeof kept[i]);
  }
  for (size_t i = 0; i < 9; i++) {
    struct chio_verify_request v = {.key = b->public_key,
                                    .mechanism = CHIO_MECH_ECDSA_SHA256,
                                    .data = chio_slice_str(messages[i / 3]),
                                    .signature = chio_slice(kept[i % 3], sizeof kept[0])};
    assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_VERIFY, &v, NULL),
                     i / 3 == i % 3 ? CHIO_OK : CHIO_E_SIGNATURE_INVALID);
  }
}

static void one_message_that_cannot_be_signed_does_not_spoil_the_others(void **state) {
  struct bench *b = *state;
  static const uint8_t digest[65] = {1};
  struct chio_batch_result result;
  struct chio_cursor at;
  chio_batch_items_add(&b->items, chio_slice(digest, 32));
  chio_batch_items_add(&b->items, chio_slice(NULL, 0)); /* no digest at all */
  chio_batch_items_add(&b->items, chio_slice(digest, 32));
  struct chio_sign_batch_request q = request_of(b, CHIO_MECH_ECDSA);
  assert_int_equal(call(b, &q, &at, 3), CHIO_OK);
  assert_true(chio_batch_results_next(&at, &result) && result.err == CHIO_OK);
  assert_true(chio_batch_results_next(&at, &result) && result.err == CHIO_E_DATA_LEN);
  assert_true(chio_batch_results_next(&at, &result) && result.err == CHIO_OK);
}

static void a_batch_is_refused_whole_for_what_a_signature_is_refused_for(void **state) {
  struct bench *b = *state;
  add(b, "x");
  struct chio_sign_batch_request q = request_of(b, CHIO_MECH_ECDSA_SHA256);
  q.slot = 9;
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_SLOT_UNKNOWN);
  q.slot = 0;
  q.ticket = chio_slice_str("no ticket");
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_TICKET_INVALID);
  q.ticket = chio_slice(NULL, 0);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_NOT_LOGGED_IN);
  q = request_of(b, CHIO_MECH_EDDSA);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_KEY_TYPE);
  q = request_of(b, CHIO_MECH_SHA256);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_MECHANISM_UNSUPPORTED);
  q = request_of(b, CHIO_MECH_CHIO_SIGN_BATCH);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_MECHANISM_UNSUPPORTED);
  q = request_of(b, CHIO_MECH_ECDSA_SHA256);
  q.params = chio_slice_str("nonsense");
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_MECHANISM_PARAM);
  q = request_of(b, CHIO_MECH_ECDSA_SHA256);
  q.key = b->public_key;
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_KEY_FUNCTION);
  q.key.b[0] ^= 1;
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_OBJECT_UNKNOWN);
}

static void an_empty_or_cut_batch_is_refused(void **state) {
  struct bench *b = *state;
  struct chio_sign_batch_request q = request_of(b, CHIO_MECH_ECDSA_SHA256);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_ARGUMENT);
  add(b, "message");
  q.items = chio_slice(b->items.data, b->items.len - 1);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_TRUNCATED);
  while (b->items.len < (CHIO_BATCH_ITEMS_MAX + 1) * 11) add(b, "message");
  q.items = chio_buf_slice(&b->items);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_TOO_LONG);
}

static void a_message_that_is_the_batch_mechanism_is_not_signed_one_by_one(void **state) {
  struct bench *b = *state;
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_CHIO_SIGN_BATCH, chio_slice("x", 1), NULL),
                   CHIO_E_MECHANISM_UNSUPPORTED);
}

static void evidence_is_not_made_in_batches(void **state) {
  struct bench *b = *state;
  add(b, "nonce");
  struct chio_sign_batch_request q = request_of(b, CHIO_MECH_CHIO_ATTEST);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_MECHANISM_UNSUPPORTED);
}

static void a_key_that_asks_for_a_login_for_each_use_takes_no_batch(void **state) {
  struct bench *b = *state;
  struct chio_buf pub = CHIO_BUF_INIT, prv = CHIO_BUF_INIT;
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_begin(&prv);
  chio_attrs_add_bool(&prv, CKA_ALWAYS_AUTHENTICATE, true);
  chio_attrs_add(&prv, CKA_LABEL, chio_slice_str("root"));
  assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &pub, &prv, NULL, &b->key), CHIO_OK);
  chio_buf_clear(&pub);
  chio_buf_clear(&prv);
  add(b, "x");
  struct chio_sign_batch_request q = request_of(b, CHIO_MECH_ECDSA_SHA256);
  assert_int_equal(call(b, &q, NULL, 1), CHIO_E_CONTEXT_LOGIN);
  assert_string_equal(b->rig.detail.text, "sign batch refused: key 'root' needs its own login for each use: no batch");
}

static void signatures_are_counted_for_status_each_by_itself(void **state) {
  struct bench *b = *state;
  struct chio_status_reply r;
  add(b, "one");
  add(b, "two");
  struct chio_sign_batch_request q = request_of(b, CHIO_MECH_ECDSA_SHA256);
  assert_int_equal(call(b, &q, NULL, 2), CHIO_OK);
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_ECDSA_SHA256, chio_slice("x", 1), NULL), CHIO_OK);
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_EDDSA, chio_slice("x", 1), NULL), CHIO_E_KEY_TYPE);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_STATUS, NULL, &r), CHIO_OK);
  assert_non_null(memmem(r.json.data, r.json.len, "\"signatures\":3}", 15));
}

/* ---- Which thread ---- */

static bool blocks(struct bench *b, uint32_t slot, uint32_t mechanism, unsigned count, size_t size) {
  struct chio_buf items = CHIO_BUF_INIT, frame = CHIO_BUF_INIT;
  struct chio_frame_header header;
  char *bytes = calloc(1, size);
  for (unsigned i = 0; i < count; i++) chio_batch_items_add(&items, chio_slice(bytes, size));
  struct chio_sign_batch_request q = request_of(b, mechanism);
  q.slot = slot;
  q.items = chio_buf_slice(&items);
  assert_int_equal(chio_message_request(chio_message_find(CHIO_MSG_SIGN_BATCH), 1, &q, &frame), CHIO_OK);
  assert_int_equal(chio_frame_decode(chio_slice(frame.data, CHIO_FRAME_HEADER_SIZE), &header), CHIO_OK);
  struct chio_slice body = chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, header.length);
  bool does = chio_conn_blocks(b->rig.conn, &header, body);
  assert_int_equal(chio_conn_waits(b->rig.conn, &header, body), slot == SLOT);
  chio_buf_clear(&items);
  chio_buf_clear(&frame);
  free(bytes);
  return does;
}

static void a_long_batch_leaves_the_loop_and_a_short_one_does_not(void **state) {
  struct bench *b = *state;
  assert_false(blocks(b, 0, CHIO_MECH_ECDSA_SHA256, 1, 32));
  assert_false(blocks(b, 0, CHIO_MECH_ECDSA_SHA256, 16, 32));
  assert_true(blocks(b, 0, CHIO_MECH_ECDSA_SHA256, 17, 32));
  assert_true(blocks(b, 0, CHIO_MECH_ECDSA_SHA256, 1, 65536));
  assert_true(blocks(b, 0, CHIO_MECH_SHA256_RSA_PKCS, 1, 32));
  assert_true(blocks(b, SLOT, CHIO_MECH_ECDSA_SHA256, 1, 32));
}

/* ---- Keys of a backend ---- */

static void find_delegated(struct bench *b) {
  struct chio_object_find_request q = {.slot = SLOT, .max = 16};
  struct chio_object_find_reply r;
  struct chio_buf by = CHIO_BUF_INIT;
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, CKO_PRIVATE_KEY);
  q.templ = chio_attrs_of(&by);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
  assert_int_equal(r.objects.len, CHIO_UID_SIZE);
  memcpy(b->key.b, r.objects.data, CHIO_UID_SIZE);
  chio_buf_clear(&by);
}

static struct chio_sign_batch_request delegated(struct bench *b) {
  find_delegated(b);
  struct chio_sign_batch_request q = request_of(b, CHIO_MECH_ECDSA_SHA256);
  q.slot = SLOT;
  q.ticket = chio_slice(NULL, 0);
  return q;
}

static void a_batch_goes_to_the_kms_in_one_call(void **state) {
  struct bench *b = *state;
  struct chio_batch_result result;
  struct chio_cursor at;
  add(b, "one");
  add(b, "two");
  add(b, "three");
  struct chio_sign_batch_request q = delegated(b);
  assert_int_equal(call(b, &q, &at, 3), CHIO_OK);
  assert_int_equal(fake.crowds, 1);
  assert_int_equal(fake.signs, 3);
  assert_int_equal(fake.last_data_len, 32);
  while (chio_batch_results_next(&at, &result)) assert_int_equal(result.signature.len, 64);
}

static void what_a_kms_fails_at_is_said_of_that_message_alone(void **state) {
  struct bench *b = *state;
  struct chio_batch_result result;
  struct chio_cursor at;
  add(b, "one");
  add(b, "two");
  fake.refused_item = 2;
  struct chio_sign_batch_request q = delegated(b);
  assert_int_equal(call(b, &q, &at, 2), CHIO_OK);
  assert_true(chio_batch_results_next(&at, &result) && result.err == CHIO_OK);
  assert_true(chio_batch_results_next(&at, &result) && result.err == CHIO_E_BACKEND_UNREACHABLE);
}

static void a_wrong_signature_of_a_kms_is_given_to_nobody(void **state) {
  struct bench *b = *state;
  struct chio_batch_result result;
  struct chio_cursor at;
  add(b, "one");
  add(b, "two");
  fake.wrong_signature = true;
  struct chio_sign_batch_request q = delegated(b);
  assert_int_equal(call(b, &q, &at, 2), CHIO_OK);
  for (int i = 0; i < 2; i++)
    assert_true(chio_batch_results_next(&at, &result) && result.err == CHIO_E_BACKEND_SIGNATURE &&
                result.signature.len == 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(items_survive_the_wire_and_no_shorter_prefix_does),
      cmocka_unit_test(a_list_without_items_or_with_too_many_is_refused),
      cmocka_unit_test(a_length_beyond_the_list_is_truncated),
      cmocka_unit_test(results_are_those_of_their_items_and_nothing_else),
      cmocka_unit_test(a_result_that_contradicts_itself_is_malformed),
      T(each_signature_of_a_batch_is_that_of_its_message),
      T(one_message_that_cannot_be_signed_does_not_spoil_the_others),
      T(a_batch_is_refused_whole_for_what_a_signature_is_refused_for),
      T(an_empty_or_cut_batch_is_refused),
      T(a_message_that_is_the_batch_mechanism_is_not_signed_one_by_one),
      T(evidence_is_not_made_in_batches),
      T(a_key_that_asks_for_a_login_for_each_use_takes_no_batch),
      T(signatures_are_counted_for_status_each_by_itself),
      T(a_long_batch_leaves_the_loop_and_a_short_one_does_not),
      T(a_batch_goes_to_the_kms_in_one_call),
      T(what_a_kms_fails_at_is_said_of_that_message_alone),
      T(a_wrong_signature_of_a_kms_is_given_to_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
