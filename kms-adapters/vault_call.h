/* One request to a Vault server: path, token, attempts, and what went wrong in words. */
#ifndef CHIO_KMS_VAULT_CALL_H
#define CHIO_KMS_VAULT_CALL_H

#include "kms-adapters/vault.h"

#include <jansson.h>

#define CHIO_VAULT_ATTEMPT_MS 2000u /* one attempt, where more than one may be made */

struct chio_vault_ask {
  const char *what;       /* "sign with 'ci'", for messages */
  const char *method;
  const char *path;       /* behind /v1/, escaped */
  const char *namespace_; /* empty: none */
  struct chio_slice body; /* JSON or empty */
  const char *header;     /* the line with the token; NULL: none */
  const char *client_cert, *client_key;
  bool once;              /* must not be repeated */
};

/* A request without a token or with one of the caller's (the logins). The reply is the caller's to drop; NULL for one
 * without a body (204). Errors as in adapter.h; why, which may be NULL, gets the server's own words. */
CHIO_MUST_CHECK enum chio_err chio_vault_send(struct chio_vault *vault, const struct chio_vault_ask *ask,
                                              const struct chio_deadline *deadline, json_t **out_reply,
                                              struct chio_detail *why, struct chio_detail *detail);

/* The same with the backend's token: when the server refuses it, the adapter logs in anew and asks once more. */
CHIO_MUST_CHECK enum chio_err chio_vault_call(struct chio_vault *vault, const struct chio_vault_ask *ask,
                                              const struct chio_deadline *deadline, json_t **out_reply,
                                              struct chio_detail *detail);

/* Where a key is: what its URI says, or else the backend. */
const char *chio_vault_mount(const struct chio_vault *vault, const struct chio_key_uri *uri);
const char *chio_vault_namespace(const struct chio_vault *vault, const struct chio_key_uri *uri);

/* "MOUNT/VERB/NAME" with everything escaped that is not unreserved in a URI; a slash in the mount stays. name may be
 * NULL. CHIO_E_ARGUMENT: an empty part or one of dots. */
CHIO_MUST_CHECK enum chio_err chio_vault_path(const char *mount, const char *verb, const char *name,
                                              struct chio_buf *out, struct chio_detail *detail);

#endif
