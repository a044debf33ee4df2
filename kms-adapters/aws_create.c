#include "kms-adapters/aws.h"
#include "kms-adapters/body.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGES_MAX 200u /* of a list; 200,000 keys */
#define PAGE_KEYS 1000
#define MARKER_MAX 1024u     /* bytes */
#define SETTLE_FIRST_MS 100u /* then twice as long each time, as far as the deadline lets */
#define SETTLE_TURNS 8u
#define LABEL_MAX 250u /* bytes; an alias has 256 with its prefix */
#define ALIAS_SIZE (sizeof "alias/" + LABEL_MAX)

static enum chio_err spec_name(const struct chio_kms_spec *spec, const char **out_name, struct chio_detail *detail) {
  static const struct {
    uint32_t key_type;
    uint32_t bits;
    const char *name;
  } rows[] = {
      {CKK_EC, 256, "ECC_NIST_P256"}, {CKK_EC, 384, "ECC_NIST_P384"}, {CKK_EC, 521, "ECC_NIST_P521"},
      {CKK_EC_EDWARDS, 255, "ECC_NIST_EDWARDS25519"}, {CKK_RSA, 2048, "RSA_2048"}, {CKK_RSA, 3072, "RSA_3072"},
      {CKK_RSA, 4096, "RSA_4096"},
  };
  bool type_known = false;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    type_known = type_known || rows[i].key_type == spec->key_type;
    if (rows[i].key_type != spec->key_type || rows[i].bits != spec->bits) continue;
    *out_name = rows[i].name;
    return CHIO_OK;
  }
  return chio_fail(detail, type_known ? CHIO_E_KEY_SIZE : CHIO_E_KEY_TYPE,
                   "AWS makes keys on P-256, P-384, P-521 and Ed25519, and RSA keys of 2048, 3072 and 4096 bits");
}

/* The label becomes an alias; empty: the key gets none. */
static enum chio_err alias_name(const char *label, char out[ALIAS_SIZE], struct chio_detail *detail) {
  out[0] = '\0';
  if (label == NULL || label[0] == '\0') return CHIO_OK;
  size_t len = strlen(label);
  bool fits = len <= LABEL_MAX && strncmp(label, "aws/", 4) != 0 &&
              strspn(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-") == len;
  if (!fits)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE,
                     "the label becomes an alias of AWS: at most %u letters, digits, '/', '_' and '-', not aws/...",
                     LABEL_MAX);
  (void)snprintf(out, ALIAS_SIZE, "alias/%s", label);
  return CHIO_OK;
}

/* Looked at before anything is made, since a key whose name turns out to be taken cannot be unmade at once. */
static enum chio_err alias_free_to_take(struct chio_aws *self, const char *alias, const struct chio_deadline *deadline,
                                        struct chio_detail *detail) {
  const struct chio_aws_operation operation = {
      .name = "DescribeKey", .about = alias, .body = json_pack("{s:s}", "KeyId", alias)};
  enum chio_err err = chio_aws_ask(self, &operation, deadline, NULL, detail);
  if (err == CHIO_OK) return chio_fail(detail, CHIO_E_EXISTS, "aws '%s': %s is taken", self->name, alias);
  /* who may not look finds out when the alias is made */
  return err == CHIO_E_NOT_FOUND || err == CHIO_E_PERMISSION ? CHIO_OK : err;
}

static enum chio_err make_key(struct chio_aws *self, const char *spec, const struct chio_deadline *deadline,
                              char out_arn[CHIO_KEY_URI_MAX], struct chio_detail *detail) {
  const struct chio_aws_operation operation = {
      .name = "CreateKey",
      .about = spec,
      .body = json_pack("{s:s,s:s,s:s}", "KeySpec", spec, "KeyUsage", "SIGN_VERIFY", "Description",
                        "made through chio-hsm"),
      .once = true,
  };
  struct chio_detail why = {.text = ""};
  const char *arn;
  json_t *reply;
  enum chio_err err = chio_aws_ask(self, &operation, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_text(json_object_get(reply, "KeyMetadata"), "Arn", CHIO_KEY_URI_MAX - 1, &arn, &why);
  if (err == CHIO_OK)
    memcpy(out_arn, arn, strlen(arn) + 1);
  else
    err = chio_fail(detail, err, "aws '%s': CreateKey: %s", self->name, why.text);
  json_decref(reply);
  return err;
}

/* One step towards a key that is everywhere known: AWS is eventually consistent, and for some time after CreateKey
 * another of its machines may never have heard of the key. */
typedef enum chio_err step_fn(struct chio_aws *self, const char *arn, const char *alias,
                              const struct chio_deadline *deadline, struct chio_detail *detail);

static enum chio_err name_key(struct chio_aws *self, const char *arn, const char *alias,
                              const struct chio_deadline *deadline, struct chio_detail *detail) {
  const struct chio_aws_operation operation = {
      .name = "CreateAlias",
      .about = alias,
      .body = json_pack("{s:s,s:s}", "AliasName", alias, "TargetKeyId", arn),
      .once = true,
  };
  return chio_aws_ask(self, &operation, deadline, NULL, detail); /* its answer is empty */
}

static enum chio_err see_key(struct chio_aws *self, const char *arn, const char *alias,
                             const struct chio_deadline *deadline, struct chio_detail *detail) {
  (void)alias;
  const struct chio_aws_operation operation = {
      .name = "GetPublicKey", .about = chio_aws_short_name(arn), .body = json_pack("{s:s}", "KeyId", arn)};
  return chio_aws_ask(self, &operation, deadline, NULL, detail);
}

/* A key that is not known yet is "not found"; one that is not ready yet, in a wrong state. Neither was carried out, so
 * both may be said again. */
static enum chio_err settle(struct chio_aws *self, step_fn *step, const char *arn, const char *alias,
                            const struct chio_deadline *deadline, struct chio_detail *detail) {
  enum chio_err err = CHIO_E_NOT_FOUND;
  for (unsigned turn = 0; turn < SETTLE_TURNS; turn++) {
    err = step(self, arn, alias, deadline, detail);
    if (err != CHIO_E_NOT_FOUND && err != CHIO_E_POLICY) return err;
    if (!chio_deadline_sleep(deadline, SETTLE_FIRST_MS << turn)) break;
  }
  return err;
}

/* A key that could not get its name would cost money for ever and be found by nobody. */
static void give_up(struct chio_aws *self, const char *arn, const struct chio_deadline *deadline) {
  const struct chio_aws_operation operation = {
      .name = "ScheduleKeyDeletion",
      .about = chio_aws_short_name(arn),
      .body = json_pack("{s:s,s:i}", "KeyId", arn, "PendingWindowInDays", 7),
  };
  (void)!chio_aws_ask(self, &operation, deadline, NULL, NULL);
}

enum chio_err chio_aws_create(void *arg, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                              struct chio_key_uri *out_uri, struct chio_detail *detail) {
  struct chio_aws *self = arg;
  char alias[ALIAS_SIZE], arn[CHIO_KEY_URI_MAX];
  const char *name = NULL;
  enum chio_err err = spec_name(spec, &name, detail);
  if (err == CHIO_OK) err = alias_name(spec->label, alias, detail);
  if (err == CHIO_OK && alias[0] != '\0') err = alias_free_to_take(self, alias, deadline, detail);
  if (err == CHIO_OK) err = make_key(self, name, deadline, arn, detail);
  if (err != CHIO_OK) return err;
  if (alias[0] != '\0') err = settle(self, name_key, arn, alias, deadline, detail);
  if (err == CHIO_E_EXISTS) give_up(self, arn, deadline);
  if (err == CHIO_OK) err = settle(self, see_key, arn, alias, deadline, detail);
  if (err != CHIO_OK) return err;
  *out_uri = (struct chio_key_uri){.kind = CHIO_KMS_AWS};
  memcpy(out_uri->key, arn, strlen(arn) + 1);
  memcpy(out_uri->region, self->region, sizeof out_uri->region);
  return CHIO_OK;
}

/* ---- Listing ---- */

static enum chio_err tell_keys(const struct chio_aws *self, const json_t *reply,
                               enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                               struct chio_detail *detail) {
  const json_t *keys = json_object_get(reply, "Keys");
  size_t i;
  json_t *row;
  struct chio_key_uri uri = {.kind = CHIO_KMS_AWS};
  memcpy(uri.region, self->region, sizeof uri.region);
  if (!json_is_array(keys) || json_array_size(keys) > PAGE_KEYS)
    return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': the reply of ListKeys has no proper Keys", self->name);
  json_array_foreach(keys, i, row) {
    const char *arn = NULL;
    enum chio_err err = chio_body_text(row, "KeyArn", sizeof uri.key - 1, &arn, NULL);
    if (err != CHIO_OK || strncmp(arn, "arn:", 4) != 0)
      return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': ListKeys: a key without an ARN", self->name);
    memcpy(uri.key, arn, strlen(arn) + 1);
    err = found(arg, &uri);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

/* The marker of the next page; empty: this was the last. One that comes twice would never end. */
static enum chio_err next_marker(const struct chio_aws *self, const json_t *reply, char marker[MARKER_MAX + 1],
                                 struct chio_detail *detail) {
  const char *next;
  if (!json_is_true(json_object_get(reply, "Truncated"))) {
    marker[0] = '\0';
    return CHIO_OK;
  }
  enum chio_err err = chio_body_text(reply, "NextMarker", MARKER_MAX, &next, NULL);
  if (err != CHIO_OK || strcmp(next, marker) == 0)
    return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': ListKeys leads to no next page", self->name);
  memcpy(marker, next, strlen(next) + 1);
  return CHIO_OK;
}

enum chio_err chio_aws_list(void *arg, const struct chio_deadline *deadline,
                            enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *found_arg,
                            struct chio_detail *detail) {
  struct chio_aws *self = arg;
  char marker[MARKER_MAX + 1] = "";
  for (unsigned page = 0; page < PAGES_MAX; page++) {
    json_t *body = json_pack("{s:i}", "Limit", PAGE_KEYS);
    json_t *reply;
    if (marker[0] != '\0' && json_object_set_new(body, "Marker", json_string(marker)) != 0) {
      json_decref(body);
      return CHIO_E_NO_MEMORY;
    }
    const struct chio_aws_operation operation = {.name = "ListKeys", .body = body};
    enum chio_err err = chio_aws_ask(self, &operation, deadline, &reply, detail);
    if (err != CHIO_OK) return err;
    err = tell_keys(self, reply, found, found_arg, detail);
    if (err == CHIO_OK) err = next_marker(self, reply, marker, detail);
    json_decref(reply);
    if (err != CHIO_OK || marker[0] == '\0') return err;
  }
  return chio_fail(detail, CHIO_E_BACKEND, "aws '%s': ListKeys does not end", self->name);
}
