#include "attest/cmw.h"

#include "attest/cbor_write.h"
#include "signer/base/text.h"

#define LABEL_MAX 256u
#define TYPE_MAX 256u
#define COLLECTION_TYPE "__cmwc_t"

static struct chio_cmw_record *add_record(struct chio_cmw *cmw) {
  return cmw->count < CHIO_CMW_RECORDS_MAX ? &cmw->records[cmw->count++] : NULL;
}

/* ---- CBOR ---- */

/* [ type, value, ? indicator ] */
static enum chio_err cbor_record(struct chio_cursor *c, struct chio_slice label, struct chio_cmw *cmw) {
  struct chio_cmw_record record = {.label = label};
  struct chio_cbor_list list;
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_ARRAY, 3, &list);
  if (err == CHIO_OK && (list.indefinite || list.left < 2)) err = CHIO_E_MALFORMED;
  if (err != CHIO_OK) return err;
  if (chio_cbor_next_is(c, CHIO_CBOR_UINT)) return CHIO_E_UNSUPPORTED;
  err = chio_cbor_string(c, CHIO_CBOR_TEXT, TYPE_MAX, &record.type);
  if (err == CHIO_OK) err = chio_cbor_string(c, CHIO_CBOR_BYTES, CHIO_CMW_VALUE_MAX, &record.value);
  if (err == CHIO_OK && list.left == 3) err = chio_cbor_uint(c, UINT32_MAX, &record.indicator);
  if (err != CHIO_OK) return err;
  struct chio_cmw_record *to = add_record(cmw);
  if (to == NULL) return CHIO_E_TOO_LONG;
  *to = record;
  return CHIO_OK;
}

static enum chio_err cbor_member(struct chio_cursor *c, struct chio_cmw *cmw) {
  struct chio_slice label, type;
  if (chio_cbor_next_is(c, CHIO_CBOR_UINT) || chio_cbor_next_is(c, CHIO_CBOR_NEGATIVE)) return CHIO_E_UNSUPPORTED;
  enum chio_err err = chio_cbor_string(c, CHIO_CBOR_TEXT, LABEL_MAX, &label);
  if (err != CHIO_OK) return err;
  if (label.len == 0) return CHIO_E_MALFORMED;
  if (chio_slice_equal(label, chio_slice_str(COLLECTION_TYPE))) {
    return chio_cbor_string(c, CHIO_CBOR_TEXT, LABEL_MAX, &type);
  }
  for (size_t i = 0; i < cmw->count; i++) {
    if (chio_slice_equal(cmw->records[i].label, label)) return CHIO_E_MALFORMED;
  }
  return chio_cbor_next_is(c, CHIO_CBOR_MAP) ? CHIO_E_UNSUPPORTED : cbor_record(c, label, cmw);
}

static enum chio_err cbor_collection(struct chio_cursor *c, struct chio_cmw *cmw) {
  struct chio_cbor_list list;
  bool more;
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_MAP, CHIO_CMW_RECORDS_MAX + 1, &list);
  if (err == CHIO_OK && list.indefinite) err = CHIO_E_MALFORMED;
  while (err == CHIO_OK) {
    err = chio_cbor_more(c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = cbor_member(c, cmw);
  }
  return err == CHIO_OK && cmw->count == 0 ? CHIO_E_MALFORMED : err;
}

static enum chio_err parse_cbor(struct chio_slice bytes, struct chio_cmw *cmw) {
  struct chio_cursor c = chio_cursor(bytes);
  enum chio_err err =
      chio_cbor_next_is(&c, CHIO_CBOR_MAP) ? cbor_collection(&c, cmw) : cbor_record(&c, chio_slice(NULL, 0), cmw);
  return err == CHIO_OK ? chio_cursor_end(&c) : err;
}

bool chio_cmw_looks_like(struct chio_slice bytes) {
  if (bytes.len < 4) return false;
  bool is_record = (bytes.data[0] == 0x82 || bytes.data[0] == 0x83) && bytes.data[1] >> 5 == CHIO_CBOR_TEXT;
  bool is_collection = bytes.data[0] > 0xa0 && bytes.data[0] <= 0xa0 + CHIO_CMW_RECORDS_MAX + 1 &&
                       bytes.data[1] >> 5 == CHIO_CBOR_TEXT;
  return is_record || is_collection;
}

/* ---- JSON ---- */

static enum chio_err json_record(const struct chio_json_doc *doc, const struct chio_json *array,
                                 struct chio_slice label, struct chio_cmw *cmw) {
  if (array->type != CHIO_JSON_ARRAY || array->count < 2 || array->count > 3) return CHIO_E_MALFORMED;
  const struct chio_json *type = chio_json_first(doc, array), *value = chio_json_next(doc, type);
  const struct chio_json *indicator = chio_json_next(doc, value);
  struct chio_slice text;
  if (type->type == CHIO_JSON_NUMBER) return CHIO_E_UNSUPPORTED;
  struct chio_cmw_record *record = add_record(cmw);
  if (record == NULL) return CHIO_E_TOO_LONG;
  struct chio_buf *decoded = &cmw->decoded[cmw->count - 1];
  record->label = label;
  enum chio_err err = chio_json_string(type, &record->type);
  if (err == CHIO_OK && record->type.len > TYPE_MAX) err = CHIO_E_TOO_LONG;
  if (err == CHIO_OK) err = chio_json_string(value, &text);
  if (err == CHIO_OK) err = chio_base64_decode(text, true, decoded);
  if (err == CHIO_OK && indicator != NULL) err = chio_json_uint(indicator, UINT32_MAX, &record->indicator);
  record->value = chio_buf_slice(decoded);
  return err;
}

static enum chio_err json_collection(const struct chio_json_doc *doc, struct chio_cmw *cmw) {
  const struct chio_json *member = chio_json_first(doc, chio_json_root(doc));
  enum chio_err err = CHIO_OK;
  for (; err == CHIO_OK && member != NULL; member = chio_json_next(doc, member)) {
    struct chio_slice type;
    if (chio_slice_equal(member->key, chio_slice_str(COLLECTION_TYPE)))
      err = chio_json_string(member, &type);
    else if (member->key.len == 0 || member->key.len > LABEL_MAX)
      err = CHIO_E_MALFORMED;
    else
      err = member->type == CHIO_JSON_OBJECT ? CHIO_E_UNSUPPORTED : json_record(doc, member, member->key, cmw);
  }
  return err == CHIO_OK && cmw->count == 0 ? CHIO_E_MALFORMED : err;
}

static enum chio_err parse_json(struct chio_slice text, struct chio_cmw *cmw) {
  enum chio_err err = chio_json_parse(text, &cmw->doc);
  if (err != CHIO_OK) return err;
  const struct chio_json *root = chio_json_root(cmw->doc);
  if (root->type == CHIO_JSON_OBJECT) return json_collection(cmw->doc, cmw);
  return json_record(cmw->doc, root, chio_slice(NULL, 0), cmw);
}

/* ---- Both ---- */

enum chio_err chio_cmw_parse(struct chio_slice bytes, struct chio_cmw *out) {
  struct chio_cmw cmw = {.count = 0};
  bool is_json = bytes.len > 0 && (bytes.data[0] == '{' || bytes.data[0] == '[');
  enum chio_err err = is_json ? parse_json(bytes, &cmw) : parse_cbor(bytes, &cmw);
  if (err == CHIO_OK)
    *out = cmw;
  else
    chio_cmw_clear(&cmw);
  return err;
}

void chio_cmw_clear(struct chio_cmw *cmw) {
  for (size_t i = 0; i < CHIO_CMW_RECORDS_MAX; i++) chio_buf_clear(&cmw->decoded[i]);
  chio_json_free(cmw->doc);
  *cmw = (struct chio_cmw){.count = 0};
}

/* ---- Writing ---- */

void chio_cmw_put_record(struct chio_buf *out, const struct chio_cmw_record *record) {
  chio_cbor_put_head(out, CHIO_CBOR_ARRAY, record->indicator != 0 ? 3 : 2);
  chio_cbor_put_chars(out, record->type);
  chio_cbor_put_bytes(out, record->value);
  if (record->indicator != 0) chio_cbor_put_head(out, CHIO_CBOR_UINT, record->indicator);
}

void chio_cmw_put(struct chio_buf *out, const struct chio_cmw_record *records, size_t count) {
  chio_cbor_put_head(out, CHIO_CBOR_MAP, count + 1);
  chio_cbor_put_text(out, COLLECTION_TYPE);
  chio_cbor_put_text(out, CHIO_CMW_COLLECTION);
  for (size_t i = 0; i < count; i++) {
    chio_cbor_put_chars(out, records[i].label);
    chio_cmw_put_record(out, &records[i]);
  }
}

/* ---- Reports of configfs-tsm ---- */

static enum chio_err tsm_member(struct chio_cursor *c, struct chio_tsm_report *report) {
  struct chio_slice name, *to = NULL;
  enum chio_err err = chio_cbor_string(c, CHIO_CBOR_TEXT, LABEL_MAX, &name);
  if (err != CHIO_OK) return err;
  if (chio_slice_equal(name, chio_slice_str("outblob"))) to = &report->out;
  if (chio_slice_equal(name, chio_slice_str("auxblob"))) to = &report->aux;
  bool is_provider = chio_slice_equal(name, chio_slice_str("provider"));
  if (is_provider) to = &report->provider;
  if (to == NULL) return chio_cbor_skip(c);
  if (to->data != NULL) return CHIO_E_MALFORMED;
  return chio_cbor_string(c, is_provider ? CHIO_CBOR_TEXT : CHIO_CBOR_BYTES, CHIO_CMW_VALUE_MAX, to);
}

enum chio_err chio_tsm_report_parse(struct chio_slice bytes, struct chio_tsm_report *out) {
  struct chio_tsm_report report = {.out = {NULL, 0}};
  struct chio_cursor c = chio_cursor(bytes);
  struct chio_cbor_list list;
  bool more;
  enum chio_err err = chio_cbor_open(&c, CHIO_CBOR_MAP, 16, &list);
  while (err == CHIO_OK) {
    err = chio_cbor_more(&c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = tsm_member(&c, &report);
  }
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  if (err == CHIO_OK && report.out.len == 0) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) *out = report;
  return err;
}

void chio_tsm_report_put(struct chio_buf *out, const struct chio_tsm_report *report) {
  chio_cbor_put_head(out, CHIO_CBOR_MAP, report->aux.len > 0 ? 3 : 2);
  if (report->aux.len > 0) {
    chio_cbor_put_text(out, "auxblob");
    chio_cbor_put_bytes(out, report->aux);
  }
  chio_cbor_put_text(out, "outblob");
  chio_cbor_put_bytes(out, report->out);
  chio_cbor_put_text(out, "provider");
  chio_cbor_put_chars(out, report->provider);
}
