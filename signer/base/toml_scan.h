/* The lexical layer of the TOML reader: blanks, comments, ends of line, keys, strings. Internal to toml*.c. */
#ifndef CHIO_BASE_TOML_SCAN_H
#define CHIO_BASE_TOML_SCAN_H

#include "signer/base/toml_tree.h"

struct chio_toml_scan {
  const uint8_t *at;
  const uint8_t *end;
  unsigned line;
  struct chio_toml *doc;
  struct chio_detail *detail;
};

/* `FILE:LINE: expected EXPECTED, found 'c'`; returns CHIO_E_CONFIG. */
enum chio_err chio_toml_expected(const struct chio_toml_scan *s, const char *expected);

/* `FILE:LINE: TEXT`; returns CHIO_E_CONFIG. */
enum chio_err chio_toml_error(const struct chio_toml_scan *s, const char *format, ...) CHIO_PRINTF(2, 3);

/* The next byte, or -1 at the end. */
static inline int chio_toml_peek(const struct chio_toml_scan *s) {
  return s->at < s->end ? *s->at : -1;
}

bool chio_toml_starts(const struct chio_toml_scan *s, const char *text);

/* Skips text when it is next. */
bool chio_toml_take(struct chio_toml_scan *s, const char *text);

/* Spaces and tabs. */
void chio_toml_skip_blanks(struct chio_toml_scan *s);

/* Blanks, comments and ends of line: what may stand between the elements of an array. */
CHIO_MUST_CHECK enum chio_err chio_toml_skip_lines(struct chio_toml_scan *s);

/* Blanks, an optional comment, and then an end of line or the end of the document. */
CHIO_MUST_CHECK enum chio_err chio_toml_end_line(struct chio_toml_scan *s);

/* One part of a key: bare or quoted. In the document's memory. */
CHIO_MUST_CHECK enum chio_err chio_toml_scan_key(struct chio_toml_scan *s, struct chio_slice *out);

/* A string of any of the four kinds, with its quotes next. In the document's memory, a NUL after it. */
CHIO_MUST_CHECK enum chio_err chio_toml_scan_string(struct chio_toml_scan *s, struct chio_slice *out);

/* The value after `=` or inside an array, added to parent (toml_value.c). */
CHIO_MUST_CHECK enum chio_err chio_toml_scan_value(struct chio_toml_scan *s, struct chio_toml_value *parent,
                                                   struct chio_slice key);

/* `a.b.c = value`, added to table (toml_parse.c). */
CHIO_MUST_CHECK enum chio_err chio_toml_scan_pair(struct chio_toml_scan *s, struct chio_toml_value *table);

/* What chio_toml_add said, in words (toml_parse.c). */
enum chio_err chio_toml_add_failed(const struct chio_toml_scan *s, enum chio_err err);

/* A number, a boolean or a time: everything that stands bare (toml_scalar.c). */
CHIO_MUST_CHECK enum chio_err chio_toml_scan_scalar(struct chio_toml_scan *s, struct chio_toml_value *value);

/* A time, when the bare word is shaped like one: CHIO_E_NOT_FOUND when it is not, CHIO_E_MALFORMED when it is and names
 * no time that exists (toml_time.c). */
CHIO_MUST_CHECK enum chio_err chio_toml_parse_time(struct chio_slice word, enum chio_toml_kind *out_kind,
                                                   struct chio_toml_time *out_time);

#endif
