#include "kms-adapters/azure_credentials.h"

#include "kms-adapters/body.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUTHORITY "https://login.microsoftonline.com"
#define IMDS "http://169.254.169.254/metadata/identity/oauth2/token"
#define FORM_MAX (3u * CHIO_AZURE_TOKEN_MAX + 4096u)
#define URL_MAX 2048u

struct chio_azure_credentials {
  const struct chio_azure_setup *setup;
  struct chio_http *http;
  struct chio_lease *lease;
  char base[320], resource[320];
};

/* The option, else the environment's word; false when it does not fit. */
static bool choose(char *to, size_t size, const char *option, const char *variable) {
  const char *value = option != NULL ? option : variable != NULL ? getenv(variable) : NULL;
  int n = snprintf(to, size, "%s", value != NULL ? value : "");
  return n >= 0 && (size_t)n < size;
}

static bool in_environment(const char *variable) {
  const char *value = getenv(variable);
  return value != NULL && value[0] != '\0';
}

static void cut_slash(char *url) {
  size_t len = strlen(url);
  while (len > 0 && url[len - 1] == '/') url[--len] = '\0';
}

static enum chio_err read_way(const struct chio_backend_options *options, struct chio_azure_setup *setup,
                              struct chio_detail *detail) {
  static const struct {
    const char *word;
    enum chio_azure_way way;
  } words[] = {{"secret", CHIO_AZURE_SECRET}, {"federated", CHIO_AZURE_FEDERATED}, {"managed", CHIO_AZURE_MANAGED}};
  bool secret = setup->secret_file[0] != '\0' || in_environment("AZURE_CLIENT_SECRET");
  if (options->auth == NULL) {
    setup->way = setup->client_id[0] != '\0' && secret                       ? CHIO_AZURE_SECRET
                 : setup->client_id[0] != '\0' && setup->token_file[0] != '\0' ? CHIO_AZURE_FEDERATED
                                                                             : CHIO_AZURE_MANAGED;
    return CHIO_OK;
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(words); i++) {
    if (strcmp(words[i].word, options->auth) != 0) continue;
    setup->way = words[i].way;
    return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_CONFIG, "backend %s: auth is none of secret, federated, managed", options->name);
}

static enum chio_err read_managed(const struct chio_backend_options *options, struct chio_azure_setup *setup,
                                  struct chio_detail *detail) {
  if (options->auth_endpoint == NULL && in_environment("IDENTITY_ENDPOINT") && in_environment("IDENTITY_HEADER"))
    (void)snprintf(setup->identity_header_env, sizeof setup->identity_header_env, "IDENTITY_HEADER");
  const char *variable = setup->identity_header_env[0] != '\0' ? "IDENTITY_ENDPOINT" : NULL;
  if (!choose(setup->metadata, sizeof setup->metadata, options->auth_endpoint, variable))
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: the URL of the metadata service is too long", options->name);
  if (setup->metadata[0] == '\0') (void)snprintf(setup->metadata, sizeof setup->metadata, "%s", IMDS);
  return CHIO_OK;
}

static enum chio_err read_entra(const struct chio_backend_options *options, struct chio_azure_setup *setup,
                                struct chio_detail *detail) {
  bool fits = choose(setup->authority, sizeof setup->authority, options->auth_endpoint, "AZURE_AUTHORITY_HOST");
  if (setup->authority[0] == '\0') (void)snprintf(setup->authority, sizeof setup->authority, "%s", AUTHORITY);
  cut_slash(setup->authority);
  if (!fits || (strncmp(setup->authority, "https://", 8) != 0 && !chio_http_is_loopback(setup->authority)))
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: auth_endpoint is no https:// URL", options->name);
  if (setup->client_id[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: role (the client id) is missing", options->name);
  if (setup->way == CHIO_AZURE_FEDERATED && setup->token_file[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: token_file is missing", options->name);
  if (setup->way == CHIO_AZURE_SECRET && setup->secret_file[0] == '\0' && !in_environment("AZURE_CLIENT_SECRET"))
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: secret_file is missing", options->name);
  return CHIO_OK;
}

enum chio_err chio_azure_setup_read(const struct chio_backend_options *options, struct chio_azure_setup *out_setup,
                                    struct chio_detail *detail) {
  struct chio_azure_setup setup;
  memset(&setup, 0, sizeof setup);
  bool fits = choose(setup.tenant, sizeof setup.tenant, options->tenant, "AZURE_TENANT_ID") &&
              choose(setup.client_id, sizeof setup.client_id, options->role, "AZURE_CLIENT_ID") &&
              choose(setup.secret_file, sizeof setup.secret_file, options->secret_file, NULL) &&
              choose(setup.token_file, sizeof setup.token_file, options->token_file, "AZURE_FEDERATED_TOKEN_FILE") &&
              choose(setup.ca_file, sizeof setup.ca_file, options->ca_file, NULL);
  if (!fits)
    return chio_fail(detail, CHIO_E_CONFIG, "backend %s: tenant, role or a file's path is too long", options->name);
  enum chio_err err = read_way(options, &setup, detail);
  if (err == CHIO_OK)
    err = setup.way == CHIO_AZURE_MANAGED ? read_managed(options, &setup, detail) : read_entra(options, &setup, detail);
  if (err == CHIO_OK) *out_setup = setup;
  return err;
}

/* The value of NAME="VALUE" in a challenge. */
static bool parameter(const char *header, const char *name, char *out, size_t size) {
  size_t len = strlen(name);
  for (const char *at = header; (at = strstr(at, name)) != NULL; at += len) {
    bool begins = at > header && (at[-1] == ' ' || at[-1] == ',');
    if (!begins || at[len] != '=' || at[len + 1] != '"') continue;
    const char *value = at + len + 2;
    const char *end = strchr(value, '"');
    if (end == NULL || (size_t)(end - value) >= size) return false;
    memcpy(out, value, (size_t)(end - value));
    out[end - value] = '\0';
    return true;
  }
  return false;
}

static bool is_tenant(const char *text) {
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++)
    if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '.') return false;
  return len > 0 && len < 128 && text[0] != '.';
}

enum chio_err chio_azure_challenge_read(struct chio_slice header, const char *authority, const char *resource,
                                        char out_tenant[128], struct chio_detail *detail) {
  char text[1024];
  char uri[512];
  char wanted[512];
  if (header.len < 7 || header.len >= sizeof text || memchr(header.data, 0, header.len) != NULL)
    return chio_fail(detail, CHIO_E_BACKEND, "the vault's challenge is missing or too long");
  memcpy(text, header.data, header.len);
  text[header.len] = '\0';
  bool found = strncasecmp(text, "Bearer ", 7) == 0 && (parameter(text, "authorization", uri, sizeof uri) ||
                                                        parameter(text, "authorization_uri", uri, sizeof uri));
  bool scope = found && !parameter(text, "resource", wanted, sizeof wanted);
  if (scope) found = parameter(text, "scope", wanted, sizeof wanted);
  if (!found) return chio_fail(detail, CHIO_E_BACKEND, "the vault's challenge names no authority and resource");
  char *suffix = scope ? strstr(wanted, "/.default") : NULL;
  if (suffix != NULL) *suffix = '\0';
  cut_slash(wanted);
  if (strcmp(wanted, resource) != 0)
    return chio_fail(detail, CHIO_E_PERMISSION, "the vault asks for a token for %.100s, not %.100s", wanted, resource);
  size_t len = strlen(authority);
  cut_slash(uri);
  if (strncmp(uri, authority, len) != 0 || uri[len] != '/')
    return chio_fail(detail, CHIO_E_PERMISSION, "the vault sends us to %.100s, not to %.100s", uri, authority);
  if (!is_tenant(uri + len + 1)) return chio_fail(detail, CHIO_E_BACKEND, "the vault's challenge names no tenant");
  memcpy(out_tenant, uri + len + 1, strlen(uri + len + 1) + 1);
  return CHIO_OK;
}

static enum chio_err ask_tenant(const struct chio_azure_credentials *c, const struct chio_deadline *deadline,
                                char out_tenant[128], struct chio_detail *detail) {
  char url[URL_MAX];
  struct chio_http_reply reply;
  (void)snprintf(url, sizeof url, "%s/keys?api-version=7.4&maxresults=1", c->base);
  struct chio_http_request request = {.method = "GET",
                                      .url = url,
                                      .timeout_ms = chio_deadline_left_ms(deadline),
                                      .ca_file = c->setup->ca_file[0] != '\0' ? c->setup->ca_file : NULL,
                                      .allow_http = chio_http_is_loopback(url)};
  enum chio_err err = chio_http_call(c->http, &request, &reply, detail);
  if (err != CHIO_OK) return err;
  struct chio_slice header = chio_http_reply_header(&reply, "www-authenticate");
  if (reply.status != 401)
    err = chio_fail(detail, CHIO_E_BACKEND, "%s answers %ld without credentials, not 401", c->base, reply.status);
  else
    err = chio_azure_challenge_read(header, c->setup->authority, c->resource, out_tenant, detail);
  chio_http_reply_clear(&reply);
  return err;
}

/* Percent-encodes all but what RFC 3986 leaves unreserved. */
static void append_encoded(struct chio_secret *form, size_t *len, struct chio_slice value) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < value.len && *len + 3 < form->len; i++) {
    uint8_t c = value.data[i];
    bool plain = isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      form->data[(*len)++] = c;
      continue;
    }
    form->data[(*len)++] = '%';
    form->data[(*len)++] = (uint8_t)digits[c >> 4];
    form->data[(*len)++] = (uint8_t)digits[c & 15];
  }
}

static void append_field(struct chio_secret *form, size_t *len, const char *name, struct chio_slice value) {
  size_t name_len = strlen(name);
  if (*len + name_len + 2 >= form->len) return;
  if (*len > 0) form->data[(*len)++] = '&';
  memcpy(form->data + *len, name, name_len);
  *len += name_len;
  form->data[(*len)++] = '=';
  append_encoded(form, len, value);
}

static enum chio_err read_proof(const struct chio_azure_setup *setup, struct chio_secret **out_proof,
                                struct chio_detail *detail) {
  const char *value = getenv("AZURE_CLIENT_SECRET");
  if (setup->way == CHIO_AZURE_FEDERATED)
    return chio_secret_file(setup->token_file, CHIO_AZURE_TOKEN_MAX, out_proof, detail);
  if (setup->secret_file[0] != '\0')
    return chio_secret_file(setup->secret_file, CHIO_AZURE_TOKEN_MAX, out_proof, detail);
  if (value == NULL) return chio_fail(detail, CHIO_E_PERMISSION, "AZURE_CLIENT_SECRET is no longer set");
  return chio_secret_copy(chio_slice_str(value), out_proof);
}

static enum chio_err make_form(const struct chio_azure_credentials *c, struct chio_secret **out_form, size_t *out_len,
                               struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *proof = NULL;
  struct chio_secret *form = NULL;
  char scope[400];
  size_t len = 0;
  bool federated = c->setup->way == CHIO_AZURE_FEDERATED;
  enum chio_err err = read_proof(c->setup, &proof, detail);
  if (err == CHIO_OK) err = chio_secret_new(FORM_MAX, &form);
  if (err != CHIO_OK) return err;
  (void)snprintf(scope, sizeof scope, "%s/.default", c->resource);
  append_field(form, &len, "grant_type", chio_slice_str("client_credentials"));
  append_field(form, &len, "client_id", chio_slice_str(c->setup->client_id));
  append_field(form, &len, "scope", chio_slice_str(scope));
  if (federated)
    append_field(form, &len, "client_assertion_type",
                 chio_slice_str("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
  append_field(form, &len, federated ? "client_assertion" : "client_secret", chio_secret_slice(proof));
  *out_form = form;
  *out_len = len;
  return CHIO_OK;
}

/* "Authorization: Bearer TOKEN" with its NUL. */
static enum chio_err make_line(const json_t *reply, struct chio_secret **out_line, struct chio_detail *detail) {
  static const char prefix[] = "Authorization: Bearer ";
  const char *token;
  struct chio_secret *line;
  enum chio_err err = chio_body_text(reply, "access_token", CHIO_AZURE_TOKEN_MAX, &token, detail);
  if (err != CHIO_OK) return err;
  size_t len = strlen(token);
  if (strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") != len)
    return chio_fail(detail, CHIO_E_BACKEND, "access_token in the reply is no bearer token");
  if ((err = chio_secret_new(sizeof prefix + len, &line)) != CHIO_OK) return err;
  memcpy(line->data, prefix, sizeof prefix - 1);
  memcpy(line->data + sizeof prefix - 1, token, len);
  *out_line = line;
  return CHIO_OK;
}

static void wipe_member(json_t *object, const char *member) {
  /* the string is jansson's own memory, freed unwiped otherwise */
  char *text = (char *)(uintptr_t)json_string_value(json_object_get(object, member));
  if (text != NULL) chio_wipe(text, strlen(text));
}

static enum chio_err read_token(struct chio_slice body, struct chio_secret **out_line, uint64_t *out_life_ms,
                                struct chio_detail *detail) {
  json_t *reply;
  uint64_t seconds = 0;
  enum chio_err err = chio_body_parse(body, "the reply of the token service", &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_u64(reply, "expires_in", &seconds, detail);
  if (err == CHIO_OK && (seconds == 0 || seconds > 31u * 86400u))
    err = chio_fail(detail, CHIO_E_BACKEND, "the token's life is no sensible number of seconds");
  if (err == CHIO_OK) err = make_line(reply, out_line, detail);
  if (err == CHIO_OK) *out_life_ms = seconds * 1000;
  wipe_member(reply, "access_token");
  json_decref(reply);
  return err;
}

/* What the token service refuses with: {"error":"invalid_client","error_description":...}. */
static enum chio_err refused(const struct chio_http_reply *reply, const char *who, struct chio_detail *detail) {
  json_t *body = NULL;
  const char *code = NULL;
  if (chio_body_parse(chio_buf_slice(&reply->body), who, &body, NULL) == CHIO_OK &&
      chio_body_text_if(body, "error", &code, NULL) != CHIO_OK)
    code = NULL;
  enum chio_err err = reply->status == 429 || reply->status >= 500 ? CHIO_E_BACKEND_UNREACHABLE : CHIO_E_PERMISSION;
  err = chio_fail(detail, err, "no token from %s: HTTP %ld%s%.100s", who, reply->status, code != NULL ? ", " : "",
                  code != NULL ? code : "");
  json_decref(body);
  return err;
}

static enum chio_err exchange(const struct chio_azure_credentials *c, const struct chio_http_request *request,
                              const char *who, struct chio_secret **out_line, uint64_t *out_life_ms,
                              struct chio_detail *detail) {
  struct chio_http_reply reply;
  enum chio_err err = chio_http_call(c->http, request, &reply, detail);
  if (err != CHIO_OK) return err;
  err = reply.status == 200 ? read_token(chio_buf_slice(&reply.body), out_line, out_life_ms, detail)
                            : refused(&reply, who, detail);
  chio_http_reply_clear(&reply);
  return err;
}

static enum chio_err fetch_entra(const struct chio_azure_credentials *c, const struct chio_deadline *deadline,
                                 struct chio_secret **out_line, uint64_t *out_life_ms, struct chio_detail *detail) {
  static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"};
  char tenant[128];
  char url[URL_MAX];
  struct chio_secret *form;
  size_t len;
  (void)snprintf(tenant, sizeof tenant, "%s", c->setup->tenant);
  enum chio_err err = tenant[0] != '\0' ? CHIO_OK : ask_tenant(c, deadline, tenant, detail);
  if (err == CHIO_OK) err = make_form(c, &form, &len, detail);
  if (err != CHIO_OK) return err;
  (void)snprintf(url, sizeof url, "%s/%s/oauth2/v2.0/token", c->setup->authority, tenant);
  struct chio_http_request request = {.method = "POST",
                                      .url = url,
                                      .headers = headers,
                                      .header_count = CHIO_ARRAY_LEN(headers),
                                      .body = chio_slice(form->data, len),
                                      .timeout_ms = chio_deadline_left_ms(deadline),
                                      .ca_file = c->setup->ca_file[0] != '\0' ? c->setup->ca_file : NULL,
                                      .allow_http = chio_http_is_loopback(url)};
  err = exchange(c, &request, "the token service", out_line, out_life_ms, detail);
  chio_secret_free(form);
  return err;
}

static void metadata_url(const struct chio_azure_credentials *c, char url[URL_MAX]) {
  bool service = c->setup->identity_header_env[0] != '\0';
  (void)snprintf(url, URL_MAX, "%s?api-version=%s&resource=%s%s%s", c->setup->metadata,
                 service ? "2019-08-01" : "2018-02-01", c->resource,
                 c->setup->client_id[0] != '\0' ? "&client_id=" : "", c->setup->client_id);
}

static enum chio_err fetch_managed(const struct chio_azure_credentials *c, const struct chio_deadline *deadline,
                                   struct chio_secret **out_line, uint64_t *out_life_ms, struct chio_detail *detail) {
  char url[URL_MAX];
  char proof[512] = "Metadata: true";
  const char *const headers[] = {proof};
  unsigned left = chio_deadline_left_ms(deadline);
  if (c->setup->identity_header_env[0] != '\0') {
    const char *value = getenv(c->setup->identity_header_env);
    int n = snprintf(proof, sizeof proof, "X-IDENTITY-HEADER: %s", value != NULL ? value : "");
    if (n < 0 || (size_t)n >= sizeof proof) return chio_fail(detail, CHIO_E_CONFIG, "IDENTITY_HEADER is too long");
  }
  metadata_url(c, url);
  struct chio_http_request request = {.method = "GET",
                                      .url = url,
                                      .headers = headers,
                                      .header_count = 1,
                                      .timeout_ms = left < CHIO_AZURE_METADATA_MS ? left : CHIO_AZURE_METADATA_MS,
                                      .allow_http = true,
                                      .no_proxy = true};
  enum chio_err err = exchange(c, &request, "the metadata service", out_line, out_life_ms, detail);
  chio_wipe(proof, sizeof proof);
  return err;
}

static enum chio_err fetch(void *arg, const struct chio_deadline *deadline, struct chio_secret **out_secret,
                           uint64_t *out_life_ms, struct chio_detail *detail) {
  const struct chio_azure_credentials *c = arg;
  return c->setup->way == CHIO_AZURE_MANAGED ? fetch_managed(c, deadline, out_secret, out_life_ms, detail)
                                             : fetch_entra(c, deadline, out_secret, out_life_ms, detail);
}

enum chio_err chio_azure_credentials_new(const struct chio_azure_setup *setup, struct chio_http *http,
                                         const char *base, const char *resource,
                                         struct chio_azure_credentials **out_credentials) {
  struct chio_azure_credentials *c = calloc(1, sizeof *c);
  if (c == NULL) return CHIO_E_NO_MEMORY;
  c->setup = setup;
  c->http = http;
  (void)snprintf(c->base, sizeof c->base, "%s", base);
  (void)snprintf(c->resource, sizeof c->resource, "%s", resource);
  enum chio_err err = chio_lease_new(fetch, c, &c->lease);
  if (err == CHIO_OK)
    *out_credentials = c;
  else
    free(c);
  return err;
}

void chio_azure_credentials_free(struct chio_azure_credentials *credentials) {
  if (credentials == NULL) return;
  chio_lease_free(credentials->lease);
  free(credentials);
}

struct chio_lease *chio_azure_credentials_lease(struct chio_azure_credentials *credentials) {
  return credentials->lease;
}
