/* The recorded evidence, for tests: where it is (CHIO_VECTORS), and how it is read and judged. */
#ifndef CHIO_TESTS_VECTORS_H
#define CHIO_TESTS_VECTORS_H

#include "attest/chio_attest.h"
#include "signer/base/buf.h"

/* The folder "quotes" among the vectors; set by vectors_found. */
extern char vectors_dir[3000];

/* false, saying so, when they are not at hand: the test skips itself. */
bool vectors_found(void);

/* A whole file; empty when it cannot be read. */
struct chio_buf vectors_read(const char *path);

/* "2025-06-20T10:32:27...": seconds since the epoch. NULL or another form: 0. */
int64_t vectors_time(const char *text);

/* The collateral at a path; none for NULL. Files that are no collateral are passed over. */
struct chio_attest_collateral *vectors_collateral(const char *path);

/* Without a policy. collateral_path equal to evidence_path: none. */
struct chio_attest_result *vectors_judge(const char *evidence_path, const char *collateral_path, int64_t at);

#endif
