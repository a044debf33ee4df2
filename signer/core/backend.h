/*
 * Keys that live elsewhere: what the core asks of whoever can reach them (chiod's link to chio-kmsd; a table of
 * functions, so that the core knows no processes). All functions may block until the time given is over and are called
 * from threads that may wait (chio_conn_blocks says which requests those are). What comes back is believed in one
 * thing only: nothing. A public key is pinned when it is first seen and a signature is verified with it before anyone
 * gets it (the core does both). Errors as those of kms-adapters/adapter.h.
 */
#ifndef CHIO_CORE_BACKEND_H
#define CHIO_CORE_BACKEND_H

#include "signer/base/buf.h"
#include "signer/base/err.h"
#include "signer/base/secret.h"
#include "signer/wire/traceparent.h"

#include <stdbool.h>
#include <stdint.h>

#define CHIO_BACKENDS_MAX 32u
#define CHIO_BACKEND_KEYS_MAX 1024u /* of one backend */
#define CHIO_BACKEND_NAME_MAX 32u
#define CHIO_BACKEND_URI_MAX 1024u
#define CHIO_BACKEND_RETRY_MS 30000u
#define CHIO_BACKEND_TIMEOUT_MS 5000u /* where the configuration says 0 */

/* Its slots keep their numbers when others come and go: the core remembers which name has which. [token] has room for
 * CHIO_BACKEND_SLOT_FIRST slots beside them. */
#define CHIO_BACKEND_SLOT_FIRST 224u

/* One [backend.NAME]: a slot of its own behind those of [token]. */
struct chio_backend_config {
  const char *name;         /* also the label of its token: of a-z, A-Z, 0-9, '-', '_' and '.' */
  /* URIs as configured, keys_count of them. The core takes "#sha256=HEX" (of the SubjectPublicKeyInfo: the key that
   * must be there) off their ends before the backend sees them. */
  const char *const *keys;
  size_t keys_count;
  /* "require": no key without an attestation of the KMS's own HSM that holds; "record" or NULL: what it proves is kept
   * beside it. roots: PEM files that are trusted for it besides the vendors'. */
  const char *attestation;
  const char *const *attestation_roots;
  size_t attestation_roots_count;
  bool list;                /* also show what the KMS lists */
  bool login;               /* the user's PIN is needed; else the KMS's own credentials are enough */
  unsigned timeout_ms;      /* of a whole operation */
  unsigned retry_ms; /* until a key that could not be looked up is tried again; 0: CHIO_BACKEND_RETRY_MS */
};

/* The trace that the request at hand in this thread belongs to, for the calls that it leads to; without ids where none
 * was named, and in threads of our own. Good until the request is answered. */
const struct chio_traceparent *chio_backend_trace(void);

/* A key as the backend describes it. */
struct chio_backend_key {
  char uri[CHIO_BACKEND_URI_MAX]; /* pinned to a version */
  uint8_t spki[2048];
  size_t spki_len;
  bool can_sign;
};

/* One of many messages that are signed with one key. */
struct chio_backend_item {
  struct chio_slice data;
  enum chio_err err;
  struct chio_buf signature; /* the caller's, empty before */
};

struct chio_backend_ops {
  enum chio_err (*describe)(void *self, const char *backend, const char *uri, unsigned timeout_ms,
                            struct chio_backend_key *out_key, struct chio_detail *detail);
  /* mechanism: wire value; params: mech_params.h's encoding; data: see chio_adapter_ops.sign. The core has hashed. */
  enum chio_err (*sign)(void *self, const char *backend, const char *uri, struct chio_slice spki, uint32_t mechanism,
                        struct chio_slice params, struct chio_slice data, unsigned timeout_ms,
                        struct chio_buf *out_signature, struct chio_detail *detail);
  /* As sign, for many messages side by side: fills each item's err and signature, the others' whatever one's is. An
   * item that cannot be sent within four times timeout_ms is CHIO_E_TIMEOUT. */
  void (*sign_many)(void *self, const char *backend, const char *uri, struct chio_slice spki, uint32_t mechanism,
                    struct chio_slice params, unsigned timeout_ms, struct chio_backend_item *items, size_t count);
  /* mechanism: wire value of the first that the key is to be used with, for a KMS that fixes it; 0: not said. */
  enum chio_err (*create)(void *self, const char *backend, uint32_t key_type, uint32_t bits, uint32_t mechanism,
                          const char *label, unsigned timeout_ms, struct chio_backend_key *out_key,
                          struct chio_detail *detail);
  /* found gets the URI of each key; it returns CHIO_OK to go on. */
  enum chio_err (*list)(void *self, const char *backend, unsigned timeout_ms,
                        enum chio_err (*found)(void *arg, const char *uri), void *arg, struct chio_detail *detail);
  /* symmetric keys and sealing: cipher is enum chio_kms_cipher_kind; evidence may be empty */
  enum chio_err (*encrypt)(void *self, const char *backend, const char *uri, uint32_t cipher, struct chio_slice aad,
                           struct chio_slice plain, unsigned timeout_ms, struct chio_buf *out,
                           struct chio_detail *detail);
  enum chio_err (*decrypt)(void *self, const char *backend, const char *uri, uint32_t cipher, struct chio_slice aad,
                           struct chio_slice evidence, struct chio_slice sealed, unsigned timeout_ms,
                           struct chio_secret **out_plain, struct chio_detail *detail);
  enum chio_err (*attestation)(void *self, const char *backend, const char *uri, unsigned timeout_ms,
                               struct chio_buf *out, struct chio_detail *detail);
  enum chio_err (*health)(void *self, const char *backend, unsigned timeout_ms, struct chio_detail *detail);
  /* A POST of JSON to the service that judges evidence for a KMS: its status, and its answer appended. */
  enum chio_err (*judge)(void *self, const char *path, struct chio_slice body, unsigned timeout_ms,
                         uint32_t *out_status, struct chio_buf *out_answer, struct chio_detail *detail);
};

struct chio_backends {
  const struct chio_backend_ops *ops; /* NULL: none; keys of backends answer CHIO_E_BACKEND_UNREACHABLE */
  void *self;
};

#endif
