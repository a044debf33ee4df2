/*
 * Google's credential files ("application default credentials"): what stands in them, and where they may send us. A
 * file names the URLs that get its secrets, so each is held against Google's own hosts (or the operator's
 * auth_endpoint): a file that somebody else wrote must not carry a token away.
 *
 *   service_account   a key that signs a JWT (RFC 7523)
 *   authorized_user   a refresh token, as `gcloud auth application-default login` leaves it
 *   external_account  a foreign token, from a file or a URL, exchanged at STS (AIP-4117), perhaps for a service account
 *
 * Refused: sources that run a program or hold an AWS signature or a certificate, and the other types.
 */
#ifndef CHIO_KMS_GCP_ACCOUNT_H
#define CHIO_KMS_GCP_ACCOUNT_H

#include "signer/base/secret.h"

#include <stdbool.h>
#include <stddef.h>

#define CHIO_GCP_FILE_MAX 16384u    /* bytes of a credential file */
#define CHIO_GCP_SECRET_MAX 8192u   /* bytes of a private key or a refresh token */
#define CHIO_GCP_SUBJECT_MAX 16384u /* bytes of a foreign token */
#define CHIO_GCP_URL_MAX 512u
#define CHIO_GCP_HEADERS_MAX 8u /* of the request for a foreign token */

enum chio_gcp_account_type { CHIO_GCP_SERVICE_ACCOUNT, CHIO_GCP_AUTHORIZED_USER, CHIO_GCP_EXTERNAL_ACCOUNT };

struct chio_gcp_account {
  enum chio_gcp_account_type type;
  char token_url[CHIO_GCP_URL_MAX];
  /* service_account */
  char email[256];
  char key_id[128];           /* empty: none */
  struct chio_secret *secret; /* the private key, PEM; authorized_user: the refresh token */
  /* authorized_user */
  char client_id[256];
  struct chio_secret *client_secret;
  char quota_project[64]; /* whose quota a user's calls count against; empty: none is named */
  /* external_account */
  char audience[512];
  char subject_type[128];
  char subject_file[512]; /* this or the URL */
  char subject_url[CHIO_GCP_URL_MAX];
  char subject_headers[CHIO_GCP_HEADERS_MAX][256]; /* "Name: value" */
  size_t subject_header_count;
  char subject_field[128]; /* the token is in this member of a JSON object; empty: it is the whole text */
  char impersonation_url[CHIO_GCP_URL_MAX]; /* empty: none */
  unsigned lifetime_s;
};

/* auth_endpoint: the origin that is believed besides Google's; NULL: none. CHIO_E_CONFIG, CHIO_E_UNSUPPORTED (refused
 * types and sources), CHIO_E_POLICY (a URL that leads elsewhere), CHIO_E_NO_MEMORY. The detail never repeats a value.
 * The caller frees with chio_gcp_account_free. */
CHIO_MUST_CHECK enum chio_err chio_gcp_account_parse(struct chio_slice text, const char *auth_endpoint,
                                                     struct chio_gcp_account **out_account,
                                                     struct chio_detail *detail);
void chio_gcp_account_free(struct chio_gcp_account *account);
CHIO_AUTO_DECLARE(chio_gcp_account)

/* The token in what the source of an external account handed out: the whole text without white space at its end, or
 * the field of the JSON object. CHIO_E_PERMISSION: it is not there. */
CHIO_MUST_CHECK enum chio_err chio_gcp_subject_read(const struct chio_gcp_account *account, struct chio_slice text,
                                                    struct chio_secret **out_token, struct chio_detail *detail);

/* https://HOST... with HOST below googleapis.com, or a URL of auth_endpoint's origin. */
bool chio_gcp_url_is_trusted(const char *url, const char *auth_endpoint);

/* Whether these bytes can stand in an Authorization header: printable ASCII without blanks, 1 to
 * CHIO_GCP_SUBJECT_MAX. */
bool chio_gcp_token_ok(struct chio_slice token);

#endif
