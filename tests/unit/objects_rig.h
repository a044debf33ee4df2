/* What the tests of objects share: a core with two templates at hand, and its requests on objects. */
#ifndef CHIO_TESTS_OBJECTS_RIG_H
#define CHIO_TESTS_OBJECTS_RIG_H

#include "tests/unit/core_rig.h"

/* Two empty templates at the start of each test. */
extern struct chio_buf templ, other;

int set_up(void **state);
int tear_down(void **state);
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

void text(struct chio_buf *t, uint32_t type, const char *value);
/* templ: a data object. */
void data_template(bool token, const char *label);

/* From templ. */
enum chio_err create(struct rig *rig, struct chio_conn *conn, const struct rig_ticket *ticket, uint64_t session,
                     struct chio_uid *out_object);
/* To what other says. */
enum chio_err set(struct rig *rig, const struct rig_ticket *ticket, const struct chio_uid *object);
enum chio_err copy(struct rig *rig, const struct chio_uid *object, struct chio_uid *out_copy);
enum chio_err destroy(struct rig *rig, const struct rig_ticket *ticket, const struct chio_uid *object);

bool is_text(struct rig *rig, const struct chio_uid *object, uint32_t type, const char *expected);
bool is_flag(struct rig *rig, const struct chio_uid *object, uint32_t type, bool expected);

#endif
