/*
 * Where a signer may be: a comma-separated list, tried in order. unix:PATH is the socket of a chiod, embedded:DIR a
 * signer in this process on that state folder. Paths are absolute; a comma cannot stand in one.
 */
#ifndef CHIO_CLIENT_ENDPOINT_H
#define CHIO_CLIENT_ENDPOINT_H

#include "signer/base/err.h"
#include <stdbool.h>
#include <stddef.h>

#define CHIO_ENDPOINTS_MAX 8u
#define CHIO_ENDPOINT_TEXT_MAX 1024u /* bytes of one endpoint with its NUL */
#define CHIO_ENDPOINT_DEFAULT "unix:/run/chio/chiod.sock"

enum chio_endpoint_kind { CHIO_ENDPOINT_UNIX, CHIO_ENDPOINT_EMBEDDED };

struct chio_endpoint {
  enum chio_endpoint_kind kind;
  char text[CHIO_ENDPOINT_TEXT_MAX]; /* "unix:/run/chio/chiod.sock" */
  const char *path;                  /* into text */
};

struct chio_endpoints {
  size_t count; /* at least 1 */
  bool pinned;  /* the compiled-in list: who was reached first is not left for another */
  struct chio_endpoint list[CHIO_ENDPOINTS_MAX];
};

/* Fills *endpoints, which must not be moved afterwards. list NULL: $CHIO_SIGNER; unset or empty: the compiled-in list.
 * CHIO_E_CONFIG names the endpoint and what was expected. */
CHIO_MUST_CHECK enum chio_err chio_endpoints_parse(const char *list, struct chio_endpoints *endpoints,
                                                   struct chio_detail *detail);

#endif
