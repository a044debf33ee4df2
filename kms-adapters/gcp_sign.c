#include "kms-adapters/gcp.h"
#include "kms-adapters/gcp_algorithm.h"
#include "kms-adapters/signature_form.h"

#include <stdio.h>

#define ED25519_LEN 64u

struct signing {
  const char *name;
  const char *verified; /* "verifiedDigestCrc32c" */
  const struct chio_kms_key *key;
  const struct chio_gcp_algorithm *algorithm;
  struct chio_buf *out;
};

static enum chio_err to_pkcs11(const struct signing *signing, struct chio_slice signature, struct chio_buf *out,
                               struct chio_detail *detail) {
  if (signing->algorithm->scheme == CHIO_GCP_ECDSA)
    return chio_ecdsa_from_der(signature, signing->key->bits, out, detail);
  size_t want = signing->algorithm->scheme == CHIO_GCP_EDDSA ? ED25519_LEN : signing->key->bits / 8;
  if (signature.len != want)
    return chio_fail(detail, CHIO_E_BACKEND, "the signature has %zu bytes instead of %zu", signature.len, want);
  chio_buf_append_slice(out, signature);
  return chio_buf_err(out);
}

static enum chio_err read_signature(void *arg, json_t *reply, struct chio_detail *detail) {
  struct signing *signing = arg;
  struct chio_buf signature = CHIO_BUF_INIT;
  chio_buf_reset(signing->out);
  enum chio_err err = chio_gcp_check_name(reply, signing->name, detail);
  if (err == CHIO_OK) err = chio_gcp_check_flag(reply, signing->verified, detail);
  if (err == CHIO_OK) err = chio_gcp_get(reply, "signature", CHIO_KMS_SIGNATURE_MAX, &signature, detail);
  if (err == CHIO_OK) err = to_pkcs11(signing, chio_buf_slice(&signature), signing->out, detail);
  chio_buf_clear(&signature);
  return err;
}

/* {"digest":{"sha256":"..."},"digestCrc32c":"..."}: the checksum stands beside the digest, not in it. */
static enum chio_err set_digest(json_t *body, uint32_t digest, struct chio_slice bytes) {
  enum chio_err err = chio_gcp_set(body, "digest", bytes);
  if (err != CHIO_OK) return err;
  json_t *object = json_object();
  err = object != NULL ? chio_body_set_bytes(object, chio_gcp_digest_name(digest), false, bytes) : CHIO_E_NO_MEMORY;
  if (err != CHIO_OK) {
    json_decref(object);
    return err;
  }
  return json_object_set_new(body, "digest", object) == 0 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

/* A key of RAW_PKCS1 pads what it gets: for a mechanism that hashes, that is a DigestInfo. */
static enum chio_err set_raw(json_t *body, uint32_t digest, struct chio_slice bytes) {
  struct chio_buf info = CHIO_BUF_INIT;
  chio_buf_append_slice(&info, chio_gcp_digest_info_prefix(digest));
  chio_buf_append_slice(&info, bytes);
  enum chio_err err = chio_buf_err(&info);
  if (err == CHIO_OK) err = chio_gcp_set(body, "data", chio_buf_slice(&info));
  chio_buf_clear(&info);
  return err;
}

/* The other PKCS #1 keys take the digest: it is taken out of the DigestInfo, which must be of the key's own digest. */
static enum chio_err set_pkcs1(json_t *body, const struct chio_gcp_algorithm *algorithm,
                               const struct chio_mechanism *mechanism, struct chio_slice data,
                               struct chio_detail *detail) {
  uint32_t digest = mechanism->digest;
  struct chio_slice hash = data;
  enum chio_err err = digest == 0 ? chio_digest_info_read(data, &digest, &hash, detail) : CHIO_OK;
  if (err != CHIO_OK) return err;
  if (digest != algorithm->digest)
    return chio_fail(detail, CHIO_E_DATA_INVALID, "the key has its digest fixed: %s", algorithm->name);
  return set_digest(body, digest, hash);
}

static enum chio_err set_request(json_t *body, const struct chio_gcp_algorithm *algorithm,
                                 const struct chio_mechanism *mechanism, struct chio_slice data,
                                 struct chio_detail *detail) {
  switch (algorithm->scheme) {
    case CHIO_GCP_ECDSA:
    case CHIO_GCP_PSS: return set_digest(body, algorithm->digest, data);
    case CHIO_GCP_EDDSA: return chio_gcp_set(body, "data", data);
    case CHIO_GCP_RAW_PKCS1: return set_raw(body, mechanism->digest, data);
    case CHIO_GCP_PKCS1: return set_pkcs1(body, algorithm, mechanism, data, detail);
    case CHIO_GCP_OAEP: break;
  }
  return CHIO_E_INTERNAL;
}

enum chio_err chio_gcp_sign(void *self, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                            const struct chio_mech_params *params, struct chio_slice data,
                            const struct chio_deadline *deadline, struct chio_buf *out_signature,
                            struct chio_detail *detail) {
  char name[CHIO_GCP_NAME_MAX], path[CHIO_GCP_PATH_MAX];
  struct chio_buf signature = CHIO_BUF_INIT;
  enum chio_err err = chio_gcp_check(key, mechanism, params, data.len, detail);
  if (err == CHIO_OK) err = chio_gcp_name(&key->uri, name, detail);
  if (err != CHIO_OK) return err;
  if (key->uri.version[0] == '\0') return chio_fail(detail, CHIO_E_ARGUMENT, "the key is pinned to no version");
  struct signing signing = {.name = name, .key = key, .algorithm = chio_gcp_algorithm_find(key->fixed_algorithm)};
  signing.out = &signature;
  json_t *body = json_object();
  err = body != NULL ? set_request(body, signing.algorithm, mechanism, data, detail) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) {
    signing.verified = json_object_get(body, "digest") != NULL ? "verifiedDigestCrc32c" : "verifiedDataCrc32c";
    (void)snprintf(path, sizeof path, "%s:asymmetricSign", name);
    struct chio_gcp_call call = {"POST", path, name, body, false, CHIO_E_BACKEND, read_signature, &signing};
    err = chio_gcp_call(self, &call, deadline, detail);
  }
  json_decref(body);
  if (err == CHIO_OK) chio_buf_append_slice(out_signature, chio_buf_slice(&signature));
  if (err == CHIO_OK) err = chio_buf_err(out_signature);
  chio_buf_clear(&signature);
  return err;
}
