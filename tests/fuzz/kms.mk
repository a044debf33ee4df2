# The KMS adapters: key URIs.
FUZZ_TARGETS += tests/fuzz/fuzz_key_uri
tests_fuzz_fuzz_key_uri_SOURCES = tests/fuzz/fuzz_key_uri.c $(FUZZ_MAIN)
tests_fuzz_fuzz_key_uri_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_key_uri_LDADD = kms-adapters/libchio-kms.la signer/wire/libchio-wire.la signer/base/libchio-base.la

FUZZ_TARGETS += tests/fuzz/fuzz_azure
tests_fuzz_fuzz_azure_SOURCES = tests/fuzz/fuzz_azure.c $(FUZZ_MAIN)
tests_fuzz_fuzz_azure_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_azure_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_azure_LDADD = kms-adapters/libchio-kms.la signer/wire/libchio-wire.la signer/base/libchio-base.la $(JANSSON_LIBS)

# What KMS servers answer.
FUZZ_TARGETS += tests/fuzz/fuzz_kms_reply
tests_fuzz_fuzz_kms_reply_SOURCES = tests/fuzz/fuzz_kms_reply.c $(FUZZ_MAIN)
tests_fuzz_fuzz_kms_reply_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_kms_reply_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_kms_reply_LDADD = kms-adapters/libchio-kms.la signer/wire/libchio-wire.la signer/base/libchio-base.la \
  $(JANSSON_LIBS)

# What Azure releases, and what its attestation service says.
FUZZ_TARGETS += tests/fuzz/fuzz_release
tests_fuzz_fuzz_release_SOURCES = tests/fuzz/fuzz_release.c tests/fuzz/recipient_key.h $(FUZZ_MAIN)
tests_fuzz_fuzz_release_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_release_LDADD = $(CORE_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_maa
tests_fuzz_fuzz_maa_SOURCES = tests/fuzz/fuzz_maa.c $(FUZZ_MAIN)
tests_fuzz_fuzz_maa_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_maa_LDADD = $(FUZZ_ATTEST_LIBS)
