# chio-pkcs11.so: the PKCS#11 module.
noinst_LTLIBRARIES += pkcs11/libchio-p11.la
pkcs11_libchio_p11_la_SOURCES = \
  pkcs11/app.h \
  pkcs11/attribute.c pkcs11/attribute.h \
  pkcs11/cache.c pkcs11/cache.h \
  pkcs11/cryptoki3.h \
  pkcs11/digest.c \
  pkcs11/functions.def pkcs11/functions3.def \
  pkcs11/find.c pkcs11/find.h \
  pkcs11/handle.c pkcs11/handle.h \
  pkcs11/key.c \
  pkcs11/keyfit.c pkcs11/keyfit.h \
  pkcs11/library.c pkcs11/library.h \
  pkcs11/login.c pkcs11/login.h \
  pkcs11/map.c pkcs11/map.h \
  pkcs11/mechanism.c pkcs11/mechanism.h \
  pkcs11/object.c \
  pkcs11/operation.c pkcs11/operation.h \
  pkcs11/pin.c \
  pkcs11/random.c \
  pkcs11/rv.c pkcs11/rv.h \
  pkcs11/session.c pkcs11/session.h \
  pkcs11/sign.c \
  pkcs11/sign_batch.c pkcs11/sign_batch.h \
  pkcs11/sign_message.c \
  pkcs11/slot.c pkcs11/slot.h \
  pkcs11/unsupported.c \
  pkcs11/v3.c \
  pkcs11/verify.c

pkcs11_LTLIBRARIES += pkcs11/chio-pkcs11.la
pkcs11_chio_pkcs11_la_SOURCES = pkcs11/interface.c
pkcs11_chio_pkcs11_la_LDFLAGS = $(CHIO_MODULE_LDFLAGS) -Wl,--version-script=$(srcdir)/pkcs11/chio-pkcs11.map
pkcs11_chio_pkcs11_la_LIBADD = pkcs11/libchio-p11.la signer/client/libchio-client.la signer/wire/libchio-wire.la \
  signer/base/libchio-base.la $(SODIUM_LIBS)
pkcs11_chio_pkcs11_la_DEPENDENCIES = pkcs11/libchio-p11.la signer/client/libchio-client.la \
  signer/wire/libchio-wire.la signer/base/libchio-base.la pkcs11/chio-pkcs11.map

# The module's registration with p11-kit, which looks for a bare name in a folder of its own: a path it is.
p11kit_module_DATA += pkcs11/chio-hsm.module
pkcs11/chio-hsm.module: Makefile
	$(AM_V_GEN)$(MKDIR_P) pkcs11 && \
	printf '# The tokens of chio-hsm: chio-pkcs11(7).\nmodule: %s\n' '$(pkcs11dir)/chio-pkcs11.so' >$@.new && mv $@.new $@
CLEANFILES += pkcs11/chio-hsm.module
EXTRA_DIST += pkcs11/chio-pkcs11.map
dist_man_MANS += docs/man/chio-pkcs11.7
