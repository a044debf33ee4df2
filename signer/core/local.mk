# The signer's core, all of it in one convenience library: what decides (objects, templates, dispatch, evidence) and what
# it decides about (crypto, seal, store, users).
# The core and all it stands on, for who links it.
CORE_LIBS = signer/core/libchio-core.la attest/libchio-verify.la $(PLATFORM_LIBS) signer/wire/libchio-wire.la signer/base/libchio-base.la

noinst_LTLIBRARIES += signer/core/libchio-core.la
signer_core_libchio_core_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
signer_core_libchio_core_la_LIBADD = $(CRYPTO_LIBS) $(SODIUM_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS)
signer_core_libchio_core_la_SOURCES = \
  signer/core/attr_set.c signer/core/attr_set.h \
  signer/core/backend.h \
  signer/core/backend_key_pair.c signer/core/backend_key_pair.h \
  signer/core/backend_attestation.c signer/core/backend_attestation.h \
  signer/core/backend_look.c signer/core/backend_look.h \
  signer/core/backend_sign.c signer/core/backend_sign.h \
  signer/core/backend_slot.c signer/core/backend_slot.h \
  signer/core/boot_evidence.c signer/core/boot_evidence.h \
  signer/core/call.c signer/core/call.h \
  signer/core/certificate.c signer/core/certificate.h \
  signer/core/conn.c signer/core/conn.h \
  signer/core/core.c signer/core/core.h \
  signer/core/change.c signer/core/change.h \
  signer/core/delegated.c signer/core/delegated.h \
  signer/core/delegation.c signer/core/delegation.h signer/core/delegation_keep.c signer/core/delegation_make.c \
  signer/core/dispatch.c \
  signer/core/evidence.c signer/core/evidence.h \
  signer/core/handle_create.c \
  signer/core/handle_delegate.c \
  signer/core/handle_find.c \
  signer/core/handle_get.c \
  signer/core/handle_hello.c \
  signer/core/handle_key_pair.c \
  signer/core/handle_object.c \
  signer/core/handle_rotate.c \
  signer/core/handle_sign.c \
  signer/core/handle_sign_batch.c \
  signer/core/handle_status.c \
  signer/core/handle_stream.c \
  signer/core/handle_token.c \
  signer/core/handle_trace.c \
  signer/core/handle_user.c \
  signer/core/housekeeper.c signer/core/housekeeper.h \
  signer/core/issue.c signer/core/issue.h \
  signer/core/key_pair.h \
  signer/core/key_state.c signer/core/key_state.h \
  signer/core/label_claim.c signer/core/label_claim.h \
  signer/core/kept_collateral.c signer/core/kept_collateral.h \
  signer/core/lifecycle.c signer/core/lifecycle.h \
  signer/core/newborn.c signer/core/newborn.h \
  signer/core/object.c signer/core/object.h \
  signer/core/object_table.c signer/core/object_table.h \
  signer/core/papers.c signer/core/papers.h \
  signer/core/pin.h \
  signer/core/renewal.c signer/core/renewal.h \
  signer/core/rotation_lag.c signer/core/rotation_lag.h \
  signer/core/state.h \
  signer/core/state_lock.c signer/core/state_lock.h \
  signer/core/statement.c signer/core/statement.h \
  signer/core/template.c signer/core/template.h \
  signer/core/use.c signer/core/use.h \
  signer/core/value.c signer/core/value.h \
  signer/core/yubihsm.c signer/core/yubihsm.h

# Keys and algorithms.
signer_core_libchio_core_la_SOURCES += \
  signer/core/certify.c signer/core/certify.h \
  signer/core/crypto.c signer/core/crypto.h signer/core/crypto_context.h \
  signer/core/der.c signer/core/der.h \
  signer/core/digest.c \
  signer/core/direct.c signer/core/direct.h \
  signer/core/ed25519_dom2.c signer/core/ed25519_dom2.h \
  signer/core/fips.c signer/core/fips.h \
  signer/core/key.c signer/core/key.h \
  signer/core/key_ec.c signer/core/key_ed25519.c signer/core/key_rsa.c \
  signer/core/key_pool.c signer/core/key_pool.h

# The sealing root.
signer_core_libchio_core_la_SOURCES += \
  signer/core/jws_x5c.c signer/core/jws_x5c.h \
  signer/core/recipient.c signer/core/recipient.h \
  signer/core/release.c signer/core/release.h \
  signer/core/release_key.c signer/core/release_key.h \
  signer/core/root_file.c signer/core/root_file.h \
  signer/core/root_kms.c signer/core/root_kms.h \
  signer/core/root_release.c signer/core/root_release.h \
  signer/core/root_sgx.c signer/core/root_sgx.h \
  signer/core/root_snp.c signer/core/root_snp.h \
  signer/core/root_wrapped.c signer/core/root_wrapped.h \
  signer/core/seal.c signer/core/seal.h \
  signer/core/search.c signer/core/search.h \
  signer/core/state_file.c signer/core/state_file.h

# The sealed store.
signer_core_libchio_core_la_SOURCES += \
  signer/core/store.c signer/core/store.h signer/core/store_db.h \
  signer/core/store_audit.c signer/core/store_find.c signer/core/store_object.c \
  signer/core/store_sum.c signer/core/store_sum.h \
  signer/core/store_token.c signer/core/store_user.c

# PINs and tickets.
signer_core_libchio_core_la_SOURCES += \
  signer/core/context_ticket.c signer/core/context_ticket.h \
  signer/core/ticket.c \
  signer/core/user.c signer/core/user.h signer/core/user_db.h

# Collateral for verifiers, fetched by the front end.
signer_core_libchio_core_la_SOURCES += signer/core/handle_collateral.c
