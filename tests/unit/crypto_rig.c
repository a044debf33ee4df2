#include "tests/unit/crypto_rig.h"

const struct chio_mechanism *mech(uint32_t wire) {
  const struct chio_mechanism *m = chio_mechanism_by_wire(wire);
  assert_non_null(m);
  return m;
}

struct chio_key *generate_ec(struct chio_slice params) {
  struct chio_buf templ = CHIO_BUF_INIT;
  struct chio_key *key = NULL;
  chio_attrs_begin(&templ);
  chio_attrs_add(&templ, (uint32_t)CKA_EC_PARAMS, params);
  bool edwards = params.len == 5;
  assert_int_equal(chio_key_generate(mech(edwards ? CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN : CHIO_MECH_EC_KEY_PAIR_GEN),
                                     chio_attrs_of(&templ), &key, NULL),
                   CHIO_OK);
  chio_buf_clear(&templ);
  return key;
}

struct chio_key *rsa_key(void) {
  static struct chio_key *key;
  if (key == NULL) {
    struct chio_buf templ = CHIO_BUF_INIT;
    chio_attrs_begin(&templ);
    chio_attrs_add_ulong(&templ, (uint32_t)CKA_MODULUS_BITS, 2048);
    assert_int_equal(
        chio_key_generate(mech(CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN), chio_attrs_of(&templ), &key, NULL), CHIO_OK);
    chio_buf_clear(&templ);
  }
  return chio_key_ref(key);
}
