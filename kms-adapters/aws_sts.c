#include "kms-adapters/aws_clock.h"
#include "kms-adapters/aws_request.h"
#include "kms-adapters/aws_source.h"
#include "kms-adapters/aws_xml.h"
#include "kms-adapters/body.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKEN_MAX 20000u /* bytes; the STS API reference's limit of WebIdentityToken */
#define ARN_MAX 2048u    /* bytes */
#define LIFE_S 3600u

/* A form that may hold a token: made at once in its full size. */
struct form {
  struct chio_secret *text;
  size_t len;
};

static void put(struct form *form, char c) {
  form->text->data[form->len++] = (uint8_t)c;
}

static void put_field(struct form *form, const char *name, struct chio_slice value) {
  static const char hex[] = "0123456789ABCDEF";
  if (form->len > 0) put(form, '&');
  for (; *name != '\0'; name++) put(form, *name);
  put(form, '=');
  for (size_t i = 0; i < value.len; i++) {
    uint8_t c = value.data[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                 c == '.' || c == '~';
    if (plain) {
      put(form, (char)c);
      continue;
    }
    put(form, '%');
    put(form, hex[c >> 4]);
    put(form, hex[c & 15]);
  }
}

struct field {
  const char *name;
  struct chio_slice value; /* empty: left out */
};

static enum chio_err form_new(const struct field *fields, size_t count, struct form *out_form) {
  size_t room = 0;
  struct form form = {NULL, 0};
  for (size_t i = 0; i < count; i++) room += strlen(fields[i].name) + 2 + 3 * fields[i].value.len;
  enum chio_err err = chio_secret_new(room, &form.text);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; i < count; i++)
    if (fields[i].value.len > 0) put_field(&form, fields[i].name, fields[i].value);
  *out_form = form;
  return CHIO_OK;
}

/* A value inside the document. */
static enum chio_err text_of(struct chio_slice document, const char *name, struct chio_slice *out_text,
                             struct chio_detail *detail) {
  struct chio_slice text;
  enum chio_err err = chio_aws_xml_text(document, name, &text);
  if (err == CHIO_OK && (text.len == 0 || memchr(text.data, '&', text.len) != NULL)) err = CHIO_E_MALFORMED;
  if (err != CHIO_OK) return chio_fail(detail, CHIO_E_BACKEND, "the reply of STS has no proper %s", name);
  *out_text = text;
  return CHIO_OK;
}

enum chio_err chio_aws_sts_read(const struct chio_http_reply *reply, struct chio_aws_found *out_found,
                                struct chio_detail *detail) {
  static const char *const names[] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
  struct chio_slice texts[CHIO_ARRAY_LEN(names)];
  struct chio_detail why = {.text = ""};
  time_t end;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    enum chio_err err = text_of(chio_buf_slice(&reply->body), names[i], &texts[i], detail);
    if (err != CHIO_OK) return err;
  }
  if (chio_aws_time_iso(texts[3], &end) != CHIO_OK)
    return chio_fail(detail, CHIO_E_BACKEND, "the reply of STS has no proper Expiration");
  struct chio_secret *block;
  enum chio_err err = chio_aws_keys_pack(texts[0], texts[1], texts[2], &block, &why);
  if (err == CHIO_E_MALFORMED) return chio_fail(detail, CHIO_E_BACKEND, "the reply of STS: %s", why.text);
  if (err != CHIO_OK) return err;
  *out_found = (struct chio_aws_found){block, chio_aws_life_ms(reply, end)};
  return CHIO_OK;
}

static enum chio_err check_arn(const char *arn, struct chio_detail *detail) {
  if (strncmp(arn, "arn:", 4) == 0 && strnlen(arn, ARN_MAX + 1) <= ARN_MAX) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "the role to take on is no ARN (arn:aws:iam::ACCOUNT:role/NAME)");
}

static const char *session_name(const struct chio_aws_role *role) {
  const char *name = role->session_name != NULL ? role->session_name : secure_getenv("AWS_ROLE_SESSION_NAME");
  return name != NULL && name[0] != '\0' ? name : "chio-hsm";
}

static enum chio_err ask(const struct chio_aws_source *source, const char *operation, const struct form *form,
                         const struct chio_aws_role *role, const struct chio_secret *base,
                         const struct chio_deadline *deadline, struct chio_aws_found *out_found,
                         struct chio_detail *detail) {
  const struct chio_aws_place place = {"sts", source->region, source->sts_url, source->ca_file, source->fips};
  struct chio_aws_endpoint *endpoint;
  struct chio_http_reply reply;
  enum chio_err err = chio_aws_endpoint_get(source->endpoints, &place, &endpoint, detail);
  if (err != CHIO_OK) return err;
  const struct chio_aws_request request = {
      .http = source->http,
      .endpoint = endpoint,
      .service = "sts",
      .operation = operation,
      .backend = source->backend,
      .about = role->arn,
      .body = chio_slice(form->text->data, form->len),
      .keys = base,
  };
  err = chio_aws_call(&request, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_aws_sts_read(&reply, out_found, detail);
  chio_http_reply_clear(&reply);
  return err;
}

static enum chio_err assume(const struct chio_aws_source *source, const struct chio_aws_role *role,
                            struct chio_slice token, const struct chio_secret *base,
                            const struct chio_deadline *deadline, struct chio_aws_found *out_found,
                            struct chio_detail *detail) {
  const char *operation = token.len > 0 ? "AssumeRoleWithWebIdentity" : "AssumeRole";
  char duration[16];
  struct form form;
  enum chio_err err = check_arn(role->arn, detail);
  if (err != CHIO_OK) return err;
  (void)snprintf(duration, sizeof duration, "%u", role->duration_s != 0 ? role->duration_s : LIFE_S);
  const struct field fields[] = {
      {"Action", chio_slice_str(operation)},
      {"Version", chio_slice_str("2011-06-15")},
      {"RoleArn", chio_slice_str(role->arn)},
      {"RoleSessionName", chio_slice_str(session_name(role))},
      {"ExternalId", chio_slice_str(role->external_id)},
      {"DurationSeconds", chio_slice_str(duration)},
      {"WebIdentityToken", token},
  };
  err = form_new(fields, CHIO_ARRAY_LEN(fields), &form);
  if (err != CHIO_OK) return err;
  err = ask(source, operation, &form, role, base, deadline, out_found, detail);
  chio_secret_free(form.text);
  return err;
}

enum chio_err chio_aws_assume_role(const struct chio_aws_source *source, const struct chio_aws_role *role,
                                   const struct chio_secret *base, const struct chio_deadline *deadline,
                                   struct chio_aws_found *out_found, struct chio_detail *detail) {
  return assume(source, role, chio_slice(NULL, 0), base, deadline, out_found, detail);
}

enum chio_err chio_aws_assume_role_with_token(const struct chio_aws_source *source, const struct chio_aws_role *role,
                                              const char *token_file, const struct chio_deadline *deadline,
                                              struct chio_aws_found *out_found, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *token = NULL;
  struct chio_detail why = {.text = ""};
  enum chio_err err = chio_secret_file(token_file, TOKEN_MAX, &token, &why);
  if (err != CHIO_OK) return chio_fail(detail, CHIO_E_PERMISSION, "web identity token: %s", why.text);
  if (token->len == 0) return chio_fail(detail, CHIO_E_PERMISSION, "web identity token: %s is empty", token_file);
  return assume(source, role, chio_secret_slice(token), NULL, deadline, out_found, detail);
}

enum chio_err chio_aws_from_web_identity(const struct chio_aws_source *source, const struct chio_deadline *deadline,
                                         struct chio_aws_found *out_found, struct chio_detail *detail) {
  const char *file = source->token_file != NULL ? source->token_file : secure_getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
  const char *arn = source->role != NULL ? source->role : secure_getenv("AWS_ROLE_ARN");
  if (file == NULL || file[0] == '\0')
    return chio_fail(detail, CHIO_E_NOT_FOUND, "no web identity (AWS_WEB_IDENTITY_TOKEN_FILE)");
  if (arn == NULL || arn[0] == '\0')
    return chio_fail(detail, CHIO_E_PERMISSION, "web identity: there is a token file but no role (AWS_ROLE_ARN)");
  const struct chio_aws_role role = {.arn = arn};
  return chio_aws_assume_role_with_token(source, &role, file, deadline, out_found, detail);
}
