#include "kms-adapters/kmsd_check.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SOURCE_OPTIONS " endpoint ca_file "

enum form { FORM_TEXT, FORM_FILE, FORM_URL };

static const struct {
  const char *name; /* with a blank before and behind, as adapters list them */
  size_t offset;
  enum form form;
} options_table[] = {
#define ROW(name, member, form) {" " name " ", offsetof(struct chio_backend_options, member), form}
    ROW("endpoint", endpoint, FORM_URL),
    ROW("ca_file", ca_file, FORM_FILE),
    ROW("region", region, FORM_TEXT),
    ROW("mount", mount, FORM_TEXT),
    ROW("namespace", namespace_, FORM_TEXT),
    ROW("vault", vault, FORM_TEXT),
    ROW("key_ring", key_ring, FORM_TEXT),
    ROW("protection", protection, FORM_TEXT),
    ROW("module", module, FORM_TEXT),
    ROW("token", token, FORM_TEXT),
    ROW("auth", auth, FORM_TEXT),
    ROW("role", role, FORM_TEXT),
    ROW("tenant", tenant, FORM_TEXT),
    ROW("auth_endpoint", auth_endpoint, FORM_URL),
    ROW("token_file", token_file, FORM_FILE),
    ROW("secret_file", secret_file, FORM_FILE),
    ROW("cert_file", cert_file, FORM_FILE),
#undef ROW
};

/* "https://user:password@host": what stands before the host would be sent along, and is a secret in a configuration. */
static bool names_a_user(const char *url) {
  const char *host = strstr(url, "://");
  host = host != NULL ? host + 3 : url;
  return memchr(host, '@', strcspn(host, "/?#")) != NULL;
}

enum chio_err chio_kmsd_check_options(const struct chio_adapter_ops *ops, const struct chio_backend_options *options,
                                      struct chio_detail *detail) {
  const char *known = ops != NULL ? ops->options : SOURCE_OPTIONS;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(options_table); i++) {
    const char *value = *(const char *const *)((const char *)options + options_table[i].offset);
    const char *name = options_table[i].name + 1;
    int len = (int)strlen(name) - 1;
    if (value == NULL) continue;
    if (known != NULL && strstr(known, options_table[i].name) == NULL)
      return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': the kind '%s' has no %.*s", options->name,
                       ops != NULL ? ops->name : "collateral", len, name);
    if (options_table[i].form == FORM_FILE && value[0] != '/')
      return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': %.*s is no path from the root", options->name, len, name);
    if (options_table[i].form == FORM_URL && names_a_user(value))
      return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': %.*s names a user: secrets stand in files", options->name,
                       len, name);
  }
  return CHIO_OK;
}

enum chio_err chio_kmsd_check_keys(enum chio_kms_kind kind, struct chio_slice uris, struct chio_detail *detail) {
  while (uris.len > 0) {
    const uint8_t *end = memchr(uris.data, 0, uris.len);
    if (end == NULL) return chio_fail(detail, CHIO_E_CONFIG, "the keys are not ended");
    const char *text = (const char *)uris.data;
    struct chio_detail why = {.text = ""};
    struct chio_key_uri uri;
    enum chio_err err = chio_key_uri_parse(text, &uri, &why);
    if (err == CHIO_OK && uri.kind != kind)
      err = chio_fail(&why, CHIO_E_ARGUMENT, "this backend has no keys of this kind of URI");
    if (err != CHIO_OK)
      return chio_fail(detail, CHIO_E_CONFIG, "key '%.*s': %s", (int)strcspn(text, "?;#@"), text, why.text);
    size_t used = (size_t)(end + 1 - uris.data);
    uris = chio_slice(uris.data + used, uris.len - used);
  }
  return CHIO_OK;
}
