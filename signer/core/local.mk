# The signer's core, all of it in one convenience library: what decides (objects, templates, dispatch, evidence) and what
# it decides about (crypto, seal, store, users).
noinst_LTLIBRARIES += signer/core/libchio-core.la
signer_core_libchio_core_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
signer_core_libchio_core_la_LIBADD = signer/wire/libchio-wire.la \
  signer/base/libchio-base.la $(CRYPTO_LIBS) $(SODIUM_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS)
signer_core_libchio_core_la_SOURCES = \
  signer/core/core.h \
  signer/core/state_lock.c signer/core/state_lock.h
