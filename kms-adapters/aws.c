#include "kms-adapters/aws.h"

#include "kms-adapters/body.h"

#include <stdio.h>
#include <stdlib.h>

static const char *given(const char *text) {
  return text != NULL && text[0] != '\0' ? text : NULL;
}

static bool env_true(const char *name) {
  const char *value = secure_getenv(name);
  return value != NULL && strcasecmp(value, "true") == 0;
}

static void aws_close(void *arg) {
  struct chio_aws *self = arg;
  chio_aws_chain_free(self->chain);
  chio_aws_endpoints_free(self->endpoints);
  chio_aws_aliases_free(self);
  (void)pthread_mutex_destroy(&self->lock);
  free(self->endpoint);
  free(self->ca_file);
  free(self->role);
  free(self->token_file);
  free(self->credentials_file);
  free(self->sts_url);
  free(self->metadata_url);
  free(self);
}

static enum chio_err copy(const char *text, char **out_copy) {
  if (given(text) == NULL) return CHIO_OK;
  *out_copy = strdup(text);
  return *out_copy != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
}

static const char *first_given(const char *a, const char *b, const char *c) {
  return given(a) != NULL ? given(a) : given(b) != NULL ? given(b) : given(c);
}

/* auth_endpoint is the metadata service's where that is asked for by name, else that of STS. */
static enum chio_err copy_options(struct chio_aws *self, const struct chio_backend_options *options) {
  bool metadata = options->auth != NULL &&
                  (strcmp(options->auth, "container") == 0 || strcmp(options->auth, "instance") == 0);
  const char *any_url = secure_getenv("AWS_ENDPOINT_URL");
  const char *kms_url = first_given(options->endpoint, secure_getenv("AWS_ENDPOINT_URL_KMS"), any_url);
  const char *sts_url =
      first_given(metadata ? NULL : options->auth_endpoint, secure_getenv("AWS_ENDPOINT_URL_STS"), any_url);
  (void)snprintf(self->name, sizeof self->name, "%s", options->name != NULL ? options->name : "aws");
  self->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : CHIO_KMS_TIMEOUT_MS;
  self->fips = env_true("AWS_USE_FIPS_ENDPOINT");
  enum chio_err err = copy(kms_url, &self->endpoint);
  if (err == CHIO_OK) err = copy(sts_url, &self->sts_url);
  if (err == CHIO_OK && metadata) err = copy(options->auth_endpoint, &self->metadata_url);
  if (err == CHIO_OK) err = copy(first_given(options->ca_file, secure_getenv("AWS_CA_BUNDLE"), NULL), &self->ca_file);
  if (err == CHIO_OK) err = copy(options->role, &self->role);
  if (err == CHIO_OK) err = copy(options->token_file, &self->token_file);
  if (err == CHIO_OK) err = copy(options->secret_file, &self->credentials_file);
  return err;
}

static enum chio_err check_urls(const struct chio_aws *self, struct chio_detail *detail) {
  struct chio_detail why = {.text = ""};
  enum chio_err err = self->endpoint != NULL ? chio_aws_url_check(self->endpoint, &why) : CHIO_OK;
  if (err != CHIO_OK) return chio_fail(detail, err, "backend '%s': endpoint: %s", self->name, why.text);
  err = self->sts_url != NULL ? chio_aws_url_check(self->sts_url, &why) : CHIO_OK;
  if (err != CHIO_OK) return chio_fail(detail, err, "backend '%s': auth_endpoint: %s", self->name, why.text);
  return CHIO_OK;
}

static struct chio_aws_source source_of(const struct chio_aws *self) {
  return (struct chio_aws_source){
      .http = self->http,
      .endpoints = self->endpoints,
      .backend = self->name,
      .region = self->region,
      .sts_url = self->sts_url,
      .metadata_url = self->metadata_url,
      .ca_file = self->ca_file,
      .role = self->role,
      .token_file = self->token_file,
      .credentials_file = self->credentials_file,
      .fips = self->fips,
  };
}

/* No region at all is no mistake yet: each URI may name its own. */
static enum chio_err find_region(struct chio_aws *self, const char *configured, const struct chio_aws_source *source,
                                 struct chio_detail *detail) {
  const char *region =
      first_given(configured, secure_getenv("AWS_REGION"), secure_getenv("AWS_DEFAULT_REGION"));
  if (region == NULL)
    chio_aws_profile_setting(source, "region", self->region, sizeof self->region);
  else if (snprintf(self->region, sizeof self->region, "%s", region) >= (int)sizeof self->region)
    return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': region is too long", self->name);
  if (self->region[0] != '\0' && !chio_aws_region_valid(self->region))
    return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': region is no name of an AWS region", self->name);
  return CHIO_OK;
}

static enum chio_err set_up(struct chio_aws *self, const struct chio_backend_options *options,
                            struct chio_detail *detail) {
  struct chio_detail why = {.text = ""};
  enum chio_err err = copy_options(self, options);
  if (err == CHIO_OK) err = check_urls(self, detail);
  if (err == CHIO_OK) err = chio_aws_endpoints_new(&self->endpoints);
  if (err != CHIO_OK) return err;
  const struct chio_aws_source source = source_of(self);
  err = find_region(self, options->region, &source, detail);
  if (err != CHIO_OK) return err;
  err = chio_aws_chain_new(&source, given(options->auth), &self->chain, &why);
  return err == CHIO_OK ? CHIO_OK : chio_fail(detail, err, "backend '%s': %s", self->name, why.text);
}

static enum chio_err aws_open(const struct chio_backend_options *options, struct chio_http *http, void **out_self,
                              struct chio_detail *detail) {
  struct chio_aws *self = calloc(1, sizeof *self);
  if (self == NULL) return CHIO_E_NO_MEMORY;
  self->http = http;
  (void)pthread_mutex_init(&self->lock, NULL);
  enum chio_err err = set_up(self, options, detail);
  if (err != CHIO_OK) {
    aws_close(self);
    return err;
  }
  *out_self = self;
  return CHIO_OK;
}

/* A URI's own words go before the configuration's. */
static enum chio_err endpoint_for(struct chio_aws *self, const struct chio_key_uri *uri,
                                  struct chio_aws_endpoint **out_endpoint, struct chio_detail *detail) {
  char url[300];
  struct chio_aws_place place = {"kms", self->region, self->endpoint, self->ca_file, self->fips};
  struct chio_detail why = {.text = ""};
  if (uri != NULL && uri->region[0] != '\0') place.region = uri->region;
  if (uri != NULL && uri->ca[0] != '\0') place.ca_file = uri->ca;
  if (uri != NULL && uri->host[0] != '\0') {
    (void)snprintf(url, sizeof url, "https://%s", uri->host);
    place.url = url;
  }
  if (uri != NULL && uri->endpoint[0] != '\0') place.url = uri->endpoint;
  enum chio_err err = chio_aws_endpoint_get(self->endpoints, &place, out_endpoint, &why);
  return err == CHIO_OK ? CHIO_OK : chio_fail(detail, err, "backend '%s': %s", self->name, why.text);
}

const char *chio_aws_short_name(const char *key) {
  const char *colon = strrchr(key, ':');
  return colon != NULL ? colon + 1 : key;
}

/* The texts of a body that held a plaintext. jansson's memory is its own and writable. */
static void wipe_texts(json_t *body) {
  const char *member;
  json_t *value;
  json_object_foreach(body, member, value) if (json_is_string(value))
      chio_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
}

static enum chio_err write_body(const struct chio_aws_operation *operation, struct chio_buf *out) {
  if (operation->body == NULL) return CHIO_E_NO_MEMORY;
  /* at once, so that no growing leaves a copy of a plaintext behind */
  if (chio_buf_reserve(out, 2 * CHIO_AWS_SEALED_MAX + 2 * CHIO_AWS_ARN_MAX) == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_body_write(operation->body, out);
  if (operation->secret) wipe_texts(operation->body);
  json_decref(operation->body);
  return err;
}

static enum chio_err parse_reply(const struct chio_aws *self, const char *operation,
                                 const struct chio_http_reply *reply, json_t **out_reply,
                                 struct chio_detail *detail) {
  struct chio_detail why = {.text = ""};
  char what[64];
  (void)snprintf(what, sizeof what, "the reply of %s", operation);
  enum chio_err err = chio_body_parse(chio_buf_slice(&reply->body), what, out_reply, &why);
  return err == CHIO_OK ? CHIO_OK : chio_fail(detail, err, "aws '%s': %s", self->name, why.text);
}

enum chio_err chio_aws_ask(struct chio_aws *self, const struct chio_aws_operation *operation,
                           const struct chio_deadline *deadline, json_t **out_reply, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *body = chio_buf_new();
  struct chio_aws_request request = {
      .http = self->http,
      .service = "kms",
      .operation = operation->name,
      .backend = self->name,
      .about = operation->about != NULL ? operation->about
               : operation->uri != NULL ? chio_aws_short_name(operation->uri->key)
                                        : NULL,
      .lease = chio_aws_chain_lease(self->chain),
      .once = operation->once,
  };
  struct chio_http_reply reply;
  enum chio_err err = body != NULL ? write_body(operation, body) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = endpoint_for(self, operation->uri, &request.endpoint, detail);
  if (err == CHIO_OK) {
    request.body = chio_buf_slice(body);
    err = chio_aws_call(&request, deadline, &reply, detail);
  }
  if (body != NULL && body->data != NULL) chio_wipe(body->data, body->cap);
  if (err != CHIO_OK) return err;
  if (out_reply != NULL) err = parse_reply(self, operation->name, &reply, out_reply, detail);
  chio_http_reply_clear(&reply);
  return err;
}

enum chio_err chio_aws_check_key(const struct chio_aws *self, const char *operation, const json_t *reply,
                                 const char *arn, struct chio_detail *detail) {
  const char *echoed;
  struct chio_detail why = {.text = ""};
  enum chio_err err = chio_body_text(reply, "KeyId", CHIO_AWS_ARN_MAX, &echoed, &why);
  if (err != CHIO_OK) return chio_fail(detail, err, "aws '%s': %s: %s", self->name, operation, why.text);
  const char *id = strrchr(arn, '/');
  if (strcmp(echoed, arn) == 0 || (id != NULL && strcmp(echoed, id + 1) == 0)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': %s: asked for %s, and another key answered", self->name,
                   operation, chio_aws_short_name(arn));
}

enum chio_err chio_aws_check_echo(const struct chio_aws *self, const char *operation, const json_t *reply,
                                  const char *member, const char *expected, struct chio_detail *detail) {
  const char *echoed;
  enum chio_err err = chio_body_text_if(reply, member, &echoed, NULL);
  if (err == CHIO_OK && (echoed == NULL || strcmp(echoed, expected) == 0)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': %s: asked for %s, and the reply's %s is another", self->name,
                   operation, expected, member);
}

/* A refusal to let us list is an answer to credentials that are good. */
static enum chio_err aws_health(void *arg, const struct chio_deadline *deadline, struct chio_detail *detail) {
  struct chio_aws *self = arg;
  struct chio_detail why = {.text = ""};
  const struct chio_aws_operation operation = {.name = "ListKeys", .body = json_pack("{s:i}", "Limit", 1)};
  json_t *reply;
  enum chio_err err = chio_aws_ask(self, &operation, deadline, &reply, &why);
  if (err == CHIO_OK) json_decref(reply);
  if (err == CHIO_E_PERMISSION && strstr(why.text, " AccessDenied") != NULL) return CHIO_OK;
  return err == CHIO_OK ? CHIO_OK : chio_fail(detail, err, "%s", why.text);
}

const struct chio_adapter_ops chio_aws_ops = {
    .name = "aws",
    .kind = CHIO_KMS_AWS,
    .options = " endpoint ca_file region auth role auth_endpoint token_file secret_file ",
    .open = aws_open,
    .close = aws_close,
    .describe = chio_aws_describe,
    .check = chio_aws_check,
    .sign = chio_aws_sign,
    .create = chio_aws_create,
    .list = chio_aws_list,
    .encrypt = chio_aws_encrypt,
    .decrypt = chio_aws_decrypt,
    .derive = chio_aws_derive,
    .random = chio_aws_random,
    .health = aws_health,
};
