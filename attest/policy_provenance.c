/*
 * [provenance]: what may run, by what its builders sign. Each file is one envelope (provenance.h). The values of its
 * registers join those that the policy lists itself, once enough of the signers vouch for each; whatever does not hold
 * in one file makes the policy none at all, for the release that it speaks of is not the one that was meant.
 */
#include "attest/policy_file.h"
#include "attest/policy_rules.h"

#include "attest/pem.h"
#include "attest/provenance.h"
#include "attest/x509.h"
#include "signer/base/text.h"

#include <stdlib.h>

#define KEY_FILE_MAX 16384u
#define KEYS_MAX 32u

/* A key that may vouch. */
struct signer {
  struct chio_buf der; /* what the key borrows from */
  struct chio_pubkey key;
  uint8_t hash[CHIO_SHA256_SIZE];
};

/* One value, and who vouches for it: a bit for each signer. */
struct vouched {
  struct chio_provenance_value value;
  uint32_t signers;
};

struct reader {
  struct chio_attest_policy *policy;
  struct chio_detail *detail;
  struct signer signers[KEYS_MAX]; /* of key files, and those that a bundle's certificate brought */
  size_t signers_count;
  struct vouched *values;
  size_t values_count, values_room;
  const char *file; /* the one that is read */
};

static void reader_clear(struct reader *r) {
  for (size_t i = 0; i < r->signers_count; i++) chio_buf_clear(&r->signers[i].der);
  free(r->values);
}

static enum chio_err refuse(const struct reader *r, const char *code, const char *why) {
  return chio_fail(r->detail, CHIO_E_CONFIG, "%.60s: %s: %.60s: %s", r->policy->name, code, r->file, why);
}

/* ---- Who may vouch ---- */

static bool is_named(const struct reader *r, const uint8_t hash[CHIO_SHA256_SIZE]) {
  return chio_policy_has_bytes(&r->policy->provenance_signers, chio_slice(hash, CHIO_SHA256_SIZE));
}

/* The signer of that key; it is added when it is new. */
static enum chio_err add_signer(struct reader *r, struct chio_slice spki, size_t *out_index) {
  struct signer *s = &r->signers[r->signers_count];
  uint8_t hash[CHIO_SHA256_SIZE];
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, spki, hash);
  if (err != CHIO_OK) return err;
  for (size_t i = 0; i < r->signers_count; i++) {
    *out_index = i;
    if (memcmp(r->signers[i].hash, hash, sizeof hash) == 0) return CHIO_OK;
  }
  if (r->signers_count == KEYS_MAX) return CHIO_E_TOO_LONG;
  s->der = (struct chio_buf)CHIO_BUF_INIT;
  chio_buf_append_slice(&s->der, spki);
  err = chio_buf_err(&s->der);
  if (err == CHIO_OK) err = chio_pubkey_parse(chio_buf_slice(&s->der), &s->key);
  if (err != CHIO_OK) {
    chio_buf_clear(&s->der);
    return err;
  }
  memcpy(s->hash, hash, sizeof hash);
  *out_index = r->signers_count++;
  return CHIO_OK;
}

/* A public key or a certificate, PEM. */
static enum chio_err read_key_file(struct reader *r, const char *file) {
  char path[CHIO_POLICY_PATH_MAX];
  struct chio_buf text = CHIO_BUF_INIT, der = CHIO_BUF_INIT;
  struct chio_cert cert;
  size_t index;
  r->file = file;
  chio_policy_path(r->policy->name, file, path);
  enum chio_err err = chio_policy_read_file(path, KEY_FILE_MAX, &text);
  struct chio_cursor c = chio_cursor(chio_buf_slice(&text));
  bool is_cert = err == CHIO_OK && chio_pem_has(chio_buf_slice(&text), "CERTIFICATE");
  if (err == CHIO_OK) err = chio_pem_next(&c, is_cert ? "CERTIFICATE" : "PUBLIC KEY", &der);
  if (err == CHIO_OK && is_cert) err = chio_cert_parse(chio_buf_slice(&der), &cert);
  if (err == CHIO_OK) err = add_signer(r, is_cert ? cert.key.spki : chio_buf_slice(&der), &index);
  chio_buf_clear(&text);
  chio_buf_clear(&der);
  if (err == CHIO_OK || err == CHIO_E_NO_MEMORY) return err;
  return refuse(r, "provenance-file", "no public key or certificate in PEM that can be read");
}

/* A key that comes with the bundle vouches if the policy names it; its dates narrow when the policy holds. */
static enum chio_err read_certificate(struct reader *r, const struct chio_provenance *p, bool *out_named) {
  struct chio_cert cert;
  uint8_t hash[CHIO_SHA256_SIZE];
  size_t index;
  if (p->certificate.len == 0) return CHIO_OK;
  if (chio_cert_parse(chio_buf_slice(&p->certificate), &cert) != CHIO_OK)
    return refuse(r, "provenance-format", "the certificate in the bundle does not parse");
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, cert.key.spki, hash);
  if (err == CHIO_OK) *out_named = is_named(r, hash);
  if (err != CHIO_OK || !*out_named) return err;
  err = add_signer(r, cert.key.spki, &index);
  if (err != CHIO_OK) return err == CHIO_E_NO_MEMORY ? err : refuse(r, "provenance-format", "too many signers");
  if (cert.not_before > r->policy->provenance_from) r->policy->provenance_from = cert.not_before;
  if (cert.not_after < r->policy->provenance_until) r->policy->provenance_until = cert.not_after;
  return CHIO_OK;
}

/* Whether a signature says that it is by one of the signers: its key id is the hash of the key. */
static bool claims_signer(const struct reader *r, const struct chio_provenance *p) {
  for (size_t s = 0; s < p->signatures_count; s++) {
    uint8_t hash[CHIO_SHA256_SIZE];
    if (chio_hex_decode(p->signatures[s].key_id, hash, sizeof hash) != CHIO_OK) continue;
    for (size_t i = 0; i < r->signers_count; i++) {
      if (memcmp(hash, r->signers[i].hash, sizeof hash) == 0) return true;
    }
  }
  return false;
}

static enum chio_err judge_signatures(const struct reader *r, const struct chio_provenance *p, bool named,
                                      uint32_t *out_signers) {
  uint32_t signers = 0;
  for (size_t i = 0; i < r->signers_count; i++) {
    if (chio_provenance_signed_by(p, &r->signers[i].key)) signers |= 1u << i;
  }
  *out_signers = signers;
  if (signers != 0) return CHIO_OK;
  return named || claims_signer(r, p)
             ? refuse(r, "provenance-signature", "the signature does not hold")
             : refuse(r, "provenance-signer", "none of the signers that the policy names signed it");
}

/* ---- What they vouch for ---- */

static bool is_one_of(struct chio_slice text, const struct chio_policy_strings *list) {
  for (size_t i = 0; i < list->count; i++) {
    if (chio_slice_equal(text, chio_slice_str(list->items[i]))) return true;
  }
  return false;
}

static enum chio_err judge_statement(const struct reader *r, const struct chio_provenance_statement *s) {
  static char *const known[] = {CHIO_SLSA_V1, CHIO_SLSA_V02, CHIO_MEASUREMENTS_PREDICATE};
  const struct chio_policy_strings defaults = {(char **)known, CHIO_ARRAY_LEN(known)};
  const struct chio_attest_policy *p = r->policy;
  if (!is_one_of(s->predicate_type, p->predicate_types.count > 0 ? &p->predicate_types : &defaults))
    return refuse(r, "provenance-predicate", "the predicate's type is not one that the policy accepts");
  if (p->builder_ids.count > 0 && !is_one_of(s->builder_id, &p->builder_ids))
    return refuse(r, "provenance-builder", "the builder is not one that the policy names");
  return CHIO_OK;
}

static enum chio_err vouch(struct reader *r, const struct chio_provenance_value *value, uint32_t signers) {
  for (size_t i = 0; i < r->values_count; i++) {
    const struct chio_provenance_value *v = &r->values[i].value;
    if (v->what != value->what || v->index != value->index || v->len != value->len ||
        memcmp(v->bytes, value->bytes, v->len) != 0)
      continue;
    r->values[i].signers |= signers;
    return CHIO_OK;
  }
  if (r->values_count == CHIO_POLICY_LIST_MAX) return refuse(r, "provenance-format", "too many values of registers");
  if (r->values_count == r->values_room) {
    size_t room = r->values_room > 0 ? 2 * r->values_room : 16;
    struct vouched *grown = reallocarray(r->values, room, sizeof *grown);
    if (grown == NULL) return CHIO_E_NO_MEMORY;
    r->values = grown;
    r->values_room = room;
  }
  r->values[r->values_count++] = (struct vouched){*value, signers};
  return CHIO_OK;
}

static enum chio_err statement_fail(const struct reader *r, enum chio_err err) {
  switch (err) {
    case CHIO_E_NO_MEMORY: return err;
    case CHIO_E_NOT_FOUND: return refuse(r, "provenance-subject", "no subject of it is a register");
    case CHIO_E_DATA_INVALID: return refuse(r, "provenance-subject", "a register without a digest of its size");
    default: return refuse(r, "provenance-format", "no in-toto Statement of a version that is known");
  }
}

/* Nothing of the payload is looked at before its signatures hold. */
static enum chio_err read_envelope(struct reader *r, const struct chio_provenance *p) {
  struct chio_provenance_statement statement = {.doc = NULL};
  uint32_t signers = 0;
  bool named = false;
  enum chio_err err = read_certificate(r, p, &named);
  if (err == CHIO_OK) err = judge_signatures(r, p, named, &signers);
  if (err != CHIO_OK) return err;
  err = chio_provenance_read(p, &statement);
  if (err != CHIO_OK) err = statement_fail(r, err);
  if (err == CHIO_OK) err = judge_statement(r, &statement);
  for (size_t i = 0; err == CHIO_OK && i < statement.values_count; i++)
    err = vouch(r, &statement.values[i], signers);
  chio_provenance_statement_clear(&statement);
  return err;
}

static enum chio_err read_file(struct reader *r, const char *file) {
  char path[CHIO_POLICY_PATH_MAX];
  struct chio_buf text = CHIO_BUF_INIT;
  struct chio_provenance provenance = {.envelope = NULL};
  r->file = file;
  chio_policy_path(r->policy->name, file, path);
  enum chio_err err = chio_policy_read_file(path, CHIO_PROVENANCE_MAX, &text);
  if (err != CHIO_OK) {
    chio_buf_clear(&text);
    return err == CHIO_E_NO_MEMORY ? err : refuse(r, "provenance-file", "it cannot be read");
  }
  err = chio_provenance_parse(chio_buf_slice(&text), &provenance);
  if (err != CHIO_OK && err != CHIO_E_NO_MEMORY)
    err = refuse(r, "provenance-format", "no DSSE envelope of an in-toto Statement, nor a bundle of one");
  if (err == CHIO_OK) err = read_envelope(r, &provenance);
  chio_provenance_clear(&provenance);
  chio_buf_clear(&text);
  return err;
}

/* ---- Into the policy ---- */

static struct chio_policy_bytes_list *list_of(struct chio_attest_policy *p, const struct chio_provenance_value *v) {
  switch (v->what) {
    case CHIO_REGISTER_MEASUREMENT: return &p->measurements;
    case CHIO_REGISTER_RTMR: return &p->rtmr[v->index];
    case CHIO_REGISTER_PCR: break;
  }
  return v->len == CHIO_SHA384_SIZE ? &p->pcrs.values[v->index] : &p->tpm_pcrs.values[v->index];
}

static enum chio_err accept_value(struct reader *r, const struct vouched *v) {
  struct chio_policy_bytes_list *list = list_of(r->policy, &v->value);
  if (chio_policy_has_bytes(list, chio_slice(v->value.bytes, v->value.len))) return CHIO_OK;
  struct chio_policy_bytes *grown = reallocarray(list->items, list->count + 1, sizeof *grown);
  if (grown == NULL) return CHIO_E_NO_MEMORY;
  list->items = grown;
  grown[list->count] = (struct chio_policy_bytes){.len = v->value.len};
  memcpy(grown[list->count++].data, v->value.bytes, v->value.len);
  return CHIO_OK;
}

static enum chio_err accept_values(struct reader *r) {
  int threshold = r->policy->provenance_threshold > 0 ? (int)r->policy->provenance_threshold : 1;
  for (size_t i = 0; i < r->values_count; i++) {
    const struct vouched *v = &r->values[i];
    int vouching = __builtin_popcount(v->signers);
    if (vouching < threshold)
      return chio_fail(r->detail, CHIO_E_CONFIG,
                       "%.60s: provenance-threshold: a value of '%s' has %d of the %d signers that are needed",
                       r->policy->name, v->value.name, vouching, threshold);
    enum chio_err err = accept_value(r, v);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err check_table(const struct chio_attest_policy *p, bool alone, struct chio_detail *detail) {
  size_t lists =
      p->provenance_signers.count + p->provenance_keys.count + p->builder_ids.count + p->predicate_types.count;
  bool said = lists > 0 || p->provenance_threshold > 0;
  if (p->provenance_files.count == 0) {
    if (!said) return CHIO_OK;
    return chio_fail(detail, CHIO_E_CONFIG, "%s: [provenance] says nothing without 'files'", p->name);
  }
  if (alone)
    return chio_fail(detail, CHIO_E_CONFIG, "%s: [provenance] names files, which are not read here: list the values "
                     "that chio-hsm policy explain shows", p->name);
  if (p->provenance_signers.count + p->provenance_keys.count == 0)
    return chio_fail(detail, CHIO_E_CONFIG, "%s: [provenance] needs 'signers' or 'keys': whose word counts?", p->name);
  return CHIO_OK;
}

enum chio_err chio_policy_read_provenance(bool alone, struct chio_attest_policy *policy, struct chio_detail *detail) {
  struct reader r = {.policy = policy, .detail = detail};
  enum chio_err err = check_table(policy, alone, detail);
  if (err != CHIO_OK || policy->provenance_files.count == 0) return err;
  for (size_t i = 0; err == CHIO_OK && i < policy->provenance_keys.count; i++)
    err = read_key_file(&r, policy->provenance_keys.items[i]);
  for (size_t i = 0; err == CHIO_OK && i < policy->provenance_files.count; i++)
    err = read_file(&r, policy->provenance_files.items[i]);
  if (err == CHIO_OK) err = accept_values(&r);
  reader_clear(&r);
  return err;
}
