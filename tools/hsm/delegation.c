#include "tools/hsm/delegation.h"

#include "attest/der.h"
#include "tools/hsm/text.h"

enum chio_err hsm_delegation_get(struct hsm *hsm, const struct hsm_key *key, struct chio_slice *out_chain,
                                 struct chio_buf *holder, struct chio_detail *detail) {
  const struct chio_uid *object = key->public_half.known ? &key->public_half.uid : &key->private_half.uid;
  struct chio_slice chain = {NULL, 0};
  enum chio_err err = hsm_attribute_get(hsm, object, (uint32_t)CKA_CHIO_DELEGATION, &chain, holder, detail);
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN || (err == CHIO_OK && chain.len == 0))
    return chio_fail(detail, CHIO_E_NOT_FOUND, "nobody vouches for key '%s': chio-hsm delegate",
                     hsm->word[0] != NULL ? hsm->word[0] : "");
  if (err == CHIO_OK) *out_chain = chain;
  return err;
}

enum chio_err hsm_delegation_next(struct chio_slice *chain, struct chio_slice *out_certificate) {
  struct chio_cursor c = chio_cursor(*chain), inner;
  enum chio_err err = chio_der_enter(&c, CHIO_DER_T_SEQUENCE, &inner);
  if (err != CHIO_OK) return CHIO_E_MALFORMED;
  *out_certificate = chio_slice(chain->data, chain->len - c.left);
  *chain = chio_slice(chain->data + out_certificate->len, c.left);
  return CHIO_OK;
}

enum chio_err hsm_delegation_pem(struct chio_slice chain, struct chio_buf *out) {
  struct chio_slice certificate;
  if (chain.len == 0) return CHIO_E_MALFORMED;
  while (chain.len > 0) {
    enum chio_err err = hsm_delegation_next(&chain, &certificate);
    if (err != CHIO_OK) return err;
    hsm_pem_put("CERTIFICATE", certificate, out);
  }
  return chio_buf_err(out);
}
