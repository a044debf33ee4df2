#include "provider/sig.h"

#include "provider/algorithms.h"

#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define PROPERTIES_MAX 256u

void *chio_sig_new(void *provctx, const char *properties) {
  struct chio_prov *prov = provctx;
  struct chio_sig *sig = calloc(1, sizeof *sig);
  (void)properties; /* of the signature; it has been found */
  if (sig == NULL) {
    chio_raise(prov, CHIO_R_NO_MEMORY, "signature");
    return NULL;
  }
  sig->prov = prov;
  return sig;
}

void chio_sig_free(void *ctx) {
  struct chio_sig *sig = ctx;
  if (sig == NULL) return;
  chio_key_free(sig->key);
  EVP_MD_CTX_free(sig->digest);
  EVP_MD_free(sig->md);
  EVP_MD_free(sig->mgf1_md);
  chio_buf_clear(&sig->message);
  free(sig);
}

/* What a copy cannot share. */
static bool copy_state(const struct chio_sig *sig, struct chio_sig *copy) {
  chio_buf_append_slice(&copy->message, chio_buf_slice(&sig->message));
  if (chio_buf_err(&copy->message) != CHIO_OK) return false;
  if (sig->digest == NULL) return true;
  copy->digest = EVP_MD_CTX_new();
  return copy->digest != NULL && EVP_MD_CTX_copy_ex(copy->digest, sig->digest) == 1;
}

void *chio_sig_dup(void *ctx) {
  const struct chio_sig *sig = ctx;
  struct chio_sig *copy = chio_sig_new(sig->prov, NULL);
  if (copy == NULL) return NULL;
  *copy = *sig;
  chio_key_up_ref(copy->key);
  if (copy->md != NULL) EVP_MD_up_ref(copy->md);
  if (copy->mgf1_md != NULL) EVP_MD_up_ref(copy->mgf1_md);
  copy->message = (struct chio_buf)CHIO_BUF_INIT;
  copy->digest = NULL;
  if (copy_state(sig, copy)) return copy;
  chio_sig_free(copy);
  chio_raise(sig->prov, CHIO_R_NO_MEMORY, "signature");
  return NULL;
}

bool chio_sig_init(struct chio_sig *sig, struct chio_key *key, unsigned kinds, enum chio_sig_operation operation) {
  struct chio_key *used = key != NULL ? key : sig->key;
  if (used == NULL || used->public_part == NULL) return chio_raise(sig->prov, CHIO_R_NO_KEY, "signature");
  if ((kinds & CHIO_KIND_BIT(used->kind)) == 0)
    return chio_raise(sig->prov, CHIO_R_KEY_UNSUPPORTED, "not for keys of type %s", chio_key_kind_name(used->kind));
  if (operation == CHIO_SIG_SIGN && !used->is_private)
    return chio_raise(sig->prov, CHIO_R_NOT_PRIVATE, "a public key cannot sign");
  if (key != NULL && key != sig->key) {
    chio_key_up_ref(key);
    chio_key_free(sig->key);
    sig->key = key;
  }
  sig->operation = operation;
  sig->hashes = false;
  sig->finished = false;
  sig->gathers = false;
  chio_buf_clear(&sig->message);
  return true;
}

EVP_MD *chio_sig_fetch_digest(struct chio_sig *sig, const char *name, const char *properties) {
  char query[PROPERTIES_MAX];
  OSSL_LIB_CTX *libctx = chio_prov_libctx(sig->prov);
  if (libctx == NULL) return NULL;
  int len = snprintf(query, sizeof query, "%s%s" CHIO_OTHERS, properties != NULL ? properties : "",
                     properties != NULL && properties[0] != '\0' ? "," : "");
  chio_errors_mark(sig->prov);
  EVP_MD *md = len > 0 && (size_t)len < sizeof query ? EVP_MD_fetch(libctx, name, query) : NULL;
  bool usable = md != NULL && (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) == 0;
  chio_errors_drop(sig->prov);
  if (usable) return md;
  EVP_MD_free(md);
  chio_raise(sig->prov, CHIO_R_DIGEST, "digest %.50s", name);
  return NULL;
}

static bool is_none(const char *name) {
  return name == NULL || name[0] == '\0' || strcasecmp(name, "UNDEF") == 0;
}

bool chio_sig_set_digest(struct chio_sig *sig, const char *name, const char *properties) {
  EVP_MD *md = NULL;
  if (!is_none(name) && (md = chio_sig_fetch_digest(sig, name, properties)) == NULL) return false;
  EVP_MD_free(sig->md);
  sig->md = md;
  return true;
}

bool chio_sig_change_digest(struct chio_sig *sig, const char *name, const char *properties) {
  if (!sig->hashes) return chio_sig_set_digest(sig, name, properties);
  if (sig->md != NULL && !is_none(name) && EVP_MD_is_a(sig->md, name)) return true;
  return chio_raise(sig->prov, CHIO_R_DIGEST, "the digest cannot be changed now");
}

/* Whether a mechanism that signs digests is missing from what the key allows. */
static bool lacks_raw(const struct chio_key *key) {
  if (key->kind == CHIO_KEY_EC) return !chio_key_allows(key, CHIO_MECH_ECDSA);
  return !chio_key_allows(key, CHIO_MECH_RSA_PKCS) || !chio_key_allows(key, CHIO_MECH_RSA_PKCS_PSS);
}

bool chio_sig_digest_begin(struct chio_sig *sig, const char *name, const char *fallback) {
  if (is_none(name) && sig->md == NULL) name = fallback;
  if (!is_none(name) && !chio_sig_set_digest(sig, name, NULL)) return false;
  if (sig->digest == NULL) sig->digest = EVP_MD_CTX_new();
  if (sig->digest == NULL) return chio_raise(sig->prov, CHIO_R_NO_MEMORY, "digest");
  sig->hashes = true;
  sig->gathers = sig->operation == CHIO_SIG_SIGN && lacks_raw(sig->key);
  return EVP_DigestInit_ex2(sig->digest, sig->md, NULL) == 1;
}

int chio_sig_digest_update(void *ctx, const unsigned char *data, size_t len) {
  struct chio_sig *sig = ctx;
  if (!sig->hashes || sig->finished) return chio_raise(sig->prov, CHIO_R_STATE, "update");
  /* One byte too many is kept, so that the end can tell. */
  size_t room = CHIO_DATA_MAX + 1 - sig->message.len;
  if (sig->gathers) chio_buf_append(&sig->message, data, len < room ? len : room);
  return EVP_DigestUpdate(sig->digest, data, len);
}

const struct chio_mechanism *chio_sig_digest_row(const EVP_MD *md) {
  size_t count;
  const struct chio_mechanism *rows = chio_mechanism_table(&count);
  for (size_t i = 0; i < count; i++)
    if (rows[i].key_type == CHIO_KEY_NONE && rows[i].ossl_md != NULL && EVP_MD_is_a(md, rows[i].ossl_md))
      return &rows[i];
  return NULL;
}

/* The row that hashes with the digest in use and then signs like raw, or NULL. */
static const struct chio_mechanism *hashing_row(const struct chio_sig *sig, uint32_t raw) {
  size_t count;
  const struct chio_mechanism *rows = chio_mechanism_table(&count), *like = chio_mechanism_by_wire(raw);
  const struct chio_mechanism *digest = sig->md != NULL ? chio_sig_digest_row(sig->md) : NULL;
  for (size_t i = 0; digest != NULL && i < count; i++)
    if (rows[i].key_type == like->key_type && rows[i].params == like->params && rows[i].digest == digest->wire)
      return &rows[i];
  return NULL;
}

bool chio_sig_sign(struct chio_sig *sig, uint32_t raw, struct chio_slice params, struct chio_slice digest,
                   struct chio_buf *holder, struct chio_slice *out_signature) {
  const struct chio_mechanism *row =
      sig->gathers && !chio_key_allows(sig->key, raw) ? hashing_row(sig, raw) : NULL;
  if (row == NULL || !chio_key_allows(sig->key, row->wire))
    return chio_key_sign(sig->key, raw, params, digest, holder, out_signature);
  if (chio_buf_err(&sig->message) != CHIO_OK) return chio_raise(sig->prov, CHIO_R_NO_MEMORY, "sign");
  return chio_key_sign(sig->key, row->wire, params, chio_buf_slice(&sig->message), holder, out_signature);
}

bool chio_sig_digest_end(struct chio_sig *sig, unsigned char out[EVP_MAX_MD_SIZE], size_t *out_len) {
  unsigned len = 0;
  if (!sig->hashes || sig->finished) return chio_raise(sig->prov, CHIO_R_STATE, "final");
  sig->finished = true;
  if (EVP_DigestFinal_ex(sig->digest, out, &len) != 1) return false;
  *out_len = len;
  return true;
}

bool chio_sig_check_length(const struct chio_sig *sig, size_t len) {
  if (sig->md == NULL || len == (size_t)EVP_MD_get_size(sig->md)) return true;
  return chio_raise(sig->prov, CHIO_R_DIGEST_LENGTH, "%zu bytes instead of %d", len, EVP_MD_get_size(sig->md));
}

bool chio_sig_write(const struct chio_sig *sig, struct chio_slice signature, unsigned char *out, size_t *out_len,
                    size_t room) {
  if (signature.len > room)
    return chio_raise(sig->prov, CHIO_R_BUFFER_TOO_SMALL, "%zu bytes for a signature of %zu", room, signature.len);
  if (signature.len > 0) memcpy(out, signature.data, signature.len);
  *out_len = signature.len;
  return true;
}

EVP_PKEY_CTX *chio_sig_public(const struct chio_sig *sig) {
  OSSL_LIB_CTX *libctx = chio_prov_libctx(sig->prov);
  EVP_PKEY_CTX *ctx = libctx != NULL ? EVP_PKEY_CTX_new_from_pkey(libctx, sig->key->public_part, CHIO_OTHERS) : NULL;
  if (ctx == NULL) chio_raise(sig->prov, CHIO_R_PUBLIC_OPERATION, "verify");
  return ctx;
}

const char *chio_sig_text(const OSSL_PARAM params[], const char *name) {
  const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, name);
  const char *text;
  return p != NULL && OSSL_PARAM_get_utf8_string_ptr(p, &text) ? text : NULL;
}

const OSSL_ALGORITHM chio_signature_algorithms[] = {
    {CHIO_NAMES_RSA, CHIO_PROPERTIES, chio_signature_rsa_functions, "RSA signatures by chiod"},
    {CHIO_NAMES_ECDSA, CHIO_PROPERTIES, chio_signature_ecdsa_functions, "ECDSA signatures by chiod"},
    {CHIO_NAMES_ED25519, CHIO_PROPERTIES, chio_signature_ed25519_functions, "Ed25519 signatures by chiod"},
    {NULL, NULL, NULL, NULL}};
