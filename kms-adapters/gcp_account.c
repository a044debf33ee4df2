#include "kms-adapters/gcp_account.h"

#include "kms-adapters/body.h"
#include "kms-adapters/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define LIFETIME_S 3600u /* of an impersonated account's token, where the file does not say */

static bool starts(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The host with its port, and where it begins; empty for what is no http(s) URL, or one with user information. */
static struct chio_slice authority_of(const char *url) {
  const char *host = starts(url, "https://") ? url + 8 : starts(url, "http://") ? url + 7 : NULL;
  if (host == NULL) return chio_slice(NULL, 0);
  size_t len = strcspn(host, "/?#\\");
  if (memchr(host, '@', len) != NULL) return chio_slice(NULL, 0);
  return chio_slice(host, len);
}

static bool same_origin(const char *url, const char *other) {
  struct chio_slice a = authority_of(url), b = authority_of(other);
  return a.len > 0 && starts(url, "https:") == starts(other, "https:") && chio_slice_equal(a, b);
}

bool chio_gcp_url_is_trusted(const char *url, const char *auth_endpoint) {
  static const char domain[] = ".googleapis.com";
  struct chio_slice host = authority_of(url);
  if (auth_endpoint != NULL && same_origin(url, auth_endpoint)) return true;
  if (!starts(url, "https://") || host.len < sizeof domain) return false;
  return strncasecmp((const char *)host.data + host.len - (sizeof domain - 1), domain, sizeof domain - 1) == 0;
}

bool chio_gcp_token_ok(struct chio_slice token) {
  if (token.len == 0 || token.len > CHIO_GCP_SUBJECT_MAX) return false;
  for (size_t i = 0; i < token.len; i++)
    if (token.data[i] <= ' ' || token.data[i] > '~') return false;
  return true;
}

void chio_gcp_account_free(struct chio_gcp_account *account) {
  if (account == NULL) return;
  chio_secret_free(account->secret);
  chio_secret_free(account->client_secret);
  free(account);
}

/* A member as text of printable ASCII: it will stand in headers, URLs and paths. */
static enum chio_err copy_if(const json_t *object, const char *member, char *to, size_t size,
                             struct chio_detail *detail) {
  const json_t *value = json_object_get(object, member);
  to[0] = '\0';
  if (value == NULL || json_is_null(value)) return CHIO_OK;
  const char *text = json_string_value(value);
  size_t len = json_string_length(value);
  if (text == NULL || len >= size)
    return chio_fail(detail, CHIO_E_CONFIG, "%s in the credentials is no text of less than %zu bytes", member, size);
  for (size_t i = 0; i < len; i++)
    if (text[i] < ' ' || text[i] > '~')
      return chio_fail(detail, CHIO_E_CONFIG, "%s in the credentials has a character that is not allowed", member);
  memcpy(to, text, len + 1);
  return CHIO_OK;
}

static enum chio_err copy(const json_t *object, const char *member, char *to, size_t size,
                          struct chio_detail *detail) {
  enum chio_err err = copy_if(object, member, to, size, detail);
  if (err == CHIO_OK && to[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "the credentials have no %s", member);
  return err;
}

/* The secret leaves the JSON object, whose memory is not guarded. */
static enum chio_err take_secret(json_t *object, const char *member, struct chio_secret **out_secret,
                                 struct chio_detail *detail) {
  json_t *value = json_object_get(object, member);
  char *text = (char *)(uintptr_t)json_string_value(value);
  size_t len = json_string_length(value);
  if (text == NULL || len == 0)
    return chio_fail(detail, CHIO_E_CONFIG, "the credentials have no %s", member);
  enum chio_err err = len > CHIO_GCP_SECRET_MAX
                          ? chio_fail(detail, CHIO_E_CONFIG, "%s in the credentials is too long", member)
                          : chio_secret_copy(chio_slice(text, len), out_secret);
  chio_wipe(text, len);
  return err;
}

static enum chio_err copy_url(const json_t *object, const char *member, const char *auth_endpoint, char *to,
                              struct chio_detail *detail) {
  enum chio_err err = copy(object, member, to, CHIO_GCP_URL_MAX, detail);
  if (err != CHIO_OK || chio_gcp_url_is_trusted(to, auth_endpoint)) return err;
  return chio_fail(detail, CHIO_E_POLICY, "%s in the credentials leads to no host of Google's", member);
}

static enum chio_err read_service_account(json_t *object, const char *auth_endpoint, struct chio_gcp_account *account,
                                          struct chio_detail *detail) {
  account->type = CHIO_GCP_SERVICE_ACCOUNT;
  enum chio_err err = copy(object, "client_email", account->email, sizeof account->email, detail);
  if (err == CHIO_OK) err = copy_if(object, "private_key_id", account->key_id, sizeof account->key_id, detail);
  if (err == CHIO_OK) err = take_secret(object, "private_key", &account->secret, detail);
  if (err == CHIO_OK) err = copy_url(object, "token_uri", auth_endpoint, account->token_url, detail);
  return err;
}

static enum chio_err read_authorized_user(json_t *object, const char *auth_endpoint, struct chio_gcp_account *account,
                                          struct chio_detail *detail) {
  account->type = CHIO_GCP_AUTHORIZED_USER;
  enum chio_err err = copy(object, "client_id", account->client_id, sizeof account->client_id, detail);
  if (err == CHIO_OK) err = take_secret(object, "client_secret", &account->client_secret, detail);
  if (err == CHIO_OK) err = take_secret(object, "refresh_token", &account->secret, detail);
  if (err == CHIO_OK)
    err = copy_if(object, "quota_project_id", account->quota_project, sizeof account->quota_project, detail);
  if (err != CHIO_OK) return err;
  if (json_object_get(object, "token_uri") != NULL)
    return copy_url(object, "token_uri", auth_endpoint, account->token_url, detail);
  (void)snprintf(account->token_url, sizeof account->token_url, "%s%s",
                 auth_endpoint != NULL ? auth_endpoint : "https://oauth2.googleapis.com", "/token");
  return CHIO_OK;
}

static bool header_ok(const char *name, const char *value) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
  if (name[0] == '\0' || name[strspn(name, letters)] != '\0' || value == NULL || value[0] == '\0') return false;
  for (const char *at = value; *at != '\0'; at++)
    if (*at < ' ' || *at > '~') return false;
  return true;
}

static enum chio_err read_headers(json_t *headers, struct chio_gcp_account *account, struct chio_detail *detail) {
  const char *name;
  json_t *value;
  json_object_foreach(headers, name, value) {
    size_t n = account->subject_header_count;
    const char *text = json_string_value(value);
    if (n == CHIO_GCP_HEADERS_MAX || !header_ok(name, text))
      return chio_fail(detail, CHIO_E_CONFIG, "the headers of credential_source are not valid, or too many");
    int len = snprintf(account->subject_headers[n], sizeof account->subject_headers[n], "%s: %s", name, text);
    if (len < 0 || (size_t)len >= sizeof account->subject_headers[n])
      return chio_fail(detail, CHIO_E_CONFIG, "a header of credential_source is too long");
    account->subject_header_count++;
  }
  return CHIO_OK;
}

/* Metadata services speak plain HTTP, on link-local addresses; everybody else is asked over TLS. */
static bool source_url_ok(const char *url) {
  return (starts(url, "https://") && authority_of(url).len > 0) || starts(url, "http://169.254.169.254/") ||
         starts(url, "http://metadata.google.internal/") || chio_http_is_loopback(url);
}

static enum chio_err read_format(const json_t *source, struct chio_gcp_account *account, struct chio_detail *detail) {
  char type[16];
  const json_t *format = json_object_get(source, "format");
  enum chio_err err = copy_if(format, "type", type, sizeof type, detail);
  if (err != CHIO_OK || type[0] == '\0' || strcmp(type, "text") == 0) return err;
  if (strcmp(type, "json") != 0)
    return chio_fail(detail, CHIO_E_CONFIG, "the format of credential_source is neither text nor json");
  return copy(format, "subject_token_field_name", account->subject_field, sizeof account->subject_field, detail);
}

static enum chio_err read_source(const json_t *source, struct chio_gcp_account *account, struct chio_detail *detail) {
  static const char *const refused[] = {"executable", "environment_id", "certificate", "region_url"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(refused); i++)
    if (json_object_get(source, refused[i]) != NULL)
      return chio_fail(detail, CHIO_E_UNSUPPORTED,
                       "credential_source has %s: only files and URLs are sources of tokens here", refused[i]);
  enum chio_err err = copy_if(source, "file", account->subject_file, sizeof account->subject_file, detail);
  if (err == CHIO_OK) err = copy_if(source, "url", account->subject_url, sizeof account->subject_url, detail);
  if (err == CHIO_OK) err = read_headers(json_object_get(source, "headers"), account, detail);
  if (err == CHIO_OK) err = read_format(source, account, detail);
  if (err != CHIO_OK) return err;
  if ((account->subject_file[0] == '\0') == (account->subject_url[0] == '\0'))
    return chio_fail(detail, CHIO_E_CONFIG, "credential_source names neither a file nor a URL, or both");
  if (account->subject_url[0] != '\0' && !source_url_ok(account->subject_url))
    return chio_fail(detail, CHIO_E_POLICY, "the URL in credential_source is not https");
  return CHIO_OK;
}

static void read_lifetime(const json_t *object, struct chio_gcp_account *account) {
  const json_t *options = json_object_get(object, "service_account_impersonation");
  json_int_t seconds = json_integer_value(json_object_get(options, "token_lifetime_seconds"));
  account->lifetime_s = seconds >= 600 && seconds <= 43200 ? (unsigned)seconds : LIFETIME_S;
}

static enum chio_err read_external_account(const json_t *object, const char *auth_endpoint,
                                           struct chio_gcp_account *account, struct chio_detail *detail) {
  account->type = CHIO_GCP_EXTERNAL_ACCOUNT;
  enum chio_err err = copy(object, "audience", account->audience, sizeof account->audience, detail);
  if (err == CHIO_OK)
    err = copy(object, "subject_token_type", account->subject_type, sizeof account->subject_type, detail);
  if (err == CHIO_OK) err = copy_url(object, "token_url", auth_endpoint, account->token_url, detail);
  if (err == CHIO_OK && json_object_get(object, "service_account_impersonation_url") != NULL)
    err = copy_url(object, "service_account_impersonation_url", auth_endpoint, account->impersonation_url, detail);
  if (err == CHIO_OK) err = read_source(json_object_get(object, "credential_source"), account, detail);
  read_lifetime(object, account);
  return err;
}

static enum chio_err read_account(json_t *object, const char *auth_endpoint, struct chio_gcp_account *account,
                                  struct chio_detail *detail) {
  char type[64];
  enum chio_err err = copy(object, "type", type, sizeof type, detail);
  if (err != CHIO_OK) return err;
  if (strcmp(type, "service_account") == 0) return read_service_account(object, auth_endpoint, account, detail);
  if (strcmp(type, "authorized_user") == 0) return read_authorized_user(object, auth_endpoint, account, detail);
  if (strcmp(type, "external_account") == 0) return read_external_account(object, auth_endpoint, account, detail);
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "credentials of the type '%s' are not supported", type);
}

enum chio_err chio_gcp_account_parse(struct chio_slice text, const char *auth_endpoint,
                                     struct chio_gcp_account **out_account, struct chio_detail *detail) {
  json_t *object = NULL;
  CHIO_AUTO(chio_gcp_account) struct chio_gcp_account *account = calloc(1, sizeof *account);
  if (account == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_body_parse(text, "the credential file", &object, detail);
  if (err == CHIO_E_BACKEND) return CHIO_E_CONFIG;
  if (err != CHIO_OK) return err;
  err = read_account(object, auth_endpoint, account, detail);
  json_decref(object);
  if (err == CHIO_OK) *out_account = CHIO_STEAL(account);
  return err;
}

static enum chio_err field_of(const char *field, struct chio_slice text, struct chio_secret **out_token,
                              struct chio_detail *detail) {
  json_t *object = NULL;
  if (chio_body_parse(text, "the foreign token", &object, detail) != CHIO_OK) return CHIO_E_PERMISSION;
  json_t *value = json_object_get(object, field);
  char *token = (char *)(uintptr_t)json_string_value(value);
  size_t len = json_string_length(value);
  enum chio_err err = token == NULL || !chio_gcp_token_ok(chio_slice(token, len))
                          ? chio_fail(detail, CHIO_E_PERMISSION, "the foreign token's object has no token in %s", field)
                          : chio_secret_copy(chio_slice(token, len), out_token);
  if (token != NULL) chio_wipe(token, len);
  json_decref(object);
  return err;
}

enum chio_err chio_gcp_subject_read(const struct chio_gcp_account *account, struct chio_slice text,
                                    struct chio_secret **out_token, struct chio_detail *detail) {
  while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) text.len--;
  if (account->subject_field[0] != '\0') return field_of(account->subject_field, text, out_token, detail);
  if (!chio_gcp_token_ok(text))
    return chio_fail(detail, CHIO_E_PERMISSION, "what the source of the foreign token says is no token");
  return chio_secret_copy(text, out_token);
}
