#include "tests/unit/objects_rig.h"

#include <stdlib.h>

struct chio_buf templ, other;

int set_up(void **state) {
  struct rig *rig = malloc(sizeof *rig);
  rig_open(rig);
  rig_token(rig);
  chio_attrs_begin(&templ);
  chio_attrs_begin(&other);
  *state = rig;
  return 0;
}

int tear_down(void **state) {
  rig_close(*state);
  free(*state);
  chio_buf_clear(&templ);
  chio_buf_clear(&other);
  return 0;
}

void text(struct chio_buf *t, uint32_t type, const char *value) {
  chio_attrs_add(t, type, chio_slice_str(value));
}

enum chio_err create(struct rig *rig, struct chio_conn *conn, const struct rig_ticket *ticket, uint64_t session,
                            struct chio_uid *out_object) {
  struct chio_object_create_request q = {
      .ticket = rig_ticket(ticket), .session = session, .templ = chio_attrs_of(&templ)};
  struct chio_object_create_reply r;
  enum chio_err err = rig_call(rig, conn, CHIO_MSG_OBJECT_CREATE, &q, &r);
  if (err == CHIO_OK && out_object != NULL) *out_object = r.object;
  return err;
}

void data_template(bool token, const char *label) {
  chio_attrs_begin(&templ);
  chio_attrs_add_ulong(&templ, CKA_CLASS, CKO_DATA);
  chio_attrs_add_bool(&templ, CKA_TOKEN, token);
  text(&templ, CKA_LABEL, label);
  text(&templ, CKA_VALUE, "value");
}

enum chio_err set(struct rig *rig, const struct rig_ticket *ticket, const struct chio_uid *object) {
  struct chio_object_set_request q = {.ticket = rig_ticket(ticket), .object = *object, .templ = chio_attrs_of(&other)};
  return rig_call(rig, rig->conn, CHIO_MSG_OBJECT_SET, &q, NULL);
}

enum chio_err copy(struct rig *rig, const struct chio_uid *object, struct chio_uid *out_copy) {
  struct chio_object_copy_request q = {
      .ticket = rig_ticket(&rig->user), .session = 1, .object = *object, .templ = chio_attrs_of(&other)};
  struct chio_object_copy_reply r;
  enum chio_err err = rig_call(rig, rig->conn, CHIO_MSG_OBJECT_COPY, &q, &r);
  if (err == CHIO_OK) *out_copy = r.object;
  return err;
}

enum chio_err destroy(struct rig *rig, const struct rig_ticket *ticket, const struct chio_uid *object) {
  struct chio_object_destroy_request q = {.ticket = rig_ticket(ticket), .object = *object};
  return rig_call(rig, rig->conn, CHIO_MSG_OBJECT_DESTROY, &q, NULL);
}

bool is_text(struct rig *rig, const struct chio_uid *object, uint32_t type, const char *expected) {
  struct chio_slice value;
  return rig_get(rig, object, type, &value) && chio_slice_equal(value, chio_slice_str(expected));
}

bool is_flag(struct rig *rig, const struct chio_uid *object, uint32_t type, bool expected) {
  struct chio_slice value;
  return rig_get(rig, object, type, &value) && value.len == 1 && (value.data[0] != 0) == expected;
}
