#include "provider/err.h"

#include "provider/prov.h"

#include <stdarg.h>
#include <stdio.h>

const OSSL_ITEM *chio_reason_strings(void) {
  static const OSSL_ITEM reasons[] = {
#define CHIO_REASON(name, number, text) {(number), (void *)(uintptr_t)(text)},
#include "provider/reason.def"
#undef CHIO_REASON
      {0, NULL}};
  return reasons;
}

static void raise_va(const struct chio_prov *prov, const char *file, int line, const char *func,
                     enum chio_reason reason, const char *format, va_list args) {
  const struct chio_prov_core *core = chio_prov_core(prov);
  if (core->new_error == NULL || core->vset_error == NULL) return;
  core->new_error(core->handle);
  if (core->set_error_debug != NULL) core->set_error_debug(core->handle, file, line, func);
  core->vset_error(core->handle, (uint32_t)reason, format, args);
}

int chio_raise_at(const struct chio_prov *prov, const char *file, int line, const char *func, enum chio_reason reason,
                  const char *format, ...) {
  if (prov == NULL) return 0;
  va_list args;
  va_start(args, format);
  raise_va(prov, file, line, func, reason, format, args);
  va_end(args);
  return 0;
}

static enum chio_reason reason_of(enum chio_err err) {
  switch (err) {
    case CHIO_E_NO_MEMORY: return CHIO_R_NO_MEMORY;
    case CHIO_E_INTERNAL: return CHIO_R_INTERNAL;
    case CHIO_E_CONFIG: return CHIO_R_CONFIG;
    case CHIO_E_UNREACHABLE:
    case CHIO_E_DISCONNECTED:
    case CHIO_E_PEER_UNTRUSTED:
    case CHIO_E_TIMEOUT: return CHIO_R_SIGNER_UNREACHABLE;
    case CHIO_E_NOT_LOGGED_IN: return CHIO_R_PIN_NEEDED;
    case CHIO_E_PIN_INCORRECT:
    case CHIO_E_PIN_LENGTH:
    case CHIO_E_PIN_INVALID: return CHIO_R_PIN_WRONG;
    default: return CHIO_R_SIGNER;
  }
}

int chio_raise_err_at(const struct chio_prov *prov, const char *file, int line, const char *func, enum chio_err err,
                      const struct chio_detail *detail, const char *what) {
  const char *text = detail != NULL && detail->text[0] != '\0' ? detail->text : chio_err_text(err);
  return chio_raise_at(prov, file, line, func, reason_of(err), "%s: %s", what, text);
}

void chio_errors_mark(const struct chio_prov *prov) {
  const struct chio_prov_core *core = chio_prov_core(prov);
  if (core->set_error_mark != NULL) core->set_error_mark(core->handle);
}

void chio_errors_keep(const struct chio_prov *prov) {
  const struct chio_prov_core *core = chio_prov_core(prov);
  if (core->clear_last_error_mark != NULL) core->clear_last_error_mark(core->handle);
}

void chio_errors_drop(const struct chio_prov *prov) {
  const struct chio_prov_core *core = chio_prov_core(prov);
  if (core->pop_error_to_mark != NULL) core->pop_error_to_mark(core->handle);
}
