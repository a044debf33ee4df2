# Unit tests of signer/client.
CLIENT_RIG = tests/unit/client_rig.c tests/unit/client_rig.h tests/unit/fake_signer.c tests/unit/fake_signer.h

UNIT_TESTS += tests/unit/test_client
tests_unit_test_client_SOURCES = tests/unit/test_client.c $(CLIENT_RIG)
tests_unit_test_client_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_client_LDADD = signer/client/libchio-client.la $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_client_fork
tests_unit_test_client_fork_SOURCES = tests/unit/test_client_fork.c $(CLIENT_RIG)
tests_unit_test_client_fork_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_client_fork_LDADD = signer/client/libchio-client.la $(UNIT_LIBS)
