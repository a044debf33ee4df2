/*
 * Every byte of every recorded evidence, one bit of it changed: what was proved before may still be proved only where
 * the format signs no such byte. What a format signs is said here, by readers that are not the verifier's. A sixteenth
 * of the bytes in a usual run; all of them with CHIO_FLIP=all. Two processes share the work.
 */
#include "attest/dcap.h"
#include "attest/snp.h"
#include "tests/unit/vectors.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

/* ---- What each format signs ---- */

static bool is_blank(uint8_t c) {
  return c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == 0;
}

static uint32_t u32(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* PEM: white space may be any other, and text may follow the last block. */
static void put_pem(const uint8_t *bytes, size_t len, struct chio_buf *out) {
  static const char mark[] = "-----END CERTIFICATE-----";
  const uint8_t *last = NULL, *found = bytes;
  while ((found = memmem(found, len - (size_t)(found - bytes), mark, sizeof mark - 1)) != NULL) last = ++found;
  if (last != NULL) len = (size_t)(last - bytes) + sizeof mark - 2;
  for (size_t i = 0; i < len; i++) chio_buf_append_u8(out, is_blank(bytes[i]) ? ' ' : bytes[i]);
}

static bool all_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  chio_buf_append_slice(out, chio_buf_slice(evidence));
  return true;
}

/* Header and body, then the signature data, whose length is before it; bytes may follow. */
static size_t quote_len(struct chio_slice quote) {
  size_t body = quote.data[0] == 5                   ? 6 + u32(quote.data + 50)
                : quote.data[4] == CHIO_DCAP_TEE_TDX ? CHIO_DCAP_TD10_SIZE
                                                     : CHIO_DCAP_SGX_SIZE;
  size_t end = CHIO_DCAP_HEADER_SIZE + body;
  if (quote.len < end + 4) return quote.len;
  end += 4 + u32(quote.data + end);
  return end < quote.len ? end : quote.len;
}

/* All but the PEM text's white space: the certificates are signed by one another, not by the quote. */
static void put_quote(struct chio_slice quote, struct chio_buf *out) {
  if (quote.len == 0) return;
  if (quote.len > CHIO_DCAP_HEADER_SIZE + 6) quote.len = quote_len(quote);
  const uint8_t *pem = memmem(quote.data, quote.len, "-----BEGIN", 10);
  size_t head = pem != NULL ? (size_t)(pem - quote.data) : quote.len;
  chio_buf_append(out, quote.data, head);
  if (pem != NULL) put_pem(pem, quote.len - head, out);
}

static bool quote_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  put_quote(chio_buf_slice(evidence), out);
  return true;
}

static bool pem_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  put_pem(evidence->data, evidence->len, out);
  return true;
}

static bool trimmed_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  size_t len = evidence->len;
  while (len > 0 && is_blank(evidence->data[len - 1])) len--;
  chio_buf_append(out, evidence->data, len);
  return true;
}

/* Of the host's table the chip's certificate alone; the verifier has the authorities of its own. */
static bool put_vek(struct chio_slice table, struct chio_buf *out) {
  static const uint8_t vcek[4] = {0x63, 0xda, 0x75, 0x8d}, vlek[4] = {0xa8, 0x07, 0x4b, 0xc2}, end[24] = {0};
  for (size_t at = 0; at + 24 <= table.len && memcmp(table.data + at, end, 24) != 0; at += 24) {
    const uint8_t *entry = table.data + at;
    if (memcmp(entry, vcek, 4) != 0 && memcmp(entry, vlek, 4) != 0) continue;
    uint32_t offset = u32(entry + 16), len = u32(entry + 20);
    if (offset > table.len || len > table.len - offset) return false;
    if (memmem(table.data + offset, len, "-----BEGIN", 10) == NULL)
      chio_buf_append(out, table.data + offset, len);
    else
      put_pem(table.data + offset, len, out);
    return true;
  }
  return false;
}

static bool table_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  chio_buf_append(out, evidence->data, CHIO_SNP_REPORT_SIZE);
  return put_vek(chio_slice(evidence->data + CHIO_SNP_REPORT_SIZE, evidence->len - CHIO_SNP_REPORT_SIZE), out);
}

/* ---- JSON: what its members mean, not how they are written ---- */

static int digit64(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

static void put_base64(const char *text, struct chio_buf *out) {
  unsigned bits = 0, have = 0;
  for (; *text != 0 && *text != '='; text++) {
    bits = bits << 6 | (unsigned)digit64(*text);
    have += 6;
    if (have >= 8) chio_buf_append_u8(out, (uint8_t)(bits >> (have -= 8)));
  }
}

static void put_hex(const char *text, struct chio_buf *out) {
  unsigned value;
  for (; sscanf(text, "%2x", &value) == 1; text += 2) chio_buf_append_u8(out, (uint8_t)value);
}

/* An array of numbers, or text. */
static struct chio_buf member_bytes(const json_t *value, bool hex) {
  struct chio_buf out = CHIO_BUF_INIT;
  size_t i;
  json_t *number;
  if (json_is_string(value) && hex) put_hex(json_string_value(value), &out);
  if (json_is_string(value) && !hex) put_base64(json_string_value(value), &out);
  json_array_foreach(value, i, number) chio_buf_append_u8(&out, (uint8_t)json_integer_value(number));
  return out;
}

static json_t *either(const json_t *object, const char *name, const char *other) {
  json_t *found = json_object_get(object, name);
  return found != NULL ? found : json_object_get(object, other);
}

/* Of the paravisor's report: the hardware's report, and the runtime data whose hash is in it. */
static bool put_hcl(const struct chio_buf *hcl, bool tdx, struct chio_buf *out) {
  if (hcl->len < 0x4d4) return false;
  uint32_t len = u32(hcl->data + 0x4d0);
  if (len > hcl->len - 0x4d4) return false;
  if (!tdx) chio_buf_append(out, hcl->data + 0x20, CHIO_SNP_REPORT_SIZE); /* TDX has a quote in its place */
  chio_buf_append(out, hcl->data + 0x4d4, len);
  return true;
}

/* Registers that the TPM's selection has: three bytes of bits in its message. */
static void put_registers(const json_t *pcrs, struct chio_buf *out) {
  size_t i;
  json_t *pcr;
  json_array_foreach(pcrs, i, pcr) {
    struct chio_buf value = member_bytes(pcr, true);
    chio_buf_append_slice(out, chio_buf_slice(&value));
    chio_buf_clear(&value);
  }
}

static bool azure_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  json_t *root = json_loadb((const char *)evidence->data, evidence->len, JSON_REJECT_DUPLICATES, NULL);
  if (root == NULL) return false;
  json_t *quote = either(root, "tpm_quote", "quote"), *td = json_object_get(root, "td_quote");
  json_t *vcek = json_object_get(root, "vcek");
  struct chio_buf hcl = member_bytes(either(root, "hcl_report", "report"), false);
  struct chio_buf message = member_bytes(json_object_get(quote, "message"), true);
  struct chio_buf signature = member_bytes(json_object_get(quote, "signature"), true);
  struct chio_buf td_quote = member_bytes(td, false);
  bool readable = put_hcl(&hcl, td != NULL, out);
  put_quote(chio_buf_slice(&td_quote), out);
  chio_buf_append_slice(out, chio_buf_slice(&message));
  chio_buf_append_slice(out, chio_buf_slice(&signature));
  put_registers(json_object_get(quote, "pcrs"), out);
  const char *text = json_string_value(vcek);
  if (text != NULL && text[0] == '-')
    put_pem((const uint8_t *)text, strlen(text), out);
  else if (text != NULL)
    put_base64(text, out);
  struct chio_buf *const bufs[] = {&hcl, &message, &signature, &td_quote};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(bufs); i++) chio_buf_clear(bufs[i]);
  json_decref(root);
  return readable;
}

static bool tsm_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  json_t *root = json_loadb((const char *)evidence->data, evidence->len, JSON_REJECT_DUPLICATES, NULL);
  if (root == NULL) return false;
  struct chio_buf report = member_bytes(json_object_get(root, "outblob"), false);
  struct chio_buf table = member_bytes(json_object_get(root, "auxblob"), false);
  chio_buf_append_slice(out, chio_buf_slice(&report));
  bool readable = put_vek(chio_buf_slice(&table), out);
  chio_buf_clear(&report);
  chio_buf_clear(&table);
  json_decref(root);
  return readable;
}

/* {"cmw": text of {collection: [type, text of the report's JSON]}}: three texts, each base64 in the one around it. */
static bool eat_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  json_t *eat = json_loadb((const char *)evidence->data, evidence->len, JSON_REJECT_DUPLICATES, NULL);
  struct chio_buf wrapper = member_bytes(json_object_get(eat, "cmw"), false), report = CHIO_BUF_INIT;
  json_t *collection = json_loadb((const char *)wrapper.data, wrapper.len, JSON_REJECT_DUPLICATES, NULL), *value;
  const char *name;
  json_object_foreach(collection, name, value) {
    if (!json_is_array(value) || report.len > 0) continue;
    report = member_bytes(json_array_get(value, 1), false);
  }
  bool readable = report.len > 0 && tsm_bytes(&report, out);
  chio_buf_clear(&wrapper);
  chio_buf_clear(&report);
  json_decref(eat);
  json_decref(collection);
  return readable;
}

/* A member of a CBOR map whose value has a length of two octets. */
static bool cbor_member(const struct chio_buf *evidence, const char *name, struct chio_slice *out) {
  const uint8_t *end = evidence->data + evidence->len, *at = memmem(evidence->data, evidence->len, name, strlen(name));
  if (at == NULL || end - (at += strlen(name)) < 3 || at[0] != 0x59) return false;
  size_t len = (size_t)at[1] << 8 | at[2];
  *out = chio_slice(at + 3, len);
  return len <= (size_t)(end - at - 3);
}

static bool cbor_bytes(const struct chio_buf *evidence, struct chio_buf *out) {
  struct chio_slice report, table;
  if (!cbor_member(evidence, "outblob", &report) || !cbor_member(evidence, "auxblob", &table)) return false;
  chio_buf_append_slice(out, report);
  return put_vek(table, out);
}

struct format {
  const char *name, *unsigned_part;
  bool (*signed_bytes)(const struct chio_buf *evidence, struct chio_buf *out);
};

static const struct format quote = {
    "DCAP quote", "white space in the PEM text of the PCK chain; bytes after it, which refuse unless they are zero",
    quote_bytes};
static const struct format report = {"SNP report", "nothing: what is not signed must be zero", all_bytes};
static const struct format table = {
    "SNP report and table", "the host's table but for the chip's certificate: authorities, order, gaps", table_bytes};
static const struct format nitro = {"Nitro document", "nothing", all_bytes};
static const struct format azure = {
    "Azure evidence", "how the JSON is written; the paravisor's header; the TDREPORT beside a quote", azure_bytes};
static const struct format tsm = {"configfs-tsm report", "how the JSON is written; 'provider'; as the table",
                                  tsm_bytes};
static const struct format tsm_cbor = {"configfs-tsm, CBOR", "'provider'; as the table", cbor_bytes};
static const struct format eat = {"EAT", "how the JSON is written; profile and types; as the table", eat_bytes};
static const struct format token = {"MAA token", "the line end after it", trimmed_bytes};
static const struct format certificate = {"RA-TLS certificate", "white space in its PEM text, and text after it",
                                          pem_bytes};

/* ---- The evidence ---- */

struct subject {
  char name[320];
  const struct format *format;
  struct chio_buf evidence;
  struct chio_attest_collateral *collateral;
  int64_t at;
};

#define SUBJECTS_MAX 128

static struct subject subjects[SUBJECTS_MAX];
static size_t subjects_count;

static void add(const struct format *format, const char *name, const char *collateral, int64_t at) {
  char path[4000];
  assert_true(subjects_count < SUBJECTS_MAX);
  struct subject *s = &subjects[subjects_count++];
  snprintf(s->name, sizeof s->name, "%s", name);
  snprintf(path, sizeof path, "%s/%s", vectors_dir, name);
  s->format = format;
  s->evidence = vectors_read(path);
  assert_int_not_equal(s->evidence.len, 0);
  snprintf(path, sizeof path, "%s/%s", vectors_dir, collateral != NULL ? collateral : "");
  s->collateral = vectors_collateral(collateral != NULL ? path : NULL);
  s->at = at;
}

static json_t *load(const char *folder, const char *file, const char *ending) {
  char path[4600];
  snprintf(path, sizeof path, "%s/%s/%s%s", vectors_dir, folder, file, ending);
  return json_load_file(path, 0, NULL);
}

static const char *text_of(const json_t *object, const char *outer, const char *inner) {
  return json_string_value(json_object_get(outer != NULL ? json_object_get(object, outer) : object, inner));
}

/* The same report with the host's table after it, and no other collateral. */
static void add_table(const char *folder, int64_t at) {
  char path[3400], name[320];
  snprintf(path, sizeof path, "%s/%s/auxblob.bin", vectors_dir, folder);
  struct chio_buf aux = vectors_read(path);
  if (aux.len > 0) {
    snprintf(name, sizeof name, "%s/report.bin", folder);
    add(&table, name, NULL, at);
    chio_buf_append_slice(&subjects[subjects_count - 1].evidence, chio_buf_slice(&aux));
  }
  chio_buf_clear(&aux);
}

static void add_folder(const char *kind, const char *name) {
  char folder[300], file[320];
  snprintf(folder, sizeof folder, "%s/%s", kind, name);
  json_t *expected = load(folder, "expected", ".json");
  if (expected == NULL) return;
  if (strcmp(kind, "snp") == 0) {
    int64_t at = vectors_time(text_of(expected, "vek", "not_before")) + 86400;
    snprintf(file, sizeof file, "%s/report.bin", folder);
    add(&report, file, folder, at);
    add_table(folder, at);
  } else {
    const char *when = text_of(expected, NULL, "verify_time");
    snprintf(file, sizeof file, "%s/quote.bin", folder);
    add(&quote, file, folder, vectors_time(when != NULL ? when : "2026-01-01T00:00:00"));
  }
  json_decref(expected);
}

static void add_file(const char *kind, char *name) {
  char file[320];
  char *end = strstr(name, ".expected.json");
  if (end == NULL) return;
  *end = 0;
  json_t *expected = load(kind, name, ".expected.json");
  if (strcmp(kind, "nitro") == 0) {
    snprintf(file, sizeof file, "%s/%s.cbor", kind, name);
    add(&nitro, file, NULL, vectors_time(text_of(expected, "checks", "timestamp")));
  } else if (strncmp(name, "maa", 3) == 0) {
    snprintf(file, sizeof file, "%s/%s.jwt", kind, name);
    int64_t from = json_integer_value(json_object_get(json_object_get(expected, "payload"), "nbf"));
    add(&token, file, "azure/maa-sharedeus2-jwks.json", from + 1);
  } else {
    snprintf(file, sizeof file, "%s/%s.json", kind, name);
    add(&azure, file, NULL, vectors_time("2026-01-01T00:00:00"));
  }
  json_decref(expected);
}

static void collect(void) {
  static const char *const kinds[] = {"tdx", "sgx", "snp", "nitro", "azure"};
  for (size_t k = 0; k < CHIO_ARRAY_LEN(kinds); k++) {
    char path[4000];
    struct dirent **names;
    snprintf(path, sizeof path, "%s/%s", vectors_dir, kinds[k]);
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
      if (k < 3)
        add_folder(kinds[k], names[i]->d_name);
      else
        add_file(kinds[k], names[i]->d_name);
      free(names[i]);
    }
    free(names);
  }
  add(&tsm, "snp/genoa-v3-veraison/tsm-report.json", NULL, vectors_time("2026-01-01T00:00:00"));
  add(&tsm_cbor, "snp/genoa-v3-veraison/tsm-report.cbor", NULL, vectors_time("2026-01-01T00:00:00"));
  add(&eat, "snp/genoa-v3-veraison/ratsd-eat-cmw.json", NULL, vectors_time("2026-01-01T00:00:00"));
  add(&certificate, "sgx/ratls/gramine-cert.pem", NULL, vectors_time("2024-06-01T00:00:00"));
  add(&certificate, "sgx/ratls/intel-sgxsdk-cert.pem", NULL, vectors_time("2024-06-01T00:00:00"));
  add(&certificate, "sgx/ratls/rats-tls-cert.pem", NULL, vectors_time("2023-06-01T00:00:00"));
}

/* ---- Flipping ---- */

static struct chio_attest_result *judge(const struct subject *s) {
  const struct chio_attest_request request = {
      .evidence = s->evidence.data, .evidence_len = s->evidence.len, .collateral = s->collateral, .at = s->at};
  struct chio_attest_result *result = NULL;
  if (chio_attest_verify(&request, &result, NULL) != CHIO_ATTEST_OK) abort();
  return result;
}

/* Everything that was proved still is, and nothing more is said against it. */
static bool as_good(const struct chio_attest_result *before, const struct chio_attest_result *now) {
  if ((before->proved & ~now->proved) != 0 || now->failures_count > before->failures_count) return false;
  for (size_t i = 0; i < now->failures_count; i++) {
    if (now->failures[i].reason != before->failures[i].reason) return false;
  }
  return true;
}

static bool same_signed_bytes(const struct subject *s, const struct chio_buf *original) {
  struct chio_buf now = CHIO_BUF_INIT;
  bool same =
      s->format->signed_bytes(&s->evidence, &now) && chio_slice_equal(chio_buf_slice(&now), chio_buf_slice(original));
  chio_buf_clear(&now);
  return same;
}

/* The number of changes that should have shown and did not. */
static unsigned flip(struct subject *s, size_t step) {
  struct chio_buf original = CHIO_BUF_INIT;
  struct chio_attest_result *before = judge(s);
  unsigned wrong = 0;
  size_t flips = 0, tolerated = 0;
  if ((before->proved & CHIO_ATTEST_PROVED_SIGNATURE) == 0 || !s->format->signed_bytes(&s->evidence, &original)) {
    (void)printf("# %-20s %-42s not genuine as it stands: %s\n", s->format->name, s->name,
                 chio_attest_reason_code(before->reason));
    chio_attest_result_free(before);
    return 0;
  }
  bool chained = (before->proved & CHIO_ATTEST_PROVED_CHAIN) != 0 || s->format == &token;
  for (size_t i = 0; chained && i < s->evidence.len; i += step, flips++) {
    uint8_t bit = (uint8_t)(1u << (i / step + i) % 8);
    s->evidence.data[i] ^= bit;
    struct chio_attest_result *now = judge(s);
    if (as_good(before, now)) {
      tolerated++;
      if (!same_signed_bytes(s, &original) && wrong++ < 5)
        (void)printf("# WRONG %s: bit %02x of byte %zu makes no difference\n", s->name, bit, i);
    }
    chio_attest_result_free(now);
    s->evidence.data[i] ^= bit;
  }
  (void)printf("# %-20s %-42s %5zu of %5zu bytes changed, %4zu unsigned%s\n", s->format->name, s->name, flips,
               s->evidence.len, tolerated, chained ? "" : " (no chain: nothing vouches for it)");
  (void)fflush(stdout);
  chio_attest_result_free(before);
  chio_buf_clear(&original);
  return wrong;
}

static unsigned flip_share(size_t share, size_t shares, size_t step) {
  unsigned wrong = 0;
  for (size_t i = share; i < subjects_count; i += shares) wrong += flip(&subjects[i], step);
  return wrong;
}

static void a_changed_bit_shows_wherever_the_format_signs_it(void **state) {
  (void)state;
  if (!vectors_found()) skip();
  static const struct format *const formats[] = {&quote, &report,   &table, &nitro, &azure,
                                                 &tsm,   &tsm_cbor, &eat,   &token, &certificate};
  const char *all = getenv("CHIO_FLIP");
  size_t step = all != NULL && strcmp(all, "all") == 0 ? 1 : 16;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(formats); i++)
    print_message("# unsigned in a %s: %s\n", formats[i]->name, formats[i]->unsigned_part);
  collect();
  (void)fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(flip_share(1, 2, step) == 0 ? 0 : 1);
  unsigned wrong = flip_share(0, 2, step);
  int status = 1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(wrong, 0);
  assert_int_equal(status, 0);
  for (size_t i = 0; i < subjects_count; i++) {
    chio_attest_collateral_free(subjects[i].collateral);
    chio_buf_clear(&subjects[i].evidence);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_changed_bit_shows_wherever_the_format_signs_it)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
