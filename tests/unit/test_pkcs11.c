/* The parts of chio-pkcs11.so that need no signer: conversion of attributes and parameters, keys against mechanisms,
 * the map of handles, errors. */
#include "pkcs11/attribute.h"
#include "pkcs11/keyfit.h"
#include "pkcs11/library.h"
#include "pkcs11/map.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/rv.h"
#include "signer/wire/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define HUGE_LEN (~(CK_ULONG)0)

static CK_BBOOL yes = CK_TRUE;

static CK_RV convert(const CK_ATTRIBUTE *rows, CK_ULONG count, struct chio_buf *out) {
  *out = (struct chio_buf)CHIO_BUF_INIT;
  CK_RV rv = p11_template_in(rows, count, out);
  struct chio_attrs parsed;
  if (rv == CKR_OK) assert_int_equal(chio_attrs_parse(chio_buf_slice(out), &parsed), CHIO_OK);
  return rv;
}

static CK_RV convert_one(CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG len) {
  struct chio_buf out;
  CK_ATTRIBUTE row = {type, (void *)(uintptr_t)value, len};
  CK_RV rv = convert(&row, 1, &out);
  p11_template_clear(&out);
  return rv;
}

/* ---- attributes ---- */

static void a_template_becomes_its_wire_form(void **state) {
  (void)state;
  CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
  CK_MECHANISM_TYPE allowed[] = {CKM_ECDSA, CKM_EDDSA};
  CK_ATTRIBUTE rows[] = {{CKA_CLASS, &class, sizeof class},
                         {CKA_TOKEN, &yes, 1},
                         {CKA_LABEL, (void *)"ci", 2},
                         {CKA_ID, NULL, 0},
                         {CKA_START_DATE, NULL, 0},
                         {CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed}};
  struct chio_buf out;
  struct chio_slice value;
  assert_int_equal(convert(rows, CHIO_ARRAY_LEN(rows), &out), CKR_OK);
  struct chio_attrs attrs = chio_attrs_of(&out);
  assert_int_equal(chio_attrs_count(attrs), CHIO_ARRAY_LEN(rows));
  assert_int_equal(chio_attrs_ulong(attrs, (uint32_t)CKA_CLASS, 0), CKO_PRIVATE_KEY);
  assert_true(chio_attrs_bool(attrs, (uint32_t)CKA_TOKEN, false));
  assert_true(chio_attrs_find(attrs, (uint32_t)CKA_ID, &value) && value.len == 0);
  assert_true(chio_attrs_find(attrs, (uint32_t)CKA_ALLOWED_MECHANISMS, &value));
  assert_int_equal(value.len, 16);
  assert_int_equal(value.data[0], CKM_ECDSA & 0xff);
  p11_template_clear(&out);
}

static void values_of_the_wrong_size_are_refused_unread(void **state) {
  (void)state;
  /* Nothing behind this pointer may be read at these lengths: the sanitizer watches. */
  CK_BYTE *one = malloc(1);
  assert_non_null(one);
  *one = 1;
  static const struct {
    CK_ATTRIBUTE_TYPE type;
    CK_ULONG len;
  } rows[] = {
      {CKA_TOKEN, 0},
      {CKA_TOKEN, 4},
      {CKA_TOKEN, 8},
      {CKA_CLASS, 0},
      {CKA_CLASS, 1},
      {CKA_CLASS, 4},
      {CKA_CLASS, 16},
      {CKA_START_DATE, 7},
      {CKA_ALLOWED_MECHANISMS, 7},
      {CKA_ALLOWED_MECHANISMS, (CK_ULONG)1 << 31},
      {CKA_ALLOWED_MECHANISMS, (CHIO_MECHANISMS_MAX + 1) * sizeof(CK_ULONG)},
      {CKA_WRAP_TEMPLATE, sizeof(CK_ATTRIBUTE) - 1},
      {CKA_WRAP_TEMPLATE, (CK_ULONG)0x10000000 * sizeof(CK_ATTRIBUTE)},
      {CKA_MODULUS, CHIO_ATTR_VALUE_MAX + 1},
      {CKA_MODULUS, ((CK_ULONG)1 << 31) - 1},
      {CKA_MODULUS, ((CK_ULONG)1 << 32) + 16},
      {CKA_LABEL, HUGE_LEN},
      {CKA_VALUE, CK_UNAVAILABLE_INFORMATION},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_equal(convert_one(rows[i].type, one, rows[i].len), CKR_ATTRIBUTE_VALUE_INVALID);
  free(one);
}

static void a_null_value_with_a_length_is_refused(void **state) {
  (void)state;
  static const struct {
    CK_ATTRIBUTE_TYPE type;
    CK_ULONG len;
  } rows[] = {{CKA_TOKEN, 1},       {CKA_CLASS, sizeof(CK_ULONG)},           {CKA_LABEL, 1},
              {CKA_START_DATE, 8}, {CKA_ALLOWED_MECHANISMS, sizeof(CK_ULONG)}, {CKA_WRAP_TEMPLATE, sizeof(CK_ATTRIBUTE)}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    assert_int_equal(convert_one(rows[i].type, NULL, rows[i].len), CKR_ATTRIBUTE_VALUE_INVALID);
  assert_int_equal(convert_one(CKA_LABEL, NULL, 0), CKR_OK);
}

static void a_flag_is_true_or_false(void **state) {
  (void)state;
  for (unsigned value = 0; value < 256; value++) {
    CK_BYTE byte = (CK_BYTE)value;
    assert_int_equal(convert_one(CKA_SIGN, &byte, 1), value <= 1 ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID);
  }
}

static void unknown_types_are_refused(void **state) {
  (void)state;
  assert_int_equal(convert_one(0x12345678, "x", 1), CKR_ATTRIBUTE_TYPE_INVALID);
  assert_int_equal(convert_one(HUGE_LEN, "x", 1), CKR_ATTRIBUTE_TYPE_INVALID);
  /* The lower half of this number is CKA_LABEL. */
  assert_int_equal(convert_one(((CK_ULONG)1 << 32) + CKA_LABEL, "x", 1), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void impossible_lists_are_refused_at_once(void **state) {
  (void)state;
  CK_ATTRIBUTE row = {CKA_TOKEN, &yes, 1};
  struct chio_buf out;
  static const CK_ULONG counts[] = {CHIO_ATTRS_COUNT_MAX + 1, (CK_ULONG)1 << 32, HUGE_LEN};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(counts); i++)
    assert_int_equal(convert(&row, counts[i], &out), CKR_ARGUMENTS_BAD);
  assert_int_equal(convert(NULL, 1, &out), CKR_ARGUMENTS_BAD);
  assert_int_equal(convert(NULL, 0, &out), CKR_OK);
  assert_int_equal(chio_attrs_count(chio_attrs_of(&out)), 0);
  p11_template_clear(&out);
}

static void nested_templates_are_taken_to_a_depth(void **state) {
  (void)state;
  CK_ATTRIBUTE levels[P11_TEMPLATE_DEPTH_MAX + 2];
  struct chio_buf out;
  levels[0] = (CK_ATTRIBUTE){CKA_SIGN, &yes, 1};
  for (size_t i = 1; i < CHIO_ARRAY_LEN(levels); i++)
    levels[i] = (CK_ATTRIBUTE){CKA_WRAP_TEMPLATE, &levels[i - 1], sizeof levels[0]};
  assert_int_equal(convert(&levels[P11_TEMPLATE_DEPTH_MAX], 1, &out), CKR_OK);
  p11_template_clear(&out);
  assert_int_equal(convert(&levels[P11_TEMPLATE_DEPTH_MAX + 1], 1, &out), CKR_ATTRIBUTE_VALUE_INVALID);
  p11_template_clear(&out);
}

static void a_template_as_large_as_all_values_together_is_refused(void **state) {
  (void)state;
  CK_BYTE *large = calloc(1, CHIO_ATTR_VALUE_MAX);
  CK_ATTRIBUTE rows[] = {{CKA_LABEL, large, CHIO_ATTR_VALUE_MAX}, {CKA_ID, large, CHIO_ATTR_VALUE_MAX}};
  struct chio_buf out;
  assert_non_null(large);
  assert_int_equal(convert(rows, 1, &out), CKR_OK);
  p11_template_clear(&out);
  assert_int_equal(convert(rows, 2, &out), CKR_ATTRIBUTE_VALUE_INVALID);
  p11_template_clear(&out);
  free(large);
}

static CK_RV give(CK_ATTRIBUTE_TYPE type, struct chio_slice value, CK_ATTRIBUTE *row) {
  return p11_attribute_out(chio_attribute_find((uint32_t)type), value, row);
}

static void values_are_given_whole_or_not_at_all(void **state) {
  (void)state;
  CK_BYTE buffer[8] = {0x5a, 0x5a, 0x5a, 0x5a, 0x5a};
  CK_ATTRIBUTE row = {CKA_LABEL, NULL, 77};
  assert_int_equal(give(CKA_LABEL, chio_slice_str("label"), &row), CKR_OK);
  assert_int_equal(row.ulValueLen, 5);
  row = (CK_ATTRIBUTE){CKA_LABEL, buffer, 4};
  assert_int_equal(give(CKA_LABEL, chio_slice_str("label"), &row), CKR_BUFFER_TOO_SMALL);
  assert_int_equal(row.ulValueLen, CK_UNAVAILABLE_INFORMATION);
  assert_int_equal(buffer[0], 0x5a);
  row = (CK_ATTRIBUTE){CKA_LABEL, buffer, 8};
  assert_int_equal(give(CKA_LABEL, chio_slice_str("label"), &row), CKR_OK);
  assert_int_equal(row.ulValueLen, 5);
  assert_memory_equal(buffer, "label", 5);
  row = (CK_ATTRIBUTE){CKA_LABEL, buffer, 0};
  assert_int_equal(give(CKA_LABEL, chio_slice(NULL, 0), &row), CKR_OK);
  assert_int_equal(row.ulValueLen, 0);
}

static void numbers_come_in_the_size_of_the_machine(void **state) {
  (void)state;
  static const uint8_t wire[] = {3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  /* Unaligned on purpose. */
  CK_BYTE buffer[1 + 2 * sizeof(CK_ULONG)];
  CK_ULONG numbers[2];
  CK_ATTRIBUTE row = {CKA_ALLOWED_MECHANISMS, buffer + 1, 2 * sizeof(CK_ULONG)};
  assert_int_equal(give(CKA_ALLOWED_MECHANISMS, chio_slice(wire, 16), &row), CKR_OK);
  memcpy(numbers, buffer + 1, sizeof numbers);
  assert_int_equal(numbers[0], 3);
  assert_int_equal(numbers[1], CK_UNAVAILABLE_INFORMATION);
  row = (CK_ATTRIBUTE){CKA_CLASS, buffer + 1, sizeof(CK_ULONG) - 1};
  assert_int_equal(give(CKA_CLASS, chio_slice(wire, 8), &row), CKR_BUFFER_TOO_SMALL);
}

static void values_without_the_form_of_their_kind_are_not_given(void **state) {
  (void)state;
  CK_BYTE buffer[64];
  static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *value;
    size_t len;
  } rows[] = {{CKA_TOKEN, "\2", 1},     {CKA_TOKEN, "\0\0", 2},    {CKA_CLASS, "\1\0\0\0", 4},
              {CKA_LABEL, "\xff", 1},   {CKA_START_DATE, "2026", 4}, {CKA_ALLOWED_MECHANISMS, "1234567", 7},
              {CKA_WRAP_TEMPLATE, "\1\0\0\0", 4}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    CK_ATTRIBUTE row = {rows[i].type, buffer, sizeof buffer};
    assert_int_equal(give(rows[i].type, chio_slice(rows[i].value, rows[i].len), &row), CKR_GENERAL_ERROR);
    assert_int_equal(row.ulValueLen, CK_UNAVAILABLE_INFORMATION);
  }
}

static void nested_templates_are_given_by_their_own_size_protocol(void **state) {
  (void)state;
  CK_ATTRIBUTE inner[] = {{CKA_LABEL, (void *)"abc", 3}, {CKA_SIGN, &yes, 1}};
  CK_ATTRIBUTE outer = {CKA_WRAP_TEMPLATE, inner, sizeof inner};
  struct chio_buf built;
  struct chio_slice value;
  char label[4];
  CK_BBOOL sign = 9;
  assert_int_equal(convert(&outer, 1, &built), CKR_OK);
  assert_true(chio_attrs_find(chio_attrs_of(&built), (uint32_t)CKA_WRAP_TEMPLATE, &value));
  CK_ATTRIBUTE row = {CKA_WRAP_TEMPLATE, NULL, 0};
  assert_int_equal(give(CKA_WRAP_TEMPLATE, value, &row), CKR_OK);
  assert_int_equal(row.ulValueLen, 2 * sizeof(CK_ATTRIBUTE));
  CK_ATTRIBUTE back[2] = {{0, NULL, 0}, {0, &sign, 1}};
  row.pValue = back;
  assert_int_equal(give(CKA_WRAP_TEMPLATE, value, &row), CKR_OK);
  assert_int_equal(back[0].type, CKA_LABEL);
  assert_int_equal(back[0].ulValueLen, 3);
  assert_int_equal(back[1].type, CKA_SIGN);
  assert_int_equal(sign, 1);
  back[0] = (CK_ATTRIBUTE){0, label, 2};
  assert_int_equal(give(CKA_WRAP_TEMPLATE, value, &row), CKR_BUFFER_TOO_SMALL);
  assert_int_equal(back[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
  row.ulValueLen = sizeof(CK_ATTRIBUTE);
  assert_int_equal(give(CKA_WRAP_TEMPLATE, value, &row), CKR_BUFFER_TOO_SMALL);
  p11_template_clear(&built);
}

/* ---- parameters ---- */

static CK_RV params_of(uint32_t wire, void *parameter, CK_ULONG len, struct chio_mech_params *out) {
  const struct chio_mechanism *row = chio_mechanism_by_wire(wire);
  CK_MECHANISM given = {row->ckm, parameter, len};
  return p11_mechanism_params(row, &given, out);
}

static void parameters_are_due_where_the_table_says_so(void **state) {
  (void)state;
  struct chio_mech_params params;
  CK_BYTE junk[64] = {0};
  size_t count;
  const struct chio_mechanism *table = chio_mechanism_table(&count);
  for (size_t i = 0; i < count; i++) {
    CK_RV none = table[i].params_required ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
    assert_int_equal(params_of(table[i].wire, NULL, 0, &params), none);
    assert_int_equal(params_of(table[i].wire, NULL, 16, &params), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(params_of(table[i].wire, NULL, HUGE_LEN, &params), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(params_of(table[i].wire, junk, 16 + 1, &params), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(params_of(table[i].wire, junk, HUGE_LEN, &params), CKR_MECHANISM_PARAM_INVALID);
  }
}

static void the_name_of_a_profile_is_translated(void **state) {
  (void)state;
  char name[] = "tee-v1";
  char longest[CHIO_PROFILE_NAME_MAX + 1];
  struct chio_mech_params params;
  memset(longest, 'a', sizeof longest);
  assert_int_equal(params_of(CHIO_MECH_CHIO_ATTEST, name, strlen(name), &params), CKR_OK);
  assert_true(params.kind == CHIO_PARAMS_ATTEST && chio_slice_equal(params.profile, chio_slice_str(name)));
  assert_int_equal(params_of(CHIO_MECH_CHIO_ATTEST, longest, sizeof longest - 1, &params), CKR_OK);
  assert_int_equal(params_of(CHIO_MECH_CHIO_ATTEST, longest, sizeof longest, &params), CKR_MECHANISM_PARAM_INVALID);
  assert_int_equal(params_of(CHIO_MECH_CHIO_ATTEST, name, sizeof name, &params), CKR_MECHANISM_PARAM_INVALID);
}

static void pss_parameters_are_translated(void **state) {
  (void)state;
  CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA384, CKG_MGF1_SHA1, 48};
  struct chio_mech_params params;
  assert_int_equal(params_of(CHIO_MECH_RSA_PKCS_PSS, &pss, sizeof pss, &params), CKR_OK);
  assert_int_equal(params.hash, CHIO_MECH_SHA384);
  assert_int_equal(params.mgf_hash, CHIO_MECH_SHA_1);
  assert_int_equal(params.salt_len, 48);
  assert_int_equal(params_of(CHIO_MECH_SHA256_RSA_PKCS_PSS, &pss, sizeof pss, &params), CKR_MECHANISM_PARAM_INVALID);
}

static void eddsa_parameters_are_translated(void **state) {
  (void)state;
  CK_BYTE context[CHIO_EDDSA_CONTEXT_MAX + 1] = {7};
  struct p11_eddsa_params eddsa = {1, CHIO_EDDSA_CONTEXT_MAX, context};
  struct chio_mech_params params;
  assert_int_equal(params_of(CHIO_MECH_EDDSA, &eddsa, sizeof eddsa, &params), CKR_OK);
  assert_true(params.prehash && params.context.len == CHIO_EDDSA_CONTEXT_MAX && params.context.data == context);
  eddsa.ulContextDataLen++;
  assert_int_equal(params_of(CHIO_MECH_EDDSA, &eddsa, sizeof eddsa, &params), CKR_MECHANISM_PARAM_INVALID);
  eddsa = (struct p11_eddsa_params){0, 1, NULL};
  assert_int_equal(params_of(CHIO_MECH_EDDSA, &eddsa, sizeof eddsa, &params), CKR_MECHANISM_PARAM_INVALID);
  eddsa = (struct p11_eddsa_params){2, 0, NULL};
  assert_int_equal(params_of(CHIO_MECH_EDDSA, &eddsa, sizeof eddsa, &params), CKR_MECHANISM_PARAM_INVALID);
}

/* ---- keys ---- */

static struct chio_attrs ec_key(struct chio_buf *out, CK_OBJECT_CLASS class, const char *params, size_t len) {
  chio_attrs_begin(out);
  chio_attrs_add_ulong(out, (uint32_t)CKA_CLASS, class);
  chio_attrs_add_ulong(out, (uint32_t)CKA_KEY_TYPE, CKK_EC);
  chio_attrs_add_bool(out, (uint32_t)CKA_SIGN, true);
  chio_attrs_add(out, (uint32_t)CKA_EC_PARAMS, chio_slice(params, len));
  return chio_attrs_of(out);
}

static void a_signature_is_as_long_as_its_key_says(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  const struct chio_mechanism *ecdsa = chio_mechanism_by_wire(CHIO_MECH_ECDSA);
  static const struct {
    const char *params;
    size_t len, signature;
  } curves[] = {{"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 64},
                {"\x06\x05\x2b\x81\x04\x00\x22", 7, 96},
                {"\x06\x05\x2b\x81\x04\x00\x23", 7, 132},
                {"\x06\x05\x2b\x81\x04\x00\x0a", 7, 0},
                {"", 0, 0}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(curves); i++)
    assert_int_equal(p11_key_signature_len(ec_key(&b, CKO_PRIVATE_KEY, curves[i].params, curves[i].len), ecdsa),
                     curves[i].signature);
  uint8_t modulus[257] = {0, 0x80};
  chio_attrs_begin(&b);
  chio_attrs_add_ulong(&b, (uint32_t)CKA_KEY_TYPE, CKK_RSA);
  chio_attrs_add(&b, (uint32_t)CKA_MODULUS, chio_slice(modulus, sizeof modulus));
  assert_int_equal(p11_key_signature_len(chio_attrs_of(&b), chio_mechanism_by_wire(CHIO_MECH_RSA_PKCS)), 256);
  assert_int_equal(p11_key_signature_len(chio_attrs_of(&b), chio_mechanism_by_wire(CHIO_MECH_CHIO_ATTEST)), 0);
  chio_buf_clear(&b);
}

static void the_type_of_a_key_outranks_what_it_may_do(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  struct chio_mech_params none = {.kind = CHIO_PARAMS_NONE};
  const struct chio_mechanism *ecdsa = chio_mechanism_by_wire(CHIO_MECH_ECDSA);
  const struct chio_mechanism *eddsa = chio_mechanism_by_wire(CHIO_MECH_EDDSA);
  struct chio_attrs key = ec_key(&b, CKO_PRIVATE_KEY, "\x06\x05\x2b\x81\x04\x00\x22", 7);
  assert_int_equal(p11_key_fits(key, ecdsa, &none, true), CKR_OK);
  assert_int_equal(p11_key_fits(key, eddsa, &none, false), CKR_KEY_TYPE_INCONSISTENT);
  assert_int_equal(p11_key_fits(key, ecdsa, &none, false), CKR_KEY_FUNCTION_NOT_PERMITTED);
  key = ec_key(&b, CKO_CERTIFICATE, "", 0);
  assert_int_equal(p11_key_fits(key, ecdsa, &none, true), CKR_KEY_HANDLE_INVALID);
  assert_int_equal(p11_key_fits((struct chio_attrs){{NULL, 0}}, ecdsa, &none, true), CKR_KEY_HANDLE_INVALID);
  chio_buf_clear(&b);
}

static void a_salt_must_fit_into_the_modulus(void **state) {
  (void)state;
  struct chio_buf b = CHIO_BUF_INIT;
  uint8_t modulus[256] = {0x80};
  struct chio_mech_params pss = {.kind = CHIO_PARAMS_PSS, .hash = CHIO_MECH_SHA256, .mgf_hash = CHIO_MECH_SHA256};
  chio_attrs_begin(&b);
  chio_attrs_add_ulong(&b, (uint32_t)CKA_CLASS, CKO_PRIVATE_KEY);
  chio_attrs_add_ulong(&b, (uint32_t)CKA_KEY_TYPE, CKK_RSA);
  chio_attrs_add_bool(&b, (uint32_t)CKA_SIGN, true);
  chio_attrs_add(&b, (uint32_t)CKA_MODULUS, chio_slice(modulus, sizeof modulus));
  const struct chio_mechanism *row = chio_mechanism_by_wire(CHIO_MECH_RSA_PKCS_PSS);
  pss.salt_len = 256 - 32 - 2;
  assert_int_equal(p11_key_fits(chio_attrs_of(&b), row, &pss, true), CKR_OK);
  pss.salt_len++;
  assert_int_equal(p11_key_fits(chio_attrs_of(&b), row, &pss, true), CKR_MECHANISM_PARAM_INVALID);
  pss.salt_len = UINT32_MAX;
  assert_int_equal(p11_key_fits(chio_attrs_of(&b), row, &pss, true), CKR_MECHANISM_PARAM_INVALID);
  chio_buf_clear(&b);
}

/* ---- the map, texts, errors ---- */

static void the_map_keeps_what_it_was_given(void **state) {
  (void)state;
  static int values[5000];
  struct p11_map map = {0};
  assert_null(p11_map_get(&map, 1));
  assert_null(p11_map_take(&map, 1));
  for (uint64_t round = 0; round < 3; round++) {
    for (uint64_t i = 0; i < 5000; i++) assert_true(p11_map_put(&map, 1 + i * 4096 + round, &values[i]));
    for (uint64_t i = 0; i < 5000; i++) assert_ptr_equal(p11_map_get(&map, 1 + i * 4096 + round), &values[i]);
    assert_int_equal(map.live, 5000);
    for (uint64_t i = 0; i < 5000; i += 2) assert_ptr_equal(p11_map_take(&map, 1 + i * 4096 + round), &values[i]);
    assert_null(p11_map_get(&map, 1 + round));
    size_t at = 0, seen = 0;
    while (p11_map_next(&map, &at) != NULL) seen++;
    assert_int_equal(seen, 2500);
    for (uint64_t i = 1; i < 5000; i += 2) assert_ptr_equal(p11_map_take(&map, 1 + i * 4096 + round), &values[i]);
  }
  assert_int_equal(map.live, 0);
  assert_null(p11_map_get(&map, 0));
  p11_map_clear(&map);
}

static void texts_are_padded_and_never_cut_inside_a_character(void **state) {
  (void)state;
  CK_UTF8CHAR out[4];
  p11_pad(out, sizeof out, chio_slice_str("ab"));
  assert_memory_equal(out, "ab  ", 4);
  p11_pad(out, sizeof out, chio_slice_str("abcdef"));
  assert_memory_equal(out, "abcd", 4);
  p11_pad(out, sizeof out, chio_slice_str("abc\xc3\xa4"));
  assert_memory_equal(out, "abc ", 4);
  p11_pad(out, sizeof out, chio_slice(NULL, 0));
  assert_memory_equal(out, "    ", 4);
}

static void every_error_has_a_defined_answer(void **state) {
  (void)state;
  for (uint32_t number = 0; number < 256; number++) {
    enum chio_err err = chio_err_from_wire(number);
    CK_RV rv = p11_rv(err);
    assert_int_equal(rv == CKR_OK, err == CHIO_OK);
    assert_true(rv <= CKR_FUNCTION_REJECTED);
  }
  assert_int_equal(p11_rv(CHIO_E_OBJECT_UNKNOWN), CKR_OBJECT_HANDLE_INVALID);
  assert_int_equal(p11_rv_key(CHIO_E_OBJECT_UNKNOWN), CKR_KEY_HANDLE_INVALID);
  assert_int_equal(p11_rv_login(CHIO_E_PIN_LENGTH), CKR_PIN_INCORRECT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_template_becomes_its_wire_form),
      cmocka_unit_test(values_of_the_wrong_size_are_refused_unread),
      cmocka_unit_test(a_null_value_with_a_length_is_refused),
      cmocka_unit_test(a_flag_is_true_or_false),
      cmocka_unit_test(unknown_types_are_refused),
      cmocka_unit_test(impossible_lists_are_refused_at_once),
      cmocka_unit_test(nested_templates_are_taken_to_a_depth),
      cmocka_unit_test(a_template_as_large_as_all_values_together_is_refused),
      cmocka_unit_test(values_are_given_whole_or_not_at_all),
      cmocka_unit_test(numbers_come_in_the_size_of_the_machine),
      cmocka_unit_test(values_without_the_form_of_their_kind_are_not_given),
      cmocka_unit_test(nested_templates_are_given_by_their_own_size_protocol),
      cmocka_unit_test(parameters_are_due_where_the_table_says_so),
      cmocka_unit_test(the_name_of_a_profile_is_translated),
      cmocka_unit_test(pss_parameters_are_translated),
      cmocka_unit_test(eddsa_parameters_are_translated),
      cmocka_unit_test(a_signature_is_as_long_as_its_key_says),
      cmocka_unit_test(the_type_of_a_key_outranks_what_it_may_do),
      cmocka_unit_test(a_salt_must_fit_into_the_modulus),
      cmocka_unit_test(the_map_keeps_what_it_was_given),
      cmocka_unit_test(texts_are_padded_and_never_cut_inside_a_character),
      cmocka_unit_test(every_error_has_a_defined_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
