/* Policies in TOML. One table says each key, what it may be, and where it goes. */
#include "attest/policy_file.h"
#include "attest/policy_rules.h"

#include "attest/moment.h"
#include "attest/pem.h"
#include "signer/base/text.h"
#include "signer/base/toml.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- One value ---- */

typedef const struct chio_toml_value toml_value;

static enum chio_err read_list(toml_value *value, toml_value **out_array, size_t *out_count,
                               struct chio_detail *detail) {
  enum chio_err err = chio_toml_as_array(value, CHIO_TOML_STRING, CHIO_POLICY_LIST_MAX, detail, out_array);
  if (err != CHIO_OK) return err;
  *out_count = chio_toml_count(*out_array);
  if (*out_count > 0) return CHIO_OK;
  return chio_toml_fail(value, detail, "at least one value (leave the key out to expect nothing)");
}

static enum chio_err read_strings(toml_value *value, const struct chio_policy_rule *rule,
                                  struct chio_policy_strings *out, struct chio_detail *detail) {
  toml_value *array;
  size_t count;
  enum chio_err err = read_list(value, &array, &count, detail);
  if (err != CHIO_OK) return err;
  out->items = calloc(count, sizeof *out->items);
  if (out->items == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    struct chio_slice text;
    err = chio_toml_as_string(chio_toml_at(array, i), (size_t)rule->max, detail, &text);
    if (err != CHIO_OK) return err;
    if (text.len == 0) return chio_toml_fail(chio_toml_at(array, i), detail, "a word that is not empty");
    out->items[i] = strndup((const char *)text.data, text.len);
    if (out->items[i] == NULL) return CHIO_E_NO_MEMORY;
    out->count = i + 1;
  }
  return CHIO_OK;
}

static enum chio_err read_hex(toml_value *value, int64_t min, int64_t max, struct chio_policy_bytes *out,
                              struct chio_detail *detail) {
  char expected[64];
  struct chio_slice text;
  enum chio_err err = chio_toml_as_string(value, 2 * CHIO_POLICY_BYTES_MAX + 2, detail, &text);
  if (err != CHIO_OK) return err;
  if (text.len > 2 && memcmp(text.data, "0x", 2) == 0) text = chio_slice(text.data + 2, text.len - 2);
  (void)snprintf(expected, sizeof expected, "%lld to %lld bytes in hexadecimal", (long long)min, (long long)max);
  out->len = text.len / 2;
  if ((int64_t)out->len < min || (int64_t)out->len > max || chio_hex_decode(text, out->data, out->len) != CHIO_OK) {
    return chio_toml_fail(value, detail, expected);
  }
  return CHIO_OK;
}

static enum chio_err read_bytes(toml_value *value, int64_t min, int64_t max, struct chio_policy_bytes_list *out,
                                struct chio_detail *detail) {
  toml_value *array;
  size_t count;
  enum chio_err err = read_list(value, &array, &count, detail);
  if (err != CHIO_OK) return err;
  out->items = calloc(count, sizeof *out->items);
  if (out->items == NULL) return CHIO_E_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    err = read_hex(chio_toml_at(array, i), min, max, &out->items[i], detail);
    if (err != CHIO_OK) return err;
    out->count = i + 1;
  }
  return CHIO_OK;
}

/* A contract's. */
static enum chio_err read_address(toml_value *value, struct chio_policy_bytes *out, struct chio_detail *detail) {
  struct chio_slice text;
  enum chio_err err = chio_toml_as_string(value, 64, detail, &text);
  if (err != CHIO_OK) return err;
  if (chio_attest_contract_parse((const char *)text.data, out->data) != CHIO_ATTEST_OK)
    return chio_toml_fail(value, detail, "an address of 20 bytes in hexadecimal (mixed letters as EIP-55 has them)");
  out->len = CHIO_ATTEST_CONTRACT_SIZE;
  return CHIO_OK;
}

/* A date (midnight UTC) or a point in time. */
static enum chio_err read_date(toml_value *value, int64_t *out, struct chio_detail *detail) {
  struct chio_toml_time t;
  enum chio_err err = chio_toml_as_time(value, detail, &t);
  if (err != CHIO_OK) return err;
  enum chio_toml_kind kind = chio_toml_kind(value);
  if (kind != CHIO_TOML_DATETIME && kind != CHIO_TOML_LOCAL_DATE) {
    return chio_toml_fail(value, detail, "a date, or a date and time with its offset");
  }
  const struct chio_moment moment = {t.year, t.month, t.day, t.hour, t.minute, t.second > 59 ? 59 : t.second};
  int64_t seconds;
  if (chio_moment_seconds(&moment, &seconds) != CHIO_OK) return chio_toml_fail(value, detail, "a date after 1900");
  *out = seconds - (int64_t)t.offset * 60;
  return CHIO_OK;
}

static enum chio_err read_rule(toml_value *value, const struct chio_policy_rule *rule,
                               struct chio_attest_policy *policy, struct chio_detail *detail) {
  void *to = (char *)policy + rule->offset;
  switch (rule->kind) {
    case RULE_STRINGS: return read_strings(value, rule, to, detail);
    case RULE_BYTES: return read_bytes(value, rule->min, rule->max, to, detail);
    case RULE_BOOL: return chio_toml_as_bool(value, detail, to);
    case RULE_INT: return chio_toml_as_int(value, rule->min, rule->max, detail, to);
    case RULE_DATE: return read_date(value, to, detail);
    case RULE_ADDRESS: return read_address(value, to, detail);
  }
  return CHIO_E_INTERNAL;
}

/* ---- Registers: pcr = { 0 = ["..."], 8 = ["..."] } ---- */

static enum chio_err read_pcrs(toml_value *table, struct chio_policy_pcrs *out, struct chio_detail *detail) {
  if (chio_toml_count(table) == 0)
    return chio_toml_fail(table, detail, "at least one register (leave the key out to expect nothing)");
  for (size_t i = 0; i < chio_toml_count(table); i++) {
    toml_value *value = chio_toml_at(table, i);
    struct chio_slice key = chio_toml_key(value);
    unsigned long index = strtoul((const char *)key.data, NULL, 10);
    char canonical[8];
    (void)snprintf(canonical, sizeof canonical, "%lu", index % 100);
    if (index >= CHIO_POLICY_PCRS || !chio_slice_equal(key, chio_slice_str(canonical))) {
      return chio_toml_fail(value, detail, "a register from 0 to 31 as the key");
    }
    enum chio_err err = read_bytes(value, 20, 64, &out->values[index], detail);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

/* ---- Roots ---- */

enum chio_err chio_policy_add_root(struct chio_attest_policy *policy, const uint8_t hash[32]) {
  struct chio_anchor *grown = reallocarray(policy->roots, policy->roots_count + 1, sizeof *grown);
  if (grown == NULL) return CHIO_E_NO_MEMORY;
  policy->roots = grown;
  struct chio_anchor *root = &grown[policy->roots_count++];
  *root = (struct chio_anchor){.name = "a root that the policy names", .simulated = true};
  memcpy(root->spki_sha256, hash, sizeof root->spki_sha256);
  return CHIO_OK;
}

/* What can be told of a root whose certificate is at hand. */
static enum chio_err describe_root(struct chio_attest_policy *policy, const struct chio_cert *cert) {
  struct chio_policy_strings *names = &policy->root_names;
  struct chio_anchor *root = &policy->roots[policy->roots_count - 1];
  root->from = cert->not_before;
  root->until = cert->not_after;
  if (cert->common_name.len == 0) return CHIO_OK;
  char **grown = reallocarray(names->items, names->count + 1, sizeof *grown);
  if (grown == NULL) return CHIO_E_NO_MEMORY;
  names->items = grown;
  char *name = strndup((const char *)cert->common_name.data, cert->common_name.len);
  if (name == NULL) return CHIO_E_NO_MEMORY;
  names->items[names->count++] = name;
  root->name = name;
  return CHIO_OK;
}

static enum chio_err add_root_file(struct chio_attest_policy *policy, toml_value *value, struct chio_detail *detail) {
  char path[CHIO_POLICY_PATH_MAX];
  struct chio_slice name;
  enum chio_err err = chio_toml_as_string(value, PATH_MAX - 1, detail, &name);
  if (err != CHIO_OK) return err;
  chio_policy_path(policy->name, (const char *)name.data, path);
  struct chio_buf file = CHIO_BUF_INIT, der = CHIO_BUF_INIT;
  struct chio_cert cert;
  uint8_t hash[32];
  err = chio_policy_read_file(path, CHIO_CERT_MAX * 2, &file);
  struct chio_cursor text = chio_cursor(chio_buf_slice(&file));
  if (err == CHIO_OK) err = chio_pem_next(&text, "CERTIFICATE", &der);
  if (err == CHIO_OK) err = chio_cert_parse(chio_buf_slice(&der), &cert);
  if (err == CHIO_OK) err = chio_hash_bytes(CHIO_HASH_SHA256, cert.key.spki, hash);
  bool readable = err == CHIO_OK;
  if (readable) err = chio_policy_add_root(policy, hash);
  if (err == CHIO_OK) err = describe_root(policy, &cert);
  chio_buf_clear(&file);
  chio_buf_clear(&der);
  return readable ? err : chio_toml_fail(value, detail, "the path of a certificate in PEM that can be read");
}

static enum chio_err read_roots(toml_value *table, bool alone, struct chio_attest_policy *policy,
                                struct chio_detail *detail) {
  toml_value *hashes = chio_toml_get(table, "spki_sha256"), *files = chio_toml_get(table, "files"), *array;
  enum chio_err err = CHIO_OK;
  if (hashes != NULL) err = chio_toml_as_array(hashes, CHIO_TOML_STRING, 32, detail, &array);
  for (size_t i = 0; hashes != NULL && err == CHIO_OK && i < chio_toml_count(array); i++) {
    struct chio_policy_bytes hash;
    err = read_hex(chio_toml_at(array, i), 32, 32, &hash, detail);
    if (err == CHIO_OK) err = chio_policy_add_root(policy, hash.data);
  }
  if (err == CHIO_OK && files != NULL) err = chio_toml_as_array(files, CHIO_TOML_STRING, 32, detail, &array);
  for (size_t i = 0; files != NULL && !alone && err == CHIO_OK && i < chio_toml_count(array); i++) {
    err = add_root_file(policy, chio_toml_at(array, i), detail);
  }
  return err;
}

/* ---- The document ---- */

/* Keys that are not in the table of rules. */
static const struct {
  const char *table, *key;
} special[] = {{"", "version"},  {"", "title"},    {"roots", "spki_sha256"},  {"roots", "files"},
               {"nitro", "pcr"}, {"azure", "pcr"}, {"collateral", "required"}, {"maa", "claims"},
               {"rollout", "previous"}, {"rollout", "mode"}, {"rollout", "share"}};

static bool known_key(const char *table, const char *key) {
  size_t count;
  const struct chio_policy_rule *rules = chio_policy_rules(&count);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(rules[i].table, table) == 0 && strcmp(rules[i].key, key) == 0) return true;
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(special); i++) {
    if (strcmp(special[i].table, table) == 0 && strcmp(special[i].key, key) == 0) return true;
  }
  return false;
}

static bool known_table(const char *table) {
  size_t count;
  const struct chio_policy_rule *rules = chio_policy_rules(&count);
  for (size_t i = 0; i < count; i++) {
    if (*rules[i].table != 0 && strcmp(rules[i].table, table) == 0) return true;
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(special); i++) {
    if (*special[i].table != 0 && strcmp(special[i].table, table) == 0) return true;
  }
  return false;
}

static enum chio_err check_keys(toml_value *table, const char *name, struct chio_detail *detail) {
  for (size_t i = 0; i < chio_toml_count(table); i++) {
    toml_value *value = chio_toml_at(table, i);
    const char *key = (const char *)chio_toml_key(value).data;
    if (*name == 0 && chio_toml_kind(value) == CHIO_TOML_TABLE && known_table(key)) {
      enum chio_err err = check_keys(value, key, detail);
      if (err != CHIO_OK) return err;
    } else if (!known_key(name, key)) {
      return chio_toml_fail(value, detail, "a key that chio-policy(5) lists");
    }
  }
  return CHIO_OK;
}

static enum chio_err read_rules(toml_value *root, struct chio_attest_policy *policy, struct chio_detail *detail) {
  size_t count;
  const struct chio_policy_rule *rules = chio_policy_rules(&count);
  for (size_t i = 0; i < count; i++) {
    toml_value *table = *rules[i].table == 0 ? root : chio_toml_get(root, rules[i].table);
    toml_value *value = table != NULL ? chio_toml_get(table, rules[i].key) : NULL;
    if (value == NULL) continue;
    enum chio_err err = read_rule(value, &rules[i], policy, detail);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err read_special(toml_value *root, bool alone, struct chio_attest_policy *policy,
                                  struct chio_detail *detail) {
  int64_t version = 0;
  struct chio_slice title = {NULL, 0};
  toml_value *roots = NULL, *nitro = NULL, *azure = NULL, *collateral = NULL, *pcrs = NULL, *tpm = NULL, *maa = NULL;
  enum chio_err err = chio_toml_read_int(root, "version", CHIO_TOML_REQUIRED, 1, 1, detail, &version);
  if (err == CHIO_OK) err = chio_toml_read_string(root, "title", CHIO_TOML_OPTIONAL, 200, detail, &title);
  if (err == CHIO_OK) err = chio_toml_read_table(root, "roots", CHIO_TOML_OPTIONAL, detail, &roots);
  if (err == CHIO_OK) err = chio_toml_read_table(root, "nitro", CHIO_TOML_OPTIONAL, detail, &nitro);
  if (err == CHIO_OK) err = chio_toml_read_table(root, "azure", CHIO_TOML_OPTIONAL, detail, &azure);
  if (err == CHIO_OK) err = chio_toml_read_table(root, "collateral", CHIO_TOML_OPTIONAL, detail, &collateral);
  if (err == CHIO_OK) err = chio_toml_read_table(root, "maa", CHIO_TOML_OPTIONAL, detail, &maa);
  toml_value *claims = err == CHIO_OK && maa != NULL ? chio_toml_get(maa, "claims") : NULL;
  if (err == CHIO_OK && claims != NULL) err = chio_policy_read_claims(claims, policy, detail);
  if (err == CHIO_OK && roots != NULL) err = read_roots(roots, alone, policy, detail);
  if (err == CHIO_OK && nitro != NULL) err = chio_toml_read_table(nitro, "pcr", CHIO_TOML_OPTIONAL, detail, &pcrs);
  if (err == CHIO_OK && azure != NULL) err = chio_toml_read_table(azure, "pcr", CHIO_TOML_OPTIONAL, detail, &tpm);
  if (err == CHIO_OK && pcrs != NULL) err = read_pcrs(pcrs, &policy->pcrs, detail);
  if (err == CHIO_OK && tpm != NULL) err = read_pcrs(tpm, &policy->tpm_pcrs, detail);
  if (err == CHIO_OK && collateral != NULL && chio_toml_get(collateral, "required") != NULL) {
    bool required = true;
    err = chio_toml_read_bool(collateral, "required", CHIO_TOML_REQUIRED, detail, &required);
    policy->collateral_set = true;
    policy->collateral_optional = !required;
  }
  if (err == CHIO_OK && title.len > 0) policy->title = strndup((const char *)title.data, title.len);
  return err;
}

static bool expects_registers(const struct chio_attest_policy *policy) {
  for (size_t i = 0; i < CHIO_POLICY_PCRS; i++) {
    if (policy->pcrs.values[i].count > 0) return true;
  }
  return false;
}

/* Stubs have nothing to expect of them, and are named for what they are. */
static enum chio_err check_stub(const struct chio_attest_policy *policy, struct chio_detail *detail) {
  bool named = chio_policy_has_string(&policy->tees, "stub");
  if (named && !policy->allow_stub)
    return chio_fail(detail, CHIO_E_CONFIG, "%s: tee 'stub' needs insecure_allow_stub = true", policy->name);
  if (!named && policy->allow_stub)
    return chio_fail(detail, CHIO_E_CONFIG, "%s: insecure_allow_stub is set, and 'tee' does not name 'stub'",
                     policy->name);
  if (policy->allow_direct_key && !policy->require_key)
    return chio_fail(detail, CHIO_E_CONFIG, "%s: key.allow_direct says nothing without key.required", policy->name);
  return CHIO_OK;
}

/* The one means nothing without the other. */
static enum chio_err check_identity(const struct chio_attest_policy *policy, struct chio_detail *detail) {
  if ((policy->contract.len > 0) == (policy->identities.count > 0)) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "%s: identity.contract and identity.accepted need one another", policy->name);
}

/* More would not be looked at. */
static enum chio_err check_roots(const struct chio_attest_policy *policy, struct chio_detail *detail) {
  const size_t counts[] = {policy->intel_roots.count, policy->amd_roots.count, policy->aws_roots.count};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(counts); i++) {
    if (counts[i] > CHIO_POLICY_VENDOR_ROOTS_MAX)
      return chio_fail(detail, CHIO_E_CONFIG, "%s: more than %u roots of one vendor", policy->name,
                       CHIO_POLICY_VENDOR_ROOTS_MAX);
  }
  return CHIO_OK;
}

/* What a policy must say: which TEE, and what runs in it. */
static enum chio_err check_policy(const struct chio_attest_policy *policy, struct chio_detail *detail) {
  if (policy->tees.count == 0)
    return chio_fail(detail, CHIO_E_CONFIG, "%s: 'tee' is missing: which TEEs may it be?", policy->name);
  enum chio_err err = check_stub(policy, detail);
  if (err == CHIO_OK) err = check_identity(policy, detail);
  if (err == CHIO_OK) err = check_roots(policy, detail);
  if (err != CHIO_OK) return err;
  bool only_stub = policy->tees.count == 1 && policy->allow_stub;
  if (!only_stub && policy->measurements.count == 0 && policy->signers.count == 0 && !expects_registers(policy)) {
    return chio_fail(detail, CHIO_E_CONFIG,
                     "%s: one of 'measurements', 'signers' and 'nitro.pcr' is needed: what may run there?",
                     policy->name);
  }
  for (size_t i = 0; i < policy->advisories_accepted.count; i++) {
    if (chio_policy_has_string(&policy->advisories_refused, policy->advisories_accepted.items[i])) {
      return chio_fail(detail, CHIO_E_CONFIG, "%s: advisory %s is both accepted and refused", policy->name,
                       policy->advisories_accepted.items[i]);
    }
  }
  for (size_t i = 0; i < policy->fmspc_accepted.count; i++) {
    const struct chio_policy_bytes *fmspc = &policy->fmspc_accepted.items[i];
    if (chio_policy_has_bytes(&policy->fmspc_refused, chio_slice(fmspc->data, fmspc->len))) {
      return chio_fail(detail, CHIO_E_CONFIG, "%s: one FMSPC is both accepted and refused", policy->name);
    }
  }
  return CHIO_OK;
}

static struct chio_attest_policy *policy_new(const char *name) {
  struct chio_attest_policy *policy = calloc(1, sizeof *policy);
  if (policy == NULL) return NULL;
  policy->name = strdup(name);
  policy->max_age = policy->isv_prod_id = policy->min_isv_svn = policy->max_vmpl = -1;
  policy->min_fmc = policy->min_bootloader = policy->min_tee = policy->min_snp = policy->min_microcode = -1;
  policy->min_guest_svn = policy->require_mitigations = policy->collateral_grace = -1;
  policy->max_future = 300;
  policy->provenance_from = INT64_MIN;
  policy->provenance_until = INT64_MAX;
  if (policy->name == NULL) {
    free(policy);
    return NULL;
  }
  return policy;
}

static enum chio_err read_document(const struct chio_toml *doc, bool alone, struct chio_attest_policy *policy,
                                   struct chio_detail *detail) {
  toml_value *root = chio_toml_root(doc);
  enum chio_err err = check_keys(root, "", detail);
  if (err == CHIO_OK) err = read_special(root, alone, policy, detail);
  if (err == CHIO_OK) err = read_rules(root, policy, detail);
  if (err == CHIO_OK) err = chio_policy_read_provenance(alone, policy, detail);
  if (err == CHIO_OK) err = check_policy(policy, detail);
  return err == CHIO_OK ? chio_policy_read_rollout(root, policy, detail) : err;
}

static int public_code(enum chio_err err) {
  if (err == CHIO_E_NOT_FOUND || err == CHIO_E_IO) return CHIO_ATTEST_E_IO;
  return err == CHIO_E_NO_MEMORY ? CHIO_ATTEST_E_NO_MEMORY : CHIO_ATTEST_E_MALFORMED;
}

/* Where a policy stands: by itself, as the one that another replaces, or with no files beside it. */
enum standing { BY_ITSELF, PREVIOUS, ALONE };

static int finish(enum chio_err err, struct chio_toml *doc, const char *name, enum standing standing,
                  struct chio_attest_policy **out_policy, struct chio_attest_message *message,
                  struct chio_detail *detail) {
  struct chio_attest_policy *policy = NULL;
  if (err == CHIO_OK && (policy = policy_new(name)) == NULL) err = CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) policy->no_rollout = standing != BY_ITSELF;
  if (err == CHIO_OK) err = read_document(doc, standing == ALONE, policy, detail);
  chio_toml_free(doc);
  if (err == CHIO_OK) {
    *out_policy = policy;
    return CHIO_ATTEST_OK;
  }
  chio_attest_policy_free(policy);
  if (message != NULL) {
    (void)snprintf(message->text, sizeof message->text, "%s", detail->text[0] != 0 ? detail->text : chio_err_text(err));
  }
  return public_code(err);
}

static int load(const char *path, bool is_previous, struct chio_attest_policy **out_policy,
                struct chio_attest_message *message) {
  struct chio_detail detail = {""};
  struct chio_toml *doc = NULL;
  enum chio_err err = chio_toml_load(path, &detail, &doc);
  return finish(err, doc, path, is_previous ? PREVIOUS : BY_ITSELF, out_policy, message, &detail);
}

int chio_attest_policy_load(const char *path, struct chio_attest_policy **out_policy,
                            struct chio_attest_message *message) {
  if (path == NULL || out_policy == NULL) return CHIO_ATTEST_E_ARGUMENT;
  return load(path, false, out_policy, message);
}

int chio_policy_load_previous(const char *path, struct chio_attest_policy **out_policy,
                              struct chio_attest_message *message) {
  return load(path, true, out_policy, message);
}

static int parse(const void *text, size_t len, const char *name, bool alone, struct chio_attest_policy **out_policy,
                 struct chio_attest_message *message) {
  if (text == NULL || name == NULL || out_policy == NULL) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_detail detail = {""};
  struct chio_toml *doc = NULL;
  enum chio_err err = chio_toml_parse(chio_slice(text, len), name, &detail, &doc);
  return finish(err, doc, name, alone ? ALONE : BY_ITSELF, out_policy, message, &detail);
}

int chio_attest_policy_parse(const void *text, size_t len, const char *name, struct chio_attest_policy **out_policy,
                             struct chio_attest_message *message) {
  return parse(text, len, name, false, out_policy, message);
}

int chio_policy_parse_alone(const void *text, size_t len, const char *name, struct chio_attest_policy **out_policy,
                            struct chio_attest_message *message) {
  return parse(text, len, name, true, out_policy, message);
}

static void free_pcrs(struct chio_policy_pcrs *pcrs) {
  for (size_t i = 0; i < CHIO_POLICY_PCRS; i++) free(pcrs->values[i].items);
}

void chio_attest_policy_free(struct chio_attest_policy *policy) {
  if (policy == NULL) return;
  size_t count;
  const struct chio_policy_rule *rules = chio_policy_rules(&count);
  for (size_t i = 0; i < count; i++) {
    void *at = (char *)policy + rules[i].offset;
    if (rules[i].kind == RULE_BYTES) free(((struct chio_policy_bytes_list *)at)->items);
    if (rules[i].kind != RULE_STRINGS) continue;
    struct chio_policy_strings *strings = at;
    for (size_t s = 0; s < strings->count; s++) free(strings->items[s]);
    free(strings->items);
  }
  chio_policy_claims_free(policy);
  free_pcrs(&policy->pcrs);
  free_pcrs(&policy->tpm_pcrs);
  chio_attest_policy_free(policy->previous);
  for (size_t i = 0; i < policy->root_names.count; i++) free(policy->root_names.items[i]);
  free(policy->root_names.items);
  free(policy->roots);
  free(policy->title);
  free(policy->name);
  free(policy);
}
