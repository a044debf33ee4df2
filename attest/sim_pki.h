/* The keys and certificates of a simulated platform: made once, kept in one file, loaded afterwards. */
#ifndef CHIO_ATTEST_SIM_PKI_H
#define CHIO_ATTEST_SIM_PKI_H

#include "attest/crypto.h"

#include <openssl/x509.h>

#define CHIO_SIM_PAIRS_MAX 6u

/* A key and its certificate. */
struct chio_sim_pair {
  EVP_PKEY *key;
  X509 *cert;
};

/* pairs[0] is the root. */
struct chio_sim_pki {
  struct chio_sim_pair pairs[CHIO_SIM_PAIRS_MAX];
  size_t count;
};

/* An extension of the caller's, not critical. */
struct chio_sim_extension {
  const char *oid;
  struct chio_slice value; /* its contents */
};

struct chio_sim_cert_spec {
  const char *cn;
  int days;    /* from yesterday on */
  int seconds; /* with days 0: from now on */
  bool ca;
  int path_len; /* of a CA; -1: none */
  bool bare;    /* no extensions but the caller's */
  const struct chio_sim_extension *extensions;
  size_t extensions_count;
};

/* Certifies the public key of pair->key under issuer (NULL: by itself): ECDSA, or RSA as AMD signs (PSS, SHA-384, salt
 * 48). CHIO_E_INTERNAL. */
CHIO_MUST_CHECK enum chio_err chio_sim_certify(struct chio_sim_pair *pair, const struct chio_sim_pair *issuer,
                                               const struct chio_sim_cert_spec *spec);

/* Fills an empty pki; called when no file is there yet. */
typedef enum chio_err chio_sim_make(struct chio_sim_pki *pki);

/* Loads DIR/sim/NAME.pem, or makes and stores it (and DIR/sim/NAME-root.pem); with make NULL it is CHIO_E_NOT_FOUND
 * instead. Safe when two processes start at once: both end up with the same keys. CHIO_E_IO, CHIO_E_INTERNAL; detail
 * names the file. */
CHIO_MUST_CHECK enum chio_err chio_sim_pki_open(const char *state_dir, const char *name, size_t pairs,
                                                chio_sim_make *make, struct chio_sim_pki *out_pki,
                                                struct chio_detail *detail);
void chio_sim_pki_clear(struct chio_sim_pki *pki);

CHIO_MUST_CHECK enum chio_err chio_cert_append_pem(X509 *cert, struct chio_buf *out);

#endif
