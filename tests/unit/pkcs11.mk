# Unit tests of pkcs11/.
UNIT_TESTS += tests/unit/test_pkcs11
tests_unit_test_pkcs11_SOURCES = tests/unit/test_pkcs11.c
tests_unit_test_pkcs11_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_pkcs11_LDADD = pkcs11/libchio-p11.la signer/client/libchio-client.la $(SODIUM_LIBS) $(UNIT_LIBS)
