#include "provider/sig_rsa_params.h"

#include "provider/algid.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

struct word {
  const char *text;
  int value;
};

static const struct word padding_words[] = {{OSSL_PKEY_RSA_PAD_MODE_PKCSV15, RSA_PKCS1_PADDING},
                                            {OSSL_PKEY_RSA_PAD_MODE_PSS, RSA_PKCS1_PSS_PADDING},
                                            {OSSL_PKEY_RSA_PAD_MODE_NONE, RSA_NO_PADDING},
                                            {OSSL_PKEY_RSA_PAD_MODE_OAEP, RSA_PKCS1_OAEP_PADDING},
                                            {OSSL_PKEY_RSA_PAD_MODE_X931, RSA_X931_PADDING},
                                            {NULL, 0}};

static const struct word salt_words[] = {{OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST, RSA_PSS_SALTLEN_DIGEST},
                                         {OSSL_PKEY_RSA_PSS_SALT_LEN_MAX, RSA_PSS_SALTLEN_MAX},
                                         {OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO, RSA_PSS_SALTLEN_AUTO},
                                         {"auto-digestmax", CHIO_SALT_AUTO_DIGEST_MAX},
                                         {NULL, 0}};

void chio_rsa_defaults(struct chio_sig *sig) {
  sig->padding = sig->key->kind == CHIO_KEY_RSA_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
#ifdef OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO_DIGEST_MAX
  sig->salt_len = CHIO_SALT_AUTO_DIGEST_MAX;
#else
  sig->salt_len = RSA_PSS_SALTLEN_AUTO;
#endif
}

static bool word_value(const struct word *words, const char *text, int *out_value) {
  for (; words->text != NULL; words++) {
    if (strcmp(words->text, text) != 0) continue;
    *out_value = words->value;
    return true;
  }
  return false;
}

static bool decimal(const char *text, int *out_value) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < -4 || value > 65535) return false;
  *out_value = (int)value;
  return true;
}

static int set_padding(struct chio_sig *sig, const OSSL_PARAM *p) {
  int padding = 0;
  const char *text;
  bool ok = p->data_type == OSSL_PARAM_UTF8_STRING
                ? OSSL_PARAM_get_utf8_string_ptr(p, &text) && word_value(padding_words, text, &padding)
                : OSSL_PARAM_get_int(p, &padding);
  if (!ok || (padding != RSA_PKCS1_PADDING && padding != RSA_PKCS1_PSS_PADDING))
    return chio_raise(sig->prov, CHIO_R_PADDING, "pkcs1 and pss are possible");
  if (padding == RSA_PKCS1_PADDING && sig->key != NULL && sig->key->kind == CHIO_KEY_RSA_PSS)
    return chio_raise(sig->prov, CHIO_R_PADDING, "the key is for pss alone");
  sig->padding = padding;
  return 1;
}

static int set_salt(struct chio_sig *sig, const OSSL_PARAM *p) {
  int salt = 0;
  const char *text;
  bool ok = p->data_type == OSSL_PARAM_UTF8_STRING
                ? OSSL_PARAM_get_utf8_string_ptr(p, &text) &&
                      (word_value(salt_words, text, &salt) || decimal(text, &salt))
                : OSSL_PARAM_get_int(p, &salt);
  if (!ok || salt < CHIO_SALT_AUTO_DIGEST_MAX) return chio_raise(sig->prov, CHIO_R_SALT_LENGTH, "salt length");
  if (sig->padding != RSA_PKCS1_PSS_PADDING)
    return chio_raise(sig->prov, CHIO_R_SALT_LENGTH, "a salt length needs pss padding");
  sig->salt_len = salt;
  return 1;
}

static int set_mgf1(struct chio_sig *sig, const char *name, const char *properties) {
  if (name == NULL) return chio_raise(sig->prov, CHIO_R_PARAMETER, "mgf1 digest");
  EVP_MD *md = chio_sig_fetch_digest(sig, name, properties);
  if (md == NULL) return 0;
  EVP_MD_free(sig->mgf1_md);
  sig->mgf1_md = md;
  return 1;
}

/* The order in which they stand does not matter: padding is taken first. */
int chio_rsa_set_params(void *ctx, const OSSL_PARAM params[]) {
  struct chio_sig *sig = ctx;
  if (params == NULL) return 1;
  const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
  if (p != NULL && !set_padding(sig, p)) return 0;
  if (OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST) != NULL) {
    const char *name = chio_sig_text(params, OSSL_SIGNATURE_PARAM_DIGEST);
    if (name == NULL) return chio_raise(sig->prov, CHIO_R_PARAMETER, "digest");
    if (!chio_sig_change_digest(sig, name, chio_sig_text(params, OSSL_SIGNATURE_PARAM_PROPERTIES))) return 0;
  }
  p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
  if (p != NULL && !set_salt(sig, p)) return 0;
  if (OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST) == NULL) return 1;
  return set_mgf1(sig, chio_sig_text(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST),
                  chio_sig_text(params, OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES));
}

const OSSL_PARAM *chio_rsa_settable(void *ctx, void *provctx) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES, NULL, 0),
                                      OSSL_PARAM_END};
  (void)ctx;
  (void)provctx;
  return params;
}

bool chio_rsa_salt_bytes(const struct chio_sig *sig, uint32_t *out_bytes) {
  int digest = EVP_MD_get_size(sig->md);
  int encoded = (EVP_PKEY_get_bits(sig->key->public_part) - 1 + 7) / 8; /* RFC 8017, 8.1.1: emLen */
  int most = encoded - digest - 2, salt = sig->salt_len;
  if (salt == RSA_PSS_SALTLEN_DIGEST) salt = digest;
  if (salt == RSA_PSS_SALTLEN_MAX || salt == RSA_PSS_SALTLEN_AUTO) salt = most;
  if (salt == CHIO_SALT_AUTO_DIGEST_MAX) salt = digest < most ? digest : most;
  if (salt < 0 || salt > most) return chio_raise(sig->prov, CHIO_R_SALT_LENGTH, "at most %d bytes", most);
  *out_bytes = (uint32_t)salt;
  return true;
}

static int get_algorithm_id(const struct chio_sig *sig, OSSL_PARAM *p) {
  uint32_t salt;
  if (sig->key == NULL) return chio_raise(sig->prov, CHIO_R_NO_KEY, "AlgorithmIdentifier");
  if (sig->padding != RSA_PKCS1_PSS_PADDING) return chio_algid_rsa(sig, p);
  if (sig->md == NULL) return chio_raise(sig->prov, CHIO_R_DIGEST, "PSS needs a digest");
  return chio_rsa_salt_bytes(sig, &salt) && chio_algid_pss(sig, (int)salt, p);
}

static int get_word(const struct word *words, int value, OSSL_PARAM *p) {
  char number[16];
  if (p->data_type == OSSL_PARAM_INTEGER || p->data_type == OSSL_PARAM_UNSIGNED_INTEGER)
    return OSSL_PARAM_set_int(p, value);
  for (; words->text != NULL; words++)
    if (words->value == value) return OSSL_PARAM_set_utf8_string(p, words->text);
  snprintf(number, sizeof number, "%d", value);
  return OSSL_PARAM_set_utf8_string(p, number);
}

static int get_digest(const EVP_MD *md, OSSL_PARAM *p) {
  return OSSL_PARAM_set_utf8_string(p, md != NULL ? EVP_MD_get0_name(md) : "");
}

int chio_rsa_get_params(void *ctx, OSSL_PARAM params[]) {
  struct chio_sig *sig = ctx;
  OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
  if (p != NULL && !get_algorithm_id(sig, p)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
  if (p != NULL && !get_word(padding_words, sig->padding, p)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
  if (p != NULL && !get_word(salt_words, sig->salt_len, p)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
  if (p != NULL && !get_digest(sig->md, p)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
  return p == NULL || get_digest(sig->mgf1_md != NULL ? sig->mgf1_md : sig->md, p);
}

const OSSL_PARAM *chio_rsa_gettable(void *ctx, void *provctx) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
                                      OSSL_PARAM_END};
  (void)ctx;
  (void)provctx;
  return params;
}
