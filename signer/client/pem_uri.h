/*
 * The body of a PEM block "CHIO HSM KEY URI": a reference to a key, for programs that read keys from files alone.
 *   SEQUENCE { VisibleString "chio-hsm key URI v1", UTF8String uri }   (DER)
 * It never carries a PIN, and names no signer but a socket: such a file may come from anybody, and reading it must not
 * open files or make state folders.
 */
#ifndef CHIO_CLIENT_PEM_URI_H
#define CHIO_CLIENT_PEM_URI_H

#include "signer/client/uri.h"

#define CHIO_PEM_URI_LABEL "CHIO HSM KEY URI"
#define CHIO_PEM_URI_VERSION "chio-hsm key URI v1"

/* Whether the bytes begin as such a SEQUENCE of any version: whoever reads many kinds of DER asks this first. */
bool chio_pem_uri_is(struct chio_slice der);

/* CHIO_E_VERSION for another version; CHIO_E_MALFORMED, CHIO_E_TRUNCATED, CHIO_E_TRAILING, CHIO_E_TOO_LONG for what
 * is no such body or names a PIN. The caller frees the result. */
CHIO_MUST_CHECK enum chio_err chio_pem_uri_decode(struct chio_slice der, struct chio_uri **out_uri,
                                                  struct chio_detail *detail);

/* Appends the DER. CHIO_E_TOO_LONG above CHIO_URI_MAX. */
CHIO_MUST_CHECK enum chio_err chio_pem_uri_encode(struct chio_slice uri, struct chio_buf *out);

#endif
