/*
 * CKM_CHIO_SIGN_BATCH: one C_Sign signs many messages in one round trip. Its parameter is the CK_MECHANISM that signs
 * each of them; data and signature are sequences of a length of 4 bytes, big-endian, and that many bytes. All messages
 * are signed, or none is handed out.
 */
#ifndef CHIO_PKCS11_SIGN_BATCH_H
#define CHIO_PKCS11_SIGN_BATCH_H

#include "pkcs11/library.h"

/* The mechanism within; its own parameter is the application's memory still. CKR_MECHANISM_PARAM_INVALID. */
CHIO_MUST_CHECK CK_RV p11_batch_mechanism(const CK_MECHANISM *given, CK_MECHANISM *out_inner);

/* The messages of a sequence, borrowed from it. CKR_DATA_INVALID for what is none; CKR_DATA_LEN_RANGE for one without
 * messages, or with more than one request takes. */
CHIO_MUST_CHECK CK_RV p11_batch_messages(struct chio_slice data, struct chio_batch_item items[CHIO_BATCH_ITEMS_MAX],
                                         size_t *out_count);

/* C_Sign, with the arguments in order. A query for the length costs no round trip. Errors as those of
 * p11_batch_messages; else what the first message that was not signed says. Ends the operation as C_Sign does. */
CHIO_MUST_CHECK CK_RV p11_sign_batch(struct p11_call *call, struct p11_operation *op, struct chio_slice data,
                                     CK_BYTE *signature, CK_ULONG *signature_len);

#endif
