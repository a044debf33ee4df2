#include "kms-adapters/body.h"

#include "signer/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The size that was asked for is not known any more; what the allocator gave is at least that. */
static void wipe_and_free(void *memory) {
  if (memory == NULL) return;
  chio_wipe(memory, malloc_usable_size(memory));
  free(memory);
}

void chio_body_wipe_freed(void) {
  json_set_alloc_funcs(malloc, wipe_and_free);
}

/* jansson's own limit on depth is 2048: more recursion than a thread's stack should bear from a stranger. */
static bool too_deep(struct chio_slice text) {
  unsigned depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    if (in_string) {
      if (c == '\\') i++;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > CHIO_BODY_DEPTH_MAX) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      depth--;
    }
  }
  return false;
}

enum chio_err chio_body_parse(struct chio_slice text, const char *what, json_t **out_object,
                              struct chio_detail *detail) {
  json_error_t error;
  if (text.len == 0) return chio_fail(detail, CHIO_E_BACKEND, "%s is empty", what);
  if (too_deep(text)) return chio_fail(detail, CHIO_E_BACKEND, "%s is nested too deep", what);
  json_t *object = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
  if (object == NULL) return chio_fail(detail, CHIO_E_BACKEND, "%s is no JSON (line %d)", what, error.line);
  if (!json_is_object(object)) {
    json_decref(object);
    return chio_fail(detail, CHIO_E_BACKEND, "%s is no JSON object", what);
  }
  *out_object = object;
  return CHIO_OK;
}

enum chio_err chio_body_text(const json_t *object, const char *member, size_t max, const char **out_text,
                             struct chio_detail *detail) {
  const json_t *value = json_object_get(object, member);
  if (value == NULL) return chio_fail(detail, CHIO_E_BACKEND, "the reply has no %s", member);
  if (!json_is_string(value)) return chio_fail(detail, CHIO_E_BACKEND, "%s in the reply is no text", member);
  size_t len = json_string_length(value);
  if (len == 0 || len > max)
    return chio_fail(detail, CHIO_E_BACKEND, "%s in the reply has %zu bytes, not 1 to %zu", member, len, max);
  *out_text = json_string_value(value);
  return CHIO_OK;
}

enum chio_err chio_body_text_if(const json_t *object, const char *member, const char **out_text,
                                struct chio_detail *detail) {
  const json_t *value = json_object_get(object, member);
  if (value != NULL && !json_is_null(value) && !json_is_string(value))
    return chio_fail(detail, CHIO_E_BACKEND, "%s in the reply is no text", member);
  *out_text = json_string_value(value);
  return CHIO_OK;
}

enum chio_err chio_body_bytes(const json_t *object, const char *member, bool url, size_t max, struct chio_buf *out,
                              struct chio_detail *detail) {
  const char *text;
  size_t before = out->len;
  enum chio_err err = chio_body_text(object, member, (max + 2) / 3 * 4, &text, detail);
  if (err != CHIO_OK) return err;
  err = chio_base64_decode(chio_slice_str(text), url, out);
  if (err == CHIO_E_NO_MEMORY) return err;
  if (err != CHIO_OK || out->len - before > max) {
    out->len = before;
    return chio_fail(detail, CHIO_E_BACKEND, "%s in the reply is no base64 of at most %zu bytes", member, max);
  }
  return CHIO_OK;
}

enum chio_err chio_body_secret(json_t *object, const char *member, bool url, size_t max,
                               struct chio_secret **out_secret, struct chio_detail *detail) {
  struct chio_buf bytes = CHIO_BUF_INIT;
  /* all the room at once, so that no realloc leaves a copy behind */
  enum chio_err err = chio_buf_reserve(&bytes, max + 3) != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = chio_body_bytes(object, member, url, max, &bytes, detail);
  if (err == CHIO_OK) err = chio_secret_copy(chio_buf_slice(&bytes), out_secret);
  if (bytes.data != NULL) chio_wipe(bytes.data, bytes.cap);
  chio_buf_clear(&bytes);
  /* jansson hands out the string as const, but the memory is its own, writable, and about to be freed unwiped */
  char *text = (char *)(uintptr_t)json_string_value(json_object_get(object, member));
  if (text != NULL) chio_wipe(text, strlen(text));
  return err;
}

static bool decimal(const char *text, uint64_t *out_number) {
  uint64_t number = 0;
  if (*text == '\0') return false;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return false;
    if (__builtin_mul_overflow(number, 10u, &number)) return false;
    if (__builtin_add_overflow(number, (uint64_t)(*text - '0'), &number)) return false;
  }
  *out_number = number;
  return true;
}

enum chio_err chio_body_u64(const json_t *object, const char *member, uint64_t *out_number,
                            struct chio_detail *detail) {
  const json_t *value = json_object_get(object, member);
  if (json_is_integer(value) && json_integer_value(value) >= 0) {
    *out_number = (uint64_t)json_integer_value(value);
    return CHIO_OK;
  }
  if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value) &&
      decimal(json_string_value(value), out_number))
    return CHIO_OK;
  return chio_fail(detail, CHIO_E_BACKEND, "%s in the reply is no number", member);
}

enum chio_err chio_body_set_bytes(json_t *object, const char *member, bool url, struct chio_slice bytes) {
  struct chio_buf text = CHIO_BUF_INIT;
  if (url)
    chio_base64url_append(&text, bytes);
  else
    chio_base64_append(&text, bytes);
  enum chio_err err = chio_buf_err(&text);
  if (err == CHIO_OK) {
    json_t *value = json_stringn(text.len > 0 ? (const char *)text.data : "", text.len);
    if (json_object_set_new(object, member, value) != 0) err = CHIO_E_NO_MEMORY;
  }
  chio_buf_clear(&text);
  return err;
}

static int append(const char *bytes, size_t len, void *arg) {
  struct chio_buf *out = arg;
  chio_buf_append(out, bytes, len);
  return chio_buf_err(out) == CHIO_OK ? 0 : -1;
}

enum chio_err chio_body_write(const json_t *object, struct chio_buf *out) {
  return json_dump_callback(object, append, out, JSON_COMPACT | JSON_SORT_KEYS) == 0 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

static enum chio_err open_failed(const char *path, struct chio_detail *detail) {
  enum chio_err err = errno == ENOENT || errno == ENOTDIR ? CHIO_E_NOT_FOUND
                      : errno == EACCES || errno == EPERM ? CHIO_E_PERMISSION
                                                          : CHIO_E_IO;
  return chio_fail(detail, err, "%s: %s", path, strerror(errno));
}

/* Reads at most one byte more than fits, to see that there is more. */
static enum chio_err read_all(int fd, const char *path, size_t max, struct chio_secret *room, size_t *out_len,
                              struct chio_detail *detail) {
  size_t len = 0;
  while (len < room->len) {
    ssize_t n = read(fd, room->data + len, room->len - len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
    if (n == 0) break;
    len += (size_t)n;
  }
  if (len > max) return chio_fail(detail, CHIO_E_TOO_LONG, "%s has more than %zu bytes", path, max);
  *out_len = len;
  return CHIO_OK;
}

static enum chio_err read_secret(int fd, const char *path, size_t max, struct chio_secret **out_secret,
                                 struct chio_detail *detail) {
  struct stat st;
  size_t len = 0;
  CHIO_AUTO(chio_secret) struct chio_secret *room = NULL;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return chio_fail(detail, CHIO_E_IO, "%s is no regular file", path);
  enum chio_err err = chio_secret_new(max + 1, &room);
  if (err == CHIO_OK) err = read_all(fd, path, max, room, &len, detail);
  if (err != CHIO_OK) return err;
  while (len > 0 && strchr(" \t\r\n", room->data[len - 1]) != NULL) len--;
  return chio_secret_copy(chio_slice(room->data, len), out_secret);
}

enum chio_err chio_secret_file(const char *path, size_t max, struct chio_secret **out_secret,
                               struct chio_detail *detail) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return open_failed(path, detail);
  enum chio_err err = read_secret(fd, path, max, out_secret, detail);
  close(fd);
  return err;
}
