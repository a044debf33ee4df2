#include "attest/nitro.h"

#include "attest/cose_sign1.h"

#define MODULE_ID_MAX 256u
#define TIMESTAMP_MAX ((uint64_t)1 << 52)

bool chio_nitro_looks_like(struct chio_slice bytes) {
  static const uint8_t begin[] = {0x84, 0x44, 0xa1, 0x01, 0x38, 0x22};
  if (bytes.len > 1 && bytes.data[0] == 0xd2) bytes = chio_slice(bytes.data + 1, bytes.len - 1);
  return bytes.len > sizeof begin && memcmp(bytes.data, begin, sizeof begin) == 0;
}

/* ---- Fields ---- */

static enum chio_err read_pcrs(struct chio_cursor *c, struct chio_nitro *doc) {
  struct chio_cbor_list list;
  bool more;
  size_t seen = 0;
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_MAP, CHIO_NITRO_PCRS, &list);
  while (err == CHIO_OK) {
    uint64_t index;
    struct chio_slice value;
    err = chio_cbor_more(c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = chio_cbor_uint(c, CHIO_NITRO_PCRS - 1, &index);
    if (err == CHIO_OK) err = chio_cbor_string(c, CHIO_CBOR_BYTES, CHIO_NITRO_PCR_SIZE, &value);
    if (err == CHIO_OK && (value.len != CHIO_NITRO_PCR_SIZE || doc->pcrs[index].len != 0)) err = CHIO_E_MALFORMED;
    if (err == CHIO_OK) doc->pcrs[index] = value, seen++;
  }
  return err == CHIO_OK && seen == 0 ? CHIO_E_MALFORMED : err;
}

static enum chio_err read_bundle(struct chio_cursor *c, struct chio_nitro *doc) {
  struct chio_cbor_list list;
  bool more;
  enum chio_err err = chio_cbor_open(c, CHIO_CBOR_ARRAY, CHIO_NITRO_BUNDLE_MAX, &list);
  while (err == CHIO_OK) {
    struct chio_slice der;
    err = chio_cbor_more(c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = chio_cbor_string(c, CHIO_CBOR_BYTES, CHIO_NITRO_CERT_MAX, &der);
    if (err == CHIO_OK && der.len == 0) err = CHIO_E_MALFORMED;
    if (err == CHIO_OK) doc->bundle[doc->bundle_count++] = der;
  }
  return err == CHIO_OK && doc->bundle_count == 0 ? CHIO_E_MALFORMED : err;
}

static enum chio_err read_optional(struct chio_cursor *c, struct chio_slice *out) {
  if (chio_cbor_null(c)) return CHIO_OK;
  return chio_cbor_string(c, CHIO_CBOR_BYTES, CHIO_NITRO_FIELD_MAX, out);
}

static enum chio_err read_digest(struct chio_cursor *c) {
  struct chio_slice digest;
  enum chio_err err = chio_cbor_string(c, CHIO_CBOR_TEXT, 16, &digest);
  if (err != CHIO_OK) return err;
  return chio_slice_equal(digest, chio_slice_str("SHA384")) ? CHIO_OK : CHIO_E_UNSUPPORTED;
}

enum field {
  MODULE_ID,
  DIGEST,
  TIMESTAMP,
  PCRS,
  TPM_PCRS,
  CERTIFICATE,
  CABUNDLE,
  PUBLIC_KEY,
  USER_DATA,
  NONCE,
  UNKNOWN
};

static enum field field_of(struct chio_slice name) {
  static const char *const names[] = {"module_id",   "digest",   "timestamp",  "pcrs",      "nitrotpm_pcrs",
                                      "certificate", "cabundle", "public_key", "user_data", "nonce"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) {
    if (chio_slice_equal(name, chio_slice_str(names[i]))) return (enum field)i;
  }
  return UNKNOWN;
}

static enum chio_err read_field(enum field field, struct chio_cursor *c, struct chio_nitro *doc) {
  switch (field) {
    case MODULE_ID: return chio_cbor_string(c, CHIO_CBOR_TEXT, MODULE_ID_MAX, &doc->module_id);
    case DIGEST: return read_digest(c);
    case TIMESTAMP: return chio_cbor_uint(c, TIMESTAMP_MAX, &doc->timestamp);
    case TPM_PCRS: doc->tpm = true; return read_pcrs(c, doc);
    case PCRS: return read_pcrs(c, doc);
    case CERTIFICATE: return chio_cbor_string(c, CHIO_CBOR_BYTES, CHIO_NITRO_CERT_MAX, &doc->certificate);
    case CABUNDLE: return read_bundle(c, doc);
    case PUBLIC_KEY: return read_optional(c, &doc->public_key);
    case USER_DATA: return read_optional(c, &doc->user_data);
    case NONCE: return read_optional(c, &doc->nonce);
    case UNKNOWN: return chio_cbor_skip(c);
  }
  return CHIO_E_INTERNAL;
}

/* Each field once; registers of an enclave or of a TPM, not both. */
static enum chio_err read_payload(struct chio_slice payload, struct chio_nitro *doc) {
  struct chio_cursor c = chio_cursor(payload);
  struct chio_cbor_list list;
  unsigned seen = 0;
  bool more;
  enum chio_err err = chio_cbor_open(&c, CHIO_CBOR_MAP, 32, &list);
  while (err == CHIO_OK) {
    struct chio_slice name;
    err = chio_cbor_more(&c, &list, &more);
    if (err != CHIO_OK || !more) break;
    err = chio_cbor_string(&c, CHIO_CBOR_TEXT, 64, &name);
    if (err != CHIO_OK) break;
    enum field field = field_of(name);
    if (field != UNKNOWN && (seen & 1u << field) != 0) return CHIO_E_MALFORMED;
    if (field != UNKNOWN) seen |= 1u << field;
    if ((field == PCRS && (seen & 1u << TPM_PCRS) != 0) || (field == TPM_PCRS && (seen & 1u << PCRS) != 0)) {
      return CHIO_E_MALFORMED;
    }
    err = read_field(field, &c, doc);
  }
  if (err == CHIO_OK) err = chio_cursor_end(&c);
  const unsigned needed = 1u << MODULE_ID | 1u << DIGEST | 1u << TIMESTAMP | 1u << CERTIFICATE | 1u << CABUNDLE;
  if (err == CHIO_OK && ((seen & needed) != needed || (seen & (1u << PCRS | 1u << TPM_PCRS)) == 0))
    err = CHIO_E_MALFORMED;
  return err == CHIO_OK && (doc->module_id.len == 0 || doc->certificate.len == 0) ? CHIO_E_MALFORMED : err;
}

/* With or without the tag; the map that nobody signs is empty. */
static enum chio_err read_envelope(struct chio_slice document, struct chio_nitro *doc) {
  static const uint8_t empty = 0xa0;
  struct chio_cose_sign1 s;
  enum chio_err err = chio_cose_sign1_read(document, &s);
  if (err != CHIO_OK) return err;
  if (s.alg != CHIO_COSE_ES384) return CHIO_E_UNSUPPORTED;
  if (s.is_cwt || !chio_slice_equal(s.unprotected, chio_slice(&empty, 1))) return CHIO_E_MALFORMED;
  if (s.signature.len != CHIO_NITRO_SIGNATURE_SIZE) return CHIO_E_MALFORMED;
  doc->protected = s.protected;
  doc->payload = s.payload;
  doc->signature = s.signature;
  return CHIO_OK;
}

enum chio_err chio_nitro_parse(struct chio_slice document, struct chio_nitro *out) {
  struct chio_nitro doc = {.tpm = false};
  if (document.len > CHIO_NITRO_DOCUMENT_MAX) return CHIO_E_TOO_LONG;
  enum chio_err err = read_envelope(document, &doc);
  if (err == CHIO_OK) err = read_payload(doc.payload, &doc);
  if (err == CHIO_OK) *out = doc;
  return err;
}
