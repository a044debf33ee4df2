#include "config.h"

#include "pkcs11/library.h"

#include "pkcs11/handle.h"
#include "pkcs11/rv.h"
#include "pkcs11/session.h"
#include "pkcs11/slot.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>

#define CONFIG_MAX 4096u /* bytes of a configuration string in pReserved */

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static struct p11_app *the_app; /* NULL: not initialised */

void p11_lock(void) {
  (void)pthread_mutex_lock(&the_lock);
}

void p11_unlock(void) {
  (void)pthread_mutex_unlock(&the_lock);
}

/* ---- fork: a child goes on with the sessions, handles and logins it inherited ---- */

/* The threads that were in a call do not exist in the child; what they held is as they left it. */
static void in_child(void) {
  struct p11_app *app = the_app;
  size_t at = 0;
  struct p11_session *session;
  if (app != NULL) {
    app->refs = 1;
    p11_slots_after_fork(app);
    while ((session = p11_map_next(&app->sessions, &at)) != NULL) p11_session_after_fork(session);
  }
  p11_unlock();
}

static void register_fork_handlers(void) {
  (void)pthread_atfork(p11_lock, p11_unlock, in_child);
}

/* ---- the frame around every call ---- */

bool p11_initialized(void) {
  p11_lock();
  bool yes = the_app != NULL;
  p11_unlock();
  return yes;
}

CK_RV p11_call_begin(struct p11_call *call) {
  p11_lock();
  call->app = the_app;
  call->session = NULL;
  if (call->app != NULL) call->app->refs++;
  p11_unlock();
  return call->app != NULL ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

static struct p11_session *hold_session(struct p11_app *app, CK_SESSION_HANDLE handle) {
  struct p11_session *session = app != NULL ? p11_map_get(&app->sessions, handle) : NULL;
  if (session == NULL) return NULL;
  app->refs++;
  session->refs++;
  return session;
}

CK_RV p11_call_open(struct p11_call *call, CK_SESSION_HANDLE handle) {
  p11_lock();
  call->app = the_app;
  call->session = hold_session(call->app, handle);
  p11_unlock();
  if (call->app == NULL) return CKR_CRYPTOKI_NOT_INITIALIZED;
  if (call->session == NULL) return CKR_SESSION_HANDLE_INVALID;
  (void)pthread_mutex_lock(&call->session->lock);
  if (!atomic_load(&call->session->closed)) return CKR_OK;
  return p11_call_close(call, CKR_SESSION_CLOSED);
}

static void free_app(struct p11_app *app) {
  p11_objects_free(app);
  p11_sessions_free(app);
  p11_slots_free(app);
  chio_client_free(app->client);
  free(app);
}

static void drop_app(struct p11_app *app) {
  p11_lock();
  bool last = --app->refs == 0;
  p11_unlock();
  if (last) free_app(app);
}

CK_RV p11_call_close(struct p11_call *call, CK_RV rv) {
  if (call->session != NULL) {
    (void)pthread_mutex_unlock(&call->session->lock);
    p11_session_release(call->session);
  }
  drop_app(call->app);
  return rv;
}

/* ---- C_Initialize and C_Finalize ---- */

bool p11_handle_start(uint64_t *out_start) {
  uint64_t random;
  if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) return false;
  /* Leaves the lower half of the range to count up in, also where CK_ULONG has 32 bits. */
  *out_start = (random & (ULONG_MAX >> 2)) | 0x100;
  return true;
}

/* PKCS #11 v3.0, 5.4.1: all four functions or none; our own locks are those of the system, so that an application that
 * forbids them cannot be served. */
static CK_RV check_locking(const CK_C_INITIALIZE_ARGS *args) {
  int given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL) +
              (args->UnlockMutex != NULL);
  if (given != 0 && given != 4) return CKR_ARGUMENTS_BAD;
  if (given == 4 && (args->flags & CKF_OS_LOCKING_OK) == 0) return CKR_CANT_LOCK;
  return CKR_OK;
}

/* The configuration string: nothing, or "signer=ENDPOINTS". The specification wants NULL; applications pass the strings
 * that their users configure. */
static CK_RV read_config(const char *config, const char **out_endpoints) {
  static const char key[] = "signer=";
  size_t len = strnlen(config, CONFIG_MAX);
  if (len == CONFIG_MAX) return CKR_ARGUMENTS_BAD;
  if (len == 0) return CKR_OK;
  if (strncmp(config, key, sizeof key - 1) != 0 || len == sizeof key - 1) return CKR_ARGUMENTS_BAD;
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)config[i] <= ' ' || config[i] == 0x7f) return CKR_ARGUMENTS_BAD;
  *out_endpoints = config + sizeof key - 1;
  return CKR_OK;
}

static CK_RV new_app(const struct chio_client_options *options, struct p11_app **out_app) {
  struct p11_app *app = calloc(1, sizeof *app);
  if (app == NULL) return CKR_HOST_MEMORY;
  app->refs = 1;
  app->fork_generation = chio_client_fork_generation();
  enum chio_err err = CHIO_OK;
  if (!p11_handle_start(&app->next_session) || !p11_handle_start(&app->next_object)) err = CHIO_E_INTERNAL;
  if (err == CHIO_OK) err = chio_client_new(options, &app->client, NULL);
  if (err != CHIO_OK) {
    free(app);
    return err == CHIO_E_CONFIG ? CKR_ARGUMENTS_BAD : p11_rv(err);
  }
  *out_app = app;
  return CKR_OK;
}

/* Takes the application out, so that no call begins any more; NULL when there is none. */
static struct p11_app *take_app(void) {
  p11_lock();
  struct p11_app *app = the_app;
  the_app = NULL;
  p11_unlock();
  return app;
}

static void end_app(struct p11_app *app) {
  p11_sessions_close_all(app);
  drop_app(app);
}

/* A child of fork may initialise anew: what it inherited is gone then. */
static void end_inherited(void) {
  p11_lock();
  bool inherited = the_app != NULL && the_app->fork_generation != chio_client_fork_generation();
  p11_unlock();
  struct p11_app *app = inherited ? take_app() : NULL;
  if (app != NULL) end_app(app);
}

static bool install(struct p11_app *app) {
  p11_lock();
  bool first = the_app == NULL;
  if (first) the_app = app;
  p11_unlock();
  return first;
}

CK_RV C_Initialize(void *init_args) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const CK_C_INITIALIZE_ARGS *args = init_args;
  struct chio_client_options options = {.endpoints = NULL};
  struct p11_app *app = NULL;
  (void)pthread_once(&once, register_fork_handlers);
  end_inherited();
  if (p11_initialized()) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
  CK_RV rv = args != NULL ? check_locking(args) : CKR_OK;
  if (rv == CKR_OK && args != NULL && args->pReserved != NULL) rv = read_config(args->pReserved, &options.endpoints);
  if (rv == CKR_OK) rv = new_app(&options, &app);
  if (rv != CKR_OK) return rv;
  if (install(app)) return CKR_OK;
  drop_app(app);
  return CKR_CRYPTOKI_ALREADY_INITIALIZED;
}

CK_RV C_Finalize(void *reserved) {
  if (!p11_initialized()) return CKR_CRYPTOKI_NOT_INITIALIZED;
  if (reserved != NULL) return CKR_ARGUMENTS_BAD;
  struct p11_app *app = take_app();
  if (app == NULL) return CKR_CRYPTOKI_NOT_INITIALIZED;
  end_app(app);
  return CKR_OK;
}

/* ---- C_GetInfo ---- */

void p11_pad(CK_UTF8CHAR *out, size_t size, struct chio_slice text) {
  size_t len = text.len < size ? text.len : size;
  while (len > 0 && len < text.len && (text.data[len] & 0xc0) == 0x80) len--;
  memset(out, ' ', size);
  if (len > 0) memcpy(out, text.data, len);
}

CK_VERSION p11_release(void) {
  char *rest;
  CK_VERSION version;
  version.major = (unsigned char)strtoul(PACKAGE_VERSION, &rest, 10);
  version.minor = (unsigned char)(*rest == '.' ? strtoul(rest + 1, NULL, 10) : 0);
  return version;
}

CK_RV p11_info(CK_INFO *info, CK_VERSION version) {
  if (!p11_initialized()) return CKR_CRYPTOKI_NOT_INITIALIZED;
  if (info == NULL) return CKR_ARGUMENTS_BAD;
  *info = (CK_INFO){.cryptokiVersion = version, .libraryVersion = p11_release()};
  p11_pad(info->manufacturerID, sizeof info->manufacturerID, chio_slice_str("chio-hsm"));
  p11_pad(info->libraryDescription, sizeof info->libraryDescription, chio_slice_str("chio-hsm PKCS #11 module"));
  return CKR_OK;
}

CK_RV C_GetInfo(CK_INFO *info) {
  return p11_info(info, (CK_VERSION){2, 40});
}
