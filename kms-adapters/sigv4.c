#include "kms-adapters/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#define DIGEST_SIZE 32u
#define DAY_SIZE 8u /* "20261120" */

enum chio_err chio_sigv4_date(time_t when, char out[CHIO_SIGV4_DATE_SIZE]) {
  struct tm utc;
  if (gmtime_r(&when, &utc) == NULL || utc.tm_year < -900 || utc.tm_year > 8099) return CHIO_E_ARGUMENT;
  return strftime(out, CHIO_SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc) == CHIO_SIGV4_DATE_SIZE - 1 ? CHIO_OK
                                                                                                 : CHIO_E_ARGUMENT;
}

static void append_hex(struct chio_buf *out, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) chio_buf_printf(out, "%02x", bytes[i]);
}

static enum chio_err append_sha256_hex(struct chio_buf *out, struct chio_slice bytes) {
  uint8_t digest[DIGEST_SIZE];
  unsigned len = 0;
  if (EVP_Digest(bytes.data, bytes.len, digest, &len, EVP_sha256(), NULL) != 1) return CHIO_E_INTERNAL;
  append_hex(out, digest, len);
  return CHIO_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct chio_sigv4_header *)a)->name, ((const struct chio_sigv4_header *)b)->name);
}

/* What is signed is hashed as it is written: the session token, which is a header of it, is copied nowhere. */
struct hash {
  EVP_MD_CTX *context;
  bool failed;
};

static void hash_bytes(struct hash *hash, const void *bytes, size_t len) {
  if (len > 0 && EVP_DigestUpdate(hash->context, bytes, len) != 1) hash->failed = true;
}

static void hash_text(struct hash *hash, const char *text) {
  hash_bytes(hash, text, strlen(text));
}

/* Leading and trailing blanks go, runs of blanks become one. */
static void hash_trimmed(struct hash *hash, const char *value) {
  static const char blanks[] = " \t";
  value += strspn(value, blanks);
  while (*value != '\0') {
    size_t word = strcspn(value, blanks);
    hash_bytes(hash, value, word);
    value += word;
    value += strspn(value, blanks);
    if (*value != '\0') hash_text(hash, " ");
  }
}

static void append_signed_names(struct chio_buf *out, const struct chio_sigv4_header *sorted, size_t count) {
  for (size_t i = 0; i < count; i++) chio_buf_printf(out, "%s%s", i > 0 ? ";" : "", sorted[i].name);
}

/* ends: what stands behind the headers. */
static void hash_request(struct hash *hash, const struct chio_sigv4_header *sorted, size_t count,
                         struct chio_slice ends) {
  hash_text(hash, "POST\n/\n\n");
  for (size_t i = 0; i < count; i++) {
    hash_text(hash, sorted[i].name);
    hash_text(hash, ":");
    hash_trimmed(hash, sorted[i].value);
    hash_text(hash, "\n");
  }
  hash_bytes(hash, ends.data, ends.len);
}

/* The hexadecimal SHA-256 of the canonical request, appended. */
static enum chio_err append_request_hash(struct chio_buf *out, const struct chio_sigv4_header *sorted, size_t count,
                                         struct chio_slice body) {
  CHIO_AUTO(chio_buf) struct chio_buf *ends = chio_buf_new();
  uint8_t digest[DIGEST_SIZE];
  if (ends == NULL) return CHIO_E_NO_MEMORY;
  chio_buf_append_u8(ends, '\n');
  append_signed_names(ends, sorted, count);
  chio_buf_append_u8(ends, '\n');
  enum chio_err err = append_sha256_hex(ends, body);
  if (err == CHIO_OK) err = chio_buf_err(ends);
  if (err != CHIO_OK) return err;
  struct hash hash = {EVP_MD_CTX_new(), false};
  if (hash.context == NULL) return CHIO_E_NO_MEMORY;
  if (EVP_DigestInit_ex(hash.context, EVP_sha256(), NULL) != 1) hash.failed = true;
  if (!hash.failed) hash_request(&hash, sorted, count, chio_buf_slice(ends));
  if (!hash.failed && EVP_DigestFinal_ex(hash.context, digest, NULL) != 1) hash.failed = true;
  EVP_MD_CTX_free(hash.context);
  if (hash.failed) return CHIO_E_INTERNAL;
  append_hex(out, digest, sizeof digest);
  return chio_buf_err(out);
}

static enum chio_err hmac(struct chio_slice key, const char *text, uint8_t out[DIGEST_SIZE]) {
  unsigned len = 0;
  return HMAC(EVP_sha256(), key.data, (int)key.len, (const uint8_t *)text, strlen(text), out, &len) != NULL
             ? CHIO_OK
             : CHIO_E_INTERNAL;
}

/* kSigning = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request") */
static enum chio_err signing_key(const struct chio_sigv4_request *request, const char *day, uint8_t out[DIGEST_SIZE]) {
  CHIO_AUTO(chio_secret) struct chio_secret *first = NULL;
  size_t secret_len = request->secret_key->len;
  enum chio_err err = chio_secret_new(4 + secret_len, &first);
  if (err != CHIO_OK) return err;
  memcpy(first->data, "AWS4", 4);
  if (secret_len > 0) memcpy(first->data + 4, request->secret_key->data, secret_len);
  const char *steps[] = {day, request->region, request->service, "aws4_request"};
  struct chio_slice key = chio_secret_slice(first);
  uint8_t link[2][DIGEST_SIZE];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(steps) && err == CHIO_OK; i++) {
    err = hmac(key, steps[i], link[i % 2]);
    key = chio_slice(link[i % 2], DIGEST_SIZE);
  }
  if (err == CHIO_OK) memcpy(out, key.data, DIGEST_SIZE);
  chio_wipe(link, sizeof link);
  return err;
}

static bool is_date(const char *date) {
  if (date == NULL || strlen(date) != CHIO_SIGV4_DATE_SIZE - 1) return false;
  for (size_t i = 0; i < CHIO_SIGV4_DATE_SIZE - 1; i++) {
    char c = date[i];
    bool fits = i == DAY_SIZE ? c == 'T' : i == CHIO_SIGV4_DATE_SIZE - 2 ? c == 'Z' : c >= '0' && c <= '9';
    if (!fits) return false;
  }
  return true;
}

/* Sorts the headers and finds the date. */
static enum chio_err sort_headers(const struct chio_sigv4_request *request, struct chio_sigv4_header *sorted,
                                  const char **out_date) {
  const char *date = NULL;
  if (request->header_count > CHIO_SIGV4_HEADERS_MAX) return CHIO_E_ARGUMENT;
  memcpy(sorted, request->headers, request->header_count * sizeof *sorted);
  qsort(sorted, request->header_count, sizeof *sorted, by_name);
  for (size_t i = 0; i < request->header_count; i++) {
    if (i > 0 && strcmp(sorted[i - 1].name, sorted[i].name) == 0) return CHIO_E_ARGUMENT;
    if (strcmp(sorted[i].name, "x-amz-date") == 0) date = sorted[i].value;
  }
  if (!is_date(date)) return CHIO_E_ARGUMENT;
  *out_date = date;
  return CHIO_OK;
}

enum chio_err chio_sigv4_authorization(const struct chio_sigv4_request *request, struct chio_buf *out) {
  struct chio_sigv4_header sorted[CHIO_SIGV4_HEADERS_MAX];
  const char *date;
  uint8_t key[DIGEST_SIZE];
  uint8_t signature[DIGEST_SIZE];
  enum chio_err err = sort_headers(request, sorted, &date);
  if (err != CHIO_OK) return err;
  CHIO_AUTO(chio_buf) struct chio_buf *to_sign = chio_buf_new();
  if (to_sign == NULL) return CHIO_E_NO_MEMORY;
  char day[DAY_SIZE + 1] = {0};
  memcpy(day, date, DAY_SIZE);
  chio_buf_printf(to_sign, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n", date, day, request->region,
                  request->service);
  err = append_request_hash(to_sign, sorted, request->header_count, request->body);
  const char *string_to_sign = chio_buf_cstr(to_sign);
  if (err != CHIO_OK || string_to_sign == NULL) return err != CHIO_OK ? err : CHIO_E_NO_MEMORY;

  err = signing_key(request, day, key);
  if (err == CHIO_OK) err = hmac(chio_slice(key, sizeof key), string_to_sign, signature);
  chio_wipe(key, sizeof key);
  if (err != CHIO_OK) return err;
  chio_buf_printf(out, "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=", request->access_key, day,
                  request->region, request->service);
  append_signed_names(out, sorted, request->header_count);
  chio_buf_append_str(out, ", Signature=");
  append_hex(out, signature, sizeof signature);
  return chio_buf_err(out);
}
