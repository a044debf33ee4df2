/*
 * chio: URIs. The attributes and their syntax are those of RFC 7512 (pkcs11: URIs), plus signer= in the query:
 *   chio:token=prod;object=web;type=private?pin-source=/etc/chio/pin&signer=unix:/run/chio/chiod.sock
 * Path:  token serial manufacturer model slot-id object id type (private, public, cert)
 * Query: pin-value pin-source signer
 * What is not understood is refused, never ignored: an ignored attribute would widen what the URI matches.
 */
#ifndef CHIO_CLIENT_URI_H
#define CHIO_CLIENT_URI_H

#include "signer/base/buf.h"
#include "signer/base/secret.h"

#define CHIO_URI_MAX 4096u      /* bytes of a whole URI */
#define CHIO_URI_TEXT_MAX 1024u /* bytes of a decoded value */
#define CHIO_URI_ID_MAX 255u    /* bytes of a decoded id */

enum chio_uri_type { CHIO_URI_ANY = 0, CHIO_URI_PRIVATE, CHIO_URI_PUBLIC, CHIO_URI_CERT };

/* Text is UTF-8 without NUL; NULL where the URI does not have the attribute. */
struct chio_uri {
  char *token;
  char *serial;
  char *manufacturer;
  char *model;
  char *object;
  char *signer;
  char *pin_source;
  struct chio_secret *pin;
  uint8_t *id;
  size_t id_len;
  bool has_id;
  bool has_slot;
  uint32_t slot;
  enum chio_uri_type type;
};

/* CHIO_E_MALFORMED, CHIO_E_TOO_LONG, CHIO_E_NO_MEMORY; the detail names the attribute, never a value. The scheme is
 * compared without regard to case. The caller frees the result with chio_uri_free. */
CHIO_MUST_CHECK enum chio_err chio_uri_parse(struct chio_slice text, struct chio_uri **out_uri,
                                             struct chio_detail *detail);
void chio_uri_free(struct chio_uri *uri);
CHIO_AUTO_DECLARE(chio_uri)

/* Appends the URI in its one canonical spelling, without pin-value and pin-source. */
CHIO_MUST_CHECK enum chio_err chio_uri_format(const struct chio_uri *uri, struct chio_buf *out);

#endif
