#include "signer/base/log.h"

#include "signer/base/slice.h"
#include "signer/base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096u
/* What is always left free: a closing quote, a closing brace, the newline. */
#define LINE_TAIL 3u
#define ESCAPE_MAX 16u

static atomic_int configured_level = CHIO_LOG_NOTICE;
static atomic_int configured_format = CHIO_LOG_TEXT;
static atomic_int configured_fd = STDERR_FILENO;

static _Atomic(const char *) build_of_all, evidence_of_all;
static _Thread_local const char *trace_of_thread;

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};

/* One line under construction. Once something did not fit, only the tail is still added. */
struct line {
  char text[LINE_MAX_BYTES];
  size_t len;
  bool cut;
};

void chio_log_configure(enum chio_log_level level, enum chio_log_format format, int fd) {
  atomic_store(&configured_level, (int)level);
  atomic_store(&configured_format, (int)format);
  atomic_store(&configured_fd, fd);
}

enum chio_err chio_log_level_parse(const char *word, enum chio_log_level *out_level) {
  for (size_t i = 0; word != NULL && i < CHIO_ARRAY_LEN(level_names); i++) {
    if (strcmp(word, level_names[i]) != 0) continue;
    *out_level = (enum chio_log_level)i;
    return CHIO_OK;
  }
  return CHIO_E_ARGUMENT;
}

void chio_log_identify(const char *build, const char *evidence) {
  atomic_store(&build_of_all, build);
  atomic_store(&evidence_of_all, evidence);
}

void chio_log_trace(const char *trace_id) {
  trace_of_thread = trace_id[0] != '\0' ? trace_id : NULL;
}

bool chio_log_enabled(enum chio_log_level level) {
  return (int)level <= atomic_load(&configured_level);
}

/* All or nothing, so that a cut never falls inside an escape or a character. */
static void put(struct line *line, const char *text, size_t len) {
  if (line->cut || line->len + len + LINE_TAIL > LINE_MAX_BYTES) {
    line->cut = true;
    return;
  }
  memcpy(line->text + line->len, text, len);
  line->len += len;
}

static void put_str(struct line *line, const char *text) {
  put(line, text, strlen(text));
}

static void put_tail(struct line *line, char c) {
  line->text[line->len++] = c;
}

CHIO_PRINTF(2, 3) static void put_short(struct line *line, const char *format, ...) {
  char text[64];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (len > 0 && (size_t)len < sizeof text) put(line, text, (size_t)len);
}

/* C0, DEL and C1 (a terminal obeys them), and the line separators that some readers split at. */
static bool is_control(uint32_t scalar) {
  return scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0) || scalar == 0x2028 || scalar == 0x2029;
}

/* Prose is escaped only where a terminal or a line reader would be misled; a value in quotes also at its quotes. */
enum quoting { PROSE, QUOTED, JSON };

static bool needs_escape(uint32_t scalar, enum quoting quoting) {
  return is_control(scalar) || (quoting != PROSE && (scalar == '"' || scalar == '\\'));
}

static int escape(char out[static ESCAPE_MAX], uint32_t scalar, enum quoting quoting) {
  switch (scalar) {
    case '"': return snprintf(out, ESCAPE_MAX, "\\\"");
    case '\\': return snprintf(out, ESCAPE_MAX, "\\\\");
    case '\n': return snprintf(out, ESCAPE_MAX, "\\n");
    case '\r': return snprintf(out, ESCAPE_MAX, "\\r");
    case '\t': return snprintf(out, ESCAPE_MAX, "\\t");
    default: break;
  }
  return snprintf(out, ESCAPE_MAX, quoting == JSON || scalar > 0xFF ? "\\u%04x" : "\\x%02x", (unsigned)scalar);
}

/* JSON has no way to name a byte that is not UTF-8: it becomes U+FFFD there, \xNN in text. */
static void put_malformed(struct line *line, uint8_t byte, enum quoting quoting) {
  if (quoting == JSON)
    put_str(line, "\\ufffd");
  else
    put_short(line, "\\x%02x", byte);
}

static void put_escaped(struct line *line, const char *text, enum quoting quoting) {
  struct chio_slice rest = chio_slice_str(text);
  while (rest.len > 0 && !line->cut) {
    uint32_t scalar = 0;
    size_t len = chio_utf8_decode(rest, &scalar);
    char escaped[ESCAPE_MAX];
    if (len == 0) {
      put_malformed(line, rest.data[0], quoting);
      len = 1;
    } else if (needs_escape(scalar, quoting)) {
      put(line, escaped, (size_t)escape(escaped, scalar, quoting));
    } else {
      put(line, (const char *)rest.data, len);
    }
    rest = chio_slice(rest.data + len, rest.len - len);
  }
}

/* `name=value`, quoted where a reader that splits at spaces would be misled. */
static void put_text_value(struct line *line, const char *value) {
  bool plain = value[0] != '\0' && strpbrk(value, " \"\\=") == NULL;
  if (plain) {
    put_escaped(line, value, QUOTED);
    return;
  }
  put(line, "\"", 1);
  if (line->cut) return;
  put_escaped(line, value, QUOTED);
  put_tail(line, '"');
}

static void put_number(struct line *line, const struct chio_log_field *field) {
  if (field->kind == CHIO_LOG_UINT)
    put_short(line, "%llu", field->uint);
  else
    put_short(line, "%lld", field->sint);
}

static void put_text_field(struct line *line, const struct chio_log_field *field) {
  size_t begin = line->len;
  put(line, " ", 1);
  put_str(line, field->name);
  put(line, "=", 1);
  if (line->cut) {
    line->len = begin;
  } else if (field->kind == CHIO_LOG_STR) {
    put_text_value(line, field->str != NULL ? field->str : "");
  } else {
    put_number(line, field);
  }
}

static void put_text(struct line *line, const char *time, enum chio_log_level level, const char *event,
                     const char *message, const struct chio_log_field *fields) {
  put_str(line, time);
  put(line, " ", 1);
  put_str(line, level_names[level]);
  put(line, " ", 1);
  put_escaped(line, event, PROSE);
  put_str(line, ": ");
  put_escaped(line, message, PROSE);
  for (; fields->name != NULL && !line->cut; fields++) put_text_field(line, fields);
  if (trace_of_thread != NULL && !line->cut) put_text_field(line, &CHIO_F_STR("trace_id", trace_of_thread));
}

/* A member that does not fit is cut in its value, or left out whole: what is written is always one JSON object. */
static void put_json_member(struct line *line, const struct chio_log_field *field) {
  size_t begin = line->len;
  put_str(line, begin == 0 ? "{\"" : ",\"");
  put_str(line, field->name);
  put_str(line, field->kind == CHIO_LOG_STR ? "\":\"" : "\":");
  if (!line->cut && field->kind == CHIO_LOG_STR) {
    put_escaped(line, field->str != NULL ? field->str : "", JSON);
    put_tail(line, '"');
    return;
  }
  put_number(line, field);
  if (line->cut) line->len = begin;
}

static void put_json(struct line *line, const char *time, enum chio_log_level level, const char *event,
                     const char *message, const struct chio_log_field *fields) {
  put_json_member(line, &CHIO_F_STR("time", time));
  put_json_member(line, &CHIO_F_STR("level", level_names[level]));
  put_json_member(line, &CHIO_F_STR("event", event));
  const char *build = atomic_load(&build_of_all), *evidence = atomic_load(&evidence_of_all);
  if (build != NULL) put_json_member(line, &CHIO_F_STR("build", build));
  if (evidence != NULL) put_json_member(line, &CHIO_F_STR("evidence", evidence));
  if (trace_of_thread != NULL) put_json_member(line, &CHIO_F_STR("trace_id", trace_of_thread));
  put_json_member(line, &CHIO_F_STR("message", message));
  for (; fields->name != NULL && !line->cut; fields++) put_json_member(line, fields);
  put_tail(line, '}');
}

static void now_text(char out[static 32]) {
  struct timespec now;
  struct tm utc;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0 || gmtime_r(&now.tv_sec, &utc) == NULL ||
      strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
    (void)snprintf(out, 32, "-");
}

void chio_log_event(enum chio_log_level level, const char *event, const char *message,
                    const struct chio_log_field *fields) {
  if (!chio_log_enabled(level)) return;
  int saved_errno = errno;
  char time[32];
  now_text(time);
  struct line line;
  line.len = 0;
  line.cut = false;
  bool json = atomic_load(&configured_format) == CHIO_LOG_JSON;
  (json ? put_json : put_text)(&line, time, level, event, message, fields);
  put_tail(&line, '\n');
  ssize_t written;
  do {
    written = write(atomic_load(&configured_fd), line.text, line.len);
  } while (written < 0 && errno == EINTR);
  /* A log that cannot be written must not stop the signer, and there is nowhere to say it. */
  errno = saved_errno;
}
