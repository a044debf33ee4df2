/*
 * JSON bodies of requests and replies (jansson): typed, bounded, errors that name the member. A body that came over the
 * wire is untrusted: duplicate members, trailing text and nesting deeper than CHIO_BODY_DEPTH_MAX are refused.
 */
#ifndef CHIO_KMS_BODY_H
#define CHIO_KMS_BODY_H

#include "signer/base/buf.h"
#include "signer/base/secret.h"

#include <jansson.h>

#define CHIO_BODY_DEPTH_MAX 32u

/* From now on jansson wipes what it frees, its own buffers with it: tokens and plaintexts come as JSON. For the start
 * of a process, before any JSON. */
void chio_body_wipe_freed(void);

/* Parses one JSON object. what names the reply in the detail ("the reply of Sign"). CHIO_E_BACKEND, CHIO_E_NO_MEMORY.
 * The caller drops the reference. */
CHIO_MUST_CHECK enum chio_err chio_body_parse(struct chio_slice text, const char *what, json_t **out_object,
                                              struct chio_detail *detail);

/* A member that must be there and be text without NUL of 1 to max bytes; borrowed from the object. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_body_text(const json_t *object, const char *member, size_t max,
                                             const char **out_text, struct chio_detail *detail);
/* A member that may be missing or null (NULL then). CHIO_E_BACKEND when it is something else than text. */
CHIO_MUST_CHECK enum chio_err chio_body_text_if(const json_t *object, const char *member, const char **out_text,
                                                struct chio_detail *detail);
/* A member with base64 (url: base64url without padding) of at most max bytes; appended to out. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_body_bytes(const json_t *object, const char *member, bool url, size_t max,
                                              struct chio_buf *out, struct chio_detail *detail);
/* The same where the bytes are secret: the text in the object is wiped once it was read. */
CHIO_MUST_CHECK enum chio_err chio_body_secret(json_t *object, const char *member, bool url, size_t max,
                                               struct chio_secret **out_secret, struct chio_detail *detail);
/* A number, or (as proto3's JSON has 64-bit ones) a string of decimal digits. CHIO_E_BACKEND. */
CHIO_MUST_CHECK enum chio_err chio_body_u64(const json_t *object, const char *member, uint64_t *out_number,
                                            struct chio_detail *detail);

/* Sets a member to bytes as base64 (url: base64url without padding). CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_body_set_bytes(json_t *object, const char *member, bool url,
                                                  struct chio_slice bytes);

/* The object as compact text with sorted members, appended. CHIO_E_NO_MEMORY. */
CHIO_MUST_CHECK enum chio_err chio_body_write(const json_t *object, struct chio_buf *out);

/* Reads a small file that holds a secret or a token (at most max bytes; white space at its end is cut off). The file
 * must be a regular file. CHIO_E_NOT_FOUND, CHIO_E_PERMISSION, CHIO_E_TOO_LONG, CHIO_E_IO; the detail names the path,
 * never the content. */
CHIO_MUST_CHECK enum chio_err chio_secret_file(const char *path, size_t max, struct chio_secret **out_secret,
                                               struct chio_detail *detail);

#endif
