#include "tools/hsm/hsm.h"

#include <string.h>

static enum chio_err stand_in(struct hsm *hsm, enum hsm_option option, const char *name, const char *value,
                              struct chio_detail *detail) {
  if (value == NULL) return CHIO_OK;
  if (hsm->option[option] != NULL && strcmp(hsm->option[option], value) != 0)
    return chio_fail(detail, CHIO_E_ARGUMENT, "the URI says %s '%s' and the command line '%s'", name, value,
                     hsm->option[option]);
  hsm->option[option] = value;
  return CHIO_OK;
}

enum chio_err hsm_key_name_parse(struct hsm *hsm, struct chio_detail *detail) {
  bool has_key = strncmp(hsm->command->arguments, "KEY", 3) == 0;
  if (!has_key || strncmp(hsm->word[0], "chio:", 5) != 0) return CHIO_OK;
  return hsm_key_uri_parse(hsm, hsm->word[0], detail);
}

enum chio_err hsm_key_uri_parse(struct hsm *hsm, const char *text, struct chio_detail *detail) {
  struct chio_detail why = {{0}};
  enum chio_err err = chio_uri_parse(chio_slice_str(text), &hsm->uri, &why);
  if (err != CHIO_OK) return chio_fail(detail, CHIO_E_ARGUMENT, "the URI is wrong: %s", why.text);
  const struct chio_uri *uri = hsm->uri;
  if (uri->pin != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT,
                     "a PIN is not given on the command line, where every user of the machine can read it; "
                     "use pin-source instead of pin-value");
  if (uri->type == CHIO_URI_CERT) return chio_fail(detail, CHIO_E_ARGUMENT, "the URI names a certificate, not a key");
  if (uri->has_slot)
    return chio_fail(detail, CHIO_E_ARGUMENT, "slot-id in a URI may name another token tomorrow; use token or --slot");
  err = stand_in(hsm, HSM_OPT_SIGNER, "signer", uri->signer, detail);
  if (err == CHIO_OK) err = stand_in(hsm, HSM_OPT_TOKEN, "token", uri->token, detail);
  if (err == CHIO_OK) err = stand_in(hsm, HSM_OPT_PIN_SOURCE, "pin-source", uri->pin_source, detail);
  return err;
}
