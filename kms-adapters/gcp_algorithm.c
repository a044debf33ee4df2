#include "kms-adapters/gcp_algorithm.h"

#define PKCS1_OVERHEAD 11u /* bytes of padding at least, RFC 8017, 7.2.1 */

static const struct chio_gcp_algorithm algorithms[] = {
    {"EC_SIGN_P256_SHA256", CHIO_GCP_ECDSA, CKK_EC, 256, CHIO_MECH_SHA256},
    {"EC_SIGN_P384_SHA384", CHIO_GCP_ECDSA, CKK_EC, 384, CHIO_MECH_SHA384},
    {"EC_SIGN_SECP256K1_SHA256", CHIO_GCP_ECDSA, CKK_EC, 256, CHIO_MECH_SHA256},
    {"EC_SIGN_ED25519", CHIO_GCP_EDDSA, CKK_EC_EDWARDS, 255, 0},
    {"RSA_SIGN_PKCS1_2048_SHA256", CHIO_GCP_PKCS1, CKK_RSA, 2048, CHIO_MECH_SHA256},
    {"RSA_SIGN_PKCS1_3072_SHA256", CHIO_GCP_PKCS1, CKK_RSA, 3072, CHIO_MECH_SHA256},
    {"RSA_SIGN_PKCS1_4096_SHA256", CHIO_GCP_PKCS1, CKK_RSA, 4096, CHIO_MECH_SHA256},
    {"RSA_SIGN_PKCS1_4096_SHA512", CHIO_GCP_PKCS1, CKK_RSA, 4096, CHIO_MECH_SHA512},
    {"RSA_SIGN_RAW_PKCS1_2048", CHIO_GCP_RAW_PKCS1, CKK_RSA, 2048, 0},
    {"RSA_SIGN_RAW_PKCS1_3072", CHIO_GCP_RAW_PKCS1, CKK_RSA, 3072, 0},
    {"RSA_SIGN_RAW_PKCS1_4096", CHIO_GCP_RAW_PKCS1, CKK_RSA, 4096, 0},
    {"RSA_SIGN_PSS_2048_SHA256", CHIO_GCP_PSS, CKK_RSA, 2048, CHIO_MECH_SHA256},
    {"RSA_SIGN_PSS_3072_SHA256", CHIO_GCP_PSS, CKK_RSA, 3072, CHIO_MECH_SHA256},
    {"RSA_SIGN_PSS_4096_SHA256", CHIO_GCP_PSS, CKK_RSA, 4096, CHIO_MECH_SHA256},
    {"RSA_SIGN_PSS_4096_SHA512", CHIO_GCP_PSS, CKK_RSA, 4096, CHIO_MECH_SHA512},
    {"RSA_DECRYPT_OAEP_2048_SHA256", CHIO_GCP_OAEP, CKK_RSA, 2048, CHIO_MECH_SHA256},
    {"RSA_DECRYPT_OAEP_3072_SHA256", CHIO_GCP_OAEP, CKK_RSA, 3072, CHIO_MECH_SHA256},
    {"RSA_DECRYPT_OAEP_4096_SHA256", CHIO_GCP_OAEP, CKK_RSA, 4096, CHIO_MECH_SHA256},
    {"RSA_DECRYPT_OAEP_4096_SHA512", CHIO_GCP_OAEP, CKK_RSA, 4096, CHIO_MECH_SHA512},
    {"RSA_DECRYPT_OAEP_2048_SHA1", CHIO_GCP_OAEP, CKK_RSA, 2048, CHIO_MECH_SHA_1},
    {"RSA_DECRYPT_OAEP_3072_SHA1", CHIO_GCP_OAEP, CKK_RSA, 3072, CHIO_MECH_SHA_1},
    {"RSA_DECRYPT_OAEP_4096_SHA1", CHIO_GCP_OAEP, CKK_RSA, 4096, CHIO_MECH_SHA_1},
};

const struct chio_gcp_algorithm *chio_gcp_algorithm_find(const char *name) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(algorithms); i++)
    if (strcmp(algorithms[i].name, name) == 0) return &algorithms[i];
  return NULL;
}

/* The row for a mechanism: RSA_PKCS takes every hash, PSS without one means SHA-256. */
static bool serves(const struct chio_gcp_algorithm *row, const struct chio_mechanism *mechanism) {
  bool pss = mechanism->params == CHIO_PARAMS_PSS;
  bool raw = row->scheme == CHIO_GCP_RAW_PKCS1;
  uint32_t digest = mechanism->digest != 0 || !pss ? mechanism->digest : CHIO_MECH_SHA256;
  if (mechanism->key_type != row->key_type || row->scheme == CHIO_GCP_OAEP) return false;
  if ((row->scheme == CHIO_GCP_PSS) != pss) return false;
  return row->key_type == CKK_RSA ? raw ? digest == 0 : digest == row->digest : digest == 0 || digest == row->digest;
}

static enum chio_err algorithm_for_mechanism(const struct chio_kms_spec *spec,
                                             const struct chio_gcp_algorithm **out_algorithm,
                                             struct chio_detail *detail) {
  const struct chio_mechanism *mechanism = chio_mechanism_by_wire(spec->mechanism);
  for (size_t i = 0; mechanism != NULL && i < CHIO_ARRAY_LEN(algorithms); i++) {
    const struct chio_gcp_algorithm *row = &algorithms[i];
    if (row->key_type != spec->key_type || row->bits != spec->bits || !serves(row, mechanism)) continue;
    *out_algorithm = row;
    return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "Google Cloud KMS makes no key of %u bits for %s", spec->bits,
                   mechanism != NULL ? mechanism->name : "this mechanism");
}

enum chio_err chio_gcp_algorithm_for(const struct chio_kms_spec *spec, const struct chio_gcp_algorithm **out_algorithm,
                                     struct chio_detail *detail) {
  static const char *const made[] = {"EC_SIGN_P256_SHA256",        "EC_SIGN_P384_SHA384",
                                     "EC_SIGN_ED25519",            "RSA_SIGN_PKCS1_2048_SHA256",
                                     "RSA_SIGN_PKCS1_3072_SHA256", "RSA_SIGN_PKCS1_4096_SHA256"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(made); i++) {
    const struct chio_gcp_algorithm *row = chio_gcp_algorithm_find(made[i]);
    if (row->key_type != spec->key_type || row->bits != spec->bits) continue;
    if (spec->mechanism != 0) return algorithm_for_mechanism(spec, out_algorithm, detail);
    *out_algorithm = row;
    return CHIO_OK;
  }
  switch (spec->key_type) {
    case CKK_EC:
    case CKK_EC_EDWARDS:
      return chio_fail(detail, CHIO_E_CURVE_UNSUPPORTED, "Google Cloud KMS makes P-256, P-384 and Ed25519 keys, no %u",
                       spec->bits);
    case CKK_RSA:
      return chio_fail(detail, CHIO_E_KEY_SIZE, "Google Cloud KMS makes RSA keys of 2048, 3072 and 4096 bits, not %u",
                       spec->bits);
    default: return chio_fail(detail, CHIO_E_KEY_TYPE, "Google Cloud KMS makes no keys of this type");
  }
}

const char *chio_gcp_digest_name(uint32_t digest) {
  switch (digest) {
    case CHIO_MECH_SHA256: return "sha256";
    case CHIO_MECH_SHA384: return "sha384";
    case CHIO_MECH_SHA512: return "sha512";
    default: return NULL;
  }
}

struct chio_slice chio_gcp_digest_info_prefix(uint32_t digest) {
  static const struct {
    uint32_t digest;
    uint8_t prefix[19];
  } rows[] = {
#define SHA2_PREFIX(whole, last, len) \
  {0x30, (whole), 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (last), 0x05, 0, 0x04, (len)}
      {CHIO_MECH_SHA224, SHA2_PREFIX(0x2d, 0x04, 0x1c)},
      {CHIO_MECH_SHA256, SHA2_PREFIX(0x31, 0x01, 0x20)},
      {CHIO_MECH_SHA384, SHA2_PREFIX(0x41, 0x02, 0x30)},
      {CHIO_MECH_SHA512, SHA2_PREFIX(0x51, 0x03, 0x40)},
#undef SHA2_PREFIX
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (rows[i].digest == digest) return chio_slice(rows[i].prefix, sizeof rows[i].prefix);
  return chio_slice(NULL, 0);
}

static size_t digest_len(uint32_t digest) {
  const struct chio_mechanism *row = chio_mechanism_by_wire(digest);
  return row != NULL ? row->digest_len : 0;
}

static enum chio_err check_len(size_t want, size_t have, const struct chio_gcp_algorithm *algorithm,
                               struct chio_detail *detail) {
  if (have == want) return CHIO_OK;
  return chio_fail(detail, CHIO_E_DATA_LEN, "%s signs a digest of %zu bytes, not of %zu", algorithm->name, want, have);
}

/* A mechanism that hashes must hash with what the key has fixed. */
static enum chio_err check_hash(uint32_t wanted, const struct chio_gcp_algorithm *algorithm,
                                struct chio_detail *detail) {
  if (wanted == 0 || algorithm->digest == 0 || wanted == algorithm->digest) return CHIO_OK;
  return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "the key has its digest fixed: %s", algorithm->name);
}

static enum chio_err wrong_scheme(const struct chio_gcp_algorithm *algorithm, const struct chio_mechanism *mechanism,
                                  struct chio_detail *detail) {
  return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "a key with the algorithm %s cannot do %s", algorithm->name,
                   mechanism->name);
}

static enum chio_err check_ecdsa(const struct chio_gcp_algorithm *algorithm, const struct chio_mechanism *mechanism,
                                 size_t data_len, struct chio_detail *detail) {
  enum chio_err err = check_hash(mechanism->digest, algorithm, detail);
  return err == CHIO_OK ? check_len(digest_len(algorithm->digest), data_len, algorithm, detail) : err;
}

static enum chio_err check_eddsa(const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  if (params->kind == CHIO_PARAMS_EDDSA && (params->prehash || params->context.len > 0))
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "Google Cloud KMS does plain Ed25519, neither ph nor ctx");
  if (data_len <= CHIO_KMS_MESSAGE_MAX) return CHIO_OK;
  return chio_fail(detail, CHIO_E_DATA_LEN, "Google Cloud KMS signs messages of at most %u bytes with Ed25519",
                   CHIO_KMS_MESSAGE_MAX);
}

static bool is_pss(const struct chio_mechanism *mechanism) {
  return mechanism->params == CHIO_PARAMS_PSS;
}

static enum chio_err check_pkcs1(const struct chio_gcp_algorithm *algorithm, const struct chio_mechanism *mechanism,
                                 size_t data_len, struct chio_detail *detail) {
  if (is_pss(mechanism)) return wrong_scheme(algorithm, mechanism, detail);
  enum chio_err err = check_hash(mechanism->digest, algorithm, detail);
  if (err != CHIO_OK) return err;
  size_t hash = digest_len(algorithm->digest);
  if (mechanism->digest != 0) return check_len(hash, data_len, algorithm, detail);
  if (data_len == chio_gcp_digest_info_prefix(algorithm->digest).len + hash) return CHIO_OK;
  return chio_fail(detail, CHIO_E_DATA_INVALID, "%s takes a DigestInfo of its own digest and nothing else",
                   algorithm->name);
}

static enum chio_err check_raw(const struct chio_gcp_algorithm *algorithm, const struct chio_mechanism *mechanism,
                               size_t data_len, struct chio_detail *detail) {
  if (is_pss(mechanism)) return wrong_scheme(algorithm, mechanism, detail);
  if (mechanism->digest != 0) return check_len(digest_len(mechanism->digest), data_len, algorithm, detail);
  size_t most = algorithm->bits / 8 - PKCS1_OVERHEAD;
  if (data_len <= most) return CHIO_OK;
  return chio_fail(detail, CHIO_E_DATA_LEN, "%s signs at most %zu bytes", algorithm->name, most);
}

static enum chio_err check_pss(const struct chio_gcp_algorithm *algorithm, const struct chio_mechanism *mechanism,
                               const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  if (!is_pss(mechanism)) return wrong_scheme(algorithm, mechanism, detail);
  if (params->kind != CHIO_PARAMS_PSS)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "%s needs its parameters", mechanism->name);
  size_t hash = digest_len(algorithm->digest);
  bool fits = params->hash == algorithm->digest && params->mgf_hash == algorithm->digest && params->salt_len == hash;
  if (!fits || (mechanism->digest != 0 && mechanism->digest != algorithm->digest))
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM,
                     "%s has its digest and MGF fixed, and a salt of %zu bytes", algorithm->name, hash);
  return check_len(hash, data_len, algorithm, detail);
}

enum chio_err chio_gcp_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                             const struct chio_mech_params *params, size_t data_len, struct chio_detail *detail) {
  const struct chio_gcp_algorithm *algorithm = chio_gcp_algorithm_find(key->fixed_algorithm);
  if (algorithm == NULL || algorithm->scheme == CHIO_GCP_OAEP)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "a key with the algorithm %s signs nothing", key->fixed_algorithm);
  if ((mechanism->flags & CHIO_MECH_SIGN) == 0 || (mechanism->flags & CHIO_MECH_ATTEST) != 0)
    return wrong_scheme(algorithm, mechanism, detail);
  if (mechanism->key_type != algorithm->key_type)
    return chio_fail(detail, CHIO_E_KEY_TYPE, "%s does not fit a key with the algorithm %s", mechanism->name,
                     algorithm->name);
  switch (algorithm->scheme) {
    case CHIO_GCP_ECDSA: return check_ecdsa(algorithm, mechanism, data_len, detail);
    case CHIO_GCP_EDDSA: return check_eddsa(params, data_len, detail);
    case CHIO_GCP_PKCS1: return check_pkcs1(algorithm, mechanism, data_len, detail);
    case CHIO_GCP_RAW_PKCS1: return check_raw(algorithm, mechanism, data_len, detail);
    case CHIO_GCP_PSS: return check_pss(algorithm, mechanism, params, data_len, detail);
    case CHIO_GCP_OAEP: break;
  }
  return wrong_scheme(algorithm, mechanism, detail);
}
