#include "attest/moment.h"
#include "signer/wire/msg_rotate.h"
#include "tools/hsm/json.h"
#include "tools/hsm/rotate.h"
#include "tools/hsm/signer.h"

#include <stdio.h>
#include <time.h>

#define FRESH_SECONDS 600 /* a key that came of a rotation is not rotated again before, unless --yes */

static enum chio_err check_options(const struct hsm *hsm, struct chio_detail *detail) {
  static const struct {
    enum hsm_option option;
    const char *name;
  } with_issuer[] = {{HSM_OPT_POLICY, "policy"}, {HSM_OPT_DAYS, "days"}, {HSM_OPT_OUTPUT, "output"}};
  bool issuer = hsm->option[HSM_OPT_ISSUER] != NULL;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(with_issuer); i++) {
    bool given = hsm->option[with_issuer[i].option] != NULL;
    if (issuer != given)
      return chio_fail(detail, CHIO_E_ARGUMENT, "--issuer goes with --policy, --days and --output; --%s is %s",
                       with_issuer[i].name, given ? "given alone" : "missing");
  }
  if (issuer && hsm->json)
    return chio_fail(detail, CHIO_E_ARGUMENT, "with --issuer the answer is the chain in --output, not JSON");
  return CHIO_OK;
}

static uint32_t flags_of(const struct hsm *hsm) {
  return (hsm->option[HSM_OPT_OVERLAP] != NULL ? CHIO_ROTATE_OVERLAP : 0) |
         (hsm->option[HSM_OPT_SAME_ID] != NULL ? CHIO_ROTATE_SAME_ID : 0) |
         (hsm->option[HSM_OPT_DELEGATE_LATER] != NULL ? CHIO_ROTATE_DELEGATE_LATER : 0);
}

/* A script that is run again after a crash names the key by its label, and means the key that is retired by now. Who
 * names it by its unique id means no other. */
static enum chio_err check_fresh(struct hsm *hsm, const struct hsm_key *key, bool *out_fresh,
                                 struct chio_detail *detail) {
  int64_t born = 0;
  struct chio_uid uid;
  *out_fresh = false;
  if (hsm->option[HSM_OPT_YES] != NULL || chio_uid_parse(chio_slice_str(hsm->word[0]), &uid) == CHIO_OK)
    return CHIO_OK;
  if (hsm_key_attribute(key, (uint32_t)CKA_CHIO_PREDECESSOR).len == 0) return CHIO_OK;
  enum chio_err err = hsm_key_born(hsm, key, &born, detail);
  *out_fresh = err == CHIO_OK && (int64_t)time(NULL) - born < FRESH_SECONDS;
  return err;
}

static void print(const struct hsm *hsm, const struct hsm_rotated *rotated, const char *new_uid) {
  char until[CHIO_MOMENT_TEXT];
  if (rotated->before) {
    (void)printf("key '%s' was rotated before: %s took its place\n", hsm->word[0], new_uid);
    return;
  }
  (void)printf("key '%s' is %s now; the old one is '%s'%s\n", hsm->word[0], new_uid, rotated->old_label,
               hsm->option[HSM_OPT_OVERLAP] != NULL ? " and signs until key retire" : ", kept for verification");
  if (rotated->not_after == 0) return;
  chio_moment_text((int64_t)rotated->not_after, until);
  (void)printf("the issuer of the old one vouches for it until %s\n", until);
}

static enum chio_err show(struct hsm *hsm, const struct hsm_key *old, const struct hsm_rotated *rotated,
                          struct chio_detail *detail) {
  struct hsm_keys found;
  struct chio_slice old_uid = chio_slice(NULL, 0);
  char name[CHIO_UID_HEX + 1];
  chio_uid_hex(&rotated->private_key, name);
  if (!hsm->json) {
    print(hsm, rotated, name);
    return CHIO_OK;
  }
  (void)chio_attrs_find(old->private_half.attributes, CKA_UNIQUE_ID, &old_uid);
  enum chio_err err = hsm_key_find(hsm, name, &found, detail);
  if (err != CHIO_OK) return err;
  err = hsm_json_print(json_pack("{s:o, s:s#, s:s, s:b, s:I}", "key", hsm_key_json(hsm, &found.list[0]), "old",
                                 (const char *)old_uid.data, (int)old_uid.len, "old_label", rotated->old_label,
                                 "before", rotated->before, "delegated_until", (json_int_t)rotated->not_after));
  hsm_keys_clear(&found);
  return err;
}

/* Another issuer than the old key had, or the first one. */
static enum chio_err delegate(struct hsm *hsm, const struct chio_uid *key, struct chio_detail *detail) {
  char name[CHIO_UID_HEX + 1];
  chio_uid_hex(key, name);
  hsm->option[HSM_OPT_KEY] = name;
  enum chio_err err = hsm_run_delegate(hsm, detail);
  hsm->option[HSM_OPT_KEY] = NULL;
  return err;
}

static enum chio_err rotate(struct hsm *hsm, const struct hsm_key *key, struct chio_detail *detail) {
  struct hsm_rotated rotated;
  bool fresh;
  if (!key->private_half.known)
    return chio_fail(detail, CHIO_E_OBJECT_UNKNOWN, "token '%s' has no private key '%s'", hsm->token_label,
                     hsm->word[0]);
  enum chio_err err = check_fresh(hsm, key, &fresh, detail);
  if (err != CHIO_OK) return err;
  if (fresh) {
    struct chio_slice uid = hsm_key_attribute(key, (uint32_t)CKA_CHIO_PREDECESSOR);
    if (hsm->json) return hsm_json_print(json_pack("{s:o, s:s#, s:b}", "key", hsm_key_json(hsm, key), "old",
                                                   (const char *)uid.data, (int)uid.len, "before", true));
    (void)printf("key '%s' was rotated less than %d minutes ago: it is the new one; --yes rotates it again\n",
                 hsm->word[0], FRESH_SECONDS / 60);
    return CHIO_OK;
  }
  err = hsm_key_rotate(hsm, key, flags_of(hsm), &rotated, detail);
  if (err == CHIO_OK) err = show(hsm, key, &rotated, detail);
  return err == CHIO_OK && hsm->option[HSM_OPT_ISSUER] != NULL ? delegate(hsm, &rotated.private_key, detail) : err;
}

enum chio_err hsm_run_key_rotate(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_keys keys;
  enum chio_err err = check_options(hsm, detail);
  if (err == CHIO_OK) err = hsm_login(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err != CHIO_OK) return err;
  err = rotate(hsm, &keys.list[0], detail);
  hsm_keys_clear(&keys);
  return err;
}
