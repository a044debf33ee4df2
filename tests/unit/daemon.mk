# Unit tests of signer/daemon.
DAEMON_TEST_LIBS = $(CMOCKA_LIBS) $(DAEMON_LIBS)
UNIT_TESTS += tests/unit/test_reader tests/unit/test_options tests/unit/test_sandbox tests/unit/test_embedded
tests_unit_test_reader_SOURCES = tests/unit/test_reader.c
tests_unit_test_reader_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_reader_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_test_options_SOURCES = tests/unit/test_options.c
tests_unit_test_options_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_options_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c
tests_unit_test_sandbox_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sandbox_LDADD = $(DAEMON_TEST_LIBS)
tests_unit_test_embedded_SOURCES = tests/unit/test_embedded.c
tests_unit_test_embedded_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_embedded_LDADD = $(UNIT_LIBS)
EXTRA_tests_unit_test_embedded_DEPENDENCIES = signer/daemon/chio-embedded.la

TESTS += tests/unit/sandbox_doc.sh
EXTRA_DIST += tests/unit/sandbox_doc.sh
TESTS += tests/unit/operations_doc.sh
EXTRA_DIST += tests/unit/operations_doc.sh

UNIT_TESTS += tests/unit/test_reach
tests_unit_test_reach_SOURCES = tests/unit/test_reach.c tests/support/temp_dir.h
tests_unit_test_reach_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_reach_LDADD = $(DAEMON_TEST_LIBS) $(CRYPTO_LIBS)
EXTRA_tests_unit_test_reach_DEPENDENCIES = tests/support/kmsd_fake
