/* What the tests of a backend's slot share: a core whose slot 224 is backend "kms" with a fake KMS behind it, two
 * templates at hand, and requests to that slot without a login. */
#ifndef CHIO_TESTS_SLOT_RIG_H
#define CHIO_TESTS_SLOT_RIG_H

#include "tests/unit/core_rig.h"
#include "tests/unit/fake_backend.h"

#define SLOT CHIO_BACKEND_SLOT_FIRST

extern struct fake_backend fake;
extern const char *keys[4]; /* their URIs in the configuration */
extern struct chio_backend_config backends[2];
extern struct chio_buf templ, other; /* empty at the start of each test */

/* With so many of the keys, not started yet; nothing is retried before the next run unless a test says so. */
struct rig *open_with(size_t keys_count);

/* With one P-256 key. */
int set_up(void **state);
int tear_down(void **state);
/* Of the group: nothing is logged. */
int quiet(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* How many objects of that class are found; the first. */
size_t find_as(struct rig *rig, const struct rig_ticket *ticket, uint64_t class, struct chio_uid *out);
size_t find(struct rig *rig, struct chio_uid *out_private);

bool get(struct rig *rig, const struct chio_uid *object, uint32_t type, struct chio_slice *out);
bool is_text(struct rig *rig, const struct chio_uid *object, uint32_t type, const char *expected);
bool is_flag(struct rig *rig, const struct chio_uid *object, uint32_t type, bool expected);

enum chio_err sign(struct rig *rig, const struct chio_uid *key, uint32_t mechanism, struct chio_slice params,
                   struct chio_slice data);
enum chio_err sign_p256(struct rig *rig, const struct chio_uid *key);
enum chio_err destroy(struct rig *rig, const struct chio_uid *object);
/* Of CK_TOKEN_INFO. */
uint64_t token_flags(struct rig *rig);

#endif
