# Unit tests of kms-adapters/.
UNIT_TESTS += tests/unit/test_sigv4
tests_unit_test_sigv4_SOURCES = tests/unit/test_sigv4.c
tests_unit_test_sigv4_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sigv4_LDADD = kms-adapters/libchio-kms.la $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_key_uri
tests_unit_test_key_uri_SOURCES = tests/unit/test_key_uri.c
tests_unit_test_key_uri_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_key_uri_LDADD = kms-adapters/libchio-kms.la $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_retry
tests_unit_test_retry_SOURCES = tests/unit/test_retry.c
tests_unit_test_retry_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_retry_LDADD = kms-adapters/libchio-kms.la $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_kms_base
tests_unit_test_kms_base_SOURCES = tests/unit/test_kms_base.c tests/support/http_script.c tests/support/http_script.h \
  tests/support/own_clock.h
tests_unit_test_kms_base_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_base_LDADD = kms-adapters/libchio-kms.la $(JANSSON_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_kms_azure
tests_unit_test_kms_azure_SOURCES = tests/unit/test_kms_azure.c tests/support/http_script.c tests/support/http_script.h
tests_unit_test_kms_azure_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_azure_LDADD = kms-adapters/libchio-kms.la $(JANSSON_LIBS) $(UNIT_LIBS)

# What Azure releases.
UNIT_TESTS += tests/unit/test_release
tests_unit_test_release_SOURCES = tests/unit/test_release.c tests/support/release_maker.c tests/support/release_maker.h
tests_unit_test_release_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_release_LDADD = $(CORE_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_maa_request
tests_unit_test_maa_request_SOURCES = tests/unit/test_maa_request.c
tests_unit_test_maa_request_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_maa_request_LDADD = attest/libchio-verify.la $(PLATFORM_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_root_release
tests_unit_test_root_release_SOURCES = tests/unit/test_root_release.c tests/support/release_maker.c \
  tests/support/release_maker.h tests/support/temp_dir.h
tests_unit_test_root_release_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_root_release_LDADD = $(CORE_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

VAULT_RIG = tests/unit/vault_rig.c tests/unit/vault_rig.h tests/support/http_script.c tests/support/http_script.h \
  tests/support/temp_dir.h

UNIT_TESTS += tests/unit/test_kms_vault
tests_unit_test_kms_vault_SOURCES = tests/unit/test_kms_vault.c $(VAULT_RIG) tests/support/own_clock.h
tests_unit_test_kms_vault_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_vault_LDADD = kms-adapters/libchio-kms.la $(JANSSON_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_kms_vault_keys
tests_unit_test_kms_vault_keys_SOURCES = tests/unit/test_kms_vault_keys.c $(VAULT_RIG)
tests_unit_test_kms_vault_keys_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kms_vault_keys_LDADD = kms-adapters/libchio-kms.la $(JANSSON_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_kms_module
tests_unit_test_kms_module_SOURCES = tests/unit/test_kms_module.c tests/support/temp_dir.h
tests_unit_test_kms_module_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_kms_module_LDADD = kms-adapters/libchio-kms.la $(CRYPTO_LIBS) $(P11KIT_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_kmsd_check
tests_unit_test_kmsd_check_SOURCES = tests/unit/test_kmsd_check.c
tests_unit_test_kmsd_check_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_kmsd_check_LDADD = $(CMOCKA_LIBS) $(KMSD_LIBS)

UNIT_TESTS += tests/unit/test_kmsd_sandbox
tests_unit_test_kmsd_sandbox_SOURCES = tests/unit/test_kmsd_sandbox.c
tests_unit_test_kmsd_sandbox_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_kmsd_sandbox_LDADD = $(CMOCKA_LIBS) $(KMSD_LIBS)
