/* What the tests of the store share: a store in a folder of its own, objects for it. Includes cmocka for the tests. */
#ifndef CHIO_TESTS_STORE_BED_H
#define CHIO_TESTS_STORE_BED_H

#include "signer/core/store.h"
#include "tests/support/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct bed {
  struct temp_dir dir;
  struct chio_seal *seal;
  struct chio_store *store;
  struct chio_detail detail;
};

/* A bed with an initialised token in slot 0. */
int bed_set_up(void **state);
int bed_tear_down(void **state);
#define ON_BED(test) cmocka_unit_test_setup_teardown(test, bed_set_up, bed_tear_down)

void open_bed(struct bed *bed);
void close_bed(struct bed *bed);
void reopen(struct bed *bed);

/* Somebody else at the file: closes the store and runs SQL past it. */
void tamper(struct bed *bed, const char *sql);
void tamper_and_open(struct bed *bed, const char *sql);

/* An object of slot 0 that is not stored yet; row borrows from attrs, which the caller clears. */
struct made {
  struct chio_buf attrs;
  struct chio_object_row row;
};
struct made make_object(uint64_t class, const char *label, const char *id, bool private, const char *secret);

struct chio_uid insert(struct bed *bed, uint64_t class, const char *label, const char *id, bool private,
                       const char *secret);

/* Loads it; when that works, its secret must be this one, unless it is NULL. */
enum chio_err load(struct bed *bed, const struct chio_uid *uid, const char *want_secret);

#endif
