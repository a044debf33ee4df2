#include "attest/binding.h"

#include "attest/bundle.h"
#include "attest/pubkey.h"
#include "attest/ratls.h"
#include "signer/base/text.h"

#define ADDRESS_SIZE 20u
#define HASH_SIZE CHIO_SHA256_SIZE
#define NONCE_MAX 64u
#define WORKLOAD_MAX 64u
#define PEM_MAX 65536u
#define PEM_LINE 48u /* bytes in a line of 64 characters */

#define PART(parts, NAME) ((parts)->part[CHIO_BINDING_##NAME])

/* ---- Forms of a key ---- */

/* As Chio writes it, in ASCII: 64 hex digits for Ed25519, "p256:" or "p384:" and the point. */
static enum chio_err put_key_text(struct chio_slice spki, struct chio_buf *out) {
  struct chio_pubkey key;
  enum chio_err err = chio_pubkey_parse(spki, &key);
  if (err != CHIO_OK) return err;
  if (key.kind != CHIO_PUBKEY_ED25519 && key.kind != CHIO_PUBKEY_P256 && key.kind != CHIO_PUBKEY_P384) {
    return CHIO_E_KEY_TYPE;
  }
  if (key.kind != CHIO_PUBKEY_ED25519) chio_buf_append_str(out, key.kind == CHIO_PUBKEY_P256 ? "p256:" : "p384:");
  chio_hex_append(out, key.bits);
  return chio_buf_err(out);
}

/* As the registry writes it: lines of 64 characters, a line end after the last. */
static enum chio_err put_key_pem(struct chio_slice spki, struct chio_buf *out) {
  chio_buf_append_str(out, "-----BEGIN PUBLIC KEY-----\n");
  for (size_t at = 0; at < spki.len; at += PEM_LINE) {
    chio_base64_append(out, chio_slice(spki.data + at, spki.len - at < PEM_LINE ? spki.len - at : PEM_LINE));
    chio_buf_append_u8(out, '\n');
  }
  chio_buf_append_str(out, "-----END PUBLIC KEY-----\n");
  return chio_buf_err(out);
}

/* ---- The profiles ---- */

/* before || SHA-256(a || b || c) || zeros */
static enum chio_err digest_after(struct chio_slice before, struct chio_slice a, struct chio_slice b,
                                  struct chio_slice c, uint8_t out[CHIO_BINDING_SIZE]) {
  const struct chio_slice joined[] = {a, b, c};
  uint8_t digest[HASH_SIZE];
  enum chio_err err = chio_hash_parts(CHIO_HASH_SHA256, joined, CHIO_ARRAY_LEN(joined), digest);
  if (err != CHIO_OK) return err;
  memset(out, 0, CHIO_BINDING_SIZE);
  if (before.len > 0) memcpy(out, before.data, before.len);
  memcpy(out + before.len, digest, sizeof digest);
  return CHIO_OK;
}

static const struct chio_slice nothing = {NULL, 0};

static enum chio_err boot(const struct chio_binding_parts *p, uint8_t *out) {
  return chio_boot_report_data(PART(p, KEY), PART(p, MANIFEST).data, PART(p, NONCE), out);
}

static enum chio_err chio(const struct chio_binding_parts *p, uint8_t *out) {
  struct chio_buf text = CHIO_BUF_INIT;
  enum chio_err err = put_key_text(PART(p, KEY), &text);
  if (err == CHIO_OK) err = digest_after(nothing, chio_buf_slice(&text), PART(p, RECEIPT_ROOT), nothing, out);
  chio_buf_clear(&text);
  return err;
}

static enum chio_err tee(const struct chio_binding_parts *p, uint8_t *out) {
  struct chio_pubkey key;
  enum chio_err err = chio_pubkey_parse(PART(p, KEY), &key);
  if (err != CHIO_OK) return err;
  if (key.kind != CHIO_PUBKEY_P256) return CHIO_E_KEY_TYPE;
  return digest_after(nothing, key.bits, PART(p, WORKLOAD_HASH), nothing, out);
}

static enum chio_err registry_certificate(const struct chio_binding_parts *p, uint8_t *out) {
  struct chio_buf pem = CHIO_BUF_INIT;
  enum chio_err err = put_key_pem(PART(p, KEY), &pem);
  if (err == CHIO_OK) err = digest_after(PART(p, ADDRESS), PART(p, CERTIFICATE), chio_buf_slice(&pem), nothing, out);
  chio_buf_clear(&pem);
  return err;
}

static enum chio_err registry_secrets(const struct chio_binding_parts *p, uint8_t *out) {
  return digest_after(PART(p, ADDRESS), PART(p, OPERATOR), PART(p, CERTIFICATE), PART(p, PRIVATE_KEY), out);
}

/* A number without leading zeros, from 1 (0 means "absent" to the contract) to 2^63 - 2. */
static enum chio_err minimal_nonce(struct chio_slice nonce, struct chio_slice *out) {
  static const uint8_t limit[8] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  while (nonce.len > 0 && nonce.data[0] == 0) nonce.data++, nonce.len--;
  if (nonce.len == 0 || (nonce.len == sizeof limit && memcmp(nonce.data, limit, sizeof limit) >= 0)) {
    return CHIO_E_ARGUMENT;
  }
  *out = nonce;
  return CHIO_OK;
}

static enum chio_err registry_onboard(const struct chio_binding_parts *p, uint8_t *out) {
  struct chio_buf pem = CHIO_BUF_INIT;
  struct chio_slice nonce = nothing;
  enum chio_err err = minimal_nonce(PART(p, NONCE), &nonce);
  if (err == CHIO_OK) err = put_key_pem(PART(p, KEY), &pem);
  if (err == CHIO_OK) err = digest_after(PART(p, ADDRESS), chio_buf_slice(&pem), nonce, PART(p, OPERATOR), out);
  chio_buf_clear(&pem);
  return err;
}

static enum chio_err atls(const struct chio_binding_parts *p, uint8_t *out) {
  uint8_t user_data[HASH_SIZE];
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, PART(p, KEY), user_data);
  if (err != CHIO_OK) return err;
  return digest_after(nothing, chio_slice(user_data, sizeof user_data), PART(p, NONCE), nothing, out);
}

/* The claims of interoperable RA-TLS, which a raw quote comes without: key and nonce say what they are. */
static enum chio_err ratls(const struct chio_binding_parts *p, uint8_t *out) {
  struct chio_buf claims = CHIO_BUF_INIT;
  enum chio_err err = chio_ratls_claims_put(PART(p, KEY), PART(p, NONCE), &claims);
  if (err == CHIO_OK) err = chio_ratls_report_data(chio_buf_slice(&claims), out);
  chio_buf_clear(&claims);
  return err;
}

/* ---- The table ---- */

struct need {
  enum chio_binding_part part;
  size_t min, max; /* bytes; min 0: may be left out */
};

struct chio_binding_profile {
  const char *name;
  enum chio_err (*compute)(const struct chio_binding_parts *parts, uint8_t out[CHIO_BINDING_SIZE]);
  size_t short_size; /* what a format with a field of free length (Nitro) carries instead of 64 bytes; 0: nothing */
  size_t needs_count;
  struct need needs[4];
};

#define NEED_KEY {CHIO_BINDING_KEY, 1, PEM_MAX}
#define NEED_ADDRESS {CHIO_BINDING_ADDRESS, ADDRESS_SIZE, ADDRESS_SIZE}
#define NEED_OPERATOR {CHIO_BINDING_OPERATOR, ADDRESS_SIZE, ADDRESS_SIZE}
#define NEED_CERTIFICATE {CHIO_BINDING_CERTIFICATE, 1, PEM_MAX}

static const struct chio_binding_profile profiles[] = {
    {"chio-hsm-boot-v1", boot, 0, 3,
     {NEED_KEY, {CHIO_BINDING_MANIFEST, HASH_SIZE, HASH_SIZE}, {CHIO_BINDING_NONCE, 0, NONCE_MAX}}},
    {"chio-v1", chio, 0, 2, {NEED_KEY, {CHIO_BINDING_RECEIPT_ROOT, HASH_SIZE, HASH_SIZE}}},
    {"tee-v1", tee, HASH_SIZE, 2, {NEED_KEY, {CHIO_BINDING_WORKLOAD_HASH, 1, WORKLOAD_MAX}}},
    {"registry-v1-certificate", registry_certificate, 0, 3, {NEED_KEY, NEED_ADDRESS, NEED_CERTIFICATE}},
    {"registry-v1-secrets", registry_secrets, 0, 4,
     {NEED_ADDRESS, NEED_OPERATOR, NEED_CERTIFICATE, {CHIO_BINDING_PRIVATE_KEY, 1, PEM_MAX}}},
    {"registry-v1-onboard", registry_onboard, 0, 4,
     {NEED_KEY, NEED_ADDRESS, NEED_OPERATOR, {CHIO_BINDING_NONCE, 1, 8}}},
    {"atls-v1", atls, 0, 2, {NEED_KEY, {CHIO_BINDING_NONCE, 32, 32}}},
    {"ratls-v1", ratls, 0, 2, {NEED_KEY, {CHIO_BINDING_NONCE, 0, NONCE_MAX}}},
};

static const char *const part_names[] = {
#define PART_NAME_X(name, text) text,
    CHIO_BINDING_PARTS(PART_NAME_X)
#undef PART_NAME_X
};

const struct chio_binding_profile *chio_binding_at(size_t index) {
  return index < CHIO_ARRAY_LEN(profiles) ? &profiles[index] : NULL;
}

const struct chio_binding_profile *chio_binding_find(const char *name) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(profiles); i++) {
    if (strcmp(profiles[i].name, name) == 0) return &profiles[i];
  }
  return NULL;
}

const char *chio_binding_name(const struct chio_binding_profile *profile) {
  return profile->name;
}

static const struct need *find_need(const struct chio_binding_profile *profile, enum chio_binding_part part) {
  for (size_t i = 0; i < profile->needs_count; i++) {
    if (profile->needs[i].part == part) return &profile->needs[i];
  }
  return NULL;
}

bool chio_binding_uses(const struct chio_binding_profile *profile, enum chio_binding_part part) {
  return find_need(profile, part) != NULL;
}

/* A part that goes nowhere is refused: who gives it believes that it is bound. */
static enum chio_err check_parts(const struct chio_binding_profile *profile, const struct chio_binding_parts *parts,
                                 struct chio_detail *detail) {
  for (size_t i = 0; i < CHIO_BINDING_PART_COUNT; i++) {
    const struct need *need = find_need(profile, (enum chio_binding_part)i);
    size_t len = parts->part[i].len;
    if (need == NULL) {
      if (parts->part[i].data == NULL) continue;
      return chio_fail(detail, CHIO_E_ARGUMENT, "profile %s does not bind a %s", profile->name, part_names[i]);
    }
    if (len == 0 && need->min > 0) {
      return chio_fail(detail, CHIO_E_ARGUMENT, "profile %s needs the %s", profile->name, part_names[i]);
    }
    if (len >= need->min && len <= need->max) continue;
    return chio_fail(detail, CHIO_E_ARGUMENT, "profile %s: a %s of %zu bytes; %zu to %zu are expected", profile->name,
                     part_names[i], len, need->min, need->max);
  }
  return CHIO_OK;
}

enum chio_err chio_binding_report_data(const struct chio_binding_profile *profile,
                                       const struct chio_binding_parts *parts, uint8_t out[CHIO_BINDING_SIZE],
                                       struct chio_detail *detail) {
  enum chio_err err = check_parts(profile, parts, detail);
  if (err != CHIO_OK) return err;
  uint8_t made[CHIO_BINDING_SIZE];
  struct chio_pubkey key;
  if (chio_binding_uses(profile, CHIO_BINDING_KEY)) err = chio_pubkey_parse(PART(parts, KEY), &key);
  if (err == CHIO_OK) err = profile->compute(parts, made);
  if (err == CHIO_E_KEY_TYPE)
    return chio_fail(detail, err, "profile %s has no form for this type of key", profile->name);
  if (err == CHIO_E_ARGUMENT) return chio_fail(detail, err, "profile %s: the nonce is out of range", profile->name);
  if (err != CHIO_OK)
    return chio_fail(detail, err, "profile %s: the public key: %s", profile->name, chio_err_text(err));
  memcpy(out, made, sizeof made);
  return CHIO_OK;
}

enum chio_err chio_binding_check(const struct chio_binding_profile *profile, const struct chio_binding_parts *parts,
                                 struct chio_slice report_data, struct chio_detail *detail) {
  uint8_t expected[CHIO_BINDING_SIZE];
  enum chio_err err = chio_binding_report_data(profile, parts, expected, detail);
  if (err != CHIO_OK) return err;
  bool is_short = profile->short_size > 0 && report_data.len == profile->short_size;
  if (chio_slice_equal(report_data, chio_slice(expected, is_short ? profile->short_size : sizeof expected)))
    return CHIO_OK;
  return chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "the report data is not that of profile %s for what was given",
                   profile->name);
}
