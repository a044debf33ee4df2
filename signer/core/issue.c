#include "signer/core/issue.h"

#include "attest/bundle.h"
#include "attest/pubkey.h"
#include "signer/core/certify.h"
#include "signer/core/der.h"

#include <sodium.h>

#define TAG_VERSION 0xa0u    /* [0] */
#define TAG_EXTENSIONS 0xa3u /* [3] */
#define TAG_KEY_ID 0x80u     /* [0] of an AuthorityKeyIdentifier */
#define KEY_ID_SIZE 20u

#define DER(bytes) {(const uint8_t *)(bytes), sizeof(bytes) - 1}

/* basicConstraints and keyUsage, both critical: no CA, digitalSignature; a CA whose certificates issue nothing,
 * keyCertSign and digitalSignature. */
static const struct chio_slice for_signing =
    DER("\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00"
        "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80");
static const struct chio_slice for_issuing =
    DER("\x30\x12\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02\x01\x00"
        "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x02\x84");

/* The first that fits a key and that it allows. */
static const struct kind {
  uint32_t key_type, bits, mechanism;
  enum chio_sig_alg alg;
  uint32_t hash, salt; /* of PSS; 0: it is none */
} kinds[] = {
    {CKK_EC, 256, CHIO_MECH_ECDSA_SHA256, CHIO_SIG_ECDSA_SHA256, 0, 0},
    {CKK_EC, 384, CHIO_MECH_ECDSA_SHA384, CHIO_SIG_ECDSA_SHA384, 0, 0},
    {CKK_EC, 521, CHIO_MECH_ECDSA_SHA512, CHIO_SIG_ECDSA_SHA512, 0, 0},
    {CKK_EC_EDWARDS, 255, CHIO_MECH_EDDSA, CHIO_SIG_ED25519, 0, 0},
    {CKK_RSA, 0, CHIO_MECH_SHA256_RSA_PKCS, CHIO_SIG_RSA_PKCS1_SHA256, 0, 0},
    {CKK_RSA, 0, CHIO_MECH_SHA256_RSA_PKCS_PSS, CHIO_SIG_RSA_PSS_SHA256, CHIO_MECH_SHA256, 32},
    {CKK_RSA, 0, CHIO_MECH_SHA384_RSA_PKCS, CHIO_SIG_RSA_PKCS1_SHA384, 0, 0},
    {CKK_RSA, 0, CHIO_MECH_SHA384_RSA_PKCS_PSS, CHIO_SIG_RSA_PSS_SHA384, CHIO_MECH_SHA384, 48},
    {CKK_RSA, 0, CHIO_MECH_SHA512_RSA_PKCS, CHIO_SIG_RSA_PKCS1_SHA512, 0, 0},
    {CKK_RSA, 0, CHIO_MECH_SHA512_RSA_PKCS_PSS, CHIO_SIG_RSA_PSS_SHA512, CHIO_MECH_SHA512, 64},
};

void chio_issue_choose(struct chio_used *issuer) {
  issuer->mechanism = NULL;
  issuer->params = (struct chio_mech_params){.kind = CHIO_PARAMS_NONE};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(kinds); i++) {
    const struct chio_mechanism *mechanism = chio_mechanism_by_wire(kinds[i].mechanism);
    bool fits = kinds[i].key_type == chio_key_type(issuer->key) &&
                (kinds[i].bits == 0 || kinds[i].bits == chio_key_bits(issuer->key));
    if (!fits || mechanism == NULL || !chio_object_allows(issuer->object, mechanism)) continue;
    issuer->mechanism = mechanism;
    if (kinds[i].hash != 0)
      issuer->params = (struct chio_mech_params){.kind = CHIO_PARAMS_PSS,
                                                 .hash = kinds[i].hash,
                                                 .mgf_hash = kinds[i].hash,
                                                 .salt_len = kinds[i].salt};
    return;
  }
}

static struct chio_slice algorithm_of(const struct chio_used *issuer) {
  for (size_t i = 0; issuer->mechanism != NULL && i < CHIO_ARRAY_LEN(kinds); i++)
    if (kinds[i].mechanism == issuer->mechanism->wire) return chio_sig_alg_identifier(kinds[i].alg);
  return chio_slice(NULL, 0);
}

void chio_issue_key_id(struct chio_slice spki, uint8_t out[KEY_ID_SIZE]) {
  uint8_t digest[crypto_hash_sha256_BYTES];
  (void)crypto_hash_sha256(digest, spki.data, spki.len);
  memcpy(out, digest, KEY_ID_SIZE);
}

void chio_issue_serial(uint8_t out[CHIO_SERIAL_SIZE]) {
  randombytes_buf(out, CHIO_SERIAL_SIZE);
  /* RFC 5280, 4.1.2.2: positive; and its first byte not zero, so that it keeps its length. */
  out[0] = (uint8_t)((out[0] & 0x7f) | 0x40);
}

static enum chio_err add_extensions(struct chio_buf *body, const struct chio_issue *issue) {
  uint8_t id[KEY_ID_SIZE];
  struct chio_buf list = CHIO_BUF_INIT, value = CHIO_BUF_INIT;
  enum chio_err err = CHIO_OK;
  chio_buf_append_slice(&list, issue->ca ? for_issuing : for_signing);
  chio_issue_key_id(issue->spki, id);
  chio_der_value(&value, CHIO_DER_OCTET_STRING, chio_slice(id, sizeof id));
  err = chio_certify_extension(&list, "2.5.29.14", chio_buf_slice(&value));
  if (err == CHIO_OK && issue->issuer_key_id.len > 0) {
    chio_buf_reset(&value);
    chio_der_header(&value, CHIO_DER_SEQUENCE, chio_der_size(issue->issuer_key_id.len));
    chio_der_value(&value, TAG_KEY_ID, issue->issuer_key_id);
    err = chio_certify_extension(&list, "2.5.29.35", chio_buf_slice(&value));
  }
  if (err == CHIO_OK && issue->evidence.len > 0)
    err = chio_certify_extension(&list, CHIO_EVIDENCE_OID, issue->evidence);
  chio_der_header(body, TAG_EXTENSIONS, chio_der_size(list.len));
  chio_der_value(body, CHIO_DER_SEQUENCE, chio_buf_slice(&list));
  if (err == CHIO_OK && list.failed) err = CHIO_E_NO_MEMORY;
  chio_buf_clear(&list);
  chio_buf_clear(&value);
  return err;
}

static enum chio_err add_body(struct chio_buf *out, struct chio_slice algorithm, const struct chio_issue *issue) {
  static const uint8_t version3[] = {TAG_VERSION, 0x03, 0x02, 0x01, 0x02};
  struct chio_buf body = CHIO_BUF_INIT;
  chio_buf_append(&body, version3, sizeof version3);
  chio_der_unsigned(&body, chio_slice(issue->serial, sizeof issue->serial));
  chio_buf_append_slice(&body, algorithm);
  chio_buf_append_slice(&body, issue->issuer_name);
  chio_certify_validity(&body, issue->not_before, issue->not_after);
  chio_certify_name(&body, issue->subject);
  chio_buf_append_slice(&body, issue->spki);
  enum chio_err err = add_extensions(&body, issue);
  if (err == CHIO_OK) err = chio_buf_err(&body);
  if (err == CHIO_OK) chio_der_value(out, CHIO_DER_SEQUENCE, chio_buf_slice(&body));
  chio_buf_clear(&body);
  return err == CHIO_OK ? chio_buf_err(out) : err;
}

static void put_ecdsa(struct chio_slice rs, struct chio_buf *out) {
  struct chio_slice r = chio_slice(rs.data, rs.len / 2);
  struct chio_slice s = chio_slice(rs.data + rs.len / 2, rs.len / 2);
  chio_der_header(out, CHIO_DER_SEQUENCE, chio_der_unsigned_size(r) + chio_der_unsigned_size(s));
  chio_der_unsigned(out, r);
  chio_der_unsigned(out, s);
}

enum chio_err chio_issue_sign(struct chio_call *call, const struct chio_used *issuer, struct chio_slice message,
                              struct chio_buf *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *raw = chio_buf_new();
  if (raw == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_use_sign(call, issuer, message, raw);
  if (err == CHIO_OK)
    err = chio_key_verify(issuer->key, issuer->mechanism, &issuer->params, message, chio_buf_slice(raw));
  if (err != CHIO_OK) return err;
  if (chio_key_type(issuer->key) == CKK_EC)
    put_ecdsa(chio_buf_slice(raw), out);
  else
    chio_buf_append_slice(out, chio_buf_slice(raw));
  return chio_buf_err(out);
}

enum chio_err chio_issue(struct chio_call *call, const struct chio_used *issuer, const struct chio_issue *issue,
                         struct chio_buf *out_der) {
  struct chio_slice algorithm = algorithm_of(issuer);
  CHIO_AUTO(chio_buf) struct chio_buf *body = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (body == NULL || signature == NULL) return CHIO_E_NO_MEMORY;
  if (algorithm.len == 0) return CHIO_E_KEY_TYPE;
  enum chio_err err = add_body(body, algorithm, issue);
  if (err == CHIO_OK) err = chio_issue_sign(call, issuer, chio_buf_slice(body), signature);
  if (err != CHIO_OK) return err;
  size_t bits = signature->len + 1;
  chio_der_header(out_der, CHIO_DER_SEQUENCE, body->len + algorithm.len + chio_der_size(bits));
  chio_buf_append_slice(out_der, chio_buf_slice(body));
  chio_buf_append_slice(out_der, algorithm);
  chio_der_header(out_der, CHIO_DER_BIT_STRING, bits);
  chio_buf_append_u8(out_der, 0);
  chio_buf_append_slice(out_der, chio_buf_slice(signature));
  return chio_buf_err(out_der);
}
