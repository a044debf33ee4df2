/* What the core asks of backends, as messages to chio-kmsd. */
#include "signer/daemon/reach_link.h"

#include <stdlib.h>
#include <string.h>

static enum chio_err copy_key(struct chio_slice uri, struct chio_slice spki, uint32_t uses,
                              struct chio_backend_key *out_key, struct chio_detail *detail) {
  if (uri.len == 0 || uri.len >= sizeof out_key->uri || memchr(uri.data, 0, uri.len) != NULL || spki.len == 0 ||
      spki.len > sizeof out_key->spki)
    return chio_fail(detail, CHIO_E_BACKEND, "chio-kmsd described a key that is none");
  memset(out_key, 0, sizeof *out_key);
  memcpy(out_key->uri, uri.data, uri.len);
  memcpy(out_key->spki, spki.data, spki.len);
  out_key->spki_len = spki.len;
  out_key->can_sign = (uses & CHIO_BACKEND_CAN_SIGN) != 0;
  return CHIO_OK;
}

static unsigned time_for(const struct chio_reach *reach, const char *backend, unsigned timeout_ms) {
  return timeout_ms > 0 ? timeout_ms : chio_reach_default_ms(reach, backend);
}

static enum chio_err reach_describe(void *self, const char *backend, const char *uri, unsigned timeout_ms,
                                    struct chio_backend_key *out_key, struct chio_detail *detail) {
  struct chio_backend_describe_request request = {chio_slice_str(backend), chio_slice_str(uri),
                                                  time_for(self, backend, timeout_ms)};
  const struct chio_reach_question question = {CHIO_BACKEND_DESCRIBE, backend, uri, &request, &request.timeout_ms};
  struct chio_backend_describe_reply reply;
  struct chio_reach_answer answer;
  enum chio_err err = chio_reach_ask(self, &question, &reply, &answer, detail);
  if (err != CHIO_OK) return err;
  err = copy_key(reply.uri, reply.spki, reply.uses, out_key, detail);
  chio_reach_answer_clear(&answer);
  return err;
}

static enum chio_err append(struct chio_slice bytes, struct chio_buf *out) {
  if (chio_buf_reserve(out, bytes.len > 0 ? bytes.len : 1) == NULL) return CHIO_E_NO_MEMORY;
  chio_buf_append_slice(out, bytes);
  return CHIO_OK;
}

/* Asks, and appends the bytes that the reply, one of its fields, brings. */
static enum chio_err ask_bytes(struct chio_reach *reach, const struct chio_reach_question *question, void *reply,
                               const struct chio_slice *bytes, struct chio_buf *out, struct chio_detail *detail) {
  struct chio_reach_answer answer;
  enum chio_err err = chio_reach_ask(reach, question, reply, &answer, detail);
  if (err != CHIO_OK) return err;
  err = append(*bytes, out);
  chio_reach_answer_clear(&answer);
  return err;
}

/* What is signed, by which key; the time is the caller's to add. */
static struct chio_backend_sign_request sign_request(const char *backend, const char *uri, struct chio_slice spki,
                                                     uint32_t mechanism, struct chio_slice params,
                                                     struct chio_slice data) {
  return (struct chio_backend_sign_request){.backend = chio_slice_str(backend),
                                            .uri = chio_slice_str(uri),
                                            .spki = spki,
                                            .mechanism = mechanism,
                                            .params = params,
                                            .data = data};
}

static enum chio_err reach_sign(void *self, const char *backend, const char *uri, struct chio_slice spki,
                                uint32_t mechanism, struct chio_slice params, struct chio_slice data,
                                unsigned timeout_ms, struct chio_buf *out_signature, struct chio_detail *detail) {
  struct chio_backend_sign_request request = sign_request(backend, uri, spki, mechanism, params, data);
  request.timeout_ms = time_for(self, backend, timeout_ms);
  const struct chio_reach_question question = {CHIO_BACKEND_SIGN, backend, uri, &request, &request.timeout_ms};
  struct chio_backend_sign_reply reply;
  return ask_bytes(self, &question, &reply, &reply.signature, out_signature, detail);
}

/* What sign_many needs for each of its items. */
struct sign_call {
  struct chio_backend_sign_request request;
  struct chio_backend_sign_reply reply;
};

static void reach_sign_many(void *self, const char *backend, const char *uri, struct chio_slice spki,
                            uint32_t mechanism, struct chio_slice params, unsigned timeout_ms,
                            struct chio_backend_item *items, size_t count) {
  struct sign_call *calls = calloc(count, sizeof *calls);
  struct chio_reach_asked *list = calloc(count, sizeof *list);
  bool room = calls != NULL && list != NULL;
  for (size_t i = 0; i < count; i++) {
    items[i].err = CHIO_E_NO_MEMORY;
    if (!room) continue;
    calls[i].request = sign_request(backend, uri, spki, mechanism, params, items[i].data);
    calls[i].request.timeout_ms = time_for(self, backend, timeout_ms);
    list[i].question = (struct chio_reach_question){CHIO_BACKEND_SIGN, backend, uri, &calls[i].request,
                                                    &calls[i].request.timeout_ms};
    list[i].reply = &calls[i].reply;
  }
  if (room) chio_reach_ask_many(self, list, count);
  for (size_t i = 0; room && i < count; i++) {
    items[i].err = list[i].err;
    if (list[i].err != CHIO_OK) continue;
    items[i].err = append(calls[i].reply.signature, &items[i].signature);
    chio_reach_answer_clear(&list[i].answer);
  }
  free(calls);
  free(list);
}

static enum chio_err reach_create(void *self, const char *backend, uint32_t key_type, uint32_t bits, uint32_t mechanism,
                                  const char *label, unsigned timeout_ms, struct chio_backend_key *out_key,
                                  struct chio_detail *detail) {
  struct chio_backend_create_request request = {chio_slice_str(backend), key_type, bits, mechanism,
                                                chio_slice_str(label),   time_for(self, backend, timeout_ms)};
  const struct chio_reach_question question = {CHIO_BACKEND_CREATE, backend, label, &request, &request.timeout_ms};
  struct chio_backend_create_reply reply;
  struct chio_reach_answer answer;
  enum chio_err err = chio_reach_ask(self, &question, &reply, &answer, detail);
  if (err != CHIO_OK) return err;
  err = copy_key(reply.uri, reply.spki, reply.uses, out_key, detail);
  chio_reach_answer_clear(&answer);
  return err;
}

/* Each URI has a NUL behind it. */
static enum chio_err each_uri(struct chio_slice uris, enum chio_err (*found)(void *arg, const char *uri), void *arg,
                              struct chio_detail *detail) {
  while (uris.len > 0) {
    const uint8_t *end = memchr(uris.data, 0, uris.len);
    if (end == NULL || end - uris.data >= (ptrdiff_t)CHIO_BACKEND_URI_MAX)
      return chio_fail(detail, CHIO_E_BACKEND, "chio-kmsd listed what is no key URI");
    enum chio_err err = found(arg, (const char *)uris.data);
    if (err != CHIO_OK) return err;
    size_t used = (size_t)(end - uris.data) + 1;
    uris = chio_slice(uris.data + used, uris.len - used);
  }
  return CHIO_OK;
}

static enum chio_err reach_list(void *self, const char *backend, unsigned timeout_ms,
                                enum chio_err (*found)(void *arg, const char *uri), void *arg,
                                struct chio_detail *detail) {
  struct chio_backend_list_request request = {chio_slice_str(backend), time_for(self, backend, timeout_ms)};
  const struct chio_reach_question question = {CHIO_BACKEND_LIST, backend, NULL, &request, &request.timeout_ms};
  struct chio_backend_list_reply reply;
  struct chio_reach_answer answer;
  enum chio_err err = chio_reach_ask(self, &question, &reply, &answer, detail);
  if (err != CHIO_OK) return err;
  err = each_uri(reply.uris, found, arg, detail);
  chio_reach_answer_clear(&answer);
  return err;
}

static enum chio_err reach_encrypt(void *self, const char *backend, const char *uri, uint32_t cipher,
                                   struct chio_slice aad, struct chio_slice plain, unsigned timeout_ms,
                                   struct chio_buf *out, struct chio_detail *detail) {
  struct chio_backend_encrypt_request request = {chio_slice_str(backend), chio_slice_str(uri), cipher, aad, plain,
                                                 time_for(self, backend, timeout_ms)};
  const struct chio_reach_question question = {CHIO_BACKEND_ENCRYPT, backend, uri, &request, &request.timeout_ms};
  struct chio_backend_encrypt_reply reply;
  return ask_bytes(self, &question, &reply, &reply.sealed, out, detail);
}

static enum chio_err reach_decrypt(void *self, const char *backend, const char *uri, uint32_t cipher,
                                   struct chio_slice aad, struct chio_slice evidence, struct chio_slice sealed,
                                   unsigned timeout_ms, struct chio_secret **out_plain, struct chio_detail *detail) {
  struct chio_backend_decrypt_request request = {.backend = chio_slice_str(backend),
                                                 .uri = chio_slice_str(uri),
                                                 .cipher = cipher,
                                                 .aad = aad,
                                                 .evidence = evidence,
                                                 .sealed = sealed,
                                                 .timeout_ms = time_for(self, backend, timeout_ms)};
  const struct chio_reach_question question = {CHIO_BACKEND_DECRYPT, backend, uri, &request, &request.timeout_ms};
  struct chio_backend_decrypt_reply reply;
  struct chio_reach_answer answer;
  enum chio_err err = chio_reach_ask(self, &question, &reply, &answer, detail);
  if (err != CHIO_OK) return err;
  err = chio_secret_copy(reply.plain, out_plain);
  chio_reach_answer_clear(&answer);
  return err;
}

static enum chio_err reach_attestation(void *self, const char *backend, const char *uri, unsigned timeout_ms,
                                       struct chio_buf *out, struct chio_detail *detail) {
  struct chio_backend_attestation_request request = {chio_slice_str(backend), chio_slice_str(uri),
                                                     time_for(self, backend, timeout_ms)};
  const struct chio_reach_question question = {CHIO_BACKEND_ATTESTATION, backend, uri, &request, &request.timeout_ms};
  struct chio_backend_attestation_reply reply;
  return ask_bytes(self, &question, &reply, &reply.document, out, detail);
}

static enum chio_err reach_health(void *self, const char *backend, unsigned timeout_ms, struct chio_detail *detail) {
  struct chio_backend_health_request request = {chio_slice_str(backend), time_for(self, backend, timeout_ms)};
  const struct chio_reach_question question = {CHIO_BACKEND_HEALTH, backend, NULL, &request, &request.timeout_ms};
  struct chio_reach_answer answer;
  enum chio_err err = chio_reach_ask(self, &question, NULL, &answer, detail);
  if (err == CHIO_OK) chio_reach_answer_clear(&answer);
  return err;
}

enum chio_err chio_reach_fetch(struct chio_reach *reach, const char *source, const char *path,
                               struct chio_slice content, unsigned timeout_ms, uint32_t *out_status,
                               struct chio_buf *out_headers, struct chio_buf *out_body, struct chio_detail *detail) {
  struct chio_backend_fetch_request request = {chio_slice_str(source), chio_slice_str(path), content,
                                               time_for(reach, source, timeout_ms)};
  const struct chio_reach_question question = {CHIO_BACKEND_FETCH, source, path, &request, &request.timeout_ms};
  struct chio_backend_fetch_reply reply;
  struct chio_reach_answer answer;
  enum chio_err err = chio_reach_ask(reach, &question, &reply, &answer, detail);
  if (err != CHIO_OK) return err;
  err = append(reply.headers, out_headers);
  if (err == CHIO_OK) err = append(reply.body, out_body);
  if (err == CHIO_OK) *out_status = reply.status;
  chio_reach_answer_clear(&answer);
  return err;
}

static enum chio_err reach_judge(void *self, const char *path, struct chio_slice body, unsigned timeout_ms,
                                 uint32_t *out_status, struct chio_buf *out_answer, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *headers = chio_buf_new();
  if (headers == NULL) return CHIO_E_NO_MEMORY;
  return chio_reach_fetch(self, CHIO_REACH_JUDGE, path, body, timeout_ms, out_status, headers, out_answer, detail);
}

const struct chio_backend_ops chio_reach_ops = {
    .describe = reach_describe,
    .sign = reach_sign,
    .sign_many = reach_sign_many,
    .create = reach_create,
    .list = reach_list,
    .encrypt = reach_encrypt,
    .decrypt = reach_decrypt,
    .attestation = reach_attestation,
    .health = reach_health,
    .judge = reach_judge,
};
