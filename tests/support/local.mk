# What tests/support/ adds to the build.

check_PROGRAMS += tests/support/toml_decoder
tests_support_toml_decoder_SOURCES = tests/support/toml_decoder.c
tests_support_toml_decoder_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_support_toml_decoder_LDADD = $(JANSSON_LIBS) signer/base/libchio-base.la
EXTRA_DIST += tests/support/toml-test/go.mod tests/support/toml-test/go.sum tests/support/toml-test/tools.go
