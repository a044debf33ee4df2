/* roots list: every root of trust, built in or named, with the days that it has left. */
#include "tools/hsm/roots.h"

#include "attest/moment.h"
#include "tools/hsm/expectation.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY 86400
#define WITHIN_MAX 36500

enum hsm_span hsm_span_judge(int64_t from, int64_t until, int64_t at, int64_t days) {
  if (from == 0 && until == 0) return HSM_SPAN_UNKNOWN;
  if (at < from) return HSM_SPAN_NOT_YET;
  if (at > until) return HSM_SPAN_ENDED;
  return until - at < days * DAY ? HSM_SPAN_ENDS : HSM_SPAN_GOOD;
}

static const char *const span_words[] = {
    [HSM_SPAN_GOOD] = "good",   [HSM_SPAN_UNKNOWN] = "unknown", [HSM_SPAN_ENDS] = "ends",
    [HSM_SPAN_ENDED] = "ended", [HSM_SPAN_NOT_YET] = "future",
};

static bool needs_attention(enum hsm_span span) {
  return span == HSM_SPAN_ENDS || span == HSM_SPAN_ENDED || span == HSM_SPAN_NOT_YET;
}

static enum chio_err read_within(const char *text, int64_t *out, struct chio_detail *detail) {
  char *end = NULL;
  long days = text != NULL ? strtol(text, &end, 10) : HSM_ROOTS_DAYS;
  if (text != NULL && (end == text || *end != '\0' || days < 0 || days > WITHIN_MAX))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--within '%s': expected a number of days, at most %d", text, WITHIN_MAX);
  *out = days;
  return CHIO_OK;
}

static json_t *root_json(const struct chio_attest_root *root, enum hsm_span span, int64_t at) {
  CHIO_AUTO(chio_buf) struct chio_buf *spki = chio_buf_new();
  char from[CHIO_MOMENT_TEXT], until[CHIO_MOMENT_TEXT];
  if (spki == NULL) return NULL;
  hsm_hex_put(chio_slice(root->spki_sha256, sizeof root->spki_sha256), spki);
  const char *hex = chio_buf_cstr(spki);
  json_t *name = json_string(root->name);
  json_t *row = json_pack("{s:s, s:o, s:s, s:b, s:s}", "source", root->source, "name",
                          name != NULL ? name : json_string("?"), "spki_sha256", hex != NULL ? hex : "", "trusted",
                          root->trusted, "status", span_words[span]);
  if (row == NULL || span == HSM_SPAN_UNKNOWN) return row;
  chio_moment_text(root->from, from);
  chio_moment_text(root->until, until);
  (void)json_object_set_new(row, "from", json_string(from));
  (void)json_object_set_new(row, "until", json_string(until));
  (void)json_object_set_new(row, "days_left", json_integer((json_int_t)(root->until - at) / DAY));
  return row;
}

static void print_row(const json_t *row) {
  const char *until = json_string_value(json_object_get(row, "until"));
  const char *name = json_string_value(json_object_get(row, "name"));
  char left[32] = "-";
  if (until != NULL)
    (void)snprintf(left, sizeof left, "%lld", (long long)json_integer_value(json_object_get(row, "days_left")));
  (void)printf("%-8s %-10s %-9s %-32.80s %-20s %6s  %s\n", json_string_value(json_object_get(row, "status")),
               json_string_value(json_object_get(row, "source")),
               json_is_true(json_object_get(row, "trusted")) ? "root" : "at hand", name, until != NULL ? until : "-",
               left, json_string_value(json_object_get(row, "spki_sha256")));
}

static enum chio_err print(const struct hsm *hsm, json_t *rows, unsigned attentions, int64_t days) {
  size_t i;
  json_t *row;
  if (hsm->json)
    return hsm_json_print(json_pack("{s:O, s:I, s:i}", "roots", rows, "within_days", (json_int_t)days, "attentions",
                                    (int)attentions));
  (void)printf("%-8s %-10s %-9s %-32s %-20s %6s  %s\n", "STATUS", "SOURCE", "WHAT", "NAME", "UNTIL", "DAYS",
               "SHA-256 OF ITS KEY");
  json_array_foreach(rows, i, row) print_row(row);
  if (attentions > 0)
    (void)printf("%u ended, not valid yet, or to end within %lld days\n", attentions, (long long)days);
  return CHIO_OK;
}

enum chio_err hsm_run_roots_list(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_expectation expectation = {.root = CHIO_BUF_INIT};
  struct chio_attest_root *roots = NULL;
  json_t *rows = json_array();
  unsigned attentions = 0;
  int64_t days = 0;
  enum chio_err err = read_within(hsm->option[HSM_OPT_WITHIN], &days, detail);
  if (err == CHIO_OK) err = hsm_expectation_read(hsm, &expectation, detail);
  if (err == CHIO_OK && chio_attest_roots_list(expectation.policy, expectation.collateral, &roots) != CHIO_ATTEST_OK)
    err = CHIO_E_NO_MEMORY;
  for (const struct chio_attest_root *root = roots; err == CHIO_OK && root != NULL; root = root->next) {
    enum hsm_span span = hsm_span_judge(root->from, root->until, expectation.at, days);
    if (needs_attention(span)) attentions++;
    if (json_array_append_new(rows, root_json(root, span, expectation.at)) != 0) err = CHIO_E_NO_MEMORY;
  }
  if (err == CHIO_OK) err = print(hsm, rows, attentions, days);
  hsm->answered = err == CHIO_OK;
  if (err == CHIO_OK && attentions > 0) err = CHIO_E_EVIDENCE_REFUSED;
  json_decref(rows);
  chio_attest_free(roots);
  hsm_expectation_clear(&expectation);
  return err;
}
