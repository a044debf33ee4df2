#include "provider/keygen.h"

#include "provider/find.h"
#include "signer/client/client.h"
#include "signer/wire/cryptoki.h"
#include "signer/wire/key_type.h"
#include "signer/wire/mechanism.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

#define PARAM_URI "uri"
#define ID_SIZE 20u /* bytes of a CKA_ID that we choose */
#define RSA_BITS_DEFAULT 2048u

struct chio_keygen {
  struct chio_prov *prov;
  enum chio_key_kind kind;
  char *uri;
  char group[32]; /* empty: P-256 */
  size_t bits;
};

const OSSL_PARAM chio_keygen_settable[] = {OSSL_PARAM_utf8_string(PARAM_URI, NULL, 0),
                                           OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                                           OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),
                                           OSSL_PARAM_size_t(OSSL_PKEY_PARAM_RSA_BITS, NULL),
                                           OSSL_PARAM_size_t(OSSL_PKEY_PARAM_RSA_PRIMES, NULL),
                                           OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
                                           OSSL_PARAM_END};

static bool set_uri(struct chio_keygen *g, const OSSL_PARAM *p) {
  char *uri = NULL;
  if (OSSL_PARAM_get_utf8_string(p, &uri, 0) != 1) return chio_raise(g->prov, CHIO_R_PARAMETER, PARAM_URI);
  free(g->uri);
  g->uri = strdup(uri);
  OPENSSL_free(uri);
  return g->uri != NULL || chio_raise(g->prov, CHIO_R_NO_MEMORY, PARAM_URI);
}

static bool set_group(struct chio_keygen *g, const OSSL_PARAM *p) {
  char *at = g->group;
  if (OSSL_PARAM_get_utf8_string(p, &at, sizeof g->group) == 1) return true;
  return chio_raise(g->prov, CHIO_R_PARAMETER, "group");
}

/* The signer chooses 65537 and two primes; whoever asks for something else must not believe that it was done. */
static bool check_rsa(struct chio_keygen *g, const OSSL_PARAM params[]) {
  const OSSL_PARAM *primes = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_PRIMES);
  const OSSL_PARAM *e = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_E);
  size_t count = 2;
  unsigned long exponent = RSA_F4;
  if (primes != NULL && (OSSL_PARAM_get_size_t(primes, &count) != 1 || count != 2))
    return chio_raise(g->prov, CHIO_R_PARAMETER, "primes: RSA keys have two");
  if (e != NULL && (OSSL_PARAM_get_ulong(e, &exponent) != 1 || exponent != RSA_F4))
    return chio_raise(g->prov, CHIO_R_PARAMETER, "pubexp: RSA keys have 65537");
  return true;
}

bool chio_keygen_set(struct chio_keygen *keygen, const OSSL_PARAM params[]) {
  if (params == NULL) return true;
  const OSSL_PARAM *uri = OSSL_PARAM_locate_const(params, PARAM_URI);
  const OSSL_PARAM *group = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
  const OSSL_PARAM *bits = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_BITS);
  if (uri != NULL && !set_uri(keygen, uri)) return false;
  if (group != NULL && !set_group(keygen, group)) return false;
  if (bits != NULL && OSSL_PARAM_get_size_t(bits, &keygen->bits) != 1)
    return chio_raise(keygen->prov, CHIO_R_PARAMETER, "bits");
  return check_rsa(keygen, params);
}

void chio_keygen_free(struct chio_keygen *keygen) {
  if (keygen == NULL) return;
  free(keygen->uri);
  free(keygen);
}

struct chio_keygen *chio_keygen_new(struct chio_prov *prov, enum chio_key_kind kind, int selection,
                                    const OSSL_PARAM params[]) {
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) {
    chio_raise(prov, CHIO_R_PARAMETER, "parameters alone are not generated");
    return NULL;
  }
  struct chio_keygen *g = calloc(1, sizeof *g);
  if (g == NULL) {
    chio_raise(prov, CHIO_R_NO_MEMORY, "generate");
    return NULL;
  }
  g->prov = prov;
  g->kind = kind;
  g->bits = RSA_BITS_DEFAULT;
  if (chio_keygen_set(g, params)) return g;
  chio_keygen_free(g);
  return NULL;
}

static bool is_wanted(const struct chio_keygen *g, const struct chio_key_type *type) {
  const char *group = g->group[0] != '\0' ? g->group : "P-256";
  switch (g->kind) {
    case CHIO_KEY_ED25519: return type->ckk == CKK_EC_EDWARDS;
    case CHIO_KEY_EC:
      return type->ckk == CKK_EC && (strcasecmp(group, type->shown) == 0 || strcasecmp(group, type->group) == 0);
    case CHIO_KEY_RSA:
    case CHIO_KEY_RSA_PSS: return type->ckk == CKK_RSA && type->bits == g->bits;
    default: return false;
  }
}

static const struct chio_key_type *find_type(const struct chio_keygen *g) {
  size_t count;
  const struct chio_key_type *types = chio_key_type_table(&count);
  for (size_t i = 0; i < count; i++)
    if (is_wanted(g, &types[i])) return &types[i];
  chio_raise(g->prov, CHIO_R_KEY_UNSUPPORTED, "no such curve or size of key is made");
  return NULL;
}

/* RSA-PSS keys are RSA keys that allow PSS alone. */
static void add_pss_mechanisms(struct chio_buf *out) {
  struct chio_buf list = CHIO_BUF_INIT;
  size_t count;
  const struct chio_mechanism *rows = chio_mechanism_table(&count);
  for (size_t i = 0; i < count; i++)
    if (rows[i].params == CHIO_PARAMS_PSS) chio_buf_append_u64le(&list, rows[i].ckm);
  chio_attrs_add(out, CKA_ALLOWED_MECHANISMS, chio_buf_slice(&list));
  out->failed = out->failed || list.failed;
  chio_buf_clear(&list);
}

static void put_template(const struct chio_keygen *g, const struct chio_uri *uri, const struct chio_key_type *type,
                         struct chio_slice id, bool is_private, struct chio_buf *out) {
  chio_attrs_begin(out);
  chio_attrs_add_bool(out, CKA_TOKEN, true);
  chio_attrs_add_bool(out, CKA_PRIVATE, is_private);
  chio_attrs_add(out, CKA_LABEL, chio_slice_str(uri->object));
  if (!uri->has_id) chio_attrs_add_bool(out, (uint32_t)CKA_CHIO_NEW_LABEL, true); /* else another id is another key */
  chio_attrs_add(out, CKA_ID, id);
  chio_attrs_add_bool(out, is_private ? CKA_SIGN : CKA_VERIFY, true);
  if (g->kind == CHIO_KEY_RSA_PSS) add_pss_mechanisms(out);
  if (is_private) {
    chio_attrs_add_bool(out, CKA_SENSITIVE, true);
    chio_attrs_add_bool(out, CKA_EXTRACTABLE, false);
    return;
  }
  if (type->ec_params.len > 0) chio_attrs_add(out, CKA_EC_PARAMS, type->ec_params);
  if (type->bits > 0) chio_attrs_add_ulong(out, CKA_MODULUS_BITS, type->bits);
}

static enum chio_err send(struct chio_found *found, struct chio_key_pair_request *request, struct chio_uid *out_private,
                          struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_key_pair_reply reply;
  enum chio_err err = chio_prov_login_ticket(found->tokens[0].login, ticket, &request->ticket);
  if (err == CHIO_OK)
    err = chio_call_key_pair(chio_signer_client(found->signer), request, &reply, &holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err == CHIO_OK) *out_private = reply.private_key;
  chio_buf_clear(&holder);
  return err;
}

static enum chio_err ask(const struct chio_keygen *g, const struct chio_uri *uri, const struct chio_key_type *type,
                         struct chio_found *found, struct chio_uid *out_private, struct chio_detail *detail) {
  struct chio_buf public_template = CHIO_BUF_INIT;
  struct chio_buf private_template = CHIO_BUF_INIT;
  uint8_t random_id[ID_SIZE];
  struct chio_slice id = uri->has_id ? chio_slice(uri->id, uri->id_len) : chio_slice(random_id, sizeof random_id);
  randombytes_buf(random_id, sizeof random_id);
  put_template(g, uri, type, id, false, &public_template);
  put_template(g, uri, type, id, true, &private_template);
  enum chio_err err = chio_buf_err(&public_template);
  if (err == CHIO_OK) err = chio_buf_err(&private_template);
  struct chio_key_pair_request request = {.slot = found->tokens[0].slot,
                                          .mechanism = type->generator,
                                          .public_template = chio_attrs_of(&public_template),
                                          .private_template = chio_attrs_of(&private_template)};
  if (err == CHIO_OK) err = send(found, &request, out_private, detail);
  chio_buf_clear(&public_template);
  chio_buf_clear(&private_template);
  return err;
}

static struct chio_key *make(const struct chio_keygen *g, const struct chio_uri *uri, const struct chio_key_type *type,
                             struct chio_found *found) {
  struct chio_detail detail = {""};
  struct chio_uid private_key;
  struct chio_key *key = NULL;
  if (found->token_count != 1) {
    chio_raise(g->prov, found->token_count == 0 ? CHIO_R_NOT_FOUND : CHIO_R_AMBIGUOUS, "%zu tokens match the URI",
               found->token_count);
    return NULL;
  }
  if (found->object_count > 0) {
    chio_raise(g->prov, CHIO_R_EXISTS, "'%s' in token %s", uri->object, found->tokens[0].label);
    return NULL;
  }
  enum chio_err err = ask(g, uri, type, found, &private_key, &detail);
  if (err == CHIO_OK) err = chio_found_add(found, 0, CHIO_WANT_PRIVATE, &private_key);
  if (err == CHIO_E_EXISTS) { /* made by somebody else, since it was looked for */
    chio_raise(g->prov, CHIO_R_EXISTS, "'%s' in token %s", uri->object, found->tokens[0].label);
    return NULL;
  }
  if (err != CHIO_OK) {
    chio_raise_err(g->prov, err, &detail, "generate");
    return NULL;
  }
  return chio_found_key(found, 0, false, &key) ? key : NULL;
}

static bool check_place(const struct chio_keygen *g, const struct chio_uri *uri) {
  if (uri->object != NULL && uri->object[0] != '\0' && uri->type != CHIO_URI_CERT && uri->type != CHIO_URI_PUBLIC)
    return true;
  return chio_raise(g->prov, CHIO_R_NO_PLACE, "the URI has no object=, or another type= than private");
}

struct chio_key *chio_keygen_run(struct chio_keygen *keygen) {
  struct chio_detail detail = {""};
  CHIO_AUTO(chio_uri) struct chio_uri *uri = NULL;
  CHIO_AUTO(chio_found) struct chio_found *found = NULL;
  const struct chio_key_type *type;
  if (keygen->uri == NULL) {
    chio_raise(keygen->prov, CHIO_R_NO_PLACE, "generate");
    return NULL;
  }
  enum chio_err err = chio_uri_parse(chio_slice_str(keygen->uri), &uri, &detail);
  if (err != CHIO_OK) {
    chio_raise(keygen->prov, CHIO_R_URI, "%s", detail.text[0] != '\0' ? detail.text : chio_err_text(err));
    return NULL;
  }
  if (!check_place(keygen, uri) || (type = find_type(keygen)) == NULL) return NULL;
  struct chio_find_query query = {.uri = uri, .want = CHIO_WANT_PRIVATE | CHIO_WANT_PUBLIC};
  if (!chio_find(keygen->prov, &query, NULL, &found)) return NULL;
  return make(keygen, uri, type, found);
}
