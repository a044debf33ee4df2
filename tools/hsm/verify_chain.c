#include "tools/hsm/verify_chain.h"

#include "attest/chio_attest.h"
#include "attest/judge.h"
#include "attest/moment.h"
#include "attest/pem.h"
#include "attest/x509.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/file_signature.h"
#include "tools/hsm/json.h"

#include <stdio.h>

#define CHAIN_MAX 8u
#define CHAIN_BYTES_MAX (2u * 1024u * 1024u)
#define FILE_BYTES_MAX (256u * 1024u * 1024u)

struct chain {
  struct chio_buf text, anchor_der, file, signature, root, key;
  struct chio_buf ders[CHAIN_MAX];
  struct chio_cert certs[CHAIN_MAX];
  size_t count;
  struct chio_pubkey anchor;
  int64_t at;
  bool file_signed, judged;
};

static void chain_clear(struct chain *c) {
  chio_buf_clear(&c->text);
  chio_buf_clear(&c->anchor_der);
  chio_buf_clear(&c->file);
  chio_buf_clear(&c->signature);
  chio_buf_clear(&c->root);
  chio_buf_clear(&c->key);
  for (size_t i = 0; i < CHAIN_MAX; i++) chio_buf_clear(&c->ders[i]);
}

static enum chio_err refuse(struct chio_detail *detail, const char *why, const char *about) {
  return chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "%s%s", why, about);
}

/* ---- Reading ---- */

static enum chio_err read_chain(const char *path, struct chain *c, struct chio_detail *detail) {
  enum chio_err err = hsm_read_some(path, CHAIN_BYTES_MAX, &c->text, detail);
  if (err != CHIO_OK) return err;
  struct chio_cursor text = chio_cursor(chio_buf_slice(&c->text));
  while (c->count < CHAIN_MAX) {
    err = chio_pem_next(&text, "CERTIFICATE", &c->ders[c->count]);
    if (err == CHIO_E_NOT_FOUND) break;
    if (err == CHIO_OK) err = chio_cert_parse(chio_buf_slice(&c->ders[c->count]), &c->certs[c->count]);
    if (err != CHIO_OK) return chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "%s: certificate %zu is malformed", path,
                                         c->count + 1);
    c->count++;
  }
  if (c->count == 0) return chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "%s has no certificates in PEM", path);
  return CHIO_OK;
}

/* A certificate or a public key; of a certificate, only the key is trusted, unless it says what we cannot judge. */
static enum chio_err read_anchor(const char *path, struct chain *c, struct chio_detail *detail) {
  struct chio_cert cert;
  CHIO_AUTO(chio_buf) struct chio_buf *file = chio_buf_new();
  if (file == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_read_some(path, 65536, file, detail);
  if (err != CHIO_OK) return err;
  struct chio_cursor text = chio_cursor(chio_buf_slice(file));
  err = chio_pem_next(&text, "CERTIFICATE", &c->anchor_der);
  if (err == CHIO_OK) {
    err = chio_cert_parse(chio_buf_slice(&c->anchor_der), &cert);
    if (err == CHIO_OK) c->anchor = cert.key;
    if (err == CHIO_OK && cert.has_unknown_critical)
      return refuse(detail, "the issuer's certificate has a critical extension that is not judged here, such as name "
                            "constraints; name its public key to trust it all the same: ", path);
  } else if (err == CHIO_E_NOT_FOUND) {
    text = chio_cursor(chio_buf_slice(file));
    err = chio_pem_next(&text, "PUBLIC KEY", &c->anchor_der);
    if (err == CHIO_OK) err = chio_pubkey_parse(chio_buf_slice(&c->anchor_der), &c->anchor);
  }
  if (err == CHIO_OK) return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--issuer %s: expected a certificate or a public key in PEM", path);
}

/* The key that the chain must be about. */
static enum chio_err read_key(const char *path, struct chain *c, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *bytes = chio_buf_new();
  if (path == NULL) return CHIO_OK;
  if (bytes == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_read_some(path, 65536, bytes, detail);
  if (err == CHIO_OK && chio_judge_read_key(chio_buf_slice(bytes), &c->key) != CHIO_OK)
    err = chio_fail(detail, CHIO_E_ARGUMENT, "--key %s: expected a public key or a certificate", path);
  return err;
}

/* An option that is not looked at is refused: who gives it believes that it counts. */
static enum chio_err check_options(const struct hsm *hsm, struct chio_detail *detail) {
  static const struct {
    enum hsm_option option;
    const char *name;
  } others[] = {{HSM_OPT_NONCE, "nonce"},
                {HSM_OPT_BINDING, "binding"},
                {HSM_OPT_MANIFEST, "manifest"},
                {HSM_OPT_RECEIPT_ROOT, "receipt-root"},
                {HSM_OPT_WORKLOAD_HASH, "workload-hash"},
                {HSM_OPT_MODEL, "model"},
                {HSM_OPT_ADDRESS, "address"},
                {HSM_OPT_OPERATOR, "operator"},
                {HSM_OPT_CERTIFICATE, "certificate"},
                {HSM_OPT_PRIVATE_KEY, "private-key"},
                {HSM_OPT_FORMAT, "format"},
                {HSM_OPT_SIGN_WITH, "sign-with"},
                {HSM_OPT_OUTPUT, "output"},
                {HSM_OPT_PRINT_KEY, "print-key"}};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(others); i++) {
    if (hsm->option[others[i].option] == NULL) continue;
    return chio_fail(detail, CHIO_E_ARGUMENT, "a chain is followed from --issuer to the key: no --%s goes with that",
                     others[i].name);
  }
  return CHIO_OK;
}

static enum chio_err read_all(struct hsm *hsm, struct chain *c, struct chio_detail *detail) {
  const char *file = hsm->option[HSM_OPT_FILE], *signature = hsm->option[HSM_OPT_SIGNATURE];
  if ((file == NULL) != (signature == NULL))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--file and --signature go together");
  enum chio_err err = check_options(hsm, detail);
  if (err == CHIO_OK) err = read_chain(hsm->word[0], c, detail);
  if (err == CHIO_OK) err = read_anchor(hsm->option[HSM_OPT_ISSUER], c, detail);
  if (err == CHIO_OK) err = hsm_at_read(hsm->option[HSM_OPT_AT], &c->at, detail);
  if (err == CHIO_OK) err = read_key(hsm->option[HSM_OPT_KEY], c, detail);
  if (err == CHIO_OK && file != NULL) err = hsm_read(file, FILE_BYTES_MAX, &c->file, detail);
  if (err == CHIO_OK && signature != NULL) err = hsm_read_some(signature, 4096, &c->signature, detail);
  return err;
}

/* ---- Judging ---- */

static enum chio_err check_period(const struct chio_cert *cert, int64_t at, struct chio_detail *detail) {
  char text[CHIO_MOMENT_TEXT];
  if (at < cert->not_before) {
    chio_moment_text(cert->not_before, text);
    return refuse(detail, "a certificate of the chain is not valid before ", text);
  }
  if (at < cert->not_after) return CHIO_OK;
  chio_moment_text(cert->not_after, text);
  return refuse(detail, "a certificate of the chain has ended on ", text);
}

static bool holds(const struct chio_cert *cert, const struct chio_pubkey *issuer) {
  return chio_pubkey_verify(issuer, cert->signature_alg, cert->tbs, cert->signature) == CHIO_OK;
}

/* The certificates up to the anchor's key; what comes behind it says nothing more. */
static enum chio_err follow(struct chain *c, struct chio_detail *detail) {
  for (size_t i = 0; i < c->count; i++) {
    const struct chio_cert *cert = &c->certs[i];
    enum chio_err err = check_period(cert, c->at, detail);
    if (err != CHIO_OK) return err;
    if (cert->has_unknown_critical) return refuse(detail, "a critical extension of the chain is not understood", "");
    if (i == 0 && cert->is_ca) return refuse(detail, "the first certificate is an issuer's, not a key's", "");
    const struct chio_cert *next = i + 1 < c->count ? &c->certs[i + 1] : NULL;
    bool next_is_anchor = next != NULL && chio_slice_equal(next->key.spki, c->anchor.spki);
    if (next != NULL && !chio_cert_may_issue(next, cert))
      return refuse(detail, "the second certificate may not issue the first", "");
    if (holds(cert, &c->anchor)) return next_is_anchor ? check_period(next, c->at, detail) : CHIO_OK;
    if (next == NULL || next_is_anchor || !holds(cert, &next->key))
      return refuse(detail, "the delegation was not signed by the issuer", "");
  }
  return refuse(detail, "the chain does not lead to the issuer", "");
}

/* The bundle alone: it is the issuer who signed the certificate around it. */
static enum chio_err judge_evidence(struct hsm *hsm, struct chain *c, struct chio_detail *detail) {
  struct chio_attest_policy *policy = NULL;
  struct chio_attest_collateral *collateral = NULL;
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  const char *root = hsm->option[HSM_OPT_ROOT];
  struct chio_slice evidence;
  if (hsm->option[HSM_OPT_POLICY] == NULL && root == NULL) return CHIO_OK;
  if (chio_cert_extension(&c->certs[0], chio_oid_evidence, &evidence) != CHIO_OK)
    return refuse(detail, "there is no evidence in the certificate", "");
  enum chio_err err = hsm_collateral_read(hsm->option[HSM_OPT_COLLATERAL], &collateral, detail);
  if (err == CHIO_OK && root != NULL) err = hsm_read_some(root, 65536, &c->root, detail);
  if (err == CHIO_OK && hsm->option[HSM_OPT_POLICY] != NULL)
    err = hsm_policy_read(hsm->option[HSM_OPT_POLICY], &policy, detail);
  const struct chio_attest_request request = {.evidence = evidence.data,
                                              .evidence_len = evidence.len,
                                              .policy = policy,
                                              .collateral = collateral,
                                              .at = c->at,
                                              .root = c->root.data,
                                              .root_len = c->root.len,
                                              .key = c->certs[0].key.spki.data,
                                              .key_len = c->certs[0].key.spki.len};
  if (err == CHIO_OK && chio_attest_verify(&request, &result, &message) != CHIO_ATTEST_OK)
    err = refuse(detail, "the evidence in the certificate cannot be judged: ", message.text);
  if (err == CHIO_OK && !result->accepted)
    err = refuse(detail, "the evidence in the certificate: ",
                 result->failures_count > 0 ? result->failures[0].text : chio_attest_reason_text(result->reason));
  c->judged = err == CHIO_OK;
  chio_attest_result_free(result);
  chio_attest_collateral_free(collateral);
  chio_attest_policy_free(policy);
  return err;
}

static enum chio_err check_key(const struct hsm *hsm, const struct chain *c, struct chio_detail *detail) {
  const char *path = hsm->option[HSM_OPT_KEY];
  if (path == NULL || chio_slice_equal(chio_buf_slice(&c->key), c->certs[0].key.spki)) return CHIO_OK;
  return refuse(detail, "the issuer vouches for another key than ", path);
}

static enum chio_err check_file(struct hsm *hsm, struct chain *c, struct chio_detail *detail) {
  if (hsm->option[HSM_OPT_FILE] == NULL) return CHIO_OK;
  c->file_signed = hsm_file_signature_holds(&c->certs[0].key, chio_buf_slice(&c->file), chio_buf_slice(&c->signature));
  return c->file_signed ? CHIO_OK : refuse(detail, "the key did not sign ", hsm->option[HSM_OPT_FILE]);
}

static enum chio_err print(struct hsm *hsm, const struct chain *c) {
  char until[CHIO_MOMENT_TEXT];
  chio_moment_text(c->certs[0].not_after, until);
  struct chio_slice name = c->certs[0].common_name;
  if (hsm->json)
    return hsm_json_print(json_pack("{s:b, s:s%, s:s, s:b, s:b}", "accepted", 1, "key", (const char *)name.data,
                                    name.len, "until", until, "evidence_judged", c->judged ? 1 : 0, "file_signed",
                                    c->file_signed ? 1 : 0));
  (void)printf("%-12s%-13s%s\n", "proved", "issuer", "the issuer vouches for the key");
  (void)printf("%-12s%.*s, until %s\n", "key", (int)name.len, (const char *)name.data, until);
  if (c->judged) (void)printf("%-12s%-13s%s\n", "proved", "evidence", "the key is where its evidence says");
  if (!c->judged) (void)printf("%-12s%-13s%s\n", "not asked", "evidence", "--policy or --root say what to expect");
  if (c->file_signed) (void)printf("%-12s%-13sthe key signed %s\n", "proved", "signature", hsm->option[HSM_OPT_FILE]);
  (void)puts("accepted");
  return CHIO_OK;
}

enum chio_err hsm_verify_chain(struct hsm *hsm, struct chio_detail *detail) {
  struct chain c = {.count = 0};
  enum chio_err err = read_all(hsm, &c, detail);
  if (err == CHIO_OK) err = follow(&c, detail);
  if (err == CHIO_OK) err = check_key(hsm, &c, detail);
  if (err == CHIO_OK) err = judge_evidence(hsm, &c, detail);
  if (err == CHIO_OK) err = check_file(hsm, &c, detail);
  if (err == CHIO_OK) err = print(hsm, &c);
  chain_clear(&c);
  return err;
}
