#include "kms-adapters/aws.h"
#include "kms-adapters/body.h"
#include "kms-adapters/signature_form.h"

#include <stdio.h>
#include <stdlib.h>


/* ---- Names ---- */

struct chio_aws_alias {
  struct chio_aws_alias *next;
  char *key, *place, *arn;
};

static void alias_free(struct chio_aws_alias *alias) {
  free(alias->key);
  free(alias->place);
  free(alias->arn);
  free(alias);
}

void chio_aws_aliases_free(struct chio_aws *self) {
  while (self->aliases != NULL) {
    struct chio_aws_alias *alias = self->aliases;
    self->aliases = alias->next;
    alias_free(alias);
  }
}

/* The same alias means different keys in two regions or at two servers. */
static void place_of(const struct chio_key_uri *uri, char out[CHIO_KEY_URI_MAX]) {
  (void)snprintf(out, CHIO_KEY_URI_MAX, "%s %s %s", uri->region, uri->host, uri->endpoint);
}

static bool recall(struct chio_aws *self, const struct chio_key_uri *uri, char out_arn[CHIO_KEY_URI_MAX]) {
  char place[CHIO_KEY_URI_MAX];
  bool known = false;
  place_of(uri, place);
  (void)pthread_mutex_lock(&self->lock);
  for (struct chio_aws_alias *a = self->aliases; a != NULL && !known; a = a->next) {
    known = strcmp(a->key, uri->key) == 0 && strcmp(a->place, place) == 0;
    if (known) memcpy(out_arn, a->arn, strlen(a->arn) + 1);
  }
  (void)pthread_mutex_unlock(&self->lock);
  return known;
}

/* Without memory, or with too many, the next use asks again: no more than slower. */
static void remember(struct chio_aws *self, const struct chio_key_uri *uri, const char *arn) {
  char place[CHIO_KEY_URI_MAX], known[CHIO_KEY_URI_MAX];
  struct chio_aws_alias *alias = calloc(1, sizeof *alias);
  place_of(uri, place);
  if (alias == NULL) return;
  alias->key = strdup(uri->key);
  alias->place = strdup(place);
  alias->arn = strdup(arn);
  bool full = alias->key == NULL || alias->place == NULL || alias->arn == NULL || recall(self, uri, known);
  (void)pthread_mutex_lock(&self->lock);
  size_t count = 0;
  for (struct chio_aws_alias *a = self->aliases; a != NULL; a = a->next) count++;
  if (!full && count < CHIO_AWS_ALIASES_MAX) {
    alias->next = self->aliases;
    self->aliases = alias;
    alias = NULL;
  }
  (void)pthread_mutex_unlock(&self->lock);
  if (alias != NULL) alias_free(alias);
}

static bool is_key_arn(const char *key) {
  return strncmp(key, "arn:", 4) == 0 && strstr(key, ":key/") != NULL;
}

/* The ARN that a reply gives for what was asked by another name. */
static enum chio_err take_arn(const struct chio_aws *self, const char *operation, const json_t *object,
                              const char *member, char out_arn[CHIO_KEY_URI_MAX], struct chio_detail *detail) {
  const char *arn;
  struct chio_detail why = {.text = ""};
  enum chio_err err = chio_body_text(object, member, CHIO_KEY_URI_MAX - 1, &arn, &why);
  if (err != CHIO_OK) return chio_fail(detail, err, "aws '%s': %s: %s", self->name, operation, why.text);
  size_t len = strlen(arn);
  for (size_t i = 0; i < len; i++)
    if (arn[i] <= ' ' || arn[i] > '~')
      return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': %s: the ARN is malformed", self->name, operation);
  memcpy(out_arn, arn, len + 1);
  return CHIO_OK;
}

static enum chio_err describe_key(struct chio_aws *self, const struct chio_key_uri *uri, const char *key,
                                  const struct chio_deadline *deadline, json_t **out_reply, const json_t **out_metadata,
                                  struct chio_detail *detail) {
  const struct chio_aws_operation operation = {
      .name = "DescribeKey", .uri = uri, .body = json_pack("{s:s}", "KeyId", key)};
  enum chio_err err = chio_aws_ask(self, &operation, deadline, out_reply, detail);
  if (err != CHIO_OK) return err;
  *out_metadata = json_object_get(*out_reply, "KeyMetadata");
  if (json_is_object(*out_metadata)) return CHIO_OK;
  json_decref(*out_reply);
  return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': the reply of DescribeKey has no KeyMetadata", self->name);
}

enum chio_err chio_aws_resolve(struct chio_aws *self, const struct chio_key_uri *uri,
                               const struct chio_deadline *deadline, char out_arn[CHIO_KEY_URI_MAX],
                               struct chio_detail *detail) {
  json_t *reply;
  const json_t *metadata;
  if (is_key_arn(uri->key)) {
    memcpy(out_arn, uri->key, strlen(uri->key) + 1);
    return CHIO_OK;
  }
  if (recall(self, uri, out_arn)) return CHIO_OK;
  enum chio_err err = describe_key(self, uri, uri->key, deadline, &reply, &metadata, detail);
  if (err != CHIO_OK) return err;
  err = take_arn(self, "DescribeKey", metadata, "Arn", out_arn, detail);
  json_decref(reply);
  if (err == CHIO_OK) remember(self, uri, out_arn);
  return err;
}

/* ---- Describing ---- */

static bool offers(const json_t *reply, const char *member) {
  return json_array_size(json_object_get(reply, member)) > 0;
}

static bool usage_is(const json_t *reply, const char *usage) {
  const char *text = json_string_value(json_object_get(reply, "KeyUsage"));
  return text != NULL && strcmp(text, usage) == 0;
}

static enum chio_err read_public_key(const struct chio_aws *self, const struct chio_key_uri *uri, const json_t *reply,
                                     struct chio_kms_key *key, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *spki = chio_buf_new();
  struct chio_detail why = {.text = ""};
  const char *spec = NULL;
  if (spki == NULL) return CHIO_E_NO_MEMORY;
  key->uri = *uri;
  if (uri->region[0] == '\0') memcpy(key->uri.region, self->region, sizeof key->uri.region);
  enum chio_err err = take_arn(self, "GetPublicKey", reply, "KeyId", key->uri.key, detail);
  /* one that was named by its ARN must be the one that answers */
  if (err == CHIO_OK && is_key_arn(uri->key)) err = chio_aws_check_key(self, "GetPublicKey", reply, uri->key, detail);
  if (err != CHIO_OK) return err;
  if (chio_body_text_if(reply, "KeySpec", &spec, NULL) == CHIO_OK && spec != NULL &&
      (strcmp(spec, "SM2") == 0 || strncmp(spec, "ML_DSA", 6) == 0))
    return chio_fail(detail, CHIO_E_KEY_TYPE, "aws '%s': a key of spec %s cannot be used here", self->name, spec);
  err = chio_body_bytes(reply, "PublicKey", false, CHIO_KMS_SPKI_MAX, spki, &why);
  if (err == CHIO_OK) err = chio_kms_key_from_spki(chio_buf_slice(spki), key, &why);
  if (err != CHIO_OK) return chio_fail(detail, err, "aws '%s': GetPublicKey: %s", self->name, why.text);
  key->can_sign = usage_is(reply, "SIGN_VERIFY") && offers(reply, "SigningAlgorithms");
  key->can_decrypt = usage_is(reply, "ENCRYPT_DECRYPT");
  return CHIO_OK;
}

/* Why a key that is there cannot be used now. */
static enum chio_err judge_state(const struct chio_aws *self, const char *key, const json_t *metadata,
                                 struct chio_detail *detail) {
  const char *state = NULL;
  if (chio_body_text_if(metadata, "KeyState", &state, NULL) != CHIO_OK || state == NULL)
    return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': the reply of DescribeKey has no KeyState", self->name);
  if (strcmp(state, "Enabled") == 0) return CHIO_OK;
  static const char *const states[] = {"Creating",    "Disabled",    "PendingDeletion", "PendingImport",
                                       "PendingReplicaDeletion", "Unavailable", "Updating"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(states); i++)
    if (strcmp(state, states[i]) == 0)
      return chio_fail(detail, CHIO_E_POLICY, "aws '%s': key %s is in state %s", self->name, chio_aws_short_name(key),
                       state);
  return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': DescribeKey tells an unknown state", self->name);
}

/* Whether the ARN is that of the key, which may be known by its id only: not every server echoes the ARN. */
static bool is_arn_of(const char *arn, const char *key) {
  const char *id = strrchr(arn, '/');
  return strcmp(arn, key) == 0 || (is_key_arn(arn) && id != NULL && strcmp(id + 1, key) == 0);
}

static enum chio_err read_metadata(const struct chio_aws *self, struct chio_kms_key *key, const json_t *metadata,
                                   struct chio_detail *detail) {
  char arn[CHIO_KEY_URI_MAX];
  enum chio_err err = take_arn(self, "DescribeKey", metadata, "Arn", arn, detail);
  if (err != CHIO_OK) return err;
  if (!is_arn_of(arn, key->uri.key))
    return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': DescribeKey: asked for %s, and another key answered",
                     self->name, chio_aws_short_name(key->uri.key));
  memcpy(key->uri.key, arn, strlen(arn) + 1);
  return judge_state(self, arn, metadata, detail);
}

/* Whoever may sign may not always describe: then the state is seen at the first signature. */
static enum chio_err check_state(struct chio_aws *self, struct chio_kms_key *key, const struct chio_deadline *deadline,
                                 struct chio_detail *detail) {
  json_t *reply;
  const json_t *metadata;
  enum chio_err err = describe_key(self, &key->uri, key->uri.key, deadline, &reply, &metadata, detail);
  if (err == CHIO_E_PERMISSION && is_key_arn(key->uri.key)) return CHIO_OK;
  if (err != CHIO_OK) return err;
  err = read_metadata(self, key, metadata, detail);
  json_decref(reply);
  return err;
}

enum chio_err chio_aws_describe(void *arg, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                                struct chio_kms_key *out_key, struct chio_detail *detail) {
  struct chio_aws *self = arg;
  json_t *reply;
  if (uri->version[0] != '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "aws '%s': a key of AWS has no version to be chosen", self->name);
  struct chio_kms_key *key = calloc(1, sizeof *key);
  if (key == NULL) return CHIO_E_NO_MEMORY;
  const struct chio_aws_operation operation = {
      .name = "GetPublicKey", .uri = uri, .body = json_pack("{s:s}", "KeyId", uri->key)};
  enum chio_err err = chio_aws_ask(self, &operation, deadline, &reply, detail);
  if (err == CHIO_OK) {
    err = read_public_key(self, uri, reply, key, detail);
    json_decref(reply);
  }
  if (err == CHIO_OK) err = check_state(self, key, deadline, detail);
  if (err == CHIO_OK) *out_key = *key;
  free(key);
  return err;
}
