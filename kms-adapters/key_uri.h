/*
 * The URIs by which users already name KMS keys, in the spellings of sigstore and of smallstep, read into one struct.
 *
 *   awskms://[host[:port]]/KEY            KEY: a UUID, mrk-..., alias/NAME or an ARN      (sigstore)
 *   awskms:key-id=KEY[;region=R]                                                         (smallstep)
 *   gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/N]         (sigstore; also /versions/N)
 *   cloudkms:projects/...                                                                (smallstep)
 *   azurekms://VAULT-HOST/KEY[/VERSION]                                                   (sigstore)
 *   azurekms:name=KEY;vault=VAULT[?version=V]                                             (smallstep)
 *   hashivault://KEY, openbao://KEY                                                       (sigstore)
 *   pkcs11:...                            RFC 7512, kept as it is
 *
 * Options after "?" of the first-party forms: region, endpoint, ca, namespace, mount, key_version, timeout_ms.
 * Secrets in a URI (client-secret, token, pin-value ...) are refused: URIs end up in logs.
 */
#ifndef CHIO_KMS_KEY_URI_H
#define CHIO_KMS_KEY_URI_H

#include "signer/base/buf.h"
#include "signer/base/err.h"
#include "signer/base/slice.h"

#define CHIO_KEY_URI_MAX 1024u /* bytes of a whole URI */

enum chio_kms_kind { CHIO_KMS_AWS, CHIO_KMS_GCP, CHIO_KMS_AZURE, CHIO_KMS_VAULT, CHIO_KMS_PKCS11 };

struct chio_key_uri {
  enum chio_kms_kind kind;
  char key[CHIO_KEY_URI_MAX];       /* AWS: id, alias or ARN; GCP: resource name without version; Azure, Vault: name */
  char version[64];                 /* GCP, Vault: decimal number; Azure: version id; empty when not pinned */
  char host[256];                   /* Azure: vault host; AWS: host[:port] of an endpoint; empty otherwise */
  char region[64];                  /* AWS; taken from an ARN where the URI has none */
  char endpoint[256];               /* https://... instead of the provider's own */
  char ca[256];                     /* file with the CA to trust, and no other */
  char namespace_[128];             /* Vault */
  char mount[64];                   /* Vault; empty: the backend's */
  unsigned timeout_ms;              /* 0 when not given */
};

/* CHIO_E_MALFORMED, CHIO_E_TOO_LONG, CHIO_E_UNSUPPORTED (another scheme), CHIO_E_POLICY (a secret in the URI); the
 * detail names the part and never repeats a secret. */
CHIO_MUST_CHECK enum chio_err chio_key_uri_parse(const char *text, struct chio_key_uri *out_uri,
                                                 struct chio_detail *detail);

/* The one canonical spelling, appended: it is parsed to the same struct. CHIO_E_TOO_LONG, CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_key_uri_format(const struct chio_key_uri *uri, struct chio_buf *out,
                                                  struct chio_detail *detail);

#endif
