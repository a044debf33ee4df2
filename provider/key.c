#include "provider/key.h"

#include "signer/wire/attrs.h"
#include "signer/wire/cryptoki.h"
#include "signer/wire/mechanism.h"

#include <openssl/core_dispatch.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdlib.h>

const char *chio_key_kind_name(enum chio_key_kind kind) {
  static const char *const names[CHIO_KEY_KINDS] = {"RSA", "RSA-PSS", "EC", "ED25519"};
  return names[kind];
}

#define LE32(x) (uint8_t)(x), (uint8_t)((x) >> 8), (uint8_t)((x) >> 16), (uint8_t)((x) >> 24)

struct chio_slice chio_key_attribute_types(void) {
  static const uint8_t types[] = {LE32(CKA_KEY_TYPE), LE32(CKA_LABEL), LE32(CKA_ID), LE32(CKA_PUBLIC_KEY_INFO),
                                  LE32(CKA_ALLOWED_MECHANISMS), LE32(CKA_CHIO_BACKEND_URI)};
  return chio_slice(types, sizeof types);
}

/* PKCS #11 knows no RSA-PSS key; a key that allows PSS mechanisms alone is one. */
static bool allows_pss_alone(struct chio_attrs attributes) {
  struct chio_slice list;
  if (!chio_attrs_find(attributes, CKA_ALLOWED_MECHANISMS, &list) || list.len == 0) return false;
  struct chio_cursor c = chio_cursor(list);
  uint64_t ckm;
  while (chio_cursor_u64le(&c, &ckm) == CHIO_OK) {
    const struct chio_mechanism *row = chio_mechanism_by_ckm((CK_MECHANISM_TYPE)ckm);
    if (row == NULL || row->params != CHIO_PARAMS_PSS) return false;
  }
  return true;
}

static bool kind_of(struct chio_attrs attributes, enum chio_key_kind *out_kind) {
  switch (chio_attrs_ulong(attributes, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION)) {
    case CKK_RSA: *out_kind = allows_pss_alone(attributes) ? CHIO_KEY_RSA_PSS : CHIO_KEY_RSA; return true;
    case CKK_EC: *out_kind = CHIO_KEY_EC; return true;
    case CKK_EC_EDWARDS: *out_kind = CHIO_KEY_ED25519; return true;
    default: return false;
  }
}

/* The same modulus and exponent as a key of another algorithm name. */
static EVP_PKEY *as_rsa_pss(OSSL_LIB_CTX *libctx, EVP_PKEY *rsa) {
  OSSL_PARAM *params = NULL;
  EVP_PKEY *pss = NULL;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, "RSA-PSS", CHIO_OTHERS);
  bool ok = ctx != NULL && EVP_PKEY_todata(rsa, EVP_PKEY_PUBLIC_KEY, &params) == 1 &&
            EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &pss, EVP_PKEY_PUBLIC_KEY, params) == 1;
  OSSL_PARAM_free(params);
  EVP_PKEY_CTX_free(ctx);
  return ok ? pss : NULL;
}

static EVP_PKEY *public_part(OSSL_LIB_CTX *libctx, struct chio_slice spki, enum chio_key_kind kind) {
  const unsigned char *at = spki.data;
  EVP_PKEY *pkey = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, libctx, CHIO_OTHERS);
  if (pkey != NULL && at != spki.data + spki.len) {
    EVP_PKEY_free(pkey);
    return NULL;
  }
  if (pkey == NULL || kind != CHIO_KEY_RSA_PSS) return pkey;
  EVP_PKEY *pss = as_rsa_pss(libctx, pkey);
  EVP_PKEY_free(pkey);
  return pss;
}

/* d2i_PUBKEY leaves its own errors; ours replaces them. */
static EVP_PKEY *public_part_or_raise(struct chio_prov *prov, struct chio_attrs attributes, enum chio_key_kind kind) {
  struct chio_slice spki;
  OSSL_LIB_CTX *libctx = chio_prov_libctx(prov);
  if (libctx == NULL) return NULL;
  if (!chio_attrs_find(attributes, CKA_PUBLIC_KEY_INFO, &spki) || spki.len == 0) {
    chio_raise(prov, CHIO_R_KEY_UNSUPPORTED, "the key has no public part");
    return NULL;
  }
  chio_errors_mark(prov);
  EVP_PKEY *pkey = public_part(libctx, spki, kind);
  chio_errors_drop(prov);
  if (pkey == NULL || !EVP_PKEY_is_a(pkey, chio_key_kind_name(kind))) {
    EVP_PKEY_free(pkey);
    chio_raise(prov, CHIO_R_KEY_UNSUPPORTED, "the public part cannot be read as %s", chio_key_kind_name(kind));
    return NULL;
  }
  return pkey;
}

static bool copy_text(struct chio_slice text, char **out_copy) {
  if (text.len == 0) return true;
  *out_copy = strndup((const char *)text.data, text.len);
  return *out_copy != NULL;
}

static bool uri_fill(struct chio_uri *uri, const struct chio_key_place *place, struct chio_attrs attributes,
                     bool is_private) {
  struct chio_slice label = chio_slice(NULL, 0), id = chio_slice(NULL, 0);
  chio_attrs_find(attributes, CKA_LABEL, &label);
  chio_attrs_find(attributes, CKA_ID, &id);
  uri->type = is_private ? CHIO_URI_PRIVATE : CHIO_URI_PUBLIC;
  uri->id_len = id.len;
  uri->has_id = id.len > 0 && id.len <= CHIO_URI_ID_MAX;
  if (uri->has_id && (uri->id = malloc(id.len)) == NULL) return false;
  if (uri->has_id) memcpy(uri->id, id.data, id.len);
  return copy_text(label, &uri->object) && copy_text(chio_slice_str(place->token), &uri->token) &&
         copy_text(chio_slice_str(place->serial), &uri->serial) &&
         copy_text(chio_slice_str(chio_signer_endpoints(place->signer)), &uri->signer);
}

struct chio_key *chio_key_empty(struct chio_prov *prov, enum chio_key_kind kind) {
  struct chio_key *key = calloc(1, sizeof *key);
  struct chio_uri *uri = calloc(1, sizeof *uri);
  if (key == NULL || uri == NULL) {
    free(key);
    free(uri);
    chio_raise(prov, CHIO_R_NO_MEMORY, "key");
    return NULL;
  }
  atomic_init(&key->references, 1);
  key->prov = prov;
  key->kind = kind;
  key->uri = uri;
  return key;
}

static bool copy_allowed(struct chio_key *key, struct chio_attrs attributes) {
  struct chio_slice list;
  if (!chio_attrs_find(attributes, CKA_ALLOWED_MECHANISMS, &list) || list.len == 0) return true;
  key->allowed = malloc(list.len);
  if (key->allowed == NULL) return false;
  memcpy(key->allowed, list.data, list.len);
  key->allowed_len = list.len;
  return true;
}

/* docs/kms.md, the table of what CKM_ECDSA takes. */
static bool is_digest_by_curve(enum chio_key_kind kind, struct chio_attrs attributes) {
  static const char *const schemes[] = {"awskms:", "azurekms:", "gcpkms:"};
  struct chio_slice uri;
  if (kind != CHIO_KEY_EC || !chio_attrs_find(attributes, (uint32_t)CKA_CHIO_BACKEND_URI, &uri)) return false;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(schemes); i++)
    if (uri.len > strlen(schemes[i]) && memcmp(uri.data, schemes[i], strlen(schemes[i])) == 0) return true;
  return false;
}

const char *chio_key_default_digest(const struct chio_key *key) {
  int bits = key->digest_by_curve ? EVP_PKEY_get_bits(key->public_part) : 0;
  return bits > 384 ? "SHA512" : bits > 256 ? "SHA384" : "SHA256";
}

bool chio_key_allows(const struct chio_key *key, uint32_t mechanism) {
  const struct chio_mechanism *row = chio_mechanism_by_wire(mechanism);
  struct chio_cursor c = chio_cursor(chio_slice(key->allowed, key->allowed_len));
  uint64_t ckm;
  if (key->allowed == NULL) return true;
  while (row != NULL && chio_cursor_u64le(&c, &ckm) == CHIO_OK)
    if (ckm == row->ckm) return true;
  return false;
}

static void put_in_place(struct chio_key *key, const struct chio_key_place *place) {
  key->signer = place->signer;
  key->slot = place->slot;
  key->uid = place->uid;
  atomic_init(&key->login, place->login);
}

struct chio_key *chio_key_new(const struct chio_key_place *place, struct chio_attrs attributes, bool is_private) {
  struct chio_prov *prov = chio_signer_prov(place->signer);
  enum chio_key_kind kind;
  if (!kind_of(attributes, &kind)) {
    chio_raise(prov, CHIO_R_KEY_UNSUPPORTED, "key type %llu",
               (unsigned long long)chio_attrs_ulong(attributes, CKA_KEY_TYPE, 0));
    return NULL;
  }
  CHIO_AUTO(chio_key) struct chio_key *key = chio_key_empty(prov, kind);
  if (key == NULL) return NULL;
  put_in_place(key, place);
  key->is_private = is_private;
  key->digest_by_curve = is_digest_by_curve(kind, attributes);
  if (!uri_fill(key->uri, place, attributes, is_private) || !copy_allowed(key, attributes)) {
    chio_raise(prov, CHIO_R_NO_MEMORY, "key");
    return NULL;
  }
  key->public_part = public_part_or_raise(prov, attributes, key->kind);
  return key->public_part != NULL ? CHIO_STEAL(key) : NULL;
}

struct chio_key *chio_key_up_ref(struct chio_key *key) {
  if (key != NULL) atomic_fetch_add(&key->references, 1);
  return key;
}

void chio_key_free(struct chio_key *key) {
  if (key == NULL || atomic_fetch_sub(&key->references, 1) != 1) return;
  EVP_PKEY_free(key->public_part);
  free(key->allowed);
  chio_uri_free(key->uri);
  free(key);
}

bool chio_key_import(struct chio_key *key, int selection, const OSSL_PARAM params[]) {
  OSSL_LIB_CTX *libctx = chio_prov_libctx(key->prov);
  if (libctx == NULL) return false;
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
    return chio_raise(key->prov, CHIO_R_PARAMETER, "private keys are not taken over from elsewhere");
  if (key->public_part != NULL) return chio_raise(key->prov, CHIO_R_STATE, "import");
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, chio_key_kind_name(key->kind), CHIO_OTHERS);
  bool ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
            EVP_PKEY_fromdata(ctx, &key->public_part, selection, (OSSL_PARAM *)(uintptr_t)params) == 1;
  EVP_PKEY_CTX_free(ctx);
  return ok;
}

static bool uri_copy(const struct chio_uri *uri, struct chio_uri **out_copy) {
  struct chio_buf text = CHIO_BUF_INIT;
  CHIO_AUTO(chio_uri) struct chio_uri *copy = NULL;
  enum chio_err err = chio_uri_format(uri, &text);
  if (err == CHIO_OK) err = chio_uri_parse(chio_buf_slice(&text), &copy, NULL);
  chio_buf_clear(&text);
  if (err != CHIO_OK) return false;
  *out_copy = CHIO_STEAL(copy);
  return true;
}

struct chio_key *chio_key_dup_public(struct chio_key *key) {
  struct chio_uri *uri;
  if (!uri_copy(key->uri, &uri)) {
    chio_raise(key->prov, CHIO_R_NO_MEMORY, "key");
    return NULL;
  }
  uri->type = CHIO_URI_PUBLIC;
  struct chio_key *copy = chio_key_empty(key->prov, key->kind);
  if (copy == NULL) {
    chio_uri_free(uri);
    return NULL;
  }
  chio_uri_free(copy->uri);
  copy->uri = uri;
  copy->signer = key->signer;
  copy->slot = key->slot;
  copy->uid = key->uid;
  copy->digest_by_curve = key->digest_by_curve;
  EVP_PKEY_up_ref(key->public_part);
  copy->public_part = key->public_part;
  return copy;
}

static enum chio_err sign_once(struct chio_key *key, struct chio_sign_request *request, struct chio_buf *holder,
                               struct chio_slice *out_signature, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_sign_reply reply;
  enum chio_err err = chio_prov_login_ticket(atomic_load(&key->login), ticket, &request->ticket);
  if (err != CHIO_OK) return err;
  err = chio_call_sign(chio_signer_client(key->signer), request, &reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err == CHIO_OK) *out_signature = reply.signature;
  return err;
}

/* The login ended (a long pause, a changed PIN): true when there is a new one. */
static bool login_again(struct chio_key *key, enum chio_err err) {
  struct chio_prov_login *old = atomic_load(&key->login);
  if (err != CHIO_E_TICKET_INVALID || old == NULL) return false;
  struct chio_prov_login *next = chio_prov_login_again(old);
  if (next == NULL) return false;
  atomic_store(&key->login, next);
  return true;
}

bool chio_key_sign(struct chio_key *key, uint32_t mechanism, struct chio_slice params, struct chio_slice data,
                   struct chio_buf *holder, struct chio_slice *out_signature) {
  struct chio_detail detail = {""};
  struct chio_sign_request request = {
      .slot = key->slot, .key = key->uid, .mechanism = mechanism, .params = params, .data = data};
  if (!key->is_private) return chio_raise(key->prov, CHIO_R_NOT_PRIVATE, "a public key cannot sign");
  if (data.len > CHIO_DATA_MAX)
    return chio_raise(key->prov, CHIO_R_PARAMETER, "at most %u bytes can be signed at once", CHIO_DATA_MAX);
  enum chio_err err = sign_once(key, &request, holder, out_signature, &detail);
  if (login_again(key, err)) err = sign_once(key, &request, holder, out_signature, &detail);
  return err == CHIO_OK ? true : chio_raise_err(key->prov, err, &detail, "sign");
}
