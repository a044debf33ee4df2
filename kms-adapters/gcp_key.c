#include "kms-adapters/gcp.h"
#include "kms-adapters/gcp_algorithm.h"
#include "kms-adapters/signature_form.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGES_MAX 32u        /* of a key's versions */
#define VERSION_DIGITS_MAX 9 /* as key_uri.h takes them */
#define ATTESTATION_MAX (512u * 1024u)

/* ---- versions --------------------------------------------------------------------------------------------------- */

struct versions {
  const char *key;
  unsigned long newest; /* 0: none seen */
  char next[1024];      /* page token; empty: the last page was read */
};

/* The number at the end of "KEY/cryptoKeyVersions/N"; 0 for anything else. */
static unsigned long version_number(const char *key, const char *name) {
  static const char part[] = "/cryptoKeyVersions/";
  size_t len = strlen(key);
  if (strncmp(name, key, len) != 0 || strncmp(name + len, part, sizeof part - 1) != 0) return 0;
  const char *digits = name + len + sizeof part - 1;
  size_t count = strspn(digits, "0123456789");
  if (count == 0 || count > VERSION_DIGITS_MAX || digits[count] != '\0' || digits[0] == '0') return 0;
  return strtoul(digits, NULL, 10);
}

static enum chio_err read_versions(void *arg, json_t *reply, struct chio_detail *detail) {
  struct versions *versions = arg;
  size_t i;
  json_t *one;
  const char *next = NULL;
  json_array_foreach(json_object_get(reply, "cryptoKeyVersions"), i, one) {
    const char *name;
    enum chio_err err = chio_body_text(one, "name", CHIO_GCP_NAME_MAX, &name, detail);
    if (err != CHIO_OK) return err;
    unsigned long number = version_number(versions->key, name);
    if (number == 0) return chio_fail(detail, CHIO_E_BACKEND, "it lists a version that is not the key's");
    const char *state = json_string_value(json_object_get(one, "state"));
    bool enabled = state != NULL && strcmp(state, "ENABLED") == 0;
    if (enabled && number > versions->newest) versions->newest = number;
  }
  enum chio_err err = chio_body_text_if(reply, "nextPageToken", &next, detail);
  if (err != CHIO_OK) return err;
  return chio_gcp_page_token(next, versions->next, sizeof versions->next, detail);
}

enum chio_err chio_gcp_pin(struct chio_gcp *self, struct chio_key_uri *uri, const struct chio_deadline *deadline,
                           struct chio_detail *detail) {
  char name[CHIO_GCP_NAME_MAX], path[CHIO_GCP_PATH_MAX];
  struct versions versions = {.key = uri->key};
  enum chio_err err = chio_gcp_name(uri, name, detail);
  for (unsigned page = 0; err == CHIO_OK && page < PAGES_MAX && (page == 0 || versions.next[0] != '\0'); page++) {
    (void)snprintf(path, sizeof path, "%s/cryptoKeyVersions?pageSize=100&filter=state%%3DENABLED%s%s", name,
                   versions.next[0] != '\0' ? "&pageToken=" : "", versions.next);
    struct chio_gcp_call call = {"GET", path, name, NULL, false, CHIO_E_BACKEND, read_versions, &versions};
    err = chio_gcp_call(self, &call, deadline, detail);
  }
  if (err != CHIO_OK) return err;
  if (versions.newest == 0)
    return chio_fail(detail, CHIO_E_POLICY, "gcp '%s': no version of %.120s is enabled", self->name, name);
  (void)snprintf(uri->version, sizeof uri->version, "%lu", versions.newest);
  return CHIO_OK;
}

/* ---- describe --------------------------------------------------------------------------------------------------- */

struct public_key {
  const char *name;
  struct chio_kms_key *key;
};

static enum chio_err fill_key(const char *pem, const char *algorithm_name, struct chio_kms_key *key,
                              struct chio_detail *detail) {
  const struct chio_gcp_algorithm *algorithm = chio_gcp_algorithm_find(algorithm_name);
  if (algorithm == NULL)
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "keys with the algorithm %.64s are not supported", algorithm_name);
  enum chio_err err = chio_kms_key_from_pem(chio_slice_str(pem), key, detail);
  if (err != CHIO_OK) return err;
  if (key->key_type != algorithm->key_type || key->bits != algorithm->bits)
    return chio_fail(detail, CHIO_E_BACKEND, "the public key is none of the algorithm %s", algorithm->name);
  key->can_sign = algorithm->scheme != CHIO_GCP_OAEP;
  key->can_decrypt = !key->can_sign;
  (void)snprintf(key->fixed_algorithm, sizeof key->fixed_algorithm, "%s", algorithm->name);
  return CHIO_OK;
}

static enum chio_err read_public_key(void *arg, json_t *reply, struct chio_detail *detail) {
  struct public_key *wanted = arg;
  const char *pem, *algorithm;
  enum chio_err err = chio_gcp_check_name(reply, wanted->name, detail);
  if (err == CHIO_OK) err = chio_body_text(reply, "algorithm", 64, &algorithm, detail);
  if (err == CHIO_OK) err = chio_body_text(reply, "pem", 4 * CHIO_KMS_SPKI_MAX, &pem, detail);
  if (err == CHIO_OK) err = chio_gcp_check_crc(reply, "pem", chio_slice_str(pem), detail);
  return err == CHIO_OK ? fill_key(pem, algorithm, wanted->key, detail) : err;
}

enum chio_err chio_gcp_describe(void *self, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                                struct chio_kms_key *out_key, struct chio_detail *detail) {
  char name[CHIO_GCP_NAME_MAX], path[CHIO_GCP_PATH_MAX];
  struct chio_kms_key *key = calloc(1, sizeof *key);
  if (key == NULL) return CHIO_E_NO_MEMORY;
  key->uri = *uri;
  enum chio_err err = uri->version[0] == '\0' ? chio_gcp_pin(self, &key->uri, deadline, detail) : CHIO_OK;
  if (err == CHIO_OK) err = chio_gcp_name(&key->uri, name, detail);
  if (err == CHIO_OK) {
    struct public_key wanted = {name, key};
    (void)snprintf(path, sizeof path, "%s/publicKey", name);
    struct chio_gcp_call call = {"GET", path, name, NULL, false, CHIO_E_KEY_TYPE, read_public_key, &wanted};
    err = chio_gcp_call(self, &call, deadline, detail);
  }
  if (err == CHIO_OK) *out_key = *key;
  free(key);
  return err;
}

/* ---- attestation ------------------------------------------------------------------------------------------------ */

struct attested {
  const char *name;
  struct chio_buf *out;
};

/* What is passed on is what was said, with its members in order: {"certChains":...,"content":...,"format":...}. */
static enum chio_err read_attestation(void *arg, json_t *reply, struct chio_detail *detail) {
  struct attested *wanted = arg;
  const char *format;
  const json_t *attestation = json_object_get(reply, "attestation");
  enum chio_err err = chio_gcp_check_name(reply, wanted->name, detail);
  if (err != CHIO_OK) return err;
  if (attestation == NULL || json_is_null(attestation))
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "the key has no attestation; keys of Google's HSMs have one");
  struct chio_buf content = CHIO_BUF_INIT;
  err = chio_body_text(attestation, "format", 64, &format, detail);
  if (err == CHIO_OK) err = chio_body_bytes(attestation, "content", false, ATTESTATION_MAX, &content, detail);
  chio_buf_clear(&content);
  return err == CHIO_OK ? chio_body_write(attestation, wanted->out) : err;
}

enum chio_err chio_gcp_attestation(void *self, const struct chio_kms_key *key, const struct chio_deadline *deadline,
                                   struct chio_buf *out, struct chio_detail *detail) {
  char name[CHIO_GCP_NAME_MAX];
  struct chio_buf text = CHIO_BUF_INIT;
  struct attested wanted = {name, &text};
  enum chio_err err = chio_gcp_name(&key->uri, name, detail);
  if (err == CHIO_OK) {
    struct chio_gcp_call call = {"GET", name, name, NULL, false, CHIO_E_BACKEND, read_attestation, &wanted};
    err = chio_gcp_call(self, &call, deadline, detail);
  }
  if (err == CHIO_OK) chio_buf_append_slice(out, chio_buf_slice(&text));
  if (err == CHIO_OK) err = chio_buf_err(out);
  chio_buf_clear(&text);
  return err;
}
