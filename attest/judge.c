#include "attest/judge.h"

#include "attest/collateral.h"
#include "signer/base/text.h"
#include "attest/moment.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Recording ---- */

void chio_judge_fail(struct chio_judge *j, enum chio_attest_reason reason, const char *format, ...) {
  struct chio_attest_result *r = &j->result->pub;
  if (r->failures_count == CHIO_ATTEST_FAILURES_MAX) return;
  struct chio_attest_failure *failure = &j->result->failures[r->failures_count++];
  failure->reason = reason;
  va_list args;
  va_start(args, format);
  (void)vsnprintf(failure->text, sizeof failure->text, format, args);
  va_end(args);
}

void chio_judge_missing(struct chio_judge *j, enum chio_attest_proof proof, const char *format, ...) {
  struct chio_attest_result *r = &j->result->pub;
  if (r->missing_count == CHIO_ATTEST_MISSING_MAX) return;
  struct chio_attest_missing *missing = &j->result->missing[r->missing_count++];
  missing->proof = proof;
  va_list args;
  va_start(args, format);
  (void)vsnprintf(missing->text, sizeof missing->text, format, args);
  va_end(args);
}

static void *keep(struct chio_judge *j, size_t len) {
  struct chio_result_block *block = malloc(sizeof *block + len);
  if (block == NULL) {
    j->result->out_of_memory = true;
    return NULL;
  }
  block->next = j->result->blocks;
  j->result->blocks = block;
  return block + 1;
}

const char *chio_judge_keep_string(struct chio_judge *j, struct chio_slice text) {
  char *copy = keep(j, text.len + 1);
  if (copy == NULL) return NULL;
  for (size_t i = 0; i < text.len; i++) {
    copy[i] = (char)(text.data[i] >= 0x20 && text.data[i] < 0x7f ? text.data[i] : '?');
  }
  copy[text.len] = 0;
  return copy;
}

const uint8_t *chio_judge_keep_bytes(struct chio_judge *j, struct chio_slice bytes) {
  uint8_t *copy = keep(j, bytes.len + 1);
  if (copy == NULL) return NULL;
  if (bytes.len > 0) memcpy(copy, bytes.data, bytes.len);
  copy[bytes.len] = 0;
  return copy;
}

static void set_field(uint8_t *field, size_t size, size_t *len, struct chio_slice bytes) {
  if (bytes.len > size) return;
  if (bytes.len > 0) memcpy(field, bytes.data, bytes.len);
  *len = bytes.len;
}

void chio_judge_set_measurement(struct chio_judge *j, struct chio_slice bytes) {
  struct chio_attest_result *r = &j->result->pub;
  set_field(r->measurement, sizeof r->measurement, &r->measurement_len, bytes);
}

void chio_judge_set_signer(struct chio_judge *j, struct chio_slice bytes) {
  struct chio_attest_result *r = &j->result->pub;
  set_field(r->signer, sizeof r->signer, &r->signer_len, bytes);
}

void chio_judge_set_report_data(struct chio_judge *j, struct chio_slice bytes) {
  struct chio_attest_result *r = &j->result->pub;
  set_field(r->report_data, sizeof r->report_data, &r->report_data_len, bytes);
}

void chio_judge_set_measurements(struct chio_judge *j, const struct chio_attest_measurements *measurements) {
  j->result->measurements = *measurements;
  j->result->pub.measurements = &j->result->measurements;
}

void chio_judge_set_from_hex(struct chio_judge *j, const struct chio_json *value,
                             void (*set)(struct chio_judge *, struct chio_slice)) {
  uint8_t bytes[64];
  if (value == NULL || value->type != CHIO_JSON_STRING || value->string.len / 2 > sizeof bytes) return;
  size_t len = value->string.len / 2;
  if (chio_json_hex(value, bytes, len) == CHIO_OK) set(j, chio_slice(bytes, len));
}

struct chio_slice chio_judge_made_over(const struct chio_judge *j) {
  const struct chio_attest_result *r = &j->result->pub;
  return j->quoted.len > 0 ? j->quoted : chio_slice(r->report_data, r->report_data_len);
}

static struct chio_buf *claim(struct chio_judge *j, const char *name) {
  struct chio_buf *claims = &j->result->claims;
  chio_buf_append_str(claims, claims->len > 0 ? ",\"" : "{\"");
  chio_buf_append_str(claims, name);
  chio_buf_append_str(claims, "\":");
  return claims;
}

void chio_claim_hex(struct chio_judge *j, const char *name, struct chio_slice bytes) {
  struct chio_buf *claims = claim(j, name);
  chio_buf_append_u8(claims, '"');
  chio_hex_append(claims, bytes);
  chio_buf_append_u8(claims, '"');
}

void chio_claim_uint(struct chio_judge *j, const char *name, uint64_t value) {
  chio_buf_printf(claim(j, name), "%llu", (unsigned long long)value);
}

void chio_claim_string(struct chio_judge *j, const char *name, struct chio_slice text) {
  chio_json_quote(claim(j, name), text);
}

void chio_claim_bool(struct chio_judge *j, const char *name, bool value) {
  chio_buf_append_str(claim(j, name), value ? "true" : "false");
}

void chio_claim_raw(struct chio_judge *j, const char *name, struct chio_slice json) {
  chio_buf_append_slice(claim(j, name), json);
}

void chio_judge_window(struct chio_judge *j, int64_t from, int64_t until) {
  struct chio_attest_result *r = &j->result->pub;
  if (from > r->window_from) r->window_from = from;
  if (until < r->window_until) r->window_until = until;
}

void chio_judge_advisory(struct chio_judge *j, struct chio_slice id) {
  struct chio_attest_result *r = &j->result->pub;
  for (size_t i = 0; i < r->advisories_count; i++) {
    if (chio_slice_equal(chio_slice_str(j->result->advisories[i]), id)) return;
  }
  if (r->advisories_count == CHIO_ARRAY_LEN(j->result->advisories)) return;
  const char *copy = chio_judge_keep_string(j, id);
  if (copy != NULL) j->result->advisories[r->advisories_count++] = copy;
}

void chio_judge_trailing(struct chio_judge *j, struct chio_slice rest) {
  bool zero = true;
  for (size_t i = 0; i < rest.len; i++) zero = zero && rest.data[i] == 0;
  if (zero || (j->policy != NULL && j->policy->allow_trailing)) return;
  chio_judge_fail(j, CHIO_ATTEST_TRAILING, "%zu bytes follow the evidence that nothing signs", rest.len);
}

/* ---- Chains ---- */

bool chio_judge_time(struct chio_judge *j, int64_t from, int64_t until, const char *what, bool collateral) {
  char text[CHIO_MOMENT_TEXT];
  if (j->at < from) {
    chio_moment_text(from, text);
    chio_judge_fail(j, collateral ? CHIO_ATTEST_COLLATERAL_NOT_YET_VALID : CHIO_ATTEST_CERTIFICATE_NOT_YET_VALID,
                    "%s is valid from %s", what, text);
    return false;
  }
  int64_t grace = collateral && j->policy != NULL && j->policy->collateral_grace > 0 ? j->policy->collateral_grace : 0;
  if (j->at > until && j->at - until > grace) {
    chio_moment_text(until, text);
    chio_judge_fail(j, collateral ? CHIO_ATTEST_COLLATERAL_EXPIRED : CHIO_ATTEST_CERTIFICATE_EXPIRED,
                    "%s expired at %s", what, text);
    return false;
  }
  return true;
}

/* A folder holds lists of several dates, and may be judged for a time that is past: then the list of that time counts,
 * not the last one. */
static bool is_better(const struct chio_judge *j, const struct chio_crl *crl, const struct chio_crl *found) {
  if (found == NULL) return true;
  bool begun = crl->this_update <= j->at, found_begun = found->this_update <= j->at;
  return begun != found_begun ? begun : crl->this_update > found->this_update;
}

const struct chio_crl *chio_judge_find_crl(struct chio_judge *j, const struct chio_cert *issuer, const char *what) {
  const struct chio_attest_collateral *c = j->collateral;
  const struct chio_crl *found = NULL;
  bool forged = false, may_sign = !issuer->has_key_usage || (issuer->key_usage & CHIO_KEY_USAGE_CRL_SIGN) != 0;
  for (size_t i = 0; c != NULL && may_sign && i < c->crls_count; i++) {
    const struct chio_crl *crl = &c->crls[i].crl;
    if (!chio_slice_equal(crl->issuer, issuer->subject) || crl->has_unknown_critical || crl->next_update == 0) continue;
    if (!is_better(j, crl, found)) continue;
    if (chio_pubkey_verify_lasting(&issuer->key, crl->signature_alg, crl->tbs, crl->signature) == CHIO_OK)
      found = crl;
    else
      forged = true;
  }
  if (found == NULL && forged)
    chio_judge_fail(j, CHIO_ATTEST_COLLATERAL_SIGNATURE, "%s is not signed by its issuer", what);
  else if (found == NULL)
    chio_judge_missing(j, CHIO_ATTEST_PROVED_CRL, "the revocation list of '%.*s'",
                       (int)(issuer->common_name.len < 96 ? issuer->common_name.len : 96),
                       (const char *)issuer->common_name.data);
  return found;
}

static void record_root(struct chio_judge *j, const struct chio_cert *root) {
  struct chio_attest_result *r = &j->result->pub;
  r->root_name = chio_judge_keep_string(j, root->common_name);
  if (chio_hash_bytes(CHIO_HASH_SHA256, root->key.spki, r->root_spki_sha256) != CHIO_OK)
    j->result->out_of_memory = true;
}

/* A root names itself: that only chooses the words of the refusal. */
static bool calls_itself_simulated(const struct chio_cert *root) {
  return chio_cert_cn_contains(root, "Simulated");
}

/* "tdx" under a vendor's root, "sim-tdx" under another. */
static void mark_simulated(struct chio_judge *j) {
  struct chio_attest_result *r = &j->result->pub;
  char name[64];
  r->simulated = 1;
  if (r->tee == NULL || strncmp(r->tee, "sim-", 4) == 0) return;
  (void)snprintf(name, sizeof name, "sim-%s", r->tee);
  r->tee = chio_judge_keep_string(j, chio_slice_str(name));
}

static void fail_untrusted(struct chio_judge *j, const struct chio_cert *root) {
  struct chio_attest_result *r = &j->result->pub;
  if (calls_itself_simulated(root)) {
    mark_simulated(j);
    chio_judge_fail(j, CHIO_ATTEST_SIMULATED_ROOT, "simulated evidence: its root '%s' is not named by %s", r->root_name,
                    j->policy != NULL ? "the policy" : "a policy");
  } else {
    chio_judge_fail(j, CHIO_ATTEST_UNTRUSTED_ROOT, "the chain ends at '%s', which is not trusted", r->root_name);
  }
}

void chio_judge_root(struct chio_judge *j, const struct chio_cert *root, const struct chio_anchor *anchor) {
  record_root(j, root);
  if (anchor == NULL)
    fail_untrusted(j, root);
  else if (anchor->simulated)
    mark_simulated(j);
}

/* How a vendor signs certificates, each all of its own, up to the root; simulated platforms do as theirs does. */
static enum chio_sig_alg vendor_signs_by(enum chio_vendor vendor) {
  switch (vendor) {
    case CHIO_VENDOR_INTEL: return CHIO_SIG_ECDSA_SHA256;
    case CHIO_VENDOR_AMD: return CHIO_SIG_RSA_PSS_SHA384;
    case CHIO_VENDOR_AWS: return CHIO_SIG_ECDSA_SHA384;
    default: return CHIO_SIG_OTHER; /* not one alone */
  }
}

static bool signed_as_the_vendor_signs(const struct chio_path *path, enum chio_vendor vendor) {
  enum chio_sig_alg alg = vendor_signs_by(vendor);
  for (size_t i = 0; alg != CHIO_SIG_OTHER && i < path->count; i++) {
    if (path->certs[i]->signature_alg != alg) return false;
  }
  return true;
}

bool chio_judge_chain(struct chio_judge *j, enum chio_vendor vendor, const struct chio_cert *leaf, const char *what,
                      struct chio_path *out_path) {
  struct chio_anchors anchors = chio_judge_anchors(j, vendor, &j->anchors);
  const struct chio_cert_set *sets[] = {&j->certs, chio_collateral_certs(j->collateral), chio_vendor_certs(vendor)};
  enum chio_err err = chio_path_find(leaf, sets, CHIO_ARRAY_LEN(sets), anchors, out_path);
  if (err != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN,
                    err == CHIO_E_SIGNATURE_INVALID ? "a signature in the chain of the %s does not hold"
                                                    : "no chain leads from the %s to a root: a certificate is missing",
                    what);
    return false;
  }
  if (!signed_as_the_vendor_signs(out_path, vendor)) {
    chio_judge_fail(j, CHIO_ATTEST_CHAIN, "the chain of the %s is signed by another algorithm than the vendor's", what);
    return false;
  }
  const struct chio_cert *root = out_path->certs[out_path->count - 1];
  chio_judge_window(j, out_path->from, out_path->until);
  chio_judge_root(j, root, out_path->anchor);
  if (out_path->anchor == NULL) return true;
  char subject[96];
  (void)snprintf(subject, sizeof subject, "the chain of the %s", what);
  if (chio_judge_time(j, out_path->from, out_path->until, subject, false))
    chio_judge_prove(j, CHIO_ATTEST_PROVED_CHAIN);
  return true;
}
