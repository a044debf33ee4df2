# What tests/support/ adds to the build.

check_PROGRAMS += tests/support/toml_decoder
tests_support_toml_decoder_SOURCES = tests/support/toml_decoder.c
tests_support_toml_decoder_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_support_toml_decoder_LDADD = $(JANSSON_LIBS) signer/base/libchio-base.la
EXTRA_DIST += tests/support/toml-test/go.mod tests/support/toml-test/go.sum tests/support/toml-test/tools.go

# The signer under test: with-chiod, and what makes its token.
dist_noinst_SCRIPTS = tests/support/with-chiod
noinst_PROGRAMS += tests/support/make_token
tests_support_make_token_SOURCES = tests/support/make_token.c
tests_support_make_token_LDADD = signer/client/libchio-client.la signer/wire/libchio-wire.la signer/base/libchio-base.la

# Keys for the tests of the front doors.
noinst_PROGRAMS += tests/support/make_key
tests_support_make_key_SOURCES = tests/support/make_key.c
tests_support_make_key_LDADD = signer/client/libchio-client.la signer/wire/libchio-wire.la signer/base/libchio-base.la
check_PROGRAMS += tests/support/frames
tests_support_frames_SOURCES = tests/support/frames.c
tests_support_frames_LDADD = signer/wire/libchio-wire.la signer/base/libchio-base.la

EXTRA_DIST += tests/support/later.c tests/support/maa_server.py tests/support/measured.py
EXTRA_DIST += tests/support/run-unit tests/support/helm tests/support/scripted_tool
EXTRA_DIST += tests/support/judges tests/support/judges.sh

noinst_PROGRAMS += tests/support/use_key
tests_support_use_key_SOURCES = tests/support/use_key.c
tests_support_use_key_LDADD = signer/client/libchio-client.la signer/wire/libchio-wire.la signer/base/libchio-base.la

# One KMS adapter by itself, against a real server.
check_PROGRAMS += tests/support/use_adapter
tests_support_use_adapter_SOURCES = tests/support/use_adapter.c tests/support/verify_signature.c \
  tests/support/verify_signature.h kms-adapters/registry.c
tests_support_use_adapter_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
tests_support_use_adapter_LDADD = kms-adapters/libchio-kms.la signer/wire/libchio-wire.la signer/base/libchio-base.la \
  $(CURL_LIBS) $(CRYPTO_LIBS)

# A chio-kmsd whose only KMS is inside it.
noinst_PROGRAMS += tests/support/kmsd_fake
tests_support_kmsd_fake_SOURCES = tests/support/fake_kms.c
tests_support_kmsd_fake_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_support_kmsd_fake_LDADD = $(KMSD_LIBS) $(CRYPTO_LIBS)

# What a simulated HSM attests of a key, for the test servers that have one.
noinst_PROGRAMS += tests/support/make_attestation
tests_support_make_attestation_SOURCES = tests/support/make_attestation.c tests/support/hsm_attest.c \
  tests/support/hsm_attest.h
tests_support_make_attestation_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS)
tests_support_make_attestation_LDADD = signer/base/libchio-base.la $(CRYPTO_LIBS) $(ZLIB_LIBS)

# Load on several slots at once.
noinst_PROGRAMS += tests/support/load_keys
tests_support_load_keys_SOURCES = tests/support/load_keys.c
tests_support_load_keys_LDADD = signer/client/libchio-client.la signer/wire/libchio-wire.la signer/base/libchio-base.la

if ADDRESS_SANITIZER
check_LTLIBRARIES += tests/support/sanitizer_first.la
tests_support_sanitizer_first_la_SOURCES = tests/support/sanitizer_first.c
tests_support_sanitizer_first_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath $(abs_builddir) -Wl,-z,initfirst
endif
