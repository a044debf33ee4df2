#include "tests/unit/issuer_rig.h"

struct fake_backend fake;

void issuer_prepare(struct rig *rig) {
  static const char *const keys[] = {"fake://issuer"};
  static const struct chio_backend_config backends[] = {
      {.name = "kms", .keys = keys, .keys_count = 1, .timeout_ms = 1000, .retry_ms = 3600000}};
  fake_backend_init(&fake);
  fake_backend_put(&fake, "fake://issuer", CKK_EC_EDWARDS, 255);
  rig_prepare(rig);
  rig->config.backends = backends;
  rig->config.backend_count = 1;
  rig->config.reach = (struct chio_backends){.ops = &fake_backend_ops, .self = &fake};
}

void issuer_find(struct rig *rig, struct chio_uid *out_issuer) {
  struct chio_buf by = CHIO_BUF_INIT;
  struct chio_object_find_reply r;
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, CKO_PRIVATE_KEY);
  struct chio_object_find_request q = {.slot = SLOT, .max = 8, .templ = chio_attrs_of(&by)};
  assert_int_equal(rig_call(rig, rig->conn, CHIO_MSG_OBJECT_FIND, &q, &r), CHIO_OK);
  assert_int_equal(r.objects.len, CHIO_UID_SIZE);
  memcpy(out_issuer->b, r.objects.data, CHIO_UID_SIZE);
  chio_buf_clear(&by);
}
