/*
 * Where the Google adapter's access tokens come from. auth in the configuration:
 *   "file"      a credential file (gcp_account.h): token_file, or the environment's, or the well-known one
 *   "metadata"  the metadata server: of auth_endpoint, of GCE_METADATA_HOST, or metadata.google.internal; role: which
 *               service account of the machine's ("default")
 *   "token"     token_file holds an access token that somebody else keeps fresh
 *   none        token_file; else GOOGLE_APPLICATION_CREDENTIALS; else application_default_credentials.json in
 *               CLOUDSDK_CONFIG or ~/.config/gcloud, where there is one; else the metadata server
 * Files are read anew at each use. A token is fetched ahead of its end by one thread (lease.h).
 */
#ifndef CHIO_KMS_GCP_CREDENTIALS_H
#define CHIO_KMS_GCP_CREDENTIALS_H

#include "kms-adapters/adapter.h"
#include "kms-adapters/gcp_account.h"
#include "kms-adapters/lease.h"

#define CHIO_GCP_PROJECT_SIZE 64u /* bytes of a project's id with its NUL */

struct chio_gcp_credentials;

/* Makes no call and reads no file. CHIO_E_CONFIG names the key of the configuration. */
CHIO_MUST_CHECK enum chio_err chio_gcp_credentials_new(const struct chio_backend_options *options,
                                                       struct chio_http *http,
                                                       struct chio_gcp_credentials **out_credentials,
                                                       struct chio_detail *detail);
void chio_gcp_credentials_free(struct chio_gcp_credentials *credentials); /* NULL is accepted */

/* An access token, held until it is given back. CHIO_E_PERMISSION: there are no credentials, or they are refused;
 * CHIO_E_CONFIG, CHIO_E_POLICY, CHIO_E_UNSUPPORTED: of the file; CHIO_E_BACKEND_UNREACHABLE, CHIO_E_TIMEOUT,
 * CHIO_E_PEER_UNTRUSTED, CHIO_E_BUSY, CHIO_E_BACKEND: of the token service. */
CHIO_MUST_CHECK enum chio_err chio_gcp_token_get(struct chio_gcp_credentials *credentials,
                                                 const struct chio_deadline *deadline,
                                                 const struct chio_secret **out_token, struct chio_detail *detail);
void chio_gcp_token_put(struct chio_gcp_credentials *credentials, const struct chio_secret *token);
/* The project that a user's credentials name for quota ("quota_project_id"), as the last fetch found it; empty: none.
 * Without it Google counts a user's calls against gcloud's own project, which has no Cloud KMS. */
void chio_gcp_quota_project(struct chio_gcp_credentials *credentials, char out_project[CHIO_GCP_PROJECT_SIZE]);

/* The KMS did not take it: the next one is fetched. It is still to be given back. */
void chio_gcp_token_refuse(struct chio_gcp_credentials *credentials, const struct chio_secret *token);

#endif
