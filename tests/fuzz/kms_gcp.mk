# The Google adapter: replies, credential files, tokens.
FUZZ_TARGETS += tests/fuzz/fuzz_gcp
tests_fuzz_fuzz_gcp_SOURCES = tests/fuzz/fuzz_gcp.c $(FUZZ_MAIN)
tests_fuzz_fuzz_gcp_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_gcp_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_gcp_LDADD = kms-adapters/libchio-kms.la $(JANSSON_LIBS) signer/wire/libchio-wire.la signer/base/libchio-base.la
