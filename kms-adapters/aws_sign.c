#include "kms-adapters/aws.h"
#include "kms-adapters/body.h"
#include "kms-adapters/signature_form.h"

#include <stdio.h>

/* What AWS's hashes are called by the mechanisms. */
static const struct {
  uint32_t digest; /* wire value */
  uint32_t len;    /* bytes */
  uint32_t bits;   /* of the curve that takes it, and no other */
  const char *suffix;
} hashes[] = {
    {CHIO_MECH_SHA256, 32, 256, "SHA_256"},
    {CHIO_MECH_SHA384, 48, 384, "SHA_384"},
    {CHIO_MECH_SHA512, 64, 521, "SHA_512"},
};
#define NO_HASH CHIO_ARRAY_LEN(hashes)

static size_t hash_of_digest(uint32_t digest) {
  size_t i = 0;
  while (i < NO_HASH && hashes[i].digest != digest) i++;
  return i;
}

static size_t hash_of_curve(uint32_t bits) {
  size_t i = 0;
  while (i < NO_HASH && hashes[i].bits != bits) i++;
  return i;
}

/* How a signature is asked for. */
struct way {
  const char *family; /* "ECDSA", "RSASSA_PSS", "RSASSA_PKCS1_V1_5", "ED25519" */
  size_t hash;        /* row of the table; NO_HASH for RSA_PKCS, whose DigestInfo tells it */
  bool raw;           /* the message itself is sent */
  size_t data_len;    /* that the data must have; 0: checked elsewhere */
};

static enum chio_err ecdsa_way(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                               struct way *out_way, struct chio_detail *detail) {
  size_t hash = hash_of_curve(key->bits);
  if (hash == NO_HASH) return chio_fail(detail, CHIO_E_CURVE_UNSUPPORTED, "AWS signs on P-256, P-384 and P-521");
  if (mechanism->digest != 0 && mechanism->digest != hashes[hash].digest)
    return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED,
                     "%s: with AWS a key of %u bits signs hashes of %u bytes, and no others", mechanism->name,
                     key->bits, hashes[hash].len);
  *out_way = (struct way){"ECDSA", hash, false, hashes[hash].len};
  return CHIO_OK;
}

static enum chio_err pss_way(const struct chio_mechanism *mechanism, const struct chio_mech_params *params,
                             struct way *out_way, struct chio_detail *detail) {
  if (params == NULL || params->kind != CHIO_PARAMS_PSS)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "%s needs its parameter", mechanism->name);
  size_t hash = hash_of_digest(params->hash);
  bool fits = hash != NO_HASH && params->mgf_hash == params->hash && params->salt_len == hashes[hash].len &&
              (mechanism->digest == 0 || mechanism->digest == params->hash);
  if (!fits)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM,
                     "AWS takes PSS with SHA-256, SHA-384 or SHA-512, the same for MGF1, and a salt of its length");
  *out_way = (struct way){"RSASSA_PSS", hash, false, hashes[hash].len};
  return CHIO_OK;
}

static enum chio_err pkcs1_way(const struct chio_mechanism *mechanism, struct way *out_way,
                               struct chio_detail *detail) {
  size_t hash = hash_of_digest(mechanism->digest);
  if (mechanism->digest != 0 && hash == NO_HASH)
    return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "%s: AWS signs with SHA-256, SHA-384 and SHA-512",
                     mechanism->name);
  *out_way = (struct way){"RSASSA_PKCS1_V1_5", hash, false, hash != NO_HASH ? hashes[hash].len : 0};
  return CHIO_OK;
}

static enum chio_err eddsa_way(const struct chio_mech_params *params, size_t data_len, struct way *out_way,
                               struct chio_detail *detail) {
  if (params != NULL && params->kind == CHIO_PARAMS_EDDSA && (params->prehash || params->context.len > 0))
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "AWS signs plain Ed25519, neither Ed25519ph nor Ed25519ctx");
  if (data_len == 0 || data_len > CHIO_AWS_PLAIN_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "AWS takes messages of 1 to %u bytes for Ed25519", CHIO_AWS_PLAIN_MAX);
  *out_way = (struct way){"ED25519", hash_of_digest(CHIO_MECH_SHA512), true, 0};
  return CHIO_OK;
}

static enum chio_err find_way(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                              const struct chio_mech_params *params, size_t data_len, struct way *out_way,
                              struct chio_detail *detail) {
  if (mechanism->key_type != key->key_type)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "%s does not fit the type of the key", mechanism->name);
  switch (mechanism->wire) {
    case CHIO_MECH_ECDSA:
    case CHIO_MECH_ECDSA_SHA256:
    case CHIO_MECH_ECDSA_SHA384:
    case CHIO_MECH_ECDSA_SHA512: return ecdsa_way(key, mechanism, out_way, detail);
    case CHIO_MECH_RSA_PKCS:
    case CHIO_MECH_SHA224_RSA_PKCS:
    case CHIO_MECH_SHA256_RSA_PKCS:
    case CHIO_MECH_SHA384_RSA_PKCS:
    case CHIO_MECH_SHA512_RSA_PKCS: return pkcs1_way(mechanism, out_way, detail);
    case CHIO_MECH_RSA_PKCS_PSS:
    case CHIO_MECH_SHA224_RSA_PKCS_PSS:
    case CHIO_MECH_SHA256_RSA_PKCS_PSS:
    case CHIO_MECH_SHA384_RSA_PKCS_PSS:
    case CHIO_MECH_SHA512_RSA_PKCS_PSS: return pss_way(mechanism, params, out_way, detail);
    case CHIO_MECH_EDDSA: return eddsa_way(params, data_len, out_way, detail);
    default: return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "AWS has no %s", mechanism->name);
  }
}

/* A DigestInfo of one of the three hashes has one length each. */
static bool digest_info_len(size_t len) {
  for (size_t i = 0; i < NO_HASH; i++)
    if (len == hashes[i].len + 19u) return true;
  return false;
}

static enum chio_err check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                           const struct chio_mech_params *params, size_t data_len, struct way *out_way,
                           struct chio_detail *detail) {
  struct way way;
  if (!key->can_sign) return chio_fail(detail, CHIO_E_KEY_FUNCTION, "the key is not one that signs");
  enum chio_err err = find_way(key, mechanism, params, data_len, &way, detail);
  if (err != CHIO_OK) return err;
  if (way.data_len != 0 && data_len != way.data_len)
    return chio_fail(detail, CHIO_E_DATA_LEN, "%s with this key at AWS takes a hash of %zu bytes, not %zu",
                     mechanism->name, way.data_len, data_len);
  if (way.hash == NO_HASH && !digest_info_len(data_len))
    return chio_fail(detail, CHIO_E_DATA_INVALID, "AWS takes the DigestInfo of SHA-256, SHA-384 or SHA-512 only");
  *out_way = way;
  return CHIO_OK;
}

enum chio_err chio_aws_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                             const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  struct way way;
  return check(key, mechanism, params, data_len, &way, detail);
}

/* From the form that AWS speaks to PKCS#11's. */
static enum chio_err convert(const struct chio_kms_key *key, struct chio_slice signature, struct chio_buf *out,
                             struct chio_detail *detail) {
  if (key->key_type == CKK_EC) return chio_ecdsa_from_der(signature, key->bits, out, detail);
  size_t expected = key->key_type == CKK_RSA ? (key->bits + 7u) / 8u : 64u;
  if (signature.len != expected)
    return chio_fail(detail, CHIO_E_BACKEND, "the signature has %zu bytes, not %zu", signature.len, expected);
  chio_buf_append_slice(out, signature);
  return chio_buf_err(out);
}

static enum chio_err read_signature(const struct chio_aws *self, const struct chio_kms_key *key, const char *algorithm,
                                    const json_t *reply, struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *bytes = chio_buf_new();
  struct chio_detail why = {.text = ""};
  if (bytes == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_aws_check_key(self, "Sign", reply, key->uri.key, detail);
  if (err == CHIO_OK) err = chio_aws_check_echo(self, "Sign", reply, "SigningAlgorithm", algorithm, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_bytes(reply, "Signature", false, CHIO_KMS_SIGNATURE_MAX, bytes, &why);
  if (err == CHIO_OK) err = convert(key, chio_buf_slice(bytes), out, &why);
  return err == CHIO_OK ? CHIO_OK : chio_fail(detail, err, "aws '%s': Sign: %s", self->name, why.text);
}

enum chio_err chio_aws_sign(void *arg, const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                            const struct chio_mech_params *params, struct chio_slice data,
                            const struct chio_deadline *deadline, struct chio_buf *out_signature,
                            struct chio_detail *detail) {
  struct chio_aws *self = arg;
  struct chio_slice message = data;
  char algorithm[64];
  struct way way;
  json_t *reply;
  enum chio_err err = check(key, mechanism, params, data.len, &way, detail);
  if (err == CHIO_OK && way.hash == NO_HASH) {
    uint32_t digest;
    err = chio_digest_info_read(data, &digest, &message, detail);
    if (err == CHIO_OK) way.hash = hash_of_digest(digest);
  }
  if (err != CHIO_OK) return err;
  (void)snprintf(algorithm, sizeof algorithm, "%s_%s", way.family, hashes[way.hash].suffix);
  json_t *body = json_pack("{s:s,s:s,s:s}", "KeyId", key->uri.key, "MessageType", way.raw ? "RAW" : "DIGEST",
                           "SigningAlgorithm", algorithm);
  if (body == NULL) return CHIO_E_NO_MEMORY;
  err = chio_body_set_bytes(body, "Message", false, message);
  if (err != CHIO_OK) {
    json_decref(body);
    return err;
  }
  const struct chio_aws_operation operation = {.name = "Sign", .uri = &key->uri, .body = body};
  err = chio_aws_ask(self, &operation, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = read_signature(self, key, algorithm, reply, out_signature, detail);
  json_decref(reply);
  return err;
}
