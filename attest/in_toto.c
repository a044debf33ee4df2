#include "attest/in_toto.h"

#include "attest/bundle.h"
#include "attest/json.h"
#include "signer/base/text.h"

enum chio_err chio_in_toto_put(struct chio_slice name, struct chio_slice spki, struct chio_slice predicate,
                               struct chio_buf *out) {
  uint8_t digest[CHIO_SHA256_SIZE];
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, spki, digest);
  if (err != CHIO_OK) return err;
  /* Members in the order of RFC 8785. */
  chio_buf_append_str(out, "{\"_type\":\"" CHIO_IN_TOTO_STATEMENT_TYPE "\",\"predicate\":");
  chio_buf_append_slice(out, predicate);
  chio_buf_append_str(out, ",\"predicateType\":\"" CHIO_IN_TOTO_PREDICATE_TYPE "\"");
  chio_buf_append_str(out, ",\"subject\":[{\"digest\":{\"sha256\":\"");
  chio_hex_append(out, chio_slice(digest, sizeof digest));
  chio_buf_append_str(out, "\"},\"name\":");
  chio_json_quote(out, name);
  chio_buf_append_str(out, "}]}");
  return chio_buf_err(out);
}

/* One subject, and one digest of it: a second one would be said of a key that nobody looked at. */
static enum chio_err read_subject(const struct chio_json_doc *doc, const struct chio_json *root,
                                  struct chio_in_toto *out) {
  struct chio_slice name;
  const struct chio_json *subjects = chio_json_get(doc, root, "subject");
  if (subjects == NULL || subjects->type != CHIO_JSON_ARRAY || subjects->count != 1) return CHIO_E_MALFORMED;
  const struct chio_json *subject = chio_json_first(doc, subjects);
  const struct chio_json *digests = chio_json_get(doc, subject, "digest");
  enum chio_err err = chio_json_string(chio_json_get(doc, subject, "name"), &name);
  if (err != CHIO_OK) return err;
  if (name.len == 0 || digests == NULL || digests->type != CHIO_JSON_OBJECT || digests->count != 1)
    return CHIO_E_MALFORMED;
  return chio_json_hex(chio_json_get(doc, digests, "sha256"), out->subject_sha256, sizeof out->subject_sha256);
}

enum chio_err chio_in_toto_parse(struct chio_slice payload, struct chio_in_toto *out) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  struct chio_in_toto said;
  if (payload.len > CHIO_STATEMENT_MAX) return CHIO_E_TOO_LONG;
  enum chio_err err = chio_json_parse(payload, &doc);
  if (err != CHIO_OK) return err;
  const struct chio_json *root = chio_json_root(doc);
  const struct chio_json *predicate = chio_json_get(doc, root, "predicate");
  if (root->type != CHIO_JSON_OBJECT) return CHIO_E_MALFORMED;
  if (!chio_json_is(chio_json_get(doc, root, "_type"), CHIO_IN_TOTO_STATEMENT_TYPE)) return CHIO_E_VERSION;
  if (!chio_json_is(chio_json_get(doc, root, "predicateType"), CHIO_IN_TOTO_PREDICATE_TYPE)) return CHIO_E_VERSION;
  if (predicate == NULL || predicate->type != CHIO_JSON_OBJECT) return CHIO_E_MALFORMED;
  if ((err = read_subject(doc, root, &said)) != CHIO_OK) return err;
  said.predicate = predicate->raw; /* of the payload's bytes, not of the document */
  *out = said;
  return CHIO_OK;
}
