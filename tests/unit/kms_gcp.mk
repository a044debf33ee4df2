# Unit tests of the Google Cloud KMS adapter.
GCP_RIG = tests/unit/gcp_rig.c tests/unit/gcp_rig.h tests/support/http_script.c tests/support/http_script.h \
  tests/support/temp_dir.h
GCP_TEST_LIBS = kms-adapters/libchio-kms.la $(JANSSON_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_kms_gcp
tests_unit_test_kms_gcp_SOURCES = tests/unit/test_kms_gcp.c $(GCP_RIG)
tests_unit_test_kms_gcp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_gcp_LDADD = $(GCP_TEST_LIBS)

UNIT_TESTS += tests/unit/test_kms_gcp_credentials
tests_unit_test_kms_gcp_credentials_SOURCES = tests/unit/test_kms_gcp_credentials.c $(GCP_RIG)
tests_unit_test_kms_gcp_credentials_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_gcp_credentials_LDADD = $(GCP_TEST_LIBS)

UNIT_TESTS += tests/unit/test_kms_gcp_ring
tests_unit_test_kms_gcp_ring_SOURCES = tests/unit/test_kms_gcp_ring.c $(GCP_RIG)
tests_unit_test_kms_gcp_ring_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_gcp_ring_LDADD = $(GCP_TEST_LIBS)

UNIT_TESTS += tests/unit/test_kms_gcp_tokens
tests_unit_test_kms_gcp_tokens_SOURCES = tests/unit/test_kms_gcp_tokens.c $(GCP_RIG)
tests_unit_test_kms_gcp_tokens_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_gcp_tokens_LDADD = $(GCP_TEST_LIBS)
