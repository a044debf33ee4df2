# Fuzz targets of pkcs11/.
FUZZ_TARGETS += tests/fuzz/fuzz_pkcs11
tests_fuzz_fuzz_pkcs11_SOURCES = tests/fuzz/fuzz_pkcs11.c $(FUZZ_MAIN)
tests_fuzz_fuzz_pkcs11_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_pkcs11_LDADD = pkcs11/libchio-p11.la signer/client/libchio-client.la signer/wire/libchio-wire.la \
  signer/base/libchio-base.la $(SODIUM_LIBS)
