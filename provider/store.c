/*
 * The store loader for chio: URIs (provider-storemgmt(7)). open() parses; the first load() finds; each load() delivers
 * one object. What the URI names must be there as it says: see find.h.
 */
#include "provider/algorithms.h"
#include "provider/deliver.h"
#include "provider/find.h"
#include "signer/wire/cryptoki.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>
#include <openssl/store.h>
#include <stdlib.h>

#define LE32(x) (uint8_t)(x), (uint8_t)((x) >> 8), (uint8_t)((x) >> 16), (uint8_t)((x) >> 24)

struct store {
  struct chio_prov *prov;
  struct chio_uri *uri;
  int expect; /* OSSL_STORE_INFO_*, 0: everything */
  struct chio_buf subject, issuer, serial;
  char *alias;
  struct chio_found *found; /* NULL until the first load */
  bool as_public;
  size_t next;
  bool failed; /* the search did */
  bool ended;
  struct chio_key *current; /* offered to OpenSSL, which may take it */
};

static void store_free(struct store *store) {
  if (store == NULL) return;
  chio_key_free(store->current);
  chio_found_free(store->found);
  chio_uri_free(store->uri);
  chio_buf_clear(&store->subject);
  chio_buf_clear(&store->issuer);
  chio_buf_clear(&store->serial);
  free(store->alias);
  free(store);
}

static void *store_open(void *provctx, const char *uri) {
  struct chio_prov *prov = provctx;
  struct chio_detail detail = {""};
  struct store *store = calloc(1, sizeof *store);
  if (store == NULL) {
    chio_raise(prov, CHIO_R_NO_MEMORY, "store");
    return NULL;
  }
  store->prov = prov;
  enum chio_err err = chio_uri_parse(chio_slice_str(uri), &store->uri, &detail);
  if (err == CHIO_OK) return store;
  chio_raise(prov, CHIO_R_URI, "%s", detail.text[0] != '\0' ? detail.text : chio_err_text(err));
  store_free(store);
  return NULL;
}

static int store_close(void *loaderctx) {
  store_free(loaderctx);
  return 1;
}

static const OSSL_PARAM *store_settable(void *provctx) {
  static const OSSL_PARAM params[] = {OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
                                      OSSL_PARAM_octet_string(OSSL_STORE_PARAM_SUBJECT, NULL, 0),
                                      OSSL_PARAM_octet_string(OSSL_STORE_PARAM_ISSUER, NULL, 0),
                                      OSSL_PARAM_BN(OSSL_STORE_PARAM_SERIAL, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_ALIAS, NULL, 0),
                                      OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_PROPERTIES, NULL, 0),
                                      OSSL_PARAM_END};
  (void)provctx;
  return params;
}

static bool set_bytes(const OSSL_PARAM params[], const char *name, struct chio_buf *out) {
  const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, name);
  const void *data;
  size_t len;
  if (p == NULL) return true;
  if (!OSSL_PARAM_get_octet_string_ptr(p, &data, &len)) return false;
  chio_buf_reset(out);
  chio_buf_append(out, data, len);
  return chio_buf_err(out) == CHIO_OK;
}

/* A number comes, a DER INTEGER is what certificates are stored with. */
static bool set_serial(const OSSL_PARAM params[], struct chio_buf *out) {
  const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_SERIAL);
  BIGNUM *number = NULL;
  unsigned char *der = NULL;
  if (p == NULL) return true;
  if (!OSSL_PARAM_get_BN(p, &number)) return false;
  ASN1_INTEGER *integer = BN_to_ASN1_INTEGER(number, NULL);
  int len = integer != NULL ? i2d_ASN1_INTEGER(integer, &der) : -1;
  chio_buf_reset(out);
  if (len > 0) chio_buf_append(out, der, (size_t)len);
  OPENSSL_free(der);
  ASN1_INTEGER_free(integer);
  BN_free(number);
  return len > 0 && chio_buf_err(out) == CHIO_OK;
}

static bool set_alias(const OSSL_PARAM params[], char **alias) {
  const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_ALIAS);
  const char *text;
  if (p == NULL) return true;
  if (!OSSL_PARAM_get_utf8_string_ptr(p, &text)) return false;
  free(*alias);
  *alias = strdup(text);
  return *alias != NULL;
}

static int store_set_params(void *loaderctx, const OSSL_PARAM params[]) {
  struct store *store = loaderctx;
  const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);
  if ((p == NULL || OSSL_PARAM_get_int(p, &store->expect)) &&
      set_bytes(params, OSSL_STORE_PARAM_SUBJECT, &store->subject) &&
      set_bytes(params, OSSL_STORE_PARAM_ISSUER, &store->issuer) && set_serial(params, &store->serial) &&
      set_alias(params, &store->alias))
    return 1;
  return chio_raise(store->prov, CHIO_R_PARAMETER, "a search criterion of the wrong type");
}

static unsigned wanted_by_expect(int expect) {
  switch (expect) {
    case 0: return CHIO_WANT_PRIVATE | CHIO_WANT_CERT | CHIO_WANT_PUBLIC;
    case OSSL_STORE_INFO_PKEY: return CHIO_WANT_PRIVATE;
    case OSSL_STORE_INFO_PUBKEY: return CHIO_WANT_PUBLIC;
    case OSSL_STORE_INFO_CERT: return CHIO_WANT_CERT;
    default: return 0;
  }
}

static unsigned wanted_by_type(enum chio_uri_type type, int expect) {
  switch (type) {
    case CHIO_URI_PRIVATE: return expect == OSSL_STORE_INFO_PUBKEY ? CHIO_WANT_PUBLIC : CHIO_WANT_PRIVATE;
    case CHIO_URI_PUBLIC: return CHIO_WANT_PUBLIC;
    case CHIO_URI_CERT: return CHIO_WANT_CERT;
    default: return CHIO_WANT_PRIVATE | CHIO_WANT_CERT | CHIO_WANT_PUBLIC;
  }
}

static bool store_find(struct store *store, const struct chio_pin_asker *asker) {
  struct chio_find_query query = {.uri = store->uri,
                                  .subject = chio_buf_slice(&store->subject),
                                  .issuer = chio_buf_slice(&store->issuer),
                                  .serial = chio_buf_slice(&store->serial),
                                  .alias = store->alias};
  query.want = wanted_by_expect(store->expect) & wanted_by_type(store->uri->type, store->expect);
  /* Issuer and serial number are a certificate's; a search by subject is for one too. */
  if (query.subject.len + query.issuer.len + query.serial.len > 0) query.want &= CHIO_WANT_CERT;
  query.key_is_expected = store->expect == OSSL_STORE_INFO_PKEY || store->uri->type == CHIO_URI_PRIVATE;
  if (!chio_find(store->prov, &query, asker, &store->found)) return false;
  if (store->found->object_count > 0 || query.want != CHIO_WANT_PUBLIC) return true;
  if (store->expect != OSSL_STORE_INFO_PUBKEY || store->uri->type == CHIO_URI_PUBLIC) return true;
  /* No public object: the private one has a public part. */
  chio_found_free(store->found);
  store->found = NULL;
  query.want = CHIO_WANT_PRIVATE;
  store->as_public = true;
  return chio_find(store->prov, &query, asker, &store->found);
}

static int deliver_cert(struct store *store, size_t index, OSSL_CALLBACK *callback, void *arg) {
  static const uint8_t types[] = {LE32(CKA_VALUE)};
  struct chio_detail detail = {""};
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_attrs attributes;
  struct chio_slice der = chio_slice(NULL, 0);
  int ok = 0, type = OSSL_OBJECT_CERT;
  enum chio_err err =
      chio_found_get(store->found, index, chio_slice(types, sizeof types), &holder, &attributes, &detail);
  if (err == CHIO_OK && chio_attrs_find(attributes, CKA_VALUE, &der) && der.len > 0) {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, (void *)(uintptr_t)der.data, der.len),
        OSSL_PARAM_construct_end()};
    ok = callback(params, arg);
  } else {
    chio_raise_err(store->prov, err != CHIO_OK ? err : CHIO_E_MALFORMED, &detail, "certificate");
  }
  chio_buf_clear(&holder);
  return ok;
}

static int deliver_key(struct store *store, size_t index, OSSL_CALLBACK *callback, void *arg) {
  chio_key_free(store->current);
  store->current = NULL;
  if (!chio_found_key(store->found, index, store->as_public, &store->current)) return 0;
  /* Destroyed since it was found: as if it had never been there. */
  return store->current != NULL ? chio_key_deliver(&store->current, callback, arg) : 1;
}

/* The end is told one load later than a failure: libcrypto takes a failure at the end for the end alone. */
static int store_nothing(struct store *store) {
  store->ended = !store->failed;
  return 0;
}

static int store_load(void *loaderctx, OSSL_CALLBACK *object_cb, void *object_arg, OSSL_PASSPHRASE_CALLBACK *pw_cb,
                      void *pw_arg) {
  struct store *store = loaderctx;
  struct chio_pin_asker asker = {pw_cb, pw_arg};
  if (store->failed || (store->found != NULL && store->next >= store->found->object_count)) {
    store->ended = true;
    return 0;
  }
  if (store->found == NULL) {
    store->failed = !store_find(store, &asker);
    if (store->failed || store->found->object_count == 0) return store_nothing(store);
  }
  size_t index = store->next++;
  if (store->found->objects[index].want == CHIO_WANT_CERT) return deliver_cert(store, index, object_cb, object_arg);
  return deliver_key(store, index, object_cb, object_arg);
}

static int store_eof(void *loaderctx) {
  const struct store *store = loaderctx;
  return store->ended;
}

static int store_export_object(void *loaderctx, const void *reference, size_t size, OSSL_CALLBACK *callback,
                               void *arg) {
  struct chio_key *key;
  (void)loaderctx;
  if (size != sizeof key) return 0;
  memcpy(&key, reference, sizeof key);
  return key != NULL ? chio_key_export(key, OSSL_KEYMGMT_SELECT_ALL, callback, arg) : 0;
}

static const OSSL_DISPATCH store_functions[] = {{OSSL_FUNC_STORE_OPEN, CHIO_FN(store_open)},
                                                {OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, CHIO_FN(store_settable)},
                                                {OSSL_FUNC_STORE_SET_CTX_PARAMS, CHIO_FN(store_set_params)},
                                                {OSSL_FUNC_STORE_LOAD, CHIO_FN(store_load)},
                                                {OSSL_FUNC_STORE_EOF, CHIO_FN(store_eof)},
                                                {OSSL_FUNC_STORE_CLOSE, CHIO_FN(store_close)},
                                                {OSSL_FUNC_STORE_EXPORT_OBJECT, CHIO_FN(store_export_object)},
                                                {0, NULL}};

const OSSL_ALGORITHM chio_store_algorithms[] = {
    {"chio", CHIO_PROPERTIES, store_functions, "keys and certificates in chiod"}, {NULL, NULL, NULL, NULL}};
