/* Azure Key Vault and Managed HSM (REST, api-version 7.4): the insides of the adapter, shared by its files. */
#ifndef CHIO_KMS_AZURE_H
#define CHIO_KMS_AZURE_H

#include "kms-adapters/adapter.h"
#include "kms-adapters/azure_credentials.h"
#include "kms-adapters/retry.h"

#include <jansson.h>

#define CHIO_AZURE_API_VERSION "7.4"
#define CHIO_AZURE_ATTEMPT_MS 3000u /* one try of what may be repeated */
#define CHIO_AZURE_URL_MAX 1400u
#define CHIO_AZURE_HOSTS_MAX 8u /* vaults that one backend talks to */

/* One vault or managed HSM. */
struct chio_azure_host {
  char base[320];     /* "https://v.vault.azure.net", without a slash at its end */
  char resource[320]; /* whom tokens are for: "https://vault.azure.net" */
  struct chio_endpoint endpoint;
  struct chio_azure_credentials *credentials;
};

struct chio_azure {
  char name[64];
  char endpoint[256]; /* of the configuration; empty: the host of each URI */
  char vault[256];
  char ca_file[1024];
  bool hsm; /* new keys are kept by an HSM */
  struct chio_azure_setup setup;
  struct chio_http *http;
  pthread_mutex_t lock;
  struct chio_azure_host hosts[CHIO_AZURE_HOSTS_MAX];
  size_t host_count;
};

/* One call of the API. */
struct chio_azure_call {
  const char *method;
  const char *host;    /* of the key's URI */
  const char *path;    /* "/keys/k/0123/sign", or the path and query of a next page */
  bool has_query;      /* path carries its own api-version */
  const json_t *body;  /* NULL: none */
  bool once;           /* never repeated: it would make a second key */
  const char *what;    /* "sign with key k", for messages */
};

/* The reply's JSON object; the caller drops it. Errors of adapter.h. */
CHIO_MUST_CHECK enum chio_err chio_azure_call(struct chio_azure *self, const struct chio_azure_call *call,
                                              const struct chio_deadline *deadline, json_t **out_reply,
                                              struct chio_detail *detail);

/* What a URI's host becomes: a name without a dot is a vault of the public cloud. CHIO_E_TOO_LONG. */
CHIO_MUST_CHECK enum chio_err chio_azure_host_name(const char *host, char out[256], struct chio_detail *detail);

/* A key out of its JWK ("key" of a reply): type, size, SubjectPublicKeyInfo, and the version out of its kid, whose host
 * and name must be those of the URI. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_azure_read_key(const json_t *jwk, const struct chio_key_uri *uri,
                                                  struct chio_kms_key *out_key, struct chio_detail *detail);

/* Splits "https://HOST/keys/NAME/VERSION" and holds host and name against the URI's; an empty version in the URI
 * accepts any. CHIO_E_BACKEND: another key. */
CHIO_MUST_CHECK enum chio_err chio_azure_check_kid(const char *kid, const struct chio_key_uri *uri,
                                                   char out_version[64], struct chio_detail *detail);

/* attestation of adapter.h: {"attributes":{"attestation":{...}}}. */
enum chio_err chio_azure_attestation(void *self, const struct chio_kms_key *key, const struct chio_deadline *deadline,
                                     struct chio_buf *out, struct chio_detail *detail);

#endif
