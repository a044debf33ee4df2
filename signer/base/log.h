/*
 * The daemon's and the tools' log: one line per event on stderr, as text or as JSON. The modules never call it (guests
 * do not print). No secret is ever passed to it: fields are typed, and there is no type for a secret.
 */
#ifndef CHIO_BASE_LOG_H
#define CHIO_BASE_LOG_H

#include "signer/base/err.h"
#include <stdbool.h>

enum chio_log_level { CHIO_LOG_ERROR, CHIO_LOG_WARNING, CHIO_LOG_NOTICE, CHIO_LOG_INFO, CHIO_LOG_DEBUG };
enum chio_log_format { CHIO_LOG_TEXT, CHIO_LOG_JSON };

/* Applies to the whole process. Default: NOTICE, text, file descriptor 2. Thread-safe. */
void chio_log_configure(enum chio_log_level level, enum chio_log_format format, int fd);

/* "error", "warning", "notice", "info", "debug"; CHIO_E_ARGUMENT for another word. */
CHIO_MUST_CHECK enum chio_err chio_log_level_parse(const char *word, enum chio_log_level *out_level);

bool chio_log_enabled(enum chio_log_level level);

/* One field of an event. */
struct chio_log_field {
  const char *name; /* [a-z_]+ ; NULL ends the list */
  enum { CHIO_LOG_STR, CHIO_LOG_UINT, CHIO_LOG_INT } kind;
  const char *str;
  unsigned long long uint;
  long long sint;
};

#define CHIO_F_STR(n, v) ((struct chio_log_field){.name = (n), .kind = CHIO_LOG_STR, .str = (v)})
#define CHIO_F_UINT(n, v) ((struct chio_log_field){.name = (n), .kind = CHIO_LOG_UINT, .uint = (v)})
#define CHIO_F_INT(n, v) ((struct chio_log_field){.name = (n), .kind = CHIO_LOG_INT, .sint = (v)})

/* What each line has from now on besides: the build that runs and the evidence of it. In JSON alone, as "build" and
 * "evidence"; texts are for people, who find them in the line that says that the signer is ready. Borrowed until the
 * process ends; NULL: not known. */
void chio_log_identify(const char *build, const char *evidence);

/* The trace that this thread works for: "trace_id" in each line that it writes, until the next call. Empty: none. The
 * text outlives its use. */
void chio_log_trace(const char *trace_id);

/* One event: a stable name ("sign.refused"), a sentence for a person, and fields. Control characters in values are
 * escaped, lines longer than 4096 bytes are cut. Written with one write(2). */
void chio_log_event(enum chio_log_level level, const char *event, const char *message,
                    const struct chio_log_field *fields);

/* chio_log(CHIO_LOG_NOTICE, "start", "chiod is ready", CHIO_F_STR("socket", path)); the fields may be none. */
#define chio_log(level, event, message, ...) \
  chio_log_event((level), (event), (message),      \
                 (const struct chio_log_field[]){__VA_ARGS__ __VA_OPT__(, ) {.name = NULL}})

#endif
