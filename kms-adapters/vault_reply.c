#include "kms-adapters/vault_reply.h"

#include "kms-adapters/body.h"
#include "kms-adapters/signature_form.h"
#include "signer/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PEM_MAX 4096u

enum chio_err chio_vault_data(const json_t *reply, const json_t **out_data, struct chio_detail *detail) {
  const json_t *data = json_object_get(reply, "data");
  if (!json_is_object(data)) return chio_fail(detail, CHIO_E_BACKEND, "the reply has no data");
  *out_data = data;
  return CHIO_OK;
}

/* The types of keys that sign. What a key is, its public key says; the word must agree. */
static const struct {
  const char *type;
  uint32_t key_type;
  uint32_t bits;
} types[] = {
    {"ecdsa-p256", CKK_EC, 256},   {"ecdsa-p384", CKK_EC, 384}, {"ecdsa-p521", CKK_EC, 521},
    {"ed25519", CKK_EC_EDWARDS, 255}, {"rsa-2048", CKK_RSA, 2048}, {"rsa-3072", CKK_RSA, 3072},
    {"rsa-4096", CKK_RSA, 4096},
};

static bool type_agrees(const char *type, const struct chio_kms_key *key) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++)
    if (strcmp(type, types[i].type) == 0) return key->key_type == types[i].key_type && key->bits == types[i].bits;
  return false;
}

static bool type_signs(const char *type) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++)
    if (strcmp(type, types[i].type) == 0) return true;
  return false;
}

/* RFC 8410: Vault gives an Ed25519 key as its 32 bytes, the others as PEM. */
static enum chio_err read_ed25519(const json_t *version, struct chio_kms_key *key, struct chio_detail *detail) {
  static const uint8_t head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  struct chio_buf spki = CHIO_BUF_INIT;
  chio_buf_append(&spki, head, sizeof head);
  enum chio_err err = chio_body_bytes(version, "public_key", false, 32, &spki, detail);
  if (err == CHIO_OK) err = chio_kms_key_from_spki(chio_buf_slice(&spki), key, detail);
  chio_buf_clear(&spki);
  return err;
}

static enum chio_err read_public_key(const json_t *version, const char *type, struct chio_kms_key *key,
                                     struct chio_detail *detail) {
  const char *pem;
  if (strcmp(type, "ed25519") == 0) return read_ed25519(version, key, detail);
  enum chio_err err = chio_body_text(version, "public_key", PEM_MAX, &pem, detail);
  if (err == CHIO_OK) err = chio_kms_key_from_pem(chio_slice_str(pem), key, detail);
  return err;
}

/* Fills in the newest version where none is pinned; the bounds are the server's own rules for old versions. */
static enum chio_err pin(const json_t *data, struct chio_kms_key *key, struct chio_detail *detail) {
  uint64_t latest, least = 1;
  enum chio_err err = chio_body_u64(data, "latest_version", &latest, detail);
  if (err != CHIO_OK) return err;
  if (latest < 1 || latest > CHIO_VAULT_VERSION_MAX)
    return chio_fail(detail, CHIO_E_BACKEND, "latest_version in the reply is %" PRIu64, latest);
  if (key->uri.version[0] == '\0') (void)snprintf(key->uri.version, sizeof key->uri.version, "%" PRIu64, latest);
  if (json_object_get(data, "min_encryption_version") != NULL)
    err = chio_body_u64(data, "min_encryption_version", &least, detail);
  if (err != CHIO_OK) return err;
  uint64_t version = strtoull(key->uri.version, NULL, 10);
  if (version > latest)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "there is no version %s, the newest is %" PRIu64, key->uri.version,
                     latest);
  if (version < least)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "version %s may no longer be used, the oldest is %" PRIu64,
                     key->uri.version, least);
  return CHIO_OK;
}

static bool flag(const json_t *data, const char *member, bool where_missing) {
  const json_t *value = json_object_get(data, member);
  return value != NULL ? json_is_true(value) : where_missing;
}

enum chio_err chio_vault_key_read(const json_t *reply, struct chio_kms_key *key, struct chio_detail *detail) {
  const json_t *data = NULL;
  const char *type, *name;
  enum chio_err err = chio_vault_data(reply, &data, detail);
  if (err == CHIO_OK) err = chio_body_text(data, "type", 64, &type, detail);
  if (err == CHIO_OK) err = chio_body_text_if(data, "name", &name, detail);
  if (err != CHIO_OK) return err;
  if (name != NULL && strcmp(name, key->uri.key) != 0)
    return chio_fail(detail, CHIO_E_BACKEND, "it answered with another key than was asked for");
  if (!type_signs(type) || flag(data, "derived", false))
    return chio_fail(detail, CHIO_E_KEY_TYPE, "a key of type %.32s%s does not sign", type,
                     flag(data, "derived", false) ? ", derived," : "");
  if (flag(data, "soft_deleted", false)) return chio_fail(detail, CHIO_E_POLICY, "the key is deleted");
  err = pin(data, key, detail);
  if (err != CHIO_OK) return err;
  const json_t *version = json_object_get(json_object_get(data, "keys"), key->uri.version);
  if (!json_is_object(version))
    return chio_fail(detail, CHIO_E_NOT_FOUND, "version %s is gone", key->uri.version);
  err = read_public_key(version, type, key, detail);
  if (err != CHIO_OK) return err;
  if (!type_agrees(type, key))
    return chio_fail(detail, CHIO_E_BACKEND, "it calls the key %s, but the public key is another", type);
  key->can_sign = flag(data, "supports_signing", true);
  key->can_decrypt = flag(data, "supports_decryption", false);
  return CHIO_OK;
}

enum chio_err chio_vault_payload(const char *text, const char *version, struct chio_slice *out_base64,
                                 struct chio_detail *detail) {
  static const char prefix[] = "vault:v";
  if (strncmp(text, prefix, strlen(prefix)) != 0)
    return chio_fail(detail, CHIO_E_BACKEND, "what it answered does not begin with vault:v");
  const char *number = text + strlen(prefix);
  size_t digits = strspn(number, "0123456789");
  if (digits == 0 || digits > 9 || number[0] == '0' || number[digits] != ':')
    return chio_fail(detail, CHIO_E_BACKEND, "what it answered names no version");
  if (version != NULL && (strlen(version) != digits || memcmp(version, number, digits) != 0))
    return chio_fail(detail, CHIO_E_BACKEND, "it used version %.*s, not %s as it was asked to", (int)digits, number,
                     version);
  *out_base64 = chio_slice_str(number + digits + 1);
  return CHIO_OK;
}

/* ECDSA was asked for as JWS has it: r || s of full width in base64url. */
enum chio_err chio_vault_signature_read(const json_t *reply, const struct chio_kms_key *key,
                                        struct chio_buf *out_signature, struct chio_detail *detail) {
  const json_t *data = NULL;
  const char *text;
  struct chio_slice base64;
  struct chio_buf bytes = CHIO_BUF_INIT;
  bool ecdsa = key->key_type == CKK_EC;
  size_t width = key->key_type == CKK_RSA ? key->bits / 8 : 64;
  enum chio_err err = chio_vault_data(reply, &data, detail);
  if (err == CHIO_OK) err = chio_body_text(data, "signature", 2 * CHIO_KMS_SIGNATURE_MAX, &text, detail);
  if (err == CHIO_OK) err = chio_vault_payload(text, key->uri.version, &base64, detail);
  if (err != CHIO_OK) return err;
  err = chio_base64_decode(base64, ecdsa, &bytes);
  if (err == CHIO_E_MALFORMED) err = chio_fail(detail, CHIO_E_BACKEND, "the signature is no base64");
  if (err == CHIO_OK && ecdsa) err = chio_ecdsa_from_fixed(chio_buf_slice(&bytes), key->bits, out_signature, detail);
  if (err == CHIO_OK && !ecdsa && bytes.len != width)
    err = chio_fail(detail, CHIO_E_BACKEND, "the signature has %zu bytes, not %zu", bytes.len, width);
  if (err == CHIO_OK && !ecdsa) {
    chio_buf_append_slice(out_signature, chio_buf_slice(&bytes));
    err = chio_buf_err(out_signature);
  }
  chio_buf_clear(&bytes);
  return err;
}

enum chio_err chio_vault_header(struct chio_slice token, struct chio_secret **out_header, struct chio_detail *detail) {
  static const char name[] = "X-Vault-Token: ";
  struct chio_secret *header;
  if (token.len == 0) return chio_fail(detail, CHIO_E_BACKEND, "the token is empty");
  if (token.len > CHIO_VAULT_TOKEN_MAX) return chio_fail(detail, CHIO_E_BACKEND, "the token is too long");
  for (size_t i = 0; i < token.len; i++)
    if (token.data[i] <= ' ' || token.data[i] > '~')
      return chio_fail(detail, CHIO_E_BACKEND, "the token has a character that no token has");
  enum chio_err err = chio_secret_new(strlen(name) + token.len + 1, &header);
  if (err != CHIO_OK) return err;
  memcpy(header->data, name, strlen(name));
  memcpy(header->data + strlen(name), token.data, token.len);
  *out_header = header;
  return CHIO_OK;
}

enum chio_err chio_vault_auth_read(json_t *reply, struct chio_secret **out_header, uint64_t *out_life_ms,
                                   bool *out_renewable, struct chio_detail *detail) {
  const json_t *auth = json_object_get(reply, "auth");
  const char *token = NULL;
  uint64_t seconds = 0;
  if (!json_is_object(auth)) return chio_fail(detail, CHIO_E_BACKEND, "the reply of the login has no auth");
  enum chio_err err = chio_body_u64(auth, "lease_duration", &seconds, detail);
  if (err == CHIO_OK && seconds > UINT32_MAX)
    err = chio_fail(detail, CHIO_E_BACKEND, "lease_duration in the reply is out of range");
  if (err == CHIO_OK) err = chio_body_text(auth, "client_token", CHIO_VAULT_TOKEN_MAX, &token, detail);
  if (err == CHIO_OK) err = chio_vault_header(chio_slice_str(token), out_header, detail);
  /* jansson's memory is about to be freed unwiped */
  char *copy = (char *)(uintptr_t)json_string_value(json_object_get(auth, "client_token"));
  if (copy != NULL) chio_wipe(copy, strlen(copy));
  if (err != CHIO_OK) return err;
  *out_life_ms = seconds * 1000;
  *out_renewable = json_is_true(json_object_get(auth, "renewable"));
  return CHIO_OK;
}

/* The server's words: the first of "errors", on one line. */
static void words_of(struct chio_slice body, struct chio_detail *why) {
  json_t *reply = NULL;
  *why = (struct chio_detail){.text = ""};
  if (chio_body_parse(body, "the refusal", &reply, NULL) != CHIO_OK) return;
  const char *text = json_string_value(json_array_get(json_object_get(reply, "errors"), 0));
  size_t len = 0;
  for (size_t i = 0; text != NULL && text[i] != '\0' && len < sizeof why->text - 1; i++) {
    bool blank = text[i] <= ' ' || text[i] > '~';
    if (blank && (len == 0 || why->text[len - 1] == ' ')) continue;
    why->text[len++] = blank ? ' ' : text[i];
  }
  why->text[len] = '\0';
  json_decref(reply);
}

bool chio_vault_token_is_bad(const struct chio_detail *why) {
  return strstr(why->text, "invalid token") != NULL || strstr(why->text, "bad token") != NULL;
}

struct meaning {
  const char *part;
  enum chio_err err;
};

static enum chio_err meaning_of(const char *why, const struct meaning *rows, size_t count, enum chio_err otherwise) {
  for (size_t i = 0; i < count; i++)
    if (strstr(why, rows[i].part) != NULL) return rows[i].err;
  return otherwise;
}

/* 400 is what it says to nearly everything that is wrong with a request. */
static enum chio_err meaning_of_400(const char *why) {
  static const struct meaning rows[] = {
      {"not found", CHIO_E_NOT_FOUND},
      {"no existing key", CHIO_E_NOT_FOUND},
      {"higher than the latest", CHIO_E_NOT_FOUND},
      {"less than the minimum", CHIO_E_NOT_FOUND},
      {"soft deleted", CHIO_E_POLICY},
      {"soft-deleted", CHIO_E_POLICY},
      {"disallowed by policy", CHIO_E_POLICY},
      {"message authentication failed", CHIO_E_DATA_INVALID},
      {"invalid ciphertext", CHIO_E_DATA_INVALID},
      {"decryption error", CHIO_E_DATA_INVALID},
      {"does not support", CHIO_E_MECHANISM_UNSUPPORTED},
  };
  return meaning_of(why, rows, CHIO_ARRAY_LEN(rows), CHIO_E_BACKEND);
}

/* What Transit says with 500 though it is the request that is wrong (keysutil's SignWithOptions: a version that an
 * operator has withdrawn): to ask again would not help, and to count it would close the server to its other keys. */
static struct chio_attempt_result meaning_of_500(const char *why) {
  static const struct meaning rows[] = {
      {"requested version for", CHIO_E_NOT_FOUND},
      {"no such key version", CHIO_E_NOT_FOUND},
      {"does not contain a private part", CHIO_E_POLICY},
      {"not supported for key type", CHIO_E_MECHANISM_UNSUPPORTED},
  };
  enum chio_err err = meaning_of(why, rows, CHIO_ARRAY_LEN(rows), CHIO_E_BACKEND_UNREACHABLE);
  enum chio_attempt verdict = err == CHIO_E_BACKEND_UNREACHABLE ? CHIO_ATTEMPT_AGAIN : CHIO_ATTEMPT_DONE;
  return (struct chio_attempt_result){verdict, err, 0};
}

struct chio_attempt_result chio_vault_refusal(long status, struct chio_slice body, struct chio_detail *why) {
  const enum chio_attempt again = CHIO_ATTEMPT_AGAIN, done = CHIO_ATTEMPT_DONE;
  words_of(body, why);
  switch (status) {
    case 400: return (struct chio_attempt_result){done, meaning_of_400(why->text), 0};
    case 401:
    case 403: return (struct chio_attempt_result){done, CHIO_E_PERMISSION, 0};
    case 404: return (struct chio_attempt_result){done, CHIO_E_NOT_FOUND, 0};
    case 429: return (struct chio_attempt_result){again, CHIO_E_BUSY, 0};
    case 412: /* a replica that has not caught up */
    case 472:
    case 473:
    case 502:
    case 504: return (struct chio_attempt_result){again, CHIO_E_BACKEND_UNREACHABLE, 0};
    case 500: return meaning_of_500(why->text);
    case 503:
      return (struct chio_attempt_result){
          again, strstr(why->text, "sealed") != NULL ? CHIO_E_BACKEND_SEALED : CHIO_E_BACKEND_UNREACHABLE, 0};
    default: return (struct chio_attempt_result){done, CHIO_E_BACKEND, 0};
  }
}
