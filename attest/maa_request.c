#include "attest/maa_request.h"

#include "attest/crypto.h"
#include "attest/jws.h"
#include "attest/jwk_write.h"
#include "signer/base/text.h"

/* ---- The question ---- */

enum chio_err chio_maa_runtime(struct chio_slice spki, struct chio_buf *out) {
  static const char begin[] = "{\"e\":";
  CHIO_AUTO(chio_buf) struct chio_buf *jwk = chio_buf_new();
  uint8_t thumbprint[CHIO_SHA256_SIZE]; /* RFC 7638: over the members as chio_jwk_put writes them */
  if (jwk == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_jwk_put(spki, jwk);
  if (err == CHIO_OK && memcmp(jwk->data, begin, sizeof begin - 1) != 0) err = CHIO_E_KEY_TYPE; /* not RSA */
  if (err == CHIO_OK) err = chio_hash_bytes(CHIO_HASH_SHA256, chio_buf_slice(jwk), thumbprint);
  if (err != CHIO_OK) return err;
  chio_buf_append_str(out, "{\"keys\":[{\"key_ops\":[\"encrypt\"],\"kid\":\"");
  chio_base64url_append(out, chio_slice(thumbprint, sizeof thumbprint));
  chio_buf_append_str(out, "\",");
  chio_buf_append(out, jwk->data + 1, jwk->len - 1);
  chio_buf_append_str(out, "]}");
  return chio_buf_err(out);
}

enum chio_err chio_maa_report_data(struct chio_slice runtime, uint8_t out[CHIO_REPORT_DATA_SIZE]) {
  memset(out, 0, CHIO_REPORT_DATA_SIZE);
  return chio_hash_bytes(CHIO_HASH_SHA256, runtime, out);
}

static void put_runtime(const struct chio_maa_evidence *e, struct chio_buf *out) {
  chio_base64url_put(out, ",\"runtimeData\":{\"data\":\"", e->runtime);
  chio_buf_append_str(out, ",\"dataType\":\"JSON\"}}");
}

/* JSON in base64url in JSON, twice with endorsements. */
static enum chio_err put_snp(const struct chio_maa_evidence *e, struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *report = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *uvm = chio_buf_new();
  if (report == NULL || uvm == NULL) return CHIO_E_NO_MEMORY;
  if (e->certificates.len == 0)
    return chio_fail(detail, CHIO_E_PLATFORM,
                     "the host gives no certificates of this processor: name them (seal_kms.certificates)");
  chio_base64url_put(report, "{\"SnpReport\":\"", e->quote);
  chio_base64url_put(report, ",\"VcekCertChain\":\"", e->certificates);
  if (e->endorsements.len > 0) {
    chio_base64url_put(uvm, "{\"Uvm\":[\"", e->endorsements);
    chio_buf_append_str(uvm, "]}");
    chio_base64url_put(report, ",\"Endorsements\":\"", chio_buf_slice(uvm));
  }
  chio_buf_append_u8(report, '}');
  chio_base64url_put(out, "{\"report\":\"", chio_buf_slice(report));
  put_runtime(e, out);
  return chio_buf_err(report) == CHIO_OK ? chio_buf_err(uvm) : CHIO_E_NO_MEMORY;
}

static enum chio_err put_tdx(const struct chio_maa_evidence *e, struct chio_buf *out, struct chio_detail *detail) {
  (void)detail;
  chio_base64url_put(out, "{\"quote\":\"", e->quote);
  put_runtime(e, out);
  return CHIO_OK;
}

#define SNP_PATH "/attest/SevSnpVm?api-version=2022-08-01"
#define TDX_PATH "/attest/TdxVm?api-version=2023-04-01-preview"

static const struct {
  const char *platform, *path;
  enum chio_err (*put)(const struct chio_maa_evidence *e, struct chio_buf *out, struct chio_detail *detail);
} kinds[] = {
    {"snp", SNP_PATH, put_snp},
    {"sim-snp", SNP_PATH, put_snp},
    {"tdx", TDX_PATH, put_tdx},
    {"sim-tdx", TDX_PATH, put_tdx},
};

static enum chio_err unsupported(const char *platform, struct chio_detail *detail) {
  if (strncmp(platform, "azure-", 6) == 0)
    return chio_fail(detail, CHIO_E_UNSUPPORTED,
                     "platform %s: the paravisor's report is made at boot and names no key of ours; a vault "
                     "releases to platforms snp and tdx",
                     platform);
  return chio_fail(detail, CHIO_E_UNSUPPORTED, "Azure's attestation service judges no evidence of platform %s",
                   platform);
}

enum chio_err chio_maa_request(const struct chio_maa_evidence *evidence, const char **out_path,
                               struct chio_buf *out_body, struct chio_detail *detail) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(kinds); i++) {
    if (strcmp(kinds[i].platform, evidence->platform) != 0) continue;
    enum chio_err err = kinds[i].put(evidence, out_body, detail);
    if (err == CHIO_OK) err = chio_buf_err(out_body);
    if (err == CHIO_OK) *out_path = kinds[i].path;
    return err;
  }
  return unsupported(evidence->platform, detail);
}

/* ---- The answer ---- */

/* A server's word as it may stand in a message of ours. */
static void copy_word(const struct chio_json_doc *doc, const struct chio_json *object, const char *member,
                      char out[128]) {
  struct chio_slice text = {NULL, 0};
  if (chio_json_string(chio_json_get(doc, object, member), &text) != CHIO_OK) text.len = 0;
  size_t len = text.len < 127 ? text.len : 127;
  for (size_t i = 0; i < len; i++) out[i] = text.data[i] >= ' ' && text.data[i] <= '~' ? (char)text.data[i] : '?';
  out[len] = '\0';
}

static enum chio_err refused(uint32_t status, const struct chio_json_doc *doc, struct chio_detail *detail) {
  const struct chio_json *error = doc != NULL ? chio_json_get(doc, chio_json_root(doc), "error") : NULL;
  char code[128] = "", message[128] = "";
  if (error != NULL) {
    copy_word(doc, error, "code", code);
    copy_word(doc, error, "message", message);
  }
  return chio_fail(detail, status >= 500 ? CHIO_E_BACKEND_UNREACHABLE : CHIO_E_BACKEND,
                   "the attestation service refuses the evidence: HTTP %u %s%s%s", status, code,
                   message[0] != '\0' ? ": " : "", message);
}

/* The token goes into a request as it is: nothing but a JWT's characters. */
static bool is_token(struct chio_slice text) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  if (text.len == 0 || text.len > CHIO_MAA_TOKEN_MAX) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] == '\0' || strchr(allowed, text.data[i]) == NULL) return false;
  }
  return true;
}

enum chio_err chio_maa_read_answer(uint32_t status, struct chio_slice body, struct chio_buf *out_token,
                                   struct chio_detail *detail) {
  struct chio_json_doc *doc = NULL;
  struct chio_slice token = {NULL, 0};
  enum chio_err err = chio_json_parse(body, &doc);
  if (err == CHIO_E_NO_MEMORY) return err;
  if (status != 200) {
    err = refused(status, doc, detail);
  } else if (err != CHIO_OK || chio_json_string(chio_json_get(doc, chio_json_root(doc), "token"), &token) != CHIO_OK ||
             !is_token(token)) {
    err = chio_fail(detail, CHIO_E_BACKEND, "the attestation service's answer holds no token");
  } else {
    chio_buf_append_slice(out_token, token);
    err = chio_buf_err(out_token);
  }
  chio_json_free(doc);
  return err;
}

/* ---- The token ---- */

static bool same_text(const struct chio_json_doc *a_doc, const struct chio_json *a, const struct chio_json_doc *b_doc,
                      const struct chio_json *b, const char *member) {
  struct chio_slice x, y;
  return chio_json_string(chio_json_get(a_doc, a, member), &x) == CHIO_OK &&
         chio_json_string(chio_json_get(b_doc, b, member), &y) == CHIO_OK && chio_slice_equal(x, y);
}

/* The vault takes the key to wrap for out of these claims: there must be ours, and no other. */
static bool names_our_key(const struct chio_jws *token, const struct chio_json_doc *ours) {
  const struct chio_json_doc *doc = token->payload_json;
  const struct chio_json *keys = chio_json_get(doc, chio_jws_claim(token, "x-ms-runtime"), "keys");
  if (keys == NULL || keys->type != CHIO_JSON_ARRAY || keys->count != 1) return false;
  const struct chio_json *theirs = chio_json_first(doc, keys);
  const struct chio_json *our = chio_json_first(ours, chio_json_get(ours, chio_json_root(ours), "keys"));
  return same_text(doc, theirs, ours, our, "kty") && same_text(doc, theirs, ours, our, "n") &&
         same_text(doc, theirs, ours, our, "e");
}

static enum chio_err check_time(const struct chio_jws *token, int64_t now, struct chio_detail *detail) {
  uint64_t from = 0, until = 0;
  const uint64_t max = (uint64_t)1 << 40;
  if (chio_json_uint(chio_jws_claim(token, "nbf"), max, &from) != CHIO_OK ||
      chio_json_uint(chio_jws_claim(token, "exp"), max, &until) != CHIO_OK)
    return chio_fail(detail, CHIO_E_BACKEND, "the attestation token does not say when it is valid");
  if (now > (int64_t)until + CHIO_MAA_CLOCK_SKEW)
    return chio_fail(detail, CHIO_E_BACKEND, "the attestation token has expired");
  if (now < (int64_t)from - CHIO_MAA_CLOCK_SKEW)
    return chio_fail(detail, CHIO_E_BACKEND, "the attestation token is not valid yet");
  return CHIO_OK;
}

enum chio_err chio_maa_check_token(struct chio_slice token, struct chio_slice runtime, int64_t now,
                                   struct chio_detail *detail) {
  struct chio_jws jws;
  struct chio_json_doc *ours = NULL;
  enum chio_err err = chio_json_parse(runtime, &ours);
  if (err != CHIO_OK) return err;
  err = chio_jws_parse(token, &jws);
  if (err != CHIO_OK && err != CHIO_E_NO_MEMORY)
    err = chio_fail(detail, CHIO_E_BACKEND, "the attestation service's token is malformed");
  if (err == CHIO_OK && !names_our_key(&jws, ours))
    err = chio_fail(detail, CHIO_E_BACKEND, "the attestation token is not for our key");
  if (err == CHIO_OK) err = check_time(&jws, now, detail);
  chio_jws_clear(&jws);
  chio_json_free(ours);
  return err;
}
