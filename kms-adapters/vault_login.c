#include "kms-adapters/vault_login.h"

#include "kms-adapters/body.h"
#include "kms-adapters/vault_call.h"
#include "kms-adapters/vault_reply.h"
#include "signer/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KUBERNETES_TOKEN "/var/run/secrets/kubernetes.io/serviceaccount/token"

static const struct {
  const char *word;
  enum chio_vault_method method;
  bool role, token_file, secret_file, cert_file; /* must be given */
} methods[] = {
    {"token", CHIO_VAULT_TOKEN, false, false, false, false},
    {"approle", CHIO_VAULT_APPROLE, false, false, true, false},
    {"kubernetes", CHIO_VAULT_KUBERNETES, true, false, false, false},
    {"jwt", CHIO_VAULT_JWT, true, true, false, false},
    {"cert", CHIO_VAULT_CERT, false, false, true, true},
};

static enum chio_err copy(const char *from, const char *key, char *to, struct chio_detail *detail) {
  if (from == NULL) return CHIO_OK;
  size_t len = strlen(from);
  if (len >= CHIO_VAULT_TEXT_MAX) return chio_fail(detail, CHIO_E_CONFIG, "%s is too long", key);
  for (size_t i = 0; i < len; i++)
    if ((uint8_t)from[i] < ' ') return chio_fail(detail, CHIO_E_CONFIG, "%s has a control character", key);
  memcpy(to, from, len + 1);
  return CHIO_OK;
}

static enum chio_err copy_all(const struct chio_backend_options *options, struct chio_vault *vault,
                              struct chio_detail *detail) {
  enum chio_err err = copy(options->role, "role", vault->role, detail);
  if (err == CHIO_OK) err = copy(options->token_file, "token_file", vault->token_file, detail);
  if (err == CHIO_OK) err = copy(options->secret_file, "secret_file", vault->secret_file, detail);
  if (err == CHIO_OK) err = copy(options->cert_file, "cert_file", vault->cert_file, detail);
  return err;
}

enum chio_err chio_vault_login_options(const struct chio_backend_options *options, struct chio_vault *vault,
                                       struct chio_detail *detail) {
  const char *auth = options->auth != NULL ? options->auth : "token";
  size_t word_len = strcspn(auth, "/");
  const char *mount = auth[word_len] == '/' ? auth + word_len + 1 : NULL;
  size_t i = 0;
  while (i < CHIO_ARRAY_LEN(methods) &&
         (strlen(methods[i].word) != word_len || memcmp(methods[i].word, auth, word_len) != 0))
    i++;
  if (i == CHIO_ARRAY_LEN(methods))
    return chio_fail(detail, CHIO_E_CONFIG, "auth is token, approle, kubernetes, jwt or cert");
  vault->method = methods[i].method;
  enum chio_err err = copy(mount != NULL ? mount : methods[i].word, "auth", vault->auth_mount, detail);
  if (err == CHIO_OK) err = copy_all(options, vault, detail);
  if (err != CHIO_OK) return err;
  bool role = methods[i].role || (vault->method == CHIO_VAULT_APPROLE && vault->token_file[0] == '\0');
  if (role && vault->role[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "role: auth = \"%s\" needs it", methods[i].word);
  if (methods[i].token_file && vault->token_file[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "token_file: auth = \"%s\" needs it", methods[i].word);
  if (methods[i].secret_file && vault->secret_file[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "secret_file: auth = \"%s\" needs it", methods[i].word);
  if (methods[i].cert_file && vault->cert_file[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "cert_file: auth = \"%s\" needs it", methods[i].word);
  return CHIO_OK;
}

static enum chio_err no_login(const struct chio_vault *vault, const char *reason, struct chio_detail *detail) {
  return chio_fail(detail, CHIO_E_PERMISSION, "backend '%s': no login: %s", vault->name, reason);
}

/* A file that is not there is a login that cannot be had, not a key that is not there. */
static enum chio_err read_file(const struct chio_vault *vault, const char *path, struct chio_secret **out_secret,
                               struct chio_detail *detail) {
  struct chio_detail reason = {.text = ""};
  enum chio_err err = chio_secret_file(path, CHIO_VAULT_SECRET_MAX, out_secret, &reason);
  if (err == CHIO_OK || err == CHIO_E_NO_MEMORY) return err;
  return no_login(vault, reason.text, detail);
}

/* {"NAME":"value",...} of secrets, in memory that does not move and is wiped. */
struct login_body {
  struct chio_buf json;
};

static void body_clear(struct login_body *body) {
  if (body->json.data != NULL) chio_wipe(body->json.data, body->json.cap);
  chio_buf_clear(&body->json);
}

/* A byte takes six characters at most ("\u0001"). */
static enum chio_err body_new(size_t secrets_len, struct login_body *out_body) {
  out_body->json = (struct chio_buf)CHIO_BUF_INIT;
  if (chio_buf_reserve(&out_body->json, 6 * secrets_len + 128) == NULL) return CHIO_E_NO_MEMORY;
  chio_buf_append_u8(&out_body->json, '{');
  return CHIO_OK;
}

static void body_add(struct login_body *body, const char *name, struct chio_slice value) {
  if (value.len == 0) return;
  chio_buf_printf(&body->json, "%s\"%s\":", body->json.len > 1 ? "," : "", name);
  chio_json_quote(&body->json, value);
}

struct token {
  struct chio_secret *header;
  uint64_t life_ms; /* 0: without end */
  bool renewable;
};

static enum chio_err take_auth(const struct chio_vault *vault, json_t *reply, struct token *out_token,
                               struct chio_detail *detail) {
  struct chio_detail reason = {.text = ""};
  enum chio_err err =
      chio_vault_auth_read(reply, &out_token->header, &out_token->life_ms, &out_token->renewable, &reason);
  json_decref(reply);
  if (err != CHIO_OK) return chio_fail(detail, err, "backend '%s': log in: %s", vault->name, reason.text);
  return CHIO_OK;
}

static enum chio_err log_in(struct chio_vault *vault, struct login_body *body, const struct chio_deadline *deadline,
                            struct token *out_token, struct chio_detail *detail) {
  struct chio_buf prefix = CHIO_BUF_INIT, path = CHIO_BUF_INIT;
  struct chio_detail why = {.text = ""};
  json_t *reply = NULL;
  bool cert = vault->method == CHIO_VAULT_CERT;
  chio_buf_append_u8(&body->json, '}');
  chio_buf_printf(&prefix, "auth/%s", vault->auth_mount);
  enum chio_err err = chio_buf_cstr(&prefix) != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = chio_vault_path((const char *)prefix.data, "login", NULL, &path, detail);
  const struct chio_vault_ask ask = {.what = "log in",
                                     .method = "POST",
                                     .path = (const char *)path.data,
                                     .namespace_ = vault->namespace_,
                                     .body = chio_buf_slice(&body->json),
                                     .client_cert = cert ? vault->cert_file : NULL,
                                     .client_key = cert ? vault->secret_file : NULL};
  if (err == CHIO_OK) err = chio_vault_send(vault, &ask, deadline, &reply, &why, detail);
  /* To a login that it does not like a server says 400, 403 or 404. */
  if ((err == CHIO_E_BACKEND || err == CHIO_E_NOT_FOUND) && why.text[0] != '\0') err = CHIO_E_PERMISSION;
  if (err == CHIO_OK) err = take_auth(vault, reply, out_token, detail);
  chio_buf_clear(&prefix);
  chio_buf_clear(&path);
  return err;
}

static enum chio_err log_in_by_approle(struct chio_vault *vault, const struct chio_deadline *deadline,
                                       struct token *out_token, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *role = NULL, *secret = NULL;
  struct login_body body;
  enum chio_err err = vault->token_file[0] != '\0' ? read_file(vault, vault->token_file, &role, detail)
                                                   : chio_secret_copy(chio_slice_str(vault->role), &role);
  if (err == CHIO_OK) err = read_file(vault, vault->secret_file, &secret, detail);
  if (err == CHIO_OK) err = body_new(role->len + secret->len, &body);
  if (err != CHIO_OK) return err;
  body_add(&body, "role_id", chio_secret_slice(role));
  body_add(&body, "secret_id", chio_secret_slice(secret));
  err = log_in(vault, &body, deadline, out_token, detail);
  body_clear(&body);
  return err;
}

/* Kubernetes and JWT: a role and somebody else's token, which rotates. */
static enum chio_err log_in_by_jwt(struct chio_vault *vault, const struct chio_deadline *deadline,
                                   struct token *out_token, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *jwt = NULL;
  struct login_body body;
  const char *path = vault->token_file[0] != '\0' ? vault->token_file : KUBERNETES_TOKEN;
  enum chio_err err = read_file(vault, path, &jwt, detail);
  if (err == CHIO_OK) err = body_new(strlen(vault->role) + jwt->len, &body);
  if (err != CHIO_OK) return err;
  body_add(&body, "role", chio_slice_str(vault->role));
  body_add(&body, "jwt", chio_secret_slice(jwt));
  err = log_in(vault, &body, deadline, out_token, detail);
  body_clear(&body);
  return err;
}

static enum chio_err log_in_by_cert(struct chio_vault *vault, const struct chio_deadline *deadline,
                                    struct token *out_token, struct chio_detail *detail) {
  struct login_body body;
  enum chio_err err = body_new(strlen(vault->role), &body);
  if (err != CHIO_OK) return err;
  body_add(&body, "name", chio_slice_str(vault->role));
  err = log_in(vault, &body, deadline, out_token, detail);
  body_clear(&body);
  return err;
}

static enum chio_err given_token(const struct chio_vault *vault, struct chio_secret **out_token,
                                 struct chio_detail *detail) {
  char path[CHIO_VAULT_TEXT_MAX];
  if (vault->token_file[0] != '\0') return read_file(vault, vault->token_file, out_token, detail);
  const char *token = secure_getenv("VAULT_TOKEN");
  if (token == NULL || token[0] == '\0') token = secure_getenv("BAO_TOKEN");
  if (token != NULL && token[0] != '\0') return chio_secret_copy(chio_slice_str(token), out_token);
  const char *home = secure_getenv("HOME");
  int len = home != NULL ? snprintf(path, sizeof path, "%s/.vault-token", home) : -1;
  if (len < 0 || (size_t)len >= sizeof path)
    return no_login(vault, "neither token_file nor VAULT_TOKEN nor ~/.vault-token is there", detail);
  return read_file(vault, path, out_token, detail);
}

/* How long a token that we were given lives. One that may not look itself up is good all the same. */
static enum chio_err look_up(struct chio_vault *vault, const struct chio_deadline *deadline, struct token *token,
                             struct chio_detail *detail) {
  const struct chio_vault_ask ask = {.what = "look the token up",
                                     .method = "GET",
                                     .path = "auth/token/lookup-self",
                                     .namespace_ = vault->namespace_,
                                     .header = (const char *)token->header->data};
  struct chio_detail why = {.text = ""};
  json_t *reply = NULL;
  const json_t *data = NULL;
  uint64_t seconds = 0;
  enum chio_err err = chio_vault_send(vault, &ask, deadline, &reply, &why, detail);
  if (err == CHIO_E_PERMISSION && !chio_vault_token_is_bad(&why)) return CHIO_OK;
  if (err == CHIO_OK) err = chio_vault_data(reply, &data, detail);
  if (err == CHIO_OK) err = chio_body_u64(data, "ttl", &seconds, detail);
  if (err == CHIO_OK && seconds <= UINT32_MAX) {
    token->life_ms = seconds * 1000;
    token->renewable = json_is_true(json_object_get(data, "renewable"));
  }
  json_decref(reply);
  return err;
}

static enum chio_err take_given_token(struct chio_vault *vault, const struct chio_deadline *deadline,
                                      struct token *out_token, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *bare = NULL;
  struct chio_detail reason = {.text = ""};
  enum chio_err err = given_token(vault, &bare, detail);
  if (err != CHIO_OK) return err;
  err = chio_vault_header(chio_secret_slice(bare), &out_token->header, &reason);
  if (err == CHIO_E_BACKEND) return no_login(vault, reason.text, detail);
  if (err == CHIO_OK) err = look_up(vault, deadline, out_token, detail);
  if (err != CHIO_OK) chio_secret_free(out_token->header);
  return err;
}

static enum chio_err renew(struct chio_vault *vault, const struct chio_deadline *deadline, struct token *out_token,
                           struct chio_detail *detail) {
  const struct chio_vault_ask ask = {.what = "renew the token",
                                     .method = "POST",
                                     .path = "auth/token/renew-self",
                                     .namespace_ = vault->namespace_,
                                     .body = chio_slice_str("{}"),
                                     .header = (const char *)vault->renewable->data};
  json_t *reply = NULL;
  enum chio_err err = chio_vault_send(vault, &ask, deadline, &reply, NULL, detail);
  if (err == CHIO_OK) err = take_auth(vault, reply, out_token, detail);
  return err;
}

/* A token that nears its greatest age is renewed for less and less: half of what was granted at first is too little. */
static bool renewed(struct chio_vault *vault, const struct chio_deadline *deadline, struct token *out_token) {
  if (vault->renewable == NULL) return false;
  if (renew(vault, deadline, out_token, NULL) != CHIO_OK) return false;
  if (out_token->life_ms >= vault->granted_ms / 2) return true;
  chio_secret_free(out_token->header);
  return false;
}

static enum chio_err new_token(struct chio_vault *vault, const struct chio_deadline *deadline, struct token *out_token,
                               struct chio_detail *detail) {
  switch (vault->method) {
    case CHIO_VAULT_APPROLE: return log_in_by_approle(vault, deadline, out_token, detail);
    case CHIO_VAULT_KUBERNETES:
    case CHIO_VAULT_JWT: return log_in_by_jwt(vault, deadline, out_token, detail);
    case CHIO_VAULT_CERT: return log_in_by_cert(vault, deadline, out_token, detail);
    case CHIO_VAULT_TOKEN: break;
  }
  return take_given_token(vault, deadline, out_token, detail);
}

enum chio_err chio_vault_fetch_token(void *arg, const struct chio_deadline *deadline, struct chio_secret **out_secret,
                                     uint64_t *out_life_ms, struct chio_detail *detail) {
  struct chio_vault *vault = arg;
  struct token token = {.header = NULL};
  bool refused = atomic_exchange(&vault->refused, false);
  if (refused || !renewed(vault, deadline, &token)) {
    token = (struct token){.header = NULL};
    enum chio_err err = new_token(vault, deadline, &token, detail);
    if (err != CHIO_OK) return err;
    vault->granted_ms = token.life_ms;
  }
  chio_secret_free(vault->renewable);
  vault->renewable = NULL;
  if (token.renewable && token.life_ms > 0 &&
      chio_secret_copy(chio_secret_slice(token.header), &vault->renewable) != CHIO_OK)
    vault->renewable = NULL; /* then we log in instead */
  vault->fetched_ms = chio_monotonic_ms();
  *out_secret = token.header;
  *out_life_ms = token.life_ms;
  return CHIO_OK;
}
