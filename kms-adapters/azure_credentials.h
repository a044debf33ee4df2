/*
 * Access tokens of Microsoft Entra ID for one resource ("https://vault.azure.net"), kept by a lease.
 *
 *   secret      client credentials: client id, tenant, and the secret out of secret_file or AZURE_CLIENT_SECRET
 *   federated   workload identity: the token in token_file or AZURE_FEDERATED_TOKEN_FILE, read anew at each fetch
 *   managed     managed identity: IDENTITY_ENDPOINT with IDENTITY_HEADER (App Service, Container Apps), else the
 *               metadata service of the machine
 *
 * Without `auth` the first one for which all is given is taken, in this order. The tenant may come from the vault's
 * challenge; the authority never does: it is configured, or Microsoft's own, so that no vault can ask for our secret.
 */
#ifndef CHIO_KMS_AZURE_CREDENTIALS_H
#define CHIO_KMS_AZURE_CREDENTIALS_H

#include "kms-adapters/adapter.h"
#include "kms-adapters/lease.h"

#define CHIO_AZURE_TOKEN_MAX 16384u /* bytes of a token */
#define CHIO_AZURE_METADATA_MS 1000u /* a metadata service that is there answers at once */

enum chio_azure_way { CHIO_AZURE_SECRET, CHIO_AZURE_FEDERATED, CHIO_AZURE_MANAGED };

/* Where tokens come from, worked out once from options and environment. */
struct chio_azure_setup {
  enum chio_azure_way way;
  char authority[256]; /* "https://login.microsoftonline.com" */
  char tenant[128];    /* empty: the vault's challenge says it */
  char client_id[128]; /* MANAGED: of a user-assigned identity, or empty */
  char secret_file[1024], token_file[1024];
  char metadata[256];  /* MANAGED: URL of the token endpoint */
  char identity_header_env[32]; /* MANAGED: the variable whose value goes into X-IDENTITY-HEADER; empty: IMDS */
  char ca_file[1024];
};

/* CHIO_E_CONFIG: unknown auth, or something is missing for it (named). */
CHIO_MUST_CHECK enum chio_err chio_azure_setup_read(const struct chio_backend_options *options,
                                                    struct chio_azure_setup *out_setup, struct chio_detail *detail);

struct chio_azure_credentials;

/* setup is borrowed and outlives them. */
CHIO_MUST_CHECK enum chio_err chio_azure_credentials_new(const struct chio_azure_setup *setup, struct chio_http *http,
                                                         const char *base, const char *resource,
                                                         struct chio_azure_credentials **out_credentials);
void chio_azure_credentials_free(struct chio_azure_credentials *credentials); /* NULL is accepted */

/* The lease of "Authorization: Bearer TOKEN" lines (with a NUL at their end). */
struct chio_lease *chio_azure_credentials_lease(struct chio_azure_credentials *credentials);

/* The tenant out of a WWW-Authenticate header, whose authority must be ours and whose resource the one that we ask
 * for. CHIO_E_PERMISSION: it is not; CHIO_E_BACKEND: it is no challenge. */
CHIO_MUST_CHECK enum chio_err chio_azure_challenge_read(struct chio_slice header, const char *authority,
                                                        const char *resource, char out_tenant[128],
                                                        struct chio_detail *detail);

#endif
