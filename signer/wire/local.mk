noinst_LTLIBRARIES += signer/wire/libchio-wire.la
signer_wire_libchio_wire_la_SOURCES = \
  signer/wire/attribute.c signer/wire/attribute.def signer/wire/attribute.h \
  signer/wire/attrs.c signer/wire/attrs.h \
  signer/wire/batch.c signer/wire/batch.h \
  signer/wire/cryptoki.h \
  signer/wire/door.h \
  signer/wire/embedded.h \
  signer/wire/field.c signer/wire/field.h \
  signer/wire/frame.c signer/wire/frame.h \
  signer/wire/key_type.c signer/wire/key_type.h \
  signer/wire/limits.h \
  signer/wire/mech_params.c signer/wire/mech_params.h \
  signer/wire/mechanism.c signer/wire/mechanism.def signer/wire/mechanism.h \
  signer/wire/message.c signer/wire/message.def signer/wire/message.h signer/wire/messages.h \
  signer/wire/msg_collateral.c signer/wire/msg_collateral.h \
  signer/wire/msg_delegate.c signer/wire/msg_delegate.h \
  signer/wire/msg_digest.c signer/wire/msg_digest.h \
  signer/wire/msg_hello.c signer/wire/msg_hello.h \
  signer/wire/msg_key_pair.c signer/wire/msg_key_pair.h \
  signer/wire/msg_login.c signer/wire/msg_login.h \
  signer/wire/msg_logout.c signer/wire/msg_logout.h \
  signer/wire/msg_object_copy.c signer/wire/msg_object_copy.h \
  signer/wire/msg_object_create.c signer/wire/msg_object_create.h \
  signer/wire/msg_object_destroy.c signer/wire/msg_object_destroy.h \
  signer/wire/msg_object_find.c signer/wire/msg_object_find.h \
  signer/wire/msg_object_get.c signer/wire/msg_object_get.h \
  signer/wire/msg_object_set.c signer/wire/msg_object_set.h \
  signer/wire/msg_pin_init.c signer/wire/msg_pin_init.h \
  signer/wire/msg_pin_set.c signer/wire/msg_pin_set.h \
  signer/wire/msg_random.c signer/wire/msg_random.h \
  signer/wire/msg_renew.c signer/wire/msg_renew.h \
  signer/wire/msg_rotate.c signer/wire/msg_rotate.h \
  signer/wire/msg_session_close.c signer/wire/msg_session_close.h \
  signer/wire/msg_sign.c signer/wire/msg_sign.h \
  signer/wire/msg_sign_batch.c signer/wire/msg_sign_batch.h \
  signer/wire/msg_slot_list.c signer/wire/msg_slot_list.h \
  signer/wire/msg_status.c signer/wire/msg_status.h \
  signer/wire/msg_stream_abort.c signer/wire/msg_stream_abort.h \
  signer/wire/msg_stream_begin.c signer/wire/msg_stream_begin.h \
  signer/wire/msg_stream_data.c signer/wire/msg_stream_data.h \
  signer/wire/msg_stream_end.c signer/wire/msg_stream_end.h \
  signer/wire/msg_token_info.c signer/wire/msg_token_info.h \
  signer/wire/msg_token_init.c signer/wire/msg_token_init.h \
  signer/wire/msg_trace.c signer/wire/msg_trace.h \
  signer/wire/msg_verify.c signer/wire/msg_verify.h \
  signer/wire/traceparent.c signer/wire/traceparent.h \
  signer/wire/uid.c signer/wire/uid.h

# The messages between chiod and chio-kmsd: a library of their own, so that the modules do not carry them.
noinst_LTLIBRARIES += signer/wire/libchio-wire-backend.la
signer_wire_libchio_wire_backend_la_SOURCES = \
  signer/wire/backend.def signer/wire/backend_limits.h \
  signer/wire/backend_message.c signer/wire/backend_message.h \
  signer/wire/backend_attestation.c signer/wire/backend_attestation.h \
  signer/wire/backend_call.c signer/wire/backend_call.h \
  signer/wire/backend_create.c signer/wire/backend_create.h \
  signer/wire/backend_decrypt.c signer/wire/backend_decrypt.h \
  signer/wire/backend_describe.c signer/wire/backend_describe.h \
  signer/wire/backend_encrypt.c signer/wire/backend_encrypt.h \
  signer/wire/backend_fetch.c signer/wire/backend_fetch.h \
  signer/wire/backend_health.c signer/wire/backend_health.h \
  signer/wire/backend_list.c signer/wire/backend_list.h \
  signer/wire/backend_lock.c signer/wire/backend_lock.h \
  signer/wire/backend_open.c signer/wire/backend_open.h \
  signer/wire/backend_ping.c signer/wire/backend_ping.h \
  signer/wire/backend_sign.c signer/wire/backend_sign.h \
  signer/wire/backend_trace.c signer/wire/backend_trace.h
