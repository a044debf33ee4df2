#include "kms-adapters/azure.h"

#include "kms-adapters/body.h"
#include "kms-adapters/signature_form.h"
#include "signer/base/text.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEN_MAX 127u /* of a key: 1 to 127 of 0-9 a-z A-Z - */
#define RANDOM_MAX 128u   /* bytes of one call */
#define PAGES_MAX 400u    /* of 25 keys */
#define HOST_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.:"

static enum chio_err copy_option(const char *backend, const char *name, const char *from, char *to, size_t size,
                                 struct chio_detail *detail) {
  int n = snprintf(to, size, "%s", from != NULL ? from : "");
  if (n >= 0 && (size_t)n < size) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "backend %s: %s is too long", backend, name);
}

static enum chio_err read_options(const struct chio_backend_options *options, struct chio_azure *self,
                                  struct chio_detail *detail) {
  const char *name = options->name;
  enum chio_err err = copy_option(name, "its name", name, self->name, sizeof self->name, detail);
  if (err == CHIO_OK)
    err = copy_option(name, "endpoint", options->endpoint, self->endpoint, sizeof self->endpoint, detail);
  if (err == CHIO_OK) err = copy_option(name, "vault", options->vault, self->vault, sizeof self->vault, detail);
  if (err == CHIO_OK) err = copy_option(name, "ca_file", options->ca_file, self->ca_file, sizeof self->ca_file, detail);
  if (err != CHIO_OK) return err;
  if (self->vault[strspn(self->vault, HOST_LETTERS)] != '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: vault is the name of a vault, or its host", name);
  size_t len = strlen(self->endpoint);
  if (len > 0 && self->endpoint[len - 1] == '/') self->endpoint[len - 1] = '\0';
  if (len > 0 && strncmp(self->endpoint, "https://", 8) != 0 && !chio_http_is_loopback(self->endpoint))
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: endpoint is no https:// URL", name);
  const char *protection = options->protection != NULL ? options->protection : "software";
  self->hsm = strcmp(protection, "hsm") == 0;
  if (!self->hsm && strcmp(protection, "software") != 0)
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: protection is neither software nor hsm", name);
  return chio_azure_setup_read(options, &self->setup, detail);
}

static enum chio_err azure_open(const struct chio_backend_options *options, struct chio_http *http, void **out_self,
                                struct chio_detail *detail) {
  struct chio_azure *self = calloc(1, sizeof *self);
  if (self == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = read_options(options, self, detail);
  if (err != CHIO_OK) {
    free(self);
    return err;
  }
  self->http = http;
  (void)pthread_mutex_init(&self->lock, NULL);
  *out_self = self;
  return CHIO_OK;
}

static void azure_close(void *arg) {
  struct chio_azure *self = arg;
  if (self == NULL) return;
  for (size_t i = 0; i < self->host_count; i++) {
    chio_azure_credentials_free(self->hosts[i].credentials);
    chio_endpoint_clear(&self->hosts[i].endpoint);
  }
  (void)pthread_mutex_destroy(&self->lock);
  free(self);
}

/* A call on one key: "/keys/NAME[/VERSION][/verb]". */
static enum chio_err call_key(struct chio_azure *self, const char *method, const struct chio_key_uri *uri,
                              const char *verb, const json_t *body, const struct chio_deadline *deadline,
                              json_t **out_reply, struct chio_detail *detail) {
  char path[CHIO_AZURE_URL_MAX];
  char what[200];
  const char *version = strcmp(verb, "create") == 0 ? "" : uri->version;
  int n = snprintf(path, sizeof path, "/keys/%s%s%s%s%s", uri->key, version[0] != '\0' ? "/" : "", version,
                   verb[0] != '\0' ? "/" : "", verb);
  if (n < 0 || (size_t)n >= sizeof path) return chio_fail(detail, CHIO_E_TOO_LONG, "the name of the key is too long");
  (void)snprintf(what, sizeof what, "%s key %.127s", verb[0] != '\0' ? verb : "get", uri->key);
  struct chio_azure_call call = {.method = method,
                                 .host = uri->host,
                                 .path = path,
                                 .body = body,
                                 .once = strcmp(verb, "create") == 0,
                                 .what = what};
  return chio_azure_call(self, &call, deadline, out_reply, detail);
}

static enum chio_err check_enabled(const json_t *reply, const char *key, struct chio_detail *detail) {
  const json_t *enabled = json_object_get(json_object_get(reply, "attributes"), "enabled");
  if (!json_is_false(enabled)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_POLICY, "key %s is disabled", key);
}

static enum chio_err azure_describe(void *arg, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                                    struct chio_kms_key *out_key, struct chio_detail *detail) {
  json_t *reply;
  enum chio_err err = call_key(arg, "GET", uri, "", NULL, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = check_enabled(reply, uri->key, detail);
  const json_t *jwk = json_object_get(reply, "key");
  if (err == CHIO_OK && !json_is_object(jwk)) err = chio_fail(detail, CHIO_E_BACKEND, "the reply has no key");
  if (err == CHIO_OK) err = chio_azure_read_key(jwk, uri, out_key, detail);
  json_decref(reply);
  return err;
}

/* The digest that goes with a curve, and what Azure calls the pair. secp256k1 has 256 bits too: told by its SPKI. */
static const char *ec_algorithm(const struct chio_kms_key *key, size_t *out_digest_len) {
  static const uint8_t secp256k1[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a};
  *out_digest_len = key->bits == 256 ? 32 : key->bits == 384 ? 48 : 64;
  if (key->bits == 256 && memmem(key->spki, key->spki_len, secp256k1, sizeof secp256k1) != NULL) return "ES256K";
  return key->bits == 256 ? "ES256" : key->bits == 384 ? "ES384" : "ES512";
}

static enum chio_err ec_choice(const struct chio_kms_key *key, const struct chio_mechanism *mechanism, size_t data_len,
                               const char **out_alg, struct chio_detail *detail) {
  size_t len;
  const char *alg = ec_algorithm(key, &len);
  if (mechanism->digest_len != 0 && mechanism->digest_len != len)
    return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "Azure signs with %s only where the digest has %zu bytes",
                     alg, len);
  if (data_len != len)
    return chio_fail(detail, CHIO_E_DATA_LEN, "Azure's %s takes a digest of %zu bytes, not %zu", alg, len, data_len);
  *out_alg = alg;
  return CHIO_OK;
}

static enum chio_err pss_choice(const struct chio_mech_params *params, size_t data_len, const char **out_alg,
                                struct chio_detail *detail) {
  const struct chio_mechanism *hash = params != NULL ? chio_mechanism_by_wire(params->hash) : NULL;
  size_t len = hash != NULL ? hash->digest_len : 0;
  *out_alg = len == 32 ? "PS256" : len == 48 ? "PS384" : len == 64 ? "PS512" : NULL;
  if (*out_alg == NULL || params->mgf_hash != params->hash || params->salt_len != len)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM,
                     "Azure's PSS takes SHA-256, SHA-384 or SHA-512, the same for MGF1, and a salt of its length");
  if (data_len != len)
    return chio_fail(detail, CHIO_E_DATA_LEN, "%s takes a digest of %zu bytes, not %zu", *out_alg, len, data_len);
  return CHIO_OK;
}

static const char *rs_name(size_t digest_len) {
  return digest_len == 32 ? "RS256" : digest_len == 48 ? "RS384" : digest_len == 64 ? "RS512" : NULL;
}

/* Which algorithm a signature is for Azure, by mechanism, key and length alone. */
static enum chio_err choose(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                            const struct chio_mech_params *params, size_t data_len, const char **out_alg,
                            struct chio_detail *detail) {
  if (mechanism->key_type != key->key_type)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "%s does not go with this type of key", mechanism->name);
  if (!key->can_sign) return chio_fail(detail, CHIO_E_KEY_FUNCTION, "the vault does not let this key sign");
  if (key->key_type == CKK_EC) return ec_choice(key, mechanism, data_len, out_alg, detail);
  if (mechanism->params == CHIO_PARAMS_PSS) return pss_choice(params, data_len, out_alg, detail);
  if (mechanism->wire == CHIO_MECH_RSA_PKCS) {
    *out_alg = rs_name(data_len >= 19 ? data_len - 19 : 0); /* DigestInfo: 19 bytes before the digest */
    if (*out_alg != NULL) return CHIO_OK;
    return chio_fail(detail, CHIO_E_DATA_INVALID, "Azure signs DigestInfos of SHA-256, SHA-384 and SHA-512 only");
  }
  *out_alg = mechanism->params == CHIO_PARAMS_NONE ? rs_name(mechanism->digest_len) : NULL;
  if (*out_alg == NULL)
    return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "Azure has no %s", mechanism->name);
  if (data_len == mechanism->digest_len) return CHIO_OK;
  return chio_fail(detail, CHIO_E_DATA_LEN, "%s takes a digest of %u bytes, not %zu", *out_alg, mechanism->digest_len,
                   data_len);
}

static enum chio_err azure_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                 const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  const char *alg;
  return choose(key, mechanism, params, data_len, &alg, detail);
}

static enum chio_err read_signature(const json_t *reply, const struct chio_kms_key *key, struct chio_buf *out,
                                    struct chio_detail *detail) {
  struct chio_buf value = CHIO_BUF_INIT;
  char version[64];
  const char *kid;
  enum chio_err err = chio_body_text(reply, "kid", 600, &kid, detail);
  if (err == CHIO_OK) err = chio_azure_check_kid(kid, &key->uri, version, detail);
  if (err == CHIO_OK) err = chio_body_bytes(reply, "value", true, CHIO_KMS_SIGNATURE_MAX, &value, detail);
  if (err == CHIO_OK && key->key_type == CKK_EC) {
    err = chio_ecdsa_from_fixed(chio_buf_slice(&value), key->bits, out, detail);
  } else if (err == CHIO_OK && value.len != (key->bits + 7) / 8) {
    err = chio_fail(detail, CHIO_E_BACKEND, "the signature has %zu bytes, not %u", value.len, (key->bits + 7) / 8);
  } else if (err == CHIO_OK) {
    chio_buf_append_slice(out, chio_buf_slice(&value));
    err = chio_buf_err(out);
  }
  chio_buf_clear(&value);
  return err;
}

static enum chio_err sign_digest(struct chio_azure *self, const struct chio_kms_key *key, const char *alg,
                                 struct chio_slice digest, const struct chio_deadline *deadline, struct chio_buf *out,
                                 struct chio_detail *detail) {
  json_t *reply;
  json_t *body = json_pack("{s:s}", "alg", alg);
  enum chio_err err = body != NULL ? chio_body_set_bytes(body, "value", true, digest) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = call_key(self, "POST", &key->uri, "sign", body, deadline, &reply, detail);
  json_decref(body);
  if (err != CHIO_OK) return err;
  err = read_signature(reply, key, out, detail);
  json_decref(reply);
  return err;
}

static enum chio_err azure_sign(void *arg, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                const struct chio_mech_params *params, struct chio_slice data,
                                const struct chio_deadline *deadline, struct chio_buf *out_signature,
                                struct chio_detail *detail) {
  const char *alg;
  uint32_t digest;
  enum chio_err err = choose(key, mechanism, params, data.len, &alg, detail);
  if (err == CHIO_OK && mechanism->wire == CHIO_MECH_RSA_PKCS)
    err = chio_digest_info_read(data, &digest, &data, detail);
  if (err != CHIO_OK) return err;
  return sign_digest(arg, key, alg, data, deadline, out_signature, detail);
}

/* A label as a name: other characters than Azure's become '-'; without a label a random one. */
static void make_name(const char *label, char out[NAME_LEN_MAX + 1]) {
  size_t n = 0;
  for (; label != NULL && label[n] != '\0' && n < NAME_LEN_MAX; n++) {
    char c = label[n];
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    out[n] = plain ? c : '-';
  }
  out[n] = '\0';
  if (n == 0) (void)snprintf(out, NAME_LEN_MAX + 1, "chio-%08x%08x", randombytes_random(), randombytes_random());
}

static json_t *create_body(const struct chio_azure *self, const struct chio_kms_spec *spec) {
  const char *crv = spec->bits == 256 ? "P-256" : spec->bits == 384 ? "P-384" : spec->bits == 521 ? "P-521" : NULL;
  if (spec->key_type == CKK_EC && crv != NULL)
    return json_pack("{s:s, s:s, s:[s,s]}", "kty", self->hsm ? "EC-HSM" : "EC", "crv", crv, "key_ops", "sign",
                     "verify");
  bool rsa = spec->key_type == CKK_RSA && (spec->bits == 2048 || spec->bits == 3072 || spec->bits == 4096);
  if (!rsa) return NULL;
  return json_pack("{s:s, s:i, s:[s,s]}", "kty", self->hsm ? "RSA-HSM" : "RSA", "key_size", (int)spec->bits, "key_ops",
                   "sign", "verify");
}

/* A second "create" of a name makes a new version of somebody else's key: so the name must be free. */
static enum chio_err name_is_free(struct chio_azure *self, const struct chio_key_uri *uri,
                                  const struct chio_deadline *deadline, struct chio_detail *detail) {
  json_t *reply;
  enum chio_err err = call_key(self, "GET", uri, "", NULL, deadline, &reply, detail);
  if (err == CHIO_E_NOT_FOUND) return CHIO_OK;
  if (err != CHIO_OK) return err;
  json_decref(reply);
  return chio_fail(detail, CHIO_E_EXISTS, "%s: a key named %s is there already", self->name, uri->key);
}

static enum chio_err create_key(struct chio_azure *self, const json_t *body, struct chio_key_uri *uri,
                                const struct chio_deadline *deadline, struct chio_detail *detail) {
  json_t *reply;
  const char *kid;
  enum chio_err err = name_is_free(self, uri, deadline, detail);
  if (err == CHIO_OK) err = call_key(self, "POST", uri, "create", body, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_text(json_object_get(reply, "key"), "kid", 600, &kid, detail);
  if (err == CHIO_OK) err = chio_azure_check_kid(kid, uri, uri->version, detail);
  json_decref(reply);
  return err;
}

static enum chio_err azure_create(void *arg, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                                  struct chio_key_uri *out_uri, struct chio_detail *detail) {
  struct chio_azure *self = arg;
  struct chio_key_uri *uri = calloc(1, sizeof *uri);
  json_t *body = create_body(self, spec);
  enum chio_err err = CHIO_OK;
  if (uri == NULL) err = CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && self->vault[0] == '\0')
    err = chio_fail(detail, CHIO_E_CONFIG, "backend %s: vault, where new keys go, is not configured", self->name);
  if (err == CHIO_OK && body == NULL)
    err = chio_fail(detail, spec->key_type == CKK_EC_EDWARDS ? CHIO_E_KEY_TYPE : CHIO_E_KEY_SIZE,
                    "Azure makes keys on P-256, P-384, P-521 and of RSA 2048, 3072, 4096 only");
  if (err == CHIO_OK) {
    char name[NAME_LEN_MAX + 1];
    uri->kind = CHIO_KMS_AZURE;
    make_name(spec->label, name);
    memcpy(uri->key, name, sizeof name);
    memcpy(uri->host, self->vault, sizeof uri->host);
    err = create_key(self, body, uri, deadline, detail);
  }
  if (err == CHIO_OK) *out_uri = *uri;
  json_decref(body);
  free(uri);
  return err;
}

/* "https://HOST/keys/NAME" of a list. */
static enum chio_err found_key(const struct chio_azure *self, const json_t *item,
                               enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                               struct chio_detail *detail) {
  char text[600];
  const char *kid;
  enum chio_err err = chio_body_text(item, "kid", 500, &kid, detail);
  const char *name = err == CHIO_OK ? strstr(kid, "/keys/") : NULL;
  if (err == CHIO_OK && name == NULL) err = chio_fail(detail, CHIO_E_BACKEND, "a key in the list has no name");
  if (err != CHIO_OK) return err;
  struct chio_key_uri *uri = malloc(sizeof *uri);
  if (uri == NULL) return CHIO_E_NO_MEMORY;
  (void)snprintf(text, sizeof text, "azurekms://%s/%s", self->vault, name + 6);
  err = chio_key_uri_parse(text, uri, detail);
  if (err == CHIO_OK) err = found(arg, uri);
  free(uri);
  return err;
}

/* The next page is an absolute URL: its path and query, when it is on the same vault. */
static enum chio_err next_page(const struct chio_azure *self, const json_t *reply, char path[CHIO_AZURE_URL_MAX],
                               struct chio_detail *detail) {
  const char *link;
  char host[256];
  char expected[300];
  enum chio_err err = chio_body_text_if(reply, "nextLink", &link, detail);
  if (err == CHIO_OK) err = chio_azure_host_name(self->vault, host, detail);
  path[0] = '\0';
  if (err != CHIO_OK || link == NULL || link[0] == '\0') return err;
  int len = snprintf(expected, sizeof expected, "https://%s", host);
  if (strncmp(link, expected, (size_t)len) != 0 || strncmp(link + len, "/keys?", 6) != 0 ||
      strlen(link + len) >= CHIO_AZURE_URL_MAX)
    return chio_fail(detail, CHIO_E_BACKEND, "the next page of the list is not on %s: %.100s", host, link);
  (void)snprintf(path, CHIO_AZURE_URL_MAX, "%s", link + len);
  return CHIO_OK;
}

static enum chio_err list_page(struct chio_azure *self, char path[CHIO_AZURE_URL_MAX],
                               const struct chio_deadline *deadline,
                               enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                               struct chio_detail *detail) {
  json_t *reply;
  size_t i;
  json_t *item;
  struct chio_azure_call call = {
      .method = "GET", .host = self->vault, .path = path, .has_query = true, .what = "list keys"};
  enum chio_err err = chio_azure_call(self, &call, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  const json_t *items = json_object_get(reply, "value");
  if (!json_is_array(items)) err = chio_fail(detail, CHIO_E_BACKEND, "the reply has no list");
  json_array_foreach(items, i, item) {
    if (err == CHIO_OK) err = found_key(self, item, found, arg, detail);
  }
  if (err == CHIO_OK) err = next_page(self, reply, path, detail);
  json_decref(reply);
  return err;
}

static enum chio_err azure_list(void *arg, const struct chio_deadline *deadline,
                                enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *found_arg,
                                struct chio_detail *detail) {
  struct chio_azure *self = arg;
  char path[CHIO_AZURE_URL_MAX] = "/keys?api-version=" CHIO_AZURE_API_VERSION "&maxresults=25";
  if (self->vault[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: vault, whose keys to list, is not configured", self->name);
  enum chio_err err = CHIO_OK;
  for (unsigned page = 0; err == CHIO_OK && path[0] != '\0'; page++) {
    if (page == PAGES_MAX) return chio_fail(detail, CHIO_E_BACKEND, "the list has no end");
    err = list_page(self, path, deadline, found, found_arg, detail);
  }
  return err;
}

static const char *cipher_name(enum chio_kms_cipher_kind kind) {
  return kind == CHIO_KMS_OAEP_SHA1 ? "RSA-OAEP" : kind == CHIO_KMS_OAEP_SHA256 ? "RSA-OAEP-256" : NULL;
}

static enum chio_err crypt_call(struct chio_azure *self, const struct chio_key_uri *uri, const char *verb,
                                const struct chio_kms_cipher *cipher, struct chio_slice data,
                                const struct chio_deadline *deadline, json_t **out_reply, struct chio_detail *detail) {
  const char *alg = cipher_name(cipher->kind);
  if (alg == NULL || cipher->aad.len > 0)
    return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "Azure encrypts by RSA-OAEP and RSA-OAEP-256 only");
  json_t *body = json_pack("{s:s}", "alg", alg);
  enum chio_err err = body != NULL ? chio_body_set_bytes(body, "value", true, data) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = call_key(self, "POST", uri, verb, body, deadline, out_reply, detail);
  json_decref(body);
  return err;
}

static enum chio_err azure_encrypt(void *arg, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                                   struct chio_slice plain, const struct chio_deadline *deadline, struct chio_buf *out,
                                   struct chio_detail *detail) {
  json_t *reply;
  enum chio_err err = crypt_call(arg, uri, "encrypt", cipher, plain, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_bytes(reply, "value", true, CHIO_KMS_SIGNATURE_MAX, out, detail);
  json_decref(reply);
  return err;
}

/* Secure key release: the vault judges the token and wraps the key for the one named in it. The answer is a JWS, which
 * whoever asked opens; what we were given to decrypt plays no part. */
static enum chio_err release(struct chio_azure *self, const struct chio_key_uri *uri,
                             const struct chio_kms_cipher *cipher, const struct chio_deadline *deadline,
                             struct chio_secret **out_wrapped, struct chio_detail *detail) {
  json_t *reply;
  const char *jws;
  json_t *body = json_pack("{s:s%, s:s}", "target", (const char *)cipher->evidence.data, cipher->evidence.len, "enc",
                           "RSA_AES_KEY_WRAP_256");
  if (body != NULL && cipher->aad.len > 0 &&
      json_object_set_new(body, "nonce", json_stringn((const char *)cipher->aad.data, cipher->aad.len)) != 0) {
    json_decref(body);
    body = NULL;
  }
  if (body == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "the evidence is no token, or the nonce no text");
  enum chio_err err = call_key(self, "POST", uri, "release", body, deadline, &reply, detail);
  json_decref(body);
  if (err != CHIO_OK) return err;
  err = chio_body_text(reply, "value", CHIO_HTTP_BODY_MAX, &jws, detail);
  if (err == CHIO_OK) err = chio_secret_copy(chio_slice_str(jws), out_wrapped);
  json_decref(reply);
  return err;
}

static enum chio_err azure_decrypt(void *arg, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                                   struct chio_slice sealed, const struct chio_deadline *deadline,
                                   struct chio_secret **out_plain, struct chio_detail *detail) {
  json_t *reply;
  if (cipher->evidence.len > 0) return release(arg, uri, cipher, deadline, out_plain, detail);
  enum chio_err err = crypt_call(arg, uri, "decrypt", cipher, sealed, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_secret(reply, "value", true, CHIO_KMS_SIGNATURE_MAX, out_plain, detail);
  json_decref(reply);
  return err;
}

static enum chio_err azure_random(void *arg, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                                  struct chio_detail *detail) {
  struct chio_azure *self = arg;
  size_t before = out->len;
  while (out->len - before < len) {
    size_t want = len - (out->len - before) < RANDOM_MAX ? len - (out->len - before) : RANDOM_MAX;
    size_t had = out->len;
    json_t *reply;
    json_t *body = json_pack("{s:i}", "count", (int)want);
    struct chio_azure_call call = {
        .method = "POST", .host = self->vault, .path = "/rng", .body = body, .what = "make random bytes"};
    enum chio_err err = body != NULL ? chio_azure_call(self, &call, deadline, &reply, detail) : CHIO_E_NO_MEMORY;
    json_decref(body);
    if (err != CHIO_OK) return err;
    err = chio_body_bytes(reply, "value", true, want, out, detail);
    json_decref(reply);
    if (err == CHIO_OK && out->len - had != want)
      err = chio_fail(detail, CHIO_E_BACKEND, "asked for %zu random bytes, got %zu", want, out->len - had);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err azure_health(void *arg, const struct chio_deadline *deadline, struct chio_detail *detail) {
  struct chio_azure *self = arg;
  json_t *reply;
  const char *host = self->vault[0] != '\0' ? self->vault : self->host_count > 0 ? self->hosts[0].base + 8 : NULL;
  if (host == NULL) return CHIO_OK; /* nothing was asked of it yet, and we know no vault to ask */
  struct chio_azure_call call = {.method = "GET",
                                 .host = host,
                                 .path = "/keys?api-version=" CHIO_AZURE_API_VERSION "&maxresults=1",
                                 .has_query = true,
                                 .what = "list one key"};
  enum chio_err err = chio_azure_call(self, &call, deadline, &reply, detail);
  if (err == CHIO_OK) json_decref(reply);
  return err;
}

const struct chio_adapter_ops chio_azure_ops = {
    .name = "azure",
    .kind = CHIO_KMS_AZURE,
    .options = " endpoint ca_file vault protection auth role tenant auth_endpoint token_file secret_file ",
    .open = azure_open,
    .close = azure_close,
    .describe = azure_describe,
    .check = azure_check,
    .sign = azure_sign,
    .create = azure_create,
    .list = azure_list,
    .encrypt = azure_encrypt,
    .decrypt = azure_decrypt,
    .random = azure_random,
    .attestation = chio_azure_attestation,
    .health = azure_health,
};
