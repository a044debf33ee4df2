/*
 * The encoders (provider-encoder(7)): text for people, and for a private key the PEM block that names it. The latter
 * stands where others write the key itself: `openssl pkey -in chio:...` gives a file that works wherever a key file
 * does, holds no secret, and no PIN. Public keys are written by the application's own providers.
 */
#include "provider/algorithms.h"
#include "provider/key.h"
#include "signer/client/pem_uri.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

static void *encoder_new(void *provctx) {
  return provctx;
}

static void encoder_free(void *ctx) {
  (void)ctx;
}

static int text_does_selection(void *provctx, int selection) {
  (void)provctx;
  return selection == 0 || (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0;
}

static int pem_does_selection(void *provctx, int selection) {
  (void)provctx;
  return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

static bool format_uri(const struct chio_key *key, struct chio_buf *out) {
  return chio_uri_format(key->uri, out) == CHIO_OK && chio_buf_cstr(out) != NULL;
}

static bool write_text(BIO *bio, const struct chio_key *key) {
  struct chio_buf uri = CHIO_BUF_INIT;
  bool ok = format_uri(key, &uri);
  if (ok && key->is_private)
    ok = BIO_printf(bio, "%s Private-Key: (%d bit)\n[held by chiod, cannot be exported]\n",
                    chio_key_kind_name(key->kind), EVP_PKEY_get_bits(key->public_part)) > 0;
  ok = ok && EVP_PKEY_print_public(bio, key->public_part, 0, NULL) == 1;
  if (key->signer != NULL) ok = ok && BIO_printf(bio, "URI: %s\n", (const char *)uri.data) > 0;
  chio_buf_clear(&uri);
  return ok;
}

static bool write_pem(BIO *bio, const struct chio_key *key) {
  struct chio_buf uri = CHIO_BUF_INIT, der = CHIO_BUF_INIT;
  bool ok = format_uri(key, &uri) && chio_pem_uri_encode(chio_buf_slice(&uri), &der) == CHIO_OK &&
            PEM_write_bio(bio, CHIO_PEM_URI_LABEL, "", der.data, (long)der.len) > 0;
  chio_buf_clear(&uri);
  chio_buf_clear(&der);
  return ok;
}

static int encode(void *ctx, OSSL_CORE_BIO *out, const void *object, const OSSL_PARAM *abstract,
                  bool (*write)(BIO *, const struct chio_key *)) {
  struct chio_prov *prov = ctx;
  OSSL_LIB_CTX *libctx = chio_prov_libctx(prov);
  const struct chio_key *key = object;
  if (key == NULL || key->public_part == NULL || abstract != NULL || libctx == NULL)
    return chio_raise(prov, CHIO_R_PARAMETER, "only a key of this provider can be written");
  BIO *bio = BIO_new_from_core_bio(libctx, out);
  bool ok = bio != NULL && write(bio, key);
  BIO_free(bio);
  return ok ? 1 : chio_raise(prov, CHIO_R_WRITE, "encoder");
}

static int text_encode(void *ctx, OSSL_CORE_BIO *out, const void *object, const OSSL_PARAM abstract[], int selection,
                       OSSL_PASSPHRASE_CALLBACK *callback, void *arg) {
  (void)selection;
  (void)callback;
  (void)arg;
  return encode(ctx, out, object, abstract, write_text);
}

static int pem_encode(void *ctx, OSSL_CORE_BIO *out, const void *object, const OSSL_PARAM abstract[], int selection,
                      OSSL_PASSPHRASE_CALLBACK *callback, void *arg) {
  (void)selection;
  (void)callback;
  (void)arg;
  return encode(ctx, out, object, abstract, write_pem);
}

#define FUNCTIONS(name)                                                                \
  static const OSSL_DISPATCH name##_functions[] = {                                    \
      {OSSL_FUNC_ENCODER_NEWCTX, CHIO_FN(encoder_new)},                                \
      {OSSL_FUNC_ENCODER_FREECTX, CHIO_FN(encoder_free)},                              \
      {OSSL_FUNC_ENCODER_DOES_SELECTION, CHIO_FN(name##_does_selection)},              \
      {OSSL_FUNC_ENCODER_ENCODE, CHIO_FN(name##_encode)},                              \
      {0, NULL}};
FUNCTIONS(text)
FUNCTIONS(pem)
#undef FUNCTIONS

#define AS_TEXT CHIO_PROPERTIES ",output=text"
#define AS_PEM CHIO_PROPERTIES ",output=pem,structure=PrivateKeyInfo"

const OSSL_ALGORITHM chio_encoder_algorithms[] = {
    {CHIO_NAMES_RSA, AS_TEXT, text_functions, "RSA key as text"},
    {CHIO_NAMES_RSA_PSS, AS_TEXT, text_functions, "RSA-PSS key as text"},
    {CHIO_NAMES_EC, AS_TEXT, text_functions, "EC key as text"},
    {CHIO_NAMES_ED25519, AS_TEXT, text_functions, "Ed25519 key as text"},
    {CHIO_NAMES_RSA, AS_PEM, pem_functions, "RSA key by its URI"},
    {CHIO_NAMES_RSA_PSS, AS_PEM, pem_functions, "RSA-PSS key by its URI"},
    {CHIO_NAMES_EC, AS_PEM, pem_functions, "EC key by its URI"},
    {CHIO_NAMES_ED25519, AS_PEM, pem_functions, "Ed25519 key by its URI"},
    {NULL, NULL, NULL, NULL}};
