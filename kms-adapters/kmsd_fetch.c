#include "kms-adapters/kmsd_fetch.h"

/* Plain HTTP is for a server on this machine alone. */
static bool is_loopback(const char *url) {
  static const char *const prefixes[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(prefixes); i++) {
    size_t len = strlen(prefixes[i]);
    if (strncmp(url, prefixes[i], len) == 0 && (url[len] == ':' || url[len] == '/' || url[len] == '\0')) return true;
  }
  return false;
}

/* What keeps a path below the source's URL. */
static bool is_plain_path(const char *path) {
  static const char allowed[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/?&=%+,:";
  if (path[0] != '/' || path[1] == '/') return path[0] == '\0';
  return path[strspn(path, allowed)] == '\0' && strstr(path, "..") == NULL;
}

enum chio_err chio_kmsd_fetch(struct chio_kmsd *kmsd, const struct chio_kmsd_backend *source, const char *path,
                              const struct chio_deadline *deadline, struct chio_http_reply *out_reply,
                              struct chio_detail *detail) {
  static const char *const headers[] = {"Accept: */*"};
  CHIO_AUTO(chio_buf) struct chio_buf *url = chio_buf_new();
  if (url == NULL) return CHIO_E_NO_MEMORY;
  if (!is_plain_path(path)) return chio_fail(detail, CHIO_E_ARGUMENT, "'%s': this is no path to fetch", source->name);
  chio_buf_append_str(url, source->endpoint);
  chio_buf_append_str(url, path);
  if (chio_buf_cstr(url) == NULL) return CHIO_E_NO_MEMORY;
  const struct chio_http_request request = {.method = "GET",
                                            .url = (const char *)url->data,
                                            .headers = headers,
                                            .header_count = CHIO_ARRAY_LEN(headers),
                                            .timeout_ms = chio_deadline_left_ms(deadline),
                                            .ca_file = source->ca_file,
                                            .allow_http = is_loopback(source->endpoint)};
  enum chio_err err = chio_http_call(kmsd->http, &request, out_reply, detail);
  if (err == CHIO_OK && (out_reply->body.len > CHIO_BACKEND_FETCH_MAX ||
                         out_reply->headers.len > CHIO_BACKEND_HEADERS_MAX)) {
    chio_http_reply_clear(out_reply);
    err = chio_fail(detail, CHIO_E_TOO_LONG, "'%s': the answer is too long", source->name);
  }
  return err;
}
