#include "attest/cavium_doc.h"

#include "attest/cavium.h"
#include "attest/inflate.h"
#include "attest/pem.h"
#include "signer/base/text.h"

#define FIELD_MAX (256u * 1024u) /* of text */

/* ---- Which ---- */

/* The value itself, or what stands in it under these names. */
static const struct chio_json *inside(const struct chio_json_doc *doc, const char *outer, const char *inner) {
  const struct chio_json *value = chio_json_root(doc), *in = chio_json_get(doc, value, outer);
  if (in != NULL) value = in;
  in = inner != NULL ? chio_json_get(doc, value, inner) : NULL;
  return in != NULL ? in : value;
}

static const struct chio_json *google(const struct chio_json_doc *doc) {
  return inside(doc, "attestation", NULL);
}

static const struct chio_json *azure(const struct chio_json_doc *doc) {
  return inside(doc, "attributes", "attestation");
}

enum chio_cavium_cloud chio_cavium_doc_cloud(const struct chio_json_doc *doc) {
  if (chio_json_get(doc, azure(doc), "privateKeyAttestation") != NULL) return CHIO_CAVIUM_AZURE;
  const struct chio_json *g = google(doc);
  bool both = chio_json_get(doc, g, "content") != NULL && chio_json_get(doc, g, "format") != NULL;
  return both ? CHIO_CAVIUM_GOOGLE : CHIO_CAVIUM_NO_CLOUD;
}

/* ---- Fields ---- */

/* Either alphabet, padded or not: Azure's tools pad what its service does not. */
static enum chio_err read_base64(const struct chio_json *value, struct chio_buf *out) {
  struct chio_slice text;
  enum chio_err err = chio_json_string(value, &text);
  if (err != CHIO_OK) return err;
  if (text.len > FIELD_MAX) return CHIO_E_TOO_LONG;
  bool standard =
      text.len > 0 && (memchr(text.data, '+', text.len) != NULL || memchr(text.data, '/', text.len) != NULL);
  if (standard) return chio_base64_decode(text, false, out);
  while (text.len > 0 && text.data[text.len - 1] == '=') text.len--;
  return chio_base64_decode(text, true, out);
}

/* ---- Google ---- */

static enum chio_err read_chain(const struct chio_json_doc *doc, const struct chio_json *list,
                                struct chio_cert_set *certs) {
  if (list == NULL) return CHIO_OK; /* what is missing shows in the chain */
  if (list->type != CHIO_JSON_ARRAY || list->count > CHIO_CAVIUM_CERTS_MAX) return CHIO_E_MALFORMED;
  enum chio_err err = CHIO_OK;
  const struct chio_json *e = chio_json_first(doc, list);
  for (; err == CHIO_OK && e != NULL; e = chio_json_next(doc, e)) {
    struct chio_slice pem;
    err = chio_json_string(e, &pem);
    if (err == CHIO_OK) err = chio_cert_set_add_pem(certs, pem, CHIO_CAVIUM_CERTS_MAX);
  }
  return err;
}

static enum chio_err read_google(const struct chio_json_doc *doc, struct chio_cert_set *certs,
                                 struct chio_cavium_doc *out) {
  static const char *const chains[] = {"caviumCerts", "googleCardCerts", "googlePartitionCerts"};
  const struct chio_json *g = google(doc), *set = chio_json_get(doc, g, "certChains");
  struct chio_buf packed = CHIO_BUF_INIT;
  if (!chio_json_is(chio_json_get(doc, g, "format"), "CAVIUM_V2_COMPRESSED")) return CHIO_E_UNSUPPORTED;
  enum chio_err err = read_base64(chio_json_get(doc, g, "content"), &packed);
  if (err == CHIO_OK) err = chio_gzip_unpack(chio_buf_slice(&packed), CHIO_CAVIUM_MAX, &out->blobs[0]);
  chio_buf_clear(&packed);
  out->blobs_count = 1;
  for (size_t i = 0; err == CHIO_OK && i < CHIO_ARRAY_LEN(chains); i++)
    err = read_chain(doc, chio_json_get(doc, set, chains[i]), certs);
  return err;
}

/* ---- Azure ---- */

static enum chio_err read_azure(const struct chio_json_doc *doc, struct chio_cert_set *certs,
                                struct chio_cavium_doc *out) {
  const struct chio_json *a = azure(doc), *second = chio_json_get(doc, a, "publicKeyAttestation");
  struct chio_buf pem = CHIO_BUF_INIT;
  enum chio_err err = read_base64(chio_json_get(doc, a, "privateKeyAttestation"), &out->blobs[0]);
  out->blobs_count = 1;
  if (err == CHIO_OK && second != NULL && second->type != CHIO_JSON_NULL) {
    err = read_base64(second, &out->blobs[1]);
    out->blobs_count = 2;
  }
  if (err == CHIO_OK) err = read_base64(chio_json_get(doc, a, "certificatePemFile"), &pem);
  if (err == CHIO_OK) err = chio_cert_set_add_pem(certs, chio_buf_slice(&pem), CHIO_CAVIUM_CERTS_MAX);
  chio_buf_clear(&pem);
  return err;
}

enum chio_err chio_cavium_doc_read(const struct chio_json_doc *doc, struct chio_cert_set *certs,
                                   struct chio_cavium_doc *out) {
  out->cloud = chio_cavium_doc_cloud(doc);
  return out->cloud == CHIO_CAVIUM_AZURE ? read_azure(doc, certs, out) : read_google(doc, certs, out);
}

void chio_cavium_doc_clear(struct chio_cavium_doc *doc) {
  for (size_t i = 0; i < CHIO_CAVIUM_BLOBS; i++) chio_buf_clear(&doc->blobs[i]);
}
