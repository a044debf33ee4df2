#include "kms-adapters/key_uri.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_LEN 32u /* bytes of an option's name */

/* Copies a run of bytes as a string: printable ASCII only, since it will stand in requests and log lines. */
static enum chio_err copy_text(struct chio_slice from, char *to, size_t size, const char *what,
                               struct chio_detail *detail) {
  if (from.len == 0) return chio_fail(detail, CHIO_E_MALFORMED, "the key URI has an empty %s", what);
  if (from.len >= size) return chio_fail(detail, CHIO_E_TOO_LONG, "the %s in the key URI is too long", what);
  for (size_t i = 0; i < from.len; i++)
    if (from.data[i] <= ' ' || from.data[i] > '~')
      return chio_fail(detail, CHIO_E_MALFORMED, "the %s in the key URI has a character that is not allowed", what);
  memcpy(to, from.data, from.len);
  to[from.len] = '\0';
  return CHIO_OK;
}

/* Splits at the first separator; without one the rest is empty. */
static struct chio_slice split(struct chio_slice *rest, char separator) {
  const uint8_t *at = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
  size_t len = at != NULL ? (size_t)(at - rest->data) : rest->len;
  struct chio_slice first = chio_slice(rest->data, len);
  size_t used = at != NULL ? len + 1 : len;
  *rest = chio_slice(rest->len > 0 ? rest->data + used : NULL, rest->len - used);
  return first;
}

static bool starts(struct chio_slice text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static struct chio_slice skip(struct chio_slice text, size_t len) {
  return chio_slice(text.data + len, text.len - len);
}

static bool is(struct chio_slice text, const char *word) {
  return chio_slice_equal(text, chio_slice_str(word));
}

static bool is_decimal(const char *text) {
  size_t len = strlen(text);
  return len > 0 && len <= 9 && text[0] != '0' && strspn(text, "0123456789") == len;
}

static enum chio_err set_timeout(struct chio_slice value, struct chio_key_uri *uri, struct chio_detail *detail) {
  char text[16];
  enum chio_err err = copy_text(value, text, sizeof text, "timeout_ms", detail);
  if (err != CHIO_OK) return err;
  if (!is_decimal(text)) return chio_fail(detail, CHIO_E_MALFORMED, "timeout_ms in the key URI is not a number");
  uri->timeout_ms = (unsigned)strtoul(text, NULL, 10);
  return CHIO_OK;
}

static bool is_secret(struct chio_slice name) {
  static const char *const names[] = {"client-secret", "client_secret", "secret", "token",      "password",
                                      "pin-value",     "secret-key",    "secret_key", "access-key"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++)
    if (is(name, names[i])) return true;
  return false;
}

/* One option, NAME=VALUE. */
static enum chio_err set_option(struct chio_slice option, struct chio_key_uri *uri, struct chio_detail *detail) {
  struct chio_slice value = option;
  struct chio_slice name = split(&value, '=');
  const struct {
    const char *name;
    char *to;
    size_t size;
  } rows[] = {
      {"region", uri->region, sizeof uri->region},       {"endpoint", uri->endpoint, sizeof uri->endpoint},
      {"ca", uri->ca, sizeof uri->ca},                   {"namespace", uri->namespace_, sizeof uri->namespace_},
      {"mount", uri->mount, sizeof uri->mount},          {"key_version", uri->version, sizeof uri->version},
      {"version", uri->version, sizeof uri->version},    {"key-id", uri->key, sizeof uri->key},
      {"name", uri->key, sizeof uri->key},               {"vault", uri->host, sizeof uri->host},
  };
  if (is_secret(name))
    return chio_fail(detail, CHIO_E_POLICY, "a key URI must not hold a secret (%.*s); use a file", (int)name.len,
                     (const char *)name.data);
  if (is(name, "timeout_ms")) return set_timeout(value, uri, detail);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    if (!is(name, rows[i].name)) continue;
    if (rows[i].to[0] != '\0')
      return chio_fail(detail, CHIO_E_MALFORMED, "%s stands twice in the key URI", rows[i].name);
    if (rows[i].to == uri->endpoint && value.len > 0 && memchr(value.data, '@', value.len) != NULL)
      return chio_fail(detail, CHIO_E_POLICY, "the endpoint in the key URI names a user: secrets stand in files");
    for (const char *c = "&;?"; *c != '\0'; c++) /* they would mean something else in the other spelling */
      if (value.len > 0 && memchr(value.data, *c, value.len) != NULL)
        return chio_fail(detail, CHIO_E_MALFORMED, "%s in the key URI has a '%c'", rows[i].name, *c);
    return copy_text(value, rows[i].to, rows[i].size, rows[i].name, detail);
  }
  int shown = (int)(name.len < NAME_MAX_LEN ? name.len : NAME_MAX_LEN);
  return chio_fail(detail, CHIO_E_MALFORMED, "unknown option '%.*s' in the key URI", shown,
                   name.data != NULL ? (const char *)name.data : "");
}

static enum chio_err set_options(struct chio_slice options, char separator, struct chio_key_uri *uri,
                                 struct chio_detail *detail) {
  while (options.len > 0) {
    enum chio_err err = set_option(split(&options, separator), uri, detail);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

/* arn:PARTITION:kms:REGION:ACCOUNT:... */
static void region_of_arn(struct chio_key_uri *uri) {
  struct chio_slice rest = chio_slice_str(uri->key);
  if (uri->region[0] != '\0' || !starts(rest, "arn:")) return;
  for (int i = 0; i < 3; i++) (void)split(&rest, ':');
  struct chio_slice region = split(&rest, ':');
  if (region.len == 0 || region.len >= sizeof uri->region) return;
  for (size_t i = 0; i < region.len; i++) /* anything else is no ARN, which the service will say */
    if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", region.data[i]) == NULL) return;
  memcpy(uri->region, region.data, region.len);
  uri->region[region.len] = '\0';
}

static enum chio_err parse_aws(struct chio_slice body, struct chio_key_uri *uri, struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  if (starts(body, "//")) {
    body = skip(body, 2);
    struct chio_slice host = split(&body, '/');
    if (host.len > 0) err = copy_text(host, uri->host, sizeof uri->host, "host", detail);
    if (err == CHIO_OK) err = copy_text(body, uri->key, sizeof uri->key, "key", detail);
  } else {
    err = set_options(body, ';', uri, detail);
  }
  if (err != CHIO_OK) return err;
  if (uri->key[0] == '\0') return chio_fail(detail, CHIO_E_MALFORMED, "the key URI names no key");
  return CHIO_OK;
}

static enum chio_err parse_gcp(struct chio_slice body, struct chio_key_uri *uri, struct chio_detail *detail) {
  static const char *const parts[] = {"projects", "locations", "keyRings", "cryptoKeys"};
  struct chio_slice rest = starts(body, "//") ? skip(body, 2) : body;
  struct chio_slice whole = rest;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(parts); i++) {
    struct chio_slice word = split(&rest, '/');
    struct chio_slice name = split(&rest, '/');
    if (!is(word, parts[i]) || name.len == 0)
      return chio_fail(detail, CHIO_E_MALFORMED,
                       "a Google key URI is projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/N]");
    whole.len = (size_t)(name.data + name.len - whole.data);
  }
  enum chio_err err = copy_text(whole, uri->key, sizeof uri->key, "key", detail);
  if (err != CHIO_OK || rest.len == 0) return err;
  struct chio_slice word = split(&rest, '/');
  if (!is(word, "cryptoKeyVersions") && !is(word, "versions"))
    return chio_fail(detail, CHIO_E_MALFORMED, "what follows the key in a Google key URI is cryptoKeyVersions/N");
  return copy_text(rest, uri->version, sizeof uri->version, "version", detail);
}

static enum chio_err parse_azure(struct chio_slice body, struct chio_key_uri *uri, struct chio_detail *detail) {
  enum chio_err err;
  if (starts(body, "//")) {
    body = skip(body, 2);
    err = copy_text(split(&body, '/'), uri->host, sizeof uri->host, "vault host", detail);
    if (err == CHIO_OK) err = copy_text(split(&body, '/'), uri->key, sizeof uri->key, "key", detail);
    if (err == CHIO_OK && body.len > 0) err = copy_text(body, uri->version, sizeof uri->version, "version", detail);
  } else {
    err = set_options(body, ';', uri, detail);
  }
  if (err == CHIO_OK && (uri->key[0] == '\0' || uri->host[0] == '\0'))
    return chio_fail(detail, CHIO_E_MALFORMED, "an Azure key URI names a vault and a key");
  if (err == CHIO_OK && (strchr(uri->key, '/') != NULL || strchr(uri->host, '/') != NULL))
    return chio_fail(detail, CHIO_E_MALFORMED, "the name of an Azure key or vault has no '/'");
  return err;
}

static enum chio_err parse_vault(struct chio_slice body, struct chio_key_uri *uri, struct chio_detail *detail) {
  if (!starts(body, "//")) return chio_fail(detail, CHIO_E_MALFORMED, "a Vault key URI is hashivault://KEY");
  return copy_text(skip(body, 2), uri->key, sizeof uri->key, "key", detail);
}

static enum chio_err parse_pkcs11(struct chio_slice body, struct chio_key_uri *uri, struct chio_detail *detail) {
  if (strstr((const char *)body.data, "pin-value=") != NULL)
    return chio_fail(detail, CHIO_E_POLICY, "a key URI must not hold a secret (pin-value); use pin-source");
  return copy_text(body, uri->key, sizeof uri->key, "PKCS#11 URI", detail);
}

static const struct {
  const char *scheme;
  enum chio_kms_kind kind;
  bool options; /* what follows "?" is ours */
  enum chio_err (*parse)(struct chio_slice body, struct chio_key_uri *uri, struct chio_detail *detail);
} schemes[] = {
    {"awskms:", CHIO_KMS_AWS, true, parse_aws},         {"gcpkms:", CHIO_KMS_GCP, true, parse_gcp},
    {"cloudkms:", CHIO_KMS_GCP, true, parse_gcp},       {"azurekms:", CHIO_KMS_AZURE, true, parse_azure},
    {"hashivault:", CHIO_KMS_VAULT, true, parse_vault}, {"openbao:", CHIO_KMS_VAULT, true, parse_vault},
    {"pkcs11:", CHIO_KMS_PKCS11, false, parse_pkcs11},
};

/* What only a pinned number can be. */
static enum chio_err check_version(const struct chio_key_uri *uri, struct chio_detail *detail) {
  bool numbered = uri->kind == CHIO_KMS_GCP || uri->kind == CHIO_KMS_VAULT;
  if (!numbered || uri->version[0] == '\0' || is_decimal(uri->version)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_MALFORMED, "the version in the key URI is not a number");
}

enum chio_err chio_key_uri_parse(const char *text, struct chio_key_uri *out_uri, struct chio_detail *detail) {
  size_t len = strnlen(text, CHIO_KEY_URI_MAX + 1);
  if (len > CHIO_KEY_URI_MAX) return chio_fail(detail, CHIO_E_TOO_LONG, "the key URI is too long");
  struct chio_key_uri *uri = calloc(1, sizeof *uri);
  if (uri == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_fail(detail, CHIO_E_UNSUPPORTED,
                                "a key URI begins with awskms:, gcpkms:, azurekms:, hashivault:, openbao: or pkcs11:");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(schemes); i++) {
    struct chio_slice rest = chio_slice(text, len);
    if (!starts(rest, schemes[i].scheme)) continue;
    rest = skip(rest, strlen(schemes[i].scheme));
    uri->kind = schemes[i].kind;
    struct chio_slice body = schemes[i].options ? split(&rest, '?') : rest;
    err = schemes[i].parse(body, uri, detail);
    if (err == CHIO_OK && schemes[i].options) err = set_options(rest, '&', uri, detail);
    if (err == CHIO_OK) err = check_version(uri, detail);
    if (err == CHIO_OK && uri->kind == CHIO_KMS_AWS) region_of_arn(uri);
    break;
  }
  if (err == CHIO_OK) *out_uri = *uri;
  free(uri);
  return err;
}

/* What stands before the options. */
static void append_name(const struct chio_key_uri *uri, struct chio_buf *out) {
  switch (uri->kind) {
  case CHIO_KMS_AWS: chio_buf_printf(out, "awskms://%s/%s", uri->host, uri->key); break;
  case CHIO_KMS_GCP:
    chio_buf_printf(out, "gcpkms://%s", uri->key);
    if (uri->version[0] != '\0') chio_buf_printf(out, "/cryptoKeyVersions/%s", uri->version);
    break;
  case CHIO_KMS_AZURE:
    chio_buf_printf(out, "azurekms://%s/%s", uri->host, uri->key);
    if (uri->version[0] != '\0') chio_buf_printf(out, "/%s", uri->version);
    break;
  case CHIO_KMS_VAULT: chio_buf_printf(out, "hashivault://%s", uri->key); break;
  case CHIO_KMS_PKCS11: chio_buf_printf(out, "pkcs11:%s", uri->key); break;
  }
}

enum chio_err chio_key_uri_format(const struct chio_key_uri *uri, struct chio_buf *out, struct chio_detail *detail) {
  size_t start = out->len;
  bool version_option = uri->kind == CHIO_KMS_VAULT || uri->kind == CHIO_KMS_AWS;
  const struct {
    const char *name;
    const char *value;
  } rows[] = {
      {"region", uri->region},        {"endpoint", uri->endpoint}, {"ca", uri->ca},
      {"namespace", uri->namespace_}, {"mount", uri->mount},       {"key_version", version_option ? uri->version : ""},
  };
  char separator = '?';
  append_name(uri, out);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows) && uri->kind != CHIO_KMS_PKCS11; i++) {
    if (rows[i].value[0] == '\0') continue;
    chio_buf_printf(out, "%c%s=%s", separator, rows[i].name, rows[i].value);
    separator = '&';
  }
  if (uri->timeout_ms != 0) chio_buf_printf(out, "%ctimeout_ms=%u", separator, uri->timeout_ms);
  if (chio_buf_err(out) != CHIO_OK) return CHIO_E_NO_MEMORY;
  if (out->len - start <= CHIO_KEY_URI_MAX) return CHIO_OK;
  out->len = start;
  return chio_fail(detail, CHIO_E_TOO_LONG, "the key URI is too long");
}
