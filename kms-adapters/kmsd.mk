# chio-kmsd: a program that chiod starts, in no PATH. Its main and its list of adapters stand apart, so that a test can
# bring a list of its own.
noinst_LTLIBRARIES += kms-adapters/libchio-kmsd.la
kms_adapters_libchio_kmsd_la_SOURCES = \
  kms-adapters/kmsd.c \
  kms-adapters/kmsd_backend.c kms-adapters/kmsd_backend.h \
  kms-adapters/kmsd_call.c kms-adapters/kmsd_call.h \
  kms-adapters/kmsd_fetch.c kms-adapters/kmsd_fetch.h \
  kms-adapters/kmsd_check.c kms-adapters/kmsd_check.h \
  kms-adapters/kmsd_files.c kms-adapters/kmsd_files.h \
  signer/base/filter.c signer/base/filter.h \
  kms-adapters/kmsd_sandbox.c kms-adapters/kmsd_sandbox.def kms-adapters/kmsd_sandbox.h \
  kms-adapters/kmsd_server.c kms-adapters/kmsd_server.h
kms_adapters_libchio_kmsd_la_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
kms_adapters_libchio_kmsd_la_LIBADD = $(SECCOMP_LIBS)
KMSD_LIBS = kms-adapters/libchio-kmsd.la kms-adapters/libchio-kms.la signer/wire/libchio-wire-backend.la \
  signer/wire/libchio-wire.la signer/base/libchio-base.la

chiolib_PROGRAMS += kms-adapters/chio-kmsd
kms_adapters_chio_kmsd_SOURCES = kms-adapters/registry.c
kms_adapters_chio_kmsd_LDADD = $(KMSD_LIBS)
