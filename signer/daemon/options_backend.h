/* The tables [backend.NAME] of hsm.toml: keys that live elsewhere (hsm.toml(5)). */
#ifndef CHIO_DAEMON_OPTIONS_BACKEND_H
#define CHIO_DAEMON_OPTIONS_BACKEND_H

#include "signer/base/buf.h"
#include "signer/base/config.h"
#include "signer/core/backend.h"
#include "signer/wire/backend_message.h"

#define CHIO_OPTIONS_BACKEND_TEXT 1025u

/* Members are named as their keys; empty text: not set. */
struct chio_options_backend {
  char name[CHIO_CONFIG_NAME_MAX]; /* the table's own */
  char kind[CHIO_BACKEND_KIND_MAX + 1]; /* empty: the name is the kind */
  struct chio_config_strings keys;
  bool list, login;
  char attestation[16];
  struct chio_config_strings attestation_roots;
  int64_t timeout_ms, retry_ms;
  char endpoint[CHIO_OPTIONS_BACKEND_TEXT], ca_file[CHIO_OPTIONS_BACKEND_TEXT], region[CHIO_OPTIONS_BACKEND_TEXT];
  char mount[CHIO_OPTIONS_BACKEND_TEXT], namespace_[CHIO_OPTIONS_BACKEND_TEXT], vault[CHIO_OPTIONS_BACKEND_TEXT];
  char key_ring[CHIO_OPTIONS_BACKEND_TEXT], protection[CHIO_OPTIONS_BACKEND_TEXT];
  char module[CHIO_OPTIONS_BACKEND_TEXT], token[CHIO_OPTIONS_BACKEND_TEXT], auth[CHIO_OPTIONS_BACKEND_TEXT];
  char role[CHIO_OPTIONS_BACKEND_TEXT], tenant[CHIO_OPTIONS_BACKEND_TEXT];
  char auth_endpoint[CHIO_OPTIONS_BACKEND_TEXT], token_file[CHIO_OPTIONS_BACKEND_TEXT];
  char secret_file[CHIO_OPTIONS_BACKEND_TEXT], cert_file[CHIO_OPTIONS_BACKEND_TEXT];
};

/* The keys of one table. */
extern const struct chio_config_key chio_options_backend_keys[];

/* Checks what the table of keys cannot: names. CHIO_E_CONFIG. */
CHIO_MUST_CHECK enum chio_err chio_options_backend_check(const struct chio_config_tables *backends,
                                                         struct chio_detail *detail);

/* Their part of the manifest: where keys are, and what is trusted on the way. Sorted by name; nothing without
 * backends. */
void chio_options_backend_manifest(const struct chio_config_tables *backends, struct chio_buf *out);

/* The core's share and chio-kmsd's, of one table; strings are borrowed. keys gets the URIs of OPEN, as chio-kmsd will
 * be asked for them, and is borrowed too; CHIO_E_NO_MEMORY. */
void chio_options_backend_core(const struct chio_options_backend *backend, struct chio_backend_config *out_config);
CHIO_MUST_CHECK enum chio_err chio_options_backend_open(const struct chio_options_backend *backend,
                                                        struct chio_buf *keys,
                                                        struct chio_backend_open_request *out_request);

/* Puts "FILE:LINE: " of the table [backend.NAME] in front of a detail about it. */
void chio_options_backend_place(const char *file, const char *name, struct chio_detail *detail);

#endif
