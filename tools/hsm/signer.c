#include "tools/hsm/signer.h"

#include "signer/base/cursor.h"
#include "signer/wire/traceparent.h"
#include "tools/hsm/pin.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum chio_err hsm_client(struct hsm *hsm, struct chio_detail *detail) {
  if (hsm->client != NULL) return CHIO_OK;
  const char *trace = hsm->option[HSM_OPT_TRACEPARENT];
  struct chio_traceparent parsed;
  struct chio_client_options options = {
      .endpoints = hsm->option[HSM_OPT_SIGNER], .program = "chio-hsm", .traceparent = trace};
  if (trace != NULL && chio_traceparent_parse(chio_slice_str(trace), &parsed) != CHIO_OK)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--traceparent '%s': expected 00-TRACE-SPAN-FLAGS, in lower-case hex",
                     trace);
  enum chio_err err = chio_client_new(&options, &hsm->client, detail);
  return err == CHIO_OK ? chio_client_connect(hsm->client, detail) : err;
}

enum chio_err hsm_slots(struct hsm *hsm, struct chio_buf *holder, uint32_t slots[CHIO_SLOTS_MAX], size_t *out_count,
                        struct chio_detail *detail) {
  struct chio_slot_list_reply reply;
  enum chio_err err = chio_call_slot_list(hsm->client, NULL, &reply, holder, NULL, detail);
  if (err != CHIO_OK) return err;
  struct chio_cursor at = chio_cursor(reply.slots);
  size_t count = 0;
  while (count < CHIO_SLOTS_MAX && chio_cursor_u32le(&at, &slots[count]) == CHIO_OK) count++;
  *out_count = count;
  return CHIO_OK;
}

enum chio_err hsm_slot_parse(const char *text, uint32_t *out_slot, struct chio_detail *detail) {
  char *end;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > UINT32_MAX)
    return chio_fail(detail, CHIO_E_ARGUMENT, "'%s' is not the number of a slot", text);
  *out_slot = (uint32_t)value;
  return CHIO_OK;
}

/* What is said about tokens while one is looked for. */
struct choice {
  unsigned initialized, matching;
  char labels[CHIO_DETAIL_MAX / 2];
  size_t labels_len;
};

static bool is_as_asked(const char *asked, struct chio_slice found) {
  return asked == NULL || chio_slice_equal(found, chio_slice_str(asked));
}

static bool fits_uri(const struct chio_uri *uri, const struct chio_token_info_reply *info) {
  return uri == NULL || (is_as_asked(uri->serial, info->serial) && is_as_asked(uri->model, info->model) &&
                         is_as_asked(uri->manufacturer, info->manufacturer));
}

static void consider(struct hsm *hsm, uint32_t slot, const struct chio_token_info_reply *info, struct choice *choice) {
  const char *wanted = hsm->option[HSM_OPT_TOKEN];
  if (info->label.len == 0 && (info->flags & CKF_TOKEN_INITIALIZED) == 0) return;
  choice->initialized++;
  int n = snprintf(choice->labels + choice->labels_len, sizeof choice->labels - choice->labels_len, "%s%.*s",
                   choice->labels_len > 0 ? ", " : "", (int)info->label.len, (const char *)info->label.data);
  if (n > 0 && (size_t)n < sizeof choice->labels - choice->labels_len) choice->labels_len += (size_t)n;
  if (!is_as_asked(wanted, info->label) || !fits_uri(hsm->uri, info)) return;
  choice->matching++;
  hsm->slot = slot;
  hsm->open_token = (info->flags & CKF_LOGIN_REQUIRED) == 0;
  (void)snprintf(hsm->token_label, sizeof hsm->token_label, "%.*s", (int)info->label.len,
                 (const char *)info->label.data);
}

static enum chio_err verdict(struct hsm *hsm, const struct choice *choice, struct chio_detail *detail) {
  const char *wanted = hsm->option[HSM_OPT_TOKEN];
  if (choice->matching == 1) return CHIO_OK;
  if (choice->initialized == 0) return chio_fail(detail, CHIO_E_TOKEN_UNINITIALIZED, "there is no token yet");
  if (choice->matching == 0)
    return chio_fail(detail, CHIO_E_NOT_FOUND, "no token '%s'; there are: %s", wanted != NULL ? wanted : hsm->word[0],
                     choice->labels);
  if (wanted != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "%u tokens have the label '%s'; choose with --slot", choice->matching,
                     wanted);
  return chio_fail(detail, CHIO_E_ARGUMENT, "there are several tokens; choose with --token: %s", choice->labels);
}

static enum chio_err find_token(struct hsm *hsm, struct chio_detail *detail) {
  uint32_t slots[CHIO_SLOTS_MAX];
  size_t count;
  struct choice choice = {.initialized = 0};
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_slots(hsm, holder, slots, &count, detail);
  for (size_t i = 0; err == CHIO_OK && i < count; i++) {
    struct chio_token_info_request request = {.slot = slots[i]};
    struct chio_token_info_reply info;
    err = chio_call_token_info(hsm->client, &request, &info, holder, NULL, detail);
    if (err == CHIO_OK) consider(hsm, slots[i], &info, &choice);
  }
  return err == CHIO_OK ? verdict(hsm, &choice, detail) : err;
}

static enum chio_err token_of_slot(struct hsm *hsm, struct chio_detail *detail) {
  struct chio_token_info_request request;
  struct chio_token_info_reply info;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  if (hsm->option[HSM_OPT_TOKEN] != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "the slot and the token are two ways to say the same; give one");
  enum chio_err err = hsm_slot_parse(hsm->option[HSM_OPT_SLOT], &hsm->slot, detail);
  if (err != CHIO_OK) return err;
  request.slot = hsm->slot;
  err = chio_call_token_info(hsm->client, &request, &info, holder, NULL, detail);
  if (err != CHIO_OK) return err;
  if ((info.flags & CKF_TOKEN_INITIALIZED) == 0)
    return chio_fail(detail, CHIO_E_TOKEN_UNINITIALIZED, "slot %u has no token yet", hsm->slot);
  hsm->open_token = (info.flags & CKF_LOGIN_REQUIRED) == 0;
  if (!fits_uri(hsm->uri, &info))
    return chio_fail(detail, CHIO_E_NOT_FOUND, "the token in slot %u is not the one of the URI", hsm->slot);
  (void)snprintf(hsm->token_label, sizeof hsm->token_label, "%.*s", (int)info.label.len, (const char *)info.label.data);
  return CHIO_OK;
}

enum chio_err hsm_token(struct hsm *hsm, struct chio_detail *detail) {
  enum chio_err err = hsm_client(hsm, detail);
  if (err != CHIO_OK || hsm->token_label[0] != '\0') return err;
  return hsm->option[HSM_OPT_SLOT] != NULL ? token_of_slot(hsm, detail) : find_token(hsm, detail);
}

enum chio_err hsm_login(struct hsm *hsm, struct chio_detail *detail) {
  enum chio_err err = hsm_token(hsm, detail);
  /* The keys of a KMS without a login of its own are there for whoever may connect. */
  if (err != CHIO_OK || hsm->login != NULL || hsm->open_token) return err;
  char question[96];
  (void)snprintf(question, sizeof question, "User PIN of token '%s': ", hsm->token_label);
  CHIO_AUTO(chio_secret) struct chio_secret *pin = NULL;
  err = hsm_pin_get(hsm->option[HSM_OPT_PIN_SOURCE], question, &pin, detail);
  if (err != CHIO_OK) return err;
  return chio_login_new(hsm->client, hsm->slot, CHIO_USER_USER, chio_slice(NULL, 0), chio_secret_slice(pin),
                        &hsm->login, detail);
}

enum chio_err hsm_login_so(struct hsm *hsm, struct chio_detail *detail) {
  enum chio_err err = hsm_token(hsm, detail);
  if (err != CHIO_OK || hsm->login != NULL) return err;
  char question[96];
  (void)snprintf(question, sizeof question, "Security officer's PIN of token '%s': ", hsm->token_label);
  CHIO_AUTO(chio_secret) struct chio_secret *pin = NULL;
  err = hsm_pin_get(hsm->option[HSM_OPT_SO_PIN_SOURCE], question, &pin, detail);
  if (err != CHIO_OK) return err;
  return chio_login_new(hsm->client, hsm->slot, CHIO_USER_SO, chio_slice(NULL, 0), chio_secret_slice(pin), &hsm->login,
                        detail);
}

enum chio_err hsm_login_if_asked(struct hsm *hsm, struct chio_detail *detail) {
  bool asked = hsm->option[HSM_OPT_LOGIN] != NULL || hsm->option[HSM_OPT_PIN_SOURCE] != NULL;
  return asked ? hsm_login(hsm, detail) : hsm_token(hsm, detail);
}

enum chio_err hsm_ticket(struct hsm *hsm, uint8_t ticket[CHIO_TICKET_MAX], struct chio_slice *out) {
  return chio_login_ticket(hsm->login, hsm->client, ticket, out);
}

void hsm_close(struct hsm *hsm) {
  chio_login_end(hsm->login, hsm->client);
  chio_client_free(hsm->client);
  chio_uri_free(hsm->uri);
}
