/* doctor: looks at the signer, its store, its keys' evidence and the files at hand, and names what needs attention. */
#include "tools/hsm/doctor.h"

#include "attest/moment.h"
#include "tools/hsm/each_token.h"
#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define CLOCK_SKEW 60 /* seconds */

void hsm_doctor_find(struct hsm_doctor *d, bool attention, const char *check, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (attention) d->attentions++;
  if (json_array_append_new(d->findings,
                            json_pack("{s:s, s:b, s:s}", "check", check, "attention", attention, "text", text)) != 0)
    d->attentions++; /* what cannot be told is not well */
}

/* ---- The signer ---- */

static void judge_rotation(struct hsm_doctor *d, const char *token, json_int_t lag) {
  if (lag > HSM_DOCTOR_ROTATION_LAG)
    hsm_doctor_find(d, true, "rotation",
                    "keys of token '%s' should have been rotated %lld hours ago: chio-hsm key rotate", token,
                    (long long)(lag / 3600));
  else if (lag > 0)
    hsm_doctor_find(d, false, "rotation", "keys of token '%s' are due to be rotated since %lld s", token,
                    (long long)lag);
}

static void judge_store(struct hsm_doctor *d, json_t *status) {
  const char *seal = json_string_value(json_object_get(status, "seal"));
  size_t i, tokens = 0;
  json_t *slot;
  json_array_foreach(json_object_get(status, "slots"), i, slot) {
    const char *state = json_string_value(json_object_get(slot, "state"));
    const char *label = json_string_value(json_object_get(slot, "label"));
    if (json_is_true(json_object_get(slot, "initialized"))) tokens++;
    judge_rotation(d, label != NULL ? label : "?", json_integer_value(json_object_get(slot, "rotation_lag_seconds")));
    if (state != NULL && strcmp(state, "ok") != 0)
      hsm_doctor_find(d, true, "store", "token '%s' is %s", label != NULL ? label : "?", state);
  }
  if (tokens == 0) hsm_doctor_find(d, true, "store", "there is no token yet: chio-hsm token init LABEL makes one");
  if (json_is_true(json_object_get(status, "read_only")))
    hsm_doctor_find(d, true, "store", "the signer is read-only: no key can be made or destroyed");
  if (seal == NULL || strcmp(seal, "file") == 0)
    hsm_doctor_find(d, true, "sealing", "the store is sealed by a file: whoever copies the state folder has the keys");
  else
    hsm_doctor_find(d, false, "sealing", "the store is sealed by '%s'", seal);
}

static void judge_platform(struct hsm_doctor *d, json_t *status) {
  const char *tee = json_string_value(json_object_get(status, "tee"));
  if (json_is_true(json_object_get(status, "simulated")))
    hsm_doctor_find(d, true, "platform", "%s is simulated: its evidence proves nothing about hardware",
                    tee != NULL ? tee : "the platform");
  else
    hsm_doctor_find(d, false, "platform", "%s", tee != NULL ? tee : "unknown");
  int64_t skew = (int64_t)json_integer_value(json_object_get(status, "now")) - (int64_t)time(NULL);
  if (skew > CLOCK_SKEW || skew < -CLOCK_SKEW)
    hsm_doctor_find(d, true, "clock", "the signer's clock is %lld seconds from this one's", (long long)skew);
}

static void judge_backend(struct hsm_doctor *d, json_t *backend) {
  const char *name = json_string_value(json_object_get(backend, "name"));
  const char *state = json_string_value(json_object_get(backend, "state"));
  const char *error = json_string_value(json_object_get(backend, "last_error"));
  const char *breaker = json_string_value(json_object_get(backend, "breaker"));
  if (name == NULL || state == NULL) return;
  if (strcmp(state, "failing") != 0)
    hsm_doctor_find(d, false, "backend", "'%s' %s", name, strcmp(state, "ok") == 0 ? "answers" : "was not asked yet");
  else
    hsm_doctor_find(d, true, "backend", "'%s' fails since its last answer: %s%s", name, error != NULL ? error : "?",
                    breaker != NULL && strcmp(breaker, "open") == 0 ? "; it is not asked for a while" : "");
}

/* What lives in a KMS: whether chio-kmsd runs, and how each backend answered last. */
static void judge_backends(struct hsm_doctor *d, json_t *status) {
  json_t *kmsd = json_object_get(status, "kmsd");
  const char *state = json_string_value(json_object_get(kmsd, "state"));
  size_t i;
  json_t *backend;
  if (state == NULL) return;
  if (strcmp(state, "running") != 0)
    hsm_doctor_find(d, true, "backend", "chio-kmsd is %s: no key of a backend can be used", state);
  json_array_foreach(json_object_get(kmsd, "backends"), i, backend) judge_backend(d, backend);
}

/* The status, or NULL; the caller frees it. */
static json_t *ask_signer(struct hsm_doctor *d) {
  struct chio_detail detail = {{0}};
  struct chio_status_reply reply;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  enum chio_err err = holder != NULL ? hsm_client(d->hsm, &detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = chio_call_status(d->hsm->client, NULL, &reply, holder, NULL, &detail);
  json_t *status = err == CHIO_OK ? json_loadb((const char *)reply.json.data, reply.json.len, 0, NULL) : NULL;
  if (status == NULL) {
    hsm_doctor_find(d, true, "signer", "%s", detail.text[0] != 0 ? detail.text : chio_err_text(err));
    return NULL;
  }
  const char *version = json_string_value(json_object_get(status, "version"));
  hsm_doctor_find(d, false, "signer", "answers, version %s", version != NULL ? version : "?");
  judge_platform(d, status);
  judge_store(d, status);
  judge_backends(d, status);
  return status;
}

/* ---- The keys ---- */

struct keys_seen {
  size_t keys, without, refused, debug, late, as_born;
  struct chio_buf without_names, refused_names, late_names;
  uint32_t not_proved;
  int64_t until; /* the soonest end of what was judged, but for what never lasts long */
  struct hsm_delegations delegations;
};

void hsm_doctor_name(const struct hsm_key *key, const char *more, struct chio_buf *out) {
  if (out->len > 200) return; /* the count says the rest */
  if (out->len > 0) chio_buf_append_str(out, ", ");
  hsm_plain_put(hsm_key_attribute(key, CKA_LABEL), out);
  if (more != NULL) chio_buf_printf(out, " (%s)", more);
}

/* Evidence that is good but for expectations that nobody gave is not the doctor's business. */
static bool is_refused(const struct hsm_doctor *d, const struct chio_attest_result *r) {
  bool expected = d->expectation.policy != NULL || d->expectation.root.len > 0;
  if (r->accepted) return false;
  return expected || (r->reason != CHIO_ATTEST_NO_POLICY && r->reason != CHIO_ATTEST_SIMULATED_ROOT);
}

static bool is_in_use(const struct hsm_key *key) {
  struct chio_slice state = hsm_key_attribute(key, (uint32_t)CKA_CHIO_STATE);
  return chio_slice_equal(state, chio_slice_str("active"));
}

/* Nitro's certificates last three hours: their end is no news, and the evidence is then judged as of the birth. */
static bool is_short_lived(const struct chio_attest_result *r) {
  return r->format != NULL && (strcmp(r->format, "nitro") == 0 || strcmp(r->format, "nitrotpm") == 0);
}

static void see_key(struct hsm_doctor *d, const struct hsm_key *key, struct keys_seen *seen) {
  struct chio_attest_result *r = NULL;
  struct chio_detail detail = {{0}};
  int64_t judged_at = 0;
  seen->keys++;
  if (hsm_key_is_past_its_date(key) && is_in_use(key)) {
    seen->late++;
    hsm_doctor_name(key, NULL, &seen->late_names);
  }
  if (is_in_use(key)) hsm_doctor_delegation(d, key, &seen->delegations);
  if (hsm_key_judge(d->hsm, key, &d->expectation, &r, &judged_at, &detail) != CHIO_OK || r == NULL) {
    seen->without++;
    hsm_doctor_name(key, NULL, &seen->without_names);
    return;
  }
  if (is_refused(d, r)) {
    seen->refused++;
    hsm_doctor_name(key, chio_attest_reason_code(r->reason), &seen->refused_names);
  }
  if (r->debug) seen->debug++;
  if (!r->simulated) seen->not_proved |= r->needed & ~r->proved;
  if (judged_at != d->expectation.at)
    seen->as_born++;
  else if (!is_short_lived(r) && r->window_until < seen->until)
    seen->until = r->window_until;
  chio_attest_result_free(r);
}

static const char *text_of(struct chio_buf *names) {
  const char *text = chio_buf_cstr(names);
  return text != NULL ? text : "";
}

static void tell_keys(struct hsm_doctor *d, struct keys_seen *seen) {
  char until[CHIO_MOMENT_TEXT];
  struct chio_buf missing = CHIO_BUF_INIT;
  hsm_proofs_put(seen->not_proved, &missing);
  chio_moment_text(seen->until, until);
  if (seen->without > 0)
    hsm_doctor_find(d, true, "evidence", "%zu of %zu keys have none: %s", seen->without, seen->keys,
                    text_of(&seen->without_names));
  if (seen->refused > 0)
    hsm_doctor_find(d, true, "evidence", "that of %zu of %zu keys is refused: %s", seen->refused, seen->keys,
                    text_of(&seen->refused_names));
  if (seen->debug > 0) hsm_doctor_find(d, true, "debug", "%zu keys were born where others can look in", seen->debug);
  if (missing.len > 0) hsm_doctor_find(d, true, "evidence", "not proved with what is at hand: %s", text_of(&missing));
  if (seen->late > 0)
    hsm_doctor_find(d, true, "dates", "%zu of %zu keys in use are past their end date: %s", seen->late, seen->keys,
                    text_of(&seen->late_names));
  if (seen->until != INT64_MAX && seen->until - d->expectation.at < (int64_t)HSM_DOCTOR_COLLATERAL_DAYS * 86400)
    hsm_doctor_find(d, true, "evidence", "what some of it rests on %s at %s",
                    seen->until < d->expectation.at ? "expired" : "expires", until);
  if (seen->as_born > 0)
    hsm_doctor_find(d, false, "evidence",
                    "that of %zu keys held when they were born; its certificates have ended since", seen->as_born);
  if (seen->without + seen->refused == 0) hsm_doctor_find(d, false, "evidence", "all of %zu keys have it", seen->keys);
  chio_buf_clear(&missing);
  hsm_doctor_delegations_tell(d, &seen->delegations);
}

struct keys_judged {
  struct hsm_doctor *doctor;
  struct keys_seen seen; /* of all tokens */
};

static enum chio_err see_token(struct hsm *hsm, size_t tokens, void *arg, struct chio_detail *detail) {
  struct keys_judged *j = arg;
  (void)tokens;
  struct hsm_keys keys = {NULL, 0};
  enum chio_err err = hsm_keys_all(hsm, &keys, detail);
  for (size_t i = 0; err == CHIO_OK && i < keys.count; i++) see_key(j->doctor, &keys.list[i], &j->seen);
  hsm_keys_clear(&keys);
  return err;
}

static void judge_keys(struct hsm_doctor *d) {
  struct chio_detail detail = {{0}};
  struct keys_judged j = {.doctor = d, .seen = {.until = INT64_MAX}};
  enum chio_err err = hsm_each_token(d->hsm, see_token, &j, &detail);
  if (err == CHIO_OK)
    tell_keys(d, &j.seen);
  else
    hsm_doctor_find(d, true, "keys", "%s", detail.text[0] != 0 ? detail.text : chio_err_text(err));
  chio_buf_clear(&j.seen.without_names);
  chio_buf_clear(&j.seen.refused_names);
  chio_buf_clear(&j.seen.late_names);
}

/* ---- All of it ---- */

static enum chio_err print(const struct hsm_doctor *d) {
  size_t i;
  json_t *finding;
  if (d->hsm->json)
    return hsm_json_print(json_pack("{s:b, s:i, s:O}", "healthy", d->attentions == 0, "attentions", (int)d->attentions,
                                    "findings", d->findings));
  json_array_foreach(d->findings, i, finding) {
    (void)printf("%-10s %-12s %s\n", json_is_true(json_object_get(finding, "attention")) ? "ATTENTION" : "ok",
                 json_string_value(json_object_get(finding, "check")),
                 json_string_value(json_object_get(finding, "text")));
  }
  if (d->attentions == 0) (void)puts("nothing needs attention");
  return CHIO_OK;
}

enum chio_err hsm_run_doctor(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_doctor d = {.hsm = hsm, .findings = json_array()};
  enum chio_err err = d.findings != NULL ? hsm_expectation_read(hsm, &d.expectation, detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) {
    json_t *status = ask_signer(&d);
    if (status != NULL) judge_keys(&d);
    hsm_doctor_dates(&d, json_string_value(json_object_get(status, "tee")));
    json_decref(status);
    err = print(&d);
    hsm->answered = err == CHIO_OK;
    if (err == CHIO_OK && d.attentions > 0) err = CHIO_E_EVIDENCE_REFUSED;
  }
  hsm_expectation_clear(&d.expectation);
  json_decref(d.findings);
  return err;
}
