#include "tools/hsm/result_token.h"

#include "attest/cbor_write.h"
#include "attest/cose_sign1.h"
#include "attest/jwk_write.h"
#include "signer/base/text.h"
#include "tools/hsm/key_sign.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#define LIFETIME 300 /* seconds: a result is to be acted on, not kept */
#define POLICY_ID_MAX 80u

static const struct {
  const char *name;
  enum hsm_result_form form;
} forms[] = {{"text", HSM_RESULT_TEXT},
             {"json", HSM_RESULT_JSON},
             {"ear", HSM_RESULT_EAR},
             {"ear-jwt", HSM_RESULT_JWT},
             {"ear-cwt", HSM_RESULT_CWT}};

static enum chio_err check(const struct hsm *hsm, enum hsm_result_form form, struct chio_detail *detail) {
  bool is_signed = form == HSM_RESULT_JWT || form == HSM_RESULT_CWT;
  if (is_signed != (hsm->option[HSM_OPT_SIGN_WITH] != NULL))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--sign-with KEY goes with --format ear-jwt and ear-cwt, no other");
  bool key_only = hsm->option[HSM_OPT_PRINT_KEY] != NULL;
  if (key_only && (form != HSM_RESULT_TEXT || hsm->option[HSM_OPT_FORMAT] != NULL))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--print-key prints a key, and no form of the result");
  if (form < HSM_RESULT_EAR && !key_only && hsm->option[HSM_OPT_OUTPUT] != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--output goes with --print-key and --format ear, ear-jwt and ear-cwt");
  return CHIO_OK;
}

enum chio_err hsm_result_form_read(const struct hsm *hsm, enum hsm_result_form *out, struct chio_detail *detail) {
  const char *name = hsm->option[HSM_OPT_FORMAT];
  if (name == NULL) {
    *out = hsm->json ? HSM_RESULT_JSON : HSM_RESULT_TEXT;
    return check(hsm, *out, detail);
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(forms); i++) {
    if (strcmp(forms[i].name, name) != 0) continue;
    if (hsm->json && forms[i].form != HSM_RESULT_JSON)
      return chio_fail(detail, CHIO_E_ARGUMENT, "--json and --format %s say different things", name);
    *out = forms[i].form;
    return check(hsm, *out, detail);
  }
  return chio_fail(detail, CHIO_E_ARGUMENT, "no format '%s'; there are text, json, ear, ear-jwt and ear-cwt", name);
}

/* ---- The key ---- */

struct signing_key {
  struct hsm_keys keys;
  const struct hsm_signature_kind *kind;
  struct chio_slice spki;
};

static enum chio_err open_key(struct hsm *hsm, struct signing_key *out, struct chio_buf *holder,
                              struct chio_detail *detail) {
  enum chio_err err = hsm_login(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->option[HSM_OPT_SIGN_WITH], &out->keys, detail);
  if (err != CHIO_OK) return err;
  err = hsm_key_spki(hsm, &out->keys.list[0], &out->spki, holder, detail);
  if (err == CHIO_OK) err = hsm_signature_kind_of(hsm, &out->keys.list[0], out->spki, &out->kind, detail);
  if (err != CHIO_OK) hsm_keys_clear(&out->keys);
  return err;
}

/* ---- Tokens ---- */

/* base64url({"alg":...,"jwk":...,"typ":...}) '.' base64url(claims) '.' base64url(signature) */
static enum chio_err put_jwt(struct hsm *hsm, const struct signing_key *key, struct chio_slice claims,
                             struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *header = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (header == NULL || signature == NULL) return CHIO_E_NO_MEMORY;
  chio_buf_printf(header, "{\"alg\":\"%s\",\"jwk\":", key->kind->jose);
  enum chio_err err = chio_jwk_put(key->spki, header);
  chio_buf_append_str(header, ",\"typ\":\"JWT\"}");
  if (err == CHIO_OK) err = chio_buf_err(header);
  if (err != CHIO_OK) return err;
  chio_base64url_append(out, chio_buf_slice(header));
  chio_buf_append_u8(out, '.');
  chio_base64url_append(out, claims);
  if ((err = chio_buf_err(out)) != CHIO_OK) return err;
  err = hsm_key_sign(hsm, &key->keys.list[0], key->kind, chio_buf_slice(out), signature, detail);
  chio_buf_append_u8(out, '.');
  chio_base64url_append(out, chio_buf_slice(signature));
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

/* COSE_Sign1 (RFC 9052): [ protected {1: alg}, {}, payload, signature ], tagged as a CWT. */
static enum chio_err put_cwt(struct hsm *hsm, const struct signing_key *key, struct chio_slice claims,
                             struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *protected = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *to_sign = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (protected == NULL || to_sign == NULL || signature == NULL) return CHIO_E_NO_MEMORY;
  chio_cbor_put_head(protected, CHIO_CBOR_MAP, 1);
  chio_cbor_put_int(protected, 1);
  chio_cbor_put_int(protected, key->kind->cose);
  chio_cose_sign1_put_signed(chio_buf_slice(protected), claims, to_sign);
  enum chio_err err = chio_buf_err(to_sign);
  if (err == CHIO_OK)
    err = hsm_key_sign(hsm, &key->keys.list[0], key->kind, chio_buf_slice(to_sign), signature, detail);
  if (err != CHIO_OK) return err;
  chio_cbor_put_head(out, CHIO_CBOR_TAG, CHIO_COSE_TAG_CWT);
  chio_cbor_put_head(out, CHIO_CBOR_TAG, CHIO_COSE_TAG_SIGN1);
  chio_cbor_put_head(out, CHIO_CBOR_ARRAY, 4);
  chio_cbor_put_bytes(out, chio_buf_slice(protected));
  chio_cbor_put_head(out, CHIO_CBOR_MAP, 0);
  chio_cbor_put_bytes(out, claims);
  chio_cbor_put_bytes(out, chio_buf_slice(signature));
  return chio_buf_err(out);
}

/* ---- Claims ---- */

/* "chio-policy:" and the digest of what it demands. */
static enum chio_err policy_id(const struct chio_attest_policy *policy, struct chio_buf *out) {
  uint8_t digest[32];
  if (policy == NULL) return CHIO_OK;
  if (chio_attest_policy_digest(policy, digest) != CHIO_ATTEST_OK) return CHIO_E_NO_MEMORY;
  chio_buf_append_str(out, "chio-policy:");
  hsm_hex_put(chio_slice(digest, sizeof digest), out);
  return chio_buf_cstr(out) != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
}

static enum chio_err make_claims(enum hsm_result_form form, const struct chio_attest_result *result,
                                 const struct chio_attest_request *request, struct chio_buf *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *id = chio_buf_new();
  if (id == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = policy_id(request->policy, id);
  if (err != CHIO_OK) return err;
  /* The caller's nonce, or the challenge that was found to be answered. */
  bool answered = request->nonce_len == 0 && result->nonce_len > 0;
  const struct chio_attest_ear ear = {.issued_at = request->at,
                                      .lifetime = LIFETIME,
                                      .nonce = {answered ? result->nonce : request->nonce,
                                                answered ? result->nonce_len : request->nonce_len},
                                      .policy_id = (const char *)id->data};
  char *json = NULL;
  void *cbor = NULL;
  size_t len = 0;
  int code = form == HSM_RESULT_CWT ? chio_attest_result_ear_cbor(result, &ear, &cbor, &len)
                                    : chio_attest_result_ear(result, &ear, &json);
  if (code != CHIO_ATTEST_OK) return CHIO_E_NO_MEMORY;
  chio_buf_append_slice(out, form == HSM_RESULT_CWT ? chio_slice(cbor, len) : chio_slice_str(json));
  chio_attest_free(json);
  chio_attest_free(cbor);
  return chio_buf_err(out);
}

static enum chio_err put_signed(struct hsm *hsm, enum hsm_result_form form, struct chio_slice claims,
                                struct chio_buf *out, struct chio_detail *detail) {
  struct signing_key key;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = open_key(hsm, &key, holder, detail);
  if (err != CHIO_OK) return err;
  err = form == HSM_RESULT_JWT ? put_jwt(hsm, &key, claims, out, detail) : put_cwt(hsm, &key, claims, out, detail);
  hsm_keys_clear(&key.keys);
  return err;
}

enum chio_err hsm_result_token_write(struct hsm *hsm, enum hsm_result_form form,
                                     const struct chio_attest_result *result,
                                     const struct chio_attest_request *request, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *claims = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *out = chio_buf_new();
  if (claims == NULL || out == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = make_claims(form, result, request, claims);
  if (err == CHIO_OK && form == HSM_RESULT_EAR)
    chio_buf_append_slice(out, chio_buf_slice(claims));
  else if (err == CHIO_OK)
    err = put_signed(hsm, form, chio_buf_slice(claims), out, detail);
  if (err == CHIO_OK && form != HSM_RESULT_CWT) chio_buf_append_u8(out, '\n');
  if (err == CHIO_OK) err = chio_buf_err(out);
  return err == CHIO_OK ? hsm_write(hsm->option[HSM_OPT_OUTPUT], chio_buf_slice(out), detail) : err;
}
