/* Collateral for verifiers (Intel PCS, AMD KDS, CRLs): one GET from a source that the configuration names. And evidence
 * for a service that judges it: a POST. */
#ifndef CHIO_KMS_KMSD_FETCH_H
#define CHIO_KMS_KMSD_FETCH_H

#include "kms-adapters/kmsd_backend.h"

/* GETs the source's URL with path behind it, or POSTs content (JSON) there, again and again within the deadline while
 * the source is busy or away. Whatever other status comes is CHIO_OK. CHIO_E_ARGUMENT (a path that does not begin with
 * '/', leads upwards, or has characters that no URL has), CHIO_E_TOO_LONG, CHIO_E_BUSY, and what the transport says. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_fetch(struct chio_kmsd *kmsd, struct chio_kmsd_backend *source,
                                              const char *path, struct chio_slice content,
                                              const struct chio_deadline *deadline, struct chio_http_reply *out_reply,
                                              struct chio_detail *detail);

#endif
