#include "tools/hsm/attest.h"

#include "tools/hsm/attest_format.h"
#include "tools/hsm/json.h"
#include "tools/hsm/signer.h"
#include "tools/hsm/text.h"

#include <stdio.h>

#define NONCE_MAX 64u

static enum chio_err deliver(struct hsm *hsm, const struct hsm_attest_format *format, struct chio_slice evidence,
                             struct chio_detail *detail) {
  const char *path = hsm->option[HSM_OPT_OUTPUT];
  enum chio_err err = hsm_write(path, evidence, detail);
  if (err != CHIO_OK) return err;
  if (path == NULL || strcmp(path, "-") == 0) return CHIO_OK; /* the evidence is the output */
  if (hsm->json)
    return hsm_json_print(json_pack("{s:s, s:s, s:I, s:b}", "key", hsm->word[0], "file", path, "bytes",
                                    (json_int_t)evidence.len, "fresh", hsm->option[HSM_OPT_NONCE] != NULL));
  const char *profile = hsm_attest_profile(hsm);
  bool chain = strcmp(format->name, "delegation") == 0;
  (void)printf("%s of key '%s' is in %s; chio-hsm verify %s%s%s%s checks it\n", chain ? "the chain" : "evidence",
               hsm->word[0], path, path, chain ? " --issuer FILE" : "",
               profile != NULL ? " --key PUBLIC-KEY --binding " : "", profile != NULL ? profile : "");
  return CHIO_OK;
}

enum chio_err hsm_run_attest(struct hsm *hsm, struct chio_detail *detail) {
  const char *text = hsm->option[HSM_OPT_NONCE];
  const struct hsm_attest_format *format;
  struct hsm_keys keys;
  CHIO_AUTO(chio_buf) struct chio_buf *nonce = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *evidence = chio_buf_new();
  if (nonce == NULL || evidence == NULL) return CHIO_E_NO_MEMORY;
  if (text != NULL && (hsm_hex_parse(text, nonce) != CHIO_OK || nonce->len == 0 || nonce->len > NONCE_MAX))
    return chio_fail(detail, CHIO_E_ARGUMENT, "--nonce '%s': expected 1 to %u bytes in hex", text, NONCE_MAX);
  enum chio_err err = hsm_attest_format_find(hsm, &format, detail);
  if (err == CHIO_OK)
    err = text != NULL || format->login ? hsm_login(hsm, detail) : hsm_login_if_asked(hsm, detail);
  if (err == CHIO_OK) err = hsm_key_find(hsm, hsm->word[0], &keys, detail);
  if (err != CHIO_OK) return err;
  const struct hsm_attest attest = {
      .hsm = hsm, .key = &keys.list[0], .nonce = chio_buf_slice(nonce), .has_nonce = text != NULL};
  if (format->make == NULL) {
    err = hsm_attest_chio(hsm, &keys.list[0], detail);
  } else {
    err = format->make(&attest, evidence, detail);
    if (err == CHIO_OK) err = deliver(hsm, format, chio_buf_slice(evidence), detail);
  }
  hsm_keys_clear(&keys);
  return err;
}
