#include "provider/pin.h"

#include "signer/wire/cryptoki.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path that a pin-source names, or NULL. */
static const char *source_path(const char *source) {
  static const char *const prefixes[] = {"file://localhost/", "file:///", "file:/"};
  if (source[0] == '/') return source;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(prefixes); i++)
    if (strncasecmp(source, prefixes[i], strlen(prefixes[i])) == 0) return source + strlen(prefixes[i]) - 1;
  return NULL;
}

/* Reads until the end; more than size bytes give size. */
static ssize_t read_all(int fd, uint8_t *out, size_t size) {
  size_t len = 0;
  while (len < size) {
    ssize_t got = read(fd, out + len, size - len);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    len += (size_t)got;
  }
  return (ssize_t)len;
}

static size_t cut_line_end(const uint8_t *text, size_t len) {
  if (len > 0 && text[len - 1] == '\n') len--;
  if (len > 0 && text[len - 1] == '\r') len--;
  return len;
}

static bool read_fd(const struct chio_prov *prov, int fd, const char *path, struct chio_secret **out_pin) {
  struct stat st;
  uint8_t text[CHIO_PIN_MAX + 3];
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
    return chio_raise(prov, CHIO_R_PIN_SOURCE, "%s is open to everybody (chmod o-rwx)", path);
  ssize_t got = read_all(fd, text, sizeof text);
  size_t len = got > 0 ? cut_line_end(text, (size_t)got) : 0;
  enum chio_err err = len == 0 ? CHIO_E_PIN_LENGTH : len > CHIO_PIN_MAX ? CHIO_E_TOO_LONG : CHIO_OK;
  if (err == CHIO_OK) err = chio_secret_copy(chio_slice(text, len), out_pin);
  chio_wipe(text, sizeof text);
  if (err == CHIO_OK) return true;
  return chio_raise(prov, CHIO_R_PIN_SOURCE, "%s: %s", path, got < 0 ? "cannot be read" : chio_err_text(err));
}

bool chio_pin_read(const struct chio_prov *prov, const char *source, struct chio_secret **out_pin) {
  const char *path = source_path(source);
  if (path == NULL) return chio_raise(prov, CHIO_R_PIN_SOURCE, "neither an absolute path nor a file: URI");
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return chio_raise(prov, CHIO_R_PIN_SOURCE, "%s cannot be opened (errno %d)", path, errno);
  bool ok = read_fd(prov, fd, path, out_pin);
  close(fd);
  return ok;
}

bool chio_pin_reread(const struct chio_prov *prov, enum chio_pin_origin origin, const char *source,
                     struct chio_secret **out_pin) {
  const struct chio_prov_config *config = chio_prov_config(prov);
  if (origin == CHIO_PIN_SOURCE) return chio_pin_read(prov, source, out_pin);
  if (origin != CHIO_PIN_CONFIG) return false;
  if (config->pin != NULL) return chio_secret_copy(chio_secret_slice(config->pin), out_pin) == CHIO_OK;
  return config->pin_source != NULL && chio_pin_read(prov, config->pin_source, out_pin);
}

/* Asks the application. False: nobody answered. */
static bool ask(const struct chio_pin_token *token, const struct chio_pin_asker *asker, struct chio_secret **out_pin) {
  char text[CHIO_PIN_MAX + 1], info[64];
  size_t len = 0;
  if (asker == NULL || asker->callback == NULL) return false;
  snprintf(info, sizeof info, "PIN of token %.32s", token->label);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PASSPHRASE_PARAM_INFO, info, 0),
                         OSSL_PARAM_construct_end()};
  bool ok = asker->callback(text, sizeof text, &len, params, asker->arg) == 1 && len > 0 && len <= CHIO_PIN_MAX;
  ok = ok && chio_secret_copy(chio_slice(text, len), out_pin) == CHIO_OK;
  chio_wipe(text, sizeof text);
  return ok;
}

/* What stands in the URI or the configuration. True with *out_pin NULL: nothing does. */
static bool find_written(struct chio_signer *signer, const struct chio_uri *uri, struct chio_secret **out_pin,
                         enum chio_pin_origin *out_origin) {
  struct chio_prov *prov = chio_signer_prov(signer);
  const struct chio_prov_config *config = chio_prov_config(prov);
  *out_origin = uri->pin_source != NULL ? CHIO_PIN_SOURCE : CHIO_PIN_ELSEWHERE;
  if (uri->pin_source != NULL) return chio_pin_read(prov, uri->pin_source, out_pin);
  if (uri->pin != NULL) {
    if (chio_secret_copy(chio_secret_slice(uri->pin), out_pin) == CHIO_OK) return true;
    return chio_raise(prov, CHIO_R_NO_MEMORY, "PIN");
  }
  /* The configured PIN belongs to the configured signer. */
  if (uri->signer != NULL || (config->pin == NULL && config->pin_source == NULL)) return true;
  *out_origin = CHIO_PIN_CONFIG;
  if (chio_pin_reread(prov, CHIO_PIN_CONFIG, NULL, out_pin)) return true;
  return config->pin != NULL ? chio_raise(prov, CHIO_R_NO_MEMORY, "PIN") : false;
}

static bool login_written(struct chio_signer *signer, const struct chio_pin_token *token, const struct chio_uri *uri,
                          struct chio_slice pin, enum chio_pin_origin origin, struct chio_prov_login **out_login) {
  bool last = (token->flags & CKF_USER_PIN_FINAL_TRY) && chio_prov_login_any(signer, token->slot) == NULL;
  if (last)
    return chio_raise(chio_signer_prov(signer), CHIO_R_PIN_LAST_TRY, "token %.32s", token->label);
  *out_login = chio_prov_login_get(signer, token->slot, pin, origin, uri->pin_source);
  return *out_login != NULL;
}

bool chio_pin_login(struct chio_signer *signer, const struct chio_pin_token *token, const struct chio_uri *uri,
                    const struct chio_pin_asker *asker, struct chio_prov_login **out_login) {
  CHIO_AUTO(chio_secret) struct chio_secret *pin = NULL;
  enum chio_pin_origin origin;
  *out_login = NULL;
  if (!(token->flags & CKF_LOGIN_REQUIRED) || !(token->flags & CKF_USER_PIN_INITIALIZED)) return true;
  if (!find_written(signer, uri, &pin, &origin)) return false;
  if (pin != NULL) return login_written(signer, token, uri, chio_secret_slice(pin), origin, out_login);
  *out_login = chio_prov_login_any(signer, token->slot);
  if (*out_login != NULL || !ask(token, asker, &pin)) return true;
  *out_login = chio_prov_login_get(signer, token->slot, chio_secret_slice(pin), CHIO_PIN_ELSEWHERE, NULL);
  return *out_login != NULL;
}
