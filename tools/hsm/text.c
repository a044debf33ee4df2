#include "tools/hsm/text.h"

#include "signer/base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM_LINE 48u /* bytes in a line of 64 characters */
#define PATH_LEN_MAX 4096u

void hsm_hex_put(struct chio_slice bytes, struct chio_buf *out) {
  for (size_t i = 0; i < bytes.len; i++) chio_buf_printf(out, "%02x", bytes.data[i]);
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum chio_err hsm_hex_parse(const char *text, struct chio_buf *out) {
  size_t len = strlen(text);
  if (len % 2 != 0) return CHIO_E_MALFORMED;
  for (size_t i = 0; i < len; i++)
    if (digit(text[i]) < 0) return CHIO_E_MALFORMED;
  for (size_t i = 0; i < len; i += 2) chio_buf_append_u8(out, (uint8_t)(digit(text[i]) * 16 + digit(text[i + 1])));
  return chio_buf_err(out);
}

static void base64_put(const uint8_t *in, size_t len, struct chio_buf *out) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < len; i += 3) {
    uint32_t group = (uint32_t)in[i] << 16;
    if (i + 1 < len) group |= (uint32_t)in[i + 1] << 8;
    if (i + 2 < len) group |= in[i + 2];
    for (unsigned k = 0; k < 4; k++)
      chio_buf_append_u8(out, k > 0 && i + k > len ? '=' : (uint8_t)letters[(group >> (18 - 6 * k)) & 63]);
  }
}

void hsm_pem_put(const char *label, struct chio_slice der, struct chio_buf *out) {
  chio_buf_printf(out, "-----BEGIN %s-----\n", label);
  for (size_t at = 0; at < der.len; at += PEM_LINE) {
    base64_put(der.data + at, der.len - at < PEM_LINE ? der.len - at : PEM_LINE, out);
    chio_buf_append_u8(out, '\n');
  }
  chio_buf_printf(out, "-----END %s-----\n", label);
}

void hsm_plain_put(struct chio_slice text, struct chio_buf *out) {
  for (size_t i = 0; i < text.len; i++)
    chio_buf_append_u8(out, text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : text.data[i]);
}

static bool write_beside(const char *temporary, int fd, const char *path, struct chio_slice bytes) {
  struct stat st;
  mode_t mask = umask(0);
  (void)umask(mask);
  mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0666 & ~mask;
  bool ok = chio_write_whole(fd, bytes) && fchmod(fd, mode) == 0;
  ok = close(fd) == 0 && ok;
  return ok && rename(temporary, path) == 0;
}

/* A pipe, a terminal, /dev/stdout: what is no plain file is written to as it is. */
static bool is_special(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

enum chio_err hsm_write(const char *path, struct chio_slice bytes, struct chio_detail *detail) {
  char temporary[PATH_LEN_MAX];
  if (path == NULL || strcmp(path, "-") == 0) {
    if (bytes.len == 0 || fwrite(bytes.data, bytes.len, 1, stdout) == 1) return CHIO_OK;
    return chio_fail(detail, CHIO_E_IO, "the output could not be written");
  }
  int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  bool special = is_special(path);
  if (n < 0 || (size_t)n >= sizeof temporary) return chio_fail(detail, CHIO_E_TOO_LONG, "the file's name is too long");
  int fd = special ? open(path, O_WRONLY | O_CLOEXEC) : mkostemp(temporary, O_CLOEXEC);
  bool ok = fd >= 0;
  if (ok && special) {
    ok = chio_write_whole(fd, bytes);
    ok = close(fd) == 0 && ok;
  } else if (ok) {
    ok = write_beside(temporary, fd, path, bytes);
    int why = errno;
    if (!ok) (void)unlink(temporary);
    errno = why;
  }
  return ok ? CHIO_OK : chio_fail(detail, CHIO_E_IO, "cannot write %s: %s", path, strerror(errno));
}
