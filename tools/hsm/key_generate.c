#include "signer/base/secret.h"
#include "signer/wire/key_type.h"
#include "tools/hsm/json.h"
#include "tools/hsm/key.h"
#include "tools/hsm/key_reuse.h"
#include "tools/hsm/model_hash.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define ID_DEFAULT_SIZE 8u
#define ID_SIZE_MAX 255u
#define TYPE_DEFAULT "p256"
#define PSS "-pss"
#define REUSE_TRIES 3u

static enum chio_err choose_id(struct hsm *hsm, struct chio_buf *out, struct chio_detail *detail) {
  const char *text = hsm->option[HSM_OPT_ID];
  if (text == NULL) {
    uint8_t *to = chio_buf_reserve(out, ID_DEFAULT_SIZE);
    if (to == NULL) return CHIO_E_NO_MEMORY;
    if (getrandom(to, ID_DEFAULT_SIZE, 0) != ID_DEFAULT_SIZE) return CHIO_E_INTERNAL;
    out->len += ID_DEFAULT_SIZE;
    return CHIO_OK;
  }
  enum chio_err err = hsm_hex_parse(text, out);
  if (err == CHIO_E_NO_MEMORY) return err;
  if (err != CHIO_OK || out->len == 0 || out->len > ID_SIZE_MAX)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--id '%s': expected 1 to %u bytes in hex", text, ID_SIZE_MAX);
  return CHIO_OK;
}

/* "rsa3072-pss": the type before the suffix, and whether it was there. */
static const struct chio_key_type *type_named(const char *name, bool *out_pss) {
  char stem[32];
  size_t len = strlen(name);
  *out_pss = len > strlen(PSS) && len < sizeof stem && strcmp(name + len - strlen(PSS), PSS) == 0;
  if (!*out_pss) return chio_key_type_find(name);
  (void)snprintf(stem, sizeof stem, "%.*s", (int)(len - strlen(PSS)), name);
  const struct chio_key_type *type = chio_key_type_find(stem);
  return type != NULL && type->ckk == CKK_RSA ? type : NULL;
}

static void put_pss_mechanisms(struct chio_buf *out) {
  static const uint64_t allowed[] = {CKM_SHA256_RSA_PKCS_PSS, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS,
                                     CKM_RSA_PKCS_PSS};
  struct chio_buf list = CHIO_BUF_INIT;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(allowed); i++) chio_buf_append_u64le(&list, allowed[i]);
  chio_attrs_add(out, CKA_ALLOWED_MECHANISMS, chio_buf_slice(&list));
  out->failed = out->failed || list.failed;
  chio_buf_clear(&list);
}

/* What a key is to be, as the command line says. */
struct wanted {
  const struct chio_key_type *type;
  struct chio_slice id, model; /* model: empty when there is none */
  bool pss;                    /* an RSA key for PSS alone */
};

static void put_templates(struct hsm *hsm, const struct wanted *wanted, struct chio_buf *public_template,
                          struct chio_buf *private_template) {
  const struct chio_key_type *type = wanted->type;
  struct chio_slice label = chio_slice_str(hsm->word[0]);
  struct chio_buf *both[] = {public_template, private_template};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(both); i++) {
    chio_attrs_begin(both[i]);
    chio_attrs_add_bool(both[i], CKA_TOKEN, true);
    chio_attrs_add_bool(both[i], CKA_PRIVATE, both[i] == private_template);
    chio_attrs_add(both[i], CKA_LABEL, label);
    /* Two keys of one name could only be told apart by their ids; whoever wants that uses another tool. */
    chio_attrs_add_bool(both[i], (uint32_t)CKA_CHIO_NEW_LABEL, true);
    chio_attrs_add(both[i], CKA_ID, wanted->id);
    if (wanted->model.len > 0) chio_attrs_add(both[i], (uint32_t)CKA_CHIO_MODEL_HASH, wanted->model);
    if (wanted->pss) put_pss_mechanisms(both[i]);
    if (hsm->option[HSM_OPT_PRE_ACTIVE] != NULL)
      chio_attrs_add(both[i], (uint32_t)CKA_CHIO_STATE, chio_slice_str("pre-active"));
    if (hsm->option[HSM_OPT_ROLE] != NULL)
      chio_attrs_add(both[i], (uint32_t)CKA_CHIO_ROLE, chio_slice_str(hsm->option[HSM_OPT_ROLE]));
  }
  chio_attrs_add_bool(public_template, CKA_VERIFY, true);
  if (type->ec_params.len > 0) chio_attrs_add(public_template, CKA_EC_PARAMS, type->ec_params);
  if (type->bits > 0) chio_attrs_add_ulong(public_template, CKA_MODULUS_BITS, type->bits);
  chio_attrs_add_bool(private_template, CKA_SIGN, true);
  chio_attrs_add_bool(private_template, CKA_SENSITIVE, true);
  chio_attrs_add_bool(private_template, CKA_EXTRACTABLE, false);
  if (hsm->option[HSM_OPT_ALWAYS_AUTHENTICATE] != NULL)
    chio_attrs_add_bool(private_template, CKA_ALWAYS_AUTHENTICATE, true);
}

static enum chio_err generate(struct hsm *hsm, const struct wanted *wanted, struct chio_uid *out_private,
                              struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *public_template = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *private_template = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (public_template == NULL || private_template == NULL || holder == NULL) return CHIO_E_NO_MEMORY;
  put_templates(hsm, wanted, public_template, private_template);
  if (chio_buf_err(public_template) != CHIO_OK || chio_buf_err(private_template) != CHIO_OK) return CHIO_E_NO_MEMORY;
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_key_pair_request request = {.slot = hsm->slot,
                                          .mechanism = wanted->type->generator,
                                          .public_template = chio_attrs_of(public_template),
                                          .private_template = chio_attrs_of(private_template)};
  struct chio_key_pair_reply reply;
  enum chio_err err = hsm_ticket(hsm, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_key_pair(hsm->client, &request, &reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err == CHIO_OK) *out_private = reply.private_key;
  return err;
}

static void print_key(const struct hsm *hsm, const struct hsm_key *key, const char *id, bool reused) {
  char type[32];
  struct chio_slice tee = hsm_key_attribute(key, (uint32_t)CKA_CHIO_TEE);
  struct chio_slice backend = hsm_key_attribute(key, (uint32_t)CKA_CHIO_BACKEND_URI);
  struct chio_slice place = backend.len > 0 ? backend : tee;
  const char *verb = backend.len > 0 ? (reused ? "was made at" : "is made at") : reused ? "was born in" : "is born in";
  hsm_key_type_text(key, type, sizeof type);
  (void)printf("key '%s' (%s, id %s) %s %.*s, in token '%s'%s\n", hsm->word[0], type, id, verb, (int)place.len,
               (const char *)place.data, hsm->token_label, reused ? ", and is used again" : "");
}

static enum chio_err print_key_json(struct hsm *hsm, const struct hsm_key *key, bool reused) {
  json_t *object = hsm_key_json(hsm, key);
  if (object == NULL) return CHIO_E_NO_MEMORY;
  if (hsm->option[HSM_OPT_REUSE] != NULL) (void)json_object_set_new(object, "reused", json_boolean(reused));
  return hsm_json_print(object);
}

static enum chio_err show(struct hsm *hsm, const struct chio_uid *private_key, bool reused,
                          struct chio_detail *detail) {
  struct hsm_keys keys;
  char name[CHIO_UID_HEX + 1];
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  if (hex == NULL) return CHIO_E_NO_MEMORY;
  chio_uid_hex(private_key, name);
  enum chio_err err = hsm_key_find(hsm, name, &keys, detail);
  if (err != CHIO_OK) return err;
  hsm_hex_put(hsm_key_attribute(&keys.list[0], CKA_ID), hex);
  const char *id = chio_buf_cstr(hex);
  if (hsm->json)
    err = print_key_json(hsm, &keys.list[0], reused);
  else if (id != NULL)
    print_key(hsm, &keys.list[0], id, reused);
  else
    err = CHIO_E_NO_MEMORY;
  hsm_keys_clear(&keys);
  return err;
}

/* Makes the key, or takes the one that is there where that is allowed. Another one may come while this one looks, and
 * go again. */
static enum chio_err find_or_generate(struct hsm *hsm, const struct wanted *wanted, struct chio_uid *out_private,
                                      bool *out_reused, struct chio_detail *detail) {
  enum chio_err err = CHIO_E_EXISTS;
  bool reuse = hsm->option[HSM_OPT_REUSE] != NULL;
  *out_reused = false;
  for (unsigned i = 0; i < (reuse ? REUSE_TRIES : 1) && err == CHIO_E_EXISTS; i++) {
    if (reuse) {
      err = hsm_key_reuse(hsm, wanted->type, wanted->model, wanted->id, out_reused, out_private, detail);
      if (err != CHIO_OK || *out_reused) return err;
    }
    err = generate(hsm, wanted, out_private, detail);
  }
  return err;
}

enum chio_err hsm_run_key_generate(struct hsm *hsm, struct chio_detail *detail) {
  const char *name = hsm->option[HSM_OPT_TYPE] != NULL ? hsm->option[HSM_OPT_TYPE] : TYPE_DEFAULT;
  CHIO_AUTO(chio_buf) struct chio_buf *id = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *model = chio_buf_new();
  struct wanted wanted = {.pss = false};
  struct chio_uid private_key;
  bool reused = false;
  if (id == NULL || model == NULL) return CHIO_E_NO_MEMORY;
  wanted.type = type_named(name, &wanted.pss);
  if (wanted.type == NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT,
                     "no key type '%s'; there are ed25519, p256, p384, p521, rsa2048, rsa3072 and rsa4096, and these "
                     "three with -pss", name);
  if (hsm->word[0][0] == '\0') return chio_fail(detail, CHIO_E_ARGUMENT, "a key needs a label");
  enum chio_err err = choose_id(hsm, id, detail);
  if (err == CHIO_OK) err = hsm_model_read(hsm, HSM_OPT_MODEL_HASH, "model-hash", model, detail);
  if (err == CHIO_OK) err = hsm_login(hsm, detail);
  wanted.id = chio_buf_slice(id);
  wanted.model = chio_buf_slice(model);
  if (err == CHIO_OK) err = find_or_generate(hsm, &wanted, &private_key, &reused, detail);
  return err == CHIO_OK ? show(hsm, &private_key, reused, detail) : err;
}
