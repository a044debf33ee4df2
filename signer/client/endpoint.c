#include "signer/client/endpoint.h"

#include "signer/base/macros.h"
#include "signer/wire/limits.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *scheme;
  enum chio_endpoint_kind kind;
  size_t path_max; /* bytes with the NUL */
} schemes[] = {
    {"unix:", CHIO_ENDPOINT_UNIX, CHIO_PATH_MAX},
    {"embedded:", CHIO_ENDPOINT_EMBEDDED, CHIO_ENDPOINT_TEXT_MAX},
};

static enum chio_err parse_one(const char *text, size_t len, struct chio_endpoint *out, struct chio_detail *detail) {
  int shown = len > 120 ? 120 : (int)len;
  if (len >= CHIO_ENDPOINT_TEXT_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "endpoint '%.*s...' is too long", shown, text);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(schemes); i++) {
    size_t prefix = strlen(schemes[i].scheme);
    if (len < prefix || memcmp(text, schemes[i].scheme, prefix) != 0) continue;
    if (len == prefix || text[prefix] != '/')
      return chio_fail(detail, CHIO_E_CONFIG, "endpoint '%.*s': the path must be absolute", shown, text);
    if (len - prefix >= schemes[i].path_max)
      return chio_fail(detail, CHIO_E_CONFIG, "endpoint '%.*s': the path is longer than %zu bytes", shown, text,
                       schemes[i].path_max - 1);
    out->kind = schemes[i].kind;
    memcpy(out->text, text, len);
    out->text[len] = '\0';
    out->path = out->text + prefix;
    return CHIO_OK;
  }
  if (len > 0 && text[0] == '/')
    return chio_fail(detail, CHIO_E_CONFIG, "endpoint '%.*s' has no scheme: write unix:%.*s or embedded:%.*s", shown,
                     text, shown, text, shown, text);
  return chio_fail(detail, CHIO_E_CONFIG, "endpoint '%.*s': expected unix:/PATH or embedded:/DIR", shown, text);
}

static enum chio_err parse_list(const char *list, struct chio_endpoints *endpoints, struct chio_detail *detail) {
  endpoints->count = 0;
  for (const char *at = list; at != NULL;) {
    size_t len = strcspn(at, ",");
    if (endpoints->count == CHIO_ENDPOINTS_MAX)
      return chio_fail(detail, CHIO_E_CONFIG, "more than %u endpoints", CHIO_ENDPOINTS_MAX);
    enum chio_err err = parse_one(at, len, &endpoints->list[endpoints->count], detail);
    if (err != CHIO_OK) return err;
    endpoints->count++;
    at = at[len] == ',' ? at + len + 1 : NULL;
  }
  return CHIO_OK;
}

/* An XDG_RUNTIME_DIR that cannot be an endpoint (relative, too long, with a comma) is as good as none. */
static void add_runtime_dir(struct chio_endpoints *endpoints) {
  const char *dir = secure_getenv("XDG_RUNTIME_DIR");
  char text[CHIO_ENDPOINT_TEXT_MAX];
  if (dir == NULL || strchr(dir, ',') != NULL) return;
  int len = snprintf(text, sizeof text, "unix:%s/chio/chiod.sock", dir);
  if (len < 0 || (size_t)len >= sizeof text) return;
  if (parse_one(text, (size_t)len, &endpoints->list[endpoints->count], NULL) == CHIO_OK) endpoints->count++;
}

enum chio_err chio_endpoints_parse(const char *list, struct chio_endpoints *endpoints, struct chio_detail *detail) {
  if (list == NULL) list = secure_getenv("CHIO_SIGNER");
  endpoints->pinned = list == NULL || list[0] == '\0';
  if (!endpoints->pinned) return parse_list(list, endpoints, detail);
  enum chio_err err = parse_list(CHIO_ENDPOINT_DEFAULT, endpoints, detail);
  if (err == CHIO_OK) add_runtime_dir(endpoints);
  return err;
}
