/* report coverage: of every key that can be seen, whether evidence of its birth is there, how old it is, and what it is
 * worth under the expectations given. */
#include "attest/moment.h"
#include "tools/hsm/each_token.h"
#include "tools/hsm/expectation.h"
#include "tools/hsm/json.h"
#include "tools/hsm/rotate.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>

struct tally {
  size_t keys, with_evidence, accepted;
  int64_t rotation_lag; /* seconds */
};

static const char *status_of(const struct chio_attest_result *r) {
  return r != NULL ? chio_attest_reason_code(r->reason) : "none";
}

static void age_text(const struct chio_attest_result *r, int64_t at, char *out, size_t size) {
  static const struct {
    int64_t seconds;
    const char *unit;
  } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  (void)snprintf(out, size, "-");
  if (r == NULL || r->evidence_time == 0) return;
  int64_t age = at > r->evidence_time ? at - r->evidence_time : 0;
  size_t i = 0;
  while (i + 1 < CHIO_ARRAY_LEN(units) && age < 2 * units[i].seconds) i++;
  (void)snprintf(out, size, "%lld %s", (long long)(age / units[i].seconds), units[i].unit);
}

/* ---- A table ---- */

static enum chio_err print_row(const struct hsm_key *key, const struct chio_attest_result *r, int64_t at,
                               int64_t judged_at) {
  char type[32], age[32], judged[CHIO_MOMENT_TEXT];
  CHIO_AUTO(chio_buf) struct chio_buf *label = chio_buf_new();
  if (label == NULL) return CHIO_E_NO_MEMORY;
  hsm_plain_put(hsm_key_attribute(key, CKA_LABEL), label);
  hsm_key_type_text(key, type, sizeof type);
  age_text(r, at, age, sizeof age);
  const char *text = chio_buf_cstr(label);
  struct chio_slice origin = hsm_key_attribute(key, (uint32_t)CKA_CHIO_ORIGIN);
  if (text == NULL) return CHIO_E_NO_MEMORY;
  chio_moment_text(judged_at, judged);
  (void)printf("%-24s %-9s %-9.*s %-10s %-9s %s%s%s\n", text, type, (int)origin.len, (const char *)origin.data,
               r != NULL && r->tee != NULL ? r->tee : "-", age, status_of(r), judged_at != at ? " as of " : "",
               judged_at != at ? judged : "");
  return CHIO_OK;
}

/* ---- JSON ---- */

static json_t *proofs_json(uint32_t proofs) {
  json_t *list = json_array();
  for (unsigned bit = 0; chio_attest_proof_code(bit) != NULL; bit++) {
    if ((proofs & 1u << bit) != 0) (void)json_array_append_new(list, json_string(chio_attest_proof_code(bit)));
  }
  return list;
}

static json_t *time_json(int64_t seconds, bool known) {
  char text[CHIO_MOMENT_TEXT];
  if (!known) return json_null();
  chio_moment_text(seconds, text);
  return json_string(text);
}

static enum chio_err append_row(struct hsm *hsm, json_t *list, const struct hsm_key *key,
                                const struct chio_attest_result *r, int64_t at, int64_t judged_at) {
  json_t *row = hsm_key_json(hsm, key);
  bool timed = r != NULL && r->evidence_time != 0;
  if (row == NULL) return CHIO_E_NO_MEMORY;
  (void)json_object_set_new(row, "evidence", json_boolean(r != NULL));
  (void)json_object_set_new(row, "status", json_string(status_of(r)));
  (void)json_object_set_new(row, "made", time_json(timed ? r->evidence_time : 0, timed));
  (void)json_object_set_new(row, "age", timed ? json_integer(at - r->evidence_time) : json_null());
  if (r != NULL) {
    (void)json_object_set_new(row, "judged_at", time_json(judged_at, true));
    bool bounded = r->window_until != INT64_MAX;
    (void)json_object_set_new(row, "proved", proofs_json(r->proved));
    (void)json_object_set_new(row, "not_proved", proofs_json(r->needed & ~r->proved));
    (void)json_object_set_new(row, "simulated", json_boolean(r->simulated));
    (void)json_object_set_new(row, "debug", json_boolean(r->debug));
    (void)json_object_set_new(row, "valid_until", time_json(r->window_until, bounded));
  }
  return json_array_append_new(list, row) == 0 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

static enum chio_err print_json(json_t *list, const struct tally *t, int64_t at) {
  return hsm_json_print(json_pack("{s:o, s:O, s:I, s:{s:I, s:I, s:I}}", "time", time_json(at, true), "keys", list,
                                  "rotation_lag_seconds", (json_int_t)t->rotation_lag, "summary", "keys",
                                  (json_int_t)t->keys, "with_evidence", (json_int_t)t->with_evidence, "accepted",
                                  (json_int_t)t->accepted));
}

/* ---- All keys ---- */

static enum chio_err report_key(struct hsm *hsm, const struct hsm_key *key, const struct hsm_expectation *expectation,
                                json_t *list, struct tally *tally, struct chio_detail *detail) {
  struct chio_attest_result *result = NULL;
  int64_t at = expectation->at, judged_at = 0;
  enum chio_err err = hsm_key_judge(hsm, key, expectation, &result, &judged_at, detail);
  if (err != CHIO_OK) return err;
  tally->keys++;
  if (result != NULL) tally->with_evidence++;
  if (result != NULL && result->accepted) tally->accepted++;
  err = hsm->json ? append_row(hsm, list, key, result, at, judged_at) : print_row(key, result, at, judged_at);
  chio_attest_result_free(result);
  return err;
}

/* Of one token after the other. */
struct coverage {
  struct hsm_expectation expectation;
  struct tally tally;
  json_t *list;
  bool began; /* the table has its head */
};

static void print_head(struct coverage *c, const struct hsm *hsm, size_t tokens) {
  if (!c->began) (void)printf("%-24s %-9s %-9s %-10s %-9s %s\n", "LABEL", "TYPE", "ORIGIN", "TEE", "AGE", "STATUS");
  if (tokens > 1) (void)printf("token '%s'\n", hsm->token_label);
  c->began = true;
}

static enum chio_err report_token(struct hsm *hsm, size_t tokens, void *arg, struct chio_detail *detail) {
  struct coverage *c = arg;
  struct hsm_keys keys = {NULL, 0};
  int64_t lag = 0;
  enum chio_err err = hsm_rotation_lag(hsm, &lag, detail);
  if (err == CHIO_OK) err = hsm_keys_all(hsm, &keys, detail);
  if (err != CHIO_OK) return err;
  if (lag > c->tally.rotation_lag) c->tally.rotation_lag = lag;
  if (!hsm->json) print_head(c, hsm, tokens);
  for (size_t i = 0; err == CHIO_OK && i < keys.count; i++)
    err = report_key(hsm, &keys.list[i], &c->expectation, c->list, &c->tally, detail);
  hsm_keys_clear(&keys);
  return err;
}

static enum chio_err finish(struct hsm *hsm, struct coverage *c) {
  const struct tally *t = &c->tally;
  enum chio_err err = CHIO_OK;
  if (hsm->json)
    err = print_json(c->list, t, c->expectation.at);
  else
    (void)printf("%zu keys: %zu with evidence, %zu accepted; rotation is %lld s late\n", t->keys, t->with_evidence,
                 t->accepted, (long long)t->rotation_lag);
  hsm->answered = err == CHIO_OK;
  return err == CHIO_OK && t->accepted < t->keys ? CHIO_E_EVIDENCE_REFUSED : err;
}

enum chio_err hsm_run_report_coverage(struct hsm *hsm, struct chio_detail *detail) {
  struct coverage c = {.list = json_array()};
  enum chio_err err = c.list != NULL ? hsm_expectation_read(hsm, &c.expectation, detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = hsm_each_token(hsm, report_token, &c, detail);
  if (err == CHIO_OK) err = finish(hsm, &c);
  json_decref(c.list);
  hsm_expectation_clear(&c.expectation);
  return err;
}
