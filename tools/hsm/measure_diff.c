/* measure diff: which registers of two files differ, and where their event logs part. */
#include "tools/hsm/hsm.h"
#include "tools/hsm/json.h"
#include "tools/hsm/measure.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text != NULL ? text : "";
}

static bool is_of(const json_t *event, const char *name) {
  return strcmp(text_of(event, "register"), name) == 0;
}

/* The next event of a register from *at on; NULL: there is none. */
static json_t *next_of(json_t *events, const char *name, size_t *at) {
  while (*at < json_array_size(events)) {
    json_t *event = json_array_get(events, (*at)++);
    if (is_of(event, name)) return event;
  }
  return NULL;
}

static bool same_event(const json_t *a, const json_t *b) {
  return strcmp(text_of(a, "type_id"), text_of(b, "type_id")) == 0 &&
         strcmp(text_of(a, "digest"), text_of(b, "digest")) == 0;
}

/* The first pair of events in which the two logs differ for a register; a log that ends earlier has null. */
static json_t *first_difference(json_t *expected, json_t *actual, const char *name) {
  size_t e = 0, a = 0;
  for (;;) {
    json_t *left = next_of(expected, name, &e), *right = next_of(actual, name, &a);
    if (left == NULL && right == NULL) return NULL;
    if (left == NULL || right == NULL || !same_event(left, right))
      return json_pack("{s:O?, s:O?}", "expected", left, "actual", right);
  }
}

static enum chio_err compare(json_t *expected, json_t *actual, json_t *differences, json_t *only, json_t *same) {
  const char *name;
  json_t *value;
  json_t *other = json_object_get(actual, "registers");
  json_t *left_log = json_object_get(expected, "events"), *right_log = json_object_get(actual, "events");
  json_object_foreach(json_object_get(expected, "registers"), name, value) {
    const char *found = json_string_value(json_object_get(other, name));
    if (found == NULL) {
      (void)json_array_append_new(only, json_string(name));
      continue;
    }
    if (strcasecmp(json_string_value(value), found) == 0) {
      (void)json_array_append_new(same, json_string(name));
      continue;
    }
    json_t *row = json_pack("{s:s, s:O, s:s}", "register", name, "expected", value, "actual", found);
    if (row == NULL) return CHIO_E_NO_MEMORY;
    json_t *event = left_log != NULL && right_log != NULL ? first_difference(left_log, right_log, name) : NULL;
    if (event != NULL) (void)json_object_set_new(row, "event", event);
    if (json_array_append_new(differences, row) != 0) return CHIO_E_NO_MEMORY;
  }
  return CHIO_OK;
}

static void print_event(const char *word, const json_t *event) {
  if (!json_is_object(event)) {
    (void)printf("  %-9s no more events\n", word);
    return;
  }
  (void)printf("  %-9s event %lld, %s, %s%s\n", word, (long long)json_integer_value(json_object_get(event, "number")),
               text_of(event, "type"), text_of(event, "description"),
               json_is_true(json_object_get(event, "confirmed")) ? "" : " (not measured itself)");
}

static void print_text(const json_t *differences, const json_t *only, const json_t *same) {
  size_t i;
  json_t *row;
  json_array_foreach(differences, i, row) {
    const json_t *event = json_object_get(row, "event");
    (void)printf("%s differs\n  expected  %s\n  actual    %s\n", text_of(row, "register"), text_of(row, "expected"),
                 text_of(row, "actual"));
    if (event == NULL) continue;
    (void)puts("  the first event that differs:");
    print_event("expected", json_object_get(event, "expected"));
    print_event("actual", json_object_get(event, "actual"));
  }
  json_array_foreach(same, i, row) (void)printf("%s is the same\n", json_string_value(row));
  json_array_foreach(only, i, row) (void)printf("%s is not in the second file\n", json_string_value(row));
}

static enum chio_err diff(struct hsm *hsm, json_t *expected, json_t *actual, struct chio_detail *detail) {
  json_t *differences = json_array(), *only = json_array(), *same = json_array();
  enum chio_err err = differences != NULL && only != NULL && same != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = compare(expected, actual, differences, only, same);
  size_t different = json_array_size(differences);
  if (err == CHIO_OK && different + json_array_size(same) == 0)
    err = chio_fail(detail, CHIO_E_NOT_FOUND, "%s and %s have no register in common", hsm->word[0], hsm->word[1]);
  if (err == CHIO_OK && hsm->json)
    err = hsm_json_print(json_pack("{s:b, s:O, s:O, s:O}", "equal", different == 0, "differences", differences, "same",
                                   same, "only_expected", only));
  else if (err == CHIO_OK) {
    print_text(differences, only, same);
    (void)hsm_measure_print_signature(hsm->word[0], expected);
    (void)hsm_measure_print_signature(hsm->word[1], actual);
  }
  if (err == CHIO_OK && different > 0) {
    hsm->answered = true;
    err = CHIO_E_EVIDENCE_REFUSED;
  }
  json_decref(differences);
  json_decref(only);
  json_decref(same);
  return err;
}

enum chio_err hsm_run_measure_diff(struct hsm *hsm, struct chio_detail *detail) {
  json_t *expected = NULL, *actual = NULL;
  hsm->error_status = 2; /* 1 says that they differ */
  enum chio_err err = hsm_measure_read(hsm->word[0], HSM_MEASURE_ANY, &expected, detail);
  if (err == CHIO_OK) err = hsm_measure_read(hsm->word[1], HSM_MEASURE_ANY, &actual, detail);
  if (err == CHIO_OK) err = diff(hsm, expected, actual, detail);
  json_decref(expected);
  json_decref(actual);
  return err;
}
