#include "tools/hsm/hsm.h"

static const struct {
  enum chio_err err;
  const char *remedy;
} rows[] = {
    {CHIO_E_UNREACHABLE, "start chiod, or say where it is with --signer or CHIO_SIGNER"},
    {CHIO_E_DISCONNECTED, "look at chiod's log, then try again; it is not known whether it was done"},
    {CHIO_E_TIMEOUT, "look at chiod's log, and at the load of its machine"},
    {CHIO_E_PEER_UNTRUSTED, "if that is the right signer, name its user in CHIO_SIGNER_USER"},
    {CHIO_E_STATE_IN_USE, "use that signer: unset CHIO_SIGNER or set it to its unix: socket"},
    {CHIO_E_TOKEN_UNINITIALIZED, "make the token first: chio-hsm token init LABEL"},
    {CHIO_E_PIN_INCORRECT, "try again with the right PIN; too many wrong ones lock it"},
    {CHIO_E_PIN_DELAY, "wait; no PIN is looked at before"},
    {CHIO_E_PIN_UNINITIALIZED, "the security officer sets it, for instance by: pkcs11-tool --init-pin"},
    {CHIO_E_PIN_LOCKED, "the security officer sets a new PIN, for instance by: pkcs11-tool --init-pin"},
    {CHIO_E_NOT_LOGGED_IN, "give the PIN: --pin-source FILE"},
    {CHIO_E_STORE_READ_ONLY, "make the signer's state folder writable"},
    {CHIO_E_STORE_FULL, "make room where the signer's state folder is"},
    {CHIO_E_OBJECT_UNKNOWN, "chio-hsm key list shows what is there"},
    {CHIO_E_ARGUMENT, "chio-hsm help tells what is possible"},
};

const char *hsm_remedy(enum chio_err err) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(rows); i++)
    if (rows[i].err == err) return rows[i].remedy;
  return NULL;
}
