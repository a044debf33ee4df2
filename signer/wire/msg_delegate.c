#include "signer/wire/msg_delegate.h"

static const struct chio_field request_fields[] = {
    CHIO_FIELD(chio_delegate_request, issuer_slot, U32, 0),
    CHIO_FIELD(chio_delegate_request, issuer_ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_delegate_request, issuer, UID, 0),
    CHIO_FIELD(chio_delegate_request, slot, U32, 0),
    CHIO_FIELD(chio_delegate_request, ticket, SECRET, CHIO_TICKET_MAX),
    CHIO_FIELD(chio_delegate_request, key, UID, 0),
    CHIO_FIELD(chio_delegate_request, seconds, U64, 0),
    CHIO_FIELD(chio_delegate_request, name, BYTES, CHIO_DELEGATION_NAME_MAX),
    CHIO_FIELD(chio_delegate_request, policy, BYTES, CHIO_POLICY_MAX),
    CHIO_FIELD(chio_delegate_request, roots, BYTES, CHIO_POLICY_ROOTS_MAX),
    CHIO_FIELD(chio_delegate_request, collateral, BYTES, CHIO_COLLATERAL_MAX),
};
const struct chio_fields chio_delegate_request_fields = CHIO_FIELDS(request_fields);

static const struct chio_field reply_fields[] = {
    CHIO_FIELD(chio_delegate_reply, chain, BYTES, CHIO_DELEGATION_MAX),
    CHIO_FIELD(chio_delegate_reply, link, BYTES, CHIO_DELEGATION_LINK_MAX),
    CHIO_FIELD(chio_delegate_reply, not_after, U64, 0),
};
const struct chio_fields chio_delegate_reply_fields = CHIO_FIELDS(reply_fields);
