# AWS: refusals, XML, credentials, shared files, times.
FUZZ_TARGETS += tests/fuzz/fuzz_aws
tests_fuzz_fuzz_aws_SOURCES = tests/fuzz/fuzz_aws.c $(FUZZ_MAIN)
tests_fuzz_fuzz_aws_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_aws_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_aws_LDADD = kms-adapters/libchio-kms.la signer/wire/libchio-wire.la signer/base/libchio-base.la \
  $(JANSSON_LIBS)

# What a KMS wrapped for a key in evidence.
FUZZ_TARGETS += tests/fuzz/fuzz_recipient
tests_fuzz_fuzz_recipient_SOURCES = tests/fuzz/fuzz_recipient.c tests/fuzz/recipient_key.h $(FUZZ_MAIN)
tests_fuzz_fuzz_recipient_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_recipient_LDADD = $(CORE_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS)
