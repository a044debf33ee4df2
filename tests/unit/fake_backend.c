#include "tests/unit/fake_backend.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void fake_backend_init(struct fake_backend *fake) {
  memset(fake, 0, sizeof *fake);
  (void)pthread_mutex_init(&fake->lock, NULL);
  (void)pthread_cond_init(&fake->moved, NULL);
}

void fake_backend_clear(struct fake_backend *fake) {
  for (size_t i = 0; i < fake->count; i++) chio_key_free(fake->keys[i].key);
  (void)pthread_cond_destroy(&fake->moved);
  (void)pthread_mutex_destroy(&fake->lock);
}

static struct chio_key *generate(uint32_t key_type, uint32_t bits) {
  static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
  static const uint8_t p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
  static const uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
  struct chio_buf params = CHIO_BUF_INIT;
  struct chio_key *key = NULL;
  uint32_t generator = CHIO_MECH_EC_KEY_PAIR_GEN;
  chio_attrs_begin(&params);
  if (key_type == CKK_RSA) {
    generator = CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN;
    chio_attrs_add_ulong(&params, CKA_MODULUS_BITS, bits);
  } else if (key_type == CKK_EC_EDWARDS) {
    generator = CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN;
    chio_attrs_add(&params, CKA_EC_PARAMS, chio_slice(ed25519, sizeof ed25519));
  } else {
    struct chio_slice oid = chio_slice(p256, sizeof p256);
    if (bits == 384) oid = chio_slice(p384, sizeof p384);
    if (bits == 521) oid = chio_slice(p521, sizeof p521);
    chio_attrs_add(&params, CKA_EC_PARAMS, oid);
  }
  enum chio_err err = chio_key_generate(chio_mechanism_by_wire(generator), chio_attrs_of(&params), &key, NULL);
  assert(err == CHIO_OK);
  (void)err;
  chio_buf_clear(&params);
  return key;
}

struct fake_key *fake_backend_find(struct fake_backend *fake, const char *uri) {
  for (size_t i = 0; i < fake->count; i++)
    if (strcmp(fake->keys[i].uri, uri) == 0) return &fake->keys[i];
  return NULL;
}

void fake_backend_put(struct fake_backend *fake, const char *uri, uint32_t key_type, uint32_t bits) {
  struct fake_key *there = fake_backend_find(fake, uri);
  assert(there != NULL || fake->count < FAKE_KEYS_MAX);
  if (there == NULL) there = &fake->keys[fake->count++];
  (void)snprintf(there->uri, sizeof there->uri, "%s", uri);
  chio_key_free(there->key);
  there->key = generate(key_type, bits);
}

/* A URI means its key, and so does the URI with a version behind it. */
static enum chio_err find(struct fake_backend *fake, const char *uri, struct fake_key **out_key,
                          struct chio_detail *detail) {
  char plain[CHIO_BACKEND_URI_MAX];
  (void)snprintf(plain, sizeof plain, "%.*s", (int)strcspn(uri, "@"), uri);
  if (fake->fault != CHIO_OK) return chio_fail(detail, fake->fault, "the fake fails");
  *out_key = fake_backend_find(fake, plain);
  if (*out_key == NULL) return chio_fail(detail, CHIO_E_NOT_FOUND, "no key %.100s", plain);
  return (*out_key)->fault != CHIO_OK ? chio_fail(detail, (*out_key)->fault, "the key fails") : CHIO_OK;
}

static void tell(const struct fake_key *key, struct chio_backend_key *out) {
  struct chio_slice spki = chio_key_spki(key->key);
  memset(out, 0, sizeof *out);
  (void)snprintf(out->uri, sizeof out->uri, "%s@1", key->uri);
  memcpy(out->spki, spki.data, spki.len);
  out->spki_len = spki.len;
  out->can_sign = true;
}

static enum chio_err fake_describe(void *self, const char *backend, const char *uri, unsigned timeout_ms,
                                   struct chio_backend_key *out_key, struct chio_detail *detail) {
  struct fake_backend *fake = self;
  struct fake_key *key;
  (void)backend;
  (void)timeout_ms;
  fake->describes++;
  enum chio_err err = find(fake, uri, &key, detail);
  if (err == CHIO_OK) tell(key, out_key);
  return err;
}

static void wait_if_held(struct fake_backend *fake) {
  (void)pthread_mutex_lock(&fake->lock);
  fake->held++;
  (void)pthread_cond_broadcast(&fake->moved);
  while (fake->hold) (void)pthread_cond_wait(&fake->moved, &fake->lock);
  fake->held--;
  (void)pthread_mutex_unlock(&fake->lock);
}

static enum chio_err fake_sign(void *self, const char *backend, const char *uri, struct chio_slice spki,
                               uint32_t mechanism, struct chio_slice params, struct chio_slice data,
                               unsigned timeout_ms, struct chio_buf *out, struct chio_detail *detail) {
  struct fake_backend *fake = self;
  struct fake_key *key;
  struct chio_mech_params decoded = {.kind = CHIO_PARAMS_NONE};
  const struct chio_mechanism *row = chio_mechanism_by_wire(mechanism);
  (void)backend;
  (void)spki;
  (void)timeout_ms;
  wait_if_held(fake);
  fake->signs++;
  fake->last_mechanism = mechanism;
  fake->last_data_len = data.len;
  enum chio_err err = find(fake, uri, &key, detail);
  if (err == CHIO_OK && params.len > 0) err = chio_mech_params_decode(params, &decoded);
  if (err != CHIO_OK) return err;
  err = row->digest != 0 ? chio_key_sign_digest(key->key, row, &decoded, data, out)
                         : chio_key_sign(key->key, row, &decoded, data, out);
  if (err == CHIO_OK && fake->wrong_signature) out->data[out->len - 1] ^= 1;
  return err;
}

static void fake_sign_many(void *self, const char *backend, const char *uri, struct chio_slice spki,
                           uint32_t mechanism, struct chio_slice params, unsigned timeout_ms,
                           struct chio_backend_item *items, size_t count) {
  struct fake_backend *fake = self;
  fake->crowds++;
  for (size_t i = 0; i < count; i++)
    items[i].err = i + 1 == fake->refused_item
                       ? CHIO_E_TIMEOUT
                       : fake_sign(self, backend, uri, spki, mechanism, params, items[i].data, timeout_ms,
                                   &items[i].signature, NULL);
}

static enum chio_err fake_create(void *self, const char *backend, uint32_t key_type, uint32_t bits, uint32_t mechanism,
                                 const char *label, unsigned timeout_ms, struct chio_backend_key *out_key,
                                 struct chio_detail *detail) {
  struct fake_backend *fake = self;
  char uri[128];
  (void)backend;
  (void)timeout_ms;
  fake->creates++;
  fake->made_for = mechanism;
  if (fake->fault != CHIO_OK) return chio_fail(detail, fake->fault, "the fake fails");
  (void)snprintf(fake->last_label, sizeof fake->last_label, "%s", label);
  (void)snprintf(uri, sizeof uri, "fake://%.100s", label[0] != '\0' ? label : "unnamed");
  if (fake_backend_find(fake, uri) != NULL) return chio_fail(detail, CHIO_E_EXISTS, "there is a key of that name");
  fake_backend_put(fake, uri, key_type, bits);
  tell(fake_backend_find(fake, uri), out_key);
  return CHIO_OK;
}

static enum chio_err fake_list(void *self, const char *backend, unsigned timeout_ms,
                               enum chio_err (*found)(void *arg, const char *uri), void *arg,
                               struct chio_detail *detail) {
  struct fake_backend *fake = self;
  (void)backend;
  (void)timeout_ms;
  fake->lists++;
  if (fake->fault != CHIO_OK) return chio_fail(detail, fake->fault, "the fake fails");
  for (size_t i = 0; i < fake->count; i++) {
    enum chio_err err = found(arg, fake->keys[i].uri);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err fake_attestation(void *self, const char *backend, const char *uri, unsigned timeout_ms,
                                      struct chio_buf *out, struct chio_detail *detail) {
  struct fake_backend *fake = self;
  struct fake_key *key;
  (void)backend;
  (void)timeout_ms;
  if (fake->no_attestation) return CHIO_E_UNSUPPORTED;
  enum chio_err err = find(fake, uri, &key, detail);
  if (err == CHIO_OK && fake->attest != NULL) return fake->attest(key, out);
  if (err == CHIO_OK) chio_buf_append_str(out, "attested by the fake");
  return err;
}

static enum chio_err fake_health(void *self, const char *backend, unsigned timeout_ms, struct chio_detail *detail) {
  struct fake_backend *fake = self;
  (void)backend;
  (void)timeout_ms;
  return fake->fault != CHIO_OK ? chio_fail(detail, fake->fault, "the fake fails") : CHIO_OK;
}

const struct chio_backend_ops fake_backend_ops = {.describe = fake_describe,
                                                  .sign = fake_sign,
                                                  .sign_many = fake_sign_many,
                                                  .create = fake_create,
                                                  .list = fake_list,
                                                  .attestation = fake_attestation,
                                                  .health = fake_health};
