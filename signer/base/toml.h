/*
 * A TOML 1.0.0 reader. A document is parsed whole into a tree that borrows nothing from its text; values live as long
 * as their document. Every error is CHIO_E_CONFIG with a detail that names file and line and what was expected:
 *
 *   /etc/chio/hsm.toml:12: expected an integer from 1 to 64 for 'daemon.loops', found a string
 *
 * A reader of a document calls chio_toml_only first (a misspelt key is an error), then one chio_toml_read_* per key. A
 * key that is absent leaves its output untouched, so that defaults are what the output held before; CHIO_TOML_REQUIRED
 * in flags makes absence an error.
 */
#ifndef CHIO_BASE_TOML_H
#define CHIO_BASE_TOML_H

#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_TOML_SIZE_MAX (1024u * 1024u) /* bytes of a document */
#define CHIO_TOML_DEPTH_MAX 32u            /* tables and arrays inside one another; parts of one dotted key */
#define CHIO_TOML_MEMBERS_MAX 1024u        /* keys of one table */
#define CHIO_TOML_KEY_MAX 128u             /* bytes of one part of a key */
#define CHIO_TOML_NAME_MAX 200u            /* bytes of the file's name that errors repeat; longer ones are cut */

struct chio_toml;
struct chio_toml_value;

enum chio_toml_kind {
  CHIO_TOML_TABLE,
  CHIO_TOML_ARRAY,
  CHIO_TOML_STRING,
  CHIO_TOML_INTEGER,
  CHIO_TOML_FLOAT,
  CHIO_TOML_BOOL,
  CHIO_TOML_DATETIME,       /* with an offset: a point in time */
  CHIO_TOML_LOCAL_DATETIME, /* without */
  CHIO_TOML_LOCAL_DATE,
  CHIO_TOML_LOCAL_TIME,
};

/* What a kind does not have is 0. Second 60 is read as RFC 3339 has it, on any day. */
struct chio_toml_time {
  int year, month, day;
  int hour, minute, second, nanosecond; /* digits beyond nanoseconds are dropped */
  int offset;                           /* minutes east of UTC */
};

/* ---- Documents ---- */

/* name is what errors call the document ("FILE"). CHIO_E_CONFIG, CHIO_E_NO_MEMORY. detail may be NULL. */
CHIO_MUST_CHECK enum chio_err chio_toml_parse(struct chio_slice text, const char *name, struct chio_detail *detail,
                                              struct chio_toml **out_doc);

/* Reads and parses a file. CHIO_E_NOT_FOUND when there is none, CHIO_E_IO when it cannot be read, CHIO_E_CONFIG when it
 * is no regular file, too large, or no TOML. */
CHIO_MUST_CHECK enum chio_err chio_toml_load(const char *path, struct chio_detail *detail, struct chio_toml **out_doc);

/* NULL is accepted. */
void chio_toml_free(struct chio_toml *doc);
CHIO_AUTO_DECLARE(chio_toml)

/* The top table; never NULL. */
const struct chio_toml_value *chio_toml_root(const struct chio_toml *doc);

/* ---- Any value ---- */

enum chio_toml_kind chio_toml_kind(const struct chio_toml_value *value);
unsigned chio_toml_line(const struct chio_toml_value *value);

/* The value's own key; empty for the root and for an element of an array. NUL-terminated in memory. */
struct chio_slice chio_toml_key(const struct chio_toml_value *value);

/* Members of a table or elements of an array, in the order of the file; 0 for other kinds. */
size_t chio_toml_count(const struct chio_toml_value *value);

/* index < chio_toml_count(value). */
const struct chio_toml_value *chio_toml_at(const struct chio_toml_value *value, size_t index);

/* A table's member; NULL when it has none of that name (or is no table). */
const struct chio_toml_value *chio_toml_get(const struct chio_toml_value *table, const char *key);

/* `FILE:LINE: expected EXPECTED for 'a.b.c', found KIND`; returns CHIO_E_CONFIG. For a value that reads but is
 * wrong. */
enum chio_err chio_toml_fail(const struct chio_toml_value *value, struct chio_detail *detail, const char *expected);

/* ---- One value, by kind. Each names the value when it fails. ---- */

/* Everything but a table is refused; its keys must all be among names (ends with NULL). */
CHIO_MUST_CHECK enum chio_err chio_toml_only(const struct chio_toml_value *table, const char *const *names,
                                             struct chio_detail *detail);

CHIO_MUST_CHECK enum chio_err chio_toml_as_bool(const struct chio_toml_value *value, struct chio_detail *detail,
                                                bool *out);
CHIO_MUST_CHECK enum chio_err chio_toml_as_int(const struct chio_toml_value *value, int64_t min, int64_t max,
                                               struct chio_detail *detail, int64_t *out);
/* An integer is not taken for a float. */
CHIO_MUST_CHECK enum chio_err chio_toml_as_float(const struct chio_toml_value *value, struct chio_detail *detail,
                                                 double *out);
/* At most max bytes and no NUL among them; the bytes are the document's, a NUL follows them. */
CHIO_MUST_CHECK enum chio_err chio_toml_as_string(const struct chio_toml_value *value, size_t max,
                                                  struct chio_detail *detail, struct chio_slice *out);
/* Any string, whatever its length and bytes. */
CHIO_MUST_CHECK enum chio_err chio_toml_as_text(const struct chio_toml_value *value, struct chio_detail *detail,
                                                struct chio_slice *out);
/* Any of the four kinds of date and time; chio_toml_kind tells which. */
CHIO_MUST_CHECK enum chio_err chio_toml_as_time(const struct chio_toml_value *value, struct chio_detail *detail,
                                                struct chio_toml_time *out);
/* The value itself, when it is an array whose elements are all of that kind; at most max of them. */
CHIO_MUST_CHECK enum chio_err chio_toml_as_array(const struct chio_toml_value *value, enum chio_toml_kind elements,
                                                 size_t max, struct chio_detail *detail,
                                                 const struct chio_toml_value **out);

/* ---- A member of a table, by key. Absent: CHIO_OK and *out untouched, or an error with CHIO_TOML_REQUIRED. ---- */

enum chio_toml_presence { CHIO_TOML_OPTIONAL, CHIO_TOML_REQUIRED };

CHIO_MUST_CHECK enum chio_err chio_toml_read_bool(const struct chio_toml_value *table, const char *key,
                                                  enum chio_toml_presence presence, struct chio_detail *detail,
                                                  bool *out);
CHIO_MUST_CHECK enum chio_err chio_toml_read_int(const struct chio_toml_value *table, const char *key,
                                                 enum chio_toml_presence presence, int64_t min, int64_t max,
                                                 struct chio_detail *detail, int64_t *out);
CHIO_MUST_CHECK enum chio_err chio_toml_read_string(const struct chio_toml_value *table, const char *key,
                                                    enum chio_toml_presence presence, size_t max,
                                                    struct chio_detail *detail, struct chio_slice *out);
CHIO_MUST_CHECK enum chio_err chio_toml_read_time(const struct chio_toml_value *table, const char *key,
                                                  enum chio_toml_presence presence, struct chio_detail *detail,
                                                  struct chio_toml_time *out);
CHIO_MUST_CHECK enum chio_err chio_toml_read_table(const struct chio_toml_value *table, const char *key,
                                                   enum chio_toml_presence presence, struct chio_detail *detail,
                                                   const struct chio_toml_value **out);
CHIO_MUST_CHECK enum chio_err chio_toml_read_array(const struct chio_toml_value *table, const char *key,
                                                   enum chio_toml_presence presence, enum chio_toml_kind elements,
                                                   size_t max, struct chio_detail *detail,
                                                   const struct chio_toml_value **out);

#endif
