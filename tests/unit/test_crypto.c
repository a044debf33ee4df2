/* What the core's keys sign and verify, alone and in threads; digests. Their forms: test_crypto_keys.c. */
#include "tests/unit/crypto_rig.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sodium.h>

static size_t unhex(const char *hex, uint8_t *out, size_t max) {
  size_t len = 0;
  assert_int_equal(sodium_hex2bin(out, max, hex, strlen(hex), NULL, &len, NULL), 0);
  return len;
}

static struct chio_key *public_of(const struct chio_key *key) {
  struct chio_key *public_key = NULL;
  assert_int_equal(chio_key_from_spki(chio_key_spki(key), &public_key), CHIO_OK);
  assert_false(chio_key_is_private(public_key));
  assert_int_equal(chio_key_bits(public_key), chio_key_bits(key));
  return public_key;
}

/* ---- RFC 8032, section 7 ---- */

struct ed_row {
  const char *seed, *public_key, *message, *context, *signature;
  int kind; /* 0 pure, 1 context, 2 prehash */
};

static const struct ed_row ed_rows[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b",
     0},
    {"0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
     "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292", "f726936d19c800494e3fdaff20b276a8", "666f6f",
     "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5"
     "f6cca685a587b4b21f4b888e4e7edb0d",
     1},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf", "616263", "",
     "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa"
     "a10b8c61e636062aaad11c2a26083406",
     2},
};

static struct chio_mech_params ed_params(int kind, struct chio_slice context) {
  struct chio_mech_params params = {.kind = CHIO_PARAMS_NONE};
  if (kind != 0) params = (struct chio_mech_params){.kind = CHIO_PARAMS_EDDSA, .prehash = kind == 2, .context = context};
  return params;
}

static void ed25519_signs_as_rfc_8032_says(void **state) {
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(ed_rows); i++) {
    uint8_t seed[32], public_key[32], message[64], context[64], want[64];
    const struct ed_row *row = &ed_rows[i];
    unhex(row->seed, seed, sizeof seed);
    size_t message_len = unhex(row->message, message, sizeof message);
    size_t context_len = unhex(row->context, context, sizeof context);
    assert_int_equal(unhex(row->signature, want, sizeof want), 64);
    struct chio_key *key;
    assert_int_equal(chio_key_from_private_bytes(CKK_EC_EDWARDS, chio_slice(seed, 32), &key), CHIO_OK);
    assert_int_equal(unhex(row->public_key, public_key, sizeof public_key), 32);
    assert_memory_equal(chio_key_spki(key).data + 12, public_key, 32);
    struct chio_mech_params params = ed_params(row->kind, chio_slice(context, context_len));
    struct chio_buf signature = CHIO_BUF_INIT;
    assert_int_equal(
        chio_key_sign(key, mech(CHIO_MECH_EDDSA), &params, chio_slice(message, message_len), &signature), CHIO_OK);
    assert_int_equal(signature.len, 64);
    assert_memory_equal(signature.data, want, 64);
    chio_buf_clear(&signature);
    chio_key_free(key);
  }
}

static void pure_context_empty_context_and_prehash_do_not_verify_as_one_another(void **state) {
  (void)state;
  struct chio_key *key = generate_ec(BYTES(ED_PARAMS));
  struct chio_key *public_key = public_of(key);
  const struct chio_mech_params rows[] = {ed_params(0, chio_slice(NULL, 0)), ed_params(1, chio_slice(NULL, 0)),
                                          ed_params(1, chio_slice_str("a")), ed_params(1, chio_slice_str("b")),
                                          ed_params(2, chio_slice(NULL, 0)), ed_params(2, chio_slice_str("a"))};
  for (size_t s = 0; s < CHIO_ARRAY_LEN(rows); s++) {
    struct chio_buf signature = CHIO_BUF_INIT;
    assert_int_equal(chio_key_sign(key, mech(CHIO_MECH_EDDSA), &rows[s], chio_slice_str("message"), &signature),
                     CHIO_OK);
    for (size_t v = 0; v < CHIO_ARRAY_LEN(rows); v++)
      assert_int_equal(chio_key_verify(public_key, mech(CHIO_MECH_EDDSA), &rows[v], chio_slice_str("message"),
                                       chio_buf_slice(&signature)),
                       v == s ? CHIO_OK : CHIO_E_SIGNATURE_INVALID);
    for (size_t bit = 0; bit < 512; bit += 37) {
      signature.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
      assert_int_equal(chio_key_verify(public_key, mech(CHIO_MECH_EDDSA), &rows[s], chio_slice_str("message"),
                                       chio_buf_slice(&signature)),
                       CHIO_E_SIGNATURE_INVALID);
      signature.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    chio_buf_clear(&signature);
  }
  chio_key_free(public_key);
  chio_key_free(key);
}

/* S + L is the same scalar as S: taking it would make two signatures out of one. */
static void a_scalar_above_the_order_is_refused(void **state) {
  (void)state;
  static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                    0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
  struct chio_key *key = generate_ec(BYTES(ED_PARAMS));
  const struct chio_mech_params rows[] = {ed_params(0, chio_slice(NULL, 0)), ed_params(1, chio_slice_str("a")),
                                          ed_params(2, chio_slice(NULL, 0))};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf signature = CHIO_BUF_INIT;
    unsigned carry = 0;
    assert_int_equal(chio_key_sign(key, mech(CHIO_MECH_EDDSA), &rows[i], chio_slice_str("message"), &signature),
                     CHIO_OK);
    for (size_t byte = 0; byte < 32; byte++) {
      carry += (unsigned)signature.data[32 + byte] + order[byte];
      signature.data[32 + byte] = (uint8_t)carry;
      carry >>= 8;
    }
    assert_int_equal(chio_key_verify(key, mech(CHIO_MECH_EDDSA), &rows[i], chio_slice_str("message"),
                                     chio_buf_slice(&signature)),
                     CHIO_E_SIGNATURE_INVALID);
    chio_buf_clear(&signature);
  }
  chio_key_free(key);
}

static void a_prehash_signature_is_the_one_that_libsodium_makes(void **state) {
  (void)state;
  uint8_t seed[32], public_key[32], secret[64], want[64];
  crypto_sign_ed25519ph_state ph;
  randombytes_buf(seed, sizeof seed);
  crypto_sign_seed_keypair(public_key, secret, seed);
  crypto_sign_ed25519ph_init(&ph);
  crypto_sign_ed25519ph_update(&ph, (const uint8_t *)"abc", 3);
  crypto_sign_ed25519ph_final_create(&ph, want, NULL, secret);
  struct chio_key *key;
  assert_int_equal(chio_key_from_private_bytes(CKK_EC_EDWARDS, chio_slice(seed, 32), &key), CHIO_OK);
  struct chio_mech_params params = ed_params(2, chio_slice(NULL, 0));
  struct chio_buf signature = CHIO_BUF_INIT;
  assert_int_equal(chio_key_sign(key, mech(CHIO_MECH_EDDSA), &params, chio_slice_str("abc"), &signature), CHIO_OK);
  assert_memory_equal(signature.data, want, 64);
  chio_buf_clear(&signature);
  chio_key_free(key);
}

/* ---- ECDSA ---- */

static void a_signature_of_rfc_6979_verifies_and_a_changed_one_does_not(void **state) {
  (void)state;
  uint8_t point[65], rs[64];
  point[0] = 4;
  unhex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
        "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
        point + 1, 64);
  unhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        rs, 64);
  struct chio_buf templ = CHIO_BUF_INIT;
  chio_attrs_begin(&templ);
  chio_attrs_add(&templ, (uint32_t)CKA_EC_PARAMS, BYTES(P256_PARAMS));
  chio_attrs_add(&templ, (uint32_t)CKA_EC_POINT, chio_slice(point, sizeof point));
  struct chio_key *key;
  assert_int_equal(chio_key_from_attributes(CKK_EC, chio_attrs_of(&templ), &key, NULL), CHIO_OK);
  const struct chio_mechanism *m = mech(CHIO_MECH_ECDSA_SHA256);
  assert_int_equal(chio_key_verify(key, m, NULL, chio_slice_str("sample"), chio_slice(rs, 64)), CHIO_OK);
  assert_int_equal(chio_key_verify(key, m, NULL, chio_slice_str("samplf"), chio_slice(rs, 64)),
                   CHIO_E_SIGNATURE_INVALID);
  assert_int_equal(chio_key_verify(key, m, NULL, chio_slice_str("sample"), chio_slice(rs, 63)), CHIO_E_SIGNATURE_LEN);
  rs[63] ^= 1;
  assert_int_equal(chio_key_verify(key, m, NULL, chio_slice_str("sample"), chio_slice(rs, 64)),
                   CHIO_E_SIGNATURE_INVALID);
  memset(rs, 0, sizeof rs);
  assert_int_equal(chio_key_verify(key, m, NULL, chio_slice_str("sample"), chio_slice(rs, 64)),
                   CHIO_E_SIGNATURE_INVALID);
  chio_key_free(key);
  chio_buf_clear(&templ);
}

/* r||s as plain libcrypto, in its own default context, wants it. */
static bool libcrypto_verifies_ecdsa(const struct chio_key *key, struct chio_slice digest, struct chio_slice rs) {
  const uint8_t *at = chio_key_spki(key).data;
  EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)chio_key_spki(key).len);
  ECDSA_SIG *sig = ECDSA_SIG_new();
  uint8_t *der = NULL;
  int half = (int)(rs.len / 2);
  ECDSA_SIG_set0(sig, BN_bin2bn(rs.data, half, NULL), BN_bin2bn(rs.data + half, half, NULL));
  int len = i2d_ECDSA_SIG(sig, &der);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
  assert_int_equal(EVP_PKEY_verify_init(context), 1);
  bool ok = EVP_PKEY_verify(context, der, (size_t)len, digest.data, digest.len) == 1;
  EVP_PKEY_CTX_free(context);
  OPENSSL_free(der);
  ECDSA_SIG_free(sig);
  EVP_PKEY_free(pkey);
  return ok;
}

static void ecdsa_signatures_have_full_width_and_verify_under_plain_libcrypto(void **state) {
  (void)state;
  static const struct {
    const char *params;
    size_t len, field;
  } rows[] = {{P256_PARAMS, 10, 32}, {P384_PARAMS, 7, 48}, {P521_PARAMS, 7, 66}};
  uint8_t digest[128];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_key *key = generate_ec(chio_slice(rows[i].params, rows[i].len));
    struct chio_key *public_key = public_of(key);
    assert_int_equal(chio_key_signature_max(key), 2 * rows[i].field);
    bool leading_zero = false;
    for (size_t round = 0; round < 400 || !leading_zero; round++) {
      size_t len = 1 + round % sizeof digest;
      randombytes_buf(digest, sizeof digest);
      struct chio_buf rs = CHIO_BUF_INIT;
      assert_int_equal(chio_key_sign(key, mech(CHIO_MECH_ECDSA), NULL, chio_slice(digest, len), &rs), CHIO_OK);
      assert_int_equal(rs.len, 2 * rows[i].field);
      if (round < 20) assert_true(libcrypto_verifies_ecdsa(key, chio_slice(digest, len), chio_buf_slice(&rs)));
      bool zero_here = rs.data[0] == 0 || rs.data[rows[i].field] == 0;
      if (zero_here && !leading_zero)
        assert_int_equal(chio_key_verify(public_key, mech(CHIO_MECH_ECDSA), NULL, chio_slice(digest, len),
                                         chio_buf_slice(&rs)),
                         CHIO_OK);
      leading_zero = leading_zero || zero_here;
      chio_buf_clear(&rs);
      assert_true(round < 20000);
    }
    chio_key_free(public_key);
    chio_key_free(key);
  }
}

static void an_empty_digest_is_refused_and_a_long_one_is_cut(void **state) {
  (void)state;
  struct chio_key *key = generate_ec(BYTES(P256_PARAMS));
  struct chio_buf rs = CHIO_BUF_INIT;
  uint8_t digest[100];
  randombytes_buf(digest, sizeof digest);
  const struct chio_mechanism *m = mech(CHIO_MECH_ECDSA);
  assert_int_equal(chio_key_sign(key, m, NULL, chio_slice(NULL, 0), &rs), CHIO_E_DATA_LEN);
  assert_int_equal(rs.len, 0);
  assert_int_equal(chio_key_sign(key, m, NULL, chio_slice(digest, sizeof digest), &rs), CHIO_OK);
  assert_int_equal(chio_key_verify(key, m, NULL, chio_slice(digest, 32), chio_buf_slice(&rs)), CHIO_OK);
  digest[31] ^= 1;
  assert_int_equal(chio_key_verify(key, m, NULL, chio_slice(digest, 32), chio_buf_slice(&rs)),
                   CHIO_E_SIGNATURE_INVALID);
  assert_int_equal(chio_key_verify(key, m, NULL, chio_slice(NULL, 0), chio_buf_slice(&rs)), CHIO_E_DATA_LEN);
  chio_buf_clear(&rs);
  chio_key_free(key);
}

static void a_digest_from_a_stream_signs_like_its_message(void **state) {
  (void)state;
  static const uint32_t rows[] = {CHIO_MECH_ECDSA_SHA256, CHIO_MECH_ECDSA_SHA384, CHIO_MECH_ECDSA_SHA512};
  struct chio_key *key = generate_ec(BYTES(P384_PARAMS));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct chio_mechanism *m = mech(rows[i]);
    struct chio_digest *digest;
    uint8_t out[64];
    size_t len;
    struct chio_buf rs = CHIO_BUF_INIT;
    assert_int_equal(chio_digest_new(mech(m->digest), &digest), CHIO_OK);
    assert_int_equal(chio_digest_update(digest, chio_slice_str("two ")), CHIO_OK);
    assert_int_equal(chio_digest_update(digest, chio_slice(NULL, 0)), CHIO_OK);
    assert_int_equal(chio_digest_update(digest, chio_slice_str("parts")), CHIO_OK);
    assert_int_equal(chio_digest_final(digest, out, &len), CHIO_OK);
    chio_digest_free(digest);
    assert_int_equal(chio_key_sign_digest(key, m, NULL, chio_slice(out, len), &rs), CHIO_OK);
    assert_int_equal(chio_key_verify(key, m, NULL, chio_slice_str("two parts"), chio_buf_slice(&rs)), CHIO_OK);
    assert_int_equal(chio_key_verify_digest(key, m, NULL, chio_slice(out, len), chio_buf_slice(&rs)), CHIO_OK);
    assert_int_equal(chio_key_sign_digest(key, m, NULL, chio_slice(out, len - 1), &rs), CHIO_E_DATA_LEN);
    chio_buf_clear(&rs);
  }
  chio_key_free(key);
}

/* ---- RSA ---- */

static bool libcrypto_verifies_rsa(const struct chio_key *key, struct chio_slice message, struct chio_slice signature,
                                   const char *md, const char *mgf, int salt) {
  const uint8_t *at = chio_key_spki(key).data;
  EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)chio_key_spki(key).len);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *inner;
  assert_int_equal(EVP_DigestVerifyInit_ex(context, &inner, md, NULL, NULL, pkey, NULL), 1);
  if (mgf != NULL) {
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(inner, mgf, NULL), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, salt), 1);
  }
  bool ok = EVP_DigestVerify(context, signature.data, signature.len, message.data, message.len) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(pkey);
  return ok;
}

static struct chio_mech_params pss(uint32_t hash, uint32_t mgf, uint32_t salt) {
  return (struct chio_mech_params){.kind = CHIO_PARAMS_PSS, .hash = hash, .mgf_hash = mgf, .salt_len = salt};
}

static void rsa_signatures_verify_under_plain_libcrypto(void **state) {
  (void)state;
  struct chio_key *key = rsa_key();
  struct chio_mech_params none = {.kind = CHIO_PARAMS_NONE};
  const struct {
    uint32_t mechanism;
    struct chio_mech_params params;
    const char *md, *mgf;
  } rows[] = {
      {CHIO_MECH_SHA224_RSA_PKCS, none, "SHA224", NULL},
      {CHIO_MECH_SHA256_RSA_PKCS, none, "SHA256", NULL},
      {CHIO_MECH_SHA384_RSA_PKCS, none, "SHA384", NULL},
      {CHIO_MECH_SHA512_RSA_PKCS, none, "SHA512", NULL},
      {CHIO_MECH_SHA256_RSA_PKCS_PSS, pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 32), "SHA256", "SHA256"},
      {CHIO_MECH_SHA256_RSA_PKCS_PSS, pss(CHIO_MECH_SHA256, CHIO_MECH_SHA_1, 0), "SHA256", "SHA1"},
      {CHIO_MECH_SHA384_RSA_PKCS_PSS, pss(CHIO_MECH_SHA384, CHIO_MECH_SHA512, 17), "SHA384", "SHA512"},
      {CHIO_MECH_SHA512_RSA_PKCS_PSS, pss(CHIO_MECH_SHA512, CHIO_MECH_SHA512, 190), "SHA512", "SHA512"},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf signature = CHIO_BUF_INIT;
    const struct chio_mechanism *m = mech(rows[i].mechanism);
    assert_int_equal(chio_key_sign(key, m, &rows[i].params, chio_slice_str("message"), &signature), CHIO_OK);
    assert_int_equal(signature.len, 256);
    assert_true(libcrypto_verifies_rsa(key, chio_slice_str("message"), chio_buf_slice(&signature), rows[i].md,
                                       rows[i].mgf, (int)rows[i].params.salt_len));
    assert_int_equal(chio_key_verify(key, m, &rows[i].params, chio_slice_str("message"), chio_buf_slice(&signature)),
                     CHIO_OK);
    assert_int_equal(chio_key_verify(key, m, &rows[i].params, chio_slice_str("massage"), chio_buf_slice(&signature)),
                     CHIO_E_SIGNATURE_INVALID);
    chio_buf_clear(&signature);
  }
  chio_key_free(key);
}

static void verifying_pss_enforces_salt_length_and_mask_function(void **state) {
  (void)state;
  struct chio_key *key = rsa_key();
  const struct chio_mechanism *m = mech(CHIO_MECH_RSA_PKCS_PSS);
  struct chio_mech_params made = pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 32);
  uint8_t digest[32] = {7};
  struct chio_buf signature = CHIO_BUF_INIT;
  assert_int_equal(chio_key_sign(key, m, &made, chio_slice(digest, 32), &signature), CHIO_OK);
  assert_int_equal(chio_key_verify(key, m, &made, chio_slice(digest, 32), chio_buf_slice(&signature)), CHIO_OK);
  const struct chio_mech_params others[] = {pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 31),
                                            pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 33),
                                            pss(CHIO_MECH_SHA256, CHIO_MECH_SHA384, 32)};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(others); i++) { /* in turns, so that the right context is always at hand */
    assert_int_equal(chio_key_verify(key, m, &others[i], chio_slice(digest, 32), chio_buf_slice(&signature)),
                     CHIO_E_SIGNATURE_INVALID);
    assert_int_equal(chio_key_verify(key, m, &made, chio_slice(digest, 32), chio_buf_slice(&signature)), CHIO_OK);
  }
  chio_buf_clear(&signature);
  chio_key_free(key);
}

static void parameters_that_do_not_fit_are_refused(void **state) {
  (void)state;
  struct chio_key *rsa = rsa_key();
  struct chio_key *ec = generate_ec(BYTES(P256_PARAMS));
  struct chio_key *ed = generate_ec(BYTES(ED_PARAMS));
  struct chio_mech_params none = {.kind = CHIO_PARAMS_NONE};
  struct chio_mech_params eddsa = ed_params(1, chio_slice(NULL, 0));
  const struct {
    struct chio_key *key;
    uint32_t mechanism;
    struct chio_mech_params params;
    enum chio_err want;
  } rows[] = {
      {rsa, CHIO_MECH_RSA_PKCS_PSS, none, CHIO_E_MECHANISM_PARAM},
      {rsa, CHIO_MECH_RSA_PKCS_PSS, eddsa, CHIO_E_MECHANISM_PARAM},
      {rsa, CHIO_MECH_RSA_PKCS, pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 32), CHIO_E_MECHANISM_PARAM},
      {rsa, CHIO_MECH_RSA_PKCS_PSS, pss(CHIO_MECH_EDDSA, CHIO_MECH_SHA256, 32), CHIO_E_MECHANISM_PARAM},
      {rsa, CHIO_MECH_RSA_PKCS_PSS, pss(CHIO_MECH_SHA256, 0, 32), CHIO_E_MECHANISM_PARAM},
      {rsa, CHIO_MECH_RSA_PKCS_PSS, pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 222), CHIO_OK},
      {rsa, CHIO_MECH_RSA_PKCS_PSS, pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 223), CHIO_E_MECHANISM_PARAM},
      {rsa, CHIO_MECH_RSA_PKCS_PSS, pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 0xffffffffu), CHIO_E_MECHANISM_PARAM},
      {rsa, CHIO_MECH_SHA256_RSA_PKCS_PSS, pss(CHIO_MECH_SHA384, CHIO_MECH_SHA384, 32), CHIO_E_MECHANISM_PARAM},
      {ec, CHIO_MECH_ECDSA, eddsa, CHIO_E_MECHANISM_PARAM},
      {ec, CHIO_MECH_RSA_PKCS, none, CHIO_E_KEY_TYPE},
      {rsa, CHIO_MECH_ECDSA, none, CHIO_E_KEY_TYPE},
      {ed, CHIO_MECH_ECDSA, none, CHIO_E_KEY_TYPE},
      {ed, CHIO_MECH_EDDSA, pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 32), CHIO_E_MECHANISM_PARAM},
      {ed, CHIO_MECH_EDDSA, none, CHIO_OK},
      {ed, CHIO_MECH_SHA256, none, CHIO_E_MECHANISM_UNSUPPORTED},
      {ed, CHIO_MECH_CHIO_ATTEST, none, CHIO_OK},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_equal(chio_key_check(rows[i].key, mech(rows[i].mechanism), &rows[i].params), rows[i].want);
  chio_key_free(rsa);
  chio_key_free(ec);
  chio_key_free(ed);
}

static void raw_rsa_takes_no_more_than_its_padding_leaves(void **state) {
  (void)state;
  struct chio_key *key = rsa_key();
  uint8_t data[256] = {1};
  static const struct {
    size_t len;
    enum chio_err want;
  } rows[] = {{0, CHIO_E_DATA_LEN}, {1, CHIO_OK}, {245, CHIO_OK}, {246, CHIO_E_DATA_LEN}, {256, CHIO_E_DATA_LEN}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf signature = CHIO_BUF_INIT;
    struct chio_slice in = chio_slice(data, rows[i].len);
    assert_int_equal(chio_key_sign(key, mech(CHIO_MECH_RSA_PKCS), NULL, in, &signature), rows[i].want);
    if (rows[i].want == CHIO_OK)
      assert_int_equal(chio_key_verify(key, mech(CHIO_MECH_RSA_PKCS), NULL, in, chio_buf_slice(&signature)), CHIO_OK);
    chio_buf_clear(&signature);
  }
  struct chio_mech_params params = pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, 32);
  struct chio_buf signature = CHIO_BUF_INIT;
  assert_int_equal(chio_key_sign(key, mech(CHIO_MECH_RSA_PKCS_PSS), &params, chio_slice(data, 31), &signature),
                   CHIO_E_DATA_LEN);
  chio_buf_clear(&signature);
  chio_key_free(key);
}

/* ---- Threads, digests ---- */

static void *sign_many(void *arg) {
  struct chio_key *key = arg;
  uint8_t digest[32];
  intptr_t bad = 0;
  struct chio_buf rs = CHIO_BUF_INIT;
  for (int i = 0; i < 200; i++) {
    randombytes_buf(digest, sizeof digest);
    chio_buf_reset(&rs);
    if (chio_key_sign(key, mech(CHIO_MECH_ECDSA), NULL, chio_slice(digest, 32), &rs) != CHIO_OK ||
        chio_key_verify(key, mech(CHIO_MECH_ECDSA), NULL, chio_slice(digest, 32), chio_buf_slice(&rs)) != CHIO_OK)
      bad++;
  }
  chio_buf_clear(&rs);
  return (void *)bad;
}

static void one_key_signs_in_more_threads_than_its_pool_has_places(void **state) {
  (void)state;
  struct chio_key *key = generate_ec(BYTES(P256_PARAMS));
  pthread_t threads[12];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, sign_many, key), 0);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(threads); i++) {
    void *bad;
    assert_int_equal(pthread_join(threads[i], &bad), 0);
    assert_null(bad);
  }
  chio_key_free(key);
}

static void more_uses_than_the_pool_has_places_are_served(void **state) {
  (void)state;
  struct chio_key *key = rsa_key();
  uint8_t digest[32] = {1};
  for (uint32_t round = 0; round < 3; round++) {
    for (uint32_t salt = 0; salt < 12; salt++) {
      struct chio_mech_params params = pss(CHIO_MECH_SHA256, CHIO_MECH_SHA256, salt);
      struct chio_buf signature = CHIO_BUF_INIT;
      const struct chio_mechanism *m = mech(CHIO_MECH_RSA_PKCS_PSS);
      assert_int_equal(chio_key_sign(key, m, &params, chio_slice(digest, 32), &signature), CHIO_OK);
      assert_int_equal(chio_key_verify(key, m, &params, chio_slice(digest, 32), chio_buf_slice(&signature)), CHIO_OK);
      chio_buf_clear(&signature);
    }
  }
  chio_key_free(key);
}

static void digests_are_those_of_fips_180(void **state) {
  (void)state;
  static const struct {
    uint32_t wire;
    const char *want;
  } rows[] = {
      {CHIO_MECH_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
      {CHIO_MECH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {CHIO_MECH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                         "8086072ba1e7cc2358baeca134c825a7"},
      {CHIO_MECH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
  };
  uint8_t want[64], out[64];
  size_t len;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    size_t want_len = unhex(rows[i].want, want, sizeof want);
    assert_int_equal(chio_digest_once(mech(rows[i].wire), chio_slice_str("abc"), out, &len), CHIO_OK);
    assert_int_equal(len, want_len);
    assert_memory_equal(out, want, len);
    assert_int_equal(chio_digest_once(mech(rows[i].wire), chio_slice(NULL, 0), out, &len), CHIO_OK);
  }
  assert_int_equal(chio_digest_once(mech(CHIO_MECH_EDDSA), chio_slice(NULL, 0), out, &len),
                   CHIO_E_MECHANISM_UNSUPPORTED);
}

int main(void) {
  if (chio_crypto_init() != CHIO_OK) return 99;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ed25519_signs_as_rfc_8032_says),
      cmocka_unit_test(pure_context_empty_context_and_prehash_do_not_verify_as_one_another),
      cmocka_unit_test(a_scalar_above_the_order_is_refused),
      cmocka_unit_test(a_prehash_signature_is_the_one_that_libsodium_makes),
      cmocka_unit_test(a_signature_of_rfc_6979_verifies_and_a_changed_one_does_not),
      cmocka_unit_test(ecdsa_signatures_have_full_width_and_verify_under_plain_libcrypto),
      cmocka_unit_test(an_empty_digest_is_refused_and_a_long_one_is_cut),
      cmocka_unit_test(a_digest_from_a_stream_signs_like_its_message),
      cmocka_unit_test(rsa_signatures_verify_under_plain_libcrypto),
      cmocka_unit_test(verifying_pss_enforces_salt_length_and_mask_function),
      cmocka_unit_test(parameters_that_do_not_fit_are_refused),
      cmocka_unit_test(raw_rsa_takes_no_more_than_its_padding_leaves),
      cmocka_unit_test(one_key_signs_in_more_threads_than_its_pool_has_places),
      cmocka_unit_test(more_uses_than_the_pool_has_places_are_served),
      cmocka_unit_test(digests_are_those_of_fips_180),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  struct chio_key *key = rsa_key();
  chio_key_free(key);
  chio_key_free(key);
  return failed;
}
