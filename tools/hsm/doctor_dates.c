#include "attest/collateral.h"
#include "attest/dcap_tcb_info.h"
#include "attest/judge.h"
#include "attest/moment.h"
#include "attest/pem.h"
#include "signer/wire/msg_collateral.h"
#include "tools/hsm/doctor.h"
#include "tools/hsm/roots.h"
#include "tools/hsm/text.h"

#include <stdio.h>

/* One thing with an end. */
static void judge_end(struct hsm_doctor *d, const char *check, const char *name, int64_t from, int64_t until, int days,
                      unsigned *good) {
  char text[CHIO_MOMENT_TEXT];
  enum hsm_span span = hsm_span_judge(from, until, d->expectation.at, days);
  chio_moment_text(span == HSM_SPAN_NOT_YET ? from : until, text);
  switch (span) {
  case HSM_SPAN_NOT_YET:
    hsm_doctor_find(d, true, check, "%s is valid from %s on, which is in the future", name, text);
    break;
  case HSM_SPAN_ENDED: hsm_doctor_find(d, true, check, "%s expired at %s", name, text); break;
  case HSM_SPAN_ENDS: hsm_doctor_find(d, true, check, "%s expires at %s", name, text); break;
  default: (*good)++;
  }
}

static void name_of(const struct chio_cert *cert, const char *what, char *out, size_t size) {
  CHIO_AUTO(chio_buf) struct chio_buf *plain = chio_buf_new();
  if (plain != NULL) hsm_plain_put(cert->common_name, plain);
  const char *text = plain != NULL ? chio_buf_cstr(plain) : NULL;
  (void)snprintf(out, size, "%s '%.80s'", what, text != NULL ? text : "");
}

static void judge_cert(struct hsm_doctor *d, const struct chio_cert *cert, unsigned *good) {
  char name[160];
  bool anchor = chio_slice_equal(cert->issuer, cert->subject);
  name_of(cert, anchor ? "the root" : "the certificate", name, sizeof name);
  judge_end(d, anchor ? "anchor" : "certificate", name, cert->not_before, cert->not_after, HSM_ROOTS_DAYS,
            good);
}

static void judge_certs(struct hsm_doctor *d, const struct chio_cert_set *certs, unsigned *good) {
  for (size_t i = 0; certs != NULL && i < certs->count; i++) judge_cert(d, certs->certs[i], good);
}

/* A list says its issuer as a name in DER; the certificate at hand says it in words. */
static void judge_crl(struct hsm_doctor *d, const struct chio_crl *crl, unsigned *good) {
  const struct chio_cert_set *certs = chio_collateral_certs(d->expectation.collateral);
  char name[160] = "a revocation list";
  for (size_t i = 0; i < certs->count; i++) {
    if (chio_slice_equal(certs->certs[i]->subject, crl->issuer))
      name_of(certs->certs[i], "the revocation list of", name, sizeof name);
  }
  if (crl->next_update == 0)
    hsm_doctor_find(d, true, "collateral", "%s does not say until when it holds, and is not used", name);
  else
    judge_end(d, "collateral", name, crl->this_update, crl->next_update, HSM_DOCTOR_COLLATERAL_DAYS, good);
}

static void judge_document(struct hsm_doctor *d, const struct chio_document *document, unsigned *good) {
  struct chio_slice id = {NULL, 0}, fmspc = {NULL, 0};
  struct chio_tcb_head head;
  char name[160];
  const struct chio_json *root = chio_json_root(document->json);
  if (document->kind == CHIO_DOCUMENT_JWKS) return; /* a key set has no end */
  (void)!chio_json_string(chio_json_get(document->json, root, "id"), &id);
  (void)!chio_json_string(chio_json_get(document->json, root, "fmspc"), &fmspc);
  (void)snprintf(name, sizeof name, "the %s%s%.*s%s%.*s",
                 document->kind == CHIO_DOCUMENT_TCB_INFO ? "TCB info" : "QE identity", id.len > 0 ? " " : "",
                 (int)(id.len < 16 ? id.len : 16), (const char *)id.data, fmspc.len > 0 ? " of FMSPC " : "",
                 (int)(fmspc.len < 16 ? fmspc.len : 16), (const char *)fmspc.data);
  if (chio_tcb_head_read(document->json, &head) != CHIO_OK)
    hsm_doctor_find(d, true, "collateral", "%s is malformed", name);
  else
    judge_end(d, "collateral", name, head.issued, head.next_update, HSM_DOCTOR_COLLATERAL_DAYS, good);
}

static void judge_collateral(struct hsm_doctor *d) {
  const struct chio_attest_collateral *c = d->expectation.collateral;
  unsigned good = 0;
  judge_certs(d, &c->certs, &good);
  for (size_t i = 0; i < c->crls_count; i++) judge_crl(d, &c->crls[i].crl, &good);
  for (size_t i = 0; i < c->documents_count; i++) judge_document(d, &c->documents[i], &good);
  if (c->certs.count + c->crls_count + c->documents_count == 0)
    hsm_doctor_find(d, true, "collateral", "there is none in '%s'", d->hsm->option[HSM_OPT_COLLATERAL]);
  else
    hsm_doctor_find(d, false, "collateral", "%u certificates, lists and documents are good for a while", good);
}

static void judge_root(struct hsm_doctor *d) {
  struct chio_slice bytes = chio_buf_slice(&d->expectation.root);
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_buf der = CHIO_BUF_INIT;
  struct chio_cert cert;
  unsigned good = 0;
  bool pem = chio_pem_has(bytes, "CERTIFICATE");
  enum chio_err err = pem ? chio_pem_next(&c, "CERTIFICATE", &der) : CHIO_OK;
  if (err == CHIO_OK) err = chio_cert_parse(pem ? chio_buf_slice(&der) : bytes, &cert);
  if (err == CHIO_OK)
    judge_cert(d, &cert, &good);
  else
    hsm_doctor_find(d, true, "anchor", "'%s' is no certificate", d->hsm->option[HSM_OPT_ROOT]);
  if (good > 0) hsm_doctor_find(d, false, "anchor", "the root of --root is good for a while");
  chio_buf_clear(&der);
}

/* ---- What the signer keeps (collateral fetch) ---- */

static void judge_kept(struct hsm_doctor *d, json_t *list) {
  size_t i;
  json_t *row;
  unsigned good = 0;
  json_array_foreach(list, i, row) {
    const char *file = json_string_value(json_object_get(row, "file"));
    const char *until = json_string_value(json_object_get(row, "until"));
    int64_t end = INT64_MAX;
    if (file == NULL || (until != NULL && chio_moment_parse(chio_slice_str(until), &end) != CHIO_OK)) continue;
    if (end <= d->expectation.at)
      hsm_doctor_find(d, true, "collateral", "'%.100s', which the signer keeps, ended at %s", file, until);
    else if (end - d->expectation.at < (int64_t)HSM_DOCTOR_COLLATERAL_DAYS * 86400)
      hsm_doctor_find(d, true, "collateral", "'%.100s', which the signer keeps, ends at %s", file, until);
    else
      good++;
  }
  if (good > 0) hsm_doctor_find(d, false, "collateral", "%u things that the signer keeps are good for a while", good);
}

/* False when the signer keeps none, or fetches none. */
static bool ask_kept(struct hsm_doctor *d) {
  const struct chio_collateral_request request = {.action = CHIO_COLLATERAL_LIST};
  struct chio_collateral_reply reply;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL || d->hsm->client == NULL ||
      chio_call_collateral(d->hsm->client, &request, &reply, holder, NULL, NULL) != CHIO_OK)
    return false;
  json_t *list = json_loadb((const char *)reply.data.data, reply.data.len, 0, NULL);
  bool kept = json_is_array(list) && json_array_size(list) > 0;
  if (kept) judge_kept(d, list);
  json_decref(list);
  return kept;
}

/* ---- Roots (roots list) ---- */

/* Whose roots evidence of the platform ends at; NULL for simulated ones. */
static const char *vendor_of(const char *platform) {
  if (platform == NULL || strncmp(platform, "sim-", 4) == 0) return NULL;
  if (strstr(platform, "snp") != NULL) return "amd";
  if (strstr(platform, "nitro") != NULL) return "aws";
  return strstr(platform, "tdx") != NULL || strcmp(platform, "sgx") == 0 ? "intel" : NULL;
}

static void judge_roots(struct hsm_doctor *d, const char *platform) {
  const char *vendor = vendor_of(platform);
  struct chio_attest_root *roots = NULL;
  unsigned good = 0;
  if (chio_attest_roots_list(d->expectation.policy, NULL, &roots) != CHIO_ATTEST_OK)
    hsm_doctor_find(d, true, "anchor", "the roots cannot be listed");
  for (const struct chio_attest_root *root = roots; root != NULL; root = root->next) {
    char name[200];
    bool ours = strcmp(root->source, "policy") == 0 || (vendor != NULL && strcmp(root->source, vendor) == 0);
    if (!ours || (root->from == 0 && root->until == 0)) continue;
    (void)snprintf(name, sizeof name, "the %s '%.100s'", root->trusted ? "root" : "certificate", root->name);
    judge_end(d, root->trusted ? "anchor" : "certificate", name, root->from, root->until, HSM_ROOTS_DAYS, &good);
  }
  if (good > 0) hsm_doctor_find(d, false, "anchor", "%u roots and authorities are good for a while", good);
  chio_attest_free(roots);
}

void hsm_doctor_dates(struct hsm_doctor *d, const char *platform) {
  bool simulated = platform != NULL && strncmp(platform, "sim-", 4) == 0;
  if (d->expectation.root.len > 0) judge_root(d);
  judge_roots(d, platform);
  bool kept = platform != NULL && ask_kept(d);
  if (d->expectation.collateral != NULL)
    judge_collateral(d);
  else if (kept)
    return;
  else if (platform != NULL && !simulated && strstr(platform, "nitro") == NULL)
    hsm_doctor_find(d, true, "collateral", "none is named (--collateral): revocation and TCB of '%s' cannot be judged",
                    platform);
}
