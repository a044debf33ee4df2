/* ROTATE: what the new key is like, what becomes of the old one, and that it happens once and wholly or not at all. */
#include "attest/chio_attest.h"
#include "signer/base/log.h"
#include "signer/base/text.h"
#include "signer/core/renewal.h"
#include "signer/core/rotation_lag.h"
#include "tests/unit/issuer_rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define DAY 86400u

struct bench {
  struct rig rig;
  struct chio_uid key, key_public, kms_issuer;
  struct chio_buf policy;
};

static int set_up(void **state) {
  struct bench *b = calloc(1, sizeof *b);
  issuer_prepare(&b->rig);
  b->rig.config.evidence_objects = true;
  rig_start(&b->rig);
  rig_token(&b->rig);
  rig_p256(&b->rig, "web", &b->key_public, &b->key);
  issuer_find(&b->rig, &b->kms_issuer);
  *state = b;
  return 0;
}

static int tear_down(void **state) {
  struct bench *b = *state;
  chio_buf_clear(&b->policy);
  rig_close(&b->rig);
  free(b);
  fake_backend_clear(&fake);
  return 0;
}

static enum chio_err rotate(struct bench *b, const struct chio_uid *key, uint32_t flags, struct chio_rotate_reply *r) {
  struct chio_rotate_request q = {.ticket = rig_ticket(&b->rig.user), .key = *key, .flags = flags};
  return rig_call(&b->rig, b->rig.conn, CHIO_MSG_ROTATE, &q, r);
}

static bool is_text(struct bench *b, const struct chio_uid *object, uint32_t type, const char *word) {
  struct chio_slice value;
  return rig_get(&b->rig, object, type, &value) && chio_slice_equal(value, chio_slice_str(word));
}

static bool is_named(struct bench *b, const struct chio_uid *object, uint32_t type, const struct chio_uid *name) {
  char hex[CHIO_UID_HEX + 1];
  chio_uid_hex(name, hex);
  return is_text(b, object, type, hex);
}

static bool begins(struct bench *b, const struct chio_uid *object, const char *start) {
  struct chio_slice label;
  return rig_get(&b->rig, object, CKA_LABEL, &label) && label.len > strlen(start) &&
         memcmp(label.data, start, strlen(start)) == 0;
}

static enum chio_err sign(struct bench *b, const struct chio_uid *key) {
  return rig_sign(&b->rig, key, CHIO_MECH_ECDSA_SHA256, chio_slice_str("x"), NULL);
}

/* Objects of a class with a label; NULL: any. */
static size_t count(struct bench *b, uint64_t class, const char *label) {
  struct chio_buf by = CHIO_BUF_INIT;
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, class);
  if (label != NULL) chio_attrs_add(&by, CKA_LABEL, chio_slice_str(label));
  size_t found = rig_count(&b->rig, b->rig.conn, &b->rig.user, &by);
  chio_buf_clear(&by);
  return found;
}

static enum chio_err become(struct bench *b, const struct chio_uid *object, const char *word) {
  struct chio_buf templ = CHIO_BUF_INIT;
  chio_attrs_begin(&templ);
  chio_attrs_add(&templ, CKA_CHIO_STATE, chio_slice_str(word));
  struct chio_object_set_request q = {
      .ticket = rig_ticket(&b->rig.user), .object = *object, .templ = chio_attrs_of(&templ)};
  enum chio_err err = rig_call(&b->rig, b->rig.conn, CHIO_MSG_OBJECT_SET, &q, NULL);
  chio_buf_clear(&templ);
  return err;
}

/* ---- The new key and the old ---- */

static void the_new_key_has_the_label_and_signs_the_old_one_verifies(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  struct chio_slice signature, id;
  struct chio_buf kept = CHIO_BUF_INIT, old_id = CHIO_BUF_INIT;
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_ECDSA_SHA256, chio_slice_str("x"), &signature), CHIO_OK);
  chio_buf_append_slice(&kept, signature);
  assert_true(rig_get(&b->rig, &b->key, CKA_ID, &id));
  chio_buf_append_slice(&old_id, id);
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_OK);
  assert_int_equal(r.before, 0);
  assert_true(r.old_label.len == strlen("web.until-20261121T120000Z"));
  for (int i = 0; i < 2; i++) {
    assert_true(is_text(b, &r.private_key, CKA_LABEL, "web") && is_text(b, &r.public_key, CKA_LABEL, "web"));
    assert_true(begins(b, &b->key, "web.until-2") && begins(b, &b->key_public, "web.until-2"));
    assert_true(is_text(b, &b->key, CKA_CHIO_STATE, "retired"));
    assert_true(is_text(b, &b->key_public, CKA_CHIO_STATE, "retired"));
    assert_true(is_text(b, &r.private_key, CKA_CHIO_STATE, "active"));
    assert_true(is_named(b, &b->key, CKA_CHIO_SUCCESSOR, &r.private_key));
    assert_true(is_named(b, &b->key_public, CKA_CHIO_SUCCESSOR, &r.private_key));
    assert_true(is_named(b, &r.private_key, CKA_CHIO_PREDECESSOR, &b->key));
    assert_int_equal(sign(b, &r.private_key), CHIO_OK);
    assert_int_equal(sign(b, &b->key), CHIO_E_KEY_FUNCTION);
    assert_true(rig_get(&b->rig, &r.private_key, CKA_ID, &id) && !chio_slice_equal(id, chio_buf_slice(&old_id)));
    assert_true(rig_get(&b->rig, &b->key, CKA_ID, &id) && chio_slice_equal(id, chio_buf_slice(&old_id)));
    struct chio_verify_request v = {.ticket = rig_ticket(&b->rig.user),
                                    .key = b->key_public,
                                    .mechanism = CHIO_MECH_ECDSA_SHA256,
                                    .data = chio_slice_str("x"),
                                    .signature = chio_buf_slice(&kept)};
    assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_VERIFY, &v, NULL), CHIO_OK);
    rig_restart(&b->rig);
  }
  chio_buf_clear(&kept);
  chio_buf_clear(&old_id);
}

static void evidence_objects_of_the_old_key_go_by_its_new_label(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  assert_int_equal(count(b, CKO_CERTIFICATE, "web"), 1);
  assert_int_equal(count(b, CKO_DATA, "web"), 1);
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_OK);
  assert_int_equal(count(b, CKO_CERTIFICATE, "web"), 1);
  assert_int_equal(count(b, CKO_DATA, "web"), 1);
  assert_int_equal(count(b, CKO_CERTIFICATE, NULL), 2);
  assert_int_equal(count(b, CKO_PRIVATE_KEY, "web"), 1);
  assert_int_equal(count(b, CKO_PUBLIC_KEY, "web"), 1);
}

static void with_an_overlap_the_old_key_goes_on_signing(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  assert_int_equal(rotate(b, &b->key, CHIO_ROTATE_OVERLAP, &r), CHIO_OK);
  assert_true(is_text(b, &b->key, CKA_CHIO_STATE, "active") && begins(b, &b->key, "web.until-"));
  assert_int_equal(sign(b, &b->key), CHIO_OK);
  assert_int_equal(sign(b, &r.private_key), CHIO_OK);
  assert_int_equal(become(b, &b->key, "retired"), CHIO_OK);
  assert_int_equal(sign(b, &b->key), CHIO_E_KEY_FUNCTION);
}

static void the_id_goes_over_when_that_is_asked(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  struct chio_slice id;
  struct chio_buf old_id = CHIO_BUF_INIT;
  assert_true(rig_get(&b->rig, &b->key, CKA_ID, &id));
  chio_buf_append_slice(&old_id, id);
  assert_int_equal(rotate(b, &b->key, CHIO_ROTATE_SAME_ID, &r), CHIO_OK);
  assert_true(rig_get(&b->rig, &r.private_key, CKA_ID, &id) && chio_slice_equal(id, chio_buf_slice(&old_id)));
  assert_true(rig_get(&b->rig, &r.public_key, CKA_ID, &id) && chio_slice_equal(id, chio_buf_slice(&old_id)));
  assert_true(rig_get(&b->rig, &b->key, CKA_ID, &id) && chio_slice_equal(id, chio_slice(b->key.b, CHIO_UID_SIZE)));
  assert_true(rig_get(&b->rig, &b->key_public, CKA_ID, &id) &&
              chio_slice_equal(id, chio_slice(b->key.b, CHIO_UID_SIZE)));
  chio_buf_clear(&old_id);
}

static void attributes_are_kept_and_dates_are_not(void **state) {
  struct bench *b = *state;
  struct chio_buf in_public = CHIO_BUF_INIT, in_private = CHIO_BUF_INIT;
  struct chio_rotate_reply r;
  struct chio_uid key;
  struct chio_slice value;
  static const uint8_t ckm[8] = {0x44, 0x10};
  chio_attrs_begin(&in_public);
  chio_attrs_add(&in_public, CKA_EC_PARAMS, rig_oid_p256);
  chio_attrs_add_bool(&in_public, CKA_TOKEN, true);
  chio_attrs_add(&in_public, CKA_LABEL, chio_slice_str("public half"));
  chio_attrs_begin(&in_private);
  chio_attrs_add_bool(&in_private, CKA_TOKEN, true);
  chio_attrs_add(&in_private, CKA_CHIO_ROLE, chio_slice_str("receipts"));
  chio_attrs_add(&in_private, CKA_SUBJECT, chio_slice_str("subject"));
  chio_attrs_add(&in_private, CKA_ALLOWED_MECHANISMS, chio_slice(ckm, sizeof ckm));
  chio_attrs_add(&in_private, CKA_END_DATE, chio_slice_str("20200101"));
  assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &in_public, &in_private, NULL, &key), CHIO_OK);
  assert_int_equal(rotate(b, &key, 0, &r), CHIO_OK);
  assert_true(is_text(b, &r.private_key, CKA_CHIO_ROLE, "receipts") && is_text(b, &r.public_key, CKA_CHIO_ROLE, "receipts"));
  assert_true(is_text(b, &r.private_key, CKA_SUBJECT, "subject") && is_text(b, &r.private_key, CKA_END_DATE, ""));
  assert_true(is_text(b, &r.public_key, CKA_LABEL, "public half") && is_text(b, &r.private_key, CKA_LABEL, ""));
  assert_true(rig_get(&b->rig, &r.private_key, CKA_ALLOWED_MECHANISMS, &value) &&
              chio_slice_equal(value, chio_slice(ckm, sizeof ckm)));
  assert_true(rig_get(&b->rig, &r.private_key, CKA_CHIO_STATEMENT, &value) && value.len > 0);
  chio_buf_clear(&in_public);
  chio_buf_clear(&in_private);
}

static void a_compromised_key_stays_so_and_its_heir_signs(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  assert_int_equal(become(b, &b->key, "compromised"), CHIO_OK);
  assert_int_equal(rotate(b, &b->key, CHIO_ROTATE_OVERLAP, &r), CHIO_OK);
  assert_true(is_text(b, &b->key, CKA_CHIO_STATE, "compromised"));
  assert_int_equal(sign(b, &r.private_key), CHIO_OK);
}

/* ---- Once ---- */

static void asking_again_makes_no_second_key(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply first, again;
  assert_int_equal(rotate(b, &b->key, 0, &first), CHIO_OK);
  struct chio_uid private_key = first.private_key, public_key = first.public_key;
  assert_int_equal(rotate(b, &b->key, 0, &again), CHIO_OK);
  assert_int_equal(again.before, 1);
  assert_true(chio_uid_equal(&again.private_key, &private_key) && chio_uid_equal(&again.public_key, &public_key));
  assert_true(again.old_label.len > 10 && memcmp(again.old_label.data, "web.until-", 10) == 0);
  rig_restart(&b->rig);
  assert_int_equal(rotate(b, &b->key, CHIO_ROTATE_OVERLAP, &again), CHIO_OK);
  assert_int_equal(again.before, 1);
  assert_int_equal(count(b, CKO_PRIVATE_KEY, NULL), 2);
  assert_int_equal(rotate(b, &private_key, 0, &again), CHIO_OK);
  assert_int_equal(again.before, 0);
  assert_int_equal(count(b, CKO_PRIVATE_KEY, NULL), 3);
}

static void a_key_whose_heir_is_gone_says_so(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_OK);
  struct chio_object_destroy_request q = {.ticket = rig_ticket(&b->rig.user), .object = r.private_key};
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_OBJECT_DESTROY, &q, NULL), CHIO_OK);
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_E_ACTION_PROHIBITED);
  assert_non_null(strstr(b->rig.detail.text, "is no more"));
}

struct racer {
  struct rig *rig;
  struct chio_conn *conn;
  struct chio_uid key, made;
  enum chio_err err;
  uint32_t before;
};

/* Frames of its own: the rig's are one thread's. */
static void *race(void *arg) {
  struct racer *me = arg;
  struct chio_rotate_request q = {.ticket = rig_ticket(&me->rig->user), .key = me->key};
  struct chio_rotate_reply r;
  struct chio_buf frame = CHIO_BUF_INIT, out = CHIO_BUF_INIT;
  struct chio_frame_header header;
  const struct chio_message *message = chio_message_find(CHIO_MSG_ROTATE);
  me->err = chio_message_request(message, 1, &q, &frame);
  if (me->err == CHIO_OK) me->err = chio_frame_decode(chio_slice(frame.data, CHIO_FRAME_HEADER_SIZE), &header);
  struct chio_slice body = chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, frame.len - CHIO_FRAME_HEADER_SIZE);
  if (me->err == CHIO_OK) me->err = chio_conn_dispatch(me->conn, &header, body, &out);
  if (me->err == CHIO_OK) me->err = chio_frame_decode(chio_slice(out.data, CHIO_FRAME_HEADER_SIZE), &header);
  if (me->err == CHIO_OK) me->err = (enum chio_err)header.error;
  body = chio_slice(out.data + CHIO_FRAME_HEADER_SIZE, out.len - CHIO_FRAME_HEADER_SIZE);
  if (me->err == CHIO_OK) me->err = chio_fields_decode(*message->reply, body, message->reply_size, &r);
  me->made = r.private_key;
  me->before = r.before;
  chio_buf_clear(&frame);
  chio_buf_clear(&out);
  return NULL;
}

static void of_many_at_once_one_makes_the_key(void **state) {
  struct bench *b = *state;
  struct racer racers[6];
  pthread_t threads[6];
  unsigned made = 0;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(racers); i++)
    racers[i] = (struct racer){.rig = &b->rig, .conn = rig_connect(&b->rig, (uint8_t)(10 + i)), .key = b->key};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(racers); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(racers); i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(racers[i].err, CHIO_OK);
    made += racers[i].before == 0 ? 1 : 0;
    assert_true(chio_uid_equal(&racers[i].made, &racers[0].made));
    chio_conn_close(racers[i].conn);
  }
  assert_int_equal(made, 1);
  assert_int_equal(count(b, CKO_PRIVATE_KEY, NULL), 2);
  assert_int_equal(count(b, CKO_PRIVATE_KEY, "web"), 1);
}

/* ---- Keys that live elsewhere ---- */

static enum chio_err kms_become(struct bench *b, const char *word) {
  struct chio_buf templ = CHIO_BUF_INIT;
  chio_attrs_begin(&templ);
  chio_attrs_add(&templ, CKA_CHIO_STATE, chio_slice_str(word));
  struct chio_object_set_request q = {.slot = SLOT, .object = b->kms_issuer, .templ = chio_attrs_of(&templ)};
  enum chio_err err = rig_call(&b->rig, b->rig.conn, CHIO_MSG_OBJECT_SET, &q, NULL);
  chio_buf_clear(&templ);
  return err;
}

static enum chio_err kms_sign(struct bench *b) {
  struct chio_sign_request q = {
      .slot = SLOT, .key = b->kms_issuer, .mechanism = CHIO_MECH_EDDSA, .data = chio_slice_str("x")};
  struct chio_sign_reply r;
  return rig_call(&b->rig, b->rig.conn, CHIO_MSG_SIGN, &q, &r);
}

static void a_key_of_a_kms_has_its_state_here(void **state) {
  struct bench *b = *state;
  assert_int_equal(kms_sign(b), CHIO_OK);
  unsigned signs = fake.signs;
  assert_int_equal(kms_become(b, "suspended"), CHIO_OK);
  assert_int_equal(kms_sign(b), CHIO_E_KEY_FUNCTION);
  assert_non_null(strstr(b->rig.detail.text, "is suspended"));
  rig_restart(&b->rig);
  assert_int_equal(kms_sign(b), CHIO_E_KEY_FUNCTION);
  assert_int_equal(fake.signs, signs); /* the KMS was not asked */
  assert_int_equal(kms_become(b, "active"), CHIO_OK);
  assert_int_equal(kms_sign(b), CHIO_OK);
  assert_int_equal(kms_become(b, "retired"), CHIO_OK);
  assert_int_equal(kms_become(b, "active"), CHIO_E_ATTRIBUTE_VALUE);
  assert_int_equal(kms_sign(b), CHIO_E_KEY_FUNCTION);
}

/* ---- The schedule ---- */

static uint64_t lag(struct bench *b, uint64_t now) {
  return chio_rotation_lag(b->rig.core, chio_core_slot(b->rig.core, 0), now);
}

static void a_key_that_is_due_is_late_until_it_is_rotated(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  uint64_t now = (uint64_t)time(NULL);
  assert_int_equal(lag(b, now + 1000 * DAY), 0); /* nobody said when */
  b->rig.config.rotation.after = 90 * DAY;
  rig_restart(&b->rig);
  assert_int_equal(lag(b, now + 90 * DAY - 100), 0);
  uint64_t found = lag(b, now + 90 * DAY + 3600);
  assert_true(found >= 3500 && found <= 3700);
  assert_int_equal(become(b, &b->key, "suspended"), CHIO_OK);
  assert_int_equal(lag(b, now + 1000 * DAY), 0);
  assert_int_equal(become(b, &b->key, "active"), CHIO_OK);
  assert_true(lag(b, now + 1000 * DAY) > 900 * DAY);
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_OK);
  assert_int_equal(become(b, &r.private_key, "suspended"), CHIO_OK);
  assert_int_equal(lag(b, now + 1000 * DAY), 0); /* the old one is out of use */
  rig_restart(&b->rig);
  assert_int_equal(become(b, &r.private_key, "active"), CHIO_OK);
  assert_true(lag(b, now + 91 * DAY) > 0);
}

static void the_rule_of_a_role_goes_before_that_for_all(void **state) {
  struct bench *b = *state;
  uint64_t now = (uint64_t)time(NULL);
  struct chio_rotation_rules *rules = &b->rig.config.rotation;
  rules->after = DAY;
  rules->role_count = 2;
  memcpy(rules->roles[0].role, "receipts", sizeof "receipts");
  rules->roles[0].after = 60;
  memcpy(rules->roles[1].role, "general", sizeof "general");
  rules->roles[1].after = 10 * DAY;
  rig_restart(&b->rig);
  assert_int_equal(lag(b, now + 9 * DAY), 0);
  assert_true(lag(b, now + 11 * DAY) > DAY - 100);
  chio_rotation_round(b->rig.core);
  assert_true(lag(b, now + 11 * DAY) > DAY - 100);
}

static void the_status_tells_how_late_a_token_is(void **state) {
  struct bench *b = *state;
  struct chio_status_reply r;
  b->rig.config.rotation.after = 1;
  rig_restart(&b->rig);
  for (int i = 0; i < 100 && lag(b, (uint64_t)time(NULL)) == 0; i++)
    (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_STATUS, NULL, &r), CHIO_OK);
  assert_non_null(memmem(r.json.data, r.json.len, "\"rotation_lag_seconds\":0", 24)); /* of the empty slot */
  char *at = memmem(r.json.data, r.json.len, "\"rotation_lag_seconds\":", 23);
  assert_non_null(at);
  assert_true(at[23] >= '1' && at[23] <= '9');
}

/* ---- What is refused ---- */

static void what_is_no_key_to_rotate_stays_as_it_is(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  struct chio_buf in_public = CHIO_BUF_INIT, in_private = CHIO_BUF_INIT;
  struct chio_uid session, fixed, none = {{1}};
  struct chio_rotate_request q = {.key = b->key_public};
  assert_int_equal(rotate(b, &b->key_public, 0, &r), CHIO_E_KEY_FUNCTION);
  assert_int_equal(rotate(b, &none, 0, &r), CHIO_E_OBJECT_UNKNOWN);
  assert_int_equal(rotate(b, &b->key, 8, &r), CHIO_E_ARGUMENT);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_ROTATE, &q, &r), CHIO_E_NOT_LOGGED_IN);
  q.key = b->key;
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_ROTATE, &q, &r), CHIO_E_OBJECT_UNKNOWN);
  q = (struct chio_rotate_request){.slot = SLOT, .key = b->kms_issuer};
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_ROTATE, &q, &r), CHIO_E_KEY_FUNCTION);
  assert_non_null(strstr(b->rig.detail.text, "KMS"));
  chio_attrs_begin(&in_public);
  chio_attrs_add(&in_public, CKA_EC_PARAMS, rig_oid_p256);
  assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &in_public, NULL, NULL, &session), CHIO_OK);
  assert_int_equal(rotate(b, &session, 0, &r), CHIO_E_KEY_FUNCTION);
  chio_attrs_begin(&in_private);
  chio_attrs_add_bool(&in_private, CKA_TOKEN, true);
  chio_attrs_add_bool(&in_private, CKA_MODIFIABLE, false);
  assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &in_public, &in_private, NULL, &fixed), CHIO_OK);
  assert_int_equal(rotate(b, &fixed, 0, &r), CHIO_E_ACTION_PROHIBITED);
  b->rig.config.read_only = true;
  rig_restart(&b->rig);
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_E_TOKEN_READ_ONLY);
  assert_int_equal(sign(b, &b->key), CHIO_OK);
  chio_buf_clear(&in_public);
  chio_buf_clear(&in_private);
}

/* ---- Its delegation ---- */

static void write_policy(struct bench *b) {
  struct chio_attest_result *result = NULL;
  struct chio_slice evidence;
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_EVIDENCE, &evidence));
  struct chio_attest_request request = {
      .evidence = evidence.data, .evidence_len = evidence.len, .at = (int64_t)time(NULL)};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  chio_buf_reset(&b->policy);
  chio_buf_append_str(&b->policy, "version = 1\ntee = [\"sim-tdx\"]\nmeasurements = [\"");
  chio_hex_append(&b->policy, chio_slice(result->measurement, result->measurement_len));
  chio_buf_append_str(&b->policy, "\"]\n[roots]\nspki_sha256 = [\"");
  chio_hex_append(&b->policy, chio_slice(result->root_spki_sha256, 32));
  chio_buf_append_str(&b->policy, "\"]\n[key]\norigins = [\"born\"]\nstates = [\"active\"]\n");
  chio_attest_result_free(result);
}

static void delegate(struct bench *b) {
  struct chio_delegate_reply r;
  write_policy(b);
  struct chio_delegate_request q = {.issuer_slot = SLOT,
                                    .issuer = b->kms_issuer,
                                    .ticket = rig_ticket(&b->rig.user),
                                    .key = b->key,
                                    .seconds = 30 * DAY,
                                    .policy = chio_buf_slice(&b->policy)};
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_DELEGATE, &q, &r), CHIO_OK);
}

static void the_same_issuer_vouches_for_the_new_key(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  struct chio_slice chain, of_public;
  struct chio_buf first = CHIO_BUF_INIT;
  delegate(b);
  size_t certificates = count(b, CKO_CERTIFICATE, "web");
  unsigned signs = fake.signs;
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_OK);
  assert_true(fake.signs > signs);
  uint64_t now = (uint64_t)time(NULL);
  assert_true(r.not_after > now + 29 * DAY);
  assert_int_equal(count(b, CKO_CERTIFICATE, "web"), certificates);
  assert_true(rig_get(&b->rig, &r.private_key, CKA_CHIO_DELEGATION, &chain) && chain.len > 0);
  chio_buf_append_slice(&first, chain);
  assert_true(rig_get(&b->rig, &r.public_key, CKA_CHIO_DELEGATION, &of_public) &&
              chio_slice_equal(of_public, chio_buf_slice(&first)));
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &chain) &&
              !chio_slice_equal(chain, chio_buf_slice(&first)));
  rig_restart(&b->rig);
  signs = fake.signs;
  chio_renewals_round(b->rig.core, now + 21 * DAY); /* of the new key alone: a certificate and a link */
  assert_int_equal(fake.signs, signs + 2);
  assert_true(rig_get(&b->rig, &r.private_key, CKA_CHIO_DELEGATION, &chain) &&
              !chio_slice_equal(chain, chio_buf_slice(&first)));
  chio_buf_clear(&first);
}

static void an_issuer_that_does_not_answer_changes_nothing_unless_it_is_asked_later(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  struct chio_slice chain;
  delegate(b);
  fake.fault = CHIO_E_TIMEOUT;
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_E_BACKEND_UNREACHABLE);
  assert_int_equal(count(b, CKO_PRIVATE_KEY, NULL), 1);
  assert_true(is_text(b, &b->key, CKA_LABEL, "web") && is_text(b, &b->key, CKA_CHIO_STATE, "active"));
  assert_int_equal(sign(b, &b->key), CHIO_OK);
  assert_int_equal(rotate(b, &b->key, CHIO_ROTATE_DELEGATE_LATER, &r), CHIO_OK);
  assert_int_equal(r.not_after, 0);
  assert_false(rig_get(&b->rig, &r.private_key, CKA_CHIO_DELEGATION, &chain));
  fake.fault = CHIO_OK;
  chio_renewals_round(b->rig.core, (uint64_t)time(NULL) + 1);
  assert_true(rig_get(&b->rig, &r.private_key, CKA_CHIO_DELEGATION, &chain) && chain.len > 0);
}

static void a_policy_that_the_new_key_does_not_pass_changes_nothing(void **state) {
  struct bench *b = *state;
  struct chio_rotate_reply r;
  delegate(b);
  assert_int_equal(sign(b, &b->key), CHIO_OK);
  b->rig.config.manifest = "another configuration";
  b->rig.config.measured_file = "/etc/passwd"; /* another measurement */
  rig_restart(&b->rig);
  assert_int_equal(rotate(b, &b->key, 0, &r), CHIO_E_EVIDENCE_REFUSED);
  assert_int_equal(count(b, CKO_PRIVATE_KEY, NULL), 1);
  assert_int_equal(sign(b, &b->key), CHIO_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(the_new_key_has_the_label_and_signs_the_old_one_verifies),
      T(evidence_objects_of_the_old_key_go_by_its_new_label),
      T(with_an_overlap_the_old_key_goes_on_signing),
      T(the_id_goes_over_when_that_is_asked),
      T(attributes_are_kept_and_dates_are_not),
      T(a_compromised_key_stays_so_and_its_heir_signs),
      T(asking_again_makes_no_second_key),
      T(a_key_whose_heir_is_gone_says_so),
      T(of_many_at_once_one_makes_the_key),
      T(a_key_of_a_kms_has_its_state_here),
      T(a_key_that_is_due_is_late_until_it_is_rotated),
      T(the_rule_of_a_role_goes_before_that_for_all),
      T(the_status_tells_how_late_a_token_is),
      T(what_is_no_key_to_rotate_stays_as_it_is),
      T(the_same_issuer_vouches_for_the_new_key),
      T(an_issuer_that_does_not_answer_changes_nothing_unless_it_is_asked_later),
      T(a_policy_that_the_new_key_does_not_pass_changes_nothing),
  };
  chio_log_configure(CHIO_LOG_ERROR, CHIO_LOG_TEXT, open("/dev/null", O_WRONLY));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
