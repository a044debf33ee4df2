/*
 * What sign, verify and digest have in common: the state between C_XxxInit and its end, the check of a key against a
 * mechanism, data that is gathered and, past P11_GATHER_MAX, streamed.
 */
#ifndef CHIO_PKCS11_OPERATION_H
#define CHIO_PKCS11_OPERATION_H

#include "pkcs11/cryptoki3.h"
#include "signer/base/buf.h"
#include "signer/base/secret.h"
#include "signer/client/client.h"
#include "signer/wire/mechanism.h"
#include "signer/wire/uid.h"

#define P11_GATHER_MAX (64u * 1024u) /* bytes of multi-part data kept here before a stream begins */

struct p11_call;

struct p11_operation {
  bool active;
  bool batch;      /* CKM_CHIO_SIGN_BATCH: mechanism is the one within */
  bool in_message; /* between C_SignMessageBegin and the last part */
  bool updated; /* a part was given: the one-shot call is out of question */
  const struct chio_mechanism *mechanism;
  struct chio_buf params; /* wire form */
  struct chio_uid uid;    /* the key; zero for a digest */
  bool is_private;        /* a private object: ends with the login */
  uint64_t epoch;         /* the slot's at C_XxxInit */
  bool always_authenticate;
  struct chio_secret *context; /* ticket of a context-specific login */
  size_t output_len;           /* bytes of the signature or digest; 0 when only the signer knows */
  struct chio_buf gathered;
  struct chio_stream *stream;
  struct chio_buf held;    /* output_len 0: an output that is waiting for a buffer large enough */
  struct chio_buf held_of; /* what it was made of */
};

/* Frees what it has and makes it inactive. */
void p11_operation_end(struct p11_operation *op);

/* Forgets the data given so far and the login for one use; key and mechanism stay, for the next message. */
void p11_operation_next(struct p11_operation *op);

/* In the child of fork: a stream is lost by itself (the client knows its process), a context login is forgotten. */
void p11_operation_after_fork(struct p11_operation *op);

/* C_SignInit, C_MessageSignInit and C_VerifyInit: checks everything that the key's attributes tell, and begins. Costs
 * no round trip when they are in the cache. A NULL mechanism cancels the operation under way (PKCS #11 v3.0,
 * 5.13.1). */
CHIO_MUST_CHECK CK_RV p11_operation_begin_key(struct p11_call *call, struct p11_operation *op,
                                              enum chio_stream_operation kind, const CK_MECHANISM *given,
                                              CK_OBJECT_HANDLE key);

/* C_DigestInit. */
CHIO_MUST_CHECK CK_RV p11_operation_begin_digest(struct p11_call *call, const CK_MECHANISM *given);

/* CKR_OPERATION_NOT_INITIALIZED, also when it ended with the login. */
CHIO_MUST_CHECK CK_RV p11_operation_ready(struct p11_call *call, struct p11_operation *op);

/* One part of multi-part data. The caller ends the operation when it fails. */
CHIO_MUST_CHECK CK_RV p11_operation_update(struct p11_call *call, struct p11_operation *op,
                                           enum chio_stream_operation kind, struct chio_slice part);

/* All data at once; signature is for verify. The output borrows from the session's holder. */
CHIO_MUST_CHECK CK_RV p11_operation_run(struct p11_call *call, struct p11_operation *op,
                                        enum chio_stream_operation kind, struct chio_slice data,
                                        struct chio_slice signature, struct chio_slice *out_output);

/* The end of multi-part data. */
CHIO_MUST_CHECK CK_RV p11_operation_finish(struct p11_call *call, struct p11_operation *op,
                                           enum chio_stream_operation kind, struct chio_slice signature,
                                           struct chio_slice *out_output);

/* The rules of output buffers (PKCS #11 v3.0, 5.2) for an output whose length is known beforehand. True: the call is
 * answered with *out_rv and the operation goes on. */
bool p11_operation_asks_length(const struct p11_operation *op, const CK_BYTE *output, CK_ULONG *output_len,
                               CK_RV *out_rv);

/* Copies an output of at most output_len bytes out. */
CHIO_MUST_CHECK CK_RV p11_operation_give(const struct p11_operation *op, struct chio_slice output, CK_BYTE *out,
                                         CK_ULONG *out_len);

#endif
