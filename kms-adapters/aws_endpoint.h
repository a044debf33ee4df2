/* Where a service of AWS is: its URL by region and partition, and what is remembered of each endpoint. */
#ifndef CHIO_KMS_AWS_ENDPOINT_H
#define CHIO_KMS_AWS_ENDPOINT_H

#include "kms-adapters/http.h"
#include "kms-adapters/retry.h"

#include <stdatomic.h>

#define CHIO_AWS_ENDPOINTS_MAX 32u /* regions and URLs that the keys of one backend may name */

struct chio_aws_endpoint {
  char url[320];     /* "https://host[:port]/" */
  char host[256];    /* as the Host header has it */
  char region[64];
  char ca_file[256]; /* empty: the system's CAs */
  bool plain;        /* http, which only loopback may have */
  struct chio_endpoint retry;
  _Atomic int64_t clock_offset_s; /* how far the server is ahead of us */
};

struct chio_aws_endpoints;

CHIO_MUST_CHECK enum chio_err chio_aws_endpoints_new(struct chio_aws_endpoints **out_endpoints);
void chio_aws_endpoints_free(struct chio_aws_endpoints *endpoints); /* NULL is accepted */

/* Which one is asked for. */
struct chio_aws_place {
  const char *service; /* "kms", "sts" */
  const char *region;
  const char *url;     /* NULL: the region's own */
  const char *ca_file; /* NULL: the system's CAs */
  bool fips;           /* the region's FIPS endpoint */
};

/* "us-east-1": lower-case letters, digits and hyphens; it becomes part of a host name. */
bool chio_aws_region_valid(const char *region);

/* Whether a URL can be an endpoint: https, or http to this machine itself; no path, user or query. The detail says what
 * is wrong. CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_aws_url_check(const char *url, struct chio_detail *detail);

/* The endpoint, made at the first use and kept until the end. CHIO_E_CONFIG (no or a strange region, a bad URL, too
 * many endpoints), CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_aws_endpoint_get(struct chio_aws_endpoints *endpoints,
                                                    const struct chio_aws_place *place,
                                                    struct chio_aws_endpoint **out_endpoint,
                                                    struct chio_detail *detail);

#endif
