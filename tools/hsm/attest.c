#include "tools/hsm/attest.h"

#include "signer/base/secret.h"
#include "signer/wire/mechanism.h"
#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>

#define NONCE_MAX 64u

/* The evidence made with the key. */
static enum chio_err of_birth(struct hsm *hsm, const struct hsm_key *key, struct chio_slice *out_evidence,
                              struct chio_buf *holder, struct chio_detail *detail) {
  const struct chio_uid *object = key->public_half.known ? &key->public_half.uid : &key->private_half.uid;
  enum chio_err err = hsm_attribute_get(hsm, object, (uint32_t)CKA_CHIO_EVIDENCE, out_evidence, holder, detail);
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN || (err == CHIO_OK && out_evidence->len == 0))
    return chio_fail(detail, CHIO_E_NOT_FOUND, "key '%s' has no evidence: it was not born in this signer",
                     hsm->word[0]);
  return err;
}

/* Evidence made now, by a signature over the nonce. */
static enum chio_err fresh(struct hsm *hsm, const struct hsm_key *key, struct chio_slice nonce,
                           struct chio_slice *out_evidence, struct chio_buf *holder, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  if (!key->private_half.known)
    return chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private key '%s'", hsm->token_label,
                     hsm->word[0]);
  struct chio_sign_request request = {
      .slot = hsm->slot, .key = key->private_half.uid, .mechanism = CHIO_MECH_CHIO_ATTEST, .data = nonce};
  struct chio_sign_reply reply;
  enum chio_err err = hsm_ticket(hsm, ticket, &request.ticket);
  if (err == CHIO_OK) err = chio_call_sign(hsm->client, &request, &reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err == CHIO_OK) *out_evidence = reply.signature;
  return err;
}

static enum chio_err deliver(struct hsm *hsm, struct chio_slice evidence, struct chio_detail *detail) {
  const char *path = hsm->option[HSM_OPT_OUTPUT];
  enum chio_err err = hsm_write(path, evidence, detail);
  if (err != CHIO_OK) return err;
  if (path == NULL || strcmp(path, "-") == 0) return CHIO_OK; /* the bundle is JSON itself */
  if (hsm->json)
    return hsm_json_print(json_pack("{s:s, s:s, s:I, s:b}", "key", hsm->word[0], "file", path, "bytes",
                                    (json_int_t)evidence.len, "fresh", hsm->option[HSM_OPT_NONCE] != NULL));
  (void)printf("evidence of key '%s' is in %s; chio-hsm verify %s checks it\n", hsm->word[0], path, path);
  return CHIO_OK;
}

/* --format: "bundle", which is the default, or "chio" with what belongs to it. */
static enum chio_err check_format(const struct hsm *hsm, bool *out_chio, struct chio_detail *detail) {
  const char *format = hsm->option[HSM_OPT_FORMAT];
  bool chio = format != NULL && strcmp(format, "chio") == 0;
  if (format != NULL && !chio && strcmp(format, "bundle") != 0)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--format '%s': there are bundle and chio", format);
  if (chio && hsm->option[HSM_OPT_SIM_STATE] == NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--format chio needs --sim-state: only simulated platforms make it");
  if (chio && hsm->option[HSM_OPT_NONCE] != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--format chio has no place for a nonce");
  if (!chio && (hsm->option[HSM_OPT_SIM_STATE] != NULL || hsm->option[HSM_OPT_CHAIN] != NULL ||
                hsm->option[HSM_OPT_RECEIPT_ROOT] != NULL))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--sim-state, --chain and --receipt-root are for --format chio");
  *out_chio = chio;
  return CHIO_OK;
}

static enum chio_err bundle(struct hsm *hsm, const struct hsm_key *key, struct chio_slice nonce,
                            struct chio_detail *detail) {
  struct chio_slice evidence;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm->option[HSM_OPT_NONCE] != NULL ? fresh(hsm, key, nonce, &evidence, holder, detail)
                                                         : of_birth(hsm, key, &evidence, holder, detail);
  return err == CHIO_OK ? deliver(hsm, evidence, detail) : err;
}

enum chio_err hsm_run_attest(struct hsm *hsm, struct chio_detail *detail) {
  const char *text = hsm->option[HSM_OPT_NONCE];
  struct hsm_keys keys;
  bool chio = false;
  CHIO_AUTO(chio_buf) struct chio_buf *nonce = chio_buf_new();
  if (nonce == NULL) return CHIO_E_NO_MEMORY;
  if (text != NULL && (hsm_hex_parse(text, nonce) != CHIO_OK || nonce->len == 0 || nonce->len > NONCE_MAX))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--nonce '%s': expected 1 to %u bytes in hex", text, NONCE_MAX);
  enum chio_err err = check_format(hsm, &chio, detail);
  if (err == CHIO_OK) err = text != NULL ? hsm_login(hsm, detail) : hsm_login_if_asked(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err != CHIO_OK) return err;
  err = chio ? hsm_attest_chio(hsm, &keys.list[0], detail)
             : bundle(hsm, &keys.list[0], chio_buf_slice(nonce), detail);
  hsm_keys_clear(&keys);
  return err;
}
