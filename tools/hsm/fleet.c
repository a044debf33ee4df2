/*
 * fleet status, reattest and rotate: one signer after the other, in the order of the file; rotate until the first
 * failure, unless --continue. What happened is kept as JSON, and printed from there in either form.
 */
#include "tools/hsm/fleet.h"

#include "attest/moment.h"
#include "signer/base/duration.h"
#include "tools/hsm/json.h"
#include "tools/hsm/rotate.h"
#include "tools/hsm/signer.h"

#include <stdio.h>
#include <time.h>

#define MAX_LAG_DEFAULT 3600 /* seconds: a rotation that is later has failed */
#define SINCE_DEFAULT 3600   /* seconds: a key that is younger was rotated */

enum action { LOOK, REATTEST, ROTATE };

struct tour {
  struct hsm *hsm;
  enum action action;
  struct hsm_fleet fleet;
  struct hsm_expectation expectation;
  int64_t since; /* seconds since the epoch: keys born since are left alone */
  uint64_t max_lag;
  json_t *report; /* of the signers, in their order */
  size_t failed, rotated, late;
};

/* One signer while it is the turn's. */
struct stop {
  struct tour *tour;
  struct hsm view;
  json_t *rows; /* of keys */
  int64_t lag;  /* -1: not known */
};

/* ---- What was asked ---- */

/* How long ago, or when. */
static enum chio_err read_since(const char *text, int64_t *out, struct chio_detail *detail) {
  uint64_t ago = SINCE_DEFAULT;
  int64_t now = (int64_t)time(NULL);
  if (text != NULL && chio_moment_parse(chio_slice_str(text), out) == CHIO_OK) return CHIO_OK;
  if (text != NULL && chio_duration_parse(chio_slice_str(text), &ago) != CHIO_OK)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--since '%s': expected a time such as 2026-01-31T12:00:00Z, or 2h",
                     text);
  *out = now - (int64_t)ago;
  return CHIO_OK;
}

static enum chio_err read_tour(struct tour *t, struct chio_detail *detail) {
  const struct hsm *hsm = t->hsm;
  const char *max_lag = hsm->option[HSM_OPT_MAX_LAG];
  bool expects = hsm->option[HSM_OPT_POLICY] != NULL || hsm->option[HSM_OPT_ROOT] != NULL;
  t->max_lag = MAX_LAG_DEFAULT;
  if (max_lag != NULL && chio_duration_parse(chio_slice_str(max_lag), &t->max_lag) != CHIO_OK)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--max-lag '%s': expected a length of time such as 1h", max_lag);
  if (t->action == REATTEST && !expects)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--policy FILE (or --root, for a trial) says what the evidence must be");
  enum chio_err err = read_since(hsm->option[HSM_OPT_SINCE], &t->since, detail);
  if (err == CHIO_OK) err = hsm_fleet_read(hsm, &t->fleet, detail);
  return err == CHIO_OK ? hsm_expectation_read(hsm, &t->expectation, detail) : err;
}

/* ---- Health ---- */

static json_t *slot_of(json_t *status, uint32_t number) {
  size_t i;
  json_t *slot;
  json_array_foreach(json_object_get(status, "slots"), i, slot)
    if (json_integer_value(json_object_get(slot, "slot")) == (json_int_t)number) return slot;
  return NULL;
}

static enum chio_err judge_status(struct stop *s, json_t *status, struct chio_detail *detail) {
  json_t *slot = slot_of(status, s->view.slot);
  const char *state = json_string_value(json_object_get(slot, "state"));
  s->lag = (int64_t)json_integer_value(json_object_get(slot, "rotation_lag_seconds"));
  if (slot == NULL || state == NULL)
    return chio_fail(detail, CHIO_E_PROTOCOL, "its status does not tell of slot %u", (unsigned)s->view.slot);
  if (strcmp(state, "ok") != 0)
    return chio_fail(detail, CHIO_E_STORE_CORRUPT, "token '%s' is %s", s->view.token_label, state);
  if (s->tour->action == ROTATE && json_is_true(json_object_get(status, "read_only")))
    return chio_fail(detail, CHIO_E_TOKEN_READ_ONLY, "the signer is read-only");
  return CHIO_OK;
}

static enum chio_err check_health(struct stop *s, struct chio_detail *detail) {
  struct chio_status_reply reply;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_token(&s->view, detail);
  if (err == CHIO_OK) err = chio_call_status(s->view.client, NULL, &reply, holder, NULL, detail);
  if (err != CHIO_OK) return err;
  json_t *status = json_loadb((const char *)reply.json.data, reply.json.len, 0, NULL);
  err = judge_status(s, status, detail);
  json_decref(status);
  return err;
}

/* ---- One key ---- */

static json_t *row_of(struct stop *s, const struct hsm_key *key) {
  struct chio_slice label = hsm_key_attribute(key, CKA_LABEL), uid = chio_slice(NULL, 0);
  (void)chio_attrs_find(key->private_half.attributes, CKA_UNIQUE_ID, &uid);
  json_t *row = json_pack("{s:s#, s:s#}", "label", (const char *)label.data, (int)label.len, "old",
                          (const char *)uid.data, (int)uid.len);
  if (row == NULL || json_array_append_new(s->rows, row) != 0) return NULL;
  return row;
}

static void say(json_t *row, const char *result, const char *text) {
  (void)json_object_set_new(row, "result", json_string(result));
  if (text != NULL) (void)json_object_set_new(row, "text", json_string(text));
}

/* The new key, before it is relied on: its evidence is as good, and it signs. */
static enum chio_err check_new(struct stop *s, const struct chio_uid *uid, json_t *row, struct chio_detail *detail) {
  struct hsm_keys found;
  char name[CHIO_UID_HEX + 1];
  chio_uid_hex(uid, name);
  (void)json_object_set_new(row, "new", json_string(name));
  s->view.word[0] = name;
  enum chio_err err = hsm_key_find(&s->view, name, &found, detail);
  if (err != CHIO_OK) return err;
  err = hsm_fleet_attest(&s->view, &found.list[0], &s->tour->expectation, detail);
  if (err == CHIO_OK) err = hsm_fleet_probe(&s->view, &found.list[0], detail);
  hsm_keys_clear(&found);
  return err;
}

static enum chio_err rotate(struct stop *s, const struct hsm_key *key, json_t *row, struct chio_detail *detail) {
  struct hsm_rotated rotated;
  if (s->tour->hsm->option[HSM_OPT_DRY_RUN] != NULL) {
    say(row, "would rotate", NULL);
    return CHIO_OK;
  }
  enum chio_err err = hsm_key_rotate(&s->view, key, 0, &rotated, detail);
  if (err == CHIO_OK) err = check_new(s, &rotated.private_key, row, detail);
  if (err != CHIO_OK) return err;
  say(row, rotated.before ? "rotated before" : "rotated", NULL);
  if (!rotated.before) s->tour->rotated++;
  return CHIO_OK;
}

static bool is_state(const struct hsm_key *key, const char *word) {
  return chio_slice_equal(hsm_key_attribute(key, (uint32_t)CKA_CHIO_STATE), chio_slice_str(word));
}

static enum chio_err serve_key(struct stop *s, const struct hsm_key *key, struct chio_detail *detail) {
  int64_t born = 0;
  json_t *row = row_of(s, key);
  if (row == NULL) return CHIO_E_NO_MEMORY;
  if (s->tour->action == ROTATE) {
    enum chio_err err = hsm_key_born(&s->view, key, &born, detail);
    if (err != CHIO_OK) return err;
    if (born >= s->tour->since) {
      say(row, "skipped", "it was born since");
      return CHIO_OK;
    }
  }
  /* A key that is out of use cannot show evidence of being in use: who rotates it by name wants it replaced. */
  bool out_of_use = is_state(key, "compromised") || is_state(key, "retired");
  bool judged = s->tour->action != ROTATE || !out_of_use;
  enum chio_err err = judged ? hsm_fleet_attest(&s->view, key, &s->tour->expectation, detail) : CHIO_OK;
  if (err == CHIO_OK && s->tour->action == ROTATE) err = rotate(s, key, row, detail);
  if (err == CHIO_OK && s->tour->action == REATTEST) say(row, "accepted", NULL);
  if (err != CHIO_OK) say(row, "failed", detail->text[0] != '\0' ? detail->text : chio_err_text(err));
  return err;
}

/* Without a name: all that were born there and are in use, but for those that have an heir already. */
static bool is_served(const struct hsm_key *key) {
  return key->private_half.known && is_state(key, "active") &&
         chio_slice_equal(hsm_key_attribute(key, (uint32_t)CKA_CHIO_ORIGIN), chio_slice_str("born")) &&
         !chio_slice_equal(hsm_key_attribute(key, (uint32_t)CKA_CHIO_LIFETIME), chio_slice_str("session")) &&
         hsm_key_attribute(key, (uint32_t)CKA_CHIO_SUCCESSOR).len == 0;
}

static enum chio_err serve_keys(struct stop *s, struct chio_detail *detail) {
  struct hsm_keys keys;
  const char *name = s->tour->hsm->option[HSM_OPT_KEY];
  s->view.word[0] = name;
  enum chio_err err = hsm_login(&s->view, detail);
  if (err == CHIO_OK)
    err = name != NULL ? hsm_key_find(&s->view, name, &keys, detail) : hsm_keys_all(&s->view, &keys, detail);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; err == CHIO_OK && i < keys.count; i++) {
    if (name != NULL && !keys.list[i].private_half.known)
      err = chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private key '%s'", s->view.token_label, name);
    else if (name != NULL || is_served(&keys.list[i]))
      err = serve_key(s, &keys.list[i], detail);
  }
  hsm_keys_clear(&keys);
  return err;
}

/* ---- One signer ---- */

static void report(struct stop *s, const struct hsm_fleet_signer *signer, const char *result, const char *text) {
  json_t *entry = json_pack("{s:s, s:s, s:s, s:O}", "name", signer->name, "endpoint", signer->endpoint, "result",
                            result, "keys", s->rows);
  (void)json_object_set_new(entry, "rotation_lag_seconds", s->lag >= 0 ? json_integer(s->lag) : json_null());
  if (text != NULL) (void)json_object_set_new(entry, "text", json_string(text));
  (void)json_array_append_new(s->tour->report, entry);
}

static enum chio_err visit(struct tour *t, const struct hsm_fleet_signer *signer) {
  struct chio_detail detail = {{0}};
  struct stop s = {.tour = t, .rows = json_array(), .lag = -1};
  hsm_fleet_view(t->hsm, signer, &s.view);
  enum chio_err err = s.rows != NULL ? check_health(&s, &detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && t->action != LOOK) err = serve_keys(&s, &detail);
  if (err == CHIO_OK && t->action == ROTATE) err = hsm_rotation_lag(&s.view, &s.lag, &detail);
  bool late = s.lag > (int64_t)t->max_lag;
  if (late) t->late++;
  if (err == CHIO_OK && late && t->action != REATTEST)
    err = chio_fail(&detail, CHIO_E_EVIDENCE_REFUSED, "its rotation is %lld s late", (long long)s.lag);
  if (err != CHIO_OK) t->failed++;
  report(&s, signer, err == CHIO_OK ? "ok" : "failed",
         err == CHIO_OK ? NULL : detail.text[0] != '\0' ? detail.text : chio_err_text(err));
  hsm_close(&s.view);
  json_decref(s.rows);
  return err;
}

static void pass_over(struct tour *t, const struct hsm_fleet_signer *signer) {
  struct stop s = {.tour = t, .rows = json_array(), .lag = -1};
  report(&s, signer, "not reached", NULL);
  json_decref(s.rows);
}

/* ---- The answer ---- */

static const char *text_of(json_t *object, const char *member) {
  const char *text = json_string_value(json_object_get(object, member));
  return text != NULL ? text : "-";
}

static void print_signer(json_t *entry) {
  size_t i;
  json_t *row, *lag = json_object_get(entry, "rotation_lag_seconds");
  bool has_text = json_object_get(entry, "text") != NULL;
  (void)printf("%-16s %-12s", text_of(entry, "name"), text_of(entry, "result"));
  if (json_is_integer(lag)) (void)printf(" rotation %lld s late", (long long)json_integer_value(lag));
  (void)printf("%s%s\n", has_text ? "  " : "", has_text ? text_of(entry, "text") : "");
  json_array_foreach(json_object_get(entry, "keys"), i, row) {
    bool told = json_object_get(row, "text") != NULL && strcmp(text_of(row, "result"), "failed") != 0;
    (void)printf("  %-20s %-14s old %s  new %s%s%s\n", text_of(row, "label"), text_of(row, "result"),
                 text_of(row, "old"), text_of(row, "new"), told ? "  " : "", told ? text_of(row, "text") : "");
  }
}

static enum chio_err print(const struct tour *t) {
  size_t i;
  json_t *entry;
  size_t count = json_array_size(t->report);
  if (t->hsm->json)
    return hsm_json_print(json_pack("{s:O, s:I, s:I, s:I, s:I, s:b}", "signers", t->report, "failed",
                                    (json_int_t)t->failed, "late", (json_int_t)t->late, "rotated",
                                    (json_int_t)t->rotated, "max_lag_seconds", (json_int_t)t->max_lag, "dry_run",
                                    t->hsm->option[HSM_OPT_DRY_RUN] != NULL));
  json_array_foreach(t->report, i, entry) print_signer(entry);
  (void)printf("%zu signers: %zu failed, %zu late; %zu keys rotated\n", count, t->failed, t->late, t->rotated);
  return CHIO_OK;
}

static enum chio_err run(struct hsm *hsm, enum action action, struct chio_detail *detail) {
  struct tour t = {.hsm = hsm, .action = action, .report = json_array()};
  enum chio_err err = t.report != NULL ? read_tour(&t, detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) {
    const struct hsm_fleet_signer *list = t.fleet.signers.items;
    bool goes_on = true, always = action != ROTATE || hsm->option[HSM_OPT_CONTINUE] != NULL;
    for (size_t i = 0; i < t.fleet.signers.count; i++) {
      if (goes_on)
        goes_on = visit(&t, &list[i]) == CHIO_OK || always;
      else
        pass_over(&t, &list[i]);
    }
    err = print(&t);
    hsm->answered = err == CHIO_OK;
    if (err == CHIO_OK && t.failed > 0) err = CHIO_E_EVIDENCE_REFUSED;
  }
  hsm_expectation_clear(&t.expectation);
  hsm_fleet_clear(&t.fleet);
  json_decref(t.report);
  return err;
}

enum chio_err hsm_run_fleet_status(struct hsm *hsm, struct chio_detail *detail) {
  return run(hsm, LOOK, detail);
}

enum chio_err hsm_run_fleet_reattest(struct hsm *hsm, struct chio_detail *detail) {
  return run(hsm, REATTEST, detail);
}

enum chio_err hsm_run_fleet_rotate(struct hsm *hsm, struct chio_detail *detail) {
  return run(hsm, ROTATE, detail);
}
