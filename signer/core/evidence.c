#include "signer/core/evidence.h"

#include "attest/bundle.h"
#include "attest/chio_attest.h"
#include "attest/identity.h"
#include "attest/in_toto.h"
#include "signer/base/lifetime.h"
#include "signer/core/object.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SHA256_HEX (2u * crypto_hash_sha256_BYTES)
#define BOOTS_CACHED 8u        /* boot evidence of other runs, kept in memory */
#define CERTIFICATE_YEARS 100u /* it says where a key was born: that does not end */
#define YEAR_SECONDS (365ull * 24 * 3600)
#define RENEWAL_RETRY_SECONDS 60
#define SIGNATURE_HALF 32u /* bytes of r and of s, P-256 */

/* The boot evidence of one run: as a blob, u32le length of the quote, the quote, the boot part of a bundle. */
struct boot {
  char name[CHIO_BOOT_NAME_MAX];
  struct chio_buf blob;
  int64_t made;       /* seconds */
  struct boot *older; /* of this run; keys in memory point to each by its name, so none is dropped before the end */
  bool kept;          /* in the store */
};

struct chio_evidence {
  struct chio_platform *platform;
  struct chio_store *store;
  struct chio_key *key; /* the attestation key */
  char key_id[SHA256_HEX + 1];
  uint8_t manifest[crypto_hash_sha256_BYTES];
  char manifest_hex[SHA256_HEX + 1];
  uint8_t report_data[CHIO_REPORT_DATA_SIZE];
  uint8_t measurement[CHIO_MEASUREMENT_MAX];
  size_t measurement_len;
  uint8_t contracts[CHIO_CONTRACTS_MAX][CHIO_ATTEST_CONTRACT_SIZE];
  size_t contract_count;
  _Atomic(struct boot *) own; /* the newest of this run */
  int64_t renew_at;           /* seconds; 0: nobody has looked yet. Of the one who renews */
  atomic_ullong counter;
  pthread_mutex_t lock; /* older, kept, others */
  struct boot others[BOOTS_CACHED];
  size_t next_other;
};

static void hex_sha256(struct chio_slice bytes, char out[SHA256_HEX + 1]) {
  uint8_t digest[crypto_hash_sha256_BYTES];
  (void)crypto_hash_sha256(digest, bytes.data, bytes.len);
  (void)sodium_bin2hex(out, SHA256_HEX + 1, digest, sizeof digest);
}

static enum chio_err make_key(struct chio_key **out_key, struct chio_detail *detail) {
  static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  struct chio_buf params = CHIO_BUF_INIT;
  chio_attrs_begin(&params);
  chio_attrs_add(&params, CKA_EC_PARAMS, chio_slice(p256, sizeof p256));
  enum chio_err err = chio_buf_err(&params);
  const struct chio_mechanism *generator = chio_mechanism_by_wire(CHIO_MECH_EC_KEY_PAIR_GEN);
  if (err == CHIO_OK) err = chio_key_generate(generator, chio_attrs_of(&params), out_key, detail);
  chio_buf_clear(&params);
  return err;
}

/* A boot part over the given nonce, after its quote in the form of a blob. report_data is set. */
static enum chio_err quote_now(const struct chio_evidence *e, struct chio_slice nonce, uint8_t report_data[64],
                               struct chio_buf *out_blob, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *quote = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *certificates = chio_buf_new();
  if (quote == NULL || certificates == NULL) return CHIO_E_NO_MEMORY;
  struct chio_slice spki = chio_key_spki(e->key);
  enum chio_err err = chio_boot_report_data(spki, e->manifest, nonce, report_data);
  if (err == CHIO_OK) err = chio_platform_quote(e->platform, report_data, quote, detail);
  if (err == CHIO_OK) err = chio_platform_certificates(e->platform, certificates);
  if (err != CHIO_OK) return err;
  struct chio_boot_evidence boot = {.tee = chio_platform_name(e->platform),
                                    .ak_spki = spki,
                                    .manifest_sha256 = e->manifest,
                                    .nonce = nonce,
                                    .quote = chio_buf_slice(quote),
                                    .certificates = chio_buf_slice(certificates)};
  chio_buf_append_u32le(out_blob, (uint32_t)quote->len);
  chio_buf_append_slice(out_blob, chio_buf_slice(quote));
  return chio_bundle_boot_part(&boot, out_blob);
}

static enum chio_err split_blob(const struct chio_buf *blob, struct chio_slice *out_quote,
                                struct chio_slice *out_part) {
  struct chio_cursor c = chio_cursor(chio_buf_slice(blob));
  uint32_t len;
  if (chio_cursor_u32le(&c, &len) != CHIO_OK || len > CHIO_QUOTE_MAX) return CHIO_E_STORE_CORRUPT;
  if (chio_cursor_bytes(&c, len, out_quote) != CHIO_OK) return CHIO_E_STORE_CORRUPT;
  *out_part = chio_slice(c.at, c.left);
  return CHIO_OK;
}

static void boot_free(struct boot *boot) {
  if (boot == NULL) return;
  chio_buf_clear(&boot->blob);
  free(boot);
}

/* A quote of now. report_data and measurement are the same each time: they are of the key, the configuration and the
 * code. */
static enum chio_err boot_new(const struct chio_evidence *e, uint8_t report_data[CHIO_REPORT_DATA_SIZE],
                              struct boot **out_boot, struct chio_detail *detail) {
  char digest[SHA256_HEX + 1];
  struct boot *boot = calloc(1, sizeof *boot);
  if (boot == NULL) return CHIO_E_NO_MEMORY;
  boot->made = (int64_t)time(NULL);
  enum chio_err err = quote_now(e, chio_slice(NULL, 0), report_data, &boot->blob, detail);
  if (err != CHIO_OK) {
    boot_free(boot);
    return err;
  }
  hex_sha256(chio_buf_slice(&boot->blob), digest);
  (void)snprintf(boot->name, sizeof boot->name, "boot/%.32s", digest);
  *out_boot = boot;
  return CHIO_OK;
}

static enum chio_err begin(struct chio_evidence *e, const char *manifest, struct chio_detail *detail) {
  struct chio_slice quote;
  struct chio_slice part;
  (void)crypto_hash_sha256(e->manifest, (const uint8_t *)(manifest != NULL ? manifest : ""),
                           manifest != NULL ? strlen(manifest) : 0);
  (void)sodium_bin2hex(e->manifest_hex, sizeof e->manifest_hex, e->manifest, sizeof e->manifest);
  enum chio_err err = make_key(&e->key, detail);
  if (err != CHIO_OK) return err;
  hex_sha256(chio_key_spki(e->key), e->key_id);
  struct boot *boot = NULL;
  if ((err = boot_new(e, e->report_data, &boot, detail)) != CHIO_OK) return err;
  atomic_store(&e->own, boot);
  if ((err = split_blob(&boot->blob, &quote, &part)) != CHIO_OK) return err;
  return chio_platform_measurement(e->platform, quote, e->measurement, &e->measurement_len);
}

enum chio_err chio_evidence_open(struct chio_platform *platform, struct chio_store *store, const char *manifest,
                                 struct chio_evidence **out_evidence, struct chio_detail *detail) {
  struct chio_evidence *e = calloc(1, sizeof *e);
  if (e == NULL) return CHIO_E_NO_MEMORY;
  e->platform = platform;
  e->store = store;
  (void)pthread_mutex_init(&e->lock, NULL);
  enum chio_err err = begin(e, manifest, detail);
  if (err != CHIO_OK) {
    chio_evidence_close(e);
    return err;
  }
  *out_evidence = e;
  return CHIO_OK;
}

void chio_evidence_close(struct chio_evidence *e) {
  if (e == NULL) return;
  chio_key_free(e->key);
  for (struct boot *boot = atomic_load(&e->own), *older; boot != NULL; boot = older) {
    older = boot->older;
    boot_free(boot);
  }
  for (size_t i = 0; i < BOOTS_CACHED; i++) chio_buf_clear(&e->others[i].blob);
  (void)pthread_mutex_destroy(&e->lock);
  free(e);
}

struct chio_birthplace chio_evidence_birthplace(const struct chio_evidence *e) {
  return (struct chio_birthplace){.tee = chio_platform_name(e->platform),
                                  .measurement = chio_slice(e->measurement, e->measurement_len),
                                  .report_data = chio_slice(e->report_data, sizeof e->report_data),
                                  .boot_name = atomic_load(&e->own)->name,
                                  .key_id = e->key_id,
                                  .ak_spki = chio_key_spki(e->key),
                                  .manifest = e->manifest_hex};
}

struct chio_platform *chio_evidence_platform(const struct chio_evidence *e) {
  return e->platform;
}

/* The boot evidence of this run that has the name; NULL: there is none. The lock is held. */
static struct boot *find_own(struct chio_evidence *e, const char *name) {
  struct boot *boot = atomic_load(&e->own);
  while (boot != NULL && strcmp(name, boot->name) != 0) boot = boot->older;
  return boot;
}

enum chio_err chio_evidence_keep(struct chio_evidence *e, const char *boot_name, struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  (void)pthread_mutex_lock(&e->lock);
  struct boot *boot = find_own(e, boot_name);
  if (boot != NULL && !boot->kept) {
    err = chio_store_blob_put(e->store, boot->name, chio_buf_slice(&boot->blob), detail);
    boot->kept = err == CHIO_OK;
  }
  (void)pthread_mutex_unlock(&e->lock);
  return err;
}

/* When the certificates in its quote end, as the verifier sees it; INT64_MAX: they are not in it. */
static int64_t boot_ends(const struct boot *boot) {
  struct chio_slice quote, part;
  struct chio_attest_result *result = NULL;
  if (split_blob(&boot->blob, &quote, &part) != CHIO_OK) return INT64_MAX;
  const struct chio_attest_request request = {.evidence = quote.data, .evidence_len = quote.len, .at = boot->made};
  if (chio_attest_verify(&request, &result, NULL) != CHIO_ATTEST_OK) return INT64_MAX;
  int64_t ends = result->window_until;
  chio_attest_result_free(result);
  return ends;
}

static int64_t renewal_of(const struct boot *boot) {
  int64_t ends = boot_ends(boot);
  if (ends == INT64_MAX || ends <= boot->made) return INT64_MAX;
  return ends - (int64_t)chio_lifetime_ahead((uint64_t)(ends - boot->made));
}

/* What the quote stands for is looked at here, not at the start, which it would make longer. */
enum chio_err chio_evidence_renew(struct chio_evidence *e, int64_t now, bool *out_renewed, struct chio_detail *detail) {
  uint8_t report_data[CHIO_REPORT_DATA_SIZE];
  struct boot *boot = NULL;
  *out_renewed = false;
  if (e->renew_at == 0) e->renew_at = renewal_of(atomic_load(&e->own));
  if (now < e->renew_at) return CHIO_OK;
  enum chio_err err = boot_new(e, report_data, &boot, detail);
  if (err != CHIO_OK) {
    e->renew_at = now + RENEWAL_RETRY_SECONDS;
    return err;
  }
  e->renew_at = renewal_of(boot);
  (void)pthread_mutex_lock(&e->lock);
  boot->older = atomic_load(&e->own);
  atomic_store(&e->own, boot);
  (void)pthread_mutex_unlock(&e->lock);
  *out_renewed = true;
  return CHIO_OK;
}

/* One INTEGER of a DER ECDSA signature out of its 32 bytes. */
static void der_integer(const uint8_t raw[SIGNATURE_HALF], struct chio_buf *out) {
  size_t skip = 0;
  while (skip < SIGNATURE_HALF - 1 && raw[skip] == 0) skip++;
  bool pad = (raw[skip] & 0x80) != 0;
  chio_buf_append_u8(out, 0x02);
  chio_buf_append_u8(out, (uint8_t)(SIGNATURE_HALF - skip + (pad ? 1 : 0)));
  if (pad) chio_buf_append_u8(out, 0);
  chio_buf_append(out, raw + skip, SIGNATURE_HALF - skip);
}

/* PKCS#11 wants r||s, DSSE verifiers the DER form. */
static enum chio_err sign_der(struct chio_evidence *e, struct chio_slice message, struct chio_buf *out) {
  struct chio_mech_params none = {.kind = CHIO_PARAMS_NONE};
  struct chio_buf raw = CHIO_BUF_INIT;
  struct chio_buf body = CHIO_BUF_INIT;
  enum chio_err err = chio_key_sign(e->key, chio_mechanism_by_wire(CHIO_MECH_ECDSA_SHA256), &none, message, &raw);
  if (err == CHIO_OK && raw.len != 2 * SIGNATURE_HALF) err = CHIO_E_INTERNAL;
  if (err == CHIO_OK) {
    der_integer(raw.data, &body);
    der_integer(raw.data + SIGNATURE_HALF, &body);
    chio_buf_append_u8(out, 0x30);
    chio_buf_append_u8(out, (uint8_t)body.len);
    chio_buf_append_slice(out, chio_buf_slice(&body));
    err = chio_buf_err(out);
  }
  chio_buf_clear(&raw);
  chio_buf_clear(&body);
  return err;
}

/* What the envelope holds: the key statement, or an in-toto Statement around it. */
static enum chio_err make_payload(const struct chio_statement_facts *facts, struct chio_buf *out) {
  struct chio_slice name = chio_slice(NULL, 0), spki = chio_slice(NULL, 0);
  if (!facts->in_toto) return chio_statement_payload(facts, out);
  CHIO_AUTO(chio_buf) struct chio_buf *statement = chio_buf_new();
  if (statement == NULL) return CHIO_E_NO_MEMORY;
  (void)chio_attrs_find(facts->attrs, CKA_UNIQUE_ID, &name);
  if (!chio_attrs_find(facts->attrs, CKA_PUBLIC_KEY_INFO, &spki)) return CHIO_E_INTERNAL;
  enum chio_err err = chio_statement_payload(facts, statement);
  return err == CHIO_OK ? chio_in_toto_put(name, spki, chio_buf_slice(statement), out) : err;
}

enum chio_err chio_evidence_statement(struct chio_evidence *e, struct chio_statement_facts *facts,
                                      struct chio_buf *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *payload = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *pae = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (payload == NULL || pae == NULL || signature == NULL) return CHIO_E_NO_MEMORY;
  facts->time = (uint64_t)time(NULL);
  facts->counter = atomic_fetch_add(&e->counter, 1) + 1;
  enum chio_err err = make_payload(facts, payload);
  if (err != CHIO_OK) return err;
  const char *type = facts->in_toto ? CHIO_IN_TOTO_PAYLOAD_TYPE : CHIO_STATEMENT_PAYLOAD_TYPE;
  chio_dsse_pae(type, chio_buf_slice(payload), pae);
  if ((err = chio_buf_err(pae)) != CHIO_OK) return err;
  if ((err = sign_der(e, chio_buf_slice(pae), signature)) != CHIO_OK) return err;
  return chio_dsse_envelope(type, chio_buf_slice(payload), chio_buf_slice(signature), e->key_id, out);
}

/* The boot evidence of that name. The lock is held by the caller while it uses it. */
static enum chio_err find_boot(struct chio_evidence *e, const char *name, struct boot **out_boot) {
  *out_boot = find_own(e, name);
  if (*out_boot != NULL) return CHIO_OK;
  for (size_t i = 0; i < BOOTS_CACHED; i++) {
    if (strcmp(name, e->others[i].name) != 0) continue;
    *out_boot = &e->others[i];
    return CHIO_OK;
  }
  struct boot *boot = &e->others[e->next_other];
  boot->name[0] = '\0';
  chio_buf_reset(&boot->blob);
  enum chio_err err = chio_store_blob_get(e->store, name, &boot->blob);
  if (err != CHIO_OK) return err;
  (void)snprintf(boot->name, sizeof boot->name, "%s", name);
  e->next_other = (e->next_other + 1) % BOOTS_CACHED;
  *out_boot = boot;
  return CHIO_OK;
}

enum chio_err chio_evidence_quote(struct chio_evidence *e, const char *boot_name, struct chio_buf *out) {
  struct boot *boot;
  struct chio_slice quote;
  struct chio_slice part;
  (void)pthread_mutex_lock(&e->lock);
  enum chio_err err = find_boot(e, boot_name, &boot);
  if (err == CHIO_OK) err = split_blob(&boot->blob, &quote, &part);
  if (err == CHIO_OK) chio_buf_append_slice(out, quote);
  (void)pthread_mutex_unlock(&e->lock);
  return err != CHIO_OK ? err : chio_buf_err(out);
}

enum chio_err chio_evidence_contracts(struct chio_evidence *e, const uint8_t *contracts, size_t count,
                                      struct chio_detail *detail) {
  if (count > CHIO_CONTRACTS_MAX)
    return chio_fail(detail, CHIO_E_CONFIG, "at most %u contracts are expected", CHIO_CONTRACTS_MAX);
  if (count > 0) memcpy(e->contracts, contracts, count * sizeof e->contracts[0]);
  e->contract_count = count;
  return CHIO_OK;
}

static void put_identities(const struct chio_evidence *e, const struct chio_attest_measurements *registers,
                           struct chio_buf *out) {
  uint8_t identity[CHIO_ATTEST_IDENTITY_SIZE];
  for (size_t i = 0; i < e->contract_count; i++) {
    if (chio_attest_identity(registers, e->contracts[i], identity) != CHIO_ATTEST_OK) return;
    chio_buf_append(out, e->contracts[i], sizeof e->contracts[i]);
    chio_buf_append(out, identity, sizeof identity);
  }
}

enum chio_err chio_evidence_identities(struct chio_evidence *e, const char *boot_name, struct chio_buf *out) {
  struct chio_attest_measurements registers;
  struct boot *boot;
  struct chio_slice quote;
  struct chio_slice part;
  if (e->contract_count == 0) return CHIO_OK;
  (void)pthread_mutex_lock(&e->lock);
  enum chio_err err = find_boot(e, boot_name, &boot);
  if (err == CHIO_OK) err = split_blob(&boot->blob, &quote, &part);
  if (err == CHIO_OK && chio_measurements_of_quote(quote, &registers) == CHIO_OK) put_identities(e, &registers, out);
  (void)pthread_mutex_unlock(&e->lock);
  return err != CHIO_OK ? err : chio_buf_err(out);
}

enum chio_err chio_evidence_bundle(struct chio_evidence *e, const char *boot_name, struct chio_slice envelope,
                                   struct chio_buf *out) {
  struct boot *boot;
  struct chio_slice quote;
  struct chio_slice part;
  (void)pthread_mutex_lock(&e->lock);
  enum chio_err err = find_boot(e, boot_name, &boot);
  if (err == CHIO_OK) err = split_blob(&boot->blob, &quote, &part);
  if (err == CHIO_OK) err = chio_bundle_join(envelope, part, out);
  (void)pthread_mutex_unlock(&e->lock);
  return err;
}

enum chio_err chio_evidence_fresh(struct chio_evidence *e, struct chio_statement_facts *facts, struct chio_slice nonce,
                                  struct chio_buf *out, struct chio_detail *detail) {
  uint8_t report_data[CHIO_REPORT_DATA_SIZE];
  struct chio_slice quote;
  struct chio_slice part;
  if (nonce.len > CHIO_NONCE_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "a nonce has at most %u bytes", CHIO_NONCE_MAX);
  CHIO_AUTO(chio_buf) struct chio_buf *envelope = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *blob = chio_buf_new();
  if (envelope == NULL || blob == NULL) return CHIO_E_NO_MEMORY;
  facts->fresh = true;
  facts->nonce = nonce;
  enum chio_err err = chio_evidence_statement(e, facts, envelope);
  if (err == CHIO_OK) err = quote_now(e, nonce, report_data, blob, detail);
  if (err == CHIO_OK) err = split_blob(blob, &quote, &part);
  return err != CHIO_OK ? err : chio_bundle_join(chio_buf_slice(envelope), part, out);
}

enum chio_err chio_evidence_certificate(struct chio_evidence *e, const struct chio_key *key, const char *common_name,
                                        struct chio_slice extensions, struct chio_slice bundle,
                                        struct chio_buf *out_head, struct chio_buf *out_tail) {
  CHIO_AUTO(chio_buf) struct chio_buf *der = chio_buf_new();
  if (der == NULL) return CHIO_E_NO_MEMORY;
  uint8_t serial[16];
  uint64_t now = (uint64_t)time(NULL);
  randombytes_buf(serial, sizeof serial);
  /* A serial number is positive, and its first byte not zero. */
  serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
  struct chio_cert_spec spec = {.subject_cn = common_name,
                                .issuer_cn = "chio-hsm attestation key",
                                .not_before = now,
                                .not_after = now + CERTIFICATE_YEARS * YEAR_SECONDS,
                                .serial = serial,
                                .extension_oid = CHIO_EVIDENCE_OID,
                                .extension = bundle,
                                .more_extensions = extensions};
  enum chio_err err = chio_key_certify(key, e->key, &spec, der);
  if (err != CHIO_OK) return err;
  const uint8_t *hole = bundle.len > 0 ? memmem(der->data, der->len, bundle.data, bundle.len) : NULL;
  if (hole == NULL) return CHIO_E_INTERNAL;
  size_t head = (size_t)(hole - der->data);
  chio_buf_append(out_head, der->data, head);
  chio_buf_append(out_tail, hole + bundle.len, der->len - head - bundle.len);
  return chio_buf_err(out_head) != CHIO_OK ? chio_buf_err(out_head) : chio_buf_err(out_tail);
}
