#include "tools/hsm/pin.h"

#include "signer/wire/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#define LINES_MAX 16u /* a file of PINs has no more */

/* Reads up to and without the newline, byte by byte, so that the next line is there for the next reader. */
static enum chio_err read_line(int fd, struct chio_secret *line, size_t *out_len) {
  for (size_t len = 0; len < line->len;) {
    ssize_t n = read(fd, line->data + len, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return CHIO_E_IO;
    if (n == 0 || line->data[len] == '\n') {
      if (len > 0 && line->data[len - 1] == '\r') len--;
      *out_len = len;
      return CHIO_OK;
    }
    len++;
  }
  return CHIO_E_PIN_LENGTH;
}

static enum chio_err pin_of_line(struct chio_secret *line, size_t len, struct chio_secret **out_pin) {
  if (len == 0 || len > CHIO_PIN_MAX) return CHIO_E_PIN_LENGTH;
  return chio_secret_copy(chio_slice(line->data, len), out_pin);
}

static enum chio_err from_fd(int fd, unsigned skip, const char *source, struct chio_secret **out_pin,
                             struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *line = NULL;
  size_t len = 0;
  enum chio_err err = chio_secret_new(CHIO_PIN_MAX + 3, &line);
  for (unsigned i = 0; err == CHIO_OK && i <= skip && i < LINES_MAX; i++) err = read_line(fd, line, &len);
  if (err == CHIO_OK) err = pin_of_line(line, len, out_pin);
  if (err == CHIO_E_IO) return chio_fail(detail, err, "PIN source %s: %s", source, strerror(errno));
  if (err == CHIO_E_PIN_LENGTH)
    return chio_fail(detail, err, "PIN source %s: line %u is empty or longer than %u bytes", source, skip + 1,
                     CHIO_PIN_MAX);
  return err;
}

/* The pin-source of a URI may be a URI itself (RFC 7512, 2.4), as the provider takes it. */
static const char *path_of(const char *source) {
  static const char *const prefixes[] = {"file://localhost/", "file:///", "file:/"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(prefixes); i++)
    if (strncasecmp(source, prefixes[i], strlen(prefixes[i])) == 0) return source + strlen(prefixes[i]) - 1;
  return source;
}

static enum chio_err from_source(const char *source, unsigned skip, struct chio_secret **out_pin,
                                 struct chio_detail *detail) {
  if (strncmp(source, "fd:", 3) == 0) {
    char *end;
    long fd = strtol(source + 3, &end, 10);
    if (source[3] < '0' || source[3] > '9' || *end != '\0' || fd > 65535)
      return chio_fail(detail, CHIO_E_ARGUMENT, "PIN source '%s': expected fd:NUMBER", source);
    return from_fd((int)fd, 0, source, out_pin, detail);
  }
  int fd = open(path_of(source), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return chio_fail(detail, CHIO_E_IO, "PIN source %s: %s", source, strerror(errno));
  enum chio_err err = from_fd(fd, skip, source, out_pin, detail);
  (void)close(fd);
  return err;
}

static enum chio_err say(int tty, const char *text) {
  return write(tty, text, strlen(text)) >= 0 ? CHIO_OK : CHIO_E_IO;
}

/* The keys come one by one and raise no signals: a ^C must not leave the terminal without its echo. */
static enum chio_err read_keys(int tty, struct chio_secret *line, size_t *out_len) {
  for (size_t len = 0;;) {
    uint8_t key;
    ssize_t n = read(tty, &key, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || key == 0x03 || key == 0x04) return CHIO_E_IO; /* ^C, ^D */
    if (key == '\n' || key == '\r') {
      *out_len = len;
      return CHIO_OK;
    }
    if (key == 0x7f || key == 0x08)
      len -= len > 0;
    else if (key == 0x15)
      len = 0; /* ^U */
    else if (len < line->len)
      line->data[len++] = key;
    else
      return CHIO_E_PIN_LENGTH;
  }
}

static enum chio_err ask_on(int tty, const char *question, struct chio_secret **out_pin) {
  struct termios before;
  if (tcgetattr(tty, &before) != 0) return CHIO_E_IO;
  struct termios quiet = before;
  quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
  quiet.c_cc[VMIN] = 1;
  quiet.c_cc[VTIME] = 0;
  CHIO_AUTO(chio_secret) struct chio_secret *line = NULL;
  size_t len = 0;
  enum chio_err err = chio_secret_new(CHIO_PIN_MAX + 1, &line);
  if (err == CHIO_OK) err = say(tty, question);
  if (err == CHIO_OK && tcsetattr(tty, TCSAFLUSH, &quiet) != 0) err = CHIO_E_IO;
  if (err != CHIO_OK) return err;
  err = read_keys(tty, line, &len);
  (void)tcsetattr(tty, TCSAFLUSH, &before);
  if (say(tty, "\n") != CHIO_OK && err == CHIO_OK) err = CHIO_E_IO;
  return err == CHIO_OK ? pin_of_line(line, len, out_pin) : err;
}

static enum chio_err ask(const char *question, bool twice, struct chio_secret **out_pin, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *pin = NULL;
  CHIO_AUTO(chio_secret) struct chio_secret *again = NULL;
  int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (tty < 0)
    return chio_fail(detail, CHIO_E_ARGUMENT, "a PIN is needed and there is no terminal to ask on; use --pin-source");
  enum chio_err err = ask_on(tty, question, &pin);
  if (err == CHIO_OK && twice) err = ask_on(tty, "The same again: ", &again);
  (void)close(tty);
  if (err == CHIO_E_PIN_LENGTH)
    return chio_fail(detail, err, "a PIN has 1 to %u bytes", CHIO_PIN_MAX);
  if (err != CHIO_OK) return chio_fail(detail, err, "no PIN was given");
  if (twice && !chio_secret_equal(chio_secret_slice(pin), chio_secret_slice(again)))
    return chio_fail(detail, CHIO_E_ARGUMENT, "the two PINs differ");
  *out_pin = CHIO_STEAL(pin);
  return CHIO_OK;
}

enum chio_err hsm_pin_get(const char *source, const char *question, struct chio_secret **out_pin,
                          struct chio_detail *detail) {
  if (source == NULL) source = getenv("CHIO_PIN_SOURCE");
  if (source != NULL && source[0] != '\0') return from_source(source, 0, out_pin, detail);
  return ask(question, false, out_pin, detail);
}

enum chio_err hsm_pin_get_new(const char *source, unsigned line, const char *question, struct chio_secret **out_pin,
                              struct chio_detail *detail) {
  if (source != NULL) return from_source(source, line, out_pin, detail);
  return ask(question, true, out_pin, detail);
}
