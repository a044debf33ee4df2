/*
 * The border to OpenSSL's error queue: the provider's own reasons (reason.def), raised through the core's functions, so
 * that they land in the application's libcrypto even where that is not the one we link. One error per failure, raised
 * where the failure is first seen; callers pass failures on without a word. No text ever holds a PIN.
 */
#ifndef CHIO_PROVIDER_ERR_H
#define CHIO_PROVIDER_ERR_H

#include "signer/base/err.h"

#include <openssl/core.h>

enum chio_reason {
#define CHIO_REASON(name, number, text) CHIO_R_##name = (number),
#include "provider/reason.def"
#undef CHIO_REASON
};

struct chio_prov;

/* The table for OSSL_FUNC_PROVIDER_GET_REASON_STRINGS. Static storage. */
const OSSL_ITEM *chio_reason_strings(void);

/* Puts one error on the stack; always returns 0, so that a refusal is one line. prov may be NULL: nothing happens. */
#define chio_raise(prov, reason, ...) chio_raise_at((prov), __FILE__, __LINE__, __func__, (reason), __VA_ARGS__)
int chio_raise_at(const struct chio_prov *prov, const char *file, int line, const char *func, enum chio_reason reason,
                  const char *format, ...) CHIO_PRINTF(6, 7);

/* The same from an error of ours: picks the reason; the text is "WHAT: DETAIL". Always returns 0. */
#define chio_raise_err(prov, err, detail, what) \
  chio_raise_err_at((prov), __FILE__, __LINE__, __func__, (err), (detail), (what))
int chio_raise_err_at(const struct chio_prov *prov, const char *file, int line, const char *func, enum chio_err err,
                      const struct chio_detail *detail, const char *what);

/* Around a step that may fail without being a failure: begin, then end with whether its errors are kept. */
void chio_errors_mark(const struct chio_prov *prov);
void chio_errors_keep(const struct chio_prov *prov);
void chio_errors_drop(const struct chio_prov *prov);

#endif
