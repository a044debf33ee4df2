/* The certificate table of SEV-SNP, which comes from the host. Tables that are right are
 * tests/fuzz/corpus/snp_certs. */
#include "attest/snp_certs.h"

#include "attest/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static size_t load(const char *name, uint8_t *out, size_t size) {
  char path[512];
  (void)snprintf(path, sizeof path, "%s/tests/fuzz/corpus/snp_certs/%s", CHIO_SOURCE_TOP, name);
  FILE *in = fopen(path, "rb");
  assert_non_null(in);
  size_t len = fread(out, 1, size, in);
  (void)fclose(in);
  return len;
}

/* The number of certificates, or -1. */
static int certificates_in(const void *table, size_t len) {
  struct chio_buf pem = CHIO_BUF_INIT;
  int count = -1;
  /* On the heap, to its exact length: a read beyond it is seen. */
  uint8_t *exact = malloc(len + 1);
  assert_non_null(exact);
  memcpy(exact + 1, table, len);
  if (chio_snp_certs_pem(chio_slice(exact + 1, len), &pem) == CHIO_OK) {
    count = 0;
    const char *text = chio_buf_cstr(&pem);
    assert_non_null(text);
    while ((text = strstr(text, "-----BEGIN CERTIFICATE-----")) != NULL) text++, count++;
  } else {
    assert_int_equal(pem.len, 0);
  }
  chio_buf_clear(&pem);
  free(exact);
  return count;
}

static void tables_give_their_certificates(void **state) {
  static const struct {
    const char *name;
    int count;
  } rows[] = {{"der", 2},  {"pem_and_extra", 2},   {"vlek_alone", 1}, {"ask_is_no_certificate", 1},
              {"none", 0}, {"beyond_the_end", -1}, {"no_end", -1}};
  uint8_t table[8192];
  (void)state;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    size_t len = load(rows[i].name, table, sizeof table);
    if (certificates_in(table, len) != rows[i].count) fail_msg("%s", rows[i].name);
  }
  assert_int_equal(certificates_in(table, 0), 0);
}

static void every_shorter_table_is_refused(void **state) {
  uint8_t table[8192];
  (void)state;
  size_t len = load("der", table, sizeof table);
  for (size_t shorter = 1; shorter < len; shorter++) assert_int_equal(certificates_in(table, shorter), -1);
}

static void put_u32le(uint8_t *at, uint32_t value) {
  for (unsigned b = 0; b < 4; b++) at[b] = (uint8_t)(value >> 8 * b);
}

static void offsets_and_lengths_outside_are_refused(void **state) {
  static const uint32_t outside[][2] = {/* offset, length */
                                        {0, 10},          {24, 100},                {71, 100},
                                        {UINT32_MAX, 1},  {UINT32_MAX, UINT32_MAX}, {72, UINT32_MAX},
                                        {0x80000000u, 0x80000000u}, {8000, 1},      {0, 0}};
  uint8_t table[8192];
  (void)state;
  size_t len = load("der", table, sizeof table);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(outside); i++) {
    table[0] = 0x63;
    put_u32le(table + 16, outside[i][0]);
    put_u32le(table + 20, outside[i][1]);
    if (certificates_in(table, len) != -1) fail_msg("offset %u, length %u", outside[i][0], outside[i][1]);
    table[0] = 0xee; /* a kind that nobody knows is no way around it */
    if (certificates_in(table, len) != -1) fail_msg("offset %u, length %u", outside[i][0], outside[i][1]);
  }
}

static void a_vcek_that_is_no_certificate_is_refused(void **state) {
  static const uint32_t inside[][2] = {{72, 0}, {73, 300}, {72, 300}};
  uint8_t table[8192];
  (void)state;
  size_t len = load("der", table, sizeof table);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(inside); i++) {
    put_u32le(table + 16, inside[i][0]);
    put_u32le(table + 20, inside[i][1]);
    assert_int_equal(certificates_in(table, len), -1);
  }
}

static void more_entries_than_the_limit_are_refused(void **state) {
  static uint8_t table[24 * (CHIO_SNP_TABLE_ENTRIES_MAX + 2)];
  (void)state;
  for (unsigned count = CHIO_SNP_TABLE_ENTRIES_MAX; count <= CHIO_SNP_TABLE_ENTRIES_MAX + 1; count++) {
    memset(table, 0, sizeof table);
    for (unsigned i = 0; i < count; i++) {
      table[24 * i] = 0xee; /* a kind that nobody knows, empty, at the end */
      table[24 * i + 16] = (uint8_t)(sizeof table & 0xff);
      table[24 * i + 17] = (uint8_t)(sizeof table >> 8);
    }
    assert_int_equal(certificates_in(table, sizeof table), count > CHIO_SNP_TABLE_ENTRIES_MAX ? -1 : 0);
  }
}

static void a_certificate_with_bytes_after_it_is_refused(void **state) {
  uint8_t table[8192];
  (void)state;
  size_t len = load("vlek_alone", table, sizeof table);
  table[20]++;
  assert_int_equal(certificates_in(table, len), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_give_their_certificates),
      cmocka_unit_test(every_shorter_table_is_refused),
      cmocka_unit_test(offsets_and_lengths_outside_are_refused),
      cmocka_unit_test(a_vcek_that_is_no_certificate_is_refused),
      cmocka_unit_test(more_entries_than_the_limit_are_refused),
      cmocka_unit_test(a_certificate_with_bytes_after_it_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
