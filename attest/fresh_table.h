/*
 * A table of names (fresh_list.h) that several threads use at once, and, when it stands in a file, several processes.
 * Each change is one transaction: under a lock, on what the file says now; the new file takes the old one's place by
 * rename after it reached the disk. After a crash a change was made, or not.
 */
#ifndef CHIO_ATTEST_FRESH_TABLE_H
#define CHIO_ATTEST_FRESH_TABLE_H

#include "attest/fresh_list.h"

struct chio_fresh_table;

/* first_line is static. path NULL: in memory. A file that is missing is made (mode 0600) with the first change.
 * CHIO_E_ARGUMENT (max), CHIO_E_NO_MEMORY; CHIO_E_IO, CHIO_E_MALFORMED, CHIO_E_VERSION: the file cannot be read. */
CHIO_MUST_CHECK enum chio_err chio_fresh_table_new(const char *first_line, size_t max, const char *path,
                                                   struct chio_fresh_table **out_table, struct chio_detail *detail);
void chio_fresh_table_free(struct chio_fresh_table *table); /* NULL is accepted */

/* How many names count at this time, and whether this one does (name may be NULL). CHIO_E_IO and so on. */
CHIO_MUST_CHECK enum chio_err chio_fresh_table_look(struct chio_fresh_table *table, const uint8_t *name, int64_t at,
                                                    bool *out_has, size_t *out_count, struct chio_detail *detail);

/* Adds count names of CHIO_FRESH_NAME bytes, one after the other: the first must be new (CHIO_E_EXISTS); of the others
 * those that are there live at least as long. CHIO_E_BUSY: no room. */
CHIO_MUST_CHECK enum chio_err chio_fresh_table_add(struct chio_fresh_table *table, const uint8_t *names, size_t count,
                                                   int64_t until, int64_t at, struct chio_detail *detail);

/* Takes one out. CHIO_E_NOT_FOUND: it is not there, or has ended. */
CHIO_MUST_CHECK enum chio_err chio_fresh_table_take(struct chio_fresh_table *table, const uint8_t *name, int64_t at,
                                                    struct chio_detail *detail);

#endif
