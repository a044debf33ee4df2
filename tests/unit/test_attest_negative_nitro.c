/*
 * Nitro documents with one thing wrong, under a root of ours that has AWS's profile: what other verifiers got wrong
 * (the Cantina review of base/nitro-validator of August 2026 above all), and what QEMU's device makes. Prints what was
 * tried and why it was refused.
 */
#include "attest/ecdsa.h"
#include "attest/nitro.h"
#include "tests/unit/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/pem.h>

#define SIGNATURE CHIO_ATTEST_PROVED_SIGNATURE
#define CHAIN CHIO_ATTEST_PROVED_CHAIN

enum { ROOT, REGION, ZONE, INSTANCE, LEAF, CERTS };

static EVP_PKEY *keys[CERTS], *other_key;
static X509 *certs[CERTS];
static int64_t now;

static const struct forge_cert profiles[CERTS] = {
    [ROOT] = {.cn = "forged.nitro-enclaves", .ca = true, .path_len = -1},
    [REGION] = {.cn = "region", .ca = true, .path_len = 2},
    [ZONE] = {.cn = "zone", .ca = true, .path_len = 1},
    [INSTANCE] = {.cn = "instance", .ca = true, .path_len = 0},
    [LEAF] = {.cn = "i-0123-enc4567", .path_len = -1, .key_usage = "digitalSignature"},
};

static int set_up(void **state) {
  (void)state;
  now = (int64_t)time(NULL);
  for (int i = 0; i < CERTS; i++) {
    keys[i] = forge_key("P-384");
    certs[i] = forge_certify(keys[i], i > 0 ? keys[i - 1] : NULL, i > 0 ? certs[i - 1] : NULL, &profiles[i]);
  }
  other_key = forge_key("P-384");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (int i = 0; i < CERTS; i++) {
    EVP_PKEY_free(keys[i]);
    X509_free(certs[i]);
  }
  EVP_PKEY_free(other_key);
  return 0;
}

/* ---- CBOR, written here ---- */

static void put_head(struct chio_buf *out, unsigned major, uint64_t value) {
  uint8_t first = (uint8_t)(major << 5);
  if (value < 24) {
    chio_buf_append_u8(out, (uint8_t)(first | value));
  } else if (value < 0x100) {
    chio_buf_append_u8(out, first | 24);
    chio_buf_append_u8(out, (uint8_t)value);
  } else if (value < 0x10000) {
    chio_buf_append_u8(out, first | 25);
    chio_buf_append_u16be(out, (uint16_t)value);
  } else {
    chio_buf_append_u8(out, first | 27);
    chio_buf_append_u64be(out, value);
  }
}

static void put_bytes(struct chio_buf *out, struct chio_slice bytes) {
  put_head(out, 2, bytes.len);
  chio_buf_append_slice(out, bytes);
}

static void put_text(struct chio_buf *out, const char *text) {
  put_head(out, 3, strlen(text));
  chio_buf_append_str(out, text);
}

static void put_cert(struct chio_buf *out, const X509 *cert) {
  struct chio_buf der = CHIO_BUF_INIT;
  forge_der(cert, &der);
  put_bytes(out, chio_buf_slice(&der));
  chio_buf_clear(&der);
}

/* ---- Documents ---- */

/* What is wrong with a document; all is right when everything is zero. */
struct spec {
  const char *twice;           /* a member that is there twice */
  const char *without;         /* ... that is not there */
  const char *digest;          /* NULL: SHA384 */
  unsigned pcrs;               /* 0: 16 */
  size_t pcr_len;              /* 0: 48 */
  bool same_pcr_twice, pcr_32; /* PCR0 twice; one of index 32 */
  bool both_kinds;             /* nitrotpm_pcrs beside pcrs */
  bool pcr8_alone;             /* sparse: 0, 1, 2 and 8 */
  bool debug;                  /* PCR0 to PCR2 are zero */
  bool indefinite, unclosed;   /* the map */
  size_t bundle;               /* certificates of the bundle, from the root; 0: all four */
  size_t bundle_repeat;        /* the root so many times more */
  bool bundle_reversed;
  const X509 *leaf;             /* NULL: the leaf */
  const X509 *bundle_cert[2];   /* in place of the zone's and instance's */
  EVP_PKEY *key;                /* NULL: the leaf's */
  int64_t age;                  /* seconds */
  int64_t timestamp;            /* milliseconds; 0: by age */
  size_t user_data;             /* so many octets; 0: null */
  const char *public_key;       /* NULL: null; "": zero octets */
  const char *protected_header; /* NULL: {1: -35} */
  size_t protected_len;
  bool unprotected;                       /* {4: h'00'} */
  bool tag;                               /* 18 */
  bool trailing, payload_trailing, zeros; /* zeros: signature and certificate, as QEMU's device has them */
};

static bool wanted(const struct spec *s, const char *name) {
  return s->without == NULL || strcmp(s->without, name) != 0;
}

static void put_pcrs(const struct spec *s, struct chio_buf *out) {
  unsigned count = s->pcrs > 0 ? s->pcrs : s->pcr8_alone ? 4 : 16;
  uint8_t value[64];
  put_head(out, 5, count);
  for (unsigned i = 0; i < count; i++) {
    unsigned index = s->pcr8_alone && i == 3 ? 8 : s->same_pcr_twice && i == 1 ? 0 : s->pcr_32 && i == 15 ? 32 : i;
    put_head(out, 0, index);
    memset(value, s->debug && index < 3 ? 0 : (int)index + 1, sizeof value);
    put_bytes(out, chio_slice(value, s->pcr_len > 0 ? s->pcr_len : 48));
  }
}

static void put_bundle(const struct spec *s, struct chio_buf *out) {
  size_t count = s->bundle > 0 ? s->bundle : 4;
  put_head(out, 4, count + s->bundle_repeat);
  for (size_t i = 0; i < count; i++) {
    size_t k = s->bundle_reversed ? count - 1 - i : i;
    const X509 *cert = k == ZONE && s->bundle_cert[0] != NULL       ? s->bundle_cert[0]
                       : k == INSTANCE && s->bundle_cert[1] != NULL ? s->bundle_cert[1]
                                                                    : certs[k];
    put_cert(out, cert);
  }
  for (size_t i = 0; i < s->bundle_repeat; i++) put_cert(out, certs[ROOT]);
}

static void put_optional(struct chio_buf *out, const char *name, const uint8_t *bytes, size_t len, bool null) {
  put_text(out, name);
  if (null)
    chio_buf_append_u8(out, 0xf6);
  else
    put_bytes(out, chio_slice(bytes, len));
}

static void put_member(const struct spec *s, const char *name, struct chio_buf *out) {
  static const uint8_t some[4096] = {1};
  int64_t at = s->timestamp != 0 ? s->timestamp : (now - s->age) * 1000;
  if (strcmp(name, "public_key") == 0) {
    put_optional(out, name, some, 0, s->public_key == NULL);
  } else if (strcmp(name, "user_data") == 0) {
    put_optional(out, name, some, s->user_data, s->user_data == 0);
  } else if (strcmp(name, "nonce") == 0) {
    put_optional(out, name, some, 0, true);
  } else {
    put_text(out, name);
    if (strcmp(name, "module_id") == 0) put_text(out, "i-0123-enc4567");
    if (strcmp(name, "digest") == 0) put_text(out, s->digest != NULL ? s->digest : "SHA384");
    if (strcmp(name, "timestamp") == 0) put_head(out, 0, (uint64_t)at);
    if (strcmp(name, "pcrs") == 0 || strcmp(name, "nitrotpm_pcrs") == 0) put_pcrs(s, out);
    if (strcmp(name, "certificate") == 0 && s->zeros) put_bytes(out, chio_slice((const uint8_t[64]){0}, 64));
    if (strcmp(name, "certificate") == 0 && !s->zeros) put_cert(out, s->leaf != NULL ? s->leaf : certs[LEAF]);
    if (strcmp(name, "cabundle") == 0) put_bundle(s, out);
  }
}

static void put_payload(const struct spec *s, struct chio_buf *out) {
  static const char *const names[] = {"module_id", "digest",     "timestamp", "pcrs", "certificate",
                                      "cabundle",  "public_key", "user_data", "nonce"};
  struct chio_buf members = CHIO_BUF_INIT;
  size_t count = 0;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    if (!wanted(s, names[i])) continue;
    put_member(s, names[i], &members);
    count++;
  }
  if (s->twice != NULL) put_member(s, s->twice, &members), count++;
  if (s->both_kinds) put_member(s, "nitrotpm_pcrs", &members), count++;
  if (s->indefinite)
    chio_buf_append_u8(out, 0xbf);
  else
    put_head(out, 5, count);
  chio_buf_append_slice(out, chio_buf_slice(&members));
  if (s->indefinite && !s->unclosed) chio_buf_append_u8(out, 0xff);
  if (s->payload_trailing) chio_buf_append_u8(out, 0);
  chio_buf_clear(&members);
}

static void make_document(const struct spec *s, struct chio_buf *out) {
  static const char es384[] = "\xa1\x01\x38\x22";
  struct chio_buf payload = CHIO_BUF_INIT, signed_bytes = CHIO_BUF_INIT;
  struct chio_slice header =
      s->protected_header != NULL ? chio_slice(s->protected_header, s->protected_len) : chio_slice(es384, 4);
  uint8_t rs[96] = {0};
  put_payload(s, &payload);
  put_head(&signed_bytes, 4, 4);
  put_text(&signed_bytes, "Signature1");
  put_bytes(&signed_bytes, header);
  put_bytes(&signed_bytes, chio_slice(NULL, 0));
  put_bytes(&signed_bytes, chio_buf_slice(&payload));
  if (!s->zeros) {
    EVP_PKEY *key = s->key != NULL ? s->key : keys[LEAF];
    assert_int_equal(chio_ecdsa_sign_raw(key, chio_buf_slice(&signed_bytes), 48, rs), CHIO_OK);
  }
  if (s->tag) chio_buf_append_u8(out, 0xd2);
  put_head(out, 4, 4);
  put_bytes(out, header);
  if (s->unprotected)
    chio_buf_append(out, "\xa1\x04\x41\x00", 4);
  else
    put_head(out, 5, 0);
  put_bytes(out, chio_buf_slice(&payload));
  put_bytes(out, chio_slice(rs, s->zeros ? 64 : 96));
  if (s->trailing) chio_buf_append_u8(out, 0);
  chio_buf_clear(&payload);
  chio_buf_clear(&signed_bytes);
}

/* ---- Judging ---- */

/* rules: a policy; NULL: the root and none. */
static struct chio_attest_result *judge(const struct spec *s, const char *rules, int64_t at) {
  struct chio_buf document = CHIO_BUF_INIT, root = CHIO_BUF_INIT, text = CHIO_BUF_INIT;
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  make_document(s, &document);
  forge_pem(certs[ROOT], &root);
  struct chio_attest_request request = {
      .evidence = document.data, .evidence_len = document.len, .at = at, .root = root.data, .root_len = root.len};
  if (rules != NULL) {
    chio_buf_printf(&text, "version = 1\ntee = [\"sim-nitro\"]\n%s", rules);
    if (chio_attest_policy_parse(text.data, text.len, "test.toml", &policy, &message) != CHIO_ATTEST_OK)
      fail_msg("%s", message.text);
    request.policy = policy;
  }
  struct chio_attest_result *result = forge_judge(&request);
  chio_attest_policy_free(policy);
  chio_buf_clear(&document);
  chio_buf_clear(&root);
  chio_buf_clear(&text);
  return result;
}

struct row {
  const char *name;
  struct spec spec;
  enum chio_attest_reason reason;
  uint32_t unproved;
};

static void judge_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    forge_expect(rows[i].name, judge(&rows[i].spec, NULL, now), rows[i].reason, rows[i].unproved);
  }
}

/* ---- The envelope ---- */

static void documents_of_either_form_are_accepted(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"of 2021: a definite map", {.pcrs = 16}, CHIO_ATTEST_ACCEPTED, 0},
      {"of 2025: an indefinite map", {.indefinite = true}, CHIO_ATTEST_ACCEPTED, 0},
      {"with COSE's tag", {.tag = true}, CHIO_ATTEST_ACCEPTED, 0},
      {"1024 octets of user data", {.user_data = 1024}, CHIO_ATTEST_ACCEPTED, 0},
      {"a public key of no octets", {.public_key = ""}, CHIO_ATTEST_ACCEPTED, 0},
      {"the bundle in another order", {.bundle_reversed = true}, CHIO_ATTEST_ACCEPTED, 0},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void cantina_the_envelope_has_one_algorithm_and_no_other_header(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"an unprotected header", {.unprotected = true}, CHIO_ATTEST_FORMAT, ~0u},
      {"ES256", {.protected_header = "\xa1\x01\x26", .protected_len = 3}, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"no algorithm", {.protected_header = "\xa0", .protected_len = 1}, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"an empty header", {.protected_header = "", .protected_len = 0}, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"the algorithm as text",
       {.protected_header = "\xa1\x01\x65"
                            "ES384",
        .protected_len = 8},
       CHIO_ATTEST_UNSUPPORTED,
       ~0u},
      {"a header more",
       {.protected_header = "\xa2\x01\x38\x22\x04\x41\x00", .protected_len = 7},
       CHIO_ATTEST_UNSUPPORTED,
       ~0u},
      {"an octet after the document", {.trailing = true}, CHIO_ATTEST_FORMAT, ~0u},
      {"an octet after the payload's map", {.payload_trailing = true}, CHIO_ATTEST_FORMAT, ~0u},
      {"a map without an end", {.indefinite = true, .unclosed = true}, CHIO_ATTEST_FORMAT, ~0u},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

/* ---- Members ---- */

static void cantina_members_are_there_once_each(void **state) {
  (void)state;
  static const char *const needed[] = {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"};
  static const char *const all[] = {"module_id", "digest",     "timestamp", "pcrs", "certificate",
                                    "cabundle",  "public_key", "user_data", "nonce"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(needed); i++) {
    char name[64];
    const struct spec spec = {.without = needed[i]};
    snprintf(name, sizeof name, "no %s", needed[i]);
    forge_expect(name, judge(&spec, NULL, now), CHIO_ATTEST_FORMAT, ~0u);
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(all); i++) {
    char name[64];
    const struct spec spec = {.twice = all[i]};
    snprintf(name, sizeof name, "%s twice", all[i]);
    forge_expect(name, judge(&spec, NULL, now), CHIO_ATTEST_FORMAT, ~0u);
  }
  static const struct row rows[] = {
      {"no public key, user data or nonce at all", {.without = "public_key"}, CHIO_ATTEST_ACCEPTED, 0},
      {"registers of an enclave and of a TPM", {.both_kinds = true}, CHIO_ATTEST_FORMAT, ~0u},
      {"digest SHA256", {.digest = "SHA256"}, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"digest SHA512", {.digest = "SHA512"}, CHIO_ATTEST_UNSUPPORTED, ~0u},
      {"1025 octets of user data", {.user_data = 1025}, CHIO_ATTEST_FORMAT, ~0u},
      {"a time of 2^53 milliseconds", {.timestamp = INT64_C(1) << 53}, CHIO_ATTEST_FORMAT, ~0u},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void cantina_registers_are_counted_and_of_one_length(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"PCR0 twice", {.same_pcr_twice = true}, CHIO_ATTEST_FORMAT, ~0u},
      {"PCR32", {.pcr_32 = true}, CHIO_ATTEST_FORMAT, ~0u},
      {"33 registers", {.pcrs = 33}, CHIO_ATTEST_FORMAT, ~0u},
      {"registers of 32 octets", {.pcr_len = 32}, CHIO_ATTEST_FORMAT, ~0u},
      {"registers of 64 octets", {.pcr_len = 64}, CHIO_ATTEST_FORMAT, ~0u},
      {"nine certificates in the bundle", {.bundle_repeat = 5}, CHIO_ATTEST_FORMAT, ~0u},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

#define PCR(digit) digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit
#define PCR48(digit) PCR(digit) PCR(digit) PCR(digit)

/* CVE-2025-64186: some of the expected registers were compared. And: PCR8 beyond a gap was lost. */
static void cve_2025_64186_every_expected_register_is_compared(void **state) {
  (void)state;
  static const struct {
    const char *name;
    struct spec spec;
    const char *rules;
    enum chio_attest_reason reason;
  } rows[] = {
      {"all as expected",
       {.pcrs = 16},
       "[nitro]\npcr = { 0 = [\"" PCR48("01") "\"], 2 = [\"" PCR48("03") "\"], 15 = [\"" PCR48("10") "\"] }\n",
       CHIO_ATTEST_ACCEPTED},
      {"the last one wrong",
       {.pcrs = 16},
       "[nitro]\npcr = { 0 = [\"" PCR48("01") "\"], 2 = [\"" PCR48("03") "\"], 15 = [\"" PCR48("11") "\"] }\n",
       CHIO_ATTEST_MEASUREMENT},
      {"the middle one wrong",
       {.pcrs = 16},
       "[nitro]\npcr = { 0 = [\"" PCR48("01") "\"], 2 = [\"" PCR48("04") "\"], 15 = [\"" PCR48("10") "\"] }\n",
       CHIO_ATTEST_MEASUREMENT},
      {"one that the document does not have",
       {.pcrs = 16},
       "[nitro]\npcr = { 0 = [\"" PCR48("01") "\"], 31 = [\"" PCR48("00") "\"] }\n",
       CHIO_ATTEST_MEASUREMENT},
      {"one that the document does not have, expected zero",
       {.pcrs = 3},
       "[nitro]\npcr = { 0 = [\"" PCR48("01") "\"], 3 = [\"" PCR48("00") "\"] }\n",
       CHIO_ATTEST_MEASUREMENT},
      {"PCR8 beyond a gap",
       {.pcr8_alone = true},
       "[nitro]\npcr = { 8 = [\"" PCR48("09") "\"] }\n",
       CHIO_ATTEST_ACCEPTED},
      {"PCR8 beyond a gap, wrong",
       {.pcr8_alone = true},
       "[nitro]\npcr = { 8 = [\"" PCR48("08") "\"] }\n",
       CHIO_ATTEST_MEASUREMENT},
      {"an enclave in debug mode",
       {.debug = true},
       "[nitro]\npcr = { 8 = [\"" PCR48("09") "\"] }\n",
       CHIO_ATTEST_DEBUG},
  };
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    forge_expect(rows[i].name, judge(&rows[i].spec, rows[i].rules, now), rows[i].reason, 0);
  }
}

/* Optional fields left out of the comparison: a document without a key does not prove a key. */
static void cantina_a_document_without_a_key_proves_none(void **state) {
  (void)state;
  static const struct spec specs[] = {{.without = "public_key"}, {.public_key = ""}, {.pcrs = 16}};
  struct chio_buf root = CHIO_BUF_INIT, document = CHIO_BUF_INIT, key = CHIO_BUF_INIT;
  forge_pem(certs[ROOT], &root);
  assert_int_equal(chio_pkey_spki(other_key, &key), CHIO_OK);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(specs); i++) {
    chio_buf_reset(&document);
    make_document(&specs[i], &document);
    const struct chio_attest_request request = {.evidence = document.data,
                                                .evidence_len = document.len,
                                                .at = now,
                                                .root = root.data,
                                                .root_len = root.len,
                                                .key = key.data,
                                                .key_len = key.len};
    forge_expect("a key that the document does not name", forge_judge(&request), CHIO_ATTEST_KEY_BINDING,
                 CHIO_ATTEST_PROVED_KEY);
  }
  chio_buf_clear(&root);
  chio_buf_clear(&document);
  chio_buf_clear(&key);
}

/* ---- Signature and chain ---- */

static void the_leaf_signs_and_its_chain_leads_to_the_root(void **state) {
  (void)state;
  static const struct forge_cert usage = {.cn = "leaf", .path_len = -1, .key_usage = "keyAgreement"};
  static const struct forge_cert authority = {.cn = "leaf", .ca = true, .path_len = -1};
  static const struct forge_cert expired = {.cn = "leaf", .path_len = -1, .from_days = -3, .until_days = -1};
  static const struct forge_cert plain = {.cn = "leaf", .path_len = -1};
  static const struct forge_cert zone = {.cn = "zone", .ca = true, .path_len = 1, .from_days = -6, .until_days = -1};
  EVP_PKEY *p256 = forge_key("P-256");
  X509 *made[] = {forge_certify(keys[LEAF], keys[INSTANCE], certs[INSTANCE], &usage),
                  forge_certify(keys[LEAF], keys[INSTANCE], certs[INSTANCE], &authority),
                  forge_certify(keys[LEAF], keys[INSTANCE], certs[INSTANCE], &expired),
                  forge_certify(keys[LEAF], NULL, NULL, &plain),
                  forge_certify(p256, keys[INSTANCE], certs[INSTANCE], &plain),
                  forge_certify(other_key, keys[LEAF], certs[LEAF], &plain),
                  forge_certify(keys[ZONE], keys[REGION], certs[REGION], &zone)};
  const struct row rows[] = {
      {"another key signed the document", {.key = other_key}, CHIO_ATTEST_SIGNATURE, SIGNATURE},
      {"a leaf that may not sign", {.leaf = made[0]}, CHIO_ATTEST_CERTIFICATE_MISMATCH, 0},
      {"a leaf that is an authority", {.leaf = made[1]}, CHIO_ATTEST_FORMAT, CHAIN | SIGNATURE},
      {"a leaf that has expired", {.leaf = made[2], .age = 2 * 86400}, CHIO_ATTEST_CERTIFICATE_EXPIRED, CHAIN},
      {"a leaf signed by itself", {.leaf = made[3]}, CHIO_ATTEST_UNTRUSTED_ROOT, CHAIN},
      {"a leaf on P-256", {.leaf = made[4]}, CHIO_ATTEST_SIGNATURE, SIGNATURE},
      {"a leaf issued by a leaf", {.leaf = made[5], .key = other_key}, CHIO_ATTEST_CHAIN, CHAIN},
      {"a zone that expired, though its signature is remembered",
       {.bundle_cert = {made[6], NULL}},
       CHIO_ATTEST_CERTIFICATE_EXPIRED,
       CHAIN},
      {"no instance in the bundle", {.bundle = 3}, CHIO_ATTEST_CHAIN, CHAIN},
      {"nothing but the root", {.bundle = 1}, CHIO_ATTEST_CHAIN, CHAIN},
      {"made before its certificates", {.age = 10 * 86400}, CHIO_ATTEST_AGE, 0},
      {"made in eleven years", {.age = -4000LL * 86400}, CHIO_ATTEST_AGE, 0},
  };
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
  for (size_t i = 0; i < CHIO_ARRAY_LEN(made); i++) X509_free(made[i]);
  EVP_PKEY_free(p256);
}

/* A limit on the path that a narrower integer would cut off: 2^32 became 0, 2^63 became -1 and none. */
static void cantina_a_path_length_is_not_truncated(void **state) {
  (void)state;
  static const uint8_t huge[] = {0x30, 0x0c, 0x01, 0x01, 0xff, 0x02, 0x07, 0x01, 0, 0, 0, 0, 0, 0};
  static const uint8_t negative[] = {0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0xff};
  static const uint8_t not_minimal[] = {0x30, 0x07, 0x01, 0x01, 0xff, 0x02, 0x02, 0x00, 0x05};
  static const uint8_t truth[] = {0x30, 0x06, 0x01, 0x01, 0x01, 0x02, 0x01, 0x05};
  static const uint8_t more[] = {0x30, 0x08, 0x01, 0x01, 0xff, 0x02, 0x01, 0x05, 0x05, 0x00};
  static const uint8_t after[] = {0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x05, 0x00};
  static const uint8_t empty[] = {0x30, 0x05, 0x01, 0x01, 0xff, 0x02, 0x00};
  static const struct {
    const char *name;
    const uint8_t *bytes;
    size_t len;
  } rows[] = {{"a path length of 2^48", huge, sizeof huge},
              {"a path length of -1", negative, sizeof negative},
              {"a path length with a zero before it", not_minimal, sizeof not_minimal},
              {"a BOOLEAN that is 1", truth, sizeof truth},
              {"a field more", more, sizeof more},
              {"an octet after it", after, sizeof after},
              {"a path length of no octets", empty, sizeof empty}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++) {
    const struct forge_extension constraints = {"2.5.29.19", chio_slice(rows[i].bytes, rows[i].len)};
    const struct forge_cert spec = {.cn = "instance",
                                    .ca = true,
                                    .path_len = -1,
                                    .flags = FORGE_NO_CONSTRAINTS,
                                    .extensions = &constraints,
                                    .extensions_count = 1};
    X509 *cert = forge_certify(keys[INSTANCE], keys[ZONE], certs[ZONE], &spec);
    const struct spec document = {.bundle_cert = {NULL, cert}};
    forge_expect(rows[i].name, judge(&document, NULL, now), CHIO_ATTEST_FORMAT, CHAIN);
    X509_free(cert);
  }
}

static void qemus_device_proves_nothing(void **state) {
  (void)state;
  static const struct row rows[] = {{"zeros for signature and certificate", {.zeros = true}, CHIO_ATTEST_FORMAT, ~0u}};
  judge_rows(rows, CHIO_ARRAY_LEN(rows));
}

static void a_document_is_refused_when_it_is_too_old(void **state) {
  (void)state;
  static const char rules[] = "measurements = [\"" PCR48("01") "\"]\nmax_age = 300\n";
  static const struct spec fresh = {.age = 290}, old = {.age = 310}, future = {.age = -3600};
  forge_expect("290 seconds old where 300 are allowed", judge(&fresh, rules, now), CHIO_ATTEST_ACCEPTED, 0);
  forge_expect("310 seconds", judge(&old, rules, now), CHIO_ATTEST_AGE, CHIO_ATTEST_PROVED_POLICY);
  forge_expect("of an hour from now", judge(&future, rules, now), CHIO_ATTEST_AGE, CHIO_ATTEST_PROVED_POLICY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(documents_of_either_form_are_accepted),
      cmocka_unit_test(cantina_the_envelope_has_one_algorithm_and_no_other_header),
      cmocka_unit_test(cantina_members_are_there_once_each),
      cmocka_unit_test(cantina_registers_are_counted_and_of_one_length),
      cmocka_unit_test(cve_2025_64186_every_expected_register_is_compared),
      cmocka_unit_test(cantina_a_document_without_a_key_proves_none),
      cmocka_unit_test(the_leaf_signs_and_its_chain_leads_to_the_root),
      cmocka_unit_test(cantina_a_path_length_is_not_truncated),
      cmocka_unit_test(qemus_device_proves_nothing),
      cmocka_unit_test(a_document_is_refused_when_it_is_too_old),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
