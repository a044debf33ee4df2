/* The named limits of the protocol, in bytes unless said otherwise. docs/protocol.md lists them. */
#ifndef CHIO_WIRE_LIMITS_H
#define CHIO_WIRE_LIMITS_H

#include "signer/wire/attrs.h"
#include "signer/wire/frame.h"

#define CHIO_PROTOCOL_VERSION 1u
#define CHIO_PROGRAM_MAX 64u
#define CHIO_PATH_MAX 108u /* sun_path */
#define CHIO_STATUS_MAX 65536u
#define CHIO_SLOTS_MAX 256u      /* slots */
#define CHIO_MECHANISMS_MAX 256u /* mechanisms */
#define CHIO_PIN_MIN 4u
#define CHIO_PIN_MAX 255u
#define CHIO_USER_NAME_MAX 64u
#define CHIO_TICKET_MAX 256u
#define CHIO_TEMPLATE_MAX (768u * 1024u)
#define CHIO_FIND_MAX 1024u    /* objects a page */
#define CHIO_ATTR_SMALL 2048u  /* larger values are sent only when asked for by name */
#define CHIO_PARAMS_MAX 1024u
#define CHIO_DATA_MAX (1024u * 1024u)
#define CHIO_SIGNATURE_MAX (256u * 1024u) /* an evidence bundle is the largest */
#define CHIO_BATCH_ITEMS_MAX 256u         /* items */
#define CHIO_BATCH_DATA_MAX CHIO_DATA_MAX /* of all items with their lengths */
#define CHIO_BATCH_SIGNATURE_MAX 1024u
#define CHIO_BATCH_RESULTS_MAX (CHIO_BATCH_ITEMS_MAX * (8u + CHIO_BATCH_SIGNATURE_MAX))
#define CHIO_POLICY_MAX (64u * 1024u)
#define CHIO_POLICY_ROOTS_MAX (32u * 32u)
#define CHIO_COLLATERAL_MAX (384u * 1024u)
#define CHIO_DELEGATION_NAME_MAX 256u
#define CHIO_DELEGATION_MAX (256u * 1024u) /* certificates, leaf first */
#define CHIO_DELEGATION_LINK_MAX 4096u
#define CHIO_STREAM_BUFFER_MAX (16u * 1024u * 1024u) /* a stream whose mechanism needs the message whole */

enum chio_user { CHIO_USER_SO = 0, CHIO_USER_USER = 1, CHIO_USER_CONTEXT = 2 }; /* as CKU_* */
enum chio_stream_operation { CHIO_STREAM_SIGN = 1, CHIO_STREAM_VERIFY = 2, CHIO_STREAM_DIGEST = 3 };

/* Features, negotiated in HELLO: what version 1 of the protocol has besides, one bit each. */
#define CHIO_FEATURE_TRACE 1u /* the signer takes TRACE */
#define CHIO_FEATURES_KNOWN CHIO_FEATURE_TRACE
#define CHIO_TRACEPARENT_MAX 256u /* bytes: 55, and what later versions may add */

#endif
