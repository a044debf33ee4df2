/*
 * make_key TYPE LABEL ID: generates a key pair in slot 0 of $CHIO_SIGNER; TYPE is ed25519, p256, p256-other, p384,
 * p521, rsa2048, rsa3072; or with a private key that allows few mechanisms: rsa2048-pss, rsa2048-sha256, p256-sha256,
 * rsa2048-pss256. make_key cert LABEL ID: stores the DER certificate of standard input.
 * make_key public LABEL ID: stores the Ed25519 public key of 32 zero bytes, without a private one.
 * For tests of the front doors, whose PIN is no secret; ID is taken as text.
 */
#include "signer/client/client.h"
#include "signer/wire/cryptoki.h"
#include "signer/wire/mechanism.h"

#include <stdio.h>

#define USER_PIN "123456"
#define CERTIFICATE_MAX 16384u

struct kind {
  const char *name;
  uint32_t generator;
  const char *ec_params; /* DER */
  size_t ec_params_len;
  uint64_t bits;
  uint64_t allowed[2]; /* CKA_ALLOWED_MECHANISMS; 0: any */
};

static const struct kind kinds[] = {
    {"ed25519", CHIO_MECH_EC_EDWARDS_KEY_PAIR_GEN, "\x06\x03\x2b\x65\x70", 5, 0, {0}},
    {"p256", CHIO_MECH_EC_KEY_PAIR_GEN, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 0, {0}},
    {"p256-other", CHIO_MECH_EC_KEY_PAIR_GEN, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 0, {0}},
    {"p384", CHIO_MECH_EC_KEY_PAIR_GEN, "\x06\x05\x2b\x81\x04\x00\x22", 7, 0, {0}},
    {"p521", CHIO_MECH_EC_KEY_PAIR_GEN, "\x06\x05\x2b\x81\x04\x00\x23", 7, 0, {0}},
    {"rsa2048", CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 2048, {0}},
    {"rsa3072", CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 3072, {0}},
    {"rsa2048-pss", CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 2048, {CKM_RSA_PKCS_PSS, 0}},
    {"rsa2048-sha256", CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 2048, {CKM_SHA256_RSA_PKCS, 0}},
    {"rsa2048-pss256", CHIO_MECH_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 2048, {CKM_SHA256_RSA_PKCS_PSS, 0}},
    {"p256-sha256", CHIO_MECH_EC_KEY_PAIR_GEN, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 0, {CKM_ECDSA_SHA256, 0}},
};

struct session {
  struct chio_client *client;
  struct chio_login *login;
  struct chio_buf holder;
  uint8_t ticket_bytes[CHIO_TICKET_MAX];
  struct chio_slice ticket;
  struct chio_detail detail;
};

static enum chio_err session_open(struct session *s) {
  enum chio_err err = chio_client_new(&(struct chio_client_options){.program = "make_key"}, &s->client, &s->detail);
  if (err == CHIO_OK)
    err = chio_login_new(s->client, 0, CHIO_USER_USER, chio_slice(NULL, 0), chio_slice_str(USER_PIN), &s->login,
                         &s->detail);
  return err == CHIO_OK ? chio_login_ticket(s->login, s->client, s->ticket_bytes, &s->ticket) : err;
}

static void name_it(struct chio_buf *templ, const char *label, const char *id) {
  chio_attrs_add_bool(templ, CKA_TOKEN, true);
  chio_attrs_add(templ, CKA_LABEL, chio_slice_str(label));
  chio_attrs_add(templ, CKA_ID, chio_slice_str(id));
}

static void allow(struct chio_buf *templ, const struct kind *kind) {
  struct chio_buf list = CHIO_BUF_INIT;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(kind->allowed) && kind->allowed[i] != 0; i++)
    chio_buf_append_u64le(&list, kind->allowed[i]);
  if (list.len > 0) chio_attrs_add(templ, CKA_ALLOWED_MECHANISMS, chio_buf_slice(&list));
  chio_buf_clear(&list);
}

static enum chio_err generate(struct session *s, const struct kind *kind, const char *label, const char *id) {
  struct chio_buf public = CHIO_BUF_INIT, private = CHIO_BUF_INIT;
  struct chio_key_pair_reply reply;
  chio_attrs_begin(&public);
  chio_attrs_begin(&private);
  name_it(&public, label, id);
  name_it(&private, label, id);
  if (kind->ec_params != NULL)
    chio_attrs_add(&public, CKA_EC_PARAMS, chio_slice(kind->ec_params, kind->ec_params_len));
  else
    chio_attrs_add_ulong(&public, CKA_MODULUS_BITS, kind->bits);
  allow(&private, kind);
  struct chio_key_pair_request request = {.slot = 0,
                                          .ticket = s->ticket,
                                          .mechanism = kind->generator,
                                          .public_template = chio_attrs_of(&public),
                                          .private_template = chio_attrs_of(&private)};
  enum chio_err err = chio_call_key_pair(s->client, &request, &reply, &s->holder, NULL, &s->detail);
  chio_buf_clear(&public);
  chio_buf_clear(&private);
  return err;
}

static void describe_certificate(struct chio_buf *templ) {
  uint8_t der[CERTIFICATE_MAX];
  size_t len = fread(der, 1, sizeof der, stdin);
  chio_attrs_add_ulong(templ, CKA_CLASS, CKO_CERTIFICATE);
  chio_attrs_add_ulong(templ, CKA_CERTIFICATE_TYPE, CKC_X_509);
  chio_attrs_add(templ, CKA_VALUE, chio_slice(der, len));
}

static void describe_public(struct chio_buf *templ) {
  static const uint8_t point[34] = {0x04, 0x20};
  chio_attrs_add_ulong(templ, CKA_CLASS, CKO_PUBLIC_KEY);
  chio_attrs_add_ulong(templ, CKA_KEY_TYPE, CKK_EC_EDWARDS);
  chio_attrs_add(templ, CKA_EC_PARAMS, chio_slice(kinds[0].ec_params, kinds[0].ec_params_len));
  chio_attrs_add(templ, CKA_EC_POINT, chio_slice(point, sizeof point));
}

static enum chio_err create(struct session *s, void (*describe)(struct chio_buf *), const char *label,
                            const char *id) {
  struct chio_buf templ = CHIO_BUF_INIT;
  struct chio_object_create_reply reply;
  chio_attrs_begin(&templ);
  describe(&templ);
  name_it(&templ, label, id);
  struct chio_object_create_request request = {.slot = 0, .ticket = s->ticket, .templ = chio_attrs_of(&templ)};
  enum chio_err err = chio_call_object_create(s->client, &request, &reply, &s->holder, NULL, &s->detail);
  chio_buf_clear(&templ);
  return err;
}

static enum chio_err make(struct session *s, const char *type, const char *label, const char *id) {
  if (strcmp(type, "cert") == 0) return create(s, describe_certificate, label, id);
  if (strcmp(type, "public") == 0) return create(s, describe_public, label, id);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(kinds); i++)
    if (strcmp(type, kinds[i].name) == 0) return generate(s, &kinds[i], label, id);
  return chio_fail(&s->detail, CHIO_E_ARGUMENT, "no such type");
}

int main(int argc, char *argv[]) {
  struct session s = {.holder = CHIO_BUF_INIT};
  if (argc != 4) {
    (void)fprintf(stderr, "usage: make_key TYPE LABEL ID\n");
    return 2;
  }
  enum chio_err err = session_open(&s);
  if (err == CHIO_OK) err = make(&s, argv[1], argv[2], argv[3]);
  if (err != CHIO_OK) (void)fprintf(stderr, "make_key: %s: %s\n", chio_err_text(err), s.detail.text);
  chio_login_end(s.login, s.client);
  chio_client_free(s.client);
  chio_buf_clear(&s.holder);
  return err == CHIO_OK ? 0 : 1;
}
