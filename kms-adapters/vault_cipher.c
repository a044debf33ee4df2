#include "kms-adapters/vault_cipher.h"

#include "kms-adapters/body.h"
#include "kms-adapters/vault_call.h"
#include "kms-adapters/vault_reply.h"
#include "signer/base/text.h"

#include <stdio.h>

#define PLAIN_MAX 65536u    /* bytes */
#define AAD_MAX 4096u       /* bytes */
#define OAEP_PLAIN_MAX 446u /* RFC 8017, 7.1.1: what a key of 4096 bits takes with SHA-256 */
#define RSA_BLOCK_MAX 512u  /* bytes of a key of 4096 bits */

static enum chio_err check(const struct chio_kms_cipher *cipher, struct chio_detail *detail) {
  if (cipher->evidence.len > 0)
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "Transit does not encrypt its answers to a key in evidence");
  if (cipher->kind != CHIO_KMS_SYMMETRIC && cipher->kind != CHIO_KMS_OAEP_SHA256)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "Transit knows OAEP with SHA-256 only");
  if (cipher->kind != CHIO_KMS_SYMMETRIC && cipher->aad.len > 0)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "Transit's OAEP takes no label");
  if (cipher->aad.len > AAD_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "at most %u bytes of associated data", AAD_MAX);
  return CHIO_OK;
}

static enum chio_err ask(struct chio_vault *vault, const struct chio_key_uri *uri, const char *verb,
                         struct chio_slice body, const struct chio_deadline *deadline, json_t **out_reply,
                         struct chio_detail *detail) {
  struct chio_buf path = CHIO_BUF_INIT;
  char what[CHIO_VAULT_TEXT_MAX];
  (void)snprintf(what, sizeof what, "%s with '%.128s'", verb, uri->key);
  enum chio_err err = chio_vault_path(chio_vault_mount(vault, uri), verb, uri->key, &path, detail);
  const struct chio_vault_ask call = {.what = what,
                                      .method = body.len > 0 ? "POST" : "GET",
                                      .path = (const char *)path.data,
                                      .namespace_ = chio_vault_namespace(vault, uri),
                                      .body = body};
  if (err == CHIO_OK) err = chio_vault_call(vault, &call, deadline, out_reply, detail);
  chio_buf_clear(&path);
  return err;
}

/* With a policy that allows "create" Transit makes a key for whoever encrypts with a name that it does not know. So we
 * look first, and at the type too: it would encrypt with any. */
static enum chio_err key_is_there(struct chio_vault *vault, const struct chio_key_uri *uri, bool rsa,
                                  const struct chio_deadline *deadline, struct chio_detail *detail) {
  json_t *reply = NULL;
  const json_t *data = NULL;
  const char *type;
  enum chio_err err = ask(vault, uri, "keys", chio_slice(NULL, 0), deadline, &reply, detail);
  if (err == CHIO_OK) err = chio_vault_data(reply, &data, detail);
  if (err == CHIO_OK) err = chio_body_text(data, "type", 64, &type, detail);
  if (err == CHIO_OK && (strncmp(type, "rsa-", 4) == 0) != rsa)
    err = chio_fail(detail, CHIO_E_KEY_TYPE, "a key of type %.32s does not encrypt so", type);
  if (err == CHIO_OK && !json_is_true(json_object_get(data, "supports_encryption")))
    err = chio_fail(detail, CHIO_E_KEY_TYPE, "a key of type %.32s does not encrypt", type);
  json_decref(reply);
  return err;
}

/* All the room at once: what stands in it must not be left behind by a buffer that grew. */
static enum chio_err body_begin(size_t text_len, struct chio_buf *body) {
  if (chio_buf_reserve(body, text_len + 2 * AAD_MAX + 256) == NULL) return CHIO_E_NO_MEMORY;
  chio_buf_append_u8(body, '{');
  return CHIO_OK;
}

static void add_base64(struct chio_buf *body, const char *name, struct chio_slice bytes) {
  chio_buf_printf(body, "%s\"%s\":\"", body->len > 1 ? "," : "", name);
  chio_base64_append(body, bytes);
  chio_buf_append_u8(body, '"');
}

static void body_end(struct chio_buf *body, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                     bool with_version) {
  if (cipher->aad.len > 0) add_base64(body, "associated_data", cipher->aad);
  if (cipher->kind != CHIO_KMS_SYMMETRIC) chio_buf_append_str(body, ",\"padding_scheme\":\"oaep\"");
  if (with_version && uri->version[0] != '\0') chio_buf_printf(body, ",\"key_version\":%s", uri->version);
  chio_buf_append_u8(body, '}');
}

static enum chio_err read_ciphertext(const json_t *reply, const struct chio_key_uri *uri, bool oaep,
                                     struct chio_buf *out, struct chio_detail *detail) {
  const json_t *data = NULL;
  const char *text;
  struct chio_slice base64;
  size_t before = out->len;
  enum chio_err err = chio_vault_data(reply, &data, detail);
  if (err == CHIO_OK) err = chio_body_text(data, "ciphertext", CHIO_VAULT_CIPHERTEXT_MAX, &text, detail);
  if (err == CHIO_OK)
    err = chio_vault_payload(text, uri->version[0] != '\0' ? uri->version : NULL, &base64, detail);
  if (err != CHIO_OK) return err;
  if (!oaep) {
    chio_buf_append_str(out, text);
    return chio_buf_err(out);
  }
  err = chio_base64_decode(base64, false, out);
  if (err == CHIO_OK && out->len - before <= RSA_BLOCK_MAX) return CHIO_OK;
  out->len = before;
  if (err == CHIO_E_NO_MEMORY) return err;
  return chio_fail(detail, CHIO_E_BACKEND, "the ciphertext is no base64 of an RSA block");
}

enum chio_err chio_vault_encrypt(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                                 struct chio_slice plain, const struct chio_deadline *deadline, struct chio_buf *out,
                                 struct chio_detail *detail) {
  struct chio_vault *vault = self;
  struct chio_buf body = CHIO_BUF_INIT;
  json_t *reply = NULL;
  bool oaep = cipher->kind != CHIO_KMS_SYMMETRIC;
  enum chio_err err = check(cipher, detail);
  if (err == CHIO_OK && plain.len > (oaep ? OAEP_PLAIN_MAX : PLAIN_MAX))
    err = chio_fail(detail, CHIO_E_DATA_LEN, "%zu bytes are too many", plain.len);
  if (err == CHIO_OK) err = key_is_there(vault, uri, oaep, deadline, detail);
  if (err == CHIO_OK) err = body_begin(2 * plain.len, &body);
  if (err != CHIO_OK) return err;
  add_base64(&body, "plaintext", plain);
  body_end(&body, uri, cipher, true);
  err = ask(vault, uri, "encrypt", chio_buf_slice(&body), deadline, &reply, detail);
  if (err == CHIO_OK) err = read_ciphertext(reply, uri, oaep, out, detail);
  json_decref(reply);
  chio_wipe(body.data, body.cap);
  chio_buf_clear(&body);
  return err;
}

/* What a symmetric ciphertext says of itself must be what the caller asks with. */
static enum chio_err add_ciphertext(struct chio_buf *body, const struct chio_key_uri *uri, bool oaep,
                                    struct chio_slice sealed, struct chio_detail *detail) {
  chio_buf_append_str(body, "\"ciphertext\":");
  if (!oaep) {
    chio_json_quote(body, sealed);
    return CHIO_OK;
  }
  if (uri->version[0] == '\0')
    return chio_fail(detail, CHIO_E_ARGUMENT, "the URI of a key to decrypt with must name its version");
  chio_buf_printf(body, "\"vault:v%s:", uri->version);
  chio_base64_append(body, sealed);
  chio_buf_append_u8(body, '"');
  return CHIO_OK;
}

enum chio_err chio_vault_decrypt(void *self, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                                 struct chio_slice sealed, const struct chio_deadline *deadline,
                                 struct chio_secret **out_plain, struct chio_detail *detail) {
  struct chio_vault *vault = self;
  struct chio_buf body = CHIO_BUF_INIT;
  json_t *reply = NULL;
  bool oaep = cipher->kind != CHIO_KMS_SYMMETRIC;
  enum chio_err err = check(cipher, detail);
  if (err == CHIO_OK && sealed.len > (oaep ? RSA_BLOCK_MAX : CHIO_VAULT_CIPHERTEXT_MAX))
    err = chio_fail(detail, CHIO_E_DATA_LEN, "%zu bytes are too many", sealed.len);
  if (err == CHIO_OK) err = body_begin(2 * sealed.len, &body);
  if (err != CHIO_OK) return err;
  err = add_ciphertext(&body, uri, oaep, sealed, detail);
  body_end(&body, uri, cipher, false);
  if (err == CHIO_OK) err = ask(vault, uri, "decrypt", chio_buf_slice(&body), deadline, &reply, detail);
  json_t *data = json_object_get(reply, "data");
  if (err == CHIO_OK && !json_is_object(data)) err = chio_fail(detail, CHIO_E_BACKEND, "the reply has no data");
  if (err == CHIO_OK) err = chio_body_secret(data, "plaintext", false, PLAIN_MAX, out_plain, detail);
  json_decref(reply);
  chio_buf_clear(&body);
  return err;
}
