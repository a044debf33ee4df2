#include "kms-adapters/gcp_token.h"

#include "kms-adapters/body.h"
#include "kms-adapters/gcp_jwt.h"
#include "kms-adapters/gcp_status.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define PLATFORM_SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define FORM_ROOM (4u * CHIO_GCP_SUBJECT_MAX) /* bytes; a form that holds a secret is never moved */
#define ATTEMPT_MS 2000u

/* ---- replies ---------------------------------------------------------------------------------------------------- */

static enum chio_err take_token(json_t *object, const char *member, struct chio_secret **out_secret,
                                struct chio_detail *detail) {
  json_t *value = json_object_get(object, member);
  char *text = (char *)(uintptr_t)json_string_value(value);
  size_t len = json_string_length(value);
  if (text == NULL) return chio_fail(detail, CHIO_E_BACKEND, "the reply has no %s", member);
  enum chio_err err = chio_gcp_token_ok(chio_slice(text, len))
                          ? chio_secret_copy(chio_slice(text, len), out_secret)
                          : chio_fail(detail, CHIO_E_BACKEND, "%s in the reply is no token", member);
  chio_wipe(text, len);
  return err;
}

static enum chio_err read_life(const json_t *object, uint64_t *out_life_ms, struct chio_detail *detail) {
  uint64_t seconds;
  const char *type = json_string_value(json_object_get(object, "token_type"));
  if (type != NULL && strcasecmp(type, "Bearer") != 0)
    return chio_fail(detail, CHIO_E_BACKEND, "the token is of another type than Bearer");
  enum chio_err err = chio_body_u64(object, "expires_in", &seconds, detail);
  if (err != CHIO_OK) return err;
  if (seconds == 0) return chio_fail(detail, CHIO_E_BACKEND, "the token has ended already");
  *out_life_ms = (seconds < CHIO_GCP_LIFE_MAX_S ? seconds : CHIO_GCP_LIFE_MAX_S) * 1000u;
  return CHIO_OK;
}

enum chio_err chio_gcp_token_read(struct chio_slice body, struct chio_gcp_token *out_token,
                                  struct chio_detail *detail) {
  json_t *object = NULL;
  struct chio_gcp_token token = {.secret = NULL};
  enum chio_err err = chio_body_parse(body, "the token's reply", &object, detail);
  if (err != CHIO_OK) return err;
  err = read_life(object, &token.life_ms, detail);
  if (err == CHIO_OK) err = take_token(object, "access_token", &token.secret, detail);
  json_decref(object);
  if (err == CHIO_OK) *out_token = token;
  return err;
}

/* "2026-11-21T17:00:00Z", perhaps with a fraction. */
static bool read_moment(const char *text, long long *out_moment) {
  struct tm tm = {.tm_sec = 0};
  const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
  if (rest == NULL) return false;
  if (*rest == '.') rest += 1 + strspn(rest + 1, "0123456789");
  if (strcmp(rest, "Z") != 0) return false;
  *out_moment = (long long)timegm(&tm);
  return true;
}

enum chio_err chio_gcp_impersonation_read(struct chio_slice body, long long now, struct chio_gcp_token *out_token,
                                          struct chio_detail *detail) {
  json_t *object = NULL;
  const char *text;
  long long end = 0;
  struct chio_gcp_token token = {.secret = NULL};
  enum chio_err err = chio_body_parse(body, "the reply of generateAccessToken", &object, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_text(object, "expireTime", 64, &text, detail);
  if (err == CHIO_OK && (!read_moment(text, &end) || end <= now))
    err = chio_fail(detail, CHIO_E_BACKEND, "expireTime in the reply is no moment to come");
  if (err == CHIO_OK) err = take_token(object, "accessToken", &token.secret, detail);
  json_decref(object);
  if (err != CHIO_OK) return err;
  long long life = end - now;
  token.life_ms = (uint64_t)(life < (long long)CHIO_GCP_LIFE_MAX_S ? life : (long long)CHIO_GCP_LIFE_MAX_S) * 1000u;
  *out_token = token;
  return CHIO_OK;
}

/* ---- one exchange ----------------------------------------------------------------------------------------------- */

/* An exchange with its attempts. */
struct exchange {
  struct chio_gcp_issuer *issuer;
  const struct chio_deadline *deadline;
  struct chio_http_request request;
  struct chio_http_reply reply; /* of the last attempt that had one */
  const char *what;             /* for messages */
  struct chio_detail detail;
};

/* {"error":"invalid_grant","error_description":"..."} (RFC 6749, 5.2), or google.rpc.Status. */
static void describe_refusal(struct exchange *x, enum chio_err err) {
  struct chio_gcp_status status;
  json_t *object = NULL;
  const char *code = NULL, *text = NULL;
  struct chio_slice body = chio_buf_slice(&x->reply.body);
  chio_gcp_status_read(body, &status);
  if (status.status[0] == '\0' && chio_body_parse(body, "", &object, NULL) == CHIO_OK) {
    code = json_string_value(json_object_get(object, "error"));
    text = json_string_value(json_object_get(object, "error_description"));
  }
  if (code == NULL) code = status.status;
  if (text == NULL) text = status.message;
  (void)chio_fail(&x->detail, err, "%s: HTTP %ld %.40s%s%.140s", x->what, x->reply.status, code,
                  text[0] != '\0' ? ": " : "", text);
  for (char *at = x->detail.text; *at != '\0'; at++)
    if (*at < ' ' || *at > '~') *at = '?';
  json_decref(object);
}

static struct chio_attempt_result result_of(enum chio_err err) {
  bool transient = err == CHIO_E_BACKEND_UNREACHABLE || err == CHIO_E_TIMEOUT || err == CHIO_E_BUSY;
  return (struct chio_attempt_result){transient ? CHIO_ATTEMPT_AGAIN : CHIO_ATTEMPT_DONE, err, 0};
}

static enum chio_err err_of_status(long http) {
  if (http == 200) return CHIO_OK;
  if (http == 429) return CHIO_E_BUSY;
  if (http == 408 || (http >= 500 && http != 501)) return CHIO_E_BACKEND_UNREACHABLE;
  return http == 400 || http == 401 || http == 403 || http == 404 ? CHIO_E_PERMISSION : CHIO_E_BACKEND;
}

static struct chio_attempt_result attempt(void *arg) {
  struct exchange *x = arg;
  unsigned left = chio_deadline_left_ms(x->deadline);
  chio_http_reply_clear(&x->reply);
  x->reply.status = 0;
  x->detail.text[0] = '\0';
  if (left == 0) return result_of(chio_fail(&x->detail, CHIO_E_TIMEOUT, "%s: the time is over", x->what));
  x->request.timeout_ms = left < ATTEMPT_MS ? left : ATTEMPT_MS;
  enum chio_err err = chio_http_call(x->issuer->http, &x->request, &x->reply, &x->detail);
  if (err != CHIO_OK) return result_of(err);
  err = err_of_status(x->reply.status);
  if (err != CHIO_OK) describe_refusal(x, err);
  return result_of(err);
}

static enum chio_err run(struct exchange *x, struct chio_detail *detail) {
  struct chio_detail why = {.text = ""};
  enum chio_err err = chio_retry(&x->issuer->endpoint, x->deadline, attempt, x, NULL, &why);
  if (err != CHIO_OK && detail != NULL) *detail = why.text[0] != '\0' ? why : x->detail;
  return err;
}

/* ---- forms ------------------------------------------------------------------------------------------------------ */

static void form_add(struct chio_buf *form, const char *name, struct chio_slice value) {
  static const char hex[] = "0123456789ABCDEF";
  if (form->len > 0) chio_buf_append_u8(form, '&');
  chio_buf_append_str(form, name);
  chio_buf_append_u8(form, '=');
  for (size_t i = 0; i < value.len; i++) {
    uint8_t c = value.data[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || (c != 0 && strchr("-._~", c) != NULL)) {
      chio_buf_append_u8(form, c);
    } else {
      chio_buf_append_u8(form, '%');
      chio_buf_append_u8(form, (uint8_t)hex[c >> 4]);
      chio_buf_append_u8(form, (uint8_t)hex[c & 15]);
    }
  }
}

static void form_add_text(struct chio_buf *form, const char *name, const char *value) {
  form_add(form, name, chio_slice_str(value));
}

static void form_clear(struct chio_buf *form) {
  if (form->data != NULL) chio_wipe(form->data, form->cap);
  chio_buf_clear(form);
}

static enum chio_err post_form(struct chio_gcp_issuer *issuer, const char *url, const char *what,
                               const struct chio_buf *form, const struct chio_deadline *deadline,
                               struct chio_http_reply *out_reply, struct chio_detail *detail) {
  static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded"};
  struct exchange x = {
      .issuer = issuer,
      .deadline = deadline,
      .what = what,
      .request = {.method = "POST",
                  .url = url,
                  .headers = headers,
                  .header_count = 1,
                  .body = chio_buf_slice(form),
                  .ca_file = issuer->ca_file,
                  .allow_http = chio_http_is_loopback(url)},
  };
  enum chio_err err = chio_buf_err(form);
  if (err == CHIO_OK) err = run(&x, detail);
  *out_reply = x.reply;
  return err;
}

/* ---- service accounts ------------------------------------------------------------------------------------------- */

static long long corrected_now(struct chio_gcp_issuer *issuer) {
  return (long long)time(NULL) + atomic_load(&issuer->clock_offset_s);
}

/* Whether the reply shows that our clock is off, and no longer is. */
static bool correct_clock(struct chio_gcp_issuer *issuer, const struct chio_http_reply *reply) {
  char text[64];
  struct chio_slice date = chio_http_reply_header(reply, "date");
  if (date.len == 0 || date.len >= sizeof text) return false;
  memcpy(text, date.data, date.len);
  text[date.len] = '\0';
  time_t theirs = curl_getdate(text, NULL);
  long long off = (long long)theirs - corrected_now(issuer);
  if (theirs == (time_t)-1 || (off <= CHIO_GCP_SKEW_S && off >= -CHIO_GCP_SKEW_S)) return false;
  (void)atomic_fetch_add(&issuer->clock_offset_s, off);
  return true;
}

static enum chio_err post_jwt(struct chio_gcp_issuer *issuer, const struct chio_gcp_account *account,
                              const struct chio_deadline *deadline, struct chio_http_reply *out_reply,
                              struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *jwt = NULL;
  struct chio_buf form = CHIO_BUF_INIT;
  enum chio_err err = chio_gcp_jwt(account, CHIO_GCP_SCOPE, corrected_now(issuer), &jwt, detail);
  if (err != CHIO_OK) return err;
  if (chio_buf_reserve(&form, FORM_ROOM) == NULL) return CHIO_E_NO_MEMORY;
  form_add_text(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
  form_add(&form, "assertion", chio_secret_slice(jwt));
  err = post_form(issuer, account->token_url, "the token of the service account", &form, deadline, out_reply, detail);
  form_clear(&form);
  return err;
}

static enum chio_err fetch_service_account(struct chio_gcp_issuer *issuer, const struct chio_gcp_account *account,
                                           const struct chio_deadline *deadline, struct chio_http_reply *out_reply,
                                           struct chio_detail *detail) {
  enum chio_err err = post_jwt(issuer, account, deadline, out_reply, detail);
  if (err != CHIO_E_PERMISSION || !correct_clock(issuer, out_reply)) return err;
  chio_http_reply_clear(out_reply);
  out_reply->status = 0;
  return post_jwt(issuer, account, deadline, out_reply, detail);
}

/* ---- users ------------------------------------------------------------------------------------------------------ */

static enum chio_err fetch_authorized_user(struct chio_gcp_issuer *issuer, const struct chio_gcp_account *account,
                                           const struct chio_deadline *deadline, struct chio_http_reply *out_reply,
                                           struct chio_detail *detail) {
  struct chio_buf form = CHIO_BUF_INIT;
  if (chio_buf_reserve(&form, FORM_ROOM) == NULL) return CHIO_E_NO_MEMORY;
  form_add_text(&form, "grant_type", "refresh_token");
  form_add_text(&form, "client_id", account->client_id);
  form_add(&form, "client_secret", chio_secret_slice(account->client_secret));
  form_add(&form, "refresh_token", chio_secret_slice(account->secret));
  enum chio_err err =
      post_form(issuer, account->token_url, "the token of the user", &form, deadline, out_reply, detail);
  form_clear(&form);
  return err;
}

/* ---- external accounts ------------------------------------------------------------------------------------------ */

static enum chio_err subject_from_url(struct chio_gcp_issuer *issuer, const struct chio_gcp_account *account,
                                      const struct chio_deadline *deadline, struct chio_secret **out_subject,
                                      struct chio_detail *detail) {
  const char *headers[CHIO_GCP_HEADERS_MAX];
  for (size_t i = 0; i < account->subject_header_count; i++) headers[i] = account->subject_headers[i];
  bool plain = strncmp(account->subject_url, "http://", 7) == 0;
  struct exchange x = {
      .issuer = issuer,
      .deadline = deadline,
      .what = "the foreign token",
      .request = {.method = "GET",
                  .url = account->subject_url,
                  .headers = headers,
                  .header_count = account->subject_header_count,
                  .ca_file = plain ? NULL : issuer->ca_file,
                  .allow_http = plain,
                  .no_proxy = plain},
  };
  enum chio_err err = run(&x, detail);
  if (err == CHIO_OK) err = chio_gcp_subject_read(account, chio_buf_slice(&x.reply.body), out_subject, detail);
  chio_http_reply_clear(&x.reply);
  return err;
}

static enum chio_err subject_from_file(const struct chio_gcp_account *account, struct chio_secret **out_subject,
                                       struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *text = NULL;
  enum chio_err err = chio_secret_file(account->subject_file, CHIO_GCP_SUBJECT_MAX, &text, detail);
  if (err == CHIO_E_NO_MEMORY) return err;
  if (err != CHIO_OK) return CHIO_E_PERMISSION;
  return chio_gcp_subject_read(account, chio_secret_slice(text), out_subject, detail);
}

static enum chio_err exchange_subject(struct chio_gcp_issuer *issuer, const struct chio_gcp_account *account,
                                      const struct chio_deadline *deadline, struct chio_http_reply *out_reply,
                                      struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *subject = NULL;
  struct chio_buf form = CHIO_BUF_INIT;
  enum chio_err err = account->subject_file[0] != '\0' ? subject_from_file(account, &subject, detail)
                                                       : subject_from_url(issuer, account, deadline, &subject, detail);
  if (err != CHIO_OK) return err;
  if (chio_buf_reserve(&form, FORM_ROOM) == NULL) return CHIO_E_NO_MEMORY;
  form_add_text(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
  form_add_text(&form, "audience", account->audience);
  form_add_text(&form, "scope", account->impersonation_url[0] != '\0' ? PLATFORM_SCOPE : CHIO_GCP_SCOPE);
  form_add_text(&form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
  form_add_text(&form, "subject_token_type", account->subject_type);
  form_add(&form, "subject_token", chio_secret_slice(subject));
  err = post_form(issuer, account->token_url, "the exchange of the foreign token", &form, deadline, out_reply, detail);
  form_clear(&form);
  return err;
}

static enum chio_err authorization_of(const struct chio_secret *token, struct chio_secret **out_header) {
  static const char prefix[] = "Authorization: Bearer ";
  enum chio_err err = chio_secret_new(sizeof prefix + token->len, out_header);
  if (err != CHIO_OK) return err;
  memcpy((*out_header)->data, prefix, sizeof prefix - 1);
  memcpy((*out_header)->data + sizeof prefix - 1, token->data, token->len);
  return CHIO_OK;
}

/* https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken */
static enum chio_err impersonate(struct chio_gcp_issuer *issuer, const struct chio_gcp_account *account,
                                 const struct chio_secret *federated, const struct chio_deadline *deadline,
                                 struct chio_gcp_token *out_token, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *authorization = NULL;
  char body[160];
  enum chio_err err = authorization_of(federated, &authorization);
  if (err != CHIO_OK) return err;
  const char *headers[] = {(const char *)authorization->data, "Content-Type: application/json"};
  int len = snprintf(body, sizeof body, "{\"scope\":[\"%s\"],\"lifetime\":\"%us\"}", CHIO_GCP_SCOPE,
                     account->lifetime_s);
  struct exchange x = {
      .issuer = issuer,
      .deadline = deadline,
      .what = "the token of the impersonated service account",
      .request = {.method = "POST",
                  .url = account->impersonation_url,
                  .headers = headers,
                  .header_count = 2,
                  .body = chio_slice(body, (size_t)len),
                  .ca_file = issuer->ca_file,
                  .allow_http = chio_http_is_loopback(account->impersonation_url)},
  };
  err = run(&x, detail);
  if (err == CHIO_OK)
    err = chio_gcp_impersonation_read(chio_buf_slice(&x.reply.body), corrected_now(issuer), out_token, detail);
  chio_http_reply_clear(&x.reply);
  return err;
}

enum chio_err chio_gcp_token_fetch(struct chio_gcp_issuer *issuer, const struct chio_gcp_account *account,
                                   const struct chio_deadline *deadline, struct chio_gcp_token *out_token,
                                   struct chio_detail *detail) {
  struct chio_http_reply reply = {.status = 0};
  struct chio_gcp_token token = {.secret = NULL};
  enum chio_err err = CHIO_E_INTERNAL;
  switch (account->type) {
    case CHIO_GCP_SERVICE_ACCOUNT: err = fetch_service_account(issuer, account, deadline, &reply, detail); break;
    case CHIO_GCP_AUTHORIZED_USER: err = fetch_authorized_user(issuer, account, deadline, &reply, detail); break;
    case CHIO_GCP_EXTERNAL_ACCOUNT: err = exchange_subject(issuer, account, deadline, &reply, detail); break;
  }
  if (err == CHIO_OK) err = chio_gcp_token_read(chio_buf_slice(&reply.body), &token, detail);
  chio_http_reply_clear(&reply);
  if (err != CHIO_OK) return err;
  if (account->type != CHIO_GCP_EXTERNAL_ACCOUNT || account->impersonation_url[0] == '\0') {
    *out_token = token;
    return CHIO_OK;
  }
  err = impersonate(issuer, account, token.secret, deadline, out_token, detail);
  chio_secret_free(token.secret);
  return err;
}

/* ---- metadata server -------------------------------------------------------------------------------------------- */

static bool flavor_ok(const struct chio_http_reply *reply) {
  return chio_slice_equal(chio_http_reply_header(reply, "metadata-flavor"), chio_slice_str("Google"));
}

/* One attempt: where there is no metadata server, there is none a moment later either; where one is busy, the lease
 * asks again soon. */
enum chio_err chio_gcp_token_metadata(struct chio_gcp_issuer *issuer, const char *base, const char *account,
                                      const struct chio_deadline *deadline, struct chio_gcp_token *out_token,
                                      struct chio_detail *detail) {
  static const char *const headers[] = {"Metadata-Flavor: Google"};
  char url[CHIO_GCP_URL_MAX + 512];
  unsigned left = chio_deadline_left_ms(deadline);
  struct chio_deadline soon = chio_deadline_in(left < CHIO_GCP_METADATA_MS ? left : CHIO_GCP_METADATA_MS);
  (void)snprintf(url, sizeof url, "%s/computeMetadata/v1/instance/service-accounts/%s/token?scopes=%s", base, account,
                 "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloudkms");
  struct exchange x = {
      .issuer = issuer,
      .deadline = &soon,
      .what = "the metadata server",
      .request = {.method = "GET", .url = url, .headers = headers, .header_count = 1, .allow_http = true,
                  .no_proxy = true},
  };
  enum chio_err err = attempt(&x).err;
  if (err != CHIO_OK && detail != NULL) *detail = x.detail;
  if (err == CHIO_OK && !flavor_ok(&x.reply))
    err = chio_fail(detail, CHIO_E_BACKEND, "what answers as metadata server is none of Google's");
  if (err == CHIO_OK) err = chio_gcp_token_read(chio_buf_slice(&x.reply.body), out_token, detail);
  chio_http_reply_clear(&x.reply);
  return err;
}
