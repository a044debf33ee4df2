/*
 * Another HSM behind us: its PKCS#11 module, loaded in chio-kmsd's process, so that foreign code never enters chiod or
 * an application. module.c (the adapter), module_session.c (token, login, pool of sessions), module_key.c (URIs,
 * finding, public keys), module_known.c (what was found before), module_sign.c, module_cipher.c (sealing), module_rv.c
 * (what a CK_RV means).
 *
 * Words of [backend.NAME] that this adapter reads: module (path of the library, absolute), token (label of the token;
 * without it the only initialised one), secret_file (the user's PIN; without it no login), timeout_ms.
 *
 * A module cannot be interrupted: a call that hangs goes on past the deadline, which is looked at before each call. A
 * PIN that was refused is not tried again until its file changes: tries are counted by the token.
 */
#ifndef CHIO_KMS_MODULE_H
#define CHIO_KMS_MODULE_H

#include "kms-adapters/adapter.h"
#include "signer/wire/cryptoki.h"

#include <p11-kit/uri.h>
#include <pthread.h>
#include <sys/stat.h>

#define CHIO_MODULE_SESSIONS_MAX 64u
#define CHIO_MODULE_PIN_MAX 255u /* bytes */
#define CHIO_MODULE_KNOWN_MAX 256u
#define CHIO_MODULE_KNOWN_MS 60000u /* until a key is looked for again, for its handle may be another's by now */

struct chio_module_key {
  CK_OBJECT_HANDLE object;
  CK_KEY_TYPE type;
  bool always_authenticate;
};

/* A private key that was found by its URI. */
struct chio_module_known {
  char *key; /* NULL: none */
  struct chio_module_key found;
  uint64_t until_ms;
};

struct chio_module {
  CK_FUNCTION_LIST *p11;
  void *library; /* of dlopen; NULL: not ours */
  char name[64];
  char path[256];
  char token[33];
  char pin_file[256];

  pthread_mutex_t lock;
  pthread_cond_t freed;
  bool initialized; /* C_Initialize was called */
  bool have_slot, logged_in;
  CK_SLOT_ID slot;
  unsigned generation; /* of sessions: grows when all of them are given up */
  CK_SESSION_HANDLE idle[CHIO_MODULE_SESSIONS_MAX];
  size_t idle_count, in_use;
  bool pin_refused;
  struct timespec pin_refused_mtime;
  struct chio_module_known known[CHIO_MODULE_KNOWN_MAX]; /* of this generation; in no order */
  unsigned known_next; /* the next to give way */
};

/* A session that a caller holds. */
struct chio_module_session {
  CK_SESSION_HANDLE handle;
  unsigned generation;
};

/* ---- module.c */

/* As open, with functions that are there already (library NULL) or from dlopen. */
CHIO_MUST_CHECK enum chio_err chio_module_new(const struct chio_backend_options *options, CK_FUNCTION_LIST *p11,
                                              void *library, struct chio_module **out_module,
                                              struct chio_detail *detail);

/* ---- module_session.c */

/* A session with login where a PIN is configured; waits for one until the deadline. */
CHIO_MUST_CHECK enum chio_err chio_module_acquire(struct chio_module *module, const struct chio_deadline *deadline,
                                                  struct chio_module_session *out_session, struct chio_detail *detail);
/* Gives it back; rv is what the last call said: after some, no session is used again. */
void chio_module_release(struct chio_module *module, struct chio_module_session session, CK_RV rv);
/* A login for the operation that was just begun, for keys that want one for each (CKA_ALWAYS_AUTHENTICATE). */
CHIO_MUST_CHECK CK_RV chio_module_login_for_key(struct chio_module *module, CK_SESSION_HANDLE session);
/* Runs it in a session, and once more in a new one when the session was lost, unless it must not be repeated. out_err
 * is what it makes of the CK_RV that it returns. */
typedef CK_RV chio_module_run(void *arg, CK_SESSION_HANDLE session, enum chio_err *out_err);
CHIO_MUST_CHECK enum chio_err chio_module_perform(struct chio_module *module, const struct chio_deadline *deadline,
                                                  bool once, chio_module_run *run, void *arg,
                                                  struct chio_detail *detail);
/* Closes all; no call may be under way. */
void chio_module_finalize(struct chio_module *module);

/* ---- module_key.c */

/* Reads the URI and holds it against the backend: another module or another token is refused. The caller frees it with
 * p11_kit_uri_free. */
CHIO_MUST_CHECK enum chio_err chio_module_uri(const struct chio_module *module, const char *key, P11KitUri **out_uri,
                                              struct chio_detail *detail);
/* The one key of the class (CKO_PRIVATE_KEY, CKO_SECRET_KEY) that the URI names. CHIO_E_NOT_FOUND; CHIO_E_ARGUMENT: it
 * names more than one. */
CHIO_MUST_CHECK CK_RV chio_module_find(struct chio_module *module, CK_SESSION_HANDLE session, const char *key,
                                       CK_OBJECT_CLASS class, struct chio_module_key *out_key, enum chio_err *out_err,
                                       struct chio_detail *detail);
/* The facts of a key from its public object, its certificate or the private key itself. */
CHIO_MUST_CHECK CK_RV chio_module_read(struct chio_module *module, CK_SESSION_HANDLE session,
                                       const struct chio_module_key *found, struct chio_kms_key *key,
                                       enum chio_err *out_err, struct chio_detail *detail);
/* "token=...;id=...;object=...;type=private" of a key, as key_uri.h has it (without the scheme). */
CHIO_MUST_CHECK CK_RV chio_module_name(struct chio_module *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                                       struct chio_key_uri *out_uri, enum chio_err *out_err,
                                       struct chio_detail *detail);

/* ---- module_known.c: private keys by their URI; dropped with the sessions, with the login and by their age */

/* out_generation is for the put of what is then found. */
CHIO_MUST_CHECK bool chio_module_known_get(struct chio_module *module, const char *key, struct chio_module_key *out_key,
                                           unsigned *out_generation);
/* Takes the place of the oldest when there is no room. Nothing happens when the sessions were given up meanwhile. */
void chio_module_known_put(struct chio_module *module, const char *key, const struct chio_module_key *found,
                           unsigned generation);
void chio_module_known_drop(struct chio_module *module, const char *key);
/* With the lock held. */
void chio_module_known_clear(struct chio_module *module);
/* Whether it may mean that the handle is not the key's any more. */
bool chio_module_key_is_gone(CK_RV rv);

/* ---- module_sign.c */

CHIO_MUST_CHECK enum chio_err chio_module_check(const struct chio_kms_key *key, const struct chio_mechanism *mechanism,
                                                const struct chio_mech_params *params, size_t data_len,
                                                struct chio_detail *detail);
CHIO_MUST_CHECK CK_RV chio_module_sign(struct chio_module *module, CK_SESSION_HANDLE session,
                                       const struct chio_module_key *found, const struct chio_kms_key *key,
                                       const struct chio_mechanism *mechanism, const struct chio_mech_params *params,
                                       struct chio_slice data, uint8_t *signature, CK_ULONG *signature_len);

/* ---- module_cipher.c: as encrypt and decrypt of adapter.h */

CHIO_MUST_CHECK enum chio_err chio_module_encrypt(void *self, const struct chio_key_uri *uri,
                                                  const struct chio_kms_cipher *cipher, struct chio_slice plain,
                                                  const struct chio_deadline *deadline, struct chio_buf *out,
                                                  struct chio_detail *detail);
CHIO_MUST_CHECK enum chio_err chio_module_decrypt(void *self, const struct chio_key_uri *uri,
                                                  const struct chio_kms_cipher *cipher, struct chio_slice sealed,
                                                  const struct chio_deadline *deadline, struct chio_secret **out_plain,
                                                  struct chio_detail *detail);

/* ---- module_rv.c */

enum chio_err chio_module_err(CK_RV rv);
/* Whether all sessions are to be given up after it, and the call is worth another try with a new one. */
bool chio_module_session_is_lost(CK_RV rv);
/* chio_fail with the backend's name, what was done and the name of the CK_RV. */
enum chio_err chio_module_fail(const struct chio_module *module, CK_RV rv, const char *what,
                               struct chio_detail *detail);

#endif
