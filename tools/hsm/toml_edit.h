/* Adds a string to a list in a TOML file, and leaves every other byte as it is: comments, order, blanks. */
#ifndef TOOLS_HSM_TOML_EDIT_H
#define TOOLS_HSM_TOML_EDIT_H

#include "signer/base/buf.h"

enum hsm_toml_edit {
  HSM_TOML_ADDED,
  HSM_TOML_THERE, /* the list has it (letters of either case are the same): hexadecimal */
  HSM_TOML_NO_LIST,
};

#define HSM_TOML_PATH_MAX 256u

/* text: a TOML document that a parser has accepted. path: the list's tables and key, joined by dots ("tdx.rtmr0").
 * Lists in inline tables are not found. out: the new text, only where something was added; it is appended to.
 * CHIO_E_MALFORMED: text that no parser accepts. */
CHIO_MUST_CHECK enum chio_err hsm_toml_list_add(struct chio_slice text, const char *path, const char *value,
                                                struct chio_buf *out, enum hsm_toml_edit *out_edit);

#endif
