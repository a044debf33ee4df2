# Unit tests of attest/'s real platforms: fakes of the kernel's interfaces, tests/support/fake_*.c.
if HAVE_FUSE
check_PROGRAMS += tests/support/fake_tsm tests/support/fake_gramine
FAKE_TSM = $(abs_builddir)/tests/support/fake_tsm
FAKE_GRAMINE = $(abs_builddir)/tests/support/fake_gramine
endif
EXTRA_DIST += tests/support/fuse_mount.h
tests_support_fake_tsm_SOURCES = tests/support/fake_tsm.c tests/support/faults.h
tests_support_fake_tsm_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS) $(CRYPTO_CFLAGS)
tests_support_fake_tsm_LDADD = attest/libchio-verify.la $(PLATFORM_LIBS) signer/base/libchio-base.la \
  $(FUSE_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS)
tests_support_fake_gramine_SOURCES = tests/support/fake_gramine.c tests/support/faults.h
tests_support_fake_gramine_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
tests_support_fake_gramine_LDADD = signer/base/libchio-base.la $(FUSE_LIBS)

UNIT_TESTS += tests/unit/test_attest_tsm
tests_unit_test_attest_tsm_SOURCES = tests/unit/test_attest_tsm.c
tests_unit_test_attest_tsm_CFLAGS = $(ATTEST_TEST_CFLAGS) -DCHIO_FAKE_TSM='"$(FAKE_TSM)"'
tests_unit_test_attest_tsm_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_snp_certs
tests_unit_test_attest_snp_certs_SOURCES = tests/unit/test_attest_snp_certs.c
tests_unit_test_attest_snp_certs_CFLAGS = $(ATTEST_TEST_CFLAGS) -DCHIO_SOURCE_TOP='"$(abs_top_srcdir)"'
tests_unit_test_attest_snp_certs_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_sev_guest
tests_unit_test_attest_sev_guest_SOURCES = tests/unit/test_attest_sev_guest.c
tests_unit_test_attest_sev_guest_CFLAGS = $(ATTEST_TEST_CFLAGS)
tests_unit_test_attest_sev_guest_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_gramine
tests_unit_test_attest_gramine_SOURCES = tests/unit/test_attest_gramine.c
tests_unit_test_attest_gramine_CFLAGS = $(ATTEST_TEST_CFLAGS) -DCHIO_FAKE_GRAMINE='"$(FAKE_GRAMINE)"'
tests_unit_test_attest_gramine_LDADD = $(ATTEST_TEST_LIBS)

UNIT_TESTS += tests/unit/test_attest_nsm
tests_unit_test_attest_nsm_SOURCES = tests/unit/test_attest_nsm.c
tests_unit_test_attest_nsm_CFLAGS = $(ATTEST_TEST_CFLAGS) $(CBOR_CFLAGS)
tests_unit_test_attest_nsm_LDADD = $(ATTEST_TEST_LIBS) $(CBOR_LIBS)

UNIT_TESTS += tests/unit/test_attest_auto
tests_unit_test_attest_auto_SOURCES = tests/unit/test_attest_auto.c
tests_unit_test_attest_auto_CFLAGS = $(ATTEST_TEST_CFLAGS) -DCHIO_FAKE_TSM='"$(FAKE_TSM)"' \
  -DCHIO_FAKE_GRAMINE='"$(FAKE_GRAMINE)"'
tests_unit_test_attest_auto_LDADD = $(ATTEST_TEST_LIBS)

if HAVE_TSS
UNIT_TESTS += tests/unit/test_attest_azure
endif
EXTRA_DIST += tests/unit/test_attest_azure.c tests/support/soft_tpm.c tests/support/soft_tpm.h
tests_unit_test_attest_azure_SOURCES = tests/unit/test_attest_azure.c tests/support/soft_tpm.c tests/support/soft_tpm.h
tests_unit_test_attest_azure_CFLAGS = $(ATTEST_TEST_CFLAGS) $(TSS_CFLAGS)
tests_unit_test_attest_azure_LDADD = $(DAEMON_TEST_LIBS) $(CRYPTO_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS) $(TSS_LIBS)
