/* The tree that the TOML parser builds. Internal to signer/base/toml*.c. */
#ifndef CHIO_BASE_TOML_TREE_H
#define CHIO_BASE_TOML_TREE_H

#include "signer/base/toml.h"

/* How a table or an array came to be decides what may still be added to it (TOML 1.0.0, "Table" and "Inline Table"). */
enum chio_toml_origin {
  CHIO_TOML_BY_VALUE,    /* {...} or [...]: closed */
  CHIO_TOML_BY_HEADER,   /* [a.b] or [[a.b]] */
  CHIO_TOML_BY_PATH,     /* the a of [a.b]: may still get its own header */
  CHIO_TOML_BY_DOTTED,   /* the a of a.b = 1 */
};

struct chio_toml_list {
  struct chio_toml_value **items;
  size_t count;
  size_t cap;
};

struct chio_toml_value {
  enum chio_toml_kind kind;
  enum chio_toml_origin origin;
  unsigned line;
  unsigned depth;
  struct chio_toml *doc;
  struct chio_toml_value *parent; /* NULL for the root */
  struct chio_slice key;          /* in the document's memory, NUL after it */
  union {
    struct chio_toml_list list; /* TABLE, ARRAY */
    struct chio_slice string;
    int64_t integer;
    double number;
    bool boolean;
    struct chio_toml_time time;
  } as;
};

struct chio_toml_chunk;

struct chio_toml {
  struct chio_toml_chunk *chunks; /* memory of all values, freed as one */
  struct chio_toml_value *root;
  char name[CHIO_TOML_NAME_MAX + 1];
};

CHIO_MUST_CHECK enum chio_err chio_toml_new(const char *name, struct chio_toml **out_doc);

/* Memory of the document, aligned for anything; NULL when out of memory. */
void *chio_toml_alloc(struct chio_toml *doc, size_t size);

/* A copy in the document's memory with a NUL after it. */
CHIO_MUST_CHECK enum chio_err chio_toml_copy(struct chio_toml *doc, struct chio_slice bytes, struct chio_slice *out);

/* Adds a value (zeroed) to a table or, with an empty key, to an array. CHIO_E_TOO_DEEP, CHIO_E_TOO_LONG (too many
 * members), CHIO_E_NO_MEMORY. The caller has looked that the key is new. */
CHIO_MUST_CHECK enum chio_err chio_toml_add(struct chio_toml_value *parent, struct chio_slice key,
                                            enum chio_toml_kind kind, unsigned line, struct chio_toml_value **out);

/* A member by its key, which may hold any bytes; NULL when there is none. */
struct chio_toml_value *chio_toml_find(const struct chio_toml_value *table, struct chio_slice key);

const char *chio_toml_kind_text(enum chio_toml_kind kind);

#endif
