#include "tools/hsm/key_sign.h"

#include "attest/der.h"
#include "attest/der_write.h"
#include "signer/base/secret.h"
#include "signer/wire/mechanism.h"
#include "tools/hsm/signer.h"

#define DER(bytes) {(const uint8_t *)(bytes), sizeof(bytes) - 1}

static const struct hsm_signature_kind kinds[] = {
    {CHIO_PUBKEY_P256, CHIO_MECH_ECDSA_SHA256, DER("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"), "ES256", -7},
    {CHIO_PUBKEY_P384, CHIO_MECH_ECDSA_SHA384, DER("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"), "ES384", -35},
    {CHIO_PUBKEY_P521, CHIO_MECH_ECDSA_SHA512, DER("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04"), "ES512", -36},
    {CHIO_PUBKEY_RSA, CHIO_MECH_SHA256_RSA_PKCS,
     DER("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"), "RS256", -257},
    {CHIO_PUBKEY_ED25519, CHIO_MECH_EDDSA, DER("\x30\x05\x06\x03\x2b\x65\x70"), "EdDSA", -8},
};

enum chio_err hsm_signature_kind_of(struct chio_slice spki, const struct hsm_signature_kind **out_kind,
                                    struct chio_detail *detail) {
  struct chio_pubkey key;
  enum chio_err err = chio_pubkey_parse(spki, &key);
  for (size_t i = 0; err == CHIO_OK && i < CHIO_ARRAY_LEN(kinds); i++) {
    if (kinds[i].key != key.kind) continue;
    *out_kind = &kinds[i];
    return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_KEY_TYPE, "there is no certificate's signature by keys of this type");
}

enum chio_err hsm_key_sign(struct hsm *hsm, const struct hsm_key *key, const struct hsm_signature_kind *kind,
                           struct chio_slice message, struct chio_buf *out, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_sign_reply reply;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  if (!key->private_half.known)
    return chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private half of the key", hsm->token_label);
  struct chio_sign_request request = {
      .slot = hsm->slot, .key = key->private_half.uid, .mechanism = kind->mechanism, .data = message};
  enum chio_err err = hsm_ticket(hsm, ticket, &request.ticket);
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
  if (!key->private_half.known)
    return chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private half of the key", hsm->token_label);
  struct chio_sign_batch_request common = {
      .slot = hsm->slot, .key = key->private_half.uid, .mechanism = kind->mechanism};
  enum chio_err err = hsm_ticket(hsm, ticket, &common.ticket);
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
