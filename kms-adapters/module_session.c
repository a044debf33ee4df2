#include "kms-adapters/body.h"
#include "kms-adapters/module.h"

#include <errno.h>
#include <string.h>

#define SLOTS_MAX 256u

/* Labels are padded with blanks to 32 bytes. */
static bool label_is(const CK_UTF8CHAR *padded, const char *label) {
  size_t len = strlen(label);
  if (len > 32 || memcmp(padded, label, len) != 0) return false;
  for (size_t i = len; i < 32; i++)
    if (padded[i] != ' ') return false;
  return true;
}

/* Those in use are closed when they come back. */
static void give_all_up(struct chio_module *module) {
  for (size_t i = 0; i < module->idle_count; i++) (void)module->p11->C_CloseSession(module->idle[i]);
  module->idle_count = 0;
  module->generation++;
  chio_module_known_clear(module);
  module->have_slot = false;
  module->logged_in = false;
}

static enum chio_err find_slot(struct chio_module *module, struct chio_detail *detail) {
  CK_SLOT_ID slots[SLOTS_MAX], found = 0;
  CK_ULONG count = SLOTS_MAX;
  unsigned matches = 0;
  CK_RV rv = module->p11->C_GetSlotList(CK_TRUE, slots, &count);
  if (rv != CKR_OK) return chio_module_fail(module, rv, "list the slots", detail);
  for (CK_ULONG i = 0; i < count && i < SLOTS_MAX; i++) {
    CK_TOKEN_INFO info;
    if (module->p11->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    if (module->token[0] != '\0' && !label_is(info.label, module->token)) continue;
    found = slots[i];
    matches++;
  }
  if (matches == 0)
    return chio_fail(detail, CHIO_E_BACKEND_UNREACHABLE, "backend '%s': no token '%s' is there", module->name,
                     module->token);
  if (matches > 1)
    return chio_fail(detail, CHIO_E_CONFIG, "backend '%s': token: %u tokens fit, name one", module->name, matches);
  if (found != module->slot) give_all_up(module); /* sessions, login and handles are of the slot */
  module->slot = found;
  module->have_slot = true;
  return CHIO_OK;
}

static enum chio_err initialize(struct chio_module *module, struct chio_detail *detail) {
  CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
  if (module->initialized) return CHIO_OK;
  CK_RV rv = module->p11->C_Initialize(&args);
  if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
    return chio_module_fail(module, rv, "initialize the module", detail);
  module->initialized = true;
  return CHIO_OK;
}

static bool pin_was_refused(const struct chio_module *module) {
  struct stat st;
  if (!module->pin_refused || stat(module->pin_file, &st) != 0) return module->pin_refused;
  return st.st_mtim.tv_sec == module->pin_refused_mtime.tv_sec &&
         st.st_mtim.tv_nsec == module->pin_refused_mtime.tv_nsec;
}

static void note_refused_pin(struct chio_module *module) {
  struct stat st;
  module->pin_refused = true;
  if (stat(module->pin_file, &st) == 0) module->pin_refused_mtime = st.st_mtim;
}

static enum chio_err log_in(struct chio_module *module, CK_SESSION_HANDLE session, struct chio_detail *detail) {
  CHIO_AUTO(chio_secret) struct chio_secret *pin = NULL;
  struct chio_detail reason = {.text = ""};
  if (module->pin_file[0] == '\0' || module->logged_in) return CHIO_OK;
  if (pin_was_refused(module))
    return chio_fail(detail, CHIO_E_PERMISSION, "backend '%s': the PIN in %s was refused and has not changed since",
                     module->name, module->pin_file);
  enum chio_err err = chio_secret_file(module->pin_file, CHIO_MODULE_PIN_MAX, &pin, &reason);
  if (err != CHIO_OK)
    return chio_fail(detail, CHIO_E_PERMISSION, "backend '%s': no PIN: %s", module->name, reason.text);
  CK_RV rv = module->p11->C_Login(session, CKU_USER, pin->data, pin->len);
  if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE)
    note_refused_pin(module);
  if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN) return chio_module_fail(module, rv, "log in", detail);
  module->pin_refused = false;
  module->logged_in = true;
  return CHIO_OK;
}

CK_RV chio_module_login_for_key(struct chio_module *module, CK_SESSION_HANDLE session) {
  CHIO_AUTO(chio_secret) struct chio_secret *pin = NULL;
  if (chio_secret_file(module->pin_file, CHIO_MODULE_PIN_MAX, &pin, NULL) != CHIO_OK) return CKR_USER_NOT_LOGGED_IN;
  return module->p11->C_Login(session, CKU_CONTEXT_SPECIFIC, pin->data, pin->len);
}

/* With the lock held: a login is a state of the whole token, so it happens once. */
static enum chio_err open_session(struct chio_module *module, CK_SESSION_HANDLE *out_session,
                                  struct chio_detail *detail) {
  enum chio_err err = initialize(module, detail);
  if (err == CHIO_OK && !module->have_slot) err = find_slot(module, detail);
  if (err != CHIO_OK) return err;
  CK_RV rv = module->p11->C_OpenSession(module->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, out_session);
  if (rv == CKR_TOKEN_WRITE_PROTECTED)
    rv = module->p11->C_OpenSession(module->slot, CKF_SERIAL_SESSION, NULL, NULL, out_session);
  if (rv != CKR_OK) {
    module->have_slot = false; /* it may be in another slot by now */
    return chio_module_fail(module, rv, "open a session", detail);
  }
  err = log_in(module, *out_session, detail);
  if (err != CHIO_OK) (void)module->p11->C_CloseSession(*out_session);
  return err;
}

static bool wait_for_one(struct chio_module *module, const struct chio_deadline *deadline) {
  struct timespec until = {(time_t)(deadline->at_ms / 1000u), (long)(deadline->at_ms % 1000u) * 1000000L};
  while (module->idle_count == 0 && module->in_use >= CHIO_MODULE_SESSIONS_MAX)
    if (pthread_cond_timedwait(&module->freed, &module->lock, &until) == ETIMEDOUT) return false;
  return true;
}

enum chio_err chio_module_acquire(struct chio_module *module, const struct chio_deadline *deadline,
                                  struct chio_module_session *out_session, struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  CK_SESSION_HANDLE handle = 0;
  (void)pthread_mutex_lock(&module->lock);
  if (chio_deadline_left_ms(deadline) == 0 || !wait_for_one(module, deadline))
    err = chio_fail(detail, CHIO_E_TIMEOUT, "backend '%s': no session in time", module->name);
  else if (module->idle_count > 0)
    handle = module->idle[--module->idle_count];
  else
    err = open_session(module, &handle, detail);
  if (err == CHIO_OK) {
    module->in_use++;
    *out_session = (struct chio_module_session){handle, module->generation};
  }
  (void)pthread_mutex_unlock(&module->lock);
  return err;
}

void chio_module_release(struct chio_module *module, struct chio_module_session session, CK_RV rv) {
  (void)pthread_mutex_lock(&module->lock);
  module->in_use--;
  bool current = session.generation == module->generation;
  if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) module->initialized = false;
  if (current && chio_module_session_is_lost(rv)) give_all_up(module);
  /* After another failure the session may be in the middle of something: it is not used again either. */
  if (current && rv == CKR_OK)
    module->idle[module->idle_count++] = session.handle;
  else
    (void)module->p11->C_CloseSession(session.handle);
  if (module->in_use + module->idle_count == 0) {
    module->logged_in = false; /* the last one takes the login with it, and that the handles of what it showed */
    chio_module_known_clear(module);
  }
  (void)pthread_cond_signal(&module->freed);
  (void)pthread_mutex_unlock(&module->lock);
}

enum chio_err chio_module_perform(struct chio_module *module, const struct chio_deadline *deadline, bool once,
                                  chio_module_run *run, void *arg, struct chio_detail *detail) {
  enum chio_err err = CHIO_OK;
  for (unsigned tries = 0; tries < 2; tries++) {
    struct chio_module_session session;
    err = chio_module_acquire(module, deadline, &session, detail);
    if (err != CHIO_OK) return err;
    CK_RV rv = run(arg, session.handle, &err);
    chio_module_release(module, session, rv);
    if (once || !chio_module_session_is_lost(rv)) return err;
  }
  return err;
}

void chio_module_finalize(struct chio_module *module) {
  if (!module->initialized) return;
  give_all_up(module);
  (void)module->p11->C_Finalize(NULL);
  module->initialized = false;
}
