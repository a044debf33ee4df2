#include "kms-adapters/gcp_credentials.h"

#include "kms-adapters/body.h"
#include "kms-adapters/gcp_token.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define METADATA_HOST "metadata.google.internal"
#define TOKEN_FILE_LIFE_MS 60000u /* of a token in a file, whose end we do not know */

enum way { WAY_CHAIN, WAY_FILE, WAY_METADATA, WAY_TOKEN };

struct chio_gcp_credentials {
  enum way way;
  char *token_file; /* owned; NULL: not given */
  char *auth_endpoint;
  char *ca_file;
  char account[256]; /* of the metadata server */
  struct chio_gcp_issuer issuer;
  struct chio_lease *lease;
  pthread_mutex_t lock; /* of what follows */
  char quota_project[CHIO_GCP_PROJECT_SIZE];
};

static enum chio_err parse_way(const char *word, enum way *out_way, struct chio_detail *detail) {
  static const struct {
    const char *word;
    enum way way;
  } rows[] = {{"file", WAY_FILE}, {"metadata", WAY_METADATA}, {"token", WAY_TOKEN}};
  *out_way = WAY_CHAIN;
  if (word == NULL) return CHIO_OK;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    if (strcmp(word, rows[i].word) != 0) continue;
    *out_way = rows[i].way;
    return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_CONFIG, "auth of a Google backend is file, metadata or token, not '%.40s'", word);
}

static bool account_ok(const char *text) {
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++)
    if (!isalnum((unsigned char)text[i]) && strchr("@.-_", text[i]) == NULL) return false;
  return len > 0 && len < 256;
}

/* The path with the URL's last slashes cut off, or NULL. */
static char *copy_url(const char *url) {
  char *copy = strdup(url);
  size_t len = copy != NULL ? strlen(copy) : 0;
  while (len > 0 && copy[len - 1] == '/') copy[--len] = '\0';
  return copy;
}

static enum chio_err set_options(struct chio_gcp_credentials *c, const struct chio_backend_options *options,
                                 struct chio_detail *detail) {
  const char *account = options->role != NULL ? options->role : "default";
  enum chio_err err = parse_way(options->auth, &c->way, detail);
  if (err != CHIO_OK) return err;
  if (options->role != NULL && c->way != WAY_METADATA)
    return chio_fail(detail, CHIO_E_CONFIG, "role goes with auth = \"metadata\"");
  if (!account_ok(account)) return chio_fail(detail, CHIO_E_CONFIG, "role is no service account");
  if (c->way == WAY_TOKEN && options->token_file == NULL)
    return chio_fail(detail, CHIO_E_CONFIG, "auth = \"token\" needs token_file");
  if (options->secret_file != NULL)
    return chio_fail(detail, CHIO_E_CONFIG, "secret_file is for other backends; a service account is token_file");
  if (options->auth_endpoint != NULL && strncmp(options->auth_endpoint, "https://", 8) != 0 &&
      c->way != WAY_METADATA && !chio_http_is_loopback(options->auth_endpoint))
    return chio_fail(detail, CHIO_E_CONFIG, "auth_endpoint must be https");
  (void)snprintf(c->account, sizeof c->account, "%s", account);
  c->token_file = options->token_file != NULL ? strdup(options->token_file) : NULL;
  c->auth_endpoint = options->auth_endpoint != NULL ? copy_url(options->auth_endpoint) : NULL;
  c->ca_file = options->ca_file != NULL ? strdup(options->ca_file) : NULL;
  bool copied = (c->token_file != NULL) == (options->token_file != NULL) &&
                (c->auth_endpoint != NULL) == (options->auth_endpoint != NULL) &&
                (c->ca_file != NULL) == (options->ca_file != NULL);
  return copied ? CHIO_OK : CHIO_E_NO_MEMORY;
}

/* The file that says who we are, or false. */
static bool find_file(const struct chio_gcp_credentials *c, char *out_path, size_t size) {
  const char *given = c->token_file != NULL ? c->token_file : secure_getenv("GOOGLE_APPLICATION_CREDENTIALS");
  const char *config = secure_getenv("CLOUDSDK_CONFIG");
  const char *home = secure_getenv("HOME");
  int len = -1;
  if (given != NULL && given[0] != '\0') {
    len = snprintf(out_path, size, "%s", given);
  } else if (config != NULL && config[0] != '\0') {
    len = snprintf(out_path, size, "%s/application_default_credentials.json", config);
  } else if (home != NULL && home[0] != '\0') {
    len = snprintf(out_path, size, "%s/.config/gcloud/application_default_credentials.json", home);
  }
  return len > 0 && (size_t)len < size;
}

/* Whether a missing file is a fault: it was named by somebody. */
static bool file_is_named(const struct chio_gcp_credentials *c) {
  const char *named = secure_getenv("GOOGLE_APPLICATION_CREDENTIALS");
  return c->way == WAY_FILE || c->token_file != NULL || (named != NULL && named[0] != '\0');
}

static enum chio_err fetch_metadata(struct chio_gcp_credentials *c, const struct chio_deadline *deadline,
                                    struct chio_gcp_token *out_token, struct chio_detail *detail) {
  char base[CHIO_GCP_URL_MAX];
  const char *host = secure_getenv("GCE_METADATA_HOST");
  if (c->way == WAY_METADATA && c->auth_endpoint != NULL)
    (void)snprintf(base, sizeof base, "%s", c->auth_endpoint);
  else
    (void)snprintf(base, sizeof base, "http://%s", host != NULL && host[0] != '\0' ? host : METADATA_HOST);
  enum chio_err err = chio_gcp_token_metadata(&c->issuer, base, c->account, deadline, out_token, detail);
  bool absent = err == CHIO_E_BACKEND_UNREACHABLE || err == CHIO_E_TIMEOUT;
  if (c->way != WAY_CHAIN || !absent) return err;
  return chio_fail(detail, CHIO_E_PERMISSION,
                   "no Google credentials: no token_file, no GOOGLE_APPLICATION_CREDENTIALS, no default file, and no "
                   "metadata server answers");
}

static enum chio_err fetch_file(struct chio_gcp_credentials *c, const char *path, const struct chio_deadline *deadline,
                                struct chio_gcp_token *out_token, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *text = NULL;
  CHIO_AUTO(chio_gcp_account) struct chio_gcp_account *account = NULL;
  enum chio_err err = chio_secret_file(path, CHIO_GCP_FILE_MAX, &text, detail);
  if (err == CHIO_E_NOT_FOUND && !file_is_named(c)) return fetch_metadata(c, deadline, out_token, detail);
  if (err == CHIO_E_NO_MEMORY) return err;
  if (err != CHIO_OK) return CHIO_E_PERMISSION;
  struct chio_detail why = {.text = ""};
  err = chio_gcp_account_parse(chio_secret_slice(text), c->auth_endpoint, &account, &why);
  if (err != CHIO_OK) return chio_fail(detail, err, "%.100s: %s", path, why.text);
  (void)pthread_mutex_lock(&c->lock);
  (void)snprintf(c->quota_project, sizeof c->quota_project, "%s", account->quota_project);
  (void)pthread_mutex_unlock(&c->lock);
  return chio_gcp_token_fetch(&c->issuer, account, deadline, out_token, detail);
}

static enum chio_err fetch_token_file(const struct chio_gcp_credentials *c, struct chio_gcp_token *out_token,
                                      struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *text = NULL;
  enum chio_err err = chio_secret_file(c->token_file, CHIO_GCP_SUBJECT_MAX, &text, detail);
  if (err == CHIO_E_NO_MEMORY) return err;
  if (err != CHIO_OK) return CHIO_E_PERMISSION;
  if (!chio_gcp_token_ok(chio_secret_slice(text)))
    return chio_fail(detail, CHIO_E_PERMISSION, "%.100s holds no token", c->token_file);
  *out_token = (struct chio_gcp_token){CHIO_STEAL(text), TOKEN_FILE_LIFE_MS};
  return CHIO_OK;
}

/* chio_lease_fetch */
static enum chio_err fetch(void *arg, const struct chio_deadline *deadline, struct chio_secret **out_secret,
                           uint64_t *out_life_ms, struct chio_detail *detail) {
  struct chio_gcp_credentials *c = arg;
  struct chio_gcp_token token = {.secret = NULL};
  char path[1024];
  enum chio_err err;
  if (c->way == WAY_TOKEN)
    err = fetch_token_file(c, &token, detail);
  else if (c->way == WAY_METADATA || !find_file(c, path, sizeof path))
    err = fetch_metadata(c, deadline, &token, detail);
  else
    err = fetch_file(c, path, deadline, &token, detail);
  if (err != CHIO_OK) return err;
  *out_secret = token.secret;
  *out_life_ms = token.life_ms;
  return CHIO_OK;
}

enum chio_err chio_gcp_credentials_new(const struct chio_backend_options *options, struct chio_http *http,
                                       struct chio_gcp_credentials **out_credentials, struct chio_detail *detail) {
  struct chio_gcp_credentials *c = calloc(1, sizeof *c);
  if (c == NULL) return CHIO_E_NO_MEMORY;
  chio_endpoint_init(&c->issuer.endpoint);
  (void)pthread_mutex_init(&c->lock, NULL);
  c->issuer.http = http;
  enum chio_err err = set_options(c, options, detail);
  c->issuer.ca_file = c->ca_file;
  if (err == CHIO_OK) err = chio_lease_new(fetch, c, &c->lease);
  if (err == CHIO_OK)
    *out_credentials = c;
  else
    chio_gcp_credentials_free(c);
  return err;
}

void chio_gcp_credentials_free(struct chio_gcp_credentials *credentials) {
  if (credentials == NULL) return;
  chio_lease_free(credentials->lease);
  chio_endpoint_clear(&credentials->issuer.endpoint);
  (void)pthread_mutex_destroy(&credentials->lock);
  free(credentials->token_file);
  free(credentials->auth_endpoint);
  free(credentials->ca_file);
  free(credentials);
}

enum chio_err chio_gcp_token_get(struct chio_gcp_credentials *credentials, const struct chio_deadline *deadline,
                                 const struct chio_secret **out_token, struct chio_detail *detail) {
  return chio_lease_get(credentials->lease, deadline, out_token, detail);
}

void chio_gcp_token_put(struct chio_gcp_credentials *credentials, const struct chio_secret *token) {
  chio_lease_put(credentials->lease, token);
}

void chio_gcp_quota_project(struct chio_gcp_credentials *credentials, char out_project[CHIO_GCP_PROJECT_SIZE]) {
  (void)pthread_mutex_lock(&credentials->lock);
  memcpy(out_project, credentials->quota_project, CHIO_GCP_PROJECT_SIZE);
  (void)pthread_mutex_unlock(&credentials->lock);
}

void chio_gcp_token_refuse(struct chio_gcp_credentials *credentials, const struct chio_secret *token) {
  chio_lease_refuse(credentials->lease, token);
}
