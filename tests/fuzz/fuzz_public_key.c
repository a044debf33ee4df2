/*
 * Keys from outside: the first byte chooses a SubjectPublicKeyInfo, the attributes of a template for each key type, or
 * the stored form of a private key. A public key that is accepted is the same one by every road.
 */
#include "signer/core/crypto.h"
#include "tests/fuzz/fuzz.h"

static void must_come_back(struct chio_key *key) {
  struct chio_key *again = NULL;
  struct chio_buf attrs = CHIO_BUF_INIT;
  FUZZ_HOLDS(chio_key_from_spki(chio_key_spki(key), &again) == CHIO_OK);
  FUZZ_HOLDS(chio_slice_equal(chio_key_spki(again), chio_key_spki(key)));
  chio_key_free(again);
  chio_attrs_begin(&attrs);
  chio_key_add_public_attributes(key, true, &attrs);
  FUZZ_HOLDS(chio_key_from_attributes(chio_key_type(key), chio_attrs_of(&attrs), &again, NULL) == CHIO_OK);
  FUZZ_HOLDS(chio_slice_equal(chio_key_spki(again), chio_key_spki(key)));
  chio_key_free(again);
  chio_buf_clear(&attrs);
}

static enum chio_err make_key(uint8_t choice, struct chio_slice rest, struct chio_key **out_key) {
  static const uint32_t types[] = {CKK_EC_EDWARDS, CKK_EC, CKK_RSA};
  uint32_t type = types[choice % CHIO_ARRAY_LEN(types)];
  struct chio_attrs attrs;
  if (choice >= 6) return chio_key_from_spki(rest, out_key);
  if (choice >= 3) return chio_key_from_private_bytes(type, rest, out_key);
  enum chio_err err = chio_attrs_parse(rest, &attrs);
  return err == CHIO_OK ? chio_key_from_attributes(type, attrs, out_key, NULL) : err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chio_key *key = NULL;
  if (size == 0) return 0;
  if (make_key(data[0] % 7, chio_slice(data + 1, size - 1), &key) != CHIO_OK) return 0;
  must_come_back(key);
  chio_key_free(key);
  return 0;
}
