#include "tools/hsm/birth_papers.h"

#include "signer/base/secret.h"
#include "tools/hsm/signer.h"

#define EVIDENCE_APPLICATION "chio-hsm evidence"
#define DELEGATION_APPLICATION "chio-hsm delegation"

/* CHIO_EVIDENCE_OID (attest/bundle.h) as it stands in a certificate. */
static const uint8_t evidence_oid[] = {0x06, 0x14, 0x69, 0x81, 0xa4, 0xaf, 0x92, 0xc7, 0xa6, 0x9c, 0xaa,
                                       0xba, 0xd7, 0x91, 0xa6, 0xf9, 0xfa, 0xbb, 0xff, 0x95, 0xb3, 0x54};

enum chio_err hsm_object_destroy(struct hsm *hsm, const struct chio_uid *object, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_object_destroy_request request = {.slot = hsm->slot, .object = *object};
  enum chio_err err = hsm_ticket(hsm, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_object_destroy(hsm->client, &request, NULL, NULL, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  return err;
}

static enum chio_err is_evidence(struct hsm *hsm, uint64_t class, const struct chio_uid *object, bool *out_is,
                                 struct chio_detail *detail) {
  struct chio_slice value;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  *out_is = false;
  uint32_t type = class == CKO_DATA ? CKA_APPLICATION : CKA_VALUE;
  enum chio_err err = hsm_attribute_get(hsm, object, type, &value, holder, detail);
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN) return CHIO_OK;
  if (err != CHIO_OK) return err;
  if (class == CKO_DATA)
    *out_is = chio_slice_equal(value, chio_slice_str(EVIDENCE_APPLICATION)) ||
              chio_slice_equal(value, chio_slice_str(DELEGATION_APPLICATION));
  else
    *out_is = value.len > 0 && memmem(value.data, value.len, evidence_oid, sizeof evidence_oid) != NULL;
  return CHIO_OK;
}

static enum chio_err find(struct hsm *hsm, uint64_t class, struct chio_slice id, struct chio_buf *holder,
                          struct chio_slice *out_objects, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  CHIO_AUTO(chio_buf) struct chio_buf *templ = chio_buf_new();
  if (templ == NULL) return CHIO_E_NO_MEMORY;
  chio_attrs_begin(templ);
  chio_attrs_add_ulong(templ, CKA_CLASS, class);
  chio_attrs_add(templ, CKA_ID, id);
  struct chio_object_find_request request = {.slot = hsm->slot, .templ = chio_attrs_of(templ), .max = CHIO_FIND_MAX};
  struct chio_object_find_reply reply;
  enum chio_err err = chio_buf_err(templ);
  if (err == CHIO_OK) err = hsm_ticket(hsm, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_object_find(hsm->client, &request, &reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err == CHIO_OK) *out_objects = reply.objects;
  return err;
}

/* One page of those with this id is more than enough. */
static enum chio_err destroy_class(struct hsm *hsm, uint64_t class, struct chio_slice id, struct chio_detail *detail) {
  struct chio_slice objects = chio_slice(NULL, 0);
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = find(hsm, class, id, holder, &objects, detail);
  for (size_t at = 0; err == CHIO_OK && at + CHIO_UID_SIZE <= objects.len; at += CHIO_UID_SIZE) {
    struct chio_uid object;
    bool evidence = false;
    memcpy(object.b, objects.data + at, CHIO_UID_SIZE);
    err = is_evidence(hsm, class, &object, &evidence, detail);
    if (err == CHIO_OK && evidence) err = hsm_object_destroy(hsm, &object, detail);
  }
  return err;
}

enum chio_err hsm_birth_papers_destroy(struct hsm *hsm, const struct hsm_key *key, struct chio_detail *detail) {
  struct chio_slice id = hsm_key_attribute(key, CKA_ID);
  if (id.len == 0) return CHIO_OK;
  enum chio_err err = destroy_class(hsm, CKO_CERTIFICATE, id, detail);
  return err == CHIO_OK ? destroy_class(hsm, CKO_DATA, id, detail) : err;
}

/* Of a page of certificates, the value of the first that carries evidence. */
static enum chio_err first_certificate(struct hsm *hsm, struct chio_slice objects, struct chio_buf *out,
                                       struct chio_detail *detail) {
  for (size_t at = 0; at + CHIO_UID_SIZE <= objects.len; at += CHIO_UID_SIZE) {
    struct chio_uid object;
    struct chio_slice value;
    bool evidence = false;
    memcpy(object.b, objects.data + at, CHIO_UID_SIZE);
    enum chio_err err = is_evidence(hsm, CKO_CERTIFICATE, &object, &evidence, detail);
    if (err == CHIO_OK && !evidence) continue;
    CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
    if (holder == NULL) return CHIO_E_NO_MEMORY;
    if (err == CHIO_OK) err = hsm_attribute_get(hsm, &object, CKA_VALUE, &value, holder, detail);
    if (err != CHIO_OK) return err;
    chio_buf_append_slice(out, value);
    return chio_buf_err(out);
  }
  return CHIO_E_NOT_FOUND;
}

enum chio_err hsm_birth_certificate(struct hsm *hsm, const struct hsm_key *key, struct chio_buf *out,
                                    struct chio_detail *detail) {
  struct chio_slice id = hsm_key_attribute(key, CKA_ID), objects = {NULL, 0};
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = id.len > 0 ? find(hsm, CKO_CERTIFICATE, id, holder, &objects, detail) : CHIO_E_NOT_FOUND;
  if (err == CHIO_OK) err = first_certificate(hsm, objects, out, detail);
  if (err != CHIO_E_NOT_FOUND) return err;
  return chio_fail(detail, err, "key '%s' has no certificate of its birth", hsm->word[0]);
}
