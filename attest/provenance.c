#include "attest/provenance.h"

#include "attest/bundle.h"
#include "attest/in_toto.h"
#include "signer/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_V01 "https://in-toto.io/Statement/v0.1"

/* ---- The envelope ---- */

/* DSSE: signers may write either alphabet, and verifiers read both. */
static enum chio_err read_base64(const struct chio_json *value, struct chio_buf *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *plain = chio_buf_new();
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  if (err != CHIO_OK) return err;
  if (plain == NULL) return CHIO_E_NO_MEMORY;
  while (text.len > 0 && text.data[text.len - 1] == '=') text.len--;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    chio_buf_append_u8(plain, c == '+' ? '-' : c == '/' ? '_' : c);
  }
  err = chio_buf_err(plain);
  return err == CHIO_OK ? chio_base64_decode(chio_buf_slice(plain), true, out) : err;
}

static enum chio_err read_signatures(const struct chio_json *list, struct chio_provenance *out) {
  if (list == NULL || list->type != CHIO_JSON_ARRAY || list->count == 0) return CHIO_E_MALFORMED;
  if (list->count > CHIO_PROVENANCE_SIGNATURES_MAX) return CHIO_E_TOO_LONG;
  const struct chio_json_doc *doc = out->envelope;
  for (const struct chio_json *s = chio_json_first(doc, list); s != NULL; s = chio_json_next(doc, s)) {
    struct chio_provenance_signature *signature = &out->signatures[out->signatures_count++];
    const struct chio_json *key_id = chio_json_get(doc, s, "keyid");
    enum chio_err err = read_base64(chio_json_get(doc, s, "sig"), &signature->bytes);
    if (err == CHIO_OK && key_id != NULL) err = chio_json_string(key_id, &signature->key_id);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

/* The signer's certificate, or the first one of a chain. */
static enum chio_err read_certificate(const struct chio_json *material, struct chio_provenance *out) {
  const struct chio_json_doc *doc = out->envelope;
  const struct chio_json *certificate = chio_json_get(doc, material, "certificate");
  const struct chio_json *chain = chio_json_get(doc, material, "x509CertificateChain");
  if (certificate == NULL && chain != NULL)
    certificate = chio_json_first(doc, chio_json_get(doc, chain, "certificates"));
  if (certificate == NULL) return chain == NULL ? CHIO_OK : CHIO_E_MALFORMED;
  return read_base64(chio_json_get(doc, certificate, "rawBytes"), &out->certificate);
}

enum chio_err chio_provenance_parse(struct chio_slice text, struct chio_provenance *out) {
  *out = (struct chio_provenance){.envelope = NULL};
  if (text.len > CHIO_PROVENANCE_MAX) return CHIO_E_TOO_LONG;
  enum chio_err err = chio_json_parse(text, &out->envelope);
  if (err != CHIO_OK) return err;
  const struct chio_json *root = chio_json_root(out->envelope);
  const struct chio_json *inner = chio_json_get(out->envelope, root, "dsseEnvelope");
  const struct chio_json *envelope = inner != NULL ? inner : root;
  const struct chio_json *type = chio_json_get(out->envelope, envelope, "payloadType");
  if (type == NULL || type->type != CHIO_JSON_STRING) return CHIO_E_MALFORMED;
  if (!chio_json_is(type, CHIO_IN_TOTO_PAYLOAD_TYPE)) return CHIO_E_UNSUPPORTED;
  err = read_base64(chio_json_get(out->envelope, envelope, "payload"), &out->payload);
  if (err == CHIO_OK) err = read_signatures(chio_json_get(out->envelope, envelope, "signatures"), out);
  if (err == CHIO_OK && inner != NULL)
    err = read_certificate(chio_json_get(out->envelope, root, "verificationMaterial"), out);
  if (err != CHIO_OK) return err;
  chio_dsse_pae(CHIO_IN_TOTO_PAYLOAD_TYPE, chio_buf_slice(&out->payload), &out->pae);
  return chio_buf_err(&out->pae);
}

void chio_provenance_clear(struct chio_provenance *p) {
  for (size_t i = 0; i < p->signatures_count; i++) chio_buf_clear(&p->signatures[i].bytes);
  chio_buf_clear(&p->payload);
  chio_buf_clear(&p->pae);
  chio_buf_clear(&p->certificate);
  chio_json_free(p->envelope);
  *p = (struct chio_provenance){.envelope = NULL};
}

static enum chio_sig_alg algorithm_of(const struct chio_pubkey *key) {
  switch (key->kind) {
    case CHIO_PUBKEY_P256: return CHIO_SIG_ECDSA_SHA256;
    case CHIO_PUBKEY_P384: return CHIO_SIG_ECDSA_SHA384;
    case CHIO_PUBKEY_P521: return CHIO_SIG_ECDSA_SHA512;
    case CHIO_PUBKEY_ED25519: return CHIO_SIG_ED25519;
    case CHIO_PUBKEY_RSA: return CHIO_SIG_RSA_PKCS1_SHA256;
    case CHIO_PUBKEY_OTHER: break;
  }
  return CHIO_SIG_OTHER;
}

bool chio_provenance_signed_by(const struct chio_provenance *p, const struct chio_pubkey *key) {
  for (size_t i = 0; i < p->signatures_count; i++) {
    if (chio_pubkey_verify(key, algorithm_of(key), chio_buf_slice(&p->pae),
                           chio_buf_slice(&p->signatures[i].bytes)) == CHIO_OK)
      return true;
  }
  return false;
}

/* ---- The statement ---- */

/* "rtmr2" with prefix "rtmr": a number as people write it. */
static bool read_index(struct chio_slice name, const char *prefix, unsigned max, unsigned *out) {
  size_t len = strlen(prefix);
  if (name.len <= len || name.len > len + 2 || memcmp(name.data, prefix, len) != 0) return false;
  unsigned value = 0;
  for (size_t i = len; i < name.len; i++) {
    if (name.data[i] < '0' || name.data[i] > '9') return false;
    value = value * 10 + (unsigned)(name.data[i] - '0');
  }
  bool canonical = name.len == len + 1 || name.data[len] != '0';
  *out = value;
  return canonical && value <= max;
}

/* Which register a subject is, and the sizes its value may have. */
static bool read_register(struct chio_slice name, struct chio_provenance_value *out, bool *out_sha256,
                          bool *out_sha384) {
  static const struct {
    const char *name;
    bool sha256, sha384;
  } measurements[] = {{"mrtd", false, true}, {"mrenclave", true, false}, {"launch", false, true}};
  *out = (struct chio_provenance_value){.what = CHIO_REGISTER_MEASUREMENT};
  *out_sha256 = false, *out_sha384 = true;
  if (name.len >= sizeof out->name) return false;
  memcpy(out->name, name.data, name.len);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(measurements); i++) {
    if (!chio_slice_equal(name, chio_slice_str(measurements[i].name))) continue;
    *out_sha256 = measurements[i].sha256, *out_sha384 = measurements[i].sha384;
    return true;
  }
  out->what = CHIO_REGISTER_RTMR;
  if (read_index(name, "rtmr", 3, &out->index)) return true;
  out->what = CHIO_REGISTER_PCR;
  *out_sha256 = true; /* a TPM's; a Nitro enclave's have 48 bytes */
  return read_index(name, "pcr", 31, &out->index);
}

static enum chio_err add_value(const struct chio_provenance_value *found, const struct chio_json *digest, size_t len,
                               struct chio_provenance_statement *out) {
  struct chio_provenance_value *value = &out->values[out->values_count];
  *value = *found;
  if (chio_json_hex(digest, value->bytes, len) != CHIO_OK) return CHIO_E_DATA_INVALID;
  value->len = len;
  out->values_count++;
  return CHIO_OK;
}

static enum chio_err read_subject(const struct chio_json *subject, struct chio_provenance_statement *out) {
  const struct chio_json *digests = chio_json_get(out->doc, subject, "digest");
  struct chio_provenance_value found;
  struct chio_slice name = {NULL, 0};
  bool sha256, sha384;
  const struct chio_json *said = chio_json_get(out->doc, subject, "name");
  if (subject->type != CHIO_JSON_OBJECT || digests == NULL || digests->type != CHIO_JSON_OBJECT)
    return CHIO_E_MALFORMED;
  if (said != NULL && chio_json_string(said, &name) != CHIO_OK) return CHIO_E_MALFORMED;
  if (name.len == 0 || !read_register(name, &found, &sha256, &sha384)) return CHIO_OK;
  const struct chio_json *small = sha256 ? chio_json_get(out->doc, digests, "sha256") : NULL;
  const struct chio_json *large = sha384 ? chio_json_get(out->doc, digests, "sha384") : NULL;
  if (small == NULL && large == NULL) return CHIO_E_DATA_INVALID;
  enum chio_err err = small != NULL ? add_value(&found, small, 32, out) : CHIO_OK;
  return err == CHIO_OK && large != NULL ? add_value(&found, large, 48, out) : err;
}

static enum chio_err read_subjects(struct chio_provenance_statement *out) {
  const struct chio_json *subjects = chio_json_get(out->doc, chio_json_root(out->doc), "subject");
  if (subjects == NULL || subjects->type != CHIO_JSON_ARRAY) return CHIO_E_MALFORMED;
  if (subjects->count > CHIO_PROVENANCE_SUBJECTS_MAX) return CHIO_E_TOO_LONG;
  out->values = calloc(2 * (size_t)subjects->count + 1, sizeof *out->values);
  if (out->values == NULL) return CHIO_E_NO_MEMORY;
  for (const struct chio_json *s = chio_json_first(out->doc, subjects); s != NULL; s = chio_json_next(out->doc, s)) {
    enum chio_err err = read_subject(s, out);
    if (err != CHIO_OK) return err;
  }
  return out->values_count > 0 ? CHIO_OK : CHIO_E_NOT_FOUND;
}

/* SLSA v1 has the builder among the details of the run, v0.2 at the top of the predicate, as ours has. */
static enum chio_err read_builder(struct chio_provenance_statement *out) {
  const struct chio_json *predicate = chio_json_get(out->doc, chio_json_root(out->doc), "predicate");
  if (chio_slice_equal(out->predicate_type, chio_slice_str(CHIO_SLSA_V1)))
    predicate = chio_json_get(out->doc, predicate, "runDetails");
  const struct chio_json *id = chio_json_get(out->doc, chio_json_get(out->doc, predicate, "builder"), "id");
  return id != NULL ? chio_json_string(id, &out->builder_id) : CHIO_OK;
}

enum chio_err chio_provenance_read(const struct chio_provenance *provenance, struct chio_provenance_statement *out) {
  *out = (struct chio_provenance_statement){.doc = NULL};
  enum chio_err err = chio_json_parse(chio_buf_slice(&provenance->payload), &out->doc);
  if (err != CHIO_OK) return err;
  const struct chio_json *root = chio_json_root(out->doc), *type = chio_json_get(out->doc, root, "_type");
  if (root->type != CHIO_JSON_OBJECT) return CHIO_E_MALFORMED;
  if (!chio_json_is(type, CHIO_IN_TOTO_STATEMENT_TYPE) && !chio_json_is(type, STATEMENT_V01)) return CHIO_E_VERSION;
  err = chio_json_string(chio_json_get(out->doc, root, "predicateType"), &out->predicate_type);
  if (err == CHIO_OK) err = read_builder(out);
  return err == CHIO_OK ? read_subjects(out) : err;
}

void chio_provenance_statement_clear(struct chio_provenance_statement *statement) {
  free(statement->values);
  chio_json_free(statement->doc);
  *statement = (struct chio_provenance_statement){.doc = NULL};
}
