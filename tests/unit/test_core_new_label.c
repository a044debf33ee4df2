/* CKA_CHIO_NEW_LABEL: a key pair is made only where its label is no key's, whoever else asks at the same moment. */
#include "tests/unit/slot_rig.h"

#define THREADS 12u

/* What is asked for in one key pair request. */
struct wish {
  uint32_t slot;
  const char *label, *other_label; /* of the private half, of the public one; NULL: none */
  bool in_private, in_public, boot;
};

static enum chio_err ask(struct rig *rig, struct chio_conn *conn, const struct wish *w, struct chio_uid *out_private) {
  struct chio_buf halves[2] = {CHIO_BUF_INIT, CHIO_BUF_INIT};
  const char *labels[2] = {w->other_label, w->label};
  const bool asks[2] = {w->in_public, w->in_private};
  for (size_t i = 0; i < 2; i++) {
    chio_attrs_begin(&halves[i]);
    chio_attrs_add_bool(&halves[i], CKA_TOKEN, true);
    if (labels[i] != NULL) chio_attrs_add(&halves[i], CKA_LABEL, chio_slice_str(labels[i]));
    if (asks[i]) chio_attrs_add_bool(&halves[i], (uint32_t)CKA_CHIO_NEW_LABEL, true);
    if (w->boot) chio_attrs_add(&halves[i], (uint32_t)CKA_CHIO_LIFETIME, chio_slice_str("boot"));
  }
  chio_attrs_add(&halves[0], CKA_EC_PARAMS, rig_oid_p256);
  const struct chio_key_pair_request q = {.slot = w->slot,
                                          .ticket = w->slot == 0 ? rig_ticket(&rig->user) : chio_slice(NULL, 0),
                                          .session = 1,
                                          .mechanism = CHIO_MECH_EC_KEY_PAIR_GEN,
                                          .public_template = chio_attrs_of(&halves[0]),
                                          .private_template = chio_attrs_of(&halves[1])};
  struct chio_key_pair_reply r;
  enum chio_err err = rig_call(rig, conn, CHIO_MSG_KEY_PAIR, &q, &r);
  if (err == CHIO_OK && out_private != NULL) *out_private = r.private_key;
  for (size_t i = 0; i < 2; i++) chio_buf_clear(&halves[i]);
  return err;
}

static void a_label_that_a_key_has_is_refused_where_a_new_one_is_asked_for(void **state) {
  struct rig *rig = *state;
  const struct wish plain = {0, "k", "k", false, false, false}, fresh = {0, "k", "k", true, true, false};
  struct chio_uid key;
  struct chio_slice value;
  rig_token(rig);
  assert_int_equal(ask(rig, rig->conn, &fresh, &key), CHIO_OK);
  assert_false(rig_get(rig, &key, (uint32_t)CKA_CHIO_NEW_LABEL, &value)); /* it says how it is made, not what it is */
  assert_int_equal(ask(rig, rig->conn, &fresh, NULL), CHIO_E_EXISTS);
  assert_non_null(strstr(rig->detail.text, "a key 'k'"));
  assert_int_equal(ask(rig, rig->conn, &plain, NULL), CHIO_OK); /* as PKCS #11 has it */
  const struct wish one_half = {0, "k", "k", false, true, false};
  assert_int_equal(ask(rig, rig->conn, &one_half, NULL), CHIO_E_EXISTS);
  const struct wish another = {0, "other", "other", true, true, false};
  assert_int_equal(ask(rig, rig->conn, &another, NULL), CHIO_OK);
}

static void a_key_of_this_run_alone_has_its_label_too(void **state) {
  struct rig *rig = *state;
  const struct wish boot = {0, "k", "k", true, true, true}, fresh = {0, "k", "k", true, true, false};
  rig_token(rig);
  assert_int_equal(ask(rig, rig->conn, &boot, NULL), CHIO_OK);
  assert_int_equal(ask(rig, rig->conn, &fresh, NULL), CHIO_E_EXISTS);
  rig_restart(rig);
  assert_int_equal(ask(rig, rig->conn, &fresh, NULL), CHIO_OK);
}

static void a_label_is_free_again_once_its_key_is_destroyed(void **state) {
  struct rig *rig = *state;
  const struct wish fresh = {0, "k", "k", true, true, false};
  struct chio_uid key;
  rig_token(rig);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(ask(rig, rig->conn, &fresh, &key), CHIO_OK);
    struct chio_object_destroy_request q = {.ticket = rig_ticket(&rig->user), .object = key};
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_DESTROY, &q, NULL), CHIO_OK);
    assert_int_equal(ask(rig, rig->conn, &fresh, NULL), CHIO_E_EXISTS); /* its public half is there */
    struct chio_buf all = CHIO_BUF_INIT;
    chio_attrs_begin(&all);
    chio_attrs_add_ulong(&all, CKA_CLASS, CKO_PUBLIC_KEY);
    struct chio_object_find_request find_it = {
        .ticket = rig_ticket(&rig->user), .templ = chio_attrs_of(&all), .max = 16};
    struct chio_object_find_reply found;
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &find_it, &found), CHIO_OK);
    assert_int_equal(found.objects.len, CHIO_UID_SIZE);
    memcpy(q.object.b, found.objects.data, CHIO_UID_SIZE);
    assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_DESTROY, &q, NULL), CHIO_OK);
    chio_buf_clear(&all);
  }
}

static void what_is_no_label_for_both_halves_is_refused(void **state) {
  struct rig *rig = *state;
  static const struct {
    struct wish wish;
    enum chio_err err;
  } rows[] = {{{0, NULL, NULL, true, true, false}, CHIO_E_TEMPLATE_INCOMPLETE},
              {{0, "", "", true, false, false}, CHIO_E_TEMPLATE_INCOMPLETE},
              {{0, "a", "b", true, true, false}, CHIO_E_TEMPLATE_INCONSISTENT},
              {{0, "a", NULL, true, true, false}, CHIO_E_TEMPLATE_INCONSISTENT},
              {{0, NULL, "a", false, true, false}, CHIO_E_TEMPLATE_INCONSISTENT}};
  rig_token(rig);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_equal(ask(rig, rig->conn, &rows[i].wish, NULL), rows[i].err);
}

/* ---- At the same moment ---- */

struct racer {
  struct rig rig; /* with a reply of its own */
  struct chio_conn *conn;
  struct wish wish;
  enum chio_err err;
};

static void *race(void *arg) {
  struct racer *r = arg;
  r->err = ask(&r->rig, r->conn, &r->wish, NULL);
  return NULL;
}

/* How many of them made a key; all others were told that there is one. */
static unsigned race_all(struct rig *rig, struct wish wish) {
  static struct racer racers[THREADS];
  pthread_t threads[THREADS];
  unsigned made = 0;
  for (size_t i = 0; i < THREADS; i++) {
    racers[i] = (struct racer){.rig = *rig, .wish = wish};
    racers[i].rig.out = (struct chio_buf)CHIO_BUF_INIT;
    racers[i].conn = rig_connect(rig, (uint8_t)(i + 2));
  }
  for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
  for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  for (size_t i = 0; i < THREADS; i++) {
    if (racers[i].err == CHIO_OK) made++;
    else assert_int_equal(racers[i].err, CHIO_E_EXISTS);
    chio_buf_clear(&racers[i].rig.out);
    chio_conn_close(racers[i].conn);
  }
  return made;
}

static void of_many_who_ask_at_once_one_makes_the_key(void **state) {
  struct rig *rig = *state;
  struct wish wish = {0, NULL, NULL, true, true, false};
  rig_token(rig);
  for (unsigned i = 0; i < 8; i++) {
    char label[8];
    (void)snprintf(label, sizeof label, "k%u", i);
    wish.label = wish.other_label = label;
    assert_int_equal(race_all(rig, wish), 1);
  }
}

static void a_kms_is_asked_for_one_key_alone(void **state) {
  struct rig *rig = *state;
  const struct wish wish = {SLOT, "issuer", "issuer", true, true, false};
  assert_int_equal(race_all(rig, wish), 1);
  assert_int_equal(fake.creates, 1);
}

static void a_kms_that_fails_leaves_the_label_free(void **state) {
  struct rig *rig = *state;
  const struct wish wish = {SLOT, "issuer", "issuer", true, true, false};
  fake.fault = CHIO_E_TIMEOUT;
  assert_int_equal(ask(rig, rig->conn, &wish, NULL), CHIO_E_BACKEND_UNREACHABLE);
  fake.fault = CHIO_OK;
  assert_int_equal(ask(rig, rig->conn, &wish, NULL), CHIO_OK);
  assert_int_equal(ask(rig, rig->conn, &wish, NULL), CHIO_E_EXISTS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_label_that_a_key_has_is_refused_where_a_new_one_is_asked_for),
      TEST(a_key_of_this_run_alone_has_its_label_too),
      TEST(a_label_is_free_again_once_its_key_is_destroyed),
      TEST(what_is_no_label_for_both_halves_is_refused),
      TEST(of_many_who_ask_at_once_one_makes_the_key),
      TEST(a_kms_is_asked_for_one_key_alone),
      TEST(a_kms_that_fails_leaves_the_label_free),
  };
  return cmocka_run_group_tests(tests, quiet, NULL);
}
