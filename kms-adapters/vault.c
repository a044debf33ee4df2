#include "kms-adapters/vault.h"

#include "kms-adapters/body.h"
#include "kms-adapters/vault_call.h"
#include "kms-adapters/vault_cipher.h"
#include "kms-adapters/vault_login.h"
#include "kms-adapters/vault_reply.h"
#include "kms-adapters/vault_sign.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 4096u     /* keys of one mount */
#define RANDOM_MAX 65536u  /* bytes in one call */
#define NAME_MAX_LEN 128u  /* bytes of a key's name */

static const char *first_of(const char *option, const char *variable, const char *other_variable) {
  if (option != NULL) return option;
  const char *value = secure_getenv(variable);
  if (value == NULL || value[0] == '\0') value = secure_getenv(other_variable);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum chio_err copy(const char *from, const char *what, char *to, size_t size, struct chio_detail *detail) {
  size_t len = strlen(from);
  if (len >= size) return chio_fail(detail, CHIO_E_CONFIG, "%s is too long", what);
  for (size_t i = 0; i < len; i++)
    if (from[i] <= ' ' || from[i] > '~')
      return chio_fail(detail, CHIO_E_CONFIG, "%s has a character that is not allowed", what);
  memcpy(to, from, len + 1);
  return CHIO_OK;
}

/* Tokens cross the network inside TLS. To the same machine (a Vault Agent, a test) they may go without. */
static enum chio_err check_address(struct chio_vault *vault, struct chio_detail *detail) {
  size_t len = strlen(vault->address);
  while (len > 0 && vault->address[len - 1] == '/') vault->address[--len] = '\0';
  vault->loopback = chio_http_is_loopback(vault->address);
  if (vault->loopback || strncmp(vault->address, "https://", 8) == 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "endpoint is an https:// address, or http:// of this machine");
}

static enum chio_err read_options(const struct chio_backend_options *options, struct chio_vault *vault,
                                  struct chio_detail *detail) {
  const char *address = first_of(options->endpoint, "VAULT_ADDR", "BAO_ADDR");
  const char *ca = first_of(options->ca_file, "VAULT_CACERT", "BAO_CACERT");
  const char *namespace_ = first_of(options->namespace_, "VAULT_NAMESPACE", "BAO_NAMESPACE");
  if (address == NULL)
    return chio_fail(detail, CHIO_E_CONFIG, "endpoint: neither it nor VAULT_ADDR nor BAO_ADDR is given");
  enum chio_err err = copy(options->name, "the name", vault->name, sizeof vault->name, detail);
  if (err == CHIO_OK) err = copy(address, "endpoint", vault->address, sizeof vault->address, detail);
  if (err == CHIO_OK) err = check_address(vault, detail);
  if (err == CHIO_OK) err = copy(ca != NULL ? ca : "", "ca_file", vault->ca_file, sizeof vault->ca_file, detail);
  if (err == CHIO_OK)
    err = copy(options->mount != NULL ? options->mount : "transit", "mount", vault->mount, sizeof vault->mount, detail);
  if (err == CHIO_OK)
    err = copy(namespace_ != NULL ? namespace_ : "", "namespace", vault->namespace_, sizeof vault->namespace_, detail);
  return err == CHIO_OK ? chio_vault_login_options(options, vault, detail) : err;
}

static void vault_close(void *self) {
  struct chio_vault *vault = self;
  if (vault == NULL) return;
  chio_lease_free(vault->lease);
  chio_secret_free(vault->renewable);
  chio_endpoint_clear(&vault->endpoint);
  free(vault);
}

static enum chio_err vault_open(const struct chio_backend_options *options, struct chio_http *http, void **out_self,
                                struct chio_detail *detail) {
  struct chio_vault *vault = calloc(1, sizeof *vault);
  if (vault == NULL) return CHIO_E_NO_MEMORY;
  vault->http = http;
  chio_endpoint_init(&vault->endpoint);
  enum chio_err err = read_options(options, vault, detail);
  if (err == CHIO_OK) err = chio_lease_new(chio_vault_fetch_token, vault, &vault->lease);
  if (err != CHIO_OK) {
    vault_close(vault);
    return err;
  }
  *out_self = vault;
  return CHIO_OK;
}

static enum chio_err call(struct chio_vault *vault, struct chio_vault_ask *ask, const char *mount, const char *verb,
                          const char *name, const struct chio_deadline *deadline, json_t **out_reply,
                          struct chio_detail *detail) {
  struct chio_buf path = CHIO_BUF_INIT;
  char what[CHIO_VAULT_TEXT_MAX];
  (void)snprintf(what, sizeof what, name != NULL ? "%s '%.128s'" : "%s", ask->what, name);
  enum chio_err err = chio_vault_path(mount, verb, name, &path, detail);
  ask->what = what;
  ask->path = (const char *)path.data;
  if (ask->namespace_ == NULL) ask->namespace_ = vault->namespace_;
  if (err == CHIO_OK) err = chio_vault_call(vault, ask, deadline, out_reply, detail);
  chio_buf_clear(&path);
  return err;
}

/* What a URI may say of another place: the mount and the namespace, but not another server, to which our token would
 * go. */
static enum chio_err check_uri(const struct chio_vault *vault, const struct chio_key_uri *uri,
                               struct chio_detail *detail) {
  if (uri->endpoint[0] != '\0' && strcmp(uri->endpoint, vault->address) != 0)
    return chio_fail(detail, CHIO_E_ARGUMENT, "backend '%s': the key URI names another endpoint", vault->name);
  return CHIO_OK;
}

/* A detail of a parser gets the backend and the key in front of it. */
static enum chio_err say(const struct chio_vault *vault, const char *key, enum chio_err err,
                         const struct chio_detail *reason, struct chio_detail *detail) {
  if (err == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, err, "backend '%s': key '%.128s': %s", vault->name, key, reason->text);
}

static enum chio_err vault_describe(void *self, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                                    struct chio_kms_key *out_key, struct chio_detail *detail) {
  struct chio_vault *vault = self;
  struct chio_vault_ask ask = {.what = "describe", .method = "GET", .namespace_ = chio_vault_namespace(vault, uri)};
  struct chio_detail reason = {.text = ""};
  json_t *reply = NULL;
  enum chio_err err = check_uri(vault, uri, detail);
  if (err == CHIO_OK) err = call(vault, &ask, chio_vault_mount(vault, uri), "keys", uri->key, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  struct chio_kms_key *key = calloc(1, sizeof *key);
  err = key != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) {
    key->uri = *uri;
    (void)snprintf(key->uri.mount, sizeof key->uri.mount, "%s", chio_vault_mount(vault, uri));
    err = say(vault, uri->key, chio_vault_key_read(reply, key, &reason), &reason, detail);
  }
  if (err == CHIO_OK) *out_key = *key;
  free(key);
  json_decref(reply);
  return err;
}

static enum chio_err vault_sign(void *self, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                const struct chio_mech_params *params, struct chio_slice data,
                                const struct chio_deadline *deadline, struct chio_buf *out_signature,
                                struct chio_detail *detail) {
  struct chio_vault *vault = self;
  struct chio_vault_ask ask = {
      .what = "sign with", .method = "POST", .namespace_ = chio_vault_namespace(vault, &key->uri)};
  struct chio_detail reason = {.text = ""};
  struct chio_buf body = CHIO_BUF_INIT;
  json_t *reply = NULL;
  enum chio_err err = chio_vault_check(key, mechanism, params, data.len, detail);
  if (err == CHIO_OK) err = check_uri(vault, &key->uri, detail);
  if (err == CHIO_OK) err = chio_vault_sign_body(key, mechanism, params, data, &body);
  ask.body = chio_buf_slice(&body);
  if (err == CHIO_OK)
    err = call(vault, &ask, chio_vault_mount(vault, &key->uri), "sign", key->uri.key, deadline, &reply, detail);
  if (err == CHIO_OK)
    err = say(vault, key->uri.key, chio_vault_signature_read(reply, key, out_signature, &reason), &reason, detail);
  json_decref(reply);
  chio_buf_clear(&body);
  return err;
}

static const char *type_word(const struct chio_kms_spec *spec) {
  static const struct {
    uint32_t key_type, bits;
    const char *word;
  } rows[] = {
      {CKK_EC, 256, "ecdsa-p256"},  {CKK_EC, 384, "ecdsa-p384"},        {CKK_EC, 521, "ecdsa-p521"},
      {CKK_RSA, 2048, "rsa-2048"},  {CKK_RSA, 3072, "rsa-3072"},        {CKK_RSA, 4096, "rsa-4096"},
      {CKK_EC_EDWARDS, 255, "ed25519"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (rows[i].key_type == spec->key_type && rows[i].bits == spec->bits) return rows[i].word;
  return NULL;
}

/* Vault's rule for names: letters, digits and _, between them also - and . */
static bool is_name(const char *text) {
  static const char inside[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  size_t len = strlen(text);
  if (len == 0 || len > NAME_MAX_LEN || strspn(text, inside) != len) return false;
  return strchr("-.", text[0]) == NULL && strchr("-.", text[len - 1]) == NULL;
}

static enum chio_err name_for(const struct chio_vault *vault, const struct chio_kms_spec *spec, char *out, size_t size,
                              struct chio_detail *detail) {
  if (spec->label == NULL || spec->label[0] == '\0') {
    uint8_t random[8];
    char hex[2 * sizeof random + 1];
    randombytes_buf(random, sizeof random);
    (void)snprintf(out, size, "chio-%s", sodium_bin2hex(hex, sizeof hex, random, sizeof random));
    return CHIO_OK;
  }
  if (!is_name(spec->label))
    return chio_fail(detail, CHIO_E_ARGUMENT,
                     "backend '%s': the label becomes the key's name: letters, digits and _, between them - and .",
                     vault->name);
  (void)snprintf(out, size, "%s", spec->label);
  return CHIO_OK;
}

/* Transit says yes to a name that is taken, and leaves the key as it is. Who looks first knows. */
static enum chio_err name_is_free(struct chio_vault *vault, const char *name, const struct chio_deadline *deadline,
                                  struct chio_detail *detail) {
  struct chio_vault_ask ask = {.what = "look for", .method = "GET"};
  json_t *reply = NULL;
  enum chio_err err = call(vault, &ask, vault->mount, "keys", name, deadline, &reply, detail);
  json_decref(reply);
  if (err == CHIO_E_NOT_FOUND) return CHIO_OK;
  if (err != CHIO_OK) return err;
  return chio_fail(detail, CHIO_E_EXISTS, "backend '%s': there is a key '%s' already", vault->name, name);
}

/* Newer servers warn of it: the one that was faster than we. */
static bool says_it_existed(const json_t *reply) {
  const char *warning = json_string_value(json_array_get(json_object_get(reply, "warnings"), 0));
  return warning != NULL && strstr(warning, "already exist") != NULL;
}

static enum chio_err vault_create(void *self, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                                  struct chio_key_uri *out_uri, struct chio_detail *detail) {
  struct chio_vault *vault = self;
  struct chio_vault_ask ask = {.what = "create", .method = "POST", .once = true};
  char name[NAME_MAX_LEN + 1], body[64];
  json_t *reply = NULL;
  const char *type = type_word(spec);
  if (type == NULL)
    return chio_fail(detail, spec->key_type == CKK_EC ? CHIO_E_CURVE_UNSUPPORTED : CHIO_E_KEY_SIZE,
                     "backend '%s': Transit makes no such key", vault->name);
  enum chio_err err = name_for(vault, spec, name, sizeof name, detail);
  if (err == CHIO_OK) err = name_is_free(vault, name, deadline, detail);
  if (err != CHIO_OK) return err;
  (void)snprintf(body, sizeof body, "{\"type\":\"%s\"}", type);
  ask.body = chio_slice_str(body);
  err = call(vault, &ask, vault->mount, "keys", name, deadline, &reply, detail);
  if (err == CHIO_OK && says_it_existed(reply))
    err = chio_fail(detail, CHIO_E_EXISTS, "backend '%s': there is a key '%s' already", vault->name, name);
  json_decref(reply);
  if (err != CHIO_OK) return err;
  *out_uri = (struct chio_key_uri){.kind = CHIO_KMS_VAULT, .version = "1"};
  (void)snprintf(out_uri->key, sizeof out_uri->key, "%s", name);
  (void)snprintf(out_uri->mount, sizeof out_uri->mount, "%s", vault->mount);
  return CHIO_OK;
}

static enum chio_err hand_out(const struct chio_vault *vault, const json_t *keys,
                              enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                              struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  if (!json_is_array(keys) || json_array_size(keys) > LIST_MAX)
    return chio_fail(detail, CHIO_E_BACKEND, "backend '%s': the list of keys is none, or longer than %u", vault->name,
                     LIST_MAX);
  struct chio_key_uri *uri = calloc(1, sizeof *uri);
  if (uri == NULL) return CHIO_E_NO_MEMORY;
  uri->kind = CHIO_KMS_VAULT;
  (void)snprintf(uri->mount, sizeof uri->mount, "%s", vault->mount);
  for (size_t i = 0; err == CHIO_OK && i < json_array_size(keys); i++) {
    const char *name = json_string_value(json_array_get(keys, i));
    if (name == NULL || !is_name(name)) continue; /* "folder/" and what we could not name in a URI */
    (void)snprintf(uri->key, sizeof uri->key, "%s", name);
    err = found(arg, uri);
  }
  free(uri);
  return err;
}

static enum chio_err vault_list(void *self, const struct chio_deadline *deadline,
                                enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                                struct chio_detail *detail) {
  struct chio_vault *vault = self;
  struct chio_vault_ask ask = {.what = "list the keys", .method = "LIST"};
  json_t *reply = NULL;
  enum chio_err err = call(vault, &ask, vault->mount, "keys", NULL, deadline, &reply, detail);
  if (err == CHIO_E_NOT_FOUND) { /* its word for an empty list */
    if (detail != NULL) detail->text[0] = '\0';
    return CHIO_OK;
  }
  if (err != CHIO_OK) return err;
  err = hand_out(vault, json_object_get(json_object_get(reply, "data"), "keys"), found, arg, detail);
  json_decref(reply);
  return err;
}

static enum chio_err vault_random(void *self, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                                  struct chio_detail *detail) {
  struct chio_vault *vault = self;
  struct chio_vault_ask ask = {
      .what = "make random bytes", .method = "POST", .body = chio_slice_str("{\"format\":\"base64\"}")};
  char verb[32];
  struct chio_detail reason = {.text = ""};
  json_t *reply = NULL;
  const json_t *data = NULL;
  size_t before = out->len;
  if (len < 1 || len > RANDOM_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "backend '%s': 1 to %u random bytes at a time", vault->name, RANDOM_MAX);
  (void)snprintf(verb, sizeof verb, "random/%zu", len);
  enum chio_err err = call(vault, &ask, vault->mount, verb, NULL, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_vault_data(reply, &data, &reason);
  if (err == CHIO_OK) err = chio_body_bytes(data, "random_bytes", false, len, out, &reason);
  if (err == CHIO_OK && out->len - before != len) {
    out->len = before;
    err = chio_fail(&reason, CHIO_E_BACKEND, "it made another number of bytes than asked for");
  }
  json_decref(reply);
  return say(vault, "random", err, &reason, detail);
}

/* Who may not look itself up is known to the server all the same: a bad token hears "invalid token". */
static enum chio_err vault_health(void *self, const struct chio_deadline *deadline, struct chio_detail *detail) {
  struct chio_vault *vault = self;
  struct chio_vault_ask ask = {.what = "look our token up", .method = "GET"};
  json_t *reply = NULL;
  enum chio_err err = call(vault, &ask, "auth/token", "lookup-self", NULL, deadline, &reply, detail);
  json_decref(reply);
  return err;
}

const struct chio_adapter_ops chio_vault_ops = {
    .name = "vault",
    .kind = CHIO_KMS_VAULT,
    .options = " endpoint ca_file mount namespace auth role token_file secret_file cert_file ",
    .open = vault_open,
    .close = vault_close,
    .describe = vault_describe,
    .check = chio_vault_check,
    .sign = vault_sign,
    .create = vault_create,
    .list = vault_list,
    .encrypt = chio_vault_encrypt,
    .decrypt = chio_vault_decrypt,
    .random = vault_random,
    .health = vault_health,
};
