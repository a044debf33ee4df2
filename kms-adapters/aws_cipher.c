#include "kms-adapters/aws.h"
#include "kms-adapters/body.h"
#include "kms-adapters/signature_form.h"
#include "signer/base/text.h"

#define RANDOM_MAX 1024u          /* bytes in one call */
#define EVIDENCE_MAX 262144u      /* bytes; the KMS API reference's limit of AttestationDocument */
#define WRAPPED_MAX 6144u         /* bytes */
#define WRAPPING "RSAES_OAEP_SHA_256"

static enum chio_err algorithm_of(const struct chio_kms_cipher *cipher, const char **out_algorithm,
                                  struct chio_detail *detail) {
  switch (cipher->kind) {
    case CHIO_KMS_SYMMETRIC: *out_algorithm = "SYMMETRIC_DEFAULT"; break;
    case CHIO_KMS_OAEP_SHA1: *out_algorithm = "RSAES_OAEP_SHA_1"; break;
    case CHIO_KMS_OAEP_SHA256: *out_algorithm = "RSAES_OAEP_SHA_256"; break;
    default: return chio_fail(detail, CHIO_E_MECHANISM_UNSUPPORTED, "AWS has OAEP with SHA-1 and SHA-256 only");
  }
  if (cipher->kind != CHIO_KMS_SYMMETRIC && cipher->aad.len > 0)
    return chio_fail(detail, CHIO_E_MECHANISM_PARAM, "AWS takes no label with OAEP");
  return CHIO_OK;
}

/* EncryptionContext is text; what the ciphertext is bound to goes into it as base64. */
static enum chio_err set_context(json_t *body, struct chio_slice aad) {
  if (aad.len == 0) return CHIO_OK;
  json_t *context = json_object();
  if (context == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_body_set_bytes(context, "chio", false, aad);
  if (err == CHIO_OK && json_object_set(body, "EncryptionContext", context) != 0) err = CHIO_E_NO_MEMORY;
  json_decref(context);
  return err;
}

static enum chio_err set_recipient(json_t *body, struct chio_slice evidence) {
  if (evidence.len == 0) return CHIO_OK;
  json_t *recipient = json_pack("{s:s}", "KeyEncryptionAlgorithm", WRAPPING);
  if (recipient == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_body_set_bytes(recipient, "AttestationDocument", false, evidence);
  if (err == CHIO_OK && json_object_set(body, "Recipient", recipient) != 0) err = CHIO_E_NO_MEMORY;
  json_decref(recipient);
  return err;
}

/* One Encrypt or Decrypt. */
struct use {
  struct chio_aws *self;
  const char *operation;
  const struct chio_key_uri *uri;
  const struct chio_kms_cipher *cipher;
  const char *member; /* what the data is called */
  struct chio_slice data;
  bool secret;
};

static enum chio_err ask(const struct use *use, const struct chio_deadline *deadline, json_t **out_reply,
                         struct chio_detail *detail) {
  char arn[CHIO_KEY_URI_MAX];
  const char *algorithm = NULL;
  enum chio_err err = algorithm_of(use->cipher, &algorithm, detail);
  if (err == CHIO_OK) err = chio_aws_resolve(use->self, use->uri, deadline, arn, detail);
  if (err != CHIO_OK) return err;
  json_t *body = json_pack("{s:s,s:s}", "KeyId", arn, "EncryptionAlgorithm", algorithm);
  if (body == NULL) return CHIO_E_NO_MEMORY;
  err = chio_body_set_bytes(body, use->member, false, use->data);
  if (err == CHIO_OK) err = set_context(body, use->cipher->aad);
  if (err == CHIO_OK) err = set_recipient(body, use->cipher->evidence);
  if (err != CHIO_OK) {
    json_decref(body);
    return err;
  }
  const struct chio_aws_operation operation = {
      .name = use->operation, .uri = use->uri, .body = body, .secret = use->secret};
  json_t *reply;
  err = chio_aws_ask(use->self, &operation, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_aws_check_key(use->self, use->operation, reply, arn, detail);
  if (err == CHIO_OK)
    err = chio_aws_check_echo(use->self, use->operation, reply, "EncryptionAlgorithm", algorithm, detail);
  if (err == CHIO_OK)
    *out_reply = reply;
  else
    json_decref(reply);
  return err;
}

static enum chio_err check_len(const struct use *use, size_t max, struct chio_detail *detail) {
  if (use->data.len > 0 && use->data.len <= max) return CHIO_OK;
  return chio_fail(detail, CHIO_E_DATA_LEN, "aws '%s': %s takes 1 to %zu bytes, not %zu", use->self->name,
                   use->operation, max, use->data.len);
}

enum chio_err chio_aws_encrypt(void *arg, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                               struct chio_slice plain, const struct chio_deadline *deadline, struct chio_buf *out,
                               struct chio_detail *detail) {
  struct chio_aws *self = arg;
  const struct use use = {self, "Encrypt", uri, cipher, "Plaintext", plain, true};
  struct chio_detail why = {.text = ""};
  json_t *reply;
  if (cipher->evidence.len > 0)
    return chio_fail(detail, CHIO_E_UNSUPPORTED, "aws '%s': Encrypt takes no evidence", self->name);
  enum chio_err err = check_len(&use, CHIO_AWS_PLAIN_MAX, detail);
  if (err == CHIO_OK) err = ask(&use, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_bytes(reply, "CiphertextBlob", false, CHIO_AWS_SEALED_MAX, out, &why);
  json_decref(reply);
  return err == CHIO_OK ? CHIO_OK : chio_fail(detail, err, "aws '%s': Encrypt: %s", self->name, why.text);
}

/* A member that is there and not null, even when it is empty or no text. */
static bool there(const json_t *reply, const char *member) {
  const json_t *value = json_object_get(reply, member);
  return value != NULL && !json_is_null(value);
}

/* Whoever asked with evidence must never see a plaintext on the way: it means that nobody looked at the evidence. */
static enum chio_err refuse_plaintext(const struct chio_aws *self, json_t *reply, const char *operation,
                                      struct chio_detail *detail) {
  struct chio_secret *seen = NULL;
  if (!there(reply, "Plaintext")) return CHIO_OK;
  if (chio_body_secret(reply, "Plaintext", false, CHIO_AWS_PLAIN_MAX, &seen, NULL) == CHIO_OK) chio_secret_free(seen);
  return chio_fail(detail, CHIO_E_BACKEND,
                   "aws '%s': %s answered evidence with an open plaintext; this KMS does not check evidence",
                   self->name, operation);
}

enum chio_err chio_aws_decrypt(void *arg, const struct chio_key_uri *uri, const struct chio_kms_cipher *cipher,
                               struct chio_slice sealed, const struct chio_deadline *deadline,
                               struct chio_secret **out_plain, struct chio_detail *detail) {
  struct chio_aws *self = arg;
  const struct use use = {self, "Decrypt", uri, cipher, "CiphertextBlob", sealed, false};
  bool wrapped = cipher->evidence.len > 0;
  struct chio_detail why = {.text = ""};
  json_t *reply;
  if (cipher->evidence.len > EVIDENCE_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "aws '%s': evidence of more than %u bytes", self->name, EVIDENCE_MAX);
  enum chio_err err = check_len(&use, CHIO_AWS_SEALED_MAX, detail);
  if (err == CHIO_OK) err = ask(&use, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  if (wrapped) err = refuse_plaintext(self, reply, "Decrypt", detail);
  if (err == CHIO_OK) {
    const char *member = wrapped ? "CiphertextForRecipient" : "Plaintext";
    err = chio_body_secret(reply, member, false, wrapped ? WRAPPED_MAX : CHIO_AWS_PLAIN_MAX, out_plain, &why);
    if (err != CHIO_OK) err = chio_fail(detail, err, "aws '%s': Decrypt: %s", self->name, why.text);
  }
  json_decref(reply);
  return err;
}

static enum chio_err read_shared(const struct chio_aws *self, const struct chio_kms_key *key, json_t *reply,
                                 struct chio_secret **out_shared, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *shared = NULL;
  struct chio_detail why = {.text = ""};
  enum chio_err err = chio_aws_check_key(self, "DeriveSharedSecret", reply, key->uri.key, detail);
  if (err == CHIO_OK)
    err = chio_aws_check_echo(self, "DeriveSharedSecret", reply, "KeyAgreementAlgorithm", "ECDH", detail);
  if (err != CHIO_OK) return err;
  err = chio_body_secret(reply, "SharedSecret", false, 128, &shared, &why);
  if (err == CHIO_OK && shared->len != chio_ecdsa_width(key->bits))
    err = chio_fail(&why, CHIO_E_BACKEND, "the secret has %zu bytes, not %zu", shared->len,
                    chio_ecdsa_width(key->bits));
  if (err != CHIO_OK) return chio_fail(detail, err, "aws '%s': DeriveSharedSecret: %s", self->name, why.text);
  *out_shared = CHIO_STEAL(shared);
  return CHIO_OK;
}

enum chio_err chio_aws_derive(void *arg, const struct chio_kms_key *key, struct chio_slice peer_spki,
                              const struct chio_deadline *deadline, struct chio_secret **out_shared,
                              struct chio_detail *detail) {
  struct chio_aws *self = arg;
  json_t *reply;
  if (key->key_type != CKK_EC || key->can_sign)
    return chio_fail(detail, CHIO_E_KEY_FUNCTION, "aws '%s': the key is not one for key agreement", self->name);
  if (peer_spki.len == 0 || peer_spki.len > CHIO_KMS_SPKI_MAX)
    return chio_fail(detail, CHIO_E_DATA_LEN, "aws '%s': the other side's public key is too long", self->name);
  json_t *body = json_pack("{s:s,s:s}", "KeyId", key->uri.key, "KeyAgreementAlgorithm", "ECDH");
  enum chio_err err = body != NULL ? chio_body_set_bytes(body, "PublicKey", false, peer_spki) : CHIO_E_NO_MEMORY;
  if (err != CHIO_OK) {
    json_decref(body);
    return err;
  }
  const struct chio_aws_operation operation = {.name = "DeriveSharedSecret", .uri = &key->uri, .body = body};
  err = chio_aws_ask(self, &operation, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = read_shared(self, key, reply, out_shared, detail);
  json_decref(reply);
  return err;
}

static enum chio_err random_part(struct chio_aws *self, size_t len, const struct chio_deadline *deadline,
                                 struct chio_buf *out, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *part = NULL;
  struct chio_detail why = {.text = ""};
  json_t *reply;
  const struct chio_aws_operation operation = {
      .name = "GenerateRandom", .body = json_pack("{s:I}", "NumberOfBytes", (json_int_t)len)};
  enum chio_err err = chio_aws_ask(self, &operation, deadline, &reply, detail);
  if (err != CHIO_OK) return err;
  err = chio_body_secret(reply, "Plaintext", false, RANDOM_MAX, &part, &why);
  if (err == CHIO_OK && part->len != len)
    err = chio_fail(&why, CHIO_E_BACKEND, "%zu bytes came instead of %zu", part->len, len);
  json_decref(reply);
  if (err != CHIO_OK) return chio_fail(detail, err, "aws '%s': GenerateRandom: %s", self->name, why.text);
  chio_buf_append_slice(out, chio_secret_slice(part));
  return chio_buf_err(out);
}

enum chio_err chio_aws_random(void *arg, size_t len, const struct chio_deadline *deadline, struct chio_buf *out,
                              struct chio_detail *detail) {
  size_t before = out->len;
  enum chio_err err = CHIO_OK;
  while (err == CHIO_OK && out->len - before < len) {
    size_t left = len - (out->len - before);
    err = random_part(arg, left < RANDOM_MAX ? left : RANDOM_MAX, deadline, out, detail);
  }
  if (err != CHIO_OK) out->len = before;
  return err;
}
