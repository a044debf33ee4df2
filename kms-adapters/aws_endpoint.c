#include "kms-adapters/aws_endpoint.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define REGION_MAX 40u /* bytes; the longest there is has 16 */

struct chio_aws_endpoints {
  pthread_mutex_t lock;
  struct chio_aws_endpoint *made[CHIO_AWS_ENDPOINTS_MAX];
  size_t count;
};

enum chio_err chio_aws_endpoints_new(struct chio_aws_endpoints **out_endpoints) {
  struct chio_aws_endpoints *endpoints = calloc(1, sizeof *endpoints);
  if (endpoints == NULL) return CHIO_E_NO_MEMORY;
  (void)pthread_mutex_init(&endpoints->lock, NULL);
  *out_endpoints = endpoints;
  return CHIO_OK;
}

void chio_aws_endpoints_free(struct chio_aws_endpoints *endpoints) {
  if (endpoints == NULL) return;
  for (size_t i = 0; i < endpoints->count; i++) {
    chio_endpoint_clear(&endpoints->made[i]->retry);
    free(endpoints->made[i]);
  }
  (void)pthread_mutex_destroy(&endpoints->lock);
  free(endpoints);
}

bool chio_aws_region_valid(const char *region) {
  size_t len = strlen(region);
  return len > 0 && len <= REGION_MAX && region[0] != '-' && region[len - 1] != '-' &&
         strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* botocore, partitions.json. */
static const char *dns_suffix(const char *region) {
  static const struct {
    const char *prefix;
    const char *suffix;
  } partitions[] = {
      {"cn-", "amazonaws.com.cn"},  {"eusc-", "amazonaws.eu"},      {"us-iso-", "c2s.ic.gov"},
      {"us-isob-", "sc2s.sgov.gov"}, {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(partitions); i++)
    if (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) == 0) return partitions[i].suffix;
  return "amazonaws.com";
}

/* The parts of an endpoint's URL, borrowed. */
struct parts {
  bool plain;
  struct chio_slice host; /* with its port */
  struct chio_slice name; /* without */
  struct chio_slice port; /* may be empty */
};

static bool host_char(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_';
}

static bool split_host(struct chio_slice host, struct parts *parts) {
  size_t at = 0;
  if (host.len > 0 && host.data[0] == '[') {
    const uint8_t *end = memchr(host.data, ']', host.len);
    if (end == NULL) return false;
    at = (size_t)(end - host.data) + 1;
    if (strspn((const char *)host.data + 1, "0123456789abcdefABCDEF:.") != at - 2) return false;
  } else {
    while (at < host.len && host_char(host.data[at])) at++;
  }
  parts->host = host;
  parts->name = chio_slice(host.data, at);
  parts->port = chio_slice(NULL, 0);
  if (at == 0) return false;
  if (at == host.len) return true;
  if (host.data[at] != ':' || host.len - at < 2 || host.len - at > 6) return false;
  parts->port = chio_slice(host.data + at + 1, host.len - at - 1);
  return strspn((const char *)parts->port.data, "0123456789") >= parts->port.len;
}

static enum chio_err parse_url(const char *url, struct parts *out_parts, struct chio_detail *detail) {
  struct parts parts = {.plain = false};
  size_t skip = 0;
  if (strncmp(url, "https://", 8) == 0) skip = 8;
  if (strncmp(url, "http://", 7) == 0) skip = 7;
  parts.plain = skip == 7;
  if (skip == 0) return chio_fail(detail, CHIO_E_CONFIG, "an AWS endpoint begins with https://");
  size_t len = strlen(url + skip);
  if (len > 0 && url[skip + len - 1] == '/') len--;
  if (len > 255 || !split_host(chio_slice(url + skip, len), &parts))
    return chio_fail(detail, CHIO_E_CONFIG, "an AWS endpoint is https://HOST[:PORT] and nothing more");
  if (parts.plain && !chio_http_is_loopback(url))
    return chio_fail(detail, CHIO_E_CONFIG, "an AWS endpoint with plain http must be on this machine (127.0.0.1)");
  *out_parts = parts;
  return CHIO_OK;
}

enum chio_err chio_aws_url_check(const char *url, struct chio_detail *detail) {
  struct parts parts;
  return parse_url(url, &parts, detail);
}

/* The Host header leaves out the port that the scheme implies. */
static void set_host(struct chio_aws_endpoint *e, const struct parts *parts) {
  bool implied = chio_slice_equal(parts->port, chio_slice_str(parts->plain ? "80" : "443"));
  struct chio_slice host = implied ? parts->name : parts->host;
  memcpy(e->host, host.data, host.len);
  e->host[host.len] = '\0';
  e->plain = parts->plain;
}

static enum chio_err describe(const struct chio_aws_place *place, struct chio_aws_endpoint *e,
                              struct chio_detail *detail) {
  struct parts parts;
  char own[256];
  if (place->region == NULL || place->region[0] == '\0')
    return chio_fail(detail, CHIO_E_CONFIG, "no region: set region in the backend, or ?region= in the URI");
  if (!chio_aws_region_valid(place->region))
    return chio_fail(detail, CHIO_E_CONFIG, "the region is no name of an AWS region");
  (void)snprintf(own, sizeof own, "https://%s%s.%s.%s", place->service, place->fips ? "-fips" : "", place->region,
                 dns_suffix(place->region));
  const char *url = place->url != NULL ? place->url : own;
  enum chio_err err = parse_url(url, &parts, detail);
  if (err != CHIO_OK) return err;
  if (place->ca_file != NULL && strlen(place->ca_file) >= sizeof e->ca_file)
    return chio_fail(detail, CHIO_E_CONFIG, "the path of the CA file is too long");
  set_host(e, &parts);
  (void)snprintf(e->url, sizeof e->url, "%s://%.*s/", parts.plain ? "http" : "https", (int)parts.host.len,
                 (const char *)parts.host.data);
  (void)snprintf(e->region, sizeof e->region, "%s", place->region);
  (void)snprintf(e->ca_file, sizeof e->ca_file, "%s", place->ca_file != NULL ? place->ca_file : "");
  return CHIO_OK;
}

static bool same(const struct chio_aws_endpoint *a, const struct chio_aws_endpoint *b) {
  return strcmp(a->url, b->url) == 0 && strcmp(a->region, b->region) == 0 && strcmp(a->ca_file, b->ca_file) == 0;
}

static struct chio_aws_endpoint *find(struct chio_aws_endpoints *endpoints, const struct chio_aws_endpoint *like) {
  for (size_t i = 0; i < endpoints->count; i++)
    if (same(endpoints->made[i], like)) return endpoints->made[i];
  return NULL;
}

/* With the lock held. */
static enum chio_err find_or_add(struct chio_aws_endpoints *endpoints, struct chio_aws_endpoint **fresh,
                                 struct chio_aws_endpoint **out_endpoint, struct chio_detail *detail) {
  struct chio_aws_endpoint *known = find(endpoints, *fresh);
  if (known == NULL && endpoints->count == CHIO_AWS_ENDPOINTS_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "the keys of one backend name more than %u endpoints",
                     CHIO_AWS_ENDPOINTS_MAX);
  if (known == NULL) {
    known = *fresh;
    *fresh = NULL;
    chio_endpoint_init(&known->retry);
    endpoints->made[endpoints->count++] = known;
  }
  *out_endpoint = known;
  return CHIO_OK;
}

enum chio_err chio_aws_endpoint_get(struct chio_aws_endpoints *endpoints, const struct chio_aws_place *place,
                                    struct chio_aws_endpoint **out_endpoint, struct chio_detail *detail) {
  struct chio_aws_endpoint *fresh = calloc(1, sizeof *fresh);
  if (fresh == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = describe(place, fresh, detail);
  if (err == CHIO_OK) {
    (void)pthread_mutex_lock(&endpoints->lock);
    err = find_or_add(endpoints, &fresh, out_endpoint, detail);
    (void)pthread_mutex_unlock(&endpoints->lock);
  }
  free(fresh);
  return err;
}
