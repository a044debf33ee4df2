#include "signer/core/fips.h"

#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_LEN_MAX 1024u
#define CONF_LEN_MAX (PATH_LEN_MAX + 256u)
#define DIGEST_LEN_MIN 28u /* SHA-224: FIPS 186-5 wants 112 bits of security */

/* ---- Loading ---- */

/* As a line of OpenSSL's configuration takes it: its own signs would mean something else there. */
static bool is_plain_path(const char *path) {
  if (path[0] != '/' || strlen(path) >= PATH_LEN_MAX) return false;
  return strcspn(path, "$#\\\"'`\n\r\t ") == strlen(path);
}

static enum chio_err find_file(const struct chio_fips_config *config, char out[PATH_LEN_MAX],
                               struct chio_detail *detail) {
  const char *modules = config->modules[0] != '\0' ? config->modules : OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
  const char *folder = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);
  const char *path = config->file;
  char standard[PATH_LEN_MAX];
  if (path[0] == '\0') {
    (void)snprintf(standard, sizeof standard, "%s/fipsmodule.cnf", folder != NULL ? folder : "/etc/ssl");
    path = standard;
  }
  if (!is_plain_path(path))
    return chio_fail(detail, CHIO_E_CONFIG, "crypto.fips_config: expected an absolute path without blanks and quotes");
  if (access(path, R_OK) != 0)
    return chio_fail(detail, CHIO_E_CONFIG,
                     "crypto.fips: %s cannot be read: make it with 'openssl fipsinstall -module %s/fips.so -out %s'",
                     path, modules != NULL ? modules : "", path);
  memcpy(out, path, strlen(path) + 1);
  return CHIO_OK;
}

/* The module's own parameters (the MAC of its file among them) reach it through a configuration and no other way. */
static bool run_config(OSSL_LIB_CTX *context, const char *file) {
  char text[CONF_LEN_MAX];
  int len = snprintf(text, sizeof text,
                     "chio = chio_init\n.include %s\n[chio_init]\nproviders = chio_providers\n"
                     "[chio_providers]\nfips = fips_sect\nbase = chio_base\n[chio_base]\nactivate = 1\n"
                     "[fips_sect]\nactivate = 1\n",
                     file);
  BIO *bio = BIO_new_mem_buf(text, len);
  CONF *conf = NCONF_new_ex(context, NULL);
  bool ok = bio != NULL && conf != NULL && NCONF_load_bio(conf, bio, NULL) == 1 &&
            CONF_modules_load(conf, "chio", 0) == 1;
  NCONF_free(conf);
  BIO_free(bio);
  return ok;
}

/* The provider is kept: the context stays until the process ends. */
static bool passes_self_test(OSSL_LIB_CTX *context) {
  if (OSSL_PROVIDER_available(context, "fips") != 1 || OSSL_PROVIDER_available(context, "base") != 1) return false;
  OSSL_PROVIDER *module = OSSL_PROVIDER_load(context, "fips");
  return module != NULL && OSSL_PROVIDER_self_test(module) == 1;
}

enum chio_err chio_fips_load(OSSL_LIB_CTX *context, const struct chio_fips_config *config,
                             struct chio_detail *detail) {
  char file[PATH_LEN_MAX];
  enum chio_err err = find_file(config, file, detail);
  if (err != CHIO_OK) return err;
  ERR_set_mark();
  bool ok = config->modules[0] == '\0' || OSSL_PROVIDER_set_default_search_path(context, config->modules) == 1;
  ok = ok && run_config(context, file) && passes_self_test(context) &&
       EVP_default_properties_enable_fips(context, 1) == 1;
  if (!ok) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    err = chio_fail(detail, CHIO_E_CONFIG,
                    "crypto.fips: the FIPS module does not start (%s): is fips.so installed, and %s made for it by "
                    "'openssl fipsinstall'?",
                    reason != NULL ? reason : "its self-test fails", file);
  }
  ERR_pop_to_mark();
  return err;
}

void chio_fips_describe(OSSL_LIB_CTX *context, char *out, size_t size) {
  const char *name = "", *version = "";
  OSSL_PARAM params[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, (char **)&name, 0),
                         OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, (char **)&version, 0), OSSL_PARAM_END};
  OSSL_PROVIDER *module = OSSL_PROVIDER_load(context, "fips");
  if (module != NULL) (void)OSSL_PROVIDER_get_params(module, params);
  (void)snprintf(out, size, "%s %s", name, version);
  (void)OSSL_PROVIDER_unload(module);
}

/* ---- Random numbers ---- */

static OSSL_LIB_CTX *random_context;

static const char *random_name(void) {
  return "fips";
}

/* libsodium's contract: it cannot fail. */
static void random_buf(void *const buf, const size_t size) {
  if (size > 0 && RAND_bytes_ex(random_context, buf, size, 0) != 1) sodium_misuse();
}

static uint32_t random_number(void) {
  uint32_t number;
  random_buf(&number, sizeof number);
  return number;
}

void chio_fips_take_random(OSSL_LIB_CTX *context) {
  static struct randombytes_implementation ours = {
      .implementation_name = random_name, .random = random_number, .buf = random_buf};
  random_context = context;
  (void)randombytes_set_implementation(&ours);
}

/* ---- What is approved ---- */

bool chio_fips_serves(const struct chio_mechanism *mechanism) {
  return mechanism->key_type != CKK_EC_EDWARDS;
}

enum chio_err chio_fips_check_params(const struct chio_mech_params *params, bool verify, struct chio_detail *detail) {
  if (verify || params->kind != CHIO_PARAMS_PSS) return CHIO_OK;
  if (params->hash == CHIO_MECH_SHA_1 || params->mgf_hash == CHIO_MECH_SHA_1)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "SHA-1 signs nothing with the FIPS module (crypto.fips)");
  const struct chio_mechanism *hash = chio_mechanism_by_wire(params->hash);
  if (hash != NULL && params->salt_len > hash->digest_len)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM,
                     "with the FIPS module (crypto.fips) a PSS salt is no longer than its hash");
  return CHIO_OK;
}

/* RFC 8017, 9.2: the DigestInfo of a hash from NIST's arc (2.16.840.1.101.3.4.2: SHA-2 and SHA-3), parameters NULL. */
static bool is_approved_digest_info(struct chio_slice data) {
  static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};
  static const uint8_t sizes[] = {0, 32, 48, 64, 28, 28, 32, 28, 32, 48, 64}; /* by the OID's last number */
  const size_t head = 2 + sizeof algorithm + 5;
  if (data.len <= head || memcmp(data.data + 2, algorithm, sizeof algorithm) != 0) return false;
  uint8_t hash = data.data[2 + sizeof algorithm];
  if (hash == 0 || hash >= CHIO_ARRAY_LEN(sizes) || data.len != head + sizes[hash]) return false;
  const uint8_t tail[] = {0x05, 0x00, 0x04, sizes[hash]};
  return data.data[0] == 0x30 && data.data[1] == data.len - 2 && memcmp(data.data + head - 4, tail, sizeof tail) == 0;
}

enum chio_err chio_fips_check_data(const struct chio_mechanism *mechanism, struct chio_slice data,
                                   struct chio_detail *detail) {
  if (mechanism->wire == CHIO_MECH_ECDSA && data.len < DIGEST_LEN_MIN)
    return chio_fail(detail, CHIO_E_DATA_INVALID,
                     "with the FIPS module (crypto.fips) no digest shorter than SHA-224's is signed");
  if (mechanism->wire == CHIO_MECH_RSA_PKCS && !is_approved_digest_info(data))
    return chio_fail(detail, CHIO_E_DATA_INVALID,
                     "with the FIPS module (crypto.fips) only the DigestInfo of a SHA-2 or SHA-3 hash is signed");
  return CHIO_OK;
}
