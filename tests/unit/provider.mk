# Unit tests of provider/.
UNIT_TESTS += tests/unit/test_provider_uri
tests_unit_test_provider_uri_SOURCES = tests/unit/test_provider_uri.c
tests_unit_test_provider_uri_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_provider_uri_LDADD = signer/client/libchio-client.la $(UNIT_LIBS)
