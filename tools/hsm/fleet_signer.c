/* The file of a fleet, and what is asked of one signer in it. */
#include "signer/base/secret.h"
#include "signer/wire/mechanism.h"
#include "tools/hsm/file_signature.h"
#include "tools/hsm/fleet.h"
#include "tools/hsm/key_sign.h"
#include "tools/hsm/signer.h"

#include <sys/random.h>

#define NONCE_SIZE 32u
#define S struct hsm_fleet_signer

static const struct chio_config_key signer_keys[] = {
    CHIO_CONFIG_STRING("endpoint", S, endpoint),
    CHIO_CONFIG_STRING("token", S, token),
    CHIO_CONFIG_STRING("pin_source", S, pin_source),
    CHIO_CONFIG_END,
};

static const struct chio_config_key fleet_keys[] = {
    CHIO_CONFIG_NAMED("signer", struct hsm_fleet, signers, S, signer_keys, HSM_FLEET_MAX),
    CHIO_CONFIG_END,
};

/* ---- The file ---- */

static enum chio_err check(const char *path, const struct hsm_fleet *fleet, struct chio_detail *detail) {
  const struct hsm_fleet_signer *list = fleet->signers.items;
  if (fleet->signers.count == 0)
    return chio_fail(detail, CHIO_E_CONFIG, "%s names no signer: [signer.NAME] with an endpoint does", path);
  for (size_t i = 0; i < fleet->signers.count; i++) {
    if (list[i].endpoint[0] == '\0')
      return chio_fail(detail, CHIO_E_CONFIG, "%s: signer '%s' has no endpoint", path, list[i].name);
    bool is_source = list[i].pin_source[0] == '\0' || list[i].pin_source[0] == '/' ||
                     strncmp(list[i].pin_source, "fd:", 3) == 0;
    if (!is_source) /* what stands there may be the PIN itself, and is not repeated */
      return chio_fail(detail, CHIO_E_CONFIG,
                       "%s: signer '%s': pin_source is the absolute path of a file, or fd:N; a PIN has no place here",
                       path, list[i].name);
  }
  return CHIO_OK;
}

enum chio_err hsm_fleet_read(const struct hsm *hsm, struct hsm_fleet *out, struct chio_detail *detail) {
  const char *path = hsm->option[HSM_OPT_ENDPOINTS];
  *out = (struct hsm_fleet){.signers = {NULL, 0}};
  if (path == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "--endpoints FILE names the signers");
  enum chio_err err = chio_config_load(path, fleet_keys, detail, out);
  return err == CHIO_OK ? check(path, out, detail) : err;
}

void hsm_fleet_clear(struct hsm_fleet *fleet) {
  chio_config_clear(fleet_keys, fleet);
}

void hsm_fleet_view(const struct hsm *hsm, const struct hsm_fleet_signer *signer, struct hsm *out_view) {
  *out_view = (struct hsm){.command = hsm->command, .json = hsm->json};
  memcpy(out_view->option, hsm->option, sizeof out_view->option);
  out_view->option[HSM_OPT_SIGNER] = signer->endpoint;
  out_view->option[HSM_OPT_TOKEN] = signer->token[0] != '\0' ? signer->token : NULL;
  if (signer->pin_source[0] != '\0') out_view->option[HSM_OPT_PIN_SOURCE] = signer->pin_source;
}

/* ---- Evidence ---- */

static enum chio_err ask(struct hsm *view, const struct hsm_key *key, struct chio_slice nonce,
                         struct chio_slice *out_evidence, struct chio_buf *holder, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX];
  struct chio_sign_request q = {
      .slot = view->slot, .key = key->private_half.uid, .mechanism = CHIO_MECH_CHIO_ATTEST, .data = nonce};
  struct chio_sign_reply r;
  enum chio_err err = hsm_ticket(view, ticket, &q.ticket);
  if (err == CHIO_OK) err = chio_call_sign(view->client, &q, &r, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  if (err == CHIO_OK) *out_evidence = r.signature;
  return err;
}

/* Nobody said what to expect: then only that is no reason. */
static bool passes(const struct hsm_expectation *expectation, const struct chio_attest_result *r) {
  bool expected = expectation->policy != NULL || expectation->root.len > 0;
  if (r->accepted || expected) return r->accepted;
  return r->reason == CHIO_ATTEST_NO_POLICY || r->reason == CHIO_ATTEST_SIMULATED_ROOT;
}

static enum chio_err judge(const struct hsm_expectation *expectation, struct chio_slice evidence,
                           struct chio_slice nonce, struct chio_slice spki, struct chio_detail *detail) {
  struct chio_attest_result *result = NULL;
  struct chio_attest_message message = {""};
  struct chio_attest_request request = hsm_expectation_request(expectation, evidence, spki);
  request.nonce = nonce.data;
  request.nonce_len = nonce.len;
  if (chio_attest_verify(&request, &result, &message) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "%s", message.text);
  const char *why = result->failures_count > 0 ? result->failures[0].text : chio_attest_reason_text(result->reason);
  enum chio_err err = passes(expectation, result)
                          ? CHIO_OK
                          : chio_fail(detail, CHIO_E_EVIDENCE_REFUSED, "its evidence is refused: %s: %s",
                                      chio_attest_reason_code(result->reason), why);
  chio_attest_result_free(result);
  return err;
}

enum chio_err hsm_fleet_attest(struct hsm *view, const struct hsm_key *key, const struct hsm_expectation *expectation,
                               struct chio_detail *detail) {
  uint8_t nonce[NONCE_SIZE];
  struct chio_slice evidence, spki, asked = chio_slice(nonce, sizeof nonce);
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *key_holder = chio_buf_new();
  if (holder == NULL || key_holder == NULL) return CHIO_E_NO_MEMORY;
  if (getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce) return CHIO_E_INTERNAL;
  enum chio_err err = hsm_key_spki(view, key, &spki, key_holder, detail);
  if (err == CHIO_OK) err = ask(view, key, asked, &evidence, holder, detail);
  return err == CHIO_OK ? judge(expectation, evidence, asked, spki, detail) : err;
}

/* ---- A signature ---- */

enum chio_err hsm_fleet_probe(struct hsm *view, const struct hsm_key *key, struct chio_detail *detail) {
  uint8_t probe[NONCE_SIZE];
  const struct hsm_signature_kind *kind;
  struct chio_pubkey public_key;
  struct chio_slice spki, message = chio_slice(probe, sizeof probe);
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *signature = chio_buf_new();
  if (holder == NULL || signature == NULL) return CHIO_E_NO_MEMORY;
  if (getrandom(probe, sizeof probe, 0) != (ssize_t)sizeof probe) return CHIO_E_INTERNAL;
  enum chio_err err = hsm_key_spki(view, key, &spki, holder, detail);
  if (err == CHIO_OK) err = hsm_signature_kind_of(view, key, spki, &kind, detail);
  if (err == CHIO_OK) err = hsm_key_sign_der(view, key, kind, message, signature, detail);
  if (err == CHIO_OK) err = chio_pubkey_parse(spki, &public_key);
  if (err != CHIO_OK) return err;
  if (hsm_file_signature_holds(&public_key, message, chio_buf_slice(signature))) return CHIO_OK;
  return chio_fail(detail, CHIO_E_SIGNATURE_INVALID, "the signature of a probe does not hold");
}
