/* The SigningBackend contract from a shell: algorithm, public key, bytes signed. */
#include "attest/jcs.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/json.h"
#include "tools/hsm/key_sign.h"
#include "tools/hsm/sign_files.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>

#define MESSAGE_MAX CHIO_DATA_MAX

enum chio_err hsm_read_message(const struct hsm *hsm, const char *path, struct chio_buf *out,
                               struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *text = chio_buf_new();
  if (text == NULL) return CHIO_E_NO_MEMORY;
  if (hsm->option[HSM_OPT_CANONICAL_JSON] == NULL) return hsm_read(path, MESSAGE_MAX, out, detail);
  enum chio_err err = hsm_read(path, MESSAGE_MAX, text, detail);
  if (err == CHIO_OK && chio_jcs_text(chio_buf_slice(text), out) != CHIO_OK)
    err = chio_fail(detail, CHIO_E_DATA_INVALID, "%s: no JSON with a canonical form (RFC 8785)", path);
  if (err == CHIO_OK && out->len > MESSAGE_MAX) err = CHIO_E_TOO_LONG;
  return err;
}

/* As Chio writes keys and signatures: hexadecimal, and for ECDSA the curve's name in front. RSA has no such form. */
static const char *chio_prefix(const struct hsm_signature_kind *kind) {
  switch (kind->key) {
    case CHIO_PUBKEY_ED25519: return "";
    case CHIO_PUBKEY_P256: return "p256:";
    case CHIO_PUBKEY_P384: return "p384:";
    default: return NULL;
  }
}

static const char *chio_algorithm(const struct hsm_signature_kind *kind) {
  if (kind->key == CHIO_PUBKEY_ED25519) return "ed25519";
  return kind->key == CHIO_PUBKEY_P256 ? "p256" : "p384";
}

enum chio_err hsm_signature_json(const struct hsm_signature_kind *kind, struct chio_slice spki,
                                 struct chio_slice signature, json_t **out_json, struct chio_detail *detail) {
  struct chio_pubkey key;
  CHIO_AUTO(chio_buf) struct chio_buf *text = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *public_key = chio_buf_new();
  if (text == NULL || public_key == NULL) return CHIO_E_NO_MEMORY;
  const char *prefix = chio_prefix(kind);
  if (prefix == NULL)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "Chio has no form for signatures by keys of this type; leave --json out");
  enum chio_err err = chio_pubkey_parse(spki, &key);
  if (err != CHIO_OK) return err;
  chio_buf_append_str(public_key, prefix);
  hsm_hex_put(key.bits, public_key);
  chio_buf_append_str(text, prefix);
  hsm_hex_put(signature, text);
  const char *key_text = chio_buf_cstr(public_key), *signature_text = chio_buf_cstr(text);
  if (key_text == NULL || signature_text == NULL) return CHIO_E_NO_MEMORY;
  *out_json = json_pack("{s:s, s:s, s:s}", "algorithm", chio_algorithm(kind), "public_key", key_text, "signature",
                        signature_text);
  return *out_json != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
}

static enum chio_err sign(struct hsm *hsm, const struct hsm_key *key, struct chio_slice message,
                          struct chio_detail *detail) {
  const struct hsm_signature_kind *kind;
  struct chio_slice spki;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (holder == NULL || signature == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_key_spki(hsm, key, &spki, holder, detail);
  if (err == CHIO_OK) err = hsm_signature_kind_of(hsm, key, spki, &kind, detail);
  if (err == CHIO_OK) err = hsm_key_sign_der(hsm, key, kind, message, signature, detail);
  if (err != CHIO_OK) return err;
  if (hsm->json) {
    json_t *json;
    err = hsm_signature_json(kind, spki, chio_buf_slice(signature), &json, detail);
    return err == CHIO_OK ? hsm_json_print(json) : err;
  }
  return hsm_write(hsm->option[HSM_OPT_OUTPUT], chio_buf_slice(signature), detail);
}

static enum chio_err sign_one(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_keys keys = {NULL, 0};
  CHIO_AUTO(chio_buf) struct chio_buf *message = chio_buf_new();
  if (message == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_read_message(hsm, hsm->words > 1 ? hsm->word[1] : "-", message, detail);
  if (err == CHIO_OK) err = hsm_login(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err == CHIO_OK) err = sign(hsm, &keys.list[0], chio_buf_slice(message), detail);
  hsm_keys_clear(&keys);
  return err;
}

enum chio_err hsm_run_sign(struct hsm *hsm, struct chio_detail *detail) {
  return hsm->words > 2 ? hsm_sign_files(hsm, detail) : sign_one(hsm, detail);
}
