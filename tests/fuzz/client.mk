# The client: what a signer answers.
FUZZ_TARGETS += tests/fuzz/fuzz_client_reply
tests_fuzz_fuzz_client_reply_SOURCES = tests/fuzz/fuzz_client_reply.c $(FUZZ_MAIN)
tests_fuzz_fuzz_client_reply_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_client_reply_LDADD = signer/client/libchio-client.la signer/wire/libchio-wire.la \
  signer/base/libchio-base.la
