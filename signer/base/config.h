/*
 * Reading a TOML file into a struct from one table of keys. A key that the file lacks leaves its member as it was, so
 * the caller fills in the defaults first. An unknown key, a wrong type and a value out of range are errors that name
 * file, line and what was expected.
 *
 *   struct options {
 *     bool foreground;
 *     int64_t loops;
 *     char socket[108];
 *     int log_level;
 *     struct chio_config_strings keys;
 *   };
 *
 *   static const struct chio_config_key keys[] = {
 *       CHIO_CONFIG_BOOL("daemon.foreground", struct options, foreground),
 *       CHIO_CONFIG_INT("daemon.loops", struct options, loops, 1, 64),
 *       CHIO_CONFIG_STRING("listen.socket", struct options, socket),
 *       CHIO_CONFIG_ENUM("log.level", struct options, log_level, level_words),
 *       CHIO_CONFIG_STRINGS("backend.keys", struct options, keys, 255, 1024),
 *       CHIO_CONFIG_END,
 *   };
 */
#ifndef CHIO_BASE_CONFIG_H
#define CHIO_BASE_CONFIG_H

#include "signer/base/toml.h"

#define CHIO_CONFIG_KEYS_MAX 128u /* rows of one table of keys */
#define CHIO_CONFIG_NAME_MAX 64u  /* bytes of the name of a named table, with its NUL */

/* Owned by the struct that was read; freed by chio_config_clear. */
struct chio_config_strings {
  char **items;
  size_t count;
};

/* Structs of one type, one for each table; owned by the struct that was read. */
struct chio_config_tables {
  void *items; /* count structs of the size in the row */
  size_t count;
};

struct chio_config_word {
  const char *word; /* NULL ends the list */
  int value;
};

enum chio_config_kind {
  CHIO_CONFIG_KIND_BOOL,
  CHIO_CONFIG_KIND_INT,
  CHIO_CONFIG_KIND_STRING,
  CHIO_CONFIG_KIND_ENUM,
  CHIO_CONFIG_KIND_STRINGS,
  CHIO_CONFIG_KIND_ARRAY, /* [[slot]]: an array of tables */
  CHIO_CONFIG_KIND_NAMED, /* [backend.NAME]: a table of tables */
};

struct chio_config_key {
  const char *name; /* "section.key" or "key"; NULL ends the table */
  enum chio_config_kind kind;
  size_t offset;    /* of the member */
  int64_t min, max; /* INT: the value; STRING and STRINGS: max bytes of a string; all lists: at most max_count */
  size_t max_count;
  size_t size;                          /* ARRAY, NAMED: of each struct */
  const struct chio_config_word *words; /* ENUM */
  const struct chio_config_key *keys;   /* ARRAY, NAMED: of each table */
};

#define CHIO_CONFIG_BOOL(n, type, member) \
  {.name = (n), .kind = CHIO_CONFIG_KIND_BOOL, .offset = offsetof(type, member)}

/* member: int64_t */
#define CHIO_CONFIG_INT(n, type, member, least, most) \
  {.name = (n), .kind = CHIO_CONFIG_KIND_INT, .offset = offsetof(type, member), .min = (least), .max = (most)}

/* member: char[N]; at most N - 1 bytes. NULL-terminated, and a NUL inside is refused. */
#define CHIO_CONFIG_STRING(n, type, member)                                         \
  {.name = (n), .kind = CHIO_CONFIG_KIND_STRING, .offset = offsetof(type, member), \
   .max = (int64_t)sizeof(((type *)0)->member) - 1}

/* member: int */
#define CHIO_CONFIG_ENUM(n, type, member, list) \
  {.name = (n), .kind = CHIO_CONFIG_KIND_ENUM, .offset = offsetof(type, member), .words = (list)}

/* member: struct chio_config_strings, which the file replaces. */
#define CHIO_CONFIG_STRINGS(n, type, member, bytes, count)                          \
  {.name = (n), .kind = CHIO_CONFIG_KIND_STRINGS, .offset = offsetof(type, member), \
   .max = (bytes), .max_count = (count)}

/* member: struct chio_config_tables; element: the struct of each, zero before it is read, with its own table of
 * keys. */
#define CHIO_CONFIG_ARRAY(n, type, member, element, rows, count)                  \
  {.name = (n), .kind = CHIO_CONFIG_KIND_ARRAY, .offset = offsetof(type, member), \
   .size = sizeof(element), .keys = (rows), .max_count = (count)}

/* As CHIO_CONFIG_ARRAY; the element begins with char name[CHIO_CONFIG_NAME_MAX], which gets the table's own name. */
#define CHIO_CONFIG_NAMED(n, type, member, element, rows, count)                  \
  {.name = (n), .kind = CHIO_CONFIG_KIND_NAMED, .offset = offsetof(type, member), \
   .size = sizeof(element), .keys = (rows), .max_count = (count)}

#define CHIO_CONFIG_END {.name = NULL}

/* CHIO_E_CONFIG with a detail, CHIO_E_NO_MEMORY. On failure the struct may hold part of the file: the caller clears
 * it. */
CHIO_MUST_CHECK enum chio_err chio_config_read(const struct chio_toml *doc, const struct chio_config_key *keys,
                                               struct chio_detail *detail, void *config);

/* Reads a file; CHIO_E_NOT_FOUND when there is none. */
CHIO_MUST_CHECK enum chio_err chio_config_load(const char *path, const struct chio_config_key *keys,
                                               struct chio_detail *detail, void *config);

/* One key from text, as a flag or the environment gives it: BOOL ("true", "false"), INT, STRING, ENUM. where names the
 * source in errors ("--set", "CHIO_LOG_LEVEL"). CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_config_set(const struct chio_config_key *keys, const char *name, const char *text,
                                              const char *where, struct chio_detail *detail, void *config);

/* Frees what was read into lists and tables; the rest stays. */
void chio_config_clear(const struct chio_config_key *keys, void *config);

#endif
