#include "provider/find.h"

#include "signer/wire/cryptoki.h"

#include <stdlib.h>

#define PAGES_MAX 65536u

static const struct {
  unsigned want;
  CK_OBJECT_CLASS class;
} classes[] = {{CHIO_WANT_PRIVATE, CKO_PRIVATE_KEY},
               {CHIO_WANT_CERT, CKO_CERTIFICATE},
               {CHIO_WANT_PUBLIC, CKO_PUBLIC_KEY}};

void chio_found_free(struct chio_found *found) {
  if (found == NULL) return;
  free(found->tokens);
  free(found->objects);
  free(found);
}

/* ---- Tokens ---- */

static bool text_fits(const char *wanted, struct chio_slice text) {
  return wanted == NULL || chio_slice_equal(chio_slice_str(wanted), text);
}

static void copy_text(struct chio_slice text, char *out, size_t size) {
  size_t len = text.len < size - 1 ? text.len : size - 1;
  if (len > 0) memcpy(out, text.data, len);
  out[len] = '\0';
}

static enum chio_err add_token(struct chio_found *found, const struct chio_uri *uri, uint32_t slot,
                               struct chio_detail *detail) {
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_token_info_request request = {.slot = slot};
  struct chio_token_info_reply info;
  enum chio_err err =
      chio_call_token_info(chio_signer_client(found->signer), &request, &info, &holder, NULL, detail);
  bool fits = err == CHIO_OK && (info.flags & CKF_TOKEN_INITIALIZED) && text_fits(uri->token, info.label) &&
              text_fits(uri->serial, info.serial) && text_fits(uri->manufacturer, info.manufacturer) &&
              text_fits(uri->model, info.model);
  if (fits) {
    struct chio_found_token *token = &found->tokens[found->token_count++];
    token->slot = slot;
    token->flags = info.flags;
    copy_text(info.label, token->label, sizeof token->label);
    copy_text(info.serial, token->serial, sizeof token->serial);
  }
  chio_buf_clear(&holder);
  return err;
}

static enum chio_err add_tokens(struct chio_found *found, const struct chio_uri *uri, struct chio_detail *detail) {
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_slot_list_reply list;
  enum chio_err err = chio_call_slot_list(chio_signer_client(found->signer), NULL, &list, &holder, NULL, detail);
  if (err == CHIO_OK && list.slots.len > 0) {
    found->tokens = calloc(list.slots.len / 4, sizeof *found->tokens);
    if (found->tokens == NULL) err = CHIO_E_NO_MEMORY;
    struct chio_cursor c = chio_cursor(list.slots);
    uint32_t slot;
    while (err == CHIO_OK && chio_cursor_u32le(&c, &slot) == CHIO_OK)
      if (!uri->has_slot || uri->slot == slot) err = add_token(found, uri, slot, detail);
  }
  chio_buf_clear(&holder);
  return err;
}

/* A PIN goes to a token only when the URI leaves no doubt which one. */
static bool log_in(struct chio_found *found, const struct chio_find_query *query, const struct chio_pin_asker *asker) {
  if (!(query->want & CHIO_WANT_PRIVATE)) return true;
  for (size_t i = 0; found->token_count > 1 && i < found->token_count; i++)
    found->tokens[i].login = chio_prov_login_any(found->signer, found->tokens[i].slot);
  if (found->token_count != 1) return true;
  struct chio_found_token *only = &found->tokens[0];
  struct chio_pin_token token = {.slot = only->slot, .flags = only->flags, .label = only->label};
  return chio_pin_login(found->signer, &token, query->uri, asker, &only->login);
}

/* ---- Objects ---- */

static void build_template(const struct chio_find_query *query, CK_OBJECT_CLASS class, struct chio_buf *out) {
  const struct chio_uri *uri = query->uri;
  chio_attrs_begin(out);
  chio_attrs_add_ulong(out, CKA_CLASS, class);
  if (uri->object != NULL) chio_attrs_add(out, CKA_LABEL, chio_slice_str(uri->object));
  if (query->alias != NULL) chio_attrs_add(out, CKA_LABEL, chio_slice_str(query->alias));
  if (uri->has_id) chio_attrs_add(out, CKA_ID, chio_slice(uri->id, uri->id_len));
  if (query->subject.len > 0) chio_attrs_add(out, CKA_SUBJECT, query->subject);
  if (query->issuer.len > 0) chio_attrs_add(out, CKA_ISSUER, query->issuer);
  if (query->serial.len > 0) chio_attrs_add(out, CKA_SERIAL_NUMBER, query->serial);
}

static enum chio_err add_objects(struct chio_found *found, size_t token, unsigned want, struct chio_slice uids) {
  size_t count = uids.len / CHIO_UID_SIZE, needed = found->object_count + count;
  if (needed > CHIO_FIND_OBJECTS_MAX) return CHIO_E_TOO_LONG;
  if (needed > found->object_room) {
    size_t room = needed * 2;
    struct chio_found_object *objects = realloc(found->objects, room * sizeof *objects);
    if (objects == NULL) return CHIO_E_NO_MEMORY;
    found->objects = objects;
    found->object_room = room;
  }
  for (size_t i = 0; i < count; i++) {
    struct chio_found_object *object = &found->objects[found->object_count++];
    object->token = token;
    object->want = want;
    memcpy(object->uid.b, uids.data + i * CHIO_UID_SIZE, CHIO_UID_SIZE);
  }
  return CHIO_OK;
}

enum chio_err chio_found_add(struct chio_found *found, size_t token, unsigned want, const struct chio_uid *uid) {
  return add_objects(found, token, want, chio_slice(uid->b, CHIO_UID_SIZE));
}

static enum chio_err find_page(struct chio_found *found, size_t token, unsigned want,
                               struct chio_object_find_request *request, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_object_find_reply reply;
  enum chio_err err = chio_prov_login_ticket(found->tokens[token].login, ticket, &request->ticket);
  if (err != CHIO_OK) return err;
  err = chio_call_object_find(chio_signer_client(found->signer), request, &reply, &holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err == CHIO_OK) {
    request->cursor = reply.cursor;
    err = add_objects(found, token, want, reply.objects);
  }
  chio_buf_clear(&holder);
  return err;
}

static enum chio_err find_class(struct chio_found *found, size_t token, const struct chio_find_query *query,
                                size_t class, struct chio_detail *detail) {
  struct chio_buf templ = CHIO_BUF_INIT;
  build_template(query, classes[class].class, &templ);
  enum chio_err err = chio_buf_err(&templ);
  struct chio_object_find_request request = {
      .slot = found->tokens[token].slot, .templ = chio_attrs_of(&templ), .max = CHIO_FIND_MAX};
  for (unsigned page = 0; err == CHIO_OK && page < PAGES_MAX; page++) {
    err = find_page(found, token, classes[class].want, &request, detail);
    if (request.cursor == 0) break;
  }
  chio_buf_clear(&templ);
  return err;
}

static enum chio_err find_objects(struct chio_found *found, const struct chio_find_query *query,
                                  struct chio_detail *detail) {
  for (size_t class = 0; class < CHIO_ARRAY_LEN(classes); class++) {
    if (!(query->want & classes[class].want)) continue;
    for (size_t token = 0; token < found->token_count; token++) {
      enum chio_err err = find_class(found, token, query, class, detail);
      if (err == CHIO_E_TICKET_INVALID && found->tokens[token].login != NULL) {
        found->tokens[token].login = chio_prov_login_again(found->tokens[token].login);
        if (found->tokens[token].login != NULL) err = find_class(found, token, query, class, detail);
      }
      if (err != CHIO_OK) return err;
    }
  }
  return CHIO_OK;
}

/* ---- What the result must be ---- */

static size_t count(const struct chio_found *found, unsigned want) {
  size_t n = 0;
  for (size_t i = 0; i < found->object_count; i++) n += found->objects[i].want == want;
  return n;
}

static bool check_ambiguous(struct chio_prov *prov, const struct chio_found *found, const struct chio_uri *uri) {
  size_t privates = count(found, CHIO_WANT_PRIVATE), publics = count(found, CHIO_WANT_PUBLIC);
  if ((uri->object == NULL && !uri->has_id) || (privates < 2 && publics < 2)) return true;
  return chio_raise(prov, CHIO_R_AMBIGUOUS, "%zu private and %zu public keys: add id=, object= or token=", privates,
                    publics);
}

static bool check_login(struct chio_prov *prov, const struct chio_found *found, const struct chio_find_query *query) {
  if (!query->key_is_expected || !(query->want & CHIO_WANT_PRIVATE) || found->object_count > 0) return true;
  for (size_t i = 0; i < found->token_count; i++) {
    if (!(found->tokens[i].flags & CKF_LOGIN_REQUIRED) || found->tokens[i].login != NULL) continue;
    if (found->token_count > 1)
      return chio_raise(prov, CHIO_R_PIN_NEEDED, "%zu tokens match: name one with token=", found->token_count);
    return chio_raise(prov, CHIO_R_PIN_NEEDED, "token %s wants a login before it shows private keys",
                      found->tokens[i].label);
  }
  return true;
}

bool chio_find(struct chio_prov *prov, const struct chio_find_query *query, const struct chio_pin_asker *asker,
               struct chio_found **out_found) {
  struct chio_detail detail = {""};
  struct chio_signer *signer = chio_prov_signer(prov, query->uri->signer);
  if (signer == NULL) return false;
  CHIO_AUTO(chio_found) struct chio_found *found = calloc(1, sizeof *found);
  if (found == NULL) return chio_raise(prov, CHIO_R_NO_MEMORY, "find");
  found->signer = signer;
  enum chio_err err = add_tokens(found, query->uri, &detail);
  if (err != CHIO_OK) return chio_raise_err(prov, err, &detail, "tokens");
  if (!log_in(found, query, asker)) return false;
  err = find_objects(found, query, &detail);
  if (err != CHIO_OK) return chio_raise_err(prov, err, &detail, "find");
  if (!check_ambiguous(prov, found, query->uri) || !check_login(prov, found, query)) return false;
  *out_found = CHIO_STEAL(found);
  return true;
}

enum chio_err chio_found_get(const struct chio_found *found, size_t index, struct chio_slice types,
                             struct chio_buf *holder, struct chio_attrs *out_attributes, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  const struct chio_found_object *object = &found->objects[index];
  const struct chio_found_token *token = &found->tokens[object->token];
  struct chio_object_get_request request = {.slot = token->slot, .object = object->uid, .types = types};
  struct chio_object_get_reply reply;
  enum chio_err err = chio_prov_login_ticket(token->login, ticket, &request.ticket);
  if (err != CHIO_OK) return err;
  err = chio_call_object_get(chio_signer_client(found->signer), &request, &reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err == CHIO_OK) *out_attributes = reply.attributes;
  return err;
}

bool chio_found_key(const struct chio_found *found, size_t index, bool as_public, struct chio_key **out_key) {
  struct chio_prov *prov = chio_signer_prov(found->signer);
  struct chio_detail detail = {""};
  struct chio_buf holder = CHIO_BUF_INIT;
  struct chio_attrs attributes;
  const struct chio_found_object *object = &found->objects[index];
  const struct chio_found_token *token = &found->tokens[object->token];
  enum chio_err err = chio_found_get(found, index, chio_key_attribute_types(), &holder, &attributes, &detail);
  struct chio_key *key = NULL;
  if (err == CHIO_OK) {
    struct chio_key_place place = {.signer = found->signer,
                                   .slot = token->slot,
                                   .token = token->label,
                                   .serial = token->serial,
                                   .uid = object->uid,
                                   .login = token->login};
    key = chio_key_new(&place, attributes, object->want == CHIO_WANT_PRIVATE && !as_public);
  } else if (err != CHIO_E_OBJECT_UNKNOWN) {
    chio_raise_err(prov, err, &detail, "read key");
  }
  chio_buf_clear(&holder);
  if (key == NULL && err != CHIO_E_OBJECT_UNKNOWN) return false;
  *out_key = key;
  return true;
}
