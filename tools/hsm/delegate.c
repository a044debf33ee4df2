#include "attest/policy.h"
#include "attest/moment.h"
#include "signer/base/secret.h"
#include "tools/hsm/collateral_pack.h"
#include "tools/hsm/delegation.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/issuer.h"
#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SECONDS_A_DAY 86400u
#define DAYS_MAX 397u

/* What goes with the request, until it is sent. */
struct order {
  struct chio_buf policy, roots, collateral;
  uint64_t seconds;
};

static void order_clear(struct order *o) {
  chio_buf_clear(&o->policy);
  chio_buf_clear(&o->roots);
  chio_buf_clear(&o->collateral);
}

static enum chio_err read_days(const char *text, uint64_t *out_seconds, struct chio_detail *detail) {
  char *end;
  errno = 0;
  unsigned long days = strtoul(text, &end, 10);
  bool ok = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && days >= 1 && days <= DAYS_MAX;
  if (!ok) return chio_fail(detail, CHIO_E_ARGUMENT, "--days '%s': expected 1 to %u", text, DAYS_MAX);
  *out_seconds = (uint64_t)days * SECONDS_A_DAY;
  return CHIO_OK;
}

/* The signer reads no files for anybody: the roots that the policy names by file go with it by their hashes. */
static enum chio_err read_policy(const char *path, struct order *o, struct chio_detail *detail) {
  struct chio_attest_policy *policy = NULL;
  enum chio_err err = hsm_read_some(path, CHIO_POLICY_MAX, &o->policy, detail);
  if (err == CHIO_OK) err = hsm_policy_read(path, &policy, detail);
  for (size_t i = 0; err == CHIO_OK && i < policy->roots_count; i++)
    chio_buf_append(&o->roots, policy->roots[i].spki_sha256, sizeof policy->roots[i].spki_sha256);
  chio_attest_policy_free(policy);
  return err == CHIO_OK ? chio_buf_err(&o->roots) : err;
}

static enum chio_err read_order(const struct hsm *hsm, struct order *o, struct chio_detail *detail) {
  static const enum hsm_option needed[] = {HSM_OPT_ISSUER, HSM_OPT_KEY, HSM_OPT_POLICY, HSM_OPT_DAYS};
  static const char *const names[] = {"--issuer", "--key", "--policy", "--days"};
  for (size_t i = 0; i < CHIO_ARRAY_LEN(needed); i++)
    if (hsm->option[needed[i]] == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "%s is missing", names[i]);
  if (hsm->option[HSM_OPT_SUBJECT] != NULL && strlen(hsm->option[HSM_OPT_SUBJECT]) > CHIO_DELEGATION_NAME_MAX)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--subject: a common name of at most 64 characters is expected");
  enum chio_err err = read_days(hsm->option[HSM_OPT_DAYS], &o->seconds, detail);
  if (err == CHIO_OK) err = read_policy(hsm->option[HSM_OPT_POLICY], o, detail);
  if (err == CHIO_OK) err = hsm_collateral_pack(hsm->option[HSM_OPT_COLLATERAL], &o->collateral, detail);
  return err;
}

static enum chio_err ask(struct hsm *hsm, struct hsm_issuer *issuer, const struct hsm_key *key, const struct order *o,
                         struct chio_delegate_reply *out_reply, struct chio_buf *holder, struct chio_detail *detail) {
  uint8_t ticket[CHIO_TICKET_MAX], issuer_ticket[CHIO_TICKET_MAX];
  const char *name = hsm->option[HSM_OPT_SUBJECT];
  struct chio_delegate_request q = {.issuer_slot = issuer->view.slot,
                                    .issuer = issuer->keys.list[0].private_half.uid,
                                    .slot = hsm->slot,
                                    .key = key->private_half.uid,
                                    .seconds = o->seconds,
                                    .name = chio_slice_str(name),
                                    .policy = chio_buf_slice(&o->policy),
                                    .roots = chio_buf_slice(&o->roots),
                                    .collateral = chio_buf_slice(&o->collateral)};
  enum chio_err err = hsm_ticket(hsm, ticket, &q.ticket);
  if (err == CHIO_OK) err = hsm_ticket(&issuer->view, issuer_ticket, &q.issuer_ticket);
  if (err == CHIO_OK) err = chio_call_delegate(hsm->client, &q, out_reply, holder, NULL, detail);
  chio_wipe(ticket, sizeof ticket);
  chio_wipe(issuer_ticket, sizeof issuer_ticket);
  return err;
}

static enum chio_err show(struct hsm *hsm, const struct chio_delegate_reply *reply, struct chio_detail *detail) {
  char until[CHIO_MOMENT_TEXT];
  const char *path = hsm->option[HSM_OPT_OUTPUT];
  CHIO_AUTO(chio_buf) struct chio_buf *pem = chio_buf_new();
  if (pem == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_delegation_pem(reply->chain, pem);
  if (err == CHIO_OK && (path != NULL || !hsm->json)) err = hsm_write(path, chio_buf_slice(pem), detail);
  if (err != CHIO_OK) return err;
  chio_moment_text((int64_t)reply->not_after, until);
  if (hsm->json) {
    json_t *link = reply->link.len > 0 ? json_loadb((const char *)reply->link.data, reply->link.len, 0, NULL) : NULL;
    return hsm_json_print(json_pack("{s:s, s:s, s:s, s:s#, s:o?}", "key", hsm->option[HSM_OPT_KEY], "issuer",
                                    hsm->option[HSM_OPT_ISSUER], "until", until, "chain", (const char *)pem->data,
                                    (int)pem->len, "link", link));
  }
  if (path != NULL && strcmp(path, "-") != 0)
    (void)printf("'%s' vouches for key '%s' until %s; the chain is in %s\n", hsm->option[HSM_OPT_ISSUER],
                 hsm->option[HSM_OPT_KEY], until, path);
  return CHIO_OK;
}

static enum chio_err delegate(struct hsm *hsm, const struct hsm_key *key, const struct order *o,
                              struct chio_detail *detail) {
  struct hsm_issuer issuer;
  struct chio_delegate_reply reply;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  if (!key->private_half.known)
    return chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private key '%s'", hsm->token_label,
                     hsm->option[HSM_OPT_KEY]);
  enum chio_err err = hsm_issuer_open(hsm, &issuer, detail);
  if (err == CHIO_OK) err = ask(hsm, &issuer, key, o, &reply, holder, detail);
  if (err == CHIO_OK) err = show(hsm, &reply, detail);
  hsm_issuer_close(hsm, &issuer);
  return err;
}

enum chio_err hsm_run_delegate(struct hsm *hsm, struct chio_detail *detail) {
  struct order o = {.policy = CHIO_BUF_INIT};
  struct hsm_keys keys = {NULL, 0};
  const char *name = hsm->option[HSM_OPT_KEY];
  enum chio_err err = read_order(hsm, &o, detail);
  hsm->word[0] = name;
  if (err == CHIO_OK && strncmp(name, "chio:", 5) == 0) err = hsm_key_uri_parse(hsm, name, detail);
  if (err == CHIO_OK) err = hsm_login(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, name, &keys, detail);
  if (err == CHIO_OK) err = delegate(hsm, &keys.list[0], &o, detail);
  hsm_keys_clear(&keys);
  order_clear(&o);
  return err;
}
