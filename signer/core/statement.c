#include "signer/core/statement.h"

#include "attest/jcs.h"
#include "signer/base/text.h"
#include "signer/core/key_state.h"
#include "signer/wire/mechanism.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX 24u /* characters */

static json_t *text_of(struct chio_attrs attrs, uint32_t type) {
  struct chio_slice value = chio_slice(NULL, 0);
  (void)chio_attrs_find(attrs, type, &value);
  return json_stringn(value.len > 0 ? (const char *)value.data : "", value.len);
}

static json_t *state_of(struct chio_attrs attrs) {
  struct chio_slice state;
  if (!chio_attrs_find(attrs, CKA_CHIO_STATE, &state)) return json_string(chio_key_state_name(CHIO_KEY_ACTIVE));
  return text_of(attrs, CKA_CHIO_STATE);
}

static json_t *flag_of(struct chio_attrs attrs, uint32_t type) {
  return json_boolean(chio_attrs_bool(attrs, type, false));
}

static json_t *spki_of(struct chio_attrs attrs) {
  struct chio_slice spki = chio_slice(NULL, 0);
  (void)chio_attrs_find(attrs, CKA_PUBLIC_KEY_INFO, &spki);
  size_t size = sodium_base64_encoded_len(spki.len, sodium_base64_VARIANT_ORIGINAL);
  char *text = malloc(size);
  if (text == NULL) return NULL;
  json_t *json = json_string(sodium_bin2base64(text, size, spki.data, spki.len, sodium_base64_VARIANT_ORIGINAL));
  free(text);
  return json;
}

static json_t *hex_of(struct chio_slice bytes) {
  char text[2 * 64 + 1];
  if (bytes.len > 64) return NULL;
  return json_string(sodium_bin2hex(text, sizeof text, bytes.data, bytes.len));
}

static json_t *key_type_of(struct chio_attrs attrs) {
  switch (chio_attrs_ulong(attrs, CKA_KEY_TYPE, UINT64_MAX)) {
    case CKK_EC_EDWARDS: return json_string("ed25519");
    case CKK_EC: return json_string("ec");
    case CKK_RSA: return json_string("rsa");
    default: return NULL;
  }
}

static json_t *parameters_of(const struct chio_statement_facts *facts) {
  uint64_t type = chio_attrs_ulong(facts->attrs, CKA_KEY_TYPE, UINT64_MAX);
  char text[NUMBER_MAX];
  if (type == CKK_EC_EDWARDS) return json_string("Ed25519");
  (void)snprintf(text, sizeof text, "%s%u", type == CKK_EC ? "P-" : "", facts->key_bits);
  return json_string(text);
}

/* In the order of their words, as the list must be sorted. */
static json_t *usage_of(struct chio_attrs attrs) {
  static const struct {
    uint32_t type;
    const char *word;
  } usage[] = {{CKA_DECRYPT, "decrypt"},
               {CKA_DERIVE, "derive"},
               {CKA_SIGN, "sign"},
               {CKA_SIGN_RECOVER, "sign-recover"},
               {CKA_UNWRAP, "unwrap"}};
  json_t *list = json_array();
  for (size_t i = 0; i < CHIO_ARRAY_LEN(usage); i++)
    if (chio_attrs_bool(attrs, usage[i].type, false)) (void)json_array_append_new(list, json_string(usage[i].word));
  return list;
}

static json_t *mechanism_name(uint64_t ckm) {
  char text[NUMBER_MAX];
  const struct chio_mechanism *mechanism = chio_mechanism_by_ckm((CK_MECHANISM_TYPE)ckm);
  if (mechanism != NULL) return json_string(mechanism->name);
  (void)snprintf(text, sizeof text, "0x%llx", (unsigned long long)ckm);
  return json_string(text);
}

static json_t *generator_of(struct chio_attrs attrs) {
  uint64_t ckm = chio_attrs_ulong(attrs, CKA_KEY_GEN_MECHANISM, UINT64_MAX);
  return ckm == UINT64_MAX ? json_string("none") : mechanism_name(ckm);
}

static json_t *allowed_of(struct chio_attrs attrs) {
  struct chio_slice value;
  uint64_t ckm;
  if (!chio_attrs_find(attrs, CKA_ALLOWED_MECHANISMS, &value)) return json_null();
  struct chio_cursor c = chio_cursor(value);
  json_t *list = json_array();
  while (chio_cursor_u64le(&c, &ckm) == CHIO_OK) (void)json_array_append_new(list, mechanism_name(ckm));
  return list;
}

static void add_flags(json_t *o, struct chio_attrs attrs, int *failed) {
  static const struct {
    const char *name;
    uint32_t type;
  } flags[] = {{"sensitive", CKA_SENSITIVE},
               {"extractable", CKA_EXTRACTABLE},
               {"always_sensitive", CKA_ALWAYS_SENSITIVE},
               {"never_extractable", CKA_NEVER_EXTRACTABLE},
               {"local", CKA_LOCAL},
               {"always_authenticate", CKA_ALWAYS_AUTHENTICATE}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(flags); i++)
    *failed |= json_object_set_new(o, flags[i].name, flag_of(attrs, flags[i].type));
}

enum chio_err chio_statement_payload(const struct chio_statement_facts *facts, struct chio_buf *out) {
  struct chio_attrs attrs = facts->attrs;
  int failed = 0;
  json_t *o = json_object();
  failed |= json_object_set_new(o, "version", json_integer(1));
  failed |= json_object_set_new(o, "spki", spki_of(attrs));
  failed |= json_object_set_new(o, "public_key", text_of(attrs, CKA_CHIO_PUBLIC_KEY));
  failed |= json_object_set_new(o, "unique_id", text_of(attrs, CKA_UNIQUE_ID));
  failed |= json_object_set_new(o, "class", json_string("private-key"));
  failed |= json_object_set_new(o, "key_type", key_type_of(attrs));
  failed |= json_object_set_new(o, "parameters", parameters_of(facts));
  failed |= json_object_set_new(o, "origin", text_of(attrs, CKA_CHIO_ORIGIN));
  struct chio_slice uri;
  if (chio_attrs_find(attrs, CKA_CHIO_BACKEND_URI, &uri))
    failed |= json_object_set_new(o, "backend_uri", text_of(attrs, CKA_CHIO_BACKEND_URI));
  if (chio_attrs_find(attrs, CKA_CHIO_BACKEND_PROVED, &uri))
    failed |= json_object_set_new(o, "backend_proved", text_of(attrs, CKA_CHIO_BACKEND_PROVED));
  failed |= json_object_set_new(o, "lifetime", text_of(attrs, CKA_CHIO_LIFETIME));
  failed |= json_object_set_new(o, "role", text_of(attrs, CKA_CHIO_ROLE));
  struct chio_slice model;
  if (chio_attrs_find(attrs, CKA_CHIO_MODEL_HASH, &model))
    failed |= json_object_set_new(o, "model_hash", hex_of(model));
  failed |= json_object_set_new(o, "usage", usage_of(attrs));
  add_flags(o, attrs, &failed);
  failed |= json_object_set_new(o, "key_gen_mechanism", generator_of(attrs));
  failed |= json_object_set_new(o, "allowed_mechanisms", allowed_of(attrs));
  failed |= json_object_set_new(o, "token_serial", json_string(facts->token_serial));
  failed |= json_object_set_new(o, "time", json_integer((json_int_t)facts->time));
  failed |= json_object_set_new(o, "counter", json_integer((json_int_t)facts->counter));
  if (facts->fresh) {
    failed |= json_object_set_new(o, "nonce", hex_of(facts->nonce));
    failed |= json_object_set_new(o, "state", state_of(attrs));
  }
  enum chio_err err = failed != 0 ? CHIO_E_NO_MEMORY : chio_jcs(o, out);
  json_decref(o);
  return err;
}

bool chio_statement_time(struct chio_slice envelope, uint64_t *out_time) {
  struct chio_buf payload = CHIO_BUF_INIT;
  json_t *outer = json_loadb((const char *)envelope.data, envelope.len, 0, NULL), *inner = NULL;
  const char *text = json_string_value(json_object_get(outer, "payload"));
  if (text != NULL && chio_base64_decode(chio_slice_str(text), false, &payload) == CHIO_OK)
    inner = json_loadb((const char *)payload.data, payload.len, 0, NULL);
  json_int_t when = json_integer_value(json_object_get(inner, "time"));
  if (when > 0) *out_time = (uint64_t)when;
  json_decref(inner);
  json_decref(outer);
  chio_buf_clear(&payload);
  return when > 0;
}
