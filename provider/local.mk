# provider/: chio.so.
ossl_modules_LTLIBRARIES += provider/chio.la
provider_chio_la_SOURCES = \
  provider/algid.c provider/algid.h \
  provider/algorithms.h \
  provider/decoder.c \
  provider/deliver.c provider/deliver.h \
  provider/encoder.c \
  provider/err.c provider/err.h provider/reason.def \
  provider/find.c provider/find.h \
  provider/job.c provider/job.h \
  provider/key.c provider/key.h \
  provider/keygen.c provider/keygen.h \
  provider/keymgmt.c \
  provider/login.c provider/login.h \
  provider/pin.c provider/pin.h \
  provider/prov.c provider/prov.h \
  provider/provider.c \
  provider/sig.c provider/sig.h \
  provider/sig_ecdsa.c \
  provider/sig_ed25519.c \
  provider/sig_rsa.c \
  provider/sig_rsa_params.c provider/sig_rsa_params.h \
  provider/signer.c provider/signer.h \
  provider/store.c
provider_chio_la_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
provider_chio_la_LDFLAGS = $(CHIO_MODULE_LDFLAGS) -export-symbols-regex '^OSSL_provider_init$$'
provider_chio_la_LIBADD = signer/client/libchio-client.la \
  signer/wire/libchio-wire.la signer/base/libchio-base.la $(SODIUM_LIBS) $(CRYPTO_LIBS)

provider_exampledir = $(docdir)
dist_provider_example_DATA = provider/chio-openssl.cnf
dist_man_MANS += docs/man/chio-provider.7
