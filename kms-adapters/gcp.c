/*
 * Google Cloud KMS over its REST interface (v1). Sources: google/cloud/kms/v1/{service,resources}.proto;
 * "Verifying end-to-end data integrity" for the checksums.
 */
#include "kms-adapters/gcp.h"

#include "kms-adapters/gcp_algorithm.h"

#include <stdio.h>
#include <stdlib.h>

#define ENDPOINT "https://cloudkms.googleapis.com"

static enum chio_err set_endpoint(struct chio_gcp *self, const char *endpoint, struct chio_detail *detail) {
  const char *base = endpoint != NULL ? endpoint : ENDPOINT;
  size_t len = strlen(base);
  while (len > 0 && base[len - 1] == '/') len--;
  if (len >= sizeof self->base) return chio_fail(detail, CHIO_E_CONFIG, "endpoint is too long");
  if (strncmp(base, "https://", 8) != 0 && !chio_http_is_loopback(base))
    return chio_fail(detail, CHIO_E_CONFIG, "endpoint must be https://...");
  memcpy(self->base, base, len);
  self->base[len] = '\0';
  return CHIO_OK;
}

/* projects/P/locations/L/keyRings/R */
static bool key_ring_ok(const char *text) {
  static const char *const words[] = {"projects/", "locations/", "keyRings/"};
  const char *rest = text;
  if (!chio_gcp_name_ok(text)) return false;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(words); i++) {
    if (strncmp(rest, words[i], strlen(words[i])) != 0) return false;
    rest += strlen(words[i]);
    const char *next = strchr(rest, '/');
    if ((next == NULL) != (i + 1 == CHIO_ARRAY_LEN(words))) return false;
    rest = next != NULL ? next + 1 : rest;
  }
  return true;
}

static enum chio_err set_key_ring(struct chio_gcp *self, const char *key_ring, struct chio_detail *detail) {
  if (key_ring == NULL) return CHIO_OK;
  if (!key_ring_ok(key_ring) || strlen(key_ring) >= sizeof self->key_ring)
    return chio_fail(detail, CHIO_E_CONFIG, "key_ring is projects/P/locations/L/keyRings/R");
  (void)snprintf(self->key_ring, sizeof self->key_ring, "%s", key_ring);
  return CHIO_OK;
}

static enum chio_err set_protection(struct chio_gcp *self, const char *protection, struct chio_detail *detail) {
  self->hsm = protection != NULL && strcmp(protection, "hsm") == 0;
  if (protection == NULL || self->hsm || strcmp(protection, "software") == 0) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "protection of a Google backend is software or hsm");
}

static void close_(void *arg) {
  struct chio_gcp *self = arg;
  if (self == NULL) return;
  chio_gcp_credentials_free(self->credentials);
  chio_endpoint_clear(&self->endpoint);
  free(self->ca_file);
  free(self);
}

static enum chio_err open_(const struct chio_backend_options *options, struct chio_http *http, void **out_self,
                           struct chio_detail *detail) {
  struct chio_gcp *self = calloc(1, sizeof *self);
  if (self == NULL) return CHIO_E_NO_MEMORY;
  chio_endpoint_init(&self->endpoint);
  self->http = http;
  (void)snprintf(self->name, sizeof self->name, "%s", options->name != NULL ? options->name : "");
  enum chio_err err = set_endpoint(self, options->endpoint, detail);
  if (err == CHIO_OK) err = set_key_ring(self, options->key_ring, detail);
  if (err == CHIO_OK) err = set_protection(self, options->protection, detail);
  if (err == CHIO_OK && options->ca_file != NULL && (self->ca_file = strdup(options->ca_file)) == NULL)
    err = CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = chio_gcp_credentials_new(options, http, &self->credentials, detail);
  if (err == CHIO_OK)
    *out_self = self;
  else
    close_(self);
  return err;
}

const struct chio_adapter_ops chio_gcp_ops = {
    .name = "gcp",
    .kind = CHIO_KMS_GCP,
    .options = " endpoint ca_file key_ring protection auth role auth_endpoint token_file secret_file ",
    .open = open_,
    .close = close_,
    .describe = chio_gcp_describe,
    .check = chio_gcp_check,
    .sign = chio_gcp_sign,
    .create = chio_gcp_create,
    .list = chio_gcp_list,
    .encrypt = chio_gcp_encrypt,
    .decrypt = chio_gcp_decrypt,
    .random = chio_gcp_random,
    .attestation = chio_gcp_attestation,
    .health = chio_gcp_health,
};
