# chiod: bytes into frames.
FUZZ_TARGETS += tests/fuzz/fuzz_reader
tests_fuzz_fuzz_reader_SOURCES = tests/fuzz/fuzz_reader.c $(FUZZ_MAIN)
tests_fuzz_fuzz_reader_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_reader_LDADD = signer/daemon/libchio-daemon.la signer/wire/libchio-wire.la signer/base/libchio-base.la
