#include "attest/dcap_tcb.h"

#include "attest/collateral.h"
#include "attest/dcap_tcb_info.h"

#include <stdio.h>

/* What is at hand for one platform. */
struct tcb_judge {
  struct chio_judge *j;
  const struct chio_dcap_quote *quote;
  const struct chio_pck *pck;
  const struct chio_path *path;
  const struct chio_crl *root_crl; /* that holds; NULL when there is none */
  bool tdx;
};

static struct chio_slice field(struct chio_slice body, size_t offset, size_t len) {
  return chio_slice(body.data + offset, len);
}

/* ---- Revocation ---- */

/* The list of that issuer, when it holds now. */
static const struct chio_crl *find_crl(struct tcb_judge *t, const struct chio_cert *issuer, const char *what) {
  const struct chio_crl *found = chio_judge_find_crl(t->j, issuer, what);
  if (found == NULL) return NULL;
  chio_judge_window(t->j, found->this_update, found->next_update);
  return chio_judge_time(t->j, found->this_update, found->next_update, what, true) ? found : NULL;
}

/* true when the certificate is not on the list. */
static bool not_revoked(struct tcb_judge *t, const struct chio_crl *crl, const struct chio_cert *cert,
                        const char *what) {
  bool revoked = true;
  if (chio_crl_contains(crl, cert->serial, &revoked) != CHIO_OK) {
    chio_judge_fail(t->j, CHIO_ATTEST_COLLATERAL_FORMAT, "a revocation list is malformed");
    return false;
  }
  if (revoked) chio_judge_fail(t->j, CHIO_ATTEST_REVOKED, "%s is revoked", what);
  return !revoked;
}

static void judge_revocation(struct tcb_judge *t) {
  const struct chio_cert *leaf = t->path->certs[0], *ca = t->path->certs[1], *root = t->path->certs[t->path->count - 1];
  const struct chio_crl *pck_crl = find_crl(t, ca, "the PCK revocation list");
  t->root_crl = find_crl(t, root, "the root's revocation list");
  if (pck_crl == NULL || t->root_crl == NULL) return;
  bool good = not_revoked(t, pck_crl, leaf, "the PCK certificate");
  for (size_t i = 1; i + 1 < t->path->count; i++) {
    good = not_revoked(t, t->root_crl, t->path->certs[i], "the PCK CA's certificate") && good;
  }
  if (good) chio_judge_prove(t->j, CHIO_ATTEST_PROVED_CRL);
}

/* ---- Signed documents ---- */

/* The signer's role is in its name, and its root must be the platform's. */
static bool is_signer(struct tcb_judge *t, const struct chio_cert *cert, struct chio_path *out_path) {
  if (cert->is_ca || !chio_cert_cn_contains(cert, "TCB Signing")) return false;
  if (cert->has_key_usage && (cert->key_usage & CHIO_KEY_USAGE_DIGITAL_SIGNATURE) == 0) return false;
  struct chio_anchor_storage storage;
  struct chio_anchors anchors = chio_judge_anchors(t->j, CHIO_VENDOR_INTEL, &storage);
  const struct chio_cert_set *sets[] = {chio_collateral_certs(t->j->collateral), &t->j->certs};
  if (chio_path_find(cert, sets, CHIO_ARRAY_LEN(sets), anchors, out_path) != CHIO_OK) return false;
  const struct chio_cert *root = t->path->certs[t->path->count - 1];
  return out_path->anchor != NULL && chio_slice_equal(out_path->certs[out_path->count - 1]->key.spki, root->key.spki);
}

/* Intel reissues the signer's certificate with the same key and serial: the one that is valid now is preferred. */
static bool judge_document_signature(struct tcb_judge *t, const struct chio_document *document, const char *what) {
  const struct chio_cert_set *certs = chio_collateral_certs(t->j->collateral);
  struct chio_path best = {.count = 0}, path;
  bool signer_found = false;
  for (size_t i = 0; i < certs->count; i++) {
    if (!is_signer(t, certs->certs[i], &path)) continue;
    signer_found = true;
    bool valid_now = t->j->at >= path.from && t->j->at <= path.until;
    bool best_valid = best.count > 0 && t->j->at >= best.from && t->j->at <= best.until;
    if (best_valid || (best.count > 0 && !valid_now)) continue;
    struct chio_slice signature = chio_slice(document->signature, 64);
    if (chio_pubkey_verify_raw_lasting(&certs->certs[i]->key, document->body, signature) == CHIO_OK) {
      best = path;
    }
  }
  if (best.count == 0) {
    chio_judge_fail(
        t->j, signer_found ? CHIO_ATTEST_COLLATERAL_SIGNATURE : CHIO_ATTEST_COLLATERAL_MISSING,
        signer_found ? "%s is not signed by the TCB signer" : "the TCB signer's certificate for %s is missing", what);
    return false;
  }
  chio_judge_window(t->j, best.from, best.until);
  if (!chio_judge_time(t->j, best.from, best.until, "the TCB signer's certificate", true)) return false;
  return t->root_crl == NULL || not_revoked(t, t->root_crl, best.certs[0], "the TCB signer's certificate");
}

/* For one TEE a folder may hold lists of several machines and dates: the machine's own, the newest evaluation that
 * holds now, else the newest. */
static const struct chio_document *find_document(struct tcb_judge *t, enum chio_document_kind kind, const char *id,
                                                 bool any_platform) {
  const struct chio_attest_collateral *c = t->j->collateral;
  const struct chio_document *found = NULL;
  uint64_t best = 0;
  for (size_t i = 0; c != NULL && i < c->documents_count; i++) {
    const struct chio_document *d = &c->documents[i];
    const struct chio_json *root = chio_json_root(d->json), *name = chio_json_get(d->json, root, "id");
    struct chio_tcb_head head = {.evaluation = 0};
    uint8_t fmspc[6];
    if (d->kind != kind) continue;
    /* Before version 3, TCB info had no id and was SGX's. */
    if (name != NULL ? !chio_json_is(name, id) : t->tdx || kind != CHIO_DOCUMENT_TCB_INFO) continue;
    if (kind == CHIO_DOCUMENT_TCB_INFO && !any_platform &&
        (chio_json_hex(chio_json_get(d->json, root, "fmspc"), fmspc, sizeof fmspc) != CHIO_OK ||
         memcmp(fmspc, t->pck->fmspc, sizeof fmspc) != 0)) {
      continue;
    }
    uint64_t score = 1;
    if (chio_tcb_head_read(d->json, &head) == CHIO_OK) {
      bool now = t->j->at >= head.issued && t->j->at <= head.next_update;
      score = 2 + head.evaluation + (now ? 10000000 : 0);
    }
    if (score > best) found = d, best = score;
  }
  return found;
}

/* Head, time and signature. false when the document cannot be used at all; *out_holds when it proves something. */
static bool judge_document(struct tcb_judge *t, const struct chio_document *document, const char *what,
                           struct chio_tcb_head *out_head, bool *out_holds) {
  if (chio_tcb_head_read(document->json, out_head) != CHIO_OK) {
    chio_judge_fail(t->j, CHIO_ATTEST_COLLATERAL_FORMAT, "%s is malformed", what);
    return false;
  }
  bool in_time = chio_judge_time(t->j, out_head->issued, out_head->next_update, what, true);
  chio_judge_window(t->j, out_head->issued, out_head->next_update);
  *out_holds = judge_document_signature(t, document, what) && in_time;
  return true;
}

static void add_advisories(struct tcb_judge *t, const struct chio_json_doc *doc, const struct chio_tcb_level *level) {
  for (const struct chio_json *a = chio_json_first(doc, level->advisories); a != NULL; a = chio_json_next(doc, a)) {
    struct chio_slice id;
    if (chio_json_string(a, &id) == CHIO_OK && id.len <= 64) chio_judge_advisory(t->j, id);
  }
}

/* ---- The quoting enclave ---- */

/* Under Intel's root and without its identity at hand: the signers that Intel has used ever since. */
static void judge_qe_signer(struct tcb_judge *t) {
  static const uint8_t sgx[] = {0x8c, 0x4f, 0x57, 0x75, 0xd7, 0x96, 0x50, 0x3e, 0x96, 0x13, 0x7f,
                                0x77, 0xc6, 0x8a, 0x82, 0x9a, 0x00, 0x56, 0xac, 0x8d, 0xed, 0x70,
                                0x14, 0x0b, 0x08, 0x1b, 0x09, 0x44, 0x90, 0xc5, 0x7b, 0xff};
  static const uint8_t tdx[] = {0xdc, 0x9e, 0x2a, 0x7c, 0x6f, 0x94, 0x8f, 0x17, 0x47, 0x4e, 0x34,
                                0xa7, 0xfc, 0x43, 0xed, 0x03, 0x0f, 0x7c, 0x15, 0x63, 0xf1, 0xba,
                                0xbd, 0xdf, 0x63, 0x40, 0xc8, 0x2e, 0x0e, 0x54, 0xa8, 0xc5};
  if (t->path->anchor->simulated) return;
  if (memcmp(t->quote->qe_report.data + CHIO_SGX_MRSIGNER, t->tdx ? tdx : sgx, 32) != 0) {
    chio_judge_fail(t->j, CHIO_ATTEST_QE_IDENTITY, "the quoting enclave is not signed by Intel");
  }
}

/* (report & mask) = value. In JSON these are hexadecimal in the order of the bytes for attributes, and as a number, the
 * other way round, for miscselect. */
static bool masked_equal(struct chio_slice report, const uint8_t *mask, const uint8_t *value, bool reversed) {
  for (size_t i = 0; i < report.len; i++) {
    size_t k = reversed ? report.len - 1 - i : i;
    if ((report.data[i] & mask[k]) != value[k]) return false;
  }
  return true;
}

static enum chio_err qe_matches(struct tcb_judge *t, const struct chio_json_doc *doc, bool *out) {
  const struct chio_json *root = chio_json_root(doc);
  struct chio_slice report = t->quote->qe_report;
  uint8_t misc[4], misc_mask[4], attributes[16], mask[16], mrsigner[32];
  uint64_t prod_id;
  enum chio_err err = chio_json_hex(chio_json_get(doc, root, "miscselect"), misc, sizeof misc);
  if (err == CHIO_OK) err = chio_json_hex(chio_json_get(doc, root, "miscselectMask"), misc_mask, sizeof misc_mask);
  if (err == CHIO_OK) err = chio_json_hex(chio_json_get(doc, root, "attributes"), attributes, sizeof attributes);
  if (err == CHIO_OK) err = chio_json_hex(chio_json_get(doc, root, "attributesMask"), mask, sizeof mask);
  if (err == CHIO_OK) err = chio_json_hex(chio_json_get(doc, root, "mrsigner"), mrsigner, sizeof mrsigner);
  if (err == CHIO_OK) err = chio_json_uint(chio_json_get(doc, root, "isvprodid"), 65535, &prod_id);
  if (err != CHIO_OK) return err;
  const uint8_t *prod = report.data + CHIO_SGX_ISVPRODID;
  *out = masked_equal(field(report, CHIO_SGX_MISCSELECT, 4), misc_mask, misc, true) &&
         masked_equal(field(report, CHIO_SGX_ATTRIBUTES, 16), mask, attributes, false) &&
         memcmp(report.data + CHIO_SGX_MRSIGNER, mrsigner, sizeof mrsigner) == 0 &&
         (uint64_t)(prod[0] | prod[1] << 8) == prod_id;
  return CHIO_OK;
}

/* The QE's own level; false when there is none. */
static bool judge_qe(struct tcb_judge *t, struct chio_tcb_level *out_level) {
  const struct chio_document *document = find_document(t, CHIO_DOCUMENT_QE_IDENTITY, t->tdx ? "TD_QE" : "QE", true);
  struct chio_tcb_head head;
  bool holds = false, matches = false;
  judge_qe_signer(t);
  if (document == NULL)
    chio_judge_missing(t->j, CHIO_ATTEST_PROVED_QE_IDENTITY, "the QE identity '%s'", t->tdx ? "TD_QE" : "QE");
  if (document == NULL || !judge_document(t, document, "the QE identity", &head, &holds)) return false;
  const uint8_t *svn = t->quote->qe_report.data + CHIO_SGX_ISVSVN;
  if (qe_matches(t, document->json, &matches) != CHIO_OK ||
      chio_tcb_isvsvn_level(document->json, chio_json_root(document->json), (uint64_t)(svn[0] | svn[1] << 8),
                            out_level) != CHIO_OK) {
    chio_judge_fail(t->j, CHIO_ATTEST_COLLATERAL_FORMAT, "the QE identity is malformed");
    return false;
  }
  if (!matches)
    chio_judge_fail(t->j, CHIO_ATTEST_QE_IDENTITY, "the quoting enclave is not the one in the QE identity");
  else if (holds)
    chio_judge_prove(t->j, CHIO_ATTEST_PROVED_QE_IDENTITY);
  add_advisories(t, document->json, out_level);
  return matches;
}

/* ---- The TDX module ---- */

static bool module_matches(struct tcb_judge *t, const struct chio_json_doc *doc, const struct chio_json *identity) {
  uint8_t mrsigner[48], attributes[8], mask[8];
  static const uint8_t zero[8];
  const uint8_t *body = t->quote->body.data;
  if (chio_json_hex(chio_json_get(doc, identity, "mrsigner"), mrsigner, sizeof mrsigner) != CHIO_OK ||
      chio_json_hex(chio_json_get(doc, identity, "attributes"), attributes, sizeof attributes) != CHIO_OK ||
      chio_json_hex(chio_json_get(doc, identity, "attributesMask"), mask, sizeof mask) != CHIO_OK) {
    return false;
  }
  return memcmp(body + CHIO_TD_MRSIGNERSEAM, mrsigner, sizeof mrsigner) == 0 &&
         memcmp(body + CHIO_TD_SEAMATTRIBUTES, zero, sizeof zero) == 0 &&
         masked_equal(field(t->quote->body, CHIO_TD_SEAMATTRIBUTES, 8), mask, attributes, false);
}

static const struct chio_json *find_module(const struct chio_json_doc *doc, uint8_t version) {
  const struct chio_json *root = chio_json_root(doc);
  if (version == 0) return chio_json_get(doc, root, "tdxModule");
  const struct chio_json *list = chio_json_get(doc, root, "tdxModuleIdentities");
  char upper[16], lower[16];
  (void)snprintf(upper, sizeof upper, "TDX_%02X", version);
  (void)snprintf(lower, sizeof lower, "TDX_%02x", version);
  for (const struct chio_json *m = chio_json_first(doc, list); m != NULL; m = chio_json_next(doc, m)) {
    const struct chio_json *id = chio_json_get(doc, m, "id");
    if (chio_json_is(id, upper) || chio_json_is(id, lower)) return m;
  }
  return NULL;
}

/* The module's level; version 0 has none of its own. false: no identity, or another module. */
static bool judge_module(struct tcb_judge *t, const struct chio_json_doc *doc, const uint8_t svn[16],
                         struct chio_tcb_level *out_level) {
  const struct chio_json *identity = find_module(doc, svn[1]);
  *out_level = (struct chio_tcb_level){.status = CHIO_TCB_UP_TO_DATE};
  if (identity == NULL || !module_matches(t, doc, identity)) {
    chio_judge_fail(t->j, CHIO_ATTEST_TDX_MODULE, "the TDX module of version %u is not one that Intel names", svn[1]);
    return false;
  }
  if (svn[1] == 0) return true;
  if (chio_tcb_isvsvn_level(doc, identity, svn[0], out_level) == CHIO_OK) return true;
  chio_judge_fail(t->j, CHIO_ATTEST_COLLATERAL_FORMAT, "the TCB info's TDX module identity is malformed");
  return false;
}

/* ---- The platform ---- */

/* One evaluation: platform, module for TDX, and the QE when its level is known. */
static bool evaluate(struct tcb_judge *t, const struct chio_document *document, const uint8_t *tdx_svn,
                     const struct chio_tcb_level *qe, bool with_advisories, enum chio_tcb_status *out_status,
                     int64_t *out_date) {
  struct chio_tcb_level platform, module = {.status = CHIO_TCB_UP_TO_DATE};
  if (chio_tcb_platform_level(document->json, t->pck, tdx_svn, &platform) != CHIO_OK) {
    chio_judge_fail(t->j, CHIO_ATTEST_COLLATERAL_FORMAT, "the TCB info's levels are malformed");
    return false;
  }
  if (tdx_svn != NULL && !judge_module(t, document->json, tdx_svn, &module)) return false;
  if (with_advisories) {
    add_advisories(t, document->json, &platform);
    add_advisories(t, document->json, &module);
  }
  enum chio_tcb_status status = chio_tcb_converge(platform.status, module.status);
  *out_status = qe != NULL ? chio_tcb_converge(status, qe->status) : status;
  *out_date = platform.date;
  return true;
}

/* A TD that was launched under an old module and runs on a current one is to be launched anew. */
static enum chio_tcb_status relaunch(enum chio_tcb_status launched, enum chio_tcb_status running) {
  if (running == CHIO_TCB_REVOKED || running == CHIO_TCB_NOT_SUPPORTED) return running;
  bool configuration = launched == CHIO_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
  if (launched != CHIO_TCB_OUT_OF_DATE && !configuration) return launched;
  switch (running) {
    case CHIO_TCB_UP_TO_DATE:
    case CHIO_TCB_SW_HARDENING_NEEDED:
      return configuration ? CHIO_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED : CHIO_TCB_RELAUNCH_ADVISED;
    case CHIO_TCB_CONFIGURATION_NEEDED:
    case CHIO_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED: return CHIO_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;
    default: return launched;
  }
}

static bool judge_status(struct tcb_judge *t, const struct chio_document *document, const struct chio_tcb_level *qe) {
  struct chio_attest_result *r = &t->j->result->pub;
  const uint8_t *body = t->quote->body.data;
  enum chio_tcb_status status, running;
  int64_t date, ignored;
  if (!evaluate(t, document, t->tdx ? body + CHIO_TD_TCB_SVN : NULL, qe, true, &status, &date)) return false;
  if (t->quote->body_type >= CHIO_DCAP_BODY_TD15) {
    if (!evaluate(t, document, body + CHIO_TD_TCB_SVN_2, qe, false, &running, &ignored)) return false;
    status = relaunch(status, running);
  }
  r->tcb_status = chio_tcb_status_word(status);
  r->tcb_date = status == CHIO_TCB_NOT_SUPPORTED ? 0 : date;
  if (status == CHIO_TCB_NOT_SUPPORTED) {
    chio_judge_fail(t->j, CHIO_ATTEST_TCB_NOT_SUPPORTED, "the platform's TCB is below every level of the TCB info");
  } else if (status == CHIO_TCB_REVOKED) {
    chio_judge_fail(t->j, CHIO_ATTEST_TCB_REVOKED, "Intel has revoked the platform's TCB level");
  }
  return status != CHIO_TCB_NOT_SUPPORTED && status != CHIO_TCB_REVOKED;
}

static bool is_for_platform(struct tcb_judge *t, const struct chio_document *document) {
  const struct chio_json *root = chio_json_root(document->json);
  uint8_t fmspc[6], pceid[2];
  return chio_json_hex(chio_json_get(document->json, root, "fmspc"), fmspc, sizeof fmspc) == CHIO_OK &&
         chio_json_hex(chio_json_get(document->json, root, "pceId"), pceid, sizeof pceid) == CHIO_OK &&
         memcmp(fmspc, t->pck->fmspc, sizeof fmspc) == 0 && memcmp(pceid, t->pck->pceid, sizeof pceid) == 0;
}

static void fail_other_platform(struct tcb_judge *t, const struct chio_document *document) {
  const uint8_t *f = t->pck->fmspc, *p = t->pck->pceid;
  const struct chio_json *root = chio_json_root(document->json);
  struct chio_slice fmspc = {NULL, 0}, pceid = {NULL, 0};
  uint8_t bytes[6];
  /* What is printed is hexadecimal of the right length, or nothing. */
  bool named = chio_json_hex(chio_json_get(document->json, root, "fmspc"), bytes, 6) == CHIO_OK &&
               chio_json_hex(chio_json_get(document->json, root, "pceId"), bytes, 2) == CHIO_OK &&
               chio_json_string(chio_json_get(document->json, root, "fmspc"), &fmspc) == CHIO_OK &&
               chio_json_string(chio_json_get(document->json, root, "pceId"), &pceid) == CHIO_OK;
  chio_judge_fail(t->j, CHIO_ATTEST_COLLATERAL_MISMATCH,
                  "the TCB info is for FMSPC %.*s, PCE id %.*s; the platform has %02x%02x%02x%02x%02x%02x, %02x%02x",
                  named ? 12 : 1, named ? (const char *)fmspc.data : "?", named ? 4 : 1,
                  named ? (const char *)pceid.data : "?", f[0], f[1], f[2], f[3], f[4], f[5], p[0], p[1]);
}

static void miss_tcb_info(struct tcb_judge *t, const char *id) {
  const uint8_t *f = t->pck->fmspc;
  chio_judge_missing(t->j, CHIO_ATTEST_PROVED_TCB, "the TCB info of %s for FMSPC %02x%02x%02x%02x%02x%02x", id, f[0],
                     f[1], f[2], f[3], f[4], f[5]);
}

static void judge_tcb(struct tcb_judge *t) {
  const struct chio_attest_policy *policy = t->j->policy;
  struct chio_tcb_level qe;
  bool has_qe = judge_qe(t, &qe), holds = false;
  struct chio_tcb_head head;
  const char *id = t->tdx ? "TDX" : "SGX";
  const struct chio_document *document = find_document(t, CHIO_DOCUMENT_TCB_INFO, id, false);
  if (document == NULL) document = find_document(t, CHIO_DOCUMENT_TCB_INFO, id, true);
  if (document == NULL) miss_tcb_info(t, id);
  if (document == NULL || !judge_document(t, document, "the TCB info", &head, &holds)) return;
  if (!is_for_platform(t, document)) {
    t->j->result->pub.tcb_status = chio_tcb_status_word(CHIO_TCB_NOT_SUPPORTED);
    fail_other_platform(t, document);
    return;
  }
  chio_claim_uint(t->j, "tcb_evaluation", head.evaluation);
  if (policy != NULL && policy->min_evaluation > 0 && head.evaluation < (uint64_t)policy->min_evaluation) {
    chio_judge_fail(t->j, CHIO_ATTEST_TCB_MINIMUM,
                    "the TCB info's evaluation number %llu is below the policy's minimum",
                    (unsigned long long)head.evaluation);
  }
  if (judge_status(t, document, has_qe ? &qe : NULL) && holds) chio_judge_prove(t->j, CHIO_ATTEST_PROVED_TCB);
}

void chio_dcap_judge_tcb(struct chio_judge *j, const struct chio_dcap_quote *quote, const struct chio_pck *pck,
                         const struct chio_path *path) {
  struct tcb_judge t = {.j = j, .quote = quote, .pck = pck, .path = path, .tdx = quote->tee_type == CHIO_DCAP_TEE_TDX};
  judge_revocation(&t);
  judge_tcb(&t);
}
