# attest/: evidence in and out. Links libcrypto, jansson and libcbor; includes only signer/base.
noinst_LTLIBRARIES += attest/libchio-attest.la
attest_libchio_attest_la_SOURCES = \
  attest/bundle.c attest/bundle.h \
  attest/crypto.c attest/crypto.h \
  attest/dcap.h \
  attest/der_write.c attest/der_write.h \
  attest/ecdsa.c attest/ecdsa.h \
  attest/jcs.c attest/jcs.h \
  attest/json.c attest/json.h \
  attest/platform.c attest/platform.h attest/platform_backend.h \
  attest/sim_dcap.c attest/sim_dcap.h \
  attest/sim_pki.c attest/sim_pki.h \
  attest/sim_tdx.c \
  attest/text.c attest/text.h
attest_libchio_attest_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS) $(CBOR_CFLAGS)
attest_libchio_attest_la_LIBADD = $(CRYPTO_LIBS) $(JANSSON_LIBS) $(CBOR_LIBS) -lm
