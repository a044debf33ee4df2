# Unit tests with cmocka: tests/unit/test_<module>.c. Add the name to UNIT_TESTS and its sources below.
UNIT_TESTS =
UNIT_LIBS = $(CMOCKA_LIBS) signer/wire/libchio-wire.la signer/base/libchio-base.la

UNIT_TESTS += tests/unit/test_wire
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c
tests_unit_test_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_wire_LDADD = $(UNIT_LIBS)

CRYPTO_RIG = tests/unit/crypto_rig.c tests/unit/crypto_rig.h

UNIT_TESTS += tests/unit/test_crypto
tests_unit_test_crypto_SOURCES = tests/unit/test_crypto.c $(CRYPTO_RIG)
tests_unit_test_crypto_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_crypto_LDADD = $(CORE_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_crypto_keys
tests_unit_test_crypto_keys_SOURCES = tests/unit/test_crypto_keys.c $(CRYPTO_RIG)
tests_unit_test_crypto_keys_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_crypto_keys_LDADD = $(CORE_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_seal
tests_unit_test_seal_SOURCES = tests/unit/test_seal.c tests/support/temp_dir.h
tests_unit_test_seal_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_seal_LDADD = $(CORE_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_seal_snp tests/unit/test_seal_sgx
tests_unit_test_seal_snp_SOURCES = tests/unit/test_seal_snp.c tests/support/temp_dir.h
tests_unit_test_seal_snp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_seal_snp_LDADD = $(CORE_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)
tests_unit_test_seal_sgx_SOURCES = tests/unit/test_seal_sgx.c tests/support/temp_dir.h
tests_unit_test_seal_sgx_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -DCHIO_FAKE_GRAMINE='"$(FAKE_GRAMINE)"'
tests_unit_test_seal_sgx_LDADD = $(CORE_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)
include tests/unit/attest.mk
include tests/unit/platform.mk
include tests/unit/base.mk
include tests/unit/client.mk
include tests/unit/pkcs11.mk
include tests/unit/core.mk
include tests/unit/tools.mk
include tests/unit/provider.mk

STORE_BED = tests/unit/store_bed.c tests/unit/store_bed.h tests/support/temp_dir.h

UNIT_TESTS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(STORE_BED)
tests_unit_test_store_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_LDADD = $(CORE_LIBS) $(SQLITE_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_store_file
tests_unit_test_store_file_SOURCES = tests/unit/test_store_file.c $(STORE_BED)
tests_unit_test_store_file_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_store_file_LDADD = $(CORE_LIBS) $(SQLITE_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test_user
tests_unit_test_user_SOURCES = tests/unit/test_user.c tests/support/temp_dir.h
tests_unit_test_user_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_user_LDADD = $(CORE_LIBS) $(SODIUM_LIBS) $(UNIT_LIBS)
include tests/unit/daemon.mk
include tests/unit/kms.mk
include tests/unit/kms_aws.mk
include tests/unit/kms_gcp.mk

if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
