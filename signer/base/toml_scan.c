#include "signer/base/toml_scan.h"

#include "signer/base/buf.h"
#include "signer/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

enum chio_err chio_toml_error(const struct chio_toml_scan *s, const char *format, ...) {
  char text[CHIO_DETAIL_MAX];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return chio_fail(s->detail, CHIO_E_CONFIG, "%s:%u: %s", s->doc->name, s->line, text);
}

enum chio_err chio_toml_expected(const struct chio_toml_scan *s, const char *expected) {
  int c = chio_toml_peek(s);
  if (c < 0) return chio_toml_error(s, "expected %s, found the end of the file", expected);
  if (c == '\n' || c == '\r') return chio_toml_error(s, "expected %s, found the end of the line", expected);
  if (c > ' ' && c < 0x7F) return chio_toml_error(s, "expected %s, found '%c'", expected, c);
  return chio_toml_error(s, "expected %s, found byte 0x%02x", expected, (unsigned)c);
}

bool chio_toml_starts(const struct chio_toml_scan *s, const char *text) {
  size_t len = strlen(text);
  return (size_t)(s->end - s->at) >= len && memcmp(s->at, text, len) == 0;
}

bool chio_toml_take(struct chio_toml_scan *s, const char *text) {
  if (!chio_toml_starts(s, text)) return false;
  s->at += strlen(text);
  return true;
}

void chio_toml_skip_blanks(struct chio_toml_scan *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t')) s->at++;
}

static bool take_newline(struct chio_toml_scan *s) {
  if (!chio_toml_take(s, "\n") && !chio_toml_take(s, "\r\n")) return false;
  s->line++;
  return true;
}

/* Tab is the one control character that comments and strings may hold. */
static bool is_text(int c) {
  return c == '\t' || (c >= 0x20 && c != 0x7F);
}

static enum chio_err skip_comment(struct chio_toml_scan *s) {
  if (!chio_toml_take(s, "#")) return CHIO_OK;
  while (is_text(chio_toml_peek(s))) s->at++;
  if (s->at == s->end || chio_toml_starts(s, "\n") || chio_toml_starts(s, "\r\n")) return CHIO_OK;
  return chio_toml_expected(s, "no control character in a comment");
}

enum chio_err chio_toml_skip_lines(struct chio_toml_scan *s) {
  do {
    chio_toml_skip_blanks(s);
    enum chio_err err = skip_comment(s);
    if (err != CHIO_OK) return err;
  } while (take_newline(s));
  return CHIO_OK;
}

enum chio_err chio_toml_end_line(struct chio_toml_scan *s) {
  chio_toml_skip_blanks(s);
  enum chio_err err = skip_comment(s);
  if (err != CHIO_OK) return err;
  if (s->at == s->end || take_newline(s)) return CHIO_OK;
  return chio_toml_expected(s, "the end of the line");
}

static int hex_digit(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static enum chio_err scan_unicode(struct chio_toml_scan *s, unsigned digits, struct chio_buf *to) {
  uint32_t scalar = 0;
  for (unsigned i = 0; i < digits; i++) {
    int digit = hex_digit(chio_toml_peek(s));
    if (digit < 0) return chio_toml_expected(s, "a hexadecimal digit");
    scalar = (scalar << 4) | (uint32_t)digit;
    s->at++;
  }
  uint8_t bytes[CHIO_UTF8_MAX];
  size_t len = chio_utf8_encode(scalar, bytes);
  if (len == 0) return chio_toml_error(s, "expected a Unicode scalar value, found U+%04X", (unsigned)scalar);
  chio_buf_append(to, bytes, len);
  return CHIO_OK;
}

/* After the backslash. */
static enum chio_err scan_escape(struct chio_toml_scan *s, struct chio_buf *to) {
  static const char names[] = "btnfr\"\\";
  static const char values[] = "\b\t\n\f\r\"\\";
  int c = chio_toml_peek(s);
  const char *name = c > 0 ? strchr(names, c) : NULL;
  if (name != NULL) {
    s->at++;
    chio_buf_append_u8(to, (uint8_t)values[name - names]);
    return CHIO_OK;
  }
  if (chio_toml_take(s, "u")) return scan_unicode(s, 4, to);
  if (chio_toml_take(s, "U")) return scan_unicode(s, 8, to);
  return chio_toml_expected(s, "one of b t n f r \" \\ u U after the backslash");
}

/* In a multi-line string a backslash at the end of a line swallows blanks and ends of line that follow. */
static bool skip_line_ending_backslash(struct chio_toml_scan *s) {
  struct chio_toml_scan ahead = *s;
  chio_toml_skip_blanks(&ahead);
  if (!take_newline(&ahead)) return false;
  do {
    chio_toml_skip_blanks(&ahead);
  } while (take_newline(&ahead));
  *s = ahead;
  return true;
}

static enum chio_err scan_single(struct chio_toml_scan *s, char quote, struct chio_buf *to) {
  for (;;) {
    int c = chio_toml_peek(s);
    if (c == quote) {
      s->at++;
      return CHIO_OK;
    }
    if (!is_text(c)) return chio_toml_expected(s, quote == '"' ? "a closing \"" : "a closing '");
    s->at++;
    if (c != '\\' || quote == '\'') {
      chio_buf_append_u8(to, (uint8_t)c);
      continue;
    }
    enum chio_err err = scan_escape(s, to);
    if (err != CHIO_OK) return err;
  }
}

/* Up to two quotes may stand right before the closing three. */
static bool take_closing(struct chio_toml_scan *s, char quote, struct chio_buf *to) {
  size_t run = 0;
  while (run < 5 && s->at + run < s->end && s->at[run] == quote) run++;
  size_t content = run < 3 ? run : run - 3;
  chio_buf_append(to, s->at, content);
  s->at += run;
  return run >= 3;
}

static enum chio_err scan_multi_char(struct chio_toml_scan *s, char quote, struct chio_buf *to) {
  int c = chio_toml_peek(s);
  if (take_newline(s)) {
    chio_buf_append_u8(to, '\n');
    return CHIO_OK;
  }
  if (!is_text(c)) return chio_toml_expected(s, quote == '"' ? "a closing \"\"\"" : "a closing '''");
  s->at++;
  if (c != '\\' || quote == '\'') {
    chio_buf_append_u8(to, (uint8_t)c);
    return CHIO_OK;
  }
  return skip_line_ending_backslash(s) ? CHIO_OK : scan_escape(s, to);
}

static enum chio_err scan_multi(struct chio_toml_scan *s, char quote, struct chio_buf *to) {
  take_newline(s);
  for (;;) {
    if (chio_toml_peek(s) == quote) {
      if (take_closing(s, quote, to)) return CHIO_OK;
      continue;
    }
    enum chio_err err = scan_multi_char(s, quote, to);
    if (err != CHIO_OK) return err;
  }
}

static enum chio_err keep(struct chio_toml_scan *s, enum chio_err err, struct chio_buf *text, struct chio_slice *out) {
  if (err == CHIO_OK) err = chio_buf_err(text);
  if (err == CHIO_OK) err = chio_toml_copy(s->doc, chio_buf_slice(text), out);
  chio_buf_clear(text);
  return err;
}

enum chio_err chio_toml_scan_string(struct chio_toml_scan *s, struct chio_slice *out) {
  struct chio_buf text = CHIO_BUF_INIT;
  enum chio_err err;
  if (chio_toml_take(s, "\"\"\""))
    err = scan_multi(s, '"', &text);
  else if (chio_toml_take(s, "'''"))
    err = scan_multi(s, '\'', &text);
  else if (chio_toml_take(s, "\""))
    err = scan_single(s, '"', &text);
  else if (chio_toml_take(s, "'"))
    err = scan_single(s, '\'', &text);
  else
    err = chio_toml_expected(s, "a string");
  return keep(s, err, &text, out);
}

static bool is_bare(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

enum chio_err chio_toml_scan_key(struct chio_toml_scan *s, struct chio_slice *out) {
  struct chio_slice key;
  struct chio_buf text = CHIO_BUF_INIT;
  const uint8_t *start = s->at;
  enum chio_err err = CHIO_OK;
  if (chio_toml_take(s, "\"")) {
    err = keep(s, scan_single(s, '"', &text), &text, &key);
  } else if (chio_toml_take(s, "'")) {
    err = keep(s, scan_single(s, '\'', &text), &text, &key);
  } else {
    while (is_bare(chio_toml_peek(s))) s->at++;
    if (s->at == start) return chio_toml_expected(s, "a key");
    key = chio_slice(start, (size_t)(s->at - start));
  }
  if (err != CHIO_OK) return err;
  if (key.len > CHIO_TOML_KEY_MAX) return chio_toml_error(s, "expected a key of at most %u bytes", CHIO_TOML_KEY_MAX);
  *out = key;
  return CHIO_OK;
}
