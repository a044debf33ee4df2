/*
 * A KMS for tests of chio-kmsd, inside it: kind "fake". Its endpoint is a folder with a private key in PEM for each key
 * (NAME.pem, EC; hashivault://NAME), and with files that say how it behaves, read at each call:
 *   slow   milliseconds that each signature takes
 *   fail   the error that each signature ends with: its name, "BACKEND_UNREACHABLE"
 *   peek   a path that each signature tries to open first: POLICY when it can
 *   stuck  milliseconds that each signature takes whatever its time is; at their end a line of the log says so
 *   trace  the code of each signature, for the log, is the traceparent that it belongs to
 *   wrong  signatures are made over other data
 *   meet   so many signatures must be under way at once: each waits for the others until its time is over
 */
#include "kms-adapters/registry.h"
#include "kms-adapters/signature_form.h"
#include "kms-adapters/trace.h"
#include "signer/base/log.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake {
  char folder[1024];
};

static enum chio_err fake_open(const struct chio_backend_options *options, struct chio_http *http, void **out_self,
                               struct chio_detail *detail) {
  struct stat st;
  (void)http;
  if (options->endpoint == NULL || stat(options->endpoint, &st) != 0)
    return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': endpoint is no folder", options->name);
  struct fake *fake = calloc(1, sizeof *fake);
  if (fake == NULL) return CHIO_E_NO_MEMORY;
  (void)snprintf(fake->folder, sizeof fake->folder, "%s", options->endpoint);
  *out_self = fake;
  return CHIO_OK;
}

static void fake_close(void *self) {
  free(self);
}

/* The first word of a file; false when there is none. */
static bool read_word(const struct fake *fake, const char *name, char word[static 64]) {
  char path[1200];
  (void)snprintf(path, sizeof path, "%s/%s", fake->folder, name);
  FILE *file = fopen(path, "re");
  bool found = file != NULL && fscanf(file, "%63s", word) == 1;
  if (file != NULL) (void)fclose(file);
  return found;
}

static EVP_PKEY *load(const struct fake *fake, const char *name) {
  char path[2200];
  (void)snprintf(path, sizeof path, "%s/%s.pem", fake->folder, name);
  FILE *file = fopen(path, "re");
  EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
  if (file != NULL) (void)fclose(file);
  return key;
}

static enum chio_err fake_describe(void *self, const struct chio_key_uri *uri, const struct chio_deadline *deadline,
                                   struct chio_kms_key *out_key, struct chio_detail *detail) {
  (void)deadline;
  EVP_PKEY *key = load(self, uri->key);
  uint8_t *spki = NULL;
  if (key == NULL) return chio_fail(detail, CHIO_E_NOT_FOUND, "fake: there is no key '%s'", uri->key);
  int len = i2d_PUBKEY(key, &spki);
  *out_key = (struct chio_kms_key){.uri = *uri, .key_type = CKK_EC, .bits = (uint32_t)EVP_PKEY_get_bits(key),
                                   .can_sign = true};
  (void)snprintf(out_key->uri.version, sizeof out_key->uri.version, "1");
  memcpy(out_key->spki, spki, (size_t)len);
  out_key->spki_len = (size_t)len;
  OPENSSL_free(spki);
  EVP_PKEY_free(key);
  return CHIO_OK;
}

static enum chio_err fake_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  (void)key;
  (void)params;
  (void)data_len;
  if (mechanism->key_type == CKK_EC) return CHIO_OK;
  return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "fake: ECDSA alone");
}

static enum chio_err meet(unsigned wanted, const struct chio_deadline *deadline, struct chio_detail *detail) {
  static atomic_uint present;
  atomic_fetch_add(&present, 1);
  while (atomic_load(&present) < wanted)
    if (!chio_deadline_sleep(deadline, 5)) {
      atomic_fetch_sub(&present, 1);
      return chio_fail(detail, CHIO_E_TIMEOUT, "fake: the others did not come");
    }
  return CHIO_OK;
}

/* As a module does that knows no deadlines and writes to its token. */
static void get_stuck(const struct fake *fake) {
  char word[64];
  if (!read_word(fake, "stuck", word)) return;
  unsigned ms = (unsigned)strtoul(word, NULL, 10);
  const struct chio_deadline later = chio_deadline_in(2 * ms + 1000);
  (void)chio_deadline_sleep(&later, ms);
  chio_log(CHIO_LOG_NOTICE, "fake.stuck", "fake: what was stuck has come to its end");
}

static enum chio_err behave(const struct fake *fake, const struct chio_deadline *deadline,
                            struct chio_detail *detail) {
  char word[64];
  get_stuck(fake);
  if (read_word(fake, "slow", word) && !chio_deadline_sleep(deadline, (unsigned)strtoul(word, NULL, 10)))
    return chio_fail(detail, CHIO_E_TIMEOUT, "fake: slower than the time");
  if (read_word(fake, "peek", word) && access(word, R_OK) == 0) {
    int fd = open(word, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) (void)close(fd);
    if (fd >= 0) return chio_fail(detail, CHIO_E_POLICY, "fake: %s is open to me", word);
    return chio_fail(detail, CHIO_E_PERMISSION, "fake: %s is closed to me", word);
  }
  if (read_word(fake, "trace", word)) chio_trace_code(chio_slice_str(chio_trace_get()->traceparent));
  if (read_word(fake, "meet", word)) return meet((unsigned)strtoul(word, NULL, 10), deadline, detail);
  if (!read_word(fake, "fail", word)) return CHIO_OK;
  chio_trace_code(chio_slice_str("FakeFailure"));
  for (unsigned err = 1; err < 200; err++)
    if (strcmp(chio_err_name((enum chio_err)err), word) == 0)
      return chio_fail(detail, (enum chio_err)err, "fake: told to fail");
  return CHIO_E_INTERNAL;
}

static enum chio_err fake_sign(void *self, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                               const struct chio_mech_params *params, struct chio_slice data,
                               const struct chio_deadline *deadline, struct chio_buf *out_signature,
                               struct chio_detail *detail) {
  uint8_t der[160];
  size_t len = sizeof der;
  char word[64];
  uint8_t other[64] = {0};
  enum chio_err err = fake_check(key, mechanism, params, data.len, detail);
  if (err == CHIO_OK) err = behave(self, deadline, detail);
  if (err != CHIO_OK) return err;
  if (read_word(self, "wrong", word)) data = chio_slice(other, data.len < sizeof other ? data.len : sizeof other);
  EVP_PKEY *pkey = load(self, key->uri.key);
  EVP_PKEY_CTX *ctx = pkey != NULL ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
  bool signed_ = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, der, &len, data.data, data.len) == 1;
  EVP_PKEY_CTX_free(ctx);
  EVP_PKEY_free(pkey);
  if (!signed_) return chio_fail(detail, CHIO_E_NOT_FOUND, "fake: there is no key '%s'", key->uri.key);
  return chio_ecdsa_from_der(chio_slice(der, len), key->bits, out_signature, detail);
}

static enum chio_err fake_list(void *self, const struct chio_deadline *deadline,
                               enum chio_err (*found)(void *arg, const struct chio_key_uri *uri), void *arg,
                               struct chio_detail *detail) {
  const struct fake *fake = self;
  enum chio_err err = CHIO_OK;
  (void)deadline;
  DIR *dir = opendir(fake->folder);
  if (dir == NULL) return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "fake: the folder is gone");
  for (struct dirent *entry = readdir(dir); entry != NULL && err == CHIO_OK; entry = readdir(dir)) {
    size_t len = strlen(entry->d_name);
    char text[300];
    struct chio_key_uri uri;
    if (len < 5 || strcmp(entry->d_name + len - 4, ".pem") != 0) continue;
    (void)snprintf(text, sizeof text, "hashivault://%.*s", (int)len - 4, entry->d_name);
    err = chio_key_uri_parse(text, &uri, detail);
    if (err == CHIO_OK) err = found(arg, &uri);
  }
  (void)closedir(dir);
  return err;
}

static enum chio_err fake_health(void *self, const struct chio_deadline *deadline, struct chio_detail *detail) {
  return behave(self, deadline, detail);
}

static const struct chio_adapter_ops fake_ops = {
    .name = "fake",
    .kind = CHIO_KMS_VAULT,
    .open = fake_open,
    .close = fake_close,
    .describe = fake_describe,
    .check = fake_check,
    .sign = fake_sign,
    .list = fake_list,
    .health = fake_health,
};

const struct chio_adapter_ops *const chio_adapters[] = {&fake_ops, NULL};
