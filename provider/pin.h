/*
 * Where a PIN comes from, in this order: the URI (pin-value, pin-source), the configuration (pin, pin-source; for the
 * configured signer alone), a login that the process has already, the application's passphrase callback.
 */
#ifndef CHIO_PROVIDER_PIN_H
#define CHIO_PROVIDER_PIN_H

#include "provider/login.h"
#include "signer/client/uri.h"

#include <openssl/core.h>

/* A person to ask. */
struct chio_pin_asker {
  OSSL_PASSPHRASE_CALLBACK *callback; /* may be NULL */
  void *arg;
};

/* Reads a PIN from a file: an absolute path, file:PATH or file://localhost/PATH. One line end is cut off. A regular
 * file that everybody may read is refused. False with an error raised that names the file. */
bool chio_pin_read(const struct chio_prov *prov, const char *source, struct chio_secret **out_pin);

/* The PIN again, from where it came; false (nothing raised that matters) when only a person knows it. */
bool chio_pin_reread(const struct chio_prov *prov, enum chio_pin_origin origin, const char *source,
                     struct chio_secret **out_pin);

/* A token, as far as a login needs to know it. */
struct chio_pin_token {
  uint32_t slot;
  uint64_t flags; /* CKF_* */
  const char *label;
};

/* Logs in at the token. True with *out_login NULL when nobody knows a PIN, or the token wants none; false with an
 * error raised when there was a PIN and it did not do. */
bool chio_pin_login(struct chio_signer *signer, const struct chio_pin_token *token, const struct chio_uri *uri,
                    const struct chio_pin_asker *asker, struct chio_prov_login **out_login);

#endif
