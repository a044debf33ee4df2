noinst_LTLIBRARIES += signer/base/libchio-base.la
signer_base_libchio_base_la_SOURCES = \
  signer/base/buf.c signer/base/buf.h \
  signer/base/build_id.c signer/base/build_id.h \
  signer/base/config.c signer/base/config.h \
  signer/base/cursor.h \
  signer/base/err.c signer/base/err.def signer/base/err.h \
  signer/base/histogram.c signer/base/histogram.h \
  signer/base/landlock.c signer/base/landlock.h \
  signer/base/lifetime.h \
  signer/base/log.c signer/base/log.h \
  signer/base/macros.h \
  signer/base/secret.c signer/base/secret.h \
  signer/base/slice.h \
  signer/base/duration.c signer/base/duration.h \
  signer/base/text.c signer/base/text.h \
  signer/base/toml.c signer/base/toml.h \
  signer/base/toml_parse.c \
  signer/base/toml_scalar.c \
  signer/base/toml_scan.c signer/base/toml_scan.h \
  signer/base/toml_time.c \
  signer/base/toml_tree.c signer/base/toml_tree.h \
  signer/base/toml_value.c \
  signer/base/utf8.c signer/base/utf8.h \
  signer/base/write.c signer/base/write.h
signer_base_libchio_base_la_LIBADD = $(SODIUM_LIBS)
