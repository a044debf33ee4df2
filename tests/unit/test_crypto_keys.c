/* Keys of the core: made from templates, stored, written as public key infos and certificates; DER. */
#include "tests/unit/crypto_rig.h"

#include "signer/core/der.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* ---- Templates, stored form, certificates ---- */

static void generation_refuses_what_it_cannot_make(void **state) {
  (void)state;
  static const struct {
    uint32_t generator;
    const char *params;
    size_t len;
    enum chio_err want;
  } rows[] = {
      {CHIO_MECH_EC_KEY_PAIR_GEN, NULL, 0, CHIO_E_TEMPLATE_INCOMPLETE},
      {CHIO_MECH_EC_KEY_PAIR_GEN, "\x06\x05\x2b\x81\x04\x00\x0a", 7, CHIO_E_CURVE_UNSUPPORTED},
      {CHIO_MECH_EC_KEY_PAIR_GEN, "\x06\x05\x2b\x81\x04\x00", 6, CHIO_E_DOMAIN_PARAMS},
      {CHIO_MECH_EC_KEY_PAIR_GEN, "", 0, CHIO_E_DOMAIN_PARAMS},
      {CHIO_MECH_EC_KEY_PAIR_GEN, P256_PARAMS "\0", 11, CHIO_E_DOMAIN_PARAMS},
      {CHIO_MECH_EC_KEY_PAIR_GEN, ED_PARAMS, 5, CHIO_E_CURVE_UNSUPPORTED},
      {CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, ED_PARAMS, 5, CHIO_OK},
      {CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, "\x13\x0c" "edwards25519", 14, CHIO_OK},
      {CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, "\x13\x0a" "edwards448", 12, CHIO_E_CURVE_UNSUPPORTED},
      {CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, "\x13\x0d" "edwards25519", 14, CHIO_E_DOMAIN_PARAMS},
      {CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, NULL, 0, CHIO_E_TEMPLATE_INCOMPLETE},
      {CHIO_MECH_SHA256, NULL, 0, CHIO_E_MECHANISM_UNSUPPORTED},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf templ = CHIO_BUF_INIT;
    struct chio_key *key = NULL;
    chio_attrs_begin(&templ);
    if (rows[i].params != NULL)
      chio_attrs_add(&templ, (uint32_t)CKA_EC_PARAMS, chio_slice(rows[i].params, rows[i].len));
    assert_int_equal(chio_key_generate(mech(rows[i].generator), chio_attrs_of(&templ), &key, NULL), rows[i].want);
    assert_int_equal(key != NULL, rows[i].want == CHIO_OK);
    chio_key_free(key);
    chio_buf_clear(&templ);
  }
}

static void rsa_generation_checks_size_and_exponent(void **state) {
  (void)state;
  static const struct {
    uint64_t bits;
    const char *exponent;
    size_t len;
    enum chio_err want;
  } rows[] = {
      {0, NULL, 0, CHIO_E_KEY_SIZE},          {1024, NULL, 0, CHIO_E_KEY_SIZE},
      {2047, NULL, 0, CHIO_E_KEY_SIZE},       {4104, NULL, 0, CHIO_E_KEY_SIZE},
      {1ull << 32, NULL, 0, CHIO_E_KEY_SIZE}, {2048, "\3", 1, CHIO_E_ATTRIBUTE_VALUE},
      {2048, "", 0, CHIO_E_ATTRIBUTE_VALUE},  {2048, "\1\0\0", 3, CHIO_E_ATTRIBUTE_VALUE},
      {2048, "\1\0\0\0\0\0\0\0\1", 9, CHIO_E_ATTRIBUTE_VALUE},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf templ = CHIO_BUF_INIT;
    struct chio_key *key = NULL;
    chio_attrs_begin(&templ);
    chio_attrs_add_ulong(&templ, (uint32_t)CKA_MODULUS_BITS, rows[i].bits);
    if (rows[i].exponent != NULL)
      chio_attrs_add(&templ, (uint32_t)CKA_PUBLIC_EXPONENT, chio_slice(rows[i].exponent, rows[i].len));
    struct chio_detail detail = {{0}};
    assert_int_equal(
        chio_key_generate(mech(CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN), chio_attrs_of(&templ), &key, &detail), rows[i].want);
    assert_int_not_equal(detail.text[0], 0);
    chio_buf_clear(&templ);
  }
}

static void every_key_survives_its_stored_form_and_its_attributes(void **state) {
  (void)state;
  struct chio_key *keys[] = {generate_ec(BYTES(ED_PARAMS)), generate_ec(BYTES(P256_PARAMS)),
                             generate_ec(BYTES(P384_PARAMS)), generate_ec(BYTES(P521_PARAMS)), rsa_key()};
  static const uint32_t mechanisms[] = {CHIO_MECH_EDDSA, CHIO_MECH_ECDSA_SHA256, CHIO_MECH_ECDSA_SHA384,
                                        CHIO_MECH_ECDSA_SHA512, CHIO_MECH_SHA256_RSA_PKCS};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(keys); i++) {
    uint32_t type = chio_key_type(keys[i]);
    struct chio_secret *bytes;
    struct chio_key *back, *from_attributes;
    struct chio_buf attrs = CHIO_BUF_INIT, signature = CHIO_BUF_INIT;
    assert_int_equal(chio_key_private_bytes(keys[i], &bytes), CHIO_OK);
    assert_int_equal(chio_key_from_private_bytes(type, chio_secret_slice(bytes), &back), CHIO_OK);
    assert_true(chio_slice_equal(chio_key_spki(keys[i]), chio_key_spki(back)));
    const uint8_t *at = bytes->data;
    if (type != CKK_EC_EDWARDS) { /* PKCS#8, as anyone reads it */
      EVP_PKEY *plain = d2i_AutoPrivateKey(NULL, &at, (long)bytes->len);
      assert_non_null(plain);
      uint8_t *plain_spki = NULL;
      int plain_len = i2d_PUBKEY(plain, &plain_spki);
      assert_true(chio_slice_equal(chio_slice(plain_spki, (size_t)plain_len), chio_key_spki(back)));
      OPENSSL_free(plain_spki);
      EVP_PKEY_free(plain);
    }
    at = chio_key_spki(back).data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)chio_key_spki(back).len);
    assert_non_null(pkey);
    uint8_t *again = NULL;
    int len = i2d_PUBKEY(pkey, &again);
    assert_true(chio_slice_equal(chio_slice(again, (size_t)len), chio_key_spki(back)));
    OPENSSL_free(again);
    EVP_PKEY_free(pkey);

    chio_attrs_begin(&attrs);
    chio_key_add_public_attributes(back, true, &attrs);
    assert_int_equal(chio_key_from_attributes(type, chio_attrs_of(&attrs), &from_attributes, NULL), CHIO_OK);
    const struct chio_mechanism *m = mech(mechanisms[i]);
    assert_int_equal(chio_key_sign(back, m, NULL, chio_slice_str("message"), &signature), CHIO_OK);
    assert_int_equal(
        chio_key_verify(from_attributes, m, NULL, chio_slice_str("message"), chio_buf_slice(&signature)), CHIO_OK);
    assert_int_equal(chio_key_sign(from_attributes, m, NULL, chio_slice_str("message"), &signature),
                     CHIO_E_KEY_FUNCTION);
    struct chio_key *none = NULL;
    for (size_t cut = 0; cut < bytes->len; cut += 1 + bytes->len / 40)
      assert_int_not_equal(chio_key_from_private_bytes(type, chio_slice(bytes->data, cut), &none), CHIO_OK);
    assert_null(none);
    chio_key_free(from_attributes);
    chio_key_free(back);
    chio_secret_free(bytes);
    chio_buf_clear(&attrs);
    chio_buf_clear(&signature);
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(keys); i++) chio_key_free(keys[i]);
}

static void a_stored_key_of_another_type_is_refused(void **state) {
  (void)state;
  struct chio_key *ec = generate_ec(BYTES(P256_PARAMS));
  struct chio_secret *bytes;
  struct chio_key *key = NULL;
  assert_int_equal(chio_key_private_bytes(ec, &bytes), CHIO_OK);
  assert_int_equal(chio_key_from_private_bytes(CKK_RSA, chio_secret_slice(bytes), &key), CHIO_E_KEY_TYPE);
  assert_int_equal(chio_key_from_private_bytes(CKK_EC_EDWARDS, chio_secret_slice(bytes), &key), CHIO_E_MALFORMED);
  assert_int_equal(chio_key_from_private_bytes(CKK_AES, chio_secret_slice(bytes), &key), CHIO_E_KEY_TYPE);
  assert_null(key);
  chio_secret_free(bytes);
  chio_key_free(ec);
}

static void every_changed_or_cut_public_key_info_is_refused(void **state) {
  (void)state;
  struct chio_key *keys[] = {generate_ec(BYTES(ED_PARAMS)), generate_ec(BYTES(P256_PARAMS)), rsa_key()};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(keys); i++) {
    struct chio_slice spki = chio_key_spki(keys[i]);
    uint8_t copy[1024];
    struct chio_key *key = NULL;
    memcpy(copy, spki.data, spki.len);
    for (size_t len = 0; len < spki.len; len++)
      assert_int_not_equal(chio_key_from_spki(chio_slice(copy, len), &key), CHIO_OK);
    copy[spki.len] = 0;
    assert_int_not_equal(chio_key_from_spki(chio_slice(copy, spki.len + 1), &key), CHIO_OK);
    for (size_t byte = 0; byte < 12; byte++) {
      copy[byte] ^= 0x10;
      assert_int_not_equal(chio_key_from_spki(chio_slice(copy, spki.len), &key), CHIO_OK);
      copy[byte] ^= 0x10;
    }
    assert_null(key);
    chio_key_free(keys[i]);
  }
}

static void points_off_the_curve_are_refused(void **state) {
  (void)state;
  struct chio_key *ec = generate_ec(BYTES(P256_PARAMS));
  struct chio_slice spki = chio_key_spki(ec);
  uint8_t point[65];
  memcpy(point, spki.data + spki.len - 65, 65);
  static const uint8_t zero[32] = {0};
  static const uint8_t one[32] = {1};
  struct {
    uint32_t type;
    struct chio_slice params, point;
    enum chio_err want;
  } rows[] = {
      {CKK_EC, BYTES(P256_PARAMS), chio_slice(point, 65), CHIO_E_ATTRIBUTE_VALUE},
      {CKK_EC, BYTES(P256_PARAMS), chio_slice(point, 64), CHIO_E_ATTRIBUTE_VALUE},
      {CKK_EC, BYTES(P256_PARAMS), chio_slice(point, 0), CHIO_E_ATTRIBUTE_VALUE},
      {CKK_EC, BYTES(P384_PARAMS), chio_slice(point, 65), CHIO_E_ATTRIBUTE_VALUE},
      {CKK_EC, BYTES(P256_PARAMS), BYTES("\0"), CHIO_E_ATTRIBUTE_VALUE},
      {CKK_EC_EDWARDS, BYTES(ED_PARAMS), chio_slice(zero, 32), CHIO_E_ATTRIBUTE_VALUE},
      {CKK_EC_EDWARDS, BYTES(ED_PARAMS), chio_slice(one, 32), CHIO_E_ATTRIBUTE_VALUE},
      {CKK_EC_EDWARDS, BYTES(ED_PARAMS), chio_slice(zero, 31), CHIO_E_ATTRIBUTE_VALUE},
  };
  point[64] ^= 1;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_buf templ = CHIO_BUF_INIT;
    struct chio_key *key = NULL;
    chio_attrs_begin(&templ);
    chio_attrs_add(&templ, (uint32_t)CKA_EC_PARAMS, rows[i].params);
    chio_attrs_add(&templ, (uint32_t)CKA_EC_POINT, rows[i].point);
    assert_int_equal(chio_key_from_attributes(rows[i].type, chio_attrs_of(&templ), &key, NULL), rows[i].want);
    assert_null(key);
    chio_buf_clear(&templ);
  }
  chio_key_free(ec);
}

static void ed25519_points_are_taken_raw_and_wrapped(void **state) {
  (void)state;
  struct chio_key *ed = generate_ec(BYTES(ED_PARAMS));
  const uint8_t *raw = chio_key_spki(ed).data + chio_key_spki(ed).len - 32;
  static const struct {
    const char *head;
    size_t len;
  } rows[] = {{"", 0}, {"\x04\x20", 2}, {"\x03\x21\x00", 3}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    uint8_t point[40];
    struct chio_buf templ = CHIO_BUF_INIT;
    struct chio_key *key;
    memcpy(point, rows[i].head, rows[i].len);
    memcpy(point + rows[i].len, raw, 32);
    chio_attrs_begin(&templ);
    chio_attrs_add(&templ, (uint32_t)CKA_EC_PARAMS, BYTES("\x13\x0c" "edwards25519"));
    chio_attrs_add(&templ, (uint32_t)CKA_EC_POINT, chio_slice(point, rows[i].len + 32));
    assert_int_equal(chio_key_from_attributes(CKK_EC_EDWARDS, chio_attrs_of(&templ), &key, NULL), CHIO_OK);
    assert_true(chio_slice_equal(chio_key_spki(key), chio_key_spki(ed)));
    chio_key_free(key);
    chio_buf_clear(&templ);
  }
  chio_key_free(ed);
}

static void public_key_info_of_another_key_is_refused(void **state) {
  (void)state;
  struct chio_key *one = generate_ec(BYTES(P256_PARAMS));
  struct chio_key *two = generate_ec(BYTES(P256_PARAMS));
  struct chio_buf attrs = CHIO_BUF_INIT;
  struct chio_key *key = NULL;
  struct chio_slice spki = chio_key_spki(one);
  chio_attrs_begin(&attrs);
  chio_attrs_add(&attrs, (uint32_t)CKA_EC_PARAMS, BYTES(P256_PARAMS));
  chio_attrs_add(&attrs, (uint32_t)CKA_EC_POINT, chio_slice(spki.data + spki.len - 65, 65));
  chio_attrs_add(&attrs, (uint32_t)CKA_PUBLIC_KEY_INFO, chio_key_spki(two));
  assert_int_equal(chio_key_from_attributes(CKK_EC, chio_attrs_of(&attrs), &key, NULL), CHIO_E_ATTRIBUTE_VALUE);
  chio_attrs_begin(&attrs);
  chio_attrs_add(&attrs, (uint32_t)CKA_PUBLIC_KEY_INFO, chio_key_spki(two));
  assert_int_equal(chio_key_from_attributes(CKK_RSA, chio_attrs_of(&attrs), &key, NULL),
                   CHIO_E_TEMPLATE_INCONSISTENT);
  assert_null(key);
  assert_int_equal(chio_key_from_attributes(CKK_EC, chio_attrs_of(&attrs), &key, NULL), CHIO_OK);
  chio_key_free(key);
  chio_key_free(one);
  chio_key_free(two);
  chio_buf_clear(&attrs);
}

static void attributes_have_the_forms_that_applications_read(void **state) {
  (void)state;
  struct chio_key *p521 = generate_ec(BYTES(P521_PARAMS));
  struct chio_key *p256 = generate_ec(BYTES(P256_PARAMS));
  struct chio_buf attrs = CHIO_BUF_INIT;
  struct chio_slice point, text;
  chio_attrs_begin(&attrs);
  chio_key_add_public_attributes(p521, false, &attrs);
  assert_true(chio_attrs_find(chio_attrs_of(&attrs), (uint32_t)CKA_EC_POINT, &point));
  assert_int_equal(point.len, 136);
  assert_memory_equal(point.data, "\x04\x81\x85\x04", 4);
  assert_false(chio_attrs_find(chio_attrs_of(&attrs), (uint32_t)CKA_CHIO_PUBLIC_KEY, &text));
  chio_attrs_begin(&attrs);
  chio_key_add_public_attributes(p256, false, &attrs);
  assert_true(chio_attrs_find(chio_attrs_of(&attrs), (uint32_t)CKA_EC_POINT, &point));
  assert_memory_equal(point.data, "\x04\x41\x04", 3);
  assert_true(chio_attrs_find(chio_attrs_of(&attrs), (uint32_t)CKA_CHIO_PUBLIC_KEY, &text));
  assert_int_equal(text.len, 5 + 130);
  assert_memory_equal(text.data, "p256:04", 7);
  struct chio_key *ed = generate_ec(BYTES(ED_PARAMS));
  chio_attrs_begin(&attrs);
  chio_key_add_public_attributes(ed, false, &attrs);
  assert_true(chio_attrs_find(chio_attrs_of(&attrs), (uint32_t)CKA_EC_POINT, &point));
  assert_int_equal(point.len, 34);
  assert_memory_equal(point.data, "\x04\x20", 2);
  chio_key_free(ed);
  chio_buf_clear(&attrs);
  chio_key_free(p521);
  chio_key_free(p256);
}

static void assert_name(const X509_NAME *name, const char *want) {
  char text[300];
  assert_int_equal(X509_NAME_entry_count(name), 1);
  assert_true(X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name, NID_commonName, text, sizeof text) > 0);
  assert_string_equal(text, want);
}

static void names_are_cut_between_characters_and_extensions_may_be_large(void **state) {
  (void)state;
  struct chio_key *key = generate_ec(BYTES(P384_PARAMS));
  static const uint8_t serial[16] = {0};
  static uint8_t large[200000];
  char label[400] = "", want[400] = "";
  for (int i = 0; i < 100; i++) memcpy(label + 2 * i, "\xc3\xa4", 2);
  memcpy(want, label, 128);
  struct chio_cert_spec spec = {.subject_cn = label,
                                .issuer_cn = "i",
                                .not_before = 1,
                                .not_after = UINT64_MAX,
                                .serial = serial,
                                .extension_oid = "1.2.3",
                                .extension = chio_slice(large, sizeof large)};
  struct chio_buf der = CHIO_BUF_INIT;
  assert_int_equal(chio_key_certify(key, key, &spec, &der), CHIO_OK);
  const uint8_t *at = der.data;
  X509 *cert = d2i_X509(NULL, &at, (long)der.len);
  assert_non_null(cert);
  assert_ptr_equal(at, der.data + der.len);
  assert_name(X509_get_subject_name(cert), want);
  assert_int_equal(X509_get_ext_count(cert), 2);
  X509_free(cert);
  spec.extension_oid = "no oid";
  assert_int_equal(chio_key_certify(key, key, &spec, &der), CHIO_E_ARGUMENT);
  chio_buf_clear(&der);
  chio_key_free(key);
}

static void a_certificate_verifies_under_its_issuer_and_carries_its_extension(void **state) {
  (void)state;
  struct chio_key *issuer = generate_ec(BYTES(P256_PARAMS));
  struct chio_key *subjects[] = {generate_ec(BYTES(ED_PARAMS)), generate_ec(BYTES(P521_PARAMS)), rsa_key()};
  static const uint8_t serial[16] = {0xff, 2, 3};
  const struct chio_cert_spec spec = {.subject_cn = "ci",
                                      .issuer_cn = "chio-hsm",
                                      .not_before = 1700000000,
                                      .not_after = 4102444800,
                                      .serial = serial,
                                      .extension_oid = "2.25.89437291873510923401272894127840214531",
                                      .extension = chio_slice_str("{\"evidence\":1}")};
  const uint8_t *at = chio_key_spki(issuer).data;
  EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)chio_key_spki(issuer).len);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(subjects); i++) {
    struct chio_buf der = CHIO_BUF_INIT;
    assert_int_equal(chio_key_certify(subjects[i], issuer, &spec, &der), CHIO_OK);
    at = der.data;
    X509 *cert = d2i_X509(NULL, &at, (long)der.len);
    assert_non_null(cert);
    assert_ptr_equal(at, der.data + der.len);
    assert_int_equal(X509_verify(cert, pkey), 1);
    assert_int_equal(X509_get_version(cert), X509_VERSION_3);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_name(X509_get_subject_name(cert), "ci");
    assert_name(X509_get_issuer_name(cert), "chio-hsm");
    time_t moment = 1700000000;
    assert_true(X509_cmp_time(X509_get0_notBefore(cert), &moment) == -1); /* as old, to the second */
    moment = 1699999999;
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(cert), &moment), 1);
    moment = 4102444799; /* 2049-12-31T23:59:59Z + 50 years: four digits of the year */
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(cert), &moment), 1);
    ASN1_OBJECT *oid = OBJ_txt2obj(spec.extension_oid, 1);
    int index = X509_get_ext_by_OBJ(cert, oid, -1);
    assert_true(index >= 0);
    ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(cert, index));
    assert_true(chio_slice_equal(chio_slice(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
                                 spec.extension));
    uint8_t *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    assert_true(chio_slice_equal(chio_slice(spki, (size_t)len), chio_key_spki(subjects[i])));
    OPENSSL_free(spki);
    ASN1_OBJECT_free(oid);
    X509_free(cert);
    chio_buf_clear(&der);
  }
  struct chio_buf der = CHIO_BUF_INIT;
  assert_int_equal(chio_key_certify(issuer, subjects[0], &spec, &der), CHIO_E_KEY_TYPE);
  EVP_PKEY_free(pkey);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(subjects); i++) chio_key_free(subjects[i]);
  chio_key_free(issuer);
}

static void der_that_is_not_minimal_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t len;
    bool ok;
  } rows[] = {
      {"\x02\x01\x00", 3, true},       {"\x02\x01\x7f", 3, true},     {"\x02\x02\x00\x80", 4, true},
      {"\x02\x02\x00\x7f", 4, false},  {"\x02\x01\x80", 3, false},    {"\x02\x00", 2, false},
      {"\x02\x81\x01\x01", 4, false},  {"\x02\x80\x01", 3, false},    {"\x02\x83\x00\x00\x01\x01", 6, false},
      {"\x02\x82\x00\x01\x01", 5, false}, {"\x02\x02\x01", 3, false}, {"\x03\x01\x01", 3, false},
      {"\x02", 1, false},              {"", 0, false},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    struct chio_cursor c = chio_cursor(chio_slice(rows[i].bytes, rows[i].len));
    struct chio_slice number;
    assert_int_equal(chio_der_read_unsigned(&c, &number), rows[i].ok ? CHIO_OK : CHIO_E_MALFORMED);
    assert_int_equal(c.left, rows[i].ok ? 0 : rows[i].len);
  }
}

int main(void) {
  if (chio_crypto_init() != CHIO_OK) return 99;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(generation_refuses_what_it_cannot_make),
      cmocka_unit_test(rsa_generation_checks_size_and_exponent),
      cmocka_unit_test(every_key_survives_its_stored_form_and_its_attributes),
      cmocka_unit_test(a_stored_key_of_another_type_is_refused),
      cmocka_unit_test(every_changed_or_cut_public_key_info_is_refused),
      cmocka_unit_test(points_off_the_curve_are_refused),
      cmocka_unit_test(ed25519_points_are_taken_raw_and_wrapped),
      cmocka_unit_test(public_key_info_of_another_key_is_refused),
      cmocka_unit_test(attributes_have_the_forms_that_applications_read),
      cmocka_unit_test(a_certificate_verifies_under_its_issuer_and_carries_its_extension),
      cmocka_unit_test(names_are_cut_between_characters_and_extensions_may_be_large),
      cmocka_unit_test(der_that_is_not_minimal_is_refused),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  struct chio_key *key = rsa_key();
  chio_key_free(key);
  chio_key_free(key);
  return failed;
}
