#include "tools/hsm/rotate.h"

#include "signer/base/secret.h"
#include "signer/base/text.h"
#include "tools/hsm/signer.h"

#include <stdio.h>
#include <time.h>

#define TRIES 20u
#define REST_MS 500

static enum chio_err ask(struct hsm *hsm, const struct chio_uid *key, uint32_t flags, struct hsm_rotated *out,
                         struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_rotate_request q = {.slot = hsm->slot, .key = *key, .flags = flags};
  struct chio_rotate_reply r;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_ticket(hsm, ticket, &q.ticket);
  if (err == CHIO_OK) err = chio_call_rotate(hsm->client, &q, &r, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err != CHIO_OK) return err;
  *out = (struct hsm_rotated){.private_key = r.private_key, .before = r.before != 0, .not_after = r.not_after};
  (void)snprintf(out->old_label, sizeof out->old_label, "%.*s", (int)r.old_label.len, (const char *)r.old_label.data);
  return CHIO_OK;
}

enum chio_err hsm_key_rotate(struct hsm *hsm, const struct hsm_key *key, uint32_t flags, struct hsm_rotated *out,
                             struct chio_detail *detail) {
  const struct timespec rest = {.tv_nsec = REST_MS * 1000000L};
  bool died = false;
  enum chio_err err = CHIO_OK;
  for (unsigned i = 0; i < TRIES; i++) {
    err = ask(hsm, &key->private_half.uid, flags, out, detail);
    bool gone = err == CHIO_E_DISCONNECTED || (died && err == CHIO_E_UNREACHABLE);
    if (!gone) break;
    died = true;
    (void)nanosleep(&rest, NULL);
  }
  return err;
}

static int64_t time_of_statement(json_t *envelope) {
  const char *payload = json_string_value(json_object_get(envelope, "payload"));
  struct chio_buf text = CHIO_BUF_INIT;
  int64_t when = 0;
  if (payload != NULL && chio_base64_decode(chio_slice_str(payload), false, &text) == CHIO_OK) {
    json_t *statement = json_loadb((const char *)text.data, text.len, 0, NULL);
    when = (int64_t)json_integer_value(json_object_get(statement, "time"));
    json_decref(statement);
  }
  chio_buf_clear(&text);
  return when;
}

enum chio_err hsm_key_born(struct hsm *hsm, const struct hsm_key *key, int64_t *out_time,
                           struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  struct chio_slice value;
  const struct chio_uid *object = key->public_half.known ? &key->public_half.uid : &key->private_half.uid;
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_attribute_get(hsm, object, (uint32_t)CKA_CHIO_STATEMENT, &value, holder, detail);
  *out_time = 0;
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN) return CHIO_OK;
  if (err != CHIO_OK) return err;
  json_t *envelope = json_loadb((const char *)value.data, value.len, 0, NULL);
  *out_time = time_of_statement(envelope);
  json_decref(envelope);
  return CHIO_OK;
}

enum chio_err hsm_rotation_lag(struct hsm *hsm, int64_t *out_seconds, struct chio_detail *detail) {
  struct chio_status_reply reply;
  size_t i;
  json_t *slot;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_call_status(hsm->client, NULL, &reply, holder, NULL, detail);
  if (err != CHIO_OK) return err;
  json_t *status = json_loadb((const char *)reply.json.data, reply.json.len, 0, NULL);
  *out_seconds = 0;
  json_array_foreach(json_object_get(status, "slots"), i, slot) {
    if (json_integer_value(json_object_get(slot, "slot")) == (json_int_t)hsm->slot)
      *out_seconds = (int64_t)json_integer_value(json_object_get(slot, "rotation_lag_seconds"));
  }
  json_decref(status);
  return CHIO_OK;
}
