/* policy add: the measurement and registers of evidence into the lists of a policy, for a roll-out in steps. */
#include "tools/hsm/evidence.h"
#include "tools/hsm/expectation.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"
#include "tools/hsm/toml_edit.h"

#include <stdio.h>
#include <stdlib.h>

#define POLICY_FILE_MAX (1024u * 1024u)
#define PCRS 32

enum group { MEASUREMENTS = 1, SIGNERS = 2, RTMR = 4, PCR = 8, CONFIG = 16 };

static const struct {
  const char *name;
  unsigned group;
} groups[] = {{"measurements", MEASUREMENTS}, {"signers", SIGNERS}, {"rtmr", RTMR}, {"pcr", PCR}, {"config", CONFIG}};

/* Lists, and the claim whose value belongs there. The registers of [nitro.pcr] and [azure.pcr] come besides. */
static const struct {
  unsigned group;
  const char *list, *claim;
} lists[] = {
    {RTMR, "tdx.rtmr0", "rtmr0"},
    {RTMR, "tdx.rtmr1", "rtmr1"},
    {RTMR, "tdx.rtmr2", "rtmr2"},
    {RTMR, "tdx.rtmr3", "rtmr3"},
    {CONFIG, "tdx.mrconfigid", "mrconfigid"},
    {CONFIG, "tdx.mrowner", "mrowner"},
    {CONFIG, "tdx.mrownerconfig", "mrownerconfig"},
    {CONFIG, "snp.host_data", "host_data"},
    {CONFIG, "sgx.config_ids", "config_id"},
};

struct addition {
  struct hsm *hsm;
  struct chio_buf text, evidence, key, nonce; /* text: the policy, as far as it is changed */
  struct hsm_expectation expectation;
  struct chio_attest_result *before; /* under the policy as it was */
  json_t *claims;
  json_t *added, *there, *not_listed; /* objects: list, value */
  unsigned what;
};

static enum chio_err read_what(const char *text, unsigned *out, struct chio_detail *detail) {
  unsigned what = 0;
  const char *at = text;
  if (text == NULL) {
    *out = MEASUREMENTS | RTMR | PCR;
    return CHIO_OK;
  }
  for (;;) {
    size_t len = strcspn(at, ","), i = 0;
    while (i < CHIO_ARRAY_LEN(groups) && (strlen(groups[i].name) != len || memcmp(groups[i].name, at, len) != 0)) i++;
    if (i == CHIO_ARRAY_LEN(groups))
      return chio_fail(detail, CHIO_E_ARGUMENT,
                       "--what '%s': expected some of measurements, signers, rtmr, pcr, config, with commas", text);
    what |= groups[i].group;
    if (at[len] == '\0') break;
    at += len + 1;
  }
  *out = what;
  return CHIO_OK;
}

static enum chio_err read_all(struct addition *a, struct chio_detail *detail) {
  const struct hsm *hsm = a->hsm;
  const char *from = hsm->option[HSM_OPT_FROM], *key = hsm->option[HSM_OPT_KEY], *nonce = hsm->option[HSM_OPT_NONCE];
  if (from == NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--from EVIDENCE is needed: what is added is taken from evidence");
  if (strcmp(hsm->word[0], "-") == 0) return chio_fail(detail, CHIO_E_ARGUMENT, "the policy is a file");
  enum chio_err err = read_what(hsm->option[HSM_OPT_WHAT], &a->what, detail);
  if (err == CHIO_OK) err = hsm_read_some(hsm->word[0], POLICY_FILE_MAX, &a->text, detail);
  if (err == CHIO_OK) err = hsm_read_some(from, CHIO_ATTEST_EVIDENCE_MAX, &a->evidence, detail);
  if (err == CHIO_OK && key != NULL) err = hsm_read_some(key, 65536, &a->key, detail);
  if (err == CHIO_OK && nonce != NULL && hsm_hex_parse(nonce, &a->nonce) != CHIO_OK)
    err = chio_fail(detail, CHIO_E_ARGUMENT, "--nonce is not hexadecimal");
  return err == CHIO_OK ? hsm_expectation_read(hsm, &a->expectation, detail) : err;
}

/* Judges the evidence by the policy as it stands in text. */
static enum chio_err judge(struct addition *a, struct chio_attest_result **out_result, struct chio_detail *detail) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_message message = {""};
  if (chio_attest_policy_parse(a->text.data, a->text.len, a->hsm->word[0], &policy, &message) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_CONFIG, "%s", message.text);
  struct chio_attest_request request =
      hsm_expectation_request(&a->expectation, chio_buf_slice(&a->evidence), chio_buf_slice(&a->key));
  request.policy = policy; /* as it would be, not as it is */
  request.nonce = a->nonce.data;
  request.nonce_len = a->nonce.len;
  int bad = chio_attest_verify(&request, out_result, &message);
  chio_attest_policy_free(policy);
  return bad == CHIO_ATTEST_OK ? CHIO_OK : chio_fail(detail, CHIO_E_ARGUMENT, "%s", message.text);
}

static enum chio_err note(json_t *list, const char *name, const char *value) {
  return json_array_append_new(list, json_pack("{s:s, s:s}", "list", name, "value", value)) == 0 ? CHIO_OK
                                                                                                 : CHIO_E_NO_MEMORY;
}

static enum chio_err add(struct addition *a, const char *list, const char *value, struct chio_detail *detail) {
  struct chio_buf changed = CHIO_BUF_INIT;
  enum hsm_toml_edit edit;
  enum chio_err err = hsm_toml_list_add(chio_buf_slice(&a->text), list, value, &changed, &edit);
  if (err != CHIO_OK) {
    chio_buf_clear(&changed);
    return chio_fail(detail, err, "%s cannot be edited at '%s'", a->hsm->word[0], list);
  }
  if (edit != HSM_TOML_ADDED) return note(edit == HSM_TOML_THERE ? a->there : a->not_listed, list, value);
  chio_buf_clear(&a->text);
  a->text = changed;
  return note(a->added, list, value);
}

static enum chio_err add_claim(struct addition *a, const char *list, const char *claim, struct chio_detail *detail) {
  const char *value = json_string_value(json_object_get(a->claims, claim));
  return value != NULL ? add(a, list, value, detail) : CHIO_OK;
}

static enum chio_err add_bytes(struct addition *a, const char *list, const uint8_t *bytes, size_t len,
                               struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  if (len == 0) return CHIO_OK;
  if (hex == NULL) return CHIO_E_NO_MEMORY;
  hsm_hex_put(chio_slice(bytes, len), hex);
  const char *value = chio_buf_cstr(hex);
  return value != NULL ? add(a, list, value, detail) : CHIO_E_NO_MEMORY;
}

/* Only registers that the policy lists: there are many, and most of them are nobody's business. */
static enum chio_err add_pcrs(struct addition *a, struct chio_detail *detail) {
  bool azure = a->before->format != NULL && strncmp(a->before->format, "azure-", 6) == 0;
  enum chio_err err = CHIO_OK;
  for (unsigned i = 0; i < PCRS && err == CHIO_OK; i++) {
    char list[32], claim[16];
    size_t before = json_array_size(a->not_listed);
    (void)snprintf(list, sizeof list, "%s.pcr.%u", azure ? "azure" : "nitro", i);
    (void)snprintf(claim, sizeof claim, "pcr%u", i);
    err = add_claim(a, list, claim, detail);
    if (json_array_size(a->not_listed) > before) (void)json_array_remove(a->not_listed, before);
  }
  return err;
}

static enum chio_err add_all(struct addition *a, struct chio_detail *detail) {
  const struct chio_attest_result *r = a->before;
  enum chio_err err = CHIO_OK;
  if (a->what & MEASUREMENTS) err = add_bytes(a, "measurements", r->measurement, r->measurement_len, detail);
  if (err == CHIO_OK && a->what & SIGNERS) err = add_bytes(a, "signers", r->signer, r->signer_len, detail);
  for (size_t i = 0; err == CHIO_OK && i < CHIO_ARRAY_LEN(lists); i++)
    if (a->what & lists[i].group) err = add_claim(a, lists[i].list, lists[i].claim, detail);
  return err == CHIO_OK && a->what & PCR ? add_pcrs(a, detail) : err;
}

/* The changed policy must accept the evidence: all that it demands besides what was added holds. Where it replaces
 * another one in steps, its own word counts. */
static enum chio_err check_changed(struct addition *a, struct chio_detail *detail) {
  struct chio_attest_result *r = NULL;
  enum chio_err err = judge(a, &r, detail);
  if (err != CHIO_OK) return err;
  bool previous = r->decided_by != NULL && strcmp(r->decided_by, "previous") == 0;
  bool accepted = previous ? r->other_accepted : r->accepted;
  if (!accepted)
    err = chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "the evidence is refused for more than its measurement (%s): %s",
                    chio_attest_reason_code(previous ? r->other_reason : r->reason),
                    previous ? chio_attest_reason_text(r->other_reason) : r->failures[0].text);
  chio_attest_result_free(r);
  return err;
}

static void print_list(const json_t *list, const char *words) {
  size_t i;
  json_t *row;
  json_array_foreach(list, i, row)
      (void)printf("%-10s %-16s %s\n", words, json_string_value(json_object_get(row, "list")),
                   json_string_value(json_object_get(row, "value")));
}

static enum chio_err print(const struct addition *a) {
  bool written = json_array_size(a->added) > 0 && a->hsm->option[HSM_OPT_DRY_RUN] == NULL;
  if (a->hsm->json)
    return hsm_json_print(json_pack("{s:s, s:b, s:O, s:O, s:O}", "policy", a->hsm->word[0], "written", written, "added",
                                    a->added, "there", a->there, "not_listed", a->not_listed));
  print_list(a->added, "added");
  print_list(a->there, "is there");
  print_list(a->not_listed, "no list");
  (void)printf("%s %s\n", a->hsm->word[0], written ? "is changed" : "is as it was");
  return CHIO_OK;
}

static enum chio_err work(struct addition *a, struct chio_detail *detail) {
  enum chio_err err = read_all(a, detail);
  if (err == CHIO_OK) err = judge(a, &a->before, detail);
  if (err != CHIO_OK) return err;
  a->claims = json_loads(a->before->claims_json, 0, NULL);
  err = add_all(a, detail);
  if (err == CHIO_OK) err = check_changed(a, detail);
  if (err == CHIO_OK && json_array_size(a->added) + json_array_size(a->there) == 0)
    err = chio_fail(detail, CHIO_E_NOT_FOUND, "%s has no list for what the evidence has: to add one is to demand more",
                    a->hsm->word[0]);
  if (err == CHIO_OK && json_array_size(a->added) > 0 && a->hsm->option[HSM_OPT_DRY_RUN] == NULL) {
    char *path = realpath(a->hsm->word[0], NULL); /* the file, not a link to it, is replaced */
    err = path != NULL ? hsm_write(path, chio_buf_slice(&a->text), detail) : CHIO_E_IO;
    free(path);
  }
  return err == CHIO_OK ? print(a) : err;
}

enum chio_err hsm_run_policy_add(struct hsm *hsm, struct chio_detail *detail) {
  struct addition a = {.hsm = hsm, .added = json_array(), .there = json_array(), .not_listed = json_array()};
  enum chio_err err = a.added != NULL && a.there != NULL && a.not_listed != NULL ? work(&a, detail) : CHIO_E_NO_MEMORY;
  json_decref(a.added);
  json_decref(a.there);
  json_decref(a.not_listed);
  json_decref(a.claims);
  chio_attest_result_free(a.before);
  hsm_expectation_clear(&a.expectation);
  chio_buf_clear(&a.text);
  chio_buf_clear(&a.evidence);
  chio_buf_clear(&a.key);
  chio_buf_clear(&a.nonce);
  return err;
}
