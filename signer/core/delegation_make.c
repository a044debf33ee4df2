/* What the issuer signs: its own certificate where it has none, the key's certificate, Chio's delegation link. */
#include "attest/jcs.h"
#include "attest/moment.h"
#include "attest/x509.h"
#include "signer/core/certify.h"
#include "signer/core/delegation.h"
#include "signer/core/issue.h"
#include "signer/core/papers.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#define CA_SECONDS (10ull * 365 * 24 * 3600)
#define NAME_SIZE 257u
#define SIGNATURE_TEXT_MAX (5u + 2u * 512u + 1u)

static void text_of(struct chio_slice given, const char *fallback, char out[NAME_SIZE]) {
  if (given.len > 0 && given.len < NAME_SIZE) {
    memcpy(out, given.data, given.len);
    out[given.len] = '\0';
  } else {
    (void)snprintf(out, NAME_SIZE, "%s", fallback);
  }
}

/* ---- The issuer's certificate ---- */

static enum chio_err make_ca(struct chio_call *call, const struct chio_used *issuer, uint64_t now,
                             struct chio_buf *out_der) {
  CHIO_AUTO(chio_buf) struct chio_buf *name = chio_buf_new();
  if (name == NULL) return CHIO_E_NO_MEMORY;
  chio_certify_name(name, issuer->object->label);
  struct chio_issue issue = {.issuer_name = chio_buf_slice(name),
                             .subject = issuer->object->label,
                             .spki = chio_key_spki(issuer->key),
                             .not_before = now - CHIO_DELEGATION_SKEW,
                             .not_after = now + CA_SECONDS,
                             .ca = true};
  chio_issue_serial(issue.serial);
  enum chio_err err = chio_buf_err(name);
  if (err == CHIO_OK) err = chio_issue(call, issuer, &issue, out_der);
  if (err != CHIO_OK || issuer->object->in_memory) return err;
  return chio_paper_certificate(call, issuer->object, chio_buf_slice(out_der), true);
}

/* A certificate that ends before the delegation would is replaced where the issuer signed it itself; one by somebody
 * else's CA is that CA's to renew, and no other name is put in its place. */
static enum chio_err find_or_make_ca(struct chio_call *call, const struct chio_used *issuer, uint64_t now,
                                     uint64_t not_after, struct chio_buf *out_der) {
  struct chio_cert cert;
  char end[CHIO_MOMENT_TEXT];
  enum chio_err err = chio_paper_find_ca(call, issuer->object, chio_key_spki(issuer->key), now, out_der);
  if (err == CHIO_E_NOT_FOUND) return make_ca(call, issuer, now, out_der);
  if (err == CHIO_OK) err = chio_cert_parse(chio_buf_slice(out_der), &cert);
  if (err != CHIO_OK || cert.not_after >= (int64_t)not_after) return err;
  if (!chio_slice_equal(cert.issuer, cert.subject)) {
    chio_moment_text(cert.not_after, end);
    return chio_fail(&call->detail, CHIO_E_KEY_FUNCTION,
                     "the certificate of issuer '%s' ends at %s, before the delegation would; renew it, or delegate for"
                     " fewer days", issuer->object->label, end);
  }
  chio_buf_reset(out_der);
  return make_ca(call, issuer, now, out_der);
}

/* ---- The key's certificate ---- */

static enum chio_err make_leaf(struct chio_call *call, const struct chio_used *issuer, const struct chio_object *key,
                               struct chio_slice ca, struct chio_slice evidence,
                               const struct chio_delegate_request *order, struct chio_issue *issue,
                               struct chio_buf *out_der) {
  char subject[NAME_SIZE];
  struct chio_cert parsed;
  enum chio_err err = chio_cert_parse(ca, &parsed);
  if (err != CHIO_OK) return err;
  text_of(order->name, key->label, subject);
  issue->issuer_name = parsed.subject;
  issue->issuer_key_id = parsed.subject_key_id;
  issue->subject = subject;
  issue->evidence = evidence;
  (void)chio_attrs_find(key->attrs, CKA_PUBLIC_KEY_INFO, &issue->spki);
  chio_issue_serial(issue->serial);
  return chio_issue(call, issuer, issue, out_der);
}

/* ---- Chio's link: docs/attributes.md, "Delegation" ---- */

static json_t *chio_name(const struct chio_object *key) {
  struct chio_slice name = chio_slice(NULL, 0);
  if (!chio_attrs_find(key->attrs, CKA_CHIO_PUBLIC_KEY, &name) || name.len == 0) return NULL;
  return json_stringn((const char *)name.data, name.len);
}

/* As Chio writes signatures: hexadecimal, ECDSA in DER and with the curve's name in front. */
static json_t *signature_text(const struct chio_key *key, struct chio_slice signature) {
  char text[SIGNATURE_TEXT_MAX] = "";
  size_t at = 0;
  if (signature.len > 512) return NULL;
  if (chio_key_type(key) == CKK_EC) {
    (void)snprintf(text, sizeof text, "p%u:", chio_key_bits(key));
    at = strlen(text);
  }
  (void)sodium_bin2hex(text + at, sizeof text - at, signature.data, signature.len);
  return json_string(text);
}

static json_t *link_body(const struct chio_used *issuer, const struct chio_object *key,
                         const struct chio_issue *issue) {
  char id[5 + 2 * CHIO_SERIAL_SIZE + 1] = "x509:";
  (void)sodium_bin2hex(id + 5, sizeof id - 5, issue->serial, CHIO_SERIAL_SIZE);
  json_t *delegator = chio_name(issuer->object), *delegatee = chio_name(key);
  json_t *body = delegator != NULL && delegatee != NULL ? json_object() : NULL;
  if (body == NULL) {
    json_decref(delegator);
    json_decref(delegatee);
    return NULL;
  }
  (void)json_object_set_new(body, "capability_id", json_string(id));
  (void)json_object_set_new(body, "delegator", delegator);
  (void)json_object_set_new(body, "delegatee", delegatee);
  (void)json_object_set_new(body, "timestamp", json_integer((json_int_t)time(NULL)));
  return body;
}

static enum chio_err sign_link(struct chio_call *call, const struct chio_used *issuer, json_t *body,
                               struct chio_buf *out) {
  CHIO_AUTO(chio_buf) struct chio_buf *message = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (message == NULL || signature == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_jcs(body, message);
  if (err == CHIO_OK) err = chio_issue_sign(call, issuer, chio_buf_slice(message), signature);
  if (err != CHIO_OK) return err;
  json_t *text = signature_text(issuer->key, chio_buf_slice(signature));
  if (text == NULL || json_object_set_new(body, "signature", text) != 0) return CHIO_E_NO_MEMORY;
  return chio_jcs(body, out);
}

static enum chio_err make_link(struct chio_call *call, const struct chio_used *issuer, const struct chio_object *key,
                               const struct chio_issue *issue, struct chio_buf *out) {
  json_t *body = link_body(issuer, key, issue);
  if (body == NULL) return CHIO_OK;
  enum chio_err err = sign_link(call, issuer, body, out);
  json_decref(body);
  return err;
}

enum chio_err chio_delegation_make(struct chio_call *call, const struct chio_used *issuer,
                                   const struct chio_object *key, struct chio_slice evidence,
                                   const struct chio_delegate_request *order, struct chio_delegation *out) {
  uint64_t now = (uint64_t)time(NULL);
  struct chio_issue issue = {.not_before = now - CHIO_DELEGATION_SKEW, .not_after = now + order->seconds};
  CHIO_AUTO(chio_buf) struct chio_buf *ca = chio_buf_new();
  if (ca == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = find_or_make_ca(call, issuer, now, issue.not_after, ca);
  if (err == CHIO_OK)
    err = make_leaf(call, issuer, key, chio_buf_slice(ca), evidence, order, &issue, &out->chain);
  if (err == CHIO_OK) err = make_link(call, issuer, key, &issue, &out->link);
  if (err != CHIO_OK) return err;
  out->leaf_len = out->chain.len;
  out->not_after = issue.not_after;
  chio_buf_append_slice(&out->chain, chio_buf_slice(ca));
  if (out->chain.len > CHIO_DELEGATION_MAX) return CHIO_E_TOO_LONG;
  return chio_buf_err(&out->chain);
}
