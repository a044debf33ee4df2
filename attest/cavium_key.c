#include "attest/cavium_key.h"

#include "attest/der_write.h"

#define CLASS_PUBLIC_KEY 2u
#define CLASS_PRIVATE_KEY 3u
#define TYPE_RSA 0u
#define TYPE_EC 3u
#define MODULUS_MAX 1024u /* bytes */
#define EXPONENT_MAX 8u

/* ---- The public key ---- */

/* The SubjectPublicKeyInfo as far as the point. */
static const uint8_t p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                               0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
static const uint8_t secp256k1[] = {0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a, 0x03, 0x42, 0x00};
static const uint8_t p384[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                               0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};
static const uint8_t p521[] = {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                               0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00};

static const struct {
  struct chio_slice head;
  size_t point_len;
} curves[] = {{{p256, sizeof p256}, 65},
              {{secp256k1, sizeof secp256k1}, 65},
              {{p384, sizeof p384}, 97},
              {{p521, sizeof p521}, 133}};

static const uint8_t rsa_algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

static bool is_hash_of(struct chio_slice ekcv, struct chio_slice spki) {
  uint8_t hash[CHIO_SHA256_SIZE];
  return chio_hash_bytes(CHIO_HASH_SHA256, spki, hash) == CHIO_OK &&
         chio_slice_equal(ekcv, chio_slice(hash, sizeof hash));
}

static void put_number(struct chio_buf *out, struct chio_slice number) {
  struct chio_buf contents = CHIO_BUF_INIT;
  while (number.len > 1 && number.data[0] == 0) number.data++, number.len--;
  if (number.len == 0 || (number.data[0] & 0x80) != 0) chio_buf_append_u8(&contents, 0);
  chio_buf_append_slice(&contents, number);
  if (chio_buf_err(&contents) != CHIO_OK) out->failed = true;
  chio_der_put(out, CHIO_DER_INTEGER, chio_buf_slice(&contents));
  chio_buf_clear(&contents);
}

static void put_rsa(struct chio_buf *out, struct chio_slice modulus, struct chio_slice exponent) {
  struct chio_buf numbers = CHIO_BUF_INIT, bits = CHIO_BUF_INIT, all = CHIO_BUF_INIT;
  put_number(&numbers, modulus);
  put_number(&numbers, exponent);
  chio_buf_append_u8(&bits, 0);
  chio_der_put(&bits, CHIO_DER_SEQUENCE, chio_buf_slice(&numbers));
  chio_buf_append(&all, rsa_algorithm, sizeof rsa_algorithm);
  chio_der_put(&all, 0x03, chio_buf_slice(&bits));
  if (numbers.failed || bits.failed || all.failed) out->failed = true;
  chio_der_put(out, CHIO_DER_SEQUENCE, chio_buf_slice(&all));
  chio_buf_clear(&numbers);
  chio_buf_clear(&bits);
  chio_buf_clear(&all);
}

static enum chio_err ec_spki(struct chio_slice point, struct chio_slice ekcv, struct chio_buf *out) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++) {
    if (curves[i].point_len != point.len || point.data[0] != 4) continue;
    chio_buf_reset(out);
    chio_buf_append_slice(out, curves[i].head);
    chio_buf_append_slice(out, point);
    if (chio_buf_err(out) != CHIO_OK) return CHIO_E_NO_MEMORY;
    /* The HSM does not name the curve: its check value over the whole key does. */
    if (is_hash_of(ekcv, chio_buf_slice(out))) return CHIO_OK;
  }
  return CHIO_E_MALFORMED;
}

/* Appends the key as the object spells it out. CHIO_E_NOT_FOUND: it does not; CHIO_E_MALFORMED: it is none that has
 * the object's check value. */
static enum chio_err spelled_out(const struct chio_cavium_object *object, uint32_t key_type, struct chio_slice ekcv,
                                 struct chio_buf *out) {
  struct chio_slice value, exponent;
  if (!chio_cavium_find(object, CHIO_CAVIUM_MODULUS, &value) || value.len == 0) return CHIO_E_NOT_FOUND;
  if (value.len > MODULUS_MAX) return CHIO_E_MALFORMED;
  if (key_type == TYPE_EC) return ec_spki(value, ekcv, out);
  if (!chio_cavium_find(object, CHIO_CAVIUM_PUBLIC_EXPONENT, &exponent)) return CHIO_E_NOT_FOUND;
  if (exponent.len > EXPONENT_MAX) return CHIO_E_MALFORMED;
  put_rsa(out, value, exponent);
  if (chio_buf_err(out) != CHIO_OK) return CHIO_E_NO_MEMORY;
  return is_hash_of(ekcv, chio_buf_slice(out)) ? CHIO_OK : CHIO_E_MALFORMED;
}

static void set_key(struct chio_judge *j, struct chio_slice spki) {
  j->result->pub.key_spki = chio_judge_keep_bytes(j, spki);
  j->result->pub.key_spki_len = spki.len;
  j->key_bound = true;
}

/* The attested key: as it is spelled out, or, where it is not, the caller's when that has the check value. */
static void judge_material(struct chio_judge *j, const struct chio_cavium_object *object, uint32_t key_type) {
  struct chio_slice ekcv;
  struct chio_buf spki = CHIO_BUF_INIT;
  if (!chio_cavium_find(object, CHIO_CAVIUM_EKCV, &ekcv) || ekcv.len != CHIO_SHA256_SIZE) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the attestation has no check value of the key (EKCV)");
    return;
  }
  chio_claim_hex(j, "ekcv", ekcv);
  enum chio_err err = spelled_out(object, key_type, ekcv, &spki);
  if (err == CHIO_OK)
    set_key(j, chio_buf_slice(&spki));
  else if (err == CHIO_E_NOT_FOUND && j->key_spki.len > 0 && is_hash_of(ekcv, j->key_spki))
    set_key(j, j->key_spki);
  else if (err == CHIO_E_MALFORMED)
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the attested public key is not the one of its check value");
  else if (err == CHIO_E_NO_MEMORY)
    j->result->out_of_memory = true;
  else if (j->key_spki.len > 0)
    chio_judge_fail(j, CHIO_ATTEST_KEY_MISMATCH, "the attestation's check value is another key's");
  chio_buf_clear(&spki);
}

/* ---- The private key ---- */

static const struct {
  uint32_t type;
  uint32_t wanted;
  const char *name, *refusal;
} flags[] = {
    {CHIO_CAVIUM_EXTRACTABLE, 0, "extractable", "the key can be extracted from the HSM"},
    {CHIO_CAVIUM_NEVER_EXTRACTABLE, 1, "never_extractable", "the key could once be extracted"},
    {CHIO_CAVIUM_SENSITIVE, 1, "sensitive", "the key is not sensitive"},
    {CHIO_CAVIUM_ALWAYS_SENSITIVE, 1, "always_sensitive", "the key was not always sensitive"},
    {CHIO_CAVIUM_LOCAL, 1, "local", "the key was brought into the HSM, not made in it"},
};

static void judge_flags(struct chio_judge *j, const struct chio_cavium_object *object) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(flags); i++) {
    uint32_t value;
    if (!chio_cavium_number(object, flags[i].type, &value) || value > 1) {
      chio_judge_fail(j, CHIO_ATTEST_KEY_ATTRIBUTES, "the attestation does not say whether the key is %s",
                      flags[i].name);
      continue;
    }
    chio_claim_bool(j, flags[i].name, value == 1);
    if (value != flags[i].wanted) chio_judge_fail(j, CHIO_ATTEST_KEY_ATTRIBUTES, "%s", flags[i].refusal);
  }
}

/* Text is padded with NUL bytes to its place. */
static void claim_text(struct chio_judge *j, const char *name, const struct chio_cavium_object *object, uint32_t type) {
  struct chio_slice text;
  if (!chio_cavium_find(object, type, &text)) return;
  while (text.len > 0 && text.data[text.len - 1] == 0) text.len--;
  bool printable = true;
  for (size_t i = 0; i < text.len; i++) printable = printable && text.data[i] >= 0x20 && text.data[i] < 0x7f;
  if (printable)
    chio_claim_string(j, name, text);
  else
    chio_claim_hex(j, name, text);
}

static void judge_private(struct chio_judge *j, const struct chio_cavium_object *object) {
  uint32_t key_type = UINT32_MAX;
  bool known = chio_cavium_number(object, CHIO_CAVIUM_KEY_TYPE, &key_type) &&
               (key_type == TYPE_RSA || key_type == TYPE_EC);
  chio_claim_uint(j, "handle", object->handle);
  claim_text(j, "label", object, CHIO_CAVIUM_LABEL);
  claim_text(j, "id", object, CHIO_CAVIUM_ID);
  judge_flags(j, object);
  if (!known) {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "the attested key is neither RSA nor EC");
    return;
  }
  chio_claim_string(j, "key_type", chio_slice_str(key_type == TYPE_RSA ? "rsa" : "ec"));
  judge_material(j, object, key_type);
}

/* ---- All of them ---- */

/* A public half beside the private one must be its own. */
static void judge_half(struct chio_judge *j, const struct chio_cavium_object *private_key,
                       const struct chio_cavium_object *half, uint32_t class) {
  struct chio_slice ours, other;
  if (class != CLASS_PUBLIC_KEY) {
    chio_judge_fail(j, CHIO_ATTEST_UNSUPPORTED, "the attestation is of an object that is no key of a pair");
    return;
  }
  bool same = chio_cavium_find(private_key, CHIO_CAVIUM_EKCV, &ours) &&
              chio_cavium_find(half, CHIO_CAVIUM_EKCV, &other) && chio_slice_equal(ours, other);
  if (!same) chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the attested halves are of different keys");
}

static uint32_t class_of(const struct chio_cavium_object *object) {
  uint32_t class = UINT32_MAX;
  return chio_cavium_number(object, CHIO_CAVIUM_CLASS, &class) ? class : UINT32_MAX;
}

void chio_cavium_judge_key(struct chio_judge *j, const struct chio_cavium *attestations, size_t count) {
  const struct chio_cavium_object *private_key = NULL;
  size_t privates = 0;
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < attestations[i].objects_count; k++) {
      if (class_of(&attestations[i].objects[k]) != CLASS_PRIVATE_KEY) continue;
      private_key = &attestations[i].objects[k];
      privates++;
    }
  }
  if (privates != 1) {
    chio_judge_fail(j, privates == 0 ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT,
                    privates == 0 ? "no private key is attested" : "more than one private key is attested");
    return;
  }
  judge_private(j, private_key);
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < attestations[i].objects_count; k++) {
      const struct chio_cavium_object *object = &attestations[i].objects[k];
      if (object != private_key) judge_half(j, private_key, object, class_of(object));
    }
  }
}
