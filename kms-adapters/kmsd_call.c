#include "kms-adapters/kmsd_call.h"

#include "kms-adapters/kmsd_fetch.h"
#include "kms-adapters/trace.h"

#include <stdlib.h>

#define MAKING_POLL_MS 5u

/* One operation under way. */
struct call {
  struct chio_kmsd *kmsd;
  struct chio_kmsd_backend *backend;
  const struct chio_message *message;
  uint32_t request_id;
  uint64_t read_at_ms;
  struct chio_deadline deadline;
  struct chio_detail detail;
  struct chio_buf *out;
};

union any_request {
  struct chio_backend_describe_request describe;
  struct chio_backend_sign_request sign;
  struct chio_backend_create_request create;
  struct chio_backend_list_request list;
  struct chio_backend_encrypt_request encrypt;
  struct chio_backend_decrypt_request decrypt;
  struct chio_backend_attestation_request attestation;
  struct chio_backend_health_request health;
  struct chio_backend_fetch_request fetch;
};

void chio_kmsd_request_free(struct chio_kmsd_request *request) {
  if (request == NULL) return;
  if (request->body != NULL) chio_wipe(request->body, request->header.length);
  free(request->body);
  free(request);
}

/* ---- What all operations have in common ---- */

/* Finds the backend and sets the time; an adapter is there unless the operation wants a source. */
static enum chio_err enter(struct call *c, struct chio_slice name, uint32_t timeout_ms) {
  c->backend = chio_kmsd_find(c->kmsd, name);
  if (c->backend == NULL) return chio_fail(&c->detail, CHIO_E_ARGUMENT, "chio-kmsd knows no backend of this name");
  bool fetches = c->message->type == CHIO_BACKEND_FETCH;
  if (fetches != (c->backend->ops == NULL))
    return chio_fail(&c->detail, CHIO_E_UNSUPPORTED, "'%s' is not for %s", c->backend->name, c->message->name);
  c->deadline.at_ms = c->read_at_ms + (timeout_ms > 0 ? timeout_ms : c->backend->timeout_ms);
  if (chio_deadline_left_ms(&c->deadline) == 0)
    return chio_fail(&c->detail, CHIO_E_TIMEOUT, "backend '%s': the time was over before a thread was free",
                     c->backend->name);
  return CHIO_OK;
}

static enum chio_err lacks(struct call *c, const char *what) {
  return chio_fail(&c->detail, CHIO_E_UNSUPPORTED, "backend '%s' cannot %s", c->backend->name, what);
}

static enum chio_err copy_text(struct call *c, struct chio_slice from, char *to, size_t size, const char *what) {
  if (from.len >= size || (from.len > 0 && memchr(from.data, 0, from.len) != NULL))
    return chio_fail(&c->detail, CHIO_E_ARGUMENT, "the %s is not text", what);
  if (from.len > 0) memcpy(to, from.data, from.len);
  to[from.len] = '\0';
  return CHIO_OK;
}

static enum chio_err reply(struct call *c, const void *fields) {
  uint64_t state = atomic_load(&c->backend->breaker_open) ? CHIO_BACKEND_BREAKER_OPEN : 0;
  return chio_message_reply(c->message, c->request_id, state, CHIO_OK, NULL, fields, c->out);
}

static uint32_t uses_of(const struct chio_kms_key *key) {
  return (key->can_sign ? CHIO_BACKEND_CAN_SIGN : 0) | (key->can_decrypt ? CHIO_BACKEND_CAN_DECRYPT : 0);
}

/* The reply of DESCRIBE, and of CREATE whose fields are the same. */
static enum chio_err reply_key(struct call *c, const struct chio_kms_key *key) {
  CHIO_AUTO(chio_buf) struct chio_buf *uri = chio_buf_new();
  if (uri == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_key_uri_format(&key->uri, uri, &c->detail);
  if (err != CHIO_OK) return err;
  struct chio_slice spki = chio_slice(key->spki, key->spki_len);
  if (c->message->type == CHIO_BACKEND_DESCRIBE) {
    struct chio_backend_describe_reply r = {chio_buf_slice(uri), spki, key->key_type, key->bits, uses_of(key)};
    return reply(c, &r);
  }
  struct chio_backend_create_reply r = {chio_buf_slice(uri), spki, key->key_type, key->bits, uses_of(key)};
  return reply(c, &r);
}

/* ---- Operations ---- */

static enum chio_err do_describe(struct call *c, const union any_request *any) {
  const struct chio_backend_describe_request *r = &any->describe;
  char uri[CHIO_BACKEND_WIRE_URI_MAX + 1];
  struct chio_kms_key key;
  enum chio_err err = enter(c, r->backend, r->timeout_ms);
  if (err == CHIO_OK) err = copy_text(c, r->uri, uri, sizeof uri, "key URI");
  if (err == CHIO_OK) err = chio_kmsd_describe(c->backend, uri, CHIO_KMSD_FRESH_MS, &c->deadline, &key, &c->detail);
  return err != CHIO_OK ? err : reply_key(c, &key);
}

/* The key by its pinned URI; it must be the one whose public key the caller has pinned. */
static enum chio_err pinned_key(struct call *c, const char *uri, struct chio_slice spki, struct chio_kms_key *out_key) {
  enum chio_err err = chio_kmsd_describe(c->backend, uri, UINT64_MAX, &c->deadline, out_key, &c->detail);
  if (err != CHIO_OK || chio_slice_equal(chio_slice(out_key->spki, out_key->spki_len), spki)) return err;
  chio_kmsd_forget(c->backend, uri);
  return chio_fail(&c->detail, CHIO_E_BACKEND_SIGNATURE, "backend '%s': the key has another public key than before: %s",
                   c->backend->name, uri);
}

static enum chio_err sign(struct call *c, const struct chio_backend_sign_request *r, const char *uri,
                          struct chio_buf *signature) {
  struct chio_kms_key key;
  struct chio_mech_params params;
  const struct chio_mechanism *mechanism = chio_mechanism_by_wire(r->mechanism);
  if (mechanism == NULL) return chio_fail(&c->detail, CHIO_E_MECHANISM_UNSUPPORTED, "unknown mechanism");
  enum chio_err err = chio_mech_params_decode(r->params, &params);
  if (err == CHIO_OK) err = pinned_key(c, uri, r->spki, &key);
  if (err != CHIO_OK) return err;
  err = c->backend->ops->sign(c->backend->self, &key, mechanism, &params, r->data, &c->deadline, signature, &c->detail);
  /* Perhaps the key is another one by now: it is looked up again next time. */
  if (err == CHIO_E_NOT_FOUND || err == CHIO_E_POLICY || err == CHIO_E_BACKEND) chio_kmsd_forget(c->backend, uri);
  return err;
}

static enum chio_err do_sign(struct call *c, const union any_request *any) {
  const struct chio_backend_sign_request *r = &any->sign;
  char uri[CHIO_BACKEND_WIRE_URI_MAX + 1];
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (signature == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = enter(c, r->backend, r->timeout_ms);
  if (err == CHIO_OK) err = copy_text(c, r->uri, uri, sizeof uri, "key URI");
  if (err == CHIO_OK) err = sign(c, r, uri, signature);
  if (err != CHIO_OK) return err;
  struct chio_backend_sign_reply fields = {chio_buf_slice(signature)};
  return reply(c, &fields);
}

/* One at a time for each backend: of two that make a key of one name, the second finds it. */
static enum chio_err make_key(struct call *c, const struct chio_kms_spec *spec, struct chio_key_uri *out_uri) {
  while (pthread_mutex_trylock(&c->backend->making) != 0)
    if (!chio_deadline_sleep(&c->deadline, MAKING_POLL_MS))
      return chio_fail(&c->detail, CHIO_E_TIMEOUT, "backend '%s': another key is being made", c->backend->name);
  enum chio_err err = c->backend->ops->create(c->backend->self, spec, &c->deadline, out_uri, &c->detail);
  (void)pthread_mutex_unlock(&c->backend->making);
  return err;
}

static enum chio_err do_create(struct call *c, const union any_request *any) {
  const struct chio_backend_create_request *r = &any->create;
  char label[CHIO_BACKEND_LABEL_MAX + 1];
  struct chio_key_uri uri;
  struct chio_kms_key key = {0};
  enum chio_err err = enter(c, r->backend, r->timeout_ms);
  if (err == CHIO_OK && c->backend->ops->create == NULL) err = lacks(c, "make keys");
  if (err == CHIO_OK) err = copy_text(c, r->label, label, sizeof label, "label");
  if (err != CHIO_OK) return err;
  struct chio_kms_spec spec = {
      .key_type = r->key_type, .bits = r->bits, .label = label, .mechanism = r->mechanism};
  err = make_key(c, &spec, &uri);
  if (err == CHIO_OK) err = c->backend->ops->describe(c->backend->self, &uri, &c->deadline, &key, &c->detail);
  return err != CHIO_OK ? err : reply_key(c, &key);
}

struct found {
  struct chio_buf *uris;
  struct chio_detail *detail;
};

static enum chio_err note_found(void *arg, const struct chio_key_uri *uri) {
  struct found *found = arg;
  enum chio_err err = chio_key_uri_format(uri, found->uris, found->detail);
  chio_buf_append_u8(found->uris, 0);
  if (err == CHIO_OK) err = chio_buf_err(found->uris);
  if (err == CHIO_OK && found->uris->len > CHIO_BACKEND_LIST_MAX)
    err = chio_fail(found->detail, CHIO_E_TOO_LONG, "the backend has more keys than can be listed: name them in keys");
  return err;
}

static enum chio_err do_list(struct call *c, const union any_request *any) {
  CHIO_AUTO(chio_buf) struct chio_buf *uris = chio_buf_new();
  struct found found = {uris, &c->detail};
  if (uris == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = enter(c, any->list.backend, any->list.timeout_ms);
  if (err == CHIO_OK && c->backend->ops->list == NULL) err = lacks(c, "list keys");
  if (err == CHIO_OK) err = c->backend->ops->list(c->backend->self, &c->deadline, note_found, &found, &c->detail);
  if (err != CHIO_OK) return err;
  struct chio_backend_list_reply fields = {chio_buf_slice(uris)};
  return reply(c, &fields);
}

static enum chio_err parse_uri(struct call *c, struct chio_slice bytes, struct chio_key_uri *out_uri) {
  char uri[CHIO_BACKEND_WIRE_URI_MAX + 1];
  enum chio_err err = copy_text(c, bytes, uri, sizeof uri, "key URI");
  return err != CHIO_OK ? err : chio_key_uri_parse(uri, out_uri, &c->detail);
}

static enum chio_err cipher_of(struct call *c, uint32_t number, struct chio_slice aad, struct chio_slice evidence,
                               struct chio_kms_cipher *out_cipher) {
  if (number > CHIO_KMS_OAEP_SHA512) return chio_fail(&c->detail, CHIO_E_MECHANISM_UNSUPPORTED, "unknown cipher");
  *out_cipher = (struct chio_kms_cipher){(enum chio_kms_cipher_kind)number, aad, evidence};
  return CHIO_OK;
}

static enum chio_err do_encrypt(struct call *c, const union any_request *any) {
  const struct chio_backend_encrypt_request *r = &any->encrypt;
  struct chio_key_uri uri;
  struct chio_kms_cipher cipher;
  CHIO_AUTO(chio_buf) struct chio_buf *sealed = chio_buf_new();
  if (sealed == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = enter(c, r->backend, r->timeout_ms);
  if (err == CHIO_OK && c->backend->ops->encrypt == NULL) err = lacks(c, "encrypt");
  if (err == CHIO_OK) err = parse_uri(c, r->uri, &uri);
  if (err == CHIO_OK) err = cipher_of(c, r->cipher, r->aad, chio_slice(NULL, 0), &cipher);
  if (err == CHIO_OK)
    err = c->backend->ops->encrypt(c->backend->self, &uri, &cipher, r->plain, &c->deadline, sealed, &c->detail);
  if (err != CHIO_OK) return err;
  struct chio_backend_encrypt_reply fields = {chio_buf_slice(sealed)};
  return reply(c, &fields);
}

static enum chio_err do_decrypt(struct call *c, const union any_request *any) {
  const struct chio_backend_decrypt_request *r = &any->decrypt;
  struct chio_key_uri uri;
  struct chio_kms_cipher cipher;
  CHIO_AUTO(chio_secret) struct chio_secret *plain = NULL;
  enum chio_err err = enter(c, r->backend, r->timeout_ms);
  if (err == CHIO_OK && c->backend->ops->decrypt == NULL) err = lacks(c, "decrypt");
  if (err == CHIO_OK) err = parse_uri(c, r->uri, &uri);
  if (err == CHIO_OK) err = cipher_of(c, r->cipher, r->aad, r->evidence, &cipher);
  if (err == CHIO_OK)
    err = c->backend->ops->decrypt(c->backend->self, &uri, &cipher, r->sealed, &c->deadline, &plain, &c->detail);
  if (err != CHIO_OK) return err;
  struct chio_backend_decrypt_reply fields = {chio_secret_slice(plain)};
  return reply(c, &fields);
}

static enum chio_err do_attestation(struct call *c, const union any_request *any) {
  const struct chio_backend_attestation_request *r = &any->attestation;
  char uri[CHIO_BACKEND_WIRE_URI_MAX + 1];
  struct chio_kms_key key;
  CHIO_AUTO(chio_buf) struct chio_buf *document = chio_buf_new();
  if (document == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = enter(c, r->backend, r->timeout_ms);
  if (err == CHIO_OK && c->backend->ops->attestation == NULL) err = lacks(c, "attest its keys");
  if (err == CHIO_OK) err = copy_text(c, r->uri, uri, sizeof uri, "key URI");
  if (err == CHIO_OK) err = chio_kmsd_describe(c->backend, uri, UINT64_MAX, &c->deadline, &key, &c->detail);
  if (err == CHIO_OK)
    err = c->backend->ops->attestation(c->backend->self, &key, &c->deadline, document, &c->detail);
  if (err != CHIO_OK) return err;
  struct chio_backend_attestation_reply fields = {chio_buf_slice(document)};
  return reply(c, &fields);
}

static enum chio_err do_health(struct call *c, const union any_request *any) {
  enum chio_err err = enter(c, any->health.backend, any->health.timeout_ms);
  if (err == CHIO_OK) err = c->backend->ops->health(c->backend->self, &c->deadline, &c->detail);
  return err != CHIO_OK ? err : reply(c, NULL);
}

static enum chio_err do_fetch(struct call *c, const union any_request *any) {
  const struct chio_backend_fetch_request *r = &any->fetch;
  char path[CHIO_BACKEND_OPTION_MAX + 1];
  struct chio_http_reply answer = {.body = CHIO_BUF_INIT, .headers = CHIO_BUF_INIT};
  enum chio_err err = enter(c, r->backend, r->timeout_ms);
  if (err == CHIO_OK) err = copy_text(c, r->path, path, sizeof path, "path");
  if (err == CHIO_OK) err = chio_kmsd_fetch(c->kmsd, c->backend, path, r->content, &c->deadline, &answer, &c->detail);
  if (err != CHIO_OK) return err;
  struct chio_backend_fetch_reply fields = {(uint32_t)answer.status, chio_buf_slice(&answer.headers),
                                            chio_buf_slice(&answer.body)};
  err = reply(c, &fields);
  chio_http_reply_clear(&answer);
  return err;
}

static const struct {
  enum chio_backend_message_type type;
  enum chio_err (*serve)(struct call *c, const union any_request *request);
} operations[] = {
    {CHIO_BACKEND_DESCRIBE, do_describe}, {CHIO_BACKEND_SIGN, do_sign},
    {CHIO_BACKEND_CREATE, do_create},     {CHIO_BACKEND_LIST, do_list},
    {CHIO_BACKEND_ENCRYPT, do_encrypt},   {CHIO_BACKEND_DECRYPT, do_decrypt},
    {CHIO_BACKEND_HEALTH, do_health},     {CHIO_BACKEND_ATTESTATION, do_attestation},
    {CHIO_BACKEND_FETCH, do_fetch},
};

/* ---- Answers ---- */

static enum chio_err serve(struct call *c, const struct chio_kmsd_request *request) {
  union any_request fields;
  size_t i = 0;
  while (i < CHIO_ARRAY_LEN(operations) && operations[i].type != (enum chio_backend_message_type)c->message->type) i++;
  if (i == CHIO_ARRAY_LEN(operations)) return CHIO_E_UNKNOWN_MESSAGE;
  struct chio_slice body = chio_slice(request->body, request->header.length);
  enum chio_err err = chio_fields_decode(*c->message->request, body, c->message->request_size, &fields);
  if (err != CHIO_OK) return chio_fail(&c->detail, err, "%s cannot be decoded", c->message->name);
  return operations[i].serve(c, &fields);
}

/* What the log shall say, ahead of the reply. */
static enum chio_err append_call(const struct call *c, struct chio_buf *out) {
  const struct chio_trace *trace = chio_trace_get();
  struct chio_backend_call_request fields = {.attempts = trace->attempts,
                                             .http_status = trace->http_status,
                                             .ms = (uint32_t)(chio_monotonic_ms() - c->read_at_ms),
                                             .code = chio_slice_str(trace->code),
                                             .provider_id = chio_slice_str(trace->provider_id)};
  return chio_message_request(chio_backend_message_find(CHIO_BACKEND_CALL), c->request_id, &fields, out);
}

enum chio_err chio_kmsd_answer(struct chio_kmsd *kmsd, const struct chio_kmsd_request *request, struct chio_buf *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *answer = chio_buf_new();
  if (answer == NULL) return CHIO_E_NO_MEMORY;
  struct call c = {.kmsd = kmsd,
                   .message = chio_backend_message_find(request->header.type),
                   .request_id = request->header.request_id,
                   .read_at_ms = request->read_at_ms,
                   .out = answer};
  if (c.message == NULL) return chio_kmsd_answer_plain(request, CHIO_E_UNKNOWN_MESSAGE, NULL, out);
  chio_trace_begin(&request->trace);
  enum chio_err err = serve(&c, request);
  if (c.backend != NULL && chio_trace_get()->asked)
    atomic_store(&c.backend->breaker_open, chio_trace_get()->breaker_open);
  bool open = c.backend != NULL && atomic_load(&c.backend->breaker_open);
  if (err != CHIO_OK) {
    if (answer->data != NULL) chio_wipe(answer->data, answer->len);
    chio_buf_reset(answer);
    err = chio_message_reply(c.message, c.request_id, open ? CHIO_BACKEND_BREAKER_OPEN : 0, err, &c.detail, NULL,
                             answer);
  }
  if (err == CHIO_OK) err = append_call(&c, out);
  if (err == CHIO_OK && chio_buf_reserve(out, answer->len) == NULL) err = CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) chio_buf_append_slice(out, chio_buf_slice(answer));
  if (answer->data != NULL) chio_wipe(answer->data, answer->len);
  return err;
}

enum chio_err chio_kmsd_answer_plain(const struct chio_kmsd_request *request, enum chio_err err,
                                     const struct chio_detail *detail, struct chio_buf *out) {
  const struct chio_message unknown = {.type = request->header.type};
  const struct chio_message *message = chio_backend_message_find(request->header.type);
  struct chio_detail none = {""};
  return chio_message_reply(message != NULL ? message : &unknown, request->header.request_id, 0, err,
                            detail != NULL ? detail : &none, NULL, out);
}
