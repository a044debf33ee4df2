/* Evidence in conceptual message wrappers, and the reports of configfs-tsm that are often in them. */
#include "attest/cmw.h"

#include "attest/bundle.h"
#include "attest/judge.h"
#include "attest/ratls.h"
#include "attest/snp_vek.h"
#include "signer/base/text.h"

static void fail(struct chio_judge *j, enum chio_err err, const char *what) {
  chio_judge_fail(j, err == CHIO_E_UNSUPPORTED ? CHIO_ATTEST_UNSUPPORTED : CHIO_ATTEST_FORMAT, "%s: %s", what,
                  chio_err_text(err));
}

/* ---- {"provider":...,"outblob":...,"auxblob":...} ---- */

/* JSON has them in base64 of either alphabet, padded or not. */
static enum chio_err read_blob(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  if (err != CHIO_OK) return err;
  bool standard = memchr(text.data, '+', text.len) != NULL || memchr(text.data, '/', text.len) != NULL;
  if (standard) return chio_base64_decode(text, false, out);
  while (text.len > 0 && text.data[text.len - 1] == '=') text.len--;
  return chio_base64_decode(text, true, out);
}

static void judge_report(struct chio_judge *j, struct chio_slice out, struct chio_slice aux) {
  enum chio_err err = aux.len > 0 ? chio_snp_table_add(aux, &j->certs) : CHIO_OK;
  if (err != CHIO_OK) {
    fail(j, err, "the report's certificate table");
    return;
  }
  j->inside = true;
  chio_judge_evidence(j, out);
}

static void judge_tsm_json(struct chio_judge *j, struct chio_slice text) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct chio_buf out = CHIO_BUF_INIT, table = CHIO_BUF_INIT;
  enum chio_err err = chio_json_parse(text, &doc);
  const struct chio_json *root = err == CHIO_OK ? chio_json_root(doc) : NULL;
  const struct chio_json *aux = chio_json_get(doc, root, "auxblob");
  if (err == CHIO_OK) err = read_blob(chio_json_get(doc, root, "outblob"), &out);
  if (err == CHIO_OK && aux != NULL && aux->type == CHIO_JSON_STRING && aux->string.len > 0)
    err = read_blob(aux, &table);
  if (err == CHIO_OK)
    judge_report(j, chio_buf_slice(&out), chio_buf_slice(&table));
  else
    fail(j, err, "the report in JSON");
  chio_buf_clear(&out);
  chio_buf_clear(&table);
}

void chio_judge_tsm(struct chio_judge *j, struct chio_slice report) {
  struct chio_tsm_report tsm;
  if (report.len > 0 && report.data[0] == '{') {
    judge_tsm_json(j, report);
    return;
  }
  enum chio_err err = chio_tsm_report_parse(report, &tsm);
  if (err == CHIO_OK)
    judge_report(j, tsm.out, tsm.aux);
  else
    fail(j, err, "the report in CBOR");
}

/* ---- Records ---- */

struct parts {
  const struct chio_cmw_record *evidence, *claims, *chain;
};

static const char *const tsm_types[] = {CHIO_CMW_TSM_CBOR, CHIO_CMW_TSM_JSON,
                                        "application/vnd.veraison.configfs-tsm+json"};

static bool is_type(const struct chio_cmw_record *record, const char *type) {
  return chio_slice_equal(record->type, chio_slice_str(type));
}

static bool is_tsm(const struct chio_cmw_record *record) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(tsm_types); i++) {
    if (is_type(record, tsm_types[i])) return true;
  }
  return false;
}

static bool is_evidence(const struct chio_cmw_record *record) {
  return is_tsm(record) || is_type(record, CHIO_CMW_NITRO) || is_type(record, CHIO_CMW_QUOTE) ||
         is_type(record, CHIO_BUNDLE_MEDIA_TYPE);
}

/* Two of a kind are refused: which of them counts is not for a forger to choose. Other types are not ours to judge. */
static enum chio_err sort(const struct chio_cmw *cmw, struct parts *out) {
  for (size_t i = 0; i < cmw->count; i++) {
    const struct chio_cmw_record *record = &cmw->records[i], **to = NULL;
    if (is_evidence(record)) to = &out->evidence;
    if (is_type(record, CHIO_CMW_CLAIMS)) to = &out->claims;
    if (is_type(record, CHIO_CMW_CHAIN)) to = &out->chain;
    if (to == NULL) continue;
    if (*to != NULL) return CHIO_E_MALFORMED;
    *to = record;
  }
  if (out->evidence == NULL) return CHIO_E_UNSUPPORTED;
  bool other = out->evidence->indicator != 0 && (out->evidence->indicator & CHIO_CMW_IS_EVIDENCE) == 0;
  return other ? CHIO_E_UNSUPPORTED : CHIO_OK;
}

static void judge_parts(struct chio_judge *j, const struct parts *parts, struct chio_slice spki) {
  struct chio_slice evidence = parts->evidence->value;
  if (is_type(parts->evidence, CHIO_BUNDLE_MEDIA_TYPE)) {
    if (parts->claims != NULL) chio_judge_fail(j, CHIO_ATTEST_FORMAT, "a bundle, and claims about the key beside it");
    chio_judge_bundle(j, evidence);
    return;
  }
  j->inside = true;
  j->binds_itself = parts->claims != NULL;
  if (is_tsm(parts->evidence))
    chio_judge_tsm(j, evidence);
  else
    chio_judge_evidence(j, evidence);
  if (parts->claims != NULL) {
    chio_judge_claims(j, parts->claims->value, spki);
  } else if (spki.len > 0 && j->binding == NULL) {
    chio_judge_fail(j, CHIO_ATTEST_KEY_BINDING, "nothing beside the evidence binds the certificate's key");
  }
}

void chio_judge_cmw(struct chio_judge *j, struct chio_slice bytes, struct chio_slice spki) {
  struct chio_cmw cmw;
  struct parts parts = {.evidence = NULL};
  j->result->pub.container = "cmw";
  enum chio_err err = chio_cmw_parse(bytes, &cmw);
  if (err != CHIO_OK) {
    fail(j, err, "the message wrapper");
    return;
  }
  err = sort(&cmw, &parts);
  if (err == CHIO_OK && parts.chain != NULL) err = chio_cert_set_add_pem(&j->certs, parts.chain->value, 8);
  if (err == CHIO_OK)
    judge_parts(j, &parts, spki);
  else
    fail(j, err, "the records of the message wrapper");
  chio_cmw_clear(&cmw);
}
