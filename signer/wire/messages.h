/* Every message, for those who handle all of them. */
#ifndef CHIO_WIRE_MESSAGES_H
#define CHIO_WIRE_MESSAGES_H

#include "signer/wire/msg_collateral.h"
#include "signer/wire/msg_delegate.h"
#include "signer/wire/msg_digest.h"
#include "signer/wire/msg_hello.h"
#include "signer/wire/msg_key_pair.h"
#include "signer/wire/msg_login.h"
#include "signer/wire/msg_logout.h"
#include "signer/wire/msg_object_copy.h"
#include "signer/wire/msg_object_create.h"
#include "signer/wire/msg_object_destroy.h"
#include "signer/wire/msg_object_find.h"
#include "signer/wire/msg_object_get.h"
#include "signer/wire/msg_object_set.h"
#include "signer/wire/msg_pin_init.h"
#include "signer/wire/msg_pin_set.h"
#include "signer/wire/msg_random.h"
#include "signer/wire/msg_renew.h"
#include "signer/wire/msg_session_close.h"
#include "signer/wire/msg_sign.h"
#include "signer/wire/msg_slot_list.h"
#include "signer/wire/msg_status.h"
#include "signer/wire/msg_stream_abort.h"
#include "signer/wire/msg_stream_begin.h"
#include "signer/wire/msg_stream_data.h"
#include "signer/wire/msg_stream_end.h"
#include "signer/wire/msg_token_info.h"
#include "signer/wire/msg_token_init.h"
#include "signer/wire/msg_verify.h"

#endif
