#include "signer/core/release.h"

#include "signer/base/text.h"
#include "signer/core/jws_x5c.h"
#include "signer/core/release_key.h"

#include <stdio.h>

/* ---- Names ---- */

/* The part before the mark, or all; rest is what follows the mark. */
static struct chio_slice take_until(struct chio_slice *rest, char mark) {
  const uint8_t *at = rest->len > 0 ? memchr(rest->data, mark, rest->len) : NULL;
  struct chio_slice part = *rest;
  if (at == NULL) {
    *rest = chio_slice(NULL, 0);
    return part;
  }
  part.len = (size_t)(at - rest->data);
  *rest = chio_slice(at + 1, rest->len - part.len - 1);
  return part;
}

static bool take_prefix(struct chio_slice *rest, const char *prefix) {
  size_t len = strlen(prefix);
  if (rest->len < len || memcmp(rest->data, prefix, len) != 0) return false;
  *rest = chio_slice(rest->data + len, rest->len - len);
  return true;
}

/* Of names' characters, so that no other part of a URL hides in one. */
static bool copy_part(struct chio_slice from, const char *also, char *to, size_t size) {
  if (from.len >= size) return false;
  for (size_t i = 0; i < from.len; i++) {
    uint8_t c = from.data[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!plain && (c == '\0' || strchr(also, c) == NULL)) return false;
    to[i] = (char)c;
  }
  to[from.len] = '\0';
  return true;
}

/* HOST, NAME and VERSION of a key: HOST '/' [also "keys/"] NAME ['/' VERSION]. */
static bool read_key(struct chio_slice rest, bool is_kid, struct chio_release_key *out) {
  struct chio_slice host = take_until(&rest, '/');
  if (is_kid && !take_prefix(&rest, "keys/")) return false;
  struct chio_slice name = take_until(&rest, '/');
  return host.len > 0 && name.len > 0 && copy_part(host, ".:", out->host, sizeof out->host) &&
         copy_part(name, "", out->name, sizeof out->name) && copy_part(rest, "", out->version, sizeof out->version);
}

enum chio_err chio_release_key_parse(const char *uri, struct chio_release_key *out_key, struct chio_detail *detail) {
  static const char public_cloud[] = ".vault.azure.net";
  struct chio_slice rest = chio_slice_str(uri);
  struct chio_release_key key;
  bool good = take_prefix(&rest, "azurekms://") && read_key(rest, false, &key);
  size_t len = good ? strlen(key.host) : 0;
  if (good && strpbrk(key.host, ".:") == NULL) {
    good = len + sizeof public_cloud <= sizeof key.host;
    if (good) memcpy(key.host + len, public_cloud, sizeof public_cloud);
  }
  if (!good)
    return chio_fail(detail, CHIO_E_CONFIG, "a key to be released is azurekms://VAULT/KEY or "
                                            "azurekms://VAULT/KEY/VERSION, not '%.200s'", uri);
  *out_key = key;
  return CHIO_OK;
}

/* ---- What was signed ---- */

static enum chio_err wrong(struct chio_detail *detail, const char *what) {
  return chio_fail(detail, CHIO_E_BACKEND, "what the vault released %s", what);
}

static const struct chio_json *member(const struct chio_jws *jws, const struct chio_json *object, const char *name) {
  return chio_json_get(jws->payload_json, object, name);
}

/* A vault's certificate may be good for all vaults of its domain: the key's full name tells them apart. */
static enum chio_err check_key(const struct chio_release_terms *terms, const struct chio_json *kid,
                               struct chio_release_key *out_key, struct chio_detail *detail) {
  struct chio_slice text = {NULL, 0};
  const struct chio_release_key *asked = terms->key;
  bool read = chio_json_string(kid, &text) == CHIO_OK;
  bool named = read && take_prefix(&text, "https://") && read_key(text, true, out_key) && out_key->version[0] != '\0' &&
               strcmp(out_key->host, asked->host) == 0 && strcmp(out_key->name, asked->name) == 0;
  if (named && (asked->version[0] == '\0' || strcmp(out_key->version, asked->version) == 0)) return CHIO_OK;
  return wrong(detail, "is another key than the one asked for");
}

/* The key of one use makes each answer new; where the vault repeats the nonce, it must be ours. */
static enum chio_err check_nonce(const struct chio_release_terms *terms, const struct chio_json *nonce,
                                 struct chio_detail *detail) {
  struct chio_slice text;
  if (nonce == NULL || nonce->type == CHIO_JSON_NULL) return CHIO_OK;
  if (chio_json_string(nonce, &text) == CHIO_OK && chio_slice_equal(text, terms->nonce)) return CHIO_OK;
  return wrong(detail, "answers another nonce");
}

static const struct wrapping {
  const char *name, *hash;
} wrappings[] = {{"CKM_RSA_AES_KEY_WRAP", "SHA1"},
                 {"RSA_AES_KEY_WRAP_256", "SHA256"},
                 {"RSA_AES_KEY_WRAP_384", "SHA384"}};

/* The request's repetition and the wrapped key's own header name the same algorithm, or one of them does. */
static enum chio_err find_wrapping(const struct chio_json *asked, const struct chio_json *used,
                                   const struct wrapping **out_wrapping, struct chio_detail *detail) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(wrappings); i++) {
    const char *name = wrappings[i].name;
    bool by_request = chio_json_is(asked, name);
    bool by_header = chio_json_is(used, name);
    if (!by_request && !by_header) continue;
    if ((asked != NULL && !by_request) || (used != NULL && !by_header)) break;
    *out_wrapping = &wrappings[i];
    return CHIO_OK;
  }
  return wrong(detail, "is not wrapped by RSA_AES_KEY_WRAP");
}

static enum chio_err decode(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  return err == CHIO_OK ? chio_base64_decode(text, true, out) : err;
}

/* The contents of key_hsm. */
struct wrapped {
  struct chio_buf json, ciphertext;
  struct chio_json_doc *doc;
};

static void wrapped_clear(struct wrapped *w) {
  chio_json_free(w->doc);
  chio_buf_clear(&w->json);
  chio_buf_clear(&w->ciphertext);
}

static enum chio_err read_wrapped(const struct chio_json *key_hsm, struct wrapped *w, struct chio_detail *detail) {
  struct chio_slice schema;
  enum chio_err err = decode(key_hsm, &w->json);
  if (err == CHIO_OK) err = chio_json_parse(chio_buf_slice(&w->json), &w->doc);
  const struct chio_json *root = err == CHIO_OK ? chio_json_root(w->doc) : NULL;
  if (err == CHIO_OK) err = chio_json_string(chio_json_get(w->doc, root, "schema_version"), &schema);
  if (err == CHIO_OK && !take_prefix(&schema, "1.")) err = CHIO_E_VERSION;
  if (err == CHIO_OK) err = decode(chio_json_get(w->doc, root, "ciphertext"), &w->ciphertext);
  return err == CHIO_OK || err == CHIO_E_NO_MEMORY ? err : wrong(detail, "holds no wrapped key (key_hsm)");
}

static enum chio_err unwrap(const struct chio_recipient *recipient, const struct chio_jws *jws,
                            const struct chio_json *key, struct chio_secret **out_material,
                            struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  struct wrapped w = {.json = CHIO_BUF_INIT};
  const struct wrapping *wrapping = NULL;
  struct chio_slice type = {NULL, 0};
  enum chio_err err = read_wrapped(member(jws, key, "key_hsm"), &w, detail);
  if (err == CHIO_OK)
    err = find_wrapping(member(jws, chio_jws_claim(jws, "request"), "enc"),
                        chio_json_get(w.doc, chio_json_get(w.doc, chio_json_root(w.doc), "header"), "enc"), &wrapping,
                        detail);
  if (err == CHIO_OK && chio_json_string(member(jws, key, "kty"), &type) != CHIO_OK)
    err = wrong(detail, "does not say its type");
  if (err == CHIO_OK)
    err = chio_recipient_unwrap(recipient, wrapping->hash, chio_buf_slice(&w.ciphertext), &plain, detail);
  if (err == CHIO_OK) err = chio_release_material(type, plain, out_material, detail);
  wrapped_clear(&w);
  return err;
}

enum chio_err chio_release_read(const struct chio_release_terms *terms, const struct chio_recipient *recipient,
                                const struct chio_jws *jws, struct chio_secret **out_material,
                                char out_version[CHIO_RELEASE_VERSION_MAX + 1], struct chio_detail *detail) {
  struct chio_release_key released;
  const struct chio_json *bundle = member(jws, chio_jws_claim(jws, "response"), "key");
  const struct chio_json *key = member(jws, bundle, "key");
  enum chio_err err = check_key(terms, member(jws, key, "kid"), &released, detail);
  if (err == CHIO_OK) err = check_nonce(terms, member(jws, chio_jws_claim(jws, "request"), "nonce"), detail);
  if (err == CHIO_OK) err = unwrap(recipient, jws, key, out_material, detail);
  if (err == CHIO_OK) memcpy(out_version, released.version, sizeof released.version);
  return err;
}

enum chio_err chio_release_open(const struct chio_release_terms *terms, const struct chio_recipient *recipient,
                                struct chio_slice text, struct chio_secret **out_material,
                                char out_version[CHIO_RELEASE_VERSION_MAX + 1], struct chio_detail *detail) {
  struct chio_jws jws = {.header = CHIO_BUF_INIT};
  enum chio_err err = text.len <= CHIO_RELEASE_JWS_MAX ? chio_jws_parse(text, &jws) : CHIO_E_TOO_LONG;
  if (err != CHIO_OK && err != CHIO_E_NO_MEMORY) err = wrong(detail, "is no JWS");
  if (err == CHIO_OK) err = chio_jws_x5c_verify(&jws, terms->key->host, terms->roots, terms->now, detail);
  if (err == CHIO_OK) err = chio_release_read(terms, recipient, &jws, out_material, out_version, detail);
  chio_jws_clear(&jws);
  return err;
}
