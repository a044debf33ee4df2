/* One call of Google Cloud KMS's REST interface with its token, its retries and its errors. Inside the adapter. */
#ifndef CHIO_KMS_GCP_CALL_H
#define CHIO_KMS_GCP_CALL_H

#include "kms-adapters/body.h"
#include "kms-adapters/gcp_credentials.h"
#include "kms-adapters/retry.h"

#define CHIO_GCP_NAME_MAX 512u /* bytes of a resource's name */
#define CHIO_GCP_PATH_MAX 1800u /* bytes of a path with its query */
#define CHIO_GCP_ATTEMPT_MS 3000u
#define CHIO_GCP_DAMAGED_MAX 2u  /* replies that are asked for again because they were damaged */
#define CHIO_GCP_PENDING_MS 250u /* between two looks at a key that is still being made */

/* One backend. */
struct chio_gcp {
  char name[64];     /* of the backend, for messages */
  char base[256];    /* "https://cloudkms.googleapis.com" */
  char key_ring[CHIO_GCP_NAME_MAX]; /* empty: none is configured */
  char *ca_file;     /* owned; NULL: the system's */
  bool hsm;          /* the protection level of what is made */
  struct chio_http *http;
  struct chio_endpoint endpoint;
  struct chio_gcp_credentials *credentials;
};

struct chio_gcp_call {
  const char *method;
  const char *path;      /* after "/v1/", with its query */
  const char *about;     /* the resource's name, for messages */
  json_t *body;          /* borrowed; NULL: none */
  bool once;             /* makes something: never repeated */
  enum chio_err invalid; /* what INVALID_ARGUMENT means here */
  /* Takes a reply apart. CHIO_E_BACKEND: the reply is damaged or about something else; a few more are asked for, so
   * that read may be called again. */
  enum chio_err (*read)(void *arg, json_t *reply, struct chio_detail *detail);
  void *arg;
};

/* Errors as those of adapter.h; the detail begins with the backend and the resource. */
CHIO_MUST_CHECK enum chio_err chio_gcp_call(struct chio_gcp *self, const struct chio_gcp_call *call,
                                            const struct chio_deadline *deadline, struct chio_detail *detail);

/* The resource's name of the URI's version (of its key when it has none). CHIO_E_CONFIG: the URI has an endpoint or a
 * CA of its own, which would send the backend's tokens there; CHIO_E_MALFORMED: characters that no name has. */
CHIO_MUST_CHECK enum chio_err chio_gcp_name(const struct chio_key_uri *uri, char out_name[CHIO_GCP_NAME_MAX],
                                            struct chio_detail *detail);
/* Whether text can be a resource's name: letters, digits and _ - . : between single slashes. */
bool chio_gcp_name_ok(const char *text);

/* Sets member to bytes as base64 and memberCrc32c to their checksum. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_gcp_set(json_t *body, const char *member, struct chio_slice bytes);

/* member's bytes, which must agree with memberCrc32c. Empty bytes are left out by the server. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_gcp_get(const json_t *reply, const char *member, size_t max, struct chio_buf *out,
                                           struct chio_detail *detail);
/* memberCrc32c must be the checksum of these bytes. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_gcp_check_crc(const json_t *reply, const char *member, struct chio_slice bytes,
                                                 struct chio_detail *detail);
/* flag ("verifiedDigestCrc32c") must be there and true. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_gcp_check_flag(const json_t *reply, const char *flag, struct chio_detail *detail);
/* The reply's name must be this one. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_gcp_check_name(const json_t *reply, const char *name, struct chio_detail *detail);

/* The token of the next page (NULL: this was the last), ready to stand in a query. CHIO_E_BACKEND: it cannot. */
CHIO_MUST_CHECK enum chio_err chio_gcp_page_token(const char *token, char *out_token, size_t size,
                                                  struct chio_detail *detail);

/* Wipes a text in a JSON object in place; nothing happens without one. */
void chio_gcp_wipe(json_t *object, const char *member);

#endif
