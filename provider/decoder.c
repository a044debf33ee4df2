/*
 * The decoder (provider-decoder(7)) for a PEM file that names a key: PEM to DER first, then DER to a key of each kind.
 * What is not ours is passed over (1, nothing called), so that the other providers' decoders have their turn; what is
 * ours and malformed, or cannot be opened, is refused with one error, which ends the decoding.
 */
#include "provider/algorithms.h"
#include "provider/deliver.h"
#include "provider/find.h"
#include "signer/client/pem_uri.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define STRUCTURE "chio-key-uri"
#define DER_MAX (CHIO_URI_MAX + 64u)

static void *decoder_new(void *provctx) {
  return provctx;
}

static void decoder_free(void *ctx) {
  (void)ctx;
}

static int decoder_does_selection(void *provctx, int selection) {
  (void)provctx;
  int keys = OSSL_KEYMGMT_SELECT_PRIVATE_KEY | OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
  return selection == 0 || (selection & keys) != 0;
}

/* Marks: a file without PEM in it is no error. */
static bool read_pem(struct chio_prov *prov, OSSL_CORE_BIO *in, char **out_label, unsigned char **out_der,
                     long *out_len) {
  char *header = NULL;
  OSSL_LIB_CTX *libctx = chio_prov_libctx(prov);
  BIO *bio = libctx != NULL ? BIO_new_from_core_bio(libctx, in) : NULL;
  if (bio == NULL) return false;
  chio_errors_mark(prov);
  bool ok = PEM_read_bio(bio, out_label, &header, out_der, out_len) == 1;
  chio_errors_drop(prov);
  OPENSSL_free(header);
  BIO_free(bio);
  return ok;
}

static int raise_malformed(struct chio_prov *prov, enum chio_err err, const struct chio_detail *detail) {
  return chio_raise(prov, CHIO_R_PEM_URI, "%s", detail->text[0] != '\0' ? detail->text : chio_err_text(err));
}

/* Nobody logged in, so a key may well be there. */
static bool login_is_known(const struct chio_found *found) {
  return found->token_count != 1 || found->tokens[0].login != NULL;
}

/*
 * libcrypto's file: store decodes PEM alone (selection 0), and later drops whatever the DER decoders raised: the user
 * would read "unsupported" when chiod is down. So here the same way is gone once more, without asking anybody for a
 * PIN, and an error stays on the stack.
 */
static void explain(struct chio_prov *prov, struct chio_slice der) {
  struct chio_detail detail = {""};
  CHIO_AUTO(chio_uri) struct chio_uri *uri = NULL;
  CHIO_AUTO(chio_found) struct chio_found *found = NULL;
  enum chio_err err = chio_pem_uri_decode(der, &uri, &detail);
  if (err != CHIO_OK) {
    raise_malformed(prov, err, &detail);
    return;
  }
  struct chio_find_query query = {.uri = uri, .want = CHIO_WANT_PUBLIC};
  if (uri->type != CHIO_URI_PUBLIC) query.want |= CHIO_WANT_PRIVATE;
  if (!chio_find(prov, &query, NULL, &found) || found->object_count > 0 || !login_is_known(found)) return;
  chio_raise(prov, CHIO_R_NOT_FOUND, "no key matches the URI in the file");
}

static int pem_decode(void *ctx, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *data_cb, void *data_arg,
                      OSSL_PASSPHRASE_CALLBACK *pw_cb, void *pw_arg) {
  char *label = NULL;
  unsigned char *der = NULL;
  long len = 0;
  int ok = 1;
  (void)pw_cb;
  (void)pw_arg;
  if (!read_pem(ctx, in, &label, &der, &len)) return 1;
  if (strcmp(label, CHIO_PEM_URI_LABEL) == 0) {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE, (char *)(uintptr_t)STRUCTURE, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, der, (size_t)len), OSSL_PARAM_construct_end()};
    if (selection == 0) explain(ctx, chio_slice(der, (size_t)len));
    ok = data_cb(params, data_arg);
  }
  OPENSSL_free(label);
  OPENSSL_free(der);
  return ok;
}

/* Reads to the end, or to one byte more than there may be. */
static bool read_der(struct chio_prov *prov, OSSL_CORE_BIO *in, struct chio_buf *out) {
  OSSL_LIB_CTX *libctx = chio_prov_libctx(prov);
  BIO *bio = libctx != NULL ? BIO_new_from_core_bio(libctx, in) : NULL;
  uint8_t *room = chio_buf_reserve(out, DER_MAX + 1);
  size_t got;
  bool ok = bio != NULL && room != NULL;
  while (ok && out->len <= DER_MAX && BIO_read_ex(bio, out->data + out->len, DER_MAX + 1 - out->len, &got) == 1)
    out->len += got;
  BIO_free(bio);
  return ok;
}

/* The one key that the URI names. */
static struct chio_key *open_key(struct chio_prov *prov, const struct chio_uri *uri, bool as_public,
                                 const struct chio_pin_asker *asker) {
  CHIO_AUTO(chio_found) struct chio_found *found = NULL;
  struct chio_find_query query = {.uri = uri, .want = as_public ? CHIO_WANT_PUBLIC : CHIO_WANT_PRIVATE};
  struct chio_key *key = NULL;
  if (uri->type == CHIO_URI_PUBLIC) query.want = CHIO_WANT_PUBLIC;
  query.key_is_expected = true;
  if (!chio_find(prov, &query, asker, &found)) return NULL;
  if (found->object_count == 0 && as_public && uri->type != CHIO_URI_PUBLIC) {
    chio_found_free(CHIO_STEAL(found));
    query.want = CHIO_WANT_PRIVATE;
    if (!chio_find(prov, &query, asker, &found)) return NULL;
  }
  if (found->object_count > 1) {
    chio_raise(prov, CHIO_R_AMBIGUOUS, "%zu keys match the URI in the file", found->object_count);
    return NULL;
  }
  if (found->object_count == 1 && !chio_found_key(found, 0, as_public, &key)) return NULL;
  if (key == NULL) chio_raise(prov, CHIO_R_NOT_FOUND, "no key matches the URI in the file");
  return key;
}

static int decode_kind(struct chio_prov *prov, struct chio_slice der, int selection, enum chio_key_kind kind,
                       OSSL_CALLBACK *data_cb, void *data_arg, const struct chio_pin_asker *asker) {
  struct chio_detail detail = {""};
  CHIO_AUTO(chio_uri) struct chio_uri *uri = NULL;
  enum chio_err err = chio_pem_uri_decode(der, &uri, &detail);
  if (err != CHIO_OK) return raise_malformed(prov, err, &detail);
  bool as_public = selection != 0 && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0;
  struct chio_key *key = open_key(prov, uri, as_public, asker);
  if (key == NULL) return 0;
  int ok = key->kind == kind ? chio_key_deliver(&key, data_cb, data_arg) : 1;
  chio_key_free(key);
  return ok;
}

static int der_decode(struct chio_prov *prov, OSSL_CORE_BIO *in, int selection, enum chio_key_kind kind,
                      OSSL_CALLBACK *data_cb, void *data_arg, OSSL_PASSPHRASE_CALLBACK *pw_cb, void *pw_arg) {
  struct chio_buf der = CHIO_BUF_INIT;
  struct chio_pin_asker asker = {pw_cb, pw_arg};
  int ok = 1;
  if (read_der(prov, in, &der) && chio_pem_uri_is(chio_buf_slice(&der)))
    ok = decode_kind(prov, chio_buf_slice(&der), selection, kind, data_cb, data_arg, &asker);
  chio_buf_clear(&der);
  return ok;
}

static int decoder_export_object(void *ctx, const void *reference, size_t size, OSSL_CALLBACK *callback, void *arg) {
  struct chio_key *key;
  (void)ctx;
  if (size != sizeof key) return 0;
  memcpy(&key, reference, sizeof key);
  return key != NULL ? chio_key_export(key, OSSL_KEYMGMT_SELECT_ALL, callback, arg) : 0;
}

#define DER_TO(name, kind)                                                                                           \
  static int name##_decode(void *ctx, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *data_cb, void *data_arg,      \
                           OSSL_PASSPHRASE_CALLBACK *pw_cb, void *pw_arg) {                                          \
    return der_decode(ctx, in, selection, (kind), data_cb, data_arg, pw_cb, pw_arg);                                 \
  }                                                                                                                  \
  static const OSSL_DISPATCH name##_functions[] = {                                                                  \
      {OSSL_FUNC_DECODER_NEWCTX, CHIO_FN(decoder_new)},                                                              \
      {OSSL_FUNC_DECODER_FREECTX, CHIO_FN(decoder_free)},                                                            \
      {OSSL_FUNC_DECODER_DOES_SELECTION, CHIO_FN(decoder_does_selection)},                                           \
      {OSSL_FUNC_DECODER_DECODE, CHIO_FN(name##_decode)},                                                            \
      {OSSL_FUNC_DECODER_EXPORT_OBJECT, CHIO_FN(decoder_export_object)},                                             \
      {0, NULL}};
DER_TO(rsa, CHIO_KEY_RSA)
DER_TO(rsa_pss, CHIO_KEY_RSA_PSS)
DER_TO(ec, CHIO_KEY_EC)
DER_TO(ed25519, CHIO_KEY_ED25519)
#undef DER_TO

static const OSSL_DISPATCH pem_functions[] = {{OSSL_FUNC_DECODER_NEWCTX, CHIO_FN(decoder_new)},
                                              {OSSL_FUNC_DECODER_FREECTX, CHIO_FN(decoder_free)},
                                              {OSSL_FUNC_DECODER_DECODE, CHIO_FN(pem_decode)},
                                              {0, NULL}};

#define FROM_PEM CHIO_PROPERTIES ",input=pem"
#define FROM_DER CHIO_PROPERTIES ",input=der,structure=" STRUCTURE

const OSSL_ALGORITHM chio_decoder_algorithms[] = {
    {"DER", FROM_PEM, pem_functions, "PEM that names a key in chiod"},
    {CHIO_NAMES_RSA, FROM_DER, rsa_functions, "RSA key by its URI"},
    {CHIO_NAMES_RSA_PSS, FROM_DER, rsa_pss_functions, "RSA-PSS key by its URI"},
    {CHIO_NAMES_EC, FROM_DER, ec_functions, "EC key by its URI"},
    {CHIO_NAMES_ED25519, FROM_DER, ed25519_functions, "Ed25519 key by its URI"},
    {NULL, NULL, NULL, NULL}};
