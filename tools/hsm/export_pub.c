#include "tools/hsm/json.h"
#include "tools/hsm/key.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

static enum chio_err write_pem(struct hsm *hsm, struct chio_slice spki, struct chio_detail *detail) {
  const char *path = hsm->option[HSM_OPT_OUTPUT];
  CHIO_AUTO(chio_buf) struct chio_buf *pem = chio_buf_new();
  if (pem == NULL) return CHIO_E_NO_MEMORY;
  hsm_pem_put("PUBLIC KEY", spki, pem);
  if (chio_buf_err(pem) != CHIO_OK) return CHIO_E_NO_MEMORY;
  if (!hsm->json) return hsm_write(path, chio_buf_slice(pem), detail);
  enum chio_err err = path != NULL ? hsm_write(path, chio_buf_slice(pem), detail) : CHIO_OK;
  if (err != CHIO_OK) return err;
  return hsm_json_print(json_pack("{s:s, s:s%, s:s?}", "key", hsm->word[0], "pem", (const char *)pem->data, pem->len,
                                  "file", path));
}

enum chio_err hsm_run_export_pub(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_keys keys;
  struct chio_slice spki;
  CHIO_AUTO(chio_buf) struct chio_buf *holder = chio_buf_new();
  if (holder == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_login_if_asked(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err != CHIO_OK) return err;
  const struct hsm_key *key = &keys.list[0];
  const struct chio_uid *object = key->public_half.known ? &key->public_half.uid : &key->private_half.uid;
  err = hsm_attribute_get(hsm, object, CKA_PUBLIC_KEY_INFO, &spki, holder, detail);
  if (err == CHIO_E_ATTRIBUTE_UNKNOWN || (err == CHIO_OK && spki.len == 0))
    err = chio_fail(detail, CHIO_E_NOT_FOUND, "key '%s' has no CKA_PUBLIC_KEY_INFO", hsm->word[0]);
  if (err == CHIO_OK) err = write_pem(hsm, spki, detail);
  hsm_keys_clear(&keys);
  return err;
}
