#include "tools/hsm/key_sign.h"

#include "attest/der.h"
#include "attest/der_write.h"
#include "signer/base/secret.h"
#include "signer/wire/mech_params.h"
#include "signer/wire/mechanism.h"
#include "tools/hsm/signer.h"

/* The first that fits a key and that it allows. */
static const struct hsm_signature_kind kinds[] = {
    {CHIO_PUBKEY_P256, CHIO_MECH_ECDSA_SHA256, CHIO_SIG_ECDSA_SHA256, "ES256", -7, 0, 0},
    {CHIO_PUBKEY_P384, CHIO_MECH_ECDSA_SHA384, CHIO_SIG_ECDSA_SHA384, "ES384", -35, 0, 0},
    {CHIO_PUBKEY_P521, CHIO_MECH_ECDSA_SHA512, CHIO_SIG_ECDSA_SHA512, "ES512", -36, 0, 0},
    {CHIO_PUBKEY_ED25519, CHIO_MECH_EDDSA, CHIO_SIG_ED25519, "EdDSA", -8, 0, 0},
    {CHIO_PUBKEY_RSA, CHIO_MECH_SHA256_RSA_PKCS, CHIO_SIG_RSA_PKCS1_SHA256, "RS256", -257, 0, 0},
    {CHIO_PUBKEY_RSA, CHIO_MECH_SHA256_RSA_PKCS_PSS, CHIO_SIG_RSA_PSS_SHA256, "PS256", -37, CHIO_MECH_SHA256, 32},
    {CHIO_PUBKEY_RSA, CHIO_MECH_SHA384_RSA_PKCS, CHIO_SIG_RSA_PKCS1_SHA384, "RS384", -258, 0, 0},
    {CHIO_PUBKEY_RSA, CHIO_MECH_SHA384_RSA_PKCS_PSS, CHIO_SIG_RSA_PSS_SHA384, "PS384", -38, CHIO_MECH_SHA384, 48},
    {CHIO_PUBKEY_RSA, CHIO_MECH_SHA512_RSA_PKCS, CHIO_SIG_RSA_PKCS1_SHA512, "RS512", -259, 0, 0},
    {CHIO_PUBKEY_RSA, CHIO_MECH_SHA512_RSA_PKCS_PSS, CHIO_SIG_RSA_PSS_SHA512, "PS512", -39, CHIO_MECH_SHA512, 64},
};

/* CKA_ALLOWED_MECHANISMS; a key without them allows all. */
static bool allows(const struct hsm_key *key, uint32_t mechanism) {
  struct chio_slice list;
  uint64_t ckm;
  const struct chio_mechanism *wanted = chio_mechanism_by_wire(mechanism);
  if (!key->private_half.known || !chio_attrs_find(key->private_half.attributes, CKA_ALLOWED_MECHANISMS, &list))
    return true;
  struct chio_cursor c = chio_cursor(list);
  while (wanted != NULL && chio_cursor_u64le(&c, &ckm) == CHIO_OK)
    if (ckm == wanted->ckm) return true;
  return false;
}

enum chio_err hsm_signature_kind_of(const struct hsm *hsm, const struct hsm_key *key, struct chio_slice spki,
                                    const struct hsm_signature_kind **out_kind, struct chio_detail *detail) {
  struct chio_pubkey public_key;
  bool pss = hsm->option[HSM_OPT_PSS] != NULL;
  enum chio_err err = chio_pubkey_parse(spki, &public_key);
  bool rsa = err == CHIO_OK && public_key.kind == CHIO_PUBKEY_RSA;
  if (pss && err == CHIO_OK && !rsa) return chio_fail(detail, CHIO_E_KEY_TYPE, "--pss is for RSA keys");
  for (size_t i = 0; err == CHIO_OK && i < CHIO_ARRAY_LEN(kinds); i++) {
    bool fits = kinds[i].key == public_key.kind && (!pss || kinds[i].salt > 0);
    /* Others have one way to sign, and the signer says best what is forbidden. */
    if (!fits || (rsa && !allows(key, kinds[i].mechanism))) continue;
    *out_kind = &kinds[i];
    return CHIO_OK;
  }
  if (rsa)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "the key allows %s with SHA-256, SHA-384 or SHA-512",
                     pss ? "no PSS" : "neither PKCS #1 nor PSS");
  return chio_fail(detail, CHIO_E_KEY_TYPE, "there is no certificate's signature by keys of this type");
}

/* The parameter of the mechanism: none but for PSS. */
static enum chio_err put_params(const struct hsm_signature_kind *kind, struct chio_buf *out) {
  const struct chio_mech_params pss = {
      .kind = CHIO_PARAMS_PSS, .hash = kind->hash, .mgf_hash = kind->hash, .salt_len = kind->salt};
  return kind->salt > 0 ? chio_mech_params_encode(&pss, out) : CHIO_OK;
}

enum chio_err hsm_key_sign(struct hsm *hsm, const struct hsm_key *key, const struct hsm_signature_kind *kind,
                           struct chio_slice message, struct chio_buf *out, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_sign_reply reply;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *params = chio_buf_new();
  if (holder == NULL || params == NULL) return CHIO_E_NO_MEMORY;
  if (!key->private_half.known)
    return chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private half of the key", hsm->token_label);
  enum chio_err err = put_params(kind, params);
  struct chio_sign_request request = {.slot = hsm->slot,
                                      .key = key->private_half.uid,
                                      .mechanism = kind->mechanism,
                                      .params = chio_buf_slice(params),
                                      .data = message};
  if (err == CHIO_OK) err = hsm_ticket(hsm, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_sign(hsm->client, &request, &reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err != CHIO_OK) return err;
  chio_buf_append_slice(out, reply.signature);
  return chio_buf_err(out);
}

/* r or s as an INTEGER: without leading zeros, with one where the first bit is set. */
static void put_integer(struct chio_buf *out, const uint8_t *value, size_t size) {
  uint8_t padded[128] = {0};
  while (size > 1 && *value == 0) value++, size--;
  size_t pad = *value >= 0x80 ? 1 : 0;
  memcpy(padded + pad, value, size);
  chio_der_put(out, CHIO_DER_T_INTEGER, chio_slice(padded, size + pad));
}

static enum chio_err put_ecdsa(struct chio_slice rs, struct chio_buf *out) {
  struct chio_buf pair = CHIO_BUF_INIT;
  if (rs.len == 0 || rs.len % 2 != 0 || rs.len > 132) return CHIO_E_INTERNAL;
  put_integer(&pair, rs.data, rs.len / 2);
  put_integer(&pair, rs.data + rs.len / 2, rs.len / 2);
  chio_der_put(out, CHIO_DER_T_SEQUENCE, chio_buf_slice(&pair));
  enum chio_err err = chio_buf_err(&pair);
  chio_buf_clear(&pair);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

enum chio_err hsm_signature_form(const struct hsm_signature_kind *kind, struct chio_slice raw, struct chio_buf *out) {
  if (kind->key <= CHIO_PUBKEY_P521) return put_ecdsa(raw, out);
  chio_buf_append_slice(out, raw);
  return chio_buf_err(out);
}

enum chio_err hsm_key_sign_der(struct hsm *hsm, const struct hsm_key *key, const struct hsm_signature_kind *kind,
                               struct chio_slice message, struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *raw = chio_buf_new();
  if (raw == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_key_sign(hsm, key, kind, message, raw, detail);
  return err == CHIO_OK ? hsm_signature_form(kind, chio_buf_slice(raw), out) : err;
}

enum chio_err hsm_key_sign_batch(struct hsm *hsm, const struct hsm_key *key, const struct hsm_signature_kind *kind,
                                 struct chio_batch_item *items, size_t count, struct chio_buf *holder,
                                 struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  CHIO_AUTO(chio_buf) struct chio_buf *params = chio_buf_new();
  if (params == NULL) return CHIO_E_NO_MEMORY;
  if (!key->private_half.known)
    return chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private half of the key", hsm->token_label);
  enum chio_err err = put_params(kind, params);
  struct chio_sign_batch_request common = {.slot = hsm->slot,
                                           .key = key->private_half.uid,
                                           .mechanism = kind->mechanism,
                                           .params = chio_buf_slice(params)};
  if (err == CHIO_OK) err = hsm_ticket(hsm, ticket, &common.ticket);
  if (err == CHIO_OK) err = chio_client_sign_batch(hsm->client, &common, items, count, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  return err;
}

enum chio_err hsm_key_spki(struct hsm *hsm, const struct hsm_key *key, struct chio_slice *out_spki,
                           struct chio_buf *holder, struct chio_detail *detail) {
  const struct chio_uid *object = key->public_half.known ? &key->public_half.uid : &key->private_half.uid;
  enum chio_err err = hsm_attribute_get(hsm, object, CKA_PUBLIC_KEY_INFO, out_spki, holder, detail);
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN || (err == CHIO_OK && out_spki->len == 0))
    err = chio_fail(detail, CHIO_E_NOT_FOUND, "key '%s' has no CKA_PUBLIC_KEY_INFO", hsm->word[0]);
  return err;
}
