/* Raw evidence whose report data binds a key directly, by the profile that the caller names (binding.h). */
#include "attest/judge.h"

#include "attest/pem.h"

static struct chio_slice bytes_of(struct chio_attest_bytes bytes) {
  return chio_slice(bytes.data, bytes.len);
}

enum chio_err chio_judge_binding_prepare(struct chio_judge *j, struct chio_detail *detail) {
  const struct chio_attest_binding *b = j->request->binding;
  if (b == NULL) return CHIO_OK;
  const struct chio_binding_profile *profile = b->profile != NULL ? chio_binding_find(b->profile) : NULL;
  if (profile == NULL) {
    return chio_fail(detail, CHIO_E_ARGUMENT, "no binding profile '%s'", b->profile != NULL ? b->profile : "");
  }
  struct chio_binding_parts parts = {{
      [CHIO_BINDING_MANIFEST] = bytes_of(b->manifest_sha256),
      [CHIO_BINDING_RECEIPT_ROOT] = bytes_of(b->receipt_root),
      [CHIO_BINDING_WORKLOAD_HASH] = bytes_of(b->workload_hash),
      [CHIO_BINDING_ADDRESS] = bytes_of(b->address),
      [CHIO_BINDING_OPERATOR] = bytes_of(b->operator_address),
      [CHIO_BINDING_CERTIFICATE] = bytes_of(b->certificate),
      [CHIO_BINDING_PRIVATE_KEY] = bytes_of(b->private_key),
  }};
  /* What the profile does not bind is judged for itself: the nonce as ever, the key against that of the certificate. */
  if (chio_binding_uses(profile, CHIO_BINDING_KEY)) parts.part[CHIO_BINDING_KEY] = j->key_spki;
  if (chio_binding_uses(profile, CHIO_BINDING_NONCE)) {
    parts.part[CHIO_BINDING_NONCE] = chio_slice(j->request->nonce, j->request->nonce_len);
  }
  uint8_t expected[CHIO_BINDING_SIZE];
  enum chio_err err = chio_binding_report_data(profile, &parts, expected, detail);
  if (err != CHIO_OK) return err;
  j->binding = profile;
  j->binding_parts = parts;
  return CHIO_OK;
}

static void bind_key(struct chio_judge *j, struct chio_slice spki) {
  struct chio_attest_result *r = &j->result->pub;
  j->key_bound = true;
  if (r->key_spki != NULL) return; /* the evidence names a key besides: that one must be the caller's too */
  r->key_spki = chio_judge_keep_bytes(j, spki);
  r->key_spki_len = spki.len;
}

/* A profile without a key binds that of its certificate. */
static void bind_certificate(struct chio_judge *j) {
  struct chio_cursor c = chio_cursor(j->binding_parts.part[CHIO_BINDING_CERTIFICATE]);
  struct chio_buf der = CHIO_BUF_INIT;
  struct chio_cert cert;
  if (chio_pem_next(&c, "CERTIFICATE", &der) == CHIO_OK && chio_cert_parse(chio_buf_slice(&der), &cert) == CHIO_OK) {
    bind_key(j, cert.key.spki);
  } else {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the certificate that the evidence binds does not parse");
    j->binding_refused = true;
  }
  chio_buf_clear(&der);
}

static void judge_report_data(struct chio_judge *j) {
  struct chio_detail detail = {""};
  bool has_nonce = j->binding_parts.part[CHIO_BINDING_NONCE].len > 0;
  if (has_nonce) j->nonce_judged = true;
  if (chio_binding_check(j->binding, &j->binding_parts, chio_judge_made_over(j), &detail) != CHIO_OK) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "%s", detail.text);
    j->binding_refused = true;
    return;
  }
  chio_judge_prove(j, CHIO_ATTEST_PROVED_REPORT_DATA);
  if (has_nonce && chio_judge_answers(j, j->binding_parts.part[CHIO_BINDING_NONCE]))
    chio_judge_prove(j, CHIO_ATTEST_PROVED_NONCE);
  j->workload_hash = j->binding_parts.part[CHIO_BINDING_WORKLOAD_HASH];
  if (chio_binding_uses(j->binding, CHIO_BINDING_KEY)) bind_key(j, j->key_spki);
  else bind_certificate(j);
}

void chio_judge_binding(struct chio_judge *j) {
  if (j->binding == NULL) return;
  if (!j->binds_itself) {
    judge_report_data(j);
    return;
  }
  chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "the evidence says itself what its quote binds: no profile applies");
  j->binding_refused = true;
}
