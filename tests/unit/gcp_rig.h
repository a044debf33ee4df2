/* What the tests of the Google adapter share: an adapter in front of a scripted server, and replies as Google's
 * documentation has them, around real keys and signatures. */
#ifndef CHIO_TESTS_GCP_RIG_H
#define CHIO_TESTS_GCP_RIG_H

#include "kms-adapters/adapter.h"
#include "tests/support/http_script.h"
#include "tests/support/temp_dir.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdarg.h>

#define GCP_RING "projects/p/locations/europe-west1/keyRings/r"
#define GCP_KEY GCP_RING "/cryptoKeys/k"
#define GCP_VERSION GCP_KEY "/cryptoKeyVersions/7"

#define REPLY(...) {.status = 200, .body = (__VA_ARGS__)} /* one of struct http_script_reply */

struct gcp_rig {
  struct temp_dir dir;
  struct chio_http *http;
  struct http_script *script;
  char token_file[512];
  struct chio_backend_options options;
  void *self;
  struct chio_deadline deadline;
  struct chio_detail detail;
};

/* An adapter with the token "first-token" in front of these replies. */
void gcp_rig_start(struct gcp_rig *rig, const struct http_script_reply *replies, size_t count);
void gcp_rig_stop(struct gcp_rig *rig);
void gcp_rig_write(const char *path, const char *text);

/* "P-256", "P-384", "ED25519", "RSA2048": made once, never freed before the end. */
EVP_PKEY *gcp_key(const char *kind);
struct chio_kms_key gcp_described(const char *kind, const char *algorithm);

/* A signature as Google makes it (ECDSA: DER). md: NULL for Ed25519. pss: salt as long as the digest. */
struct chio_buf gcp_signature(const char *kind, const char *md, bool pss, struct chio_slice digest);

/* So many bytes that might be a digest; at most 64. */
struct chio_slice gcp_digest(size_t len);

/* Texts on the heap, freed by gcp_rig_stop. */
const char *gcp_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *gcp_base64(struct chio_slice bytes);
/* The private key as JSON text of PKCS #8, under the password "pass" where a cipher is given. */
const char *gcp_private_pem(const char *kind, const EVP_CIPHER *cipher);
/* The file of a service account: its key as gcp_private_pem gives it. */
const char *gcp_service_account(const char *pem, const char *token_uri);
/* The parts of a JWT: 0 is its header, 1 its claims. */
json_t *gcp_jwt_part(const char *jwt, unsigned part);
/* The reply of getPublicKey, and of asymmetricSign with its flag. */
const char *gcp_public_key_reply(const char *kind, const char *algorithm, const char *name);
const char *gcp_sign_reply(struct chio_slice signature, const char *flag, const char *name);
const char *gcp_error_reply(int code, const char *status, const char *message);

#endif
