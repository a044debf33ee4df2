/*
 * Challenges and what was seen. While evidence is judged the tables are only looked at; they change when all else has
 * accepted it: first it is written down as seen, then its challenge is spent. Of two who show the same evidence, or two
 * answers to one challenge, at the same time, one wins each of these steps, and only who wins both is accepted.
 */
#include "attest/fresh_table.h"
#include "attest/judge.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/rand.h>

#define CHALLENGES_DEFAULT 4096u
#define LIFETIME_DEFAULT 300 /* seconds */
#define LIFETIME_MAX 86400
#define CHALLENGES_LINE "chio-hsm challenges 1"
#define SEEN_LINE "chio-hsm seen evidence 1"

struct chio_attest_challenges {
  struct chio_fresh_table *table;
  int64_t lifetime;
};

struct chio_attest_seen {
  struct chio_fresh_table *table;
};

/* ---- The tables ---- */

static int public_code(enum chio_err err, const struct chio_detail *detail, struct chio_attest_message *message) {
  if (err != CHIO_OK && message != NULL)
    (void)snprintf(message->text, sizeof message->text, "%s", detail->text[0] != 0 ? detail->text : chio_err_text(err));
  switch (err) {
    case CHIO_OK: return CHIO_ATTEST_OK;
    case CHIO_E_ARGUMENT: return CHIO_ATTEST_E_ARGUMENT;
    case CHIO_E_NO_MEMORY: return CHIO_ATTEST_E_NO_MEMORY;
    case CHIO_E_BUSY: return CHIO_ATTEST_E_LIMIT;
    case CHIO_E_IO: return CHIO_ATTEST_E_IO;
    case CHIO_E_MALFORMED:
    case CHIO_E_VERSION:
    case CHIO_E_TOO_LONG: return CHIO_ATTEST_E_MALFORMED;
    default: return CHIO_ATTEST_E_INTERNAL;
  }
}

static int make_challenges(size_t entries, int64_t lifetime, const char *path, struct chio_attest_challenges **out,
                           struct chio_attest_message *message) {
  struct chio_detail detail = {""};
  if (out == NULL || lifetime < 0 || lifetime > LIFETIME_MAX) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_attest_challenges *made = calloc(1, sizeof *made);
  if (made == NULL) return CHIO_ATTEST_E_NO_MEMORY;
  made->lifetime = lifetime > 0 ? lifetime : LIFETIME_DEFAULT;
  enum chio_err err =
      chio_fresh_table_new(CHALLENGES_LINE, entries > 0 ? entries : CHALLENGES_DEFAULT, path, &made->table, &detail);
  if (err == CHIO_OK)
    *out = made;
  else
    free(made);
  return public_code(err, &detail, message);
}

int chio_attest_challenges_new(size_t entries, int64_t lifetime, struct chio_attest_challenges **out_challenges) {
  return make_challenges(entries, lifetime, NULL, out_challenges, NULL);
}

int chio_attest_challenges_open(const char *path, int64_t lifetime, struct chio_attest_challenges **out_challenges,
                                struct chio_attest_message *message) {
  if (path == NULL) return CHIO_ATTEST_E_ARGUMENT;
  return make_challenges(0, lifetime, path, out_challenges, message);
}

void chio_attest_challenges_free(struct chio_attest_challenges *challenges) {
  if (challenges == NULL) return;
  chio_fresh_table_free(challenges->table);
  free(challenges);
}

int chio_attest_challenges_issue(struct chio_attest_challenges *challenges, int64_t at,
                                 uint8_t out_nonce[CHIO_ATTEST_CHALLENGE_SIZE], struct chio_attest_message *message) {
  struct chio_detail detail = {""};
  uint8_t nonce[CHIO_ATTEST_CHALLENGE_SIZE];
  if (challenges == NULL || out_nonce == NULL || at < 0 || at > INT64_MAX - LIFETIME_MAX) return CHIO_ATTEST_E_ARGUMENT;
  if (chio_attest_libctx() == NULL || RAND_bytes_ex(chio_attest_libctx(), nonce, sizeof nonce, 0) != 1)
    return CHIO_ATTEST_E_INTERNAL;
  enum chio_err err = chio_fresh_table_add(challenges->table, nonce, 1, at + challenges->lifetime, at, &detail);
  if (err == CHIO_OK) memcpy(out_nonce, nonce, sizeof nonce);
  return public_code(err, &detail, message);
}

int chio_attest_challenges_count(struct chio_attest_challenges *challenges, int64_t at, size_t *out_count) {
  struct chio_detail detail = {""};
  bool has;
  if (challenges == NULL || out_count == NULL) return CHIO_ATTEST_E_ARGUMENT;
  return public_code(chio_fresh_table_look(challenges->table, NULL, at, &has, out_count, &detail), &detail, NULL);
}

static int make_seen(size_t entries, const char *path, struct chio_attest_seen **out,
                     struct chio_attest_message *message) {
  struct chio_detail detail = {""};
  if (out == NULL) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_attest_seen *made = calloc(1, sizeof *made);
  if (made == NULL) return CHIO_ATTEST_E_NO_MEMORY;
  enum chio_err err =
      chio_fresh_table_new(SEEN_LINE, entries > 0 ? entries : CHIO_FRESH_MAX, path, &made->table, &detail);
  if (err == CHIO_OK)
    *out = made;
  else
    free(made);
  return public_code(err, &detail, message);
}

int chio_attest_seen_new(size_t entries, struct chio_attest_seen **out_seen) {
  return make_seen(entries, NULL, out_seen, NULL);
}

int chio_attest_seen_open(const char *path, struct chio_attest_seen **out_seen, struct chio_attest_message *message) {
  return path == NULL ? CHIO_ATTEST_E_ARGUMENT : make_seen(0, path, out_seen, message);
}

void chio_attest_seen_free(struct chio_attest_seen *seen) {
  if (seen == NULL) return;
  chio_fresh_table_free(seen->table);
  free(seen);
}

/* ---- While evidence is judged ---- */

bool chio_judge_wants_nonce(const struct chio_judge *j) {
  return j->request->nonce_len > 0 || j->request->challenges != NULL;
}

static bool is_outstanding(struct chio_judge *j, struct chio_slice nonce) {
  struct chio_detail detail = {""};
  bool has = false;
  size_t count;
  if (nonce.len != CHIO_ATTEST_CHALLENGE_SIZE) return false;
  enum chio_err err = chio_fresh_table_look(j->request->challenges->table, nonce.data, j->at, &has, &count, &detail);
  if (err != CHIO_OK) chio_judge_fail(j, CHIO_ATTEST_NONCE, "the challenges cannot be read: %s", detail.text);
  return err == CHIO_OK && has;
}

bool chio_judge_answers(struct chio_judge *j, struct chio_slice nonce) {
  struct chio_attest_result *r = &j->result->pub;
  const struct chio_slice asked = chio_slice(j->request->nonce, j->request->nonce_len);
  if (nonce.len == 0 || nonce.len > sizeof r->nonce) return false;
  if (asked.len > 0 && !chio_slice_equal(nonce, asked)) return false;
  if (j->request->challenges != NULL && !is_outstanding(j, nonce)) return false;
  memcpy(r->nonce, nonce.data, nonce.len);
  r->nonce_len = nonce.len;
  return true;
}

/* ---- After the verdict ---- */

static void refuse(struct chio_attest_result *r, enum chio_attest_reason reason, const char *text) {
  struct chio_result *result = (struct chio_result *)r;
  struct chio_attest_failure *failure = &result->failures[r->failures_count++]; /* accepted: there was none */
  failure->reason = reason;
  (void)snprintf(failure->text, sizeof failure->text, "%s", text);
  r->accepted = 0;
  r->reason = reason;
  r->proved &= ~(uint32_t)(CHIO_ATTEST_PROVED_POLICY | CHIO_ATTEST_PROVED_NONCE);
}

/* When the policy would refuse it for its age: under the one of both that waits longer, where one replaces another. */
static int64_t seen_until(const struct chio_attest_request *q, const struct chio_attest_result *r) {
  int64_t until = INT64_MIN;
  if (q->policy == NULL) return INT64_MAX;
  for (const struct chio_attest_policy *p = q->policy; p != NULL; p = p->previous) {
    if (p->max_age < 0) return INT64_MAX;
    if (r->evidence_time + p->max_age > until) until = r->evidence_time + p->max_age;
  }
  return until;
}

/* A key statement makes its own evidence of the quote beside it, which many keys share. */
static enum chio_err name_of(const struct chio_attest_result *r, uint8_t names[2 * CHIO_FRESH_NAME],
                             size_t *out_count) {
  memcpy(names + CHIO_FRESH_NAME, r->replay_id, CHIO_FRESH_NAME);
  if (r->statement_json == NULL) {
    memcpy(names, r->replay_id, CHIO_FRESH_NAME);
    *out_count = 1;
    return CHIO_OK;
  }
  const struct chio_slice parts[] = {chio_slice(r->replay_id, sizeof r->replay_id), chio_slice_str(r->statement_json)};
  *out_count = 2;
  return chio_hash_parts(CHIO_HASH_SHA256, parts, CHIO_ARRAY_LEN(parts), names);
}

static int settle_seen(const struct chio_attest_request *q, struct chio_attest_result *r,
                       struct chio_attest_message *message) {
  static const uint8_t nameless[sizeof r->replay_id];
  uint8_t names[2 * CHIO_FRESH_NAME];
  struct chio_detail detail = {""};
  size_t count = 0;
  if (memcmp(r->replay_id, nameless, sizeof nameless) == 0) return CHIO_ATTEST_E_INTERNAL;
  enum chio_err err = name_of(r, names, &count);
  if (err == CHIO_OK) err = chio_fresh_table_add(q->seen->table, names, count, seen_until(q, r), q->at, &detail);
  if (err != CHIO_E_EXISTS) return public_code(err, &detail, message);
  refuse(r, CHIO_ATTEST_REPLAYED, "the same evidence was accepted before");
  return CHIO_ATTEST_OK;
}

static int settle_challenge(const struct chio_attest_request *q, struct chio_attest_result *r,
                            struct chio_attest_message *message) {
  struct chio_detail detail = {""};
  enum chio_err err = CHIO_E_NOT_FOUND;
  if (r->nonce_len == CHIO_FRESH_NAME)
    err = chio_fresh_table_take(q->challenges->table, r->nonce, q->at, &detail);
  if (err != CHIO_E_NOT_FOUND) return public_code(err, &detail, message);
  refuse(r, CHIO_ATTEST_NONCE, "the challenge was answered already");
  return CHIO_ATTEST_OK;
}

int chio_fresh_settle(const struct chio_attest_request *request, struct chio_attest_result *result,
                      struct chio_attest_message *message) {
  int code = CHIO_ATTEST_OK;
  if (result->accepted && request->seen != NULL) code = settle_seen(request, result, message);
  if (code == CHIO_ATTEST_OK && result->accepted && request->challenges != NULL)
    code = settle_challenge(request, result, message);
  return code;
}
