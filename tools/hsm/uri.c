#include "signer/client/pem_uri.h"
#include "tools/hsm/json.h"
#include "tools/hsm/key.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <stdlib.h>

/* By id where the key has one, because labels change; with the label, for the reader. */
static enum chio_err uri_of(struct hsm *hsm, const struct hsm_key *key, struct chio_buf *out) {
  struct chio_slice id = hsm_key_attribute(key, CKA_ID);
  struct chio_slice label = hsm_key_attribute(key, CKA_LABEL);
  char *object = label.len > 0 ? strndup((const char *)label.data, label.len) : NULL;
  uint8_t id_copy[CHIO_URI_ID_MAX];
  struct chio_uri uri = {.token = hsm->token_label, .object = object, .type = CHIO_URI_PRIVATE};
  if (id.len > 0 && id.len <= sizeof id_copy) {
    memcpy(id_copy, id.data, id.len);
    uri.id = id_copy;
    uri.id_len = id.len;
    uri.has_id = true;
  }
  enum chio_err err = label.len > 0 && object == NULL ? CHIO_E_NO_MEMORY : chio_uri_format(&uri, out);
  free(object);
  return err;
}

static enum chio_err write_pem(const char *path, struct chio_slice uri, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *der = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *pem = chio_buf_new();
  if (der == NULL || pem == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_pem_uri_encode(uri, der);
  if (err != CHIO_OK) return chio_fail(detail, err, "the URI is %s", chio_err_text(err));
  hsm_pem_put(CHIO_PEM_URI_LABEL, chio_buf_slice(der), pem);
  err = chio_buf_err(pem);
  return err == CHIO_OK ? hsm_write(path, chio_buf_slice(pem), detail) : err;
}

enum chio_err hsm_run_uri(struct hsm *hsm, struct chio_detail *detail) {
  struct hsm_keys keys;
  const char *path = hsm->option[HSM_OPT_OUTPUT];
  CHIO_AUTO(chio_buf) struct chio_buf *uri = chio_buf_new();
  if (uri == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_login_if_asked(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err != CHIO_OK) return err;
  err = uri_of(hsm, &keys.list[0], uri);
  hsm_keys_clear(&keys);
  const char *text = err == CHIO_OK ? chio_buf_cstr(uri) : NULL;
  if (err == CHIO_OK && text == NULL) err = CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && path != NULL) err = write_pem(path, chio_buf_slice(uri), detail);
  if (err != CHIO_OK) return err;
  if (hsm->json) return hsm_json_print(json_pack("{s:s, s:s, s:s?}", "key", hsm->word[0], "uri", text, "file", path));
  if (path == NULL) (void)printf("%s\n", text);
  return CHIO_OK;
}
