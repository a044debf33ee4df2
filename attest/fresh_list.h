/*
 * A bounded list of names of 32 bytes, each with an end: challenges that are outstanding, evidence that was seen. As
 * text it is a first line that says what it holds, then a line for each: the name in hex, a blank, its end in seconds
 * since the epoch.
 */
#ifndef CHIO_ATTEST_FRESH_LIST_H
#define CHIO_ATTEST_FRESH_LIST_H

#include "signer/base/buf.h"
#include "signer/base/err.h"

#include <stdbool.h>

#define CHIO_FRESH_NAME 32u
#define CHIO_FRESH_MAX 65536u                              /* entries */
#define CHIO_FRESH_TEXT_MAX (CHIO_FRESH_MAX * 96u + 64u) /* bytes */

struct chio_fresh_entry {
  uint8_t name[CHIO_FRESH_NAME];
  int64_t until; /* it counts up to this second; INT64_MAX: for ever */
};

struct chio_fresh_list {
  struct chio_fresh_entry *items; /* owned */
  size_t count, room;
};

void chio_fresh_list_clear(struct chio_fresh_list *list);

/* The entry of that name which counts at this time; NULL when there is none. */
struct chio_fresh_entry *chio_fresh_list_find(const struct chio_fresh_list *list, const uint8_t name[CHIO_FRESH_NAME],
                                              int64_t at);
/* Drops what has ended. */
void chio_fresh_list_prune(struct chio_fresh_list *list, int64_t at);
/* CHIO_E_BUSY: max entries are there. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_fresh_list_add(struct chio_fresh_list *list, size_t max,
                                                  const uint8_t name[CHIO_FRESH_NAME], int64_t until);
void chio_fresh_list_remove(struct chio_fresh_list *list, struct chio_fresh_entry *entry);

/* Empty text is an empty list. CHIO_E_VERSION: another first line. CHIO_E_MALFORMED, CHIO_E_TOO_LONG (more than
 * CHIO_FRESH_MAX entries), CHIO_E_NO_MEMORY. out is empty before. */
CHIO_MUST_CHECK enum chio_err chio_fresh_list_parse(struct chio_slice text, const char *first_line,
                                                    struct chio_fresh_list *out);
/* Appended. */
void chio_fresh_list_write(const struct chio_fresh_list *list, const char *first_line, struct chio_buf *out);

#endif
