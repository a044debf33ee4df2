#include "tests/unit/slot_rig.h"

#include "signer/base/log.h"

#include <fcntl.h>
#include <stdlib.h>

struct fake_backend fake;
const char *keys[4];
struct chio_backend_config backends[2];
struct chio_buf templ, other;

struct rig *open_with(size_t keys_count) {
  struct rig *rig = malloc(sizeof *rig);
  fake_backend_init(&fake);
  chio_attrs_begin(&templ);
  chio_attrs_begin(&other);
  keys[0] = "fake://one";
  keys[1] = "fake://two";
  keys[2] = "fake://three";
  backends[0] = (struct chio_backend_config){
      .name = "kms", .keys = keys, .keys_count = keys_count, .timeout_ms = 1000, .retry_ms = 3600000};
  backends[1] = (struct chio_backend_config){.name = "second", .timeout_ms = 1000};
  rig_prepare(rig);
  rig->config.backends = backends;
  rig->config.backend_count = 1;
  rig->config.reach = (struct chio_backends){.ops = &fake_backend_ops, .self = &fake};
  return rig;
}

int set_up(void **state) {
  *state = open_with(1);
  fake_backend_put(&fake, "fake://one", CKK_EC, 256);
  rig_start(*state);
  return 0;
}

int tear_down(void **state) {
  rig_close(*state);
  free(*state);
  chio_buf_clear(&templ);
  chio_buf_clear(&other);
  fake_backend_clear(&fake);
  return 0;
}

size_t find_as(struct rig *rig, const struct rig_ticket *ticket, uint64_t class, struct chio_uid *out) {
  struct chio_object_find_request q = {.slot = SLOT, .ticket = rig_ticket(ticket), .max = CHIO_FIND_MAX};
  struct chio_object_find_reply r;
  struct chio_buf by = CHIO_BUF_INIT;
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, class);
  q.templ = chio_attrs_of(&by);
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
  if (out != NULL && r.objects.len > 0) memcpy(out->b, r.objects.data, CHIO_UID_SIZE);
  chio_buf_clear(&by);
  return r.objects.len / CHIO_UID_SIZE;
}

size_t find(struct rig *rig, struct chio_uid *out_private) {
  return find_as(rig, NULL, CKO_PRIVATE_KEY, out_private);
}

bool get(struct rig *rig, const struct chio_uid *object, uint32_t type, struct chio_slice *out) {
  uint8_t raw[4] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)(type >> 16), (uint8_t)(type >> 24)};
  struct chio_object_get_request q = {.slot = SLOT, .object = *object, .types = chio_slice(raw, sizeof raw)};
  struct chio_object_get_reply r;
  if (rig_call(rig, rig->conn, CHIO_MSG_OBJECT_GET, &q, &r) != CHIO_OK) return false;
  return chio_attrs_find(r.attributes, type, out);
}

bool is_text(struct rig *rig, const struct chio_uid *object, uint32_t type, const char *expected) {
  struct chio_slice value;
  return get(rig, object, type, &value) && chio_slice_equal(value, chio_slice_str(expected));
}

bool is_flag(struct rig *rig, const struct chio_uid *object, uint32_t type, bool expected) {
  struct chio_slice value;
  return get(rig, object, type, &value) && value.len == 1 && (value.data[0] != 0) == expected;
}

enum chio_err sign(struct rig *rig, const struct chio_uid *key, uint32_t mechanism, struct chio_slice params,
                          struct chio_slice data) {
  struct chio_sign_request q = {.slot = SLOT, .key = *key, .mechanism = mechanism, .params = params, .data = data};
  struct chio_sign_reply r;
  return rig_call(rig, rig->conn, CHIO_MSG_SIGN, &q, &r);
}

enum chio_err sign_p256(struct rig *rig, const struct chio_uid *key) {
  return sign(rig, key, CHIO_MECH_ECDSA_SHA256, chio_slice(NULL, 0), chio_slice_str("message"));
}

enum chio_err destroy(struct rig *rig, const struct chio_uid *object) {
  struct chio_object_destroy_request q = {.slot = SLOT, .object = *object};
  return rig_call(rig, rig->conn, CHIO_MSG_OBJECT_DESTROY, &q, NULL);
}

uint64_t token_flags(struct rig *rig) {
  struct chio_token_info_request q = {.slot = SLOT};
  struct chio_token_info_reply r;
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_TOKEN_INFO, &q, &r), CHIO_OK);
  assert_true(chio_slice_equal(r.label, chio_slice_str("kms")));
  return r.flags;
}

int quiet(void **state) {
  (void)state;
  chio_log_configure(CHIO_LOG_ERROR, CHIO_LOG_TEXT, open("/dev/null", O_WRONLY));
  return 0;
}
