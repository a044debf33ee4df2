# Unit tests of signer/client.
UNIT_TESTS += tests/unit/test_client
tests_unit_test_client_SOURCES = tests/unit/test_client.c tests/unit/fake_signer.c tests/unit/fake_signer.h
tests_unit_test_client_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_client_LDADD = signer/client/libchio-client.la $(UNIT_LIBS)
