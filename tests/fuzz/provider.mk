# Fuzz targets of provider/.
FUZZ_TARGETS += tests/fuzz/fuzz_uri
tests_fuzz_fuzz_uri_SOURCES = tests/fuzz/fuzz_uri.c $(FUZZ_MAIN)
tests_fuzz_fuzz_uri_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_uri_LDADD = signer/client/libchio-client.la signer/wire/libchio-wire.la signer/base/libchio-base.la

FUZZ_TARGETS += tests/fuzz/fuzz_pem_uri
tests_fuzz_fuzz_pem_uri_SOURCES = tests/fuzz/fuzz_pem_uri.c $(FUZZ_MAIN)
tests_fuzz_fuzz_pem_uri_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_pem_uri_LDADD = signer/client/libchio-client.la signer/wire/libchio-wire.la signer/base/libchio-base.la
