#include "attest/bundle.h"

#include "attest/crypto.h"
#include "signer/base/text.h"

void chio_dsse_pae(const char *payload_type, struct chio_slice payload, struct chio_buf *out) {
  chio_buf_printf(out, "DSSEv1 %zu %s %zu ", strlen(payload_type), payload_type, payload.len);
  chio_buf_append_slice(out, payload);
}

static void append_base64_member(struct chio_buf *out, const char *before, struct chio_slice bytes) {
  chio_buf_append_str(out, before);
  chio_buf_append_u8(out, '"');
  chio_base64_append(out, bytes);
  chio_buf_append_u8(out, '"');
}

static void append_text_member(struct chio_buf *out, const char *before, struct chio_slice text) {
  chio_buf_append_str(out, before);
  chio_json_quote(out, text);
}

enum chio_err chio_dsse_envelope(const char *payload_type, struct chio_slice payload, struct chio_slice signature,
                                 const char *keyid, struct chio_buf *out) {
  append_base64_member(out, "{\"payload\":", payload);
  append_text_member(out, ",\"payloadType\":", chio_slice_str(payload_type));
  append_text_member(out, ",\"signatures\":[{\"keyid\":", chio_slice_str(keyid));
  append_base64_member(out, ",\"sig\":", signature);
  chio_buf_append_str(out, "}]}");
  return chio_buf_err(out);
}

enum chio_err chio_boot_report_data(struct chio_slice ak_spki, const uint8_t manifest_sha256[32],
                                    struct chio_slice nonce, uint8_t out[64]) {
  static const char domain[] = "chio-hsm boot v1"; /* with its NUL */
  uint8_t ak_hash[CHIO_SHA256_SIZE], nonce_hash[CHIO_SHA256_SIZE];
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, ak_spki, ak_hash);
  if (err != CHIO_OK) return err;
  err = chio_hash_bytes(CHIO_HASH_SHA256, nonce, nonce_hash);
  if (err != CHIO_OK) return err;
  const struct chio_slice parts[] = {chio_slice(domain, sizeof domain), chio_slice(ak_hash, sizeof ak_hash),
                                     chio_slice(manifest_sha256, 32), chio_slice(nonce_hash, sizeof nonce_hash)};
  return chio_hash_parts(CHIO_HASH_SHA512, parts, CHIO_ARRAY_LEN(parts), out);
}

enum chio_err chio_bundle_boot_part(const struct chio_boot_evidence *boot, struct chio_buf *out) {
  uint8_t keyid[CHIO_SHA256_SIZE];
  enum chio_err err = chio_hash_bytes(CHIO_HASH_SHA256, boot->ak_spki, keyid);
  if (err != CHIO_OK) return err;
  chio_buf_append_str(out, "{\"publicKey\":{\"hint\":\"");
  chio_hex_append(out, chio_slice(keyid, sizeof keyid));
  append_text_member(out, "\"},\"chioBoot\":{\"profile\":", chio_slice_str(CHIO_BOOT_PROFILE));
  append_text_member(out, ",\"tee\":", chio_slice_str(boot->tee));
  append_base64_member(out, ",\"attestationKey\":", boot->ak_spki);
  chio_buf_append_str(out, ",\"manifestSha256\":\"");
  chio_hex_append(out, chio_slice(boot->manifest_sha256, 32));
  append_base64_member(out, "\",\"nonce\":", boot->nonce);
  append_base64_member(out, ",\"quote\":", boot->quote);
  append_text_member(out, ",\"certificates\":", boot->certificates);
  chio_buf_append_str(out, "}}");
  return chio_buf_err(out);
}

enum chio_err chio_bundle_join(struct chio_slice envelope, struct chio_slice boot_part, struct chio_buf *out) {
  append_text_member(out, "{\"mediaType\":", chio_slice_str(CHIO_BUNDLE_MEDIA_TYPE));
  chio_buf_append_str(out, ",\"dsseEnvelope\":");
  chio_buf_append_slice(out, envelope);
  chio_buf_append_str(out, ",\"verificationMaterial\":");
  chio_buf_append_slice(out, boot_part);
  chio_buf_append_str(out, "}");
  return chio_buf_err(out);
}
