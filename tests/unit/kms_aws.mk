# Unit tests of the AWS adapter.
AWS_RIG = tests/unit/aws_rig.c tests/unit/aws_rig.h tests/support/http_script.c tests/support/http_script.h

UNIT_TESTS += tests/unit/test_kms_aws
tests_unit_test_kms_aws_SOURCES = tests/unit/test_kms_aws.c $(AWS_RIG)
tests_unit_test_kms_aws_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_aws_LDADD = kms-adapters/libchio-kms.la $(JANSSON_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_kms_aws_keys
tests_unit_test_kms_aws_keys_SOURCES = tests/unit/test_kms_aws_keys.c $(AWS_RIG)
tests_unit_test_kms_aws_keys_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_aws_keys_LDADD = kms-adapters/libchio-kms.la $(JANSSON_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_kms_aws_credentials
tests_unit_test_kms_aws_credentials_SOURCES = tests/unit/test_kms_aws_credentials.c tests/support/http_script.c \
  tests/support/http_script.h tests/support/temp_dir.h
tests_unit_test_kms_aws_credentials_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_aws_credentials_LDADD = kms-adapters/libchio-kms.la $(JANSSON_LIBS) $(UNIT_LIBS)

# The sealing root that a KMS unwraps.
UNIT_TESTS += tests/unit/test_seal_kms
tests_unit_test_seal_kms_SOURCES = tests/unit/test_seal_kms.c tests/support/temp_dir.h
tests_unit_test_seal_kms_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_seal_kms_LDADD = $(CORE_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)
