/*
 * HashiCorp Vault's and OpenBao's Transit engine, as the parts of this adapter see it: vault.c (the adapter),
 * vault_call.c (one request with its token, attempts and errors), vault_login.c (where tokens come from), vault_sign.c,
 * vault_cipher.c and vault_reply.c (everything that reads what a server said).
 *
 * Words of [backend.NAME] that this adapter reads: endpoint (or VAULT_ADDR, BAO_ADDR), ca_file (or VAULT_CACERT,
 * BAO_CACERT), mount, namespace, timeout_ms, and for the login auth, one of
 *   token        token_file; or VAULT_TOKEN, BAO_TOKEN; or ~/.vault-token
 *   approle      token_file with the role id (or role), secret_file with the secret id
 *   kubernetes   role, token_file (the service account's by default)
 *   jwt          role, token_file
 *   cert         cert_file, secret_file with the key of it; role for the name of the certificate's role
 * each with "/MOUNT" behind it where the method is mounted elsewhere than at its own name.
 */
#ifndef CHIO_KMS_VAULT_H
#define CHIO_KMS_VAULT_H

#include "kms-adapters/adapter.h"
#include "kms-adapters/lease.h"
#include "kms-adapters/retry.h"

#include <stdatomic.h>

#define CHIO_VAULT_TEXT_MAX 256u /* bytes of an address, a path, a role */

enum chio_vault_method {
  CHIO_VAULT_TOKEN,
  CHIO_VAULT_APPROLE,
  CHIO_VAULT_KUBERNETES,
  CHIO_VAULT_JWT,
  CHIO_VAULT_CERT,
};

struct chio_vault {
  struct chio_http *http; /* borrowed */
  struct chio_endpoint endpoint;
  struct chio_lease *lease; /* of the header line with the token */
  char name[64];
  char address[CHIO_VAULT_TEXT_MAX]; /* without a slash at its end */
  char ca_file[CHIO_VAULT_TEXT_MAX]; /* empty: the system's */
  char mount[64]; /* as long as a URI has it */
  char namespace_[CHIO_VAULT_TEXT_MAX]; /* empty: none */
  bool loopback; /* plain http is accepted */

  enum chio_vault_method method;
  char auth_mount[CHIO_VAULT_TEXT_MAX];
  char role[CHIO_VAULT_TEXT_MAX];
  char token_file[CHIO_VAULT_TEXT_MAX];
  char secret_file[CHIO_VAULT_TEXT_MAX];
  char cert_file[CHIO_VAULT_TEXT_MAX];

  /* Of the fetch, which runs in one thread at a time. */
  struct chio_secret *renewable; /* header line of a token that can be renewed; NULL: none */
  uint64_t granted_ms;           /* life of the last token that a login gave */
  atomic_bool refused;           /* the server refused the last one: log in, do not renew */
  _Atomic uint64_t fetched_ms;   /* when the token was last fetched, monotonic */
};

#endif
