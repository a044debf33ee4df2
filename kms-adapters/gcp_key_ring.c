#include "kms-adapters/gcp.h"
#include "kms-adapters/gcp_algorithm.h"
#include "signer/base/text.h"

#include <sodium.h>
#include <stdio.h>

#define KEY_ID_MAX 63u /* characters */
#define KEY_ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
#define KEYS_MAX 4096u /* listed */
#define PAGES_MAX 64u
#define RANDOM_MIN 8u    /* bytes that one call gives */
#define RANDOM_MAX 1024u

static enum chio_err need_key_ring(const struct chio_gcp *self, const char *what, struct chio_detail *detail) {
  if (self->key_ring[0] != '\0') return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "gcp '%s': %s needs key_ring", self->name, what);
}

/* ---- create ----------------------------------------------------------------------------------------------------- */

static enum chio_err make_key_id(const char *label, char out_id[KEY_ID_MAX + 1], struct chio_detail *detail) {
  size_t len = label != NULL ? strlen(label) : 0;
  if (len == 0) {
    (void)snprintf(out_id, KEY_ID_MAX + 1, "chio-%08x%08x", (unsigned)randombytes_random(),
                   (unsigned)randombytes_random());
    return CHIO_OK;
  }
  if (len > KEY_ID_MAX || strspn(label, KEY_ID_CHARACTERS) != len)
    return chio_fail(detail, CHIO_E_ATTRIBUTE_VALUE,
                     "Google Cloud KMS names keys with letters, digits, - and _, %u at most", KEY_ID_MAX);
  memcpy(out_id, label, len + 1);
  return CHIO_OK;
}

static json_t *key_template(const struct chio_gcp *self, const struct chio_gcp_algorithm *algorithm) {
  return json_pack("{s:s,s:{s:s,s:s}}", "purpose", "ASYMMETRIC_SIGN", "versionTemplate", "algorithm", algorithm->name,
                   "protectionLevel", self->hsm ? "HSM" : "SOFTWARE");
}

/* The reply is the key that was made: it must have the name that was asked for. */
static enum chio_err read_created(void *arg, json_t *reply, struct chio_detail *detail) {
  return chio_gcp_check_name(reply, arg, detail);
}

enum chio_err chio_gcp_create(void *arg, const struct chio_kms_spec *spec, const struct chio_deadline *deadline,
                              struct chio_key_uri *out_uri, struct chio_detail *detail) {
  struct chio_gcp *self = arg;
  const struct chio_gcp_algorithm *algorithm;
  char id[KEY_ID_MAX + 1], name[CHIO_GCP_NAME_MAX + 96], path[CHIO_GCP_PATH_MAX];
  enum chio_err err = need_key_ring(self, "making a key", detail);
  if (err == CHIO_OK) err = chio_gcp_algorithm_for(spec, &algorithm, detail);
  if (err == CHIO_OK) err = make_key_id(spec->label, id, detail);
  if (err != CHIO_OK) return err;
  json_t *body = key_template(self, algorithm);
  if (body == NULL) return CHIO_E_NO_MEMORY;
  (void)snprintf(name, sizeof name, "%s/cryptoKeys/%s", self->key_ring, id);
  (void)snprintf(path, sizeof path, "%s/cryptoKeys?cryptoKeyId=%s", self->key_ring, id);
  struct chio_gcp_call call = {"POST", path, name, body, true, CHIO_E_BACKEND, read_created, name};
  err = chio_gcp_call(self, &call, deadline, detail);
  json_decref(body);
  if (err != CHIO_OK) return err;
  *out_uri = (struct chio_key_uri){.kind = CHIO_KMS_GCP};
  (void)snprintf(out_uri->key, sizeof out_uri->key, "%s", name);
  (void)snprintf(out_uri->version, sizeof out_uri->version, "1");
  return CHIO_OK;
}

/* ---- list ------------------------------------------------------------------------------------------------------- */

struct listing {
  const char *key_ring;
  enum chio_err (*found)(void *arg, const struct chio_key_uri *uri);
  void *arg;
  size_t seen;
  char next[1024];
  json_t *page; /* read whole before the first is handed out: a page may be asked for twice */
};

static enum chio_err read_page(void *arg, json_t *reply, struct chio_detail *detail) {
  struct listing *listing = arg;
  size_t i;
  json_t *one;
  const char *name, *next = NULL;
  size_t ring = strlen(listing->key_ring);
  json_array_foreach(json_object_get(reply, "cryptoKeys"), i, one) {
    enum chio_err err = chio_body_text(one, "name", CHIO_GCP_NAME_MAX - 1, &name, detail);
    if (err != CHIO_OK) return err;
    if (strncmp(name, listing->key_ring, ring) != 0 || strncmp(name + ring, "/cryptoKeys/", 12) != 0 ||
        !chio_gcp_name_ok(name))
      return chio_fail(detail, CHIO_E_BACKEND, "it lists a key that is not of the key ring");
  }
  enum chio_err err = chio_body_text_if(reply, "nextPageToken", &next, detail);
  if (err == CHIO_OK) err = chio_gcp_page_token(next, listing->next, sizeof listing->next, detail);
  if (err != CHIO_OK) return err;
  json_decref(listing->page);
  listing->page = json_incref(reply);
  return CHIO_OK;
}

static bool signs(const json_t *key) {
  const char *purpose = json_string_value(json_object_get(key, "purpose"));
  return purpose != NULL && strcmp(purpose, "ASYMMETRIC_SIGN") == 0;
}

static enum chio_err hand_out(struct listing *listing) {
  size_t i;
  json_t *one;
  json_array_foreach(json_object_get(listing->page, "cryptoKeys"), i, one) {
    struct chio_key_uri uri = {.kind = CHIO_KMS_GCP};
    if (!signs(one)) continue;
    (void)snprintf(uri.key, sizeof uri.key, "%s", json_string_value(json_object_get(one, "name")));
    enum chio_err err = listing->found(listing->arg, &uri);
    if (err != CHIO_OK || ++listing->seen >= KEYS_MAX) return err;
  }
  return CHIO_OK;
}

enum chio_err chio_gcp_list(void *arg, const struct chio_deadline *deadline,
                            enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *found_arg,
                            struct chio_detail *detail) {
  struct chio_gcp *self = arg;
  char path[CHIO_GCP_PATH_MAX];
  struct listing listing = {.key_ring = self->key_ring, .found = found, .arg = found_arg};
  enum chio_err err = need_key_ring(self, "listing keys", detail);
  for (unsigned page = 0; err == CHIO_OK && page < PAGES_MAX && listing.seen < KEYS_MAX; page++) {
    if (page > 0 && listing.next[0] == '\0') break;
    (void)snprintf(path, sizeof path, "%s/cryptoKeys?pageSize=100%s%s", self->key_ring,
                   listing.next[0] != '\0' ? "&pageToken=" : "", listing.next);
    struct chio_gcp_call call = {"GET", path, self->key_ring, NULL, false, CHIO_E_BACKEND, read_page, &listing};
    err = chio_gcp_call(self, &call, deadline, detail);
    if (err == CHIO_OK) err = hand_out(&listing);
  }
  json_decref(listing.page);
  return err;
}

/* ---- random ----------------------------------------------------------------------------------------------------- */

struct randomness {
  size_t len;
  struct chio_buf *out;
};

static enum chio_err read_random(void *arg, json_t *reply, struct chio_detail *detail) {
  struct randomness *wanted = arg;
  chio_buf_reset(wanted->out);
  enum chio_err err = chio_gcp_get(reply, "data", RANDOM_MAX, wanted->out, detail);
  chio_gcp_wipe(reply, "data");
  if (err == CHIO_OK && wanted->out->len != wanted->len)
    return chio_fail(detail, CHIO_E_BACKEND, "it gave %zu random bytes instead of %zu", wanted->out->len, wanted->len);
  return err;
}

static enum chio_err random_once(struct chio_gcp *self, size_t len, const struct chio_deadline *deadline,
                                 struct chio_buf *out, struct chio_detail *detail) {
  char path[CHIO_GCP_PATH_MAX];
  struct randomness wanted = {.len = len < RANDOM_MIN ? RANDOM_MIN : len, .out = out};
  const char *ring = strstr(self->key_ring, "/keyRings/");
  (void)snprintf(path, sizeof path, "%.*s:generateRandomBytes", (int)(ring - self->key_ring), self->key_ring);
  json_t *body = json_pack("{s:i,s:s}", "lengthBytes", (int)wanted.len, "protectionLevel", "HSM");
  if (body == NULL) return CHIO_E_NO_MEMORY;
  struct chio_gcp_call call = {"POST", path, self->key_ring, body, false, CHIO_E_BACKEND, read_random, &wanted};
  enum chio_err err = chio_gcp_call(self, &call, deadline, detail);
  json_decref(body);
  if (err == CHIO_OK) out->len = len;
  return err;
}

enum chio_err chio_gcp_random(void *arg, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                              struct chio_detail *detail) {
  struct chio_gcp *self = arg;
  struct chio_buf part = CHIO_BUF_INIT;
  enum chio_err err = need_key_ring(self, "random bytes", detail);
  if (err == CHIO_OK && chio_buf_reserve(&part, RANDOM_MAX + 3) == NULL) err = CHIO_E_NO_MEMORY;
  for (size_t had = 0; err == CHIO_OK && had < len;) {
    size_t now = len - had < RANDOM_MAX ? len - had : RANDOM_MAX;
    err = random_once(self, now, deadline, &part, detail);
    if (err == CHIO_OK) chio_buf_append_slice(out, chio_buf_slice(&part));
    if (err == CHIO_OK) err = chio_buf_err(out);
    had += now;
  }
  if (part.data != NULL) chio_wipe(part.data, part.cap);
  chio_buf_clear(&part);
  return err;
}

/* ---- health ----------------------------------------------------------------------------------------------------- */

static enum chio_err read_nothing(void *arg, json_t *reply, struct chio_detail *detail) {
  (void)arg;
  (void)reply;
  (void)detail;
  return CHIO_OK;
}

/* Without a key ring there is nothing that we know to be there: that it knows who asks is enough then. A refusal that
 * is no 401 says that much. */
enum chio_err chio_gcp_health(void *arg, const struct chio_deadline *deadline, struct chio_detail *detail) {
  struct chio_gcp *self = arg;
  const struct chio_secret *token;
  if (self->key_ring[0] == '\0') {
    enum chio_err err = chio_gcp_token_get(self->credentials, deadline, &token, detail);
    if (err == CHIO_OK) chio_gcp_token_put(self->credentials, token);
    return err;
  }
  char path[CHIO_GCP_PATH_MAX];
  (void)snprintf(path, sizeof path, "%s/cryptoKeys?pageSize=1", self->key_ring);
  struct chio_gcp_call call = {"GET", path, self->key_ring, NULL, false, CHIO_E_BACKEND, read_nothing, NULL};
  return chio_gcp_call(self, &call, deadline, detail);
}
