noinst_LTLIBRARIES += signer/base/libchio-base.la
signer_base_libchio_base_la_SOURCES = \
  signer/base/buf.c signer/base/buf.h \
  signer/base/cursor.h \
  signer/base/err.c signer/base/err.def signer/base/err.h \
  signer/base/log.c signer/base/log.h \
  signer/base/macros.h \
  signer/base/secret.c signer/base/secret.h \
  signer/base/slice.h \
  signer/base/utf8.c signer/base/utf8.h
signer_base_libchio_base_la_LIBADD = $(SODIUM_LIBS)
