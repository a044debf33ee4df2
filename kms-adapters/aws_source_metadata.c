#include "kms-adapters/aws_clock.h"
#include "kms-adapters/aws_source.h"
#include "kms-adapters/body.h"

#include <stdio.h>
#include <stdlib.h>

#define URL_SIZE 512u
#define CONTAINER_TIMEOUT_MS 2000u
#define INSTANCE_TIMEOUT_MS 1000u /* an absent service must not cost each start half a minute */
#define TRIES 3u
#define ROLE_NAME_MAX 128u
#define IMDS_TOKEN_MAX 1024u

/* A member that is text and secret, as it stands: copied, then wiped in the object. */
static enum chio_err take_text(const json_t *object, const char *member, struct chio_secret **out_text,
                               struct chio_detail *detail) {
  const char *text;
  enum chio_err err = chio_body_text(object, member, CHIO_AWS_SESSION_TOKEN_MAX, &text, detail);
  if (err != CHIO_OK) return err;
  err = chio_secret_copy(chio_slice_str(text), out_text);
  /* jansson hands out the string as const, but the memory is its own, writable, and about to be freed unwiped */
  chio_wipe((char *)(uintptr_t)text, strlen(text));
  return err;
}

static enum chio_err read_object(const json_t *object, const struct chio_http_reply *reply,
                                 struct chio_aws_found *out_found, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *secret_key = NULL;
  CHIO_AUTO(chio_secret) struct chio_secret *token = NULL;
  struct chio_secret *block;
  const char *access_key, *expiration, *code;
  struct chio_detail why = {.text = ""};
  time_t end;
  enum chio_err err = chio_body_text_if(object, "Code", &code, detail);
  if (err == CHIO_OK && code != NULL && strcmp(code, "Success") != 0)
    return chio_fail(detail, CHIO_E_PERMISSION, "the metadata service has no credentials for this role");
  if (err == CHIO_OK) err = chio_body_text(object, "AccessKeyId", CHIO_AWS_ACCESS_KEY_MAX, &access_key, detail);
  if (err == CHIO_OK) err = take_text(object, "SecretAccessKey", &secret_key, detail);
  if (err == CHIO_OK) err = take_text(object, "Token", &token, detail);
  if (err == CHIO_OK) err = chio_body_text(object, "Expiration", 64, &expiration, detail);
  if (err != CHIO_OK) return err;
  if (chio_aws_time_iso(chio_slice_str(expiration), &end) != CHIO_OK)
    return chio_fail(detail, CHIO_E_BACKEND, "the metadata service gave no proper Expiration");
  err = chio_aws_keys_pack(chio_slice_str(access_key), chio_secret_slice(secret_key), chio_secret_slice(token), &block,
                           &why);
  if (err == CHIO_E_MALFORMED) return chio_fail(detail, CHIO_E_BACKEND, "the metadata service: %s", why.text);
  if (err != CHIO_OK) return err;
  *out_found = (struct chio_aws_found){block, chio_aws_life_ms(reply, end)};
  return CHIO_OK;
}

enum chio_err chio_aws_metadata_read(const struct chio_http_reply *reply, struct chio_aws_found *out_found,
                                     struct chio_detail *detail) {
  json_t *object;
  enum chio_err err =
      chio_body_parse(chio_buf_slice(&reply->body), "the reply of the metadata service", &object, detail);
  if (err != CHIO_OK) return err;
  err = read_object(object, reply, out_found, detail);
  json_decref(object);
  return err;
}

/* One question to a metadata service. */
struct question {
  const char *method;
  const char *url;
  const char *header; /* NULL: none */
  unsigned timeout_ms;
  unsigned tries;
};

static unsigned least(unsigned a, unsigned b) {
  return a < b ? a : b;
}

static enum chio_err ask(const struct chio_aws_source *source, const struct question *q,
                         const struct chio_deadline *deadline, struct chio_http_reply *out_reply,
                         struct chio_detail *detail) {
  struct chio_http_request request = {
      .method = q->method,
      .url = q->url,
      .headers = &q->header,
      .header_count = q->header != NULL ? 1 : 0,
      .ca_file = source->ca_file,
      .allow_http = strncmp(q->url, "http://", 7) == 0,
      .no_proxy = true,
  };
  enum chio_err err = CHIO_E_TIMEOUT;
  for (unsigned i = 0; i < q->tries; i++) {
    request.timeout_ms = least(q->timeout_ms, chio_deadline_left_ms(deadline));
    if (request.timeout_ms == 0) return chio_fail(detail, CHIO_E_TIMEOUT, "no time was left");
    err = chio_http_call(source->http, &request, out_reply, detail);
    if (err == CHIO_OK && out_reply->status < 500) return CHIO_OK;
    if (err == CHIO_OK) {
      (void)chio_fail(detail, err, "HTTP %ld", out_reply->status);
      chio_http_reply_clear(out_reply);
      err = CHIO_E_BACKEND_UNREACHABLE;
    }
    if (!chio_deadline_sleep(deadline, 100u << i)) break;
  }
  return err;
}

static bool starts(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* TLS; or plain HTTP to this machine, or to one of these hosts. */
static bool scheme_fits(const char *url, const char *const *hosts, size_t count) {
  return starts(url, "https://") || chio_http_is_loopback(url) || chio_http_is_plain_to(url, hosts, count);
}

/* A user in the URL would make another host of what looks like a permitted one. */
static bool url_clean(const char *url) {
  size_t len = strlen(url);
  if (len >= URL_SIZE) return false;
  for (size_t i = 0; i < len; i++)
    if (url[i] <= ' ' || url[i] > '~' || url[i] == '@' || url[i] == '\\') return false;
  return true;
}

static enum chio_err container_url(const struct chio_aws_source *source, char out[URL_SIZE],
                                   struct chio_detail *detail) {
  static const char *const hosts[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
  const char *relative = secure_getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const char *full = source->metadata_url;
  if (relative != NULL && relative[0] == '\0') relative = NULL;
  if (full == NULL && relative == NULL) full = secure_getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (full == NULL && relative == NULL)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "no container (AWS_CONTAINER_CREDENTIALS_*)");
  int len = snprintf(out, URL_SIZE, "%s%s", full != NULL ? "" : "http://169.254.170.2", full != NULL ? full : relative);
  bool fits = len < (int)URL_SIZE && url_clean(out) && (full != NULL || relative[0] == '/');
  if (!fits || !scheme_fits(out, hosts, CHIO_ARRAY_LEN(hosts)))
    return chio_fail(detail, CHIO_E_PERMISSION,
                     "the container's credentials URI is neither https nor one of the addresses that may use http");
  return CHIO_OK;
}

/* "authorization: TOKEN"; NULL when there is none. The file is read anew each time: it is replaced before its end. */
static enum chio_err container_header(struct chio_secret **out_line, struct chio_detail *detail) {
  static const char name[] = "authorization: ";
  CHIO_AUTO(chio_secret) struct chio_secret *from_file = NULL;
  const char *file = secure_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  struct chio_slice token = chio_slice_str(secure_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
  struct chio_detail why = {.text = ""};
  if (file != NULL && file[0] != '\0') {
    enum chio_err err = chio_secret_file(file, CHIO_AWS_SESSION_TOKEN_MAX, &from_file, &why);
    if (err != CHIO_OK) return chio_fail(detail, CHIO_E_PERMISSION, "container's token: %s", why.text);
    token = chio_secret_slice(from_file);
  }
  if (token.len == 0) return CHIO_OK;
  for (size_t i = 0; i < token.len; i++)
    if (token.data[i] < ' ' || token.data[i] > '~')
      return chio_fail(detail, CHIO_E_PERMISSION, "the container's token has a character that is not allowed");
  enum chio_err err = chio_secret_new(sizeof name + token.len, out_line);
  if (err != CHIO_OK) return err;
  memcpy((*out_line)->data, name, sizeof name - 1);
  memcpy((*out_line)->data + sizeof name - 1, token.data, token.len);
  return CHIO_OK;
}

static enum chio_err read_credentials(struct chio_http_reply *reply, const char *who, struct chio_aws_found *out_found,
                                      struct chio_detail *detail) {
  struct chio_detail why = {.text = ""};
  long status = reply->status;
  enum chio_err err = CHIO_OK;
  if (status != 200) err = chio_fail(&why, CHIO_E_PERMISSION, "HTTP %ld", status);
  if (err == CHIO_OK) err = chio_aws_metadata_read(reply, out_found, &why);
  chio_http_reply_clear(reply);
  return err == CHIO_OK ? CHIO_OK : chio_fail(detail, err, "%s: %s", who, why.text);
}

enum chio_err chio_aws_from_container(const struct chio_aws_source *source, const struct chio_deadline *deadline,
                                      struct chio_aws_found *out_found, struct chio_detail *detail) {
  char url[URL_SIZE];
  CHIO_AUTO(chio_secret) struct chio_secret *line = NULL;
  struct chio_detail why = {.text = ""};
  struct chio_http_reply reply;
  enum chio_err err = container_url(source, url, detail);
  if (err == CHIO_OK) err = container_header(&line, detail);
  if (err != CHIO_OK) return err;
  const struct question q = {"GET", url, line != NULL ? (const char *)line->data : NULL, CONTAINER_TIMEOUT_MS, TRIES};
  err = ask(source, &q, deadline, &reply, &why);
  if (err != CHIO_OK) return chio_fail(detail, err, "container's credentials: %s", why.text);
  return read_credentials(&reply, "container's credentials", out_found, detail);
}

static enum chio_err instance_base(const struct chio_aws_source *source, char out[URL_SIZE],
                                   struct chio_detail *detail) {
  static const char *const hosts[] = {"169.254.169.254", "[fd00:ec2::254]"};
  const char *disabled = secure_getenv("AWS_EC2_METADATA_DISABLED");
  const char *mode = secure_getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
  const char *url = source->metadata_url;
  if (disabled != NULL && strcasecmp(disabled, "true") == 0)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "AWS_EC2_METADATA_DISABLED is set");
  if (url == NULL) url = secure_getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (url == NULL || url[0] == '\0')
    url = mode != NULL && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  int len = snprintf(out, URL_SIZE, "%s", url);
  if (len >= (int)URL_SIZE || !url_clean(out) ||
      !scheme_fits(out, hosts, CHIO_ARRAY_LEN(hosts)))
    return chio_fail(detail, CHIO_E_PERMISSION,
                     "the instance's metadata URL is neither https nor one of the addresses that may use http");
  if (len > 0 && out[len - 1] == '/') out[len - 1] = '\0';
  return CHIO_OK;
}

/* A secret text as a header of the next questions. Printable, since a line break would make a header of its own. */
static enum chio_err token_line(struct chio_slice token, struct chio_secret **out_line, struct chio_detail *detail) {
  static const char name[] = "x-aws-ec2-metadata-token: ";
  bool fits = token.len > 0 && token.len <= IMDS_TOKEN_MAX;
  for (size_t i = 0; fits && i < token.len; i++) fits = token.data[i] > ' ' && token.data[i] <= '~';
  if (!fits) return chio_fail(detail, CHIO_E_BACKEND, "instance metadata: the session token is malformed");
  enum chio_err err = chio_secret_new(sizeof name + token.len, out_line);
  if (err != CHIO_OK) return err;
  memcpy((*out_line)->data, name, sizeof name - 1);
  memcpy((*out_line)->data + sizeof name - 1, token.data, token.len);
  return CHIO_OK;
}

/* IMDSv2's session. Without it nothing is asked: v1 answers to whoever makes this process fetch a URL. */
static enum chio_err open_session(const struct chio_aws_source *source, const char *base,
                                  const struct chio_deadline *deadline, struct chio_secret **out_line,
                                  struct chio_detail *detail) {
  char url[URL_SIZE + 64];
  struct chio_http_reply reply;
  struct chio_detail why = {.text = ""};
  (void)snprintf(url, sizeof url, "%s/latest/api/token", base);
  const struct question q = {"PUT", url, "x-aws-ec2-metadata-token-ttl-seconds: 300", INSTANCE_TIMEOUT_MS, 1};
  enum chio_err err = ask(source, &q, deadline, &reply, &why);
  if (err != CHIO_OK)
    return chio_fail(detail, CHIO_E_NOT_FOUND,
                     "no instance metadata (%s; in a container its hop limit must be 2)", why.text);
  if (reply.status == 200)
    err = token_line(chio_buf_slice(&reply.body), out_line, detail);
  else
    err = chio_fail(detail, CHIO_E_NOT_FOUND, "instance metadata: HTTP %ld for a session token", reply.status);
  chio_http_reply_clear(&reply);
  return err;
}

/* The name of the role that the instance has: the first line. */
static enum chio_err role_name(const struct chio_http_reply *reply, char out[ROLE_NAME_MAX + 1],
                               struct chio_detail *detail) {
  struct chio_slice body = chio_buf_slice(&reply->body);
  size_t len = 0;
  if (reply->status == 404) return chio_fail(detail, CHIO_E_PERMISSION, "instance metadata: the instance has no role");
  if (reply->status != 200)
    return chio_fail(detail, CHIO_E_PERMISSION, "instance metadata: HTTP %ld for the role", reply->status);
  while (len < body.len && body.data[len] != '\n' && body.data[len] != '\r') len++;
  bool fits = len > 0 && len <= ROLE_NAME_MAX;
  for (size_t i = 0; fits && i < len; i++) {
    uint8_t c = body.data[i];
    fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_+=,.@-", c) != NULL;
  }
  if (!fits) return chio_fail(detail, CHIO_E_BACKEND, "instance metadata: the name of the role is malformed");
  memcpy(out, body.data, len);
  out[len] = '\0';
  return CHIO_OK;
}

enum chio_err chio_aws_from_instance(const struct chio_aws_source *source, const struct chio_deadline *deadline,
                                     struct chio_aws_found *out_found, struct chio_detail *detail) {
  static const char path[] = "/latest/meta-data/iam/security-credentials/";
  char base[URL_SIZE], url[URL_SIZE + sizeof path + ROLE_NAME_MAX], role[ROLE_NAME_MAX + 1];
  CHIO_AUTO(chio_secret) struct chio_secret *line = NULL;
  struct chio_detail why = {.text = ""};
  struct chio_http_reply reply;
  enum chio_err err = instance_base(source, base, detail);
  if (err == CHIO_OK) err = open_session(source, base, deadline, &line, detail);
  if (err != CHIO_OK) return err;
  (void)snprintf(url, sizeof url, "%s%s", base, path);
  const struct question q = {"GET", url, (const char *)line->data, INSTANCE_TIMEOUT_MS, TRIES};
  err = ask(source, &q, deadline, &reply, &why);
  if (err != CHIO_OK) return chio_fail(detail, err, "instance metadata: %s", why.text);
  err = role_name(&reply, role, detail);
  chio_http_reply_clear(&reply);
  if (err != CHIO_OK) return err;
  (void)snprintf(url, sizeof url, "%s%s%s", base, path, role);
  err = ask(source, &q, deadline, &reply, &why);
  if (err != CHIO_OK) return chio_fail(detail, err, "instance metadata: %s", why.text);
  return read_credentials(&reply, "instance metadata", out_found, detail);
}
