#include "provider/prov.h"

#include "provider/signer.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdatomic.h>
#include <stdlib.h>

struct chio_prov {
  struct chio_prov_core core;
  struct chio_prov_config config;
  _Atomic(OSSL_LIB_CTX *) libctx;
  _Atomic(struct chio_signer *) signers; /* a list that only grows, at its head */
};

const struct chio_prov_core *chio_prov_core(const struct chio_prov *prov) {
  return &prov->core;
}

const struct chio_prov_config *chio_prov_config(const struct chio_prov *prov) {
  return &prov->config;
}

static void core_read(struct chio_prov_core *core, const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in) {
  core->handle = handle;
  core->in = in;
  for (; in->function_id != 0; in++) {
    switch (in->function_id) {
      case OSSL_FUNC_CORE_GET_PARAMS: core->get_params = OSSL_FUNC_core_get_params(in); break;
      case OSSL_FUNC_CORE_NEW_ERROR: core->new_error = OSSL_FUNC_core_new_error(in); break;
      case OSSL_FUNC_CORE_SET_ERROR_DEBUG: core->set_error_debug = OSSL_FUNC_core_set_error_debug(in); break;
      case OSSL_FUNC_CORE_VSET_ERROR: core->vset_error = OSSL_FUNC_core_vset_error(in); break;
      case OSSL_FUNC_CORE_SET_ERROR_MARK: core->set_error_mark = OSSL_FUNC_core_set_error_mark(in); break;
      case OSSL_FUNC_CORE_CLEAR_LAST_ERROR_MARK:
        core->clear_last_error_mark = OSSL_FUNC_core_clear_last_error_mark(in);
        break;
      case OSSL_FUNC_CORE_POP_ERROR_TO_MARK: core->pop_error_to_mark = OSSL_FUNC_core_pop_error_to_mark(in); break;
      default: break;
    }
  }
}

static bool copy_text(const char *text, char **out_copy) {
  if (text == NULL || text[0] == '\0') return true;
  *out_copy = strdup(text);
  return *out_copy != NULL;
}

static bool config_read(const struct chio_prov_core *core, struct chio_prov_config *config) {
  char *signer = NULL, *pin = NULL, *pin_source = NULL;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_ptr("signer", &signer, 0),
                         OSSL_PARAM_construct_utf8_ptr("pin", &pin, 0),
                         OSSL_PARAM_construct_utf8_ptr("pin-source", &pin_source, 0), OSSL_PARAM_construct_end()};
  if (core->get_params == NULL || core->get_params(core->handle, params) != 1) return true;
  if (!copy_text(signer, &config->signer) || !copy_text(pin_source, &config->pin_source)) return false;
  if (pin == NULL || pin[0] == '\0') return true;
  return chio_secret_copy(chio_slice_str(pin), &config->pin) == CHIO_OK;
}

struct chio_prov *chio_prov_new(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in) {
  struct chio_prov *prov = calloc(1, sizeof *prov);
  if (prov == NULL) return NULL;
  core_read(&prov->core, handle, in);
  if (!config_read(&prov->core, &prov->config)) {
    chio_prov_free(prov);
    return NULL;
  }
  return prov;
}

void chio_prov_free(struct chio_prov *prov) {
  if (prov == NULL) return;
  struct chio_signer *next;
  for (struct chio_signer *signer = atomic_load(&prov->signers); signer != NULL; signer = next) {
    next = chio_signer_next(signer);
    chio_signer_free(signer);
  }
  OSSL_LIB_CTX_free(atomic_load(&prov->libctx));
  free(prov->config.signer);
  free(prov->config.pin_source);
  chio_secret_free(prov->config.pin);
  free(prov);
}

OSSL_LIB_CTX *chio_prov_libctx(struct chio_prov *prov) {
  OSSL_LIB_CTX *libctx = atomic_load(&prov->libctx);
  if (libctx != NULL) return libctx;
  OSSL_LIB_CTX *made = OSSL_LIB_CTX_new_child(prov->core.handle, prov->core.in);
  if (made == NULL) {
    chio_raise(prov, CHIO_R_INTERNAL, "the child library context could not be made");
    return NULL;
  }
  if (atomic_compare_exchange_strong(&prov->libctx, &libctx, made)) return made;
  OSSL_LIB_CTX_free(made);
  return libctx;
}

/* Looks from head up to (not including) known. */
static struct chio_signer *signer_find(struct chio_signer *head, const struct chio_signer *known,
                                       const char *endpoints) {
  for (; head != known; head = chio_signer_next(head))
    if (chio_signer_is(head, endpoints)) return head;
  return NULL;
}

struct chio_signer *chio_prov_signer(struct chio_prov *prov, const char *endpoints) {
  struct chio_signer *head = atomic_load(&prov->signers);
  struct chio_signer *found = signer_find(head, NULL, endpoints);
  if (found != NULL) return found;
  struct chio_signer *made = chio_signer_new(prov, endpoints);
  if (made == NULL) return NULL;
  for (;;) {
    chio_signer_set_next(made, head);
    struct chio_signer *known = head;
    if (atomic_compare_exchange_weak(&prov->signers, &head, made)) return made;
    found = signer_find(head, known, endpoints);
    if (found == NULL) continue;
    chio_signer_free(made);
    return found;
  }
}
